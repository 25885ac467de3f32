//! Copies of a workspace's folder, in which tests can run before anything has landed.
//!
//! A copy lies in a folder of our own, never in the workspace. It holds what the snapshot shows: the files
//! that version control does not ignore, with the texts of open documents in their places. Folders of
//! installed packages, which are ignored, are linked and not copied. What a build writes stays in the copy,
//! so that the next one of the same folder need not begin anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use ropey::Rope;

use crate::listing;
use crate::snapshot::WorkspaceSnapshot;

/// Files of a folder that is copied, and bytes of all of them.
const MOST_FILES: usize = 50_000;
const MOST_BYTES: u64 = 256 << 20;
/// Copies of one folder that are in use at a time.
const MOST_AT_ONCE: u32 = 4;
/// A copy that nobody has used for so long is removed.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// Installed packages: ignored by version control, and needed by what is run.
const INSTALLED: [&str; 4] = ["node_modules", ".venv", "venv", "vendor"];
/// What builds write at the top of a project; it stays in a copy.
const OUTPUTS: [&str; 10] = [
    "target",
    "build",
    "dist",
    "out",
    "coverage",
    ".pytest_cache",
    ".mypy_cache",
    ".tox",
    ".gradle",
    "zig-out",
];

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// It would be too large.
    #[error(
        "`{folder}` has more than {MOST_FILES} files or {} MiB that are not ignored, too much to be copied",
        MOST_BYTES >> 20
    )]
    TooLarge {
        /// The folder.
        folder: Utf8PathBuf,
    },
    /// All that may be in use are.
    #[error("{MOST_AT_ONCE} copies of `{folder}` are in use already")]
    InUse {
        /// The folder.
        folder: Utf8PathBuf,
    },
    /// The disk does not do it.
    #[error("`{path}` could not be copied: {cause}")]
    Disk {
        /// What was being copied.
        path: Utf8PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// A copy of a folder of the workspace. Nobody else uses it until this is dropped.
#[derive(Debug)]
pub struct Trial {
    folder: Utf8PathBuf,
    installed: Vec<Utf8PathBuf>,
    /// Locked as long as it is open.
    _slot: File,
}

impl Trial {
    /// The copy, absolute.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The folders of installed packages that it has links to.
    pub fn installed(&self) -> &[Utf8PathBuf] {
        &self.installed
    }
}

/// What a file of the copy is to hold.
enum Content {
    OnDisk(Utf8PathBuf),
    Open(Rope),
}

impl WorkspaceSnapshot {
    /// Copies the folder `root` of the workspace, as this snapshot shows it, to a place below `trials`.
    /// Asks the disk, and writes there.
    ///
    /// # Errors
    /// When the folder is too large, when too many copies of it are in use, and when the disk refuses.
    pub fn copy_for_trial(&self, root: &Utf8Path, trials: &Utf8Path) -> Result<Trial, TrialError> {
        let (mut wanted, links) = on_disk(root)?;
        for (name, document) in self.open_documents() {
            // Where its file really is: a link leads elsewhere.
            let Ok(located) = self.resolve(&name) else {
                continue;
            };
            if let Ok(path) = located.path.strip_prefix(root) {
                wanted.insert(path.to_owned(), Content::Open(document.text.clone()));
            }
        }
        make_private(trials)?;
        forget_old(trials);
        let (slot, place) = free_slot(root, trials)?;
        // Some tools call a project by its folder.
        let folder = place.join(root.file_name().unwrap_or("workspace"));
        make_private(&place)?;
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        remove_others(&folder, Utf8Path::new(""), &wanted, &links)?;
        for (path, content) in &wanted {
            put(&folder, path, content, &root.join(path))?;
        }
        let mut installed = Vec::new();
        for link in links {
            let real = root.join(&link);
            if linked(&real, &folder.join(&link)).is_ok() {
                installed.push(real);
            }
        }
        Ok(Trial {
            folder,
            installed,
            _slot: slot,
        })
    }
}

fn failed(path: &Utf8Path) -> impl FnOnce(io::Error) -> TrialError {
    let path = path.to_owned();
    |cause| TrialError::Disk { path, cause }
}

type Wanted = BTreeMap<Utf8PathBuf, Content>;

/// The files below a folder that version control does not ignore, hidden ones too, and the folders of
/// installed packages. Links are left out: what they lead to may be anywhere.
fn on_disk(root: &Utf8Path) -> Result<(Wanted, BTreeSet<Utf8PathBuf>), TrialError> {
    let mut wanted = BTreeMap::new();
    let mut links = BTreeSet::new();
    let mut bytes = 0;
    let walk = listing::builder(root, listing::MAX_DEPTH)
        .hidden(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    for entry in walk.filter_map(Result::ok) {
        let kind = entry.file_type();
        let size = entry.metadata().map_or(0, |it| it.len());
        let Ok(path) = Utf8PathBuf::from_path_buf(entry.into_path()) else {
            continue;
        };
        let Ok(relative) = path.strip_prefix(root) else {
            continue;
        };
        if kind.is_some_and(|kind| kind.is_dir()) {
            let installed = INSTALLED.iter().map(|name| relative.join(name));
            links.extend(installed.filter(|it| own_kind(root, it).is_some_and(|it| it.is_dir())));
            // Some projects ignore it, and build other versions without it.
            let lock = relative.join("Cargo.lock");
            if own_kind(root, &lock).is_some_and(|it| it.is_file()) {
                let path = root.join(&lock);
                wanted.insert(lock, Content::OnDisk(path));
            }
        } else if kind.is_some_and(|kind| kind.is_file()) {
            bytes += size;
            if wanted.len() >= MOST_FILES || bytes > MOST_BYTES {
                let folder = root.to_owned();
                return Err(TrialError::TooLarge { folder });
            }
            wanted.insert(relative.to_owned(), Content::OnDisk(path));
        }
    }
    // What version control keeps is copied.
    links.retain(|link| !wanted.keys().any(|path| path.starts_with(link)));
    Ok((wanted, links))
}

/// What stands at a place itself: a link is none of what it leads to.
fn own_kind(root: &Utf8Path, relative: &Utf8Path) -> Option<fs::FileType> {
    let found = root.join(relative).symlink_metadata().ok()?;
    Some(found.file_type())
}

fn make_private(folder: &Utf8Path) -> Result<(), TrialError> {
    fs::create_dir_all(folder).map_err(failed(folder))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let only_mine = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, only_mine).map_err(failed(folder))?;
    }
    Ok(())
}

