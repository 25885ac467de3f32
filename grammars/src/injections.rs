//! Languages inside languages: scripts and styles of a page, code in a document.

use pleach_text::ByteRange;
use tree_sitter::{Node, Point, Range};

use crate::syntax::Place;
use crate::walk::{Preorder, child_of_kind, text_of};
use crate::{Language, Syntax};

/// A text of another language inside a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// The language of the inner text.
    pub language: Language,
    /// What belongs to it, in order and disjoint: more than one range where something of the outer
    /// text lies between, such as the `> ` of a quotation or PHP's code in a page.
    pub ranges: Vec<ByteRange>,
}

impl Injection {
    /// Parses the inner text. Places in the result are places of the whole `text`.
    ///
    /// `None` when there are no ranges, or they are not in order, or `stop` said to stop.
    pub fn parse(&self, text: &str, stop: &mut dyn FnMut() -> bool) -> Option<Syntax> {
        if self.ranges.is_empty() {
            // To the parser, no ranges are the whole text.
            return None;
        }
        let mut place = Place::default();
        let ranges: Vec<Range> = self
            .ranges
            .iter()
            .map(|range| {
                let start_point: Point = place.go_to(text, range.start);
                let end_point = place.go_to(text, range.end);
                Range {
                    start_byte: range.start.0,
                    end_byte: range.end.0,
                    start_point,
                    end_point,
                }
            })
            .collect();
        Syntax::of_ranges(self.language, text, &ranges, stop)
    }
}

/// The texts of other languages inside a text, in order: HTML's `script` and `style`, Markdown's
/// fenced code and front matter, the page around PHP's code. `text` is what was parsed.
///
/// Only those in a language that we know are told.
///
/// ```
/// use pleach_grammars::{Language, injections, parse};
///
/// let page = "<script>let a = (;</script>";
/// let inner = injections(&parse(Language::Html, page), page);
/// let script = inner[0].parse(page, &mut || false).unwrap();
/// assert_eq!(script.problems(page)[0].column, 16);
/// ```
pub fn injections(syntax: &Syntax, text: &str) -> Vec<Injection> {
    match syntax.language() {
        Language::Html => each(syntax, |node| in_html(node, text)),
        Language::Markdown => each(syntax, |node| in_markdown(node, text)),
        Language::Php => in_php(syntax),
        _ => Vec::new(),
    }
}

fn each<'a>(
    syntax: &'a Syntax,
    read: impl Fn(Node<'a>) -> Option<(Language, Vec<ByteRange>)>,
) -> Vec<Injection> {
    let mut found = Vec::new();
    let mut walk = Preorder::new(syntax.root());
    loop {
        if let Some((language, mut ranges)) = read(walk.node()) {
            ranges.retain(|range| !range.is_empty());
            if !ranges.is_empty() {
                found.push(Injection { language, ranges });
            }
        }
        if !walk.advance(true) {
            return found;
        }
    }
}

fn in_html(node: Node<'_>, text: &str) -> Option<(Language, Vec<ByteRange>)> {
    let tag = child_of_kind(node, "start_tag");
    let language = match node.kind() {
        "style_element" => match tag.and_then(|tag| attribute(tag, "lang", text)) {
            None | Some("css") => Language::Css,
            Some(_) => return None,
        },
        "script_element" => {
            let kind = tag.and_then(|tag| {
                attribute(tag, "type", text).or_else(|| attribute(tag, "lang", text))
            });
            script_language(kind)?
        }
        _ => return None,
    };
    let content = child_of_kind(node, "raw_text")?;
    Some((language, vec![ByteRange::from(content.byte_range())]))
}

/// The language of a script by its `type`, which is a media type or one of a few words.
fn script_language(kind: Option<&str>) -> Option<Language> {
    let kind = kind.unwrap_or("").trim().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or("").trim();
    match kind {
        ""
        | "module"
        | "text/javascript"
        | "application/javascript"
        | "text/ecmascript"
        | "js"
        | "application/ecmascript"
        | "text/babel"
        | "text/jsx"
        | "javascript"
        | "jsx" => Some(Language::JavaScript),
        "text/typescript" | "application/typescript" | "ts" | "typescript" => {
            Some(Language::TypeScript)
        }
        "tsx" => Some(Language::Tsx),
        "importmap" | "speculationrules" => Some(Language::Json),
        _ if kind.ends_with("/json") || kind.ends_with("+json") => Some(Language::Json),
        _ => None,
    }
}

fn attribute<'a>(tag: Node<'_>, wanted: &str, text: &'a str) -> Option<&'a str> {
    let mut cursor = tag.walk();
    let found = tag.named_children(&mut cursor).find(|child| {
        child_of_kind(*child, "attribute_name")
            .is_some_and(|name| text_of(name, text).eq_ignore_ascii_case(wanted))
    })?;
    let value = match child_of_kind(found, "quoted_attribute_value") {
        Some(quoted) => child_of_kind(quoted, "attribute_value"),
        None => child_of_kind(found, "attribute_value"),
    };
    Some(value.map_or("", |value| text_of(value, text)))
}

