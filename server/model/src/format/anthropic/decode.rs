//! An answer in the form of Anthropic's messages.

use serde_json::{Map, Value, json};

use crate::decode::{Broken, Decode, number, word};
use crate::{ModelEvent, StopReason, Usage};

/// What an answer has said so far.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    blocks: Vec<Block>,
    calls: usize,
    usage: Map<String, Value>,
    stop: Option<StopReason>,
    done: bool,
}

/// A block of the answer that is still open.
#[derive(Debug)]
struct Block {
    /// The server's number for it.
    number: u64,
    /// As it began, with what came since.
    value: Value,
    /// The input of a call, which comes as pieces of JSON.
    input: String,
    /// Which of the calls it is.
    call: Option<usize>,
}

impl Decode for Decoder {
    fn read(&mut self, event: &Value, events: &mut Vec<ModelEvent>) -> Result<(), Broken> {
        match word(event, "type").unwrap_or_default() {
            "message_start" => {
                let message = event.get("message").unwrap_or(&Value::Null);
                started(message, events);
                self.count(message, events);
            }
            "content_block_start" => {
                if let (Some(at), Some(block)) =
                    (number(event, "index"), event.get("content_block"))
                {
                    self.begin(at, block, events);
                }
            }
            "content_block_delta" => self.delta(event, events),
            "content_block_stop" => {
                let at = number(event, "index");
                let open = self
                    .blocks
                    .iter()
                    .position(|block| Some(block.number) == at);
                if let Some(open) = open {
                    let block = self.blocks.remove(open);
                    events.push(ModelEvent::Item(block.whole()));
                }
            }
            "message_delta" => {
                let reason = event.get("delta").and_then(|it| word(it, "stop_reason"));
                self.stop = reason.map(stop_reason).or(self.stop.take());
                self.count(event, events);
            }
            "message_stop" => self.done = true,
            "ping" => {}
            // An answer that was not streamed.
            "message" => self.message(event, events),
            _ => events.push(ModelEvent::Raw(event.clone())),
        }
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.stop.is_some()
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn finish(&mut self, events: &mut Vec<ModelEvent>) -> Result<StopReason, Broken> {
        if !self.done {
            return Err(Broken::Truncated);
        }
        // Blocks that were not closed are a server's negligence: the answer itself has its end.
        let open = self.blocks.drain(..).map(Block::whole);
        events.extend(open.map(ModelEvent::Item));
        self.stop.take().ok_or(Broken::Truncated)
    }
}

impl Decoder {
    fn begin(&mut self, at: u64, block: &Value, events: &mut Vec<ModelEvent>) {
        let mut call = None;
        match word(block, "type").unwrap_or_default() {
            "text" => events.extend(word(block, "text").map(text)),
            "thinking" => events.extend(word(block, "thinking").map(thinking)),
            "tool_use" => {
                call = Some(self.calls);
                events.push(ModelEvent::ToolCall {
                    index: self.calls,
                    id: word(block, "id").unwrap_or_default().to_owned(),
                    name: word(block, "name").unwrap_or_default().to_owned(),
                });
                self.calls += 1;
                // Some servers send the input at once.
                let input = block.get("input").and_then(Value::as_object);
                if let (Some(index), Some(input)) = (call, input.filter(|it| !it.is_empty())) {
                    let piece = Value::Object(input.clone()).to_string();
                    events.push(ModelEvent::ToolArguments { index, piece });
                }
            }
            // What the server does by itself, and what is only for it to read.
            _ => {}
        }
        self.blocks.push(Block {
            number: at,
            value: block.clone(),
            input: String::new(),
            call,
        });
    }

