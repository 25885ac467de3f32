//! Doc comments from real signatures.
//!
//! What the signature and the body say is written; what only a person can know is marked TODO.

use std::collections::BTreeSet;

use pleach_edit::Files;
use pleach_grammars::{FunctionShape, Language, Symbol, SymbolKind, Syntax};
use pleach_text::{ByteOffset, ByteRange, ChangeSet, Replacement};

use super::reply::Draft;
use super::source::{Family, Source, upwards};
use super::words::{Gives, Named, Phrase, function_phrase, held_phrase, is_verb, noun_phrase};
use super::{BuiltinRefusal, Outcome};

mod go;
mod jsdoc;
mod python;
mod rust;

/// What is put into the text for one symbol, and what for.
struct Written {
    replacements: Vec<Replacement>,
    /// What an existing comment lacked; empty when there was none.
    added: Vec<String>,
}

impl Written {
    fn new(replacement: Replacement) -> Self {
        Self {
            replacements: vec![replacement],
            added: Vec::new(),
        }
    }
}

/// Documents the symbols at a place.
pub(super) fn document(
    source: &Source<'_>,
    range: ByteRange,
    files: &dyn Files,
) -> Result<Outcome, BuiltinRefusal> {
    let targets = source.targets(range, |symbol| can_carry(source, symbol));
    if targets.is_empty() {
        return Err(BuiltinRefusal::not_here(
            format!(
                "{} of `{}` is in nothing that can be documented",
                super::line_of(source, range.start),
                source.path
            ),
            "put the cursor on a function, a method or a type",
        ));
    }
    let mut replacements = Vec::new();
    let mut done = Vec::new();
    let mut refused = None;
    for symbol in targets {
        let written = match source.family {
            Family::Rust => rust::document(source, symbol),
            Family::Python => python::document(source, symbol, files),
            Family::Script => jsdoc::document(source, symbol),
            Family::Go => go::document(source, symbol),
        };
        match written {
            Ok(written) => {
                replacements.extend(written.replacements);
                done.push((symbol, written.added));
            }
            // Of several symbols those that are documented already are no reason to stop.
            Err(refusal) => refused = Some(refusal),
        }
    }
    if let Some(refusal) = refused.filter(|_| done.is_empty()) {
        return Err(refusal);
    }
    let open = replacements
        .iter()
        .map(|one| one.insert.matches("TODO").count())
        .sum();
    let summary = summary(&done, open);
    Ok(Outcome {
        drafts: vec![Draft::edit(source.path, source.text, replacements)?],
        summary,
    })
}

fn summary(done: &[(&Symbol, Vec<String>)], open: usize) -> String {
    let name = |symbol: &Symbol| format!("`{}`", symbol.name);
    let mut summary = match done {
        [(symbol, added)] if !added.is_empty() => {
            format!(
                "Adds what the documentation of {} lacks: {}.",
                name(symbol),
                added.join(", ")
            )
        }
        _ => {
            let names: Vec<String> = done.iter().map(|(symbol, _)| name(symbol)).collect();
            format!("Documents {}.", names.join(", "))
        }
    };
    match open {
        0 => {}
        1 => summary.push_str(" What the code does not tell is marked TODO, in one place."),
        n => summary.push_str(&format!(
            " What the code does not tell is marked TODO, in {n} places."
        )),
    }
    summary
}

/// Whether a symbol can have a doc comment of its own.
fn can_carry(source: &Source<'_>, symbol: &Symbol) -> bool {
    match symbol.kind {
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor | SymbolKind::Class => {
            true
        }
        SymbolKind::Test => source.family != Family::Script,
        SymbolKind::Struct
        | SymbolKind::Enum
        | SymbolKind::Interface
        | SymbolKind::Trait
        | SymbolKind::Type
        | SymbolKind::Module
        | SymbolKind::Constant
        | SymbolKind::Variable
        | SymbolKind::Field
        | SymbolKind::Variant
        | SymbolKind::Macro => source.family != Family::Python,
        _ => false,
    }
}

