//! Merging a piece of code with `... existing code ...` into its file.
//!
//! The lines between two elisions are a *group*. Groups follow each other in the file as they do in
//! the piece; what an elision hides stays as it is. An alignment that maximises agreement decides
//! which lines of the file a group shows: a line is the same line only where the lines around it
//! that head its block are the same too, so that a lone `}` closes what it closes.
//!
//! Every line of the file is accounted for: hidden by an elision (kept), shown (kept), or between
//! two shown lines of one group that the piece puts next to each other (deleted). If a group that
//! changes something could as well stand elsewhere, or if what it puts in is in the file already,
//! there is no merge.

mod account;
mod align;
mod beside;
mod members;
mod view;

use std::collections::HashSet;

use crate::elision::{Elision, Removal, elision, removal};
use crate::fold::{Form, likeness};
use crate::lines::is_blank;
use crate::locate::Index;
use crate::place::{LineChange, trimmed};
use account::{FEW, TELLING, account, deletions, lost, whole_ends};
use align::{Alignment, Costs, align};
use beside::{
    ALIKE, check_alike, check_beside, check_echo, check_first, check_shifted, is_about, letters,
    taken_over, taken_over_above,
};
use view::View;
pub(crate) use view::closes;

/// Why a piece cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmerged {
    /// Lines that tell where a group belongs are not in the file.
    NotFound(String),
    /// A group fits in several places.
    Ambiguous(String),
    /// It is not certain what becomes of this line.
    Unaccounted(String),
    /// Piece and file together are too large.
    TooLarge,
}

/// A merge, as changes of lines.
#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) changes: Vec<LineChange>,
    pub(crate) region: (usize, usize),
    /// Those of the changes whose bounds are not beyond doubt.
    pub(crate) doubtful: Vec<LineChange>,
    /// What comments of the piece say was removed.
    pub(crate) removals: Vec<Removed>,
}

/// A comment of a piece that says that something was removed.
#[derive(Debug)]
pub(crate) struct Removed {
    /// The comment.
    pub(crate) note: String,
    /// What it names, if it names one thing.
    pub(crate) name: Option<String>,
    /// The lines of the file that it may be about: those between the lines that the piece shows around it.
    pub(crate) hidden: std::ops::Range<usize>,
    /// No elision stands beside it: nothing else of those lines stays.
    pub(crate) alone: bool,
}

/// Whether a piece has elisions that the file does not have as lines of its own.
pub(crate) fn has_elisions(index: &Index<'_>, piece: &[&str], dots_are_code: bool) -> bool {
    piece
        .iter()
        .any(|line| is_elision(index, line, dots_are_code))
}

fn is_elision(index: &Index<'_>, line: &str, dots_are_code: bool) -> bool {
    match elision(line) {
        Some(Elision::Words) => true,
        Some(Elision::Dots) => {
            let bare = line.trim().starts_with(['.', '…']);
            let code =
                (bare && dots_are_code) || index.file.iter().any(|own| own.trim() == line.trim());
            !code
        }
        None => false,
    }
}

/// Merges a piece into the file.
pub(crate) fn merge(
    index: &Index<'_>,
    piece: &[&str],
    dots_are_code: bool,
) -> Result<Merge, Unmerged> {
    let start = piece.iter().take_while(|line| is_blank(line)).count();
    let end = piece.len() - piece.iter().rev().take_while(|line| is_blank(line)).count();
    let leads = start > 0;
    let piece = piece.get(start..end.max(start)).unwrap_or(&[]);
    let shown = View::new(piece, |line| {
        note(index, line).is_some() || is_elision(index, line, dots_are_code)
    });
    let own: Vec<&str> = index.file.iter().collect();
    let file = View::new(&own, |_| false);

    let mut merged = match attempt(index, &shown, &file, Form::End) {
        Err(Unmerged::NotFound(_)) => attempt(index, &shown, &file, Form::Fold),
        done => done,
    };
    if let Ok(merge) = &mut merged
        && leads
        && !shown.is_elision(0)
    {
        keep_first_blank(index, &mut merge.changes);
    }
    merged
}

/// What a line says was removed, unless the file has it as a line of its own.
fn note<'l>(index: &Index<'_>, line: &'l str) -> Option<Removal<'l>> {
    removal(line).filter(|_| index.like(line).next().is_none())
}

