//! Lines beside an elision: whether they are new, or stand for lines that it would hide.

use super::Unmerged;
use crate::fold::{Form, likeness, ratio};
use crate::lines::{is_blank, margin_of};
use crate::locate::Index;

/// How alike a line beside an elision may be to the line that the elision would hide before it is a
/// question whether it replaces it.
pub(super) const ALIKE: f64 = 0.62;

/// Whether a line is about what a line of the file is about: it gives the same name another value.
pub(super) fn is_about(line: &str, index: &Index<'_>, place: Option<usize>) -> bool {
    let subject = |line: &str| {
        let (front, value) = line.trim().split_once(['=', ':'])?;
        // What heads a block gives no name a value.
        let head = value.is_empty() || value.ends_with(['{', '(', '[', ':']);
        (letters(front) > 1 && !head).then(|| front.trim().to_owned())
    };
    let own = place
        .filter(|&place| place < index.file.len())
        .map(|place| index.file.line(place));
    own.and_then(subject)
        .is_some_and(|own| subject(line) == Some(own))
}

/// Fewer letters are said twice by chance.
const ECHO: usize = 8;

/// How many lines of the file more than there are new ones are looked at.
const ECHO_REACH: usize = 3;

/// Whether some new lines end as lines of the file do where they are put in: then it is more likely
/// that they are to take their place.
pub(super) fn check_echo<'f>(
    new: &[&str],
    file: impl Iterator<Item = &'f str>,
) -> Result<(), Unmerged> {
    let next: Vec<&str> = file
        .filter(|line| !is_blank(line))
        .take(new.len() + ECHO_REACH)
        .collect();
    for end in 1..=next.len() {
        let pairs = new.iter().rev().zip(next.iter().take(end).rev());
        let same = pairs.take_while(|(one, other)| Form::End.same(one, other));
        let (count, letters) = same.fold((0, 0), |(count, sum), (line, _)| {
            (count + 1, sum + letters(line))
        });
        if letters >= ECHO && count * 3 >= new.len() {
            let line = new.last().map_or("", |line| line.trim());
            return Err(Unmerged::Unaccounted(line.to_owned()));
        }
    }
    Ok(())
}

/// So many lines, with so many letters in them, are said again by chance.
const SHIFTED_LINES: usize = 3;
const SHIFTED_LETTERS: usize = 20;

/// Whether new lines before an elision are, one level in or out, the lines that it would hide next: then
/// those were put into a block or taken out of one, and are not to stand there twice.
pub(super) fn check_shifted<'f>(
    new: &[&str],
    file: impl Iterator<Item = &'f str>,
) -> Result<(), Unmerged> {
    let next: Vec<&str> = file
        .filter(|line| !is_blank(line))
        .take(new.len() + ECHO_REACH)
        .collect();
    let (mut from, mut count, mut sum) = (0, 0, 0);
    let mut shift = None;
    for line in new {
        let shifted = |own: &&str| {
            let by = margin_of(line)
                .len()
                .checked_signed_diff(margin_of(own).len());
            by.is_some_and(|by| by != 0 && shift.is_none_or(|shift| shift == by))
                && Form::Trim.same(own, line)
        };
        let Some(at) = next.get(from..).unwrap_or(&[]).iter().position(shifted) else {
            continue;
        };
        let own = next.get(from + at).copied().unwrap_or("");
        shift = margin_of(line)
            .len()
            .checked_signed_diff(margin_of(own).len());
        (from, count, sum) = (from + at + 1, count + 1, sum + letters(line));
        if count >= SHIFTED_LINES && sum >= SHIFTED_LETTERS {
            return Err(Unmerged::Unaccounted(line.trim().to_owned()));
        }
    }
    Ok(())
}

/// Whether a group begins with two new lines that the elision above it hides, one after the other: then
/// they are those lines, and the group belongs there.
pub(super) fn check_first<'f>(
    new: &[&str],
    hidden: impl Iterator<Item = &'f str>,
) -> Result<(), Unmerged> {
    let [first, second, ..] = new else {
        return Ok(());
    };
    let mut above = "";
    for line in hidden.filter(|line| !is_blank(line)) {
        if letters(first) > 2 && Form::End.same(above, first) && Form::End.same(line, second) {
            return Err(Unmerged::Unaccounted(first.trim().to_owned()));
        }
        above = line;
    }
    Ok(())
}

