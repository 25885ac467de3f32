//! Speed, measured from outside on the release build, in the same run as a floor: a server that does nothing
//! but JSON-RPC, ropes and syntax trees of the same grammars (`tests/src/bin/floor.rs`). On a machine that does
//! other things at the same time, the ratios hold and the figures do not.
//!
//! ```text
//! cargo build --release && cargo bench -p pleach-tests --bench performance
//! ```
//!
//! After `--`: names of scenarios, to run only these; `--rounds N` (3 without it; figures are medians);
//! `--write` writes `docs/performance.md`; `--server 'PROGRAM ARGUMENTS'` measures another server beside it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unchecked_time_subtraction
)]

mod editing;
mod report;
mod server;
mod streaming;

use std::path::{Path, PathBuf};

use report::{Figures, Goal, Row, machine, table};
use server::Subject;

/// Which floor a scenario is held against.
#[derive(Clone, Copy, PartialEq)]
enum Floor {
    /// With trees.
    Trees,
    /// With the text alone.
    Text,
    /// None: the goal is a figure.
    None,
}

type Scenario = (&'static str, Floor, fn(&Subject, &mut Figures));

const SCENARIOS: [Scenario; 12] = [
    ("start", Floor::Trees, editing::start),
    ("exit", Floor::Trees, editing::exit),
    ("changes", Floor::Trees, editing::changes),
    ("typing", Floor::Text, editing::typing),
    ("typing-slowly", Floor::Text, editing::typing_slowly),
    ("large", Floor::Text, editing::large),
    ("many", Floor::Trees, editing::many),
    ("flood", Floor::Trees, editing::flood),
    ("cancel", Floor::None, streaming::cancel),
    ("streams", Floor::Trees, streaming::streams),
    ("idle", Floor::None, editing::idle),
    ("ledger", Floor::None, streaming::ledger),
];

const fn row(name: &'static str, what: &'static str, unit: &'static str, goal: Goal) -> Row {
    Row {
        name,
        what,
        unit,
        goal,
    }
}

use Goal::{Least, Most, Times};

const ROWS: [Row; 46] = [
    row(
        "start: wall",
        "start until `initialize` is answered",
        "ms",
        Times(1.8),
    ),
    row("start: processor", "… on the processor", "ms", Times(2.2)),
    row("start: memory", "… resident memory", "MB", Times(3.0)),
    row(
        "exit",
        "`exit` until the end of the process, input still open",
        "ms",
        Times(1.5),
    ),
    row(
        "change: processor",
        "a change of text at full speed, on the processor",
        "µs",
        Times(1.5),
    ),
    row("change: rate", "… changes a second", "1/s", Least(0.6)),
    row(
        "60 KB: p50",
        "keystroke to code actions, 60 KB of Rust, median",
        "ms",
        Times(4.0),
    ),
    row("60 KB: p99", "… p99", "ms", Times(5.0)),
    row(
        "30 Hz: p50",
        "the same while typing at 30 Hz, median",
        "ms",
        Times(3.0),
    ),
    row("30 Hz: p99", "… p99", "ms", Times(3.5)),
    row(
        "10 MB Rust: first",
        "10 MB of Rust: opened to first answer",
        "ms",
        Times(1.2),
    ),
    row(
        "50 MB Rust: first",
        "50 MB of Rust: opened to first answer",
        "ms",
        Times(1.2),
    ),
    row(
        "10 MB Rust: p50",
        "keystroke to code actions, 10 MB of Rust, median",
        "ms",
        Goal::None,
    ),
    row("10 MB Rust: p99", "… p99", "ms", Times(10.0)),
    row(
        "10 MB TypeScript: p50",
        "10 MB of TypeScript, median",
        "ms",
        Goal::None,
    ),
    row("10 MB TypeScript: p99", "… p99", "ms", Times(10.0)),
    row(
        "10 MB Python: p50",
        "10 MB of Python, median",
        "ms",
        Goal::None,
    ),
    row("10 MB Python: p99", "… p99", "ms", Times(10.0)),
    row("50 MB Rust: p50", "50 MB of Rust, median", "ms", Goal::None),
    row("50 MB Rust: p99", "… p99", "ms", Times(20.0)),
    row(
        "10 MB Rust: memory",
        "memory grown by 10 MB of text",
        "× the text",
        Most(2.0),
    ),
    row(
        "50 MB Rust: memory",
        "memory grown by 50 MB of text",
        "× the text",
        Most(1.35),
    ),
    row(
        "200 documents: first",
        "200 documents of 20 KB opened at once, first answer",
        "ms",
        Goal::None,
    ),
    row(
        "200 documents: memory",
        "… all of them looked at: resident memory",
        "MB",
        Times(0.25),
    ),
    row(
        "200 documents: processor",
        "… a change of one of them, on the processor",
        "µs",
        Times(2.0),
    ),
    row(
        "flood: fresh answer",
        "10,000 requests and their cancels: answer to a fresh one",
        "ms",
        Times(3.0),
    ),
    row(
        "flood: processor",
        "… all answered, on the processor",
        "ms",
        Times(4.0),
    ),
    row(
        "cancel: answered",
        "64 streams cancelled: answered",
        "ms",
        Most(20.0),
    ),
    row(
        "cancel: closed",
        "… the last connection closed",
        "ms",
        Most(120.0),
    ),
    row(
        "cancel: pieces after",
        "… pieces that the provider sent after it, each",
        "",
        Most(2.0),
    ),
    row(
        "1 stream: p50",
        "1 stream: provider's socket to notification, median",
        "ms",
        Times(2.0),
    ),
    row("1 stream: p99", "… p99", "ms", Goal::None),
    row(
        "1 stream: processor",
        "… a thousand pieces, on the processor",
        "ms",
        Times(2.0),
    ),
    row(
        "1 stream: first",
        "… command to first text",
        "ms",
        Times(1.05),
    ),
    row(
        "1 stream: cold",
        "… command to first text of the first job after the start",
        "ms",
        Goal::None,
    ),
    row(
        "16 streams: p50",
        "16 streams: socket to notification, median",
        "ms",
        Goal::None,
    ),
    row("16 streams: p99", "… p99", "ms", Goal::None),
    row(
        "16 streams: processor",
        "… a thousand pieces, on the processor",
        "ms",
        Goal::None,
    ),
    row(
        "128 streams: p50",
        "128 streams: socket to notification, median",
        "ms",
        Times(4.0),
    ),
    row("128 streams: p99", "… p99", "ms", Times(4.0)),
    row(
        "128 streams: processor",
        "… a thousand pieces, on the processor",
        "ms",
        Times(1.5),
    ),
    row(
        "128 streams: dispatch",
        "… commands until the last request has reached the provider",
        "ms",
        Times(2.0),
    ),
    row("128 streams: memory", "… memory grown", "MB", Most(12.0)),
    row(
        "idle: wake-ups",
        "idle: wake-ups a second",
        "1/s",
        Most(1.0),
    ),
    row(
        "idle: processor",
        "idle: processor a second",
        "ms",
        Most(0.05),
    ),
    row(
        "ledger: calls",
        "calls a second that the ledger reserves and settles",
        "1/s",
        Goal::None,
    ),
];

struct Options {
    wanted: Vec<String>,
    rounds: usize,
    write: bool,
    peer: Option<Subject>,
}

fn options() -> Options {
    let mut options = Options {
        wanted: Vec::new(),
        rounds: 3,
        write: false,
        peer: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => options.rounds = arguments.next().unwrap().parse().unwrap(),
            "--write" => options.write = true,
            "--server" => {
                let line = arguments.next().unwrap();
                let mut words = line.split_whitespace().map(str::to_owned);
                options.peer = Some(Subject {
                    program: words.next().unwrap().into(),
                    arguments: words.collect(),
                });
            }
            // Cargo says it to every benchmark.
            "--bench" => {}
            _ => options.wanted.push(argument),
        }
    }
    options
}

