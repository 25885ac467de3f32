#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::sync::Arc;

use pleach_policy::PathRules;

use super::*;
use crate::snapshot::OpenDocument;

/// A folder to copy, and where copies lie.
struct Project {
    _folder: tempfile::TempDir,
    base: Utf8PathBuf,
    root: Utf8PathBuf,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let root = base.join("project");
        fs::create_dir_all(&root).unwrap();
        for (path, text) in files {
            write(&root.join(path), text);
        }
        Self {
            _folder: folder,
            base,
            root,
        }
    }

    fn workspace(&self) -> WorkspaceSnapshot {
        self.with_open(&[])
    }

    /// With these files open in the editor, as they are on disk.
    fn with_open(&self, open: &[&str]) -> WorkspaceSnapshot {
        let open = open.iter().map(|path| {
            let path = self.root.join(path);
            OpenDocument {
                uri: crate::uri::uri_from_path(&path),
                text: fs::read_to_string(&path).unwrap().as_str().into(),
                path: Some(path),
                language: None,
                version: 1,
            }
        });
        let roots = [self.root.clone()];
        WorkspaceSnapshot::new(&roots, open, PathRules::default())
    }

    fn trials(&self) -> Utf8PathBuf {
        self.base.join("state/trials")
    }

    fn copy_of(&self, workspace: &WorkspaceSnapshot) -> Trial {
        let copied = workspace.copy_for_trial(&self.root, &self.trials());
        copied.unwrap()
    }

    fn copy(&self) -> Trial {
        self.copy_of(&self.workspace())
    }
}

fn write(path: &Utf8Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(path: &Utf8Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[test]
fn a_copy_is_the_workspace_as_it_is_seen_and_the_next_one_keeps_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let base = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let root = base.join("project");
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".gitignore", "node_modules\n*.log\n/target\n");
    write("src/lib.rs", "on disk\n");
    write("src/gone.rs", "gone soon\n");
    write("trace.log", "ignored\n");
    write(".git/config", "of version control\n");
    write(".cargo/config.toml", "hidden\n");
    write("node_modules/left/pad.js", "installed\n");
    write("target/debug/app", "built\n");
    let roots = [root.clone()];
    let disk = WorkspaceSnapshot::new(&roots, [], PathRules::default());
    let changed = disk.with_texts([
        ("src/lib.rs".to_owned(), Arc::from("proposed\n")),
        ("tests/new.rs".to_owned(), Arc::from("made\n")),
    ]);
    let trials = base.join("state/trials");
    let trial = changed.copy_for_trial(&root, &trials).unwrap();
    let copy = trial.folder().to_owned();
    let read = |path: &str| fs::read_to_string(copy.join(path)).ok();
    assert_eq!(read("src/lib.rs").as_deref(), Some("proposed\n"));
    assert_eq!(read("tests/new.rs").as_deref(), Some("made\n"));
    assert_eq!(read(".cargo/config.toml").as_deref(), Some("hidden\n"));
    for left in ["trace.log", ".git/config", "target/debug/app"] {
        assert_eq!(read(left), None, "{left}");
    }
    assert_eq!(
        fs::read_to_string(root.join("src/lib.rs")).unwrap(),
        "on disk\n"
    );
    #[cfg(unix)]
    {
        assert_eq!(
            read("node_modules/left/pad.js").as_deref(),
            Some("installed\n")
        );
        assert_eq!(trial.installed(), [root.join("node_modules")]);
    }

    // One that is in use is left alone.
    let other = disk.copy_for_trial(&root, &trials).unwrap();
    assert_ne!(other.folder(), copy);
    drop((trial, other));
    fs::create_dir_all(copy.join("target")).unwrap();
    fs::write(copy.join("target/made"), "by a build").unwrap();
    fs::write(copy.join("src/stray.rs"), "by a test").unwrap();
    fs::remove_file(root.join("src/gone.rs")).unwrap();
    let kept = fs::metadata(copy.join(".cargo/config.toml")).unwrap();
    let again = disk.copy_for_trial(&root, &trials).unwrap();
    assert_eq!(again.folder(), copy);
    assert_eq!(read("src/lib.rs").as_deref(), Some("on disk\n"));
    assert_eq!(read("target/made").as_deref(), Some("by a build"));
    for gone in ["src/stray.rs", "src/gone.rs", "tests/new.rs"] {
        assert_eq!(read(gone), None, "{gone}");
    }
    let now = fs::metadata(copy.join(".cargo/config.toml")).unwrap();
    assert_eq!(now.modified().unwrap(), kept.modified().unwrap());
}

