//! Positions as editors give them, and their place in bytes.

use std::fmt;

use ropey::Rope;
use serde::{Deserialize, Serialize};

use crate::ByteOffset;

/// A line of a document, counted from 0.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Line(pub u32);

impl Line {
    /// The number that people use, counted from 1.
    pub fn number(self) -> usize {
        self.index() + 1
    }

    /// For indexing: counted from 0.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX - 1)
    }

    /// The line with this index (counted from 0); the last representable line for a larger one.
    pub fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// Shows the number that people use, counted from 1.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// The unit in which an editor counts columns, as negotiated in `initialize`.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub enum PositionEncoding {
    /// Columns are bytes of UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Columns are UTF-16 code units: the protocol's default, which every editor speaks.
    #[default]
    #[serde(rename = "utf-16")]
    Utf16,
    /// Columns are Unicode scalar values.
    #[serde(rename = "utf-32")]
    Utf32,
}

/// A position as it is written in the protocol.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct EncodedPosition {
    /// The line, counted from 0.
    pub line: Line,
    /// The column, counted from 0 in units of the negotiated [`PositionEncoding`].
    pub column: u32,
}

/// Where a position is in a text.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// The place.
    pub at: ByteOffset,
    /// The position names this very place: nothing was clamped or rounded. One that does not was made for
    /// another text.
    pub is_exact: bool,
}

/// The place of a position. Costs O(log n) in the length of the text.
///
/// Positions outside the text are clamped: a column behind the line's end means the line's end
/// (before its line break), a line behind the last means the end of the text, and a column inside a
/// character means that character's start.
pub fn resolve(text: &Rope, at: EncodedPosition, encoding: PositionEncoding) -> Resolved {
    // On the path of every keystroke: slices of a rope would count what is in them.
    resolved(text, at, encoding).unwrap_or(Resolved {
        at: ByteOffset(text.len_bytes()),
        is_exact: false,
    })
}

/// The place of a position, as [`resolve`] finds it.
pub fn byte_of(text: &Rope, at: EncodedPosition, encoding: PositionEncoding) -> ByteOffset {
    resolve(text, at, encoding).at
}

/// `None` for a line behind the last.
fn resolved(text: &Rope, at: EncodedPosition, encoding: PositionEncoding) -> Option<Resolved> {
    // LSP 3.17, Position: "If the character value is greater than the line length it defaults back
    // to the line length", and the length does not count the line break: "positions are line end
    // character agnostic".
    let (start, end) = line_range(text, at.line.index())?;
    let column = usize::try_from(at.column).unwrap_or(usize::MAX);
    let found = |byte: usize, is_exact: bool| Resolved {
        at: ByteOffset(byte),
        is_exact,
    };
    if encoding == PositionEncoding::Utf8 {
        let wanted = start.saturating_add(column);
        let byte = character_start(text, wanted.min(end))?;
        return Some(found(byte, byte == wanted));
    }
    let (first, last) = (
        text.try_byte_to_char(start).ok()?,
        text.try_byte_to_char(end).ok()?,
    );
    let units = |char: usize| match encoding {
        PositionEncoding::Utf16 => text.try_char_to_utf16_cu(char).ok(),
        PositionEncoding::Utf8 | PositionEncoding::Utf32 => Some(char),
    };
    let wanted = units(first)?.saturating_add(column);
    let char = match encoding {
        PositionEncoding::Utf16 => text.try_utf16_cu_to_char(wanted.min(units(last)?)).ok()?,
        PositionEncoding::Utf8 | PositionEncoding::Utf32 => wanted.min(last),
    };
    let byte = text.try_char_to_byte(char).ok()?;
    Some(found(byte, units(char)? == wanted))
}

/// The position of a place. Costs O(log n) in the length of the text.
///
/// A place behind the end means the end, one inside a character that character's start, and one
/// between the halves of a CRLF the end of that line: the protocol cannot say it otherwise.
pub fn position_of(text: &Rope, at: ByteOffset, encoding: PositionEncoding) -> EncodedPosition {
    position(text, at, encoding).unwrap_or_default()
}

fn position(text: &Rope, at: ByteOffset, encoding: PositionEncoding) -> Option<EncodedPosition> {
    let at = at.0.min(text.len_bytes());
    let index = text.try_byte_to_line(at).ok()?;
    let (start, end) = line_range(text, index)?;
    let at = character_start(text, at.min(end))?;
    let units = |byte: usize| {
        let char = text.try_byte_to_char(byte).ok()?;
        match encoding {
            PositionEncoding::Utf8 => Some(byte),
            PositionEncoding::Utf16 => text.try_char_to_utf16_cu(char).ok(),
            PositionEncoding::Utf32 => Some(char),
        }
    };
    let column = units(at)?.checked_sub(units(start)?)?;
    Some(EncodedPosition {
        line: Line::from_index(index),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    })
}

/// The bytes of a line, counted from 0, without the break that ends it. The empty line after a final line
/// break is one, as in the protocol.
fn line_range(text: &Rope, index: usize) -> Option<(usize, usize)> {
    if index >= text.len_lines() {
        return None;
    }
    let start = text.try_line_to_byte(index).ok()?;
    let end = text.try_line_to_byte(index + 1).ok()?;
    let byte = |back: usize| {
        let at = end.checked_sub(back).filter(|at| *at >= start)?;
        text.get_byte(at)
    };
    let break_bytes = match (byte(2), byte(1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (_, Some(b'\n' | b'\r')) => 1,
        _ => 0,
    };
    Some((start, end - break_bytes))
}

/// The start of the character that a byte is in.
fn character_start(text: &Rope, at: usize) -> Option<usize> {
    let (chunk, start, ..) = text.get_chunk_at_byte(at)?;
    Some(start + chunk.floor_char_boundary(at - start))
}

/// The line of a place and its column in UTF-8 bytes, both counted from 0, for messages.
///
/// Clamps like [`position_of`]. Reads the text up to the place: not for hot paths.
pub fn line_column(text: &str, at: ByteOffset) -> (Line, usize) {
    let mut at = at.0.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let bytes = text.as_bytes();
    let before = bytes.get(..at).unwrap_or_default();
    let mut line = 0;
    let mut line_start = 0;
    for found in memchr::memchr2_iter(b'\n', b'\r', before) {
        // A CR that an LF follows ends no line by itself, even where the place is between the two.
        if bytes.get(found) == Some(&b'\r') && bytes.get(found + 1) == Some(&b'\n') {
            if found + 1 == at {
                return (Line::from_index(line), found - line_start);
            }
            continue;
        }
        line += 1;
        line_start = found + 1;
    }
    (Line::from_index(line), at - line_start)
}
