//! Making plans.

use std::sync::Arc;

use pleach_agent::builtin;
use pleach_agent::plan::{self, PlanFailure, Source};
use pleach_agent::{Action, Engine, JobFailure, JobLimits, JobOutcome, Kit};
use pleach_edit::Proposal;
use pleach_workspace::WorkspaceSnapshot;
use serde_json::{Value, json};

use super::JobEnd;
use super::commands::PlanArguments;
use crate::actions::shortened;
use crate::event::{Event, JobId};
use crate::from_proto;
use crate::session::Session;
use crate::session::commands::CommandFailure;

/// What a plan is to be made from.
struct Wish {
    goal: Option<String>,
    from: Option<String>,
    /// The file that is meant when none is named.
    here: Option<String>,
    diagnostics: Vec<pleach_agent::Diagnostic>,
    with_model: bool,
}

impl Session {
    /// Starts the job that makes a plan.
    pub(super) fn make_plan(&mut self, arguments: PlanArguments) -> Result<Value, CommandFailure> {
        if !self.configuration.settings().actions.enabled {
            return Err(CommandFailure::TurnedOff);
        }
        let goal = arguments.goal.filter(|goal| !goal.trim().is_empty());
        if goal.is_none() && arguments.from.is_none() {
            return Err(CommandFailure::NoGoal);
        }
        let snapshot = self.snapshot();
        let last = self.last_place.as_ref().map(|last| last.uri.clone());
        let uri = arguments.uri.or(last);
        let named = arguments.path;
        let here = named.or_else(|| snapshot.name_of(uri.as_deref()?).ok());
        let document = uri.as_deref().and_then(|uri| self.documents.get(uri));
        let diagnostics = document.map_or_else(Vec::new, |document| {
            let encoding = self.client.encoding;
            let read = |it| from_proto::diagnostic(&document.text, it, encoding);
            arguments.diagnostics.iter().map(read).collect()
        });
        let title = match (&goal, arguments.from.as_deref()) {
            (Some(goal), _) => format!("Plan: {}", shortened(goal, 40)),
            (None, Some(from)) => format!("Plan: {from}"),
            (None, None) => "Plan".to_owned(),
        };
        let wish = Wish {
            goal,
            from: arguments.from,
            here,
            diagnostics,
            with_model: self.configuration.has_model(Action::Plan),
        };
        let job = self.add_job(None, uri.as_deref(), Action::Plan, title, wish.goal.clone());
        self.job_engine(job, builtin::LABEL.to_owned());
        let settings = Arc::clone(self.configuration.settings());
        let variables = Arc::clone(&self.environment.variables);
        let limits = JobLimits::of(&settings);
        let index = self.indexing.present();
        let index = index.filter(|_| settings.context.tokens > 0);
        let account = self.account(job, uri.as_deref());
        let roster = self.configuration.roster();
        let inbox = self.inbox.clone();
        let work = async move {
            let workspace = snapshot.clone();
            let made = tokio::task::spawn_blocking(move || wish.make(&workspace)).await;
            let goal = match made {
                Ok(Made::Done(outcome)) => return *outcome,
                Ok(Made::Asks(goal)) => goal,
                Err(_panic) => {
                    return failed(JobFailure::Internal {
                        doing: "making the plan",
                    });
                }
            };
            let opened = Engine::open(Action::Plan, &settings, &variables, Some(&account));
            let lineup = match opened.await {
                Ok(Engine::Model(lineup)) => lineup,
                Ok(Engine::Builtin) => {
                    return failed(PlanFailure::NeedsModel(shortened(&goal, 60)).into());
                }
                Err(failure) => return failed(failure),
            };
            let label = lineup.label();
            inbox.put(Event::JobEngine { job, label });
            let report = move |event| inbox.put(Event::JobReport { job, event });
            let kit = Kit::of_planner(&settings, roster).with_index(index);
            plan::ask(&goal, &snapshot, &lineup, limits, &account, kit, &report).await
        };
        self.plans.making.insert(job, String::new());
        self.spawn_job(job, work);
        Ok(json!({ "job": job }))
    }

    /// The path of the plan that a job proposes to make.
    pub(in crate::session) fn plan_proposed(&mut self, job: JobId, proposal: &Proposal) {
        let file = proposal.files().first();
        if let (Some(known), Some(file)) = (self.plans.making.get_mut(&job), file) {
            file.path().clone_into(known);
        }
    }

    /// A plan was made, or not: what was made is shown.
    pub(super) fn plan_made(&mut self, path: &str, end: &JobEnd) {
        if !matches!(end, JobEnd::Well) || path.is_empty() {
            return;
        }
        if let Ok(located) = self.snapshot().locate(path) {
            self.show_file(located.path.as_str(), "the plan");
        }
    }
}

/// What can be made of a wish without a model.
enum Made {
    /// All of it, or nothing.
    Done(Box<JobOutcome>),
    /// A model has to think of something for this goal.
    Asks(String),
}

impl Wish {
    fn make(&self, workspace: &WorkspaceSnapshot) -> Made {
        match self.source(workspace) {
            Ok(Some(source)) => Made::Done(Box::new(self.make_from(&source, workspace))),
            Ok(None) => Made::Asks(self.goal.clone().unwrap_or_default()),
            Err(failure) => Made::Done(Box::new(failed(failure.into()))),
        }
    }

    fn make_from(&self, source: &Source, workspace: &WorkspaceSnapshot) -> JobOutcome {
        let made = plan::make(source, workspace, self.with_model);
        let draft = match made {
            Ok(draft) => draft,
            Err(failure) => return failed(failure.into()),
        };
        match plan::as_new_file(&draft.render(), workspace) {
            Ok((path, proposal)) => JobOutcome::Proposal {
                proposal,
                summary: format!("{} steps in {path}", draft.steps.len()),
                reply: draft.render(),
            },
            Err(refusal) => failed(JobFailure::Refused(refusal)),
        }
    }

    fn source(&self, workspace: &WorkspaceSnapshot) -> Result<Option<Source>, PlanFailure> {
        let here = || {
            let here = self.here.clone();
            here.ok_or_else(|| PlanFailure::NothingToDo("no file is named".to_owned()))
        };
        Ok(Some(match self.from.as_deref() {
            Some("todos" | "todo") => Source::Todos,
            Some("document") => Source::Document { path: here()? },
            Some("tests" | "test") => Source::Tests { path: here()? },
            Some("fixes" | "fix") => Source::Fixes {
                path: here()?,
                diagnostics: self.diagnostics.clone(),
            },
            Some(other) => {
                return Err(PlanFailure::NothingToDo(format!(
                    "a plan can be made from todos, document, tests and fixes, not from `{other}`"
                )));
            }
            None => {
                let goal = self.goal.as_deref().unwrap_or_default();
                return Ok(Source::of_goal(goal, self.here.as_deref(), workspace));
            }
        }))
    }
}

fn failed(failure: JobFailure) -> JobOutcome {
    JobOutcome::Failed {
        failure,
        reply: None,
    }
}
