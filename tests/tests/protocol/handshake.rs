//! The handshake: what each editor says, what the server answers, and what it makes of a client that
//! says strange things.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Client, Personality};
use serde_json::{Value, json};

/// The recorded message as it was recorded, but for the process, which must not be somebody else's.
fn replayed(personality: Personality) -> Client {
    let recorded = personality.handshake();
    let mut builder = Client::builder().editor(personality);
    for name in [
        "rootUri",
        "rootPath",
        "workspaceFolders",
        "initializationOptions",
    ] {
        let value = recorded.get(name).cloned().unwrap_or_default();
        builder = builder.initialize_with(&format!("/{name}"), value);
    }
    builder.start()
}

#[test]
fn every_recorded_editor_is_served_in_its_encoding() {
    for personality in Personality::ALL {
        let client = replayed(personality);
        let encoding = &client.server()["capabilities"]["positionEncoding"];
        assert_eq!(encoding, personality.expected_encoding(), "{personality:?}");
    }
}

#[test]
fn only_what_works_is_advertised() {
    for personality in Personality::ALL {
        let client = replayed(personality);
        let capabilities = &client.server()["capabilities"];
        // Incremental, with open and close.
        assert_eq!(
            capabilities["textDocumentSync"]["change"], 2,
            "{personality:?}"
        );
        assert_eq!(capabilities["textDocumentSync"]["openClose"], true);
        // Helix freezes while it waits for a resolve.
        let resolve = &capabilities["codeActionProvider"]["resolveProvider"];
        assert!(*resolve == Value::Null || *resolve == false, "{resolve}");
        let kinds = capabilities["codeActionProvider"]["codeActionKinds"]
            .as_array()
            .unwrap();
        for kind in kinds {
            let kind = kind.as_str().unwrap();
            let known = ["quickfix", "refactor", "source"]
                .iter()
                .any(|base| kind.starts_with(base));
            assert!(
                known && kind.ends_with("pleach") || kind.contains(".pleach"),
                "{kind}"
            );
        }
        let commands = &capabilities["executeCommandProvider"]["commands"];
        for command in [
            "fix",
            "rewrite",
            "document",
            "test",
            "land",
            "cancel",
            "undo",
            "status",
            "accept",
            "reject",
            "resolve",
            "retry",
            "diff",
            "reviews",
            "history",
            "plan",
            "plan.run",
            "plan.done",
            "plan.skip",
            "plan.reopen",
            "plan.undo",
            "plan.revise",
            "plan.explain",
        ] {
            let command = json!(format!("pleach.{command}"));
            assert!(commands.as_array().unwrap().contains(&command), "{command}");
        }
        let advertised: Vec<&str> = capabilities
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let lenses = client
            .initialize_params()
            .pointer("/capabilities/textDocument/codeLens");
        let mut expected = vec!["codeActionProvider"];
        expected.extend(lenses.map(|_| "codeLensProvider"));
        // VS Code is told later, and for plans only.
        let is_told_later = client
            .initialize_params()
            .pointer("/capabilities/textDocument/foldingRange/dynamicRegistration")
            == Some(&json!(true));
        expected.extend((!is_told_later).then_some("documentSymbolProvider"));
        expected.push("executeCommandProvider");
        if !is_told_later {
            expected.extend(["foldingRangeProvider", "hoverProvider"]);
        }
        expected.extend(["positionEncoding", "textDocumentSync", "workspace"]);
        assert_eq!(
            advertised, expected,
            "what is added here needs a test that it works"
        );
        assert_eq!(client.server()["serverInfo"]["name"], "pleach");
    }
}

#[test]
fn the_encoding_is_utf_8_where_it_is_offered_and_utf_16_by_default() {
    for (offered, chosen) in [
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-32", "utf-16"]), "utf-16"),
        (json!(["utf-32"]), "utf-32"),
        (json!(["utf-7"]), "utf-16"),
        (json!([]), "utf-16"),
        (Value::Null, "utf-16"),
    ] {
        let pointer = "/capabilities/general/positionEncodings";
        let client = Client::builder()
            .initialize_with(pointer, offered.clone())
            .start();
        let encoding = &client.server()["capabilities"]["positionEncoding"];
        assert_eq!(encoding, chosen, "offered {offered}");
    }
}

#[test]
fn a_client_that_says_nothing_of_itself_is_served() {
    let mut client = Client::builder().spawn();
    client
        .request("initialize", json!({"capabilities": {}}))
        .unwrap();
    client.notify("initialized", json!({}));
    client.open_as("untitled:1", "rust", "fn one() {}\n");
    assert_eq!(client.server_text("untitled:1"), "fn one() {}\n");
}

/// One value of an unexpected shape must not cost the session, nor the values beside it.
#[test]
fn hostile_capabilities_cost_themselves_only() {
    let hostile = [
        (
            "/capabilities/textDocument/publishDiagnostics/tagSupport",
            json!(true),
        ),
        (
            "/capabilities/workspace/workspaceEdit/resourceOperations",
            json!(["create", "teleport", 7]),
        ),
        (
            "/capabilities/workspace/workspaceEdit/failureHandling",
            json!("hope"),
        ),
        ("/capabilities/textDocument/codeAction", json!("yes")),
        (
            "/capabilities/textDocument/completion/completionItemKind/valueSet",
            json!([1, 99, "x"]),
        ),
        (
            "/capabilities/textDocument/hover/contentFormat",
            json!(["asciidoc"]),
        ),
        ("/capabilities/experimental", json!([[[{}]]])),
        ("/capabilities/window", json!(5)),
        ("/capabilities/somethingNew", json!({"a": [null]})),
        ("/trace", json!("compact")),
        ("/processId", json!("4711")),
        ("/clientInfo", json!({"name": 5})),
        ("/workspaceFolders", json!("everywhere")),
        ("/initializationOptions", json!([1, 2, 3])),
        ("/initializationOptions/pleach", json!("jobEvents")),
        (
            "/initializationOptions/pleach",
            json!({"jobEvents": "yes", "settings": 5}),
        ),
        ("/rootUri", json!({"path": "/"})),
        ("/locale", json!(1)),
    ];
    let served = |client: &mut Client| {
        assert_eq!(client.server()["capabilities"]["positionEncoding"], "utf-8");
        client.open_as("untitled:1", "rust", "é");
        assert_eq!(client.server_text("untitled:1"), "é");
    };
    let mut all = Client::builder().editor(Personality::Neovim);
    for (pointer, value) in hostile {
        let builder = Client::builder().editor(Personality::Neovim);
        served(&mut builder.initialize_with(pointer, value.clone()).start());
        all = all.initialize_with(pointer, value);
    }
    served(&mut all.start());
}
