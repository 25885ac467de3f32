//! What an edit costs.
//!
//! * `placing`: one hunk of five lines in files of 1,000, 10,000, 50,000 and 100,000 lines without a
//!   grammar, rung by rung. Each row may take at most some ten times what a row of a tenth of its lines
//!   takes: nothing grows with the square of the file.
//! * `checking`: the same in a program, syntax checked, without a tree (the larger ones are parsed around
//!   the change only) and with the tree at hand.
//! * `many`: replies of many hunks; the rate is hunks a second.
//! * `review`: a proposal of 100 hunks on 10,000 lines of a program, while 1,000 keystrokes come.
//! * `small`: small files; the rate is edits a second.
//! * `processes`: one edit of a file of 10,000 lines as a whole process, ours beside `git apply` and
//!   `patch`.
//!
//! `cargo bench -p pleach-edit`, or `cargo bench -p pleach-edit -- placing` for a part of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use divan::Bencher;
use divan::counter::ItemsCount;
use pleach_edit::{EditRequest, Files, propose};
use pleach_grammars::{Language, Syntax, parse};

/// Set for the copies of this program that are the engine as a process of its own.
const AS_ENGINE: &str = "PLEACH_BENCH_AS_ENGINE";

fn main() {
    if std::env::var_os(AS_ENGINE).is_some() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", pleach_edit::answer_line(&line)).unwrap();
        return;
    }
    divan::Divan::default()
        .sample_count(30)
        .config_with_args()
        .main();
}

const LINES: [usize; 4] = [1_000, 10_000, 50_000, 100_000];

fn line(at: usize) -> String {
    format!(
        "    let value_{at} = compute({at}, \"text {}\");\n",
        at % 97
    )
}

fn text(lines: usize) -> String {
    (0..lines).map(line).collect()
}

fn block(path: &str, search: &str, replace: &str) -> String {
    format!("{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n")
}

/// Five lines from the middle of the file, changed by `noise`, with the third one replaced.
fn reply(path: &str, lines: usize, noise: impl Fn(usize, &str) -> String) -> String {
    let middle = lines / 2;
    let old: Vec<String> = (0..5)
        .map(|step| noise(step, &line(middle + step)))
        .collect();
    let mut new = old.clone();
    new[2] = noise(9, "    let other = 1;\n");
    block(path, &old.concat(), &new.concat())
}

/// Runs a reply that comes out as `expected`: on this rung, or refused with this code.
fn run(bencher: Bencher<'_, '_>, text: String, reply: &str, expected: &str) {
    let files = BTreeMap::from([("a.txt".to_owned(), text)]);
    run_on(bencher, &files, reply, expected);
}

fn run_on(bencher: Bencher<'_, '_>, files: &dyn Files, reply: &str, expected: &str) {
    let outcome = match propose(&EditRequest::new(reply, files)) {
        Ok(proposal) => proposal.hunks()[0].rung.name(),
        Err(refusal) => refusal.code.code(),
    };
    assert_eq!(outcome, expected);
    bencher.bench_local(|| propose(&EditRequest::new(divan::black_box(reply), files)).is_ok());
}

mod placing {
    use super::{Bencher, LINES, block, line, reply, run, text};

    fn same(_: usize, line: &str) -> String {
        line.to_owned()
    }

    #[divan::bench(args = LINES)]
    fn exact(bencher: Bencher<'_, '_>, lines: usize) {
        run(bencher, text(lines), &reply("a.txt", lines, same), "exact");
    }

    #[divan::bench(args = LINES)]
    fn line_endings(bencher: Bencher<'_, '_>, lines: usize) {
        let text = text(lines).replace('\n', "\r\n");
        run(bencher, text, &reply("a.txt", lines, same), "line_endings");
    }

    #[divan::bench(args = LINES)]
    fn trailing_whitespace(bencher: Bencher<'_, '_>, lines: usize) {
        let reply = reply("a.txt", lines, |_, line| line.replace('\n', "  \n"));
        run(bencher, text(lines), &reply, "trailing_whitespace");
    }

    #[divan::bench(args = LINES)]
    fn unicode(bencher: Bencher<'_, '_>, lines: usize) {
        let reply = reply("a.txt", lines, |_, line| line.replace('"', "”"));
        run(bencher, text(lines), &reply, "unicode");
    }

    /// The quotes of the file are the typographic ones: every line of it has to be folded.
    #[divan::bench(args = LINES)]
    fn unicode_in_the_file(bencher: Bencher<'_, '_>, lines: usize) {
        let text = text(lines).replace('"', "”");
        run(bencher, text, &reply("a.txt", lines, same), "unicode");
    }

