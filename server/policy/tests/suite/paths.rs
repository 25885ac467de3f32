//! Paths that an edit may touch, and all those that it may not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use expect_test::expect;
use pleach_policy::{PathRules, check_path, check_reading};
use proptest::prelude::*;

fn code(path: &str) -> &'static str {
    match check_path(path, &PathRules::default()) {
        Ok(_) => "ok",
        Err(refusal) => refusal.code(),
    }
}

#[track_caller]
fn check_all(expected: &str, paths: &[&str]) {
    for path in paths {
        assert_eq!(code(path), expected, "{path:?}");
    }
}

#[test]
fn ordinary_files_pass() {
    check_all(
        "ok",
        &[
            "src/main.rs",
            "README",
            "a/b/c.txt",
            "ünï/文.rs",
            ".gitignore",
            ".github/CODEOWNERS",
            ".env.example",
            "example.env",
            "src/environment.rs",
            "src/credentials/mod.rs",
            "keys.rs",
            "id_rsa_parser.py",
            "con/aux.c",
            "foo:bar",
            ".editorconfig",
            "a..b/...c",
            "public_key.rs",
            "tests/token.rs",
            "~backup",
            "deep/.config/app.toml",
            "Makefile",
            "x.environment",
            "src/git/mod.rs",
        ],
    );
}

#[test]
fn a_path_is_cleaned_where_that_is_harmless() {
    let clean = |path: &str| {
        check_path(path, &PathRules::default())
            .unwrap()
            .into_string()
    };
    assert_eq!(clean("./src//a/./b.rs"), "src/a/b.rs");
    assert_eq!(clean("src/b.rs"), "src/b.rs");
}

#[test]
fn what_leaves_the_workspace_is_refused() {
    check_all(
        "parent_directory",
        &["..", "../a", "a/../b", "a/..", "./../a", "a//..//b"],
    );
    check_all(
        "absolute_path",
        &[
            "/etc/passwd",
            "//server/share",
            "\\\\server\\share",
            "C:/a",
            "c:a",
            "~/a",
            "~root/a",
            "~",
            "file:///a",
            "https://host/a",
            "\\a",
            "FILE:/a",
            "./C:/a",
            ".//~/a",
        ],
    );
    check_all("backslash", &["a\\b", "a\\..\\..\\b", "..\\a"]);
    check_all("empty_path", &["", ".", "./", "src/", "././/."]);
    check_all(
        "invisible_character",
        &[
            "a\0b",
            "a\nb",
            ".g\u{200c}it/config",
            "a\u{202e}b",
            "\u{feff}a",
        ],
    );
    check_all(
        "trailing_dot_or_space",
        &[
            ".git./config",
            ".git /config",
            "a/b.",
            "... /x",
            ".. /x",
            "a /b",
        ],
    );
    check_all("path_too_long", &[&"a/".repeat(3000)]);
}

#[test]
fn version_control_is_never_touched() {
    check_all(
        "version_control",
        &[
            ".git",
            ".git/config",
            ".GIT/config",
            "sub/.Git/hooks/pre-commit",
            "git~1/config",
            "GIT~1",
            ".git::$INDEX_ALLOCATION/config",
            ".hg/hgrc",
            ".svn/x",
            ".jj/repo",
        ],
    );
}

#[test]
fn keys_are_never_touched() {
    check_all(
        "secret_file",
        &[
            ".env",
            ".ENV",
            "app/.env",
            "prod.env",
            ".env.local",
            ".env.production",
            "server.pem",
            "SERVER.KEY",
            ".ssh/config",
            "id_rsa",
            "id_ed25519.pub",
            ".aws/credentials",
            "credentials",
            ".netrc",
            ".npmrc",
            "a.p12",
            "secrets.yaml",
            "x.pem:stream",
            ".\u{212a}ube/config",
            ".\u{17f}sh/config",
        ],
    );
}

#[test]
fn what_an_editor_or_a_build_server_runs_is_not_edited() {
    check_all(
        "run_by_editor",
        &[
            ".vscode/tasks.json",
            ".VSCode/launch.json",
            "sub/.vscode/settings.json",
            ".idea/workspace.xml",
            ".helix/languages.toml",
            ".zed/tasks.json",
            ".nvim.lua",
            ".exrc",
            ".envrc",
            ".bashrc",
            "home/.zshenv",
            ".Profile",
            ".config/fish/config.fish",
            ".husky/pre-commit",
            ".pre-commit-config.yaml",
            ".dir-locals.el",
            "x.code-workspace",
            ".devcontainer/devcontainer.json",
        ],
    );
    check_all(
        "run_by_build_server",
        &[
            ".github/workflows/ci.yml",
            ".GitHub/Workflows/ci.yml",
            ".gitlab-ci.yml",
            ".gitlab-ci.yaml",
            "Jenkinsfile",
            ".circleci/config.yml",
            ".ci/run",
            "azure-pipelines.yaml",
            ".travis.yml",
        ],
    );
    check_all(
        "own_settings",
        &[
            "pleach.toml",
            "sub/Pleach.toml",
            ".pleach/roles/coder.md",
            ".pleach/plans",
            ".pleach/plans/run.sh",
            ".pleach/plans/.pleach/x.md",
            ".pleach/plans/sub/x.md",
            ".pleach/chats/x.json",
        ],
    );
    // Plans and chats are written together with agents.
    for path in [".pleach/plans/lend-books.md", ".pleach/chats/lend-books.md"] {
        let checked = check_path(path, &PathRules::default()).unwrap();
        assert_eq!(checked.as_str(), path);
    }
}

