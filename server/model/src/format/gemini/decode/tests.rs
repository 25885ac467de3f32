//! Streams in the shapes that Gemini sends.

#![allow(clippy::panic)]

use serde_json::{Value, json};

use crate::decode::Broken;
use crate::format::tests::{Failure, arguments, call, events, plain, said, thought};
use crate::{ModelEvent, StopReason, Usage, WireFormat};

fn read(data: &[Value]) -> (Vec<ModelEvent>, Result<StopReason, Failure>) {
    events(WireFormat::Gemini, data)
}

fn chunk(parts: &Value, reason: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let (Some(reason), Some(candidate)) = (reason, candidate.as_object_mut()) {
        candidate.insert("finishReason".into(), json!(reason));
    }
    json!({"candidates": [candidate], "modelVersion": "gemini-x", "responseId": "r"})
}

#[test]
fn thoughts_text_calls_and_counts() {
    let mut last = chunk(&json!([{"text": ""}]), Some("STOP"));
    if let Some(last) = last.as_object_mut() {
        let counts = json!({"promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 5,
            "thoughtsTokenCount": 3, "totalTokenCount": 18, "toolUsePromptTokenCount": 2});
        last.insert("usageMetadata".into(), counts);
    }
    let (all, end) = read(&[
        chunk(&json!([{"text": "Hm", "thought": true}]), None),
        chunk(&json!([{"text": "A"}]), None),
        chunk(
            &json!([{"text": "B"}, {"functionCall": {"name": "read", "args": {"x": 1}}, "thoughtSignature": "s1"},
            {"functionCall": {"name": "list", "args": {}}}]),
            None,
        ),
        chunk(&json!([{"text": "", "thoughtSignature": "s2"}]), None),
        last,
    ]);
    assert_eq!(end, Ok(StopReason::ToolUse));
    let items: Vec<&Value> = all
        .iter()
        .filter_map(|event| match event {
            ModelEvent::Item(item) => Some(item),
            _ => None,
        })
        .collect();
    let expected = [
        json!({"text": "Hm", "thought": true}),
        json!({"text": "AB"}),
        json!({"functionCall": {"name": "read", "args": {"x": 1}}, "thoughtSignature": "s1"}),
        json!({"functionCall": {"name": "list", "args": {}}}),
        json!({"text": "", "thoughtSignature": "s2"}),
        json!({"text": ""}),
    ];
    assert_eq!(items, expected.iter().collect::<Vec<_>>());
    let usage = Usage {
        input_tokens: 12,
        output_tokens: 8,
        cached_tokens: Some(4),
        cache_write_tokens: None,
        reasoning_tokens: Some(3),
    };
    assert_eq!(
        plain(all),
        [
            thought("Hm"),
            said("A"),
            said("B"),
            call(0, "pleach-call-0", "read"),
            arguments(0, "{\"x\":1}"),
            call(1, "pleach-call-1", "list"),
            arguments(1, "{}"),
            ModelEvent::Usage(usage),
            ModelEvent::Stopped(StopReason::ToolUse),
        ]
    );
}

#[test]
fn reasons_are_told_apart() {
    let end = |reason| read(&[chunk(&json!([{"text": "a"}]), Some(reason))]).1;
    assert_eq!(end("STOP"), Ok(StopReason::EndTurn));
    assert_eq!(end("MAX_TOKENS"), Ok(StopReason::MaxTokens));
    for filtered in [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
    ] {
        assert_eq!(end(filtered), Ok(StopReason::Refusal), "{filtered}");
    }
    assert_eq!(end("OTHER"), Ok(StopReason::Other("OTHER".into())));
    assert_eq!(end(""), Err(Failure::Broken(Broken::Truncated)));
    // A call that the model got wrong is neither an answer nor a call.
    for wrong in [
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "MISSING_THOUGHT_SIGNATURE",
    ] {
        let wrong = end(wrong);
        assert!(
            matches!(wrong, Err(Failure::Broken(Broken::Unreadable(_)))),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_prompt_that_is_blocked_has_no_candidates() {
    let (all, end) = read(&[
        json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 4}, "modelVersion": "gemini-x"}),
    ]);
    let Err(Failure::Broken(Broken::Reported(complaint))) = end else {
        panic!("{end:?}");
    };
    assert_eq!(complaint.kind, "content_filter");
    assert_eq!(
        complaint.message,
        "the question was blocked (PROHIBITED_CONTENT)"
    );
    assert!(
        matches!(plain(all).first(), Some(ModelEvent::Usage(usage)) if usage.input_tokens == 4)
    );
    // What is told about a prompt that is not blocked says nothing.
    let (_, end) = read(&[json!({"promptFeedback": {"safetyRatings": []}})]);
    assert_eq!(end, Err(Failure::Broken(Broken::Truncated)));
}

#[test]
fn parts_of_other_kinds_are_kept_raw() {
    let odd = json!({"executableCode": {"language": "PYTHON", "code": "1"}});
    let (all, end) = read(&[chunk(&json!([odd]), Some("STOP"))]);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(plain(all).first(), Some(&ModelEvent::Raw(odd)));
}

#[test]
fn an_answer_that_came_as_one_list() {
    let list = json!([
        chunk(&json!([{"text": "A"}]), None),
        chunk(&json!([{"text": "B"}]), Some("STOP"))
    ]);
    let text = list.to_string();
    let (all, end) = crate::format::tests::read(WireFormat::Gemini, [text.as_bytes()]);
    assert_eq!(end, Ok(StopReason::EndTurn));
    assert_eq!(plain(all).get(..2), Some([said("A"), said("B")].as_slice()));
}
