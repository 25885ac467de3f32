#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]
use super::*;
use serde_json::json;

fn decoded(body: impl AsRef<[u8]>) -> Vec<Incoming> {
    let mut into = Vec::new();
    decode(body.as_ref(), &mut into);
    into
}

/// One line for each message that comes out of `body`.
fn told(body: impl AsRef<[u8]>) -> Vec<String> {
    let tell = |incoming| match incoming {
        Incoming::Open(params) => format!("open {}", json!(params)),
        Incoming::Change(params) => format!("change {}", json!(params)),
        Incoming::Call { method, id, params } => {
            format!("call {method} {} {}", json!(id), json!(params))
        }
        Incoming::Answer {
            id,
            answer,
            complete: _,
        } => match answer {
            Ok(value) => format!("answer {id} {value}"),
            Err(error) => format!("answer {id} error {} {}", error.code, error.message),
        },
        Incoming::Unusable { id, error } => format!("unusable {} {}", json!(id), error.code),
        Incoming::Suspect { uri } => format!("suspect {uri}"),
    };
    decoded(body).into_iter().map(tell).collect()
}

#[test]
fn requests_notifications_and_answers() {
    for (body, told_as) in [
        (
            json!({"jsonrpc": "2.0", "id": 1, "method": "a", "params": [1]}),
            "call a 1 [1]",
        ),
        (
            json!({"jsonrpc": "2.0", "id": "x", "method": "a"}),
            "call a \"x\" null",
        ),
        (
            json!({"jsonrpc": "2.0", "method": "a", "params": {}, "more": {"b": 2}}),
            "call a null {}",
        ),
        (
            json!({"jsonrpc": "2.0", "id": 7, "result": null}),
            "answer 7 null",
        ),
        (
            json!({"jsonrpc": "2.0", "id": 7, "result": {"applied": true}}),
            "answer 7 {\"applied\":true}",
        ),
        (
            json!({"jsonrpc": "2.0", "id": 7, "error": {"code": -32601, "message": "no"}}),
            "answer 7 error -32601 no",
        ),
        (json!({"jsonrpc": "2.0"}), "unusable null -32600"),
        (
            json!({"jsonrpc": "2.0", "id": 4, "method": 5}),
            "unusable 4 -32600",
        ),
        (json!("hello"), "unusable null -32600"),
        (
            json!({"jsonrpc": "2.0", "id": 4, "error": "no"}),
            "answer 4 error 0 \"no\"",
        ),
    ] {
        assert_eq!(told(body.to_string()), [told_as], "{body}");
    }
}

fn change_body(text_json: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"textDocument/didChange","params":{{"textDocument":{{"uri":"file:///a b.rs","version":3}},"contentChanges":[{{"range":{{"start":{{"line":1,"character":2}},"end":{{"line":1,"character":4}}}},"rangeLength":2,"text":{text_json}}}]}}}}"#
    )
}

/// The fast way must say exactly what the types of the protocol say.
#[test]
fn changes_are_decoded_as_the_types_would() {
    let whole = r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"version":-4,"uri":"untitled:1"},"contentChanges":[{"text":"é\n"},{"text":""}]}}"#;
    let mut partial: Value =
        serde_json::from_str(&change_body("\"x\\u00e9\\uD83D\\uDE00\"")).unwrap();
    for body in [whole.to_owned(), partial.to_string()] {
        let value: Value = serde_json::from_str(&body).unwrap();
        let mut params = value.get("params").unwrap().clone();
        if let Some(change) = params.pointer_mut("/contentChanges/0") {
            change.as_object_mut().unwrap().remove("rangeLength");
        }
        let expected: DidChangeTextDocumentParams = serde_json::from_value(params).unwrap();
        let [Incoming::Change(change)] = &decoded(&body)[..] else {
            panic!("{body}")
        };
        assert_eq!(*change, expected);
    }
    // The same with the members in another order, and the slash escaped.
    let params = partial["params"].take();
    let reordered = format!(r#"{{"params":{params},"method":"textDocument\/didChange"}}"#);
    assert!(matches!(&decoded(reordered)[..], [Incoming::Change(_)]));
}

