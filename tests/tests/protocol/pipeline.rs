//! A change that is written, tested and reviewed in one job, before anybody is shown it.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use camino::Utf8Path;
use pleach_store::Store;
use pleach_tests::client::{Builder, Client};
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "pub fn one() -> u32 {\n    1\n}\n";
const TESTS: &str = "tests/one.rs";
/// Fails as long as the code or its test is wrong.
const JUDGE: &str = r"grep -q '    2' src/lib.rs && grep -q 'one(), 2' tests/one.rs && exit 0
cat <<'END'
---- is_two stdout ----

thread 'is_two' (7) panicked at tests/one.rs:3:5:
assertion `left == right` failed
  left: 2
 right: 3
END
exit 101
";

fn session(model: &FakeModel, more: &str) -> Builder {
    let settings = format!(
        "{}\n[tests]\ncommand = 'sh run.sh'\n[commands]\nallow = ['sh run.sh']\n{more}\n",
        model.settings()
    );
    Client::builder()
        .model(model)
        .user_settings(&settings)
        .file("run.sh", JUDGE)
        .opened(FILE, CODE)
}

fn coder() -> Script {
    Script::text(&search_replace(FILE, "    1", "    2"))
}

fn tester(expected: u32) -> Script {
    let test = format!("#[test]\nfn is_two() {{\n    assert_eq!(one(), {expected});\n}}\n");
    Script::text(&format!(
        "{TESTS}\n<<<<<<< SEARCH\n=======\n{test}>>>>>>> REPLACE\n"
    ))
}

fn reviewer() -> Script {
    let finding = json!({
        "path": FILE, "line": 2, "quote": "    2", "severity": "warning", "rule": "naming",
        "message": "It is called `one`", "why": "", "fix": "Rename it.",
    });
    let closing = json!({"reviewed": true, "summary": "One function."});
    Script::text(&format!("{finding}\n{closing}"))
}

fn wish() -> Value {
    json!({"path": FILE, "line": 2, "instruction": "count from one"})
}

fn asked(model: &FakeModel) -> String {
    let request = model.request();
    let last = request["messages"].as_array().unwrap().last().unwrap();
    last["content"].as_str().unwrap().to_owned()
}

fn stages(client: &Client, job: u64) -> Vec<Value> {
    let events = client.job_events(job).into_iter();
    let stages = events.filter(|it| it["kind"] == "stage");
    stages.map(|it| it["role"].clone()).collect()
}

#[test]
fn a_change_is_tested_and_reviewed_in_one_job_and_proposed_once() {
    let model = FakeModel::start();
    for script in [coder(), tester(3), tester(2), reviewer()] {
        model.say(script);
    }
    let mut client = session(&model, "").start();
    // As a bare word, at the place where the menu was opened last.
    let place = client.cursor_at(FILE, "    1");
    client.actions(FILE, &place);
    let job = client.start_job("pleach.pipeline", json!("count from one"));
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    for part in ["`sh run.sh` ended well", "reviewed: 1 finding"] {
        assert!(summary.contains(part), "{end}");
    }
    assert_eq!(stages(&client, job), ["coder", "tester", "reviewer"]);
    // One proposal of all that was made, and nothing is in any file before it is accepted.
    assert_eq!((&end["landed"], &end["hunks"]), (&json!(false), &json!(2)));
    assert_eq!(client.text(FILE), CODE);
    assert!(!client.root().join(TESTS).exists());

    // Each was told what it needs: the tester of the change and of what failed, the reviewer of all of it.
    assert!(asked(&model).contains("count from one"));
    let told = asked(&model);
    assert!(
        told.contains("    2\n") && told.contains("count from one"),
        "{told}"
    );
    let told = asked(&model);
    assert!(told.contains("tests/one.rs:3: `is_two` failed"), "{told}");
    let told = asked(&model);
    for part in [
        "waits for a person's review",
        "-    1\n+    2",
        "+    assert_eq!(one(), 2);",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }

    // What each was shown can be seen afterwards, and is on record.
    let sent = client.execute("pleach.whatWasSent", json!({})).unwrap();
    assert_eq!(sent["role"], "reviewer");
    assert_eq!(sent["changed"], json!([FILE, TESTS]));
    let before = sent["before"].as_array().unwrap();
    let roles: Vec<&Value> = before.iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["coder", "tester"]);
    let folder = client.state_folder().join("pleach");
    let mut store = Store::new(Utf8Path::from_path(&folder).unwrap());
    let records = store.audit_records(None).unwrap().into_iter();
    let mut shown = records.filter(|it| it.new.kind == "context");
    assert!(shown.any(|it| it.new.body["changed"] == json!([FILE, TESTS])));

    let review = end["review"].clone();
    client
        .execute("pleach.accept", json!({ "review": review }))
        .unwrap();
    client.wait_until("both have landed", |client| {
        client.text(FILE).contains("    2") && client.root().join(TESTS).exists()
    });
    // What the reviewer found appears with the lines that it is about.
    client.wait_until("the finding is shown", |client| {
        let all = client.said("textDocument/publishDiagnostics");
        all.iter()
            .any(|it| it.to_string().contains("It is called `one`"))
    });
}

