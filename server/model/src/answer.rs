//! An answer on its way: asked for, asked for again while that is harmless, read to its end.

use std::collections::VecDeque;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::decode::{Broken, Decoder};
use crate::error::{ProviderError, TimeoutPhase};
use crate::provider::Provider;
use crate::refusal::{self, Setback};
use crate::traffic::Leave;
use crate::wire::{Patience, Wire, WireError};
use crate::{ModelEvent, StopReason};

/// How often a request is repeated that a server put off.
const REPEATS: usize = 3;
/// How often a request is put in other words for a server that does not know one of them.
const ADAPTATIONS: usize = 2;
/// The longest pause before a repetition; a server that asks for more is told to the person instead.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Asks and reads. Nothing is sent before the stream is polled.
pub(crate) fn stream(
    provider: Provider,
    body: Map<String, Value>,
) -> BoxStream<'static, Result<ModelEvent, ProviderError>> {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(REPEATS)
        .with_jitter()
        .build();
    let answer = Answer {
        provider,
        body,
        backoff,
        until: None,
        place: None,
        leave: None,
        ready: VecDeque::new(),
        state: State::Enter,
        is_started: false,
        written: 0,
        has_spoken: false,
    };
    stream::unfold(answer, |mut answer| async move {
        let item = answer.next().await?;
        Some((item, answer))
    })
    .boxed()
}

struct Answer {
    provider: Provider,
    body: Map<String, Value>,
    backoff: ExponentialBackoff,
    /// When the whole answer must have come, known from the first poll on.
    until: Option<Instant>,
    /// Its place among the answers that are on their way.
    place: Option<OwnedSemaphorePermit>,
    leave: Option<Leave>,
    ready: VecDeque<Result<ModelEvent, ProviderError>>,
    state: State,
    is_started: bool,
    /// Tokens of the answer, as the server counts them.
    written: u64,
    /// A word was given out. From then on asking again would cost twice and say something else.
    has_spoken: bool,
}

