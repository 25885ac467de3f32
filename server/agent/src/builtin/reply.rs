//! From changes to a reply in search/replace blocks, as a model would write it.
//!
//! Each block shows the changed lines with as many lines around them as it takes for the search
//! part to stand only once in its file.

use std::fmt::Write as _;

use pleach_text::{ByteRange, ChangeSet, Replacement};

use super::refusal::BuiltinRefusal;

/// Lines shown on each side of a change, even where the change alone would be found.
const CONTEXT: usize = 1;

/// What becomes of one file.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    path: String,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Edit { before: String, changes: ChangeSet },
    Create { text: String },
}

impl Draft {
    /// Replacements in a file that is there. They must not overlap.
    pub(super) fn edit(
        path: &str,
        before: &str,
        replacements: Vec<Replacement>,
    ) -> Result<Self, BuiltinRefusal> {
        let changes = ChangeSet::new(replacements, before.len().into()).map_err(|_| {
            BuiltinRefusal::uncertain(
                format!("the changes to `{path}` would overlap"),
                "do them one at a time",
            )
        })?;
        Ok(Self::changed(path, before, changes))
    }

    pub(super) fn changed(path: &str, before: &str, changes: ChangeSet) -> Self {
        let content = Content::Edit {
            before: before.to_owned(),
            changes,
        };
        Self {
            path: path.to_owned(),
            content,
        }
    }

    /// A new file.
    pub(super) fn create(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            content: Content::Create { text: text.into() },
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same draft for a text that had to be changed by `first` to become the one it was made
    /// for: both together.
    pub(super) fn after(self, before: &str, first: &ChangeSet) -> Result<Self, BuiltinRefusal> {
        let changes = match &self.content {
            Content::Edit { changes, .. } => first.compose(changes),
            Content::Create { .. } => return Ok(self),
        };
        let changes = changes.map_err(|_| {
            BuiltinRefusal::uncertain(
                "the comment and what it asks for could not be changed together",
                "remove the comment and use the action itself",
            )
        })?;
        Ok(Self::changed(&self.path, before, changes))
    }

    fn write(&self, reply: &mut String) {
        match &self.content {
            Content::Create { text } => {
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                block(reply, &self.path, &[], &lines);
            }
            Content::Edit { before, changes } => {
                let text = TextLines::new(before);
                for part in parts(&text, changes) {
                    let search: Vec<String> = text
                        .between(part.first, part.last)
                        .iter()
                        .map(ToString::to_string)
                        .collect();
                    block(reply, &self.path, &search, &part.lines);
                }
            }
        }
    }
}

/// Writes the whole reply: a sentence for the person, then the blocks.
pub(super) fn write(summary: &str, drafts: &[Draft]) -> String {
    let mut reply = format!("{summary}\n");
    for draft in drafts {
        draft.write(&mut reply);
    }
    reply
}

fn block(reply: &mut String, path: &str, search: &[String], replace: &[String]) {
    let _ = write!(reply, "\n{path}\n<<<<<<< SEARCH\n");
    push_lines(reply, search);
    reply.push_str("=======\n");
    push_lines(reply, replace);
    reply.push_str(">>>>>>> REPLACE\n");
}

fn push_lines(reply: &mut String, lines: &[String]) {
    for line in lines {
        // A heading's underline looks like the divider: the backslash says that it is text.
        if line.trim_end().len() >= 5 && line.trim_end().bytes().all(|byte| byte == b'=') {
            reply.push('\\');
        }
        reply.push_str(line);
        reply.push('\n');
    }
}

/// A text as lines without their ends.
struct TextLines<'a> {
    text: &'a str,
    lines: Vec<&'a str>,
    /// Where each line starts, and where the text ends.
    starts: Vec<usize>,
}

