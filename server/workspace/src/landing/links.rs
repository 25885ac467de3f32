//! Files that have several names.

use ignore::WalkBuilder;

use super::disk::Place;
use crate::snapshot::WorkspaceSnapshot;

/// At most this many entries of the disk are looked at.
const MAX_ENTRIES: usize = 500_000;

/// The names in the workspace of the file with this device and number, as many as `links` if all are
/// there. Names that may not be edited do not count.
pub(super) fn names_of(id: (u64, u64), links: u64, workspace: &WorkspaceSnapshot) -> Vec<Place> {
    let mut names = Vec::new();
    let mut entries = 0;
    for folder in workspace.real_folders() {
        let walk = WalkBuilder::new(folder)
            .standard_filters(false)
            .follow_links(false)
            .same_file_system(true)
            .build();
        for entry in walk.filter_map(Result::ok) {
            entries += 1;
            if entries > MAX_ENTRIES || u64::try_from(names.len()) == Ok(links) {
                return names;
            }
            if is_file(&entry, id)
                && let Some(path) = camino::Utf8Path::from_path(entry.path())
                && let Ok(place) = workspace.place_at(path)
                // Folders of a workspace may lie in one another.
                && !names.contains(&place)
            {
                names.push(place);
            }
        }
    }
    names
}

#[cfg(unix)]
fn is_file(entry: &ignore::DirEntry, (device, number): (u64, u64)) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    // The number comes with the listing; the device has to be asked for.
    entry.ino() == Some(number)
        && entry.file_type().is_some_and(|kind| kind.is_file())
        && entry.metadata().is_ok_and(|found| found.dev() == device)
}

#[cfg(not(unix))]
fn is_file(_entry: &ignore::DirEntry, _id: (u64, u64)) -> bool {
    false
}
