//! The wire format of chat completions, from payloads to events. Pure.
//!
//! Fields as in OpenAI's published types; `reasoning_content` and `reasoning` as `DeepSeek`, vLLM and
//! `OpenRouter` add them. Everything unknown is ignored, everything known may be missing or of another
//! type than it should be: then it says nothing.

use serde_json::Value;

use crate::thinking::Splitter;
use crate::wire::Payload;
use crate::{ModelEvent, StopReason, Usage};

/// What an answer has said so far.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    started: bool,
    splitter: Splitter,
    stop: Option<StopReason>,
    /// The server said that it broke the answer off itself.
    interrupted: bool,
    /// Bytes of text so far.
    pub(crate) bytes: usize,
    done: bool,
}

/// What a server complains of, inside an answer or instead of one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    /// Its `code` and `type`, for telling complaints apart.
    pub(crate) kind: String,
    /// A status that the complaint itself names. `OpenRouter` and llama.cpp do.
    pub(crate) status: Option<u16>,
}

/// What cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The server reports an error in the middle of the stream.
    Reported(Complaint),
    /// This is no JSON.
    Unreadable(String),
    /// The end came without its mark.
    Truncated,
}

impl Decoder {
    /// Reads one payload: an event, or a whole answer that was not streamed.
    pub(crate) fn decode(&mut self, payload: &Payload) -> Result<Vec<ModelEvent>, Broken> {
        let data = payload.data.trim_start_matches('\u{feff}').trim();
        if data == "[DONE]" {
            self.done = true;
        }
        // What is no JSON document is some server's own sign of life.
        if self.done || !data.starts_with(['{', '[']) {
            return Ok(Vec::new());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|error| {
            if error.is_eof() {
                Broken::Truncated
            } else {
                Broken::Unreadable(error.to_string())
            }
        })?;
        if let Some(complaint) = Complaint::in_answer(&chunk, payload.event.as_deref()) {
            return Err(Broken::Reported(complaint));
        }
        Ok(self.chunk(&chunk))
    }

