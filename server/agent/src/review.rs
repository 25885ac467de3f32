//! Reviews: a model's findings about a place, a file, or the changes of the working tree.
//!
//! The answer has a strict form ([`form`]); what is not in it goes back with the reasons, at most twice. A
//! finding counts only where the file holds the lines that it quotes: what does not is dropped, and counted.

mod changes;
mod form;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::context;
use pleach_model::{Message, ModelRequest, ProviderError, StopReason};
use pleach_text::ByteRange;

use self::changes::Changes;
use self::form::{Form, Said};
use crate::call::{Caller, Hearing, Used, aside};
use crate::context::{Assembled, assembled};
use crate::failure::JobFailure;
use crate::findings::{Finder, Finding, FindingReport, find_quote, lines_of};
use crate::index::Index;
use crate::job::{JobEvent, JobLimits, JobOutcome, JobRequest, Phase};
use crate::prompt::{self, Prompt};
use crate::roles::{About, Output, Roster, fence_for, templates};
use crate::rules::rules_for;
use crate::shield;
use crate::tools::{Commands, Talk, Turn};

/// What a review looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The selected lines.
    #[default]
    Selection,
    /// The whole document.
    File,
    /// What has changed in the workspace since the last commit.
    Changes,
}

/// Why there is no review.
#[derive(Debug, thiserror::Error)]
pub enum ReviewFailure {
    /// There are no commits to compare with.
    #[error("what has changed is not known: {0}")]
    NoRepository(String),
    /// Everything is as it was committed.
    #[error("nothing has changed since the last commit{0}")]
    NothingChanged(String),
    /// The changes are more than may be sent.
    #[error(
        "the changes are {bytes} bytes long, more than max_context_bytes ({limit}) allows to be sent"
    )]
    TooLarge {
        /// Bytes that would have been sent.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// The answer is not in the form of a review.
    #[error("the model's answer is no review: {0}")]
    NoReview(String),
}

impl ReviewFailure {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRepository(_) => "no-repository",
            Self::NothingChanged(_) => "nothing-changed",
            Self::TooLarge { .. } => "too-large",
            Self::NoReview(_) => "no-review",
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NoRepository(_) => "open a folder that git keeps, or review a file",
            Self::NothingChanged(_) => "review a file or a selection",
            Self::TooLarge { .. } => {
                "review file by file, commit what is done, or raise [limits] max_context_bytes in pleach.toml"
            }
            Self::NoReview(_) => {
                "look at the kept answer, or ask again; another model may keep to the form better"
            }
        }
    }
}

/// What is looked at, and what the model is told of it.
struct Subject {
    prompt: Prompt,
    texts: BTreeMap<String, Arc<str>>,
    looked_at: BTreeMap<String, Option<ByteRange>>,
    left_out: Vec<String>,
}

/// Reviews what `request` is about. Dropping the future cancels it.
pub(crate) async fn ask<R: Fn(JobEvent) + Send + Sync>(
    request: &Arc<JobRequest>,
    caller: &Caller<'_, R>,
    limits: JobLimits,
    talk: Talk,
    commands: Option<Commands>,
    index: Option<Index>,
) -> JobOutcome {
    let subject = match subject(request, limits, talk.roster(), commands).await {
        Ok(subject) => subject,
        Err(failure) => {
            return JobOutcome::Failed {
                failure,
                reply: None,
            };
        }
    };
    let prompt = subject.prompt.clone();
    let first = assembled(request, prompt, index, limits.context_tokens).await;
    let (first, secrets) = match first {
        Ok(first) => first,
        Err(failure) => {
            return JobOutcome::Failed {
                failure,
                reply: None,
            };
        }
    };
    let mut used = Used::default();
    used.secrets = secrets;
    match converse((subject, first), caller, limits, talk, &mut used).await {
        Ok(report) => JobOutcome::Findings(Box::new(report)),
        Err((failure, reply)) => JobOutcome::Failed {
            failure,
            reply: (!reply.trim().is_empty()).then_some(reply),
        },
    }
}