/// What the comments of the piece that say that something was removed may be about.
fn removals(index: &Index<'_>, shown: &View<'_>, best: &Alignment) -> Vec<Removed> {
    let elided: Vec<usize> = (0..shown.len())
        .filter(|&at| shown.is_elision(at))
        .collect();
    let beside = |one: usize, other: usize| {
        let between = one.min(other) + 1..one.max(other);
        one != other
            && between
                .into_iter()
                .all(|at| is_blank(shown.line(at)) || shown.is_elision(at))
    };
    let says_nothing = |at: usize| removal(shown.line(at)).is_none();
    elided
        .iter()
        .filter_map(|&at| {
            let note = note(index, shown.line(at))?;
            let above = best.pairs_in(0..at).last();
            let below = best.pairs_in(at + 1..shown.len()).next();
            let end = below.map_or(index.file.len(), |(_, line)| line);
            Some(Removed {
                note: shown.line(at).trim().to_owned(),
                name: match note {
                    Removal::Named(name) => Some(name.to_owned()),
                    Removal::Vague => None,
                },
                hidden: above.map_or(0, |(_, line)| line + 1)..end,
                alone: !elided
                    .iter()
                    .any(|&other| beside(at, other) && says_nothing(other)),
            })
        })
        .collect()
}

/// A file that begins with a blank line, and a piece that does, are the same there: what the piece puts
/// at the top comes after it.
fn keep_first_blank(index: &Index<'_>, changes: &mut [LineChange]) {
    if !is_blank(index.file.line(0)) {
        return;
    }
    if let Some(top) = changes.iter_mut().find(|change| change.first == 0)
        && top.new.first().is_some_and(|line| !is_blank(line))
    {
        top.new.insert(0, index.file.line(0).to_owned());
    }
}

fn attempt(
    index: &Index<'_>,
    shown: &View<'_>,
    file: &View<'_>,
    form: Form,
) -> Result<Merge, Unmerged> {
    let costs = Costs::new(shown, file, form).ok_or(Unmerged::TooLarge)?;
    let best = align(&costs, &HashSet::new()).ok_or(Unmerged::TooLarge)?;
    if best.score <= align::IMPOSSIBLE {
        return Err(Unmerged::NotFound(shown.line(0).trim().to_owned()));
    }
    if let Some(line) = costs.elsewhere() {
        return Err(Unmerged::Unaccounted(shown.line(line).trim().to_owned()));
    }
    let groups = groups(shown);
    for group in &groups {
        if best.pairs_in(group.clone()).next().is_none()
            && group.clone().any(|at| !is_blank(shown.line(at)))
            && members::between(index, shown, group, &best).is_none()
        {
            let line = group
                .clone()
                .map(|at| shown.line(at))
                .find(|line| !is_blank(line))
                .unwrap_or("");
            return Err(Unmerged::NotFound(line.trim().to_owned()));
        }
    }
    let plan = plan(index, shown, &groups, &best)?;
    // Could a group that changes something, or an end of it, stand elsewhere and do something else?
    for group in groups
        .iter()
        .filter(|group| plan.edits(group) && !costs.is_pinned_at_both_ends((*group).clone()))
    {
        for banned in loose_ends(&costs, group, &best) {
            let other = align(&costs, &banned.into_iter().collect()).ok_or(Unmerged::TooLarge)?;
            if best.score - other.score >= MARGIN {
                continue;
            }
            if plan_unchecked(index, shown, &groups, &other).changes != plan.changes {
                let line = group.clone().map(|at| shown.line(at));
                let line = line.into_iter().find(|line| !is_blank(line)).unwrap_or("");
                return Err(Unmerged::Ambiguous(line.trim().to_owned()));
            }
        }
    }
    // Between two lines that surely are where they are, the piece says all there is to say.
    let open: Vec<std::ops::Range<usize>> = groups
        .iter()
        .filter(|group| !costs.is_pinned_at_both_ends((*group).clone()))
        .cloned()
        .collect();
    for group in &groups {
        deletions(index, &costs, group.clone(), &best)?;
        // Common lines must not be what makes lines of the file go.
        let gone = lost(index, group, &best);
        if gone > FEW {
            let told =
                align(&costs, &costs.loose_pairs(group.clone())).ok_or(Unmerged::TooLarge)?;
            if lost(index, group, &told) + FEW < gone {
                let line = group
                    .clone()
                    .map(|at| shown.line(at))
                    .find(|line| !is_blank(line));
                return Err(Unmerged::Ambiguous(line.unwrap_or("").trim().to_owned()));
            }
        }
    }
    whole_ends(index, shown, &best)?;
    account(index, shown, &groups, &open, &best)?;
    let doubtful = plan_unchecked(index, shown, &open, &best).changes;
    Ok(Merge {
        region: plan.region,
        changes: plan.changes,
        doubtful,
        removals: removals(index, shown, &best),
    })
}

