//! The alignment of a piece of code with its file.
//!
//! A dynamic programme over lines of the piece × lines of the file. Lines of the file may be passed
//! over for nothing where the piece has an elision (and before and after the piece); elsewhere
//! passing over them deletes them.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::TELLING;
use super::beside::letters;
use super::view::View;
use crate::fold::{Form, likeness};
use crate::lines::is_blank;
use crate::locate::occurrences;

/// More cells than this are not computed: one byte each, and a little work.
const MAX_CELLS: usize = 6_000_000;
/// An alignment is done again to see whether another one is as good. All of them together may have so
/// many cells: about a second.
const MAX_WORK: usize = 60_000_000;
/// So many lines of the piece and the file may be the same: lines that are everywhere tell nothing.
const MAX_PAIRS: usize = 400_000;
/// Nothing is worth this little.
const NEVER: i32 = i32::MIN / 4;
/// A score at or below this means that there is no alignment at all.
pub(super) const IMPOSSIBLE: i32 = NEVER / 2;

const OPEN_GAP: i32 = 24;
const INSERT: i32 = 8;
const DELETE: i32 = 8;

/// What each line of the piece is worth on each line of the file.
pub(super) struct Costs {
    shown: usize,
    file: usize,
    elided: Vec<bool>,
    solid: Vec<bool>,
    file_solid: Vec<bool>,
    /// Lines of the piece that surely are in the file.
    pinned: Vec<bool>,
    /// Lines of the piece with letters that are in the file once.
    rare: Vec<bool>,
    /// A line beside an elision that surely is in the file, but in another block than the piece has it in.
    elsewhere: Option<usize>,
    /// For each line of the piece the lines of the file that may be it, and what that is worth.
    matches: Vec<HashMap<usize, i32>>,
    /// The cells that may still be computed.
    left: Cell<usize>,
}

impl Costs {
    /// Whether a line of the piece can be only one line of the file.
    pub(super) fn is_unique(&self, at: usize) -> bool {
        self.pinned.get(at) == Some(&true) || self.rare.get(at) == Some(&true)
    }

    /// Whether the first and the last line of a group surely are in the file, at one place each.
    pub(super) fn is_pinned_at_both_ends(&self, range: Range<usize>) -> bool {
        let solid = |at: &usize| self.solid.get(*at) == Some(&true);
        let pinned = |at: usize| self.pinned.get(at) == Some(&true);
        range.clone().find(solid).is_some_and(pinned) && range.rev().find(solid).is_some_and(pinned)
    }

    /// Every pair of a line of a group that could be several lines of the file.
    pub(super) fn loose_pairs(&self, group: Range<usize>) -> HashSet<(usize, usize)> {
        group
            .filter(|&at| !self.is_unique(at))
            .filter_map(|at| Some((at, self.matches.get(at)?)))
            .flat_map(|(at, places)| places.keys().map(move |&place| (at, place)))
            .collect()
    }

    /// A line beside an elision that surely is in the file, but in another block than the piece has it in.
    pub(super) fn elsewhere(&self) -> Option<usize> {
        self.elsewhere
    }

    /// Whether a line of the piece has letters and is in the file once.
    pub(super) fn is_rare(&self, at: usize) -> bool {
        self.rare.get(at) == Some(&true)
    }

