//! Imports on top of a snippet that is about something further down.

use std::collections::BTreeSet;

use pleach_grammars::Language;

use super::File;
use crate::lazy::{Merge, has_elisions, merge};
use crate::lines::is_blank;
use crate::place::LineChange;
use crate::proposal::language_of;

/// The part of a line that says what is imported from where, and the part that lists names.
struct Import<'l> {
    line: &'l str,
    module: Option<&'l str>,
    names: &'l str,
}

impl File<'_, '_> {
    /// A merge of what stands below the imports on top of a piece, and the imports themselves put to those
    /// of the file: those that it has are left alone, those that list more names than one of the file's take
    /// its place, others follow the one that they are most like. `None` when that is not certain.
    pub(super) fn with_imports(&self, piece: &[&str], python: bool) -> Option<Merge> {
        let file = &self.index.file;
        let language = language_of(self.path, file.text())?;
        let top = |line: &&&str| is_blank(line) || import(language, line).is_some();
        let count = piece.iter().take_while(top).count();
        // Without imports on top the piece was tried already.
        let (imports, rest) = piece.split_at_checked(count).filter(|_| count > 0)?;
        let own: Vec<(usize, Import<'_>)> = self.own_imports(language);
        let (last, _) = own.last()?;
        // Imports above an elision begin the file, and those that it has stand there as they do in the file.
        let elided = rest
            .first()
            .is_some_and(|line| has_elisions(self.index, &[line], python));
        if elided && !self.begins_with(imports, &own) {
            return None;
        }
        let mut merged = merge(self.index, rest, python).ok()?;
        let mut added: Vec<LineChange> = Vec::new();
        for new in imports.iter().filter_map(|line| import(language, line)) {
            if own.iter().any(|(_, import)| import.line == new.line) {
                continue;
            }
            // These have to be the first.
            if new.module == Some("__future__") {
                return None;
            }
            let related = |import: &Import<'_>| new.module.is_some() && import.module == new.module;
            let mut known = own.iter().filter(|(_, import)| related(import));
            let change = match (known.next(), known.next()) {
                (Some((at, import)), None) if import.names().is_subset(&new.names()) => {
                    LineChange {
                        first: *at,
                        last: *at + 1,
                        new: vec![new.line.to_owned()],
                    }
                }
                (None, _) => {
                    let shared = |(at, import): &(usize, Import<'_>)| {
                        let (head, _) = super::replace::shared_ends(import.line, new.line);
                        (head, *at)
                    };
                    let at = own.iter().map(shared).max().map_or(*last, |(_, at)| at) + 1;
                    LineChange {
                        first: at,
                        last: at,
                        new: vec![new.line.to_owned()],
                    }
                }
                // The file imports other names from there: nothing says what becomes of those.
                _ => return None,
            };
            match added.iter_mut().find(|known| known.first == change.first) {
                Some(known) if known.last == change.last && known.first == known.last => {
                    known.new.extend(change.new);
                }
                Some(_) => return None,
                None => added.push(change),
            }
        }
        let apart =
            |one: &LineChange, other: &LineChange| one.last < other.first || other.last < one.first;
        let clear = added
            .iter()
            .all(|one| merged.changes.iter().all(|other| apart(one, other)));
        if merged.changes.is_empty() && added.is_empty() || !clear {
            return None;
        }
        for change in &added {
            merged.region.0 = merged.region.0.min(change.first);
        }
        merged.changes.extend(added);
        Some(merged)
    }

    /// Whether the imports of a piece that the file has are its first lines, one after the other.
    fn begins_with(&self, imports: &[&str], own: &[(usize, Import<'_>)]) -> bool {
        let file = &self.index.file;
        let known = |line: &&str| {
            own.iter()
                .find(|(_, import)| import.line == line.trim_end())
        };
        let places: Vec<usize> = imports
            .iter()
            .filter_map(known)
            .map(|(at, _)| *at)
            .collect();
        let unshown = |mut range: std::ops::Range<usize>| range.any(|at| !is_blank(file.line(at)));
        places.first().is_none_or(|&first| !unshown(0..first))
            && places.windows(2).all(|pair| match pair {
                [one, other] => one < other && !unshown(one + 1..*other),
                _ => true,
            })
    }

    /// The imports that the file begins with, but for comments and blank lines.
    fn own_imports(&self, language: Language) -> Vec<(usize, Import<'_>)> {
        let file = &self.index.file;
        let Some(first) = (0..file.len()).find(|&at| import(language, file.line(at)).is_some())
        else {
            return Vec::new();
        };
        let comment = |line: &str| {
            line.starts_with("//") || (line.starts_with('#') && !line.starts_with("#include"))
        };
        (first..file.len())
            .take_while(|&at| {
                let line = file.line(at);
                is_blank(line) || comment(line) || import(language, line).is_some()
            })
            .filter_map(|at| Some((at, import(language, file.line(at))?)))
            .collect()
    }
}

/// A line at the margin that is an import and nothing else.
fn import(language: Language, line: &str) -> Option<Import<'_>> {
    let line = line.trim_end();
    let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
    let quoted = || {
        let mut parts = line.rsplit(['"', '\'']);
        let (_, module) = (parts.next()?, parts.next()?);
        parts.next().map(|_| module)
    };
    let (is, module) = match language {
        Language::Python => (
            starts(&["import ", "from "])
                && !line.ends_with(['(', '\\', ','])
                && (!line.starts_with("from ") || line.contains(" import ")),
            line.strip_prefix("from ")
                .and_then(|rest| rest.split(" import ").next()),
        ),
        Language::JavaScript | Language::TypeScript | Language::Tsx => (
            (starts(&["import "])
                || (starts(&["const ", "let ", "var "]) && line.contains("require(")))
                && line.ends_with([';', '"', '\'', ')'])
                && quoted().is_some(),
            quoted(),
        ),
        Language::Rust => (
            starts(&["use ", "pub use "]) && line.ends_with(';'),
            line.split_once("::{").map(|(module, _)| module),
        ),
        Language::Java | Language::CSharp | Language::Php => (
            starts(&["import ", "using ", "use "])
                && line.ends_with(';')
                && !line.contains(['(', '=']),
            None,
        ),
        Language::Kotlin | Language::Scala | Language::Swift => {
            (starts(&["import "]) && !line.ends_with(['{', ',']), None)
        }
        Language::Go => (starts(&["import \""]), None),
        Language::C | Language::Cpp => (starts(&["#include "]), None),
        Language::Ruby => (starts(&["require ", "require_relative "]), None),
        _ => (false, None),
    };
    let names = match (language, module) {
        (_, None) => line,
        (Language::Python, _) => line.split_once(" import ").map_or("", |(_, names)| names),
        (Language::Rust, _) => line.split_once("::{").map_or("", |(_, names)| names),
        (_, Some(module)) => line.rsplit_once(module).map_or("", |(names, _)| names),
    };
    is.then_some(Import {
        line,
        module,
        names,
    })
}

impl Import<'_> {
    /// What it takes from its module, by all the words that stand beside the module.
    fn names(&self) -> BTreeSet<&str> {
        self.names
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
            .filter(|word| !word.is_empty())
            .collect()
    }
}
