//! What the transport promises, shown with a server of a few lines behind it.
//!
//! Each of these has failed on a framework in use: order of text, life with slow handlers, the cost
//! of a panic, bad framing, the ends of a session.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    clippy::unused_async
)]

mod panics;
mod probe;

use std::io::{BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use pleach_lsp::transport::Signal;
use proptest::prelude::*;
use serde_json::{Value, json};

use probe::{GUARD, Session, framed, read_message, start};

#[test]
fn every_read_sees_exactly_the_changes_sent_before_it() {
    let mut session = Session::new();
    let mut blast = Vec::new();
    for version in 1..=4000 {
        let change = json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
            "textDocument": {"uri": "a", "version": version},
            "contentChanges": [{"text": format!("text {version}")}],
        }});
        blast.extend(framed(change.to_string()));
        if version % 3 == 0 {
            let read = json!({"jsonrpc": "2.0", "id": version, "method": "probe/read", "params": {"uri": "a"}});
            blast.extend(framed(read.to_string()));
        }
    }
    session.raw(blast);
    for version in (3..=4000).step_by(3) {
        let expected = json!([version, format!("text {version}")]);
        assert_eq!(session.answer(version)["result"], expected);
    }
    let last = session.ask(9999, "probe/read", json!({"uri": "a"}));
    assert_eq!(last["result"], json!([4000, "text 4000"]));
    assert_eq!(session.end(), [] as [Value; 0]);
}

#[test]
fn handlers_that_wait_hold_up_nothing() {
    let mut session = Session::new();
    for id in 1..=64 {
        session.request(id, "probe/wait", Value::Null);
    }
    session.change(1, "typed meanwhile");
    let read = session.ask(100, "probe/read", json!({"uri": "a"}));
    assert_eq!(read["result"], json!([1, "typed meanwhile"]));
    for id in 1..=64 {
        session.notify("$/cancelRequest", json!({"id": id}));
        assert_eq!(session.answer(id)["error"]["code"], -32800);
    }
    assert_eq!(session.shared.dropped.load(Ordering::SeqCst), 64);
    let cancels = |signal: &&Signal| matches!(signal, Signal::CancelRequest { .. });
    assert_eq!(
        session
            .shared
            .signals
            .lock()
            .unwrap()
            .iter()
            .filter(cancels)
            .count(),
        64
    );
    assert_eq!(session.end(), [] as [Value; 0]);
}

#[test]
fn handlers_that_await_the_client_live_through_a_storm_of_changes() {
    let mut session = Session::new();
    for id in 1..=32 {
        session.request(id, "probe/ask", Value::Null);
    }
    for version in 1..=10_000 {
        session.change(version, "x");
    }
    for _ in 1..=32 {
        let asked = session.find("applyEdit", |message| {
            message["method"] == "workspace/applyEdit"
        });
        session.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"applied": true}}));
    }
    for id in 1..=32 {
        assert_eq!(session.answer(id)["result"], true);
    }
    let read = session.ask(100, "probe/read", json!({"uri": "a"}));
    assert_eq!(read["result"], json!([10_000, "x"]));
    assert_eq!(session.end(), [] as [Value; 0]);
}

#[test]
fn a_refusal_and_an_empty_answer_of_the_client_reach_the_server() {
    let mut session = Session::new();
    session.request(1, "probe/ask", Value::Null);
    session.request(2, "probe/ask", Value::Null);
    let is_question = |message: &Value| message["method"] == "workspace/applyEdit";
    let (first, second) = (
        session.find("question", is_question),
        session.find("question", is_question),
    );
    let error = json!({"code": -32601, "message": "no such method"});
    session.send(&json!({"jsonrpc": "2.0", "id": first["id"], "error": error}));
    // Some clients leave a null result out.
    session.send(&json!({"jsonrpc": "2.0", "id": second["id"]}));
    assert_eq!(session.answer(1)["result"], false);
    assert_eq!(session.answer(2)["result"], false);
    // An answer to nothing is nobody's business; a message that is neither is refused.
    session.send(&json!({"jsonrpc": "2.0", "id": first["id"], "result": {}}));
    session.send(&json!({"jsonrpc": "2.0", "id": 77}));
    assert_eq!(session.answer(77)["error"]["code"], -32600);
    assert_eq!(session.end(), [] as [Value; 0]);
}

