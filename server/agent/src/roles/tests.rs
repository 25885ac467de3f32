#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::PathRules;
use pleach_workspace::WorkspaceSnapshot;

use super::own::Spot;
use super::*;

/// A roster of files, in the person's folder and in the workspace.
fn roster(own: &[(&str, &str)], workspace: &[(&str, &str)]) -> Roster {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    let write = |below: &Utf8Path, (path, text): &(&str, &str)| {
        let path = below.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let (mine, opened) = (root.join("mine"), root.join("opened"));
    fs::create_dir(&opened).unwrap();
    for file in own {
        write(&mine, file);
    }
    let home = opened.join(".pleach");
    for file in workspace {
        write(&home, file);
    }
    let snapshot = WorkspaceSnapshot::new(&[opened], [], PathRules::default());
    Roster::read(Some(&mine), &snapshot)
}

fn orders(role: &Role) -> String {
    let rules = [("AGENTS.md".to_owned(), "Use tabs.".to_owned())];
    let about = About {
        path: "src/a.rs",
        language: "Rust",
        rules: &rules,
    };
    role.orders(&about).unwrap()
}

/// The messages about the only file there is.
fn problems(roster: &Roster) -> Vec<&str> {
    let [file] = &roster.files[..] else {
        return Vec::new();
    };
    let is_in_it = |it: &FileProblem| file.text.get(it.at.as_usize()).is_some();
    assert!(file.problems.iter().all(is_in_it));
    file.problems.iter().map(|it| it.message.as_str()).collect()
}

#[test]
fn five_roles_come_with_pleach_and_say_what_they_may() {
    let roster = Roster::built_in();
    for (name, output, changes, runs) in [
        ("planner", Output::Plan, false, false),
        ("coder", Output::Edits, true, true),
        ("tester", Output::Edits, true, true),
        ("documenter", Output::Edits, true, false),
        ("reviewer", Output::Answer, false, false),
    ] {
        let role = roster.role(name).unwrap();
        assert_eq!(role.output, output, "{name}");
        assert_eq!(
            role.tools.contains(&ToolName::ProposeEdit),
            changes,
            "{name}"
        );
        assert_eq!(role.tools.contains(&ToolName::RunCommand), runs, "{name}");
        assert!(role.tools.contains(&ToolName::Read), "{name}");
        let told = orders(role);
        assert!(
            told.contains("Rules in AGENTS.md:\n```\nUse tabs."),
            "{told}"
        );
    }
    assert!(orders(roster.role("coder").unwrap()).contains("\nsrc/a.rs\n<<<<<<< SEARCH\n"));
    assert!(orders(roster.role("planner").unwrap()).contains("1. [ ] "));
}

#[test]
fn a_person_gives_a_role_other_words_and_other_tools() {
    let text = "---\ntools: [read_file, run_command]\n---\nYou know {{ language }}.\n";
    let roster = roster(
        &[("roles/reviewer.md", text), ("roles/judge.md", text)],
        &[],
    );
    let reviewer = roster.role("reviewer").unwrap();
    assert_eq!(reviewer.tools, [ToolName::Read, ToolName::RunCommand]);
    assert_eq!(reviewer.output, Output::Answer);
    assert!(orders(reviewer).starts_with("You know Rust.\n\nAnswer in Markdown"));
    assert_eq!(roster.role("judge").unwrap().output, Output::Edits);
    assert!(roster.files.iter().all(|file| file.problems.is_empty()));
}

#[test]
fn a_workspace_narrows_a_role_and_never_widens_it() {
    let text = "---\ntools: read_file, propose_edit, run_command\noutput: edits\n---\nx\n";
    let reviewer = roster(&[], &[("roles/reviewer.md", text)]);
    assert_eq!(reviewer.role("reviewer").unwrap().tools, [ToolName::Read]);
    assert_eq!(reviewer.role("reviewer").unwrap().output, Output::Answer);
    assert_eq!(problems(&reviewer).len(), 3);
    let new = roster(&[], &[("roles/new.md", text)]);
    assert_eq!(
        new.role("new").unwrap().tools,
        [ToolName::Read, ToolName::ProposeEdit]
    );
    assert!(problems(&new)[0].contains("a workspace cannot give `run_command`"));
    // What the person allows by a file of the same name, the workspace may use.
    let allowed = roster(&[("roles/new.md", text)], &[("roles/new.md", text)]);
    assert_eq!(allowed.role("new").unwrap().tools.len(), 3);
    // Who plans runs nothing, whoever says so.
    let planner = roster(&[("roles/planner.md", text)], &[]);
    assert_eq!(planner.role("planner").unwrap().tools, [ToolName::Read]);
}

#[test]
fn a_broken_file_is_left_out_and_says_why() {
    for (text, message) in [
        ("x", "must begin with `---`"),
        ("---\ntools: search\n", "is not closed"),
        ("---\ntools: search\n---\n", "nothing is said"),
        ("---\noutput: poems\n---\nx", "`poems` is none of"),
        (
            "---\n---\nWrite {{ langauge }}.",
            "there is no `langauge` here",
        ),
        ("---\n---\n{% if language %}x", "this is no template"),
    ] {
        let broken = roster(&[], &[("roles/tester.md", text)]);
        assert!(
            problems(&broken)[0].contains(message),
            "{text}: {:?}",
            problems(&broken)
        );
        assert_eq!(broken.role("tester"), Roster::built_in().role("tester"));
    }
    let odd = "---\ntools: search, fly\ncolour: red\n---\nx";
    let odd = roster(&[], &[("roles/tester.md", odd)]);
    assert_eq!(odd.role("tester").unwrap().tools, [ToolName::Search]);
    assert!(problems(&odd)[0].contains("`colour` is ignored"));
    assert!(problems(&odd)[1].contains("there is no tool `fly`"));
    let large = format!("---\n---\n{}", "x".repeat(file::MOST_BYTES));
    let large = roster(&[("roles/tester.md", &large)], &[]);
    assert!(problems(&large)[0].contains("more than 64 KiB"));
}

#[test]
fn actions_are_asked_of_a_role_at_a_place() {
    let log = "---\ntitle: Log the errors\nlanguages: rust\n---\nLog in {{ symbol }} of {{ path }}: {{ selection }}\n";
    let ask = "---\nrole: judge\n---\nIs it slow?\n";
    let judge = "---\noutput: answer\n---\nYou judge.\n";
    let roster = roster(
        &[("actions/log.md", log)],
        &[("actions/slow.md", ask), ("roles/judge.md", judge)],
    );
    let log = roster.action("log").unwrap();
    let rust = pleach_grammars::Language::Rust;
    assert!(log.edits && log.is_for(Some(rust)) && !log.is_for(None));
    let spot = Spot {
        path: "a.rs",
        language: "Rust",
        selection: "x",
        symbol: "f",
    };
    assert_eq!(log.instruction(&spot).unwrap(), "Log in f of a.rs: x");
    let slow = roster.action("slow").unwrap();
    assert!(!slow.edits && slow.is_for(None) && slow.title == "slow");
}

#[test]
fn an_action_of_nobody_is_broken() {
    let nobody = roster(&[], &[("actions/x.md", "---\nrole: nobody\n---\nx")]);
    assert_eq!(problems(&nobody), ["there is no role `nobody`"]);
    let plans = roster(&[], &[("actions/x.md", "---\nrole: planner\n---\nx")]);
    assert!(problems(&plans)[0].contains("carries out no actions"));
    assert_eq!(plans.actions().count(), 0);
}
