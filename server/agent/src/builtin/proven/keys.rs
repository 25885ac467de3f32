//! Keys and cases that stand twice.

use std::collections::BTreeMap;

use pleach_grammars::Language;
use tree_sitter::Node;

use super::{File, Proven};
use crate::builtin::source::{Nodes, children, range_of};
use crate::findings::FindingSeverity;

/// Finds what stands twice in a literal or a choice.
pub(super) fn repeated(file: &File<'_>, node: Node<'_>, found: &mut Vec<Proven>) {
    if node.has_error() {
        return;
    }
    match (file.language, node.kind()) {
        (Language::Python, "dictionary") | (_, "object") => keys(file, node, found),
        (_, "switch_body" | "expression_switch_statement" | "switch_block" | "match_block")
        | (Language::Python, "block") => cases(file, node, found),
        _ => {}
    }
}

/// Keys of a literal of an object or a dictionary.
fn keys(file: &File<'_>, literal: Node<'_>, found: &mut Vec<Proven>) {
    let parts = children(literal);
    // What is spread in may come between.
    if parts
        .iter()
        .any(|part| part.kind().contains("spread") || part.kind().contains("splat"))
    {
        return;
    }
    let mut known = BTreeMap::new();
    for pair in parts.into_iter().filter(|part| part.kind() == "pair") {
        let Some(key) = pair.child_by_field_name("key") else {
            continue;
        };
        let Some(name) = name_of(file, key).filter(|name| name != "__proto__") else {
            continue;
        };
        if let Some(line) = known.get(&name) {
            found.push(Proven {
                range: range_of(key),
                severity: FindingSeverity::Warning,
                rule: "duplicate-key",
                message: format!(
                    "The key {name} stands in line {line} already: that value is lost"
                ),
                why: "Of two values of one key the last one counts.",
                fix: "Remove one of them, or name the key that was meant.",
            });
        } else {
            known.insert(name, key.start_position().row + 1);
        }
    }
}

/// What a key is when the program runs, if the words settle it.
fn name_of(file: &File<'_>, key: Node<'_>) -> Option<String> {
    let text = file.text_of(key);
    match key.kind() {
        "property_identifier" => Some(format!("`{text}`")),
        "string" => {
            let quote = text
                .chars()
                .next()
                .filter(|char| matches!(char, '"' | '\''))?;
            let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
            let is_plain = !inner.contains(['\\', '"', '\'']);
            is_plain.then(|| format!("`{inner}`"))
        }
        "integer" if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(text.to_owned()),
        _ => None,
    }
}

/// Cases of a choice.
fn cases(file: &File<'_>, choice: Node<'_>, found: &mut Vec<Proven>) {
    let mut known: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for case in children(choice) {
        for value in values(case) {
            if !is_settled(file, value) {
                continue;
            }
            let words = file.words(value);
            if let Some(line) = known.get(&words) {
                found.push(Proven {
                    range: range_of(value),
                    severity: FindingSeverity::Warning,
                    rule: "duplicate-case",
                    message: format!(
                        "The same case stands in line {line}: this one is never taken"
                    ),
                    why: "The first case that fits is taken.",
                    fix: "Remove it, or name the case that was meant.",
                });
            } else if !is_guarded(case) {
                known.insert(words, value.start_position().row + 1);
            }
        }
    }
}

/// What a case compares with.
fn values(case: Node<'_>) -> Vec<Node<'_>> {
    match case.kind() {
        "switch_case" => case.child_by_field_name("value").into_iter().collect(),
        "expression_case" => {
            let list = case.child_by_field_name("value");
            list.map(children).unwrap_or_default()
        }
        "switch_block_statement_group" | "switch_rule" => {
            let labels = children(case).into_iter();
            let labels = labels.filter(|it| it.kind() == "switch_label");
            labels.flat_map(children).collect()
        }
        "match_arm" => {
            let is_conditional = children(case)
                .iter()
                .any(|it| it.kind() == "attribute_item");
            let pattern = case.child_by_field_name("pattern");
            pattern.filter(|_| !is_conditional).into_iter().collect()
        }
        "case_clause" => {
            let patterns = children(case).into_iter();
            let mut patterns = patterns.filter(|it| it.kind() == "case_pattern");
            // Several patterns in a row are one of a tuple.
            match (patterns.next(), patterns.next()) {
                (Some(only), None) => vec![only],
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// Whether a condition stands beside the case.
fn is_guarded(case: Node<'_>) -> bool {
    let pattern = case.child_by_field_name("pattern");
    case.child_by_field_name("guard").is_some()
        || pattern.is_some_and(|it| it.child_by_field_name("condition").is_some())
        || children(case)
            .iter()
            .any(|it| it.kind().contains("guard") || it.kind() == "if_clause")
}

/// Whether the words of a case say all of it.
fn is_settled(file: &File<'_>, value: Node<'_>) -> bool {
    let guarded = value.child_by_field_name("condition").is_some();
    let is_pattern = matches!(value.kind(), "match_pattern" | "case_pattern");
    let is_opaque = |kind: &str| {
        [
            "macro",
            "call",
            "interpolation",
            "template",
            "await",
            "yield",
            "invocation",
        ]
        .iter()
        .any(|word| kind.contains(word))
    };
    if is_pattern {
        return !guarded && !Nodes::below(value).any(|it| is_opaque(it.kind()));
    }
    let is_literal = value.kind().contains("literal")
        || matches!(
            value.kind(),
            "string" | "number" | "true" | "false" | "null" | "identifier"
        );
    is_literal
        && !Nodes::below(value).any(|it| is_opaque(it.kind()))
        && (!file.is_script() || value.kind() != "identifier" || file.text_of(value) != "NaN")
}
