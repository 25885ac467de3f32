//! Chats: questions in a Markdown document of the workspace, answered at its end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Builder, Client, EditPolicy, Personality, path_of};
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

pub(crate) const CHAT: &str = ".pleach/chats/loans.md";
pub(crate) const ASKED: &str = "# Loans\n\n## You\n\nWhat does @src/loans.rs#lend do?\n";
pub(crate) const FILE: &str = "src/loans.rs";
pub(crate) const CODE: &str = "\
pub struct Shelf;

impl Shelf {
    /// Lends a book.
    pub fn lend(&mut self) -> bool {
        true
    }

    pub fn count(&self) -> usize {
        0
    }
}
";

pub(crate) fn asked(model: &FakeModel, text: &str) -> Builder {
    Client::builder()
        .model(model)
        .file(FILE, CODE)
        .opened(CHAT, text)
}

/// What the model was sent, message by message: who and what.
pub(crate) fn sent(model: &FakeModel) -> Vec<(String, String)> {
    let request = model.request();
    let messages = request["messages"].as_array().unwrap().iter();
    let word = |it: &Value| it.as_str().unwrap().to_owned();
    messages
        .map(|it| (word(&it["role"]), word(&it["content"])))
        .collect()
}

/// The chat with an answer in it.
pub(crate) fn answered(before: &str, answer: &str, after: &str) -> impl Fn(&str) -> bool {
    let begin = format!("{before}\n## Pleach (");
    let end = format!(")\n\n{answer}\n\n## You\n\n{after}");
    move |text| text.starts_with(&begin) && text.ends_with(&end)
}

#[test]
fn an_answer_comes_as_one_edit_with_what_is_mentioned_as_context() {
    for editor in [Personality::Vscode, Personality::Neovim, Personality::Helix] {
        let model = FakeModel::start();
        model.say(Script::pieces("It lends a book.\n\nAlways.", 4));
        let mut client = asked(&model, ASKED).editor(editor).start();
        // By path alone, as Helix asks.
        let job = client.start_job("pleach.chat.continue", json!(CHAT));
        let end = client.progress_end(job);
        assert!(
            end["message"]
                .as_str()
                .unwrap()
                .contains("answered in .pleach/chats/loans.md"),
            "{end}"
        );
        let text = client.text(CHAT);
        assert!(
            answered(ASKED, "It lends a book.\n\nAlways.", "")(&text),
            "{text}"
        );
        assert_eq!(client.said("workspace/applyEdit").len(), 1);
        client.assert_in_step(CHAT);
        let sent = sent(&model);
        let (who, question) = sent.last().unwrap();
        assert_eq!(who, "user");
        assert!(
            question.contains("src/loans.rs, lines 4 to 7:"),
            "{question}"
        );
        assert!(
            question.contains("pub fn lend(&mut self) -> bool"),
            "{question}"
        );
        assert!(
            question.ends_with("What does @src/loans.rs#lend do?"),
            "{question}"
        );
        let told = client.execute("pleach.whatWasSent", json!({})).unwrap();
        assert_eq!(told["pieces"][0]["path"], FILE, "{told}");
    }
}

#[test]
fn what_was_said_before_goes_along_in_turns() {
    let model = FakeModel::start();
    for answer in ["First.", "Second."] {
        model.say(Script::text(answer));
    }
    let mut client = asked(&model, "# T\n\nBe brief.\n\n## You\n\nOne?\n").start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(job)["landed"], true);
    assert_eq!(sent(&model).len(), 2);
    let none = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(none)["code"], "no-question");
    let end = client.text(CHAT).len();
    client.edit(CHAT, end, end, "Two?\n");
    let at = client.cursor_at(CHAT, "Two?");
    let job = client.choose_job(CHAT, &at, "pleach.chat.continue");
    assert_eq!(client.job_end(job)["landed"], true);
    let sent = sent(&model);
    let said: Vec<(&str, &str)> = sent[1..]
        .iter()
        .map(|(who, text)| (who.as_str(), text.as_str()))
        .collect();
    assert_eq!(said[..2], [("user", "One?"), ("assistant", "First.")]);
    assert!(said[2].1.contains("Be brief.") && said[2].1.ends_with("Two?"));
    client.assert_in_step(CHAT);
}

