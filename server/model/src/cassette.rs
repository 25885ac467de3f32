//! Cassettes: what a provider was asked and what it answered, byte for byte, for tests, demonstrations
//! and reports of faults.
//!
//! A cassette is a text file with an exchange on each line, as JSON:
//!
//! ```json
//! {"asked": {"path": "/messages", "body": {}}, "answered": {"status": 200, "headers": {"content-type": "text/event-stream"}},
//!  "pieces": [[0, "event: message_start…"], [12, {"hex": "e4b8"}]], "end": "whole"}
//! ```
//!
//! A piece is what the network delivered at once, with the milliseconds since the one before it; as hex
//! digits where it is no text by itself. `end` is `whole`, `left` when Pleach closed the connection, or
//! `{"cut": why}`. No key is in it: the key's bytes in an answer become `*`, of the headers only those
//! are kept that mean something here, and what looks like a key in a question or in a refusal is taken
//! out.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::decode::{number, word};
use crate::wire::{Lost, Pieces};

/// The headers of an answer that say something about it.
const HEADERS: [&str; 6] = [
    "content-type",
    "date",
    "location",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
];

/// An answer whose body is still to come.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) pieces: Pieces,
}

/// Recorded exchanges, to be played once each, in their order.
#[derive(Debug)]
pub struct Cassette {
    exchanges: Mutex<VecDeque<Exchange>>,
    pace: Pace,
}

/// How fast a cassette is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Without any pause.
    AtOnce,
    /// With the pauses that were recorded.
    AsRecorded,
}

/// Why a cassette cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CassetteError {
    /// A line is no exchange.
    #[error("line {line} of the cassette is no recorded exchange ({why}); record it anew")]
    BadLine {
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The file for a new recording cannot be opened.
    #[error("the cassette cannot be written: {0}; choose another place")]
    Unwritable(#[from] std::io::Error),
}

#[derive(Debug, Clone)]
struct Exchange {
    status: StatusCode,
    headers: HeaderMap,
    pieces: Vec<(Duration, Bytes)>,
    /// Why the connection was lost, if it was.
    cut: Option<String>,
}

impl Cassette {
    /// Reads a cassette.
    pub fn read(text: &str, pace: Pace) -> Result<Self, CassetteError> {
        let mut exchanges = VecDeque::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let bad = |why: String| CassetteError::BadLine {
                line: index + 1,
                why,
            };
            let line: Value = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            let exchange = Exchange::read(&line);
            exchanges.push_back(exchange.ok_or_else(|| bad("something is missing".into()))?);
        }
        Ok(Self {
            exchanges: Mutex::new(exchanges),
            pace,
        })
    }

    /// The answer to the next question, whatever it is. `None` when there are no more.
    pub(crate) fn next(&self) -> Option<Answered> {
        let mut exchanges = self
            .exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let exchange = exchanges.pop_front()?;
        let pace = self.pace;
        let end = exchange.cut.map(|why| {
            Err(Lost {
                why,
                is_garbled: false,
            })
        });
        let pieces = stream::iter(exchange.pieces).then(move |(pause, piece)| async move {
            if pace == Pace::AsRecorded {
                tokio::time::sleep(pause).await;
            }
            Ok(piece)
        });
        Some(Answered {
            status: exchange.status,
            headers: exchange.headers,
            pieces: pieces.chain(stream::iter(end)).boxed(),
        })
    }
}

impl Exchange {
    fn read(line: &Value) -> Option<Self> {
        let answered = line.get("answered")?;
        let status = u16::try_from(number(answered, "status")?).ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in answered.get("headers")?.as_object()? {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            headers.insert(name, HeaderValue::try_from(value.as_str()?).ok()?);
        }
        let pieces = line.get("pieces")?.as_array()?.iter().map(|piece| {
            let pause = Duration::from_millis(piece.get(0)?.as_u64()?);
            let bytes = match piece.get(1)? {
                Value::String(text) => Bytes::from(text.clone()),
                other => Bytes::from(from_hex(word(other, "hex")?)?),
            };
            Some((pause, bytes))
        });
        Some(Self {
            status: StatusCode::from_u16(status).ok()?,
            headers,
            pieces: pieces.collect::<Option<_>>()?,
            cut: line
                .get("end")
                .and_then(|end| word(end, "cut"))
                .map(str::to_owned),
        })
    }
}

/// Writes exchanges to a cassette as they end.
pub(crate) struct Recorder {
    file: Mutex<File>,
    key: Option<SecretString>,
}

impl Recorder {
    /// Appends to a file that only its owner can read.
    pub(crate) fn new(path: &Path, key: Option<SecretString>) -> Result<Arc<Self>, CassetteError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Mutex::new(options.open(path)?);
        Ok(Arc::new(Self { file, key }))
    }

    /// Passes an answer on and keeps what passes.
    pub(crate) fn tap(
        self: &Arc<Self>,
        path: &str,
        body: &Map<String, Value>,
        answered: Answered,
    ) -> Answered {
        let tapped = Tapped {
            recorder: Arc::clone(self),
            asked: json!({"path": path, "body": clean(&Value::Object(body.clone()))}),
            status: answered.status,
            headers: answered.headers.clone(),
            pieces: Vec::new(),
            last: Instant::now(),
            end: json!("left"),
        };
        let state = (answered.pieces, tapped);
        let pieces = stream::unfold(state, |(mut pieces, mut tapped)| async move {
            let piece = pieces.next().await;
            tapped.take(piece.as_ref());
            Some((piece?, (pieces, tapped)))
        });
        Answered {
            pieces: pieces.boxed(),
            ..answered
        }
    }

    fn write(&self, line: &Value) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, "an exchange is missing in the cassette");
        }
    }
}

