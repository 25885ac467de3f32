//! What a free text asks for, if it is one of the few things that can be done without a model.
//!
//! The whole text has to be understood: one word too many and nothing is recognised. A request that
//! is almost understood is a request that would be carried out wrong.

/// What a person asked for in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Intent {
    /// Give something another name.
    Rename {
        /// Its present name; `None` means what stands at the place.
        from: Option<String>,
        /// The name that it gets.
        to: String,
    },
    /// Write a doc comment.
    Document {
        /// The symbol; `None` means the one at the place.
        name: Option<String>,
    },
    /// Write test skeletons.
    Tests {
        /// The symbol; `None` means the one at the place.
        name: Option<String>,
    },
    /// Turn an `if` round.
    Invert,
    /// Derive traits for a type.
    Derive {
        /// The traits.
        names: Vec<String>,
    },
    /// Add the arms or the members that are missing.
    Complete,
    /// Remove an import that the person says is not used.
    RemoveUnusedImport {
        /// Its name or path; `None` means the one at the place.
        name: Option<String>,
    },
}

/// Reads a free text. `None` when any part of it is not understood.
pub(super) fn understand(instruction: &str) -> Option<Intent> {
    // A long text says more than these requests can.
    if instruction.len() > 200 {
        return None;
    }
    let mut words = Words::new(instruction);
    if words.eat(&["can", "could", "would"]) {
        words.eat(&["you"]).then_some(())?;
    }
    words.eat(&["please"]);
    let intent = request(&mut words)?;
    words.eat(&["please"]);
    words.is_done().then_some(intent)
}

fn request(words: &mut Words<'_>) -> Option<Intent> {
    if words.eat(&["rename"]) {
        return rename(words);
    }
    if words.eat(&["document"]) {
        return Some(Intent::Document {
            name: target(words)?,
        });
    }
    if words.eat(&["test"]) {
        return Some(Intent::Tests {
            name: target(words)?,
        });
    }
    if words.eat(&["invert", "flip"]) {
        words.eat(&["this", "the"]);
        words.eat(&["if"]).then_some(())?;
        words.eat(&["statement", "condition", "expression"]);
        words.eat(&["here"]);
        return Some(Intent::Invert);
    }
    if words.eat(&["derive"]) {
        let mut names = Vec::new();
        while !words.is_at_end() {
            words.eat(&["and"]);
            let name = words.identifier()?;
            super::derive::is_derived(&name).then_some(())?;
            names.push(name);
        }
        return (!names.is_empty()).then_some(Intent::Derive { names });
    }
    if words.eat_all(&["add", "the", "missing"]) || words.eat_all(&["add", "missing"]) {
        words.eat(&OWNERS);
        words.eat(&PARTS).then_some(())?;
        words.eat(&["here"]);
        return Some(Intent::Complete);
    }
    if words.eat(&["remove", "delete", "drop"]) {
        words.eat(&["the", "this", "that"]);
        words.eat(&["unused"]).then_some(())?;
        words.eat(&["import"]).then_some(())?;
        let name = if words.is_at_end() {
            None
        } else {
            Some(words.path()?)
        };
        return Some(Intent::RemoveUnusedImport { name });
    }
    if words.eat(&["add", "write", "create", "generate"]) {
        words.eat(&["a", "an", "the", "some", "missing"]);
        words.eat(&["missing"]);
        let document = doc_noun(words);
        if !document {
            words.eat(&["unit", "failing"]);
            words.eat(&["test", "tests"]).then_some(())?;
            words.eat(&["skeleton", "skeletons", "case", "cases"]);
        }
        let name = if words.eat(&["for", "to", "on", "of", "here"]) {
            target(words)?
        } else {
            None
        };
        return Some(if document {
            Intent::Document { name }
        } else {
            Intent::Tests { name }
        });
    }
    None
}

fn doc_noun(words: &mut Words<'_>) -> bool {
    if words.eat(&[
        "docs",
        "docstring",
        "docstrings",
        "documentation",
        "jsdoc",
        "tsdoc",
        "rustdoc",
        "godoc",
        "doc",
        "doc-comment",
    ]) {
        words.eat(&["comment", "comments", "string"]);
        return true;
    }
    false
}

