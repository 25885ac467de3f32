//! Jobs from the command to the landed edit, in every editor as it was measured: what lands, what is
//! refused, what is undone, and what the person is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Builder, Client, EditPolicy, Personality, Side};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";

const CODE: &str = "\
//! Shapes – and a 𝄞 before the place, so that columns matter.

/* 𝄞 */ pub fn area(width: u32, height: u32) -> u32 {
    width * height
}

pub fn other() -> &'static str {
    \"other\"
}
";

const ENGINE: &str = "built-in syntax engine, no AI model";

fn opened(builder: Builder) -> Client {
    builder.opened(FILE, CODE).start()
}

/// Picks *Document* in the menu at `name`.
fn document(client: &mut Client, name: &str) -> u64 {
    let place = client.cursor_at(FILE, &format!("{name}("));
    client.choose_job(FILE, &place, "pleach.document")
}

fn block(search: &str, replace: &str) -> String {
    search_replace(FILE, search, replace)
}

fn is_documented(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains(&format!("fn {name}(")))
        .unwrap();
    at > 0 && lines[at - 1].trim_start().starts_with("///")
}

#[test]
fn a_documented_function_lands_in_every_editor() {
    for personality in Personality::ALL {
        // As in an editor without our plugin.
        let mut client = opened(Client::builder().editor(personality).options(json!({})));
        let job = document(&mut client, "other");
        let end = client.progress_end(job);
        assert!(
            end["message"].as_str().unwrap().contains(ENGINE),
            "{personality:?}: {end}"
        );
        let text = client.text(FILE);
        assert!(is_documented(&text, "other"), "{personality:?}: {text}");
        let is_comment = |line: &&str| line.starts_with("///");
        let rest: Vec<&str> = text.lines().filter(|line| !is_comment(line)).collect();
        assert_eq!(
            rest,
            CODE.lines().collect::<Vec<_>>(),
            "only a comment is new"
        );
        client.assert_in_step(FILE);

        let edits = client.said("workspace/applyEdit");
        let [edit] = &edits[..] else {
            panic!("{personality:?}: {edits:#?}")
        };
        let [change] = &edit["edit"]["documentChanges"].as_array().unwrap()[..] else {
            panic!("one file an edit: {edit}");
        };
        assert!(change["textDocument"]["version"].is_i64(), "{change}");
        assert_eq!(edit["edit"].get("changes"), None);
        for edit in change["edits"].as_array().unwrap() {
            assert_eq!(
                edit["range"]["start"], edit["range"]["end"],
                "only inserts: {edit}"
            );
        }
        // Nobody asked for events.
        assert!(client.said("pleach/job").is_empty());
    }
}

#[test]
fn wide_characters_before_the_place_do_not_move_the_edit() {
    for personality in Personality::ALL {
        let mut client = opened(Client::builder().editor(personality));
        let place = client.cursor_at(FILE, "width * height");
        let instruction = json!({
            "uri": client.uri(FILE), "range": place, "instruction": "rename width to breite",
        });
        let job = client.start_job("pleach.rewrite", instruction);
        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        assert_eq!(
            client.text(FILE),
            CODE.replace("width", "breite"),
            "{personality:?}"
        );
        client.assert_in_step(FILE);
    }
}

#[test]
fn progress_begins_reports_and_ends_once() {
    let mut client = opened(Client::builder());
    let jobs = [
        document(&mut client, "other"),
        document(&mut client, "area"),
    ];
    for job in jobs {
        client.progress_end(job);
    }
    client.sync();
    let created = client.said("window/workDoneProgress/create");
    let tokens: Vec<&Value> = created.iter().map(|params| &params["token"]).collect();
    assert_eq!(tokens, [&json!("pleach/job/1"), &json!("pleach/job/2")]);
    for job in jobs {
        let shown = client.progress(job);
        let kinds: Vec<&str> = shown
            .iter()
            .map(|value| value["kind"].as_str().unwrap())
            .collect();
        let (first, rest) = kinds.split_first().unwrap();
        let (last, middle) = rest.split_last().unwrap();
        assert_eq!((*first, *last), ("begin", "end"), "{shown:#?}");
        assert!(middle.iter().all(|kind| *kind == "report"), "{shown:#?}");
        assert_eq!(shown[0]["cancellable"], true);
        assert!(
            shown[0]["title"].as_str().unwrap().starts_with("Pleach: "),
            "{}",
            shown[0]
        );
    }
}

