//! A real process, really killed, before every operation of its landing.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::PathRules;
use pleach_workspace::{Journal, Operation, WorkspaceSnapshot, write_all};

use super::{FILES, Place, System, before_and_after, of_all_kinds, operations};

/// Names the folder in which this very test program, started once more, lands step by step.
const FOLDER: &str = "PLEACH_TEST_LANDING";

/// Not a test of its own: what the process does that is killed. It asks before every operation.
#[test]
fn child() {
    let Ok(folder) = env::var(FOLDER) else {
        return;
    };
    let folder = Utf8PathBuf::from(folder);
    let ask = |operation: Operation, _: &Utf8Path| {
        let mut out = std::io::stdout();
        writeln!(out, "\nnext: {operation:?}")?;
        out.flush()?;
        std::io::stdin().read_exact(&mut [0])
    };
    let journal = Journal::watched(&folder.join("state"), Arc::new(ask));
    let workspace = WorkspaceSnapshot::new(&[folder.join("ws")], [], PathRules::default());
    write_all(&workspace, &of_all_kinds(), &journal).unwrap();
}

/// Lets a process land `steps` operations, and kills it.
fn kill_after(steps: usize, place: &Place) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--nocapture"])
        .env(FOLDER, place.root.parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = child.stdin.take().unwrap();
    let questions = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut asked = questions
        .map(Result::unwrap)
        .filter(|line| line.starts_with("next: "));
    for _ in 0..steps {
        asked.next().expect("it has as many operations");
        answers.write_all(b"\n").unwrap();
    }
    // It has done what it was let do, and stands before the next.
    asked.next().expect("one more operation");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn wherever_the_process_is_killed_the_next_start_leaves_all_old_or_all_new() {
    let (before, after) = before_and_after();
    let (mut old, mut new) = (0, 0);
    for steps in 0..operations(System::Full) {
        let place = Place::new(FILES);
        kill_after(steps, &place);
        place.recover();
        let tree = place.tree();
        assert!(
            tree == before || tree == after,
            "killed after {steps}: {tree:?}"
        );
        *(if tree == after { &mut new } else { &mut old }) += 1;
    }
    assert!(old > 20 && new > 3, "both ends are met: {old} and {new}");
}
