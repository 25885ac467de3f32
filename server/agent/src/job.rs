//! One agent run, from what was asked to what may land.

use std::sync::Arc;

use pleach_edit::{EditRequest, Proposal, ReplyStream, Target};
use pleach_grammars::Language;
use pleach_model::{Message, MicroUsd, ModelRequest, ProviderError, StopReason};
use pleach_policy::{Secrets, Settings};
use pleach_text::ByteRange;
use pleach_workspace::WorkspaceSnapshot;

use crate::action::Action;
use crate::builtin::{self, BuiltinTask, DiagnosticNote};
use crate::call::{Caller, Hearing, Used, aside};
use crate::context::{Assembled, Manifest, assembled};
use crate::engine::Engine;
use crate::failure::JobFailure;
use crate::findings::FindingReport;
use crate::index::Index;
use crate::meter::{Account, Expected};
use crate::resume::whole_hunks;
use crate::review::{self, Scope};
use crate::roles::{Gate, OwnAction, Roster};
use crate::testing;
use crate::tools::{Kit, Talk, Turn};
use crate::{prompt, shield};

/// How many characters of a provider's word for the end of an answer are shown.
const REASON_SHOWN: usize = 40;

/// What the editor or a checker reported about the place of a job. Ranges are bytes of the document.
pub type Diagnostic = DiagnosticNote;

/// The document a job is about, as it was when the job began.
#[derive(Debug, Clone)]
pub struct TargetDocument {
    /// The path as the workspace names it: relative to its root, with `/`.
    pub path: String,
    /// Its language, when one is known.
    pub language: Option<Language>,
    /// Its text then.
    pub text: Arc<str>,
}

impl TargetDocument {
    /// No document: for a reply that names its files itself.
    pub fn none() -> Self {
        Self {
            path: String::new(),
            language: None,
            text: Arc::from(""),
        }
    }

    /// Its path, unless there is no document.
    pub(crate) fn named(&self) -> Option<&str> {
        Some(self.path.as_str()).filter(|path| !path.is_empty())
    }
}

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct JobRequest {
    /// What to do.
    pub action: Action,
    /// The document it was asked in.
    pub document: TargetDocument,
    /// The selection or the cursor, in bytes of the document's text.
    pub range: ByteRange,
    /// What the person wrote, if anything.
    pub instruction: Option<String>,
    /// For [`Action::Land`]: the reply to land.
    pub reply: Option<String>,
    /// The action of a person's or a workspace's own that it is, if it is one.
    pub own: Option<Arc<OwnAction>>,
    /// What is reported about the place.
    pub diagnostics: Vec<Diagnostic>,
    /// For [`Action::Review`]: what is looked at.
    pub scope: Scope,
    /// The workspace as it was when the job began.
    pub workspace: WorkspaceSnapshot,
}

impl JobRequest {
    /// The role that carries it out.
    pub fn role_name(&self) -> &str {
        match &self.own {
            Some(own) => &own.role,
            None => self.action.role(),
        }
    }

    /// What it is called in menus and in progress.
    pub fn title(&self) -> &str {
        match &self.own {
            Some(own) => &own.title,
            None => self.action.title(),
        }
    }
}

/// Bounds of one job.
#[derive(Debug, Clone, Copy)]
pub struct JobLimits {
    /// How often a refused reply goes back to the model with the reasons. Never more than 2.
    pub attempts_after_refusal: u32,
    /// Bytes of the document that may be sent.
    pub context_bytes: usize,
    /// Tokens that the model may write, if bounded.
    pub output_tokens: Option<u32>,
    /// Tokens of what lies elsewhere in the workspace that may be sent.
    pub context_tokens: u32,
}

