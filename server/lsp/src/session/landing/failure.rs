//! Why a landing does not come about, and what a person can do then.

use pleach_edit::Refusal;

/// Why a file did not land.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LandingFailure {
    #[error("{0}")]
    Refused(Box<Refusal>),
    #[error("the editor does not apply edits of a language server")]
    NoEdits,
    #[error("the editor cannot {what} files for a language server, and the edit needs it")]
    NoFileOperation { what: &'static str },
    #[error("`{path}` may be out of step with the editor: {why}")]
    Suspect { path: String, why: String },
    #[error("`{path}` cannot be reached: {why}")]
    Unreachable { path: String, why: String },
    #[error("the editor refused the edit of `{path}`{}", reason.as_ref().map_or_else(String::new, |it| format!(": {it}")))]
    NotApplied {
        path: String,
        reason: Option<String>,
    },
    #[error("the editor said nothing about the edit of `{path}`, and its text does not show it")]
    NotConfirmed { path: String },
    #[error("{why}")]
    NotWritten { code: &'static str, why: String },
    #[error("`{path}` keeps changing while the edit is brought to its text")]
    KeepsChanging { path: String },
}

impl LandingFailure {
    /// A short, stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code.code(),
            Self::NoEdits => "client-cannot-edit",
            Self::NoFileOperation { .. } => "client-cannot-change-files",
            Self::Suspect { .. } => "out-of-step",
            Self::Unreachable { .. } => "unreachable",
            Self::NotApplied { .. } => "not-applied",
            Self::NotConfirmed { .. } => "not-confirmed",
            Self::KeepsChanging { .. } => "keeps-changing",
            Self::NotWritten { code, .. } => code,
        }
    }

    /// What to do next.
    pub(crate) fn next_step(&self) -> &'static str {
        match self {
            Self::Refused(_) => "look at the kept answer, and ask again if it is still wanted",
            Self::NoEdits | Self::NoFileOperation { .. } => {
                "apply the kept answer with `pleach apply`"
            }
            Self::Suspect { .. } => {
                "save the document, or close it and open it again, then repeat the command"
            }
            Self::Unreachable { .. } => "open the file in the editor and repeat the command",
            Self::NotApplied { .. }
            | Self::NotConfirmed { .. }
            | Self::KeepsChanging { .. }
            | Self::NotWritten { .. } => "land the kept answer with pleach.land, or ask again",
        }
    }
}
