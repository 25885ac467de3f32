//! What Gemini is asked with.

use serde_json::{Map, Value, json};

use crate::format::{WireFormat, own_id};
use crate::{Effort, Message, ModelRequest, ProviderConfig, Speaker};

pub(super) fn body(config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
    let mut body = Map::new();
    let contents: Vec<Value> = request.messages.iter().map(content).collect();
    body.insert("contents".into(), Value::Array(contents));
    if !request.system.is_empty() {
        let system = json!({"parts": [{"text": request.system}]});
        body.insert("systemInstruction".into(), system);
    }
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request
            .tools
            .iter()
            .map(|tool| {
                json!({
                    "name": tool.name, "description": tool.description,
                    "parametersJsonSchema": tool.schema,
                })
            })
            .collect();
        body.insert("tools".into(), json!([{"functionDeclarations": tools}]));
    }
    let mut generation = Map::new();
    if let Some(bound) = request.max_output_tokens.or(config.max_output_tokens) {
        generation.insert("maxOutputTokens".into(), json!(bound));
    }
    if let Some(temperature) = request.temperature.or(config.temperature) {
        generation.insert("temperature".into(), json!(temperature));
    }
    if let Some(effort) = request.effort.or(config.effort) {
        let thinking = json!({"thinkingLevel": effort.name(), "includeThoughts": true});
        generation.insert("thinkingConfig".into(), thinking);
    }
    if !generation.is_empty() {
        body.insert("generationConfig".into(), Value::Object(generation));
    }
    body
}

fn content(message: &Message) -> Value {
    if message.speaker == Speaker::Assistant
        && let Some(items) = message.raw_for(WireFormat::Gemini)
    {
        return json!({"role": "model", "parts": items});
    }
    let mut parts = Vec::new();
    for result in &message.results {
        let key = if result.is_error { "error" } else { "output" };
        let mut response = json!({"name": result.name, "response": {key: result.text}});
        name_call(&mut response, &result.call);
        parts.push(json!({"functionResponse": response}));
    }
    if !message.text.is_empty() {
        parts.push(json!({"text": message.text}));
    }
    for call in &message.calls {
        let mut told = json!({"name": call.name, "args": call.arguments});
        name_call(&mut told, &call.id);
        parts.push(json!({"functionCall": told}));
    }
    if parts.is_empty() {
        parts.push(json!({"text": ""}));
    }
    let role = match message.speaker {
        Speaker::User => "user",
        Speaker::Assistant => "model",
    };
    json!({"role": role, "parts": parts})
}

fn name_call(part: &mut Value, id: &str) {
    if let (Some(part), Some(id)) = (part.as_object_mut(), own_id(id)) {
        part.insert("id".into(), json!(id));
    }
}

/// Older models think by a budget of tokens instead of a level.
pub(super) fn adapt(body: &mut Map<String, Value>, complaint: &str) -> bool {
    if !complaint.to_lowercase().contains("thinking") {
        return false;
    }
    let generation = body.get_mut("generationConfig");
    let thinking = generation.and_then(|it| it.get_mut("thinkingConfig")?.as_object_mut());
    let Some(thinking) = thinking else {
        return false;
    };
    let Some(level) = thinking.remove("thinkingLevel") else {
        return false;
    };
    let level = level.as_str();
    let budget = match level {
        Some(level) if level == Effort::Low.name() => 1024,
        Some(level) if level == Effort::High.name() => 16_384,
        _ => 4096,
    };
    thinking.insert("thinkingBudget".into(), json!(budget));
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::{RawItems, Tool, ToolCall, ToolResult};

    #[test]
    fn a_request_and_how_it_goes_on() {
        let config = ProviderConfig::new("p", "https://host", "gemini");
        let call = ToolCall {
            id: crate::format::invented_id(0),
            name: "read".into(),
            arguments: json!({"path": "a"}),
        };
        let result = |call: &str, is_error| ToolResult {
            call: call.into(),
            name: "read".into(),
            text: "x".into(),
            is_error,
        };
        let mut request = ModelRequest {
            system: "Be brief.".into(),
            messages: vec![
                Message::user("1"),
                Message {
                    calls: vec![call.clone()],
                    ..Message::assistant("2")
                },
                Message::results(vec![result(&call.id, false), result("own", true)]),
            ],
            tools: vec![Tool {
                name: "read".into(),
                description: "Reads.".into(),
                schema: json!({"type": "object"}),
            }],
            max_output_tokens: Some(7),
            effort: Some(Effort::Low),
            ..ModelRequest::default()
        };
        let expected = json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "1"}]},
                {"role": "model", "parts": [{"text": "2"},
                    {"functionCall": {"name": "read", "args": {"path": "a"}}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "read", "response": {"output": "x"}}},
                    {"functionResponse": {"name": "read", "response": {"error": "x"}, "id": "own"}}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "read", "description": "Reads.",
                "parametersJsonSchema": {"type": "object"}}]}],
            "generationConfig": {"maxOutputTokens": 7,
                "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": true}},
        });
        assert_eq!(Value::Object(body(&config, &request)), expected);
        let own = json!({"functionCall": {"name": "read"}, "thoughtSignature": "s"});
        request.messages[1].raw = Some(RawItems {
            format: WireFormat::Gemini,
            items: vec![own.clone()],
        });
        let mut body = body(&config, &request);
        assert_eq!(body["contents"][1]["parts"], json!([own]));
        assert!(!adapt(&mut body, "Unknown field"));
        assert!(adapt(
            &mut body,
            "Thinking level is not supported for this model."
        ));
        assert_eq!(
            body["generationConfig"]["thinkingConfig"],
            json!({"thinkingBudget": 1024, "includeThoughts": true})
        );
    }
}
