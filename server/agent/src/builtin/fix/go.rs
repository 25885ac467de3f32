//! Go: lines of imports, and variables that nothing reads.

use std::collections::BTreeSet;

use pleach_grammars::{Import, bindings};
use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::{Done, items, not_plain, removal};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Source, children, range_of};

/// Takes lines out of an import of which some stay.
pub(super) fn remove_names(
    source: &Source<'_>,
    import: &Import,
    names: &BTreeSet<usize>,
) -> Result<Vec<Replacement>, BuiltinRefusal> {
    let mut out: Vec<Replacement> = Vec::new();
    for name in names.iter().filter_map(|at| import.names.get(*at)) {
        let range = name.range;
        if !source.begins_line(range.start) || !items::ends_line(source, range.end) {
            return Err(BuiltinRefusal::uncertain(
                format!(
                    "the import in line {} shares its line with others",
                    source.line_number(range.start)
                ),
                "run gofmt first",
            ));
        }
        let next = removal::lines(source, range);
        match out.last_mut() {
            // Of neighbours each may have wanted the blank line between them.
            Some(last) if last.delete.end >= next.delete.start => {
                last.delete.end = last.delete.end.max(next.delete.end);
            }
            _ => out.push(next),
        }
    }
    Ok(out)
}

/// Removes a variable that nothing reads, or puts the blank name in its place.
pub(super) fn variable(source: &Source<'_>, at: ByteRange) -> Result<Done, BuiltinRefusal> {
    let name = source.slice(at);
    let Some(node) = source.node_at(at) else {
        return Err(super::stale(source, at, "a variable"));
    };
    super::only_mention(source, at)?;
    let Some(parent) = node.parent() else {
        return Err(not_plain(source, name, at));
    };
    match parent.kind() {
        "expression_list" => {
            let Some(outer) = parent.parent() else {
                return Err(not_plain(source, name, at));
            };
            let is_left = outer.child_by_field_name("left") == Some(parent);
            match outer.kind() {
                "short_var_declaration" if is_left => {
                    declaration(source, name, node, parent, outer)
                }
                "range_clause" if is_left => range_clause(source, name, node, parent),
                // `switch x := value.(type)`
                "type_switch_statement" => {
                    let value = outer.child_by_field_name("value");
                    let Some(value) = value else {
                        return Err(not_plain(source, name, at));
                    };
                    Ok(Done {
                        replacements: vec![Replacement::new(
                            parent.start_byte()..value.start_byte(),
                            "",
                        )],
                        said: removed(name),
                    })
                }
                _ => Err(not_plain(source, name, at)),
            }
        }
        "var_spec" => var_spec(source, name, node, parent),
        _ => Err(not_plain(source, name, at)),
    }
}

fn removed(name: &str) -> String {
    format!("Removes the unused variable `{name}`.")
}

fn kept(name: &str) -> String {
    format!("Removes the unused variable `{name}`; what it was set to is still evaluated.")
}

/// `x := …`, `x, err := …`.
fn declaration(
    source: &Source<'_>,
    name: &str,
    node: Node<'_>,
    left: Node<'_>,
    statement: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let at = range_of(node);
    let names = children(left);
    let value = statement
        .child_by_field_name("right")
        .map(children)
        .unwrap_or_default();
    let in_block = statement.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            "block" | "statement_list" | "expression_case" | "default_case"
        )
    });
    if names.len() == 1 && in_block && value.iter().all(|value| is_pure(*value)) {
        return Ok(Done {
            replacements: removal::statement(source, range_of(statement))?,
            said: removed(name),
        });
    }
    let operator = {
        let mut cursor = statement.walk();
        statement
            .children(&mut cursor)
            .find(|child| child.kind() == ":=")
            .map(range_of)
    };
    let Some(operator) = operator else {
        return Err(not_plain(source, name, at));
    };
    let mut replacements = vec![Replacement::new(at, "_")];
    let mut declares = false;
    for other in names.iter().filter(|other| **other != node) {
        let range = range_of(*other);
        if source.text_of(*other) == "_" {
            continue;
        }
        let binding = bindings(&source.syntax, source.text, range.start);
        let Some(binding) = binding else {
            return Err(not_plain(source, name, at));
        };
        declares |= binding.definition == Some(range);
    }
    // Without a new name on its left, `:=` is an error.
    if !declares {
        replacements.push(Replacement::new(operator, "="));
    }
    Ok(Done {
        replacements,
        said: kept(name),
    })
}

