//! What holds for every format: streams in the shapes that servers send, cut anywhere.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::WireFormat;
use crate::decode::{Broken, Decoder};
use crate::wire::{Patience, Wire, WireError};
use crate::{ModelEvent, Reply, StopReason};

/// Why no answer came of it.
#[derive(Debug, PartialEq)]
pub(super) enum Failure {
    Wire(WireError),
    Broken(Broken),
}

/// Reads a stream that comes in these pieces, as [`crate::Provider`] would.
pub(super) fn read<'a>(
    format: WireFormat,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<ModelEvent>, Result<StopReason, Failure>) {
    let patience = Duration::from_mins(1);
    let pieces: Vec<_> = pieces
        .into_iter()
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let mut all = Vec::new();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let end = runtime.block_on(async {
        let patience = Patience {
            first_until: Instant::now() + patience,
            first: patience,
            idle: patience,
        };
        let framing = format.dialect().framing();
        let mut wire = Wire::new(stream::iter(pieces).boxed(), framing, patience);
        let mut decoder = Decoder::new(format);
        while !decoder.is_done() {
            match wire.next().await {
                None => break,
                Some(payload) => {
                    let payload = payload.map_err(Failure::Wire)?;
                    all.extend(decoder.decode(&payload).map_err(Failure::Broken)?);
                }
            }
        }
        all.extend(decoder.flush());
        all.extend(decoder.finish().map_err(Failure::Broken)?);
        Ok(())
    });
    let stopped = match all.last() {
        Some(ModelEvent::Stopped(reason)) => Ok(reason.clone()),
        _ => Err(end.err().unwrap_or(Failure::Broken(Broken::Truncated))),
    };
    (all, stopped)
}

/// Reads server-sent events whose data are these.
pub(super) fn events(
    format: WireFormat,
    data: &[Value],
) -> (Vec<ModelEvent>, Result<StopReason, Failure>) {
    let stream = sse(data);
    read(format, [stream.as_bytes()])
}

