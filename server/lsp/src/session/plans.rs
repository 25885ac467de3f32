//! Plans: documents of the workspace whose steps are run, ticked and looked at from the editor.
//!
//! What a plan says is read from its text, each time anew: from the open document, else from the disk.
//! Nothing of it is kept but what runs ([`running`]) and what is still to be written into it ([`marks`]).

mod commands;
mod display;
mod making;
mod marks;
mod menu;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pleach_agent::plan::{CheckCommand, Verdict};
use pleach_plan::{Plan, StepKey};
use serde_json::Value;

pub(crate) use self::commands::{PlanArguments, PlanCommand};
pub(crate) use self::display::PlanQuestion;
use self::marks::{Marks, Written};
use self::running::{Run, StepJob, Turn};
use crate::event::JobId;
use crate::session::Session;
use crate::session::permission::Allowed;

/// Everything about plans that is not in their texts.
#[derive(Default)]
pub(crate) struct Plans {
    /// What runs, by the job of the whole run.
    runs: BTreeMap<JobId, Run>,
    /// The jobs of steps.
    steps: BTreeMap<JobId, StepJob>,
    /// The jobs that make a plan, and the plan's path.
    making: BTreeMap<JobId, String>,
    /// The jobs that take a step back.
    undoing: BTreeMap<JobId, StepRef>,
    /// What is to be written into plans, by their paths.
    marks: BTreeMap<String, Marks>,
    /// Commands that the person has allowed for this session.
    allowed: Allowed,
    /// What is wrong with the open plans, by their uris.
    found: BTreeMap<String, Vec<Value>>,
    /// The plans whose problems are to be looked for.
    due: BTreeSet<String>,
    /// The open plans as they were last understood, with the revision of the text.
    understood: BTreeMap<String, (u64, Arc<Plan>)>,
}

/// A step of a plan in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepRef {
    /// The plan, as the workspace names it.
    path: String,
    key: StepKey,
}

impl StepRef {
    /// What its jobs and its entries in the history are called.
    fn title(&self) -> String {
        let plan = self.path.rsplit('/').next().unwrap_or_default();
        format!("{plan}, step {}: {}", self.key.number, self.key.title)
    }
}

/// What became of a job, as far as a plan wants to know.
pub(crate) enum JobEnd {
    /// Its edit landed, or there was nothing to change.
    Well,
    /// It waits for review, hunk by hunk.
    Review,
    /// It failed, and why.
    Failed(String),
    /// It was cancelled.
    Cancelled,
}

/// What the session is told about plans.
pub(crate) enum PlanEvent {
    /// What a run can begin now.
    Turn { run: JobId, turn: Box<Turn> },
    /// What the workspace says of a step's check.
    Judged {
        step: Box<StepJob>,
        verdict: Verdict,
    },
    /// What the command of a step's check said.
    Checked {
        step: Box<StepJob>,
        result: Result<(), String>,
    },
    /// What is wrong with an open plan of this revision.
    Found {
        uri: String,
        revision: u64,
        problems: Vec<pleach_plan::Problem>,
    },
    /// The problems of a plan are to be looked for.
    Due { uri: String },
    /// What is to be written into a plan may have been written.
    MarksDue { path: String },
    /// A plan that is not open was written.
    MarksWritten { path: String, written: Written },
}

/// A question of the server's that the person answers, about plans.
pub(crate) enum PlanAnswer {
    /// `workspace/applyEdit` of marks.
    Marks(String),
    /// Whether a command may run.
    MayRun(Box<(StepJob, CheckCommand)>),
}

impl Session {
    pub(super) fn plan_event(&mut self, event: PlanEvent) {
        match event {
            PlanEvent::Turn { run, turn } => self.plan_turn(run, &turn),
            PlanEvent::Judged { step, verdict } => self.step_judged(*step, verdict),
            PlanEvent::Checked { step, result } => self.step_checked(&step, result),
            PlanEvent::Found {
                uri,
                revision,
                problems,
            } => self.plan_problems(&uri, revision, &problems),
            PlanEvent::Due { uri } => self.plan_due(&uri),
            PlanEvent::MarksDue { path } => self.marks_due(&path),
            PlanEvent::MarksWritten { path, written } => self.marks_written(&path, written),
        }
    }

    pub(super) fn plan_answer(&mut self, about: PlanAnswer, answer: Option<&Value>) {
        match about {
            PlanAnswer::Marks(path) => self.marks_answered(&path, answer),
            PlanAnswer::MayRun(asked) => self.may_run_answered(*asked, answer),
        }
    }

    /// A document has a new text, or was opened.
    pub(super) fn plan_moved(&mut self, uri: &str) {
        if !is_plan_uri(uri) {
            return;
        }
        self.look_for_problems_soon(uri);
        if let Some(path) = self.plan_path(uri)
            && self.plans.marks.contains_key(&path)
        {
            self.write_marks(&path);
        }
    }

    /// A document was closed.
    pub(super) fn plan_closed(&mut self, uri: &str) {
        self.plans.understood.remove(uri);
        if self.plans.found.remove(uri).is_some() {
            self.show_hunks(uri);
        }
        if let Some(path) = self.plan_path(uri).filter(|_| is_plan_uri(uri))
            && self.plans.marks.contains_key(&path)
        {
            self.write_marks(&path);
        }
    }

    /// What a plan is called in the workspace, if the document of that uri is one.
    fn plan_path(&self, uri: &str) -> Option<String> {
        if !is_plan_uri(uri) {
            return None;
        }
        let name = self.snapshot().name_of(uri).ok()?;
        pleach_agent::plan::is_plan(&name).then_some(name)
    }

    /// The plan that an open document is, of its present text.
    fn plan_of(&mut self, uri: &str) -> Option<Arc<Plan>> {
        let document = self.documents.get(uri).filter(|_| is_plan_uri(uri))?;
        let revision = document.revision;
        if let Some((known, plan)) = self.plans.understood.get(uri)
            && *known == revision
        {
            return Some(Arc::clone(plan));
        }
        let plan = Arc::new(Plan::parse(&document.text.to_string()));
        let understood = (revision, Arc::clone(&plan));
        self.plans.understood.insert(uri.to_owned(), understood);
        Some(plan)
    }
}

/// Whether a uri looks like that of a plan: the question is asked at every keystroke of any document.
fn is_plan_uri(uri: &str) -> bool {
    uri.strip_suffix(".md")
        .and_then(|stem| stem.rsplit_once('/'))
        .is_some_and(|(folder, _)| folder.ends_with(pleach_agent::plan::FOLDER))
}
