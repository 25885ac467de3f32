//! What a snapshot shows of a real folder, and what it refuses to show.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::PathRules;
use pleach_workspace::{OpenDocument, WorkspaceSnapshot, uri_from_path};

/// A workspace `ws` with some files, and a folder `outside` beside it with a secret.
struct Disk {
    _guard: tempfile::TempDir,
    top: Utf8PathBuf,
}

impl Disk {
    fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(guard.path())
            .unwrap()
            .canonicalize_utf8()
            .unwrap();
        for folder in ["ws/src", "ws/.git", "outside/dir"] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        for (name, text) in [
            ("ws/src/a.rs", "on disk\n"),
            ("ws/src/b.rs", "b\n"),
            ("ws/.git/config", "git\n"),
            ("outside/secret.txt", "secret\n"),
        ] {
            fs::write(top.join(name), text).unwrap();
        }
        Self { _guard: guard, top }
    }

    fn snapshot(&self) -> WorkspaceSnapshot {
        self.with_open(&[])
    }

    fn with_open(&self, open: &[(&str, &str)]) -> WorkspaceSnapshot {
        let open = open.iter().map(|(path, text)| self.document(path, text));
        WorkspaceSnapshot::new(&[self.top.join("ws")], open, PathRules::default())
    }

    fn document(&self, path: &str, text: &str) -> OpenDocument {
        let path = self.top.join(path);
        OpenDocument {
            uri: uri_from_path(&path),
            path: Some(path),
            text: text.into(),
            language: None,
            version: 3,
        }
    }

    #[cfg(unix)]
    fn link(&self, link: &str, target: &str) {
        std::os::unix::fs::symlink(self.top.join(target), self.top.join(link)).unwrap();
    }
}

/// What reading `path` gives: its text, or the code of the refusal.
fn read(snapshot: &WorkspaceSnapshot, path: &str) -> String {
    match snapshot.read_text(path) {
        Ok(text) => text.to_string(),
        Err(error) => format!("refused: {}", error.code()),
    }
}

/// Two readers on two threads, and a disk that changes between them: the snapshot does not.
#[test]
fn everybody_who_shares_a_snapshot_sees_one_text_of_a_file() {
    let disk = Disk::new();
    let snapshot = disk.snapshot();
    let shared = snapshot.clone();
    let first = std::thread::spawn(move || shared.read_text("src/a.rs").unwrap());
    let first = first.join().unwrap();
    fs::write(disk.top.join("ws/src/a.rs"), "written meanwhile\n").unwrap();
    assert_eq!(*first, *snapshot.read_text("src/a.rs").unwrap());
    assert_eq!(
        &*disk.snapshot().read_text("src/a.rs").unwrap(),
        "written meanwhile\n"
    );
}

#[test]
fn open_documents_come_before_the_disk() {
    let disk = Disk::new();
    let snapshot = disk.with_open(&[("ws/src/a.rs", "typed\n"), ("ws/src/new.rs", "not saved\n")]);
    assert_eq!(read(&snapshot, "src/a.rs"), "typed\n");
    assert_eq!(read(&snapshot, "./src//a.rs"), "typed\n");
    assert_eq!(
        read(&snapshot, disk.top.join("ws/src/a.rs").as_str()),
        "typed\n"
    );
    assert_eq!(read(&snapshot, "src/b.rs"), "b\n");
    assert_eq!(read(&snapshot, "src/new.rs"), "not saved\n");
    assert!(snapshot.exists("src/new.rs") && !snapshot.exists("src/other.rs"));
    assert_eq!(snapshot.read("src/a.rs").unwrap().version, Some(3));
    assert_eq!(snapshot.names(), ["src/a.rs", "src/b.rs", "src/new.rs"]);
}

#[test]
fn a_snapshot_does_not_move() {
    let disk = Disk::new();
    let before = disk.with_open(&[("ws/src/a.rs", "one\n")]);
    let copy = before.clone();
    let after = disk.with_open(&[("ws/src/a.rs", "two\n")]);
    assert_eq!(read(&copy, "src/a.rs"), "one\n");
    assert_eq!(read(&after, "src/a.rs"), "two\n");
}

