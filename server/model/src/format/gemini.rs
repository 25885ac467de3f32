//! Google's `streamGenerateContent`.

mod decode;
mod request;

use reqwest::header::HeaderName;
use serde_json::{Map, Value};

use super::{Dialect, EmbeddingFormat, Listed, embeddings};
use crate::decode::Decode;
use crate::{ModelRequest, ProviderConfig};

pub(super) struct Gemini;

impl Dialect for Gemini {
    fn root(&self) -> &'static str {
        "/v1beta"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["/models", "/openai"]
    }

    fn path(&self, model: &str) -> String {
        // The list of models names them with their folder.
        let model = model.strip_prefix("models/").unwrap_or(model);
        format!("/models/{model}:streamGenerateContent?alt=sse")
    }

    fn models_path(&self) -> &'static str {
        "/models?pageSize=1000"
    }

    fn models(&self, list: &Value) -> Vec<Listed> {
        Listed::all(list.get("models"), "name")
    }

    fn key(&self, key: &str) -> (HeaderName, String) {
        (HeaderName::from_static("x-goog-api-key"), key.to_owned())
    }

    fn body(&self, config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
        request::body(config, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(decode::Decoder::default())
    }

    fn embedding(&self) -> Option<&'static dyn EmbeddingFormat> {
        Some(&embeddings::Gemini)
    }

    fn adapt(&self, body: &mut Map<String, Value>, complaint: &str) -> bool {
        request::adapt(body, complaint)
    }
}