impl JobLimits {
    /// The bounds that the settings give.
    pub fn of(settings: &Settings) -> Self {
        Self {
            attempts_after_refusal: settings.limits.max_attempts,
            context_bytes: settings.limits.max_context_bytes,
            output_tokens: settings.limits.max_output_tokens,
            context_tokens: settings.context.tokens,
        }
    }
}

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Reading what the engine needs to know.
    Reading,
    /// Waiting for the engine's first word.
    Asking,
    /// The provider asked to wait.
    Waiting {
        /// Why, in a few words.
        reason: String,
        /// For how long; 0 when nobody knows.
        seconds: u64,
    },
    /// The engine could not be had, and the next one that the settings name is asked.
    StandingIn {
        /// Why the one before could not be had.
        failure: String,
        /// The name of the next one.
        next: String,
    },
    /// The answer broke off, and the model is asked for the rest of it, or for all of it once more.
    Resuming {
        /// What happened.
        failure: String,
        /// So many bytes of what had come are kept; 0 when all of it is asked for anew.
        kept: usize,
    },
    /// The same was asked before, and answered.
    FromCache,
    /// The reply is being written.
    Writing,
    /// The model has called tools, which look or run; in a few words, which.
    UsingTools(String),
    /// The reply is complete: locating its hunks and checking the syntax.
    Checking,
    /// The reply was refused and goes back with the reasons, for the n-th time (from 1).
    AskingAgain(u32),
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reading => f.write_str("reading"),
            Self::Asking => f.write_str("asking"),
            Self::Waiting { reason, seconds: 0 } => write!(f, "waiting ({reason})"),
            Self::Waiting { reason, seconds } => write!(f, "waiting {seconds} s ({reason})"),
            Self::StandingIn { failure, next } => {
                write!(f, "asking `{next}` in its place ({failure})")
            }
            Self::Resuming { failure, kept: 0 } => write!(
                f,
                "asking once more ({failure}; what had come may be on the bill)"
            ),
            Self::Resuming { failure, .. } => write!(f, "asking for the rest ({failure})"),
            Self::FromCache => f.write_str("answered from the cache, which costs nothing"),
            Self::Writing => f.write_str("writing"),
            Self::UsingTools(which) => f.write_str(which),
            Self::Checking => f.write_str("checking"),
            Self::AskingAgain(time) => write!(f, "asking again ({time})"),
        }
    }
}

/// Tokens of one job, summed over its requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCount {
    /// Tokens sent.
    pub input: u64,
    /// Tokens received.
    pub output: u64,
}

/// What happens while a job runs.
#[derive(Debug, Clone)]
pub enum JobEvent {
    /// The job went on to another phase.
    Phase(Phase),
    /// A piece of the reply, as it came.
    Text(String),
    /// A hunk of the reply is complete. It is not located yet.
    Hunk {
        /// Which one, from 0.
        index: usize,
        /// The file it names, when it names one.
        path: Option<String>,
    },
    /// The gate's word on a complete reply.
    Verdict {
        /// Whether it may land.
        accepted: bool,
        /// The verdict, for a person.
        message: String,
    },
    /// Who answers, where it is not who was told before.
    Engine(String),
    /// Something that the person should know, in words: a provider that failed so often that nothing is sent
    /// to it for a while, a server of tools that cannot be reached. Told once.
    Notice(String),
    /// The text that was told since the call began counts for nothing but its first so many bytes: the
    /// answer broke off, and is asked for again.
    TakenBack(usize),
    /// So many secrets were replaced by placeholders in what is sent. The edit gets them back.
    SecretsHidden(usize),
    /// The first request is made: what it is made of.
    Sent(Box<Manifest>),
    /// What the next call of the model will cost.
    Expected(Expected),
    /// What the job has used so far.
    Usage {
        /// Tokens, as the provider counts them.
        tokens: TokenCount,
        /// What they cost; `None` when the price is unknown.
        cost: Option<MicroUsd>,
    },
}

/// How a job ended.
#[derive(Debug)]
pub enum JobOutcome {
    /// Changes that passed the gate.
    Proposal {
        /// What may land.
        proposal: Box<Proposal>,
        /// What it does, in one line.
        summary: String,
        /// The reply it came from.
        reply: String,
    },
    /// An answer to read, in Markdown.
    Answer(String),
    /// What was found, at its places.
    Findings(Box<FindingReport>),
    /// Nothing may land.
    Failed {
        /// Why, and what next.
        failure: JobFailure,
        /// What the engine had written until then, so that it is not lost.
        reply: Option<String>,
    },
}

