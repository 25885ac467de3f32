#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
use std::fs;
use std::sync::Mutex;

use pleach_policy::PathRules;
use pleach_text::{ByteOffset, ByteRange};
use pleach_workspace::{OpenDocument, WorkspaceSnapshot, uri_from_path};
use serde_json::json;

use super::*;
use crate::job::Diagnostic;

/// A workspace on disk, with one file open and not saved.
struct Project {
    _folder: tempfile::TempDir,
    ground: Ground,
}

fn project() -> Project {
    let folder = tempfile::tempdir().unwrap();
    let root = camino::Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    for (path, text) in [
        ("src/lib.rs", "// as saved\n"),
        (
            "src/till.rs",
            "pub fn count(of: &[u32]) -> u32 {\n    of.iter().sum()\n}\n",
        ),
        ("src/main.rs", "fn main() {\n    count(&[1]); // count\n}\n"),
        ("ignored/big.rs", "fn count() {}\n"),
        (".gitignore", "ignored/\n"),
        (".env", "TOKEN=abcdefghijklmnop\n"),
        (".pleachignore", "private/\n"),
        ("private/count.rs", "pub fn count() {}\n"),
        ("notes.py", "api_key = 'hunter2-and-more!'\n"),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let path = root.join("src/lib.rs");
    let open = OpenDocument {
        uri: uri_from_path(&path),
        path: Some(path),
        text: "mod till;\n\nfn unsaved() {\n    let x = 1\n".into(),
        language: None,
        version: 3,
    };
    let workspace = WorkspaceSnapshot::new(&[root], [open], PathRules::default());
    let reported = Diagnostic {
        range: ByteRange::new(ByteOffset(11), ByteOffset(13)),
        message: "function is never used".into(),
        code: None,
        source: Some("rustc".into()),
    };
    Project {
        _folder: folder,
        ground: Ground::new(workspace, "src/lib.rs".into(), &[reported]),
    }
}

fn call(name: &str, arguments: Value) -> ToolCall {
    ToolCall {
        id: format!("id of {name}"),
        name: name.into(),
        arguments,
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

const CODER: &[ToolName] = &ToolName::ALL;

/// What calls of a coder bring.
fn ask_all(tools: &mut ToolBox, secrets: &mut Secrets, calls: &[ToolCall]) -> Vec<ToolResult> {
    block_on(tools.carry_out(calls, secrets, &|_| {}))
}

/// What one call of a coder brings.
fn ask(name: &str, arguments: Value) -> ToolResult {
    let project = project();
    let mut tools = ToolBox::new(CODER, Gate::Syntax, project.ground.clone(), None);
    ask_all(
        &mut tools,
        &mut Secrets::default(),
        &[call(name, arguments)],
    )
    .remove(0)
}

fn good(name: &str, arguments: Value) -> String {
    let result = ask(name, arguments);
    assert!(!result.is_error, "{}", result.text);
    result.text
}

fn bad(name: &str, arguments: Value) -> String {
    let result = ask(name, arguments);
    assert!(result.is_error, "{}", result.text);
    result.text
}

#[test]
fn a_file_is_read_as_it_is_in_the_editor() {
    assert_eq!(
        good(
            "read_file",
            json!({"path": "src/lib.rs", "first_line": 3, "lines": 1})
        ),
        "src/lib.rs, lines 3 to 3 of 4, as it is in the editor:\nfn unsaved() {\n[the next page: first_line 4]\n"
    );
    let beyond = bad("read_file", json!({"path": "src/lib.rs", "first_line": 9}));
    assert_eq!(beyond, "error no-such-line: `src/lib.rs` has 4 lines");
}

#[test]
fn files_are_listed_without_what_is_ignored_or_denied() {
    let all = good("list_files", json!({}));
    assert_eq!(all, "notes.py\nsrc/lib.rs\nsrc/main.rs\nsrc/till.rs\n");
    assert_eq!(
        good("list_files", json!({"glob": "m*.rs"})),
        "src/main.rs\n"
    );
    assert_eq!(good("list_files", json!({"glob": "*.go"})), "no files\n");
}

#[test]
fn lines_and_names_are_found_in_unsaved_text_too() {
    assert_eq!(
        good(
            "search",
            json!({"pattern": "FN un\\w+", "ignore_case": true})
        ),
        "src/lib.rs:3: fn unsaved() {\n"
    );
    assert_eq!(
        good("search", json!({"pattern": "as saved"})),
        "no matches\n"
    );
    assert_eq!(
        good("references", json!({"name": "count"})),
        "src/main.rs:2: call: count(&[1]); // count\n\
         src/till.rs:1: definition (function): pub fn count(of: &[u32]) -> u32 {\n"
    );
    assert!(bad("search", json!({"pattern": "("})).starts_with("error bad-pattern"));
}

#[test]
fn a_file_s_symbols_and_diagnostics_are_told() {
    assert_eq!(
        good("outline", json!({"path": "src/till.rs"})),
        "function pub fn count(of: &[u32]) -> u32 (lines 1 to 3)\n"
    );
    let told = good("diagnostics", json!({"path": "src/lib.rs"}));
    assert!(
        told.starts_with("line 3: rustc: function is never used\n"),
        "{told}"
    );
    assert!(told.contains(": syntax: "), "{told}");
    assert_eq!(
        good("diagnostics", json!({"path": "src/till.rs"})),
        "no diagnostics\n"
    );
    assert!(bad("outline", json!({"path": ".gitignore"})).starts_with("error no-grammar"));
}

#[test]
fn bad_calls_are_answered_with_their_reason() {
    for (tool, arguments, code) in [
        ("shell", json!({"command": "ls"}), "unknown-tool"),
        ("read_file", json!({}), "bad-arguments"),
        ("read_file", json!({"path": 7}), "bad-arguments"),
        (
            "read_file",
            json!({"path": "a", "offset": 1}),
            "bad-arguments",
        ),
        (
            "read_file",
            json!({"path": "../../etc/passwd"}),
            "parent_directory",
        ),
        ("read_file", json!({"path": "/etc/passwd"}), "outside"),
        ("read_file", json!({"path": ".env"}), "secret"),
        ("read_file", json!({"path": "src/missing.rs"}), "not_found"),
        ("read_file", json!({"path": "private/count.rs"}), "withheld"),
        ("outline", json!({"path": "private/count.rs"}), "withheld"),
        ("run_command", json!({"argv": ["ls"]}), "tool-not-allowed"),
    ] {
        let told = bad(tool, arguments.clone());
        assert!(
            told.replace('-', "_")
                .starts_with(&format!("error {}", code.replace('-', "_"))),
            "{tool} {arguments}: {told}"
        );
    }
}

#[test]
fn a_secret_does_not_go_out_and_an_edit_gets_it_back() {
    let project = project();
    let mut tools = ToolBox::new(CODER, Gate::Syntax, project.ground, None);
    let mut secrets = Secrets::default();
    let calls = [
        call("read_file", json!({"path": "notes.py"})),
        call("search", json!({"pattern": "api_key"})),
        // What matches what is hidden is not found, so that nothing can be guessed letter by letter.
        call("search", json!({"pattern": "hunter."})),
    ];
    let told: Vec<String> = ask_all(&mut tools, &mut secrets, &calls)
        .into_iter()
        .map(|result| result.text)
        .collect();
    assert!(
        told[0].contains("api_key = 'PLEACH_SECRET_1'"),
        "{}",
        told[0]
    );
    assert_eq!(told[1], "notes.py:1: api_key = 'PLEACH_SECRET_1'\n");
    assert_eq!(told[2], "no matches\n");
    assert_eq!(secrets.count(), 1);
    let edit = |search: &str| {
        let replace = "key = 'PLEACH_SECRET_1'";
        let arguments = json!({"path": "notes.py", "search": search, "replace": replace});
        [call("propose_edit", arguments)]
    };
    let refused = edit("api_key = 'PLEACH_SECRET_1' # and more");
    let refused = ask_all(&mut tools, &mut secrets, &refused).remove(0);
    assert!(
        refused.is_error && !refused.text.contains("hunter2"),
        "{}",
        refused.text
    );
    let taken = ask_all(
        &mut tools,
        &mut secrets,
        &edit("api_key = 'PLEACH_SECRET_1'"),
    )
    .remove(0);
    assert!(
        !taken.is_error && !taken.text.contains("hunter2"),
        "{}",
        taken.text
    );
    let (_, reply) = tools.take_proposal().unwrap();
    assert!(reply.contains("key = 'hunter2-and-more!'"), "{reply}");
}

#[test]
fn a_result_is_bounded() {
    let project = project();
    let root = project.ground.workspace().roots()[0].clone();
    fs::write(root.join("large.txt"), "x".repeat(100 << 10)).unwrap();
    fs::write(root.join("long.txt"), "word\n".repeat(20 << 10)).unwrap();
    let mut tools = ToolBox::new(CODER, Gate::Syntax, project.ground, None);
    let calls = [
        call("read_file", json!({"path": "large.txt"})),
        call("read_file", json!({"path": "long.txt", "lines": 1_000_000})),
        call("search", json!({"pattern": "word"})),
    ];
    for result in ask_all(&mut tools, &mut Secrets::default(), &calls) {
        assert!(
            !result.is_error && result.text.len() < 40_000,
            "{}",
            result.text.len()
        );
        let last = result.text.lines().last().unwrap();
        assert!(
            last.contains("the next page") || last.contains("goes on"),
            "{last}"
        );
    }
}

#[test]
fn edits_are_gated_together_and_collected() {
    let project = project();
    let mut tools = ToolBox::new(CODER, Gate::Syntax, project.ground, None);
    let edit = |search: &str, replace: &str| {
        let arguments = json!({"path": "src/till.rs", "search": search, "replace": replace});
        [call("propose_edit", arguments)]
    };
    let mut propose = |search, replace| {
        let calls = edit(search, replace);
        ask_all(&mut tools, &mut Secrets::default(), &calls).remove(0)
    };
    let taken = propose("    of.iter().sum()", "    of.iter().copied().sum()");
    assert!(!taken.is_error, "{}", taken.text);
    let broken = propose("pub fn count(", "pub fn count((");
    assert!(
        broken.is_error && broken.text.starts_with("error "),
        "{}",
        broken.text
    );
    let missing = propose("no such line", "x");
    assert!(missing.is_error, "{}", missing.text);
    let second = propose("pub fn count(of: &[u32])", "pub fn total(of: &[u32])");
    assert!(!second.is_error, "{}", second.text);

    let (proposal, reply) = tools.take_proposal().unwrap();
    let [file] = proposal.files() else {
        panic!("{proposal:?}")
    };
    assert_eq!(file.path(), "src/till.rs");
    assert_eq!(proposal.hunks().len(), 2);
    assert!(reply.contains("total") && !reply.contains("count(("));
    assert!(tools.take_proposal().is_none());
}

#[test]
fn a_role_has_only_its_tools() {
    let project = project();
    for (role, changes) in [
        ("planner", false),
        ("reviewer", false),
        ("documenter", true),
        ("tester", true),
        ("coder", true),
    ] {
        let roster = Roster::built_in();
        let tools = &roster.role(role).unwrap().tools;
        let mut tools = ToolBox::new(tools, Gate::Syntax, project.ground.clone(), None);
        let names: Vec<String> = tools.offered().into_iter().map(|tool| tool.name).collect();
        assert_eq!(
            names.contains(&"propose_edit".to_owned()),
            changes,
            "{role}"
        );
        assert!(
            !names.contains(&"run_command".to_owned()),
            "nobody can allow one here"
        );
        let arguments = json!({"path": "new.txt", "search": "", "replace": "x\n"});
        let calls = [call("propose_edit", arguments)];
        let results = ask_all(&mut tools, &mut Secrets::default(), &calls);
        assert_eq!(results[0].is_error, !changes, "{}", results[0].text);
    }
}

#[test]
fn each_call_is_answered_and_recorded() {
    let project = project();
    let mut tools = ToolBox::new(CODER, Gate::Syntax, project.ground, None);
    let calls: Vec<ToolCall> = (0..20)
        .map(|_| call("read_file", json!({"path": "src/till.rs"})))
        .collect();
    let records = Mutex::new(Vec::new());
    let mut secrets = Secrets::default();
    let record = |record| records.lock().unwrap().push(record);
    let results = block_on(tools.carry_out(&calls, &mut secrets, &record));
    assert_eq!(results.len(), 20);
    assert!(results[..16].iter().all(|result| !result.is_error));
    assert!(
        results[16..]
            .iter()
            .all(|result| result.text.contains("too-many-calls-at-once"))
    );
    let records = records.into_inner().unwrap();
    assert_eq!(records.len(), 20);
    assert_eq!(
        (records[0].about.as_str(), records[0].error),
        ("src/till.rs", None)
    );
}

#[test]
fn each_tool_says_what_it_takes() {
    for name in ToolName::ALL {
        // Servers say it themselves.
        let Some(tool) = arguments::tool(name) else {
            assert_eq!(name, ToolName::Mcp);
            continue;
        };
        assert_eq!(tool.schema["type"], "object", "{name:?}");
        assert_eq!(tool.schema["additionalProperties"], false, "{name:?}");
        assert!(tool.description.ends_with('.'), "{name:?}");
    }
    let read = arguments::tool(ToolName::Read).unwrap();
    assert_eq!(read.schema["required"], json!(["path"]));
}

/// Whether a guess fits or not, and whatever leads to the file.
#[test]
fn what_is_never_sent_is_not_read_and_not_guessed_at() {
    let guesses = [
        ("private/count.rs", "pub fn count() {}"),
        ("private/count.rs", "pub fn counts() { 1 }"),
        (".env", "TOKEN=abcdefghijklmnop"),
    ];
    let guesses = guesses.map(|(path, search)| (path, search, "pub fn other() {}"));
    // It says that it has it already.
    let there = (
        "private/count.rs",
        "pub fn nothing() {}",
        "pub fn count() {}",
    );
    for (path, search, replace) in guesses.into_iter().chain([there]) {
        let edit = json!({"path": path, "search": search, "replace": replace});
        let told = bad("propose_edit", edit);
        let tells = ["fn count()", "abcdef", "already"];
        assert!(!tells.iter().any(|it| told.contains(it)), "{told}");
    }
    let new = json!({"path": "private/new.rs", "search": "", "replace": "pub fn other() {}\n"});
    assert!(good("propose_edit", new).starts_with("Taken"));
}

#[cfg(unix)]
#[test]
fn a_link_to_what_is_never_sent_is_never_sent() {
    let project = project();
    let link = project.ground.workspace().roots()[0].join("src/link.rs");
    std::os::unix::fs::symlink("../private/count.rs", link).unwrap();
    let mut tools = ToolBox::new(CODER, Gate::Syntax, project.ground.clone(), None);
    let path = "src/link.rs";
    let calls = [
        call("read_file", json!({ "path": path })),
        call(
            "propose_edit",
            json!({"path": path, "search": "pub fn count() {}", "replace": ""}),
        ),
    ];
    for result in ask_all(&mut tools, &mut Secrets::default(), &calls) {
        assert!(result.text.starts_with("error withheld"), "{}", result.text);
    }
}
