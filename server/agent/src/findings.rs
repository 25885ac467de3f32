//! Findings: what is wrong at a line of a file, and what to do about it.
//!
//! A [`Finding`] quotes the lines that it is about. Where they stand is found by that quote ([`QuotableText`]),
//! never guessed: what a file does not hold, or holds several times and not where it was said to be, has no
//! place. A finding that a person has dismissed is known again by a print of its quote, wherever the lines
//! have moved to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use pleach_text::{ByteOffset, ByteRange};
use serde::Deserialize;

use crate::roles::fence_for;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingSeverity {
    /// It is wrong.
    Error,
    /// It may go wrong.
    Warning,
    /// It is worth knowing.
    Info,
    /// It could be simpler.
    Hint,
}

impl FindingSeverity {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Hint => "hint",
        }
    }
}

/// Who has found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finder {
    /// A reviewer.
    Review,
    /// A run of the project's tests.
    Tests,
}

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, as the workspace names it.
    pub path: String,
    /// The first line that it is about, counted from 1.
    pub line: usize,
    /// The lines that it is about, as the file has them, without the last line break.
    pub quote: String,
    /// Where they are, in bytes of the text that was read; `None` where that text does not hold them yet.
    pub range: Option<ByteRange>,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// What kind of thing it is, in kebab case.
    pub rule: String,
    /// What is wrong, in one line.
    pub message: String,
    /// Why, or what comes of it. May be empty.
    pub why: String,
    /// What to do about it. May be empty.
    pub fix: String,
}

impl Finding {
    /// Nothing yet, at a place of a text.
    pub(crate) fn at(path: String, text: &str, range: ByteRange) -> Self {
        let (line, _) = pleach_text::line_column(text, range.start);
        Self {
            path,
            line: line.number(),
            quote: lines_of(text, range).to_owned(),
            range: Some(range),
            severity: FindingSeverity::Info,
            rule: String::new(),
            message: String::new(),
            why: String::new(),
            fix: String::new(),
        }
    }

    /// By what the lines are known again: the same for the same lines with other white space.
    pub fn fingerprint(&self) -> String {
        let hash = blake3::hash(plain(&self.quote).as_bytes());
        hash.to_hex().chars().take(32).collect()
    }
}

/// What came of looking for findings.
#[derive(Debug, Clone)]
pub struct FindingReport {
    /// Who looked.
    pub finder: Finder,
    /// In file order of each file.
    pub findings: Vec<Finding>,
    /// What was looked at: of each file the whole (`None`) or a part. What was found there before is no
    /// longer true.
    pub looked_at: BTreeMap<String, Option<ByteRange>>,
    /// The texts that the ranges are of.
    pub texts: BTreeMap<String, Arc<str>>,
    /// Findings whose quoted lines are not where they were said to be, so that they were dropped.
    pub dropped: usize,
    /// Lines of the answer that could not be understood.
    pub not_understood: usize,
    /// What was not looked at, and why, in words.
    pub left_out: Vec<String>,
    /// The finder's word on the whole. May be empty.
    pub summary: String,
    /// What it was made of, so that nothing that was paid for is lost.
    pub reply: String,
}

impl FindingReport {
    /// The outcome in one line: `nothing found in src/lib.rs`, `2 findings in src/lib.rs, 1 dropped`.
    pub fn outcome(&self) -> String {
        if self.finder == Finder::Tests {
            return self.summary.clone();
        }
        let place = match self.looked_at.len() {
            1 => self.looked_at.keys().next().cloned().unwrap_or_default(),
            count => format!("{count} files"),
        };
        let mut parts = vec![match self.findings.len() {
            0 => format!("nothing found in {place}"),
            1 => format!("1 finding in {place}"),
            count => format!("{count} findings in {place}"),
        }];
        if self.dropped > 0 {
            parts.push(format!(
                "{} dropped: the lines that it quotes are not there",
                self.dropped
            ));
        }
        if self.not_understood > 0 {
            parts.push(format!(
                "{} of the answer's lines not understood",
                self.not_understood
            ));
        }
        parts.extend(self.left_out.iter().cloned());
        parts.join("; ")
    }

    /// All of it as a page of Markdown.
    pub fn page(&self) -> String {
        let mut page = format!("{}\n", self.outcome());
        if !self.summary.is_empty() && self.finder == Finder::Review {
            // Writing to a string does not fail.
            let _ = writeln!(page, "\n{}", self.summary);
        }
        for finding in &self.findings {
            page.push('\n');
            page.push_str(&finding.page());
        }
        if self.finder == Finder::Tests && !self.reply.trim().is_empty() {
            let fence = fence_for(&self.reply);
            let printed = self.reply.trim();
            let _ = write!(
                page,
                "\n## What was printed\n\n{fence}\n{printed}\n{fence}\n"
            );
        }
        page
    }
}

