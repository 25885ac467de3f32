//! What a later session finds of an earlier one: the history, and the reviews that were open.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;

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

const FIRST: &str = "src/lib.rs\n<<<<<<< SEARCH\n    1\n=======\n    100\n>>>>>>> REPLACE\n";
const SECOND: &str = "src/lib.rs\n<<<<<<< SEARCH\n    2\n=======\n    200\n>>>>>>> REPLACE\n";

/// How often the server is asked before the test fails.
const ROUNDS: usize = 20_000;

fn both() -> String {
    format!("{FIRST}{SECOND}")
}

fn started() -> Client {
    Client::builder().opened(FILE, CODE).start()
}

/// Lands a reply of one hunk and saves the file.
fn land(client: &mut Client, reply: &str) {
    let job = client.start_job("pleach.land", json!({"reply": reply}));
    assert_eq!(client.job_end(job)["landed"], true);
    client.save(FILE);
}

/// Begins a review of a reply with two hunks.
fn review(client: &mut Client) -> u64 {
    let job = client.start_job("pleach.land", json!({"reply": both()}));
    let end = client.job_end(job);
    assert_eq!((&end["landed"], &end["hunks"]), (&json!(false), &json!(2)));
    job
}

fn accepted(client: &mut Client, review: &Value, hunk: u64) -> Value {
    let job = client.start_job("pleach.accept", json!({"review": review, "hunk": hunk}));
    client.job_end(job)
}

/// The history, once it has `count` entries.
fn history(client: &mut Client, count: usize) -> Value {
    for _ in 0..ROUNDS {
        let history = client.execute("pleach.history", json!({})).unwrap();
        if history.as_array().unwrap().len() >= count {
            return history;
        }
    }
    panic!("the history does not get {count} entries");
}

/// What a later session tells of a review that it takes up: one with `hunks` hunks.
fn taken_up(client: &mut Client, hunks: usize) -> Value {
    client.notification_where("pleach/review", |review| {
        review["hunks"].as_array().unwrap().len() == hunks
    })
}

fn states(review: &Value) -> Vec<&str> {
    let hunks = review["hunks"].as_array().unwrap().iter();
    hunks.map(|hunk| hunk["state"].as_str().unwrap()).collect()
}

fn database(client: &Client) -> PathBuf {
    client.state_folder().join("pleach/pleach.db")
}

/// Waits until so many answers wait in the database.
fn wait_for_waiting(client: &mut Client, wanted: i64) {
    let count = |path: PathBuf| -> rusqlite::Result<i64> {
        let connection = rusqlite::Connection::open(path)?;
        connection.query_row("SELECT count(*) FROM waiting", [], |row| row.get(0))
    };
    for _ in 0..ROUNDS {
        if count(database(client)) == Ok(wanted) {
            return;
        }
        client.sync();
    }
    panic!("there are never {wanted} answers that wait");
}

/// Waits until an answer is in the database.
fn review_is_written(client: &mut Client) {
    wait_for_waiting(client, 1);
}

/// Waits until no answer is in the database.
fn nothing_waits(client: &mut Client) {
    wait_for_waiting(client, 0);
}

/// What was said to the person of what is kept.
fn complaints(client: &Client) -> Vec<String> {
    let said = client.said("window/showMessage");
    let texts = said.iter().map(|it| it["message"].as_str().unwrap());
    let about = |text: &&str| text.contains("kept") || text.contains("history");
    texts.filter(about).map(str::to_owned).collect()
}

