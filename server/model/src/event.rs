//! What an answer consists of, the same from every provider.

use serde_json::Value;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// The answer begins; the model's name as the server gives it.
    Started {
        /// Not always the name that was asked for.
        model: String,
    },
    /// Text of the answer.
    Text(String),
    /// Text of the model's reasoning, which is no part of the answer.
    Thinking(String),
    /// The model begins to call a tool. Nothing may be done before [`ModelEvent::Stopped`] says
    /// [`StopReason::ToolUse`] or [`StopReason::EndTurn`]: the arguments may be cut off.
    ToolCall {
        /// Which call of this answer, from 0.
        index: usize,
        /// The provider's name of the call, or one that stands for it.
        id: String,
        /// The tool.
        name: String,
    },
    /// The next piece of a call's arguments, which are JSON when they are whole.
    ToolArguments {
        /// Which call of this answer.
        index: usize,
        /// May end anywhere.
        piece: String,
    },
    /// A whole item of the answer as the provider wants it back with the next request.
    Item(Value),
    /// Something that this version does not know, as it came.
    Raw(Value),
    /// Tokens so far, cumulative.
    Usage(Usage),
    /// The answer is complete. The last event.
    Stopped(StopReason),
    /// The provider failed so often in a row that nothing is sent to it for a while. Told once, by the
    /// answer whose failure was the one too many; its error follows.
    LeftInPeace {
        /// How often it failed.
        failures: u32,
        /// For how long.
        seconds: u64,
    },
    /// The request will be sent, or repeated, after a pause.
    Waiting {
        /// Why, in a few words.
        reason: String,
        /// For how long; 0 when nobody knows, because other answers have to end first.
        seconds: u64,
    },
}

impl ModelEvent {
    /// Whether the model itself has said something with it.
    pub(crate) fn is_word(&self) -> bool {
        matches!(
            self,
            Self::Text(_) | Self::Thinking(_) | Self::ToolCall { .. } | Self::ToolArguments { .. }
        )
    }
}

/// Tokens as the server counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request, those read from and written to a cache among them.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning among them.
    pub output_tokens: u64,
    /// Tokens of the request that came from the server's cache, when it says.
    pub cached_tokens: Option<u64>,
    /// Tokens of the request that were written to the server's cache, when it says.
    pub cache_write_tokens: Option<u64>,
    /// Tokens of the answer that were spent on reasoning, when the server says.
    pub reasoning_tokens: Option<u64>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The model had no more to say.
    EndTurn,
    /// The model waits for what its calls bring.
    ToolUse,
    /// The bound on tokens was reached, or the model's context is full: the answer is cut off.
    MaxTokens,
    /// The model declined, or the server's filter cut it off.
    Refusal,
    /// Something else, in the server's word.
    Other(String),
}
