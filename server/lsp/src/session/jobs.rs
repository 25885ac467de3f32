//! Jobs: started on a snapshot, followed while they run ([`progress`]), ended exactly once ([`ending`]).

mod ending;
mod progress;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use pleach_agent::builtin;
use pleach_agent::{
    Account, Action, Crew, Engine, Hand, JobEvent, JobFailure, JobLimits, JobOutcome, JobRequest,
    Kit, Phase, Stage, TokenCount, Variables,
};
use pleach_edit::HunkId;
use pleach_policy::Settings;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::Id;

pub(super) use self::ending::Failure;
use crate::actions::shortened;
use crate::event::{Ended, Event, Inbox, JobId};
use crate::session::findings::FindingId;
use crate::session::index::Sent;
use crate::session::messages::Severity;
use crate::session::money;
use crate::session::reviews::Asked;
use crate::session::{Awaited, Session};

/// Characters of text per token, to show a figure before the provider counts. A common rule of thumb
/// for English and code.
const CHARS_PER_TOKEN: u64 = 4;

/// One job, from its command to its last message.
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) action: Action,
    /// What the person sees: `Document src/lib.rs`.
    pub(crate) title: String,
    /// The request that started it, so that `$/cancelRequest` finds it even after the answer.
    pub(crate) request: Option<Id>,
    pub(crate) cancel: CancellationToken,
    /// Number of the next `pleach/job` message.
    pub(crate) seq: u64,
    instruction: Option<String>,
    engine: String,
    phase: String,
    /// Who works on it, where several do in turn.
    stage: Option<Stage>,
    tokens: TokenCount,
    /// What it will cost or has cost, in words; empty where no model is asked.
    cost: String,
    /// What is to be told with its proposal.
    said: Vec<String>,
    /// Secrets that the model was not shown.
    secrets: usize,
    /// The end of the pause that it makes.
    waits_until: Option<Instant>,
    /// What was answered whole while the job went on, so that it is not lost.
    answered: String,
    /// What was received of the present answer.
    partial: String,
    /// Characters received, to estimate tokens by.
    received: u64,
    started: Instant,
    progress: Progress,
    /// The last word of the progress display, once the job has ended.
    last_word: Option<String>,
    /// A failure that waits for its reply to be kept on disk.
    failure: Option<Failure>,
    /// What was asked, to ask again.
    pub(crate) asked: Option<Asked>,
    /// The hunks of an earlier review that this job is to replace.
    pub(crate) replaces: Option<(JobId, Vec<HunkId>)>,
    /// The finding that it mends.
    pub(crate) mends: Option<FindingId>,
    /// Whether the file that it makes is shown when it has landed.
    pub(crate) shows_file: bool,
    /// That file, as the workspace names it.
    made: Option<String>,
    /// What came of its looking for findings, until that is kept on disk.
    looked: Option<Looked>,
}

/// What came of looking for findings.
struct Looked {
    /// In one line.
    told: String,
    /// Whether only the page says what is wrong.
    only_page_tells: bool,
}

/// The progress display of a job.
enum Progress {
    /// The client shows none.
    None,
    /// The client was asked to make one.
    Asked,
    /// It is shown.
    Shown {
        last: Instant,
        /// A report is due at the end of the present interval.
        due: bool,
    },
    /// It has ended.
    Ended,
}

impl Job {
    /// The token of its progress display.
    pub(crate) fn progress_token(&self) -> String {
        format!("pleach/job/{}", self.id)
    }

    /// The person's words, where there were any.
    pub(crate) fn instruction(&self) -> Option<&str> {
        self.instruction.as_deref()
    }

    /// A summary, and what else is to be told with it.
    pub(crate) fn summary(&self, summary: &str) -> String {
        let said = self.said.iter().map(String::as_str);
        let all: Vec<&str> = std::iter::once(summary).chain(said).collect();
        all.join("; ")
    }

    /// What answers.
    pub(crate) fn engine(&self) -> &str {
        &self.engine
    }

    /// Whether the built-in syntax engine answers.
    pub(crate) fn is_builtin(&self) -> bool {
        self.engine == builtin::LABEL
    }

    /// Whether its last word is said.
    pub(crate) fn has_ended(&self) -> bool {
        self.last_word.is_some()
    }

    pub(crate) fn status(&self) -> Value {
        json!({
            "job": self.id, "action": self.action, "title": self.title, "engine": self.engine,
            "phase": self.phase, "seconds": self.started.elapsed().as_secs(),
        })
    }

