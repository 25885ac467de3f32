//! From the protocol's types to ours. The wire's positions end here.

use lsp_types::{Code, Diagnostic, LanguageKind, Message, Position, Range};
use pleach_text::{ByteRange, EncodedPosition, Line, PositionEncoding, byte_of};
use ropey::Rope;

/// A position as it is on the wire: its column still in the negotiated unit.
pub(crate) fn position(position: Position) -> EncodedPosition {
    EncodedPosition {
        line: Line(position.line),
        column: position.character,
    }
}

/// A range of `text` in bytes. Ends outside the text are clamped, reversed ends exchanged.
pub(crate) fn range(text: &Rope, range: Range, encoding: PositionEncoding) -> ByteRange {
    let start = byte_of(text, position(range.start), encoding);
    let end = byte_of(text, position(range.end), encoding);
    ByteRange::new(start.min(end), start.max(end))
}

/// A diagnostic, as far as an agent needs it.
pub(crate) fn diagnostic(
    text: &Rope,
    diagnostic: &Diagnostic,
    encoding: PositionEncoding,
) -> pleach_agent::Diagnostic {
    pleach_agent::Diagnostic {
        range: range(text, diagnostic.range, encoding),
        message: message(&diagnostic.message).to_owned(),
        code: diagnostic.code.as_ref().map(|code| match code {
            Code::Int(number) => number.to_string(),
            Code::String(name) => name.clone(),
        }),
        source: diagnostic.source.clone(),
    }
}

/// The text of a diagnostic's message.
pub(crate) fn message(message: &Message) -> &str {
    match message {
        Message::String(text) => text,
        Message::MarkupContent(markup) => &markup.value,
    }
}

/// A document's language id, as the client spells it.
pub(crate) fn language_id(kind: &LanguageKind) -> String {
    // The type knows the spelling only through serde.
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(id)) => id,
        _ => String::new(),
    }
}
