//! How strictly the place of a hunk was matched.

use serde::Serialize;

/// The rungs of the ladder, from strict to lenient. Every placed hunk names the one it was found on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Byte for byte.
    Exact,
    /// The same but for line endings or a byte order mark.
    LineEndings,
    /// The same but for blanks at line ends.
    TrailingWhitespace,
    /// The same but for look-alike characters: quotes, dashes, blanks, composed letters.
    Unicode,
    /// The same at another indentation, shifted or counted in another unit.
    Indentation,
    /// The same but for white space within lines.
    Whitespace,
    /// The same but for blank lines.
    BlankLines,
    /// The same after a level of escaping is taken off.
    Escapes,
    /// Several places are the same; the line number given says which.
    LineHint,
    /// Several places are the same; an enclosing symbol, an `@@` header or the order of the hunks says which.
    Anchor,
    /// Context lines differ a little, no other place comes near, and every line to be removed is there.
    Similar,
    /// By line numbers alone, as the format has it.
    LineNumbers,
    /// A whole file.
    WholeFile,
    /// A part of the code merged by its names and by the lines around its elisions.
    Merge,
}

impl Rung {
    /// The name in the JSON interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::LineEndings => "line_endings",
            Self::TrailingWhitespace => "trailing_whitespace",
            Self::Unicode => "unicode",
            Self::Indentation => "indentation",
            Self::Whitespace => "whitespace",
            Self::BlankLines => "blank_lines",
            Self::Escapes => "escapes",
            Self::LineHint => "line_hint",
            Self::Anchor => "anchor",
            Self::Similar => "similar",
            Self::LineNumbers => "line_numbers",
            Self::WholeFile => "whole_file",
            Self::Merge => "merge",
        }
    }
}
