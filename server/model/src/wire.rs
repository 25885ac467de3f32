//! From bytes to payloads: the bounds on time and size, and the framing.
//!
//! A stream is server-sent events (HTML standard, section 9.2); a server that ignores `stream` sends
//! one JSON document instead. Which of the two it is shows in the first byte, whatever the headers say.
//! Ollama sends a JSON document per line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::TimeoutPhase;
use crate::sse::{SseDecoder, SseEvent};

/// Bytes that a whole answer may have on the wire. No honest answer comes near.
pub(crate) const ANSWER_BYTES: usize = 64 << 20;
/// Bytes that one event may have. A server that sends its whole answer as one event stays far below.
const EVENT_BYTES: usize = 4 << 20;
/// How long the mark of the end and the counts may take once the reason for the end is known.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);

/// Bytes as the connection delivers them.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, Lost>>;

/// Why a connection delivers no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// What the network said.
    pub(crate) why: String,
    /// What came is against the rules of HTTP or of its compression: nobody has cut it off.
    pub(crate) is_garbled: bool,
}

/// How payloads follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As server-sent events, or as one document.
    Events,
    /// As lines.
    Lines,
}

/// One thing that the server said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The event's name. Some formats have none, except for errors.
    pub(crate) event: Option<String>,
    /// The event's data, or the whole document.
    pub(crate) data: String,
    /// Where it ends.
    pub(crate) end: PayloadEnd,
}

/// How it is known that a payload is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadEnd {
    /// It was closed, by a blank line or by the end of its line.
    Closed,
    /// The stream ended in it, so it may be cut off.
    Open,
    /// It is all that came, one document.
    Document,
}

/// Why no further payload comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("silent for {1:?}")]
    Silent(TimeoutPhase, Duration),
    #[error("{0}")]
    Cut(String),
    #[error("more than {0} bytes in one {1}")]
    TooLarge(usize, &'static str),
    #[error("a web page instead of an answer")]
    WebPage,
    #[error("text that is not UTF-8")]
    NotText,
    #[error("neither events nor JSON")]
    NoEvents,
    #[error("bytes that are no HTTP: {0}")]
    Garbled(String),
}

/// How long each read may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// When the first byte must have come.
    pub(crate) first_until: Instant,
    /// How long every read may take until the first word. Signs of life before it do not shorten this:
    /// a server may greet at once and then read a long prompt.
    pub(crate) first: Duration,
    /// How long every read may take from then on.
    pub(crate) idle: Duration,
}

/// How far an answer has come, known to the reader of bytes below the framing.
#[derive(Debug, Clone, Default)]
struct Progress(Arc<AtomicU8>);

const SPEAKING: u8 = 1;
const ENDING: u8 = 2;

/// The payloads of one response.
pub(crate) struct Wire {
    reader: Reader,
    progress: Progress,
}

/// Bytes within their bounds.
type Bounded = BoxStream<'static, Result<Bytes, WireError>>;

enum Reader {
    Unknown(Bounded, Framing),
    Events(Box<Events>),
    Lines(Lines),
    Over,
}

/// Events as they come.
struct Events {
    decoder: SseDecoder,
    ready: VecDeque<SseEvent>,
    pieces: Bounded,
}

/// Lines as they come.
struct Lines {
    /// What of the open line has come.
    begun: Vec<u8>,
    /// So many bytes of it hold no line end.
    searched: usize,
    pieces: Bounded,
}

impl Wire {
    pub(crate) fn new(pieces: Pieces, framing: Framing, patience: Patience) -> Self {
        let progress = Progress::default();
        let pieces = bounded(pieces, framing, patience, progress.clone());
        Self {
            reader: Reader::Unknown(pieces, framing),
            progress,
        }
    }

    /// The first word has come: from now on the shorter patience counts.
    pub(crate) fn is_speaking(&self) {
        self.progress.0.fetch_max(SPEAKING, Ordering::Relaxed);
    }

    /// The reason for the end is known: only formalities are left.
    pub(crate) fn is_ending(&self) {
        self.progress.0.fetch_max(ENDING, Ordering::Relaxed);
    }

