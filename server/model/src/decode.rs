//! From payloads to events: what all formats have in common. Pure.
//!
//! Everything unknown is kept raw or ignored, everything known may be missing or of another type than
//! it should be: then it says nothing.

use std::time::Duration;

use serde_json::Value;

use crate::wire::{Payload, PayloadEnd};
use crate::{ModelEvent, StopReason, WireFormat};

/// A format's reader of one answer.
pub(crate) trait Decode: Send {
    /// Reads one JSON document: an event, or a whole answer that was not streamed.
    fn read(&mut self, value: &Value, events: &mut Vec<ModelEvent>) -> Result<(), Broken>;

    /// Reads a payload that is no JSON.
    fn read_words(&mut self, _data: &str) {}

    /// Whether the reason for the end is known, so that only formalities are left.
    fn is_ending(&self) -> bool;

    /// Whether the server said that nothing more comes.
    fn is_done(&self) -> bool;

    /// Gives back what was held to see what it becomes. Before the end, of whatever kind.
    fn flush(&mut self, _events: &mut Vec<ModelEvent>) {}

    /// Why the answer ended, once the stream has, and what is left to be told before that.
    fn finish(&mut self, events: &mut Vec<ModelEvent>) -> Result<StopReason, Broken>;
}

/// Reads the payloads of one answer.
pub(crate) struct Decoder {
    format: Box<dyn Decode>,
    is_started: bool,
    /// Bytes of text so far.
    pub(crate) bytes: usize,
    /// Something came that is no part of an answer. It does no harm, unless the end is missing too.
    is_odd: bool,
}

/// Words and events by which servers say that they are still there.
const SIGNS_OF_LIFE: [&str; 6] = [
    "ping",
    "pong",
    "keepalive",
    "keep-alive",
    "heartbeat",
    "[DONE]",
];

/// What a server complains of, inside an answer or instead of one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    /// Its `code`, `type`, `status` and `reason`, for telling complaints apart.
    pub(crate) kind: String,
    /// A status that the complaint itself names. `OpenRouter`, llama.cpp and Gemini do.
    pub(crate) status: Option<u16>,
    /// The pause that it asks for: Gemini's `RetryInfo`, and what OpenAI writes in words.
    pub(crate) retry_after: Option<Duration>,
}

/// What cannot go on.
#[derive(Debug, PartialEq)]
pub(crate) enum Broken {
    /// The server reports an error in the middle of the stream.
    Reported(Complaint),
    /// This is no JSON, or not what the format allows.
    Unreadable(String),
    /// The end came without its mark.
    Truncated,
}

impl Decoder {
    pub(crate) fn new(format: WireFormat) -> Self {
        Self {
            format: format.dialect().decoder(),
            is_started: false,
            bytes: 0,
            is_odd: false,
        }
    }

    /// Reads one payload: an event, or a whole answer that was not streamed.
    pub(crate) fn decode(&mut self, payload: &Payload) -> Result<Vec<ModelEvent>, Broken> {
        let data = payload.data.trim_start_matches('\u{feff}').trim();
        if self.is_done() {
            return Ok(Vec::new());
        }
        if !data.starts_with(['{', '[']) || "[DONE]".starts_with(data) {
            return self.words(data, payload).map(|()| Vec::new());
        }
        let value: Value = serde_json::from_str(data).map_err(|error| {
            if error.is_eof() && payload.end != PayloadEnd::Closed {
                Broken::Truncated
            } else {
                Broken::Unreadable(error.to_string())
            }
        })?;
        self.is_odd |= payload.end == PayloadEnd::Document;
        if let Some(complaint) = Complaint::in_answer(&value, payload.event.as_deref()) {
            return Err(Broken::Reported(complaint));
        }
        let mut events = Vec::new();
        self.format.read(&value, &mut events)?;
        Ok(self.checked(events))
    }

