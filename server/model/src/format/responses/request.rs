//! What a response is asked with.

use serde_json::{Map, Value, json};

use crate::format::WireFormat;
use crate::{Message, ModelRequest, ProviderConfig, Speaker};

pub(super) fn body(config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
    let mut input = Vec::new();
    for message in &request.messages {
        match message.raw_for(WireFormat::Responses) {
            Some(items) => input.extend_from_slice(items),
            None => items(message, &mut input),
        }
    }
    let mut body = Map::new();
    body.insert("model".into(), json!(config.model));
    body.insert("input".into(), Value::Array(input));
    body.insert("stream".into(), json!(true));
    // Left out, the server keeps what it was asked and what it said.
    body.insert("store".into(), json!(false));
    // What it thought is not kept there, so it has to come along.
    body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    if !request.system.is_empty() {
        body.insert("instructions".into(), json!(request.system));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function", "name": tool.name, "description": tool.description,
                // Left out, the server demands a schema without optional properties.
                "parameters": tool.schema, "strict": false,
            })
        });
        body.insert("tools".into(), tools.collect());
    }
    if let Some(bound) = request.max_output_tokens.or(config.max_output_tokens) {
        // Less is refused.
        body.insert("max_output_tokens".into(), json!(bound.max(16)));
    }
    if let Some(temperature) = request.temperature.or(config.temperature) {
        body.insert("temperature".into(), json!(temperature));
    }
    if let Some(effort) = request.effort.or(config.effort) {
        let reasoning = json!({"effort": effort.name(), "summary": "auto"});
        body.insert("reasoning".into(), reasoning);
    }
    body
}

fn items(message: &Message, items: &mut Vec<Value>) {
    items.extend(message.results.iter().map(|result| {
        json!({"type": "function_call_output", "call_id": result.call, "output": result.text})
    }));
    let is_user = message.speaker == Speaker::User;
    if !message.text.is_empty() || (is_user && message.results.is_empty()) {
        let role = if is_user { "user" } else { "assistant" };
        items.push(json!({"role": role, "content": message.text}));
    }
    items.extend(message.calls.iter().map(|call| {
        json!({
            "type": "function_call", "call_id": call.id, "name": call.name,
            "arguments": call.arguments.to_string(),
        })
    }));
}

/// Models that do not reason have no reasoning to include.
pub(super) fn adapt(body: &mut Map<String, Value>, complaint: &str) -> bool {
    let is_about_it = ["ncrypted", "include"]
        .iter()
        .any(|it| complaint.contains(it));
    is_about_it && body.remove("include").is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::{Effort, RawItems, Tool, ToolCall, ToolResult};

    #[test]
    fn a_request_and_how_it_goes_on() {
        let config = ProviderConfig::new("p", "https://api.openai.com", "gpt");
        let call = ToolCall {
            id: "call_1".into(),
            name: "read".into(),
            arguments: json!({"path": "a"}),
        };
        let result = ToolResult {
            call: "call_1".into(),
            name: "read".into(),
            text: "x".into(),
            is_error: false,
        };
        let mut request = ModelRequest {
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
            max_output_tokens: Some(1),
            effort: Some(Effort::Medium),
            ..ModelRequest::default()
        };
        let expected = json!({
            "model": "gpt",
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": "1"},
                {"role": "assistant", "content": "2"},
                {"type": "function_call", "call_id": "call_1", "name": "read",
                    "arguments": "{\"path\":\"a\"}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "x"},
            ],
            "tools": [{"type": "function", "name": "read", "description": "Reads.",
                "parameters": {"type": "object"}, "strict": false}],
            "stream": true,
            "store": false,
            "include": ["reasoning.encrypted_content"],
            "max_output_tokens": 16,
            "reasoning": {"effort": "medium", "summary": "auto"},
        });
        assert_eq!(Value::Object(body(&config, &request)), expected);
        let own = json!({"type": "reasoning", "encrypted_content": "x"});
        request.messages[1].raw = Some(RawItems {
            format: WireFormat::Responses,
            items: vec![own.clone()],
        });
        let mut body = body(&config, &request);
        assert_eq!(body["input"][1], own);
        assert!(!adapt(&mut body, "temperature must be 1"));
        assert!(adapt(
            &mut body,
            "Encrypted content is not supported with this model."
        ));
        assert_eq!(body.get("include"), None);
    }
}
