//! Everything at once: several proposals on one file, landings of parts of them, undos by the editor and
//! by us, formatting on save, whole documents, changes that nobody told.

use super::*;
use crate::StoredReview;

#[derive(Debug, Clone)]
enum Event {
    Type(Act),
    /// A change that is not told, and found by comparing later.
    Miss(Act),
    /// The place of a hunk goes.
    DeleteOver(Index),
    /// The editor's own undo.
    Undo,
    /// Blanks at line ends go, and every indentation is doubled.
    Format,
    /// Some lines are other lines, and the editor sends everything.
    WholeDocument(Index),
    /// Some hunks of one of the proposals.
    Land(Index, u8),
    /// One landing, whichever it was.
    TakeBack(Index),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => act().prop_map(Event::Type),
        1 => act().prop_map(Event::Miss),
        1 => any::<Index>().prop_map(Event::DeleteOver),
        2 => Just(Event::Undo),
        1 => Just(Event::Format),
        1 => any::<Index>().prop_map(Event::WholeDocument),
        4 => (any::<Index>(), any::<u8>()).prop_map(|(which, some)| Event::Land(which, some)),
        2 => any::<Index>().prop_map(Event::TakeBack),
    ]
}

/// Lines of which no two are alike.
fn lines() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec!["ab (cd)", "  efg", "", "e\u{301} 😀", "hi, jk"]);
    let ending = prop::sample::select(vec!["\n", "\r\n"]);
    (
        proptest::collection::vec(line, 0..16),
        ending,
        any::<bool>(),
    )
        .prop_map(|(lines, ending, ended)| {
            let lines = lines.iter().enumerate();
            let mut text = lines.fold(String::new(), |text, (at, line)| {
                format!("{text}{line} <{}>{ending}", name(at))
            });
            if !ended {
                text.truncate(text.trim_end().len());
            }
            text
        })
}

fn name(number: usize) -> String {
    let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
    [letter(number), letter(number / 26), letter(number * 7)]
        .iter()
        .collect()
}

/// Who put something in can be seen: nobody may take out what a person typed.
fn is_typed(char: char) -> bool {
    char.is_ascii_uppercase() || char == '𝄞'
}

/// What agents write has numbers of its own.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|char: char| !char.is_ascii_digit());
    words.filter(|word| !word.is_empty())
}

struct World {
    base: String,
    editor: Editor,
    steps: Vec<Editor>,
    reviews: Vec<Review>,
    landed: Vec<Review>,
    /// Reviews that were never told which of their hunks landed, with these hunks and what was sent.
    unsettled: Vec<(Review, Vec<HunkId>, Proposal)>,
    /// What was written down before hunks landed, by a server that was killed right after, with
    /// these hunks and what was sent.
    killed: Vec<(StoredReview, Vec<HunkId>, Proposal)>,
    /// The same of a server that was killed right before, so that nothing landed.
    killed_before: Vec<(StoredReview, Vec<HunkId>)>,
    typed: usize,
}

impl World {
    fn everybody(&mut self) -> impl Iterator<Item = &mut Review> {
        let unsettled = self.unsettled.iter_mut().map(|(review, ..)| review);
        self.reviews
            .iter_mut()
            .chain(&mut self.landed)
            .chain(unsettled)
    }

    /// The text was changed: everybody follows.
    fn told(&mut self, change: &ChangeSet) {
        for review in self.everybody() {
            review.follow(PATH, change).unwrap();
        }
    }

    fn step(&mut self) {
        self.steps.push(self.editor.clone());
    }

