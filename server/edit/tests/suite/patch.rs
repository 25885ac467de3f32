//! A change shown as a unified diff is that change: a small reader of git's form makes the same files
//! of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use expect_test::expect;
use pleach_edit::FileChange;
use pleach_text::ChangeSet;
use proptest::prelude::*;

type Texts = BTreeMap<String, String>;

/// Applies a diff in git's form to files, checking every line that it says is there.
fn apply(files: &Texts, diff: &str) -> Texts {
    let mut out = files.clone();
    let mut lines = diff.split_inclusive('\n').peekable();
    while let Some(first) = lines.next() {
        assert!(first.starts_with("diff --git "), "{first:?}");
        let (mut created, mut deleted) = (false, false);
        let (mut from, mut to) = (None, None);
        let names = first.trim_end_matches('\n').strip_prefix("diff --git ");
        while let Some(line) =
            lines.next_if(|line| !line.starts_with("@@") && !line.starts_with("diff "))
        {
            let line = line.trim_end_matches('\n');
            if line.starts_with("new file mode") {
                created = true;
            } else if line.starts_with("deleted file mode") {
                deleted = true;
            } else if let Some(name) = line.strip_prefix("rename from ") {
                from = Some(unquoted(name));
            } else if let Some(name) = line.strip_prefix("rename to ") {
                to = Some(unquoted(name));
            } else if let Some(name) = line.strip_prefix("--- ") {
                if created {
                    assert_eq!(name, "/dev/null");
                } else {
                    from = unquoted(name).strip_prefix("a/").map(str::to_owned);
                }
            } else if let Some(name) = line.strip_prefix("+++ ") {
                if deleted {
                    assert_eq!(name, "/dev/null");
                } else {
                    to = unquoted(name).strip_prefix("b/").map(str::to_owned);
                }
            }
        }
        // Without text there are no name lines: the two names of the first line are one.
        let only = || {
            let names = names.unwrap();
            let half = &names[..(names.len() - 1) / 2];
            unquoted(half).strip_prefix("a/").map(str::to_owned)
        };
        if created {
            to = to.or_else(only);
        } else if deleted {
            from = from.or_else(only);
        }
        let before = from.as_ref().map(|from| out.remove(from).unwrap());
        let old: Vec<&str> = before
            .iter()
            .flat_map(|text| text.split_inclusive('\n'))
            .collect();
        let (mut text, mut at) = (String::new(), 0);
        while let Some(header) = lines.next_if(|line| line.starts_with("@@")) {
            let spans = header
                .strip_prefix("@@ -")
                .unwrap()
                .split_once(" @@")
                .unwrap()
                .0;
            let (old_span, new_span) = spans.split_once(" +").unwrap();
            let ((start, mut gone), (_, mut come)) = (span(old_span), span(new_span));
            let start = if gone == 0 { start } else { start - 1 };
            text.extend(old[at..start].iter().copied());
            at = start;
            while gone + come > 0 {
                let line = lines.next().unwrap();
                let mut content = &line[1..];
                if lines.next_if(|next| next.starts_with('\\')).is_some() {
                    content = content.strip_suffix('\n').unwrap();
                }
                if !line.starts_with('+') {
                    assert_eq!(old[at], content);
                    at += 1;
                    gone -= 1;
                }
                if !line.starts_with('-') {
                    text.push_str(content);
                    come -= 1;
                }
            }
        }
        text.extend(old[at..].iter().copied());
        match to {
            Some(to) => assert_eq!(out.insert(to, text), None),
            None => assert_eq!(text, "", "a deleted file has nothing left"),
        }
    }
    out
}

fn span(text: &str) -> (usize, usize) {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    (start.parse().unwrap(), count.parse().unwrap())
}

/// A name as git reads it: to a tab, or between quotes.
fn unquoted(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"') else {
        return name.split('\t').next().unwrap().to_owned();
    };
    let (mut out, mut chars) = (String::new(), inner.chars());
    while let Some(char) = chars.next() {
        match char {
            '"' => return out,
            '\\' => match chars.next().unwrap() {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                digit @ '0'..='7' => {
                    let octal: String = [digit].into_iter().chain(chars.by_ref().take(2)).collect();
                    out.push(char::from(u8::from_str_radix(&octal, 8).unwrap()));
                }
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
    panic!("no closing quote: {name}")
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a\n",
        "b\n",
        "a\r\n",
        "\n",
        "\r\n",
        "c\r",
        "e\u{301}\n",
        "😀\n",
        "--- a/x\n",
        "+++ b\n",
        "@@ -1 +1 @@\n",
        "\\ No newline at end of file\n",
        "no break",
    ]);
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "x",
        "a b.rs",
        "ü/😀.py",
        "q\"uote",
        "back\\slash",
        "tab\there",
        "new\nline",
        "b/ b/x",
    ])
    .prop_map(str::to_owned)
}

fn change() -> impl Strategy<Value = FileChange> {
    (path(), text(), text(), 0..4).prop_map(|(path, before, after, kind)| {
        let changes = ChangeSet::between(&before, &after);
        let before: Arc<str> = before.into();
        match kind {
            0 => FileChange::Create { path, text: after },
            1 => FileChange::Delete { path, before },
            2 => FileChange::Rename {
                to: format!("{path}2"),
                from: path,
                before,
                changes,
            },
            _ => FileChange::Edit {
                path,
                before,
                changes,
            },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn a_diff_makes_what_the_change_makes(change in change(), context in 0usize..5) {
        let mut before = Texts::new();
        before.insert("other".to_owned(), "stays\n".to_owned());
        let mut after = before.clone();
        if let Some(text) = change.before() {
            before.insert(change.path().to_owned(), text.to_string());
        }
        if let (Some(path), Some(text)) = (change.path_after(), change.after()) {
            after.insert(path.to_owned(), text);
        }
        let diff = change.patch(context);
        let is_nothing = matches!(&change, FileChange::Edit { changes, .. } if changes.is_empty());
        if is_nothing {
            prop_assert_eq!(diff, "");
        } else {
            prop_assert_eq!(apply(&before, &diff), after, "{}", diff);
        }
    }
}

#[test]
fn headers_say_what_happens_to_the_file() {
    let text: Arc<str> = "one\ntwo".into();
    let rename = FileChange::Rename {
        from: "old name.rs".to_owned(),
        to: "new.rs".to_owned(),
        changes: ChangeSet::between(&text, "one\n2\n"),
        before: text,
    };
    expect![[r"
        diff --git a/old name.rs b/new.rs
        similarity index 57%
        rename from old name.rs
        rename to new.rs
        --- a/old name.rs	
        +++ b/new.rs
        @@ -1,2 +1,2 @@
         one
        -two
        \ No newline at end of file
        +2
    "]]
    .assert_eq(&rename.patch(3));
    let create = FileChange::Create {
        path: "a\"b.rs".to_owned(),
        text: "x\n".to_owned(),
    };
    expect![[r#"
        diff --git "a/a\"b.rs" "b/a\"b.rs"
        new file mode 100644
        --- /dev/null
        +++ "b/a\"b.rs"
        @@ -0,0 +1 @@
        +x
    "#]]
    .assert_eq(&create.patch(3));
}
