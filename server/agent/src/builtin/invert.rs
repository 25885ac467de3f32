//! Turning an `if` round: the condition is negated, and its two branches change places.

use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::reply::Draft;
use super::source::{Family, Nodes, Source, around, children, range_of};
use super::{BuiltinRefusal, Outcome};

/// The innermost `if` around a place.
fn choice_around(root: Node<'_>, at: usize) -> Option<Node<'_>> {
    let path = around(root, at);
    path.into_iter()
        .rev()
        .find(|it| matches!(it.kind(), "if_statement" | "if_expression"))
}

/// Whether an `if` with an `else` begins in the line of a place, as far as a glance tells.
pub(super) fn has_target(root: Node<'_>, at: usize, line: usize) -> bool {
    choice_around(root, at).is_some_and(|it| {
        it.start_position().row == line && it.child_by_field_name("alternative").is_some()
    })
}

/// Turns the innermost `if` around a place round.
pub(super) fn invert(source: &Source<'_>, range: ByteRange) -> Result<Outcome, BuiltinRefusal> {
    let at = source.meant(range.start);
    let found = choice_around(source.syntax.root(), at.0);
    let Some(choice) = found else {
        return Err(BuiltinRefusal::not_here(
            format!("{} is in no `if`", super::line_of(source, at)),
            "put the cursor on the `if`",
        ));
    };
    let line = source.line_number(ByteOffset(choice.start_byte()));
    let no = |why: &str| {
        BuiltinRefusal::uncertain(
            format!("the `if` in line {line} is not turned round: {why}"),
            "change it by hand, or ask a model",
        )
    };
    if choice.has_error() {
        return Err(no("it is broken"));
    }
    let part = |field: &str| choice.child_by_field_name(field);
    let (Some(condition), Some(first)) = (part("condition"), part("consequence")) else {
        return Err(no("it has no plain condition"));
    };
    let mut cursor = choice.walk();
    let others: Vec<Node<'_>> = choice
        .children_by_field_name("alternative", &mut cursor)
        .filter(Node::is_named)
        .collect();
    let [other] = others.as_slice() else {
        return Err(no("it needs one `else`"));
    };
    let second = match other.kind() {
        "else_clause" => {
            let body = other.child_by_field_name("body");
            body.or_else(|| children(*other).into_iter().next())
        }
        "elif_clause" => None,
        _ => Some(*other),
    };
    let second = second.filter(|it| !matches!(it.kind(), "if_statement" | "if_expression"));
    let second = second.ok_or_else(|| no("it goes on with another `if`"))?;
    // A comment between the branches would go with the wrong one.
    let mut cursor = choice.walk();
    let has_comment = choice.children(&mut cursor).any(|it| it.is_extra());
    let mut cursor = other.walk();
    if has_comment
        || other.id() != second.id() && other.children(&mut cursor).any(|it| it.is_extra())
    {
        return Err(no("a comment stands between its parts"));
    }
    if source.family == Family::Python {
        whole_lines(source, choice, first, second).map_err(no)?;
    }
    let blocks = [first, second].map(|it| it.kind().contains("block"));
    if blocks.contains(&false) {
        return Err(no("its branches are to be blocks"));
    }
    let negated = negated(source, condition).map_err(no)?;
    let replacements = vec![
        Replacement::new(condition.byte_range(), negated.as_str()),
        Replacement::new(first.byte_range(), source.text_of(second)),
        Replacement::new(second.byte_range(), source.text_of(first)),
    ];
    Ok(Outcome {
        summary: format!("Turns the `if` in line {line} round."),
        drafts: vec![Draft::edit(source.path, source.text, replacements)?],
    })
}

/// Python: both branches stand in lines of their own, and no comment at their ends would stay behind.
fn whole_lines(
    source: &Source<'_>,
    choice: Node<'_>,
    first: Node<'_>,
    second: Node<'_>,
) -> Result<(), &'static str> {
    let is_alone = |block: Node<'_>| source.begins_line(ByteOffset(block.start_byte()));
    if !is_alone(first) || !is_alone(second) {
        return Err("a branch stands in the line of its head");
    }
    // What a branch ends with is not always told from what follows it.
    let between = source.slice(ByteRange::new(range_of(first).end, range_of(second).start));
    let rest = source.text.get(choice.end_byte()..).unwrap_or_default();
    let mut lines = rest.lines();
    let line = lines.next().unwrap_or_default();
    let next = lines
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let is_told = next.trim_start().starts_with('#') && next.starts_with([' ', '\t']);
    if between.contains('#') || line.contains('#') || is_told {
        return Err("a comment stands at the end of a branch");
    }
    Ok(())
}

