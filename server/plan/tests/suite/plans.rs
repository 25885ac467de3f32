//! Plans as people write them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use pleach_plan::{Check, Draft, DraftStep, Known, Plan, Role, Severity, Status};

/// The codes of the problems, with the text that each is shown at.
fn problems(text: &str) -> Vec<(&'static str, String)> {
    let known = Known {
        is_file: &|path| path == "src/a.rs" || path == "src/b.rs",
        is_role: &|name| name == "translator",
        is_running: &|_| false,
        rules: "0123",
    };
    Plan::parse(text)
        .problems(&known)
        .into_iter()
        .map(|problem| {
            let shown = text[problem.range.as_usize()].to_owned();
            (problem.code, shown)
        })
        .collect()
}

const PLAN: &str = "\
---
rules: 0123
---

# Lend books

## Goal

Members can borrow books.

## Context

1. [ ] this is no step: it stands in the context

## Steps

Some words about the steps.

1. [x] **Write `lend`**
   - role: coder
   - files: `src/a.rs`, `src/new.rs` (new)
   - check: `cargo check`

   ```rust
   1. [ ] neither is this
   - role: nobody
   ```

2. [ ] Test it
   - role: tester
   - files: src/new.rs
   - after: step 1
   - check: every refusal has a test
   - estimate: ~2k tokens

   Think of *all* refusals.
   - a book that is lent

3. [-] Review it
   * Role: Reviewer
   * depends on: 1, 2

## Afterwards

Done.
";

#[test]
fn a_plan_is_understood() {
    let plan = Plan::parse(PLAN);
    assert_eq!(plan.title().unwrap().value, "Lend books");
    assert_eq!(plan.goal().unwrap().value, "Members can borrow books.");
    assert_eq!(plan.rules().unwrap().value, "0123");
    let [one, two, three] = plan.steps() else {
        unreachable!("{:#?}", plan.steps())
    };
    assert_eq!((one.number, one.status), (1, Status::Done));
    assert_eq!(one.title, "Write `lend`");
    let files: Vec<(&str, bool)> = one
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.is_new))
        .collect();
    assert_eq!(files, [("src/a.rs", false), ("src/new.rs", true)]);
    assert_eq!(two.role(), Role::Tester);
    assert_eq!(two.after[0].value, 1);
    assert!(
        matches!(&two.check, Some(Check::Statement { text, .. }) if text == "every refusal has a test")
    );
    assert_eq!(two.estimate.as_ref().unwrap().value, "~2k tokens");
    assert_eq!(two.prose, "Think of *all* refusals.\n- a book that is lent");
    assert_eq!(
        (three.status, three.role()),
        (Status::Skipped, Role::Reviewer)
    );
    assert_eq!(problems(PLAN), []);
    assert_eq!(plan.next(&[], &[]), [1]);
}

#[test]
fn a_tick_changes_one_byte() {
    let plan = Plan::parse(PLAN);
    let changes = plan.mark(1, Status::Done, None).unwrap();
    let [only] = changes.replacements() else {
        unreachable!()
    };
    assert_eq!((only.delete.len(), only.insert.as_str()), (1, "x"));
    assert!(plan.mark(0, Status::Done, None).unwrap().is_empty());
    assert!(plan.mark(9, Status::Done, None).is_err());
}

#[test]
fn a_result_is_a_line_of_its_own_that_comes_and_goes() {
    for text in [
        "1. [ ] a\n   - role: coder\n\n   prose\n2. [ ] b\n",
        "1. [ ] a\r\n   - role: coder\r\n2. [ ] b\r\n",
        "- [ ] a",
        "1. [ ] a\n   - role: coder",
        "10) [] a\n",
    ] {
        let failed = Plan::parse(text)
            .mark(0, Status::Failed, Some("no\nway"))
            .unwrap();
        let failed = failed.apply_to_str(text).unwrap();
        let plan = Plan::parse(&failed);
        assert_eq!(plan.steps()[0].status, Status::Failed, "{failed:?}");
        assert_eq!(
            plan.steps()[0].result.as_ref().unwrap().value,
            "no way",
            "{failed:?}"
        );
        assert_eq!(
            plan.steps().len(),
            Plan::parse(text).steps().len(),
            "{failed:?}"
        );
        let again = plan
            .mark(0, Status::Failed, Some("other"))
            .unwrap()
            .apply_to_str(&failed)
            .unwrap();
        assert_eq!(again, failed.replace("no way", "other"));
        let open = plan
            .mark(0, Status::Todo, None)
            .unwrap()
            .apply_to_str(&failed)
            .unwrap();
        let wanted = text.replace("[]", "[ ]");
        assert_eq!(open.trim_end(), wanted.trim_end());
    }
}

