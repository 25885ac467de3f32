//! Money: what is said before, during and after a job, what the caps stop, and what is written down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use camino::Utf8Path;
use pleach_policy::MicroUsd;
use pleach_store::{Call, CallFilter, CallOutcome, Ledger, Measure, Store};
use pleach_tests::client::{Builder, Client, Personality};
use pleach_tests::fake_model::{FakeModel, Script, Seen};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
/// What no record may hold.
const SECRET: &str = "a line of the person's own code";
const CODE: &str = "\
pub fn area(width: u32, height: u32) -> u32 {
    width * height // a line of the person's own code
}
";

/// Two dollars for a million tokens sent, ten for a million received.
const PRICES: &str = r#"{"fake/fake-1": {"input_cost_per_token": 0.000002,
    "output_cost_per_token": 0.00001, "max_output_tokens": 1000}}"#;

/// A session whose engine is `model`, with a price and these caps. The file of prices is read when the
/// session has begun: it stays for as long as this.
struct Priced {
    _prices: tempfile::NamedTempFile,
    builder: Option<Builder>,
}

impl Priced {
    fn new(model: &FakeModel, budget: &str) -> Self {
        let prices = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(prices.path(), PRICES).unwrap();
        let settings = format!(
            "{}\n[budget]\nprice_file = '{}'\n{budget}\n",
            model.settings(),
            prices.path().display()
        );
        let builder = Client::builder().model(model).user_settings(&settings);
        Self {
            _prices: prices,
            builder: Some(builder.opened(FILE, CODE)),
        }
    }

    fn with(mut self, change: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder = self.builder.map(change);
        self
    }

    fn start(&mut self) -> Client {
        self.builder.take().unwrap().start()
    }
}

fn rewrite() -> Value {
    json!({"path": FILE, "line": 2, "instruction": "do not overflow"})
}

fn good_reply() -> String {
    let line = format!("    width * height // {SECRET}");
    search_replace(FILE, &line, "    width.saturating_mul(height)")
}

/// Lets the server go, and reads what it has written down.
fn calls(client: &mut Client) -> Vec<Call> {
    client.close_input();
    client.exit_code();
    let folder = client.state_folder().join("pleach");
    let mut ledger = Ledger::new(Utf8Path::from_path(&folder).unwrap());
    ledger.calls(&CallFilter::default()).unwrap()
}

fn audit(client: &Client) -> Vec<(String, Value)> {
    let folder = client.state_folder().join("pleach");
    let mut store = Store::new(Utf8Path::from_path(&folder).unwrap());
    assert_eq!(store.verify_audit(None).unwrap().faults, []);
    let records = store.audit_records(None).unwrap();
    records
        .into_iter()
        .map(|record| (record.new.kind, record.new.body))
        .collect()
}

#[test]
fn a_job_says_what_it_will_cost_and_has_cost_and_is_written_down() {
    let model = FakeModel::start();
    let (held, go_on) = Script::default().piece(&good_reply()).gate();
    model.say(held.end("stop"));
    let mut priced = Priced::new(&model, "day_usd = 1");
    let mut client = priced.start();
    let job = client.start_job("pleach.rewrite", rewrite());
    client.wait_until("the progress tells the cost", |client| {
        let mut shown = client.progress(job).into_iter();
        shown.any(|it| {
            it["message"]
                .as_str()
                .is_some_and(|told| told.contains('$'))
        })
    });
    go_on.send(()).unwrap();
    assert_eq!(client.job_end(job)["kind"], "finished");
    client.progress_end(job);

    let events = client.job_events(job);
    let event = |kind: &str| events.iter().find(|event| event["kind"] == kind).unwrap();
    let estimate = event("estimate");
    let most = estimate["mostMicroUsd"].as_u64().unwrap();
    assert!(most > 10_000, "a thousand tokens: {estimate}");
    assert!(estimate["requestMicroUsd"].as_u64().unwrap() < most);
    let usage = events.iter().rfind(|event| event["kind"] == "usage");
    let usage = usage.unwrap();
    assert_eq!(usage["microUsd"], 7 * 2 + 3 * 10);
    assert_eq!(usage["cost"], "$0.0001");
    let calls = calls(&mut client);
    assert_eq!(calls.len(), 1);
    let settled = calls[0].settlement.as_ref().unwrap();
    assert_eq!(settled.cost, Some(MicroUsd(44)));
    assert_eq!((settled.tokens.input, settled.tokens.output), (7, 3));
    assert_eq!(settled.measure, Measure::Provider);
    assert_eq!(settled.outcome, CallOutcome::Answered);
    assert_eq!(calls[0].is_clean, Some(true));
    assert_eq!(calls[0].reserved, Some(MicroUsd(most)));
    assert_eq!(calls[0].new.role, "coder");
    assert!(calls[0].new.workspace.ends_with("/workspace"));

    let audit = audit(&client);
    let kinds: Vec<&str> = audit.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["asked", "answered", "landed"]);
    assert_eq!(audit[0].1["address"], model.base_url());
    assert_eq!(audit[0].1["files"], FILE);
    assert_eq!(audit[1].1["micro_usd"], 44);
    assert_eq!(audit[2].1["files"][0]["path"], FILE);
}

