//! Somebody else writes while a landing runs, or before an interrupted one is recovered.

use std::fs;
use std::io;

use camino::Utf8Path;
use pleach_workspace::{FileOutcome, Journal, Operation, Outcome, Recovered};

use super::{FILES, Place, System, create, delete, edit, ends_at, of_all_kinds, operations};

/// Lands two edits and ends right before the operation of the given kind that is the `nth` (from 0).
fn interrupted_before(place: &Place, kind: Operation, nth: usize) {
    let (journal, _) = place.watched({
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let ended = std::sync::atomic::AtomicBool::new(false);
        move |_, operation, _| {
            use std::sync::atomic::Ordering::Relaxed;
            if operation == kind && seen.fetch_add(1, Relaxed) == nth {
                ended.store(true, Relaxed);
            }
            if ended.load(Relaxed) {
                Err(io::Error::other("the process has ended"))
            } else {
                Ok(())
            }
        }
    });
    let changes = [edit("a.txt", "a\n", "A\n"), edit("b.txt", "b\n", "B\n")];
    assert!(place.land(&changes, &journal).is_err());
}

fn two_files() -> Place {
    Place::new(&[("a.txt", "a\n"), ("b.txt", "b\n")])
}

fn recovered(place: &Place) -> Recovered {
    let mut all = place.journal().recover(None).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(place.journal_files(), 0);
    let names: Vec<String> = place.tree().into_keys().collect();
    assert!(
        !names.iter().any(|name| name.contains(".pleach-")),
        "{names:?}"
    );
    all.remove(0)
}

fn outcomes(recovered: &Recovered) -> Vec<&FileOutcome> {
    recovered.files.iter().map(|file| &file.outcome).collect()
}

#[test]
fn what_is_written_at_the_last_moment_is_put_back() {
    for system in [System::Full, System::PlainRenames] {
        let place = two_files();
        let target = place.root.join("b.txt");
        let (journal, _) = place.watched(move |_, operation, path| {
            // After the last look at it, and before it is replaced.
            if operation == Operation::Exchange && path == target {
                fs::write(&target, "typed at the last moment\n").unwrap();
            }
            system.knows(operation)
        });
        let changes = [edit("a.txt", "a\n", "A\n"), edit("b.txt", "b\n", "B\n")];
        let error = place.land(&changes, &journal).unwrap_err();
        assert_eq!(error.code(), "changed-on-disk");
        assert_eq!(place.read("a.txt"), "a\n");
        assert_eq!(place.read("b.txt"), "typed at the last moment\n");
        assert_eq!(place.tree().len(), 2);
    }
}

#[test]
fn a_file_that_appears_at_the_last_moment_is_not_written_over() {
    for system in System::ALL {
        let place = two_files();
        let target = place.root.join("c.txt");
        let (journal, _) = place.watched(move |_, operation, path| {
            if operation == Operation::Move && path.as_str().contains(".pleach-") {
                fs::write(&target, "theirs\n").unwrap();
            }
            system.knows(operation)
        });
        let changes = [edit("a.txt", "a\n", "A\n"), create("c.txt", "ours\n")];
        let error = place.land(&changes, &journal).unwrap_err();
        assert_eq!(error.code(), "file-exists", "{system:?}");
        assert_eq!(place.read("a.txt"), "a\n");
        assert_eq!(place.read("c.txt"), "theirs\n");
        assert_eq!(place.tree().len(), 3);
    }
}

#[test]
fn a_file_that_is_changed_while_it_is_deleted_comes_back() {
    let place = two_files();
    let target = place.root.join("b.txt");
    let (journal, _) = place.watched(move |_, operation, path| {
        if operation == Operation::Move && path == target {
            fs::write(&target, "still needed\n").unwrap();
        }
        Ok(())
    });
    let error = place.land(&[delete("b.txt", "b\n")], &journal).unwrap_err();
    assert_eq!(error.code(), "changed-on-disk");
    assert_eq!(place.read("b.txt"), "still needed\n");
}

#[test]
fn a_file_changed_before_its_turn_is_left_and_our_text_is_kept() {
    let place = two_files();
    interrupted_before(&place, Operation::Exchange, 1);
    assert_eq!(
        (place.read("a.txt"), place.read("b.txt")),
        ("A\n".into(), "b\n".into())
    );
    place.write("b.txt", "theirs\n");
    let recovered = recovered(&place);
    assert_eq!(recovered.outcome, Outcome::RolledBack);
    let [FileOutcome::Old, FileOutcome::Theirs { kept: Some(kept) }] = outcomes(&recovered)[..]
    else {
        panic!("{recovered:?}");
    };
    assert!(recovered.is_whole());
    assert_eq!(fs::read_to_string(kept).unwrap(), "B\n");
    assert_eq!(
        (place.read("a.txt"), place.read("b.txt")),
        ("a\n".into(), "theirs\n".into())
    );
    assert_eq!(
        recovered.to_string(),
        "an interrupted landing of 2 files was taken back"
    );
    assert!(
        recovered.files[1].outcome.to_string().starts_with(
            "was changed by someone else and left as it is; the other text is kept in "
        )
    );
}

#[test]
fn when_someone_went_on_with_a_new_text_the_rest_follows() {
    let place = two_files();
    interrupted_before(&place, Operation::Exchange, 1);
    place.write("a.txt", "A\nand more\n");
    let recovered = recovered(&place);
    assert_eq!(recovered.outcome, Outcome::Finished);
    assert_eq!(outcomes(&recovered), [&FileOutcome::New, &FileOutcome::New]);
    assert!(recovered.is_whole());
    assert_eq!(
        (place.read("a.txt"), place.read("b.txt")),
        ("A\nand more\n".into(), "B\n".into())
    );
}

