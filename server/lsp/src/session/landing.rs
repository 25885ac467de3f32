//! Landing: a gated proposal becomes text in the editor, file by file, and is believed only when the
//! editor shows it.
//!
//! One `workspace/applyEdit` carries one file, with its exact version. An answer `applied: true`
//! proves nothing (Neovim and Helix say it of edits that they skipped), so a file has landed when the
//! client reports the text that was predicted. A file that was refused is tried once more on the
//! present text. Files that are not open come last and are written by Pleach itself, all together
//! ([`closed`]). When a later file of a proposal fails, the earlier ones are taken back.

mod closed;
mod confirmation;
mod failure;
mod intent;
mod operations;

use std::collections::BTreeSet;
use std::time::Duration;

use pleach_agent::Action;
use pleach_edit::{FileChange, HunkId, Proposal, Refusal, RefusalCode};
use pleach_text::ChangeSet;
use pleach_workspace::WorkspaceSnapshot;
use serde_json::{Value, json};

pub(crate) use self::closed::Written;
pub(crate) use self::failure::LandingFailure;
use self::operations::Operations;
use crate::event::{Event, JobId};
use crate::session::commands::CommandFailure;
use crate::session::delivery::Delivery;
use crate::session::jobs::Failure;
use crate::session::reviews::display::told;
use crate::session::{Awaited, Session};

/// How long a client may take to answer `workspace/applyEdit`: it may ask the person.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// How often a file is brought to a text that moves on each time.
const CHASES: u32 = 8;

/// A proposal on its way into the editor.
pub(crate) struct Landing {
    proposal: Proposal,
    purpose: Purpose,
    summary: String,
    /// The reply that it came from, kept if it cannot land.
    reply: Option<String>,
    /// The paths to land, in order, and how many have landed.
    paths: Vec<String>,
    landed: usize,
    /// Uris of what has landed.
    uris: BTreeSet<String>,
    /// Whether it is written down, or need not be.
    is_announced: bool,
    /// Whether the present file was refused once already.
    retried: bool,
    /// How often the present file had to be brought to a newer text.
    chased: u32,
    sent: Option<Sent>,
    /// Counts what was sent, so that a timer knows whether it still matters.
    attempt: u32,
}

enum Purpose {
    /// An agent's edit.
    Edit,
    /// Hunks of a review.
    Hunks(JobId, Vec<HunkId>),
    /// Taking back what landed earlier, by its number in the history.
    Undo(u64),
    /// Taking back the first files of a proposal whose next one failed.
    Rollback(Failure),
}

/// A file that was sent and is not confirmed yet.
struct Sent {
    uri: String,
    /// The text that the client will have, `None` when the file will be gone.
    predicted: Option<String>,
    /// What of that text is ours, to recognise it under further typing.
    changes: Option<ChangeSet>,
    delivery: Delivery,
}

impl Session {
    /// Begins to land what a job proposes.
    pub(super) fn land(
        &mut self,
        job: JobId,
        proposal: Proposal,
        summary: String,
        reply: Option<String>,
    ) {
        self.begin_landing(job, proposal, Purpose::Edit, summary, reply);
    }

    /// Begins to land what was taken of a review: the review, and which of its hunks.
    pub(super) fn land_hunks(
        &mut self,
        job: JobId,
        proposal: Proposal,
        summary: String,
        (review, hunks): (JobId, Vec<HunkId>),
    ) {
        let purpose = Purpose::Hunks(review, hunks);
        self.begin_landing(job, proposal, purpose, summary, None);
    }

    fn begin_landing(
        &mut self,
        job: JobId,
        proposal: Proposal,
        purpose: Purpose,
        summary: String,
        reply: Option<String>,
    ) {
        self.job_phase(job, "landing");
        let paths = proposal
            .files()
            .iter()
            .map(|file| file.path().to_owned())
            .collect();
        let landing = Landing::new(proposal, purpose, summary, reply, paths);
        self.landings.insert(job, landing);
        self.announce(job);
    }

