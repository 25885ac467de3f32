//! Reviews: a model's findings at their lines, which move with what is typed, and are mended, explained or
//! dismissed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::process::Command;

use pleach_tests::client::{Builder, Client, Personality, path_of};
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "\
pub fn first(items: &[u32]) -> u32 {
    items[0]
}

pub fn mean(items: &[u32]) -> u32 {
    items.iter().sum::<u32>() / items.len() as u32
}
";

fn finding(line: u32, quote: &str, severity: &str, rule: &str, message: &str) -> String {
    json!({
        "path": FILE, "line": line, "quote": quote, "severity": severity, "rule": rule, "message": message,
        "why": "The slice may be empty.", "fix": "Return an Option.",
    })
    .to_string()
}

fn bounds() -> String {
    let message = "Panics where `items` is empty";
    finding(2, "    items[0]", "error", "bounds", message)
}

fn mean() -> String {
    let quote = "    items.iter().sum::<u32>() / items.len() as u32";
    finding(9, quote, "warning", "overflow", "Divides by nothing")
}

fn closing() -> String {
    json!({"reviewed": true, "summary": "Two functions."}).to_string()
}

fn review(lines: &[String]) -> Script {
    Script::text(&lines.join("\n"))
}

fn opened(model: &FakeModel) -> Builder {
    Client::builder().model(model).opened(FILE, CODE)
}

/// What is published last of the file, by line and message.
fn shown(client: &Client) -> Vec<(u64, String)> {
    shown_at(client, &client.uri(FILE))
}

fn shown_at(client: &Client, uri: &str) -> Vec<(u64, String)> {
    let diagnostics = client.published(uri);
    diagnostics
        .iter()
        .map(|it| {
            let message = it["message"].as_str().unwrap();
            let line = it["range"]["start"]["line"].as_u64().unwrap();
            (line, message.split(" (").next().unwrap().to_owned())
        })
        .collect()
}

fn wait_for(client: &mut Client, lines: &[u64]) {
    client.wait_until("the findings are there", |client| {
        shown(client)
            .iter()
            .map(|(line, _)| *line)
            .eq(lines.iter().copied())
    });
}

#[test]
fn findings_are_diagnostics_at_the_lines_that_they_quote_and_move_with_typing() {
    for editor in [Personality::Vscode, Personality::Neovim, Personality::Helix] {
        let model = FakeModel::start();
        let nowhere = finding(2, "    items[1]", "error", "bounds", "Is not there");
        model.say(review(&[bounds(), nowhere, mean(), closing()]));
        let mut client = opened(&model).editor(editor).start();
        let job = client.start_job("pleach.review", json!({"path": FILE}));
        wait_for(&mut client, &[1, 5]);
        let asked = model.request().to_string();
        assert!(
            asked.contains("Review this file") && !asked.contains("search/replace"),
            "{asked}"
        );
        let all = client.published(&client.uri(FILE));
        assert_eq!(all[0]["source"], "pleach");
        assert_eq!(
            (&all[0]["severity"], &all[0]["code"]),
            (&json!(1), &json!("bounds"))
        );
        assert_eq!(
            (&all[1]["severity"], &all[1]["code"]),
            (&json!(2), &json!("overflow"))
        );
        let message = all[0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("Panics where `items` is empty (reviewer · ")
                && message.ends_with("\nThe slice may be empty."),
            "{message}"
        );
        assert_eq!(all[0]["range"], client.range_of(FILE, "items[0]"));
        let end = client.progress_end(job);
        let told = end["message"].as_str().unwrap();
        assert!(
            told.contains("2 findings in src/lib.rs; 1 dropped"),
            "{told}"
        );

        client.replace(FILE, "pub fn first", "// A comment.\n\npub fn first");
        wait_for(&mut client, &[3, 7]);
        // What is quoted is gone, and comes back.
        client.replace(FILE, "items[0]", "items[1]");
        wait_for(&mut client, &[7]);
        client.replace(FILE, "items[1]", "items[0]");
        wait_for(&mut client, &[3, 7]);
        client.assert_in_step(FILE);
    }
}

