//! Tools of servers (Model Context Protocol): offered, asked for, bounded, and never a reason to stop.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::{Duration, Instant};

use pleach_tests::client::{Builder, Client};
use pleach_tests::fake_model::{FakeModel, Flavour, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "pub fn one() -> u32 {\n    1\n}\n";
const FLAVOUR: Flavour = Flavour::Chat;

/// A session with the scripted server, under the name `odd`.
fn builder(model: &FakeModel, server: &str) -> Builder {
    let settings = format!(
        "engine = \"fake\"\n[providers.fake]\nbase_url = \"{}\"\nmodel = \"fake\"\n\
         key_env = \"FAKE_KEY\"\ntools = true\n[mcp.odd]\n{server}\n",
        model.base_url(),
    );
    Client::builder()
        .model(model)
        .user_settings(&settings)
        .opened(FILE, CODE)
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_mcp-server")
}

fn call(tool: &str, text: &str) -> Script {
    let said = FLAVOUR.piece(FLAVOUR.begin(), "Looking.");
    FLAVOUR.end(FLAVOUR.call(said, tool, &json!({ "text": text })))
}

fn rewrite() -> Value {
    json!({"path": FILE, "line": 2, "instruction": "two"})
}

fn names(request: &Value) -> Vec<String> {
    let tools = request["tools"].as_array().unwrap().iter();
    let name = |tool: &Value| tool["function"]["name"].as_str().unwrap().to_owned();
    tools.map(name).filter(|name| name.contains("__")).collect()
}

/// What the last call of a request was answered with.
fn answer(model: &FakeModel) -> String {
    let request = model.request();
    let last = request["messages"].as_array().unwrap().last().unwrap();
    last["content"].as_str().unwrap().to_owned()
}

#[test]
fn a_tool_of_a_server_is_asked_for_once_and_used() {
    let model = FakeModel::start();
    for text in ["once", "denied", "from now on", "again"] {
        model.say(call("odd__echo", text));
    }
    model.say(call("odd__variables", ""));
    model.say(call("odd__fail", ""));
    model.say(call("odd__big", ""));
    model.say(call("odd__nothing", ""));
    model.say(FLAVOUR.text("Nothing is to be done."));
    let server = format!(
        "command = ['{}']\nallow = ['variables', 'fail', 'big']\npass_env = ['FAKE_TOKEN']",
        program()
    );
    let mut client = builder(&model, &server)
        .variable("FAKE_TOKEN", "of the server")
        .start();
    for choice in ["Use once", "Do not use", "Always use this"] {
        client.will_choose(choice);
    }
    let job = client.start_job("pleach.rewrite", rewrite());
    let first = model.request();
    let names = names(&first);
    assert_eq!(
        names,
        [
            "odd__echo",
            "odd__variables",
            "odd__fail",
            "odd__big",
            "odd__die",
            "odd__leave"
        ]
    );
    let offered = first["tools"].to_string();
    assert!(!offered.contains('\u{202e}') && offered.contains("Says it again."));
    client.job_end(job);
    assert_eq!(answer(&model), "you said: once\n");
    assert!(answer(&model).starts_with("error command-denied: `odd__echo`"));
    assert_eq!(answer(&model), "you said: from now on\n");
    assert_eq!(answer(&model), "you said: again\n");
    let seen = answer(&model);
    assert!(
        seen.contains("FAKE_TOKEN") && !seen.contains("FAKE_KEY"),
        "{seen}"
    );
    assert_eq!(answer(&model), "error tool-failed: it is broken\n");
    let big = answer(&model);
    assert!(
        big.len() < 33 << 10 && big.contains("(cut: "),
        "{}",
        big.len()
    );
    assert!(answer(&model).starts_with("error unknown-tool"));
    let asked = client.said("window/showMessageRequest");
    assert_eq!(asked.len(), 3);
    let question = asked[0]["message"].as_str().unwrap();
    assert!(
        question.contains("odd__echo with\n{\"text\":\"once\"}"),
        "{question}"
    );
}

#[test]
fn a_server_that_ends_is_left_alone_and_the_job_goes_on() {
    let model = FakeModel::start();
    model.say(call("odd__die", ""));
    model.say(call("odd__echo", "still there?"));
    model.say(FLAVOUR.text("Nothing is to be done."));
    let server = format!("command = ['{}']\nallow = ['die', 'echo']", program());
    let mut client = builder(&model, &server).start();
    let job = client.start_job("pleach.rewrite", rewrite());
    model.request();
    client.job_end(job);
    assert!(answer(&model).starts_with("error server-unreached"));
    assert!(answer(&model).starts_with("error server-resting"));
    let status = client.execute("pleach.status", json!({})).unwrap();
    let odd = &status["components"]["mcp"][0];
    assert_eq!((&odd["name"], &odd["tools"]), (&json!("odd"), &Value::Null));
    assert!(odd["trouble"].is_string());
}

/// Where it can be seen when a program has ended.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_ends_while_nobody_needs_it_is_started_again() {
    let model = FakeModel::start();
    model.say(call("odd__leave", ""));
    model.say(FLAVOUR.text("Nothing is to be done."));
    model.say(call("odd__echo", "back again"));
    model.say(FLAVOUR.text("Nothing is to be done."));
    let server = format!("command = ['{}']\nallow = ['leave', 'echo']", program());
    let mut client = builder(&model, &server).start();
    let job = client.start_job("pleach.rewrite", rewrite());
    model.request();
    client.job_end(job);
    let stat = format!("/proc/{}/stat", answer(&model).trim());
    // A program that has ended is gone, or waits to be buried.
    let patience = Instant::now() + Duration::from_mins(1);
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z")) {
        assert!(Instant::now() < patience, "it ends");
        std::thread::yield_now();
    }
    let job = client.start_job("pleach.rewrite", rewrite());
    assert!(!names(&model.request()).is_empty());
    client.job_end(job);
    assert_eq!(answer(&model), "you said: back again\n");
}