    pub(super) fn new(shown: &View<'_>, file: &View<'_>, form: Form) -> Option<Self> {
        if shown.len().saturating_add(1).saturating_mul(file.len() + 1) > MAX_CELLS {
            return None;
        }
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for at in 0..file.len() {
            places.entry(form.key(file.line(at))).or_default().push(at);
        }
        let keys: Vec<u64> = (0..shown.len())
            .map(|at| form.key(shown.line(at)))
            .collect();
        let key = |at: usize| keys.get(at).copied().unwrap_or(0);
        let in_file = |at: usize| places.get(&key(at)).map_or(0, Vec::len);
        let pairs: usize = (0..shown.len()).map(in_file).sum();
        if pairs > MAX_PAIRS {
            return None;
        }
        let mut matches = Vec::with_capacity(shown.len());
        for at in 0..shown.len() {
            let mut worth = HashMap::new();
            if !shown.is_elision(at) {
                let frequency = in_file(at);
                for &place in places.get(&key(at)).into_iter().flatten() {
                    if let Some(value) = value(shown, file, at, place, frequency, form, &in_file) {
                        worth.insert(place, value);
                    }
                }
            }
            matches.push(worth);
        }
        let file_keys: Vec<u64> = (0..file.len()).map(|at| form.key(file.line(at))).collect();
        let mut pinned = vec![false; shown.len()];
        let mut elsewhere = None;
        for (at, place) in pins(shown, &keys, &file_keys) {
            if let (Some(worth), Some(pin)) = (matches.get_mut(at), pinned.get_mut(at)) {
                if worth.contains_key(&place) {
                    worth.retain(|other, _| *other == place);
                    *pin = true;
                } else if letters(shown.line(at)) >= TELLING {
                    elsewhere = elsewhere.or(Some(at));
                }
            }
        }
        let letters = |at: usize| letters(shown.line(at));
        let rare = (0..shown.len())
            .map(|at| {
                in_file(at) == 1
                    && letters(at) > 2
                    && matches.get(at).is_some_and(|worth| !worth.is_empty())
            })
            .collect();
        Some(Self {
            pinned,
            rare,
            elsewhere,
            shown: shown.len(),
            file: file.len(),
            elided: (0..shown.len()).map(|at| shown.is_elision(at)).collect(),
            solid: (0..shown.len())
                .map(|at| !is_blank(shown.line(at)))
                .collect(),
            file_solid: (0..file.len()).map(|at| !is_blank(file.line(at))).collect(),
            matches,
            left: Cell::new(MAX_WORK),
        })
    }
}

/// Lines beside an elision are there to tell where it is. When they, alone or with the lines next to
/// them, stand once in the file, they are that place, however much of the rest looks like another.
fn pins(shown: &View<'_>, keys: &[u64], file: &[u64]) -> Vec<(usize, usize)> {
    let mut pins = Vec::new();
    let elision = |at: Option<usize>| at.is_none_or(|at| at >= shown.len() || shown.is_elision(at));
    for at in (0..shown.len()).filter(|&at| !shown.is_elision(at)) {
        if elision(at.checked_sub(1)) {
            let first = (at..shown.len())
                .find(|&line| !is_blank(shown.line(line)) || shown.is_elision(line));
            pins.extend(first.and_then(|first| pin(shown, keys, file, first, true)));
        }
        if elision(Some(at + 1)) {
            let last = (0..=at)
                .rev()
                .find(|&line| !is_blank(shown.line(line)) || shown.is_elision(line));
            pins.extend(last.and_then(|last| pin(shown, keys, file, last, false)));
        }
    }
    pins
}

/// How many lines together may tell a place.
const PIN_LINES: usize = 4;

fn pin(
    shown: &View<'_>,
    keys: &[u64],
    file: &[u64],
    from: usize,
    downwards: bool,
) -> Option<(usize, usize)> {
    for count in 1..=PIN_LINES {
        let range = if downwards {
            from..from + count
        } else {
            (from + 1).checked_sub(count)?..from + 1
        };
        if range.end > shown.len() || range.clone().any(|at| shown.is_elision(at)) {
            return None;
        }
        let telling = range.clone().filter(|&at| !shown.closes(at));
        let letters: usize = telling.map(|at| letters(shown.line(at))).sum();
        let hits = occurrences(file, keys.get(range)?);
        match hits.as_slice() {
            [] => return None,
            [only] if letters > 2 || (count > 1 && letters > 0) || count > 2 => {
                return Some((from, if downwards { *only } else { only + count - 1 }));
            }
            _ => {}
        }
    }
    None
}