#[test]
fn a_finding_whose_line_is_changed_is_not_shown_at_a_line_that_is_like_it() {
    let model = FakeModel::start();
    let twice = format!("{CODE}\npub fn head(items: &[u32; 3]) -> u32 {{\n    items[0]\n}}\n");
    model.say(review(&[bounds(), closing()]));
    let mut client = Client::builder().model(&model).opened(FILE, &twice).start();
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[1]);
    client.replace(FILE, "pub fn first", "\npub fn first");
    wait_for(&mut client, &[2]);
    let digit = client.text(FILE).find("items[0]").unwrap() + "items[".len();
    client.edit(FILE, digit, digit + 1, "9");
    wait_for(&mut client, &[]);
    client.edit(FILE, digit, digit + 1, "0");
    wait_for(&mut client, &[2]);
}

#[test]
fn a_path_that_names_no_file_of_the_workspace_does_not_mean_all_of_them() {
    let model = FakeModel::start();
    model.say(review(&[bounds(), mean(), closing()]));
    let mut client = opened(&model).start();
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[1, 5]);
    for command in [
        "pleach.finding.clear",
        "pleach.finding.restore",
        "pleach.finding.dismiss",
    ] {
        let refused = client.execute(command, json!({"path": "../elsewhere.rs", "line": 2}));
        assert_eq!(
            refused.unwrap_err()["data"]["code"],
            "denied-path",
            "{command}"
        );
    }
    assert_eq!(shown(&client).len(), 2);
    let none = client.execute("pleach.finding.clear", json!({"path": "src/other.rs"}));
    assert_eq!(none.unwrap()["cleared"], 0);

    // By file and line in a file that nobody has open any more.
    client.close(FILE);
    client
        .execute("pleach.finding.dismiss", json!({"path": FILE, "line": 2}))
        .unwrap();
    wait_for(&mut client, &[5]);
}

#[test]
fn findings_are_taken_over_by_the_document_however_the_editor_spells_its_uri() {
    let model = FakeModel::start();
    model.say(review(&[bounds(), mean(), closing()]));
    let mut client = opened(&model).start();
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[1, 5]);
    client.close(FILE);
    let uri = client.uri(FILE).replace("lib.rs", "%6Cib.rs");
    client.open_as(&uri, "rust", &format!("// New.\n{CODE}"));
    client.wait_until("the findings are at the other uri", |client| {
        let lines: Vec<u64> = shown_at(client, &uri).iter().map(|it| it.0).collect();
        lines == [2, 6] && shown(client).is_empty()
    });
}

#[test]
fn findings_of_a_closed_file_are_found_by_its_path_however_the_editor_spelt_it() {
    let model = FakeModel::start();
    model.say(review(&[bounds(), mean(), closing()]));
    let mut client = Client::builder().model(&model).file(FILE, CODE).start();
    let uri = client.uri(FILE).replace("lib.rs", "%6Cib.rs");
    client.open_as(&uri, "rust", CODE);
    let lines = |client: &Client| -> Vec<u64> {
        let shown = shown_at(client, &uri).into_iter();
        shown.map(|(line, _)| line).collect()
    };
    let job = client.start_job("pleach.review", json!({"path": FILE}));
    client.job_end(job);
    client.wait_until("the findings are there", |client| lines(client) == [1, 5]);
    client.close(&uri);
    client
        .execute("pleach.finding.dismiss", json!({"path": FILE, "line": 2}))
        .unwrap();
    client.wait_until("one is gone", |client| lines(client) == [5]);
    // What is found anew takes the place of what was found.
    git(&client, &["init", "-q"]);
    git(&client, &["commit", "-q", "--allow-empty", "-m", "first"]);
    model.say(review(&[mean(), closing()]));
    let job = client.start_job("pleach.review", json!("changes"));
    client.job_end(job);
    let all = client.execute("pleach.findings", json!({})).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    let cleared = client.execute("pleach.finding.clear", json!({"path": FILE}));
    assert_eq!(cleared.unwrap()["cleared"], 1);
    client.wait_until("none is left", |client| {
        lines(client).is_empty() && shown(client).is_empty()
    });
}

