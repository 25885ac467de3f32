//! TypeScript: the methods that an interface of the same file asks a class for.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::{Lacking, Missing, at_end, inner_indent, only_item, type_parameters, unsure};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source, children};

pub(super) fn missing(source: &Source<'_>, class: Node<'_>) -> Result<Missing, BuiltinRefusal> {
    let no = |why: &str| unsure(source, class, why);
    let body = class
        .child_by_field_name("body")
        .ok_or_else(|| no("it has no body"))?;
    let heritage = children(class)
        .into_iter()
        .find(|it| it.kind() == "class_heritage");
    let heritage = heritage.map(children).unwrap_or_default();
    if heritage.iter().any(|it| it.kind() != "implements_clause") {
        return Err(no("what it extends may have it"));
    }
    let interfaces: Vec<Node<'_>> = heritage.into_iter().flat_map(children).collect();
    if interfaces.is_empty() {
        return Err(BuiltinRefusal::needs_model(
            "Implementing what is left open",
        ));
    }
    let parts = children(body);
    if parts.iter().any(|it| it.kind() == "index_signature") {
        return Err(no("it has an index signature"));
    }
    let mut there = names_in(source, body);
    let indent = inner_indent(source, body);
    let unit = source.unit();
    let (mut lines, mut lacking) = (String::new(), Lacking::default());
    for interface in interfaces {
        let item = declared(source, class, interface)?;
        let name = source.text_of(interface);
        for one in item
            .child_by_field_name("body")
            .map(children)
            .unwrap_or_default()
        {
            let text = source.text_of(one);
            let Some(called) = one.child_by_field_name("name").map(|it| source.text_of(it)) else {
                return Err(no(&format!(
                    "`{name}` has more than methods and properties"
                )));
            };
            if lacking.added.contains(&called) {
                return Err(no(&format!("`{called}` has more than one signature")));
            }
            if has_token(one, "?") || !there.insert(called) {
                continue;
            }
            let is_accessor = has_token(one, "get") || has_token(one, "set");
            if one.kind() != "method_signature" || is_accessor {
                lacking.left.push(called);
                continue;
            }
            if text.contains("//") || text.contains("/*") {
                return Err(no(&format!("a comment stands in the head of `{called}`")));
            }
            let head: Vec<&str> = text
                .trim_end_matches([';', ','])
                .lines()
                .map(str::trim)
                .collect();
            let gap = if lines.is_empty() && parts.is_empty() {
                ""
            } else {
                "\n"
            };
            lines.push_str(&format!(
                "{gap}{} {{\n{unit}throw new Error(\"{called} is not implemented\");\n}}\n",
                head.join(" ")
            ));
            lacking.added.push(called);
        }
    }
    let said = lacking.said("method", "", "all that its interfaces ask for", no)?;
    Ok(Missing {
        said,
        replacements: vec![at_end(source, body, &indent, &lines)],
    })
}

/// Whether a word or a sign stands in a member itself, not in its parts.
fn has_token(member: Node<'_>, token: &str) -> bool {
    let mut cursor = member.walk();
    member
        .children(&mut cursor)
        .any(|it| !it.is_named() && it.kind() == token)
}

/// What each object of a class has by name.
fn names_in<'t>(source: &Source<'t>, body: Node<'_>) -> BTreeSet<&'t str> {
    let members = children(body).into_iter();
    let of_each = members.filter(|it| !has_token(*it, "static"));
    let mut names: BTreeSet<&str> = of_each
        .filter_map(|it| it.child_by_field_name("name"))
        .filter(|it| it.kind() != "private_property_identifier")
        .map(|it| source.text_of(it))
        .collect();
    // A parameter of the constructor that says who sees it is a property.
    let parameters = Nodes::below(body).filter(|it| it.kind() == "required_parameter");
    names.extend(parameters.filter_map(|it| {
        let pattern = it.child_by_field_name("pattern")?;
        let is_seen = it.named_child(0)?.kind() == "accessibility_modifier"
            || source.text_of(it).starts_with("readonly");
        is_seen.then(|| source.text_of(pattern))
    }));
    names
}

/// The interface that a class names, if all that it asks for stands in this file.
fn declared<'s>(
    source: &'s Source<'_>,
    class: Node<'_>,
    interface: Node<'_>,
) -> Result<Node<'s>, BuiltinRefusal> {
    let no = |why: String| unsure(source, class, &why);
    let name = source.text_of(interface);
    if interface.kind() != "type_identifier" {
        return Err(no(format!("`{name}` takes types")));
    }
    let kinds = [
        "interface_declaration",
        "type_alias_declaration",
        "class_declaration",
    ];
    let item = only_item(source, &kinds, name, class);
    let item = item.filter(|it| it.kind() == "interface_declaration");
    let item = item.ok_or_else(|| no(format!("no interface `{name}` stands once in this file")))?;
    let extends = children(item)
        .iter()
        .any(|it| it.kind() == "extends_type_clause");
    if extends || !type_parameters(source, item).is_empty() {
        return Err(no(format!("`{name}` extends others or takes types")));
    }
    Ok(item)
}
