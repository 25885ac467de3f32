//! Changes to a text, as values.

mod compose;
mod rebase;
mod refine;
mod stored;

use std::fmt;

use ropey::Rope;
use serde::{Deserialize, Serialize};

pub use self::rebase::Conflict;
use crate::{ByteOffset, ByteRange};

/// One stretch of a text that is taken out, and what is put in its place.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Replacement {
    /// What goes, in the text before the change. Empty for an insertion.
    pub delete: ByteRange,
    /// What comes. Empty for a deletion.
    pub insert: String,
}

impl Replacement {
    /// Takes out `delete`, puts in `insert`.
    pub fn new(delete: impl Into<ByteRange>, insert: impl Into<String>) -> Self {
        Self {
            delete: delete.into(),
            insert: insert.into(),
        }
    }

    fn is_nothing(&self) -> bool {
        self.delete.is_empty() && self.insert.is_empty()
    }
}

/// One coherent change to one text, and the length of the text that it applies to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ChangeSet {
    /// Invariant: sorted, disjoint, each starting behind the start of the one before it, inside
    /// `0..len_before`, none of them empty on both sides.
    replacements: Vec<Replacement>,
    len_before: ByteOffset,
}

/// Why replacements make no change set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeSetError {
    /// Two of them take out the same byte, or one inserts into what the other takes out.
    #[error("two changes overlap: bytes {first} and bytes {second}; make them one change")]
    Overlap {
        /// The one that starts first.
        first: ByteRange,
        /// The one that starts inside it.
        second: ByteRange,
    },
    /// One reaches behind the end of the text.
    #[error("a change of bytes {range} reaches behind the end of the text ({len} bytes)")]
    OutOfBounds {
        /// What it would take out.
        range: ByteRange,
        /// The length of the text.
        len: ByteOffset,
    },
}

impl ChangeSetError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Overlap { .. } => "overlap",
            Self::OutOfBounds { .. } => "out_of_bounds",
        }
    }
}

/// The text is not the one that the change was made for. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongLength {
    /// The length of the text that the change was made for.
    pub expected: ByteOffset,
    /// The length of the text that it met.
    pub found: ByteOffset,
    /// Set when the lengths agree but the change would split a character of this text here.
    pub inside_character: Option<ByteOffset>,
}

impl WrongLength {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        "wrong_length"
    }
}

impl std::error::Error for WrongLength {}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            expected,
            found,
            inside_character,
        } = self;
        match inside_character {
            None => write!(
                f,
                "the change was made for a text of {expected} bytes, this one has {found}; \
                 make it again from the present text"
            ),
            Some(at) => write!(
                f,
                "the change was made for another text: byte {at} of this one is inside a \
                 character; make it again from the present text"
            ),
        }
    }
}

/// To which side a place keeps when text is inserted right there.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Bias {
    /// It stays before the insertion, with the character on its left.
    Before,
    /// It moves behind the insertion, with the character on its right.
    After,
}

impl ChangeSet {
    /// Makes a change of replacements in any order.
    ///
    /// What starts at one point is joined in the order given (as the protocol orders several
    /// insertions at one position), so there may be fewer replacements than were given. Those that
    /// change nothing are dropped.
    pub fn new(
        replacements: Vec<Replacement>,
        len_before: ByteOffset,
    ) -> Result<Self, ChangeSetError> {
        let mut replacements = replacements;
        replacements.retain(|replacement| !replacement.is_nothing());
        replacements.sort_by_key(|replacement| replacement.delete.start);
        let mut joined: Vec<Replacement> = Vec::with_capacity(replacements.len());
        for next in replacements {
            if next.delete.end > len_before || next.delete.start > next.delete.end {
                return Err(ChangeSetError::OutOfBounds {
                    range: next.delete,
                    len: len_before,
                });
            }
            if let Some(last) = joined.last_mut() {
                let same_start = last.delete.start == next.delete.start;
                if same_start && (last.delete.is_empty() || next.delete.is_empty()) {
                    last.delete.end = last.delete.end.max(next.delete.end);
                    last.insert.push_str(&next.insert);
                    continue;
                }
                if next.delete.start < last.delete.end {
                    return Err(ChangeSetError::Overlap {
                        first: last.delete,
                        second: next.delete,
                    });
                }
            }
            joined.push(next);
        }
        Ok(Self {
            replacements: joined,
            len_before,
        })
    }

    /// For replacements that keep the invariant already.
    pub(crate) fn from_sorted(replacements: Vec<Replacement>, len_before: ByteOffset) -> Self {
        debug_assert!(
            replacements
                .iter()
                .zip(replacements.iter().skip(1))
                .all(|(one, next)| {
                    one.delete.end <= next.delete.start && one.delete.start < next.delete.start
                }),
            "replacements are sorted and disjoint"
        );
        debug_assert!(
            replacements.iter().all(|one| !one.is_nothing()),
            "each changes something"
        );
        Self {
            replacements,
            len_before,
        }
    }