    /// It goes on to another phase.
    fn enter(&mut self, phase: &Phase) {
        self.waits_until = match phase {
            Phase::Waiting { seconds, .. } if *seconds > 0 => {
                Instant::now().checked_add(Duration::from_secs(*seconds))
            }
            _ => None,
        };
        if matches!(phase, Phase::AskingAgain(_) | Phase::Mending(_)) {
            self.part();
        }
        self.phase = phase.to_string();
    }

    /// What comes next of its answer is another one.
    fn part(&mut self) {
        if !self.partial.is_empty() {
            self.partial.push_str("\n\n");
        }
    }

    /// What was answered until now, if a model was asked.
    fn take_written(&mut self) -> String {
        let (mut written, partial) = (
            std::mem::take(&mut self.answered),
            std::mem::take(&mut self.partial),
        );
        match self.engine.as_str() {
            builtin::LABEL | REPLY_ENGINE => String::new(),
            _ => {
                written.push_str(&partial);
                written
            }
        }
    }

    /// Whether several hands work on it in turn.
    pub(super) fn has_stages(&self) -> bool {
        self.stage.is_some()
    }

    /// `writing · 120 tokens · $0.0123 · 3 s · engine`.
    fn progress_line(&self) -> String {
        let left = self
            .waits_until
            .map(|until| until.saturating_duration_since(Instant::now()));
        let mut parts = vec![match left {
            Some(left) => format!("{}: {} s left", self.phase, left.as_millis().div_ceil(1000)),
            None => self.phase.clone(),
        }];
        if let (Some(stage), Some(first)) = (self.stage, parts.first_mut()) {
            *first = format!("{stage}: {first}");
        }
        if self.tokens.output > 0 {
            parts.push(format!("{} tokens", self.tokens.output));
        } else if self.received > 0 {
            parts.push(format!(
                "~{} tokens",
                self.received.div_ceil(CHARS_PER_TOKEN)
            ));
        }
        if !self.cost.is_empty() {
            parts.push(self.cost.clone());
        }
        parts.push(format!("{} s", self.started.elapsed().as_secs()));
        if !self.engine.is_empty() {
            parts.push(self.engine.clone());
        }
        match self.secrets {
            0 => {}
            1 => parts.push("1 secret not sent".into()),
            count => parts.push(format!("{count} secrets not sent")),
        }
        parts.join(" · ")
    }
}

impl Session {
    /// Starts a job and answers its number at once.
    pub(super) fn start_job(
        &mut self,
        request: Option<Id>,
        uri: Option<&str>,
        title: String,
        asked: JobRequest,
    ) -> JobId {
        let id = self.add_job(request, uri, asked.action, title, asked.instruction.clone());
        let Some(job) = self.jobs.get_mut(&id) else {
            return id;
        };
        // A reply that was brought cannot be asked for again.
        job.asked = uri
            .filter(|_| asked.reply.is_none())
            .map(|uri| Asked::of(&asked, uri));
        let settings = Arc::clone(self.configuration.settings());
        let variables = Arc::clone(&self.environment.variables);
        let limits = JobLimits::of(&settings);
        let account = self.account(id, uri);
        let kit = self.kit(asked.action, id);
        let inbox = self.inbox.clone();
        let work = async move {
            let needs_none = asked.reply.is_some() || asked.action == Action::RunTests;
            let engine = if needs_none {
                Ok(None)
            } else {
                let opened = Engine::open(asked.action, &settings, &variables, Some(&account));
                opened.await.map(Some)
            };
            match engine {
                Ok(engine) => {
                    let label = match &engine {
                        Some(engine) => engine.label(),
                        None if asked.action == Action::RunTests => String::new(),
                        None => REPLY_ENGINE.to_owned(),
                    };
                    inbox.put(Event::JobEngine { job: id, label });
                    let engine = engine.unwrap_or(Engine::Builtin);
                    let report = {
                        let inbox = inbox.clone();
                        move |event| inbox.put(Event::JobReport { job: id, event })
                    };
                    pleach_agent::run(asked, engine, limits, &account, kit, report).await
                }
                Err(failure) => JobOutcome::Failed {
                    failure,
                    reply: None,
                },
            }
        };
        self.spawn_job(id, work);
        id
    }

