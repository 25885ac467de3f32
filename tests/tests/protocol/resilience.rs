//! What becomes of a job whose model cannot be had, breaks off or was asked the same before.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use camino::Utf8Path;
use pleach_policy::MicroUsd;
use pleach_store::{Call, CallFilter, CallOutcome, Ledger, Store};
use pleach_tests::client::Client;
use pleach_tests::fake_model::{FakeModel, Script, Seen};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "pub fn area() -> u32 {\n    1\n}\n\npub fn depth() -> u32 {\n    3\n}\n";

/// Two providers, of which the first is the engine.
fn settings(first: &FakeModel, second: &FakeModel, more: &str) -> String {
    let provider = |name: &str, model: &FakeModel| {
        let base_url = model.base_url();
        format!("[providers.{name}]\nbase_url = \"{base_url}\"\nmodel = \"fake\"\n")
    };
    let (first, second) = (provider("first", first), provider("second", second));
    format!("engine = \"first\"\ncache.enabled = false\n{more}\n{first}{second}effort = \"low\"\n")
}

fn session(settings: &str) -> Client {
    let builder = Client::builder().user_settings(settings);
    builder.opened(FILE, CODE).start()
}

fn asked() -> Value {
    json!({"path": FILE, "line": 2, "instruction": "two"})
}

fn reply() -> String {
    search_replace(FILE, "    1", "    2")
}

fn busy() -> Script {
    Script::error(503, &json!({})).header("retry-after", "3600")
}

/// Whether some event of a job has this text in one of its fields.
fn told(client: &Client, job: u64, field: &str, text: &str) -> bool {
    let events = client.job_events(job);
    let mut words = events.iter().filter_map(|event| event[field].as_str());
    words.any(|word| word.contains(text))
}

/// Lets the server go, and reads what it has written down.
fn calls(client: &mut Client) -> Vec<Call> {
    client.close_input();
    client.exit_code();
    let folder = client.state_folder().join("pleach");
    let mut ledger = Ledger::new(Utf8Path::from_path(&folder).unwrap());
    ledger.calls(&CallFilter::default()).unwrap()
}

#[test]
fn a_role_has_a_model_of_its_own() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let mut client = session(&settings(&first, &second, "models.coder = \"second\""));
    second.say(Script::text(&reply()));
    let job = client.start_job("pleach.rewrite", asked());
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(second.request()["reasoning_effort"], "low");
    first.say(Script::text("It is one."));
    let job = client.start_job("pleach.explain", asked());
    assert_eq!(client.job_end(job)["engine"], "fake (first)");
}

#[test]
fn who_stands_in_is_named_and_nobody_stands_in_unasked() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    first.say(busy());
    second.say(Script::text(&reply()));
    let mut client = session(&settings(&first, &second, "fallbacks = [\"second\"]"));
    let job = client.start_job("pleach.rewrite", asked());
    let end = client.job_end(job);
    assert_eq!(end["engine"], "fake (second), in place of first");
    assert!(told(&client, job, "phase", "asking `second` in its place"));
    let calls = calls(&mut client);
    let rows: Vec<(&str, CallOutcome)> = calls
        .iter()
        .map(|call| {
            let settled = call.settlement.as_ref().unwrap();
            (call.new.provider.as_str(), settled.outcome)
        })
        .collect();
    let expected = [
        ("first", CallOutcome::Failed),
        ("second", CallOutcome::Answered),
    ];
    assert_eq!(rows, expected);
    let state = client.state_folder().join("pleach");
    let mut store = Store::new(Utf8Path::from_path(&state).unwrap());
    let records = store.audit_records(None).unwrap();
    let mut asked_of = records.iter().filter(|record| record.new.kind == "asked");
    assert_eq!(
        asked_of.nth(1).unwrap().new.body["in_place_of"],
        json!(["first"])
    );

    first.say(busy());
    let mut client = session(&settings(&first, &second, ""));
    let job = client.start_job("pleach.rewrite", asked());
    assert_eq!(client.job_end(job)["code"], "overloaded");
}

