//! OpenAI's responses.

mod decode;
mod request;

use serde_json::{Map, Value};

use super::{Dialect, EmbeddingFormat, Listed, embeddings};
use crate::decode::Decode;
use crate::{ModelRequest, ProviderConfig};

pub(super) struct Responses;

impl Dialect for Responses {
    fn root(&self) -> &'static str {
        "/v1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["/responses", "/chat/completions"]
    }

    fn path(&self, _model: &str) -> String {
        "/responses".into()
    }

    fn models(&self, list: &Value) -> Vec<Listed> {
        Listed::all(list.get("data"), "id")
    }

    fn body(&self, config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
        request::body(config, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(decode::Decoder::default())
    }

    fn embedding(&self) -> Option<&'static dyn EmbeddingFormat> {
        Some(&embeddings::OpenAi)
    }

    fn adapt(&self, body: &mut Map<String, Value>, complaint: &str) -> bool {
        request::adapt(body, complaint)
    }
}