/// The negation of a condition, as short as is certain.
fn negated(source: &Source<'_>, condition: Node<'_>) -> Result<String, &'static str> {
    let text = source.text_of(condition);
    if text.contains("//")
        || text.contains("/*")
        || source.family == Family::Python && text.contains('#')
    {
        return Err("a comment stands in its condition");
    }
    match source.family {
        Family::Rust if condition.kind().starts_with("let_") => Err("it takes apart a pattern"),
        // `if (…)`: the parentheses belong to the `if`.
        Family::Script => {
            let inner = children(condition);
            match inner.as_slice() {
                [only] => Ok(format!("({})", opposite(source, *only)?)),
                _ => Err("its condition is not understood"),
            }
        }
        _ => opposite(source, condition),
    }
}

/// Whether a condition would not be read to its end without its parentheses: `a == T{1} {` opens a block
/// too early, and a line of Python ends where it breaks.
fn needs_parentheses(source: &Source<'_>, inner: Node<'_>) -> bool {
    let has_literal = || {
        Nodes::below(inner).any(|it| matches!(it.kind(), "struct_expression" | "composite_literal"))
    };
    match source.family {
        Family::Python => source.text_of(inner).contains('\n'),
        _ => has_literal(),
    }
}

fn opposite(source: &Source<'_>, condition: Node<'_>) -> Result<String, &'static str> {
    let text = source.text_of(condition);
    let is_python = source.family == Family::Python;
    let not = |text: &str| {
        if is_python {
            format!("not {text}")
        } else {
            format!("!{text}")
        }
    };
    let is_negated = condition
        .child(0)
        .is_some_and(|it| matches!(it.kind(), "!" | "not"));
    if is_negated && let Some(inner) = children(condition).first() {
        let text = source.text_of(*inner);
        let bare = text.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
        let is_bare =
            inner.kind() == "parenthesized_expression" && !needs_parentheses(source, *inner);
        let bare = bare.filter(|_| is_bare).map(str::trim);
        return Ok(bare.unwrap_or(text).to_owned());
    }
    // Of two that are not in order neither is the smaller, so only these have an opposite of their own.
    let pairs = [("===", "!=="), ("!==", "==="), ("==", "!="), ("!=", "==")];
    if let (Some(left), Some(right), false) = (
        condition.child_by_field_name("left"),
        condition.child_by_field_name("right"),
        is_python,
    ) && condition.kind() == "binary_expression"
    {
        let between = ByteRange::new(range_of(left).end, range_of(right).start);
        let operator = source.slice(between);
        if let Some((is, other)) = pairs.iter().find(|(is, _)| operator.trim() == *is) {
            let turned = operator.replace(is, other);
            return Ok(format!(
                "{}{turned}{}",
                source.text_of(left),
                source.text_of(right)
            ));
        }
        return Ok(not(&format!("({text})")));
    }
    let is_simple = matches!(
        condition.kind(),
        "identifier"
            | "call_expression"
            | "call"
            | "field_expression"
            | "member_expression"
            | "attribute"
            | "selector_expression"
            | "parenthesized_expression"
            | "boolean_literal"
            | "true"
            | "false"
            | "self"
            | "subscript"
            | "subscript_expression"
            | "index_expression"
            | "macro_invocation"
    );
    let is_let = condition.kind().starts_with("let_") || text.contains("let ");
    if source.family == Family::Rust && is_let {
        return Err("it takes apart a pattern");
    }
    if is_simple || is_python && condition.kind() == "comparison_operator" {
        return Ok(not(text));
    }
    Ok(not(&format!("({text})")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pleach_edit::{EditRequest, propose};
    use pleach_grammars::Language::{self, Go, Python, Rust, TypeScript};

    use super::*;

    fn turned(language: Language, text: &str) -> Result<String, String> {
        let source = Source::read("a.x", Some(language), text).unwrap();
        let at = text.find("if ").unwrap_or_default();
        let outcome = invert(&source, ByteRange::empty(ByteOffset(at)));
        let reply = outcome.map_err(|it| it.to_string())?.into_answer().reply;
        let name = format!("a.{}", language.extensions().first().unwrap());
        let files = std::collections::BTreeMap::from([(name.clone(), text.to_owned())]);
        let reply = reply.replace("a.x\n", &format!("{name}\n"));
        let proposal = propose(&EditRequest::new(&reply, &files)).map_err(|it| it.to_string())?;
        Ok(proposal.after(&name).unwrap())
    }

    #[test]
    fn branches_change_places_under_the_opposite_condition() {
        for (language, text, wanted) in [
            (
                Rust,
                "fn f() {\n    if a == b {\n        g();\n    } else {\n        // no\n        h();\n    }\n}\n",
                "fn f() {\n    if a != b {\n        // no\n        h();\n    } else {\n        g();\n    }\n}\n",
            ),
            (
                Rust,
                "fn f() -> u8 { if a < b { 1 } else { 2 } }\n",
                "fn f() -> u8 { if !(a < b) { 2 } else { 1 } }\n",
            ),
            (
                Rust,
                "fn f() { if !a.b() { g() } else { h() } }\n",
                "fn f() { if a.b() { h() } else { g() } }\n",
            ),
            (
                TypeScript,
                "if (a === 1) {\n  b();\n} else {\n  c();\n}\n",
                "if (a !== 1) {\n  c();\n} else {\n  b();\n}\n",
            ),
            (
                TypeScript,
                "if (!(a && b)) { c(); } else { d(); }\n",
                "if (a && b) { d(); } else { c(); }\n",
            ),
            (
                Go,
                "package a\n\nfunc f() {\n\tif a && b {\n\t\tg()\n\t} else {\n\t\th()\n\t}\n}\n",
                "package a\n\nfunc f() {\n\tif !(a && b) {\n\t\th()\n\t} else {\n\t\tg()\n\t}\n}\n",
            ),
            (
                Rust,
                "fn f() { if !(a == B { c: 1 }) { g() } else { h() } }\n",
                "fn f() { if (a == B { c: 1 }) { h() } else { g() } }\n",
            ),
            (
                Python,
                "if not (a\n        and b):\n    c()\nelse:\n    d()\n",
                "if (a\n        and b):\n    d()\nelse:\n    c()\n",
            ),
            (
                Python,
                "if a in b:\n    c()\nelse:\n    d()\n    e()\n",
                "if not a in b:\n    d()\n    e()\nelse:\n    c()\n",
            ),
            (
                Python,
                "if a and b:\n    c()\nelse:\n    d()\n",
                "if not (a and b):\n    d()\nelse:\n    c()\n",
            ),
        ] {
            assert_eq!(turned(language, text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_refused() {
        for (language, text, why) in [
            (Rust, "fn f() { if a { g() } }\n", "one `else`"),
            (
                Rust,
                "fn f() { if let Some(x) = a { x } else { b } }\n",
                "pattern",
            ),
            (
                Rust,
                "fn f() { if a { g() } else if b { h() } }\n",
                "another `if`",
            ),
            (
                Rust,
                "fn f() { if a { g() } /* so */ else { h() } }\n",
                "comment",
            ),
            (TypeScript, "if (a) b(); else c();\n", "blocks"),
            (Python, "if a:\n    b()\n# so\nelse:\n    c()\n", "comment"),
            (Python, "if a: b()\nelse: c()\n", "line of its head"),
            (
                Python,
                "if a:\n    b()\nelif c:\n    d()\nelse:\n    e()\n",
                "else",
            ),
        ] {
            let refused = turned(language, text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
