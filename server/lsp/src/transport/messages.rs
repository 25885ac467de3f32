//! From the body of a message to what it asks for.
//!
//! A keystroke must cost little, so the two notifications that carry text are decoded straight
//! into their types, in one pass over the body. Everything else is decoded as a JSON value and
//! typed by the router.
//!
//! A body that is not quite JSON is repaired where that is possible: the usual case is an editor
//! that cuts a character outside the basic plane into two changes, each with half of a surrogate
//! pair. The text that results is not the editor's, so the document it belongs to is named as
//! suspect: see [`Incoming::Suspect`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use lsp_types::{
    DidChangeTextDocumentParams, DidOpenTextDocumentParams, Position, Range,
    TextDocumentContentChangeEvent, TextDocumentContentChangePartial,
    TextDocumentContentChangeWholeDocument, TextDocumentIdentifier, Uri,
    VersionedTextDocumentIdentifier,
};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id};

use super::ClientError;

const DID_OPEN: &str = "textDocument/didOpen";
const DID_CHANGE: &str = "textDocument/didChange";

/// Members of a batch that are taken. A short member can ask for a long answer.
const BATCH_AT_MOST: usize = 1000;

/// One message from the client.
#[derive(Debug)]
pub(super) enum Incoming {
    /// `textDocument/didOpen`.
    Open(Box<DidOpenTextDocumentParams>),
    /// `textDocument/didChange`.
    Change(DidChangeTextDocumentParams),
    /// Any other request or notification.
    Call {
        method: String,
        id: Option<Id>,
        params: Option<Value>,
    },
    /// The answer to a request of ours, by the look of it.
    Answer {
        id: Id,
        answer: Result<Value, ClientError>,
        complete: bool,
    },
    /// A message that cannot be used.
    Unusable { id: Id, error: Error },
    /// The text of this document can no longer be trusted to be the editor's.
    Suspect { uri: String },
}

/// Decodes one body. Most give one message; a batch gives several, a repaired one two.
pub(super) fn decode(body: &[u8], into: &mut Vec<Incoming>) {
    if let Ok(text) = std::str::from_utf8(body)
        && let Ok(message) = serde_json::from_str::<Message>(text)
    {
        message.decoded(into);
    } else {
        decode_anyhow(body, into);
    }
}

/// The document that a body speaks of which cannot be decoded, or of which only the beginning is
/// known, if it looks like a change of text.
pub(super) fn document_in_pieces(body: &[u8]) -> Option<String> {
    documents_in_pieces(&String::from_utf8_lossy(body))
        .into_iter()
        .next()
}

/// All documents that such a body speaks of, each once, in their order.
fn documents_in_pieces(text: &str) -> Vec<String> {
    // A slash may be written with a backslash before it.
    let is_about_text = text.contains("/didChange\"") || text.contains("/didOpen\"");
    let mut found = Vec::new();
    if !is_about_text {
        return found;
    }
    let mut seen = HashSet::new();
    for rest in text.split("\"uri\"").skip(1) {
        let value = rest.trim_start().strip_prefix(':').map(str::trim_start);
        let values = value.map(|it| serde_json::Deserializer::from_str(it).into_iter::<String>());
        let uri = values.and_then(|mut values| values.next()?.ok());
        found.extend(uri.filter(|uri| seen.insert(uri.clone())));
    }
    found
}

/// Refuses what may hold changes of text, and says which documents they may be of.
fn refuse(
    text: &str,
    code: ErrorCode,
    why: impl Into<Cow<'static, str>>,
    into: &mut Vec<Incoming>,
) {
    into.push(Incoming::Unusable {
        id: Id::Null,
        error: explained(code, why),
    });
    let documents = documents_in_pieces(text).into_iter();
    into.extend(documents.map(|uri| Incoming::Suspect { uri }));
}

/// What [`decode`] does when the straight way fails.
fn decode_anyhow(body: &[u8], into: &mut Vec<Incoming>) {
    let text = String::from_utf8_lossy(body);
    let mut repaired = matches!(text, Cow::Owned(_));
    let text = match replace_lone_surrogates(&text) {
        Cow::Owned(whole) => {
            repaired = true;
            Cow::Owned(whole)
        }
        Cow::Borrowed(_) => text,
    };
    if repaired {
        tracing::warn!("a message held bytes or half characters that are not text: repaired");
    }

    if text.trim_start().starts_with('[') {
        return decode_batch(&text, into);
    }
    if let Ok(message) = serde_json::from_str::<Message>(&text) {
        let suspect = message.document().filter(|_| repaired);
        message.decoded(into);
        into.extend(suspect.map(|uri| Incoming::Suspect { uri }));
        return;
    }
    // Valid JSON with parameters of the wrong shape, or not JSON at all. Either way a change of
    // text may be lost with it.
    let suspect = document_in_pieces(text.as_bytes());
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => {
            tracing::warn!("a message has not the shape of one: refused");
            into.extend(refusal(&value));
        }
        Err(error) => {
            tracing::warn!(%error, "a message is not valid JSON: refused");
            into.push(Incoming::Unusable {
                id: Id::Null,
                error: explained(ErrorCode::ParseError, format!("not valid JSON: {error}")),
            });
        }
    }
    into.extend(suspect.map(|uri| Incoming::Suspect { uri }));
}

