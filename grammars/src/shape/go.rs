//! Go.

use tree_sitter::Node;

use super::{
    Failure, FunctionShape, Parameter, ParameterKind, field_text, push_once, within_function,
};
use crate::walk::{range_of, text_of};

pub(super) fn shape(function: Node<'_>, text: &str) -> FunctionShape {
    let mut shape = FunctionShape {
        returns: field_text(function, "result", text),
        ..FunctionShape::default()
    };
    shape.gives_value = shape.returns.is_some();
    if let Some(parameters) = function.child_by_field_name("parameters") {
        shape.parameters = read_parameters(parameters, text);
    }
    if let Some(receiver) = function.child_by_field_name("receiver") {
        shape.receiver = read_parameters(receiver, text).into_iter().next();
    }
    if let Some(list) = function.child_by_field_name("type_parameters") {
        let mut cursor = list.walk();
        for declaration in list.named_children(&mut cursor) {
            let mut names = declaration.walk();
            shape.type_parameters.extend(
                declaration
                    .children_by_field_name("name", &mut names)
                    .map(|name| text_of(name, text).to_owned()),
            );
        }
    }
    if let Some(result) = function.child_by_field_name("result") {
        let last = match result.kind() {
            "parameter_list" => read_parameters(result, text)
                .pop()
                .and_then(|last| last.type_text),
            _ => Some(text_of(result, text).to_owned()),
        };
        if last.as_deref() == Some("error") {
            shape.failures.push(Failure::ErrorValue);
        }
    }
    if let Some(body) = function.child_by_field_name("body") {
        within_function(
            body,
            |kind| kind == "func_literal",
            |node| {
                let is_panic = node.kind() == "call_expression"
                    && node
                        .child_by_field_name("function")
                        .is_some_and(|callee| text_of(callee, text) == "panic");
                if is_panic {
                    let failure = Failure::Panic {
                        by: "panic".to_owned(),
                        range: range_of(node),
                    };
                    push_once(&mut shape.failures, failure);
                }
                true
            },
        );
    }
    shape
}

/// `a, b int, rest ...string`: three parameters.
fn read_parameters(list: Node<'_>, text: &str) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    let mut cursor = list.walk();
    for declaration in list.named_children(&mut cursor) {
        let kind = match declaration.kind() {
            "parameter_declaration" => ParameterKind::Plain,
            "variadic_parameter_declaration" => ParameterKind::Rest,
            _ => continue,
        };
        let type_text = field_text(declaration, "type", text);
        let mut names = declaration.walk();
        let names: Vec<Node<'_>> = declaration
            .children_by_field_name("name", &mut names)
            .filter(Node::is_named)
            .collect();
        if names.is_empty() {
            let range = range_of(declaration);
            parameters.push(Parameter {
                range,
                type_text,
                kind,
                ..Parameter::default()
            });
            continue;
        }
        let is_single = names.len() == 1;
        for name in names {
            parameters.push(Parameter {
                name: text_of(name, text).to_owned(),
                range: range_of(if is_single { declaration } else { name }),
                type_text: type_text.clone(),
                kind,
                ..Parameter::default()
            });
        }
    }
    parameters
}
