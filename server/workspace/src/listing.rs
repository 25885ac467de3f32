//! The files of a workspace, as far as a person would count them: what version control ignores is
//! left out, and so is what is hidden.

use camino::{Utf8Path, Utf8PathBuf};
use ignore::{Walk, WalkBuilder};

/// At most this many entries of the disk are looked at in one listing.
const MAX_ENTRIES: usize = 20_000;
/// Folders deeper than this are not entered.
pub(crate) const MAX_DEPTH: usize = 24;

/// The regular files of one folder that is known to hold few, hidden ones as well.
pub(crate) fn files_of(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    /// A folder with more is not what it was taken for.
    const MOST: usize = 500;
    let walk = WalkBuilder::new(folder)
        .standard_filters(false)
        .follow_links(false)
        .max_depth(Some(12))
        .sort_by_file_name(Ord::cmp)
        .build();
    walk.take(MOST)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()))
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .collect()
}

/// The regular files at most `depth` levels under `folder`, sorted, without following links.
pub(crate) fn files_under(folder: &Utf8Path, depth: usize) -> Vec<Utf8PathBuf> {
    walk(folder, depth)
        .take(MAX_ENTRIES)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .collect()
}

/// Everything at most `depth` levels under `folder`, sorted, without following links.
pub(crate) fn walk(folder: &Utf8Path, depth: usize) -> Walk {
    builder(folder, depth).build()
}

pub(crate) fn builder(folder: &Utf8Path, depth: usize) -> WalkBuilder {
    let mut builder = WalkBuilder::new(folder);
    builder
        // A folder's own rules, whether or not it is a repository.
        .require_git(false)
        .git_global(false)
        .follow_links(false)
        .max_depth(Some(depth))
        .sort_by_file_name(Ord::cmp);
    builder
}
