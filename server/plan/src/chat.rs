//! The chat document: questions and answers in turn, in Markdown that people edit.
//!
//! A line `## You` begins a turn of the person's, a line `## Pleach`, which may go on with who answered, one of
//! an answer; in a code block or a comment they are text like any other. What stands before the first of them
//! belongs to nobody's turn, but for a document without any: there all but the title is the question.
//!
//! What the server writes is one insertion ([`answered`]): no byte of the person's is touched.
//!
//! ```
//! use pleach_plan::chat::{Chat, answered};
//!
//! let asked = "# Loans\n\n## You\n\nWhat does @src/loans.rs#lend do?\n";
//! let chat = Chat::parse(asked);
//! let question = chat.question().unwrap();
//! assert_eq!(chat.text_of(question).trim(), "What does @src/loans.rs#lend do?");
//!
//! let change = answered(asked, Some(asked.len()), "a model", "It lends a book.");
//! let text = change.apply_to_str(asked).unwrap();
//! assert!(text.ends_with("## Pleach (a model)\n\nIt lends a book.\n\n## You\n\n"));
//! ```

mod block;
mod mention;

use std::fmt::Write as _;

use pleach_text::{ByteOffset, ByteRange, ChangeSet, Dialect, Replacement, line_column};

pub use self::block::{EditBlock, edit_blocks};
pub use self::mention::{Mention, mentions};
use crate::scan::{Line, Unclosed, scan};

/// The folder of chats, in the workspace.
pub const FOLDER: &str = ".pleach/chats";

/// A text longer than this, in bytes, is no chat that anybody reads: no turn of it is looked for.
pub const MAX_BYTES: usize = 4 << 20;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The person's.
    You,
    /// A model's.
    Pleach,
}

/// What was said at a time. Ranges are bytes of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who says it.
    pub speaker: Speaker,
    /// All of it, with its heading.
    pub range: ByteRange,
    /// What is said: what follows the heading.
    pub body: ByteRange,
}

/// A chat as it is written.
#[derive(Debug, Clone)]
pub struct Chat<'t> {
    text: &'t str,
    title: Option<String>,
    turns: Vec<Turn>,
    unclosed: Option<usize>,
}

impl<'t> Chat<'t> {
    /// Understands a text, as far as it is a chat.
    pub fn parse(text: &'t str) -> Self {
        let mut chat = Self {
            text,
            title: None,
            turns: Vec::new(),
            unclosed: None,
        };
        if text.len() > MAX_BYTES {
            return chat;
        }
        let scanned = scan(text);
        let mut behind_title = scanned
            .lines
            .get(..scanned.front)
            .and_then(<[Line<'_>]>::last)
            .map_or(0, |line| line.end);
        let lines = scanned.lines.iter().skip(scanned.front);
        for line in lines.filter(|line| !line.is_literal) {
            if let Some(speaker) = speaker_in(line.text) {
                if let Some(last) = chat.turns.last_mut() {
                    last.range.end = ByteOffset(line.start);
                    last.body.end = ByteOffset(line.start);
                }
                chat.turns.push(Turn {
                    speaker,
                    range: ByteRange::from(line.start..text.len()),
                    body: ByteRange::from(line.end..text.len()),
                });
            } else if let Some(title) = line.text.strip_prefix("# ")
                && chat.title.is_none()
                && chat.turns.is_empty()
            {
                chat.title = Some(title.trim().to_owned());
                behind_title = line.end;
            }
        }
        if chat.turns.is_empty() {
            let all = ByteRange::from(behind_title..text.len());
            chat.turns.push(Turn {
                speaker: Speaker::You,
                range: all,
                body: all,
            });
        }
        let open = scanned.unclosed.iter();
        chat.unclosed = open
            .filter(|(what, _)| *what != Unclosed::FrontMatter)
            .map(|(_, at)| line_column(text, at.start).0.number())
            .next_back();
        chat
    }

    /// What it is called.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// What was said, in its order. Never empty, but for a text that is too long.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// What a turn says.
    pub fn text_of(&self, turn: &Turn) -> &'t str {
        self.text.get(turn.body.as_usize()).unwrap_or_default()
    }

    /// What was said before the first turn, without the title.
    pub fn preamble(&self) -> &'t str {
        let first = self.turns.first().map_or(0, |turn| turn.range.start.0);
        let before = self.text.get(..first).unwrap_or_default();
        let mut lines = before.lines();
        let has_title = lines.any(|line| line.strip_prefix("# ").is_some());
        let behind = before
            .split_once("# ")
            .and_then(|(_, it)| it.split_once('\n'));
        match behind {
            Some((_, rest)) if has_title => rest.trim(),
            _ => before.trim(),
        }
    }