    /// The change that changes nothing in a text of this length.
    pub fn unchanged(len: ByteOffset) -> Self {
        Self {
            replacements: Vec::new(),
            len_before: len,
        }
    }

    /// One replacement of everything. Prefer [`ChangeSet::between`]: it leaves alone what stays.
    pub fn replace_all(before: &str, after: &str) -> Self {
        let len_before = ByteOffset(before.len());
        if before == after {
            return Self::unchanged(len_before);
        }
        Self::from_sorted(vec![Replacement::new(0..before.len(), after)], len_before)
    }

    /// A small change that turns `before` into `after`.
    ///
    /// Lines that both share are left alone; in a changed line only what differs is replaced. No
    /// replacement splits a character or a CRLF of either text, so each can be said in the protocol.
    ///
    /// Lines that occur once in each text are the anchors, what lies between is compared by the
    /// histogram algorithm (by Myers' where it is long) of the `similar` crate. Above 200 000 changed
    /// lines only what the two texts share at their start and end is left alone.
    pub fn between(before: &str, after: &str) -> Self {
        crate::diff::between(before, after)
    }

    /// The replacements, in the order of the text.
    pub fn replacements(&self) -> &[Replacement] {
        &self.replacements
    }

    /// The replacements, in the order of the text, without a copy.
    pub fn into_replacements(self) -> Vec<Replacement> {
        self.replacements
    }

    /// The length of the text that it applies to.
    pub fn len_before(&self) -> ByteOffset {
        self.len_before
    }

    /// The length of the text that comes out.
    pub fn len_after(&self) -> ByteOffset {
        let mut len = self.len_before.0;
        for replacement in &self.replacements {
            len = len.saturating_sub(replacement.delete.len()) + replacement.insert.len();
        }
        ByteOffset(len)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty()
    }

    /// The changed text.
    pub fn apply_to_str(&self, text: &str) -> Result<String, WrongLength> {
        self.check_length(text.len())?;
        let mut out = String::with_capacity(self.len_after().0);
        let mut at = 0;
        for Replacement { delete, insert } in &self.replacements {
            out.push_str(self.slice(text, ByteRange::from(at..delete.start.0))?);
            // What goes must be whole characters as well.
            self.slice(text, *delete)?;
            out.push_str(insert);
            at = delete.end.0;
        }
        out.push_str(self.slice(text, ByteRange::from(at..text.len()))?);
        Ok(out)
    }

    /// Changes a rope in place. Costs what the change costs, not what the text does.
    pub fn apply(&self, text: &mut Rope) -> Result<(), WrongLength> {
        self.check_length(text.len_bytes())?;
        // Everything is found before anything is touched: a change lands as a whole or not at all.
        let mut steps = Vec::with_capacity(self.replacements.len());
        for Replacement { delete, insert } in &self.replacements {
            let start = self.char_index(text, delete.start)?;
            let end = if delete.is_empty() {
                start
            } else {
                self.char_index(text, delete.end)?
            };
            steps.push((start, end, insert));
        }
        // From the end, so that the places found stay right.
        for (start, end, insert) in steps.into_iter().rev() {
            if end > start {
                // Cannot fail: the places were found in this very text.
                let _ = text.try_remove(start..end);
            }
            if !insert.is_empty() {
                let _ = text.try_insert(start, insert);
            }
        }
        Ok(())
    }

    /// The change that undoes this one. It needs the text as it was before.
    pub fn invert(&self, before: &str) -> Result<Self, WrongLength> {
        self.check_length(before.len())?;
        let mut inverted = Vec::with_capacity(self.replacements.len());
        let mut shift = Shift::default();
        for Replacement { delete, insert } in &self.replacements {
            let start = shift.of(delete.start);
            inverted.push(Replacement {
                delete: ByteRange::new(start, start + insert.len()),
                insert: self.slice(before, *delete)?.to_owned(),
            });
            shift.pass(delete.len(), insert.len());
        }
        // Not `from_sorted`: two adjacent deletions become two insertions at one point.
        let len_after = self.len_after();
        Ok(Self::new(inverted, len_after).unwrap_or_else(|_| Self::unchanged(len_after)))
    }

    /// Where a place of the text before lies in the text after.
    ///
    /// A place inside a stretch that goes ends up at the start ([`Bias::Before`]) or the end
    /// ([`Bias::After`]) of what came instead; a border of such a stretch stays that border whatever
    /// the bias. The bias decides at a pure insertion.
    pub fn map_offset(&self, at: ByteOffset, bias: Bias) -> ByteOffset {
        place_behind(&self.replacements, Shift::default(), at, bias)
    }

