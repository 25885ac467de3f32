//! One step, as it stands in the text.

use std::fmt;

use pleach_text::ByteRange;

use crate::check::Check;

/// What the box of a step says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// `[ ]`: to be done.
    Todo,
    /// `[~]`: under way. When nothing runs, it was interrupted.
    Running,
    /// `[?]`: carried out, and waits for a person: to review it, to allow its check, or to tick it.
    Waiting,
    /// `[x]`: done.
    Done,
    /// `[-]`: left out on purpose.
    Skipped,
    /// `[!]`: failed.
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Todo,
        Self::Running,
        Self::Waiting,
        Self::Done,
        Self::Skipped,
        Self::Failed,
    ];

    /// The character between the brackets.
    pub fn mark(self) -> char {
        match self {
            Self::Todo => ' ',
            Self::Running => '~',
            Self::Waiting => '?',
            Self::Done => 'x',
            Self::Skipped => '-',
            Self::Failed => '!',
        }
    }

    /// What a character between the brackets means; `None` for those that mean nothing.
    pub fn of_mark(mark: char) -> Option<Self> {
        if mark == 'X' {
            return Some(Self::Done);
        }
        Self::ALL.into_iter().find(|status| status.mark() == mark)
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Todo => "to do",
            Self::Running => "running",
            Self::Waiting => "waits for you",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether what depends on the step may go on.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

/// Who carries a step out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Makes plans.
    Planner,
    /// Changes code.
    #[default]
    Coder,
    /// Writes tests.
    Tester,
    /// Writes documentation.
    Documenter,
    /// Looks for defects and changes nothing.
    Reviewer,
    /// A role of the workspace's own, or a word that means nothing.
    Other(String),
}

impl Role {
    /// The roles that Pleach has by itself.
    pub const BUILT_IN: [Self; 5] = [
        Self::Planner,
        Self::Coder,
        Self::Tester,
        Self::Documenter,
        Self::Reviewer,
    ];

    /// As it is written.
    pub fn name(&self) -> &str {
        match self {
            Self::Planner => "planner",
            Self::Coder => "coder",
            Self::Tester => "tester",
            Self::Documenter => "documenter",
            Self::Reviewer => "reviewer",
            Self::Other(name) => name,
        }
    }

    /// The role that a word means, in upper or lower case.
    pub fn of_name(name: &str) -> Self {
        let name = name.trim().to_lowercase();
        let known = Self::BUILT_IN.into_iter().find(|role| role.name() == name);
        known.unwrap_or(Self::Other(name))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something written in a step, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<T> {
    /// What it says.
    pub value: T,
    /// Where it stands.
    pub range: ByteRange,
}

/// A file that a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFile {
    /// The path as it is written, relative to the workspace.
    pub path: String,
    /// Whether the step makes it: `` `src/new.rs` (new) ``.
    pub is_new: bool,
    /// Where the path stands.
    pub range: ByteRange,
}

/// One step. All ranges are bytes of the text that was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number: the one that is written, if the written ones tell the steps apart, else its place in
    /// the list, from 1.
    pub number: u32,
    /// What its box says; [`Status::Todo`] for a box that says nothing known.
    pub status: Status,
    /// Between the brackets; empty in `[]`.
    pub status_range: ByteRange,
    /// Whether the box says something known.
    pub status_is_known: bool,
    /// What is to be done, in one line.
    pub title: String,
    /// Where the title stands.
    pub title_range: ByteRange,
    /// The first line, without its line break.
    pub head: ByteRange,
    /// The whole step, without blank lines behind it.
    pub range: ByteRange,
    /// Who carries it out, where it says so.
    pub role: Option<Value<Role>>,
    /// The files that it is about.
    pub files: Vec<StepFile>,
    /// The symbol or the text in the first file that it is about, or its line (from 1).
    pub at: Option<Value<String>>,
    /// A message of a compiler or a linter that is to be mended.
    pub reported: Option<Value<String>>,
    /// The numbers of the steps that come first, each where it stands.
    pub after: Vec<Value<u32>>,
    /// The whole of `after:`, if it is there.
    pub after_range: Option<ByteRange>,
    /// How to know that it is done.
    pub check: Option<Check>,
    /// What it will cost, as somebody has written down.
    pub estimate: Option<Value<String>>,
    /// What became of it, as the server has written down.
    pub result: Option<Value<String>>,
    /// The line of the result, with its line break.
    pub(crate) result_line: Option<ByteRange>,
    /// What is said about it beside all that.
    pub prose: String,
    /// Where a further field goes, and what stands before its name.
    pub(crate) next_field: (usize, String),
}

impl Step {
    /// Who carries it out; a coder where nothing is said.
    pub fn role(&self) -> Role {
        self.role
            .as_ref()
            .map(|role| role.value.clone())
            .unwrap_or_default()
    }

    /// What it is known by while the text around it changes.
    pub fn key(&self) -> StepKey {
        StepKey {
            number: self.number,
            title: self.title.clone(),
        }
    }
}

/// What a step is known by while people edit the plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepKey {
    /// Its number when it was looked at.
    pub number: u32,
    /// Its title then.
    pub title: String,
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.number, self.title)
    }
}
