//! How an answer comes into its chat, whatever the person and the editor do meanwhile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::mpsc::Sender;

use pleach_tests::client::{Client, EditPolicy};
use pleach_tests::fake_model::{FakeModel, Script};
use serde_json::json;

use crate::chats::{ASKED, CHAT, FILE, answered, asked, sent};

/// A chat whose answer, `It lends.`, comes when the test says so.
fn answering(text: &str) -> (FakeModel, Client, u64, Sender<()>) {
    let model = FakeModel::start();
    let (script, go) = Script::default().piece("It ").gate();
    model.say(script.piece("lends.").end("stop"));
    let mut client = asked(&model, text).start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    client.notification_where("pleach/job", |event| event["kind"] == "text");
    (model, client, job, go)
}

/// How often an answer was sent to the editor.
fn tries(client: &Client) -> usize {
    client.said("workspace/applyEdit").len()
}

fn kept(end: &serde_json::Value) -> String {
    std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap()
}

#[test]
fn what_is_typed_in_the_line_break_behind_the_question_is_asked_next() {
    let (_model, mut client, job, go) = answering(ASKED);
    let end = ASKED.trim_end().len();
    client.edit(CHAT, end, end, "\n");
    client.edit(CHAT, end + 1, end + 1, "And how?");
    go.send(()).unwrap();
    assert_eq!(client.job_end(job)["landed"], true);
    let text = client.text(CHAT);
    assert!(answered(ASKED, "It lends.", "And how?\n")(&text), "{text}");
    client.assert_in_step(CHAT);
}

#[test]
fn an_editor_that_refuses_for_a_while_gets_the_answer_when_its_text_has_come() {
    let (_model, mut client, job, go) = answering(ASKED);
    client.on_edits(EditPolicy::Refuse);
    go.send(()).unwrap();
    client.wait_until("the first try", |client| tries(client) == 1);
    // Many more messages go back and forth than there are tries.
    for _ in 0..20 {
        client.sync();
    }
    client.on_edits(EditPolicy::Editor);
    let end = client.text(CHAT).len();
    client.edit(CHAT, end, end, "And how?\n");
    assert_eq!(client.job_end(job)["landed"], true);
    let text = client.text(CHAT);
    assert!(answered(ASKED, "It lends.", "And how?\n")(&text), "{text}");
}

#[test]
fn an_answer_waits_until_a_code_block_around_it_is_closed() {
    let (_model, mut client, job, go) = answering(ASKED);
    // The question is made one that is not closed.
    client.replace(CHAT, "What does", "```\nWhat does");
    go.send(()).unwrap();
    client.notification_where("pleach/job", |event| {
        event["phase"] == "writing it into the chat"
    });
    client.sync();
    assert_eq!(tries(&client), 0);
    let end = client.text(CHAT).len();
    client.edit(CHAT, end, end, "```\n");
    assert_eq!(client.job_end(job)["landed"], true);
    let text = client.text(CHAT);
    assert_eq!(text.matches("It lends.").count(), 1, "{text}");
    assert!(text.contains("```\n\n## Pleach ("), "{text}");
}

#[test]
fn an_answer_that_waits_for_a_code_block_can_be_cancelled_and_is_kept() {
    let (_model, mut client, job, go) = answering(ASKED);
    client.replace(CHAT, "What does", "```\nWhat does");
    go.send(()).unwrap();
    client.notification_where("pleach/job", |event| {
        event["phase"] == "writing it into the chat"
    });
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap();
    let end = client.job_end(job);
    assert_eq!(end["code"], "cancelled", "{end}");
    assert!(kept(&end).contains("It lends."), "{end}");
    assert_eq!(tries(&client), 0);
}

