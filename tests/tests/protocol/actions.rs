//! The list of actions: what is offered where, and what is not; and what commands answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Builder, Client, Personality};
use serde_json::{Value, json};

const CODE: &str = "\
use std::fmt;

pub fn area(width: u32, height: u32) -> u32 {
    width * height
}
";

/// A session with [`CODE`] in `src/lib.rs`, opened.
fn opened(builder: Builder) -> Client {
    builder.opened("src/lib.rs", CODE).start()
}

fn kinds(actions: &[Value]) -> Vec<&str> {
    actions
        .iter()
        .map(|action| action["kind"].as_str().unwrap())
        .collect()
}

fn asked_by_hand(more: &Value) -> Value {
    let mut context = json!({"diagnostics": [], "triggerKind": 1});
    for (name, value) in more.as_object().unwrap() {
        context[name] = value.clone();
    }
    context
}

#[test]
fn every_action_is_a_command_of_a_kind_of_ours() {
    for personality in Personality::ALL {
        let mut client = opened(Client::builder().editor(personality));
        let place = client.cursor_at("src/lib.rs", "area");
        let actions = client.actions("src/lib.rs", &place);
        assert!(
            (1..=6).contains(&actions.len()),
            "few entries: {actions:#?}"
        );
        let commands = &client.server()["capabilities"]["executeCommandProvider"]["commands"];
        let commands = commands.as_array().unwrap();
        for action in &actions {
            let kind = action["kind"].as_str().unwrap();
            assert!(kind.contains(".pleach"), "{kind}");
            assert!(
                action["title"]
                    .as_str()
                    .is_some_and(|title| !title.is_empty())
            );
            // An edit inside would be applied to whatever the text is by then.
            assert_eq!(action.get("edit"), None, "{action}");
            assert_eq!(action.get("isPreferred"), None, "{action}");
            assert_eq!(action.get("disabled"), None, "{action}");
            assert!(commands.contains(&action["command"]["command"]), "{action}");
        }
        assert!(
            actions
                .iter()
                .any(|action| action["command"]["command"] == "pleach.document")
        );
    }
}

#[test]
fn the_kinds_that_the_client_asks_for_are_honoured() {
    let mut client = opened(Client::builder());
    let place = client.cursor_at("src/lib.rs", "area");
    let mut asked = |only: Value| {
        client.actions_in("src/lib.rs", &place, asked_by_hand(&json!({"only": only})))
    };
    let all = asked(json!([""]));
    assert!(!all.is_empty());
    let refactor = asked(json!(["refactor"]));
    assert!(!refactor.is_empty());
    assert!(
        kinds(&refactor)
            .iter()
            .all(|kind| kind.starts_with("refactor."))
    );
    let one = asked(json!(["refactor.rewrite.pleach.document"]));
    assert_eq!(kinds(&one), ["refactor.rewrite.pleach.document"]);
    for only in [
        "source.organizeImports",
        "quickfix",
        "refactor.inline",
        "refact",
        "notebook",
    ] {
        assert_eq!(asked(json!([only])), [] as [Value; 0], "{only}");
    }
}

#[test]
fn nothing_is_listed_unless_a_person_asks() {
    let automatic = json!({"triggerKind": 2});
    let mut client = opened(Client::builder());
    let place = client.cursor_at("src/lib.rs", "area");
    let listed = client.actions_in("src/lib.rs", &place, asked_by_hand(&automatic));
    assert_eq!(listed, [] as [Value; 0]);

    let settings = "[actions]\nautomatic = true\n";
    let mut client = opened(Client::builder().user_settings(settings));
    let listed = client.actions_in("src/lib.rs", &place, asked_by_hand(&automatic));
    assert!(!listed.is_empty());
}

#[test]
fn one_setting_turns_the_actions_off() {
    let off = "[actions]\nenabled = false\n";
    let by_client = json!({"settings": {"actions": {"enabled": false}}});
    for builder in [
        Client::builder().user_settings(off),
        Client::builder().file("pleach.toml", off),
        Client::builder().options(by_client),
    ] {
        let mut client = opened(builder);
        let place = client.cursor_at("src/lib.rs", "area");
        assert_eq!(client.actions("src/lib.rs", &place), [] as [Value; 0]);
        let uri = client.uri("src/lib.rs");
        let error = client.execute("pleach.document", json!({"uri": uri, "range": place}));
        let error = error.unwrap_err();
        assert!(
            error["message"].as_str().unwrap().contains("turned off"),
            "{error}"
        );
    }
}

