//! The floor that the server's start is measured against: a program that links the same grammars and
//! answers one `initialize`, and nothing else.
#![allow(clippy::expect_used)]

use std::io::{BufRead, Read, Write};

fn main() {
    // Linked, as in the server, but not loaded.
    if std::env::args().count() > 1 {
        for language in pleach_grammars::Language::ALL {
            std::hint::black_box(language.grammar());
        }
    }
    let mut input = std::io::stdin().lock();
    let mut length = 0;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).expect("a header");
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).expect("a body");
    let answer = br#"{"jsonrpc":"2.0","id":1,"result":{"capabilities":{}}}"#;
    let mut output = std::io::stdout().lock();
    write!(output, "Content-Length: {}\r\n\r\n", answer.len()).expect("a pipe");
    output.write_all(answer).expect("a pipe");
    output.flush().expect("a pipe");
}
