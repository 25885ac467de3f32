//! Rust: deriving what the standard library can derive.

use std::collections::BTreeSet;

use pleach_grammars::SymbolKind;
use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::reply::Draft;
use super::source::{Family, Source, children, upwards};
use super::{BuiltinRefusal, Outcome};

/// What can be derived without an import, in the order in which it is mostly written, and what each needs.
const DERIVED: [(&str, &[&str]); 9] = [
    ("Debug", &[]),
    ("Clone", &[]),
    ("Copy", &["Clone"]),
    ("PartialEq", &[]),
    ("Eq", &["PartialEq"]),
    ("PartialOrd", &["PartialEq"]),
    ("Ord", &["Eq", "PartialEq", "PartialOrd"]),
    ("Hash", &[]),
    ("Default", &[]),
];

/// Whether something is one of those.
pub(super) fn is_derived(name: &str) -> bool {
    DERIVED.iter().any(|(it, _)| *it == name)
}

/// Derives traits for the type at a place, with what they need.
pub(super) fn derive(
    source: &Source<'_>,
    wanted: &[String],
    range: ByteRange,
) -> Result<Outcome, BuiltinRefusal> {
    if source.family != Family::Rust {
        return Err(BuiltinRefusal::needs_model("Deriving in this language"));
    }
    let at = source.meant(range.start);
    let is_type = |kind: SymbolKind| matches!(kind, SymbolKind::Struct | SymbolKind::Enum);
    let symbol = source.enclosing(at, |symbol| is_type(symbol.kind));
    let not_here = || {
        BuiltinRefusal::not_here(
            format!("no struct or enum is in {}", super::line_of(source, at)),
            "put the cursor on the type",
        )
    };
    let symbol = symbol.ok_or_else(not_here)?;
    let named = source.node_at(symbol.name_range).ok_or_else(not_here)?;
    let item = upwards(named)
        .find(|it| matches!(it.kind(), "struct_item" | "enum_item" | "union_item"))
        .ok_or_else(not_here)?;
    let no =
        |why: &str| BuiltinRefusal::uncertain(why.to_owned(), "write it by hand, or ask a model");
    if item.has_error() {
        return Err(no("the type is broken"));
    }
    if item.kind() == "enum_item" && wanted.iter().any(|it| it == "Default") {
        return Err(no(
            "which variant is the default of an enum, only a person knows",
        ));
    }
    if item.kind() == "union_item" {
        return Err(no("little can be derived for a union"));
    }
    let attributes = attributes_of(item);
    let known: Vec<(Node<'_>, Vec<&str>)> = attributes
        .iter()
        .filter_map(|it| Some((*it, derives(source, *it)?)))
        .collect();
    let has: BTreeSet<&str> = known
        .iter()
        .flat_map(|(_, names)| names)
        .map(|name| name.rsplit("::").next().unwrap_or(name).trim())
        .collect();
    let conditional = attributes
        .iter()
        .any(|it| source.text_of(*it).contains("cfg_attr"));
    if conditional {
        return Err(no("an attribute derives under a condition"));
    }
    let needed = needed_by(wanted);
    if let Some(name) = in_the_way(source, &needed, &has, &symbol.name) {
        return Err(no(&format!("`{name}` is implemented by hand in this file")));
    }
    let added: Vec<&str> = DERIVED
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| needed.contains(name) && !has.contains(name))
        .collect();
    if added.is_empty() {
        return Err(BuiltinRefusal::nothing_to_do(format!(
            "`{}` derives it already",
            symbol.name
        )));
    }
    let replacement = match known.first() {
        Some((attribute, names)) => {
            let text = source.text_of(*attribute);
            let close = text
                .rfind(')')
                .ok_or_else(|| no("its derive is not understood"))?;
            let inner = text.get(..close).unwrap_or_default();
            let end = attribute.start_byte() + inner.trim_end().trim_end_matches(',').len();
            let from = if names.is_empty() { "" } else { ", " };
            Replacement::new(
                end..attribute.start_byte() + close,
                format!("{from}{}", added.join(", ")),
            )
        }
        None => {
            let start = source.line_start(ByteOffset(item.start_byte()));
            if !source.begins_line(ByteOffset(item.start_byte())) {
                return Err(no("the type does not begin its line"));
            }
            let indent = source.indent(start);
            Replacement::new(
                start.0..start.0,
                format!("{indent}#[derive({})]\n", added.join(", ")),
            )
        }
    };
    Ok(Outcome {
        summary: format!(
            "Derives {} for `{}`. Its fields must have them too: compile to be sure.",
            added.join(", "),
            symbol.name
        ),
        drafts: vec![Draft::edit(source.path, source.text, vec![replacement])?],
    })
}

