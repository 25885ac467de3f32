//! Tools: a model over the wire calls them, is answered, and comes to an end, or is stopped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use camino::Utf8Path;
use pleach_store::Store;
use pleach_tests::client::{Builder, Client};
use pleach_tests::fake_model::{FakeModel, Flavour, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "\
mod till;

pub fn area(width: u32, height: u32) -> u32 {
    width * height
}
";

/// A session whose engine is `model` and may call tools.
fn builder(model: &FakeModel, flavour: Flavour, more: &str) -> Builder {
    let settings = format!(
        "engine = \"fake\"\n[providers.fake]\nkind = \"{}\"\nbase_url = \"{}\"\nmodel = \"fake\"\n\
         key_env = \"FAKE_KEY\"\ntools = true\n{more}",
        flavour.kind(),
        model.root()
    );
    Client::builder()
        .model(model)
        .user_settings(&settings)
        .opened(FILE, CODE)
        .file("src/till.rs", "pub fn count() {}\n")
        .file(".env", "TOKEN=do-not-tell\n")
        .file(".pleachignore", "private/\n")
        .file("private/notes.py", "KEPT = 'do-not-tell'\n")
}

fn calls(flavour: Flavour, name: &str, arguments: &Value) -> Script {
    let said = flavour.piece(flavour.begin(), "Looking.");
    flavour.end(flavour.call(said, name, arguments))
}

fn rewrite() -> Value {
    json!({"path": FILE, "line": 4, "instruction": "do not overflow"})
}

/// The text of the next request, with what it tells the model.
fn told(model: &FakeModel) -> String {
    model.request().to_string()
}

#[test]
fn a_model_reads_searches_and_proposes_in_every_format() {
    for flavour in Flavour::ALL {
        let model = FakeModel::start();
        let edit = |search: &str| json!({"path": FILE, "search": search, "replace": "    width.saturating_mul(height)"});
        for (name, arguments) in [
            ("read_file", json!({"path": FILE})),
            ("search", json!({"pattern": "fn c\\w+t"})),
            ("propose_edit", edit("    width + height")),
            ("propose_edit", edit("    width * height")),
        ] {
            model.say(calls(flavour, name, &arguments));
        }
        model.say(flavour.text("It saturates now."));
        let mut client = builder(&model, flavour, "").start();
        client.replace(FILE, "mod till;", "mod till; // typed, not saved");
        let job = client.start_job("pleach.rewrite", rewrite());

        let first = model.request();
        let offered = first["tools"].to_string();
        for tool in ["read_file", "propose_edit", "run_command"] {
            assert!(offered.contains(tool), "{flavour:?}: {offered}");
        }
        let read = told(&model);
        assert!(read.contains("typed, not saved"), "{flavour:?}: {read}");
        let found = told(&model);
        assert!(
            found.contains("src/till.rs:1: pub fn count() {}"),
            "{flavour:?}: {found}"
        );
        assert!(told(&model).contains("error not_found"), "{flavour:?}");
        assert!(told(&model).contains("Taken as edit 1"), "{flavour:?}");

        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{flavour:?}: {end}");
        assert_eq!(end["landed"], true, "{flavour:?}: {end}");
        let wanted = CODE
            .replace("mod till;", "mod till; // typed, not saved")
            .replace("width * height", "width.saturating_mul(height)");
        assert_eq!(client.text(FILE), wanted, "{flavour:?}");
        client.assert_in_step(FILE);
    }
}

#[test]
fn no_tool_tells_a_secret_and_proposed_edits_get_it_back() {
    const SECRET: &str = "hunter2-and-more!";
    for flavour in [Flavour::Anthropic, Flavour::Responses] {
        let model = FakeModel::start();
        let edit = json!({
            "path": "config.py",
            "search": "password = 'PLEACH_SECRET_1'",
            "replace": "login = 'PLEACH_SECRET_1'",
        });
        for (name, arguments) in [
            ("read_file", json!({"path": "config.py"})),
            ("search", json!({"pattern": "password"})),
            ("search", json!({"pattern": "do-not-tell|hunter2"})),
            ("list_files", json!({})),
            ("propose_edit", edit),
        ] {
            model.say(calls(flavour, name, &arguments));
        }
        model.say(flavour.text("PLEACH_SECRET_1 has another name now."));
        let config = format!("import os\n\npassword = '{SECRET}'\n");
        let mut client = builder(&model, flavour, "")
            .file("config.py", &config)
            .start();
        let job = client.start_job("pleach.rewrite", rewrite());
        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{flavour:?}: {end}");
        let asked: Vec<String> = (0..6).map(|_| told(&model)).collect();
        assert!(
            asked[1].contains("password = 'PLEACH_SECRET_1'"),
            "{}",
            asked[1]
        );
        assert!(asked[2].contains("config.py:3: password"), "{}", asked[2]);
        assert!(asked[3].contains("no matches"), "{}", asked[3]);
        for request in &asked {
            assert!(
                !request.contains(SECRET) && !request.contains("do-not-tell\\n"),
                "{flavour:?}: {request}"
            );
        }
        assert!(
            !asked[4].contains("private/notes.py") && asked[4].contains("src/till.rs"),
            "{}",
            asked[4]
        );
        let now = if client.is_open("config.py") {
            client.text("config.py")
        } else {
            client.on_disk("config.py")
        };
        assert_eq!(now, config.replace("password", "login"), "{flavour:?}");
    }
}

#[test]
fn edits_of_several_places_wait_for_review() {
    let model = FakeModel::start();
    let flavour = Flavour::Anthropic;
    for (path, search, replace) in [
        (
            FILE,
            "    width * height",
            "    width.saturating_mul(height)",
        ),
        ("src/till.rs", "pub fn count() {}", "pub fn total() {}"),
    ] {
        let arguments = json!({"path": path, "search": search, "replace": replace});
        model.say(calls(flavour, "propose_edit", &arguments));
    }
    model.say(flavour.text("Two changes."));
    let mut client = builder(&model, flavour, "").start();
    let job = client.start_job("pleach.rewrite", rewrite());
    let end = client.job_end(job);
    assert!(end["review"].is_u64(), "{end}");
    assert_eq!(client.text(FILE), CODE, "nothing lands unseen");
}

#[test]
fn bad_calls_are_answered_and_the_job_goes_on() {
    let flavour = Flavour::Chat;
    let model = FakeModel::start();
    let bad = [
        ("shell", json!({"command": "rm -rf /"}), "unknown-tool"),
        ("read_file", json!({"file": FILE}), "bad-arguments"),
        (
            "read_file",
            json!({"path": "../outside.txt"}),
            "parent_directory",
        ),
        ("read_file", json!({"path": ".env"}), "secret"),
        ("outline", json!({"path": "private/notes.py"}), "withheld"),
        (
            "read_file",
            json!({"path": ".git/config"}),
            "version_control",
        ),
        ("search", json!({"pattern": "("}), "bad-pattern"),
    ];
    for (name, arguments, _) in &bad {
        model.say(calls(flavour, name, arguments));
    }
    model.say(calls(flavour, "read_file", &json!({"path": "large.txt"})));
    let broken = Script::default().event(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [
        {"index": 0, "id": "c", "type": "function", "function": {"name": "search", "arguments": "{\"pat"}}]}}]}));
    model.say(broken.end("tool_calls"));
    let reply = search_replace(
        FILE,
        "    width * height",
        "    width.saturating_mul(height)",
    );
    model.say(flavour.text(&reply));
    let large = "0123456789abcdef\n".repeat(40_000);
    let mut client = builder(&model, flavour, "")
        .file("large.txt", &large)
        .start();
    let job = client.start_job("pleach.rewrite", rewrite());
    model.request();
    for (name, arguments, code) in &bad {
        let answer = model.request()["messages"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .to_string();
        assert!(
            answer.contains(&format!("error {code}")),
            "{name} {arguments}: {answer}"
        );
        assert!(!answer.contains("do-not-tell"), "{answer}");
    }
    let page = told(&model);
    assert!(
        page.contains("the next page: first_line") && page.len() < 200_000,
        "{}",
        page.len()
    );
    assert!(told(&model).contains("error bad-arguments"));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert!(client.text(FILE).contains("saturating_mul"));

    // Each call is in the audit.
    client.close_input();
    client.exit_code();
    let folder = client.state_folder().join("pleach");
    let mut store = Store::new(Utf8Path::from_path(&folder).unwrap());
    let records = store.audit_records(None).unwrap();
    let errors: Vec<Value> = records
        .into_iter()
        .filter(|record| record.new.kind == "tool")
        .map(|record| record.new.body["error"].clone())
        .collect();
    assert_eq!(errors.len(), bad.len() + 1);
    assert_eq!(
        (errors.first(), errors.last()),
        (Some(&json!("unknown-tool")), Some(&Value::Null))
    );
}