#[test]
fn they_can_be_read_all_the_same() {
    let rules = PathRules::default();
    for path in [
        ".github/workflows/ci.yml",
        ".vscode/tasks.json",
        "pleach.toml",
        "src/a.rs",
    ] {
        assert_eq!(check_reading(path, &rules).unwrap().as_str(), path);
    }
    for path in [".env", ".git/config", "../a", "id_rsa"] {
        assert!(check_reading(path, &rules).is_err(), "{path}");
    }
}

#[test]
fn the_user_can_allow_build_files() {
    let rules = PathRules::new(&[], true);
    assert!(check_path(".github/workflows/ci.yml", &rules).is_ok());
    assert!(check_path(".vscode/tasks.json", &rules).is_err());
    assert!(check_path(".ci/.env", &rules).is_err());
}

#[test]
fn the_user_can_allow_what_is_refused_by_its_name_and_nothing_else() {
    let allow = [".vscode/tasks.json", ".env.test", "*", ".git/hooks/*"];
    let some = PathRules::default().with_allowed(&[allow[0].into(), allow[1].into()]);
    for path in [".vscode/tasks.json", "app/.env.test"] {
        assert!(check_path(path, &some).is_ok(), "{path}");
        assert!(check_reading(path, &some).is_ok(), "{path}");
    }
    for path in [
        ".vscode/launch.json",
        ".env",
        ".env.test:stream",
        "a/.vscode/tasks.json",
    ] {
        assert!(check_path(path, &some).is_err(), "{path}");
    }
    let all = PathRules::new(&["*.key".into()], false).with_allowed(&allow.map(String::from));
    assert!(check_path(".env", &all).is_ok());
    for path in [
        ".git/hooks/pre-commit",
        ".git/config",
        "pleach.toml",
        "../.env",
        "/etc/passwd",
        "C:/.env",
        "a\\.env",
        ".env.",
        "x.key",
    ] {
        assert!(check_path(path, &all).is_err(), "{path}");
    }
    let refusal = check_path(".envrc", &some).unwrap_err();
    assert!(
        refusal
            .to_string()
            .ends_with("or name it in `edits.allow` of your own settings")
    );
}

#[test]
fn the_user_can_deny_more() {
    let deny = [
        "*.sql",
        "/schema/*.json",
        "migrations/",
        "a/**/b.txt",
        "./one.txt",
        "{x,y}.lock",
    ];
    let rules = PathRules::new(&deny.map(String::from), false);
    let denied = |path: &str| check_path(path, &rules).is_err();
    for path in [
        "x.sql",
        "deep/down/X.SQL",
        "schema/a.json",
        "migrations/1.rs",
        "app/migrations/x/2.rs",
        "a/b.txt",
        "a/c/d/b.txt",
        "one.txt",
        "deep/one.txt",
        "y.lock",
    ] {
        assert!(denied(path), "{path}");
    }
    for path in [
        "x.sqlx",
        "other/schema/a.json",
        "schema/deep/a.json",
        "b.txt",
        "z.lock",
    ] {
        assert!(!denied(path), "{path}");
    }
    let refusal = check_path("x.sql", &rules).unwrap_err();
    expect!["`x.sql` is denied by `*.sql` in `edits.deny`; edit it by hand, or take the glob out"]
        .assert_eq(&refusal.to_string());
}

#[test]
fn names_of_devices_matter_on_windows_only() {
    let there = PathRules::default().with_reserved_names(true);
    let here = PathRules::default().with_reserved_names(false);
    for path in [
        "con",
        "a/NUL.txt",
        "com1",
        "lpt9.log",
        "aux.c/x",
        "VSCODE~1/tasks.json",
        "COM¹",
    ] {
        assert_eq!(
            check_path(path, &there).unwrap_err().code(),
            "reserved_name",
            "{path}"
        );
        assert!(check_path(path, &here).is_ok(), "{path}");
    }
    for path in ["com", "com10", "console", "nullable", "a~b"] {
        assert!(check_path(path, &there).is_ok(), "{path}");
    }
}