/// Carries out `request` with `engine` and tells `report` what happens. What a model costs is the
/// `account`'s; the built-in engine costs nothing, and nothing is written down for it. A model may call
/// what is in the `kit`.
///
/// Dropping the future cancels the job; an open connection closes with it.
pub async fn run(
    request: JobRequest,
    engine: Engine,
    limits: JobLimits,
    account: &Account,
    kit: Kit,
    report: impl Fn(JobEvent) + Send + Sync,
) -> JobOutcome {
    report(JobEvent::Phase(Phase::Reading));
    let request = Arc::new(request);
    if request.action == Action::RunTests {
        return testing::run(&request, kit.commands, account, &report).await;
    }
    if let Some(reply) = request.reply.clone() {
        return land_reply(&request, reply, &report).await;
    }
    match engine {
        Engine::Builtin => {
            let gate = gate_of(&kit.roster, &request);
            ask_builtin(&request, gate, &report).await
        }
        Engine::Model(lineup) => {
            let caller = Caller {
                request: &request,
                lineup: &lineup,
                account,
                report: &report,
            };
            let index = kit.index.clone();
            let commands = kit.commands.clone();
            let mut talk = Talk::of_job(&request, kit, account);
            talk.prepare(&report).await;
            if request.action == Action::Review {
                return review::ask(&request, &caller, limits, talk, commands, index).await;
            }
            ask_model(&request, &caller, limits, talk, index).await
        }
    }
}

