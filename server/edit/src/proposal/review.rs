//! A proposal under review: its hunks keep their places while the person types, and each can be
//! taken or left.

use std::collections::BTreeSet;
use std::sync::Arc;

use pleach_text::{Bias, ByteOffset, ByteRange, ChangeSet, Replacement, WrongLength};

use super::describe::describe;
use super::endings::Adapted;
use super::followed::{FileReview, Now, accepted};
use super::hunk::{Hunk, HunkId, HunkKind, HunkView, cut};
use super::merge::lines_around;
use super::sides::Sides;
use super::{FileChange, HunkState, PlacedHunk, Proposal, Verdict, language_of, lines_of, ties};
use crate::gate;
use crate::{Files, Impact, Refusal, RefusalCode};

/// A proposal whose hunks are decided on one by one, while the files change under it.
///
/// A review cannot land: what is accepted of it is a [`Proposal`] again, made for the present texts and
/// passed by the gate. It remembers what was changed since the proposal was made, so that nothing is
/// lost by following: what is typed into a hunk and undone leaves the hunk as it was.
///
/// Cloning is cheap. [`Review::of`] parses and belongs off any loop, as do [`Review::accept`] and
/// [`Review::resolve`](Self::resolve); [`Review::follow`] and [`Review::hunks`] do not parse.
///
/// ```
/// use std::collections::BTreeMap;
/// use pleach_edit::{EditRequest, Review, propose};
/// use pleach_text::ChangeSet;
///
/// let before = "a = 1\nb = 2\nc = 3\nd = 4\n";
/// let files = BTreeMap::from([("x.py".to_owned(), before.to_owned())]);
/// let reply = "x.py\n```\na = 10\nb = 2\nc = 3\nd = 40\n```\n";
/// let mut review = Review::of(propose(&EditRequest::new(reply, &files))?);
/// let ids: Vec<_> = review.hunks().iter().map(|hunk| hunk.id).collect();
/// assert_eq!(ids.len(), 2);
///
/// // The person types above; the hunks move.
/// let typed = ChangeSet::between(before, "# new\na = 1\nb = 2\nc = 3\nd = 4\n");
/// review.follow("x.py", &typed)?;
///
/// let accepted = review.accept(&ids[1..])?;
/// assert_eq!(accepted.after("x.py").as_deref(), Some("# new\na = 1\nb = 2\nc = 3\nd = 40\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Review {
    pub(super) files: Vec<FileReview>,
    /// Those that are not decided yet, in the order of the files and their texts.
    pub(super) hunks: Vec<Arc<Hunk>>,
    placed: Arc<[PlacedHunk]>,
    pub(super) verdict: Arc<Verdict>,
    pub(super) allow_worse_syntax: bool,
}

impl Review {
    /// Cuts a proposal into hunks, and finds out which of them cannot be without which others.
    ///
    /// The impact of each hunk is its part of [`Verdict::impact`]: attach that before, with
    /// [`Proposal::with_impact`], if uses are to be told, or use [`Review::with_impact`].
    pub fn of(proposal: Proposal) -> Self {
        let sides: Vec<Sides<'_>> = proposal.files.iter().map(Sides::of).collect();
        let hunks = described(&proposal, &sides);
        drop(sides);
        Self::with_hunks(proposal, hunks)
    }

    /// The review of `proposal` [`with_impact`](Proposal::with_impact), which it has from then on, with each
    /// of its files read once for both.
    pub fn with_impact(proposal: &mut Proposal, files: &dyn Files) -> Self {
        let sides: Vec<Sides<'_>> = proposal.files.iter().map(Sides::of).collect();
        let mut impact = Impact::of_sides(proposal, &sides);
        impact.find_uses(proposal, files);
        proposal.verdict.impact = impact;
        let hunks = described(proposal, &sides);
        drop(sides);
        Self::with_hunks(proposal.clone(), hunks)
    }

    fn with_hunks(proposal: Proposal, hunks: Vec<Hunk>) -> Self {
        Self {
            files: proposal.files.into_iter().map(FileReview::of).collect(),
            hunks: hunks.into_iter().map(Arc::new).collect(),
            placed: proposal.hunks.into(),
            verdict: Arc::new(proposal.verdict),
            allow_worse_syntax: proposal.allow_worse_syntax,
        }
    }

    /// Whether every hunk is decided.
    pub fn is_empty(&self) -> bool {
        self.hunks.is_empty()
    }

    /// The files with a hunk that is not decided, by their names before the proposal.
    pub fn paths(&self) -> Vec<&str> {
        let files: BTreeSet<usize> = self.hunks.iter().map(|hunk| hunk.file).collect();
        files
            .into_iter()
            .filter_map(|file| self.files.get(file))
            .map(|file| file.change.path())
            .collect()
    }

