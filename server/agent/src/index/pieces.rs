//! The pieces of a text that are embedded. Where they are cut depends on what stands there and not on how far
//! from the beginning it stands, so that a line more at the top leaves the pieces below it as they are.

use std::ops::Range;

use pleach_grammars::Language;
use pleach_store::{IndexedPiece, TextPrint};

/// From so many lines on a piece may end before a line without indentation that follows a blank one.
const FEW_LINES: usize = 10;
/// From so many lines on it may end after any blank line.
const SOME_LINES: usize = 24;
/// It has no more lines, and no more bytes: small models read 512 tokens.
const MOST_LINES: usize = 40;
pub(crate) const MOST_BYTES: usize = 1_500;

/// The pieces of a file: of programs and of Markdown. Others are data, or in no known language.
pub(super) fn pieces(language: Option<Language>, text: &str) -> Vec<IndexedPiece> {
    let has_meaning = |it: Language| it.is_programming() || it == Language::Markdown;
    if !language.is_some_and(has_meaning) {
        return Vec::new();
    }
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    cut(text)
        .into_iter()
        .filter_map(|(first, last, range)| {
            let piece = text.get(range).filter(|it| !it.trim().is_empty())?;
            Some(IndexedPiece {
                first: number(first),
                last: number(last),
                bytes: number(piece.len().min(MOST_BYTES)),
                print: TextPrint::of(piece),
            })
        })
        .collect()
}

/// The first and the last line of each piece, from 1, and its bytes. All of the text is in one of them.
fn cut(text: &str) -> Vec<(usize, usize, Range<usize>)> {
    let mut pieces = Vec::new();
    let (mut first, mut start) = (1, 0);
    let mut at = 0;
    let mut is_after_blank = false;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let lines = number - first;
        let is_blank = line.trim().is_empty();
        let opens = line.starts_with(|c: char| !c.is_whitespace() && !")]}".contains(c));
        let may_end = is_after_blank && !is_blank;
        let ends = lines > 0
            && (lines >= MOST_LINES
                || at - start + line.len() > MOST_BYTES
                || may_end && (lines >= SOME_LINES || lines >= FEW_LINES && opens));
        if ends {
            pieces.push((first, number - 1, start..at));
            (first, start) = (number, at);
        }
        at += line.len();
        is_after_blank = is_blank;
    }
    if at > start {
        let lines = text.get(start..).unwrap_or_default();
        let last = first + lines.split_inclusive('\n').count().saturating_sub(1);
        pieces.push((first, last, start..at));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Functions of four lines with a blank one between them.
    fn functions(count: usize) -> String {
        let mut text = String::new();
        for number in 0..count {
            let _ = write!(text, "fn f{number}() {{\n    one();\n    two();\n}}\n\n");
        }
        text
    }

    fn places(text: &str) -> Vec<(usize, usize)> {
        cut(text)
            .into_iter()
            .map(|(first, last, _)| (first, last))
            .collect()
    }

    #[test]
    fn a_piece_ends_where_something_new_begins() {
        assert_eq!(places(&functions(5)), [(1, 10), (11, 20), (21, 25)]);
        assert_eq!(places(""), []);
        assert_eq!(places("a"), [(1, 1)]);
        let long = "    x\n".repeat(100);
        assert_eq!(places(&long), [(1, 40), (41, 80), (81, 100)]);
        let wide = format!("a\n{}\nb\n", "x".repeat(2_000));
        assert_eq!(places(&wide), [(1, 1), (2, 2), (3, 3)]);
    }

    #[test]
    fn nothing_is_left_out_and_nothing_is_in_two_pieces() {
        for text in [
            functions(30),
            "a\n\n\n".repeat(50),
            "\u{feff}ä\r\n\r\nx".into(),
        ] {
            let joined: String = cut(&text)
                .into_iter()
                .filter_map(|(_, _, range)| text.get(range))
                .collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn a_line_more_changes_the_pieces_around_it_and_no_others() {
        let before = pieces(Some(Language::Rust), &functions(40));
        let after = format!("use x;\n{}", functions(40));
        let after = pieces(Some(Language::Rust), &after);
        let known = |it: &&IndexedPiece| before.iter().any(|old| old.print == it.print);
        assert_eq!(after.iter().filter(known).count(), after.len() - 1);
    }

    #[test]
    fn data_is_not_embedded() {
        assert_eq!(pieces(Some(Language::Json), "{}"), []);
        assert_eq!(pieces(None, "text"), []);
        assert_eq!(pieces(Some(Language::Markdown), "# Till\n").len(), 1);
        assert_eq!(pieces(Some(Language::Rust), "\n \n"), []);
    }
}
