//! How each format embeds texts.

use serde_json::{Map, Value, json};

use crate::decode::number;
use crate::embedding::EmbeddingUse;

/// What differs between the formats that have embeddings.
pub(crate) trait EmbeddingFormat: Send + Sync {
    /// Where embeddings are asked for, behind the address.
    fn path(&self, model: &str) -> String;

    /// What is asked.
    fn body(&self, model: &str, texts: &[String], wanted: EmbeddingUse) -> Map<String, Value>;

    /// The vectors of an answer in the order of the texts, and the tokens that were counted. `None` when it
    /// is no answer.
    fn read(&self, answer: &Value) -> Option<(Vec<Vec<f32>>, Option<u64>)>;
}

/// `/embeddings`, as OpenAI, Mistral, llama.cpp, LM Studio, vLLM and others serve it.
pub(super) struct OpenAi;

impl EmbeddingFormat for OpenAi {
    fn path(&self, _model: &str) -> String {
        "/embeddings".into()
    }

    fn body(&self, model: &str, texts: &[String], _wanted: EmbeddingUse) -> Map<String, Value> {
        // As numbers, which every server knows; base64 is shorter and many do not.
        object([("model", json!(model)), ("input", json!(texts))])
    }

    fn read(&self, answer: &Value) -> Option<(Vec<Vec<f32>>, Option<u64>)> {
        let data = answer.get("data")?.as_array()?;
        let mut numbered = Vec::with_capacity(data.len());
        for (place, entry) in data.iter().enumerate() {
            let place = u64::try_from(place).unwrap_or(u64::MAX);
            let index = number(entry, "index").unwrap_or(place);
            numbered.push((index, vector(entry.get("embedding")?)?));
        }
        // They may come in any order.
        numbered.sort_by_key(|(index, _)| *index);
        let vectors = numbered.into_iter().map(|(_, vector)| vector).collect();
        let usage = answer.get("usage").unwrap_or(&Value::Null);
        // Voyage has the whole alone.
        let tokens = number(usage, "prompt_tokens").or_else(|| number(usage, "total_tokens"));
        Some((vectors, tokens))
    }
}

/// Gemini's `batchEmbedContents`.
pub(super) struct Gemini;

impl EmbeddingFormat for Gemini {
    fn path(&self, model: &str) -> String {
        format!("/models/{}:batchEmbedContents", bare(model))
    }

    fn body(&self, model: &str, texts: &[String], wanted: EmbeddingUse) -> Map<String, Value> {
        let task = match wanted {
            EmbeddingUse::Document => "RETRIEVAL_DOCUMENT",
            EmbeddingUse::Question => "CODE_RETRIEVAL_QUERY",
        };
        let model = format!("models/{}", bare(model));
        let requests: Vec<Value> = texts
            .iter()
            .map(|text| {
                json!({"model": model, "content": {"parts": [{"text": text}]}, "taskType": task})
            })
            .collect();
        object([("requests", json!(requests))])
    }

    fn read(&self, answer: &Value) -> Option<(Vec<Vec<f32>>, Option<u64>)> {
        let all = answer.get("embeddings")?.as_array()?.iter();
        let vectors = all.map(|entry| vector(entry.get("values")?));
        let usage = answer.get("usageMetadata").unwrap_or(&Value::Null);
        let tokens = number(usage, "promptTokenCount").or_else(|| number(usage, "totalTokenCount"));
        Some((vectors.collect::<Option<_>>()?, tokens))
    }
}

/// Ollama's `/api/embed`.
pub(super) struct Ollama;

impl EmbeddingFormat for Ollama {
    fn path(&self, _model: &str) -> String {
        "/embed".into()
    }

    fn body(&self, model: &str, texts: &[String], _wanted: EmbeddingUse) -> Map<String, Value> {
        object([("model", json!(model)), ("input", json!(texts))])
    }

    fn read(&self, answer: &Value) -> Option<(Vec<Vec<f32>>, Option<u64>)> {
        let all = answer.get("embeddings")?.as_array()?.iter();
        let vectors = all.map(vector).collect::<Option<_>>()?;
        Some((vectors, number(answer, "prompt_eval_count")))
    }
}

/// The list of models names them with their folder.
fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "embeddings are computed with no more digits than these keep"
)]
fn vector(value: &Value) -> Option<Vec<f32>> {
    let numbers = value.as_array()?.iter();
    numbers
        .map(|number| number.as_f64().map(|number| number as f32))
        .collect()
}
