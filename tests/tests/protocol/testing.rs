//! The project's own tests: run in the sandbox when they may be, and what fails shown at its line.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use camino::Utf8PathBuf;
use pleach_store::Store;
use pleach_tests::client::{Builder, Client};
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "\
pub fn one() -> u32 {
    2
}

#[test]
fn is_one() {
    assert_eq!(one(), 1);
}
";
/// Prints what cargo prints, and reads the file, so that it is known to run where the file is.
const RUNNER: &str = r#"if grep -q '    1' src/lib.rs; then echo 'test result: ok.'; exit 0; fi
echo "key=$FAKE_KEY." >&2
echo x > src/escaped.rs
cat <<'END'
---- is_one stdout ----

thread 'is_one' (7) panicked at src/lib.rs:7:5:
assertion `left == right` failed
  left: 2
 right: 1
note: run with `RUST_BACKTRACE=1`
END
exit 101
"#;
const COMMAND: &str = "[tests]\ncommand = 'sh run.sh'\n";

fn opened(settings: &str) -> Builder {
    Client::builder()
        .user_settings(settings)
        .file("run.sh", RUNNER)
        .opened(FILE, CODE)
}

/// What is published last of the file.
fn shown(client: &Client) -> Vec<Value> {
    client.published(&client.uri(FILE))
}

#[test]
fn tests_are_run_when_they_may_be_and_a_failure_is_shown_at_its_line() {
    let mut client = opened(COMMAND).start();
    let start = client.cursor_at(FILE, "pub fn one");
    assert!(client.offered(FILE, &start, "pleach.test.run").is_some());
    client.will_choose("Do not run");
    let job = client.start_job("pleach.test.run", json!({"path": FILE}));
    let end = client.job_end(job);
    assert_eq!(end["code"], "command-denied", "{end}");
    let asked = client.said("window/showMessageRequest")[0]["message"].to_string();
    assert!(
        asked.contains("sh run.sh") && !asked.contains("the model"),
        "{asked}"
    );

    client.will_choose("Always run this");
    let job = client.start_job("pleach.test.run", json!({"path": FILE}));
    let end = client.job_end(job);
    assert_eq!(end["summary"], "`sh run.sh`: 1 failure", "{end}");
    let all = shown(&client);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (&all[0]["severity"], &all[0]["code"]),
        (&json!(1), &json!("test-failed"))
    );
    assert_eq!(
        all[0]["range"],
        client.range_of(FILE, "assert_eq!(one(), 1);")
    );
    let message = all[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("`is_one` failed: assertion `left == right` failed (tests)\n"),
        "{message}"
    );
    assert!(
        !client.root().join("src/escaped.rs").exists(),
        "the sandbox holds"
    );

    // It moves, and goes when the tests pass.
    client.replace(FILE, "#[test]", "// A test.\n#[test]");
    client.wait_until("it has moved", |client| {
        shown(client)
            .first()
            .is_some_and(|it| it["range"]["start"]["line"] == 7)
    });
    client.replace(FILE, "    2\n", "    1\n");
    std::fs::write(client.root().join(FILE), client.text(FILE)).unwrap();
    let job = client.start_job("pleach.test.run", json!({"path": FILE}));
    let end = client.job_end(job);
    assert_eq!(end["summary"], "`sh run.sh` ended well", "{end}");
    assert!(shown(&client).is_empty());
    // Asked for twice: always is always.
    assert_eq!(client.said("window/showMessageRequest").len(), 2);
}

#[test]
fn a_failure_of_a_test_can_be_mended_by_a_model() {
    let model = FakeModel::start();
    model.say(Script::text(&search_replace(FILE, "    2", "    1")));
    let settings = format!(
        "{}\n{COMMAND}[commands]\nallow = ['sh run.sh']\n",
        model.settings()
    );
    let mut client = opened(&settings)
        .model(&model)
        .user_settings(&settings)
        .start();
    let job = client.start_job("pleach.test.run", json!({"path": FILE}));
    assert_eq!(client.job_end(job)["kind"], "finished");
    let id = shown(&client)[0]["data"]["finding"].clone();
    let job = client.start_job("pleach.finding.fix", json!({ "finding": id }));
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let asked = model.request().to_string();
    assert!(
        asked.contains("`is_one` failed") && asked.contains("left: 2"),
        "{asked}"
    );
    client.wait_until("it has gone", |client| shown(client).is_empty());
    assert!(client.text(FILE).contains("    1\n"));
}