    /// The next payload. `None` when the server has closed the answer in good order.
    pub(crate) async fn next(&mut self) -> Option<Result<Payload, WireError>> {
        let next = loop {
            match &mut self.reader {
                Reader::Over => return None,
                Reader::Unknown(pieces, framing) => {
                    let framing = *framing;
                    let begun = beginning(pieces).await;
                    let Reader::Unknown(pieces, _) =
                        std::mem::replace(&mut self.reader, Reader::Over)
                    else {
                        return None;
                    };
                    let begun = match begun? {
                        Ok(begun) => begun,
                        Err(error) => return Some(Err(error)),
                    };
                    let first = begun.iter().find(|byte| !is_blank(**byte));
                    self.reader = match (framing, first) {
                        (_, Some(b'<')) => return Some(Err(WireError::WebPage)),
                        (Framing::Lines, _) => Reader::Lines(Lines {
                            begun,
                            searched: 0,
                            pieces,
                        }),
                        (Framing::Events, Some(b'{' | b'[')) => {
                            return Some(document(begun, pieces).await);
                        }
                        (Framing::Events, _) => {
                            Reader::Events(Box::new(Events::new(&begun, pieces)))
                        }
                    };
                }
                Reader::Lines(lines) => break lines.next().await,
                Reader::Events(events) => break events.next().await,
            }
        };
        if !matches!(
            next,
            Some(Ok(Payload {
                end: PayloadEnd::Closed,
                ..
            }))
        ) {
            self.reader = Reader::Over;
        }
        next
    }
}

impl Events {
    fn new(begun: &[u8], pieces: Bounded) -> Self {
        let mut decoder = SseDecoder::default();
        let mut ready = Vec::new();
        decoder.push(begun, &mut ready);
        Self {
            decoder,
            ready: ready.into(),
            pieces,
        }
    }

    /// The next event. A last one that was not closed is given as well: servers forget the blank line
    /// behind it, and without it `[DONE]` would not count.
    async fn next(&mut self) -> Option<Result<Payload, WireError>> {
        let mut closed = Vec::new();
        loop {
            // A standard reader goes on with a mark in the place of such bytes; a part of somebody's
            // program would silently be another.
            if self.decoder.was_garbled() {
                return Some(Err(WireError::NotText));
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(Payload::of(event, PayloadEnd::Closed)));
            }
            match self.pieces.next().await {
                Some(Ok(piece)) => {
                    self.decoder.push(&piece, &mut closed);
                    self.ready.extend(closed.drain(..));
                }
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            }
        }
        let last = self.decoder.unfinished();
        if self.decoder.was_garbled() {
            let why = "it ends in the middle of a character".into();
            return Some(Err(WireError::Cut(why)));
        }
        match last {
            Some(event) => Some(Ok(Payload::of(event, PayloadEnd::Open))),
            None if self.decoder.is_nonsense() => Some(Err(WireError::NoEvents)),
            None => None,
        }
    }
}

impl Lines {
    async fn next(&mut self) -> Option<Result<Payload, WireError>> {
        loop {
            let unknown = self.begun.get(self.searched..).unwrap_or_default();
            if let Some(end) = unknown.iter().position(|byte| *byte == b'\n') {
                let rest = self.begun.split_off(self.searched + end + 1);
                let line = std::mem::replace(&mut self.begun, rest);
                self.searched = 0;
                return Some(whole(line, PayloadEnd::Closed));
            }
            self.searched = self.begun.len();
            match self.pieces.next().await {
                Some(Ok(piece)) => self.begun.extend_from_slice(&piece),
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    let line = std::mem::take(&mut self.begun);
                    return (!line.is_empty()).then(|| whole(line, PayloadEnd::Open));
                }
            }
        }
    }
}

impl Payload {
    fn of(event: SseEvent, end: PayloadEnd) -> Self {
        Self {
            event: Some(event.event),
            data: event.data,
            end,
        }
    }
}

