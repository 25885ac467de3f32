//! Helix, both the release and what is developed: what a person does there, by its own ways only.
//!
//! Helix asks for the actions of a selection, which is never empty, sorts them, leaves out what is
//! disabled, and executes what was picked. What is typed after `:lsp-workspace-command` is JSON. It
//! shows messages in its last line, diagnostics in a picker, and documents in a split; it cancels
//! nothing, follows no job, and logs what a command answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::path::Path;

use pleach_tests::client::{Builder, Client, Personality, path_of};
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_tests::search_replace;
use serde_json::{Value, json};

const BOTH: [Personality; 2] = [Personality::Helix, Personality::HelixRelease];
const FILE: &str = "src/lib.rs";
const CODE: &str = "\
//! Fees.

pub fn fee(days: u32) -> u32 {
    days * 20
}

/// Days.
pub fn free() -> u32 {
    let days = 3;
    days
}

pub fn limit() -> u32 {
    1000
}
";

/// Two hunks of one file.
const TWO: &str = "src/lib.rs
<<<<<<< SEARCH
    days * 20
=======
    days.saturating_mul(25)
>>>>>>> REPLACE
<<<<<<< SEARCH
    1000
=======
    2000
>>>>>>> REPLACE
";

/// A person at Helix. What only a plugin would see is not looked at.
struct Person {
    helix: Client,
}

impl Person {
    fn sits_down(personality: Personality, builder: Builder) -> Self {
        // Helix has no plugin: nobody asks for events of jobs.
        let builder = builder.editor(personality).options(json!({}));
        let helix = builder.opened(FILE, CODE).start();
        Self { helix }
    }

    fn text(&self) -> String {
        self.helix.text(FILE)
    }

    /// `Space a` with the cursor on the beginning of `needle`: the menu, as Helix sorts it.
    fn menu(&mut self, path: &str, needle: &str) -> Vec<Value> {
        let range = self.helix.range_of(path, needle);
        let start = &range["start"];
        // The cursor is a selection of one character.
        let end =
            json!({"line": start["line"], "character": start["character"].as_u64().unwrap() + 1});
        let mut here = self.picker(path);
        let row = start["line"].as_u64();
        here.retain(|it| {
            it["range"]["start"]["line"].as_u64() <= row
                && it["range"]["end"]["line"].as_u64() >= row
        });
        let context = json!({"diagnostics": here, "triggerKind": 1});
        let range = json!({"start": start, "end": end});
        let mut actions = self.helix.actions_in(path, &range, context);
        actions.retain(|action| action.get("disabled").is_none());
        actions.sort_by_key(|action| std::cmp::Reverse(priority(action)));
        actions
    }

    /// Picks the first entry of the menu that begins so.
    fn picks(&mut self, path: &str, needle: &str, title: &str) {
        let actions = self.menu(path, needle);
        let begins = |action: &&Value| action["title"].as_str().unwrap().starts_with(title);
        let Some(action) = actions.iter().find(begins).cloned() else {
            let titles: Vec<_> = actions.iter().map(|action| &action["title"]).collect();
            panic!("no {title} in {titles:?}");
        };
        self.helix.pick(&action).expect("the command is taken");
    }

