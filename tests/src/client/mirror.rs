//! The client's own copy of a document, and its own arithmetic of positions.
//!
//! Written from the protocol's words and without the server's code, so that the two can disagree.

use serde_json::{Value, json};

/// What the columns of positions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Utf8,
    /// Halves of UTF-16 pairs.
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

impl Unit {
    /// From the name that the protocol gives it.
    pub fn named(name: &str) -> Self {
        match name {
            "utf-8" => Self::Utf8,
            "utf-32" => Self::Utf32,
            _ => Self::Utf16,
        }
    }

    fn of(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// An open document.
#[derive(Clone, Debug)]
pub struct Document {
    /// As it was opened.
    pub uri: String,
    /// The language it was opened as.
    pub language: String,
    /// The version last told to the server.
    pub version: i32,
    /// The text, exactly.
    pub text: String,
}

/// Byte offset of each line's beginning, and of its end without the line break.
fn lines(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let end = at;
        at += match (bytes[at], bytes.get(at + 1)) {
            (b'\r', Some(b'\n')) => 2,
            (b'\r' | b'\n', _) => 1,
            _ => {
                at += 1;
                continue;
            }
        };
        found.push((start, end));
        start = at;
    }
    found.push((start, text.len()));
    found
}

/// The byte at a position. A column past the end of its line means the end of the line, a line past
/// the last means the end of the text.
pub fn offset(text: &str, position: &Value, unit: Unit) -> usize {
    let number = |name: &str| usize::try_from(position[name].as_u64().expect(name)).expect(name);
    let Some((start, end)) = lines(text).get(number("line")).copied() else {
        return text.len();
    };
    let (mut left, mut at) = (number("character"), start);
    for character in text[start..end].chars() {
        let width = unit.of(character);
        if width > left {
            break;
        }
        left -= width;
        at += character.len_utf8();
    }
    at
}

/// The position of a byte.
pub fn position(text: &str, offset: usize, unit: Unit) -> Value {
    let lines = lines(text);
    let line = lines
        .iter()
        .rposition(|(start, _)| *start <= offset)
        .expect("line 0 starts at 0");
    let before = &text[lines[line].0..offset];
    let column: usize = before.chars().map(|character| unit.of(character)).sum();
    json!({"line": line, "character": column})
}

/// A range of bytes as the protocol says it.
pub fn range(text: &str, from: usize, to: usize, unit: Unit) -> Value {
    json!({"start": position(text, from, unit), "end": position(text, to, unit)})
}

/// Text edits of one document as byte ranges, in the order of the text. `Err` if two overlap.
pub(super) fn resolve(
    text: &str,
    edits: &[Value],
    unit: Unit,
) -> Result<Vec<(usize, usize, String)>, String> {
    let mut resolved: Vec<_> = edits
        .iter()
        .map(|edit| {
            let from = offset(text, &edit["range"]["start"], unit);
            let to = offset(text, &edit["range"]["end"], unit);
            (
                from,
                to,
                edit["newText"].as_str().expect("newText").to_owned(),
            )
        })
        .collect();
    resolved.sort_by_key(|(from, to, _)| (*from, *to));
    for pair in resolved.windows(2) {
        if pair[0].1 > pair[1].0 {
            return Err(format!("edits overlap at byte {}", pair[1].0));
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_what_was_agreed() {
        let text = "a\r\né𝄞b\rc";
        for (unit, column) in [(Unit::Utf8, 6), (Unit::Utf16, 3), (Unit::Utf32, 2)] {
            let at = text.find('b').unwrap();
            assert_eq!(
                position(text, at, unit),
                json!({"line": 1, "character": column})
            );
            assert_eq!(offset(text, &position(text, at, unit), unit), at);
        }
        let last = json!({"line": 2, "character": 0});
        assert_eq!(offset(text, &last, Unit::Utf16), text.find('c').unwrap());
        assert_eq!(
            offset(text, &json!({"line": 0, "character": 99}), Unit::Utf16),
            1
        );
        assert_eq!(
            offset(text, &json!({"line": 99, "character": 0}), Unit::Utf16),
            text.len()
        );
    }
}
