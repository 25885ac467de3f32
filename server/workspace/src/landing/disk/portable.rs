//! By paths, for systems without handles on folders. Links in the way are asked for before each
//! operation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};

use camino::Utf8PathBuf;

use super::{Content, Kind, Lost, Place};

/// The path, if no part of the way below the workspace folder is a link.
fn checked(place: &Place) -> io::Result<Utf8PathBuf> {
    let mut path = place.folder.clone();
    if let Some(folders) = place.path.parent() {
        for part in folders.components() {
            path.push(part);
            if fs::symlink_metadata(&path)?.is_symlink() {
                return Err(io::Error::other("a link was put in the way"));
            }
        }
    }
    path.push(place.name()?);
    Ok(path)
}

pub(super) fn look(place: &Place) -> io::Result<Kind> {
    let found = fs::symlink_metadata(checked(place)?)?;
    Ok(if found.is_file() {
        Kind::File { id: None, links: 1 }
    } else {
        Kind::Other
    })
}

pub(super) fn read(place: &Place, limit: u64) -> io::Result<Content> {
    if look(place)? == Kind::Other {
        return Ok(Content::Other);
    }
    let mut bytes = Vec::new();
    let file = File::open(checked(place)?)?;
    let read = file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(if u64::try_from(read).is_ok_and(|read| read <= limit) {
        Content::Bytes(bytes)
    } else {
        Content::Other
    })
}

pub(super) fn is_writable(place: &Place) -> io::Result<bool> {
    let found = fs::symlink_metadata(checked(place)?)?;
    Ok(!found.permissions().readonly())
}

pub(super) fn make_folder(place: &Place) -> io::Result<()> {
    fs::create_dir(checked(place)?)
}

pub(super) fn remove_folder(place: &Place) -> io::Result<()> {
    fs::remove_dir(checked(place)?)
}

pub(super) fn create(place: &Place, _private: bool) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(checked(place)?)
}

pub(super) fn copy_attributes(like: &Place, file: &File) -> io::Result<Vec<Lost>> {
    let like = fs::metadata(checked(like)?)?;
    file.set_permissions(like.permissions())?;
    Ok(Vec::new())
}

pub(super) fn exchange(_one: &Place, _other: &Place) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// A rename replaces what is there.
pub(super) fn move_to_free(_from: &Place, _to: &Place) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

pub(super) fn link(from: &Place, to: &Place) -> io::Result<()> {
    fs::hard_link(checked(from)?, checked(to)?)
}

pub(super) fn replace(from: &Place, to: &Place) -> io::Result<()> {
    fs::rename(checked(from)?, checked(to)?)
}

pub(super) fn remove(place: &Place) -> io::Result<()> {
    fs::remove_file(checked(place)?)
}

/// Folders cannot be opened; names are written in order.
pub(super) fn sync_folder(_place: &Place) -> io::Result<()> {
    Ok(())
}
