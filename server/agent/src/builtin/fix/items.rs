//! Taking items out of a list with commas, in one line or in many.

use std::collections::BTreeSet;

use pleach_text::{ByteOffset, ByteRange, Replacement};

use crate::builtin::source::Source;

/// Takes some of a list's items out, each with its comma. At least one item has to stay.
///
/// Items that have lines of their own go with their lines, and with a comment at the end of them.
pub(super) fn without(
    source: &Source<'_>,
    items: &[ByteRange],
    removed: &BTreeSet<usize>,
) -> Vec<Replacement> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if !removed.contains(&at) {
            at += 1;
            continue;
        }
        let first = at;
        while at < items.len() && removed.contains(&at) {
            at += 1;
        }
        let (Some(start), Some(end)) = (items.get(first), items.get(at - 1)) else {
            break;
        };
        let behind = after_comma(source, end.end);
        let range = if source.begins_line(start.start) && ends_line(source, behind) {
            ByteRange::new(source.line_start(start.start), source.next_line(behind))
        } else if let Some(next) = items.get(at) {
            ByteRange::new(start.start, next.start)
        } else {
            let before = first.checked_sub(1).and_then(|before| items.get(before));
            ByteRange::new(before.map_or(start.start, |before| before.end), end.end)
        };
        out.push(Replacement::new(range, ""));
    }
    out
}

/// Behind the comma that follows a place, if one does.
pub(super) fn after_comma(source: &Source<'_>, at: ByteOffset) -> ByteOffset {
    let rest = source.text.get(at.0..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    if rest.trim_start().starts_with(',') {
        at + blanks + 1
    } else {
        at
    }
}

/// Whether nothing but a comment stands behind a place in its line.
pub(super) fn ends_line(source: &Source<'_>, at: ByteOffset) -> bool {
    let rest = source.slice(ByteRange::new(at, source.line_end(at))).trim();
    rest.is_empty() || rest.starts_with("//") || rest.starts_with('#')
}