#[test]
fn nothing_found_is_said_and_takes_earlier_findings_away() {
    let model = FakeModel::start();
    model.say(review(&[bounds(), closing()]));
    model.say(review(&[closing()]));
    let mut client = opened(&model).start();
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[1]);
    let job = client.start_job("pleach.review", json!({"path": FILE}));
    let end = client.job_end(job);
    assert_eq!(end["summary"], "nothing found in src/lib.rs", "{end}");
    assert!(shown(&client).is_empty());
}

#[test]
fn what_is_no_review_goes_back_and_what_is_sound_counts() {
    let model = FakeModel::start();
    model.say(Script::text("This looks good to me."));
    model.say(review(&[bounds(), "And another thing.".to_owned()]));
    model.say(review(&[bounds(), "And another thing.".to_owned()]));
    let mut client = opened(&model).start();
    let job = client.start_job("pleach.review", json!({"path": FILE}));
    let end = client.job_end(job);
    model.request();
    for reason in ["line 1: ", "line 2: "] {
        let told = model.request().to_string();
        assert!(
            told.contains(reason) && told.contains("closing line"),
            "{told}"
        );
    }
    let summary = end["summary"].as_str().unwrap();
    assert!(
        summary.contains("1 finding in src/lib.rs; 1 of the answer's lines not understood"),
        "{summary}"
    );
    assert_eq!(shown(&client).len(), 1);

    for _ in 0..3 {
        model.say(Script::text("This looks good to me."));
    }
    let job = client.start_job("pleach.review", json!({"path": FILE}));
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["code"]),
        (&json!("failed"), &json!("no-review")),
        "{end}"
    );
    let kept = std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap();
    assert!(kept.contains("looks good to me"), "{kept}");
}

#[test]
fn a_finding_is_mended_where_it_stands() {
    let model = FakeModel::start();
    model.say(review(&[bounds(), mean(), closing()]));
    model.say(Script::text(&search_replace(
        FILE,
        "    items[0]",
        "    items.first().copied().unwrap_or_default()",
    )));
    let mut client = opened(&model).start();
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[1, 5]);
    model.request();
    let at = client.cursor_at(FILE, "items[0]");
    let titles: Vec<Value> = client
        .actions(FILE, &at)
        .iter()
        .map(|it| it["title"].clone())
        .collect();
    for title in ["Fix with Pleach: ", "Dismiss: ", "Explain: "] {
        let wanted = format!("{title}Panics where `items` is empty");
        assert!(titles.contains(&json!(wanted)), "{titles:?}");
    }
    let job = client.choose_job(FILE, &at, "pleach.finding.fix");
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let asked = model.request().to_string();
    assert!(
        asked.contains("Reported there") && asked.contains("Return an Option."),
        "{asked}"
    );
    wait_for(&mut client, &[5]);
    client.assert_in_step(FILE);
}

