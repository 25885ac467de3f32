//! Malformed input: every case of `fixtures/malformed/*.txt`, written to the real server's pipe.
//!
//! What must come out of each is written under it; besides, the server lives on, answers a request
//! soon after, and its memory stays where it was. Cases share one server unless they say `in own` (a
//! session of their own), `in fresh` (nothing was sent before) or `in down` (after `shutdown`).
//! `UPDATE_EXPECT=1` writes what came out into the files. Their format is told in
//! `fixtures/malformed/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use expect_test::expect_file;
use pleach_tests::client::{GUARD, binary};
use pleach_tests::frames::read_message;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Fewer would mean that files went missing.
const CASES_AT_LEAST: usize = 300;
/// More than the longest message that is taken and its copies; far less than what some cases announce.
const MEMORY_AT_MOST: u64 = 400 << 20;
/// The request that shows that a server is alive. No case uses this id.
const SYNC: &str = "sync";

/// Any bytes with the header of a message before them.
fn framed(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    frame.extend_from_slice(body);
    frame
}

struct Server {
    home: TempDir,
    process: Child,
    input: Option<ChildStdin>,
    messages: mpsc::Receiver<Value>,
    /// Whoever holds it stops the reading.
    reading: Arc<Mutex<()>>,
}

impl Server {
    fn fresh() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = Command::new(binary())
            .arg("lsp")
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let (heard, messages) = mpsc::channel();
        let reading = Arc::new(Mutex::new(()));
        let may_read = Arc::clone(&reading);
        std::thread::spawn(move || {
            while let Some(message) = read_message(&mut output) {
                if heard.send(message).is_err() {
                    return;
                }
                drop(may_read.lock().unwrap_or_else(PoisonError::into_inner));
            }
        });
        Self {
            home,
            process,
            input,
            messages,
            reading,
        }
    }

    fn running() -> Self {
        let mut server = Self::fresh();
        let root = format!("file://{}", server.home.path().display());
        server.send(
            &json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "processId": null, "rootUri": root, "capabilities": {},
            }}),
        );
        server.answer_to(&json!(0));
        server.send(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
        server
    }

    fn down() -> Self {
        let mut server = Self::running();
        server.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}));
        server.answer_to(&json!(1));
        server
    }

    fn send(&mut self, message: &Value) {
        self.write(&framed(message.to_string()));
    }

    fn write(&mut self, bytes: &[u8]) {
        // A server that a case makes leave may be gone before the case has said everything.
        if let Some(input) = &mut self.input {
            let _gone = input.write_all(bytes).and_then(|()| input.flush());
        }
    }

    /// The next message; `None` when there will be no more.
    fn hear(&mut self, what: &str) -> Option<Value> {
        match self.messages.recv_timeout(GUARD) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{what}: silence for {GUARD:?}"),
        }
    }

    fn answer_to(&mut self, id: &Value) -> Value {
        loop {
            let message = self.hear(&id.to_string()).expect("the server is alive");
            if message.get("method").is_none() && message["id"] == *id {
                return message;
            }
        }
    }

    /// The most memory that it has had, in bytes.
    #[cfg(target_os = "linux")]
    fn peak(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: u64 = line
            .and_then(|line| line.split_whitespace().next())
            .unwrap()
            .parse()
            .unwrap();
        kib << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// One case: what is done, and what came out when it was written down.
struct Case<'a> {
    name: &'a str,
    steps: Vec<&'a str>,
    expected: Vec<&'a str>,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("#### ") {
            cases.push(Case {
                name,
                steps: Vec::new(),
                expected: Vec::new(),
            });
        } else if let Some(case) = cases.last_mut()
            && !line.is_empty()
            && !line.starts_with('#')
        {
            match line.strip_prefix("< ") {
                Some(answer) => case.expected.push(answer),
                None => case.steps.push(line),
            }
        }
    }
    cases
}

/// `\r`, `\n`, `\\`, and `\xHH` for any byte.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let kind = after.chars().next().expect("something after a backslash");
        rest = &after[1..];
        match kind {
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            '\\' => bytes.push(b'\\'),
            'x' => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                rest = &rest[2..];
            }
            other => panic!("no such escape: \\{other}"),
        }
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// A message of a step `ask ID METHOD PARAMS` or `tell METHOD PARAMS`.
fn message(id: Option<&str>, call: &str) -> Vec<u8> {
    let (method, params) = call.split_once(' ').unwrap_or((call, ""));
    let id = id.map_or(String::new(), |id| format!("\"id\":{id},"));
    let params = match params {
        "" => String::new(),
        params => format!(",\"params\":{params}"),
    };
    framed(format!(
        "{{\"jsonrpc\":\"2.0\",{id}\"method\":\"{method}\"{params}}}"
    ))
}