#[test]
fn the_end_may_be_any_large_number() {
    let body =
        change_body("\"\"").replace("\"character\":4", "\"character\":1.7976931348623157e308");
    let [Incoming::Change(change)] = &decoded(body)[..] else {
        panic!()
    };
    let shown = json!(change);
    assert_eq!(
        shown.pointer("/contentChanges/0/range/end/character"),
        Some(&json!(u32::MAX))
    );
}

#[test]
fn half_a_character_is_repaired_and_told() {
    for half in [
        "\"a\\uD83Db\"",
        "\"\\uDE00\"",
        "\"\\uD83D\\uD83D\\uDE00\"",
        "\"\\\\\\ud83d\"",
    ] {
        let told = told(change_body(half));
        assert_eq!(told.len(), 2, "{half}");
        assert!(
            told[0].starts_with("change") && told[0].contains('\u{FFFD}'),
            "{half}"
        );
        assert_eq!(told[1], "suspect file:///a b.rs");
    }
    // An escaped backslash before a `u` is no escape.
    assert_eq!(told(change_body("\"\\\\uD83D\"")).len(), 1);
}

#[test]
fn bytes_that_are_not_text_are_repaired_and_told() {
    let mut body = change_body("\"?\"").into_bytes();
    let at = body.iter().position(|byte| *byte == b'?').unwrap();
    body[at] = 0xFF;
    let told = told(body);
    assert!(told[0].contains('\u{FFFD}'));
    assert_eq!(told[1], "suspect file:///a b.rs");
}

#[test]
fn a_change_that_cannot_be_read_makes_its_document_suspect() {
    let cut = &change_body("\"x\"")[..150];
    assert_eq!(
        told(cut),
        ["unusable null -32700", "suspect file:///a b.rs"]
    );
    let negative = change_body("\"x\"").replace("\"line\":1", "\"line\":-1");
    // A notification is not answered, not even with an error.
    assert_eq!(told(negative), ["suspect file:///a b.rs"]);
    let asked = change_body("5").replacen('{', "{\"id\":7,", 1);
    assert_eq!(told(asked), ["unusable 7 -32602", "suspect file:///a b.rs"]);
    let asked = change_body("\"x\"").replacen('{', "{\"id\":7,", 1);
    assert_eq!(told(asked), ["unusable 7 -32600", "suspect file:///a b.rs"]);
    // Other messages leave documents alone.
    assert_eq!(
        told("{\"method\": \"textDocument/hover\", "),
        ["unusable null -32700"]
    );
}

#[test]
fn members_of_a_batch_count_one_by_one() {
    assert_eq!(told("[]"), ["unusable null -32600"]);
    assert_eq!(told("[1"), ["unusable null -32700"]);
    assert_eq!(
        told(r#" [{"id":1,"method":"a"},[],{"method":"b"}]"#),
        ["call a 1 null", "unusable null -32600", "call b null null"]
    );
}

#[test]
fn a_refused_batch_makes_every_document_that_it_changes_suspect() {
    let one = change_body("\"x\"");
    let other = one.replace("a b.rs", "c.rs");
    let suspects = ["suspect file:///a b.rs", "suspect file:///c.rs"];
    let long = vec![one.as_str(); BATCH_AT_MOST].join(",");
    let hover = r#"{"id":1,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///d.rs"}}}"#;
    let told_long = told(format!("[{long},{hover},{other}]"));
    assert_eq!(told_long[0], "unusable null -32600");
    assert_eq!(told_long[1..], suspects);
    let cut = told(format!("[{one},{other},"));
    assert_eq!(cut[0], "unusable null -32700");
    assert_eq!(cut[1..], suspects);
    assert_eq!(told(format!("[[{one},{other}]]"))[1..], suspects);
}
