//! Copies of a workspace's folder, in which tests can run before anything has landed.
//!
//! A copy lies in a folder of our own, never in the workspace. It holds what the snapshot shows: the files
//! that version control does not ignore, with the texts of open documents in their places. Folders of
//! installed packages, which are ignored, are linked and not copied. What a build writes stays in the copy,
//! so that the next one of the same folder need not begin anew.

mod slot;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use ropey::Rope;

use self::slot::{MOST_AT_ONCE, Slot, make_private};
use crate::listing;
use crate::snapshot::WorkspaceSnapshot;

pub use self::slot::forget_old_trials;

/// Files of a folder that is copied, and bytes of all of them.
const MOST_FILES: usize = 50_000;
const MOST_BYTES: u64 = 256 << 20;
/// Installed packages: ignored by version control, and needed by what is run.
const INSTALLED: [&str; 4] = ["node_modules", ".venv", "venv", "vendor"];
/// Folders that builds write; they stay in a copy, unless version control keeps something in them.
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

/// A copy of a folder of the workspace. Nobody else uses it until this is dropped, and until nothing runs in it
/// any more.
#[derive(Debug)]
pub struct Trial {
    folder: Utf8PathBuf,
    installed: Vec<Utf8PathBuf>,
    slot: Slot,
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

    /// The file that is to be locked as long as anything that was started in the copy is alive. Where that
    /// outlives this, the copy stays in use.
    pub fn running(&self) -> &Utf8Path {
        &self.slot.running
    }
}

/// What a file of the copy is to hold.
enum Content {
    OnDisk(Utf8PathBuf),
    Open(Rope),
}

/// What a copy is to hold. Paths are relative to the folder that is copied.
struct Contents<'a> {
    /// The folder that is copied.
    root: &'a Utf8Path,
    files: BTreeMap<Utf8PathBuf, Content>,
    /// Those of the files that version control keeps, or would.
    sources: BTreeSet<Utf8PathBuf>,
    /// Folders of installed packages.
    links: BTreeSet<Utf8PathBuf>,
}

impl WorkspaceSnapshot {
    /// Copies the folder `root` of the workspace, as this snapshot shows it, to a place below `trials`.
    /// Asks the disk, and writes there. A file that cannot be read is left out.
    ///
    /// # Errors
    /// When the folder is too large, when too many copies of it are in use, and when the disk refuses.
    pub fn copy_for_trial(&self, root: &Utf8Path, trials: &Utf8Path) -> Result<Trial, TrialError> {
        let mut contents = Contents::on_disk(root)?;
        for (name, document) in self.open_documents() {
            // Where its file really is: a link leads elsewhere.
            let Ok(located) = self.resolve(&name) else {
                continue;
            };
            if let Ok(path) = located.path.strip_prefix(root) {
                contents.open(path, &document.text);
            }
        }
        make_private(trials)?;
        let slot = slot::take(root, trials)?;
        make_private(&slot.place)?;
        forget_old_trials(trials);
        // Some tools call a project by its folder.
        let folder = slot.place.join(root.file_name().unwrap_or("workspace"));
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        contents.remove_others(&folder, Utf8Path::new(""))?;
        for (path, content) in &contents.files {
            put(&folder, path, content, &root.join(path))?;
        }
        let mut installed = Vec::new();
        for link in contents.links {
            let real = root.join(&link);
            if linked(&real, &folder.join(&link)).is_ok() {
                installed.push(real);
            }
        }
        Ok(Trial {
            folder,
            installed,
            slot,
        })
    }
}

fn failed(path: &Utf8Path) -> impl FnOnce(io::Error) -> TrialError {
    let path = path.to_owned();
    |cause| TrialError::Disk { path, cause }
}

