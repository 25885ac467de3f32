//! A text seen as lines, each knowing its own line ending.

use pleach_text::{ByteOffset, ByteRange};

/// Where one line lies in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    /// First byte of the line.
    start: usize,
    /// End of its content, before the line ending.
    end: usize,
    /// Start of the next line.
    next: usize,
}

/// The lines of one file. A byte order mark belongs to no line.
#[derive(Debug)]
pub(crate) struct FileLines<'a> {
    text: &'a str,
    /// Where each line starts. Files are far below four gigabytes, and many lines are short.
    starts: Vec<u32>,
    start: usize,
    crlf: usize,
    cr: bool,
}

const BOM: char = '\u{feff}';

impl<'a> FileLines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let start = if text.starts_with(BOM) {
            BOM.len_utf8()
        } else {
            0
        };
        let bytes = text.as_bytes();
        let cr = memchr::memchr(b'\n', bytes).is_none() && memchr::memchr(b'\r', bytes).is_some();
        let stop = if cr { b'\r' } else { b'\n' };
        let count = memchr::memchr_iter(stop, bytes).count();
        let mut starts = Vec::with_capacity(count + 1);
        let mut crlf = 0;
        let mut at = start;
        for hit in memchr::memchr_iter(stop, bytes) {
            crlf += usize::from(!cr && hit > at && bytes.get(hit - 1) == Some(&b'\r'));
            starts.push(narrow(at));
            at = hit + 1;
        }
        if at < bytes.len() {
            starts.push(narrow(at));
        }
        Self {
            text,
            starts,
            start,
            crlf,
            cr,
        }
    }

    fn span(&self, index: usize) -> Option<Span> {
        let wide = |start: &u32| usize::try_from(*start).unwrap_or(usize::MAX);
        let start = self.starts.get(index).map(wide)?;
        let next = self.starts.get(index + 1).map_or(self.text.len(), wide);
        let bytes = self.text.as_bytes();
        let stop = if self.cr { b'\r' } else { b'\n' };
        let mut end = next;
        if end > start && bytes.get(end - 1) == Some(&stop) {
            end -= 1;
            if !self.cr && end > start && bytes.get(end - 1) == Some(&b'\r') {
                end -= 1;
            }
        }
        Some(Span { start, end, next })
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The content of a line without its ending; empty past the end.
    pub(crate) fn line(&self, index: usize) -> &'a str {
        self.span(index)
            .and_then(|span| self.text.get(span.start..span.end))
            .unwrap_or("")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> + '_ {
        (0..self.len()).map(|index| self.line(index))
    }

    /// The line ending of a line, `""` for a last line without one.
    pub(crate) fn ending(&self, index: usize) -> &'a str {
        self.span(index)
            .and_then(|span| self.text.get(span.end..span.next))
            .unwrap_or("")
    }

    /// Where a line starts; the end of the text for the line after the last.
    pub(crate) fn start_of(&self, index: usize) -> usize {
        self.span(index).map_or(self.text.len(), |span| span.start)
    }

    /// Where the content of a line ends.
    pub(crate) fn end_of(&self, index: usize) -> usize {
        self.span(index).map_or(self.text.len(), |span| span.end)
    }

    /// The bytes of the lines `first..last`, line endings included.
    pub(crate) fn range(&self, first: usize, last: usize) -> ByteRange {
        ByteRange::new(
            ByteOffset(self.start_of(first)),
            ByteOffset(self.start_of(last.max(first))),
        )
    }

    /// First byte after the byte order mark.
    pub(crate) fn first_byte(&self) -> usize {
        self.start
    }

    /// The line that holds a byte.
    pub(crate) fn line_at(&self, byte: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= narrow(byte))
            .saturating_sub(1)
    }

    /// The number of the line, from 1, that a byte lies in; behind the last line break that of the
    /// line that would begin there.
    pub(crate) fn number_at(&self, byte: usize) -> usize {
        let ends_all = byte >= self.text.len() && self.final_newline() && !self.starts.is_empty();
        self.line_at(byte) + 1 + usize::from(ends_all)
    }

    /// The line ending that most lines have.
    pub(crate) fn majority_ending(&self) -> &'static str {
        if self.cr {
            "\r"
        } else if self.crlf * 2
            > self
                .starts
                .len()
                .saturating_sub(usize::from(!self.final_newline()))
        {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// Whether some lines end in one way and some in another.
    pub(crate) fn is_mixed(&self) -> bool {
        let ended = self
            .starts
            .len()
            .saturating_sub(usize::from(!self.final_newline()));
        self.crlf != 0 && self.crlf != ended
    }

    /// The ending that a line put in at `index` gets: that of the line above, then of the line
    /// below, then of the file.
    pub(crate) fn ending_near(&self, index: usize) -> &'a str {
        if !self.is_mixed() {
            return self.majority_ending();
        }
        let above = index.checked_sub(1).map_or("", |above| self.ending(above));
        let below = self.ending(index);
        [above, below]
            .into_iter()
            .find(|ending| !ending.is_empty())
            .unwrap_or("\n")
    }

    pub(crate) fn final_newline(&self) -> bool {
        self.starts
            .len()
            .checked_sub(1)
            .and_then(|last| self.span(last))
            .is_none_or(|span| span.end < span.next)
    }
}

fn narrow(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

/// Splits a block of a reply into lines. A newline at the very end ends the last line and starts
/// no further one. Replies are normalised to `\n` before they come here.
pub(crate) fn block_lines(block: &str) -> Vec<&str> {
    if block.is_empty() {
        return Vec::new();
    }
    block
        .strip_suffix('\n')
        .unwrap_or(block)
        .split('\n')
        .collect()
}

/// The white space that a line starts with.
pub(crate) fn indent_of(line: &str) -> &str {
    let body = line.trim_start_matches([' ', '\t', '\u{a0}']);
    line.get(..line.len() - body.len()).unwrap_or("")
}

/// The indentation of a line; the lines of a block comment stand where it begins.
pub(crate) fn margin_of(line: &str) -> &str {
    let indent = indent_of(line);
    match indent.strip_suffix(' ') {
        Some(outer) if line.trim_start().starts_with('*') => outer,
        _ => indent,
    }
}

pub(crate) fn is_blank(line: &str) -> bool {
    line.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_byte_order_mark_and_each_ending_apart() {
        let file = FileLines::new("\u{feff}a\r\nb\nc");
        assert_eq!(file.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(
            (file.ending(0), file.ending(1), file.ending(2)),
            ("\r\n", "\n", "")
        );
        assert!(file.is_mixed() && !file.final_newline());
        assert_eq!(file.start_of(0), 3);
    }

    #[test]
    fn an_empty_text_has_no_lines() {
        assert_eq!(FileLines::new("").len(), 0);
        assert!(FileLines::new("").final_newline());
        assert!(block_lines("").is_empty());
        assert_eq!(block_lines("\n"), [""]);
        assert_eq!(block_lines("a\n\n"), ["a", ""]);
    }
}
