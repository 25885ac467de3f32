//! PHP, Lua and Bash.

use tree_sitter::Node;

use super::SymbolKind as Kind;
use super::found::{Found, Site, count_of_kind};
use crate::walk::child_of_kind;

pub(super) fn php<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "namespace_definition" => {
            let body = site.child("body")?;
            Some(site.named(Kind::Module)?.body(Some(body)))
        }
        "class_declaration" => Some(behind_attributes(site, site.named(Kind::Class)?)),
        "interface_declaration" => Some(behind_attributes(site, site.named(Kind::Interface)?)),
        "trait_declaration" => Some(behind_attributes(site, site.named(Kind::Trait)?)),
        "enum_declaration" => Some(behind_attributes(site, site.named(Kind::Enum)?)),
        "enum_case" => site.named(Kind::Variant),
        "function_definition" => Some(behind_attributes(site, site.named(Kind::Function)?)),
        "method_declaration" => {
            let found = site.named(Kind::Method)?;
            let kind = if found.name == "__construct" {
                Kind::Constructor
            } else {
                found.kind
            };
            Some(behind_attributes(site, Found { kind, ..found }))
        }
        "const_element" => {
            let name = site.node.named_child(0)?;
            let is_single = count_of_kind(site.up(1)?, "const_element") == 1;
            Some(
                site.found(Kind::Constant, name)
                    .wrapped(usize::from(is_single)),
            )
        }
        "property_element" => {
            let is_single = count_of_kind(site.up(1)?, "property_element") == 1;
            Some(site.named(Kind::Field)?.wrapped(usize::from(is_single)))
        }
        _ => None,
    }
}

fn behind_attributes<'a: 't, 't>(site: &Site<'a, 't>, found: Found<'t>) -> Found<'t> {
    let head = site
        .child("attributes")
        .and_then(|attributes| attributes.next_sibling());
    found.head(head)
}

pub(super) fn lua<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "function_declaration" => Some(lua_named(site, Kind::Function, site.child("name")?)),
        "assignment_statement" => {
            let targets = site.child_of_kind("variable_list")?;
            if child_of_kind(targets, ",").is_some() {
                return None;
            }
            let target = targets.child_by_field_name("name")?;
            let value = site
                .child_of_kind("expression_list")
                .and_then(|list| list.named_child(0));
            let is_declaration = site.up_kind(1) == "variable_declaration";
            let wrappers = usize::from(is_declaration);
            let function = value.filter(|value| value.kind() == "function_definition");
            if let Some(function) = function {
                let body = function.child_by_field_name("body");
                return Some(
                    lua_named(site, Kind::Function, target)
                        .body(body)
                        .wrapped(wrappers),
                );
            }
            if !is_declaration || site.up_kind(2) != "chunk" || target.kind() != "identifier" {
                return None;
            }
            Some(site.found(Kind::Variable, target).wrapped(1))
        }
        _ => None,
    }
}

/// `Till:count` and `Till.count` are `count` of `Till`.
fn lua_named<'a: 't, 't>(site: &Site<'a, 't>, kind: Kind, name: Node<'t>) -> Found<'t> {
    let last = name
        .child_by_field_name("method")
        .or_else(|| name.child_by_field_name("field"));
    match (last, name.child_by_field_name("table")) {
        (Some(last), Some(table)) => site
            .found(Kind::Method, last)
            .contained(Some(site.text_of(table))),
        _ => site.found(kind, name),
    }
}

pub(super) fn bash<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "function_definition" => site.named(Kind::Function),
        "variable_assignment" if !site.is_local() => {
            let name = site
                .child("name")
                .filter(|name| name.kind() == "variable_name")?;
            match site.up_kind(1) {
                "program" => Some(site.found(Kind::Variable, name)),
                "declaration_command" if site.up_kind(2) == "program" => {
                    let command = site.up(1)?;
                    let is_constant = child_of_kind(command, "readonly").is_some();
                    let kind = if is_constant {
                        Kind::Constant
                    } else {
                        Kind::Variable
                    };
                    let is_single = count_of_kind(command, "variable_assignment") == 1;
                    Some(site.found(kind, name).wrapped(usize::from(is_single)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}