/// Whether some new lines are alike to lines that the elision beside them hides, in the same order:
/// then it is more likely that they are to take their place. What lies deeper is not asked: what new
/// blocks hold is often like what their neighbours hold.
pub(super) fn check_alike<'n, 'f>(
    new: &[&'n str],
    file: impl Iterator<Item = &'f str>,
) -> Result<(), Unmerged> {
    let solid = new.iter().copied().filter(|line| !is_blank(line));
    let least =
        |margins: &mut dyn Iterator<Item = &'n str>| margins.min_by_key(|margin| margin.len());
    let Some(outer) = least(&mut solid.clone().map(margin_of)) else {
        return Ok(());
    };
    // A bare block says nothing at its margin.
    let is_bare = |line: &&str| letters(line) == 0;
    let at_margin = |line: &&str| margin_of(line) == outer;
    let inner = || least(&mut solid.clone().filter(|line| !is_bare(line)).map(margin_of));
    let says_nothing = solid.clone().filter(at_margin).all(|line| is_bare(&line));
    let margin = says_nothing.then(inner).flatten().unwrap_or(outer);
    let telling = |line: &&str| letters(line) >= ECHO && margin_of(line) == margin;
    let next: Vec<&str> = file
        .filter(|line| !is_blank(line))
        .take(solid.clone().count() + ECHO_REACH)
        .filter(telling)
        .collect();
    let (mut count, mut from) = (0, 0);
    let mut alike = Vec::new();
    for line in solid.filter(telling) {
        count += 1;
        let same = |own: &&str| is_like(own, line);
        if let Some(at) = next.get(from..).unwrap_or(&[]).iter().position(same) {
            from += at + 1;
            alike.push(line);
        }
    }
    match alike.first() {
        Some(line) if alike.len() * 3 >= count => {
            Err(Unmerged::Unaccounted(line.trim().to_owned()))
        }
        _ => Ok(()),
    }
}

pub(super) fn letters(line: &str) -> usize {
    line.chars()
        .filter(|letter| letter.is_alphanumeric())
        .count()
}

pub(super) fn check_beside(
    index: &Index<'_>,
    line: &str,
    from: Option<usize>,
    upwards: bool,
) -> Result<(), Unmerged> {
    let mut at = from;
    while let Some(place) = at.filter(|&place| place < index.file.len()) {
        let own = index.file.line(place);
        if is_blank(own) {
            at = if upwards {
                place.checked_sub(1)
            } else {
                Some(place + 1)
            };
            continue;
        }
        if letters(own) > 2 && is_like(own, line) {
            return Err(Unmerged::Unaccounted(line.trim().to_owned()));
        }
        break;
    }
    Ok(())
}

/// How much of the shorter of two lines both begin and end with, for one to be the other changed.
const SHARED: f64 = 0.55;

/// Whether a new line may be a line of the file, changed.
fn is_like(own: &str, line: &str) -> bool {
    likeness(own, line) >= ALIKE || shares_ends(own, line)
}

/// Whether two lines begin and end alike, however much one has between.
fn shares_ends(one: &str, other: &str) -> bool {
    let (one, other) = (Form::Dense.of(one), Form::Dense.of(other));
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let shorter = one.len().min(other.len());
    let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let rest = shorter - head;
    let tail = one.iter().rev().zip(other.iter().rev()).take(rest);
    let tail = tail.take_while(|(a, b)| a == b).count();
    (shorter >= MIN_SHARED && ratio(head + tail, shorter) >= SHARED)
        || (shorter >= MIN_HEAD && head == shorter)
}

/// Shorter lines begin and end alike by chance.
const MIN_SHARED: usize = 12;

/// A line of so many bytes that another one begins with is that one, shortened.
const MIN_HEAD: usize = 8;

/// How many lines of the file, from `from` upwards, the first lines behind an elision stand for: where
/// the last of them gives another value to a name that the file gives one there, it takes the place of
/// that line, and lines that are the same before it are those lines.
pub(super) fn taken_over_above(index: &Index<'_>, leading: &[&str], from: usize) -> usize {
    let Some(at) = leading.iter().rposition(|line| !is_blank(line)) else {
        return 0;
    };
    let line = leading.get(at).copied().unwrap_or("");
    let Some(place) = from
        .checked_sub(1)
        .filter(|&place| is_about(line, index, Some(place)))
    else {
        return 0;
    };
    let before = leading.get(..at).unwrap_or(&[]).iter().rev();
    let above = (0..place).rev().map(|place| index.file.line(place));
    let same = before
        .zip(above)
        .take_while(|(line, own)| Form::End.same(own, line));
    1 + same.count()
}

/// Where the last lines before an elision begin with another value for a name that the file gives one
/// there, they take the place of the file's, and lines that are the same after it are those lines.
pub(super) fn taken_over<'p>(
    index: &Index<'_>,
    trailing: &mut Vec<&'p str>,
    to: &mut usize,
) -> Vec<&'p str> {
    let Some(at) = trailing.iter().position(|line| !is_blank(line)) else {
        return Vec::new();
    };
    let about = trailing
        .get(at)
        .is_some_and(|line| is_about(line, index, Some(*to)));
    if !about {
        return Vec::new();
    }
    let rest = trailing.get(at + 1..).unwrap_or(&[]);
    let same = rest
        .iter()
        .enumerate()
        .take_while(|(step, line)| {
            let place = *to + 1 + step;
            place < index.file.len() && Form::End.same(index.file.line(place), line)
        })
        .count();
    *to += 1 + same;
    trailing.drain(..at + 1 + same).collect()
}