/// Named after their type, as OpenAI and Anthropic do.
pub(super) fn sse(data: &[Value]) -> String {
    let event = |data: &Value| match data["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    };
    data.iter().map(event).collect()
}

/// Without the beginning, and without what is kept for the next request.
pub(super) fn plain(events: Vec<ModelEvent>) -> Vec<ModelEvent> {
    let is_plain =
        |event: &ModelEvent| !matches!(event, ModelEvent::Started { .. } | ModelEvent::Item(_));
    events.into_iter().filter(is_plain).collect()
}

pub(super) fn said(text: &str) -> ModelEvent {
    ModelEvent::Text(text.into())
}

pub(super) fn thought(text: &str) -> ModelEvent {
    ModelEvent::Thinking(text.into())
}

pub(super) fn call(index: usize, id: &str, name: &str) -> ModelEvent {
    ModelEvent::ToolCall {
        index,
        id: id.into(),
        name: name.into(),
    }
}

pub(super) fn arguments(index: usize, piece: &str) -> ModelEvent {
    ModelEvent::ToolArguments {
        index,
        piece: piece.into(),
    }
}

/// An answer that thinks `Größe?`, says `日本 `, and calls `read` with a path.
fn stream_of(format: WireFormat) -> String {
    let read = json!({"path": "größer.rs"});
    match format {
        WireFormat::Chat => {
            let choice = |delta: Value, reason: Option<&str>| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
            let call = |function: Value| json!({"tool_calls": [{"index": 0, "id": "c1", "function": function}]});
            sse(&[
                choice(json!({"reasoning_content": "Größe?"}), None),
                choice(json!({"content": "日本 "}), None),
                choice(
                    call(json!({"name": "read", "arguments": "{\"path\": "})),
                    None,
                ),
                choice(call(json!({"arguments": "\"größer.rs\"}"})), None),
                choice(json!({}), Some("tool_calls")),
            ]) + "data: [DONE]\n\n"
        }
        WireFormat::Responses => {
            let message =
                json!({"type": "message", "content": [{"type": "output_text", "text": "日本 "}]});
            let call = json!({"type": "function_call", "call_id": "c1", "name": "read", "arguments": read.to_string()});
            sse(&[
                json!({"type": "response.created", "response": {"model": "m"}}),
                json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Größe?"}),
                json!({"type": "response.output_text.delta", "output_index": 1, "delta": "日本 "}),
                json!({"type": "response.output_item.done", "output_index": 1, "item": message}),
                json!({"type": "response.output_item.added", "output_index": 2,
                    "item": {"type": "function_call", "call_id": "c1", "name": "read", "arguments": ""}}),
                json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": read.to_string()}),
                json!({"type": "response.output_item.done", "output_index": 2, "item": call}),
                json!({"type": "response.completed", "response": {"status": "completed", "output": []}}),
            ])
        }
        WireFormat::Anthropic => {
            let start = |at: u64, block: Value| json!({"type": "content_block_start", "index": at, "content_block": block});
            let delta = |at: u64, delta: Value| json!({"type": "content_block_delta", "index": at, "delta": delta});
            let stop = |at: u64| json!({"type": "content_block_stop", "index": at});
            sse(&[
                json!({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 5}}}),
                start(0, json!({"type": "thinking", "thinking": ""})),
                delta(0, json!({"type": "thinking_delta", "thinking": "Größe?"})),
                delta(0, json!({"type": "signature_delta", "signature": "sig"})),
                stop(0),
                json!({"type": "ping"}),
                start(1, json!({"type": "text", "text": ""})),
                delta(1, json!({"type": "text_delta", "text": "日本 "})),
                stop(1),
                start(
                    2,
                    json!({"type": "tool_use", "id": "c1", "name": "read", "input": {}}),
                ),
                delta(
                    2,
                    json!({"type": "input_json_delta", "partial_json": "{\"path\": \"grö"}),
                ),
                delta(
                    2,
                    json!({"type": "input_json_delta", "partial_json": "ßer.rs\"}"}),
                ),
                stop(2),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
                json!({"type": "message_stop"}),
            ])
        }
        WireFormat::Gemini => {
            let chunk = |part: Value, reason: Option<&str>| {
                json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]},
                    "finishReason": reason}], "modelVersion": "m"})
            };
            let call = json!({"functionCall": {"id": "c1", "name": "read", "args": read}, "thoughtSignature": "s"});
            sse(&[
                chunk(json!({"text": "Größe?", "thought": true}), None),
                chunk(json!({"text": "日本 "}), None),
                chunk(call, Some("STOP")),
            ])
        }
        WireFormat::Ollama => {
            let line = |message: Value, done: bool| {
                format!(
                    "{}\n",
                    json!({"model": "m", "message": message, "done": done})
                )
            };
            let call = json!({"role": "assistant", "content": "",
                "tool_calls": [{"id": "c1", "function": {"name": "read", "arguments": read}}]});
            line(
                json!({"role": "assistant", "content": "", "thinking": "Größe?"}),
                false,
            ) + &line(json!({"role": "assistant", "content": "日本 "}), false)
                + &line(call, false)
                + &line(json!({"role": "assistant", "content": ""}), true)
        }
    }
}

/// What the pieces of an answer come to.
fn sum(events: &[ModelEvent]) -> (Reply, String) {
    let mut reply = Reply::default();
    let mut thoughts = String::new();
    for event in events {
        if let ModelEvent::Thinking(text) = event {
            thoughts.push_str(text);
        }
        reply.take(event);
    }
    (reply, thoughts)
}

#[test]
fn all_formats_say_the_same_in_the_same_events() {
    for format in WireFormat::ALL {
        let stream = stream_of(format);
        let (events, stop) = read(format, [stream.as_bytes()]);
        assert_eq!(stop, Ok(StopReason::ToolUse), "{format:?}");
        assert!(
            matches!(events[0], ModelEvent::Started { .. }),
            "{format:?}"
        );
        let (reply, thoughts) = sum(&events);
        assert_eq!(
            (reply.text.as_str(), thoughts.as_str()),
            ("日本 ", "Größe?"),
            "{format:?}"
        );
        let calls = reply.calls().unwrap();
        assert_eq!(calls.len(), 1, "{format:?}");
        assert_eq!(
            (calls[0].id.as_str(), calls[0].name.as_str()),
            ("c1", "read"),
            "{format:?}"
        );
        assert_eq!(
            calls[0].arguments,
            json!({"path": "größer.rs"}),
            "{format:?}"
        );
        assert!(!reply.items.is_empty(), "{format:?}");
        assert!(
            !events
                .iter()
                .any(|event| matches!(event, ModelEvent::Raw(_))),
            "{format:?}"
        );
    }
}

