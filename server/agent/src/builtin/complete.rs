//! Completing what the tree proves to be missing: arms of a match, members that an interface asks for.
//!
//! What is asked for has to stand in the same text, once, and be readable to its end. Each missing part is
//! written with a body that fails loudly until somebody fills it in.

use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::reply::Draft;
use super::source::{Family, Nodes, Source, around, children};
use super::{BuiltinRefusal, Outcome};

mod arms;
mod python;
mod rust;
mod script;

/// What is missing at a place.
struct Missing {
    /// What is added, as a sentence.
    said: String,
    replacements: Vec<Replacement>,
}

/// What of the parts that are asked for is missing.
#[derive(Default)]
struct Lacking<'t> {
    /// What can be written.
    added: Vec<&'t str>,
    /// What only a person knows.
    left: Vec<&'t str>,
}

impl Lacking<'_> {
    /// What is done about it, in a sentence. A part is a `noun`, several have an `s` at its end, and they are
    /// `of` something, where that is said. A refusal where nothing is added: `all` that is asked for is there,
    /// or `refused` says why not.
    fn said(
        &self,
        noun: &str,
        of: &str,
        all: &str,
        refused: impl Fn(&str) -> BuiltinRefusal,
    ) -> Result<String, BuiltinRefusal> {
        let left = quoted(&self.left);
        let ending = match self.added.len() {
            0 if self.left.is_empty() => {
                return Err(BuiltinRefusal::nothing_to_do(format!("{all} is there")));
            }
            0 => return Err(refused(&format!("only a person knows what {left} is"))),
            1 => "",
            _ => "s",
        };
        let added = quoted(&self.added);
        let mut said = format!("Adds the missing {noun}{ending} {added}{of}.");
        if !self.left.is_empty() {
            let more = format!(" Not added, because only a person knows what it is: {left}.");
            said.push_str(&more);
        }
        Ok(said)
    }
}

/// Whether there is something around a place that could lack a part, as far as a glance tells.
pub(super) fn has_target(root: Node<'_>, range: ByteRange) -> bool {
    target(root, range).is_some()
}

/// Adds what is missing to the innermost match, implementation or class around a place.
pub(super) fn complete(source: &Source<'_>, range: ByteRange) -> Result<Outcome, BuiltinRefusal> {
    let at = source.meant(range.start);
    let Some(node) = target(source.syntax.root(), ByteRange::empty(at)) else {
        return Err(BuiltinRefusal::needs_model(
            "Implementing what is left open",
        ));
    };
    if node.has_error() || source.syntax.unread().is_some() {
        return Err(unsure(source, node, "it is broken"));
    }
    let missing = match (source.family, node.kind()) {
        (Family::Rust, "match_expression") => arms::missing(source, node),
        (Family::Rust, _) => rust::missing(source, node),
        (Family::Script, _) => script::missing(source, node),
        (Family::Python, _) => python::missing(source, node),
        (Family::Go, _) => Err(BuiltinRefusal::needs_model(
            "Implementing what is left open",
        )),
    }?;
    Ok(Outcome {
        summary: missing.said,
        drafts: vec![Draft::edit(source.path, source.text, missing.replacements)?],
    })
}

/// The innermost node around a place, or right before it, that could lack a part.
fn target(root: Node<'_>, range: ByteRange) -> Option<Node<'_>> {
    let at = range.start.0;
    let before = || at.checked_sub(1).and_then(|at| lacking(around(root, at)));
    lacking(around(root, at)).or_else(before)
}

/// Who stands in a function means what is in it, not what the function is part of.
fn lacking(path: Vec<Node<'_>>) -> Option<Node<'_>> {
    let has = |node: &Node<'_>, field: &str| node.child_by_field_name(field).is_some();
    let mut inside = path.into_iter().rev();
    inside
        .find(|node| {
            matches!(
                node.kind(),
                "match_expression"
                    | "impl_item"
                    | "class_definition"
                    | "class_declaration"
                    | "function_item"
                    | "function_definition"
                    | "method_definition"
            )
        })
        .filter(|node| match node.kind() {
            "match_expression" => true,
            "impl_item" => has(node, "trait"),
            "class_definition" => has(node, "superclasses"),
            "class_declaration" => children(*node)
                .iter()
                .any(|it| it.kind() == "class_heritage"),
            _ => false,
        })
}

fn unsure(source: &Source<'_>, node: Node<'_>, why: &str) -> BuiltinRefusal {
    let line = source.line_number(ByteOffset(node.start_byte()));
    BuiltinRefusal::uncertain(
        format!("what is missing in line {line} cannot be told: {why}"),
        "write it by hand, or ask a model",
    )
}

/// The only item of a kind and a name in a text; two would be a guess, and so would one in a module or a
/// function that the place `from` is not in.
fn only_item<'t>(
    source: &'t Source<'_>,
    kinds: &[&str],
    name: &str,
    from: Node<'_>,
) -> Option<Node<'t>> {
    let mut found = Nodes::below(source.syntax.root()).filter(|node| {
        kinds.contains(&node.kind())
            && node
                .child_by_field_name("name")
                .is_some_and(|it| source.text_of(it) == name)
    });
    let first = found.next()?;
    let mut around = first.parent()?;
    while matches!(
        around.kind(),
        "export_statement" | "ambient_declaration" | "decorated_definition"
    ) {
        around = around.parent()?;
    }
    let within = around.byte_range();
    let is_seen = within.start <= from.start_byte() && from.end_byte() <= within.end;
    (found.next().is_none() && is_seen && !first.has_error()).then_some(first)
}

/// Whether an attribute decides whether something is there.
fn is_conditional(source: &Source<'_>, node: Node<'_>) -> bool {
    children(node)
        .into_iter()
        .filter(|it| it.kind() == "attribute_item")
        .any(|it| source.text_of(it).contains("cfg"))
}

/// Lines at the end of a body in braces, before its closing one.
fn at_end(source: &Source<'_>, body: Node<'_>, indent: &str, lines: &str) -> Replacement {
    let close = body.end_byte().saturating_sub(1);
    let before = source.text.get(..close).unwrap_or_default();
    let from = before.trim_end().len();
    let base = source.indent(ByteOffset(close));
    let base = if source.begins_line(ByteOffset(close)) {
        base
    } else {
        source.indent(ByteOffset(body.start_byte()))
    };
    let lines = lines.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("\n{indent}{line}"),
    });
    let lines: String = lines.collect();
    Replacement::new(from..close, format!("{lines}\n{base}"))
}

/// How what stands in a body is indented.
fn inner_indent(source: &Source<'_>, body: Node<'_>) -> String {
    let mut cursor = body.walk();
    let first = body.named_children(&mut cursor).next();
    let first = first.filter(|it| source.begins_line(ByteOffset(it.start_byte())));
    match first {
        Some(first) => source.indent(ByteOffset(first.start_byte())).to_owned(),
        None => format!(
            "{}{}",
            source.indent(ByteOffset(body.start_byte())),
            source.unit()
        ),
    }
}

/// `` `a`, `b` ``.
fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Whether a text names a word.
fn mentions(text: &str, word: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    text.split(|char| !is_word(char)).any(|it| it == word)
}

/// The names of type parameters that an item has.
fn type_parameters<'t>(source: &Source<'t>, item: Node<'_>) -> Vec<&'t str> {
    let list = item.child_by_field_name("type_parameters");
    let names = list.into_iter().flat_map(Nodes::below);
    names
        .filter(|it| matches!(it.kind(), "type_identifier" | "identifier"))
        .map(|it| source.text_of(it))
        .collect()
}

#[cfg(test)]
mod tests;
