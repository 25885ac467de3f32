//! Defects that a syntax tree alone can prove: no model, no guess.
//!
//! Each rule speaks only where the words of the program settle it, whatever it is compiled with and whatever
//! its values are. Code that macros may rewrite (C, C++), branches under `#[cfg]`, patterns that bind, setters,
//! hoisted declarations and generators are left alone.

use std::collections::BTreeSet;

use pleach_grammars::{Language, parse};
use pleach_text::ByteRange;
use tree_sitter::Node;

use super::source::{Nodes, children, range_of, upwards};
use crate::findings::FindingSeverity;

mod keys;

/// Longer branches and conditions are not compared.
const MOST_COMPARED: usize = 4_000;
/// Findings in one file; who has more has another problem.
const MOST: usize = 200;

/// A defect at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) range: ByteRange,
    pub(crate) severity: FindingSeverity,
    /// In kebab case.
    pub(crate) rule: &'static str,
    pub(crate) message: String,
    pub(crate) why: &'static str,
    pub(crate) fix: &'static str,
}

/// Whether the rules know a language.
pub(crate) fn knows(language: Language) -> bool {
    matches!(
        language,
        Language::Rust
            | Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Go
            | Language::Java
            | Language::CSharp
    )
}

/// What is proven of a text, in its order. Nothing is said of a language that the rules do not know, and of
/// parts that are broken.
pub(crate) fn proven(language: Language, text: &str) -> Vec<Proven> {
    if !knows(language) {
        return Vec::new();
    }
    let syntax = parse(language, text);
    if syntax.unread().is_some() {
        return Vec::new();
    }
    let file = File { language, text };
    let mut found = Vec::new();
    for node in Nodes::below(syntax.root()) {
        if !node.is_named() || node.is_extra() || found.len() >= MOST {
            continue;
        }
        file.unreachable(node, &mut found);
        file.empty_catch(node, &mut found);
        file.self_assignment(node, &mut found);
        file.same_operands(node, &mut found);
        file.branches(node, &mut found);
        keys::repeated(&file, node, &mut found);
    }
    found.sort_by_key(|it| (it.range, it.rule));
    found.dedup();
    found
}

struct File<'t> {
    language: Language,
    text: &'t str,
}

/// Kinds whose children are statements, one after the other.
const BLOCKS: [&str; 12] = [
    "block",
    "statement_block",
    "statement_list",
    "switch_case",
    "switch_default",
    "switch_block_statement_group",
    "switch_section",
    "expression_case",
    "default_case",
    "type_case",
    "communication_case",
    "constructor_body",
];

/// Statements that nothing comes behind.
const ENDS: [&str; 5] = [
    "return_statement",
    "throw_statement",
    "raise_statement",
    "break_statement",
    "continue_statement",
];

/// What may stand behind an end and count all the same: what is declared before anything runs.
const DECLARATIONS: [&str; 26] = [
    "function_declaration",
    "generator_function_declaration",
    "class_declaration",
    "abstract_class_declaration",
    "interface_declaration",
    "type_alias_declaration",
    "enum_declaration",
    "record_declaration",
    "variable_declaration",
    "local_function_statement",
    "function_signature",
    "ambient_declaration",
    "foreign_mod_item",
    "extern_crate_declaration",
    "function_item",
    "struct_item",
    "enum_item",
    "union_item",
    "impl_item",
    "trait_item",
    "type_item",
    "use_declaration",
    "const_item",
    "static_item",
    "mod_item",
    "macro_definition",
];

impl<'t> File<'t> {
    fn text_of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Whether a name may be a property, of which asking and setting does something.
    fn has_hidden_calls(&self) -> bool {
        self.language == Language::CSharp
    }

    fn is_script(&self) -> bool {
        matches!(
            self.language,
            Language::JavaScript | Language::TypeScript | Language::Tsx
        )
    }

    /// From the beginning of a node to the end of its first line.
    fn first_line(&self, node: Node<'_>) -> ByteRange {
        let length = self.text_of(node).lines().next().unwrap_or_default().len();
        ByteRange::from(node.start_byte()..node.start_byte() + length)
    }

