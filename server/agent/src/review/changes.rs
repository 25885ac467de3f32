//! What has changed in the workspace since the last commit: what git says is different, with the texts of
//! open documents as they are now.
//!
//! Git is run without a shell, without the person's settings, hooks and helpers, and in the sandbox where
//! there is one: a repository can name programs that git would run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_exec::{CommandLine, Confined, Ending, Limits, Reach, Sandbox, run_confined};
use pleach_text::{ByteRange, ChangeSet, unified_diff};
use pleach_workspace::{WorkspaceSnapshot, uri_from_path};

use super::ReviewFailure;
use crate::confine::seen;
use crate::tools::Commands;

/// Changed files that are looked at.
const MOST_FILES: usize = 100;
/// Bytes of one output of git.
const OUTPUT: usize = 4 << 20;
/// How long git may take.
const WITHIN: Duration = Duration::from_secs(30);
/// Lines of unchanged text around each change.
const CONTEXT: usize = 8;
/// Keeps git from running anything but itself, and from writing.
const CAREFUL: [&str; 10] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "core.quotePath=false",
    "--no-pager",
    "--literal-pathspecs",
];
const VARIABLES: [(&str, &str); 5] = [
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
];

/// A file that has changed.
pub(super) struct ChangedFile {
    pub(super) path: String,
    /// As it was committed; `None` for a new file.
    pub(super) before: Option<String>,
    /// As it is now; `None` for a file that is gone.
    pub(super) after: Option<Arc<str>>,
}

impl ChangedFile {
    /// The change in the unified form.
    pub(super) fn diff(&self) -> String {
        let none = || "/dev/null".to_owned();
        let from = self
            .before
            .as_ref()
            .map_or_else(none, |_| format!("a/{}", self.path));
        let to = self
            .after
            .as_ref()
            .map_or_else(none, |_| format!("b/{}", self.path));
        // A working tree may have other line endings than what is committed.
        let plain = |text: &str| text.replace("\r\n", "\n");
        let before = plain(self.before.as_deref().unwrap_or_default());
        let after = plain(self.after.as_deref().unwrap_or_default());
        unified_diff(&before, &after, &from, &to, CONTEXT)
    }

    /// From the first to the last change, in the present text; `None` where all of it is new.
    pub(super) fn changed(&self) -> Option<ByteRange> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        let back = ChangeSet::between(after, before);
        let places = back.replacements().iter().map(|it| it.delete);
        places.reduce(ByteRange::cover)
    }
}

/// What has changed.
pub(super) struct Changes {
    pub(super) files: Vec<ChangedFile>,
    /// What cannot be shown, and why.
    pub(super) left_out: Vec<String>,
}

/// What has changed in the folders of the workspace since the last commit.
pub(super) async fn since_commit(
    workspace: &WorkspaceSnapshot,
    commands: &Commands,
) -> Result<Changes, ReviewFailure> {
    let mut changes = Changes {
        files: Vec::new(),
        left_out: Vec::new(),
    };
    let mut why = "no folder is open".to_owned();
    let mut is_kept = false;
    for root in workspace.roots() {
        let Some(keeps) = repository(root.as_std_path()) else {
            why = format!("{root} is in no git repository");
            continue;
        };
        let git = Git {
            root,
            keeps,
            commands,
        };
        match git.look(workspace, &mut changes).await {
            Ok(()) => is_kept = true,
            Err(failed) => why = failed,
        }
    }
    if is_kept {
        Ok(changes)
    } else {
        Err(ReviewFailure::NoRepository(why))
    }
}

struct Git<'a> {
    root: &'a Utf8Path,
    /// Where the repository keeps what it knows.
    keeps: Vec<PathBuf>,
    commands: &'a Commands,
}