    /// The document at `path` was changed: typed in, formatted, landed in by another proposal, undone.
    ///
    /// `change` leads from the text that the review knew to the one that is now; a document that was
    /// sent as a whole is compared with the one before it ([`ChangeSet::between`]) rather than told as
    /// one replacement. Files that the review is not about are none of its business. Costs what the
    /// change and the changes since cost, not what the text does; nothing is parsed.
    ///
    /// # Errors
    /// [`WrongLength`] when the change was made for another text. The review is as it was; bring it up
    /// with [`catch_up`](Self::catch_up).
    pub fn follow(&mut self, path: &str, change: &ChangeSet) -> Result<(), WrongLength> {
        for file in &mut self.files {
            if file.change.path() != path {
                continue;
            }
            match &mut file.now {
                Now::Changed(since) => *since = since.compose(change)?,
                Now::Appeared(text) => *text = change.apply_to_str(text)?.into(),
                Now::StillNone | Now::Gone => {
                    change.apply_to_str("")?;
                }
            }
        }
        Ok(())
    }

    /// The file at `path` is known to have this text now, or to be gone: what was missed is found by
    /// comparing. Costs a comparison of two texts, and nothing where there is no difference.
    pub fn catch_up(&mut self, path: &str, now: Option<&str>) {
        for file in &mut self.files {
            if file.change.path() != path {
                continue;
            }
            file.catch_up(now);
        }
    }

    /// The text that the review takes the file at `path` to have; none where there is no such file, or
    /// where the review is not about it.
    pub fn text(&self, path: &str) -> Option<Arc<str>> {
        self.files
            .iter()
            .find(|file| file.change.path() == path)?
            .text()
    }