    /// Types a command. `%{buffer_name}` and `%{cursor_line}` are what Helix puts there.
    fn types(&mut self, line: &str, needle: &str) -> Result<Value, Value> {
        let row = self.helix.range_of(FILE, needle)["start"]["line"]
            .as_u64()
            .unwrap()
            + 1;
        let line = line
            .replace("%{buffer_name}", FILE)
            .replace("%{cursor_line}", &row.to_string());
        let typed = line
            .strip_prefix(":lsp-workspace-command ")
            .expect("a command of the server");
        let (command, given) = typed.split_once(' ').unwrap_or((typed, ""));
        let arguments: Vec<Value> = serde_json::Deserializer::from_str(given)
            .into_iter()
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("Helix would refuse `{given}`: {error}"));
        let params = json!({"command": command, "arguments": arguments});
        self.helix.request("workspace/executeCommand", params)
    }

    /// The diagnostics picker of a document: what was published last.
    fn picker(&self, path: &str) -> Vec<Value> {
        let uri = self.helix.uri(path);
        let published = self.helix.said("textDocument/publishDiagnostics");
        let last = published
            .iter()
            .rfind(|params| params["uri"] == uri.as_str());
        last.map_or_else(Vec::new, |params| {
            params["diagnostics"].as_array().unwrap().clone()
        })
    }

    fn waits_for_hints(&mut self, count: usize) {
        while self.picker(FILE).len() != count {
            self.helix.notification("textDocument/publishDiagnostics");
        }
    }

    /// Waits until no spinner turns.
    fn waits_for_the_spinner(&mut self) {
        self.helix.wait_until("the end of progress", |it| {
            let kinds = |kind: &str| {
                let shown = it.said("$/progress");
                shown
                    .iter()
                    .filter(|params| params["value"]["kind"] == kind)
                    .count()
            };
            kinds("begin") > 0 && kinds("begin") == kinds("end")
        });
    }

    fn waits_for_text(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        self.helix.wait_until(what, |it| wanted(&it.text(FILE)));
    }

    /// The text of the document that is shown next.
    fn reads(&mut self, seen: usize) -> String {
        self.helix.wait_until("a document", |it| {
            it.said("window/showDocument").len() > seen
        });
        let shown = self.helix.said("window/showDocument")[seen]["uri"].clone();
        std::fs::read_to_string(path_of(shown.as_str().unwrap())).unwrap()
    }
}

/// The order of Helix's menu: by category, then what mends a diagnostic, then what is preferred.
fn priority(action: &Value) -> (usize, bool, bool) {
    let kind = action["kind"].as_str().unwrap_or_default();
    let categories = [
        "source",
        "refactor.rewrite",
        "refactor.inline",
        "refactor.extract",
        "quickfix",
    ];
    let category = categories.iter().rposition(|it| kind.starts_with(it));
    let mends = action["diagnostics"]
        .as_array()
        .is_some_and(|it| !it.is_empty());
    (category.unwrap_or(0), mends, action["isPreferred"] == true)
}

/// What the key `Space p KEY` types, by the configuration that the guide gives out.
fn key(key: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../editors/helix/config.toml");
    let config: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let keys = &config["keys"]["normal"]["space"]["p"];
    keys[key].as_str().unwrap().to_owned()
}

/// What a key that opens the prompt leaves there, with `words` typed where its cursor stands.
fn prompted(name: &str, words: &str) -> String {
    let keys = key(name);
    let mut line = keys.strip_prefix('@').expect("a macro").to_owned();
    let mut back = 0;
    while let Some(rest) = line.strip_suffix("<left>") {
        line = rest.to_owned();
        back += 1;
    }
    let at = line.len() - back;
    format!("{}{words}{}", &line[..at], &line[at..])
}

#[test]
fn rewrite_with_an_instruction_and_review_the_hunks_from_the_picker() {
    for personality in BOTH {
        let model = FakeModel::start();
        model.say(Script::text(TWO));
        let mut person = Person::sits_down(personality, Client::builder().model(&model));
        let line = prompted("r", "never overflow");
        person.types(&line, "days * 20").unwrap();
        assert!(model.request().to_string().contains("never overflow"));
        person.waits_for_hints(2);
        person.waits_for_the_spinner();
        let hints = person.picker(FILE);
        assert!(
            hints
                .iter()
                .all(|hint| hint["severity"] == 4 && hint["source"] == "pleach")
        );
        assert!(
            hints[0]["message"]
                .as_str()
                .unwrap()
                .contains("days.saturating_mul(25)"),
            "{hints:#?}"
        );
        assert_eq!(
            person.text(),
            CODE,
            "nothing is changed before it is accepted"
        );
        let menu = person.menu(FILE, "days * 20");
        let first = menu[0]["title"].as_str().unwrap();
        assert!(
            first.starts_with("Accept: "),
            "what waits comes first: {first}"
        );

        person.picks(FILE, "days * 20", "Accept: ");
        person.waits_for_text("the first hunk", |text| text.contains("saturating_mul"));
        person.waits_for_hints(1);
        person.picks(FILE, "1000", "Reject: ");
        person.waits_for_hints(0);
        assert_eq!(
            person.text(),
            CODE.replace("days * 20", "days.saturating_mul(25)")
        );
        person.helix.assert_in_step(FILE);
    }
}

