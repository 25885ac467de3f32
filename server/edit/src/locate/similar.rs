//! The last rung: context that differs a little, and what to show when nothing fits.
//!
//! Lines that the hunk and the file share vote for how far the hunk lies from its own numbering;
//! the offsets with the most votes are aligned line by line in a narrow band. The cost grows with
//! the file plus the hunk, never with their product.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Index, Pattern, Spot, Spots, fit, occurrences};
use crate::Rung;
use crate::diff::diff;
use crate::fold::{Form, likeness};
use crate::indent::Reindent;
use crate::lines::is_blank;
use crate::refusal::Closest;

/// How far an alignment may leave its offset: that many lines may be missing or too many.
const BAND: usize = 6;
/// How many offsets are looked at closely.
const WINDOWS: usize = 8;
/// Lines more frequent than this in the file say nothing about the place.
const MAX_FREQUENCY: usize = 48;
/// An upper bound for all votes together.
const MAX_VOTES: usize = 200_000;
/// Longer hunks are not aligned: whoever copies that many lines copies them rightly.
const MAX_LINES: usize = 4_000;
/// A misspelt line differs from the right one in one place, by at most so many characters.
const MISSPELT: usize = 3;
/// How many letters of the hunk must be found again.
const MIN_LETTERS: usize = 12;

struct Alignment {
    align: Vec<Option<usize>>,
    first: usize,
    last: usize,
    /// Lines with letters that are the same, the letters in them, and lines that differ in any way.
    matched: usize,
    letters: usize,
    differing: usize,
}

impl Alignment {
    fn score(&self) -> isize {
        isize::try_from(self.matched).unwrap_or(isize::MAX)
            - isize::try_from(self.differing).unwrap_or(0)
    }
}

/// The one place where the hunk belongs although its context is not quite the file's.
pub(crate) fn find(index: &Index<'_>, pattern: &Pattern<'_>) -> Spots {
    let solid = pattern.old.iter().filter(|line| !is_blank(line)).count();
    if solid < 3 || pattern.old.len() > MAX_LINES {
        return Vec::new();
    }
    let mut found: Vec<Alignment> = offsets(index, pattern)
        .into_iter()
        .filter_map(|offset| align(index, pattern, offset))
        .collect();
    found.sort_by_key(|alignment| std::cmp::Reverse(alignment.score()));
    found.dedup_by_key(|alignment| (alignment.first, alignment.last));
    let mut found = found.into_iter();
    let Some(best) = found.next() else {
        return Vec::new();
    };
    let allowed = match solid {
        0..10 => 1,
        10..20 => 2,
        _ => 3,
    };
    if best.matched < 2 || best.letters < MIN_LETTERS || best.differing > allowed {
        return Vec::new();
    }
    let margin = isize::try_from((solid / 4).max(2)).unwrap_or(2);
    if found
        .next()
        .is_some_and(|second| second.score() > best.score() - margin)
    {
        return Vec::new();
    }
    if !is_held(index, pattern, &best) {
        return Vec::new();
    }
    let Alignment {
        align, first, last, ..
    } = best;
    let spot = Spot {
        rung: Rung::Similar,
        first,
        last,
        align,
        reindent: Reindent::Same,
    };
    fit(index, pattern, spot).into_iter().collect()
}

