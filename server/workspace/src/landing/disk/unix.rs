//! By handles: every folder on the way is opened from the one above it, and no link is followed.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use camino::Utf8Component;
use rustix::fs::{
    Access, AtFlags, FileType, Gid, Mode, OFlags, Uid, accessat, fchown, linkat, mkdirat, open,
    openat, renameat, statat, unlinkat,
};

use super::{Content, Kind, Lost, Place};

/// For a folder on the way. Where there are handles that only lead on, a folder need not be readable.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WAY: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const WAY: OFlags = OFlags::RDONLY;

/// Opens the folder at `place`.
fn folder(place: &Place, last: OFlags) -> io::Result<OwnedFd> {
    let common = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut parts = place.path.components().peekable();
    let flags = |is_last: bool| common | if is_last { last } else { WAY };
    let mut handle = open(
        place.folder.as_std_path(),
        flags(parts.peek().is_none()),
        Mode::empty(),
    )?;
    while let Some(part) = parts.next() {
        let Utf8Component::Normal(name) = part else {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "the path leads out of its folder",
            ));
        };
        handle = openat(&handle, name, flags(parts.peek().is_none()), Mode::empty())?;
    }
    Ok(handle)
}

fn parent(place: &Place) -> io::Result<OwnedFd> {
    folder(&place.parent(), WAY)
}

/// Opens a file for reading, without waiting for the other end of a pipe.
fn open_file(place: &Place) -> io::Result<File> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(parent(place)?, place.name()?, flags, Mode::empty())?;
    Ok(file.into())
}

pub(super) fn look(place: &Place) -> io::Result<Kind> {
    let found = statat(parent(place)?, place.name()?, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Ok(Kind::Other);
    }
    // The types of these differ between systems.
    #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
    let number = u64::try_from(found.st_dev)
        .ok()
        .zip(found.st_ino.try_into().ok());
    #[allow(clippy::useless_conversion)]
    let links = found.st_nlink.into();
    Ok(Kind::File { id: number, links })
}

pub(super) fn read(place: &Place, limit: u64) -> io::Result<Content> {
    // A link cannot be opened, and a device need not be.
    if look(place)? == Kind::Other {
        return Ok(Content::Other);
    }
    let file = open_file(place)?;
    if !file.metadata()?.is_file() {
        return Ok(Content::Other);
    }
    let mut bytes = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(if u64::try_from(read).is_ok_and(|read| read <= limit) {
        Content::Bytes(bytes)
    } else {
        Content::Other
    })
}

pub(super) fn is_writable(place: &Place) -> io::Result<bool> {
    let found = statat(parent(place)?, place.name()?, AtFlags::SYMLINK_NOFOLLOW)?;
    // Nothing is forbidden to the superuser, but whoever took every right away meant it.
    if !Mode::from_raw_mode(found.st_mode).intersects(Mode::WUSR | Mode::WGRP | Mode::WOTH) {
        return Ok(false);
    }
    let may = accessat(
        parent(place)?,
        place.name()?,
        Access::WRITE_OK,
        AtFlags::EACCESS,
    );
    match may.map_err(io::Error::from) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(false)
        }
        // Some systems cannot tell; then writing will.
        Ok(()) | Err(_) => Ok(true),
    }
}

pub(super) fn make_folder(place: &Place) -> io::Result<()> {
    // The process's mask takes away what it should.
    let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
    Ok(mkdirat(parent(place)?, place.name()?, mode)?)
}

pub(super) fn remove_folder(place: &Place) -> io::Result<()> {
    Ok(unlinkat(parent(place)?, place.name()?, AtFlags::REMOVEDIR)?)
}

/// A private file gets its permissions later; any other those that new files usually get.
pub(super) fn create(place: &Place, private: bool) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = if private {
        Mode::RUSR | Mode::WUSR
    } else {
        Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH
    };
    Ok(openat(parent(place)?, place.name()?, flags, mode)?.into())
}