#[cfg(unix)]
#[test]
fn links_lead_a_copy_nowhere() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let base = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let root = base.join("project");
    let secrets = base.join("secrets");
    fs::create_dir_all(&secrets).unwrap();
    fs::create_dir_all(&root).unwrap();
    fs::write(secrets.join("key"), "a key\n").unwrap();
    for name in INSTALLED {
        symlink(&secrets, root.join(name)).unwrap();
    }
    symlink(secrets.join("key"), root.join("Cargo.lock")).unwrap();
    let roots = [root.clone()];
    let workspace = WorkspaceSnapshot::new(&roots, [], PathRules::default());
    let trial = workspace
        .copy_for_trial(&root, &base.join("trials"))
        .unwrap();
    assert!(trial.installed().is_empty());
    let copied = fs::read_dir(trial.folder()).unwrap();
    assert_eq!(copied.count(), 0);
}

#[test]
fn texts_stand_for_files_and_for_documents_that_are_none_yet() {
    let untitled = OpenDocument {
        uri: "untitled:Untitled-1".into(),
        path: None,
        text: "a\n".into(),
        language: None,
        version: 3,
    };
    let roots = ["/project".into()];
    let before = WorkspaceSnapshot::new(&roots, [untitled], PathRules::default());
    let name = before.name_of("untitled:Untitled-1").unwrap();
    let texts = [(name.as_str(), "b\n"), ("src/new.rs", "c\n")];
    let texts = texts.map(|(name, text)| (name.to_owned(), Arc::from(text)));
    let after = before.with_texts(texts);
    let read = |workspace: &WorkspaceSnapshot, name: &str| {
        workspace.read_text(name).ok().map(|text| text.to_string())
    };
    assert_eq!(read(&after, &name).as_deref(), Some("b\n"));
    assert_eq!(read(&after, "src/new.rs").as_deref(), Some("c\n"));
    assert_eq!(read(&before, &name).as_deref(), Some("a\n"));
    assert_eq!(read(&before, "src/new.rs"), None);
}

/// What runs in a copy may write what it likes there, and the next copy is made by a program that nothing
/// confines.
#[cfg(unix)]
#[test]
fn what_a_test_leaves_in_a_copy_leads_nowhere() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let base = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let root = base.join("project");
    let files = ["src/a.rs", "build/sub/a.rs", "dist/a.rs", "out/a.rs"];
    let outside = base.join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("a.rs"), "mine").unwrap();
    symlink(&base, outside.join("sub")).unwrap();
    for file in files {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "the project's").unwrap();
    }
    let roots = [root.clone()];
    let workspace = WorkspaceSnapshot::new(&roots, [], PathRules::default());
    let trials = base.join("trials");
    let trial = workspace.copy_for_trial(&root, &trials).unwrap();
    let copy = trial.folder().to_owned();
    drop(trial);
    // A folder among the sources, two of those that builds write, and a second name of a file. Behind one of
    // them is a link of the person's own, which stands where a folder of the copy was.
    for place in ["src", "build", "dist"] {
        fs::remove_dir_all(copy.join(place)).unwrap();
        symlink(&outside, copy.join(place)).unwrap();
    }
    fs::remove_file(copy.join("out/a.rs")).unwrap();
    fs::hard_link(outside.join("a.rs"), copy.join("out/a.rs")).unwrap();
    let trial = workspace.copy_for_trial(&root, &trials).unwrap();
    assert_eq!(trial.folder(), copy);
    assert_eq!(fs::read_to_string(outside.join("a.rs")).unwrap(), "mine");
    for file in files {
        let there = copy.join(file);
        assert_eq!(fs::read_to_string(&there).unwrap(), "the project's");
        assert!(
            there.canonicalize_utf8().unwrap().starts_with(&copy),
            "{there}"
        );
    }
    let kept: Vec<_> = outside.read_dir_utf8().unwrap().collect();
    assert_eq!(kept.len(), 2);
    assert!(outside.join("sub").is_symlink());
}

