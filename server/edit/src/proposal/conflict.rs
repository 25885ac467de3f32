//! When the person and the agent changed the same place, the person decides.

use pleach_text::{Bias, ByteOffset, ByteRange, ChangeSet, Dialect, Replacement, whole_lines};

use super::endings::Adapted;
use super::followed::{FileReview, Now};
use super::formatted::{Moving, reformatted};
use super::hunk::{Hunk, HunkId, HunkKind};
use super::merge::{HunkState, applied, conflict, lines_around};
use super::review::Review;
use super::{FileChange, Proposal};
use crate::{Refusal, RefusalCode};

/// A place that was changed by the person and by the proposal.
///
/// Of text these are whole lines. `None` stands for no file at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The hunks that cannot be merged here.
    pub hunks: Vec<HunkId>,
    /// The file, by its name before the proposal.
    pub path: String,
    /// What both sides began with.
    pub base: Option<String>,
    /// What the person made of it: the present text.
    pub mine: Option<String>,
    /// What the agent makes of it.
    pub theirs: Option<String>,
    /// Where `mine` is in the present text.
    pub range: ByteRange,
}

/// How a [`Conflict`] is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The present text stays, the hunks go.
    Mine,
    /// The agent's text instead of the person's.
    Theirs,
    /// The agent's text below the person's.
    Both,
    /// The agent is asked again, with what the person wrote.
    AskAgain,
}

/// What follows of a decision.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// These hunks are to be dropped ([`Review::reject`]); no text changes.
    Keep(Vec<HunkId>),
    /// This lands, and settles these hunks once it has ([`Review::settle`]).
    Land(Box<Proposal>, Vec<HunkId>),
    /// What to tell the agent; the hunks stay until there is an answer.
    Ask(String),
}

impl Conflict {
    /// What to ask an agent whose change met another one: all three texts, and no decision for it.
    pub fn question(&self) -> String {
        let show = |text: &Option<String>| match text {
            None => "(no file)\n".to_owned(),
            Some(text) => {
                let longest = text.split(|char| char != '`').map(str::len).max();
                let fence = "`".repeat(longest.unwrap_or_default().max(2) + 1);
                let end = if text.is_empty() || text.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                format!("{fence}\n{text}{end}{fence}\n")
            }
        };
        format!(
            "Your change of {} met another one in the same place.\n\nThe text both began with:\n{}\nThe text as it is now, changed by the person:\n{}\nYour text:\n{}\nWrite the change again for the text as it is now. Keep what the person meant, and do what you were asked.\n",
            self.path,
            show(&self.base),
            show(&self.mine),
            show(&self.theirs),
        )
    }
}

