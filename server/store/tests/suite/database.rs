//! The database from outside: what a later start finds, and what a damaged or unwritable file does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc
)]

use std::fs;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_store::{
    Dismissal, LandedFile, LandingId, Limits, NewLanding, NewWaiting, Notice, Store, WaitingId,
};
use pleach_text::ChangeSet;
use proptest::prelude::*;

struct Place {
    _guard: tempfile::TempDir,
    state: Utf8PathBuf,
}

impl Place {
    fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(guard.path()).unwrap().join("state");
        Self {
            _guard: guard,
            state,
        }
    }

    /// As a server that starts now.
    fn store(&self) -> Store {
        Store::new(&self.state)
    }
}

/// Seconds after a moment in 2026.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

fn edited(path: &str, before: &str, after: &str) -> LandedFile {
    LandedFile::Edited {
        path: path.into(),
        after: after.into(),
        inverse: ChangeSet::between(before, after).invert(before).unwrap(),
    }
}

fn landing(seconds: u64, files: Vec<LandedFile>) -> NewLanding {
    NewLanding {
        at: at(seconds),
        folder: "/project".into(),
        job: 7,
        action: "rewrite".into(),
        instruction: Some("use an iterator".into()),
        engine: "local · qwen".into(),
        title: format!("Rewrite {seconds}"),
        undoes: None,
        files,
    }
}

fn answer(seconds: u64, folder: &str) -> NewWaiting {
    NewWaiting {
        at: at(seconds),
        folder: folder.into(),
        action: "fix".into(),
        instruction: None,
        engine: "local · qwen".into(),
        title: "Fix 2 problems".into(),
        reply: "the reply, as it came: \u{1f33f}\n".into(),
        review: r#"{"hunks":[0,1]}"#.into(),
    }
}

#[test]
fn a_later_start_finds_what_landed_whole() {
    let place = Place::new();
    let files = vec![
        edited("a.rs", "one\ntwo\n", "one\nTWO\n"),
        LandedFile::Created {
            path: "b.rs".into(),
            after: "new\n".into(),
        },
        LandedFile::Deleted {
            path: "c.rs".into(),
            before: "gone\n".into(),
        },
        LandedFile::Renamed {
            from: "d.rs".into(),
            to: "e.rs".into(),
            after: "x\n".into(),
            inverse: ChangeSet::between("x\n", "y\n"),
        },
    ];
    let recorded = landing(1, files);
    let id = place.store().record(&recorded).unwrap();

    let mut store = place.store();
    let (entry, files) = store.get(id).unwrap().unwrap();
    assert_eq!(files, recorded.files);
    assert_eq!(files[0].before().as_deref(), Some("one\ntwo\n"));
    assert_eq!((entry.at, entry.job), (at(1), 7));
    assert_eq!(entry.instruction.as_deref(), Some("use an iterator"));
    assert_eq!(entry.paths, ["a.rs", "b.rs", "c.rs", "e.rs"]);
    assert_eq!(store.list(None, 10).unwrap(), [entry]);
    assert_eq!(store.get(LandingId(99)).unwrap(), None);
    assert_eq!(store.take_notices(), []);
}

#[test]
fn one_of_several_landings_is_undone_and_what_was_typed_since_stays() {
    let place = Place::new();
    let mut store = place.store();
    let first = edited("a.rs", "a\nb\nc\n", "A\nb\nc\n");
    let id = store.record(&landing(1, vec![first])).unwrap();
    let second = edited("a.rs", "A\nb\nc\n", "A\nb\nC\n");
    store.record(&landing(2, vec![second])).unwrap();
    drop(store);

    let mut store = place.store();
    let (_, files) = store.get(id).unwrap().unwrap();
    let now = "A\nb\ntyped\nC\n";
    let undo = files[0].undone_in(now).unwrap();
    assert_eq!(undo.apply_to_str(now).unwrap(), "a\nb\ntyped\nC\n");
    // Where it was typed into, the two are not told apart by guessing.
    assert!(files[0].undone_in("Z\nb\nc\n").is_err());
}

