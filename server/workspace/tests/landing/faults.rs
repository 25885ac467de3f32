//! The process ends, or the system refuses, at every operation there is.

use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering;

use super::{FILES, Place, System, before_and_after, ends_at, of_all_kinds, operations};

#[test]
fn wherever_the_process_ends_the_next_start_leaves_all_old_or_all_new() {
    let (before, after) = before_and_after();
    for system in System::ALL {
        let (mut old, mut new) = (0, 0);
        for at in 0..operations(system) {
            let place = Place::new(FILES);
            let (journal, _) = place.watched(ends_at(at, system));
            // What it answers nobody hears; but it must not claim what is not so.
            let landed = place.land(&of_all_kinds(), &journal).is_ok();
            place.recover();
            let tree = place.tree();
            assert!(
                tree == before || tree == after,
                "{system:?} at {at}: {tree:?}"
            );
            assert!(!landed || tree == after, "{system:?} at {at}");
            *(if tree == after { &mut new } else { &mut old }) += 1;
        }
        assert!(old > 20 && new > 3, "both ends are met: {old} and {new}");
    }
}

#[test]
fn wherever_a_recovery_ends_the_next_one_goes_on() {
    let (before, after) = before_and_after();
    for system in System::ALL {
        let all = operations(system);
        // Half-way, and when the landing was decided already.
        for at in [all / 2, all * 3 / 4, all - 4] {
            for again in 0.. {
                let place = Place::new(FILES);
                let (journal, _) = place.watched(ends_at(at, system));
                let _ = place.land(&of_all_kinds(), &journal);
                let (journal, count) = place.watched(ends_at(again, system));
                let _ = journal.recover(None);
                let was_complete = count.load(Ordering::Relaxed) <= again;
                place.recover();
                let tree = place.tree();
                assert!(
                    tree == before || tree == after,
                    "{system:?} at {at}, then {again}: {tree:?}"
                );
                if was_complete {
                    break;
                }
            }
        }
    }
}

#[test]
fn whatever_is_refused_once_all_files_are_old_or_new_at_once() {
    let (before, after) = before_and_after();
    let refusals = [
        ErrorKind::StorageFull,
        ErrorKind::PermissionDenied,
        ErrorKind::CrossesDevices,
    ];
    for at in 0..operations(System::Full) {
        for refusal in refusals {
            let place = Place::new(FILES);
            let (journal, _) = place.watched(move |number, _, _| {
                if number == at {
                    Err(refusal.into())
                } else {
                    Ok(())
                }
            });
            let landed = place.land(&of_all_kinds(), &journal);
            if let Err(error) = &landed {
                assert_ne!(error.code(), "half-written", "{at} {refusal}: {error}");
            }
            let is_expected = |tree| {
                if landed.is_ok() {
                    tree == after
                } else {
                    tree == before
                }
            };
            // Only what lies beside may still be there, if it was that which could not be removed.
            let mut tree = place.tree();
            tree.retain(|name, _| !name.contains(".pleach-"));
            if landed.is_err() {
                // A folder that was made goes with what lies in it.
                tree.retain(|name, text| text.is_some() || before.contains_key(name));
            }
            assert!(is_expected(tree), "{at} {refusal}: {landed:?}");
            place.recover();
            assert!(is_expected(place.tree()), "{at} {refusal}: {landed:?}");
        }
    }
}

#[test]
fn when_everything_is_refused_from_some_point_on_it_says_so_and_the_next_start_mends_it() {
    let (before, after) = before_and_after();
    let mut half = 0;
    for at in 0..operations(System::Full) {
        let place = Place::new(FILES);
        let full = move |number, _, _: &camino::Utf8Path| -> io::Result<()> {
            if number < at {
                Ok(())
            } else {
                Err(ErrorKind::StorageFull.into())
            }
        };
        let (journal, _) = place.watched(full);
        let landed = place.land(&of_all_kinds(), &journal);
        match &landed {
            Ok(_) => {}
            Err(error) if error.code() == "half-written" => {
                half += 1;
                assert!(error.to_string().contains("`pleach recover` tries again"));
            }
            Err(error) if error.code() == "not-confirmed" => {
                assert_eq!(place.tree().get("gone.txt"), None);
            }
            Err(error) => assert!(
                matches!(error.code(), "write-failed" | "journal-unusable"),
                "{error}"
            ),
        }
        place.recover();
        let tree = place.tree();
        assert!(
            tree == before || tree == after,
            "{at}: {landed:?}: {tree:?}"
        );
        assert!(landed.is_err() || tree == after);
    }
    assert!(half > 5, "it was met half-way {half} times");
}

#[test]
fn a_full_disk_is_met_before_anything_changes() {
    let place = Place::new(FILES);
    let before = place.tree();
    let (journal, _) = place.watched(|_, operation, path| {
        let is_beside = path.as_str().contains(".pleach-");
        if operation == super::Operation::Write && is_beside {
            return Err(ErrorKind::StorageFull.into());
        }
        assert_ne!(operation, super::Operation::Exchange);
        Ok(())
    });
    let error = place.land(&of_all_kinds(), &journal).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a.txt` could not be written: no storage space; no file was changed"
    );
    assert_eq!(place.tree(), before);
    assert_eq!(place.journal_files(), 0);
}
