//! Cuts a byte stream into message bodies, and finds the next message after anything that is not one.
//!
//! A language server that ends, or goes deaf, because one header was wrong loses the user's
//! session for a fault that concerns a single message. So nothing here is fatal but the end of the
//! stream. After a header block that cannot be used the reader looks for the next
//! `Content-Length: <digits>` that ends a line. That cannot be mistaken for a piece of a body: in
//! JSON a line break inside a string is always escaped.

use std::io::{ErrorKind, Read};

/// The longest body that is read. Longer ones are skipped.
pub(super) const MAX_BODY: usize = 64 << 20;

/// How much is read at once, and the size of the buffer at rest: a pipe holds as much.
const CHUNK: usize = 64 << 10;

/// A header line longer than this is not a header line.
const MAX_HEADER_LINE: usize = 8 << 10;

/// A header longer than this is none. Less than is read at once, since a header that has not ended is
/// looked at anew with every read.
const MAX_HEADER: usize = 32 << 10;

/// How much of skipped bytes is kept at either end, to find out which document they spoke of.
const KEPT: usize = 8 << 10;

const CONTENT_LENGTH: &[u8] = b"content-length";

/// What comes next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// The body of one message.
    Body(&'a [u8]),
    /// A header that cannot be used, said as soon as it is seen; what follows is being skipped.
    BadHeader(&'static str),
    /// The skipping is over. Carries the first and the last bytes that were skipped.
    Skipped(Vec<u8>),
    /// The stream has ended or cannot be read any more.
    End,
}

/// Reads frames from `source`, without ever reading byte by byte.
pub(super) struct Frames<R> {
    source: R,
    buffer: Vec<u8>,
    /// Unread bytes are `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Length of the body whose header has been read.
    body: Option<usize>,
    /// Present while skipping.
    skipped: Option<Skipped>,
    /// The longest body accepted.
    limit: usize,
}

/// What a look at the beginning of the unread bytes says.
enum Header {
    Complete {
        used: usize,
        length: usize,
    },
    /// The blank lines before it have been used.
    Incomplete {
        used: usize,
    },
    Broken {
        used: usize,
        why: &'static str,
    },
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self::with_limit(source, MAX_BODY)
    }

    pub(super) fn with_limit(source: R, limit: usize) -> Self {
        Self {
            source,
            buffer: vec![0; CHUNK],
            start: 0,
            end: 0,
            body: None,
            skipped: None,
            limit,
        }
    }

    /// The next frame; waits for it.
    pub(super) fn wait(&mut self) -> Frame<'_> {
        loop {
            match self.step() {
                Step::Body { from, to } => {
                    return Frame::Body(self.buffer.get(from..to).unwrap_or_default());
                }
                Step::BadHeader(why) => return Frame::BadHeader(why),
                Step::Skipped(head) => return Frame::Skipped(head),
                Step::More => {
                    if !self.fill() {
                        return Frame::End;
                    }
                }
            }
        }
    }

    /// The next frame if it has been read already; never waits.
    pub(super) fn at_hand(&mut self) -> Option<Frame<'_>> {
        match self.step() {
            Step::Body { from, to } => {
                Some(Frame::Body(self.buffer.get(from..to).unwrap_or_default()))
            }
            Step::BadHeader(why) => Some(Frame::BadHeader(why)),
            Step::Skipped(head) => Some(Frame::Skipped(head)),
            Step::More => None,
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn step(&mut self) -> Step {
        loop {
            if let Some(length) = self.body {
                if self.unread().len() < length {
                    return Step::More;
                }
                self.body = None;
                let from = self.start;
                self.start += length;
                return Step::Body {
                    from,
                    to: self.start,
                };
            }
            if self.skipped.is_some() {
                return if self.skip() {
                    Step::Skipped(self.skipped.take().unwrap_or_default().into_bytes())
                } else {
                    Step::More
                };
            }
            match header(self.unread(), self.limit) {
                Header::Complete { used, length } => {
                    self.start += used;
                    self.body = Some(length);
                }
                Header::Incomplete { used } => {
                    self.start += used;
                    return Step::More;
                }
                Header::Broken { used, why } => {
                    self.start += used;
                    self.skipped = Some(Skipped::default());
                    return Step::BadHeader(why);
                }
            }
        }
    }

    /// Skips up to the next header. True when it has been found.
    fn skip(&mut self) -> bool {
        let unread = self.unread();
        let mut from = 0;
        let (skip, found) = loop {
            let rest = unread.get(from..).unwrap_or_default();
            let Some(at) = memchr::memchr2_iter(b'c', b'C', rest).find(|at| {
                let name = rest.get(*at..*at + CONTENT_LENGTH.len());
                name.is_some_and(|name| name.eq_ignore_ascii_case(CONTENT_LENGTH))
            }) else {
                // The name may be cut in two by the end of what has been read.
                break (
                    unread.len().saturating_sub(CONTENT_LENGTH.len()).max(from),
                    false,
                );
            };
            let at = from + at;
            match length_line(unread.get(at + CONTENT_LENGTH.len()..).unwrap_or_default()) {
                LengthLine::Good => break (at, true),
                LengthLine::Cut => break (at, false),
                LengthLine::Other => from = at + 1,
            }
        };
        if let Some(skipped) = &mut self.skipped {
            skipped.add(
                self.buffer
                    .get(self.start..self.start + skip)
                    .unwrap_or_default(),
            );
        }
        self.start += skip;
        found
    }

    /// Reads more. False at the end of the stream.
    fn fill(&mut self) -> bool {
        self.make_room();
        loop {
            let Some(free) = self.buffer.get_mut(self.end..) else {
                return false;
            };
            match self.source.read(free) {
                Ok(0) => return false,
                Ok(read) => {
                    self.end += read;
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(%error, "the input cannot be read any more");
                    return false;
                }
            }
        }
    }

    /// Makes room for the rest of the present body, or for one more chunk.
    fn make_room(&mut self) {
        let unread = self.end - self.start;
        let wanted = self.body.unwrap_or(unread + 1).max(CHUNK);
        // A buffer that one large document made large is given back after it.
        let oversized = wanted <= CHUNK && self.buffer.len() > CHUNK;
        if self.buffer.len() < wanted || oversized {
            // Zeroed pages come from the system for nothing; growing in place would write them.
            let mut buffer = vec![0; wanted];
            if let (Some(to), Some(from)) = (
                buffer.get_mut(..unread),
                self.buffer.get(self.start..self.end),
            ) {
                to.copy_from_slice(from);
            }
            self.buffer = buffer;
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
        }
        self.start = 0;
        self.end = unread;
    }
}