#[test]
fn numbers_that_are_all_alike_are_places() {
    let plan = Plan::parse("1. [ ] a\n1. [ ] b\n1. [ ] c\n   - after: 2\n");
    let numbers: Vec<u32> = plan.steps().iter().map(|step| step.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(plan.next(&[], &[]), [0], "a step without files runs alone");
    assert_eq!(Plan::parse("- [ ] a\n* [x] b\n").steps()[1].number, 2);
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let text = "\
## Steps
1. [ ] a
   - files: src/none.rs
   - after: 3
2. [ ] b
   - role: wizard
   - check: `a && b`
   - after: 9
3. [ ] c
   - role: translator
   - after: 1
   - check: it is good
2. [q] d
   - after: 2
4. e
5. [ ]
   - check: x
";
    assert_eq!(
        problems(text),
        [
            ("no-check", "1. [ ] a".into()),
            ("unknown-file", "src/none.rs".into()),
            ("cycle", "3".into()),
            ("unknown-role", "wizard".into()),
            ("needs-shell", "a && b".into()),
            ("unknown-step", "9".into()),
            ("cycle", "1".into()),
            ("same-number", "2. [q] d".into()),
            ("unknown-status", "2. [q] d".into()),
            ("no-check", "2. [q] d".into()),
            ("no-box", "4. e".into()),
            ("no-title", "5. [ ]".into()),
        ]
    );
}

#[test]
fn a_failed_step_blocks_what_depends_on_it() {
    let text = "1. [!] a\n   - check: x\n   - result: no way\n2. [ ] b\n   - check: x\n   - after: 1\n3. [~] c\n   - check: x\n";
    assert_eq!(
        problems(text),
        [
            ("failed", "1. [!] a".into()),
            ("blocked", "2. [ ] b".into()),
            ("interrupted", "3. [~] c".into()),
        ]
    );
    let plan = Plan::parse(text);
    assert_eq!(
        plan.next(&[], &[0]),
        [2],
        "what was interrupted is taken up"
    );
    assert_eq!(plan.dependents(0), [1]);
}

#[test]
fn rules_that_changed_are_told() {
    let text = "---\nrules: abcd\n---\n1. [x] a\n";
    assert_eq!(problems(text), [("rules-changed", "abcd".into())]);
    let known = Known {
        is_file: &|_| true,
        is_role: &|_| false,
        is_running: &|_| false,
        rules: "abcd",
    };
    assert_eq!(Plan::parse(text).problems(&known), []);
}

#[test]
fn a_plan_that_is_being_typed_keeps_its_steps() {
    let steps = |text: &str| -> Vec<String> {
        let plan = Plan::parse(text);
        plan.steps().iter().map(|step| step.title.clone()).collect()
    };
    // A code block in a step that is not closed yet ends with the step.
    assert_eq!(steps("1. [ ] a\n   ```sh\n   ls\n2. [ ] b\n"), ["a", "b"]);
    assert_eq!(steps("---\nrules: 1\n\n1. [ ] a\n"), ["a"]);
    assert_eq!(steps("1. [ ] a\n2. [\n3. [ ] c"), ["a", "c"]);
    assert_eq!(steps("1. [ ](x) a\n2. [x]: y\n"), Vec::<String>::new());
}

#[test]
fn steps_on_files_of_their_own_run_together() {
    let text = "\
1. [ ] a
   - files: src/a.rs
2. [ ] b
   - files: src/b.rs
3. [ ] c
   - files: ./src/A.rs, src/c.rs
4. [ ] d
   - files: src
5. [ ] e
   - files: doc.md
";
    let plan = Plan::parse(text);
    assert_eq!(plan.next(&[], &[]), [0, 1, 4]);
    assert_eq!(plan.next(&[0], &[]), [1, 4]);
    assert_eq!(plan.next(&[4], &[0, 1]), [2]);
}

#[test]
fn the_order_respects_what_comes_first() {
    let plan = Plan::parse(
        "1. [ ] a\n   - after: 3\n2. [ ] b\n   - after: 4\n3. [ ] c\n4. [ ] d\n   - after: 2\n5. [ ] e\n   - after: 2\n",
    );
    assert_eq!(plan.order(), [2, 0]);
    assert_eq!(
        plan.in_cycles(),
        [1, 3],
        "what is behind a cycle is in none"
    );
}

#[test]
fn a_revision_keeps_what_is_done() {
    let text = "# P\n\n1. [x] a\n2. [ ] b\n3. [x] c\n4. [ ] d\n\nThe end.\n";
    let plan = Plan::parse(text);
    let revised = plan
        .revise(1, "2. [ ] new\n")
        .unwrap()
        .apply_to_str(text)
        .unwrap();
    assert_eq!(
        revised,
        "# P\n\n1. [x] a\n2. [ ] new\n3. [x] c\n\n\nThe end.\n"
    );
    assert!(plan.revise(7, "").is_err());
}

#[test]
fn a_step_is_found_again_after_it_was_moved() {
    let key = Plan::parse("1. [ ] a\n2. [ ] b\n").steps()[1].key();
    assert_eq!(Plan::parse("1. [ ] b\n2. [ ] a\n").find(&key), Some(0));
    assert_eq!(Plan::parse("1. [ ] a\n2. [ ] better\n").find(&key), Some(1));
    assert_eq!(Plan::parse("1. [ ] a\n").find(&key), None);
}

#[test]
fn a_draft_is_read_as_it_was_meant() {
    let step = DraftStep {
        title: "Document `lend`".into(),
        role: Role::Documenter,
        files: vec!["src/a.rs".into()],
        at: Some("lend".into()),
        check: "`lend` has a doc comment".into(),
        prose: "Say\n\nmore.".into(),
        ..DraftStep::default()
    };
    let draft = Draft {
        title: "Document `src/a.rs`".into(),
        goal: "Every item has a doc comment.".into(),
        context: vec!["- one".into()],
        rules: Some("0123".into()),
        steps: (1..=11)
            .map(|number| DraftStep {
                after: if number > 1 {
                    vec![number - 1]
                } else {
                    Vec::new()
                },
                ..step.clone()
            })
            .collect(),
    };
    let text = draft.render();
    assert_eq!(problems(&text), []);
    let plan = Plan::parse(&text);
    assert_eq!(plan.steps().len(), 11);
    let last = &plan.steps()[10];
    assert_eq!(
        (last.number, last.at.as_ref().unwrap().value.as_str()),
        (11, "lend")
    );
    assert_eq!(last.prose, "Say\n\nmore.");
    assert!(last.check.as_ref().unwrap().claim().is_some());
}

#[test]
fn a_text_that_is_too_long_is_no_plan() {
    let text = "1. [ ] a\n".repeat(200_000);
    let plan = Plan::parse(&text);
    assert!(plan.steps().is_empty());
    let known = Known {
        is_file: &|_| true,
        is_role: &|_| true,
        is_running: &|_| false,
        rules: "",
    };
    let [only] = &plan.problems(&known)[..] else {
        unreachable!()
    };
    assert_eq!((only.code, only.severity), ("too-long", Severity::Warning));
}

#[test]
fn more_steps_than_anybody_reads_are_told() {
    let text = "1. [ ] a\n   - check: x\n   - after: 2\n".repeat(1_001);
    let plan = Plan::parse(&text);
    assert_eq!(plan.steps().len(), 1_000);
    let codes: Vec<&str> = problems(&text).iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["cycle", "too-many-steps"], "{codes:?}");
}
