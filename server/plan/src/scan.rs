//! The lines of a text and what kind each is, as far as plans and chats need to know.

use pleach_text::ByteRange;

/// One line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Without its line break.
    pub(crate) text: &'a str,
    pub(crate) start: usize,
    /// Behind its line break.
    pub(crate) end: usize,
    /// Whether it stands in a code block or a comment, or begins or ends one.
    pub(crate) is_literal: bool,
}

impl Line<'_> {
    pub(crate) fn range(&self) -> ByteRange {
        ByteRange::from(self.start..self.start + self.text.len())
    }

    pub(crate) fn whole(&self) -> ByteRange {
        ByteRange::from(self.start..self.end)
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Columns of blank before the first character; a tab counts as four.
    pub(crate) fn indent(&self) -> usize {
        indent_of(self.text)
    }
}

fn indent_of(text: &str) -> usize {
    text.chars()
        .map_while(|c| match c {
            ' ' => Some(1),
            '\t' => Some(4),
            _ => None,
        })
        .sum()
}

/// What the scan met that has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unclosed {
    Fence,
    Comment,
    FrontMatter,
}

/// The lines of a text.
pub(crate) struct Scan<'a> {
    pub(crate) lines: Vec<Line<'a>>,
    /// How many lines the front matter has, with its marks.
    pub(crate) front: usize,
    /// Where something begins that has no end of its own, also where the list that it stands in ended it.
    pub(crate) unclosed: Vec<(Unclosed, ByteRange)>,
    /// The code block or comment that what is written behind the text would belong to.
    pub(crate) open: Option<(Unclosed, ByteRange)>,
}

/// Blank before a line, from which on it belongs to the item of the list above it.
pub(crate) const INSIDE: usize = 2;

enum Literal {
    /// A code block: its mark, how often, and whether it stands in an item of a list.
    Fence(char, usize, bool, ByteRange),
    Comment(ByteRange),
}

pub(crate) fn scan(text: &str) -> Scan<'_> {
    let mut lines = split(text);
    let mut unclosed = Vec::new();
    let front = front_matter(&lines, &mut unclosed);
    let mut open: Option<Literal> = None;
    for line in lines.iter_mut().skip(front) {
        let trimmed = line.text.trim_start();
        // An item of a list ends where something stands that is not indented, and its code with it.
        if let Some(Literal::Fence(.., true, at)) = &open
            && !trimmed.is_empty()
            && indent_of(line.text) < INSIDE
        {
            unclosed.push((Unclosed::Fence, *at));
            open = None;
        }
        match &open {
            Some(Literal::Fence(mark, count, ..)) => {
                line.is_literal = true;
                let run = run_of(trimmed, *mark);
                if run >= *count && trimmed.get(run..).is_some_and(|it| it.trim().is_empty()) {
                    open = None;
                }
            }
            Some(Literal::Comment(_)) => {
                line.is_literal = true;
                if trimmed.contains("-->") {
                    open = None;
                }
            }
            None => {
                let at = line.range();
                if let Some(mark) = trimmed.chars().next().filter(|c| matches!(c, '`' | '~')) {
                    let run = run_of(trimmed, mark);
                    let rest = trimmed.get(run..).unwrap_or_default();
                    if run >= 3 && !(mark == '`' && rest.contains('`')) {
                        line.is_literal = true;
                        let inside = indent_of(line.text) >= INSIDE;
                        open = Some(Literal::Fence(mark, run, inside, at));
                    }
                } else if let Some(rest) = trimmed.strip_prefix("<!--") {
                    line.is_literal = true;
                    if !rest.contains("-->") {
                        open = Some(Literal::Comment(at));
                    }
                }
            }
        }
    }
    let open = open.map(|open| match open {
        Literal::Fence(.., at) => (Unclosed::Fence, at),
        Literal::Comment(at) => (Unclosed::Comment, at),
    });
    unclosed.extend(open);
    Scan {
        lines,
        front,
        unclosed,
        open,
    }
}

fn run_of(text: &str, mark: char) -> usize {
    text.chars().take_while(|c| *c == mark).count()
}

/// How many lines the front matter has; 0 when there is none.
fn front_matter(lines: &[Line<'_>], unclosed: &mut Vec<(Unclosed, ByteRange)>) -> usize {
    let Some(first) = lines.first().filter(|line| is_front_mark(line.text)) else {
        return 0;
    };
    let end = lines
        .iter()
        .skip(1)
        .position(|line| is_front_mark(line.text));
    if let Some(end) = end {
        return end + 2;
    }
    // A thematic break looks the same; what follows one is no `name: value`.
    let is_field = |line: &Line<'_>| line.text.split_once(':').is_some();
    if lines.get(1).is_some_and(is_field) {
        unclosed.push((Unclosed::FrontMatter, first.range()));
    }
    0
}

fn is_front_mark(line: &str) -> bool {
    line.trim_start_matches('\u{feff}').trim_end() == "---"
}

/// The lines of a text; LF, CRLF and CR end one.
fn split(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let ending = rest.get(len..).map_or(0, |ending| {
            if ending.starts_with("\r\n") {
                2
            } else {
                usize::from(!ending.is_empty())
            }
        });
        lines.push(Line {
            text: rest.get(..len).unwrap_or_default(),
            start,
            end: start + len + ending,
            is_literal: false,
        });
        start += len + ending;
    }
    lines
}
