//! The meter of one call: estimated and reserved before it, watched during it, settled after it, however
//! it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use pleach_exec::Variables;
use pleach_model::{
    MicroUsd, ModelRequest, PriceTable, Provider, ProviderConfig, ProviderError, TimeoutPhase,
    ToldCall, Usage, likely_tokens,
};
use pleach_policy::{BudgetSettings, CacheSettings, LedgerSettings, ProviderSettings, Room};
use pleach_store::{
    CacheBounds, CallOutcome, CallTokens, CostEstimate, Measure, NewCall, Reserved, Settlement,
    SharedLedger,
};
use serde_json::json;

use crate::books::{Booked, Books, NotReserved};
use crate::context::{Manifest, Piece};
use crate::failure::JobFailure;
use crate::job::JobRequest;

/// An answer that may have fewer tokens than this is not worth its request.
const WORTHWHILE: u64 = 64;
/// How much longer than its longest time a call may go on: for the last writes.
const GRACE: Duration = Duration::from_mins(1);
/// What calls that embed texts are for.
pub(crate) const EMBED: &str = "embed";

/// Who pays for a job, and within which bounds.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where it is written down.
    pub books: Books,
    /// The caps.
    pub budget: BudgetSettings,
    /// What is kept of answers.
    pub cache: CacheSettings,
    /// How many calls an action may make within a minute, by its name.
    pub per_minute: BTreeMap<String, u32>,
    /// What models cost.
    pub prices: Arc<PriceTable>,
    /// The workspace folder, as it is written down.
    pub workspace: String,
    /// The number of the job, in its session.
    pub job: u64,
    /// What its calls are for, where that is no action.
    pub purpose: Option<&'static str>,
}

/// The ledger that the settings share with others, and the name of the person there.
pub fn shared_ledger(
    settings: &LedgerSettings,
    variables: &Variables,
) -> Option<(SharedLedger, String)> {
    let url = settings.url.clone()?;
    let variable = |name: &str| variables(name).filter(|value| !value.is_empty());
    let password = settings.password_env.as_deref().and_then(variable);
    let person = settings.person.clone();
    let person = person.or_else(|| variable("USER").or_else(|| variable("USERNAME")));
    Some((SharedLedger { url, password }, person.unwrap_or_default()))
}

/// What it costs to send so many bytes of source code, as it mostly is; `None` when the price is unknown.
/// From memory, for menus.
pub fn cost_of_sending(
    prices: &PriceTable,
    name: &str,
    provider: &ProviderSettings,
    bytes: usize,
) -> Option<MicroUsd> {
    /// See [`likely_tokens`].
    const BYTES_A_TOKEN: usize = 4;
    let config = ProviderConfig::new(name, &provider.base_url, &provider.model);
    let usage = Usage {
        input_tokens: u64::try_from(bytes / BYTES_A_TOKEN).ok()?,
        ..Usage::default()
    };
    prices.cost(&config, &usage)
}

/// What a call will cost, before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Its price is unknown.
    Unknown,
    /// It costs so much.
    Cost {
        /// The request alone, as it mostly is.
        request: MicroUsd,
        /// The request and the longest answer; `None` when nothing bounds it.
        most: Option<MicroUsd>,
    },
}

impl Expected {
    /// What a request to this provider will cost.
    pub(crate) fn of(prices: &PriceTable, config: &ProviderConfig, asked: &ModelRequest) -> Self {
        let estimate = prices.estimate(config, asked);
        let usage = Usage {
            input_tokens: estimate.likely_input_tokens,
            ..Usage::default()
        };
        let request = prices.cost(config, &usage);
        request.map_or(Self::Unknown, |request| Self::Cost {
            request,
            most: estimate.cost.map(|cost| *cost.end()),
        })
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("cost unknown"),
            Self::Cost {
                request,
                most: None,
            } => write!(f, "from {request}"),
            Self::Cost {
                request,
                most: Some(most),
            } => write!(f, "{request} to {most}"),
        }
    }
}

