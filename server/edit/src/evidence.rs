//! Which of several equal places is meant, when something stronger than likeness says so.

use crate::Rung;
use crate::hunk::Hints;
use crate::lines::{indent_of, is_blank};
use crate::locate::{Index, Spot};

/// What is known about the other hunks of the same file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    /// How far hunks that are surely placed lie from their announced lines, if all agree.
    pub(crate) shift: Option<isize>,
    /// The last line (exclusive) of a surely placed hunk before this one, and the first of one after.
    pub(crate) after: Option<usize>,
    pub(crate) before: Option<usize>,
}

/// Chooses one place, if exactly one fits what is known beside the text.
pub(crate) fn choose(
    index: &Index<'_>,
    spots: &[Spot],
    hints: &Hints,
    near: &Neighbours,
) -> Option<Spot> {
    let only = |fits: &dyn Fn(&Spot) -> bool, rung: Rung| {
        let mut fitting = spots.iter().filter(|spot| fits(spot));
        let first = fitting.next()?;
        fitting.next().is_none().then(|| Spot {
            rung,
            ..first.clone()
        })
    };
    if let Some(line) = hints.line {
        let at = line.saturating_sub(1);
        if let Some(spot) = only(&|spot| spot.first == at, Rung::LineHint) {
            return Some(spot);
        }
        if let Some(shift) = near.shift
            && let Some(moved) = at.checked_add_signed(shift)
            && let Some(spot) = only(&|spot| spot.first == moved, Rung::LineHint)
        {
            return Some(spot);
        }
    }
    if hints.at_end {
        let end = index.solid_end();
        if let Some(spot) = only(&|spot| spot.last >= end, Rung::Anchor) {
            return Some(spot);
        }
    }
    if let Some(scope) = index.scope(&hints.anchors, || scope(index, &hints.anchors))
        && let Some(spot) = only(&|spot| scope.contains(&spot.first), Rung::Anchor)
    {
        return Some(spot);
    }
    if hints.ordered && near.after.is_some() && near.before.is_some() {
        let low = near.after.unwrap_or(0);
        let high = near.before.unwrap_or(usize::MAX);
        return only(&|spot| spot.first >= low && spot.last <= high, Rung::Anchor);
    }
    None
}

/// The lines that belong to the innermost of some headings: from the heading to the next line that is
/// indented no deeper and closes nothing. `None` when a heading is not there or not alone.
fn scope(index: &Index<'_>, anchors: &[String]) -> Option<std::ops::Range<usize>> {
    if anchors.is_empty() {
        return None;
    }
    let mut range = 0..index.file.len();
    for anchor in anchors {
        let wanted = anchor.trim();
        let mut whole = index.like(wanted).filter(|at| range.contains(at));
        let (mut first, mut several) = (whole.next(), whole.next().is_some());
        if first.is_none() && index.may_search_headings() {
            let mut hits = range
                .clone()
                .filter(|at| index.file.line(*at).trim().starts_with(wanted));
            (first, several) = (hits.next(), hits.next().is_some());
        }
        let first = first.filter(|_| !several)?;
        range = first..block_end(index, first);
    }
    Some(range)
}

fn block_end(index: &Index<'_>, heading: usize) -> usize {
    let depth = indent_of(index.file.line(heading)).len();
    let closes = |line: &str| line.trim_start().starts_with(['}', ')', ']', '{', '(']);
    (heading + 1..index.file.len())
        .find(|&at| {
            let line = index.file.line(at);
            !is_blank(line) && indent_of(line).len() <= depth && !closes(line)
        })
        .unwrap_or(index.file.len())
}