#[test]
fn what_is_typed_during_an_answer_stands_under_the_next_question() {
    let model = FakeModel::start();
    let (script, go) = Script::default().piece("It ").gate();
    model.say(script.piece("lends.").end("stop"));
    let mut client = asked(&model, ASKED).start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    let twice = client.execute("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(twice.unwrap_err()["data"]["code"], "chat-runs");
    for piece in ["And ", "who?\n"] {
        let end = client.text(CHAT).len();
        client.edit(CHAT, end, end, piece);
    }
    client.replace(CHAT, "# Loans", "# Loans and more");
    // And while the edit is under way: it is refused by its version, and made anew.
    client.on_edits(EditPolicy::Hold);
    go.send(()).unwrap();
    let (id, params) = client.held();
    let end = client.text(CHAT).len();
    client.edit(CHAT, end, end, "Since when?\n");
    client.on_edits(EditPolicy::Editor);
    client.apply(&id, &params);
    assert_eq!(client.job_end(job)["landed"], true);
    let text = client.text(CHAT);
    let before = ASKED.replace("# Loans", "# Loans and more");
    assert!(
        answered(&before, "It lends.", "And who?\nSince when?\n")(&text),
        "{text}"
    );
    client.assert_in_step(CHAT);
}

#[test]
fn an_answer_that_the_editor_does_not_take_is_kept() {
    let model = FakeModel::start();
    model.say(Script::text("It lends."));
    let mut client = asked(&model, ASKED).start();
    client.on_edits(EditPolicy::Refuse);
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    let end = client.job_end(job);
    assert_eq!(end["code"], "chat-not-written", "{end}");
    let kept = std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap();
    assert!(kept.contains("It lends."), "{kept}");
    assert_eq!(client.text(CHAT), ASKED);
}

#[test]
fn a_cancelled_answer_leaves_the_chat_and_keeps_what_had_come() {
    let model = FakeModel::start();
    model.say(Script::default().piece("It lends a book, and").hang());
    let mut client = asked(&model, ASKED).start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    client.notification_where("pleach/job", |event| event["kind"] == "text");
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap();
    let end = client.job_end(job);
    assert_eq!(end["code"], "cancelled", "{end}");
    assert_eq!(client.text(CHAT), ASKED);
    let kept = std::fs::read_to_string(end["kept"].as_str().unwrap()).unwrap();
    assert!(kept.contains("It lends a book, and"), "{kept}");
    // It can be asked again.
    model.say(Script::text("Yes."));
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(job)["landed"], true);
}

#[test]
fn mentions_that_lead_nowhere_or_to_secrets_are_told_and_nothing_is_sent() {
    for (question, code) in [
        ("See @src/none.rs", "unknown-file"),
        ("See @../outside.rs", "unknown-file"),
        ("See @src/loans.rs#none", "unknown-symbol"),
        ("See @.env", "withheld"),
        ("See @private/notes.md", "withheld"),
        ("```\nnever closed", "unclosed"),
    ] {
        let model = FakeModel::start();
        let text = format!("## You\n\n{question}\n");
        let mut client = asked(&model, &text)
            .file(".env", "KEY=do-not-tell\n")
            .file("private/notes.md", "do-not-tell\n")
            .file(".pleachignore", "private/\n")
            .start();
        let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
        let end = client.job_end(job);
        assert_eq!(end["code"], code, "{question}: {end}");
        assert!(model.saw_nothing_more(), "{question}");
        assert_eq!(client.text(CHAT), text);
    }
}

#[test]
fn secrets_have_placeholders_in_what_is_sent_and_the_preview_shows_the_same() {
    const TOKEN: &str = "ghp_4nV8sT2kQ9xZ7mB1cR5wY3pL6dF0hJaGeUiO";
    let model = FakeModel::start();
    model.say(Script::text("It is PLEACH_SECRET_1."));
    let text = format!("## You\n\nWhat is {TOKEN} in `@types/node` and @src/key.py, @mia?\n");
    let mut client = asked(&model, &text)
        .file("src/key.py", &format!("TOKEN = \"{TOKEN}\"\n"))
        .start();
    client
        .execute(
            "pleach.previewPrompt",
            json!({"command": "pleach.chat.continue", "path": CHAT}),
        )
        .unwrap();
    client.wait_until("the page is shown", |client| {
        !client.said("window/showDocument").is_empty()
    });
    assert_eq!(model.requests_seen(), 0);
    let uri = client.said("window/showDocument")[0]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = std::fs::read_to_string(path_of(&uri)).unwrap();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(job)["landed"], true);
    let sent = sent(&model);
    for (_, message) in &sent {
        assert!(!message.contains(TOKEN), "{message}");
        assert!(
            page.contains(message.trim_end()),
            "{message}\nis not in\n{page}"
        );
    }
    assert!(
        sent.last()
            .unwrap()
            .1
            .contains("TOKEN = \"PLEACH_SECRET_1\"")
    );
    let answer = client.text(CHAT);
    assert!(answer.contains("It is PLEACH_SECRET_1."), "{answer}");
}

