//! A plan by a model, which can read and do nothing else.
//!
//! Which tools it has is decided here, by the list of its role: a call of any other tool is answered
//! with an error, whatever the model was told or has made up.

use pleach_edit::Files as _;
use pleach_model::{
    Message, ModelRequest, Provider, ProviderError, StopReason, Tool, ToolCall, ToolResult,
};
use pleach_plan::{Known, Plan, Severity};
use pleach_policy::Secrets;
use pleach_text::ByteRange;
use pleach_workspace::WorkspaceSnapshot;
use serde_json::{Value, json};

use super::{PlanFailure, as_new_file, rule_texts, rules_of};
use crate::action::Action;
use crate::call::{Caller, Hearing, Used, aside};
use crate::failure::JobFailure;
use crate::job::{JobEvent, JobLimits, JobOutcome, JobRequest, Phase, TargetDocument};
use crate::meter::Account;
use crate::roles::{PLANNER, RoleFile};
use crate::shield::kept_back;

/// What a failure on the way to the disk is called.
const READING: &str = "reading for the model";
/// How often the model may read before it has to answer.
const ROUNDS: usize = 16;
/// How often what is no plan goes back with the reasons.
const AGAIN: u32 = 2;
/// Bytes of one result.
const RESULT: usize = 24 << 10;
/// Bytes of a file of rules.
const RULE: usize = 16 << 10;
/// Lines that a search answers.
const FOUND: usize = 100;

/// Asks a model for a plan. Dropping the future cancels it.
pub async fn ask(
    goal: &str,
    workspace: &WorkspaceSnapshot,
    provider: &Provider,
    limits: JobLimits,
    account: &Account,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> JobOutcome {
    match converse(goal, workspace, provider, limits, account, report).await {
        Ok(text) => match as_new_file(&text, workspace) {
            Ok((path, proposal)) => JobOutcome::Proposal {
                proposal,
                summary: format!("{} steps in {path}", Plan::parse(&text).steps().len()),
                reply: text,
            },
            Err(refusal) => JobOutcome::Failed {
                failure: JobFailure::Refused(refusal),
                reply: Some(text),
            },
        },
        Err((failure, text)) => JobOutcome::Failed {
            failure,
            reply: (!text.is_empty()).then_some(text),
        },
    }
}

async fn converse(
    goal: &str,
    workspace: &WorkspaceSnapshot,
    provider: &Provider,
    limits: JobLimits,
    account: &Account,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> Result<String, (JobFailure, String)> {
    let internal = JobFailure::Internal {
        doing: "writing the prompt",
    };
    let none = |failure| (failure, String::new());
    let role = RoleFile::read(PLANNER).map_err(|_| none(internal))?;
    let mut used = Used::default();
    let read = workspace.clone();
    let rules = aside(READING, move || rules(&read)).await.map_err(none)?;
    let system = used.secrets.hide(None, &role.prompt(&rules)).into_owned();
    let goal_sent = used.secrets.hide(None, goal);
    let mut messages = vec![Message::user(format!(
        "Make a plan for this, in the workspace that you can read:\n\n{goal_sent}"
    ))];
    let wish = JobRequest {
        action: Action::Plan,
        document: TargetDocument::none(),
        range: ByteRange::default(),
        instruction: Some(goal.to_owned()),
        reply: None,
        diagnostics: Vec::new(),
        workspace: workspace.clone(),
    };
    let caller = Caller {
        request: &wish,
        provider,
        account,
        report,
    };
    let (mut rounds, mut again) = (0, 0);
    let mut hidden = 0;
    loop {
        let may_read = rounds < ROUNDS;
        let request = ModelRequest {
            system: system.clone(),
            messages: messages.clone(),
            tools: if may_read { tools(&role) } else { Vec::new() },
            max_output_tokens: limits.output_tokens,
            goes_on: true,
            ..ModelRequest::default()
        };
        if used.secrets.count() > hidden {
            hidden = used.secrets.count();
            report(JobEvent::SecretsHidden(hidden));
        }
        let stream = |asked: &ModelRequest| provider.stream(asked);
        let (reply, _) = caller
            .receive(request, &mut used, stream, &mut Hearer(report))
            .await?;
        let text = used.secrets.restore(&reply.text).into_owned();
        let message = reply.into_message(provider.config().format);
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                let failure = PlanFailure::NoPlan(error.to_string());
                return Err((failure.into(), text));
            }
        };
        if !message.calls.is_empty() && may_read {
            rounds += 1;
            report(JobEvent::Phase(Phase::Reading));
            let (calls, role, read) = (message.calls.clone(), role.clone(), workspace.clone());
            let mut secrets = std::mem::take(&mut used.secrets);
            let carried_out = aside(READING, move || {
                let carry_out = |call| carry_out(call, &role, &read, &mut secrets);
                let results: Vec<ToolResult> = calls.iter().map(carry_out).collect();
                (results, secrets)
            });
            let (results, secrets) = carried_out.await.map_err(none)?;
            used.secrets = secrets;
            messages.push(message);
            messages.push(Message::results(results));
            continue;
        }
        match plan_in(&text, workspace) {
            Ok(plan) => return Ok(plan),
            Err(why) if again < AGAIN => {
                again += 1;
                messages.push(message);
                let why = used.secrets.hide(None, &why).into_owned();
                messages.push(Message::user(format!(
                    "This is no plan that can be used: {why}\nAnswer with the whole plan, mended."
                )));
                report(JobEvent::Phase(Phase::AskingAgain(again)));
            }
            Err(why) => return Err((PlanFailure::NoPlan(why).into(), text)),
        }
    }
}