/// The meter of a call that is on its way. Dropped, it settles the call as cancelled.
#[derive(Debug)]
pub(crate) struct Meter {
    account: Account,
    provider: Provider,
    call: Booked,
    /// Tokens of the request, as they mostly are.
    likely_input: u64,
    /// What must not be exceeded.
    amount: Option<MicroUsd>,
    /// The cap that bounds the call more tightly than its model does.
    bounded_by: Option<Room>,
    /// The most tokens of the answer that the cap allows.
    affordable: Option<u32>,
    usage: Option<Usage>,
    /// Tokens of what came, by its length.
    received: u64,
    /// The answer came to its end.
    has_ended: bool,
    begun: Instant,
    /// Who asks.
    role: String,
    first: Option<Duration>,
    is_settled: bool,
}

impl Account {
    /// What a request will cost.
    pub(crate) fn expected(&self, provider: &Provider, asked: &ModelRequest) -> Expected {
        Expected::of(&self.prices, provider.config(), asked)
    }

    /// Sets aside what a call may cost and writes down what is about to be sent where.
    pub(crate) async fn reserve(
        &self,
        request: &JobRequest,
        provider: &Provider,
        in_place_of: &[String],
        asked: &ModelRequest,
    ) -> Result<Meter, JobFailure> {
        let config = provider.config();
        let estimate = self.prices.estimate(config, asked);
        // The request as large as it can be, because what is sent is spent, and a few words.
        let input = *estimate.input_tokens.end();
        let least = self.prices.cost(
            config,
            &Usage {
                input_tokens: input,
                output_tokens: estimate.output_tokens.unwrap_or(WORTHWHILE).min(WORTHWHILE),
                ..Usage::default()
            },
        );
        let may_be_unknown = self.budget.allow_unknown_prices || provider.is_on_this_machine();
        if least.is_none() && self.budget.has_caps() && !may_be_unknown {
            return Err(JobFailure::PriceUnknown {
                provider: config.name.clone(),
                model: config.model.clone(),
            });
        }
        let cost = least.map(|least| CostEstimate {
            least,
            most: estimate.cost.map(|cost| *cost.end()),
        });
        let booked = self.book(request, config, cost).await?;
        let (call, amount, bounded_by) = booked;
        let affordable = bounded_by
            .and_then(|room| self.prices.affordable(config, input, room.left))
            .map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
        let body = json!({
            "call": call.number(), "provider": config.name, "address": provider.base_url(),
            "model": config.model, "action": self.action(request),
            "role": self.role(request), "files": request.document.named(),
            "tokens": estimate.likely_input_tokens, "request": provider.fingerprint(asked),
            "in_place_of": in_place_of,
        });
        self.books.record("asked", &self.workspace, self.job, body);
        Ok(Meter {
            account: self.clone(),
            provider: provider.clone(),
            call,
            likely_input: estimate.likely_input_tokens,
            amount,
            bounded_by,
            affordable,
            usage: None,
            received: 0,
            has_ended: false,
            begun: Instant::now(),
            role: self.role(request).to_owned(),
            first: None,
            is_settled: false,
        })
    }
}

impl Account {
    /// Writes down which parts of the workspace the first request of a job has, beside its document.
    pub(crate) fn sent(&self, manifest: &Manifest) {
        let Manifest {
            pieces,
            mentioned,
            changed,
            ..
        } = manifest;
        if pieces.is_empty() && mentioned.is_empty() && changed.is_empty() {
            return;
        }
        let in_words = |pieces: &[Piece]| -> Vec<String> {
            let pieces = pieces.iter();
            let word =
                |it: &Piece| format!("{}:{}-{} {}", it.path, it.first, it.last, it.shape.word());
            pieces.map(word).collect()
        };
        let body = json!({
            "tokens": manifest.tokens, "pieces": in_words(pieces), "mentioned": in_words(mentioned),
            "changed": changed,
        });
        self.books
            .record("context", &self.workspace, self.job, body);
    }

