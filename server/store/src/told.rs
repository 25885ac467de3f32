//! What a person was told or asked once. A file with a line for each, so that a person can take one out.

use std::io::{self, Write as _};

use camino::Utf8Path;

use crate::answers::StoreError;
use crate::private;

const FILE: &str = "told";

/// Whether `what` was told. What cannot be read counts as told: rather silent than again and again.
pub fn is_told(state_dir: &Utf8Path, what: &str) -> bool {
    match std::fs::read_to_string(state_dir.join(FILE)) {
        Ok(text) => text.lines().any(|line| line == what),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Remembers that `what`, one line, was told.
///
/// # Errors
///
/// When the file cannot be written; then nobody should be told.
pub fn tell(state_dir: &Utf8Path, what: &str) -> Result<(), StoreError> {
    private::create_folder(state_dir).map_err(|cause| StoreError::Folder {
        path: state_dir.to_owned(),
        cause,
    })?;
    let path = state_dir.join(FILE);
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{what}"))
        .map_err(|cause| StoreError::Write { path, cause })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_told_stays_told() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap().join("state");
        assert!(!is_told(&state, "welcome"));
        tell(&state, "welcome").unwrap();
        assert!(is_told(&state, "welcome") && !is_told(&state, "welcome, all"));
        tell(&state, "more").unwrap();
        assert!(is_told(&state, "welcome") && is_told(&state, "more"));
    }
}
