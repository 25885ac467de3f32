//! What macros and attributes are given: tokens, which are read where it is known what they are.

use pleach_text::ByteRange;
use tree_sitter::Node;

use super::super::scopes::{Space, shifted};
use super::{MOST_NESTED, Mode, Step, Walk};
use crate::walk::{Preorder, child_of_kind};
use crate::{Language, parse};

/// Macros that are given expressions, of the standard library and of crates that everybody uses.
const OF_EXPRESSIONS: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "dbg",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "ensure",
    "eprint",
    "eprintln",
    "error",
    "eyre",
    "format",
    "format_args",
    "info",
    "join",
    "log",
    "panic",
    "prop_assert",
    "prop_assert_eq",
    "prop_assert_ne",
    "print",
    "println",
    "todo",
    "trace",
    "try_join",
    "unimplemented",
    "unreachable",
    "vec",
    "warn",
    "write",
    "writeln",
];

/// Which argument of a macro is its format string: the one at a place, or the first string.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    At(usize),
    FirstString,
    Never,
}

impl Format {
    fn of(name: &str) -> Self {
        match name {
            "vec" | "dbg" | "join" | "try_join" => Self::Never,
            "write" | "writeln" | "assert" | "debug_assert" | "ensure" | "log" | "prop_assert" => {
                Self::At(1)
            }
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne"
            | "prop_assert_eq" | "prop_assert_ne" => Self::At(2),
            // Loggers take fields before the message.
            "error" | "warn" | "info" | "debug" | "trace" => Self::FirstString,
            _ => Self::At(0),
        }
    }
}

/// Attributes of the language whose arguments name nothing of a program.
const SILENT_ATTRIBUTES: &[&str] = &[
    "allow",
    "automatically_derived",
    "cfg",
    "cfg_attr",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "feature",
    "forbid",
    "ignore",
    "inline",
    "link",
    "macro_export",
    "macro_use",
    "must_use",
    "no_mangle",
    "no_std",
    "non_exhaustive",
    "path",
    "recursion_limit",
    "repr",
    "rustfmt",
    "should_panic",
    "target_feature",
    "test",
    "track_caller",
    "warn",
];

impl<'tree> Walk<'_, '_, 'tree> {
    pub(super) fn macro_invocation(&mut self, node: Node<'tree>) {
        let Some(name) = node.child_by_field_name("macro") else {
            return;
        };
        if name.kind() == "identifier" {
            let range = self.range(name);
            self.table().refer(range, Space::MACRO);
        } else {
            self.plan(vec![Step::Visit(name, Mode::Expression)]);
        }
        let Some(tokens) = child_of_kind(node, "token_tree") else {
            return;
        };
        let called = self.text(name);
        let called = called.rsplit("::").next().unwrap_or(called).trim();
        let content = self.range(tokens);
        let content = ByteRange::from(
            content.start.0.saturating_add(1)
                ..content.end.0.saturating_sub(1).max(content.start.0 + 1),
        );
        let is_read = if called == "matches" || called == "assert_matches" {
            self.read_matches(tokens, content)
        } else if OF_EXPRESSIONS.contains(&called) {
            self.read_expressions(called, content)
        } else {
            false
        };
        if !is_read {
            self.doubt_all(tokens);
        }
    }

    /// Reads what a macro is given as the elements of an array: `a, b` or `a; n`.
    fn read_expressions(&mut self, name: &str, content: ByteRange) -> bool {
        let source = self.table().text_at(content);
        if source.trim().is_empty() {
            return true;
        }
        // A call takes every list of expressions, and reads `name = value` as an assignment.
        let (before, after) = if name == "vec" {
            ("fn f(){[", "];}")
        } else {
            ("fn f(){f(", ");}")
        };
        self.read_as(before, source, after, content, Format::of(name), None)
    }

    /// Reads `matches!(value, pattern if condition)` as the `match` that it stands for.
    fn read_matches(&mut self, tokens: Node<'tree>, content: ByteRange) -> bool {
        let mut cursor = tokens.walk();
        let comma = tokens
            .children(&mut cursor)
            .find(|child| {
                child.kind() == "," || (child.child_count() == 0 && self.text(*child) == ",")
            })
            .map(|comma| self.range(comma).start.0);
        let Some(comma) = comma.or_else(|| self.first_comma(tokens)) else {
            return false;
        };
        let source = self.table().text_at(content);
        let Some((value, rest)) = comma
            .checked_sub(content.start.0)
            .and_then(|at| source.split_at_checked(at))
        else {
            return false;
        };
        let Some(pattern) = rest.strip_prefix(',') else {
            return false;
        };
        let pattern = pattern.trim_end().trim_end_matches(',');
        // The bracket takes the place of the comma, so that all places stay what they are.
        let rewritten = format!("{value}{{{pattern}");
        self.read_as(
            "fn f(){match ",
            &rewritten,
            "=>{}}}",
            content,
            Format::Never,
            Some("match_expression"),
        )
    }

