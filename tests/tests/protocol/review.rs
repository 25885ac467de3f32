//! Review, hunk by hunk: what is shown, what can be decided, and what typing meanwhile does to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Client, EditPolicy, Personality};
use pleach_tests::fake_model::{FakeModel, Script};
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";

const CODE: &str = "\
pub fn first() -> u32 {
    1
}

pub fn between() -> u32 {
    let a = 10;
    a
}

pub fn second() -> u32 {
    2
}
";

/// An answer that changes both ends of [`CODE`].
const REPLY: &str = "\
src/lib.rs
<<<<<<< SEARCH
    1
=======
    100
>>>>>>> REPLACE
<<<<<<< SEARCH
    2
=======
    200
>>>>>>> REPLACE
";

/// A session that plays `personality`, with [`CODE`] opened and [`REPLY`] under review.
fn reviewing(personality: Personality) -> (Client, u64) {
    let mut client = Client::builder()
        .editor(personality)
        .file(FILE, CODE)
        .start();
    client.open(FILE);
    let job = client.start_job("pleach.land", json!({"reply": REPLY}));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert_eq!(end["landed"], false, "several hunks wait: {end}");
    assert_eq!(end["hunks"], 2);
    assert_eq!(
        client.text(FILE),
        CODE,
        "nothing is changed before it is accepted"
    );
    let review = end["review"].as_u64().unwrap();
    (client, review)
}

/// The hunks that are shown in [`FILE`], as `first line: message`, once there are `count`.
fn shown(client: &mut Client, count: usize) -> Vec<String> {
    let uri = client.uri(FILE);
    let published = client.notification_where("textDocument/publishDiagnostics", |params| {
        params["uri"] == uri.as_str() && params["diagnostics"].as_array().unwrap().len() == count
    });
    published["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            assert_eq!(it["source"], "pleach");
            let message = it["message"].as_str().unwrap();
            format!(
                "{}: {}",
                it["range"]["start"]["line"],
                message.lines().next().unwrap()
            )
        })
        .collect()
}

/// The entries about hunks at the line that holds `needle`.
fn entries(client: &mut Client, needle: &str) -> Vec<Value> {
    let at = client.cursor_at(FILE, needle);
    let mut actions = client.actions(FILE, &at);
    actions.retain(|action| action["kind"] == "quickfix.pleach.review");
    actions
}

fn titles(actions: &[Value]) -> Vec<&str> {
    actions
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect()
}

/// Picks the entry whose title begins so, at the line that holds `needle`.
fn decide(client: &mut Client, needle: &str, title: &str) -> Value {
    let actions = entries(client, needle);
    let action = actions
        .iter()
        .find(|action| action["title"].as_str().unwrap().starts_with(title));
    let action = action.unwrap_or_else(|| panic!("no {title} in {:?}", titles(&actions)));
    client.pick(action).unwrap()
}

fn ends_well(client: &mut Client, answer: &Value) {
    let job = answer["job"].as_u64().unwrap();
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
}

#[test]
fn hunks_are_shown_at_their_places_and_accepted_one_by_one_in_every_editor() {
    for personality in Personality::ALL {
        let (mut client, _) = reviewing(personality);
        let hints = shown(&mut client, 2);
        assert!(
            hints[0].starts_with("1: ") && hints[1].starts_with("10: "),
            "{hints:?}"
        );

        let here = entries(&mut client, "    1\n");
        let here = titles(&here);
        assert!(here[0].starts_with("Accept: "), "{here:?}");
        assert!(
            here.iter()
                .any(|title| title.starts_with("Accept all 2 hunks")),
            "{here:?}"
        );
        assert!(entries(&mut client, "let a").is_empty(), "no hunk is there");

        let answer = decide(&mut client, "    1\n", "Accept: ");
        ends_well(&mut client, &answer);
        assert_eq!(
            client.text(FILE),
            CODE.replace("    1\n", "    100\n"),
            "{personality:?}"
        );
        assert_eq!(shown(&mut client, 1).len(), 1);

        let answer = decide(&mut client, "    2\n", "Reject: ");
        assert_eq!(answer["rejected"], 1);
        assert!(shown(&mut client, 0).is_empty());
        assert_eq!(client.text(FILE), CODE.replace("    1\n", "    100\n"));
        assert_eq!(client.server_text(FILE), client.text(FILE));
    }
}

