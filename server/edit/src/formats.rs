//! From a reply to hunks: every format, mixed with prose and fences, line by line as it streams.
//!
//! One scanner reads the reply from top to bottom and hands the lines to the reader of the format
//! that they start. Because it never looks ahead further than the line that completes a hunk, a
//! reply read in pieces gives the same hunks as the reply read at once.

mod blocks;
mod diffs;
mod fences;
mod json;
mod patch;
pub(crate) mod paths;
mod scanner;
mod tags;

pub(crate) use scanner::{Code, Scanner};

use crate::hunk::Parsed;
use crate::{Format, Refusal, RefusalCode};

/// Replies above this are refused: no model writes them, and every later step is paid per byte.
pub(crate) const MAX_REPLY: usize = 16 << 20;

/// A reply taken apart as far as that goes without the files.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    pub(crate) parsed: Parsed,
    /// Plain code that was shown, with or without a path: whole files, snippets, or examples.
    pub(crate) code: Vec<Code>,
}

/// Reads a whole reply.
pub(crate) fn scan(reply: &str, format: Option<Format>) -> Result<Scanned, Refusal> {
    if reply.len() > MAX_REPLY {
        return Err(Refusal::whole(
            RefusalCode::TooLarge,
            format!(
                "The reply is {} bytes long; at most {MAX_REPLY} are read.",
                reply.len()
            ),
        ));
    }
    let mut scanner = Scanner::new(format);
    for line in reply.split_inclusive('\n') {
        scanner.line(line);
    }
    scanner.finish(reply)
}