#[test]
fn a_panic_costs_its_own_request() {
    let mut session = Session::new();
    assert_eq!(
        session.ask(1, "probe/panicNow", Value::Null)["error"]["code"],
        -32603
    );
    let later = session.ask(2, "probe/panicLater", Value::Null);
    assert_eq!(later["error"]["code"], -32603);
    assert_eq!(
        later["error"]["data"],
        json!({"method": "probe/panicLater"})
    );
    session.notify("probe/panicNote", Value::Null);
    // A partial change makes the probe's handler of text panic.
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    session.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": "a", "version": 1}, "contentChanges": [{"range": range, "text": ""}]}),
    );
    session.assert_alive(3);
    assert_eq!(session.end(), [] as [Value; 0]);
}

#[test]
fn a_handler_knows_its_request_until_it_waits() {
    let mut session = Session::new();
    session.request(7, "probe/wait", Value::Null);
    assert_eq!(session.ask(8, "probe/who", Value::Null)["result"], 8);
    session.send(&json!({"jsonrpc": "2.0", "id": "named", "method": "probe/who"}));
    let named = session.find("answer", |message| message["id"] == "named");
    assert_eq!(named["result"], "named");
    assert_eq!(
        session.ask(9, "probe/turns", json!({"turns": 1}))["result"],
        "true"
    );
    session.notify("$/cancelRequest", json!({"id": 7}));
    session.answer(7);
    session.end();
}

#[test]
fn what_a_handler_sends_comes_before_its_answer() {
    let mut session = Session::new();
    session.request(1, "probe/flood", json!({"count": 1000}));
    session.answer(1);
    let numbers = session
        .seen
        .iter()
        .map(|message| message["params"]["number"].as_u64().unwrap());
    assert!(numbers.eq(0..1000));
    session.end();
}

#[test]
fn unknown_methods_are_refused_or_ignored() {
    let mut session = Session::new();
    assert_eq!(
        session.ask(1, "nothing/known", json!({}))["error"]["code"],
        -32601
    );
    session.notify("nothing/known", json!({}));
    session.notify("$/whatever", json!({}));
    assert_eq!(
        session.ask(2, "probe/who", json!({"unexpected": 1}))["error"]["code"],
        -32602
    );
    assert_eq!(session.end(), [] as [Value; 0]);
}

#[test]
fn bad_messages_are_answered_and_survived() {
    let mut session = Session::new();
    for (bad, code) in [
        (framed("{\"jsonrpc\": "), -32700),
        (framed("hello"), -32700),
        (framed(""), -32700),
        (framed("[]"), -32600),
        (framed("5"), -32600),
        (framed("{\"jsonrpc\": \"2.0\"}"), -32600),
        (framed("[".repeat(200_000)), -32700),
        (b"Content-Length: none\r\n\r\n{}".to_vec(), -32700),
        (b"Content-Length: -1\r\n\r\n{}".to_vec(), -32700),
        (
            b"Content-Length: 99999999999999999999999\r\n\r\n{}".to_vec(),
            -32700,
        ),
        (b"Content-Length: 100000000\r\n\r\n{}".to_vec(), -32700),
        (b"Content-Type: text\r\n\r\n".to_vec(), -32700),
        (b"{}\r\n\r\n".to_vec(), -32700),
        (b"\xFF\xFE\0\0\r\n".to_vec(), -32700),
    ] {
        session.raw(&bad);
        let seen = String::from_utf8_lossy(&bad)
            .chars()
            .take(60)
            .collect::<String>();
        assert_eq!(session.error_without_id(), code, "for {seen:?}");
        session.assert_alive(1);
    }
    assert_eq!(session.end(), [] as [Value; 0]);
}

#[test]
fn bytes_one_by_one_and_messages_together_are_the_same() {
    let mut session = Session::new();
    for byte in framed(r#"{"jsonrpc":"2.0","id":1,"method":"probe/who"}"#) {
        session.raw([byte]);
    }
    assert_eq!(session.answer(1)["result"], 1);
    let mut both = framed(r#"{"jsonrpc":"2.0","id":2,"method":"probe/who"}"#);
    both.extend(framed(r#"[{"jsonrpc":"2.0","id":3,"method":"probe/who"}]"#));
    session.raw(both);
    assert_eq!(session.answer(2)["result"], 2);
    assert_eq!(session.answer(3)["result"], 3);
    session.end();
}

#[test]
fn a_body_of_32_mib_arrives_whole() {
    let mut session = Session::new();
    let text = "line of text\n".repeat((32 << 20) / 13);
    session.change(1, &text);
    let read = session.ask(1, "probe/read", json!({"uri": "a"}));
    assert!(read["result"][1] == text.as_str());
    session.end();
}

#[test]
fn half_a_character_marks_its_document() {
    let mut session = Session::new();
    let body = r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"a","version":1},"contentChanges":[{"text":"x\uD83Dy"}]}}"#;
    session.raw(framed(body));
    let read = session.ask(1, "probe/read", json!({"uri": "a"}));
    assert_eq!(read["result"], json!([1, "x\u{FFFD}y"]));
    let suspect = Signal::SuspectDocument { uri: "a".into() };
    assert_eq!(*session.shared.signals.lock().unwrap(), [suspect]);
    session.end();
}

