//! A file under review, and what its hunks come to on the text that it has now.

use std::sync::Arc;

use pleach_text::{ByteRange, ChangeSet, Dialect, LineEnding};

use super::arrival::cost;
use super::endings::{Adapted, ending_of};
use super::formatted::{Moving, reformatted};
use super::hunk::{Hunk, HunkKind};
use super::merge::{self, HunkState};
use super::{FileChange, overlap_at};
use crate::{Refusal, RefusalCode};

/// Changes with no more bytes between them are looked at together: they may be a step and its undo.
const NEARBY: usize = 1024;

/// A file under review.
#[derive(Debug, Clone)]
pub(super) struct FileReview {
    /// What the proposal does with it, for the text that it was made for.
    pub(super) change: Arc<FileChange>,
    pub(super) now: Now,
    /// The one kind of line break that its text had, and how many there were.
    pub(super) ending: Option<LineEnding>,
    pub(super) breaks: usize,
}

/// What became of a file since the proposal was made.
#[derive(Debug, Clone)]
pub(super) enum Now {
    /// It has the text of then with these changes.
    Changed(ChangeSet),
    /// There was none, and there is none.
    StillNone,
    /// There was none, and now there is one with this text.
    Appeared(Arc<str>),
    /// There was one, and now there is none.
    Gone,
}

impl FileReview {
    pub(super) fn of(change: FileChange) -> Self {
        let now = change.before().map_or(Now::StillNone, |before| {
            Now::Changed(ChangeSet::unchanged(before.len().into()))
        });
        let base = change.before().map_or("", |before| before);
        Self {
            ending: ending_of(base),
            breaks: pleach_text::lines(base).count(),
            change: Arc::new(change),
            now,
        }
    }

    /// The file is known to have this text now, or to be gone.
    pub(super) fn catch_up(&mut self, now: Option<&str>) {
        let known = self.text();
        if known.as_deref() == now {
            return;
        }
        let base = self.base();
        self.now = match (&self.now, now, self.change.before()) {
            (Now::Changed(since), Some(now), _) => {
                let missed = ChangeSet::between(known.as_deref().unwrap_or_default(), now);
                let all = since.compose(&missed);
                Now::Changed(all.unwrap_or_else(|_| ChangeSet::between(base, now)))
            }
            (_, Some(now), Some(_)) => Now::Changed(ChangeSet::between(base, now)),
            (_, Some(now), None) => Now::Appeared(now.into()),
            (_, None, Some(_)) => Now::Gone,
            (_, None, None) => Now::StillNone,
        };
    }

    /// The text that the proposal was made for; empty for a file that it creates.
    pub(super) fn base(&self) -> &str {
        self.change.before().map_or("", |before| before)
    }

    /// The present text, none where there is no such file.
    pub(super) fn text(&self) -> Option<Arc<str>> {
        match &self.now {
            Now::Changed(since) if since.is_empty() => self.change.before().cloned(),
            // It was composed for this very text.
            Now::Changed(since) => since.apply_to_str(self.base()).ok().map(Arc::from),
            Now::Appeared(text) => Some(Arc::clone(text)),
            Now::StillNone | Now::Gone => None,
        }
    }

    /// What was changed since, as small as it is.
    pub(super) fn since(&self) -> ChangeSet {
        match &self.now {
            Now::Changed(since) => since
                .refine_within(self.base(), NEARBY)
                .unwrap_or_else(|_| since.clone()),
            _ => ChangeSet::unchanged(self.base().len().into()),
        }
    }

    /// The file as a comparison of its texts sees it, where that explains them by less than what was told:
    /// steps and their undo can be told in ways that do not cancel out. Costs a comparison.
    pub(super) fn compared(&self) -> Option<Self> {
        let Now::Changed(told) = &self.now else {
            return None;
        };
        let fresh = ChangeSet::between(self.base(), &self.text()?);
        (cost(&fresh) < cost(told)).then(|| Self {
            now: Now::Changed(fresh),
            ..self.clone()
        })
    }

    pub(super) fn state(&self, hunk: &Hunk, since: &ChangeSet) -> HunkState {
        let only_if = |clear: bool| {
            if clear {
                HunkState::Clear
            } else {
                HunkState::Touched
            }
        };
        match (&self.now, hunk.kind) {
            // As it came, a change may show the hunk where it is no longer needed to explain the text. But
            // where the text is what it was, it was taken back, by whatever other way.
            (Now::Changed(told), HunkKind::Text)
                if merge::contains(told, &hunk.replacements)
                    && !merge::is_alone(self.base(), &hunk.replacements, since) =>
            {
                HunkState::There
            }
            (Now::Changed(told), HunkKind::Text) => {
                let state = merge::state(self.base(), &hunk.replacements, since);
                let is_repeated = || merge::is_repeated(self.base(), &hunk.replacements, told);
                if state == HunkState::Clear && (hunk.is_doubtful || is_repeated()) {
                    HunkState::Touched
                } else {
                    state
                }
            }
            (Now::Changed(_), HunkKind::Rename) | (Now::StillNone, _) => HunkState::Clear,
            (Now::Changed(_), _) => only_if(since.is_empty()),
            (Now::Appeared(text), _) => match &*self.change {
                FileChange::Create { text: ours, .. } if **ours == **text => HunkState::There,
                _ => HunkState::Touched,
            },
            (Now::Gone, HunkKind::Delete) => HunkState::There,
            (Now::Gone, _) => HunkState::Touched,
        }
    }
}

