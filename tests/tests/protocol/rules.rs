//! The rules that a project keeps for agents: what a model is told of them, and what a person sees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_tests::client::{Client, Personality, path_of};
use pleach_tests::fake_model::{FakeModel, Script};
use serde_json::json;

const FILE: &str = "web/app.ts";

const CODE: &str = "export const days = 21;\n";

#[test]
fn a_model_is_told_the_rules_of_the_project_the_nearest_last() {
    let model = FakeModel::start();
    model.say(Script::text("It is a number of days."));
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .model(&model)
        .file("AGENTS.md", "Use spaces.\n")
        .file("docs/AGENTS.md", "British spelling.\n")
        .file("web/AGENTS.md", "Use tabs.\n")
        .file(
            ".cursor/rules/ts.mdc",
            "---\nglobs: *.ts,*.tsx\n---\nNo default exports.\n",
        )
        .file(
            ".pleach/rules/py.md",
            "---\npaths: '*.py'\n---\nType hints.\n",
        )
        .opened(FILE, CODE)
        .start();
    // What is not saved yet counts.
    client.open("web/AGENTS.md");
    client.set_text("web/AGENTS.md", "Use tabs of eight.\n");
    let job = client.start_job("pleach.explain", json!({"path": FILE, "line": 1}));
    let asked = model.request();
    assert_eq!(client.job_end(job)["kind"], "finished");

    let orders = asked["messages"][0]["content"].as_str().unwrap();
    let place = |text: &str| {
        orders
            .find(text)
            .unwrap_or_else(|| panic!("`{text}` is not in {orders}"))
    };
    assert!(place("Rules in AGENTS.md:\n```\nUse spaces.\n```") < place("No default exports."));
    assert!(
        place("No default exports.")
            < place("Rules in web/AGENTS.md:\n```\nUse tabs of eight.\n```")
    );
    assert!(
        !orders.contains("British") && !orders.contains("Type hints"),
        "{orders}"
    );
}

#[test]
fn a_person_is_shown_which_rules_hold_and_why() {
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .file("AGENTS.md", "Use spaces.\n")
        .file(
            ".cursor/rules/py.mdc",
            "---\nglobs: *.py\n---\nType hints.\n",
        )
        .opened(FILE, CODE)
        .start();
    client
        .execute("pleach.rules", json!({"path": FILE}))
        .unwrap();
    client.wait_until("the page is shown", |client| {
        !client.said("window/showDocument").is_empty()
    });
    let uri = client.said("window/showDocument")[0]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = std::fs::read_to_string(path_of(&uri)).unwrap();
    assert!(
        page.contains("- **AGENTS.md**: for the whole workspace"),
        "{page}"
    );
    assert!(
        page.contains("- .cursor/rules/py.mdc: none of its patterns matches"),
        "{page}"
    );
}

#[test]
fn what_is_wrong_in_a_rule_is_shown_in_it_until_it_is_right() {
    let file = ".cursor/rules/web.mdc";
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .opened(file, "---\nglob: *.ts\n---\nUse tabs.\n")
        .start();
    let uri = client.uri(file);
    let shown = |client: &mut Client, count: usize| {
        client.notification_where("textDocument/publishDiagnostics", |params| {
            params["uri"] == uri.as_str()
                && params["diagnostics"].as_array().unwrap().len() == count
        })
    };
    let wrong = shown(&mut client, 1);
    assert_eq!(wrong["diagnostics"][0]["range"]["start"]["line"], 1);
    let message = wrong["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.contains("`glob` is not one of"), "{message}");
    client.replace(file, "glob:", "globs:");
    shown(&mut client, 0);
}

#[test]
fn what_is_wrong_in_a_rule_and_what_waits_for_review_there_are_shown_together() {
    let file = ".github/instructions/web.instructions.md";
    let text = "---\nglob: *.ts\n---\nUse tabs.\n\nOne.\n\nTwo.\n\nUse spaces.\n";
    let reply = "<<<<<<< SEARCH\nUse tabs.\n=======\nUse a tab.\n>>>>>>> REPLACE\n\
                 <<<<<<< SEARCH\nUse spaces.\n=======\nUse a space.\n>>>>>>> REPLACE\n";
    let mut client = Client::builder()
        .editor(Personality::Neovim)
        .opened(file, text)
        .start();
    let uri = client.uri(file);
    let shown = |client: &mut Client, wanted: &[&str]| {
        client.notification_where("textDocument/publishDiagnostics", |params| {
            let all = params["diagnostics"].as_array().unwrap();
            let codes: Vec<&str> = all.iter().map(|it| it["code"].as_str().unwrap()).collect();
            params["uri"] == uri.as_str() && codes == wanted
        })
    };
    shown(&mut client, &["rules"]);
    let reply = format!("{file}\n{reply}");
    let job = client.start_job("pleach.land", json!({"reply": reply}));
    assert_eq!(client.job_end(job)["hunks"], 2);
    shown(&mut client, &["rules", "pending", "pending"]);
    client.replace(file, "One.", "One more.");
    shown(&mut client, &["rules", "pending", "pending"]);
    client.replace(file, "glob:", "applyTo:");
    shown(&mut client, &["pending", "pending"]);
    client
        .execute("pleach.reject", json!({"all": true}))
        .unwrap();
    shown(&mut client, &[]);
}
