//! A whole proposal, brought to the text that one of its files has now.

use pleach_text::ChangeSet;

use super::followed::{FileReview, accepted};
use super::hunk::{Hunk, cut};
use super::review::checked;
use super::{FileChange, Proposal, lines_of};
use crate::{Refusal, RefusalCode};

impl Proposal {
    /// The same proposal for a file that was changed meanwhile: what was typed since stays, the
    /// proposal's changes move along, and the result passes the gate again.
    ///
    /// What the file has already is left out, and what was only formatted is recognised. To take the
    /// hunks that are in no conflict, and to settle those that are, make a [`Review`](crate::Review).
    ///
    /// # Errors
    /// [`RefusalCode::Conflict`] when both changed the same place, [`RefusalCode::SyntaxWorse`] when
    /// the two together are worse than the present text, [`RefusalCode::UnknownFile`] when the file
    /// is not part of the proposal.
    pub fn rebase(&self, path: &str, now: &str) -> Result<Self, Refusal> {
        let Some(at) = self.files.iter().position(|file| file.path() == path) else {
            return Err(Refusal::whole(
                RefusalCode::UnknownFile,
                format!("{path} is not part of this proposal."),
            ));
        };
        let mut rebased = self.clone();
        let Some(change) = rebased.files.get_mut(at) else {
            return Ok(rebased);
        };
        if change.before().is_some_and(|before| **before == *now) {
            return Ok(rebased);
        }
        let mut file = FileReview::of(change.clone());
        file.catch_up(Some(now));
        let hunks = cut(std::slice::from_ref(change));
        let hunks: Vec<&Hunk> = hunks.iter().collect();
        *change = match accepted(&file, &hunks)? {
            Some(change) => change,
            None => FileChange::Edit {
                path: path.to_owned(),
                before: now.into(),
                changes: ChangeSet::unchanged(now.len().into()),
            },
        };
        let mut allowed = false;
        let verdict = checked(change, self.allow_worse_syntax, &mut allowed)?;
        rebased.verdict.worse_allowed |= allowed;
        rebased.verdict.files.retain(|(name, _)| name != path);
        rebased.verdict.files.extend(verdict);
        let since = file.since();
        for hunk in rebased.hunks.iter_mut().filter(|hunk| hunk.path == path) {
            hunk.range_before = since.map_range(hunk.range_before);
            hunk.lines = lines_of(now, hunk.range_before);
        }
        Ok(rebased)
    }
}
