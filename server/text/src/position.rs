//! Positions as editors give them, and their place in bytes.

use std::fmt;

use ropey::{Rope, RopeSlice};
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

/// The place of a position. Costs O(log n) in the length of the text.
///
/// Positions outside the text are clamped: a column behind the line's end means the line's end
/// (before its line break), a line behind the last means the end of the text, and a column inside a
/// character means that character's start.
pub fn byte_of(text: &Rope, at: EncodedPosition, encoding: PositionEncoding) -> ByteOffset {
    resolve(text, at, encoding).0
}

/// Whether the position names a place in the text as it stands: [`byte_of`] had to clamp or round
/// nothing. A position that is not within the text was made for another text.
pub fn is_within(text: &Rope, at: EncodedPosition, encoding: PositionEncoding) -> bool {
    resolve(text, at, encoding).1
}

fn resolve(text: &Rope, at: EncodedPosition, encoding: PositionEncoding) -> (ByteOffset, bool) {
    let end = ByteOffset(text.len_bytes());
    let index = at.line.index();
    // `len_lines` counts the empty line after a final line break, as the protocol does.
    if index >= text.len_lines() {
        return (end, false);
    }
    let (Some(line), Ok(start)) = (text.get_line(index), text.try_line_to_byte(index)) else {
        return (end, false);
    };
    let line = without_break(line);
    let column = usize::try_from(at.column).unwrap_or(usize::MAX);
    // LSP 3.17, Position: "If the character value is greater than the line length it defaults back
    // to the line length", and the length does not count the line break: "positions are line end
    // character agnostic".
    let (length, char_index) = match encoding {
        PositionEncoding::Utf8 => {
            let length = line.len_bytes();
            (length, line.try_byte_to_char(column.min(length)))
        }
        PositionEncoding::Utf16 => {
            let length = line.len_utf16_cu();
            (length, line.try_utf16_cu_to_char(column.min(length)))
        }
        PositionEncoding::Utf32 => {
            let length = line.len_chars();
            (length, Ok(column.min(length)))
        }
    };
    let char_index = char_index.unwrap_or(0);
    let in_line = line.try_char_to_byte(char_index).unwrap_or(0);
    let exact = column <= length && column_of(line, char_index, encoding) == column;
    (ByteOffset(start + in_line), exact)
}

/// The position of a place. Costs O(log n) in the length of the text.
///
/// A place behind the end means the end, one inside a character that character's start, and one
/// between the halves of a CRLF the end of that line: the protocol cannot say it otherwise.
pub fn position_of(text: &Rope, at: ByteOffset, encoding: PositionEncoding) -> EncodedPosition {
    let at = at.0.min(text.len_bytes());
    let index = text.try_byte_to_line(at).unwrap_or(0);
    let (Some(line), Ok(start)) = (text.get_line(index), text.try_line_to_byte(index)) else {
        return EncodedPosition::default();
    };
    let line = without_break(line);
    let in_line = at.saturating_sub(start).min(line.len_bytes());
    let char_index = line.try_byte_to_char(in_line).unwrap_or(0);
    EncodedPosition {
        line: Line::from_index(index),
        column: u32::try_from(column_of(line, char_index, encoding)).unwrap_or(u32::MAX),
    }
}

/// The column of a character of `line`, in units of `encoding`.
fn column_of(line: RopeSlice<'_>, char_index: usize, encoding: PositionEncoding) -> usize {
    match encoding {
        PositionEncoding::Utf8 => line.try_char_to_byte(char_index).unwrap_or(0),
        PositionEncoding::Utf16 => line.try_char_to_utf16_cu(char_index).unwrap_or(0),
        PositionEncoding::Utf32 => char_index,
    }
}

/// A line without the break that ends it.
fn without_break(line: RopeSlice<'_>) -> RopeSlice<'_> {
    let bytes = line.len_bytes();
    let byte = |back: usize| bytes.checked_sub(back).and_then(|at| line.get_byte(at));
    let break_bytes = match (byte(2), byte(1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (_, Some(b'\n' | b'\r')) => 1,
        _ => 0,
    };
    line.get_byte_slice(..bytes - break_bytes).unwrap_or(line)
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
