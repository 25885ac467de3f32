//! What can go wrong with a provider, and what to do about it.

use std::time::Duration;

/// What was being waited for when time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// The connection.
    Connect,
    /// The first piece of the answer.
    FirstByte,
    /// The next piece.
    Idle,
}

/// Why a provider gave no answer, or not all of it. No message contains the key.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The settings of the provider cannot be used.
    #[error("the provider `{provider}` is not usable: {why}")]
    Settings {
        /// Its name.
        provider: String,
        /// What is wrong.
        why: String,
    },
    /// No connection.
    #[error("`{provider}` cannot be reached at {base_url}: {why}")]
    Unreachable {
        /// Its name.
        provider: String,
        /// Where it was looked for.
        base_url: String,
        /// What the network said.
        why: String,
    },
    /// The key was refused, or there was none.
    #[error("`{provider}` {} (HTTP {status}): {message}", match (has_key, status) {
        (false, _) => "wants a key, and none is set",
        (true, 403) => "does not allow this with the key",
        (true, _) => "refused the key",
    })]
    Unauthorized {
        /// Its name.
        provider: String,
        /// Mostly 401 or 403.
        status: u16,
        /// Whether a key was sent.
        has_key: bool,
        /// What it said.
        message: String,
    },
    /// Too many requests.
    #[error("`{provider}` takes no more requests now: {message}")]
    RateLimited {
        /// Its name.
        provider: String,
        /// What it said.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// The account is out of credit.
    #[error("`{provider}` says that there is no credit left: {message}")]
    NoCredit {
        /// Its name.
        provider: String,
        /// What it said.
        message: String,
    },
    /// The server has trouble of its own.
    #[error("`{provider}` is overloaded or out of order (HTTP {status}): {message}")]
    Overloaded {
        /// Its name.
        provider: String,
        /// The status.
        status: u16,
        /// What it said.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// The model does not exist there, or the address is wrong.
    #[error("`{provider}` knows no model `{model}` at {base_url}: {message}")]
    NotFound {
        /// Its name.
        provider: String,
        /// The model that was asked for.
        model: String,
        /// Where.
        base_url: String,
        /// What it said.
        message: String,
    },
    /// The request is longer than the model's context.
    #[error("the request is longer than `{model}` can read: {message}")]
    ContextOverflow {
        /// The model.
        model: String,
        /// What the server said.
        message: String,
    },
    /// Time ran out.
    #[error("`{provider}` was silent for {seconds} s {}", match phase {
        TimeoutPhase::Connect => "while connecting",
        TimeoutPhase::FirstByte => "before its first word",
        TimeoutPhase::Idle => "in the middle of its answer",
    })]
    Timeout {
        /// Its name.
        provider: String,
        /// What was waited for.
        phase: TimeoutPhase,
        /// How long.
        seconds: u64,
    },
    /// The answer broke off.
    #[error("the answer broke off after {bytes} bytes")]
    Truncated {
        /// Bytes of text received.
        bytes: usize,
    },
    /// The model or its server's filter declined to answer.
    #[error("the model declined to answer")]
    Refused,
    /// Another refusal by HTTP.
    #[error("`{provider}` answered HTTP {status}: {message}")]
    Http {
        /// Its name.
        provider: String,
        /// The status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The answer is not what the protocol allows.
    #[error("`{provider}` sent an answer that cannot be read: {why}")]
    BadReply {
        /// Its name.
        provider: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ProviderError {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "provider-settings",
            Self::Unreachable { .. } => "unreachable",
            Self::Unauthorized { .. } => "unauthorized",
            Self::RateLimited { .. } => "rate-limited",
            Self::NoCredit { .. } => "no-credit",
            Self::Overloaded { .. } => "overloaded",
            Self::NotFound { .. } => "model-not-found",
            Self::ContextOverflow { .. } => "context-overflow",
            Self::Timeout { .. } => "timeout",
            Self::Truncated { .. } => "truncated-reply",
            Self::Refused => "model-refused",
            Self::Http { .. } => "http",
            Self::BadReply { .. } => "bad-reply",
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::Settings { provider, .. } => {
                format!("mend [providers.{provider}] in pleach.toml")
            }
            Self::Unreachable { provider, .. } => format!(
                "start the server, or correct base_url of [providers.{provider}] in pleach.toml"
            ),
            Self::Unauthorized {
                provider,
                has_key: false,
                ..
            } => format!("set key_env or key_command of [providers.{provider}] in pleach.toml"),
            Self::Unauthorized { provider, .. } => format!(
                "check the key that key_env or key_command of [providers.{provider}] gives; `pleach doctor` tells what is set"
            ),
            Self::RateLimited {
                retry_after: Some(wait),
                ..
            } => {
                format!("try again in {} s", wait.as_secs().max(1))
            }
            Self::RateLimited { .. } | Self::Overloaded { .. } => "try again in a minute".into(),
            Self::NoCredit { .. } => {
                "add credit with the provider, or choose another engine".into()
            }
            Self::NotFound { provider, .. } => format!(
                "correct model and base_url of [providers.{provider}]; `pleach doctor` lists the models"
            ),
            Self::ContextOverflow { .. } => {
                "select a smaller part, or lower [limits] max_context_bytes in pleach.toml".into()
            }
            Self::Timeout {
                phase: TimeoutPhase::FirstByte,
                ..
            } => "try again, or raise [limits] first_byte_seconds in pleach.toml".into(),
            Self::Timeout { .. } => {
                "try again, or raise [limits] idle_seconds in pleach.toml".into()
            }
            Self::Truncated { .. } => {
                "ask for a smaller change, or raise max_output_tokens in pleach.toml".into()
            }
            Self::Refused => "put the request in other words, or choose another model".into(),
            Self::Http {
                provider,
                status: 300..=399,
                ..
            } => format!(
                "a key must not follow a redirect: if you trust the new address, set it as base_url of [providers.{provider}]"
            ),
            Self::Http { status: 407, .. } => {
                "give the proxy's user and password in HTTPS_PROXY where your editor is started"
                    .into()
            }
            Self::Http {
                provider,
                status: 400..=499,
                ..
            } => format!(
                "change the setting of [providers.{provider}] that it complains of, or choose another model"
            ),
            Self::Http { .. } | Self::BadReply { .. } => {
                "check that base_url names an OpenAI-compatible server; `pleach doctor` asks it"
                    .into()
            }
        }
    }
}