#[test]
fn hunks_move_with_what_is_typed_and_land_beside_it() {
    let (mut client, _) = reviewing(Personality::Neovim);
    client.edit(FILE, 0, 0, "// 😀 typed above\n");
    client.replace(FILE, "let a = 10;", "let a = 11;");
    let hints = loop {
        let hints = shown(&mut client, 2);
        if hints[0].starts_with("2: ") {
            break hints;
        }
    };
    assert!(hints[1].starts_with("11: "), "{hints:?}");
    let answer = decide(&mut client, "    1\n", "Accept all 2 hunks");
    ends_well(&mut client, &answer);
    let expected = CODE
        .replace("    1\n", "    100\n")
        .replace("    2\n", "    200\n")
        .replace("= 10", "= 11");
    assert_eq!(client.text(FILE), format!("// 😀 typed above\n{expected}"));
}

/// Waits until the hunks of the one review stand so.
fn await_states(client: &mut Client, wanted: &[&str]) {
    client.notification_where("pleach/review", |review| {
        let hunks = review["hunks"].as_array().unwrap().iter();
        hunks
            .map(|hunk| hunk["state"].as_str().unwrap())
            .eq(wanted.iter().copied())
    });
}

#[test]
fn what_a_formatter_changed_in_a_hunk_is_no_conflict() {
    let (mut client, review) = reviewing(Personality::Neovim);
    let formatted = CODE.replace("    ", "\t").replace(
        "pub fn second() -> u32 {\n\t2\n}",
        "pub fn second() -> u32 { 2 }",
    );
    client.set_text(FILE, &formatted);
    await_states(&mut client, &["pending", "conflict"]);
    await_states(&mut client, &["pending", "pending"]);
    let job = client.start_job("pleach.accept", json!({"review": review, "all": true}));
    assert_eq!(client.job_end(job)["landed"], true);
    let wanted = formatted
        .replace("\t1\n", "\t100\n")
        .replace("{ 2 }", "{ 200 }");
    assert_eq!(client.text(FILE), wanted);
}

#[test]
fn a_file_that_is_closed_without_being_saved_is_what_it_is_on_disk() {
    let (mut client, _) = reviewing(Personality::Neovim);
    client.replace(FILE, "    1\n", "    1 + 1\n");
    await_states(&mut client, &["conflict", "pending"]);
    client.close(FILE);
    await_states(&mut client, &["pending", "pending"]);
}

#[test]
fn an_edit_that_lands_at_once_tells_who_uses_what_it_changes() {
    let mut client = Client::builder()
        .file("src/a.py", "def f(a):\n    return a\n")
        .file("src/b.py", "from a import f\n\nprint(f(1))\n")
        .start();
    client.open("src/a.py");
    let reply = "src/a.py\n<<<<<<< SEARCH\ndef f(a):\n=======\ndef f(a, b):\n>>>>>>> REPLACE\n";
    let job = client.start_job("pleach.land", json!({"reply": reply}));
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let told = end["summary"].as_str().unwrap();
    let impact = "changes the signature of f (used in 2 places); f is used: src/b.py:1, src/b.py:3";
    assert!(told.ends_with(impact), "{told}");
}

