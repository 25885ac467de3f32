//! A scripted model server as a program, for tests that are not written in Rust.
//!
//! `fake-model --reply FILE [--flavour KIND] [--port N] [--chunk-bytes N] [--hang-after N] [--hold-after N --until
//! FILE] [--log FILE]` prints `listening on PORT` and gives every request the same answer, in the format
//! that `kind` of the settings calls so (chat completions when it is left out). With
//! `--hang-after N` it falls silent after N pieces; with `--hold-after N` it waits there until the file
//! exists. Each thing it sees becomes a line of JSON in the log.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::panic)]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use pleach_tests::fake_model::{FakeModel, Flavour, Seen};
use serde_json::json;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut reply, mut port, mut piece, mut log) = (None, 0, 24, None);
    let (mut hang_after, mut hold_after, mut until) = (None, None, None);
    let mut flavour = Flavour::Chat;
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .unwrap_or_else(|| panic!("{name} needs a value"))
        };
        match name.as_str() {
            "--reply" => reply = Some(value()),
            "--flavour" => {
                let kind = value();
                let known = Flavour::ALL.into_iter().find(|known| known.kind() == kind);
                flavour = known.unwrap_or_else(|| panic!("unknown flavour {kind}"));
            }
            "--port" => port = value().parse().expect("--port takes a number"),
            "--chunk-bytes" => piece = value().parse().expect("--chunk-bytes takes a number"),
            "--hang-after" => {
                hang_after = Some(
                    value()
                        .parse::<usize>()
                        .expect("--hang-after takes a number"),
                );
            }
            "--hold-after" => {
                hold_after = Some(
                    value()
                        .parse::<usize>()
                        .expect("--hold-after takes a number"),
                );
            }
            "--until" => until = Some(value()),
            "--log" => log = Some(value()),
            other => panic!("unknown argument {other}"),
        }
    }
    let reply = reply.expect("--reply FILE is needed");
    let reply = std::fs::read_to_string(reply).expect("the reply can be read");
    let pieces: Vec<String> = {
        let chars: Vec<char> = reply.chars().collect();
        chars
            .chunks(piece.max(1))
            .map(|piece| piece.iter().collect())
            .collect()
    };
    let answer = || {
        let mut script = flavour.begin();
        for (number, piece) in pieces.iter().enumerate() {
            if hang_after == Some(number) {
                return script.hang();
            }
            if hold_after == Some(number) {
                let (gated, open) = script.gate();
                script = gated;
                let file = until.clone().expect("--hold-after needs --until FILE");
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
    };
    let model = FakeModel::on(port);
    model.say(answer());
    println!("listening on {}", model.port());
    let mut log = log.map(|path| {
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