/// `for i, x := range …`.
fn range_clause(
    source: &Source<'_>,
    name: &str,
    node: Node<'_>,
    left: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let names = children(left);
    let is_blank = |node: &Node<'_>| source.text_of(*node) == "_";
    let said = removed(name);
    let one = |replacement| {
        Ok(Done {
            replacements: vec![replacement],
            said: said.clone(),
        })
    };
    match names.as_slice() {
        [first, second] if *second == node && !is_blank(first) => {
            one(Replacement::new(first.end_byte()..second.end_byte(), ""))
        }
        [first, second] if *first == node && !is_blank(second) => {
            one(Replacement::new(range_of(*first), "_"))
        }
        [..] => {
            // `for range items`
            let rest = source.text.get(left.end_byte()..).unwrap_or_default();
            let keyword = rest.find("range").map(|at| left.end_byte() + at);
            match keyword {
                Some(keyword) => one(Replacement::new(left.start_byte()..keyword, "")),
                None => Err(not_plain(source, name, range_of(node))),
            }
        }
    }
}

/// `var x int`, `var x, y = …`.
fn var_spec(
    source: &Source<'_>,
    name: &str,
    node: Node<'_>,
    spec: Node<'_>,
) -> Result<Done, BuiltinRefusal> {
    let mut cursor = spec.walk();
    let names: Vec<Node<'_>> = spec
        .children_by_field_name("name", &mut cursor)
        .filter(Node::is_named)
        .collect();
    let value = spec.child_by_field_name("value");
    let pure = value.is_none_or(|value| children(value).iter().all(|value| is_pure(*value)));
    match (names.len(), value) {
        (1, _) if pure => {
            let declaration = std::iter::successors(spec.parent(), Node::parent)
                .find(|node| node.kind() == "var_declaration");
            let Some(declaration) = declaration else {
                return Err(not_plain(source, name, range_of(node)));
            };
            let mut specs = children(declaration);
            if let [list] = specs.as_slice()
                && list.kind() == "var_spec_list"
            {
                specs = children(*list);
            }
            let replacements = if specs.len() == 1 {
                removal::statement(source, range_of(declaration))?
            } else if source.begins_line(ByteOffset(spec.start_byte())) {
                vec![removal::lines(source, range_of(spec))]
            } else {
                return Err(not_plain(source, name, range_of(node)));
            };
            Ok(Done {
                replacements,
                said: removed(name),
            })
        }
        (_, None) => {
            let ranges: Vec<ByteRange> = names.iter().map(|name| range_of(*name)).collect();
            let gone = (0..names.len())
                .filter(|at| names.get(*at) == Some(&node))
                .collect();
            Ok(Done {
                replacements: items::without(source, &ranges, &gone),
                said: removed(name),
            })
        }
        (_, Some(_)) => Ok(Done {
            replacements: vec![Replacement::new(range_of(node), "_")],
            said: kept(name),
        }),
    }
}

/// Whether evaluating an expression does nothing but give its value.
fn is_pure(value: Node<'_>) -> bool {
    let mut todo = vec![value];
    while let Some(node) = todo.pop() {
        match node.kind() {
            "int_literal"
            | "float_literal"
            | "imaginary_literal"
            | "rune_literal"
            | "true"
            | "false"
            | "nil"
            | "interpreted_string_literal"
            | "raw_string_literal"
            | "identifier"
            | "func_literal"
            | "field_identifier" => {}
            "composite_literal" => todo.extend(node.child_by_field_name("body")),
            "literal_value" | "literal_element" | "keyed_element" | "parenthesized_expression" => {
                todo.extend(children(node));
            }
            "unary_expression" => {
                // `<-channel` waits.
                if node
                    .child_by_field_name("operator")
                    .is_some_and(|node| node.kind() == "<-")
                {
                    return false;
                }
                todo.extend(node.child_by_field_name("operand"));
            }
            _ => return false,
        }
    }
    true
}
