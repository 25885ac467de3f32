//! What would be sent: the very request of a job, before anything is.

use std::fmt::Write as _;

use pleach_model::{ModelRequest, PriceTable, Speaker};
use pleach_policy::Settings;
use serde_json::json;

use crate::context::{Assembled, FRESH_WITHIN, assemble};
use crate::engine::config_of;
use crate::failure::JobFailure;
use crate::job::JobRequest;
use crate::meter::Expected;
use crate::review::Scope;
use crate::roles::fence_for;
use crate::tools::{Kit, toolbox};
use crate::{chat, prompt, shield};

/// The first request of a job, as a page of Markdown: to whom it would go, about how many tokens it has,
/// what it would cost, and every word of it. Nothing is sent. Asks the disk.
///
/// # Errors
///
/// Where the job would not be begun either: a document that is never sent, or one that is too large.
pub fn preview(
    request: &JobRequest,
    settings: &Settings,
    kit: Kit,
    prices: &PriceTable,
) -> Result<String, JobFailure> {
    let read = chat::is_of(request).then(|| chat::read(request));
    let read = read.transpose()?;
    let request = read.as_ref().unwrap_or(request);
    shield::check(request)?;
    let prompt = prompt::write(request, &kit.roster, settings.limits.max_context_bytes)?;
    let budget = settings.context.tokens;
    let index = kit.index.clone();
    let index = index.filter(|_| budget > 0 && request.scope != Scope::Changes);
    if let Some(index) = &index {
        let (told, done) = std::sync::mpsc::channel();
        index.refresh(request.workspace.clone(), FRESH_WITHIN, move || {
            let _nobody_waits = told.send(()).is_err();
        });
        let _in_time = done.recv_timeout(FRESH_WITHIN);
    }
    let assembled = assemble(request, prompt, index.as_ref(), budget);
    let messages = assembled.messages();
    let Assembled {
        system,
        manifest,
        secrets,
        ..
    } = assembled;
    let role = request.role_name().to_owned();
    let tools = toolbox(request, kit).map(|tools| tools.offered());
    let asked = ModelRequest {
        system,
        messages,
        tools: tools.unwrap_or_default(),
        max_output_tokens: settings.limits.max_output_tokens,
        ..ModelRequest::default()
    };
    let mut page = format!("# What would be sent: {}\n\n", request.title());
    // Writing to a string does not fail.
    let engine = settings.model_for(request.action.plays());
    let provider = engine.and_then(|name| Some((name, settings.providers.get(name)?)));
    if let Some((name, provider)) = provider {
        let config = config_of(name, provider, settings);
        let estimate = prices.estimate(&config, &asked);
        let expected = Expected::of(prices, &config, &asked);
        let _ = writeln!(
            page,
            "Nothing was sent. It would go to `{name}`, the model `{}` at {}: about {} tokens, {expected}.",
            config.model, config.base_url, estimate.likely_input_tokens,
        );
    } else {
        page.push_str(
            "Nothing would be sent: no model is set up, and the built-in syntax engine, no AI model, answers.\n\
             With a model it would be this.\n",
        );
    }
    let _ = match secrets.count() {
        0 => Ok(()),
        1 => writeln!(page, "\nOne secret is hidden; the edit gets it back."),
        count => writeln!(
            page,
            "\n{count} secrets are hidden; the edit gets them back."
        ),
    };
    page.push_str("\n## What is in it\n\n");
    manifest.write(&mut page);
    let mut part = |title: &str, text: &str, kind: &str| {
        let fence = fence_for(text);
        let text = text.trim_end();
        let _ = write!(page, "\n## {title}\n\n{fence}{kind}\n{text}\n{fence}\n");
    };
    part(&format!("Orders of the role `{role}`"), &asked.system, "");
    let before = asked.messages.len().saturating_sub(1);
    for (at, message) in asked.messages.iter().enumerate() {
        let title = match message.speaker {
            _ if at == before => "The request",
            Speaker::User => "Said before",
            Speaker::Assistant => "Answered before",
        };
        part(title, &message.text, "");
    }
    for tool in &asked.tools {
        let told = json!({"description": tool.description, "schema": tool.schema});
        let told = format!("{told:#}");
        part(&format!("The tool `{}`", tool.name), &told, "json");
    }
    Ok(page)
}