/// A payload without a name.
fn whole(data: Vec<u8>, end: PayloadEnd) -> Result<Payload, WireError> {
    let data = String::from_utf8(data).map_err(|error| {
        // A character that the end has cut in two.
        let is_cut = end != PayloadEnd::Closed && error.utf8_error().error_len().is_none();
        if is_cut {
            WireError::Cut("it ends in the middle of a character".into())
        } else {
            WireError::NotText
        }
    })?;
    Ok(Payload {
        event: None,
        data,
        end,
    })
}

/// Puts bounds on time and size to a stream of bytes.
fn bounded(pieces: Pieces, framing: Framing, patience: Patience, progress: Progress) -> Bounded {
    struct Reading {
        pieces: Pieces,
        first: bool,
        received: usize,
        event: EventSize,
    }
    let reading = Reading {
        pieces,
        first: true,
        received: 0,
        event: EventSize {
            framing,
            ..EventSize::default()
        },
    };
    stream::unfold(Some(reading), move |reading| {
        let progress = progress.clone();
        async move {
            let mut reading = reading?;
            let how_far = progress.0.load(Ordering::Relaxed);
            let (phase, within) = match how_far {
                0 => (TimeoutPhase::FirstByte, patience.first),
                SPEAKING => (TimeoutPhase::Idle, patience.idle),
                _ => (TimeoutPhase::Idle, patience.idle.min(LAST_WORDS_WITHIN)),
            };
            let next = reading.pieces.next();
            let piece = if std::mem::take(&mut reading.first) {
                timeout_at(patience.first_until, next).await
            } else {
                timeout(within, next).await
            };
            let piece = match piece {
                Err(_) => return Some((Err(WireError::Silent(phase, within)), None)),
                Ok(piece) => piece?,
            };
            let piece = match piece {
                Ok(piece) => piece,
                Err(lost) if lost.is_garbled => {
                    return Some((Err(WireError::Garbled(lost.why)), None));
                }
                Err(lost) => return Some((Err(WireError::Cut(lost.why)), None)),
            };
            reading.received = reading.received.saturating_add(piece.len());
            if reading.received > ANSWER_BYTES {
                return Some((Err(WireError::TooLarge(ANSWER_BYTES, "answer")), None));
            }
            if reading.event.most_after(&piece) > EVENT_BYTES {
                return Some((Err(WireError::TooLarge(EVENT_BYTES, "event")), None));
            }
            Some((Ok(piece), Some(reading)))
        }
    })
    .boxed()
}

/// Reads until the first byte that is not blank.
async fn beginning(pieces: &mut Bounded) -> Option<Result<Vec<u8>, WireError>> {
    let mut begun = Vec::new();
    loop {
        match pieces.next().await? {
            Ok(piece) => begun.extend_from_slice(&piece),
            Err(error) => return Some(Err(error)),
        }
        if begun.iter().any(|byte| !is_blank(*byte)) {
            return Some(Ok(begun));
        }
    }
}

/// Reads a JSON document to its end.
async fn document(mut begun: Vec<u8>, mut pieces: Bounded) -> Result<Payload, WireError> {
    while let Some(piece) = pieces.next().await {
        begun.extend_from_slice(&piece?);
    }
    whole(begun, PayloadEnd::Document)
}

/// Blanks, and the bytes of a byte order mark.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0xEF | 0xBB | 0xBF)
}

/// Counts the bytes since the last blank line, which is where an event ends, or since the last line.
///
/// A JSON document has no blank line of its own and is bounded the same way.
#[derive(Debug)]
struct EventSize {
    framing: Framing,
    event: usize,
    line: usize,
    after_return: bool,
}

impl Default for EventSize {
    fn default() -> Self {
        Self {
            framing: Framing::Events,
            event: 0,
            line: 0,
            after_return: false,
        }
    }
}