#[test]
fn what_undoes_a_landing_marks_it_and_can_be_undone_itself() {
    let place = Place::new();
    let mut store = place.store();
    let id = store
        .record(&landing(1, vec![edited("a", "1", "2")]))
        .unwrap();
    let undo = NewLanding {
        undoes: Some(id),
        ..landing(2, vec![edited("a", "2", "1")])
    };
    let undo = store.record(&undo).unwrap();
    let entries = store.list(Some("/project"), 10).unwrap();
    assert_eq!(entries[0].undoes, Some(id));
    assert_eq!(entries[1].undone_at, Some(at(2)));
    assert!(store.mark_undone(undo, Some(at(3))).unwrap());
    assert!(store.mark_undone(id, None).unwrap());
    let entries = store.list(Some("/project"), 10).unwrap();
    assert_eq!(
        (entries[0].undone_at, entries[1].undone_at),
        (Some(at(3)), None)
    );
    assert!(!store.mark_undone(LandingId(99), None).unwrap());
    assert_eq!(store.list(Some("/elsewhere"), 10).unwrap(), []);
    assert_eq!(store.list(None, 1).unwrap().len(), 1);
}

#[test]
fn an_answer_waits_over_a_restart_until_it_is_decided_upon() {
    let place = Place::new();
    let id = place.store().keep_waiting(&answer(1, "/project")).unwrap();
    place.store().keep_waiting(&answer(2, "/other")).unwrap();
    let left = r#"{"hunks":[1]}"#;
    assert!(place.store().set_waiting(id, left).unwrap());

    let mut store = place.store();
    let expected = NewWaiting {
        review: left.into(),
        ..answer(1, "/project")
    };
    assert_eq!(store.waiting(Some("/project")).unwrap(), [(id, expected)]);
    assert_eq!(store.waiting(None).unwrap().len(), 2);

    assert!(store.forget_waiting(id).unwrap());
    assert_eq!(store.waiting(Some("/project")).unwrap(), []);
    // Another server that has it too comes too late, and brings nothing back.
    assert!(!place.store().set_waiting(id, left).unwrap());
    assert!(!store.forget_waiting(WaitingId(99)).unwrap());
}

#[test]
fn a_landing_and_what_it_leaves_to_decide_are_recorded_together() {
    let place = Place::new();
    let mut store = place.store();
    let id = store.keep_waiting(&answer(1, "/project")).unwrap();
    let landed = landing(2, vec![edited("a", "1\n", "2\n")]);
    store.record_decided(&landed, id, Some("the rest")).unwrap();
    assert_eq!(store.waiting(None).unwrap()[0].1.review, "the rest");
    store.record_decided(&landed, id, None).unwrap();
    assert_eq!(store.waiting(None).unwrap(), []);
    assert_eq!(store.list(Some("/project"), 9).unwrap().len(), 2);
}

#[test]
fn the_past_does_not_pile_up() {
    let place = Place::new();
    let mut store = place.store();
    let text = |number: u64| format!("{number}{}", "x".repeat(999));
    for number in 1..=6 {
        let before = text(number - 1);
        let file = edited("a", &before, &text(number));
        store.record(&landing(number, vec![file])).unwrap();
    }
    let titles = |store: &mut Store| -> Vec<String> {
        let entries = store.list(None, 100).unwrap();
        entries.into_iter().map(|entry| entry.title).collect()
    };
    let limits = Limits {
        landings: 5,
        ..Limits::default()
    };
    assert_eq!(store.prune(&limits, at(10)).unwrap(), 1);
    assert_eq!(titles(&mut store).len(), 5);
    let limits = Limits {
        bytes: 3500,
        ..limits
    };
    assert_eq!(store.prune(&limits, at(10)).unwrap(), 2);
    assert_eq!(titles(&mut store), ["Rewrite 6", "Rewrite 5", "Rewrite 4"]);
    let limits = Limits {
        age: Duration::from_secs(5),
        ..limits
    };
    assert_eq!(store.prune(&limits, at(10)).unwrap(), 1);
    assert_eq!(titles(&mut store), ["Rewrite 6", "Rewrite 5"]);
    assert_eq!(store.prune(&limits, at(10)).unwrap(), 0);
    // What stays can still be undone.
    let newest = store.list(None, 1).unwrap()[0].id;
    let (_, files) = store.get(newest).unwrap().unwrap();
    assert_eq!(files[0].before(), Some(text(5)));
}

