//! The commands about plans: by path and step number, so that an editor that shows neither lenses nor
//! menus has all of it.

use pleach_agent::Action;
use pleach_plan::{Status, StepKey};
use pleach_text::ByteOffset;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{JobEnd, StepRef};
use crate::from_proto;
use crate::session::Session;
use crate::session::arguments::Given;
use crate::session::commands::CommandFailure;

/// What can be done with plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanCommand {
    /// Make one.
    Make,
    /// Carry out a step, or all that can be.
    Run,
    /// Tick a step.
    Done,
    /// Leave a step out.
    Skip,
    /// Set a step back to be done.
    Reopen,
    /// Take back what a step has changed.
    Undo,
    /// Think the rest out anew.
    Revise,
    /// Say what running a step would do.
    Explain,
}

impl PlanCommand {
    pub(crate) const ALL: [Self; 8] = [
        Self::Make,
        Self::Run,
        Self::Done,
        Self::Skip,
        Self::Reopen,
        Self::Undo,
        Self::Revise,
        Self::Explain,
    ];

    /// The command's name as editors send it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Make => "pleach.plan",
            Self::Run => "pleach.plan.run",
            Self::Done => "pleach.plan.done",
            Self::Skip => "pleach.plan.skip",
            Self::Reopen => "pleach.plan.reopen",
            Self::Undo => "pleach.plan.undo",
            Self::Revise => "pleach.plan.revise",
            Self::Explain => "pleach.plan.explain",
        }
    }

    pub(crate) fn from_command(command: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.command() == command)
    }
}

/// What a command about plans is given. The plan, and the step in it, may be left out: then they are
/// where the editor asked last.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PlanArguments {
    pub(super) uri: Option<String>,
    pub(super) path: Option<String>,
    pub(super) step: Option<u32>,
    /// 1-based: the step that holds this line.
    pub(super) line: Option<u32>,
    /// The whole plan.
    pub(super) all: bool,
    /// Whether the commands of checks may run without a question.
    pub(super) allow: bool,
    /// What is wanted, in words; for a revision, what should be different.
    pub(super) goal: Option<String>,
    /// What a new plan is made from: `todos`, `document`, `tests` or `fixes`.
    pub(super) from: Option<String>,
    /// What is reported, for a plan that mends it.
    pub(super) diagnostics: Vec<lsp_types::Diagnostic>,
}

impl PlanArguments {
    pub(crate) fn read(command: PlanCommand, given: Vec<Value>) -> Result<Self, String> {
        let words = |line: String| {
            let mut read = Self::default();
            if command == PlanCommand::Make {
                read.goal = Some(line);
                return Ok(read);
            }
            for word in line.split_whitespace() {
                match word {
                    "all" => read.all = true,
                    "allow" => read.allow = true,
                    _ => match word.parse() {
                        Ok(number) if read.step.is_none() => read.step = Some(number),
                        _ if read.path.is_none() => read.path = Some(word.to_owned()),
                        _ => return Err(format!("`{word}` is neither a plan nor a step")),
                    },
                }
            }
            Ok(read)
        };
        let number = |number: u64| {
            Ok(Self {
                step: number.try_into().ok(),
                ..Self::default()
            })
        };
        Given::of(given).read(words, number)
    }
}

impl Session {
    /// Carries a command about plans out, at once or as a job.
    pub(in crate::session) fn plan_command(
        &mut self,
        command: PlanCommand,
        arguments: PlanArguments,
    ) -> Result<Value, CommandFailure> {
        if command == PlanCommand::Make {
            return self.make_plan(arguments);
        }
        let path = self.plan_meant(&arguments)?;
        let is_running = self.is_running(&path);
        if command == PlanCommand::Run && arguments.all {
            if is_running {
                return Err(CommandFailure::PlanRuns);
            }
            let job = self.run_plan(&path, None, arguments.allow);
            return Ok(json!({ "job": job }));
        }
        let Some(key) = self.step_meant(&path, &arguments) else {
            if command == PlanCommand::Run && arguments.step.is_none() && !is_running {
                let job = self.run_plan(&path, None, arguments.allow);
                return Ok(json!({ "job": job }));
            }
            return Err(CommandFailure::NoStep);
        };
        if self.is_under_way(&path, key.number) && command != PlanCommand::Explain {
            return Err(CommandFailure::PlanRuns);
        }
        let step = StepRef { path, key };
        let mut mark = |status: Status| {
            self.mark_step(&step.path, &step.key, status, None);
            Ok(Value::Null)
        };
        match command {
            PlanCommand::Done => mark(Status::Done),
            PlanCommand::Skip => mark(Status::Skipped),
            PlanCommand::Reopen => mark(Status::Todo),
            PlanCommand::Undo => self.take_step_back(step),
            PlanCommand::Revise => self.revise(&step, arguments.goal),
            PlanCommand::Explain => {
                self.explain_step(step);
                Ok(Value::Null)
            }
            PlanCommand::Run | PlanCommand::Make => {
                let job = self.run_plan(&step.path, Some(step.key.clone()), arguments.allow);
                Ok(json!({ "job": job }))
            }
        }
    }

