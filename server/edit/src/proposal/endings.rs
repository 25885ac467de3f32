//! A text whose line breaks were all made another kind since: hunks are made for the new kind.

use std::borrow::Cow;
use std::sync::Arc;

use pleach_text::{Bias, ByteRange, ChangeSet, Dialect, LineEnding, Replacement};

use super::FileChange;
use super::followed::{FileReview, Now};
use super::hunk::Hunk;

/// A file and hunks of it, with the line breaks that the file has now.
pub(super) struct Adapted<'f> {
    pub(super) file: Cow<'f, FileReview>,
    pub(super) hunks: Vec<Cow<'f, Hunk>>,
    /// What was changed since, as small as it is.
    pub(super) since: ChangeSet,
}

/// The kind of line break that a text has, if it has one and only one.
pub(super) fn ending_of(text: &str) -> Option<LineEnding> {
    let dialect = Dialect::of(text);
    let breaks = text.contains(['\n', '\r']);
    (breaks && !dialect.mixed).then_some(dialect.line_ending)
}

impl FileReview {
    /// The file as hunks are to be merged into it.
    pub(super) fn adapted<'f>(&'f self, hunks: &[&'f Hunk]) -> Adapted<'f> {
        let since = self.since();
        if let Some((from, to)) = self.other_ending(&since)
            && let Some(adapted) = self.with_ending(hunks, from, to)
        {
            return adapted;
        }
        Adapted {
            file: Cow::Borrowed(self),
            hunks: hunks.iter().map(|hunk| Cow::Borrowed(*hunk)).collect(),
            since,
        }
    }

    /// The line break of the text that the proposal was made for, and the other one of the text now.
    fn other_ending(&self, since: &ChangeSet) -> Option<(LineEnding, LineEnding)> {
        let from = self.ending?;
        let all = since.replacements();
        // Whoever changes every line break changes many places: mostly there is nothing to look at.
        let many = all.len() * 2 >= self.breaks
            || all
                .iter()
                .any(|one| one.delete.len() * 2 >= self.base().len());
        if !many {
            return None;
        }
        let to = ending_of(&self.text()?)?;
        (to != from).then_some((from, to))
    }

    fn with_ending<'f>(
        &'f self,
        hunks: &[&'f Hunk],
        from: LineEnding,
        to: LineEnding,
    ) -> Option<Adapted<'f>> {
        let base = self.base();
        let change = changed_breaks(base, from, to);
        let new_base: Arc<str> = change.apply_to_str(base).ok()?.into();
        let now = self.text()?;
        let since = ChangeSet::between(&new_base, &now);
        let replaced = |one: &Replacement| Replacement {
            delete: ByteRange::new(
                change.map_offset(one.delete.start, Bias::Before),
                change.map_offset(one.delete.end, Bias::Before),
            ),
            insert: changed_breaks(&one.insert, from, to)
                .apply_to_str(&one.insert)
                .unwrap_or_else(|_| one.insert.clone()),
        };
        let hunks = hunks.iter().map(|hunk| {
            let mut hunk = (*hunk).clone();
            hunk.replacements = hunk.replacements.iter().map(replaced).collect();
            Cow::Owned(hunk)
        });
        let mut file = self.clone();
        let mut new_change = (*self.change).clone();
        if let FileChange::Edit {
            before, changes, ..
        }
        | FileChange::Rename {
            before, changes, ..
        } = &mut new_change
        {
            *changes = ChangeSet::unchanged(new_base.len().into());
            *before = new_base;
        }
        file.change = Arc::new(new_change);
        file.now = Now::Changed(since.clone());
        Some(Adapted {
            file: Cow::Owned(file),
            hunks: hunks.collect(),
            since,
        })
    }
}

/// Every line break of one kind made another.
fn changed_breaks(text: &str, from: LineEnding, to: LineEnding) -> ChangeSet {
    let all = text.match_indices(from.as_str()).map(|(at, found)| {
        let end = at + found.len();
        match (from, to) {
            (LineEnding::Lf, LineEnding::CrLf) => Replacement::new(at..at, "\r"),
            (LineEnding::CrLf, LineEnding::Lf) => Replacement::new(at..at + 1, ""),
            _ => Replacement::new(at..end, to.as_str()),
        }
    });
    let len = text.len().into();
    ChangeSet::new(all.collect(), len).unwrap_or_else(|_| ChangeSet::unchanged(len))
}
