//! Landing on closed files, seen from outside: what is on disk afterwards, whatever went wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc
)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_edit::FileChange;
use pleach_policy::PathRules;
use pleach_text::ChangeSet;
use pleach_workspace::{Journal, Landed, Operation, WorkspaceSnapshot, WriteError, write_all};

mod attributes;
mod escapes;
mod faults;
mod interference;
#[cfg(unix)]
mod killed;
mod random;

/// Every file and folder of a workspace: a file with its text, a folder without.
type Tree = BTreeMap<String, Option<String>>;

/// A workspace and a state folder.
struct Place {
    _guard: tempfile::TempDir,
    root: Utf8PathBuf,
    state: Utf8PathBuf,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let guard = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(guard.path()).unwrap();
        let top = top.canonicalize_utf8().unwrap();
        let place = Self {
            _guard: guard,
            root: top.join("ws"),
            state: top.join("state"),
        };
        fs::create_dir(&place.root).unwrap();
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).unwrap()
    }

    fn snapshot(&self) -> WorkspaceSnapshot {
        WorkspaceSnapshot::new(std::slice::from_ref(&self.root), [], PathRules::default())
    }

    fn land(&self, changes: &[FileChange], journal: &Journal) -> Result<Landed, WriteError> {
        write_all(&self.snapshot(), changes, journal)
    }

    fn journal(&self) -> Journal {
        Journal::new(&self.state)
    }

    /// A journal whose operations are counted, and go through `watch` with their number.
    fn watched(
        &self,
        watch: impl Fn(usize, Operation, &Utf8Path) -> io::Result<()> + Send + Sync + 'static,
    ) -> (Journal, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let watch = move |operation: Operation, path: &Utf8Path| {
            watch(counted.fetch_add(1, Ordering::Relaxed), operation, path)
        };
        (Journal::watched(&self.state, Arc::new(watch)), count)
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir_utf8().unwrap() {
                let path = entry.unwrap().into_path();
                let name = path.strip_prefix(&self.root).unwrap().to_string();
                if path.is_dir() {
                    tree.insert(name, None);
                    folders.push(path);
                } else {
                    tree.insert(name, Some(fs::read_to_string(path).unwrap()));
                }
            }
        }
        tree
    }

    /// What is left of landings in the state folder.
    fn journal_files(&self) -> usize {
        fs::read_dir(self.state.join("landing")).map_or(0, Iterator::count)
    }

    /// Brings everything to an end, and expects that to succeed and to leave nothing behind.
    fn recover(&self) {
        for recovered in self.journal().recover(None).unwrap() {
            assert!(recovered.is_whole(), "{recovered:?}");
        }
        assert_eq!(self.journal_files(), 0, "the journal is empty");
    }
}

fn edit(path: &str, before: &str, after: &str) -> FileChange {
    FileChange::Edit {
        path: path.into(),
        before: before.into(),
        changes: ChangeSet::between(before, after),
    }
}

fn create(path: &str, text: &str) -> FileChange {
    FileChange::Create {
        path: path.into(),
        text: text.into(),
    }
}

fn delete(path: &str, before: &str) -> FileChange {
    FileChange::Delete {
        path: path.into(),
        before: before.into(),
    }
}

fn rename(from: &str, to: &str, before: &str, after: &str) -> FileChange {
    FileChange::Rename {
        from: from.into(),
        to: to.into(),
        before: before.into(),
        changes: ChangeSet::between(before, after),
    }
}

const FILES: &[(&str, &str)] = &[
    ("a.txt", "\u{feff}one\r\ntwo"),
    ("src/b.txt", "bee\n"),
    ("gone.txt", "bye\n"),
    ("old/name.txt", "named\n"),
    ("untouched.txt", "as ever\n"),
];

/// One landing with everything in it: two edits, a new file in new folders, a deletion, a rename.
fn of_all_kinds() -> Vec<FileChange> {
    vec![
        edit("a.txt", "\u{feff}one\r\ntwo", "\u{feff}ONE\r\ntwo"),
        create("new/er/c.txt", "fresh\n"),
        delete("gone.txt", "bye\n"),
        edit("src/b.txt", "bee\n", "bee\nsea\n"),
        rename("old/name.txt", "new/name.txt", "named\n", "renamed\n"),
    ]
}