/// The change of one file when some of its hunks are taken; none when it has them already.
pub(super) fn accepted(file: &FileReview, hunks: &[&Hunk]) -> Result<Option<FileChange>, Refusal> {
    match accepted_as_told(file, hunks) {
        Err(refusal) if refusal.code == RefusalCode::Conflict => match file.compared() {
            Some(compared) => accepted_as_told(&compared, hunks),
            None => Err(refusal),
        },
        done => done,
    }
}

fn accepted_as_told(file: &FileReview, hunks: &[&Hunk]) -> Result<Option<FileChange>, Refusal> {
    let Adapted { file, hunks, since } = file.adapted(hunks);
    let states: Vec<HunkState> = hunks.iter().map(|hunk| file.state(hunk, &since)).collect();
    let path = file.change.path().to_owned();
    let kind = |wanted: HunkKind| {
        hunks
            .iter()
            .zip(&states)
            .find(|(hunk, _)| hunk.kind == wanted)
            .map(|(_, state)| *state)
    };
    let Some(now) = file.text() else {
        return match (&*file.change, &file.now) {
            (FileChange::Create { .. }, Now::StillNone) => Ok(Some((*file.change).clone())),
            (FileChange::Delete { .. }, _) => Ok(None),
            _ => Err(clash(&path, "it is gone")),
        };
    };
    if let Some(state) = kind(HunkKind::Create) {
        return match state {
            HunkState::There => Ok(None),
            _ => Err(clash(&path, "it exists now, and the proposal creates it")),
        };
    }
    if let Some(state) = kind(HunkKind::Delete) {
        return match state {
            HunkState::Clear => Ok(Some((*file.change).clone())),
            _ => Err(clash(
                &path,
                "it has another text than the one that was to be deleted",
            )),
        };
    }
    let text: Vec<(&Hunk, HunkState)> = hunks
        .iter()
        .map(|hunk| &**hunk)
        .zip(states.iter().copied())
        .filter(|(hunk, _)| hunk.kind == HunkKind::Text)
        .collect();
    let changes = taken(&file, &text, &since, &now)?;
    match (&*file.change, kind(HunkKind::Rename)) {
        (FileChange::Rename { from, to, .. }, Some(_)) => Ok(Some(FileChange::Rename {
            from: from.clone(),
            to: to.clone(),
            before: now,
            changes,
        })),
        _ if changes.is_empty() => Ok(None),
        _ => Ok(Some(FileChange::Edit {
            path,
            before: now,
            changes,
        })),
    }
}

/// What hunks of text come to on the present text.
fn taken(
    file: &FileReview,
    hunks: &[(&Hunk, HunkState)],
    since: &ChangeSet,
    now: &str,
) -> Result<ChangeSet, Refusal> {
    let path = file.change.path();
    let base = file.base();
    let clash_at = |at| clash(path, &overlap_at(now, at));
    // Code that is put where everything was indented anew is indented so as well.
    let indented_anew = !since.is_empty() && Dialect::of(base).indent != Dialect::of(now).indent;
    let (mut plain, mut moving) = (Vec::new(), Vec::new());
    for (hunk, state) in hunks {
        let is_clear = match state {
            HunkState::There => continue,
            // That its place is as it was, or was only formatted, proves nothing of it.
            HunkState::Touched if hunk.is_doubtful => {
                return Err(clash_at(since.map_range(hunk.range())));
            }
            HunkState::Touched => false,
            HunkState::Clear => true,
        };
        if is_clear && !indented_anew && merge::is_alone(base, &hunk.replacements, since) {
            plain.extend(hunk.replacements.iter().cloned());
        } else {
            moving.push(Moving {
                replacements: &hunk.replacements,
                is_clear,
            });
        }
    }
    let mut moved = Vec::new();
    for (hunk, formatted) in moving.iter().zip(reformatted(path, base, &moving, since)) {
        match formatted {
            Some(formatted) => moved.extend(formatted),
            None if hunk.is_clear => plain.extend(hunk.replacements.iter().cloned()),
            None => {
                let all = hunk.replacements.iter().map(|one| one.delete);
                let range = all.reduce(ByteRange::cover).unwrap_or_default();
                return Err(clash_at(since.map_range(range)));
            }
        }
    }
    let plain = ChangeSet::new(plain, base.len().into())
        .map_err(|problem| clash(path, &problem.to_string()))?
        .rebase_over(since)
        .map_err(|met| clash_at(since.map_range(met.ours)))?;
    moved.extend(plain.into_replacements());
    ChangeSet::new(moved, now.len().into()).map_err(|problem| clash(path, &problem.to_string()))
}

pub(super) fn clash(path: &str, what: &str) -> Refusal {
    Refusal::whole(
        RefusalCode::Conflict,
        format!(
            "{path} was changed meanwhile: {what}. The answer is kept; choose between the two, or ask again on the present text."
        ),
    )
}
