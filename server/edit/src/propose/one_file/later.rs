//! Hunks that search for what an earlier hunk of the same reply puts in.
//!
//! Tools apply the edits of one call in order, so a later one may be about the new text. It is taken
//! when what it searches for is not in the file, stands once, byte for byte, in the text after the
//! hunks before it, and what it changes there lies in what one of them put in.

use super::replace::shared_ends;
use super::{Edits, File};
use crate::hunk::{Hunk, Op, Unit};
use crate::proposal::lines_of;
use crate::{PlacedHunk, Rung};

impl File<'_, '_> {
    /// Carries a hunk out in the new text of one before it. False when it is not about that.
    pub(super) fn later(&self, number: usize, hunk: &Hunk, edits: &mut Edits) -> bool {
        let Op::Replace {
            old,
            new,
            unit,
            all: false,
        } = &hunk.op
        else {
            return false;
        };
        let file = &self.index.file;
        let ending = file.majority_ending();
        let in_file = |text: &str| match ending {
            "\n" => text.to_owned(),
            ending => text.replace('\n', ending),
        };
        let (old, new) = (in_file(old), in_file(new));
        let mut order: Vec<usize> = (0..edits.owned.len())
            .filter(|&at| edits.owned.get(at).is_some_and(|owned| owned.hunk < number))
            .collect();
        order.sort_by_key(|&at| {
            let delete = edits.owned.get(at).map(|owned| owned.replacement.delete);
            delete.map(|delete| (delete.start, delete.end))
        });
        // The text after the hunks before this one, and where what they put in stands in it.
        let mut text = String::new();
        let mut put_in = Vec::new();
        let mut from = 0;
        for at in order {
            let Some(replacement) = edits.owned.get(at).map(|owned| &owned.replacement) else {
                continue;
            };
            let Some(kept) = file.text().get(from..replacement.delete.start.0) else {
                return false;
            };
            text.push_str(kept);
            put_in.push((at, text.len()..text.len() + replacement.insert.len()));
            text.push_str(&replacement.insert);
            from = replacement.delete.end.0;
        }
        text.push_str(file.text().get(from..).unwrap_or(""));
        if old.is_empty() {
            return false;
        }
        let mut hits = memchr::memmem::find_iter(text.as_bytes(), old.as_bytes());
        let (Some(hit), None) = (hits.next(), hits.next()) else {
            return false;
        };
        let starts_line = hit == 0 || text.as_bytes().get(hit - 1) == Some(&b'\n');
        if *unit == Unit::Lines && !starts_line {
            return false;
        }
        let (head, tail) = shared_ends(&old, &new);
        let changed = hit + head..hit + old.len() - tail;
        let Some((at, place)) = put_in
            .into_iter()
            .find(|(_, place)| place.start <= changed.start && changed.end <= place.end)
        else {
            return false;
        };
        let Some(owned) = edits.owned.get_mut(at) else {
            return false;
        };
        let middle = new.get(head..new.len() - tail).unwrap_or("");
        owned.replacement.insert.replace_range(
            changed.start - place.start..changed.end - place.start,
            middle,
        );
        let range_before = owned.replacement.delete;
        edits.placed.push(PlacedHunk {
            index: number,
            path: self.path.to_owned(),
            format: hunk.format,
            rung: Rung::Exact,
            range_before,
            lines: lines_of(file.text(), range_before),
        });
        edits.repairs.push(format!(
            "hunk {} changes what an earlier one puts in",
            number + 1
        ));
        true
    }
}
