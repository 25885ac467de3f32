//! Old text that need not be whole lines.

use std::borrow::Cow;

use super::{Index, MAX_HITS};
use crate::Rung;
use crate::fold::dense;
use crate::lines::is_blank;

/// A stretch of bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) rung: Rung,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The old text with the file's line endings.
fn in_file_endings<'a>(index: &Index<'_>, old: &'a str) -> Cow<'a, str> {
    let ending = index.file.majority_ending();
    if ending == "\n" || !old.contains('\n') {
        Cow::Borrowed(old)
    } else {
        Cow::Owned(old.replace('\n', ending))
    }
}

/// Every place where the old text stands byte for byte, overlapping ones left out.
pub(crate) fn every<'a>(index: &'a Index<'_>, old: &'a str) -> impl Iterator<Item = Stretch> + 'a {
    let needle = in_file_endings(index, old);
    let rung = if matches!(needle, Cow::Borrowed(_)) {
        Rung::Exact
    } else {
        Rung::LineEndings
    };
    let length = needle.len();
    let finder = memchr::memmem::Finder::new(needle.as_bytes()).into_owned();
    let text = index.file.text().as_bytes();
    let mut from = index.file.first_byte();
    std::iter::from_fn(move || {
        let start = from + finder.find(text.get(from..)?).filter(|_| length > 0)?;
        from = start + length;
        Some(Stretch {
            rung,
            start,
            end: from,
        })
    })
}

/// A further place that overlaps the only one found: `aa` stands in `aaa` twice.
fn overlapping(index: &Index<'_>, hits: &[Stretch]) -> Option<Stretch> {
    let [only] = hits else { return None };
    let text = index.file.text().as_bytes();
    let needle = text.get(only.start..only.end)?;
    let from = only.start + 1;
    let at = memchr::memmem::find(text.get(from..)?, needle)?;
    Some(Stretch {
        rung: only.rung,
        start: from + at,
        end: from + at + needle.len(),
    })
}

/// Where the old text stands byte for byte. When it was copied with its indentation or over several
/// lines, places where it is whole lines go before places where it ends a longer line.
pub(crate) fn find(index: &Index<'_>, old: &str) -> Vec<Stretch> {
    let mut hits: Vec<Stretch> = every(index, old).take(MAX_HITS).collect();
    hits.extend(overlapping(index, &hits));
    if old.starts_with([' ', '\t']) && old.contains('\n') {
        // Whole lines, copied with their indentation: within a deeper one they are other lines.
        let file = &index.file;
        hits.retain(|hit| {
            let before = file
                .text()
                .get(file.start_of(file.line_at(hit.start))..hit.start);
            before.is_none_or(|before| before.is_empty() || !is_blank(before))
        });
    }
    if old.trim_matches('\n').contains('\n') {
        // Lines copied with a letter lost at either end are found inside words.
        hits.retain(|hit| ends_at_words(index.file.text(), hit));
    }
    if hits.len() < 2
        || !(old.starts_with([' ', '\t']) || old.trim_end_matches('\n').contains('\n'))
    {
        return hits;
    }
    let file = &index.file;
    let whole: Vec<Stretch> = hits
        .iter()
        .copied()
        .filter(|hit| {
            let line = file.line_at(hit.start);
            let last = file.line_at(hit.end.saturating_sub(1).max(hit.start));
            file.start_of(line) == hit.start
                && (file.end_of(last) == hit.end || file.start_of(last + 1) == hit.end)
        })
        .collect();
    if whole.len() == 1 { whole } else { hits }
}

/// Shorter texts than this are found by chance once white space does not count.
const MIN_DENSE: usize = 8;

/// Where the old text stands once no white space counts, not even line breaks.
pub(crate) fn find_dense(index: &Index<'_>, old: &str) -> Vec<Stretch> {
    let needle = dense(old);
    if needle.len() < MIN_DENSE {
        return Vec::new();
    }
    let (text, hay) = (index.file.text(), index.dense());
    let ends: Vec<usize> = memchr::memmem::find_iter(hay.text().as_bytes(), needle.as_bytes())
        .take(2)
        .flat_map(|at| [at, at + needle.len() - 1])
        .filter_map(|at| hay.origin(text, at))
        .collect();
    ends.chunks_exact(2)
        .filter_map(|ends| {
            let [start, last] = *ends else { return None };
            let width = text.get(last..)?.chars().next()?.len_utf8();
            Some(Stretch {
                rung: Rung::Whitespace,
                start,
                end: last + width,
            })
        })
        .filter(|hit| ends_at_words(text, hit))
        .collect()
}

/// Whether a stretch neither begins nor ends within a word.
fn ends_at_words(text: &str, hit: &Stretch) -> bool {
    let word = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || character == '_')
    };
    let splits = |at: usize| {
        let (front, back) = text.split_at_checked(at).unwrap_or((text, ""));
        word(front.chars().next_back()) && word(back.chars().next())
    };
    !splits(hit.start) && !splits(hit.end)
}
