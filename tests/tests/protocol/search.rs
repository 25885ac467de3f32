//! Searching the workspace: its files as they are now, and no others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::PathBuf;

use pleach_tests::client::{Client, Personality, path_of};
use pleach_tests::fake_model::FakeModel;
use serde_json::{Value, json};

const TILL: &str = "\
/// The money of a shop.
pub struct Till;

impl Till {
    /// Opens the drawer.
    pub fn open_drawer(&self) {}
}
";

/// What is found for a question: paths and lines.
fn found(client: &mut Client, query: &str) -> Vec<(String, u64)> {
    let answer = client
        .execute("pleach.search", json!({"query": query}))
        .unwrap();
    assert_eq!(answer["complete"], true, "{answer}");
    let places = answer["places"].as_array().unwrap().iter();
    places
        .map(|it| {
            (
                it["path"].as_str().unwrap().to_owned(),
                it["line"].as_u64().unwrap(),
            )
        })
        .collect()
}

fn paths(found: &[(String, u64)]) -> Vec<&str> {
    found.iter().map(|(path, _)| path.as_str()).collect()
}

/// The files of the index in the state folder.
fn indexes(client: &Client) -> Vec<PathBuf> {
    let folder = client.state_folder().join("index");
    let files = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = files.map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn words_find_symbols_and_text_with_line_and_preview() {
    let mut client = Client::builder()
        .file("src/till.rs", TILL)
        .file(
            "docs/shop.md",
            "# Shop\n\nNobody is to open a drawer at night.\n",
        )
        .opened("src/lib.rs", "mod till;\n")
        .start();
    let answer = client
        .execute("pleach.search", json!({"query": "openDrawer", "most": 5}))
        .unwrap();
    let first = &answer["places"][0];
    assert_eq!(first["path"], "src/till.rs");
    assert_eq!(
        path_of(first["uri"].as_str().unwrap()),
        client.root().join("src/till.rs")
    );
    assert_eq!(
        (&first["line"], &first["range"]["start"]["line"]),
        (&json!(6), &json!(5))
    );
    assert_eq!(first["preview"], "pub fn open_drawer(&self) {}");
    assert_eq!(
        (&first["name"], &first["kind"], &first["container"]),
        (&json!("open_drawer"), &json!("method"), &json!("Till"))
    );
    let second = &answer["places"][1];
    assert_eq!(
        (&second["path"], &second["line"]),
        (&json!("docs/shop.md"), &json!(3))
    );
    assert_eq!(answer["complete"], true);
    let status = client.execute("pleach.status", Value::Null).unwrap();
    assert_eq!(status["components"]["index"]["state"], "whole");
}

#[test]
fn what_is_typed_saved_made_and_removed_is_found_as_it_is_now() {
    let mut client = Client::builder()
        .file("src/till.rs", TILL)
        .opened("src/lib.rs", "mod till;\n")
        .start();
    assert_eq!(found(&mut client, "gatekeeper"), []);
    client.set_text("src/lib.rs", "mod till;\n\npub fn gatekeeper() {}\n");
    assert_eq!(found(&mut client, "gatekeeper"), [("src/lib.rs".into(), 3)]);
    // Without saving: what is on disk counts again.
    client.close("src/lib.rs");
    assert_eq!(found(&mut client, "gatekeeper"), []);
    let made = client.root().join("src/gate.rs");
    fs::write(&made, "pub fn gatekeeper() {}\n").unwrap();
    let uri = client.uri("src/gate.rs");
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({"changes": [{"uri": uri, "type": 1}]}),
    );
    assert_eq!(
        found(&mut client, "gatekeeper"),
        [("src/gate.rs".into(), 1)]
    );
    fs::remove_file(&made).unwrap();
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({"changes": [{"uri": uri, "type": 3}]}),
    );
    assert_eq!(found(&mut client, "gatekeeper"), []);
}

#[test]
fn ignored_and_withheld_files_binaries_and_links_are_not_found() {
    let mut client = Client::builder()
        .file(".gitignore", "build/\n")
        .file(".pleachignore", "private/\n")
        .file("build/out.rs", "pub fn lighthouse() {}\n")
        .file("private/plan.rs", "pub fn lighthouse() {}\n")
        .file(".env", "LIGHTHOUSE=1\n")
        .file("deploy/server.pem", "lighthouse\n")
        .file("large.txt", &"lighthouse of a megabyte\n".repeat(50_000))
        .file("src/here.rs", "pub fn lighthouse() {}\n")
        .opened("src/lib.rs", "mod here;\n")
        .start();
    fs::write(client.root().join("image.bin"), b"lighthouse\0\x01\x02").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("..", client.root().join("src/loop")).unwrap();
        symlink("here.rs", client.root().join("src/again.rs")).unwrap();
    }
    assert_eq!(
        found(&mut client, "lighthouse"),
        [("src/here.rs".into(), 1)]
    );
    // What is ignored from now on is not shown any more, even before the index knows.
    fs::write(client.root().join("src/.pleachignore"), "here.rs\n").unwrap();
    assert_eq!(found(&mut client, "lighthouse"), []);
}

