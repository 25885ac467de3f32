//! A hunk in one line, and which symbols it is about.

use std::collections::BTreeMap;

use pleach_grammars::{Symbol, outline, parse, path_of, symbol_at};
use pleach_text::{ByteOffset, ByteRange, lines};

use super::hunk::{Hunk, HunkKind, put_in};
use super::merge::{applied, lines_around};
use super::{FileChange, Proposal, language_of};
use crate::impact::{ChangeKind, Impact, SymbolChange};

/// Larger files are not read for their symbols.
const MAX_BYTES: usize = 4 << 20;
/// So many characters of a line are shown.
const MAX_SHOWN: usize = 60;

/// Fills in the summary and the impact of each hunk.
pub(super) fn describe(proposal: &Proposal, hunks: &mut [Hunk]) {
    let known = &proposal.verdict.impact;
    let found;
    let impact = if known.is_empty() {
        found = Impact::of(proposal, &BTreeMap::new());
        &found
    } else {
        known
    };
    for (index, change) in proposal.files.iter().enumerate() {
        let before: &str = change.before().map_or("", |text| text);
        let after = change.after().unwrap_or_default();
        let old = Outline::of(change.path(), before);
        let new = Outline::of(change.path_after().unwrap_or(change.path()), &after);
        let mut inserted = put_in(change).into_iter();
        let path_after = change.path_after().unwrap_or(change.path());
        for hunk in hunks.iter_mut().filter(|hunk| hunk.file == index) {
            let put_in: Vec<ByteRange> = inserted.by_ref().take(hunk.replacements.len()).collect();
            let is_its = |symbol: &SymbolChange| {
                symbol.path == path_after && is_about(hunk, symbol, &old, &new, &put_in)
            };
            let changes = impact.changes.iter().filter(|symbol| is_its(symbol));
            hunk.impact = Impact {
                changes: changes.cloned().collect(),
            };
            hunk.summary = summary(hunk, change, before, &after, &old);
        }
    }
}

struct Outline {
    symbols: Vec<Symbol>,
}

impl Outline {
    fn of(path: &str, text: &str) -> Self {
        let symbols = language_of(path, text)
            .filter(|_| text.len() <= MAX_BYTES)
            .map(|language| outline(&parse(language, text), text))
            .unwrap_or_default();
        Self { symbols }
    }

    fn named(&self, name: &str) -> Option<&Symbol> {
        let is_it = |index: &usize| path_of(&self.symbols, *index).join("::") == name;
        (0..self.symbols.len())
            .find(is_it)
            .and_then(|index| self.symbols.get(index))
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

fn is_about(
    hunk: &Hunk,
    symbol: &SymbolChange,
    old: &Outline,
    new: &Outline,
    put_in: &[ByteRange],
) -> bool {
    match hunk.kind {
        HunkKind::Create | HunkKind::Delete => return true,
        HunkKind::Rename => return false,
        HunkKind::Text => {}
    }
    match symbol.kind {
        ChangeKind::Added => new
            .named(&symbol.name)
            .is_some_and(|found| put_in.iter().any(|range| range.touches(found.name_range))),
        _ => old.named(&symbol.name).is_some_and(|found| {
            let end = found.body.map_or(found.range.end, |body| body.start);
            let head = ByteRange::new(found.range.start, end);
            hunk.replacements.iter().any(|one| one.delete.touches(head))
        }),
    }
}

fn summary(hunk: &Hunk, change: &FileChange, before: &str, after: &str, old: &Outline) -> String {
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
    let place = old
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