#[test]
fn a_long_chat_is_sent_from_its_end_and_that_is_said() {
    let model = FakeModel::start();
    model.say(Script::text("Yes."));
    let long = "words ".repeat(60);
    let turn = |number| {
        format!(
            "## You\n\nQuestion {number}: {long}\n\n## Pleach (m)\n\nAnswer {number}: {long}\n\n"
        )
    };
    let turns: Vec<String> = (0..40).map(turn).collect();
    let turns = turns.concat();
    let settings = format!("{}\n[limits]\nmax_context_bytes = 4000\n", model.settings());
    let notes = "Notes. ".repeat(200);
    let mut client = Client::builder()
        .model(&model)
        .user_settings(&settings)
        .opened(CHAT, &format!("{notes}\n\n{turns}## You\n\nAnd now?\n"))
        .start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let sent = sent(&model);
    let all: usize = sent[1..].iter().map(|(_, text)| text.len()).sum();
    // With what is said beside the texts themselves.
    assert!((3000..4200).contains(&all), "{all}");
    assert_eq!(sent[1].0, "user");
    let last = &sent.last().unwrap().1;
    assert!(
        last.contains("is left out here") && last.ends_with("And now?"),
        "{last}"
    );
    assert!(last.contains("Notes. Notes."), "{last}");
    let told = client.execute("pleach.whatWasSent", json!({})).unwrap();
    assert!(
        told["notes"][0]
            .as_str()
            .unwrap()
            .contains("turns of the chat are left out"),
        "{told}"
    );
}

#[test]
fn the_edits_of_an_answer_land_from_its_blocks() {
    let model = FakeModel::start();
    let block = search_replace(FILE, "        true", "        false");
    model.say(Script::text(&block));
    let mut client = asked(&model, ASKED).start();
    client.open(FILE);
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(job)["landed"], true);
    assert_eq!(client.text(FILE), CODE, "nothing lands by itself");
    let at = client.cursor_at(CHAT, "        false");
    let job = client.choose_job(CHAT, &at, "pleach.chat.land");
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    assert_eq!(client.text(FILE), CODE.replace("true", "false"));
    // The same again finds nothing to replace.
    let again = client.start_job("pleach.chat.land", json!({"path": CHAT}));
    let end = client.job_end(again);
    assert_eq!(end["code"], "not_found", "{end}");
    assert_eq!(client.text(FILE), CODE.replace("true", "false"), "{end}");
    client.execute("pleach.undo", json!({})).unwrap();
    client.wait_until("it is undone", |client| client.text(FILE) == CODE);
    client.assert_in_step(FILE);
}