/// The pairs of a group that could be others: those before the first line that surely is in its
/// place, those after the last, or all of them when none is sure.
fn loose_ends(
    costs: &Costs,
    group: &std::ops::Range<usize>,
    best: &Alignment,
) -> Vec<Vec<(usize, usize)>> {
    let pairs: Vec<(usize, usize)> = best.pairs_in(group.clone()).collect();
    let sure = |(at, _): &(usize, usize)| costs.is_unique(*at);
    let (Some(first), Some(last)) = (pairs.iter().position(sure), pairs.iter().rposition(sure))
    else {
        return vec![pairs];
    };
    let head = pairs.get(..first).unwrap_or(&[]).to_vec();
    let tail = pairs.get(last + 1..).unwrap_or(&[]).to_vec();
    [head, tail]
        .into_iter()
        .filter(|pairs| !pairs.is_empty())
        .collect()
}

/// By how much the best alignment must be better than the best other one.
const MARGIN: i32 = 40;

/// The stretches of the piece between its elisions.
fn groups(shown: &View<'_>) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let mut from = 0;
    for at in 0..=shown.len() {
        if at == shown.len() || shown.is_elision(at) {
            if from < at {
                groups.push(from..at);
            }
            from = at + 1;
        }
    }
    groups
}

struct Plan {
    changes: Vec<LineChange>,
    /// For each group, whether it changes anything.
    edited: Vec<std::ops::Range<usize>>,
    region: (usize, usize),
}

impl Plan {
    fn edits(&self, group: &std::ops::Range<usize>) -> bool {
        self.edited.contains(group)
    }
}

fn plan(
    index: &Index<'_>,
    shown: &View<'_>,
    groups: &[std::ops::Range<usize>],
    best: &Alignment,
) -> Result<Plan, Unmerged> {
    for group in groups {
        let Some((first, last)) = best.ends(group.clone()) else {
            continue;
        };
        let hidden_before = group.start > 0;
        let hidden_after = group.end < shown.len();
        // Lines between an elision and the first shown line: new, unless they look like what they
        // would have to replace.
        if hidden_before
            && let Some(line) = last_solid(shown, group.start..first.0)
            && !is_about(shown.line(line), index, first.1.checked_sub(1))
        {
            check_beside(index, shown.line(line), first.1.checked_sub(1), true)?;
        }
        if hidden_after
            && let Some(line) = first_solid(shown, last.0 + 1..group.end)
            && !is_about(shown.line(line), index, Some(last.1 + 1))
        {
            check_beside(index, shown.line(line), Some(last.1 + 1), false)?;
        }
        // New lines that the file has again where the elision begins are not new.
        let (Some(top), Some(bottom)) = (
            best.pairs_in(group.clone()).next(),
            best.pairs_in(group.clone()).last(),
        ) else {
            continue;
        };
        let head = solids(shown, group.start..top.0);
        let tail = solids(shown, bottom.0 + 1..group.end);
        let above = (0..top.1).rev().map(|at| index.file.line(at));
        let below = (bottom.1 + 1..index.file.len()).map(|at| index.file.line(at));
        let mirrored: Vec<&str> = head.iter().rev().copied().collect();
        check_order(index, shown, group, (top, bottom), best)?;
        check_half(index, shown, group, (top, bottom))?;
        if hidden_before {
            let from = above_group(groups, group, best);
            check_first(&head, (from..top.1).map(|at| index.file.line(at)))?;
            if !mirrored
                .first()
                .is_some_and(|line| is_about(line, index, top.1.checked_sub(1)))
            {
                check_alike(&mirrored, above.clone())?;
            }
            check_echo(&mirrored, above)?;
        }
        if hidden_after {
            if !tail
                .first()
                .is_some_and(|line| is_about(line, index, Some(bottom.1 + 1)))
            {
                check_alike(&tail, below.clone())?;
            }
            check_echo(&tail, below.clone())?;
            check_shifted(&tail, below)?;
        }
    }
    Ok(plan_unchecked(index, shown, groups, best))
}

/// Where the lines begin that the elision above a group may hide.
fn above_group(
    groups: &[std::ops::Range<usize>],
    group: &std::ops::Range<usize>,
    best: &Alignment,
) -> usize {
    groups
        .iter()
        .take_while(|other| other.end <= group.start)
        .filter_map(|other| best.ends(other.clone()))
        .map(|(_, last)| last.1 + 1)
        .last()
        .unwrap_or(0)
}

