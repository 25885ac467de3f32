//! An answer in the form of OpenAI's responses.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::decode::{Broken, Complaint, Decode, number, whole_arguments, word};
use crate::{ModelEvent, StopReason, Usage};

/// Events that only repeat what others tell.
const REPEATED: [&str; 12] = [
    "response.queued",
    "response.in_progress",
    "response.content_part.added",
    "response.content_part.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.done",
    "response.output_text.annotation.added",
    "response.output_text.done",
    "response.refusal.done",
    "keepalive",
];

/// Pieces of what is told.
const TOLD: [&str; 4] = [
    "response.output_text.delta",
    "response.refusal.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
];

/// What an answer has said so far.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    calls: Vec<Call>,
    /// The items whose text has come in pieces.
    told: BTreeSet<u64>,
    /// The items that were given out whole.
    given: BTreeSet<u64>,
    refused: bool,
    stop: Option<StopReason>,
}

/// A call of one of our tools.
#[derive(Debug)]
struct Call {
    /// Which item of the answer it is.
    item: u64,
    /// Whether its arguments have begun.
    has_arguments: bool,
}

impl Decode for Decoder {
    fn read(&mut self, event: &Value, events: &mut Vec<ModelEvent>) -> Result<(), Broken> {
        let at = number(event, "output_index").unwrap_or_default();
        let delta = word(event, "delta").unwrap_or_default();
        let kind = word(event, "type").unwrap_or_default();
        match kind {
            "response.created" => {
                let response = event.get("response").unwrap_or(&Value::Null);
                started(response, events);
            }
            // A piece without anything in it.
            piece if TOLD.contains(&piece) && delta.is_empty() => {}
            "response.output_text.delta" => {
                self.told.insert(at);
                events.push(ModelEvent::Text(delta.to_owned()));
            }
            "response.refusal.delta" => {
                // What the model says about its refusal is for the person to read.
                self.told.insert(at);
                self.refused = true;
                events.push(ModelEvent::Text(delta.to_owned()));
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.told.insert(at);
                events.push(ModelEvent::Thinking(delta.to_owned()));
            }
            "response.output_item.added" => {
                if let Some(item) = event.get("item").filter(|item| is_call(item)) {
                    self.begin_call(at, item, events);
                }
            }
            "response.function_call_arguments.delta" => self.arguments(at, delta, events),
            "response.function_call_arguments.done" => {
                self.all_arguments(at, event, events);
            }
            "response.output_item.done" => {
                if let Some(item) = event.get("item") {
                    self.item(at, item, events);
                }
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => {
                let response = event.get("response").unwrap_or(&Value::Null);
                self.end(response, kind.trim_start_matches("response."), events)?;
            }
            // An answer that was not streamed.
            "" if word(event, "object") == Some("response") => {
                started(event, events);
                let status = word(event, "status").unwrap_or("completed");
                self.end(event, status, events)?;
            }
            known if REPEATED.contains(&known) => {}
            _ => events.push(ModelEvent::Raw(event.clone())),
        }
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.stop.is_some()
    }

    fn is_done(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self, _events: &mut Vec<ModelEvent>) -> Result<StopReason, Broken> {
        self.stop.take().ok_or(Broken::Truncated)
    }
}

impl Decoder {
    fn begin_call(&mut self, at: u64, item: &Value, events: &mut Vec<ModelEvent>) {
        let id = word(item, "call_id").or_else(|| word(item, "id"));
        events.push(ModelEvent::ToolCall {
            index: self.calls.len(),
            id: id.unwrap_or_default().to_owned(),
            name: word(item, "name").unwrap_or_default().to_owned(),
        });
        self.calls.push(Call {
            item: at,
            has_arguments: false,
        });
    }

    fn arguments(&mut self, at: u64, piece: &str, events: &mut Vec<ModelEvent>) {
        let mut calls = self.calls.iter_mut().enumerate();
        if let Some((index, call)) = calls.find(|(_, call)| call.item == at)
            && !piece.is_empty()
        {
            call.has_arguments = true;
            let piece = piece.to_owned();
            events.push(ModelEvent::ToolArguments { index, piece });
        }
    }

