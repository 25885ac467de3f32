//! Random landings, interrupted at random points, on random systems.

use std::sync::atomic::Ordering;

use pleach_edit::FileChange;
use proptest::prelude::*;

use super::{Place, System, create, delete, edit, ends_at, rename};

/// What happens to one file of a landing.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Edited,
    Created,
    Deleted,
    Renamed,
    Unchanged,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Edited),
        2 => Just(Fate::Created),
        1 => Just(Fate::Deleted),
        1 => Just(Fate::Renamed),
        1 => Just(Fate::Unchanged),
    ]
}

fn system() -> impl Strategy<Value = System> {
    prop_oneof![
        2 => Just(System::Full),
        1 => Just(System::PlainRenames),
        1 => Just(System::NoLinks),
    ]
}

/// A workspace, and a landing on it. `folders` says how deep each file lies.
fn landing(fates: &[(Fate, usize)]) -> (Place, Vec<FileChange>) {
    let place = Place::new(&[]);
    let mut changes = Vec::new();
    for (number, (fate, depth)) in fates.iter().enumerate() {
        let folder = ["", "one/", "one/two/", "other/"][*depth];
        let name = format!("{folder}f{number}.txt");
        let text = format!("text of {number}\r\nand a second line");
        let new = format!("new text of {number}\r\nand a second line");
        if !matches!(fate, Fate::Created) {
            place.write(&name, &text);
        }
        changes.extend(match fate {
            Fate::Edited => Some(edit(&name, &text, &new)),
            Fate::Created => Some(create(&name, &new)),
            Fate::Deleted => Some(delete(&name, &text)),
            Fate::Renamed => Some(rename(&name, &format!("moved/{number}.txt"), &text, &new)),
            Fate::Unchanged => None,
        });
    }
    (place, changes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_landing_is_all_or_nothing(
        fates in prop::collection::vec((fate(), 0..4_usize), 1..7),
        system in system(),
        ends in 0.0..1.0_f64,
        ends_again in 0.0..1.0_f64,
    ) {
        let (place, changes) = landing(&fates);
        let (journal, count) = place.watched(move |_, operation, _| system.knows(operation));
        place.land(&changes, &journal).unwrap();
        let after = place.tree();
        let all = count.load(Ordering::Relaxed);

        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let share = |share: f64| (all as f64 * share) as usize;
        let (place, changes) = landing(&fates);
        let before = place.tree();
        let (journal, _) = place.watched(ends_at(share(ends), system));
        let landed = place.land(&changes, &journal);
        // The first recovery ends as well, the second does not.
        let (journal, _) = place.watched(ends_at(share(ends_again), system));
        let _ = journal.recover(None);
        place.recover();
        let tree = place.tree();
        prop_assert!(tree == before || tree == after, "{tree:?}");
        prop_assert!(landed.is_err() || tree == after);
    }
}
