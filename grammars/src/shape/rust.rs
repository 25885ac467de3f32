//! Rust.

use tree_sitter::Node;

use super::{
    Failure, FunctionShape, Parameter, ParameterKind, field_text, push_once, within_function,
};
use crate::walk::{child_of_kind, range_of, text_of};

pub(super) fn shape(function: Node<'_>, text: &str) -> FunctionShape {
    let modifiers = child_of_kind(function, "function_modifiers");
    let has = |word: &str| {
        modifiers.is_some_and(|modifiers| {
            text_of(modifiers, text)
                .split_whitespace()
                .any(|w| w == word)
        })
    };
    let mut shape = FunctionShape {
        returns: field_text(function, "return_type", text),
        is_async: has("async"),
        is_unsafe: has("unsafe"),
        ..FunctionShape::default()
    };
    shape.gives_value = shape
        .returns
        .as_deref()
        .is_some_and(|returns| !matches!(returns, "()" | "!"));
    if let Some(parameters) = function.child_by_field_name("parameters") {
        read_parameters(parameters, text, &mut shape);
    }
    if let Some(list) = function.child_by_field_name("type_parameters") {
        let mut cursor = list.walk();
        for child in list.named_children(&mut cursor) {
            if matches!(child.kind(), "type_parameter" | "const_parameter") {
                shape
                    .type_parameters
                    .extend(field_text(child, "name", text));
            }
        }
    }
    if let Some(returns) = function.child_by_field_name("return_type") {
        shape.failures.extend(failure_of_type(returns, text));
    }
    if let Some(body) = function.child_by_field_name("body") {
        within_function(
            body,
            |kind| kind == "function_item",
            |node| {
                if let Some(by) = panic_of(node, text) {
                    push_once(
                        &mut shape.failures,
                        Failure::Panic {
                            by,
                            range: range_of(node),
                        },
                    );
                }
                true
            },
        );
    }
    shape
}

fn read_parameters(parameters: Node<'_>, text: &str, shape: &mut FunctionShape) {
    let mut cursor = parameters.walk();
    for child in parameters.named_children(&mut cursor) {
        match child.kind() {
            "self_parameter" => {
                shape.receiver = Some(Parameter {
                    name: "self".to_owned(),
                    range: range_of(child),
                    type_text: Some(text_of(child, text).to_owned()),
                    ..Parameter::default()
                });
            }
            "parameter" => {
                let pattern = child.child_by_field_name("pattern");
                let name = pattern.map_or("_", |pattern| text_of(pattern, text));
                let parameter = Parameter {
                    name: name.to_owned(),
                    range: range_of(child),
                    type_text: field_text(child, "type", text),
                    is_pattern: name != "_"
                        && pattern.is_some_and(|pattern| {
                            !matches!(pattern.kind(), "identifier" | "self")
                        }),
                    ..Parameter::default()
                };
                // `self: &Self` is written like a parameter.
                if name == "self" {
                    shape.receiver = Some(parameter);
                } else {
                    shape.parameters.push(parameter);
                }
            }
            "variadic_parameter" => shape.parameters.push(Parameter {
                name: field_text(child, "pattern", text).unwrap_or_default(),
                range: range_of(child),
                kind: ParameterKind::Rest,
                ..Parameter::default()
            }),
            _ => {}
        }
    }
}

/// `Result<T, E>`, `io::Result<T>`, `Option<T>`, also behind `impl Future<Output = …>`.
fn failure_of_type(returns: Node<'_>, text: &str) -> Option<Failure> {
    let (name, arguments) = match returns.kind() {
        "generic_type" => (
            returns.child_by_field_name("type")?,
            returns.child_by_field_name("type_arguments"),
        ),
        "type_identifier" | "scoped_type_identifier" => (returns, None),
        _ => return None,
    };
    match text_of(name, text).rsplit("::").next()?.trim() {
        "Result" => {
            let error = arguments.and_then(|arguments| {
                let mut cursor = arguments.walk();
                arguments
                    .named_children(&mut cursor)
                    .filter(|argument| !argument.is_extra() && argument.kind() != "lifetime")
                    .nth(1)
                    .map(|error| text_of(error, text).to_owned())
            });
            Some(Failure::Result { error })
        }
        "Option" => Some(Failure::Absent),
        _ => None,
    }
}

/// What panics in a node, when it is reached and not by a bug of the language's library.
fn panic_of(node: Node<'_>, text: &str) -> Option<String> {
    match node.kind() {
        "macro_invocation" => {
            let name = text_of(node.child_by_field_name("macro")?, text);
            let name = name.rsplit("::").next()?;
            matches!(
                name,
                "panic"
                    | "todo"
                    | "unimplemented"
                    | "unreachable"
                    | "assert"
                    | "assert_eq"
                    | "assert_ne"
            )
            .then(|| format!("{name}!"))
        }
        "call_expression" => {
            let function = node.child_by_field_name("function")?;
            let method = function.child_by_field_name("field")?;
            let name = text_of(method, text);
            matches!(name, "unwrap" | "expect" | "unwrap_err" | "expect_err")
                .then(|| name.to_owned())
        }
        _ => None,
    }
}
