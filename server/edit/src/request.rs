//! What the engine is asked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pleach_grammars::Syntax;
use pleach_text::ByteRange;
use serde::{Deserialize, Serialize};

/// The forms in which models write edits. All are recognised without being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Blocks in the style of conflict markers, or tags: what to search, what to put instead.
    SearchReplace,
    /// A unified diff, with or without git's headers.
    UnifiedDiff,
    /// `*** Begin Patch` … `*** End Patch`.
    CodexPatch,
    /// The new text of a whole file in a code fence.
    WholeFile,
    /// A tool call as JSON: replace this string by that one; insert; create.
    StrReplace,
    /// A new version of a file or of a part of it, with `... existing code ...` for what stays.
    LazySnippet,
    /// Line numbers and new text as JSON.
    LineEdits,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::SearchReplace,
        Self::UnifiedDiff,
        Self::CodexPatch,
        Self::WholeFile,
        Self::StrReplace,
        Self::LazySnippet,
        Self::LineEdits,
    ];

    /// The name in the JSON interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::SearchReplace => "search_replace",
            Self::UnifiedDiff => "unified_diff",
            Self::CodexPatch => "codex_patch",
            Self::WholeFile => "whole_file",
            Self::StrReplace => "str_replace",
            Self::LazySnippet => "lazy_snippet",
            Self::LineEdits => "line_edits",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Read access to the files that a reply may be about. Paths are relative to the workspace and
/// separated by `/`.
pub trait Files {
    /// The text of a file, `None` when there is no such file.
    fn read(&self, path: &str) -> Option<Cow<'_, str>>;

    /// The files that a reply may be about, in a stable order.
    fn paths(&self) -> Vec<String>;

    /// Why a file that exists has no text: it is not UTF-8, or too large. `None` for a file that can be
    /// read and for one that does not exist.
    fn unreadable(&self, path: &str) -> Option<String> {
        let _ = path;
        None
    }

    /// The syntax tree of exactly the text that `read` gives, when there is one at hand. It saves
    /// a parse; the result is the same without.
    fn syntax(&self, path: &str) -> Option<Syntax> {
        let _ = path;
        None
    }
}

impl Files for BTreeMap<String, String> {
    fn read(&self, path: &str) -> Option<Cow<'_, str>> {
        self.get(path).map(|text| Cow::Borrowed(text.as_str()))
    }

    fn paths(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// What a reply without a path is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The file.
    pub path: &'a str,
    /// The part of it that the model was asked about. A single block of plain code replaces it.
    pub selection: Option<ByteRange>,
}

/// A reply, and what it is about.
#[derive(Clone, Copy)]
pub struct EditRequest<'a> {
    /// What the model wrote, complete.
    pub reply: &'a str,
    /// The files as they are now.
    pub files: &'a dyn Files,
    /// The format that was asked for, if any. Other formats are recognised all the same.
    pub format: Option<Format>,
    /// The file, and the part of it, that the reply is about when it names none.
    pub target: Option<Target<'a>>,
    /// A person has seen that the result has new syntax errors, and wants it. Never the model's word.
    pub allow_worse_syntax: bool,
}

impl<'a> EditRequest<'a> {
    /// A reply about some files, with nothing else known.
    pub fn new(reply: &'a str, files: &'a dyn Files) -> Self {
        Self {
            reply,
            files,
            format: None,
            target: None,
            allow_worse_syntax: false,
        }
    }
}
