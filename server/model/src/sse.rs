//! Server-sent events, as the HTML standard reads them (section 9.2.6, "Interpreting an event stream").
//!
//! Our own, because the libraries for it refuse bytes that are no UTF-8, forget the last event id, or
//! cannot tell an event that was closed from one that the end of the stream cut off, on which it
//! depends whether an answer is whole.

/// An event as the standard dispatches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// Its name; `message` when the server gave none.
    pub event: String,
    /// Its lines of data, joined by line feeds.
    pub data: String,
    /// The last id that the stream has set, by this event or by one before it.
    pub id: String,
}

/// The names of what an event consists of.
const FIELDS: [&str; 4] = ["event", "data", "id", "retry"];

/// Reads a stream that comes in pieces, which may end anywhere: inside a character, between a carriage
/// return and its line feed.
///
/// `retry` is read and has no effect: a question is never sent again by itself.
///
/// ```
/// use pleach_model::SseDecoder;
///
/// let (mut decoder, mut events) = (SseDecoder::default(), Vec::new());
/// decoder.push(b"id: 7\r\ndata: one\r", &mut events);
/// decoder.push(b"\ndata: two\r\n\r\ndata: cut off", &mut events);
/// assert_eq!(events.len(), 1);
/// assert_eq!((events[0].data.as_str(), events[0].id.as_str()), ("one\ntwo", "7"));
/// ```
#[derive(Debug, Default)]
pub struct SseDecoder {
    /// The line that is open.
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed behind it belongs to the same line end.
    after_return: bool,
    /// The first line is over, and with it the place for a byte order mark.
    has_begun: bool,
    event: String,
    /// With a line feed behind each of its lines.
    data: String,
    id: String,
    is_garbled: bool,
    sense: Sense,
}

/// What the lines so far look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sense {
    #[default]
    Unknown,
    /// Some are fields or comments.
    Events,
    /// None is, and not even the beginning of one.
    None,
}