impl<'a> Contents<'a> {
    /// The files below a folder that version control does not ignore, hidden ones too, and the folders of
    /// installed packages. Links are left out: what they lead to may be anywhere.
    fn on_disk(root: &'a Utf8Path) -> Result<Self, TrialError> {
        let mut files = BTreeMap::new();
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
                links.extend(
                    installed.filter(|it| own_kind(root, it).is_some_and(|it| it.is_dir())),
                );
                // Some projects ignore it, and build other versions without it.
                let lock = relative.join("Cargo.lock");
                if own_kind(root, &lock).is_some_and(|it| it.is_file()) {
                    let path = root.join(&lock);
                    files.insert(lock, Content::OnDisk(path));
                }
            } else if kind.is_some_and(|kind| kind.is_file()) {
                bytes += size;
                if files.len() >= MOST_FILES || bytes > MOST_BYTES {
                    let folder = root.to_owned();
                    return Err(TrialError::TooLarge { folder });
                }
                files.insert(relative.to_owned(), Content::OnDisk(path));
            }
        }
        let sources: BTreeSet<Utf8PathBuf> = files.keys().cloned().collect();
        // What version control keeps is copied.
        links.retain(|link| !is_in(sources.range(link.clone()..).next(), link));
        Ok(Self {
            root,
            files,
            sources,
            links,
        })
    }

    /// Puts the text of a document in the place of its file. What lies in a folder of installed packages is
    /// there as it is installed.
    fn open(&mut self, path: &Utf8Path, text: &Rope) {
        if !path.ancestors().any(|it| self.links.contains(it)) {
            let text = Content::Open(text.clone());
            self.files.insert(path.to_owned(), text);
        }
    }

    /// Whether a link of the copy leads to the installed packages that it is to lead to.
    fn is_right(&self, relative: &Utf8Path, link: &Utf8Path) -> bool {
        let real = self.root.join(relative);
        fs::read_link(link).is_ok_and(|leads| leads == real.as_std_path())
    }

    /// Removes what is in a copy and is not wanted, but for what builds have written.
    fn remove_others(&self, folder: &Utf8Path, below: &Utf8Path) -> Result<(), TrialError> {
        let here = folder.join(below);
        make_writable(&here).map_err(failed(&here))?;
        for entry in here.read_dir_utf8().map_err(failed(&here))? {
            let entry = entry.map_err(failed(&here))?;
            let relative = below.join(entry.file_name());
            let kind = entry.file_type().map_err(failed(entry.path()))?;
            if kind.is_dir() {
                let source = self.sources.range(relative.clone()..).next();
                let is_built = OUTPUTS.contains(&entry.file_name()) && !is_in(source, &relative);
                let file = self.files.range(relative.clone()..).next();
                let link = self.links.range(relative.clone()..).next();
                let is_wanted =
                    is_in(file.map(|(path, _)| path), &relative) || is_in(link, &relative);
                let takes_a_place =
                    self.files.contains_key(&relative) || self.links.contains(&relative);
                if takes_a_place || !(is_built || is_wanted) {
                    remove_folder(entry.path()).map_err(failed(entry.path()))?;
                } else if !is_built {
                    self.remove_others(folder, &relative)?;
                }
            } else {
                let is_right = if self.links.contains(&relative) {
                    self.is_right(&relative, entry.path())
                } else {
                    kind.is_file() && self.files.contains_key(&relative)
                };
                if !is_right {
                    fs::remove_file(entry.path()).map_err(failed(entry.path()))?;
                }
            }
        }
        Ok(())
    }
}

/// Whether the first of sorted paths that is not before a folder is the folder's own, or below it.
fn is_in(first: Option<&Utf8PathBuf>, folder: &Utf8Path) -> bool {
    first.is_some_and(|path| path.starts_with(folder))
}

/// What stands at a place itself: a link is none of what it leads to.
fn own_kind(root: &Utf8Path, relative: &Utf8Path) -> Option<fs::FileType> {
    let found = root.join(relative).symlink_metadata().ok()?;
    Some(found.file_type())
}

/// Gives the owner of a folder back what something that ran there may have taken.
fn make_writable(folder: &Utf8Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = folder.symlink_metadata()?.permissions().mode();
        if mode & 0o700 != 0o700 {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode | 0o700))?;
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Removes a folder with all that is in it, read-only folders too.
fn remove_folder(folder: &Utf8Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        done => return done,
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        make_writable(&folder)?;
        for entry in folder.read_dir_utf8()?.filter_map(Result::ok) {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.into_path());
            }
        }
    }
    fs::remove_dir_all(folder)
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
    // What was run here may have left links in the folders that it writes, or files in their places. From
    // above, so that none is followed on the way to the next.
    let mut above: Vec<&Utf8Path> = relative.ancestors().skip(1).collect();
    above.reverse();
    for part in above {
        let kind = own_kind(folder, part);
        if kind.is_some_and(|kind| !kind.is_dir()) {
            let part = folder.join(part);
            fs::remove_file(&part).map_err(failed(&part))?;
        }
    }
    let wanted = match content {
        Content::OnDisk(from) => fs::read(from).ok(),
        Content::Open(text) => Some(text.chunks().flat_map(str::bytes).collect()),
    };
    if wanted.as_ref().is_some_and(|wanted| holds(path, wanted)) {
        return Ok(());
    }
    // What stands there may be one that cannot be written, or another name of a file elsewhere.
    match own_kind(folder, relative) {
        Some(kind) if kind.is_dir() => remove_folder(path).map_err(failed(path))?,
        Some(_) => fs::remove_file(path).map_err(failed(path))?,
        None => {}
    }
    let Some(wanted) = wanted else {
        // It went in this moment, or may not be read: the rest may do without.
        tracing::info!(%original, "a file that cannot be read is left out of a copy");
        return Ok(());
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    fs::write(path, wanted).map_err(failed(path))?;
    // A script may be run.
    if let Ok(metadata) = fs::metadata(original) {
        fs::set_permissions(path, metadata.permissions()).map_err(failed(path))?;
    }
    Ok(())
}

/// Whether a place of the copy is a file with these bytes. Anything else there may be, or may have grown to, is
/// not opened.
fn holds(path: &Utf8Path, wanted: &[u8]) -> bool {
    let is_as_long = path.symlink_metadata().is_ok_and(|it| {
        it.is_file() && u64::try_from(wanted.len()).is_ok_and(|wanted| it.len() == wanted)
    });
    is_as_long && fs::read(path).is_ok_and(|now| now == wanted)
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
    // Nothing runs in a copy where there is no sandbox.
    #[cfg(not(unix))]
    return Err(io::ErrorKind::Unsupported.into());
}

#[cfg(test)]
mod tests;
