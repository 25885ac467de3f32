//! Where the files of a template are.

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::PathRules;
use pleach_workspace::WorkspaceSnapshot;

use super::{FOLDER, HEAD, MOST_FILES};

/// Templates of one folder that are read.
const MOST_TEMPLATES: usize = 64;
/// The tree of what is made, in a template's folder.
const FILES: &str = "files";
/// Entries of that tree that are looked at.
const MOST_ENTRIES: usize = 4 * MOST_FILES;
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
        /// The files, by their names below `files`; why not all of them are known, otherwise.
        files: Result<Vec<String>, String>,
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
                workspace,
                head,
                files,
                ..
            } => {
                let tree = head.with_file_name(FILES);
                let read = files.clone()?.into_iter().map(|name| {
                    let text = workspace.read_text(tree.join(&name).as_str());
                    let text = text.map_err(|error| format!("files/{name}: {error}"))?;
                    if text.len() > MOST_BYTES {
                        let most = MOST_BYTES >> 10;
                        return Err(format!("files/{name} has more than {most} KiB"));
                    }
                    Ok((name, text.to_string()))
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
        found.push(Source::Files {
            files: files_below(&folder.join(FILES)),
            workspace: workspace.clone(),
            head,
            name,
        });
    }
    found
}

/// The names of all that is below a folder and is no folder, links as well: a template of which some files
/// are left out would make something else.
fn files_below(tree: &Utf8Path) -> Result<Vec<String>, String> {
    let (mut names, mut seen) = (Vec::new(), 0);
    let mut open = vec![tree.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = folder.read_dir_utf8().map_err(|error| error.to_string());
        for entry in entries.map_err(|why| format!("files: {why}"))? {
            let entry = entry.map_err(|error| format!("files: {error}"))?;
            seen += 1;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder {
                open.push(entry.path().to_owned());
            } else if let Ok(name) = entry.path().strip_prefix(tree) {
                names.push(name.as_str().replace('\\', "/"));
            }
            if names.len() > MOST_FILES || seen > MOST_ENTRIES {
                return Err(format!("it has more than {MOST_FILES} files"));
            }
        }
    }
    names.sort();
    Ok(names)
}
