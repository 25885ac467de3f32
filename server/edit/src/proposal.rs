//! What the engine answers: changes that passed the gate.

mod arrival;
mod conflict;
mod describe;
mod endings;
mod followed;
mod formatted;
mod hunk;
#[cfg(test)]
mod interleavings;
mod merge;
mod only_comments;
mod patch;
mod rebase;
mod review;
mod shape;
pub(crate) mod sides;
mod stored;
mod ties;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pleach_grammars::Language;
use pleach_text::{ByteOffset, ByteRange, ChangeSet};
use serde::Serialize;

pub use self::arrival::Arrival;
pub use self::conflict::{Conflict, Resolution, Resolved};
pub use self::hunk::{HunkId, HunkKind, HunkView};
pub use self::merge::HunkState;
pub use self::review::Review;
pub use self::stored::{StoredProposal, StoredReview};
use crate::gate::FileVerdict;
use crate::impact::Impact;
use crate::{Format, Rung};

/// What is to be done to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// The text changes.
    Edit {
        /// The file.
        path: String,
        /// Its text before.
        before: Arc<str>,
        /// The changes, byte for byte what is written.
        changes: ChangeSet,
    },
    /// The file is new.
    Create {
        /// The file.
        path: String,
        /// Its text.
        text: String,
    },
    /// The file goes.
    Delete {
        /// The file.
        path: String,
        /// Its text before.
        before: Arc<str>,
    },
    /// The file gets another name, and perhaps another text.
    Rename {
        /// Its name before.
        from: String,
        /// Its name after.
        to: String,
        /// Its text before.
        before: Arc<str>,
        /// The changes, byte for byte what is written.
        changes: ChangeSet,
    },
}

impl FileChange {
    /// The file; for a renamed one its name before.
    pub fn path(&self) -> &str {
        match self {
            Self::Edit { path, .. } | Self::Create { path, .. } | Self::Delete { path, .. } => path,
            Self::Rename { from, .. } => from,
        }
    }

    /// The name of the file afterwards, `None` when it is deleted.
    pub fn path_after(&self) -> Option<&str> {
        match self {
            Self::Edit { path, .. } | Self::Create { path, .. } => Some(path),
            Self::Delete { .. } => None,
            Self::Rename { to, .. } => Some(to),
        }
    }

    /// The text before, `None` for a new file.
    pub fn before(&self) -> Option<&Arc<str>> {
        match self {
            Self::Edit { before, .. }
            | Self::Delete { before, .. }
            | Self::Rename { before, .. } => Some(before),
            Self::Create { .. } => None,
        }
    }

    /// The text after, `None` for a deleted file.
    pub fn after(&self) -> Option<String> {
        match self {
            Self::Edit {
                before, changes, ..
            }
            | Self::Rename {
                before, changes, ..
            } => {
                // The change set was made for this very text.
                changes.apply_to_str(before).ok()
            }
            Self::Create { text, .. } => Some(text.clone()),
            Self::Delete { .. } => None,
        }
    }

    /// The changes of the text, for an edit or a rename.
    pub fn changes(&self) -> Option<&ChangeSet> {
        match self {
            Self::Edit { changes, .. } | Self::Rename { changes, .. } => Some(changes),
            Self::Create { .. } | Self::Delete { .. } => None,
        }
    }

    /// How many bytes the change touches: taken out and put in.
    pub fn size(&self) -> usize {
        match self {
            Self::Edit { changes, .. } | Self::Rename { changes, .. } => arrival::cost(changes),
            Self::Create { text, .. } => text.len(),
            Self::Delete { before, .. } => before.len(),
        }
    }
}

/// Where a hunk was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlacedHunk {
    /// Which hunk of the reply, from 0.
    pub index: usize,
    /// The file.
    pub path: String,
    /// The format it was written in.
    pub format: Format,
    /// How strictly its place was matched.
    pub rung: Rung,
    /// What it replaces, in the text before; empty where it only inserts.
    #[serde(skip)]
    pub range_before: ByteRange,
    /// Numbers of the first and the last line that it is about, from 1, in the text before.
    pub lines: (usize, usize),
}

/// What is known of a proposal beside its changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// What the gate says, file by file.
    pub files: Vec<(String, FileVerdict)>,
    /// What was put right because it was surely meant.
    pub repairs: Vec<String>,
    /// Hunks whose change the file has already.
    pub already_applied: Vec<usize>,
    /// New syntax errors were seen and allowed by a person.
    pub worse_allowed: bool,
    /// Which symbols come, go or change, and where they are used.
    pub impact: Impact,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (path, verdict)) in self.files.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{path}: {verdict}")?;
        }
        for repair in &self.repairs {
            write!(f, "; put right: {repair}")?;
        }
        if !self.already_applied.is_empty() {
            write!(
                f,
                "; already there: {} of the hunks",
                self.already_applied.len()
            )?;
        }
        if !self.impact.is_empty() {
            write!(f, "; {}", self.impact)?;
        }
        Ok(())
    }
}

