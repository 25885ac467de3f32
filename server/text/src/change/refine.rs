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

/// The replacements of some lines, or those that lead to the same with fewer bytes.
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
    let mut other = Vec::new();
    if let (Some(old), Some(new)) = (lines.of(before), changed()) {
        push_between(old, &new, lines.start, &mut other);
        let bytes = |all: &[Replacement]| -> usize {
            all.iter()
                .map(|one| one.delete.len() + one.insert.len())
                .sum()
        };
        if bytes(&other) < bytes(group) {
            return other;
        }
    }
    group.to_vec()
}

/// What leads from a stretch that starts at `start` to its new text.
fn push_between(old: &str, new: &str, start: ByteOffset, out: &mut Vec<Replacement>) {
    let inner = ChangeSet::between(old, new).into_replacements();
    out.extend(inner.into_iter().map(|inner| Replacement {
        delete: ByteRange::new(start + inner.delete.start.0, start + inner.delete.end.0),
        insert: inner.insert,
    }));
}
