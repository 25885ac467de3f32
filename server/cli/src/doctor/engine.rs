//! What answers: the engine that is chosen, and every provider that is set up.

use std::time::Duration;

use pleach_agent::{Engine, builtin};
use pleach_policy::{KeySource, Settings};

use super::Finding;
use crate::environment::Environment;

const AREA: &str = "engine";
/// A provider that takes longer to list its models is not fit for an editor, or not there.
const PATIENCE: Duration = Duration::from_secs(4);

pub(super) async fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    match settings.model_engine() {
        None => findings.push(Finding::good(AREA, builtin::LABEL)),
        Some(name) if settings.providers.contains_key(name) => {}
        Some(name) => findings.push(Finding::bad(
            AREA,
            format!("the engine `{name}` is chosen, but there is no [providers.{name}]"),
            "add that section to pleach.toml, or set engine = \"builtin\"",
        )),
    }
    if settings.providers.is_empty() {
        findings.push(Finding::note(
            AREA,
            "no model is set up, which is fine",
            "to use one, put into pleach.toml, for example:\n  \
             engine = \"local\"\n  \
             [providers.local]\n  \
             base_url = \"http://127.0.0.1:11434/v1\"\n  \
             model = \"qwen3-coder\"",
        ));
    }
    for name in settings.providers.keys() {
        let chosen = settings.model_engine() == Some(name);
        findings.push(provider(settings, name, chosen).await);
    }
}

/// Whether a provider's key is there, and whether it answers.
async fn provider(settings: &Settings, name: &str, chosen: bool) -> Finding {
    let asked = Settings {
        engine: name.to_owned(),
        ..settings.clone()
    };
    let key = match settings.providers.get(name).map(|provider| &provider.key) {
        Some(KeySource::Variable(variable)) => format!("key from {variable}"),
        Some(KeySource::Command(argv)) => {
            format!(
                "key from {}",
                argv.first().map_or("a command", String::as_str)
            )
        }
        Some(KeySource::None) | None => "no key".to_owned(),
    };
    let role = if chosen { ", the chosen engine" } else { "" };
    let failed = |message: String, fix: String| {
        let message = format!("{name}{role}: {message}");
        // What is not used does no harm.
        if chosen {
            Finding::bad(AREA, message, fix)
        } else {
            Finding::note(AREA, message, fix)
        }
    };
    let engine = match Engine::open(&asked, &Environment::variables()).await {
        Ok(engine) => engine,
        Err(failure) => return failed(failure.to_string(), failure.next_step()),
    };
    let Engine::Model(provider) = engine else {
        return failed(
            "the name is the built-in engine's".into(),
            "choose another name".into(),
        );
    };
    let (label, place) = (provider.label(), provider.base_url().to_owned());
    match tokio::time::timeout(PATIENCE, provider.probe()).await {
        Err(_elapsed) => failed(
            format!("{place} did not answer within {} s", PATIENCE.as_secs()),
            "start the server, or mend base_url in pleach.toml".into(),
        ),
        Ok(Err(error)) => failed(error.to_string(), error.next_step()),
        Ok(Ok(report)) if report.has_model == Some(false) => failed(
            format!("{place} answers ({key}), but does not list the model of {label}"),
            format!(
                "set model in pleach.toml to one of: {}",
                some(&report.models)
            ),
        ),
        Ok(Ok(_)) => Finding::good(AREA, format!("{label}{role}: {place} answers ({key})")),
    }
}

/// The first few names of a list.
fn some(models: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut names = models
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if models.len() > SHOWN {
        names.push_str(", …");
    }
    names
}
