//! Which part of an error node is to blame.
//!
//! An error node holds all that the parser took in before it gave up, and what it then skipped. Most of
//! it is fine; a person wants to be shown the token that made it give up, or the bracket that is open.

use tree_sitter::{Language as Grammar, Node};

use super::ProblemKind;
use crate::Language;
use crate::walk::text_of;

/// Only so many parts of an error are looked at: each look walks over the tokens of the language.
const MOST_PARTS: usize = 64;

/// What is wrong in an error node, and where.
pub(super) fn of(language: Language, error: Node<'_>, text: &str) -> (ProblemKind, usize) {
    if let Some(open) = unclosed(error) {
        let written = match open.kind() {
            "jsx_opening_element" => text_of(open, text).lines().next().unwrap_or("").to_owned(),
            bracket => bracket.to_owned(),
        };
        return (ProblemKind::Unclosed(written), open.start_byte());
    }
    match first_unexpected(language.grammar(), error) {
        Verdict::Part(part) => (ProblemKind::Unexpected, part.start_byte()),
        // All of it is in order, and the text ends: what it began with is not finished.
        Verdict::Whole(first)
            if is_word(first.kind())
                && text
                    .get(error.end_byte()..)
                    .is_some_and(|rest| rest.trim().is_empty()) =>
        {
            (
                ProblemKind::Unclosed(first.kind().to_owned()),
                first.start_byte(),
            )
        }
        _ => (ProblemKind::Unexpected, error.start_byte()),
    }
}

/// A bracket or tag among the parts that no later part closes; the innermost one.
fn unclosed(error: Node<'_>) -> Option<Node<'_>> {
    let mut open = Vec::new();
    let mut cursor = error.walk();
    for part in error.children(&mut cursor) {
        match part.kind() {
            "{" | "(" | "[" | "jsx_opening_element" => open.push(part),
            "}" | ")" | "]" | "jsx_closing_element" => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

enum Verdict<'tree> {
    /// The part that cannot stand behind the one before it.
    Part(Node<'tree>),
    /// Every part can stand where it stands; the first of several.
    Whole(Node<'tree>),
    Unknown,
}

fn first_unexpected<'tree>(grammar: &Grammar, error: Node<'tree>) -> Verdict<'tree> {
    let mut cursor = error.walk();
    let mut before: Option<Node<'tree>> = None;
    let mut first = None;
    let mut is_sure = true;
    for part in error
        .children(&mut cursor)
        .filter(|part| !part.is_extra())
        .take(MOST_PARTS)
    {
        if part.is_error() {
            return Verdict::Part(part);
        }
        if let Some(before) = before {
            match allows(grammar, before.next_parse_state(), part) {
                Some(false) => return Verdict::Part(part),
                Some(true) => {}
                None => is_sure = false,
            }
        }
        first = first.or(Some(part));
        before = Some(part);
    }
    match first {
        Some(first) if is_sure && before != Some(first) => Verdict::Whole(first),
        _ => Verdict::Unknown,
    }
}

/// Whether the grammar allows a part after a state; none where it is not known.
fn allows(grammar: &Grammar, state: u16, part: Node<'_>) -> Option<bool> {
    // The state of errors, and that of what was read along several ways at once.
    if state == 0 || state == u16::MAX {
        return None;
    }
    let mut leaf = part;
    while let Some(child) = leaf.child(0) {
        leaf = child;
    }
    let wanted = leaf.grammar_id();
    Some(
        grammar
            .lookahead_iterator(state)?
            .any(|symbol| symbol == wanted),
    )
}

fn is_word(kind: &str) -> bool {
    kind.len() > 1 && kind.bytes().all(|byte| byte.is_ascii_lowercase())
}
