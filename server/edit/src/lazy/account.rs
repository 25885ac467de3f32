//! What becomes of the lines of the file that a piece does not show: a line goes only where the piece
//! leaves no other reading.

use super::align::{Alignment, Costs};
use super::beside::letters;
use super::view::View;
use super::{Unmerged, end_of_scope, start_of_scope};
use crate::fold::Form;
use crate::lines::is_blank;
use crate::locate::Index;

/// How many lines of the file go between the first and the last shown line of a group.
pub(super) fn lost(
    index: &Index<'_>,
    group: &std::ops::Range<usize>,
    alignment: &Alignment,
) -> usize {
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
pub(super) const FEW: usize = 2;
/// More than so many go only where both sides are beyond doubt.
const MANY: usize = 8;

/// More lines go only where the lines that follow each other beside them, in the piece as in the
/// file, have one that is in the file once: on one side for some, on both for many.
pub(super) fn deletions(
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
pub(super) fn whole_ends(
    index: &Index<'_>,
    shown: &View<'_>,
    best: &Alignment,
) -> Result<(), Unmerged> {
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
pub(super) const TELLING: usize = 10;

/// New lines that follow each other, those of them that tell something.
#[derive(Default)]
struct Run<'p> {
    /// They stand between lines that surely are where they are.
    sure: bool,
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

    /// One line that the file has already among many new ones is how code repeats itself. Where nothing
    /// else is new, it was moved, and nothing says whether it is to stay where it was.
    fn check(&self) -> Result<(), Unmerged> {
        let share = if self.sure { 1 } else { 3 };
        if self.doubled > 0 && self.doubled * share >= self.fresh {
            return Err(Unmerged::Unaccounted(self.example.to_owned()));
        }
        Ok(())
    }
}

/// What is put in must not be in the file already, beyond what the piece shows of it: then it is
/// more likely that a line was not recognised than that it is meant to be there twice.
pub(super) fn account(
    index: &Index<'_>,
    shown: &View<'_>,
    groups: &[std::ops::Range<usize>],
    open: &[std::ops::Range<usize>],
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
        let mut run = Run {
            sure: !open.contains(group),
            ..Run::default()
        };
        for at in group.clone() {
            let line = shown.line(at);
            if best.line_of(at).is_some() && !is_blank(line) {
                run.check()?;
                run = Run {
                    sure: run.sure,
                    ..Run::default()
                };
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