/// A new line at an end of a group that is in the file once, between the lines that the group is about,
/// says that the group is about other lines.
fn check_order(
    index: &Index<'_>,
    shown: &View<'_>,
    group: &std::ops::Range<usize>,
    (top, bottom): ((usize, usize), (usize, usize)),
    best: &Alignment,
) -> Result<(), Unmerged> {
    let known: HashSet<usize> = best
        .pairs_in(group.clone())
        .map(|(_, place)| place)
        .collect();
    for at in (group.start..top.0).chain(bottom.0 + 1..group.end) {
        let line = shown.line(at);
        if letters(line) < TELLING {
            continue;
        }
        let mut places = index.like(line);
        if let (Some(place), None) = (places.next(), places.next())
            && (top.1..=bottom.1).contains(&place)
            && !known.contains(&place)
        {
            return Err(Unmerged::Unaccounted(line.trim().to_owned()));
        }
    }
    Ok(())
}

/// A new line that begins or ends a block of which an elision hides a part: what is hidden is in the file,
/// in a block that begins or ends with another line, and nothing says what becomes of that one. So it is
/// with a new line that ends a block where the file has that very line next.
fn check_half(
    index: &Index<'_>,
    shown: &View<'_>,
    group: &std::ops::Range<usize>,
    (top, bottom): ((usize, usize), (usize, usize)),
) -> Result<(), Unmerged> {
    let doubt = |at: usize| Err(Unmerged::Unaccounted(shown.line(at).trim().to_owned()));
    let (head, tail) = (group.start..top.0, bottom.0 + 1..group.end);
    let next = |at: &usize| is_blank(index.file.line(*at));
    if group.end < shown.len() {
        let opener = shown.visible_head(group.end);
        let replaced = first_solid(shown, tail.clone())
            .is_some_and(|line| is_about(shown.line(line), index, Some(bottom.1 + 1)));
        if let Some(opener) = opener.filter(|at| tail.contains(at) && !replaced) {
            return doubt(opener);
        }
        let below = (bottom.1 + 1..index.file.len()).find(|at| !next(at));
        if let (Some(at), Some(below)) = (first_solid(shown, tail), below)
            && shown.closes(at)
            && Form::End.same(index.file.line(below), shown.line(at))
        {
            return doubt(at);
        }
    }
    if group.start > 0 {
        let leading: Vec<&str> = head.clone().map(|at| shown.line(at)).collect();
        let known = taken_over_above(index, &leading, top.1);
        let new = head.start..head.end - known.min(head.len());
        let ends_hidden = |at: &usize| {
            shown.closes(*at) && shown.opener(*at).is_none_or(|opener| opener < group.start)
        };
        if let Some(at) = new.into_iter().find(ends_hidden) {
            return doubt(at);
        }
    }
    Ok(())
}

fn solids<'p>(shown: &View<'p>, range: std::ops::Range<usize>) -> Vec<&'p str> {
    range
        .map(|at| shown.line(at))
        .filter(|line| !is_blank(line))
        .collect()
}

fn last_solid(shown: &View<'_>, range: std::ops::Range<usize>) -> Option<usize> {
    range.rev().find(|&at| !is_blank(shown.line(at)))
}

fn first_solid(shown: &View<'_>, mut range: std::ops::Range<usize>) -> Option<usize> {
    range.find(|&at| !is_blank(shown.line(at)))
}

