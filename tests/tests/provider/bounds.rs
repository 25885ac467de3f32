//! What a provider does not do for ever: failing, running at once, answering.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use pleach_model::{ModelEvent, Provider, ProviderConfig, ProviderError, StopReason};
use pleach_tests::fake_model::{FakeModel, Script, Seen};
use serde_json::json;

use crate::stream::{MINUTE, ask, block_on, pass, question, without_time};

/// A provider of its own, so that its failures count for nobody else.
fn named(name: &str, model: &FakeModel) -> ProviderConfig {
    let mut config = ProviderConfig::new(name, &model.base_url(), "fake");
    config.first_byte_timeout = 600 * MINUTE;
    config.total_timeout = 600 * MINUTE;
    config
}

/// How an answer ends, with all pauses before that passed at once, and how often it was waited for.
async fn ended(provider: &Provider) -> (usize, Result<StopReason, ProviderError>) {
    let mut events = provider.stream(&question());
    let mut waits = 0;
    let mut pause = Duration::ZERO;
    loop {
        let mut next = Box::pin(events.next());
        // The pause begins when it is waited for.
        let event = match futures_util::poll!(&mut next) {
            Poll::Ready(event) => event,
            Poll::Pending => {
                pass(std::mem::take(&mut pause)).await;
                next.await
            }
        };
        match event.unwrap() {
            Ok(ModelEvent::Stopped(reason)) => return (waits, Ok(reason)),
            Ok(ModelEvent::Waiting { seconds, .. }) => {
                waits += 1;
                pause = Duration::from_secs(seconds);
            }
            Ok(_) => {}
            Err(error) => return (waits, Err(error)),
        }
    }
}

#[test]
fn a_provider_that_only_fails_is_left_in_peace_and_then_tried_once() {
    let model = FakeModel::start();
    let provider = Provider::new(named("failing", &model), None).unwrap();
    let broken = || Script::error(500, &json!({"error": {"message": "out of order"}}));
    without_time(async {
        for _ in 0..5 {
            model.say(broken());
        }
        // Asked four times in all; that is not yet enough.
        let (waits, end) = ended(&provider).await;
        assert_eq!((waits, end.unwrap_err().code()), (3, "overloaded"));
        assert_eq!(provider.standing().failures, 4);
        // The fifth failure is: it is told as what it is, and not repeated.
        let (waits, end) = ended(&provider).await;
        assert_eq!((waits, end.unwrap_err().code()), (0, "overloaded"));
        // Whoever shares the settings shares the rest.
        let same = Provider::new(named("failing", &model), None).unwrap();
        let (waits, end) = ended(&same).await;
        let error = end.unwrap_err();
        assert_eq!((waits, error.code()), (0, "resting"));
        assert!(error.next_step().contains("another engine"), "{error}");
        for _ in 0..5 {
            assert!(matches!(model.next(), Seen::Request { .. }));
            assert_eq!(model.next(), Seen::Answered);
        }
        assert!(model.saw_nothing_more());
        pass(Duration::from_secs(30)).await;
        model.say(Script::text("Hi."));
        assert_eq!(ended(&provider).await.1.unwrap(), StopReason::EndTurn);
        assert_eq!(provider.standing().rests_for, None);
    });
}

#[test]
fn what_a_server_refuses_does_not_count_as_its_failure() {
    let model = FakeModel::start();
    let provider = Provider::new(named("strict", &model), None).unwrap();
    for _ in 0..8 {
        model.say(Script::error(400, &json!({"error": {"message": "no"}})));
        assert_eq!(ask(&provider).1.unwrap_err().code(), "http");
    }
}

#[test]
fn only_so_many_answers_are_on_their_way_at_once() {
    let model = Arc::new(FakeModel::start());
    let mut config = named("narrow", &model);
    config.max_streams = 1;
    let provider = Provider::new(config, None).unwrap();
    let (slow, open) = Script::default().piece("one").gate();
    model.say(slow.end("stop"));
    model.say(Script::text("two"));
    block_on(async {
        let mut first = provider.stream(&question());
        while !matches!(first.next().await, Some(Ok(ModelEvent::Text(_)))) {}
        let mut second = provider.stream(&question());
        let Some(Ok(ModelEvent::Waiting { seconds: 0, reason })) = second.next().await else {
            panic!("it does not wait");
        };
        assert_eq!(reason, "`narrow` is busy with other answers");
        assert_eq!(provider.standing().streams, 1);
        let mut waiting = Box::pin(second.next());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(open);
        while !matches!(first.next().await, Some(Ok(ModelEvent::Stopped(_)))) {}
        assert!(matches!(
            waiting.await,
            Some(Ok(ModelEvent::Started { .. }))
        ));
    });
}

#[test]
fn only_so_many_requests_are_sent_in_a_minute() {
    let model = FakeModel::start();
    let mut config = named("slow", &model);
    config.requests_per_minute = Some(1);
    let provider = Provider::new(config, None).unwrap();
    model.say(Script::text("one"));
    model.say(Script::text("two"));
    without_time(async {
        assert_eq!(ended(&provider).await.0, 0);
        let mut second = provider.stream(&question());
        let Some(Ok(ModelEvent::Waiting { seconds, reason })) = second.next().await else {
            panic!("it does not wait");
        };
        assert!((59..=60).contains(&seconds), "{seconds}");
        assert!(reason.contains("requests_per_minute"), "{reason}");
        drop(second);
        assert_eq!(ended(&provider).await.0, 1);
    });
}

#[test]
fn the_whole_answer_has_a_bound_too() {
    let model = FakeModel::start();
    let mut config = named("endless", &model);
    config.total_timeout = MINUTE;
    config.idle_timeout = 600 * MINUTE;
    let provider = Provider::new(config, None).unwrap();
    model.say(Script::default().piece("one").hang());
    without_time(async {
        let mut events = provider.stream(&question());
        while !matches!(events.next().await, Some(Ok(ModelEvent::Text(_)))) {}
        let (event, ()) = tokio::join!(events.next(), pass(MINUTE));
        let error = event.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`endless` did not finish its answer within 60 s"
        );
        assert!(error.next_step().contains("total_seconds"));
    });
    model.closed();
}
