//! The provider against a server that says what a test tells it to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use pleach_model::{
    Message, ModelEvent, ModelRequest, Provider, ProviderConfig, ProviderError, StopReason,
    TimeoutPhase,
};
use pleach_tests::fake_model::{FakeModel, Script, Seen, TlsFront};
use serde_json::json;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

fn provider(model: &FakeModel) -> Provider {
    let config = ProviderConfig::new("fake", &model.base_url(), "fake");
    Provider::new(config, Some("sk-test".to_owned().into())).unwrap()
}

/// For tests that move the clock by minutes and are not about the wait for the first word.
fn patient_provider(model: &FakeModel) -> Provider {
    let mut config = ProviderConfig::new("fake", &model.base_url(), "fake");
    config.first_byte_timeout = 60 * MINUTE;
    Provider::new(config, Some("sk-test".to_owned().into())).unwrap()
}

pub(crate) fn question() -> ModelRequest {
    ModelRequest {
        system: "Be brief.".into(),
        messages: vec![Message::user("Hello?")],
        max_output_tokens: Some(50),
        ..ModelRequest::default()
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Runs `work` with a clock that stands still until the work itself moves it, so that time that has
/// to pass passes at once, and a slow machine makes no difference.
pub(crate) fn without_time<T>(work: impl Future<Output = T>) -> T {
    block_on(async {
        tokio::time::pause();
        // The paused clock would run ahead while nothing but the network is waited for; not while a
        // thread is busy.
        let (over, is_over) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || {
            // When something hangs, the clock goes on after all, and the test fails.
            is_over.recv_timeout(MINUTE) == Err(RecvTimeoutError::Disconnected)
        });
        let done = work.await;
        drop(over);
        assert!(busy.await.unwrap());
        done
    })
}

/// Moves the clock. A little further than asked, because timers are rounded up.
pub(crate) async fn pass(time: Duration) {
    tokio::time::advance(time + Duration::from_millis(10)).await;
}

/// Waits for what the server sees without keeping the client from its work.
async fn seen(model: &Arc<FakeModel>) -> Seen {
    let model = Arc::clone(model);
    tokio::task::spawn_blocking(move || model.next())
        .await
        .unwrap()
}

/// Asks and gathers the text, and how it ended.
pub(crate) fn ask(provider: &Provider) -> (String, Result<StopReason, ProviderError>) {
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
        matches!(end, Err(ProviderError::ConnectionLost { bytes: 4, .. })),
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
    let model = Arc::new(FakeModel::start());
    let busy = json!({"error": {"message": "slow down"}});
    model.say(Script::error(429, &busy).header("retry-after", "7"));
    // Some say it inside the answer, with a status of their own.
    let inside = json!({"error": {"code": 503, "message": "overloaded"}, "choices": []});
    model.say(Script::default().event(&inside));
    // And some close the connection.
    model.say(Script::default().cut());
    model.say(Script::text("now"));
    without_time(async {
        let mut events = patient_provider(&model).stream(&question());
        let Some(Ok(ModelEvent::Waiting { reason, seconds: 7 })) = events.next().await else {
            panic!("no wait of 7 s");
        };
        assert_eq!(reason, "`fake` takes no more requests now: slow down");
        // Not one second too early.
        let next = events.next();
        tokio::pin!(next);
        assert!(futures_util::poll!(&mut next).is_pending());
        assert_eq!(seen(&model).await.line(), "POST /v1/chat/completions");
        assert_eq!(seen(&model).await, Seen::Answered);
        tokio::time::advance(Duration::from_millis(6900)).await;
        assert!(futures_util::poll!(&mut next).is_pending());
        assert!(model.saw_nothing_more());
        tokio::time::advance(Duration::from_millis(200)).await;
        assert!(matches!(next.await, Some(Ok(ModelEvent::Waiting { .. }))));
        let (waited, ()) = tokio::join!(events.next(), pass(MINUTE));
        assert!(
            matches!(waited, Some(Ok(ModelEvent::Waiting { .. }))),
            "{waited:?}"
        );
        let (started, ()) = tokio::join!(events.next(), pass(MINUTE));
        assert!(
            matches!(started, Some(Ok(ModelEvent::Started { .. }))),
            "{started:?}"
        );
        let rest: Vec<_> = events.collect().await;
        assert!(matches!(&rest[0], Ok(ModelEvent::Text(text)) if text == "now"));
    });
}

#[test]
fn patience_with_a_busy_server_has_an_end() {
    let model = FakeModel::start();
    let busy = || Script::error(503, &json!({"error": {"message": "busy"}}));
    (0..4).for_each(|_| model.say(busy()));
    without_time(async {
        let mut events = patient_provider(&model).stream(&question());
        // The clock moves in the pauses only: a connection must be made within ten seconds.
        let mut event = events.next().await;
        for _ in 0..3 {
            assert!(
                matches!(event, Some(Ok(ModelEvent::Waiting { .. }))),
                "{event:?}"
            );
            (event, ()) = tokio::join!(events.next(), pass(MINUTE));
        }
        assert_eq!(event.unwrap().unwrap_err().code(), "overloaded");
        assert!(events.next().await.is_none());
    });
    // A wait that is too long for a person is left to the person.
    model.say(Script::error(429, &json!("later")).header("retry-after", "300"));
    let error = ask(&patient_provider(&model)).1.unwrap_err();
    assert_eq!(error.next_step(), "try again in 300 s");
}

#[test]
fn an_answer_is_never_asked_for_again_after_its_first_word() {
    let model = FakeModel::start();
    let error = json!({"error": {"code": 503, "message": "overloaded"}});
    let thought = json!({"choices": [{"delta": {"reasoning_content": "hm"}}]});
    for script in [
        Script::default().piece("one").event(&error),
        Script::default().event(&thought).event(&error),
    ] {
        model.say(script);
        let (_, end) = ask(&provider(&model));
        assert_eq!(end.unwrap_err().code(), "overloaded");
        assert!(matches!(model.next(), Seen::Request { .. }));
        assert_eq!(model.next(), Seen::Answered);
    }
    assert!(model.saw_nothing_more());
}

#[test]
fn silence_before_the_first_word_ends_the_wait() {
    let model = Arc::new(FakeModel::start());
    for script in [
        Script::default().hang(),
        // A head is no word, and a greeting is none.
        Script::default().raw(": hello\n\n").hang(),
    ] {
        model.say(script);
        without_time(async {
            let mut events = provider(&model).stream(&question());
            let event = tokio::select! {
                event = events.next() => event,
                // Whenever the head and the greeting are read, a minute passes after that.
                () = async {
                    seen(&model).await;
                    loop {
                        pass(MINUTE).await;
                    }
                } => None,
            };
            let error = event.unwrap().unwrap_err();
            let phase = TimeoutPhase::FirstByte;
            assert!(
                matches!(error, ProviderError::Timeout { phase: it, seconds: 60, .. } if it == phase),
                "{error:?}"
            );
        });
        assert_eq!(model.next(), Seen::ClientClosed);
    }
}

#[test]
fn silence_in_the_middle_ends_the_wait_and_keeps_what_came() {
    let model = FakeModel::start();
    model.say(Script::default().piece("one").hang());
    without_time(async {
        let mut events = provider(&model).stream(&question());
        while !matches!(events.next().await, Some(Ok(ModelEvent::Text(_)))) {}
        let half_a_minute = Duration::from_secs(30);
        let (event, ()) = tokio::join!(events.next(), pass(half_a_minute));
        let error = event.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`fake` was silent for 30 s in the middle of its answer"
        );
    });
    model.closed();
}