    /// Where a stretch of the text before lies in the text after.
    ///
    /// What is inserted at its borders stays outside. A stretch that goes becomes what came instead
    /// where it was replaced as a whole, and an empty range where it was swallowed by a larger one.
    pub fn map_range(&self, range: ByteRange) -> ByteRange {
        range_behind(&self.replacements, Shift::default(), range)
    }

    /// [`map_range`](Self::map_range) for many stretches at once, in the order given. Costs what the
    /// change and the stretches cost together when these come in the order of the text.
    pub fn map_ranges(&self, ranges: &[ByteRange]) -> Vec<ByteRange> {
        let mut passed = 0;
        let mut shift = Shift::default();
        let mut reached = ByteOffset::ZERO;
        ranges
            .iter()
            .map(|range| {
                if range.start < reached {
                    (passed, shift) = (0, Shift::default());
                }
                reached = range.start;
                // What ends before the stretch only moves it.
                while let Some(one) = self.replacements.get(passed)
                    && one.delete.end < range.start
                {
                    shift.pass(one.delete.len(), one.insert.len());
                    passed += 1;
                }
                let rest = self.replacements.get(passed..).unwrap_or_default();
                range_behind(rest, shift, *range)
            })
            .collect()
    }

    /// The stretches of the text after that the insertions fill, one per replacement; an empty range
    /// where something only went.
    pub fn inserted_ranges(&self) -> Vec<ByteRange> {
        let mut shift = Shift::default();
        self.replacements
            .iter()
            .map(|Replacement { delete, insert }| {
                let start = shift.of(delete.start);
                shift.pass(delete.len(), insert.len());
                ByteRange::new(start, start + insert.len())
            })
            .collect()
    }

    fn check_length(&self, found: usize) -> Result<(), WrongLength> {
        if found == self.len_before.0 {
            return Ok(());
        }
        Err(WrongLength {
            expected: self.len_before,
            found: ByteOffset(found),
            inside_character: None,
        })
    }

    fn splits_character(&self, at: ByteOffset) -> WrongLength {
        WrongLength {
            expected: self.len_before,
            found: self.len_before,
            inside_character: Some(at),
        }
    }

    fn slice<'t>(&self, text: &'t str, range: ByteRange) -> Result<&'t str, WrongLength> {
        range.of(text).ok_or_else(|| {
            let start_is_whole = text.is_char_boundary(range.start.0);
            self.splits_character(if start_is_whole {
                range.end
            } else {
                range.start
            })
        })
    }

    fn char_index(&self, text: &Rope, at: ByteOffset) -> Result<usize, WrongLength> {
        let split = || self.splits_character(at);
        let index = text.try_byte_to_char(at.0).map_err(|_| split())?;
        let start = text.try_char_to_byte(index).map_err(|_| split())?;
        if start == at.0 {
            Ok(index)
        } else {
            Err(split())
        }
    }
}

/// Where a place goes, given the replacements that are not before it and the shift of those that are.
fn place_behind(
    replacements: &[Replacement],
    shift: Shift,
    at: ByteOffset,
    bias: Bias,
) -> ByteOffset {
    let mut shift = shift;
    for Replacement { delete, insert } in replacements {
        if at < delete.start {
            break;
        }
        let start = shift.of(delete.start);
        let pure_insertion = delete.is_empty();
        if at == delete.start {
            if pure_insertion && bias == Bias::After {
                shift.pass(0, insert.len());
                continue;
            }
            return start;
        }
        if at < delete.end {
            return match bias {
                Bias::Before => start,
                Bias::After => start + insert.len(),
            };
        }
        shift.pass(delete.len(), insert.len());
    }
    shift.of(at)
}

fn range_behind(replacements: &[Replacement], shift: Shift, range: ByteRange) -> ByteRange {
    if range.is_empty() {
        return ByteRange::empty(place_behind(replacements, shift, range.start, Bias::Before));
    }
    let start = place_behind(replacements, shift, range.start, Bias::After);
    let end = place_behind(replacements, shift, range.end, Bias::Before).max(start);
    ByteRange { start, end }
}

/// How far places have moved after the replacements passed so far.
#[derive(Default, Clone, Copy)]
struct Shift {
    deleted: usize,
    inserted: usize,
}

impl Shift {
    fn pass(&mut self, deleted: usize, inserted: usize) {
        self.deleted += deleted;
        self.inserted += inserted;
    }

    fn of(self, at: ByteOffset) -> ByteOffset {
        ByteOffset((at.0 + self.inserted).saturating_sub(self.deleted))
    }
}