fn main() {
    let Options {
        wanted,
        rounds,
        write,
        peer,
    } = options();
    let target = std::env::current_exe().unwrap();
    let release = target.ancestors().nth(2).unwrap().to_owned();
    let program =
        std::env::var_os("PLEACH_BIN").map_or_else(|| release.join("pleach"), PathBuf::from);
    let pleach = Subject {
        program,
        arguments: vec!["lsp".to_owned()],
    };
    let floor = Subject {
        program: PathBuf::from(env!("CARGO_BIN_EXE_floor")),
        arguments: Vec::new(),
    };
    let (mut ours, mut below, mut other) =
        (Figures::default(), Figures::default(), Figures::default());
    for (name, kind, scenario) in SCENARIOS {
        if !wanted.is_empty() && !wanted.iter().any(|it| it == name) {
            continue;
        }
        println!("{name} …");
        for _ in 0..rounds {
            match kind {
                Floor::Trees => scenario(&floor, &mut below),
                Floor::Text => scenario(&floor.with(&["text"]), &mut below),
                Floor::None => {}
            }
            scenario(&pleach, &mut ours);
            if let Some(peer) = &peer {
                scenario(peer, &mut other);
            }
        }
    }
    let table = table(&ROWS, &ours, &below, peer.is_some().then_some(&other));
    println!("\n{}\n\n{table}", machine());
    if write {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
        std::fs::write(page, format!("{HEAD}{}.\n\n{table}{FOOT}", machine())).unwrap();
    }
}

const HEAD: &str = "\
# Performance

What Pleach costs, measured from outside on the release build, in one run with a *floor*: a server of our own that does nothing but
JSON-RPC, ropes and syntax trees of the same grammars (`tests/src/bin/floor.rs`; for typing and for large files it keeps the text alone).
Every answer is checked to be one: lists are not empty, but for large files, and at the end both sides have the same text. This page is written by

```sh
cargo build --release && cargo bench -p pleach-tests --bench performance -- --write
```

Medians of three rounds. Figures depend on the machine and on what else it does; ratios do less. This run was on
";

const FOOT: &str = "
Above 4 MB a document has no syntax tree: its text is kept in step and edits are checked when they are made, but the menu offers
nothing that needs to know the symbol at the place.

Of the resident memory at the start about 1.2 MB are its own (`RssAnon`); the rest are pages of the program's file, which the system
shares and takes back. The first job after a start makes the connections and reads the certificates of the system.

`--server 'PROGRAM ARGUMENTS'` after `--` measures another server beside it, and names of scenarios run only these.
";
