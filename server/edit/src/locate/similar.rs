//! The last rung: context that differs a little, and what to show when nothing fits.
//!
//! Lines that the hunk and the file share vote for how far the hunk lies from its own numbering;
//! the offsets with the most votes are aligned line by line in a narrow band. The cost grows with
//! the file plus the hunk, never with their product.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Index, Pattern, Spot, Spots, fit};
use crate::Rung;
use crate::diff::diff;
use crate::fold::{Form, Pairs, likeness};
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
    // What pairs a line as the best one does is the same place seen from another offset.
    let elsewhere = |other: &Alignment| {
        let mut pairs = best.align.iter().zip(&other.align);
        !pairs.any(|(one, other)| one.is_some() && one == other)
    };
    if found
        .find(elsewhere)
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
    let known = index.places();
    let mut wanted: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, line) in pattern
        .old
        .iter()
        .enumerate()
        .filter(|(_, line)| !is_blank(line))
    {
        let places = wanted.entry(Form::Dense.key(line)).or_default();
        if places.len() < 4 {
            places.push(at);
        }
    }
    let rarest = wanted
        .keys()
        .map(|key| known.count(*key))
        .filter(|&count| count > 0)
        .min()
        .unwrap_or(0);
    let bound = MAX_FREQUENCY.max(rarest);
    let mut lines: Vec<usize> = wanted
        .keys()
        .filter(|key| known.count(**key) <= bound)
        .flat_map(|key| known.lines(*key))
        .collect();
    lines.sort_unstable();
    let mut votes: Vec<isize> = Vec::new();
    for line in lines {
        if votes.len() > MAX_VOTES {
            break;
        }
        let places = keys.get(line).and_then(|key| wanted.get(key));
        for &at in places.into_iter().flatten() {
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
            match (is_blank(text), is_blank(file)) {
                (true, true) => true,
                (false, false) => is_misspelt(text, file),
                _ => false,
            }
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

/// Lines of the hunk that lie in the file in the same order without a gap: a run.
struct Run {
    old: std::ops::Range<usize>,
    /// The line of the file for the first of them.
    first: usize,
}

/// The runs of an alignment. A line that the file does not have, or has more of, ends one.
fn runs(align: &[Option<usize>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (old, place) in align.iter().enumerate() {
        let Some(place) = *place else { continue };
        match runs.last_mut() {
            Some(run) if run.old.end == old && run.first + run.old.len() == place => {
                run.old.end += 1;
            }
            _ => runs.push(Run {
                old: old..old + 1,
                first: place,
            }),
        }
    }
    runs
}

/// Whether every change of the hunk stands in lines that are surely the right ones: in a run that
/// fits nowhere near as well, or between two runs that follow each other in the file. Changes that
/// could as well be read one line up or down must be in one run in all readings.
fn is_held(index: &Index<'_>, pattern: &Pattern<'_>, found: &Alignment) -> bool {
    let keys = index.keys(Form::Dense);
    let old_keys: Vec<u64> = pattern
        .old
        .iter()
        .map(|line| Form::Dense.key(line))
        .collect();
    let runs = runs(&found.align);
    let run_of = |old: usize| runs.iter().find(|run| run.old.contains(&old));
    let is_sure = |run: &Run| run_is_sure(&keys, &old_keys, pattern, run);
    let same = |at: usize| {
        let place = found.align.get(at).copied().flatten();
        place.is_some_and(|place| keys.get(place) == old_keys.get(at))
    };
    // A line of context that the file does not have, right beside a change, may be a new one that lost
    // its sign.
    let is_unknown = |at: usize| {
        let solid = pattern.old.get(at).is_some_and(|line| !is_blank(line));
        pattern.marked && solid && found.align.get(at) == Some(&None)
    };
    pattern.parts.iter().filter(|part| !part.equal).all(|part| {
        if part.old.start.checked_sub(1).is_some_and(is_unknown) || is_unknown(part.old.end) {
            return false;
        }
        if part.old.clone().any(|at| !same(at)) {
            // The file may have the new lines already; placing the hunk tells.
            return true;
        }
        let (from, to) = slid(&old_keys, part);
        // Beside lines of the file that the hunk does not know nothing says on which side of those new
        // lines stand, unless they are old ones changed.
        if !replaces(pattern, part) && has_strangers(index, pattern, found, part) {
            return false;
        }
        if part.old.is_empty() {
            let above = from.checked_sub(1).and_then(run_of);
            let below = run_of(to);
            return match (above, below) {
                (Some(one), Some(other)) if one.old == other.old => is_sure(one),
                // A line of the hunk that is not in the file stood between them.
                (Some(one), Some(other)) => {
                    one.first + one.old.len() == other.first && is_sure(one) && is_sure(other)
                }
                (Some(run), None) => to == pattern.old.len() && is_sure(run),
                (None, Some(run)) => from == 0 && is_sure(run),
                (None, None) => false,
            };
        }
        let slides = to - from > part.old.len();
        let reach = if slides {
            from.saturating_sub(1)..(to + 1).min(pattern.old.len())
        } else {
            from..to
        };
        run_of(reach.start).is_some_and(|run| run.old.end >= reach.end && is_sure(run))
    })
}

/// Whether a change puts nothing in, or lines in the place of as many that they are like.
fn replaces(pattern: &Pattern<'_>, part: &crate::diff::Stretch) -> bool {
    const LIKE: f64 = 0.6;
    let solid = |line: &&&str| !is_blank(line);
    let old = pattern.old.get(part.old.clone()).unwrap_or(&[]);
    let new = pattern.new.get(part.new.clone()).unwrap_or(&[]);
    match (old.iter().find(solid), new.iter().find(solid)) {
        (_, None) => true,
        (Some(one), Some(other)) => {
            part.new.len() <= part.old.len() && likeness(one, other) >= LIKE
        }
        (None, Some(_)) => false,
    }
}

/// Whether the file has lines around a change that the hunk does not have there.
fn has_strangers(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    found: &Alignment,
    part: &crate::diff::Stretch,
) -> bool {
    let place = |at: &usize| {
        let solid = pattern.old.get(*at).is_some_and(|line| !is_blank(line));
        found.align.get(*at).copied().flatten().filter(|_| solid)
    };
    let above = (0..part.old.start).rev().find_map(|at| place(&at));
    let below = (part.old.end..pattern.old.len()).find_map(|at| place(&at));
    let own: Vec<usize> = part.old.clone().filter_map(|at| place(&at)).collect();
    let low = above.map_or(found.first, |above| above + 1);
    let high = below.unwrap_or(found.last);
    (low..high).any(|line| !own.contains(&line) && !is_blank(index.file.line(line)))
}

/// How far a change can move while the text stays the same.
fn slid(old: &[u64], part: &crate::diff::Stretch) -> (usize, usize) {
    let (mut from, mut to) = (part.old.start, part.old.end);
    if part.old.is_empty() {
        return (from, to);
    }
    let count = part.old.len();
    while from > 0 && old.get(from - 1) == old.get(from - 1 + count) {
        from -= 1;
    }
    while to < old.len() && old.get(to) == old.get(to - count) {
        to += 1;
    }
    (from, to)
}

/// Whether the lines of a run fit much worse a few lines up or down.
fn run_is_sure(keys: &[u64], old: &[u64], pattern: &Pattern<'_>, run: &Run) -> bool {
    let fitting = |shift: isize| {
        run.old
            .clone()
            .enumerate()
            .filter(|(_, at)| pattern.old.get(*at).is_some_and(|line| !is_blank(line)))
            .filter(|(step, at)| {
                let place = (run.first + step).checked_add_signed(shift);
                place.is_some_and(|place| keys.get(place) == old.get(*at))
            })
            .count()
    };
    let here = fitting(0);
    let band = isize::try_from(BAND).unwrap_or(0);
    here > 0
        && (-band..=band)
            .filter(|&shift| shift != 0)
            .all(|shift| fitting(shift) + 2 <= here.max(2))
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

/// What it is worth that a line of the hunk is a line of the file, for lines with letters or signs.
const SAME: i32 = 4;
/// What it costs that the file has another such line in between, and that the hunk has.
const STRANGER: i32 = 2;
const LACKING: i32 = 1;

/// The best local alignment of the hunk and the file within the band around an offset: as many lines
/// that are the same as possible, with few others between them.
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
    // best[at][cell]: the worth of old[at..] when the next line of the file is line_of(at, cell).
    let mut best = vec![0i32; (old.len() + 1) * width];
    let get = |best: &[i32], at: usize, cell: usize| -> i32 {
        if cell < width {
            best.get(at * width + cell).copied().unwrap_or(0)
        } else {
            0
        }
    };
    let is_solid = |at: usize| pattern.old.get(at).is_some_and(|line| !is_blank(line));
    let same =
        |at: usize, cell: usize| line_of(at, cell).filter(|&line| keys.get(line) == old.get(at));
    let take = |best: &[i32], at: usize, cell: usize| {
        let worth = if is_solid(at) { SAME } else { 1 };
        same(at, cell).map(|_| get(best, at + 1, cell) + worth)
    };
    // Skipping a line of the hunk moves one cell to the left in the next row.
    let skip_old = |best: &[i32], at: usize, cell: usize| {
        let left = cell.checked_sub(1)?;
        Some(get(best, at + 1, left) - if is_solid(at) { LACKING } else { 0 })
    };
    let skip_line = |best: &[i32], at: usize, cell: usize| {
        let solid = line_of(at, cell).is_some_and(|line| !is_blank(index.file.line(line)));
        get(best, at, cell + 1) - if solid { STRANGER } else { 0 }
    };
    let mut start = (0, (0, 0));
    for at in (0..old.len()).rev() {
        for cell in (0..width).rev() {
            let taken = take(&best, at, cell);
            let skipped = skip_old(&best, at, cell)
                .unwrap_or(0)
                .max(skip_line(&best, at, cell));
            let value = taken.unwrap_or(0).max(skipped).max(0);
            if let Some(slot) = best.get_mut(at * width + cell) {
                *slot = value;
            }
            if taken.is_some_and(|taken| taken > start.0) && is_solid(at) {
                start = (value, (at, cell));
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut at, mut cell) = start.1;
    while at < old.len() && cell < width {
        let here = get(&best, at, cell);
        if here == 0 {
            break;
        }
        if take(&best, at, cell) == Some(here) {
            pairs.extend(line_of(at, cell).map(|line| (at, line)));
            at += 1;
        } else if skip_line(&best, at, cell) == here && cell + 1 < width {
            cell += 1;
        } else {
            let Some(left) = cell.checked_sub(1) else {
                break;
            };
            at += 1;
            cell = left;
        }
    }
    while pairs.last().is_some_and(|&(old, _)| !is_solid(old)) {
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
/// A line of more bytes than this is not compared.
const MAX_LINE: usize = 400;

/// The place of the line that is most like the hunk's longest line.
fn likest(index: &Index<'_>, pattern: &Pattern<'_>) -> Option<usize> {
    let (at, longest) = pattern
        .old
        .iter()
        .enumerate()
        .max_by_key(|(_, line)| line.trim().len())?;
    let length = longest.trim().len();
    let reach = index
        .file
        .start_of(MAX_COMPARED)
        .saturating_sub(index.file.first_byte());
    if length > MAX_LINE || !index.may_compare(reach) {
        return None;
    }
    let pairs = Pairs::of(longest);
    let mut best = (0.5, None);
    for (place, line) in index.file.iter().enumerate().take(MAX_COMPARED) {
        let other = line.trim().len();
        if other * 2 < length || length * 2 < other || pairs.most_likeness(line) <= best.0 {
            continue;
        }
        let score = likeness(longest, line);
        if score > best.0 {
            best = (score, Some(place));
        }
    }
    best.1.map(|place: usize| place.saturating_sub(at))
}