#[test]
fn an_edit_is_undone_after_a_restart_under_newer_typing_and_brought_back_after_another() {
    for personality in Personality::ALL {
        let mut client = Client::builder()
            .editor(personality)
            .opened(FILE, CODE)
            .start();
        land(&mut client, FIRST);
        land(&mut client, SECOND);

        let mut client = client.restart();
        client.open(FILE);
        client.replace(FILE, "let a = 10;", "let a = 11;");
        let listed = history(&mut client, 2);
        assert_eq!(listed[1]["files"], json!([FILE]));
        let undo = json!({"entry": listed[1]["entry"]});
        let undo = client.start_job("pleach.undo", undo);
        assert_eq!(client.job_end(undo)["landed"], true);
        let typed = CODE.replace("= 10", "= 11");
        let without_first = typed.replace("    2\n", "    200\n");
        assert_eq!(client.text(FILE), without_first, "{personality:?}");
        client.save(FILE);

        let mut client = client.restart();
        client.open(FILE);
        let listed = history(&mut client, 3);
        assert_eq!(listed[2]["undone"], true);
        assert_eq!(listed[0]["undoes"], listed[2]["entry"]);
        let again = client.execute("pleach.undo", json!({"entry": listed[2]["entry"]}));
        assert_eq!(again.unwrap_err()["data"]["code"], "nothing-to-undo");
        let redo = json!({"entry": listed[0]["entry"]});
        let redo = client.start_job("pleach.undo", redo);
        assert_eq!(client.job_end(redo)["landed"], true);
        assert!(client.text(FILE).contains("    100\n"));
        client.assert_in_step(FILE);
    }
}

#[test]
fn the_menu_offers_to_undo_what_an_earlier_session_landed() {
    let mut client = started();
    land(&mut client, FIRST);
    let mut client = client.restart();
    client.open(FILE);
    history(&mut client, 1);
    let at = client.cursor_at(FILE, "100");
    let undo = client.choose_job(FILE, &at, "pleach.undo");
    assert_eq!(client.job_end(undo)["landed"], true);
    assert_eq!(client.text(FILE), CODE);
}

#[test]
fn hunks_that_waited_wait_again_at_their_places() {
    for personality in Personality::ALL {
        let mut client = Client::builder()
            .editor(personality)
            .opened(FILE, CODE)
            .start();
        review(&mut client);
        client.edit(FILE, 0, 0, "// 😀 typed above\n");
        client.save(FILE);

        let mut client = client.restart();
        let found = taken_up(&mut client, 2);
        assert_eq!(states(&found), ["pending", "pending"]);
        assert_eq!(found["hunks"][0]["range"]["start"]["line"], 2);
        client.open(FILE);
        let end = accepted(&mut client, &found["review"], 0);
        assert_eq!(end["kind"], "finished", "{end}");
        let expected = CODE.replace("    1\n", "    100\n");
        assert_eq!(client.text(FILE), format!("// 😀 typed above\n{expected}"));
        client.save(FILE);

        // What was decided stays decided.
        let mut client = client.restart();
        let found = taken_up(&mut client, 1);
        client
            .execute("pleach.reject", json!({"review": found["review"]}))
            .unwrap();
        let mut client = client.restart();
        client.sync();
        assert!(client.said("pleach/review").is_empty());
    }
}

#[test]
fn a_server_that_is_killed_loses_no_answer_either() {
    let mut client = started();
    review(&mut client);
    review_is_written(&mut client);
    let mut client = client.restart_after_kill();
    let found = taken_up(&mut client, 2);
    client.open(FILE);
    assert_eq!(accepted(&mut client, &found["review"], 1)["landed"], true);
    assert_eq!(client.text(FILE), CODE.replace("    2\n", "    200\n"));
}

/// A client whose editor has been asked for an edit and does not answer; and its review, if there is one.
fn about_to_land(reply: &str) -> (Client, Value) {
    let mut client = started();
    let waiting = if reply == FIRST {
        Value::Null
    } else {
        json!(review(&mut client))
    };
    client.on_edits(EditPolicy::Hold);
    if waiting.is_null() {
        client.start_job("pleach.land", json!({"reply": reply}));
    } else {
        client.start_job("pleach.accept", json!({"review": waiting, "hunk": 0}));
    }
    client.held();
    (client, waiting)
}

