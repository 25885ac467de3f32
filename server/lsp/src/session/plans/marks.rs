//! What the server writes into a plan: boxes and results, never against the person's typing.
//!
//! What is wanted is kept until the text shows it. Each try is made of the present text and touches the
//! bytes of the boxes alone; one that comes too late is refused by its version, and made again.

use std::sync::Arc;
use std::time::Duration;

use pleach_edit::FileChange;
use pleach_plan::{Plan, Status, StepKey};
use pleach_text::{ByteOffset, ChangeSet};
use pleach_workspace::{Journal, WorkspaceSnapshot, write_all};
use serde_json::{Value, json};

use super::{PlanAnswer, PlanEvent};
use crate::event::Event;
use crate::session::messages::Severity;
use crate::session::{Awaited, Session};
use crate::to_proto;

/// How often the same marks are tried.
const TRIES: u32 = 10;
/// How long after an answer the text may take to show what was sent.
const SHOWN_WITHIN: Duration = Duration::from_millis(250);

/// What is to be written into one plan.
#[derive(Default)]
pub(super) struct Marks {
    wanted: Vec<Mark>,
    /// What was sent, or is being written, while the text does not show what became of it.
    sent: Option<Sent>,
    tries: u32,
}

/// An edit that the editor was sent.
#[derive(Clone, Copy)]
struct Sent {
    /// The document's revision then.
    revision: u64,
    answered: bool,
}

/// What a step's box is to say.
#[derive(Debug, Clone)]
struct Mark {
    key: StepKey,
    status: Status,
    result: Option<String>,
}

/// What became of a plan that is not open.
pub(crate) enum Written {
    /// It says what was wanted, or the steps are gone.
    Well,
    /// It changed meanwhile, or cannot be written.
    Not(String),
    /// It is gone.
    Gone,
}

impl Session {
    /// Sets the box of a step, as soon as that can be.
    pub(super) fn mark_step(
        &mut self,
        path: &str,
        key: &StepKey,
        status: Status,
        result: Option<String>,
    ) {
        let marks = self.plans.marks.entry(path.to_owned()).or_default();
        marks.wanted.retain(|mark| mark.key.number != key.number);
        marks.wanted.push(Mark {
            key: key.clone(),
            status,
            result,
        });
        marks.tries = 0;
        self.write_marks(path);
    }

    /// The statuses that are still to be written into a plan.
    pub(super) fn unwritten(&self, path: &str) -> Vec<(StepKey, Status)> {
        let marks = self.plans.marks.get(path);
        let wanted = marks.into_iter().flat_map(|marks| &marks.wanted);
        wanted.map(|mark| (mark.key.clone(), mark.status)).collect()
    }

    /// Writes what is to be written into a plan, unless that is under way.
    pub(super) fn write_marks(&mut self, path: &str) {
        let Some(marks) = self.plans.marks.get(path) else {
            return;
        };
        let snapshot = self.snapshot();
        let Ok(uri) = snapshot.uri_of(path) else {
            self.give_up_marks(path, "it cannot be reached");
            return;
        };
        let document = self.documents.get(&uri);
        let is_under_way = |sent: Sent| {
            let seen = document.is_some_and(|document| document.revision != sent.revision);
            !(sent.answered && seen)
        };
        if marks.sent.is_some_and(is_under_way) {
            return;
        }
        let Some(document) = document else {
            self.write_closed_plan(path, snapshot);
            return;
        };
        let text = document.text.to_string();
        let changes = changes(&Plan::parse(&text), &text, &marks.wanted);
        if changes.is_empty() {
            self.marks_settled(path);
            return;
        }
        if marks.tries >= TRIES || !self.client.apply_edit || document.suspect.is_some() {
            self.give_up_marks(path, "the editor does not take the change");
            return;
        }
        let edit = to_proto::text_edit(
            &uri,
            Some(document.version),
            &document.text,
            &changes,
            self.client.encoding,
        );
        let sent = Sent {
            revision: document.revision,
            answered: false,
        };
        if let Some(marks) = self.plans.marks.get_mut(path) {
            marks.sent = Some(sent);
            marks.tries += 1;
        }
        let params = json!({"label": "Pleach: plan", "edit": {"documentChanges": [edit]}});
        let awaited = Awaited::Plan(PlanAnswer::Marks(path.to_owned()));
        self.request("workspace/applyEdit", &params, awaited);
    }

