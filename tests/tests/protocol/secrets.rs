//! Secrets: what a model is sent, and where keys must not be found afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::fs;
use std::path::Path;

use pleach_tests::client::Client;
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::search_replace;
use serde_json::json;

const FILE: &str = "src/config.py";
const TOKEN: &str = "ghp_4nV8sT2kQ9xZ7mB1cR5wY3pL6dF0hJaGeUiO";
const PASSWORD: &str = "tr0ub4dor&3";

fn code() -> String {
    format!("TOKEN = \"{TOKEN}\"\nPASSWORD = '{PASSWORD}'\n\n\ndef connect():\n    return None\n")
}

#[test]
fn the_model_sees_placeholders_and_the_edit_gets_the_secrets_back() {
    let model = FakeModel::start();
    // What the model was shown, and no more.
    let reply = search_replace(
        FILE,
        "TOKEN = \"PLEACH_SECRET_1\"\nPASSWORD = 'PLEACH_SECRET_2'",
        "API_TOKEN = \"PLEACH_SECRET_1\"\nPASSWORD = 'PLEACH_SECRET_2'",
    );
    model.say(Script::pieces(&reply, 5));
    let mut client = Client::builder()
        .model(&model)
        .opened(FILE, &code())
        .start();
    let instruction = format!("rename it; the password {PASSWORD} stays");
    let job = client.start_job(
        "pleach.rewrite",
        json!({"path": FILE, "line": 1, "instruction": instruction}),
    );
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert_eq!(
        client.text(FILE),
        code().replace("TOKEN = \"", "API_TOKEN = \"")
    );
    let sent = model.request().to_string();
    assert!(
        sent.contains("PLEACH_SECRET_1") && sent.contains("PLEACH_SECRET_2"),
        "{sent}"
    );
    assert!(!sent.contains(TOKEN) && !sent.contains(PASSWORD), "{sent}");
    let events = client.job_events(job);
    let told = events
        .iter()
        .find(|event| event["kind"] == "secrets")
        .unwrap();
    assert_eq!(told["hidden"], 2);
}

#[test]
fn a_refused_reply_goes_back_without_the_secrets() {
    let model = FakeModel::start();
    model.say(Script::text(&search_replace(
        FILE,
        "TOKEN = \"PLEACH_SECRET_1\"\nNOTHING = 1",
        "X = \"PLEACH_SECRET_1\"",
    )));
    model.say(Script::text(&search_replace(
        FILE,
        "    return None",
        "    return 1",
    )));
    let mut client = Client::builder()
        .model(&model)
        .opened(FILE, &code())
        .start();
    let job = client.start_job(
        "pleach.rewrite",
        json!({"path": FILE, "line": 6, "instruction": "return one"}),
    );
    assert_eq!(client.job_end(job)["kind"], "finished");
    for _ in 0..2 {
        let sent = model.request().to_string();
        assert!(!sent.contains(TOKEN) && !sent.contains(PASSWORD), "{sent}");
    }
}

#[test]
fn files_that_hold_keys_and_ignored_ones_are_never_sent() {
    for (path, ignored) in [
        (".env", ""),
        ("deploy/server.pem", ""),
        ("private/plan.md", "private/\n"),
        ("src/a.sql", "*.sql\n!b.sql\n"),
    ] {
        let model = FakeModel::start();
        let mut client = Client::builder()
            .model(&model)
            .file(".pleachignore", ignored)
            .opened(path, "A = 1\n")
            .start();
        let asked = json!({"path": path, "line": 1, "instruction": "change it"});
        // Some files are not even offered.
        if let Ok(answer) = client.execute("pleach.rewrite", asked) {
            let job = answer["job"].as_u64().unwrap();
            let end = client.job_end(job);
            assert_eq!(end["kind"], "failed", "{path}: {end}");
        }
        client.sync();
        assert!(model.saw_nothing_more(), "{path}");
    }
}

