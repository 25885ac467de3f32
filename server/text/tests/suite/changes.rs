//! The laws of change sets, and the places they map.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use pleach_text::{Bias, ByteOffset, ByteRange, ChangeSet, ChangeSetError, Conflict, Replacement};
use proptest::prelude::*;
use ropey::Rope;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a"),
        Just("b"),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("é"),
        Just("😀"),
        Just("x y"),
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Some change of a text: cuts at character boundaries, every second gap replaced.
fn change_of(text: String) -> impl Strategy<Value = (String, ChangeSet)> {
    let insert = prop_oneof![Just(""), Just("N"), Just("ü\n"), Just("𝄞𝄞")];
    proptest::collection::vec((any::<prop::sample::Index>(), insert, any::<bool>()), 0..5).prop_map(
        move |cuts| {
            let boundaries: Vec<usize> = text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .collect();
            let mut places: Vec<(usize, &str, bool)> = cuts
                .into_iter()
                .map(|(at, insert, deletes)| {
                    (boundaries[at.index(boundaries.len())], insert, deletes)
                })
                .collect();
            places.sort_by_key(|place| place.0);
            let mut replacements = Vec::new();
            let mut at = 0;
            while let Some(&(start, insert, deletes)) = places.get(at) {
                let end = match places.get(at + 1) {
                    Some(next) if deletes => next.0,
                    _ => start,
                };
                replacements.push(Replacement::new(start..end, insert));
                at += if deletes { 2 } else { 1 };
            }
            let len = ByteOffset(text.len());
            (text.clone(), ChangeSet::new(replacements, len).unwrap())
        },
    )
}

fn one_change() -> impl Strategy<Value = (String, ChangeSet)> {
    text().prop_flat_map(change_of)
}

fn two_changes_of_one_text() -> impl Strategy<Value = (String, ChangeSet, ChangeSet)> {
    one_change().prop_flat_map(|(text, one)| {
        change_of(text).prop_map(move |(text, other)| (text, one.clone(), other))
    })
}

fn two_changes_in_a_row() -> impl Strategy<Value = (String, ChangeSet, ChangeSet)> {
    one_change().prop_flat_map(|(text, one)| {
        let between = one.apply_to_str(&text).unwrap();
        change_of(between).prop_map(move |(_, next)| (text.clone(), one.clone(), next))
    })
}

