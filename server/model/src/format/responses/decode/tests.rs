//! Streams in the shapes that OpenAI sends.
#![allow(clippy::panic)]

use serde_json::{Value, json};

use crate::decode::Broken;
use crate::format::tests::{Failure, arguments, call, events, plain, said, thought};
use crate::{ModelEvent, StopReason, Usage, WireFormat};

fn read(data: &[Value]) -> (Vec<ModelEvent>, Result<StopReason, Failure>) {
    events(WireFormat::Responses, data)
}

fn text(at: u64, delta: &str) -> Value {
    json!({"type": "response.output_text.delta", "item_id": "msg", "output_index": at,
        "content_index": 0, "delta": delta, "logprobs": [], "sequence_number": 1})
}

fn done(at: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": at, "item": item})
}

fn completed(usage: &Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "resp", "object": "response",
        "status": "completed", "error": null, "incomplete_details": null, "output": [], "usage": usage}})
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

#[test]
fn an_answer_with_reasoning_and_counts() {
    let reasoning =
        json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x"});
    let (all, end) = read(&[
        json!({"type": "response.created", "response": {"object": "response", "model": "gpt-x", "status": "in_progress"}}),
        json!({"type": "response.in_progress", "response": {"object": "response"}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning"}}),
        json!({"type": "response.reasoning_summary_part.added", "output_index": 0}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Hm"}),
        done(0, &reasoning),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "content": []}}),
        json!({"type": "response.content_part.added", "output_index": 1}),
        text(1, "Hel"),
        text(1, "lo"),
        json!({"type": "response.output_text.done", "output_index": 1, "text": "Hello"}),
        done(1, &message("Hello")),
        completed(
            &json!({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 16}),
        ),
    ]);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert!(all.contains(&ModelEvent::Item(reasoning)), "{all:?}");
    let usage = Usage {
        input_tokens: 9,
        output_tokens: 7,
        cached_tokens: Some(4),
        cache_write_tokens: Some(2),
        reasoning_tokens: Some(3),
    };
    assert_eq!(
        plain(all),
        [
            thought("Hm"),
            said("Hel"),
            said("lo"),
            ModelEvent::Usage(usage),
            ModelEvent::Stopped(StopReason::EndTurn),
        ]
    );
}

#[test]
fn calls_whose_arguments_come_in_pieces_at_the_end_or_with_the_item() {
    let item = |id: &str, arguments: &str| json!({"type": "function_call", "id": "fc", "call_id": id, "name": "read", "arguments": arguments});
    let added = |at: u64, id: &str| json!({"type": "response.output_item.added", "output_index": at, "item": item(id, "")});
    let piece = |at: u64, delta: &str| json!({"type": "response.function_call_arguments.delta", "output_index": at, "delta": delta});
    let (all, end) = read(&[
        added(0, "a"),
        added(1, "b"),
        // They may take turns.
        piece(0, "{\"x\""),
        piece(0, ":1}"),
        json!({"type": "response.function_call_arguments.done", "output_index": 0, "arguments": "{\"x\":1}"}),
        json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": "{\"y\":2}"}),
        done(0, &item("a", "{\"x\":1}")),
        done(1, &item("b", "{\"y\":2}")),
        done(2, &item("c", "{\"z\":3}")),
        completed(&Value::Null),
    ]);
    assert_eq!(end, Ok(StopReason::ToolUse));
    assert_eq!(
        plain(all),
        [
            call(0, "a", "read"),
            call(1, "b", "read"),
            arguments(0, "{\"x\""),
            arguments(0, ":1}"),
            arguments(1, "{\"y\":2}"),
            call(2, "c", "read"),
            arguments(2, "{\"z\":3}"),
            ModelEvent::Stopped(StopReason::ToolUse),
        ]
    );
}

#[test]
fn items_of_other_kinds_and_unknown_events_are_kept() {
    let patch =
        json!({"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}});
    let future = json!({"type": "response.future.thing", "x": 1});
    let (all, end) = read(&[future.clone(), done(0, &patch), completed(&Value::Null)]);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(
        all.get(..2),
        Some([ModelEvent::Raw(future), ModelEvent::Item(patch)].as_slice())
    );
}

#[test]
fn answers_that_are_incomplete_refused_or_failed() {
    let incomplete = |reason: &str| {
        json!({"type": "response.incomplete", "response": {"status": "incomplete",
            "incomplete_details": {"reason": reason}}})
    };
    let end = |last: Value| read(&[text(0, "a"), last]).1;
    assert_eq!(
        end(incomplete("max_output_tokens")),
        Ok(StopReason::MaxTokens)
    );
    assert_eq!(end(incomplete("content_filter")), Ok(StopReason::Refusal));
    assert_eq!(end(incomplete("odd")), Ok(StopReason::Other("odd".into())));
    let refusal = json!({"type": "response.refusal.delta", "output_index": 1, "delta": "No."});
    assert_eq!(
        read(&[refusal, completed(&Value::Null)]).1,
        Ok(StopReason::Refusal)
    );
    for failed in [
        json!({"type": "response.failed", "response": {"object": "response", "status": "failed",
            "error": {"code": "rate_limit_exceeded", "message": "Please try again in 2s."}}}),
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "Please try again in 2s.", "param": null}),
        json!({"type": "error", "error": {"type": "x", "code": "rate_limit_exceeded",
            "message": "Please try again in 2s."}}),
    ] {
        let Err(Failure::Broken(Broken::Reported(complaint))) = end(failed.clone()) else {
            panic!("{failed}");
        };
        assert!(
            complaint.kind.contains("rate_limit_exceeded"),
            "{complaint:?}"
        );
        assert_eq!(complaint.retry_after.map(|it| it.as_secs()), Some(2));
    }
}

#[test]
fn an_answer_that_was_not_streamed() {
    let response = json!({"object": "response", "model": "m", "status": "completed", "error": null,
        "output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}, message("Hi")],
        "usage": {"input_tokens": 1, "output_tokens": 2}});
    let text = response.to_string();
    let (all, end) = crate::format::tests::read(WireFormat::Responses, [text.as_bytes()]);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(
        plain(all).get(..2),
        Some([thought("Hm"), said("Hi")].as_slice())
    );
}

#[test]
fn llama_cpp_leaves_out_the_index() {
    let (all, end) = read(&[
        json!({"type": "response.created", "response": {"model": "m"}}),
        json!({"type": "response.output_text.delta", "item_id": "msg", "delta": "Hi"}),
        json!({"type": "response.output_item.done", "item": message("Hi")}),
        json!({"type": "response.completed", "response": {"status": "completed", "output": [message("Hi")]}}),
    ]);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(plain(all).first(), Some(&said("Hi")));
    assert_eq!(
        read(&[json!({"type": "response.output_text.delta", "delta": "Hi"})]).1,
        Err(Failure::Broken(Broken::Truncated))
    );
}
