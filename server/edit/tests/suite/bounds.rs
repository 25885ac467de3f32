//! Input that takes more time or memory than it is worth is said to be so, whatever it holds.
#![allow(clippy::expect_used)]

use std::collections::BTreeMap;

use pleach_edit::{Check, EditRequest, gate, propose};
use pleach_grammars::Language;

/// About as many bytes of a text as asked for.
fn repeated(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len())
}

#[test]
fn what_nests_without_end_is_not_parsed() {
    const LEN: usize = 400 << 10;
    for (language, first, second, rest) in [
        (
            Language::Yaml,
            "a: 1\n",
            "a: 2\n",
            format!("b: {}", repeated("[", LEN)),
        ),
        (Language::Yaml, "a: 1\n", "a: 2\n", repeated("? ", LEN)),
        (
            Language::Toml,
            "a = 1\n",
            "a = 2\n",
            format!("b = {}", repeated("[", LEN)),
        ),
        (Language::Markdown, "a\n", "b\n", repeated("> ", LEN)),
        (Language::Markdown, "a\n", "b\n", repeated("_", LEN)),
        (
            Language::JavaScript,
            "f();\n",
            "g();\n",
            repeated("({[", LEN),
        ),
    ] {
        let verdict = gate(
            &format!("{first}{rest}\n"),
            &format!("{second}{rest}\n"),
            Some(language),
        );
        let start: String = rest.chars().take(8).collect();
        assert_eq!(verdict.check, Check::TooCostly, "{language:?} {start}");
        assert!(!verdict.is_worse());
    }
}

#[test]
fn ordinary_text_of_the_same_length_is_checked() {
    const LEN: usize = 100 << 10;
    for (language, line, broken) in [
        (
            Language::Yaml,
            "key: {name: value, other: [one, two]}\n",
            "key: [\n",
        ),
        (
            Language::Toml,
            "[[package]]\nname = \"one\"\nversion = \"1.0.0\"\n",
            "name = [\n",
        ),
        (
            Language::JavaScript,
            "call(one, two(three), { four: [5, 6] });\n",
            "call(;\n",
        ),
    ] {
        // YAML and TOML may have no key twice: what is there is in documents and tables of its own.
        let parts = if language == Language::Yaml {
            "---\n"
        } else {
            ""
        };
        let before = repeated(&format!("{parts}{line}"), LEN);
        let after = format!("{before}{parts}{broken}");
        let verdict = gate(&before, &after, Some(language));
        assert_eq!(verdict.check, Check::Checked, "{language:?}");
        assert!(verdict.is_worse(), "{language:?}");
    }
}

#[test]
fn lines_that_are_everywhere_are_not_merged() {
    let same = "a();\n".repeat(2_000);
    let files = BTreeMap::from([("a.js".to_owned(), same.clone())]);
    let reply = format!(
        "a.js\n```js\n// ... existing code ...\n{same}// ... existing code ...\nb();\n```\n"
    );
    let refusal = propose(&EditRequest::new(&reply, &files)).expect_err("it fits everywhere");
    assert_eq!(refusal.code.code(), "too_large");
}