    /// What a call is for, as it is written down.
    fn action(&self, request: &JobRequest) -> &'static str {
        self.purpose.unwrap_or(request.action.name())
    }

    /// Who asks, as it is written down.
    fn role<'a>(&self, request: &'a JobRequest) -> &'a str {
        match self.purpose {
            Some(EMBED) => "index",
            _ => request.role_name(),
        }
    }

    /// Writes a call into the ledger, if the caps leave room for it.
    async fn book(
        &self,
        request: &JobRequest,
        config: &ProviderConfig,
        estimate: Option<CostEstimate>,
    ) -> Result<(Booked, Option<MicroUsd>, Option<Room>), JobFailure> {
        let now = SystemTime::now();
        let call = NewCall {
            at: now,
            deadline: now + config.total_timeout + GRACE,
            server: self.books.server().to_owned(),
            person: String::new(),
            workspace: self.workspace.clone(),
            job: self.job,
            action: self.action(request).to_owned(),
            role: self.role(request).to_owned(),
            provider: config.name.clone(),
            model: config.model.clone(),
            estimate,
        };
        let reserved = self.books.reserve(call, &self.budget).await;
        let reserved = reserved.map_err(|cause| match cause {
            NotReserved::TooOften(wait) => JobFailure::TooManyCalls {
                limit: self.budget.calls_per_minute,
                seconds: Some(wait.as_secs().max(1)),
            },
            NotReserved::Store(cause) => JobFailure::Ledger {
                cause: cause.to_string(),
            },
            NotReserved::Closed => JobFailure::Ledger {
                cause: "its thread has ended".to_owned(),
            },
        })?;
        match reserved {
            (
                Reserved::Granted {
                    id,
                    amount,
                    bounded_by,
                },
                ledger,
            ) => Ok((Booked { ledger, id }, amount, bounded_by)),
            (Reserved::Refused { room, least }, _) => Err(JobFailure::OverBudget {
                room,
                needed: least,
            }),
        }
    }

    /// Writes down that a question was answered from the cache, and cost nothing.
    pub(crate) async fn answered_from_cache(
        &self,
        request: &JobRequest,
        provider: &Provider,
    ) -> Result<Booked, JobFailure> {
        let config = provider.config();
        let nothing = CostEstimate {
            least: MicroUsd(0),
            most: Some(MicroUsd(0)),
        };
        let (call, ..) = self.book(request, config, Some(nothing)).await?;
        self.books.settle(call, Settlement::from_cache());
        let body = json!({
            "call": call.number(), "provider": config.name, "model": config.model,
            "action": self.action(request), "files": request.document.named(),
        });
        self.books
            .record("from-cache", &self.workspace, self.job, body);
        Ok(call)
    }

    /// How long and how much is kept of answers; `None` when nothing is.
    pub(crate) fn cache_bounds(&self) -> Option<CacheBounds> {
        const MEGABYTE: u64 = 1_000_000;
        self.cache.enabled.then(|| CacheBounds {
            age: Duration::from_hours(self.cache.hours.into()),
            bytes: u64::from(self.cache.megabytes) * MEGABYTE,
        })
    }
}

impl Meter {
    /// The bound on the tokens of the answer, with the one that the cap allows.
    pub(crate) fn bound(&self, own: Option<u32>) -> Option<u32> {
        match (own, self.affordable) {
            (Some(own), Some(affordable)) => Some(own.min(affordable)),
            (own, affordable) => own.or(affordable),
        }
    }

    /// Takes note of a piece of the answer, or of the model's reasoning.
    pub(crate) fn received(&mut self, text: &str) {
        self.first.get_or_insert_with(|| self.begun.elapsed());
        self.received = self.received.saturating_add(likely_tokens(text));
    }

