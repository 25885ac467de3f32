//! Changing files on disk: all of them or none, each in one step.
//!
//! New texts are written beside their files first, so that a full disk is met before anything has
//! changed. Then each file is replaced by renaming, which another program sees as one step; what was
//! there is kept under a second name until the last file is in place. A file's permissions are kept;
//! its owner becomes who runs Pleach, and a hard link to it keeps the old text.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_edit::{FileChange, Proposal};
use tempfile::{NamedTempFile, TempPath};

use crate::error::{ReadError, WriteError};
use crate::read::{MAX_FILE_BYTES, read};
use crate::snapshot::WorkspaceSnapshot;

/// Writes what a proposal changes to disk: all files or none.
///
/// Fails when a file is no longer what the proposal was made for, when a file to be created exists,
/// when a path leads out of the workspace, and when the operating system refuses; then every file is
/// as it was. Editors that have the files open are not asked: this is for the command line.
pub fn write_all(workspace: &WorkspaceSnapshot, proposal: &Proposal) -> Result<(), WriteError> {
    let mut steps = Vec::new();
    for change in proposal.files() {
        let resolve = |name: &str| workspace.resolve(name).map(|located| located.path);
        match change {
            FileChange::Edit {
                path: name,
                before,
                changes,
            } => {
                let after = changes
                    .apply_to_str(before)
                    .map_err(|_wrong_length| WriteError::Changed { path: name.clone() })?;
                let (name, path) = (name.clone(), resolve(name)?);
                steps.push(Step::Replace {
                    name,
                    path,
                    before: Arc::clone(before),
                    after,
                });
            }
            FileChange::Create { path: name, text } => {
                let path = resolve(name)?;
                let (name, text) = (name.clone(), text.clone());
                steps.push(Step::Create {
                    name,
                    path,
                    text,
                    like: None,
                });
            }
            FileChange::Delete { path: name, before } => {
                let (name, path) = (name.clone(), resolve(name)?);
                steps.push(Step::Delete {
                    name,
                    path,
                    before: Arc::clone(before),
                });
            }
            FileChange::Rename {
                from,
                to,
                before,
                changes,
            } => {
                let after = changes
                    .apply_to_str(before)
                    .map_err(|_wrong_length| WriteError::Changed { path: from.clone() })?;
                let (old, new) = (resolve(from)?, resolve(to)?);
                let like = Some(old.clone());
                steps.push(Step::Create {
                    name: to.clone(),
                    path: new,
                    text: after,
                    like,
                });
                let (name, before) = (from.clone(), Arc::clone(before));
                steps.push(Step::Delete {
                    name,
                    path: old,
                    before,
                });
            }
        }
    }
    carry_out(&steps)
}

/// One file's part of a write. Paths are absolute and have no link in them.
enum Step {
    Replace {
        name: String,
        path: Utf8PathBuf,
        before: Arc<str>,
        after: String,
    },
    /// `like`: the file whose permissions the new one gets.
    Create {
        name: String,
        path: Utf8PathBuf,
        text: String,
        like: Option<Utf8PathBuf>,
    },
    Delete {
        name: String,
        path: Utf8PathBuf,
        before: Arc<str>,
    },
}

impl Step {
    fn name(&self) -> &str {
        match self {
            Self::Replace { name, .. } | Self::Create { name, .. } | Self::Delete { name, .. } => {
                name
            }
        }
    }

    fn path(&self) -> &Utf8Path {
        match self {
            Self::Replace { path, .. } | Self::Create { path, .. } | Self::Delete { path, .. } => {
                path
            }
        }
    }
}

fn carry_out(steps: &[Step]) -> Result<(), WriteError> {
    let mut seen = BTreeSet::new();
    for step in steps {
        if !seen.insert(step.path()) {
            return Err(WriteError::Twice {
                path: step.name().to_owned(),
            });
        }
        check(step)?;
    }
    let mut written = Written::default();
    let result = stage_and_commit(steps, &mut written);
    match result {
        Ok(()) => Ok(()),
        Err((step, problem)) => Err(written.take_back(step.name(), problem)),
    }
}