    /// Undoes an edit, and keeps what was typed since: the one with this number in the history, else
    /// the last in `uri`, else the last. Where something was typed into it, the person is asked.
    pub(super) fn undo(
        &mut self,
        number: Option<u64>,
        uri: Option<&str>,
    ) -> Result<Value, CommandFailure> {
        let landed = match number {
            Some(number) => self.history.get(number),
            None => self.history.find(uri),
        };
        let landed = landed.ok_or(CommandFailure::NothingToUndo)?;
        let (number, title) = (landed.number, landed.undo_title());
        let summary = match title.split_once(": ") {
            Some(("Redo", what)) => format!("brought back: {what}"),
            Some((_, what)) => format!("undid: {what}"),
            None => title.clone(),
        };
        let inverse = landed.inverse();
        let job = self.add_job(None, uri, Action::Undo, title, None);
        match inverse {
            Ok(inverse) => self.land_undo(job, number, inverse, summary),
            Err(kept) => self.read_undo(job, number, kept, summary),
        }
        Ok(json!({ "job": job }))
    }

    /// Begins to land what takes back the edit with this number.
    pub(super) fn land_undo(
        &mut self,
        job: JobId,
        number: u64,
        inverse: Proposal,
        summary: String,
    ) {
        self.begin_landing(job, inverse, Purpose::Undo(number), summary, None);
    }

    /// Brings the next file to its present text, off the loop, or ends the landing.
    fn next_step(&mut self, job: JobId) {
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        landing.sent = None;
        let step = landing.landed;
        let proposal = landing.proposal.clone();
        let rest = landing.paths.split_off(step.min(landing.paths.len()));
        let snapshot = self.snapshot();
        // What is not open comes last, so that it is written only when the editor has taken the others.
        let (closed, open): (Vec<String>, Vec<String>) = rest
            .into_iter()
            .partition(|path| self.writes_itself(&proposal, path, &snapshot));
        let next = open.first().cloned();
        if let Some(landing) = self.landings.get_mut(&job) {
            landing.paths.extend(open);
            landing.paths.extend(closed.iter().cloned());
        }
        let Some(path) = next else {
            if closed.is_empty() {
                self.landed(job);
            } else {
                self.write_closed(job, step, closed);
            }
            return;
        };
        if let Some(failure) = self.cannot_land(&proposal, &path, &snapshot) {
            self.landing_failed(job, &failure);
            return;
        }
        let lost = Event::StepReady {
            job,
            step,
            ready: Ok(Box::new(proposal.clone())),
        };
        let work = move || {
            let ready = bring_to_present(proposal, &path, &snapshot);
            Event::StepReady {
                job,
                step,
                ready: ready.map(Box::new).map_err(Box::new),
            }
        };
        self.aside(work, lost);
    }

    /// Why the file at `path` cannot even be tried.
    fn cannot_land(
        &self,
        proposal: &Proposal,
        path: &str,
        snapshot: &WorkspaceSnapshot,
    ) -> Option<LandingFailure> {
        if !self.client.apply_edit {
            return Some(LandingFailure::NoEdits);
        }
        let what = match proposal.file(path)? {
            FileChange::Create { .. } if !self.client.create_files => "create",
            FileChange::Delete { .. } if !self.client.delete_files => "delete",
            FileChange::Rename { .. } if !self.client.rename_files => "rename",
            _ => {
                let uri = snapshot.uri_of(path).ok()?;
                let document = self.documents.get(&uri)?;
                let why = document.suspect.clone()?;
                return Some(LandingFailure::Suspect {
                    path: path.to_owned(),
                    why,
                });
            }
        };
        Some(LandingFailure::NoFileOperation { what })
    }

