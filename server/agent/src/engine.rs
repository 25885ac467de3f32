//! Which engine answers, and how it is opened from the settings.

use std::sync::Arc;
use std::time::Duration;

use pleach_exec::{Variables, key_from_command};
use pleach_model::{Provider, ProviderConfig, WireFormat};
use pleach_policy::{KeySource, ProviderKind, ProviderSettings, Settings};
use secrecy::SecretString;

use crate::builtin;
use crate::failure::JobFailure;

/// What answers a job.
#[derive(Clone)]
pub enum Engine {
    /// The built-in syntax engine: no model, no key, no network.
    Builtin,
    /// A model behind a provider.
    Model(Arc<Provider>),
}

impl Engine {
    /// Opens the engine that the settings choose. Reads the key, which may run the provider's
    /// `key_command`; opens no connection.
    pub async fn open(settings: &Settings, variables: &Variables) -> Result<Self, JobFailure> {
        let Some(name) = settings.model_engine() else {
            return Ok(Self::Builtin);
        };
        let provider = settings
            .providers
            .get(name)
            .ok_or_else(|| JobFailure::UnknownEngine {
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
            KeySource::Command(argv) => Some(key_from_command(argv, variables).await.map_err(
                |cause| JobFailure::Key {
                    provider: name.to_owned(),
                    cause,
                },
            )?),
        };
        let config = config_of(name, provider, settings);
        Ok(Self::Model(Arc::new(Provider::new(config, key)?)))
    }

    /// How the engine is named to people, always: `built-in syntax engine, no AI model`, or the
    /// provider and the model.
    pub fn label(&self) -> String {
        match self {
            Self::Builtin => builtin::LABEL.to_owned(),
            Self::Model(provider) => provider.label(),
        }
    }
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
        max_streams: provider.max_streams,
        requests_per_minute: provider.requests_per_minute,
    }
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
