//! The life of a session over real pipes: framing, lifecycle, ends, and what may leave the server.
//!
//! The transport's own tests show the same with a server of a few lines, and more of it; these show
//! that the product is what was tested there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::{Duration, Instant};

use pleach_tests::client::{Client, Side};
use serde_json::{Value, json};

fn framed(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn assert_alive(client: &mut Client) {
    let status = json!({"command": "pleach.status", "arguments": []});
    let status = client.request("workspace/executeCommand", status).unwrap();
    assert!(status["version"].is_string(), "{status}");
}

#[test]
fn bad_messages_are_answered_and_survived() {
    let mut client = Client::builder().start();
    let mut cut = framed("{\"jsonrpc\": \"2.0\"}");
    cut.truncate(cut.len() - 1);
    cut.push(b'?');
    for (bad, code) in [
        (framed("{\"jsonrpc\": "), -32700),
        (framed("[]"), -32600),
        (framed("null"), -32600),
        (cut, -32700),
        (b"Content-Length: many\r\n\r\n{}".to_vec(), -32700),
        (b"Content-Length: -1\r\n\r\n{}".to_vec(), -32700),
        (
            b"Content-Length: 18446744073709551616\r\n\r\n{}".to_vec(),
            -32700,
        ),
        (
            b"Content-Length: 18446744073709551615\r\n\r\n{}".to_vec(),
            -32700,
        ),
        (
            b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}".to_vec(),
            -32700,
        ),
        (b"Content-Type: application/json\r\n\r\n{}".to_vec(), -32700),
        (b"{\"jsonrpc\":\"2.0\"}\n".to_vec(), -32700),
        (b"\xC3\x28\xFF\r\n\r\n".to_vec(), -32700),
    ] {
        client.raw(&bad);
        let error = client.error_without_id();
        assert_eq!(
            error["code"],
            code,
            "for {:?}",
            String::from_utf8_lossy(&bad)
        );
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
        assert_alive(&mut client);
    }
}

#[test]
fn headers_may_be_written_in_any_way_that_makes_sense() {
    let mut client = Client::builder().start();
    let body =
        r#"{"jsonrpc":"2.0","id":1001,"method":"pleach/documentText","params":{"uri":"none:"}}"#;
    let header = |text: &str| format!("{text}{body}").replace("SIZE", &body.len().to_string());
    for message in [
        header("content-length: SIZE\r\n\r\n"),
        header(
            "CONTENT-LENGTH:SIZE\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
        ),
        header(
            "Content-Type: application/vscode-jsonrpc; charset=utf8\r\nContent-Length: SIZE\r\n\r\n",
        ),
        header("Content-Length: SIZE\n\n"),
        header("\r\n\r\nContent-Length: SIZE\r\n\r\n"),
    ] {
        client.raw(&message);
        let answer = client.answer(1001);
        assert!(answer.is_err() || answer == Ok(Value::Null), "{message:?}");
    }
    // Byte by byte, and two in one piece.
    for byte in header("Content-Length: SIZE\r\n\r\n").bytes() {
        client.raw([byte]);
    }
    drop(client.answer(1001));
    let other = body.replace("1001", "1002");
    client.raw([framed(body), framed(&other)].concat());
    drop(client.answer(1001));
    drop(client.answer(1002));
}

#[test]
fn a_document_of_32_mib_arrives_whole() {
    let mut client = Client::builder().start();
    let text = "a line of text and \u{e9}\n".repeat((32 << 20) / 21);
    client.open_as("untitled:1", "plaintext", &text);
    assert!(client.server_text("untitled:1") == text);
}

#[test]
fn a_message_that_is_too_long_costs_itself_and_marks_its_document() {
    let mut client = Client::builder().start();
    client.open_as("untitled:1", "plaintext", "short");
    client.set_text("untitled:1", &"long ".repeat(14 << 20));
    assert_eq!(client.error_without_id()["code"], -32700);
    let seen = client.server_document("untitled:1");
    assert_eq!(seen["text"], "short");
    assert!(seen["suspect"].is_string(), "{}", seen["suspect"]);
    client.set_text("untitled:1", "short again");
    assert_eq!(client.server_document("untitled:1")["suspect"], Value::Null);
}

#[test]
fn requests_have_their_time() {
    let mut client = Client::builder().spawn();
    for method in [
        "textDocument/codeAction",
        "workspace/executeCommand",
        "shutdown",
        "what/ever",
    ] {
        assert_eq!(
            client.request(method, json!({})).unwrap_err()["code"],
            -32002,
            "{method}"
        );
    }
    client.begin();
    assert_eq!(
        client
            .request("initialize", json!({"capabilities": {}}))
            .unwrap_err()["code"],
        -32600
    );
    assert_eq!(
        client.request("what/ever", json!({})).unwrap_err()["code"],
        -32601
    );
    client.notify("what/ever", json!({}));
    client.notify("$/what/ever", json!({}));
    let wrong = json!({"textDocument": 5});
    assert_eq!(
        client
            .request("textDocument/codeAction", wrong)
            .unwrap_err()["code"],
        -32602
    );
    assert_alive(&mut client);
    assert_eq!(client.request("shutdown", Value::Null), Ok(Value::Null));
    for method in ["textDocument/codeAction", "shutdown", "initialize"] {
        assert_eq!(
            client.request(method, json!({})).unwrap_err()["code"],
            -32600,
            "{method}"
        );
    }
    client.notify("exit", Value::Null);
    assert_eq!(client.exit_code(), Some(0));
}