/// Neither a key nor a line of code is in the ledger and the audit, whatever happens to the job.
#[test]
fn no_secret_is_written_down() {
    let model = FakeModel::start();
    let echo = json!({"error": {"message": format!("wrong key {} for {SECRET}", FakeModel::KEY)}});
    model.say(Script::error(401, &echo));
    model.say(Script::text(SECRET));
    let mut priced = Priced::new(&model, "");
    let mut client = priced.start();
    let failed = client.start_job("pleach.rewrite", rewrite());
    assert_eq!(client.job_end(failed)["code"], "unauthorized");
    let explained = client.start_job("pleach.explain", rewrite());
    assert_eq!(client.job_end(explained)["kind"], "finished");
    assert_eq!(calls(&mut client).len(), 2);
    let mut looked_at = 0;
    for name in ["pleach.db", "pleach.db-wal", "pleach.db-audit"] {
        let Ok(bytes) = std::fs::read(client.state_folder().join("pleach").join(name)) else {
            continue;
        };
        looked_at += 1;
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(FakeModel::KEY), "{name} holds the key");
        assert!(!text.contains(SECRET), "{name} holds code");
        assert!(
            !text.contains("do not overflow"),
            "{name} holds the instruction"
        );
    }
    assert!(looked_at >= 2);
}

#[test]
fn what_the_cap_does_not_allow_is_not_sent() {
    let model = FakeModel::start();
    let mut priced = Priced::new(&model, "month_usd = 0.0005");
    let mut client = priced.start();
    let job = client.start_job("pleach.rewrite", rewrite());
    let end = client.job_end(job);
    assert_eq!(end["code"], "over-budget", "{end}");
    assert!(
        end["message"].as_str().unwrap().contains("this month"),
        "{end}"
    );
    assert!(end["next"].as_str().unwrap().contains("month_usd"), "{end}");
    assert!(model.saw_nothing_more());
    assert_eq!(calls(&mut client), []);
}

#[test]
fn an_answer_is_stopped_at_the_cap_and_what_came_is_kept() {
    let model = FakeModel::start();
    // 2,000 letters a piece, for whatever bound it was asked with, and then silence.
    let piece = "abc ".repeat(500);
    let script = (0..4).fold(Script::default(), |script, _| script.piece(&piece));
    model.say(script.hang());
    let mut priced = Priced::new(&model, "request_usd = 0.01");
    let mut client = priced.start();
    let job = client.start_job("pleach.explain", rewrite());
    let asked = model.request();
    // What is left of a cent after the request.
    let bound = asked["max_tokens"].as_u64().unwrap();
    assert!((64..1000).contains(&bound), "{asked}");
    model.closed();
    let end = client.job_end(job);
    assert_eq!(end["code"], "budget-reached", "{end}");
    let kept = std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap();
    assert!(kept.contains(&piece));

    let calls = calls(&mut client);
    let settled = calls[0].settlement.as_ref().unwrap();
    assert_eq!(settled.outcome, CallOutcome::Stopped);
    assert_eq!(settled.measure, Measure::Estimate);
    assert!(settled.cost.unwrap() >= MicroUsd(10_000));
}

