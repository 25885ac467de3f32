//! A scripted model server as a program, for tests that are not written in Rust.
//!
//! `fake-model --reply FILE [--flavour KIND] [--port N] [--chunk-bytes N] [--hang-after N] [--hold-after N --until
//! FILE] [--log FILE]` prints `listening on PORT` and gives every request the same answer, in the format
//! that `kind` of the settings calls so (chat completions when it is left out). With
//! `--hang-after N` it falls silent after N pieces; with `--hold-after N` it waits there until the file
//! exists. Each thing it sees becomes a line of JSON in the log.
//!
//! `fake-model --cassette FILE [--timed] [--port N] [--log FILE]` gives the recorded answers instead, one
//! after the other and then from the beginning again; with the recorded pauses if `--timed`.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::panic)]

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use pleach_tests::fake_model::{FakeModel, Flavour, Script, Seen};
use serde_json::json;

/// What the command line says.
#[derive(Default)]
struct Options {
    reply: Option<String>,
    cassette: Option<String>,
    timed: bool,
    flavour: Option<Flavour>,
    port: u16,
    chunk_bytes: Option<usize>,
    hang_after: Option<usize>,
    hold_after: Option<usize>,
    until: Option<String>,
    log: Option<String>,
}

fn options() -> Options {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .unwrap_or_else(|| panic!("{name} needs a value"))
        };
        let number = |text: String| {
            text.parse()
                .unwrap_or_else(|_| panic!("{text} is no number"))
        };
        match name.as_str() {
            "--reply" => options.reply = Some(value()),
            "--cassette" => options.cassette = Some(value()),
            "--timed" => options.timed = true,
            "--flavour" => {
                let kind = value();
                let known = Flavour::ALL.into_iter().find(|known| known.kind() == kind);
                options.flavour = Some(known.unwrap_or_else(|| panic!("unknown flavour {kind}")));
            }
            "--port" => options.port = value().parse().expect("--port takes a number"),
            "--chunk-bytes" => options.chunk_bytes = Some(number(value())),
            "--hang-after" => options.hang_after = Some(number(value())),
            "--hold-after" => options.hold_after = Some(number(value())),
            "--until" => options.until = Some(value()),
            "--log" => options.log = Some(value()),
            other => panic!("unknown argument {other}"),
        }
    }
    options
}

/// The answers, one after the other, without end.
fn answers(options: &Options) -> Box<dyn FnMut() -> Script + '_> {
    let read = |file: &String| std::fs::read_to_string(file).expect("the file can be read");
    let reply = match (&options.reply, &options.cassette) {
        (Some(reply), None) => read(reply),
        (None, Some(cassette)) => {
            let cassette = read(cassette);
            let mut recorded = VecDeque::new();
            return Box::new(move || {
                if recorded.is_empty() {
                    recorded.extend(Script::recorded(&cassette, options.timed));
                }
                recorded.pop_front().expect("the cassette has an answer")
            });
        }
        _ => panic!("--reply FILE or --cassette FILE is needed"),
    };
    let chars: Vec<char> = reply.chars().collect();
    let pieces = chars.chunks(options.chunk_bytes.unwrap_or(24).max(1));
    let pieces: Vec<String> = pieces.map(|piece| piece.iter().collect()).collect();
    let flavour = options.flavour.unwrap_or(Flavour::Chat);
    Box::new(move || {
        let mut script = flavour.begin();
        for (number, piece) in pieces.iter().enumerate() {
            if options.hang_after == Some(number) {
                return script.hang();
            }
            if options.hold_after == Some(number) {
                let (gated, open) = script.gate();
                script = gated;
                let file = options.until.clone();
                let file = file.expect("--hold-after needs --until FILE");
                std::thread::spawn(move || {
                    while !Path::new(&file).exists() {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    drop(open);
                });
            }
            script = flavour.piece(script, piece);
        }
        flavour.end(script)
    })
}

fn main() {
    let options = options();
    let mut answer = answers(&options);
    let model = FakeModel::on(options.port);
    model.say(answer());
    println!("listening on {}", model.port());
    let mut log = options.log.as_ref().map(|path| {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("the log can be written")
    });
    while let Some(seen) = model.wait() {
        let line = match &seen {
            Seen::Request { line, body, .. } => {
                json!({"seen": "request", "line": line, "body": body})
            }
            Seen::Answered => json!({"seen": "answered"}),
            Seen::ClientClosed => json!({"seen": "client-closed"}),
        };
        if let Some(log) = &mut log {
            writeln!(log, "{line}").expect("the log can be written");
        }
        // The next request finds its answer ready.
        if matches!(&seen, Seen::Request { line, .. } if line.starts_with("POST")) {
            model.say(answer());
        }
    }
}
