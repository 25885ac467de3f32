//! The HTTP clients that all providers share.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, Url};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::{ProviderConfig, Unreached};

/// How long a connection may take to be made.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The client for `url`, made at its first use. `Err` says why it cannot be made.
pub(crate) async fn client(url: &Url, config: &ProviderConfig) -> Result<Client, String> {
    if config.proxy.is_some() || config.ca_file.is_some() {
        special(config).await
    } else if url.scheme() == "http" && is_this_machine(url) {
        direct()
    } else {
        outward().await
    }
}

/// What a client of a provider's own was made with.
type Wishes = (Option<String>, Option<Vec<u8>>);

/// For a provider with a proxy or a root of trust of its own. Providers that wish the same share one.
async fn special(config: &ProviderConfig) -> Result<Client, String> {
    static CLIENTS: Mutex<Vec<(Wishes, Client)>> = Mutex::new(Vec::new());
    /// More are made anew, which costs milliseconds.
    const KEPT: usize = 16;
    let (proxy, ca_file) = (config.proxy.clone(), config.ca_file.clone());
    let making = spawn_blocking(move || {
        let roots = ca_file.map(|file| read_roots(&file)).transpose()?;
        let wishes = (proxy, roots);
        let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == wishes) {
            return Ok(client.clone());
        }
        let mut builder = common();
        if let Some(proxy) = &wishes.0 {
            let proxy = Proxy::all(proxy.as_str())
                .map_err(|error| format!("its proxy is no address: {}", explained(&error)))?;
            builder = builder.proxy(proxy);
        }
        if let Some(roots) = &wishes.1 {
            let roots = Certificate::from_pem_bundle(roots)
                .map_err(|error| format!("its ca_file cannot be read: {}", explained(&error)))?;
            if roots.is_empty() {
                return Err("its ca_file holds no certificate in PEM form".into());
            }
            builder = builder.tls_certs_merge(roots);
        }
        let client = built(builder)?;
        if clients.len() >= KEPT {
            clients.remove(0);
        }
        clients.push((wishes, client.clone()));
        Ok(client)
    });
    making.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn read_roots(file: &Path) -> Result<Vec<u8>, String> {
    /// All roots of a system are about 250 KiB.
    const MOST: u64 = 4 << 20;
    let mut roots = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(MOST).read_to_end(&mut roots))
        .map_err(|error| format!("its ca_file {} cannot be read: {error}", file.display()))?;
    Ok(roots)
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

/// A client for a server of another kind at `url`: it follows no redirect, so that what is sent to one host
/// is not sent to another, and reaches this machine past every proxy. An error says why there is none.
pub fn http_client(url: &str) -> Result<Client, String> {
    let builder = common();
    built(match Url::parse(url) {
        Ok(url) if is_this_machine(&url) => builder.no_proxy(),
        _ => builder,
    })
}

/// What all clients have in common.
pub(crate) fn common() -> ClientBuilder {
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
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Why no connection was made.
pub(crate) fn unreached(error: &(dyn std::error::Error + 'static)) -> Unreached {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // One layer packs the error of the other, and shows only what caused that.
            let mut error = error;
            while let Some(inner) = error.get_ref() {
                if let Some(rustls::Error::InvalidCertificate(_)) = inner.downcast_ref() {
                    return Unreached::Untrusted;
                }
                match inner.downcast_ref() {
                    Some(inner) => error = inner,
                    None => break,
                }
            }
            match error.kind() {
                io::ErrorKind::ConnectionRefused => return Unreached::Refused,
                io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkDown => return Unreached::Offline,
                _ => {}
            }
        }
        // A name that cannot be looked up has no kind of its own.
        if error.to_string().starts_with("dns error") {
            return Unreached::Offline;
        }
        cause = error.source();
    }
    Unreached::Other
}

/// Whether what came is against the rules of HTTP or of its compression, rather than cut off.
pub(crate) fn is_garbled(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let (mut is_of_http, mut kinds) = (false, Vec::new());
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            is_of_http = true;
            if error.is_parse() {
                return true;
            }
        }
        // A layer packs the error of the other, and shows only what caused that.
        let mut inner = error.downcast_ref::<io::Error>();
        while let Some(error) = inner {
            kinds.push(error.kind());
            inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        }
        cause = error.source();
    }
    let is_invalid = |kind: &io::ErrorKind| {
        matches!(
            kind,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        )
    };
    // What decompresses has no kind of its own for what it cannot.
    let is_of_compression =
        error.is_decode() && !is_of_http && !kinds.contains(&io::ErrorKind::UnexpectedEof);
    is_of_compression || kinds.iter().any(is_invalid)
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
