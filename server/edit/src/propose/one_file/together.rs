//! The replacements of all hunks side by side: what is said twice is done once, what contradicts
//! is refused.

use pleach_text::ByteRange;

use super::{Edits, Owned};
use crate::locate::Index;
use crate::{HunkRefusal, RefusalCode};

/// Sorts the replacements and drops repeated ones; gives the refusals of those that overlap.
pub(super) fn arrange(path: &str, index: &Index<'_>, edits: &mut Edits) -> Vec<HunkRefusal> {
    let mut owned = std::mem::take(&mut edits.owned);
    owned.sort_by_key(|owned| {
        let delete = owned.replacement.delete;
        (
            delete.start,
            delete.end,
            owned.region.0,
            owned.region.1,
            owned.hunk,
        )
    });
    let mut refused = Vec::new();
    let mut kept: Vec<Owned> = Vec::with_capacity(owned.len());
    for next in owned {
        let start = next.replacement.delete.start;
        let same_start = |known: &&Owned| known.replacement.delete.start == start;
        let repeats = kept.iter().rev().take_while(same_start).any(|known| {
            known.replacement == next.replacement
                && known.hunk != next.hunk
                && known.region == next.region
        });
        if repeats {
            edits.repairs.push(format!(
                "hunk {} says again what another one says",
                next.hunk + 1
            ));
            continue;
        }
        // The kept ones do not overlap each other, so only the last few can be in the way.
        if let Some(clash) = kept
            .iter()
            .rev()
            .take(4)
            .find(|known| contradict(index, known, &next))
        {
            let line = index.file.line_at(start.0) + 1;
            let (one, other) = (clash.hunk.min(next.hunk) + 1, clash.hunk.max(next.hunk) + 1);
            refused.push(HunkRefusal::new(
                next.hunk.max(clash.hunk),
                Some(path),
                RefusalCode::Overlap,
                format!(
                    "Hunks {one} and {other} change the same lines of {path}, at line {line}, in different ways. Make them one."
                ),
            ));
            continue;
        }
        kept.push(next);
    }
    edits.owned = kept;
    refused
}

fn contradict(index: &Index<'_>, one: &Owned, other: &Owned) -> bool {
    if one.hunk == other.hunk {
        return false;
    }
    let (a, b) = (one.replacement.delete, other.replacement.delete);
    // An insertion inside what the other takes out.
    let inside = |point: ByteRange, range: ByteRange| {
        point.is_empty() && range.start < point.start && point.start < range.end
    };
    if a.intersects(b) || inside(a, b) || inside(b, a) {
        return true;
    }
    if let (Some(one_known), Some(other_known)) = (one.known, other.known) {
        // Each says how a whole line reads afterwards, and they say different things.
        let within =
            |part: ByteRange, whole: ByteRange| whole.start <= part.start && part.end <= whole.end;
        let (first, second) = (touched(index, one), touched(index, other));
        let same_line = first
            .zip(second)
            .is_some_and(|(a, b)| a.0 <= b.1 && b.0 <= a.1);
        if same_line && within(a, other_known) && within(b, one_known) {
            return true;
        }
    }
    let regions_meet = one.region.0 < other.region.1 && other.region.0 < one.region.1;
    let by_numbers = one.by_numbers && other.by_numbers;
    if by_numbers && (regions_meet || one.region.0 == other.region.0) {
        return true;
    }
    // Both insert here: in order if one hunk ends where the other begins. Where one ends and the other
    // begins in lines that both are about, each says something else of what lies there.
    (a == b && a.is_empty() && (regions_meet || one.region == other.region))
        || (one.region == other.region && (a.end == b.start || b.end == a.start))
}

/// The first and the last line of which a replacement changes a part; `None` when it only puts in lines.
fn touched(index: &Index<'_>, owned: &Owned) -> Option<(usize, usize)> {
    let file = &index.file;
    let (delete, insert) = (owned.replacement.delete, &owned.replacement.insert);
    let first = file.line_at(delete.start.0);
    if delete.is_empty() {
        let before = delete.start.0 == file.start_of(first) && insert.ends_with('\n');
        let behind = delete.start.0 == file.end_of(first) && insert.starts_with(['\n', '\r']);
        return (!before && !behind).then_some((first, first));
    }
    Some((first, file.line_at(delete.end.0 - 1)))
}
