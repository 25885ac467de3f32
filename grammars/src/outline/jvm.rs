//! Java, Kotlin and Scala.

use super::SymbolKind as Kind;
use super::found::{Found, Site, count_of_kind};
use crate::walk::child_of_kind;

pub(super) fn java<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "class_declaration" => site.named(Kind::Class),
        "record_declaration" => site.named(Kind::Struct),
        "interface_declaration" | "annotation_type_declaration" => site.named(Kind::Interface),
        "enum_declaration" => site.named(Kind::Enum),
        "enum_constant" => site.named(Kind::Variant),
        "method_declaration" | "annotation_type_element_declaration" => site.named(Kind::Method),
        "constructor_declaration" | "compact_constructor_declaration" => {
            site.named(Kind::Constructor)
        }
        "variable_declarator" => {
            let kind = match site.up_kind(1) {
                "constant_declaration" => Kind::Constant,
                "field_declaration" => Kind::Field,
                _ => return None,
            };
            let is_single = count_of_kind(site.up(1)?, "variable_declarator") == 1;
            Some(site.named(kind)?.body(None).wrapped(usize::from(is_single)))
        }
        _ => None,
    }
}

pub(super) fn kotlin<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "class_declaration" => {
            let body = site
                .child_of_kind("class_body")
                .or_else(|| site.child_of_kind("enum_class_body"));
            let kind = if site.child_of_kind("interface").is_some() {
                Kind::Interface
            } else if site.child_of_kind("enum_class_body").is_some() {
                Kind::Enum
            } else {
                Kind::Class
            };
            Some(site.named(kind)?.body(body))
        }
        "object_declaration" => Some(
            site.named(Kind::Class)?
                .body(site.child_of_kind("class_body")),
        ),
        "companion_object" => {
            let found = match site.child("name") {
                Some(name) => site.found(Kind::Class, name),
                None => site
                    .found(Kind::Class, site.child_of_kind("object")?)
                    .named("Companion"),
            };
            Some(found.body(site.child_of_kind("class_body")))
        }
        "function_declaration" => Some(
            site.named(Kind::Function)?
                .body(site.child_of_kind("function_body")),
        ),
        "secondary_constructor" => {
            let name = site.child_of_kind("constructor")?;
            Some(
                site.found(Kind::Constructor, name)
                    .body(site.child_of_kind("block")),
            )
        }
        "property_declaration" if !site.is_local() && !is_in_lambda(site) => {
            let variable = site.child_of_kind("variable_declaration")?;
            let name = child_of_kind(variable, "identifier")?;
            let kind = if site.within.is_some_and(Kind::is_type) {
                Kind::Field
            } else if site.child_of_kind("val").is_some() {
                Kind::Constant
            } else {
                Kind::Variable
            };
            Some(site.found(kind, name))
        }
        "enum_entry" => {
            let name = site.child_of_kind("identifier")?;
            Some(
                site.found(Kind::Variant, name)
                    .body(site.child_of_kind("class_body")),
            )
        }
        "type_alias" => {
            let name = site.child("type")?;
            Some(site.found(Kind::Type, name))
        }
        _ => None,
    }
}

/// Whether a declaration is a statement of a block that belongs to no named function.
fn is_in_lambda(site: &Site<'_, '_>) -> bool {
    !matches!(
        site.up_kind(1),
        "source_file" | "class_body" | "enum_class_body" | "ERROR"
    )
}

pub(super) fn scala<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "class_definition" | "object_definition" | "package_object" => site.named(Kind::Class),
        "trait_definition" => site.named(Kind::Trait),
        "enum_definition" => site.named(Kind::Enum),
        "simple_enum_case" | "full_enum_case" => {
            let is_single = site
                .up(1)
                .is_some_and(|cases| cases.named_child_count() == 1);
            Some(site.named(Kind::Variant)?.wrapped(usize::from(is_single)))
        }
        "function_definition" | "function_declaration" => site.named(Kind::Function),
        "val_definition" | "val_declaration" | "var_definition" | "var_declaration"
            if !site.is_local() && is_scala_member(site) =>
        {
            let name = site.child("pattern").or_else(|| site.child("name"))?;
            if name.kind() != "identifier" {
                return None;
            }
            let kind = if site.within.is_some_and(Kind::is_type) {
                Kind::Field
            } else if site.kind().starts_with("val") {
                Kind::Constant
            } else {
                Kind::Variable
            };
            Some(site.found(kind, name))
        }
        "type_definition" if !site.is_local() => site.named(Kind::Type),
        "given_definition" => Some(site.named(Kind::Constant)?),
        _ => None,
    }
}

fn is_scala_member(site: &Site<'_, '_>) -> bool {
    matches!(
        site.up_kind(1),
        "compilation_unit" | "template_body" | "enum_body" | "with_template_body"
    )
}