enum State {
    /// The request is to be sent as soon as the traffic allows it.
    Enter,
    /// Other answers are on their way.
    Queue,
    /// The request is to be sent.
    Ask,
    /// The request is to be sent after a pause.
    Pause(Duration),
    /// Events come in.
    Read(Box<Wire>, Decoder),
    /// Nothing more comes.
    Over,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ModelEvent, ProviderError>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let total = self.provider.config().total_timeout;
            let until = *self.until.get_or_insert_with(|| Instant::now() + total);
            let step = match timeout_at(until, self.step()).await {
                Ok(None) => return None,
                Ok(Some(step)) => step,
                Err(_) => {
                    // Nothing is left of the time, whatever may pass.
                    let error = self.provider.silent(TimeoutPhase::Total, total);
                    Err(Setback::from(error))
                }
            };
            if let Err(setback) = step {
                self.set_back(setback);
            }
        }
    }

    /// One step towards the next event; `None` when nothing more comes.
    async fn step(&mut self) -> Option<Result<(), Setback>> {
        let step = match &mut self.state {
            State::Over => return None,
            State::Pause(pause) => {
                tokio::time::sleep(*pause).await;
                self.state = State::Enter;
                Ok(())
            }
            State::Enter => self.enter(),
            State::Queue => {
                self.place = self.provider.traffic().next_place().await;
                self.state = State::Enter;
                Ok(())
            }
            State::Ask => self.ask().await,
            State::Read(..) => self.read().await,
        };
        Some(step)
    }

    /// Asks the traffic for a place, a token and leave.
    fn enter(&mut self) -> Result<(), Setback> {
        let provider = &self.provider;
        let traffic = provider.traffic();
        if self.place.is_none() {
            self.place = traffic.place();
        }
        if self.place.is_none() {
            let reason = format!("`{}` is busy with other answers", provider.name());
            self.state = State::Queue;
            self.wait(reason, 0);
            return Ok(());
        }
        if let Err(pause) = traffic.token() {
            let reason = format!(
                "`{}` is asked no more often than requests_per_minute says",
                provider.name()
            );
            self.pause(reason, pause);
            return Ok(());
        }
        match traffic.leave() {
            Ok(leave) => {
                self.leave = Some(leave);
                self.state = State::Ask;
                Ok(())
            }
            Err(resting) => Err(provider.resting(resting).into()),
        }
    }

    fn wait(&mut self, reason: String, seconds: u64) {
        self.ready
            .push_back(Ok(ModelEvent::Waiting { reason, seconds }));
    }

    fn pause(&mut self, reason: String, pause: Duration) {
        // Not shorter than it is.
        let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        self.wait(reason, seconds.max(1));
        self.state = State::Pause(pause);
    }

    /// Sends the request and waits for the head of its response.
    async fn ask(&mut self) -> Result<(), Setback> {
        let config = self.provider.config();
        let (first, idle) = (config.first_byte_timeout, config.idle_timeout);
        let first_until = Instant::now() + first;
        let mut adaptations = 0;
        loop {
            let provider = &self.provider;
            let answered = timeout_at(first_until, provider.send(&self.body))
                .await
                .map_err(|_| provider.silent(TimeoutPhase::FirstByte, first))??;
            if answered.status.is_success() {
                let patience = Patience {
                    first_until,
                    first,
                    idle,
                };
                let wire = Wire::new(answered.pieces, provider.dialect().framing(), patience);
                let decoder = Decoder::new(config.format);
                self.state = State::Read(Box::new(wire), decoder);
                return Ok(());
            }
            let setback = provider.refused(answered).await;
            match &setback.error {
                ProviderError::Http {
                    status: 400 | 422,
                    message,
                    ..
                } if adaptations < ADAPTATIONS
                    && provider.dialect().adapt(&mut self.body, message) =>
                {
                    adaptations += 1;
                }
                _ => return Err(setback),
            }
        }
    }

    /// Reads one payload.
    async fn read(&mut self) -> Result<(), Setback> {
        let State::Read(wire, decoder) = &mut self.state else {
            return Ok(());
        };
        let events = match wire.next().await {
            None => return self.end(),
            // The answer is whole, only its mark of the end is missing.
            Some(Err(_)) if decoder.is_ending() => return self.end(),
            Some(Err(error)) => {
                let bytes = decoder.bytes;
                return Err(self.cut(error, bytes));
            }
            Some(Ok(payload)) => decoder.decode(&payload),
        };
        let (is_done, bytes) = (decoder.is_done(), decoder.bytes);
        if decoder.is_ending() {
            wire.is_ending();
        }
        let events = events.map_err(|broken| self.broken(broken, bytes))?;
        self.give(events);
        if is_done { self.end() } else { Ok(()) }
    }

    /// The bound on tokens that a response was asked with.
    fn bound(&self) -> Option<u64> {
        self.body.get("max_output_tokens")?.as_u64()
    }

    /// Hands events out.
    fn give(&mut self, events: Vec<ModelEvent>) {
        for mut event in events {
            match &mut event {
                ModelEvent::Started { model } => {
                    if std::mem::replace(&mut self.is_started, true) {
                        continue;
                    }
                    if model.is_empty() {
                        self.provider.model().clone_into(model);
                    }
                }
                ModelEvent::Usage(usage) => self.written = usage.output_tokens,
                // A word of the server's, which people will read.
                ModelEvent::Stopped(StopReason::Other(word)) => {
                    *word = self.provider.presentable(word);
                }
                // llama.cpp's responses call an answer complete that its bound has cut off.
                ModelEvent::Stopped(reason @ StopReason::EndTurn)
                    if self.bound().is_some_and(|bound| self.written >= bound) =>
                {
                    *reason = StopReason::MaxTokens;
                }
                word if word.is_word() => {
                    self.has_spoken = true;
                    if let Some(leave) = self.leave.take() {
                        leave.works();
                    }
                    if let State::Read(wire, _) = &self.state {
                        wire.is_speaking();
                    }
                }
                _ => {}
            }
            self.ready.push_back(Ok(event));
        }
    }

    /// The stream has ended: how does the answer?
    fn end(&mut self) -> Result<(), Setback> {
        let State::Read(_, decoder) = &mut self.state else {
            return Ok(());
        };
        let held = decoder.flush();
        let (last, bytes) = (decoder.finish(), decoder.bytes);
        self.give(held);
        let last = last.map_err(|broken| self.broken(broken, bytes))?;
        self.give(last);
        if let Some(leave) = self.leave.take() {
            leave.works();
        }
        self.place = None;
        self.state = State::Over;
        Ok(())
    }

    /// Something went wrong: asks again after a pause if that is harmless and may help, or gives up.
    fn set_back(&mut self, setback: Setback) {
        let held = match std::mem::replace(&mut self.state, State::Over) {
            State::Read(_, mut decoder) => decoder.flush(),
            _ => Vec::new(),
        };
        // While it pauses, others may have its place.
        self.place = None;
        let is_resting = self.learn(&setback);
        let may_repeat = setback.may_pass && !is_resting && !self.has_spoken && held.is_empty();
        if may_repeat && let Some(own) = self.backoff.next() {
            let pause = setback.retry_after.unwrap_or(own);
            let left = self.until.map(|until| until - Instant::now());
            // A pause that eats up all of the time is no help either.
            if pause <= LONGEST_PAUSE && left.is_none_or(|left| pause < left) {
                self.pause(setback.error.to_string(), pause);
                return;
            }
        }
        self.give(held);
        self.ready.push_back(Err(setback.error));
    }

    /// Tells the traffic what became of an attempt. Whether it is better to make no more.
    fn learn(&mut self, setback: &Setback) -> bool {
        let Some(leave) = self.leave.take() else {
            return false;
        };
        if !setback.error.is_of_the_server() {
            // It answers, if not as one might wish.
            leave.works();
            return false;
        }
        let Some(rest) = leave.failed() else {
            return false;
        };
        tracing::warn!(
            provider = self.provider.name(),
            seconds = rest.as_secs(),
            "left in peace after repeated failures, the last of them: {}",
            setback.error
        );
        self.ready.push_back(Ok(ModelEvent::LeftInPeace {
            failures: self.provider.standing().failures,
            seconds: rest.as_secs(),
        }));
        true
    }

    fn cut(&self, error: WireError, bytes: usize) -> Setback {
        let provider = &self.provider;
        let error = match error {
            WireError::Silent(phase, after) => provider.silent(phase, after),
            WireError::Cut(why) => ProviderError::ConnectionLost {
                provider: provider.name().to_owned(),
                bytes,
                why: provider.presentable(&why),
            },
            other @ (WireError::TooLarge(..)
            | WireError::WebPage
            | WireError::NotText
            | WireError::NoEvents
            | WireError::Garbled(_)) => provider.unreadable(&other.to_string()),
        };
        error.into()
    }

    fn broken(&self, broken: Broken, bytes: usize) -> Setback {
        let error = match broken {
            Broken::Reported(complaint) => {
                refusal::of_complaint(&self.provider, 200, &complaint, None)
            }
            Broken::Unreadable(why) => self.provider.unreadable(&why),
            Broken::Truncated => ProviderError::Truncated { bytes },
        };
        error.into()
    }
}