/// What a case makes the server say, each answer a line.
struct Run<'a> {
    server: &'a mut Server,
    is_slow: bool,
    answers_questions: bool,
    heard: Vec<String>,
    /// The ids of requests, as they are written there.
    asked: Vec<String>,
    opened: BTreeSet<String>,
}

impl Run<'_> {
    fn write(&mut self, bytes: &[u8]) {
        if self.is_slow {
            for byte in bytes {
                self.server.write(std::slice::from_ref(byte));
            }
        } else {
            self.server.write(bytes);
        }
    }

    /// Takes one message. False when there will be no more.
    fn take(&mut self, name: &str) -> bool {
        let Some(message) = self.server.hear(name) else {
            return false;
        };
        assert_eq!(message["jsonrpc"], "2.0", "{name}: {message}");
        match (message.get("method"), &message["id"]) {
            (Some(_), id) if message.get("id").is_some() => {
                if self.answers_questions {
                    let answer = json!({"jsonrpc": "2.0", "id": id, "result": null});
                    self.server.send(&answer);
                }
            }
            (Some(_), _) => {}
            (None, id) => {
                let told = match message.get("error") {
                    Some(error) => {
                        let words = error["message"].as_str().unwrap_or_default();
                        assert!(!words.is_empty(), "{name}: an error without words");
                        format!("error {id} {}", error["code"])
                    }
                    None if message.get("result").is_some() => format!("result {id}"),
                    None => format!("neither {id}"),
                };
                self.heard.push(told);
            }
        }
        true
    }

    /// Hears everything up to the answer to `id`.
    fn until(&mut self, id: &str, name: &str) {
        let ends = [format!("result {id}"), format!("error {id} ")];
        while !self
            .heard
            .last()
            .is_some_and(|last| ends.iter().any(|end| last.starts_with(end)))
        {
            assert!(
                self.take(name),
                "{name}: the server is gone: {:?}",
                self.heard
            );
        }
        self.heard.pop();
    }

    /// Hears until every request has been answered.
    fn until_all_is_answered(&mut self, name: &str) {
        for id in std::mem::take(&mut self.asked) {
            let told = [format!("result {id}"), format!("error {id} ")];
            let is_answer = |line: &String| told.iter().any(|start| line.starts_with(start));
            while !self.heard.iter().any(is_answer) {
                assert!(
                    self.take(name),
                    "{name}: the server is gone: {:?}",
                    self.heard
                );
            }
        }
    }

    /// The server's text of a document, as a line.
    fn read(&mut self, uri: &str, name: &str) -> String {
        self.until_all_is_answered(name);
        let params = json!({ "uri": uri });
        self.server.send(
            &json!({"jsonrpc": "2.0", "id": "read", "method": "pleach/documentText", "params": params}),
        );
        let answer = loop {
            let message = self.server.hear(uri).expect("the server is alive");
            if message["id"] == "read" {
                break message["result"].clone();
            }
        };
        if answer.is_null() {
            return format!("{uri} is not open");
        }
        let doubt = if answer["suspect"].is_null() {
            ""
        } else {
            " suspect"
        };
        format!("{uri} v{} {}{doubt}", answer["version"], answer["text"])
    }

    fn step<'c>(
        &mut self,
        step: &'c str,
        name: &str,
        deaf: &mut Option<MutexGuard<'c, ()>>,
        reading: &'c Mutex<()>,
    ) {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "raw" => self.write(&unescaped(rest)),
            "repeat" => {
                let (count, piece) = rest.split_once(' ').unwrap();
                let bytes = unescaped(piece).repeat(count.parse().unwrap());
                self.write(&bytes);
            }
            "body" => self.write(&framed(rest)),
            "bytes" => self.write(&framed(unescaped(rest))),
            "ask" => {
                let (id, call) = rest.split_once(' ').unwrap();
                self.asked.push(id.to_owned());
                self.write(&message(Some(id), call));
            }
            "tell" => self.write(&message(None, rest)),
            "open" => {
                let (uri, text) = rest.split_once(' ').unwrap();
                let text: String = serde_json::from_str(text).unwrap();
                self.opened.insert(uri.to_owned());
                let document =
                    json!({"uri": uri, "languageId": "rust", "version": 1, "text": text});
                self.server.send(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
            }
            "read" => {
                let told = self.read(rest, name);
                self.heard.push(told);
            }
            "wait" => self.until_all_is_answered(name),
            "slow" => self.is_slow = true,
            "mute" => self.answers_questions = false,
            "deaf" => *deaf = Some(reading.lock().unwrap_or_else(PoisonError::into_inner)),
            "hear" => *deaf = None,
            "close" => self.server.input = None,
            "leave" => {
                while self.take(name) {}
                let status = self.server.process.wait().unwrap();
                self.heard.push(match status.code() {
                    Some(code) => format!("exit {code}"),
                    None => format!("killed: {status}"),
                });
            }
            _ => panic!("{name}: what is {step:?}?"),
        }
    }
}