/// The offsets (line of the file less line of the hunk) that have the most shared lines.
fn offsets(index: &Index<'_>, pattern: &Pattern<'_>) -> Vec<isize> {
    let keys = index.keys(Form::Dense);
    let mut wanted: HashMap<u64, (Vec<usize>, usize)> = HashMap::new();
    for (at, line) in pattern
        .old
        .iter()
        .enumerate()
        .filter(|(_, line)| !is_blank(line))
    {
        let (places, _) = wanted.entry(Form::Dense.key(line)).or_default();
        if places.len() < 4 {
            places.push(at);
        }
    }
    for key in keys.iter() {
        if let Some((_, frequency)) = wanted.get_mut(key) {
            *frequency += 1;
        }
    }
    let rarest = wanted
        .values()
        .map(|(_, frequency)| *frequency)
        .filter(|&count| count > 0)
        .min()
        .unwrap_or(0);
    let bound = MAX_FREQUENCY.max(rarest);
    let mut votes: Vec<isize> = Vec::new();
    for (line, key) in keys.iter().enumerate() {
        let Some((places, frequency)) = wanted.get(key) else {
            continue;
        };
        if *frequency > bound || votes.len() > MAX_VOTES {
            continue;
        }
        for &at in places {
            votes.extend(
                isize::try_from(line)
                    .ok()
                    .zip(isize::try_from(at).ok())
                    .map(|(line, at)| line - at),
            );
        }
    }
    votes.sort_unstable();
    let band = isize::try_from(BAND).unwrap_or(0);
    let mut ranked: Vec<(usize, isize)> = Vec::new();
    let mut from = 0;
    for (at, &offset) in votes.iter().enumerate() {
        while votes.get(from).is_some_and(|&low| low < offset - band) {
            from += 1;
        }
        let middle = votes.get(from + (at - from) / 2).copied().unwrap_or(offset);
        ranked.push((at + 1 - from, middle));
    }
    ranked.sort_by_key(|&(count, offset)| (std::cmp::Reverse(count), offset));
    let mut out: Vec<isize> = Vec::new();
    for (_, offset) in ranked {
        if out.iter().all(|known| (known - offset).abs() > band / 2) {
            out.push(offset);
            if out.len() == WINDOWS {
                break;
            }
        }
    }
    out
}

/// Pairs the hunk's lines with the file's around an offset: first those that are the same, by a
/// longest common subsequence within the band, then misspelt ones between them.
fn align(index: &Index<'_>, pattern: &Pattern<'_>, offset: isize) -> Option<Alignment> {
    let pairs = common(index, pattern, offset);
    let (&(first_old, first_line), &(last_old, last_line)) = (pairs.first()?, pairs.last()?);
    let count = pattern.old.len();
    let mut align = vec![None; count];
    for &(old, line) in &pairs {
        if let Some(slot) = align.get_mut(old) {
            *slot = Some(line);
        }
    }
    let mut set = |old: usize, line: usize| {
        let alike = pattern.old.get(old).is_some_and(|text| {
            let file = index.file.line(line);
            is_blank(text) == is_blank(file) && is_misspelt(text, file)
        });
        if alike && let Some(slot) = align.get_mut(old) {
            *slot = Some(line);
        }
        alike
    };
    for gap in pairs.windows(2) {
        let [(old, line), (next_old, next_line)] = gap else {
            continue;
        };
        let (olds, lines) = (next_old - old - 1, next_line - line - 1);
        if olds == lines {
            for step in 1..=olds {
                set(old + step, line + step);
            }
        } else if olds > 0 && lines > 0 && olds <= 8 && lines <= 8 {
            let mut from = line + 1;
            for at in old + 1..*next_old {
                if let Some(place) = (from..*next_line).find(|&place| set(at, place)) {
                    from = place + 1;
                }
            }
        }
    }
    let (mut first, mut last) = (first_line, last_line + 1);
    for old in (0..first_old).rev() {
        if first > 0 && set(old, first - 1) {
            first -= 1;
        }
    }
    for old in last_old + 1..count {
        if last < index.file.len() && set(old, last) {
            last += 1;
        }
    }
    Some(measure(index, pattern, align, first, last))
}

