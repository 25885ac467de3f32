//! What became of a landing that did not come to its end.

use std::fmt;

use camino::Utf8PathBuf;

/// A landing whose process ended before it did, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// To which side it was brought.
    pub outcome: Outcome,
    /// What became of each file.
    pub files: Vec<RecoveredFile>,
}

/// To which side a landing was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every file has its new text.
    Finished,
    /// Every file has the text it had before.
    RolledBack,
    /// Its journal cannot be read, so nothing was touched.
    Unreadable {
        /// The journal.
        path: Utf8PathBuf,
        /// Why.
        cause: String,
    },
}

/// One file of a landing that was recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredFile {
    /// What it is called in its workspace.
    pub name: String,
    /// Where it is.
    pub path: Utf8PathBuf,
    /// What became of it.
    pub outcome: FileOutcome,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOutcome {
    /// It is as it was before the landing.
    Old,
    /// It is as the landing meant it to be; somebody may have gone on from there.
    New,
    /// Somebody else wrote it and the landing never touched it, or gave it back: it is as they left it.
    Theirs {
        /// Where the text is kept that found no place.
        kept: Option<Utf8PathBuf>,
    },
    /// The landing changed it and somebody changed it again, so that it could not be taken back while
    /// other files were.
    Both {
        /// Where the text is kept that it had before.
        kept: Option<Utf8PathBuf>,
    },
    /// The system refused. It is tried again at the next start.
    Stuck {
        /// What the system says.
        cause: String,
    },
}

impl FileOutcome {
    pub(super) fn is_stuck(&self) -> bool {
        matches!(self, Self::Stuck { .. })
    }
}

impl Recovered {
    /// Whether the files fit together: all on one side, as far as the landing goes.
    pub fn is_whole(&self) -> bool {
        let any = |is: fn(&FileOutcome) -> bool| self.files.iter().any(|file| is(&file.outcome));
        let ours = any(|it| matches!(it, FileOutcome::New | FileOutcome::Both { .. }));
        let not_ours = any(|it| matches!(it, FileOutcome::Old | FileOutcome::Theirs { .. }));
        let apart = ours && not_ours;
        let unread = matches!(self.outcome, Outcome::Unreadable { .. });
        !unread && !apart && !any(FileOutcome::is_stuck)
    }

    /// The files that are neither simply old nor simply new.
    pub fn odd_files(&self) -> impl Iterator<Item = &RecoveredFile> {
        let simple =
            |file: &&RecoveredFile| !matches!(file.outcome, FileOutcome::Old | FileOutcome::New);
        self.files.iter().filter(simple)
    }
}

/// One line for the landing.
impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = match self.files.len() {
            1 => "1 file".to_owned(),
            number => format!("{number} files"),
        };
        let stuck = self.files.iter().any(|file| file.outcome.is_stuck());
        match &self.outcome {
            Outcome::Unreadable { path, cause } => write!(
                f,
                "the journal of an interrupted landing, {path}, cannot be read: {cause}; look at the files that were being written, then remove it"
            ),
            Outcome::Finished | Outcome::RolledBack if stuck => write!(
                f,
                "an interrupted landing of {files} could not be brought to an end; it is tried again at the next start"
            ),
            Outcome::Finished | Outcome::RolledBack if !self.is_whole() => write!(
                f,
                "an interrupted landing of {files} could be neither finished nor taken back as a whole; look at the files"
            ),
            Outcome::Finished => {
                write!(f, "an interrupted landing of {files} was finished")
            }
            Outcome::RolledBack => {
                write!(f, "an interrupted landing of {files} was taken back")
            }
        }
    }
}

/// What became of the file, without its name.
impl fmt::Display for FileOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Old => f.write_str("as it was before"),
            Self::New => f.write_str("has its new text"),
            Self::Theirs { kept: None } => {
                f.write_str("was changed by someone else and left as it is")
            }
            Self::Theirs { kept: Some(kept) } => write!(
                f,
                "was changed by someone else and left as it is; the other text is kept in {kept}"
            ),
            Self::Both { kept: None } => f.write_str(
                "was changed by someone else after it had its new text, and left as it is",
            ),
            Self::Both { kept: Some(kept) } => write!(
                f,
                "was changed by someone else after it had its new text, and left as it is; what was there before is kept in {kept}"
            ),
            Self::Stuck { cause } => write!(f, "could not be brought to an end: {cause}"),
        }
    }
}