impl Review {
    /// The places where the person has to decide. Hunks whose place was only formatted are not among
    /// them. Parses where something was changed in the place of a hunk.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let hunks: Vec<&Hunk> = self.of_file(index).collect();
            if !hunks.is_empty() {
                conflicts.extend(of_file(file, &hunks));
            }
        }
        conflicts
    }

    /// Settles the conflict that a hunk is part of. What lands is made for the present text and gated
    /// on it, together with the hunks that the conflicting ones need; where these are in a conflict of
    /// their own, it is settled in the same way.
    ///
    /// # Errors
    /// [`RefusalCode::NoEdit`] when the hunk is in no conflict (any more), [`RefusalCode::SyntaxWorse`]
    /// when the file would get worse, [`RefusalCode::Conflict`] when both sides cannot be had, as of a
    /// file that one of them deletes.
    pub fn resolve(&self, hunk: HunkId, resolution: Resolution) -> Result<Resolved, Refusal> {
        let mut conflicts = self.conflicts();
        let found = conflicts
            .iter()
            .position(|conflict| conflict.hunks.contains(&hunk));
        let Some(conflict) = found.map(|at| conflicts.swap_remove(at)) else {
            return Err(Refusal::whole(
                RefusalCode::NoEdit,
                "This hunk is in no conflict with the present text. Accept or reject it.",
            ));
        };
        match resolution {
            Resolution::Mine => Ok(Resolved::Keep(conflict.hunks)),
            Resolution::AskAgain => Ok(Resolved::Ask(conflict.question())),
            Resolution::Theirs => self.landing(conflict, conflicts, |it| Ok(it.theirs.clone())),
            Resolution::Both => self.landing(conflict, conflicts, |it| both(it).map(Some)),
        }
    }

    fn landing(
        &self,
        conflict: Conflict,
        mut others: Vec<Conflict>,
        choose: impl Fn(&Conflict) -> Result<Option<String>, Refusal>,
    ) -> Result<Resolved, Refusal> {
        let mut ids = self.with_needs(&conflict.hunks);
        let mut settled = vec![conflict];
        while let Some(at) = others
            .iter()
            .position(|other| other.hunks.iter().any(|hunk| ids.contains(hunk)))
        {
            let other = others.swap_remove(at);
            ids = self.with_needs(&[ids, other.hunks.clone()].concat());
            settled.push(other);
        }
        let is_clear = |id: &HunkId| !settled.iter().any(|conflict| conflict.hunks.contains(id));
        let clear: Vec<HunkId> = ids.iter().copied().filter(is_clear).collect();
        let mut files = self.made(&clear)?;
        for conflict in &settled {
            let Some(change) = self.settled(conflict, choose(conflict)?)? else {
                continue;
            };
            let path = &conflict.path;
            match files.iter_mut().find(|file| file.path() == path) {
                Some(other) => *other = joined(other, &change)?,
                None => files.push(change),
            }
        }
        files
            .retain(|file| !matches!(file, FileChange::Edit { changes, .. } if changes.is_empty()));
        if files.is_empty() {
            return Ok(Resolved::Keep(ids));
        }
        Ok(Resolved::Land(Box::new(self.gated(files, &ids)?), ids))
    }

    /// The present text with this one in the place of a conflict; none where nothing is to be done.
    fn settled(
        &self,
        conflict: &Conflict,
        text: Option<String>,
    ) -> Result<Option<FileChange>, Refusal> {
        let path = conflict.path.clone();
        Ok(Some(match (self.text(&path), text) {
            (Some(before), Some(text)) => {
                let whole = Replacement::new(conflict.range, text);
                let changes = ChangeSet::new(vec![whole], before.len().into())
                    .map(|changes| changes.refine(&before).unwrap_or(changes))
                    .map_err(|problem| cannot(&path, &problem.to_string()))?;
                FileChange::Edit {
                    path,
                    before,
                    changes,
                }
            }
            (Some(before), None) => FileChange::Delete { path, before },
            (None, Some(text)) => FileChange::Create { path, text },
            (None, None) => return Ok(None),
        }))
    }

    /// What the agent's side of the conflict that a hunk is part of does to the present text.
    pub(super) fn theirs(&self, hunk: HunkId) -> Option<FileChange> {
        let mut conflicts = self.conflicts().into_iter();
        let conflict = conflicts.find(|conflict| conflict.hunks.contains(&hunk))?;
        let text = conflict.theirs.clone();
        self.settled(&conflict, text).ok().flatten()
    }
}

/// Two changes of one file as one.
fn joined(one: &FileChange, other: &FileChange) -> Result<FileChange, Refusal> {
    let path = one.path();
    let (Some(mine), Some(theirs)) = (one.changes(), other.changes()) else {
        return Err(cannot(path, "the other hunks do not go with this choice"));
    };
    let all = [mine.replacements(), theirs.replacements()].concat();
    let changes = ChangeSet::new(all, mine.len_before())
        .map_err(|problem| cannot(path, &problem.to_string()))?;
    let mut joined = one.clone();
    if let FileChange::Edit { changes: own, .. } | FileChange::Rename { changes: own, .. } =
        &mut joined
    {
        *own = changes;
    }
    Ok(joined)
}

fn cannot(path: &str, why: &str) -> Refusal {
    Refusal::whole(
        RefusalCode::Conflict,
        format!("This choice cannot be made in {path}: {why}. Choose one side, or ask again."),
    )
}

/// The person's text and the agent's below it.
fn both(conflict: &Conflict) -> Result<String, Refusal> {
    let (Some(mine), Some(theirs)) = (&conflict.mine, &conflict.theirs) else {
        return Err(cannot(&conflict.path, "one side has no file"));
    };
    let mut text = mine.clone();
    if !(mine.is_empty() || theirs.is_empty() || mine.ends_with(['\n', '\r'])) {
        text.push_str(Dialect::of(mine).line_ending.as_str());
        text.push_str(theirs);
        // The last line of the file: it keeps having no line break.
        let unbroken = text.trim_end_matches(['\n', '\r']).len();
        text.truncate(unbroken);
        return Ok(text);
    }
    text.push_str(theirs);
    Ok(text)
}

fn of_file(file: &FileReview, hunks: &[&Hunk]) -> Vec<Conflict> {
    let told = as_told(file, hunks);
    if told.is_empty() {
        return told;
    }
    match file.compared() {
        Some(compared) => as_told(&compared, hunks),
        None => told,
    }
}