#[test]
fn answers_that_wait_go_only_when_there_are_too_many() {
    let place = Place::new();
    let mut store = place.store();
    let ids: Vec<_> = (1..=4)
        .map(|number| store.keep_waiting(&answer(number, "/p")).unwrap())
        .collect();
    let left = |store: &mut Store| -> Vec<WaitingId> {
        let waiting = store.waiting(None).unwrap();
        waiting.iter().map(|(id, _)| *id).collect()
    };
    let limits = Limits {
        age: Duration::from_secs(1),
        ..Limits::default()
    };
    assert_eq!(store.prune(&limits, at(1000)).unwrap(), 0);
    assert_eq!(left(&mut store), ids, "however old they are");
    let limits = Limits {
        answers: 3,
        ..Limits::default()
    };
    assert_eq!(store.prune(&limits, at(6)).unwrap(), 1);
    let limits = Limits {
        bytes: 100,
        ..Limits::default()
    };
    assert_eq!(store.prune(&limits, at(6)).unwrap(), 1);
    assert_eq!(left(&mut store), ids[2..], "the oldest went");
}

#[test]
fn two_servers_share_one_file() {
    let place = Place::new();
    let (mut one, mut other) = (place.store(), place.store());
    let first = one.record(&landing(1, vec![])).unwrap();
    let second = other.record(&landing(2, vec![])).unwrap();
    assert_ne!(first, second);
    assert_eq!(one.list(None, 10).unwrap(), other.list(None, 10).unwrap());
}

