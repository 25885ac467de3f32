//! Jobs that wait for a model: what goes on meanwhile, how they are cancelled, and what is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::time::{Duration, Instant};

use pleach_tests::client::{Builder, Client, EditPolicy, Personality, Side};
use pleach_tests::fake_model::{FakeModel, Script, Seen};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";

const CODE: &str = "\
pub fn area(width: u32, height: u32) -> u32 {
    width * height
}

pub fn other() -> u32 {
    1
}
";

/// A session whose engine is `model`, with [`CODE`] opened.
fn opened(model: &FakeModel, builder: Builder) -> Client {
    builder.model(model).opened(FILE, CODE).start()
}

fn rewrite() -> Value {
    json!({"path": FILE, "line": 2, "instruction": "do not overflow"})
}

fn block(search: &str, replace: &str) -> String {
    search_replace(FILE, search, replace)
}

fn good_reply() -> String {
    block("    width * height", "    width.saturating_mul(height)")
}

fn rewritten() -> String {
    CODE.replace("width * height", "width.saturating_mul(height)")
}

/// Waits until the model has been asked, `times` times.
fn asked(model: &FakeModel, times: usize) {
    for _ in 0..times {
        model.request();
    }
}

#[test]
fn a_streamed_reply_lands_in_every_editor() {
    for personality in Personality::ALL {
        let model = FakeModel::start();
        model.say(Script::pieces(&good_reply(), 7));
        let mut client = opened(&model, Client::builder().editor(personality));
        let job = client.start_job("pleach.rewrite", rewrite());
        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        assert_eq!(client.text(FILE), rewritten(), "{personality:?}");
        assert_eq!(client.server_text(FILE), rewritten());
        client.progress_end(job);
        client.sync();

        let events = client.job_events(job);
        let first = events[0]["seq"].as_u64().unwrap();
        assert!(
            events
                .iter()
                .zip(first..)
                .all(|(event, seq)| event["seq"] == seq),
            "{events:#?}"
        );
        let text: String = events
            .iter()
            .filter_map(|event| event["text"].as_str())
            .collect();
        assert_eq!(text, good_reply());
        assert!(
            events
                .iter()
                .any(|event| event["kind"] == "usage" && event["outputTokens"] == 3)
        );
        let ends = ["finished", "failed"];
        let ended = events
            .iter()
            .filter(|it| ends.contains(&it["kind"].as_str().unwrap()));
        assert_eq!(ended.count(), 1);
        assert_eq!(
            events.last().unwrap()["kind"],
            "finished",
            "nothing after the end"
        );
        // Which engine answered is seen without our plugin, too.
        let shown = client.progress(job);
        assert!(
            shown.last().unwrap()["message"]
                .as_str()
                .unwrap()
                .contains("fake"),
            "{shown:#?}"
        );
    }
}

/// A way to cancel a job.
type Way = (&'static str, fn(&mut Client, u64));

const WAYS_TO_CANCEL: [Way; 4] = [
    ("progress", |client, job| {
        let token = format!("pleach/job/{job}");
        client.notify("window/workDoneProgress/cancel", json!({"token": token}));
    }),
    ("request", |client, _| {
        let last = client.last_request();
        client.notify("$/cancelRequest", json!({"id": last}));
    }),
    ("command", |client, job| {
        client
            .execute("pleach.cancel", json!({"job": job}))
            .unwrap();
    }),
    ("action", |client, _| {
        let place = client.cursor_at(FILE, "other");
        client.choose(FILE, &place, "pleach.cancel");
    }),
];

/// Starts a job whose model says `begun` and then nothing, cancels it in this way, checks what is
/// told, and returns how long the provider's connection stayed open.
fn cancelled_after(begun: &str, cancel: fn(&mut Client, u64)) -> Duration {
    let script = match begun {
        "" => Script::default(),
        begun => Script::default().piece(begun),
    };
    let model = FakeModel::start();
    model.say(script.hang());
    let mut client = opened(&model, Client::builder());
    let job = client.start_job("pleach.rewrite", rewrite());
    asked(&model, 1);
    if !begun.is_empty() {
        client.notification_where("pleach/job", |event| event["kind"] == "text");
    }
    let when = Instant::now();
    cancel(&mut client, job);
    let took = model.closed().saturating_duration_since(when);
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["code"]),
        (&json!("failed"), &json!("cancelled"))
    );
    // What was paid for is kept, and nothing is kept of nothing.
    match end["kept"].as_str() {
        None => assert_eq!(begun, ""),
        Some(path) => assert!(std::fs::read_to_string(path).unwrap().ends_with(begun)),
    }
    client.progress_end(job);
    client.sync();
    assert_eq!(client.job_events(job).last().unwrap()["kind"], "failed");
    assert!(client.said("workspace/applyEdit").is_empty());
    assert_eq!(client.server_text(FILE), CODE);
    // And once more, when there is nothing left to cancel.
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap_err();
    took
}