#[test]
fn an_answer_goes_to_the_end_of_a_chat_that_became_another_while_it_was_closed() {
    let (_model, mut client, job, go) = answering(ASKED);
    client.close(CHAT);
    let other = format!("# Other\n\n## You\n\n{}\n\n{ASKED}", "More. ".repeat(20));
    std::fs::write(client.root().join(CHAT), &other).unwrap();
    client.open(CHAT);
    go.send(()).unwrap();
    assert_eq!(client.job_end(job)["landed"], true);
    let text = client.text(CHAT);
    assert!(answered(&other, "It lends.", "")(&text), "{text}");
}

#[test]
fn an_answer_comes_into_the_document_that_the_chat_was_opened_as_meanwhile() {
    let model = FakeModel::start();
    let (script, go) = Script::default().piece("It ").gate();
    model.say(script.piece("lends.").end("stop"));
    let mut client = Client::builder()
        .model(&model)
        .file(FILE, crate::chats::CODE)
        .file(CHAT, ASKED)
        .start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    client.notification_where("pleach/job", |event| event["kind"] == "text");
    let uri = client.uri(CHAT).replace("loans.md", "lo%61ns.md");
    client.open_as(&uri, "markdown", ASKED);
    go.send(()).unwrap();
    assert_eq!(client.job_end(job)["landed"], true);
    let text = client.text(&uri);
    assert!(answered(ASKED, "It lends.", "")(&text), "{text}");
    assert_eq!(client.on_disk(CHAT), ASKED);
}

#[test]
fn an_answer_that_an_editor_makes_and_never_speaks_of_is_there() {
    let (_model, mut client, job, go) = answering(ASKED);
    client.on_edits(EditPolicy::Hold);
    go.send(()).unwrap();
    let (_, params) = client.held();
    let edit = &params["edit"]["documentChanges"][0]["edits"][0];
    let at = ASKED.trim_end().len();
    client.edit(CHAT, at, at, edit["newText"].as_str().unwrap());
    assert_eq!(client.job_end(job)["landed"], true);
    assert_eq!(tries(&client), 1);
}

#[test]
fn a_secret_that_an_answer_repeats_does_not_go_along_with_the_next_question() {
    const SECRET: &str = "hunter2x!Q";
    let model = FakeModel::start();
    let block = "src/key.py\n```\n<<<<<<< SEARCH\npassword = 'PLEACH_SECRET_1'\n=======\n\
                 password = 'PLEACH_SECRET_1' # mine\n>>>>>>> REPLACE\n```";
    let answer = format!("The password is `PLEACH_SECRET_1`.\n\n{block}\n");
    model.say(Script::pieces(&answer, 7));
    model.say(Script::text("Yes."));
    let mut client = asked(&model, "## You\n\nWhat is in @src/key.py?\n")
        .opened("src/key.py", &format!("password = '{SECRET}'\n"))
        .start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(job)["landed"], true);
    assert!(!sent(&model).iter().any(|(_, text)| text.contains(SECRET)));
    // The prose has no secret; the edit has what it needs to land.
    let text = client.text(CHAT);
    assert!(text.contains("is `PLEACH_SECRET_1`."), "{text}");
    assert!(
        text.contains(&format!("password = '{SECRET}' # mine")),
        "{text}"
    );

    // What it was read from is mentioned no more.
    client.replace(CHAT, "@src/key.py", "the file with keys");
    let end = client.text(CHAT).len();
    client.edit(CHAT, end, end, "Are you sure?\n");
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(job)["landed"], true);
    let sent = sent(&model);
    assert!(sent.len() > 3, "{sent:?}");
    assert!(
        !sent.iter().any(|(_, text)| text.contains(SECRET)),
        "{sent:?}"
    );

    let at = client.cursor_at(CHAT, &format!("password = '{SECRET}' # mine"));
    let job = client.choose_job(CHAT, &at, "pleach.chat.land");
    assert_eq!(client.job_end(job)["landed"], true);
    let landed = format!("password = '{SECRET}' # mine\n");
    assert_eq!(client.text("src/key.py"), landed);
}
