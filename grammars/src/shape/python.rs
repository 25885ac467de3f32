//! Python.

use tree_sitter::Node;

use super::{Failure, FunctionShape, Parameter, ParameterKind, field_text, push_once};
use crate::walk::{Preorder, child_of_kind, range_of, text_of};

pub(super) fn shape(function: Node<'_>, path: &[Node<'_>], text: &str) -> FunctionShape {
    let mut shape = FunctionShape {
        returns: field_text(function, "return_type", text),
        is_async: child_of_kind(function, "async").is_some(),
        ..FunctionShape::default()
    };
    let mut seen = Seen::default();
    if let Some(body) = function.child_by_field_name("body") {
        look_into(body, text, &mut shape.failures, &mut seen);
    }
    shape.is_generator = seen.yields;
    shape.gives_value = match shape.returns.as_deref() {
        Some(returns) => !matches!(returns, "None" | "NoReturn" | "Never" | "typing.NoReturn"),
        None => seen.returns_value || seen.yields,
    };
    if let Some(parameters) = function.child_by_field_name("parameters") {
        read_parameters(parameters, text, &mut shape);
    }
    if let Some(list) = function.child_by_field_name("type_parameters") {
        let mut cursor = list.walk();
        for child in list.named_children(&mut cursor) {
            let name = text_of(child, text)
                .split([':', '='])
                .next()
                .unwrap_or("")
                .trim();
            shape
                .type_parameters
                .push(name.trim_start_matches('*').to_owned());
        }
    }
    if is_bound_method(function, path, text)
        && shape
            .parameters
            .first()
            .is_some_and(|first| first.kind == ParameterKind::Plain)
    {
        shape.receiver = Some(shape.parameters.remove(0));
    }
    shape
}

/// Whether its first parameter is what it is called on.
fn is_bound_method(function: Node<'_>, path: &[Node<'_>], text: &str) -> bool {
    let Some(index) = path.iter().position(|node| *node == function) else {
        return false;
    };
    let mut above = path.get(..index).unwrap_or(&[]).iter().rev();
    let mut next = above.next();
    if let Some(decorated) = next.filter(|node| node.kind() == "decorated_definition") {
        let mut cursor = decorated.walk();
        let is_static = decorated.named_children(&mut cursor).any(|child| {
            child.kind() == "decorator"
                && text_of(child, text).trim_start_matches(['@', ' ']) == "staticmethod"
        });
        if is_static {
            return false;
        }
        next = above.next();
    }
    next.is_some_and(|block| block.kind() == "block")
        && above
            .next()
            .is_some_and(|class| class.kind() == "class_definition")
}

fn read_parameters(parameters: Node<'_>, text: &str, shape: &mut FunctionShape) {
    let mut kind = ParameterKind::Plain;
    let mut cursor = parameters.walk();
    for child in parameters.named_children(&mut cursor) {
        let (name, passed) = match child.kind() {
            "keyword_separator" => {
                kind = ParameterKind::KeywordOnly;
                continue;
            }
            "identifier" | "tuple_pattern" => (child, kind),
            "default_parameter" | "typed_default_parameter" => {
                let Some(name) = child.child_by_field_name("name") else {
                    continue;
                };
                (name, kind)
            }
            "typed_parameter" => {
                let Some(name) = child.named_child(0) else {
                    continue;
                };
                unsplat(name, kind)
            }
            "list_splat_pattern" | "dictionary_splat_pattern" => unsplat(child, kind),
            _ => continue,
        };
        if passed == ParameterKind::Rest {
            kind = ParameterKind::KeywordOnly;
        }
        let default = field_text(child, "value", text);
        shape.parameters.push(Parameter {
            name: text_of(name, text).to_owned(),
            range: range_of(child),
            type_text: field_text(child, "type", text),
            is_optional: default.is_some(),
            default,
            kind: passed,
            is_pattern: name.kind() != "identifier",
        });
    }
}

fn unsplat(node: Node<'_>, kind: ParameterKind) -> (Node<'_>, ParameterKind) {
    let kind = match node.kind() {
        "list_splat_pattern" => ParameterKind::Rest,
        "dictionary_splat_pattern" => ParameterKind::KeywordRest,
        _ => return (node, kind),
    };
    (node.named_child(0).unwrap_or(node), kind)
}

#[derive(Default)]
struct Seen {
    returns_value: bool,
    yields: bool,
}

/// Finds what the body raises and gives back, without what functions in it do.
fn look_into(body: Node<'_>, text: &str, failures: &mut Vec<Failure>, seen: &mut Seen) {
    let mut walk = Preorder::new(body);
    // What surrounding `try` statements catch: how deep, until which byte, and which names.
    let mut caught: Vec<(usize, Vec<&str>)> = Vec::new();
    loop {
        let node = walk.node();
        while caught
            .last()
            .is_some_and(|(until, _)| *until <= node.start_byte())
        {
            caught.pop();
        }
        let mut descend = true;
        match node.kind() {
            "function_definition" | "lambda" | "class_definition" => descend = false,
            "return_statement" => seen.returns_value |= node.named_child_count() > 0,
            "yield" => seen.yields = true,
            "try_statement" => {
                if let Some(guarded) = node.child_by_field_name("body") {
                    caught.push((guarded.end_byte(), names_caught(node, text)));
                }
            }
            "raise_statement" => {
                let what = raised(node, text);
                let is_caught = caught.iter().any(|(_, names)| {
                    names.iter().any(|name| {
                        matches!(*name, "" | "Exception" | "BaseException")
                            || Some(*name) == what.as_deref()
                    })
                });
                if !is_caught {
                    push_once(
                        failures,
                        Failure::Raise {
                            what,
                            range: range_of(node),
                        },
                    );
                }
            }
            _ => {}
        }
        if !walk.advance(descend) {
            return;
        }
    }
}

/// `ValueError` of `raise ValueError("…") from error`.
fn raised(statement: Node<'_>, text: &str) -> Option<String> {
    let mut raised = statement.named_child(0)?;
    if Some(raised) == statement.child_by_field_name("cause") {
        return None;
    }
    if raised.kind() == "call" {
        raised = raised.child_by_field_name("function")?;
    }
    matches!(raised.kind(), "identifier" | "attribute").then(|| text_of(raised, text).to_owned())
}

/// What the handlers of a `try` catch; an empty name stands for a bare `except:`.
fn names_caught<'a>(statement: Node<'_>, text: &'a str) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut cursor = statement.walk();
    for clause in statement
        .named_children(&mut cursor)
        .filter(|node| node.kind() == "except_clause")
    {
        let Some(value) = clause.child_by_field_name("value") else {
            names.push("");
            continue;
        };
        let value = if value.kind() == "as_pattern" {
            value.named_child(0).unwrap_or(value)
        } else {
            value
        };
        if value.kind() == "tuple" {
            let mut inner = value.walk();
            names.extend(
                value
                    .named_children(&mut inner)
                    .map(|name| text_of(name, text)),
            );
        } else {
            names.push(text_of(value, text));
        }
    }
    names
}
