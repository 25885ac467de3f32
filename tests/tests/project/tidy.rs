//! What a reader of the repository may rely on: short files, no switched-off tests, nothing of one
//! machine in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file longer than this is split by concept. Tests may be longer: they are read one at a time.
const MOST_LINES: usize = 800;
const MOST_LINES_OF_TESTS: usize = 1000;

/// Committed files, and those that are about to be.
fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .expect("git lists the files");
    assert!(listed.status.success(), "git cannot list the files");
    let names = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<_> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        // What is not text, or gone already, has no lines to look at.
        .filter_map(|name| {
            Some((
                PathBuf::from(name),
                std::fs::read_to_string(root.join(name)).ok()?,
            ))
        })
        .collect();
    assert!(files.len() > 100, "the repository was not found");
    files
}

fn is_code(path: &Path) -> bool {
    let code = ["rs", "lua", "ts", "sh", "py"];
    path.extension()
        .is_some_and(|it| code.iter().any(|code| it == *code))
}

fn is_generated(path: &Path) -> bool {
    ["Cargo.lock", "package-lock.json", "pleach.schema.json"]
        .iter()
        .any(|name| path.ends_with(name))
}

/// Fails with every line of a file of ours in which `finds` finds something.
fn refuse(what: &str, finds: impl Fn(&Path, &str) -> bool) {
    let mut found = Vec::new();
    for (path, text) in files() {
        for (number, line) in text.lines().enumerate() {
            if finds(&path, line) {
                found.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn files_are_short_enough_to_be_read() {
    let long: Vec<String> = files()
        .iter()
        .filter(|(path, _)| is_code(path) && !is_generated(path))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(path, lines)| {
            let tests = path.components().any(|part| part.as_os_str() == "tests");
            *lines
                > if tests {
                    MOST_LINES_OF_TESTS
                } else {
                    MOST_LINES
                }
        })
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(
        long.is_empty(),
        "split these by concept:\n{}",
        long.join("\n")
    );
}

#[test]
fn no_test_is_switched_off() {
    let marks = [
        concat!("#[ig", "nore"),
        concat!("test.sk", "ip("),
        concat!("@pytest.mark.sk", "ip"),
    ];
    refuse("mend the test or take it out", |path, line| {
        is_code(path) && marks.iter().any(|mark| line.contains(mark))
    });
}

#[test]
fn nothing_names_a_package_registry() {
    let hosts = [
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("registry.", "npmjs.org"),
        concat!("registry.", "yarnpkg.com"),
        concat!("files.", "pythonhosted.org"),
        concat!("deb.", "debian.org"),
    ];
    refuse(
        "clients know their registries; a mirror must be possible",
        |_, line| hosts.iter().any(|host| line.contains(host)),
    );
}

#[test]
fn nothing_belongs_to_one_machine() {
    let places = [
        concat!("/work", "/main"),
        concat!("/work", "/shared"),
        concat!("/root", "/."),
    ];
    let home = |line: &str, start: &str| {
        // `/home/ada` in an example is as good as any; a path to somebody's code is not.
        line.split(start).skip(1).any(|rest| {
            let mut parts = rest.split('/');
            let user = parts.next().unwrap_or_default();
            let known = ["user", "you", "me", "ada", "ana"];
            parts.next().is_some()
                && !known.contains(&user)
                && user.chars().all(char::is_alphanumeric)
                && !user.is_empty()
        })
    };
    refuse("paths of one machine", |path, line| {
        !path.ends_with("tests/tests/tidy.rs")
            && (places.iter().any(|place| line.contains(place))
                || home(line, concat!("/ho", "me/"))
                || home(line, concat!("/Us", "ers/")))
    });
}

#[test]
fn lines_end_as_they_should() {
    refuse("a conflict was left behind", |path, line| {
        // Replies with edits are full of such lines, in tests and in texts about them.
        path.extension()
            .is_some_and(|it| it == "toml" || it == "json" || it == "lua")
            && (line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
            && !path.starts_with("tests/neovim")
    });
    for (path, text) in files() {
        let ours = is_code(&path) && !path.starts_with("fixtures");
        assert!(
            !ours || text.is_empty() || text.ends_with('\n'),
            "{}: no end of line",
            path.display()
        );
    }
}