/// A file of an installed package that is looked at in the editor stays a part of what is installed.
#[cfg(unix)]
#[test]
fn installed_packages_are_a_link_whatever_is_open_and_whatever_a_test_has_put_there() {
    let pad = "node_modules/left/pad.js";
    let project = Project::new(&[
        (".gitignore", "node_modules\n"),
        (pad, "installed\n"),
        ("node_modules/right/pad.js", "installed\n"),
    ]);
    let looked_at = project.with_open(&[pad]);
    let trial = project.copy_of(&looked_at);
    let place = trial.folder().join("node_modules");
    let is_link = || place.is_symlink() && place.join("right/pad.js").exists();
    assert!(is_link());
    drop(trial);
    // As `npm ci` does it.
    fs::remove_file(&place).unwrap();
    write(&place.join("left/pad.js"), "another\n");
    let trial = project.copy_of(&looked_at);
    assert!(is_link());
    assert_eq!(trial.installed(), [project.root.join("node_modules")]);
}

#[test]
fn what_an_earlier_attempt_made_among_sources_is_gone_whatever_their_folder_is_called() {
    let project = Project::new(&[
        (".gitignore", "/target\n"),
        ("internal/build/x.go", "package build\n"),
        ("target/debug/bindings.rs", "// made\n"),
    ]);
    let made = [("internal/build/x_test.go".to_owned(), Arc::from("package"))];
    let attempt = project.workspace().with_texts(made);
    let trial = project.copy_of(&attempt);
    let copy = trial.folder().to_owned();
    assert!(copy.join("internal/build/x_test.go").exists());
    write(&copy.join("target/debug/app"), "built\n");
    drop(trial);
    // To look at what a build has written does not make it a source.
    let looked_at = project.with_open(&["target/debug/bindings.rs"]);
    let trial = project.copy_of(&looked_at);
    assert_eq!(trial.folder(), copy);
    assert!(copy.join("internal/build/x.go").exists());
    assert!(!copy.join("internal/build/x_test.go").exists());
    assert_eq!(
        read(&copy.join("target/debug/app")).as_deref(),
        Some("built\n")
    );
}

/// Whoever takes the place next would write where what is dying still makes links.
#[test]
fn a_copy_is_in_use_as_long_as_anything_runs_in_it() {
    let project = Project::new(&[("a.rs", "")]);
    let trial = project.copy();
    let first = trial.folder().to_owned();
    let running = fs::File::create(trial.running()).unwrap();
    running.try_lock().unwrap();
    drop(trial);
    assert_ne!(project.copy().folder(), first);
    drop(running);
    assert_eq!(project.copy().folder(), first);
}

