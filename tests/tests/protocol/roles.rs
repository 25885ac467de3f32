//! Roles and actions in files: what they change, what a workspace cannot, and what would be sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Client, Personality, path_of};
use pleach_tests::fake_model::{FakeModel, Flavour, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const FILE: &str = "src/lib.rs";
const CODE: &str = "\
pub fn area(width: u32, height: u32) -> u32 {
    width * height
}
";

/// The settings of a model that may call tools.
fn settings(model: &FakeModel) -> String {
    format!("{}tools = true\n", model.settings())
}

fn tools_of(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn an_action_of_the_workspace_is_in_the_menu_and_its_role_carries_it_out() {
    let model = FakeModel::start();
    model.say(Script::text(&search_replace(
        FILE,
        "    width * height",
        "    width.saturating_mul(height)",
    )));
    let mut client = Client::builder()
        .model(&model)
        .user_settings(&settings(&model))
        .file(
            ".pleach/actions/saturate.md",
            "---\ntitle: Never overflow\nrole: careful\nlanguages: rust\n---\nMake `{{ symbol }}` in {{ path }} saturate.\n",
        )
        .file(
            ".pleach/actions/indent.md",
            "---\ntitle: Only Python\nlanguages: python\n---\nIndent.\n",
        )
        .file(
            ".pleach/roles/careful.md",
            "---\ntools: read_file, search\n---\nYou are careful with {{ language }}.\n",
        )
        .opened(FILE, CODE)
        .start();
    let at = client.cursor_at(FILE, "area");
    let listed = client.actions(FILE, &at);
    let titled = |title: &str| listed.iter().find(|it| it["title"] == title);
    assert!(titled("Only Python").is_none());
    let action = titled("Never overflow").unwrap().clone();
    assert_eq!(action["kind"], "refactor.rewrite.pleach");
    let job = client.pick(&action).unwrap()["job"].as_u64().unwrap();
    let asked = model.request();
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    assert!(client.text(FILE).contains("saturating_mul"));
    let orders = asked["messages"][0]["content"].as_str().unwrap();
    assert!(orders.starts_with("You are careful with Rust."), "{orders}");
    assert!(orders.contains("<<<<<<< SEARCH"), "{orders}");
    let wish = asked["messages"][1]["content"].as_str().unwrap();
    assert!(
        wish.contains("Make `area` in src/lib.rs saturate."),
        "{wish}"
    );
    assert_eq!(tools_of(&asked), ["read_file", "search"]);
    // By name, and not in other documents' languages only.
    let wrong = client
        .execute("pleach.action", json!("nothing"))
        .unwrap_err();
    assert_eq!(wrong["data"]["code"], "no-action", "{wrong}");
}

#[test]
fn a_workspace_cannot_give_a_role_more_than_the_person_allows() {
    let model = FakeModel::start();
    let flavour = Flavour::Chat;
    let run = flavour.call(flavour.begin(), "run_command", &json!({"argv": ["true"]}));
    model.say(flavour.end(run));
    model.say(flavour.text("It multiplies."));
    let everything =
        "---\ntools: read_file, propose_edit, run_command\noutput: edits\n---\nDo it.\n";
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .model(&model)
        .user_settings(&format!(
            "{}[commands]\nallow = ['true']\n",
            settings(&model)
        ))
        .file(".pleach/roles/reviewer.md", everything)
        .opened(FILE, CODE)
        .start();
    let uri = client.uri(".pleach/roles/reviewer.md");
    let wrong = client.notification_where("textDocument/publishDiagnostics", |params| {
        params["uri"] == uri.as_str()
    });
    let told = wrong["diagnostics"].to_string();
    assert!(
        told.contains("a workspace cannot give `run_command` to this role"),
        "{told}"
    );
    let job = client.start_job("pleach.explain", json!({"path": FILE, "line": 1}));
    let asked = model.request();
    assert_eq!(tools_of(&asked), ["read_file"]);
    assert!(
        model
            .request()
            .to_string()
            .contains("error tool-not-allowed")
    );
    assert_eq!(client.job_end(job)["landed"], false);
    assert_eq!(client.text(FILE), CODE);
}

#[test]
fn what_is_wrong_in_a_role_is_shown_in_it_until_it_is_right() {
    let file = ".pleach/roles/tester.md";
    let model = FakeModel::start();
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .model(&model)
        .opened(file, "---\ntools: search\n---\nTest\n{{ langauge }}.\n")
        .file(FILE, CODE)
        .start();
    let uri = client.uri(file);
    let shown = |client: &mut Client, count: usize| {
        client.notification_where("textDocument/publishDiagnostics", |params| {
            params["uri"] == uri.as_str()
                && params["diagnostics"].as_array().unwrap().len() == count
        })
    };
    let wrong = shown(&mut client, 1);
    assert_eq!(wrong["diagnostics"][0]["range"]["start"]["line"], 4);
    assert_eq!(wrong["diagnostics"][0]["severity"], 1);
    let message = wrong["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.contains("there is no `langauge` here"), "{message}");
    client.replace(file, "langauge", "language");
    shown(&mut client, 0);
    client.save(file);
    client.open(FILE);
    // Reading takes place beside the loop: asked until it shows.
    let mut asked = String::new();
    for _ in 0..20 {
        model.say(Script::text("No test is needed."));
        let job = client.start_job("pleach.test", json!({"path": FILE, "line": 1}));
        asked = model.request().to_string();
        client.job_end(job);
        if asked.contains("Test\\nRust.") {
            return;
        }
    }
    panic!("{asked}");
}

#[test]
fn what_is_wrong_in_a_role_goes_with_its_file() {
    let wrong = ".pleach/roles/wrong.md";
    let right = ".pleach/roles/right.md";
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .file(wrong, "---\ntools: nothing\n---\nTest.\n")
        .opened(right, "---\ntools: search\n---\nTest.\n")
        .start();
    let uri = client.uri(wrong);
    let shown = |client: &mut Client, is_wrong: bool| {
        client.notification_where("textDocument/publishDiagnostics", |params| {
            params["uri"] == uri.as_str()
                && params["diagnostics"].as_array().unwrap().is_empty() != is_wrong
        });
    };
    shown(&mut client, true);
    std::fs::remove_file(client.root().join(wrong)).unwrap();
    client.save(right);
    shown(&mut client, false);
}

#[test]
fn an_action_that_answers_needs_a_model_that_reads_and_no_other() {
    let model = FakeModel::start();
    let settings = model.settings();
    let reader = settings.replace("[providers", "[models]\nreviewer = \"fake\"\n\n[providers");
    let reader = reader.replace("engine = \"fake\"\n", "");
    let mut client = Client::builder()
        .user_settings(&reader)
        .file(
            ".pleach/roles/judge.md",
            "---\noutput: answer\n---\nYou judge.\n",
        )
        .file(
            ".pleach/actions/judge.md",
            "---\ntitle: Judge this\nrole: judge\n---\nJudge.\n",
        )
        .file(
            ".pleach/actions/indent.md",
            "---\ntitle: Indent this\n---\nIndent.\n",
        )
        .opened(FILE, CODE)
        .start();
    let at = client.cursor_at(FILE, "area");
    let listed = client.actions(FILE, &at);
    let has = |title: &str| listed.iter().any(|it| it["title"] == title);
    assert!(has("Judge this"), "{listed:?}");
    assert!(!has("Indent this"), "{listed:?}");
}

#[test]
fn what_would_be_sent_is_shown_to_the_word() {
    let model = FakeModel::start();
    let code = format!("{CODE}// password = 'hunter2-and-more!'\n");
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .model(&model)
        .user_settings(&settings(&model))
        .file("AGENTS.md", "Use tabs.\n")
        .opened(FILE, &code)
        .start();
    let place = json!({"path": FILE, "line": 1});
    let mut wish = place.clone();
    wish["command"] = json!("pleach.document");
    client.execute("pleach.previewPrompt", wish).unwrap();
    client.wait_until("the page is shown", |client| {
        !client.said("window/showDocument").is_empty()
    });
    assert_eq!(model.requests_seen(), 0);
    let uri = client.said("window/showDocument")[0]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = std::fs::read_to_string(path_of(&uri)).unwrap();
    assert!(
        page.starts_with(
            "# What would be sent: Document\n\nNothing was sent. It would go to `fake`"
        ),
        "{page}"
    );
    assert!(page.contains(" tokens, cost unknown."), "{page}");
    assert!(page.contains("One secret is hidden"), "{page}");
    assert!(page.contains("## The tool `propose_edit`"), "{page}");
    // And that is what is sent.
    model.say(Script::text("Nothing to say."));
    let job = client.start_job("pleach.document", place);
    let asked = model.request();
    client.job_end(job);
    for message in [0, 1] {
        let text = asked["messages"][message]["content"].as_str().unwrap();
        assert!(page.contains(text.trim_end()), "{text}\nis not in\n{page}");
    }
    let wrong = client.execute("pleach.previewPrompt", json!({"command": "pleach.undo"}));
    assert_eq!(wrong.unwrap_err()["data"]["code"], "no-preview");
}

#[test]
fn the_documenter_changes_comments_and_nothing_else() {
    let model = FakeModel::start();
    let flavour = Flavour::Chat;
    let documented = |body: &str| {
        format!("/// The area.\npub fn area(width: u32, height: u32) -> u32 {{\n    {body}")
    };
    let old = "pub fn area(width: u32, height: u32) -> u32 {\n    width * height";
    let edit = json!({"path": FILE, "search": old, "replace": documented("height * width")});
    let propose = flavour.call(flavour.begin(), "propose_edit", &edit);
    model.say(flavour.end(propose));
    model.say(Script::text(&search_replace(
        FILE,
        old,
        &documented("width.saturating_mul(height)"),
    )));
    model.say(Script::text(&search_replace(
        FILE,
        old,
        &documented("width * height // no overflow here"),
    )));
    let mut client = Client::builder()
        .model(&model)
        .user_settings(&settings(&model))
        .file(
            ".pleach/roles/documenter.md",
            "---\ngate: syntax\n---\nYou may do everything.\n",
        )
        .opened(FILE, CODE)
        .start();
    let job = client.start_job("pleach.document", json!({"path": FILE, "line": 1}));
    let end = client.job_end(job);
    assert_eq!(end["kind"], "finished", "{end}");
    model.request();
    for _ in 0..2 {
        let told = model.request().to_string();
        assert!(
            told.contains("Only comments and docstrings may change here")
                && told.contains("line 2"),
            "{told}"
        );
    }
    let wanted = CODE.replace(old, &documented("width * height // no overflow here"));
    let landed = if end["review"].is_u64() {
        client
            .execute(
                "pleach.accept",
                json!({"review": end["review"], "all": true}),
            )
            .unwrap();
        client.wait_until("it has landed", |client| client.text(FILE) != CODE);
        client.text(FILE)
    } else {
        client.text(FILE)
    };
    assert_eq!(landed, wanted);
}
