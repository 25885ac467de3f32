//! Who there is, and what they can be asked for: what comes with Pleach, the person's own files, and the
//! workspace's.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_workspace::WorkspaceSnapshot;

use super::file::{self, FileProblem, MOST_BYTES, RosterFile};
use super::{OwnAction, Owner, Role};
use crate::templates::{self, Templates};

/// Files of one folder that are read.
const MOST_FILES: usize = 64;
/// The folder in a workspace.
const FOLDER: &str = ".pleach";
/// Folders of roles and of actions.
const FOLDERS: [&str; 2] = [ROLES, "actions"];
const ROLES: &str = "roles";
/// Those that come with Pleach.
const BUILT_IN: [(&str, &str); 5] = [
    ("planner", include_str!("planner.md")),
    ("coder", include_str!("coder.md")),
    ("tester", include_str!("tester.md")),
    ("documenter", include_str!("documenter.md")),
    ("reviewer", include_str!("reviewer.md")),
];

static OWN: LazyLock<Arc<Roster>> = LazyLock::new(|| {
    let mut roster = Roster {
        roles: BTreeMap::new(),
        actions: BTreeMap::new(),
        allowed: BTreeMap::new(),
        files: Vec::new(),
    };
    for (name, text) in BUILT_IN {
        roster.take_role(name, text, Owner::Person);
    }
    Arc::new(roster)
});

/// The roles and the actions that people have added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    roles: BTreeMap<String, Arc<Role>>,
    actions: BTreeMap<String, Arc<OwnAction>>,
    /// Roles as they are without the workspace's files.
    allowed: BTreeMap<String, Arc<Role>>,
    /// The files that they are from, with what is wrong in them.
    pub files: Vec<RosterFile>,
}

impl Roster {
    /// What comes with Pleach.
    pub fn built_in() -> Arc<Self> {
        Arc::clone(&OWN)
    }

    /// What comes with Pleach, the files in the person's configuration folder `own`, and those of the
    /// workspace. Asks the disk. What is broken is left out, and told in [`Roster::files`].
    pub fn read(own: Option<&Utf8Path>, workspace: &WorkspaceSnapshot) -> Self {
        let mut roster = Self::built_in().as_ref().clone();
        // Actions name roles, so all roles come first.
        for folder in FOLDERS {
            for path in own
                .map(|own| files_in(&own.join(folder)))
                .unwrap_or_default()
            {
                if let Some(text) = read_file(&path) {
                    roster.take(folder, path, text, Owner::Person);
                }
            }
            if folder == ROLES {
                roster.allowed.clone_from(&roster.roles);
            }
            for root in workspace.roots() {
                let inside = root.join(FOLDER).join(folder);
                let names = workspace.files_of(inside.as_str());
                let files = names.iter().filter_map(|name| {
                    let (_, file) = name.rsplit_once('/')?;
                    Some(inside.join(file)).filter(|path| path.extension() == Some("md"))
                });
                for path in files.take(MOST_FILES) {
                    // As it is on the disk: what is being typed does not count before it is saved.
                    if let Some(text) = workspace.read_settings(&path) {
                        roster.take(folder, path, text, Owner::Workspace);
                    }
                }
            }
        }
        roster.files.extend(Templates::read(own, workspace).files);
        roster
    }

    /// What is wrong with a file while it is written; `None` where `path` is that of no role, no action and
    /// no template's description.
    pub fn check(
        &self,
        path: &Utf8Path,
        text: &str,
        own: Option<&Utf8Path>,
        roots: &[Utf8PathBuf],
    ) -> Option<Vec<FileProblem>> {
        if path.file_name() == Some(templates::HEAD) {
            let home = path.ancestors().nth(2)?;
            let is_one = home.file_name() == Some(templates::FOLDER)
                && home.parent().is_some_and(|home| {
                    own == Some(home) || roots.iter().any(|root| root.join(FOLDER) == home)
                });
            return is_one.then(|| templates::check(text));
        }
        let folder = path.parent().filter(|_| path.extension() == Some("md"))?;
        let kind = FOLDERS
            .into_iter()
            .find(|kind| folder.file_name() == Some(kind))?;
        let home = folder.parent()?;
        let owner = if own == Some(home) {
            Owner::Person
        } else if roots.iter().any(|root| root.join(FOLDER) == home) {
            Owner::Workspace
        } else {
            return None;
        };
        let name = path.file_stem()?;
        Some(if kind == ROLES {
            // What the file itself has said must not count as what is known.
            let built_in = Self::built_in();
            let known = match owner {
                Owner::Person => built_in.role(name),
                Owner::Workspace => self.allowed.get(name).or_else(|| built_in.role(name)),
            };
            file::role(name, text, owner, known.map(AsRef::as_ref)).1
        } else {
            OwnAction::read(name, text, |role| self.role(role).map(|it| it.output)).1
        })
    }

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.get(name)
    }

    /// The actions that people have added, by their names.
    pub fn actions(&self) -> impl Iterator<Item = &Arc<OwnAction>> {
        self.actions.values()
    }

    /// The action of this name.
    pub fn action(&self, name: &str) -> Option<&Arc<OwnAction>> {
        self.actions.get(name)
    }

    fn take(&mut self, folder: &str, path: Utf8PathBuf, text: String, owner: Owner) {
        let name = path.file_stem().unwrap_or_default().to_owned();
        let problems = if folder == ROLES {
            self.take_role(&name, &text, owner)
        } else {
            let output = |role: &str| self.roles.get(role).map(|it| it.output);
            let (action, problems) = OwnAction::read(&name, &text, output);
            if let Some(action) = action {
                self.actions.insert(name, Arc::new(action));
            }
            problems
        };
        self.files.push(RosterFile {
            path,
            text,
            problems,
        });
    }

    fn take_role(&mut self, name: &str, text: &str, owner: Owner) -> Vec<FileProblem> {
        let known = self.roles.get(name).map(AsRef::as_ref);
        let (role, problems) = file::role(name, text, owner, known);
        if let Some(role) = role {
            self.roles.insert(name.to_owned(), Arc::new(role));
        }
        problems
    }
}

/// The Markdown files of a folder of the person's, by their names.
fn files_in(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    let mut files: Vec<Utf8PathBuf> = entries
        .map(|entry| entry.path().to_owned())
        .filter(|path| path.extension() == Some("md"))
        .collect();
    files.sort();
    files.truncate(MOST_FILES);
    files
}

/// The text of a file of the person's: a little more than is taken of one, so that too much is noticed.
fn read_file(path: &Utf8Path) -> Option<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let file = std::fs::File::open(path).ok()?;
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