    fn chunk(&mut self, chunk: &Value) -> Vec<ModelEvent> {
        let mut events = Vec::new();
        if !self.started {
            self.started = true;
            let model = chunk.get("model").and_then(Value::as_str);
            events.push(ModelEvent::Started {
                model: model.unwrap_or_default().to_owned(),
            });
        }
        let choices = chunk.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            // Only one answer was asked for. Another beside it must not be mixed in.
            if number(choice, "index").is_none_or(|index| index == 0) {
                self.choice(choice, &mut events);
            }
        }
        events.extend(chunk.get("usage").and_then(usage).map(ModelEvent::Usage));
        events
    }

    fn choice(&mut self, choice: &Value, events: &mut Vec<ModelEvent>) {
        let first = events.len();
        let piece = choice
            .get("delta")
            .filter(|piece| piece.is_object())
            // In an answer that was not streamed.
            .or_else(|| choice.get("message"));
        if let Some(piece) = piece {
            // Servers that are moving from one name to the other send both.
            let thinking = ["reasoning_content", "reasoning", "thinking"];
            let thinking = thinking.iter().find_map(|name| word(piece, name));
            events.extend(thinking.map(|text| ModelEvent::Thinking(text.to_owned())));
            match piece.get("content") {
                Some(Value::String(text)) => self.splitter.push(text, events),
                Some(Value::Array(parts)) => {
                    for part in parts {
                        self.part(part, events);
                    }
                }
                _ => {}
            }
            if let Some(text) = word(piece, "refusal") {
                // What the model says about its refusal is for the person to read.
                events.push(ModelEvent::Text(text.to_owned()));
                self.stop = Some(StopReason::Refusal);
            }
        }
        if let Some(reason) = word(choice, "finish_reason") {
            match reason.to_ascii_lowercase().as_str() {
                // vLLM, SGLang, DeepSeek and OpenRouter, when they give up half-way.
                "abort" | "aborted" | "cancelled" | "error" | "insufficient_system_resource" => {
                    self.interrupted = true;
                }
                known => {
                    self.stop.get_or_insert_with(|| match known {
                        "stop" | "eos" | "end_turn" | "stop_sequence" => StopReason::EndTurn,
                        "length" | "max_tokens" | "model_length" => StopReason::MaxTokens,
                        "content_filter" | "refusal" | "safety" | "recitation" => {
                            StopReason::Refusal
                        }
                        _ => StopReason::Other(reason.to_owned()),
                    });
                }
            }
        }
        if self.stop.is_some() {
            self.splitter.flush(events);
        }
        self.count(events.get(first..).unwrap_or_default());
    }

    /// A part of a content that is a list: text, or reasoning as Mistral sends it.
    fn part(&mut self, part: &Value, events: &mut Vec<ModelEvent>) {
        match part.get("thinking") {
            Some(Value::String(text)) => events.push(ModelEvent::Thinking(text.clone())),
            Some(Value::Array(parts)) => {
                let texts = parts.iter().filter_map(|part| word(part, "text"));
                events.extend(texts.map(|text| ModelEvent::Thinking(text.to_owned())));
            }
            _ => {
                if let Some(text) = word(part, "text") {
                    self.splitter.push(text, events);
                }
            }
        }
    }

    fn count(&mut self, events: &[ModelEvent]) {
        for event in events {
            if let ModelEvent::Text(text) = event {
                self.bytes += text.len();
            }
        }
    }

    /// Whether the reason for the end is known, so that only formalities are left.
    pub(crate) fn is_ending(&self) -> bool {
        self.stop.is_some()
    }

    /// Whether the server said that nothing more comes.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Gives back what was held to see what it becomes. Before the end, of whatever kind.
    pub(crate) fn flush(&mut self) -> Vec<ModelEvent> {
        let mut events = Vec::new();
        self.splitter.flush(&mut events);
        self.count(&events);
        events
    }

    /// The last event, once the stream has ended. The counts come after the reason, so the reason is
    /// told last.
    pub(crate) fn finish(&self) -> Result<ModelEvent, Broken> {
        match &self.stop {
            _ if self.interrupted => Err(Broken::Truncated),
            Some(reason) => Ok(ModelEvent::Stopped(reason.clone())),
            None if self.done => Ok(ModelEvent::Stopped(StopReason::EndTurn)),
            None => Err(Broken::Truncated),
        }
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
    fn in_answer(chunk: &Value, event: Option<&str>) -> Option<Self> {
        let inner = match chunk {
            // Gemini's compatible service wraps its errors in a list.
            Value::Array(list) => list.first()?,
            other => other,
        };
        let error = inner.get("error").filter(|error| !error.is_null());
        let says = event == Some("error") || word(inner, "object") == Some("error");
        (error.is_some() || says).then(|| Self::of(inner))
    }

    /// Servers differ: `{"error": {"message": …}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`.
    fn of(value: &Value) -> Self {
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
        let kind = ["code", "type"].map(|name| word(value, name).unwrap_or_default());
        let status = number(value, "code").or_else(|| number(value, "status"));
        Self {
            message,
            kind: kind.join(" ").to_ascii_lowercase(),
            status: status
                .and_then(|status| u16::try_from(status).ok())
                .filter(|status| (400..600).contains(status)),
        }
    }
}

/// The title of a web page, as an addition to its mention.
fn title(page: &str) -> String {
    let title = page
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    title.map_or_else(String::new, |(title, _)| format!(": {}", title.trim()))
}

fn usage(counts: &Value) -> Option<Usage> {
    let input = number(counts, "prompt_tokens");
    let output = number(counts, "completion_tokens");
    let detail = |of: &str, name: &str| number(counts.get(of)?, name);
    (input.is_some() || output.is_some()).then(|| Usage {
        input_tokens: input.unwrap_or_default(),
        output_tokens: output.unwrap_or_default(),
        cached_tokens: detail("prompt_tokens_details", "cached_tokens")
            .or_else(|| number(counts, "prompt_cache_hit_tokens")),
        reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens"),
    })
}

/// A text that is there and not empty.
fn word<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

#[cfg(test)]
mod tests;
