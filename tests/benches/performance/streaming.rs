//! What streaming costs: how long a piece of an answer takes from the provider's socket to the editor's
//! notification with 1, 16 and 128 answers at once, what the processor spends on it, and how soon a
//! cancelled answer is let go. And how many calls a second the ledger takes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use camino::Utf8Path;
use pleach_policy::{BudgetSettings, MicroUsd};
use pleach_store::Reserved;
use pleach_store::{CallOutcome, CallTokens, CostEstimate, Ledger, Measure, NewCall, Settlement};
use serde_json::json;

use crate::report::{Figures, ms, quantile};
use crate::server::{Server, Subject};

/// Pieces of each answer, and the pause between two: as a fast model writes.
const PIECES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);
const CANCELLED: usize = 64;
/// How long the ledger is written.
const WRITING: Duration = Duration::from_secs(2);

/// A provider whose pieces are the moments in which they were handed to the socket.
struct Provider {
    address: SocketAddr,
    /// When requests came.
    asked: Arc<Mutex<Vec<Instant>>>,
    /// When connections were closed before the end, and how many pieces were sent until then.
    closed: Arc<Mutex<Vec<Instant>>>,
    sent: Arc<Mutex<Vec<Instant>>>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            closed: Arc::default(),
            sent: Arc::default(),
        };
        let (asked, closed, sent) = (
            Arc::clone(&provider.asked),
            Arc::clone(&provider.closed),
            Arc::clone(&provider.sent),
        );
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (asked, closed, sent) = (asked.clone(), closed.clone(), sent.clone());
                thread::spawn(move || answer(connection, &asked, closed, &sent));
            }
        });
        provider
    }

    /// A server whose engine this is.
    fn server(&self, subject: &Subject) -> Server {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("pleach");
        std::fs::create_dir_all(&folder).unwrap();
        let settings = format!(
            "engine = 'it'\ncache.enabled = false\nbudget.calls_per_minute = 1000\n[providers.it]\n\
             base_url = 'http://{}/v1'\nmodel = 'm'\nmax_streams = 128\n",
            self.address
        );
        std::fs::write(folder.join("pleach.toml"), settings).unwrap();
        std::fs::write(home.path().join("a.rs"), "fn a() {}\n").unwrap();
        let mut server = subject.start_in(home);
        server.initialize();
        server.notify("initialized", &json!({}));
        let uri = server.uri("a.rs");
        server.open(&uri, "rust", "fn a() {}\n");
        server.text(&uri);
        server
    }
}

fn now() -> u128 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_nanos()
}

fn answer(
    mut connection: TcpStream,
    asked: &Mutex<Vec<Instant>>,
    closed: Arc<Mutex<Vec<Instant>>>,
    sent: &Mutex<Vec<Instant>>,
) {
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
    asked.lock().unwrap().push(Instant::now());
    thread::spawn(move || {
        // Nothing more is said by the client until it goes.
        let _gone = reader.read(&mut [0]);
        closed.lock().unwrap().push(Instant::now());
    });
    connection.set_nodelay(true).unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    connection.write_all(head.as_bytes()).unwrap();
    for _ in 0..PIECES {
        thread::sleep(PAUSE);
        let piece = json!({"choices": [{"index": 0, "delta": {"content": format!("{} ", now())}}]});
        let written = connection.write_all(format!("data: {piece}\n\n").as_bytes());
        if written.is_err() {
            return;
        }
        sent.lock().unwrap().push(Instant::now());
    }
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let _left = connection.write_all(format!("data: {end}\n\ndata: [DONE]\n\n").as_bytes());
    // The thread that waits for the client holds the connection, too.
    let _gone = connection.shutdown(std::net::Shutdown::Write);
}

fn explain(server: &mut Server, number: usize) -> u64 {
    let uri = server.uri("a.rs");
    let arguments = json!([{"uri": uri, "line": 1, "instruction": number.to_string()}]);
    let params = json!({"command": "pleach.explain", "arguments": arguments});
    server.ask("workspace/executeCommand", &params)
}

pub(crate) fn streams(subject: &Subject, figures: &mut Figures) {
    for (count, names) in [
        (
            1,
            [
                "1 stream: p50",
                "1 stream: p99",
                "1 stream: processor",
                "1 stream: first",
                "",
                "",
            ],
        ),
        (
            16,
            [
                "16 streams: p50",
                "16 streams: p99",
                "16 streams: processor",
                "",
                "",
                "",
            ],
        ),
        (
            128,
            [
                "128 streams: p50",
                "128 streams: p99",
                "128 streams: processor",
                "",
                "128 streams: dispatch",
                "128 streams: memory",
            ],
        ),
    ] {
        let provider = Provider::start();
        let address = provider.address.to_string();
        let mut server = provider.server(&subject.with_provider(&address));
        stream(&provider, &mut server, count, names, figures);
    }
}