/// *Land this reply*: a reply pasted from anywhere takes the way of a model's answer. Whoever pasted
/// it can mend it, so it is judged once.
async fn land_reply(
    request: &Arc<JobRequest>,
    reply: String,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> JobOutcome {
    let mut hunks = ReplyStream::new(request.document.named().map(str::to_owned));
    report(JobEvent::Phase(Phase::Writing));
    tell_text(&mut hunks, reply.clone(), report);
    match judge(request, reply.clone(), Gate::Syntax, report).await {
        Ok(proposal) => proposed(proposal, reply),
        Err(failure) => failed(failure, Some(reply)),
    }
}

async fn ask_builtin(
    request: &Arc<JobRequest>,
    gate: Gate,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> JobOutcome {
    report(JobEvent::Phase(Phase::Asking));
    let asked = Arc::clone(request);
    let answer = aside("writing the built-in engine's reply", move || {
        builtin::answer(&BuiltinTask {
            action: asked.action,
            path: &asked.document.path,
            language: asked.document.language,
            text: &asked.document.text,
            range: asked.range,
            instruction: asked.instruction.as_deref(),
            diagnostics: &asked.diagnostics,
            files: &asked.workspace,
        })
        .map_err(JobFailure::from)
    });
    let builtin::BuiltinAnswer { reply, summary } = match answer.await.flatten() {
        Ok(answer) => answer,
        Err(failure) => return failed(failure, None),
    };
    report(JobEvent::Phase(Phase::Writing));
    let mut hunks = ReplyStream::new(request.document.named().map(str::to_owned));
    for line in reply.split_inclusive('\n') {
        tell_text(&mut hunks, line.to_owned(), report);
    }
    match judge(request, reply.clone(), gate, report).await {
        Ok(proposal) => JobOutcome::Proposal {
            proposal,
            summary,
            reply,
        },
        Err(failure) => failed(failure, Some(reply)),
    }
}

async fn ask_model<R: Fn(JobEvent) + Send + Sync>(
    request: &Arc<JobRequest>,
    caller: &Caller<'_, R>,
    limits: JobLimits,
    mut talk: Talk,
    index: Option<Index>,
) -> JobOutcome {
    let report = caller.report;
    let has_none = request.instruction.is_none() && request.own.is_none();
    if request.action == Action::Rewrite && has_none {
        let what = request.action.title();
        return failed(JobFailure::NoInstruction { what }, None);
    }
    let made = first_request(request, talk.roster(), limits, index).await;
    let (assembled, secrets) = match made {
        Ok(made) => made,
        Err(failure) => return failed(failure, None),
    };
    let Assembled {
        question,
        system,
        manifest,
    } = assembled;
    let mut used = Used::default();
    used.secrets = secrets;
    let path = request.document.named();
    caller.account.sent(&manifest);
    report(JobEvent::Sent(Box::new(manifest)));
    if used.secrets.count() > 0 {
        report(JobEvent::SecretsHidden(used.secrets.count()));
    }
    let mut messages = vec![Message::user(question)];
    let gate = gate_of(talk.roster(), request);
    // Twice at most, whatever the settings say: a third try costs more than it brings.
    let attempts = limits.attempts_after_refusal.min(2);
    let mut attempt = 0;
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
            request,
            hunks: ReplyStream::new(path.map(str::to_owned)),
            is_silent: true,
            has_tools: talk.has_tools(),
            report,
        };
        let received = caller.receive(asked, &mut used, through, &mut hearer).await;
        let (reply, call) = match received {
            Ok(received) => received,
            Err((failure, text)) => return failed(failure, said(text)),
        };
        let format = caller.lineup.provider().config().format;
        let turn = talk.turn(reply, format, &mut used.secrets, &mut messages, report);
        let reply = match turn.await {
            Turn::GoesOn => continue,
            Turn::Text(reply) => reply,
            Turn::Proposal(proposal, reply) => {
                caller.account.books.judged(call, true);
                report(accepted(&proposal));
                return proposed(proposal, reply);
            }
            Turn::Stopped(reply) => {
                return match said(reply) {
                    Some(reply) if !request.action.edits() => JobOutcome::Answer(reply),
                    reply => failed(JobFailure::TooManyRounds, reply),
                };
            }
        };
        if !request.action.edits() {
            return JobOutcome::Answer(reply);
        }
        let refusal = match judge(request, reply.clone(), gate, report).await {
            Ok(proposal) => {
                caller.account.books.judged(call, true);
                return proposed(proposal, reply);
            }
            Err(JobFailure::Refused(refusal)) => refusal,
            Err(failure) => return failed(failure, Some(reply)),
        };
        caller.account.books.judged(call, false);
        if attempt == attempts {
            return failed(JobFailure::Refused(refusal), Some(reply));
        }
        attempt += 1;
        messages.push(Message::assistant(used.secrets.hide(path, &reply)));
        let reasons = refusal.for_model();
        messages.push(Message::user(used.secrets.hide(path, &reasons)));
        report(JobEvent::Phase(Phase::AskingAgain(attempt)));
    }
}

/// What a job begins with, and the secrets that were hidden in it.
async fn first_request(
    request: &Arc<JobRequest>,
    roster: &Arc<Roster>,
    limits: JobLimits,
    index: Option<Index>,
) -> Result<(Assembled, Secrets), JobFailure> {
    let (asked, roster) = (Arc::clone(request), Arc::clone(roster));
    let written = aside("writing the prompt", move || {
        shield::check(&asked)?;
        prompt::write(&asked, &roster, limits.context_bytes)
    });
    let prompt = written.await.flatten()?;
    assembled(request, prompt, index, limits.context_tokens).await
}

/// What the edits of a job must pass.
fn gate_of(roster: &Roster, request: &JobRequest) -> Gate {
    let role = roster.role(request.role_name());
    role.map_or(Gate::Syntax, |role| role.gate)
}

/// A text, if it says anything.
fn said(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}

fn failed(failure: JobFailure, reply: Option<String>) -> JobOutcome {
    JobOutcome::Failed { failure, reply }
}

/// A proposal that passed the gate, as the end of a job.
fn proposed(proposal: Box<Proposal>, reply: String) -> JobOutcome {
    let summary = changed_files(&proposal);
    JobOutcome::Proposal {
        proposal,
        summary,
        reply,
    }
}

/// The gate's word on a proposal that passed it.
fn accepted(proposal: &Proposal) -> JobEvent {
    JobEvent::Verdict {
        accepted: true,
        message: proposal.verdict().to_string(),
    }
}

