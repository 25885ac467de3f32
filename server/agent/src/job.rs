//! One agent run, from what was asked to what may land.

use std::sync::Arc;

use pleach_edit::{EditRequest, Proposal, ReplyStream, Target};
use pleach_grammars::Language;
use pleach_model::MicroUsd;
use pleach_policy::Settings;
use pleach_text::ByteRange;
use pleach_workspace::WorkspaceSnapshot;

use crate::action::Action;
use crate::builtin::{self, BuiltinTask, DiagnosticNote};
use crate::call::{Caller, Used, aside};
use crate::chat;
use crate::context::{Assembled, Manifest, assembled};
use crate::conversation::{Conversation, tell_text};
use crate::engine::Engine;
use crate::failure::JobFailure;
use crate::findings::FindingReport;
use crate::index::Index;
use crate::meter::{Account, Expected};
use crate::pipeline::Stage;
use crate::review::{self, Scope};
use crate::roles::{Gate, OwnAction, Roster};
use crate::testing::{self, Trials, Tried};
use crate::tools::{Kit, Talk, Turn};
use crate::{prompt, shield};

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
    /// What is asked of a document in a workspace, at its beginning and without a word more.
    pub fn new(action: Action, document: TargetDocument, workspace: WorkspaceSnapshot) -> Self {
        Self {
            action,
            document,
            range: ByteRange::default(),
            instruction: None,
            reply: None,
            own: None,
            diagnostics: Vec::new(),
            scope: Scope::default(),
            workspace,
        }
    }

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
    /// The tests that it wrote fail, and go back with what failed, for the n-th time (from 1).
    Mending(u32),
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
            Self::Mending(time) => write!(f, "mending what fails ({time})"),
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
    /// The project's tests were run with a proposal in a copy of the workspace, or could not be.
    Tested {
        /// They ended well.
        passed: bool,
        /// In a line, for a person.
        message: String,
    },
    /// Something that is to be told with the proposal at the end: how its tests ended, what a reviewer found.
    Said(String),
    /// The next of several who work on it begins.
    Stage(Stage),
    /// What somebody has answered whole, in a form that can be landed by hand, while the job goes on: it takes
    /// the place of the text that was told of it.
    Answered(String),
    /// An answer that came to nothing where an earlier one counts. It was paid for, and is to be kept.
    Unused(String),
    /// What was found in texts that have not landed: each appears when its lines are in the file.
    Found(Box<FindingReport>),
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
    let mut request = Arc::new(request);
    if chat::is_of(&request) {
        let asked = Arc::clone(&request);
        let read = aside("reading the chat", move || chat::read(&asked)).await;
        request = match read.and_then(|read| read.map_err(JobFailure::from)) {
            Ok(read) => Arc::new(read),
            Err(failure) => return failed(failure, None),
        };
    }
    if request.action == Action::RunTests {
        return testing::run(&request, kit.commands, account, &report).await;
    }
    if let Some(reply) = request.reply.clone() {
        return land_reply(&request, reply, &report).await;
    }
    match engine {
        Engine::Builtin if request.action == Action::Review => {
            review::prove(&request, kit.commands, &report).await
        }
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
            let mut used = Used::default();
            if request.action == Action::Review {
                return review::ask(&request, &caller, limits, kit, &mut used).await;
            }
            ask_model(&request, &caller, limits, kit, &mut used).await
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
    match judge(request, reply.clone(), Gate::Syntax, Author::Local, report).await {
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
    match judge(request, reply.clone(), gate, Author::Local, report).await {
        Ok(proposal) => JobOutcome::Proposal {
            proposal,
            summary,
            reply,
        },
        Err(failure) => failed(failure, Some(reply)),
    }
}

/// Asks a model for an edit or an answer. What a tester has written is tried in a copy of the workspace, and
/// goes back when it fails.
pub(crate) async fn ask_model<R: Fn(JobEvent) + Send + Sync>(
    request: &Arc<JobRequest>,
    caller: &Caller<'_, R>,
    limits: JobLimits,
    kit: Kit,
    used: &mut Used,
) -> JobOutcome {
    let report = caller.report;
    let index = kit.index.clone();
    let mut trials = match request.action {
        Action::Tests => Trials::of(&kit),
        _ => None,
    };
    let talk = Talk::of_job(request, kit, caller.account);
    let has_none = request.instruction.is_none() && request.own.is_none();
    if request.action == Action::Rewrite && has_none {
        let what = request.action.title();
        return failed(JobFailure::NoInstruction { what }, None);
    }
    let gate = gate_of(talk.roster(), request);
    let first = match first_request(request, talk.roster(), limits, index).await {
        Ok(first) => first,
        Err(failure) => return failed(failure, None),
    };
    let mut conversation = Conversation::begin(caller, limits, talk, used, first).await;
    let mut before: Option<Written> = None;
    loop {
        let written = match write_edit(request, caller, &mut conversation, gate).await {
            Ok(written) => written,
            Err(ended) => {
                return match (before, ended) {
                    // What was written before has passed the gate.
                    (Some(written), JobOutcome::Failed { failure, reply }) => {
                        written.instead_of(&failure, reply, report)
                    }
                    (_, ended) => ended,
                };
            }
        };
        let Some(trials) = &mut trials else {
            return written.proposed(&[], report);
        };
        let tried = trials.run(request, &written.proposal, caller.account, report);
        let tried = tried.await;
        if let Some(reasons) = tried.goes_back() {
            report(JobEvent::Answered(written.reply.clone()));
            conversation.mends(&written.reply, reasons);
        }
        let is_over = tried.goes_back().is_none();
        let written = Written {
            tried: Some(tried),
            ..written
        };
        if is_over {
            return written.proposed(&[], report);
        }
        before = Some(written);
    }
}

/// An edit that passed the gate, and the reply that it came from.
struct Written {
    proposal: Box<Proposal>,
    reply: String,
    /// How its tests ended.
    tried: Option<Tried>,
}

impl Written {
    /// As the end of a job in which mending it has failed. What was answered then is kept.
    fn instead_of(
        self,
        failure: &JobFailure,
        reply: Option<String>,
        report: &impl Fn(JobEvent),
    ) -> JobOutcome {
        let mut more = vec![format!("mending them ended: {failure}")];
        if let Some(reply) = reply {
            report(JobEvent::Unused(reply));
            more.push("what was answered last is kept by itself".to_owned());
        }
        self.proposed(&more, report)
    }

    /// As the end of a job, with what else is to be said of it.
    fn proposed(self, more: &[String], report: &impl Fn(JobEvent)) -> JobOutcome {
        let tried = self.tried.as_ref().map(Tried::summary);
        let more = more.iter().map(String::as_str);
        for words in tried.into_iter().chain(more) {
            report(JobEvent::Said(words.to_owned()));
        }
        if let Some(Tried::Failed { found, .. }) = self.tried {
            report(JobEvent::Found(found));
        }
        JobOutcome::Proposal {
            summary: changed_files(&self.proposal),
            proposal: self.proposal,
            reply: self.reply,
        }
    }
}

/// Asks until there is an edit that passes the gate; `Err` is how else the job ends.
async fn write_edit<R: Fn(JobEvent) + Send + Sync>(
    request: &Arc<JobRequest>,
    caller: &Caller<'_, R>,
    conversation: &mut Conversation<'_, R>,
    gate: Gate,
) -> Result<Written, JobOutcome> {
    let report = caller.report;
    let written = |proposal, reply| Written {
        proposal,
        reply,
        tried: None,
    };
    loop {
        let (turn, call) = match conversation.answer().await {
            Ok(answered) => answered,
            Err((failure, text)) => return Err(failed(failure, said(text))),
        };
        let reply = match turn {
            Turn::Text(reply) => reply,
            Turn::Proposal(proposal, reply) => {
                caller.account.books.judged(call, true);
                report(accepted(&proposal));
                return Ok(written(proposal, reply));
            }
            Turn::Stopped(reply) => {
                return Err(match said(reply) {
                    Some(reply) if !request.action.edits() => JobOutcome::Answer(reply),
                    reply => failed(JobFailure::TooManyRounds, reply),
                });
            }
        };
        if !request.action.edits() {
            return Err(JobOutcome::Answer(reply));
        }
        let failure = match judge(request, reply.clone(), gate, Author::Model, report).await {
            Ok(proposal) => {
                caller.account.books.judged(call, true);
                return Ok(written(proposal, reply));
            }
            Err(failure) => failure,
        };
        let reasons = match &failure {
            JobFailure::Refused(refusal) => refusal.for_model(),
            JobFailure::Withheld { path, why } => format!(
                "The edit was not applied; no file was changed.\n\nYou are never shown `{path}` ({why}), and cannot \
                 change it. Send every other edit of the reply again."
            ),
            _ => return Err(failed(failure, Some(reply))),
        };
        caller.account.books.judged(call, false);
        if !conversation.goes_back(&reply, &reasons) {
            return Err(failed(failure, Some(reply)));
        }
    }
}

/// What a job begins with.
async fn first_request(
    request: &Arc<JobRequest>,
    roster: &Arc<Roster>,
    limits: JobLimits,
    index: Option<Index>,
) -> Result<Assembled, JobFailure> {
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
pub(crate) fn said(text: String) -> Option<String> {
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

/// Whose a reply is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Author {
    /// The person's, or the built-in engine's: what becomes of it is told to nobody else.
    Local,
    /// A model's, which is told why it is refused.
    Model,
}

/// Locates a reply's hunks and sends them through the gate, that of the role too, off the caller's thread.
async fn judge(
    request: &Arc<JobRequest>,
    reply: String,
    gate: Gate,
    author: Author,
    report: &impl Fn(JobEvent),
) -> Result<Box<Proposal>, JobFailure> {
    report(JobEvent::Phase(Phase::Checking));
    let asked = Arc::clone(request);
    let judged = aside("checking the reply", move || {
        let proposed = pleach_edit::propose(&EditRequest {
            reply: &reply,
            files: &asked.workspace,
            format: None,
            target: asked.document.named().map(|path| Target {
                path,
                selection: (!asked.range.is_empty()).then_some(asked.range),
            }),
            allow_worse_syntax: false,
        });
        if author == Author::Model
            && let Some((path, why)) = shield::touched(&asked.workspace, &reply, &proposed)
        {
            return Err(JobFailure::Withheld { path, why });
        }
        let judged = proposed.and_then(|it| gate.judge(&it).map(|()| it));
        judged.map_err(|refusal| JobFailure::Refused(Box::new(refusal)))
    });
    match judged.await.flatten() {
        Ok(proposal) => {
            report(accepted(&proposal));
            Ok(Box::new(proposal))
        }
        Err(failure) => {
            if !matches!(failure, JobFailure::Internal { .. }) {
                report(JobEvent::Verdict {
                    accepted: false,
                    message: failure.to_string(),
                });
            }
            Err(failure)
        }
    }
}

/// What a proposal touches, in one line: `src/a.rs: 2 hunks, src/b.rs: 1 hunk`.
pub(crate) fn changed_files(proposal: &Proposal) -> String {
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
            match hunks {
                0 => path.to_owned(),
                1 => format!("{path}: 1 hunk"),
                _ => format!("{path}: {hunks} hunks"),
            }
        })
        .collect();
    parts.join(", ")
}