/// Runs one case and tells what came out.
fn outcome(server: &mut Server, steps: &[&str], name: &str) -> Vec<String> {
    let reading = Arc::clone(&server.reading);
    let mut run = Run {
        server,
        is_slow: false,
        answers_questions: true,
        heard: Vec::new(),
        asked: Vec::new(),
        opened: BTreeSet::new(),
    };
    let mut deaf = None;
    for step in steps {
        run.step(step, name, &mut deaf, &reading);
    }
    drop(deaf);
    run.is_slow = false;
    if steps.last() != Some(&"leave") {
        let sync = format!("\"{SYNC}\"");
        run.until_all_is_answered(name);
        // Twice: what the first lets happen before the second is heard, too.
        for _ in 0..2 {
            run.write(&message(
                Some(&sync),
                "pleach/documentText {\"uri\":\"none:\"}",
            ));
            run.until(&sync, name);
        }
        #[cfg(target_os = "linux")]
        assert!(
            run.server.peak() < MEMORY_AT_MOST,
            "{name}: {} MiB",
            run.server.peak() >> 20
        );
        for uri in std::mem::take(&mut run.opened) {
            let document = json!({"textDocument": {"uri": uri}});
            run.server.send(
                &json!({"jsonrpc": "2.0", "method": "textDocument/didClose", "params": document}),
            );
        }
    }
    run.heard.sort();
    counted(&run.heard)
}

/// Equal lines as one, with their number.
fn counted(lines: &[String]) -> Vec<String> {
    let groups = lines.chunk_by(|a, b| a == b);
    let told = groups.map(|group| match group {
        [line] => line.clone(),
        group => format!("{} times {}", group.len(), group[0]),
    });
    told.collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/malformed")
}

/// The file with what came out under each case.
fn written(text: &str, outcomes: &[Vec<String>]) -> String {
    let mut whole = String::new();
    let mut outcomes = outcomes.iter();
    let mut waiting: Option<&Vec<String>> = None;
    let flush = |waiting: &mut Option<&Vec<String>>, whole: &mut String| {
        for line in waiting.take().into_iter().flatten() {
            writeln!(whole, "< {line}").unwrap();
        }
    };
    for line in text.lines().filter(|line| !line.starts_with("< ")) {
        if line.is_empty() || line.starts_with('#') {
            flush(&mut waiting, &mut whole);
        }
        if line.starts_with("#### ") {
            waiting = outcomes.next();
        }
        writeln!(whole, "{line}").unwrap();
    }
    flush(&mut waiting, &mut whole);
    whole
}

/// Runs the cases of one file.
fn battery(name: &str) {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut shared = Server::running();
    let mut outcomes = Vec::new();
    for case in cases(&text) {
        let (place, steps) = match case.steps.first().and_then(|step| step.strip_prefix("in ")) {
            Some(place) => (place, &case.steps[1..]),
            None => ("shared", &case.steps[..]),
        };
        let heard = match place {
            "shared" => outcome(&mut shared, steps, case.name),
            "own" => outcome(&mut Server::running(), steps, case.name),
            "fresh" => outcome(&mut Server::fresh(), steps, case.name),
            "down" => outcome(&mut Server::down(), steps, case.name),
            _ => panic!("{}: in what?", case.name),
        };
        outcomes.push(heard);
    }
    shared.send(&json!({"jsonrpc": "2.0", "id": "down", "method": "shutdown"}));
    shared.answer_to(&json!("down"));
    shared.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(shared.process.wait().unwrap().code(), Some(0));
    expect_file![path].assert_eq(&written(&text, &outcomes));
}

#[test]
fn framing() {
    battery("framing.txt");
}

#[test]
fn json_that_is_none() {
    battery("json.txt");
}

#[test]
fn shapes_of_messages() {
    battery("messages.txt");
}

#[test]
fn parameters_of_every_method() {
    battery("methods.txt");
}

#[test]
fn members_of_parameters() {
    battery("members.txt");
}

#[test]
fn positions() {
    battery("positions.txt");
}

#[test]
fn lifecycles() {
    battery("lifecycles.txt");
}

#[test]
fn uris() {
    battery("uris.txt");
}

#[test]
fn commands() {
    battery("commands.txt");
}

#[test]
fn slow_and_dead_clients() {
    battery("clients.txt");
}

/// Each has a name of its own, and something to expect or at least to survive.
#[test]
fn the_battery_is_whole() {
    let mut names = BTreeSet::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for case in cases(&text) {
            assert!(!case.steps.is_empty(), "{} does nothing", case.name);
            let name = format!("{}: {}", path.display(), case.name);
            assert!(names.insert(name.clone()), "{name} is there twice");
            count += 1;
        }
    }
    assert!(count >= CASES_AT_LEAST, "{count} cases");
}
