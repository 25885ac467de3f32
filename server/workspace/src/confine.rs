//! Where a path really leads. A link may point anywhere; what it points to must be in the workspace
//! and allowed as well.

use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::PathRules;

use crate::error::PathError;
use crate::landing::Place;
use crate::roots::Purpose;

/// The folders as the disk knows them, with no link in their paths.
///
/// A folder that does not exist keeps its path: nothing can be read there, and a file that is created
/// later is checked again.
pub(crate) fn real_folders<'a>(folders: impl Iterator<Item = &'a Utf8Path>) -> Vec<Utf8PathBuf> {
    folders
        .map(|folder| {
            folder
                .canonicalize_utf8()
                .unwrap_or_else(|_| folder.to_owned())
        })
        .collect()
}

/// Follows every link in `path`, which need not exist, and refuses what leads out of all `folders`
/// (as [`real_folders`] gives them) or to a file that the rules deny for this purpose.
pub(crate) fn follow(
    path: &Utf8Path,
    folders: &[Utf8PathBuf],
    rules: &PathRules,
    purpose: Purpose,
) -> Result<Place, PathError> {
    let real = real_path(path)?;
    let folder = folders
        .iter()
        .filter(|folder| real.starts_with(folder))
        .max_by_key(|folder| folder.components().count());
    let (folder, relative) = folder
        .and_then(|folder| Some((folder, real.strip_prefix(folder).ok()?)))
        .ok_or_else(|| PathError::LinkOut {
            path: path.to_string(),
            target: real.to_string(),
        })?;
    // A harmless name may be a link to one that is denied.
    purpose.check(relative.as_str(), rules)?;
    Ok(Place {
        folder: folder.clone(),
        path: relative.to_owned(),
    })
}

/// `path` without links. The part that does not exist is taken as it is written.
fn real_path(path: &Utf8Path) -> Result<Utf8PathBuf, PathError> {
    let unreachable = |cause: std::io::Error| PathError::Unreachable {
        path: path.to_string(),
        cause: cause.to_string(),
    };
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        match ancestor.symlink_metadata() {
            Ok(metadata) => {
                let real = match ancestor.canonicalize_utf8() {
                    Ok(real) => real,
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                        return Err(unreachable(error));
                    }
                    // To nothing, or in a circle.
                    Err(_) if metadata.is_symlink() => {
                        return Err(PathError::BrokenLink {
                            path: path.to_string(),
                        });
                    }
                    Err(error) => return Err(unreachable(error)),
                };
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(real, |real, name| real.join(name)));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                missing.extend(ancestor.file_name());
            }
            Err(error) => return Err(unreachable(error)),
        }
    }
    Err(PathError::Outside {
        path: path.to_string(),
    })
}
