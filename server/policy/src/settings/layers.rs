//! Reading one layer of settings over another.

use std::ops::RangeInclusive;

use pleach_text::ByteRange;
use toml::de::DeTable;

use super::problem::{SettingsProblem, nearest, shown};
use super::tree::{Entry, Node, Table};
use super::{LogLevel, Review, Settings, secrets};
use crate::paths::check_glob;

/// The longest settings file that is read. A longer one is some other file.
const MAX_BYTES: usize = 1024 * 1024;

/// The most globs that are kept: each is compiled and asked for every path.
const MAX_GLOBS: usize = 1000;

/// Settings, and what was wrong on the way to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What is in force.
    pub settings: Settings,
    /// What could not be used, in the order of the file.
    pub problems: Vec<SettingsProblem>,
}

/// Reads the user's own file over the defaults.
pub fn parse(text: &str) -> Loaded {
    read_text(&Settings::default(), text, Layer::User)
}

/// Reads what the editor sends (the same keys, as JSON) over the user's file.
///
/// A provider of the same name is changed key by key. Where that sends it to another host, the key and
/// the headers of the user's file do not go along: they must be given again.
pub fn overlay(base: &Settings, value: &serde_json::Value) -> Loaded {
    if !value.is_object() && !value.is_null() {
        let message =
            "the settings must be an object with the keys of `pleach.toml`; they are ignored";
        let problem =
            SettingsProblem::error(ByteRange::default(), "wrong_type", message.to_owned());
        return Loaded {
            settings: base.clone(),
            problems: vec![problem],
        };
    }
    read(base, Table::of_json(value), Layer::Client, Vec::new())
}

/// Reads a workspace's file over what the user allows. It can take away, never add:
///
/// - switch to the built-in engine (`engine = "builtin"`, for all roles), to no other;
/// - set `review` to `hunks`;
/// - turn off `local_models`, `actions.enabled`, `actions.automatic`, `edits.allow_ci`, `cache.enabled`
///   and `context.index`;
/// - add globs to `edits.deny`;
/// - take commands out of `commands.allow`;
/// - lower each of `limits`, each cap of `budget`, `context.tokens`, and the bounds of `cache`, `embeddings`
///   and `actions.per_minute`.
///
/// Everything else in it is ignored and told, above all providers: who wrote the workspace does not get
/// to choose where the user's key is sent or which program is run for it.
pub fn narrow(base: &Settings, workspace_text: &str) -> Loaded {
    read_text(base, workspace_text, Layer::Workspace)
}

/// Whose settings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// The user's own file.
    User,
    /// What the user's editor sends.
    Client,
    /// The file of a workspace, which anybody may have written.
    Workspace,
}

fn read_text(base: &Settings, text: &str, layer: Layer) -> Loaded {
    if text.len() > MAX_BYTES {
        let message = format!(
            "this file has more than {MAX_BYTES} bytes, so none of it is read; settings are a few lines"
        );
        let problem = SettingsProblem::error(ByteRange::default(), "too_large", message);
        return Loaded {
            settings: base.clone(),
            problems: vec![problem],
        };
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let problems: Vec<SettingsProblem> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            let range = ByteRange::from(span.start.min(text.len())..span.end.min(text.len()));
            let cause = error.message().lines().collect::<Vec<_>>().join(", ");
            let message =
                format!("this cannot be read as TOML: {cause}; what else could be read counts");
            SettingsProblem::error(range, "toml_syntax", message)
        })
        .collect();
    let mut table = Table::of_toml(table.get_ref());
    let broken: Vec<ByteRange> = problems.iter().map(|problem| problem.range).collect();
    table.drop_made_up(&broken);
    read(base, table, layer, problems)
}

fn read(base: &Settings, table: Table, layer: Layer, problems: Vec<SettingsProblem>) -> Loaded {
    let mut table = table;
    let mut problems = problems;
    secrets::take_out(&mut table, &mut problems);
    let mut reader = Reader {
        layer,
        settings: base.clone(),
        problems,
    };
    reader.root(table);
    let Reader {
        settings,
        mut problems,
        ..
    } = reader;
    problems.sort_by_key(|problem| problem.range);
    Loaded { settings, problems }
}