/// Whether two lines differ in one place by a few characters.
fn is_misspelt(one: &str, other: &str) -> bool {
    let (one, other) = (Form::Dense.of(one), Form::Dense.of(other));
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let rest = one.len().min(other.len()) - head;
    let tail = one
        .iter()
        .rev()
        .zip(other.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let differing = one.len().max(other.len()) - head - tail;
    differing <= MISSPELT && head + tail > differing
}

/// Whether every change of the hunk stands between lines that are surely the right ones: the lines
/// on both sides are the file's, and stand together only once around the place. Changes that could
/// as well be read one line up or down are tried in all readings.
fn is_held(index: &Index<'_>, pattern: &Pattern<'_>, found: &Alignment) -> bool {
    let same = |old: usize| {
        let place = found.align.get(old).copied().flatten()?;
        let line = pattern.old.get(old)?;
        Form::Dense
            .same(line, index.file.line(place))
            .then_some(place)
    };
    let around = found.first.saturating_sub(BAND)..(found.last + BAND).min(index.file.len());
    let keys = index.keys(Form::Dense);
    let nearby = keys.get(around).unwrap_or(&[]);
    let key = |old: usize| pattern.old.get(old).map(|line| Form::Dense.key(line));
    pattern.parts.iter().filter(|part| !part.equal).all(|part| {
        let (mut from, mut to) = (part.old.start, part.old.end);
        // How far the change can slide while the text stays the same.
        let old = |at: Option<usize>| at.and_then(|at| pattern.old.get(at));
        while !part.old.is_empty()
            && from > 0
            && old(from.checked_sub(1)) == old(to.checked_sub(1 + part.old.start - from))
        {
            from -= 1;
        }
        while !part.old.is_empty()
            && to < pattern.old.len()
            && old(Some(to)) == old(Some(part.old.start + to - part.old.end))
        {
            to += 1;
        }
        let window = from.saturating_sub(1)..(to + 1).min(pattern.old.len());
        let places: Vec<Option<usize>> = window.clone().map(same).collect();
        let removed_done = part.old.clone().any(|at| same(at).is_none());
        let in_row = places.windows(2).all(|pair| match pair {
            [Some(one), Some(other)] => other == &(one + 1),
            _ => false,
        });
        if removed_done {
            // The file may have the new lines already; placing the hunk tells.
            return true;
        }
        let needle: Option<Vec<u64>> = window.map(key).collect();
        in_row
            && places.iter().all(Option::is_some)
            && needle.is_some_and(|needle| occurrences(nearby, &needle).len() == 1)
    })
}

fn measure(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    align: Vec<Option<usize>>,
    first: usize,
    last: usize,
) -> Alignment {
    let (mut matched, mut letters, mut differing) = (0, 0, 0);
    for (old, place) in pattern
        .old
        .iter()
        .zip(&align)
        .filter(|(old, _)| !is_blank(old))
    {
        match place {
            Some(line) if Form::Dense.same(old, index.file.line(*line)) => {
                matched += 1;
                letters += old
                    .chars()
                    .filter(|character| character.is_alphanumeric())
                    .count();
            }
            _ => differing += 1,
        }
    }
    let taken: std::collections::HashSet<usize> = align.iter().flatten().copied().collect();
    differing += (first..last)
        .filter(|line| !taken.contains(line) && !is_blank(index.file.line(*line)))
        .count();
    Alignment {
        align,
        first,
        last,
        matched,
        letters,
        differing,
    }
}

/// Longest common subsequence of the hunk and the file within the band around an offset.
fn common(index: &Index<'_>, pattern: &Pattern<'_>, offset: isize) -> Vec<(usize, usize)> {
    let keys = index.keys(Form::Dense);
    let width = 2 * BAND + 1;
    let old: Vec<u64> = pattern
        .old
        .iter()
        .map(|line| Form::Dense.key(line))
        .collect();
    let band = isize::try_from(BAND).unwrap_or(0);
    let line_of = |at: usize, cell: usize| -> Option<usize> {
        let line = isize::try_from(at + cell).ok()?.checked_add(offset)? - band;
        usize::try_from(line).ok().filter(|&line| line < keys.len())
    };
    // best[at][cell]: matches among old[at..] when the next line of the file is line_of(at, cell).
    let mut best = vec![0u32; (old.len() + 1) * width];
    let get = |best: &[u32], at: usize, cell: usize| -> u32 {
        if cell < width {
            best.get(at * width + cell).copied().unwrap_or(0)
        } else {
            0
        }
    };
    let weight = |at: usize| {
        if pattern.old.get(at).is_some_and(|line| is_blank(line)) {
            1
        } else {
            4
        }
    };
    for at in (0..old.len()).rev() {
        for cell in (0..width).rev() {
            // Skipping a line of the hunk moves one cell to the left in the next row.
            let skip_old = cell
                .checked_sub(1)
                .map_or(0, |left| get(&best, at + 1, left));
            let skip_line = get(&best, at, cell + 1);
            let same = line_of(at, cell).is_some_and(|line| keys.get(line) == old.get(at));
            let take = if same {
                get(&best, at + 1, cell) + weight(at)
            } else {
                0
            };
            if let Some(slot) = best.get_mut(at * width + cell) {
                *slot = take.max(skip_old).max(skip_line);
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut at, mut cell) = (0, 0);
    while at < old.len() && cell < width {
        let here = get(&best, at, cell);
        let line = line_of(at, cell).filter(|&line| keys.get(line) == old.get(at));
        match line {
            Some(line) if here == get(&best, at + 1, cell) + weight(at) => {
                pairs.push((at, line));
                at += 1;
            }
            _ if here == get(&best, at, cell + 1) && cell + 1 < width => cell += 1,
            _ => {
                let Some(left) = cell.checked_sub(1) else {
                    break;
                };
                at += 1;
                cell = left;
            }
        }
    }
    while pairs
        .first()
        .is_some_and(|&(old, _)| pattern.old.get(old).is_some_and(|line| is_blank(line)))
    {
        pairs.remove(0);
    }
    while pairs
        .last()
        .is_some_and(|&(old, _)| pattern.old.get(old).is_some_and(|line| is_blank(line)))
    {
        pairs.pop();
    }
    pairs
}

/// How many lines of the file are shown.
const SHOWN: usize = 24;

/// The lines of the file that are most like the old text, and what differs.
pub(crate) fn closest(index: &Index<'_>, pattern: &Pattern<'_>) -> Option<Closest> {
    let count = pattern.old.len().clamp(1, SHOWN);
    let first = match offsets(index, pattern).first() {
        Some(&offset) => usize::try_from(offset).unwrap_or(0),
        None => likest(index, pattern)?,
    };
    let last = (first + count).min(index.file.len());
    let lines: Vec<&str> = (first..last).map(|line| index.file.line(line)).collect();
    if lines.is_empty() {
        return None;
    }
    let old = pattern.old.get(..count).unwrap_or(&pattern.old);
    let mut shown = String::new();
    for part in diff(old, &lines).iter().filter(|part| !part.equal) {
        for line in old.get(part.old.clone()).unwrap_or(&[]) {
            let _ = writeln!(shown, "-{line}");
        }
        for line in lines.get(part.new.clone()).unwrap_or(&[]) {
            let _ = writeln!(shown, "+{line}");
        }
    }
    Some(Closest {
        line: first + 1,
        text: lines.join("\n"),
        diff: shown,
    })
}

/// Lines of the file that are compared letter by letter when no line is the same.
const MAX_COMPARED: usize = 20_000;

/// The place of the line that is most like the hunk's longest line.
fn likest(index: &Index<'_>, pattern: &Pattern<'_>) -> Option<usize> {
    let (at, longest) = pattern
        .old
        .iter()
        .enumerate()
        .max_by_key(|(_, line)| line.trim().len())?;
    let length = longest.trim().len();
    let mut best = (0.5, None);
    for (place, line) in index.file.iter().enumerate().take(MAX_COMPARED) {
        let other = line.trim().len();
        if length > 400 || other * 2 < length || length * 2 < other {
            continue;
        }
        let score = likeness(longest, line);
        if score > best.0 {
            best = (score, Some(place));
        }
    }
    best.1.map(|place: usize| place.saturating_sub(at))
}
