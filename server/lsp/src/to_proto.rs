//! From our types to the protocol's.

use lsp_types::{Position, Range};
use pleach_text::{ByteOffset, ByteRange, ChangeSet, PositionEncoding, Replacement, position_of};
use ropey::Rope;
use serde_json::{Value, json};

/// The source that diagnostics of ours name.
pub(crate) const SOURCE: &str = "pleach";

/// A place of `text` on the wire.
pub(crate) fn position(text: &Rope, at: ByteOffset, encoding: PositionEncoding) -> Position {
    let position = position_of(text, at, encoding);
    Position {
        line: position.line.0,
        character: position.column,
    }
}

/// A range of `text` on the wire.
pub(crate) fn range(text: &Rope, range: ByteRange, encoding: PositionEncoding) -> Range {
    Range {
        start: position(text, range.start, encoding),
        end: position(text, range.end, encoding),
    }
}

/// The edit that turns `before`, the text of `uri` at `version`, into what `changes` makes of it:
/// one document, sorted, disjoint, minimal. `version` is `None` for a file that is not open.
pub(crate) fn text_edit(
    uri: &str,
    version: Option<i32>,
    before: &Rope,
    changes: &ChangeSet,
    encoding: PositionEncoding,
) -> Value {
    let mut free_from = ByteOffset(0);
    let edits: Vec<Value> = changes
        .replacements()
        .iter()
        .map(|replacement| {
            let moved = before_final_break(before, replacement, free_from);
            free_from = replacement.delete.end;
            let (at, insert) = moved
                .as_ref()
                .map_or((replacement.delete, &replacement.insert), |(at, insert)| {
                    (ByteRange::empty(*at), insert)
                });
            json!({"range": range(before, at, encoding), "newText": insert})
        })
        .collect();
    json!({"textDocument": {"uri": uri, "version": version}, "edits": edits})
}

/// What is put behind the final line break, said as put before it: the text afterwards is the same.
///
/// Neovim 0.11 adds an empty line when an edit begins behind the last line (`apply_text_edits` in its
/// `lsp/util.lua`). `None` when it cannot or need not be said so; `free_from` is where the
/// replacement before this one ends.
fn before_final_break(
    before: &Rope,
    replacement: &Replacement,
    free_from: ByteOffset,
) -> Option<(ByteOffset, String)> {
    let len = before.len_bytes();
    if !replacement.delete.is_empty() || replacement.delete.start.0 != len {
        return None;
    }
    let line_break = ["\r\n", "\n", "\r"].into_iter().find(|line_break| {
        let start = len.checked_sub(line_break.len());
        let tail = start.and_then(|start| before.get_byte_slice(start..len));
        tail.is_some_and(|tail| tail == **line_break)
    })?;
    let at = ByteOffset(len - line_break.len());
    let insert = replacement.insert.strip_suffix(line_break)?;
    (free_from <= at).then(|| (at, format!("{line_break}{insert}")))
}

/// The operations that create `uri` with `text`. Existing files are kept: clients that ignore the
/// option truncate them, so the caller has checked that there is none.
///
/// An empty buffer of Neovim is one empty line with its break (`counts_final_break`): that is replaced, or it
/// would stand at the end of the new text.
pub(crate) fn create_file(uri: &str, text: &str, counts_final_break: bool) -> Vec<Value> {
    let start = Position {
        line: 0,
        character: 0,
    };
    let end = Position {
        line: u32::from(counts_final_break),
        character: 0,
    };
    vec![
        json!({"kind": "create", "uri": uri, "options": {"ignoreIfExists": true}}),
        json!({
            "textDocument": {"uri": uri, "version": null},
            "edits": [{"range": {"start": start, "end": end}, "newText": text}],
        }),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// The edits that turn `before` into `after`, as `line:character-line:character text`.
    fn edits(before: &str, after: &str) -> Vec<String> {
        let changes = ChangeSet::between(before, after);
        let rope = Rope::from_str(before);
        let edit = text_edit(
            "file:///a",
            Some(1),
            &rope,
            &changes,
            PositionEncoding::Utf8,
        );
        let place = |it: &Value| format!("{}:{}", it["line"], it["character"]);
        let edits = edit["edits"].as_array().unwrap().iter();
        edits
            .map(|edit| {
                let range = &edit["range"];
                format!(
                    "{}-{} {:?}",
                    place(&range["start"]),
                    place(&range["end"]),
                    edit["newText"].as_str().unwrap()
                )
            })
            .collect()
    }

    #[test]
    fn no_edit_begins_behind_the_last_line() {
        assert_eq!(edits("a\n", "a\nb\n"), [r#"0:1-0:1 "\nb""#]);
        assert_eq!(edits("a\r\n", "a\r\nb\r\n"), [r#"0:1-0:1 "\r\nb""#]);
        assert_eq!(edits("\n", "\nb\n"), [r#"0:0-0:0 "\nb""#]);
        // Only there can a text without a final line break grow.
        assert_eq!(edits("a", "ab"), [r#"0:1-0:1 "b""#]);
        assert_eq!(edits("", "b\n"), [r#"0:0-0:0 "b\n""#]);
    }
}
