//! Whether two texts have the same code, whatever their comments say.

use pleach_text::ByteRange;
use tree_sitter::Node;

use crate::comments::is_comment_kind;
use crate::outline::docstring;
use crate::walk::{Preorder, range_of, text_of};
use crate::{Language, Syntax};

/// Where two texts have different code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeDifference {
    /// What is there in the first; empty at its end.
    pub before: ByteRange,
    /// What is there in the second; empty at its end.
    pub after: ByteRange,
}

/// The first place where two texts of one language differ in more than comments and docstrings; `None`
/// proves that nothing else differs. Their syntax trees are compared without both: the kind, the depth and
/// the words of everything that is left. A string counts with every blank in it.
///
/// ```
/// use pleach_grammars::{Language, code_difference, parse};
///
/// let differs = |before: &str, after: &str| {
///     let [one, two] = [before, after].map(|text| parse(Language::Python, text));
///     code_difference((&one, before), (&two, after)).is_some()
/// };
/// let code = "def f(x):\n    return x\n";
/// assert!(!differs(code, "def f(x):\n    '''Gives it back.'''\n    return x  # as it is\n"));
/// assert!(differs(code, "def f(x):\n    '''Gives it back.'''\n    return x + 1\n"));
/// assert!(differs(code, "def f(x):\n    return 'x'\n"));
/// ```
pub fn code_difference(
    (before, before_text): (&Syntax, &str),
    (after, after_text): (&Syntax, &str),
) -> Option<CodeDifference> {
    let mut ours = Code::of(before, before_text);
    let mut theirs = Code::of(after, after_text);
    loop {
        let (one, two) = (ours.next(), theirs.next());
        let is_same = match (&one, &two) {
            (None, None) => return None,
            (Some(one), Some(two)) => one.is(two),
            _ => false,
        };
        if !is_same {
            let at = |piece: Option<Piece<'_>>, text: &str| {
                piece.map_or(ByteRange::empty(text.len().into()), |piece| piece.at)
            };
            return Some(CodeDifference {
                before: at(one, before_text),
                after: at(two, after_text),
            });
        }
    }
}

/// A node that is code.
struct Piece<'a> {
    depth: usize,
    kind: &'a str,
    /// What it says; nothing for a node whose children say it.
    words: &'a str,
    at: ByteRange,
}

impl Piece<'_> {
    fn is(&self, other: &Piece<'_>) -> bool {
        (self.depth, self.kind, self.words) == (other.depth, other.kind, other.words)
    }
}

/// The code of a text, without its comments and docstrings, in the order of the tree.
struct Code<'t> {
    walk: Preorder<'t>,
    language: Language,
    text: &'t str,
    is_over: bool,
    /// The string that is the documentation of the body that was entered last.
    doc: Option<ByteRange>,
}

impl<'t> Code<'t> {
    fn of(syntax: &'t Syntax, text: &'t str) -> Self {
        Self {
            walk: Preorder::new(syntax.root()),
            language: syntax.language(),
            text,
            is_over: false,
            doc: None,
        }
    }

    /// Remembers the docstring of a body.
    fn note_docstring(&mut self, node: Node<'t>) {
        let is_body = self.language == Language::Python
            && match node.kind() {
                "module" => true,
                "block" => node.parent().is_some_and(|parent| {
                    matches!(parent.kind(), "function_definition" | "class_definition")
                }),
                _ => false,
            };
        if is_body {
            self.doc = docstring(node);
        }
    }

    fn is_doc(&self, node: Node<'t>) -> bool {
        // What is worked out when the program runs is no documentation.
        let is_plain = |string: Node<'_>| {
            let mut cursor = string.walk();
            string
                .named_children(&mut cursor)
                .all(|part| part.kind() != "interpolation")
        };
        node.kind() == "expression_statement"
            && node.named_child_count() == 1
            && node.named_child(0).is_some_and(|string| {
                string.kind() == "string" && self.doc == Some(range_of(string)) && is_plain(string)
            })
    }

    fn is_comment(&self, node: Node<'t>) -> bool {
        match self.language {
            // A comment of HTML is a block of the document, which may hold more.
            Language::Markdown => false,
            _ => node.is_named() && is_comment_kind(node.kind()),
        }
    }

    /// The next piece.
    fn next(&mut self) -> Option<Piece<'t>> {
        while !self.is_over {
            let node = self.walk.node();
            let depth = self.walk.depth();
            if self.is_comment(node) || self.is_doc(node) {
                self.is_over = !self.walk.advance(false);
                continue;
            }
            self.note_docstring(node);
            let is_whole = node.child_count() == 0 || is_text(node.kind());
            let piece = Piece {
                depth,
                kind: node.kind(),
                words: if is_whole {
                    text_of(node, self.text)
                } else {
                    ""
                },
                at: range_of(node),
            };
            self.is_over = !self.walk.advance(!is_whole);
            return Some(piece);
        }
        None
    }
}