#[test]
fn what_is_dismissed_stays_away_when_its_line_moves_and_the_server_starts_anew() {
    let model = FakeModel::start();
    model.say(review(&[bounds(), mean(), closing()]));
    let mut client = opened(&model).start();
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[1, 5]);
    // As Helix asks: by file and line.
    client
        .execute("pleach.finding.dismiss", json!({"path": FILE, "line": 2}))
        .unwrap();
    wait_for(&mut client, &[5]);

    let mut client = client.restart();
    client.open(FILE);
    client.replace(FILE, "pub fn first", "\n\npub fn first");
    let moved = bounds().replace("\"line\":2", "\"line\":4");
    model.say(review(&[moved.clone(), closing()]));
    let job = client.start_job("pleach.review", json!({"path": FILE}));
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    assert!(summary.ends_with("1 dismissed before"), "{summary}");
    assert!(shown(&client).is_empty());

    let restored = client
        .execute("pleach.finding.restore", json!({"path": FILE}))
        .unwrap();
    assert_eq!(restored["restored"], 1);
    model.say(review(&[moved, closing()]));
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[3]);
    client.execute("pleach.finding.clear", json!({})).unwrap();
    wait_for(&mut client, &[]);
    let none = client.execute("pleach.finding.fix", json!({"finding": 1}));
    assert_eq!(none.unwrap_err()["data"]["code"], "no-finding");
}

#[test]
fn findings_are_listed_and_explained_on_a_page() {
    let model = FakeModel::start();
    model.say(review(&[bounds(), closing()]));
    let mut client = opened(&model).editor(Personality::Neovim).start();
    client.start_job("pleach.review", json!({"path": FILE}));
    wait_for(&mut client, &[1]);
    let page = |client: &mut Client, count: usize| {
        client.wait_until("a page is shown", |client| {
            client.said("window/showDocument").len() == count
        });
        let uri = client.said("window/showDocument")[count - 1]["uri"]
            .as_str()
            .unwrap()
            .to_owned();
        std::fs::read_to_string(path_of(&uri)).unwrap()
    };
    let list = client.execute("pleach.findings", json!({})).unwrap();
    assert_eq!(
        (&list[0]["line"], &list[0]["rule"]),
        (&json!(2), &json!("bounds"))
    );
    let id = list[0]["finding"].clone();
    assert!(page(&mut client, 1).contains("src/lib.rs:2 · error · `bounds`"));
    client
        .execute("pleach.finding.explain", json!({"finding": id}))
        .unwrap();
    let page = page(&mut client, 2);
    for part in [
        "## Panics where `items` is empty",
        "items[0]",
        "Why: The slice may be empty.",
        "What to do: Return an Option.",
    ] {
        assert!(page.contains(part), "{page}");
    }
}

#[test]
fn a_review_of_what_has_changed_shows_no_secret_and_nothing_that_git_ignores() {
    let key = |middle: &str| {
        format!(
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAfirstline0123456789\n{middle}\n\
             KEYSlastline0123456789ABCDEFGHIJKLMN\n-----END RSA PRIVATE KEY-----\n"
        )
    };
    let model = FakeModel::start();
    let mut client = opened(&model)
        .file(".gitignore", "*.log\n")
        .file("trace.log", "ignored by git\n")
        .file("src/same.rs", "pub fn same() {}\n")
        .file("keys.txt", &key("MIDDLEofthekey0123456789ABCDEFGHIJKL"))
        .start();
    git(&client, &["init", "-q"]);
    git(&client, &["config", "core.autocrlf", "false"]);
    std::fs::write(client.root().join("data.bin"), b"\0\x01\x02").unwrap();
    git(&client, &["add", "."]);
    git(&client, &["commit", "-q", "-m", "first"]);
    // Of the new key git's diff shows a line without its beginning.
    let new = key("OTHERmiddleofthekey0123456789ABCDEFG");
    std::fs::write(client.root().join("keys.txt"), new).unwrap();
    std::fs::remove_file(client.root().join("data.bin")).unwrap();
    // As a machine with other line endings would check it out.
    std::fs::write(client.root().join("src/same.rs"), "pub fn same() {}\r\n").unwrap();
    client.open("trace.log");
    client.open_as(&client.uri("src/fresh.rs"), "rust", "pub fn fresh() {}\n");
    model.say(review(&[closing()]));
    let job = client.start_job("pleach.review", json!("changes"));
    let end = client.job_end(job);
    let asked = model.request()["messages"][1]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        asked.contains("keys.txt") && asked.contains("+pub fn fresh() {}"),
        "{asked}"
    );
    assert!(asked.contains("data.bin was no text"), "{asked}");
    for kept in ["OTHERmiddle", "MIDDLEof", "ignored by git", "same"] {
        assert!(!asked.contains(kept), "{kept}: {asked}");
    }
    assert_eq!(end["kind"], "finished", "{end}");
}