    /// The question that waits for an answer: the last turn, if it is the person's and says something.
    pub fn question(&self) -> Option<&Turn> {
        let last = self.turns.last()?;
        let is_one = last.speaker == Speaker::You && !self.text_of(last).trim().is_empty();
        is_one.then_some(last)
    }

    /// The turn that holds a byte.
    pub fn turn_at(&self, at: usize) -> Option<&Turn> {
        let mut turns = self.turns.iter().rev();
        turns.find(|turn| turn.range.start.0 <= at)
    }

    /// The line, from 1, in which a code block or a comment begins that has no end. What stands behind it
    /// belongs to it, headings as well.
    pub fn unclosed(&self) -> Option<usize> {
        self.unclosed
    }
}

/// Whose turn a line begins.
fn speaker_in(line: &str) -> Option<Speaker> {
    let heading = line.strip_prefix("## ")?.trim();
    if heading == "You" {
        return Some(Speaker::You);
    }
    let rest = heading.strip_prefix("Pleach")?;
    (rest.is_empty() || rest.starts_with(" (")).then_some(Speaker::Pleach)
}

/// The insertion of an answer of `who` into `text`, with the heading of the turn after it. `asked` is where
/// the question ended, in bytes of `text`: the answer goes behind that line, so that what was typed there
/// meanwhile stands under the new heading. Without it the answer goes to the end.
///
/// A line of the answer that would begin a turn gets a `\` before it, and what it leaves open is closed.
pub fn answered(text: &str, asked: Option<usize>, who: &str, answer: &str) -> ChangeSet {
    let at = place_for(text, asked);
    let (before, after) = (
        text.get(..at).unwrap_or_default(),
        text.get(at..).unwrap_or_default(),
    );
    let mut insert = match before.trim_end_matches([' ', '\t']) {
        "" => "",
        it if it.ends_with("\n\n") || it.ends_with("\n\r\n") || it.ends_with("\r\r") => "",
        it if it.ends_with(['\n', '\r']) => "\n",
        _ => "\n\n",
    }
    .to_owned();
    let who = plain(who);
    // Writing to a string does not fail.
    let _ = write!(insert, "## Pleach ({who})\n\n{}\n\n", as_body(answer));
    let next = after.lines().find(|line| !line.trim().is_empty());
    if next.and_then(speaker_in).is_none() {
        insert.push_str("## You\n\n");
    }
    let ending = Dialect::of(text).line_ending.as_str();
    let insert = if ending == "\n" {
        insert
    } else {
        insert.replace("\r\n", "\n").replace('\n', ending)
    };
    let len = ByteOffset(text.len());
    let delete = ByteRange::empty(ByteOffset(at));
    ChangeSet::new(vec![Replacement { delete, insert }], len)
        .unwrap_or_else(|_one_insertion| ChangeSet::unchanged(len))
}

/// How often `text` shows this answer of `who`.
pub fn count_of(text: &str, who: &str, answer: &str) -> usize {
    let chat = Chat::parse(text);
    let body = as_body(answer);
    let heading = format!("## Pleach ({})", plain(who));
    let is_it = |turn: &&Turn| {
        let whole = text.get(turn.range.as_usize()).unwrap_or_default();
        let said = chat.text_of(turn).trim();
        whole.starts_with(&heading) && said.lines().eq(body.trim().lines())
    };
    chat.turns.iter().filter(is_it).count()
}

fn plain(who: &str) -> String {
    who.chars().filter(|c| !c.is_control()).collect()
}

/// Where an answer goes.
fn place_for(text: &str, asked: Option<usize>) -> usize {
    let Some(mut at) = asked.filter(|at| *at <= text.len() && text.is_char_boundary(*at)) else {
        return text.len();
    };
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let is_line_start = text.get(..at).is_none_or(|it| it.ends_with(['\n', '\r']));
    let typed_on = rest.get(..line).is_some_and(|it| !it.trim().is_empty());
    if typed_on && !is_line_start {
        at += line;
    }
    let is_open = |end: usize| {
        Chat::parse(text.get(..end).unwrap_or_default())
            .unclosed
            .is_some()
    };
    if is_open(at) { text.len() } else { at }
}

