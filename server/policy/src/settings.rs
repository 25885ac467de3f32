//! What can be set, and the file it is set in.
//!
//! The comments on the types below are the user's reference: they become the published JSON Schema
//! and the table in `docs/configuration.md`.

mod adding;
mod budget;
mod cache;
mod commands;
mod context;
mod embeddings;
mod engines;
mod layers;
mod mcp;
mod problem;
mod provider;
mod schema;
mod secrets;
mod tests;
mod tree;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

pub use self::adding::{AddModelError, NewModel, with_model};
pub use self::cache::CacheSettings;
pub use self::context::ContextSettings;
pub use self::embeddings::EmbeddingSettings;
pub use self::engines::{Effort, Role};
pub use self::layers::{Loaded, narrow, overlay, parse};
pub use self::mcp::McpSettings;
pub use self::problem::{SettingsProblem, Severity};
pub use self::tests::TestSettings;
use crate::{MicroUsd, PathRules};

/// The name of the engine that needs no model, no key and no network.
pub const BUILTIN_ENGINE: &str = "builtin";

/// Settings of Pleach, the language server for agents' edits.
///
/// Your own file is `pleach.toml` in the configuration folder (`pleach doctor` names it). A
/// `pleach.toml` in a workspace can only narrow what yours allows. What cannot be used is shown at
/// its key; the rest takes effect.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(title = "pleach.toml", deny_unknown_fields)]
pub struct Settings {
    /// What answers: `builtin`, or the name of one of the `providers`. `builtin` is the built-in syntax
    /// engine, no AI model.
    pub engine: String,
    /// Whether some layer names the engine, if only to say that it is `builtin`.
    #[serde(skip)]
    #[schemars(skip)]
    pub engine_is_chosen: bool,
    /// Whether Pleach looks for Ollama and llama.cpp on this machine while no model is set up, and asks
    /// once whether to use what it finds. Nothing but their lists of models is asked for.
    pub local_models: bool,
    /// The models that can be used, each under a name of your choice.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// What answers for a role, where it is not `engine`: a provider's name for `coder` (rewrite, fix,
    /// implement, comments), `tester`, `documenter`, `reviewer` (review, explain) or `planner`. With a
    /// list, the others stand in when the first cannot be had.
    #[schemars(with = "engines::Models")]
    pub models: BTreeMap<Role, Vec<String>>,
    /// Providers that stand in, in this order, when the one that was chosen cannot be had: it is not
    /// reached, overloaded, out of credit or silent, or its key cannot be read. Who answered, and in whose
    /// place, is always told. Left out, nothing stands in.
    pub fallbacks: Vec<String>,
    /// Servers of further tools (MCP), each under a name of your choice. Their tools are offered to models
    /// of roles that have `mcp` among their tools.
    pub mcp: BTreeMap<String, McpSettings>,
    /// What becomes of an agent's edit: `land` lands it at once, to be undone if need be; with `hunks`,
    /// one of several hunks or files waits for review, hunk by hunk, and a single hunk lands at once.
    pub review: Review,
    /// The code actions that the editor lists.
    pub actions: ActionSettings,
    /// What edits may touch.
    pub edits: EditSettings,
    /// What may be run.
    pub commands: CommandSettings,
    /// How the project's tests are run.
    pub tests: TestSettings,
    /// How long to wait, and how much to send and take.
    pub limits: LimitSettings,
    /// How much may be spent on models, in US dollars. Days and months are those of UTC. A workspace can
    /// lower each of them.
    pub budget: BudgetSettings,
    /// Where what models cost is written down, if not in a file of your own.
    pub ledger: LedgerSettings,
    /// Answers that are kept, so that the same question is not paid for twice.
    pub cache: CacheSettings,
    /// What a model is shown beside the document.
    pub context: ContextSettings,
    /// Search by meaning, beside words, with a provider's embeddings.
    pub embeddings: EmbeddingSettings,
    /// What the server writes to its log.
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: BUILTIN_ENGINE.to_owned(),
            engine_is_chosen: false,
            local_models: true,
            providers: BTreeMap::new(),
            models: BTreeMap::new(),
            fallbacks: Vec::new(),
            mcp: BTreeMap::new(),
            review: Review::default(),
            actions: ActionSettings::default(),
            edits: EditSettings::default(),
            commands: CommandSettings::default(),
            tests: TestSettings::default(),
            limits: LimitSettings::default(),
            budget: BudgetSettings::default(),
            ledger: LedgerSettings::default(),
            cache: CacheSettings::default(),
            context: ContextSettings::default(),
            embeddings: EmbeddingSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Settings {
    /// The rules for paths that follow from these settings.
    pub fn path_rules(&self) -> PathRules {
        PathRules::new(&self.edits.deny, self.edits.allow_ci).with_allowed(&self.edits.allow)
    }

    /// The most tokens that one reply of this provider may have: the lower of its own limit and the
    /// general one. None leaves it to the provider.
    pub fn output_tokens(&self, provider: &ProviderSettings) -> Option<u32> {
        match (self.limits.max_output_tokens, provider.max_output_tokens) {
            (Some(general), Some(own)) => Some(general.min(own)),
            (general, own) => general.or(own),
        }
    }
}

/// A server that streams a model's answers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Which protocol it speaks. All but `openai-compatible` have an address of their own, and all but
    /// `ollama` of those a variable for the key, so that `model` is all they need.
    #[serde(default)]
    pub kind: ProviderKind,
    /// The address before `/chat/completions`, such as `http://127.0.0.1:8080/v1`. A key is sent to
    /// this host and to no other. Left out, it is `https://api.anthropic.com`, `https://api.openai.com/v1`,
    /// `https://generativelanguage.googleapis.com` or, for `ollama`, `http://127.0.0.1:11434`.
    #[schemars(url, with = "Option<String>")]
    pub base_url: String,
    /// The model's name, as the server knows it.
    #[schemars(length(min = 1))]
    pub model: String,
    /// Where the key comes from.
    #[serde(flatten)]
    #[schemars(with = "KeyFields")]
    pub key: KeySource,
    /// How much chance there is in the answers. Left out, the server decides; several models accept no
    /// other value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f32>,
    /// The most tokens of one reply. Left out, `limits.max_output_tokens` applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_output_tokens: Option<u32>,
    /// Further HTTP headers. Headers that carry a key are refused: use `key_env` or `key_command`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The address of a proxy for this provider, such as `http://proxy.example:3128`. Left out, the
    /// system's settings count (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), except for servers on this
    /// machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(url)]
    pub proxy: Option<String>,
    /// The whole path of a file with certificates (PEM) that are trusted for this provider, beside those
    /// that the system trusts. For servers with a certificate of your own or of your company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// How much the model should reason before it answers: `low`, `medium` or `high`. Left out, the model
    /// decides; models that do not reason refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Effort")]
    pub effort: Option<Effort>,
    /// The whole path of a file that every question and answer is appended to, for the report of a fault.
    /// Keys are taken out; your texts are in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// How many answers may be on their way at once. Further ones wait for their turn.
    #[serde(default = "max_streams")]
    #[schemars(range(min = 1, max = 256))]
    pub max_streams: u32,
    /// How many requests may be sent in a minute. Left out, as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per_minute: Option<u32>,
    /// Whether the model may call Pleach's tools, to read, search, propose edits and run commands. Left
    /// out, those of `anthropic`, `openai` and `gemini` may; of the others not every model knows how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
}

