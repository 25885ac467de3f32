//! Rust: the arms that a match over an enum of the same file lacks.

use std::collections::BTreeSet;

use pleach_text::{ByteOffset, Replacement};
use tree_sitter::Node;

use super::{Missing, at_end, inner_indent, is_conditional, only_item, quoted, unsure};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source, children, upwards};

pub(super) fn missing(source: &Source<'_>, choice: Node<'_>) -> Result<Missing, BuiltinRefusal> {
    let no = |why: &str| unsure(source, choice, why);
    let body = choice
        .child_by_field_name("body")
        .ok_or_else(|| no("it has no body"))?;
    let arms: Vec<Node<'_>> = children(body);
    if arms.iter().any(|arm| arm.kind() != "match_arm") {
        return Err(no("not all of it are arms"));
    }
    let mut covered = Covered::default();
    for arm in &arms {
        if is_conditional(source, *arm) {
            return Err(no("an arm is there under a condition"));
        }
        let pattern = arm.child_by_field_name("pattern");
        let pattern = pattern.ok_or_else(|| no("an arm has no pattern"))?;
        let is_whole = pattern.child_by_field_name("condition").is_none();
        for one in alternatives(pattern) {
            covered
                .take(source, one, is_whole)
                .map_err(|why| no(&why))?;
        }
    }
    if covered.all {
        return Err(BuiltinRefusal::nothing_to_do(
            "an arm takes whatever is left",
        ));
    }
    let path = match covered.path {
        Some(path) => path,
        None => of_scrutinee(source, choice).ok_or_else(|| {
            no("no arm names an enum, and the type of what is matched does not stand here")
        })?,
    };
    let variants = variants_of(source, choice, &path)?;
    let mut added = Vec::new();
    let mut lines = String::new();
    let known: BTreeSet<&str> = covered.whole.union(&covered.partly).copied().collect();
    for (name, fields) in &variants {
        if !known.contains(name) {
            lines.push_str(&format!("{path}::{name}{fields} => todo!(),\n"));
            added.push(*name);
        }
    }
    let names: BTreeSet<&str> = variants.iter().map(|(name, _)| *name).collect();
    if let Some(strange) = known.iter().find(|name| !names.contains(*name)) {
        return Err(no(&format!(
            "`{strange}` is no variant of the enum that stands here"
        )));
    }
    let partly: Vec<&str> = covered.partly.difference(&covered.whole).copied().collect();
    if added.is_empty() {
        return Err(if partly.is_empty() {
            BuiltinRefusal::nothing_to_do(format!("every variant of `{path}` has an arm"))
        } else {
            no(&format!("arms take {} in part", quoted(&partly)))
        });
    }
    let mut replacements = Vec::new();
    if let Some(comma) = arms.last().and_then(|last| comma_after(source, *last)) {
        replacements.push(comma);
    }
    let indent = inner_indent(source, body);
    let end = at_end(source, body, &indent, &lines);
    replacements.push(end);
    let noun = if added.len() == 1 { "arm" } else { "arms" };
    let mut said = format!("Adds the missing {noun} {} of `{path}`.", quoted(&added));
    if !partly.is_empty() {
        said.push_str(&format!(
            " {} has arms for a part of it: left as it is.",
            quoted(&partly)
        ));
    }
    Ok(Missing {
        said,
        replacements: joined(replacements),
    })
}

/// The variants of the enum that a path names, each with how a pattern leaves its fields open.
fn variants_of<'t>(
    source: &Source<'t>,
    choice: Node<'_>,
    path: &str,
) -> Result<Vec<(&'t str, &'static str)>, BuiltinRefusal> {
    let no = |why: &str| unsure(source, choice, why);
    let name = match path {
        "Self" => {
            self_type(source, choice).ok_or_else(|| no("what `Self` is does not stand here"))?
        }
        path if path.contains("::") => return Err(no("its path may lead elsewhere")),
        name => name,
    };
    let found = only_item(source, &["enum_item"], name, choice);
    let item = found.ok_or_else(|| no(&format!("no enum `{name}` stands once in this file")))?;
    let parts = item
        .child_by_field_name("body")
        .map(children)
        .unwrap_or_default();
    let mut variants = Vec::new();
    for part in parts {
        let is_attribute = part.kind() == "attribute_item";
        let is_told = is_attribute && source.text_of(part).contains("cfg");
        if is_told || is_conditional(source, part) {
            return Err(no("a variant is there under a condition"));
        }
        if is_attribute {
            continue;
        }
        let named = part
            .child_by_field_name("name")
            .filter(|_| part.kind() == "enum_variant");
        let named = named.ok_or_else(|| no("not all of the enum are variants"))?;
        let fields = match part.child_by_field_name("body").map(|it| it.kind()) {
            Some("ordered_field_declaration_list") => "(..)",
            Some(_) => " { .. }",
            None => "",
        };
        variants.push((source.text_of(named), fields));
    }
    Ok(variants)
}

/// A comma and what follows at the same place are one change.
fn joined(replacements: Vec<Replacement>) -> Vec<Replacement> {
    match <[Replacement; 2]>::try_from(replacements) {
        Ok([comma, mut end]) if comma.delete.end == end.delete.start => {
            end.insert = format!("{}{}", comma.insert, end.insert);
            vec![end]
        }
        Ok(both) => both.into(),
        Err(other) => other,
    }
}

