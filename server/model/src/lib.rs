//! Models: the only room that opens network connections.
//!
//! A [`Provider`] is a server with models that speaks one of the [`WireFormat`]s: OpenAI's two,
//! Anthropic's, Gemini's or Ollama's. [`Provider::stream`] asks it and gives the answer piece by piece
//! as [`ModelEvent`]s, which are the same for all; [`Reply`] gathers them. Dropping the stream closes
//! the connection, and with it the bill.
//!
//! What this room promises: a key goes to the configured host only (redirects are not followed) and
//! into no message; an answer without its end is an error, never a short answer; a request is
//! repeated only before its first word, and the wait is told. Unknown events are kept raw.
//! Nothing is read or connected before the first question: making a [`Provider`] costs microseconds.
//!
//! [`Provider::embed`] asks for embeddings, where the format has them.
//!
//! What it costs is known before ([`PriceTable::estimate`]) and after ([`PriceTable::cost`]), unless the
//! price is unknown, which is said and never taken for nothing.
//!
//! An answer passes three stages, each testable without the others: `wire` (bytes to payloads, with
//! bounds on time and size), `decode` and `format` (payloads to events, a folder for each format) and
//! `answer` (asking, and asking again).
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
mod bucket;
mod cassette;
mod connection;
mod decode;
mod embedding;
mod error;
mod event;
mod exchange;
mod format;
mod money;
mod provider;
mod refusal;
mod reply;
mod request;
mod shown;
mod sse;
mod telemetry;
mod thinking;
mod traffic;
mod wire;

pub use bucket::Bucket;
pub use cassette::{Cassette, CassetteError, Pace};
pub use connection::http_client;
pub use embedding::{Embedded, EmbeddingUse};
pub use error::{ProviderError, TimeoutPhase, Unreached};
pub use event::{ModelEvent, StopReason, Usage};
pub use format::WireFormat;
pub use money::{Estimate, ModelCard, Price, PriceError, PriceTable, likely_tokens};

pub use pleach_policy::{Effort, MicroUsd};
pub use provider::{ProbeReport, Provider, ProviderConfig};
pub use reply::{CallError, Reply};
pub use request::{Message, ModelRequest, RawItems, Speaker, Tool, ToolCall, ToolResult};
pub use sse::{SseDecoder, SseEvent};
pub use telemetry::{Telemetry, ToldCall};
pub use traffic::Standing;