/// Hears a plan: calls of tools end an answer as well as words do.
struct Hearer<'a, R>(&'a R);

impl<R: Fn(JobEvent)> Hearing for Hearer<'_, R> {
    fn text(&mut self, text: String) {
        (self.0)(JobEvent::Text(text));
    }

    fn end(&self, reason: StopReason, bytes: usize) -> Result<(), JobFailure> {
        match reason {
            StopReason::MaxTokens => Err(ProviderError::Truncated { bytes }.into()),
            StopReason::Refusal => Err(ProviderError::Refused.into()),
            StopReason::EndTurn | StopReason::ToolUse | StopReason::Other(_) => Ok(()),
        }
    }
}

fn rules(workspace: &WorkspaceSnapshot) -> Vec<(String, String)> {
    let rules = rule_texts(workspace).into_iter();
    rules
        .map(|(path, text)| (path.to_owned(), bounded(&text, RULE)))
        .collect()
}

/// The plan in a model's answer, with the hash of the rules; or what is wrong with it.
fn plan_in(text: &str, workspace: &WorkspaceSnapshot) -> Result<String, String> {
    // Some models put the whole of it into a code block.
    let fenced = text.trim().strip_prefix("```").and_then(|text| {
        let (_, text) = text.split_once('\n')?;
        text.trim_end().strip_suffix("```")
    });
    let text = fenced.unwrap_or(text);
    let mut lines = text.lines();
    let skipped: usize = lines
        .by_ref()
        .take_while(|line| !line.starts_with("# "))
        .map(|line| line.len() + 1)
        .sum();
    let body = text.get(skipped..).unwrap_or_default().trim();
    let plan = Plan::parse(body);
    if plan.title().is_none() {
        return Err("it has no title (`# …`)".to_owned());
    }
    if plan.steps().is_empty() {
        return Err("it has no steps (`1. [ ] …` under `## Steps`)".to_owned());
    }
    let rules = rules_of(workspace);
    let known = Known {
        is_file: &|path| workspace.exists(path),
        is_role: &|_| false,
        is_running: &|_| false,
        rules: &rules,
    };
    let wrong: Vec<String> = plan
        .problems(&known)
        .into_iter()
        .filter(|problem| {
            problem.severity == Severity::Error
                || matches!(problem.code, "unknown-file" | "no-check")
        })
        .map(|problem| {
            let line = body
                .get(..problem.range.start.0)
                .unwrap_or_default()
                .lines()
                .count();
            format!("line {line}: {}", problem.message)
        })
        .collect();
    if wrong.is_empty() {
        Ok(format!("---\nrules: {rules}\n---\n\n{body}\n"))
    } else {
        Err(wrong.join("; "))
    }
}

