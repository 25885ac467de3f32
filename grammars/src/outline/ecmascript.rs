//! JavaScript, TypeScript and TSX.

use tree_sitter::Node;

use super::SymbolKind as Kind;
use super::found::{Found, Site, count_of_kind};
use crate::walk::child_of_kind;

pub(super) fn describe<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let exported = site.wrappers(
        0,
        &[
            "export_statement",
            "ambient_declaration",
            "expression_statement",
        ],
    );
    match site.kind() {
        "function_declaration" | "generator_function_declaration" | "function_signature" => {
            Some(declared(site, site.named(Kind::Function)?, exported))
        }
        "class_declaration" | "abstract_class_declaration" => {
            Some(declared(site, site.named(Kind::Class)?, exported))
        }
        "interface_declaration" => Some(declared(site, site.named(Kind::Interface)?, exported)),
        "enum_declaration" => Some(declared(site, site.named(Kind::Enum)?, exported)),
        "type_alias_declaration" if !site.is_local() => {
            Some(declared(site, site.named(Kind::Type)?, exported))
        }
        "internal_module" | "module" => Some(declared(site, site.named(Kind::Module)?, exported)),
        "method_definition" | "method_signature" | "abstract_method_signature" => {
            let found = site.named(Kind::Method)?;
            let is_constructor = found.name == "constructor" && site.up_kind(1) == "class_body";
            let kind = if is_constructor {
                Kind::Constructor
            } else {
                found.kind
            };
            Some(Found { kind, ..found })
        }
        "field_definition" | "public_field_definition" | "property_signature" => {
            let name = site.child("property").or_else(|| site.child("name"))?;
            let value = site.child("value").filter(|value| is_function(*value));
            let kind = if value.is_some() {
                Kind::Method
            } else {
                Kind::Field
            };
            Some(site.found(kind, name).body(value.and_then(body_of)))
        }
        "enum_assignment" => site.named(Kind::Variant),
        "property_identifier" | "string" if site.up_kind(1) == "enum_body" => {
            Some(site.found(Kind::Variant, site.node))
        }
        "variable_declarator" => variable(site),
        "function_expression" | "arrow_function" | "class" | "generator_function" => {
            default_export(site)
        }
        "assignment_expression" => assigned_function(site),
        "call_expression" => test_block(site),
        _ => None,
    }
}

/// A declaration with its `export`; decorators before the `export` belong to it as well.
fn declared<'a: 't, 't>(site: &Site<'a, 't>, found: Found<'t>, wrappers: usize) -> Found<'t> {
    let head = if wrappers == 0 {
        first_after_decorators(site.node)
    } else {
        site.up(wrappers).and_then(first_after_decorators)
    };
    found.wrapped(wrappers).head(head)
}

fn first_after_decorators(node: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .find(|child| child.kind() != "decorator" && !child.is_extra())
}

fn is_function(value: Node<'_>) -> bool {
    matches!(
        value.kind(),
        "arrow_function" | "function_expression" | "generator_function"
    )
}

fn body_of(value: Node<'_>) -> Option<Node<'_>> {
    value.child_by_field_name("body")
}

/// `const f = () => …` is a function, `const x = 1` a constant of its module.
fn variable<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let name = site
        .child("name")
        .filter(|name| name.kind() == "identifier")?;
    let statement = site.up(1)?;
    let is_module_level = matches!(
        site.up_kind(2),
        "program" | "export_statement" | "ambient_declaration"
    ) || (site.up_kind(2) == "statement_block"
        && matches!(site.up_kind(3), "internal_module" | "module"));
    let value = site.child("value");
    let kind = match value {
        Some(value) if is_function(value) => Kind::Function,
        Some(value) if value.kind() == "class" => Kind::Class,
        _ if !is_module_level => return None,
        _ if statement
            .child(0)
            .is_some_and(|keyword| keyword.kind() == "const") =>
        {
            Kind::Constant
        }
        _ => Kind::Variable,
    };
    let wrappers = if count_of_kind(statement, "variable_declarator") == 1 {
        site.wrappers(1, &["export_statement", "ambient_declaration"])
    } else {
        0
    };
    Some(
        site.found(kind, name)
            .body(value.and_then(body_of))
            .wrapped(wrappers),
    )
}

/// `export default function () {}`, whose name for importers is `default`.
fn default_export<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    if site.up_kind(1) != "export_statement" || site.field(0) != "value" {
        return None;
    }
    let kind = if site.kind() == "class" {
        Kind::Class
    } else {
        Kind::Function
    };
    if let Some(name) = site.child("name") {
        return Some(site.found(kind, name).wrapped(1));
    }
    let keyword = child_of_kind(site.up(1)?, "default")?;
    Some(site.found(kind, keyword).wrapped(1))
}

/// `module.exports.run = function () {}`, `Till.prototype.count = () => …`.
fn assigned_function<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    if site.up_kind(1) != "expression_statement" || site.is_local() {
        return None;
    }
    let value = site
        .child("right")
        .filter(|value| is_function(*value) || value.kind() == "class")?;
    let target = site
        .child("left")
        .filter(|left| left.kind() == "member_expression")?;
    let name = target.child_by_field_name("property")?;
    let owner = target
        .child_by_field_name("object")
        .map_or("", |object| site.text_of(object));
    let owner = owner.strip_suffix(".prototype").unwrap_or(owner);
    let kind = if is_function(value) {
        Kind::Function
    } else {
        Kind::Class
    };
    Some(
        site.found(kind, name)
            .body(body_of(value))
            .wrapped(1)
            .contained(Some(owner)),
    )
}

/// `describe('…', () => …)`, `it.each(…)('…', …)`, `test('…', …)`.
fn test_block<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    if site.up_kind(1) != "expression_statement" {
        return None;
    }
    let arguments = site.child("arguments")?;
    let title = arguments.named_child(0)?;
    if !matches!(title.kind(), "string" | "template_string") {
        return None;
    }
    let callee = site.text_of(site.child("function")?);
    let callee = callee.split(['.', '(', '`']).next().unwrap_or("");
    if !matches!(
        callee,
        "describe" | "it" | "test" | "suite" | "context" | "specify" | "bench"
    ) {
        return None;
    }
    let mut cursor = arguments.walk();
    let function = arguments
        .named_children(&mut cursor)
        .find(|child| is_function(*child))?;
    let name = site.text_of(title).trim_matches(['\'', '"', '`']);
    Some(
        site.found(Kind::Test, title)
            .named(name)
            .body(body_of(function))
            .wrapped(1),
    )
}
