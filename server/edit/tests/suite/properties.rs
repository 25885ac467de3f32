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
        (0usize..6, 0usize..3)
            .prop_map(|(n, depth)| format!("{}say('word {n}');", "  ".repeat(depth))),
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
    Tags,
    Diff,
    Patch,
    Tool,
    Numbers,
    Whole,
    Snippet,
}

/// What goes wrong on the way from an edit to a reply.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Noise {
    None,
    /// Everything is four blanks further in.
    Shifted,
    /// A level is a tab instead of two blanks.
    Tabs,
    /// Blanks at the ends of lines that are copied.
    Blanks,
    /// Typographic quotes in lines that are copied.
    Quotes,
    /// A letter is missing in a line of context.
    Misspelt,
    /// A line of context is missing.
    Missing,
    /// A line of context that the file does not have.
    Extra,
    /// Blank lines between others are missing in what is looked for.
    BlankLines,
    /// The numbers of a diff are wrong.
    Numbers,
    /// Context of a diff lacks its mark.
    Unmarked,
    Crlf,
    Prose,
    /// The hunk is there twice.
    Twice,
    /// The reply ends before it is finished.
    Cut,
    /// A line that goes was changed in the file meanwhile.
    Stale,
    /// What replaces it is not spelt out.
    Placeholder,
}

const FORMATS: [Format; 8] = [
    Format::Block,
    Format::Tags,
    Format::Diff,
    Format::Patch,
    Format::Tool,
    Format::Numbers,
    Format::Whole,
    Format::Snippet,
];

const NOISES: [Noise; 17] = [
    Noise::None,
    Noise::Shifted,
    Noise::Tabs,
    Noise::Blanks,
    Noise::Quotes,
    Noise::Misspelt,
    Noise::Missing,
    Noise::Extra,
    Noise::BlankLines,
    Noise::Numbers,
    Noise::Unmarked,
    Noise::Crlf,
    Noise::Prose,
    Noise::Twice,
    Noise::Cut,
    Noise::Stale,
    Noise::Placeholder,
];

fn join(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut out, line| {
        out.push_str(line);
        out.push('\n');
        out
    })
}

/// A line as a noisy reply has it. `copied` lines are those that are in the file.
fn noisy(line: &str, noise: Noise, copied: bool) -> String {
    match noise {
        Noise::Shifted if !line.is_empty() => format!("    {line}"),
        Noise::Tabs => {
            let body = line.trim_start();
            format!("{}{body}", "\t".repeat((line.len() - body.len()) / 2))
        }
        Noise::Blanks if copied && !line.is_empty() => format!("{line} "),
        Noise::Quotes if copied => line.replace('\'', "’"),
        _ => line.to_owned(),
    }
}

/// The lines of a hunk, each with the mark that a diff gives it.
type Marked = Vec<(char, String)>;

/// The hunk with its context, and what noise makes of it. `pick` chooses the line that goes wrong.
fn hunk(edit: &Edit, noise: Noise, pick: usize) -> Marked {
    let (low, high) = edit.context(3);
    let part = |mark: char, lines: &[String]| -> Marked {
        let copied = mark != '+';
        let with_mark = |line: &String| (mark, noisy(line, noise, copied));
        lines.iter().map(with_mark).collect()
    };
    let above = part(' ', &edit.before[low..edit.first]);
    let below = part(' ', &edit.before[edit.last..high]);
    let (head, tail) = (above.len(), below.len());
    let mut lines = above;
    lines.extend(part('-', &edit.before[edit.first..edit.last]));
    lines.extend(part('+', &edit.new));
    let after_change = lines.len();
    lines.extend(below);
    // Lines of context that are neither beside the change nor at an end.
    let inner: Vec<usize> = (0..lines.len())
        .filter(|&at| {
            (at > 0 && at + 1 < head) || (at > after_change && at + 1 < after_change + tail)
        })
        .filter(|&at| lines[at].1.len() > 8)
        .collect();
    let chosen = inner.get(pick % inner.len().max(1)).copied();
    match (noise, chosen) {
        (Noise::Misspelt, Some(at)) => {
            let place = lines[at].1.len() - 3;
            lines[at].1.remove(place);
        }
        (Noise::Missing, Some(at)) => {
            lines.remove(at);
        }
        (Noise::Extra, _) => lines.insert(0, (' ', "nothing.like(it);".to_owned())),
        _ => {}
    }
    lines
}

