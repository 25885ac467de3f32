//! What streaming costs, measured from outside: how long a piece of an answer takes from the provider's socket
//! to the editor's notification with 1, 16 and 128 answers at once, the processor's time for a thousand tokens,
//! and how many calls a second the ledger takes.
//!
//! ```text
//! cargo build --release && cargo bench -p pleach-tests --bench streams
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use camino::Utf8Path;
use pleach_policy::{BudgetSettings, MicroUsd};
use pleach_store::Reserved;
use pleach_store::{CallOutcome, CallTokens, CostEstimate, Ledger, Measure, NewCall, Settlement};
use pleach_tests::frames::{framed, read_message};
use serde_json::{Value, json};

/// Pieces of each answer, and the pause between two: as a fast model writes.
const PIECES: u32 = 150;
const PAUSE: Duration = Duration::from_millis(20);
/// How long the ledger is written.
const WRITING: Duration = Duration::from_secs(3);

fn main() {
    let target = std::env::current_exe().unwrap();
    let release = target.ancestors().nth(2).unwrap().to_owned();
    let pleach =
        std::env::var_os("PLEACH_BIN").map_or_else(|| release.join("pleach"), PathBuf::from);
    for streams in [1, 16, 128] {
        stream(&pleach, streams);
    }
    ledger();
}

fn now() -> u128 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_nanos()
}

/// So many answers at once, each piece with the moment in which it was handed to the socket.
fn stream(pleach: &Path, streams: u32) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let connection = connection.unwrap();
            thread::spawn(move || answer(connection));
        }
    });
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("pleach");
    std::fs::create_dir_all(&folder).unwrap();
    let settings = format!(
        "engine = 'it'\ncache.enabled = false\nbudget.calls_per_minute = 1000\n[providers.it]\n\
         base_url = 'http://127.0.0.1:{port}/v1'\nmodel = 'm'\nmax_streams = 128\n"
    );
    std::fs::write(folder.join("pleach.toml"), settings).unwrap();
    let file = home.path().join("a.rs");
    std::fs::write(&file, "fn a() {}\n").unwrap();
    let mut server = Server::start(pleach, home.path());
    let uri = format!("file://{}", file.display());
    server.send(
        "initialize",
        Some(1),
        &json!({
            "processId": std::process::id(), "rootUri": format!("file://{}", home.path().display()),
            "capabilities": {}, "initializationOptions": {"pleach": {"jobEvents": true}},
        }),
    );
    server.until(|message| message["id"] == 1);
    server.send("initialized", None, &json!({}));
    server.send(
        "textDocument/didOpen",
        None,
        &json!({"textDocument": {
            "uri": uri, "languageId": "rust", "version": 1, "text": "fn a() {}\n",
        }}),
    );
    for number in 0..streams {
        let arguments = json!([{"uri": uri, "line": 1, "instruction": format!("{number}")}]);
        server.send(
            "workspace/executeCommand",
            Some(u64::from(number) + 10),
            &json!({
                "command": "pleach.explain", "arguments": arguments,
            }),
        );
    }
    let before = server.processor_time();
    let begun = Instant::now();
    let (mut late, mut ended) = (Vec::new(), 0);
    while ended < streams {
        let message = server.receive();
        let arrived = now();
        let event = &message["params"];
        match event["kind"].as_str() {
            Some("text") => {
                let text = event["text"].as_str().unwrap();
                // Pieces that came together are told together.
                for sent in text.split_whitespace() {
                    let sent: u128 = sent.parse().unwrap();
                    let after = u64::try_from(arrived.saturating_sub(sent)).unwrap();
                    late.push(Duration::from_nanos(after));
                }
            }
            Some("finished") => ended += 1,
            Some("failed") => panic!("{event}"),
            _ => {}
        }
    }
    let spent = server.processor_time() - before;
    late.sort_unstable();
    let at = |percent: usize| late[(late.len() * percent / 100).min(late.len() - 1)];
    let thousands = late.len() as f64 / 1000.0;
    println!(
        "{streams:>3} streams: {} pieces in {:.1} s; socket to notification p50 {:.2} ms, p99 {:.2} ms; \
         {:.0} ms of the processor for 1,000 pieces (tokens)",
        late.len(),
        begun.elapsed().as_secs_f64(),
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3,
        spent.as_secs_f64() * 1e3 / thousands,
    );
}

fn answer(mut connection: TcpStream) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap_or(0) > 0 && line.trim() != "" {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    connection.set_nodelay(true).unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    connection.write_all(head.as_bytes()).unwrap();
    for _ in 0..PIECES {
        thread::sleep(PAUSE);
        let piece = json!({"choices": [{"index": 0, "delta": {"content": format!("{} ", now())}}]});
        let sent = connection.write_all(format!("data: {piece}\n\n").as_bytes());
        if sent.is_err() {
            return;
        }
    }
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let _left = connection.write_all(format!("data: {end}\n\ndata: [DONE]\n\n").as_bytes());
}

/// Calls that are reserved and settled, each on the disk before the next.
fn ledger() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::new(Utf8Path::from_path(folder.path()).unwrap());
    let budget = BudgetSettings {
        day_usd: Some(MicroUsd(1_000_000_000)),
        ..BudgetSettings::default()
    };
    let begun = Instant::now();
    let mut calls = 0_u32;
    while begun.elapsed() < WRITING {
        let at = SystemTime::now();
        let reserved = ledger.reserve(
            &NewCall {
                at,
                deadline: at + Duration::from_mins(1),
                server: "bench".into(),
                person: String::new(),
                workspace: "/w".into(),
                job: 1,
                action: "rewrite".into(),
                role: "coder".into(),
                provider: "p".into(),
                model: "m".into(),
                estimate: Some(CostEstimate {
                    least: MicroUsd(10),
                    most: Some(MicroUsd(100)),
                }),
            },
            &budget,
        );
        let Ok(Reserved::Granted { id, .. }) = reserved else {
            panic!("{reserved:?}");
        };
        let settled = Settlement {
            tokens: CallTokens::default(),
            measure: Measure::Provider,
            cost: Some(MicroUsd(20)),
            outcome: CallOutcome::Answered,
            code: None,
            first_ms: Some(1),
            total_ms: 2,
        };
        assert!(ledger.settle(id, &settled).unwrap());
        calls += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "ledger: {:.0} calls a second, each reserved and settled with the caps looked at: {:.0} writes a second",
        f64::from(calls) / seconds,
        f64::from(calls) * 2.0 / seconds,
    );
}

struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start(pleach: &Path, home: &Path) -> Self {
        let mut process = Command::new(pleach)
            .arg("lsp")
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .env("XDG_STATE_HOME", home.join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; see the head of this file", pleach.display())
            });
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            input,
            output,
        }
    }

    fn send(&mut self, method: &str, id: Option<u64>, params: &Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        if let Some(id) = id {
            message["id"] = json!(id);
        }
        self.write(&message);
    }

    fn write(&mut self, message: &Value) {
        self.input.write_all(framed(message).as_bytes()).unwrap();
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) {
        while !wanted(&self.receive()) {}
    }

    /// The next message. The server's own requests are answered.
    fn receive(&mut self) -> Value {
        let message = read_message(&mut self.output).unwrap();
        if message.get("method").is_some() && message.get("id").is_some() {
            self.write(&json!({"jsonrpc": "2.0", "id": message["id"], "result": null}));
        }
        message
    }

    /// What the processor has spent on it until now.
    fn processor_time(&self) -> Duration {
        /// Linux tells it in hundredths of a second.
        const TICKS: u64 = 100;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 1000 / TICKS)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}
