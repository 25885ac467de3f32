//! What answers: the engine that is chosen, and every provider that is set up.

use std::time::Duration;

use futures_util::future::join_all;
use pleach_agent::{Account, builtin, open_provider, probe};
use pleach_policy::{BUILTIN_ENGINE, KeySource, Role, Settings};
use tokio::time::{Instant, timeout_at};

use super::Finding;
use crate::environment::Environment;

const AREA: &str = "engine";
/// How long all providers together may take, their keys included: they are asked at the same time.
const PATIENCE: Duration = Duration::from_secs(4);

/// With an account, each model is asked a word.
pub(super) async fn look(settings: &Settings, account: Option<&Account>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let used = settings.engines_in_use();
    for (name, roles) in &used {
        if *name == BUILTIN_ENGINE {
            let whole = roles.len() == Role::ALL.len();
            let roles = if whole {
                String::new()
            } else {
                for_roles(roles)
            };
            findings.push(Finding::good(AREA, format!("{}{roles}", builtin::LABEL)));
        } else if !settings.providers.contains_key(*name) {
            findings.push(Finding::bad(
                AREA,
                format!("the engine `{name}` is chosen, but there is no [providers.{name}]"),
                "add that section to pleach.toml, or set engine = \"builtin\"",
            ));
        }
    }
    if settings.providers.is_empty() {
        findings.push(Finding::note(
            AREA,
            "no model is set up, which is fine",
            "`pleach model` shows how to have one",
        ));
    }
    let deadline = Instant::now() + PATIENCE;
    let asked = settings
        .providers
        .keys()
        .map(|name| provider(settings, name, used.get(name.as_str()), deadline));
    findings.extend(join_all(asked).await);
    if let Some(account) = account {
        let asked = settings.providers.keys();
        findings.extend(join_all(asked.map(|name| asked_a_word(settings, name, account))).await);
    }
    findings
}

/// Asks a model for a word.
async fn asked_a_word(settings: &Settings, name: &str, account: &Account) -> Finding {
    match probe(name, settings, &Environment::variables(), account).await {
        Ok(probed) => {
            let tokens = probed
                .tokens
                .map_or("nobody counted the tokens".to_owned(), |it| {
                    format!("{} tokens sent, {} received", it.0, it.1)
                });
            let cost = probed.cost;
            let cost = cost.map_or("cost unknown".to_owned(), |cost| cost.to_string());
            let time = probed.time.as_secs_f64();
            Finding::good(
                AREA,
                format!("{name} answered in {time:.1} s: {tokens}, {cost}"),
            )
        }
        Err(failure) => {
            let message = format!("{name} did not answer: {failure}");
            // What is not used does no harm.
            if settings.engines_in_use().contains_key(name) {
                Finding::bad(AREA, message, failure.next_step())
            } else {
                Finding::note(AREA, message, failure.next_step())
            }
        }
    }
}

/// `, for coder and reviewer`.
fn for_roles(roles: &[Role]) -> String {
    if roles.len() == Role::ALL.len() {
        return ", the chosen engine".to_owned();
    }
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    format!(", for the {}", names.join(", "))
}

/// Whether a provider's key is there, and whether it answers. `roles` are those that it is the first
/// choice of; `None` when it is not used.
async fn provider(
    settings: &Settings,
    name: &str,
    roles: Option<&Vec<Role>>,
    deadline: Instant,
) -> Finding {
    let chosen = roles.is_some();
    let role = match roles.map(Vec::as_slice) {
        None => String::new(),
        Some([]) => ", to stand in".to_owned(),
        Some(roles) => for_roles(roles),
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
    let failed = |message: String, fix: String| {
        let message = format!("{name}{role}: {message}");
        // What is not used does no harm.
        if chosen {
            Finding::bad(AREA, message, fix)
        } else {
            Finding::note(AREA, message, fix)
        }
    };
    let variables = Environment::variables();
    let opened = open_provider(name, settings, &variables, None);
    let provider = match timeout_at(deadline, opened).await {
        Ok(Ok(provider)) => provider,
        Ok(Err(failure)) => return failed(failure.to_string(), failure.next_step()),
        // Only a key_command takes time.
        Err(_elapsed) => {
            return failed(
                format!("no {key} within {} s", PATIENCE.as_secs()),
                "run its key_command in a terminal, to see what it waits for".into(),
            );
        }
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
