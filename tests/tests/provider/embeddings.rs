//! Embeddings in every format that has them, and what becomes of answers that are none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use pleach_model::{
    Embedded, EmbeddingUse, PriceTable, Provider, ProviderConfig, ProviderError, Usage, WireFormat,
};
use pleach_tests::fake_model::{FakeModel, Flavour, Script, Seen, texts_of};
use serde_json::{Value, json};

const FLAVOURS: [(Flavour, WireFormat, &str); 4] = [
    (Flavour::Chat, WireFormat::Chat, "POST /v1/embeddings"),
    (
        Flavour::Responses,
        WireFormat::Responses,
        "POST /v1/embeddings",
    ),
    (
        Flavour::Gemini,
        WireFormat::Gemini,
        "POST /v1beta/models/embed-1:batchEmbedContents",
    ),
    (Flavour::Ollama, WireFormat::Ollama, "POST /api/embed"),
];

/// As many `a` and `b` as a text has, and something else.
fn letters(text: &str) -> Vec<f32> {
    let count = |letter: char| f32::from(u8::try_from(text.matches(letter).count()).unwrap());
    vec![count('a'), count('b'), 0.5]
}

fn provider(format: WireFormat, root: &str) -> Provider {
    let mut config = ProviderConfig::new("near", root, "embed-1");
    config.format = format;
    Provider::new(config, Some("sk-test".to_owned().into())).unwrap()
}

fn embed(provider: &Provider, wanted: EmbeddingUse) -> Result<Embedded, ProviderError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let texts = ["aab".to_owned(), "b".to_owned(), "größer".to_owned()];
    runtime.block_on(provider.embed(&texts, wanted))
}

#[test]
fn texts_are_embedded_in_every_format() {
    let model = FakeModel::start();
    model.embeds(letters);
    for (flavour, format, path) in FLAVOURS {
        let provider = provider(format, &model.root());
        assert!(provider.has_embeddings());
        let embedded = embed(&provider, EmbeddingUse::Document).unwrap();
        assert_eq!(
            embedded,
            Embedded {
                vectors: vec![
                    vec![2.0, 1.0, 0.5],
                    vec![0.0, 1.0, 0.5],
                    vec![0.0, 0.0, 0.5]
                ],
                tokens: Some(30),
            },
            "{flavour:?}"
        );
        let Seen::Request {
            line,
            headers,
            body,
        } = model.next()
        else {
            panic!("no request")
        };
        assert_eq!(line, path);
        assert!(
            headers
                .iter()
                .any(|(name, value)| (name.as_str(), value.as_str()) == flavour.key()),
            "{flavour:?} {headers:?}"
        );
        assert_eq!(texts_of(&body), ["aab", "b", "größer"]);
        if format == WireFormat::Gemini {
            assert_eq!(body["requests"][0]["model"], "models/embed-1");
            assert_eq!(body["requests"][0]["taskType"], "RETRIEVAL_DOCUMENT");
        } else {
            assert_eq!(body["model"], "embed-1");
        }
        assert_eq!(model.next(), Seen::Answered);
    }
    let gemini = provider(WireFormat::Gemini, &model.root());
    embed(&gemini, EmbeddingUse::Question).unwrap();
    assert_eq!(
        model.request()["requests"][0]["taskType"],
        "CODE_RETRIEVAL_QUERY"
    );
}

#[test]
fn a_protocol_without_embeddings_says_so_and_asks_nobody() {
    let model = FakeModel::start();
    let anthropic = provider(WireFormat::Anthropic, &model.root());
    assert!(!anthropic.has_embeddings());
    let error = embed(&anthropic, EmbeddingUse::Document).unwrap_err();
    assert_eq!(error.code(), "provider-settings");
    assert!(model.saw_nothing_more());
}

