//! Python: parts of imports, and assignments that nothing reads.

use std::collections::BTreeSet;

use pleach_grammars::Import;
use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::{Done, items, removal};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Source, children, range_of, upwards};

/// Refuses where removing an import may change more than the import.
pub(super) fn may_remove(
    source: &Source<'_>,
    import: &Import,
    whole: bool,
) -> Result<(), BuiltinRefusal> {
    let line = source.line_number(import.range.start);
    if source.path.rsplit('/').next() == Some("__init__.py") {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "the import in line {line} of `__init__.py` may be what others import from here"
            ),
            "remove it by hand, or name it in __all__",
        ));
    }
    if source.slice(import.range).starts_with("from __future__") {
        return Err(BuiltinRefusal::uncertain(
            format!("line {line} changes how the file is read"),
            "remove it by hand if you are sure",
        ));
    }
    let block = source.node_at(import.range).and_then(|node| node.parent());
    let tried = block
        .and_then(|block| block.parent())
        .is_some_and(|parent| matches!(parent.kind(), "try_statement" | "except_clause"));
    if tried && whole {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "the import in line {line} stands in a `try` and may only test whether it is there"
            ),
            "remove it by hand, or use importlib.util.find_spec",
        ));
    }
    Ok(())
}

/// Takes names out of an import of which something stays.
pub(super) fn remove_names(
    source: &Source<'_>,
    import: &Import,
    names: &BTreeSet<usize>,
) -> Result<Vec<Replacement>, BuiltinRefusal> {
    let ranges: Vec<ByteRange> = import.names.iter().map(|name| name.range).collect();
    if source.slice(import.range).contains("\\\n") || source.slice(import.range).contains("\\\r") {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "the import in line {} goes on after a backslash",
                source.line_number(import.range.start)
            ),
            "put its names in parentheses first",
        ));
    }
    Ok(items::without(source, &ranges, names))
}

/// Removes an assignment whose target nothing reads; keeps what it calls.
pub(super) fn variable(source: &Source<'_>, at: ByteRange) -> Result<Done, BuiltinRefusal> {
    let name = source.slice(at);
    let refuse = |why: &str| {
        Err(BuiltinRefusal::uncertain(
            format!("`{name}` in line {} {why}", source.line_number(at.start)),
            "change it by hand",
        ))
    };
    let Some(node) = source.node_at(at) else {
        return Err(super::stale(source, at, "a variable"));
    };
    let Some(parent) = node.parent() else {
        return refuse("stands alone");
    };
    match parent.kind() {
        "assignment" if parent.child_by_field_name("left") == Some(node) => {
            assignment(source, name, parent)
        }
        // `with open(path) as file:`, `except Error as error:`
        "as_pattern_target" => {
            let Some(pattern) = parent.parent().filter(|node| node.kind() == "as_pattern") else {
                return refuse("is bound in a way that is not known here");
            };
            let Some(value) = pattern.named_child(0) else {
                return refuse("has no value");
            };
            Ok(Done {
                replacements: vec![Replacement::new(value.end_byte()..pattern.end_byte(), "")],
                said: format!("Removes the unused name `{name}`."),
            })
        }
        "pattern_list" | "tuple_pattern" | "for_statement" | "for_in_clause"
            if !name.starts_with('_') && is_target(node) =>
        {
            if removal::mentions(source.text, &format!("_{name}")) {
                return refuse(&format!("cannot become `_{name}`, which is there already"));
            }
            super::only_mention(source, at)?;
            Ok(Done {
                replacements: vec![Replacement::new(ByteRange::empty(at.start), "_")],
                said: format!("Renames the unused variable `{name}` to `_{name}`."),
            })
        }
        "parameters"
        | "default_parameter"
        | "typed_parameter"
        | "typed_default_parameter"
        | "lambda_parameters" => {
            refuse("is a parameter: removing it would change how the function is called")
        }
        _ => refuse("is not a plain variable"),
    }
}

/// Whether a name in a pattern is what an assignment or a loop binds.
fn is_target(node: Node<'_>) -> bool {
    let mut inner = node;
    for outer in upwards(node).skip(1) {
        match outer.kind() {
            "pattern_list" | "tuple_pattern" | "list_pattern" => inner = outer,
            "for_statement" | "for_in_clause" | "assignment" => {
                return outer.child_by_field_name("left") == Some(inner);
            }
            _ => return false,
        }
    }
    false
}

fn assignment(
    source: &Source<'_>,
    name: &str,
    assignment: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let whole = range_of(assignment);
    let statement = assignment
        .parent()
        .filter(|parent| parent.kind() == "expression_statement");
    let alone = statement.is_some_and(|statement| children(statement).len() == 1);
    let Some(value) = assignment.child_by_field_name("right") else {
        // `x: int` only says a type.
        return Ok(Done {
            replacements: removal::statement(source, whole)?,
            said: format!("Removes the unused variable `{name}`."),
        });
    };
    if !is_pure(value) || !alone {
        let value_text = shortened(source.text_of(value));
        return Ok(Done {
            replacements: vec![Replacement::new(
                ByteRange::new(whole.start, ByteOffset(value.start_byte())),
                "",
            )],
            said: format!(
                "Removes the unused variable `{name}`; `{value_text}` is still evaluated."
            ),
        });
    }
    Ok(Done {
        replacements: removal::statement(source, whole)?,
        said: format!("Removes the unused variable `{name}`."),
    })
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= 40 && line.len() == text.len() {
        return line.to_owned();
    }
    let kept: String = line.chars().take(39).collect();
    format!("{}…", kept.trim_end())
}

/// Whether evaluating an expression does nothing but give its value.
fn is_pure(value: Node<'_>) -> bool {
    let mut todo = vec![value];
    while let Some(node) = todo.pop() {
        match node.kind() {
            "integer" | "float" | "true" | "false" | "none" | "identifier" | "lambda"
            | "ellipsis" => {}
            "string" => {
                let mut cursor = node.walk();
                if node
                    .children(&mut cursor)
                    .any(|child| child.kind() == "interpolation")
                {
                    return false;
                }
            }
            "list"
            | "tuple"
            | "dictionary"
            | "set"
            | "pair"
            | "parenthesized_expression"
            | "concatenated_string"
            | "not_operator"
            | "expression_list" => {
                todo.extend(children(node));
            }
            "unary_operator" => todo.extend(node.child_by_field_name("argument")),
            _ => return false,
        }
    }
    true
}