#[test]
fn a_workspace_cannot_turn_on_what_the_user_turned_off() {
    let mut client = opened(
        Client::builder()
            .user_settings("[actions]\nenabled = false\n")
            .file("pleach.toml", "[actions]\nenabled = true\n"),
    );
    let place = client.cursor_at("src/lib.rs", "area");
    assert_eq!(client.actions("src/lib.rs", &place), [] as [Value; 0]);
}

#[test]
fn a_fix_is_offered_for_a_diagnostic_that_it_can_mend() {
    let mut client = opened(Client::builder());
    let place = client.range_of("src/lib.rs", "std::fmt");
    let unused = json!({"range": place, "severity": 2, "source": "rustc", "message": "unused import: `std::fmt`"});
    let other = json!({"range": place, "severity": 1, "source": "rustc", "message": "something only a model could mend"});
    let context = asked_by_hand(&json!({"diagnostics": [unused, other], "only": ["quickfix"]}));
    let listed = client.actions_in("src/lib.rs", &place, context);
    assert_eq!(kinds(&listed), ["quickfix.pleach.fix"], "{listed:#?}");
    assert_eq!(listed[0]["diagnostics"], json!([unused]));
}

#[test]
fn several_fixes_can_be_had_at_once() {
    let code = "use std::fmt;\nuse std::io;\nuse std::env;\nuse std::fs;\n\npub fn f() {}\n";
    let mut client = Client::builder().opened("src/lib.rs", code).start();
    let mut diagnostics = Vec::new();
    for name in ["fmt", "io", "env", "fs"] {
        let place = client.range_of("src/lib.rs", &format!("std::{name}"));
        let message = format!("unused import: `std::{name}`");
        diagnostics.push(json!({"range": place, "severity": 2, "message": message}));
    }
    let place = client.range_of("src/lib.rs", code);
    let context = asked_by_hand(&json!({"diagnostics": diagnostics, "only": ["quickfix"]}));
    let listed = client.actions_in("src/lib.rs", &place, context);
    // Few entries, and every diagnostic has one.
    assert_eq!(listed.len(), 4, "{listed:#?}");
    let all = listed.last().unwrap();
    assert_eq!(all["title"], "Fix all 4 problems here with Pleach");
    assert_eq!(all["diagnostics"].as_array().unwrap().len(), 4);
    let job = client.pick(all).unwrap()["job"].as_u64().unwrap();
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert_eq!(client.text("src/lib.rs").trim(), "pub fn f() {}");
}

/// The titles of what is offered.
fn titles(actions: &[Value]) -> Vec<&str> {
    actions
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect()
}

/// An engine that is never asked.
const SOME_MODEL: &str =
    "engine = \"some\"\n[providers.some]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";

#[test]
fn an_instruction_in_a_comment_is_seen_in_any_language() {
    let mut client = Client::builder().user_settings(SOME_MODEL).start();
    for (language, line, instruction) in [
        ("python", "    # ai: make it fast", Some("make it fast")),
        ("lua", "-- ai: make it fast", Some("make it fast")),
        ("html", "<!-- ai: translate -->", Some("translate")),
        (
            "css",
            "a { color: red } /* use a variable AI! */",
            Some("use a variable"),
        ),
        ("shellscript", "# quote this AI!", Some("quote this")),
        (
            "c",
            "int one; // AI: make it static",
            Some("make it static"),
        ),
        ("yaml", "# ai: sort", Some("sort")),
        ("markdown", "<!-- ai: shorten -->", Some("shorten")),
        ("go", "x := \"ai: no comment\"", None),
        ("python", "# a maid, said: something", None),
    ] {
        let uri = format!("untitled:{language}-{}", line.len());
        client.open_as(&uri, language, &format!("{line}\n"));
        let place = client.range_of(&uri, line);
        let actions = client.actions(&uri, &place);
        let offered = titles(&actions)
            .into_iter()
            .find_map(|title| title.strip_prefix("Carry out this comment: "));
        assert_eq!(offered, instruction, "{line}");
    }
}

