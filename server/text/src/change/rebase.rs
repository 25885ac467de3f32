//! Two changes of the same text, made without knowing of each other.

use super::{ChangeSet, Replacement, Shift};
use crate::ByteRange;

/// Two changes of one text that cannot both be made without deciding between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error(
    "both sides changed the same place: bytes {ours} here, bytes {theirs} there; \
     choose one, or make the change again from the present text"
)]
pub struct Conflict {
    /// What our change replaces, in the common text.
    pub ours: ByteRange,
    /// What the other change replaces, in the common text.
    pub theirs: ByteRange,
}

impl Conflict {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        "conflict"
    }
}

impl ChangeSet {
    /// `self` as it reads after `other` was made first. Both must apply to the same text.
    ///
    /// They conflict where both take out the same byte, where one inserts inside what the other takes
    /// out, and where both insert at the same point; the first such pair is told. A replacement that
    /// both made alike is no conflict: it is there already, so it is left out. Changes that only border
    /// on each other go side by side, in the order of the text.
    ///
    /// Where there is no conflict the order does not matter: `other` and then
    /// `self.rebase_over(other)` makes the same text as `self` and then `other.rebase_over(self)`.
    ///
    /// Changes made for texts of different length have nothing in common: the whole text is told as
    /// the conflict.
    pub fn rebase_over(&self, other: &Self) -> Result<Self, Conflict> {
        if self.len_before != other.len_before {
            return Err(Conflict {
                ours: ByteRange::from(0..self.len_before.0),
                theirs: ByteRange::from(0..other.len_before.0),
            });
        }
        let mut rebased = Vec::with_capacity(self.replacements.len());
        let mut shift = Shift::default();
        let mut others = other.replacements.iter().peekable();
        for ours in &self.replacements {
            let mut made_already = false;
            while let Some(theirs) = others.peek() {
                made_already = *theirs == ours;
                if !made_already {
                    if conflicts(ours.delete, theirs.delete) {
                        return Err(Conflict {
                            ours: ours.delete,
                            theirs: theirs.delete,
                        });
                    }
                    if !is_before(theirs.delete, ours.delete) {
                        break;
                    }
                }
                shift.pass(theirs.delete.len(), theirs.insert.len());
                others.next();
                if made_already {
                    break;
                }
            }
            if !made_already {
                rebased.push(Replacement {
                    delete: ByteRange::new(shift.of(ours.delete.start), shift.of(ours.delete.end)),
                    insert: ours.insert.clone(),
                });
            }
        }
        let len = other.len_after();
        // Ours that were apart can come to start at one point when theirs took out what lay between.
        Ok(Self::new(rebased, len).unwrap_or_else(|_| Self::unchanged(len)))
    }
}

/// Whether one of the two has to give way.
fn conflicts(ours: ByteRange, theirs: ByteRange) -> bool {
    let inside = |point: ByteRange, stretch: ByteRange| {
        stretch.start < point.start && point.start < stretch.end
    };
    match (ours.is_empty(), theirs.is_empty()) {
        (true, true) => ours.start == theirs.start,
        (true, false) => inside(ours, theirs),
        (false, true) => inside(theirs, ours),
        (false, false) => ours.intersects(theirs),
    }
}

/// Whether theirs, which does not conflict with ours, lies before it.
fn is_before(theirs: ByteRange, ours: ByteRange) -> bool {
    theirs.end <= ours.start
}