enum Step {
    Body { from: usize, to: usize },
    BadHeader(&'static str),
    Skipped(Vec<u8>),
    More,
}

/// The first and the last of skipped bytes.
#[derive(Default)]
struct Skipped {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Skipped {
    fn add(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
    }

    fn into_bytes(self) -> Vec<u8> {
        [self.head, self.tail].concat()
    }
}

/// Reads the header block at the beginning of `bytes`. Blank lines before it do no harm.
fn header(bytes: &[u8], limit: usize) -> Header {
    let blank = blank_lines(bytes);
    let mut used = blank;
    let mut length = None;
    let mut broken = None;
    loop {
        if used - blank > MAX_HEADER {
            return Header::Broken {
                used,
                why: "the header is too long",
            };
        }
        let rest = bytes.get(used..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', rest) else {
            // Said early where it is certain, so that a client that forgot its headers is told.
            let hopeless = rest.len() > MAX_HEADER_LINE
                || rest
                    .first()
                    .is_some_and(|byte| !is_token(*byte) && *byte != b'\r');
            return if hopeless {
                Header::Broken {
                    used,
                    why: "this is not a message header",
                }
            } else {
                Header::Incomplete { used: blank }
            };
        };
        let line = rest.get(..end).unwrap_or_default().trim_ascii_end();
        let line_start = used;
        used += end + 1;
        if line.is_empty() {
            return match (broken, length) {
                (Some(why), _) => Header::Broken { used, why },
                (None, Some(length)) => Header::Complete { used, length },
                (None, None) => Header::Broken {
                    used,
                    why: "the header names no Content-Length",
                },
            };
        }
        let Some((name, value)) = split_field(line) else {
            return Header::Broken {
                used: line_start,
                why: "this is not a message header",
            };
        };
        if name.eq_ignore_ascii_case(CONTENT_LENGTH) {
            match (number(value), length) {
                (None, _) => broken = Some("Content-Length is not a number of bytes"),
                (Some(new), Some(old)) if new != old => {
                    broken = Some("the header names two different lengths");
                }
                (Some(new), _) if new > limit => broken = Some("the message is too long"),
                (Some(new), _) => length = Some(new),
            }
        }
    }
}

/// How many bytes of blank lines `bytes` begins with.
fn blank_lines(bytes: &[u8]) -> usize {
    let blank = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
    let blank = bytes.get(..blank.unwrap_or(bytes.len()));
    memchr::memrchr(b'\n', blank.unwrap_or_default()).map_or(0, |last| last + 1)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?;
    let is_name = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
    is_name.then(|| Some((name, line.get(colon + 1..)?.trim_ascii())))?
}

fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

enum LengthLine {
    Good,
    /// Could become good with more bytes.
    Cut,
    Other,
}

/// Whether what follows the name `Content-Length` makes it a header line.
fn length_line(after: &[u8]) -> LengthLine {
    let Some(end) = after.iter().take(64).position(|byte| *byte == b'\n') else {
        return if after.len() < 64 {
            LengthLine::Cut
        } else {
            LengthLine::Other
        };
    };
    let line = after.get(..end).unwrap_or_default().trim_ascii_end();
    match line.split_first() {
        Some((b':', digits)) if number(digits.trim_ascii()).is_some() => LengthLine::Good,
        _ => LengthLine::Other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Everything that comes out of `input`, read in pieces of `piece` bytes.
    fn frames_in_pieces(input: &[u8], piece: usize) -> Vec<String> {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                let length = self.1.min(into.len());
                (&mut self.0).take(length as u64).read(into)
            }
        }
        let mut frames = Frames::with_limit(Pieces(input, piece), 1000);
        let mut seen = Vec::new();
        loop {
            match frames.wait() {
                Frame::Body(body) => seen.push(String::from_utf8_lossy(body).into_owned()),
                Frame::BadHeader(why) => seen.push(format!("bad: {why}")),
                Frame::Skipped(head) => {
                    seen.push(format!("skipped: {}", String::from_utf8_lossy(&head)));
                }
                Frame::End => return seen,
            }
        }
    }

