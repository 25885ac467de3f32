//! The rung on which blank lines do not count.

use super::{Index, Pattern, Spot, Spots, fit, occurrences};
use crate::Rung;
use crate::fold::Form;
use crate::indent::Reindent;
use crate::lines::is_blank;

pub(crate) fn find(index: &Index<'_>, pattern: &Pattern<'_>) -> Spots {
    let file = &index.file;
    let solid: Vec<usize> = (0..file.len())
        .filter(|&at| !is_blank(file.line(at)))
        .collect();
    let old: Vec<usize> = (0..pattern.old.len())
        .filter(|&at| pattern.old.get(at).is_some_and(|line| !is_blank(line)))
        .collect();
    if old.is_empty() {
        return Vec::new();
    }
    let all = index.keys(Form::Dense);
    let hay: Vec<u64> = solid
        .iter()
        .filter_map(|&at| all.get(at).copied())
        .collect();
    let needle: Vec<u64> = old
        .iter()
        .filter_map(|&at| pattern.old.get(at))
        .map(|line| Form::Dense.key(line))
        .collect();
    occurrences(&hay, &needle)
        .into_iter()
        .filter_map(|at| {
            let places = solid.get(at..at + old.len())?;
            let spot = align(index, pattern, &old, places)?;
            fit(index, pattern, spot)
        })
        .collect()
}

/// Pairs the blank lines between two paired lines from the top, those at the ends from within.
fn align(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    old: &[usize],
    places: &[usize],
) -> Option<Spot> {
    let mut align = vec![None; pattern.old.len()];
    let mut set = |at: usize, place: usize| {
        if let Some(slot) = align.get_mut(at) {
            *slot = Some(place);
        }
    };
    for (&at, &place) in old.iter().zip(places) {
        set(at, place);
    }
    for (pair, gap) in old.windows(2).zip(places.windows(2)) {
        let ([from, to], [first, last]) = (pair, gap) else {
            continue;
        };
        for (at, place) in (from + 1..*to).zip(first + 1..*last) {
            set(at, place);
        }
    }
    let blank = |place: usize| place < index.file.len() && is_blank(index.file.line(place));
    let (mut first, mut last) = (*places.first()?, *places.last()? + 1);
    for at in (0..*old.first()?).rev() {
        match first.checked_sub(1) {
            Some(above) if blank(above) => {
                set(at, above);
                first = above;
            }
            _ => break,
        }
    }
    for at in *old.last()? + 1..pattern.old.len() {
        if !blank(last) {
            break;
        }
        set(at, last);
        last += 1;
    }
    Some(Spot {
        rung: Rung::BlankLines,
        first,
        last,
        align,
        reindent: Reindent::Same,
    })
}
