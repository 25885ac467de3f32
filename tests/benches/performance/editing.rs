//! What an editor feels: start and end, typing, large files, many documents, floods, and idling.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::report::{Figures, ms, quantile};
use crate::server::{Server, Subject, framed};

const KEYSTROKES: usize = 20_000;
const KEYSTROKES_IN_LARGE_FILES: usize = 100;
/// Typing at 30 keys a second, as a fast repeat does.
const BETWEEN_KEYS: Duration = Duration::from_millis(33);
const DOCUMENTS: usize = 200;
const FLOOD: u64 = 10_000;
const IDLE: Duration = Duration::from_secs(5);
/// How long a server has for its first list.
const PATIENCE: Duration = Duration::from_mins(1);
const MEGABYTE: usize = 1_000_000;

/// Source of about so many bytes, whose lines 2, 7, 12 … take a letter at column 9.
fn source(language: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 200);
    let mut number = 0;
    while text.len() < bytes {
        number += 1;
        match language {
            "rust" => write!(text, "/// Number {number}.\npub fn number_{number}(x: u32) -> u32 {{\n    let y = x + {number};\n    y * 2\n}}\n"),
            "typescript" => write!(text, "/** Number {number}. */\nexport function number{number}(x: number): number {{\n  const y = x + {number};\n  return y * 2;\n}}\n"),
            _ => write!(text, "# Number {number}.\ndef number_{number}(x: int) -> int:\n    yyyyyy = x + {number}\n    return y * 2\n\n"),
        }
        .unwrap();
    }
    text
}

/// A line in the middle that takes a letter.
fn middle(text: &str) -> usize {
    text.lines().count() / 10 * 5 + 2
}

fn change(uri: &str, version: usize, line: usize) -> Vec<u8> {
    let place = json!({"line": line, "character": 9});
    framed(
        &json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
            "textDocument": {"uri": uri, "version": version},
            "contentChanges": [{"range": {"start": place, "end": place}, "text": "a"}],
        }}),
    )
}

/// Types so many letters with a list of actions after each; gives how long each took.
fn typed(
    server: &mut Server,
    uri: &str,
    line: usize,
    count: usize,
    pause: Duration,
) -> Vec<Duration> {
    let mut times = Vec::new();
    for key in 0..count {
        let change = change(uri, key + 2, line);
        let begun = Instant::now();
        server.write(&change);
        let listed = server.actions(uri, line, 9);
        let took = begun.elapsed();
        assert!(
            listed.as_array().is_some_and(|all| !all.is_empty()),
            "an answer from nothing"
        );
        times.push(took);
        std::thread::sleep(pause.saturating_sub(took));
    }
    times
}

/// Waits for the first list that is not empty: on a busy machine the first tree may take longer than
/// the first list waits for it.
fn first_list(server: &mut Server, uri: &str, line: usize) {
    let begun = Instant::now();
    while server
        .actions(uri, line, 9)
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        assert!(begun.elapsed() < PATIENCE, "there are no actions");
    }
}

pub(crate) fn start(subject: &Subject, figures: &mut Figures) {
    for _ in 0..10 {
        let begun = Instant::now();
        let mut server = subject.start();
        server.initialize();
        figures.add("start: wall", ms(begun.elapsed()));
        figures.add("start: processor", ms(server.processor()));
        figures.add("start: memory", megabytes(server.memory()));
    }
}

/// From `exit` to the end of the process, with the input still open.
pub(crate) fn exit(subject: &Subject, figures: &mut Figures) {
    for _ in 0..10 {
        let mut server = subject.begin();
        server.request("shutdown", &serde_json::Value::Null);
        let begun = Instant::now();
        server.notify("exit", &serde_json::Value::Null);
        server.wait();
        figures.add("exit", ms(begun.elapsed()));
    }
}