impl ProviderSettings {
    /// Whether the model may call tools.
    pub fn has_tools(&self) -> bool {
        self.tools.unwrap_or(matches!(
            self.kind,
            ProviderKind::Anthropic | ProviderKind::OpenAi | ProviderKind::Gemini
        ))
    }
}

/// Where nothing is said: enough for a person, little enough for a server at home.
pub(crate) fn max_streams() -> u32 {
    8
}

/// The protocol of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// The chat completions that OpenAI introduced and llama.cpp, Ollama, vLLM and many others speak.
    #[default]
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
    /// OpenAI's responses.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own protocol.
    Ollama,
}

impl ProviderKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::OpenAiCompatible,
        Self::OpenAi,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
    ];

    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiCompatible => "openai-compatible",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// Where it is, when the settings do not say.
    pub fn default_base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAiCompatible => None,
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com"),
            Self::Ollama => Some("http://127.0.0.1:11434"),
        }
    }

    /// The variable that holds its key by custom, for its own address only.
    pub fn default_key_variable(self) -> Option<&'static str> {
        match self {
            Self::OpenAiCompatible | Self::Ollama => None,
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Gemini => Some("GEMINI_API_KEY"),
        }
    }
}

/// Where a provider's key comes from. Never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeySource {
    /// The server asks for none.
    #[default]
    None,
    /// The environment variable of this name holds it.
    Variable(String),
    /// This program prints it; the program and its arguments, run without a shell.
    Command(Vec<String>),
}