    /// Starts a job in which a tester and a reviewer go on with what a coder makes of `asked`.
    pub(super) fn start_pipeline(
        &mut self,
        request: Option<Id>,
        uri: Option<&str>,
        title: String,
        asked: JobRequest,
    ) -> JobId {
        let id = self.add_job(request, uri, asked.action, title, asked.instruction.clone());
        if let Some(job) = self.jobs.get_mut(&id) {
            job.asked = uri.map(|uri| Asked::of(&asked, uri));
        }
        let settings = Arc::clone(self.configuration.settings());
        let variables = Arc::clone(&self.environment.variables);
        let limits = JobLimits::of(&settings);
        let account = self.account(id, uri);
        let hands = [asked.action, Action::Tests, Action::Review];
        let hands = hands.map(|action| (action, self.kit(action, id)));
        let inbox = self.inbox.clone();
        let work = async move {
            let crew = match crew_of(hands, &settings, &variables, &account).await {
                Ok(crew) => crew,
                Err(failure) => {
                    return JobOutcome::Failed {
                        failure,
                        reply: None,
                    };
                }
            };
            let label = crew.coder.lineup.label();
            inbox.put(Event::JobEngine { job: id, label });
            let report = move |event| inbox.put(Event::JobReport { job: id, event });
            let run = pleach_agent::run_pipeline(asked, crew, limits, &account, report);
            Box::pin(run).await
        };
        self.spawn_job(id, work);
        id
    }

    /// Begins the work of a job. How it ends comes back as an event.
    pub(super) fn spawn_job(
        &self,
        job: JobId,
        work: impl Future<Output = JobOutcome> + Send + 'static,
    ) {
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        let work = until_end(self.inbox.clone(), job, it.cancel.clone(), work);
        drop(self.tasks.spawn(work));
    }

    /// Begins the work of a job that asks the disk, off the loop. `doing` says what failed if it panics.
    pub(super) fn spawn_blocking_job(
        &self,
        job: JobId,
        doing: &'static str,
        work: impl FnOnce() -> JobOutcome + Send + 'static,
    ) {
        self.spawn_job(job, async move {
            let outcome = tokio::task::spawn_blocking(work).await;
            outcome.unwrap_or(JobOutcome::Failed {
                failure: JobFailure::Internal { doing },
                reply: None,
            })
        });
    }

    /// Enters a job into the books and begins its progress display.
    pub(super) fn add_job(
        &mut self,
        request: Option<Id>,
        uri: Option<&str>,
        action: Action,
        title: String,
        instruction: Option<String>,
    ) -> JobId {
        self.last_job += 1;
        let id = self.last_job;
        let job = Job {
            id,
            action,
            title,
            request,
            cancel: CancellationToken::new(),
            seq: 0,
            instruction,
            engine: String::new(),
            phase: "starting".into(),
            stage: None,
            tokens: TokenCount::default(),
            cost: String::new(),
            said: Vec::new(),
            secrets: 0,
            waits_until: None,
            answered: String::new(),
            partial: String::new(),
            received: 0,
            started: Instant::now(),
            progress: if self.client.progress {
                Progress::Asked
            } else {
                Progress::None
            },
            last_word: None,
            failure: None,
            asked: None,
            replaces: None,
            mends: None,
            shows_file: false,
            made: None,
            looked: None,
        };
        let token = job.progress_token();
        let started = json!({"action": action, "title": job.title, "uri": uri});
        self.jobs.insert(id, job);
        if self.client.progress {
            let create = json!({"token": token});
            self.request(
                "window/workDoneProgress/create",
                &create,
                Awaited::Progress(id),
            );
        }
        self.tell_job(id, "started", started);
        id
    }

    /// Forgets a job that has said its last word, unless its progress display is still being made.
    fn forget_job(&mut self, job: JobId) {
        let done = self
            .jobs
            .get(&job)
            .is_some_and(|job| job.has_ended() && !matches!(job.progress, Progress::Asked));
        if done {
            self.jobs.remove(&job);
        }
    }

    pub(super) fn job_engine(&mut self, job: JobId, label: String) {
        if let Some(job) = self.jobs.get_mut(&job) {
            job.engine = label;
        }
        self.progress_changed(job);
    }