#[test]
fn when_it_can_be_neither_taken_back_nor_finished_everything_is_kept_and_said() {
    let place = two_files();
    interrupted_before(&place, Operation::Exchange, 1);
    place.write("a.txt", "A\nand more\n");
    place.write("b.txt", "theirs\n");
    let recovered = recovered(&place);
    assert!(!recovered.is_whole());
    assert_eq!(recovered.odd_files().count(), 2);
    let [
        FileOutcome::Both { kept: Some(old) },
        FileOutcome::Theirs { kept: Some(new) },
    ] = outcomes(&recovered)[..]
    else {
        panic!("{recovered:?}");
    };
    assert_eq!(fs::read_to_string(old).unwrap(), "a\n");
    assert_eq!(fs::read_to_string(new).unwrap(), "B\n");
    assert_eq!(
        (place.read("a.txt"), place.read("b.txt")),
        ("A\nand more\n".into(), "theirs\n".into())
    );
}

#[test]
fn a_file_that_someone_deleted_meanwhile_stays_deleted() {
    let place = two_files();
    interrupted_before(&place, Operation::Exchange, 1);
    fs::remove_file(place.root.join("b.txt")).unwrap();
    let recovered = recovered(&place);
    assert!(matches!(
        outcomes(&recovered)[1],
        FileOutcome::Theirs { kept: Some(_) }
    ));
    assert_eq!(place.read("a.txt"), "a\n");
    assert!(!place.root.join("b.txt").exists());
}

#[test]
fn a_landing_that_runs_is_not_recovered_by_another_server() {
    let place = two_files();
    let state = place.state.clone();
    let (journal, _) = place.watched(move |_, operation, _| {
        if matches!(operation, Operation::Exchange | Operation::SyncFolder) {
            let others = Journal::new(&state).recover(None).unwrap();
            assert_eq!(others, [], "it is left to who is at it");
        }
        Ok(())
    });
    let changes = [edit("a.txt", "a\n", "A\n"), edit("b.txt", "b\n", "B\n")];
    place.land(&changes, &journal).unwrap();
    assert_eq!(
        (place.read("a.txt"), place.read("b.txt")),
        ("A\n".into(), "B\n".into())
    );
}

#[test]
fn what_was_interrupted_can_be_asked_without_ending_it() {
    let place = two_files();
    assert!(place.journal().interrupted().unwrap().is_empty());
    interrupted_before(&place, Operation::Exchange, 1);
    let before = place.tree();
    let folders = [place.root.clone()];
    assert_eq!(place.journal().interrupted().unwrap(), folders);
    assert_eq!(place.tree(), before);
    place.recover();
    assert!(place.journal().interrupted().unwrap().is_empty());
}

#[test]
fn only_the_landings_of_one_folder_are_recovered_when_asked_so() {
    let place = two_files();
    interrupted_before(&place, Operation::Exchange, 1);
    let elsewhere = place.root.with_file_name("elsewhere");
    assert_eq!(place.journal().recover(Some(&elsewhere)).unwrap(), []);
    assert_eq!(place.journal_files(), 1);
    assert_eq!(place.journal().recover(Some(&place.root)).unwrap().len(), 1);
    assert_eq!(place.read("a.txt"), "a\n");
}

#[test]
fn a_journal_that_cannot_be_read_is_named_and_left() {
    let place = two_files();
    fs::create_dir_all(place.state.join("landing")).unwrap();
    let path = place.state.join("landing/1.plan");
    for text in ["not JSON", r#"{"form":99,"steps":[],"folders":[]}"#] {
        fs::write(&path, text).unwrap();
        let recovered = place.journal().recover(None).unwrap();
        assert!(matches!(recovered[0].outcome, Outcome::Unreadable { .. }));
        assert!(!recovered[0].is_whole() && path.exists());
        assert!(recovered[0].to_string().contains(path.as_str()));
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_is_put_in_the_way_leads_nowhere() {
    let place = Place::new(&[("dir/a.txt", "a\n")]);
    let outside = place.root.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a.txt"), "a\n").unwrap();
    let (dir, away, target) = (
        place.root.join("dir"),
        place.root.join("away"),
        outside.clone(),
    );
    let swap = move |_: usize, operation: Operation, _: &Utf8Path| {
        // The moment after everything was checked.
        if operation == Operation::Create && !away.exists() && dir.exists() {
            fs::rename(&dir, &away).unwrap();
            std::os::unix::fs::symlink(&target, &dir).unwrap();
        }
        Ok(())
    };
    let (journal, _) = place.watched(swap);
    let error = place
        .land(&[edit("dir/a.txt", "a\n", "A\n")], &journal)
        .unwrap_err();
    assert!(
        matches!(error.code(), "write-failed" | "half-written"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(outside.join("a.txt")).unwrap(), "a\n");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn a_second_landing_goes_its_way_while_one_waits_to_be_recovered() {
    let place = Place::new(FILES);
    let (journal, _) = place.watched(ends_at(operations(System::Full) / 2, System::Full));
    assert!(place.land(&of_all_kinds(), &journal).is_err());
    place
        .land(
            &[edit("untouched.txt", "as ever\n", "new\n")],
            &place.journal(),
        )
        .unwrap();
    place.recover();
    assert_eq!(place.read("untouched.txt"), "new\n");
}
