//! What a model is shown beside the document, measured on a real repository: whether the definition that a
//! place needs was in the pack, by the tokens that it may have, and what the index costs.
//!
//! ```text
//! cargo bench -p pleach-tests --bench context -- FOLDER CASES
//! ```
//!
//! Each line of the file `CASES` is a place and what it needs: `src/a.rs function | src/b.rs definition`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::cast_precision_loss
)]

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_agent::{
    Action, Index, JobRequest, Kit, PriceTable, Roster, Scope, TargetDocument, preview,
};
use pleach_grammars::Language;
use pleach_policy::{PathRules, Settings};
use pleach_text::{ByteOffset, ByteRange};
use pleach_workspace::WorkspaceSnapshot;

const BUDGETS: [u32; 3] = [2_000, 8_000, 32_000];

struct Case {
    path: String,
    function: String,
    needed_path: String,
    needed: String,
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let [folder, cases] = &arguments[..] else {
        println!("give a folder and a file of cases: see the head of tests/benches/context.rs");
        return;
    };
    let folder = Utf8PathBuf::from(folder).canonicalize_utf8().unwrap();
    let text = fs::read_to_string(cases).unwrap();
    let cases: Vec<Case> = text.lines().map(case).collect();
    let state = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(state.path()).unwrap();
    let before = memory();
    let index = built("index built", &folder, state);
    println!("memory: {} KiB more at its height", memory() - before);
    built("nothing changed", &folder, state);
    for budget in BUDGETS {
        table(&folder, &index, &cases, budget);
    }
}

/// `src/a.rs function | src/b.rs definition`
fn case(line: &str) -> Case {
    let (place, needs) = line.split_once(" | ").unwrap();
    let (path, function) = place.split_once(' ').unwrap();
    let (needed_path, needed) = needs.split_once(' ').unwrap();
    Case {
        path: path.to_owned(),
        function: function.to_owned(),
        needed_path: needed_path.to_owned(),
        needed: needed.to_owned(),
    }
}

/// The most memory that the process has held, in KiB, where the system tells it.
fn memory() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or_default()
}

fn snapshot(folder: &Utf8Path) -> WorkspaceSnapshot {
    WorkspaceSnapshot::new(&[folder.to_owned()], [], PathRules::default())
}

fn built(what: &str, folder: &Utf8Path, state: &Utf8Path) -> Index {
    let begun = Instant::now();
    let index = Index::start(state, snapshot(folder), false, |_| {});
    let (found, answer) = channel();
    index.search(
        snapshot(folder),
        "x".into(),
        1,
        Duration::from_hours(1),
        move |it| {
            found.send(it).unwrap();
        },
    );
    let answer = answer.recv().unwrap();
    let size = answer.state.size;
    println!(
        "{what}: {:.2} s; {} files, {} symbols, {} KiB on disk",
        begun.elapsed().as_secs_f64(),
        size.files,
        size.symbols,
        size.bytes / 1024
    );
    index
}

fn table(folder: &Utf8Path, index: &Index, cases: &[Case], budget: u32) {
    let mut settings = Settings::default();
    settings.context.tokens = budget;
    let prices = PriceTable::built_in();
    let (mut whole, mut signatures, mut names) = (0, 0, 0);
    let mut times = Vec::new();
    let mut missed = Vec::new();
    for case in cases {
        let request = request(folder, case);
        let kit = Kit::of_planner(&settings, Roster::built_in()).with_index(Some(index.clone()));
        let begun = Instant::now();
        let page = preview(&request, &settings, kit, prices).unwrap();
        times.push(begun.elapsed());
        let head = format!("| {}:", case.needed_path);
        let name = format!("| `{}` |", case.needed);
        let mut lines = page
            .lines()
            .filter(|line| line.starts_with(&head) && line.contains(&name));
        let best = lines.find(|line| line.contains("| whole |"));
        let shape = best.or_else(|| {
            page.lines()
                .find(|line| line.starts_with(&head) && line.contains(&name))
        });
        match shape {
            Some(line) if line.contains("| whole |") => whole += 1,
            Some(line) if line.contains("| signature |") => signatures += 1,
            Some(_) => names += 1,
            None => missed.push(format!("{} {}: {}", case.path, case.function, case.needed)),
        }
    }
    times.sort();
    let all = cases.len();
    println!(
        "{budget} tokens: {} of {all} there ({whole} whole, {signatures} as a signature, {names} by name); \
         a pack takes {:?} (median), {:?} (longest)",
        all - missed.len(),
        times.get(all / 2).unwrap(),
        times.last().unwrap(),
    );
    for line in missed {
        println!("    missed {line}");
    }
}

/// *Explain* inside the function of a case.
fn request(folder: &Utf8Path, case: &Case) -> JobRequest {
    let workspace = snapshot(folder);
    let text: Arc<str> = workspace.read_text(&case.path).unwrap();
    let head = format!("fn {}", case.function);
    let starts = text.match_indices(&head).map(|(at, _)| at);
    let is_whole = |at: &usize| {
        let next = text
            .get(at + head.len()..)
            .and_then(|rest| rest.chars().next());
        next.is_some_and(|next| !next.is_alphanumeric() && next != '_')
    };
    let at = starts.filter(is_whole).find(|at| {
        // A declaration of a trait has no body that needs anything.
        let rest = text.get(*at..).unwrap_or_default();
        rest.find('{').unwrap_or(usize::MAX) < rest.find(';').unwrap_or(usize::MAX)
    });
    let at = at.unwrap_or_else(|| panic!("{} is not in {}", case.function, case.path));
    JobRequest {
        action: Action::Explain,
        document: TargetDocument {
            path: case.path.clone(),
            language: Language::from_path(&case.path),
            text: Arc::clone(&text),
        },
        range: ByteRange::empty(ByteOffset(at)),
        instruction: None,
        reply: None,
        own: None,
        diagnostics: Vec::new(),
        scope: Scope::default(),
        workspace,
    }
}