/// What is made of a message that has not the shape of one. A notification is not answered, whatever is
/// wrong with its parameters, and neither is an answer.
fn refusal(message: &Value) -> Option<Incoming> {
    let is_call = message.get("method").is_some_and(Value::is_string);
    let id = message.get("id");
    if is_call && id.is_none() {
        return None;
    }
    let id = id.and_then(|id| Id::deserialize(id).ok());
    if let (None, Some(error), Some(id)) = (message.get("method"), message.get("error"), &id) {
        return Some(Incoming::Answer {
            id: id.clone(),
            answer: Err(ClientError {
                code: 0,
                message: error.to_string(),
            }),
            complete: true,
        });
    }
    let error = if is_call && id.is_some() {
        explained(
            ErrorCode::InvalidParams,
            "the parameters have another shape",
        )
    } else {
        explained(ErrorCode::InvalidRequest, "this is not a JSON-RPC message")
    };
    Some(Incoming::Unusable {
        id: id.unwrap_or(Id::Null),
        error,
    })
}

/// The protocol knows no batches. Members are taken as if each had been sent alone, so that no
/// change of text is lost, and answered so.
fn decode_batch(text: &str, into: &mut Vec<Incoming>) {
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(members) if members.len() > BATCH_AT_MOST => {
            into.push(Incoming::Unusable {
                id: Id::Null,
                error: explained(ErrorCode::InvalidRequest, "the batch is too long"),
            });
            // Those that its other members speak of are left alone.
            let documents = members
                .iter()
                .flat_map(|member| documents_in_pieces(member.get()));
            let mut seen = HashSet::new();
            let each = documents.filter(|uri| seen.insert(uri.clone()));
            into.extend(each.map(|uri| Incoming::Suspect { uri }));
        }
        Ok(members) if !members.is_empty() => {
            for member in members {
                let member = member.get();
                if member.starts_with('[') {
                    refuse(
                        member,
                        ErrorCode::InvalidRequest,
                        "a batch inside a batch",
                        into,
                    );
                } else {
                    decode(member.as_bytes(), into);
                }
            }
        }
        Ok(_) => into.push(Incoming::Unusable {
            id: Id::Null,
            error: explained(ErrorCode::InvalidRequest, "an empty batch asks for nothing"),
        }),
        Err(error) => {
            let why = format!("not valid JSON: {error}");
            refuse(text, ErrorCode::ParseError, why, into);
        }
    }
}

/// An error of the protocol with a sentence of ours.
pub(super) fn explained(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Error {
    Error {
        code,
        message: message.into(),
        data: None,
    }
}

/// Replaces every `\uD800`…`\uDFFF` escape that is not half of a pair by `\uFFFD`.
fn replace_lone_surrogates(json: &str) -> Cow<'_, str> {
    let mut whole = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        match surrogate(json, at) {
            None => at += 2,
            Some(Half::High) if matches!(surrogate(json, at + 6), Some(Half::Low)) => at += 12,
            Some(_) => {
                whole.push_str(json.get(done..at).unwrap_or_default());
                whole.push_str("\\uFFFD");
                at += 6;
                done = at;
            }
        }
    }
    if done == 0 {
        return Cow::Borrowed(json);
    }
    whole.push_str(json.get(done..).unwrap_or_default());
    Cow::Owned(whole)
}

enum Half {
    High,
    Low,
}

/// Which half of a pair the escape at `at` is.
fn surrogate(json: &str, at: usize) -> Option<Half> {
    let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Half::High),
        0xDC00..=0xDFFF => Some(Half::Low),
        _ => None,
    }
}

/// A body, decoded in one pass when its method comes before its parameters.
struct Message {
    id: Option<Id>,
    method: Option<String>,
    params: Params,
    result: Option<Value>,
    error: Option<ClientError>,
}

enum Params {
    None,
    Open(Box<DidOpenTextDocumentParams>),
    Change(DidChangeTextDocumentParams),
    Other(Value),
}

impl Message {
    /// The document whose text it changes.
    fn document(&self) -> Option<String> {
        let uri = match &self.params {
            Params::Open(params) => &params.text_document.uri,
            Params::Change(params) => &params.text_document.text_document_identifier.uri,
            Params::None | Params::Other(_) => return None,
        };
        Some(uri.0.clone())
    }

    fn decoded(self, into: &mut Vec<Incoming>) {
        let is_refused = self.id.is_some() && self.method.is_some();
        let suspect = if is_refused { self.document() } else { None };
        into.push(self.into_incoming());
        into.extend(suspect.map(|uri| Incoming::Suspect { uri }));
    }

