//! From a reply to files on disk.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc
)]

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_edit::{EditRequest, Proposal, propose};
use pleach_policy::PathRules;
use pleach_workspace::{Journal, Landed, WorkspaceSnapshot, WriteError};

/// A workspace with `files`.
fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(guard.path())
        .unwrap()
        .canonicalize_utf8()
        .unwrap()
        .join("ws");
    fs::create_dir(&root).unwrap();
    for (name, text) in files {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), text).unwrap();
    }
    (guard, root)
}

fn snapshot(root: &Utf8Path) -> WorkspaceSnapshot {
    WorkspaceSnapshot::new(&[root.to_owned()], [], PathRules::default())
}

fn proposal(workspace: &WorkspaceSnapshot, reply: &str) -> Proposal {
    propose(&EditRequest::new(reply, workspace)).unwrap()
}

/// The state folder is beside the workspace.
fn write_all(workspace: &WorkspaceSnapshot, proposal: &Proposal) -> Result<Landed, WriteError> {
    let state = workspace.roots()[0].with_file_name("state");
    let journal = Journal::new(&state);
    let landed = pleach_workspace::write_all(workspace, proposal.files(), &journal);
    let left = fs::read_dir(state.join("landing")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing is left in the journal");
    landed
}

const PATCH: &str = "\
*** Begin Patch
*** Update File: a.txt
@@
-one
+ONE
*** Add File: new/b.txt
+fresh
*** Delete File: gone.txt
*** Update File: old.txt
*** Move to: moved.txt
@@
-two
+TWO
*** End Patch
";

#[test]
fn a_patch_of_all_kinds_is_written_byte_for_byte() {
    let files = [
        ("a.txt", "\u{feff}one\r\nrest"),
        ("gone.txt", "bye\n"),
        ("old.txt", "two\n"),
    ];
    let (_guard, root) = workspace(&files);
    let workspace = snapshot(&root);
    write_all(&workspace, &proposal(&workspace, PATCH)).unwrap();
    let read = |name: &str| fs::read_to_string(root.join(name)).ok();
    assert_eq!(read("a.txt").as_deref(), Some("\u{feff}ONE\r\nrest"));
    assert_eq!(read("new/b.txt").as_deref(), Some("fresh\n"));
    assert_eq!(read("moved.txt").as_deref(), Some("TWO\n"));
    assert_eq!((read("gone.txt"), read("old.txt")), (None, None));
    assert_eq!(
        root.read_dir_utf8().unwrap().count(),
        3,
        "nothing temporary is left"
    );
}

#[test]
fn a_file_that_changed_since_stops_everything() {
    let (_guard, root) = workspace(&[
        ("a.txt", "one\n"),
        ("gone.txt", "bye\n"),
        ("old.txt", "two\n"),
    ]);
    let workspace = snapshot(&root);
    let proposal = proposal(&workspace, PATCH);
    fs::write(root.join("old.txt"), "two, and more\n").unwrap();
    let error = write_all(&workspace, &proposal).unwrap_err();
    assert_eq!(error.code(), "changed-on-disk");
    assert_eq!(fs::read_to_string(root.join("a.txt")).unwrap(), "one\n");
    assert!(root.join("gone.txt").exists() && !root.join("new").exists());
}

#[cfg(unix)]
#[test]
fn a_link_inside_the_workspace_stays_a_link() {
    let (_guard, root) = workspace(&[("real/a.txt", "one\n")]);
    std::os::unix::fs::symlink("real/a.txt", root.join("link.txt")).unwrap();
    let workspace = snapshot(&root);
    let reply = "link.txt\n<<<<<<< SEARCH\none\n=======\ntwo\n>>>>>>> REPLACE\n";
    write_all(&workspace, &proposal(&workspace, reply)).unwrap();
    assert!(root.join("link.txt").is_symlink());
    assert_eq!(
        fs::read_to_string(root.join("real/a.txt")).unwrap(),
        "two\n"
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_was_turned_outwards_since_is_not_followed() {
    let (_guard, root) = workspace(&[("dir/a.txt", "one\n")]);
    let outside = root.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a.txt"), "one\n").unwrap();
    let workspace = snapshot(&root);
    let reply = "dir/a.txt\n<<<<<<< SEARCH\none\n=======\ntwo\n>>>>>>> REPLACE\n";
    let proposal = proposal(&workspace, reply);
    fs::remove_dir_all(root.join("dir")).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("dir")).unwrap();
    let error = write_all(&workspace, &proposal).unwrap_err();
    assert_eq!(error.code(), "link-out-of-workspace");
    assert_eq!(fs::read_to_string(outside.join("a.txt")).unwrap(), "one\n");
}