    fn delta(&mut self, event: &Value, events: &mut Vec<ModelEvent>) {
        let at = number(event, "index");
        let delta = event.get("delta").unwrap_or(&Value::Null);
        let open = self.blocks.iter_mut().rev();
        let mut open = open.filter(|block| Some(block.number) == at);
        let block = open.next();
        let piece = |name| word(delta, name).unwrap_or_default();
        let is_empty = |name: &str| delta.get(name).and_then(Value::as_str) == Some("");
        match word(delta, "type").unwrap_or_default() {
            "text_delta" => {
                let piece = piece("text");
                events.extend((!piece.is_empty()).then(|| text(piece)));
                append(block, "text", piece);
            }
            "thinking_delta" => {
                let piece = piece("thinking");
                events.extend((!piece.is_empty()).then(|| thinking(piece)));
                append(block, "thinking", piece);
            }
            "signature_delta" => append(block, "signature", piece("signature")),
            "input_json_delta" => {
                let piece = piece("partial_json");
                if let Some(block) = block
                    && !is_empty("partial_json")
                {
                    block.input.push_str(piece);
                    if let Some(index) = block.call {
                        let piece = piece.to_owned();
                        events.push(ModelEvent::ToolArguments { index, piece });
                    }
                }
            }
            "citations_delta" => {
                let block = block.and_then(|block| block.value.as_object_mut());
                if let (Some(block), Some(citation)) = (block, delta.get("citation")) {
                    let all = block.entry("citations").or_insert_with(|| json!([]));
                    if !all.is_array() {
                        *all = json!([]);
                    }
                    if let Some(all) = all.as_array_mut() {
                        all.push(citation.clone());
                    }
                }
            }
            _ => events.push(ModelEvent::Raw(event.clone())),
        }
    }

    fn message(&mut self, message: &Value, events: &mut Vec<ModelEvent>) {
        started(message, events);
        let blocks = message.get("content").and_then(Value::as_array);
        for (at, block) in (0..).zip(blocks.into_iter().flatten()) {
            self.begin(at, block, events);
        }
        self.count(message, events);
        self.stop = word(message, "stop_reason").map(stop_reason);
        self.done = true;
    }

    /// Counts come in parts, and a later one stands for an earlier one of the same name.
    fn count(&mut self, within: &Value, events: &mut Vec<ModelEvent>) {
        let Some(counts) = within.get("usage").and_then(Value::as_object) else {
            return;
        };
        for (name, value) in counts {
            if !value.is_null() {
                self.usage.insert(name.clone(), value.clone());
            }
        }
        let count = |name: &str| self.usage.get(name).and_then(Value::as_u64);
        let (read, written) = (
            count("cache_read_input_tokens"),
            count("cache_creation_input_tokens"),
        );
        let details = self.usage.get("output_tokens_details");
        events.push(ModelEvent::Usage(Usage {
            // Theirs leaves out what the cache has to do with.
            input_tokens: [count("input_tokens"), read, written]
                .into_iter()
                .flatten()
                .fold(0, u64::saturating_add),
            output_tokens: count("output_tokens").unwrap_or_default(),
            cached_tokens: read,
            cache_write_tokens: written,
            reasoning_tokens: details.and_then(|details| number(details, "thinking_tokens")),
        }));
    }
}

impl Block {
    /// The block as it goes back.
    fn whole(self) -> Value {
        let mut value = self.value;
        if !self.input.is_empty()
            && let Some(block) = value.as_object_mut()
        {
            // An input that is no JSON would make the next request fail; its call failed anyway.
            let input = serde_json::from_str(&self.input).unwrap_or_else(|_| json!({}));
            block.insert("input".into(), input);
        }
        value
    }
}

fn started(message: &Value, events: &mut Vec<ModelEvent>) {
    let model = word(message, "model").unwrap_or_default().to_owned();
    events.push(ModelEvent::Started { model });
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "end_turn" | "stop_sequence" => StopReason::EndTurn,
        "tool_use" => StopReason::ToolUse,
        "max_tokens" | "model_context_window_exceeded" => StopReason::MaxTokens,
        "refusal" => StopReason::Refusal,
        other => StopReason::Other(other.to_owned()),
    }
}

fn append(block: Option<&mut Block>, name: &str, piece: &str) {
    if let Some(block) = block.and_then(|block| block.value.as_object_mut()) {
        match block.get_mut(name) {
            Some(Value::String(text)) => text.push_str(piece),
            _ => {
                block.insert(name.into(), json!(piece));
            }
        }
    }
}

fn text(text: &str) -> ModelEvent {
    ModelEvent::Text(text.to_owned())
}

fn thinking(text: &str) -> ModelEvent {
    ModelEvent::Thinking(text.to_owned())
}

#[cfg(test)]
mod tests;