#[test]
fn an_answer_with_its_reason_is_whole_whatever_follows() {
    let model = FakeModel::start();
    let stop = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    let whole = || Script::default().piece("one").event(&stop);
    // The end of the connection, its loss, and the end of a line in place of the end of an event.
    for script in [
        whole(),
        whole().cut(),
        Script::default()
            .piece("one")
            .raw(&format!("data: {stop}\n")),
    ] {
        model.say(script);
        let (text, end) = ask(&provider(&model));
        assert_eq!((text.as_str(), end.unwrap()), ("one", StopReason::EndTurn));
    }
    // A server that keeps the connection open costs a few seconds, not the answer.
    let text = json!({"choices": [{"delta": {"content": "one"}}]});
    let at_once = format!("data: {text}\n\ndata: {stop}\n\n");
    model.say(Script::default().raw(&at_once).hang());
    without_time(async {
        let mut events = provider(&model).stream(&question());
        while !matches!(events.next().await, Some(Ok(ModelEvent::Text(_)))) {}
        let (item, ()) = tokio::join!(events.next(), pass(Duration::from_secs(5)));
        assert!(matches!(item, Some(Ok(ModelEvent::Item(_)))), "{item:?}");
        let event = events.next().await;
        assert!(
            matches!(event, Some(Ok(ModelEvent::Stopped(StopReason::EndTurn)))),
            "{event:?}"
        );
    });
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    let model = FakeModel::start();
    let provider = provider(&model);
    drop(model);
    let (_, end) = ask(&provider);
    let error = end.unwrap_err();
    assert_eq!(error.code(), "unreachable");
    assert!(
        error.next_step().starts_with("start the server"),
        "{error:?}"
    );
}

