//! What a reply asks for, in a form that no longer knows the format it was written in.

use crate::Format;

/// What is known about where a hunk belongs, beside its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    /// Number of the first line of the old text, from 1.
    pub(crate) line: Option<usize>,
    /// Lines that come before the hunk, outermost first: `@@ class A`, `@@ def b`.
    pub(crate) anchors: Vec<String>,
    /// The old text is the end of the file.
    pub(crate) at_end: bool,
    /// Hunks of this format come in the order of the file.
    pub(crate) ordered: bool,
    /// The last line of the hunk was not ended: it may be the beginning of a longer one.
    pub(crate) unended: bool,
    /// For formats that mark each line: what becomes of it.
    pub(crate) marks: Vec<Mark>,
}

/// What becomes of a line of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// It is new.
    Add,
}

/// How the old text of a replacement is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Whole lines.
    Lines,
    /// Any stretch of characters; whole lines if it is not found as such.
    Characters,
}

/// One intended change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// Replace this text by that one. Both with `\n` line endings.
    Replace {
        old: String,
        new: String,
        unit: Unit,
        all: bool,
    },
    /// Replace the lines `first..=last` (from 1; `last == first - 1` inserts before `first`).
    Lines {
        first: usize,
        last: usize,
        new: String,
        guard: Option<String>,
    },
    /// Put text at the end of the file.
    Append { new: String },
    /// The whole new text of a file, which may exist or not. `may_exist` is false for a creation
    /// that must not find the file there.
    Write { text: String, may_exist: bool },
    /// A piece of code for a file: all of it, or a part, perhaps with elisions.
    Snippet { text: String },
    /// Delete the file.
    Delete,
    /// Rename the file; its other hunks apply to it as well.
    Rename { to: String },
}

/// One intended change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The path as the reply has it.
    pub(crate) path: Option<String>,
    pub(crate) op: Op,
    pub(crate) hints: Hints,
    pub(crate) format: Format,
}

impl Hunk {
    pub(crate) fn new(path: Option<String>, op: Op, format: Format) -> Self {
        Self {
            path,
            op,
            hints: Hints::default(),
            format,
        }
    }
}

/// A reply taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) hunks: Vec<Hunk>,
    /// What was put right on the way, in words.
    pub(crate) repairs: Vec<String>,
}