    #[divan::bench(args = LINES)]
    fn indentation(bencher: Bencher<'_, '_>, lines: usize) {
        let reply = reply("a.txt", lines, |_, line| line.trim_start().to_owned());
        run(bencher, text(lines), &reply, "indentation");
    }

    #[divan::bench(args = LINES)]
    fn whitespace(bencher: Bencher<'_, '_>, lines: usize) {
        let reply = reply("a.txt", lines, |_, line| line.replace(", ", ","));
        run(bencher, text(lines), &reply, "whitespace");
    }

    #[divan::bench(args = LINES)]
    fn blank_lines(bencher: Bencher<'_, '_>, lines: usize) {
        let reply = reply("a.txt", lines, |step, line| match step {
            1 => format!("{line}\n"),
            _ => line.to_owned(),
        });
        run(bencher, text(lines), &reply, "blank_lines");
    }

    #[divan::bench(args = LINES)]
    fn similar(bencher: Bencher<'_, '_>, lines: usize) {
        let misspelt = |step: usize, line: &str| match step {
            0 => line.replace("let", "lt"),
            _ => line.to_owned(),
        };
        let reply = reply("a.txt", lines, misspelt);
        run(bencher, text(lines), &reply, "similar");
    }

    /// Every line of the file is much like the lines that are looked for.
    #[divan::bench(args = LINES)]
    fn not_found_among_similar(bencher: Bencher<'_, '_>, lines: usize) {
        let other = |_: usize, line: &str| line.replace("value", "valu");
        let reply = reply("a.txt", lines, other);
        run(bencher, text(lines), &reply, "not_found");
    }

    #[divan::bench(args = LINES)]
    fn not_found(bencher: Bencher<'_, '_>, lines: usize) {
        let other = |step: usize, _: &str| format!("nothing like it {step}\n");
        let reply = reply("a.txt", lines, other);
        run(bencher, text(lines), &reply, "not_found");
    }

    #[divan::bench(args = LINES)]
    fn ambiguous(bencher: Bencher<'_, '_>, lines: usize) {
        let text = "the same\nagain\n".repeat(lines / 2);
        run(
            bencher,
            text,
            &block("a.txt", "the same\n", "other\n"),
            "ambiguous",
        );
    }

    #[divan::bench(args = LINES)]
    fn line_numbers(bencher: Bencher<'_, '_>, lines: usize) {
        let reply = format!(
            r#"[{{"path":"a.txt","start_line":{0},"end_line":{0},"new_text":"other"}}]"#,
            lines / 2
        );
        run(bencher, text(lines), &reply, "line_numbers");
    }

    #[divan::bench(args = LINES)]
    fn merge(bencher: Bencher<'_, '_>, lines: usize) {
        let at = lines / 2;
        let (one, other) = (line(at), line(at + 2));
        let reply = format!(
            "a.txt\n```\n// ... existing code ...\n{one}    let other = 1;\n{other}// ... existing code ...\n```\n"
        );
        run(bencher, text(lines), &reply, "merge");
    }

    #[divan::bench(args = LINES)]
    fn whole_file(bencher: Bencher<'_, '_>, lines: usize) {
        let new = text(lines).replace("value_7 ", "other ");
        let reply = format!("a.txt\n```\n{new}```\n");
        run(bencher, text(lines), &reply, "whole_file");
    }
}

/// Files with their trees.
struct Kept(BTreeMap<String, String>, Syntax);

impl Files for Kept {
    fn read(&self, path: &str) -> Option<Cow<'_, str>> {
        self.0.read(path)
    }

    fn paths(&self) -> Vec<String> {
        self.0.paths()
    }

    fn syntax(&self, path: &str) -> Option<Syntax> {
        self.0.contains_key(path).then(|| self.1.clone())
    }
}

mod checking {
    use super::{BTreeMap, Bencher, Kept, LINES, Language, block, line, parse, run_on};
    use std::fmt::Write as _;

    fn program(lines: usize) -> String {
        let mut out = String::new();
        for from in (0..lines).step_by(100) {
            let _ = writeln!(out, "fn part_{from}() {{");
            out.extend((from + 1..from + 99).map(line));
            out.push_str("}\n");
        }
        out
    }

    fn edit(lines: usize) -> String {
        let at = lines / 2 + 40;
        let old: String = (at..at + 5).map(line).collect();
        let new = old.replacen("compute(", "other(", 1);
        block("a.rs", &old, &new)
    }

    #[divan::bench(args = LINES)]
    fn without_a_tree(bencher: Bencher<'_, '_>, lines: usize) {
        let files = BTreeMap::from([("a.rs".to_owned(), program(lines))]);
        run_on(bencher, &files, &edit(lines), "exact");
    }