/// Changes of files that passed the gate.
///
/// Only this crate makes one, and only after the gate: a change that was not checked cannot land.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub(crate) files: Vec<FileChange>,
    pub(crate) hunks: Vec<PlacedHunk>,
    pub(crate) verdict: Verdict,
    pub(crate) allow_worse_syntax: bool,
}

impl Proposal {
    /// What is to be done, file by file.
    pub fn files(&self) -> &[FileChange] {
        &self.files
    }

    /// What is to be done to one file, by its name before.
    pub fn file(&self, path: &str) -> Option<&FileChange> {
        self.files.iter().find(|file| file.path() == path)
    }

    /// The text of a file afterwards, by its name before. `None` for a file that is deleted or that
    /// is not part of the proposal.
    pub fn after(&self, path: &str) -> Option<String> {
        self.file(path)?.after()
    }

    /// Where each hunk was placed, in the order of the reply.
    pub fn hunks(&self) -> &[PlacedHunk] {
        &self.hunks
    }

    /// What is known beside the changes.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The proposal that takes this one back: exact, and asked for by a person, so that it may bring
    /// back a text with syntax errors.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let files = self.files.iter().map(inverse_of).collect();
        let hunks = self
            .files
            .iter()
            .enumerate()
            .filter_map(|(index, file)| {
                let path = file.path_after()?.to_owned();
                let after = file.after()?;
                let inserted = file
                    .changes()
                    .map(ChangeSet::inserted_ranges)
                    .unwrap_or_default();
                let range = inserted.into_iter().reduce(ByteRange::cover)?;
                let lines = lines_of(&after, range);
                Some(PlacedHunk {
                    index,
                    path,
                    format: Format::UnifiedDiff,
                    rung: Rung::Exact,
                    range_before: range,
                    lines,
                })
            })
            .collect();
        Self {
            files,
            hunks,
            verdict: Verdict::default(),
            allow_worse_syntax: true,
        }
    }

    /// The files of the proposal with their texts afterwards, `None` for a deleted one.
    pub fn texts_after(&self) -> BTreeMap<String, Option<String>> {
        let mut texts = BTreeMap::new();
        for file in &self.files {
            if let FileChange::Rename { from, .. } = file {
                texts.insert(from.clone(), None);
            }
            match file.path_after() {
                Some(path) => texts.insert(path.to_owned(), file.after()),
                None => texts.insert(file.path().to_owned(), None),
            };
        }
        texts
    }
}

fn inverse_of(file: &FileChange) -> FileChange {
    match file {
        FileChange::Edit {
            path,
            before,
            changes,
        } => {
            let (text, changes) = undone(before, changes);
            FileChange::Edit {
                path: path.clone(),
                before: text,
                changes,
            }
        }
        FileChange::Create { path, text } => FileChange::Delete {
            path: path.clone(),
            before: Arc::from(text.as_str()),
        },
        FileChange::Delete { path, before } => FileChange::Create {
            path: path.clone(),
            text: before.to_string(),
        },
        FileChange::Rename {
            from,
            to,
            before,
            changes,
        } => {
            let (text, changes) = undone(before, changes);
            FileChange::Rename {
                from: to.clone(),
                to: from.clone(),
                before: text,
                changes,
            }
        }
    }
}

/// The text after a change, and the change that takes it back.
fn undone(before: &Arc<str>, changes: &ChangeSet) -> (Arc<str>, ChangeSet) {
    match (changes.apply_to_str(before), changes.invert(before)) {
        (Ok(after), Ok(back)) => (Arc::from(after), back),
        // The change set was made for this very text, so this is never reached.
        _ => (
            Arc::clone(before),
            ChangeSet::unchanged(ByteOffset(before.len())),
        ),
    }
}

fn overlap_at(text: &str, range: ByteRange) -> String {
    let (first, last) = lines_of(text, range);
    if first == last {
        format!("line {first} was changed by both")
    } else {
        format!("lines {first} to {last} were changed by both")
    }
}

/// Numbers of the first and the last line that a range touches, from 1.
pub(crate) fn lines_of(text: &str, range: ByteRange) -> (usize, usize) {
    let count = |end: usize| {
        text.as_bytes()
            .get(..end.min(text.len()))
            .map_or(0, |head| memchr::memchr_iter(b'\n', head).count())
    };
    let first = count(range.start.0);
    let last = count(range.end.0.saturating_sub(usize::from(!range.is_empty())));
    (first + 1, last.max(first) + 1)
}

pub(crate) fn language_of(path: &str, text: &str) -> Option<Language> {
    Language::detect(None, path, text.lines().next().unwrap_or(""))
}
