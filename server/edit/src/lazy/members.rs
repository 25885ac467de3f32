//! New members between two elisions.

use std::ops::Range;

use super::align::{Alignment, alike};
use super::beside::letters;
use super::view::View;
use crate::lines::{is_blank, margin_of};
use crate::locate::Index;
use crate::place::LineChange;

/// Where a group goes that has no line in common with the file and an elision on either side. An elision
/// stands for something: between two of them in a block of two members there is one place.
pub(super) fn between(
    index: &Index<'_>,
    shown: &View<'_>,
    group: &Range<usize>,
    best: &Alignment,
) -> Option<LineChange> {
    let elided = |at: Option<usize>| at.is_some_and(|at| shown.is_elision(at));
    if !elided(group.start.checked_sub(1)) || !elided(Some(group.end)) {
        return None;
    }
    let mut new: Vec<&str> = group.clone().map(|at| shown.line(at)).collect();
    let blank = new.iter().take_while(|line| is_blank(line)).count();
    new.drain(..blank);
    while new.last().is_some_and(|line| is_blank(line)) {
        new.pop();
    }
    let margin = margin_of(new.first()?);
    if new
        .iter()
        .any(|line| !is_blank(line) && !line.starts_with(margin))
    {
        return None;
    }
    // The block is one that the piece shows around the group, and all that it hides there is as deep.
    let low = best.pairs_in(0..group.start).last()?.1 + 1;
    let high = best.pairs_in(group.end..shown.len()).next()?.1;
    let hidden = (low..high).map(|at| index.file.line(at));
    if hidden
        .clone()
        .any(|line| !is_blank(line) && !line.starts_with(margin))
    {
        return None;
    }
    // A member begins behind a blank line, as deep as the group does.
    let begins = |at: &usize| {
        let line = index.file.line(*at);
        let first = (low..*at).all(|above| is_blank(index.file.line(above)));
        let parted = *at > low && is_blank(index.file.line(*at - 1));
        (first || parted)
            && !is_blank(line)
            && margin_of(line) == margin
            && !super::view::closes(line)
    };
    let starts: Vec<usize> = (low..high).filter(begins).collect();
    let [_, second] = starts.as_slice() else {
        return None;
    };
    // What is like a member of the block is that member, changed.
    let heads = |line: &&&str| margin_of(line) == margin && letters(line) > 2;
    let changed = new.iter().filter(heads).any(|line| {
        (low..high)
            .map(|at| index.file.line(at))
            .any(|own| margin_of(own) == margin && alike(line, own))
    });
    if changed {
        return None;
    }
    let gap = (low..*second)
        .rev()
        .take_while(|&at| is_blank(index.file.line(at)))
        .count();
    let mut lines: Vec<String> = new.into_iter().map(str::to_owned).collect();
    lines.extend(std::iter::repeat_n(String::new(), gap));
    Some(LineChange {
        first: *second,
        last: *second,
        new: lines,
    })
}
