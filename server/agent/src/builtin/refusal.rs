//! Why the built-in engine does not do what it was asked.

/// Why the built-in engine does not do what it was asked. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinRefusal {
    /// It takes understanding, which a syntax tree does not have.
    #[error(
        "{what} needs an AI model, and none is set: this is the {}",
        super::LABEL
    )]
    NeedsModel {
        /// What was asked for, as the beginning of a sentence.
        what: String,
    },
    /// The language is not one of those that the engine knows, or none is known for the document.
    #[error(
        "the {} knows Rust, Python, TypeScript, JavaScript and Go; this document is {language}",
        super::LABEL
    )]
    UnknownLanguage {
        /// The language's name, or `of no known language`.
        language: String,
    },
    /// It cannot be done at that place.
    #[error("{why}")]
    NotHere {
        /// What is missing there, as a sentence without its full stop.
        why: String,
        /// What to do instead.
        next: String,
    },
    /// It is done already.
    #[error("{what}")]
    NothingToDo {
        /// What is there already, as a sentence without its full stop.
        what: String,
    },
    /// It can be done, but not with certainty that the program means the same afterwards.
    #[error("{why}")]
    Uncertain {
        /// What is in doubt, as a sentence without its full stop.
        why: String,
        /// What to do instead.
        next: String,
    },
}

impl BuiltinRefusal {
    /// A short, stable code, for logs and for plugins.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeedsModel { .. } => "needs-model",
            Self::UnknownLanguage { .. } => "unknown-language",
            Self::NotHere { .. } => "not-here",
            Self::NothingToDo { .. } => "nothing-to-do",
            Self::Uncertain { .. } => "uncertain",
        }
    }

    /// What the person can do next, as a sentence without its full stop.
    pub fn next_step(&self) -> String {
        match self {
            Self::NeedsModel { .. } | Self::UnknownLanguage { .. } => SET_A_MODEL.to_owned(),
            Self::NothingToDo { .. } => "nothing needs to be done".to_owned(),
            Self::NotHere { next, .. } | Self::Uncertain { next, .. } => next.clone(),
        }
    }

    pub(crate) fn needs_model(what: impl Into<String>) -> Self {
        Self::NeedsModel { what: what.into() }
    }

    pub(super) fn not_here(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::NotHere {
            why: why.into(),
            next: next.into(),
        }
    }

    pub(super) fn nothing_to_do(what: impl Into<String>) -> Self {
        Self::NothingToDo { what: what.into() }
    }

    pub(super) fn uncertain(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Uncertain {
            why: why.into(),
            next: next.into(),
        }
    }
}

const SET_A_MODEL: &str = "add one with `pleach model` in a terminal; or paste an answer from any chat and use “Land this reply”";