    /// A file was brought to the text that it had a moment ago: send it, if that is still its text.
    pub(super) fn step_ready(
        &mut self,
        job: JobId,
        step: usize,
        ready: Result<Box<Proposal>, Box<Refusal>>,
    ) {
        let snapshot = self.snapshot();
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        if landing.landed != step {
            return;
        }
        match ready {
            Ok(proposal) => landing.proposal = *proposal,
            Err(refusal) => {
                self.landing_failed(job, &LandingFailure::Refused(refusal));
                return;
            }
        }
        let Some(path) = landing.paths.get(step).cloned() else {
            return;
        };
        let uri = match snapshot.uri_of(&path) {
            Ok(uri) => uri,
            Err(refusal) => {
                let why = refusal.to_string();
                self.landing_failed(job, &LandingFailure::Unreachable { path, why });
                return;
            }
        };
        let document = self.documents.get(&uri);
        let Some(change) = landing.proposal.file(&path) else {
            return;
        };
        let moved_on = match (document, change.before()) {
            (Some(document), Some(before)) => document.text != **before,
            _ => false,
        };
        if moved_on {
            landing.chased += 1;
            if landing.chased > CHASES {
                self.landing_failed(job, &LandingFailure::KeepsChanging { path });
            } else {
                self.next_step(job);
            }
            return;
        }
        let operations = match Operations::of(change, uri, document, &snapshot, &self.client) {
            Ok(operations) => operations,
            Err(failure) => {
                self.landing_failed(job, &failure);
                return;
            }
        };
        landing.sent = Some(Sent {
            uri: operations.uri,
            predicted: change.after(),
            changes: operations.changes,
            delivery: Delivery::sent(document.map(|document| document.revision)),
        });
        landing.attempt += 1;
        let attempt = landing.attempt;
        let label = format!("Pleach: {}", landing.summary);
        let params = json!({"label": label, "edit": {"documentChanges": operations.list}});
        self.request("workspace/applyEdit", &params, Awaited::ApplyEdit(job));
        self.later(ANSWER_WITHIN, Event::LandingDue { job, attempt });
    }

    fn step_landed(&mut self, job: JobId) {
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        if let Some(sent) = landing.sent.take() {
            landing.uris.insert(sent.uri);
        }
        landing.landed += 1;
        landing.retried = false;
        landing.chased = 0;
        landing.attempt += 1;
        self.next_step(job);
    }

    /// Every file has landed.
    fn landed(&mut self, job: JobId) {
        let Some(landing) = self.landings.remove(&job) else {
            return;
        };
        self.record_landed(job, &landing.proposal, &landing.uris);
        let summary = landing.outcome();
        let it = self.jobs.get(&job);
        let title = it.map(|job| job.title.clone()).unwrap_or_default();
        let replaced = it.and_then(|job| job.replaces.clone());
        let (undoes, review) = match landing.purpose {
            Purpose::Edit => (None, None),
            Purpose::Undo(number) => (Some(number), None),
            Purpose::Hunks(review, hunks) => {
                let undoes = self.reviews.undoes(review);
                self.reviews.settle(review, &hunks);
                (undoes, Some(review))
            }
            Purpose::Rollback(mut failure) => {
                failure
                    .message
                    .push_str("; the files that had landed were restored");
                self.fail(job, failure, landing.reply);
                return;
            }
        };
        self.remember(job, title, landing.proposal, &landing.uris, undoes, review);
        if let Some(review) = review {
            self.show_review(review);
        }
        if let Some((review, hunks)) = replaced {
            self.reject(review, &hunks);
        }
        self.succeed(job, &summary);
    }