impl Finding {
    /// The finding as a part of a page of Markdown.
    pub fn page(&self) -> String {
        let fence = fence_for(&self.quote);
        let mut page = format!(
            "## {}\n\n{}:{} · {} · `{}`\n\n{fence}\n{}\n{fence}\n",
            self.message,
            self.path,
            self.line,
            self.severity.name(),
            self.rule,
            self.quote,
        );
        for (title, text) in [("Why", &self.why), ("What to do", &self.fix)] {
            if !text.is_empty() {
                let _ = write!(page, "\n{title}: {text}\n");
            }
        }
        page
    }
}

/// The lines of a text, to find quotes in. Made once, however many are looked for.
pub struct QuotableText<'t> {
    /// Where each line's first sign is, and the line without white space around it.
    lines: Vec<(usize, &'t str)>,
}

impl<'t> QuotableText<'t> {
    /// The lines of `text`.
    pub fn of(text: &'t str) -> Self {
        let mut start = 0;
        let lines = text.split_inclusive('\n').map(|whole| {
            let indent = whole.len() - whole.trim_start().len();
            let at = start + indent;
            start += whole.len();
            (at, whole.trim())
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// Where the text holds the lines of `quote`, white space at their ends and beginnings aside: at `line`
    /// (counted from 1) if they are there, else where they are, if that is one place. From the first sign of
    /// the first to the last sign of the last.
    pub fn find(&self, line: usize, quote: &str) -> Option<ByteRange> {
        let wanted = wanted_lines(quote)?;
        let told = line.checked_sub(1);
        told.and_then(|line| self.at(line, &wanted))
            .or_else(|| self.only(&wanted))
    }

    /// Where the text holds the lines of `quote`, if that is one place.
    pub fn find_only(&self, quote: &str) -> Option<ByteRange> {
        self.only(&wanted_lines(quote)?)
    }

    fn only(&self, wanted: &[&str]) -> Option<ByteRange> {
        let mut found = (0..self.lines.len()).filter_map(|first| self.at(first, wanted));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    fn at(&self, first: usize, wanted: &[&str]) -> Option<ByteRange> {
        let found = self.lines.get(first..first.checked_add(wanted.len())?)?;
        let fits = found.iter().zip(wanted).all(|((_, is), want)| is == want);
        let ((start, _), (last, bare)) = (found.first()?, found.last()?);
        fits.then(|| ByteRange::new(ByteOffset(*start), ByteOffset(last + bare.len())))
    }
}

fn wanted_lines(quote: &str) -> Option<Vec<&str>> {
    let wanted: Vec<&str> = quote.lines().map(str::trim).collect();
    let is_blank = wanted.iter().all(|line| line.is_empty());
    (!is_blank).then_some(wanted)
}

/// Whether a stretch of a text is still what was quoted, white space aside.
pub fn is_quote(text: &str, quote: &str) -> bool {
    plain(text) == plain(quote)
}

fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// The lines of `text` that `range` touches, without the last line break.
pub(crate) fn lines_of(text: &str, range: ByteRange) -> &str {
    let before = text.get(..range.start.0).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let after = text.get(range.end.0..).unwrap_or_default();
    let end = after
        .find('\n')
        .map_or(text.len(), |length| range.end.0 + length);
    text.get(start..end)
        .unwrap_or_default()
        .trim_end_matches('\r')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "fn a() {\n    one();\n    two();\n}\n\nfn b() {\n    one();\r\n}\n";

    fn found(line: usize, quote: &str) -> Option<&'static str> {
        let range = QuotableText::of(TEXT).find(line, quote)?;
        TEXT.get(range.as_usize())
    }

    #[test]
    fn a_quote_is_where_it_was_said_to_be_or_where_it_is_once() {
        assert_eq!(found(3, "    two();"), Some("two();"));
        assert_eq!(found(9, "two();  "), Some("two();"), "it is there once");
        assert_eq!(found(2, "one();"), Some("one();"));
        let text = QuotableText::of(TEXT);
        assert_eq!(text.find(7, "one();").unwrap().start.0, 47);
        assert_eq!(text.find_only("one();"), None, "it is there twice");
        assert!(text.find_only("two();").is_some());
        assert_eq!(found(4, "one();"), None, "one of two would be a guess");
        assert_eq!(found(1, "three();"), None);
        assert_eq!(found(1, "  \n"), None);
        assert_eq!(found(2, "one();\ntwo();"), Some("one();\n    two();"));
        assert_eq!(found(usize::MAX, "two();"), Some("two();"));
    }

    #[test]
    fn a_line_that_moved_has_the_same_print() {
        let finding = |quote: &str| Finding {
            path: "a.rs".into(),
            line: 1,
            quote: quote.into(),
            range: None,
            severity: FindingSeverity::Error,
            rule: "bounds".into(),
            message: "m".into(),
            why: String::new(),
            fix: String::new(),
        };
        let print = |quote| finding(quote).fingerprint();
        assert_eq!(print("  a[0] +  1"), print("a[0] + 1"));
        assert_ne!(print("a[0] + 1"), print("a[0] + 2"));
        assert!(is_quote("\ta[0] + 1", "a[0] + 1 "));
    }
}