/// Hears what lands or is read: hunks are told of as they are complete.
struct Hearer<'a, R> {
    request: &'a JobRequest,
    hunks: ReplyStream,
    is_silent: bool,
    has_tools: bool,
    report: &'a R,
}

impl<R: Fn(JobEvent)> Hearing for Hearer<'_, R> {
    fn text(&mut self, text: String) {
        if std::mem::take(&mut self.is_silent) {
            (self.report)(JobEvent::Phase(Phase::Writing));
        }
        if self.request.action.edits() {
            tell_text(&mut self.hunks, text, self.report);
        } else {
            (self.report)(JobEvent::Text(text));
        }
    }

    fn sound(&self, text: &str) -> usize {
        if self.request.action.edits() {
            whole_hunks(self.request.document.named(), text)
        } else {
            // An answer to read goes on at the beginning of a line.
            text.rfind('\n').map_or(0, |end| end + 1)
        }
    }

    fn begin_again(&mut self, kept: &str) {
        self.hunks = ReplyStream::new(self.request.document.named().map(str::to_owned));
        let _told_before = self.hunks.push(kept);
    }

    fn end(&self, reason: StopReason, bytes: usize) -> Result<(), JobFailure> {
        match reason {
            StopReason::EndTurn => Ok(()),
            StopReason::ToolUse if self.has_tools => Ok(()),
            StopReason::MaxTokens => Err(ProviderError::Truncated { bytes }.into()),
            StopReason::Refusal => Err(ProviderError::Refused.into()),
            // Half an edit could look like a whole one. An answer to read may end as it likes.
            StopReason::ToolUse | StopReason::Other(_) if !self.request.action.edits() => Ok(()),
            other => {
                let reason = match other {
                    StopReason::Other(reason) => reason,
                    _ => "a call of a tool".to_owned(),
                };
                let reason = reason.chars().take(REASON_SHOWN).collect();
                Err(JobFailure::UnknownStop { reason })
            }
        }
    }
}

/// Reports a piece of a reply and the hunks that it completes.
fn tell_text(hunks: &mut ReplyStream, text: String, report: &impl Fn(JobEvent)) {
    let complete = hunks.push(&text);
    report(JobEvent::Text(text));
    for hunk in complete {
        report(JobEvent::Hunk {
            index: hunk.index,
            path: hunk.path,
        });
    }
}

/// Locates a reply's hunks and sends them through the gate, that of the role too, off the caller's thread.
async fn judge(
    request: &Arc<JobRequest>,
    reply: String,
    gate: Gate,
    report: &impl Fn(JobEvent),
) -> Result<Box<Proposal>, JobFailure> {
    report(JobEvent::Phase(Phase::Checking));
    let asked = Arc::clone(request);
    let judged = aside("checking the reply", move || {
        let proposal = pleach_edit::propose(&EditRequest {
            reply: &reply,
            files: &asked.workspace,
            format: None,
            target: asked.document.named().map(|path| Target {
                path,
                selection: (!asked.range.is_empty()).then_some(asked.range),
            }),
            allow_worse_syntax: false,
        })?;
        gate.judge(&proposal).map(|()| proposal)
    })
    .await?;
    match judged {
        Ok(proposal) => {
            report(accepted(&proposal));
            Ok(Box::new(proposal))
        }
        Err(refusal) => {
            report(JobEvent::Verdict {
                accepted: false,
                message: refusal.to_string(),
            });
            Err(JobFailure::Refused(Box::new(refusal)))
        }
    }
}

/// What a proposal touches, in one line: `src/a.rs: 2 hunks, src/b.rs: 1 hunk`.
fn changed_files(proposal: &Proposal) -> String {
    let parts: Vec<String> = proposal
        .files()
        .iter()
        .map(|file| {
            let path = file.path();
            let hunks = proposal
                .hunks()
                .iter()
                .filter(|hunk| hunk.path == path)
                .count();
            let noun = if hunks == 1 { "hunk" } else { "hunks" };
            format!("{path}: {hunks} {noun}")
        })
        .collect();
    parts.join(", ")
}