/// The four ways to cancel. Each closes the connection at once, and changes nothing.
#[test]
fn a_job_can_be_cancelled_in_four_ways() {
    /// What is promised.
    const AT_ONCE: Duration = Duration::from_millis(100);
    for (name, cancel) in WAYS_TO_CANCEL {
        // Before the first word, and in the middle of the reply.
        for begun in ["", "Here"] {
            // A busy machine may delay one of them; what delays all is the server.
            let mut took = cancelled_after(begun, cancel);
            for _ in 0..9 {
                if took < AT_ONCE {
                    break;
                }
                took = cancelled_after(begun, cancel);
            }
            assert!(took < AT_ONCE, "{name}: closed after {took:?} at best");
        }
    }
}

/// What is on its way into the editor is seen through, and nobody is told otherwise.
#[test]
fn a_job_that_is_landing_is_not_cancelled() {
    let model = FakeModel::start();
    model.say(Script::text(&good_reply()));
    let mut client = opened(&model, Client::builder());
    client.on_edits(EditPolicy::Hold);
    let job = client.start_job("pleach.rewrite", rewrite());
    let (id, params) = client.held();
    let place = client.cursor_at(FILE, "other");
    assert_eq!(client.offered(FILE, &place, "pleach.cancel"), None);
    let error = client.execute("pleach.cancel", Value::Null).unwrap_err();
    assert_eq!(error["data"]["code"], "landing", "{error}");
    client.apply(&id, &params);
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(client.text(FILE), rewritten());
}

#[test]
fn every_job_is_cancelled_by_one_entry() {
    let model = FakeModel::start();
    let mut client = opened(&model, Client::builder());
    let jobs: Vec<u64> = (0..5)
        .map(|_| {
            model.say(Script::default().hang());
            client.start_job("pleach.rewrite", rewrite())
        })
        .collect();
    asked(&model, jobs.len());
    let place = client.cursor_at(FILE, "other");
    let actions = client.actions(FILE, &place);
    let all = actions
        .iter()
        .find(|action| action["title"] == "Cancel all 5 jobs");
    client.pick(all.expect("an entry for all")).unwrap();
    for job in jobs {
        assert_eq!(client.job_end(job)["code"], "cancelled");
        model.closed();
    }
}

#[test]
fn sixty_four_jobs_that_wait_hold_up_nothing() {
    let model = FakeModel::start();
    for _ in 0..64 {
        model.say(Script::default().hang());
    }
    let mut client = opened(&model, Client::builder());
    let jobs: Vec<u64> = (0..64)
        .map(|_| client.start_job("pleach.rewrite", rewrite()))
        .collect();
    // So many at a time; the others wait for their turn.
    asked(&model, 8);
    let begun = Instant::now();
    client.replace(FILE, "    1", "    2");
    assert_eq!(client.server_text(FILE), CODE.replace("    1", "    2"));
    let place = client.cursor_at(FILE, "other");
    assert!(!client.actions(FILE, &place).is_empty());
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    client
        .execute("pleach.cancel", json!({"all": true}))
        .unwrap();
    for _ in 0..8 {
        model.closed();
    }
    for job in jobs {
        assert_eq!(client.job_end(job)["code"], "cancelled");
    }
    let status = client.execute("pleach.status", Value::Null).unwrap();
    assert_eq!(status["jobs"], json!([]));
}

