//! What holds for every text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use std::collections::BTreeSet;

use pleach_plan::{Known, Plan, Status};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// Pieces of plans, and of what is no plan, in any order: half-typed ones come about by themselves.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "# Title\n",
        "## Steps\n",
        "## Goal\n",
        "prose\n",
        "  indented prose\n",
        "\n",
        "\r\n",
        "\n",
        "1. [ ] one\n",
        "2. [x] two\n",
        "1. [~] again\r\n",
        "3) [-] three\n",
        "- [!] four\n",
        "   - [ ] nested\n",
        "0. [?] zero\n",
        "7. [é] odd\n",
        "8. [] empty\n",
        "9. no box\n",
        "   - role: tester\n",
        "   - files: `a.rs`, b.rs (new)\n",
        "   - files: `a.rs\n",
        "   - after: 1, 2, 99999999999\n",
        "   - after: 3\n",
        "   - check: `cargo test`\n",
        "   - check: `a | b`\n",
        "   - result: it went wrong\n",
        "\t- at: `x`\n",
        "   ```\n",
        "```rust\n",
        "~~~\n",
        "<!-- \n",
        "-->\n",
        "---\n",
        "rules: 12\n",
        "[",
        "1. [",
        "𝄞",
        "`",
        "   - result:",
        "   - role:",
    ];
    prop_oneof![
        4 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(Status::ALL.to_vec())
}

fn config() -> Config {
    Config {
        cases: 1500,
        rng_seed: RngSeed::Fixed(6),
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_understood(text in text()) {
        let plan = Plan::parse(&text);
        for step in plan.steps() {
            for range in [step.status_range, step.title_range, step.head, step.range] {
                prop_assert!(text.get(range.as_usize()).is_some(), "{range} of {text:?}");
            }
            prop_assert!(text[step.title_range.as_usize()].contains(&step.title));
        }
        let known = Known {
            is_file: &|_| false,
            is_role: &|_| false,
            is_running: &|_| false,
            rules: "",
        };
        for problem in plan.problems(&known) {
            prop_assert!(text.get(problem.range.as_usize()).is_some(), "{problem:?} of {text:?}");
        }
        let order = plan.order();
        for (place, at) in order.iter().enumerate() {
            for first in &plan.steps()[*at].after {
                if let Some(first) = plan.index_of(first.value) {
                    prop_assert!(order[..place].contains(&first), "{order:?} of {text:?}");
                }
            }
        }
        let unique: BTreeSet<usize> = order.iter().copied().collect();
        prop_assert_eq!(unique.len(), order.len());
    }

    #[test]
    fn a_mark_keeps_every_other_byte(text in text(), status in status()) {
        let plan = Plan::parse(&text);
        for (at, step) in plan.steps().iter().enumerate() {
            if step.result.is_some() {
                continue;
            }
            let marked = plan.mark(at, status, None).unwrap();
            prop_assert!(marked.replacements().len() <= 1);
            let after = marked.apply_to_str(&text).unwrap();
            let now = Plan::parse(&after);
            prop_assert_eq!(now.steps().len(), plan.steps().len());
            prop_assert_eq!(now.steps()[at].status, status);
            // The box alone is new: its brackets hold what the mark says and nothing else.
            let place = step.status_range.as_usize();
            prop_assert_eq!(&after[..place.start], &text[..place.start]);
            prop_assert!(after.ends_with(&text[place.end..]));
            prop_assert_eq!(after.len() + place.len(), text.len() + 1);
        }
    }

    #[test]
    fn a_result_comes_and_goes_without_a_trace(text in text()) {
        let plan = Plan::parse(&text);
        for (at, step) in plan.steps().iter().enumerate() {
            if step.result.is_some() || !step.status_is_known || text[step.status_range.as_usize()] == *"X" {
                continue;
            }
            let failed = plan.mark(at, Status::Failed, Some("it broke")).unwrap();
            let failed = failed.apply_to_str(&text).unwrap();
            let now = Plan::parse(&failed);
            prop_assert_eq!(now.steps().len(), plan.steps().len(), "{:?}", failed);
            prop_assert_eq!(&now.steps()[at].result.as_ref().unwrap().value, "it broke");
            for (one, other) in plan.steps().iter().zip(now.steps()) {
                prop_assert_eq!(&one.title, &other.title);
                prop_assert_eq!(&one.prose, &other.prose, "{:?}", failed);
            }
            let back = now.mark(at, step.status, None).unwrap().apply_to_str(&failed).unwrap();
            // A line break that the result had to make, behind a text that ended without one, may stay.
            let trimmed = back.trim_end_matches(['\r', '\n']);
            prop_assert!(back == text || trimmed == text, "{back:?} of {text:?}");
        }
    }

    #[test]
    fn what_runs_together_waits_for_nothing(text in text()) {
        let plan = Plan::parse(&text);
        for at in plan.next(&[], &[]) {
            let step = &plan.steps()[at];
            prop_assert!(!step.status.is_settled() && step.status != Status::Waiting);
            for first in &step.after {
                prop_assert!(plan.numbered(first.value).is_some_and(|first| first.status.is_settled()));
            }
        }
    }
}
