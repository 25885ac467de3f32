//! Changes found between two texts, and how they are shown.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use pleach_text::{ByteOffset, ChangeSet, Replacement, lines, unified_diff};
use proptest::prelude::*;

fn line() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("a\n"),
        Just("b\n"),
        Just("a\r\n"),
        Just("b\r"),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("é = 1;\n"),
        Just("è = 1;\n"),
        Just("😀\n"),
        Just("😁\r\n"),
        Just("tail"),
    ]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(line(), 0..14).prop_map(|lines| lines.concat())
}

fn splits(text: &str, at: usize) -> bool {
    !text.is_char_boundary(at) || (text[..at].ends_with('\r') && text[at..].starts_with('\n'))
}

/// The length of the longest common subsequence of lines, by the table of the textbooks.
fn common_lines(one: &[&str], other: &[&str]) -> usize {
    let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (row, left) in one.iter().enumerate() {
        for (column, right) in other.iter().enumerate() {
            table[row + 1][column + 1] = if left == right {
                table[row][column] + 1
            } else {
                table[row][column + 1].max(table[row + 1][column])
            };
        }
    }
    table[one.len()][other.len()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn it_leads_from_one_text_to_the_other(before in text(), after in text()) {
        let change = ChangeSet::between(&before, &after);
        prop_assert_eq!(change.apply_to_str(&before).unwrap(), after.clone());
        prop_assert_eq!(change.is_empty(), before == after);
        let all = ChangeSet::replace_all(&before, &after);
        prop_assert_eq!(all.apply_to_str(&before).unwrap(), after);
    }

    #[test]
    fn it_splits_no_character_and_no_crlf(before in text(), after in text()) {
        let change = ChangeSet::between(&before, &after);
        for (replacement, range) in change.replacements().iter().zip(change.inserted_ranges()) {
            for at in [replacement.delete.start.0, replacement.delete.end.0] {
                prop_assert!(!splits(&before, at), "{:?} in {:?}", replacement, before);
            }
            for at in [range.start.0, range.end.0] {
                prop_assert!(!splits(&after, at), "{:?} in {:?}", replacement, after);
            }
        }
    }

    #[test]
    fn it_says_nothing_twice(before in text(), after in text()) {
        let change = ChangeSet::between(&before, &after);
        for Replacement { delete, insert } in change.replacements() {
            let deleted = delete.of(&before).unwrap();
            prop_assert_ne!(deleted, insert);
            // Whatever both share at an end is there only because leaving it would split something.
            if let (Some(one), Some(other)) = (deleted.chars().next(), insert.chars().next())
                && one == other
            {
                let width = one.len_utf8();
                let cut = delete.start.0 + width;
                let split_there = splits(&before, cut) || splits(insert, width);
                prop_assert!(split_there, "{:?} -> {:?}", deleted, insert);
            }
        }
    }

    #[test]
    fn a_line_put_in_or_taken_out_is_the_only_change(before in text(), at in any::<prop::sample::Index>()) {
        let all: Vec<&str> = lines(&before).collect();
        let at = at.index(all.len() + 1);
        let after = format!("{}NEW LINE\n{}", all[..at].concat(), all[at..].concat());
        // Where a CR comes to stand before the new line nothing joins it: lines stay what they are.
        let change = ChangeSet::between(&before, &after);
        prop_assert_eq!(change.replacements().len(), 1);
        prop_assert_eq!(change.replacements()[0].insert.len(), "NEW LINE\n".len());
        let undo = ChangeSet::between(&after, &before);
        prop_assert_eq!(undo.replacements().len(), 1);
        prop_assert!(undo.replacements()[0].insert.is_empty());
    }

    #[test]
    fn a_unified_diff_tells_every_line(before in text(), after in text(), context in 0_usize..4) {
        let diff = unified_diff(&before, &after, "a", "b", context);
        prop_assert_eq!(diff.is_empty(), before == after);
        prop_assert_eq!(patch(&before, &diff), after);
    }
}

/// A patch tool in a few lines: hunks where they say, every line of context checked.
fn patch(before: &str, diff: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let mut out = String::new();
    let mut at = 0;
    let mut body = diff.split_inclusive('\n').skip(2).peekable();
    while let Some(header) = body.next() {
        let header = header.strip_prefix("@@ -").unwrap();
        let (old_span, rest) = header.split_once(" +").unwrap();
        let (new_span, _) = rest.split_once(" @@").unwrap();
        let (start, mut old_left) = span(old_span);
        let (_, mut new_left) = span(new_span);
        let start = if old_left == 0 { start } else { start - 1 };
        out.extend(old[at..start].iter().copied());
        at = start;
        while old_left + new_left > 0 {
            let line = body.next().unwrap();
            let mut text = &line[1..];
            if body.peek().is_some_and(|next| next.starts_with('\\')) {
                body.next();
                text = text.strip_suffix('\n').unwrap();
            }
            if !line.starts_with('+') {
                assert_eq!(old[at], text);
                at += 1;
                old_left -= 1;
            }
            if !line.starts_with('-') {
                out.push_str(text);
                new_left -= 1;
            }
        }
    }
    out.extend(old[at..].iter().copied());
    out
}

fn span(text: &str) -> (usize, usize) {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    (start.parse().unwrap(), count.parse().unwrap())
}

#[track_caller]
fn check(before: &str, after: &str, expected: &Expect) {
    let mut told = String::new();
    for Replacement { delete, insert } in ChangeSet::between(before, after).replacements() {
        writeln!(told, "{:?} -> {insert:?}", delete.of(before).unwrap()).unwrap();
    }
    expected.assert_eq(&told);
}

#[test]
fn only_what_differs_within_a_changed_line() {
    check(
        "fn a() {\n    one();\n    two(1);\n}\n",
        "fn a() {\n    one();\n    two(1, 2);\n}\n",
        &expect![[r#"
            "" -> ", 2"
        "#]],
    );
    check(
        "let x = 1;\nlet y = 2;\n",
        "let a = 1;\nlet b = 2;\n",
        &expect![[r#"
            "x" -> "a"
            "y" -> "b"
        "#]],
    );
}

#[test]
fn lines_with_nothing_in_common_are_one_change() {
    check(
        "start\n    alpha(1);\n    beta\nend\n",
        "start\n    while x {}\n    return\nend\n",
        &expect![[r#"
            "alpha(1);\n    beta" -> "while x {}\n    return"
        "#]],
    );
    check(
        "alpha\nlet total = 1;\nbeta\n",
        "while\nlet total = 2;\nreturn\n",
        &expect![[r#"
            "alpha" -> "while"
            "1" -> "2"
            "beta" -> "return"
        "#]],
    );
}

#[test]
fn a_character_is_replaced_as_a_whole() {
    // These share bytes: é and è the first, 😀 and 😁 the first three.
    check(
        "é😀\n",
        "è😀\n",
        &expect![[r#"
        "é" -> "è"
    "#]],
    );
    check(
        "x😀\n",
        "x😁\n",
        &expect![[r#"
        "😀" -> "😁"
    "#]],
    );
}

#[test]
fn a_crlf_is_replaced_as_a_whole() {
    check(
        "a\r\nb\r\n",
        "a\nb\n",
        &expect![[r#"
        "\r\n" -> "\n"
        "\r\n" -> "\n"
    "#]],
    );
    check(
        "a\rb",
        "a\r\nb",
        &expect![[r#"
        "\r" -> "\r\n"
    "#]],
    );
}

#[test]
fn lines_that_stay_are_left_alone() {
    check(
        "one\ntwo\nthree\nfour\n",
        "one\nthree\nnew\nfour\n",
        &expect![[r#"
            "two\n" -> ""
            "" -> "new\n"
        "#]],
    );
}

#[test]
fn very_many_lines_are_compared_at_their_ends_only() {
    let mut before = String::from("first\n");
    let mut after = String::from("first\n");
    for number in 0..110_000 {
        let _ = writeln!(before, "old {number}");
        let _ = writeln!(after, "new {number}");
    }
    before.push_str("last\n");
    after.push_str("last\n");
    let change = ChangeSet::between(&before, &after);
    assert_eq!(change.replacements().len(), 1);
    assert_eq!(
        change.replacements()[0].delete.start,
        ByteOffset("first\n".len())
    );
    assert_eq!(change.apply_to_str(&before).unwrap(), after);
}

#[test]
fn a_long_text_with_every_second_line_changed_needs_no_deep_stack() {
    let (mut before, mut after) = (String::new(), String::new());
    for number in 0..20_000 {
        let _ = writeln!(before, "same {number}\nold {number}");
        let _ = writeln!(after, "same {number}\nnew {number}");
    }
    let change = ChangeSet::between(&before, &after);
    assert_eq!(change.replacements().len(), 20_000);
    assert_eq!(change.apply_to_str(&before).unwrap(), after);
}

#[test]
fn short_texts_lose_no_common_line() {
    let (before, after) = ("a\nb\nc\nd\ne\n", "b\nx\nd\ny\ne\nz\n");
    let change = ChangeSet::between(before, after);
    let deleted: usize = change
        .replacements()
        .iter()
        .map(|one| one.delete.len())
        .sum();
    let old: Vec<&str> = lines(before).collect();
    let new: Vec<&str> = lines(after).collect();
    assert_eq!(common_lines(&old, &new), 3);
    assert_eq!(deleted, "a\n".len() + "c".len());
}

#[test]
fn a_diff_for_people() {
    let before = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight";
    let after = "one\n2\nthree\nfour\nfive\nsix\nseven\neight\n";
    expect![[r"
        --- a/numbers
        +++ b/numbers
        @@ -1,3 +1,3 @@
         one
        -two
        +2
         three
        @@ -7,2 +7,2 @@
         seven
        -eight
        \ No newline at end of file
        +eight
    "]]
    .assert_eq(&unified_diff(before, after, "a/numbers", "b/numbers", 1));
    expect![[r"
        --- /dev/null
        +++ b/new
        @@ -0,0 +1 @@
        +hello
    "]]
    .assert_eq(&unified_diff("", "hello\n", "/dev/null", "b/new", 3));
}
