//! Swift.

use super::SymbolKind as Kind;
use super::found::{Found, Site};

pub(super) fn describe<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "class_declaration" => {
            let keyword = site
                .child("declaration_kind")
                .map_or("class", |node| node.kind());
            let kind = match keyword {
                "struct" => Kind::Struct,
                "enum" => Kind::Enum,
                "extension" => Kind::Impl,
                _ => Kind::Class,
            };
            site.named(kind)
        }
        "protocol_declaration" => site.named(Kind::Trait),
        "function_declaration" | "protocol_function_declaration" => site.named(Kind::Function),
        "init_declaration" => site.named(Kind::Constructor),
        "deinit_declaration" => {
            let keyword = site.child_of_kind("deinit")?;
            Some(site.found(Kind::Method, keyword))
        }
        "subscript_declaration" => {
            let keyword = site.child_of_kind("subscript")?;
            let body = site.child_of_kind("computed_property");
            Some(site.found(Kind::Method, keyword).body(body))
        }
        "property_declaration" | "protocol_property_declaration"
            if !site.is_local() && site.up_kind(1) != "statements" =>
        {
            let pattern = site.child("name")?;
            let name = pattern.child_by_field_name("bound_identifier")?;
            let binding = site
                .child_of_kind("value_binding_pattern")
                .unwrap_or(pattern);
            let kind = if site.within.is_some_and(Kind::is_type) {
                Kind::Field
            } else if site.text_of(binding).starts_with("let") {
                Kind::Constant
            } else {
                Kind::Variable
            };
            Some(site.found(kind, name).body(site.child("computed_value")))
        }
        "enum_entry" => site.named(Kind::Variant),
        "typealias_declaration" | "associatedtype_declaration" => site.named(Kind::Type),
        "macro_declaration" => {
            let name = site.child_of_kind("simple_identifier")?;
            Some(site.found(Kind::Macro, name))
        }
        _ => None,
    }
}