    /// The plan that arguments mean, as the workspace names it.
    fn plan_meant(&self, arguments: &PlanArguments) -> Result<String, CommandFailure> {
        if let Some(path) = &arguments.path {
            let located = self
                .snapshot()
                .locate(path)
                .map_err(CommandFailure::Denied)?;
            return if pleach_agent::plan::is_plan(&located.name) {
                Ok(located.name)
            } else {
                Err(CommandFailure::NoPlan)
            };
        }
        let last = self.last_place.as_ref().map(|last| last.uri.as_str());
        let uri = arguments.uri.as_deref().or(last);
        uri.and_then(|uri| self.plan_path(uri))
            .ok_or(CommandFailure::NoPlan)
    }

    /// The step that arguments mean. A plan that is not open knows its steps by number.
    fn step_meant(&mut self, path: &str, arguments: &PlanArguments) -> Option<StepKey> {
        let uri = self.snapshot().uri_of(path).ok()?;
        let plan = self.plan_of(&uri);
        let Some(plan) = plan else {
            return arguments.step.map(|number| StepKey {
                number,
                title: String::new(),
            });
        };
        let at = match (arguments.step, arguments.line) {
            (Some(number), _) => plan.index_of(number)?,
            (None, Some(line)) => {
                let line = self.documents.get(&uri)?.start_of_line(line);
                plan.step_at(line.start.0)?
            }
            (None, None) => {
                let last = self.last_place.as_ref().filter(|last| last.uri == uri)?;
                let document = self.documents.get(&uri)?;
                plan.step_at(document.moved(last.range, last.version)?.start.0)?
            }
        };
        plan.steps().get(at).map(pleach_plan::Step::key)
    }

    /// Takes back what a step has landed, the newest first.
    fn take_step_back(&mut self, step: StepRef) -> Result<Value, CommandFailure> {
        let entry = self.landed_by(&step).ok_or(CommandFailure::NothingToUndo)?;
        let answer = self.undo(Some(entry), None)?;
        if let Some(job) = answer.get("job").and_then(Value::as_u64) {
            self.plans.undoing.insert(job, step);
        }
        Ok(answer)
    }

    /// The newest edit in the history that a step has landed and nobody has taken back.
    pub(super) fn landed_by(&self, step: &StepRef) -> Option<u64> {
        let plan = step.path.rsplit('/').next().unwrap_or_default();
        // A plan that is not open knows the step by its number alone.
        let start = if step.key.title.is_empty() {
            format!("{plan}, step {}: ", step.key.number)
        } else {
            step.title()
        };
        self.history.open_entry(|title| title.starts_with(&start))
    }

    pub(super) fn step_taken_back(&mut self, step: StepRef, end: &JobEnd) {
        if !matches!(end, JobEnd::Well) {
            return;
        }
        if self.landed_by(&step).is_some() {
            let _told = self.take_step_back(step);
        } else {
            self.mark_step(&step.path, &step.key, Status::Todo, None);
        }
    }

    /// Has the steps that are not done, from one on, thought out anew. What comes of it is an edit of the
    /// plan like any other.
    fn revise(&mut self, step: &StepRef, note: Option<String>) -> Result<Value, CommandFailure> {
        if !self.configuration.has_model(Action::Rewrite) {
            return Err(CommandFailure::NeedsModel("Revising a plan"));
        }
        let uri = self
            .snapshot()
            .uri_of(&step.path)
            .map_err(CommandFailure::Denied)?;
        let plan = self
            .plan_of(&uri)
            .ok_or_else(|| CommandFailure::NotOpen(step.path.clone()))?;
        let open = plan
            .find(&step.key)
            .into_iter()
            .flat_map(|at| plan.steps().iter().skip(at));
        let ranges = open
            .filter(|step| step.status != Status::Done)
            .map(|step| step.range);
        let range = ranges
            .reduce(pleach_text::ByteRange::cover)
            .ok_or(CommandFailure::NoStep)?;
        let mut instruction = format!(
            "Revise this plan from step {} on: write the steps that are not done anew, so that together \
             with what is done they reach the goal. Keep the form of the steps, leave steps that are done \
             as they are, and give every step files and a check.",
            step.key.number
        );
        if let Some(note) = note {
            instruction = format!("{instruction} What should be different: {note}");
        }
        let title = format!("Revise {} from step {}", step.path, step.key.number);
        let action = pleach_agent::Action::Rewrite;
        let job = self.begin_at(&uri, range, action, (instruction, title), |_| {})?;
        Ok(json!({ "job": job }))
    }

    /// The byte at which a position of a plan stands.
    pub(super) fn byte_in(&self, uri: &str, position: lsp_types::Position) -> Option<ByteOffset> {
        let document = self.documents.get(uri)?;
        let range = lsp_types::Range {
            start: position,
            end: position,
        };
        Some(from_proto::range(&document.text, range, self.client.encoding).start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_plan_and_a_step_may_be_words() {
        let read = |given: Value| {
            let given: Vec<Value> = serde_json::from_value(given).unwrap();
            PlanArguments::read(PlanCommand::Run, given).unwrap()
        };
        let words = read(json!([".pleach/plans/a.md", "3"]));
        assert_eq!(
            (words.path.as_deref(), words.step),
            (Some(".pleach/plans/a.md"), Some(3))
        );
        assert!(read(json!(["all", "a.md"])).all);
        assert_eq!(read(json!([4])).step, Some(4));
        assert_eq!(read(json!(["{\"step\": 2}"])).step, Some(2));
        assert!(PlanArguments::read(PlanCommand::Run, vec![json!("a b")]).is_err());
        let goal = PlanArguments::read(PlanCommand::Make, vec![json!("lend"), json!("books")]);
        assert_eq!(goal.unwrap().goal.as_deref(), Some("lend books"));
    }
}
