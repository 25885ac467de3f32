//! Why a call brought nothing. Told to the model, which can do better with its next call.

use std::time::Duration;

use pleach_exec::SandboxError;
use pleach_workspace::ReadError;

use crate::mcp::McpError;

/// Why a call of a tool failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    /// There is no such tool.
    #[error("there is no tool `{name}`; there are {}", offered.join(", "))]
    Unknown {
        /// As it was called.
        name: String,
        /// What there is.
        offered: Vec<String>,
    },
    /// The role does not have it.
    #[error("`{name}` is not available to this role; finish without it")]
    NotAllowed {
        /// The tool.
        name: &'static str,
    },
    /// The arguments do not fit the tool's schema.
    #[error("the arguments do not fit the schema: {why}")]
    BadArguments {
        /// Where.
        why: String,
    },
    /// The arguments are no JSON object.
    #[error("the arguments are no JSON object: {why}")]
    NotJson {
        /// Where.
        why: String,
    },
    /// The file may not be read, or cannot be.
    #[error("{0}")]
    File(#[from] ReadError),
    /// The part of the file that was asked for does not exist.
    #[error("`{path}` has {lines} lines")]
    NoSuchLine {
        /// The file.
        path: String,
        /// How many it has.
        lines: usize,
    },
    /// A glob or a regular expression cannot be read.
    #[error("`{pattern}` cannot be used: {why}")]
    BadPattern {
        /// As it was given.
        pattern: String,
        /// Where it goes wrong.
        why: String,
    },
    /// The language of the file has no grammar here.
    #[error("the language of `{path}` is not known here; read the file instead")]
    NoGrammar {
        /// The file.
        path: String,
    },
    /// The file is one that never leaves the machine.
    #[error("`{path}` is not sent: {why}")]
    Withheld {
        /// The file.
        path: String,
        /// What keeps it back.
        why: &'static str,
    },
    /// The edit cannot be taken.
    #[error("{told}")]
    Refused {
        /// The refusal's.
        code: &'static str,
        /// Why, with the nearest lines of the file, as it may be sent.
        told: String,
    },
    /// More edits than one proposal may have.
    #[error("a proposal has at most {limit} edits; finish with those that were taken")]
    TooManyEdits {
        /// How many.
        limit: usize,
    },
    /// More calls in one message than are carried out.
    #[error("at most {limit} calls of one message are carried out; call again")]
    TooManyAtOnce {
        /// How many.
        limit: usize,
    },
    /// No command can be run in this job.
    #[error("no command can be run here")]
    NoCommands,
    /// The person did not allow the command or the tool, or could not be asked.
    #[error("`{what}` was not allowed: {why}; go on without it")]
    Denied {
        /// The command line, or the tool's name.
        what: String,
        /// Who says so.
        why: &'static str,
    },
    /// The command did not run.
    #[error("{cause}; {}", cause.next_step())]
    Sandbox {
        /// Why.
        #[from]
        cause: SandboxError,
    },
    /// The server of the tool gave nothing.
    #[error("{0}")]
    Server(#[from] McpError),
    /// It took too long.
    #[error("it took longer than {} s and was stopped; ask for less", after.as_secs())]
    TimedOut {
        /// The bound.
        after: Duration,
    },
    /// A defect of ours.
    #[error("Pleach made a mistake of its own; go on without this call")]
    Internal,
}

impl ToolError {
    /// A short, stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-tool",
            Self::NotAllowed { .. } => "tool-not-allowed",
            Self::BadArguments { .. } | Self::NotJson { .. } => "bad-arguments",
            Self::File(error) => error.code(),
            Self::NoSuchLine { .. } => "no-such-line",
            Self::BadPattern { .. } => "bad-pattern",
            Self::NoGrammar { .. } => "no-grammar",
            Self::Withheld { .. } => "withheld",
            Self::Refused { code, .. } => code,
            Self::TooManyEdits { .. } => "too-many-edits",
            Self::TooManyAtOnce { .. } => "too-many-calls-at-once",
            Self::NoCommands => "no-commands",
            Self::Denied { .. } => "command-denied",
            Self::Server(error) => error.code(),
            Self::Sandbox { cause } => cause.code(),
            Self::TimedOut { .. } => "timed-out",
            Self::Internal => "internal",
        }
    }

    /// What the model is told.
    pub(crate) fn for_model(&self) -> String {
        format!("error {}: {self}", self.code())
    }
}