/// What it is worth that a line of the piece is that line of the file; `None` when it cannot be.
fn value(
    shown: &View<'_>,
    file: &View<'_>,
    at: usize,
    place: usize,
    frequency: usize,
    form: Form,
    in_file: &dyn Fn(usize) -> usize,
) -> Option<i32> {
    let line = shown.line(at);
    if is_blank(line) {
        return Some(if line == file.line(place) { 5 } else { 4 });
    }
    let same = |one: usize, other: usize| form.same(shown.line(one), file.line(other));
    let (mut headed, mut inside) = (false, false);
    if shown.closes(at)
        && let Some(opener) = shown.opener(at)
    {
        let own = file.opener(place);
        match own {
            // A bracket alone is like any other one.
            Some(own) if same(opener, own) => headed = letters(shown.line(opener)) > 0,
            // What an elision hides may close the block and open another one.
            _ if shown.elides_between(opener, at) => {}
            Some(own) if in_file(opener) == 0 && alike(shown.line(opener), file.line(own)) => {}
            _ => return None,
        }
    }
    // What closes a block that is not shown heads the next one in its place.
    if let Some(head) = shown.visible_head(at).filter(|&head| !shown.closes(head)) {
        let mut above = file.head(place);
        let mut found = false;
        while let Some(line) = above {
            if same(head, line) {
                found = true;
                break;
            }
            above = file.head(line);
        }
        let elided = shown.elides_between(head, at);
        // A changed head is in the file no more; the one in its place is much like it.
        let changed = in_file(head) == 0
            && file
                .head(place)
                .is_some_and(|own| alike(shown.line(head), file.line(own)));
        if !found && !elided && !changed {
            return None;
        }
        inside = found && elided;
    }
    let letters = letters(line);
    let base = match letters {
        0..=2 if headed => 64,
        0..=2 => 14,
        3..=5 => 40,
        _ => 64,
    };
    let rare = if frequency == 1 && letters > 2 { 32 } else { 0 };
    Some(base + rare + if inside { 48 } else { 0 })
}

/// Whether one line may be the other one changed: a signature with the same name, or much the same
/// words.
pub(super) fn alike(one: &str, other: &str) -> bool {
    if told_apart(one, other) {
        return false;
    }
    match (name(one), name(other)) {
        (Some(one_name), Some(other_name)) if one_name != other_name => false,
        // A declaration keeps its name; `if (` and `describe(` are told apart by what they are given.
        (Some(name), Some(_)) if declares(one, name) && declares(other, name) => true,
        (Some(_), Some(_)) => likeness(one, other) >= 0.75,
        _ => likeness(one, other) >= 0.6,
    }
}

/// Lines that open a block for one of several things of a kind are about another one when they give it
/// another key or title: `"a": {`, `['<Tab>'] = {`, `context "with a file" do`.
fn told_apart(one: &str, other: &str) -> bool {
    /// Titles this much alike are one title, reworded.
    const REWORDED: f64 = 0.9;
    match (key(one), key(other)) {
        (Some(one), Some(other)) if one != other => return true,
        _ => {}
    }
    match (title(one), title(other)) {
        (Some((head, title)), Some((other_head, other))) => {
            head == other_head && title != other && likeness(title, other) < REWORDED
        }
        _ => false,
    }
}

/// The key or the name that a line gives to the block that it opens, where nothing but the two is in it.
fn key(line: &str) -> Option<&str> {
    let body = line.trim();
    let front = body
        .strip_suffix(['{', '[', '('])?
        .trim_end()
        .strip_suffix(['=', ':'])?
        .trim_end();
    let plain = !front.is_empty() && !front.contains([' ', '(', '=']);
    (plain || front.starts_with(['"', '\'', '['])).then_some(front)
}

