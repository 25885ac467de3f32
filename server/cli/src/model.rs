//! `pleach model`: which model answers, and another one in its place.

use std::io::{self, Write};

use anyhow::{Context as _, anyhow, bail};
use camino::Utf8Path;
use pleach_agent::{LocalServer, local_servers};
use pleach_policy::{KeySource, NewModel, ProviderKind, Settings, parse};

use crate::environment::{Environment, variable};
use crate::paint::{FAINT, GOOD, HEAD, paint, visible};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach model                             what answers, and what could
  pleach model ollama                      the model that Ollama has on this machine
  pleach model ollama qwen2.5-coder:7b     that one
  pleach model anthropic claude-opus-5-5   with the key in ANTHROPIC_API_KEY
  pleach model work some-model --base-url https://llm.example/v1 --key-env WORK_KEY

It writes your own pleach.toml and leaves everything else there as it is. Keys never stand in it.

Exit code: 0 done, 2 the model could not be added.")]
pub(crate) struct Arguments {
    /// ollama, llama-cpp, anthropic, openai, gemini, or a name of yours for a server that speaks OpenAI's
    /// chat completions
    provider: Option<String>,
    /// The model's name, as the server knows it; left out, the first one of a server on this machine
    model: Option<String>,
    /// Where the server is: its address before `/chat/completions`
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The environment variable that holds the key
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let path = environment.user_settings();
    let path = path.context("there is no folder for your settings: set PLEACH_CONFIG_DIR")?;
    // Nobody else is asked for the sake of a model that is elsewhere.
    let is_elsewhere = arguments
        .provider
        .as_ref()
        .is_some_and(|name| !LocalServer::NAMES.contains(&name.as_str()));
    let servers = if is_elsewhere {
        Vec::new()
    } else {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(local_servers(&Environment::variables()))
    };
    let mut out = anstream::stdout().lock();
    let Some(provider) = &arguments.provider else {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        tell(&mut out, &parse(&text).settings, &servers)?;
        return Ok(crate::DONE);
    };
    let new = wanted(arguments, provider, &servers)?;
    pleach_lsp::add_model(&path, &new)?;
    let chosen = format!("{} ({provider}) answers from now on", visible(&new.model));
    writeln!(out, "{}, as {path} says.", paint(GOOD, chosen))?;
    if let Some(key) = key_variable(&path, provider).filter(|name| variable(name).is_none()) {
        writeln!(
            out,
            "Put its key into the environment variable {key}; it is not set here."
        )?;
    }
    let next = "Restart Pleach in an editor that runs. `pleach doctor` looks whether it answers.";
    writeln!(out, "{}", paint(FAINT, next))?;
    Ok(crate::DONE)
}

/// What is to be added.
fn wanted(
    arguments: &Arguments,
    provider: &str,
    servers: &[LocalServer],
) -> anyhow::Result<NewModel> {
    let local = servers.iter().find(|server| server.name() == provider);
    let model = arguments.model.as_ref();
    let model = model.or_else(|| local?.models.first());
    let Some(model) = model else {
        if LocalServer::NAMES.contains(&provider) {
            bail!(
                "nothing answers for {provider} on this machine, or it has no model: start it, or name the model"
            );
        }
        bail!("name the model as well: pleach model {provider} MODEL");
    };
    if let (Some(server), None) = (local, &arguments.base_url) {
        return Ok(NewModel {
            key_env: arguments.key_env.clone(),
            ..server.model(model)
        });
    }
    let kind = ProviderKind::ALL
        .into_iter()
        .find(|kind| kind.name() == provider)
        .unwrap_or_default();
    let usual = || LocalServer::usual_address(provider);
    let base_url = arguments.base_url.clone().or_else(usual);
    if base_url.is_none() && kind.default_base_url().is_none() {
        return Err(anyhow!(
            "say where {provider} is: --base-url https://…/v1 (known without it: ollama, llama-cpp, \
             anthropic, openai, gemini)"
        ));
    }
    Ok(NewModel {
        name: provider.to_owned(),
        kind,
        base_url,
        model: model.clone(),
        key_env: arguments.key_env.clone(),
    })
}

/// The variable that the key of a provider is looked up in, by the settings at `path`.
fn key_variable(path: &Utf8Path, provider: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    match &parse(&text).settings.providers.get(provider)?.key {
        KeySource::Variable(name) => Some(name.clone()),
        _ => None,
    }
}

fn tell(out: &mut impl Write, settings: &Settings, servers: &[LocalServer]) -> io::Result<()> {
    let engine = match settings.model_for(pleach_policy::Role::Coder) {
        None => pleach_agent::builtin::LABEL.to_owned(),
        Some(name) => match settings.providers.get(name) {
            Some(provider) => format!("{} ({name})", provider.model),
            None => format!("{name}, which is not set up"),
        },
    };
    writeln!(out, "{} {}", paint(HEAD, "What answers:"), visible(&engine))?;
    writeln!(out, "\n{}", paint(HEAD, "To have another:"))?;
    for server in servers {
        for model in server.models.iter().take(3) {
            let command = format!("pleach model {} {}", server.name(), visible(model));
            line(out, &command, &format!("{} runs here", server.title))?;
        }
    }
    if servers.is_empty() {
        line(out, "pleach model ollama", "once Ollama runs here")?;
    }
    for kind in [
        ProviderKind::Anthropic,
        ProviderKind::OpenAi,
        ProviderKind::Gemini,
    ] {
        let key = kind.default_key_variable().unwrap_or_default();
        line(
            out,
            &format!("pleach model {} MODEL", kind.name()),
            &format!("its key in {key}"),
        )?;
    }
    line(
        out,
        "pleach model NAME MODEL --base-url URL",
        "any that speaks OpenAI's chat completions",
    )
}

fn line(out: &mut impl Write, command: &str, note: &str) -> io::Result<()> {
    writeln!(out, "  {command:<42} {}", paint(FAINT, note))
}