    #[divan::bench(args = LINES)]
    fn tree_at_hand(bencher: Bencher<'_, '_>, lines: usize) {
        let program = program(lines);
        let tree = parse(Language::Rust, &program);
        let files = Kept(BTreeMap::from([("a.rs".to_owned(), program)]), tree);
        run_on(bencher, &files, &edit(lines), "exact");
    }

    /// What of that is the parser's.
    #[divan::bench(args = LINES)]
    fn only_a_parse(bencher: Bencher<'_, '_>, lines: usize) {
        let program = program(lines);
        bencher.bench_local(|| parse(Language::Rust, divan::black_box(&program)).has_problems());
    }
}

mod many {
    use super::{BTreeMap, Bencher, EditRequest, ItemsCount, block, line, propose, text};

    const FILE: usize = 10_000;

    fn of(bencher: Bencher<'_, '_>, hunks: usize, noise: impl Fn(&str) -> String) {
        let step = FILE / hunks;
        let reply: String = (0..hunks)
            .map(|hunk| {
                let old = noise(&line(hunk * step));
                block("a.txt", &old, &old.replace("let ", "mut "))
            })
            .collect();
        let files = BTreeMap::from([("a.txt".to_owned(), text(FILE))]);
        bencher
            .counter(ItemsCount::new(hunks))
            .bench_local(|| propose(&EditRequest::new(divan::black_box(&reply), &files)).is_ok());
    }

    #[divan::bench(args = [10, 100, 1_000])]
    fn exact(bencher: Bencher<'_, '_>, hunks: usize) {
        of(bencher, hunks, str::to_owned);
    }

    #[divan::bench(args = [10, 100, 1_000])]
    fn indentation(bencher: Bencher<'_, '_>, hunks: usize) {
        of(bencher, hunks, |line| line.trim_start().to_owned());
    }

    #[divan::bench(args = [10, 100, 1_000])]
    fn not_found(bencher: Bencher<'_, '_>, hunks: usize) {
        of(bencher, hunks, |line| line.replace("value", "valu"));
    }
}

mod small {
    use super::{BTreeMap, Bencher, ItemsCount, block, run_on};

    const PROGRAM: &str =
        "fn one() -> u32 {\n    1\n}\n\nfn two() -> u32 {\n    let x = 1;\n    x + 1\n}\n";

    fn of(bencher: Bencher<'_, '_>, path: &str, reply: &str, expected: &str) {
        let files = BTreeMap::from([(path.to_owned(), PROGRAM.to_owned())]);
        run_on(
            bencher.counter(ItemsCount::new(1usize)),
            &files,
            reply,
            expected,
        );
    }

    #[divan::bench(sample_count = 1_000)]
    fn text(bencher: Bencher<'_, '_>) {
        let reply = block("a.txt", "    x + 1\n", "    x + 2\n");
        of(bencher, "a.txt", &reply, "exact");
    }

    #[divan::bench(sample_count = 1_000)]
    fn program(bencher: Bencher<'_, '_>) {
        let reply = block("a.rs", "    x + 1\n", "    x + 2\n");
        of(bencher, "a.rs", &reply, "exact");
    }

    #[divan::bench(sample_count = 1_000)]
    fn program_with_misspelt_context(bencher: Bencher<'_, '_>) {
        let old = "fn one() -> u32 {\n    1\n}\n\nfn tw() -> u32 {\n    let x = 1;\n    x + 1\n}\n";
        let reply = block("a.rs", old, &old.replace("x + 1", "x + 2"));
        of(bencher, "a.rs", &reply, "similar");
    }

    #[divan::bench(sample_count = 1_000)]
    fn json_lines(bencher: Bencher<'_, '_>) {
        let files = BTreeMap::from([("a.rs".to_owned(), PROGRAM.to_owned())]);
        let reply = block("a.rs", "    x + 1\n", "    x + 2\n");
        let line = serde_json::json!({"id": 1, "files": files, "edit": reply}).to_string();
        bencher
            .counter(ItemsCount::new(1usize))
            .bench_local(|| pleach_edit::answer_line(divan::black_box(&line)));
    }
}

/// What others are: a process for each edit, the file written anew before each.
mod processes {
    use super::{AS_ENGINE, BTreeMap, Bencher, Command, Stdio, text};
    use std::io::Write as _;

    const LINES: usize = 10_000;

    fn of(bencher: Bencher<'_, '_>, mut command: Command, input: &str) {
        let folder = tempfile::tempdir().unwrap();
        let before = text(LINES);
        command
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let path = folder.path().join("a.txt");
        bencher
            .with_inputs(|| std::fs::write(&path, &before).unwrap())
            .bench_local_values(|()| {
                let mut child = command.spawn().unwrap();
                let mut stdin = child.stdin.take().unwrap();
                stdin.write_all(input.as_bytes()).unwrap();
                drop(stdin);
                assert!(child.wait().unwrap().success());
            });
    }