#[test]
fn what_is_typed_while_the_model_writes_is_kept() {
    for personality in Personality::ALL {
        let model = FakeModel::start();
        let (script, open) = Script::default().piece(&good_reply()[..40]).gate();
        model.say(script.piece(&good_reply()[40..]).end("stop"));
        let mut client = opened(&model, Client::builder().editor(personality));
        let job = client.start_job("pleach.rewrite", rewrite());
        client.notification_where("pleach/job", |event| event["kind"] == "text");
        client.edit(FILE, 0, 0, "//! Typed above. 𝄞\n\n");
        client.replace(FILE, "    1", "    2 + 3");
        open.send(()).unwrap();
        assert_eq!(client.job_end(job)["kind"], "finished", "{personality:?}");
        let expected = format!(
            "//! Typed above. 𝄞\n\n{}",
            rewritten().replace("    1", "    2 + 3")
        );
        assert_eq!(client.text(FILE), expected, "{personality:?}");
        assert_eq!(client.server_text(FILE), expected);
    }
}

#[test]
fn typing_into_the_place_while_the_model_writes_wins() {
    let model = FakeModel::start();
    let (script, open) = Script::default().piece("Here").gate();
    model.say(script.piece(&good_reply()[4..]).end("stop"));
    let mut client = opened(&model, Client::builder());
    let job = client.start_job("pleach.rewrite", rewrite());
    client.notification_where("pleach/job", |event| event["kind"] == "text");
    client.replace(FILE, "width * height", "height * width");
    let typed = client.text(FILE);
    open.send(()).unwrap();
    let end = client.job_end(job);
    assert_eq!(end["landed"], false, "{end}");
    assert_eq!(client.text(FILE), typed);
    // The answer waits as a conflict, to choose from.
    let waiting = client.execute("pleach.reviews", json!({})).unwrap();
    assert_eq!(waiting[0]["review"], end["review"]);
    assert_eq!(waiting[0]["hunks"][0]["state"], "conflict");
}

#[test]
fn a_refused_reply_goes_back_with_the_reason_at_most_twice() {
    let model = FakeModel::start();
    model.say(Script::text(&block("    depth * height", "    1")));
    model.say(Script::text(&block(
        "    width * height",
        "    width * (height",
    )));
    model.say(Script::text(&good_reply()));
    let mut client = opened(&model, Client::builder());
    let job = client.start_job("pleach.rewrite", rewrite());
    let first = model.request();
    let second = model.request();
    let third = model.request();
    let count = |body: &Value| body["messages"].as_array().unwrap().len();
    assert!(count(&first) < count(&second) && count(&second) < count(&third));
    let last = |body: &Value| {
        body["messages"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .to_string()
    };
    // The closest real line goes back, and what is wrong with the syntax.
    assert!(
        last(&second).contains("width * height"),
        "{}",
        last(&second)
    );
    assert!(last(&third).contains('('), "{}", last(&third));
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(client.text(FILE), rewritten());

    for _ in 0..3 {
        model.say(Script::text(&block("    depth * height", "    1")));
    }
    client.set_text(FILE, CODE);
    let job = client.start_job("pleach.rewrite", rewrite());
    asked(&model, 3);
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["code"]),
        (&json!("failed"), &json!("not_found")),
        "{end}"
    );
    assert!(end["kept"].is_string());
    assert_eq!(client.text(FILE), CODE);
}

