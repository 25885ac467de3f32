//! Offsets and ranges in UTF-8 bytes.

use std::fmt;
use std::ops::{Add, Range};

use serde::{Deserialize, Serialize};

/// A place in a document: the number of UTF-8 bytes before it.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteOffset(pub usize);

impl ByteOffset {
    /// The start of every document.
    pub const ZERO: Self = Self(0);

    /// How many bytes `self` lies behind `earlier`; 0 where it does not.
    pub fn since(self, earlier: Self) -> usize {
        self.0.saturating_sub(earlier.0)
    }
}

/// The place so many bytes further on. Stays at the last representable place rather than overflow.
impl Add<usize> for ByteOffset {
    type Output = Self;

    fn add(self, bytes: usize) -> Self {
        Self(self.0.saturating_add(bytes))
    }
}

impl From<usize> for ByteOffset {
    fn from(bytes: usize) -> Self {
        Self(bytes)
    }
}

impl From<ByteOffset> for usize {
    fn from(offset: ByteOffset) -> Self {
        offset.0
    }
}

impl fmt::Display for ByteOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A half-open stretch of a document, in UTF-8 bytes.
///
/// [`ByteRange::new`] orders its ends, so that `start <= end` holds for every range that is not
/// written out field by field.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct ByteRange {
    /// The first byte that belongs to the range.
    pub start: ByteOffset,
    /// The first byte behind the range.
    pub end: ByteOffset,
}

impl ByteRange {
    /// The stretch between two places, whichever comes first.
    pub fn new(one: ByteOffset, other: ByteOffset) -> Self {
        Self {
            start: one.min(other),
            end: one.max(other),
        }
    }

    /// The empty range at a place: where an insertion goes.
    pub fn empty(at: ByteOffset) -> Self {
        Self { start: at, end: at }
    }

    /// The number of bytes.
    pub fn len(self) -> usize {
        self.end.since(self.start)
    }

    /// Whether it holds no byte.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether the byte at `at` belongs to the range; the end does not.
    pub fn contains(self, at: ByteOffset) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether `other` lies wholly within, borders included.
    pub fn contains_range(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two share a point: they overlap or one begins where the other ends.
    pub fn touches(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Whether the two share a byte.
    pub fn intersects(self, other: Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn cover(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// For indexing with `str::get`.
    pub fn as_usize(self) -> Range<usize> {
        self.start.0..self.end.0
    }

    /// The part of `text` that the range covers; none when it reaches outside or splits a character.
    pub fn of(self, text: &str) -> Option<&str> {
        text.get(self.as_usize())
    }
}

impl From<Range<usize>> for ByteRange {
    fn from(range: Range<usize>) -> Self {
        Self::new(ByteOffset(range.start), ByteOffset(range.end))
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: usize, end: usize) -> ByteRange {
        ByteRange::from(start..end)
    }

    #[test]
    fn ends_are_put_in_order() {
        assert_eq!(ByteRange::new(ByteOffset(7), ByteOffset(3)), range(3, 7));
        assert_eq!(range(3, 7).to_string(), "3..7");
        assert_eq!(range(3, 7).len(), 4);
    }

    #[test]
    fn touching_is_not_intersecting() {
        assert!(range(0, 3).touches(range(3, 5)));
        assert!(!range(0, 3).intersects(range(3, 5)));
        assert!(range(0, 4).intersects(range(3, 5)));
        assert!(!range(0, 3).touches(range(4, 5)));
        assert!(range(1, 5).touches(ByteRange::empty(ByteOffset(5))));
        assert!(!range(1, 5).intersects(ByteRange::empty(ByteOffset(3))));
    }

    #[test]
    fn the_end_is_outside() {
        assert!(range(1, 3).contains(ByteOffset(1)));
        assert!(!range(1, 3).contains(ByteOffset(3)));
        assert!(range(1, 3).contains_range(range(3, 3)));
        assert_eq!(range(1, 2).cover(range(4, 5)), range(1, 5));
    }

    #[test]
    fn a_range_that_splits_a_character_covers_nothing() {
        assert_eq!(range(0, 2).of("é!"), Some("é"));
        assert_eq!(range(0, 1).of("é!"), None);
        assert_eq!(range(0, 9).of("é!"), None);
    }
}