/// Takes a copy that nobody uses, or a new one.
fn free_slot(root: &Utf8Path, trials: &Utf8Path) -> Result<(File, Utf8PathBuf), TrialError> {
    let mut hasher = DefaultHasher::new();
    root.as_str().hash(&mut hasher);
    let key = hasher.finish();
    for number in 0..MOST_AT_ONCE {
        let place = trials.join(format!("{key:016x}-{number}"));
        let lock = place.with_extension("lock");
        let slot = File::create(&lock).map_err(failed(&lock))?;
        match slot.try_lock() {
            Ok(()) => return Ok((slot, place)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) => return Err(failed(&lock)(cause)),
        }
    }
    let folder = root.to_owned();
    Err(TrialError::InUse { folder })
}

/// Removes the copies that nobody has used for long. What cannot be removed stays.
fn forget_old(trials: &Utf8Path) {
    let Ok(entries) = trials.read_dir_utf8() else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let lock = entry.path();
        if lock.extension() != Some("lock") {
            continue;
        }
        let used = entry.metadata().and_then(|it| it.modified()).ok();
        let since = used.and_then(|used| SystemTime::now().duration_since(used).ok());
        if since.is_none_or(|since| since < KEPT) {
            continue;
        }
        let Ok(slot) = File::open(lock) else {
            continue;
        };
        // The lock stays: somebody may be about to take it.
        let place = lock.with_extension("");
        if place.exists()
            && slot.try_lock().is_ok()
            && let Err(error) = fs::remove_dir_all(&place)
        {
            tracing::info!(%error, "an old copy of a workspace could not be removed");
        }
    }
}

/// Removes what is in a copy and is not wanted, but for what builds have written.
fn remove_others(
    folder: &Utf8Path,
    below: &Utf8Path,
    wanted: &Wanted,
    links: &BTreeSet<Utf8PathBuf>,
) -> Result<(), TrialError> {
    let here = folder.join(below);
    for entry in here.read_dir_utf8().map_err(failed(&here))? {
        let entry = entry.map_err(failed(&here))?;
        let relative = below.join(entry.file_name());
        if OUTPUTS.contains(&entry.file_name()) || links.contains(&relative) {
            continue;
        }
        let kind = entry.file_type().map_err(failed(entry.path()))?;
        if kind.is_dir() {
            let is_wanted = wanted
                .range(relative.clone()..)
                .next()
                .is_some_and(|(path, _)| path.starts_with(&relative))
                || links.iter().any(|link| link.starts_with(&relative));
            if is_wanted && !wanted.contains_key(&relative) {
                remove_others(folder, &relative, wanted, links)?;
            } else {
                fs::remove_dir_all(entry.path()).map_err(failed(entry.path()))?;
            }
        } else if !(kind.is_file() && wanted.contains_key(&relative)) {
            fs::remove_file(entry.path()).map_err(failed(entry.path()))?;
        }
    }
    Ok(())
}