    /// The hunks that are not decided, as they stand now. Costs what they and the changes since cost.
    pub fn hunks(&self) -> Vec<HunkView<'_>> {
        self.each(|view, _, _, _| view)
    }

    /// The same, each with what it would put where in the present text, for an editor to show there: the
    /// change itself for hunks that are clear, and where the text was only formatted or typed into, what
    /// it would be without that. A new file is one insertion; nothing for one that goes or is renamed.
    pub fn hunks_with_edits(&self) -> Vec<(HunkView<'_>, Vec<Replacement>)> {
        self.each(|view, change, hunk, since| (view, edits(change, hunk, since)))
    }

    /// Shows each hunk, with its file's change, itself as it is for the present line breaks, and what was
    /// changed since.
    fn each<'r, T>(
        &'r self,
        show: impl Fn(HunkView<'r>, &FileChange, &Hunk, &ChangeSet) -> T,
    ) -> Vec<T> {
        let mut shown = Vec::with_capacity(self.hunks.len());
        for (index, file) in self.files.iter().enumerate() {
            let hunks: Vec<&Hunk> = self.of_file(index).collect();
            if hunks.is_empty() {
                continue;
            }
            let Adapted {
                file: adapted,
                hunks: now,
                since,
            } = file.adapted(&hunks);
            let ranges: Vec<ByteRange> = now.iter().map(|hunk| hunk.range()).collect();
            let ranges = since.map_ranges(&ranges);
            for ((hunk, now), range) in hunks.into_iter().zip(&now).zip(ranges) {
                let state = adapted.state(now, &since);
                // Where in the lines that were changed it would be, nobody knows.
                let range = match state {
                    HunkState::Touched => lines_now(&adapted, now, &since),
                    HunkState::Clear | HunkState::There => range,
                };
                let view = HunkView {
                    id: hunk.id,
                    path: file.change.path(),
                    kind: hunk.kind,
                    range,
                    state,
                    summary: &hunk.summary,
                    impact: &hunk.impact,
                    needs: self.pending(&hunk.needs),
                };
                shown.push(show(view, &file.change, now, &since));
            }
        }
        shown
    }

    /// One hunk as it stands now, if it is not decided.
    pub fn hunk(&self, id: HunkId) -> Option<HunkView<'_>> {
        self.hunks().into_iter().find(|hunk| hunk.id == id)
    }

    /// What a hunk does to the present text, as a unified diff of its own with so many lines of context:
    /// without the hunks that it needs. For a hunk in conflict, what [`Resolution::Theirs`] would do.
    /// Empty where it does nothing (any more), or is decided. May parse.
    ///
    /// [`Resolution::Theirs`]: crate::Resolution::Theirs
    pub fn diff(&self, id: HunkId, context: usize) -> String {
        let Some(hunk) = self.hunks.iter().find(|hunk| hunk.id == id) else {
            return String::new();
        };
        let Some(file) = self.files.get(hunk.file) else {
            return String::new();
        };
        match accepted(file, &[&**hunk]) {
            Ok(change) => change.map_or_else(String::new, |change| change.patch(context)),
            Err(_) => self
                .theirs(id)
                .map_or_else(String::new, |change| change.patch(context)),
        }
    }

    /// These hunks and all that they need, in order; those that are decided are left out.
    pub fn with_needs(&self, ids: &[HunkId]) -> Vec<HunkId> {
        let mut all: BTreeSet<HunkId> = BTreeSet::new();
        for hunk in self.hunks.iter().filter(|hunk| ids.contains(&hunk.id)) {
            all.insert(hunk.id);
            all.extend(&hunk.needs);
        }
        self.hunks
            .iter()
            .map(|hunk| hunk.id)
            .filter(|id| all.contains(id))
            .collect()
    }

    /// What becomes of the files when these hunks, and those that they need, are taken: made for the
    /// present texts, gated on them. The review stays as it is until [`settle`](Self::settle) tells
    /// that it landed.
    ///
    /// A hunk whose place was only formatted since is put into the formatted text, where the syntax
    /// tree proves that it is the same.
    ///
    /// # Errors
    /// [`RefusalCode::Conflict`] when something was typed where one of the hunks is (see
    /// [`conflicts`](Self::conflicts)), [`RefusalCode::SyntaxWorse`] when the files would get worse,
    /// [`RefusalCode::AlreadyApplied`] when nothing is left to do, [`RefusalCode::NoEdit`] when none
    /// of the hunks is pending.
    pub fn accept(&self, ids: &[HunkId]) -> Result<Proposal, Refusal> {
        let ids = self.with_needs(ids);
        if ids.is_empty() {
            return Err(Refusal::whole(
                RefusalCode::NoEdit,
                "None of these hunks is waiting for a decision.",
            ));
        }
        self.gated(self.made(&ids)?, &ids)
    }

    /// The changes of the files when these hunks are taken and no others.
    pub(super) fn made(&self, ids: &[HunkId]) -> Result<Vec<FileChange>, Refusal> {
        let mut made = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let hunks: Vec<&Hunk> = self
                .of_file(index)
                .filter(|hunk| ids.contains(&hunk.id))
                .collect();
            if !hunks.is_empty() {
                made.extend(accepted(file, &hunks)?);
            }
        }
        Ok(made)
    }

    /// Every hunk that is not decided: [`accept`](Self::accept) of all.
    ///
    /// # Errors
    /// Those of `accept`.
    pub fn accept_all(&self) -> Result<Proposal, Refusal> {
        self.accept(&self.hunks.iter().map(|hunk| hunk.id).collect::<Vec<_>>())
    }

    /// These hunks are not wanted. With them go those that cannot be without them; what went is told.
    pub fn reject(&mut self, ids: &[HunkId]) -> Vec<HunkId> {
        let goes = |hunk: &Arc<Hunk>| {
            ids.contains(&hunk.id) || hunk.needs.iter().any(|need| ids.contains(need))
        };
        let gone: Vec<HunkId> = self
            .hunks
            .iter()
            .filter(|hunk| goes(hunk))
            .map(|hunk| hunk.id)
            .collect();
        self.settle(&gone);
        gone
    }

    /// These hunks are decided: they landed, or somebody else takes care of them. Those that needed
    /// them can be taken without them now.
    pub fn settle(&mut self, ids: &[HunkId]) {
        self.hunks.retain(|hunk| !ids.contains(&hunk.id));
    }

    /// Settles the hunks whose change the texts have, however it came there; those that went are told.
    /// Typing next to such a change can make it look as if it had never come, so this is for every
    /// moment at which hunks are shown.
    pub fn settle_there(&mut self) -> Vec<HunkId> {
        let there = |hunk: &HunkView<'_>| hunk.state == HunkState::There;
        let views = self.hunks().into_iter().filter(there);
        let there: Vec<HunkId> = views.map(|hunk| hunk.id).collect();
        self.settle(&there);
        there
    }

    pub(super) fn of_file(&self, file: usize) -> impl Iterator<Item = &Hunk> {
        self.hunks
            .iter()
            .map(|hunk| &**hunk)
            .filter(move |hunk| hunk.file == file)
    }

    fn pending(&self, ids: &[HunkId]) -> Vec<HunkId> {
        let is_pending = |id: &&HunkId| self.hunks.iter().any(|hunk| hunk.id == **id);
        ids.iter().filter(is_pending).copied().collect()
    }

    /// Passes changes of the present texts through the gate.
    pub(super) fn gated(
        &self,
        files: Vec<FileChange>,
        ids: &[HunkId],
    ) -> Result<Proposal, Refusal> {
        if files.is_empty() {
            return Err(Refusal::whole(
                RefusalCode::AlreadyApplied,
                "The files have these changes already. Nothing is left to do.",
            ));
        }
        let mut verdict = Verdict {
            repairs: self.verdict.repairs.clone(),
            ..Verdict::default()
        };
        for change in &files {
            verdict.files.extend(checked(
                change,
                self.allow_worse_syntax,
                &mut verdict.worse_allowed,
            )?);
        }
        let taken = |hunk: &&Arc<Hunk>| ids.contains(&hunk.id);
        for hunk in self.hunks.iter().filter(taken) {
            verdict
                .impact
                .changes
                .extend(hunk.impact.changes.iter().cloned());
        }
        Ok(Proposal {
            hunks: self.placed(ids),
            files,
            verdict,
            allow_worse_syntax: self.allow_worse_syntax,
        })
    }

    /// Where the hunks of the reply that these hunks come from are now.
    fn placed(&self, ids: &[HunkId]) -> Vec<PlacedHunk> {
        let mut placed = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let path = file.change.path();
            let hunks: Vec<&Hunk> = self
                .of_file(index)
                .filter(|hunk| ids.contains(&hunk.id))
                .collect();
            if hunks.is_empty() {
                continue;
            }
            let since = file.since();
            let now = file.text().unwrap_or_default();
            let whole = hunks.iter().any(|hunk| hunk.kind != HunkKind::Text);
            for from in self.placed.iter().filter(|placed| placed.path == path) {
                let touched = |hunk: &&Hunk| {
                    let replaced = hunk.replacements.iter();
                    replaced
                        .clone()
                        .any(|one| one.delete.touches(from.range_before))
                };
                if !whole && !hunks.iter().any(touched) {
                    continue;
                }
                let mut moved = from.clone();
                moved.range_before = since.map_range(from.range_before);
                moved.lines = lines_of(&now, moved.range_before);
                placed.push(moved);
            }
        }
        placed.sort_by_key(|hunk| hunk.index);
        placed
    }
}