    pub(super) fn job_report(&mut self, job: JobId, event: JobEvent) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        if it.has_ended() {
            // Written before the cancellation, read after it.
            return;
        }
        match event {
            JobEvent::Phase(phase) => {
                it.enter(&phase);
                let fields = json!({"phase": it.phase, "engine": it.engine});
                self.tell_job(job, "phase", fields);
            }
            JobEvent::Engine(label) => {
                it.engine.clone_from(&label);
                self.tell_job(job, "engine", json!({"engine": label}));
            }
            JobEvent::Notice(words) => {
                self.show(Severity::Warning, &format!("Pleach: {words}."));
            }
            JobEvent::TakenBack(kept) => {
                it.part();
                self.tell_job(job, "takenBack", json!({"bytes": kept}));
            }
            JobEvent::Text(text) => {
                it.partial.push_str(&text);
                it.received += u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                self.tell_job(job, "text", json!({"text": text}));
            }
            JobEvent::Hunk { index, path } => {
                self.tell_job(job, "hunk", json!({"index": index, "path": path}));
            }
            JobEvent::Verdict { accepted, message } => {
                self.tell_job(
                    job,
                    "verdict",
                    json!({"accepted": accepted, "message": message}),
                );
            }
            JobEvent::Tested { passed, message } => {
                self.tell_job(job, "tested", json!({"passed": passed, "message": message}));
            }
            JobEvent::Said(words) => {
                it.said.push(words);
                return;
            }
            JobEvent::Answered(reply) => {
                it.partial.clear();
                it.answered.push_str(reply.trim_end());
                it.answered.push_str("\n\n");
                return;
            }
            JobEvent::Unused(reply) => {
                self.keep_unused(job, reply);
                return;
            }
            JobEvent::Stage(stage) => {
                it.part();
                it.stage = Some(stage);
                let (number, of, role) = (stage.number, stage.of, stage.role);
                self.tell_job(
                    job,
                    "stage",
                    json!({"stage": number, "of": of, "role": role}),
                );
            }
            JobEvent::Found(report) => {
                let engine = it.engine.clone();
                let uri = it.asked.as_ref().map(|asked| asked.uri.clone());
                self.take_findings(&report, uri.as_deref(), &engine);
                return;
            }
            JobEvent::Expected(expected) => {
                it.cost = expected.to_string();
                self.tell_job(job, "estimate", money::estimate_fields(&expected));
            }
            JobEvent::Sent(manifest) => {
                let sent = Sent {
                    job,
                    stage: it.stage,
                    title: it.title.clone(),
                    engine: it.engine.clone(),
                    manifest: *manifest,
                };
                self.remember_sent(sent);
                return;
            }
            JobEvent::SecretsHidden(count) => {
                // Each of several hides what it is shown.
                it.secrets = it.secrets.max(count);
                tracing::info!(job, count, "secrets were replaced by placeholders");
                self.tell_job(job, "secrets", json!({"hidden": count}));
            }
            JobEvent::Usage { tokens, cost } => {
                it.tokens = tokens;
                it.cost = money::cost_words(cost);
                self.tell_job(job, "usage", money::usage_fields(tokens, cost));
            }
        }
        self.progress_changed(job);
    }

    /// Sets the phase of a job whose work is the session's own (landing).
    pub(super) fn job_phase(&mut self, job: JobId, phase: &str) {
        if let Some(it) = self.jobs.get_mut(&job) {
            phase.clone_into(&mut it.phase);
            let fields = json!({"phase": phase, "engine": it.engine});
            self.tell_job(job, "phase", fields);
        }
        self.progress_changed(job);
    }
}

/// Opens the engines of those who work in a pipeline: a key that is missing is told before anything is spent.
async fn crew_of(
    hands: [(Action, Kit); 3],
    settings: &Settings,
    variables: &Variables,
    account: &Account,
) -> Result<Crew, JobFailure> {
    let hand = async |(action, kit): (Action, Kit)| {
        let role = action.role();
        match Engine::open(action, settings, variables, Some(account)).await? {
            Engine::Model(lineup) => Ok(Hand { lineup, kit }),
            Engine::Builtin => Err(JobFailure::NoModel { role }),
        }
    };
    let [coder, tester, reviewer] = hands;
    Ok(Crew {
        coder: hand(coder).await?,
        tester: hand(tester).await?,
        reviewer: hand(reviewer).await?,
    })
}

/// How a reply that the person brought is named where engines are.
const REPLY_ENGINE: &str = "your reply, no AI model asked";

/// What a job is called when no entry of a menu named it.
pub(super) fn title(asked: &JobRequest) -> String {
    let title = asked.title();
    if let Some(instruction) = &asked.instruction {
        return format!("{title}: {}", shortened(instruction, 40));
    }
    match asked.document.path.as_str() {
        "" => title.to_owned(),
        path => format!("{title} in {path}"),
    }
}

/// A job's work until it ends, is cancelled, or panics. Each ends in exactly one event.
async fn until_end(
    inbox: Inbox,
    job: JobId,
    cancel: CancellationToken,
    work: impl Future<Output = JobOutcome> + Send + 'static,
) {
    let work = std::panic::AssertUnwindSafe(work).catch_unwind();
    let outcome = tokio::select! {
        biased;
        () = cancel.cancelled() => Ended::Cancelled,
        done = work => match done {
            Ok(outcome) => Ended::Outcome(Box::new(outcome)),
            Err(_panic) => Ended::Panicked,
        },
    };
    inbox.put(Event::JobEnded { job, outcome });
}
