//! The wire formats: how each kind of provider is asked and how it answers. One module each, all of
//! them pure: what is sent is a value, and what comes is read from payloads.

mod anthropic;
mod chat;
mod embeddings;
mod gemini;
mod ollama;
mod responses;

use reqwest::header::HeaderName;
use serde_json::{Map, Value};

pub(crate) use self::embeddings::EmbeddingFormat;
use crate::decode::Decode;
use crate::wire::Framing;
use crate::{ModelRequest, ProviderConfig};

/// The format that a provider speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// OpenAI's chat completions, which llama.cpp, vLLM, `OpenRouter` and many others speak.
    #[default]
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Anthropic,
    /// Google's `streamGenerateContent`.
    Gemini,
    /// Ollama's own.
    Ollama,
}

impl WireFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::Responses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
    ];

    /// What an address without a path is completed with: `/v1`, `/v1beta` or `/api`.
    pub fn root(self) -> &'static str {
        self.dialect().root()
    }

    pub(crate) fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Chat => &chat::Chat,
            Self::Responses => &responses::Responses,
            Self::Anthropic => &anthropic::Anthropic,
            Self::Gemini => &gemini::Gemini,
            Self::Ollama => &ollama::Ollama,
        }
    }
}

/// What differs between the formats.
pub(crate) trait Dialect: Send + Sync {
    /// What an address without a path is completed with.
    fn root(&self) -> &'static str;

    /// What people copy behind the address and what does not belong there.
    fn endings(&self) -> &'static [&'static str];

    /// Where answers are asked for, behind the address.
    fn path(&self, model: &str) -> String;

    /// Where the models are listed, behind the address.
    fn models_path(&self) -> &'static str {
        "/models"
    }

    /// The list of models that a server gave.
    fn models(&self, list: &Value) -> Vec<Listed>;

    /// The header that carries the key.
    fn key(&self, key: &str) -> (HeaderName, String) {
        (reqwest::header::AUTHORIZATION, format!("Bearer {key}"))
    }

    /// Headers of every request.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// What is asked.
    fn body(&self, config: &ProviderConfig, request: &ModelRequest) -> Map<String, Value>;

    fn decoder(&self) -> Box<dyn Decode>;

    /// How texts are embedded, where the format can.
    fn embedding(&self) -> Option<&'static dyn EmbeddingFormat> {
        None
    }

    /// Puts a request in words that the server knows, if its complaint names one that can be replaced
    /// or left out. Such a refusal has cost nothing, so asking again does not cost twice.
    fn adapt(&self, _body: &mut Map<String, Value>, _complaint: &str) -> bool {
        false
    }
}

/// A model in a server's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// The server answers with it whatever name is asked for.
    pub(crate) answers_for_all: bool,
}

impl Listed {
    /// The models of a list, each named by a field.
    pub(crate) fn all(list: Option<&Value>, name: &str) -> Vec<Self> {
        let entries = list.and_then(Value::as_array);
        let entries = entries.map_or(&[][..], Vec::as_slice);
        let text = |entry: &Value, name: &str| entry.get(name)?.as_str().map(str::to_owned);
        // llama.cpp with one model answers with it, whatever name is asked for.
        let is_alone =
            matches!(entries, [only] if text(only, "owned_by").as_deref() == Some("llamacpp"));
        let named = |entry| {
            Some(Self {
                name: text(entry, name)?,
                answers_for_all: is_alone,
            })
        };
        entries.iter().filter_map(named).collect()
    }

    /// Whether it is what the settings call `model`.
    pub(crate) fn is(&self, model: &str) -> bool {
        let name = self.name.as_str();
        // Ollama adds the tag that stands for none, Gemini a folder.
        self.answers_for_all
            || name == model
            || name.strip_suffix(":latest") == Some(model)
            || name.strip_prefix("models/") == Some(model)
            || Some(name) == model.strip_prefix("models/")
    }
}

/// A name for a call that its server gave none. It is never sent back where a server has names.
pub(crate) fn invented_id(index: usize) -> String {
    format!("{INVENTED}{index}")
}

/// The server's own name of a call, if it gave one.
pub(crate) fn own_id(id: &str) -> Option<&str> {
    (!id.starts_with(INVENTED)).then_some(id)
}

const INVENTED: &str = "pleach-call-";

#[cfg(test)]
mod tests;
