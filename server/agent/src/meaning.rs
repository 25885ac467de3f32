//! Search by meaning: what the texts of a workspace mean, as a provider's embeddings tell it.
//!
//! Nothing happens until the person's own settings name a provider. Then the pieces that the index has are
//! embedded in batches, in the background and each once, with placeholders for secrets; what is never sent is not
//! sent here either. Each batch is a call like every other: reserved, within the caps, in the ledger and in the
//! audit. A question is embedded as well, and what is near to it is found beside what has its words. Where
//! that cannot be had, words alone are searched for.

mod gather;
mod state;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_exec::Variables;
use pleach_model::{
    Bucket, Embedded, EmbeddingUse, Message, ModelRequest, Provider, ProviderError, Usage,
};
use pleach_policy::{Secrets, Settings};
use pleach_store::{StoreError, TextPrint, Vectors};
use pleach_text::ByteRange;
use pleach_workspace::WorkspaceSnapshot;
use serde_json::json;
use tokio::time::{sleep, timeout};

use self::gather::{Item, Survey, batches, shortened};
pub use self::state::{MeaningPhase, MeaningState};
use crate::action::Action;
use crate::call::aside;
use crate::engine::open_provider;
use crate::failure::JobFailure;
use crate::index::MOST_BYTES;
use crate::job::{JobRequest, TargetDocument};
use crate::meter::{Account, EMBED};
use crate::review::Scope;

/// How long a question may take before words alone are searched for: as long as a search waits for the index.
const QUESTION_WITHIN: Duration = Duration::from_secs(8);
/// How long nothing is tried after a failure.
const REST: Duration = Duration::from_mins(1);
/// Questions whose embeddings are remembered.
const QUESTIONS: usize = 32;
/// Texts that a question is compared to and that count: the nearest.
const NEAREST: usize = 50;
/// Bytes of a megabyte, as the settings count them.
const MEGABYTE: u64 = 1_000_000;

/// Search by meaning in one workspace, by what the settings say. Cheap to clone.
#[derive(Clone)]
pub struct Meaning(Arc<Inner>);

struct Inner {
    settings: Settings,
    variables: Variables,
    account: Account,
    /// The provider's name in the settings.
    name: String,
    /// What vectors are known by: those of another server or model have other directions.
    model: String,
    index: Utf8PathBuf,
    vectors: Utf8PathBuf,
    report: Box<dyn Fn(MeaningState) + Send + Sync>,
    state: Mutex<MeaningState>,
    work: Mutex<Work>,
    stop: AtomicBool,
    provider: tokio::sync::Mutex<Option<Provider>>,
    questions: Mutex<VecDeque<(String, Arc<Vec<f32>>)>>,
    /// Calls of the background leave half of what the server may make to everything else.
    pace: Bucket,
}

/// Whether somebody is at work, and what comes next.
#[derive(Default)]
struct Work {
    is_running: bool,
    next: Option<WorkspaceSnapshot>,
    /// When something failed last.
    failed: Option<Instant>,
}

impl Work {
    fn is_resting(&self) -> bool {
        self.failed.is_some_and(|failed| failed.elapsed() < REST)
    }
}

/// Why embedding does not go on.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Job(#[from] JobFailure),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl std::fmt::Debug for Meaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meaning")
            .field("model", &self.0.model)
            .finish_non_exhaustive()
    }
}

impl Meaning {
    /// Search by meaning in the workspace of these folders; `None` where the settings do not ask for it. Opens
    /// nothing. `report` hears where it is.
    pub fn new(
        settings: &Settings,
        variables: &Variables,
        account: Account,
        state_dir: &Utf8Path,
        folders: &[Utf8PathBuf],
        report: impl Fn(MeaningState) + Send + Sync + 'static,
    ) -> Option<Self> {
        let (name, provider) = settings.embedder()?;
        let mut settings = settings.clone();
        let name = name.to_owned();
        let model = format!(
            "{} {} {}",
            provider.kind.name(),
            provider.base_url,
            provider.model
        );
        let label = format!("{} ({name})", provider.model);
        settings.providers.insert(name.clone(), provider);
        let half = NonZeroU32::new(account.budget.calls_per_minute / 2);
        Some(Self(Arc::new(Inner {
            variables: Arc::clone(variables),
            account: Account {
                purpose: Some(EMBED),
                ..account
            },
            name,
            model,
            index: pleach_store::Index::path_in(state_dir, folders),
            vectors: Vectors::path_in(state_dir, folders),
            report: Box::new(report),
            state: Mutex::new(MeaningState::new(label)),
            work: Mutex::default(),
            stop: AtomicBool::new(false),
            provider: tokio::sync::Mutex::default(),
            questions: Mutex::default(),
            pace: Bucket::new(half.unwrap_or(NonZeroU32::MIN)),
            settings,
        })))
    }

