//! Sessions written down, for the check of every message against the official types
//! (`tests/conformance/check.py`).

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::Side;

/// What a client sends that is longer is written down without its parameters: nobody checks our own text.
const LONGEST: usize = 100_000;

/// Writes a session into a file of its own in `folder`: a line of JSON for each message, and one that says
/// whether the session ended by the book, and whether bytes were sent that are no message of the transcript.
pub(super) fn write(folder: &Path, transcript: &[(Side, Value)], in_order: bool, has_raw: bool) {
    static SESSIONS: AtomicU32 = AtomicU32::new(0);
    let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
    let mut text = String::new();
    for (side, message) in transcript {
        let from = match side {
            Side::Client => "client",
            Side::Server => "server",
        };
        let mut line = json!({"from": from, "message": message}).to_string();
        if *side == Side::Client && line.len() > LONGEST {
            let mut short = message.clone();
            if let Some(message) = short.as_object_mut() {
                message.remove("params");
            }
            line = json!({"from": from, "message": short}).to_string();
        }
        writeln!(text, "{line}").expect("a string can be written to");
    }
    writeln!(
        text,
        "{}",
        json!({"in_order": in_order, "has_raw": has_raw})
    )
    .expect("a string can be written to");
    let name = format!("{}-{number}.jsonl", std::process::id());
    std::fs::write(folder.join(name), text).expect("the folder of PLEACH_TRANSCRIPTS");
}
