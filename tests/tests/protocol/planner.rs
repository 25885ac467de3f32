//! The planner: it reads with tools of its own, and nothing that it says makes it write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::Client;
use pleach_tests::fake_model::{FakeModel, Flavour, Script};
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";

const CODE: &str = "\
pub fn area(width: u32, height: u32) -> u32 {
    width * height
}

// TODO: refuse what has no area
pub fn volume(width: u32, height: u32, depth: u32) -> u32 {
    area(width, height) * depth
}
";

/// An answer that calls a tool.
fn call(name: &str, arguments: &Value) -> Script {
    let chat = Flavour::Chat;
    chat.call(Script::default(), name, arguments)
        .end("tool_calls")
}

#[test]
fn the_planner_reads_and_every_attempt_to_write_is_refused_by_the_server() {
    let model = FakeModel::start();
    let mut client = Client::builder()
        .model(&model)
        .file("AGENTS.md", "Use tabs.\n")
        .file("secret.txt", "x\n")
        .opened(FILE, CODE)
        .start();
    let todos = json!({"pattern": "todo", "ignore_case": true});
    model.say(call("search", &todos));
    model.say(call(
        "write_file",
        &json!({"path": "src/lib.rs", "text": "gone"}),
    ));
    model.say(call("run_command", &json!({"argv": ["rm", "secret.txt"]})));
    model.say(call("read_file", &json!({"path": "../../etc/passwd"})));
    let bad =
        "# Triangles\n\n## Steps\n\n1. [ ] Do it\n   - files: src/none.rs\n   - check: it works\n";
    model.say(Script::text(bad));
    let good = bad.replace("src/none.rs", "src/lib.rs, src/triangle.rs (new)");
    model.say(Script::text(&format!("Here it is.\n\n{good}")));

    let job = client.start_job("pleach.plan", json!({"goal": "support triangles"}));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    let asked: Vec<Value> = (0..6).map(|_| model.request()).collect();
    // What it is told it has, in every request: nothing that writes or runs.
    for request in &asked {
        let tools = request["tools"].as_array().unwrap();
        let names: Vec<&str> = tools
            .iter()
            .map(|tool| tool["function"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["read_file", "list_files", "search", "outline", "references"]
        );
    }
    assert!(
        asked[0].to_string().contains("Use tabs."),
        "the rules are in the prompt"
    );
    let last = |at: usize| {
        let messages = asked[at]["messages"].as_array().unwrap();
        messages.last().unwrap()["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        last(1).contains("src/lib.rs:5: // TODO: refuse what has no area"),
        "{}",
        last(1)
    );
    assert!(
        last(2).contains("error unknown-tool: there is no tool `write_file`"),
        "{}",
        last(2)
    );
    assert!(
        last(3).contains("error tool-not-allowed: `run_command`"),
        "{}",
        last(3)
    );
    assert!(!last(4).contains("root:"), "{}", last(4));
    assert!(
        last(5).contains("there is no file `src/none.rs`"),
        "{}",
        last(5)
    );

    // All that has come of it is the plan.
    assert_eq!(client.text(FILE), CODE);
    assert_eq!(client.on_disk("secret.txt"), "x\n");
    let path = ".pleach/plans/triangles.md";
    let made = if client.is_open(path) {
        client.text(path)
    } else {
        client.on_disk(path)
    };
    assert!(
        made.starts_with("---\nrules: ") && made.ends_with(&good),
        "{made}"
    );
}

#[test]
fn the_planner_is_not_sent_secrets_and_the_plan_has_them_back() {
    const SECRET: &str = "hunter2-and-more!";
    let model = FakeModel::start();
    let mut client = Client::builder()
        .model(&model)
        .file(".env", "TOKEN=nobody-sees-this-9\n")
        .file(
            "config.py",
            &format!("import os\n\npassword = '{SECRET}'\n"),
        )
        .opened(FILE, CODE)
        .start();
    model.say(call("read_file", &json!({"path": "config.py"})));
    model.say(call("search", &json!({"pattern": "password ="})));
    model.say(call("read_file", &json!({"path": ".env"})));
    let plan = "# Rotate\n\n## Steps\n\n1. [ ] Replace PLEACH_SECRET_1\n   - files: config.py\n   - check: it is another one\n";
    model.say(Script::text(plan));
    let job = client.start_job("pleach.plan", json!({"goal": "rotate the password"}));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    let asked: Vec<String> = (0..4).map(|_| model.request().to_string()).collect();
    assert!(
        asked[1].contains("\\npassword = 'PLEACH_SECRET_1'"),
        "{}",
        asked[1]
    );
    assert!(
        asked[2].contains("config.py:3: password = 'PLEACH_SECRET_1'"),
        "{}",
        asked[2]
    );
    for request in &asked {
        assert!(
            !request.contains(SECRET) && !request.contains("nobody-sees-this-9"),
            "{request}"
        );
    }
    let path = ".pleach/plans/rotate.md";
    let made = if client.is_open(path) {
        client.text(path)
    } else {
        client.on_disk(path)
    };
    assert!(
        made.contains(&format!("1. [ ] Replace {SECRET}\n")),
        "{made}"
    );
    let told = client
        .job_events(job)
        .into_iter()
        .any(|event| event["kind"] == "secrets");
    assert!(told, "it is said that something was hidden");
}

#[test]
fn a_planner_that_never_stops_reading_is_stopped() {
    let model = FakeModel::start();
    let mut client = Client::builder().model(&model).opened(FILE, CODE).start();
    for _ in 0..9 {
        model.say(call("list_files", &json!({})));
    }
    let job = client.start_job("pleach.plan", json!({"goal": "support triangles"}));
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["code"]),
        (&json!("failed"), &json!("too-many-rounds")),
        "{end}"
    );
    let asked: Vec<String> = (0..4).map(|_| model.request().to_string()).collect();
    assert!(
        asked[3].contains("Finish now, without tools"),
        "{}",
        asked[3]
    );
    assert_eq!(model.requests_seen(), 0);
}
