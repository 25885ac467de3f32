//! What a model is shown beside the document: pieces of the workspace, within a budget, each with its reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;

use pleach_tests::client::{Builder, Client, path_of};
use pleach_tests::fake_model::{FakeModel, Script};
use serde_json::{Value, json};

const FILE: &str = "src/shop.rs";
const SHOP: &str = "\
use crate::till::Till;

/// Sells a thing.
pub fn sell(till: &mut Till, price: u32) -> u32 {
    till.take_money(price)
}
";
const TILL: &str = "\
use crate::lock::Lock;

/// The money of a shop.
pub struct Till {
    coins: u32,
    lock: Lock,
}

impl Till {
    /// Takes money, and tells how much there is.
    pub fn take_money(&mut self, price: u32) -> u32 {
        self.lock.open_drawer();
        self.coins += price;
        self.coins
    }
}
";
const LOCK: &str = "pub struct Lock;\n\nimpl Lock {\n    pub fn open_drawer(&self) {}\n}\n";
const DAY: &str = "\
use crate::{shop::sell, till::Till};

pub fn a_day(till: &mut Till) {
    sell(till, 3);
}
";
const CHECKS: &str =
    "#[test]\nfn selling_fills_the_till() {\n    assert_eq!(shop::sell(&mut till(), 3), 3);\n}\n";
const UNRELATED: &str = "/// Weather.\npub struct Weather;\n\npub fn forecast(_: &Weather) {}\n";

fn shop(model: &FakeModel) -> Builder {
    Client::builder()
        .model(model)
        .file("src/till.rs", TILL)
        .file("src/lock.rs", LOCK)
        .file("src/day.rs", DAY)
        .file("src/weather.rs", UNRELATED)
        .file("tests/selling.rs", CHECKS)
        .opened(FILE, SHOP)
}

/// What the model is asked when the body of `sell` is to be explained.
fn explained(client: &mut Client, model: &FakeModel) -> String {
    model.say(Script::text("It sells.\n"));
    let job = client.start_job("pleach.explain", json!({"path": FILE, "line": 5}));
    let asked = model.request();
    client.job_end(job);
    asked["messages"][1]["content"].as_str().unwrap().to_owned()
}

/// The page whose file begins so, once it is shown.
fn page(client: &mut Client, name: &str) -> String {
    let shown = |client: &Client| {
        let all = client.said("window/showDocument").into_iter();
        let mut uris = all.map(|it| it["uri"].as_str().unwrap().to_owned());
        uris.find(|uri| uri.contains(name))
    };
    client.wait_until("the page is shown", |client| shown(client).is_some());
    fs::read_to_string(path_of(&shown(client).unwrap())).unwrap()
}

/// The pieces that were sent last: where, how much of them, and why.
fn pieces(client: &mut Client) -> Vec<(String, String, String)> {
    let sent = client.execute("pleach.whatWasSent", Value::Null).unwrap();
    let pieces = sent["pieces"].as_array().unwrap().iter();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    pieces
        .map(|it| {
            let place = format!("{} {}", text(&it["path"]), text(&it["name"]));
            (place, text(&it["shape"]), text(&it["why"]))
        })
        .collect()
}

#[test]
fn a_planner_is_shown_what_the_goal_names() {
    let model = FakeModel::start();
    let mut client = shop(&model).start();
    model.say(Script::text(
        "# Coins\n\n## Steps\n\n1. [ ] Count\n   - files: src/till.rs\n   - check: it counts\n",
    ));
    let goal = json!({"goal": "let take_money of the till refuse nothing"});
    let job = client.start_job("pleach.plan", goal);
    let sent = model.request()["messages"][1]["content"].to_string();
    assert!(sent.contains("self.lock.open_drawer();"), "{sent}");
    assert!(!sent.contains("forecast"), "{sent}");
    client.job_end(job);
    let pieces = pieces(&mut client);
    assert!(
        pieces.iter().any(|(at, ..)| at == "src/till.rs take_money"),
        "{pieces:?}"
    );
}

#[test]
fn what_the_place_leads_to_who_calls_it_and_its_tests_are_sent_with_reasons() {
    let model = FakeModel::start();
    let mut client = shop(&model).start();
    let sent = explained(&mut client, &model);
    for needed in [
        "pub struct Till {",
        "self.lock.open_drawer();",
        "sell(till, 3);",
        "fn selling_fills_the_till()",
        "pub fn open_drawer(&self)",
    ] {
        assert!(sent.contains(needed), "{needed}: {sent}");
    }
    assert!(!sent.contains("forecast"), "{sent}");
    // What comes from elsewhere stands before the document, which changes more often.
    assert!(sent.find("src/till.rs").unwrap() < sent.find("File: src/shop.rs").unwrap());
    let pieces = pieces(&mut client);
    let why = |place: &str| {
        let piece = pieces.iter().find(|(at, ..)| at == place);
        piece
            .unwrap_or_else(|| panic!("{place}: {pieces:?}"))
            .2
            .clone()
    };
    assert_eq!(
        why("src/till.rs take_money"),
        "`take_money` is used at the place"
    );
    assert_eq!(
        why("src/till.rs Till"),
        "`Till` is imported and used at the place"
    );
    assert_eq!(
        why("src/lock.rs open_drawer"),
        "what the place uses leads to `open_drawer`"
    );
    assert_eq!(why("src/day.rs a_day"), "uses `sell`");
    assert_eq!(
        why("tests/selling.rs selling_fills_the_till"),
        "tests `sell`"
    );
    // The page says the same.
    let page = page(&mut client, "sent-");
    assert!(
        page.contains("- **src/shop.rs**: all of it, because it was asked about"),
        "{page}"
    );
    assert!(
        page.contains("| src/day.rs:3 | `a_day` | whole |"),
        "{page}"
    );
}

