//! `pleach debug`, which shows from outside how streams are read and what becomes of every fault.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use pleach_tests::client::binary;
use pleach_tests::fake_model::{FakeModel, Flavour, Script, Seen};
use serde_json::{Value, json};

const KEY: &str = "sk-live-Zq8Tr4w9LmX2aaBBcc77";

fn name(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Chat => "openai_chat",
        Flavour::Responses => "openai_responses",
        Flavour::Anthropic => "anthropic",
        Flavour::Gemini => "gemini",
        Flavour::Ollama => "ollama",
    }
}

fn debug(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(binary())
        .arg("debug")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Asks, and gives what the last line says. The key is nowhere.
#[track_caller]
fn ask(flavour: Flavour, model: &FakeModel, more: &[&str]) -> Value {
    let root = model.root();
    let mut arguments = vec!["provider", name(flavour), &root, KEY, "--model", "fake"];
    arguments.extend(more);
    let output = debug(&arguments, b"");
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(!out.contains(KEY) && !err.contains(KEY), "{out}{err}");
    let told: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(
        output.status.success(),
        told["kind"] == "complete",
        "{told}"
    );
    told
}

fn frames(streams: &[&[&[u8]]]) -> Vec<u8> {
    let mut input = Vec::new();
    for stream in streams {
        for piece in *stream {
            input.extend(u32::try_from(piece.len()).unwrap().to_be_bytes());
            input.extend(*piece);
        }
        input.extend([0; 4]);
    }
    input
}

#[test]
fn streams_of_events_are_read_piece_by_piece_and_one_by_one() {
    let input = frames(&[
        &[
            b"\xEF\xBB",
            b"\xBFid: 7\r",
            b"\ndata: gr\xc3",
            b"\xb6\xc3\x9fer\r\n\r",
            b"\ndata: cut",
        ],
        &[],
        &[b"event: e\ndata: 1\ndata: 2\n\n: note\n\nretry: 5\ndata:\n\n"],
    ]);
    let output = debug(&["sse"], &input);
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "[{\"data\":\"größer\",\"event\":\"message\",\"id\":\"7\"}]\n\
         []\n\
         [{\"data\":\"1\\n2\",\"event\":\"e\",\"id\":\"\"},{\"data\":\"\",\"event\":\"message\",\"id\":\"\"}]\n"
    );
    // The end of the input ends the stream; a frame that is not whole is told.
    let output = debug(&["sse"], b"\0\0\0\x09data: a\n\n");
    assert!(output.status.success());
    let output = debug(&["sse"], b"\0\0\0\x09data: a\n\n\0\0");
    assert!(!output.status.success() && output.stdout.starts_with(b"[{"));
}

#[test]
fn a_whole_answer_in_every_flavour_with_and_without_a_tool() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        model.say(flavour.text("größer"));
        let told = ask(flavour, &model, &[]);
        assert_eq!(
            told,
            json!({"kind": "complete", "text": "größer", "finish": "stop", "tools": [],
                "error": null, "shown": "", "usage": {"in": 7, "out": 3}}),
            "{flavour:?}"
        );
        let Seen::Request { line, body, .. } = model.next() else {
            panic!("no request");
        };
        assert_eq!(line, flavour.line());
        assert_eq!(body.get("tools"), None, "{flavour:?}");
        model.next();
        let arguments = json!({"path": "a.rs"});
        model.say(flavour.end(flavour.call(flavour.begin(), "read_file", &arguments)));
        let told = ask(flavour, &model, &["--tools"]);
        assert!(model.request()["tools"].is_array(), "{flavour:?}");
        model.next();
        assert_eq!(
            told["tools"],
            json!([{"name": "read_file", "args": arguments}]),
            "{flavour:?}"
        );
    }
}

