//! What answers: the engine that is chosen, and every provider that is set up.

use std::time::Duration;

use futures_util::future::join_all;
use pleach_agent::{Engine, builtin};
use pleach_policy::{KeySource, Settings};
use tokio::time::{Instant, timeout_at};

use super::Finding;
use crate::environment::Environment;

const AREA: &str = "engine";
/// How long all providers together may take, their keys included: they are asked at the same time.
const PATIENCE: Duration = Duration::from_secs(4);

pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
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
            "`pleach model` shows how to have one",
        ));
    }
    let deadline = Instant::now() + PATIENCE;
    let asked = settings.providers.keys().map(|name| {
        let chosen = settings.model_engine() == Some(name);
        provider(settings, name, chosen, deadline)
    });
    findings.extend(join_all(asked).await);
    findings
}

/// Whether a provider's key is there, and whether it answers.
async fn provider(settings: &Settings, name: &str, chosen: bool, deadline: Instant) -> Finding {
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
    let engine = match timeout_at(deadline, Engine::open(&asked, &Environment::variables())).await {
        Ok(Ok(engine)) => engine,
        Ok(Err(failure)) => return failed(failure.to_string(), failure.next_step()),
        // Only a key_command takes time.
        Err(_elapsed) => {
            return failed(
                format!("no {key} within {} s", PATIENCE.as_secs()),
                "run its key_command in a terminal, to see what it waits for".into(),
            );
        }
    };
    let Engine::Model(provider) = engine else {
        return failed(
            "the name is the built-in engine's".into(),
            "choose another name".into(),
        );
    };
    let (label, place) = (provider.label(), provider.base_url().to_owned());
    match timeout_at(deadline, provider.probe()).await {
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