#[test]
fn hunks_are_decided_by_keys_as_well_and_seen_as_a_diff() {
    for personality in BOTH {
        let model = FakeModel::start();
        model.say(Script::text(TWO));
        let mut person = Person::sits_down(personality, Client::builder().model(&model));
        person.types(&prompted("r", "more"), "days * 20").unwrap();
        person.waits_for_hints(2);
        person.types(&key("="), "days * 20").unwrap();
        let diff = person.reads(0);
        assert!(
            diff.contains("-    days * 20\n+    days.saturating_mul(25)\n"),
            "{diff}"
        );
        person.types(&key("n"), "days * 20").unwrap();
        person.waits_for_hints(1);
        person.types(&key("y"), "1000").unwrap();
        person.waits_for_text("the second hunk", |text| text.contains("2000"));
        person.waits_for_hints(0);
        assert_eq!(person.text(), CODE.replace("1000", "2000"));
    }
}

#[test]
fn a_second_try_with_a_note() {
    for personality in BOTH {
        let model = FakeModel::start();
        model.say(Script::text(TWO));
        let mut person = Person::sits_down(personality, Client::builder().model(&model));
        person.types(&prompted("r", "more"), "days * 20").unwrap();
        person.waits_for_hints(2);
        model.request();
        let again = TWO
            .split_inclusive("REPLACE\n")
            .next()
            .unwrap()
            .replace("25", "30");
        model.say(Script::text(&again));
        person.types(&prompted("N", "thirty"), "days * 20").unwrap();
        assert!(model.request().to_string().contains("thirty"));
        // A single hunk lands at once; the other one of before still waits.
        person.waits_for_text("the new hunk", |text| text.contains("saturating_mul(30)"));
        person.waits_for_hints(1);
    }
}

#[test]
fn a_comment_is_carried_out() {
    for personality in BOTH {
        let model = FakeModel::start();
        let mut person = Person::sits_down(personality, Client::builder().model(&model));
        let comment = "    // ai: name the price\n";
        person.helix.replace(
            FILE,
            "    days * 20\n",
            &format!("{comment}    days * 20\n"),
        );
        let search = format!("{comment}    days * 20");
        let replace = "    const PRICE: u32 = 20;\n    days * PRICE";
        model.say(Script::text(&search_replace(FILE, &search, replace)));
        person.picks(FILE, "ai: name", "Carry out this comment: name the price");
        person.waits_for_text("the edit", |text| text.contains("days * PRICE"));
        assert!(
            !person.text().contains("ai:"),
            "the comment goes away with the edit"
        );
    }
}

#[test]
fn a_plan_is_made_opened_and_run() {
    for personality in BOTH {
        let mut person = Person::sits_down(personality, Client::builder());
        person.types(&key("P"), "Fees").unwrap();
        let plan = ".pleach/plans/document-src-lib-rs.md";
        let shown = person.reads(0);
        assert!(
            shown.contains("1. [ ]") && shown.contains("2. [ ]"),
            "{shown}"
        );
        if !person.helix.is_open(plan) {
            person.helix.open(plan);
        }
        person.picks(plan, "1. [ ]", "Run step 1");
        person
            .helix
            .wait_until("the first box", |it| it.text(plan).contains("1. [x]"));
        // The run of the first step ends a moment after its tick.
        let all = |person: &mut Person| {
            let menu = person.menu(plan, "2. [ ]");
            menu.iter()
                .any(|action| action["title"] == "Run all that can run")
        };
        while !all(&mut person) {}
        person.picks(plan, "2. [ ]", "Run all that can run");
        person
            .helix
            .wait_until("the second box", |it| it.text(plan).contains("2. [x]"));
        assert_eq!(person.text().matches("///").count(), 3, "{}", person.text());
    }
}

