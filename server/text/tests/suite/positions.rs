//! Positions against a naive reading of the protocol's text.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use pleach_text::{
    ByteOffset, EncodedPosition, Line, PositionEncoding, byte_of, line_column, position_of, resolve,
};
use proptest::prelude::*;
use ropey::Rope;

const ENCODINGS: [PositionEncoding; 3] = [
    PositionEncoding::Utf8,
    PositionEncoding::Utf16,
    PositionEncoding::Utf32,
];

/// Pieces that make trouble: every line break, what only looks like one, wide characters.
fn trouble() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("a"),
        Just("bc"),
        Just("\t"),
        Just("é"),
        Just("€"),
        Just("𝒳"),
        Just("👩‍👩‍👧"),
        Just("\u{2028}"),
        Just("\u{2029}"),
        Just("\u{85}"),
        Just("\u{0b}"),
        Just("\u{0c}"),
        Just("\u{feff}"),
        Just("e\u{301}"),
        Just("\0"),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Start and end (without the line break) of every line, found one character at a time.
fn naive_lines(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let break_len = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\r' | b'\n' => 1,
            _ => 0,
        };
        if break_len > 0 {
            lines.push((start, at));
            start = at + break_len;
        }
        at += break_len.max(1);
    }
    lines.push((start, bytes.len()));
    lines
}

fn units(text: &str, encoding: PositionEncoding) -> usize {
    match encoding {
        PositionEncoding::Utf8 => text.len(),
        PositionEncoding::Utf16 => text.encode_utf16().count(),
        PositionEncoding::Utf32 => text.chars().count(),
    }
}

/// The place, and whether nothing had to be clamped or rounded.
fn naive_byte_of(text: &str, at: EncodedPosition, encoding: PositionEncoding) -> (usize, bool) {
    let Some(&(start, end)) = naive_lines(text).get(at.line.index()) else {
        return (text.len(), false);
    };
    let column = at.column as usize;
    let line = &text[start..end];
    let mut passed = 0;
    for (index, char) in line.char_indices() {
        if passed == column {
            return (start + index, true);
        }
        let next = passed + units(char.encode_utf8(&mut [0; 4]), encoding);
        if next > column {
            return (start + index, false);
        }
        passed = next;
    }
    (end, passed == column)
}

fn naive_position_of(text: &str, at: usize, encoding: PositionEncoding) -> EncodedPosition {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let lines = naive_lines(text);
    let index = lines.iter().rposition(|(start, _)| *start <= at).unwrap();
    let (start, end) = lines[index];
    EncodedPosition {
        line: Line::from_index(index),
        column: u32::try_from(units(&text[start..at.min(end)], encoding)).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_position_is_where_the_naive_reading_finds_it(
        text in trouble(), line in 0_u32..50, column in prop_oneof![0_u32..20, Just(u32::MAX)],
    ) {
        let rope = Rope::from_str(&text);
        let at = EncodedPosition { line: Line(line), column };
        for encoding in ENCODINGS {
            let (byte, exact) = naive_byte_of(&text, at, encoding);
            prop_assert_eq!(byte_of(&rope, at, encoding), ByteOffset(byte));
            prop_assert_eq!(resolve(&rope, at, encoding).is_exact, exact);
        }
    }

    #[test]
    fn a_place_has_the_position_that_the_naive_reading_gives(text in trouble(), at in 0_usize..200) {
        let rope = Rope::from_str(&text);
        for encoding in ENCODINGS {
            let position = position_of(&rope, ByteOffset(at), encoding);
            prop_assert_eq!(position, naive_position_of(&text, at, encoding));
            prop_assert!(resolve(&rope, position, encoding).is_exact);
        }
        let (line, column) = line_column(&text, ByteOffset(at));
        let position = naive_position_of(&text, at, PositionEncoding::Utf8);
        prop_assert_eq!((line, column), (position.line, position.column as usize));
    }

    #[test]
    fn there_and_back(text in trouble()) {
        let rope = Rope::from_str(&text);
        for (at, _) in text.char_indices() {
            let inside_crlf = at > 0 && text[..at].ends_with('\r') && text[at..].starts_with('\n');
            for encoding in ENCODINGS {
                let back = byte_of(&rope, position_of(&rope, ByteOffset(at), encoding), encoding);
                prop_assert_eq!(back, ByteOffset(if inside_crlf { at - 1 } else { at }));
            }
        }
    }
}

fn utf16(text: &str, line: u32, column: u32) -> (usize, bool) {
    let rope = Rope::from_str(text);
    let at = EncodedPosition {
        line: Line(line),
        column,
    };
    let encoding = PositionEncoding::Utf16;
    (
        byte_of(&rope, at, encoding).0,
        resolve(&rope, at, encoding).is_exact,
    )
}

#[test]
fn a_column_behind_the_line_means_its_end() {
    assert_eq!(utf16("ab\r\ncd", 0, 99), (2, false));
    assert_eq!(utf16("ab\r\ncd", 0, 2), (2, true));
    assert_eq!(
        utf16("ab\r\ncd", 0, 3),
        (2, false),
        "no position between CR and LF"
    );
    assert_eq!(utf16("ab\r\ncd", 1, 2), (6, true));
}

#[test]
fn a_line_behind_the_last_means_the_end() {
    assert_eq!(
        utf16("ab\n", 1, 0),
        (3, true),
        "the empty line after the final line break"
    );
    assert_eq!(utf16("ab\n", 2, 0), (3, false));
    assert_eq!(utf16("", 0, 0), (0, true));
    assert_eq!(utf16("", u32::MAX, u32::MAX), (0, false));
}

#[test]
fn half_a_surrogate_pair_means_the_character() {
    assert_eq!(utf16("a😀b", 0, 1), (1, true));
    assert_eq!(utf16("a😀b", 0, 2), (1, false));
    assert_eq!(utf16("a😀b", 0, 3), (5, true));
}

#[test]
fn line_separator_and_next_line_end_no_line() {
    assert_eq!(utf16("a\u{2028}b\u{85}c", 0, 4), (7, true));
    assert_eq!(utf16("a\u{2028}b\u{85}c", 1, 0), (8, false));
}

#[test]
fn people_count_lines_from_one() {
    assert_eq!(Line(0).to_string(), "1");
    assert_eq!(Line(41).number(), 42);
}
