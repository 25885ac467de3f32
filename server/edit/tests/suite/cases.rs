//! Runs the readable cases of `fixtures/edits`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pleach_edit::{EditRequest, propose};

#[derive(Default, Debug)]
struct Case {
    title: String,
    files: BTreeMap<String, String>,
    reply: String,
    after: BTreeMap<String, Option<String>>,
    rungs: Option<String>,
    refused: Option<(String, String)>,
}

fn text(lines: &[&str]) -> String {
    let mut out = String::new();
    for line in lines {
        out.push_str(
            &line
                .replace('␍', "\r")
                .replace('␣', " ")
                .replace('␟', "\u{feff}"),
        );
        out.push('\n');
    }
    match out.strip_suffix("␄\n") {
        Some(unended) => unended.to_owned(),
        None => out,
    }
}

fn cases(source: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for block in source.split("#### ").skip(1) {
        let (title, body) = block.split_once('\n').unwrap();
        let mut case = Case {
            title: title.trim().to_owned(),
            ..Case::default()
        };
        for part in body.split("==== ").skip(1) {
            let (head, content) = part.split_once('\n').unwrap();
            let mut lines: Vec<&str> = content.lines().collect();
            // The blank line before the next case belongs to the writing.
            if lines.last() == Some(&"") {
                lines.pop();
            }
            let (kind, rest) = head.split_once(' ').unwrap_or((head, ""));
            match kind {
                "file" => drop(case.files.insert(rest.to_owned(), text(&lines))),
                "reply" => case.reply = text(&lines),
                "after" => drop(case.after.insert(rest.to_owned(), Some(text(&lines)))),
                "gone" => drop(case.after.insert(rest.to_owned(), None)),
                "rungs" => case.rungs = Some(rest.to_owned()),
                "refused" => case.refused = Some((rest.to_owned(), lines.join("\n"))),
                _ => panic!("unknown part `{head}` in {title}"),
            }
        }
        cases.push(case);
    }
    cases
}

fn check(case: &Case) -> Result<(), String> {
    let answer = propose(&EditRequest::new(&case.reply, &case.files));
    match (&case.refused, answer) {
        (Some((code, said)), Err(refusal)) => {
            if refusal.code.code() != code {
                return Err(format!("refused for {}: {refusal}", refusal.code.code()));
            }
            let told = refusal.for_model();
            match said.lines().find(|line| !told.contains(line)) {
                Some(line) => Err(format!("`{line}` is not told:\n{told}")),
                None => Ok(()),
            }
        }
        (Some((code, _)), Ok(proposal)) => Err(format!("not refused ({code}): {proposal:#?}")),
        (None, Err(refusal)) => Err(format!("refused for {}: {refusal}", refusal.code.code())),
        (None, Ok(proposal)) => {
            let texts = proposal.texts_after();
            if texts != case.after {
                return Err(format!("expected {:#?}\ngot {texts:#?}", case.after));
            }
            let rungs: Vec<&str> = proposal
                .hunks()
                .iter()
                .map(|hunk| hunk.rung.name())
                .collect();
            match &case.rungs {
                Some(expected) if *expected != rungs.join(" ") => {
                    Err(format!("rungs are {rungs:?}"))
                }
                _ => Ok(()),
            }
        }
    }
}

#[test]
fn every_case_comes_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/edits");
    let mut count = 0;
    let mut failed = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
    {
        for case in cases(&fs::read_to_string(path).unwrap()) {
            count += 1;
            if let Err(problem) = check(&case) {
                failed.push(format!("{} / {}: {problem}", path.display(), case.title));
            }
        }
    }
    assert!(count > 40, "only {count} cases were found");
    assert!(
        failed.is_empty(),
        "{} of {count} cases failed:\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}