    /// The editor answered. What it says proves nothing: the text does, now or when it comes.
    pub(super) fn marks_answered(&mut self, path: &str, answer: Option<&Value>) {
        let Some(marks) = self.plans.marks.get_mut(path) else {
            return;
        };
        let applied = answer.and_then(|answer| answer.get("applied"));
        if applied.and_then(Value::as_bool) != Some(true) {
            marks.sent = None;
            self.write_marks(path);
            return;
        }
        if let Some(sent) = &mut marks.sent {
            sent.answered = true;
        }
        self.write_marks(path);
        // The text that shows it may be on its way: to send again at once would write it twice.
        let path = path.to_owned();
        self.later(SHOWN_WITHIN, Event::Plan(PlanEvent::MarksDue { path }));
    }

    /// Marks that were sent ought to be seen by now.
    pub(super) fn marks_due(&mut self, path: &str) {
        if let Some(marks) = self.plans.marks.get_mut(path)
            && marks.sent.is_some_and(|sent| sent.answered)
        {
            marks.sent = None;
            self.write_marks(path);
        }
    }

    /// Nothing is left to be written into a plan: a run of it may end now.
    fn marks_settled(&mut self, path: &str) -> Option<Marks> {
        let marks = self.plans.marks.remove(path);
        self.look_again(path);
        marks
    }

    fn give_up_marks(&mut self, path: &str, why: &str) {
        let Some(marks) = self.marks_settled(path) else {
            return;
        };
        let boxes: Vec<String> = marks
            .wanted
            .iter()
            .map(|mark| format!("{} [{}]", mark.key.number, mark.status.mark()))
            .collect();
        let text = format!(
            "Pleach: the boxes of {path} could not be written, because {why}; set them yourself: step {}",
            boxes.join(", step ")
        );
        self.show(Severity::Warning, &text);
    }

    /// Writes a plan that no editor has open, off the loop.
    fn write_closed_plan(&mut self, path: &str, snapshot: WorkspaceSnapshot) {
        let Some(marks) = self.plans.marks.get_mut(path) else {
            return;
        };
        marks.sent = Some(Sent {
            revision: 0,
            answered: false,
        });
        marks.tries += 1;
        let wanted = marks.wanted.clone();
        let journal = Journal::new(&self.environment.state_dir);
        let path = path.to_owned();
        let lost = Event::Plan(PlanEvent::MarksWritten {
            path: path.clone(),
            written: Written::Not("writing it failed".to_owned()),
        });
        let work = move || {
            let written = write(&path, &wanted, &snapshot, &journal);
            Event::Plan(PlanEvent::MarksWritten { path, written })
        };
        self.aside(work, lost);
    }

    pub(super) fn marks_written(&mut self, path: &str, written: Written) {
        let Some(marks) = self.plans.marks.get_mut(path) else {
            return;
        };
        marks.sent = None;
        match written {
            // What is wanted anew counts its tries from the beginning.
            Written::Well if marks.tries == 0 => self.write_marks(path),
            Written::Well | Written::Gone => {
                self.marks_settled(path);
            }
            Written::Not(why) if marks.tries >= TRIES => self.give_up_marks(path, &why),
            Written::Not(_) => self.write_marks(path),
        }
    }
}

/// What of `wanted` the text does not say yet.
fn changes(plan: &Plan, text: &str, wanted: &[Mark]) -> ChangeSet {
    let replacements = wanted
        .iter()
        // A step that is gone wants no box any more.
        .filter_map(|mark| {
            let at = plan.find(&mark.key)?;
            plan.mark(at, mark.status, mark.result.as_deref()).ok()
        })
        .flat_map(ChangeSet::into_replacements)
        .collect();
    let len = ByteOffset(text.len());
    ChangeSet::new(replacements, len).unwrap_or_else(|_two_of_one_step| ChangeSet::unchanged(len))
}

fn write(path: &str, wanted: &[Mark], snapshot: &WorkspaceSnapshot, journal: &Journal) -> Written {
    let Ok(before) = snapshot.read_text(path) else {
        return Written::Gone;
    };
    let changes = changes(&Plan::parse(&before), &before, wanted);
    if changes.is_empty() {
        return Written::Well;
    }
    let change = FileChange::Edit {
        path: path.to_owned(),
        before: Arc::clone(&before),
        changes,
    };
    match write_all(snapshot, [&change], journal) {
        Ok(_) => Written::Well,
        Err(error) => Written::Not(error.to_string()),
    }
}
