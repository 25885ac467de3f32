//! The text: whatever is typed, in whatever encoding, the server's text is the editor's, and every
//! request sees exactly the changes that were sent before it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::cell::RefCell;

use pleach_tests::client::{Client, Personality, offset};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// A session in each of the three encodings.
fn in_every_encoding() -> [Client; 3] {
    let utf_32 = "/capabilities/general/positionEncodings";
    [
        Client::builder().editor(Personality::Vscode).start(),
        Client::builder().editor(Personality::Neovim).start(),
        Client::builder()
            .editor(Personality::Helix)
            .initialize_with(utf_32, json!(["utf-32"]))
            .start(),
    ]
}

fn changed(uri: &str, version: i32, changes: &Value) -> Value {
    json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes})
}

fn place(line: u32, character: u32) -> Value {
    json!({"line": line, "character": character})
}

#[test]
fn four_thousand_changes_with_a_read_after_every_third() {
    let mut client = Client::builder().start();
    client.open_as("untitled:1", "plaintext", "");
    let mut text = String::new();
    let mut reads = Vec::new();
    let mut blast = Vec::new();
    let mut frame = |message: Value| {
        let body = message.to_string();
        blast.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
    };
    for version in 2..=4001 {
        // Typing at the beginning, so that a lost or swapped change cannot go unseen.
        let typed = format!("{version} ");
        text.insert_str(0, &typed);
        let range = json!({"start": place(0, 0), "end": place(0, 0)});
        let params = changed(
            "untitled:1",
            version,
            &json!([{"range": range, "text": typed}]),
        );
        frame(json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params}));
        if version % 3 == 0 {
            let id = i64::from(version) + 1_000_000;
            let params = json!({"uri": "untitled:1"});
            frame(
                json!({"jsonrpc": "2.0", "id": id, "method": "pleach/documentText", "params": params}),
            );
            reads.push((id, version, text.clone()));
        }
    }
    client.raw(blast);
    for (id, version, text) in reads {
        let read = client.answer(id).unwrap();
        assert_eq!(read["version"], version);
        assert!(
            read["text"] == text.as_str(),
            "the text of version {version} is another"
        );
    }
    assert_eq!(client.server_text("untitled:1"), text);
}

/// Pieces that have broken somebody's arithmetic: every kind of line break that the protocol knows,
/// those that it does not know, wide and combining characters.
const PIECES: [&str; 20] = [
    "a",
    "bc",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\n\r",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{b}",
    "\u{c}",
    "é",
    "e\u{301}",
    "漢",
    "𝄞",
    "👩\u{200d}🚀",
    "\u{feff}",
    "\0",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30)
        .prop_map(|pieces| pieces.concat())
}

#[derive(Clone, Debug)]
enum Keystroke {
    Replace {
        from: prop::sample::Index,
        length: usize,
        with: String,
    },
    SetText(String),
}

fn keystroke() -> impl Strategy<Value = Keystroke> {
    let replace = (any::<prop::sample::Index>(), 0_usize..6, text())
        .prop_map(|(from, length, with)| Keystroke::Replace { from, length, with });
    prop_oneof![9 => replace, 1 => text().prop_map(Keystroke::SetText)]
}

/// The places of `text` that a position can name: not inside a character, not inside a CRLF.
fn places(text: &str) -> Vec<usize> {
    let inside_break =
        |at: usize| at > 0 && text[..at].ends_with('\r') && text[at..].starts_with('\n');
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at) && !inside_break(*at))
        .collect()
}

