//! What is in a pack and why, for a person.

use std::fmt::Write as _;

use super::fit::Shape;

/// A piece of the workspace that a model was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The file.
    pub path: String,
    /// Its first line, from 1.
    pub first: usize,
    /// Its last line.
    pub last: usize,
    /// What it is called, where it has a name.
    pub name: String,
    /// How much of it.
    pub shape: Shape,
    /// Tokens, by its length.
    pub tokens: u64,
    /// Why.
    pub reason: String,
}

/// What a request was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The document; empty where there is none.
    pub document: String,
    /// Its lines that were shown, from 1, and how many it has.
    pub lines: (usize, usize, usize),
    /// Diagnostics that were told.
    pub diagnostics: usize,
    /// The project's rules that were told: file and reason.
    pub rules: Vec<(String, String)>,
    /// What the person mentioned.
    pub mentioned: Vec<Piece>,
    /// The files whose changes were shown.
    pub changed: Vec<String>,
    /// What else there is to know of it, in words.
    pub notes: Vec<String>,
    /// What came from elsewhere, in the order in which it was sent.
    pub pieces: Vec<Piece>,
    /// Tokens of these, with what stands around them, by their length.
    pub tokens: u64,
    /// The tokens that they may have.
    pub budget: u32,
    /// Pieces for which there was no room.
    pub left_out: usize,
    /// Files that would have had pieces, and are never sent.
    pub kept_back: Vec<String>,
    /// How the index was.
    pub index: String,
    /// Secrets that had placeholders.
    pub secrets: usize,
    /// Tokens of the whole request, by its length.
    pub request_tokens: u64,
}

impl Manifest {
    /// As a part of a page of Markdown.
    pub(crate) fn write(&self, page: &mut String) {
        // Writing to a string does not fail.
        if !self.document.is_empty() {
            let (first, last, total) = self.lines;
            let lines = if (first, last) == (1, total) {
                "all of it".to_owned()
            } else {
                format!("lines {first} to {last} of {total}")
            };
            let _ = writeln!(
                page,
                "- **{}**: {lines}, because it was asked about",
                self.document
            );
        }
        if self.diagnostics > 0 {
            let _ = writeln!(
                page,
                "- {} reported about it",
                counted(self.diagnostics, "diagnostic")
            );
        }
        for piece in &self.mentioned {
            let Piece {
                path,
                first,
                last,
                tokens,
                reason,
                ..
            } = piece;
            let _ = writeln!(
                page,
                "- **{path}**: lines {first} to {last}, about {tokens} tokens; {reason}"
            );
        }
        for path in &self.changed {
            let _ = writeln!(page, "- **{path}**: what has changed in it");
        }
        for note in &self.notes {
            let _ = writeln!(page, "- {note}");
        }
        for (path, reason) in &self.rules {
            let _ = writeln!(page, "- **{path}**: a rule; {reason}");
        }
        let _ = match self.secrets {
            0 => Ok(()),
            1 => writeln!(page, "- One secret had a placeholder in its place."),
            count => writeln!(page, "- {count} secrets had placeholders in their places."),
        };
        let _ = writeln!(
            page,
            "\nFrom elsewhere in the workspace: {}, about {} of {} tokens. The index: {}.",
            counted(self.pieces.len(), "piece"),
            self.tokens,
            self.budget,
            self.index
        );
        if !self.pieces.is_empty() {
            page.push_str("\n| where | what | how much | tokens | why |\n|---|---|---|---|---|\n");
        }
        for piece in &self.pieces {
            let name = match piece.name.as_str() {
                "" => String::new(),
                name => format!("`{}`", in_cell(name)),
            };
            let _ = writeln!(
                page,
                "| {}:{} | {name} | {} | {} | {} |",
                in_cell(&piece.path),
                piece.first,
                piece.shape.word(),
                piece.tokens,
                in_cell(&piece.reason),
            );
        }
        if self.left_out > 0 {
            let _ = writeln!(
                page,
                "\nFor {} there was no room; `[context] tokens` in pleach.toml makes it larger.",
                counted(self.left_out, "piece")
            );
        }
        if !self.kept_back.is_empty() {
            let _ = writeln!(
                page,
                "\nNever sent, though it was near: {}.",
                self.kept_back.join(", ")
            );
        }
    }
}

/// The page that answers what was sent: for the job with this title, to this engine.
pub fn sent_page(title: &str, engine: &str, manifest: &Manifest) -> String {
    let mut page = format!("# What was sent: {title}\n\n");
    let _ = writeln!(
        page,
        "The last request that a job began with went to {engine}: about {} tokens. \
         What a model read with tools after that is in the audit (`pleach audit`).\n",
        manifest.request_tokens
    );
    manifest.write(&mut page);
    page
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A text that stays in its cell.
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