#[test]
fn the_editor_s_own_uri_is_kept() {
    let disk = Disk::new();
    let mut document = disk.document("ws/src/a b.rs", "");
    document.uri = document.uri.replace("%20", " ");
    let uri = document.uri.clone();
    let snapshot = WorkspaceSnapshot::new(&[disk.top.join("ws")], [document], PathRules::default());
    assert_eq!(snapshot.name_of(&uri).unwrap(), "src/a b.rs");
    assert_eq!(snapshot.uri_of("src/a b.rs").unwrap(), uri);
    assert!(
        snapshot
            .uri_of("src/c d.rs")
            .unwrap()
            .ends_with("/ws/src/c%20d.rs")
    );
}

#[test]
fn what_may_be_read_and_not_edited_has_a_uri_to_read() {
    let disk = Disk::new();
    let snapshot = WorkspaceSnapshot::new(&[disk.top.join("ws")], [], PathRules::default());
    let path = ".github/workflows/ci.yml";
    assert!(snapshot.uri_of(path).is_err());
    let uri = snapshot.uri_to_read(path).unwrap();
    assert_eq!(snapshot.name_to_read(&uri).unwrap(), path);
    assert!(snapshot.uri_to_read("../elsewhere.rs").is_err());
}

#[test]
fn a_document_that_is_no_file_yet_has_a_name_all_the_same() {
    let untitled = OpenDocument {
        uri: "untitled:Untitled-1".into(),
        path: None,
        text: "text".into(),
        language: None,
        version: 1,
    };
    let snapshot = WorkspaceSnapshot::new(&[], [untitled], PathRules::default());
    assert_eq!(
        snapshot.name_of("untitled:Untitled-1").unwrap(),
        "Untitled-1"
    );
    assert_eq!(
        snapshot.uri_of("Untitled-1").unwrap(),
        "untitled:Untitled-1"
    );
    assert_eq!(read(&snapshot, "Untitled-1"), "text");
    assert_eq!(
        snapshot.name_of("git:/a.rs?HEAD").unwrap_err().code(),
        "not-a-file"
    );
}

#[test]
fn without_a_workspace_a_document_s_own_folder_is_one() {
    let disk = Disk::new();
    let open = disk.document("ws/src/a.rs", "typed\n");
    let uri = open.uri.clone();
    let snapshot = WorkspaceSnapshot::new(&[], [open], PathRules::default());
    assert_eq!(snapshot.name_of(&uri).unwrap(), "a.rs");
    assert_eq!(read(&snapshot, "b.rs"), "b\n");
    assert!(
        snapshot
            .uri_of("test_a.rs")
            .unwrap()
            .ends_with("/ws/src/test_a.rs")
    );
    assert!(snapshot.roots().is_empty());
}

#[test]
fn what_is_no_text_is_refused() {
    let disk = Disk::new();
    fs::write(disk.top.join("ws/latin1.txt"), b"gr\xf6\xdfe").unwrap();
    fs::write(disk.top.join("ws/zero.bin"), b"a\0b").unwrap();
    fs::write(disk.top.join("ws/bom.txt"), "\u{feff}text\r\n").unwrap();
    fs::File::create(disk.top.join("ws/huge.txt"))
        .unwrap()
        .set_len(9 << 20)
        .unwrap();
    let snapshot = disk.snapshot();
    assert_eq!(read(&snapshot, "latin1.txt"), "refused: not-text");
    assert_eq!(read(&snapshot, "zero.bin"), "refused: not-text");
    assert_eq!(read(&snapshot, "bom.txt"), "\u{feff}text\r\n");
    assert_eq!(read(&snapshot, "huge.txt"), "refused: too-large");
    assert_eq!(read(&snapshot, "src"), "refused: not-regular");
    assert_eq!(read(&snapshot, "src/none.rs"), "refused: not-found");
}

