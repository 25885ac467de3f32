//! What an editor feels, measured from outside on the release build: start and end, the list of code
//! actions while somebody types, memory, how soon a cancelled job lets its connection go, and idling.
//!
//! ```text
//! cargo build --release && cargo build --release -p pleach-grammars --example bare
//! cargo bench -p pleach-tests --bench editor
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value
)]

use std::fmt::Write as _;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use pleach_tests::client::Client;
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::frames::{framed, read_message};
use serde_json::{Value, json};

const SPAWNS: usize = 20;
const LINES: usize = 10_000;
const KEYSTROKES: usize = 600;
/// Typing at 30 keys a second, as a fast repeat does.
const BETWEEN_KEYS: Duration = Duration::from_millis(33);

/// Jobs that are cancelled in each way.
const CANCELLED: usize = 20;
const IDLE: Duration = Duration::from_secs(10);

struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Server {
    fn start(binary: &Path, arguments: &[&str]) -> Self {
        let home = std::env::temp_dir().join("pleach-bench");
        let mut process = Command::new(binary)
            .args(arguments)
            .envs([
                ("HOME", &home),
                ("XDG_CONFIG_HOME", &home),
                ("XDG_STATE_HOME", &home),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; see the head of this file", binary.display())
            });
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            input,
            output,
            last: 0,
        }
    }

    fn send(&mut self, message: &Value) {
        self.input.write_all(framed(message).as_bytes()).unwrap();
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message.get("method").is_none() && message["id"] == id {
                return message["result"].clone();
            }
        }
    }

    fn receive(&mut self) -> Value {
        read_message(&mut self.output).unwrap()
    }

    fn initialize(&mut self) {
        let answer = self.request(
            "initialize",
            json!({
                "processId": std::process::id(), "rootUri": null,
                "capabilities": {"general": {"positionEncodings": ["utf-8"]}},
            }),
        );
        assert!(answer["capabilities"].is_object());
    }

    /// How often its threads have gone to sleep by themselves until now.
    fn wake_ups(&self) -> u64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let sleeps = threads.map(|thread| {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            let count = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            count.unwrap().trim().parse::<u64>().unwrap()
        });
        sleeps.sum()
    }

    /// Resident memory in KiB.
    fn memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

fn main() {
    let target = std::env::current_exe().unwrap();
    let release = target.ancestors().nth(2).unwrap().to_owned();
    let pleach =
        std::env::var_os("PLEACH_BIN").map_or_else(|| release.join("pleach"), PathBuf::from);
    let bare = release.join("examples/bare");
    start(&pleach, &bare);
    end(&pleach, &bare);
    typing(&pleach);
    cancelling();
    idling(&pleach);
}

/// From `exit` to the end of the process, with the input still open; beside it the end of a program
/// that has nothing to give back.
fn end(pleach: &Path, bare: &Path) {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..SPAWNS {
        let mut server = Server::start(bare, &[]);
        server.initialize();
        let begun = Instant::now();
        server.process.wait().unwrap();
        floor.push(begun.elapsed());
        let mut server = Server::start(pleach, &["lsp"]);
        server.initialize();
        server.request("shutdown", Value::Null);
        let begun = Instant::now();
        server.notify("exit", Value::Null);
        server.process.wait().unwrap();
        ours.push(begun.elapsed());
    }
    println!(
        "exit, median of {SPAWNS}: {:.2} ms; the bare binary: {:.2} ms",
        ms(quantile(&mut ours, 0.5)),
        ms(quantile(&mut floor, 0.5)),
    );
}

