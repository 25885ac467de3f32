//! OpenAI's chat completions, as OpenAI publishes them and as other servers speak them.

mod decode;
mod request;

use serde_json::{Map, Value};

use super::{Dialect, EmbeddingFormat, Listed, embeddings};
use crate::decode::Decode;
use crate::{ModelRequest, ProviderConfig};

pub(super) struct Chat;

impl Dialect for Chat {
    fn root(&self) -> &'static str {
        "/v1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["/chat/completions"]
    }

    fn path(&self, _model: &str) -> String {
        "/chat/completions".into()
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
