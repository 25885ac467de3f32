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
//! let change = answered(asked, Some(asked.trim_end().len()), "a model", "It lends a book.");
//! let text = change.unwrap().apply_to_str(asked).unwrap();
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

/// What the line of a title begins with.
const TITLE: &str = "# ";

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

/// What was said at a time, in bytes of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who says it.
    pub speaker: Speaker,
    /// Where it begins, with its heading.
    pub start: ByteOffset,
    /// What is said: what follows the heading.
    pub body: ByteRange,
}

/// A chat as it is written.
#[derive(Debug, Clone)]
pub struct Chat<'t> {
    text: &'t str,
    /// Where the front matter ends.
    front: usize,
    /// The line of the title.
    title: Option<ByteRange>,
    turns: Vec<Turn>,
    unclosed: Option<usize>,
}

impl<'t> Chat<'t> {
    /// Understands a text, as far as it is a chat.
    pub fn parse(text: &'t str) -> Self {
        let mut chat = Self {
            text,
            front: 0,
            title: None,
            turns: Vec::new(),
            unclosed: None,
        };
        if text.len() > MAX_BYTES {
            return chat;
        }
        let scanned = scan(text);
        let front = scanned.lines.get(..scanned.front);
        chat.front = front
            .and_then(<[Line<'_>]>::last)
            .map_or(0, |line| line.end);
        let lines = scanned.lines.iter().skip(scanned.front);
        for line in lines.filter(|line| !line.is_literal) {
            if let Some(speaker) = speaker_in(line.text) {
                if let Some(last) = chat.turns.last_mut() {
                    last.body.end = ByteOffset(line.start);
                }
                chat.turns.push(Turn {
                    speaker,
                    start: ByteOffset(line.start),
                    body: ByteRange::from(line.end..text.len()),
                });
            } else if line.text.starts_with(TITLE) && chat.title.is_none() && chat.turns.is_empty()
            {
                chat.title = Some(line.whole());
            }
        }
        if chat.turns.is_empty() {
            let before = chat.title.map_or(chat.front, |title| title.start.0);
            let is_bare = |text: &str| text.trim().is_empty();
            let behind_title = chat
                .title
                .filter(|_| text.get(chat.front..before).is_some_and(is_bare));
            let start = behind_title.map_or(chat.front, |title| title.end.0);
            let all = ByteRange::from(start..text.len());
            chat.turns.push(Turn {
                speaker: Speaker::You,
                start: all.start,
                body: all,
            });
        }
        let open = scanned.open;
        chat.unclosed = open.map(|(_, at)| line_column(text, at.start).0.number());
        chat
    }

    /// What it is called.
    pub fn title(&self) -> Option<&'t str> {
        let line = self.text.get(self.title?.as_usize())?;
        line.strip_prefix(TITLE).map(str::trim)
    }

    /// What was said, in its order. Never empty, but for a text that is too long.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// What a turn says.
    pub fn text_of(&self, turn: &Turn) -> &'t str {
        self.text.get(turn.body.as_usize()).unwrap_or_default()
    }

