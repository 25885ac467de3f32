//! What has changed in the workspace since the last commit: what git says is different, with the texts of
//! open documents as they are now.
//!
//! Git is run without a shell, without the person's settings, hooks and helpers, and in the sandbox where
//! there is one: a repository can name programs that git would run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_exec::{CommandLine, Confined, Ending, Limits, Reach, Sandbox, run_confined};
use pleach_text::{ByteRange, ChangeSet, unified_diff};
use pleach_workspace::{WorkspaceSnapshot, uri_from_path};

use super::ReviewFailure;
use crate::call::aside;
use crate::confine::seen;
use crate::failure::JobFailure;
use crate::shield::Shield;
use crate::tools::Commands;

/// What a failure on the way to the disk is called.
const LOOKING: &str = "looking for what has changed";

/// Changed files that are looked at.
const MOST_FILES: usize = 100;
/// Bytes of one output of git.
const OUTPUT: usize = 4 << 20;
/// How long git may take.
const WITHIN: Duration = Duration::from_secs(30);
/// Lines of unchanged text around each change.
const CONTEXT: usize = 8;
/// Keeps git from running anything but itself, and from writing.
const CAREFUL: [&str; 9] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "core.quotePath=false",
    "--no-pager",
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
    /// As it was committed, with the line endings of `after`; `None` for a new file.
    pub(super) before: Option<String>,
    /// As it is now; `None` for a file that is gone.
    pub(super) after: Option<Arc<str>>,
}

impl ChangedFile {
    /// `None` where only line endings differ: a working tree may have others than what is committed.
    pub(super) fn new(
        path: String,
        before: Option<String>,
        after: Option<Arc<str>>,
    ) -> Option<Self> {
        let before = match (before, after.as_deref()) {
            (Some(before), Some(after)) => Some(with_endings_of(after, before)),
            (before, _) => before,
        };
        let is_same = before.as_deref() == after.as_deref();
        (!is_same).then_some(Self {
            path,
            before,
            after,
        })
    }

    /// The change in the unified form, of the file as `hide` shows it. It is given all of each side: of the
    /// lines of a diff alone nobody sees where a secret begins and ends.
    pub(super) fn diff(&self, mut hide: impl FnMut(&str) -> String) -> String {
        let none = || "/dev/null".to_owned();
        let from = self
            .before
            .as_ref()
            .map_or_else(none, |_| format!("a/{}", self.path));
        let to = self
            .after
            .as_ref()
            .map_or_else(none, |_| format!("b/{}", self.path));
        let mut shown = |text: &str| hide(text).replace("\r\n", "\n");
        let before = shown(self.before.as_deref().unwrap_or_default());
        let after = shown(self.after.as_deref().unwrap_or_default());
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

/// `text` with the line endings that `model` has, where each of them has one kind only.
fn with_endings_of(model: &str, text: String) -> String {
    let windows = |text: &str| text.matches("\r\n").count();
    let all = |text: &str| text.matches('\n').count();
    match (windows(model), windows(&text)) {
        (0, some) if some > 0 => text.replace("\r\n", "\n"),
        (some, 0) if some > 0 && some == all(model) => text.replace('\n', "\r\n"),
        _ => text,
    }
}

/// What has changed.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) files: Vec<ChangedFile>,
    /// What cannot be shown, and why.
    pub(super) left_out: Vec<String>,
}

/// How a file stands to what is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    /// It was there.
    Committed,
    /// It was not.
    New,
}

/// Files by their paths in the folder.
type Listed = BTreeMap<Utf8PathBuf, Stands>;

/// A file that may be shown.
struct Wanted {
    relative: Utf8PathBuf,
    name: String,
    stands: Stands,
    after: Option<Arc<str>>,
}