fn git(client: &Client, words: &[&str]) {
    let done = Command::new("git")
        .current_dir(client.root())
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "-c",
            "commit.gpgSign=false",
        ])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn a_review_of_what_has_changed_reads_the_diff_with_what_is_not_saved() {
    let model = FakeModel::start();
    let mut client = opened(&model)
        .file(".gitignore", "target/\n")
        .file(".env", "TOKEN=do-not-tell\n")
        .file("src/same.rs", "pub fn same() {}\n")
        .start();
    let wish = json!({"scope": "changes"});
    let job = client.start_job("pleach.review", wish.clone());
    let end = client.job_end(job);
    assert_eq!(end["code"], "no-repository", "{end}");

    // What git would run for a file is not run, and does not keep it from being looked at.
    git(&client, &["init", "-q"]);
    git(&client, &["add", "."]);
    git(&client, &["commit", "-q", "-m", "first"]);
    git(
        &client,
        &["config", "core.fsmonitor", "touch fsmonitor-was-here"],
    );
    let job = client.start_job("pleach.review", wish.clone());
    assert_eq!(client.job_end(job)["code"], "nothing-changed");

    std::fs::write(client.root().join("src/new.rs"), "pub fn new() {}\n").unwrap();
    std::fs::write(client.root().join(".env"), "TOKEN=do-not-tell-either\n").unwrap();
    client.replace(FILE, "items[0]", "items[2]");
    model.say(review(&[
        finding(
            2,
            "    items[2]",
            "error",
            "bounds",
            "Panics where `items` is short",
        ),
        closing(),
    ]));
    // As a bare word, as Helix has it.
    let job = client.start_job("pleach.review", json!("changes"));
    wait_for(&mut client, &[1]);
    let end = client.job_end(job);
    let summary = end["summary"].as_str().unwrap();
    assert!(summary.starts_with("1 finding in 2 files"), "{summary}");
    let asked = model.request()["messages"][1]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    for part in [
        "-    items[0]\n+    items[2]\n",
        "+++ b/src/new.rs",
        "+pub fn new() {}",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(
        !asked.contains("do-not-tell") && !asked.contains("same"),
        "{asked}"
    );
    assert!(!client.root().join("fsmonitor-was-here").exists());
    assert_eq!(
        client
            .execute(
                "pleach.previewPrompt",
                json!({"command": "pleach.review", "scope": "changes"})
            )
            .unwrap_err()["data"]["code"],
        "no-preview"
    );
}

/// Of one that is open git says that it is in a submodule, and nothing of the others.
#[test]
fn a_file_of_a_submodule_that_is_open_keeps_nothing_else_from_being_reviewed() {
    let model = FakeModel::start();
    let mut client = opened(&model).file("sub/a.rs", "pub fn a() {}\n").start();
    for folder in ["sub", "."] {
        git(&client, &["-C", folder, "init", "-q"]);
        git(&client, &["-C", folder, "add", "."]);
        git(&client, &["-C", folder, "commit", "-q", "-m", "first"]);
    }
    client.open("sub/a.rs");
    client.open_as(&client.uri("src/fresh.rs"), "rust", "pub fn fresh() {}\n");
    model.say(review(&[closing()]));
    let job = client.start_job("pleach.review", json!("changes"));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    let asked = model.request()["messages"][1]["content"].to_string();
    assert!(asked.contains("+pub fn fresh() {}"), "{asked}");
    assert!(asked.contains("sub/a.rs is open"), "{asked}");
}
