//! What a text says, without how it is laid out.

use std::borrow::Cow;

use pleach_grammars::{Language, parse};
use pleach_text::ByteRange;
use tree_sitter::Node;

/// A syntax tree as far as a formatter does not change it: blanks and line breaks between tokens, a
/// comma behind the last of several things and the kind of quotes around a plain string are left out.
pub(super) struct Shape<'t> {
    parts: Vec<Part<'t>>,
    /// Where the tokens are, in order.
    tokens: Vec<ByteRange>,
    has_problems: bool,
}

#[derive(PartialEq, Eq)]
struct Part<'t> {
    kind: u16,
    depth: u32,
    /// What a token says.
    token: Option<Cow<'t, str>>,
}

/// Two are equal when the texts say the same.
impl PartialEq for Shape<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl<'t> Shape<'t> {
    /// Reads a text; none where no grammar can be trusted with it.
    pub(super) fn of(language: Language, text: &'t str) -> Option<Self> {
        let syntax = parse(language, text);
        if syntax.unread().is_some() {
            return None;
        }
        let mut shape = Self {
            parts: Vec::new(),
            tokens: Vec::new(),
            has_problems: syntax.has_problems(),
        };
        shape.read(language, &syntax.root(), text);
        Some(shape)
    }

    pub(super) fn has_problems(&self) -> bool {
        self.has_problems
    }

    /// Where the tokens are. Texts of equal shape have equally many.
    pub(super) fn tokens(&self) -> &[ByteRange] {
        &self.tokens
    }

    fn read(&mut self, language: Language, root: &Node<'_>, text: &'t str) {
        let mut cursor = root.walk();
        let mut depth = 0;
        loop {
            let node = cursor.node();
            let descend = !self.push(language, &node, depth, text);
            if descend && cursor.goto_first_child() {
                depth += 1;
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                depth -= 1;
            }
        }
    }

    /// Takes a node in; tells whether it is a token, whose inside is of no interest.
    fn push(&mut self, language: Language, node: &Node<'_>, depth: u32, text: &'t str) -> bool {
        let range = ByteRange::from(node.byte_range());
        let written = range.of(text).unwrap_or_default();
        let is_token = node.child_count() == 0 || is_opaque(node) || hides_text(node, text);
        let is_layout = !node.is_named() && written.trim().is_empty();
        if is_token && (is_layout || (written == "," && ends_a_list(node))) {
            return true;
        }
        self.parts.push(Part {
            kind: node.kind_id(),
            depth,
            token: is_token.then(|| normal(language, node.kind(), written)),
        });
        if is_token && !range.is_empty() {
            self.tokens.push(range);
        }
        is_token
    }
}

/// Whether the inside of a node is text rather than code.
fn is_opaque(node: &Node<'_>) -> bool {
    let kind = node.kind();
    node.is_named()
        && (kind.contains("comment")
            || is_string(kind)
            || kind.contains("scalar")
            || kind.contains("char")
            || kind.contains("regex")
            || kind.contains("heredoc"))
}

fn is_string(kind: &str) -> bool {
    // `concatenated_string` holds strings that a formatter may put on lines of their own.
    kind.contains("string") && !kind.contains("concatenated")
}

/// Whether there is something between the children of a node that is no child.
fn hides_text(node: &Node<'_>, text: &str) -> bool {
    let mut at = node.start_byte();
    let mut cursor = node.walk();
    let mut more = cursor.goto_first_child();
    let hidden = |from: usize, to: usize| {
        text.get(from..to)
            .is_some_and(|between| !between.trim().is_empty())
    };
    while more {
        let child = cursor.node();
        if hidden(at, child.start_byte()) {
            return true;
        }
        at = child.end_byte();
        more = cursor.goto_next_sibling();
    }
    hidden(at, node.end_byte())
}