#[cfg(unix)]
#[test]
fn a_test_cannot_make_a_copy_unusable() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::mpsc;
    use std::time::Duration;

    let project = Project::new(&[
        ("src/a.rs", "a\n"),
        ("build/a.rs", "a\n"),
        ("out/deep/a.rs", "a\n"),
    ]);
    let trial = project.copy();
    let copy = trial.folder().to_owned();
    drop(trial);
    let mode = |path: &str| {
        let metadata = fs::metadata(copy.join(path)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let closed = |path: &str| {
        let closed = fs::Permissions::from_mode(0o100);
        fs::set_permissions(copy.join(path), closed).unwrap();
    };
    // A pipe that waits for ever for a writer, folders that may not be written, a file where a folder was,
    // and a folder where a file was.
    fs::remove_file(copy.join("build/a.rs")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        copy.join("build/a.rs").as_std_path(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    fs::remove_dir_all(copy.join("out/deep")).unwrap();
    fs::write(copy.join("out/deep"), "").unwrap();
    fs::remove_file(copy.join("src/a.rs")).unwrap();
    write(&copy.join("src/a.rs/b.rs"), "");
    for folder in ["src/a.rs", "src", "out"] {
        closed(folder);
    }
    let (done, is_done) = mpsc::channel();
    let (workspace, root, trials) = (project.workspace(), project.root.clone(), project.trials());
    std::thread::spawn(move || done.send(workspace.copy_for_trial(&root, &trials)));
    let again = is_done.recv_timeout(Duration::from_mins(1));
    assert_eq!(again.expect("it waits for nobody").unwrap().folder(), copy);
    for file in ["src/a.rs", "build/a.rs", "out/deep/a.rs"] {
        assert_eq!(read(&copy.join(file)).as_deref(), Some("a\n"), "{file}");
    }
    for folder in ["src", "out"] {
        assert_eq!(mode(folder) & 0o700, 0o700, "{folder}");
    }
}

#[test]
fn a_file_that_went_meanwhile_is_left_out() {
    let project = Project::new(&[]);
    let copy = project.base.join("copy");
    write(&copy.join("a.rs"), "of an earlier copy\n");
    let gone = project.root.join("a.rs");
    let content = Content::OnDisk(gone.clone());
    put(&copy, Utf8Path::new("a.rs"), &content, &gone).unwrap();
    assert!(!copy.join("a.rs").exists());
}

#[test]
fn copies_that_nobody_uses_are_removed() {
    use std::time::{Duration, SystemTime};

    let project = Project::new(&[("a.rs", "")]);
    let [used, old, new] = [project.copy(), project.copy(), project.copy()];
    let folders = [&used, &old, &new].map(|it| it.folder().to_owned());
    let long_ago = SystemTime::now() - Duration::from_hours(8 * 24);
    for trial in [&used, &old] {
        let lock = trial.running().with_extension("lock");
        let lock = fs::File::options().write(true).open(lock).unwrap();
        lock.set_modified(long_ago).unwrap();
    }
    drop((old, new));
    forget_old_trials(&project.trials());
    let are_there = folders.each_ref().map(|it| it.exists());
    assert_eq!(are_there, [true, false, true]);
}

#[test]
fn there_are_only_so_many_copies_of_all_folders() {
    use std::time::{Duration, SystemTime};

    let (ours, theirs) = (Project::new(&[("a.rs", "")]), Project::new(&[]));
    // Twelve of other folders, all used before ours.
    let trials = ours.trials();
    let before = SystemTime::now() - Duration::from_hours(1);
    for number in 0..12 {
        let root = theirs.base.join(format!("{number}/project"));
        write(&root.join("a.rs"), "");
        let roots = [root.clone()];
        let workspace = WorkspaceSnapshot::new(&roots, [], PathRules::default());
        let trial = workspace.copy_for_trial(&root, &trials).unwrap();
        let lock = trial.running().with_extension("lock");
        let lock = fs::File::options().write(true).open(lock).unwrap();
        lock.set_modified(before).unwrap();
    }
    let copies = || {
        let entries = trials.read_dir_utf8().unwrap().filter_map(Result::ok);
        entries.filter(|it| it.path().is_dir()).count()
    };
    assert_eq!(copies(), 12);
    let trial = ours.copy();
    assert_eq!(copies(), 12);
    assert!(trial.folder().join("a.rs").exists());
}