/// A server that keeps to the bound that the cap left says so itself.
#[test]
fn an_answer_that_the_caps_bound_cut_off_is_no_other_failure() {
    let model = FakeModel::start();
    model.say(Script::default().piece("It computes").end("length"));
    let mut priced = Priced::new(&model, "request_usd = 0.01");
    let mut client = priced.start();
    let job = client.start_job("pleach.explain", rewrite());
    let end = client.job_end(job);
    assert_eq!(end["code"], "budget-reached", "{end}");
    let calls = calls(&mut client);
    let settled = calls[0].settlement.as_ref().unwrap();
    assert_eq!(
        (settled.cost, settled.measure),
        (Some(MicroUsd(44)), Measure::Provider)
    );
}

#[test]
fn a_cancelled_job_is_settled_with_an_honest_estimate() {
    let model = FakeModel::start();
    model.say(Script::default().piece(&"word ".repeat(76)).hang());
    let mut priced = Priced::new(&model, "");
    let mut client = priced.start();
    let job = client.start_job("pleach.explain", rewrite());
    client.notification_where("pleach/job", |event| event["kind"] == "text");
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap();
    assert_eq!(client.job_end(job)["code"], "cancelled");
    model.closed();
    let calls = calls(&mut client);
    let settled = calls[0].settlement.as_ref().unwrap();
    assert_eq!(settled.outcome, CallOutcome::Cancelled);
    assert_eq!(settled.measure, Measure::Estimate);
    // 380 letters at 3.8 a token.
    assert_eq!(settled.tokens.output, 100);
    assert!(settled.cost.unwrap() > MicroUsd(1000));
}

/// The editor goes while an answer is being written.
#[test]
fn a_job_that_the_end_of_the_server_drops_is_settled() {
    let model = FakeModel::start();
    model.say(Script::default().piece("word").hang());
    let mut priced = Priced::new(&model, "");
    let mut client = priced.start();
    client.start_job("pleach.explain", rewrite());
    client.notification_where("pleach/job", |event| event["kind"] == "text");
    let calls = calls(&mut client);
    let settled = calls[0].settlement.as_ref().unwrap();
    assert_eq!(settled.outcome, CallOutcome::Cancelled);
    assert!(matches!(model.next(), Seen::Request { .. }));
}

#[test]
fn a_price_that_is_unknown_is_said_and_with_a_cap_nothing_is_sent() {
    let settings = |budget: &str| {
        format!(
            "engine = 'far'\n[providers.far]\nbase_url = 'https://models.invalid/v1'\nmodel = 'm'\n\
             [budget]\n{budget}"
        )
    };
    let far = |budget: &str| {
        let builder = Client::builder().user_settings(&settings(budget));
        builder.opened(FILE, CODE).start()
    };
    let mut client = far("day_usd = 5");
    let job = client.start_job("pleach.explain", rewrite());
    let end = client.job_end(job);
    assert_eq!(end["code"], "price-unknown", "{end}");
    assert!(end["next"].as_str().unwrap().contains("far/m"), "{end}");
    // A server on this machine sends no bill.
    let model = FakeModel::start();
    model.say(Script::text("It computes an area."));
    let with_cap = format!("{}\n[budget]\nday_usd = 0\n", model.settings());
    let builder = Client::builder().model(&model).user_settings(&with_cap);
    let mut client = builder.opened(FILE, CODE).start();
    let job = client.start_job("pleach.explain", rewrite());
    assert_eq!(client.job_end(job)["kind"], "finished");
    let usage = client.job_events(job);
    let usage = usage.iter().find(|event| event["kind"] == "usage").unwrap();
    assert_eq!(usage["cost"], "cost unknown");
    assert_eq!(usage["microUsd"], Value::Null);
    let calls = calls(&mut client);
    assert_eq!(calls[0].settlement.as_ref().unwrap().cost, None);
}

