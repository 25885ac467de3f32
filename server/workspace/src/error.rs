//! Why a path, a file or a write was refused: what happened, and what can be done.

use pleach_policy::PathRefusal;

/// Why a path does not lead to a file that Pleach may touch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The rules deny the path.
    #[error("{0}")]
    Denied(#[from] PathRefusal),
    /// The path belongs to no folder of the workspace.
    #[error("`{path}` is outside the workspace; open its folder in the editor to work on it")]
    Outside {
        /// The path as it was given.
        path: String,
    },
    /// A link on the way leads out of the workspace.
    #[error(
        "`{path}` is or goes through a link that leads out of the workspace, to `{target}`; open that folder instead"
    )]
    LinkOut {
        /// The path as it was given.
        path: String,
        /// Where it really leads.
        target: String,
    },
    /// A link that leads to nothing, or in a circle.
    #[error("`{path}` goes through a link that leads nowhere; mend or remove the link")]
    BrokenLink {
        /// The path as it was given.
        path: String,
    },
    /// Several folders of the workspace have a file of that name.
    #[error("`{path}` could be {}; write the folder's name before it", places.join(" or "))]
    Ambiguous {
        /// The path as it was given.
        path: String,
        /// The names that it could stand for.
        places: Vec<String>,
    },
    /// The document is not a file: a view of a version control system, a virtual file, …
    #[error("`{uri}` is not a file; save it as one first")]
    NotAFile {
        /// The document's URI.
        uri: String,
    },
    /// The operating system could not follow the path.
    #[error("`{path}` cannot be reached: {cause}")]
    Unreachable {
        /// The path as it was given.
        path: String,
        /// What the operating system says.
        cause: String,
    },
}

impl PathError {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied(refusal) => refusal.code(),
            Self::Outside { .. } => "outside-workspace",
            Self::LinkOut { .. } => "link-out-of-workspace",
            Self::BrokenLink { .. } => "broken-link",
            Self::Ambiguous { .. } => "ambiguous-path",
            Self::NotAFile { .. } => "not-a-file",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

/// Why the text of a file could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The path may not be followed.
    #[error("{0}")]
    Path(#[from] PathError),
    /// There is no such file.
    #[error("there is no file `{path}`")]
    NotFound {
        /// The path as it was given.
        path: String,
    },
    /// A folder, a device or the like.
    #[error("`{path}` is not a regular file")]
    NotRegular {
        /// The path as it was given.
        path: String,
    },
    /// Not UTF-8, or with NUL bytes.
    #[error("`{path}` is not UTF-8 text; Pleach works on UTF-8 only")]
    NotText {
        /// The path as it was given.
        path: String,
    },
    /// Larger than Pleach works on.
    #[error("`{path}` has {bytes} bytes, and Pleach works on files of up to {limit} bytes")]
    TooLarge {
        /// The path as it was given.
        path: String,
        /// Size of the file.
        bytes: u64,
        /// The largest size.
        limit: u64,
    },
    /// The operating system could not read it.
    #[error("`{path}` could not be read: {cause}")]
    Unreadable {
        /// The path as it was given.
        path: String,
        /// What the operating system says.
        cause: String,
    },
}

impl ReadError {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(error) => error.code(),
            Self::NotFound { .. } => "not-found",
            Self::NotRegular { .. } => "not-regular",
            Self::NotText { .. } => "not-text",
            Self::TooLarge { .. } => "too-large",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The path may not be followed.
    #[error("{0}")]
    Path(#[from] PathError),
    /// A file to be changed could not be read.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// The file is not what the change was made for.
    #[error("`{path}` has changed on disk since it was read; apply the reply again")]
    Changed {
        /// The file.
        path: String,
    },
    /// A file to be created exists already.
    #[error("`{path}` exists already and is not overwritten; remove it first if that is meant")]
    Exists {
        /// The file.
        path: String,
    },
    /// The file is marked as not writable.
    #[error("`{path}` is read-only; make it writable first")]
    ReadOnly {
        /// The file.
        path: String,
    },
    /// The same file is changed twice.
    #[error("`{path}` is changed twice by one reply")]
    Twice {
        /// The file.
        path: String,
    },
    /// A link is to be deleted or renamed.
    #[error("`{path}` is a link; Pleach changes what links point to, so name that file instead")]
    IsLink {
        /// The link.
        path: String,
    },
    /// The file has several names (hard links), and not all of them are in the workspace.
    #[error(
        "`{path}` is one file under {names} names, {found} of them in the workspace; writing it would change it elsewhere too, so make it a file of its own first (copy it, and rename the copy over it)"
    )]
    ManyNames {
        /// The file.
        path: String,
        /// How many names it has.
        names: u64,
        /// How many of them were found in the workspace.
        found: u64,
    },
    /// What is to be done could not be written down, so it was not done.
    #[error(
        "the journal in `{folder}` cannot be used: {cause}; no file was changed. Make that folder writable, or name another state folder"
    )]
    Journal {
        /// The folder of the journal.
        folder: String,
        /// What the operating system says.
        cause: String,
    },
    /// Every file has its new text, but the operating system would not say that it is safe.
    #[error(
        "all files have their new text, but the disk did not confirm it: {cause}; look at the disk before you rely on them"
    )]
    Unconfirmed {
        /// What the operating system says.
        cause: String,
    },
    /// The operating system refused. What had been written until then was taken back.
    #[error("`{path}` could not be written: {cause}; no file was changed")]
    Failed {
        /// The file.
        path: String,
        /// What the operating system says.
        cause: String,
    },
    /// The operating system refused, and refused to take the first files back as well.
    #[error("`{path}` could not be written: {cause}; these files were changed already and could not be restored: {}; `pleach recover` tries again", changed.join(", "))]
    HalfWritten {
        /// The file that failed.
        path: String,
        /// What the operating system says.
        cause: String,
        /// Files that hold their new text.
        changed: Vec<String>,
    },
}

impl WriteError {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(error) => error.code(),
            Self::Read(error) => error.code(),
            Self::Changed { .. } => "changed-on-disk",
            Self::Exists { .. } => "file-exists",
            Self::ReadOnly { .. } => "read-only",
            Self::Twice { .. } => "changed-twice",
            Self::IsLink { .. } => "is-link",
            Self::ManyNames { .. } => "many-names",
            Self::Journal { .. } => "journal-unusable",
            Self::Unconfirmed { .. } => "not-confirmed",
            Self::Failed { .. } => "write-failed",
            Self::HalfWritten { .. } => "half-written",
        }
    }
}