#[test]
fn an_index_that_is_damaged_is_made_anew() {
    let mut client = Client::builder()
        .file("src/till.rs", TILL)
        .opened("src/lib.rs", "mod till;\n")
        .start();
    assert_eq!(paths(&found(&mut client, "drawer")), ["src/till.rs"]);
    let mut client = client.restart();
    for file in indexes(&client) {
        fs::write(
            file,
            "no database, but a text that is longer than the head of one would be",
        )
        .unwrap();
    }
    assert_eq!(paths(&found(&mut client, "drawer")), ["src/till.rs"]);
    // And by hand.
    client.execute("pleach.index", Value::Null).unwrap();
    assert_eq!(paths(&found(&mut client, "drawer")), ["src/till.rs"]);
}

#[test]
fn a_long_build_shows_progress_and_can_be_cancelled() {
    let model = FakeModel::start();
    let mut builder = Client::builder().model(&model);
    for number in 0..260 {
        builder = builder.file(
            &format!("src/part{number}.rs"),
            &format!("pub fn part{number}() {{}}\n"),
        );
    }
    let mut client = builder.opened("src/lib.rs", "\n").start();
    let is_index = |params: &Value| params["token"] == "pleach/index";
    let begin = client.notification_where("$/progress", is_index);
    assert_eq!(begin["value"]["title"], "Pleach: indexing");
    assert_eq!(begin["value"]["cancellable"], true);
    let end = client.notification_where("$/progress", |params| {
        is_index(params) && params["value"]["kind"] == "end"
    });
    assert!(
        end["value"]["message"]
            .as_str()
            .unwrap()
            .starts_with("261 files"),
        "{end}"
    );
    // Cancelled, it keeps what it knows, and a search goes on with it.
    client.execute("pleach.index", Value::Null).unwrap();
    client.notify(
        "window/workDoneProgress/cancel",
        json!({"token": "pleach/index"}),
    );
    client.execute("pleach.index", Value::Null).unwrap();
    let places = found(&mut client, "part77");
    assert_eq!(paths(&places).first(), Some(&"src/part77.rs"));
}

#[test]
fn without_a_plugin_what_was_found_is_a_page() {
    let mut client = Client::builder()
        .editor(Personality::Helix)
        .options(json!({}))
        .file("src/till.rs", TILL)
        .opened("src/lib.rs", "mod till;\n")
        .start();
    // As Helix hands the words of a command line over.
    let params = json!({"command": "pleach.search", "arguments": ["open", "drawer"]});
    client.request("workspace/executeCommand", params).unwrap();
    client.wait_until("the page is shown", |client| {
        !client.said("window/showDocument").is_empty()
    });
    let shown = client.said("window/showDocument")[0]["uri"].clone();
    let page = fs::read_to_string(path_of(shown.as_str().unwrap())).unwrap();
    let place = client.root().join("src/till.rs");
    let line = format!(
        "- {}:6 method open_drawer of Till: `pub fn open_drawer(&self) {{}}`",
        place.display()
    );
    assert!(page.contains(&line), "{page}");
}

#[test]
fn what_cannot_be_searched_is_said() {
    let mut client = Client::builder()
        .user_settings("[context]\nindex = false\n")
        .opened("src/lib.rs", "\n")
        .start();
    let refused = client
        .execute("pleach.search", json!({"query": "lib"}))
        .unwrap_err();
    assert_eq!(refused["data"]["code"], "no-index", "{refused}");
    let refused = client
        .execute("pleach.search", json!({"query": " "}))
        .unwrap_err();
    assert_eq!(refused["data"]["code"], "no-query", "{refused}");
    let refused = client
        .execute("pleach.search", json!({"query": 3}))
        .unwrap_err();
    assert_eq!(refused["data"]["code"], "bad-arguments", "{refused}");
    assert_eq!(indexes(&client), Vec::<PathBuf>::new());
}