#[test]
fn a_hunk_tells_who_uses_what_it_changes_in_unsaved_documents_too() {
    let mut client = Client::builder()
        .file(
            "src/a.py",
            "def f(a):\n    return a\n\n\nX = 1\nY = 2\nZ = 3\nLAST = 4\n",
        )
        .file("src/b.py", "from a import f\n\nprint(f(1))\n")
        .file("src/c.py", "print(2)\n")
        .start();
    client.open("src/a.py");
    client.open("src/c.py");
    client.replace("src/c.py", "print(2)", "import a\nprint(a.f(2))");
    let block = |old: &str, new: &str| {
        format!("src/a.py\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n")
    };
    let reply = block("def f(a):\n", "def f(a, b):\n") + &block("LAST = 4\n", "LAST = 5\n");
    let job = client.start_job("pleach.land", json!({"reply": reply}));
    let end = client.job_end(job);
    assert_eq!(end["hunks"], 2, "{end}");
    let listed = client.execute("pleach.reviews", json!({})).unwrap();
    assert_eq!(
        listed[0]["hunks"][0]["impact"],
        "changes the signature of f (used in 3 places); f is used: src/b.py:1, src/b.py:3, src/c.py:2"
    );
    assert_eq!(
        listed[0]["hunks"][1]["impact"],
        "changes the signature of LAST"
    );
}

#[test]
fn what_is_typed_into_a_hunk_makes_it_a_conflict_with_a_choice() {
    let expected = [
        ("Take what was proposed", "    100\n"),
        ("Keep what you typed", "    1 + 1\n"),
        ("Keep both", "    1 + 1\n    100\n"),
    ];
    for (choice, line) in expected {
        let (mut client, review) = reviewing(Personality::Vscode);
        client.replace(FILE, "    1\n", "    1 + 1\n");
        let refused = client.start_job("pleach.accept", json!({"review": review, "hunk": 0}));
        let end = client.job_end(refused);
        assert_eq!(end["code"], "conflict", "{end}");
        assert!(client.text(FILE).contains("1 + 1"), "what was typed stays");

        let answer = decide(&mut client, "1 + 1", choice);
        if choice == "Keep both" {
            // Two expressions in a row would not parse; nothing that is worse lands.
            let end = client.job_end(answer["job"].as_u64().unwrap());
            assert_eq!(end["code"], "syntax_worse", "{end}");
            assert!(client.text(FILE).contains("    1 + 1\n"));
            continue;
        }
        ends_well(&mut client, &answer);
        assert!(
            client.text(FILE).contains(line),
            "{choice}: {}",
            client.text(FILE)
        );
        assert_eq!(shown(&mut client, 1).len(), 1, "the other hunk still waits");
    }
}

/// A session in which a model has proposed [`REPLY`].
fn proposed_by(model: &FakeModel) -> (Client, Value) {
    model.say(Script::text(REPLY));
    let mut client = Client::builder().model(model).opened(FILE, CODE).start();
    let rewrite = json!({"path": FILE, "line": 2, "instruction": "make them hundreds"});
    let job = client.start_job("pleach.rewrite", rewrite);
    model.request();
    let review = client.job_end(job)["review"].clone();
    let uri = client.uri(FILE);
    let shown = client.notification_where("textDocument/publishDiagnostics", |params| {
        params["uri"] == uri.as_str() && params["diagnostics"].as_array().unwrap().len() == 2
    });
    let hint = &shown["diagnostics"][0];
    assert_eq!(hint["data"]["role"], "coder");
    assert!(hint["message"].as_str().unwrap().contains("(coder · "));
    (client, review)
}

/// The hunks that wait, as `summary: state`, by review.
fn waiting(client: &mut Client) -> Vec<(Value, usize)> {
    let reviews = client.execute("pleach.reviews", json!({})).unwrap();
    let count = |review: &Value| review["hunks"].as_array().unwrap().len();
    let reviews = reviews.as_array().unwrap().iter();
    reviews
        .map(|review| (review["review"].clone(), count(review)))
        .collect()
}

#[test]
fn a_hunk_is_asked_for_again_with_a_note_and_stays_until_there_is_another() {
    let model = FakeModel::start();
    let (mut client, review) = proposed_by(&model);
    let again = REPLY.split_inclusive("REPLACE\n").next().unwrap();
    let (script, open) = Script::default().gate();
    model.say(script.piece(&again.replace("100", "101")).end("stop"));
    let note = json!({"review": review, "hunk": 0, "note": "one more, please"});
    let job = client.start_job("pleach.retry", note);
    let asked = model.request().to_string();
    assert!(
        asked.contains("make them hundreds") && asked.contains("one more, please"),
        "{asked}"
    );
    assert!(
        asked.contains("+    100"),
        "what was proposed before is shown: {asked}"
    );
    assert_eq!(waiting(&mut client), [(review.clone(), 2)]);

    open.send(()).unwrap();
    assert_eq!(client.job_end(job)["landed"], true, "a single hunk lands");
    assert!(client.text(FILE).contains("    101\n"));
    assert_eq!(
        waiting(&mut client),
        [(review, 1)],
        "the one that it replaces is gone"
    );
}