    /// Arguments that did not come in pieces.
    fn all_arguments(&mut self, at: u64, holder: &Value, events: &mut Vec<ModelEvent>) {
        let has_begun = |call: &Call| call.item == at && call.has_arguments;
        if !self.calls.iter().any(has_begun) {
            let arguments = whole_arguments(holder.get("arguments"));
            self.arguments(at, &arguments, events);
        }
    }

    /// A whole item: what of it did not come in pieces is told now.
    fn item(&mut self, at: u64, item: &Value, events: &mut Vec<ModelEvent>) {
        if !self.given.insert(at) {
            return;
        }
        if is_call(item) {
            if !self.calls.iter().any(|call| call.item == at) {
                self.begin_call(at, item, events);
            }
            self.all_arguments(at, item, events);
        } else if !self.told.contains(&at) {
            for part in ["summary", "content"] {
                let parts = item.get(part).and_then(Value::as_array);
                for part in parts.into_iter().flatten() {
                    self.part(part, events);
                }
            }
        }
        events.push(ModelEvent::Item(item.clone()));
    }

    fn part(&mut self, part: &Value, events: &mut Vec<ModelEvent>) {
        let text = word(part, "text").map(str::to_owned);
        match word(part, "type").unwrap_or_default() {
            "output_text" => events.extend(text.map(ModelEvent::Text)),
            "reasoning_text" | "summary_text" => events.extend(text.map(ModelEvent::Thinking)),
            "refusal" => {
                self.refused = true;
                let text = word(part, "refusal").map(str::to_owned);
                events.extend(text.map(ModelEvent::Text));
            }
            _ => {}
        }
    }

    fn end(
        &mut self,
        response: &Value,
        status: &str,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), Broken> {
        if status == "failed" {
            return Err(Broken::Reported(Complaint::of(response)));
        }
        if status == "cancelled" {
            return Err(Broken::Truncated);
        }
        let items = response.get("output").and_then(Value::as_array);
        for (at, item) in (0..).zip(items.into_iter().flatten()) {
            self.item(at, item, events);
        }
        events.extend(response.get("usage").and_then(usage).map(ModelEvent::Usage));
        let why = response
            .get("incomplete_details")
            .and_then(|details| word(details, "reason"));
        self.stop = Some(match (status, why) {
            (_, Some("max_output_tokens" | "max_tokens")) => StopReason::MaxTokens,
            (_, Some("content_filter")) => StopReason::Refusal,
            ("incomplete", why) => StopReason::Other(why.unwrap_or("incomplete").to_owned()),
            ("completed", _) if self.refused => StopReason::Refusal,
            ("completed", _) if self.calls.is_empty() => StopReason::EndTurn,
            ("completed", _) => StopReason::ToolUse,
            (other, _) => StopReason::Other(other.to_owned()),
        });
        Ok(())
    }
}

fn started(response: &Value, events: &mut Vec<ModelEvent>) {
    let model = word(response, "model").unwrap_or_default().to_owned();
    events.push(ModelEvent::Started { model });
}

fn is_call(item: &Value) -> bool {
    word(item, "type") == Some("function_call")
}

fn usage(counts: &Value) -> Option<Usage> {
    let input = number(counts, "input_tokens");
    let output = number(counts, "output_tokens");
    let detail = |of: &str, name: &str| number(counts.get(of)?, name);
    (input.is_some() || output.is_some()).then(|| Usage {
        input_tokens: input.unwrap_or_default(),
        output_tokens: output.unwrap_or_default(),
        cached_tokens: detail("input_tokens_details", "cached_tokens"),
        cache_write_tokens: detail("input_tokens_details", "cache_write_tokens"),
        reasoning_tokens: detail("output_tokens_details", "reasoning_tokens"),
    })
}

#[cfg(test)]
mod tests;
