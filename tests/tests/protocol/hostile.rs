//! What a person is shown, when the model, the provider or the repository means harm: whatever is obeyed by
//! a terminal or an editor, or hides or turns round what is read, is told instead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Client, Personality, Side};
use pleach_tests::fake_model::{FakeModel, Flavour, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "pub fn one() -> u8 {\n    1\n}\n";
/// A right-to-left override, a terminal's escape, a zero-width space.
const HARM: &str = "\u{202e}\u{1b}[2J\u{200b}";

/// The strings of a message.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(all) => all.iter().for_each(|it| strings(it, found)),
        Value::Object(all) => all.values().for_each(|it| strings(it, found)),
        _ => {}
    }
}

/// Nothing that the editor shows by itself holds a character that is obeyed or not seen.
fn assert_harmless(client: &Client) {
    let mut shown = 0;
    for (side, message) in client.transcript() {
        let method = message["method"].as_str().unwrap_or_default();
        let is_shown = [
            "window/showMessage",
            "window/showMessageRequest",
            "$/progress",
        ];
        if *side != Side::Server || !is_shown.contains(&method) {
            continue;
        }
        shown += 1;
        let mut found = Vec::new();
        strings(&message["params"], &mut found);
        for text in found {
            let harm = text.chars().find(|char| {
                char.is_control() && !matches!(char, '\n' | '\t')
                    || ['\u{202e}', '\u{200b}'].contains(char)
            });
            assert_eq!(harm, None, "{method}: {text:?}");
        }
    }
    assert!(shown > 0, "nothing was shown");
}

#[test]
fn a_question_about_a_command_shows_what_would_run() {
    let flavour = Flavour::Chat;
    let model = FakeModel::start();
    let word = format!("src/{HARM}sr.bil");
    let said = flavour.piece(flavour.begin(), "Looking.");
    let call = flavour.call(said, "run_command", &json!({"argv": ["cat", word]}));
    model.say(flavour.end(call));
    model.say(flavour.text("No edit is needed."));
    let settings = format!("{}tools = true\n", model.settings());
    let mut client = Client::builder()
        .model(&model)
        .user_settings(&settings)
        .opened(FILE, CODE)
        .start();
    client.will_choose("Do not run");
    let asked = json!({"path": FILE, "line": 1, "instruction": "look"});
    let job = client.start_job("pleach.rewrite", asked);
    client.job_end(job);
    let questions = client.said("window/showMessageRequest");
    let [question] = &questions[..] else {
        panic!("{questions:#?}")
    };
    let message = question["message"].as_str().unwrap();
    assert!(message.contains("\\u{202e}"), "{message}");
    assert_harmless(&client);
}

#[test]
fn paths_reasons_and_names_of_models_are_shown_and_not_obeyed() {
    for personality in Personality::ALL {
        let model = FakeModel::start();
        let path = format!("src/{HARM}.rs");
        let refused = search_replace(&path, "nowhere", "x");
        // Asked anew with the reason, it insists.
        for _ in 0..3 {
            model.say(Script::text(&refused));
        }
        let mut client = Client::builder()
            .editor(personality)
            .model(&model)
            .opened(FILE, CODE)
            .start();
        let instruction = format!("do {HARM} this");
        let asked =
            json!({"path": FILE, "line": 1, "instruction": instruction, "title": instruction});
        let job = client.start_job("pleach.rewrite", asked);
        let end = client.job_end(job);
        assert_eq!(end["kind"], "failed", "{end}");
        client.progress_end(job);
        assert_harmless(&client);
    }
}

/// An editor fetches the images of what it renders, and with an address goes what is in it.
#[test]
fn a_plan_that_is_looked_at_fetches_nothing() {
    let plan = "# P\n\n## Steps\n\n1. [ ] ![a](https://example.com/?told) [b](command:c) \u{202e}d\n   - files: src/lib.rs\n";
    let mut client = Client::builder()
        .file(".pleach/plans/p.md", plan)
        .opened(FILE, CODE)
        .start();
    client.open(".pleach/plans/p.md");
    let uri = client.uri(".pleach/plans/p.md");
    let place = json!({"textDocument": {"uri": uri}, "position": {"line": 4, "character": 3}});
    let hover = client.request("textDocument/hover", place).unwrap();
    let shown = hover["contents"]["value"].as_str().unwrap();
    assert!(shown.contains("Step 1"), "{shown}");
    for harm in ["![", "](command:", "\u{202e}"] {
        assert!(!shown.contains(harm), "{harm:?} in {shown}");
    }
}