#[test]
fn a_wrong_key_is_told_and_nobody_stands_in() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    first.say(Script::error(401, &json!({})));
    let mut client = session(&settings(&first, &second, "fallbacks = [\"second\"]"));
    let job = client.start_job("pleach.rewrite", asked());
    assert_eq!(client.job_end(job)["code"], "unauthorized");
    assert!(second.saw_nothing_more());
}

#[test]
fn the_same_question_is_answered_from_the_cache_until_that_is_turned_off() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let settings = settings(&first, &second, "").replace("cache.enabled = false", "");
    let mut client = session(&settings);
    first.say(Script::text("It is one."));
    let job = client.start_job("pleach.explain", asked());
    assert_eq!(client.job_end(job)["engine"], "fake (first)");
    let again = client.start_job("pleach.explain", asked());
    let end = client.job_end(again);
    assert_eq!(end["engine"], "fake (first), from the cache");
    let kept = std::fs::read_to_string(end["answer"].as_str().unwrap()).unwrap();
    assert!(kept.ends_with("It is one."), "{kept}");
    assert!(told(&client, again, "phase", "costs nothing"));
    // Another question.
    first.say(Script::text("It is three."));
    let other = json!({"path": FILE, "line": 6, "instruction": "three"});
    let job = client.start_job("pleach.explain", other);
    assert_eq!(client.job_end(job)["engine"], "fake (first)");
    let off = format!("cache.enabled = false\n{settings}");
    std::fs::write(client.user_settings_path(), off).unwrap();
    let mut client = client.restart();
    client.open(FILE);
    first.say(Script::text("It is one."));
    let job = client.start_job("pleach.explain", asked());
    assert_eq!(client.job_end(job)["engine"], "fake (first)");
    let calls = calls(&mut client);
    let settled = calls[1].settlement.as_ref().unwrap();
    assert_eq!(settled.cost, Some(MicroUsd(0)));
    assert_eq!(settled.code.as_deref(), Some("from-cache"));
}

/// The next run must not be given what is known to be of no use.
#[test]
fn an_answer_that_the_gate_refused_is_not_kept() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let settings = settings(&first, &second, "limits.max_attempts = 0");
    let mut client = session(&settings.replace("cache.enabled = false", ""));
    first.say(Script::text(&search_replace(
        FILE,
        "    no such line",
        "    2",
    )));
    let job = client.start_job("pleach.rewrite", asked());
    assert_eq!(client.job_end(job)["kind"], "failed");
    first.say(Script::text(&reply()));
    let job = client.start_job("pleach.rewrite", asked());
    let end = client.job_end(job);
    assert_eq!(end["engine"], "fake (first)", "{end}");
}

#[test]
fn the_rest_of_an_answer_that_broke_off_is_asked_for() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let mut client = session(&settings(&first, &second, "review = \"land\""));
    let (one, two) = (reply(), search_replace(FILE, "    3", "    4"));
    first.say(Script::default().piece(&one).piece(&two[..40]).cut());
    first.say(Script::text(&two));
    let job = client.start_job("pleach.rewrite", asked());
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert_eq!(
        client.text(FILE),
        CODE.replace("    1", "    2").replace("    3", "    4")
    );
    assert!(told(&client, job, "phase", "asking for the rest"));
    let _whole = first.request();
    let rest = first.request();
    let messages = rest["messages"].as_array().unwrap();
    assert_eq!(messages[messages.len() - 2]["content"], one.as_str());
    let calls = calls(&mut client);
    let outcomes = calls
        .iter()
        .map(|call| call.settlement.as_ref().unwrap().outcome);
    let expected = [CallOutcome::Failed, CallOutcome::Answered];
    assert!(outcomes.eq(expected), "both are in the ledger");
}