/// What a line calls, and the quoted title that it gives to the block that it opens.
fn title(line: &str) -> Option<(&str, &str)> {
    let body = line.trim();
    if !body.ends_with(['{', '(']) && !body.ends_with("do") && !body.ends_with("=>") {
        return None;
    }
    let at = body.find(['"', '\''])?;
    let (head, quoted) = body.split_at_checked(at)?;
    let quote = quoted.chars().next()?;
    let (title, _) = quoted.get(1..)?.split_once(quote)?;
    let word = |letter: char| letter.is_alphanumeric() || "_.".contains(letter);
    let called = head.trim_end().trim_end_matches('(');
    (title.contains(' ') && !called.is_empty() && called.chars().all(word))
        .then_some((called, title))
}

/// Whether a line has a word before a name: a keyword or a type. Tags declare.
fn declares(line: &str, name: &str) -> bool {
    let front = line.split(name).next().unwrap_or("").trim();
    line.trim_start().starts_with('<')
        || (!matches!(front, "" | "}" | "await" | "return" | "else" | "} else")
            && front.ends_with(|last: char| last.is_alphanumeric() || "*&>".contains(last)))
}

/// The name of what a line calls or declares: before its first bracket, or of its tag.
fn name(line: &str) -> Option<&str> {
    let line = line.trim();
    if let Some(tag) = line.strip_prefix('<') {
        return tag
            .split([' ', '>', '/'])
            .next()
            .filter(|name| !name.is_empty());
    }
    let (front, _) = line.split_once('(')?;
    let word = |letter: char| letter.is_alphanumeric() || letter == '_';
    front
        .trim_end()
        .rsplit(|letter| !word(letter))
        .next()
        .filter(|name| !name.is_empty())
}

/// Which line of the file each line of the piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alignment {
    pub(super) score: i32,
    places: Vec<Option<usize>>,
    solid: Vec<bool>,
}

impl Alignment {
    pub(super) fn line_of(&self, at: usize) -> Option<usize> {
        self.places.get(at).copied().flatten()
    }

    /// The lines with letters or signs in a range of the piece that are in the file.
    pub(super) fn pairs_in(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = (usize, usize)> + '_ {
        range
            .filter(|&at| self.solid.get(at) == Some(&true))
            .filter_map(|at| Some((at, self.line_of(at)?)))
    }