impl<'a> TextLines<'a> {
    fn new(text: &'a str) -> Self {
        let (mut lines, mut starts) = (Vec::new(), Vec::new());
        let mut at = 0;
        // A text that has no LF ends its lines with CR, if at all.
        let end = if !text.contains('\n') && text.contains('\r') {
            '\r'
        } else {
            '\n'
        };
        for line in text.split_inclusive(end) {
            let shown = line.trim_end_matches(['\n', '\r']);
            lines.push(if at == 0 {
                shown.trim_start_matches('\u{feff}')
            } else {
                shown
            });
            starts.push(at);
            at += line.len();
        }
        starts.push(at);
        Self {
            text,
            lines,
            starts,
        }
    }

    fn len(&self) -> usize {
        self.lines.len()
    }

    /// The line that holds a byte; the number of lines at the end of a text that ends its last line.
    fn line_of(&self, at: usize) -> usize {
        let line = self
            .starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1);
        let unended = !self.text.ends_with(['\n', '\r']);
        if unended {
            line.min(self.len().saturating_sub(1))
        } else {
            line
        }
    }

    fn is_start(&self, at: usize) -> bool {
        self.starts.binary_search(&at).is_ok()
            && (at < self.text.len() || self.text.ends_with(['\n', '\r']))
    }

    fn between(&self, first: usize, last: usize) -> &[&'a str] {
        self.lines.get(first..last).unwrap_or_default()
    }

    fn bytes(&self, first: usize, last: usize) -> ByteRange {
        let start = self.starts.get(first).copied().unwrap_or(self.text.len());
        let end = self.starts.get(last).copied().unwrap_or(self.text.len());
        ByteRange::from(start..end)
    }

    /// Whether the lines stand at exactly one place of the text.
    fn is_unique(&self, first: usize, last: usize) -> bool {
        let wanted = self.between(first, last);
        if wanted.iter().all(|line| line.trim().is_empty()) {
            return false;
        }
        let mut places = self
            .lines
            .windows(wanted.len())
            .filter(|window| *window == wanted);
        places.next().is_some() && places.next().is_none()
    }
}

/// Lines that change: `first..last` of the text become `lines`.
struct Part {
    first: usize,
    last: usize,
    lines: Vec<String>,
}

/// The changes as whole lines with context, each of them at a place that is the only one.
fn parts(text: &TextLines<'_>, changes: &ChangeSet) -> Vec<Part> {
    let mut windows: Vec<(usize, usize, Vec<Replacement>)> = Vec::new();
    for replacement in changes.replacements() {
        let (first, last) = touched(text, replacement);
        let window = unique_window(text, first, last);
        match windows.last_mut() {
            // Touching windows are written as one block, so that blocks never share a line.
            Some((_, end, held)) if window.0 <= *end => {
                *end = window.1.max(*end);
                held.push(replacement.clone());
            }
            _ => windows.push((window.0, window.1, vec![replacement.clone()])),
        }
    }
    let part = |(first, last, replacements): (usize, usize, Vec<Replacement>)| {
        let changed = applied(text, text.bytes(first, last), &replacements);
        let changed = changed.trim_start_matches('\u{feff}');
        let lines = TextLines::new(changed)
            .lines
            .into_iter()
            .map(str::to_owned)
            .collect();
        Part { first, last, lines }
    };
    windows.into_iter().map(part).collect()
}

/// The lines that a replacement touches: none for whole lines that are put in between two.
fn touched(text: &TextLines<'_>, replacement: &Replacement) -> (usize, usize) {
    let (start, end) = (replacement.delete.start.0, replacement.delete.end.0);
    let first = text.line_of(start);
    let whole = if replacement.insert.is_empty() {
        text.is_start(start)
    } else {
        replacement.insert.ends_with('\n') && (text.is_start(start) || start < end)
    };
    let last = if whole && text.is_start(end) {
        text.line_of(end)
    } else {
        text.line_of(end) + 1
    };
    (first, last.clamp(first, text.len()))
}

/// The lines with as many around them as it takes to be the only ones like that.
fn unique_window(text: &TextLines<'_>, first: usize, last: usize) -> (usize, usize) {
    let mut context = CONTEXT;
    loop {
        let window = (
            first.saturating_sub(context),
            (last + context).min(text.len()),
        );
        let whole = window == (0, text.len());
        if whole || text.is_unique(window.0, window.1) {
            return window;
        }
        context += 1;
    }
}

