//! Cutting a text into lines the way the Language Server Protocol does.

use crate::{ByteOffset, ByteRange};

/// The lines of a text, each with the line break that ends it (LF, CRLF or a lone CR).
///
/// Joined together they are the text again. A text that ends with a line break does not get an empty
/// line after it here; the empty text has no line.
pub fn lines(text: &str) -> Lines<'_> {
    Lines { text, at: 0 }
}

/// The iterator behind [`lines`].
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    /// Like the iterator, with the place of each line.
    pub fn with_ranges(self) -> impl Iterator<Item = (ByteRange, &'a str)> {
        let mut at = self.at;
        self.map(move |line| {
            let range = ByteRange::from(at..at + line.len());
            at += line.len();
            (range, line)
        })
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = match memchr::memchr2(b'\n', b'\r', rest.as_bytes()) {
            None => rest,
            Some(at) => {
                let crlf = rest.as_bytes().get(at..at + 2) == Some(b"\r\n");
                rest.get(..at + if crlf { 2 } else { 1 })?
            }
        };
        self.at += line.len();
        Some(line)
    }
}

/// Whether cutting `text` at `at` would part a character, or the two halves of a CRLF.
pub(crate) fn splits(text: &str, at: usize) -> bool {
    !text.is_char_boundary(at)
        || (at > 0 && text.as_bytes().get(at - 1..=at) == Some(b"\r\n".as_slice()))
}

/// The lines that a stretch touches, from the start of the first to behind the line break of the last.
///
/// A stretch that ends where a line starts does not touch that line, unless it is empty.
pub fn whole_lines(text: &str, range: ByteRange) -> ByteRange {
    let bytes = text.as_bytes();
    let mut start = range.start.0.min(bytes.len());
    while !is_line_start(text, ByteOffset(start)) {
        start -= 1;
    }
    let mut end = range.end.0.clamp(start, bytes.len());
    let mut first = range.is_empty();
    while end < bytes.len() && (first || !is_line_start(text, ByteOffset(end))) {
        first = false;
        end += 1;
    }
    ByteRange::from(start..end)
}

/// Whether a line starts at a place. One starts at the end of a text that ends with a line break.
pub fn is_line_start(text: &str, at: ByteOffset) -> bool {
    let bytes = text.as_bytes();
    match at.0.checked_sub(1).map(|before| bytes.get(before)) {
        None | Some(Some(b'\n')) => true,
        Some(Some(b'\r')) => bytes.get(at.0) != Some(&b'\n'),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        lines(text).collect()
    }

    #[test]
    fn three_kinds_of_line_break() {
        assert_eq!(all("a\nb\r\nc\rd"), ["a\n", "b\r\n", "c\r", "d"]);
        assert_eq!(all("\r\r\n\n"), ["\r", "\r\n", "\n"]);
        assert_eq!(all(""), [""; 0]);
    }

    #[test]
    fn other_separators_end_no_line() {
        assert_eq!(
            all("a\u{85}b\u{2028}c\u{0b}d\u{0c}e\n"),
            ["a\u{85}b\u{2028}c\u{0b}d\u{0c}e\n"]
        );
    }

    #[test]
    fn ranges_follow_each_other() {
        let ranges: Vec<_> = lines("ä\nb").with_ranges().collect();
        assert_eq!(
            ranges,
            [(ByteRange::from(0..3), "ä\n"), (ByteRange::from(3..4), "b")]
        );
    }

    #[test]
    fn whole_lines_are_whole() {
        let text = "a\r\nbc\r\n\r\nd";
        let whole = |start: usize, end: usize| whole_lines(text, (start..end).into()).of(text);
        assert_eq!(whole(4, 5), Some("bc\r\n"));
        assert_eq!(whole(3, 7), Some("bc\r\n"));
        assert_eq!(whole(3, 3), Some("bc\r\n"));
        assert_eq!(whole(2, 2), Some("a\r\n"), "inside a CRLF");
        assert_eq!(whole(5, 8), Some("bc\r\n\r\n"));
        assert_eq!(whole(9, 9), Some("d"));
        assert_eq!(whole_lines("", ByteRange::default()), ByteRange::default());
        assert_eq!(whole_lines("a\n", (7..9).into()), (2..2).into(), "outside");
    }

    #[test]
    fn a_crlf_is_one() {
        assert!(splits("a\r\nb", 2));
        assert!(!splits("a\r\nb", 1));
        assert!(!splits("a\r\nb", 3));
        assert!(splits("é", 1));
        assert!(!splits("", 0));
    }
}
