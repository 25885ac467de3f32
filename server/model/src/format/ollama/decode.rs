//! An answer in the form of Ollama.

use serde_json::{Map, Value, json};

use crate::decode::{Broken, Decode, number, whole_arguments, word};
use crate::format::invented_id;
use crate::thinking::Splitter;
use crate::{ModelEvent, StopReason, Usage};

/// What an answer has said so far.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    splitter: Splitter,
    text: String,
    thinking: String,
    calls: Vec<Value>,
    stop: Option<StopReason>,
    /// JSON came that is no part of an answer.
    is_foreign: bool,
}

impl Decode for Decoder {
    fn read(&mut self, line: &Value, events: &mut Vec<ModelEvent>) -> Result<(), Broken> {
        if ["model", "message", "done"]
            .iter()
            .all(|key| line.get(key).is_none())
        {
            self.is_foreign = true;
            events.push(ModelEvent::Raw(line.clone()));
            return Ok(());
        }
        let first = events.len();
        let model = word(line, "model").unwrap_or_default().to_owned();
        events.push(ModelEvent::Started { model });
        let message = line.get("message").unwrap_or(&Value::Null);
        if let Some(thinking) = word(message, "thinking") {
            self.thinking.push_str(thinking);
            events.push(ModelEvent::Thinking(thinking.to_owned()));
        }
        if let Some(text) = word(message, "content") {
            self.splitter.push(text, events);
        }
        let calls = message.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            self.call(call, events);
        }
        if line.get("done").and_then(Value::as_bool) == Some(true) {
            self.splitter.flush(events);
            events.extend(usage(line).map(ModelEvent::Usage));
            self.stop = Some(match word(line, "done_reason").unwrap_or("stop") {
                "length" => StopReason::MaxTokens,
                "stop" if self.calls.is_empty() => StopReason::EndTurn,
                "stop" => StopReason::ToolUse,
                other => StopReason::Other(other.to_owned()),
            });
        }
        self.keep(events.get(first..).unwrap_or_default());
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.stop.is_some()
    }

    fn is_done(&self) -> bool {
        self.stop.is_some()
    }

    fn flush(&mut self, events: &mut Vec<ModelEvent>) {
        let first = events.len();
        self.splitter.flush(events);
        self.keep(events.get(first..).unwrap_or_default());
    }

    fn finish(&mut self, events: &mut Vec<ModelEvent>) -> Result<StopReason, Broken> {
        let reason = self.stop.take().ok_or_else(|| {
            if self.is_foreign {
                Broken::Unreadable("JSON that is no part of an answer".into())
            } else {
                Broken::Truncated
            }
        })?;
        let mut item = Map::new();
        item.insert("role".into(), json!("assistant"));
        item.insert("content".into(), json!(std::mem::take(&mut self.text)));
        if !self.thinking.is_empty() {
            let thinking = std::mem::take(&mut self.thinking);
            item.insert("thinking".into(), json!(thinking));
        }
        if !self.calls.is_empty() {
            let calls = std::mem::take(&mut self.calls);
            item.insert("tool_calls".into(), Value::Array(calls));
        }
        events.push(ModelEvent::Item(Value::Object(item)));
        Ok(reason)
    }
}

impl Decoder {
    fn call(&mut self, call: &Value, events: &mut Vec<ModelEvent>) {
        let Some(function) = call.get("function") else {
            return;
        };
        let index = self.calls.len();
        events.push(ModelEvent::ToolCall {
            index,
            id: word(call, "id").map_or_else(|| invented_id(index), str::to_owned),
            name: word(function, "name").unwrap_or_default().to_owned(),
        });
        let piece = whole_arguments(function.get("arguments"));
        if !piece.is_empty() {
            events.push(ModelEvent::ToolArguments { index, piece });
        }
        self.calls.push(call.clone());
    }

    fn keep(&mut self, events: &[ModelEvent]) {
        for event in events {
            if let ModelEvent::Text(text) = event {
                self.text.push_str(text);
            }
        }
    }
}

fn usage(line: &Value) -> Option<Usage> {
    // A prompt that was read before is not counted again, and then has no count.
    let input = number(line, "prompt_eval_count");
    let output = number(line, "eval_count");
    (input.is_some() || output.is_some()).then(|| Usage {
        input_tokens: input.unwrap_or_default(),
        output_tokens: output.unwrap_or_default(),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests;