#[test]
fn a_conflict_is_taken_back_to_the_model_with_both_sides() {
    let model = FakeModel::start();
    let (mut client, review) = proposed_by(&model);
    client.replace(FILE, "    1\n", "    1 + 1\n");
    model.say(Script::text(
        "src/lib.rs\n<<<<<<< SEARCH\n    1 + 1\n=======\n    100 + 1\n>>>>>>> REPLACE\n",
    ));
    let choice = json!({"review": review, "hunk": 0, "choice": "ask"});
    let chosen = client.start_job("pleach.resolve", choice);
    assert_eq!(client.job_end(chosen)["landed"], false);
    let asked = model.request().to_string();
    assert!(asked.contains("1 + 1") && asked.contains("100"), "{asked}");
    assert_eq!(client.job_end(chosen + 1)["landed"], true);
    assert!(client.text(FILE).contains("    100 + 1\n"));
    assert_eq!(waiting(&mut client), [(review, 1)]);
}

#[test]
fn accepted_hunks_are_undone_under_newer_typing() {
    let (mut client, review) = reviewing(Personality::Neovim);
    let job = client.start_job("pleach.accept", json!({"review": review, "all": true}));
    assert_eq!(client.job_end(job)["kind"], "finished");
    client.replace(FILE, "let a = 10;", "let a = 12;");
    let undo = client.start_job("pleach.undo", json!({"path": FILE}));
    assert_eq!(client.job_end(undo)["kind"], "finished");
    assert_eq!(client.text(FILE), CODE.replace("= 10", "= 12"));
}

#[test]
fn an_older_edit_is_undone_from_the_history_and_brought_back() {
    let (mut client, review) = reviewing(Personality::Neovim);
    for hunk in [0, 1] {
        let job = client.start_job("pleach.accept", json!({"review": review, "hunk": hunk}));
        assert_eq!(client.job_end(job)["kind"], "finished");
    }
    let history = client.execute("pleach.history", json!({})).unwrap();
    let older = &history[1];
    assert_eq!(older["files"], json!([FILE]));
    let undo = client.start_job("pleach.undo", json!({"entry": older["entry"]}));
    assert_eq!(client.job_end(undo)["kind"], "finished");
    assert_eq!(client.text(FILE), CODE.replace("    2\n", "    200\n"));

    let history = client.execute("pleach.history", json!({})).unwrap();
    assert_eq!(history[2]["undone"], true);
    assert_eq!(history[0]["undoes"], older["entry"]);
    let redo = client.start_job("pleach.undo", json!({"entry": history[0]["entry"]}));
    assert_eq!(client.job_end(redo)["kind"], "finished");
    assert!(client.text(FILE).contains("    100\n") && client.text(FILE).contains("    200\n"));
    let again = client.execute("pleach.undo", json!({"entry": older["entry"]}));
    assert_eq!(again.unwrap_err()["data"]["code"], "nothing-to-undo");
}

#[test]
fn undoing_what_was_typed_into_asks_the_person() {
    let (mut client, review) = reviewing(Personality::Vscode);
    let job = client.start_job("pleach.accept", json!({"review": review, "all": true}));
    client.job_end(job);
    client.replace(FILE, "    100\n", "    1700\n");
    let undo = client.start_job("pleach.undo", json!({}));
    let end = client.job_end(undo);
    assert_eq!(
        (&end["kind"], &end["landed"]),
        (&json!("finished"), &json!(false)),
        "{end}"
    );
    assert!(
        client.text(FILE).contains("    1700\n"),
        "nothing typed is lost"
    );

    let uri = client.uri(FILE);
    client.notification_where("textDocument/publishDiagnostics", |params| {
        let shown = params["diagnostics"].as_array().unwrap();
        params["uri"] == uri.as_str() && shown.iter().any(|it| it["code"] == "conflict")
    });
    let answer = decide(&mut client, "1700", "Keep what you typed");
    ends_well(&mut client, &answer);
    let answer = decide(&mut client, "    200\n", "Accept: ");
    ends_well(&mut client, &answer);
    let expected = CODE.replace("    1\n", "    1700\n");
    assert_eq!(client.text(FILE), expected);
}