pub(crate) fn changes(subject: &Subject, figures: &mut Figures) {
    let mut server = subject.begin();
    let uri = &server.uri("full-speed.rs");
    let mut text = source("rust", 60_000);
    let line = middle(&text);
    server.open(uri, "rust", &text);
    let mut bytes = Vec::new();
    for key in 0..KEYSTROKES {
        bytes.extend(change(uri, key + 2, line));
    }
    let end = json!({"jsonrpc": "2.0", "id": 999_999, "method": "pleach/documentText", "params": {"uri": uri}});
    bytes.extend(framed(&end));
    server.text(uri);
    let before = server.processor();
    let begun = Instant::now();
    let mut seen = String::new();
    server.blast(&bytes, |message| {
        if message["id"] != 999_999 {
            return false;
        }
        message["result"]["text"]
            .as_str()
            .unwrap()
            .clone_into(&mut seen);
        true
    });
    let took = begun.elapsed();
    let spent = server.processor().saturating_sub(before);
    let start: usize = text.lines().take(line).map(|line| line.len() + 1).sum();
    text.insert_str(start + 9, &"a".repeat(KEYSTROKES));
    assert!(seen == text, "the text is not in step");
    let keys = f64::from(u32::try_from(KEYSTROKES).unwrap());
    figures.add("change: processor", ms(spent) * 1e3 / keys);
    figures.add("change: rate", keys / took.as_secs_f64());
}

pub(crate) fn typing(subject: &Subject, figures: &mut Figures) {
    let mut server = subject.begin();
    let uri = &server.uri("typing.rs");
    let text = source("rust", 60_000);
    let line = middle(&text);
    server.open(uri, "rust", &text);
    first_list(&mut server, uri, line);
    let mut times = typed(&mut server, uri, line, 1000, Duration::ZERO);
    figures.add("60 KB: p50", ms(quantile(&mut times, 0.5)));
    figures.add("60 KB: p99", ms(quantile(&mut times, 0.99)));
}

pub(crate) fn typing_slowly(subject: &Subject, figures: &mut Figures) {
    let mut server = subject.begin();
    let uri = &server.uri("typing.rs");
    let text = source("rust", 60_000);
    let line = middle(&text);
    server.open(uri, "rust", &text);
    first_list(&mut server, uri, line);
    let mut times = typed(&mut server, uri, line, 200, BETWEEN_KEYS);
    figures.add("30 Hz: p50", ms(quantile(&mut times, 0.5)));
    figures.add("30 Hz: p99", ms(quantile(&mut times, 0.99)));
}

pub(crate) fn large(subject: &Subject, figures: &mut Figures) {
    for (size, language, names) in [
        (
            10,
            "rust",
            [
                "10 MB Rust: first",
                "10 MB Rust: memory",
                "10 MB Rust: p50",
                "10 MB Rust: p99",
            ],
        ),
        (
            50,
            "rust",
            [
                "50 MB Rust: first",
                "50 MB Rust: memory",
                "50 MB Rust: p50",
                "50 MB Rust: p99",
            ],
        ),
        (
            10,
            "typescript",
            ["", "", "10 MB TypeScript: p50", "10 MB TypeScript: p99"],
        ),
        (
            10,
            "python",
            ["", "", "10 MB Python: p50", "10 MB Python: p99"],
        ),
    ] {
        let [first, memory, p50, p99] = names;
        let text = source(language, size * MEGABYTE);
        let line = middle(&text);
        let mut server = subject.begin();
        let uri = &server.uri("large");
        server.text(uri);
        let before = server.memory();
        let begun = Instant::now();
        server.open(uri, language, &text);
        server.actions(uri, line, 9);
        if !first.is_empty() {
            figures.add(first, ms(begun.elapsed()));
        }
        // Above the size that is parsed there may be no entry at all: what counts is that it is quick.
        let mut times = Vec::new();
        for key in 0..KEYSTROKES_IN_LARGE_FILES {
            let change = change(uri, key + 2, line);
            let begun = Instant::now();
            server.write(&change);
            server.actions(uri, line, 9);
            times.push(begun.elapsed());
        }
        figures.add(p50, ms(quantile(&mut times, 0.5)));
        figures.add(p99, ms(quantile(&mut times, 0.99)));
        if !memory.is_empty() {
            let grown = server.memory().saturating_sub(before);
            figures.add(memory, megabytes(grown) / megabytes(text.len() as u64));
        }
        assert_eq!(
            server.text(uri).len(),
            text.len() + KEYSTROKES_IN_LARGE_FILES,
            "the text is not in step"
        );
    }
}

