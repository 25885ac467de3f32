//! Streams in the shapes that servers send, and what is read from them.
#![allow(clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;

use crate::decode::{Broken, Decoder};
use crate::wire::{Payload, PayloadEnd};
use crate::{ModelEvent, StopReason, Usage, WireFormat};
use expected::{said, thought};

mod expected {
    use crate::ModelEvent;

    pub(super) fn said(text: &str) -> ModelEvent {
        ModelEvent::Text(text.into())
    }
    pub(super) fn thought(text: &str) -> ModelEvent {
        ModelEvent::Thinking(text.into())
    }
}

fn payload(data: &str) -> Payload {
    Payload {
        event: None,
        data: data.into(),
        end: PayloadEnd::Closed,
    }
}

/// Reads events, then the end. `Started` is left out: every stream has one.
///
/// The item that goes back is told apart from the rest.
fn read(events: &[&str]) -> (Vec<ModelEvent>, Result<ModelEvent, Broken>) {
    let mut decoder = Decoder::new(WireFormat::Chat);
    let mut all = Vec::new();
    let mut end = None;
    for event in events {
        match decoder.decode(&payload(event)) {
            Ok(some) => all.extend(some),
            Err(broken) => end = Some(broken),
        }
    }
    all.extend(decoder.flush());
    all.retain(|event| !matches!(event, ModelEvent::Started { .. }));
    let end = end.map_or_else(
        || decoder.finish().map(|mut last| last.remove(last.len() - 1)),
        Err,
    );
    (all, end)
}

/// A stream whose content deltas are these, and which ends well.
fn contents(contents: &[&str]) -> Vec<ModelEvent> {
    let mut events: Vec<String> = contents
        .iter()
        .map(|text| serde_json::json!({"choices": [{"delta": {"content": text}}]}).to_string())
        .collect();
    events.push("[DONE]".into());
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    read(&events).0
}

const STOPPED: Result<ModelEvent, Broken> = Ok(ModelEvent::Stopped(StopReason::EndTurn));

#[test]
fn openai_with_counts_in_a_chunk_of_their_own() {
    let (events, end) = read(&[
        r#"{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"gpt","service_tier":"default","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
        r#"{"model":"gpt","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}"#,
        r#"{"model":"gpt","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}],"usage":null}"#,
        r#"{"model":"gpt","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
        r#"{"model":"gpt","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}}"#,
        "[DONE]",
    ]);
    let usage = Usage {
        input_tokens: 9,
        output_tokens: 5,
        cached_tokens: Some(4),
        cache_write_tokens: None,
        reasoning_tokens: Some(3),
    };
    assert_eq!(events, [said("Hel"), said("lo"), ModelEvent::Usage(usage)]);
    assert_eq!(end, STOPPED);
}

#[test]
fn the_server_names_the_model() {
    let mut decoder = Decoder::new(WireFormat::Chat);
    let chunk = payload(r#"{"model":"gpt-2026-08","choices":[]}"#);
    let model = "gpt-2026-08".to_owned();
    assert_eq!(
        decoder.decode(&chunk),
        Ok(vec![ModelEvent::Started { model }])
    );
    assert_eq!(decoder.decode(&chunk), Ok(vec![]));
}

#[test]
fn llama_cpp_with_its_timings() {
    let (events, end) = read(&[
        r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"chatcmpl-a","model":"m.gguf","system_fingerprint":"b1","object":"chat.completion.chunk"}"#,
        r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"reasoning_content":"Hm."}}],"model":"m.gguf"}"#,
        r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Yes"}}],"model":"m.gguf"}"#,
        r#"{"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"model":"m.gguf"}"#,
        r#"{"choices":[],"model":"m.gguf","usage":{"completion_tokens":3,"prompt_tokens":17,"total_tokens":20},"timings":{"cache_n":0,"prompt_n":17,"predicted_n":3,"predicted_per_second":41.5}}"#,
        "[DONE]",
    ]);
    assert_eq!(
        events.get(..2),
        Some([thought("Hm."), said("Yes")].as_slice())
    );
    assert!(matches!(events.last(), Some(ModelEvent::Usage(usage)) if usage.input_tokens == 17));
    assert_eq!(end, STOPPED);
}

