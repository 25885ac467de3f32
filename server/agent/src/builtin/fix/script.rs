//! TypeScript and JavaScript: parts of imports, and declarations that nothing reads.

use std::collections::BTreeSet;

use pleach_grammars::Import;
use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::{Done, items, not_plain, removal};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source, children, range_of};

/// Takes names out of an import of which something stays.
pub(super) fn remove_names(
    source: &Source<'_>,
    import: &Import,
    names: &BTreeSet<usize>,
) -> Result<Vec<Replacement>, BuiltinRefusal> {
    let clause = source
        .node_at(import.range)
        .and_then(|statement| Nodes::below(statement).find(|node| node.kind() == "import_clause"));
    let Some(clause) = clause else {
        return Err(super::stale(source, import.range, "an import"));
    };
    let goes = |node: Node<'_>| {
        let range = range_of(node);
        let mut held = import
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| range.contains_range(name.range))
            .peekable();
        held.peek().is_some() && held.all(|(at, _)| names.contains(&at))
    };
    // `Default, { a, b }`: the parts of the clause, then the names of the part that stays.
    let without = |nodes: &[Node<'_>]| {
        let ranges: Vec<ByteRange> = nodes.iter().map(|node| range_of(*node)).collect();
        let gone: BTreeSet<usize> = (0..nodes.len())
            .filter(|at| nodes.get(*at).is_some_and(|node| goes(*node)))
            .collect();
        items::without(source, &ranges, &gone)
    };
    let parts = children(clause);
    let mut out = Vec::new();
    if parts.iter().any(|part| goes(*part)) {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return Ok(out);
        };
        // Two parts at most: what goes is the first or the last.
        out.push(if goes(*first) {
            Replacement::new(first.start_byte()..last.start_byte(), "")
        } else {
            Replacement::new(first.end_byte()..last.end_byte(), "")
        });
    }
    for part in parts
        .iter()
        .filter(|part| part.kind() == "named_imports" && !goes(**part))
    {
        out.extend(without(&children(*part)));
    }
    Ok(out)
}

/// Removes a variable that nothing reads; keeps what its declaration calls.
pub(super) fn variable(source: &Source<'_>, at: ByteRange) -> Result<Done, BuiltinRefusal> {
    let name = source.slice(at);
    let Some(node) = source.node_at(at) else {
        return Err(super::stale(source, at, "a variable"));
    };
    let Some(parent) = node.parent() else {
        return Err(super::stale(source, at, "a variable"));
    };
    super::only_mention(source, at)?;
    match parent.kind() {
        "variable_declarator" if parent.child_by_field_name("name") == Some(node) => {
            declarator(source, name, parent)
        }
        "object_pattern" => in_object_pattern(source, name, node),
        "pair_pattern" | "object_assignment_pattern" => in_object_pattern(source, name, parent),
        "array_pattern" => in_array_pattern(source, name, node),
        "catch_clause" => {
            let body = parent.child_by_field_name("body");
            let open = node.prev_sibling().filter(|sibling| sibling.kind() == "(");
            let (Some(open), Some(body)) = (open, body) else {
                return Err(not_plain(source, name, at));
            };
            Ok(Done {
                replacements: vec![Replacement::new(open.start_byte()..body.start_byte(), "")],
                said: format!("Removes the unused name `{name}` of the `catch`."),
            })
        }
        "required_parameter" | "optional_parameter" | "formal_parameters" | "rest_pattern"
        | "assignment_pattern" | "arrow_function" => Err(BuiltinRefusal::uncertain(
            format!("`{name}` is a parameter: removing it would change how the function is called"),
            format!("rename it to `_{name}` if it has to stay"),
        )),
        "function_declaration"
        | "class_declaration"
        | "interface_declaration"
        | "type_alias_declaration"
        | "enum_declaration"
        | "generator_function_declaration"
        | "abstract_class_declaration" => Err(BuiltinRefusal::needs_model(format!(
            "Judging whether `{name}`, which is no import or variable, can go"
        ))),
        _ => Err(not_plain(source, name, at)),
    }
}

/// Removes one declarator, with its statement when it is the only one.
fn declarator(
    source: &Source<'_>,
    name: &str,
    declarator: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let at = range_of(declarator);
    let declaration = declarator.parent();
    let Some(declaration) = declaration
        .filter(|node| matches!(node.kind(), "lexical_declaration" | "variable_declaration"))
    else {
        return Err(not_plain(source, name, at));
    };
    let place = declaration
        .parent()
        .map(|parent| parent.kind())
        .unwrap_or_default();
    if !matches!(
        place,
        "program" | "statement_block" | "switch_case" | "switch_default"
    ) {
        return Err(BuiltinRefusal::uncertain(
            format!("`{name}` belongs to a loop, or is exported"),
            "change it by hand",
        ));
    }
    let value = declarator.child_by_field_name("value");
    let pure = value.is_none_or(is_pure);
    let all: Vec<Node<'_>> = children(declaration)
        .into_iter()
        .filter(|node| node.kind() == "variable_declarator")
        .collect();
    let said = format!("Removes the unused variable `{name}`.");
    if all.len() > 1 {
        if !pure {
            return Err(BuiltinRefusal::uncertain(
                format!("what `{name}` is set to may do more than give a value"),
                "give it a statement of its own, or change it by hand",
            ));
        }
        let ranges: Vec<ByteRange> = all.iter().map(|node| range_of(*node)).collect();
        let gone: BTreeSet<usize> = (0..all.len())
            .filter(|index| all.get(*index) == Some(&declarator))
            .collect();
        return Ok(Done {
            replacements: items::without(source, &ranges, &gone),
            said,
        });
    }
    let Some(value) = value.filter(|_| !pure) else {
        return Ok(Done {
            replacements: removal::statement(source, range_of(declaration))?,
            said,
        });
    };
    keep_value(source, name, declaration, value)
}