#[test]
fn a_model_that_calls_forever_is_stopped() {
    let model = FakeModel::start();
    for _ in 0..9 {
        model.say(calls(Flavour::Chat, "list_files", &json!({})));
    }
    let mut client = builder(&model, Flavour::Chat, "").start();
    let job = client.start_job("pleach.rewrite", rewrite());
    let end = client.job_end(job);
    assert_eq!(end["code"], "too-many-rounds", "{end}");
    for _ in 0..3 {
        model.request();
    }
    assert!(told(&model).contains("Finish now, without tools"));
    assert_eq!(client.text(FILE), CODE);
}

#[test]
fn a_role_that_explains_can_change_and_run_nothing() {
    let flavour = Flavour::Chat;
    let model = FakeModel::start();
    let edit = json!({"path": FILE, "search": "    width * height", "replace": "    0"});
    model.say(calls(flavour, "propose_edit", &edit));
    model.say(calls(flavour, "run_command", &json!({"argv": ["true"]})));
    model.say(flavour.text("It multiplies."));
    let mut client = builder(&model, flavour, "[commands]\nallow = ['true']\n").start();
    let job = client.start_job("pleach.explain", json!({"path": FILE, "line": 4}));
    let offered = model.request()["tools"].to_string();
    assert!(
        offered.contains("read_file") && !offered.contains("propose_edit"),
        "{offered}"
    );
    for _ in 0..2 {
        assert!(told(&model).contains("error tool-not-allowed"));
    }
    assert_eq!(client.job_end(job)["landed"], false);
    assert_eq!(client.text(FILE), CODE);
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_is_asked_for_and_confined() {
    let flavour = Flavour::Chat;
    let model = FakeModel::start();
    let run = |argv: &[&str]| calls(flavour, "run_command", &json!({ "argv": argv }));
    let escape = "echo \"key=$FAKE_KEY.\"; cat src/till.rs; echo x > src/till.rs; echo $?";
    model.say(run(&["sh", "-c", escape]));
    model.say(run(&["echo", "asked each time"]));
    model.say(run(&["echo", "always"]));
    model.say(run(&["echo", "always"]));
    model.say(run(&["printf", "from the settings"]));
    model.say(flavour.text("No edit is needed."));
    let allow = "[commands]\nallow = ['printf']\n";
    let mut client = builder(&model, flavour, allow).start();
    for choice in ["Run once", "Do not run", "Always run this"] {
        client.will_choose(choice);
    }
    let job = client.start_job("pleach.rewrite", rewrite());
    model.request();
    // The client answers questions while it waits for the end.
    client.job_end(job);
    let confined = told(&model);
    assert!(
        confined.contains("key=.") && confined.contains("pub fn count"),
        "{confined}"
    );
    assert!(confined.contains("ermission denied"), "{confined}");
    assert!(told(&model).contains("error command-denied"));
    assert!(told(&model).contains("output:\\nalways"));
    assert!(told(&model).contains("output:\\nalways"));
    assert!(told(&model).contains("from the settings"));
    assert_eq!(client.said("window/showMessageRequest").len(), 3);
    assert_eq!(client.on_disk("src/till.rs"), "pub fn count() {}\n");
}