fn rename(words: &mut Words<'_>) -> Option<Intent> {
    let mut from = None;
    if !words.eat(&["to", "into"]) {
        let pointed = words.eat(&["this", "that", "it"]);
        if !pointed {
            words.eat(&["the"]);
        }
        // `rename class to kind` renames what is called `class`, `rename the class Foo to Bar` does not.
        if words.eat_before_another(KINDS, &["to", "into"]) || pointed {
            words.eat(KINDS);
        }
        if !words.eat(&["to", "into", "->", "=>"]) {
            from = Some(words.identifier()?);
            words.eat(&["to", "into", "->", "=>"]).then_some(())?;
        }
    }
    Some(Intent::Rename {
        from,
        to: words.identifier()?,
    })
}

/// `this`, `this function`, `the function foo`, `foo`, or nothing.
#[expect(
    clippy::option_option,
    reason = "not understood, nothing named, or a name"
)]
fn target(words: &mut Words<'_>) -> Option<Option<String>> {
    if words.is_at_end() {
        return Some(None);
    }
    if words.eat(&["this", "it", "that", "here"]) {
        words.eat(KINDS);
        return Some(None);
    }
    if words.eat(&["the"]) {
        words.eat(KINDS);
        if words.is_at_end() {
            return Some(None);
        }
    }
    let name = words.identifier()?;
    if !KINDS.contains(&name.as_str()) {
        words.eat(KINDS);
    }
    Some(Some(name))
}

/// What people call the things that have names.
const KINDS: &[&str] = &[
    "argument",
    "class",
    "constant",
    "const",
    "enum",
    "function",
    "identifier",
    "interface",
    "local",
    "method",
    "parameter",
    "struct",
    "symbol",
    "trait",
    "type",
    "variable",
];

/// What is completed, and what it is a part of.
const PARTS: [&str; 6] = ["arms", "arm", "members", "member", "methods", "functions"];
const OWNERS: [&str; 4] = ["match", "trait", "interface", "abstract"];

struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        let words = text
            .split_whitespace()
            .map(|word| word.trim_matches(['`', '\'', '"', '‘', '’', '“', '”', ',']))
            .map(|word| word.trim_end_matches(['.', '!', '?', ';']))
            .map(|word| word.trim_matches(['`', '\'', '"', '‘', '’', '“', '”']))
            .map(|word| word.strip_suffix("()").unwrap_or(word))
            .filter(|word| !word.is_empty())
            .collect();
        Self { words, at: 0 }
    }

    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn is_done(&self) -> bool {
        self.at >= self.words.len()
    }

    /// At the end, or before a closing `please`.
    fn is_at_end(&self) -> bool {
        self.peek()
            .is_none_or(|word| word.eq_ignore_ascii_case("please"))
    }

    fn eat(&mut self, any: &[&str]) -> bool {
        let eaten = self
            .peek()
            .is_some_and(|word| any.iter().any(|a| a.eq_ignore_ascii_case(word)));
        self.at += usize::from(eaten);
        eaten
    }

    /// Eats these words one after the other if a word of the kind that is completed follows them, so that
    /// `add missing documentation` is left to others.
    fn eat_all(&mut self, all: &[&str]) -> bool {
        let is = |at: usize, any: &[&str]| {
            let word = self.words.get(self.at + at);
            word.is_some_and(|word| any.iter().any(|it| it.eq_ignore_ascii_case(word)))
        };
        let follows = is(all.len(), &OWNERS) || is(all.len(), &PARTS);
        let found = all.iter().enumerate().all(|(at, word)| is(at, &[word])) && follows;
        self.at += if found { all.len() } else { 0 };
        found
    }

    /// Eats one of `any` unless the word after it is one of `others`.
    fn eat_before_another(&mut self, any: &[&str], others: &[&str]) -> bool {
        let next = self.words.get(self.at + 1);
        let blocked = next.is_none_or(|next| others.iter().any(|o| o.eq_ignore_ascii_case(next)));
        !blocked && self.eat(any)
    }

    fn identifier(&mut self) -> Option<String> {
        let word = self.peek().filter(|word| is_identifier(word))?;
        self.at += 1;
        Some(word.to_owned())
    }

    /// An import's name: `os.path`, `std::fmt`, `./button`, `net/http`, `@scope/x`.
    fn path(&mut self) -> Option<String> {
        let allowed = |c: char| c.is_alphanumeric() || "_$.:/@-".contains(c);
        let word = self.peek().filter(|word| word.chars().all(allowed))?;
        self.at += 1;
        Some(word.to_owned())
    }
}

