//! Plans: made without a model, understood while they are typed, run step by step, in every editor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Client, Personality};
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const PLAN: &str = ".pleach/plans/p.md";

const CODE: &str = "\
pub fn area(width: u32, height: u32) -> u32 {
    width * height
}

// TODO: refuse what has no area
pub fn volume(width: u32, height: u32, depth: u32) -> u32 {
    area(width, height) * depth
}
";

/// A plan of these steps, each a title and its fields.
fn plan(steps: &[(&str, &[&str])]) -> String {
    let mut text = "# A plan\n\nProse – 𝄞 – of the person.\n\n## Steps\n\n".to_owned();
    for (number, (title, fields)) in (1..).zip(steps) {
        text = format!("{text}{number}. [ ] {title}\n");
        for field in *fields {
            text = format!("{text}   - {field}\n");
        }
        text.push_str("\n   Words about it.\n\n");
    }
    text
}

/// The steps' boxes.
fn boxes(text: &str) -> String {
    let heads = text.lines().filter_map(|line| line.split_once(". ["));
    heads
        .map(|(_, rest)| rest.chars().next().unwrap())
        .collect()
}

const DOCUMENT: [&str; 4] = [
    "role: documenter",
    "files: `src/lib.rs`",
    "at: `area`",
    "check: `area` has a doc comment",
];

/// Runs what `argument` says, and waits for the end of the run.
fn run(client: &mut Client, argument: Value) -> Value {
    let job = client.start_job("pleach.plan.run", argument);
    client.job_end(job)
}

/// Waits until the boxes of an open plan are these.
fn await_boxes(client: &mut Client, wanted: &str) {
    client.wait_until(&format!("the boxes {wanted}"), |client| {
        boxes(&client.text(PLAN)) == wanted
    });
}