/// The slowest and plainest way: the replacements one by one from the end.
fn naive_apply(text: &str, change: &ChangeSet) -> String {
    let mut text = text.to_owned();
    for Replacement { delete, insert } in change.replacements().iter().rev() {
        text.replace_range(delete.as_usize(), insert);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_rope_and_a_string_change_alike((before, change) in one_change()) {
        let after = change.apply_to_str(&before).unwrap();
        prop_assert_eq!(&after, &naive_apply(&before, &change));
        let mut rope = Rope::from_str(&before);
        change.apply(&mut rope).unwrap();
        prop_assert_eq!(rope.to_string(), after.clone());
        prop_assert_eq!(change.len_after(), ByteOffset(after.len()));
    }

    #[test]
    fn undoing_gives_the_text_back((before, change) in one_change()) {
        let after = change.apply_to_str(&before).unwrap();
        let undo = change.invert(&before).unwrap();
        prop_assert_eq!(undo.apply_to_str(&after).unwrap(), before);
    }

    #[test]
    fn composing_is_applying_twice((before, one, next) in two_changes_in_a_row()) {
        let twice = next.apply_to_str(&one.apply_to_str(&before).unwrap()).unwrap();
        let composed = one.compose(&next).unwrap();
        prop_assert_eq!(composed.apply_to_str(&before).unwrap(), twice);
    }

    #[test]
    fn either_order_makes_one_text((base, ours, theirs) in two_changes_of_one_text()) {
        match (ours.rebase_over(&theirs), theirs.rebase_over(&ours)) {
            (Ok(ours_later), Ok(theirs_later)) => {
                let theirs_first = theirs.apply_to_str(&base).unwrap();
                let ours_first = ours.apply_to_str(&base).unwrap();
                prop_assert_eq!(
                    ours_later.apply_to_str(&theirs_first).unwrap(),
                    theirs_later.apply_to_str(&ours_first).unwrap()
                );
            }
            (Err(one), Err(other)) => {
                prop_assert_eq!((one.ours, one.theirs), (other.theirs, other.ours));
                prop_assert!(one.ours.touches(one.theirs));
            }
            (one, other) => prop_assert!(false, "only one side conflicts: {one:?} {other:?}"),
        }
    }

    #[test]
    fn a_change_of_another_length_touches_nothing((before, change) in one_change()) {
        let longer = format!("{before}!");
        let mut rope = Rope::from_str(&longer);
        prop_assert_eq!(change.apply(&mut rope).unwrap_err().found, ByteOffset(longer.len()));
        prop_assert_eq!(rope.to_string(), longer.clone());
        prop_assert!(change.apply_to_str(&longer).is_err());
        prop_assert!(change.invert(&longer).is_err());
    }

    #[test]
    fn a_place_keeps_its_neighbours((before, change) in one_change()) {
        let after = change.apply_to_str(&before).unwrap();
        let stays = |range: ByteRange| {
            !change.replacements().iter().any(|one| one.delete.intersects(range))
        };
        for (at, char) in before.char_indices() {
            let range = ByteRange::from(at..at + char.len_utf8());
            if stays(range) {
                let start = change.map_offset(range.start, Bias::After);
                let end = change.map_offset(range.end, Bias::Before);
                prop_assert_eq!(ByteRange { start, end }.of(&after), range.of(&before));
                prop_assert_eq!(change.map_range(range).of(&after), range.of(&before));
            }
        }
        prop_assert_eq!(change.map_offset(ByteOffset(before.len()), Bias::After).0, after.len());
        for bias in [Bias::Before, Bias::After] {
            let mapped: Vec<_> =
                (0..=before.len()).map(|at| change.map_offset(ByteOffset(at), bias)).collect();
            prop_assert!(mapped.is_sorted(), "{:?}", mapped);
        }
    }

    #[test]
    fn many_stretches_move_like_one((before, change) in one_change(), sorted in any::<bool>()) {
        let mut ranges: Vec<ByteRange> = (0..=before.len())
            .flat_map(|start| (start..=before.len()).map(move |end| ByteRange::from(start..end)))
            .collect();
        if !sorted {
            ranges.reverse();
        }
        let one_by_one: Vec<_> = ranges.iter().map(|range| change.map_range(*range)).collect();
        prop_assert_eq!(change.map_ranges(&ranges), one_by_one);
    }

    #[test]
    fn a_refined_change_makes_the_same_text((before, one, next) in two_changes_in_a_row()) {
        let change = one.compose(&next).unwrap();
        let refined = change.refine(&before).unwrap();
        let after = change.apply_to_str(&before).unwrap();
        prop_assert_eq!(refined.apply_to_str(&before).unwrap(), after.as_str());
        prop_assert_eq!(refined.refine(&before).unwrap(), refined.clone());
        // Never a longer way than before.
        let cost = |change: &ChangeSet| -> usize {
            change.replacements().iter().map(|one| one.delete.len() + one.insert.len()).sum()
        };
        prop_assert!(cost(&refined) <= cost(&change));
        let refined = change.refine_within(&before, 64).unwrap();
        prop_assert_eq!(refined.apply_to_str(&before).unwrap(), after);
        prop_assert!(cost(&refined) <= cost(&change));
    }

    #[test]
    fn undone_typing_leaves_no_trace((before, change) in one_change()) {
        let undo = change.invert(&before).unwrap();
        let both = change.compose(&undo).unwrap();
        prop_assert!(both.refine(&before).unwrap().is_empty());
    }

    #[test]
    fn what_was_written_down_is_read_again((_, change) in one_change()) {
        let written = serde_json::to_string(&change).unwrap();
        prop_assert_eq!(serde_json::from_str::<ChangeSet>(&written).unwrap(), change);
    }

    #[test]
    fn the_inserted_ranges_hold_what_was_inserted((before, change) in one_change()) {
        let after = change.apply_to_str(&before).unwrap();
        let ranges = change.inserted_ranges();
        prop_assert_eq!(ranges.len(), change.replacements().len());
        for (range, replacement) in ranges.iter().zip(change.replacements()) {
            prop_assert_eq!(range.of(&after), Some(replacement.insert.as_str()));
        }
    }
}

fn change(len: usize, replacements: &[(usize, usize, &str)]) -> ChangeSet {
    let all = replacements
        .iter()
        .map(|&(start, end, insert)| Replacement::new(start..end, insert));
    ChangeSet::new(all.collect(), ByteOffset(len)).unwrap()
}

#[test]
fn overlapping_replacements_are_named() {
    let replacements = vec![Replacement::new(4..6, "x"), Replacement::new(1..5, "y")];
    let error = ChangeSet::new(replacements, ByteOffset(9)).unwrap_err();
    assert_eq!(
        error,
        ChangeSetError::Overlap {
            first: (1..5).into(),
            second: (4..6).into()
        }
    );
    assert_eq!(
        error.to_string(),
        "two changes overlap: bytes 1..5 and bytes 4..6; make them one change"
    );
    let twice = vec![Replacement::new(1..3, "x"), Replacement::new(1..3, "y")];
    assert_eq!(
        ChangeSet::new(twice, ByteOffset(9)).unwrap_err().code(),
        "overlap"
    );
    let outside = vec![Replacement::new(8..10, "x")];
    assert_eq!(
        ChangeSet::new(outside, ByteOffset(9)).unwrap_err().code(),
        "out_of_bounds"
    );
}

#[test]
fn what_starts_at_one_point_is_joined_in_the_order_given() {
    let joined = change(3, &[(1, 1, "x"), (1, 2, "y"), (1, 1, "z"), (2, 2, "")]);
    assert_eq!(joined.replacements(), [Replacement::new(1..2, "xyz")]);
    assert_eq!(joined.apply_to_str("abc").unwrap(), "axyzc");
}

#[test]
fn a_change_that_would_split_a_character_was_made_for_another_text() {
    let split = change(3, &[(1, 2, "x")]);
    let error = split.apply_to_str("é!").unwrap_err();
    assert_eq!(error.inside_character, Some(ByteOffset(1)));
    let mut rope = Rope::from_str("é!");
    assert_eq!(split.apply(&mut rope).unwrap_err(), error);
    assert_eq!(rope.to_string(), "é!");
}

#[test]
fn conflicts() {
    let conflict = |ours: (usize, usize, &str), theirs: (usize, usize, &str)| {
        change(9, &[ours]).rebase_over(&change(9, &[theirs])).err()
    };
    let both = |ours: std::ops::Range<usize>, theirs: std::ops::Range<usize>| {
        Some(Conflict {
            ours: ours.into(),
            theirs: theirs.into(),
        })
    };
    assert_eq!(
        conflict((1, 4, "x"), (3, 5, "y")),
        both(1..4, 3..5),
        "both take out a byte"
    );
    assert_eq!(
        conflict((3, 3, "x"), (2, 5, "")),
        both(3..3, 2..5),
        "into what the other takes out"
    );
    assert_eq!(conflict((2, 5, ""), (3, 3, "x")), both(2..5, 3..3));
    assert_eq!(
        conflict((3, 3, "x"), (3, 3, "y")),
        both(3..3, 3..3),
        "two texts at one point"
    );
    assert_eq!(conflict((1, 3, "x"), (3, 5, "y")), None, "side by side");
    assert_eq!(conflict((2, 2, "x"), (2, 5, "y")), None, "in front of it");
    assert_eq!(conflict((5, 5, "x"), (2, 5, "y")), None, "behind it");
}

#[test]
fn what_both_did_alike_is_there_already() {
    let ours = change(4, &[(0, 1, "x"), (2, 2, "y"), (4, 4, "ours")]);
    let theirs = change(4, &[(0, 1, "x"), (2, 2, "y")]);
    let rebased = ours.rebase_over(&theirs).unwrap();
    assert_eq!(rebased.replacements(), [Replacement::new(5..5, "ours")]);
    assert!(ours.rebase_over(&ours).unwrap().is_empty());
}

#[test]
fn a_border_of_a_replacement_stays_a_border() {
    let change = change(8, &[(2, 5, "longer"), (7, 7, "in")]);
    for (at, before, after) in [
        (0, 0, 0),
        (2, 2, 2),
        (3, 2, 8),
        (5, 8, 8),
        (6, 9, 9),
        (7, 10, 12),
        (8, 13, 13),
    ] {
        assert_eq!(
            change.map_offset(ByteOffset(at), Bias::Before),
            ByteOffset(before),
            "{at}"
        );
        assert_eq!(
            change.map_offset(ByteOffset(at), Bias::After),
            ByteOffset(after),
            "{at}"
        );
    }
    assert_eq!(
        change.map_range((2..5).into()),
        (2..8).into(),
        "replaced as a whole"
    );
    assert_eq!(change.map_range((3..4).into()), (8..8).into(), "swallowed");
    assert_eq!(
        change.map_range((4..7).into()),
        (8..10).into(),
        "what is left of it"
    );
    assert_eq!(change.map_range((7..7).into()), (10..10).into());
}

#[test]
fn an_undo_that_was_found_by_comparing_leaves_no_trace_either() {
    let before = "ab (cd) <aaa>";
    let typed = "aaa>";
    let deleted = change(before.len(), &[(0, 9, "")]);
    // The `a` that is left is not the one that it was.
    let undone = ChangeSet::between(typed, before);
    assert_eq!(undone.replacements(), [Replacement::new(1..1, "b (cd) <a")]);
    let both = deleted.compose(&undone).unwrap();
    assert_eq!(both.replacements().len(), 2);
    assert!(both.refine(before).unwrap().is_empty());
}

#[test]
fn an_undo_leaves_no_trace_beside_a_change_that_stays() {
    let before = "ab (cd) <bah>\nab (cd) <cao>\nab (cd) <dav>\nab (cd) <jal>\ne\u{301} 😀 <kas>\n";
    // The middle of the first lines went, and came again as the middle of others that are like them.
    let told = change(
        before.len(),
        &[(12, 26, ""), (35, 35, " <cao>\nab (cd)"), (47, 56, "")],
    );
    assert_eq!(
        told.refine_within(before, 1024).unwrap().replacements(),
        [Replacement::new(47..56, "")]
    );
}

#[test]
fn a_change_that_was_tampered_with_is_not_read() {
    let read =
        |json: &str| serde_json::from_str::<ChangeSet>(json).map_err(|error| error.to_string());
    let overlap = r#"{"len_before": 9, "replacements": [
        {"delete": {"start": 1, "end": 4}, "insert": "x"},
        {"delete": {"start": 3, "end": 5}, "insert": "y"}]}"#;
    assert!(
        read(overlap)
            .unwrap_err()
            .starts_with("two changes overlap")
    );
    let outside =
        r#"{"len_before": 2, "replacements": [{"delete": {"start": 1, "end": 4}, "insert": ""}]}"#;
    assert!(
        read(outside)
            .unwrap_err()
            .contains("reaches behind the end")
    );
    let backwards =
        r#"{"len_before": 9, "replacements": [{"delete": {"start": 4, "end": 1}, "insert": "x"}]}"#;
    assert!(read(backwards).is_err());
    let more = r#"{"len_before": 9, "replacements": [], "trusted": true}"#;
    assert!(read(more).is_err());
    assert_eq!(
        serde_json::to_string(&change(3, &[(1, 2, "x")])).unwrap(),
        r#"{"len_before":3,"replacements":[{"delete":{"start":1,"end":2},"insert":"x"}]}"#
    );
}