/// The actions that ask models.
const ACTIONS: [&str; 9] = [
    "fix",
    "rewrite",
    "document",
    "test",
    "implement",
    "explain",
    "review",
    "comment",
    "plan",
];

/// Every table of the file and its keys, for suggestions.
pub(super) const TABLES: [(&str, &[&str]); 16] = [
    (
        "",
        &[
            "engine",
            "local_models",
            "providers",
            "models",
            "fallbacks",
            "mcp",
            "review",
            "actions",
            "edits",
            "commands",
            "tests",
            "limits",
            "budget",
            "ledger",
            "cache",
            "context",
            "embeddings",
            "log",
        ],
    ),
    (
        "providers.NAME",
        &[
            "kind",
            "base_url",
            "model",
            "key_env",
            "key_command",
            "temperature",
            "max_output_tokens",
            "headers",
            "proxy",
            "ca_file",
            "effort",
            "record",
            "max_streams",
            "requests_per_minute",
            "tools",
        ],
    ),
    (
        "models",
        &["planner", "coder", "tester", "documenter", "reviewer"],
    ),
    (
        "mcp.NAME",
        &["command", "pass_env", "url", "key_env", "tools", "allow"],
    ),
    ("actions", &["enabled", "automatic", "per_minute"]),
    ("actions.per_minute", &ACTIONS),
    ("edits", &["deny", "allow", "allow_ci"]),
    ("commands", &["allow", "write", "read"]),
    ("tests", &["command", "attempts"]),
    (
        "limits",
        &[
            "first_byte_seconds",
            "idle_seconds",
            "total_seconds",
            "max_output_tokens",
            "max_attempts",
            "max_context_bytes",
        ],
    ),
    (
        "budget",
        &[
            "request_usd",
            "day_usd",
            "month_usd",
            "workspace_month_usd",
            "allow_unknown_prices",
            "calls_per_job",
            "calls_per_minute",
            "price_file",
        ],
    ),
    ("ledger", &["url", "password_env", "person"]),
    ("cache", &["enabled", "hours", "megabytes"]),
    ("context", &["tokens", "index"]),
    (
        "embeddings",
        &["provider", "model", "tokens_per_day", "megabytes"],
    ),
    ("log", &["level", "file", "editor"]),
];

pub(super) struct Reader {
    pub layer: Layer,
    pub settings: Settings,
    pub problems: Vec<SettingsProblem>,
}

impl Reader {
    fn root(&mut self, table: Table) {
        let (mut engine, mut models, mut fallbacks, mut embeddings) = (None, None, None, None);
        for entry in table.entries {
            match entry.name.as_str() {
                "engine" => engine = Some(entry),
                "local_models" => {
                    let now = self.settings.local_models;
                    self.settings.local_models = self.switch(&entry, "local_models", now);
                }
                "models" => models = Some(entry),
                "fallbacks" => fallbacks = Some(entry),
                "providers" => self.providers(entry),
                "mcp" => self.servers(entry),
                "review" => self.review(&entry),
                "actions" => self.section(entry, Self::action),
                "edits" => self.section(entry, Self::edit),
                "commands" => self.section(entry, Self::commands),
                "tests" => self.section(entry, Self::tests),
                "limits" => self.section(entry, Self::limit),
                "budget" => self.section(entry, Self::budget),
                "ledger" => self.section(entry, Self::ledger),
                "cache" => self.section(entry, Self::cache),
                "context" => self.section(entry, Self::context),
                "embeddings" => embeddings = Some(entry),
                "log" => self.section(entry, Self::log),
                _ => self.unknown(&entry, "", ""),
            }
        }
        // Last: whether a name is known depends on the providers.
        if let Some(entry) = models {
            self.section(entry, Self::role);
        }
        if let Some(entry) = embeddings {
            self.section(entry, Self::embedding);
        }
        if let Some(entry) = fallbacks {
            self.fallbacks(&entry);
        }
        if let Some(entry) = engine {
            self.engine(&entry);
        }
    }

    fn section(&mut self, entry: Entry, read: fn(&mut Self, &Entry)) {
        let name = entry.name.clone();
        if let Some(table) = self.table(entry, &name) {
            for entry in &table.entries {
                read(self, entry);
            }
        }
    }