#[test]
fn a_plan_is_made_of_what_a_file_lacks_and_run_in_every_editor() {
    for personality in Personality::ALL {
        let mut client = Client::builder()
            .editor(personality)
            .opened(FILE, CODE)
            .start();
        let top = json!({"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 0}});
        let offered = client.actions(FILE, &top);
        let offered = offered
            .iter()
            .find(|action| action["title"] == "Plan: document this file")
            .unwrap_or_else(|| panic!("{personality:?}: {offered:#?}"));
        let job = client.pick(offered).unwrap()["job"].as_u64().unwrap();
        let end = client.job_end(job);
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        let path = ".pleach/plans/document-src-lib-rs.md";
        let uri = client.uri(path);
        if client.is_open(path) {
            client.save(path);
            client.close(path);
        }
        let made = client.on_disk(path);
        assert_eq!(boxes(&made), "  ", "{made}");
        assert!(made.contains("check: `area` has a doc comment"), "{made}");

        client.open(path);
        let end = run(&mut client, json!({"uri": uri, "all": true}));
        assert_eq!(end["kind"], "finished", "{personality:?}: {end}");
        client.wait_until("both are ticked", |client| {
            boxes(&client.text(path)) == "xx"
        });
        assert_eq!(
            client.text(path),
            made.replace("[ ]", "[x]"),
            "{personality:?}"
        );
        let text = client.text(FILE);
        assert!(text.matches("///").count() > 1, "{text}");
        client.assert_in_step(path);
        client.assert_in_step(FILE);
    }
}

#[test]
fn a_plan_of_the_comments_of_the_workspace_needs_no_model() {
    let mut client = Client::builder()
        .file("src/a.py", "# FIXME(ann): say more\nx = 1\n")
        .file("src/b.rs", "// nothing here: TODOs are words\n")
        .opened(FILE, CODE)
        .start();
    let job = client.start_job("pleach.plan", json!("plan from the TODOs"));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    let path = ".pleach/plans/what-is-left-to-do.md";
    let made = if client.is_open(path) {
        client.text(path)
    } else {
        client.on_disk(path)
    };
    assert!(made.contains("1. [ ] say more"), "{made}");
    assert!(made.contains("2. [ ] refuse what has no area"), "{made}");
    assert!(
        made.contains("check: `TODO: refuse what has no area` is gone"),
        "{made}"
    );
}

#[test]
fn what_only_a_model_can_plan_says_so() {
    let mut client = Client::builder().opened(FILE, CODE).start();
    let job = client.start_job("pleach.plan", json!({"goal": "support triangles"}));
    let end = client.job_end(job);
    assert_eq!(
        (&end["kind"], &end["code"]),
        (&json!("failed"), &json!("needs-model"))
    );
    assert!(end["next"].as_str().unwrap().contains("todos"), "{end}");
    let refused = client.execute("pleach.plan", json!({})).unwrap_err();
    assert_eq!(refused["data"]["code"], "no-goal");
}

#[test]
fn steps_run_in_the_order_that_they_depend_on_and_typing_stays() {
    let text = plan(&[
        (
            "Document area",
            &[
                "role: documenter",
                "files: src/lib.rs",
                "at: area",
                "after: 2",
                "check: `area` has a doc comment",
            ],
        ),
        (
            "Document volume",
            &[
                "role: documenter",
                "files: src/lib.rs",
                "at: volume",
                "check: `volume` has a doc comment",
            ],
        ),
        (
            "Look at it",
            &[
                "files: src/lib.rs",
                "role: documenter",
                "at: area",
                "after: 1",
                "check: it reads well",
            ],
        ),
    ]);
    let mut client = Client::builder()
        .file(PLAN, &text)
        .opened(FILE, CODE)
        .start();
    client.open(PLAN);
    let job = client.start_job("pleach.plan.run", json!({"path": PLAN, "all": true}));
    // Somebody goes on writing while it runs.
    client.replace(PLAN, "Prose", "More prose");
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    await_boxes(&mut client, "xx!");
    let now = client.text(PLAN);
    assert!(now.contains("More prose – 𝄞 – of the person."), "{now}");
    let without_result: Vec<&str> = now
        .lines()
        .filter(|line| !line.contains("- result:"))
        .collect();
    let wanted = text
        .replace("Prose", "More prose")
        .replacen("[ ]", "[x]", 2)
        .replace("[ ]", "[!]");
    assert_eq!(without_result, wanted.lines().collect::<Vec<_>>());
    client.assert_in_step(PLAN);
    // Each step is an edit of its own in the history, in the order of the run.
    let history = client.execute("pleach.history", json!({})).unwrap();
    let titles: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["title"].as_str().unwrap())
        .collect();
    assert_eq!(
        titles,
        [
            "p.md, step 1: Document area",
            "p.md, step 2: Document volume"
        ]
    );
}

#[test]
fn a_closed_plan_is_run_and_written_by_path_and_number() {
    let text = plan(&[("Document area", &DOCUMENT)]);
    let mut client = Client::builder()
        .editor(Personality::Helix)
        .file(PLAN, &text)
        .opened(FILE, CODE)
        .start();
    let end = run(&mut client, json!(format!("{PLAN} 1")));
    assert_eq!(end["kind"], "finished", "{end}");
    assert_eq!(client.on_disk(PLAN), text.replace("[ ]", "[x]"));
    // And taken back: nothing that landed is left, and the box is empty.
    let job = client.start_job("pleach.plan.undo", json!({"path": PLAN, "step": 1}));
    client.job_end(job);
    assert_eq!(client.text(FILE), CODE);
    let end = run(&mut client, json!({"path": PLAN, "all": true}));
    assert!(end["summary"].as_str().unwrap().contains("1 done"), "{end}");
    assert_eq!(client.on_disk(PLAN), text.replace("[ ]", "[x]"));
}

#[test]
fn a_step_that_fails_stops_what_depends_on_it_and_is_taken_up_later() {
    let text = plan(&[
        (
            "Document nothing",
            &[
                "role: documenter",
                "files: `src/lib.rs`",
                "at: `gone`",
                "check: it is there",
            ],
        ),
        (
            "Document area",
            &[
                "role: documenter",
                "files: `src/lib.rs`",
                "at: `area`",
                "after: 1",
                "check: `area` has a doc comment",
            ],
        ),
        (
            "Document volume",
            &[
                "role: documenter",
                "files: `src/lib.rs`",
                "at: `volume`",
                "check: `volume` has a doc comment",
            ],
        ),
    ]);
    let mut client = Client::builder()
        .file(PLAN, &text)
        .opened(FILE, CODE)
        .start();
    client.open(PLAN);
    let end = run(&mut client, json!({"path": PLAN, "all": true}));
    assert!(
        end["summary"]
            .as_str()
            .unwrap()
            .contains("1 done, 1 failed"),
        "{end}"
    );
    await_boxes(&mut client, "! x");
    assert!(
        client
            .text(PLAN)
            .contains("- result: `gone` is not in `src/lib.rs`"),
        "{}",
        client.text(PLAN)
    );
    let problems = client.notification_where("textDocument/publishDiagnostics", |params| {
        params["uri"].as_str().unwrap().ends_with("p.md")
            && params["diagnostics"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["code"] == "blocked")
    });
    assert_eq!(problems["diagnostics"][0]["code"], "failed", "{problems}");
    // A step that comes after another cannot be run before it.
    let end = run(&mut client, json!({"path": PLAN, "step": 2}));
    assert_eq!(end["kind"], "failed", "{end}");
    // Mended, the run goes on from there.
    client.replace(PLAN, "- at: `gone`", "- at: `area`");
    client
        .execute("pleach.plan.skip", json!({"path": PLAN, "step": 1}))
        .unwrap();
    await_boxes(&mut client, "- x");
    let end = run(&mut client, json!({"path": PLAN, "all": true}));
    assert_eq!(end["kind"], "finished", "{end}");
    await_boxes(&mut client, "-xx");
    assert!(!client.text(PLAN).contains("- result:"));
}

#[test]
fn a_step_is_undone_and_open_again() {
    let text = plan(&[("Document area", &DOCUMENT)]);
    let mut client = Client::builder()
        .file(PLAN, &text)
        .opened(FILE, CODE)
        .start();
    client.open(PLAN);
    run(&mut client, json!({"path": PLAN, "step": 1}));
    await_boxes(&mut client, "x");
    assert_ne!(client.text(FILE), CODE);
    let place = client.cursor_at(PLAN, "Document area");
    client.choose(PLAN, &place, "pleach.plan.undo");
    await_boxes(&mut client, " ");
    assert_eq!(client.text(FILE), CODE);
    assert_eq!(client.text(PLAN), text);
}

#[test]
fn a_command_of_a_check_runs_only_when_it_is_allowed() {
    let check = |command: &str| {
        plan(&[(
            "Document area",
            &[
                "role: documenter",
                "files: src/lib.rs",
                "at: area",
                &format!("check: `{command}`"),
            ],
        )])
    };
    // Not asked, because this editor cannot: the step waits.
    let mut client = Client::builder()
        .editor(Personality::HelixRelease)
        // Where a sandbox holds commands, they write what builds write and nothing else.
        .file("Cargo.toml", "")
        .file("target/CACHEDIR.TAG", "")
        .file(PLAN, &check("touch target/ran"))
        .opened(FILE, CODE)
        .start();
    client.open(PLAN);
    run(&mut client, json!({"path": PLAN, "step": 1}));
    await_boxes(&mut client, "?");
    assert!(
        client.text(PLAN).contains("was not allowed to run"),
        "{}",
        client.text(PLAN)
    );
    assert!(!client.root().join("target/ran").exists());
    // Run again, it is only checked again.
    let landed = client.text(FILE);
    run(&mut client, json!({"path": PLAN, "step": 1, "allow": true}));
    await_boxes(&mut client, "x");
    assert!(client.root().join("target/ran").exists());
    assert_eq!(client.text(FILE), landed);
    drop(client);

    // The user's settings allow it; and what fails is told with its last words.
    let mut client = Client::builder()
        .user_settings("[commands]\nallow = [\"ls\"]\n")
        .file(PLAN, &check("ls no-such-file"))
        .opened(FILE, CODE)
        .start();
    client.open(PLAN);
    run(&mut client, json!({"path": PLAN, "step": 1}));
    await_boxes(&mut client, "!");
    let text = client.text(PLAN);
    assert!(
        text.contains("- result: `ls no-such-file` ended with"),
        "{text}"
    );
    assert!(
        text.contains("no-such-file'") || text.contains("No such file"),
        "{text}"
    );
}

#[test]
fn a_person_is_asked_whether_a_check_may_run() {
    for (answer, wanted) in [(Some("Run it"), "x"), (None, "?")] {
        let text = plan(&[(
            "Document area",
            &[
                "role: documenter",
                "files: src/lib.rs",
                "at: area",
                "check: `true`",
            ],
        )]);
        let mut client = Client::builder()
            .file(PLAN, &text)
            .opened(FILE, CODE)
            .start();
        client.open(PLAN);
        if let Some(title) = answer {
            client.will_choose(title);
        }
        run(&mut client, json!({"path": PLAN, "step": 1}));
        await_boxes(&mut client, wanted);
        let asked = client.said("window/showMessageRequest");
        assert!(
            asked[0]["message"].as_str().unwrap().contains("`true`"),
            "{asked:?}"
        );
    }
}

#[test]
fn a_plan_that_is_typed_is_understood_as_far_as_it_goes() {
    let mut client = Client::builder().opened(PLAN, "").file(FILE, CODE).start();
    let problems = |client: &mut Client, code: &str| {
        client.notification_where("textDocument/publishDiagnostics", |params| {
            params["diagnostics"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["code"] == code)
        })
    };
    problems(&mut client, "no-steps");
    client.set_text(PLAN, "# P\n\n## Steps\n\n1. [ ] a\n   - files: src/none.rs\n   - after: 2\n2. [ ] b\n   - after: 1\n   ```sh\n");
    let found = problems(&mut client, "cycle");
    let codes: Vec<&str> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "no-check",
            "unknown-file",
            "cycle",
            "no-check",
            "cycle",
            "no-end"
        ]
    );

    let uri = client.uri(PLAN);
    let document = json!({"textDocument": {"uri": uri}});
    let symbols = client
        .request("textDocument/documentSymbol", document.clone())
        .unwrap();
    assert_eq!(symbols[0]["name"], "Steps");
    assert_eq!(symbols[0]["children"][1]["name"], "2. b");
    let folds = client
        .request("textDocument/foldingRange", document.clone())
        .unwrap();
    assert!(
        folds
            .as_array()
            .unwrap()
            .contains(&json!({"startLine": 4, "endLine": 6})),
        "{folds}"
    );
    let hover = json!({"textDocument": {"uri": uri}, "position": {"line": 5, "character": 3}});
    let hover = client.request("textDocument/hover", hover).unwrap();
    let about = hover["contents"]["value"].as_str().unwrap();
    assert!(
        about.contains("**Step 1: a**") && about.contains("waits for step 2 (to do)"),
        "{about}"
    );
    let lenses = client.request("textDocument/codeLens", document).unwrap();
    let titles: Vec<&str> = lenses
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["command"]["title"].as_str().unwrap())
        .collect();
    assert_eq!(
        titles,
        ["Mark done", "Skip", "Mark done", "Skip"],
        "neither can begin"
    );
    // About other documents there is nothing to say.
    client.open(FILE);
    let other = json!({"textDocument": {"uri": client.uri(FILE)}});
    assert_eq!(
        client.request("textDocument/documentSymbol", other),
        Ok(Value::Null)
    );
    client.set_text(PLAN, "# P\n");
    problems(&mut client, "no-steps");
}

