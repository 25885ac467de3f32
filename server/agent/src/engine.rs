//! Which engine answers, and how it is opened from the settings.

use std::path::Path;
use std::time::Duration;

use pleach_exec::{Variables, key_from_command};
use pleach_model::{Provider, ProviderConfig, ProviderError, Standing, WireFormat};
use pleach_policy::{BUILTIN_ENGINE, KeySource, ProviderKind, ProviderSettings, Settings};
use secrecy::SecretString;
use serde_json::json;

use crate::action::Action;
use crate::builtin;
use crate::failure::JobFailure;
use crate::lineup::Lineup;
use crate::meter::Account;

/// What answers a job.
#[derive(Clone)]
pub enum Engine {
    /// The built-in syntax engine: no model, no key, no network.
    Builtin,
    /// A model behind a provider, and who stands in for it.
    Model(Lineup),
}

impl Engine {
    /// Opens the engine that the settings choose for the role of an action. Reads the key, which may run
    /// the provider's `key_command`, and writes that into the account's audit; opens no connection.
    ///
    /// # Errors
    ///
    /// When nothing that the settings name can be opened.
    pub async fn open(
        action: Action,
        settings: &Settings,
        variables: &Variables,
        account: Option<&Account>,
    ) -> Result<Self, JobFailure> {
        let names = settings.engines(action.plays());
        if names.first() == Some(&BUILTIN_ENGINE) {
            return Ok(Self::Builtin);
        }
        let names = names.into_iter().map(str::to_owned).collect();
        let lineup = Lineup::open(names, settings, variables, account).await?;
        Ok(Self::Model(lineup))
    }

    /// How the engine is named to people, always: `built-in syntax engine, no AI model`, or the
    /// provider and the model, and in whose place they answer.
    pub fn label(&self) -> String {
        match self {
            Self::Builtin => builtin::LABEL.to_owned(),
            Self::Model(lineup) => lineup.label(),
        }
    }
}

/// Opens the provider of this name. Reads its key; opens no connection.
///
/// # Errors
///
/// When there is none, its key cannot be had, or its settings cannot be used.
pub async fn open_provider(
    name: &str,
    settings: &Settings,
    variables: &Variables,
    account: Option<&Account>,
) -> Result<Provider, JobFailure> {
    let provider = settings.providers.get(name);
    let provider = provider.ok_or_else(|| JobFailure::UnknownEngine {
        name: name.to_owned(),
    })?;
    let key = match &provider.key {
        KeySource::None => None,
        KeySource::Variable(variable) => {
            let value = variables(variable).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| JobFailure::KeyNotSet {
                provider: name.to_owned(),
                variable: variable.clone(),
            })?;
            Some(SecretString::from(value))
        }
        KeySource::Command(argv) => {
            if let Some(account) = account {
                // The arguments may hold what is nobody's business.
                let body = json!({"program": argv.first(), "for": "key_command"});
                let (folder, job) = (&account.workspace, account.job);
                account.books.record("ran", folder, job, body);
            }
            let key = key_from_command(argv, variables).await;
            Some(key.map_err(|cause| JobFailure::Key {
                provider: name.to_owned(),
                cause,
            })?)
        }
    };
    let config = config_of(name, provider, settings);
    let opened = Provider::new(config, key)?;
    let Some(file) = &provider.record else {
        return Ok(opened);
    };
    let recording = opened.recording(Path::new(file));
    Ok(recording.map_err(|error| ProviderError::Settings {
        provider: name.to_owned(),
        why: error.to_string(),
    })?)
}

/// The provider of this name, as the settings have it.
pub(crate) fn config_of(
    name: &str,
    provider: &ProviderSettings,
    settings: &Settings,
) -> ProviderConfig {
    ProviderConfig {
        name: name.to_owned(),
        format: wire_format(provider.kind),
        base_url: provider.base_url.clone(),
        model: provider.model.clone(),
        headers: provider.headers.clone().into_iter().collect(),
        proxy: provider.proxy.clone(),
        ca_file: provider.ca_file.clone().map(Into::into),
        temperature: provider.temperature,
        max_output_tokens: provider.max_output_tokens,
        first_byte_timeout: Duration::from_secs(settings.limits.first_byte_seconds),
        idle_timeout: Duration::from_secs(settings.limits.idle_seconds),
        total_timeout: Duration::from_secs(settings.limits.total_seconds),
        effort: provider.effort,
        max_streams: provider.max_streams,
        requests_per_minute: provider.requests_per_minute,
    }
}

/// How the traffic with a provider of the settings stands, without opening it. `None` when its settings
/// cannot be used.
pub fn standing(name: &str, settings: &Settings) -> Option<Standing> {
    let config = config_of(name, settings.providers.get(name)?, settings);
    let provider = Provider::new(config, None).ok()?;
    Some(provider.standing())
}

fn wire_format(kind: ProviderKind) -> WireFormat {
    match kind {
        ProviderKind::OpenAiCompatible => WireFormat::Chat,
        ProviderKind::OpenAi => WireFormat::Responses,
        ProviderKind::Anthropic => WireFormat::Anthropic,
        ProviderKind::Gemini => WireFormat::Gemini,
        ProviderKind::Ollama => WireFormat::Ollama,
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label())
    }
}