    /// The first comma outside of inner brackets. The tree of tokens leaves punctuation out.
    fn first_comma(&mut self, tokens: Node<'tree>) -> Option<usize> {
        let whole = self.range(tokens);
        let mut cursor = tokens.walk();
        let inner: Vec<ByteRange> = tokens
            .named_children(&mut cursor)
            .map(|child| self.range(child))
            .collect();
        let text = self.table().text_at(whole);
        text.char_indices()
            .filter(|(_, c)| *c == ',')
            .map(|(at, _)| whole.start.0 + at)
            .find(|at| !inner.iter().any(|range| range.contains((*at).into())))
    }

    /// Reads tokens as a part of a program: the outermost nodes that lie in them, or the first node of
    /// a kind. False where they are no such part.
    fn read_as(
        &mut self,
        before: &str,
        source: &str,
        after: &str,
        content: ByteRange,
        format: Format,
        whole: Option<&str>,
    ) -> bool {
        if self.walker.nested >= MOST_NESTED {
            return false;
        }
        let text = format!("{before}{source}{after}");
        let syntax = parse(Language::Rust, &text);
        let Some(shift) = content.start.0.checked_signed_diff(before.len()) else {
            return false;
        };
        if syntax.has_problems() {
            return false;
        }
        let inside = ByteRange::from(before.len()..before.len() + source.len());
        let arguments = match whole {
            Some(kind) => first_of_kind(syntax.root(), kind).into_iter().collect(),
            None => topmost(syntax.root(), inside),
        };
        // `name = value` of a format: the name is the format's own.
        let named = |argument: &Node<'_>| {
            let is_named = argument.kind() == "assignment_expression" && format != Format::Never;
            argument
                .child_by_field_name("left")
                .filter(|_| is_named)
                .map(|left| shifted(left, shift))
        };
        let own: Vec<&str> = arguments
            .iter()
            .filter_map(&named)
            .map(|name| self.walker.table.text_at(name))
            .collect();
        self.walker.nested += 1;
        for argument in &arguments {
            let value = argument
                .child_by_field_name("right")
                .filter(|_| named(argument).is_some());
            let first = Step::Visit(value.unwrap_or(*argument), Mode::Expression);
            Walk {
                walker: &mut *self.walker,
                steps: Vec::new(),
                shift,
            }
            .run(first);
        }
        self.walker.nested -= 1;
        let is_string =
            |node: &&Node<'_>| matches!(node.kind(), "string_literal" | "raw_string_literal");
        let literal = match format {
            Format::At(index) => arguments.get(index).filter(is_string),
            Format::FirstString => arguments.iter().find(is_string),
            Format::Never => None,
        };
        if let Some(literal) = literal {
            let literal = shifted(*literal, shift);
            for name in names_in_format(self.walker.table.text_at(literal)) {
                let name = behind(literal, name);
                if !own.contains(&self.walker.table.text_at(name)) {
                    self.table().refer(name, Space::VALUE);
                }
            }
        }
        true
    }

    /// Whatever a name among tokens could mean is in doubt.
    pub(super) fn doubt_all(&mut self, tokens: Node<'tree>) {
        let mut walk = Preorder::new(tokens);
        loop {
            let node = walk.node();
            if node.kind() == "identifier" || node.kind() == "type_identifier" {
                let range = self.range(node);
                self.table().doubt(range);
            } else if matches!(node.kind(), "string_literal" | "raw_string_literal") {
                let range = self.range(node);
                for name in names_in_format(self.walker.table.text_at(range)) {
                    self.table().doubt(behind(range, name));
                }
            }
            if !walk.advance(true) {
                return;
            }
        }
    }

    /// An attribute may name macros (`derive`), functions and even parameters.
    pub(super) fn attribute(&mut self, node: Node<'tree>) {
        let Some(attribute) = child_of_kind(node, "attribute") else {
            return;
        };
        let Some(path) = attribute.named_child(0) else {
            return;
        };
        let name = self.text(path);
        if name == "derive" {
            let mut walk = Preorder::new(attribute);
            loop {
                if walk.node().kind() == "identifier" && walk.depth() > 1 {
                    let range = self.range(walk.node());
                    self.table().refer(range, Space::MACRO);
                }
                if !walk.advance(true) {
                    return;
                }
            }
        }
        for name in self.names_in_attributes(&[node]) {
            self.table().doubt(name);
        }
    }

    /// The names in attributes, also inside their strings (`serde(default = "name")`).
    pub(super) fn names_in_attributes(&self, attributes: &[Node<'tree>]) -> Vec<ByteRange> {
        let mut names = Vec::new();
        for attribute in attributes {
            let path =
                child_of_kind(*attribute, "attribute").and_then(|inner| inner.named_child(0));
            if path.is_some_and(|path| SILENT_ATTRIBUTES.contains(&self.text(path))) {
                continue;
            }
            let mut walk = Preorder::new(*attribute);
            loop {
                let range = self.range(walk.node());
                match walk.node().kind() {
                    "identifier" => names.push(range),
                    "string_content" => {
                        let source = self.walker.table.text_at(range);
                        let mut at = range.start.0;
                        for piece in source.split_inclusive(|c: char| !is_part(c)) {
                            let word = piece.trim_end_matches(|c: char| !is_part(c));
                            names.push(ByteRange::from(at..at + word.len()));
                            at += piece.len();
                        }
                    }
                    _ => {}
                }
                if !walk.advance(true) {
                    break;
                }
            }
        }
        names.retain(|name| !name.is_empty());
        names
    }
}

