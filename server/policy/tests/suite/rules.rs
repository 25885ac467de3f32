//! Which files are rules for agents, what is wrong with them, and which of them hold for a file.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::format_collect,
    // `expect!` writes them itself.
    clippy::needless_raw_string_hashes,
    missing_docs
)]

use expect_test::{Expect, expect};
use pleach_policy::{FrontMatter, RuleFile, SelectedRules, is_rule_file, select_rules};
use proptest::prelude::*;

fn read(path: &str, text: &str) -> RuleFile {
    RuleFile::read(path, text).unwrap()
}

/// What holds, in the order in which it is told, and what does not.
fn shown(rules: &SelectedRules) -> String {
    let applied = rules.applied.iter().map(|rule| {
        let cut = if rule.cut { " (cut)" } else { "" };
        format!("+ {}: {}{cut}\n", rule.path, rule.reason)
    });
    let left = rules.left_out.iter();
    applied
        .chain(left.map(|(path, why)| format!("- {path}: {why}\n")))
        .collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], path: &str, expected: &Expect) {
    let files: Vec<RuleFile> = files.iter().map(|(path, text)| read(path, text)).collect();
    expected.assert_eq(&shown(&select_rules(&files, path)));
}

#[test]
fn the_nearest_has_the_last_word() {
    check(
        &[
            ("web/AGENTS.md", "Use tabs."),
            ("AGENTS.md", "Use spaces."),
            ("docs/AGENTS.md", "Use British spelling."),
            ("CONVENTIONS.md", "Small functions."),
        ],
        "web/src/app.ts",
        &expect![[r#"
            + AGENTS.md: for the whole workspace
            + CONVENTIONS.md: for the whole workspace
            + web/AGENTS.md: for everything below its folder
            - docs/AGENTS.md: for another folder
        "#]],
    );
}

#[test]
fn front_matter_says_which_files_are_meant() {
    check(
        &[
            (
                ".cursor/rules/web.mdc",
                "---\nglobs: *.ts,*.{css,html}\n---\nUse tabs.",
            ),
            (
                ".cursor/rules/all.mdc",
                "---\nalwaysApply: true\n---\nBe kind.",
            ),
            (
                ".cursor/rules/asked.mdc",
                "---\ndescription: About releases\n---\nTag them.",
            ),
            (
                ".github/instructions/py.instructions.md",
                "---\napplyTo: '**/*.py'\n---\nType hints.",
            ),
            (
                ".pleach/rules/here.md",
                "---\npaths:\n  - web/\n  - \"src/*.rs\"\n---\nNo unwrap.",
            ),
            (".pleach/rules/every.md", "No secrets."),
            (
                "web/.cursor/rules/deep.mdc",
                "---\nglobs: [\"src/**\"]\n---\nOne component a file.",
            ),
        ],
        "web/src/app.css",
        &expect![[r#"
            + .cursor/rules/all.mdc: for the whole workspace
            + .pleach/rules/every.md: for the whole workspace
            + .cursor/rules/web.mdc: `*.{css,html}` matches
            + .pleach/rules/here.md: `web/` matches
            + web/.cursor/rules/deep.mdc: `src/**` matches
            - .cursor/rules/asked.mdc: names no files
            - .github/instructions/py.instructions.md: none of its patterns matches
        "#]],
    );
}

#[test]
fn the_same_text_is_told_once_and_nothing_is_not_told() {
    check(
        &[
            ("AGENTS.md", "Use tabs."),
            ("CLAUDE.md", "Use tabs."),
            ("CONVENTIONS.md", " \n"),
        ],
        "a.rs",
        &expect![[r#"
            + AGENTS.md: for the whole workspace
            - CLAUDE.md: says the same as one above
            - CONVENTIONS.md: says nothing
        "#]],
    );
}

#[test]
fn of_too_much_the_nearest_is_kept_in_whole_lines() {
    let long = "One rule among many.\n".repeat(1_200);
    let other = "Another rule of so many.\n".repeat(1_200);
    let files = [
        read("AGENTS.md", &long),
        read("web/AGENTS.md", &other),
        read("CLAUDE.md", "x"),
    ];
    let rules = select_rules(&files, "web/a.ts");
    assert_eq!(
        shown(&rules),
        "+ AGENTS.md: for the whole workspace (cut)\n\
         + CLAUDE.md: for the whole workspace\n\
         + web/AGENTS.md: for everything below its folder\n"
    );
    assert!(
        rules.applied[0]
            .text
            .lines()
            .all(|line| line == "One rule among many.")
    );
    assert!(
        rules
            .applied
            .iter()
            .map(|rule| rule.text.len())
            .sum::<usize>()
            <= 32 * 1024
    );

    let huge = [
        read("AGENTS.md", "Use tabs."),
        read("web/AGENTS.md", &"y\n".repeat(5_000_000)),
    ];
    assert_eq!(
        shown(&select_rules(&huge, "web/a.ts")),
        "+ web/AGENTS.md: for everything below its folder (cut)\n- AGENTS.md: no room: more than 32 KiB of rules\n"
    );
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let check = |path: &str, text: &str, expected: Expect| {
        let rule = read(path, text);
        let told: String = rule
            .problems
            .iter()
            .map(|it| format!("{:?}: {}\n", &text[it.at.as_usize()], it.message))
            .collect();
        expected.assert_eq(&told);
    };
    check(
        ".cursor/rules/a.mdc",
        "---\nglob: *.ts\nalwaysApply: yes\n---\n",
        expect![[r#"
            "glob": `glob` is not one of `description`, `globs`, `alwaysApply`, and says nothing
            "alwaysApply": `alwaysApply` is `true` or `false`
        "#]],
    );
    check(
        ".pleach/rules/a.md",
        "---\npaths: [\"src/{a,b\"]\n---\n",
        expect![[r#"
            "src/{a,b": this pattern cannot be read: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?). Until then the rule is left out
        "#]],
    );
    check(
        ".pleach/rules/a.md",
        "---\npaths: src/\nUse tabs.\n",
        expect![[r#"
            "---": the front matter is not closed: write a line of `---` below it. Until then the rule is left out
        "#]],
    );
    check(
        ".cursor/rules/a.mdc",
        "---\nglobs: *.ts\nalwaysApply: true\nUse tabs\n---\n",
        expect![[r#"
            "Use tabs": this is not `key: value`. Until then the rule is left out
        "#]],
    );
    check(
        ".cursor/rules/a.mdc",
        "---\nglobs: *.ts\nglobs: *.js\nalwaysApply: true\n---\n",
        expect![[r#"
            "globs": `globs` says nothing beside `alwaysApply: true`: take one of them away
            "globs": `globs` stands here twice: the last one counts
        "#]],
    );
}

#[test]
fn other_files_are_no_rules() {
    for path in [
        "README.md",
        "src/CONVENTIONS.md",
        "docs/.pleach/rules/a.md",
        ".cursor/rules/readme.txt",
        ".cursor/rulesx/a.mdc",
        "x.cursor/rules/a.mdc",
        ".github/instructions/.instructions.md",
        "AGENTS.md.bak",
    ] {
        assert!(!is_rule_file(path), "{path}");
    }
    assert!(is_rule_file("a/b/.cursor/rules/c/d.mdc"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever is in the file: every place is inside it, and its text is the rest behind the head.
    #[test]
    fn any_text_is_read(text in "(---\r?\n)?([ a-zA-Z:,\\[\\]{}*\"'#/🌿-]{0,20}\r?\n){0,6}(---\n)?.{0,30}") {
        let matter = FrontMatter::of(&text);
        prop_assert!(text.is_char_boundary(matter.body));
        for name in [".cursor/rules/a.mdc", ".pleach/rules/a.md", ".github/instructions/a.instructions.md", "AGENTS.md"] {
            let rule = read(name, &text);
            for problem in &rule.problems {
                prop_assert!(text.get(problem.at.as_usize()).is_some(), "{:?}", problem);
            }
            let _ = select_rules(&[rule], "src/a.rs");
        }
    }
}
