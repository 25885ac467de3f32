//! C, C++ and C#.

use tree_sitter::Node;

use super::SymbolKind as Kind;
use super::found::{Found, Site, count_of_kind};
use crate::walk::child_of_kind;

pub(super) fn c_and_cpp<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let templates = site.wrappers(0, &["template_declaration"]);
    match site.kind() {
        "function_definition" => {
            let declarator = Declarator::of(site.child("declarator")?)?;
            Some(named(site, Kind::Function, declarator.name).wrapped(templates))
        }
        "declaration" if !site.is_local() => {
            let declarator = Declarator::of(site.child("declarator")?)?;
            let kind = if declarator.is_function {
                Kind::Function
            } else if is_constant(site) {
                Kind::Constant
            } else {
                Kind::Variable
            };
            Some(named(site, kind, declarator.name).wrapped(templates))
        }
        "field_declaration" => {
            let declarator = Declarator::of(site.child("declarator")?)?;
            let kind = if declarator.is_function {
                Kind::Method
            } else {
                Kind::Field
            };
            Some(named(site, kind, declarator.name).wrapped(templates))
        }
        "struct_specifier" | "union_specifier" | "class_specifier" | "enum_specifier" => {
            let body = site.child("body")?;
            let kind = match site.kind() {
                "class_specifier" => Kind::Class,
                "enum_specifier" => Kind::Enum,
                _ => Kind::Struct,
            };
            // `typedef struct { … } till_t;` has its name behind.
            let in_typedef = site.up_kind(1) == "type_definition";
            let name = match site.child("name") {
                Some(name) => name,
                None if in_typedef => {
                    Declarator::of(site.up(1)?.child_by_field_name("declarator")?)?.name
                }
                None => return None,
            };
            let wrappers = if in_typedef { 1 } else { templates };
            Some(named(site, kind, name).body(Some(body)).wrapped(wrappers))
        }
        "type_definition" if !site.is_local() => {
            let defined = site.child("type")?;
            if defined.child_by_field_name("body").is_some()
                && defined.child_by_field_name("name").is_none()
            {
                return None; // Told as the struct itself.
            }
            let declarator = Declarator::of(site.child("declarator")?)?;
            Some(site.found(Kind::Type, declarator.name))
        }
        "alias_declaration" | "concept_definition" if !site.is_local() => {
            Some(site.named(Kind::Type)?.wrapped(templates))
        }
        "enumerator" => site.named(Kind::Variant),
        "namespace_definition" => site.named(Kind::Module),
        "preproc_def" => site.named(Kind::Constant),
        "preproc_function_def" => site.named(Kind::Macro),
        _ => None,
    }
}

/// A symbol by the name of a declarator, which may say whose it is: `Till::count`.
fn named<'a: 't, 't>(site: &Site<'a, 't>, kind: Kind, name: Node<'t>) -> Found<'t> {
    if name.kind() != "qualified_identifier" {
        return site.found(kind, name);
    }
    let mut last = name;
    while let Some(inner) = last
        .child_by_field_name("name")
        .filter(|_| last.kind() == name.kind())
    {
        last = inner;
    }
    let scope = site
        .text
        .get(name.start_byte()..last.start_byte())
        .unwrap_or("");
    let kind = if kind == Kind::Function {
        Kind::Method
    } else {
        kind
    };
    site.found(kind, last)
        .contained(Some(scope.trim_end().trim_end_matches("::")))
}

fn is_constant(site: &Site<'_, '_>) -> bool {
    let mut cursor = site.node.walk();
    site.node.children(&mut cursor).any(|child| {
        child.kind() == "type_qualifier"
            && matches!(site.text_of(child), "const" | "constexpr" | "constinit")
    })
}

/// What the declarator of C comes down to: `*(*name)(int)`.
struct Declarator<'tree> {
    name: Node<'tree>,
    is_function: bool,
}

impl<'tree> Declarator<'tree> {
    fn of(outermost: Node<'tree>) -> Option<Self> {
        let mut node = outermost;
        let mut is_function = false;
        loop {
            match node.kind() {
                "function_declarator" => is_function = true,
                // `int (*visit)(int)` declares a pointer, not a function.
                "pointer_declarator" | "parenthesized_declarator" if is_function => {
                    is_function = false;
                }
                "identifier"
                | "field_identifier"
                | "type_identifier"
                | "qualified_identifier"
                | "destructor_name"
                | "operator_name"
                | "operator_cast"
                | "template_function"
                | "primitive_type" => {
                    return Some(Self {
                        name: node,
                        is_function,
                    });
                }
                _ => {}
            }
            node = match node.child_by_field_name("declarator") {
                Some(inner) => inner,
                // `(*name)` and `&name` have what they are about as their only named child.
                None => node
                    .named_child(0)
                    .filter(|_| node.kind().ends_with("_declarator"))?,
            };
        }
    }
}

pub(super) fn csharp<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let found = match site.kind() {
        "namespace_declaration" => site.named(Kind::Module),
        "class_declaration" => site.named(Kind::Class),
        "struct_declaration" | "record_declaration" => site.named(Kind::Struct),
        "interface_declaration" => site.named(Kind::Interface),
        "enum_declaration" => site.named(Kind::Enum),
        "enum_member_declaration" => site.named(Kind::Variant),
        "method_declaration" | "destructor_declaration" => site.named(Kind::Method),
        "local_function_statement" => site.named(Kind::Function),
        "constructor_declaration" => site.named(Kind::Constructor),
        "delegate_declaration" => site.named(Kind::Type),
        "property_declaration" | "event_declaration" => {
            let body = site.child("accessors").or_else(|| site.child("value"));
            Some(
                site.named(Kind::Field)?
                    .body(body.filter(|body| body.kind() != "string_literal")),
            )
        }
        "indexer_declaration" => {
            let keyword = site.child_of_kind("this")?;
            Some(
                site.found(Kind::Method, keyword)
                    .body(site.child("accessors")),
            )
        }
        "operator_declaration" => {
            let operator = site.child("operator")?;
            let name = format!("operator {}", site.text_of(operator));
            Some(site.found(Kind::Method, operator).named(name))
        }
        "conversion_operator_declaration" => {
            let target = site.child("type")?;
            let name = format!("operator {}", site.text_of(target));
            Some(site.found(Kind::Method, target).named(name))
        }
        "variable_declarator" => {
            let statement = site.up(2)?;
            if !matches!(
                statement.kind(),
                "field_declaration" | "event_field_declaration"
            ) {
                return None;
            }
            let is_const = {
                let mut cursor = statement.walk();
                statement
                    .children(&mut cursor)
                    .any(|child| site.text_of(child) == "const")
            };
            let kind = if is_const {
                Kind::Constant
            } else {
                Kind::Field
            };
            let is_single = count_of_kind(site.up(1)?, "variable_declarator") == 1;
            Some(site.named(kind)?.wrapped(if is_single { 2 } else { 0 }))
        }
        _ => None,
    }?;
    // The declaration begins behind its attributes.
    let head = site.up(found.wrappers).and_then(|whole| {
        let mut cursor = whole.walk();
        child_of_kind(whole, "attribute_list")?;
        whole
            .children(&mut cursor)
            .find(|child| child.kind() != "attribute_list" && !child.is_extra())
    });
    Some(found.head(head))
}
