//! Reviewing a proposal hunk by hunk while its files change.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pleach_edit::{
    Conflict, EditRequest, FileChange, HunkId, HunkKind, HunkState, Proposal, RefusalCode,
    Resolution, Resolved, Review, StoredProposal, StoredReview, propose,
};
use pleach_text::ChangeSet;

type Texts = BTreeMap<String, String>;

fn texts(files: &[(&str, &str)]) -> Texts {
    files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

/// A proposal that gives files these texts.
fn proposal(before: &Texts, after: &[(&str, &str)]) -> Proposal {
    let mut reply = String::new();
    for (path, text) in after {
        let _ = write!(reply, "{path}\n````\n{text}````\n\n");
    }
    propose(&EditRequest::new(&reply, before)).unwrap()
}

/// A review of one file, `x.rs`.
fn review(before: &str, after: &str) -> Review {
    Review::of(proposal(&texts(&[("x.rs", before)]), &[("x.rs", after)]))
}

fn ids(review: &Review) -> Vec<HunkId> {
    review.hunks().iter().map(|hunk| hunk.id).collect()
}

#[track_caller]
fn landed(resolved: Resolved) -> Proposal {
    match resolved {
        Resolved::Land(proposal, _) => *proposal,
        other => panic!("nothing lands: {other:?}"),
    }
}

const BASE: &str = "\
fn one() -> u32 {
    let a = 1;
    let b = 2;
    a + b
}

fn two() -> u32 {
    let c = 3;
    let d = 4;
    c + d
}
";

/// `BASE` with `a` and `d` other numbers: two hunks.
fn two_numbers() -> (String, Review) {
    let after = BASE.replace("a = 1", "a = 10").replace("d = 4", "d = 40");
    let review = review(BASE, &after);
    (after, review)
}

#[test]
fn changes_far_enough_apart_are_hunks_of_their_own() {
    let (after, review) = two_numbers();
    let hunks = review.hunks();
    let told: Vec<_> = hunks
        .iter()
        .map(|hunk| (hunk.summary, hunk.range.start.0, hunk.state))
        .collect();
    assert_eq!(
        told,
        [
            ("`let a = 1;` → `let a = 10;` in one", 31, HunkState::Clear),
            ("`let d = 4;` → `let d = 40;` in two", 107, HunkState::Clear),
        ]
    );
    let accept = |ids: &[HunkId]| review.accept(ids).unwrap().after("x.rs").unwrap();
    assert_eq!(accept(&ids(&review)), after);
    assert_eq!(accept(&ids(&review)[..1]), BASE.replace("a = 1", "a = 10"));
    assert_eq!(accept(&ids(&review)[1..]), BASE.replace("d = 4", "d = 40"));
}

#[test]
fn what_is_rejected_does_not_come_back() {
    let (_, mut review) = two_numbers();
    let all = ids(&review);
    assert_eq!(review.reject(&all[..1]), &all[..1]);
    let rest = review.accept_all().unwrap();
    assert_eq!(rest.after("x.rs").unwrap(), BASE.replace("d = 4", "d = 40"));
    assert_eq!(
        review.accept(&all[..1]).unwrap_err().code,
        RefusalCode::NoEdit
    );
    review.reject(&all);
    assert!(review.is_empty() && review.paths().is_empty());
}

#[test]
fn half_a_block_is_not_offered_alone() {
    let before = "fn f() {\n    a();\n    b();\n    c();\n    d();\n}\n";
    let after = "fn f() {\n    if x {\n    a();\n    b();\n    c();\n    }\n    d();\n}\n";
    let review = review(before, after);
    let all = ids(&review);
    assert_eq!(all.len(), 2);
    assert_eq!(review.hunks()[0].needs, [all[1]]);
    assert_eq!(review.hunks()[1].needs, [all[0]]);
    let both = review.accept(&all[..1]).unwrap();
    assert_eq!(both.after("x.rs").unwrap(), after);
}

#[test]
fn a_choice_counts_for_the_hunks_that_are_needed_and_in_conflict_too() {
    let before = "fn f() {\n    a();\n    b();\n    c();\n    d();\n}\n";
    let after = "fn f() {\n    if x {\n    a();\n    b();\n    c();\n    }\n    d();\n}\n";
    let mut review = review(before, after);
    let now = "fn f() {\n    // one\n    a();\n    b();\n    c();\n    // two\n    d();\n}\n";
    review.catch_up("x.rs", Some(now));
    assert_eq!(review.conflicts().len(), 2);
    for first in ids(&review) {
        let theirs = review.resolve(first, Resolution::Theirs).unwrap();
        assert!(matches!(&theirs, Resolved::Land(_, settled) if settled.len() == 2));
        assert_eq!(landed(theirs).after("x.rs").unwrap(), after);
        let both = landed(review.resolve(first, Resolution::Both).unwrap());
        assert_eq!(
            both.after("x.rs").unwrap(),
            "fn f() {\n    // one\n    if x {\n    a();\n    b();\n    c();\n    // two\n    }\n    d();\n}\n"
        );
        let mine = review.resolve(first, Resolution::Mine).unwrap();
        assert_eq!(mine, Resolved::Keep(vec![first]));
    }
}