/// As in the file: `key_env`, `key_command` or neither.
impl Serialize for KeySource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::None => {}
            Self::Variable(name) => map.serialize_entry("key_env", name)?,
            Self::Command(argv) => map.serialize_entry("key_command", argv)?,
        }
        map.end()
    }
}

/// How [`KeySource`] is written in the file. It exists for the schema only.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct KeyFields {
    /// The name of the environment variable that holds the key. The key itself does not belong in this
    /// file. Leave out `key_env` and `key_command` where the server asks for no key. `anthropic`, `openai`
    /// and `gemini` at their own address read `ANTHROPIC_API_KEY`, `OPENAI_API_KEY` and `GEMINI_API_KEY`
    /// then.
    #[schemars(pattern("^[A-Za-z_][A-Za-z0-9_]*$"))]
    key_env: Option<String>,
    /// A program and its arguments that print the key, such as `["pass", "show", "openai"]`. It is run
    /// without a shell.
    #[schemars(length(min = 1))]
    key_command: Option<Vec<String>>,
}

/// What becomes of an agent's edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Review {
    /// It lands at once, and can be undone.
    Land,
    /// One of several hunks or files waits for review, hunk by hunk; a single hunk lands at once.
    #[default]
    Hunks,
}

impl Review {
    /// Every choice, the most careful last.
    pub const ALL: [Self; 2] = [Self::Land, Self::Hunks];

    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Land => "land",
            Self::Hunks => "hunks",
        }
    }
}

/// The code actions that the editor lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ActionSettings {
    /// Whether Pleach lists code actions and carries out commands. A workspace can turn them off.
    pub enabled: bool,
    /// Whether actions are also listed when the editor asks by itself, without the menu being opened,
    /// as some do at every move of the cursor.
    pub automatic: bool,
    /// How many calls of models an action may make within a minute, by the action's name, such as
    /// `review = 6`; further ones wait. What is not named is not bounded. A workspace can lower it.
    pub per_minute: BTreeMap<String, u32>,
}

impl Default for ActionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            automatic: false,
            per_minute: BTreeMap::new(),
        }
    }
}

/// What edits may touch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct EditSettings {
    /// Files that Pleach neither edits nor sends to a model, as globs relative to the workspace:
    /// `*.sql` in every folder, `/schema/*.sql` in that one, `migrations/` with everything below. Upper
    /// and lower case count as one. A workspace's globs are added to yours. Version control internals,
    /// keys and files that an editor runs are out of bounds without being named.
    pub deny: Vec<String>,
    /// Files that Pleach may read and edit although they may hold keys, or are run by an editor or a
    /// build server, as globs like those of `deny`. Only your own settings can say so. Version control
    /// internals, Pleach's own settings and what `deny` names stay out of bounds.
    pub allow: Vec<String>,
    /// Whether edits may touch the files that a build server runs, such as `.github/workflows/`.
    pub allow_ci: bool,
}

/// What may be run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct CommandSettings {
    /// Commands that may run in your workspaces without a question, each by the words that it begins
    /// with: `cargo test` allows `cargo test --all` as well. They are for models that call `run_command`
    /// and for the checks of plans. Every other command is asked for before it runs. A workspace can take
    /// commands away, and add none.
    pub allow: Vec<String>,
    /// Further folders that commands in the sandbox write, relative to the workspace, beside `target/`,
    /// `dist/` and the like. Only your own settings can name them.
    pub write: Vec<String>,
    /// Whole paths of further files and folders that commands in the sandbox read, such as tools in your
    /// home folder. Only your own settings can name them.
    pub read: Vec<String>,
}

