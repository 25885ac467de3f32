//! Where the comments are.

use pleach_text::{ByteOffset, ByteRange};
use tree_sitter::Node;

use crate::walk::{Preorder, path_to, range_of, text_of};
use crate::{Language, Syntax};

/// Every comment, in order, with its markers, without its line break. `text` is what was parsed.
///
/// Lines of comments that follow each other are comments each.
pub fn comments(syntax: &Syntax, text: &str) -> Vec<ByteRange> {
    let mut found = Vec::new();
    let mut walk = Preorder::new(syntax.root());
    loop {
        let comment = comment_range(syntax.language(), walk.node(), text);
        let descend = comment.is_none();
        found.extend(comment);
        if !walk.advance(descend) {
            return found;
        }
    }
}

/// The comment that holds a place; the place directly behind it belongs to it too, for that is where
/// one stops typing. `text` is what was parsed.
///
/// ```
/// use pleach_grammars::{Language, comment_at, parse};
///
/// let text = "x = 1  # the rest\r\n";
/// let found = comment_at(&parse(Language::Python, text), text, 17.into());
/// assert_eq!(found.unwrap().of(text), Some("# the rest"));
/// ```
pub fn comment_at(syntax: &Syntax, text: &str, at: ByteOffset) -> Option<ByteRange> {
    let holding = |at: ByteOffset| {
        path_to(syntax.root(), ByteRange::empty(at))
            .into_iter()
            .find_map(|node| comment_range(syntax.language(), node, text))
    };
    [at, ByteOffset(at.0.saturating_sub(1))]
        .into_iter()
        .filter_map(holding)
        .find(|comment| comment.start <= at && at <= comment.end)
}

fn comment_range(language: Language, node: Node<'_>, text: &str) -> Option<ByteRange> {
    let is_comment = match language {
        // Markdown has no comments of its own: people use HTML's.
        Language::Markdown => {
            node.kind() == "html_block" && text_of(node, text).trim_start().starts_with("<!--")
        }
        _ => node.is_named() && is_comment_kind(node.kind()),
    };
    if !is_comment {
        return None;
    }
    let range = range_of(node);
    let written = range.of(text)?.trim_end();
    (!written.is_empty()).then(|| ByteRange::new(range.start, range.start + written.len()))
}

/// The kinds that the grammars give to whole comments.
pub(crate) fn is_comment_kind(kind: &str) -> bool {
    matches!(
        kind,
        "comment"
            | "line_comment"
            | "block_comment"
            | "multiline_comment"
            | "html_comment"
            | "js_comment"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[track_caller]
    fn check(language: Language, text: &str, expected: &[&str]) {
        let syntax = parse(language, text);
        let found: Vec<&str> = comments(&syntax, text)
            .into_iter()
            .filter_map(|range| range.of(text))
            .collect();
        assert_eq!(found, expected, "{language}");
    }

    #[test]
    fn every_language_with_comments_is_read() {
        for language in Language::ALL {
            let syntax = language.comment_syntax();
            let open = if language == Language::Php {
                "<?php\n"
            } else {
                ""
            };
            for line in syntax.line {
                check(
                    language,
                    &format!("{open}{line} ai: x\r\n"),
                    &[&format!("{line} ai: x")],
                );
            }
            for (start, end) in syntax.block {
                let block = format!("{start}\nai: x\n{end}");
                check(language, &format!("{open}{block}\n"), &[&block]);
            }
        }
    }

    #[test]
    fn comments_inside_code_and_strings() {
        check(
            Language::Rust,
            "/// doc\r\nfn f() { /* a /* b */ */ \"// no\" } // c",
            &["/// doc", "/* a /* b */ */", "// c"],
        );
        check(
            Language::Python,
            "x = '# no' # yes\n\"\"\"no\"\"\"\n",
            &["# yes"],
        );
        check(Language::Json, "// yes\n{\"a\": \"// no\"}", &["// yes"]);
        check(
            Language::JavaScript,
            "#!/usr/bin/env node\n`// no ${ /* yes */ 1 }`",
            &["/* yes */"],
        );
    }

    #[test]
    fn a_place_in_or_right_behind_a_comment() {
        let text = "x = 1 # one\n# two\ny = '# no'\n";
        let syntax = parse(Language::Python, text);
        let at =
            |at: usize| comment_at(&syntax, text, ByteOffset(at)).and_then(|range| range.of(text));
        assert_eq!(at(5), None);
        assert_eq!(at(6), Some("# one"));
        assert_eq!(at(11), Some("# one"));
        assert_eq!(at(12), Some("# two"));
        assert_eq!(at(17), Some("# two"));
        assert_eq!(at(25), None);
        assert_eq!(at(1000), None);
    }
}
