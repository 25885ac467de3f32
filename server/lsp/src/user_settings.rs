//! The user's own `pleach.toml` on disk.

use std::io::{self, Write as _};

use camino::Utf8Path;
use pleach_policy::{AddModelError, NewModel, with_model};

/// Why the user's settings could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum UserSettingsError {
    /// The file is there and cannot be read.
    #[error("{path} could not be read: {cause}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The file could not be written. What it held before stays.
    #[error("{path} could not be written: {cause}; make it writable, or add the model by hand")]
    Write {
        /// The file.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// There is no such model, or the file cannot take it.
    #[error("the model was not added: {0}; mend it, or add the model by hand")]
    Model(#[from] AddModelError),
}

impl UserSettingsError {
    /// A name for logs and for other programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "settings_not_read",
            Self::Write { .. } => "settings_not_written",
            Self::Model(error) => error.code(),
        }
    }
}

/// The text of the user's settings; `None` when there are none.
pub(crate) fn read(path: &Utf8Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Chooses a model in the user's settings; everything else there stays. The file is replaced whole or not
/// at all, and a link to it stays a link.
///
/// # Errors
///
/// When the file cannot be read or written, or is no TOML.
pub fn add_model(path: &Utf8Path, model: &NewModel) -> Result<(), UserSettingsError> {
    let unread = |cause| UserSettingsError::Read {
        path: path.to_string(),
        cause,
    };
    let text = read(path).map_err(unread)?.unwrap_or_default();
    let made = with_model(&text, model)?;
    replace(path, &made).map_err(|cause| UserSettingsError::Write {
        path: path.to_string(),
        cause,
    })
}

fn replace(path: &Utf8Path, text: &str) -> io::Result<()> {
    let target = match path.canonicalize_utf8() {
        Ok(target) => target,
        Err(_) => path.to_owned(),
    };
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = target.with_extension(format!("new-{}", std::process::id()));
    let written = std::fs::File::create_new(&fresh).and_then(|mut file| {
        if let Ok(metadata) = target.metadata() {
            file.set_permissions(metadata.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &target)
    });
    if written.is_err() {
        let _was_never_there = std::fs::remove_file(&fresh);
    }
    written
}
