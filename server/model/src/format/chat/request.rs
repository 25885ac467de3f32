//! What a chat completion is asked with.

use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::format::WireFormat;
use crate::{Message, ModelRequest, ProviderConfig, Speaker};

pub(super) fn body(config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    for message in &request.messages {
        match message.raw_for(WireFormat::Chat) {
            Some(items) => messages.extend_from_slice(items),
            None => self::messages(message, &mut messages),
        }
    }
    let mut body = Map::new();
    body.insert("model".into(), json!(config.model));
    body.insert("messages".into(), Value::Array(messages));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({"include_usage": true}));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.schema,
            }})
        });
        body.insert("tools".into(), tools.collect());
    }
    if let Some(bound) = request.max_output_tokens.or(config.max_output_tokens) {
        // OpenAI's newer models refuse the old name, other servers do not know the new one.
        let is_openai =
            Url::parse(&config.base_url).is_ok_and(|url| url.host_str() == Some("api.openai.com"));
        let name = if is_openai { NEW_BOUND } else { OLD_BOUND };
        body.insert(name.into(), json!(bound));
    }
    if let Some(temperature) = request.temperature.or(config.temperature) {
        body.insert("temperature".into(), json!(temperature));
    }
    if let Some(effort) = request.effort.or(config.effort) {
        body.insert("reasoning_effort".into(), json!(effort.name()));
    }
    body
}

const OLD_BOUND: &str = "max_tokens";
const NEW_BOUND: &str = "max_completion_tokens";

/// One message of ours may be several of theirs: each result of a call is one.
fn messages(message: &Message, messages: &mut Vec<Value>) {
    for result in &message.results {
        messages.push(json!({
            "role": "tool", "tool_call_id": result.call, "content": result.text,
        }));
    }
    if message.speaker == Speaker::User {
        if !message.text.is_empty() || message.results.is_empty() {
            messages.push(json!({"role": "user", "content": message.text}));
        }
        return;
    }
    let mut reply = json!({"role": "assistant", "content": message.text});
    if !message.calls.is_empty() {
        let calls: Vec<Value> = message
            .calls
            .iter()
            .map(|call| {
                json!({"id": call.id, "type": "function", "function": {
                    "name": call.name, "arguments": call.arguments.to_string(),
                }})
            })
            .collect();
        if let Some(reply) = reply.as_object_mut() {
            reply.insert("tool_calls".into(), Value::Array(calls));
        }
    }
    messages.push(reply);
}

pub(super) fn adapt(body: &mut Map<String, Value>, complaint: &str) -> bool {
    for (old, new) in [(OLD_BOUND, NEW_BOUND), (NEW_BOUND, OLD_BOUND)] {
        // OpenAI's complaint about the old name recommends the new one.
        if complaint.contains(old)
            && body.contains_key(old)
            && (new == OLD_BOUND || complaint.contains(new))
            && let Some(bound) = body.remove(old)
        {
            body.insert(new.into(), bound);
            return true;
        }
    }
    complaint.contains("stream_options") && body.remove("stream_options").is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::{Effort, RawItems, Tool, ToolCall, ToolResult};

    fn ask(base_url: &str, request: &ModelRequest) -> Value {
        Value::Object(body(&ProviderConfig::new("p", base_url, "m"), request))
    }

    #[test]
    fn a_request_in_openai_s_form() {
        let request = ModelRequest {
            system: "Be brief.".into(),
            messages: vec![
                Message::user("1"),
                Message::assistant("2"),
                Message::user("3"),
            ],
            max_output_tokens: Some(50),
            ..ModelRequest::default()
        };
        let body = ask("http://127.0.0.1:1", &request);
        let expected = json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "1"},
                {"role": "assistant", "content": "2"},
                {"role": "user", "content": "3"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 50,
        });
        assert_eq!(body, expected);
        let body = ask("https://api.openai.com/v1", &request);
        assert_eq!(body["max_completion_tokens"], 50);
        assert_eq!(body.get("max_tokens"), None);
    }

    #[test]
    fn tools_their_calls_and_their_results() {
        let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
        let called = Message {
            calls: vec![ToolCall {
                id: "c1".into(),
                name: "read".into(),
                arguments: json!({"path": "a.rs"}),
            }],
            ..Message::assistant("Reading.")
        };
        let results = Message::results(vec![ToolResult {
            call: "c1".into(),
            name: "read".into(),
            text: "fn a() {}".into(),
            is_error: false,
        }]);
        let mut request = ModelRequest {
            messages: vec![Message::user("1"), called, results],
            tools: vec![Tool {
                name: "read".into(),
                description: "Reads a file.".into(),
                schema: schema.clone(),
            }],
            effort: Some(Effort::Low),
            ..ModelRequest::default()
        };
        let body = ask("http://127.0.0.1:1", &request);
        assert_eq!(
            body["tools"],
            json!([{"type": "function", "function":
                {"name": "read", "description": "Reads a file.", "parameters": schema}}])
        );
        assert_eq!(
            body["messages"][1],
            json!({"role": "assistant", "content": "Reading.", "tool_calls": [
                {"id": "c1", "type": "function", "function":
                    {"name": "read", "arguments": "{\"path\":\"a.rs\"}"}}]})
        );
        assert_eq!(
            body["messages"][2],
            json!({"role": "tool", "tool_call_id": "c1", "content": "fn a() {}"})
        );
        assert_eq!(body["messages"].as_array().map(Vec::len), Some(3));
        assert_eq!(body["reasoning_effort"], "low");
        // What the server itself said goes back as it was.
        let own = json!({"role": "assistant", "content": "x", "signature": "s"});
        request.messages[1].raw = Some(RawItems {
            format: WireFormat::Chat,
            items: vec![own.clone()],
        });
        assert_eq!(ask("http://127.0.0.1:1", &request)["messages"][1], own);
    }

    #[track_caller]
    fn check(before: &Value, complaint: &str, after: Option<&Value>) {
        let mut body = before.as_object().cloned().unwrap_or_default();
        let changed = adapt(&mut body, complaint);
        assert_eq!(changed.then_some(Value::Object(body)).as_ref(), after);
    }

    #[test]
    fn words_that_a_server_does_not_know_are_replaced_or_left_out() {
        let old = json!({"max_tokens": 5});
        let new = json!({"max_completion_tokens": 5});
        check(
            &old,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
             'max_completion_tokens' instead.",
            Some(&new),
        );
        check(&new, "unknown field `max_completion_tokens`", Some(&old));
        check(&old, "max_tokens is too large: 5", None);
        let counted = json!({"stream_options": {"include_usage": true}});
        check(
            &counted,
            "stream_options: extra inputs are not permitted",
            Some(&json!({})),
        );
        check(&old, "temperature must be 1", None);
    }
}