    /// What was said before the first turn, without the front matter and the title.
    pub fn preamble(&self) -> String {
        let first = self.turns.first().map_or(0, |turn| turn.start.0);
        let parts = match self.title {
            Some(title) => [self.front..title.start.0, title.end.0..first],
            None => [self.front..first, first..first],
        };
        let parts = parts.map(|part| self.text.get(part).unwrap_or_default().trim());
        parts.join("\n\n").trim().to_owned()
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
        turns.find(|turn| turn.start.0 <= at)
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
/// the question ended, in bytes of `text`: the answer goes behind that line, so that what was typed below it
/// meanwhile stands under the new heading. Without it the answer goes to the end. `None` while the answer
/// would come into a code block or a comment that is not closed.
///
/// A line of the answer that would begin a turn gets a `\` before it, and what it leaves open is closed.
pub fn answered(text: &str, asked: Option<usize>, who: &str, answer: &str) -> Option<ChangeSet> {
    let at = place_for(text, asked)?;
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
    insert.push_str(&said(who, answer));
    insert.push_str("\n\n");
    let next = after
        .split(['\n', '\r'])
        .find(|line| !line.trim().is_empty());
    if next.and_then(speaker_in).is_none() {
        insert.push_str("## You\n\n");
    }
    if after.starts_with(['\n', '\r']) {
        // The line break behind the question ends the blank line.
        insert.pop();
    }
    let ending = Dialect::of(text).line_ending.as_str();
    let insert = if ending == "\n" {
        insert
    } else {
        insert.replace('\n', ending)
    };
    let delete = ByteRange::empty(ByteOffset(at));
    ChangeSet::new(vec![Replacement { delete, insert }], ByteOffset(text.len())).ok()
}

/// How often `text` holds this answer of `who` as [`answered`] writes it, wherever it stands and whatever
/// the line endings are.
pub fn count_of(text: &str, who: &str, answer: &str) -> usize {
    let said = said(who, answer);
    if text.contains('\r') {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        return text.matches(&said).count();
    }
    text.matches(&said).count()
}

/// The turn of an answer, with its heading.
fn said(who: &str, answer: &str) -> String {
    format!("## Pleach ({})\n\n{}", plain(who), as_body(answer))
}

fn plain(who: &str) -> String {
    who.chars().filter(|c| !c.is_control()).collect()
}

/// Where an answer goes: behind the line in which the question ended, else to the end; `None` where that is
/// in something that is not closed.
fn place_for(text: &str, asked: Option<usize>) -> Option<usize> {
    let is_open = |end: usize| {
        Chat::parse(text.get(..end).unwrap_or_default())
            .unclosed
            .is_some()
    };
    let asked = asked.filter(|at| *at <= text.len() && text.is_char_boundary(*at));
    let behind = asked.map(|at| {
        let rest = text.get(at..).unwrap_or_default();
        let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let is_line_start = text.get(..at).is_none_or(|it| it.ends_with(['\n', '\r']));
        let typed_on = rest.get(..line).is_some_and(|it| !it.trim().is_empty());
        // A line that begins there is another one.
        if typed_on && is_line_start {
            at
        } else {
            at + line
        }
    });
    let places = behind.into_iter().chain([text.len()]);
    places.into_iter().find(|at| !is_open(*at))
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
    if let Some((what, at)) = scanned.open {
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
        let change = answered(text, Some(asked), "m", answer).unwrap();
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
    fn an_answer_comes_behind_the_line_of_the_question_and_before_what_was_typed_below_it() {
        let asked = "## You\n\nWhy?".len();
        for (typed, with) in [
            ("", "\n\n## Pleach (m)\n\nSo.\n\n## You\n\n"),
            ("\n", "\n\n## Pleach (m)\n\nSo.\n\n## You\n\n"),
            (
                "\nAnd how?\n",
                "\n\n## Pleach (m)\n\nSo.\n\n## You\n\nAnd how?\n",
            ),
            (
                "\n\n\nAnd how?",
                "\n\n## Pleach (m)\n\nSo.\n\n## You\n\n\n\nAnd how?",
            ),
            (
                " And\nhow?\n",
                " And\n\n## Pleach (m)\n\nSo.\n\n## You\n\nhow?\n",
            ),
            (
                "\n## You\n\nHow?\n",
                "\n\n## Pleach (m)\n\nSo.\n\n## You\n\nHow?\n",
            ),
        ] {
            let text = format!("## You\n\nWhy?{typed}");
            let answered = with_answer(&text, asked, "So.");
            assert_eq!(answered, format!("## You\n\nWhy?{with}"), "{typed:?}");
            assert_eq!(Chat::parse(&answered).turns().len(), 3, "{typed:?}");
        }
    }

    #[test]
    fn nothing_is_written_into_what_is_not_closed() {
        let asked = "## You\n\nWhy?\n";
        let at = Some(asked.trim_end().len());
        let typed = format!("{asked}```rust\nfn a() {{\n");
        // The block begins behind the place.
        let text = answered(&typed, at, "m", "So.").unwrap();
        let text = text.apply_to_str(&typed).unwrap();
        assert!(text.ends_with("## You\n\n```rust\nfn a() {\n"), "{text}");
        // Nobody knows the place, and the end is in the block.
        assert_eq!(answered(&typed, None, "m", "So."), None);
        let comment = "## You\n\n<!-- Why?";
        assert_eq!(answered(comment, Some(comment.len()), "m", "So."), None);
    }

    #[test]
    fn a_chat_goes_on_behind_code_that_its_list_has_ended() {
        let answer = "1. Do:\n   ```rust\nfn a() {}\n   ```\n\nDone.";
        let text = with_answer("a?\n", 2, answer);
        let chat = Chat::parse(&text);
        assert_eq!((chat.unclosed(), chat.turns().len()), (None, 2), "{text}");
        assert!(text.contains("Done.\n\n## You\n"), "{text}");
        let next = format!("{text}And?\n");
        let question = Chat::parse(&next);
        let question = question.question().map(|it| question.text_of(it).trim());
        assert_eq!(question, Some("And?"));
    }

    #[test]
    fn an_answer_is_counted_wherever_it_stands() {
        let turn = "## Pleach (m)\n\nOne.\nTwo.\n";
        assert_eq!(count_of(turn, "m", "One.\nTwo."), 1);
        assert_eq!(count_of(&turn.replace('\n', "\r"), "m", "One.\nTwo."), 1);
        let inside = format!("```\n{turn}{turn}");
        assert_eq!(count_of(&inside, "m", "One.\nTwo."), 2);
        assert_eq!(count_of(&inside, "other", "One.\nTwo."), 0);
    }

    #[test]
    fn notes_stand_before_the_first_turn_around_the_title() {
        for (text, title, notes) in [
            (
                "Use C# only.\n\n# T\n\n## You\n\na",
                Some("T"),
                "Use C# only.",
            ),
            (
                "```sh\n# build\nmake\n```\n\n## You\n\na",
                None,
                "```sh\n# build\nmake\n```",
            ),
            (
                "---\nname: x\n---\nOne.\n\n# T\n\nTwo.\n\n## You\n\na",
                Some("T"),
                "One.\n\nTwo.",
            ),
        ] {
            let chat = Chat::parse(text);
            assert_eq!((chat.title(), chat.preamble().as_str()), (title, notes));
        }
        // Without headings nothing but front matter and title is left out of the question.
        let chat = Chat::parse("---\nname: x\n---\nWhy?\n\n# T\n\nAnd how?\n");
        let question = chat.text_of(chat.question().unwrap());
        assert!(question.starts_with("Why?") && question.ends_with("And how?\n"));
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
