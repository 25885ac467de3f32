//! When the whole does not pass the gate: which hunks are to blame.

use std::fmt::Write as _;

use pleach_grammars::Syntax;
use pleach_text::{ByteOffset, ChangeSet};

use super::one_file::Edits;
use crate::gate::{self, FileVerdict};
use crate::proposal::language_of;
use crate::{HunkRefusal, RefusalCode};

/// More hunks than this are not tried one by one.
const MAX_TRIED: usize = 24;

/// Nor are they when the file would be read for more bytes than this, each hunk once.
const MAX_TRIED_BYTES: usize = 4 << 20;

pub(super) fn worse(index: usize, path: &str, verdict: &FileVerdict) -> HunkRefusal {
    let message = format!("The edit would add a syntax error to {path}: {verdict}.");
    HunkRefusal::new(index, Some(path), RefusalCode::SyntaxWorse, message)
}

/// The hunks without which the others pass: one if there is one, else those that do not pass when
/// the hunks are taken in one after the other.
pub(super) fn offenders(
    path: &str,
    before: &str,
    edits: &Edits,
    known: Option<&Syntax>,
    whole: &FileVerdict,
) -> Vec<HunkRefusal> {
    let mut hunks: Vec<usize> = edits.owned.iter().map(|owned| owned.hunk).collect();
    hunks.sort_unstable();
    hunks.dedup();
    if hunks.len() < 2
        || hunks.len() > MAX_TRIED
        || hunks.len().saturating_mul(before.len()) > MAX_TRIED_BYTES
    {
        return nearest(edits, whole)
            .or(hunks.first().copied())
            .map(|index| worse(index, path, whole))
            .into_iter()
            .collect();
    }
    let passes = |taken: &dyn Fn(usize) -> bool| {
        let replacements = edits
            .owned
            .iter()
            .filter(|owned| taken(owned.hunk))
            .map(|owned| owned.replacement.clone());
        let changes = ChangeSet::new(replacements.collect(), ByteOffset(before.len())).ok()?;
        let after = changes.apply_to_str(before).ok()?;
        let verdict = gate::check(before, &changes, &after, language_of(path, before), known);
        Some(verdict).filter(|verdict| !verdict.is_worse())
    };
    let refuse = |offenders: &[usize]| {
        let rest = hunks.len() - offenders.len();
        offenders
            .iter()
            .map(|&index| {
                let mut refusal = worse(index, path, whole);
                if rest > 0 {
                    let hunks = if rest == 1 { "hunk" } else { "hunks" };
                    let _ = write!(
                        refusal.message,
                        " The other {rest} {hunks} would pass without it."
                    );
                }
                refusal
            })
            .collect()
    };
    for &suspect in &hunks {
        if passes(&|hunk| hunk != suspect).is_some() {
            return refuse(&[suspect]);
        }
    }
    let mut good: Vec<usize> = Vec::new();
    for &next in &hunks {
        if passes(&|hunk| hunk == next || good.contains(&hunk)).is_some() {
            good.push(next);
        }
    }
    let bad: Vec<usize> = hunks
        .iter()
        .copied()
        .filter(|hunk| !good.contains(hunk))
        .collect();
    refuse(if bad.is_empty() { &hunks } else { &bad })
}

/// The hunk that changes the text nearest to the first new problem.
fn nearest(edits: &Edits, whole: &FileVerdict) -> Option<usize> {
    let problem = whole.new_problems.first()?.range.start.0;
    let (mut taken, mut put) = (0, 0);
    edits
        .owned
        .iter()
        .map(|owned| {
            let replacement = &owned.replacement;
            let start = replacement.delete.start.0 + put - taken;
            let end = start + replacement.insert.len();
            taken += replacement.delete.len();
            put += replacement.insert.len();
            (
                start.saturating_sub(problem) + problem.saturating_sub(end),
                owned.hunk,
            )
        })
        .min()
        .map(|(_, hunk)| hunk)
}