    fn review(&mut self, entry: &Entry) {
        let Some(name) = self.text(entry, "review") else {
            return;
        };
        match Review::ALL.into_iter().find(|review| review.name() == name) {
            Some(wanted) if self.layer == Layer::Workspace && wanted < self.settings.review => self
                .widens(
                    entry,
                    "a workspace can only ask for more review; `hunks` stays in force",
                ),
            Some(wanted) => self.settings.review = wanted,
            None => self.not_one_of(entry, "review", &name, &Review::ALL.map(Review::name)),
        }
    }

    fn per_minute(&mut self, entry: &Entry) {
        let Node::Table(table) = &entry.value else {
            self.wrong_type(entry, "actions.per_minute", "a table");
            return;
        };
        for entry in &table.entries {
            let path = format!("actions.per_minute.{}", entry.name);
            let Some(action) = ACTIONS.into_iter().find(|action| *action == entry.name) else {
                self.unknown(entry, "actions.per_minute", "actions.per_minute");
                continue;
            };
            let bound = match self.settings.actions.per_minute.get(action).copied() {
                Some(now) => Some(self.lowered(entry, &path, 1..=100_000, now)),
                // No bound yet: any is lower.
                None => self.whole(entry, &path, 1..=100_000, "no bound is set"),
            };
            if let Some(bound) = bound {
                let bounds = &mut self.settings.actions.per_minute;
                bounds.insert(action.to_owned(), bound);
            }
        }
    }

    fn action(&mut self, entry: &Entry) {
        let actions = self.settings.actions.clone();
        match entry.name.as_str() {
            "enabled" => {
                self.settings.actions.enabled =
                    self.switch(entry, "actions.enabled", actions.enabled);
            }
            "automatic" => {
                self.settings.actions.automatic =
                    self.switch(entry, "actions.automatic", actions.automatic);
            }
            "per_minute" => self.per_minute(entry),
            _ => self.unknown(entry, "actions", "actions"),
        }
    }

    fn edit(&mut self, entry: &Entry) {
        match entry.name.as_str() {
            "deny" => self.deny(entry),
            "allow" => self.allow(entry),
            "allow_ci" => {
                let now = self.settings.edits.allow_ci;
                self.settings.edits.allow_ci = self.switch(entry, "edits.allow_ci", now);
            }
            _ => self.unknown(entry, "edits", "edits"),
        }
    }

    fn allow(&mut self, entry: &Entry) {
        if self.layer == Layer::Workspace {
            self.widens(entry, "a workspace cannot allow what is out of bounds");
            return;
        }
        if let Some(globs) = self.globs(entry, "edits.allow", "allows") {
            self.settings.edits.allow = globs;
            self.settings.edits.allow.truncate(MAX_GLOBS);
        }
    }

    /// The globs of a list that can be used; the others are told.
    fn globs(&mut self, entry: &Entry, key: &str, does: &str) -> Option<Vec<String>> {
        let items = self.texts(entry, key)?;
        let mut globs = Vec::with_capacity(items.len());
        for (glob, range) in items {
            match check_glob(&glob) {
                Ok(()) => globs.push(glob),
                Err(cause) => {
                    let message =
                        format!("this glob {does} nothing: {cause}; the others in the list count");
                    self.problems
                        .push(SettingsProblem::error(range, "bad_glob", message));
                }
            }
        }
        Some(globs)
    }

    fn deny(&mut self, entry: &Entry) {
        let Some(globs) = self.globs(entry, "edits.deny", "denies") else {
            return;
        };
        if self.layer == Layer::User {
            self.settings.edits.deny.clear();
        }
        // Whoever comes later can deny more, and nobody can deny less.
        let deny = &mut self.settings.edits.deny;
        for glob in globs {
            if deny.contains(&glob) {
                continue;
            }
            if deny.len() >= MAX_GLOBS {
                let message = format!(
                    "`edits.deny` holds {MAX_GLOBS} globs already, so the rest is ignored; deny folders \
                     rather than files"
                );
                self.problems
                    .push(SettingsProblem::error(entry.key, "too_many_globs", message));
                break;
            }
            deny.push(glob);
        }
    }

