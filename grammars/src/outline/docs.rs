//! What stands above a definition and belongs to it: documentation, attributes, decorators.

use pleach_text::{ByteOffset, ByteRange};
use tree_sitter::Node;

use super::has_marker;
use crate::Language;
use crate::walk::{range_of, text_of};

/// How a language tells documentation from other comments.
#[derive(Clone, Copy)]
pub(super) enum DocStyle {
    /// It begins with one of these.
    Marked(&'static [&'static str]),
    /// It stands directly above, with no line between.
    Adjacent,
    /// It is a string at the start of the body.
    Docstring,
    /// There is none.
    Never,
}

impl DocStyle {
    pub(super) fn of(language: Language) -> Self {
        match language {
            Language::Rust | Language::Swift | Language::CSharp => Self::Marked(&["///", "/**"]),
            Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Kotlin
            | Language::Scala
            | Language::Php => Self::Marked(&["/**"]),
            // Since Java 23 documentation may also be Markdown after three slashes.
            Language::Java => Self::Marked(&["/**", "///"]),
            Language::Zig => Self::Marked(&["///"]),
            Language::Python => Self::Docstring,
            Language::Go
            | Language::C
            | Language::Cpp
            | Language::Ruby
            | Language::Lua
            | Language::Bash
            | Language::Yaml
            | Language::Toml
            | Language::Css => Self::Adjacent,
            Language::Json | Language::Html | Language::Markdown => Self::Never,
        }
    }
}

/// Whether a node may belong to the sibling behind it.
pub(super) fn leads(language: Language, node: Node<'_>) -> bool {
    node.is_extra() && node.is_named() && node.kind().contains("comment")
        || is_attribute(language, node)
}

fn is_attribute(language: Language, node: Node<'_>) -> bool {
    match language {
        Language::Rust => node.kind() == "attribute_item",
        Language::JavaScript | Language::TypeScript | Language::Tsx => node.kind() == "decorator",
        _ => false,
    }
}

/// What of the leading nodes belongs to a definition.
#[derive(Default)]
pub(super) struct Leading {
    /// Where its attributes begin.
    pub(super) attributes: Option<ByteOffset>,
    /// Its documentation.
    pub(super) doc: Option<ByteRange>,
}

/// Sorts out what stands before a definition, from the nearest to the farthest.
pub(super) fn leading(
    language: Language,
    nodes: &[Node<'_>],
    definition: ByteRange,
    text: &str,
) -> Leading {
    let mut found = Leading::default();
    let mut below = definition.start;
    for node in nodes.iter().rev() {
        let range = without_line_break(range_of(*node), text);
        if is_attribute(language, *node) {
            if language == Language::Rust && is_doc_attribute(*node, text) {
                found.doc = Some(found.doc.map_or(range, |doc| doc.cover(range)));
            } else {
                found.attributes = Some(range.start);
            }
            below = range.start;
            continue;
        }
        if is_directive(language, *node, text) && is_adjacent(range, below, text) {
            found.attributes = Some(range.start);
            below = range.start;
            continue;
        }
        if !begins_its_line(range.start, text) {
            break;
        }
        match DocStyle::of(language) {
            DocStyle::Marked(markers) => {
                if has_marker(*node, text, markers) {
                    // Block comments do not add up: the nearest one counts.
                    let is_block = text_of(*node, text).starts_with("/*");
                    if found.doc.is_some() && is_block {
                        break;
                    }
                    found.doc = Some(found.doc.map_or(range, |doc| doc.cover(range)));
                    if is_block {
                        break;
                    }
                } else if found.doc.is_some() || !is_adjacent(range, below, text) {
                    break;
                }
            }
            DocStyle::Adjacent => {
                if !is_adjacent(range, below, text) || text_of(*node, text).starts_with("#!") {
                    break;
                }
                found.doc = Some(found.doc.map_or(range, |doc| doc.cover(range)));
            }
            DocStyle::Docstring | DocStyle::Never => break,
        }
        below = range.start;
    }
    found
}

/// `#[doc = "…"]` is documentation, `#[doc(hidden)]` is not.
fn is_doc_attribute(attribute: Node<'_>, text: &str) -> bool {
    text_of(attribute, text)
        .strip_prefix("#[doc")
        .is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// A comment that tells a tool something: `//go:noinline`, `//nolint`.
fn is_directive(language: Language, comment: Node<'_>, text: &str) -> bool {
    let comment = text_of(comment, text);
    language == Language::Go
        && (comment.starts_with("//go:")
            || comment.starts_with("//nolint")
            || comment.starts_with("//export "))
}

/// Whether nothing but one line break and blanks lies between a comment and what is below it.
fn is_adjacent(comment: ByteRange, below: ByteOffset, text: &str) -> bool {
    text.get(comment.end.0..below.0).is_some_and(|between| {
        between.trim().is_empty()
            && between.replace("\r\n", "\n").matches(['\n', '\r']).count() <= 1
    })
}

fn begins_its_line(at: ByteOffset, text: &str) -> bool {
    text.get(..at.0).is_some_and(|before| {
        let line = before.rsplit(['\n', '\r']).next().unwrap_or("");
        line.trim_start_matches('\u{feff}').trim().is_empty()
    })
}

/// Some grammars let a line comment take its line break with it.
fn without_line_break(range: ByteRange, text: &str) -> ByteRange {
    match text.get(range.as_usize()) {
        Some(covered) => ByteRange::new(
            range.start,
            range.start + covered.trim_end_matches(['\n', '\r']).len(),
        ),
        None => range,
    }
}

/// The string at the start of a Python body.
pub(crate) fn docstring(body: Node<'_>) -> Option<ByteRange> {
    let mut cursor = body.walk();
    let first = body
        .named_children(&mut cursor)
        .find(|child| !child.is_extra())?;
    let string = first
        .named_child(0)
        .filter(|_| first.kind() == "expression_statement")?;
    matches!(string.kind(), "string" | "concatenated_string").then(|| range_of(string))
}

/// Where a definition ends: with the semicolon that some grammars leave outside, without blank lines
/// that others take in.
pub(super) fn end_of(language: Language, range: ByteRange, text: &str) -> ByteOffset {
    let Some(covered) = text.get(range.as_usize()) else {
        return range.end;
    };
    let end = range.start + covered.trim_end().len();
    let takes_semicolon = matches!(
        language,
        Language::C
            | Language::Cpp
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::CSharp
            | Language::Php
    );
    if takes_semicolon && text.as_bytes().get(end.0) == Some(&b';') {
        end + 1
    } else {
        end
    }
}
