//! The places of copies: each is one job's at a time, and those that nobody has used for long are removed.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::{TrialError, failed, remove_folder};

/// Copies of one folder that are in use at a time.
pub(super) const MOST_AT_ONCE: u32 = 4;
/// Copies of all folders that are kept.
const MOST_KEPT: usize = 12;
/// A copy that nobody has used for so long is removed.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// Letters of the name of a place that tell folders apart.
const KEY: usize = 16;

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    /// The folder that a copy lies in.
    pub(super) place: Utf8PathBuf,
    /// Locked by whoever runs something in the copy, as long as anything of that is alive.
    pub(super) running: Utf8PathBuf,
    _lock: File,
}

/// Takes a place for a copy of `root` that nobody uses, or a new one.
pub(super) fn take(root: &Utf8Path, trials: &Utf8Path) -> Result<Slot, TrialError> {
    let hash = blake3::hash(root.as_str().as_bytes()).to_hex();
    let key = hash.get(..KEY).unwrap_or_default();
    for number in 0..MOST_AT_ONCE {
        let taken = taken(trials.join(format!("{key}-{number}")))?;
        if let Some(slot) = taken {
            return Ok(slot);
        }
    }
    let folder = root.to_owned();
    Err(TrialError::InUse { folder })
}

/// Takes this very place. `None` where it is somebody's, or what was run there last is not dead yet.
fn taken(place: Utf8PathBuf) -> Result<Option<Slot>, TrialError> {
    let lock = place.with_extension("lock");
    let Some(lock) = locked(&lock).map_err(failed(&lock))? else {
        return Ok(None);
    };
    let running = place.with_extension("running");
    let is_free = locked(&running).map_err(failed(&running))?.is_some();
    Ok(is_free.then_some(Slot {
        place,
        running,
        _lock: lock,
    }))
}

/// The lock at a path; `None` where somebody has it.
fn locked(path: &Utf8Path) -> io::Result<Option<File>> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

/// Removes the copies below `trials` that nobody has used for a week, and of more than twelve those that were
/// not used for longest. What is in use stays, and so does what cannot be removed. Asks the disk, and writes
/// there: for the start of a server.
pub fn forget_old_trials(trials: &Utf8Path) {
    let Ok(entries) = trials.read_dir_utf8() else {
        return;
    };
    let mut copies: Vec<(SystemTime, Utf8PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension() == Some("lock"))
        .filter_map(|entry| {
            let used = entry.metadata().and_then(|it| it.modified()).ok()?;
            let place = entry.path().with_extension("");
            place.exists().then_some((used, place))
        })
        .collect();
    copies.sort();
    let now = SystemTime::now();
    // The one that was used last comes first.
    for (rank, (used, place)) in copies.into_iter().rev().enumerate() {
        let is_new = now.duration_since(used).is_ok_and(|since| since < KEPT) || used > now;
        if is_new && rank < MOST_KEPT {
            continue;
        }
        if let Err(error) = forget(&place) {
            tracing::info!(%error, "an old copy of a workspace could not be removed");
        }
    }
}

/// Removes the copy at a place, if it is nobody's. The locks stay: somebody may be about to take them.
fn forget(place: &Utf8Path) -> io::Result<()> {
    // Opened so that it does not count as used.
    let lock = File::open(place.with_extension("lock"))?;
    if lock.try_lock().is_ok() && locked(&place.with_extension("running"))?.is_some() {
        remove_folder(place)?;
    }
    Ok(())
}

/// Makes a folder, and those above it where they are missing, that nobody else may look into.
pub(super) fn make_private(folder: &Utf8Path) -> Result<(), TrialError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed(folder))?;
    // It may have been there.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let only_mine = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, only_mine).map_err(failed(folder))?;
    }
    Ok(())
}
