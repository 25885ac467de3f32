//! JavaScript, TypeScript and TSX.

use tree_sitter::Node;

use super::{Failure, FunctionShape, Parameter, ParameterKind, field_text, push_once};
use crate::walk::{Preorder, child_of_kind, range_of, text_of};

/// The function that a node is, or that it gives a name to.
pub(super) fn function_of(node: Node<'_>) -> Option<Node<'_>> {
    if is_function(node.kind()) || is_signature(node.kind()) {
        return Some(node);
    }
    let value = match node.kind() {
        "variable_declarator" | "public_field_definition" | "field_definition" | "pair" => "value",
        "assignment_expression" => "right",
        "export_statement" => {
            return node
                .child_by_field_name("value")
                .or_else(|| node.child_by_field_name("declaration"))
                .filter(|value| is_function(value.kind()));
        }
        _ => return None,
    };
    node.child_by_field_name(value)
        .filter(|value| is_function(value.kind()))
}

fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_declaration"
            | "generator_function_declaration"
            | "function_expression"
            | "generator_function"
            | "arrow_function"
            | "method_definition"
    )
}

fn is_signature(kind: &str) -> bool {
    matches!(
        kind,
        "function_signature" | "method_signature" | "abstract_method_signature"
    )
}

pub(super) fn shape(function: Node<'_>, text: &str) -> FunctionShape {
    let mut shape = FunctionShape {
        returns: field_text(function, "return_type", text)
            .map(|annotation| annotation.trim_start_matches(':').trim().to_owned()),
        is_async: child_of_kind(function, "async").is_some(),
        is_generator: function.kind().starts_with("generator")
            || child_of_kind(function, "*").is_some(),
        ..FunctionShape::default()
    };
    let mut returns_value = shape.is_generator;
    if let Some(body) = function.child_by_field_name("body") {
        if body.kind() == "statement_block" {
            returns_value |= look_into(body, text, &mut shape.failures);
        } else {
            returns_value = true;
        }
    }
    shape.gives_value = match shape.returns.as_deref() {
        Some(returns) => {
            let given = returns
                .strip_prefix("Promise<")
                .and_then(|inner| inner.strip_suffix('>'))
                .unwrap_or(returns);
            !matches!(given.trim(), "void" | "never" | "undefined")
                && !given.starts_with("asserts ")
        }
        None => returns_value,
    };
    if let Some(list) = function.child_by_field_name("type_parameters") {
        let mut cursor = list.walk();
        for child in list
            .named_children(&mut cursor)
            .filter(|child| child.kind() == "type_parameter")
        {
            shape
                .type_parameters
                .extend(field_text(child, "name", text));
        }
    }
    match (
        function.child_by_field_name("parameters"),
        function.child_by_field_name("parameter"),
    ) {
        (Some(parameters), _) => {
            let mut cursor = parameters.walk();
            for child in parameters.named_children(&mut cursor) {
                if let Some(parameter) = parameter(child, text) {
                    if parameter.name == "this" {
                        shape.receiver = Some(parameter);
                    } else {
                        shape.parameters.push(parameter);
                    }
                }
            }
        }
        (None, Some(single)) => shape.parameters.extend(parameter(single, text)),
        (None, None) => {}
    }
    shape
}

fn parameter(node: Node<'_>, text: &str) -> Option<Parameter> {
    let (pattern, default) = match node.kind() {
        "required_parameter" | "optional_parameter" => (
            node.child_by_field_name("pattern")?,
            node.child_by_field_name("value"),
        ),
        "assignment_pattern" => (
            node.child_by_field_name("left")?,
            node.child_by_field_name("right"),
        ),
        "identifier" | "object_pattern" | "array_pattern" | "rest_pattern" => (node, None),
        _ => return None,
    };
    let is_rest = pattern.kind() == "rest_pattern";
    let name = if is_rest {
        pattern.named_child(0)?
    } else {
        pattern
    };
    let type_text = field_text(node, "type", text)
        .map(|annotation| annotation.trim_start_matches(':').trim().to_owned());
    Some(Parameter {
        name: text_of(name, text).to_owned(),
        range: range_of(node),
        type_text,
        is_optional: default.is_some() || node.kind() == "optional_parameter",
        default: default.map(|default| text_of(default, text).to_owned()),
        kind: if is_rest {
            ParameterKind::Rest
        } else {
            ParameterKind::Plain
        },
        is_pattern: !matches!(name.kind(), "identifier" | "this"),
    })
}

/// Finds what the body throws, and tells whether it gives back a value, without what functions in it
/// do.
fn look_into(body: Node<'_>, text: &str, failures: &mut Vec<Failure>) -> bool {
    let mut returns_value = false;
    let mut caught_until = 0;
    let mut walk = Preorder::new(body);
    loop {
        let node = walk.node();
        let mut descend = true;
        match node.kind() {
            kind if is_function(kind) || kind == "class_body" => descend = false,
            "return_statement" => returns_value |= node.named_child_count() > 0,
            "try_statement" => {
                if let (Some(guarded), Some(_)) = (
                    node.child_by_field_name("body"),
                    node.child_by_field_name("handler"),
                ) {
                    caught_until = guarded.end_byte().max(caught_until);
                }
            }
            "throw_statement" if node.start_byte() >= caught_until => {
                push_once(
                    failures,
                    Failure::Raise {
                        what: thrown(node, text),
                        range: range_of(node),
                    },
                );
            }
            _ => {}
        }
        if !walk.advance(descend) {
            return returns_value;
        }
    }
}

/// `RangeError` of `throw new RangeError('…')`.
fn thrown(statement: Node<'_>, text: &str) -> Option<String> {
    let thrown = statement.named_child(0)?;
    let name = match thrown.kind() {
        "new_expression" => thrown.child_by_field_name("constructor")?,
        "identifier" => thrown,
        _ => return None,
    };
    Some(text_of(name, text).to_owned())
}