#[test]
fn what_is_no_embedding_is_refused() {
    let model = FakeModel::start();
    let provider = provider(WireFormat::Chat, &model.root());
    let data = |vectors: &[Value]| {
        let entries: Vec<Value> = vectors.iter().map(|it| json!({"embedding": it})).collect();
        json!({"data": entries})
    };
    let good = json!([1, 0.5]);
    for (answer, why) in [
        (json!({}), "no embeddings"),
        (
            data(&[good.clone(), good.clone()]),
            "2 embeddings for 3 texts",
        ),
        (
            data(&[good.clone(), good.clone(), json!([1])]),
            "different lengths",
        ),
        (
            data(&[good.clone(), good.clone(), json!([0, 0])]),
            "without a direction",
        ),
        (
            data(&[good.clone(), good.clone(), json!([1e300, 0])]),
            "without a direction",
        ),
        (data(&[json!([]), json!([]), json!([])]), "0 numbers"),
        (
            data(&[good.clone(), good.clone(), json!("AAAA")]),
            "no embeddings",
        ),
    ] {
        model.embedding(Script::json(&answer));
        let error = embed(&provider, EmbeddingUse::Document).unwrap_err();
        assert_eq!(error.code(), "bad-reply", "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn refusals_are_told_apart_and_a_busy_server_is_asked_again() {
    let model = FakeModel::start();
    model.embeds(letters);
    // So little time that no pause fits into it.
    let mut config = ProviderConfig::new("near", &model.root(), "embed-1");
    config.total_timeout = Duration::from_millis(900);
    let provider = Provider::new(config, Some("sk-test".to_owned().into())).unwrap();
    let complaint = |message: &str| json!({"error": {"message": message, "type": "x"}});
    for (script, code) in [
        (
            Script::error(401, &complaint("no sk-test here")),
            "unauthorized",
        ),
        (
            Script::error(404, &complaint("no such model")),
            "model-not-found",
        ),
        (
            Script::error(
                500,
                &complaint("input (700 tokens) is too large to process"),
            ),
            "context-overflow",
        ),
        (
            Script::error(400, &complaint("Too many tokens in batch. Max is 16384")),
            "context-overflow",
        ),
        (
            Script::json(&complaint("nobody is overloaded")),
            "overloaded",
        ),
        (Script::default().raw("<html>"), "bad-reply"),
        (Script::default().raw("{\"data\": ["), "truncated-reply"),
    ] {
        model.embedding(script);
        let error = embed(&provider, EmbeddingUse::Document).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.to_string().contains("sk-test"), "{error}");
    }
    let busy = Script::error(503, &complaint("busy")).header("retry-after-ms", "1");
    model.embedding(busy);
    assert_eq!(
        embed(&provider, EmbeddingUse::Document).unwrap().tokens,
        Some(30)
    );
}

#[test]
fn silence_and_answers_without_end_are_bounded() {
    let model = FakeModel::start();
    let mut config = ProviderConfig::new("slow", &model.root(), "embed-1");
    config.first_byte_timeout = Duration::from_millis(50);
    config.idle_timeout = Duration::from_millis(50);
    let provider = Provider::new(config, None).unwrap();
    for script in [Script::default().hang(), Script::default().raw("{").hang()] {
        model.embedding(script);
        let error = embed(&provider, EmbeddingUse::Document).unwrap_err();
        assert_eq!(error.code(), "timeout", "{error}");
    }
    let mut endless = Script::default();
    for _ in 0..33 {
        endless = endless.raw(&" ".repeat(1 << 20));
    }
    model.embedding(endless);
    let error = embed(&provider, EmbeddingUse::Document).unwrap_err();
    assert!(error.to_string().contains("bytes in one answer"), "{error}");
}

#[test]
fn what_embeddings_cost_is_in_the_table() {
    let cost = |url: &str, model: &str| {
        let config = ProviderConfig::new("mine", url, model);
        let usage = Usage {
            input_tokens: 1_000_000,
            ..Usage::default()
        };
        PriceTable::built_in()
            .cost(&config, &usage)
            .map(|cost| cost.0)
    };
    assert_eq!(
        cost("https://api.openai.com/v1", "text-embedding-3-small"),
        Some(20_000)
    );
    assert_eq!(
        cost(
            "https://generativelanguage.googleapis.com",
            "gemini-embedding-001"
        ),
        Some(150_000)
    );
    assert_eq!(
        cost("https://api.mistral.ai/v1", "codestral-embed"),
        Some(150_000)
    );
    assert_eq!(cost("http://127.0.0.1:8080/v1", "nomic-embed-text"), None);
}