impl EventSize {
    /// The size of the largest event that is open somewhere in `piece`.
    fn most_after(&mut self, piece: &[u8]) -> usize {
        let mut most = 0;
        for byte in piece {
            match byte {
                // The second half of a CRLF.
                b'\n' if self.after_return => {}
                b'\n' if self.framing == Framing::Lines => self.event = 0,
                b'\n' | b'\r' if self.line == 0 => self.event = 0,
                b'\n' | b'\r' => {
                    self.line = 0;
                    self.event += 1;
                }
                _ => {
                    self.line += 1;
                    self.event += 1;
                }
            }
            self.after_return = *byte == b'\r';
            most = most.max(self.event);
        }
        most
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn patience() -> Patience {
        Patience {
            first_until: Instant::now() + Duration::from_mins(1),
            first: Duration::from_mins(1),
            idle: Duration::from_secs(30),
        }
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(work)
    }

    /// The data of all payloads of a stream that comes in these pieces, and its error, if any.
    fn read(pieces: Vec<Vec<u8>>) -> (Vec<String>, Option<WireError>) {
        read_as(Framing::Events, pieces)
    }

    fn read_as(framing: Framing, pieces: Vec<Vec<u8>>) -> (Vec<String>, Option<WireError>) {
        block_on(async {
            let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece)));
            let mut wire = Wire::new(stream::iter(pieces).boxed(), framing, patience());
            let mut all = Vec::new();
            while let Some(payload) = wire.next().await {
                match payload {
                    Ok(payload) => all.push(payload.data),
                    Err(error) => return (all, Some(error)),
                }
            }
            (all, None)
        })
    }

    #[track_caller]
    fn check(stream: &str, expected: &[&str]) {
        let (all, error) = read(vec![stream.as_bytes().to_vec()]);
        assert_eq!((all, error), (to_owned(expected), None), "{stream:?}");
    }

    fn to_owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn events_and_documents_are_told_apart() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata:b\r\n\r\n", &["a", "b"]);
        check(": hello\n\ndata: a\n\n: still here\n\n", &["a"]);
        check("\u{feff}data: a\n\n", &["a"]);
        check(
            "event: odd\nid: 7\nretry: 5\ndata: a\nfuture: x\n\n",
            &["a"],
        );
        check("\n\n  {\"a\":\n1}\n", &["\n\n  {\"a\":\n1}\n"]);
        check("", &[]);
    }

    #[test]
    fn lines_come_one_by_one_and_the_last_without_its_end() {
        let lines = |pieces: &[&str]| {
            let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec());
            read_as(Framing::Lines, pieces.collect())
        };
        let all = to_owned(&["{\"a\":1}\r\n", "\n", "{\"b\""]);
        assert_eq!(lines(&["{\"a\":1}\r\n\n{\"b\""]), (all.clone(), None));
        assert_eq!(lines(&["{\"a\"", ":1}\r", "\n\n{", "\"b\""]), (all, None));
        assert_eq!(lines(&["<html>"]).1, Some(WireError::WebPage));
        let (_, error) = read_as(Framing::Lines, vec![vec![b'x'; 1 << 20]; 5]);
        assert_eq!(error, Some(WireError::TooLarge(EVENT_BYTES, "event")));
        let many = vec![[vec![b'x'; 1 << 20], vec![b'\n']].concat(); 5];
        assert_eq!(read_as(Framing::Lines, many).1, None);
    }

    #[test]
    fn the_last_event_counts_without_its_blank_line() {
        check("data: a\n\ndata: [DONE]", &["a", "[DONE]"]);
        check("data: a\n\ndata: [DONE]\n", &["a", "[DONE]"]);
    }

    #[test]
    fn a_web_page_is_none_of_both() {
        let (all, error) = read(vec![b"\n<!doctype html><title>Log in</title>".to_vec()]);
        assert_eq!((all, error), (vec![], Some(WireError::WebPage)));
    }

    #[test]
    fn an_event_may_not_grow_without_end() {
        let piece = vec![b'x'; 1 << 20];
        let mut pieces = vec![b"data: a\n\ndata: ".to_vec()];
        pieces.extend(std::iter::repeat_n(piece, 5));
        let (all, error) = read(pieces);
        assert_eq!(all, ["a"]);
        assert_eq!(error, Some(WireError::TooLarge(EVENT_BYTES, "event")));
    }

    #[test]
    fn nor_may_an_answer() {
        let mut event = vec![b'x'; 1 << 20];
        event.extend_from_slice(b"\n\n");
        let (_, error) = read(std::iter::repeat_n(event, 65).collect());
        assert_eq!(error, Some(WireError::TooLarge(ANSWER_BYTES, "answer")));
    }

    #[test]
    fn the_size_of_an_event_is_counted_from_blank_line_to_blank_line() {
        let most = |stream: &str| EventSize::default().most_after(stream.as_bytes());
        assert_eq!(most("12\n\n1234\n\n1"), 5);
        assert_eq!(most("12\r\n\r\n1234\r\n\r\n"), 5);
        assert_eq!(most("12\r\r1\r\r"), 3);
    }

    /// Pieces that come after pauses, in seconds.
    fn paced(pieces: &[(u64, &str)]) -> Pieces {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|(pause, text)| (*pause, Bytes::from((*text).to_owned())))
            .collect();
        stream::iter(pieces)
            .then(|(pause, piece)| async move {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                Ok(piece)
            })
            .chain(stream::pending())
            .boxed()
    }

    #[test]
    fn silence_before_the_first_byte() {
        let error = block_on(async {
            let began = Instant::now();
            let error = Wire::new(paced(&[]), Framing::Events, patience())
                .next()
                .await;
            assert_eq!(began.elapsed().as_secs(), 60);
            error
        });
        let silent = WireError::Silent(TimeoutPhase::FirstByte, Duration::from_mins(1));
        assert_eq!(error, Some(Err(silent)));
    }

    #[test]
    fn signs_of_life_prolong_the_wait_for_the_first_word_but_words_shorten_the_next() {
        let silent =
            |phase, seconds| Some(Err(WireError::Silent(phase, Duration::from_secs(seconds))));
        block_on(async {
            let alive = [(50, ": wait\n\n"), (50, ": wait\n\n"), (50, "data: a\n\n")];
            let mut wire = Wire::new(paced(&alive), Framing::Events, patience());
            assert_eq!(wire.next().await.unwrap().unwrap().data, "a");
            wire.is_speaking();
            assert_eq!(wire.next().await, silent(TimeoutPhase::Idle, 30));
            assert_eq!(wire.next().await, None);
        });
        block_on(async {
            let alive = [(1, "data: a\n\n"), (29, ": wait\n\n"), (29, "data: b\n\n")];
            let mut wire = Wire::new(paced(&alive), Framing::Events, patience());
            wire.next().await;
            wire.is_speaking();
            assert_eq!(wire.next().await.unwrap().unwrap().data, "b");
            wire.is_ending();
            assert_eq!(wire.next().await, silent(TimeoutPhase::Idle, 5));
        });
    }

    #[test]
    fn a_cut_is_told_after_what_came_before_it() {
        let pieces = [
            Ok(Bytes::from("data: a\n\ndata: b")),
            Err(Lost {
                why: "reset".to_owned(),
                is_garbled: false,
            }),
        ];
        block_on(async {
            let mut wire = Wire::new(stream::iter(pieces).boxed(), Framing::Events, patience());
            assert_eq!(wire.next().await.unwrap().unwrap().data, "a");
            assert_eq!(wire.next().await, Some(Err(WireError::Cut("reset".into()))));
            assert_eq!(wire.next().await, None);
        });
    }

    proptest! {
        /// Networks cut a stream anywhere: between CR and LF, and inside a letter.
        #[test]
        fn where_the_pieces_are_cut_does_not_matter(
            cuts in prop::collection::vec(0_usize..90, 0..12),
            crlf in any::<bool>(),
        ) {
            let stream = ": hi\n\ndata: größer 日本\n\ndata: {\"a\": \"\u{1f600}\"}\n\nevent: e\ndata: 1\ndata: 2\n\n[DONE]";
            let stream = if crlf { stream.replace('\n', "\r\n") } else { stream.to_owned() };
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut rest = stream.as_bytes();
            let mut at = 0;
            for cut in cuts {
                let (piece, more) = rest.split_at(cut - at);
                pieces.push(piece.to_vec());
                (rest, at) = (more, cut);
            }
            pieces.push(rest.to_vec());
            let (all, error) = read(pieces);
            prop_assert_eq!(error, None);
            prop_assert_eq!(all, ["größer 日本", "{\"a\": \"\u{1f600}\"}", "1\n2"]);
        }
    }
}
