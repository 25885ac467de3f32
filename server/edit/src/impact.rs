//! What a proposal does to the names of a program, and where those names are used.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use pleach_grammars::{SymbolKind, parse, path_of, references_to};
use serde::Serialize;

use crate::proposal::language_of;
use crate::proposal::sides::{Side, Sides};
use crate::{Files, Proposal};

/// Which symbols come, go or change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// One entry for each symbol.
    pub changes: Vec<SymbolChange>,
}

/// What happens to one symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SymbolChange {
    /// The file.
    pub path: String,
    /// The name, with the names of what it is in.
    pub name: String,
    /// What happens.
    pub kind: ChangeKind,
    /// Where it is used, as far as the files at hand tell: path and line number, from 1. Empty for
    /// what is new.
    pub used: Vec<(String, usize)>,
}

/// What happens to a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has this new name, and the same body.
    Renamed(String),
    /// Its signature is another one.
    Signature,
}

/// So many files are searched for uses, those next to what changes first.
const MAX_FILES: usize = 4_000;
/// So many bytes of them are read, and so many parsed: together about a second.
const MAX_READ: usize = 32 << 20;
const MAX_PARSED: usize = 4 << 20;
/// Larger files are not searched.
const MAX_BYTES: usize = 1 << 20;
/// So many uses of one name are told.
const MAX_USES: usize = 50;

impl Impact {
    /// Whether no symbol comes, goes or changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Compares the outlines of the files before and after a proposal, and looks for uses of what it
    /// removes or changes in the files at hand as they will be. Of a file of more than 4 MiB no symbol is told.
    ///
    /// Not part of [`crate::propose`]: it costs a parse of every file that names such a symbol.
    pub fn of(proposal: &Proposal, files: &dyn Files) -> Self {
        let sides: Vec<Sides<'_>> = proposal.files().iter().map(Sides::of).collect();
        let mut impact = Self::of_sides(proposal, &sides);
        drop(sides);
        impact.find_uses(proposal, files);
        impact
    }

    /// The same for files that are read already, and without their uses.
    pub(crate) fn of_sides(proposal: &Proposal, sides: &[Sides<'_>]) -> Self {
        let files = proposal.files().iter().zip(sides);
        let changes = files.flat_map(|(file, sides)| {
            let path = file.path_after().unwrap_or(file.path());
            compare(path, &known(&sides.before), &known(&sides.after))
        });
        Self {
            changes: changes.collect(),
        }
    }

    /// Looks for uses of what a proposal removes or changes.
    pub(crate) fn find_uses(&mut self, proposal: &Proposal, files: &dyn Files) {
        if self
            .changes
            .iter()
            .all(|change| change.kind == ChangeKind::Added)
        {
            return;
        }
        let after = proposal.texts_after();
        let (mut to_read, mut to_parse) = (MAX_READ, MAX_PARSED);
        for path in nearest(files.paths(), &after).iter().take(MAX_FILES) {
            let text: Cow<'_, str> = match after.get(path) {
                Some(Some(text)) => Cow::Borrowed(text),
                Some(None) => continue,
                None => match files.read(path) {
                    Some(text) => text,
                    None => continue,
                },
            };
            let Some(left) = to_read.checked_sub(text.len()) else {
                return;
            };
            to_read = left;
            let wanted = |change: &&mut SymbolChange| {
                change.kind != ChangeKind::Added && text.contains(last_name(&change.name))
            };
            let mut hits = self.changes.iter_mut().filter(wanted).peekable();
            if hits.peek().is_none() || text.len() > MAX_BYTES {
                continue;
            }
            let Some(language) = language_of(path, &text) else {
                continue;
            };
            let Some(left) = to_parse.checked_sub(text.len()) else {
                return;
            };
            to_parse = left;
            let syntax = parse(language, &text);
            for change in hits {
                let name = last_name(&change.name).to_owned();
                let room = MAX_USES.saturating_sub(change.used.len());
                let uses = references_to(&syntax, &text, &name).into_iter().take(room);
                change
                    .used
                    .extend(uses.map(|found| (path.clone(), found.line.number())));
            }
        }
    }
}

/// The files of a workspace and those that change, in the order in which they are searched: those that
/// change, then the others by how many folders they share with one of them.
fn nearest(mut paths: Vec<String>, changed: &BTreeMap<String, Option<String>>) -> Vec<String> {
    paths.extend(changed.keys().cloned());
    paths.sort();
    paths.dedup();
    let shared = |one: &str, other: &str| {
        let folders = one.split('/').zip(other.split('/'));
        folders.take_while(|(one, other)| one == other).count()
    };
    paths.sort_by_cached_key(|path| {
        let near = changed.keys().map(|changed| shared(path, changed)).max();
        (!changed.contains_key(path), Reverse(near))
    });
    paths
}

