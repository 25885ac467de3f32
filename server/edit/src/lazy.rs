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

mod align;
mod beside;
mod view;

use std::collections::HashSet;

use crate::elision::{Elision, elision};
use crate::fold::{Form, likeness};
use crate::lines::is_blank;
use crate::locate::Index;
use crate::place::{LineChange, trimmed};
use align::{Alignment, Costs, align};
use beside::{ALIKE, check_beside, check_echo, is_about, letters, taken_over};
use view::View;

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
    let shown = View::new(piece, |line| is_elision(index, line, dots_are_code));
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
    let best = align(&costs, &HashSet::new());
    if best.score <= align::IMPOSSIBLE {
        return Err(Unmerged::NotFound(shown.line(0).trim().to_owned()));
    }
    let groups = groups(shown);
    for group in &groups {
        if best.pairs_in(group.clone()).next().is_none()
            && group.clone().any(|at| !is_blank(shown.line(at)))
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
            let other = align(&costs, &banned.into_iter().collect());
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
            let told = align(&costs, &costs.loose_pairs(group.clone()));
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
    account(index, shown, &open, &best)?;
    let doubtful = plan_unchecked(index, shown, &open, &best).changes;
    Ok(Merge {
        region: plan.region,
        changes: plan.changes,
        doubtful,
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
        if hidden_before {
            check_echo(&mirrored, above)?;
        }
        if hidden_after {
            check_echo(&tail, below)?;
        }
    }
    Ok(plan_unchecked(index, shown, groups, best))
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
            continue;
        };
        let (mut from, mut to) = (first.1, last.1 + 1);
        let mut lines: Vec<String> = Vec::new();
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
            lines.push(merged_line(index, shown.line(at), best.line_of(at)));
        }
        if group.start > 0 {
            let above = last_solid(shown, group.start..first.0).map(|line| shown.line(line));
            from -=
                usize::from(above.is_some_and(|line| is_about(line, index, from.checked_sub(1))));
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
            for line in &mut lines {
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

/// How many lines of the file go between the first and the last shown line of a group.
fn lost(index: &Index<'_>, group: &std::ops::Range<usize>, alignment: &Alignment) -> usize {
    let Some((first, last)) = alignment.ends(group.clone()) else {
        return 0;
    };
    let kept = alignment.pairs_in(group.clone()).count();
    let all = (first.1..=last.1)
        .filter(|&at| !is_blank(index.file.line(at)))
        .count();
    all.saturating_sub(kept)
}

/// So many lines go between two shown lines without a question.
const FEW: usize = 2;
/// More than so many go only where both sides are beyond doubt.
const MANY: usize = 8;

/// More lines go only where the lines that follow each other beside them, in the piece as in the
/// file, have one that is in the file once: on one side for some, on both for many.
fn deletions(
    index: &Index<'_>,
    costs: &Costs,
    group: std::ops::Range<usize>,
    best: &Alignment,
) -> Result<(), Unmerged> {
    let pairs: Vec<(usize, usize)> = group
        .filter_map(|at| Some((at, best.line_of(at)?)))
        .collect();
    let follows =
        |one: &(usize, usize), other: &(usize, usize)| other.0 == one.0 + 1 && other.1 == one.1 + 1;
    for (step, pair) in pairs.windows(2).enumerate() {
        let [(_, from), (_, to)] = pair else {
            continue;
        };
        let gone = (from + 1..*to)
            .filter(|&at| !is_blank(index.file.line(at)))
            .count();
        if gone <= FEW {
            continue;
        }
        let above = pairs.get(..=step).unwrap_or(&[]);
        let below = pairs.get(step + 1..).unwrap_or(&[]);
        let run_above = 1 + above
            .windows(2)
            .rev()
            .take_while(|pair| matches!(pair, [one, other] if follows(one, other)))
            .count();
        let run_below = 1 + below
            .windows(2)
            .take_while(|pair| matches!(pair, [one, other] if follows(one, other)))
            .count();
        let told = |run: &[(usize, usize)]| {
            run.iter()
                .any(|pair| costs.is_rare(pair.0) && !is_blank(index.file.line(pair.1)))
        };
        let above = told(
            above
                .get(above.len() - run_above.min(above.len())..)
                .unwrap_or(&[]),
        );
        let below = told(below.get(..run_below).unwrap_or(&[]));
        let sure = if gone > MANY {
            above && below
        } else {
            above || below
        };
        if !sure {
            return Err(Unmerged::Unaccounted(
                index.file.line(from + 1).trim().to_owned(),
            ));
        }
    }
    Ok(())
}

/// A piece of several blocks that has no elision at its beginning begins where the file does, and one
/// that has none at its end ends there: else it says nothing of the lines before it or after it.
/// One block alone stands wherever it is.
fn whole_ends(index: &Index<'_>, shown: &View<'_>, best: &Alignment) -> Result<(), Unmerged> {
    let ends = shown.len();
    if shown.is_one_block() {
        return Ok(());
    }
    let Some((first, last)) = best.ends(0..ends) else {
        return Ok(());
    };
    let solid =
        |mut range: std::ops::Range<usize>| range.find(|&at| !is_blank(index.file.line(at)));
    // Lines beside the first and the last shown line that are alike to new ones are replaced by them.
    let leading: Vec<&str> = (0..first.0).map(|at| shown.line(at)).collect();
    let trailing: Vec<&str> = (last.0 + 1..ends).map(|at| shown.line(at)).collect();
    let start = start_of_scope(index, &leading, first.1);
    let end = end_of_scope(index, &trailing, last.1 + 1);
    let head = solid(0..start).filter(|_| !shown.is_elision(0));
    let tail = solid(end..index.file.len()).filter(|_| !shown.is_elision(ends - 1));
    match head.or(tail) {
        Some(line) => Err(Unmerged::Unaccounted(
            index.file.line(line).trim().to_owned(),
        )),
        None => Ok(()),
    }
}

/// A line with fewer letters is common code.
const TELLING: usize = 10;

/// New lines that follow each other, those of them that tell something.
#[derive(Default)]
struct Run<'p> {
    fresh: usize,
    doubled: usize,
    example: &'p str,
}

impl<'p> Run<'p> {
    fn take(&mut self, line: &'p str, elsewhere: bool) {
        self.fresh += 1;
        if elsewhere {
            self.doubled += 1;
            self.example = line.trim();
        }
    }

    /// One line that the file has already among many new ones is how code repeats itself.
    fn check(&self) -> Result<(), Unmerged> {
        if self.doubled > 0 && self.doubled * 3 >= self.fresh {
            return Err(Unmerged::Unaccounted(self.example.to_owned()));
        }
        Ok(())
    }
}

/// What is put in must not be in the file already, beyond what the piece shows of it: then it is
/// more likely that a line was not recognised than that it is meant to be there twice.
fn account(
    index: &Index<'_>,
    shown: &View<'_>,
    groups: &[std::ops::Range<usize>],
    best: &Alignment,
) -> Result<(), Unmerged> {
    let keys = index.keys(Form::Trim);
    let mut counts: std::collections::HashMap<u64, usize> = std::collections::HashMap::new();
    for key in keys.iter() {
        *counts.entry(*key).or_default() += 1;
    }
    let mut gone: std::collections::HashMap<u64, usize> = std::collections::HashMap::new();
    for group in groups {
        let Some((first, last)) = best.ends(group.clone()) else {
            continue;
        };
        for place in first.1..=last.1 {
            if let Some(key) = keys.get(place) {
                *gone.entry(*key).or_default() += 1;
            }
        }
    }
    let telling = |line: &str| letters(line) >= TELLING;
    for group in groups {
        let mut run = Run::default();
        for at in group.clone() {
            let line = shown.line(at);
            if best.line_of(at).is_some() && !is_blank(line) {
                run.check()?;
                run = Run::default();
            } else if telling(line) {
                let key = Form::Trim.key(line);
                let known = counts.get(&key).copied().unwrap_or(0);
                let elsewhere = known == 1 && gone.get(&key).copied().unwrap_or(0) == 0;
                run.take(line, elsewhere);
            }
        }
        run.check()?;
    }
    Ok(())
}
