//! Pages that are written to be looked at: diffs, lists.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use crate::answers::StoreError;
use crate::private;

const FOLDER: &str = "pages";
/// How long a page is left lying. What it shows can be had again.
const KEPT: Duration = Duration::from_hours(24);

/// Writes a page into a file of the state directory that only the user can read, and tells where it is.
/// A page of the same `name` gives way; the name has an ending, such as `history.md`. Pages of more than
/// a day ago are cleared away.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_page(
    state_dir: &Utf8Path,
    name: &str,
    text: &str,
    now: SystemTime,
) -> Result<Utf8PathBuf, StoreError> {
    let folder = state_dir.join(FOLDER);
    private::create_folder(&folder).map_err(|cause| StoreError::Folder {
        path: folder.clone(),
        cause,
    })?;
    clear(&folder, now);
    let path = folder.join(name);
    // Only a new file is never somebody else's link.
    let _there_was_none = std::fs::remove_file(&path);
    private::create_file(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|cause| StoreError::Write {
            path: path.clone(),
            cause,
        })?;
    Ok(path)
}

fn clear(folder: &Utf8Path, now: SystemTime) {
    let Ok(entries) = folder.read_dir_utf8() else {
        return;
    };
    for entry in entries.flatten() {
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let old = written.is_ok_and(|written| {
            now.duration_since(written)
                .is_ok_and(|passed| passed > KEPT)
        });
        if old {
            let _stays_until_next_time = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_page_is_written_anew_and_cleared_away_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let now = SystemTime::now();
        let path = write_page(state, "1.diff", "-a\n", now).unwrap();
        assert_eq!(write_page(state, "1.diff", "-b\n", now).unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "-b\n");
        let later = now + KEPT + Duration::from_mins(1);
        write_page(state, "2.diff", "-c\n", later).unwrap();
        assert!(!path.exists());
    }
}