#[test]
fn what_is_no_server_is_told_once_and_the_job_goes_on() {
    for server in [
        format!("command = ['{}', 'garbage']", program()),
        "command = ['there-is-no-such-program']".to_owned(),
        "url = 'http://127.0.0.1:1/mcp'".to_owned(),
        "url = 'https://127.0.0.1:1/mcp'\nkey_env = 'NOT_SET'".to_owned(),
    ] {
        let model = FakeModel::start();
        model.say(FLAVOUR.text("Nothing is to be done."));
        model.say(FLAVOUR.text("Nothing is to be done."));
        let mut client = builder(&model, &server).start();
        for _ in 0..2 {
            let job = client.start_job("pleach.rewrite", rewrite());
            assert_eq!(names(&model.request()), [""; 0], "{server}");
            client.job_end(job);
        }
        let told = client.said("window/showMessage");
        let told = told
            .iter()
            .filter(|it| it["message"].to_string().contains("`odd` are missing"));
        assert_eq!(told.count(), 1, "{server}");
    }
}

#[test]
fn roles_that_only_look_and_workspaces_have_no_servers() {
    let model = FakeModel::start();
    model.say(call("odd__echo", "x"));
    model.say(FLAVOUR.text("It is one."));
    let mine = format!("command = ['{}']\nallow = ['echo']", program());
    let theirs = format!("[mcp.evil]\ncommand = ['{}']\n", program());
    let mut client = builder(&model, &mine).file("pleach.toml", &theirs).start();
    let job = client.start_job("pleach.explain", json!({"path": FILE, "line": 1}));
    assert_eq!(names(&model.request()), [""; 0]);
    client.job_end(job);
    assert!(answer(&model).starts_with("error unknown-tool"));
    let wrong = client.notification_where("textDocument/publishDiagnostics", |params| {
        params["uri"].as_str().unwrap().ends_with("pleach.toml")
    });
    let message = wrong["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.contains("a workspace cannot add"), "{message}");
}

/// Commands of its own would run where the change is not. Servers do not run there.
#[test]
fn the_tester_of_a_pipeline_has_them_and_no_commands() {
    let model = FakeModel::start();
    model.say(FLAVOUR.text(&search_replace(FILE, "    1", "    2")));
    model.say(call("odd__echo", "of the tester"));
    model.say(FLAVOUR.text(&search_replace(FILE, "    2", "    2 + 0")));
    let closing = json!({"reviewed": true, "summary": "One function."});
    model.say(FLAVOUR.text(&closing.to_string()));
    let server = format!("command = ['{}']\nallow = ['echo']", program());
    let mut client = builder(&model, &server).start();
    let job = client.start_job("pleach.pipeline", rewrite());
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    let [of_coder, of_tester] = [(); 2].map(|()| model.request()["tools"].to_string());
    for tools in [&of_coder, &of_tester] {
        assert!(tools.contains("odd__echo"), "{tools}");
    }
    assert!(of_coder.contains("run_command"), "{of_coder}");
    assert!(!of_tester.contains("run_command"), "{of_tester}");
    assert_eq!(answer(&model), "you said: of the tester\n");
}