#[test]
fn what_a_provider_does_wrong_is_told_with_the_next_step() {
    let complaint = format!("Incorrect API key provided: {}.", FakeModel::KEY);
    let unauthorized = json!({"error": {"message": complaint}});
    // Not the key that is set here, but one that a proxy in between has added.
    let of_another =
        json!({"error": {"message": "Incorrect API key provided: sk-proxy-5678-abcd."}});
    let scripts: [(Script, &str); 6] = [
        (Script::error(401, &unauthorized), "401"),
        (Script::error(401, &of_another), "another's key"),
        (
            Script::default().piece(&good_reply()).end("taking_a_break"),
            "an end that nobody knows",
        ),
        (
            Script::error(400, &json!({"error": {"message": "no such model"}})),
            "400",
        ),
        (Script::default().piece("Here it").cut(), "broken off"),
        (
            Script::default().piece(&good_reply()[..60]).end("length"),
            "length",
        ),
    ];
    for (script, name) in scripts {
        let model = FakeModel::start();
        model.say(script);
        let mut client = opened(&model, Client::builder());
        let job = client.start_job("pleach.rewrite", rewrite());
        let end = client.job_end(job);
        assert_eq!(end["kind"], "failed", "{name}: {end}");
        // What had come is kept, whatever was wrong with it.
        let begun = client
            .job_events(job)
            .iter()
            .any(|event| event["kind"] == "text");
        assert_eq!(end["kept"].is_string(), begun, "{name}: {end}");
        assert!(
            end["message"]
                .as_str()
                .is_some_and(|message| message.len() > 10),
            "{end}"
        );
        assert!(
            end["next"].as_str().is_some_and(|next| next.len() > 5),
            "{end}"
        );
        assert_eq!(client.text(FILE), CODE);
        assert!(client.said("workspace/applyEdit").is_empty(), "{name}");
        client.progress_end(job);
        for (side, message) in client.transcript() {
            let is_ours = *side == Side::Server;
            let message = message.to_string();
            for secret in [FakeModel::KEY, "sk-proxy-5678"] {
                assert!(!(is_ours && message.contains(secret)), "{message}");
            }
        }
    }
}

#[test]
fn a_provider_that_is_not_there_is_told() {
    let settings = "engine = \"gone\"\n[providers.gone]\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n";
    let mut client = Client::builder()
        .user_settings(settings)
        .opened(FILE, CODE)
        .start();
    let job = client.start_job("pleach.rewrite", rewrite());
    let end = client.job_end(job);
    assert_eq!(end["kind"], "failed", "{end}");
    assert!(
        end["message"].as_str().unwrap().contains("127.0.0.1:1"),
        "{end}"
    );
}

#[test]
fn a_session_ends_while_a_job_waits() {
    for polite in [true, false] {
        let model = FakeModel::start();
        model.say(Script::default().piece("Here").hang());
        let mut client = opened(&model, Client::builder());
        client.start_job("pleach.rewrite", rewrite());
        client.notification_where("pleach/job", |event| event["kind"] == "text");
        let begun = Instant::now();
        if polite {
            client.request("shutdown", Value::Null).unwrap();
            client.notify("exit", Value::Null);
        } else {
            client.close_input();
        }
        assert_eq!(client.exit_code(), Some(i32::from(!polite)));
        model.closed();
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn a_client_that_never_answers_is_served() {
    let model = FakeModel::start();
    model.say(Script::text(&good_reply()));
    let mut client = opened(&model, Client::builder());
    client.ignore("window/workDoneProgress/create");
    client.ignore("client/registerCapability");
    let job = client.start_job("pleach.rewrite", rewrite());
    assert_eq!(client.job_end(job)["kind"], "finished");
    assert_eq!(client.text(FILE), rewritten());
    client.sync();
    // A token that the client has not accepted is not used.
    assert!(client.progress(job).is_empty());
    // Nor does an edit that is never answered hold up anything else.
    client.set_text(FILE, CODE);
    client.on_edits(EditPolicy::Hold);
    model.say(Script::text(&good_reply()));
    client.start_job("pleach.rewrite", rewrite());
    client.held();
    client.replace(FILE, "    1", "    2");
    assert_eq!(client.server_text(FILE), CODE.replace("    1", "    2"));
}

#[test]
fn a_document_closed_meanwhile_is_written_on_disk() {
    let model = FakeModel::start();
    let (script, open) = Script::default().piece("Here").gate();
    model.say(script.piece(&good_reply()[4..]).end("stop"));
    let mut client = opened(&model, Client::builder());
    let job = client.start_job("pleach.rewrite", rewrite());
    client.notification_where("pleach/job", |event| event["kind"] == "text");
    client.close(FILE);
    open.send(()).unwrap();
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert_eq!(client.on_disk(FILE), rewritten());
    assert!(client.said("workspace/applyEdit").is_empty());
}

#[test]
fn two_jobs_in_one_document_both_land() {
    let model = FakeModel::start();
    let (first, open_first) = Script::default().gate();
    let (second, open_second) = Script::default().gate();
    model.say(first.piece(&good_reply()).end("stop"));
    let mut client = opened(&model, Client::builder());
    let one = client.start_job("pleach.rewrite", rewrite());
    asked(&model, 1);
    model.say(second.piece(&block("    1\n}", "    1 + 1\n}")).end("stop"));
    let other = client.start_job(
        "pleach.rewrite",
        json!({"path": FILE, "line": 6, "instruction": "add"}),
    );
    asked(&model, 1);
    open_second.send(()).unwrap();
    assert_eq!(client.job_end(other)["kind"], "finished");
    open_first.send(()).unwrap();
    assert_eq!(client.job_end(one)["kind"], "finished");
    assert_eq!(
        client.text(FILE),
        rewritten().replace("    1\n", "    1 + 1\n")
    );
    assert!(matches!(model.next(), Seen::Answered));
}

#[test]
fn a_new_file_is_created_and_can_be_undone() {
    for personality in Personality::ALL {
        let model = FakeModel::start();
        let reply = "src/new.rs\n<<<<<<< SEARCH\n=======\npub fn new() {}\n>>>>>>> REPLACE\n";
        model.say(Script::text(reply));
        let mut client = opened(&model, Client::builder().editor(personality));
        let job = client.start_job("pleach.rewrite", rewrite());
        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        assert_eq!(
            client.text("src/new.rs"),
            "pub fn new() {}\n",
            "{personality:?}"
        );
        assert_eq!(client.text(FILE), CODE);
        let undone = client.start_job("pleach.undo", Value::Null);
        let end = client.job_end(undone);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        assert!(!client.root().join("src/new.rs").exists());
    }
}

/// Asks for an explanation and returns the file that holds it.
fn explained(client: &mut Client, model: &FakeModel) -> String {
    model.say(Script::text("It multiplies."));
    let place = client.cursor_at(FILE, "width * height");
    let job = client.choose_job(FILE, &place, "pleach.explain");
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["landed"]),
        (&json!("finished"), &json!(false)),
        "{end}"
    );
    assert!(client.said("workspace/applyEdit").is_empty());
    assert_eq!(client.text(FILE), CODE);
    let file = end["answer"].as_str().unwrap().to_owned();
    let answer = std::fs::read_to_string(&file).unwrap();
    assert!(answer.contains("It multiplies."), "{answer}");
    file
}

