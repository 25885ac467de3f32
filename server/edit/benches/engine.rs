//! Time per edit for each rung on files of 1 000, 10 000 and 100 000 lines, and beside it whole
//! processes of `git apply` and `patch`.
//!
//! `cargo bench -p pleach-edit`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use divan::Bencher;
use pleach_edit::{EditRequest, propose};

fn main() {
    divan::main();
}

const LINES: [usize; 3] = [1_000, 10_000, 100_000];

/// A text without a grammar, so that only placing is measured.
fn text(lines: usize) -> String {
    (0..lines).fold(String::new(), |mut out, at| {
        let _ = writeln!(
            out,
            "    let value_{at} = compute({at}, \"text {}\");",
            at % 97
        );
        out
    })
}

fn line(at: usize) -> String {
    format!(
        "    let value_{at} = compute({at}, \"text {}\");\n",
        at % 97
    )
}

fn block(path: &str, search: &str, replace: &str) -> String {
    format!("{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n")
}

/// Five lines from the middle of the file, changed by `noise`, with the third one replaced.
fn reply(lines: usize, noise: impl Fn(usize, &str) -> String) -> String {
    let middle = lines / 2;
    let old: Vec<String> = (0..5)
        .map(|step| noise(step, &line(middle + step)))
        .collect();
    let mut new = old.clone();
    new[2] = noise(9, "    let other = 1;\n");
    block("a.txt", &old.concat(), &new.concat())
}

fn run(bencher: Bencher<'_, '_>, lines: usize, reply: &str, applies: bool) {
    let files = BTreeMap::from([("a.txt".to_owned(), text(lines))]);
    assert_eq!(propose(&EditRequest::new(reply, &files)).is_ok(), applies);
    bencher.bench_local(|| propose(&EditRequest::new(divan::black_box(reply), &files)).is_ok());
}

#[divan::bench(args = LINES)]
fn exact(bencher: Bencher<'_, '_>, lines: usize) {
    run(
        bencher,
        lines,
        &reply(lines, |_, line| line.to_owned()),
        true,
    );
}

#[divan::bench(args = LINES)]
fn trailing_whitespace(bencher: Bencher<'_, '_>, lines: usize) {
    run(
        bencher,
        lines,
        &reply(lines, |_, line| line.replace('\n', "  \n")),
        true,
    );
}

#[divan::bench(args = LINES)]
fn indentation(bencher: Bencher<'_, '_>, lines: usize) {
    run(
        bencher,
        lines,
        &reply(lines, |_, line| line.trim_start().to_owned()),
        true,
    );
}

#[divan::bench(args = LINES)]
fn unicode(bencher: Bencher<'_, '_>, lines: usize) {
    run(
        bencher,
        lines,
        &reply(lines, |_, line| line.replace('"', "”")),
        true,
    );
}

#[divan::bench(args = LINES)]
fn similar(bencher: Bencher<'_, '_>, lines: usize) {
    let misspelt = |step: usize, line: &str| {
        if step == 0 {
            line.replace("let", "lt")
        } else {
            line.to_owned()
        }
    };
    run(bencher, lines, &reply(lines, misspelt), true);
}

#[divan::bench(args = LINES)]
fn not_found(bencher: Bencher<'_, '_>, lines: usize) {
    let other = |step: usize, _: &str| format!("nothing like it {step}\n");
    run(bencher, lines, &reply(lines, other), false);
}

#[divan::bench(args = LINES)]
fn whole_file(bencher: Bencher<'_, '_>, lines: usize) {
    let new = text(lines).replace("value_7 ", "other ");
    run(bencher, lines, &format!("a.txt\n```\n{new}```\n"), true);
}

/// Small edits of a small program, syntax checked: the number of items is edits per second.
#[divan::bench]
fn small_edits_with_syntax(bencher: Bencher<'_, '_>) {
    let source = "fn one() -> u32 {\n    1\n}\n\nfn two() -> u32 {\n    2\n}\n";
    let files = BTreeMap::from([("a.rs".to_owned(), source.to_owned())]);
    let reply = block("a.rs", "    2\n", "    3\n");
    bencher
        .counter(divan::counter::ItemsCount::new(1usize))
        .bench_local(|| propose(&EditRequest::new(divan::black_box(&reply), &files)).is_ok());
}

/// What others are: a process for each edit.
#[divan::bench(args = [&["git", "apply", "--unsafe-paths", "-"][..], &["patch", "-p1", "-s"][..]])]
fn as_a_process(bencher: Bencher<'_, '_>, command: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (text(10_000), text(10_000).replace("value_5000 ", "other "));
    let diff = pleach_text::unified_diff(&before, &after, "a/a.txt", "b/a.txt", 3);
    bencher.bench_local(|| {
        std::fs::write(folder.path().join("a.txt"), &before).unwrap();
        let mut child = Command::new(command[0])
            .args(&command[1..])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(diff.as_bytes())
            .unwrap();
        child.wait().unwrap()
    });
}
