//! What is asked of a model, in words that every provider is told in its own.

use serde_json::Value;

use crate::{Effort, WireFormat};

/// Who wrote a message of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The person, or Pleach in the person's name.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who wrote it.
    pub speaker: Speaker,
    /// What it says.
    pub text: String,
    /// The tools that the model called in it.
    pub calls: Vec<ToolCall>,
    /// What came of the calls of the message before.
    pub results: Vec<ToolResult>,
    /// The reply as its provider sent it. A provider that speaks the same format gets this back in
    /// place of the rest: signatures and encrypted reasoning must come back as they were.
    pub raw: Option<RawItems>,
}

impl Message {
    /// A message of the person.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Speaker::User, text.into())
    }

    /// A message of the model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Speaker::Assistant, text.into())
    }

    /// What came of the calls in the model's last message.
    pub fn results(results: Vec<ToolResult>) -> Self {
        Self {
            results,
            ..Self::user("")
        }
    }

    fn new(speaker: Speaker, text: String) -> Self {
        Self {
            speaker,
            text,
            calls: Vec::new(),
            results: Vec::new(),
            raw: None,
        }
    }

    /// What a provider of this format sent itself, word for word.
    pub(crate) fn raw_for(&self, format: WireFormat) -> Option<&[Value]> {
        let raw = self.raw.as_ref().filter(|raw| raw.format == format)?;
        (!raw.items.is_empty()).then_some(raw.items.as_slice())
    }
}

/// The items of a reply as a provider sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawItems {
    /// The format that they are in.
    pub format: WireFormat,
    /// In their order.
    pub items: Vec<Value>,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Letters, digits, `_` and `-`; at most 64.
    pub name: String,
    /// What it does and when to call it.
    pub description: String,
    /// The JSON Schema of its arguments: an object.
    pub schema: Value,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The provider's name of this call, or one that stands for it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments: an object, unless the model erred.
    pub arguments: Value,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The call's [`ToolCall::id`].
    pub call: String,
    /// The tool.
    pub name: String,
    /// What it returned, or why it failed.
    pub text: String,
    /// Whether it failed.
    pub is_error: bool,
}

/// What is asked of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelRequest {
    /// The role's standing orders.
    pub system: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The tools that may be called, in an order that does not change within a conversation.
    pub tools: Vec<Tool>,
    /// Tokens that the model may write; the provider's own bound where `None`.
    pub max_output_tokens: Option<u32>,
    /// Overrides the provider's setting. Many models accept none.
    pub temperature: Option<f32>,
    /// The model's own measure where `None`. Models that do not reason refuse it.
    pub effort: Option<Effort>,
    /// Whether the conversation will go on, so that a provider that charges for keeping its beginning
    /// (Anthropic) is asked to. The others keep it by themselves.
    pub goes_on: bool,
}
