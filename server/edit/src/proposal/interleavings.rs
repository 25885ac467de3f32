//! Reviews against an oracle: people type, agents propose, landings and undos go on in any order.
//!
//! The oracle knows nothing of byte offsets, composition or rebasing. It gives every character of the
//! text that all begin with a number, lets an editor of characters carry the numbers along, and reads
//! off in the end which characters each side took out and what it put in between.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pleach_text::{ByteRange, ChangeSet, Replacement};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{FileChange, HunkId, HunkState, Proposal, Review, Verdict};
use crate::RefusalCode;

/// A file without a grammar: the gate lets everything pass, and nothing is formatting.
const PATH: &str = "notes.txt";

fn proposal(before: &str, changes: ChangeSet) -> Proposal {
    Proposal {
        files: vec![FileChange::Edit {
            path: PATH.to_owned(),
            before: Arc::from(before),
            changes,
        }],
        hunks: Vec::new(),
        verdict: Verdict::default(),
        allow_worse_syntax: false,
    }
}

fn changes_of(proposal: &Proposal) -> &ChangeSet {
    proposal.files[0].changes().unwrap()
}

/// Some characters of the first text replaced: `start..end` by a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    start: usize,
    end: usize,
    insert: String,
}

/// A text whose characters know which of the first text they are, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Editor {
    cells: Vec<(Option<usize>, char)>,
}

impl Editor {
    fn open(text: &str) -> Self {
        Self {
            cells: text
                .chars()
                .enumerate()
                .map(|(at, char)| (Some(at), char))
                .collect(),
        }
    }

    fn text(&self) -> String {
        self.cells.iter().map(|(_, char)| char).collect()
    }

    fn byte(&self, at: usize) -> usize {
        self.cells[..at]
            .iter()
            .map(|(_, char)| char.len_utf8())
            .sum()
    }

    /// A place that splits no CRLF.
    fn place(&self, index: Index) -> usize {
        let at = index.index(self.cells.len() + 1);
        let splits = at > 0
            && at < self.cells.len()
            && self.cells[at - 1].1 == '\r'
            && self.cells[at].1 == '\n';
        if splits { at - 1 } else { at }
    }

    /// Replaces some characters; what the editor then tells the server.
    fn replace(&mut self, from: usize, to: usize, insert: &str) -> ChangeSet {
        let len = self.text().len().into();
        let bytes = ByteRange::from(self.byte(from)..self.byte(to));
        self.cells
            .splice(from..to, insert.chars().map(|char| (None, char)));
        ChangeSet::new(vec![Replacement::new(bytes, insert)], len).unwrap()
    }

    /// Makes a change that was computed elsewhere, as a landing is.
    fn apply(&mut self, changes: &ChangeSet) {
        for one in changes.replacements().iter().rev() {
            let char_at = |byte: usize| {
                let mut at = 0;
                self.cells
                    .iter()
                    .take_while(|(_, char)| {
                        at += char.len_utf8();
                        at <= byte
                    })
                    .count()
            };
            let (from, to) = (char_at(one.delete.start.0), char_at(one.delete.end.0));
            self.replace(from, to, &one.insert);
        }
    }

    /// What was done to the first text, which has so many characters.
    fn edits(&self, len: usize) -> Vec<Edit> {
        let mut edits = Vec::new();
        let (mut start, mut insert) = (0, String::new());
        for (origin, char) in self.cells.iter().copied().chain([(Some(len), '\0')]) {
            match origin {
                None => insert.push(char),
                Some(at) => {
                    if at > start || !insert.is_empty() {
                        edits.push(Edit {
                            start,
                            end: at,
                            insert: std::mem::take(&mut insert),
                        });
                    }
                    start = at + 1;
                }
            }
        }
        edits
    }
}

/// The replacements of a hunk, counted in characters.
fn in_characters(base: &str, replacements: &[Replacement]) -> Vec<Edit> {
    let count = |byte: usize| base[..byte].chars().count();
    replacements
        .iter()
        .map(|one| Edit {
            start: count(one.delete.start.0),
            end: count(one.delete.end.0),
            insert: one.insert.clone(),
        })
        .collect()
}

/// The text after both sides' edits. What both did alike is done once.
fn merged(base: &str, ours: &[Edit], theirs: &[Edit]) -> String {
    let all: BTreeSet<&Edit> = ours.iter().chain(theirs).collect();
    let base: Vec<char> = base.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    for edit in all {
        assert!(at <= edit.start, "the oracle merges only what is apart");
        out.extend(&base[at..edit.start]);
        out.push_str(&edit.insert);
        at = edit.end;
    }
    out.extend(&base[at..]);
    out
}

fn in_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || !char.is_ascii()
}

/// For each character of a word, all the characters of that word.
fn words(cells: &[(Option<usize>, char)]) -> BTreeMap<usize, Vec<Option<usize>>> {
    let mut words = BTreeMap::new();
    for run in cells.split(|(_, char)| !in_word(*char)) {
        let ids: Vec<Option<usize>> = run.iter().map(|(id, _)| *id).collect();
        for id in ids.iter().flatten() {
            words.insert(*id, ids.clone());
        }
    }
    words
}

