//! The operations on files that a landing is made of, each of which a test can refuse or stop at.
//!
//! On Unix every operation walks from the workspace folder to the file's folder by handles and follows
//! no link, so that a link that is put in the way after the paths were checked leads nowhere.

#[cfg(not(unix))]
#[path = "disk/portable.rs"]
mod system;
#[cfg(unix)]
#[path = "disk/unix.rs"]
mod system;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::read::MAX_FILE_BYTES;

/// Texts are written in pieces of this size.
const PIECE: usize = 64 * 1024;

/// One operation on the disk, as a [`Watch`] is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Ask whether there is something, and what.
    Look,
    /// Read a file.
    Read,
    /// Make a folder.
    MakeFolder,
    /// Remove an empty folder.
    RemoveFolder,
    /// Make a new file.
    Create,
    /// Write a piece of a new file.
    Write,
    /// Give a new file the owner, the attributes and the permissions of another.
    Attributes,
    /// Have a file's content reach the medium.
    Sync,
    /// Let two files change their names.
    Exchange,
    /// Rename to a name that is free.
    Move,
    /// Rename over another file.
    Replace,
    /// Give a file a second name.
    Link,
    /// Remove a file.
    Remove,
    /// Have the names in a folder reach the medium.
    SyncFolder,
}

/// Is told of each operation on the disk before it is done; an error is what the operation then fails
/// with. For tests: it stands for a full disk, a refusal, a system without an operation
/// ([`ErrorKind::Unsupported`]), or the end of the process.
pub type Watch = dyn Fn(Operation, &Utf8Path) -> io::Result<()> + Send + Sync;

/// A file by the workspace folder that holds it and the way from there, both without links.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) folder: Utf8PathBuf,
    pub(crate) path: Utf8PathBuf,
}

impl Place {
    pub(crate) fn absolute(&self) -> Utf8PathBuf {
        if self.path.as_str().is_empty() {
            return self.folder.clone();
        }
        self.folder.join(&self.path)
    }

    /// Another name in the same folder.
    pub(crate) fn beside(&self, name: &str) -> Self {
        Self {
            folder: self.folder.clone(),
            path: self.path.with_file_name(name),
        }
    }

    /// The folder that it lies in; that of the workspace has an empty path.
    pub(crate) fn parent(&self) -> Self {
        let path = self.path.parent().unwrap_or(Utf8Path::new(""));
        Self {
            folder: self.folder.clone(),
            path: path.to_owned(),
        }
    }

    fn name(&self) -> io::Result<&str> {
        self.path
            .file_name()
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the path names no file"))
    }
}

/// Which file it is, whatever its names: device and number. `None` where the system does not say.
pub(crate) type FileId = Option<(u64, u64)>;

/// What there is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Missing,
    File {
        id: FileId,
        links: u64,
    },
    /// A folder, a link, a device.
    Other,
}

/// A file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Missing,
    Bytes(Vec<u8>),
    /// Not a regular file, or larger than Pleach works on.
    Other,
}

/// What a new file could not be given of the one it takes after.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "nothing is lost there"))]
pub(crate) enum Lost {
    Owner,
    Attribute(String),
}

/// The disk, under the eyes of a watch.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    watch: Option<Arc<Watch>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = self.watch.is_some();
        f.debug_struct("Disk").field("watched", &watched).finish()
    }
}

impl Disk {
    pub(crate) fn watched(watch: Arc<Watch>) -> Self {
        Self { watch: Some(watch) }
    }

    fn step(&self, operation: Operation, path: &Utf8Path) -> io::Result<()> {
        match &self.watch {
            Some(watch) => watch(operation, path),
            None => Ok(()),
        }
    }

    fn at(&self, operation: Operation, place: &Place) -> io::Result<()> {
        match &self.watch {
            Some(watch) => watch(operation, &place.absolute()),
            None => Ok(()),
        }
    }

    pub(crate) fn look(&self, place: &Place) -> io::Result<Kind> {
        self.at(Operation::Look, place)?;
        missing_is(Kind::Missing, system::look(place))
    }

    pub(crate) fn read(&self, place: &Place) -> io::Result<Content> {
        self.at(Operation::Read, place)?;
        missing_is(Content::Missing, system::read(place, MAX_FILE_BYTES))
    }

    /// Whether this process may write to the file, by its permissions.
    pub(crate) fn is_writable(&self, place: &Place) -> io::Result<bool> {
        self.at(Operation::Look, place)?;
        system::is_writable(place)
    }

    pub(crate) fn make_folder(&self, place: &Place) -> io::Result<()> {
        self.at(Operation::MakeFolder, place)?;
        system::make_folder(place)
    }

    pub(crate) fn remove_folder(&self, place: &Place) -> io::Result<()> {
        self.at(Operation::RemoveFolder, place)?;
        system::remove_folder(place)
    }

