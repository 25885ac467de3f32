//! The smallest useful change between two texts.

use std::collections::HashMap;
use std::ops::Range;

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices};

use crate::lines::splits;
use crate::{ByteOffset, ByteRange, ChangeSet, Replacement, lines};

/// Above this many lines (both texts together) a line diff is not worth its time and memory.
const MAX_LINES: usize = 200_000;

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
    for (old_lines, new_lines) in changed_blocks(&line_ops(&old.lines, &new.lines)) {
        if old_lines.len() == new_lines.len() {
            for (one, other) in old_lines.zip(new_lines) {
                refine(&old, one..one + 1, &new, other..other + 1, head, &mut out);
            }
        } else {
            refine(&old, old_lines, &new, new_lines, head, &mut out);
        }
    }
    ChangeSet::from_sorted(out, len_before)
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

/// The line diff of two texts. Its ranges are line indices.
pub(crate) fn line_ops(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    if old.len() + new.len() > MAX_LINES {
        return coarse_ops(old, new);
    }
    // Numbers instead of lines: each line is hashed once, and compared in one instruction.
    let mut numbers: HashMap<&str, usize> = HashMap::with_capacity(old.len());
    let old = number(old, &mut numbers);
    let new = number(new, &mut numbers);
    capture_diff_slices(Algorithm::Histogram, &old, &new)
}

fn number<'a>(lines: &[&'a str], numbers: &mut HashMap<&'a str, usize>) -> Vec<usize> {
    lines
        .iter()
        .map(|line| {
            let next = numbers.len();
            *numbers.entry(line).or_insert(next)
        })
        .collect()
}

/// One replacement between the lines shared at the start and those shared at the end.
fn coarse_ops(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let head = old
        .iter()
        .zip(new)
        .take_while(|(one, other)| one == other)
        .count();
    let most = old.len().min(new.len()) - head;
    let pairs = old.iter().rev().zip(new.iter().rev());
    let tail = pairs
        .take(most)
        .take_while(|(one, other)| one == other)
        .count();
    let mut ops = Vec::with_capacity(3);
    if head > 0 {
        ops.push(DiffOp::Equal {
            old_index: 0,
            new_index: 0,
            len: head,
        });
    }
    let (old_len, new_len) = (old.len() - head - tail, new.len() - head - tail);
    if old_len + new_len > 0 {
        ops.push(DiffOp::Replace {
            old_index: head,
            old_len,
            new_index: head,
            new_len,
        });
    }
    if tail > 0 {
        ops.push(DiffOp::Equal {
            old_index: old.len() - tail,
            new_index: new.len() - tail,
            len: tail,
        });
    }
    ops
}

/// What lies between the lines that stay: lines of the old text, lines of the new.
fn changed_blocks(ops: &[DiffOp]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut blocks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut continues = false;
    for op in ops {
        if op.tag() == DiffTag::Equal {
            continues = false;
            continue;
        }
        match blocks.last_mut() {
            Some((old, new)) if continues => {
                old.end = old.end.max(op.old_range().end);
                new.end = new.end.max(op.new_range().end);
            }
            _ => blocks.push((op.old_range(), op.new_range())),
        }
        continues = true;
    }
    blocks
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