/// Whether a text is written like an identifier of the languages that we know.
pub(super) fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$')
        && letters.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unnecessary_wraps)]
    use super::*;

    fn rename(from: Option<&str>, to: &str) -> Option<Intent> {
        Some(Intent::Rename {
            from: from.map(str::to_owned),
            to: to.to_owned(),
        })
    }

    fn document(name: Option<&str>) -> Option<Intent> {
        Some(Intent::Document {
            name: name.map(str::to_owned),
        })
    }

    fn tests(name: Option<&str>) -> Option<Intent> {
        Some(Intent::Tests {
            name: name.map(str::to_owned),
        })
    }

    #[test]
    fn renames_are_recognised() {
        assert_eq!(understand("rename x to y"), rename(Some("x"), "y"));
        assert_eq!(
            understand("Rename `old_name` to `newName`."),
            rename(Some("old_name"), "newName")
        );
        assert_eq!(
            understand("please rename this variable to total"),
            rename(None, "total")
        );
        assert_eq!(understand("rename to total"), rename(None, "total"));
        assert_eq!(
            understand("rename the function foo to bar"),
            rename(Some("foo"), "bar")
        );
        assert_eq!(
            understand("rename foo() -> bar()"),
            rename(Some("foo"), "bar")
        );
        assert_eq!(
            understand("rename type to kind"),
            rename(Some("type"), "kind")
        );
        assert_eq!(
            understand("Could you rename it to n, please?"),
            rename(None, "n")
        );
    }

    #[test]
    fn requests_for_docs_and_tests_are_recognised() {
        for text in [
            "add a doc comment",
            "document this",
            "Document this function.",
            "write the docs",
            "add docstring",
            "generate JSDoc",
            "add missing documentation for this method",
            "please add a docstring to this",
        ] {
            assert_eq!(understand(text), document(None), "{text}");
        }
        assert_eq!(
            understand("document parse_config"),
            document(Some("parse_config"))
        );
        assert_eq!(
            understand("add docs for the function parse"),
            document(Some("parse"))
        );
        for text in [
            "write tests",
            "add a test",
            "add unit tests for this function",
            "test this",
        ] {
            assert_eq!(understand(text), tests(None), "{text}");
        }
        assert_eq!(
            understand("write a unit test for `parse`"),
            tests(Some("parse"))
        );
    }

    #[test]
    fn requests_that_a_tree_can_carry_out_are_recognised() {
        for text in ["invert if", "Invert this if.", "flip the if statement"] {
            assert_eq!(understand(text), Some(Intent::Invert), "{text}");
        }
        let names = ["Debug", "Clone"].map(str::to_owned).to_vec();
        for text in ["derive Debug, Clone", "derive Debug and Clone, please"] {
            let names = names.clone();
            assert_eq!(understand(text), Some(Intent::Derive { names }), "{text}");
        }
        for text in [
            "add missing match arms",
            "add the missing members",
            "add missing methods here",
        ] {
            assert_eq!(understand(text), Some(Intent::Complete), "{text}");
        }
        for text in [
            "derive Serialize",
            "derive",
            "invert",
            "invert the list",
            "add missing things",
        ] {
            assert_eq!(understand(text), None, "{text}");
        }
    }

    #[test]
    fn requests_to_remove_an_import_are_recognised() {
        let named = |name: Option<&str>| {
            Some(Intent::RemoveUnusedImport {
                name: name.map(str::to_owned),
            })
        };
        assert_eq!(
            understand("remove unused import os.path"),
            named(Some("os.path"))
        );
        assert_eq!(
            understand("remove the unused import `std::fmt`"),
            named(Some("std::fmt"))
        );
        assert_eq!(understand("delete this unused import"), named(None));
    }

    #[test]
    fn one_word_too_many_and_nothing_is_recognised() {
        for text in [
            "rename x to y and z to w",
            "rename all variables to something better",
            "document this in French",
            "add a doc comment that explains the algorithm",
            "write tests for the edge cases",
            "make it faster",
            "rename",
            "rename x",
            "rename x to 9lives",
            "remove the import os",
            "test",
            "",
        ] {
            let understood = understand(text);
            // `test` and `document` alone mean the place itself.
            if text == "test" {
                assert_eq!(understood, tests(None));
            } else {
                assert_eq!(understood, None, "{text}");
            }
        }
    }
}
