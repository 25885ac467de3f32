//! Reading a reply while it is being written.

use crate::formats::Scanner;
use crate::hunk::{Hunk, Op};
use crate::{Format, Refusal};

/// A hunk that has arrived in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamedHunk {
    /// Which hunk of the reply, from 0.
    pub index: usize,
    /// The file it names, or else the target that was given.
    pub path: Option<String>,
    /// The format it is written in.
    pub format: Format,
    /// What it looks for; empty where that has no meaning.
    pub search: String,
    /// What it puts instead.
    pub replace: String,
}

/// Takes a reply in pieces and gives each hunk as soon as it is complete.
///
/// The pieces may be cut anywhere, but for the middle of a character. Whatever the cuts, the hunks
/// are those of the whole reply. What comes out is for showing: only [`crate::propose`] on the whole
/// reply gives something that may land.
#[derive(Debug)]
pub struct ReplyStream {
    target: Option<String>,
    scanner: Scanner,
    text: String,
    /// Bytes of `text` that the scanner has seen.
    read: usize,
    given: usize,
}

impl ReplyStream {
    /// A stream of a reply about this file, where it names none.
    pub fn new(target: Option<String>) -> Self {
        Self {
            target,
            scanner: Scanner::new(None),
            text: String::new(),
            read: 0,
            given: 0,
        }
    }

    /// Takes the next piece and gives the hunks that are complete with it.
    pub fn push(&mut self, piece: &str) -> Vec<StreamedHunk> {
        self.text.push_str(piece);
        while let Some(rest) = self.text.get(self.read..) {
            let Some(end) = memchr::memchr(b'\n', rest.as_bytes()) else {
                break;
            };
            let line = rest.get(..=end).unwrap_or(rest);
            self.scanner.line(line);
            self.read += line.len();
        }
        self.fresh()
    }

    fn fresh(&mut self) -> Vec<StreamedHunk> {
        let hunks = self.scanner.hunks();
        let fresh = hunks.get(self.given..).unwrap_or(&[]);
        let out = fresh
            .iter()
            .enumerate()
            .map(|(at, hunk)| shown(self.given + at, hunk, self.target.as_deref()))
            .collect();
        self.given = hunks.len();
        out
    }

    /// All that has arrived.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is known of the search/replace block that is still being written: the text it looks for
    /// and the beginning of what it puts instead.
    pub fn unfinished(&self) -> Option<(String, String)> {
        self.scanner
            .open_block()
            .map(|(_, search, replace)| (search, replace))
    }

    /// Ends the reply: the hunks of the whole of it, plain code included, and the reply.
    ///
    /// # Errors
    /// When the reply is cut or not well formed.
    pub fn finish(mut self) -> Result<(String, Vec<StreamedHunk>), Refusal> {
        let rest = self.text.get(self.read..).unwrap_or("").to_owned();
        if !rest.is_empty() {
            self.scanner.line(&rest);
        }
        let scanned = self.scanner.finish(&self.text)?;
        let target = self.target.as_deref();
        let mut hunks: Vec<StreamedHunk> = scanned
            .parsed
            .hunks
            .iter()
            .enumerate()
            .map(|(index, hunk)| shown(index, hunk, target))
            .collect();
        if hunks.is_empty() {
            hunks.extend(
                scanned
                    .code
                    .iter()
                    .enumerate()
                    .map(|(index, code)| StreamedHunk {
                        index,
                        path: code.paths.first().cloned().or_else(|| self.target.clone()),
                        format: Format::WholeFile,
                        search: String::new(),
                        replace: code.text.clone(),
                    }),
            );
        }
        Ok((self.text, hunks))
    }
}

fn shown(index: usize, hunk: &Hunk, target: Option<&str>) -> StreamedHunk {
    let (search, replace) = match &hunk.op {
        Op::Replace { old, new, .. } => (old.clone(), new.clone()),
        Op::Lines { new, guard, .. } => (guard.clone().unwrap_or_default(), new.clone()),
        Op::Append { new } => (String::new(), new.clone()),
        Op::Write { text, .. } | Op::Snippet { text } => (String::new(), text.clone()),
        Op::Delete | Op::Rename { .. } => (String::new(), String::new()),
    };
    StreamedHunk {
        index,
        path: hunk.path.clone().or_else(|| target.map(str::to_owned)),
        format: hunk.format,
        search,
        replace,
    }
}
