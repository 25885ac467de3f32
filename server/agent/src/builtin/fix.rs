//! Removing what a checker says is not used: imports and variables, nothing else.

use std::collections::{BTreeMap, BTreeSet};

use pleach_grammars::{Import, ImportedName, bindings, imports};
use pleach_text::{ByteRange, Replacement};

use super::message::{self, Unused};
use super::reply::Draft;
use super::source::{Family, Nodes, Source, range_of};
use super::{BuiltinRefusal, DiagnosticNote, Outcome};

mod go;
mod items;
mod python;
mod removal;
mod rust;
mod script;

pub(in crate::builtin) use removal::{lines as lines_removed, mentions};

/// What a part of the engine does about one unused thing.
struct Done {
    replacements: Vec<Replacement>,
    /// What is done, as a sentence.
    said: String,
}

/// Fixes what the diagnostics report.
pub(super) fn fix(
    source: &Source<'_>,
    diagnostics: &[DiagnosticNote],
) -> Result<Outcome, BuiltinRefusal> {
    let imports = imports(&source.syntax, source.text);
    let mut removed: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut done: Vec<Done> = Vec::new();
    let mut refused: Vec<BuiltinRefusal> = Vec::new();
    let mut seen: BTreeSet<ByteRange> = BTreeSet::new();
    for note in diagnostics {
        let outcome = match message::understand(&note.message) {
            None => Err(BuiltinRefusal::needs_model(format!(
                "“{}”",
                first_line(&note.message)
            ))),
            Some(unused) => resolve(source, &imports, &unused, note.range),
        };
        match outcome {
            Ok(Target::Import(found)) => {
                for (import, names) in found {
                    removed.entry(import).or_default().extend(names);
                }
            }
            Ok(Target::Variable(at)) if seen.insert(at) => match variable(source, at) {
                Ok(one) => done.push(one),
                Err(refusal) => refused.push(refusal),
            },
            Ok(Target::Variable(_)) => {}
            Err(refusal) => refused.push(refusal),
        }
    }
    for (index, names) in &removed {
        let Some(import) = imports.get(*index) else {
            continue;
        };
        match remove_names(source, import, names) {
            Ok(one) => done.push(one),
            Err(refusal) => refused.push(refusal),
        }
    }
    if done.is_empty() {
        return Err(refused.into_iter().next().unwrap_or_else(|| {
            BuiltinRefusal::not_here(
                "no diagnostic was given, so it is not known what to fix",
                "put the cursor on what is reported and pick its fix",
            )
        }));
    }
    let mut summary = done
        .iter()
        .map(|one| one.said.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    for refusal in &refused {
        summary.push_str(&format!(" Left as it is: {refusal}."));
    }
    let replacements = done.into_iter().flat_map(|one| one.replacements).collect();
    Ok(Outcome {
        drafts: vec![Draft::edit(source.path, source.text, replacements)?],
        summary,
    })
}

enum Target {
    /// Which names of which imports.
    Import(Vec<(usize, Vec<usize>)>),
    /// Where the variable's name stands.
    Variable(ByteRange),
}

/// Finds in the tree what a diagnostic is about.
fn resolve(
    source: &Source<'_>,
    imports: &[Import],
    unused: &Unused,
    range: ByteRange,
) -> Result<Target, BuiltinRefusal> {
    let touching: Vec<(usize, &Import)> = imports
        .iter()
        .enumerate()
        .filter(|(_, import)| import.range.touches(range))
        .collect();
    match unused {
        Unused::Imports(names) => {
            let mut found: Vec<(usize, Vec<usize>)> = Vec::new();
            for name in names {
                let (import, index) = imported(source, &touching, name, range)?;
                found.push((import, vec![index]));
            }
            Ok(Target::Import(found))
        }
        Unused::WholeImport => match touching.as_slice() {
            [(index, import)] => Ok(Target::Import(vec![(
                *index,
                (0..import.names.len()).collect(),
            )])),
            _ => Err(stale(source, range, "an import")),
        },
        Unused::Name(Some(name)) => {
            if touching
                .iter()
                .any(|(_, import)| import.names.iter().any(|one| one.local == *name))
            {
                let (import, index) = imported(source, &touching, name, range)?;
                return Ok(Target::Import(vec![(import, vec![index])]));
            }
            variable_at(source, Some(name), range)
        }
        Unused::Name(None) => {
            let Some((index, import)) = touching.first() else {
                return variable_at(source, None, range);
            };
            let names: Vec<usize> = (0..import.names.len())
                .filter(|at| {
                    import
                        .names
                        .get(*at)
                        .is_some_and(|name| name.range.intersects(range))
                })
                .collect();
            if names.is_empty() || touching.len() > 1 {
                return Err(stale(source, range, "an import"));
            }
            Ok(Target::Import(vec![(*index, names)]))
        }
        Unused::Variable(name) => variable_at(source, name.as_deref(), range),
    }
}

/// The name of an import that a checker means.
fn imported(
    source: &Source<'_>,
    touching: &[(usize, &Import)],
    name: &str,
    range: ByteRange,
) -> Result<(usize, usize), BuiltinRefusal> {
    let mut found: Vec<(usize, usize, bool)> = Vec::new();
    for (index, import) in touching {
        for (at, one) in import.names.iter().enumerate() {
            if is_called(source, one, name) {
                found.push((*index, at, one.range.intersects(range)));
            }
        }
    }
    // Of several with the same name the one that the range points at.
    if found.len() > 1 {
        found.retain(|(_, _, pointed)| *pointed);
    }
    match found.as_slice() {
        [(import, at, _)] => Ok((*import, *at)),
        _ => Err(stale(source, range, &format!("an import of `{name}`"))),
    }
}

/// Whether a checker may call an imported name so.
fn is_called(source: &Source<'_>, imported: &ImportedName, name: &str) -> bool {
    let written: String = source
        .slice(imported.range)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let ImportedName {
        name: own,
        path,
        local,
        ..
    } = imported;
    if written == name || (local == name && source.family != Family::Go) {
        return true;
    }
    let full = match source.family {
        Family::Rust => {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            return *path == name || path.ends_with(&format!("::{name}"));
        }
        Family::Python if path != own => {
            // `from . import x` is `.x`, `from .a import x` is `.a.x`.
            if path.ends_with('.') {
                format!("{path}{own}")
            } else {
                format!("{path}.{own}")
            }
        }
        Family::Python | Family::Go => path.clone(),
        Family::Script => return false,
    };
    full == name || format!("{full} as {local}") == name
}

/// The variable that a checker means.
fn variable_at(
    source: &Source<'_>,
    name: Option<&str>,
    range: ByteRange,
) -> Result<Target, BuiltinRefusal> {
    let root = source.syntax.root();
    let node = root.named_descendant_for_byte_range(range.start.0, range.start.0.max(range.end.0));
    let Some(node) = node else {
        return Err(stale(source, range, "a variable"));
    };
    let candidates: Vec<ByteRange> = Nodes::below(node)
        .filter(|node| node.child_count() == 0)
        .filter(|leaf| range_of(*leaf).touches(range))
        .filter(|leaf| is_name(leaf.kind()))
        .filter(|leaf| name.is_none_or(|name| source.text_of(*leaf) == name))
        .map(range_of)
        .collect();
    let exact = candidates.iter().find(|candidate| **candidate == range);
    match (exact, candidates.as_slice()) {
        (Some(only), _) | (None, [only]) => Ok(Target::Variable(*only)),
        // The name is declared before it is used in its own statement.
        (None, [first, ..]) if name.is_some() => Ok(Target::Variable(*first)),
        _ => Err(stale(source, range, "that variable")),
    }
}

fn is_name(kind: &str) -> bool {
    kind.ends_with("identifier") || kind.ends_with("identifier_pattern")
}

fn variable(source: &Source<'_>, at: ByteRange) -> Result<Done, BuiltinRefusal> {
    match source.family {
        Family::Rust => rust::variable(source, at),
        Family::Python => python::variable(source, at),
        Family::Script => script::variable(source, at),
        Family::Go => go::variable(source, at),
    }
}

fn remove_names(
    source: &Source<'_>,
    import: &Import,
    names: &BTreeSet<usize>,
) -> Result<Done, BuiltinRefusal> {
    if import.is_exported {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "line {} exports what it imports",
                source.line_number(import.range.start)
            ),
            "remove it by hand if nothing else needs it",
        ));
    }
    let (removed, kept): (Vec<usize>, Vec<usize>) =
        (0..import.names.len()).partition(|index| names.contains(index));
    let shown: Vec<String> = removed
        .iter()
        .filter_map(|index| import.names.get(*index))
        .map(|name| format!("`{}`", shown(source, name)))
        .collect();
    let noun = if shown.len() == 1 {
        "import"
    } else {
        "imports"
    };
    let said = format!("Removes the unused {noun} {}.", shown.join(", "));
    let replacements = if kept.is_empty() {
        removal::statement(source, import.range)?
    } else {
        match source.family {
            Family::Rust => rust::remove_names(source, import, names),
            Family::Python => python::remove_names(source, import, names),
            Family::Script => script::remove_names(source, import, names),
            Family::Go => go::remove_names(source, import, names),
        }?
    };
    if source.family == Family::Python {
        python::may_remove(source, import, kept.is_empty())?;
    }
    Ok(Done { replacements, said })
}

