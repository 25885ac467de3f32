//! What there is to do for the parts that many kinds of nodes share.

use tree_sitter::Node;

use super::super::scopes::{ScopeKind, Space};
use super::{Declares, Mode, Step};
use crate::walk::range_of;

pub(super) fn visit_children(node: Node<'_>, mode: Mode) -> Vec<Step<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .map(|child| Step::Visit(child, mode))
        .collect()
}

pub(super) fn children_but_name(node: Node<'_>) -> Vec<Step<'_>> {
    let name = node.child_by_field_name("name");
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| Some(*child) != name)
        .map(|child| Step::Visit(child, Mode::Expression))
        .collect()
}

pub(super) fn field_steps<'tree>(node: Node<'tree>, field: &str) -> Vec<Step<'tree>> {
    node.child_by_field_name(field)
        .filter(Node::is_named)
        .map(|child| Step::Visit(child, Mode::Expression))
        .into_iter()
        .collect()
}

pub(super) fn named(node: Node<'_>, space: Space, declares: Declares) -> Vec<Step<'_>> {
    node.child_by_field_name("name")
        .filter(|name| matches!(name.kind(), "identifier" | "type_identifier"))
        .map(|name| Step::Name(name, space, declares))
        .into_iter()
        .collect()
}

pub(super) fn decorators(node: Node<'_>) -> Vec<Step<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| child.kind() == "decorator")
        .map(|child| Step::Visit(child, Mode::Expression))
        .collect()
}

/// `[name]` as the name of a member is an expression.
pub(super) fn computed_name(node: Node<'_>) -> Vec<Step<'_>> {
    ["name", "property"]
        .into_iter()
        .filter_map(|field| node.child_by_field_name(field))
        .filter(|name| name.kind() == "computed_property_name")
        .map(|name| Step::Visit(name, Mode::Expression))
        .collect()
}

pub(super) fn computed_key(node: Node<'_>) -> Vec<Step<'_>> {
    node.child_by_field_name("key")
        .filter(|key| key.kind() == "computed_property_name")
        .map(|key| Step::Visit(key, Mode::Expression))
        .into_iter()
        .collect()
}

/// The scope of a function, with all that is in it. Its own name is not.
pub(super) fn function(node: Node<'_>) -> Vec<Step<'_>> {
    let mut steps = vec![Step::Enter(ScopeKind::Function, range_of(node))];
    steps.extend(field_steps(node, "type_parameters"));
    if let Some(single) = node.child_by_field_name("parameter") {
        steps.push(Step::Visit(single, Mode::Pattern(Declares::HERE)));
    }
    if let Some(list) = node.child_by_field_name("parameters") {
        steps.extend(visit_children(list, Mode::Pattern(Declares::HERE)));
    }
    steps.extend(field_steps(node, "return_type"));
    // A constructor type has its result in another field.
    if matches!(node.kind(), "constructor_type" | "construct_signature") {
        steps.extend(field_steps(node, "type"));
    }
    if let Some(body) = node.child_by_field_name("body") {
        // A body shares the scope of the parameters: `var x` there is the parameter `x`.
        if body.kind() == "statement_block" {
            steps.extend(visit_children(body, Mode::Expression));
        } else {
            steps.push(Step::Visit(body, Mode::Expression));
        }
    }
    steps.push(Step::Leave);
    steps
}

pub(super) fn declarators(node: Node<'_>, declares: Declares) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut cursor = node.walk();
    for declarator in node
        .named_children(&mut cursor)
        .filter(|child| child.kind() == "variable_declarator")
    {
        steps.extend(field_steps(declarator, "type"));
        steps.extend(
            declarator
                .child_by_field_name("name")
                .map(|name| Step::Visit(name, Mode::Pattern(declares))),
        );
        steps.extend(field_steps(declarator, "value"));
    }
    steps
}

/// Members know each other by name inside the enum; outside they are its properties.
pub(super) fn enum_members(body: Node<'_>) -> Vec<Step<'_>> {
    let member = Declares {
        is_shared: true,
        is_uncertain: true,
        ..Declares::HERE
    };
    let mut steps = Vec::new();
    let mut cursor = body.walk();
    for child in body.named_children(&mut cursor) {
        match child.kind() {
            "property_identifier" => steps.push(Step::Name(child, Space::VALUE, member)),
            "enum_assignment" => {
                if let Some(name) = child
                    .child_by_field_name("name")
                    .filter(|name| name.kind() == "property_identifier")
                {
                    steps.push(Step::Name(name, Space::VALUE, member));
                }
                steps.extend(field_steps(child, "value"));
            }
            _ => {}
        }
    }
    steps
}