#[test]
fn what_is_left_open_can_be_implemented() {
    let mut client = Client::builder().user_settings(SOME_MODEL).start();
    for (language, code, open) in [
        ("rust", "fn name() {}\n", true),
        ("rust", "fn name() -> u8 {\n    todo!()\n}\n", true),
        (
            "rust",
            "fn name() -> u8 {\n    1\n}\n\nfn other() {}\n",
            false,
        ),
        ("python", "def name():\n    \"\"\"Adds.\"\"\"\n", true),
        ("python", "def name():\n    pass\n", true),
        ("go", "func name() {\n\t// TODO: count\n}\n", true),
        ("typescript", "function name() {\n}\n", true),
    ] {
        let uri = format!("untitled:{language}-{}", code.len());
        client.open_as(&uri, language, code);
        let place = client.cursor_at(&uri, "name");
        let offered = client.offered(&uri, &place, "pleach.implement");
        assert_eq!(offered.is_some(), open, "{code}");
    }
}

/// Reading the settings of a folder takes place beside the loop, so what is asked for is asked until
/// it shows.
#[test]
fn folders_come_and_go() {
    let mut client = opened(Client::builder());
    let other = tempfile::tempdir().unwrap();
    let folder = format!("file://{}", other.path().canonicalize().unwrap().display());
    let uri = format!("{folder}/other.rs");
    client.open_as(&uri, "rust", "pub fn other() -> u8 { 1 }\n");
    let place = client.cursor_at(&uri, "other");
    let document = json!({"uri": uri, "range": place});
    assert_eq!(client.actions(&uri, &place), [] as [Value; 0]);
    let error = client.execute("pleach.document", document.clone());
    let error = error.unwrap_err();
    assert_eq!(error["data"]["code"], "denied-path", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("outside the workspace"), "{message}");
    let folders = json!([{"uri": folder, "name": "other"}]);
    let added = json!({"event": {"added": folders, "removed": []}});
    client.notify("workspace/didChangeWorkspaceFolders", added);
    while client.actions(&uri, &place).is_empty() {}
    let job = client.start_job("pleach.document", document);
    assert_eq!(client.job_end(job)["kind"], "finished");
    let text = client.text(&uri);
    assert!(text.starts_with("///"), "{text}");
    let removed = json!({"event": {"added": [], "removed": folders}});
    client.notify("workspace/didChangeWorkspaceFolders", removed);
    let place = client.cursor_at(&uri, "other()");
    while client.offered(&uri, &place, "pleach.document").is_some() {}
    // The folder that the session began with has stayed all the time.
    let place = client.cursor_at("src/lib.rs", "area");
    assert!(!client.actions("src/lib.rs", &place).is_empty());
}

#[test]
fn places_without_anything_to_do_have_no_actions() {
    let mut client = opened(Client::builder());
    let uri = "untitled:nothing";
    client.open_as(uri, "plaintext", "just words\n");
    let start = json!({"line": 0, "character": 0});
    let place = json!({"start": start, "end": start});
    assert_eq!(client.actions(uri, &place), [] as [Value; 0]);
    // Outside of the text, in a document that is not open.
    let far = json!({"line": 99, "character": 99});
    let far = json!({"start": far, "end": far});
    drop(client.actions("src/lib.rs", &far));
    assert_eq!(client.actions("untitled:never", &place), [] as [Value; 0]);
}

#[test]
fn commands_answer_errors_that_say_what_to_do() {
    let mut client = opened(Client::builder());
    for (command, argument, words) in [
        ("pleach.nonsense", Value::Null, "no command"),
        ("pleach.document", json!({"range": 5}), "arguments"),
        (
            "pleach.document",
            json!({"uri": "untitled:never"}),
            "not open",
        ),
        (
            "pleach.document",
            json!({"path": "src/other.rs"}),
            "not open",
        ),
        ("pleach.cancel", Value::Null, "no running job"),
        ("pleach.cancel", json!({"job": 99}), "no running job"),
        ("pleach.undo", Value::Null, "undo"),
        ("pleach.land", json!({"reply": "  "}), "reply"),
        (
            "pleach.rewrite",
            json!({"path": "src/lib.rs"}),
            "instruction",
        ),
    ] {
        let error = client.execute(command, argument).unwrap_err();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{command}: {message}");
    }
    assert_eq!(client.server_text("src/lib.rs"), CODE);
}