impl Git<'_> {
    async fn look(
        &self,
        workspace: &WorkspaceSnapshot,
        changes: &mut Changes,
    ) -> Result<(), String> {
        let diff = [
            "diff",
            "--name-only",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
        ];
        let diff = diff
            .into_iter()
            .chain(["--ignore-submodules", "--relative", "HEAD", "--", "."]);
        let has_commits = self
            .run(["rev-parse", "--verify", "-q", "HEAD"])
            .await
            .is_ok();
        let mut names = BTreeSet::new();
        let mut tracked = BTreeSet::new();
        if has_commits {
            tracked = names_in(&self.run(diff).await?);
        } else {
            names = names_in(&self.run(["ls-files", "-z", "--cached"]).await?);
        }
        let new = self
            .run(["ls-files", "-z", "--others", "--exclude-standard"])
            .await?;
        names.extend(names_in(&new));
        if has_commits {
            // What is typed and not saved is on no disk.
            for (name, _) in workspace.open_documents() {
                let relative = workspace.locate(&name).ok();
                let relative = relative
                    .and_then(|it| it.path.strip_prefix(self.root).ok().map(Utf8Path::to_owned));
                tracked.extend(relative.filter(|it| !names.contains(it)));
            }
        }
        let all = tracked.iter().map(|name| (name, true));
        let all = all.chain(names.iter().map(|name| (name, false)));
        for (relative, is_tracked) in all {
            let absolute = self.root.join(relative);
            let Ok(name) = workspace.name_to_read(&uri_from_path(&absolute)) else {
                changes.left_out.push(format!("{relative} may not be read"));
                continue;
            };
            if changes.files.len() >= MOST_FILES {
                let left = format!("more than {MOST_FILES} files have changed");
                if !changes.left_out.contains(&left) {
                    changes.left_out.push(left);
                }
                break;
            }
            let before = if is_tracked {
                let blob = format!("HEAD:./{relative}");
                self.run(["cat-file", "blob", blob.as_str()]).await.ok()
            } else {
                None
            };
            let after = if workspace.exists(&name) {
                match workspace.read_text(&name) {
                    Ok(text) => Some(text),
                    Err(error) => {
                        changes.left_out.push(error.to_string());
                        continue;
                    }
                }
            } else {
                None
            };
            let file = ChangedFile {
                path: name,
                before,
                after,
            };
            if !file.diff().is_empty() {
                changes.files.push(file);
            }
        }
        Ok(())
    }

    /// Runs git in the folder and gives what it prints, or its complaint.
    async fn run<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Result<String, String> {
        let argv: Vec<String> = ["git"]
            .into_iter()
            .chain(CAREFUL)
            .chain(words)
            .map(str::to_owned)
            .collect();
        let mut variables = seen(&self.commands.variables);
        variables.retain(|(name, _)| name != "LC_ALL");
        variables.extend(VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let folder = self.root.as_std_path().to_owned();
        if let Ok(sandbox) = Sandbox::of_this_program() {
            let mut reach = Reach::to_read(&folder, None);
            reach.read.extend(self.keeps.iter().cloned());
            let confined = Confined {
                argv,
                folder,
                variables,
                limits: Limits {
                    wall: WITHIN,
                    kept: OUTPUT,
                    ..Limits::default()
                },
                reach,
            };
            let ended = run_confined(&sandbox, &confined).await;
            let ended = ended.map_err(|error| error.to_string())?;
            return if ended.ending != Ending::Exited(0) {
                Err(complaint(&ended.stderr.text()))
            } else if ended.stdout.omitted() > 0 {
                Err("git printed too much".to_owned())
            } else {
                Ok(ended.stdout.text())
            };
        }
        let command = CommandLine {
            argv,
            directory: Some(folder),
            variables,
            timeout: WITHIN,
            max_output: OUTPUT,
        };
        let output = pleach_exec::run(&command).await;
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(complaint(&String::from_utf8_lossy(&output.stderr)))
        }
    }
}

fn names_in(listed: &str) -> BTreeSet<Utf8PathBuf> {
    let names = listed.split('\0').filter(|name| !name.is_empty());
    names.map(Utf8PathBuf::from).collect()
}

/// The first line of a complaint.
fn complaint(printed: &str) -> String {
    let line = printed.lines().find(|line| !line.trim().is_empty());
    let plain = line.unwrap_or("git failed").chars();
    plain.filter(|c| !c.is_control()).take(200).collect()
}

/// Where the repository that a folder is in keeps what it knows. What lies elsewhere counts only if it says
/// itself that this working tree is its own: a folder from anywhere could point at any repository.
fn repository(folder: &Path) -> Option<Vec<PathBuf>> {
    let folder = folder.canonicalize().ok()?;
    let top = folder.ancestors().find(|it| it.join(".git").exists())?;
    let git = top.join(".git");
    let rules = [".gitignore", ".gitattributes"].map(|name| top.join(name));
    if git.is_dir() {
        return Some(rules.into_iter().chain([git]).collect());
    }
    let text = std::fs::read_to_string(&git).ok()?;
    let elsewhere = top.join(text.strip_prefix("gitdir:")?.trim());
    let elsewhere = elsewhere.canonicalize().ok()?;
    let read = |name: &str| std::fs::read_to_string(elsewhere.join(name)).ok();
    let points_back = read("gitdir").is_some_and(|back| {
        let back = elsewhere.join(back.trim());
        back.canonicalize().is_ok_and(|back| back == git)
    });
    let is_submodule = || {
        let config = read("config").unwrap_or_default();
        let tree = config.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "worktree").then(|| elsewhere.join(value.trim()))
        });
        tree.is_some_and(|tree| tree.canonicalize().is_ok_and(|tree| tree == top))
    };
    if !points_back && !is_submodule() {
        return None;
    }
    let common = read("commondir").map(|common| elsewhere.join(common.trim()));
    let keeps = rules.into_iter().chain([elsewhere]).chain(common);
    Some(keeps.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pointer_to_a_repository_elsewhere_counts_only_if_that_points_back() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (tree, kept) = (root.join("tree"), root.join("kept"));
        std::fs::create_dir(&tree).unwrap();
        std::fs::create_dir(&kept).unwrap();
        assert_eq!(repository(&tree), None);
        std::fs::write(tree.join(".git"), format!("gitdir: {}\n", kept.display())).unwrap();
        assert_eq!(repository(&tree), None, "anybody could write that");
        let back = format!("{}\n", tree.join(".git").display());
        std::fs::write(kept.join("gitdir"), back).unwrap();
        assert!(repository(&tree).unwrap().contains(&kept));
    }

    #[test]
    fn a_change_is_a_diff_and_a_place() {
        let file = ChangedFile {
            path: "a.txt".into(),
            before: Some("one\ntwo\nthree\n".into()),
            after: Some("one\r\n2\r\nthree\r\n".into()),
        };
        let diff = file.diff();
        assert!(
            diff.contains("-two\n+2\n") && !diff.contains("-one"),
            "{diff}"
        );
        let new = ChangedFile {
            before: None,
            ..file
        };
        assert!(new.diff().starts_with("--- /dev/null\n+++ b/a.txt\n"));
        assert_eq!(new.changed(), None);
    }
}