impl SseDecoder {
    /// Reads the next piece, and adds the events that it closes.
    pub fn push(&mut self, piece: &[u8], events: &mut Vec<SseEvent>) {
        let mut rest = piece;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (head, tail) = rest.split_at(end);
            if self.line.is_empty() {
                self.take(head, events);
            } else {
                self.line.extend_from_slice(head);
                let line = std::mem::take(&mut self.line);
                self.take(&line, events);
            }
            rest = match tail {
                [b'\r'] => {
                    self.after_return = true;
                    &[]
                }
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.line.extend_from_slice(rest);
    }

    /// The event that the end of the stream has cut off, if it has any data. By the standard it does
    /// not count; but servers forget the blank line behind their last one.
    pub(crate) fn unfinished(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        let mut events = Vec::new();
        if !line.is_empty() {
            self.take(&line, &mut events);
        }
        self.take(b"", &mut events);
        events.pop()
    }

    /// Whether bytes were replaced since this was last asked, because they are no UTF-8.
    pub(crate) fn was_garbled(&mut self) -> bool {
        std::mem::take(&mut self.is_garbled)
    }

    /// Whether lines came, and none of them was a field or a comment, or the beginning of one.
    pub(crate) fn is_nonsense(&self) -> bool {
        self.sense == Sense::None
    }

    /// Reads a line without its end.
    fn take(&mut self, line: &[u8], events: &mut Vec<SseEvent>) {
        let line = match line.strip_prefix(b"\xEF\xBB\xBF") {
            Some(behind_mark) if !self.has_begun => behind_mark,
            _ => line,
        };
        self.has_begun = true;
        if line.is_empty() {
            events.extend(self.dispatch());
            return;
        }
        let line = String::from_utf8_lossy(line);
        self.is_garbled |= matches!(line, std::borrow::Cow::Owned(_));
        let (name, value) = match line.split_once(':') {
            Some((name, value)) => (name, value.strip_prefix(' ').unwrap_or(value)),
            None => (line.as_ref(), ""),
        };
        match FIELDS.iter().find(|field| field.starts_with(name)) {
            Some(field) if *field == name || name.is_empty() => self.sense = Sense::Events,
            None if self.sense == Sense::Unknown => self.sense = Sense::None,
            // The beginning of a field's name, or another oddity.
            _ => {}
        }
        match name {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            _ => {}
        }
    }

    /// A blank line: the event is over. Without data there is none, and its name is forgotten.
    fn dispatch(&mut self) -> Option<SseEvent> {
        let event = std::mem::take(&mut self.event);
        let mut data = std::mem::take(&mut self.data);
        data.pop()?;
        Some(SseEvent {
            event: if event.is_empty() {
                "message".into()
            } else {
                event
            },
            data,
            id: self.id.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn event(event: &str, data: &str, id: &str) -> SseEvent {
        let [event, data, id] = [event, data, id].map(str::to_owned);
        SseEvent { event, data, id }
    }

    fn read(pieces: &[&[u8]]) -> Vec<SseEvent> {
        let (mut decoder, mut events) = (SseDecoder::default(), Vec::new());
        for piece in pieces {
            decoder.push(piece, &mut events);
        }
        events
    }

    #[track_caller]
    fn check(stream: &[u8], expected: &[SseEvent]) {
        assert_eq!(read(&[stream]), expected);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&bytes), expected, "byte by byte");
    }

    #[test]
    fn the_examples_of_the_standard() {
        check(
            b"data: YHOO\ndata: +2\ndata: 10\n\n",
            &[event("message", "YHOO\n+2\n10", "")],
        );
        check(
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            &[
                event("message", "first event", "1"),
                event("message", "second event", ""),
                event("message", " third event", ""),
            ],
        );
        check(
            b"data\n\ndata\ndata\n\ndata:",
            &[event("message", "", ""), event("message", "\n", "")],
        );
        check(
            b"data:test\n\ndata: test\n\n",
            &[event("message", "test", ""), event("message", "test", "")],
        );
        check(
            b"event: add\ndata: 73\n\nevent: remove\ndata: 2\n\n",
            &[event("add", "73", ""), event("remove", "2", "")],
        );
    }

    #[test]
    fn every_line_end_and_their_mixtures() {
        let two = [event("message", "a", ""), event("message", "b", "")];
        for stream in [
            "data:a\n\ndata:b\n\n",
            "data:a\r\rdata:b\r\r",
            "data:a\r\n\r\ndata:b\r\n\r\n",
            "data:a\r\n\rdata:b\n\r\n",
            "data:a\n\r\ndata:b\r\n\n",
        ] {
            check(stream.as_bytes(), &two);
        }
        // A carriage return ends a line at once: nobody waits for what may follow it.
        assert_eq!(read(&[b"data:a\r\r"]), two[..1]);
    }

    #[test]
    fn one_byte_order_mark_at_the_beginning() {
        check(b"\xEF\xBB\xBFdata:a\n\n", &[event("message", "a", "")]);
        check(b"\xEF\xBB\xBF\xEF\xBB\xBFdata:a\n\n", &[]);
        check(b"\n\xEF\xBB\xBFdata:a\n\n", &[]);
        check(b"\xEF\xBB\xBF\ndata:a\n\n", &[event("message", "a", "")]);
        check(b"\xEF\xBBdata:a\n\n", &[]);
    }

    #[test]
    fn an_id_lasts_and_one_with_nul_is_none() {
        check(
            b"id: 1\n\ndata:a\n\nid: 2\0\ndata:b\n\nid:3\n\ndata:c\n\nid:\ndata:d\n\n",
            &[
                event("message", "a", "1"),
                event("message", "b", "1"),
                event("message", "c", "3"),
                event("message", "d", ""),
            ],
        );
    }

    #[test]
    fn a_name_without_data_is_forgotten_and_unknown_fields_mean_nothing() {
        check(
            b"event: gone\n\nData: no\n data: no\ndata : no\nretry: 10\nretry: x\nnonsense\n:data: no\ndata: a\n\n",
            &[event("message", "a", "")],
        );
        check(b"event:\ndata: a\n\n", &[event("message", "a", "")]);
        check(
            b"event: x\nevent\ndata: a\n\n",
            &[event("message", "a", "")],
        );
        check(b"data: a: b:c\n\n", &[event("message", "a: b:c", "")]);
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        check(
            b"data: \xff \xe6\x97 x\xf0\x9f\n\n",
            &[event("message", "\u{fffd} \u{fffd} x\u{fffd}", "")],
        );
        check(
            b"event: \xc3\ndata: \xed\xa0\x80\nid: \xc0\x80\n\n",
            &[event(
                "\u{fffd}",
                "\u{fffd}\u{fffd}\u{fffd}",
                "\u{fffd}\u{fffd}",
            )],
        );
        check(
            "data: größer 😀\n\n".as_bytes(),
            &[event("message", "größer 😀", "")],
        );
    }

    #[test]
    fn what_the_end_cuts_off_does_not_count_but_can_be_had() {
        let (mut decoder, mut events) = (SseDecoder::default(), Vec::new());
        decoder.push(b"data: a\n\nevent: e\ndata: b\ndata: c", &mut events);
        assert_eq!(events, [event("message", "a", "")]);
        assert_eq!(decoder.unfinished(), Some(event("e", "b\nc", "")));
        assert_eq!(decoder.unfinished(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

        /// Lines in every order, cut anywhere, read the same.
        #[test]
        fn where_the_pieces_are_cut_does_not_matter(
            lines in prop::collection::vec(prop::sample::select(vec![
                "data: ü", "data", "data:", "id: 1", "id", "event: e", ": c", "", "", "x", "\u{feff}data: z", "data: \u{1f600}",
            ]), 0..20),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r", "\r\n"]), 20),
            cuts in prop::collection::vec(0_usize..200, 0..12),
        ) {
            let stream: String = lines.iter().zip(&ends).flat_map(|(line, end)| [*line, *end]).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts
                .windows(2)
                .map(|pair| stream.as_bytes().get(pair[0]..pair[1]).unwrap_or_default())
                .collect();
            prop_assert_eq!(read(&pieces), read(&[stream.as_bytes()]));
        }
    }
}