async fn subject(
    request: &Arc<JobRequest>,
    limits: JobLimits,
    roster: &Arc<Roster>,
    commands: Option<Commands>,
) -> Result<Subject, JobFailure> {
    let (asked, roster) = (Arc::clone(request), Arc::clone(roster));
    let limit = limits.context_bytes;
    if request.scope == Scope::Changes {
        let commands = commands
            .ok_or_else(|| ReviewFailure::NoRepository("no program can be run here".to_owned()))?;
        let changes = changes::since_commit(&request.workspace, &commands).await?;
        return aside("writing the prompt", move || {
            of_changes(&asked, &roster, limit, changes)
        })
        .await?;
    }
    aside("writing the prompt", move || {
        shield::check(&asked)?;
        let prompt = prompt::write(&asked, &roster, limit)?;
        let document = &asked.document;
        let part =
            (asked.scope == Scope::Selection && !asked.range.is_empty()).then_some(asked.range);
        Ok(Subject {
            prompt,
            texts: BTreeMap::from([(document.path.clone(), Arc::clone(&document.text))]),
            looked_at: BTreeMap::from([(document.path.clone(), part)]),
            left_out: Vec::new(),
        })
    })
    .await?
}

/// A prompt about the changes of the working tree.
fn of_changes(
    request: &JobRequest,
    roster: &Roster,
    limit: usize,
    changes: Changes,
) -> Result<Subject, JobFailure> {
    let Changes {
        files,
        mut left_out,
    } = changes;
    let (mut diff, mut texts, mut looked_at) = (String::new(), BTreeMap::new(), BTreeMap::new());
    let shield = shield::Shield::of(&request.workspace);
    for file in files {
        if let Some(why) = shield.kept_back(&file.path) {
            left_out.push(format!("{} is not sent: {why}", file.path));
            continue;
        }
        diff.push_str(&file.diff());
        if let Some(text) = &file.after {
            looked_at.insert(file.path.clone(), file.changed());
            texts.insert(file.path, Arc::clone(text));
        }
    }
    if diff.is_empty() {
        let but = match left_out.as_slice() {
            [] => String::new(),
            some => format!(", but for what cannot be shown ({})", some.join("; ")),
        };
        return Err(ReviewFailure::NothingChanged(but).into());
    }
    if diff.len() > limit {
        let bytes = diff.len();
        return Err(ReviewFailure::TooLarge { bytes, limit }.into());
    }
    Ok(Subject {
        prompt: prompt_for(request, roster, &diff, &left_out, &texts)?,
        texts,
        looked_at,
        left_out,
    })
}

fn prompt_for(
    request: &JobRequest,
    roster: &Roster,
    diff: &str,
    left_out: &[String],
    texts: &BTreeMap<String, Arc<str>>,
) -> Result<Prompt, JobFailure> {
    let name = request.role_name();
    let role = roster.role(name).ok_or_else(|| JobFailure::UnknownRole {
        name: name.to_owned(),
    })?;
    let mut seen = BTreeSet::new();
    let (mut rules, mut told) = (Vec::new(), Vec::new());
    for path in texts.keys() {
        for rule in rules_for(&request.workspace, path).applied {
            if seen.insert(rule.path.clone()) {
                told.push((rule.path.clone(), rule.reason.to_string()));
                rules.push((rule.path, rule.text));
            }
        }
    }
    let about = About {
        path: "",
        language: "software",
        rules: &rules,
    };
    let system =
        role.orders_for(&about, Output::Findings)
            .map_err(|error| JobFailure::Template {
                name: role.name.clone(),
                why: error.to_string(),
            })?;
    let written = templates().and_then(|templates| {
        templates.render_str(
            include_str!("prompts/changes.j2"),
            context! {
                diff => diff.trim_end(),
                fence => fence_for(diff),
                left_out => left_out.to_vec(),
                task => prompt::review_task(Scope::Changes),
                instruction => request.instruction.clone(),
            },
        )
    });
    let user = written.map_err(|_| JobFailure::Internal {
        doing: "writing the prompt",
    })?;
    Ok(Prompt {
        system,
        user,
        lines: (0, 0, 0),
        rules: told,
    })
}