#[test]
fn without_a_plugin_the_history_is_a_page_whose_lines_undo() {
    let mut client = Client::builder()
        .editor(Personality::Helix)
        .options(json!({}))
        .file(FILE, CODE)
        .start();
    client.open(FILE);
    let one = REPLY.split_inclusive("REPLACE\n").next().unwrap();
    client
        .execute("pleach.land", json!({"reply": one}))
        .unwrap();
    client.wait_until("the edit has landed", |client| {
        client.text(FILE).contains("    100\n")
    });
    client.sync();
    client.execute("pleach.history", json!({})).unwrap();
    client.wait_until("the page is shown", |client| {
        !client.said("window/showDocument").is_empty()
    });
    let uri = client.said("window/showDocument")[0]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = std::fs::read_to_string(pleach_tests::client::path_of(&uri)).unwrap();
    let line = page
        .lines()
        .position(|line| line.starts_with("- [1]"))
        .unwrap();
    client.open_as(&uri, "markdown", &page);
    let at = json!({"line": line, "character": 3});
    let params = json!({
        "textDocument": {"uri": uri}, "range": {"start": at, "end": at},
        "context": {"diagnostics": [], "triggerKind": 1},
    });
    let actions = client.request("textDocument/codeAction", params).unwrap();
    assert_eq!(actions.as_array().unwrap().len(), 1, "{actions}");
    assert!(actions[0]["title"].as_str().unwrap().starts_with("Undo: "));
    client.pick(&actions[0]).unwrap();
    client.wait_until("the edit is undone", |client| client.text(FILE) == CODE);
}

#[test]
fn a_hunk_that_the_editor_refuses_waits_on() {
    let (mut client, review) = reviewing(Personality::Vscode);
    client.on_edits(EditPolicy::Refuse);
    let job = client.start_job("pleach.accept", json!({"review": review, "hunk": 0}));
    assert_eq!(client.job_end(job)["kind"], "failed");
    assert_eq!(client.text(FILE), CODE);
    client.on_edits(EditPolicy::Editor);
    let job = client.start_job("pleach.accept", json!({"review": review, "hunk": 0}));
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(client.text(FILE), CODE.replace("    1\n", "    100\n"));
}

#[test]
fn what_waits_can_be_listed_and_looked_at() {
    let (mut client, review) = reviewing(Personality::Neovim);
    let listed = client.execute("pleach.reviews", json!({})).unwrap();
    assert_eq!(listed[0]["review"], review);
    assert_eq!(listed[0]["hunks"].as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["hunks"][1]["path"], FILE);
    assert_eq!(listed[0]["hunks"][1]["state"], "pending");
    let at = json!({"line": 10, "character": 5});
    assert_eq!(
        listed[0]["hunks"][1]["edits"],
        json!([{"range": {"start": at, "end": at}, "newText": "00"}]),
        "what it would put where, for an editor to show"
    );

    client
        .execute("pleach.diff", json!({"review": review, "all": true}))
        .unwrap();
    client.wait_until("the diff is shown", |client| {
        !client.said("window/showDocument").is_empty()
    });
    let uri = client.said("window/showDocument")[0]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let diff = std::fs::read_to_string(pleach_tests::client::path_of(&uri)).unwrap();
    assert!(
        diff.contains("-    1\n+    100\n") && diff.contains("-    2\n+    200\n"),
        "{diff}"
    );
    assert!(
        diff.contains("--- a/src/lib.rs\n+++ b/src/lib.rs\n"),
        "{diff}"
    );
}