impl CommandSettings {
    /// Whether a command may run without a question: it begins with the words of one that is allowed.
    pub fn allows(&self, argv: &[String]) -> bool {
        self.allow.iter().any(|allowed| {
            let words: Vec<&str> = allowed.split_whitespace().collect();
            !words.is_empty()
                && words.len() <= argv.len()
                && words.iter().zip(argv).all(|(word, arg)| word == arg)
        })
    }
}

/// How long to wait, and how much to send and take. A workspace can lower each of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct LimitSettings {
    /// Seconds to wait for the first piece of an answer.
    #[schemars(range(min = 1, max = 3600))]
    pub first_byte_seconds: u64,
    /// Seconds to wait for each further piece.
    #[schemars(range(min = 1, max = 3600))]
    pub idle_seconds: u64,
    /// Seconds that a whole answer may take, with all pauses before it.
    #[schemars(range(min = 1, max = 86400))]
    pub total_seconds: u64,
    /// The most tokens of one reply. Left out, the provider decides.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_output_tokens: Option<u32>,
    /// How often an edit that was refused goes back to the model with the reasons.
    #[schemars(range(min = 0, max = 2))]
    pub max_attempts: u32,
    /// The most bytes of your files that go into one request.
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub max_context_bytes: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            first_byte_seconds: 60,
            idle_seconds: 30,
            total_seconds: 1800,
            max_output_tokens: None,
            max_attempts: 2,
            max_context_bytes: 262_144,
        }
    }
}

/// How much may be spent on models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct BudgetSettings {
    /// The most that one call of a model may cost. A call that must cost more is not made; one that
    /// reaches it is stopped, and what came is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1_000_000))]
    pub request_usd: Option<MicroUsd>,
    /// The most that may be spent on a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1_000_000))]
    pub day_usd: Option<MicroUsd>,
    /// The most that may be spent in a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1_000_000))]
    pub month_usd: Option<MicroUsd>,
    /// The most that may be spent in a month for one workspace folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>", range(min = 0, max = 1_000_000))]
    pub workspace_month_usd: Option<MicroUsd>,
    /// Whether models whose price is unknown are asked although there is a cap. Those on this machine
    /// always are.
    pub allow_unknown_prices: bool,
    /// How many calls of a model one job may make: a guard against loops.
    #[schemars(range(min = 1, max = 10_000))]
    pub calls_per_job: u32,
    /// How many calls of models the server makes within a minute: a guard against loops.
    #[schemars(range(min = 1, max = 100_000))]
    pub calls_per_minute: u32,
    /// The whole path of a file with prices, which count in place of those that Pleach comes with:
    /// `LiteLLM`'s `model_prices_and_context_window.json`, or one of the same form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_file: Option<String>,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            request_usd: None,
            day_usd: None,
            month_usd: None,
            workspace_month_usd: None,
            allow_unknown_prices: false,
            calls_per_job: 50,
            calls_per_minute: 120,
            price_file: None,
        }
    }
}

/// Where what models cost is written down, if not in a file of your own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct LedgerSettings {
    /// The `PostgreSQL` database of a ledger that a team shares, such as
    /// `postgres://pleach@db.example/ledger`. The password does not belong here. Caps on a day and a month
    /// count what all have spent. The connection is encrypted unless the server is on this machine, or the
    /// address ends in `?sslmode=disable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The name of the environment variable that holds its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(pattern("^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub password_env: Option<String>,
    /// Your name there. Left out, it is the one that the system knows you by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// What the server writes to its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct LogSettings {
    /// The least important messages that are written, to the standard error output.
    pub level: LogLevel,
    /// Whether they are written to a file as well: `log/pleach.log` in the state folder, which `pleach
    /// doctor` names. It begins anew at 4 MiB, and the three before it are kept.
    pub file: bool,
    /// Whether the editor shows them among its own messages of language servers, beside the standard
    /// error output.
    pub editor: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: LogLevel::default(),
            file: true,
            editor: false,
        }
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what looks wrong.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And how.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// All of them, from the quietest.
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The JSON Schema of `pleach.toml`, as published in `docs/pleach.schema.json`.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Settings).to_value();
    schema::polish(&mut schema);
    schema
}
