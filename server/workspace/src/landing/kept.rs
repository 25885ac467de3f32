//! Texts that found no place when a landing was recovered: kept for a while, and not without bounds.

use std::time::{Duration, SystemTime};

use camino::{Utf8DirEntry, Utf8Path, Utf8PathBuf};

use super::disk::Disk;

/// The folder of these texts, in the state folder.
pub(super) const FOLDER: &str = "kept";
/// How the names of our files begin. What is called otherwise is not ours and is left alone.
pub(super) const PREFIX: &str = "pleach-";

/// How many texts are kept, and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The longest time since a text was kept.
    age: Duration,
    /// The most bytes of all; the oldest go first.
    bytes: u64,
}

impl Default for Bounds {
    /// 90 days, 64 MiB: as long as the history.
    fn default() -> Self {
        Self {
            age: Duration::from_hours(90 * 24),
            bytes: 64 << 20,
        }
    }
}

struct Text {
    path: Utf8PathBuf,
    since: SystemTime,
    bytes: u64,
}

/// Removes what is too old or too much. What cannot be removed stays, and is tried again.
pub(super) fn prune(state: &Utf8Path, disk: &Disk, bounds: Bounds, now: SystemTime) {
    let Ok(entries) = state.join(FOLDER).read_dir_utf8() else {
        return;
    };
    let mut texts: Vec<Text> = entries.filter_map(Result::ok).filter_map(text_of).collect();
    texts.sort_by(|one, other| (other.since, &other.path).cmp(&(one.since, &one.path)));
    let mut bytes = 0;
    for text in texts {
        bytes += text.bytes;
        let is_old = now
            .duration_since(text.since)
            .is_ok_and(|age| age > bounds.age);
        if (is_old || bytes > bounds.bytes)
            && let Err(error) = disk.remove_own(&text.path)
        {
            tracing::debug!(path = %text.path, %error, "a kept text stays");
        }
    }
}

fn text_of(entry: Utf8DirEntry) -> Option<Text> {
    let found = entry.metadata().ok()?;
    let is_ours = found.is_file() && entry.file_name().starts_with(PREFIX);
    is_ours.then_some(())?;
    Some(Text {
        since: found.modified().ok()?,
        bytes: found.len(),
        path: entry.into_path(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn the_oldest_go_and_what_is_not_ours_stays() {
        let guard = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(guard.path()).unwrap();
        let folder = state.join(FOLDER);
        fs::create_dir(&folder).unwrap();
        let now = SystemTime::now();
        for (name, days) in [
            ("pleach-1-a", 3),
            ("pleach-2-b", 2),
            ("pleach-3-c", 1),
            ("mine", 99),
        ] {
            fs::write(folder.join(name), "four").unwrap();
            let file = File::options().write(true).open(folder.join(name)).unwrap();
            file.set_modified(now - Duration::from_hours(days * 24))
                .unwrap();
        }
        let left = |bounds: Bounds| -> Vec<String> {
            prune(state, &Disk::default(), bounds, now);
            let entries = folder.read_dir_utf8().unwrap();
            let mut names: Vec<String> = entries
                .map(|it| it.unwrap().file_name().to_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(left(Bounds::default()).len(), 4);
        let old = Bounds {
            age: Duration::from_hours(60),
            ..Bounds::default()
        };
        assert_eq!(left(old), ["mine", "pleach-2-b", "pleach-3-c"]);
        let large = Bounds {
            bytes: 7,
            ..Bounds::default()
        };
        assert_eq!(left(large), ["mine", "pleach-3-c"]);
    }
}
