//! What outlives the session: the history of landings and the reviews that are open, in the store.
//!
//! One thread owns the database, because its calls wait for the disk and for other servers. The session
//! hands work over and goes on; what has to be known comes back as an event. What cannot be kept is said
//! once and stops nothing.

mod intents;
mod reviews;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime};

use camino::Utf8Path;
use pleach_edit::{FileChange, Proposal, StoredProposal};
use pleach_store::{
    Dismissal, LandedFile, LandingId, Limits, NewLanding, Store, StoreError, WaitingId,
};
use pleach_workspace::WorkspaceSnapshot;

pub(crate) use self::intents::AboutToLand;
pub(crate) use self::reviews::KeptReview;
use crate::event::{Event, Inbox, JobId};
use crate::session::Session;
use crate::session::history::{KeptLanding, REMEMBERED};
use crate::session::jobs::Failure;
use crate::session::messages::Severity;

/// How long the end of the process waits for what is still to be written. A write takes a few
/// milliseconds; only a disk or another server in trouble, or a machine under load, makes it long. Two
/// seconds after its editor has gone, a server is gone too.
const LAST_WRITES_WITHIN: Duration = Duration::from_millis(1_800);

type Work = Box<dyn FnOnce(&mut Shelf) -> Result<Option<Event>, StoreError> + Send>;

/// Hands work over to the thread that owns the store.
#[derive(Clone)]
pub(crate) struct Keeper {
    work: Sender<Work>,
}

/// The store, and under which of its numbers it keeps what the session numbers otherwise.
pub(crate) struct Shelf {
    pub(crate) store: Store,
    landings: BTreeMap<u64, LandingId>,
    reviews: BTreeMap<JobId, WaitingId>,
    /// Edits that are about to land, by their jobs.
    intents: BTreeMap<JobId, WaitingId>,
}

/// What an earlier session left.
pub(crate) struct Kept {
    landings: Vec<KeptLanding>,
    reviews: Vec<KeptReview>,
    /// What a person should know of answers that wait no more.
    told: Vec<String>,
    /// Findings that are not shown again.
    dismissed: Vec<Dismissal>,
}