fn side(lines: &Marked, skipped: char) -> Vec<String> {
    let kept = lines.iter().filter(|(mark, _)| *mark != skipped);
    kept.map(|(_, line)| line.clone()).collect()
}

/// Whether a line is a blank line of context, not at an end, that the noise leaves out.
fn is_dropped(lines: &Marked, at: usize, noise: Noise) -> bool {
    let inside = at > 0 && at + 1 < lines.len();
    noise == Noise::BlankLines && inside && lines[at] == (' ', String::new())
}

/// What is looked for and what takes its place.
fn sides(lines: &Marked, noise: Noise) -> (Vec<String>, Vec<String>) {
    let (mut old, mut new) = (side(lines, '+'), side(lines, '-'));
    if noise == Noise::BlankLines {
        let kept = (0..lines.len()).filter(|&at| !is_dropped(lines, at, noise));
        old = side(&kept.map(|at| lines[at].clone()).collect(), '+');
    }
    if noise == Noise::Placeholder && new.len() > 3 {
        new.splice(1..new.len() - 1, ["// ... existing code ...".to_owned()]);
    }
    (old, new)
}

fn diff_body(lines: &Marked, noise: Noise) -> String {
    let shown = (0..lines.len()).filter(|&at| !is_dropped(lines, at, noise));
    shown.fold(String::new(), |mut body, at| {
        let (mark, line) = &lines[at];
        if noise == Noise::Unmarked && *mark == ' ' && !line.is_empty() {
            let _ = writeln!(body, "{line}");
        } else {
            let _ = writeln!(body, "{mark}{line}");
        }
        body
    })
}

fn written(edit: &Edit, format: Format, noise: Noise, pick: usize) -> String {
    let (low, high) = edit.context(3);
    let lines = hunk(edit, noise, pick);
    let (old, new) = sides(&lines, noise);
    let (old, new) = (join(&old), join(&new));
    let times = if noise == Noise::Twice { 2 } else { 1 };
    let mut reply = match format {
        Format::Block => {
            format!("{PATH}\n```js\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n").repeat(times)
        }
        Format::Tags => format!(
            "<edits path=\"{PATH}\">\n<old_text>\n{old}</old_text>\n<new_text>\n{new}</new_text>\n</edits>\n"
        )
        .repeat(times),
        Format::Diff => {
            let body = diff_body(&lines, noise);
            let counts = (high - low, high - low + edit.new.len() + edit.first - edit.last);
            let at = low + 1 + if noise == Noise::Numbers { 3 } else { 0 };
            let head = format!("@@ -{at},{} +{at},{} @@\n", counts.0, counts.1);
            format!("--- a/{PATH}\n+++ b/{PATH}\n{}", format!("{head}{body}").repeat(times))
        }
        Format::Patch => {
            let body = format!("@@\n{}", diff_body(&lines, noise)).repeat(times);
            format!("*** Begin Patch\n*** Update File: {PATH}\n{body}*** End Patch\n")
        }
        Format::Tool => {
            let edit = serde_json::json!({ "old_str": old, "new_str": new });
            serde_json::json!({ "path": PATH, "edits": vec![edit; times] }).to_string()
        }
        Format::Numbers => {
            let gone = join(&edit.before[edit.first..edit.last]);
            serde_json::json!({ "path": PATH, "edits": [{
                "start_line": edit.first + 1, "end_line": edit.last, "old_text": gone, "new_text": join(&edit.new),
            }]})
            .to_string()
        }
        Format::Whole => format!("{PATH}\n````js\n{}````\n", join(&edit.after())),
        Format::Snippet => {
            // A snippet says how lines read: what is misspelt in it is a change, and so are blanks in a
            // whole text of few lines.
            let part = low > 0 || high < edit.before.len();
            let copied = if part && noise == Noise::Blanks { noise } else { Noise::None };
            let shown = side(&hunk(edit, copied, pick), '-');
            let elision = "// ... existing code ...\n";
            let above = if low > 0 { elision } else { "" };
            let below = if high < edit.before.len() { elision } else { "" };
            format!("{PATH}\n````js\n{above}{}{below}````\n", join(&shown))
        }
    };
    match noise {
        Noise::Crlf if !matches!(format, Format::Tool | Format::Numbers) => {
            reply = reply.replace('\n', "\r\n");
        }
        Noise::Prose if format != Format::Diff => {
            reply = format!("Sure, `compute()` stays.\n\n{reply}\n1. run the tests\n");
        }
        Noise::Cut => {
            let at = reply.len() * (30 + pick % 68) / 100;
            let at = (0..=at)
                .rev()
                .find(|&at| reply.is_char_boundary(at))
                .unwrap();
            reply.truncate(at);
        }
        _ => {}
    }
    reply
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(FORMATS.to_vec())
}

