//! What is wrong with a plan, each at its place.

use std::collections::BTreeMap;

use pleach_text::{ByteOffset, ByteRange};

use crate::MAX_STEPS;
use crate::check::Check;
use crate::parse::Plan;
use crate::scan::Unclosed;
use crate::step::{Role, Status, Step};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The step, or the plan, cannot run like this.
    Error,
    /// It will hardly do what is meant.
    Warning,
    /// Something to know.
    Note,
}

/// Something wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A short, stable name.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where, in bytes of the text.
    pub range: ByteRange,
    /// What is wrong and what to do, for a person.
    pub message: String,
}

/// What has to be known of the world to judge a plan.
pub struct Known<'a> {
    /// Whether there is a file or a folder of that name in the workspace.
    pub is_file: &'a dyn Fn(&str) -> bool,
    /// Whether there is a role of that name, beside the built-in ones.
    pub is_role: &'a dyn Fn(&str) -> bool,
    /// Whether the step of that number runs now.
    pub is_running: &'a dyn Fn(u32) -> bool,
    /// The hash of the rules in force.
    pub rules: &'a str,
}

impl Plan {
    /// Everything that is wrong, in the order of the text.
    pub fn problems(&self, known: &Known<'_>) -> Vec<Problem> {
        let mut found = Found {
            plan: self,
            problems: Vec::new(),
        };
        found.text();
        found.rules(known);
        found.numbers();
        found.cycles();
        for (at, step) in self.steps().iter().enumerate() {
            found.step(at, step, known);
        }
        let mut problems = found.problems;
        problems.sort_by_key(|problem| (problem.range.start, problem.severity));
        problems
    }
}

struct Found<'a> {
    plan: &'a Plan,
    problems: Vec<Problem>,
}