/// An answer as it can stand in a turn.
fn as_body(answer: &str) -> String {
    // With a line before it nothing of it is taken for front matter.
    let text = format!("\n{}", answer.trim_end());
    let scanned = scan(&text);
    let mut body = String::with_capacity(text.len());
    for line in &scanned.lines {
        if !line.is_literal && speaker_in(line.text).is_some() {
            body.push('\\');
        }
        body.push_str(line.text);
        body.push('\n');
    }
    if let Some((what, at)) = scanned.unclosed.last() {
        let opened = text.get(at.as_usize()).unwrap_or_default();
        match what {
            Unclosed::Fence => {
                let indent = opened.len() - opened.trim_start().len();
                let bare = opened.trim_start();
                let mark = bare.chars().next().unwrap_or('`');
                let run: String = bare.chars().take_while(|c| *c == mark).collect();
                let _ = write!(body, "{}{run}", opened.get(..indent).unwrap_or_default());
            }
            Unclosed::Comment => body.push_str("-->"),
            Unclosed::FrontMatter => {}
        }
    }
    body.trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]
    use super::*;

    fn with_answer(text: &str, asked: usize, answer: &str) -> String {
        let change = answered(text, Some(asked), "m", answer);
        change.apply_to_str(text).unwrap()
    }

    #[test]
    fn turns_are_headings_outside_of_code() {
        let text = "# T\n\nNotes.\n\n## You\n\nWhy?\n```md\n## You\n```\n\n## Pleach (m)\n\nSo.\n\n## You\n\n";
        let chat = Chat::parse(text);
        assert_eq!(chat.title(), Some("T"));
        assert_eq!(chat.preamble(), "Notes.");
        let said: Vec<_> = chat
            .turns()
            .iter()
            .map(|it| (it.speaker, chat.text_of(it).trim()))
            .collect();
        assert_eq!(
            said,
            [
                (Speaker::You, "Why?\n```md\n## You\n```"),
                (Speaker::Pleach, "So."),
                (Speaker::You, ""),
            ]
        );
        assert_eq!(chat.question(), None);
        assert_eq!(
            chat.turn_at(text.find("So.").unwrap()).unwrap().speaker,
            Speaker::Pleach
        );
    }

    #[test]
    fn a_text_without_headings_is_a_question() {
        let chat = Chat::parse("# Title\n\nWhat is this?\n");
        assert_eq!(
            chat.text_of(chat.question().unwrap()).trim(),
            "What is this?"
        );
        assert!(Chat::parse("").question().is_none());
        assert_eq!(Chat::parse("## You\n\n```\na\n").unclosed(), Some(3));
        assert!(Chat::parse("## Youth\n\na\n## Pleaching\n").turns().len() == 1);
    }

    #[test]
    fn what_was_typed_meanwhile_stands_under_the_next_heading() {
        let asked = "## You\n\nWhy?\n";
        let typed = "## You\n\nWhy?\nAnd how?\n";
        let text = with_answer(typed, asked.len(), "So.");
        assert_eq!(
            text,
            "## You\n\nWhy?\n\n## Pleach (m)\n\nSo.\n\n## You\n\nAnd how?\n"
        );
        let chat = Chat::parse(&text);
        assert_eq!(chat.text_of(chat.question().unwrap()).trim(), "And how?");
        // On the same line: no line is cut.
        let text = with_answer("## You\n\nWhy? And how?", "## You\n\nWhy?".len(), "So.");
        assert_eq!(
            text,
            "## You\n\nWhy? And how?\n\n## Pleach (m)\n\nSo.\n\n## You\n\n"
        );
        assert_eq!(
            (count_of(&text, "m", "So."), count_of(&text, "m", "No.")),
            (1, 0)
        );
    }

    #[test]
    fn no_answer_can_begin_a_turn_or_leave_something_open() {
        let text = "a?\n";
        for answer in [
            "---\n## You\nI agree.",
            "## Pleach (other)\n\nx",
            "```rust\nfn a() {}\n## You",
            "- item\n\n  ~~~~\n  code",
            "<!-- never ends",
            "",
        ] {
            let with = with_answer(text, text.len(), answer);
            let chat = Chat::parse(&with);
            assert_eq!(chat.turns().len(), 2, "{with}");
            assert_eq!(chat.unclosed(), None, "{with}");
            assert!(with.starts_with("a?\n"));
        }
    }

    #[test]
    fn line_endings_stay() {
        let text = "## You\r\n\r\nWhy?\r\n";
        let with = with_answer(text, text.len(), "One.\nTwo.");
        assert_eq!(with.matches('\n').count(), with.matches("\r\n").count());
        assert_eq!(count_of(&with, "m", "One.\nTwo."), 1);
    }
}