#[test]
fn the_status_says_which_engine_answers() {
    let mut client = opened(Client::builder());
    let status = client.execute("pleach.status", Value::Null).unwrap();
    assert_eq!(status["engine"], "built-in syntax engine, no AI model");
    assert_eq!(status["documents"], 1);
    assert_eq!(status["jobs"], json!([]));
}

#[test]
fn a_wrong_key_in_the_settings_is_shown_at_the_key_and_does_no_harm() {
    let settings = "# mine\n[actions]\nautomatik = true\n\n[limits]\nidle_seconds = \"soon\"\n";
    let mut client = opened(Client::builder().user_settings(settings));
    let shown = client.notification_where("textDocument/publishDiagnostics", |params| {
        params["diagnostics"]
            .as_array()
            .is_some_and(|list| !list.is_empty())
    });
    let path = client.user_settings_path();
    assert_eq!(shown["uri"], format!("file://{}", path.display()));
    let diagnostics = shown["diagnostics"].as_array().unwrap();
    let at = |line: u32| {
        let found = diagnostics
            .iter()
            .find(|it| it["range"]["start"]["line"] == line);
        found.unwrap_or_else(|| panic!("nothing in line {line}: {diagnostics:#?}"))
    };
    // The key, with the one that was probably meant.
    assert_eq!(
        at(2)["range"],
        json!({
            "start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 9},
        })
    );
    assert!(
        at(2)["message"].as_str().unwrap().contains("automatic"),
        "{}",
        at(2)
    );
    assert_eq!(at(2)["source"], "pleach");
    at(5);
    let place = client.cursor_at("src/lib.rs", "area");
    assert!(!client.actions("src/lib.rs", &place).is_empty());
}

#[test]
fn a_key_of_a_provider_in_the_file_is_refused_and_never_repeated() {
    let settings = "model = \"mine\"\n[providers.mine]\nkind = \"openai-compatible\"\n\
                    base_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\napi_key = \"sk-very-secret\"\n";
    let mut client = opened(Client::builder().user_settings(settings));
    let shown = client.notification_where("textDocument/publishDiagnostics", |params| {
        params["diagnostics"]
            .as_array()
            .is_some_and(|list| !list.is_empty())
    });
    let lines: Vec<&Value> = shown["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["range"]["start"]["line"])
        .collect();
    assert!(lines.contains(&&json!(5)), "{shown}");
    client.execute("pleach.status", Value::Null).unwrap();
    for (_, message) in client.transcript() {
        assert!(!message.to_string().contains("very-secret"), "{message}");
    }
    assert!(!client.stderr().contains("very-secret"));
}

#[test]
fn settings_typed_into_the_editor_are_checked_and_take_effect_when_saved() {
    let mut client = opened(Client::builder().file("pleach.toml", "# nothing yet\n"));
    let place = client.cursor_at("src/lib.rs", "area");
    assert!(!client.actions("src/lib.rs", &place).is_empty());
    client.open("pleach.toml");
    client.set_text("pleach.toml", "[actions]\nenabld = false\n");
    let uri = client.uri("pleach.toml");
    let about = |wrong: bool| {
        let uri = uri.clone();
        move |params: &Value| {
            params["uri"] == uri.as_str()
                && params["diagnostics"]
                    .as_array()
                    .is_some_and(|list| list.is_empty() != wrong)
        }
    };
    client.notification_where("textDocument/publishDiagnostics", about(true));
    client.set_text("pleach.toml", "[actions]\nenabled = false\n");
    client.notification_where("textDocument/publishDiagnostics", about(false));
    assert!(
        !client.actions("src/lib.rs", &place).is_empty(),
        "not saved yet"
    );
    client.save("pleach.toml");
    // Reading takes place beside the loop: asked until it shows.
    while !client.actions("src/lib.rs", &place).is_empty() {}
}
