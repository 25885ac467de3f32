//! Why a reply was not applied, for people and for the model that wrote it.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// Why an edit was refused. The names are part of the JSON interface and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The text to be replaced is not in the file.
    NotFound,
    /// The text to be replaced is in the file more than once, and nothing says which is meant.
    Ambiguous,
    /// The reply ends before it is finished.
    Truncated,
    /// The new text stands for old text with a placeholder, and what it stands for is not certain.
    Placeholder,
    /// The result would have a syntax error that the file does not have now.
    SyntaxWorse,
    /// Only comments and docstrings may change, and the result has other code.
    NotOnlyComments,
    /// Two hunks change the same lines in different ways.
    Overlap,
    /// The text to be replaced is empty, but the file is not.
    EmptySearch,
    /// The file would be emptied, or most of it would go, and the reply does not say so.
    WouldEmptyFile,
    /// The reply names a file that does not exist, or names none where several could be meant.
    UnknownFile,
    /// The reply holds no edit.
    NoEdit,
    /// The file has changed since, in the same place.
    Conflict,
    /// The reply is not well formed in its own format.
    BadFormat,
    /// A line number points outside the file.
    OutOfRange,
    /// What a hunk expects to find (its guard) is not what the file holds.
    Stale,
    /// The file path leads outside the workspace.
    OutsideWorkspace,
    /// The file to be created or renamed to exists already.
    FileExists,
    /// The file has the change already.
    AlreadyApplied,
    /// The reply or a file is too large to be worked on in bounded time.
    TooLarge,
}

impl RefusalCode {
    /// The stable name of the reason.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Ambiguous => "ambiguous",
            Self::Truncated => "truncated",
            Self::Placeholder => "placeholder",
            Self::SyntaxWorse => "syntax_worse",
            Self::NotOnlyComments => "not_only_comments",
            Self::Overlap => "overlap",
            Self::EmptySearch => "empty_search",
            Self::WouldEmptyFile => "would_empty_file",
            Self::UnknownFile => "unknown_file",
            Self::NoEdit => "no_edit",
            Self::Conflict => "conflict",
            Self::BadFormat => "bad_format",
            Self::OutOfRange => "out_of_range",
            Self::Stale => "stale",
            Self::OutsideWorkspace => "outside_workspace",
            Self::FileExists => "file_exists",
            Self::AlreadyApplied => "already_applied",
            Self::TooLarge => "too_large",
        }
    }
}

/// A place in a file that a hunk could mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Number of its first line, from 1.
    pub line: usize,
    /// Its first lines.
    pub excerpt: String,
}

/// The lines of the file that are most like what a hunk looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closest {
    /// Number of their first line, from 1.
    pub line: usize,
    /// The lines as they are in the file.
    pub text: String,
    /// What differs: `-` as the hunk has it, `+` as the file has it.
    pub diff: String,
}

/// Why one hunk was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HunkRefusal {
    /// Which hunk of the reply, from 0.
    pub index: usize,
    /// The file that the hunk is about, when it is known.
    pub path: Option<String>,
    /// The reason.
    pub code: RefusalCode,
    /// What happened, and what can be done.
    pub message: String,
    /// For an ambiguous hunk: the places that fit equally well.
    pub candidates: Vec<Place>,
    /// For a hunk that was not found: what comes closest.
    pub closest: Option<Closest>,
}

impl HunkRefusal {
    pub(crate) fn new(
        index: usize,
        path: Option<&str>,
        code: RefusalCode,
        message: impl Into<String>,
    ) -> Self {
        Self {
            index,
            path: path.map(str::to_owned),
            code,
            message: message.into(),
            candidates: Vec::new(),
            closest: None,
        }
    }
}

/// A reply that was not applied. Nothing was changed: a reply is applied as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The reason; with several refused hunks, that of the first.
    pub code: RefusalCode,
    /// What happened, and what can be done.
    pub message: String,
    /// The hunks that were refused. Empty when the reply as a whole was.
    pub hunks: Vec<HunkRefusal>,
    /// The hunks that would pass together if the refused ones were left out: their numbers, from 0.
    pub passing: Vec<usize>,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// How many refused hunks are described one by one in a message.
const SHOWN_HUNKS: usize = 12;

impl Refusal {
    /// A refusal of the whole reply.
    pub(crate) fn whole(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hunks: Vec::new(),
            passing: Vec::new(),
        }
    }

    /// A refusal for the sake of some hunks.
    pub(crate) fn of_hunks(mut hunks: Vec<HunkRefusal>) -> Self {
        hunks.sort_by_key(|hunk| hunk.index);
        let Some(first) = hunks.first() else {
            return Self::whole(RefusalCode::NoEdit, "The reply holds no edit.");
        };
        let code = first.code;
        let message = if hunks.len() == 1 {
            first.message.clone()
        } else {
            let mut message = format!("{} hunks cannot be applied.", hunks.len());
            for hunk in hunks.iter().take(SHOWN_HUNKS) {
                let _ = write!(message, " Hunk {}: {}", hunk.index + 1, hunk.message);
            }
            message
        };
        Self {
            code,
            message,
            hunks,
            passing: Vec::new(),
        }
    }

    /// The same refusal with the hunks that would pass without the refused ones.
    pub(crate) fn with_passing(mut self, passing: Vec<usize>) -> Self {
        self.passing = passing;
        if let Some(passing) = self.passing_in_words() {
            let _ = write!(self.message, " {passing}");
        }
        self
    }

    /// Which hunks would pass, in a sentence.
    fn passing_in_words(&self) -> Option<String> {
        let shown = self.passing.get(..SHOWN_HUNKS).unwrap_or(&self.passing);
        let numbers: Vec<String> = shown.iter().map(|index| (index + 1).to_string()).collect();
        let more = if self.passing.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let numbers = numbers.join(", ");
        match self.passing.len() {
            0 => None,
            1 => Some(format!("Without that, hunk {numbers} passes.")),
            _ => Some(format!("Without that, hunks {numbers}{more} pass.")),
        }
    }

    /// What goes back to the model: the reasons, and the closest real lines of the files.
    pub fn for_model(&self) -> String {
        let mut out = String::from("The edit was not applied; no file was changed.\n");
        if self.hunks.is_empty() {
            let _ = writeln!(out, "{}", self.message);
        }
        for hunk in self.hunks.iter().take(SHOWN_HUNKS) {
            let place = hunk
                .path
                .as_deref()
                .map(|path| format!(" ({path})"))
                .unwrap_or_default();
            let _ = writeln!(out, "\nHunk {}{place}: {}", hunk.index + 1, hunk.message);
            for candidate in &hunk.candidates {
                let _ = writeln!(
                    out,
                    "It fits at line {}:\n{}",
                    candidate.line, candidate.excerpt
                );
            }
            if let Some(closest) = &hunk.closest {
                let _ = writeln!(
                    out,
                    "The closest lines of the file start at line {}:\n{}",
                    closest.line, closest.text
                );
                if !closest.diff.is_empty() {
                    let _ = writeln!(out, "Yours (-) and the file's (+):\n{}", closest.diff);
                }
            }
        }
        if self.hunks.len() > SHOWN_HUNKS {
            let _ = writeln!(
                out,
                "\n… and {} more hunks.",
                self.hunks.len() - SHOWN_HUNKS
            );
        }
        if let Some(passing) = self.passing_in_words() {
            let _ = writeln!(out, "\n{passing}");
        }
        out.push_str(
            "\nSend every edit of the reply again, with text copied exactly from the file.\n",
        );
        out
    }
}