    /// How the input is cut must never matter.
    fn frames(input: &str) -> Vec<String> {
        let whole = frames_in_pieces(input.as_bytes(), usize::MAX);
        for piece in [1, 2, 3, 7] {
            assert_eq!(
                frames_in_pieces(input.as_bytes(), piece),
                whole,
                "in pieces of {piece}"
            );
        }
        whole
    }

    const GOOD: &str = "Content-Length: 2\r\n\r\n{}";

    #[test]
    fn plain_messages() {
        assert_eq!(frames(""), [""; 0]);
        assert_eq!(frames(GOOD), ["{}"]);
        assert_eq!(frames(&GOOD.repeat(3)), ["{}"; 3]);
    }

    #[test]
    fn header_fields_are_read_as_a_person_would() {
        assert_eq!(frames("content-length:2\r\n\r\n{}"), ["{}"]);
        assert_eq!(frames("CONTENT-LENGTH:   2  \n\n{}"), ["{}"]);
        let typed = "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n";
        assert_eq!(frames(&format!("{typed}{GOOD}")), ["{}"]);
        assert_eq!(frames(&format!("\r\n\r\n{GOOD}\r\n{GOOD}")), ["{}", "{}"]);
        assert_eq!(
            frames("Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
            ["{}"]
        );
    }

    #[test]
    fn a_bad_header_costs_its_own_message_only() {
        for (bad, why) in [
            (
                "Content-Length: abc\r\n\r\n",
                "Content-Length is not a number of bytes",
            ),
            (
                "Content-Length: -2\r\n\r\n",
                "Content-Length is not a number of bytes",
            ),
            (
                "Content-Length:\r\n\r\n",
                "Content-Length is not a number of bytes",
            ),
            (
                "Content-Length: 99999999999999999999999\r\n\r\n",
                "Content-Length is not a number of bytes",
            ),
            ("Content-Length: 1001\r\n\r\n", "the message is too long"),
            (
                "Content-Length: 2\r\nContent-Length: 3\r\n\r\n",
                "the header names two different lengths",
            ),
            (
                "Content-Type: text\r\n\r\n",
                "the header names no Content-Length",
            ),
        ] {
            let seen = frames(&format!("{bad}{{\"a\": 1}}{GOOD}{GOOD}"));
            let why = format!("bad: {why}");
            assert_eq!(
                seen,
                [why.as_str(), "skipped: {\"a\": 1}", "{}", "{}"],
                "after {bad:?}"
            );
        }
    }

    #[test]
    fn a_message_without_any_header_is_told_at_once() {
        assert_eq!(frames("{\"a\": 1}"), ["bad: this is not a message header"]);
        assert_eq!(
            frames(&format!("{{\"a\": 1}}\r\n{GOOD}")),
            [
                "bad: this is not a message header",
                "skipped: {\"a\": 1}\r\n",
                "{}"
            ]
        );
    }

    #[test]
    fn a_wrong_length_is_overcome() {
        // Too short: the rest of the body stands where a header is due.
        assert_eq!(
            frames(&format!("Content-Length: 2\r\n\r\n{{\"a\": 1}}{GOOD}")),
            [
                "{\"",
                "bad: this is not a message header",
                "skipped: a\": 1}",
                "{}"
            ]
        );
        // Too long: the next message is lost with it, the one after is not.
        let seen = frames(&format!("Content-Length: 9\r\n\r\n{{}}{GOOD}{GOOD}"));
        assert_eq!(seen.first().map(String::as_str), Some("{}Content"));
        assert_eq!(seen.last().map(String::as_str), Some("{}"));
    }

    #[test]
    fn a_body_that_speaks_of_headers_does_not_confuse_the_search() {
        let body = r#"{"text": "Content-Length: 4\r\n\r\nfake"}"#;
        assert_eq!(
            frames(&format!("Content-Length: x\r\n\r\n{body}{GOOD}"))
                .last()
                .unwrap(),
            "{}"
        );
    }

    #[test]
    fn a_large_body_gives_its_memory_back() {
        let body = "x".repeat(CHUNK * 3);
        let input = format!("Content-Length: {}\r\n\r\n{body}{GOOD}{GOOD}", body.len());
        let mut frames = Frames::new(input.as_bytes());
        assert_eq!(frames.wait(), Frame::Body(body.as_bytes()));
        assert_eq!(frames.wait(), Frame::Body(b"{}"));
        assert_eq!(frames.wait(), Frame::Body(b"{}"));
        assert_eq!(frames.wait(), Frame::End);
        assert_eq!(frames.buffer.len(), CHUNK);
    }

    #[test]
    fn only_what_has_arrived_is_at_hand() {
        let input = GOOD.repeat(2);
        let mut frames = Frames::new(input.as_bytes());
        assert_eq!(frames.at_hand(), None);
        assert_eq!(frames.wait(), Frame::Body(b"{}"));
        assert_eq!(frames.at_hand(), Some(Frame::Body(b"{}")));
        assert_eq!(frames.at_hand(), None);
    }

    #[test]
    fn a_header_without_an_end_is_skipped_at_a_bounded_length() {
        let fields = "X-Field: 1\r\n".repeat(10_000);
        let input = format!("{fields}Content-Length: 2\r\n\r\n{{}}");
        let seen = frames_in_pieces(input.as_bytes(), usize::MAX);
        assert_eq!(
            seen.first().map(String::as_str),
            Some("bad: the header is too long")
        );
        assert_eq!(seen.last().map(String::as_str), Some("{}"));
    }

    #[test]
    fn any_number_of_blank_lines_does_no_harm() {
        let input = format!("{}Content-Length: 2\r\n\r\n{{}}", "\r\n".repeat(200_000));
        assert_eq!(frames_in_pieces(input.as_bytes(), usize::MAX), ["{}"]);
    }
}