#[test]
fn a_change_that_is_too_long_marks_its_document() {
    let mut session = Session::new();
    let text = "x".repeat(65 << 20);
    session.change(1, &text);
    assert_eq!(session.error_without_id(), -32700);
    session.assert_alive(1);
    let suspect = Signal::SuspectDocument { uri: "a".into() };
    assert_eq!(*session.shared.signals.lock().unwrap(), [suspect]);
    session.end();
}

#[test]
fn requests_have_their_time() {
    let mut session = Session::bare();
    assert_eq!(
        session.ask(1, "probe/who", Value::Null)["error"]["code"],
        -32002
    );
    assert_eq!(
        session.ask(2, "shutdown", Value::Null)["error"]["code"],
        -32002
    );
    assert_eq!(
        session.ask(3, "unknown", Value::Null)["error"]["code"],
        -32002
    );
    session.change(1, "too early");
    assert!(session.ask(4, "initialize", json!({"capabilities": {}}))["result"].is_object());
    assert_eq!(
        session.ask(5, "initialize", json!({"capabilities": {}}))["error"]["code"],
        -32600
    );
    assert_eq!(
        session.ask(6, "probe/read", json!({"uri": "a"}))["result"],
        Value::Null
    );
    assert_eq!(
        session.ask(7, "shutdown", Value::Null)["result"],
        Value::Null
    );
    assert_eq!(
        session.ask(8, "shutdown", Value::Null)["error"]["code"],
        -32600
    );
    assert_eq!(
        session.ask(9, "probe/who", Value::Null)["error"]["code"],
        -32600
    );
    session.change(2, "too late");
    session.notify("exit", Value::Null);
    assert_eq!(session.code.join().unwrap(), 0);
}

#[test]
fn initialize_is_read_as_far_as_it_can_be() {
    let mut session = Session::bare();
    let hostile = json!({
        "processId": "none", "rootUri": "file:///a b", "trace": "compact",
        "capabilities": {
            "textDocument": {"publishDiagnostics": {"tagSupport": true}, "codeAction": 5},
            "general": {"positionEncodings": ["utf-8", "utf-7"]},
            "workspace": [],
        },
    });
    assert!(session.ask(1, "initialize", hostile)["result"].is_object());
    session.assert_alive(2);
    session.end();

    let mut session = Session::bare();
    assert_eq!(
        session.ask(1, "initialize", json!([]))["error"]["code"],
        -32602
    );
    assert!(session.ask(2, "initialize", json!({"capabilities": {}}))["result"].is_object());
    session.end();
}

#[test]
fn exit_without_shutdown_is_1_even_before_initialize_is_answered() {
    let mut session = Session::new();
    session.notify("exit", Value::Null);
    assert_eq!(session.code.join().unwrap(), 1);

    let mut session = Session::bare();
    session.notify("exit", Value::Null);
    assert_eq!(session.code.join().unwrap(), 1);

    let mut session = Session::bare();
    let slow = json!({"capabilities": {}, "clientInfo": {"name": "slow"}});
    session.request(1, "initialize", slow);
    session.notify("exit", Value::Null);
    assert_eq!(session.code.join().unwrap(), 1);
}

#[test]
fn the_end_of_the_input_is_the_end() {
    let mut idle = Session::new();
    idle.input = None;
    assert_eq!(idle.code.join().unwrap(), 1);
    assert_eq!(*idle.shared.signals.lock().unwrap(), [Signal::Closing]);

    let mut busy = Session::new();
    busy.request(1, "probe/wait", Value::Null);
    busy.request(2, "probe/who", Value::Null);
    busy.input = None;
    assert_eq!(busy.answer(2)["result"], 2);
    assert_eq!(busy.code.join().unwrap(), 1);

    // A client that closes the pipe in place of `exit` has said good-bye all the same.
    let mut polite = Session::new();
    polite.ask(1, "shutdown", Value::Null);
    polite.input = None;
    assert_eq!(polite.code.join().unwrap(), 0);
}

