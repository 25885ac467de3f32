//! Streams in the shapes that Anthropic sends.
#![allow(clippy::panic)]

use serde_json::{Value, json};

use crate::decode::Broken;
use crate::format::tests::{Failure, arguments, call, events, plain, said, thought};
use crate::{ModelEvent, StopReason, Usage, WireFormat};

fn read(data: &[Value]) -> (Vec<ModelEvent>, Result<StopReason, Failure>) {
    events(WireFormat::Anthropic, data)
}

fn start(at: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": at, "content_block": block})
}

fn delta(at: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": at, "delta": delta})
}

fn stop(at: u64) -> Value {
    json!({"type": "content_block_stop", "index": at})
}

fn ended(reason: &str) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn counts_are_gathered_from_both_ends() {
    let (all, end) = read(&[
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude-x", "content": [], "stop_reason": null,
            "usage": {"input_tokens": 10, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000,
                "cache_creation": {"ephemeral_5m_input_tokens": 100}, "output_tokens": 1}}}),
        start(0, &json!({"type": "text", "text": ""})),
        delta(0, &json!({"type": "text_delta", "text": "Hi"})),
        stop(0),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"input_tokens": null, "output_tokens": 12, "output_tokens_details": {"thinking_tokens": 4}}}),
        json!({"type": "message_stop"}),
    ]);
    let usage = |output_tokens, reasoning_tokens| {
        ModelEvent::Usage(Usage {
            input_tokens: 1110,
            output_tokens,
            cached_tokens: Some(1000),
            cache_write_tokens: Some(100),
            reasoning_tokens,
        })
    };
    assert_eq!(
        all.first(),
        Some(&ModelEvent::Started {
            model: "claude-x".into()
        })
    );
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(
        plain(all),
        [
            usage(1, None),
            said("Hi"),
            usage(12, Some(4)),
            ModelEvent::Stopped(StopReason::EndTurn)
        ]
    );
}

#[test]
fn blocks_go_back_as_they_came() {
    let redacted = json!({"type": "redacted_thinking", "data": "abc"});
    let server = json!({"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}});
    let citation = json!({"type": "char_location", "cited_text": "x"});
    let mut stream = vec![
        start(
            0,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        delta(0, &json!({"type": "thinking_delta", "thinking": "Hm"})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "."})),
        delta(0, &json!({"type": "signature_delta", "signature": "sig"})),
        stop(0),
        start(1, &redacted),
        stop(1),
        start(2, &server),
        delta(
            2,
            &json!({"type": "input_json_delta", "partial_json": "{\"query\":\"x\"}"}),
        ),
        stop(2),
        start(3, &json!({"type": "text", "text": "", "citations": null})),
        delta(3, &json!({"type": "text_delta", "text": "A"})),
        delta(3, &json!({"type": "citations_delta", "citation": citation})),
        stop(3),
        start(
            4,
            &json!({"type": "tool_use", "id": "t1", "name": "read", "input": {}}),
        ),
        delta(4, &json!({"type": "input_json_delta", "partial_json": ""})),
        delta(
            4,
            &json!({"type": "input_json_delta", "partial_json": "{\"a\":"}),
        ),
        delta(
            4,
            &json!({"type": "input_json_delta", "partial_json": "1}"}),
        ),
        stop(4),
        start(
            5,
            &json!({"type": "tool_use", "id": "t2", "name": "list", "input": {}}),
        ),
        stop(5),
    ];
    stream.extend(ended("tool_use"));
    let (all, end) = read(&stream);
    assert_eq!(end, Ok(StopReason::ToolUse));
    let items: Vec<&Value> = all
        .iter()
        .filter_map(|event| match event {
            ModelEvent::Item(item) => Some(item),
            _ => None,
        })
        .collect();
    let expected = [
        json!({"type": "thinking", "thinking": "Hm.", "signature": "sig"}),
        redacted,
        json!({"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": "x"}}),
        json!({"type": "text", "text": "A", "citations": [citation]}),
        json!({"type": "tool_use", "id": "t1", "name": "read", "input": {"a": 1}}),
        json!({"type": "tool_use", "id": "t2", "name": "list", "input": {}}),
    ];
    assert_eq!(items, expected.iter().collect::<Vec<_>>());
    assert_eq!(
        plain(all),
        [
            thought("Hm"),
            thought("."),
            said("A"),
            call(0, "t1", "read"),
            arguments(0, "{\"a\":"),
            arguments(0, "1}"),
            call(1, "t2", "list"),
            ModelEvent::Stopped(StopReason::ToolUse),
        ]
    );
}

#[test]
fn what_it_does_not_know_is_kept_raw() {
    let future = json!({"type": "future_event", "x": 1});
    let odd = delta(0, &json!({"type": "compaction_delta", "content": "…"}));
    let mut stream = vec![
        future.clone(),
        start(0, &json!({"type": "compaction", "content": null})),
        odd.clone(),
        stop(0),
    ];
    stream.extend(ended("end_turn"));
    let (all, end) = read(&stream);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(
        plain(all),
        [
            ModelEvent::Raw(future),
            ModelEvent::Raw(odd),
            ModelEvent::Stopped(StopReason::EndTurn)
        ]
    );
}

#[test]
fn reasons_are_told_apart() {
    let end = |reason| read(&ended(reason)).1.ok();
    assert_eq!(end("stop_sequence"), Some(StopReason::EndTurn));
    assert_eq!(end("max_tokens"), Some(StopReason::MaxTokens));
    assert_eq!(
        end("model_context_window_exceeded"),
        Some(StopReason::MaxTokens)
    );
    assert_eq!(end("refusal"), Some(StopReason::Refusal));
    assert_eq!(
        end("pause_turn"),
        Some(StopReason::Other("pause_turn".into()))
    );
    // The reason alone is not the end.
    let (_, end) = read(&ended("end_turn")[..1]);
    assert_eq!(end, Err(Failure::Broken(Broken::Truncated)));
}

#[test]
fn an_error_inside_the_answer() {
    let (all, end) = read(&[
        start(0, &json!({"type": "text", "text": "Hal"})),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ]);
    assert_eq!(plain(all), [said("Hal")]);
    let Err(Failure::Broken(Broken::Reported(complaint))) = end else {
        panic!("{end:?}");
    };
    assert_eq!(complaint.kind.trim(), "overloaded_error");
}

#[test]
fn an_answer_that_was_not_streamed() {
    let message = json!({"type": "message", "model": "m", "stop_reason": "tool_use", "content": [
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "t", "name": "read", "input": {"a": 1}},
    ], "usage": {"input_tokens": 1, "output_tokens": 2}});
    let text = message.to_string();
    let (all, end) = crate::format::tests::read(WireFormat::Anthropic, [text.as_bytes()]);
    assert_eq!(end, Ok(StopReason::ToolUse));
    let all = plain(all);
    assert_eq!(all.first(), Some(&said("Hi")));
    assert!(all.contains(&arguments(0, "{\"a\":1}")), "{all:?}");
}