/// What stopped a write.
enum Problem {
    /// The file is not as it should be.
    Unfit(WriteError),
    /// The operating system refused.
    Io(io::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<tempfile::PersistError> for Problem {
    fn from(error: tempfile::PersistError) -> Self {
        Self::Io(error.error)
    }
}

fn stage_and_commit<'a>(
    steps: &'a [Step],
    written: &mut Written,
) -> Result<(), (&'a Step, Problem)> {
    let mut staged = Vec::with_capacity(steps.len());
    for step in steps {
        staged.push(stage(step, written).map_err(|error| (step, error.into()))?);
    }
    for (step, new) in steps.iter().zip(staged) {
        commit(step, new, written).map_err(|problem| (step, problem))?;
    }
    Ok(())
}

/// Whether the disk is as the step expects it.
fn check(step: &Step) -> Result<(), WriteError> {
    match step {
        Step::Replace {
            name, path, before, ..
        } => {
            let metadata = path
                .metadata()
                .map_err(|_| ReadError::NotFound { path: name.clone() })?;
            if metadata.permissions().readonly() {
                return Err(WriteError::ReadOnly { path: name.clone() });
            }
            check_unchanged(name, path, before)
        }
        Step::Delete { name, path, before } => check_unchanged(name, path, before),
        Step::Create { name, path, .. } => match path.symlink_metadata() {
            Ok(_) => Err(WriteError::Exists { path: name.clone() }),
            Err(_) => Ok(()),
        },
    }
}

fn check_unchanged(name: &str, path: &Utf8Path, before: &str) -> Result<(), WriteError> {
    if read(path, name, MAX_FILE_BYTES)? == before {
        Ok(())
    } else {
        Err(WriteError::Changed {
            path: name.to_owned(),
        })
    }
}

/// Writes the new text of a file beside it.
fn stage(step: &Step, written: &mut Written) -> io::Result<Option<NamedTempFile>> {
    let (path, text, like) = match step {
        Step::Replace { path, after, .. } => (path, after, Some(path)),
        Step::Create {
            path, text, like, ..
        } => (path, text, like.as_ref()),
        Step::Delete { .. } => return Ok(None),
    };
    let folder = folder_of(path)?;
    written.make_folder(folder)?;
    let permissions = like.map(|like| Ok::<_, io::Error>(like.metadata()?.permissions()));
    let file = write_beside(folder, text, permissions.transpose()?)?;
    Ok(Some(file))
}

/// Puts one file in place. What was there is remembered in `written`.
fn commit(step: &Step, new: Option<NamedTempFile>, written: &mut Written) -> Result<(), Problem> {
    // Once more: staging many files takes a while.
    check(step).map_err(Problem::Unfit)?;
    let name = step.name().to_owned();
    match (step, new) {
        (Step::Replace { path, before, .. }, Some(new)) => {
            let old = keep_old(path, before)?;
            new.persist(path)?;
            written.done.push(Done::Changed {
                name,
                path: path.clone(),
                old,
            });
        }
        (Step::Create { path, .. }, Some(new)) => {
            new.persist_noclobber(path)?;
            written.done.push(Done::Created {
                name,
                path: path.clone(),
            });
        }
        (Step::Delete { path, before, .. }, _) => {
            let old = keep_old(path, before)?;
            fs::remove_file(path)?;
            written.done.push(Done::Changed {
                name,
                path: path.clone(),
                old,
            });
        }
        (Step::Replace { .. } | Step::Create { .. }, None) => {
            return Err(io::Error::other("the new text was not written").into());
        }
    }
    Ok(())
}

/// Gives the file at `path` a second name, which goes away when the result is dropped.
fn keep_old(path: &Utf8Path, before: &str) -> io::Result<TempPath> {
    let folder = folder_of(path)?;
    let link = temporary().make_in(folder, |second| fs::hard_link(path, second));
    if let Ok(link) = link {
        return Ok(link.into_temp_path());
    }
    // Not every file system has hard links.
    let permissions = path.metadata()?.permissions();
    Ok(write_beside(folder, before, Some(permissions))?.into_temp_path())
}

fn write_beside(
    folder: &Utf8Path,
    text: &str,
    permissions: Option<Permissions>,
) -> io::Result<NamedTempFile> {
    let mut file = match permissions {
        Some(permissions) => {
            let file = temporary().tempfile_in(folder)?;
            // Not at creation: the process's mask would take bits away.
            file.as_file().set_permissions(permissions)?;
            file
        }
        None => temporary_for_everyone().tempfile_in(folder)?,
    };
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pleach-").suffix(".tmp");
    builder
}

/// With the permissions that a new file usually gets: the process's mask decides.
fn temporary_for_everyone() -> tempfile::Builder<'static, 'static> {
    let mut builder = temporary();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

fn folder_of(path: &Utf8Path) -> io::Result<&Utf8Path> {
    path.parent()
        .ok_or_else(|| io::Error::other("it lies in no folder"))
}

/// What was done until now, so that it can be taken back.
#[derive(Default)]
struct Written {
    folders: Vec<Utf8PathBuf>,
    done: Vec<Done>,
}

enum Done {
    /// Replaced or deleted; `old` is what was there.
    Changed {
        name: String,
        path: Utf8PathBuf,
        old: TempPath,
    },
    Created {
        name: String,
        path: Utf8PathBuf,
    },
}

impl Written {
    /// Makes `folder` and those above it that are missing.
    fn make_folder(&mut self, folder: &Utf8Path) -> io::Result<()> {
        let missing: Vec<&Utf8Path> = folder
            .ancestors()
            .take_while(|folder| !folder.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    /// Restores every file, and says why the write failed.
    fn take_back(self, path: &str, problem: Problem) -> WriteError {
        let mut changed = Vec::new();
        for done in self.done.into_iter().rev() {
            match done {
                Done::Changed { name, path, old } => {
                    if old.persist(&path).is_err() {
                        changed.push(name);
                    }
                }
                Done::Created { name, path } => {
                    if fs::remove_file(&path).is_err() {
                        changed.push(name);
                    }
                }
            }
        }
        for folder in self.folders.iter().rev() {
            // Only if it is empty, as it was made.
            if let Err(error) = fs::remove_dir(folder) {
                tracing::warn!(%folder, %error, "a new folder could not be removed again");
            }
        }
        let cause = match problem {
            Problem::Unfit(error) if changed.is_empty() => return error,
            Problem::Unfit(error) => error.to_string(),
            Problem::Io(error) => error.to_string(),
        };
        let path = path.to_owned();
        if changed.is_empty() {
            WriteError::Failed { path, cause }
        } else {
            WriteError::HalfWritten {
                path,
                cause,
                changed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A folder with `files`, and its path without links.
    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path())
            .unwrap()
            .canonicalize_utf8()
            .unwrap();
        for (name, text) in files {
            fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
            fs::write(path.join(name), text).unwrap();
        }
        (folder, path)
    }

    fn replace(root: &Utf8Path, name: &str, before: &str, after: &str) -> Step {
        let (path, before, after) = (root.join(name), before.into(), after.into());
        Step::Replace {
            name: name.into(),
            path,
            before,
            after,
        }
    }

    fn create(root: &Utf8Path, name: &str, text: &str) -> Step {
        Step::Create {
            name: name.into(),
            path: root.join(name),
            text: text.into(),
            like: None,
        }
    }

    fn delete(root: &Utf8Path, name: &str, before: &str) -> Step {
        Step::Delete {
            name: name.into(),
            path: root.join(name),
            before: before.into(),
        }
    }

    /// Every file and folder under `root`, as `name` or `name = text`.
    fn listing(root: &Utf8Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir_utf8().unwrap() {
                let path = entry.unwrap().into_path();
                let name = path.strip_prefix(root).unwrap().to_string();
                if path.is_dir() {
                    found.push(name);
                    folders.push(path);
                } else {
                    found.push(format!("{name} = {}", fs::read_to_string(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn all_kinds_of_change_at_once() {
        let (_guard, root) = folder(&[("a.txt", "old"), ("gone.txt", "bye")]);
        let steps = [
            replace(&root, "a.txt", "old", "new"),
            create(&root, "deep/er/b.txt", "fresh"),
            delete(&root, "gone.txt", "bye"),
        ];
        carry_out(&steps).unwrap();
        assert_eq!(
            listing(&root),
            ["a.txt = new", "deep", "deep/er", "deep/er/b.txt = fresh"]
        );
    }

    #[test]
    fn nothing_is_changed_when_one_file_does_not_fit() {
        let files = [("a.txt", "old"), ("b.txt", "edited since")];
        let (_guard, root) = folder(&files);
        let before = listing(&root);
        let steps = [
            replace(&root, "a.txt", "old", "new"),
            create(&root, "new/c.txt", "fresh"),
            replace(&root, "b.txt", "as it was", "new"),
        ];
        assert_eq!(carry_out(&steps).unwrap_err().code(), "changed-on-disk");
        assert_eq!(listing(&root), before);
        let steps = [
            replace(&root, "a.txt", "old", "new"),
            create(&root, "b.txt", "mine"),
        ];
        assert_eq!(carry_out(&steps).unwrap_err().code(), "file-exists");
        assert_eq!(listing(&root), before);
    }

    #[test]
    fn what_was_done_is_taken_back_when_a_later_file_fails() {
        let (_guard, root) = folder(&[("a.txt", "old"), ("gone.txt", "bye"), ("z.txt", "last")]);
        let before = listing(&root);
        let mut written = Written::default();
        let steps = [
            replace(&root, "a.txt", "old", "new"),
            create(&root, "deep/b.txt", "fresh"),
            delete(&root, "gone.txt", "bye"),
        ];
        assert!(stage_and_commit(&steps, &mut written).is_ok());
        assert_ne!(listing(&root), before);
        let full = io::Error::new(io::ErrorKind::StorageFull, "no space left");
        let error = written.take_back("z.txt", full.into());
        assert_eq!(
            error.to_string(),
            "`z.txt` could not be written: no space left; no file was changed"
        );
        assert_eq!(listing(&root), before);
    }

    #[test]
    fn one_file_twice_is_refused() {
        let (_guard, root) = folder(&[("a.txt", "old")]);
        let steps = [
            replace(&root, "a.txt", "old", "new"),
            delete(&root, "a.txt", "old"),
        ];
        assert_eq!(carry_out(&steps).unwrap_err().code(), "changed-twice");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept_and_a_read_only_file_is_left_alone() {
        use std::os::unix::fs::PermissionsExt;

        let (_guard, root) = folder(&[("run.sh", "old"), ("fixed.txt", "old")]);
        let mode = |name: &str| root.join(name).metadata().unwrap().permissions().mode() & 0o7777;
        fs::set_permissions(root.join("run.sh"), Permissions::from_mode(0o751)).unwrap();
        fs::set_permissions(root.join("fixed.txt"), Permissions::from_mode(0o444)).unwrap();
        carry_out(&[replace(&root, "run.sh", "old", "new")]).unwrap();
        assert_eq!(mode("run.sh"), 0o751);
        let error = carry_out(&[replace(&root, "fixed.txt", "old", "new")]).unwrap_err();
        assert_eq!(error.code(), "read-only");
        // A new file is what any program of this process would have made.
        fs::write(root.join("usual"), "").unwrap();
        carry_out(&[create(&root, "new.txt", "")]).unwrap();
        assert_eq!(mode("new.txt"), mode("usual"));
    }
}