/// The comma that the last arm lacks.
fn comma_after(source: &Source<'_>, arm: Node<'_>) -> Option<Replacement> {
    let text = source.text_of(arm);
    let is_block = arm
        .child_by_field_name("value")
        .is_some_and(|it| it.kind() == "block");
    let end = arm.end_byte();
    (!text.ends_with(',') && !is_block).then(|| Replacement::new(end..end, ","))
}

/// What the arms take.
#[derive(Default)]
struct Covered<'t> {
    /// An arm takes everything.
    all: bool,
    /// How the enum is named.
    path: Option<String>,
    whole: BTreeSet<&'t str>,
    partly: BTreeSet<&'t str>,
}

impl<'t> Covered<'t> {
    fn take(
        &mut self,
        source: &Source<'t>,
        pattern: Node<'_>,
        is_whole: bool,
    ) -> Result<(), String> {
        let text = source.text_of(pattern);
        let strange = || {
            format!(
                "the pattern `{}` is not understood",
                text.lines().next().unwrap_or_default()
            )
        };
        let (variant, is_open) = match pattern.kind() {
            "_" => {
                self.all |= is_whole;
                return Ok(());
            }
            // A name that begins small takes everything; another one may be a variant or a constant.
            "identifier" if text.starts_with(|char: char| char.is_lowercase() || char == '_') => {
                self.all |= is_whole;
                return Ok(());
            }
            "scoped_identifier" => (pattern, true),
            "tuple_struct_pattern" => {
                let variant = pattern.child_by_field_name("type").ok_or_else(strange)?;
                let parts = children(pattern)
                    .into_iter()
                    .filter(|it| it.id() != variant.id());
                (variant, parts.into_iter().all(|it| takes_all(source, it)))
            }
            "struct_pattern" => {
                let variant = pattern.child_by_field_name("type").ok_or_else(strange)?;
                let fields = children(pattern)
                    .into_iter()
                    .filter(|it| it.kind() == "field_pattern");
                let is_open = fields.into_iter().all(|field| {
                    let inner = field.child_by_field_name("pattern");
                    inner.is_none_or(|it| takes_all(source, it))
                });
                (variant, is_open)
            }
            _ => return Err(strange()),
        };
        let whole = source.text_of(variant);
        let (path, name) = whole.rsplit_once("::").ok_or_else(strange)?;
        if self.path.get_or_insert_with(|| path.to_owned()) != path {
            return Err("the arms name more than one enum".to_owned());
        }
        if is_whole && is_open {
            self.whole.insert(name);
        } else {
            self.partly.insert(name);
        }
        Ok(())
    }
}

/// Whether a part of a pattern takes whatever is there.
fn takes_all(source: &Source<'_>, pattern: Node<'_>) -> bool {
    let text = source.text_of(pattern);
    match pattern.kind() {
        "_" | "remaining_field_pattern" => true,
        "identifier" => text.starts_with(|char: char| char.is_lowercase() || char == '_'),
        "ref_pattern" | "mut_pattern" | "tuple_pattern" => children(pattern)
            .into_iter()
            .filter(|it| it.kind() != "mutable_specifier")
            .all(|it| takes_all(source, it)),
        _ => false,
    }
}

/// The patterns of an arm, at any depth of `|`.
fn alternatives(pattern: Node<'_>) -> Vec<Node<'_>> {
    let mut open = vec![pattern];
    let mut found = Vec::new();
    while let Some(next) = open.pop() {
        let inner = || {
            let condition = next.child_by_field_name("condition");
            let mut cursor = next.walk();
            let parts: Vec<Node<'_>> = next
                .children(&mut cursor)
                .filter(|it| !it.is_extra() && (it.is_named() || it.kind() == "_"))
                .filter(|it| condition.is_none_or(|condition| condition.id() != it.id()))
                .collect();
            parts
        };
        match next.kind() {
            "match_pattern" | "or_pattern" => open.extend(inner().into_iter().rev()),
            _ => found.push(next),
        }
    }
    found
}

/// The enum that an empty match is over: that of `self`, or of a parameter whose type stands there.
fn of_scrutinee(source: &Source<'_>, choice: Node<'_>) -> Option<String> {
    let value = choice.child_by_field_name("value")?;
    match value.kind() {
        "self" => self_type(source, choice).map(|_| "Self".to_owned()),
        "identifier" => {
            let bound = pleach_grammars::bindings(
                &source.syntax,
                source.text,
                ByteOffset(value.start_byte()),
            )?;
            let place = bound.definition?;
            let named = source
                .syntax
                .root()
                .named_descendant_for_byte_range(place.start.0, place.end.0)?;
            let parameter = upwards(named).take(2).find(|it| it.kind() == "parameter")?;
            let of = parameter.child_by_field_name("type")?;
            let of = match of.kind() {
                "reference_type" => of.child_by_field_name("type")?,
                _ => of,
            };
            (of.kind() == "type_identifier").then(|| source.text_of(of).to_owned())
        }
        _ => None,
    }
}

/// The type that the implementation around a node is of.
fn self_type<'t>(source: &Source<'t>, node: Node<'_>) -> Option<&'t str> {
    let around = upwards(node).find(|it| matches!(it.kind(), "impl_item" | "trait_item"))?;
    let of = around.child_by_field_name("type")?;
    let name = Nodes::below(of).find(|it| it.kind() == "type_identifier")?;
    matches!(of.kind(), "type_identifier" | "generic_type").then(|| source.text_of(name))
}
