//! The one HTTP client that all providers share.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

/// How long a connection may take to be made.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The client, made at its first use: the roots of trust take longer to read than a server may take
/// to start. `Err` says why the system's TLS cannot be set up.
pub(crate) fn client() -> Result<Client, String> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    CLIENT
        .get_or_init(|| {
            // A second call finds a provider installed already, which serves as well.
            let _installed = rustls::crypto::ring::default_provider().install_default();
            Client::builder()
                .user_agent(concat!("pleach/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_WITHIN)
                // A key must not follow a redirect to another host.
                .redirect(Policy::none())
                .build()
                .map_err(|error| explained(&error))
        })
        .clone()
}

/// An error with its causes, because reqwest's own text names none of them.
pub(crate) fn explained(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