#[test]
fn any_typing_leaves_both_sides_with_the_same_text() {
    for client in in_every_encoding() {
        let client = RefCell::new(client);
        let case = std::cell::Cell::new(0);
        let typing = (text(), prop::collection::vec(keystroke(), 1..12));
        let mut runner = TestRunner::new(Config {
            cases: 120,
            ..Config::default()
        });
        let outcome = runner.run(&typing, |(start, keystrokes)| {
            let mut client = client.borrow_mut();
            case.set(case.get() + 1);
            let uri = format!("untitled:{}", case.get());
            client.open_as(&uri, "rust", &start);
            for keystroke in keystrokes {
                match keystroke {
                    Keystroke::SetText(text) => client.set_text(&uri, &text),
                    Keystroke::Replace { from, length, with } => {
                        let text = client.text(&uri);
                        let places = places(&text);
                        let first = from.index(places.len());
                        let last = (first + length).min(places.len() - 1);
                        client.edit(&uri, places[first], places[last], &with);
                    }
                }
            }
            let seen = client.server_document(&uri);
            prop_assert_eq!(&seen["text"], &json!(client.text(&uri)));
            prop_assert_eq!(&seen["version"], &json!(client.document(&uri).version));
            prop_assert_eq!(&seen["suspect"], &Value::Null);
            client.close(&uri);
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn several_changes_of_one_message_apply_one_after_the_other() {
    let mut client = Client::builder().start();
    client.open_as("untitled:1", "plaintext", "one\r\ntwo\rthree\n");
    let insert = |line, character, text: &str| json!({"range": {"start": place(line, character), "end": place(line, character)}, "text": text});
    let changes = json!([
        insert(2, 5, "!"),
        // After a lone CR: makes a CRLF of it, which is one line break and not two.
        insert(2, 0, "\n"),
        insert(2, 0, "the "),
        insert(0, 3, "\u{2028}"),
        insert(0, 4, "."),
    ]);
    client.notify("textDocument/didChange", changed("untitled:1", 2, &changes));
    assert_eq!(
        client.server_text("untitled:1"),
        "one\u{2028}.\r\ntwo\r\nthe three!\n"
    );
}

/// Editors name places behind the end: Neovim does for a file without a line break at its end. The
/// protocol says what that means, so it is no reason to distrust the text.
#[test]
fn a_place_behind_an_end_means_that_end() {
    for mut client in in_every_encoding() {
        let far = place(4_294_967_295, 4_294_967_295);
        for (number, (start, end, expected)) in [
            (place(0, 99), place(0, 99), "𝄞nex\ntwo\n"),
            (place(0, 99), place(1, 99), "𝄞nex\n"),
            (place(9, 0), place(9, 5), "𝄞ne\ntwo\nx"),
            (place(1, 0), far.clone(), "𝄞ne\nx"),
            (far.clone(), far.clone(), "𝄞ne\ntwo\nx"),
        ]
        .into_iter()
        .enumerate()
        {
            let uri = format!("untitled:{number}");
            client.open_as(&uri, "plaintext", "𝄞ne\ntwo\n");
            let change = json!([{"range": {"start": start, "end": end}, "text": "x"}]);
            client.notify("textDocument/didChange", changed(&uri, 2, &change));
            let seen = client.server_document(&uri);
            assert_eq!(
                (&seen["text"], &seen["suspect"]),
                (&json!(expected), &Value::Null),
                "{change}"
            );
        }
    }
}

/// What has no meaning at all is still applied, as the best guess, and nothing lands in such a text
/// until the client has sent it whole: with a change, or with a save.
#[test]
fn a_range_without_a_meaning_makes_the_text_suspect_until_it_comes_whole() {
    let mut client = Client::builder().editor(Personality::Vscode).start();
    let wrong = [
        (place(1, 2), place(0, 1), "reversed"),
        (place(0, 1), place(0, 3), "inside a character"),
    ];
    for (number, (start, end, why)) in wrong.into_iter().enumerate() {
        let uri = format!("untitled:{number}");
        client.open_as(&uri, "plaintext", "𝄞ne\ntwo\n");
        let change = json!([{"range": {"start": start, "end": end}, "text": "x"}]);
        for (version, by_saving) in [(2, false), (5, true)] {
            client.notify("textDocument/didChange", changed(&uri, version, &change));
            let seen = client.server_document(&uri);
            assert!(seen["suspect"].is_string(), "{why}: {seen}");
            assert!(
                seen["text"].as_str().unwrap().contains('x'),
                "{why}: {seen}"
            );
            if by_saving {
                let saved = json!({"textDocument": {"uri": uri}, "text": "whole"});
                client.notify("textDocument/didSave", saved);
            } else {
                let whole = json!([{"text": "whole"}]);
                client.notify("textDocument/didChange", changed(&uri, version + 1, &whole));
            }
            let seen = client.server_document(&uri);
            assert_eq!(
                (&seen["text"], &seen["suspect"]),
                (&json!("whole"), &Value::Null),
                "{why}"
            );
            let again = json!([{"text": "𝄞ne\ntwo\n"}]);
            client.notify("textDocument/didChange", changed(&uri, version + 2, &again));
        }
    }
}

#[test]
fn half_a_surrogate_pair_makes_the_text_suspect_until_it_comes_whole() {
    let mut client = Client::builder().start();
    client.open_as("untitled:1", "plaintext", "ab");
    // Serializers of this kind cannot write half a pair, so it is written by hand.
    for (version, column, half) in [(2, 1, "\\ud83d"), (3, 2, "\\ude00")] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","method":"textDocument/didChange","params":{{"textDocument":{{"uri":"untitled:1","version":{version}}},"contentChanges":[{{"range":{{"start":{{"line":0,"character":{column}}},"end":{{"line":0,"character":{column}}}}},"text":"{half}"}}]}}}}"#
        );
        client.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    }
    let seen = client.server_document("untitled:1");
    assert!(seen["suspect"].is_string(), "{seen}");
    client.set_text("untitled:1", "a😀b");
    let seen = client.server_document("untitled:1");
    assert_eq!(
        (&seen["text"], &seen["suspect"]),
        (&json!("a😀b"), &Value::Null)
    );
}

#[test]
fn versions_may_have_gaps_and_must_not_go_back() {
    let mut client = Client::builder().start();
    client.open_as("untitled:1", "plaintext", "");
    let append =
        |text: &str| json!([{"range": {"start": place(0, 0), "end": place(0, 0)}, "text": text}]);
    client.notify(
        "textDocument/didChange",
        changed("untitled:1", 50, &append("b")),
    );
    assert_eq!(client.server_document("untitled:1")["suspect"], Value::Null);
    client.notify(
        "textDocument/didChange",
        changed("untitled:1", 7, &append("a")),
    );
    let seen = client.server_document("untitled:1");
    assert_eq!((&seen["text"], &seen["version"]), (&json!("ab"), &json!(7)));
    assert!(seen["suspect"].is_string(), "{seen}");
}

#[test]
fn messages_about_documents_that_are_not_open_are_survived() {
    let mut client = Client::builder().start();
    client.notify(
        "textDocument/didChange",
        changed("untitled:1", 2, &json!([{"text": "x"}])),
    );
    client.notify(
        "textDocument/didClose",
        json!({"textDocument": {"uri": "untitled:1"}}),
    );
    client.notify(
        "textDocument/didSave",
        json!({"textDocument": {"uri": "untitled:1"}}),
    );
    client.open_as("untitled:1", "plaintext", "first");
    client.close("untitled:1");
    client.notify(
        "textDocument/didChange",
        changed("untitled:1", 2, &json!([{"text": "late"}])),
    );
    let nothing = json!({"uri": "untitled:1"});
    let answer = client.request("pleach/documentText", nothing);
    assert!(answer.as_ref().map_or(true, Value::is_null), "{answer:?}");
    // Opened twice without a close between: the newer text counts.
    client.open_as("untitled:1", "plaintext", "second");
    client.open_as("untitled:1", "plaintext", "third");
    assert_eq!(client.server_text("untitled:1"), "third");
}

/// The client's spelling of a URI is the document's identity. Whatever the server says of it must be
/// spelled the same, byte for byte.
#[test]
fn uris_are_echoed_byte_for_byte() {
    let mut client = Client::builder()
        .options(json!({"jobEvents": true}))
        .start();
    let uris = [
        "file:///w/a b.rs",
        "file:///w/a%20b.rs",
        "file:///w/é.rs",
        "file:///w/%C3%A9.rs",
        "file:///w/%c3%a9.rs",
        "file:///c%3A/w/a.rs",
        "file:///C:/w/a.rs",
        "untitled:Untitled-1",
        "git:/w/a.rs?%7B%22ref%22%3A%22~%22%7D",
        "vscode-notebook-cell:/w/a.ipynb#W0sZmlsZQ%3D%3D",
        "file:///w/a%2Fb.rs",
        "not: a uri at all",
    ];
    for (number, uri) in uris.iter().enumerate() {
        let text = format!("pub fn number_{number}() {{}}\n");
        client.open_as(uri, "rust", &text);
    }
    for (number, uri) in uris.iter().enumerate() {
        // No two of them are one document, and each is still found under its own spelling.
        let text = format!("pub fn number_{number}() {{}}\n");
        assert_eq!(client.server_text(uri), text);
        client.replace(uri, "pub fn", "fn");
        assert_eq!(client.server_text(uri), text.replace("pub fn", "fn"));
        let place = client.cursor_at(uri, "number");
        for action in client.actions(uri, &place) {
            let argument = &action["command"]["arguments"][0];
            if let Some(named) = argument["uri"].as_str() {
                assert_eq!(named, *uri);
            }
        }
    }
}

#[test]
fn the_parse_of_a_large_document_holds_up_no_request() {
    let mut client = Client::builder().start();
    let line = "fn name(argument: usize) -> usize { argument + 1 }\n";
    client.open_as(
        "untitled:large",
        "rust",
        &line.repeat(20_000_000 / line.len()),
    );
    client.open_as("untitled:small", "rust", line);
    client.sync();
    // To list actions there, a tree is wanted. The parse takes seconds.
    let range = json!({"start": place(0, 0), "end": place(0, 0)});
    let document = json!({"uri": "untitled:large"});
    let listing = json!({"textDocument": document, "range": range, "context": {"diagnostics": []}});
    let change = json!([{"range": {"start": place(0, 0), "end": place(0, 2)}, "text": "fn"}]);
    let keystroke = changed("untitled:large", 2, &change);
    let begun = std::time::Instant::now();
    let listing = client.ask("textDocument/codeAction", listing);
    assert_eq!(client.server_text("untitled:small"), line);
    client.notify("textDocument/didChange", keystroke);
    client.sync();
    let waited = begun.elapsed();
    assert!(
        waited.as_millis() < 1000,
        "the small document waited {waited:?}"
    );
    client.answer(listing).unwrap();
}

/// The test's own arithmetic, once more by hand.
#[test]
fn the_client_counts_as_the_protocol_says() {
    let [vscode, neovim, utf_32] = in_every_encoding();
    for (mut client, column) in [(vscode, 3), (neovim, 7), (utf_32, 2)] {
        client.open_as("untitled:1", "plaintext", "x\r\n𝄞漢b\n");
        let range = client.range_of("untitled:1", "b");
        assert_eq!(range["start"], place(1, column));
        client.replace("untitled:1", "b", "c");
        assert_eq!(client.server_text("untitled:1"), "x\r\n𝄞漢c\n");
    }
    assert_eq!(
        offset("a\r\nb", &place(1, 1), pleach_tests::client::Unit::Utf16),
        4
    );
}