#[test]
fn chats_are_begun_listed_searched_exported_and_deleted_so_that_it_can_be_undone() {
    let model = FakeModel::start();
    let mut client = asked(
        &model,
        &format!("{ASKED}\n## Pleach (m)\n\nIt lends a Book.\n"),
    )
    .start();
    let job = client.start_job(
        "pleach.chat.new",
        json!({"title": "New *things*", "question": "What is new?"}),
    );
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let path = ".pleach/chats/new-things.md";
    client.wait_until("it is shown", |client| {
        let shown = client.said("window/showDocument");
        // To be written in.
        let mut uris = shown.iter().filter(|it| it["takeFocus"] == true);
        uris.any(|it| it["uri"].as_str().unwrap().ends_with(path))
    });
    let text = client.on_disk(path);
    assert_eq!(text, "# New *things*\n\n## You\n\nWhat is new?\n");

    let list = client.execute("pleach.chat.list", json!({})).unwrap();
    let told: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["path"].as_str().unwrap(), &it["answers"], &it["waits"]))
        .collect();
    assert_eq!(
        told,
        [
            (CHAT, &json!(1), &json!(false)),
            (path, &json!(0), &json!(true))
        ]
    );
    let found = client
        .execute("pleach.chat.search", json!({"query": "book lends"}))
        .unwrap();
    assert_eq!(found["complete"], true);
    let found = &found["places"];
    assert_eq!(
        (&found[0]["path"], &found[0]["line"], &found[0]["speaker"]),
        (&json!(CHAT), &json!(9), &json!("Pleach"))
    );
    let export = client
        .execute("pleach.chat.export", json!({"path": CHAT}))
        .unwrap();
    assert_eq!(export["title"], "Loans");
    assert_eq!(
        export["messages"][1],
        json!({"role": "assistant", "content": "It lends a Book."})
    );

    let none = client.execute("pleach.chat.delete", json!({}));
    assert_eq!(none.unwrap_err()["data"]["code"], "no-chat");
    let none = client.execute("pleach.chat.delete", json!({"path": FILE}));
    assert_eq!(none.unwrap_err()["data"]["code"], "no-chat");
    let job = client.start_job("pleach.chat.delete", json!({"path": path}));
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let list = client.execute("pleach.chat.list", json!({})).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    client.execute("pleach.undo", json!({})).unwrap();
    client.wait_until("it is back", |client| {
        client.root().join(path).exists() && client.on_disk(path) == text
    });
}

#[test]
fn a_chat_cannot_turn_round_what_a_list_shows() {
    let mut client = Client::builder()
        .options(json!({}))
        .opened(CHAT, "# txt.\u{202e}sm\n\n## You\n\nWhy?\n")
        .start();
    client.execute("pleach.chat.list", json!({})).unwrap();
    client.wait_until("the page is shown", |client| {
        !client.said("window/showDocument").is_empty()
    });
    let uri = client.said("window/showDocument")[0]["uri"].clone();
    let page = std::fs::read_to_string(path_of(uri.as_str().unwrap())).unwrap();
    assert!(page.contains("txt.\\u{202e}sm"), "{page}");
}

#[test]
fn a_search_that_finds_too_much_says_that_there_is_more() {
    let many = "## You\n\nbooks\n".repeat(201);
    let mut client = Client::builder().opened(CHAT, &many).start();
    let found = client
        .execute("pleach.chat.search", json!("books"))
        .unwrap();
    assert_eq!(found["complete"], false);
    assert_eq!(found["places"].as_array().unwrap().len(), 200);
}

#[test]
fn notes_that_do_not_fit_are_left_out_and_that_is_said() {
    let model = FakeModel::start();
    model.say(Script::text("Yes."));
    let settings = format!("{}\n[limits]\nmax_context_bytes = 4000\n", model.settings());
    let notes = "Notes. ".repeat(700);
    let mut client = Client::builder()
        .model(&model)
        .user_settings(&settings)
        .opened(CHAT, &format!("{notes}\n\n## You\n\nAnd now?\n"))
        .start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(client.job_end(job)["landed"], true);
    assert!(
        sent(&model)
            .iter()
            .all(|(_, text)| !text.contains("Notes."))
    );
    let told = client.execute("pleach.whatWasSent", json!({})).unwrap();
    let note = told["notes"][0].as_str().unwrap();
    assert!(note.contains("the notes at the beginning"), "{note}");
}

#[test]
fn without_a_model_a_chat_says_so() {
    let mut client = Client::builder().opened(CHAT, ASKED).start();
    let refused = client.execute("pleach.chat.continue", json!({"path": CHAT}));
    assert_eq!(refused.unwrap_err()["data"]["code"], "needs-model");
    let at = client.cursor_at(CHAT, "What does");
    assert!(client.offered(CHAT, &at, "pleach.chat.continue").is_none());
}

#[test]
fn a_chat_that_is_not_open_is_answered_in_its_file() {
    let model = FakeModel::start();
    model.say(Script::text("It lends."));
    let mut client = Client::builder()
        .model(&model)
        .file(FILE, CODE)
        .file(CHAT, ASKED)
        .start();
    let job = client.start_job("pleach.chat.continue", json!({"path": CHAT}));
    let end = client.job_end(job);
    assert_eq!(end["landed"], true, "{end}");
    let text = client.on_disk(CHAT);
    assert!(answered(ASKED, "It lends.", "")(&text), "{text}");
}
