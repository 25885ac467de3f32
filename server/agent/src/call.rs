//! One call of a model on the account of a job: estimated, reserved under the caps, heard to its end or
//! to the cap, and settled.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use pleach_model::{
    Bucket, MicroUsd, ModelEvent, ModelRequest, ProviderError, Reply, StopReason, Usage,
};
use pleach_policy::Secrets;

use crate::books::Booked;
use crate::failure::JobFailure;
use crate::job::{JobEvent, JobRequest, Phase, TokenCount};
use crate::lineup::{Lineup, StandingIn, is_out_of_reach};
use crate::meter::{Account, Meter};
use crate::resume::{NOTHING_LEFT, broke_off, rest_of};

/// What the calls of a job came to.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// What was hidden in them, to be put back into the answers.
    pub(crate) secrets: Secrets,
    /// Whether the answers have placeholders, for their reader to decide.
    pub(crate) keeps_placeholders: bool,
    calls: u32,
    /// The last one was answered from the cache.
    from_cache: bool,
    tokens: TokenCount,
    cost: MicroUsd,
    /// The price of one of them is not known.
    is_unknown: bool,
}

impl Used {
    /// What has come of an answer, as it may be sent back.
    fn hidden(&mut self, kept: &str) -> String {
        if !self.keeps_placeholders {
            return self.secrets.hide(None, kept).into_owned();
        }
        let restored = self.secrets.restore(kept).into_owned();
        self.secrets.hide(None, &restored).into_owned()
    }

    /// The whole with a call that is on its way.
    fn with(&self, usage: Usage, cost: Option<MicroUsd>) -> JobEvent {
        JobEvent::Usage {
            tokens: TokenCount {
                input: self.tokens.input.saturating_add(usage.input_tokens),
                output: self.tokens.output.saturating_add(usage.output_tokens),
            },
            cost: cost
                .filter(|_| !self.is_unknown)
                .map(|cost| self.cost.plus(cost)),
        }
    }

    fn event(&self) -> JobEvent {
        self.with(Usage::default(), Some(MicroUsd(0)))
    }

    /// Adds a call that has ended.
    fn add(&mut self, usage: Usage, cost: Option<MicroUsd>) {
        self.tokens.input = self.tokens.input.saturating_add(usage.input_tokens);
        self.tokens.output = self.tokens.output.saturating_add(usage.output_tokens);
        match cost {
            Some(cost) => self.cost = self.cost.plus(cost),
            None => self.is_unknown = true,
        }
    }
}

/// What a kind of job makes of an answer.
pub(crate) trait Hearing {
    /// Takes the next piece of the text.
    fn text(&mut self, text: String);

    /// How many bytes of an answer that broke off are sound by themselves, so that the rest can be asked
    /// for. With 0 all of it is asked for anew.
    fn sound(&self, _text: &str) -> usize {
        0
    }

    /// The answer broke off; what comes next follows on `kept`.
    fn begin_again(&mut self, _kept: &str) {}

    /// Whether an answer of so many bytes that ended so can be used.
    fn end(&self, reason: StopReason, bytes: usize) -> Result<(), JobFailure>;
}

/// An answer on its way, as the provider sends it.
pub(crate) type Answering = BoxStream<'static, Result<ModelEvent, ProviderError>>;

/// Who calls, whom, on which account.
pub(crate) struct Caller<'a, R> {
    pub(crate) request: &'a JobRequest,
    pub(crate) lineup: &'a Lineup,
    pub(crate) account: &'a Account,
    pub(crate) report: &'a R,
}

/// An answer that did not come to its end.
struct Broken {
    failure: JobFailure,
    /// What had come.
    reply: Reply,
    /// It reached its end, and is not to be used.
    has_ended: bool,
}

impl From<JobFailure> for Broken {
    fn from(failure: JobFailure) -> Self {
        Self {
            failure,
            reply: Reply::default(),
            has_ended: false,
        }
    }
}