#[test]
fn the_nearest_bracket_may_be_another_ones() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let body = |shown: &dyn Fn(usize) -> &'static str| -> String {
        let lines = names.iter().enumerate();
        lines.fold(String::new(), |text, (at, name)| {
            format!("{text}{}    {name}();\n", shown(at))
        })
    };
    let before = format!("fn f() {{\n{}}}\n", body(&|_| ""));
    let after = body(&|at| match at {
        2 => "    if x {\n",
        4 => "    if y {\n",
        6 | 8 => "    }\n",
        _ => "",
    });
    let after = format!("fn f() {{\n{after}}}\n");
    let review = review(&before, &after);
    assert_eq!(ids(&review).len(), 4);
    for id in ids(&review) {
        let accepted = review.accept(&[id]).unwrap().after("x.rs").unwrap();
        assert_eq!(accepted.matches('{').count(), accepted.matches('}').count());
    }
}

#[test]
fn a_rename_lands_with_its_uses() {
    let before = texts(&[
        (
            "a.rs",
            "pub fn total() -> u32 {\n    1\n}\n\nfn other() {}\n\nfn more() {\n    total();\n}\n",
        ),
        (
            "b.rs",
            "use a::total;\n\nfn x() {}\n\nfn y() {}\n\nfn main() {\n    total();\n}\n\nfn aside() {}\n\nfn last() -> u32 {\n    1\n}\n",
        ),
    ]);
    let after: Vec<(String, String)> = before
        .iter()
        .map(|(path, text)| {
            (
                path.clone(),
                text.replace("total", "sum").replace("1\n}\n", "2\n}\n"),
            )
        })
        .collect();
    let after: Vec<(&str, &str)> = after
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let review = Review::of(proposal(&before, &after));
    let hunks = review.hunks();
    let needs: Vec<(&str, Vec<u32>)> = hunks
        .iter()
        .map(|hunk| (hunk.path, hunk.needs.iter().map(|id| id.0).collect()))
        .collect();
    assert_eq!(
        needs,
        [
            ("a.rs", vec![1, 2, 3]),
            ("a.rs", vec![0, 2, 3]),
            ("b.rs", vec![0, 1, 3]),
            ("b.rs", vec![0, 1, 2]),
            ("b.rs", vec![]),
        ],
        "{hunks:#?}"
    );
    // The last one is nobody's use.
    let last = review.accept(&[HunkId(4)]).unwrap();
    assert_eq!(last.files().len(), 1);
}

#[test]
fn a_local_variable_and_its_uses_go_together() {
    let before =
        "fn f() -> u32 {\n    let n = 1;\n    a();\n    b();\n    n\n}\n\nfn g(m: u32) {}\n";
    let after = before
        .replace("let n", "let m")
        .replace("    n\n", "    m\n");
    let review = review(before, &after);
    let needs: Vec<_> = review.hunks().iter().map(|hunk| hunk.needs.len()).collect();
    assert_eq!(needs, [1, 1]);
}

#[test]
fn who_rejects_a_function_rejects_its_calls() {
    let before = "fn f() {\n    a();\n}\n\nfn g() {\n    b();\n}\n";
    let after = "fn f() {\n    a();\n    fresh();\n}\n\nfn g() {\n    b();\n}\n\nfn fresh() {}\n";
    let mut review = review(before, after);
    let hunks = review.hunks();
    assert_eq!(
        (hunks[0].needs.clone(), hunks[1].needs.clone()),
        (vec![HunkId(1)], vec![])
    );
    assert_eq!(hunks[1].impact.to_string(), "adds fresh");
    assert_eq!(review.reject(&[HunkId(1)]), [HunkId(0), HunkId(1)]);
}