    fn limit(&mut self, entry: &Entry) {
        let now = self.settings.limits.clone();
        match entry.name.as_str() {
            "first_byte_seconds" => {
                self.settings.limits.first_byte_seconds =
                    self.limit_of(entry, 1..=3600, now.first_byte_seconds);
            }
            "total_seconds" => {
                self.settings.limits.total_seconds =
                    self.limit_of(entry, 1..=86_400, now.total_seconds);
            }
            "idle_seconds" => {
                self.settings.limits.idle_seconds =
                    self.limit_of(entry, 1..=3600, now.idle_seconds);
            }
            "max_output_tokens" => {
                let range = 1..=MAX_OUTPUT_TOKENS;
                self.settings.limits.max_output_tokens = match now.max_output_tokens {
                    Some(limit) => Some(self.limit_of(entry, range, limit)),
                    // No limit yet: any is lower.
                    None => self.whole(entry, "limits.max_output_tokens", range, "no limit is set"),
                };
            }
            "max_attempts" => {
                self.settings.limits.max_attempts = self.limit_of(entry, 0..=2, now.max_attempts);
            }
            "max_context_bytes" => {
                self.settings.limits.max_context_bytes =
                    self.limit_of(entry, 1024..=16_777_216, now.max_context_bytes);
            }
            _ => self.unknown(entry, "limits", "limits"),
        }
    }

    fn log(&mut self, entry: &Entry) {
        if !matches!(entry.name.as_str(), "level" | "file" | "editor") {
            return self.unknown(entry, "log", "log");
        }
        if self.layer == Layer::Workspace {
            return self.widens(
                entry,
                "what is logged is not for a workspace to say; set `[log]` in your own settings",
            );
        }
        let log = self.settings.log.clone();
        match entry.name.as_str() {
            "file" => {
                self.settings.log.file = self.switch(entry, "log.file", log.file);
                return;
            }
            "editor" => {
                self.settings.log.editor = self.switch(entry, "log.editor", log.editor);
                return;
            }
            _ => {}
        }
        let Some(name) = self.text(entry, "log.level") else {
            return;
        };
        match LogLevel::ALL.into_iter().find(|level| level.name() == name) {
            Some(level) => self.settings.log.level = level,
            None => self.not_one_of(
                entry,
                "log.level",
                &name,
                &LogLevel::ALL.map(LogLevel::name),
            ),
        }
    }

    /// A limit: in its range, and in a workspace not above what it is.
    fn limit_of<T>(&mut self, entry: &Entry, range: RangeInclusive<T>, now: T) -> T
    where
        T: Copy + PartialOrd + std::fmt::Display + TryFrom<u64>,
    {
        self.lowered(entry, &format!("limits.{}", entry.name), range, now)
    }

    /// A whole number: in its range, and in a workspace not above what it is.
    pub(super) fn lowered<T>(
        &mut self,
        entry: &Entry,
        path: &str,
        range: RangeInclusive<T>,
        now: T,
    ) -> T
    where
        T: Copy + PartialOrd + std::fmt::Display + TryFrom<u64>,
    {
        let Some(wanted) = self.whole(entry, path, range, &format!("{now} stays in force")) else {
            return now;
        };
        if self.layer == Layer::Workspace && wanted > now {
            self.widens(
                entry,
                &format!("a workspace can only lower `{path}`; {now} stays in force"),
            );
            return now;
        }
        wanted
    }

    /// A switch. A workspace can only turn it off.
    pub(super) fn switch(&mut self, entry: &Entry, path: &str, now: bool) -> bool {
        let Node::Switch(wanted) = entry.value else {
            self.wrong_type(entry, path, "true or false");
            return now;
        };
        if self.layer == Layer::Workspace && wanted && !now {
            self.widens(
                entry,
                &format!("a workspace can only turn `{path}` off; it stays off"),
            );
            return now;
        }
        wanted
    }