/// The kinds whose blanks count, of whose inside the grammars tell but a part.
fn is_text(kind: &str) -> bool {
    // Strings side by side are no text themselves: comments may stand between them.
    let is_several = kind.starts_with("concatenated") || kind.starts_with("chained");
    let is = |text: &&str| kind.contains(*text);
    // A template of Scala or C++ and a literal of Go, Kotlin or Swift can be code.
    let texts = [
        "string",
        "heredoc",
        "regex",
        "char",
        "jsx_text",
        "raw_text",
        "template_literal",
    ];
    !is_several && texts.iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[track_caller]
    fn differs(language: Language, before: &str, after: &str) -> Option<String> {
        let [one, two] = [before, after].map(|text| parse(language, text));
        let found = code_difference((&one, before), (&two, after));
        found.map(|found| found.after.of(after).unwrap_or_default().to_owned())
    }

    #[test]
    fn comments_may_come_and_go_and_nothing_else() {
        for (language, before, documented, changed) in [
            (
                Language::Rust,
                "fn f() -> u8 { 1 }\n",
                "/// One.\n///\n/// Always.\nfn f() -> u8 {\n    // here\n    1\n}\n",
                "/// One.\nfn f() -> u8 { 2 }\n",
            ),
            (
                Language::Go,
                "package a\n\nfunc F() {}\n",
                "// Package a is one.\npackage a\n\n// F does nothing.\nfunc F() {}\n",
                "package a\n\n// G does nothing.\nfunc G() {}\n",
            ),
            (
                Language::TypeScript,
                "export const a = `b  c`;\n",
                "/** A. */\nexport const a = `b  c`; // end\n",
                "/** A. */\nexport const a = `b c`;\n",
            ),
            (
                Language::Python,
                "class A:\n    x = '#'\n\n    def f(self): return 1\n",
                "\"\"\"About a.\"\"\"\nclass A:\n    \"\"\"An a.\"\"\"\n    x = '#'\n\n    def f(self): return 1  # one\n",
                "class A:\n    x = '##'\n\n    def f(self): return 1\n",
            ),
            (
                Language::Java,
                "class A { int f() { return 1; } }\n",
                "/** A. */\nclass A {\n  /** @return one */\n  int f() { return 1; }\n}\n",
                "class A { long f() { return 1; } }\n",
            ),
            (
                Language::C,
                "int f(void) { return 1; }\n",
                "/* One. */\nint f(void) { return 1; }\n",
                "/* One. */\nint f(int a) { return 1; }\n",
            ),
        ] {
            assert_eq!(differs(language, before, documented), None, "{language}");
            assert_eq!(differs(language, documented, before), None, "{language}");
            assert!(differs(language, before, changed).is_some(), "{language}");
        }
    }

    #[test]
    fn what_only_sounds_like_a_text_may_be_documented_inside() {
        for (language, before, documented, changed) in [
            (
                Language::Scala,
                "class A {\n  def f: Int = 1\n}\n",
                "class A {\n  /** One. */\n  def f: Int = 1\n}\n",
                "class A {\n  def f: Int = 2\n}\n",
            ),
            (
                Language::Cpp,
                "template <class T>\nT f(T a) { return a; }\n",
                "template <class T>\nT f(T a) { /* as it is */ return a; }\n",
                "template <class T>\nT f(T a) { return b; }\n",
            ),
            (
                Language::Go,
                "package a\n\nvar F = func() int { return 1 }\nvar L = []int{1, 2}\n",
                "package a\n\nvar F = func() int {\n\t// One.\n\treturn 1\n}\nvar L = []int{1 /* a */, 2}\n",
                "package a\n\nvar F = func() int { return 1 }\nvar L = []int{1, 3}\n",
            ),
            (
                Language::Kotlin,
                "val f = { a: Int -> a + 1 }\n",
                "val f = { a: Int -> /* one more */ a + 1 }\n",
                "val f = { a: Int -> a + 2 }\n",
            ),
            (
                Language::Swift,
                "let f = { (a: Int) in\n  a + 1\n}\n",
                "let f = { (a: Int) in\n  // One more.\n  a + 1\n}\n",
                "let f = { (a: Int) in\n  a + 2\n}\n",
            ),
            (
                Language::Python,
                "x = ('a'\n     'b  c')\n",
                "x = ('a'  # one\n     'b  c')\n",
                "x = ('a'\n     'b c')\n",
            ),
        ] {
            assert_eq!(differs(language, before, documented), None, "{language}");
            assert!(differs(language, before, changed).is_some(), "{language}");
        }
    }

    #[test]
    fn a_string_that_is_worked_out_or_used_is_code() {
        let python = |before: &str, after: &str| differs(Language::Python, before, after);
        let code = "def f():\n    g()\n";
        assert!(python(code, "def f():\n    f'''{g()}'''\n    g()\n").is_some());
        assert!(python(code, "def f():\n    g()\n    'at the end'\n").is_some());
        assert!(python(code, "def f():\n    x = 'doc'\n    g()\n").is_some());
        assert!(python(code, "if a:\n    'doc'\n    g()\n").is_some());
        // The place of a statement counts.
        let inner = "if a:\n    b()\n    c()\n";
        assert!(python(inner, "if a:\n    b()\nc()\n").is_some());
    }

    #[test]
    fn code_in_a_comment_is_gone() {
        let code = "fn f() { g(); h(); }\n";
        assert_eq!(
            differs(Language::Rust, code, "fn f() { g(); /* h(); */ }\n").as_deref(),
            Some("}")
        );
        assert!(differs(Language::Rust, "// fn f() {}\n", "fn f() {}\n").is_some());
        assert!(differs(Language::Rust, code, "").is_some());
    }
}
