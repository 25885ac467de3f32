//! A whole answer, gathered from its pieces.

use serde_json::{Value, json};

use crate::{Message, ModelEvent, RawItems, StopReason, ToolCall, Usage, WireFormat};

/// What an answer came to.
///
/// ```
/// use pleach_model::{ModelEvent, Reply, StopReason, WireFormat};
///
/// let mut reply = Reply::default();
/// let call = ModelEvent::ToolCall { index: 0, id: "1".into(), name: "read".into() };
/// let piece = |piece: &str| ModelEvent::ToolArguments { index: 0, piece: piece.into() };
/// for event in [call, piece("{\"path\":"), piece("\"a.rs\"}")] {
///     reply.take(&event);
/// }
/// assert!(reply.calls().is_err(), "it may be cut off");
/// reply.take(&ModelEvent::Stopped(StopReason::ToolUse));
/// assert_eq!(reply.calls().unwrap()[0].arguments["path"], "a.rs");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The text of the answer.
    pub text: String,
    /// The counts, when the server sent some.
    pub usage: Option<Usage>,
    /// Why it ended; `None` when it did not.
    pub stop: Option<StopReason>,
    /// For [`Message::raw`].
    pub items: Vec<Value>,
    drafts: Vec<Draft>,
}

/// A call whose arguments are still being written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Draft {
    index: usize,
    id: String,
    name: String,
    arguments: String,
}

/// Why calls cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The answer did not come to its end, so arguments may be missing.
    #[error("the answer was cut off in a tool call; ask for a smaller step")]
    CutOff,
    /// The arguments are no JSON object.
    #[error("the arguments of `{name}` are no JSON object: {why}")]
    BadArguments {
        /// The provider's name of the call.
        id: String,
        /// The tool.
        name: String,
        /// Where they go wrong.
        why: String,
    },
}

impl Reply {
    /// Takes the next event.
    pub fn take(&mut self, event: &ModelEvent) {
        match event {
            ModelEvent::Text(text) => self.text.push_str(text),
            ModelEvent::ToolCall { index, id, name } => self.drafts.push(Draft {
                index: *index,
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
            }),
            ModelEvent::ToolArguments { index, piece } => {
                if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.index == *index) {
                    draft.arguments.push_str(piece);
                }
            }
            ModelEvent::Item(item) => self.items.push(item.clone()),
            ModelEvent::Usage(usage) => self.usage = Some(*usage),
            ModelEvent::Stopped(reason) => self.stop = Some(reason.clone()),
            ModelEvent::Started { .. }
            | ModelEvent::Thinking(_)
            | ModelEvent::Raw(_)
            | ModelEvent::LeftInPeace { .. }
            | ModelEvent::Waiting { .. } => {}
        }
    }

    /// The answer as a text to be kept, for [`Reply::replayed`]. `None` unless it is whole.
    pub fn to_kept(&self) -> Option<String> {
        let stop = match self.stop.as_ref()? {
            StopReason::EndTurn => "end_turn",
            StopReason::ToolUse => "tool_use",
            _ => return None,
        };
        let calls: Vec<Value> = self
            .drafts
            .iter()
            .map(|draft| json!([draft.id, draft.name, draft.arguments]))
            .collect();
        let kept = json!({"text": self.text, "calls": calls, "items": self.items, "stop": stop});
        Some(kept.to_string())
    }

    /// The events of an answer that was kept; `None` when the text is none.
    pub fn replayed(kept: &str) -> Option<Vec<ModelEvent>> {
        let kept: Value = serde_json::from_str(kept).ok()?;
        let text = kept.get("text")?.as_str()?;
        let mut events = Vec::new();
        if !text.is_empty() {
            events.push(ModelEvent::Text(text.to_owned()));
        }
        for (index, call) in kept.get("calls")?.as_array()?.iter().enumerate() {
            let part = |at: usize| Some(call.get(at)?.as_str()?.to_owned());
            events.push(ModelEvent::ToolCall {
                index,
                id: part(0)?,
                name: part(1)?,
            });
            events.push(ModelEvent::ToolArguments {
                index,
                piece: part(2)?,
            });
        }
        let items = kept.get("items")?.as_array()?;
        events.extend(items.iter().cloned().map(ModelEvent::Item));
        events.push(ModelEvent::Stopped(match kept.get("stop")?.as_str()? {
            "end_turn" => StopReason::EndTurn,
            "tool_use" => StopReason::ToolUse,
            _ => return None,
        }));
        Some(events)
    }

    /// Whether nothing of an answer has come.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.drafts.is_empty()
    }

    /// The tools that the model calls, in its order. No call of an answer that was cut off is given.
    pub fn calls(&self) -> Result<Vec<ToolCall>, CallError> {
        let is_whole = matches!(self.stop, Some(StopReason::EndTurn | StopReason::ToolUse));
        if !is_whole && !self.drafts.is_empty() {
            return Err(CallError::CutOff);
        }
        self.drafts.iter().map(Draft::call).collect()
    }

    /// The answer as a message of the conversation that goes on. `format` is the provider's.
    pub fn into_message(self, format: WireFormat) -> Result<Message, CallError> {
        let calls = self.calls()?;
        Ok(Message {
            calls,
            raw: Some(RawItems {
                format,
                items: self.items,
            }),
            ..Message::assistant(self.text)
        })
    }
}

