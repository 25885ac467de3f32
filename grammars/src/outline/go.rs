//! Go.

use tree_sitter::Node;

use super::SymbolKind as Kind;
use super::found::{Found, Site, count_of_kind};
use crate::walk::child_of_kind;

pub(super) fn describe<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "function_declaration" => site.named(Kind::Function),
        "method_declaration" => {
            let receiver = site.child("receiver").and_then(receiver_type);
            let receiver = receiver.map(|receiver| site.text_of(receiver));
            Some(site.named(Kind::Method)?.contained(receiver))
        }
        "method_elem" => site.named(Kind::Method),
        "type_spec" | "type_alias" if !site.is_local() => {
            let defined = site.child("type")?;
            let (kind, body) = match defined.kind() {
                "struct_type" => (
                    Kind::Struct,
                    child_of_kind(defined, "field_declaration_list"),
                ),
                "interface_type" => (Kind::Interface, Some(defined)),
                _ => (Kind::Type, None),
            };
            let wrappers = usize::from(is_only(site, 1, site.kind()));
            Some(site.named(kind)?.body(body).wrapped(wrappers))
        }
        "identifier" if site.field(0) == "name" && !site.is_local() => {
            let kind = match site.up_kind(1) {
                "const_spec" => Kind::Constant,
                "var_spec" => Kind::Variable,
                _ => return None,
            };
            Some(site.found(kind, site.node).wrapped(spec_wrappers(site)))
        }
        "field_identifier" if site.up_kind(1) == "field_declaration" && site.field(0) == "name" => {
            Some(site.found(Kind::Field, site.node).wrapped(1))
        }
        _ => None,
    }
}

/// The type behind `t *Till[T]`.
fn receiver_type(receiver: Node<'_>) -> Option<Node<'_>> {
    let mut inner = receiver.named_child(0)?.child_by_field_name("type")?;
    // `*Till`, `(Till)`, `Till[T]`: each holds the next as its first named child.
    while matches!(
        inner.kind(),
        "pointer_type" | "generic_type" | "parenthesized_type"
    ) {
        inner = inner.named_child(0)?;
    }
    Some(inner)
}

/// `const First = 1` is all of the declaration; in `const ( First = iota … )` it is its line.
fn spec_wrappers(site: &Site<'_, '_>) -> usize {
    let list = usize::from(site.up_kind(2) == "var_spec_list");
    if is_only(site, 2 + list, site.up_kind(1)) && list == 0 {
        2
    } else {
        1
    }
}

/// Whether the declaration so many steps up has no brackets and so only this one specification.
fn is_only(site: &Site<'_, '_>, steps: usize, kind: &str) -> bool {
    site.up(steps).is_some_and(|declaration| {
        count_of_kind(declaration, kind) == 1 && child_of_kind(declaration, "(").is_none()
    })
}