#[test]
fn what_runs_is_cancelled_by_a_key_and_from_the_menu() {
    for personality in BOTH {
        for by_key in [true, false] {
            let model = FakeModel::start();
            model.say(Script::default().piece("src/lib.rs\n").hang());
            let mut person = Person::sits_down(personality, Client::builder().model(&model));
            person
                .types(&prompted("r", "anything"), "days * 20")
                .unwrap();
            model.request();
            if by_key {
                person.types(&key("c"), "days * 20").unwrap();
            } else {
                person.picks(FILE, "days * 20", "Cancel: ");
            }
            model.closed();
            person.waits_for_the_spinner();
            assert_eq!(person.text(), CODE);
        }
    }
}

#[test]
fn an_edit_is_undone_and_what_was_typed_since_stays() {
    for personality in BOTH {
        let mut person = Person::sits_down(personality, Client::builder());
        person.types(&key("d"), "pub fn fee").unwrap();
        person.waits_for_text("the comment", |text| text.contains("///"));
        person.waits_for_the_spinner();
        person
            .helix
            .replace(FILE, "//! Fees.", "//! Fees, and their limit.");
        person.types(&key("u"), "pub fn fee").unwrap();
        let wanted = CODE.replace("Fees.", "Fees, and their limit.");
        person.waits_for_text("the undo", |text| text == wanted);
    }
}

#[test]
fn the_cost_is_seen_beside_the_spinner_and_on_a_page() {
    for personality in BOTH {
        let model = FakeModel::start();
        let reply = search_replace(FILE, "    1000", "    2000");
        let (held, go_on) = Script::default().piece(&reply).gate();
        model.say(held.end("stop"));
        let mut person = Person::sits_down(personality, Client::builder().model(&model));
        person.types(&prompted("r", "more"), "1000").unwrap();
        person
            .helix
            .wait_until("the cost beside the spinner", |it| {
                let shown = it.said("$/progress");
                let mut messages = shown
                    .iter()
                    .filter_map(|it| it["value"]["message"].as_str());
                messages.any(|told| {
                    ["tokens", "cost unknown", "fake-1 (fake)"]
                        .iter()
                        .all(|word| told.contains(word))
                })
            });
        go_on.send(()).unwrap();
        person.waits_for_text("one hunk lands at once", |text| text.contains("2000"));
        person.waits_for_the_spinner();
        person.types(&key("$"), "2000").unwrap();
        let page = person.reads(0);
        assert!(page.contains("| all | unknown | 1 | 7 |"), "{page}");
    }
}

/// Helix logs what a command answers and shows nothing of it.
#[test]
fn what_goes_wrong_is_a_message_with_the_next_step() {
    for personality in BOTH {
        let mut person = Person::sits_down(personality, Client::builder());
        person
            .types(":lsp-workspace-command pleach.cancel", "Fees")
            .unwrap_err();
        let told = person.helix.notification("window/showMessage");
        assert!(
            told["message"].as_str().unwrap().contains("no running job"),
            "{told}"
        );
        // Words that stand alone mean the place of the last menu.
        person.menu(FILE, "days * 20");
        let words = ":lsp-workspace-command pleach.rewrite \"think\"";
        person.types(words, "days * 20").unwrap();
        let told = person.helix.notification("window/showMessage");
        assert!(
            told["message"].as_str().unwrap().contains("Next:"),
            "{told}"
        );
    }
}

#[test]
fn what_is_typed_while_the_model_writes_stays() {
    for personality in BOTH {
        let model = FakeModel::start();
        let (held, go_on) = Script::default().piece(TWO).gate();
        model.say(held.end("stop"));
        let mut person = Person::sits_down(personality, Client::builder().model(&model));
        person.types(&prompted("r", "more"), "days * 20").unwrap();
        model.request();
        person.helix.edit(FILE, 0, 0, "// typed meanwhile\n");
        go_on.send(()).unwrap();
        person.waits_for_hints(2);
        person.picks(FILE, "days * 20", "Accept all 2 hunks");
        let wanted = CODE
            .replace("days * 20", "days.saturating_mul(25)")
            .replace("1000", "2000");
        person.waits_for_text("both hunks", |text| {
            text == format!("// typed meanwhile\n{wanted}")
        });
        person.helix.assert_in_step(FILE);
    }
}