/// The server is killed while its editor lands an edit, and this is what the file holds then.
fn killed_with(client: Client, text: &str) -> Client {
    std::fs::write(client.root().join(FILE), text).unwrap();
    let mut client = client.restart_after_kill();
    client.open(FILE);
    client
}

#[test]
fn a_hunk_that_landed_while_the_server_was_killed_is_not_offered_again_and_can_be_undone() {
    let landed = CODE.replace("    1\n", "    100\n");
    for typed in ["", "// typed above\n"] {
        let (client, _) = about_to_land(&both());
        let mut client = killed_with(client, &format!("{typed}{landed}"));
        let found = taken_up(&mut client, 1);
        assert_eq!(found["hunks"][0]["hunk"], 1);
        history(&mut client, 1);
        let undo = client.start_job("pleach.undo", json!({}));
        assert_eq!(client.job_end(undo)["landed"], true);
        assert_eq!(client.text(FILE), format!("{typed}{CODE}"));
    }
}

#[test]
fn a_hunk_that_was_typed_into_while_the_server_was_killed_is_for_the_person_to_settle() {
    let (client, _) = about_to_land(&both());
    let typed = CODE.replace("    1\n", "    100 + 1\n");
    let mut client = killed_with(client, &typed);
    let found = taken_up(&mut client, 2);
    assert_eq!(states(&found), ["conflict", "pending"]);
    let end = accepted(&mut client, &found["review"], 0);
    assert_eq!(end["code"], "conflict", "{end}");
    let mine = json!({"review": found["review"], "hunk": 0, "choice": "mine"});
    let job = client.start_job("pleach.resolve", mine);
    client.job_end(job);
    assert_eq!(client.text(FILE), typed);
}

#[test]
fn a_hunk_that_had_not_landed_when_the_server_was_killed_waits_on() {
    let (client, _) = about_to_land(&both());
    let mut client = killed_with(client, &format!("{CODE}// typed\n"));
    let found = taken_up(&mut client, 2);
    assert_eq!(states(&found), ["pending", "pending"]);
    assert_eq!(accepted(&mut client, &found["review"], 0)["landed"], true);
}