#[test]
fn a_refusal_shows_what_cannot_be_seen() {
    let refusal = check_path("a\u{202e}b\u{7}", &PathRules::default()).unwrap_err();
    assert_eq!(refusal.path(), "a\\u{202e}b\\u{7}");
    let refusal =
        check_path(&format!("../{}", "x".repeat(500)), &PathRules::default()).unwrap_err();
    assert!(refusal.to_string().len() < 300);
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "..",
            ".",
            "",
            "...",
            "....",
            " ",
            ".. ",
            " ..",
            "..\\",
            "\\",
            "C:",
            "c:",
            "~",
            ".git",
            ".GIT",
            "git~1",
            ".git.",
            ".git ",
            ".git::$DATA",
            "\0",
            "\u{200b}",
            "a",
            "src",
            "CON",
            "%2e%2e",
            "..;",
            "．．",
            "․․",
            "/",
            ".env",
            "id_rsa",
            "‥",
        ])
        .prop_map(String::from),
        "[a-zA-Z0-9._~: \\\\-]{0,8}",
    ]
}

/// What Windows, the least strict reader, makes of a path, from `C:\root`.
fn windows_reading(path: &str) -> Option<Vec<String>> {
    let path = path.replace('\\', "/");
    if path.starts_with('/') || path.chars().nth(1) == Some(':') {
        return None;
    }
    let mut parts = vec!["root".to_owned()];
    for part in path.split('/') {
        let kept = if part == ".." {
            part
        } else {
            part.trim_end_matches(['.', ' '])
        };
        let dots = part.trim_end_matches(' ');
        if dots == ".." {
            parts.pop()?;
        } else if !kept.is_empty() {
            parts.push(kept.split(':').next().unwrap_or_default().to_lowercase());
        }
    }
    (parts.first().map(String::as_str) == Some("root") && parts.len() > 1).then_some(parts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn nothing_that_passes_leaves_the_workspace(
        parts in proptest::collection::vec(part(), 0..7),
        separators in proptest::collection::vec(proptest::sample::select(vec!["/", "//", "/./", "\\"]), 7),
    ) {
        let pairs = parts.iter().zip(&separators);
        let path: String = pairs.flat_map(|(part, separator)| [part.as_str(), separator]).collect();
        for path in [path.as_str(), path.trim_end_matches(['/', '\\'])] {
            let Ok(clean) = check_path(path, &PathRules::default()) else { continue };
            let clean = clean.as_str();
            prop_assert!(!clean.is_empty() && !clean.starts_with('/') && !clean.ends_with('/'));
            for part in clean.split('/') {
                prop_assert!(!part.is_empty() && part != "." && part != "..", "{clean:?}");
                prop_assert!(!part.ends_with('.') && !part.ends_with(' '), "{clean:?}");
                prop_assert!(!part.chars().any(|char| char.is_control() || char == '\\'), "{clean:?}");
            }
            let read = windows_reading(clean);
            prop_assert!(read.is_some(), "{clean:?}");
            let denied = [".git", "git~1", ".env", "id_rsa"];
            let last = read.iter().flatten().next_back().cloned().unwrap_or_default();
            prop_assert!(!read.iter().flatten().any(|part| denied[..2].contains(&part.as_str())), "{clean:?}");
            prop_assert!(!denied[2..].contains(&last.as_str()), "{clean:?}");
            // What passed passes again, unchanged.
            let again = check_path(clean, &PathRules::default()).unwrap().into_string();
            prop_assert_eq!(again, clean);
        }
    }

    #[test]
    fn no_disguise_opens_what_is_denied(
        name in proptest::sample::select(vec![
            ".git/config", ".git/hooks/pre-commit", ".env", "id_rsa", ".vscode/tasks.json",
            ".github/workflows/ci.yml", ".ssh/authorized_keys", "pleach.toml", "a.pem",
        ]),
        folder in proptest::sample::select(vec!["", "a/", "./", "a//", ".///./", "a/b/", "/", "../", "x/../"]),
        upper in proptest::collection::vec(any::<bool>(), 40),
        ending in proptest::sample::select(vec!["", ".", " ", "::$DATA", "/", "\u{200d}", "\0", ":x"]),
        inner in proptest::sample::select(vec!["/", "//", "/./", "\\", "./", " /", "::$INDEX_ALLOCATION/"]),
    ) {
        let name: String = name
            .chars()
            .zip(upper)
            .map(|(char, upper)| if upper { char.to_ascii_uppercase() } else { char })
            .collect();
        let path = format!("{folder}{}{ending}", name.replace('/', inner));
        prop_assert!(check_path(&path, &PathRules::default()).is_err(), "{path:?}");
    }
}