pub(super) fn copy_attributes(like: &Place, file: &File) -> io::Result<Vec<Lost>> {
    let like = open_file(like)?;
    let (want, have) = (like.metadata()?, file.metadata()?);
    let mut mode = want.mode() & 0o7777;
    let mut lost = Vec::new();
    if (want.uid(), want.gid()) != (have.uid(), have.gid()) {
        let group = Some(Gid::from_raw(want.gid()));
        let owner = Some(Uid::from_raw(want.uid()));
        if !is_allowed(fchown(file, owner, group))? {
            lost.push(Lost::Owner);
            // What ran as its owner must not run as another.
            mode &= 0o1777;
            if want.gid() != have.gid() && !is_allowed(fchown(file, None, group))? {
                // What its group might do another group may do only if everybody may.
                mode = (mode & !0o070) | ((mode & 0o007) << 3);
            }
        }
    }
    copy_extended(&like, file, &mut lost)?;
    // Not at creation: the process's mask would take bits away. Last: a new owner takes bits away.
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(lost)
}

/// Whether it was done; what this user may not do, or this file system cannot, is no error.
fn is_allowed(done: rustix::io::Result<()>) -> io::Result<bool> {
    match done.map_err(io::Error::from) {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Unsupported | ErrorKind::InvalidInput
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
fn copy_extended(like: &File, file: &File, lost: &mut Vec<Lost>) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};

    /// The kernels take no longer lists and values.
    const MOST: usize = 64 * 1024;
    let mut names = vec![0; MOST];
    // A file system without attributes has none to copy.
    let Ok(len) = flistxattr(like, names.as_mut_slice()) else {
        return Ok(());
    };
    let mut value = vec![0; MOST];
    for name in names
        .get(..len)
        .unwrap_or_default()
        .split(|byte| *byte == 0)
    {
        if name.is_empty() {
            continue;
        }
        let copied = fgetxattr(like, name, value.as_mut_slice()).and_then(|len| {
            let wanted = value.get(..len).unwrap_or_default();
            let mut present = vec![0; len];
            let is_there = fgetxattr(file, name, present.as_mut_slice())
                .is_ok_and(|found| found == len && present == wanted);
            if is_there {
                return Ok(());
            }
            fsetxattr(file, name, wanted, XattrFlags::empty())
        });
        if !is_allowed(copied)? {
            lost.push(Lost::Attribute(String::from_utf8_lossy(name).into_owned()));
        }
    }
    Ok(())
}

#[cfg(not(any(target_vendor = "apple", target_os = "linux", target_os = "android")))]
fn copy_extended(_like: &File, _file: &File, _lost: &mut Vec<Lost>) -> io::Result<()> {
    Ok(())
}

#[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
fn rename_with(from: &Place, to: &Place, flags: rustix::fs::RenameFlags) -> io::Result<()> {
    let (old, new) = (parent(from)?, parent(to)?);
    Ok(rustix::fs::renameat_with(
        old,
        from.name()?,
        new,
        to.name()?,
        flags,
    )?)
}

#[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
pub(super) fn exchange(one: &Place, other: &Place) -> io::Result<()> {
    rename_with(one, other, rustix::fs::RenameFlags::EXCHANGE)
}

#[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
pub(super) fn move_to_free(from: &Place, to: &Place) -> io::Result<()> {
    rename_with(from, to, rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_vendor = "apple", target_os = "linux", target_os = "android")))]
pub(super) fn exchange(_one: &Place, _other: &Place) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(not(any(target_vendor = "apple", target_os = "linux", target_os = "android")))]
pub(super) fn move_to_free(_from: &Place, _to: &Place) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

pub(super) fn link(from: &Place, to: &Place) -> io::Result<()> {
    let (old, new) = (parent(from)?, parent(to)?);
    Ok(linkat(
        old,
        from.name()?,
        new,
        to.name()?,
        AtFlags::empty(),
    )?)
}

pub(super) fn replace(from: &Place, to: &Place) -> io::Result<()> {
    let (old, new) = (parent(from)?, parent(to)?);
    Ok(renameat(old, from.name()?, new, to.name()?)?)
}

pub(super) fn remove(place: &Place) -> io::Result<()> {
    Ok(unlinkat(parent(place)?, place.name()?, AtFlags::empty())?)
}

pub(super) fn sync_folder(place: &Place) -> io::Result<()> {
    File::from(folder(place, OFlags::RDONLY)?).sync_all()
}