/// What became of the lines of a hunk in which something was changed.
fn lines_now(file: &FileReview, hunk: &Hunk, since: &ChangeSet) -> ByteRange {
    if hunk.kind != HunkKind::Text {
        return since.map_range(hunk.range());
    }
    let lines = lines_around(file.base(), &hunk.replacements);
    let start = since.map_offset(lines.start, Bias::Before);
    let end = since.map_offset(lines.end, Bias::After);
    ByteRange::new(start, end.max(start))
}

/// What a hunk would put where in the present text.
fn edits(change: &FileChange, hunk: &Hunk, since: &ChangeSet) -> Vec<Replacement> {
    if let (HunkKind::Create, FileChange::Create { text, .. }) = (hunk.kind, change) {
        let start = ByteRange::empty(ByteOffset::ZERO);
        return vec![Replacement::new(start, text.clone())];
    }
    let places: Vec<ByteRange> = hunk.replacements.iter().map(|it| it.delete).collect();
    let moved = since.map_ranges(&places).into_iter();
    let moved = moved.zip(&hunk.replacements);
    moved
        .map(|(place, it)| Replacement::new(place, it.insert.clone()))
        .collect()
}

/// What the gate says of a change; none where it has nothing to say.
pub(super) fn checked(
    change: &FileChange,
    allow_worse: bool,
    allowed: &mut bool,
) -> Result<Option<(String, gate::FileVerdict)>, Refusal> {
    let path = change.path();
    let (before, changes): (&str, ChangeSet) = match change {
        FileChange::Edit {
            before, changes, ..
        }
        | FileChange::Rename {
            before, changes, ..
        } if !changes.is_empty() => (before, changes.clone()),
        FileChange::Create { text, .. } => ("", ChangeSet::replace_all("", text)),
        _ => return Ok(None),
    };
    let after = changes
        .apply_to_str(before)
        .map_err(|problem| Refusal::whole(RefusalCode::Conflict, format!("{path}: {problem}")))?;
    let language = language_of(path, if before.is_empty() { &after } else { before });
    let verdict = gate::check(before, &changes, &after, language, None);
    if verdict.is_worse() && !allow_worse {
        return Err(Refusal::whole(
            RefusalCode::SyntaxWorse,
            format!("On the present text of {path} the edit would add a syntax error: {verdict}."),
        ));
    }
    *allowed |= verdict.is_worse();
    Ok(Some((path.to_owned(), verdict)))
}

/// The hunks of a proposal whose files were read, with what each does and which need each other.
fn described(proposal: &Proposal, sides: &[Sides<'_>]) -> Vec<Hunk> {
    let mut hunks = cut(&proposal.files);
    describe(proposal, sides, &mut hunks);
    ties::tie(proposal, sides, &mut hunks);
    hunks
}