impl Draft {
    fn call(&self) -> Result<ToolCall, CallError> {
        let bad = |why: String| CallError::BadArguments {
            id: self.id.clone(),
            name: self.name.clone(),
            why,
        };
        let arguments = match self.arguments.trim() {
            // A tool without parameters.
            "" => Value::Object(serde_json::Map::new()),
            text => serde_json::from_str(text).map_err(|error| bad(error.to_string()))?,
        };
        if !arguments.is_object() {
            return Err(bad("another kind of value".into()));
        }
        Ok(ToolCall {
            id: self.id.clone(),
            name: self.name.clone(),
            arguments,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn reply(arguments: &str, stop: StopReason) -> Reply {
        let mut reply = Reply::default();
        for event in [
            ModelEvent::Text("Reading.".into()),
            ModelEvent::ToolCall {
                index: 0,
                id: "c1".into(),
                name: "read".into(),
            },
            ModelEvent::ToolArguments {
                index: 0,
                piece: arguments.into(),
            },
            ModelEvent::Item(Value::from(1)),
            ModelEvent::Stopped(stop),
        ] {
            reply.take(&event);
        }
        reply
    }

    #[test]
    fn an_answer_becomes_a_message_with_its_calls_and_its_items() {
        let message = reply("", StopReason::ToolUse)
            .into_message(WireFormat::Gemini)
            .unwrap();
        assert_eq!(message.text, "Reading.");
        assert_eq!(message.calls[0].arguments, serde_json::json!({}));
        assert_eq!(message.raw_for(WireFormat::Gemini).unwrap().len(), 1);
        assert_eq!(message.raw_for(WireFormat::Ollama), None);
    }

    #[test]
    fn a_whole_answer_can_be_kept_and_comes_back_as_it_was() {
        let whole = reply("{\"path\": \"a.rs\"}", StopReason::ToolUse);
        let mut again = Reply::default();
        for event in Reply::replayed(&whole.to_kept().unwrap()).unwrap() {
            again.take(&event);
        }
        assert_eq!(again, whole);
        assert_eq!(reply("{}", StopReason::MaxTokens).to_kept(), None);
        assert_eq!(Reply::default().to_kept(), None);
        for other in [
            "",
            "{}",
            r#"{"text": "x", "calls": [], "items": [], "stop": "?"}"#,
        ] {
            assert_eq!(Reply::replayed(other), None);
        }
    }

    #[test]
    fn arguments_that_are_cut_off_or_no_object_are_no_call() {
        let cut = reply("{\"path\": \"a", StopReason::MaxTokens).calls();
        assert_eq!(cut, Err(CallError::CutOff));
        // Even if they look whole: more calls may have been meant.
        assert_eq!(
            reply("{}", StopReason::Refusal).calls(),
            Err(CallError::CutOff)
        );
        for bad in ["{\"path\": \"a", "[1]", "7"] {
            let error = reply(bad, StopReason::ToolUse).calls().unwrap_err();
            assert!(
                matches!(&error, CallError::BadArguments { id, .. } if id == "c1"),
                "{error}"
            );
        }
        assert_eq!(Reply::default().calls(), Ok(vec![]));
    }
}