impl<R: Fn(JobEvent) + Send + Sync> Caller<'_, R> {
    /// Receives one whole answer, and tells its number in the ledger. On failure what had come until then
    /// is handed back beside the reason. `through` is what an answer goes through on its way.
    ///
    /// A provider that cannot be had is stood in for by the next of the line-up. An answer that breaks off
    /// in its middle is gone on with once; both calls are in the ledger.
    pub(crate) async fn receive<S>(
        &self,
        asked: ModelRequest,
        used: &mut Used,
        through: impl Fn(Answering) -> S,
        hearing: &mut impl Hearing,
    ) -> Result<(Reply, Booked), (JobFailure, String)>
    where
        S: Stream<Item = Result<ModelEvent, ProviderError>>,
    {
        let mut asking = asked.clone();
        // Until the answer has broken off: what there is of it, and why there is no more.
        let mut before: Option<(String, Broken)> = None;
        loop {
            self.tell_who_stands_in();
            let is_whole = before.as_ref().is_none_or(|(kept, _)| kept.is_empty());
            let received = match self.recalled(&asking, used, &through, hearing).await {
                Some(recalled) => recalled,
                None => self.call(&asking, used, &through, hearing, is_whole).await,
            };
            let broken = match received {
                Ok((mut reply, call)) => {
                    if let Some((kept, _)) = before.filter(|(kept, _)| !kept.is_empty()) {
                        let rest = std::mem::take(&mut reply.text);
                        let is_done = rest.trim() == NOTHING_LEFT;
                        reply.text = if is_done { kept } else { kept + &rest };
                    }
                    return Ok((reply, call));
                }
                Err(broken) => broken,
            };
            if let Some((kept, first)) = before {
                // The second time counts only if it brought more.
                let text = kept + &broken.reply.text;
                return Err(
                    if broken.reply.is_empty() || text.len() < first.reply.text.len() {
                        (first.failure, first.reply.text)
                    } else {
                        (broken.failure, text)
                    },
                );
            }
            if broken.reply.is_empty() {
                if is_out_of_reach(&broken.failure)
                    && self.lineup.stand_in(&broken.failure, self.account).await
                {
                    (self.report)(JobEvent::Engine(self.lineup.label()));
                    continue;
                }
                return Err((broken.failure, String::new()));
            }
            if broken.has_ended || !broke_off(&broken.failure) {
                return Err((broken.failure, broken.reply.text));
            }
            let text = &broken.reply.text;
            let kept = text
                .get(..hearing.sound(text))
                .unwrap_or_default()
                .to_owned();
            hearing.begin_again(&kept);
            (self.report)(JobEvent::TakenBack(kept.len()));
            (self.report)(JobEvent::Phase(Phase::Resuming {
                failure: broken.failure.to_string(),
                kept: kept.len(),
            }));
            if !kept.is_empty() {
                asking = rest_of(&asked, &used.hidden(&kept));
            }
            before = Some((kept, broken));
        }
    }

    fn tell_who_stands_in(&self) {
        for StandingIn { failure, next } in self.lineup.take_untold() {
            (self.report)(JobEvent::Phase(Phase::StandingIn { failure, next }));
        }
    }

    /// The answer to a question that was asked before.
    async fn recalled<S>(
        &self,
        asked: &ModelRequest,
        used: &mut Used,
        through: &impl Fn(Answering) -> S,
        hearing: &mut impl Hearing,
    ) -> Option<Result<(Reply, Booked), Broken>>
    where
        S: Stream<Item = Result<ModelEvent, ProviderError>>,
    {
        let bounds = self.account.cache_bounds()?;
        let provider = self.lineup.provider();
        let question = provider.fingerprint(asked);
        let kept = self.account.books.recall(&question, bounds).await?;
        let events = Reply::replayed(&kept)?;
        (self.report)(JobEvent::Phase(Phase::FromCache));
        used.calls += 1;
        used.from_cache = true;
        let label = format!("{}, from the cache", self.lineup.label());
        (self.report)(JobEvent::Engine(label));
        let booked = self
            .account
            .answered_from_cache(self.request, &provider)
            .await;
        let call = match booked {
            Ok(call) => call,
            Err(failure) => return Some(Err(failure.into())),
        };
        let mut events = std::pin::pin!(through(stream::iter(events).map(Ok).boxed()));
        let mut reply = Reply::default();
        while let Some(event) = events.next().await {
            // What was kept has no errors in it.
            let Ok(event) = event else { continue };
            reply.take(&event);
            match event {
                ModelEvent::Text(text) => hearing.text(text),
                ModelEvent::Stopped(reason) => {
                    if let Err(failure) = hearing.end(reason, reply.text.len()) {
                        return Some(Err(Broken {
                            failure,
                            reply,
                            has_ended: true,
                        }));
                    }
                }
                _ => {}
            }
        }
        (self.report)(used.event());
        Some(Ok((reply, call)))
    }

    /// Calls the model.
    async fn call<S>(
        &self,
        asked: &ModelRequest,
        used: &mut Used,
        through: &impl Fn(Answering) -> S,
        hearing: &mut impl Hearing,
        is_whole: bool,
    ) -> Result<(Reply, Booked), Broken>
    where
        S: Stream<Item = Result<ModelEvent, ProviderError>>,
    {
        let Self {
            request,
            lineup,
            account,
            report,
        } = self;
        let provider = lineup.provider();
        if std::mem::take(&mut used.from_cache) {
            report(JobEvent::Engine(lineup.label()));
        }
        report(JobEvent::Phase(Phase::Asking));
        report(JobEvent::Expected(account.expected(&provider, asked)));
        if used.calls >= account.budget.calls_per_job {
            return Err(Broken::from(JobFailure::TooManyCalls {
                limit: account.budget.calls_per_job,
                seconds: None,
            }));
        }
        used.calls += 1;
        self.keep_pace().await;
        let mut meter = account
            .reserve(request, &provider, &lineup.missing(), asked)
            .await?;
        let own = asked
            .max_output_tokens
            .or(provider.config().max_output_tokens);
        let mut bounded = ModelRequest {
            max_output_tokens: meter.bound(own),
            ..asked.clone()
        };
        if lineup.calls_nothing() {
            // Who stands in may be able to do less.
            bounded.tools.clear();
        }
        // As it was sent, with placeholders where secrets were.
        let raw = Arc::new(Mutex::new(Reply::default()));
        let heard = Arc::clone(&raw);
        let answer = provider.stream(&bounded).inspect(move |event| {
            if let Ok(event) = event {
                let mut raw = heard.lock().unwrap_or_else(PoisonError::into_inner);
                raw.take(event);
            }
        });
        let mut reply = Reply::default();
        let answer = through(answer.boxed());
        let ended = self
            .listen(answer, &mut meter, &mut reply, used, hearing)
            .await;
        match ended {
            Ok(()) => {
                let (call, usage, cost) = meter.answered();
                used.add(usage, cost);
                report(used.event());
                let raw = raw.lock().unwrap_or_else(PoisonError::into_inner);
                if let (true, Some(bounds), Some(kept)) =
                    (is_whole, account.cache_bounds(), raw.to_kept())
                {
                    let question = provider.fingerprint(asked);
                    account.books.keep(question, kept, bounds, call);
                }
                Ok((reply, call))
            }
            Err(failure) => {
                let has_ended = meter.has_ended();
                // The bound was the cap's.
                let failure = match (failure, meter.cut_by(own)) {
                    (JobFailure::Provider(ProviderError::Truncated { .. }), Some(room))
                        if has_ended =>
                    {
                        JobFailure::BudgetReached { room }
                    }
                    (failure, _) => failure,
                };
                let (usage, cost) = meter.failed(&failure);
                used.add(usage, cost);
                report(used.event());
                Err(Broken {
                    failure,
                    reply,
                    has_ended,
                })
            }
        }
    }

    /// Waits until the action may make one more call.
    async fn keep_pace(&self) {
        let action = self.request.action.name();
        let bound = self.account.per_minute.get(action).copied();
        let Some(bound) = bound.and_then(NonZeroU32::new) else {
            return;
        };
        let bucket = bucket_of(action, bound);
        while let Err(pause) = bucket.token() {
            (self.report)(JobEvent::Phase(Phase::Waiting {
                reason: format!("`{action}` asks no more often than actions.per_minute says"),
                seconds: pause.as_secs() + u64::from(pause.subsec_nanos() > 0),
            }));
            tokio::time::sleep(pause).await;
        }
    }

    /// Hears an answer to its end.
    async fn listen(
        &self,
        events: impl Stream<Item = Result<ModelEvent, ProviderError>>,
        meter: &mut Meter,
        reply: &mut Reply,
        used: &Used,
        hearing: &mut impl Hearing,
    ) -> Result<(), JobFailure> {
        let report = self.report;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            let event = event?;
            reply.take(&event);
            match event {
                ModelEvent::Started { .. }
                | ModelEvent::ToolCall { .. }
                | ModelEvent::Item(_)
                | ModelEvent::Raw(_) => {}
                ModelEvent::Thinking(text) | ModelEvent::ToolArguments { piece: text, .. } => {
                    meter.received(&text);
                }
                ModelEvent::Text(text) => {
                    meter.received(&text);
                    hearing.text(text);
                }
                ModelEvent::Usage(usage) => {
                    meter.counted(usage);
                    report(used.with(usage, meter.cost()));
                }
                ModelEvent::LeftInPeace { failures, seconds } => {
                    report(JobEvent::Notice(format!(
                        "`{}` failed {failures} times in a row and is left in peace for {seconds} s; the \
                         first question after that shows whether it works again",
                        self.lineup.provider().config().name
                    )));
                }
                ModelEvent::Waiting { reason, seconds } => {
                    report(JobEvent::Phase(Phase::Waiting { reason, seconds }));
                }
                ModelEvent::Stopped(reason) => {
                    meter.ended();
                    return hearing.end(reason, reply.text.len());
                }
            }
            // Here the stream is dropped, and with it the connection.
            if let Some(room) = meter.reached() {
                return Err(JobFailure::BudgetReached { room });
            }
        }
        Ok(())
    }
}

/// The pace of an action, the same for all jobs of this process.
fn bucket_of(action: &'static str, bound: NonZeroU32) -> Arc<Bucket> {
    type Buckets = BTreeMap<(&'static str, NonZeroU32), Arc<Bucket>>;
    static BUCKETS: Mutex<Buckets> = Mutex::new(BTreeMap::new());
    let mut buckets = BUCKETS.lock().unwrap_or_else(PoisonError::into_inner);
    let bucket = buckets.entry((action, bound));
    Arc::clone(bucket.or_insert_with(|| Arc::new(Bucket::new(bound))))
}

/// Does what asks the disk or the processor where it holds nothing up.
pub(crate) async fn aside<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JobFailure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_panic| JobFailure::Internal { doing })
}
