//! Reviews: a model's findings about a place, a file, or the changes of the working tree.
//!
//! The answer has a strict form ([`form`]); what is not in it goes back with the reasons, at most twice. A
//! finding counts only where the file holds the lines that it quotes: what does not is dropped, and counted.

mod changes;
mod form;
mod proof;

use std::collections::BTreeMap;
use std::sync::Arc;

use pleach_edit::FileChange;
use pleach_policy::Secrets;
use pleach_text::ByteRange;

use self::changes::{ChangedFile, Changes};
use self::form::{Form, Said};
pub(crate) use self::proof::prove;
use crate::call::{Caller, Used, aside};
use crate::context::assembled;
use crate::conversation::Conversation;
use crate::failure::JobFailure;
use crate::findings::{Finder, Finding, FindingReport, QuotableText};
use crate::job::{JobEvent, JobLimits, JobOutcome, JobRequest, Phase, said};
use crate::prompt::{self, Prompt};
use crate::roles::Roster;
use crate::shield::{self, Shield};
use crate::tools::{Commands, Kit, Talk, Turn};

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
    /// Files whose changes are shown.
    changed: Vec<String>,
    left_out: Vec<String>,
}

/// Reviews what `request` is about. Dropping the future cancels it.
pub(crate) async fn ask<R: Fn(JobEvent) + Send + Sync>(
    request: &Arc<JobRequest>,
    caller: &Caller<'_, R>,
    limits: JobLimits,
    kit: Kit,
    used: &mut Used,
) -> JobOutcome {
    let subject = subject(request, limits, &kit.roster, kit.commands.clone()).await;
    let found = match subject {
        Ok(subject) => look(request, caller, limits, kit, used, subject).await,
        Err(failure) => Err((failure, String::new())),
    };
    match found {
        Ok(report) => JobOutcome::Findings(Box::new(report)),
        Err((failure, reply)) => JobOutcome::Failed {
            failure,
            reply: said(reply),
        },
    }
}

/// Reviews the `changes` of a proposal, which the workspace of `request` has already. A failure comes with
/// what was said until then.
pub(crate) async fn of_proposal<R: Fn(JobEvent) + Send + Sync>(
    request: &Arc<JobRequest>,
    caller: &Caller<'_, R>,
    limits: JobLimits,
    kit: Kit,
    used: &mut Used,
    changes: Vec<FileChange>,
) -> Result<FindingReport, (JobFailure, String)> {
    let (asked, roster) = (Arc::clone(request), Arc::clone(&kit.roster));
    let subject = aside("writing the prompt", move || {
        let as_file = |change: FileChange| {
            let before = change.before().map(ToString::to_string);
            let after = change.after().map(Arc::from);
            ChangedFile::new(change.path().to_owned(), before, after)
        };
        let shield = Shield::of(&asked.workspace);
        let mut left_out = Vec::new();
        let mut is_sent = |change: &FileChange| match shield.keeps_text_of(change.path()) {
            Some(why) => {
                left_out.push(format!("{} is not sent: {why}", change.path()));
                false
            }
            None => true,
        };
        let files = changes.into_iter().filter(&mut is_sent);
        let files = files.filter_map(as_file).collect();
        let changes = Changes { files, left_out };
        of_changes(&asked, &roster, limits.context_bytes, PROPOSED, changes)
    });
    let subject = subject.await.flatten();
    let subject = subject.map_err(|failure| (failure, String::new()))?;
    look(request, caller, limits, kit, used, subject).await
}

async fn look<R: Fn(JobEvent) + Send + Sync>(
    request: &Arc<JobRequest>,
    caller: &Caller<'_, R>,
    limits: JobLimits,
    kit: Kit,
    used: &mut Used,
    subject: Subject,
) -> Result<FindingReport, (JobFailure, String)> {
    let index = kit.index.clone();
    let talk = Talk::of_job(request, kit, caller.account);
    let prompt = subject.prompt.clone();
    let first = assembled(request, prompt, index, limits.context_tokens).await;
    let mut first = first.map_err(|failure| (failure, String::new()))?;
    first.manifest.changed.clone_from(&subject.changed);
    let conversation = Conversation::begin(caller, limits, talk, used, first).await;
    converse(subject, caller, conversation).await
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
        let changes = changes::since_commit(&request.workspace, commands.as_ref()).await?;
        return aside("writing the prompt", move || {
            of_changes(&asked, &roster, limit, SINCE_COMMIT, changes)
        })
        .await?;
    }
    aside("writing the prompt", move || {
        shield::check(&asked)?;
        let prompt = prompt::write(&asked, &roster, limit)?;
        let (document, part) = (&asked.document, part_of(&asked));
        Ok(Subject {
            prompt,
            texts: BTreeMap::from([(document.path.clone(), Arc::clone(&document.text))]),
            looked_at: BTreeMap::from([(document.path.clone(), part)]),
            changed: Vec::new(),
            left_out: Vec::new(),
        })
    })
    .await?
}