#[test]
fn an_explanation_is_shown_and_changes_nothing() {
    for personality in Personality::ALL {
        let model = FakeModel::start();
        let mut client = opened(&model, Client::builder().editor(personality));
        let file = explained(&mut client, &model);
        client.sync();
        let [shown] = &client.said("window/showDocument")[..] else {
            panic!("{personality:?}: it is shown once")
        };
        let uri = shown["uri"].as_str().unwrap();
        assert_eq!(pleach_tests::client::path_of(uri).to_str(), Some(&*file));
        assert_eq!(shown["takeFocus"], false, "the code stays in view");
    }
}

#[test]
fn where_an_explanation_cannot_be_shown_its_file_is_named() {
    let unable =
        || Client::builder().initialize_with("/capabilities/window/showDocument", json!(null));
    for (builder, refuses) in [(unable(), false), (Client::builder(), true)] {
        let model = FakeModel::start();
        let mut client = opened(&model, builder);
        if refuses {
            client.refuse("window/showDocument");
        }
        let file = explained(&mut client, &model);
        let told = client.notification("window/showMessage");
        assert_eq!(told["type"], 3);
        assert!(told["message"].as_str().unwrap().contains(&file), "{told}");
    }
}

#[test]
fn what_may_not_be_edited_is_at_most_explained() {
    let model = FakeModel::start();
    let mut client = opened(&model, Client::builder());
    let start = json!({"line": 0, "character": 0});
    let range = json!({"start": start, "end": start});
    for (path, expected) in [
        (
            ".github/workflows/ci.yml",
            &[
                "Explain this",
                "Review this file",
                "Review what has changed since the last commit",
            ][..],
        ),
        (".env", &[]),
        ("../outside.rs", &[]),
    ] {
        let uri = client.uri(path).replace("workspace/../", "");
        client.open_as(&uri, "plaintext", "# TODO: ai: write this\n");
        let actions = client.actions(&uri, &range);
        let titles: Vec<&str> = actions
            .iter()
            .map(|action| action["title"].as_str().unwrap())
            .collect();
        assert_eq!(titles, expected, "{path}");
    }
}