    fn happens(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Type(act) => {
                self.step();
                self.typed += 1;
                let change = perform(&mut self.editor, act, &typed(self.typed));
                self.told(&change);
            }
            Event::Miss(act) => {
                self.step();
                self.typed += 1;
                perform(&mut self.editor, act, &typed(self.typed));
                let now = self.editor.text();
                for review in self.everybody() {
                    review.catch_up(PATH, Some(&now));
                }
            }
            Event::DeleteOver(which) => {
                let places: Vec<ByteRange> = self
                    .reviews
                    .iter()
                    .flat_map(Review::hunks)
                    .map(|hunk| hunk.range)
                    .collect();
                let Some(place) = places.get(which.index(places.len().max(1))) else {
                    return Ok(());
                };
                self.step();
                let text = self.editor.text();
                let count = |byte: usize| text[..byte].chars().count();
                let change = self
                    .editor
                    .replace(count(place.start.0), count(place.end.0), "");
                self.told(&change);
            }
            Event::Undo => {
                let Some(before) = self.steps.pop() else {
                    return Ok(());
                };
                let change = ChangeSet::between(&self.editor.text(), &before.text());
                self.editor = before;
                self.told(&change);
            }
            Event::Format | Event::WholeDocument(_) => {
                self.step();
                let text = self.editor.text();
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                let new: String = match event {
                    Event::WholeDocument(at) => {
                        self.typed += 1;
                        let at = at.index(lines.len() + 1);
                        let new = format!("W{}\n", typed(self.typed));
                        let behind = lines.get(at + 1..).unwrap_or_default();
                        [lines[..at].concat(), new, behind.concat()].concat()
                    }
                    _ => lines
                        .iter()
                        .map(|line| {
                            let indent = line.len() - line.trim_start_matches(' ').len();
                            let ending = if line.ends_with("\r\n") {
                                "\r\n"
                            } else if line.ends_with('\n') {
                                "\n"
                            } else {
                                ""
                            };
                            [&" ".repeat(indent), line.trim_end(), ending].concat()
                        })
                        .collect(),
                };
                let change = ChangeSet::between(&text, &new);
                self.editor.apply(&change);
                self.told(&change);
            }
            Event::Land(which, some) => self.land(which.index(self.reviews.len()), *some)?,
            Event::TakeBack(which) => {
                if !self.landed.is_empty() {
                    let undo = self.landed.remove(which.index(self.landed.len()));
                    if let Ok(back) = undo.accept_all() {
                        self.lands(&back)?;
                    }
                }
            }
        }
        self.check()
    }

    /// Takes some of the hunks of a proposal.
    fn land(&mut self, which: usize, some: u8) -> Result<(), TestCaseError> {
        let review = self.reviews[which].clone();
        let chosen = |hunk: &HunkId| some & (1 << (hunk.0 % 8)) != 0;
        let ids: Vec<HunkId> = review
            .hunks()
            .iter()
            .map(|hunk| hunk.id)
            .filter(chosen)
            .collect();
        let Ok(accepted) = review.accept(&ids) else {
            return Ok(());
        };
        let after = accepted.after(PATH).unwrap();
        for hunk in review.hunks.iter().filter(|hunk| ids.contains(&hunk.id)) {
            for one in &hunk.replacements {
                let ended = one.insert.trim_matches(['\r', '\n']);
                prop_assert!(after.contains(ended), "{ended:?} is not in {after:?}");
            }
        }
        let with_needs = review.with_needs(&ids);
        let written = review.stored_while_landing(&with_needs, &accepted);
        if some.is_multiple_of(4) {
            // As far as this, and no further.
            self.killed_before.push((written, with_needs));
            return Ok(());
        }
        self.killed.push((written, with_needs, accepted.clone()));
        self.unsettled.push((review, ids.clone(), accepted.clone()));
        self.reviews[which].settle(&ids);
        self.lands(&accepted)?;
        self.landed.push(Review::of(accepted.inverse()));
        Ok(())
    }

    /// The editor makes a change of ours, as one step.
    fn lands(&mut self, accepted: &Proposal) -> Result<(), TestCaseError> {
        let text = self.editor.text();
        let changes = changes_of(accepted);
        for one in changes.replacements() {
            let gone = one.delete.of(&text).unwrap();
            prop_assert!(!gone.contains(is_typed), "{gone:?} was typed");
            prop_assert!(!one.insert.contains(is_typed), "{:?} was typed", one.insert);
        }
        self.step();
        self.editor.apply(changes);
        prop_assert_eq!(self.editor.text(), accepted.after(PATH).unwrap());
        self.told(changes);
        Ok(())
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let now = self.editor.text();
        for review in self.reviews.iter().chain(&self.landed) {
            prop_assert_eq!(&*review.text(PATH).unwrap(), now.as_str());
            for hunk in review.hunks() {
                prop_assert!(hunk.range.of(&now).is_some(), "{:?} in {:?}", hunk, now);
            }
        }
        // What was sent without a word of how that ended does not come twice, whatever is typed next to it.
        // (Blanks that went and blanks that came elsewhere are the same as none: whether such a hunk
        // landed, nobody can tell.)
        for (review, landed, sent) in &self.unsettled {
            let mut review = review.clone();
            review.look_for(landed, sent.files());
            review.settle_there();
            once("unsettled", &review, landed, sent)?;
        }
        for review in &self.reviews {
            for hunk in &review.hunks {
                if let Some(expected) = self.untouched(&hunk.replacements) {
                    let accepted = review
                        .accept(&[hunk.id])
                        .map(|accepted| accepted.after(PATH).unwrap());
                    prop_assert_eq!(accepted.ok(), Some(expected), "{:?} in {:?}", hunk, now);
                }
            }
        }
        Ok(())
    }

    /// The server that comes after one that was killed does not offer again what landed, and what never
    /// came it still offers.
    fn begin_again(&self) -> Result<(), TestCaseError> {
        let now = self.editor.text();
        let files = BTreeMap::from([(PATH.to_owned(), now.clone())]);
        let before_all = BTreeMap::from([(PATH.to_owned(), self.base.clone())]);
        for (written, landed, sent) in &self.killed {
            let mut review = written.clone().restore(&files).unwrap();
            review.settle_there();
            prop_assert_eq!(&*review.text(PATH).unwrap(), now.as_str());
            once("killed", &review, landed, sent)?;
        }
        for (written, sent) in &self.killed_before {
            let review = written.clone().restore(&files).unwrap();
            let fresh = written.clone().restore(&before_all).unwrap();
            for hunk in fresh.hunks.iter().filter(|hunk| sent.contains(&hunk.id)) {
                if self.untouched(&hunk.replacements).is_some() {
                    let waits = review.hunks.iter().any(|it| it.id == hunk.id);
                    prop_assert!(waits, "{:?} is not offered any more in {:?}", hunk, now);
                }
            }
        }
        Ok(())
    }

    /// The text with a hunk made, if its lines and those next to them are as they were.
    fn untouched(&self, hunk: &[Replacement]) -> Option<String> {
        let edits = in_characters(&self.base, hunk);
        let chars: Vec<char> = self.base.chars().collect();
        let (first, last) = (edits.first()?.start, edits.last()?.end);
        // To the line break before the line before, and behind the one of the line behind.
        let breaks = |at: &usize| chars[*at] == '\n';
        let from = (0..first).rev().filter(breaks).nth(1).unwrap_or(0);
        let to = (last..chars.len())
            .filter(breaks)
            .nth(1)
            .map_or(chars.len(), |at| at + 1);
        let cells = &self.editor.cells;
        let start = cells.iter().position(|(id, _)| *id == Some(from))?;
        let stays = (from..to).enumerate().all(|(at, id)| {
            cells
                .get(start + at)
                .is_some_and(|(cell, _)| *cell == Some(id))
        });
        // At the ends of the text nothing may have come either.
        let whole =
            (from > 0 || start == 0) && (to < chars.len() || start + to - from == cells.len());
        if !stays || !whole {
            return None;
        }
        let mut editor = self.editor.clone();
        for edit in edits.iter().rev() {
            let at = |id: usize| start + id - from;
            editor.replace(at(edit.start), at(edit.end), &edit.insert);
        }
        Some(editor.text())
    }
}

