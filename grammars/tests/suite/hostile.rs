//! What no text can do, in any language: `examples/stress.rs` tries it for longer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod laws;
mod recipes;

use pleach_grammars::{Language, parse_until};
use pleach_text::{ByteOffset, ChangeSet, Replacement};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_261_121),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn language() -> impl Strategy<Value = Language> {
    select(&Language::ALL[..])
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn every_text_is_answered(
        (language, text) in language().prop_flat_map(|one| (Just(one), recipes::text(one, 300)))
    ) {
        laws::hold_for(language, &text);
    }

    #[test]
    fn a_tree_that_follows_changes_is_the_tree_of_the_text(
        (language, text, edits) in language().prop_flat_map(|one| {
            (Just(one), recipes::text(one, 60), recipes::edits(one))
        })
    ) {
        let mut text = text;
        for edit in &edits {
            text = laws::hold_for_change(language, &text, &recipes::change(&text, edit));
        }
    }

    #[test]
    fn parsing_stops_when_it_is_told_to(
        (language, text) in language().prop_flat_map(|one| (Just(one), recipes::text(one, 300))),
        patience in 0..20_usize,
    ) {
        let mut asked = 0;
        let parsed = parse_until(language, &text, &mut || {
            asked += 1;
            asked > patience
        });
        // Once it is told to, it asks no more.
        assert_eq!(parsed.is_none(), asked == patience + 1, "{language}: asked {asked} times");
    }
}

/// What people type, letter by letter, and take back: the text stays a program all the time or is
/// broken for a moment.
#[test]
fn a_sample_typed_anew_is_the_same_tree() {
    for language in Language::ALL {
        let sample = recipes::sample(language);
        for (start, line) in lines(&sample) {
            let len = ByteOffset(sample.len());
            let without = Replacement::new(start..start + line.len(), "");
            let change = ChangeSet::new(vec![without], len).unwrap();
            let short = laws::hold_for_change(language, &sample, &change);
            let back = change.invert(&sample).unwrap();
            assert_eq!(laws::hold_for_change(language, &short, &back), sample);
        }
    }
}

fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            at += line.len();
            (at - line.len(), line)
        })
        .collect()
}