/// What a server does, and what it is called.
fn faults(flavour: Flavour) -> Vec<(&'static str, Script, &'static str)> {
    let begun = || flavour.piece(flavour.begin(), "Hel");
    let error = |status| {
        // With the key in it, and what a terminal obeys.
        let message = format!("no: {KEY} \u{1b}[31m{}\u{202e}", &KEY[..14]);
        Script::error(status, &json!({"error": {"message": message}}))
    };
    let page = "<!doctype html><title>Log in</title>";
    let mut faults = vec![
        ("a wrong key", error(401), "auth"),
        ("a forbidden one", error(403), "auth"),
        ("no credit", error(402), "auth"),
        ("a bad request", error(400), "invalid"),
        ("another", error(422), "invalid"),
        ("no such model", error(404), "not_found"),
        ("too much", error(413), "too_large"),
        (
            "a redirect",
            error(307).header("location", "http://127.0.0.1:9/?key=x"),
            "redirect",
        ),
        ("a web page", Script::default().raw(page), "malformed"),
        (
            "words",
            Script::default().raw("Service is fine\n"),
            "malformed",
        ),
        (
            "no JSON",
            begun().raw("data: {\"a\": nope}\n\n"),
            "malformed",
        ),
        ("cut off", begun().cut(), "truncated"),
        ("ended early", begun(), "truncated"),
        (
            "ended in an event",
            begun().raw("data: {\"cand"),
            "truncated",
        ),
        (
            "too busy after all",
            flavour.overloaded(begun()),
            if flavour == Flavour::Responses {
                "server"
            } else {
                "overloaded"
            },
        ),
        (
            "a line without end",
            begun().raw("data: ").bytes(&vec![b'x'; 5 << 20]),
            "malformed",
        ),
        (
            "garbage for gzip",
            Script::default()
                .header("content-encoding", "gzip")
                .bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\x03garbage, garbage"),
            "malformed",
        ),
    ];
    if flavour == Flavour::Ollama {
        // Not JSON is told apart by lines.
        faults.retain(|(name, ..)| *name != "no JSON" && *name != "ended in an event");
        faults.push(("no JSON", begun().raw("{\"a\": nope}\n"), "malformed"));
        faults.push(("ended in a line", begun().raw("{\"mess"), "truncated"));
    }
    faults
}

#[test]
fn every_fault_in_every_flavour_has_its_class() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        for (fault, script, class) in faults(flavour) {
            model.say(script);
            let told = ask(flavour, &model, &[]);
            assert_eq!(told["error"], class, "{flavour:?}, {fault}: {told}");
            assert_eq!(told["kind"], "error", "{flavour:?}, {fault}: {told}");
            let shown = told["shown"].as_str().unwrap();
            assert!(!shown.is_empty() && shown.len() < 800, "{told}");
            assert!(!shown.contains(char::is_control), "{told}");
            assert!(
                !shown.contains("Zq8") && !shown.contains('\u{202e}'),
                "{told}"
            );
        }
    }
}

#[test]
fn what_may_pass_is_tried_four_times() {
    let model = FakeModel::start();
    for (status, class) in [
        (429, "rate_limited"),
        (500, "server"),
        (503, "overloaded"),
        (504, "timeout"),
        (529, "overloaded"),
    ] {
        // A breaker counts what fails in one process: each of these is a new one.
        for _ in 0..4 {
            model.say(Script::error(status, &json!({})).header("retry-after", "0"));
        }
        let told = ask(Flavour::Anthropic, &model, &[]);
        assert_eq!(told["error"], class, "{status}: {told}");
        for _ in 0..8 {
            model.next();
        }
        assert!(model.saw_nothing_more(), "{status}");
    }
    model.say(Script::error(429, &json!({})).header("retry-after", "3600"));
    assert_eq!(ask(Flavour::Gemini, &model, &[])["error"], "rate_limited");
    model.say(Script::error(503, &json!({})).header("retry-after-ms", "5"));
    model.say(Flavour::Gemini.text("after all"));
    assert_eq!(ask(Flavour::Gemini, &model, &[])["text"], "after all");
}

#[test]
fn nobody_there_and_nothing_said() {
    let port = FakeModel::start().root();
    let output = debug(&["provider", "ollama", &port, ""], b"");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["error"], "refused");
    let model = FakeModel::start();
    model.say(Flavour::Chat.piece(Flavour::Chat.begin(), "Hel").hang());
    let told = ask(Flavour::Chat, &model, &["--idle-seconds", "1"]);
    assert_eq!(
        (&told["error"], &told["text"]),
        (&json!("timeout"), &json!("Hel"))
    );
}

#[test]
fn calls_whose_arguments_are_wrong_or_cut_off_are_none() {
    let model = FakeModel::start();
    let call = |arguments: &str| {
        Script::default().event(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}}]}}]}))
    };
    model.say(call("{\"a\": nope}").end("tool_calls"));
    assert_eq!(
        ask(Flavour::Chat, &model, &["--tools"])["error"],
        "malformed"
    );
    model.say(call("{\"a\": ").end("length"));
    let told = ask(Flavour::Chat, &model, &["--tools"]);
    assert_eq!(
        (&told["finish"], &told["tools"]),
        (&json!("length"), &json!([]))
    );
}