/// Whether a comma stands behind the last of several things, where a formatter may put or leave it.
fn ends_a_list(comma: &Node<'_>) -> bool {
    let (Some(parent), Some(next)) = (comma.parent(), comma.next_sibling()) else {
        return false;
    };
    let follows_something = comma
        .prev_sibling()
        .is_some_and(|before| before.is_named() && !before.is_missing());
    if !matches!(next.kind(), ")" | "]" | "}" | ">") || !follows_something {
        return false;
    }
    // A macro may tell its commas apart; a single thing with a comma can be another thing: `(a,)`.
    let kind = parent.kind();
    let single_differs = ["tuple", "pattern", "subscript", "type", "parenthesized"]
        .iter()
        .any(|part| kind.contains(part));
    let mut cursor = parent.walk();
    let commas = parent
        .children(&mut cursor)
        .filter(|child| child.kind() == ",")
        .count();
    kind != "token_tree" && (!single_differs || commas > 1)
}

/// A token without what formatters change in it.
fn normal<'t>(language: Language, kind: &str, written: &'t str) -> Cow<'t, str> {
    if kind.contains("comment") {
        if !written.contains(['\n', '\r']) {
            return Cow::Borrowed(written.trim_end());
        }
        let lines: Vec<&str> = written.lines().map(str::trim).collect();
        return Cow::Owned(lines.join("\n"));
    }
    let either_quote = matches!(
        language,
        Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Css
            | Language::Ruby
            | Language::Lua
    );
    if either_quote
        && is_string(kind)
        && let Some(inner) = written
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''))
        && !inner.contains(['\'', '"', '\\', '#', '\n', '\r'])
    {
        return Cow::Owned(format!("\"{inner}\""));
    }
    Cow::Borrowed(written)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn same(language: Language, one: &str, other: &str) -> bool {
        let read = |text| Shape::of(language, text).unwrap();
        let alike = read(one) == read(other);
        assert!(!alike || read(one).tokens().len() == read(other).tokens().len());
        alike
    }

    #[test]
    fn layout_is_nothing() {
        use Language::{Go, JavaScript, Json, Python, Rust};
        for (language, one, other) in [
            (
                Rust,
                "fn f(a: u8, b: u8) {g(a)}",
                "fn f(\n    a: u8,\n    b: u8,\n) {\n    g(a)\n}\n",
            ),
            (Python, "f(a, 'b')\n", "f(\n    a,\n    \"b\",\n)\n"),
            (
                Python,
                "if x:\n  y = 1\n  z = 2\n",
                "if x:\n    y = 1\n\n    z = 2\n",
            ),
            (JavaScript, "f({a: 'x', b})", "f({\n  a: \"x\",\n  b,\n})\n"),
            (
                Go,
                "func f() {\nx := 1\n\ty()\n}\n",
                "func f() {\n\tx := 1\n\n\ty()\n}\n",
            ),
            (Json, "{\"a\":[1,2]}", "{\n  \"a\": [1, 2]\n}\n"),
            (JavaScript, "/* a\n   b */\nx", "/* a\nb */ x"),
        ] {
            assert!(same(language, one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn meaning_is_something() {
        use Language::{Bash, JavaScript, Markdown, Python, Rust, Yaml};
        for (language, one, other) in [
            (Python, "x = (a,)\n", "x = (a)\n"),
            (Python, "x[a,]\n", "x[a]\n"),
            (
                Python,
                "if x:\n    y = 1\n    z = 2\n",
                "if x:\n    y = 1\nz = 2\n",
            ),
            (
                JavaScript,
                "function f() { return a\n}",
                "function f() { return\na }",
            ),
            (JavaScript, "x = ['a', , ]", "x = ['a', ]"),
            (JavaScript, "x = 'a\"b'", "x = \"a'b\""),
            (JavaScript, "x = ' a'", "x = 'a'"),
            (Rust, "m!(a,)", "m!(a)"),
            (Rust, "let x: (A,) = y;", "let x: (A) = y;"),
            (Rust, "a - b", "a -c"),
            (Bash, "echo 'a'", "echo \"a\""),
            (Yaml, "a:\n  b: 1\nc: 2\n", "a:\n  b: 1\n  c: 2\n"),
            (Markdown, "# a\n", "# b\n"),
        ] {
            assert!(!same(language, one, other), "{one:?} {other:?}");
        }
    }
}
