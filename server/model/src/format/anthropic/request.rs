//! What an Anthropic message is asked with.

use serde_json::{Map, Value, json};

use crate::format::WireFormat;
use crate::{Effort, Message, ModelRequest, ProviderConfig, Speaker};

/// The bound on an answer that must be named, when nobody names one. Every model since Claude 3.5
/// takes it.
const OUTPUT_TOKENS: u32 = 8192;
/// The least bound beside thinking of the older kind that leaves room for an answer.
const ANSWER_TOKENS: u64 = 4096;

pub(super) fn body(config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
    let mut body = Map::new();
    let bound = request.max_output_tokens.or(config.max_output_tokens);
    body.insert("model".into(), json!(config.model));
    body.insert("max_tokens".into(), json!(bound.unwrap_or(OUTPUT_TOKENS)));
    body.insert("stream".into(), json!(true));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"name": tool.name, "description": tool.description, "input_schema": tool.schema})
        });
        body.insert("tools".into(), tools.collect());
    }
    if !request.system.is_empty() {
        let mut system = json!({"type": "text", "text": request.system});
        if request.goes_on {
            // The tools stand before it and are kept with it.
            keep(&mut system);
        }
        body.insert("system".into(), json!([system]));
    }
    let mut messages: Vec<Value> = request.messages.iter().map(message).collect();
    if request.goes_on
        && let Some(last) = messages
            .last_mut()
            .and_then(|message| message.get_mut("content")?.as_array_mut()?.last_mut())
    {
        keep(last);
    }
    body.insert("messages".into(), Value::Array(messages));
    if let Some(temperature) = request.temperature.or(config.temperature) {
        body.insert("temperature".into(), json!(temperature));
    }
    if let Some(effort) = request.effort.or(config.effort) {
        body.insert("thinking".into(), json!({"type": "adaptive"}));
        body.insert("output_config".into(), json!({"effort": effort.name()}));
    }
    body
}

/// Marks the end of what the server should keep.
fn keep(block: &mut Value) {
    if let Some(block) = block.as_object_mut() {
        block.insert("cache_control".into(), json!({"type": "ephemeral"}));
    }
}

fn message(message: &Message) -> Value {
    if message.speaker == Speaker::User {
        let mut content: Vec<Value> = message
            .results
            .iter()
            .map(|result| {
                json!({
                    "type": "tool_result", "tool_use_id": result.call,
                    "content": result.text, "is_error": result.is_error,
                })
            })
            .collect();
        if !message.text.is_empty() || content.is_empty() {
            content.push(json!({"type": "text", "text": message.text}));
        }
        return json!({"role": "user", "content": content});
    }
    if let Some(items) = message.raw_for(WireFormat::Anthropic) {
        return json!({"role": "assistant", "content": items});
    }
    let mut content = Vec::new();
    // An empty text is refused.
    if !message.text.is_empty() {
        content.push(json!({"type": "text", "text": message.text}));
    }
    content.extend(message.calls.iter().map(|call| {
        json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})
    }));
    json!({"role": "assistant", "content": content})
}

/// Older models think by a budget of tokens instead of an effort.
pub(super) fn adapt(body: &mut Map<String, Value>, complaint: &str) -> bool {
    let is_about_thinking = ["adaptive", "output_config", "effort"]
        .iter()
        .any(|word| complaint.contains(word));
    if !is_about_thinking {
        return false;
    }
    let Some(effort) = body.remove("output_config") else {
        return false;
    };
    let effort = effort.get("effort").and_then(Value::as_str);
    // The least budget that is allowed is 1024.
    let budget: u64 = match effort {
        Some(effort) if effort == Effort::Low.name() => 1024,
        Some(effort) if effort == Effort::High.name() => 16_384,
        _ => 4096,
    };
    let bound = body.get("max_tokens").and_then(Value::as_u64);
    let bound = bound.unwrap_or_default().max(budget + ANSWER_TOKENS);
    body.insert("max_tokens".into(), json!(bound));
    let thinking = json!({"type": "enabled", "budget_tokens": budget});
    body.insert("thinking".into(), thinking);
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::{RawItems, Tool, ToolCall, ToolResult};

    fn ask(request: &ModelRequest) -> Value {
        let config = ProviderConfig::new("p", "https://api.anthropic.com", "claude");
        Value::Object(body(&config, request))
    }

    #[test]
    fn a_request_in_anthropic_s_form() {
        let request = ModelRequest {
            system: "Be brief.".into(),
            messages: vec![
                Message::user("1"),
                Message::assistant("2"),
                Message::user("3"),
            ],
            ..ModelRequest::default()
        };
        let text = |text: &str| json!([{"type": "text", "text": text}]);
        let expected = json!({
            "model": "claude",
            "max_tokens": 8192,
            "stream": true,
            "system": text("Be brief."),
            "messages": [
                {"role": "user", "content": text("1")},
                {"role": "assistant", "content": text("2")},
                {"role": "user", "content": text("3")},
            ],
        });
        assert_eq!(ask(&request), expected);
    }

    #[test]
    fn a_conversation_with_tools_goes_on() {
        let call = ToolCall {
            id: "toolu_1".into(),
            name: "read".into(),
            arguments: json!({"path": "a"}),
        };
        let result = ToolResult {
            call: "toolu_1".into(),
            name: "read".into(),
            text: "no such file".into(),
            is_error: true,
        };
        let mut request = ModelRequest {
            system: "Be brief.".into(),
            messages: vec![
                Message::user("1"),
                Message {
                    calls: vec![call],
                    ..Message::assistant("")
                },
                Message::results(vec![result]),
            ],
            tools: vec![Tool {
                name: "read".into(),
                description: "Reads.".into(),
                schema: json!({"type": "object"}),
            }],
            max_output_tokens: Some(100),
            effort: Some(Effort::High),
            goes_on: true,
            ..ModelRequest::default()
        };
        let body = ask(&request);
        let kept = json!({"type": "ephemeral"});
        assert_eq!(body["max_tokens"], 100);
        assert_eq!(
            body["tools"],
            json!([{"name": "read", "description": "Reads.", "input_schema": {"type": "object"}}])
        );
        assert_eq!(body["system"][0]["cache_control"], kept);
        assert_eq!(
            body["messages"][1]["content"],
            json!([{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}}])
        );
        assert_eq!(
            body["messages"][2]["content"],
            json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such file",
                "is_error": true, "cache_control": kept}])
        );
        assert_eq!(body["output_config"], json!({"effort": "high"}));
        // Thoughts come back with their signatures.
        let own = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
        request.messages[1].raw = Some(RawItems {
            format: WireFormat::Anthropic,
            items: vec![own.clone()],
        });
        assert_eq!(ask(&request)["messages"][1]["content"], json!([own]));
    }

    #[test]
    fn a_model_that_thinks_by_a_budget_gets_one() {
        let mut body = ask(&ModelRequest {
            effort: Some(Effort::Low),
            max_output_tokens: Some(100),
            ..ModelRequest::default()
        })
        .as_object()
        .cloned()
        .unwrap_or_default();
        assert!(!adapt(&mut body, "messages: at least one message"));
        assert!(adapt(
            &mut body,
            "thinking.type: Input should be 'enabled' or 'disabled', not 'adaptive'"
        ));
        assert_eq!(
            body["thinking"],
            json!({"type": "enabled", "budget_tokens": 1024})
        );
        assert_eq!(body["max_tokens"], 5120);
        assert!(!adapt(&mut body, "effort: unknown"), "only once");
    }
}