#[test]
fn a_run_that_is_cancelled_goes_on_later() {
    let model = FakeModel::start();
    let text = plan(&[
        ("Say one", &["files: src/one.rs", "check: `x` is gone"]),
        (
            "Say two",
            &["files: src/two.rs", "check: `x` is gone", "after: 1"],
        ),
    ]);
    let mut client = Client::builder()
        .model(&model)
        .file("src/one.rs", "fn x() {}\n")
        .file("src/two.rs", "fn x() {}\n")
        .opened(PLAN, &text)
        .start();
    model.say(Script::text(&search_replace(
        "src/one.rs",
        "fn x() {}",
        "fn one() {}",
    )));
    model.say(Script::default().piece("I begin").hang());
    let job = client.start_job("pleach.plan.run", json!({"path": PLAN, "all": true}));
    await_boxes(&mut client, "x~");
    let asked = [model.request(), model.request()].map(|request| request.to_string());
    assert!(
        asked[0].contains("Say one") && asked[1].contains("Say two"),
        "{asked:?}"
    );
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap();
    await_boxes(&mut client, "x ");
    client.progress_end(job);
    assert_eq!(client.on_disk("src/two.rs"), "fn x() {}\n");
    // The next run begins with the first step that is not done.
    model.say(Script::text(&search_replace(
        "src/two.rs",
        "fn x() {}",
        "fn two() {}",
    )));
    let end = run(&mut client, json!({"path": PLAN, "all": true}));
    assert_eq!(end["kind"], "finished", "{end}");
    await_boxes(&mut client, "xx");
}

