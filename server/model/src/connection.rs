//! The HTTP clients that all providers share.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// How long a connection may take to be made.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The client for `url`, made at its first use. `Err` says why it cannot be made.
pub(crate) async fn client(url: &Url) -> Result<Client, String> {
    if url.scheme() == "http" && is_this_machine(url) {
        direct()
    } else {
        outward().await
    }
}

/// For model servers on this machine. No proxy: it would look for the server on itself. No roots of
/// trust: nothing is encrypted.
fn direct() -> Result<Client, String> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    CLIENT
        .get_or_init(|| built(common().no_proxy().tls_certs_only([])))
        .clone()
}

/// For everything else: the system's proxies and the system's roots of trust. Reading those takes
/// long enough to be kept off the thread that answers the editor.
async fn outward() -> Result<Client, String> {
    static CLIENT: OnceCell<Result<Client, String>> = OnceCell::const_new();
    let client = CLIENT.get_or_init(|| async {
        let building = spawn_blocking(|| built(common()));
        building
            .await
            .unwrap_or_else(|error| Err(error.to_string()))
    });
    client.await.clone()
}

fn common() -> ClientBuilder {
    // A second call finds a provider installed already, which serves as well.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("pleach/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_WITHIN)
        // A key must not follow a redirect to another host.
        .redirect(Policy::none())
}

fn built(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| explained(&error))
}

/// Whether an address stays on this machine (RFC 6761, section 6.3, for the names).
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_stays_on_this_machine() {
        let local = |url: &str| is_this_machine(&Url::parse(url).unwrap());
        assert!(local("http://127.0.0.1:8080/v1"));
        assert!(local("http://127.1.2.3/"));
        assert!(local("http://[::1]:11434/v1"));
        assert!(local("http://localhost:11434"));
        assert!(local("http://models.localhost"));
        assert!(!local("http://192.168.1.4:8000"));
        assert!(!local("http://localhost.example.org"));
        assert!(!local("http://127.0.0.1.example.org"));
    }
}