/// How long the server takes to end after `leave`, and its exit code.
fn leaving(mut client: Client, leave: impl FnOnce(&mut Client)) -> (Duration, Option<i32>) {
    client.open_as("untitled:1", "rust", "fn one() {}\n");
    client.sync();
    let begun = Instant::now();
    leave(&mut client);
    let code = client.exit_code();
    (begun.elapsed(), code)
}

#[test]
fn a_session_ends_however_the_client_leaves() {
    let start = || Client::builder().start();
    let within_two_seconds = |(time, code): (Duration, Option<i32>), expected: i32| {
        assert_eq!(code, Some(expected));
        assert!(time < Duration::from_secs(2), "{time:?}");
    };
    let by_the_book = leaving(start(), |client| {
        client.request("shutdown", Value::Null).unwrap();
        client.notify("exit", Value::Null);
    });
    within_two_seconds(by_the_book, 0);
    let hasty = leaving(start(), |client| client.notify("exit", Value::Null));
    within_two_seconds(hasty, 1);
    let silent = leaving(start(), Client::close_input);
    within_two_seconds(silent, 1);
    let half = leaving(start(), |client| {
        client.raw("Content-Length: 100\r\n\r\n{");
        client.close_input();
    });
    within_two_seconds(half, 1);
}

#[test]
fn an_exit_before_anything_else_is_an_exit() {
    let mut client = Client::builder().spawn();
    client.notify("exit", Value::Null);
    assert_eq!(client.exit_code(), Some(1));
}

#[test]
#[cfg(target_os = "linux")]
fn the_session_ends_with_the_editor_even_if_its_pipe_stays_open() {
    // `cat` lives until its input ends.
    let mut editor = std::process::Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut client = Client::builder()
        .initialize_with("/processId", json!(editor.id()))
        .start();
    assert_alive(&mut client);
    drop(editor.stdin.take());
    editor.wait().unwrap();
    assert_eq!(client.exit_code(), Some(1));
}

#[test]
fn every_request_is_answered_once_whatever_is_cancelled() {
    let mut client = Client::builder()
        .file("src/lib.rs", "pub fn one() -> u8 { 1 }\n")
        .start();
    client.open("src/lib.rs");
    let range = client.cursor_at("src/lib.rs", "one");
    let uri = client.uri("src/lib.rs");
    let params = json!({
        "textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": [], "triggerKind": 1},
    });
    let mut asked = Vec::new();
    for round in 0..300 {
        let id = client.ask("textDocument/codeAction", params.clone());
        asked.push(id);
        // Of the last request, of an old one, of one that never was.
        let target = match round % 4 {
            0 => id,
            1 => id - 1,
            2 => id + 1000,
            _ => continue,
        };
        client.notify("$/cancelRequest", json!({"id": target}));
    }
    for id in asked {
        if let Err(error) = client.answer(id) {
            assert_eq!(error["code"], -32800, "{error}");
            assert!(
                (id - 1) % 4 < 2 || (id - 2) % 4 < 2,
                "{id} was not cancelled"
            );
        }
    }
    assert_alive(&mut client);
}

#[test]
fn nothing_but_messages_is_written_to_the_output() {
    // The client fails on anything else in the stream, so that this only has to make noise.
    let mut client = Client::builder().variable("RUST_LOG", "trace").start();
    client.open_as("untitled:1", "rust", "fn one() {}\n");
    client.raw("Content-Length: 1\r\n\r\n{");
    client.error_without_id();
    client.sync();
    let heard = client
        .transcript()
        .iter()
        .filter(|(side, _)| *side == Side::Server)
        .count();
    assert!(heard >= 3);
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_that_stops_reading_stalls_nothing() {
    // The client of these tests reads all the time, so this one speaks for itself.
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};
    let home = tempfile::tempdir().unwrap();
    let mut server = Command::new(pleach_tests::client::binary())
        .arg("lsp")
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    let mut send = |message: Value| input.write_all(&framed(&message.to_string())).unwrap();
    send(
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}),
    );
    let text = "x".repeat(1 << 20);
    let document =
        json!({"uri": "untitled:1", "languageId": "plaintext", "version": 1, "text": text});
    send(
        json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}),
    );
    // 30 MiB of answers that nobody reads, far more than a pipe holds. All is taken nevertheless:
    // were the server stalled, this would block for ever.
    for id in 1..=30 {
        let params = json!({"uri": "untitled:1"});
        send(
            json!({"jsonrpc": "2.0", "id": id, "method": "pleach/documentText", "params": params}),
        );
        let changes = json!([{"text": text}]);
        let document = json!({"uri": "untitled:1", "version": id + 1});
        let params = json!({"textDocument": document, "contentChanges": changes});
        send(json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params}));
    }
    send(json!({"jsonrpc": "2.0", "id": 31, "method": "shutdown"}));
    // Then it reads again, and finds all of it.
    let mut output = server.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut heard = Vec::new();
        output.read_to_end(&mut heard).unwrap();
        heard
    });
    // Left by closing the pipe, since `exit` gives only a second to read what is left.
    drop(input);
    let heard = reading.join().unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert!(heard.len() > 30 << 20, "{} bytes", heard.len());
}
