//! Proposals and reviews as they are written down, and how they come back.
//!
//! What is read again is not believed: it passes the gate as a reply does, and hunks that are not what
//! they were are not offered.

use std::sync::Arc;

use pleach_text::{ByteRange, ChangeSet};
use serde::{Deserialize, Serialize};

use super::followed::Now;
use super::hunk::Hunk;
use super::review::{Review, checked};
use super::{Arrival, FileChange, HunkId, Proposal, Verdict};
use crate::{Files, Refusal, RefusalCode};

/// A proposal as it is written down: nothing that was not gated again can be made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredProposal {
    files: Vec<StoredChange>,
    /// A person has seen that the result has new syntax errors, and wanted it.
    worse_allowed: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    repairs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
enum StoredChange {
    Edit {
        path: String,
        before: String,
        changes: ChangeSet,
    },
    Create {
        path: String,
        text: String,
    },
    Delete {
        path: String,
        before: String,
    },
    Rename {
        from: String,
        to: String,
        before: String,
        changes: ChangeSet,
    },
}

/// A review as it is written down: the proposal, what is left of it, and the texts that it knew last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredReview {
    proposal: StoredProposal,
    pending: Vec<StoredHunk>,
    now: Vec<StoredNow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    landing: Option<StoredLanding>,
    /// Hunks of which nobody knows whether they have landed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    doubtful: Vec<HunkId>,
}

/// Hunks on their way into the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLanding {
    hunks: Vec<HunkId>,
    proposal: StoredProposal,
}

/// Enough of a hunk to know whether it is the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredHunk {
    id: HunkId,
    file: usize,
    replaces: Vec<ByteRange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredNow {
    Changed(ChangeSet),
    StillNone,
    Appeared(String),
    Gone,
}

impl From<&FileChange> for StoredChange {
    fn from(change: &FileChange) -> Self {
        match change.clone() {
            FileChange::Edit {
                path,
                before,
                changes,
            } => Self::Edit {
                path,
                before: before.to_string(),
                changes,
            },
            FileChange::Create { path, text } => Self::Create { path, text },
            FileChange::Delete { path, before } => Self::Delete {
                path,
                before: before.to_string(),
            },
            FileChange::Rename {
                from,
                to,
                before,
                changes,
            } => Self::Rename {
                from,
                to,
                before: before.to_string(),
                changes,
            },
        }
    }
}

impl From<StoredChange> for FileChange {
    fn from(change: StoredChange) -> Self {
        match change {
            StoredChange::Edit {
                path,
                before,
                changes,
            } => Self::Edit {
                path,
                before: before.into(),
                changes,
            },
            StoredChange::Create { path, text } => Self::Create { path, text },
            StoredChange::Delete { path, before } => Self::Delete {
                path,
                before: before.into(),
            },
            StoredChange::Rename {
                from,
                to,
                before,
                changes,
            } => Self::Rename {
                from,
                to,
                before: before.into(),
                changes,
            },
        }
    }
}

impl Proposal {
    /// The proposal as it can be written down. Its texts are in it; its impact and where the hunks of
    /// the reply were placed are not.
    pub fn stored(&self) -> StoredProposal {
        StoredProposal {
            repairs: self.verdict.repairs.clone(),
            ..StoredProposal::new(&self.files, self.allow_worse_syntax)
        }
    }
}

impl StoredProposal {
    /// What is to be done to these files, as it was written down elsewhere. `worse_allowed` is for what a
    /// person wants whatever the syntax: to take back what landed.
    pub fn new(files: &[FileChange], worse_allowed: bool) -> Self {
        Self {
            files: files.iter().map(StoredChange::from).collect(),
            worse_allowed,
            repairs: Vec::new(),
        }
    }

    /// Whether what was on its way into the files has come there: all of it, nothing of it, or something
    /// else.
    pub fn arrival(&self, files: &dyn Files) -> Arrival {
        let arrivals = self.files.iter().map(|change| {
            let change = FileChange::from(change.clone());
            change.arrival(files.read(change.path()).as_deref())
        });
        let one = |found: Arrival, next: Arrival| {
            if found == next {
                found
            } else {
                Arrival::Unsure
            }
        };
        arrivals.reduce(one).unwrap_or(Arrival::Landed)
    }

    /// What was written down of each file.
    pub fn changes(&self) -> Vec<FileChange> {
        self.files.iter().cloned().map(FileChange::from).collect()
    }