async fn converse<R: Fn(JobEvent) + Send + Sync>(
    (subject, first): (Subject, Assembled),
    caller: &Caller<'_, R>,
    limits: JobLimits,
    mut talk: Talk,
    used: &mut Used,
) -> Result<FindingReport, (JobFailure, String)> {
    let report = caller.report;
    let Assembled {
        question,
        system,
        manifest,
    } = first;
    caller.account.sent(&manifest);
    report(JobEvent::Sent(Box::new(manifest)));
    if used.secrets.count() > 0 {
        report(JobEvent::SecretsHidden(used.secrets.count()));
    }
    let mut messages = vec![Message::user(question)];
    let attempts = limits.attempts_after_refusal.min(2);
    let mut again = 0;
    loop {
        let asked = ModelRequest {
            system: system.clone(),
            messages: messages.clone(),
            tools: talk.tools(),
            max_output_tokens: limits.output_tokens,
            goes_on: talk.has_tools(),
            ..ModelRequest::default()
        };
        let secrets = used.secrets.clone();
        let through = |answer| shield::restored(answer, secrets.clone());
        let mut hearer = Hearer {
            is_silent: true,
            report,
        };
        let (reply, call) = caller.receive(asked, used, through, &mut hearer).await?;
        let format = caller.lineup.provider().config().format;
        let turn = talk.turn(reply, format, &mut used.secrets, &mut messages, report);
        let text = match turn.await {
            Turn::GoesOn => continue,
            Turn::Text(text) | Turn::Proposal(_, text) => text,
            Turn::Stopped(text) => return Err((JobFailure::TooManyRounds, text)),
        };
        report(JobEvent::Phase(Phase::Checking));
        let form = Form::read(&text);
        let complaint = form.complaint();
        caller.account.books.judged(call, complaint.is_none());
        match complaint {
            Some(why) if again < attempts => {
                again += 1;
                messages.push(Message::assistant(used.secrets.hide(None, &text)));
                messages.push(Message::user(used.secrets.hide(None, &why)));
                report(JobEvent::Phase(Phase::AskingAgain(again)));
            }
            Some(_) if form.said.is_empty() => {
                let why = form.wrong.first().cloned();
                let why = why.unwrap_or_else(|| "it says nothing".to_owned());
                return Err((ReviewFailure::NoReview(why).into(), text));
            }
            _ => {
                let made = aside("placing the findings", move || placed(form, subject, text));
                return made.await.map_err(|failure| (failure, String::new()));
            }
        }
    }
}

/// The findings of a review at their places.
fn placed(form: Form, subject: Subject, reply: String) -> FindingReport {
    let mut dropped = 0;
    let mut findings: Vec<Finding> = Vec::new();
    for said in form.said {
        match place(said, &subject.texts) {
            // The same line may be wrong in the same way once.
            Some(finding)
                if findings.iter().any(|it| {
                    it.path == finding.path && it.range == finding.range && it.rule == finding.rule
                }) => {}
            Some(finding) => findings.push(finding),
            None => dropped += 1,
        }
    }
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    FindingReport {
        finder: Finder::Review,
        findings,
        looked_at: subject.looked_at,
        texts: subject.texts,
        dropped,
        not_understood: form.wrong.len(),
        left_out: subject.left_out,
        summary: form.summary.unwrap_or_default(),
        reply,
    }
}

fn place(said: Said, texts: &BTreeMap<String, Arc<str>>) -> Option<Finding> {
    let text = texts.get(&said.path)?;
    let range = find_quote(text, said.line, &said.quote)?;
    let before = text.get(..range.start.0)?;
    Some(Finding {
        line: before.matches('\n').count() + 1,
        quote: lines_of(text, range).to_owned(),
        path: said.path,
        range: Some(range),
        severity: said.severity,
        rule: said.rule,
        message: said.message,
        why: said.why,
        fix: said.fix,
    })
}

/// Hears a review: calls of tools end an answer as well as words do.
struct Hearer<'a, R> {
    is_silent: bool,
    report: &'a R,
}

impl<R: Fn(JobEvent)> Hearing for Hearer<'_, R> {
    fn text(&mut self, text: String) {
        if std::mem::take(&mut self.is_silent) {
            (self.report)(JobEvent::Phase(Phase::Writing));
        }
        (self.report)(JobEvent::Text(text));
    }

    fn sound(&self, text: &str) -> usize {
        text.rfind('\n').map_or(0, |end| end + 1)
    }

    fn end(&self, reason: StopReason, bytes: usize) -> Result<(), JobFailure> {
        match reason {
            StopReason::MaxTokens => Err(ProviderError::Truncated { bytes }.into()),
            StopReason::Refusal => Err(ProviderError::Refused.into()),
            // Whether it is whole is said by the closing line.
            StopReason::EndTurn | StopReason::ToolUse | StopReason::Other(_) => Ok(()),
        }
    }
}
