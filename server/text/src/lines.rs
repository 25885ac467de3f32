//! Cutting a text into lines the way the Language Server Protocol does.

use crate::ByteRange;

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
    fn a_crlf_is_one() {
        assert!(splits("a\r\nb", 2));
        assert!(!splits("a\r\nb", 1));
        assert!(!splits("a\r\nb", 3));
        assert!(splits("é", 1));
        assert!(!splits("", 0));
    }
}
