//! The wire format of chat completions, from JSON to events. Pure.
//!
//! Fields as in OpenAI's published types; `reasoning_content` and `reasoning` as DeepSeek, vLLM and
//! OpenRouter add them. Everything unknown is ignored, everything known may be missing.

use serde::Deserialize;

use crate::{ModelEvent, StopReason, Usage};

/// What an answer has said so far.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    started: bool,
    stop: Option<StopReason>,
    /// Bytes of text so far.
    pub(crate) bytes: usize,
    done: bool,
}

/// An error object inside an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ErrorObject {
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) code: Option<serde_json::Value>,
}

/// What cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The server reports an error in the middle of the stream.
    Reported(ErrorObject),
    /// This is no JSON, or not of this protocol.
    Unreadable(String),
    /// The end came without its mark.
    Truncated,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Option<Piece>,
    /// In an answer that was not streamed.
    #[serde(default)]
    message: Option<Piece>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Piece {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    reasoning_content: Option<String>,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

impl Decoder {
    /// Reads the data of one event, or a whole answer that was not streamed.
    pub(crate) fn read(&mut self, data: &str) -> Result<Vec<ModelEvent>, Broken> {
        let data = data.trim();
        if data.is_empty() || self.done {
            return Ok(Vec::new());
        }
        if data == "[DONE]" {
            self.done = true;
            return Ok(Vec::new());
        }
        let chunk: Chunk =
            serde_json::from_str(data).map_err(|error| Broken::Unreadable(error.to_string()))?;
        if let Some(error) = chunk.error {
            return Err(Broken::Reported(error));
        }
        let mut events = Vec::new();
        if !self.started {
            self.started = true;
            events.push(ModelEvent::Started {
                model: chunk.model.unwrap_or_default(),
            });
        }
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            let piece = choice.delta.or(choice.message).unwrap_or_default();
            let thinking = piece.reasoning_content.or(piece.reasoning);
            events.extend(
                thinking
                    .filter(|text| !text.is_empty())
                    .map(ModelEvent::Thinking),
            );
            if let Some(text) = piece.content.filter(|text| !text.is_empty()) {
                self.bytes += text.len();
                events.push(ModelEvent::Text(text));
            }
            if piece.refusal.is_some_and(|text| !text.is_empty()) {
                self.stop = Some(StopReason::Refusal);
            }
            if let Some(reason) = choice.finish_reason
                && self.stop.is_none()
            {
                self.stop = Some(match reason.as_str() {
                    "stop" | "eos" => StopReason::EndTurn,
                    "length" => StopReason::MaxTokens,
                    "content_filter" => StopReason::Refusal,
                    _ => StopReason::Other(reason),
                });
            }
        }
        if let Some(counts) = chunk.usage {
            events.push(ModelEvent::Usage(Usage {
                input_tokens: counts.prompt_tokens,
                output_tokens: counts.completion_tokens,
                cached_tokens: counts.prompt_tokens_details.and_then(|it| it.cached_tokens),
            }));
        }
        Ok(events)
    }

    /// Whether the server said that nothing more comes.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The last event, once the stream has ended. The counts come after the reason, so the reason is
    /// told last.
    pub(crate) fn finish(self) -> Result<ModelEvent, Broken> {
        match (self.stop, self.done) {
            (Some(reason), _) => Ok(ModelEvent::Stopped(reason)),
            (None, true) => Ok(ModelEvent::Stopped(StopReason::EndTurn)),
            (None, false) => Err(Broken::Truncated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads events, then the end. The last item is what the end gave.
    fn read(events: &[&str]) -> (Vec<ModelEvent>, Result<ModelEvent, Broken>) {
        let mut decoder = Decoder::default();
        let mut all = Vec::new();
        for event in events {
            match decoder.read(event) {
                Ok(some) => all.extend(some),
                Err(broken) => return (all, Err(broken)),
            }
        }
        (all, decoder.finish())
    }

    fn started() -> ModelEvent {
        ModelEvent::Started { model: "m".into() }
    }

    fn text(text: &str) -> ModelEvent {
        ModelEvent::Text(text.into())
    }

    #[test]
    fn a_plain_stream() {
        let (events, end) = read(&[
            r#"{"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#,
            "[DONE]",
        ]);
        let usage = Usage {
            input_tokens: 5,
            output_tokens: 2,
            cached_tokens: Some(4),
        };
        assert_eq!(
            events,
            [started(), text("Hel"), text("lo"), ModelEvent::Usage(usage)]
        );
        assert_eq!(end, Ok(ModelEvent::Stopped(StopReason::EndTurn)));
    }

    #[test]
    fn an_end_without_done_counts_when_a_reason_was_given_and_not_otherwise() {
        let body = r#"{"model":"m","choices":[{"delta":{"content":"a"}}]}"#;
        let (_, end) = read(&[body, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#]);
        assert_eq!(end, Ok(ModelEvent::Stopped(StopReason::EndTurn)));
        let (events, end) = read(&[body]);
        assert_eq!(events, [started(), text("a")]);
        assert_eq!(end, Err(Broken::Truncated));
    }

    #[test]
    fn reasons_are_told_apart() {
        let end = |reason: &str| {
            read(&[&format!(
                r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#
            )])
            .1
        };
        assert_eq!(
            end("length"),
            Ok(ModelEvent::Stopped(StopReason::MaxTokens))
        );
        assert_eq!(
            end("content_filter"),
            Ok(ModelEvent::Stopped(StopReason::Refusal))
        );
        assert_eq!(
            end("odd"),
            Ok(ModelEvent::Stopped(StopReason::Other("odd".into())))
        );
    }

    #[test]
    fn reasoning_is_no_text_and_other_choices_are_not_mixed_in() {
        let (events, _) = read(&[
            r#"{"model":"m","choices":[{"delta":{"reasoning_content":"hm"}},{"index":1,"delta":{"content":"no"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"so","content":null}}]}"#,
            r#"{"choices":[{"delta":{"content":"yes"}}],"timings":{"predicted_ms":3}}"#,
        ]);
        let thinking = |text: &str| ModelEvent::Thinking(text.into());
        assert_eq!(
            events,
            [started(), thinking("hm"), thinking("so"), text("yes")]
        );
    }

    #[test]
    fn an_answer_that_was_not_streamed() {
        let (events, end) = read(&[
            r#"{"model":"m","choices":[{"index":0,"message":{"content":"all"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
        ]);
        assert_eq!(events.get(1), Some(&text("all")));
        assert_eq!(end, Ok(ModelEvent::Stopped(StopReason::EndTurn)));
    }

    #[test]
    fn an_error_in_the_stream_and_garbage_end_it() {
        let (_, end) = read(&[r#"{"error":{"message":"overloaded","type":"server_error"}}"#]);
        assert!(matches!(end, Err(Broken::Reported(error)) if error.message == "overloaded"));
        let (_, end) = read(&["<html>"]);
        assert!(matches!(end, Err(Broken::Unreadable(_))));
    }
}