    /// The first and the last such pair, blank lines counted.
    pub(super) fn ends(&self, range: Range<usize>) -> Option<((usize, usize), (usize, usize))> {
        self.pairs_in(range.clone()).next()?;
        let mut pairs = range.filter_map(|at| Some((at, self.line_of(at)?)));
        let first = pairs.next()?;
        Some((first, pairs.next_back().unwrap_or(first)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Step {
    Stop,
    /// Both move: the line is the same, or an elision starts.
    Both,
    /// The piece moves: a new line.
    Insert,
    /// The file moves: a deleted line, or a hidden one.
    Pass,
}

/// The best alignment that does not use the banned pairs; `None` when too many were done already.
pub(super) fn align(costs: &Costs, banned: &HashSet<(usize, usize)>) -> Option<Alignment> {
    let width = costs.file + 1;
    let left = costs
        .left
        .get()
        .checked_sub((costs.shown + 1).saturating_mul(width))?;
    costs.left.set(left);
    // Two layers: between lines of the file, and while deleting some.
    let mut plain = vec![NEVER; width];
    let mut gap = vec![NEVER; width];
    let mut steps = vec![0u8; (costs.shown + 1) * width];
    // Before the piece, everything may be passed over.
    for (at, cell) in plain.iter_mut().enumerate() {
        *cell = 0;
        if let Some(step) = steps.get_mut(at) {
            *step = pack(
                if at == 0 { Step::Stop } else { Step::Pass },
                Step::Stop,
                false,
            );
        }
    }
    for row in 1..=costs.shown {
        let at = row - 1;
        let elided = costs.elided.get(at).copied().unwrap_or(false);
        let last = row == costs.shown;
        let free = elided || last;
        let insert = if costs.solid.get(at) == Some(&true) {
            INSERT
        } else {
            1
        };
        let worth = costs.matches.get(at);
        let mut next_plain = vec![NEVER; width];
        let mut next_gap = vec![NEVER; width];
        for column in 0..width {
            let get = |cells: &[i32], column: usize| cells.get(column).copied().unwrap_or(NEVER);
            let above = get(&plain, column).max(get(&gap, column));
            let above_is_gap = get(&gap, column) > get(&plain, column);
            let (mut best, mut step, mut from_gap) = if elided {
                // An elision starts here: it takes no line of its own.
                (above, Step::Insert, above_is_gap)
            } else if costs.pinned.get(at) == Some(&true) {
                (NEVER, Step::Stop, false)
            } else {
                (above - insert, Step::Insert, above_is_gap)
            };
            if let Some(left) = column.checked_sub(1) {
                if let Some(&value) = worth.and_then(|worth| worth.get(&left))
                    && !banned.contains(&(at, left))
                {
                    let corner = get(&plain, left).max(get(&gap, left));
                    if corner + value > best {
                        (best, step, from_gap) = (
                            corner + value,
                            Step::Both,
                            get(&gap, left) > get(&plain, left),
                        );
                    }
                }
                if free && get(&next_plain, left) > best {
                    (best, step, from_gap) = (get(&next_plain, left), Step::Pass, false);
                }
            }
            let mut gap_step = Step::Stop;
            if let Some(left) = column.checked_sub(1) {
                let price = if costs.file_solid.get(left) == Some(&true) {
                    DELETE
                } else {
                    0
                };
                let opened = get(&next_plain, left) - OPEN_GAP - price;
                let widened = get(&next_gap, left) - price;
                if let Some(cell) = next_gap.get_mut(column) {
                    *cell = opened.max(widened);
                }
                gap_step = if opened >= widened {
                    Step::Both
                } else {
                    Step::Pass
                };
            }
            if let Some(cell) = next_plain.get_mut(column) {
                *cell = best;
            }
            if let Some(cell) = steps.get_mut(row * width + column) {
                *cell = pack(step, gap_step, from_gap);
            }
        }
        plain = next_plain;
        gap = next_gap;
    }
    let score = plain.last().copied().unwrap_or(NEVER);
    Some(Alignment {
        score,
        places: trace(costs, &steps, width),
        solid: costs.solid.clone(),
    })
}

fn pack(plain: Step, gap: Step, from_gap: bool) -> u8 {
    plain as u8 | (gap as u8) << 2 | u8::from(from_gap) << 4
}

fn unpack(bits: u8) -> Step {
    match bits & 3 {
        1 => Step::Both,
        2 => Step::Insert,
        3 => Step::Pass,
        _ => Step::Stop,
    }
}

fn trace(costs: &Costs, steps: &[u8], width: usize) -> Vec<Option<usize>> {
    let mut places = vec![None; costs.shown];
    let (mut row, mut column, mut in_gap) = (costs.shown, costs.file, false);
    while row > 0 {
        let cell = steps.get(row * width + column).copied().unwrap_or(0);
        if in_gap {
            // A deleted line: opened from the plain layer, or widened.
            in_gap = unpack(cell >> 2) == Step::Pass;
            match column.checked_sub(1) {
                Some(left) => column = left,
                None => break,
            }
            continue;
        }
        let from_gap = cell >> 4 & 1 == 1;
        match unpack(cell) {
            Step::Both => {
                row -= 1;
                let Some(left) = column.checked_sub(1) else {
                    break;
                };
                column = left;
                if let Some(place) = places.get_mut(row) {
                    *place = Some(column);
                }
                in_gap = from_gap;
            }
            Step::Insert => {
                row -= 1;
                in_gap = from_gap;
            }
            Step::Pass => match column.checked_sub(1) {
                Some(left) => column = left,
                None => break,
            },
            Step::Stop => break,
        }
    }
    places
}