#[test]
fn the_same_place_is_sent_the_same_text() {
    let model = FakeModel::start();
    let mut client = shop(&model)
        .user_settings(&format!("{}\n[cache]\nenabled = false\n", model.settings()))
        .start();
    let first = explained(&mut client, &model);
    assert_eq!(explained(&mut client, &model), first);
    let mut client = client.restart();
    client.open(FILE);
    assert_eq!(explained(&mut client, &model), first);
}

#[test]
fn bodies_become_signatures_and_names_until_the_budget_is_kept() {
    let mut before = usize::MAX;
    for (tokens, shapes) in [(2_000, "whole"), (230, "signature"), (110, "name")] {
        let model = FakeModel::start();
        let settings = format!("{}\n[context]\ntokens = {tokens}\n", model.settings());
        let mut client = shop(&model).user_settings(&settings).start();
        let sent = explained(&mut client, &model);
        assert!(sent.len() < before, "{tokens}: {sent}");
        before = sent.len();
        let told = client.execute("pleach.whatWasSent", Value::Null).unwrap();
        assert!(told["contextTokens"].as_u64().unwrap() <= tokens, "{told}");
        let pieces = pieces(&mut client);
        assert!(
            pieces.iter().any(|(_, shape, _)| shape == shapes),
            "{tokens}: {pieces:?}"
        );
    }
    let model = FakeModel::start();
    let settings = format!("{}\n[context]\ntokens = 0\n", model.settings());
    let mut client = shop(&model).user_settings(&settings).start();
    assert!(explained(&mut client, &model).starts_with("File: src/shop.rs"));
    assert_eq!(pieces(&mut client), []);
}

#[test]
fn a_workspace_can_lower_the_budget_and_not_raise_it() {
    for (own, sent_too) in [("tokens = 0", false), ("tokens = 900000", true)] {
        let model = FakeModel::start();
        let mut client = shop(&model)
            .file("pleach.toml", &format!("[context]\n{own}\n"))
            .start();
        assert_eq!(
            explained(&mut client, &model).contains("pub struct Till"),
            sent_too
        );
        let told = client.execute("pleach.whatWasSent", Value::Null).unwrap();
        assert!(told["budget"].as_u64().unwrap() <= 4_000, "{told}");
    }
}

#[test]
fn secrets_and_files_that_are_never_sent_stay_out_of_the_pieces() {
    const TOKEN: &str = "ghp_4nV8sT2kQ9xZ7mB1cR5wY3pL6dF0hJaGeUiO";
    let model = FakeModel::start();
    let till = TILL.replace(
        "        self.coins += price;",
        &format!("        send(\"{TOKEN}\");"),
    );
    let mut client = shop(&model)
        .file("src/till.rs", &till)
        .file(".pleachignore", "day.rs\n")
        .start();
    let sent = explained(&mut client, &model);
    assert!(sent.contains("send(\"PLEACH_SECRET_1\");"), "{sent}");
    assert!(!sent.contains(TOKEN) && !sent.contains("a_day"), "{sent}");
    let told = client.execute("pleach.whatWasSent", Value::Null).unwrap();
    assert_eq!(told["secrets"], 1);
    // From now on this one as well, before the index has heard of it.
    fs::write(client.root().join(".pleachignore"), "day.rs\nlock.rs\n").unwrap();
    assert!(!explained(&mut client, &model).contains("Lock {"));
}

#[test]
fn what_is_open_and_not_saved_is_what_is_sent() {
    let model = FakeModel::start();
    let mut client = shop(&model).start();
    client.open("src/till.rs");
    let typed = TILL.replace("self.coins += price;", "self.coins += price / 2;");
    client.set_text("src/till.rs", &typed);
    assert!(explained(&mut client, &model).contains("self.coins += price / 2;"));
}

#[test]
fn a_preview_has_the_manifest_and_sends_nothing() {
    let model = FakeModel::start();
    let mut client = shop(&model).start();
    let refused = client
        .execute("pleach.whatWasSent", Value::Null)
        .unwrap_err();
    assert_eq!(refused["data"]["code"], "nothing-sent");
    client
        .execute(
            "pleach.previewPrompt",
            json!({"path": FILE, "line": 5, "command": "pleach.explain"}),
        )
        .unwrap();
    let page = page(&mut client, "prompt-");
    assert!(page.contains("| src/till.rs:10 | `take_money` |"), "{page}");
    assert!(
        page.contains("about ") && page.contains(" tokens"),
        "{page}"
    );
    assert_eq!(model.requests_seen(), 0);
}
