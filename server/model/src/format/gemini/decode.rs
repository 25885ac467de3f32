//! An answer in the form of Gemini's `GenerateContentResponse`s.

use serde_json::Value;

use crate::decode::{Broken, Complaint, Decode, number, word};
use crate::format::invented_id;
use crate::{ModelEvent, StopReason, Usage};

/// What an answer has said so far.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The parts as they go back; texts of one kind are joined.
    parts: Vec<Value>,
    calls: usize,
    stop: Option<StopReason>,
    /// The server's word for what went wrong in the model's answer.
    malformed: Option<String>,
    /// The server's word for why it let the question not through.
    blocked: Option<String>,
}

impl Decode for Decoder {
    fn read(&mut self, chunk: &Value, events: &mut Vec<ModelEvent>) -> Result<(), Broken> {
        // Without `alt=sse`, the answer is one list.
        if let Value::Array(chunks) = chunk {
            return chunks.iter().try_for_each(|chunk| self.read(chunk, events));
        }
        let model = word(chunk, "modelVersion").unwrap_or_default().to_owned();
        events.push(ModelEvent::Started { model });
        let candidates = chunk.get("candidates").and_then(Value::as_array);
        for candidate in candidates.into_iter().flatten() {
            if number(candidate, "index").is_none_or(|index| index == 0) {
                self.candidate(candidate, events);
            }
        }
        if let Some(feedback) = chunk.get("promptFeedback")
            && let Some(reason) = word(feedback, "blockReason")
        {
            self.blocked = Some(reason.to_owned());
        }
        let counts = chunk.get("usageMetadata");
        events.extend(counts.and_then(usage).map(ModelEvent::Usage));
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.stop.is_some() || self.malformed.is_some() || self.blocked.is_some()
    }

    /// There is no mark of the end: the counts come with the reason or after it.
    fn is_done(&self) -> bool {
        false
    }

    fn finish(&mut self, events: &mut Vec<ModelEvent>) -> Result<StopReason, Broken> {
        if let Some(word) = self.malformed.take() {
            let why = format!("the model wrote a tool call or an answer that is none ({word})");
            return Err(Broken::Unreadable(why));
        }
        if let Some(word) = self.blocked.take() {
            return Err(Broken::Reported(Complaint {
                kind: "content_filter".into(),
                message: format!("the question was blocked ({word})"),
                ..Complaint::default()
            }));
        }
        let reason = self.stop.take().ok_or(Broken::Truncated)?;
        events.extend(self.parts.drain(..).map(ModelEvent::Item));
        Ok(match reason {
            StopReason::EndTurn if self.calls > 0 => StopReason::ToolUse,
            reason => reason,
        })
    }
}

impl Decoder {
    fn candidate(&mut self, candidate: &Value, events: &mut Vec<ModelEvent>) {
        let parts = candidate
            .get("content")
            .and_then(|content| content.get("parts")?.as_array());
        for part in parts.into_iter().flatten() {
            self.part(part, events);
        }
        match word(candidate, "finishReason").unwrap_or_default() {
            "" | "FINISH_REASON_UNSPECIFIED" => {}
            "STOP" => self.stop = Some(StopReason::EndTurn),
            "MAX_TOKENS" => self.stop = Some(StopReason::MaxTokens),
            "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" => {
                self.stop = Some(StopReason::Refusal);
            }
            word @ ("MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "MALFORMED_RESPONSE") => self.malformed = Some(word.to_owned()),
            other => self.stop = Some(StopReason::Other(other.to_owned())),
        }
    }

    fn part(&mut self, part: &Value, events: &mut Vec<ModelEvent>) {
        let text = part.get("text").and_then(Value::as_str);
        let is_thought = part.get("thought").and_then(Value::as_bool) == Some(true);
        if let Some(call) = part.get("functionCall") {
            let index = self.calls;
            self.calls += 1;
            events.push(ModelEvent::ToolCall {
                index,
                id: word(call, "id").map_or_else(|| invented_id(index), str::to_owned),
                name: word(call, "name").unwrap_or_default().to_owned(),
            });
            if let Some(arguments) = call.get("args").filter(|it| !it.is_null()) {
                let piece = arguments.to_string();
                events.push(ModelEvent::ToolArguments { index, piece });
            }
        } else if let Some(text) = text {
            let text = text.to_owned();
            if text.is_empty() {
                // It may carry a signature.
            } else if is_thought {
                events.push(ModelEvent::Thinking(text));
            } else {
                events.push(ModelEvent::Text(text));
            }
        } else if part.get("thoughtSignature").is_none() {
            events.push(ModelEvent::Raw(part.clone()));
        }
        self.keep(part, text);
    }

    /// A signature belongs to its part, so that only parts without one are joined.
    fn keep(&mut self, part: &Value, text: Option<&str>) {
        let plain = |part: &Value| {
            let names = part.as_object()?.keys();
            let mut others = names.filter(|name| !matches!(name.as_str(), "text" | "thought"));
            others
                .next()
                .is_none()
                .then(|| part.get("thought").cloned())
        };
        if let Some(text) = text
            && let Some(kind) = plain(part)
            && let Some(last) = self.parts.last_mut()
            && plain(last) == Some(kind)
            && let Some(Value::String(joined)) = last.get_mut("text")
        {
            joined.push_str(text);
        } else {
            self.parts.push(part.clone());
        }
    }
}

fn usage(counts: &Value) -> Option<Usage> {
    let count = |name: &str| number(counts, name);
    let prompt = count("promptTokenCount")?;
    let thoughts = count("thoughtsTokenCount");
    let sum = |one: u64, other: Option<u64>| one.saturating_add(other.unwrap_or_default());
    Some(Usage {
        input_tokens: sum(prompt, count("toolUsePromptTokenCount")),
        output_tokens: sum(count("candidatesTokenCount").unwrap_or_default(), thoughts),
        cached_tokens: count("cachedContentTokenCount"),
        cache_write_tokens: None,
        reasoning_tokens: thoughts,
    })
}

#[cfg(test)]
mod tests;