    /// Where it is.
    pub fn state(&self) -> MeaningState {
        locked(&self.0.state).clone()
    }

    /// Stops what it is doing. What is embedded stays; it goes on when it is told to catch up.
    pub fn stop(&self) {
        if locked(&self.0.work).is_running {
            self.0.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Tries again at once what has failed a moment ago.
    pub fn forgive(&self) {
        locked(&self.0.work).failed = None;
    }

    /// Embeds what the index has and nobody has embedded yet, and forgets what it has no more. Whoever comes while
    /// that runs has it done once more.
    pub async fn catch_up(&self, workspace: WorkspaceSnapshot) {
        {
            let mut work = locked(&self.0.work);
            work.next = Some(workspace);
            if work.is_running || work.is_resting() {
                return;
            }
            work.is_running = true;
        }
        loop {
            let next = {
                let mut work = locked(&self.0.work);
                let next = work.next.take();
                let next = next.filter(|_| !work.is_resting());
                work.is_running = next.is_some();
                next
            };
            let Some(workspace) = next else { return };
            self.0.stop.store(false, Ordering::Relaxed);
            let phase = match self.bring_up_to_date(workspace).await {
                Ok(phase) => phase,
                Err(halt) => self.failed(&halt.to_string()),
            };
            self.tell(|state| state.phase = phase);
        }
    }

    async fn bring_up_to_date(&self, workspace: WorkspaceSnapshot) -> Result<MeaningPhase, Halt> {
        let inner = Arc::clone(&self.0);
        let survey = aside("looking for what is not embedded", move || {
            Survey::of(
                &inner.index,
                &inner.vectors,
                &inner.model,
                u64::from(inner.settings.embeddings.megabytes) * MEGABYTE,
            )
        });
        let Survey {
            mut missing,
            count,
            mut sent,
        } = survey.await??;
        let total = missing.len();
        let tokens = missing.values().map(|bytes| u64::from(*bytes)).sum::<u64>() / 4;
        self.tell(|state| {
            state.embedded = count.vectors;
            state.bytes = count.bytes;
            state.left = u64::try_from(total).unwrap_or(u64::MAX);
        });
        if total == 0 {
            return Ok(MeaningPhase::Whole);
        }
        let provider = self.provider().await?;
        let expected = self.0.account.prices.cost(
            provider.config(),
            &Usage {
                input_tokens: tokens,
                ..Usage::default()
            },
        );
        self.tell(|state| {
            state.phase = MeaningPhase::Embedding { done: 0, total };
            state.expected = (tokens, expected);
        });
        let mut after = String::new();
        loop {
            let inner = Arc::clone(&self.0);
            let (looked, from) = (workspace.clone(), after);
            let page = aside("reading what is to be embedded", move || {
                let page = gather::page(&inner.index, &looked, &from, &mut missing);
                page.map(|page| (page, missing))
            });
            let (page, rest) = page.await??;
            missing = rest;
            let Some(page) = page else { break };
            after = page.last;
            let mut waiting: VecDeque<Vec<Item>> = batches(page.items).into();
            while let Some(batch) = waiting.pop_front() {
                if self.0.stop.load(Ordering::Relaxed) {
                    return Ok(MeaningPhase::Stopped);
                }
                let most = u64::from(self.0.settings.embeddings.megabytes) * MEGABYTE;
                if self.state().bytes >= most {
                    return Ok(MeaningPhase::Full);
                }
                let likely: u64 = batch.iter().map(Item::tokens).sum();
                if sent.saturating_add(likely) > self.0.settings.embeddings.tokens_per_day {
                    return Ok(MeaningPhase::DayOver);
                }
                let (used, again) = self.embed_batch(&provider, batch).await?;
                sent = sent.saturating_add(used);
                for batch in again.into_iter().rev() {
                    waiting.push_front(batch);
                }
            }
        }
        Ok(MeaningPhase::Whole)
    }

    /// Embeds and keeps one batch: the tokens that it took, and what of it is to be tried in other batches.
    async fn embed_batch(
        &self,
        provider: &Provider,
        batch: Vec<Item>,
    ) -> Result<(u64, Vec<Vec<Item>>), Halt> {
        while let Err(pause) = self.0.pace.token() {
            sleep(pause).await;
        }
        let texts: Vec<String> = batch.iter().map(|item| item.text.clone()).collect();
        let files: Vec<&str> = batch.iter().map(|item| item.file.as_str()).collect();
        let asked = self.ask(provider, &texts, files, EmbeddingUse::Document);
        let (vectors, tokens) = match asked.await {
            Ok((embedded, tokens)) => (embedded.vectors, tokens),
            Err(JobFailure::Provider(ProviderError::ContextOverflow { .. })) => {
                if let Some(halves) = shortened(batch.clone()) {
                    return Ok((0, halves));
                }
                // This model cannot embed it, however short: it is not tried again.
                (vec![Vec::new(); batch.len()], 0)
            }
            Err(failure) => return Err(failure.into()),
        };
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let embedded: Vec<(TextPrint, Vec<f32>)> =
            batch.iter().map(|item| item.print).zip(vectors).collect();
        let inner = Arc::clone(&self.0);
        let kept = aside("keeping embeddings", move || {
            let now = SystemTime::now();
            let mut vectors = Vectors::open(&inner.vectors, now)?;
            vectors.put(&inner.model, &embedded, tokens, now)?;
            vectors.count(&inner.model)
        });
        let size = kept.await??;
        self.tell(|state| {
            state.embedded = size.vectors;
            state.bytes = size.bytes;
            state.left = state.left.saturating_sub(count);
            if let MeaningPhase::Embedding { done, total } = &mut state.phase {
                *done = done.saturating_add(batch.len()).min(*total);
            }
        });
        Ok((tokens, Vec::new()))
    }

    /// One call, with everything that belongs to one: what it embedded, and the tokens that it took.
    async fn ask(
        &self,
        provider: &Provider,
        texts: &[String],
        files: Vec<&str>,
        wanted: EmbeddingUse,
    ) -> Result<(Embedded, u64), JobFailure> {
        let account = &self.0.account;
        let request = JobRequest {
            action: Action::Explain,
            document: TargetDocument::none(),
            range: ByteRange::default(),
            instruction: None,
            reply: None,
            own: None,
            diagnostics: Vec::new(),
            scope: Scope::default(),
            workspace: WorkspaceSnapshot::new(&[], [], self.0.settings.path_rules()),
        };
        let asked = ModelRequest {
            messages: texts
                .iter()
                .map(|text| Message::user(text.clone()))
                .collect(),
            max_output_tokens: Some(0),
            ..ModelRequest::default()
        };
        let mut meter = loop {
            match account.reserve(&request, provider, &[], &asked).await {
                Err(JobFailure::TooManyCalls {
                    seconds: Some(seconds),
                    ..
                }) if wanted == EmbeddingUse::Document => sleep(Duration::from_secs(seconds)).await,
                reserved => break reserved?,
            }
        };
        if !files.is_empty() {
            let mut files = files;
            files.dedup();
            let body = json!({"files": files, "texts": texts.len()});
            let books = &account.books;
            books.record("embedded", &account.workspace, account.job, body);
        }
        match provider.embed(texts, wanted).await {
            Ok(embedded) => {
                if let Some(tokens) = embedded.tokens {
                    meter.counted(Usage {
                        input_tokens: tokens,
                        ..Usage::default()
                    });
                }
                meter.ended();
                let (_, usage, cost) = meter.answered();
                self.tell(|state| state.spent(usage.input_tokens, cost));
                Ok((embedded, usage.input_tokens))
            }
            Err(error) => {
                let failure = JobFailure::from(error);
                let (usage, cost) = meter.failed(&failure);
                self.tell(|state| state.spent(usage.input_tokens, cost));
                Err(failure)
            }
        }
    }

    /// Embeds what is asked, so that [`Meaning::meant`] knows it. Whether it does.
    pub async fn question(&self, asked: &str) -> bool {
        if self.known(asked).is_some() {
            return true;
        }
        if locked(&self.0.work).is_resting() || asked.trim().is_empty() {
            return false;
        }
        let asking = timeout(QUESTION_WITHIN, self.embed_question(asked));
        let failure = match asking.await {
            Ok(Ok(Some(vector))) => {
                let mut questions = locked(&self.0.questions);
                questions.truncate(QUESTIONS - 1);
                questions.push_front((asked.to_owned(), Arc::new(vector)));
                drop(questions);
                self.tell(MeaningState::works_again);
                return true;
            }
            // There is nothing to compare it to.
            Ok(Ok(None)) => return false,
            Ok(Err(halt)) => halt.to_string(),
            Err(_) => format!(
                "`{}` has not embedded a question within {} s",
                self.0.name,
                QUESTION_WITHIN.as_secs()
            ),
        };
        let phase = self.failed(&failure);
        self.tell(|state| state.phase = phase);
        false
    }

    async fn embed_question(&self, asked: &str) -> Result<Option<Vec<f32>>, Halt> {
        let inner = Arc::clone(&self.0);
        let count = aside("looking for embeddings", move || {
            let vectors = Vectors::read(&inner.vectors)?;
            let count = vectors.map(|mut vectors| vectors.count(&inner.model));
            count.transpose()
        });
        if count.await??.is_none_or(|count| count.vectors == 0) {
            return Ok(None);
        }
        let provider = self.provider().await?;
        let text = Secrets::default().hide(None, asked).into_owned();
        let end = text.floor_char_boundary(MOST_BYTES);
        let texts = [text.get(..end).unwrap_or_default().to_owned()];
        let asked = self.ask(&provider, &texts, Vec::new(), EmbeddingUse::Question);
        let (embedded, tokens) = asked.await?;
        let inner = Arc::clone(&self.0);
        let noted = aside("counting tokens", move || {
            let now = SystemTime::now();
            Vectors::open(&inner.vectors, now)?.put(&inner.model, &[], tokens, now)
        });
        noted.await??;
        Ok(embedded.vectors.into_iter().next())
    }

    /// The texts that mean most what is asked, the nearest first; none where the question was not embedded.
    /// Reads all embeddings.
    pub(crate) fn meant(&self, asked: &str) -> Vec<TextPrint> {
        let Some(question) = self.known(asked) else {
            return Vec::new();
        };
        let vectors = Vectors::read(&self.0.vectors);
        let near = vectors.and_then(|vectors| match vectors {
            Some(mut vectors) => vectors.nearest(&self.0.model, &question, NEAREST),
            None => Ok(Vec::new()),
        });
        let near = near.unwrap_or_else(|error| {
            tracing::warn!(%error, "the embeddings cannot be read");
            Vec::new()
        });
        near.into_iter().map(|(print, _)| print).collect()
    }

    fn known(&self, asked: &str) -> Option<Arc<Vec<f32>>> {
        let questions = locked(&self.0.questions);
        let known = questions.iter().find(|(known, _)| known == asked);
        known.map(|(_, vector)| Arc::clone(vector))
    }

    async fn provider(&self) -> Result<Provider, JobFailure> {
        let inner = &self.0;
        let mut opened = inner.provider.lock().await;
        if let Some(provider) = &*opened {
            return Ok(provider.clone());
        }
        let account = Some(&inner.account);
        let provider =
            open_provider(&inner.name, &inner.settings, &inner.variables, account).await?;
        Ok(opened.insert(provider).clone())
    }

    fn failed(&self, why: &str) -> MeaningPhase {
        locked(&self.0.work).failed = Some(Instant::now());
        tracing::warn!(provider = self.0.name, "nothing is embedded: {why}");
        MeaningPhase::Failed(why.to_owned())
    }

    fn tell(&self, change: impl FnOnce(&mut MeaningState)) {
        let state = {
            let mut state = locked(&self.0.state);
            let before = state.clone();
            change(&mut state);
            if *state == before {
                return;
            }
            state.clone()
        };
        (self.0.report)(state);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
