//! Kept answers on a real disk.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::fs;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use expect_test::expect;
use pleach_store::{AnswerStore, Bounds, KeptAnswer};
use tempfile::TempDir;

/// 2026-11-21 06:41:09.123 UTC.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_243_269_123)
}

fn state() -> (TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(folder.path()).unwrap().join("state");
    (folder, path)
}

fn answer(job: u64) -> KeptAnswer {
    KeptAnswer {
        job,
        action: "Rewrite".to_owned(),
        instruction: Some("shorter,\nand clearer".to_owned()),
        engine: "built-in syntax engine, no AI model".to_owned(),
        reply: "first line\n".to_owned(),
        reason: "the place was not found".to_owned(),
    }
}

fn names(store: &AnswerStore) -> Vec<String> {
    store
        .list()
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect()
}

#[test]
fn an_answer_is_a_page_that_a_person_can_read() {
    let (_folder, state) = state();
    let store = AnswerStore::open(&state).unwrap();
    let path = store.keep(&answer(3), now()).unwrap();
    assert_eq!(
        path.file_name(),
        Some("2026-11-21T06-41-09.123Z-0003-rewrite.answer.md")
    );
    expect![[r"
        # Pleach kept this answer

        - when: 2026-11-21 06:41:09 UTC
        - job: 3
        - action: Rewrite
        - instruction: shorter,
          and clearer
        - answered by: built-in syntax engine, no AI model
        - did not land because: the place was not found

        Select what follows the line and run *Land this reply*, or take from it what you need.

        ---

        first line
    "]]
    .assert_eq(&fs::read_to_string(path).unwrap());
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, state) = state();
    // A folder from before, open to everybody, is closed.
    fs::create_dir_all(state.join("answers")).unwrap();
    fs::set_permissions(state.join("answers"), fs::Permissions::from_mode(0o755)).unwrap();
    let store = AnswerStore::open(&state).unwrap();
    let path = store.keep(&answer(1), now()).unwrap();
    let mode = |path: &Utf8Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.folder()), 0o700);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn the_oldest_make_room() {
    let (_folder, state) = state();
    let bounds = Bounds {
        count: 3,
        ..Bounds::default()
    };
    let store = AnswerStore::open_with(&state, bounds).unwrap();
    for job in 0..5 {
        store
            .keep(&answer(job), now() + Duration::from_secs(job))
            .unwrap();
    }
    let jobs: Vec<String> = names(&store)
        .iter()
        .map(|name| name[25..29].to_owned())
        .collect();
    assert_eq!(jobs, ["0002", "0003", "0004"]);
}

#[test]
fn what_is_too_old_goes_and_what_is_not_ours_stays() {
    let (_folder, state) = state();
    let store = AnswerStore::open(&state).unwrap();
    let old = store.keep(&answer(1), now()).unwrap();
    let foreign = store.folder().join("2020-01-01-notes.md");
    fs::write(&foreign, "mine").unwrap();
    let lookalike = store.folder().join("my.answer.md");
    fs::write(&lookalike, "mine too").unwrap();

    let day = Duration::from_hours(24);
    store.keep(&answer(2), now() + 30 * day).unwrap();
    assert!(old.exists(), "30 days are not too long");
    store
        .keep(&answer(3), now() + 30 * day + Duration::from_secs(1))
        .unwrap();
    assert!(!old.exists());
    assert!(foreign.exists() && lookalike.exists());
    assert_eq!(names(&store).len(), 2);
}

#[test]
fn two_at_the_same_moment_are_both_kept() {
    let (_folder, state) = state();
    let store = AnswerStore::open(&state).unwrap();
    let one = store.keep(&answer(1), now()).unwrap();
    let other = store.keep(&answer(1), now()).unwrap();
    assert_ne!(one, other);
    assert_eq!(store.list().len(), 2);
}

#[test]
fn a_name_is_never_a_path() {
    let (_folder, state) = state();
    let store = AnswerStore::open(&state).unwrap();
    for action in ["../../etc/passwd", "", "ünï/…", &"long".repeat(100)] {
        let kept = KeptAnswer {
            action: action.to_owned(),
            ..answer(u64::MAX)
        };
        let path = store.keep(&kept, now()).unwrap();
        assert_eq!(path.parent(), Some(store.folder()));
    }
}

#[test]
fn a_reply_without_end_is_cut_and_that_is_said() {
    let (_folder, state) = state();
    let bounds = Bounds {
        reply_bytes: 10,
        ..Bounds::default()
    };
    let store = AnswerStore::open_with(&state, bounds).unwrap();
    let kept = KeptAnswer {
        reply: "123456789ü and more".to_owned(),
        ..answer(1)
    };
    let text = fs::read_to_string(store.keep(&kept, now()).unwrap()).unwrap();
    assert!(text.contains("- cut: only the first 9 of 20 bytes were kept\n"));
    assert!(text.ends_with("\n\n123456789"));
}

#[test]
fn a_folder_that_was_cleared_is_made_again() {
    let (_folder, state) = state();
    let store = AnswerStore::open(&state).unwrap();
    fs::remove_dir_all(&state).unwrap();
    assert!(store.list().is_empty());
    assert!(store.keep(&answer(1), now()).unwrap().exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let (_folder, state) = state();
    fs::write(&state, "a file, no folder").unwrap();
    let error = AnswerStore::open(&state).unwrap_err();
    assert_eq!(error.code(), "store_folder");
    assert!(error.to_string().contains(state.as_str()), "{error}");
}

#[test]
fn a_time_before_the_calendar_is_no_panic() {
    let (_folder, state) = state();
    let store = AnswerStore::open(&state).unwrap();
    let path = store.keep(&answer(1), SystemTime::UNIX_EPOCH).unwrap();
    assert!(
        path.file_name()
            .unwrap()
            .starts_with("1970-01-01T00-00-00.000Z")
    );
}
