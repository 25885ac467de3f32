//! From a located hunk to exact changes of the file.
//!
//! The old text is the common ancestor of two versions: the file as it is, and the new text. What
//! the file has changed since stays; what the hunk changes is done; where both changed the same
//! lines in different ways there is no answer.

mod blanks;

use pleach_text::Replacement;

use crate::diff::Stretch;
use crate::fold::Form;
use crate::indent::Reindent;
use crate::lines::{FileLines, indent_of, is_blank};
use crate::locate::{Index, Pattern, Spot};

/// Some lines of a file replaced by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineChange {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) new: Vec<String>,
}

/// Why a located hunk cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// A line to be removed is not there in this form.
    Removed,
    /// The file has lines where the hunk wants to put others, and nothing says in which order.
    Between,
    /// There is no rule for the indentation of a new line.
    Indentation,
}

/// The changes that a hunk makes at a place. Empty when the file has them all already.
pub(crate) fn changes(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    spot: &Spot,
) -> Result<Vec<LineChange>, Misfit> {
    let mut out = Vec::new();
    let mut parts = pattern.parts.iter().filter(|part| !part.equal).peekable();
    for segment in blanks::segments(pattern, spot) {
        let inside: Vec<&Stretch> =
            std::iter::from_fn(|| parts.next_if(|part| segment.holds(part))).collect();
        if inside.is_empty() {
            continue;
        }
        if let Some(change) = blanks::change(index, pattern, spot, &segment) {
            out.extend(change?);
            continue;
        }
        for part in inside {
            out.extend(carried_out(index, pattern, spot, part)?);
        }
    }
    // A change that lies in no segment would be a change that is forgotten.
    debug_assert!(parts.peek().is_none());
    Ok(out)
}

fn carried_out(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    spot: &Spot,
    part: &Stretch,
) -> Result<Option<LineChange>, Misfit> {
    let old: Vec<usize> = part.old.clone().collect();
    let mut new = Vec::with_capacity(part.new.len());
    for line in pattern.new.get(part.new.clone()).unwrap_or(&[]) {
        new.push(reindented(line, &spot.reindent).ok_or(Misfit::Indentation)?);
    }
    let change = if old.is_empty() {
        insertion(index, spot, part.old.start, new)?
    } else {
        replacement(index, pattern, spot, &old, new)?
    };
    Ok(change.and_then(|change| trimmed(index, change)))
}

fn reindented(line: &str, rule: &Reindent) -> Option<String> {
    if is_blank(line) {
        // Lines of blanks are seldom shifted with the others; in another unit they mean nothing.
        let units = matches!(rule, Reindent::Units { .. } | Reindent::Table(_));
        let blanks = if units && !line.is_empty() {
            rule.apply(line).unwrap_or_default()
        } else {
            line.to_owned()
        };
        return Some(blanks);
    }
    let indent = indent_of(line);
    let body = line.get(indent.len()..).unwrap_or("");
    Some(format!("{}{body}", rule.apply(indent)?))
}

/// The lines of the file between which the hunk's line `at` starts: after the one above, before
/// the one below. They differ when the file has lines there that the hunk does not know.
fn boundary(spot: &Spot, at: usize) -> (usize, usize) {
    let above = spot
        .align
        .get(..at)
        .and_then(|lines| lines.iter().rev().flatten().next());
    let below = spot
        .align
        .get(at..)
        .and_then(|lines| lines.iter().flatten().next());
    let low = above.map_or(spot.first, |line| line + 1);
    let high = below.copied().unwrap_or(spot.last);
    (low, high.max(low))
}

fn insertion(
    index: &Index<'_>,
    spot: &Spot,
    at: usize,
    new: Vec<String>,
) -> Result<Option<LineChange>, Misfit> {
    let (low, high) = boundary(spot, at);
    if low == high {
        return Ok(Some(LineChange {
            first: low,
            last: low,
            new,
        }));
    }
    if has_lines(index, low, high, &new) {
        return Ok(None);
    }
    // Nothing says where among the lines between them the new ones stand.
    Err(Misfit::Between)
}

fn has_lines(index: &Index<'_>, first: usize, last: usize, lines: &[String]) -> bool {
    last - first == lines.len()
        && (first..last).zip(lines).all(|(at, line)| {
            let form = if is_blank(line) {
                Form::Exact
            } else {
                Form::End
            };
            form.same(index.file.line(at), line)
        })
}