fn stream(
    provider: &Provider,
    server: &mut Server,
    count: usize,
    [p50, p99, processor, first, dispatch, memory]: [&'static str; 6],
    figures: &mut Figures,
) {
    // The first job of a server makes its connections.
    let cold = streamed(server, 0..1);
    let (rested, before) = (server.memory(), server.processor());
    let begun = Instant::now();
    let mut seen = streamed(server, 1..count + 1);
    let spent = server.processor().saturating_sub(before);
    let pieces = count * PIECES as usize;
    assert_eq!(seen.late.len(), pieces, "pieces were lost");
    figures.add(p50, ms(quantile(&mut seen.late, 0.5)));
    figures.add(p99, ms(quantile(&mut seen.late, 0.99)));
    let thousands = f64::from(u32::try_from(pieces).unwrap()) / 1000.0;
    figures.add(processor, ms(spent) / thousands);
    if !first.is_empty() {
        figures.add("1 stream: cold", ms(cold.first));
        figures.add(first, ms(seen.first));
    }
    if !dispatch.is_empty() {
        let last = provider.asked.lock().unwrap().iter().max().copied();
        figures.add(dispatch, ms(last.unwrap() - begun));
        #[expect(clippy::cast_precision_loss, reason = "a size of memory")]
        figures.add(memory, seen.most.saturating_sub(rested) as f64 / 1e6);
    }
}

/// What was seen of some answers.
struct Streamed {
    /// How late each piece came.
    late: Vec<Duration>,
    /// From the first command to the first text.
    first: Duration,
    /// The most memory that was seen.
    most: u64,
}

/// Has as many answers as there are numbers streamed at once, to their ends.
fn streamed(server: &mut Server, numbers: Range<usize>) -> Streamed {
    let begun = Instant::now();
    let mut open = numbers.len();
    for number in numbers {
        explain(server, number);
    }
    let (mut late, mut most, mut first) = (Vec::new(), server.memory(), None);
    while open > 0 {
        let message = server.hear();
        let arrived = now();
        let event = &message["params"];
        match event["kind"].as_str() {
            Some("text") => {
                first.get_or_insert_with(|| begun.elapsed());
                // Pieces that came together are told together.
                for sent in event["text"].as_str().unwrap().split_whitespace() {
                    let sent: u128 = sent.parse().unwrap();
                    let after = u64::try_from(arrived.saturating_sub(sent)).unwrap();
                    late.push(Duration::from_nanos(after));
                    if late.len() % 1000 == 0 {
                        most = most.max(server.memory());
                    }
                }
            }
            Some("finished") => open -= 1,
            Some("failed") => panic!("{event}"),
            _ => {}
        }
    }
    Streamed {
        late,
        first: first.unwrap(),
        most,
    }
}

/// Many answers are cancelled by one command in the middle of their streams.
pub(crate) fn cancel(subject: &Subject, figures: &mut Figures) {
    let provider = Provider::start();
    let mut server = provider.server(subject);
    for number in 0..CANCELLED {
        explain(&mut server, number);
    }
    let mut streaming = std::collections::BTreeSet::new();
    while streaming.len() < CANCELLED {
        let message = server.hear();
        if message["params"]["kind"] == "text" {
            streaming.insert(message["params"]["job"].as_u64());
        }
    }
    let begun = Instant::now();
    let params = json!({"command": "pleach.cancel", "arguments": [{"all": true}]});
    server.request("workspace/executeCommand", &params);
    figures.add("cancel: answered", ms(begun.elapsed()));
    while provider.closed.lock().unwrap().len() < CANCELLED {
        thread::sleep(Duration::from_millis(1));
    }
    let last = provider.closed.lock().unwrap().iter().max().copied();
    figures.add(
        "cancel: closed",
        ms(last.unwrap().saturating_duration_since(begun)),
    );
    let after = provider.sent.lock().unwrap();
    let after = after.iter().filter(|at| **at > begun).count();
    let each = f64::from(u32::try_from(after).unwrap()) / f64::from(64_u32);
    figures.add("cancel: pieces after", each);
}

/// Calls that are reserved and settled, each on the disk before the next.
pub(crate) fn ledger(_: &Subject, figures: &mut Figures) {
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
    figures.add(
        "ledger: calls",
        f64::from(calls) / begun.elapsed().as_secs_f64(),
    );
}