impl Keeper {
    /// Starts the thread. The database is opened when it is first needed.
    pub(crate) fn start(state_dir: &Utf8Path, inbox: Inbox) -> Self {
        let (sender, works) = channel::<Work>();
        let mut shelf = Shelf {
            store: Store::new(state_dir),
            landings: BTreeMap::new(),
            reviews: BTreeMap::new(),
            intents: BTreeMap::new(),
        };
        let keep = move || {
            for work in works {
                // A mistake of ours costs this one work.
                let done = catch_unwind(AssertUnwindSafe(|| work(&mut shelf)));
                for notice in shelf.store.take_notices() {
                    inbox.put(Event::StoreNotice(notice.to_string()));
                }
                match done {
                    Ok(Ok(Some(event))) => inbox.put(event),
                    Ok(Ok(None)) => {}
                    Ok(Err(error)) => inbox.put(Event::NotKept(error.to_string())),
                    Err(_) => tracing::error!("work on the store was given up after a panic"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("store".to_owned());
        if let Err(error) = thread.spawn(keep) {
            tracing::error!(%error, "nothing is kept: there is no thread for it");
        }
        Self { work: sender }
    }

    /// Does `work` after all that was handed over before. The event that it returns comes back.
    pub(crate) fn put(
        &self,
        work: impl FnOnce(&mut Shelf) -> Result<Option<Event>, StoreError> + Send + 'static,
    ) {
        if self.work.send(Box::new(work)).is_err() {
            tracing::error!("the thread of the store is gone");
        }
    }

    /// Waits until everything is written, or gives up. For the end of the process.
    pub(crate) fn finish(&self) {
        let (done, written) = channel();
        self.put(move |_| {
            let _nobody_waits_any_more = done.send(()).is_err();
            Ok(None)
        });
        if written.recv_timeout(LAST_WRITES_WITHIN).is_err() {
            tracing::warn!("the server ends before everything was written to the store");
        }
    }
}

impl Session {
    /// Where paths of the present workspace begin; none where no folder is open, so that paths mean
    /// nothing to a later session.
    pub(super) fn kept_folder(&self) -> Option<String> {
        let roots = self.configuration.roots();
        let folders: Vec<&str> = roots.iter().map(|root| root.as_str()).collect();
        (!folders.is_empty()).then(|| folders.join("\n"))
    }

    /// Asks for what an earlier session left, once the settings are known.
    pub(super) fn load_kept(&mut self) {
        if !self.configuration.is_loaded() {
            self.configuration.defer(Event::KeptDue);
            return;
        }
        let folder = self.kept_folder();
        let snapshot = self.snapshot();
        self.keeper.put(move |shelf| {
            if !shelf.store.path().exists() {
                return Ok(None);
            }
            let now = SystemTime::now();
            let removed = shelf.store.prune(&Limits::default(), now)?;
            tracing::debug!(removed, "the store was pruned");
            let Some(folder) = folder else {
                return Ok(None);
            };
            // What landed and was not recorded is among the landings then.
            let (reviews, told) = reviews::load(&mut shelf.store, &folder, &snapshot)?;
            let mut landings = Vec::new();
            for entry in shelf.store.list(Some(&folder), REMEMBERED)? {
                landings.push(KeptLanding::of(entry, &snapshot));
            }
            Ok(Some(Event::KeptLoaded(Box::new(Kept {
                landings,
                reviews,
                told,
                dismissed: shelf.store.dismissed(&folder)?,
            }))))
        });
    }

    /// Takes up where an earlier session ended.
    pub(super) fn kept_loaded(&mut self, kept: Kept) {
        let numbers = self.history.put_before(kept.landings);
        self.keeper.put(move |shelf| {
            shelf.landings.extend(numbers);
            Ok(None)
        });
        for text in kept.told {
            self.show(Severity::Warning, &text);
        }
        self.dismissals_loaded(kept.dismissed);
        self.take_reviews_up(kept.reviews);
    }

    /// Keeps the landed edit with this number, and with it that it waits no more: neither as an edit that
    /// is about to land nor as hunks of `review`, where it comes from one.
    pub(super) fn keep_landing(&self, number: u64, job: JobId, review: Option<JobId>) {
        let Some((landed, folder)) = self.history.get(number).zip(self.kept_folder()) else {
            return;
        };
        let Some(proposal) = landed.proposal().cloned() else {
            return;
        };
        let it = self.jobs.get(&job);
        let mut landing = NewLanding {
            at: landed.when,
            folder,
            job,
            action: it.map_or("", |job| job.action.title()).to_owned(),
            instruction: it.and_then(|job| job.instruction().map(str::to_owned)),
            engine: it.map_or_else(String::new, |job| job.engine().to_owned()),
            title: landed.title.clone(),
            undoes: None,
            files: Vec::new(),
        };
        let undoes = landed.undoes;
        let left = review.and_then(|review| self.reviews.get(review));
        let left = left.map(reviews::Draft::of);
        self.keeper.put(move |shelf| {
            landing.undoes = undoes.and_then(|number| shelf.landings.get(&number).copied());
            landing.files = proposal.files().iter().filter_map(landed_file).collect();
            let left = left.and_then(|draft| draft.into_json(&shelf.landings));
            let answer = match review {
                Some(review) if left.is_some() => shelf.reviews.get(&review).copied(),
                Some(_) => None,
                None => shelf.intents.remove(&job),
            };
            let id = match answer {
                Some(answer) => shelf
                    .store
                    .record_decided(&landing, answer, left.as_deref())?,
                None => shelf.store.record(&landing)?,
            };
            shelf.landings.insert(number, id);
            Ok(None)
        });
    }

    /// Fetches what takes a landing of an earlier session back.
    pub(super) fn read_undo(&self, job: JobId, number: u64, id: LandingId, summary: String) {
        self.keeper.put(move |shelf| {
            let undo = match shelf.store.get(id) {
                Ok(Some((_, files))) => {
                    let files: Vec<FileChange> = files.into_iter().map(taken_back).collect();
                    let undo = StoredProposal::new(&files, true).restore();
                    undo.map(Box::new).map_err(|refusal| refusal.to_string())
                }
                Ok(None) => Err("it is not kept any more".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            Ok(Some(Event::UndoRead {
                job,
                number,
                summary,
                undo,
            }))
        });
    }

    pub(super) fn undo_read(
        &mut self,
        job: JobId,
        number: u64,
        summary: String,
        undo: Result<Box<Proposal>, String>,
    ) {
        match undo {
            Ok(undo) => self.land_undo(job, number, *undo, summary),
            Err(why) => {
                let failure = Failure {
                    code: "history-unreadable".to_owned(),
                    message: format!("the edit could not be read from the history: {why}"),
                    next: "take it back by hand, or with version control".to_owned(),
                };
                self.fail(job, failure, None);
            }
        }
    }

    /// Something could not be kept: said once, for it may be so each time.
    pub(super) fn not_kept(&mut self, error: &str) {
        tracing::warn!(error, "something could not be kept");
        if std::mem::replace(&mut self.said_not_kept, true) {
            return;
        }
        let text = format!(
            "Pleach: what lands and what waits for review is not kept for a later start: {error}"
        );
        self.show(Severity::Warning, &text);
    }
}

/// What a landed change is written down as; none for what does not fit together, which no landing is.
fn landed_file(change: &FileChange) -> Option<LandedFile> {
    let inverse = |before: &str| change.changes()?.invert(before).ok();
    Some(match change {
        FileChange::Edit { path, before, .. } => LandedFile::Edited {
            path: path.clone(),
            after: change.after()?,
            inverse: inverse(before)?,
        },
        FileChange::Create { path, text } => LandedFile::Created {
            path: path.clone(),
            after: text.clone(),
        },
        FileChange::Delete { path, before } => LandedFile::Deleted {
            path: path.clone(),
            before: before.to_string(),
        },
        FileChange::Rename {
            from, to, before, ..
        } => LandedFile::Renamed {
            from: from.clone(),
            to: to.clone(),
            after: change.after()?,
            inverse: inverse(before)?,
        },
    })
}

/// What takes a landed change back.
fn taken_back(file: LandedFile) -> FileChange {
    match file {
        LandedFile::Edited {
            path,
            after,
            inverse,
        } => FileChange::Edit {
            path,
            before: after.into(),
            changes: inverse,
        },
        LandedFile::Created { path, after } => FileChange::Delete {
            path,
            before: after.into(),
        },
        LandedFile::Deleted { path, before } => FileChange::Create { path, text: before },
        LandedFile::Renamed {
            from,
            to,
            after,
            inverse,
        } => FileChange::Rename {
            from: to,
            to: from,
            before: after.into(),
            changes: inverse,
        },
    }
}

/// The present uris of files, as far as they can be reached.
fn uris_of<'a>(
    paths: impl Iterator<Item = &'a str>,
    snapshot: &WorkspaceSnapshot,
) -> BTreeMap<String, String> {
    paths
        .filter_map(|path| Some((path.to_owned(), snapshot.uri_of(path).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use pleach_text::ChangeSet;

    use super::*;

    #[test]
    fn what_is_written_down_takes_back_exactly_what_landed() {
        let (before, after) = ("a\r\n😀\nb", "a\r\n😁\nb\nc");
        let changes = ChangeSet::between(before, after);
        let before: Arc<str> = before.into();
        let landed = [
            FileChange::Edit {
                path: "a".into(),
                before: Arc::clone(&before),
                changes: changes.clone(),
            },
            FileChange::Create {
                path: "b".into(),
                text: "new".into(),
            },
            FileChange::Delete {
                path: "c".into(),
                before: "old".into(),
            },
            FileChange::Rename {
                from: "d".into(),
                to: "e".into(),
                before,
                changes,
            },
        ];
        let written: Vec<LandedFile> = landed.iter().filter_map(landed_file).collect();
        assert_eq!(written.len(), landed.len());
        let undo: Vec<FileChange> = written.into_iter().map(taken_back).collect();
        for (landed, undo) in landed.iter().zip(&undo) {
            assert_eq!(Some(undo.path()), landed.path_after().or(Some("c")));
            assert_eq!(undo.before().map(ToString::to_string), landed.after());
            assert_eq!(undo.after(), landed.before().map(ToString::to_string));
        }
        assert!(StoredProposal::new(&undo, true).restore().is_ok());
    }
}