#[test]
fn a_client_that_shows_no_progress_is_not_asked_to() {
    let pointer = "/capabilities/window/workDoneProgress";
    let mut client = opened(Client::builder().initialize_with(pointer, json!(false)));
    let job = document(&mut client, "other");
    assert_eq!(client.job_end(job)["kind"], "finished");
    client.sync();
    assert!(client.said("window/workDoneProgress/create").is_empty());
    assert!(client.said("$/progress").is_empty());
}

#[test]
fn events_are_numbered_without_a_gap_and_end_once() {
    let mut client = opened(Client::builder());
    let job = document(&mut client, "other");
    let end = client.job_end(job);
    assert_eq!(end["landed"], true);
    assert_eq!(end["engine"], ENGINE);
    client.progress_end(job);
    client.sync();
    let events = client.job_events(job);
    let first = events[0]["seq"].as_u64().unwrap();
    for (event, expected) in events.iter().zip(first..) {
        assert_eq!(event["seq"], expected, "{events:#?}");
    }
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"started"));
    assert_eq!(kinds.last(), Some(&"finished"));
    for kind in ["text", "hunk", "verdict", "phase"] {
        assert!(kinds.contains(&kind), "no {kind} in {kinds:?}");
    }
    let ends = kinds
        .iter()
        .filter(|kind| ["finished", "failed"].contains(kind))
        .count();
    assert_eq!(ends, 1, "{kinds:?}");
    // The streamed pieces are the reply.
    let reply: String = events
        .iter()
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert!(reply.contains("///"), "{reply}");
}

#[test]
fn commands_are_acknowledged_before_their_work_is_done() {
    let mut client = opened(Client::builder());
    client.on_edits(EditPolicy::Hold);
    let job = document(&mut client, "other");
    assert_eq!(job, 1);
    // The edit waits for the client, and everything else goes on.
    let (id, params) = client.held();
    assert!(
        !client
            .actions(FILE, &client.cursor_at(FILE, "area("))
            .is_empty()
    );
    client.apply(&id, &params);
    assert_eq!(client.job_end(job)["kind"], "finished");
    let order: Vec<&str> = client
        .transcript()
        .iter()
        .filter(|(side, _)| *side == Side::Server)
        .filter_map(|(_, message)| {
            if message["result"]["job"] == 1 {
                Some("answer")
            } else {
                message["method"].as_str()
            }
        })
        .filter(|what| ["answer", "workspace/applyEdit"].contains(what))
        .collect();
    assert_eq!(order, ["answer", "workspace/applyEdit"]);
}

/// The text moves on while the edit is on its way. VS Code refuses it, Helix refuses it with a
/// reason, Neovim skips it and says that it was applied.
#[test]
fn an_edit_that_came_too_late_is_sent_again_for_the_present_text() {
    for personality in Personality::ALL {
        let mut client = opened(Client::builder().editor(personality));
        client.on_edits(EditPolicy::Hold);
        let job = document(&mut client, "other");
        let (id, params) = client.held();
        client.replace(
            FILE,
            "width * height",
            "height * width /* typed meanwhile */",
        );
        client.apply(&id, &params);
        client.on_edits(EditPolicy::Editor);
        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        let text = client.text(FILE);
        assert!(is_documented(&text, "other"), "{personality:?}: {text}");
        assert_eq!(
            text.matches("fn other(").count(),
            1,
            "{personality:?}: {text}"
        );
        assert!(
            text.contains("height * width /* typed meanwhile */"),
            "{personality:?}: {text}"
        );
        client.assert_in_step(FILE);
    }
}

#[test]
fn typing_into_the_place_itself_is_never_overwritten() {
    let mut client = opened(Client::builder());
    client.on_edits(EditPolicy::Hold);
    let place = client.cursor_at(FILE, "width * height");
    let uri = client.uri(FILE);
    let rename = json!({"uri": uri, "range": place, "instruction": "rename width to breite"});
    let job = client.start_job("pleach.rewrite", rename);
    let (id, params) = client.held();
    client.replace(FILE, "width * height", "height");
    let typed = client.text(FILE);
    client.on_edits(EditPolicy::Editor);
    client.apply(&id, &params);
    let end = client.job_end(job);
    assert_eq!(end["landed"], false, "{end}");
    assert_eq!(client.text(FILE), typed);
    let waiting = client.execute("pleach.reviews", json!({})).unwrap();
    assert_eq!(waiting[0]["hunks"][0]["state"], "conflict");
    client.assert_in_step(FILE);
}