    /// The proposal again, for the texts that it was made for; [`Proposal::rebase`] or a review brings
    /// it to the present ones.
    ///
    /// # Errors
    /// [`RefusalCode::SyntaxWorse`] when it does not pass the gate, [`RefusalCode::BadFormat`] when
    /// what was written down does not fit together.
    pub fn restore(self) -> Result<Proposal, Refusal> {
        let mut verdict = Verdict {
            repairs: self.repairs,
            ..Verdict::default()
        };
        let mut files = Vec::with_capacity(self.files.len());
        for change in self.files {
            let change = FileChange::from(change);
            if let (Some(before), Some(changes)) = (change.before(), change.changes()) {
                changes
                    .apply_to_str(before)
                    .map_err(|problem| broken(&problem.to_string()))?;
            }
            let judged = checked(&change, self.worse_allowed, &mut verdict.worse_allowed)?;
            verdict.files.extend(judged);
            files.push(change);
        }
        Ok(Proposal {
            files,
            hunks: Vec::new(),
            verdict,
            allow_worse_syntax: self.worse_allowed,
        })
    }
}

impl Review {
    /// The review as it can be written down.
    pub fn stored(&self) -> StoredReview {
        let changes = self.files.iter().map(|file| (&*file.change).into());
        let now = self.files.iter().map(|file| match &file.now {
            Now::Changed(since) => StoredNow::Changed(since.clone()),
            Now::StillNone => StoredNow::StillNone,
            Now::Appeared(text) => StoredNow::Appeared(text.to_string()),
            Now::Gone => StoredNow::Gone,
        });
        StoredReview {
            proposal: StoredProposal {
                files: changes.collect(),
                worse_allowed: self.allow_worse_syntax,
                repairs: self.verdict.repairs.clone(),
            },
            pending: self.hunks.iter().map(stored).collect(),
            now: now.collect(),
            landing: None,
            doubtful: self
                .hunks
                .iter()
                .filter(|hunk| hunk.is_doubtful)
                .map(|hunk| hunk.id)
                .collect(),
        }
    }

    /// The review as it can be written down while these hunks are on their way into the files, as
    /// `landing` has them. Where nobody lives to tell how that ended, [`StoredReview::restore`] reads it
    /// off the files: what landed is not offered once more.
    pub fn stored_while_landing(&self, hunks: &[HunkId], landing: &Proposal) -> StoredReview {
        StoredReview {
            landing: Some(StoredLanding {
                hunks: hunks.to_vec(),
                proposal: landing.stored(),
            }),
            ..self.stored()
        }
    }
}

impl StoredReview {
    /// The review again, brought to the texts that the files have now by comparing them with those that
    /// it knew last.
    ///
    /// # Errors
    /// Those of [`StoredProposal::restore`]; [`RefusalCode::Stale`] when the hunks that were pending are
    /// not the ones that the proposal is cut into today, so that nobody can say what was decided.
    pub fn restore(self, files: &dyn Files) -> Result<Review, Refusal> {
        let mut review = Review::of(self.proposal.restore()?);
        let known: Vec<StoredHunk> = review.hunks.iter().map(stored).collect();
        if !self.pending.iter().all(|hunk| known.contains(hunk)) {
            return Err(Refusal::whole(
                RefusalCode::Stale,
                "What was decided of this proposal cannot be told any more. The answer is kept; ask again.",
            ));
        }
        review.hunks.retain(|hunk| {
            let is_it = |stored: &StoredHunk| stored.id == hunk.id;
            self.pending.iter().any(is_it)
        });
        if self.now.len() != review.files.len() {
            return Err(broken("the files are not those of the proposal"));
        }
        for hunk in &mut review.hunks {
            if self.doubtful.contains(&hunk.id) {
                Arc::make_mut(hunk).is_doubtful = true;
            }
        }
        for (file, now) in review.files.iter_mut().zip(self.now) {
            file.now = match (now, file.change.before()) {
                (StoredNow::Changed(since), Some(before)) => {
                    since
                        .apply_to_str(before)
                        .map_err(|problem| broken(&problem.to_string()))?;
                    Now::Changed(since)
                }
                (StoredNow::Gone, Some(_)) => Now::Gone,
                (StoredNow::StillNone, None) => Now::StillNone,
                (StoredNow::Appeared(text), None) => Now::Appeared(text.into()),
                _ => return Err(broken("a file is not what the proposal does with it")),
            };
            let now = files.read(file.change.path());
            file.catch_up(now.as_deref());
        }
        if let Some(landing) = self.landing {
            review.look_for(&landing.hunks, &landing.proposal.changes());
        }
        Ok(review)
    }

    /// What was on its way into the files when this was written down, if all of it is there by now.
    pub fn landed(&self, files: &dyn Files) -> Option<&StoredProposal> {
        let landing = &self.landing.as_ref()?.proposal;
        (landing.arrival(files) == Arrival::Landed).then_some(landing)
    }
}

fn stored(hunk: &Arc<Hunk>) -> StoredHunk {
    StoredHunk {
        id: hunk.id,
        file: hunk.file,
        replaces: hunk.replacements.iter().map(|one| one.delete).collect(),
    }
}

fn broken(why: &str) -> Refusal {
    Refusal::whole(
        RefusalCode::BadFormat,
        format!("What was kept of this proposal is damaged: {why}. Ask again."),
    )
}