fn applied(text: &TextLines<'_>, range: ByteRange, replacements: &[Replacement]) -> String {
    let mut out = String::new();
    let mut at = range.start.0;
    for replacement in replacements {
        out.push_str(
            text.text
                .get(at..replacement.delete.start.0)
                .unwrap_or_default(),
        );
        out.push_str(&replacement.insert);
        at = replacement.delete.end.0;
    }
    out.push_str(text.text.get(at..range.end.0).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reply(before: &str, replacements: Vec<Replacement>) -> String {
        write(
            "Does it.",
            &[Draft::edit("a.txt", before, replacements).unwrap()],
        )
    }

    #[test]
    fn a_change_is_shown_with_its_neighbours() {
        let written = reply("one\ntwo\nthree\nfour\n", vec![Replacement::new(4..7, "2")]);
        assert_eq!(
            written,
            "Does it.\n\na.txt\n<<<<<<< SEARCH\none\ntwo\nthree\n=======\none\n2\nthree\n>>>>>>> REPLACE\n"
        );
    }

    #[test]
    fn context_grows_until_the_place_is_the_only_one() {
        let text = "a\nx\nb\nx\nc\n";
        let written = reply(text, vec![Replacement::new(6..7, "y")]);
        assert!(
            written.contains("SEARCH\nb\nx\nc\n=======\nb\ny\nc\n>>>>"),
            "{written}"
        );
        let text = "x\nx\nx\nx\n";
        let written = reply(text, vec![Replacement::new(4..5, "y")]);
        assert!(
            written.contains("SEARCH\nx\nx\nx\nx\n=======\nx\nx\ny\nx\n>>>>"),
            "{written}"
        );
    }

    #[test]
    fn whole_lines_go_in_between_and_out() {
        let written = reply("a\nb\nc\n", vec![Replacement::new(2..2, "new\n")]);
        assert!(
            written.contains("SEARCH\na\nb\n=======\na\nnew\nb\n>>>>"),
            "{written}"
        );
        let written = reply("a\nb\nc\n", vec![Replacement::new(2..4, "")]);
        assert!(
            written.contains("SEARCH\na\nb\nc\n=======\na\nc\n>>>>"),
            "{written}"
        );
        let written = reply("a\nb\n", vec![Replacement::new(4..4, "c\n")]);
        assert!(
            written.contains("SEARCH\nb\n=======\nb\nc\n>>>>"),
            "{written}"
        );
        let written = reply("a\nb", vec![Replacement::new(3..3, "\nc\n")]);
        assert!(
            written.contains("SEARCH\na\nb\n=======\na\nb\nc\n>>>>"),
            "{written}"
        );
    }

    #[test]
    fn changes_near_each_other_share_a_block_and_far_ones_do_not() {
        let text = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let near = vec![Replacement::new(0..1, "A"), Replacement::new(4..5, "C")];
        assert_eq!(reply(text, near).matches("SEARCH").count(), 1);
        let far = vec![Replacement::new(0..1, "A"), Replacement::new(12..13, "G")];
        assert_eq!(reply(text, far).matches("SEARCH").count(), 2);
    }

    #[test]
    fn carriage_returns_and_the_byte_order_mark_stay_out_of_the_reply() {
        let written = reply("\u{feff}a\r\nb\r\n", vec![Replacement::new(6..7, "x\ny")]);
        assert!(
            written.contains("SEARCH\na\nb\n=======\na\nx\ny\n>>>>"),
            "{written}"
        );
    }

    #[test]
    fn an_underline_is_not_the_divider() {
        let written = reply("Title\n=====\n", vec![Replacement::new(0..5, "Other")]);
        assert!(
            written.contains("SEARCH\nTitle\n\\=====\n=======\nOther\n\\=====\n>>>>"),
            "{written}"
        );
    }
}