/// What is asked for, with what it needs.
fn needed_by(wanted: &[String]) -> BTreeSet<&'static str> {
    let mut needed = BTreeSet::new();
    for (name, with) in DERIVED {
        if wanted.iter().any(|it| it == name) {
            needed.insert(name);
            needed.extend(with);
        }
    }
    needed
}

/// A trait whose implementation by hand stands in the way of what is to be derived: the same one, or one that
/// the derived one must agree with.
fn in_the_way<'n>(
    source: &Source<'_>,
    needed: &BTreeSet<&'n str>,
    has: &BTreeSet<&str>,
    of: &str,
) -> Option<&'n str> {
    let same = needed.iter().copied().filter(|name| !has.contains(name));
    let agrees = [("Hash", "PartialEq"), ("PartialOrd", "Ord")];
    let agrees = agrees
        .into_iter()
        .filter(|(name, _)| needed.contains(name))
        .map(|(_, with)| with);
    same.chain(agrees).find(|name| is_by_hand(source, name, of))
}

/// Whether a trait is implemented for a type in this file.
fn is_by_hand(source: &Source<'_>, name: &str, of: &str) -> bool {
    source.symbols.iter().any(|it| {
        it.kind == SymbolKind::Impl
            && it.name.split_once(" for ").is_some_and(|(a, b)| {
                a.rsplit("::").next() == Some(name) && b.split('<').next() == Some(of)
            })
    })
}

/// The attributes above an item.
fn attributes_of(item: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut before = item.prev_named_sibling();
    while let Some(node) = before.filter(|it| it.kind() == "attribute_item" || it.is_extra()) {
        if node.kind() == "attribute_item" {
            found.push(node);
        }
        before = node.prev_named_sibling();
    }
    found.reverse();
    found
}

/// What `#[derive(…)]` names.
fn derives<'t>(source: &Source<'t>, attribute: Node<'_>) -> Option<Vec<&'t str>> {
    let inner = children(attribute)
        .into_iter()
        .find(|it| it.kind() == "attribute")?;
    let path = inner.named_child(0)?;
    if source.text_of(path) != "derive" {
        return None;
    }
    let text = source.text_of(inner);
    let list = text.split_once('(')?.1.rsplit_once(')')?.0;
    Some(
        list.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pleach_edit::{EditRequest, propose};
    use pleach_grammars::Language;

    use super::*;

    fn derived(text: &str, wanted: &[&str]) -> Result<String, String> {
        let source = Source::read("a.rs", Some(Language::Rust), text).unwrap();
        let wanted: Vec<String> = wanted.iter().map(|it| (*it).to_owned()).collect();
        let at = text.find('A').unwrap_or_default();
        let outcome = derive(&source, &wanted, ByteRange::empty(ByteOffset(at)));
        let reply = outcome.map_err(|it| it.to_string())?.into_answer().reply;
        let files = std::collections::BTreeMap::from([("a.rs".to_owned(), text.to_owned())]);
        let proposal = propose(&EditRequest::new(&reply, &files)).map_err(|it| it.to_string())?;
        Ok(proposal.after("a.rs").unwrap())
    }

    #[test]
    fn a_type_derives_what_is_asked_for_and_what_that_needs() {
        for (text, wanted, after) in [
            (
                "/// One.\nstruct A;\n",
                &["Debug"][..],
                "/// One.\n#[derive(Debug)]\nstruct A;\n",
            ),
            (
                "#[derive(Debug)]\nstruct A;\n",
                &["Copy"],
                "#[derive(Debug, Clone, Copy)]\nstruct A;\n",
            ),
            (
                "#[derive(Debug,)]\n#[allow(x)]\npub enum A { B }\n",
                &["Eq"],
                "#[derive(Debug, PartialEq, Eq)]\n#[allow(x)]\npub enum A { B }\n",
            ),
            (
                "mod m {\n    struct A {\n        b: u8,\n    }\n}\n",
                &["Hash"],
                "mod m {\n    #[derive(Hash)]\n    struct A {\n        b: u8,\n    }\n}\n",
            ),
        ] {
            assert_eq!(derived(text, wanted).as_deref(), Ok(after), "{text}");
        }
    }

    #[test]
    fn what_is_there_or_not_certain_is_left() {
        for (text, wanted, why) in [
            ("#[derive(Debug)]\nstruct A;\n", "Debug", "already"),
            (
                "struct A;\nimpl Clone for A { fn clone(&self) -> A { A } }\n",
                "Copy",
                "by hand",
            ),
            (
                "struct A;\nimpl PartialEq for A { fn eq(&self, _: &A) -> bool { true } }\n",
                "Hash",
                "by hand",
            ),
            ("enum A { B }\n", "Default", "only a person"),
            (
                "#[cfg_attr(a, derive(Debug))]\nstruct A;\n",
                "Debug",
                "condition",
            ),
            ("fn f() { A }\n", "Debug", "no struct"),
        ] {
            let refused = derived(text, &[wanted]).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
