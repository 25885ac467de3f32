//! What Ollama is asked with.

use serde_json::{Map, Value, json};

use crate::format::{WireFormat, own_id};
use crate::{Message, ModelRequest, ProviderConfig, Speaker};

/// Tokens of an answer to leave room for, when nobody names a bound.
const OUTPUT_TOKENS: u64 = 4096;
/// Ollama's own context when it is not told, and the least to ask for.
const LEAST_CONTEXT: u64 = 4096;
/// The largest context to ask for: no model that runs at home reads more.
const MOST_CONTEXT: u64 = 262_144;

pub(super) fn body(config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    for message in &request.messages {
        match message.raw_for(WireFormat::Ollama) {
            Some(items) => messages.extend_from_slice(items),
            None => self::messages(message, &mut messages),
        }
    }
    let mut body = Map::new();
    let bound = request.max_output_tokens.or(config.max_output_tokens);
    let mut options = Map::new();
    let messages = Value::Array(messages);
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.schema,
            }})
        });
        body.insert("tools".into(), tools.collect());
    }
    let bytes =
        messages.to_string().len() + body.get("tools").map_or(0, |tools| tools.to_string().len());
    options.insert("num_ctx".into(), json!(context(bytes, bound)));
    if let Some(bound) = bound {
        options.insert("num_predict".into(), json!(bound));
    }
    if let Some(temperature) = request.temperature.or(config.temperature) {
        options.insert("temperature".into(), json!(temperature));
    }
    body.insert("model".into(), json!(config.model));
    body.insert("messages".into(), messages);
    body.insert("stream".into(), json!(true));
    body.insert("options".into(), Value::Object(options));
    if let Some(effort) = request.effort.or(config.effort) {
        body.insert("think".into(), json!(effort.name()));
    }
    body
}

/// The context to ask for: what does not fit is left out by Ollama without a word. A power of two,
/// because another size makes it load the model anew. Three bytes a token are fewer than text has.
fn context(bytes: usize, bound: Option<u32>) -> u64 {
    let prompt = u64::try_from(bytes / 3).unwrap_or(MOST_CONTEXT);
    let needed = prompt.saturating_add(bound.map_or(OUTPUT_TOKENS, u64::from));
    needed
        .clamp(LEAST_CONTEXT, MOST_CONTEXT)
        .next_power_of_two()
}

/// One message of ours may be several of theirs: each result of a call is one.
fn messages(message: &Message, messages: &mut Vec<Value>) {
    for result in &message.results {
        let mut told = json!({"role": "tool", "tool_name": result.name, "content": result.text});
        if let (Some(told), Some(id)) = (told.as_object_mut(), own_id(&result.call)) {
            told.insert("tool_call_id".into(), json!(id));
        }
        messages.push(told);
    }
    let is_user = message.speaker == Speaker::User;
    if is_user && message.text.is_empty() && !message.results.is_empty() {
        return;
    }
    let role = if is_user { "user" } else { "assistant" };
    let mut told = json!({"role": role, "content": message.text});
    if !message.calls.is_empty()
        && let Some(told) = told.as_object_mut()
    {
        let calls = message
            .calls
            .iter()
            .map(|call| json!({"function": {"name": call.name, "arguments": call.arguments}}));
        told.insert("tool_calls".into(), calls.collect());
    }
    messages.push(told);
}

/// Most models know no measure of thinking, only whether to think at all.
pub(super) fn adapt(body: &mut Map<String, Value>, complaint: &str) -> bool {
    if !complaint.contains("think") || !body.get("think").is_some_and(Value::is_string) {
        return false;
    }
    if complaint.contains("does not support thinking") {
        return body.remove("think").is_some();
    }
    body.insert("think".into(), json!(true)).is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::{Effort, Tool, ToolCall, ToolResult};

    #[test]
    fn a_request_and_how_it_goes_on() {
        let config = ProviderConfig::new("p", "http://127.0.0.1:11434", "qwen3");
        let call = ToolCall {
            id: crate::format::invented_id(0),
            name: "read".into(),
            arguments: json!({"path": "a"}),
        };
        let result = ToolResult {
            call: call.id.clone(),
            name: "read".into(),
            text: "x".into(),
            is_error: false,
        };
        let request = ModelRequest {
            system: "Be brief.".into(),
            messages: vec![
                Message::user("1"),
                Message {
                    calls: vec![call],
                    ..Message::assistant("2")
                },
                Message::results(vec![result]),
            ],
            tools: vec![Tool {
                name: "read".into(),
                description: "Reads.".into(),
                schema: json!({"type": "object"}),
            }],
            max_output_tokens: Some(100),
            effort: Some(Effort::Low),
            ..ModelRequest::default()
        };
        let mut body = body(&config, &request);
        let expected = json!({
            "model": "qwen3",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "1"},
                {"role": "assistant", "content": "2", "tool_calls": [
                    {"function": {"name": "read", "arguments": {"path": "a"}}}]},
                {"role": "tool", "tool_name": "read", "content": "x"},
            ],
            "tools": [{"type": "function", "function":
                {"name": "read", "description": "Reads.", "parameters": {"type": "object"}}}],
            "stream": true,
            "think": "low",
            "options": {"num_ctx": 4096, "num_predict": 100},
        });
        assert_eq!(Value::Object(body.clone()), expected);
        assert!(adapt(
            &mut body,
            "think value \"low\" is not supported for this model"
        ));
        assert_eq!(body["think"], true);
        assert!(
            !adapt(&mut body, "\"qwen\" does not support thinking"),
            "only once"
        );
    }

    #[test]
    fn the_context_grows_with_the_prompt_in_steps() {
        assert_eq!(context(100, None), 8192);
        assert_eq!(context(100, Some(100)), 4096);
        assert_eq!(context(30_000, Some(100)), 16_384);
        assert_eq!(context(usize::MAX, None), MOST_CONTEXT);
    }
}