#[test]
fn steps_on_files_of_their_own_run_at_the_same_time() {
    let model = FakeModel::start();
    let text = plan(&[
        ("Say one", &["files: src/one.rs", "check: `x` is gone"]),
        ("Say two", &["files: src/two.rs", "check: `x` is gone"]),
        (
            "Say one more",
            &["files: src/one.rs", "check: `one` is gone", "after: 1"],
        ),
    ]);
    let mut client = Client::builder()
        .model(&model)
        .file("src/one.rs", "fn x() {}\n")
        .file("src/two.rs", "fn x() {}\n")
        .opened(PLAN, &text)
        .start();
    // Neither answers before both are asked.
    model.say(Script::default().piece("I begin").hang());
    model.say(Script::default().piece("I begin").hang());
    let job = client.start_job("pleach.plan.run", json!({"path": PLAN, "all": true}));
    await_boxes(&mut client, "~~ ");
    let asked = [model.request(), model.request()].map(|request| request.to_string());
    assert_ne!(
        asked[0].contains("Say one"),
        asked[1].contains("Say one"),
        "{asked:?}"
    );
    client
        .execute("pleach.cancel", json!({"job": job}))
        .unwrap();
    await_boxes(&mut client, "   ");
}

#[test]
fn what_is_kept_back_does_not_go_along_with_a_step() {
    let model = FakeModel::start();
    model.say(Script::text("I cannot."));
    let fields = [
        "files: src/lib.rs, private/prices.rs, src/shown.rs",
        "check: it is good",
    ];
    let mut client = Client::builder()
        .model(&model)
        .file(".pleachignore", "private/\n")
        .file("private/prices.rs", "const KEPT_BACK: u32 = 7;\n")
        .file("src/shown.rs", "const SHOWN: u32 = 7;\n")
        .file(FILE, CODE)
        .opened(PLAN, &plan(&[("Use the prices", &fields)]))
        .start();
    client.start_job("pleach.plan.run", json!({"path": PLAN, "step": 1}));
    let asked = model.request().to_string();
    assert!(
        asked.contains("const SHOWN") && !asked.contains("KEPT_BACK"),
        "{asked}"
    );
    assert!(
        asked.contains("private/prices.rs, which is not sent: a .pleachignore keeps it back"),
        "{asked}"
    );
}