fn noises() -> impl Strategy<Value = Noise> {
    prop::sample::select(NOISES.to_vec())
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
    #![proptest_config(ProptestConfig { cases: 600, max_global_rejects: 20_000, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn an_edit_comes_out_as_meant_or_is_refused(
        edit in edit(), format in formats(), noise in noises(), pick in 0usize..10_000, crlf in any::<bool>(), ended in any::<bool>(),
    ) {
        let (before, after) = (join(&edit.before), join(&edit.after()));
        prop_assume!(!after.trim().is_empty());
        // A last blank line that is not ended is no line.
        prop_assume!(ended || !(before.ends_with("\n\n") || after.ends_with("\n\n")));
        // How far something was shifted cannot be told from blank lines.
        let lines = hunk(&edit, noise, pick);
        let (shown, new) = sides(&lines, noise);
        let blank = shown.iter().all(|line| line.trim().is_empty());
        prop_assume!(!(noise == Noise::Shifted && blank));
        // What stands byte for byte in the file is a right reply for that place.
        let (low, high) = edit.context(3);
        let literal = shown != edit.before[low..high]
            && edit.before.windows(shown.len().max(1)).any(|lines| lines == shown);
        prop_assume!(!literal);
        // What goes beside an elision cannot be told from what the elision hides.
        let solid = |lines: &[String]| lines.iter().any(|line| !line.is_empty());
        let shown_above = low == 0 || solid(&edit.before[low..edit.first]);
        let shown_below = high == edit.before.len() || solid(&edit.before[edit.last..high]);
        prop_assume!(format != Format::Snippet || (shown_above && shown_below));
        let mut file = edit.before.clone();
        if noise == Noise::Stale && edit.first < edit.last && !file[edit.first].is_empty() {
            file[edit.first] = format!("changed.meanwhile({});", file[edit.first].trim());
        }
        let dialect = |text: String| {
            let text = if ended { text } else { text.strip_suffix('\n').unwrap_or(&text).to_owned() };
            if crlf { text.replace('\n', "\r\n") } else { text }
        };
        let (before, after) = (dialect(join(&file)), dialect(after));
        let files = BTreeMap::from([(PATH.to_owned(), before.clone())]);
        let reply = written(&edit, format, noise, pick);
        if let Ok(proposal) = propose(&EditRequest::new(&reply, &files)) {
            let got = proposal.after(PATH).unwrap();
            // A patch ends every line that it writes; no other format touches the end of the file.
            let ends = format == Format::Patch && !ended;
            // A snippet says little of blank lines beside its ends and its elisions.
            let solid = |text: &str| -> Vec<String> {
                text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
            };
            let meant = got == after
                || (ends && got.trim_end() == after.trim_end())
                || (format == Format::Snippet && solid(&got) == solid(&after));
            prop_assert!(meant, "{format:?} {noise:?}\n{reply}\nmeant {after:?}\ngot   {got:?}");
            let by_text = matches!(format, Format::Block | Format::Tags | Format::Tool);
            let left_out = noise == Noise::Placeholder && by_text && new.len() > 2 && new[1].contains("existing");
            prop_assert!(!left_out, "{format:?}\n{reply}\ngot {got:?}");
        }
    }

    #[test]
    fn clean_edits_with_a_unique_place_apply(edit in edit(), format in formats()) {
        let (before, after) = (join(&edit.before), join(&edit.after()));
        prop_assume!(!after.trim().is_empty() && before != after);
        // A snippet may be refused where an elision could hide what it shows.
        prop_assume!(format != Format::Snippet);
        let (low, high) = edit.context(3);
        let block = &edit.before[low..high];
        let places = edit.before.windows(block.len().max(1)).filter(|lines| *lines == block).count();
        prop_assume!(places == 1 && block.iter().any(|line| !line.trim().is_empty()));
        let files = BTreeMap::from([(PATH.to_owned(), before)]);
        let reply = written(&edit, format, Noise::None, 0);
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