#[test]
fn a_client_that_refuses_is_asked_twice_and_the_answer_is_kept() {
    let mut client = opened(Client::builder());
    client.on_edits(EditPolicy::Refuse);
    let job = document(&mut client, "other");
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["code"]),
        (&json!("failed"), &json!("not-applied")),
        "{end}"
    );
    assert_eq!(client.said("workspace/applyEdit").len(), 2);
    assert_eq!(client.text(FILE), CODE);
    let kept = end["kept"].as_str().expect("the answer is kept");
    assert!(
        std::path::Path::new(kept).starts_with(client.state_folder()),
        "{kept}"
    );
    assert!(std::fs::read_to_string(kept).unwrap().contains("///"));
    let told = client.notification("window/showMessage");
    assert_eq!(told["type"], 1);
    assert!(told["message"].as_str().unwrap().contains(kept), "{told}");
    client.progress_end(job);
}

#[test]
fn a_client_that_says_it_applied_what_it_did_not_is_not_believed() {
    let mut client = opened(Client::builder());
    client.on_edits(EditPolicy::Lie);
    let job = document(&mut client, "other");
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["code"]),
        (&json!("failed"), &json!("not-confirmed")),
        "{end}"
    );
    assert!(end["kept"].is_string());
    // Nothing landed, so there is nothing to undo.
    client.execute("pleach.undo", Value::Null).unwrap_err();
    client.assert_in_step(FILE);
}

#[test]
fn a_client_that_cannot_edit_is_told_how_else() {
    let pointer = "/capabilities/workspace/applyEdit";
    let mut client = opened(Client::builder().initialize_with(pointer, json!(false)));
    let uri = client.uri(FILE);
    let place = client.cursor_at(FILE, "other()");
    let answer = client.execute("pleach.document", json!({"uri": uri, "range": place}));
    let job = answer.unwrap()["job"].as_u64().unwrap();
    let end = client.job_end(job);
    assert_eq!(end["code"], "client-cannot-edit", "{end}");
    assert!(end["kept"].is_string());
    assert!(client.said("workspace/applyEdit").is_empty());
}

#[test]
fn the_last_edit_can_be_undone_and_what_was_typed_since_stays() {
    for personality in Personality::ALL {
        let mut client = opened(Client::builder().editor(personality));
        let job = document(&mut client, "other");
        client.job_end(job);
        client.replace(FILE, "width * height", "height * width");
        let place = client.cursor_at(FILE, "area(");
        let undone = client.choose_job(FILE, &place, "pleach.undo");
        let end = client.job_end(undone);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        assert_eq!(
            client.text(FILE),
            CODE.replace("width * height", "height * width")
        );
        client.assert_in_step(FILE);
        client.execute("pleach.undo", Value::Null).unwrap_err();
    }
}

#[test]
fn a_pasted_reply_lands_the_same_way() {
    for personality in Personality::ALL {
        let mut client = opened(Client::builder().editor(personality));
        let reply = block("    width * height", "    width.saturating_mul(height)");
        let job = client.start_job("pleach.land", json!({"reply": reply}));
        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        assert_eq!(
            client.text(FILE),
            CODE.replace("width * height", "width.saturating_mul(height)")
        );
        client.assert_in_step(FILE);
    }
}

#[test]
fn a_reply_in_a_buffer_of_its_own_can_be_landed() {
    let mut client = opened(Client::builder());
    let reply = block("    \"other\"", "    \"another\"");
    client.open_as("untitled:answer", "markdown", &reply);
    let place = client.cursor_at("untitled:answer", "Here");
    let job = client.choose_job("untitled:answer", &place, "pleach.land");
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(client.text(FILE), CODE.replace("\"other\"", "\"another\""));
    assert_eq!(client.text("untitled:answer"), reply);
}

#[test]
fn a_selected_reply_is_landed_without_what_is_around_it() {
    let mut client = opened(Client::builder());
    let reply = block("    \"other\"", "    \"another\"");
    let other = block("    width * height", "    1");
    let notes = format!("First:\n{other}\nSecond:\n{reply}\nThird:\n{other}");
    client.open_as("untitled:notes", "plaintext", &notes);
    let selection = client.range_of("untitled:notes", &reply);
    let job = client.choose_job("untitled:notes", &selection, "pleach.land");
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(client.text(FILE), CODE.replace("\"other\"", "\"another\""));
    assert_eq!(client.text("untitled:notes"), notes);
}