#[test]
fn how_the_tests_are_run_is_looked_up_and_a_workspace_cannot_say_it() {
    let mut client = Client::builder()
        .file("pleach.toml", COMMAND)
        .file("run.sh", RUNNER)
        .opened(FILE, CODE)
        .start();
    let job = client.start_job("pleach.test.run", json!({}));
    let end = client.job_end(job);
    assert_eq!(end["code"], "no-test-command", "{end}");
    assert!(
        end["next"].as_str().unwrap().contains("[tests] command"),
        "{end}"
    );
    assert!(client.said("window/showMessageRequest").is_empty());
}

/// What the tester is asked about.
const WELL: &str = "pub fn one() -> u32 {\n    1\n}\n";
/// Fails as long as a test expects 2.
const JUDGE: &str = r"grep -q 'one(), 2' src/lib.rs || { echo 'test result: ok.'; exit 0; }
cat <<'END'
---- is_one stdout ----

thread 'is_one' (7) panicked at src/lib.rs:7:5:
assertion `left == right` failed
  left: 1
 right: 2
END
exit 101
";

/// A tester's reply: a test that expects this.
fn test_of(expected: u32) -> Script {
    let test = format!("{WELL}\n#[test]\nfn is_one() {{\n    assert_eq!(one(), {expected});\n}}\n");
    Script::text(&search_replace(FILE, WELL.trim_end(), test.trim_end()))
}

fn tester(model: &FakeModel, more: &str) -> Builder {
    let settings = format!(
        "{}\n[tests]\ncommand = 'sh run.sh'\n{more}\n",
        model.settings()
    );
    Client::builder()
        .model(model)
        .user_settings(&settings)
        .file("run.sh", JUDGE)
        .opened(FILE, WELL)
}

