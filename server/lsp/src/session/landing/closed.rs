//! Files that no editor has open: Pleach writes them itself, all together, after the editor has taken
//! the open ones.

use pleach_agent::chat::is_chat;
use pleach_agent::plan::is_plan;
use pleach_edit::{FileChange, Proposal};
use pleach_workspace::{Journal, Recovered, WorkspaceSnapshot, write_all};

use super::{LandingFailure, bring_to_present};
use crate::event::{Event, JobId};
use crate::session::Session;
use crate::session::messages::Severity;

/// Closed files that were written: the proposal as it was written, and what could not be kept of them.
pub(crate) struct Written {
    proposal: Proposal,
    uris: Vec<String>,
    notes: Vec<String>,
}

impl Session {
    /// Whether Pleach writes the file at `path` itself: no editor has it open, and if a file comes, goes
    /// or gets another name, the editor cannot do that.
    pub(super) fn writes_itself(
        &self,
        proposal: &Proposal,
        path: &str,
        snapshot: &WorkspaceSnapshot,
    ) -> bool {
        let Some(change) = proposal.file(path) else {
            return false;
        };
        let is_open = snapshot
            .uri_of(path)
            .is_ok_and(|uri| self.documents.get(&uri).is_some());
        let editor_can = self.client.apply_edit
            && match change {
                FileChange::Edit { .. } => false,
                // Plans and chats are on disk from the beginning: they are run and answered whether or not
                // somebody has them open.
                FileChange::Create { path, .. } => {
                    let is_ours = is_plan(path) || is_chat(path);
                    self.client.create_files && !is_ours
                }
                FileChange::Delete { .. } => self.client.delete_files,
                FileChange::Rename { .. } => self.client.rename_files,
            };
        !is_open && !editor_can
    }

    /// Writes the files at `paths`, off the loop: all or none.
    pub(super) fn write_closed(&self, job: JobId, step: usize, paths: Vec<String>) {
        let Some(landing) = self.landings.get(&job) else {
            return;
        };
        let proposal = landing.proposal.clone();
        let snapshot = self.snapshot();
        let journal = Journal::new(&self.environment.state_dir);
        let lost = Event::ClosedWritten {
            job,
            step,
            written: Err(Box::new(LandingFailure::NotWritten {
                code: "internal",
                why: "writing the files that are not open failed".to_owned(),
            })),
        };
        let work = move || Event::ClosedWritten {
            job,
            step,
            written: write(proposal, &paths, &snapshot, &journal).map_err(Box::new),
        };
        self.aside(work, lost);
    }

    pub(in crate::session) fn closed_written(
        &mut self,
        job: JobId,
        step: usize,
        written: Result<Written, Box<LandingFailure>>,
    ) {
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        if landing.landed != step {
            return;
        }
        match written {
            Ok(written) => {
                landing.proposal = written.proposal;
                landing.uris.extend(written.uris);
                landing.landed = landing.paths.len();
                for note in written.notes {
                    self.show(Severity::Warning, &format!("Pleach: {note}"));
                }
                self.next_step(job);
            }
            Err(failure) => self.landing_failed(job, &failure),
        }
    }

    /// Brings landings to an end that were interrupted, off the loop.
    pub(in crate::session) fn recover(&self) {
        let journal = Journal::new(&self.environment.state_dir);
        let work = move || {
            let recovered = journal.recover(None);
            Event::Recovered(recovered.map_err(|error| error.to_string()))
        };
        let lost = Event::Recovered(Err("looking for interrupted landings failed".to_owned()));
        self.aside(work, lost);
    }

    pub(in crate::session) fn recovered(&mut self, recovered: Result<Vec<Recovered>, String>) {
        self.tell_recovered(recovered);
        // Files that were half-way are whole now.
        self.load_kept();
    }

    fn tell_recovered(&self, recovered: Result<Vec<Recovered>, String>) {
        let recovered = match recovered {
            Ok(recovered) => recovered,
            Err(error) => {
                tracing::warn!(error, "interrupted landings could not be looked for");
                return;
            }
        };
        for landing in &recovered {
            let severity = if landing.is_whole() {
                Severity::Info
            } else {
                Severity::Warning
            };
            let mut text = format!("Pleach: {landing}");
            for file in landing.odd_files() {
                text = format!("{text}; {} {}", file.path, file.outcome);
            }
            self.show(severity, &text);
        }
    }
}

fn write(
    proposal: Proposal,
    paths: &[String],
    snapshot: &WorkspaceSnapshot,
    journal: &Journal,
) -> Result<Written, LandingFailure> {
    let mut present = proposal;
    for path in paths {
        present = bring_to_present(present, path, snapshot)
            .map_err(|refusal| LandingFailure::Refused(Box::new(refusal)))?;
    }
    let changes: Vec<&FileChange> = present
        .files()
        .iter()
        .filter(|file| paths.iter().any(|path| path == file.path()))
        .collect();
    let uris = changes
        .iter()
        .filter_map(|file| {
            snapshot
                .uri_of(file.path_after().unwrap_or(file.path()))
                .ok()
        })
        .collect();
    let landed =
        write_all(snapshot, changes, journal).map_err(|error| LandingFailure::NotWritten {
            code: error.code(),
            why: error.to_string(),
        })?;
    Ok(Written {
        proposal: present,
        uris,
        notes: landed.notes.iter().map(ToString::to_string).collect(),
    })
}