    /// Writes a file that is not there yet, with the owner, attributes and permissions of `like`, and
    /// waits until it has reached the medium.
    pub(crate) fn write_new(
        &self,
        place: &Place,
        bytes: &[u8],
        like: Option<&Place>,
    ) -> io::Result<Vec<Lost>> {
        self.at(Operation::Create, place)?;
        let mut file = system::create(place, like.is_some())?;
        for piece in bytes.chunks(PIECE) {
            self.at(Operation::Write, place)?;
            file.write_all(piece)?;
        }
        let mut lost = Vec::new();
        if let Some(like) = like {
            self.at(Operation::Attributes, place)?;
            lost = system::copy_attributes(like, &file)?;
        }
        self.at(Operation::Sync, place)?;
        file.sync_all()?;
        Ok(lost)
    }

    /// Lets two files of one folder change their names, in one step where the system can.
    ///
    /// Where it cannot, `spare` is a third name for a moment; see [`Disk::mend_exchange`].
    pub(crate) fn exchange(&self, one: &Place, other: &Place, spare: &Place) -> io::Result<()> {
        let done = self
            .at(Operation::Exchange, one)
            .and_then(|()| system::exchange(one, other));
        match done {
            Err(error) if is_unknown_to_system(&error) => {
                if self.link(one, spare).is_err() {
                    // Not every file system has second names.
                    self.copy(one, spare)?;
                }
                self.replace(other, one)?;
                self.replace(spare, other)
            }
            done => done,
        }
    }

    /// Completes or takes back an exchange that was interrupted half-way on a system that has none.
    pub(crate) fn mend_exchange(&self, other: &Place, spare: &Place) -> io::Result<()> {
        if self.look(spare)? == Kind::Missing {
            return Ok(());
        }
        match self.look(other)? {
            Kind::Missing => self.replace(spare, other),
            _ => self.remove(spare),
        }
    }

    /// Renames to a name that must be free.
    ///
    /// On a system without such a rename both names exist for a moment.
    pub(crate) fn move_to_free(&self, from: &Place, to: &Place) -> io::Result<()> {
        let done = self
            .at(Operation::Move, from)
            .and_then(|()| system::move_to_free(from, to));
        match done {
            Err(error) if is_unknown_to_system(&error) => match self.link(from, to) {
                Ok(()) => self.remove(from),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
                Err(_) => match self.look(to)? {
                    Kind::Missing => self.replace(from, to),
                    _ => Err(ErrorKind::AlreadyExists.into()),
                },
            },
            done => done,
        }
    }

    pub(crate) fn link(&self, from: &Place, to: &Place) -> io::Result<()> {
        self.at(Operation::Link, to)?;
        system::link(from, to)
    }

    fn copy(&self, from: &Place, to: &Place) -> io::Result<()> {
        match self.read(from)? {
            Content::Bytes(bytes) => self.write_new(to, &bytes, Some(from)).map(drop),
            Content::Missing => Err(ErrorKind::NotFound.into()),
            Content::Other => Err(io::Error::other("it is not a regular file any more")),
        }
    }

    fn replace(&self, from: &Place, to: &Place) -> io::Result<()> {
        self.at(Operation::Replace, from)?;
        system::replace(from, to)
    }

    pub(crate) fn remove(&self, place: &Place) -> io::Result<()> {
        self.at(Operation::Remove, place)?;
        system::remove(place)
    }

    /// Removes a file if it is there.
    pub(crate) fn clear(&self, place: &Place) -> io::Result<()> {
        missing_is((), self.remove(place))
    }

    pub(crate) fn sync_folder(&self, place: &Place) -> io::Result<()> {
        self.at(Operation::SyncFolder, place)?;
        system::sync_folder(place)
    }
}

/// Files of Pleach's own, in its state folder.
impl Disk {
    /// Makes the folder and those above it, closed to others.
    pub(crate) fn make_own_folder(&self, path: &Utf8Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        self.step(Operation::MakeFolder, path)?;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        match path.parent() {
            Some(parent) => self.sync_own_folder(parent),
            None => Ok(()),
        }
    }

    /// Opens a new file that the user alone can read.
    pub(crate) fn create_own(&self, path: &Utf8Path) -> io::Result<File> {
        self.step(Operation::Create, path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }

    pub(crate) fn write_own(
        &self,
        path: &Utf8Path,
        mut file: &File,
        bytes: &[u8],
    ) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.step(Operation::Write, path)?;
            file.write_all(piece)?;
        }
        self.step(Operation::Sync, path)?;
        file.sync_all()
    }

    pub(crate) fn rename_own(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.step(Operation::Replace, from)?;
        fs::rename(from, to)
    }

    pub(crate) fn remove_own(&self, path: &Utf8Path) -> io::Result<()> {
        self.step(Operation::Remove, path)?;
        fs::remove_file(path)
    }

    pub(crate) fn sync_own_folder(&self, path: &Utf8Path) -> io::Result<()> {
        self.step(Operation::SyncFolder, path)?;
        // Elsewhere folders cannot be opened, and their names are written in order.
        if cfg!(unix) {
            File::open(path)?.sync_all()?;
        }
        Ok(())
    }
}

fn missing_is<T>(missing: T, result: io::Result<T>) -> io::Result<T> {
    match result {
        // The folder may have gone with the file, or a file be in its place.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(missing)
        }
        result => result,
    }
}

/// File systems say it in several ways: not implemented, not supported, invalid flags.
fn is_unknown_to_system(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::InvalidInput
    )
}
