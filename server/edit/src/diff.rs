//! Line differences with a cost that hostile input cannot push up.
//!
//! Lines that are common to both sides and occur once in each are anchors (the patience diff of
//! Bram Cohen); what lies between them is compared by Myers' algorithm when it is small and taken
//! as replaced otherwise.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// A stretch between two anchors is compared line by line when `old × new` is not above this.
const MAX_CELLS: usize = 250_000;

/// How deep anchors are looked for between anchors.
const MAX_DEPTH: usize = 24;

/// One stretch of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
    /// Both sides hold the same lines, one to one.
    pub(crate) equal: bool,
}

/// The difference of two lists of lines, in order; neighbouring stretches never have the same `equal`.
pub(crate) fn diff<T: Hash + Eq + Ord>(old: &[T], new: &[T]) -> Vec<Stretch> {
    let mut out = Out::default();
    stretch(old, new, 0, 0, 0, &mut out);
    out.stretches
}

#[derive(Default)]
struct Out {
    stretches: Vec<Stretch>,
}

impl Out {
    fn push(&mut self, old: Range<usize>, new: Range<usize>, equal: bool) {
        if old.is_empty() && new.is_empty() {
            return;
        }
        match self.stretches.last_mut() {
            Some(last) if last.equal == equal => {
                last.old.end = old.end;
                last.new.end = new.end;
            }
            _ => self.stretches.push(Stretch { old, new, equal }),
        }
    }
}

fn stretch<T: Hash + Eq + Ord>(
    old: &[T],
    new: &[T],
    old_at: usize,
    new_at: usize,
    depth: usize,
    out: &mut Out,
) {
    let head = old
        .iter()
        .zip(new)
        .take_while(|(one, other)| one == other)
        .count();
    out.push(old_at..old_at + head, new_at..new_at + head, true);
    let (old, new) = (
        old.get(head..).unwrap_or(&[]),
        new.get(head..).unwrap_or(&[]),
    );
    let (old_at, new_at) = (old_at + head, new_at + head);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(one, other)| one == other)
        .count();
    let (old_mid, new_mid) = (old.len() - tail, new.len() - tail);
    let (old, new) = (
        old.get(..old_mid).unwrap_or(&[]),
        new.get(..new_mid).unwrap_or(&[]),
    );

    if old.is_empty() || new.is_empty() {
        out.push(old_at..old_at + old_mid, new_at..new_at + new_mid, false);
    } else if old.len().saturating_mul(new.len()) <= MAX_CELLS {
        small(old, new, old_at, new_at, out);
    } else {
        let anchors = if depth < MAX_DEPTH {
            anchors(old, new)
        } else {
            Vec::new()
        };
        if anchors.is_empty() {
            out.push(old_at..old_at + old_mid, new_at..new_at + new_mid, false);
        } else {
            let (mut from_old, mut from_new) = (0, 0);
            for (one, other) in anchors.into_iter().chain([(old_mid, new_mid)]) {
                if one < from_old || other < from_new {
                    continue;
                }
                stretch(
                    old.get(from_old..one).unwrap_or(&[]),
                    new.get(from_new..other).unwrap_or(&[]),
                    old_at + from_old,
                    new_at + from_new,
                    depth + 1,
                    out,
                );
                if one < old_mid {
                    out.push(
                        old_at + one..old_at + one + 1,
                        new_at + other..new_at + other + 1,
                        true,
                    );
                }
                (from_old, from_new) = (one + 1, other + 1);
            }
        }
    }
    out.push(
        old_at + old_mid..old_at + old_mid + tail,
        new_at + new_mid..new_at + new_mid + tail,
        true,
    );
}

fn small<T: Hash + Eq + Ord>(old: &[T], new: &[T], old_at: usize, new_at: usize, out: &mut Out) {
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        let (tag, one, other) = op.as_tag_tuple();
        let one = old_at + one.start..old_at + one.end;
        let other = new_at + other.start..new_at + other.end;
        out.push(one, other, tag == DiffTag::Equal);
    }
}

/// Pairs of positions of lines that occur once on each side, the longest rising run of them.
fn anchors<T: Hash + Eq>(old: &[T], new: &[T]) -> Vec<(usize, usize)> {
    /// Where a line was seen: once at a place, or too often.
    fn once<T: Hash + Eq>(lines: &[T]) -> HashMap<&T, Option<usize>> {
        let mut seen = HashMap::with_capacity(lines.len());
        for (at, line) in lines.iter().enumerate() {
            seen.entry(line)
                .and_modify(|place| *place = None)
                .or_insert(Some(at));
        }
        seen
    }
    let in_new = once(new);
    let in_old = once(old);
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (at, line) in old.iter().enumerate() {
        let alone = in_old.get(line).copied().flatten().is_some();
        if let (true, Some(Some(other))) = (alone, in_new.get(line)) {
            pairs.push((at, *other));
        }
    }
    rising(&pairs)
}

/// The longest rising subsequence by the second number (the first rises already).
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; pairs.len()];
    let second = |index: usize| pairs.get(index).map_or(0, |pair| pair.1);
    for index in 0..pairs.len() {
        let place = tails.partition_point(|&tail| second(tail) < second(index));
        if let Some(slot) = before.get_mut(index) {
            *slot = place
                .checked_sub(1)
                .and_then(|below| tails.get(below))
                .copied();
        }
        match tails.get_mut(place) {
            Some(tail) => *tail = index,
            None => tails.push(index),
        }
    }
    let mut out = Vec::with_capacity(tails.len());
    let mut at = tails.last().copied();
    while let Some(index) = at {
        out.extend(pairs.get(index));
        at = before.get(index).copied().flatten();
    }
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn rebuild(old: &[u32], new: &[u32]) -> Vec<u32> {
        let mut out = Vec::new();
        for part in diff(old, new) {
            if part.equal {
                assert_eq!(old[part.old.clone()], new[part.new.clone()]);
                out.extend(&old[part.old]);
            } else {
                out.extend(&new[part.new]);
            }
        }
        out
    }

    #[test]
    fn a_change_in_the_middle_leaves_both_ends() {
        let parts = diff(&["a", "b", "c"], &["a", "x", "c"]);
        assert_eq!(
            parts.iter().map(|part| part.equal).collect::<Vec<_>>(),
            [true, false, true]
        );
    }

    #[test]
    fn long_lists_are_compared_by_their_anchors() {
        let old: Vec<u32> = (0..5_000).collect();
        let mut new = old.clone();
        new.insert(10, 9_999_999);
        new.remove(4_000);
        assert_eq!(rebuild(&old, &new), new);
        assert_eq!(
            diff(&old, &new).iter().filter(|part| !part.equal).count(),
            2
        );
    }

    proptest::proptest! {
        #[test]
        fn rebuilds_the_new_side(old in proptest::collection::vec(0u32..6, 0..40), new in proptest::collection::vec(0u32..6, 0..40)) {
            proptest::prop_assert_eq!(rebuild(&old, &new), new);
        }
    }
}