/// Where a key stands in a text. One that is shorter than any real key is looked for as a word of its
/// own, so that it does not tear other words apart.
pub(crate) fn places(key: &[u8], text: &[u8]) -> Vec<usize> {
    /// No provider hands out a shorter one.
    const SHORTEST: usize = 8;
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    let windows = text.windows(key.len().max(1)).enumerate();
    windows
        .filter(|(at, window)| {
            let stands_alone = !is_letter(at.checked_sub(1)) && !is_letter(Some(at + key.len()));
            *window == key && (key.len() >= SHORTEST || stands_alone)
        })
        .map(|(at, _)| at)
        .collect()
}

/// Puts `*` in the place of a key, wherever the pieces were cut.
fn strike(key: &[u8], pieces: &mut [(Duration, Vec<u8>)]) {
    let mut whole: Vec<u8> = pieces.iter().flat_map(|(_, piece)| piece.clone()).collect();
    for at in places(key, &whole) {
        if let Some(found) = whole.get_mut(at..at + key.len()) {
            found.fill(b'*');
        }
    }
    let mut rest = whole.into_iter();
    for (_, piece) in pieces {
        *piece = rest.by_ref().take(piece.len()).collect();
    }
}

/// An answer that is being recorded. It is written when it ends, in whatever way.
struct Tapped {
    recorder: Arc<Recorder>,
    asked: Value,
    status: StatusCode,
    headers: HeaderMap,
    pieces: Vec<(Duration, Vec<u8>)>,
    last: Instant,
    end: Value,
}

impl Tapped {
    fn take(&mut self, piece: Option<&Result<Bytes, Lost>>) {
        match piece {
            Some(Ok(piece)) => {
                let now = Instant::now();
                let pause = now.saturating_duration_since(self.last);
                self.last = now;
                self.pieces.push((pause, piece.to_vec()));
            }
            Some(Err(lost)) => self.end = json!({"cut": pleach_policy::redact(&lost.why)}),
            None => self.end = json!("whole"),
        }
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        let mut pieces = std::mem::take(&mut self.pieces);
        if let Some(key) = &self.recorder.key {
            strike(key.expose_secret().as_bytes(), &mut pieces);
        }
        if !self.status.is_success() {
            // A refusal may repeat a key that is not ours: a proxy's, or one that was set by mistake.
            let whole: Vec<u8> = pieces.into_iter().flat_map(|(_, piece)| piece).collect();
            let text = String::from_utf8_lossy(&whole);
            let text = pleach_policy::redact(&text).into_owned();
            pieces = vec![(Duration::ZERO, text.into_bytes())];
        }
        let pieces: Vec<Value> = pieces
            .into_iter()
            .map(|(pause, piece)| {
                let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                match String::from_utf8(piece) {
                    Ok(text) => json!([pause, text]),
                    Err(error) => json!([pause, {"hex": to_hex(error.as_bytes())}]),
                }
            })
            .collect();
        let headers: Map<String, Value> = HEADERS
            .iter()
            .filter_map(|name| {
                let value = self.headers.get(*name)?.to_str().ok()?;
                Some(((*name).to_owned(), json!(pleach_policy::redact(value))))
            })
            .collect();
        self.recorder.write(&json!({
            "asked": self.asked,
            "answered": {"status": self.status.as_u16(), "headers": headers},
            "pieces": pieces,
            "end": self.end,
        }));
    }
}

/// A question without what looks like a key.
fn clean(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(pleach_policy::redact(text)),
        Value::Array(items) => items.iter().map(clean).collect(),
        Value::Object(map) => {
            let map = map.iter().map(|(name, value)| (name.clone(), clean(value)));
            Value::Object(map.collect())
        }
        other => other.clone(),
    }
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _written = write!(digits, "{byte:02x}");
        digits
    })
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hex_digits_and_back() {
        assert_eq!(to_hex(&[0, 0xE4, 0xFF]), "00e4ff");
        assert_eq!(from_hex("00e4ff"), Some(vec![0, 0xE4, 0xFF]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
    }

    #[test]
    fn a_line_that_is_no_exchange_is_told_with_its_number() {
        let good = r#"{"answered": {"status": 200, "headers": {}}, "pieces": []}"#;
        let read = |text: &str| Cassette::read(text, Pace::AtOnce);
        assert!(read(&format!("{good}\n\n{good}\n")).is_ok());
        for bad in [
            "{",
            "{}",
            r#"{"answered": {"status": 2, "headers": {}}, "pieces": []}"#,
        ] {
            let error = read(&format!("{good}\n{bad}\n")).unwrap_err();
            assert!(error.to_string().starts_with("line 2 "), "{error}");
        }
    }

    #[test]
    fn a_key_is_struck_out_also_where_pieces_meet() {
        let piece = |text: &str| (Duration::ZERO, text.as_bytes().to_vec());
        let mut pieces = [piece("a sk-12"), piece("34 b sk-1234"), piece("")];
        strike(b"sk-1234", &mut pieces);
        assert_eq!(pieces, [piece("a *****"), piece("** b *******"), piece("")]);
    }
}