    /// Takes what is no object: a sign of life, or a part of an answer that nobody can read.
    fn words(&mut self, data: &str, payload: &Payload) -> Result<(), Broken> {
        let is_sign = |word: &str| SIGNS_OF_LIFE.contains(&word.to_ascii_lowercase().as_str());
        let is_known = data.is_empty()
            || data == "[DONE]"
            || is_sign(data)
            || payload.event.as_deref().is_some_and(is_sign);
        if payload.end == PayloadEnd::Open && data.starts_with('[') && data != "[DONE]" {
            return Err(Broken::Truncated);
        }
        if !is_known && data.contains(char::is_whitespace) && payload.end == PayloadEnd::Closed {
            return Err(Broken::Unreadable("words where JSON belongs".into()));
        }
        self.is_odd |= !is_known;
        self.format.read_words(data);
        Ok(())
    }

    /// Whether the reason for the end is known, so that only formalities are left.
    pub(crate) fn is_ending(&self) -> bool {
        self.format.is_ending()
    }

    /// Whether the server said that nothing more comes.
    pub(crate) fn is_done(&self) -> bool {
        self.format.is_done()
    }

    /// Gives back what was held to see what it becomes. Before the end, of whatever kind.
    pub(crate) fn flush(&mut self) -> Vec<ModelEvent> {
        let mut events = Vec::new();
        self.format.flush(&mut events);
        self.checked(events)
    }

    /// The last events, once the stream has ended. The counts come after the reason, so the reason is
    /// told last.
    pub(crate) fn finish(&mut self) -> Result<Vec<ModelEvent>, Broken> {
        let mut events = Vec::new();
        let reason = self
            .format
            .finish(&mut events)
            .map_err(|broken| match broken {
                Broken::Truncated if self.is_odd && self.bytes == 0 => {
                    Broken::Unreadable("JSON or words that are no answer".into())
                }
                broken => broken,
            })?;
        events.push(ModelEvent::Stopped(reason));
        Ok(events)
    }

    /// Counts the text, and lets the beginning be told once.
    fn checked(&mut self, mut events: Vec<ModelEvent>) -> Vec<ModelEvent> {
        events.retain(|event| {
            if let ModelEvent::Text(text) = event {
                self.bytes += text.len();
            }
            !matches!(event, ModelEvent::Started { .. })
                || !std::mem::replace(&mut self.is_started, true)
        });
        events
    }
}

impl Complaint {
    /// The complaint of an error response.
    pub(crate) fn in_body(body: &str) -> Self {
        let body = body.trim();
        match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::of(&value),
            Err(_) if body.starts_with('<') => Self {
                message: format!("a web page{}", title(body)),
                ..Self::default()
            },
            Err(_) => Self {
                message: body.to_owned(),
                ..Self::default()
            },
        }
    }

    /// The complaint that stands where a piece of an answer should.
    pub(crate) fn in_answer(chunk: &Value, event: Option<&str>) -> Option<Self> {
        let inner = match chunk {
            // Gemini wraps its errors in a list.
            Value::Array(list) => list.first()?,
            other => other,
        };
        // An answer of OpenAI's that was not streamed names its error, and is read as an answer.
        if word(inner, "object") == Some("response") {
            return None;
        }
        let error = inner.get("error").filter(|error| !error.is_null());
        let says = event == Some("error")
            || word(inner, "object") == Some("error")
            || word(inner, "type") == Some("error");
        (error.is_some() || says).then(|| Self::of(inner))
    }

    /// Servers differ: `{"error": {"message": …}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`.
    pub(crate) fn of(value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let value = value
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(value);
        let message = value
            .as_str()
            .or_else(|| word(value, "message"))
            .or_else(|| word(value, "detail"))
            .or_else(|| word(value, "error"))
            .map_or_else(|| value.to_string(), str::to_owned);
        let details = value.get("details").and_then(Value::as_array);
        let details = details.map_or(&[][..], Vec::as_slice);
        let reasons = details.iter().filter_map(|detail| word(detail, "reason"));
        let own = ["code", "type", "status"].map(|name| word(value, name).unwrap_or_default());
        // Gemini's `QuotaFailure`: `GenerateRequestsPerDay…`.
        let quotas = details
            .iter()
            .filter_map(|detail| detail.get("violations")?.as_array())
            .flatten()
            .filter_map(|violation| word(violation, "quotaId"));
        let kind: Vec<&str> = own.into_iter().chain(reasons).chain(quotas).collect();
        let status = number(value, "code").or_else(|| number(value, "status"));
        // Gemini's `RetryInfo`: `"retryDelay": "34.07s"`.
        let delay = details
            .iter()
            .find_map(|detail| word(detail, "retryDelay")?.strip_suffix('s'));
        Self {
            kind: kind.join(" ").to_ascii_lowercase(),
            status: status
                .and_then(|status| u16::try_from(status).ok())
                .filter(|status| (400..600).contains(status)),
            retry_after: delay
                .and_then(|seconds| seconds.parse().ok())
                .or_else(|| pause_in_words(&message))
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            message,
        }
    }
}

