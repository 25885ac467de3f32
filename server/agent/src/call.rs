//! One call of a model on the account of a job: estimated, reserved under the caps, heard to its end or
//! to the cap, and settled.

use futures_util::{Stream, StreamExt as _};
use pleach_model::{
    MicroUsd, ModelEvent, ModelRequest, Provider, ProviderError, Reply, StopReason, Usage,
};
use pleach_policy::Secrets;

use crate::books::Booked;
use crate::failure::JobFailure;
use crate::job::{JobEvent, JobRequest, Phase, TokenCount};
use crate::meter::{Account, Meter};

/// What the calls of a job came to.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// What was hidden in them, to be put back into the answers.
    pub(crate) secrets: Secrets,
    calls: u32,
    tokens: TokenCount,
    cost: MicroUsd,
    /// The price of one of them is not known.
    is_unknown: bool,
}

impl Used {
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

    /// Whether an answer of so many bytes that ended so can be used.
    fn end(&self, reason: StopReason, bytes: usize) -> Result<(), JobFailure>;
}

/// Who calls, whom, on which account.
pub(crate) struct Caller<'a, R> {
    pub(crate) request: &'a JobRequest,
    pub(crate) provider: &'a Provider,
    pub(crate) account: &'a Account,
    pub(crate) report: &'a R,
}

impl<R: Fn(JobEvent) + Send + Sync> Caller<'_, R> {
    /// Receives one whole answer, and tells its number in the ledger. On failure what had come until then
    /// is handed back beside the reason. `stream` opens the connection.
    pub(crate) async fn receive<S>(
        &self,
        mut asked: ModelRequest,
        used: &mut Used,
        stream: impl FnOnce(&ModelRequest) -> S,
        hearing: &mut impl Hearing,
    ) -> Result<(Reply, Booked), (JobFailure, String)>
    where
        S: Stream<Item = Result<ModelEvent, ProviderError>>,
    {
        let Self {
            request,
            provider,
            account,
            report,
        } = self;
        let none = |failure| (failure, String::new());
        report(JobEvent::Phase(Phase::Asking));
        report(JobEvent::Expected(account.expected(provider, &asked)));
        if used.calls >= account.budget.calls_per_job {
            return Err(none(JobFailure::TooManyCalls {
                limit: account.budget.calls_per_job,
                seconds: None,
            }));
        }
        used.calls += 1;
        let mut meter = account
            .reserve(request, provider, &asked)
            .await
            .map_err(none)?;
        let own = asked
            .max_output_tokens
            .or(provider.config().max_output_tokens);
        asked.max_output_tokens = meter.bound(own);
        let mut reply = Reply::default();
        let events = stream(&asked);
        let ended = self
            .listen(events, &mut meter, &mut reply, used, hearing)
            .await;
        match ended {
            Ok(()) => {
                let (call, usage, cost) = meter.answered();
                used.add(usage, cost);
                report(used.event());
                Ok((reply, call))
            }
            Err(failure) => {
                // The bound was the cap's.
                let failure = match (failure, meter.cut_by(own)) {
                    (JobFailure::Provider(ProviderError::Truncated { .. }), Some(room))
                        if meter.has_ended() =>
                    {
                        JobFailure::BudgetReached { room }
                    }
                    (failure, _) => failure,
                };
                let (usage, cost) = meter.failed(&failure);
                used.add(usage, cost);
                report(used.event());
                Err((failure, reply.text))
            }
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

/// Does what asks the disk or the processor where it holds nothing up.
pub(crate) async fn aside<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JobFailure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_panic| JobFailure::Internal { doing })
}
