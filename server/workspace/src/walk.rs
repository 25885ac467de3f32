//! Walking all of a workspace, however large it is.

use std::ops::ControlFlow;
use std::time::UNIX_EPOCH;

use camino::{Utf8Path, Utf8PathBuf};

use crate::listing;
use crate::read::read;
use crate::roots::Purpose;
use crate::snapshot::{FileText, WorkspaceSnapshot};
use crate::{PathError, ReadError};

/// A file as a walk meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkedFile {
    /// What it is called in the workspace.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// When it was changed last, in nanoseconds since 1970.
    pub modified: i64,
}

impl WorkspaceSnapshot {
    /// Shows `each` the regular files on disk that may be read, until it says that this is enough: without
    /// those that version control ignores and hidden ones. Links are not followed, so that none is met
    /// twice. Asks the disk, and keeps nothing.
    pub fn walk(&self, mut each: impl FnMut(WalkedFile) -> ControlFlow<()>) {
        for folder in self.roots() {
            for entry in listing::walk(folder, listing::MAX_DEPTH).filter_map(Result::ok) {
                if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                    continue;
                }
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                let Ok(path) = Utf8PathBuf::from_path_buf(entry.into_path()) else {
                    continue;
                };
                let Ok(located) = self.at(&path, Purpose::Read) else {
                    continue;
                };
                let file = WalkedFile {
                    name: located.name,
                    size: metadata.len(),
                    modified: modified(&metadata),
                };
                if each(file).is_break() {
                    return;
                }
            }
        }
    }

    /// A file as a walk would meet it now; `None` when it would not. Asks the disk.
    pub fn walked(&self, name: &str) -> Option<WalkedFile> {
        let located = self.to_read(name).ok()?;
        let folders = self.roots().iter();
        let folder = folders.filter(|folder| located.path.starts_with(folder));
        let folder = folder.max_by_key(|folder| folder.components().count())?;
        let way = located.path.clone();
        let mut walk = listing::builder(folder, listing::MAX_DEPTH);
        // Only the folders on the way are looked into.
        walk.filter_entry(move |entry| way.as_std_path().starts_with(entry.path()));
        let met = walk.build().filter_map(Result::ok).find(|entry| {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            is_file && entry.path() == located.path
        });
        let metadata = met?.metadata().ok()?;
        Some(WalkedFile {
            name: located.name,
            size: metadata.len(),
            modified: modified(&metadata),
        })
    }

    /// The text of a file as it is on disk now, if it has no more than `limit` bytes: for who goes through
    /// many, because nothing is kept. Asks the disk.
    pub fn read_from_disk(&self, name: &str, limit: u64) -> Result<FileText, ReadError> {
        let located = self.to_read(name)?;
        let real = self.follow(&located.path, Purpose::Read)?;
        Ok(FileText {
            text: read(&real, &located.name, limit)?.into(),
            name: located.name,
            version: None,
        })
    }

    /// What the file at an absolute path is called in the workspace, if it may be read.
    pub fn name_at(&self, path: &Utf8Path) -> Result<String, PathError> {
        self.at(path, Purpose::Read).map(|located| located.name)
    }
}

/// Lets every other thread of the machine go first, for the rest of the life of the calling one. Where the
/// system cannot do so for a thread alone, nothing happens.
pub fn give_way() {
    /// As far behind as `nice` puts a command that nobody waits for.
    #[cfg(target_os = "linux")]
    const BEHIND: i32 = 10;
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, BEHIND) {
        tracing::debug!(%error, "a thread of the background runs like any other");
    }
}

fn modified(metadata: &std::fs::Metadata) -> i64 {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