#[test]
fn who_does_not_finish_loses_nothing_and_the_caps_are_those_of_one_job() {
    let model = FakeModel::start();
    model.say(coder());
    model.say(tester(2));
    let mut client = session(&model, "[budget]\ncalls_per_job = 2").start();
    let arguments = json!({"path": FILE, "line": 2, "instruction": "count", "pipeline": true});
    let job = client.start_job("pleach.rewrite", arguments);
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    assert!(summary.contains("the reviewer did not finish"), "{end}");
    assert_eq!(end["hunks"], 2, "{end}");

    // A tester who says nothing of use.
    let model = FakeModel::start();
    model.say(coder());
    for _ in 0..3 {
        model.say(Script::text("I would rather not."));
    }
    model.say(reviewer());
    let mut client = session(&model, "").start();
    let job = client.start_job("pleach.pipeline", wish());
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    assert!(
        summary.contains("the tester did not finish") && summary.contains("reviewed: 1 finding"),
        "{end}"
    );
    // Even of one hunk nothing lands unseen.
    assert_eq!((&end["landed"], &end["hunks"]), (&json!(false), &json!(1)));
    assert_eq!(client.text(FILE), CODE);
}

/// What was paid for until then is kept: the change of the coder in a form that can be landed.
#[test]
fn it_is_cancelled_in_any_stage_and_loses_nothing() {
    let change = search_replace(FILE, "    1", "    2");
    for stage in 1..=3 {
        let model = FakeModel::start();
        for script in [coder(), tester(2)].into_iter().take(stage - 1) {
            model.say(script);
        }
        let begun = Script::default().piece("I begin.").hang();
        model.say(begun);
        let mut client = session(&model, "").start();
        let job = client.start_job("pleach.pipeline", wish());
        client.wait_until("somebody has begun", |client| {
            let events = client.job_events(job);
            events.iter().any(|it| it["text"] == "I begin.")
        });
        assert_eq!(stages(&client, job).len(), stage);
        client
            .execute("pleach.cancel", json!({ "job": job }))
            .unwrap();
        let end = client.job_end(job);
        assert_eq!(end["code"], "cancelled");
        assert_eq!(client.text(FILE), CODE);
        let kept = std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap();
        assert!(kept.contains("I begin."), "{stage}: {kept}");
        // Each answer by itself, and once.
        let changes = kept.matches(change.trim_end()).count();
        assert_eq!(changes, usize::from(stage > 1), "{stage}: {kept}");
        assert_eq!(kept.matches("is_two").count(), usize::from(stage > 2));
        let has_others = !kept.contains("---\n\nI begin.");
        assert_eq!(has_others, stage > 1, "{kept}");
        assert!(kept.trim_end().ends_with("\n\nI begin."), "{kept}");
    }
}

#[test]
fn where_it_makes_no_sense_it_is_refused() {
    let model = FakeModel::start();
    let mut client = session(&model, "").start();
    let explain = json!({"path": FILE, "line": 1, "pipeline": true});
    let error = client.execute("pleach.explain", explain).unwrap_err();
    assert_eq!(error["data"]["code"], "no-pipeline");
    let mut client = Client::builder().opened(FILE, CODE).start();
    let place = client.cursor_at(FILE, "    1");
    client.actions(FILE, &place);
    let error = client
        .execute("pleach.pipeline", json!("count from one"))
        .unwrap_err();
    assert_eq!(error["data"]["code"], "needs-model");
}

/// Nobody is told that tests ended well that are in no file.
#[test]
fn of_tests_that_are_left_out_nothing_is_told() {
    let model = FakeModel::start();
    model.say(coder());
    let file = "*** Begin Patch\n*** Update File: src/old.rs\n*** Move to: src/new.rs\n@@\n-// old\n+// new\n*** End Patch\n";
    model.say(Script::text(file));
    model.say(reviewer());
    let mut client = session(&model, "").file("src/old.rs", "// old\n").start();
    let job = client.start_job("pleach.pipeline", wish());
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    assert!(summary.contains("the tests were left out"), "{end}");
    assert!(!summary.contains("the tests were not run"), "{end}");
    assert_eq!(end["hunks"], 1, "{end}");
}

#[test]
fn an_action_of_one_s_own_can_ask_for_it() {
    let model = FakeModel::start();
    for script in [coder(), tester(2), reviewer()] {
        model.say(script);
    }
    let action = "---\ntitle: Count\npipeline: true\n---\nCount from one.\n";
    let mut client = session(&model, "")
        .file(".pleach/actions/count.md", action)
        .start();
    let job = client.start_job(
        "pleach.action",
        json!({"action": "count", "path": FILE, "line": 2}),
    );
    assert_eq!(client.job_end(job)["hunks"], 2);
    assert_eq!(stages(&client, job).len(), 3);
}