fn replacement(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    spot: &Spot,
    old: &[usize],
    new: Vec<String>,
) -> Result<Option<LineChange>, Misfit> {
    // A blank line that is not there needs no removal.
    let mut olds: Vec<(usize, Option<usize>)> = old
        .iter()
        .map(|&at| (at, spot.align.get(at).copied().flatten()))
        .filter(|(at, place)| {
            place.is_some() || !pattern.old.get(*at).is_some_and(|line| is_blank(line))
        })
        .collect();
    let mut new = std::collections::VecDeque::from(new);
    let fits = |(at, place): (usize, Option<usize>)| {
        place.is_some_and(|place| {
            pattern
                .old
                .get(at)
                .is_some_and(|old| same_but_for_separator(old, index.file.line(place)))
        })
    };
    // Where old text and file differ, the file may have the new text already: nothing to do there.
    let done = |(_, place): (usize, Option<usize>), new: Option<&String>| {
        place
            .zip(new)
            .is_some_and(|(place, new)| Form::End.same(index.file.line(place), new))
    };
    let mut at = old.first().copied().unwrap_or(0);
    while let Some(&first) = olds.first() {
        if fits(first) || !done(first, new.front()) {
            break;
        }
        at = first.0 + 1;
        olds.remove(0);
        new.pop_front();
    }
    while let Some(&last) = olds.last() {
        if fits(last) || !done(last, new.back()) {
            break;
        }
        olds.pop();
        new.pop_back();
    }
    let new: Vec<String> = new.into();
    let Some((&(_, first), &(_, last))) = olds.first().zip(olds.last()) else {
        if new.is_empty() {
            return Ok(None);
        }
        return insertion(index, spot, at, new);
    };
    if olds.iter().any(|&pair| !fits(pair)) {
        // All removed lines may be gone and replaced already.
        let (low, high) = boundary_around(spot, old);
        return if has_lines(index, low, high, &new) {
            Ok(None)
        } else {
            Err(Misfit::Removed)
        };
    }
    let (Some(first), Some(last)) = (first, last) else {
        return Err(Misfit::Removed);
    };
    let known: Vec<usize> = olds.iter().filter_map(|&(_, place)| place).collect();
    let strangers = (first..=last)
        .filter(|line| !known.contains(line))
        .any(|line| !is_blank(index.file.line(line)));
    if strangers {
        return Err(Misfit::Between);
    }
    Ok(Some(LineChange {
        first,
        last: last + 1,
        new,
    }))
}

/// Whether two lines are the same but for white space and a comma or semicolon at the end.
fn same_but_for_separator(one: &str, other: &str) -> bool {
    let bare = |line: &'_ str| line.trim_end().trim_end_matches([',', ';']).len();
    Form::Dense.same(one, other)
        || Form::Dense.same(
            one.get(..bare(one)).unwrap_or(one),
            other.get(..bare(other)).unwrap_or(other),
        )
}

fn boundary_around(spot: &Spot, old: &[usize]) -> (usize, usize) {
    let start = old.first().copied().unwrap_or(0);
    let end = old.last().map_or(0, |last| last + 1);
    let above = spot
        .align
        .get(..start)
        .and_then(|lines| lines.iter().rev().flatten().next());
    let below = spot
        .align
        .get(end..)
        .and_then(|lines| lines.iter().flatten().next());
    let low = above.map_or(spot.first, |line| line + 1);
    (low, below.copied().unwrap_or(spot.last).max(low))
}

/// A change without the lines at both ends that it leaves as they are.
pub(crate) fn trimmed(index: &Index<'_>, mut change: LineChange) -> Option<LineChange> {
    let file = &index.file;
    let head = (change.first..change.last)
        .zip(&change.new)
        .take_while(|(at, new)| file.line(*at) == new.as_str())
        .count();
    change.first += head;
    change.new.drain(..head);
    let tail = (change.first..change.last)
        .rev()
        .zip(change.new.iter().rev())
        .take_while(|(at, new)| file.line(*at) == new.as_str())
        .count();
    change.last -= tail;
    change.new.truncate(change.new.len() - tail);
    (change.first < change.last || !change.new.is_empty()).then_some(change)
}

/// The change in bytes: inserted lines get the file's line endings, and the end of the file stays
/// ended or unended as it is.
pub(crate) fn to_replacement(
    file: &FileLines<'_>,
    change: &LineChange,
    end_last: bool,
) -> Replacement {
    let LineChange { first, last, new } = change;
    let (first, last) = (*first, (*last).min(file.len()));
    let mut range = file.range(first, last);
    let unended = last == file.len() && !file.final_newline();
    let mut insert = String::with_capacity(new.iter().map(|line| line.len() + 2).sum());
    if unended && first == last && !new.is_empty() {
        insert.push_str(file.ending_near(first));
    }
    for (step, line) in new.iter().enumerate() {
        insert.push_str(line);
        let old = if first + step < last {
            file.ending(first + step)
        } else {
            ""
        };
        // Further lines end as the last one does in whose place they come.
        let replaced = last.checked_sub(1).filter(|&at| at >= first);
        let beside = replaced.map_or("", |at| file.ending(at));
        let ending = [old, beside]
            .into_iter()
            .find(|ending| !ending.is_empty())
            .unwrap_or_else(|| file.ending_near(first));
        let is_last = step + 1 == new.len();
        if !(is_last && unended) || end_last {
            insert.push_str(ending);
        }
    }
    if unended && new.is_empty() && first > 0 && first < last {
        // The line above becomes the last one, and stays as unended as the last one was.
        range.start.0 = file.end_of(first - 1);
    }
    Replacement {
        delete: range,
        insert,
    }
}