#[test]
fn code_lenses_stand_above_each_hunk_where_the_editor_shows_them() {
    let (mut client, review) = reviewing(Personality::Vscode);
    let uri = client.uri(FILE);
    let params = json!({"textDocument": {"uri": uri}});
    let lenses = client
        .request("textDocument/codeLens", params.clone())
        .unwrap();
    let accept = &lenses[0];
    assert_eq!(accept["range"]["start"]["line"], 1);
    assert_eq!(accept["command"]["command"], "pleach.accept");
    let answer = client.pick(accept).unwrap();
    ends_well(&mut client, &answer);
    assert_eq!(client.text(FILE), CODE.replace("    1\n", "    100\n"));
    client
        .execute("pleach.reject", json!({"review": review}))
        .unwrap();
    let lenses = client.request("textDocument/codeLens", params).unwrap();
    assert_eq!(lenses, json!([]));
}

#[test]
fn a_hunk_is_meant_by_its_place_too() {
    let (mut client, _) = reviewing(Personality::Helix);
    let uri = client.uri(FILE);
    let range = client.range_of(FILE, "    2\n");
    let job = client.start_job("pleach.accept", json!({"uri": uri, "range": range}));
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(client.text(FILE), CODE.replace("    2\n", "    200\n"));
}

#[test]
fn with_review_turned_off_an_answer_lands_at_once() {
    let mut client = Client::builder()
        .user_settings("review = \"land\"\n")
        .file(FILE, CODE)
        .start();
    client.open(FILE);
    let job = client.start_job("pleach.land", json!({"reply": REPLY}));
    assert_eq!(client.job_end(job)["landed"], true);
    assert!(client.text(FILE).contains("200"));
}

#[test]
fn a_decision_on_nothing_says_so() {
    let mut client = Client::builder().file(FILE, CODE).start();
    client.open(FILE);
    let refused = client.execute("pleach.accept", json!({})).unwrap_err();
    assert_eq!(refused["data"]["code"], "nothing-waits");
}

/// An answer for a file that an editor runs.
const TASKS: &str = "\
.vscode/tasks.json
<<<<<<< SEARCH
{\"tasks\": []}
=======
{\"tasks\": [1]}
>>>>>>> REPLACE
";

#[test]
fn a_denied_write_is_told_with_how_to_allow_it_and_only_the_user_can() {
    let tasks = ".vscode/tasks.json";
    let allowed = "[edits]\nallow = ['.vscode/tasks.json']\n";
    for (user, workspace, lands) in [("", allowed, false), (allowed, "", true)] {
        let mut client = Client::builder()
            .user_settings(user)
            .file("pleach.toml", workspace)
            .file(tasks, "{\"tasks\": []}\n")
            .opened(FILE, CODE)
            .start();
        let job = client.start_job("pleach.land", json!({"reply": TASKS}));
        let end = client.job_end(job);
        assert_eq!(end["kind"] == "finished", lands, "{end}");
        let text = client.on_disk(tasks);
        if lands {
            assert_eq!(text, "{\"tasks\": [1]}\n");
            continue;
        }
        assert_eq!(text, "{\"tasks\": []}\n");
        let message = end["message"].as_str().unwrap();
        assert!(message.contains(tasks), "{message}");
        assert!(
            message.contains("name it in `edits.allow` of your own settings"),
            "{message}"
        );
    }
}

#[test]
fn several_hunks_of_a_denied_file_are_refused_before_anybody_decides_on_them() {
    let tasks = ".vscode/tasks.json";
    let text = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3,\n  \"d\": 4\n}\n";
    let mut client = Client::builder()
        .file(tasks, text)
        .opened(FILE, CODE)
        .start();
    let reply = format!(
        "{tasks}\n```json\n{}```\n",
        text.replace('1', "10").replace('4', "40")
    );
    let job = client.start_job("pleach.land", json!({"reply": reply}));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "failed", "{end}");
    let message = end["message"].as_str().unwrap();
    assert!(message.contains("`edits.allow`"), "{message}");
    assert!(client.said("pleach/review").is_empty());
    let kept = std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap();
    assert!(kept.ends_with(&reply));
}