fn in_markdown(node: Node<'_>, text: &str) -> Option<(Language, Vec<ByteRange>)> {
    match node.kind() {
        "fenced_code_block" => {
            let info = child_of_kind(node, "info_string")?;
            let language = code_language(text_of(info, text))?;
            let content = child_of_kind(node, "code_fence_content")?;
            Some((language, without_continuations(content)))
        }
        // Front matter, without the lines that fence it.
        "minus_metadata" | "plus_metadata" => {
            let language = if node.kind() == "minus_metadata" {
                Language::Yaml
            } else {
                Language::Toml
            };
            let whole = text_of(node, text);
            let start = whole.find('\n')? + 1;
            let end = whole.trim_end().rfind('\n')? + 1;
            (start < end).then(|| {
                let base = node.start_byte();
                (language, vec![ByteRange::from(base + start..base + end)])
            })
        }
        _ => None,
    }
}

/// The language that a code fence names: ```` ```rust,no_run ````, ```` ```{.python} ````,
/// ```` ```js title="x" ````.
fn code_language(info: &str) -> Option<Language> {
    let word = info
        .trim_start_matches(['{', '.', ' '])
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | ':'))
        .next()?;
    // A transcript of a terminal is no script.
    if matches!(word, "console" | "shell-session" | "sh-session") {
        return None;
    }
    Language::from_lsp_id(word).or_else(|| Language::from_path(&format!("x.{word}")))
}

/// A node without the markers of the quotations and lists that it is in.
fn without_continuations(content: Node<'_>) -> Vec<ByteRange> {
    let mut ranges = Vec::new();
    let mut start = content.start_byte();
    let mut cursor = content.walk();
    for marker in content
        .children(&mut cursor)
        .filter(|child| child.kind() == "block_continuation")
    {
        if start < marker.start_byte() {
            ranges.push(ByteRange::from(start..marker.start_byte()));
        }
        start = marker.end_byte();
    }
    if start < content.end_byte() {
        ranges.push(ByteRange::from(start..content.end_byte()));
    }
    ranges
}

/// All of the page around the code is one text.
fn in_php(syntax: &Syntax) -> Vec<Injection> {
    let pieces = each(syntax, |node| {
        (node.kind() == "text").then(|| (Language::Html, vec![ByteRange::from(node.byte_range())]))
    });
    let ranges: Vec<ByteRange> = pieces.into_iter().flat_map(|piece| piece.ranges).collect();
    if ranges.is_empty() {
        Vec::new()
    } else {
        vec![Injection {
            language: Language::Html,
            ranges,
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[track_caller]
    fn check(language: Language, text: &str, expected: &[(Language, &[&str])]) {
        let found = injections(&parse(language, text), text);
        let found: Vec<(Language, Vec<&str>)> = found
            .iter()
            .map(|one| {
                (
                    one.language,
                    one.ranges
                        .iter()
                        .map(|range| range.of(text).unwrap_or("?"))
                        .collect(),
                )
            })
            .collect();
        let expected: Vec<(Language, Vec<&str>)> = expected
            .iter()
            .map(|(language, ranges)| (*language, ranges.to_vec()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn scripts_and_styles_of_a_page() {
        check(
            Language::Html,
            "<style>a{}</style><style lang=scss>$a</style><script type='application/ld+json'>{}</script>\
             <script src=x></script><SCRIPT type=\"module\">f()</SCRIPT><script type=text/x-template><p></script>",
            &[
                (Language::Css, &["a{}"]),
                (Language::Json, &["{}"]),
                (Language::JavaScript, &["f()"]),
            ],
        );
    }

    #[test]
    fn code_in_a_document() {
        check(
            Language::Markdown,
            "---\na: 1\n---\n# T\n```rust,no_run\nfn f() {}\n```\n> ```{.python}\n> x = (\n>   1)\n> ```\n\n~~~console\n$ ls\n~~~\n```\nplain\n```\n",
            &[
                (Language::Yaml, &["a: 1\n"]),
                (Language::Rust, &["fn f() {}\n"]),
                (Language::Python, &["x = (\n", "  1)\n"]),
            ],
        );
    }

    #[test]
    fn the_page_around_code() {
        let text = "<p class=\"<?= $c ?>\">\n<?php if ($a): ?>x<?php endif ?></p>\n";
        let host = parse(Language::Php, text);
        let inner = injections(&host, text);
        assert_eq!(inner.len(), 1);
        let page = inner
            .first()
            .and_then(|page| page.parse(text, &mut || false));
        assert_eq!(page.map(|page| page.problems(text)), Some(vec![]));
    }

    #[test]
    fn problems_inside_have_places_of_the_whole() {
        let text = "<p>\n<script>\nlet x = [1, 2;\n</script>\n";
        let inner = injections(&parse(Language::Html, text), text);
        let problems = inner
            .first()
            .and_then(|script| script.parse(text, &mut || false))
            .map(|script| script.problems(text))
            .unwrap_or_default();
        let shown: Vec<String> = problems
            .iter()
            .map(|problem| {
                format!(
                    "{}:{}: {problem}",
                    problem.line.number(),
                    problem.column + 1
                )
            })
            .collect();
        assert_eq!(shown, ["3:14: missing `]`"]);
    }
}