    /// Takes note of the provider's counts.
    pub(crate) fn counted(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// Takes note of the answer's end: the counts are those of the whole.
    pub(crate) fn ended(&mut self) {
        self.has_ended = true;
    }

    /// Whether the answer came to its end.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The cap that this call has reached, if it has: it must be stopped.
    pub(crate) fn reached(&self) -> Option<Room> {
        let room = self.bounded_by?;
        let is_reached = self.cost()? >= self.amount?;
        is_reached.then_some(room)
    }

    /// The cap that cut the answer off, if one did: no other bound was as tight.
    pub(crate) fn cut_by(&self, own: Option<u32>) -> Option<Room> {
        let affordable = self.affordable?;
        self.bounded_by
            .filter(|_| own.is_none_or(|own| affordable < own))
    }

    /// What it has cost until now; `None` when the price is unknown.
    pub(crate) fn cost(&self) -> Option<MicroUsd> {
        let usage = self.usage_so_far();
        self.account.prices.cost(self.provider.config(), &usage)
    }

    /// Settles a call that came to its end. Its number, for the gate's word, its tokens, and what they
    /// have cost.
    pub(crate) fn answered(mut self) -> (Booked, Usage, Option<MicroUsd>) {
        let (usage, cost) = self.settle(self.measure(None), CallOutcome::Answered, None);
        (self.call, usage, cost)
    }

    /// Settles a call that failed. Its tokens, and what they have cost.
    pub(crate) fn failed(mut self, failure: &JobFailure) -> (Usage, Option<MicroUsd>) {
        let outcome = match failure {
            JobFailure::BudgetReached { .. } => CallOutcome::Stopped,
            _ => CallOutcome::Failed,
        };
        let error = match failure {
            JobFailure::Provider(error) => Some(error),
            _ => None,
        };
        self.settle(self.measure(error), outcome, Some(failure.code()))
    }

    /// Who has counted the tokens of a call that ended so.
    fn measure(&self, error: Option<&ProviderError>) -> Measure {
        let nothing_came = self.usage.is_none() && self.received == 0;
        match error {
            _ if self.has_ended && self.usage.is_some() => Measure::Provider,
            Some(error) if nothing_came && !may_be_billed(error) => Measure::Nothing,
            _ => Measure::Estimate,
        }
    }

    /// The counts so far: the provider's where it gave some, and what came is counted at least.
    fn usage_so_far(&self) -> Usage {
        if let (true, Some(usage)) = (self.has_ended, self.usage) {
            return usage;
        }
        let mut usage = self.usage.unwrap_or(Usage {
            input_tokens: self.likely_input,
            ..Usage::default()
        });
        usage.output_tokens = usage.output_tokens.max(self.received);
        usage
    }

    fn settle(
        &mut self,
        measure: Measure,
        outcome: CallOutcome,
        code: Option<&str>,
    ) -> (Usage, Option<MicroUsd>) {
        let usage = match measure {
            Measure::Provider => self.usage.unwrap_or_default(),
            Measure::Estimate => self.usage_so_far(),
            Measure::Nothing => Usage::default(),
        };
        self.is_settled = true;
        let cost = match measure {
            // Nothing costs nothing, whatever the price.
            Measure::Nothing => Some(MicroUsd(0)),
            _ => self.account.prices.cost(self.provider.config(), &usage),
        };
        let tokens = CallTokens {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cached: usage.cached_tokens,
            cache_write: usage.cache_write_tokens,
            reasoning: usage.reasoning_tokens,
        };
        let body = json!({
            "call": self.call.number(), "outcome": outcome.name(), "code": code, "counted": measure.name(),
            "input": tokens.input, "output": tokens.output, "micro_usd": cost.map(|cost| cost.0),
        });
        let account = &self.account;
        account
            .books
            .record("answered", &account.workspace, account.job, body);
        if let Some(telemetry) = account.books.telemetry() {
            let config = self.provider.config();
            let time = self.begun.elapsed();
            telemetry.call(ToldCall {
                begun: SystemTime::now() - time,
                time,
                format: config.format,
                provider: config.name.clone(),
                model: config.model.clone(),
                role: self.role.clone(),
                input_tokens: tokens.input,
                output_tokens: tokens.output,
                cost,
                error: code.map(str::to_owned),
            });
        }
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        account.books.settle(
            self.call,
            Settlement {
                tokens,
                measure,
                cost,
                outcome,
                code: code.map(str::to_owned),
                first_ms: self.first.map(millis),
                total_ms: millis(self.begun.elapsed()),
            },
        );
        (usage, cost)
    }
}

/// Whether a request that ended so before its first word may be on the bill: the server may have worked
/// on it. What it refused, and what did not reach it, is not.
fn may_be_billed(error: &ProviderError) -> bool {
    match error {
        ProviderError::Timeout { phase, .. } => *phase != TimeoutPhase::Connect,
        ProviderError::ConnectionLost { .. }
        | ProviderError::Truncated { .. }
        | ProviderError::BadReply { .. }
        | ProviderError::Refused => true,
        _ => false,
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if !self.is_settled {
            self.settle(Measure::Estimate, CallOutcome::Cancelled, Some("cancelled"));
        }
    }
}