#[test]
fn typing_elsewhere_moves_a_hunk_and_typing_inside_touches_it() {
    let (_, mut review) = two_numbers();
    let typed = BASE
        .replace("fn one", "// typed\r\nfn one")
        .replace("c = 3", "c = 😀");
    review
        .follow("x.rs", &ChangeSet::between(BASE, &typed))
        .unwrap();
    let places: Vec<_> = review
        .hunks()
        .iter()
        .map(|hunk| (hunk.range.start.0, hunk.state))
        .collect();
    let place = |text: &str| typed.find(text).unwrap() + text.len();
    assert_eq!(
        places,
        [
            (place("a = 1"), HunkState::Clear),
            (place("d = 4"), HunkState::Clear)
        ]
    );

    let inside = typed.replace("a = 1", "a = 12");
    review
        .follow("x.rs", &ChangeSet::between(&typed, &inside))
        .unwrap();
    assert_eq!(review.hunks()[0].state, HunkState::Touched);
    assert_eq!(
        review.accept(&[HunkId(0)]).unwrap_err().code,
        RefusalCode::Conflict
    );
    let other = review.accept(&[HunkId(1)]).unwrap();
    assert_eq!(
        other.after("x.rs").unwrap(),
        inside.replace("d = 4", "d = 40")
    );

    // The editor's undo: nobody touched it.
    review
        .follow("x.rs", &ChangeSet::between(&inside, &typed))
        .unwrap();
    assert_eq!(review.hunks()[0].state, HunkState::Clear);
    assert!(review.conflicts().is_empty());
}

#[test]
fn a_change_of_another_text_is_not_followed() {
    let (_, mut review) = two_numbers();
    let other = ChangeSet::between("other", "text");
    assert!(review.follow("x.rs", &other).is_err());
    assert!(review.follow("not/part.rs", &other).is_ok());
    assert_eq!(review.text("x.rs").as_deref(), Some(BASE));
    review.catch_up("x.rs", Some("fn nothing() {}\n"));
    assert_eq!(review.text("x.rs").as_deref(), Some("fn nothing() {}\n"));
}

/// A conflict about `a`, as it is shown.
fn conflict() -> (Review, Conflict) {
    let (_, mut review) = two_numbers();
    let typed = BASE.replace("a = 1;", "a = 7; // mine");
    review.catch_up("x.rs", Some(&typed));
    let mut conflicts = review.conflicts();
    assert_eq!(conflicts.len(), 1);
    (review, conflicts.remove(0))
}

#[test]
fn a_conflict_shows_all_sides_and_is_settled_by_the_person() {
    let (review, conflict) = conflict();
    assert_eq!(conflict.hunks, [HunkId(0)]);
    assert_eq!(conflict.base.as_deref(), Some("    let a = 1;\n"));
    assert_eq!(conflict.mine.as_deref(), Some("    let a = 7; // mine\n"));
    assert_eq!(conflict.theirs.as_deref(), Some("    let a = 10;\n"));
    let now = review.text("x.rs").unwrap();
    assert_eq!(conflict.range.of(&now), conflict.mine.as_deref());

    let settle = |resolution| review.resolve(HunkId(0), resolution).unwrap();
    assert_eq!(settle(Resolution::Mine), Resolved::Keep(vec![HunkId(0)]));
    let theirs = landed(settle(Resolution::Theirs)).after("x.rs").unwrap();
    assert_eq!(theirs, BASE.replace("a = 1", "a = 10"));
    let both = landed(settle(Resolution::Both)).after("x.rs").unwrap();
    assert_eq!(
        both,
        BASE.replace("a = 1;", "a = 7; // mine\n    let a = 10;")
    );
    let Resolved::Ask(question) = settle(Resolution::AskAgain) else {
        panic!("nothing to ask")
    };
    assert!(question.contains("let a = 7; // mine\n") && question.contains("let a = 10;\n"));
    assert_eq!(
        review
            .resolve(HunkId(1), Resolution::Theirs)
            .unwrap_err()
            .code,
        RefusalCode::NoEdit,
        "no conflict there"
    );
}

#[test]
fn a_choice_passes_the_gate_like_everything_else() {
    let before = "fn f(a: u8) {\n    a();\n}\n";
    let mut review = review(before, "fn f(b: u8) {\n    a();\n}\n");
    review.catch_up("x.rs", Some("fn f(c: u8) {\n    a();\n}\n"));
    let refused = review.resolve(HunkId(0), Resolution::Both).unwrap_err();
    assert_eq!(refused.code, RefusalCode::SyntaxWorse);
}