/// Whatever can still be taken of hunks that were sent, no number of theirs comes more often than it was
/// in the text that was sent.
fn once(
    who: &str,
    review: &Review,
    landed: &[HunkId],
    sent: &Proposal,
) -> Result<(), TestCaseError> {
    let Ok(again) = review.accept(landed) else {
        return Ok(());
    };
    let (again, sent) = (again.after(PATH).unwrap(), sent.after(PATH).unwrap());
    for hunk in review.hunks.iter().filter(|hunk| landed.contains(&hunk.id)) {
        // A part of a number may be of anyone's.
        let written = hunk
            .replacements
            .iter()
            .flat_map(|one| numbers(&one.insert))
            .filter(|number| number.len() >= 4);
        for number in written {
            let count = |text: &str| numbers(text).filter(|it| *it == number).count();
            prop_assert!(
                count(&again) <= count(&sent).max(1),
                "{who}: {number} too often in {again:?}"
            );
        }
    }
    Ok(())
}

/// So many sessions of this seed, and others for who wants more: `PLEACH_TEST_SESSIONS=20000
/// PLEACH_TEST_SEED=7 cargo test -p pleach-edit --lib interleavings::session`.
fn sessions() -> ProptestConfig {
    let given = |name: &str| std::env::var(name).ok()?.parse().ok();
    let cases = given("PLEACH_TEST_SESSIONS").and_then(|cases: u64| u32::try_from(cases).ok());
    config(
        cases.unwrap_or(600),
        given("PLEACH_TEST_SEED").unwrap_or(41),
    )
}

proptest! {
    #![proptest_config(sessions())]

    #[test]
    fn nothing_typed_is_lost_and_nothing_lands_twice(
        base in lines(),
        agents in proptest::collection::vec(acts(6), 1..4),
        events in proptest::collection::vec(event(), 1..24),
    ) {
        let reviews = agents.iter().enumerate().map(|(number, acts)| {
            Review::of(proposal(&base, change(&base, number + 1, acts)))
        });
        let mut world = World {
            reviews: reviews.collect(),
            editor: Editor::open(&base),
            steps: Vec::new(),
            landed: Vec::new(),
            unsettled: Vec::new(),
            killed: Vec::new(),
            killed_before: Vec::new(),
            typed: 0,
            base,
        };
        for event in &events {
            world.happens(event)?;
        }
        world.begin_again()?;
    }
}