/// A model that is told of a file can guess what is in it; it learns nothing of it by that, whether it guesses
/// well or badly.
#[test]
fn a_guess_about_a_file_that_is_never_sent_shows_nothing_of_it() {
    const KEPT: &str = "src/licence.py";
    let licence = "KEY = 4711\n\n\ndef check():\n    return KEY\n";
    for (guess, instead) in [
        ("KEY = 1\n\n\ndef check():", "KEY = 2\n\n\ndef check():"),
        ("def check():", "def checked():"),
    ] {
        let model = FakeModel::start();
        model.say(Script::text(&search_replace(KEPT, guess, instead)));
        let well = search_replace(FILE, "    return None", "    return 1");
        model.say(Script::text(&well));
        let mut client = Client::builder()
            .model(&model)
            .file(".pleachignore", "licence.py\n")
            .file(KEPT, licence)
            .opened(FILE, &code())
            .start();
        let asked = json!({"path": FILE, "line": 6, "instruction": "return one"});
        let job = client.start_job("pleach.rewrite", asked);
        assert_eq!(client.job_end(job)["kind"], "finished");
        assert_eq!(client.on_disk(KEPT), licence);
        model.request();
        let again = model.request().to_string();
        assert!(
            again.contains("You are never shown `src/licence.py`"),
            "{again}"
        );
        assert!(!again.contains("4711"), "{again}");
    }
}

/// All files below a folder, as they are.
fn everything_in(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            everything_in(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn the_key_is_in_no_log_no_message_and_no_kept_file() {
    const KEY: &str = "sk-live-Zq8Tr4w9LmX2aaBBcc77";
    let model = FakeModel::start();
    for status in [400, 401, 404, 429] {
        let message = format!(
            "Incorrect key {KEY}, {} and {}",
            KEY.to_uppercase(),
            &KEY[..16]
        );
        model.say(
            Script::error(status, &json!({"error": {"message": message}}))
                .header("retry-after", "3600"),
        );
    }
    // An answer that is kept, because it cannot land.
    model.say(Script::text(&search_replace(FILE, "nothing like it", "x")));
    model.say(Script::text(&search_replace(FILE, "nothing like it", "x")));
    model.say(Script::text(&search_replace(FILE, "nothing like it", "x")));
    let recorded = tempfile::tempdir().unwrap();
    let cassette = recorded.path().join("cassette.jsonl");
    let settings = format!(
        "engine = 'fake'\n[log]\nlevel = 'trace'\neditor = true\n[providers.fake]\nbase_url = '{}'\n\
         model = 'fake'\nkey_env = 'FAKE_KEY'\nrecord = '{}'\n",
        model.base_url(),
        cassette.display()
    );
    let mut client = Client::builder()
        .user_settings(&settings)
        .variable("FAKE_KEY", KEY)
        .opened(FILE, "def connect():\n    return None\n")
        .start();
    for _ in 0..5 {
        let job = client.start_job(
            "pleach.rewrite",
            json!({"path": FILE, "line": 1, "instruction": "change it"}),
        );
        assert_eq!(client.job_end(job)["kind"], "failed");
    }
    client.sync();
    let said = serde_json::to_string(
        &client
            .transcript()
            .iter()
            .map(|(_, it)| it)
            .collect::<Vec<_>>(),
    );
    let mut places = vec![
        ("messages".to_owned(), said.unwrap().into_bytes()),
        ("log".to_owned(), client.stderr().into_bytes()),
    ];
    everything_in(&client.state_folder(), &mut places);
    everything_in(recorded.path(), &mut places);
    for file in ["pleach.log", "cassette.jsonl", ".md", "pleach.db"] {
        let is_there = places.iter().any(|(place, _)| place.ends_with(file));
        assert!(is_there, "{file}");
    }
    let logged = client.said("window/logMessage");
    assert!(!logged.is_empty(), "the editor shows the log");
    for (place, bytes) in places {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for piece in [KEY, &KEY[8..20]] {
            assert!(!text.contains(&piece.to_lowercase()), "{place}");
        }
    }
}