/// The characters that an edit takes out, or whose word it makes another word.
fn touched(base: &str, edit: &Edit) -> BTreeSet<usize> {
    let before = Editor::open(base);
    let mut after = before.clone();
    after.replace(edit.start, edit.end, &edit.insert);
    let (old, new) = (words(&before.cells), words(&after.cells));
    let mut touched: BTreeSet<usize> = (edit.start..edit.end).collect();
    touched.extend(
        old.iter()
            .filter(|(id, word)| new.get(id) != Some(word))
            .map(|(id, _)| id),
    );
    touched
}

/// Whether two edits of the first text are about the same thing.
fn clash(base: &str, ours: &Edit, theirs: &Edit) -> bool {
    let inserts = |edit: &Edit| edit.start == edit.end;
    // Between two characters that the other is about, be it a word that it makes longer.
    let inside = |one: &Edit, other: &BTreeSet<usize>| {
        let before = one.start.checked_sub(1);
        inserts(one) && other.contains(&one.start) && before.is_some_and(|at| other.contains(&at))
    };
    let (our_touch, their_touch) = (touched(base, ours), touched(base, theirs));
    let same_point = inserts(ours) && inserts(theirs) && ours.start == theirs.start;
    ours != theirs
        && (same_point
            || inside(ours, &their_touch)
            || inside(theirs, &our_touch)
            || !our_touch.is_disjoint(&their_touch))
}

/// What one does at a place, in an editor or as an agent.
#[derive(Debug, Clone)]
struct Act {
    at: Index,
    /// So many characters go.
    deletes: usize,
    inserts: bool,
}

fn act() -> impl Strategy<Value = Act> {
    (
        any::<Index>(),
        prop_oneof![2 => Just(0_usize), 2 => 1_usize..4, 1 => 4_usize..14],
        any::<bool>(),
    )
        .prop_map(|(at, deletes, inserts)| Act {
            at,
            deletes,
            inserts: inserts || deletes == 0,
        })
}

fn acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    proptest::collection::vec(act(), 1..most)
}

/// Performs an act; what is put in is unlike anything else in the text.
fn perform(editor: &mut Editor, act: &Act, insert: &str) -> ChangeSet {
    let from = editor.place(act.at);
    let mut to = (from + act.deletes).min(editor.cells.len());
    if to < editor.cells.len() && to > from && editor.cells[to - 1].1 == '\r' {
        to += 1;
    }
    editor.replace(from, to, if act.inserts { insert } else { "" })
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "ab",
        "cd",
        "efg",
        " ",
        " ",
        ", ",
        "(",
        ")",
        "\n",
        "\n",
        "\r\n",
        "\n\n",
        "e\u{301}",
        "😀",
        "é",
        "  ",
        "hi\n",
        "jk lm no\n",
    ]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// What a person types: capitals, so that it is never taken for what was there, with what editors
/// find hard.
fn typed(number: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(number % 26).unwrap());
    match number % 4 {
        0 => format!("{letter}{letter}"),
        1 => format!("-{letter}-"),
        2 => format!("{letter}𝄞"),
        _ => format!(".{letter}\u{308}"),
    }
}

/// What an agent writes: digits.
fn written(agent: usize, number: usize) -> String {
    match number % 3 {
        0 => format!("{agent}00{number}"),
        1 => format!("; {agent}00{number}\n"),
        _ => format!("\n{agent}00{number} "),
    }
}

/// An agent's change of a text.
fn change(base: &str, agent: usize, acts: &[Act]) -> ChangeSet {
    let mut editor = Editor::open(base);
    let mut change = ChangeSet::unchanged(base.len().into());
    for (number, act) in acts.iter().enumerate() {
        let next = perform(&mut editor, act, &written(agent, number));
        change = change.compose(&next).unwrap();
    }
    change
}

/// Compares each hunk, and all that are in no conflict together, with the oracle.
fn compare(base: &str, review: &Review, editor: &Editor) -> Result<(), TestCaseError> {
    let now = editor.text();
    prop_assert_eq!(&*review.text(PATH).unwrap(), now.as_str());
    let theirs = editor.edits(base.chars().count());
    let (mut clear, mut all) = (Vec::new(), Vec::new());
    for view in review.hunks() {
        let hunk = review.hunks.iter().find(|hunk| hunk.id == view.id).unwrap();
        let ours = in_characters(base, &hunk.replacements);
        let clashes = ours
            .iter()
            .any(|ours| theirs.iter().any(|theirs| clash(base, ours, theirs)));
        let accepted = review.accept(&[view.id]);
        match view.state {
            HunkState::There => {
                // Nothing that the agent writes is missing.
                for edit in &ours {
                    prop_assert!(now.contains(edit.insert.trim()));
                }
                prop_assert_eq!(accepted.unwrap_err().code, RefusalCode::AlreadyApplied);
            }
            HunkState::Touched => {
                prop_assert!(clashes, "no clash of {ours:?} with {theirs:?} in {base:?}");
                prop_assert_eq!(accepted.unwrap_err().code, RefusalCode::Conflict);
            }
            HunkState::Clear => {
                prop_assert!(!clashes, "a clash of {ours:?} with {theirs:?} in {base:?}");
                let expected = merged(base, &ours, &theirs);
                prop_assert_eq!(accepted.unwrap().after(PATH).unwrap(), expected);
                clear.push(view.id);
                all.extend(ours);
            }
        }
    }
    if !clear.is_empty() {
        let accepted = review.accept(&clear).unwrap();
        prop_assert_eq!(accepted.after(PATH).unwrap(), merged(base, &all, &theirs));
        // Taking it back gives the text that was typed.
        prop_assert_eq!(accepted.inverse().after(PATH).unwrap(), now);
    }
    Ok(())
}

