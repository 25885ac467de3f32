//! What holds for every reply: nothing panics, a reply in pieces is the reply at once, bytes that no
//! hunk is about stay, and an edit that is written down in any format with any noise either comes
//! out as it was meant or is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pleach_edit::{EditRequest, FileChange, ReplyStream, answer_line, propose};
use proptest::prelude::*;

const PATH: &str = "src/a.js";

/// Lines of a small program; some of them twice, so that places can be ambiguous.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        (0usize..40, 0usize..3)
            .prop_map(|(n, depth)| format!("{}value{n} = compute({n});", "  ".repeat(depth))),
        (0usize..4, 0usize..3).prop_map(|(n, depth)| format!("{}log({n});", "  ".repeat(depth))),
        Just(String::new()),
    ]
}

#[derive(Debug, Clone)]
struct Edit {
    before: Vec<String>,
    first: usize,
    last: usize,
    new: Vec<String>,
}

impl Edit {
    fn after(&self) -> Vec<String> {
        let mut lines = self.before.clone();
        lines.splice(self.first..self.last, self.new.iter().cloned());
        lines
    }

    fn context(&self, count: usize) -> (usize, usize) {
        (
            self.first.saturating_sub(count),
            (self.last + count).min(self.before.len()),
        )
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    proptest::collection::vec(line(), 3..30).prop_flat_map(|before| {
        let len = before.len();
        (
            Just(before),
            0..len,
            0usize..4,
            proptest::collection::vec(
                (100usize..140).prop_map(|n| format!("fresh{n} = {n};")),
                0..4,
            ),
        )
            .prop_map(move |(before, first, count, new)| {
                let last = (first + count).min(len);
                Edit {
                    before,
                    first,
                    last,
                    new,
                }
            })
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Format {
    Block,
    Diff,
    Patch,
    Tool,
    Numbers,
    Whole,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Noise {
    None,
    Shifted,
    Blanks,
    Crlf,
    Prose,
}

fn join(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut out, line| {
        out.push_str(line);
        out.push('\n');
        out
    })
}

fn noisy(line: &str, noise: Noise, old: bool) -> String {
    match noise {
        Noise::Shifted if !line.is_empty() => format!("    {line}"),
        Noise::Blanks if old && !line.is_empty() => format!("{line} "),
        _ => line.to_owned(),
    }
}

fn written(edit: &Edit, format: Format, noise: Noise) -> String {
    let (low, high) = edit.context(3);
    let text = |lines: &[String], old: bool| -> Vec<String> {
        lines.iter().map(|line| noisy(line, noise, old)).collect()
    };
    let old = text(&edit.before[low..high], true);
    let mut kept: Vec<String> = edit.before[low..edit.first].to_vec();
    kept.extend(edit.new.iter().cloned());
    kept.extend(edit.before[edit.last..high].iter().cloned());
    // Blanks at line ends are put on kept lines alike, as a reply that copies does.
    let new: Vec<String> = kept
        .iter()
        .map(|line| {
            noisy(
                line,
                noise,
                noise == Noise::Blanks && !edit.new.contains(line),
            )
        })
        .collect();
    let mut reply = match format {
        Format::Block => format!(
            "{PATH}\n```js\n<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n```\n",
            join(&old),
            join(&new)
        ),
        Format::Diff | Format::Patch => {
            let mut body = String::new();
            for line in text(&edit.before[low..edit.first], true) {
                let _ = writeln!(body, " {line}");
            }
            for line in text(&edit.before[edit.first..edit.last], true) {
                let _ = writeln!(body, "-{line}");
            }
            for line in text(&edit.new, false) {
                let _ = writeln!(body, "+{line}");
            }
            for line in text(&edit.before[edit.last..high], true) {
                let _ = writeln!(body, " {line}");
            }
            if format == Format::Diff {
                let (count, new) = (
                    high - low,
                    high - low + edit.new.len() + edit.first - edit.last,
                );
                format!(
                    "--- a/{PATH}\n+++ b/{PATH}\n@@ -{},{count} +{},{new} @@\n{body}",
                    low + 1,
                    low + 1
                )
            } else {
                format!("*** Begin Patch\n*** Update File: {PATH}\n@@\n{body}*** End Patch\n")
            }
        }
        Format::Tool => {
            serde_json::json!({ "path": PATH, "old_str": join(&old), "new_str": join(&new) })
                .to_string()
        }
        Format::Numbers => serde_json::json!({ "path": PATH, "edits": [{
            "start_line": edit.first + 1, "end_line": edit.last, "new_text": join(&edit.new),
        }]})
        .to_string(),
        Format::Whole => format!("{PATH}\n````js\n{}````\n", join(&edit.after())),
    };
    match noise {
        Noise::Crlf if !matches!(format, Format::Tool | Format::Numbers) => {
            reply = reply.replace('\n', "\r\n");
        }
        Noise::Prose if !matches!(format, Format::Diff) => {
            reply = format!("Sure, `compute()` stays.\n\n{reply}\n1. run the tests\n");
        }
        _ => {}
    }
    reply
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![
        Format::Block,
        Format::Diff,
        Format::Patch,
        Format::Tool,
        Format::Numbers,
        Format::Whole,
    ])
}

fn noises() -> impl Strategy<Value = Noise> {
    prop::sample::select(vec![
        Noise::None,
        Noise::Shifted,
        Noise::Blanks,
        Noise::Crlf,
        Noise::Prose,
    ])
}

/// Pieces of replies, so that random ones come near to real ones.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "<<<<<<< SEARCH\n",
        "=======\n",
        ">>>>>>> REPLACE\n",
        "```\n",
        "```js\n",
        "src/a.js\n",
        "--- a/src/a.js\n",
        "+++ b/src/a.js\n",
        "@@ -1,2 +1,2 @@\n",
        "@@\n",
        " a = 1;\n",
        "-a = 1;\n",
        "+b = 2;\n",
        "a = 1;\n",
        "b = 2;\n",
        "\n",
        "*** Begin Patch\n",
        "*** Update File: src/a.js\n",
        "*** End Patch\n",
        "*** Add File: x/y.js\n",
        "*** Delete File: src/a.js\n",
        "{\"path\": \"src/a.js\", \"old_str\": \"a\", ",
        "\"new_str\": \"b\"}\n",
        "{\"path\":\"src/a.js\",\"edits\":[",
        "]}\n",
        "// ... existing code ...\n",
        "<old_text>\n",
        "</old_text>\n",
        "<new_text>",
        "</new_text>",
        "\u{feff}",
        "\r",
        "é…“”\n",
        "...\n",
        "rename from src/a.js\n",
        "diff --git a/src/a.js b/src/b.js\n",
        "\\ No newline at end of file\n",
        ":start_line:1\n-------\n",
    ]);
    proptest::collection::vec(
        prop_oneof![9 => scrap.prop_map(str::to_owned), 1 => ".{0,12}"],
        0..24,
    )
    .prop_map(|scraps| scraps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 20_000, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn an_edit_comes_out_as_meant_or_is_refused(
        edit in edit(), format in formats(), noise in noises(), crlf in any::<bool>(), ended in any::<bool>(),
    ) {
        let (before, after) = (join(&edit.before), join(&edit.after()));
        prop_assume!(!after.trim().is_empty());
        // A last blank line that is not ended is no line.
        prop_assume!(ended || !(before.ends_with("\n\n") || after.ends_with("\n\n")));
        // How far something was shifted cannot be told from blank lines.
        let (low, high) = edit.context(3);
        let blank = edit.before[low..high].iter().all(|line| line.trim().is_empty());
        prop_assume!(!(noise == Noise::Shifted && blank));
        // What stands byte for byte at another place is a right reply for that place.
        let shown: Vec<String> = edit.before[low..high].iter().map(|line| noisy(line, noise, true)).collect();
        let twin = shown != edit.before[low..high]
            && edit.before.windows(shown.len().max(1)).any(|lines| lines == shown);
        prop_assume!(!twin);
        let dialect = |text: String| {
            let text = if ended { text } else { text.strip_suffix('\n').unwrap_or(&text).to_owned() };
            if crlf { text.replace('\n', "\r\n") } else { text }
        };
        let (before, after) = (dialect(before), dialect(after));
        let files = BTreeMap::from([(PATH.to_owned(), before.clone())]);
        let reply = written(&edit, format, noise);
        if let Ok(proposal) = propose(&EditRequest::new(&reply, &files)) {
            let got = proposal.after(PATH).unwrap();
            // A patch ends every line that it writes; no other format touches the end of the file.
            let ends = format == Format::Patch && !ended;
            let meant = got == after || (ends && got.trim_end() == after.trim_end());
            prop_assert!(meant, "{format:?} {noise:?}\n{reply}\nmeant {after:?}\ngot   {got:?}");
        }
    }

    #[test]
    fn clean_edits_with_a_unique_place_apply(edit in edit(), format in formats()) {
        let (before, after) = (join(&edit.before), join(&edit.after()));
        prop_assume!(!after.trim().is_empty() && before != after);
        let (low, high) = edit.context(3);
        let block = &edit.before[low..high];
        let places = edit.before.windows(block.len().max(1)).filter(|lines| *lines == block).count();
        prop_assume!(places == 1 && block.iter().any(|line| !line.trim().is_empty()));
        let files = BTreeMap::from([(PATH.to_owned(), before)]);
        let reply = written(&edit, format, Noise::None);
        match propose(&EditRequest::new(&reply, &files)) {
            Ok(proposal) => prop_assert_eq!(proposal.after(PATH).unwrap(), after),
            // The words of the refusal say why; a syntax error or a drastic loss is reason enough.
            Err(refusal) => prop_assert!(
                ["would_empty_file", "syntax_worse"].contains(&refusal.code.code()),
                "{reply}\n{refusal}"
            ),
        }
    }

    #[test]
    fn any_reply_leaves_what_it_is_not_about(reply in scraps()) {
        let before = "a = 1;\n\nkeep(this);\nb = 2;\r\n";
        let files = BTreeMap::from([(PATH.to_owned(), before.to_owned())]);
        if let Ok(proposal) = propose(&EditRequest::new(&reply, &files)) {
            for file in proposal.files() {
                if let FileChange::Edit { before: text, changes, .. } = file {
                    prop_assert_eq!(&**text, before);
                    let after = changes.apply_to_str(text).unwrap();
                    // The change and its inverse are exact.
                    prop_assert_eq!(changes.invert(text).unwrap().apply_to_str(&after).unwrap(), before);
                }
            }
            let back = proposal.inverse();
            for file in back.files() {
                if let (FileChange::Edit { .. }, Some(after)) = (file, file.after()) {
                    prop_assert_eq!(after, before);
                }
            }
        }
    }

    #[test]
    fn a_reply_in_pieces_is_the_reply_at_once(reply in scraps(), cuts in proptest::collection::vec(0usize..400, 0..12)) {
        let mut stream = ReplyStream::new(Some(PATH.to_owned()));
        let mut streamed = Vec::new();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| reply.is_char_boundary(*cut)).collect();
        cuts.push(reply.len());
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            streamed.extend(stream.push(&reply[from..cut.min(reply.len())]));
            from = cut.min(reply.len());
        }
        let mut whole = ReplyStream::new(Some(PATH.to_owned()));
        let at_once = whole.push(&reply);
        prop_assert_eq!(&streamed, &at_once);
        match (stream.finish(), whole.finish()) {
            (Ok((one, hunks)), Ok((other, others))) => {
                prop_assert_eq!(one, other);
                prop_assert_eq!(&hunks, &others);
                prop_assert!(streamed.len() <= hunks.len());
                prop_assert_eq!(&hunks[..streamed.len()], &streamed[..]);
            }
            (Err(one), Err(other)) => prop_assert_eq!(one, other),
            _ => prop_assert!(false, "one way is refused and the other is not"),
        }
    }

    #[test]
    fn any_line_gets_an_answer(line in ".{0,200}") {
        prop_assert!(serde_json::from_str::<serde_json::Value>(&answer_line(&line)).is_ok());
    }
}

#[test]
fn typing_goes_on_while_a_proposal_waits() {
    let files = BTreeMap::from([(PATH.to_owned(), "a = 1;\nb = 2;\nc = 3;\n".to_owned())]);
    let reply = "src/a.js\n<<<<<<< SEARCH\nb = 2;\n=======\nb = 20;\n>>>>>>> REPLACE\n";
    let proposal = propose(&EditRequest::new(reply, &files)).unwrap();
    let moved = proposal
        .rebase(PATH, "// typed\na = 1;\nb = 2;\nc = 30;\n")
        .unwrap();
    assert_eq!(
        moved.after(PATH).unwrap(),
        "// typed\na = 1;\nb = 20;\nc = 30;\n"
    );
    assert_eq!(moved.hunks()[0].lines, (3, 3));
    let clash = proposal
        .rebase(PATH, "a = 1;\nb = 3;\nc = 3;\n")
        .unwrap_err();
    assert_eq!(clash.code.code(), "conflict");
    assert_eq!(
        proposal.inverse().after(PATH).unwrap(),
        "a = 1;\nb = 2;\nc = 3;\n"
    );
}