    /// A file cannot land. What has landed of this proposal is taken back.
    fn landing_failed(&mut self, job: JobId, failure: &LandingFailure) {
        let Some(landing) = self.landings.remove(&job) else {
            return;
        };
        let clash = matches!(failure, LandingFailure::Refused(refusal)
            if refusal.code == RefusalCode::Conflict);
        if clash && landing.landed == 0 {
            let undoes = match landing.purpose {
                Purpose::Edit => Some(None),
                Purpose::Undo(number) => Some(Some(number)),
                Purpose::Hunks(..) | Purpose::Rollback(_) => None,
            };
            if let Some(undoes) = undoes {
                self.review_clash(job, landing.proposal, landing.reply, undoes);
                return;
            }
        }
        let mut failure = Failure::from(failure);
        let reply = landing.reply;
        if let Purpose::Hunks(review, hunks) = &landing.purpose {
            if landing.attempt > 0 {
                // The editor may have them all the same.
                let (hunks, sent) = (hunks.clone(), landing.proposal.clone());
                self.reviews.doubt(*review, hunks, sent);
            }
            self.keep_review_up(*review);
        }
        match landing.purpose {
            Purpose::Edit | Purpose::Hunks(..) | Purpose::Undo(_) if landing.landed > 0 => {
                let mut paths = landing.paths;
                paths.truncate(landing.landed);
                paths.reverse();
                let inverse = landing.proposal.inverse();
                let purpose = Purpose::Rollback(failure);
                let back = Landing::new(inverse, purpose, "taking back".into(), reply, paths);
                self.landings.insert(job, back);
                self.next_step(job);
            }
            Purpose::Edit | Purpose::Hunks(..) | Purpose::Undo(_) => self.fail(job, failure, reply),
            Purpose::Rollback(mut first) => {
                first
                    .message
                    .push_str("; and what had landed could not be taken back: ");
                first.message.push_str(&failure.message);
                failure.message = first.message;
                failure.next = "use the editor's own undo in the files that had landed".into();
                self.fail(job, failure, reply);
            }
        }
    }
}

impl Landing {
    fn new(
        proposal: Proposal,
        purpose: Purpose,
        summary: String,
        reply: Option<String>,
        paths: Vec<String>,
    ) -> Self {
        Self {
            proposal,
            // What had landed is known to have been begun.
            is_announced: matches!(purpose, Purpose::Rollback(_)),
            purpose,
            summary,
            reply,
            paths,
            landed: 0,
            uris: BTreeSet::new(),
            retried: false,
            chased: 0,
            sent: None,
            attempt: 0,
        }
    }

    /// What has happened, and who uses what goes or changes: what lands at once had no hint to say it.
    fn outcome(&self) -> String {
        let impact = &self.proposal.verdict().impact;
        let is_used = impact.changes.iter().any(|change| !change.used.is_empty());
        match told(impact).filter(|_| is_used && matches!(self.purpose, Purpose::Edit)) {
            Some(impact) => format!("{}; {impact}", self.summary),
            None => self.summary.clone(),
        }
    }

    /// Whether the editor has seen nothing of it yet.
    pub(super) fn has_sent_nothing(&self) -> bool {
        let is_edit = matches!(self.purpose, Purpose::Edit);
        is_edit && self.landed == 0 && self.attempt == 0
    }

    /// The reply that it came from.
    pub(super) fn into_reply(self) -> Option<String> {
        self.reply
    }

    fn present_path(&self) -> String {
        self.paths.get(self.landed).cloned().unwrap_or_default()
    }
}

/// `proposal` with the file at `path` moved to the text that it has now, and gated again.
fn bring_to_present(
    proposal: Proposal,
    path: &str,
    snapshot: &WorkspaceSnapshot,
) -> Result<Proposal, Refusal> {
    let Some(change) = proposal.file(path) else {
        return Ok(proposal);
    };
    let Some(before) = change.before() else {
        // A file to create: there must still be none.
        return if snapshot.exists(path) {
            let now = snapshot
                .read_text(path)
                .map(|text| text.to_string())
                .unwrap_or_default();
            proposal.rebase(path, &now)
        } else {
            Ok(proposal)
        };
    };
    match snapshot.read_text(path) {
        Ok(now) if *now == **before => Ok(proposal),
        Ok(now) => proposal.rebase(path, &now),
        // A file that cannot be read any more is as good as empty: nothing will be found in it.
        Err(_) => proposal.rebase(path, ""),
    }
}
