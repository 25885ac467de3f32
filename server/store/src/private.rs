//! Files and folders that only the user can read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;

use camino::Utf8Path;

/// Makes the folder and those above it where they are missing, and closes it to others.
pub(crate) fn create_folder(path: &Utf8Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)?;
    close_to_others(path)
}

/// A folder that was there already may be open to others.
#[cfg(unix)]
fn close_to_others(path: &Utf8Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path)?;
    let for_others = metadata.permissions().mode() & 0o077;
    if for_others == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// The folders of a user's profile are closed to others on other systems.
#[cfg(not(unix))]
fn close_to_others(_path: &Utf8Path) -> io::Result<()> {
    Ok(())
}

/// Makes a file that is not there yet. A link with that name is not followed.
pub(crate) fn create_file(path: &Utf8Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