#[test]
fn a_damaging_reply_is_refused_and_the_text_left_alone() {
    for (reply, code) in [
        (
            block("    width * height", "    width * (height"),
            "syntax_worse",
        ),
        (block("    depth * height", "    1"), "not_found"),
        (
            block(
                "    width * height",
                "    // ... rest of the code unchanged ...",
            ),
            "placeholder",
        ),
        ("I would rather not.".to_owned(), "no_edit"),
        (
            block("    width * height", "    1").replace(FILE, "../../etc/passwd"),
            "outside_workspace",
        ),
    ] {
        let mut client = opened(Client::builder());
        let job = client.start_job("pleach.land", json!({"reply": reply}));
        let end = client.job_end(job);
        assert_eq!(
            (&end["kind"], &end["code"]),
            (&json!("failed"), &json!(code)),
            "{end}"
        );
        assert!(
            end["message"]
                .as_str()
                .is_some_and(|message| message.len() > 10),
            "{end}"
        );
        assert!(
            end["next"].as_str().is_some_and(|next| !next.is_empty()),
            "{end}"
        );
        assert!(client.said("workspace/applyEdit").is_empty());
        assert_eq!(client.text(FILE), CODE);
        client.progress_end(job);
    }
}

#[test]
fn what_the_built_in_engine_cannot_do_it_refuses_and_says_how_to_set_a_model() {
    let mut client = opened(Client::builder());
    let instruction = "make it faster by rewriting everything";
    let argument = json!({"path": FILE, "line": 3, "instruction": instruction});
    let job = client.start_job("pleach.rewrite", argument);
    let end = client.job_end(job);
    assert_eq!(end["kind"], "failed", "{end}");
    let said = format!("{} {}", end["message"], end["next"]);
    assert!(said.contains("model"), "{said}");
    assert_eq!(client.text(FILE), CODE);
}

#[test]
fn a_suspect_text_is_not_edited() {
    let mut client = opened(Client::builder());
    let uri = client.uri(FILE);
    let [start, end] = [
        json!({"line": 1, "character": 0}),
        json!({"line": 0, "character": 0}),
    ];
    let change = json!({"range": {"start": start, "end": end}, "text": "\n"});
    client.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": uri, "version": 2}, "contentChanges": [change]}),
    );
    let place = client.cursor_at(FILE, "other()");
    let error = client
        .execute("pleach.document", json!({"uri": uri, "range": place}))
        .unwrap_err();
    assert!(
        error["message"].as_str().unwrap().contains("out of step"),
        "{error}"
    );
    assert!(client.said("workspace/applyEdit").is_empty());
}

#[test]
fn a_comment_with_an_instruction_is_carried_out_and_removed() {
    let code = CODE.replace(
        "    width * height",
        "    // ai: rename width to breite\n    width * height",
    );
    let mut client = Client::builder().opened(FILE, &code).start();
    let place = client.cursor_at(FILE, "ai: rename");
    let job = client.choose_job(FILE, &place, "pleach.comment");
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert_eq!(client.text(FILE), CODE.replace("width", "breite"));
}

/// Editors take their time: some ask the person first. Meanwhile there is typing.
#[test]
fn edits_that_the_editor_has_not_answered_hold_up_no_typing() {
    const EDITS: usize = 32;
    const CHANGES: usize = 10_000;
    let file = |number: usize| format!("src/part_{number}.rs");
    let code = "pub fn area() -> u32 {\n    1\n}\n";
    let mut builder = Client::builder();
    for number in 0..EDITS {
        builder = builder.opened(&file(number), code);
    }
    let mut client = builder.opened(FILE, "").start();
    client.on_edits(EditPolicy::Hold);
    let jobs: Vec<u64> = (0..EDITS)
        .map(|number| client.start_job("pleach.document", json!({"path": file(number), "line": 1})))
        .collect();
    let held: Vec<_> = (0..EDITS).map(|_| client.held()).collect();
    for _ in 0..CHANGES {
        client.edit(FILE, 0, 0, "x");
    }
    assert_eq!(client.server_text(FILE), "x".repeat(CHANGES));
    for (id, params) in held {
        client.apply(&id, &params);
    }
    for job in jobs {
        let end = client.job_end(job);
        assert_eq!(end["landed"], true, "{end}");
    }
    for number in 0..EDITS {
        assert!(is_documented(&client.text(&file(number)), "area"));
        client.assert_in_step(&file(number));
    }
}