#[test]
fn an_answer_without_a_whole_part_is_asked_for_once_more_and_that_is_said() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let mut client = session(&settings(&first, &second, ""));
    first.say(Script::default().piece(&reply()[..30]).cut());
    first.say(Script::text(&reply()));
    let job = client.start_job("pleach.rewrite", asked());
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert!(told(&client, job, "phase", "may be on the bill"));
    assert_eq!(client.text(FILE), CODE.replace('1', "2"));
}

#[test]
fn what_had_come_is_kept_when_a_job_is_cancelled() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let mut client = session(&settings(&first, &second, ""));
    first.say(Script::default().piece("Half of an ans").hang());
    let job = client.start_job("pleach.explain", asked());
    client.wait_until("a word has come", |client| {
        told(client, job, "text", "Half of an ans")
    });
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap();
    let end = client.job_end(job);
    assert_eq!(end["code"], "cancelled");
    let kept = std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap();
    assert!(kept.contains("Half of an ans"), "{kept}");
}

/// One message, however many jobs meet it.
#[test]
fn a_provider_that_only_fails_is_left_in_peace_and_that_is_said_once() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let mut client = session(&settings(&first, &second, ""));
    for _ in 0..7 {
        first.say(busy());
        let job = client.start_job("pleach.rewrite", asked());
        assert_eq!(client.job_end(job)["kind"], "failed");
    }
    client.sync();
    let said = client.said("window/showMessage");
    let peace = said.iter().filter(|message| {
        let words = message["params"]["message"]
            .as_str()
            .or(message["message"].as_str());
        words.is_some_and(|words| words.contains("left in peace for 30 s; the first question"))
    });
    assert_eq!(peace.count(), 1, "{said:#?}");
    assert_eq!(first.requests_seen(), 5);
    let status = client.execute("pleach.status", json!({})).unwrap();
    let provider = &status["components"]["providers"][0];
    assert_eq!(provider["name"], "first");
    assert_eq!(provider["breaker"], "open", "{status}");
}

#[test]
fn an_action_waits_for_its_turn() {
    let (first, second) = (FakeModel::start(), FakeModel::start());
    let mut client = session(&settings(&first, &second, "actions.per_minute.explain = 1"));
    first.say(Script::text("One."));
    let job = client.start_job("pleach.explain", asked());
    assert_eq!(client.job_end(job)["kind"], "finished");
    let job = client.start_job("pleach.explain", asked());
    client.wait_until("it waits", |client| {
        told(client, job, "phase", "actions.per_minute")
    });
    // And counts down.
    client.wait_until("the seconds are shown", |client| {
        let shown = client.progress(job);
        let mut words = shown.iter().filter_map(|it| it["message"].as_str());
        words.any(|words| words.contains(" s left"))
    });
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap();
    assert_eq!(client.job_end(job)["code"], "cancelled");
}

/// The standard variables are the only thing that has anything sent elsewhere than to the provider.
#[test]
fn a_collector_is_told_of_a_call_when_the_standard_variables_name_one() {
    let (first, collector) = (FakeModel::start(), FakeModel::start());
    first.say(Script::text("It is one."));
    let mut client = Client::builder()
        .user_settings(&settings(&first, &first, ""))
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.root())
        .opened(FILE, CODE)
        .start();
    let job = client.start_job("pleach.explain", asked());
    assert_eq!(client.job_end(job)["kind"], "finished");
    let (mut spans, mut metrics) = (Value::Null, Value::Null);
    while spans.is_null() || metrics.is_null() {
        if let Seen::Request { line, body, .. } = collector.next() {
            match line.as_str() {
                "POST /v1/traces" => spans = body,
                "POST /v1/metrics" => metrics = body,
                other => panic!("{other}"),
            }
        }
    }
    let span = &spans["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["name"], "chat fake");
    let told = spans.to_string();
    for word in ["gen_ai.usage.input_tokens", "\"7\"", "reviewer", "first"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    // Nothing that was asked or answered.
    assert!(
        !told.contains("It is one") && !told.contains("area"),
        "{told}"
    );
    let names = metrics.to_string();
    assert!(
        names.contains("gen_ai.client.operation.duration"),
        "{names}"
    );
}
