//! Test skeletons in the framework and the place that the project uses.
//!
//! A skeleton calls what it tests with inputs marked TODO and ends in a failure that says what is
//! left to do: it never passes before somebody has finished it.

use pleach_edit::Files;
use pleach_grammars::{Language, Symbol, SymbolKind, Syntax};
use pleach_text::ByteRange;

use super::document::around;
use super::reply::Draft;
use super::source::{Family, Source, is_function};
use super::{BuiltinRefusal, Outcome};

mod go;
mod paths;
mod python;
mod rust;
mod script;

/// More functions than this are not tested in one go.
const MOST: usize = 20;

/// What was written, and where.
struct Skeleton {
    drafts: Vec<Draft>,
    /// The framework and whatever a person should know, as sentences.
    notes: String,
}

/// Writes test skeletons for the functions at a place.
pub(super) fn skeleton(
    source: &Source<'_>,
    range: ByteRange,
    files: &dyn Files,
) -> Result<Outcome, BuiltinRefusal> {
    let targets = targets(source, range)?;
    let skeleton = match source.family {
        Family::Rust => rust::write(source, &targets, files),
        Family::Python => python::write(source, &targets, files),
        Family::Script => script::write(source, &targets, files),
        Family::Go => go::write(source, &targets, files),
    }?;
    let names: Vec<String> = targets
        .iter()
        .map(|symbol| format!("`{}`", symbol.name))
        .collect();
    let mut places: Vec<String> = skeleton
        .drafts
        .iter()
        .map(|draft| format!("`{}`", draft.path()))
        .collect();
    places.dedup();
    let noun = if names.len() == 1 {
        "a test skeleton"
    } else {
        "test skeletons"
    };
    let fails = if names.len() == 1 {
        "It fails"
    } else {
        "They fail"
    };
    let summary = format!(
        "Adds {noun} for {} to {}. {fails} until the TODOs are done.{}{}",
        names.join(", "),
        places.join(", "),
        if skeleton.notes.is_empty() { "" } else { " " },
        skeleton.notes
    );
    Ok(Outcome {
        drafts: skeleton.drafts,
        summary,
    })
}

/// The functions that are meant: the one at the cursor, or the public ones of the type there.
fn targets<'s>(
    source: &'s Source<'_>,
    range: ByteRange,
) -> Result<Vec<&'s Symbol>, BuiltinRefusal> {
    let next = "put the cursor on a function or a method";
    let wanted = |symbol: &Symbol| {
        is_function(symbol)
            || matches!(
                symbol.kind,
                SymbolKind::Class | SymbolKind::Impl | SymbolKind::Test
            )
    };
    let mut found: Vec<&Symbol> = Vec::new();
    for symbol in source.targets(range, wanted) {
        match symbol.kind {
            SymbolKind::Class | SymbolKind::Impl => found.extend(members(source, symbol)),
            SymbolKind::Test => {
                return Err(BuiltinRefusal::not_here(
                    format!("`{}` is a test itself", symbol.name),
                    next,
                ));
            }
            _ => found.push(symbol),
        }
    }
    if found.is_empty() {
        let line = super::line_of(source, range.start);
        return Err(BuiltinRefusal::not_here(
            format!(
                "{line} of `{}` is in no function that can be tested",
                source.path
            ),
            next,
        ));
    }
    found.truncate(MOST);
    Ok(found)
}

/// The methods of a type that are meant for others.
fn members<'s>(source: &'s Source<'_>, owner: &Symbol) -> Vec<&'s Symbol> {
    let is_member = |symbol: &&Symbol| {
        source
            .parent(symbol)
            .is_some_and(|parent| parent.range == owner.range)
            && matches!(symbol.kind, SymbolKind::Method | SymbolKind::Function)
    };
    let is_public = |symbol: &&Symbol| match source.family {
        Family::Rust => {
            symbol.signature(source.text).starts_with("pub") || owner.name.contains(" for ")
        }
        Family::Python => !symbol.name.starts_with('_'),
        Family::Script => {
            let signature = symbol.signature(source.text);
            !symbol.name.starts_with('#')
                && !["private ", "protected ", "abstract "]
                    .iter()
                    .any(|word| signature.contains(word))
        }
        Family::Go => true,
    };
    source
        .symbols
        .iter()
        .filter(is_member)
        .filter(is_public)
        .collect()
}

/// Whether the tree has something at a place that tests can be written for. Looks at the place only.
pub(super) fn has_target(language: Language, tree: &Syntax, range: ByteRange) -> bool {
    let kinds: &[&str] = match Family::of(language) {
        Some(Family::Rust) => &["function_item", "impl_item"],
        Some(Family::Python) => &["function_definition", "class_definition"],
        Some(Family::Script) => &[
            "function_declaration",
            "generator_function_declaration",
            "class_declaration",
            "method_definition",
            "arrow_function",
            "function_expression",
        ],
        Some(Family::Go) => &["function_declaration", "method_declaration"],
        None => return false,
    };
    around(tree, range, kinds)
}

/// A name that is not in use yet: `name`, else `name_2`, `name_3`, …
fn free_name(name: &str, separator: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while is_taken(&candidate) {
        candidate = format!("{name}{separator}{number}");
        number += 1;
    }
    candidate
}

/// Lines with an indentation before each that is not empty.
fn indented(lines: &[String], indent: &str) -> String {
    let mut text = String::new();
    for line in lines {
        if !line.is_empty() {
            text.push_str(indent);
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

/// A text as it can stand between double quotes in all of the languages.
fn quotable(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "'")
        .replace(['\n', '\r'], " ")
}