    fn diff() -> String {
        let (before, after) = (text(LINES), text(LINES).replace("value_5000 ", "other "));
        pleach_text::unified_diff(&before, &after, "a/a.txt", "b/a.txt", 3)
    }

    #[divan::bench]
    fn git_apply(bencher: Bencher<'_, '_>) {
        let mut command = Command::new("git");
        command.args(["apply", "--unsafe-paths", "-"]);
        of(bencher, command, &diff());
    }

    #[divan::bench]
    fn patch(bencher: Bencher<'_, '_>) {
        let mut command = Command::new("patch");
        command.args(["-p1", "-s"]);
        of(bencher, command, &diff());
    }

    /// The engine alone, as JSON: the file goes in and comes out through pipes.
    #[divan::bench]
    fn engine(bencher: Bencher<'_, '_>) {
        let files = BTreeMap::from([("a.txt".to_owned(), text(LINES))]);
        let line = serde_json::json!({"id": 1, "files": files, "edit": diff()}).to_string() + "\n";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(AS_ENGINE, "1");
        of(bencher, command, &line);
    }

    /// `pleach apply --write`, if `cargo build --release` has built it.
    #[divan::bench]
    fn pleach_apply(bencher: Bencher<'_, '_>) {
        let own = std::env::current_exe().unwrap();
        let program = own.parent().unwrap().parent().unwrap().join("pleach");
        if !program.exists() {
            println!("(no {}: not measured)", program.display());
            return;
        }
        let mut command = Command::new(program);
        command.args(["apply", "--write", "-"]);
        of(bencher, command, &diff());
    }
}

/// A proposal under review while somebody types: 10,000 lines of Rust, 100 hunks, 1,000 keystrokes.
mod review {
    use super::{BTreeMap, Bencher, EditRequest, ItemsCount, block, line, propose};
    use pleach_edit::{HunkId, Proposal, Review};
    use pleach_text::{ByteRange, ChangeSet, Replacement};
    use std::fmt::Write as _;

    const LINES: usize = 10_000;
    const HUNKS: usize = 100;
    const KEYSTROKES: usize = 1_000;

    fn proposal() -> (String, Proposal) {
        let mut program = String::new();
        let mut reply = String::new();
        for from in (0..LINES).step_by(LINES / HUNKS) {
            let _ = writeln!(program, "fn part_{from}() {{");
            program.extend((from + 1..from + 99).map(line));
            program.push_str("}\n");
            let old = line(from + 50);
            reply.push_str(&block("a.rs", &old, &old.replacen("compute(", "other(", 1)));
        }
        let files = BTreeMap::from([("a.rs".to_owned(), program.clone())]);
        let proposal = propose(&EditRequest::new(&reply, &files));
        (program, proposal.expect("the reply is one that lands"))
    }

    /// A word typed into a comment at the beginning, letter by letter.
    fn keystrokes(len: usize) -> Vec<ChangeSet> {
        (0..KEYSTROKES)
            .filter_map(|at| {
                let text = if at == 0 { "// " } else { "x" };
                let place = if at == 0 { 0 } else { at + 2 };
                let before = if at == 0 { len } else { len + at + 2 };
                let one = Replacement::new(ByteRange::from(place..place), text);
                ChangeSet::new(vec![one], before.into()).ok()
            })
            .collect()
    }

    #[divan::bench]
    fn follow_a_thousand_keystrokes(bencher: Bencher<'_, '_>) {
        let (program, proposal) = proposal();
        let review = Review::of(proposal);
        let typed = keystrokes(program.len());
        bencher
            .counter(ItemsCount::new(KEYSTROKES))
            .with_inputs(|| review.clone())
            .bench_local_refs(|review| {
                typed
                    .iter()
                    .all(|change| review.follow("a.rs", change).is_ok())
            });
    }

    fn typed_in() -> Review {
        let (program, proposal) = proposal();
        let mut review = Review::of(proposal);
        for change in keystrokes(program.len()) {
            let _is_for_this_text = review.follow("a.rs", &change).is_ok();
        }
        review
    }

    #[divan::bench]
    fn show_all_hunks(bencher: Bencher<'_, '_>) {
        let review = typed_in();
        bencher.bench_local(|| review.hunks().len());
    }

    #[divan::bench]
    fn accept_one_hunk(bencher: Bencher<'_, '_>) {
        let review = typed_in();
        bencher.bench_local(|| review.accept(&[HunkId(50)]).is_ok());
    }

    /// Off the session's loop: it tries which hunks pass the gate alone.
    #[divan::bench(sample_count = 10)]
    fn begin(bencher: Bencher<'_, '_>) {
        let (_, proposal) = proposal();
        bencher
            .with_inputs(|| proposal.clone())
            .bench_local_values(Review::of);
    }
}