    fn into_incoming(self) -> Incoming {
        let Some(method) = self.method else {
            let complete = self.result.is_some() || self.error.is_some();
            let answer = match self.error {
                Some(error) => Err(error),
                None => Ok(self.result.unwrap_or_default()),
            };
            return match self.id {
                Some(id) => Incoming::Answer {
                    id,
                    answer,
                    complete,
                },
                None => Incoming::Unusable {
                    id: Id::Null,
                    error: explained(ErrorCode::InvalidRequest, "the message names no method"),
                },
            };
        };
        match self.params {
            Params::Open(_) | Params::Change(_) if self.id.is_some() => Incoming::Unusable {
                id: self.id.unwrap_or(Id::Null),
                error: explained(ErrorCode::InvalidRequest, "a notification has no id"),
            },
            Params::Open(params) => Incoming::Open(params),
            Params::Change(params) => Incoming::Change(params),
            Params::None => Incoming::Call {
                method,
                id: self.id,
                params: None,
            },
            Params::Other(params) => Incoming::Call {
                method,
                id: self.id,
                params: Some(params),
            },
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Method,
    Id,
    Params,
    Result,
    Error,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MessageVisitor)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let mut message = Message {
            id: None,
            method: None,
            params: Params::None,
            result: None,
            error: None,
        };
        let mut early: Option<&RawValue> = None;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Method => message.method = Some(map.next_value()?),
                Key::Id => message.id = Some(map.next_value()?),
                Key::Params => match message.method.as_deref() {
                    Some(DID_CHANGE) => {
                        message.params = Params::Change(map.next_value::<Change>()?.into());
                    }
                    Some(DID_OPEN) => message.params = Params::Open(map.next_value()?),
                    Some(_) => message.params = Params::Other(map.next_value()?),
                    None => early = Some(map.next_value()?),
                },
                Key::Result => message.result = Some(map.next_value()?),
                Key::Error => message.error = map.next_value()?,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let Some(params) = early {
            message.params =
                late_params(message.method.as_deref(), params.get()).map_err(A::Error::custom)?;
        }
        Ok(message)
    }
}

/// Parameters that came before the method was known.
fn late_params(method: Option<&str>, params: &str) -> serde_json::Result<Params> {
    Ok(match method {
        Some(DID_CHANGE) => Params::Change(serde_json::from_str::<Change>(params)?.into()),
        Some(DID_OPEN) => Params::Open(serde_json::from_str(params)?),
        _ => Params::Other(serde_json::from_str(params)?),
    })
}

/// `DidChangeTextDocumentParams`, decoded without trying one variant of a change after the other.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    text_document: Versioned,
    content_changes: Vec<ContentChange>,
}

#[derive(serde::Deserialize)]
struct Versioned {
    uri: String,
    version: i32,
}

#[derive(serde::Deserialize)]
#[serde(from = "Edit")]
struct ContentChange(TextDocumentContentChangeEvent);

#[derive(serde::Deserialize)]
struct Edit {
    range: Option<Span>,
    text: String,
}

#[derive(serde::Deserialize)]
struct Span {
    start: Place,
    end: Place,
}

#[derive(serde::Deserialize)]
struct Place {
    line: Coordinate,
    character: Coordinate,
}

/// A line or a column. Clients send "the end" as the largest number they know, which may not fit.
struct Coordinate(u32);

impl<'de> Deserialize<'de> for Coordinate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CoordinateVisitor;
        impl Visitor<'_> for CoordinateVisitor {
            type Value = Coordinate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number that is not negative")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Coordinate, E> {
                Ok(Coordinate(u32::try_from(number).unwrap_or(u32::MAX)))
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Coordinate, E> {
                if number < 0.0 {
                    return Err(E::custom("a coordinate is negative"));
                }
                // A cast of a float saturates, which is what is wanted.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                Ok(Coordinate(number as u32))
            }
        }
        deserializer.deserialize_u64(CoordinateVisitor)
    }
}

impl From<Edit> for ContentChange {
    fn from(edit: Edit) -> Self {
        Self(match edit.range {
            Some(Span { start, end }) => {
                let range = Range::new(start.into(), end.into());
                TextDocumentContentChangePartial::new(range, None, edit.text).into()
            }
            None => TextDocumentContentChangeWholeDocument::new(edit.text).into(),
        })
    }
}

impl From<Place> for Position {
    fn from(place: Place) -> Self {
        Position::new(place.line.0, place.character.0)
    }
}

impl From<Change> for DidChangeTextDocumentParams {
    fn from(change: Change) -> Self {
        let Versioned { uri, version } = change.text_document;
        Self::new(
            VersionedTextDocumentIdentifier::new(version, TextDocumentIdentifier::new(Uri(uri))),
            change
                .content_changes
                .into_iter()
                .map(|change| change.0)
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests;
