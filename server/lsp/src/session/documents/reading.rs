//! What a client's change means in our text.

use lsp_types::TextDocumentContentChangePartial;
use pleach_text::{
    ByteOffset, ByteRange, EncodedPosition, Line, PositionEncoding, Replacement, Resolved, byte_of,
    resolve,
};
use ropey::Rope;

use crate::client::Client;
use crate::from_proto;

/// A change as it was understood.
pub(super) struct Read {
    pub(super) replacement: Replacement,
    /// Why it may not be what the client meant.
    pub(super) doubt: Option<&'static str>,
}

/// Reads a change of `text`. Positions behind the end of a line or of the text mean that end, as the
/// protocol says.
pub(super) fn read(text: &Rope, part: TextDocumentContentChangePartial, client: &Client) -> Read {
    let encoding = client.encoding;
    let start = from_proto::position(part.range.start);
    let end = from_proto::position(part.range.end);
    let from = resolve(text, start, encoding);
    let to = if end == start {
        from
    } else {
        resolve(text, end, encoding)
    };
    let is_cut = |at, resolved: Resolved| {
        !resolved.is_exact && is_inside_character(text, at, resolved.at, encoding)
    };
    let doubt = if end < start {
        Some("a change named a range that ends before it begins")
    } else if is_cut(start, from) || is_cut(end, to) {
        Some("a change named a place inside a character")
    } else {
        None
    };
    let replacement = Replacement {
        delete: ByteRange::new(from.at, to.at),
        insert: part.text,
    };
    let replacement = if client.counts_final_break && end == behind_final_break(text) {
        without_final_break(text, replacement, start == end)
    } else {
        replacement
    };
    Read { replacement, doubt }
}

/// Whether a position that is not exactly at `found` names a place between the halves of a character. Behind
/// the end of a line or of the text is another matter: that means the end.
fn is_inside_character(
    text: &Rope,
    at: EncodedPosition,
    found: ByteOffset,
    encoding: PositionEncoding,
) -> bool {
    let end = EncodedPosition {
        column: u32::MAX,
        ..at
    };
    found != byte_of(text, end, encoding)
}

/// The position behind a line break after the last line, which the text itself does not have.
fn behind_final_break(text: &Rope) -> EncodedPosition {
    EncodedPosition {
        line: Line::from_index(text.len_lines()),
        column: 0,
    }
}

/// What `replacement` means to an editor that counts a line break at the end of `text`, where there
/// is none: its range ends behind that line break, and with `is_insertion` it begins there as well.
/// Afterwards the text ends without it again.
fn without_final_break(text: &Rope, replacement: Replacement, is_insertion: bool) -> Replacement {
    let Replacement {
        mut delete,
        mut insert,
    } = replacement;
    let line_break = |last: Option<u8>, last_but_one: Option<u8>| match (last, last_but_one) {
        (Some(b'\n'), Some(b'\r')) => 2,
        (Some(b'\n' | b'\r'), _) => 1,
        _ => 0,
    };
    let mut inserted = insert.bytes().rev();
    let kept = insert.len() - line_break(inserted.next(), inserted.next());
    if is_insertion {
        insert.truncate(kept);
        insert.insert(0, '\n');
    } else if insert.is_empty() {
        // The last lines are deleted: the break before them was not the last one, and is now.
        let before = |back: usize| text.get_byte(delete.start.0.checked_sub(back)?);
        delete.start.0 -= line_break(before(1), before(2));
    } else {
        insert.truncate(kept);
    }
    Replacement { delete, insert }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    /// What becomes of `text`, and whether there is doubt.
    fn changed(
        text: &str,
        (start, end): ((u32, u32), (u32, u32)),
        insert: &str,
        client: &Client,
    ) -> (String, bool) {
        let place = |(line, character): (u32, u32)| json!({"line": line, "character": character});
        let part = json!({"range": {"start": place(start), "end": place(end)}, "text": insert});
        let mut rope = Rope::from_str(text);
        let Read { replacement, doubt } =
            read(&rope, serde_json::from_value(part).unwrap(), client);
        let len = pleach_text::ByteOffset(rope.len_bytes());
        let change = pleach_text::ChangeSet::new(vec![replacement], len).unwrap();
        change.apply(&mut rope).unwrap();
        (rope.to_string(), doubt.is_some())
    }

    #[test]
    fn a_place_behind_an_end_means_that_end() {
        let changed = |range, text| changed("é\nb\n", range, text, &Client::default());
        assert_eq!(changed(((7, 3), (7, 90)), "x"), ("é\nb\nx".into(), false));
        assert_eq!(changed(((0, 9), (0, 9)), "y"), ("éy\nb\n".into(), false));
    }

    #[test]
    fn what_has_no_meaning_is_doubted() {
        for range in [((0, 1), (0, 2)), ((0, 3), (0, 0))] {
            let (_, doubt) = changed("𝄞b\n", range, "x", &Client::default());
            assert!(doubt, "{range:?}");
        }
    }

    /// What Neovim 0.11 sends for `o`, `dd`, `p` and `dG` at the end of a text without a final line
    /// break.
    #[test]
    fn a_final_line_break_that_only_the_editor_counts_is_left_out() {
        let neovim = Client {
            counts_final_break: true,
            ..Client::default()
        };
        for (text, range, insert, expected) in [
            ("a\nb", ((1, 1), (2, 0)), "\nc\n", "a\nb\nc"),
            ("a\nb\nc", ((2, 0), (3, 0)), "", "a\nb"),
            ("a\nb", ((2, 0), (2, 0)), "d\n", "a\nb\nd"),
            ("a\nb\nd", ((1, 0), (3, 0)), "", "a"),
            ("a\r\nb", ((1, 0), (2, 0)), "", "a"),
            ("é\nb", ((1, 0), (2, 0)), "", "é"),
            ("a", ((0, 0), (1, 0)), "", ""),
            ("", ((0, 0), (1, 0)), "\nb\n", "\nb"),
        ] {
            let seen = changed(text, range, insert, &neovim);
            assert_eq!(seen, (expected.to_owned(), false), "{text:?} {range:?}");
        }
    }
}
