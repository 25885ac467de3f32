//! What is there and what is not: `docs/status.md` is made from `tests/status.toml`, and every test that is
//! named in it exists. `UPDATE_EXPECT=1` writes the page anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use serde::Deserialize;

#[derive(Deserialize)]
struct Status {
    system: Vec<System>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    name: String,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feature {
    what: String,
    shown: Option<Vec<String>>,
    gap: Option<String>,
    not_yet: Option<String>,
    no_place: Option<String>,
}

enum State<'a> {
    There(&'a [String]),
    Partly(&'a [String], &'a str),
    NotYet(&'a str),
    NoPlace(&'a str),
}

impl Feature {
    fn state(&self) -> State<'_> {
        let Self {
            what,
            shown,
            gap,
            not_yet,
            no_place,
        } = self;
        match (
            shown.as_deref(),
            gap.as_deref(),
            not_yet.as_deref(),
            no_place.as_deref(),
        ) {
            (Some(tests @ [_, ..]), None, None, None) => State::There(tests),
            (Some(tests @ [_, ..]), Some(gap), None, None) => State::Partly(tests, gap),
            (None, None, Some(missing), None) => State::NotYet(missing),
            (None, None, None, Some(reason)) => State::NoPlace(reason),
            _ => panic!("{what:?} is not in exactly one state"),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn status() -> Status {
    let text = std::fs::read_to_string(root().join("tests/status.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

#[test]
fn the_status_page_is_the_one_of_the_list() {
    expect_file![root().join("docs/status.md")].assert_eq(&page(&status()));
}

#[test]
fn every_test_that_shows_a_feature_exists() {
    let mut missing = Vec::new();
    for system in &status().system {
        for feature in &system.features {
            if let State::There(tests) | State::Partly(tests, _) = feature.state() {
                let gone = tests.iter().filter(|test| !exists(test));
                missing.extend(gone.map(|test| format!("{}: {test}", feature.what)));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "no such test (was it renamed?):\n{}",
        missing.join("\n")
    );
}

/// Rows of the table of threats name their tests in the last column.
#[test]
fn every_threat_has_a_test_that_exists() {
    let page = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.matches(" | ").count() == 3 && line.contains("::"));
    let mut count = 0;
    for row in rows {
        let named = row.rsplit(" | ").next().unwrap();
        let tests: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test shows it: {row}");
        for test in tests {
            assert!(exists(test), "no such test (was it renamed?): {test}");
        }
        count += 1;
    }
    assert!(count >= 18, "{count} threats");
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    assert!(exists(
        "project/status::a_test_that_is_not_there_is_noticed"
    ));
    for gone in [
        "project/status::a_test_that_was_renamed",
        "project/status",
        "nowhere/status::a_test_that_is_not_there_is_noticed",
        "neovim/review: nothing of the kind",
        "vscode: nothing of the kind",
        "run: nothing of the kind",
    ] {
        assert!(!exists(gone), "{gone}");
    }
}

fn exists(test: &str) -> bool {
    let says = |path: PathBuf, text: &str| {
        std::fs::read_to_string(path).is_ok_and(|found| found.contains(text))
    };
    if let Some((place, title)) = test.split_once(": ") {
        return match place.split_once('/') {
            Some(("neovim", spec)) => says(
                root().join(format!("tests/neovim/specs/{spec}.lua")),
                &format!("'{title}'"),
            ),
            None if place == "vscode" => says(
                root().join("tests/vscode/scenarios.mjs"),
                &format!("async '{title}'("),
            ),
            None if place == "run" => says(root().join("tests/run"), &format!("step \"{title}\" ")),
            _ => false,
        };
    }
    let Some((file, name)) = test.split_once("::") else {
        return false;
    };
    let Some((room, file)) = file.split_once('/') else {
        return false;
    };
    let folder = match room {
        "protocol" | "provider" | "project" => root().join("tests/tests").join(room),
        _ => root().join("server").join(room),
    };
    sources(&folder)
        .into_iter()
        .filter(|path| path.file_stem().is_some_and(|stem| stem == file))
        .any(|path| says(path, &format!("fn {name}(")))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

fn page(status: &Status) -> String {
    let mut shown = 0;
    let mut partly = 0;
    let mut not_yet = 0;
    let mut no_place = 0;
    let mut tables = String::new();
    for system in &status.system {
        writeln!(tables, "\n## {}\n\n| | state |\n|---|---|", system.name).unwrap();
        for feature in &system.features {
            let state = match feature.state() {
                State::There(tests) => {
                    shown += 1;
                    format!("there: {}", named(tests))
                }
                State::Partly(tests, gap) => {
                    partly += 1;
                    format!("partly: {}. Missing: {gap}", named(tests))
                }
                State::NotYet(what) => {
                    not_yet += 1;
                    format!("**not yet**: {what}")
                }
                State::NoPlace(why) => {
                    no_place += 1;
                    format!("no place: {why}")
                }
            };
            writeln!(tables, "| {} | {state} |", feature.what).unwrap();
        }
    }
    format!(
        "# Status\n\n\
         What was asked of Pleach, from five older systems, and where it stands: {shown} features are there, {partly} partly,\n\
         {not_yet} not yet, and {no_place} have no place in a language server.\n\n\
         *There* means that the tests named beside it fail when the feature is taken out; `./tests/run` runs them all. The page is made from\n\
         `tests/status.toml`, and a test fails when it is not, or when a test that is named here does not exist.\n{tables}"
    )
}

fn named(tests: &[String]) -> String {
    let tests: Vec<_> = tests.iter().map(|test| format!("`{test}`")).collect();
    tests.join(", ")
}