/// The tree before that landing and after it.
fn before_and_after() -> (Tree, Tree) {
    let place = Place::new(FILES);
    let before = place.tree();
    place.land(&of_all_kinds(), &place.journal()).unwrap();
    (before, place.tree())
}

/// How many operations that landing takes on a system of this kind.
fn operations(system: System) -> usize {
    let place = Place::new(FILES);
    let (journal, count) = place.watched(move |_, operation, _| system.knows(operation));
    place.land(&of_all_kinds(), &journal).unwrap();
    count.load(Ordering::Relaxed)
}

/// What a file system can do.
#[derive(Debug, Clone, Copy)]
enum System {
    Full,
    /// It cannot exchange two files, nor rename to a name only if it is free.
    PlainRenames,
    /// Nor give a file a second name.
    NoLinks,
}

impl System {
    const ALL: [Self; 3] = [Self::Full, Self::PlainRenames, Self::NoLinks];

    fn knows(self, operation: Operation) -> io::Result<()> {
        let is_unknown = match self {
            Self::Full => false,
            Self::PlainRenames => matches!(operation, Operation::Exchange | Operation::Move),
            Self::NoLinks => matches!(
                operation,
                Operation::Exchange | Operation::Move | Operation::Link
            ),
        };
        if is_unknown {
            Err(io::ErrorKind::Unsupported.into())
        } else {
            Ok(())
        }
    }
}

/// From the operation `at` on, nothing happens any more: the process has ended.
fn ends_at(at: usize, system: System) -> impl Fn(usize, Operation, &Utf8Path) -> io::Result<()> {
    move |number, operation, _| {
        if number >= at {
            return Err(io::Error::other("the process has ended"));
        }
        system.knows(operation)
    }
}

#[test]
fn all_kinds_of_change_land_at_once_and_leave_nothing_behind() {
    for system in System::ALL {
        let place = Place::new(FILES);
        let (journal, _) = place.watched(move |_, operation, _| system.knows(operation));
        let landed = place.land(&of_all_kinds(), &journal).unwrap();
        assert_eq!(landed, Landed::default());
        let file = |text: &str| Some(text.to_owned());
        let expected = [
            ("a.txt", file("\u{feff}ONE\r\ntwo")),
            ("new", None),
            ("new/er", None),
            ("new/er/c.txt", file("fresh\n")),
            ("new/name.txt", file("renamed\n")),
            ("old", None),
            ("src", None),
            ("src/b.txt", file("bee\nsea\n")),
            ("untouched.txt", file("as ever\n")),
        ];
        let expected: Tree = expected.map(|(name, text)| (name.to_owned(), text)).into();
        assert_eq!(place.tree(), expected, "{system:?}");
        assert_eq!(place.journal_files(), 0);
    }
}

#[test]
fn a_change_that_changes_nothing_touches_nothing() {
    let place = Place::new(&[("a.txt", "same\n")]);
    let (journal, count) = place.watched(|_, _, _| Ok(()));
    place
        .land(&[edit("a.txt", "same\n", "same\n")], &journal)
        .unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[test]
fn without_a_journal_nothing_is_written() {
    let place = Place::new(FILES);
    let before = place.tree();
    fs::write(&place.state, "a file where the state folder should be").unwrap();
    let error = place.land(&of_all_kinds(), &place.journal()).unwrap_err();
    assert_eq!(error.code(), "journal-unusable");
    assert_eq!(place.tree(), before);
}

#[test]
fn the_journal_holds_no_text_and_is_closed_to_others() {
    let place = Place::new(&[("a.txt", "the secret plan\n")]);
    let state = place.state.clone();
    let (journal, _) = place.watched(move |_, operation, _| {
        if operation != Operation::Exchange {
            return Ok(());
        }
        let mut entries = fs::read_dir(state.join("landing")).unwrap();
        let path = entries.next().unwrap().unwrap().path();
        assert!(!fs::read_to_string(&path).unwrap().contains("secret"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode();
            assert_eq!(mode(&path) & 0o777, 0o600);
            assert_eq!(mode(path.parent().unwrap()) & 0o777, 0o700);
        }
        Ok(())
    });
    let change = edit("a.txt", "the secret plan\n", "another secret\n");
    place.land(&[change], &journal).unwrap();
}