#[test]
fn what_a_tester_writes_runs_in_a_copy_and_is_mended_before_it_is_shown() {
    let model = FakeModel::start();
    model.say(test_of(2));
    model.say(test_of(1));
    let mut client = tester(&model, "").start();
    client.will_choose("Run once");
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    assert_eq!(end["summary"], "src/lib.rs: 1 hunk; `sh run.sh` ended well");
    assert_eq!(client.said("window/showMessageRequest").len(), 1);
    assert!(client.text(FILE).contains("assert_eq!(one(), 1);"));
    assert_eq!(client.on_disk(FILE), WELL);
    model.request();
    let again = model.request();
    let told = again["messages"].as_array().unwrap().last().unwrap()["content"].to_string();
    for part in ["src/lib.rs:7: `is_one` failed", "left: 1", "right: 2"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let tested: Vec<bool> = client
        .said("pleach/job")
        .iter()
        .filter(|it| it["kind"] == "tested")
        .map(|it| it["passed"].as_bool().unwrap())
        .collect();
    assert_eq!(tested, [false, true]);
    // Of what was mended nothing is left.
    let found = client.execute("pleach.findings", json!({})).unwrap();
    assert_eq!(found, json!([]));
}

/// Writes wherever it finds a way to, and ends well if it can write where it runs.
const WRITER: &str = r#"real=$(dirname "$(readlink node_modules)")
[ -n "$real" ] || exit 8
for file in src/lib.rs new.rs "$real/src/lib.rs" "$real/new.rs" ../new.rs node_modules/left.js; do
  (echo x > "$file") 2>/dev/null
done
grep -q x src/lib.rs && grep -q x new.rs || exit 9
"#;

#[test]
fn tests_that_run_in_a_copy_write_nowhere_else() {
    let model = FakeModel::start();
    model.say(test_of(1));
    let mut client = tester(&model, "[commands]\nallow = ['sh run.sh']")
        .file("run.sh", WRITER)
        .file(".gitignore", "node_modules\n")
        .file("node_modules/left.js", "installed\n")
        .start();
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    let end = client.job_end(job);
    assert_eq!(end["summary"], "src/lib.rs: 1 hunk; `sh run.sh` ended well");
    assert_eq!(client.on_disk(FILE), WELL);
    assert_eq!(client.on_disk("node_modules/left.js"), "installed\n");
    let copies = std::fs::read_dir(state(&client).join("trials")).unwrap();
    let folders: Vec<PathBuf> = copies.map(|copy| copy.unwrap().path()).collect();
    assert!(folders.iter().any(|folder| folder.is_dir()), "{folders:?}");
    for folder in folders.into_iter().chain([client.root().to_owned()]) {
        assert!(!folder.join("new.rs").exists(), "{folder:?}");
    }
}

/// What runs for long and is cancelled has run all the same.
#[test]
fn that_tests_ran_is_on_record_even_if_nobody_knows_how_they_ended() {
    let model = FakeModel::start();
    model.say(test_of(1));
    let mut client = tester(&model, "[commands]\nallow = ['sh run.sh']")
        .file("run.sh", "sleep 600")
        .start();
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    client.wait_until("the tests run", |client| {
        let events = client.job_events(job);
        events
            .iter()
            .any(|it| it["phase"].to_string().contains("running"))
    });
    // The record is made before the command is started.
    let patience = Instant::now() + Duration::from_mins(1);
    let ran = loop {
        let records = Store::new(&state(&client)).audit_records(None).unwrap();
        let mut records = records.into_iter().map(|it| it.new);
        if let Some(ran) = records.find(|it| it.kind == "tests") {
            break ran.body;
        }
        assert!(Instant::now() < patience, "it is on record");
        client.sync();
    };
    client
        .execute("pleach.cancel", json!({ "job": job }))
        .unwrap();
    assert_eq!(client.job_end(job)["code"], "cancelled");
    assert_eq!(ran["command"], "sh run.sh");
    assert_eq!(ran["copy"], true);
}

/// Each way in which a failure has nothing to do with what the tester writes.
#[test]
fn what_fails_without_the_tests_too_does_not_go_back() {
    let of_the_file = r"cat <<'END'
---- is_zero stdout ----

thread 'is_zero' (7) panicked at src/lib.rs:2:5:
explicit panic
END
exit 101
";
    for (judge, said) in [
        (of_the_file, "1 failure, and so it is without these tests"),
        (
            "echo 'No module named pytest' >&2; exit 1",
            "no failure in a file of the workspace was recognised, and so it is without these tests",
        ),
        (
            r"printf -- '---- a stdout ----\n\nthread \047a\047 (7) panicked at src/other.rs:1:1:\nexplicit panic\n'; exit 101",
            "1 failure, none of them in the files of these tests",
        ),
    ] {
        let model = FakeModel::start();
        model.say(test_of(1));
        let mut client = tester(&model, "[commands]\nallow = ['sh run.sh']")
            .file("run.sh", judge)
            .file("src/other.rs", "pub fn other() {}\n")
            .start();
        let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
        let end = client.job_end(job);
        assert!(end["summary"].as_str().unwrap().ends_with(said), "{end}");
        assert_eq!(model.requests_seen(), 1, "{said}");
    }
}

#[test]
fn a_failure_that_nobody_recognises_goes_back_if_the_tests_end_well_without_the_edit() {
    let model = FakeModel::start();
    model.say(test_of(2));
    model.say(test_of(1));
    let judge = "grep -q 'one(), 2' src/lib.rs || exit 0; echo 'it is one'; exit 3";
    let mut client = tester(&model, "[commands]\nallow = ['sh run.sh']")
        .file("run.sh", judge)
        .start();
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    let end = client.job_end(job);
    assert_eq!(end["summary"], "src/lib.rs: 1 hunk; `sh run.sh` ended well");
    model.request();
    assert!(model.request().to_string().contains("it is one"));
}

#[test]
fn of_several_folders_it_is_said_what_was_not_tried() {
    let model = FakeModel::start();
    let made = |path: &str| format!("{path}\n<<<<<<< SEARCH\n=======\n// New.\n>>>>>>> REPLACE\n");
    let both = [made("workspace/a.rs"), made("zwei/b.rs")].join("\n");
    model.say(Script::text(&both));
    let mut client = tester(&model, "[commands]\nallow = ['sh run.sh']")
        .file("run.sh", "exit 0")
        .start();
    let other = tempfile::tempdir().unwrap();
    let folder = other.path().canonicalize().unwrap().join("zwei");
    std::fs::create_dir(&folder).unwrap();
    let folder = format!("file://{}", folder.display());
    let uri = format!("{folder}/lib.rs");
    client.open_as(&uri, "rust", WELL);
    let added = json!({"event": {"added": [{"uri": folder, "name": "zwei"}], "removed": []}});
    client.notify("workspace/didChangeWorkspaceFolders", added);
    let place = client.cursor_at(&uri, "one");
    while client.actions(&uri, &place).is_empty() {}
    let document = json!({"uri": client.uri(FILE), "range": client.cursor_at(FILE, "one")});
    let job = client.start_job("pleach.test", document);
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    assert!(
        summary.ends_with("`sh run.sh` ended well; not tried, in another folder: zwei/b.rs"),
        "{end}"
    );
}

/// A model that was asked to mend its tests and does not come to an end was paid for that as well.
#[test]
fn an_answer_that_mends_nothing_is_kept() {
    let model = FakeModel::start();
    model.say(test_of(2));
    for words in ["I would rather not.", "No.", "These tests are right."] {
        model.say(Script::text(words));
    }
    let mut client = tester(&model, "[commands]\nallow = ['sh run.sh']").start();
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let summary = end["summary"].as_str().unwrap();
    assert!(summary.contains("mending them ended"), "{end}");
    let patience = Instant::now() + Duration::from_mins(1);
    while !answers(&client).contains("These tests are right.") {
        assert!(Instant::now() < patience, "it is kept");
        client.sync();
    }
}

/// Where the server keeps what it needs.
fn state(client: &Client) -> Utf8PathBuf {
    Utf8PathBuf::from_path_buf(client.state_folder().join("pleach")).unwrap()
}

/// Everything that is kept of answers.
fn answers(client: &Client) -> String {
    let folder = std::fs::read_dir(state(client).join("answers"));
    let files = folder.into_iter().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
    texts.collect()
}

#[test]
fn tests_that_go_on_failing_land_with_what_fails_at_its_line() {
    let model = FakeModel::start();
    model.say(test_of(2));
    model.say(test_of(2));
    let allowed = "attempts = 1\n[commands]\nallow = ['sh run.sh']";
    let mut client = tester(&model, allowed).start();
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    let end = client.job_end(job);
    assert_eq!(end["summary"], "src/lib.rs: 1 hunk; `sh run.sh`: 1 failure");
    client.wait_until("it is shown", |client| !shown(client).is_empty());
    let all = shown(&client);
    assert_eq!(all[0]["code"], "test-failed");
    assert_eq!(
        all[0]["range"],
        client.range_of(FILE, "assert_eq!(one(), 2);")
    );
}

#[test]
fn tests_that_may_not_be_run_are_proposed_and_that_is_said() {
    let model = FakeModel::start();
    model.say(test_of(2));
    let mut client = tester(&model, "").start();
    client.will_choose("Do not run");
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    assert!(
        summary.contains("the tests were not run") && summary.contains("the person said no"),
        "{end}"
    );
    assert_eq!(end["landed"], true);

    // Nobody is asked where the settings turn it off.
    let model = FakeModel::start();
    model.say(test_of(2));
    let mut client = tester(&model, "attempts = 0").start();
    let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
    assert_eq!(client.job_end(job)["summary"], "src/lib.rs: 1 hunk");
    assert!(client.said("window/showMessageRequest").is_empty());
}

#[test]
fn copies_that_nobody_has_used_for_a_week_go_when_a_server_starts() {
    let mut client = Client::builder().opened(FILE, CODE).spawn();
    let trials = state(&client).join("trials");
    let ages = [("old", 8), ("new", 1)];
    for (name, days) in ages {
        std::fs::create_dir_all(trials.join(name).join("project/target")).unwrap();
        let lock = std::fs::File::create(trials.join(format!("{name}.lock"))).unwrap();
        let used = SystemTime::now() - Duration::from_hours(24 * days);
        lock.set_modified(used).unwrap();
    }
    client.begin();
    let patience = Instant::now() + Duration::from_mins(1);
    while trials.join("old").exists() {
        assert!(Instant::now() < patience, "it goes");
        client.sync();
    }
    assert!(trials.join("new/project/target").exists());
}