#[test]
fn ollama_vllm_deepseek_and_openrouter() {
    // Ollama: the reasoning is called `reasoning`, the role is in every chunk.
    let (events, end) = read(&[
        r#"{"model":"qwen3","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"so"},"finish_reason":null}]}"#,
        r#"{"model":"qwen3","choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":null}]}"#,
        r#"{"model":"qwen3","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]);
    assert_eq!((events, end), (vec![thought("so"), said("a")], STOPPED));
    // vLLM: both names for the reasoning, `stop_reason` and counts in every chunk.
    let (events, end) = read(&[
        r#"{"choices":[{"index":0,"delta":{"reasoning_content":"so","reasoning":"so"},"logprobs":null,"finish_reason":null,"token_ids":null}],"usage":{"prompt_tokens":5,"total_tokens":6,"completion_tokens":1}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
        "[DONE]",
    ]);
    let counts = |output_tokens| {
        ModelEvent::Usage(Usage {
            input_tokens: 5,
            output_tokens,
            ..Usage::default()
        })
    };
    assert_eq!(events, [thought("so"), counts(1), said("a"), counts(2)]);
    assert_eq!(end, STOPPED);
    // DeepSeek: the cache has a name of its own.
    let (events, _) = read(&[
        r#"{"choices":[{"index":0,"delta":{"content":"a","reasoning_content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":1,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":2}}"#,
    ]);
    assert!(matches!(&events[1], ModelEvent::Usage(usage) if usage.cached_tokens == Some(6)));
    // OpenRouter: where it went, in words of its own.
    let (events, end) = read(&[
        r#"{"id":"gen-1","provider":"Some","model":"a/b","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"a","reasoning":null,"reasoning_details":[]},"finish_reason":"stop","native_finish_reason":"STOP","logprobs":null}]}"#,
        "[DONE]",
    ]);
    assert_eq!((events, end), (vec![said("a")], STOPPED));
}

#[test]
fn mistral_sends_content_as_a_list_of_parts() {
    let (events, _) = read(&[
        r#"{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"yes"},{"type":"future","x":1}]},"finish_reason":"stop"}]}"#,
    ]);
    assert_eq!(events, [thought("hm"), said("yes")]);
}

#[test]
fn thoughts_in_the_text_are_told_apart() {
    let events = contents(&["<thi", "nk>\n<<<<<<< SEARCH", "</think>", "\n\nyes"]);
    assert_eq!(events, [thought("\n<<<<<<< SEARCH"), said("yes")]);
    assert_eq!(contents(&["<thin"]), [said("<thin")]);
}

#[test]
fn other_choices_are_not_mixed_in() {
    let (events, end) = read(&[
        r#"{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"x"},"finish_reason":"length"}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"y"}}]}"#,
        r#"{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}"#,
    ]);
    assert_eq!((events, end), (vec![said("a"), said("b")], STOPPED));
}

#[test]
fn an_end_without_done_counts_when_a_reason_was_given_and_not_otherwise() {
    let body = r#"{"choices":[{"delta":{"content":"a"}}]}"#;
    let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    assert_eq!(read(&[body, stop]).1, STOPPED);
    assert_eq!(read(&[body, "[DONE]"]).1, STOPPED);
    assert_eq!(read(&[body]).1, Err(Broken::Truncated));
    assert_eq!(read(&[]).1, Err(Broken::Truncated));
    // The connection ended in the middle of an event.
    let cut = |end| {
        let data = r#"{"choices":[{"delta":{"cont"#.into();
        let event = None;
        Decoder::new(WireFormat::Chat).decode(&Payload { event, data, end })
    };
    assert_eq!(cut(PayloadEnd::Open), Err(Broken::Truncated));
    // Nobody has cut it off: it is wrong.
    assert!(matches!(
        cut(PayloadEnd::Closed),
        Err(Broken::Unreadable(_))
    ));
}

#[test]
fn reasons_are_told_apart() {
    let end = |reason: &str| {
        read(&[&format!(
            r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#
        )])
        .1
    };
    let stopped = |reason| Ok(ModelEvent::Stopped(reason));
    assert_eq!(end("STOP"), stopped(StopReason::EndTurn));
    assert_eq!(end("length"), stopped(StopReason::MaxTokens));
    assert_eq!(end("MAX_TOKENS"), stopped(StopReason::MaxTokens));
    assert_eq!(end("content_filter"), stopped(StopReason::Refusal));
    assert_eq!(end("odd"), stopped(StopReason::Other("odd".into())));
    // A server that gives up half-way has not ended the answer.
    assert_eq!(end("abort"), Err(Broken::Truncated));
    assert_eq!(end("error"), Err(Broken::Truncated));
    // Some proxies send an empty reason with every piece.
    assert_eq!(end(""), Err(Broken::Truncated));
}

#[test]
fn a_refusal_is_shown_and_stays_one() {
    let (events, end) = read(&[
        r#"{"choices":[{"delta":{"refusal":"I will not."}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]);
    assert_eq!(events, [said("I will not.")]);
    assert_eq!(end, Ok(ModelEvent::Stopped(StopReason::Refusal)));
}

#[test]
fn an_answer_that_was_not_streamed() {
    let (events, end) = read(&[
        "{\n \"model\": \"m\",\n \"choices\": [{\"index\": 0, \"message\": {\"role\": \"assistant\", \"content\": \"all\"}, \"finish_reason\": \"stop\"}],\n \"usage\": {\"prompt_tokens\": 1, \"completion_tokens\": 1}}\n",
    ]);
    assert_eq!(events.first(), Some(&said("all")));
    assert_eq!(end, STOPPED);
}

#[test]
fn what_is_not_known_is_not_fatal() {
    let (events, end) = read(&[
        "ping",
        "",
        "7",
        r#"{"type":"keepalive","choices":null,"model":7,"usage":"much"}"#,
        r#"{"choices":[7,{"index":null,"delta":"x"},{"delta":{"content":{"a":1},"tool_calls":[{"index":0}]}}]}"#,
        r#"{"choices":[{"delta":{"content":"a","future":[1]},"finish_reason":{"x":1}}],"error":null}"#,
        r#"{"choices":[{"delta":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":-1}}"#,
        "[DONE]",
        r#"{"choices":[{"delta":{"content":"after the end"}}]}"#,
    ]);
    assert_eq!((events, end), (vec![said("a")], STOPPED));
}

#[test]
fn a_piece_that_cannot_be_read_is_not_skipped() {
    // Its text would be missing from the answer.
    let (_, end) = read(&[r#"{"choices":[{"delta":{"content":"a"x}]}"#]);
    assert!(matches!(end, Err(Broken::Unreadable(_))), "{end:?}");
}

#[test]
fn errors_inside_an_answer() {
    #[track_caller]
    fn check(event: Option<&str>, data: &str, message: &str, status: Option<u16>) {
        let payload = Payload {
            event: event.map(str::to_owned),
            data: data.into(),
            end: PayloadEnd::Closed,
        };
        match Decoder::new(WireFormat::Chat).decode(&payload) {
            Err(Broken::Reported(complaint)) => {
                assert_eq!(
                    (complaint.message.as_str(), complaint.status),
                    (message, status)
                );
            }
            other => panic!("{other:?}"),
        }
    }
    check(
        None,
        r#"{"error":{"message":"busy","type":"server_error","code":null}}"#,
        "busy",
        None,
    );
    check(
        None,
        r#"{"id":"gen","error":{"code":429,"message":"slow"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
        "slow",
        Some(429),
    );
    check(None, r#"{"error":"out of memory"}"#, "out of memory", None);
    check(
        None,
        r#"{"object":"error","message":"too long","type":"BadRequestError","code":400}"#,
        "too long",
        Some(400),
    );
    check(
        None,
        r#"[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]"#,
        "overloaded",
        Some(503),
    );
    check(Some("error"), r#"{"detail":"gone"}"#, "gone", None);
}

proptest! {
    /// A server may put any part of its text into any chunk.
    #[test]
    fn how_a_text_is_cut_into_deltas_does_not_matter(
        pieces in prop::collection::vec("(<think>|</think>|<|th|ink>|größer|x| |\n){0,3}", 0..8),
    ) {
        let join = |events: Vec<ModelEvent>| {
            let mut both = (String::new(), String::new());
            for event in events {
                match event {
                    ModelEvent::Text(text) => both.0.push_str(&text),
                    ModelEvent::Thinking(text) => both.1.push_str(&text),
                    _ => {}
                }
            }
            both
        };
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        prop_assert_eq!(join(contents(&pieces)), join(contents(&[&pieces.concat()])));
    }

    /// Nothing that a server sends ends the process.
    #[test]
    fn any_payload_can_be_read(data in ".*", event in proptest::option::of("[a-z]{0,5}")) {
        let mut decoder = Decoder::new(WireFormat::Chat);
        let _any = decoder.decode(&Payload { event, data, end: PayloadEnd::Closed });
        let _any = decoder.finish();
    }
}