#[test]
fn an_edit_that_lands_at_once_is_not_lost_with_the_server_either() {
    let (client, _) = about_to_land(FIRST);
    let mut client = killed_with(client, CODE);
    client.wait_until("it is said", |client| !complaints(client).is_empty());
    let said = complaints(&client).remove(0);
    let path = said.split_once("The answer is kept in ").unwrap().1;
    assert!(std::fs::read_to_string(path).unwrap().ends_with(FIRST));

    let (client, _) = about_to_land(FIRST);
    let mut client = killed_with(client, &CODE.replace("    1\n", "    100\n"));
    let listed = history(&mut client, 1);
    assert_eq!(listed[0]["files"], json!([FILE]));
    assert!(complaints(&client).is_empty());
    // Once.
    let mut client = client.restart_after_kill();
    history(&mut client, 1);
    let listed = client.execute("pleach.history", json!({})).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[test]
fn what_was_written_between_two_sessions_is_merged_or_asked_about_never_overwritten() {
    let mut client = started();
    review(&mut client);
    let root = client.root().to_owned();
    let elsewhere = CODE
        .replace("    1\n", "    1 + 1\n")
        .replace("pub fn between", "/// Between.\npub fn between");
    std::fs::write(root.join(FILE), &elsewhere).unwrap();

    let mut client = client.restart();
    client.open(FILE);
    let found = taken_up(&mut client, 2);
    assert_eq!(states(&found), ["conflict", "pending"]);
    let end = accepted(&mut client, &found["review"], 0);
    assert_eq!(end["code"], "conflict", "{end}");
    assert_eq!(accepted(&mut client, &found["review"], 1)["landed"], true);
    assert_eq!(
        client.text(FILE),
        elsewhere.replace("    2\n", "    200\n"),
        "only what is sure"
    );
}

#[test]
fn what_came_into_the_file_meanwhile_waits_no_more() {
    let mut client = started();
    review(&mut client);
    let first = CODE.replace("    1\n", "    100\n");
    std::fs::write(client.root().join(FILE), &first).unwrap();
    let mut client = client.restart();
    client.open(FILE);
    let found = taken_up(&mut client, 1);
    assert_eq!(found["hunks"][0]["hunk"], 1);
    let both = first.replace("    2\n", "    200\n");
    std::fs::write(client.root().join(FILE), &both).unwrap();
    let mut client = client.restart();
    client.open(FILE);
    client.sync();
    assert!(client.said("pleach/review").is_empty());
}

#[test]
fn what_was_asked_can_be_asked_again_after_a_restart() {
    let model = FakeModel::start();
    model.say(Script::text(&both()));
    let mut client = Client::builder().model(&model).opened(FILE, CODE).start();
    let rewrite = json!({"path": FILE, "line": 2, "instruction": "make them hundreds"});
    let job = client.start_job("pleach.rewrite", rewrite);
    model.request();
    client.job_end(job);

    let mut client = client.restart();
    client.open(FILE);
    let found = taken_up(&mut client, 2);
    model.say(Script::text(&FIRST.replace("100", "101")));
    let note = json!({"review": found["review"], "hunk": 0, "note": "one more"});
    let job = client.start_job("pleach.retry", note);
    let asked = model.request().to_string();
    assert!(asked.contains("make them hundreds") && asked.contains("one more"));
    assert_eq!(client.job_end(job)["landed"], true);
    assert!(client.text(FILE).contains("    101\n"));
}

#[test]
fn an_answer_that_cannot_be_placed_any_more_becomes_a_file_and_that_is_said() {
    let mut client = started();
    review(&mut client);
    review_is_written(&mut client);
    // As a later Pleach might find it that cuts proposals in another way.
    let connection = rusqlite::Connection::open(database(&client)).unwrap();
    let other = "UPDATE waiting SET review = replace(review, '\"id\":1', '\"id\":7')";
    assert_eq!(connection.execute(other, []).unwrap(), 1);
    drop(connection);
    let mut client = client.restart_after_kill();
    client.wait_until("it is said", |client| !complaints(client).is_empty());
    let said = complaints(&client).remove(0);
    let path = said.split_once("The answer is kept in ").unwrap().1;
    assert!(std::fs::read_to_string(path).unwrap().ends_with(&both()));
    let mut client = client.restart();
    client.sync();
    assert!(complaints(&client).is_empty(), "once");
    assert!(client.said("pleach/review").is_empty());
}

#[test]
fn two_servers_on_one_folder_share_what_is_kept_and_neither_lands_twice() {
    let mut one = started();
    let review = review(&mut one);
    review_is_written(&mut one);
    let mut other = one.beside();
    let found = taken_up(&mut other, 2);
    let end = accepted(&mut one, &json!(review), 0);
    assert_eq!(end["landed"], true);
    one.save(FILE);
    other.open(FILE);
    // The first is there by now: it is not landed again, whether or not it is still shown.
    let again = json!({"review": found["review"], "hunk": 0});
    if let Ok(answer) = other.execute("pleach.accept", again) {
        let end = other.job_end(answer["job"].as_u64().unwrap());
        assert_eq!(end["landed"], false, "{end}");
    }
    assert_eq!(accepted(&mut other, &found["review"], 1)["landed"], true);
    let landed = CODE
        .replace("    1\n", "    100\n")
        .replace("    2\n", "    200\n");
    assert_eq!(other.text(FILE), landed);
    other.end();
    let mut one = one.restart();
    history(&mut one, 2);
}

#[test]
fn a_database_that_cannot_be_used_stops_nothing_and_is_told_once() {
    let mut client = started();
    std::fs::create_dir_all(database(&client).parent().unwrap()).unwrap();
    std::fs::create_dir(database(&client)).unwrap();
    land(&mut client, FIRST);
    land(&mut client, SECOND);
    client.wait_until("it is said", |client| !complaints(client).is_empty());
    let undo = client.start_job("pleach.undo", json!({}));
    assert_eq!(client.job_end(undo)["landed"], true);
    client.sync();
    assert_eq!(complaints(&client).len(), 1, "{:?}", complaints(&client));
}

#[test]
fn a_damaged_database_is_set_aside_and_a_new_one_begun() {
    let mut client = started();
    std::fs::create_dir_all(database(&client).parent().unwrap()).unwrap();
    std::fs::write(database(&client), "no database at all ".repeat(100)).unwrap();
    land(&mut client, FIRST);
    client.wait_until("it is said", |client| !complaints(client).is_empty());
    assert!(complaints(&client)[0].contains("set aside"));
    let mut client = client.restart();
    history(&mut client, 1);
}

#[test]
fn a_database_that_another_program_holds_delays_no_edit() {
    let mut client = started();
    land(&mut client, FIRST);
    history(&mut client, 1);
    client.sync();
    let mut client = client.restart();
    client.open(FILE);
    history(&mut client, 1);
    let holder = rusqlite::Connection::open(database(&client)).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    land(&mut client, SECOND);
    let undo = client.start_job("pleach.undo", json!({}));
    assert_eq!(client.job_end(undo)["landed"], true);
    assert_eq!(client.text(FILE), CODE.replace("    1\n", "    100\n"));
    client.wait_until("it is said", |client| !complaints(client).is_empty());
    holder.execute_batch("ROLLBACK").unwrap();
    client.sync();
    assert_eq!(complaints(&client).len(), 1, "{:?}", complaints(&client));
}

#[test]
fn an_answer_that_a_server_was_killed_with_before_it_was_in_the_chat_is_a_file() {
    let chat = ".pleach/chats/a.md";
    let asked = "## You\n\nWhy?\n";
    let model = FakeModel::start();
    model.say(Script::text("Because."));
    let mut client = Client::builder().model(&model).opened(chat, asked).start();
    client.on_edits(EditPolicy::Hold);
    client.start_job("pleach.chat.continue", json!({"path": chat}));
    let _never_answered = client.held();
    review_is_written(&mut client);
    let mut client = client.restart_after_kill();
    let told = client.notification_where("window/showMessage", |told| {
        told["message"].as_str().unwrap().contains("is kept in ")
    });
    let told = told["message"].as_str().unwrap();
    assert!(
        told.contains("before it was in .pleach/chats/a.md"),
        "{told}"
    );
    let (_, path) = told.split_once("is kept in ").unwrap();
    let kept = std::fs::read_to_string(path.trim_end_matches('.')).unwrap();
    assert!(kept.contains("Because."), "{kept}");
    assert_eq!(client.on_disk(chat), asked);
    // It is told once.
    nothing_waits(&mut client);
}

#[test]
fn an_answer_that_is_in_the_chat_is_not_told_again() {
    let chat = ".pleach/chats/a.md";
    let model = FakeModel::start();
    model.say(Script::text("Because."));
    let mut client = Client::builder()
        .model(&model)
        .opened(chat, "## You\n\nWhy?\n")
        .start();
    client.on_edits(EditPolicy::Hold);
    client.start_job("pleach.chat.continue", json!({"path": chat}));
    let (_, params) = client.held();
    review_is_written(&mut client);
    // The editor has made the edit and saved it, and nobody heard of it.
    let edit = &params["edit"]["documentChanges"][0]["edits"][0];
    let text = edit["newText"].as_str().unwrap();
    let text = format!("## You\n\nWhy?{text}\n");
    std::fs::write(client.root().join(chat), text).unwrap();
    let mut client = client.restart_after_kill();
    nothing_waits(&mut client);
    assert_eq!(complaints(&client), [] as [&str; 0]);
}
