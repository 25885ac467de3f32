//! Places that answer a question, as they are in the files now.

use pleach_store::{FoundPlace, StoreError, TextPrint, words_of};
use pleach_workspace::WorkspaceSnapshot;

use crate::shield::Shield;

/// Characters of a line that are shown.
const PREVIEW: usize = 160;

/// A place that a search has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    /// The file, as the workspace names it.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The line's text, without what is around it, and not all of a long one.
    pub preview: String,
    /// What is defined there, if that is what was found.
    pub symbol: Option<SearchedSymbol>,
}

/// What is defined at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchedSymbol {
    /// Its name.
    pub name: String,
    /// What it is: `function`.
    pub kind: String,
    /// What it belongs to; empty where to nothing but the file.
    pub container: String,
}

/// Asks the index, and looks the places up in the present texts: what has gone from them is left out.
pub(super) fn search(
    index: &mut pleach_store::Index,
    workspace: &WorkspaceSnapshot,
    asked: &str,
    meant: &[TextPrint],
    most: usize,
) -> Result<Vec<SearchHit>, StoreError> {
    // Some may have gone.
    let places = index.find_meant(asked, meant, most.saturating_mul(2))?;
    let words = words_of(asked);
    let words: Vec<&str> = words.split(' ').collect();
    let shield = Shield::of(workspace);
    let hits = places.into_iter().filter_map(|place| {
        if shield.kept_back(&place.file).is_some() {
            return None;
        }
        let text = workspace.read_text(&place.file).ok()?;
        let line = match &place.symbol {
            Some((name, ..)) => line_of_name(&text, name, place.first)?,
            None => best_line(&text, &place, &words)?,
        };
        let preview = text.lines().nth(line.checked_sub(1)?)?.trim();
        Some(SearchHit {
            path: place.file,
            line,
            preview: preview.chars().take(PREVIEW).collect(),
            symbol: place.symbol.map(|(name, kind, container)| SearchedSymbol {
                name,
                kind,
                container,
            }),
        })
    });
    Ok(hits.take(most).collect())
}

/// The line that has `name`, the nearest one to where it was: attributes come before the name, and text
/// may have moved.
fn line_of_name(text: &str, name: &str, near: u32) -> Option<usize> {
    let near = usize::try_from(near).unwrap_or(usize::MAX);
    // What an implementation is called is no text of the file.
    let name = name.split(' ').next().unwrap_or(name);
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(name));
    let (at, _) = lines.min_by_key(|(at, _)| ((at + 1).abs_diff(near), *at))?;
    Some(at + 1)
}

/// The line of a piece that has most of the words.
fn best_line(text: &str, place: &FoundPlace, words: &[&str]) -> Option<usize> {
    let bound = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
    let (first, last) = (bound(place.first), bound(place.last));
    let mut best = None;
    for (at, line) in text
        .lines()
        .enumerate()
        .take(last)
        .skip(first.saturating_sub(1))
    {
        let said = words_of(line);
        let has = |word: &&&str| {
            said.split(' ')
                .any(|it| it.starts_with(**word) || word.starts_with(it) && it.len() > 3)
        };
        let count = words.iter().filter(has).count();
        if best.is_none_or(|(most, _)| count > most) {
            best = Some((count, at + 1));
        }
    }
    best.map(|(_, line)| line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_found_where_it_is_now() {
        let text = "// count\n\n#[inline]\nfn count() {}\n";
        assert_eq!(line_of_name(text, "count", 3), Some(4));
        assert_eq!(line_of_name(text, "count", 1), Some(1));
        assert_eq!(line_of_name(text, "sum", 1), None);
    }

    #[test]
    fn of_a_piece_the_line_that_says_most_is_shown() {
        let place = FoundPlace {
            file: "a.md".into(),
            first: 1,
            last: 60,
            symbol: None,
            score: 1.0,
        };
        let text = "a drawer\nopen and close the drawers\nclose\n";
        assert_eq!(best_line(text, &place, &["close", "drawer"]), Some(2));
        assert_eq!(best_line("", &place, &["close"]), None);
    }
}
