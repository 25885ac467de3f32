//! A plan by a model, which can read and do nothing else.
//!
//! Which tools it has is decided by the list of its role: a call of any other tool is answered with an
//! error, whatever the model was told or has made up. No role can plan with a tool that writes or runs.

use std::sync::Arc;

use pleach_plan::{Known, Plan, Severity};
use pleach_policy::Secrets;
use pleach_workspace::WorkspaceSnapshot;

use super::{PlanFailure, as_new_file, rule_texts, rules_of};
use crate::action::Action;
use crate::call::{Caller, Used, aside};
use crate::context::assembled;
use crate::conversation::Conversation;
use crate::failure::JobFailure;
use crate::job::{JobEvent, JobLimits, JobOutcome, JobRequest, TargetDocument};
use crate::lineup::Lineup;
use crate::meter::Account;
use crate::prompt::Prompt;
use crate::roles::{About, Roster};
use crate::tools::{Kit, Talk, Turn};

/// What a failure on the way to the disk is called.
const READING: &str = "reading for the model";
/// How often what is no plan goes back with the reasons.
const AGAIN: u32 = 2;
/// Why a file of rules is told.
const WHOLE: &str = "it is for the whole workspace";
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
    let none = |failure| (failure, String::new());
    let document = TargetDocument::none();
    let wish = Arc::new(JobRequest {
        instruction: Some(goal.to_owned()),
        ..JobRequest::new(Action::Plan, document, workspace.clone())
    });
    let (asked, roster) = (Arc::clone(&wish), Arc::clone(&kit.roster));
    let prompt = aside(READING, move || prompt(&asked, &roster)).await;
    let prompt = prompt.flatten().map_err(none)?;
    let index = kit.index.clone();
    let first = assembled(&wish, prompt, index, limits.context_tokens).await;
    let first = first.map_err(none)?;
    let caller = Caller {
        request: &wish,
        lineup,
        account,
        report,
    };
    let talk = Talk::of_job(&wish, kit, account);
    let mut used = Used::default();
    // What is mended once is a plan.
    let limits = JobLimits {
        attempts_after_refusal: AGAIN,
        ..limits
    };
    let mut conversation = Conversation::begin(&caller, limits, talk, &mut used, first).await;
    loop {
        let (turn, call) = conversation.answer().await?;
        let text = match turn {
            Turn::Text(text) | Turn::Proposal(_, text) => text,
            Turn::Stopped(text) => return Err((JobFailure::TooManyRounds, text)),
        };
        let why = match plan_in(&text, workspace) {
            Ok(plan) => return Ok(plan),
            Err(why) => why,
        };
        account.books.forget(call);
        let reasons =
            format!("This is no plan that can be used: {why}\nAnswer with the whole plan, mended.");
        if !conversation.goes_back(&text, &reasons) {
            return Err((PlanFailure::NoPlan(why).into(), text));
        }
    }
}

/// What a planner is asked. Asks the disk.
fn prompt(wish: &JobRequest, roster: &Roster) -> Result<Prompt, JobFailure> {
    let role = roster.role(Action::Plan.role());
    let role = role.ok_or(JobFailure::Internal {
        doing: "writing the prompt",
    })?;
    let rules = rules(&wish.workspace);
    let about = About {
        path: "",
        language: "",
        rules: &rules,
    };
    let system = role.orders(&about).map_err(|error| JobFailure::Template {
        name: role.name.clone(),
        why: error.to_string(),
    })?;
    let mut secrets = Secrets::default();
    let goal = wish.instruction.as_deref().unwrap_or_default();
    let goal = secrets.hide(None, goal);
    let user = format!("Make a plan for this, in the workspace that you can read:\n\n{goal}");
    let told = rules.into_iter().map(|(path, _)| (path, WHOLE.to_owned()));
    Ok(Prompt {
        system: secrets.hide(None, &system).into_owned(),
        user,
        lines: (0, 0, 0),
        rules: told.collect(),
        secrets,
        earlier: Vec::new(),
        mentioned: Vec::new(),
        notes: Vec::new(),
    })
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
