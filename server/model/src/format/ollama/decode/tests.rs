//! Streams in the shapes that Ollama sends.
#![allow(clippy::panic)]

use serde_json::{Value, json};

use crate::decode::Broken;
use crate::format::tests::{Failure, arguments, call, plain, read, said, thought};
use crate::{ModelEvent, StopReason, Usage, WireFormat};

fn lines(lines: &[Value]) -> (Vec<ModelEvent>, Result<StopReason, Failure>) {
    let text: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    read(WireFormat::Ollama, [text.concat().as_bytes()])
}

fn message(message: &Value) -> Value {
    json!({"model": "qwen3", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false})
}

fn done(reason: &str) -> Value {
    json!({"model": "qwen3", "message": {"role": "assistant", "content": ""}, "done": true,
        "done_reason": reason, "total_duration": 5, "prompt_eval_count": 11, "eval_count": 3})
}

#[test]
fn thoughts_text_calls_and_counts() {
    let (all, end) = lines(&[
        message(&json!({"role": "assistant", "content": "", "thinking": "Hm"})),
        message(&json!({"role": "assistant", "content": "A"})),
        message(&json!({"role": "assistant", "content": "",
            "tool_calls": [{"function": {"index": 0, "name": "read", "arguments": {"x": 1}}}]})),
        done("stop"),
    ]);
    assert_eq!(end, Ok(StopReason::ToolUse));
    let item = json!({"role": "assistant", "content": "A", "thinking": "Hm",
        "tool_calls": [{"function": {"index": 0, "name": "read", "arguments": {"x": 1}}}]});
    assert!(all.contains(&ModelEvent::Item(item)), "{all:?}");
    let usage = Usage {
        input_tokens: 11,
        output_tokens: 3,
        ..Usage::default()
    };
    assert_eq!(
        plain(all),
        [
            thought("Hm"),
            said("A"),
            call(0, "pleach-call-0", "read"),
            arguments(0, "{\"x\":1}"),
            ModelEvent::Usage(usage),
            ModelEvent::Stopped(StopReason::ToolUse),
        ]
    );
}

#[test]
fn thoughts_in_the_text_are_told_apart() {
    let piece = |text: &str| message(&json!({"role": "assistant", "content": text}));
    let (all, end) = lines(&[
        piece("<thi"),
        piece("nk>hm</think>\n"),
        piece("yes"),
        done("stop"),
    ]);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(
        plain(all).get(..2),
        Some([thought("hm"), said("yes")].as_slice())
    );
}

#[test]
fn reasons_are_told_apart() {
    let text = message(&json!({"role": "assistant", "content": "a"}));
    let end = |reason| lines(&[text.clone(), done(reason)]).1;
    assert_eq!(end("stop"), Ok(StopReason::EndTurn));
    assert_eq!(end("length"), Ok(StopReason::MaxTokens));
    assert_eq!(end("load"), Ok(StopReason::Other("load".into())));
    assert_eq!(lines(&[text]).1, Err(Failure::Broken(Broken::Truncated)));
}

#[test]
fn json_that_is_no_part_of_an_answer_does_no_harm_unless_the_end_is_missing() {
    let foreign = json!({"id": 7, "object": "something else"});
    let text = message(&json!({"role": "assistant", "content": "a"}));
    let end = |all: &[Value]| lines(all).1;
    let whole = [text.clone(), foreign.clone(), done("stop")];
    assert_eq!(end(&whole), Ok(StopReason::EndTurn));
    for cut in [vec![foreign.clone()], vec![text, foreign]] {
        let end = end(&cut);
        let is_unreadable = matches!(end, Err(Failure::Broken(Broken::Unreadable(_))));
        assert!(is_unreadable, "{end:?}");
    }
}

#[test]
fn an_error_inside_the_answer() {
    let (_, end) = lines(&[
        message(&json!({"role": "assistant", "content": "a"})),
        json!({"error": "an error was encountered while running the model: CUDA error"}),
    ]);
    let Err(Failure::Broken(Broken::Reported(complaint))) = end else {
        panic!("{end:?}");
    };
    assert!(complaint.message.ends_with("CUDA error"), "{complaint:?}");
}
