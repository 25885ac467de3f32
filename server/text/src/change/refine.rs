//! A change that says no more than it has to.

use super::{ChangeSet, Replacement, WrongLength};
use crate::lines::whole_lines;
use crate::{ByteOffset, ByteRange};

impl ChangeSet {
    /// The same change with each replacement made as small as [`ChangeSet::between`] makes it.
    ///
    /// What was taken out and put back (the editor's undo), and what a formatter or an editor that
    /// sends whole documents wrote again although it is the same, leaves no trace. Where a line was
    /// changed in several places, they stay as they are unless the line can be had with less. `before`
    /// is the text that the change applies to. Costs what the changed lines cost to compare, not what
    /// the text does.
    pub fn refine(&self, before: &str) -> Result<Self, WrongLength> {
        self.check_length(before.len())?;
        let mut refined = Vec::with_capacity(self.replacements.len());
        for replacement in &self.replacements {
            let Replacement { delete, insert } = replacement;
            let old = self.slice(before, *delete)?;
            if old.is_empty() || insert.is_empty() {
                refined.push(replacement.clone());
            } else {
                push_between(old, insert, delete.start, &mut refined);
            }
        }
        // Not `from_sorted`: two that bordered on each other can come to start at one point.
        let refined = Self::new(refined, self.len_before).unwrap_or_else(|_| self.clone());
        Ok(refined.grouped(before, |between| {
            memchr::memchr2(b'\n', b'\r', between.as_bytes()).is_none()
        }))
    }

    /// As [`refine`](Self::refine), and replacements with no more than `apart` bytes between them are
    /// replaced by others that lead to the same with fewer bytes. An editor that tells its undo by
    /// comparing two texts may take out another of several equal lines than the one that came: together
    /// the two are nothing.
    pub fn refine_within(&self, before: &str, apart: usize) -> Result<Self, WrongLength> {
        let refined = self.refine(before)?;
        Ok(refined.grouped(before, |between| between.len() <= apart))
    }

    /// Looks at replacements that are near to each other.
    fn grouped(self, before: &str, is_near: impl Fn(&str) -> bool) -> Self {
        let shares = |one: &Replacement, next: &Replacement| {
            let between = before.get(one.delete.end.0..next.delete.start.0);
            between.is_some_and(&is_near)
        };
        let mut smaller = Vec::with_capacity(self.replacements.len());
        for group in self.replacements.chunk_by(shares) {
            match group {
                [first, .., last] => {
                    let lines = whole_lines(before, first.delete.cover(last.delete));
                    smaller.extend(smallest(before, lines, group));
                }
                alone => smaller.extend_from_slice(alone),
            }
        }
        Self::new(smaller, self.len_before).unwrap_or(self)
    }
}

/// The replacements of some lines, and where others lead to the same with fewer bytes, those.
fn smallest(before: &str, lines: ByteRange, group: &[Replacement]) -> Vec<Replacement> {
    let changed = || {
        let mut out = String::new();
        let mut at = lines.start;
        for Replacement { delete, insert } in group {
            out.push_str(before.get(at.0..delete.start.0)?);
            out.push_str(insert);
            at = delete.end;
        }
        out.push_str(before.get(at.0..lines.end.0)?);
        Some(out)
    };
    match (lines.of(before), changed()) {
        (Some(old), Some(new)) => {
            let mut other = Vec::new();
            push_between(old, &new, lines.start, &mut other);
            cheaper(group, &other)
        }
        _ => group.to_vec(),
    }
}

/// Of two ways to the same text the one with fewer bytes, stretch by stretch: behind a place where both
/// have made the text longer by as much, either can go on.
fn cheaper(one: &[Replacement], other: &[Replacement]) -> Vec<Replacement> {
    let bytes = |all: &[Replacement]| -> usize {
        all.iter()
            .map(|one| one.delete.len() + one.insert.len())
            .sum()
    };
    let mut ways = [Way::new(one), Way::new(other)];
    let mut end = ByteOffset::ZERO;
    let mut out = Vec::with_capacity(one.len());
    loop {
        let [ours, theirs] = &mut ways;
        let next = match (ours.next(), theirs.next()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        // What one puts in, the other takes out: so both sums only grow.
        let are_level = ours.come + theirs.gone == theirs.come + ours.gone;
        if are_level && next.is_none_or(|next| next > end) {
            let (ours, theirs) = (ours.take(), theirs.take());
            out.extend_from_slice(if bytes(theirs) < bytes(ours) {
                theirs
            } else {
                ours
            });
        }
        let Some(next) = next else {
            return out;
        };
        for way in &mut ways {
            if way.next() == Some(next) {
                end = end.max(way.step());
            }
        }
    }
}

/// How far a list of replacements was followed.
struct Way<'r> {
    all: &'r [Replacement],
    taken: usize,
    at: usize,
    come: usize,
    gone: usize,
}

impl<'r> Way<'r> {
    fn new(all: &'r [Replacement]) -> Self {
        Self {
            all,
            taken: 0,
            at: 0,
            come: 0,
            gone: 0,
        }
    }

    /// Where the next replacement starts.
    fn next(&self) -> Option<ByteOffset> {
        self.all.get(self.at).map(|one| one.delete.start)
    }

    /// Goes behind the next replacement; where that ends.
    fn step(&mut self) -> ByteOffset {
        let Some(one) = self.all.get(self.at) else {
            return ByteOffset::ZERO;
        };
        self.at += 1;
        self.come += one.insert.len();
        self.gone += one.delete.len();
        one.delete.end
    }

    /// The replacements since the last time.
    fn take(&mut self) -> &'r [Replacement] {
        let stretch = self.all.get(self.taken..self.at).unwrap_or_default();
        self.taken = self.at;
        stretch
    }
}

/// What leads from a stretch that starts at `start` to its new text.
fn push_between(old: &str, new: &str, start: ByteOffset, out: &mut Vec<Replacement>) {
    let inner = ChangeSet::between(old, new).into_replacements();
    out.extend(inner.into_iter().map(|inner| Replacement {
        delete: ByteRange::new(start + inner.delete.start.0, start + inner.delete.end.0),
        insert: inner.insert,
    }));
}