    /// The words of a node, without comments. A text counts with every blank in it.
    fn words(&self, node: Node<'_>) -> Vec<&'t str> {
        let mut words = Vec::new();
        let mut nodes = Nodes::below(node);
        while let Some(node) = nodes.next() {
            let kind = node.kind();
            let is_text = ["string", "regex", "char", "heredoc", "jsx_text"]
                .iter()
                .any(|text| kind.contains(text));
            if node.is_extra() {
                nodes.skip_inside();
            } else if is_text || node.child_count() == 0 {
                words.push(self.text_of(node));
                nodes.skip_inside();
            }
        }
        words
    }

    fn is_same(&self, one: Node<'_>, other: Node<'_>) -> bool {
        let is_short = |node: Node<'_>| node.byte_range().len() <= MOST_COMPARED;
        is_short(one) && is_short(other) && self.words(one) == self.words(other)
    }

    /// Code behind `return` and its like.
    fn unreachable(&self, block: Node<'_>, found: &mut Vec<Proven>) {
        if !BLOCKS.contains(&block.kind()) || block.has_error() {
            return;
        }
        let mut cursor = block.walk();
        let statements: Vec<Node<'_>> = block
            .named_children(&mut cursor)
            .filter(|child| !child.is_extra())
            .collect();
        let mut end: Option<Node<'_>> = None;
        let mut before: Option<Node<'_>> = None;
        for (at, statement) in statements.iter().enumerate() {
            let kind = statement.kind();
            let Some(last) = end else {
                let is_conditional = before.is_some_and(|it| it.kind() == "attribute_item");
                if is_end(*statement) && !is_conditional {
                    end = Some(*statement);
                }
                before = Some(*statement);
                continue;
            };
            let is_target = kind.contains("label") || kind.starts_with("preproc");
            if is_target || kind.starts_with("case") {
                return;
            }
            let is_macro = statement
                .named_child(0)
                .is_some_and(|it| it.kind() == "macro_invocation");
            if DECLARATIONS.contains(&kind)
                || kind == "empty_statement"
                || kind == "attribute_item"
                || kind == "macro_invocation"
                || is_macro
            {
                continue;
            }
            // A function that yields nowhere else is a generator by what it never comes to.
            let rest = statements.get(at..).unwrap_or_default();
            let yields = |node: &Node<'_>| Nodes::below(*node).any(|it| it.kind() == "yield");
            if self.language == Language::Python && rest.iter().any(yields) {
                return;
            }
            let word = self.text_of(last).split([' ', ';', '\n', '(']).next();
            found.push(Proven {
                range: self.first_line(*statement),
                severity: FindingSeverity::Warning,
                rule: "unreachable-code",
                message: format!(
                    "This never runs: `{}` stands before it",
                    word.unwrap_or_default().trim()
                ),
                why: "Nothing comes behind that statement, and no label leads here.",
                fix: "Remove what never runs, or move it before that statement.",
            });
            return;
        }
    }

    /// A handler that handles nothing and says nothing.
    fn empty_catch(&self, node: Node<'_>, found: &mut Vec<Proven>) {
        let is_empty = match (self.language, node.kind()) {
            (Language::Python, "except_clause") => self.swallows_all(node),
            (_, "catch_clause") => {
                let body = node.child_by_field_name("body");
                let is_meant = body.is_some_and(|body| self.is_meant_empty(node, body));
                // A comment in it counts: it says why.
                body.is_some_and(|body| body.named_child_count() == 0 && !body.has_error())
                    && !is_meant
            }
            _ => false,
        };
        if is_empty {
            found.push(Proven {
                range: self.first_line(node),
                severity: FindingSeverity::Info,
                rule: "empty-catch",
                message: "Every failure that comes here is dropped without a word".to_owned(),
                why: "What fails goes on as if it had not, and nobody learns of it.",
                fix: "Handle it, log it, or say in a comment why it may be dropped.",
            });
        }
    }

    /// Whether the name of what is caught says that nothing is to be done.
    fn is_meant_empty(&self, clause: Node<'_>, body: Node<'_>) -> bool {
        let head = self.text.get(clause.start_byte()..body.start_byte());
        let head = head.unwrap_or_default().to_lowercase();
        let mut names = head.split(|char: char| !char.is_alphanumeric() && char != '_');
        names.any(|name| {
            name.starts_with('_')
                || ["ignore", "expected", "unused"]
                    .iter()
                    .any(|word| name.contains(word))
        })
    }

    /// `except:` or `except Exception:` with nothing but `pass`.
    fn swallows_all(&self, clause: Node<'_>) -> bool {
        let parts = children(clause);
        let Some((body, caught)) = parts.split_last() else {
            return false;
        };
        let is_broad = match caught {
            [] => true,
            [only] => {
                let text = self.text_of(*only);
                let name = text.split_whitespace().next().unwrap_or_default();
                matches!(name, "Exception" | "BaseException")
            }
            _ => false,
        };
        let does_nothing =
            matches!(children(*body).as_slice(), [only] if only.kind() == "pass_statement");
        let end = clause.end_byte();
        let rest = self.text.get(end..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let is_told = self.text_of(clause).contains('#') || line.contains('#');
        is_broad && body.kind() == "block" && does_nothing && !is_told
    }

    /// `x = x`.
    fn self_assignment(&self, node: Node<'_>, found: &mut Vec<Proven>) {
        let is_one = matches!(
            node.kind(),
            "assignment_expression" | "assignment" | "assignment_statement"
        );
        let (Some(left), Some(right)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
        ) else {
            return;
        };
        if !is_one
            || self.has_hidden_calls()
            || node.has_error()
            || node.child_by_field_name("type").is_some()
        {
            return;
        }
        let between = self.text.get(left.end_byte()..right.start_byte());
        if between.map(str::trim) != Some("=") || !self.is_same(left, right) {
            return;
        }
        // Elsewhere a field may have a setter, and a subscript may be a call.
        let has_fields = matches!(self.language, Language::Rust | Language::Go);
        let is_name = |node: Node<'_>| {
            Nodes::below(node).all(|it| {
                matches!(
                    it.kind(),
                    "identifier" | "field_identifier" | "self" | "expression_list" | "."
                ) || has_fields && matches!(it.kind(), "field_expression" | "selector_expression")
            })
        };
        // In the body of a class it brings in what is outside.
        let is_in_function = self.language != Language::Python
            || upwards(node)
                .find(|it| matches!(it.kind(), "function_definition" | "class_definition"))
                .is_some_and(|it| it.kind() == "function_definition");
        if is_name(left) && is_in_function {
            found.push(Proven {
                range: range_of(node),
                severity: FindingSeverity::Warning,
                rule: "self-assignment",
                message: format!("`{}` is assigned to itself", self.text_of(left)),
                why: "It changes nothing; mostly another name was meant on one side.",
                fix: "Name what was meant, or remove the assignment.",
            });
        }
    }

    /// `a && a`.
    fn same_operands(&self, node: Node<'_>, found: &mut Vec<Proven>) {
        let is_one = matches!(node.kind(), "binary_expression" | "boolean_operator");
        if !is_one || self.has_hidden_calls() || node.has_error() {
            return;
        }
        let (Some(left), Some(right)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
        ) else {
            return;
        };
        let operator = self.text.get(left.end_byte()..right.start_byte());
        let operator = operator.unwrap_or_default().trim();
        if matches!(operator, "&&" | "||" | "and" | "or")
            && left.kind() == "identifier"
            && self.is_same(left, right)
        {
            found.push(Proven {
                range: range_of(node),
                severity: FindingSeverity::Warning,
                rule: "same-operands",
                message: format!("Both sides of `{operator}` are `{}`", self.text_of(left)),
                why: "One of them decides nothing; mostly another name was meant.",
                fix: "Name what was meant, or leave one out.",
            });
        }
    }

    /// Branches that are the same, and conditions that were asked before.
    fn branches(&self, node: Node<'_>, found: &mut Vec<Proven>) {
        let is_if = matches!(node.kind(), "if_statement" | "if_expression");
        if !is_if || node.has_error() {
            return;
        }
        let (Some(condition), Some(consequence)) = (
            node.child_by_field_name("condition"),
            node.child_by_field_name("consequence"),
        ) else {
            return;
        };
        let mut cursor = node.walk();
        let others: Vec<Node<'_>> = node
            .children_by_field_name("alternative", &mut cursor)
            .filter(Node::is_named)
            .collect();
        let binds = ["let ", "instanceof", " is "];
        if binds
            .iter()
            .any(|word| self.text_of(condition).contains(word))
        {
            return;
        }
        if let [only] = others.as_slice() {
            let other = inside_else(*only);
            let is_else_if = matches!(
                other.kind(),
                "if_statement" | "if_expression" | "elif_clause"
            );
            let has_code = self
                .words(consequence)
                .iter()
                .any(|word| !matches!(*word, "{" | "}" | ";" | "pass"));
            if !is_else_if && has_code && self.is_same(consequence, other) {
                found.push(Proven {
                    range: self.first_line(node),
                    severity: FindingSeverity::Warning,
                    rule: "identical-branches",
                    message: "Both branches do the same".to_owned(),
                    why: "The condition decides nothing; mostly one branch was copied and never changed.",
                    fix: "Change the branch that was meant to differ, or leave the condition out.",
                });
            }
        }
        if !self.has_hidden_calls() {
            self.asked_again(condition, others, found);
        }
    }

    /// A condition of names and literals that stands earlier in the same chain of `else if`.
    fn asked_again(&self, first: Node<'_>, others: Vec<Node<'_>>, found: &mut Vec<Proven>) {
        /// Longer chains are not followed to their ends.
        const LONGEST: usize = 64;
        let mut known: BTreeSet<Vec<&str>> = BTreeSet::new();
        let mut is_new = |condition: Node<'_>| {
            let is_settled = Nodes::below(condition).all(|it| !may_change(it.kind()));
            let is_short = condition.byte_range().len() <= MOST_COMPARED;
            let is_plain = is_settled && is_short && !has_initializer(condition);
            if !is_plain {
                // What was known before it may be otherwise after it.
                known.clear();
            }
            !is_plain || known.insert(self.words(condition))
        };
        is_new(first);
        let mut open: Vec<Node<'_>> = others;
        open.reverse();
        for _ in 0..LONGEST {
            let Some(next) = open.pop() else { return };
            let branch = inside_else(next);
            let Some(condition) = branch.child_by_field_name("condition") else {
                continue;
            };
            if !is_new(condition) {
                found.push(Proven {
                    range: range_of(condition),
                    severity: FindingSeverity::Warning,
                    rule: "repeated-condition",
                    message: "The same was asked before: this branch is never taken".to_owned(),
                    why: "An earlier branch of the same chain has this condition.",
                    fix: "Ask what was meant, or remove the branch.",
                });
            }
            let mut cursor = branch.walk();
            let more = branch.children_by_field_name("alternative", &mut cursor);
            let mut more: Vec<Node<'_>> = more.filter(Node::is_named).collect();
            more.reverse();
            open.extend(more);
        }
    }
}