#[test]
fn a_run_that_was_killed_goes_on_with_the_first_step_that_is_not_done() {
    let model = FakeModel::start();
    let text = plan(&[
        ("Say one", &["files: src/one.rs", "check: `x` is gone"]),
        (
            "Say two",
            &["files: src/two.rs", "check: `x` is gone", "after: 1"],
        ),
    ]);
    let mut client = Client::builder()
        .model(&model)
        .file("src/one.rs", "fn x() {}\n")
        .file("src/two.rs", "fn x() {}\n")
        .file(PLAN, &text)
        .start();
    model.say(Script::text(&search_replace(
        "src/one.rs",
        "fn x() {}",
        "fn one() {}",
    )));
    model.say(Script::default().piece("I begin").hang());
    client.start_job("pleach.plan.run", json!({"path": PLAN, "all": true}));
    let _both = [model.request(), model.request()];
    // The tick of the first step is written beside the second one.
    while !boxes(&client.on_disk(PLAN)).starts_with('x') {
        client.sync();
    }
    let mut client = client.restart_after_kill();
    assert!(
        boxes(&client.on_disk(PLAN)).starts_with('x'),
        "{}",
        client.on_disk(PLAN)
    );
    model.say(Script::text(&search_replace(
        "src/two.rs",
        "fn x() {}",
        "fn two() {}",
    )));
    let end = run(&mut client, json!({"path": PLAN, "all": true}));
    assert!(
        end["summary"]
            .as_str()
            .unwrap()
            .contains("2 of 2 steps are settled"),
        "{end}"
    );
    assert_eq!(boxes(&client.on_disk(PLAN)), "xx");
}