/// The pause in a message like OpenAI's: `Please try again in 1.254s`, `… in 20ms`, `… in 6m0s`.
fn pause_in_words(message: &str) -> Option<f64> {
    let (_, rest) = message.split_once("try again in ")?;
    let mut seconds = 0.0;
    let mut rest = rest;
    let mut found = false;
    loop {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, unit) = rest.split_at_checked(digits)?;
        let Ok(number) = number.parse::<f64>() else {
            return found.then_some(seconds);
        };
        let (factor, length) = match unit {
            unit if unit.starts_with("ms") => (0.001, 2),
            unit if unit.starts_with('s') => (1.0, 1),
            unit if unit.starts_with('m') => (60.0, 1),
            unit if unit.starts_with('h') => (3600.0, 1),
            _ => return found.then_some(seconds),
        };
        seconds += number * factor;
        found = true;
        rest = unit.get(length..).unwrap_or_default();
    }
}

/// The title of a web page, as an addition to its mention.
fn title(page: &str) -> String {
    let title = page
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    title.map_or_else(String::new, |(title, _)| format!(": {}", title.trim()))
}

/// A text that is there and not empty.
pub(crate) fn word<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

pub(crate) fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

/// The arguments of a call that came in one piece: as an object, or as its text.
pub(crate) fn whole_arguments(arguments: Option<&Value>) -> String {
    match arguments {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn error_responses_of_many_servers() {
        let message = |body: &str| Complaint::in_body(body).message;
        assert_eq!(message(r#"{"error":{"message":"a"}}"#), "a");
        assert_eq!(message(r#"{"message":"a","type":"b"}"#), "a");
        assert_eq!(message(r#"{"detail":"a"}"#), "a");
        assert_eq!(message(r#"[{"error":{"message":"a"}}]"#), "a");
        assert_eq!(
            message(r#"{"detail":[{"loc":["x"]}]}"#),
            r#"{"detail":[{"loc":["x"]}]}"#
        );
        assert_eq!(message("  plain words\n"), "plain words");
        assert_eq!(
            message("<html><title> 502 Bad Gateway </title>"),
            "a web page: 502 Bad Gateway"
        );
        assert_eq!(message(""), "");
    }

    #[test]
    fn pauses_that_stand_in_the_body() {
        let pause = |body: Value| Some(Complaint::of(&body).retry_after?.as_secs_f64());
        let gemini = json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow",
            "details": [{"@type": "x.QuotaFailure"}, {"@type": "x.RetryInfo", "retryDelay": "34.5s"}]}}]);
        assert_eq!(pause(gemini), Some(34.5));
        let words = |text: &str| pause(json!({"error": {"message": text}}));
        assert_eq!(words("Please try again in 1.5s. Visit"), Some(1.5));
        assert_eq!(words("Please try again in 20ms."), Some(0.02));
        assert_eq!(words("Please try again in 6m1s."), Some(361.0));
        assert_eq!(words("Please try again in a while"), None);
        assert_eq!(words("try again in 7 days"), None);
        assert_eq!(words("try again in 5"), None);
    }
}