fn is_end(statement: Node<'_>) -> bool {
    let kind = statement.kind();
    let ends_generator = || {
        let mut cursor = statement.walk();
        kind == "yield_statement"
            && statement
                .children(&mut cursor)
                .any(|it| it.kind() == "break")
    };
    ENDS.contains(&kind)
        || ends_generator()
        || kind == "expression_statement"
            && statement.named_child(0).is_some_and(|it| {
                matches!(
                    it.kind(),
                    "return_expression" | "break_expression" | "continue_expression"
                )
            })
}

/// What stands behind `else`.
fn inside_else(node: Node<'_>) -> Node<'_> {
    if node.kind() != "else_clause" {
        return node;
    }
    let body = node.child_by_field_name("body");
    body.or_else(|| children(node).into_iter().next())
        .unwrap_or(node)
}

/// Whether the `if` of a condition sets variables before it asks, as in Go.
fn has_initializer(condition: Node<'_>) -> bool {
    condition
        .parent()
        .is_some_and(|it| it.child_by_field_name("initializer").is_some())
}

/// Whether asking the same once more may give another answer, or do something.
fn may_change(kind: &str) -> bool {
    [
        "call",
        "invocation",
        "macro",
        "await",
        "assign",
        "update",
        "yield",
        "member",
        "attribute",
        "access",
        "subscript",
        "index",
        "new_",
        "creation",
        "named_expression",
        "let_",
        "unary",
        "object",
        "channel",
        "receive",
        "function",
        "lambda",
        "block",
        "closure",
    ]
    .iter()
    .any(|word| kind.contains(word))
}

#[cfg(test)]
mod tests;
