//! Whether a change that was sent to an editor has come into a file, told by the text of the file alone:
//! nobody who saw it is left to be asked.

use std::sync::Arc;

use pleach_text::{ChangeSet, Replacement};

use super::merge::is_alone;
use super::{FileChange, HunkId, Review};

/// What the text of a file says of a change that was on its way into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// It is there, whatever was typed elsewhere since.
    Landed,
    /// It never came: the text is as it was where the change would be.
    NotLanded,
    /// Something was typed in its place, or the text can be read both ways.
    Unsure,
}

impl FileChange {
    /// Whether this change has come into its file, which has the text `now` (`None`: there is no such
    /// file). Costs two comparisons of texts.
    ///
    /// The text is explained in both ways, as the one before with something typed and as the one after
    /// with something typed. An answer other than [`Arrival::Unsure`] needs the shorter explanation, and
    /// one that leaves the place of the change alone.
    pub fn arrival(&self, now: Option<&str>) -> Arrival {
        let before = self.before().map(|text| &**text);
        let after = self.after();
        // A renamed file is looked for by its name before.
        let after = match self {
            Self::Rename { .. } => None,
            _ => after.as_deref(),
        };
        if now == after {
            return Arrival::Landed;
        }
        if now == before {
            return Arrival::NotLanded;
        }
        match (self, before, after, now) {
            (Self::Edit { changes, .. }, Some(before), Some(after), Some(now)) => {
                explained(changes, before, after, now)
            }
            _ => Arrival::Unsure,
        }
    }
}

impl Review {
    /// These hunks were sent to the editor as `landing` has them, and nobody could tell how that ended.
    /// What the present texts show to have landed is settled; what never came stays as it is; what cannot
    /// be told is a conflict from now on, for the person to settle. A file lands as a whole.
    pub fn look_for(&mut self, hunks: &[HunkId], landing: &[FileChange]) {
        for change in landing {
            let is_in_file = |file: usize| {
                let file = self.files.get(file);
                file.is_some_and(|file| file.change.path() == change.path())
            };
            let meant: Vec<HunkId> = self
                .hunks
                .iter()
                .filter(|hunk| hunks.contains(&hunk.id) && is_in_file(hunk.file))
                .map(|hunk| hunk.id)
                .collect();
            if meant.is_empty() {
                continue;
            }
            match change.arrival(self.text(change.path()).as_deref()) {
                Arrival::Landed => self.settle(&meant),
                Arrival::NotLanded => {}
                Arrival::Unsure => {
                    for hunk in self.hunks.iter_mut().filter(|it| meant.contains(&it.id)) {
                        Arc::make_mut(hunk).is_doubtful = true;
                    }
                }
            }
        }
    }
}

fn explained(changes: &ChangeSet, before: &str, after: &str, now: &str) -> Arrival {
    let typed_after = ChangeSet::between(after, now);
    let typed_before = ChangeSet::between(before, now);
    let ours = changes.inserted_ranges();
    let is_whole = typed_after
        .replacements()
        .iter()
        .all(|typed| ours.iter().all(|ours| !ours.touches(typed.delete)));
    let mut each = changes.replacements().iter().map(std::slice::from_ref);
    let is_untouched = each.all(|ours| is_alone(before, ours, &typed_before));
    let (after, before) = (cost(&typed_after), cost(&typed_before));
    match (is_whole, is_untouched) {
        (true, _) if after < before => Arrival::Landed,
        (_, true) if before < after => Arrival::NotLanded,
        _ => Arrival::Unsure,
    }
}

/// How many bytes a change takes out and puts in.
pub(super) fn cost(changes: &ChangeSet) -> usize {
    let size = |one: &Replacement| one.delete.len() + one.insert.len();
    changes.replacements().iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(before: &str, after: &str, now: &str) -> Arrival {
        let change = FileChange::Edit {
            path: "a".into(),
            before: before.into(),
            changes: ChangeSet::between(before, after),
        };
        change.arrival(Some(now))
    }

    #[test]
    fn a_change_is_recognised_under_what_was_typed_elsewhere() {
        let (before, after) = ("one\nb\nc\nd\n", "one\nB B\nc\nd\n");
        assert_eq!(of(before, after, after), Arrival::Landed);
        assert_eq!(of(before, after, "new\none\nB B\nc\nd!\n"), Arrival::Landed);
        assert_eq!(of(before, after, before), Arrival::NotLanded);
        assert_eq!(of(before, after, "new\none\nb\nc\nd\n"), Arrival::NotLanded);
    }

    #[test]
    fn what_was_typed_into_it_leaves_it_open() {
        let (before, after) = ("a\nb\nc\n", "a\nB B\nc\n");
        assert_eq!(of(before, after, "a\nB and B\nc\n"), Arrival::Unsure);
        assert_eq!(of(before, after, "a\nb2\nc\n"), Arrival::Unsure);
        assert_eq!(of("x\nx\n", "x\nx\nx\n", "x\nx\nx\nx\n"), Arrival::Unsure);
    }

    #[test]
    fn files_that_come_and_go_tell_it_by_being_there() {
        let create = FileChange::Create {
            path: "a".into(),
            text: "new\n".into(),
        };
        assert_eq!(create.arrival(Some("new\n")), Arrival::Landed);
        assert_eq!(create.arrival(None), Arrival::NotLanded);
        assert_eq!(create.arrival(Some("other\n")), Arrival::Unsure);
        let rename = FileChange::Rename {
            from: "a".into(),
            to: "b".into(),
            before: "x\n".into(),
            changes: ChangeSet::unchanged(2.into()),
        };
        assert_eq!(rename.arrival(None), Arrival::Landed);
        assert_eq!(rename.arrival(Some("x\n")), Arrival::NotLanded);
    }
}
