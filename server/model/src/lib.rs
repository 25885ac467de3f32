//! Models: the only room that opens network connections.
//!
//! A [`Provider`] is a server that speaks OpenAI's chat completions: OpenAI itself, llama.cpp,
//! Ollama, vLLM, OpenRouter and many more. [`Provider::stream`] asks it and gives the answer piece
//! by piece as [`ModelEvent`]s. Dropping the stream closes the connection, and with it the bill.
//!
//! What this room promises: a key goes to the configured host only (redirects are not followed) and
//! into no message; an answer without its end is an error, never a short answer; a request is
//! repeated only before its first word, and the wait is told. Unknown fields and events are ignored.
//! Nothing is read or connected before the first question: making a [`Provider`] costs microseconds.
//!
//! An answer passes three stages, each testable without the others: `wire` (bytes to payloads, with
//! bounds on time and size), `decode` (payloads to events) and `answer` (asking, and asking again).
//!
//! ```
//! use pleach_model::{Provider, ProviderConfig};
//!
//! let config = ProviderConfig::new("local", "http://127.0.0.1:8080", "qwen");
//! let provider = Provider::new(config, None)?;
//! assert_eq!(provider.label(), "qwen (local)");
//! assert_eq!(provider.base_url(), "http://127.0.0.1:8080/v1");
//! # Ok::<(), pleach_model::ProviderError>(())
//! ```

mod answer;
mod connection;
mod decode;
mod error;
mod provider;
mod refusal;
mod thinking;
mod wire;

pub use error::{ProviderError, TimeoutPhase};
pub use provider::{ProbeReport, Provider, ProviderConfig};

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
}

/// What is asked of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// The role's standing orders.
    pub system: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Tokens that the model may write; the provider's own bound where `None`.
    pub max_output_tokens: Option<u32>,
    /// Overrides the provider's setting. Many models accept none.
    pub temperature: Option<f32>,
}

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
    /// Tokens so far, cumulative.
    Usage(Usage),
    /// The answer is complete. The last event.
    Stopped(StopReason),
    /// The request will be repeated after a pause.
    Waiting {
        /// Why, in a few words.
        reason: String,
        /// For how long.
        seconds: u64,
    },
}

/// Tokens as the server counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request, cached ones among them.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning among them.
    pub output_tokens: u64,
    /// Tokens of the request that came from the server's cache, when it says.
    pub cached_tokens: Option<u64>,
    /// Tokens of the answer that were spent on reasoning, when the server says.
    pub reasoning_tokens: Option<u64>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The model had no more to say.
    EndTurn,
    /// The bound on tokens was reached: the answer is cut off.
    MaxTokens,
    /// The server's filter cut it off.
    Refusal,
    /// Something else, in the server's word.
    Other(String),
}
