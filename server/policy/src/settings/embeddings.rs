//! `[embeddings]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::layers::{Layer, Reader};
use super::problem::{SettingsProblem, nearest, shown};
use super::tree::Entry;
use super::{ProviderKind, ProviderSettings, Settings};

/// Search by meaning, beside words: pieces of your files are sent to a provider that answers with
/// embeddings. Off while no `provider` is named. A workspace can lower its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct EmbeddingSettings {
    /// The name of one of the `providers`, whose embeddings also rank what is found. The program texts and
    /// Markdown of the folders that you open are then sent to it, a piece once, in the background, and each
    /// question of a search; secrets have placeholders, and what is never sent is not sent there either.
    /// Left out, nothing is. Only your own settings can name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model that it embeds with, such as `text-embedding-3-small`. Left out, it is the provider's
    /// `model`. Only your own settings can name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub model: Option<String>,
    /// The most tokens that are sent within a day (UTC) for the files of a workspace; the rest follows on the
    /// next. With 0 nothing is sent, questions neither. The caps of `budget` count as well.
    #[schemars(range(min = 0, max = 10_000_000_000_u64))]
    pub tokens_per_day: u64,
    /// The most megabytes that the embeddings of a workspace may have on disk. Of a larger one the files
    /// that come last by their names are found by words alone.
    #[schemars(range(min = 1, max = 10_000))]
    pub megabytes: u32,
}

impl Default for EmbeddingSettings {
    fn default() -> Self {
        Self {
            provider: None,
            model: None,
            tokens_per_day: 2_000_000,
            megabytes: 128,
        }
    }
}

/// The most tokens that can be set for a day: more than any workspace has.
const MOST_TOKENS: u64 = 10_000_000_000;

impl Settings {
    /// The provider whose embeddings rank what is found, its name first, and the model that it embeds with;
    /// none when they are off.
    pub fn embedder(&self) -> Option<(&str, ProviderSettings)> {
        let wanted = &self.embeddings;
        let name = wanted.provider.as_deref()?;
        if wanted.tokens_per_day == 0 {
            return None;
        }
        let mut provider = self.providers.get(name)?.clone();
        if let Some(model) = &wanted.model {
            provider.model.clone_from(model);
        }
        Some((name, provider))
    }
}

impl Reader {
    pub(super) fn embedding(&mut self, entry: &Entry) {
        let now = self.settings.embeddings.clone();
        let path = format!("embeddings.{}", entry.name);
        match entry.name.as_str() {
            "provider" | "model" => self.embedder(entry, &path),
            "tokens_per_day" => {
                self.settings.embeddings.tokens_per_day =
                    self.lowered(entry, &path, 0..=MOST_TOKENS, now.tokens_per_day);
            }
            "megabytes" => {
                self.settings.embeddings.megabytes =
                    self.lowered(entry, &path, 1..=10_000, now.megabytes);
            }
            _ => self.unknown(entry, "embeddings", "embeddings"),
        }
    }

    fn embedder(&mut self, entry: &Entry, path: &str) {
        let Some(name) = self.text(entry, path) else {
            return;
        };
        if self.layer == Layer::Workspace {
            return self.widens(
                entry,
                "who is sent your files to embed them is not for a workspace to say; set `[embeddings]` in \
                 your own settings",
            );
        }
        if name.trim().is_empty() {
            let message = format!("`{path}` must name one; it is ignored");
            self.problems
                .push(SettingsProblem::error(entry.range, "bad_value", message));
            return;
        }
        if entry.name == "model" {
            self.settings.embeddings.model = Some(name);
            return;
        }
        let wrong = match self.settings.providers.get(&name) {
            Some(provider) if provider.kind == ProviderKind::Anthropic => Some(format!(
                "{} has no embeddings: Anthropic offers none; name another provider",
                shown(&name)
            )),
            Some(_) => None,
            None => {
                let names = self.settings.providers.keys().map(String::as_str);
                let advice = match nearest(&name, names) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "set it up under `[providers.NAME]`".to_owned(),
                };
                Some(format!(
                    "{} is no provider here, so nothing is embedded until it is one; {advice}",
                    shown(&name)
                ))
            }
        };
        if let Some(message) = wrong {
            self.problems.push(SettingsProblem::warning(
                entry.range,
                "unknown_engine",
                message,
            ));
        }
        self.settings.embeddings.provider = Some(name);
    }
}