#[test]
fn format_on_save_is_no_conflict() {
    let before = "fn f() {\n  one(a,b);\n  two();\n  three();\n  four();\n}\n";
    let after =
        "fn f() {\n  one(a,c);\n  two();\n  three();\n  four();\n  if x {\n    y();\n  }\n}\n";
    let mut review = review(before, after);
    let formatted = "fn f() {\n    one(\n        a,\n        b,\n    );\n    two();\n    three();\n    four();\n}\n";
    review.catch_up("x.rs", Some(formatted));
    assert!(review.conflicts().is_empty());
    let all = review.accept_all().unwrap();
    assert_eq!(
        all.after("x.rs").unwrap(),
        "fn f() {\n    one(\n        a,\n        c,\n    );\n    two();\n    three();\n    four();\n    if x {\n        y();\n    }\n}\n"
    );
}

#[test]
fn two_proposals_for_one_file_follow_each_other() {
    let files = texts(&[("x.rs", BASE)]);
    let number = BASE.replace("a = 1", "a = 10");
    let first = proposal(&files, &[("x.rs", &number)]);
    let more = BASE.replace("a = 1", "a = 100").replace("d = 4", "d = 40");
    let mut second = Review::of(proposal(&files, &[("x.rs", &more)]));
    let mut third = Review::of(first.clone());

    second
        .follow("x.rs", first.file("x.rs").unwrap().changes().unwrap())
        .unwrap();
    third
        .follow("x.rs", first.file("x.rs").unwrap().changes().unwrap())
        .unwrap();
    let states: Vec<_> = second.hunks().iter().map(|hunk| hunk.state).collect();
    assert_eq!(states, [HunkState::Touched, HunkState::Clear]);
    assert_eq!(
        second.conflicts()[0].mine.as_deref(),
        Some("    let a = 10;\n")
    );
    let clear = second.accept(&[HunkId(1)]).unwrap();
    assert_eq!(
        clear.after("x.rs").unwrap(),
        number.replace("d = 4", "d = 40")
    );
    // The same answer twice is there already, and is not made again.
    assert_eq!(third.hunks()[0].state, HunkState::There);
    assert_eq!(
        third.accept_all().unwrap_err().code,
        RefusalCode::AlreadyApplied
    );
}

#[test]
fn one_landing_is_undone_under_newer_typing() {
    let (_, mut review) = two_numbers();
    let accepted = review.accept(&[HunkId(0)]).unwrap();
    let after = accepted.after("x.rs").unwrap();
    review.settle(&[HunkId(0)]);
    review
        .follow("x.rs", accepted.file("x.rs").unwrap().changes().unwrap())
        .unwrap();

    // What can be undone is the inverse, under review like anything else.
    let mut undo = Review::of(accepted.inverse());
    let typed = after
        .replace("b = 2", "b = 2000")
        .replace("fn two", "/// New.\nfn two");
    let change = ChangeSet::between(&after, &typed);
    undo.follow("x.rs", &change).unwrap();
    review.follow("x.rs", &change).unwrap();
    let undone = undo.accept_all().unwrap();
    assert_eq!(
        undone.after("x.rs").unwrap(),
        typed.replace("a = 10", "a = 1")
    );

    // The hunk that is left does not mind.
    review
        .follow("x.rs", undone.file("x.rs").unwrap().changes().unwrap())
        .unwrap();
    let rest = review.accept_all().unwrap().after("x.rs").unwrap();
    assert_eq!(
        rest,
        typed.replace("a = 10", "a = 1").replace("d = 4", "d = 40")
    );

    // What was typed into it is not thrown away.
    let into = typed.replace("a = 10", "a = 101");
    undo.follow("x.rs", &ChangeSet::between(&typed, &into))
        .unwrap();
    let conflicts = undo.conflicts();
    assert_eq!(conflicts[0].mine.as_deref(), Some("    let a = 101;\n"));
    assert_eq!(conflicts[0].theirs.as_deref(), Some("    let a = 1;\n"));
}