/// Whether the tree has something at a place that can be documented. Looks at the place only.
pub(super) fn has_target(language: Language, tree: &Syntax, range: ByteRange) -> bool {
    let kinds: &[&str] = match Family::of(language) {
        Some(Family::Rust) => &[
            "function_item",
            "function_signature_item",
            "struct_item",
            "union_item",
            "enum_item",
            "enum_variant",
            "field_declaration",
            "trait_item",
            "mod_item",
            "const_item",
            "static_item",
            "type_item",
            "macro_definition",
        ],
        Some(Family::Python) => &["function_definition", "class_definition"],
        Some(Family::Script) => &[
            "function_declaration",
            "generator_function_declaration",
            "function_signature",
            "class_declaration",
            "abstract_class_declaration",
            "interface_declaration",
            "enum_declaration",
            "type_alias_declaration",
            "method_definition",
            "method_signature",
            "public_field_definition",
            "field_definition",
            "property_signature",
            "arrow_function",
            "function_expression",
            "lexical_declaration",
        ],
        Some(Family::Go) => &[
            "function_declaration",
            "method_declaration",
            "type_spec",
            "type_alias",
            "const_spec",
            "var_spec",
            "type_declaration",
            "const_declaration",
            "var_declaration",
        ],
        None => return false,
    };
    around(tree, range, kinds)
}

/// Whether a node of one of the kinds is around a place, or begins within a selection.
pub(super) fn around(tree: &Syntax, range: ByteRange, kinds: &[&str]) -> bool {
    let start = range.start.0;
    let end = range.end.0.max(start);
    let Some(node) = tree.root().descendant_for_byte_range(start, end) else {
        return false;
    };
    if upwards(node).any(|node| kinds.contains(&node.kind())) {
        return true;
    }
    // A selection of whole declarations, or a cursor in the blanks before one.
    let mut cursor = node.walk();
    node.named_children(&mut cursor).take(1000).any(|child| {
        let touches = child.start_byte() <= end + 80 && child.end_byte() >= start;
        let inner = child.named_child(
            child
                .named_child_count()
                .saturating_sub(1)
                .try_into()
                .unwrap_or(0),
        );
        touches
            && (kinds.contains(&child.kind())
                || inner.is_some_and(|inner| kinds.contains(&inner.kind())))
    })
}

/// What a function does, as its name and signature say.
fn phrase(source: &Source<'_>, symbol: &Symbol, shape: &FunctionShape) -> Option<Phrase> {
    let parameters: Vec<&str> = shape
        .parameters
        .iter()
        .filter(|parameter| !parameter.is_pattern)
        .map(|parameter| parameter.name.as_str())
        .collect();
    let parameters = if parameters.len() == shape.parameters.len() {
        parameters
    } else {
        vec!["", ""]
    };
    let owner = source.owner(symbol);
    let given = shape.returns.as_deref().map(given_type).unwrap_or_default();
    let makes_owner = !given.is_empty()
        && (given == "Self" || owner.as_deref().is_some_and(|owner| given == owner));
    let gives = match given {
        "bool" | "boolean" => Gives::Truth,
        _ if given.contains(" is ") && source.family == Family::Script => Gives::Truth,
        "()" => Gives::Nothing,
        _ if shape.gives_value && !is_only_error(given) => Gives::Value,
        _ => Gives::Nothing,
    };
    function_phrase(&Named {
        name: &symbol.name,
        owner: owner.as_deref(),
        parameters: &parameters,
        gives,
        makes_owner,
    })
}

/// Go's `error` alone, and `Result<(), E>`, give back nothing but whether it worked.
fn is_only_error(given: &str) -> bool {
    matches!(given, "error" | "()" | "Result<()>")
}