/// `const x = call();` becomes `call();`.
fn keep_value(
    source: &Source<'_>,
    name: &str,
    declaration: Node<'_>,
    value: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let text = source.text_of(value);
    let first = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .unwrap_or_default();
    // Such a statement would mean something else, or go on with the one before.
    let misread = text.starts_with(['{', '[', '(', '`', '/', '+', '-'])
        || matches!(first, "function" | "class" | "let" | "async");
    if misread {
        return Err(BuiltinRefusal::uncertain(
            format!("what `{name}` is set to cannot stand as a statement"),
            "change it by hand",
        ));
    }
    let shown: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(40)
        .collect();
    Ok(Done {
        replacements: vec![Replacement::new(
            declaration.start_byte()..value.start_byte(),
            "",
        )],
        said: format!("Removes the unused variable `{name}`; `{shown}` is still evaluated."),
    })
}

/// `const { a, b } = …` without `a`.
fn in_object_pattern(
    source: &Source<'_>,
    name: &str,
    item: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let at = range_of(item);
    let Some(pattern) = item.parent().filter(|node| node.kind() == "object_pattern") else {
        return Err(not_plain(source, name, at));
    };
    let items = children(pattern);
    if items.iter().any(|item| item.kind() == "rest_pattern") {
        return Err(BuiltinRefusal::uncertain(
            format!("without `{name}` the rest of the object would hold it"),
            format!("write `{name}: _{name}` by hand"),
        ));
    }
    let default = item.child_by_field_name("right");
    if default.is_some_and(|default| !is_pure(default)) {
        return Err(BuiltinRefusal::uncertain(
            format!("the default of `{name}` may do more than give a value"),
            "change it by hand",
        ));
    }
    if items.len() == 1 {
        return match pattern
            .parent()
            .filter(|node| node.kind() == "variable_declarator")
        {
            Some(parent) => declarator(source, name, parent),
            None => Err(not_plain(source, name, at)),
        };
    }
    let ranges: Vec<ByteRange> = items.iter().map(|item| range_of(*item)).collect();
    let gone = (0..items.len())
        .filter(|index| items.get(*index) == Some(&item))
        .collect();
    Ok(Done {
        replacements: items::without(source, &ranges, &gone),
        said: format!("Removes the unused variable `{name}`."),
    })
}

/// `const [a, b] = …` without `a`: its place stays empty.
fn in_array_pattern(
    source: &Source<'_>,
    name: &str,
    item: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let at = range_of(item);
    let Some(pattern) = item.parent() else {
        return Err(not_plain(source, name, at));
    };
    let items = children(pattern);
    let said = format!("Removes the unused variable `{name}`.");
    if items.len() == 1 && !source.text_of(pattern).contains(',') {
        return match pattern
            .parent()
            .filter(|node| node.kind() == "variable_declarator")
        {
            Some(parent) => declarator(source, name, parent),
            None => Err(not_plain(source, name, at)),
        };
    }
    let is_last = items.last() == Some(&item);
    let comma = item
        .prev_sibling()
        .filter(|before| before.kind() == "," && is_last);
    let before_comma = comma.and_then(|comma| comma.prev_sibling());
    // `[a, , b]` keeps its empty place: only a comma directly behind another item can go.
    let start = match (comma, before_comma) {
        (Some(_), Some(before)) if before.is_named() => ByteOffset(before.end_byte()),
        _ => at.start,
    };
    Ok(Done {
        replacements: vec![Replacement::new(ByteRange::new(start, at.end), "")],
        said,
    })
}

/// Whether evaluating an expression does nothing but give its value.
fn is_pure(value: Node<'_>) -> bool {
    let mut todo = vec![value];
    while let Some(node) = todo.pop() {
        match node.kind() {
            "number"
            | "string"
            | "true"
            | "false"
            | "null"
            | "undefined"
            | "identifier"
            | "regex"
            | "arrow_function"
            | "function_expression"
            | "this"
            | "generator_function"
            | "property_identifier"
            | "shorthand_property_identifier" => {}
            "template_string" => {
                if children(node)
                    .iter()
                    .any(|child| child.kind() == "template_substitution")
                {
                    return false;
                }
            }
            "array" | "object" | "pair" | "parenthesized_expression" => todo.extend(children(node)),
            "as_expression" | "satisfies_expression" | "non_null_expression" => {
                todo.extend(node.named_child(0));
            }
            "unary_expression" => {
                // `delete x.y` and `void call()` do something.
                let operator = node.child_by_field_name("operator").map(|node| node.kind());
                if operator == Some("delete") {
                    return false;
                }
                todo.extend(node.child_by_field_name("argument"));
            }
            _ => return false,
        }
    }
    true
}