#[test]
fn servers_that_start_together_make_one_database() {
    let place = Place::new();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let mut store = place.store();
            std::thread::spawn(move || {
                store.record(&landing(number, vec![])).unwrap();
                assert_eq!(store.take_notices(), []);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(place.store().list(None, 10).unwrap().len(), 4);
}

#[test]
fn a_file_that_is_no_database_of_ours_is_set_aside() {
    let place = Place::new();
    fs::create_dir(&place.state).unwrap();
    let path = place.store().path();
    let theirs = place.state.join("theirs");
    let other = rusqlite::Connection::open(&theirs).unwrap();
    other
        .execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
    drop(other);
    let spoilt: [&[u8]; 2] = [
        &b"This is a shopping list. ".repeat(50),
        &fs::read(theirs).unwrap(),
    ];
    for (number, content) in spoilt.iter().enumerate() {
        fs::write(&path, content).unwrap();
        let mut store = place.store();
        store.record(&landing(1, vec![])).unwrap();
        let aside = Utf8PathBuf::from(format!("{path}.damaged-{}", number + 1));
        let [Notice::SetAside { path: told, .. }] = &store.take_notices()[..] else {
            panic!("one notice");
        };
        assert_eq!(*told, aside);
        assert!(
            fs::read(&aside).unwrap() == *content,
            "nothing of it is lost"
        );
        assert_eq!(place.store().list(None, 10).unwrap().len(), 1);
    }
}

#[test]
fn a_file_that_gets_damaged_while_it_is_open_is_set_aside() {
    let place = Place::new();
    let mut store = place.store();
    let big = "x".repeat(100_000);
    for number in 1..20 {
        let before = format!("{number}{big}");
        store
            .record(&landing(number, vec![edited("a", &before, "y")]))
            .unwrap();
    }
    let path = store.path();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    // All but the first page, so that it opens.
    bytes[4096..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let mut store = place.store();
    assert_eq!(store.list(None, 10).unwrap(), []);
    assert!(matches!(
        &store.take_notices()[..],
        [Notice::SetAside { .. }]
    ));
    store.record(&landing(1, vec![])).unwrap();
    assert_eq!(place.store().list(None, 10).unwrap().len(), 1);
}

#[test]
fn a_later_version_s_database_is_left_alone() {
    let place = Place::new();
    place.store().record(&landing(1, vec![])).unwrap();
    let path = place.store().path();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let mut store = place.store();
    store.record(&landing(2, vec![])).unwrap();
    let notices = store.take_notices();
    let [Notice::InMemory { cause, .. }] = &notices[..] else {
        panic!("{notices:?}");
    };
    assert!(cause.contains("a later version of Pleach has written it"));
    assert!(
        notices[0]
            .to_string()
            .starts_with("The history and the ledger cannot be kept in ")
    );
    // For as long as the server runs.
    assert_eq!(store.list(None, 10).unwrap().len(), 1);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let kept: i64 = connection
        .query_row("SELECT count(*) FROM landing", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn where_nothing_can_be_written_it_is_kept_in_memory() {
    let place = Place::new();
    fs::write(&place.state, "a file where the state folder should be").unwrap();
    let mut store = place.store();
    let id = store
        .record(&landing(1, vec![edited("a", "1", "2")]))
        .unwrap();
    assert!(matches!(
        &store.take_notices()[..],
        [Notice::InMemory { .. }]
    ));
    let (_, files) = store.get(id).unwrap().unwrap();
    assert_eq!(files[0].before().as_deref(), Some("1"));
    assert_eq!(store.take_notices(), [], "it is said once");
}

#[test]
fn nothing_is_opened_before_it_is_needed() {
    let place = Place::new();
    let store = place.store();
    drop(store);
    assert!(!place.state.exists());
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let mut store = place.store();
    store.record(&landing(1, vec![])).unwrap();
    let mode = |path: &Utf8Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.state), 0o700);
    let files: Vec<_> = place.state.read_dir_utf8().unwrap().flatten().collect();
    assert!(files.len() >= 2, "with what has not reached the file yet");
    for file in files {
        assert_eq!(mode(file.path()), 0o600, "{}", file.path());
    }
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-c🌿]{0,3}", 0..8)
}

/// Lines of other letters: had somebody typed the very line that landed, nobody could tell the two apart.
fn other_lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[x-z🌳]{1,3}", 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever landed and was typed since: the undo restores the old text, or keeps what came later, or
    /// says that the two overlap.
    #[test]
    fn an_undo_leaves_what_came_later(before in lines(), after in lines(), typed in other_lines()) {
        let (before, after) = (before.join("\r\n"), after.join("\r\n"));
        let place = Place::new();
        let id = place.store().record(&landing(1, vec![edited("a", &before, &after)])).unwrap();
        let (_, files) = place.store().get(id).unwrap().unwrap();
        let undo = files[0].undone_in(&after).unwrap();
        prop_assert_eq!(undo.apply_to_str(&after).unwrap(), before.clone());
        // Typed behind everything that landed.
        let tail = typed.join("\n");
        let now = format!("{after}\n--\n{tail}");
        if let Ok(undo) = files[0].undone_in(&now) {
            let undone = undo.apply_to_str(&now).unwrap();
            prop_assert!(undone.ends_with(&format!("--\n{tail}")), "{:?}", undone);
        }
    }
}

#[test]
fn a_later_start_knows_what_was_dismissed() {
    let place = Place::new();
    let dismissal = |path: &str| Dismissal {
        path: path.into(),
        rule: "bounds".into(),
        fingerprint: "0123".into(),
    };
    let mut store = place.store();
    for path in ["b.rs", "a.rs", "a.rs"] {
        store.dismiss("/project", &dismissal(path), at(0)).unwrap();
    }
    store.dismiss("/other", &dismissal("c.rs"), at(0)).unwrap();
    let mut later = place.store();
    let known = later.dismissed("/project").unwrap();
    assert_eq!(known, [dismissal("a.rs"), dismissal("b.rs")]);
    let back = later.take_dismissals_back("/project", Some("a.rs"));
    assert_eq!(back.unwrap(), 1);
    assert_eq!(later.take_dismissals_back("/project", None).unwrap(), 1);
    assert!(later.dismissed("/project").unwrap().is_empty());
    assert_eq!(later.dismissed("/other").unwrap().len(), 1);
}
