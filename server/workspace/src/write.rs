//! From changes of files to a landing on disk.

use std::sync::Arc;

use pleach_edit::FileChange;

use crate::error::{PathError, WriteError};
use crate::landing::{Act, Journal, Landed, Place, Task};
use crate::snapshot::WorkspaceSnapshot;

/// Writes changes to disk: all files or none, even if the process is killed in between
/// ([`Journal::recover`] brings such a landing to an end). What it reports as landed is durable.
///
/// The changes are those of a proposal, or the inverse of such. Editors that have the files open are not
/// asked: this is for closed files and for the command line.
///
/// A file's owner, permissions and extended attributes survive. A link is followed, inside the workspace
/// only, and stays a link. A file with several names (hard links) stays one file, if all its names are in
/// the workspace.
///
/// # Errors
///
/// When a file is no longer what the change was made for, when one to be created exists, when a path
/// leads out of the workspace, and when the operating system refuses; then every file is as it was, but
/// for [`WriteError::HalfWritten`] and [`WriteError::Unconfirmed`].
pub fn write_all<'a>(
    workspace: &WorkspaceSnapshot,
    changes: impl IntoIterator<Item = &'a FileChange>,
    journal: &Journal,
) -> Result<Landed, WriteError> {
    let mut tasks = Vec::new();
    for change in changes {
        match change {
            FileChange::Edit {
                path,
                before,
                changes,
            } => {
                let after = changes
                    .apply_to_str(before)
                    .map_err(|_wrong_length| WriteError::Changed { path: path.clone() })?;
                // Nothing to write, so nothing to touch.
                if after.as_str() != &**before {
                    let before = Arc::clone(before);
                    tasks.push(task(workspace, path, Act::Replace { before, after })?);
                }
            }
            FileChange::Create { path, text } => {
                let text = text.clone();
                tasks.push(task(workspace, path, Act::Create { text, like: None })?);
            }
            FileChange::Delete { path, before } => {
                let act = Act::Delete {
                    before: Arc::clone(before),
                    is_moved: false,
                };
                tasks.push(unlinked_task(workspace, path, act)?);
            }
            FileChange::Rename {
                from,
                to,
                before,
                changes,
            } => {
                let text = changes
                    .apply_to_str(before)
                    .map_err(|_wrong_length| WriteError::Changed { path: from.clone() })?;
                let act = Act::Delete {
                    before: Arc::clone(before),
                    is_moved: true,
                };
                let old = unlinked_task(workspace, from, act)?;
                let like: Option<Place> = Some(old.place.clone());
                tasks.push(task(workspace, to, Act::Create { text, like })?);
                tasks.push(old);
            }
        }
    }
    journal.land(workspace, tasks)
}

fn task(workspace: &WorkspaceSnapshot, name: &str, act: Act) -> Result<Task, PathError> {
    Ok(Task {
        name: name.to_owned(),
        place: workspace.place_of(name)?,
        act,
    })
}

/// For a file that goes: of a link only the name would go, and its text stay where it is.
fn unlinked_task(workspace: &WorkspaceSnapshot, name: &str, act: Act) -> Result<Task, WriteError> {
    let given = workspace.locate(name)?.path;
    if given.is_symlink() {
        return Err(WriteError::IsLink {
            path: name.to_owned(),
        });
    }
    Ok(task(workspace, name, act)?)
}