/// The part of the document that is looked at; `None` for all of it.
fn part_of(request: &JobRequest) -> Option<ByteRange> {
    let is_part = request.scope == Scope::Selection && !request.range.is_empty();
    is_part.then_some(request.range)
}

/// Nothing has changed but what is `left_out`, of which `what` is true.
fn nothing_changed(what: &str, left_out: &[String]) -> ReviewFailure {
    ReviewFailure::NothingChanged(match left_out {
        [] => String::new(),
        some => format!(", but for what {what} ({})", some.join("; ")),
    })
}

/// What the changes are that a model is shown.
const SINCE_COMMIT: &str =
    "These are the changes of the working tree since the last commit, unsaved ones included";
const PROPOSED: &str =
    "This is a change that waits for a person's review; the files that you read have it already";

/// A prompt about changes, and `what` these are.
fn of_changes(
    request: &JobRequest,
    roster: &Roster,
    limit: usize,
    what: &str,
    changes: Changes,
) -> Result<Subject, JobFailure> {
    let Changes { files, left_out } = changes;
    let (mut diff, mut texts, mut looked_at) = (String::new(), BTreeMap::new(), BTreeMap::new());
    let mut secrets = Secrets::default();
    let shown = files.iter().map(|file| file.path.clone()).collect();
    for file in files {
        let hide = |text: &str| secrets.hide(Some(&file.path), text).into_owned();
        diff.push_str(&file.diff(hide));
        if let Some(text) = &file.after {
            looked_at.insert(file.path.clone(), file.changed());
            texts.insert(file.path, Arc::clone(text));
        }
    }
    if diff.is_empty() {
        return Err(nothing_changed("cannot be shown", &left_out).into());
    }
    if diff.len() > limit {
        let bytes = diff.len();
        return Err(ReviewFailure::TooLarge { bytes, limit }.into());
    }
    Ok(Subject {
        prompt: prompt::of_changes(
            request,
            roster,
            (what, &diff, &left_out),
            texts.keys(),
            secrets,
        )?,
        texts,
        looked_at,
        changed: shown,
        left_out,
    })
}

async fn converse<R: Fn(JobEvent) + Send + Sync>(
    subject: Subject,
    caller: &Caller<'_, R>,
    mut conversation: Conversation<'_, R>,
) -> Result<FindingReport, (JobFailure, String)> {
    loop {
        let (turn, call) = conversation.answer().await?;
        let text = match turn {
            Turn::Text(text) | Turn::Proposal(_, text) => text,
            Turn::Stopped(text) => return Err((JobFailure::TooManyRounds, text)),
        };
        (caller.report)(JobEvent::Phase(Phase::Checking));
        let form = Form::read(&text);
        let complaint = form.complaint();
        caller.account.books.judged(call, complaint.is_none());
        if let Some(why) = complaint {
            if conversation.goes_back(&text, &why) {
                continue;
            }
            if form.said.is_empty() {
                let why = form.wrong.first().cloned();
                let why = why.unwrap_or_else(|| "it says nothing".to_owned());
                return Err((ReviewFailure::NoReview(why).into(), text));
            }
        }
        let made = aside("placing the findings", move || placed(form, subject, text));
        return made.await.map_err(|failure| (failure, String::new()));
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
    let range = QuotableText::of(text).find(said.line, &said.quote)?;
    Some(Finding {
        severity: said.severity,
        rule: said.rule,
        message: said.message,
        why: said.why,
        fix: said.fix,
        ..Finding::at(said.path, text, range)
    })
}
