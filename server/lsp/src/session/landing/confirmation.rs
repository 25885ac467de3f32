//! Whether a file has landed: told by the text that the client reports, never by its answer alone.

use pleach_edit::FileChange;
use pleach_text::ChangeSet;

use super::{LandingFailure, Sent};
use crate::event::{Event, JobId};
use crate::session::Session;
use crate::session::delivery::{Answer, CONFIRM_WITHIN, SKIPPED_AFTER, Seen};

impl Session {
    /// The client answered `workspace/applyEdit`.
    pub(in crate::session) fn edit_answered(
        &mut self,
        job: JobId,
        applied: bool,
        reason: Option<String>,
    ) {
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        let step = landing.landed;
        let path = landing.present_path();
        let Some(sent) = &mut landing.sent else {
            return;
        };
        if !applied && !sent.delivery.is_confirmed() {
            if landing.retried {
                self.landing_failed(job, &LandingFailure::NotApplied { path, reason });
                return;
            }
            tracing::info!(job, path, ?reason, "refused by the editor; tried once more");
            landing.retried = true;
            sent.delivery.answered(Answer::Refused);
            // Mostly a text is about to arrive that it was not made for.
            let uri = sent.uri.clone();
            landing.attempt += 1;
            let attempt = landing.attempt;
            self.later(SKIPPED_AFTER, Event::LandingDue { job, attempt });
            self.check_landings(&uri);
            return;
        }
        sent.delivery.answered(Answer::Applied);
        if sent.delivery.is_confirmed() {
            self.step_landed(job);
            return;
        }
        // A file that is to be gone is looked for on disk: its document may stay open for a while.
        let open = sent.predicted.is_some() && self.documents.get(&sent.uri).is_some();
        let uri = sent.uri.clone();
        landing.attempt += 1;
        let attempt = landing.attempt;
        self.later(CONFIRM_WITHIN, Event::LandingDue { job, attempt });
        if open {
            self.check_landings(&uri);
        } else {
            self.read_file(job, step, &path);
        }
    }

    /// Reads a closed file, to see whether an edit has reached it.
    fn read_file(&self, job: JobId, step: usize, path: &str) {
        let target =
            self.landings
                .get(&job)
                .and_then(|landing| match landing.proposal.file(path)? {
                    FileChange::Rename { to, .. } => Some(to.clone()),
                    _ => Some(path.to_owned()),
                });
        let Some(target) = target else { return };
        // A document that is still open does not prove that its file is there.
        let snapshot = match self
            .landings
            .get(&job)
            .and_then(|landing| landing.sent.as_ref())
        {
            Some(sent) if sent.predicted.is_none() => self.snapshot_without(&sent.uri),
            _ => self.snapshot(),
        };
        let lost = Event::FileRead {
            job,
            step,
            text: Some(String::new()),
        };
        let work = move || {
            let text = snapshot.exists(&target).then(|| {
                let text = snapshot.read_text(&target);
                text.map(|text| text.to_string()).unwrap_or_default()
            });
            Event::FileRead { job, step, text }
        };
        self.aside(work, lost);
    }

    /// A document was closed: perhaps because its file is gone, as a landing means it to be.
    pub(in crate::session) fn closed_while_landing(&self, uri: &str) {
        for (job, landing) in &self.landings {
            let awaits = |sent: &Sent| {
                let is_applied = sent.delivery.answer() == Answer::Applied;
                is_applied && sent.predicted.is_none() && sent.uri == uri
            };
            if landing.sent.as_ref().is_some_and(awaits) {
                self.read_file(*job, landing.landed, &landing.present_path());
            }
        }
    }

    pub(in crate::session) fn file_read(&mut self, job: JobId, step: usize, text: Option<&str>) {
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        if landing.landed != step {
            return;
        }
        if let Some(sent) = &mut landing.sent
            && sent.predicted.as_deref() == text
        {
            sent.delivery.confirm();
            if sent.delivery.answer() == Answer::Applied {
                self.step_landed(job);
            }
        }
    }

    /// A document has a new text: is it one that a landing waits for?
    pub(in crate::session) fn check_landings(&mut self, uri: &str) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let (mut landed, mut soon, mut again) = (Vec::new(), Vec::new(), Vec::new());
        for (job, landing) in &mut self.landings {
            let Some(sent) = &mut landing.sent else {
                continue;
            };
            if sent.uri != uri {
                continue;
            }
            let Sent {
                predicted,
                changes,
                delivery,
                ..
            } = sent;
            let is_there = |answer: Answer| {
                let predicted = predicted.as_ref()?;
                let exact = document.text == *predicted;
                // Editors that gather changes may report ours together with a keystroke.
                let under_typing = || {
                    let stands = |changes: &ChangeSet| {
                        survives(changes, predicted, &document.text.to_string())
                    };
                    answer == Answer::Applied && changes.as_ref().is_some_and(stands)
                };
                Some(exact || under_typing())
            };
            match delivery.sees(document.revision, is_there) {
                Seen::Nothing => {}
                Seen::Landed => landed.push(*job),
                Seen::Again => again.push(*job),
                Seen::Soon => {
                    landing.attempt += 1;
                    soon.push((*job, landing.attempt));
                }
            }
        }
        for (job, attempt) in soon {
            self.later(SKIPPED_AFTER, Event::LandingDue { job, attempt });
        }
        for job in landed {
            self.step_landed(job);
        }
        for job in again {
            self.next_step(job);
        }
    }

    /// A landing has waited long enough.
    pub(in crate::session) fn landing_due(&mut self, job: JobId, attempt: u32) {
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        if landing.attempt != attempt {
            return;
        }
        let path = landing.present_path();
        let Some(sent) = &landing.sent else { return };
        let answer = sent.delivery.answer();
        if sent.delivery.is_confirmed() {
            // It is there, whatever the client has yet to say about it.
            self.step_landed(job);
        } else if answer == Answer::Refused {
            self.next_step(job);
        } else if answer == Answer::Applied && !landing.retried {
            tracing::info!(job, path, "not seen in the editor's text; tried once more");
            landing.retried = true;
            self.next_step(job);
        } else {
            self.landing_failed(job, &LandingFailure::NotConfirmed { path });
        }
    }
}

/// Whether everything that `changes` wrote still stands in `now`, which may have been typed in
/// elsewhere since. `predicted` is the text right after `changes`.
fn survives(changes: &ChangeSet, predicted: &str, now: &str) -> bool {
    let typed = ChangeSet::between(predicted, now);
    let ours = changes.inserted_ranges();
    typed
        .replacements()
        .iter()
        .all(|typed| ours.iter().all(|ours| !ours.touches(typed.delete)))
}
