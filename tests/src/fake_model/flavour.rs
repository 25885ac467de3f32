//! Answers in the formats of all providers.

use serde_json::{Value, json};

use super::Script;

/// A provider's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's `streamGenerateContent`.
    Gemini,
    /// Ollama's chat.
    Ollama,
}

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::Responses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
    ];

    /// As the settings call it, and `--flavour` of the program.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Chat => "openai-compatible",
            Self::Responses => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// The first line of a request for an answer of the model `fake`.
    pub fn line(self) -> &'static str {
        match self {
            Self::Chat => "POST /v1/chat/completions",
            Self::Responses => "POST /v1/responses",
            Self::Anthropic => "POST /v1/messages",
            Self::Gemini => "POST /v1beta/models/fake:streamGenerateContent?alt=sse",
            Self::Ollama => "POST /api/chat",
        }
    }

    /// The header that carries the key `sk-test`.
    pub fn key(self) -> (&'static str, &'static str) {
        match self {
            Self::Anthropic => ("x-api-key", "sk-test"),
            Self::Gemini => ("x-goog-api-key", "sk-test"),
            Self::Chat | Self::Responses | Self::Ollama => ("authorization", "Bearer sk-test"),
        }
    }

    /// The beginning of an answer.
    pub fn begin(self) -> Script {
        let script = Script::default();
        match self {
            Self::Responses => script.named(&json!({"type": "response.created",
                "response": {"object": "response", "model": "fake", "status": "in_progress"}})),
            Self::Anthropic => script
                .named(
                    &json!({"type": "message_start", "message": {"type": "message", "model": "fake",
                    "content": [], "usage": {"input_tokens": 7, "output_tokens": 1}}}),
                )
                .named(&json!({"type": "ping"}))
                .named(&json!({"type": "content_block_start", "index": 0,
                    "content_block": {"type": "text", "text": ""}})),
            Self::Ollama => script.header("content-type", "application/x-ndjson"),
            Self::Chat | Self::Gemini => script,
        }
    }

    /// A piece of the answer's text.
    pub fn piece(self, script: Script, text: &str) -> Script {
        match self {
            Self::Chat => script.piece(text),
            Self::Responses => script.named(&json!({"type": "response.output_text.delta",
                "output_index": 0, "content_index": 0, "delta": text})),
            Self::Anthropic => script.named(&json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": text}})),
            Self::Gemini => script.event(&json!({"modelVersion": "fake", "candidates": [
                {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}]})),
            Self::Ollama => script.line(&json!({"model": "fake", "done": false,
                "message": {"role": "assistant", "content": text}})),
        }
    }

    /// A call of a tool, after the text.
    pub fn call(self, script: Script, name: &str, arguments: &Value) -> Script {
        match self {
            Self::Chat => script.event(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [
                {"index": 0, "id": "call_1", "type": "function",
                    "function": {"name": name, "arguments": arguments.to_string()}}]}}]})),
            Self::Responses => {
                let item = |arguments: &str| {
                    json!({"type": "function_call", "call_id": "call_1", "name": name,
                        "arguments": arguments})
                };
                let whole = arguments.to_string();
                script
                    .named(
                        &json!({"type": "response.output_item.added", "output_index": 1,
                        "item": item("")}),
                    )
                    .named(&json!({"type": "response.function_call_arguments.delta",
                        "output_index": 1, "delta": whole}))
                    .named(
                        &json!({"type": "response.output_item.done", "output_index": 1,
                        "item": item(&whole)}),
                    )
            }
            Self::Anthropic => script
                .named(
                    &json!({"type": "content_block_start", "index": 1, "content_block":
                    {"type": "tool_use", "id": "call_1", "name": name, "input": {}}}),
                )
                .named(&json!({"type": "content_block_delta", "index": 1,
                    "delta": {"type": "input_json_delta", "partial_json": arguments.to_string()}}))
                .named(&json!({"type": "content_block_stop", "index": 1})),
            Self::Gemini => script
                .event(&json!({"candidates": [{"index": 0, "content": {"parts": [
                {"functionCall": {"name": name, "args": arguments}}]}}]})),
            Self::Ollama => script.line(&json!({"model": "fake", "done": false, "message":
                {"role": "assistant", "content": "", "tool_calls": [
                    {"function": {"name": name, "arguments": arguments}}]}})),
        }
    }

    /// The end of an answer, with 7 tokens read and 3 written.
    pub fn end(self, script: Script) -> Script {
        match self {
            Self::Chat => script.end("stop"),
            Self::Responses => script.named(&json!({"type": "response.completed", "response":
                {"object": "response", "status": "completed", "output": [],
                    "usage": {"input_tokens": 7, "output_tokens": 3}}})),
            Self::Anthropic => script
                .named(&json!({"type": "content_block_stop", "index": 0}))
                .named(
                    &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                    "usage": {"output_tokens": 3}}),
                )
                .named(&json!({"type": "message_stop"})),
            Self::Gemini => {
                script.event(&json!({"candidates": [{"index": 0, "finishReason": "STOP",
                "content": {"parts": [{"text": ""}]}}],
                "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3}}))
            }
            Self::Ollama => script.line(
                &json!({"model": "fake", "done": true, "done_reason": "stop",
                "message": {"role": "assistant", "content": ""}, "prompt_eval_count": 7,
                "eval_count": 3}),
            ),
        }
    }

    /// A whole answer.
    pub fn text(self, text: &str) -> Script {
        self.end(self.piece(self.begin(), text))
    }

    /// An error in the middle of an answer: too busy.
    pub fn overloaded(self, script: Script) -> Script {
        match self {
            Self::Chat => script.event(&json!({"error": {"code": 503, "message": "overloaded"}})),
            Self::Responses => script.named(&json!({"type": "response.failed", "response":
                {"object": "response", "status": "failed",
                    "error": {"code": "server_error", "message": "overloaded"}}})),
            Self::Anthropic => script.named(&json!({"type": "error",
                "error": {"type": "overloaded_error", "message": "Overloaded"}})),
            Self::Gemini => script.event(&json!({"error": {"code": 503, "status": "UNAVAILABLE",
                "message": "The model is overloaded."}})),
            Self::Ollama => script.line(&json!({"error": "server overloaded"})),
        }
    }
}

impl Script {
    /// An event that is named after its type.
    fn named(self, data: &Value) -> Self {
        let name = data["type"].as_str().unwrap_or_default();
        self.raw(&format!("event: {name}\ndata: {data}\n\n"))
    }

    /// A line of JSON.
    fn line(self, data: &Value) -> Self {
        self.raw(&format!("{data}\n"))
    }
}