/// Makes a file of the copy hold what it is to hold. One that does so already is not touched: tools that
/// build go by the time of the last change.
fn put(
    folder: &Utf8Path,
    relative: &Utf8Path,
    content: &Content,
    original: &Utf8Path,
) -> Result<(), TrialError> {
    let path = &folder.join(relative);
    // What was run here may have left links in the folders that it writes.
    for part in relative.ancestors() {
        let part = folder.join(part);
        if part != folder && part.is_symlink() {
            fs::remove_file(&part).map_err(failed(&part))?;
        }
    }
    let now = fs::read(path).ok();
    let wanted = match content {
        Content::OnDisk(from) => fs::read(from).map_err(failed(from))?,
        Content::Open(text) => text.chunks().flat_map(str::bytes).collect(),
    };
    if now.as_ref() == Some(&wanted) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    // What stands there may be one that cannot be written, or another name of a file elsewhere.
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path).map_err(failed(path))?;
    }
    fs::write(path, wanted).map_err(failed(path))?;
    // A script may be run.
    if let Ok(metadata) = fs::metadata(original) {
        fs::set_permissions(path, metadata.permissions()).map_err(failed(path))?;
    }
    Ok(())
}

/// A link to a folder of installed packages, which is there already or is made.
fn linked(real: &Utf8Path, link: &Utf8Path) -> io::Result<()> {
    if fs::read_link(link).is_ok_and(|leads| leads == real.as_std_path()) {
        return Ok(());
    }
    if let Some(folder) = link.parent() {
        fs::create_dir_all(folder)?;
    }
    #[cfg(unix)]
    return std::os::unix::fs::symlink(real, link);
    #[cfg(windows)]
    return std::os::windows::fs::symlink_dir(real, link);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use pleach_policy::PathRules;

    use super::*;
    use crate::snapshot::OpenDocument;

    #[test]
    fn a_copy_is_the_workspace_as_it_is_seen_and_the_next_one_keeps_what_was_built() {
        let folder = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let root = base.join("project");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(".gitignore", "node_modules\n*.log\n/target\n");
        write("src/lib.rs", "on disk\n");
        write("src/gone.rs", "gone soon\n");
        write("trace.log", "ignored\n");
        write(".git/config", "of version control\n");
        write(".cargo/config.toml", "hidden\n");
        write("node_modules/left/pad.js", "installed\n");
        write("target/debug/app", "built\n");
        let roots = [root.clone()];
        let disk = WorkspaceSnapshot::new(&roots, [], PathRules::default());
        let changed = disk.with_texts([
            ("src/lib.rs".to_owned(), Arc::from("proposed\n")),
            ("tests/new.rs".to_owned(), Arc::from("made\n")),
        ]);
        let trials = base.join("state/trials");
        let trial = changed.copy_for_trial(&root, &trials).unwrap();
        let copy = trial.folder().to_owned();
        let read = |path: &str| fs::read_to_string(copy.join(path)).ok();
        assert_eq!(read("src/lib.rs").as_deref(), Some("proposed\n"));
        assert_eq!(read("tests/new.rs").as_deref(), Some("made\n"));
        assert_eq!(read(".cargo/config.toml").as_deref(), Some("hidden\n"));
        for left in ["trace.log", ".git/config", "target/debug/app"] {
            assert_eq!(read(left), None, "{left}");
        }
        assert_eq!(
            fs::read_to_string(root.join("src/lib.rs")).unwrap(),
            "on disk\n"
        );
        #[cfg(unix)]
        {
            assert_eq!(
                read("node_modules/left/pad.js").as_deref(),
                Some("installed\n")
            );
            assert_eq!(trial.installed(), [root.join("node_modules")]);
        }

        // One that is in use is left alone.
        let other = disk.copy_for_trial(&root, &trials).unwrap();
        assert_ne!(other.folder(), copy);
        drop((trial, other));
        fs::create_dir_all(copy.join("target")).unwrap();
        fs::write(copy.join("target/made"), "by a build").unwrap();
        fs::write(copy.join("src/stray.rs"), "by a test").unwrap();
        fs::remove_file(root.join("src/gone.rs")).unwrap();
        let kept = fs::metadata(copy.join(".cargo/config.toml")).unwrap();
        let again = disk.copy_for_trial(&root, &trials).unwrap();
        assert_eq!(again.folder(), copy);
        assert_eq!(read("src/lib.rs").as_deref(), Some("on disk\n"));
        assert_eq!(read("target/made").as_deref(), Some("by a build"));
        for gone in ["src/stray.rs", "src/gone.rs", "tests/new.rs"] {
            assert_eq!(read(gone), None, "{gone}");
        }
        let now = fs::metadata(copy.join(".cargo/config.toml")).unwrap();
        assert_eq!(now.modified().unwrap(), kept.modified().unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_a_copy_nowhere() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let root = base.join("project");
        let secrets = base.join("secrets");
        fs::create_dir_all(&secrets).unwrap();
        fs::create_dir_all(&root).unwrap();
        fs::write(secrets.join("key"), "a key\n").unwrap();
        for name in INSTALLED {
            symlink(&secrets, root.join(name)).unwrap();
        }
        symlink(secrets.join("key"), root.join("Cargo.lock")).unwrap();
        let roots = [root.clone()];
        let workspace = WorkspaceSnapshot::new(&roots, [], PathRules::default());
        let trial = workspace
            .copy_for_trial(&root, &base.join("trials"))
            .unwrap();
        assert!(trial.installed().is_empty());
        let copied = fs::read_dir(trial.folder()).unwrap();
        assert_eq!(copied.count(), 0);
    }

    #[test]
    fn texts_stand_for_files_and_for_documents_that_are_none_yet() {
        let untitled = OpenDocument {
            uri: "untitled:Untitled-1".into(),
            path: None,
            text: "a\n".into(),
            language: None,
            version: 3,
        };
        let roots = ["/project".into()];
        let before = WorkspaceSnapshot::new(&roots, [untitled], PathRules::default());
        let name = before.name_of("untitled:Untitled-1").unwrap();
        let texts = [(name.as_str(), "b\n"), ("src/new.rs", "c\n")];
        let texts = texts.map(|(name, text)| (name.to_owned(), Arc::from(text)));
        let after = before.with_texts(texts);
        let read = |workspace: &WorkspaceSnapshot, name: &str| {
            workspace.read_text(name).ok().map(|text| text.to_string())
        };
        assert_eq!(read(&after, &name).as_deref(), Some("b\n"));
        assert_eq!(read(&after, "src/new.rs").as_deref(), Some("c\n"));
        assert_eq!(read(&before, &name).as_deref(), Some("a\n"));
        assert_eq!(read(&before, "src/new.rs"), None);
    }

    /// What runs in a copy may write what it likes there, and the next copy is made by a program that nothing
    /// confines.
    #[cfg(unix)]
    #[test]
    fn what_a_test_leaves_in_a_copy_leads_nowhere() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let root = base.join("project");
        let files = ["src/a.rs", "build/sub/a.rs", "dist/a.rs", "out/a.rs"];
        let outside = base.join("outside");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("a.rs"), "mine").unwrap();
        for file in files {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "the project's").unwrap();
        }
        let roots = [root.clone()];
        let workspace = WorkspaceSnapshot::new(&roots, [], PathRules::default());
        let trials = base.join("trials");
        let trial = workspace.copy_for_trial(&root, &trials).unwrap();
        let copy = trial.folder().to_owned();
        drop(trial);
        // A folder among the sources, one that a build writes, one below it, and a second name of a file.
        for place in ["src", "build/sub", "dist"] {
            fs::remove_dir_all(copy.join(place)).unwrap();
            symlink(&outside, copy.join(place)).unwrap();
        }
        fs::remove_file(copy.join("out/a.rs")).unwrap();
        fs::hard_link(outside.join("a.rs"), copy.join("out/a.rs")).unwrap();
        let trial = workspace.copy_for_trial(&root, &trials).unwrap();
        assert_eq!(trial.folder(), copy);
        assert_eq!(fs::read_to_string(outside.join("a.rs")).unwrap(), "mine");
        for file in files {
            let there = copy.join(file);
            assert_eq!(fs::read_to_string(&there).unwrap(), "the project's");
            assert!(
                there.canonicalize_utf8().unwrap().starts_with(&copy),
                "{there}"
            );
        }
        let kept: Vec<_> = outside.read_dir_utf8().unwrap().collect();
        assert_eq!(kept.len(), 1);
    }
}
