//! An answer in the form of chat completions.
//!
//! Fields as in OpenAI's published types; `reasoning_content` and `reasoning` as `DeepSeek`, vLLM and
//! `OpenRouter` add them.

use serde_json::{Map, Value, json};

use crate::decode::{Broken, Decode, number, whole_arguments, word};
use crate::format::invented_id;
use crate::thinking::Splitter;
use crate::{ModelEvent, StopReason, Usage};

/// What an answer has said so far.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    splitter: Splitter,
    stop: Option<StopReason>,
    /// The server said that it broke the answer off itself.
    interrupted: bool,
    done: bool,
    text: String,
    /// Reasoning under the name that has to come back when tools are called.
    reasoning: String,
    details: Vec<Value>,
    calls: Vec<Call>,
}

/// A call that is being written.
#[derive(Debug)]
struct Call {
    /// The server's number for it.
    number: u64,
    id: String,
    name: String,
    arguments: String,
    /// What else the server says of it, such as a signature.
    more: Map<String, Value>,
    is_told: bool,
}

impl Decode for Decoder {
    fn read(&mut self, chunk: &Value, events: &mut Vec<ModelEvent>) -> Result<(), Broken> {
        let model = chunk.get("model").and_then(Value::as_str);
        events.push(ModelEvent::Started {
            model: model.unwrap_or_default().to_owned(),
        });
        let choices = chunk.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            // Only one answer was asked for. Another beside it must not be mixed in.
            if number(choice, "index").is_none_or(|index| index == 0) {
                self.choice(choice, events);
            }
        }
        events.extend(chunk.get("usage").and_then(usage).map(ModelEvent::Usage));
        Ok(())
    }

    fn read_words(&mut self, data: &str) {
        self.done |= data == "[DONE]";
    }

    fn is_ending(&self) -> bool {
        self.stop.is_some()
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn flush(&mut self, events: &mut Vec<ModelEvent>) {
        let first = events.len();
        self.splitter.flush(events);
        self.keep(events.get(first..).unwrap_or_default());
    }

    fn finish(&mut self, events: &mut Vec<ModelEvent>) -> Result<StopReason, Broken> {
        let reason = match self.stop.take() {
            _ if self.interrupted => return Err(Broken::Truncated),
            Some(StopReason::EndTurn) if !self.calls.is_empty() => StopReason::ToolUse,
            Some(reason) => reason,
            None if !self.done => return Err(Broken::Truncated),
            None if self.calls.is_empty() => StopReason::EndTurn,
            None => StopReason::ToolUse,
        };
        // A call whose name never came.
        if self.calls.iter().any(|call| !call.is_told) {
            return Err(Broken::Unreadable("a tool call without a name".into()));
        }
        events.push(ModelEvent::Item(self.item()));
        Ok(reason)
    }
}

impl Decoder {
    fn choice(&mut self, choice: &Value, events: &mut Vec<ModelEvent>) {
        let first = events.len();
        let piece = choice
            .get("delta")
            .filter(|piece| piece.is_object())
            // In an answer that was not streamed.
            .or_else(|| choice.get("message"));
        if let Some(piece) = piece {
            self.piece(piece, events);
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
                        "tool_calls" | "function_call" | "tool_use" => StopReason::ToolUse,
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
        self.keep(events.get(first..).unwrap_or_default());
    }

    fn piece(&mut self, piece: &Value, events: &mut Vec<ModelEvent>) {
        // Servers that are moving from one name to the other send both.
        let thinking = ["reasoning_content", "reasoning", "thinking"];
        let thinking = thinking.iter().find_map(|name| word(piece, name));
        events.extend(thinking.map(|text| ModelEvent::Thinking(text.to_owned())));
        self.reasoning
            .push_str(word(piece, "reasoning_content").unwrap_or_default());
        let details = piece.get("reasoning_details").and_then(Value::as_array);
        self.details.extend(details.into_iter().flatten().cloned());
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
        let calls = piece.get("tool_calls").and_then(Value::as_array);
        for (at, call) in calls.into_iter().flatten().enumerate() {
            self.call(at, call, events);
        }
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

    /// A piece of a call. Name and id come with its first piece only; calls may take turns. Some
    /// servers send a call whole, without a number, or every call with the same number.
    fn call(&mut self, at: usize, piece: &Value, events: &mut Vec<ModelEvent>) {
        let Some(function) = piece.get("function").filter(|it| it.is_object()) else {
            return;
        };
        let given = number(piece, "index");
        let number = given.unwrap_or_else(|| u64::try_from(at).unwrap_or_default());
        let (id, name) = (word(piece, "id"), word(function, "name"));
        let known = self.calls.iter().rposition(|call| call.number == number);
        let is_new = match known.and_then(|index| self.calls.get(index)) {
            None => true,
            Some(call) if call.is_told && name.is_some() => match id {
                Some(id) => id != call.id,
                None => given.is_none(),
            },
            Some(_) => false,
        };
        if is_new {
            let mut more = piece.as_object().cloned().unwrap_or_default();
            for name in ["index", "id", "type", "function"] {
                more.remove(name);
            }
            self.calls.push(Call {
                number,
                id: id.map_or_else(|| invented_id(self.calls.len()), str::to_owned),
                name: String::new(),
                arguments: String::new(),
                more,
                is_told: false,
            });
        }
        let index = match known {
            Some(index) if !is_new => index,
            _ => self.calls.len().saturating_sub(1),
        };
        let Some(call) = self.calls.get_mut(index) else {
            return;
        };
        let arguments = whole_arguments(function.get("arguments"));
        call.arguments.push_str(&arguments);
        let piece = if call.is_told {
            arguments
        } else if let Some(name) = name {
            name.clone_into(&mut call.name);
            call.is_told = true;
            events.push(ModelEvent::ToolCall {
                index,
                id: call.id.clone(),
                name: name.to_owned(),
            });
            call.arguments.clone()
        } else {
            return;
        };
        if !piece.is_empty() {
            events.push(ModelEvent::ToolArguments { index, piece });
        }
    }

    fn keep(&mut self, events: &[ModelEvent]) {
        for event in events {
            if let ModelEvent::Text(text) = event {
                self.text.push_str(text);
            }
        }
    }

    /// The answer as it goes back. Its reasoning only with calls: `DeepSeek` refuses it otherwise.
    fn item(&mut self) -> Value {
        let mut item = Map::new();
        item.insert("role".into(), json!("assistant"));
        item.insert("content".into(), json!(std::mem::take(&mut self.text)));
        if self.calls.is_empty() {
            return Value::Object(item);
        }
        if !self.reasoning.is_empty() {
            let reasoning = std::mem::take(&mut self.reasoning);
            item.insert("reasoning_content".into(), json!(reasoning));
        }
        if !self.details.is_empty() {
            let details = std::mem::take(&mut self.details);
            item.insert("reasoning_details".into(), Value::Array(details));
        }
        let calls = self.calls.drain(..).map(|call| {
            let mut told = call.more;
            told.insert("id".into(), json!(call.id));
            told.insert("type".into(), json!("function"));
            let function = json!({"name": call.name, "arguments": call.arguments});
            told.insert("function".into(), function);
            Value::Object(told)
        });
        let calls = calls.collect();
        item.insert("tool_calls".into(), Value::Array(calls));
        Value::Object(item)
    }
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
        cache_write_tokens: None,
        reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens"),
    })
}

#[cfg(test)]
mod tests;