fn shown(source: &Source<'_>, name: &ImportedName) -> String {
    match source.family {
        Family::Rust if name.name == "*" => format!("{}::*", name.path),
        Family::Script => name.local.clone(),
        Family::Rust | Family::Go => name.path.clone(),
        Family::Python if name.path == name.name => name.path.clone(),
        Family::Python => format!("{}.{}", name.path.trim_end_matches('.'), name.name),
    }
}

/// Removes an import that the person says is not used, unless the text says otherwise.
pub(super) fn remove_unused_import(
    source: &Source<'_>,
    name: Option<&str>,
    range: ByteRange,
) -> Result<Outcome, BuiltinRefusal> {
    let imports = imports(&source.syntax, source.text);
    let all: Vec<(usize, &Import)> = imports.iter().enumerate().collect();
    let (index, at) = match name {
        Some(name) => imported(source, &all, name, range).map_err(|_| {
            BuiltinRefusal::not_here(
                format!(
                    "`{}` has no import, or more than one, that is called `{name}`",
                    source.path
                ),
                "put the cursor on the import that is meant",
            )
        })?,
        None => {
            let here: Vec<(usize, usize)> = all
                .iter()
                .flat_map(|(index, import)| {
                    let names = import.names.iter().enumerate();
                    names
                        .map(|(at, name)| (*index, at, name.range))
                        .collect::<Vec<_>>()
                })
                .filter(|(_, _, one)| one.touches(range))
                .map(|(index, at, _)| (index, at))
                .collect();
            match here.as_slice() {
                [only] => *only,
                _ => {
                    return Err(BuiltinRefusal::not_here(
                        format!(
                            "{} names no single import",
                            super::line_of(source, range.start)
                        ),
                        "name the import, or put the cursor on its name",
                    ));
                }
            }
        }
    };
    let import = imports
        .get(index)
        .ok_or_else(|| stale(source, range, "an import"))?;
    let imported = import
        .names
        .get(at)
        .ok_or_else(|| stale(source, range, "an import"))?;
    removal::check_unused(source, &imports, imported)?;
    let done = remove_names(source, import, &BTreeSet::from([at]))?;
    let mut summary = done.said;
    summary.push_str(" Nothing else in the file names it.");
    if source.family == Family::Rust {
        summary.push_str(" If it is a trait, its methods may still be in use: compile to be sure.");
    }
    Ok(Outcome {
        drafts: vec![Draft::edit(source.path, source.text, done.replacements)?],
        summary,
    })
}