fn plan_unchecked(
    index: &Index<'_>,
    shown: &View<'_>,
    groups: &[std::ops::Range<usize>],
    best: &Alignment,
) -> Plan {
    let mut plan = Plan {
        changes: Vec::new(),
        edited: Vec::new(),
        region: (usize::MAX, 0),
    };
    let adds_blanks = adds_blanks(index, shown, best);
    for group in groups {
        let Some((first, last)) = best.ends(group.clone()) else {
            if let Some(change) = members::between(index, shown, group, best) {
                plan.region = (
                    plan.region.0.min(change.first),
                    plan.region.1.max(change.first),
                );
                plan.changes.push(change);
                plan.edited.push(group.clone());
            }
            continue;
        };
        let (mut from, mut to) = (first.1, last.1 + 1);
        let mut lines: Vec<String> = Vec::new();
        let mut kept: HashSet<usize> = HashSet::new();
        // Blank lines beside an elision belong to the writing, unless they part new lines from it.
        let mut leading: Vec<&str> = (group.start..first.0).map(|at| shown.line(at)).collect();
        if leading.iter().all(|line| is_blank(line)) {
            leading.clear();
        } else if from > 0 && is_blank(index.file.line(from - 1)) {
            let blank = leading.iter().take_while(|line| is_blank(line)).count();
            leading.drain(..blank);
        }
        if group.start == 0 {
            from = start_of_scope(index, &leading, from);
        }
        lines.extend(leading.iter().map(|line| (*line).to_owned()));
        for at in first.0..=last.0 {
            let own = best.line_of(at);
            let line = merged_line(index, shown.line(at), own);
            kept.extend(
                own.filter(|&own| index.file.line(own) == line)
                    .map(|_| lines.len()),
            );
            lines.push(line);
        }
        if group.start > 0 {
            from -= taken_over_above(index, &leading, from);
        }
        let mut trailing: Vec<&str> = (last.0 + 1..group.end).map(|at| shown.line(at)).collect();
        let mut replaced: Vec<&str> = Vec::new();
        if group.end < shown.len() {
            replaced = taken_over(index, &mut trailing, &mut to);
        }
        if trailing.iter().all(|line| is_blank(line)) {
            trailing.clear();
        } else if is_blank(index.file.line(to)) || to >= index.file.len() {
            while trailing.last().is_some_and(|line| is_blank(line)) {
                trailing.pop();
            }
        }
        lines.extend(replaced.iter().map(|line| (*line).to_owned()));
        if group.end == shown.len() {
            to = end_of_scope(index, &trailing, to);
        }
        lines.extend(trailing.iter().map(|line| (*line).to_owned()));
        if adds_blanks {
            for (_, line) in lines
                .iter_mut()
                .enumerate()
                .filter(|(at, _)| !kept.contains(at))
            {
                line.truncate(line.trim_end().len());
            }
        }
        plan.region = (plan.region.0.min(from), plan.region.1.max(to));
        let before = plan.changes.len();
        plan.changes.extend(differences(index, from, to, &lines));
        if plan.changes.len() > before {
            plan.edited.push(group.clone());
        }
    }
    plan
}

/// A piece that begins with changed lines replaces the lines in the file that they are alike to.
fn start_of_scope(index: &Index<'_>, leading: &[&str], first: usize) -> usize {
    let Some(head) = leading.iter().find(|line| !is_blank(line)) else {
        return first;
    };
    let reach = leading.len() + 2;
    (first.saturating_sub(reach)..first)
        .find(|&at| likeness(head, index.file.line(at)) >= ALIKE)
        .unwrap_or(first)
}

fn end_of_scope(index: &Index<'_>, trailing: &[&str], last: usize) -> usize {
    let Some(tail) = trailing.iter().rev().find(|line| !is_blank(line)) else {
        return last;
    };
    let reach = trailing.len() + 2;
    (last..(last + reach).min(index.file.len()))
        .rev()
        .find(|&at| likeness(tail, index.file.line(at)) >= ALIKE)
        .map_or(last, |at| at + 1)
}

/// A shown line as it is written: the file's own, but without blanks at its end that the piece
/// does not have.
fn merged_line(index: &Index<'_>, line: &str, own: Option<usize>) -> String {
    match own.map(|own| index.file.line(own)) {
        Some(own) if own.trim_end() == own => own.to_owned(),
        Some(own) if line.trim_end() == line && Form::End.same(own, line) => line.to_owned(),
        Some(own) => own.to_owned(),
        None => line.to_owned(),
    }
}

/// Whether the piece has blanks at the ends of lines that the file has without them.
fn adds_blanks(index: &Index<'_>, shown: &View<'_>, best: &Alignment) -> bool {
    (0..shown.len()).any(|at| {
        let line = shown.line(at);
        let own = best.line_of(at).map(|own| index.file.line(own));
        own.is_some_and(|own| own == line.trim_end() && own != line)
    })
}

fn differences(index: &Index<'_>, from: usize, to: usize, lines: &[String]) -> Vec<LineChange> {
    let old: Vec<&str> = (from..to).map(|at| index.file.line(at)).collect();
    let new: Vec<&str> = lines.iter().map(String::as_str).collect();
    crate::diff::diff(&old, &new)
        .into_iter()
        .filter(|part| !part.equal)
        .filter_map(|part| {
            let lines = lines.get(part.new.clone()).unwrap_or(&[]).to_vec();
            trimmed(
                index,
                LineChange {
                    first: from + part.old.start,
                    last: from + part.old.end,
                    new: lines,
                },
            )
        })
        .collect()
}
