//! The arrows between our rooms run one way. A crate may use what stands below it, never what stands
//! beside or above it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// The rooms, from the top down; those in one row do not see each other.
const ROWS: [&[&str]; 7] = [
    &["pleach-cli"],
    &["pleach-lsp"],
    &["pleach-agent"],
    &[
        "pleach-model",
        "pleach-store",
        "pleach-workspace",
        "pleach-exec",
    ],
    &["pleach-edit", "pleach-plan", "pleach-policy"],
    &["pleach-grammars"],
    &["pleach-text"],
];

/// Looks at all rooms from outside.
const TESTS: &str = "pleach-tests";

/// Which room alone may use a library that reaches outside the process.
const ONLY: [(&str, &[&str]); 3] = [
    ("reqwest", &["pleach-model"]),
    ("tower-lsp-server", &["pleach-lsp"]),
    ("clap", &["pleach-cli"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .expect("cargo metadata")
}

/// What each of our crates uses outside its tests.
fn arrows(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    metadata
        .packages
        .iter()
        .map(|package| {
            let uses = package
                .dependencies
                .iter()
                .filter(|it| it.kind != DependencyKind::Development)
                .map(|it| it.name.clone())
                .collect();
            (package.name.to_string(), uses)
        })
        .collect()
}

/// Why `from` must not use `to`, if so. Both are rooms of ours.
fn objection(from: &str, to: &str) -> Option<String> {
    let row = |name: &str| ROWS.iter().position(|row| row.contains(&name));
    match (row(from), row(to)) {
        _ if from == TESTS => None,
        (None, _) => Some(format!("{from} stands in no row of {}", file!())),
        (_, None) => Some(format!(
            "{from} uses {to}, which stands in no row of {}",
            file!()
        )),
        (Some(own), Some(other)) if other <= own => {
            Some(format!("{from} uses {to}, which does not stand below it"))
        }
        _ => None,
    }
}

#[test]
fn arrows_point_down() {
    let arrows = arrows(&metadata());
    assert!(arrows.len() > 10, "the workspace was not found");
    let wrong: Vec<String> = arrows
        .iter()
        .flat_map(|(from, uses)| uses.iter().map(move |to| (from, to)))
        .filter(|(_, to)| arrows.contains_key(*to))
        .filter_map(|(from, to)| objection(from, to))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_reaches_outside_has_one_door() {
    let arrows = arrows(&metadata());
    for (library, rooms) in ONLY {
        for (from, uses) in arrows.iter().filter(|(from, _)| *from != TESTS) {
            let allowed = rooms.contains(&from.as_str());
            assert!(
                allowed || !uses.contains(library),
                "{from} uses {library}: only {rooms:?} may"
            );
        }
        assert!(
            rooms
                .iter()
                .any(|room| arrows.get(*room).is_some_and(|uses| uses.contains(library))),
            "nobody uses {library} any more: take it out of ONLY"
        );
    }
}

#[test]
fn a_wrong_arrow_is_noticed() {
    assert!(objection("pleach-text", "pleach-grammars").is_some());
    assert!(objection("pleach-model", "pleach-store").is_some());
    assert!(objection("pleach-edit", "pleach-unheard-of").is_some());
    assert_eq!(objection("pleach-cli", "pleach-text"), None);
}

#[test]
fn every_room_takes_versions_and_lints_from_the_one_table() {
    for package in metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let name = &package.name;
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{name} has lints of its own"
        );
        for line in manifest.lines() {
            let pinned = line.contains("version = \"")
                || line.trim_end().ends_with('"') && line.contains(" = \"");
            let allowed = [
                "name",
                "path",
                "description",
                "build",
                "include",
                "harness",
                "doc",
            ];
            let key = line.split(" =").next().unwrap_or_default();
            assert!(
                !pinned || allowed.contains(&key),
                "{name}: `{line}` should come from the workspace's table"
            );
        }
    }
}
