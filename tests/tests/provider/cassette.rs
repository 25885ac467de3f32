//! Cassettes: what was recorded is what is played, and no key is in it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use pleach_model::{
    Cassette, Message, ModelEvent, ModelRequest, Pace, Provider, ProviderConfig, WireFormat,
};
use pleach_tests::fake_model::{FakeModel, Flavour, Script};
use serde_json::{Value, json};

const KEY: &str = "my-own-key-4711";

fn provider(flavour: Flavour, model: &FakeModel) -> Provider {
    let mut config = ProviderConfig::new("fake", &model.root(), "fake");
    config.format = match flavour {
        Flavour::Chat => WireFormat::Chat,
        Flavour::Responses => WireFormat::Responses,
        Flavour::Anthropic => WireFormat::Anthropic,
        Flavour::Gemini => WireFormat::Gemini,
        Flavour::Ollama => WireFormat::Ollama,
    };
    Provider::new(config, Some(KEY.to_owned().into())).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// All that an answer tells, errors in words. Waiting is left out: it depends on chance.
fn ask(provider: &Provider) -> Vec<String> {
    let request = ModelRequest {
        messages: vec![Message::user("Is sk-proj-0123456789abcdef a key?")],
        ..ModelRequest::default()
    };
    let told = |event| match event {
        Ok(ModelEvent::Waiting { .. }) => None,
        Ok(event) => Some(format!("{event:?}")),
        Err(error) => Some(format!("{error}")),
    };
    runtime().block_on(async {
        let events = provider.stream(&request);
        events
            .filter_map(|event| async { told(event) })
            .collect()
            .await
    })
}

fn play(flavour: Flavour, model: &FakeModel, cassette: &str) -> Vec<String> {
    let cassette = Cassette::read(cassette, Pace::AtOnce).unwrap();
    ask(&provider(flavour, model).playing(cassette))
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn what_was_recorded_is_played_in_every_format_by_the_provider_and_by_the_fake_server() {
    let folder = tempfile::tempdir().unwrap();
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        let file = folder.path().join(flavour.kind());
        let whole =
            || flavour.end(flavour.piece(flavour.piece(flavour.begin(), "größer"), " 日本"));
        model.say(whole());
        let recording = provider(flavour, &model).recording(&file).unwrap();
        let told = ask(&recording);
        assert!(told.last().unwrap().contains("EndTurn"), "{told:?}");
        let cassette = read(&file);
        assert_eq!(cassette.lines().count(), 1, "{flavour:?}");
        assert_eq!(play(flavour, &model, &cassette), told, "{flavour:?}");
        for script in Script::recorded(&cassette, false) {
            model.say(script);
        }
        assert_eq!(ask(&provider(flavour, &model)), told, "{flavour:?}");
    }
}

#[test]
fn an_answer_that_was_lost_is_lost_again_and_pieces_stay_as_they_were_cut() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cassette.jsonl");
    let model = FakeModel::start();
    let flavour = Flavour::Chat;
    let event = json!({"choices": [{"delta": {"content": "日本"}}]}).to_string();
    let event = format!("data: {event}\n\n");
    let inside = event.find('日').unwrap() + 1;
    let (first, second) = event.as_bytes().split_at(inside);
    // The second piece is sent when the first has been read, so that no network joins them.
    let (script, open) = flavour.begin().piece("one").bytes(first).gate();
    model.say(script.bytes(second).cut());
    let recording = provider(flavour, &model).recording(&file).unwrap();
    let request = ModelRequest::default();
    let told: Vec<String> = runtime().block_on(async {
        let events = recording.stream(&request);
        let mut open = Some(open);
        events
            .map(|event| {
                if matches!(&event, Ok(ModelEvent::Text(text)) if text == "one") {
                    open.take();
                }
                event.map_or_else(|error| error.to_string(), |event| format!("{event:?}"))
            })
            .collect()
            .await
    });
    assert!(told[2].contains("日本"), "{told:?}");
    assert!(told[3].contains("was lost after 9 bytes"), "{told:?}");
    let cassette = read(&file);
    assert!(cassette.contains("\"hex\":"), "{cassette}");
    let line: Value = serde_json::from_str(&cassette).unwrap();
    assert!(line["end"]["cut"].is_string(), "{line}");
    assert_eq!(play(flavour, &model, &cassette), told);
    assert_eq!(line["asked"]["path"], "/chat/completions");
}

#[test]
fn no_key_is_in_a_cassette() {
    let folder = tempfile::tempdir().unwrap();
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        let file = folder.path().join(flavour.kind());
        let recording = provider(flavour, &model).recording(&file).unwrap();
        // In a refusal, ours and that of another; in a header; in an answer, over two pieces.
        let refusal = json!({"error": {"message":
            format!("{KEY} is no key, nor is sk-other-0123456789abcdef")}});
        model.say(Script::error(401, &refusal).header("set-cookie", KEY));
        ask(&recording);
        let script = flavour.piece(flavour.piece(flavour.begin(), "x"), &format!("{KEY} y"));
        model.say(flavour.end(script).header("x-request-id", KEY));
        let told = ask(&recording);
        assert!(told.iter().any(|event| event.contains(KEY)), "{told:?}");
        let cassette = read(&file);
        assert_eq!(cassette.lines().count(), 2);
        for secret in [KEY, "sk-other", "sk-proj", "cookie"] {
            assert!(
                !cassette.contains(secret),
                "{flavour:?} {secret}: {cassette}"
            );
        }
        assert!(cassette.contains(&"*".repeat(KEY.len())), "{cassette}");
        // It can still be played.
        let cassette = Cassette::read(&cassette, Pace::AtOnce).unwrap();
        let playing = provider(flavour, &model).playing(cassette);
        assert!(ask(&playing)[0].contains("HTTP 401"));
        assert!(ask(&playing).last().unwrap().contains("EndTurn"));
        assert!(ask(&playing)[0].contains("no more answers"));
    }
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_a_cassette() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cassette.jsonl");
    let model = FakeModel::start();
    provider(Flavour::Chat, &model).recording(&file).unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let nowhere = folder.path().join("missing/cassette.jsonl");
    assert!(provider(Flavour::Chat, &model).recording(&nowhere).is_err());
}

#[test]
fn a_cassette_is_played_with_its_pauses_if_one_wants() {
    let text = json!({"choices": [{"delta": {"content": "one"}}]});
    let stop = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    let line = json!({"answered": {"status": 200, "headers": {}}, "end": "whole", "pieces": [
        [2000, format!("data: {text}\n\n")], [3000, format!("data: {stop}\n\ndata: [DONE]\n\n")]]});
    let model = FakeModel::start();
    for (pace, seconds) in [(Pace::AtOnce, 0), (Pace::AsRecorded, 5)] {
        let cassette = Cassette::read(&line.to_string(), pace).unwrap();
        let playing = provider(Flavour::Chat, &model).playing(cassette);
        runtime().block_on(async {
            // Nothing is waited for but the clock, which then runs ahead.
            tokio::time::pause();
            let began = tokio::time::Instant::now();
            let events: Vec<_> = playing.stream(&ModelRequest::default()).collect().await;
            assert!(events.iter().all(Result::is_ok));
            assert_eq!(
                began.elapsed().as_secs(),
                Duration::from_secs(seconds).as_secs()
            );
        });
    }
    assert!(model.saw_nothing_more());
}