/// The type that comes back when all goes well: `T` of `Result<T, E>`, `Promise<T>`, `*T`, `(T, error)`.
fn given_type(returns: &str) -> &str {
    let mut given = returns.trim();
    loop {
        let before = given;
        given = given.trim_start_matches(['*', '&']).trim();
        for wrapper in ["Result<", "Promise<", "Awaitable[", "Coroutine["] {
            let inner = given
                .split_once(wrapper)
                .filter(|(path, _)| path.is_empty() || path.ends_with("::"));
            if let Some((_, inner)) = inner {
                given = first_of(inner.trim_end_matches(['>', ']']));
            }
        }
        if let Some(inner) = given
            .strip_prefix('(')
            .filter(|_| given.ends_with("error)"))
        {
            given = first_of(inner.trim_end_matches(')'));
        }
        if given == before {
            return given;
        }
    }
}

/// The first of several types, at the outermost level.
fn first_of(types: &str) -> &str {
    let mut depth = 0_i32;
    for (at, letter) in types.char_indices() {
        match letter {
            '<' | '[' | '(' | '{' => depth += 1,
            '>' | ']' | ')' | '}' => depth -= 1,
            ',' if depth <= 0 => return types.get(..at).unwrap_or(types).trim(),
            _ => {}
        }
    }
    types.trim()
}

/// What a thing that is no function is, as its name says.
fn what_it_is(symbol: &Symbol) -> Option<String> {
    let words = super::words::words(&symbol.name);
    let first = words.first()?.as_str();
    match symbol.kind {
        SymbolKind::Field | SymbolKind::Variable | SymbolKind::Constant => {
            if matches!(first, "is" | "has" | "can" | "should") && words.len() > 1 {
                return Some(format!("whether it {}", words.join(" ")));
            }
            held_phrase(&symbol.name)
        }
        SymbolKind::Trait => {
            // `Parser` is a thing, `Render` is what one can do.
            let last = words.last()?;
            let is_doer = ["er", "or"].iter().any(|end| last.ends_with(end));
            (is_doer && !is_verb(last)).then(|| noun_phrase(&symbol.name))?
        }
        SymbolKind::Class
        | SymbolKind::Struct
        | SymbolKind::Enum
        | SymbolKind::Interface
        | SymbolKind::Type => noun_phrase(&symbol.name),
        _ => None,
    }
}

/// The replacements that turn a stretch of the text into another one, line by line.
fn only_what_differs(source: &Source<'_>, range: ByteRange, after: &str) -> Vec<Replacement> {
    let before = source.slice(range);
    let mut changes = ChangeSet::between(before, after).into_replacements();
    for change in &mut changes {
        change.delete.start = change.delete.start + range.start.0;
        change.delete.end = change.delete.end + range.start.0;
    }
    changes
}

/// The names that stand in `known`, so that the others can be added.
fn missing<'a>(wanted: &[&'a str], known: &BTreeSet<String>) -> Vec<&'a str> {
    wanted
        .iter()
        .copied()
        .filter(|name| !known.contains(*name))
        .collect()
}

fn already(symbol: &Symbol) -> BuiltinRefusal {
    BuiltinRefusal::nothing_to_do(format!("`{}` is documented already", symbol.name))
}

/// Where a comment goes: the beginning of the symbol's line, if nothing else stands before it there.
fn above(source: &Source<'_>, symbol: &Symbol) -> Result<ByteOffset, BuiltinRefusal> {
    if source.begins_line(symbol.range.start) {
        return Ok(source.line_start(symbol.range.start));
    }
    Err(BuiltinRefusal::not_here(
        format!(
            "`{}` does not begin its line, so there is no place above it",
            symbol.name
        ),
        "put it on a line of its own first",
    ))
}

#[cfg(test)]
mod tests {
    use super::given_type;

    #[test]
    fn what_comes_back_when_all_goes_well() {
        for (returns, given) in [
            ("Result<Config, Error>", "Config"),
            ("io::Result<()>", "()"),
            ("Result<Vec<(A, B)>, E>", "Vec<(A, B)>"),
            ("Promise<boolean>", "boolean"),
            ("(*Config, error)", "Config"),
            ("&'a str", "'a str"),
            ("error", "error"),
            ("Self", "Self"),
        ] {
            assert_eq!(given_type(returns), given, "{returns}");
        }
    }
}
