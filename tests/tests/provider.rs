//! The provider against a server that says what a test tells it to.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use futures_util::StreamExt;
use pleach_model::{
    Message, ModelEvent, ModelRequest, Provider, ProviderConfig, ProviderError, Speaker,
    StopReason, TimeoutPhase,
};
use pleach_tests::fake_model::{FakeModel, Script, Seen};
use serde_json::json;

fn provider(model: &FakeModel) -> Provider {
    let config = ProviderConfig::new("fake", &model.base_url(), "fake");
    Provider::new(config, Some("sk-test".to_owned().into())).unwrap()
}

fn question() -> ModelRequest {
    ModelRequest {
        system: "Be brief.".into(),
        messages: vec![Message {
            speaker: Speaker::User,
            text: "Hello?".into(),
        }],
        max_output_tokens: Some(50),
        temperature: None,
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Asks and gathers the text, and how it ended.
fn ask(provider: &Provider) -> (String, Result<StopReason, ProviderError>) {
    block_on(async {
        let mut text = String::new();
        let mut events = provider.stream(&question());
        while let Some(event) = events.next().await {
            match event {
                Ok(ModelEvent::Text(piece)) => text.push_str(&piece),
                Ok(ModelEvent::Stopped(reason)) => return (text, Ok(reason)),
                Ok(_) => {}
                Err(error) => return (text, Err(error)),
            }
        }
        panic!("the stream ended without a last event")
    })
}

#[test]
fn an_answer_comes_whole_whatever_its_pieces() {
    let model = FakeModel::start();
    for bytes in [1, 3, 1000] {
        model.say(Script::pieces("größer — 日本", bytes));
        let (text, end) = ask(&provider(&model));
        assert_eq!(text, "größer — 日本");
        assert_eq!(end.unwrap(), StopReason::EndTurn);
    }
}

#[test]
fn a_request_says_what_was_asked_and_carries_the_key() {
    let model = FakeModel::start();
    model.say(Script::text("Hi."));
    ask(&provider(&model)).1.unwrap();
    let Seen::Request {
        line,
        headers,
        body,
    } = model.next()
    else {
        panic!("no request")
    };
    assert_eq!(line, "POST /v1/chat/completions");
    let key = headers.iter().find(|(name, _)| name == "authorization");
    assert_eq!(key.map(|(_, value)| value.as_str()), Some("Bearer sk-test"));
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "Be brief."})
    );
    assert_eq!(body["max_tokens"], 50);
    assert_eq!(body["stream"], true);
}

#[test]
fn an_answer_that_breaks_off_is_an_error_and_not_a_short_answer() {
    let model = FakeModel::start();
    model.say(Script::default().piece("half").cut());
    let (text, end) = ask(&provider(&model));
    assert_eq!(text, "half");
    assert!(
        matches!(end, Err(ProviderError::Truncated { bytes: 4 })),
        "{end:?}"
    );
    // The same when the connection ends in good order, but the answer does not.
    model.say(Script::default().piece("half"));
    assert!(matches!(
        ask(&provider(&model)).1,
        Err(ProviderError::Truncated { bytes: 4 })
    ));
}

#[test]
fn an_answer_that_is_not_streamed_serves_as_well() {
    let model = FakeModel::start();
    model.say(Script::unstreamed("all at once"));
    let (text, end) = ask(&provider(&model));
    assert_eq!(text, "all at once");
    assert_eq!(end.unwrap(), StopReason::EndTurn);
}

#[test]
fn refusals_are_told_apart_and_name_a_next_step() {
    let model = FakeModel::start();
    let cases = [
        (
            401,
            json!({"error": {"message": "bad key sk-test"}}),
            "unauthorized",
        ),
        (
            404,
            json!({"error": {"message": "no such model"}}),
            "model-not-found",
        ),
        (
            400,
            json!({"error": {"message": "too long", "code": "context_length_exceeded"}}),
            "context-overflow",
        ),
        (
            429,
            json!({"error": {"message": "pay first", "code": "insufficient_quota"}}),
            "no-credit",
        ),
        (418, json!("a teapot"), "http"),
    ];
    for (status, body, code) in cases {
        model.say(Script::error(status, &body));
        let error = ask(&provider(&model)).1.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!error.to_string().contains("sk-test"), "{error}");
        assert!(!error.next_step().is_empty());
    }
}

#[test]
fn a_busy_server_is_asked_again_and_the_wait_is_told() {
    let model = FakeModel::start();
    let busy = json!({"error": {"message": "slow down"}});
    model.say(Script::error(429, &busy).header("retry-after-ms", "1"));
    model.say(Script::text("now"));
    let events: Vec<_> = block_on(provider(&model).stream(&question()).collect());
    assert!(
        matches!(&events[0], Ok(ModelEvent::Waiting { seconds: 1, .. })),
        "{events:?}"
    );
    assert!(matches!(
        events.last(),
        Some(Ok(ModelEvent::Stopped(StopReason::EndTurn)))
    ));
}

#[test]
fn an_answer_is_never_asked_for_again_after_its_first_word() {
    let model = FakeModel::start();
    model.say(
        Script::default()
            .piece("one")
            .event(&json!({"error": {"message": "overloaded"}})),
    );
    let (text, end) = ask(&provider(&model));
    assert_eq!(text, "one");
    assert_eq!(end.unwrap_err().code(), "overloaded");
    assert!(matches!(model.next(), Seen::Request { .. }));
    assert_eq!(model.next(), Seen::Answered);
}

#[test]
fn silence_ends_the_wait() {
    let model = FakeModel::start();
    let mut config = ProviderConfig::new("fake", &model.base_url(), "fake");
    config.first_byte_timeout = Duration::from_millis(50);
    config.idle_timeout = Duration::from_millis(50);
    let provider = Provider::new(config, None).unwrap();
    model.say(Script::default().hang());
    let (_, end) = ask(&provider);
    assert!(matches!(
        end,
        Err(ProviderError::Timeout {
            phase: TimeoutPhase::FirstByte,
            ..
        })
    ));
    model.say(Script::default().piece("one").hang());
    let (_, end) = ask(&provider);
    assert!(
        matches!(
            end,
            Err(ProviderError::Timeout {
                phase: TimeoutPhase::Idle,
                ..
            })
        ),
        "{end:?}"
    );
}

#[test]
fn dropping_the_stream_closes_the_connection() {
    let model = FakeModel::start();
    model.say(Script::default().piece("one").hang());
    block_on(async {
        let mut events = provider(&model).stream(&question());
        while !matches!(events.next().await, Some(Ok(ModelEvent::Text(_)))) {}
        drop(events);
        // The runtime must turn once more for the connection's task to see that nobody reads.
        tokio::task::yield_now().await;
    });
    model.closed();
}

#[test]
fn a_redirect_is_not_followed() {
    let model = FakeModel::start();
    let thief = FakeModel::start();
    let away = Script::error(307, &json!("gone")).header("location", &thief.base_url());
    model.say(away);
    assert_eq!(ask(&provider(&model)).1.unwrap_err().code(), "http");
}

#[test]
fn a_probe_lists_models_and_sends_no_prompt() {
    let model = FakeModel::start();
    let report = block_on(provider(&model).probe()).unwrap();
    assert_eq!(report.models, ["fake", "other"]);
    assert_eq!(report.has_model, Some(true));
    assert!(matches!(model.next(), Seen::Request { line, .. } if line == "GET /v1/models"));
}