/// The tools of a role, as the model is told them.
fn tools(role: &RoleFile) -> Vec<Tool> {
    let text = |what: &str| json!({"type": "string", "description": what});
    let all = [
        (
            "list_files",
            "Lists the files of the workspace whose path contains a text.",
            json!({"containing": text("a part of the path; empty for all")}),
        ),
        (
            "read_file",
            "Reads a file of the workspace, with line numbers.",
            json!({
                "path": text("the file"),
                "from_line": {"type": "integer", "description": "the first line to read, from 1"},
            }),
        ),
        (
            "search",
            "Finds the lines of the workspace's files that contain a text, upper and lower case alike.",
            json!({"text": text("what to look for"), "containing": text("a part of the files' paths; empty for all")}),
        ),
    ];
    all.into_iter()
        .filter(|(name, ..)| role.allows(name))
        .map(|(name, description, properties)| Tool {
            name: name.to_owned(),
            description: description.to_owned(),
            schema: json!({"type": "object", "properties": properties}),
        })
        .collect()
}

/// Carries a call out, if the role may make it. What it answers has placeholders for secrets.
fn carry_out(
    call: &ToolCall,
    role: &RoleFile,
    workspace: &WorkspaceSnapshot,
    secrets: &mut Secrets,
) -> ToolResult {
    let argument = |name: &str| {
        let value = call.arguments.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let result = if role.allows(&call.name) {
        match call.name.as_str() {
            "list_files" => Ok(list(&argument("containing"), workspace)),
            "read_file" => read(
                &argument("path"),
                call.arguments.get("from_line").and_then(Value::as_u64),
                workspace,
                secrets,
            ),
            "search" => search(
                &argument("text"),
                &argument("containing"),
                workspace,
                secrets,
            ),
            other => Err(format!("there is no tool `{other}`")),
        }
    } else {
        Err(format!(
            "`{}` is not allowed: the role {} has {} and nothing that writes or runs",
            call.name,
            role.name,
            role.tools.join(", ")
        ))
    };
    let is_error = result.is_err();
    ToolResult {
        call: call.id.clone(),
        name: call.name.clone(),
        text: result.unwrap_or_else(|why| why),
        is_error,
    }
}

fn list(containing: &str, workspace: &WorkspaceSnapshot) -> String {
    let names = workspace.names().iter();
    let names: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| name.contains(containing))
        .collect();
    bounded(&names.join("\n"), RESULT)
}

fn read(
    path: &str,
    from: Option<u64>,
    workspace: &WorkspaceSnapshot,
    secrets: &mut Secrets,
) -> Result<String, String> {
    let file = workspace.read(path).map_err(|error| error.to_string())?;
    if let Some(why) = kept_back(&file.name, workspace) {
        return Err(format!("`{path}` is not sent: {why}"));
    }
    let text = secrets.hide(Some(&file.name), &file.text);
    let from = usize::try_from(from.unwrap_or(1)).unwrap_or(1).max(1);
    let lines: Vec<String> = (1..)
        .zip(text.lines())
        .skip(from - 1)
        .map(|(number, line): (usize, &str)| format!("{number}: {line}"))
        .collect();
    Ok(bounded(&lines.join("\n"), RESULT))
}

fn search(
    text: &str,
    containing: &str,
    workspace: &WorkspaceSnapshot,
    secrets: &mut Secrets,
) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("give the text to look for".to_owned());
    }
    let wanted = text.to_lowercase();
    let mut found = Vec::new();
    for path in workspace
        .paths()
        .iter()
        .filter(|path| path.contains(containing))
    {
        let Ok(text) = workspace.read_text(path) else {
            continue;
        };
        let has_it = |line: &str| line.to_lowercase().contains(&wanted);
        // Files are many, and secrets are looked for in those only that are told of.
        if !text.lines().any(has_it) || kept_back(path, workspace).is_some() {
            continue;
        }
        let text = secrets.hide(Some(path), &text);
        for (number, line) in (1..).zip(text.lines()) {
            if has_it(line) {
                found.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
        if found.len() >= FOUND {
            found.truncate(FOUND);
            found.push("… and more: look for something more special".to_owned());
            break;
        }
    }
    if found.is_empty() {
        return Ok("nothing contains it".to_owned());
    }
    Ok(bounded(&found.join("\n"), RESULT))
}

/// The beginning of a text, and a word that there is more.
fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}\n… cut off here: ask for a smaller part")
}
