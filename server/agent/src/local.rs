//! Servers with models on this machine: found by asking for their lists of models, and nothing else.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use pleach_exec::Variables;
use pleach_model::{Provider, ProviderConfig, WireFormat};
use pleach_policy::{NewModel, ProviderKind};
use tokio::time::timeout;

/// How long each server may take. On this machine a list comes within milliseconds or not at all.
const PATIENCE: Duration = Duration::from_millis(600);

const OLLAMA: &str = "ollama";
const LLAMA_CPP: &str = "llama-cpp";

/// Where Ollama listens unless `OLLAMA_HOST` says otherwise.
const OLLAMA_PORT: u16 = 11434;
/// Where llama.cpp's server listens unless `LLAMA_ARG_PORT` says otherwise.
const LLAMA_PORT: u16 = 8080;

/// A server on this machine that has models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalServer {
    /// `Ollama` or `llama.cpp`.
    pub title: &'static str,
    /// The name of its provider in the settings.
    name: &'static str,
    kind: ProviderKind,
    base_url: String,
    /// Whether that is where such a server is anyway.
    is_usual: bool,
    /// The models that write text, the ones made for code first.
    pub models: Vec<String>,
}

impl LocalServer {
    /// The names that `pleach model` knows them by.
    pub const NAMES: [&str; 2] = [OLLAMA, LLAMA_CPP];

    /// One of its models, for the settings.
    pub fn model(&self, model: &str) -> NewModel {
        let needs_address = !self.is_usual || self.kind.default_base_url().is_none();
        NewModel {
            name: self.name.to_owned(),
            kind: self.kind,
            base_url: needs_address.then(|| self.base_url.clone()),
            model: model.to_owned(),
            key_env: None,
        }
    }

    /// Where such a server is usually, if its kind does not say so.
    pub fn usual_address(name: &str) -> Option<String> {
        (name == LLAMA_CPP).then(|| llama_address(LLAMA_PORT))
    }

    /// The name that `pleach model` knows it by.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The servers of Ollama and llama.cpp that answer on this machine and have a model. Asks the loopback
/// address only, for the list of models only, and takes less than a second.
pub async fn local_servers(variables: &Variables) -> Vec<LocalServer> {
    let ollama = loopback(
        variables("OLLAMA_HOST").as_deref().unwrap_or_default(),
        OLLAMA_PORT,
    );
    let port = variables("LLAMA_ARG_PORT").and_then(|port| port.parse().ok());
    let llama = port.unwrap_or(LLAMA_PORT);
    let wanted = [
        ollama.map(|(address, is_usual)| LocalServer {
            title: "Ollama",
            name: OLLAMA,
            kind: ProviderKind::Ollama,
            base_url: address,
            is_usual,
            models: Vec::new(),
        }),
        Some(LocalServer {
            title: "llama.cpp",
            name: LLAMA_CPP,
            kind: ProviderKind::OpenAiCompatible,
            base_url: llama_address(llama),
            is_usual: llama == LLAMA_PORT,
            models: Vec::new(),
        }),
    ];
    let asked = join_all(wanted.into_iter().flatten().map(ask)).await;
    asked.into_iter().flatten().collect()
}

fn llama_address(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1")
}

async fn ask(mut server: LocalServer) -> Option<LocalServer> {
    let mut config = ProviderConfig::new(server.name, &server.base_url, "");
    if server.kind == ProviderKind::Ollama {
        config.format = WireFormat::Ollama;
    }
    let provider = Provider::new(config, None).ok()?;
    let mut models = timeout(PATIENCE, provider.probe()).await.ok()?.ok()?.models;
    models.retain(|model| !model.to_lowercase().contains("embed"));
    models.sort_by_key(|model| !model.to_lowercase().contains("code"));
    server.models = models;
    (!server.models.is_empty()).then_some(server)
}

/// The address on this machine that `OLLAMA_HOST` means, and whether it is the usual one. None when it is
/// another machine's.
fn loopback(host: &str, usual: u16) -> Option<(String, bool)> {
    let host = host.trim().trim_end_matches('/');
    let host = host.strip_prefix("http://").unwrap_or(host);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()?),
        _ => (host, usual),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let name = match name.parse::<IpAddr>() {
        // What a server listens at that answers everybody.
        Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_loopback() => format!("[{address}]"),
        Ok(IpAddr::V4(address)) if address.is_loopback() => address.to_string(),
        Err(_) if name.is_empty() || name == "localhost" => "127.0.0.1".to_owned(),
        _ => return None,
    };
    let is_usual = name == "127.0.0.1" && port == usual;
    Some((format!("http://{name}:{port}"), is_usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_of_ollama_is_followed_on_this_machine_only() {
        let at = |host: &str| loopback(host, OLLAMA_PORT).map(|(address, _)| address);
        for (host, address) in [
            ("", "http://127.0.0.1:11434"),
            ("127.0.0.1", "http://127.0.0.1:11434"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:9000", "http://127.0.0.1:9000"),
            (":9000", "http://127.0.0.1:9000"),
            ("http://localhost:9000/", "http://127.0.0.1:9000"),
            ("[::1]:9000", "http://[::1]:9000"),
        ] {
            assert_eq!(at(host).as_deref(), Some(address), "{host}");
        }
        for host in [
            "10.0.0.7",
            "ollama.example:11434",
            "https://far.example",
            "127.0.0.1:x",
        ] {
            assert_eq!(at(host), None, "{host}");
        }
    }
}
