//! A plan by a model, which can read and do nothing else.
//!
//! Which tools it has is decided by the list of its role: a call of any other tool is answered with an
//! error, whatever the model was told or has made up. No role can plan with a tool that writes or runs.

use pleach_model::{Message, ModelRequest, ProviderError, StopReason};
use pleach_plan::{Known, Plan, Severity};
use pleach_text::ByteRange;
use pleach_workspace::WorkspaceSnapshot;

use super::{PlanFailure, as_new_file, rule_texts, rules_of};
use crate::action::Action;
use crate::call::{Caller, Hearing, Used, aside};
use crate::failure::JobFailure;
use crate::job::{JobEvent, JobLimits, JobOutcome, JobRequest, Phase, TargetDocument};
use crate::lineup::Lineup;
use crate::meter::Account;
use crate::roles::About;
use crate::shield;
use crate::tools::{Kit, Talk, Turn};

/// What a failure on the way to the disk is called.
const READING: &str = "reading for the model";
/// How often what is no plan goes back with the reasons.
const AGAIN: u32 = 2;
/// Bytes of a file of rules.
const RULE: usize = 16 << 10;

/// Asks a model for a plan, which may read the workspace with the tools of its `kit`. Dropping the future cancels it.
pub async fn ask(
    goal: &str,
    workspace: &WorkspaceSnapshot,
    lineup: &Lineup,
    limits: JobLimits,
    account: &Account,
    kit: Kit,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> JobOutcome {
    match converse(goal, workspace, lineup, limits, account, kit, report).await {
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
    lineup: &Lineup,
    limits: JobLimits,
    account: &Account,
    kit: Kit,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> Result<String, (JobFailure, String)> {
    let internal = JobFailure::Internal {
        doing: "writing the prompt",
    };
    let none = |failure| (failure, String::new());
    let role = kit.roster.role(Action::Plan.role()).cloned();
    let role = role.ok_or_else(|| none(internal))?;
    let mut used = Used::default();
    let read = workspace.clone();
    let rules = aside(READING, move || rules(&read)).await.map_err(none)?;
    let about = About {
        path: "",
        language: "",
        rules: &rules,
    };
    let orders = role.orders(&about).map_err(|error| {
        let name = role.name.clone();
        let why = error.to_string();
        none(JobFailure::Template { name, why })
    })?;
    let system = used.secrets.hide(None, &orders).into_owned();
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
        own: None,
        diagnostics: Vec::new(),
        scope: crate::review::Scope::default(),
        workspace: workspace.clone(),
    };
    let caller = Caller {
        request: &wish,
        lineup,
        account,
        report,
    };
    let mut talk = Talk::of_job(&wish, kit, account);
    if used.secrets.count() > 0 {
        report(JobEvent::SecretsHidden(used.secrets.count()));
    }
    let mut again = 0;
    loop {
        let request = ModelRequest {
            system: system.clone(),
            messages: messages.clone(),
            tools: talk.tools(),
            max_output_tokens: limits.output_tokens,
            goes_on: true,
            ..ModelRequest::default()
        };
        let secrets = used.secrets.clone();
        let through = |answer| shield::restored(answer, secrets.clone());
        let (reply, call) = caller
            .receive(request, &mut used, through, &mut Hearer(report))
            .await?;
        let format = lineup.provider().config().format;
        let turn = talk.turn(reply, format, &mut used.secrets, &mut messages, report);
        let text = match turn.await {
            Turn::GoesOn => continue,
            Turn::Text(text) | Turn::Proposal(_, text) => text,
            Turn::Stopped(text) => return Err((JobFailure::TooManyRounds, text)),
        };
        match plan_in(&text, workspace) {
            Ok(plan) => return Ok(plan),
            Err(why) if again < AGAIN => {
                account.books.forget(call);
                again += 1;
                messages.push(Message::assistant(used.secrets.hide(None, &text)));
                let why = used.secrets.hide(None, &why).into_owned();
                messages.push(Message::user(format!(
                    "This is no plan that can be used: {why}\nAnswer with the whole plan, mended."
                )));
                report(JobEvent::Phase(Phase::AskingAgain(again)));
            }
            Err(why) => {
                account.books.forget(call);
                return Err((PlanFailure::NoPlan(why).into(), text));
            }
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
