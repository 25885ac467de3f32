//! The first meeting: what works is said once, and a model that runs on this machine is offered once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Builder, Client, Personality};
use pleach_tests::fake_model::{FakeModel, Script, Seen};
use serde_json::{Value, json};

/// A port at which nobody answers.
const NOBODY: &str = "127.0.0.1:9";

/// A first meeting on a machine where Ollama is to be found at `ollama`, and no llama.cpp.
fn meeting(ollama: &str) -> Builder {
    Client::builder()
        .first_meeting()
        .variable("OLLAMA_HOST", ollama)
        .variable("LLAMA_ARG_PORT", "9")
        .file("src/lib.rs", "pub fn one() -> u8 { 1 }\n")
}

/// Ollama with these models.
fn ollama(models: &[&str]) -> FakeModel {
    let server = FakeModel::start();
    let listed: Vec<Value> = models.iter().map(|name| json!({ "name": name })).collect();
    server.list(Script::error(200, &json!({ "models": listed })));
    server
}

fn address(server: &FakeModel) -> String {
    format!("127.0.0.1:{}", server.port())
}

fn engine(client: &mut Client) -> Value {
    client.execute("pleach.status", Value::Null).unwrap()["engine"].clone()
}

#[test]
fn what_works_is_said_once_with_the_command_that_adds_a_model() {
    for personality in Personality::ALL {
        let mut client = meeting(NOBODY).editor(personality).start();
        let told = client.notification("window/showMessage");
        let text = "Pleach can document, test, fix, rename. Add a model: `pleach model`";
        assert_eq!(told, json!({"type": 3, "message": text}), "{personality:?}");
        // It fits into the last line of a terminal of 80 columns.
        assert!(text.len() <= 68);
        let mut again = client.restart();
        again.open("src/lib.rs");
        again.sync();
        again.close_input();
        again.exit_code();
        assert!(again.said("window/showMessage").is_empty());
    }
}

#[test]
fn a_model_that_runs_here_is_offered_and_nothing_but_its_list_was_asked_for() {
    let server = ollama(&["nomic-embed-text", "llama3.1:8b", "qwen2.5-coder:7b"]);
    let mut client = meeting(&address(&server)).spawn();
    client.will_choose("Use qwen2.5-coder:7b");
    client.begin();
    let told = client.notification("window/showMessage");
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("qwen2.5-coder:7b answers from now on"),
        "{told}"
    );
    let asked = client.said("window/showMessageRequest");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0]["message"],
        "Pleach can document, test, fix, rename. Ollama runs here. Use it for the rest?"
    );
    assert_eq!(asked[0]["actions"][1]["title"], "Not now");
    let written = std::fs::read_to_string(client.user_settings_path()).unwrap();
    let base_url = format!("http://{}", address(&server));
    assert_eq!(
        written,
        format!(
            "engine = \"ollama\"\n\n[providers.ollama]\nkind = \"ollama\"\nbase_url = \"{base_url}\"\n\
             model = \"qwen2.5-coder:7b\"\n"
        )
    );
    // Reading settings takes place beside the loop: asked until it shows.
    while engine(&mut client) != "qwen2.5-coder:7b (ollama)" {}
    client.end();
    let Seen::Request { line, body, .. } = server.next() else {
        panic!("a request");
    };
    assert_eq!((line.as_str(), body), ("GET /api/tags", Value::Null));
    assert_eq!(server.requests_seen(), 0, "one request in all");
}

#[test]
fn who_says_not_now_is_not_asked_again() {
    for answer in ["Not now", ""] {
        let server = ollama(&["qwen2.5-coder:7b"]);
        let mut client = meeting(&address(&server)).spawn();
        client.will_choose(answer);
        client.begin();
        client.wait_until("the question", |it| {
            !it.said("window/showMessageRequest").is_empty()
        });
        assert_eq!(engine(&mut client), "built-in syntax engine, no AI model");
        assert!(!client.user_settings_path().exists());
        let mut again = client.restart();
        assert_eq!(engine(&mut again), "built-in syntax engine, no AI model");
        again.end();
        assert_eq!(server.requests_seen(), 1, "not even looked for again");
    }
}

#[test]
fn an_editor_that_cannot_ask_is_told_the_command() {
    let server = ollama(&["qwen2.5-coder:7b"]);
    let builder = meeting(&address(&server)).editor(Personality::HelixRelease);
    let mut client = builder.start();
    let told = client.notification("window/showMessage");
    let text = "Pleach can document, test, fix, rename. Ollama runs here: `pleach model ollama`";
    assert_eq!(told["message"], text);
}

#[test]
fn nothing_is_looked_for_where_it_is_turned_off_or_something_was_chosen() {
    for settings in [
        "local_models = false\n",
        "engine = \"builtin\"\n",
        "[providers.mine]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n",
        "[actions]\nenabled = false\n",
    ] {
        let server = ollama(&["qwen2.5-coder:7b"]);
        let mut client = meeting(&address(&server)).user_settings(settings).start();
        if settings.starts_with("local") {
            let told = client.notification("window/showMessage");
            assert!(
                told["message"]
                    .as_str()
                    .unwrap()
                    .ends_with("`pleach model`"),
                "{told}"
            );
        }
        engine(&mut client);
        client.end();
        assert_eq!(server.requests_seen(), 0, "{settings}");
    }
}

#[test]
fn settings_that_cannot_take_a_model_stay_as_they_are() {
    let server = ollama(&["m"]);
    let broken = "review = \n";
    let mut client = meeting(&address(&server)).user_settings(broken).spawn();
    client.will_choose("Use m");
    client.begin();
    let told = client.notification_where("window/showMessage", |params| params["type"] == 1);
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("cannot be read as TOML"),
        "{told}"
    );
    assert_eq!(
        std::fs::read_to_string(client.user_settings_path()).unwrap(),
        broken
    );
}