impl Found<'_> {
    fn add(&mut self, code: &'static str, severity: Severity, range: ByteRange, message: String) {
        self.problems.push(Problem {
            code,
            severity,
            range,
            message,
        });
    }

    fn text(&mut self) {
        let plan = self.plan;
        if plan.too_long {
            let start = ByteRange::empty(ByteOffset(0));
            let message = "this is too long to be a plan: nothing of it is read as steps";
            self.add("too-long", Severity::Warning, start, message.into());
            return;
        }
        if let Some(range) = plan.too_many {
            let message = format!(
                "a plan has at most {MAX_STEPS} steps: this one and those behind it are not read"
            );
            self.add("too-many-steps", Severity::Warning, range, message);
        }
        for (what, range) in &plan.unclosed {
            let message = match what {
                Unclosed::Fence => "this code block has no end, so what follows may not be read",
                Unclosed::Comment => "this comment has no end (`-->`), so what follows is not read",
                Unclosed::FrontMatter => "the lines between `---` and `---` have no end",
            };
            self.add("no-end", Severity::Warning, *range, message.into());
        }
        for range in &plan.boxless {
            let message =
                "this step has no box, so it cannot be run or ticked: write `[ ]` before its title";
            self.add("no-box", Severity::Warning, *range, message.into());
        }
        if plan.steps().is_empty() && plan.boxless.is_empty() {
            let start = ByteRange::empty(ByteOffset(0));
            let message = "this plan has no steps: write `1. [ ] …` under a heading `## Steps`";
            self.add("no-steps", Severity::Note, start, message.into());
        }
    }

    fn rules(&mut self, known: &Known<'_>) {
        if let Some(rules) = self.plan.rules()
            && rules.value != known.rules
        {
            let message = format!(
                "the rules of the workspace have changed since this plan was made: look through the open steps, then write {} here",
                known.rules
            );
            self.add("rules-changed", Severity::Warning, rules.range, message);
        }
    }

    fn numbers(&mut self) {
        let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
        for step in self.plan.steps() {
            let count = seen.entry(step.number).or_default();
            *count += 1;
            if *count == 2 {
                let message = format!(
                    "another step has the number {}: give this one a number of its own",
                    step.number
                );
                self.add("same-number", Severity::Error, step.head, message);
            }
        }
    }

    fn cycles(&mut self) {
        let cyclic = self.plan.in_cycles();
        let numbers: Vec<String> = cyclic
            .iter()
            .filter_map(|at| self.plan.steps().get(*at))
            .map(|step| step.number.to_string())
            .collect();
        for step in cyclic.iter().filter_map(|at| self.plan.steps().get(*at)) {
            let itself = step.after.iter().any(|after| after.value == step.number);
            let message = if itself {
                format!(
                    "step {} comes after itself: take its number out",
                    step.number
                )
            } else {
                let shown = numbers
                    .iter()
                    .take(12)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ");
                format!("the steps {shown} wait for each other: take one of the numbers out")
            };
            let range = step.after_range.unwrap_or(step.head);
            self.add("cycle", Severity::Error, range, message);
        }
    }

    fn step(&mut self, at: usize, step: &Step, known: &Known<'_>) {
        if !step.status_is_known {
            let message = "this box says nothing known: ` ` to do, `x` done, `-` skipped, `!` failed, `?` waits for you";
            self.add(
                "unknown-status",
                Severity::Warning,
                step.head,
                message.into(),
            );
        }
        if step.title.is_empty() {
            let message = format!("step {} has no title", step.number);
            self.add("no-title", Severity::Warning, step.head, message);
        }
        for after in &step.after {
            if self.plan.numbered(after.value).is_none() {
                let message = format!("there is no step {}", after.value);
                self.add("unknown-step", Severity::Error, after.range, message);
            }
        }
        if matches!(step.status, Status::Done | Status::Skipped) {
            return;
        }
        if let Some(role) = &step.role
            && let Role::Other(name) = &role.value
            && !(known.is_role)(name)
        {
            let names: Vec<&str> = Role::BUILT_IN.iter().map(Role::name).collect();
            let names = names.join(", ");
            let message =
                format!("there is no role `{name}`: use {names}, or one of `.pleach/roles/`");
            self.add("unknown-role", Severity::Error, role.range, message);
        }
        self.files(at, step, known);
        self.check(step);
        self.state(at, step, known);
    }

    fn files(&mut self, at: usize, step: &Step, known: &Known<'_>) {
        let earlier = self.plan.steps().iter().take(at);
        let made: Vec<&str> = earlier
            .flat_map(|step| step.files.iter())
            .filter(|file| file.is_new)
            .map(|file| file.path.as_str())
            .collect();
        for file in &step.files {
            let is_known = file.is_new || made.contains(&file.path.as_str());
            if !is_known && !(known.is_file)(&file.path) {
                let message = format!(
                    "there is no file `{}` that may be edited here; if the step makes it, write (new) behind it",
                    file.path
                );
                self.add("unknown-file", Severity::Warning, file.range, message);
            }
        }
    }

    fn check(&mut self, step: &Step) {
        match &step.check {
            None => {
                let message = "this step has no check: write `- check:` with a command in backticks or a statement";
                self.add("no-check", Severity::Note, step.head, message.into());
            }
            Some(Check::NeedsShell { what, range, .. }) => {
                let message = format!(
                    "commands run without a shell, and {what} needs one: put it into a script, or write the check as a statement"
                );
                self.add("needs-shell", Severity::Error, *range, message);
            }
            Some(Check::Command { .. } | Check::Statement { .. }) => {}
        }
    }

    fn state(&mut self, at: usize, step: &Step, known: &Known<'_>) {
        let failed: Vec<String> = self
            .plan
            .waits_for(at)
            .into_iter()
            .filter(|first| first.status == Status::Failed)
            .map(|first| first.number.to_string())
            .collect();
        if !failed.is_empty() {
            let message = format!(
                "blocked: step {} failed; mend it and run it again, or skip it",
                failed.join(", ")
            );
            self.add("blocked", Severity::Warning, step.head, message);
        }
        match step.status {
            Status::Running if !(known.is_running)(step.number) => {
                let message = "this step was interrupted: run it again";
                self.add("interrupted", Severity::Note, step.head, message.into());
            }
            Status::Failed => {
                let why = step.result.as_ref().map_or("", |result| &result.value);
                let message = if why.is_empty() {
                    "this step failed".to_owned()
                } else {
                    why.to_owned()
                };
                self.add("failed", Severity::Warning, step.head, message);
            }
            Status::Waiting => {
                let why = step.result.as_ref().map_or("", |result| &result.value);
                let message = if why.is_empty() {
                    "this step waits for you: mark it as done when its check holds".to_owned()
                } else {
                    why.to_owned()
                };
                self.add("waiting", Severity::Note, step.head, message);
            }
            _ => {}
        }
    }
}
