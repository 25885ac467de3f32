//! The journal: one file for each landing that runs, in the state folder.
//!
//! `NAME.plan` is a landing that may have to be taken back, `NAME.done` one whose files are all in place.
//! Renaming the one to the other is the moment that decides; it needs no room on the disk. While a
//! process is at it, it holds a lock on the file, which the system takes away when the process ends.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use super::disk::Disk;
use super::plan::{FORM, Plan};

/// The folder of the journal, in the state folder.
const FOLDER: &str = "landing";
/// How a plan is called until it is written to its end.
const NEW: &str = "new";
const RUNNING: &str = "plan";
const DONE: &str = "done";

/// Landings of this process, so that two at one moment have two names.
static LANDINGS: AtomicU32 = AtomicU32::new(0);

/// A landing that this process has begun, or has taken over from one that ended.
#[derive(Debug)]
pub(super) struct Entry {
    path: Utf8PathBuf,
    is_done: bool,
    /// Locked as long as it is open.
    file: File,
}

/// What is found of a landing whose process has ended.
pub(super) enum Left {
    /// It has to be finished or taken back.
    Landing(Entry, Plan),
    /// The journal cannot be read.
    Unreadable(Utf8PathBuf, String),
}

pub(super) fn folder(state: &Utf8Path) -> Utf8PathBuf {
    state.join(FOLDER)
}

/// A name that no other landing has.
pub(super) fn new_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map(|now| now.as_nanos()).unwrap_or_default();
    let number = LANDINGS.fetch_add(1, Ordering::Relaxed);
    format!("{nanos:x}-{:x}-{number:x}", process::id())
}

/// Writes the plan down, so that it outlives the process and the power.
pub(super) fn begin(state: &Utf8Path, disk: &Disk, plan: &Plan, id: &str) -> io::Result<Entry> {
    let folder = folder(state);
    disk.make_own_folder(&folder)?;
    let new = folder.join(format!("{id}.{NEW}"));
    let begun = write_down(disk, &folder, &new, plan);
    if begun.is_err() {
        // Nothing was touched yet.
        let _ = disk.remove_own(&new);
        let _ = disk.remove_own(&new.with_extension(RUNNING));
    }
    let file = begun?;
    Ok(Entry {
        path: new.with_extension(RUNNING),
        is_done: false,
        file,
    })
}

/// The lock is there before the name by which others know a landing, and that name before its first act.
fn write_down(disk: &Disk, folder: &Utf8Path, new: &Utf8Path, plan: &Plan) -> io::Result<File> {
    let file = disk.create_own(new)?;
    file.try_lock().map_err(io::Error::from)?;
    disk.write_own(new, &file, &serde_json::to_vec(plan)?)?;
    disk.rename_own(new, &new.with_extension(RUNNING))?;
    disk.sync_own_folder(folder)?;
    Ok(file)
}

impl Entry {
    /// Whether all files were in place.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Decides that the landing stays. After an error it is to be taken back, unless it
    /// [`is_done`](Entry::is_done): then only the medium did not confirm it.
    pub(super) fn decide(&mut self, disk: &Disk) -> io::Result<()> {
        let done = self.path.with_extension(DONE);
        disk.rename_own(&self.path, &done)?;
        let confirmed = done
            .parent()
            .map_or(Ok(()), |folder| disk.sync_own_folder(folder));
        if confirmed.is_err() && disk.rename_own(&done, &self.path).is_ok() {
            return confirmed;
        }
        self.path = done;
        self.is_done = true;
        confirmed
    }

    /// Ends the landing: nothing of it is left beside the files.
    pub(super) fn end(self, disk: &Disk) -> io::Result<()> {
        disk.remove_own(&self.path)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // Closing the file is not enough while a child process has it, which is about to be another
        // program.
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the journal stays locked until its file is closed");
        }
    }
}

/// The landings that nobody is at any more, the oldest first; those that `wanted` does not want are left
/// as they are.
pub(super) fn left_behind(
    state: &Utf8Path,
    disk: &Disk,
    wanted: impl Fn(&Plan) -> bool,
) -> io::Result<Vec<Left>> {
    let entries = match folder(state).read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut paths: Vec<Utf8PathBuf> = entries
        .filter_map(Result::ok)
        .map(camino::Utf8DirEntry::into_path)
        .filter(|path| matches!(path.extension(), Some(NEW | RUNNING | DONE)))
        .collect();
    paths.sort();
    let mut left = Vec::new();
    for path in paths {
        match open(&path, disk) {
            Ok(Some((entry, plan))) if wanted(&plan) => left.push(Left::Landing(entry, plan)),
            Ok(_) => {}
            Err(error) => left.push(Left::Unreadable(path, error.to_string())),
        }
    }
    Ok(left)
}

/// `None` when somebody is at it, or when nothing was begun.
fn open(path: &Utf8Path, disk: &Disk) -> io::Result<Option<(Entry, Plan)>> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // It may have ended, or been decided, between the two. Names are never used twice.
    if !path.exists() {
        return Ok(None);
    }
    if path.extension() == Some(NEW) {
        // Not written to its end, so nothing was touched.
        disk.remove_own(path)?;
        return Ok(None);
    }
    let plan: Plan = serde_json::from_slice(&std::fs::read(path)?)?;
    if plan.form != FORM {
        return Err(io::Error::other(
            "it was written by another version of Pleach",
        ));
    }
    let entry = Entry {
        is_done: path.extension() == Some(DONE),
        path: path.to_owned(),
        file,
    };
    Ok(Some((entry, plan)))
}