fn last_name(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// A symbol as far as it is compared.
struct Known {
    kind: SymbolKind,
    signature: String,
    body: String,
}

fn known(side: &Side<'_>) -> BTreeMap<String, Known> {
    let (text, symbols) = (&*side.text, &side.symbols);
    let mut out = BTreeMap::new();
    for (index, symbol) in symbols.iter().enumerate() {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let known = Known {
            kind: symbol.kind,
            signature: squeeze(symbol.signature(text)),
            body: symbol
                .body
                .and_then(|body| body.of(text))
                .map(squeeze)
                .unwrap_or_default(),
        };
        out.entry(path_of(symbols, index).join("::"))
            .or_insert(known);
    }
    out
}

fn compare(
    path: &str,
    old: &BTreeMap<String, Known>,
    new: &BTreeMap<String, Known>,
) -> Vec<SymbolChange> {
    let mut added: Vec<(&String, &Known)> = new
        .iter()
        .filter(|(name, _)| !old.contains_key(*name))
        .collect();
    let mut changes = Vec::new();
    let mut push = |name: &str, kind: ChangeKind| {
        changes.push(SymbolChange {
            path: path.to_owned(),
            name: name.to_owned(),
            kind,
            used: Vec::new(),
        });
    };
    for (name, was) in old {
        match new.get(name) {
            Some(is) if is.signature != was.signature => push(name, ChangeKind::Signature),
            Some(_) => {}
            None => {
                let same = |(_, is): &(&String, &Known)| {
                    is.kind == was.kind && is.body == was.body && !was.body.is_empty()
                };
                match added.iter().position(same) {
                    Some(at) => {
                        let (to, _) = added.remove(at);
                        push(name, ChangeKind::Renamed(last_name(to).to_owned()));
                    }
                    None => push(name, ChangeKind::Removed),
                }
            }
        }
    }
    for (name, _) in added {
        push(name, ChangeKind::Added);
    }
    changes
}

impl Proposal {
    /// The proposal with its impact attached to the verdict.
    #[must_use]
    pub fn with_impact(mut self, files: &dyn Files) -> Self {
        self.verdict.impact = Impact::of(&self, files);
        self
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, change) in self.changes.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            match &change.kind {
                ChangeKind::Added => write!(f, "adds {}", change.name)?,
                ChangeKind::Removed => write!(f, "removes {}", change.name)?,
                ChangeKind::Renamed(to) => write!(f, "renames {} to {to}", change.name)?,
                ChangeKind::Signature => write!(f, "changes the signature of {}", change.name)?,
            }
            match change.used.len() {
                0 => {}
                1 => f.write_str(" (used in 1 place)")?,
                count => write!(f, " (used in {count} places)")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{EditRequest, Review, propose};

    #[test]
    fn files_next_to_what_changes_are_searched_first() {
        let changed = BTreeMap::from([("b/src/x.rs".to_owned(), None)]);
        let paths = ["a.rs", "b/src/y.rs", "b/z.rs", "c/src/x.rs"];
        let order = nearest(paths.map(str::to_owned).into(), &changed);
        assert_eq!(
            order,
            ["b/src/x.rs", "b/src/y.rs", "b/z.rs", "a.rs", "c/src/x.rs"]
        );
    }

    #[test]
    fn tells_what_goes_and_who_uses_it() {
        let files = BTreeMap::from([
            (
                "a.rs".to_owned(),
                "fn one() -> u32 {\n    1\n}\n\nfn two(a: u32) -> u32 {\n    a + 1\n}\n".to_owned(),
            ),
            (
                "b.rs".to_owned(),
                "fn main() {\n    one();\n    two(2);\n}\n".to_owned(),
            ),
        ]);
        let reply = "a.rs\n<<<<<<< SEARCH\nfn one() -> u32 {\n    1\n}\n\nfn two(a: u32) -> u32 {\n=======\nfn two(a: u64) -> u32 {\n>>>>>>> REPLACE\n";
        let proposal = propose(&EditRequest::new(reply, &files))
            .unwrap()
            .with_impact(&files);
        let told = proposal.verdict().impact.to_string();
        assert_eq!(
            told,
            "removes one (used in 1 place), changes the signature of two (used in 1 place)"
        );

        let mut same = propose(&EditRequest::new(reply, &files)).unwrap();
        let review = Review::with_impact(&mut same, &files);
        assert_eq!(same.verdict().impact, proposal.verdict().impact);
        let impacts = |review: &Review| -> Vec<String> {
            let hunks = review.hunks();
            hunks.iter().map(|hunk| hunk.impact.to_string()).collect()
        };
        assert_eq!(impacts(&review), impacts(&Review::of(proposal)));
    }
}
