//! A hunk in one line, and which symbols it is about.

use std::collections::BTreeMap;

use pleach_grammars::{Symbol, path_of, symbol_at};
use pleach_text::{ByteOffset, ByteRange, lines};

use super::hunk::{Hunk, HunkKind, put_in};
use super::merge::{applied, lines_around};
use super::sides::{Side, Sides};
use super::{FileChange, Proposal};
use crate::impact::{ChangeKind, Impact, SymbolChange};

/// So many characters of a line are shown.
const MAX_SHOWN: usize = 60;

/// Fills in the summary and the impact of each hunk.
pub(super) fn describe(proposal: &Proposal, sides: &[Sides<'_>], hunks: &mut [Hunk]) {
    let known = &proposal.verdict.impact;
    let found;
    let impact = if known.is_empty() {
        found = Impact::of_sides(proposal, sides);
        &found
    } else {
        known
    };
    for (index, (change, sides)) in proposal.files.iter().zip(sides).enumerate() {
        let mut inserted = put_in(change).into_iter();
        let path_after = change.path_after().unwrap_or(change.path());
        let places = named_places(impact, path_after, sides);
        for hunk in hunks.iter_mut().filter(|hunk| hunk.file == index) {
            let put_in: Vec<ByteRange> = inserted.by_ref().take(hunk.replacements.len()).collect();
            let its = places
                .iter()
                .filter(|(_, place)| is_about(hunk, *place, &put_in));
            hunk.impact = Impact {
                changes: its.map(|(symbol, _)| (*symbol).clone()).collect(),
            };
            hunk.summary = summary(hunk, change, sides);
        }
    }
}

impl Side<'_> {
    /// The first symbol of each name.
    fn by_name(&self) -> BTreeMap<String, &Symbol> {
        let named = self.symbols.iter().enumerate().rev();
        named
            .map(|(index, symbol)| (path_of(&self.symbols, index).join("::"), symbol))
            .collect()
    }

    fn name_at(&self, at: ByteOffset) -> Option<String> {
        let symbol = symbol_at(&self.symbols, at)?;
        let index = self
            .symbols
            .iter()
            .position(|one| std::ptr::eq(one, symbol))?;
        Some(path_of(&self.symbols, index).join("::"))
    }
}

/// Where a change of a symbol is seen.
#[derive(Clone, Copy)]
enum NamedPlace {
    /// The name of one that is new, in the text after.
    Comes(ByteRange),
    /// What comes before the body of one that goes or changes, in the text before.
    Was(ByteRange),
    Nowhere,
}

/// The changes of symbols in one file, and where each is seen.
fn named_places<'i>(
    impact: &'i Impact,
    path_after: &str,
    sides: &Sides<'_>,
) -> Vec<(&'i SymbolChange, NamedPlace)> {
    let here = impact.changes.iter().filter(|it| it.path == path_after);
    let here: Vec<&SymbolChange> = here.collect();
    if here.is_empty() {
        return Vec::new();
    }
    let (old, new) = (sides.before.by_name(), sides.after.by_name());
    let place = |change: &SymbolChange| match change.kind {
        ChangeKind::Added => new.get(&change.name).map_or(NamedPlace::Nowhere, |found| {
            NamedPlace::Comes(found.name_range)
        }),
        _ => old.get(&change.name).map_or(NamedPlace::Nowhere, |found| {
            let end = found.body.map_or(found.range.end, |body| body.start);
            NamedPlace::Was(ByteRange::new(found.range.start, end))
        }),
    };
    here.into_iter().map(|it| (it, place(it))).collect()
}

fn is_about(hunk: &Hunk, place: NamedPlace, put_in: &[ByteRange]) -> bool {
    match (hunk.kind, place) {
        (HunkKind::Create | HunkKind::Delete, _) => true,
        (HunkKind::Rename, _) | (HunkKind::Text, NamedPlace::Nowhere) => false,
        (HunkKind::Text, NamedPlace::Comes(name)) => put_in.iter().any(|it| it.touches(name)),
        (HunkKind::Text, NamedPlace::Was(head)) => {
            hunk.replacements.iter().any(|it| it.delete.touches(head))
        }
    }
}

fn summary(hunk: &Hunk, change: &FileChange, sides: &Sides<'_>) -> String {
    let (before, after) = (&*sides.before.text, &*sides.after.text);
    match hunk.kind {
        HunkKind::Create => return format!("creates the file ({})", count(lines(after).count())),
        HunkKind::Delete => return format!("deletes the file ({})", count(lines(before).count())),
        HunkKind::Rename => {
            let to = change.path_after().unwrap_or_default();
            return format!("renames the file to {to}");
        }
        HunkKind::Text => {}
    }
    let stretch = lines_around(before, &hunk.replacements);
    let was = stretch.of(before).unwrap_or_default();
    let is = applied(before, stretch, &hunk.replacements).unwrap_or_default();
    let place = sides
        .before
        .name_at(hunk.range().start)
        .map(|name| format!(" in {name}"))
        .unwrap_or_default();
    let (gone, come) = (lines(was).count(), lines(&is).count());
    match (gone, come) {
        (0, _) => format!("adds {}{place}: {}", count(come), excerpt(&is)),
        (_, 0) => format!("removes {}{place}: {}", count(gone), excerpt(was)),
        (1, 1) => format!("{} → {}{place}", excerpt(was), excerpt(&is)),
        (1, _) => format!("1 line becomes {come}{place}: {}", excerpt(&is)),
        _ => format!("{gone} lines become {come}{place}: {}", excerpt(&is)),
    }
}

fn count(lines: usize) -> String {
    match lines {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    }
}

/// The first line with something on it, not too long.
fn excerpt(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("(blank)");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("`{}…`", line.get(..at).unwrap_or_default()),
        None if line == "(blank)" => line.to_owned(),
        None => format!("`{line}`"),
    }
}
