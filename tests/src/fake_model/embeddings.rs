//! Embeddings in the formats of all providers that have them.

use serde_json::{Value, json};

use super::Script;

/// Makes a vector of a text.
pub type Embedder = fn(&str) -> Vec<f32>;

/// Tokens that the server counts for each text.
const TOKENS: u64 = 10;

/// Whether the first line of a request asks for embeddings.
pub(super) fn is_asked_by(line: &str) -> bool {
    let path = line.split(' ').nth(1).unwrap_or_default();
    path.ends_with("/embeddings")
        || path.ends_with("/embed")
        || path.ends_with(":batchEmbedContents")
}

/// The texts that a request wants to be embedded.
pub fn texts_of(body: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if body["requests"].is_array() {
        let requests = list(&body["requests"]);
        let texts = requests.iter();
        return texts
            .map(|it| text(&it["content"]["parts"][0]["text"]))
            .collect();
    }
    list(&body["input"]).iter().map(text).collect()
}

/// The answer in the format that the path belongs to.
pub(super) fn answer(line: &str, body: &Value, embed: Embedder) -> Script {
    let texts = texts_of(body);
    let count = u64::try_from(texts.len()).unwrap_or(u64::MAX);
    let vectors: Vec<Vec<f32>> = texts.iter().map(|text| embed(text)).collect();
    let answer = if line.contains(":batchEmbedContents") {
        let all: Vec<Value> = vectors.iter().map(|it| json!({"values": it})).collect();
        json!({"embeddings": all, "usageMetadata": {"promptTokenCount": count * TOKENS}})
    } else if line.ends_with("/api/embed") {
        json!({"model": body["model"], "embeddings": vectors, "prompt_eval_count": count * TOKENS})
    } else {
        let numbered = vectors.iter().enumerate();
        // In the wrong order, as the format allows.
        let data: Vec<Value> = numbered
            .rev()
            .map(|(index, it)| json!({"object": "embedding", "index": index, "embedding": it}))
            .collect();
        let usage = json!({"prompt_tokens": count * TOKENS, "total_tokens": count * TOKENS});
        json!({"object": "list", "data": data, "model": body["model"], "usage": usage})
    };
    Script::json(&answer)
}