    pub(super) fn whole<T>(
        &mut self,
        entry: &Entry,
        path: &str,
        range: RangeInclusive<T>,
        otherwise: &str,
    ) -> Option<T>
    where
        T: Copy + PartialOrd + std::fmt::Display + TryFrom<u64>,
    {
        let Node::Number(number) = entry.value else {
            self.wrong_type(entry, path, "a whole number");
            return None;
        };
        let found = whole_number(number).and_then(|whole| T::try_from(whole).ok());
        let found = found.filter(|whole| range.contains(whole));
        if found.is_none() {
            let message = format!(
                "`{path}` must be a whole number from {} to {}; {otherwise}",
                range.start(),
                range.end()
            );
            self.problems
                .push(SettingsProblem::error(entry.range, "out_of_range", message));
        }
        found
    }

    pub(super) fn text(&mut self, entry: &Entry, path: &str) -> Option<String> {
        let Node::Text(text) = &entry.value else {
            self.wrong_type(entry, path, "a text");
            return None;
        };
        Some(text.clone())
    }

    pub(super) fn texts(&mut self, entry: &Entry, path: &str) -> Option<Vec<(String, ByteRange)>> {
        let Node::List(items) = &entry.value else {
            self.wrong_type(entry, path, "a list of texts");
            return None;
        };
        let mut texts = Vec::with_capacity(items.len());
        for (item, range) in items {
            match item {
                Node::Text(text) => texts.push((text.clone(), *range)),
                other => {
                    let message = format!(
                        "`{path}` must be a list of texts, and this is {}; it is ignored",
                        other.kind()
                    );
                    self.problems
                        .push(SettingsProblem::error(*range, "wrong_type", message));
                }
            }
        }
        Some(texts)
    }

    pub(super) fn table(&mut self, entry: Entry, path: &str) -> Option<Table> {
        if let Node::Table(table) = entry.value {
            return Some(table);
        }
        self.wrong_type(&entry, path, "a table");
        None
    }

    pub(super) fn wrong_type(&mut self, entry: &Entry, path: &str, wanted: &str) {
        let message = format!(
            "`{path}` must be {wanted}, and this is {}; it is ignored",
            entry.value.kind()
        );
        self.problems
            .push(SettingsProblem::error(entry.key, "wrong_type", message));
    }

    pub(super) fn not_one_of(&mut self, entry: &Entry, path: &str, written: &str, all: &[&str]) {
        let all_named = all
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let advice = match nearest(written, all.iter().copied()) {
            Some(name) => format!("; did you mean `{name}`?"),
            None => String::new(),
        };
        let message = format!("`{path}` must be {all_named}; it is ignored{advice}");
        self.problems.push(SettingsProblem::error(
            entry.range,
            "unknown_value",
            message,
        ));
    }

    pub(super) fn widens(&mut self, entry: &Entry, message: &str) {
        let problem = SettingsProblem::warning(entry.key, "workspace_widens", message.to_owned());
        self.problems.push(problem);
    }

    /// A key that no table `kind` has. `path` is the table as the user wrote it.
    pub(super) fn unknown(&mut self, entry: &Entry, kind: &str, path: &str) {
        let known = TABLES
            .iter()
            .find(|(table, _)| *table == kind)
            .map_or(&[][..], |table| table.1);
        let elsewhere = || {
            let (table, key) = TABLES.iter().find_map(|(table, keys)| {
                let key = keys.iter().find(|key| **key == entry.name)?;
                Some((*table, *key))
            })?;
            Some(if table.is_empty() {
                key.to_owned()
            } else {
                format!("{table}.{key}")
            })
        };
        let meant = match nearest(&entry.name, known.iter().copied()) {
            Some(name) => Some(name.to_owned()),
            None => elsewhere(),
        };
        let advice = match meant {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!(
                "the keys here are {}",
                known
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        let full = if path.is_empty() {
            entry.name.clone()
        } else {
            format!("{path}.{}", entry.name)
        };
        let message = format!("{} is no setting and is ignored; {advice}", shown(&full));
        self.problems
            .push(SettingsProblem::warning(entry.key, "unknown_key", message));
    }
}

/// The most tokens that can be set as a limit of one reply: more than any model writes.
pub(super) const MAX_OUTPUT_TOKENS: u32 = 10_000_000;

/// A float that is a whole number, as one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole, not negative and far below 2^64"
)]
fn whole_number(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
    fits.then_some(number as u64)
}