fn as_told(file: &FileReview, hunks: &[&Hunk]) -> Vec<Conflict> {
    let Adapted { file, hunks, since } = file.adapted(hunks);
    let hunks: Vec<&Hunk> = hunks.iter().map(|hunk| &**hunk).collect();
    let touched: Vec<&Hunk> = hunks
        .iter()
        .copied()
        .filter(|hunk| file.state(hunk, &since) == HunkState::Touched)
        .collect();
    let path = file.change.path();
    if !matches!(file.now, Now::Changed(_))
        || touched.iter().any(|hunk| hunk.kind != HunkKind::Text)
    {
        return whole_file(&file, &hunks, &touched).into_iter().collect();
    }
    let base = file.base();
    let mut regions: Vec<Region<'_>> = Vec::new();
    let moving: Vec<Moving<'_>> = touched
        .iter()
        .map(|hunk| Moving {
            replacements: &hunk.replacements,
            is_clear: false,
        })
        .collect();
    let formatted = reformatted(path, base, &moving, &since);
    let typed = touched.into_iter().zip(formatted);
    for (hunk, _) in typed.filter(|(hunk, formatted)| hunk.is_doubtful || formatted.is_none()) {
        let mut region = Region::of(base, hunk, &since);
        while let Some(other) = regions.pop_if(|other| other.lines.intersects(region.lines)) {
            region.lines = region.lines.cover(other.lines);
            region.hunks = [other.hunks, region.hunks].concat();
            region.before |= other.before;
            region.behind |= other.behind;
        }
        regions.push(region);
    }
    let now = file.text().unwrap_or_default();
    regions
        .into_iter()
        .filter_map(|region| region.conflict(path, base, &since, &now))
        .collect()
}

/// A conflict about whether there is a file.
fn whole_file(file: &FileReview, hunks: &[&Hunk], touched: &[&Hunk]) -> Option<Conflict> {
    if touched.is_empty() {
        return None;
    }
    let mine = file.text().map(|text| text.to_string());
    let theirs = match &*file.change {
        FileChange::Create { text, .. } => Some(text.clone()),
        FileChange::Delete { .. } => None,
        FileChange::Edit { .. } | FileChange::Rename { .. } => {
            let all = hunks
                .iter()
                .flat_map(|hunk| hunk.replacements.iter().cloned());
            let changes = ChangeSet::new(all.collect(), file.base().len().into()).ok()?;
            Some(changes.apply_to_str(file.base()).ok()?)
        }
    };
    Some(Conflict {
        hunks: hunks.iter().map(|hunk| hunk.id).collect(),
        path: file.change.path().to_owned(),
        base: file.change.before().map(ToString::to_string),
        range: ByteRange::from(0..mine.as_ref().map_or(0, String::len)),
        mine,
        theirs,
    })
}

/// The lines that a conflict is about, in the text that both began with.
struct Region<'h> {
    lines: ByteRange,
    hunks: Vec<&'h Hunk>,
    /// Whether what was put in right before the lines, or right behind them, is part of the conflict.
    before: bool,
    behind: bool,
}

impl<'h> Region<'h> {
    fn of(base: &str, hunk: &'h Hunk, since: &ChangeSet) -> Self {
        let meets = |theirs: &&Replacement| {
            hunk.replacements
                .iter()
                .any(|ours| conflict(base, ours, theirs))
        };
        let mut lines = lines_around(base, &hunk.replacements);
        for theirs in since.replacements().iter().filter(meets) {
            lines = lines.cover(lines_around(base, std::slice::from_ref(theirs)));
        }
        // What was replaced across a border of the lines belongs to them as a whole.
        for theirs in since.replacements() {
            let crosses = |at: ByteOffset| theirs.delete.start < at && at < theirs.delete.end;
            if crosses(lines.start) || crosses(lines.end) {
                lines = lines.cover(whole_lines(base, theirs.delete));
            }
        }
        let put_in = |at: ByteOffset| {
            let mut met = since.replacements().iter().filter(meets);
            met.any(|theirs| theirs.delete.is_empty() && theirs.delete.start == at)
        };
        Self {
            lines,
            hunks: vec![hunk],
            before: put_in(lines.start),
            behind: put_in(lines.end),
        }
    }

    fn conflict(self, path: &str, base: &str, since: &ChangeSet, now: &str) -> Option<Conflict> {
        let bias = |inside: bool, inner: Bias, outer: Bias| if inside { inner } else { outer };
        let start = bias(self.before, Bias::Before, Bias::After);
        let end = bias(self.behind, Bias::After, Bias::Before);
        let start = since.map_offset(self.lines.start, start);
        let range = ByteRange::new(start, since.map_offset(self.lines.end, end).max(start));
        let replacements: Vec<Replacement> = self
            .hunks
            .iter()
            .flat_map(|hunk| hunk.replacements.iter().cloned())
            .collect();
        Some(Conflict {
            hunks: self.hunks.iter().map(|hunk| hunk.id).collect(),
            path: path.to_owned(),
            base: Some(self.lines.of(base)?.to_owned()),
            mine: Some(range.of(now)?.to_owned()),
            theirs: Some(applied(base, self.lines, &replacements)?),
            range,
        })
    }
}