#[test]
fn files_that_come_and_go() {
    let before = texts(&[("old.rs", "fn f() {}\n")]);
    let reply = "*** Begin Patch\n*** Add File: new.rs\n+fn g() {}\n*** Delete File: old.rs\n*** End Patch\n";
    let mut review = Review::of(propose(&EditRequest::new(reply, &before)).unwrap());
    let kinds: Vec<_> = review
        .hunks()
        .iter()
        .map(|hunk| (hunk.kind, hunk.summary))
        .collect();
    assert_eq!(
        kinds,
        [
            (HunkKind::Create, "creates the file (1 line)"),
            (HunkKind::Delete, "deletes the file (1 line)"),
        ]
    );
    assert_eq!(review.accept(&[HunkId(0)]).unwrap().files().len(), 1);

    review.catch_up("new.rs", Some("fn mine() {}\n"));
    review.catch_up("old.rs", Some("fn f() { typed() }\n"));
    assert_eq!(
        review.accept(&[HunkId(0)]).unwrap_err().code,
        RefusalCode::Conflict
    );
    assert_eq!(
        review.accept(&[HunkId(1)]).unwrap_err().code,
        RefusalCode::Conflict
    );
    let over = landed(review.resolve(HunkId(0), Resolution::Theirs).unwrap());
    assert_eq!(over.after("new.rs").unwrap(), "fn g() {}\n");
    let both = landed(review.resolve(HunkId(0), Resolution::Both).unwrap());
    assert_eq!(both.after("new.rs").unwrap(), "fn mine() {}\nfn g() {}\n");
    let gone = landed(review.resolve(HunkId(1), Resolution::Theirs).unwrap());
    assert!(
        matches!(&gone.files()[0], FileChange::Delete { before, .. } if before.contains("typed"))
    );

    review.catch_up("new.rs", Some("fn g() {}\n"));
    review.catch_up("old.rs", None);
    assert_eq!(
        review.accept_all().unwrap_err().code,
        RefusalCode::AlreadyApplied
    );
}

#[test]
fn a_file_that_is_gone_can_be_had_back() {
    let (after, mut review) = two_numbers();
    review.catch_up("x.rs", None);
    assert_eq!(review.accept_all().unwrap_err().code, RefusalCode::Conflict);
    let back = landed(review.resolve(HunkId(0), Resolution::Theirs).unwrap());
    assert!(matches!(&back.files()[0], FileChange::Create { text, .. } if *text == after));
}

#[test]
fn other_line_breaks_are_no_conflict() {
    for (from, to) in [("\n", "\r\n"), ("\r\n", "\n")] {
        let before = "one\ntwo\nthree\n\nfour\nfive\nsix\n".replace('\n', from);
        let after = "one\nthree\n\nfour\nnew\nfive\n6\n".replace('\n', from);
        let mut review = Review::of(proposal(
            &texts(&[("x.txt", &before)]),
            &[("x.txt", &after)],
        ));
        let typed = before.replace(from, to).replace("four", "4");
        review.catch_up("x.txt", Some(&typed));
        let result = review.accept_all().unwrap().after("x.txt").unwrap();
        assert_eq!(result, after.replace(from, to).replace("four", "4"));
    }
}

#[test]
fn a_review_survives_a_restart() {
    let (_, mut review) = two_numbers();
    let typed = BASE.replace("fn one", "// typed\nfn one");
    review.catch_up("x.rs", Some(&typed));
    review.reject(&[HunkId(0)]);
    let written = serde_json::to_string(&review.stored()).unwrap();
    drop(review);

    let read = || serde_json::from_str::<StoredReview>(&written).unwrap();
    let again = read().restore(&texts(&[("x.rs", &typed)])).unwrap();
    assert_eq!(ids(&again), [HunkId(1)]);
    // Somebody typed while nobody looked.
    let meanwhile = typed.replace("c = 3", "c = 33");
    let again = read().restore(&texts(&[("x.rs", &meanwhile)])).unwrap();
    let accepted = again.accept_all().unwrap().after("x.rs").unwrap();
    assert_eq!(accepted, meanwhile.replace("d = 4", "d = 40"));
    let again = read().restore(&texts(&[])).unwrap();
    assert_eq!(again.accept_all().unwrap_err().code, RefusalCode::Conflict);
}

#[test]
fn what_was_written_down_is_gated_again() {
    let (after, review) = two_numbers();
    let proposal = review.accept_all().unwrap();
    let written = serde_json::to_string(&proposal.stored()).unwrap();
    let restore = |text: &str| {
        serde_json::from_str::<StoredProposal>(text)
            .unwrap()
            .restore()
    };
    assert_eq!(restore(&written).unwrap().after("x.rs").unwrap(), after);

    let broken = written.replace(r#""insert":"0""#, r#""insert":"{""#);
    assert_eq!(restore(&broken).unwrap_err().code, RefusalCode::SyntaxWorse);
    let shorter = written.replace("fn one", "fn on");
    assert_eq!(restore(&shorter).unwrap_err().code, RefusalCode::BadFormat);

    let other = serde_json::to_string(&review.stored()).unwrap();
    let other = other.replace(r#""id":1"#, r#""id":7"#);
    let other: StoredReview = serde_json::from_str(&other).unwrap();
    let stale = other.restore(&texts(&[("x.rs", BASE)])).unwrap_err();
    assert_eq!(stale.code, RefusalCode::Stale);
}
