//! What a person decides on: a proposal cut into hunks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pleach_text::{ByteOffset, ByteRange, ChangeSet, Replacement};
use serde::{Deserialize, Serialize};

use crate::impact::Impact;
use crate::proposal::FileChange;
use crate::proposal::merge::HunkState;

/// Which hunk of a proposal. It stays the same while the proposal is under review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HunkId(pub u32);

impl fmt::Display for HunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a hunk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkKind {
    /// It changes text.
    Text,
    /// It creates a file.
    Create,
    /// It deletes a file.
    Delete,
    /// It gives a file another name.
    Rename,
}

/// A hunk as it stands now: what a list, a diagnostic or a code lens shows.
#[derive(Debug, Clone, PartialEq)]
pub struct HunkView<'r> {
    /// Its name.
    pub id: HunkId,
    /// The file, by its name before the proposal.
    pub path: &'r str,
    /// What it does.
    pub kind: HunkKind,
    /// What it replaces in the present text; empty where it only puts something in, and for a hunk
    /// about a file as a whole. Where something was changed in its lines, what these are now.
    pub range: ByteRange,
    /// How it stands to what was typed since.
    pub state: HunkState,
    /// What it does, in one line without a path.
    pub summary: &'r str,
    /// Which symbols it brings, takes away or changes.
    pub impact: &'r Impact,
    /// The hunks without which it cannot be: they are accepted with it. Only those still pending.
    pub needs: Vec<HunkId>,
}

/// A hunk as it was proposed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hunk {
    pub(super) id: HunkId,
    /// Which file of the proposal.
    pub(super) file: usize,
    pub(super) kind: HunkKind,
    /// What it replaces in the text that the proposal was made for. Empty unless it changes text.
    pub(super) replacements: Vec<Replacement>,
    pub(super) summary: String,
    pub(super) impact: Impact,
    /// Every hunk that has to come with it, directly or not.
    pub(super) needs: Vec<HunkId>,
    /// Nobody knows whether it has landed: it is for the person to say, wherever it would be clear.
    pub(super) is_doubtful: bool,
}

impl Hunk {
    /// All that it replaces, as one stretch.
    pub(super) fn range(&self) -> ByteRange {
        self.replacements
            .iter()
            .map(|one| one.delete)
            .reduce(ByteRange::cover)
            .unwrap_or_default()
    }
}

/// So many lines with a word in them must lie between two changes that are to be two hunks.
const APART: usize = 2;

/// Cuts a proposal into hunks.
///
/// Changes with hardly a line between them are one: nobody wants to decide on half a thought. Lines
/// without a letter or digit (a closing bracket, a blank line) do not count.
pub(super) fn cut(files: &[FileChange]) -> Vec<Hunk> {
    let mut hunks = Vec::new();
    let mut push = |file: usize, kind: HunkKind, replacements: Vec<Replacement>| {
        let id = HunkId(u32::try_from(hunks.len()).unwrap_or(u32::MAX));
        hunks.push(Hunk {
            id,
            file,
            kind,
            replacements,
            summary: String::new(),
            impact: Impact::default(),
            needs: Vec::new(),
            is_doubtful: false,
        });
    };
    for (file, change) in files.iter().enumerate() {
        match change {
            FileChange::Create { .. } => push(file, HunkKind::Create, Vec::new()),
            FileChange::Delete { .. } => push(file, HunkKind::Delete, Vec::new()),
            FileChange::Rename {
                before, changes, ..
            } => {
                push(file, HunkKind::Rename, Vec::new());
                for part in parts(before, changes) {
                    push(file, HunkKind::Text, part);
                }
            }
            FileChange::Edit {
                before, changes, ..
            } => {
                for part in parts(before, changes) {
                    push(file, HunkKind::Text, part);
                }
            }
        }
    }
    hunks
}

/// The less a hunk replaces, the less can be typed into it.
fn refined(before: &str, changes: &ChangeSet) -> ChangeSet {
    // It was made for this very text.
    changes.refine(before).unwrap_or_else(|_| changes.clone())
}

/// Where what the hunks of a file put in is in its text afterwards, in the order of their replacements.
pub(super) fn put_in(change: &FileChange) -> Vec<ByteRange> {
    match (change.before(), change.changes()) {
        (Some(before), Some(changes)) => refined(before, changes).inserted_ranges(),
        _ => Vec::new(),
    }
}

fn parts(before: &Arc<str>, changes: &ChangeSet) -> Vec<Vec<Replacement>> {
    let mut parts: Vec<Vec<Replacement>> = Vec::new();
    for replacement in refined(before, changes).replacements() {
        match parts.last_mut() {
            Some(part)
                if part.last().is_some_and(|last| {
                    lines_between(before, last.delete.end, replacement.delete.start) < APART
                }) =>
            {
                part.push(replacement.clone());
            }
            _ => parts.push(vec![replacement.clone()]),
        }
    }
    parts
}

/// How many whole lines with a word in them lie between two places; no more are counted than matter.
fn lines_between(text: &str, from: ByteOffset, to: ByteOffset) -> usize {
    let between = text.get(from.0..to.0).unwrap_or_default();
    let starts_whole = from == ByteOffset::ZERO
        || text
            .get(..from.0)
            .is_some_and(|head| head.ends_with(['\n', '\r']));
    pleach_text::lines(between)
        .skip(usize::from(!starts_whole))
        .filter(|line| line.ends_with(['\n', '\r']) && line.contains(char::is_alphanumeric))
        .take(APART)
        .count()
}

/// The hunks of each file.
pub(super) fn by_file(hunks: &[Hunk]) -> BTreeMap<usize, Vec<&Hunk>> {
    let mut files: BTreeMap<usize, Vec<&Hunk>> = BTreeMap::new();
    for hunk in hunks {
        files.entry(hunk.file).or_default().push(hunk);
    }
    files
}