/// An answer is whole when its terminal event is: what follows that is only its line's end.
#[test]
fn an_answer_that_ends_early_is_never_whole() {
    for format in WireFormat::ALL {
        let stream = stream_of(format);
        // Where the reason for the end begins, or the mark of the end.
        let terminal = match format {
            WireFormat::Chat => stream.rfind("\"tool_calls\"").unwrap(),
            WireFormat::Responses => stream.rfind("data:").unwrap(),
            WireFormat::Anthropic => stream.rfind("\"message_stop\"").unwrap(),
            WireFormat::Gemini => stream.rfind("\"STOP\"").unwrap(),
            WireFormat::Ollama => stream.rfind("true").unwrap(),
        };
        for end in 0..terminal {
            let (events, stop) = read(format, [&stream.as_bytes()[..end]]);
            assert!(
                matches!(
                    stop,
                    Err(Failure::Broken(Broken::Truncated) | Failure::Wire(WireError::Cut(_)))
                ),
                "{format:?} {end}: {stop:?}"
            );
            assert!(
                sum(&events)
                    .0
                    .calls()
                    .map_or(true, |calls| calls.is_empty()),
                "{format:?} {end}"
            );
        }
        assert!(
            read(format, [stream.trim_end().as_bytes()]).1.is_ok(),
            "{format:?}"
        );
    }
}

#[test]
fn what_no_format_knows_is_no_error() {
    for format in WireFormat::ALL {
        for odd in [
            json!({"type": "future.event", "delta": 7}),
            json!({"type": 7, "choices": {"a": 1}, "candidates": "x", "message": [], "usage": 1}),
            json!({"choices": [7, null], "candidates": [7, {"content": {"parts": [7, {"x": 1}]}}]}),
            json!({"type": "content_block_delta", "index": 99, "delta": {"type": "future"}}),
            json!({"type": "response.output_item.done", "item": 7}),
            json!({"message": {"tool_calls": [7, {"function": 7}]}, "usageMetadata": {"promptTokenCount": -1}}),
            json!([]),
            json!([7]),
        ] {
            let odd = match format {
                WireFormat::Ollama => format!("{odd}\n"),
                _ => sse(&[odd]),
            };
            let stream = odd.clone() + &stream_of(format);
            let (_, stop) = read(format, [stream.as_bytes()]);
            // Ollama's broken call is a call all the same.
            assert_eq!(stop, Ok(StopReason::ToolUse), "{format:?} {odd}");
        }
    }
}

fn format() -> impl Strategy<Value = WireFormat> {
    prop::sample::select(&WireFormat::ALL)
}

proptest! {
    /// Networks cut a stream anywhere: between CR and LF, and inside a letter.
    #[test]
    fn where_a_stream_is_cut_into_pieces_does_not_matter(
        format in format(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        crlf in any::<bool>(),
    ) {
        let stream = stream_of(format);
        let stream = if crlf { stream.replace('\n', "\r\n") } else { stream };
        let bytes = stream.as_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(read(format, pieces), read(format, [stream_of(format).as_bytes()]));
    }

    /// Nothing that a server sends ends the process.
    #[test]
    fn any_document_can_be_read(format in format(), documents in prop::collection::vec(document(), 1..4)) {
        let lines: Vec<String> = documents.iter().map(|document| format!("{document}\n")).collect();
        let _any = match format {
            WireFormat::Ollama => read(format, [lines.concat().as_bytes()]),
            _ => events(format, &documents),
        };
    }
}

/// Documents of names that mean something, with values that may be of any type.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "(message|text|tool_use|content_block_start|content_block_delta|response.completed|x|)"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = "(type|index|delta|choices|message|content|tool_calls|function|arguments|item|usage|\
                    candidates|parts|text|functionCall|response|output|content_block|id|name|status)";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