fn config(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(1000, 40))]

    #[test]
    fn typing_is_merged_as_the_oracle_merges_it(base in text(), agent in acts(5), person in acts(8)) {
        let mut review = Review::of(proposal(&base, change(&base, 1, &agent)));
        let mut editor = Editor::open(&base);
        for (number, act) in person.iter().enumerate() {
            let change = perform(&mut editor, act, &typed(number));
            review.follow(PATH, &change).unwrap();
        }
        compare(&base, &review, &editor)?;
    }

    #[test]
    fn a_landing_is_taken_back_as_the_oracle_does_it(base in text(), agent in acts(5), person in acts(8)) {
        let Ok(landed) = Review::of(proposal(&base, change(&base, 1, &agent))).accept_all() else {
            return Ok(());
        };
        let after = landed.after(PATH).unwrap();
        let mut undo = Review::of(landed.inverse());
        let mut editor = Editor::open(&after);
        for (number, act) in person.iter().enumerate() {
            let change = perform(&mut editor, act, &typed(number));
            undo.follow(PATH, &change).unwrap();
        }
        compare(&after, &undo, &editor)?;
    }

    #[test]
    fn many_changes_are_followed_like_one(base in text(), agent in acts(5), person in acts(8)) {
        let mut one_by_one = Review::of(proposal(&base, change(&base, 1, &agent)));
        let mut at_once = one_by_one.clone();
        let mut editor = Editor::open(&base);
        let mut all = ChangeSet::unchanged(base.len().into());
        for (number, act) in person.iter().enumerate() {
            let change = perform(&mut editor, act, &typed(number));
            one_by_one.follow(PATH, &change).unwrap();
            all = all.compose(&change).unwrap();
        }
        at_once.follow(PATH, &all).unwrap();
        prop_assert_eq!(one_by_one.hunks(), at_once.hunks());
    }

    #[test]
    fn what_an_editor_takes_back_by_comparing_leaves_every_hunk_as_it_was(
        pieces in proptest::collection::vec(prop::sample::select(vec!["}\n", "\n", "a b\n", "  x\n", "a a"]), 1..30),
        agent in acts(5), person in acts(8),
    ) {
        // Lines that are alike: which of them came and which went, a comparison cannot tell.
        let base = pieces.concat();
        let fresh = Review::of(proposal(&base, change(&base, 1, &agent)));
        let mut review = fresh.clone();
        let mut editor = Editor::open(&base);
        let mut steps = Vec::new();
        for act in &person {
            steps.push(editor.text());
            let change = perform(&mut editor, act, pieces[act.at.index(pieces.len())]);
            review.follow(PATH, &change).unwrap();
        }
        while let Some(before) = steps.pop() {
            let change = ChangeSet::between(&editor.text(), &before);
            editor.apply(&change);
            review.follow(PATH, &change).unwrap();
        }
        prop_assert_eq!(editor.text(), base);
        prop_assert_eq!(review.hunks(), fresh.hunks());
    }

    #[test]
    fn lines_that_differ_are_followed_by_diff_as_well(
        agent in acts(6), moves in proptest::collection::vec((any::<Index>(), any::<bool>()), 1..8),
    ) {
        // Whole lines come and go, and no two are alike: there is one way to see it.
        let base: String = (0..20).fold(String::new(), |text, line| format!("{text}line {line} of the text\r\n"));
        let mut told = Review::of(proposal(&base, change(&base, 1, &agent)));
        let mut compared = told.clone();
        let mut editor = Editor::open(&base);
        for (number, (at, inserts)) in moves.iter().enumerate() {
            let text = editor.text();
            let starts: Vec<usize> = (0..text.len())
                .filter(|&at| at == 0 || text[..at].ends_with('\n'))
                .collect();
            let Some(&start) = starts.get(at.index(starts.len().max(1))) else { break };
            let end = text[start..].find('\n').map_or(text.len(), |end| start + end + 1);
            let (end, insert) = if *inserts { (start, format!("TYPED {number} HERE\r\n")) } else { (end, String::new()) };
            let change = editor.replace(start, end, &insert);
            told.follow(PATH, &change).unwrap();
        }
        compared.catch_up(PATH, Some(&editor.text()));
        prop_assert_eq!(told.hunks(), compared.hunks());
    }
}