fn first_of_kind<'tree>(root: Node<'tree>, kind: &str) -> Option<Node<'tree>> {
    let mut walk = Preorder::new(root);
    loop {
        if walk.node().kind() == kind {
            return Some(walk.node());
        }
        if !walk.advance(true) {
            return None;
        }
    }
}

/// The outermost nodes that lie within a range.
fn topmost(root: Node<'_>, inside: ByteRange) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut walk = Preorder::new(root);
    loop {
        let node = walk.node();
        let range = ByteRange::from(node.byte_range());
        let is_inside = node.is_named() && !range.is_empty() && inside.contains_range(range);
        if is_inside && !node.is_extra() {
            found.push(node);
        }
        if !walk.advance(!is_inside) {
            return found;
        }
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A range inside a literal, as one of the whole text.
fn behind(literal: ByteRange, inner: ByteRange) -> ByteRange {
    ByteRange::from(literal.start.0 + inner.start.0..literal.start.0 + inner.end.0)
}

/// Where a format string names variables: `{name…}`, `…:name$…`, `….name$`.
fn names_in_format(literal: &str) -> Vec<ByteRange> {
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    let mut names = Vec::new();
    let mut rest = literal;
    let mut at = 0;
    while let Some(open) = rest.find('{') {
        let Some(behind) = rest.get(open + 1..) else {
            break;
        };
        at += open + 1;
        if let Some(escaped) = behind.strip_prefix('{') {
            rest = escaped;
            at += 1;
            continue;
        }
        let Some(close) = behind.find('}') else { break };
        let Some(inner) = behind.get(..close) else {
            break;
        };
        let name_len = inner.find(|c| !is_part(c)).unwrap_or(inner.len());
        if inner.starts_with(is_start)
            && inner
                .get(name_len..)
                .is_some_and(|spec| spec.is_empty() || spec.starts_with([':', ' ']))
        {
            names.push(ByteRange::from(at..at + name_len));
        }
        // `{:width$.precision$}`
        for (dollar, _) in inner.match_indices('$') {
            let before = inner.get(..dollar).unwrap_or("");
            let start = before.rfind(|c| !is_part(c)).map_or(0, |index| {
                index
                    + before
                        .get(index..)
                        .and_then(|rest| rest.chars().next())
                        .map_or(1, char::len_utf8)
            });
            if before
                .get(start..)
                .is_some_and(|name| name.starts_with(is_start))
            {
                names.push(ByteRange::from(at + start..at + dollar));
            }
        }
        at += close + 1;
        rest = behind.get(close + 1..).unwrap_or("");
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_format_strings() {
        let found = |literal: &'static str| -> Vec<&'static str> {
            names_in_format(literal)
                .into_iter()
                .filter_map(|range| range.of(literal))
                .collect()
        };
        assert_eq!(
            found(r#""{a} {b:?} {} {0} {{c}} {d:>e$.f$}""#),
            ["a", "b", "d", "e", "f"]
        );
        assert_eq!(found(r#""no names {""#), Vec::<&str>::new());
    }
}