#[test]
fn a_web_page_is_no_answer() {
    let model = FakeModel::start();
    model.say(Script::default().raw("<!doctype html><title>Log in</title>"));
    let error = ask(&provider(&model)).1.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`fake` sent an answer that cannot be read: a web page instead of an answer"
    );
}

#[test]
fn a_server_is_asked_in_its_own_words() {
    let model = FakeModel::start();
    let complaint = json!({"error": {"message":
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
         'max_completion_tokens' instead.", "code": "unsupported_parameter"}});
    model.say(Script::error(400, &complaint));
    model.say(Script::error(
        422,
        &json!({"detail": "stream_options: unknown"}),
    ));
    model.say(Script::text("Hi."));
    assert_eq!(ask(&provider(&model)).0, "Hi.");
    assert_eq!(model.request()["max_tokens"], 50);
    model.request();
    let last = model.request();
    assert_eq!(last["max_completion_tokens"], 50);
    assert_eq!(
        (last.get("max_tokens"), last.get("stream_options")),
        (None, None)
    );
}

#[test]
fn dropping_the_stream_closes_the_connection_at_once() {
    let model = Arc::new(FakeModel::start());
    // Before the head, after the head, and in the middle of the answer.
    let scripts = || {
        [
            Script::default().hang(),
            Script::default().raw(": hello\n\n").hang(),
            Script::default().piece("one").hang(),
        ]
    };
    for number in 0..scripts().len() {
        // The quickest of a few, so that a machine with other things to do makes no difference.
        let quickest = (0..5).map(|_| {
            model.say(scripts().into_iter().nth(number).unwrap());
            block_on(async {
                let mut events = provider(&model).stream(&question());
                if number == 2 {
                    while !matches!(events.next().await, Some(Ok(ModelEvent::Text(_)))) {}
                } else {
                    tokio::select! {
                        event = events.next() => panic!("{event:?}"),
                        _request = seen(&model) => {}
                    }
                }
                let dropped = Instant::now();
                drop(events);
                let closing = Arc::clone(&model);
                let closed = tokio::task::spawn_blocking(move || closing.closed());
                closed.await.unwrap().saturating_duration_since(dropped)
            })
        });
        let quickest = quickest.min().unwrap();
        assert!(
            quickest < Duration::from_millis(100),
            "{number}: {quickest:?}"
        );
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let model = FakeModel::start();
    let thief = FakeModel::start();
    let to = format!("{}/chat/completions?a=b", thief.base_url());
    model.say(Script::error(307, &json!("gone")).header("location", &to));
    let error = ask(&provider(&model)).1.unwrap_err();
    let place = thief.base_url();
    assert_eq!(
        error.to_string(),
        format!("`fake` answered HTTP 307: it redirects to {place}/chat/completions")
    );
    assert!(thief.saw_nothing_more());
}

#[test]
fn a_probe_lists_models_and_sends_no_prompt() {
    let model = FakeModel::start();
    let report = block_on(provider(&model).probe()).unwrap();
    assert_eq!(report.models, ["fake", "other"]);
    assert_eq!(report.has_model, Some(true));
    assert_eq!(model.next().line(), "GET /v1/models");
}

#[test]
fn a_probe_makes_the_best_of_a_server_without_a_list() {
    let model = FakeModel::start();
    let missing = || Script::error(404, &json!({"detail": "Not Found"}));
    model.list(missing());
    let report = block_on(provider(&model).probe()).unwrap();
    assert_eq!((report.models.len(), report.has_model), (0, None));
    // An address that lacks its last part: the list is where it should be.
    let address = model.base_url().replace("/v1", "/api");
    let elsewhere = Provider::new(ProviderConfig::new("fake", &address, "fake"), None).unwrap();
    model.list(missing());
    let error = block_on(elsewhere.probe()).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "the server answers at {address}/v1"
                .replace("{address}", &address)
                .as_str()
        ),
        "{error}"
    );
    model.list(Script::error(401, &json!({"error": {"message": "who?"}})));
    assert_eq!(
        block_on(elsewhere.probe()).unwrap_err().code(),
        "unauthorized"
    );
}

#[test]
fn a_probe_of_a_silent_server_takes_three_seconds() {
    let model = Arc::new(FakeModel::start());
    model.list(Script::default().hang());
    without_time(async {
        let provider = provider(&model);
        let (report, ()) = tokio::join!(provider.probe(), async {
            seen(&model).await;
            pass(Duration::from_secs(3)).await;
        });
        assert_eq!(report.unwrap_err().code(), "timeout");
    });
}

#[test]
fn a_proxy_of_the_provider_s_own_is_asked_also_for_this_machine() {
    let model = FakeModel::start();
    model.say(Script::text("Hi."));
    let mut config = ProviderConfig::new("fake", "http://127.0.0.1:9/v1", "fake");
    config.proxy = Some(model.base_url().replace("/v1", ""));
    let provider = Provider::new(config, None).unwrap();
    assert_eq!(ask(&provider).0, "Hi.");
    assert_eq!(
        model.next().line(),
        "POST http://127.0.0.1:9/v1/chat/completions"
    );
}

#[test]
fn a_certificate_of_an_authority_of_one_s_own_is_trusted_when_the_settings_say_so() {
    let model = FakeModel::start();
    let front = TlsFront::before(&model);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, front.authority()).unwrap();
    let mut config = ProviderConfig::new("fake", &front.base_url(), "fake");
    let trusting = |ca_file| {
        config.ca_file = ca_file;
        Provider::new(config.clone(), Some("sk-test".to_owned().into())).unwrap()
    };
    let mut trusting = trusting;
    let error = ask(&trusting(None)).1.unwrap_err();
    assert_eq!(error.code(), "untrusted", "{error}");
    assert!(
        error.next_step().contains("ca_file"),
        "{}",
        error.next_step()
    );
    assert!(model.saw_nothing_more());
    model.say(Script::pieces("größer", 2));
    assert_eq!(ask(&trusting(Some(file.clone()))).0, "größer");
    // What cannot be read is told, and nothing is sent.
    std::fs::write(&file, "no certificate").unwrap();
    for wrong in [file, folder.path().join("missing.pem")] {
        let error = ask(&trusting(Some(wrong))).1.unwrap_err();
        assert_eq!(error.code(), "provider-settings");
        assert!(error.to_string().contains("ca_file"), "{error}");
    }
}