pub(crate) fn many(subject: &Subject, figures: &mut Figures) {
    let mut server = subject.begin();
    let folder = server.uri("many");
    let uri = |number: usize| format!("{folder}/{number}.rs");
    let text = source("rust", 20_000);
    let line = middle(&text);
    server.text(&uri(0));
    let mut openings = Vec::new();
    for number in 0..DOCUMENTS {
        openings.extend(framed(
            &json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {
                "uri": uri(number), "languageId": "rust", "version": 1, "text": text,
            }}}),
        ));
    }
    let begun = Instant::now();
    server.write(&openings);
    server.actions(&uri(0), line, 9);
    figures.add("200 documents: first", ms(begun.elapsed()));
    // Each was looked at, as when one goes through what a search has found.
    for number in 0..DOCUMENTS {
        server.actions(&uri(number), line, 9);
    }
    figures.add("200 documents: memory", megabytes(server.memory()));
    let before = server.processor();
    let mut keys = Vec::new();
    for version in 2..52 {
        for number in 0..DOCUMENTS {
            keys.extend(change(&uri(number), version, line));
        }
    }
    server.write(&keys);
    let seen = server.text(&uri(DOCUMENTS - 1));
    assert_eq!(seen.len(), text.len() + 50, "the text is not in step");
    let spent = server.processor().saturating_sub(before);
    let count = f64::from(u32::try_from(50 * DOCUMENTS).unwrap());
    figures.add("200 documents: processor", ms(spent) * 1e3 / count);
}

pub(crate) fn flood(subject: &Subject, figures: &mut Figures) {
    let mut server = subject.begin();
    let uri = &server.uri("flood.rs");
    let text = source("rust", 60_000);
    let line = middle(&text);
    server.open(uri, "rust", &text);
    first_list(&mut server, uri, line);
    let place = json!({"line": line, "character": 9});
    let mut bytes = Vec::new();
    for id in 1_000_000..1_000_000 + FLOOD {
        bytes.extend(framed(
            &json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/codeAction", "params": {
                "textDocument": {"uri": uri}, "range": {"start": place, "end": place}, "context": {"diagnostics": []},
            }}),
        ));
        bytes.extend(framed(
            &json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}}),
        ));
    }
    bytes.extend(framed(
        &json!({"jsonrpc": "2.0", "id": 999_999, "method": "pleach/documentText", "params": {"uri": uri}}),
    ));
    let before = server.processor();
    let begun = Instant::now();
    let (mut answered, mut fresh) = (0, false);
    server.blast(&bytes, |message| {
        if message["id"] == 999_999 {
            fresh = true;
            figures.add("flood: fresh answer", ms(begun.elapsed()));
        }
        answered += u64::from(message["id"].as_u64().is_some_and(|id| id >= 1_000_000));
        fresh && answered == FLOOD
    });
    let spent = server.processor().saturating_sub(before);
    figures.add("flood: processor", ms(spent));
}

pub(crate) fn idle(subject: &Subject, figures: &mut Figures) {
    let mut server = subject.begin();
    let uri = server.uri("idle.rs");
    server.open(&uri, "rust", &source("rust", 60_000));
    first_list(&mut server, &uri, 2);
    // Threads that were needed for the start go away in their own time.
    std::thread::sleep(IDLE * 2);
    let (wake_ups, spent) = (server.wake_ups(), server.processor());
    std::thread::sleep(IDLE);
    let count = server.wake_ups().saturating_sub(wake_ups);
    let spent = server.processor().saturating_sub(spent);
    figures.add(
        "idle: wake-ups",
        f64::from(u32::try_from(count).unwrap()) / IDLE.as_secs_f64(),
    );
    figures.add("idle: processor", ms(spent) / IDLE.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a size of memory")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
