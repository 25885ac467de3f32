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
    /// The end.
    Total,
}

/// Why a server was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// Nothing listens there.
    Refused,
    /// The network does not lead there, or does not know its name.
    Offline,
    /// Its certificate is of nobody that is trusted.
    Untrusted,
    /// Anything else.
    Other,
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
        /// Why not.
        cause: Unreached,
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
    #[error("{}", match phase {
        TimeoutPhase::Connect => format!("`{provider}` was silent for {seconds} s while connecting"),
        TimeoutPhase::FirstByte => {
            format!("`{provider}` was silent for {seconds} s before its first word")
        }
        TimeoutPhase::Idle => {
            format!("`{provider}` was silent for {seconds} s in the middle of its answer")
        }
        TimeoutPhase::Total => format!("`{provider}` did not finish its answer within {seconds} s"),
    })]
    Timeout {
        /// Its name.
        provider: String,
        /// What was waited for.
        phase: TimeoutPhase,
        /// How long.
        seconds: u64,
    },
    /// The connection was lost in the middle of the answer.
    #[error("the connection to `{provider}` was lost after {bytes} bytes of the answer: {why}")]
    ConnectionLost {
        /// Its name.
        provider: String,
        /// Bytes of text received.
        bytes: usize,
        /// What the network said.
        why: String,
    },
    /// The answer ended without its end.
    #[error("the answer broke off after {bytes} bytes")]
    Truncated {
        /// Bytes of text received.
        bytes: usize,
    },
    /// The model or its server's filter declined to answer.
    #[error("the model declined to answer")]
    Refused,
    /// The server's filter did not let the request through.
    #[error("`{provider}` filtered the request out: {message}")]
    Filtered {
        /// Its name.
        provider: String,
        /// What it said.
        message: String,
    },
    /// Nothing is sent for a while, because the last requests have failed.
    #[error(
        "`{provider}` is left in peace for {seconds} s, because it failed {failures} times in a row"
    )]
    Resting {
        /// Its name.
        provider: String,
        /// How often.
        failures: u32,
        /// How much longer.
        seconds: u64,
    },
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
    /// Whether the server or the way to it failed, rather than what it was asked.
    pub(crate) fn is_of_the_server(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Overloaded { .. }
                | Self::Timeout { .. }
                | Self::ConnectionLost { .. }
        )
    }

    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "provider-settings",
            Self::Unreachable { cause, .. } => match cause {
                Unreached::Refused | Unreached::Other => "unreachable",
                Unreached::Offline => "offline",
                Unreached::Untrusted => "untrusted",
            },
            Self::Unauthorized { .. } => "unauthorized",
            Self::RateLimited { .. } => "rate-limited",
            Self::NoCredit { .. } => "no-credit",
            Self::Overloaded { .. } => "overloaded",
            Self::NotFound { .. } => "model-not-found",
            Self::ContextOverflow { .. } => "context-overflow",
            Self::Timeout { .. } => "timeout",
            Self::ConnectionLost { .. } => "connection-lost",
            Self::Truncated { .. } => "truncated-reply",
            Self::Refused => "model-refused",
            Self::Filtered { .. } => "filtered",
            Self::Resting { .. } => "resting",
            Self::Http { .. } => "http",
            Self::BadReply { .. } => "bad-reply",
        }
    }

    /// The kind of failure in one word, the same for every provider: one of `auth`, `invalid`,
    /// `not_found`, `too_large`, `rate_limited`, `overloaded`, `server`, `timeout`, `malformed`,
    /// `truncated`, `refused` (no connection), `filtered`, `redirect`.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "invalid",
            Self::Unreachable { .. } => "refused",
            Self::Unauthorized { .. } | Self::NoCredit { .. } => "auth",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded { status, .. } => match status {
                408 | 504 => "timeout",
                200 | 503 | 529 => "overloaded",
                _ => "server",
            },
            Self::Resting { .. } => "overloaded",
            Self::NotFound { .. } => "not_found",
            Self::ContextOverflow { .. } => "too_large",
            Self::Timeout { .. } => "timeout",
            Self::ConnectionLost { .. } | Self::Truncated { .. } => "truncated",
            Self::Refused | Self::Filtered { .. } => "filtered",
            Self::Http { status, .. } => match status {
                300..=399 => "redirect",
                // An answer that was well until the server gave up.
                ..300 | 500.. => "server",
                _ => "invalid",
            },
            Self::BadReply { .. } => "malformed",
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::Settings { provider, .. } => {
                format!("mend [providers.{provider}] in pleach.toml")
            }
            Self::Unreachable {
                provider, cause, ..
            } => match cause {
                Unreached::Refused | Unreached::Other => format!(
                    "start the server, or correct base_url of [providers.{provider}] in pleach.toml"
                ),
                Unreached::Offline => format!(
                    "check the network, or correct base_url of [providers.{provider}] in pleach.toml"
                ),
                Unreached::Untrusted => format!(
                    "if the server is yours, name its authority's certificate as ca_file of [providers.{provider}] in pleach.toml"
                ),
            },
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
            Self::Timeout {
                phase: TimeoutPhase::Total,
                ..
            } => "ask for a smaller change, or raise [limits] total_seconds in pleach.toml".into(),
            Self::Timeout { .. } => {
                "try again, or raise [limits] idle_seconds in pleach.toml".into()
            }
            Self::ConnectionLost { .. } => {
                "try again; what had come is kept, and it may be on the bill".into()
            }
            Self::Resting { seconds, .. } => {
                format!("try again in {seconds} s, or choose another engine")
            }
            Self::Truncated { .. } => {
                "ask for a smaller change, or raise max_output_tokens in pleach.toml".into()
            }
            Self::Refused | Self::Filtered { .. } => {
                "put the request in other words, or choose another model".into()
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_class_a_code_and_a_next_step() {
        let name = || "p".to_owned();
        let unreachable = |cause| ProviderError::Unreachable {
            provider: name(),
            base_url: "http://host".into(),
            cause,
            why: "x".into(),
        };
        let http = |status| ProviderError::Http {
            provider: name(),
            status,
            message: "x".into(),
        };
        let overloaded = |status| ProviderError::Overloaded {
            provider: name(),
            status,
            message: "x".into(),
            retry_after: None,
        };
        let timeout = |phase| ProviderError::Timeout {
            provider: name(),
            phase,
            seconds: 5,
        };
        let lost = ProviderError::ConnectionLost {
            provider: name(),
            bytes: 4,
            why: "reset".into(),
        };
        let resting = ProviderError::Resting {
            provider: name(),
            failures: 5,
            seconds: 30,
        };
        let filtered = ProviderError::Filtered {
            provider: name(),
            message: "x".into(),
        };
        for (error, class, code, step) in [
            (
                unreachable(Unreached::Refused),
                "refused",
                "unreachable",
                "start the server",
            ),
            (
                unreachable(Unreached::Offline),
                "refused",
                "offline",
                "check the network",
            ),
            (
                unreachable(Unreached::Untrusted),
                "refused",
                "untrusted",
                "ca_file",
            ),
            (http(302), "redirect", "http", "base_url"),
            (http(400), "invalid", "http", "change the setting"),
            (http(501), "server", "http", "base_url"),
            (overloaded(529), "overloaded", "overloaded", "try again"),
            (overloaded(500), "server", "overloaded", "try again"),
            (overloaded(504), "timeout", "overloaded", "try again"),
            (
                timeout(TimeoutPhase::FirstByte),
                "timeout",
                "timeout",
                "first_byte_seconds",
            ),
            (
                timeout(TimeoutPhase::Idle),
                "timeout",
                "timeout",
                "idle_seconds",
            ),
            (
                timeout(TimeoutPhase::Total),
                "timeout",
                "timeout",
                "total_seconds",
            ),
            (lost, "truncated", "connection-lost", "try again"),
            (resting, "overloaded", "resting", "in 30 s"),
            (filtered, "filtered", "filtered", "other words"),
        ] {
            assert_eq!((error.class(), error.code()), (class, code), "{error}");
            assert!(
                error.next_step().contains(step),
                "{error}: {}",
                error.next_step()
            );
        }
    }
}