/// What has changed in the folders of the workspace since the last commit.
pub(super) async fn since_commit(
    workspace: &WorkspaceSnapshot,
    commands: Option<&Commands>,
) -> Result<Changes, JobFailure> {
    let commands = commands
        .ok_or_else(|| ReviewFailure::NoRepository("no program can be run here".to_owned()))?;
    let mut changes = Changes::default();
    let mut why = "no folder is open".to_owned();
    let mut is_kept = false;
    for root in workspace.roots() {
        let folder = root.as_std_path().to_owned();
        let found = aside(LOOKING, move || repository(&folder)).await?;
        let Some(keeps) = found else {
            why = format!("{root} is in no git repository");
            continue;
        };
        let git = Git {
            root,
            keeps,
            commands,
        };
        match git.look(workspace, &mut changes).await? {
            Ok(()) => is_kept = true,
            Err(failed) => why = failed,
        }
    }
    if is_kept {
        Ok(changes)
    } else {
        Err(ReviewFailure::NoRepository(why).into())
    }
}

struct Git<'a> {
    root: &'a Utf8Path,
    /// Where the repository keeps what it knows.
    keeps: Vec<PathBuf>,
    commands: &'a Commands,
}

impl Git<'_> {
    /// Adds what has changed in the folder. The inner error is what git complains of.
    async fn look(
        &self,
        workspace: &WorkspaceSnapshot,
        changes: &mut Changes,
    ) -> Result<Result<(), String>, JobFailure> {
        let (read, root) = (workspace.clone(), self.root.to_owned());
        let open = aside(LOOKING, move || open_in(&read, &root)).await?;
        let (listed, unknown) = match self.listed(open).await {
            Ok(listed) => listed,
            Err(failed) => return Ok(Err(failed)),
        };
        changes.left_out.extend(unknown);
        let (read, folder, most) = (
            workspace.clone(),
            self.root.to_owned(),
            MOST_FILES.saturating_sub(changes.files.len()),
        );
        let readable = aside(LOOKING, move || readable(&read, &folder, listed, most)).await?;
        for left in readable.left_out {
            if !changes.left_out.contains(&left) {
                changes.left_out.push(left);
            }
        }
        for file in readable.files {
            let before = match file.stands {
                Stands::New => None,
                Stands::Committed => {
                    let blob = format!("HEAD:./{}", file.relative);
                    match self.run(&["cat-file", "blob", &blob]).await {
                        // As git takes it.
                        Ok(text) if text.contains('\0') => {
                            let left = format!("{} was no text", file.name);
                            changes.left_out.push(left);
                            continue;
                        }
                        Ok(text) => Some(text),
                        Err(why) => {
                            let left = format!("what {} was is not known: {why}", file.name);
                            changes.left_out.push(left);
                            continue;
                        }
                    }
                }
            };
            let file = ChangedFile::new(file.name, before, file.after);
            changes.files.extend(file);
        }
        Ok(Ok(()))
    }

    /// The files that differ from what is committed, or may, as they are `open` and not saved; and of which of
    /// these nobody knows it.
    async fn listed(&self, open: BTreeSet<Utf8PathBuf>) -> Result<(Listed, Vec<String>), String> {
        let others = ["ls-files", "-z", "--others", "--exclude-standard"];
        let mut listed: Listed = BTreeMap::new();
        let mut add = |names: BTreeSet<Utf8PathBuf>, stands| {
            listed.extend(names.into_iter().map(|name| (name, stands)));
        };
        add(names_in(&self.run(&others).await?), Stands::New);
        let has_commits = self.run(&["rev-parse", "--verify", "-q", "HEAD"]).await;
        if has_commits.is_err() {
            let all = self.run(&["ls-files", "-z", "--cached"]).await?;
            add(names_in(&all), Stands::New);
        } else {
            let diff = [
                "diff",
                "--name-status",
                "-z",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
                "--ignore-submodules",
                "--relative",
                "HEAD",
                "--",
                ".",
            ];
            listed.extend(statuses_in(&self.run(&diff).await?));
        }
        let unsaved: Vec<&str> = open
            .iter()
            .filter(|name| !listed.contains_key(*name))
            .map(|name| name.as_str())
            .collect();
        if unsaved.is_empty() {
            return Ok((listed, Vec::new()));
        }
        let mut committed = BTreeSet::new();
        if has_commits.is_ok() {
            let tree = ["ls-tree", "-r", "-z", "--name-only", "HEAD", "--"];
            let words = [&tree[..], &unsaved].concat();
            committed = names_in(&self.run(&words).await?);
        }
        let unknown = unsaved
            .iter()
            .copied()
            .filter(|name| !committed.contains(Utf8Path::new(name)));
        let unknown: Vec<&str> = unknown.collect();
        let (new, left_out) = self.not_ignored(&unknown).await;
        listed.extend(committed.into_iter().map(|name| (name, Stands::Committed)));
        listed.extend(new.into_iter().map(|name| (name, Stands::New)));
        Ok((listed, left_out))
    }

    /// Those of the names that would not be ignored, and of which of them git does not tell.
    async fn not_ignored(&self, names: &[&str]) -> (BTreeSet<Utf8PathBuf>, Vec<String>) {
        if let Ok(new) = self.ask_ignored(names).await {
            return (new, Vec::new());
        }
        // It tells of none if one of them is in a submodule, or behind a link.
        let (mut new, mut left_out) = (BTreeSet::new(), Vec::new());
        for name in names {
            match self.ask_ignored(&[name]).await {
                Ok(one) => new.extend(one),
                Err(why) => left_out.push(format!(
                    "{name} is open, and git does not tell of it: {why}"
                )),
            }
        }
        (new, left_out)
    }

    /// Those of the names that would not be ignored: what is on no disk is in no list of git's.
    async fn ask_ignored(&self, names: &[&str]) -> Result<BTreeSet<Utf8PathBuf>, String> {
        if names.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut words = vec!["check-ignore", "-v", "-n", "--"];
        // It knows no literal paths; what begins so is one.
        let paths: Vec<String> = names.iter().map(|name| format!("./{name}")).collect();
        words.extend(paths.iter().map(String::as_str));
        let told = self.ended(&words, &[0, 1]).await?;
        Ok(not_ignored_in(&told))
    }

    /// Runs git in the folder and gives what it prints, or its complaint.
    async fn run(&self, words: &[&str]) -> Result<String, String> {
        let words = [&["--literal-pathspecs"], words].concat();
        self.ended(&words, &[0]).await
    }

    /// Runs git, where more than one end of it may be a good one.
    async fn ended(&self, words: &[&str], well: &[i32]) -> Result<String, String> {
        let argv: Vec<String> = ["git"]
            .into_iter()
            .chain(CAREFUL)
            .chain(words.iter().copied())
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
                lock: None,
            };
            let ended = run_confined(&sandbox, &confined).await;
            let ended = ended.map_err(|error| error.to_string())?;
            let is_well = matches!(ended.ending, Ending::Exited(code) if well.contains(&code));
            return if !is_well {
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
        if output
            .status
            .code()
            .is_some_and(|code| well.contains(&code))
        {
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

/// What `git diff --name-status -z` says: a letter and a path, in turn.
fn statuses_in(listed: &str) -> Listed {
    let mut words = listed.split('\0');
    let mut files = Listed::new();
    while let (Some(letter), Some(name)) = (words.next(), words.next()) {
        // Only what was added has nothing that was committed.
        let stands = if letter == "A" {
            Stands::New
        } else {
            Stands::Committed
        };
        files.insert(Utf8PathBuf::from(name), stands);
    }
    files
}

/// What `git check-ignore -v -n` says, line by line: the file of the rule, its line and the rule, with colons
/// between them, a tabulator, and the path. No rule applies where these are empty; one that begins with `!`
/// takes the path in. A path that git has put in quotes is left out.
fn not_ignored_in(listed: &str) -> BTreeSet<Utf8PathBuf> {
    let kept = listed.lines().filter_map(|line| {
        let (rule, name) = line.rsplit_once('\t')?;
        let rule = rule.splitn(3, ':').nth(2)?;
        let is_kept = rule.is_empty() || rule.starts_with('!');
        let name = name.strip_prefix("./").filter(|_| is_kept)?;
        Some(Utf8PathBuf::from(name))
    });
    kept.collect()
}

/// The open documents in a folder of the workspace, by their paths in it. Asks the disk.
fn open_in(workspace: &WorkspaceSnapshot, root: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let open = workspace.open_documents();
    let names = open.map(|(name, _)| name);
    names
        .filter_map(|name| {
            let located = workspace.locate(&name).ok()?;
            let relative = located.path.strip_prefix(root).ok()?;
            Some(relative.to_owned())
        })
        .collect()
}

/// Those of the listed files that may be shown, as they are now, and at most so many. Asks the disk.
fn readable(
    workspace: &WorkspaceSnapshot,
    root: &Utf8Path,
    listed: Listed,
    most: usize,
) -> Readable {
    let mut readable = Readable::default();
    let shield = Shield::of(workspace);
    let mut listed: Vec<(Utf8PathBuf, Stands)> = listed.into_iter().collect();
    // Of too many what was there before comes first.
    listed.sort_by_key(|(_, stands)| *stands);
    for (relative, stands) in listed {
        if readable.files.len() >= most {
            let left = format!("more than {MOST_FILES} files have changed");
            readable.left_out.push(left);
            break;
        }
        let Ok(name) = workspace.name_to_read(&uri_from_path(&root.join(&relative))) else {
            readable
                .left_out
                .push(format!("{relative} may not be read"));
            continue;
        };
        if let Some(why) = shield.keeps_text_of(&name) {
            readable.left_out.push(format!("{name} is not sent: {why}"));
            continue;
        }
        let after = if workspace.exists(&name) {
            match workspace.read_text(&name) {
                Ok(text) => Some(text),
                Err(error) => {
                    readable.left_out.push(error.to_string());
                    continue;
                }
            }
        } else {
            None
        };
        readable.files.push(Wanted {
            relative,
            name,
            stands,
            after,
        });
    }
    readable
}

#[derive(Default)]
struct Readable {
    files: Vec<Wanted>,
    left_out: Vec<String>,
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
        let change = |before: Option<&str>, after: &str| {
            let before = before.map(str::to_owned);
            ChangedFile::new("a.txt".into(), before, Some(after.into()))
        };
        // What is checked out has the endings of its machine.
        let windows = "one\r\n2\r\nthree\r\n";
        let file = change(Some("one\ntwo\nthree\n"), windows).unwrap();
        let diff = file.diff(str::to_owned);
        assert!(
            diff.contains("-two\n+2\n") && !diff.contains("-one"),
            "{diff}"
        );
        let at = windows.find('2').unwrap();
        let changed = file.changed().unwrap().as_usize();
        assert!(changed.start == at && changed.end <= at + 3, "{changed:?}");
        assert!(change(Some("one\n2\nthree\n"), windows).is_none());
        let new = change(None, windows).unwrap();
        let diff = new.diff(str::to_owned);
        assert!(diff.starts_with("--- /dev/null\n+++ b/a.txt\n"), "{diff}");
        assert_eq!(new.changed(), None);
    }

    #[test]
    fn what_git_lists_is_understood() {
        let files = statuses_in("M\0a.rs\0A\0b.rs\0D\0c.rs\0");
        let new: Vec<&str> = files
            .iter()
            .filter(|(_, stands)| **stands == Stands::New)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!((files.len(), new), (3, vec!["b.rs"]));
        let told = "::\t./new.rs\n.gitignore:1:*.log\t./a.log\n.gitignore:2:!b.log\t./b.log\n";
        let kept: Vec<String> = not_ignored_in(told)
            .into_iter()
            .map(Utf8PathBuf::into_string)
            .collect();
        assert_eq!(kept, ["b.log", "new.rs"]);
    }
}
