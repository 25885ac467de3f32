//! The smallest useful change between two texts.

mod by_lines;

use std::ops::Range;

use similar::DiffTag;

use self::by_lines::is_too_long;
pub(crate) use self::by_lines::line_ops;

use crate::lines::splits;
use crate::{ByteOffset, ByteRange, ChangeSet, Replacement, lines};

/// How many bytes are compared at once while looking for what two texts share.
const STRIDE: usize = 4096;

pub(crate) fn between(before: &str, after: &str) -> ChangeSet {
    let len_before = ByteOffset(before.len());
    if before == after {
        return ChangeSet::unchanged(len_before);
    }
    // Most edits touch one place of a long text: the rest is not even cut into lines.
    let head = shared_head_lines(before, after);
    let (before, after) = (skip(before, head), skip(after, head));
    let tail = shared_tail_lines(before, after);
    let (old, new) = (
        Cut::new(without_tail(before, tail)),
        Cut::new(without_tail(after, tail)),
    );

    let mut out = Vec::new();
    for op in line_ops(&old.lines, &new.lines) {
        if op.tag() == DiffTag::Equal {
            continue;
        }
        for (old_lines, new_lines) in pair_up(&old, op.old_range(), &new, op.new_range()) {
            refine(&old, old_lines, &new, new_lines, head, &mut out);
        }
    }
    ChangeSet::from_sorted(out, len_before)
}

/// Cuts a changed block where both sides have equally many lines into those lines that are the old
/// one, changed, and what lies between them. Lines with nothing in common stay together: they are
/// one change, and nobody's text may come to stand in its middle.
fn pair_up(
    old: &Cut<'_>,
    old_lines: Range<usize>,
    new: &Cut<'_>,
    new_lines: Range<usize>,
) -> Vec<(Range<usize>, Range<usize>)> {
    if old_lines.len() != new_lines.len() || is_too_long(&old.lines, &new.lines) {
        return vec![(old_lines, new_lines)];
    }
    let mut parts: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut joins_last = false;
    for (one, other) in old_lines.zip(new_lines) {
        let like = match (old.lines.get(one), new.lines.get(other)) {
            (Some(one), Some(other)) => are_like(one, other),
            _ => false,
        };
        match parts.last_mut() {
            Some((old_part, new_part)) if joins_last && !like => {
                (old_part.end, new_part.end) = (one + 1, other + 1);
            }
            _ => parts.push((one..one + 1, other..other + 1)),
        }
        joins_last = !like;
    }
    parts
}

/// Whether at least half of the longer line, its indentation aside, is in the other one as well.
fn are_like(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim().as_bytes(), other.trim().as_bytes());
    let head = shared_head(one, other);
    let rest = |line: &'_ [u8]| line.len() - head;
    let most = rest(one).min(rest(other));
    let tail = shared_tail(one, other).min(most);
    2 * (head + tail) >= one.len().max(other.len())
}

/// A text and its lines.
struct Cut<'a> {
    text: &'a str,
    lines: Vec<&'a str>,
    /// Where each line starts, and the end of the text.
    starts: Vec<usize>,
}

impl<'a> Cut<'a> {
    fn new(text: &'a str) -> Self {
        let lines: Vec<&str> = lines(text).collect();
        let mut starts = Vec::with_capacity(lines.len() + 1);
        let mut at = 0;
        for line in &lines {
            starts.push(at);
            at += line.len();
        }
        starts.push(at);
        Self {
            text,
            lines,
            starts,
        }
    }

    /// The bytes of some lines.
    fn bytes(&self, lines: &Range<usize>) -> Range<usize> {
        let at = |line: usize| self.starts.get(line).copied().unwrap_or(self.text.len());
        at(lines.start)..at(lines.end)
    }
}

/// Replaces some lines by others, leaving alone what both share at the start and the end.
fn refine(
    old: &Cut<'_>,
    old_lines: Range<usize>,
    new: &Cut<'_>,
    new_lines: Range<usize>,
    offset: usize,
    out: &mut Vec<Replacement>,
) {
    let old_bytes = old.bytes(&old_lines);
    let (Some(one), Some(other)) = (
        old.text.get(old_bytes.clone()),
        new.text.get(new.bytes(&new_lines)),
    ) else {
        return;
    };
    if one == other {
        return;
    }
    let mut head = shared_head(one.as_bytes(), other.as_bytes());
    while splits(one, head) || splits(other, head) {
        head -= 1;
    }
    let mut tail = shared_tail(skip(one, head).as_bytes(), skip(other, head).as_bytes());
    while splits(one, one.len() - tail) || splits(other, other.len() - tail) {
        tail -= 1;
    }
    let start = offset + old_bytes.start;
    out.push(Replacement {
        delete: ByteRange::from(start + head..start + one.len() - tail),
        insert: without_tail(skip(other, head), tail).to_owned(),
    });
}

/// How many bytes the two share at their start.
fn shared_head(one: &[u8], other: &[u8]) -> usize {
    let whole = one
        .chunks_exact(STRIDE)
        .zip(other.chunks_exact(STRIDE))
        .take_while(|(one, other)| one == other)
        .count()
        * STRIDE;
    let (one, other) = (one.get(whole..), other.get(whole..));
    let pairs = one
        .unwrap_or_default()
        .iter()
        .zip(other.unwrap_or_default());
    whole + pairs.take_while(|(one, other)| one == other).count()
}

/// How many bytes the two share at their end.
fn shared_tail(one: &[u8], other: &[u8]) -> usize {
    let whole = one
        .rchunks_exact(STRIDE)
        .zip(other.rchunks_exact(STRIDE))
        .take_while(|(one, other)| one == other)
        .count()
        * STRIDE;
    let (one, other) = (
        one.get(..one.len() - whole),
        other.get(..other.len() - whole),
    );
    let pairs = one
        .unwrap_or_default()
        .iter()
        .rev()
        .zip(other.unwrap_or_default().iter().rev());
    whole + pairs.take_while(|(one, other)| one == other).count()
}

/// The bytes of the whole lines that the two share at their start.
fn shared_head_lines(one: &str, other: &str) -> usize {
    let shared = shared_head(one.as_bytes(), other.as_bytes());
    let Some(head) = one.as_bytes().get(..shared) else {
        return 0;
    };
    memchr::memrchr2_iter(b'\n', b'\r', head)
        .map(|at| at + 1)
        .find(|&at| !splits(one, at) && !splits(other, at))
        .unwrap_or(0)
}

/// The bytes of the whole lines that the two share at their end.
fn shared_tail_lines(one: &str, other: &str) -> usize {
    let shared = shared_tail(one.as_bytes(), other.as_bytes());
    let tail_start = one.len() - shared;
    let Some(tail) = one.as_bytes().get(tail_start..) else {
        return 0;
    };
    memchr::memchr2_iter(b'\n', b'\r', tail)
        .map(|at| shared - at - 1)
        .find(|&left| !splits(one, one.len() - left) && !splits(other, other.len() - left))
        .unwrap_or(0)
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

fn without_tail(text: &str, bytes: usize) -> &str {
    text.get(..text.len() - bytes).unwrap_or_default()
}
