//! Zig.

use super::SymbolKind as Kind;
use super::found::{Found, Site};

pub(super) fn describe<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "function_declaration" => site.named(Kind::Function),
        "variable_declaration" if !site.is_local() => {
            let name = site.child_of_kind("identifier")?;
            let mut cursor = site.node.walk();
            let value = site.node.named_children(&mut cursor).last()?;
            let (kind, body) = match value.kind() {
                "struct_declaration" | "union_declaration" | "opaque_declaration" => {
                    (Kind::Struct, Some(value))
                }
                "enum_declaration" | "error_set_declaration" => (Kind::Enum, Some(value)),
                _ if site.child_of_kind("var").is_some() => (Kind::Variable, None),
                _ => (Kind::Constant, None),
            };
            Some(site.found(kind, name).body(body))
        }
        "container_field" => {
            let name = site.child("name")?;
            let kind = if site.up_kind(1) == "enum_declaration" {
                Kind::Variant
            } else {
                Kind::Field
            };
            Some(site.found(kind, name))
        }
        "identifier" if site.up_kind(1) == "error_set_declaration" => {
            Some(site.found(Kind::Variant, site.node))
        }
        "test_declaration" => {
            let name = site
                .node
                .named_child(0)
                .filter(|name| name.kind() != "block")?;
            let written = site.text_of(name).trim_matches('"');
            Some(
                site.found(Kind::Test, name)
                    .named(written)
                    .body(site.child_of_kind("block")),
            )
        }
        _ => None,
    }
}