#[test]
fn a_workspace_can_lower_a_cap_and_not_raise_it() {
    let model = FakeModel::start();
    let workspace = "[budget]\nday_usd = 0\nmonth_usd = 100\ncalls_per_job = 1\n";
    let priced = Priced::new(&model, "month_usd = 0.0001");
    let mut priced = priced.with(|builder| builder.file("pleach.toml", workspace));
    let mut client = priced.start();
    let told = client.notification_where("textDocument/publishDiagnostics", |told| {
        told["diagnostics"][0]["code"] == "workspace_widens"
    });
    assert_eq!(told["diagnostics"].as_array().unwrap().len(), 1, "{told}");
    let job = client.start_job("pleach.rewrite", rewrite());
    let end = client.job_end(job);
    assert!(end["next"].as_str().unwrap().contains("day_usd"), "{end}");
}

#[test]
fn a_loop_is_stopped() {
    let model = FakeModel::start();
    // Each answer is refused, so each time the model is asked again.
    for _ in 0..3 {
        model.say(Script::text(&search_replace(FILE, "not there at all", "x")));
    }
    let mut priced = Priced::new(&model, "calls_per_job = 2");
    let mut client = priced.start();
    let job = client.start_job("pleach.rewrite", rewrite());
    let end = client.job_end(job);
    assert_eq!(end["code"], "too-many-calls", "{end}");
    let calls = calls(&mut client);
    let verdicts: Vec<Option<bool>> = calls.iter().map(|call| call.is_clean).collect();
    assert_eq!(verdicts, [Some(false), Some(false)]);
}

#[test]
fn the_built_in_engine_costs_nothing_and_nothing_is_written_down() {
    let mut client = Client::builder().opened(FILE, CODE).start();
    let job = client.start_job("pleach.document", json!({"path": FILE, "line": 1}));
    assert_eq!(client.job_end(job)["kind"], "finished");
    let kinds: Vec<String> = client
        .job_events(job)
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        !kinds
            .iter()
            .any(|kind| kind == "usage" || kind == "estimate")
    );
    assert_eq!(calls(&mut client), []);
    let audit = audit(&client);
    assert_eq!(audit.len(), 1, "what landed, and nothing else");
    assert_eq!(audit[0].0, "landed");
}

#[test]
fn an_expensive_action_says_so_in_its_title_and_the_usage_is_a_page() {
    let model = FakeModel::start();
    model.say(Script::text("It computes an area."));
    // 200 kB, at two dollars for a million tokens, is ten cents.
    let long = format!("{CODE}{}", "// a comment\n".repeat(16_000));
    let mut priced = Priced::new(&model, "").with(|builder| {
        let builder = builder.editor(Personality::Vscode);
        builder.opened("src/long.rs", &long)
    });
    let mut client = priced.start();
    let place = client.cursor_at("src/long.rs", "area");
    let explain = client
        .offered("src/long.rs", &place, "pleach.explain")
        .unwrap();
    assert_eq!(explain["title"], "Explain this (from $0.1041)");
    let place = client.cursor_at(FILE, "area");
    let explain = client.offered(FILE, &place, "pleach.explain").unwrap();
    assert_eq!(explain["title"], "Explain this");

    client.choose(FILE, &place, "pleach.explain");
    client.job_end(1);
    client.execute("pleach.usage", json!({})).unwrap();
    client.wait_until("the page", |client| {
        let shown = client.said("window/showDocument");
        shown
            .iter()
            .any(|it| it["uri"].as_str().unwrap().contains("usage-"))
    });
    let shown = client.said("window/showDocument");
    let uri = shown.last().unwrap()["uri"].as_str().unwrap();
    let page = std::fs::read_to_string(uri.trim_start_matches("file://")).unwrap();
    assert!(
        page.contains("| fake-1 (fake) | $0.0001 | 1 | 7 |"),
        "{page}"
    );
    assert!(page.contains("| reviewer | $0.0001 |"), "{page}");
}