#[test]
fn work_that_can_end_may_end_after_the_input_has() {
    let mut session = Session::new();
    session.request(1, "probe/turns", json!({"turns": 100}));
    session.input = None;
    assert_eq!(session.answer(1)["result"], "true");
    assert_eq!(session.code.join().unwrap(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn the_end_of_the_editor_is_the_end() {
    // `cat` lives until its input ends.
    let mut editor = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let mut session = Session::bare();
    let params = json!({"capabilities": {}, "processId": editor.id()});
    session.ask(1, "initialize", params);
    session.assert_alive(2);
    drop(editor.stdin.take());
    editor.wait().unwrap();
    // The input is still open.
    assert_eq!(session.code.join().unwrap(), 1);
}

#[test]
fn a_client_that_does_not_read_stalls_nothing() {
    let (mut input, output, code, shared) = start();
    let mut send = |message: Value| input.write_all(&framed(message.to_string())).unwrap();
    send(
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}),
    );
    // 20 MB of output that nobody reads, and input that would fill any pipe.
    send(json!({"jsonrpc": "2.0", "id": 1, "method": "probe/flood", "params": {"count": 20_000}}));
    let text = "y".repeat(1 << 20);
    for version in 1..=8 {
        send(
            json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
                "textDocument": {"uri": "a", "version": version}, "contentChanges": [{"text": text}],
            }}),
        );
    }
    send(json!({"jsonrpc": "2.0", "id": 2, "method": "probe/read", "params": {"uri": "b"}}));
    // All of it is taken and handled while nothing is read.
    let deadline = std::time::Instant::now() + GUARD;
    while shared
        .texts
        .lock()
        .unwrap()
        .get("a")
        .is_none_or(|(version, _)| *version < 8)
    {
        assert!(
            std::time::Instant::now() < deadline,
            "the changes are not taken"
        );
        std::thread::yield_now();
    }
    // Then the client reads again, and finds everything in order.
    let mut output = BufReader::new(output);
    assert_eq!(read_message(&mut output).unwrap()["id"], 0);
    for number in 0..20_000 {
        assert_eq!(
            read_message(&mut output).unwrap()["params"]["number"],
            number
        );
    }
    assert_eq!(read_message(&mut output).unwrap()["id"], 1);
    assert_eq!(read_message(&mut output).unwrap()["id"], 2);
    drop(input);
    assert_eq!(code.join().unwrap(), 1);
}

#[test]
fn a_client_that_cannot_be_written_to_is_gone() {
    let (mut input, output, code, _shared) = start();
    drop(output);
    let initialize =
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}});
    input.write_all(&framed(initialize.to_string())).unwrap();
    assert_eq!(code.join().unwrap(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is cancelled when: every request has exactly one answer, and only those that were
    /// cancelled may be answered so.
    #[test]
    fn every_request_is_answered_once(
        plan in proptest::collection::vec((0_u64..6, any::<bool>(), any::<bool>()), 1..60)
    ) {
        let mut session = Session::new();
        let mut blast = Vec::new();
        for (id, (turns, cancelled, twice)) in plan.iter().enumerate() {
            let request = json!({"jsonrpc": "2.0", "id": id + 1, "method": "probe/turns", "params": {"turns": turns}});
            blast.extend(framed(request.to_string()));
            // Of this request, and of one before it.
            let target = if *twice { id / 2 } else { id };
            if *cancelled {
                let cancel = json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": target + 1}});
                blast.extend(framed(cancel.to_string()));
            }
        }
        session.raw(blast);
        let may_be_cancelled: Vec<usize> = plan.iter().enumerate()
            .filter(|(_, (_, cancelled, _))| *cancelled)
            .map(|(id, (_, _, twice))| if *twice { id / 2 } else { id })
            .collect();
        for id in 0..plan.len() {
            let answer = session.answer(i64::try_from(id).unwrap() + 1);
            if let Some(error) = answer.get("error") {
                prop_assert_eq!(&error["code"], -32800);
                prop_assert!(may_be_cancelled.contains(&id));
            }
        }
        prop_assert_eq!(session.end(), [] as [Value; 0]);
    }
}
