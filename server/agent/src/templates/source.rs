//! Where the files of a template are.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::PathRules;
use pleach_workspace::WorkspaceSnapshot;

use super::{FOLDER, HEAD, MOST_FILES};

/// Templates of one folder that are read.
const MOST_TEMPLATES: usize = 64;
/// The tree of what is made, in a template's folder.
const FILES: &str = "files/";
/// Bytes of one file.
const MOST_BYTES: usize = 256 << 10;

/// A template's folder.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// It comes with Pleach.
    BuiltIn {
        name: &'static str,
        files: &'static [(&'static str, &'static str)],
    },
    /// Files on the disk: what is read of them is read under the rules of this snapshot.
    Files {
        name: String,
        workspace: WorkspaceSnapshot,
        /// The whole path of the description.
        head: Utf8PathBuf,
        /// The files, by their names below `files/`, and what the snapshot calls them.
        files: BTreeMap<String, String>,
    },
}

/// Two are the same that are in the same place.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::BuiltIn { name, .. }, Self::BuiltIn { name: other, .. }) => name == other,
            (
                Self::Files { head, files, .. },
                Self::Files {
                    head: other,
                    files: others,
                    ..
                },
            ) => head == other && files == others,
            _ => false,
        }
    }
}

impl Eq for Source {}

impl Source {
    /// What the template is called.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::BuiltIn { name, .. } => name,
            Self::Files { name, .. } => name,
        }
    }

    /// The description: where it is, and what it says as it is on the disk.
    pub(super) fn head(&self) -> Option<(Utf8PathBuf, String)> {
        match self {
            Self::BuiltIn { .. } => None,
            Self::Files {
                workspace, head, ..
            } => Some((head.clone(), workspace.read_settings(head)?)),
        }
    }

    /// The files below `files/`: their names and texts, with their holes. What is wrong, otherwise.
    pub(super) fn files(&self) -> Result<Vec<(String, String)>, String> {
        match self {
            Self::BuiltIn { files, .. } => Ok(files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect()),
            Self::Files {
                workspace, files, ..
            } => {
                if files.len() > MOST_FILES {
                    return Err(format!("it has more than {MOST_FILES} files"));
                }
                let read = files.iter().map(|(name, called)| {
                    let text = workspace
                        .read_text(called)
                        .map_err(|error| error.to_string())?;
                    if text.len() > MOST_BYTES {
                        return Err(format!(
                            "files/{name} has more than {} KiB",
                            MOST_BYTES >> 10
                        ));
                    }
                    Ok((name.clone(), text.to_string()))
                });
                read.collect()
            }
        }
    }
}

/// The templates of a folder of the person's.
pub(super) fn in_folder(folder: &Utf8Path) -> Vec<Source> {
    if !folder.is_dir() {
        return Vec::new();
    }
    // A person's own file may be called as one likes.
    let rules = PathRules::default().with_allowed(&["**".to_owned()]);
    let workspace = WorkspaceSnapshot::new(&[folder.to_owned()], [], rules);
    below(&workspace, folder)
}

/// The templates of a workspace.
pub(super) fn in_workspace(workspace: &WorkspaceSnapshot) -> Vec<Source> {
    let folders = workspace.roots().iter();
    let folders = folders.map(|root| root.join(".pleach").join(FOLDER));
    folders
        .flat_map(|folder| below(workspace, &folder))
        .collect()
}

fn below(workspace: &WorkspaceSnapshot, folder: &Utf8Path) -> Vec<Source> {
    let mut found: Vec<Source> = Vec::new();
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    let mut folders: Vec<Utf8PathBuf> = entries.map(|entry| entry.path().to_owned()).collect();
    folders.sort();
    for folder in folders.into_iter().take(MOST_TEMPLATES) {
        let head = folder.join(HEAD);
        let name = folder.file_name().unwrap_or_default().to_owned();
        if !head.is_file() {
            continue;
        }
        let called = workspace.files_of(folder.as_str());
        let inside = format!("{name}/{FILES}");
        let files = called.into_iter().filter_map(|called| {
            let (_, below) = called.split_once(&inside)?;
            Some((below.to_owned(), called))
        });
        found.push(Source::Files {
            files: files.collect(),
            workspace: workspace.clone(),
            head,
            name,
        });
    }
    found
}