#[test]
fn no_path_leads_out_by_its_letters() {
    let disk = Disk::new();
    let snapshot = disk.snapshot();
    let outside = disk.top.join("outside/secret.txt");
    let climbing = disk.top.join("ws/../outside/secret.txt");
    for path in [
        "../outside/secret.txt",
        "src/../../outside/secret.txt",
        "/etc/passwd",
        ".git/config",
    ]
    .into_iter()
    .chain([outside.as_str(), climbing.as_str()])
    {
        assert!(snapshot.read_text(path).is_err(), "{path}");
        assert!(snapshot.resolve(path).is_err(), "{path}");
        assert!(snapshot.uri_of(path).is_err(), "{path}");
        assert!(!snapshot.exists(path), "{path}");
    }
    assert!(snapshot.name_of(&uri_from_path(&outside)).is_err());
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    let disk = Disk::new();
    disk.link("ws/file", "outside/secret.txt");
    disk.link("ws/dir", "outside");
    disk.link("ws/to_git", "ws/.git");
    disk.link("ws/broken", "ws/nothing");
    disk.link("ws/circle", "ws/circle");
    let snapshot = disk.snapshot();
    assert_eq!(read(&snapshot, "file"), "refused: link-out-of-workspace");
    assert_eq!(
        read(&snapshot, "dir/secret.txt"),
        "refused: link-out-of-workspace"
    );
    assert_eq!(read(&snapshot, "broken"), "refused: broken-link");
    assert_eq!(read(&snapshot, "circle"), "refused: broken-link");
    assert!(snapshot.read_text("to_git/config").is_err());
    // Files that are still to be created.
    let code = |path: &str| snapshot.resolve(path).unwrap_err().code().to_owned();
    assert_eq!(code("dir/new.txt"), "link-out-of-workspace");
    assert_eq!(code("dir/deep/er/new.txt"), "link-out-of-workspace");
    assert_eq!(code("broken/new.txt"), "broken-link");
    assert!(snapshot.resolve("to_git/hooks/new").is_err());
    // Even when the editor shows it: its edit would go there as well.
    let open = disk.with_open(&[("ws/file", "typed\n")]);
    assert_eq!(read(&open, "file"), "refused: link-out-of-workspace");
}

#[cfg(unix)]
#[test]
fn links_inside_the_workspace_are_followed() {
    let disk = Disk::new();
    disk.link("ws/alias.rs", "ws/src/a.rs");
    disk.link("ws/source", "ws/src");
    let snapshot = disk.with_open(&[("ws/src/a.rs", "typed\n")]);
    assert_eq!(read(&snapshot, "alias.rs"), "typed\n");
    assert_eq!(read(&snapshot, "source/b.rs"), "b\n");
    let new = snapshot.resolve("source/deep/new.rs").unwrap();
    assert_eq!(new.path, disk.top.join("ws/src/deep/new.rs"));
}

#[cfg(unix)]
#[test]
fn an_editor_may_call_a_folder_by_a_link_and_its_files_by_their_real_paths() {
    let disk = Disk::new();
    disk.link("short", "ws");
    let open = disk.document("ws/src/a.rs", "typed\n");
    let uri = open.uri.clone();
    let root = disk.top.join("short");
    let snapshot = WorkspaceSnapshot::new(&[root], [open], PathRules::default());
    assert_eq!(snapshot.name_of(&uri).unwrap(), "src/a.rs");
    assert_eq!(read(&snapshot, "src/a.rs"), "typed\n");
    assert_eq!(snapshot.uri_of("src/a.rs").unwrap(), uri);
}

#[test]
fn ignored_and_hidden_files_are_not_listed() {
    let disk = Disk::new();
    fs::write(disk.top.join("ws/.gitignore"), "build/\n").unwrap();
    fs::create_dir(disk.top.join("ws/build")).unwrap();
    fs::write(disk.top.join("ws/build/out.rs"), "").unwrap();
    assert_eq!(disk.snapshot().names(), ["src/a.rs", "src/b.rs"]);
}

#[test]
fn a_root_s_settings_are_read_from_disk_only_and_from_inside_only() {
    let disk = Disk::new();
    fs::write(disk.top.join("ws/pleach.toml"), "saved").unwrap();
    fs::write(disk.top.join("outside/pleach.toml"), "not ours").unwrap();
    let snapshot = disk.with_open(&[("ws/pleach.toml", "being typed")]);
    let settings = |path: &str| snapshot.read_settings(&disk.top.join(path));
    assert_eq!(settings("ws/pleach.toml").as_deref(), Some("saved"));
    assert_eq!(settings("outside/pleach.toml"), None);
    assert_eq!(settings("ws/src/pleach.toml"), None);
}
