//! Ollama's own format: one JSON document per line.

mod decode;
mod request;

use serde_json::{Map, Value};

use super::{Dialect, EmbeddingFormat, Listed, embeddings};
use crate::decode::Decode;
use crate::wire::Framing;
use crate::{ModelRequest, ProviderConfig};

pub(super) struct Ollama;

impl Dialect for Ollama {
    fn root(&self) -> &'static str {
        "/api"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["/chat", "/v1"]
    }

    fn path(&self, _model: &str) -> String {
        "/chat".into()
    }

    fn models_path(&self) -> &'static str {
        "/tags"
    }

    fn models(&self, list: &Value) -> Vec<Listed> {
        Listed::all(list.get("models"), "name")
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn body(&self, config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
        request::body(config, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(decode::Decoder::default())
    }

    fn embedding(&self) -> Option<&'static dyn EmbeddingFormat> {
        Some(&embeddings::Ollama)
    }

    fn adapt(&self, body: &mut Map<String, Value>, complaint: &str) -> bool {
        request::adapt(body, complaint)
    }
}