/// From each of the four ways to cancel until the provider sees its connection closed, in the middle
/// of an answer.
fn cancelling() {
    type Way = (&'static str, fn(&mut Client, u64));
    let ways: [Way; 4] = [
        ("progress", |client, job| {
            let token = format!("pleach/job/{job}");
            client.notify("window/workDoneProgress/cancel", json!({"token": token}));
        }),
        ("$/cancelRequest", |client, _| {
            let last = client.last_request();
            client.notify("$/cancelRequest", json!({"id": last}));
        }),
        ("pleach.cancel", |client, job| {
            client
                .execute("pleach.cancel", json!({"job": job}))
                .unwrap();
        }),
        ("code action", |client, _| {
            let place = client.cursor_at("src/lib.rs", "one");
            client.choose("src/lib.rs", &place, "pleach.cancel");
        }),
    ];
    let model = FakeModel::start();
    let mut client = Client::builder()
        .model(&model)
        .opened("src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n")
        .start();
    for (name, cancel) in ways {
        let mut times = Vec::new();
        for _ in 0..CANCELLED {
            model.say(Script::default().piece("Here").hang());
            let asked = json!({"path": "src/lib.rs", "line": 2, "instruction": "add"});
            let job = client.start_job("pleach.rewrite", asked);
            client.notification_where("pleach/job", |event| {
                event["job"] == job && event["kind"] == "text"
            });
            let begun = Instant::now();
            cancel(&mut client, job);
            times.push(model.closed().saturating_duration_since(begun));
            client.job_end(job);
        }
        println!(
            "cancelled by {name}: connection closed after {:.2} ms (median of {CANCELLED}), {:.2} ms at most",
            ms(quantile(&mut times, 0.5)),
            ms(quantile(&mut times, 1.0)),
        );
    }
}

/// How often a server wakes up that has nothing to do.
fn idling(pleach: &Path) {
    let mut server = Server::start(pleach, &["lsp"]);
    server.initialize();
    server.notify("initialized", json!({}));
    server.request("pleach/documentText", json!({"uri": "none:"}));
    // Threads that were needed for the start go away in their own time.
    std::thread::sleep(IDLE);
    let before = server.wake_ups();
    std::thread::sleep(IDLE);
    println!(
        "idle: {} wake-ups in {} s",
        server.wake_ups() - before,
        IDLE.as_secs()
    );
}

/// Spawn until `initialize` is answered, the two programs in turn.
fn start(pleach: &Path, bare: &Path) {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..SPAWNS {
        for (binary, arguments, times) in [
            (bare, &[][..], &mut floor),
            (pleach, &["lsp"][..], &mut ours),
        ] {
            let begun = Instant::now();
            let mut server = Server::start(binary, arguments);
            server.initialize();
            times.push(begun.elapsed());
        }
    }
    let (ours, floor) = (quantile(&mut ours, 0.5), quantile(&mut floor, 0.5));
    println!(
        "initialize answered, median of {SPAWNS} spawns: {:.2} ms; a bare binary with the same grammars: {:.2} ms; ratio {:.2}",
        ms(ours),
        ms(floor),
        ours.as_secs_f64() / floor.as_secs_f64(),
    );
}

/// A keystroke and the list of code actions at its place, 30 times a second, in a long file.
fn typing(pleach: &Path) {
    let mut server = Server::start(pleach, &["lsp"]);
    server.initialize();
    server.notify("initialized", json!({}));
    let mut text = String::new();
    for number in 0..LINES / 5 {
        write!(text, "/// Number {number}.\npub fn number_{number}(x: u32) -> u32 {{\n    let y = x + {number};\n    y * 2\n}}\n").unwrap();
    }
    let uri = "file:///long.rs";
    let before = server.memory();
    server.notify(
        "textDocument/didOpen",
        json!({"textDocument": {
            "uri": uri, "languageId": "rust", "version": 1, "text": text,
        }}),
    );
    // In the name of a variable, so that the function stays one and the list has to name it.
    let place = |line: usize| json!({"line": line, "character": 9});
    let list = |server: &mut Server, line: usize| {
        server.request(
            "textDocument/codeAction",
            json!({
                "textDocument": {"uri": uri},
                "range": {"start": place(line), "end": place(line)},
                "context": {"diagnostics": [], "triggerKind": 1},
            }),
        )
    };
    let middle = LINES / 2 + 2;
    let begun = Instant::now();
    let first = list(&mut server, middle);
    println!(
        "first list in a file of {LINES} lines: {:.2} ms, {} entries",
        ms(begun.elapsed()),
        first.as_array().unwrap().len()
    );
    println!(
        "memory after opening it ({} KiB of text): {} KiB, {} KiB before",
        text.len() / 1024,
        server.memory(),
        before
    );
    // On a busy machine the first tree may take longer than the first list waits for it.
    while list(&mut server, middle)
        .as_array()
        .is_none_or(Vec::is_empty)
    {}
    let mut times = Vec::new();
    for key in 0..KEYSTROKES {
        let begun = Instant::now();
        server.notify("textDocument/didChange", json!({
            "textDocument": {"uri": uri, "version": key + 2},
            "contentChanges": [{"range": {"start": place(middle), "end": place(middle)}, "text": "a"}],
        }));
        let listed = list(&mut server, middle);
        let took = begun.elapsed();
        times.push(took);
        assert!(
            listed.as_array().is_some_and(|all| !all.is_empty()),
            "an answer from nothing"
        );
        std::thread::sleep(BETWEEN_KEYS.saturating_sub(took));
    }
    println!(
        "keystroke and code actions while typing at 30 Hz, {KEYSTROKES} times: p50 {:.3} ms, p99 {:.3} ms; memory then {} KiB",
        ms(quantile(&mut times, 0.5)),
        ms(quantile(&mut times, 0.99)),
        server.memory(),
    );
}

fn quantile(times: &mut [Duration], at: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few hundred"
    )]
    let place = ((times.len() - 1) as f64 * at).round() as usize;
    *times.get(place).unwrap()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
