//! From our types to the protocol's.

use lsp_types::{Position, Range};
use pleach_text::{ByteOffset, ByteRange, ChangeSet, PositionEncoding, position_of};
use ropey::Rope;
use serde_json::{Value, json};

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
    let edits: Vec<Value> = changes
        .replacements()
        .iter()
        .map(|replacement| {
            json!({
                "range": range(before, replacement.delete, encoding),
                "newText": replacement.insert,
            })
        })
        .collect();
    json!({"textDocument": {"uri": uri, "version": version}, "edits": edits})
}

/// The operations that create `uri` with `text`. Existing files are kept: clients that ignore the
/// option truncate them, so the caller has checked that there is none.
pub(crate) fn create_file(uri: &str, text: &str) -> Vec<Value> {
    let start = Position {
        line: 0,
        character: 0,
    };
    vec![
        json!({"kind": "create", "uri": uri, "options": {"ignoreIfExists": true}}),
        json!({
            "textDocument": {"uri": uri, "version": null},
            "edits": [{"range": {"start": start, "end": start}, "newText": text}],
        }),
    ]
}
