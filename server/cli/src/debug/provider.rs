//! `pleach debug provider`: how a server with models is asked, and what becomes of its answer.

use std::io::Write as _;
use std::time::Duration;

use clap::ValueEnum;
use futures_util::StreamExt as _;
use pleach_model::{
    CallError, Message, ModelEvent, ModelRequest, Provider, ProviderConfig, ProviderError, Reply,
    StopReason, Tool, WireFormat,
};
use secrecy::SecretString;
use serde_json::{Value, json};

#[derive(clap::Args)]
#[command(after_help = "\
Sends one short question and reads the streamed answer, with the repetitions that an editor's session
makes: at most three, before the first word, for failures that may pass, after the pause that the
server asks for (if it leaves time) or a growing one of its own. Redirects are not followed.

The last line of standard output is one JSON object:

  {\"kind\": \"complete\", \"text\": \"Hello.\", \"finish\": \"stop\", \"tools\": [], \"error\": null,
   \"shown\": \"\", \"usage\": {\"in\": 9, \"out\": 3}}

  kind    `complete`, or `error` when the answer is not whole or there is none
  text    what came of the answer
  finish  why it ended: stop, length, filtered, tool, other; null when it did not end
  tools   the calls of a whole answer: [{\"name\": …, \"args\": {…}}]
  error   auth         the key is wrong or missing, or there is no credit
          invalid      the server does not accept the request
          not_found    no such model or address
          too_large    longer than the model can read
          rate_limited too many requests, or an exhausted quota
          overloaded   busy, or left in peace after repeated failures
          server       out of order
          timeout      silent for too long, or not done in time
          malformed    not what the format allows, or beyond all bounds
          truncated    ended early
          refused      no connection
          filtered     the server's filter let nothing through
          redirect     the server wants to send the key elsewhere
  shown   what a person would see of the error
  usage   tokens as the server counts them; null where it does not

Bounds: 4 MiB for a line or an event, 64 MiB for an answer after decompression, 16 KiB of an error's
body, 300 characters of its message, and the times below.

Exit code: 0 the answer is whole, 1 it is not.")]
pub(crate) struct Arguments {
    /// What the server speaks
    #[arg(value_name = "FLAVOUR")]
    flavour: Flavour,
    /// Its address, before `/v1/…`, `/v1beta/…` or `/api/…`
    #[arg(value_name = "BASE_URL")]
    base_url: String,
    /// The key, as it would come from the environment; empty for none
    #[arg(value_name = "KEY")]
    key: String,
    /// Offer the model a tool
    #[arg(long)]
    tools: bool,
    /// What to ask
    #[arg(long, value_name = "TEXT", default_value = "Say hello.")]
    question: String,
    /// The model to ask for
    #[arg(long, value_name = "NAME", default_value = "test-model")]
    model: String,
    /// How long the first word, and how long each further piece, may take
    #[arg(long, value_name = "SECONDS", default_value_t = 12)]
    idle_seconds: u64,
    /// How long the whole may take, with all repetitions
    #[arg(long, value_name = "SECONDS", default_value_t = 45)]
    total_seconds: u64,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Flavour {
    #[value(name = "openai_chat")]
    Chat,
    #[value(name = "openai_responses")]
    Responses,
    Anthropic,
    Gemini,
    Ollama,
}

impl Flavour {
    fn format(self) -> WireFormat {
        match self {
            Self::Chat => WireFormat::Chat,
            Self::Responses => WireFormat::Responses,
            Self::Anthropic => WireFormat::Anthropic,
            Self::Gemini => WireFormat::Gemini,
            Self::Ollama => WireFormat::Ollama,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = runtime.block_on(ask(arguments));
    let is_whole = told.get("kind").is_some_and(|kind| kind == "complete");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{told}")?;
    Ok(if is_whole {
        crate::DONE
    } else {
        crate::NOT_IN_ORDER
    })
}

async fn ask(arguments: &Arguments) -> Value {
    let mut reply = Reply::default();
    let end = match open(arguments) {
        Ok(provider) => answer(&provider, &question(arguments), &mut reply).await,
        Err(error) => Err(Failure::of(&error)),
    };
    let (finish, tools, failure) = match end {
        Ok((finish, tools)) => (Some(finish), tools, None),
        Err(failure) => (failure.finish, Vec::new(), Some(failure)),
    };
    let usage = reply.usage;
    json!({
        "kind": if failure.is_none() { "complete" } else { "error" },
        "text": reply.text,
        "finish": finish,
        "tools": tools,
        "error": failure.as_ref().map(|failure| failure.class),
        "shown": failure.map(|failure| failure.shown).unwrap_or_default(),
        "usage": {
            "in": usage.map(|usage| usage.input_tokens),
            "out": usage.map(|usage| usage.output_tokens),
        },
    })
}

/// Why an answer is none.
struct Failure {
    class: &'static str,
    shown: String,
    finish: Option<&'static str>,
}

impl Failure {
    fn of(error: &ProviderError) -> Self {
        Self {
            class: error.class(),
            shown: format!("{error}; {}", error.next_step()),
            finish: None,
        }
    }
}

fn open(arguments: &Arguments) -> Result<Provider, ProviderError> {
    let format = arguments.flavour.format();
    let base_url = arguments.base_url.trim().trim_end_matches('/');
    let root = format.root();
    let base_url = if base_url.ends_with(root) {
        base_url.to_owned()
    } else {
        format!("{base_url}{root}")
    };
    let mut config = ProviderConfig::new("debug", &base_url, &arguments.model);
    config.format = format;
    config.first_byte_timeout = Duration::from_secs(arguments.idle_seconds);
    config.idle_timeout = Duration::from_secs(arguments.idle_seconds);
    config.total_timeout = Duration::from_secs(arguments.total_seconds);
    Provider::new(config, Some(SecretString::from(arguments.key.clone())))
}

/// Asks, and gathers what comes in `reply`. The end and the calls, if the answer is whole.
async fn answer(
    provider: &Provider,
    question: &ModelRequest,
    reply: &mut Reply,
) -> Result<(&'static str, Vec<Value>), Failure> {
    let mut events = provider.stream(question);
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| Failure::of(&error))?;
        if let ModelEvent::Waiting { reason, seconds } = &event {
            anstream::eprintln!("waits {seconds} s: {reason}");
        }
        reply.take(&event);
    }
    let finish = match &reply.stop {
        Some(StopReason::EndTurn) => "stop",
        Some(StopReason::ToolUse) => "tool",
        Some(StopReason::MaxTokens) => "length",
        Some(StopReason::Refusal) => "filtered",
        // `None` never comes: the stream's last item is its end or an error.
        Some(StopReason::Other(_)) | None => "other",
    };
    let calls = match reply.calls() {
        Ok(calls) => calls,
        // What is not whole is never carried out.
        Err(CallError::CutOff) => Vec::new(),
        Err(error @ CallError::BadArguments { .. }) => {
            return Err(Failure {
                class: "malformed",
                shown: format!("{error}; nothing is carried out"),
                finish: Some(finish),
            });
        }
    };
    let calls = calls
        .into_iter()
        .map(|call| json!({"name": call.name, "args": call.arguments}))
        .collect();
    Ok((finish, calls))
}

fn question(arguments: &Arguments) -> ModelRequest {
    let tool = Tool {
        name: "read_file".into(),
        description: "Reads a text file and returns its content.".into(),
        schema: json!({
            "type": "object",
            "properties": {"path": {"type": "string", "description": "The file's path."}},
            "required": ["path"],
        }),
    };
    ModelRequest {
        system: "Answer in one short sentence.".into(),
        messages: vec![Message::user(&arguments.question)],
        tools: if arguments.tools {
            vec![tool]
        } else {
            Vec::new()
        },
        ..ModelRequest::default()
    }
}