/// Refuses when the binding at a place is named elsewhere too: then it is assigned there at least,
/// and that would be left without its declaration.
fn only_mention(source: &Source<'_>, at: ByteRange) -> Result<(), BuiltinRefusal> {
    let name = source.slice(at);
    let next = "change it by hand";
    let Some(binding) = bindings(&source.syntax, source.text, at.start) else {
        let why = format!("where `{name}` is used cannot be told with certainty");
        return Err(BuiltinRefusal::uncertain(why, next));
    };
    match binding
        .occurrences
        .iter()
        .find(|occurrence| **occurrence != at)
    {
        None => Ok(()),
        Some(other) => Err(BuiltinRefusal::uncertain(
            format!(
                "`{name}` is named in line {} as well",
                source.line_number(other.start)
            ),
            next,
        )),
    }
}

fn stale(source: &Source<'_>, range: ByteRange, what: &str) -> BuiltinRefusal {
    BuiltinRefusal::not_here(
        format!(
            "{} of `{}` does not hold {what}",
            super::line_of(source, range.start),
            source.path
        ),
        "wait until the checker has seen the present text, then try again",
    )
}

fn first_line(message: &str) -> String {
    message
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(80)
        .collect()
}

/// What is unused is a part of something else, such as a pattern.
fn not_plain(source: &Source<'_>, name: &str, at: ByteRange) -> BuiltinRefusal {
    BuiltinRefusal::uncertain(
        format!(
            "`{name}` in line {} is not a plain variable",
            source.line_number(at.start)
        ),
        "change it by hand",
    )
}
