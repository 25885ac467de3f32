//! Which lines two texts have in common.

use std::collections::HashMap;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff};

/// Above this many lines (both texts together) a line diff is not worth its time and memory.
const MAX_LINES: usize = 200_000;

/// Up to this many lines (both sides together) the histogram algorithm compares what lies between two
/// anchors: it is the more readable one. Its time grows with the square of the length, so that above
/// this the bounded search of Myers takes over.
const MAX_HISTOGRAM_LINES: usize = 2_000;

pub(super) fn is_too_long(old: &[&str], new: &[&str]) -> bool {
    old.len() + new.len() > MAX_LINES
}

/// The line diff of two texts. Its ranges are line indices.
///
/// Lines that occur exactly once on each side are the anchors (the idea of Bram Cohen's patience
/// diff); only what lies between two of them is compared line by line.
pub(crate) fn line_ops(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut ops = Ops::default();
    if is_too_long(old, new) {
        let head = shared_head(old, new);
        let tail = shared_tail(old.get(head..), new.get(head..));
        ops.equal(0, 0, head);
        ops.gap(head..old.len() - tail, head..new.len() - tail);
        ops.equal(old.len() - tail, new.len() - tail, tail);
        return ops.done;
    }
    // Numbers instead of lines: each line is hashed once, and then compared in one instruction.
    let mut numbers = HashMap::with_capacity(old.len());
    let old = number(old, &mut numbers);
    let new = number(new, &mut numbers);
    let distinct = numbers.len();
    drop(numbers);

    let mut at = (0, 0);
    for (old_at, new_at) in anchors(&old, &new, distinct) {
        if old_at < at.0 || new_at < at.1 {
            // It lies in the lines that grew from the anchor before it.
            continue;
        }
        between_anchors(&old, at.0..old_at, &new, at.1..new_at, &mut ops);
        let run = shared_head(
            old.get(old_at..).unwrap_or_default(),
            new.get(new_at..).unwrap_or_default(),
        );
        ops.equal(old_at, new_at, run);
        at = (old_at + run, new_at + run);
    }
    between_anchors(&old, at.0..old.len(), &new, at.1..new.len(), &mut ops);
    ops.done
}

fn between_anchors(
    old: &[usize],
    old_lines: Range<usize>,
    new: &[usize],
    new_lines: Range<usize>,
    ops: &mut Ops,
) {
    let tail = shared_tail(old.get(old_lines.clone()), new.get(new_lines.clone()));
    let old_lines = old_lines.start..old_lines.end - tail;
    let new_lines = new_lines.start..new_lines.end - tail;
    if old_lines.is_empty() || new_lines.is_empty() {
        ops.gap(old_lines.clone(), new_lines.clone());
    } else {
        let algorithm = if old_lines.len() + new_lines.len() <= MAX_HISTOGRAM_LINES {
            Algorithm::Histogram
        } else {
            Algorithm::Myers
        };
        for op in capture_diff(algorithm, old, old_lines.clone(), new, new_lines.clone()) {
            match op {
                DiffOp::Equal {
                    old_index,
                    new_index,
                    len,
                } => ops.equal(old_index, new_index, len),
                other => ops.gap(other.old_range(), other.new_range()),
            }
        }
    }
    ops.equal(old_lines.end, new_lines.end, tail);
}

/// Gives every distinct line a number, counted from 0.
fn number<'a>(lines: &[&'a str], numbers: &mut HashMap<&'a str, usize>) -> Vec<usize> {
    lines
        .iter()
        .map(|line| {
            let next = numbers.len();
            *numbers.entry(line).or_insert(next)
        })
        .collect()
}

/// Pairs of indices of lines that occur once on each side, as many as keep their order on both.
fn anchors(old: &[usize], new: &[usize], distinct: usize) -> Vec<(usize, usize)> {
    let new_places = places_of_unique(new, distinct);
    let old_places = places_of_unique(old, distinct);
    let mut pairs = Vec::new();
    for (old_at, number) in old.iter().enumerate() {
        if let (Some(Some(_)), Some(Some(new_at))) =
            (old_places.get(*number), new_places.get(*number))
        {
            pairs.push((old_at, *new_at));
        }
    }
    longest_rising(&pairs)
}

/// For each number the index of the one line that has it; none where none or several have.
fn places_of_unique(lines: &[usize], distinct: usize) -> Vec<Option<usize>> {
    let mut places = vec![None; distinct];
    let mut seen = vec![false; distinct];
    for (at, number) in lines.iter().enumerate() {
        if let (Some(place), Some(seen)) = (places.get_mut(*number), seen.get_mut(*number)) {
            *place = if *seen { None } else { Some(at) };
            *seen = true;
        }
    }
    places
}

/// The longest subsequence whose second parts rise, by patience sorting in O(n log n). The first parts
/// rise already.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let second = |index: usize| pairs.get(index).map_or(usize::MAX, |pair| pair.1);
    // `tops[n]`: the pair that ends the best sequence of n + 1 pairs found so far.
    let mut tops: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        let pile = tops.partition_point(|top| second(*top) < pair.1);
        previous.push(
            pile.checked_sub(1)
                .and_then(|below| tops.get(below).copied()),
        );
        match tops.get_mut(pile) {
            Some(top) => *top = index,
            None => tops.push(index),
        }
    }
    let mut rising = Vec::with_capacity(tops.len());
    let mut next = tops.last().copied();
    while let Some(index) = next {
        rising.extend(pairs.get(index));
        next = previous.get(index).copied().flatten();
    }
    rising.reverse();
    rising
}

fn shared_head<T: PartialEq>(one: &[T], other: &[T]) -> usize {
    one.iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

fn shared_tail<T: PartialEq>(one: Option<&[T]>, other: Option<&[T]>) -> usize {
    let pairs = one
        .unwrap_or_default()
        .iter()
        .rev()
        .zip(other.unwrap_or_default().iter().rev());
    pairs.take_while(|(one, other)| one == other).count()
}

/// Operations as they are found, neighbours of one kind joined.
#[derive(Default)]
struct Ops {
    done: Vec<DiffOp>,
}

impl Ops {
    fn equal(&mut self, old_index: usize, new_index: usize, len: usize) {
        if len == 0 {
            return;
        }
        if let Some(DiffOp::Equal { len: last, .. }) = self.done.last_mut() {
            *last += len;
        } else {
            self.done.push(DiffOp::Equal {
                old_index,
                new_index,
                len,
            });
        }
    }

    fn gap(&mut self, old: Range<usize>, new: Range<usize>) {
        let (mut old, mut new) = (old, new);
        if old.is_empty() && new.is_empty() {
            return;
        }
        if let Some(last) = self.done.last()
            && !matches!(last, DiffOp::Equal { .. })
        {
            (old.start, new.start) = (last.old_range().start, last.new_range().start);
            self.done.pop();
        }
        let (old_index, old_len) = (old.start, old.len());
        let (new_index, new_len) = (new.start, new.len());
        self.done.push(match (old_len, new_len) {
            (_, 0) => DiffOp::Delete {
                old_index,
                old_len,
                new_index,
            },
            (0, _) => DiffOp::Insert {
                old_index,
                new_index,
                new_len,
            },
            _ => DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            },
        });
    }
}
