//! Anthropic's messages, version 2023-06-01.

mod decode;
mod request;

use reqwest::header::HeaderName;
use serde_json::{Map, Value};

use super::{Dialect, Listed};
use crate::decode::Decode;
use crate::{ModelRequest, ProviderConfig};

pub(super) struct Anthropic;

impl Dialect for Anthropic {
    fn root(&self) -> &'static str {
        "/v1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["/messages"]
    }

    fn path(&self, _model: &str) -> String {
        "/messages".into()
    }

    fn models(&self, list: &Value) -> Vec<Listed> {
        Listed::all(list.get("data"), "id")
    }

    fn key(&self, key: &str) -> (HeaderName, String) {
        (HeaderName::from_static("x-api-key"), key.to_owned())
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn body(&self, config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value> {
        request::body(config, request)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(decode::Decoder::default())
    }

    fn adapt(&self, body: &mut Map<String, Value>, complaint: &str) -> bool {
        request::adapt(body, complaint)
    }
}
