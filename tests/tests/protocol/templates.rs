//! New files from templates, and what the built-in engine does by the tree alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use pleach_tests::client::Client;
use serde_json::json;

const HEAD: &str =
    "description = \"A note\"\n\n[[variable]]\nname = \"topic\"\nask = \"its topic\"\n";

fn with_template() -> Client {
    Client::builder()
        .file(".pleach/templates/note/template.toml", HEAD)
        .file(
            ".pleach/templates/note/files/notes/{{ topic }}.md.j2",
            "# {{ topic }}\n",
        )
        .start()
}

#[test]
fn templates_are_listed_with_what_they_ask_for() {
    let mut client = with_template();
    let listed = client.execute("pleach.templates", json!({})).unwrap();
    let all = listed["templates"].as_array().unwrap();
    let note = all.iter().find(|it| it["name"] == "note").unwrap();
    assert_eq!(note["owner"], "this workspace");
    assert_eq!(note["variables"][0]["ask"], "its topic");
    assert!(all.iter().any(|it| it["name"] == "rust-crate"));
}

#[test]
fn new_files_are_proposed_and_written_when_they_are_accepted() {
    let mut client = with_template();
    let wish = json!({"template": "note", "dir": "docs", "variables": {"topic": "till"}});
    let job = client.start_job("pleach.new", wish.clone());
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["landed"]),
        (&json!("finished"), &json!(false)),
        "{end}"
    );
    let path = client.root().join("docs/notes/till.md");
    assert!(!path.exists(), "nothing is written before it is accepted");

    let accepted = client.execute("pleach.accept", json!({"review": job, "all": true}));
    let landing = accepted.unwrap()["job"].as_u64().unwrap();
    assert_eq!(client.job_end(landing)["landed"], true);
    let text = if client.is_open("docs/notes/till.md") {
        client.text("docs/notes/till.md")
    } else {
        client.on_disk("docs/notes/till.md")
    };
    assert_eq!(text, "# till\n");

    // Once more: what is there is not touched.
    let job = client.start_job("pleach.new", wish);
    let end = client.job_end(job);
    assert_eq!(end["code"], "file-exists", "{end}");
}

#[test]
fn what_is_missing_is_said_with_how_to_give_it() {
    let mut client = with_template();
    let job = client.start_job("pleach.new", json!({"template": "note"}));
    let end = client.job_end(job);
    assert_eq!(end["code"], "template-needs", "{end}");
    let message = end["message"].as_str().unwrap();
    assert!(message.contains("`topic` (its topic)"), "{message}");
    let refused = client.execute("pleach.new", json!({})).unwrap_err();
    assert_eq!(refused["data"]["code"], "no-template");
}

#[test]
fn a_broken_template_is_shown_in_its_file() {
    let mut client = Client::builder()
        .file(".pleach/templates/a/template.toml", "colour = 1\n")
        .start();
    let uri = client.uri(".pleach/templates/a/template.toml");
    let told = client.notification_where("textDocument/publishDiagnostics", |it| {
        it["uri"] == uri.as_str()
            && it["diagnostics"]
                .as_array()
                .is_some_and(|it| !it.is_empty())
    });
    let message = told["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.contains("colour"), "{message}");
}

#[test]
fn without_a_model_a_review_tells_what_the_tree_proves() {
    let code = "fn f() -> u8 {\n    return 1;\n    g();\n}\n";
    let mut client = Client::builder().file("src/lib.rs", code).start();
    client.open("src/lib.rs");
    let job = client.start_job("pleach.review", json!({"path": "src/lib.rs"}));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    let summary = end["summary"].as_str().unwrap();
    assert!(
        summary.contains("only what a syntax tree proves"),
        "{summary}"
    );
    let uri = client.uri("src/lib.rs");
    let told = client.notification_where("textDocument/publishDiagnostics", |it| {
        it["uri"] == uri.as_str()
            && it["diagnostics"]
                .as_array()
                .is_some_and(|it| !it.is_empty())
    });
    let found = &told["diagnostics"][0];
    assert_eq!(found["code"], "unreachable-code", "{found}");
    assert_eq!(found["range"]["start"], json!({"line": 2, "character": 4}));
}

#[test]
fn the_language_of_a_document_is_what_the_editor_says() {
    let code = "def f():\n    return 1\n    g()\n";
    let mut client = Client::builder().file("tool.x", code).start();
    let uri = client.uri("tool.x");
    client.notify(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": code}}),
    );
    let job = client.start_job("pleach.review", json!({"path": "tool.x"}));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    let told = client.notification_where("textDocument/publishDiagnostics", |it| {
        it["uri"] == uri.as_str()
    });
    assert_eq!(told["diagnostics"][0]["code"], "unreachable-code", "{told}");
}

#[test]
fn without_a_model_missing_arms_are_added_and_an_if_is_turned_round_from_the_menu() {
    let code = "enum E { A, B }\n\nfn f(e: E) -> u8 {\n    match e {\n        E::A => 1,\n    }\n}\n\n\
                fn g(a: bool) -> u8 {\n    if a { 1 } else { 2 }\n}\n";
    let mut client = Client::builder().file("src/lib.rs", code).start();
    client.open("src/lib.rs");
    for (needle, command, title) in [
        ("match e", "pleach.implement", "Add the arms"),
        ("if a", "pleach.rewrite", "Turn this `if` round"),
    ] {
        client.sync();
        let range = client.cursor_at("src/lib.rs", needle);
        let listed = client.actions("src/lib.rs", &range);
        let entry = listed.iter().find(|it| {
            it["title"].as_str().unwrap().starts_with(title) && it["command"]["command"] == command
        });
        let picked = client
            .pick(entry.unwrap_or_else(|| panic!("{listed:?}")))
            .unwrap();
        let end = client.job_end(picked["job"].as_u64().unwrap());
        assert_eq!(end["landed"], true, "{end}");
    }
    let text = client.text("src/lib.rs");
    assert!(
        text.contains("        E::A => 1,\n        E::B => todo!(),\n    }\n"),
        "{text}"
    );
    assert!(text.contains("    if !a { 2 } else { 1 }\n"), "{text}");
}
