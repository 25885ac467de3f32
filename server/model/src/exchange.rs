//! A question with one answer that is not streamed: within bounds of time and size, through the same
//! traffic as every other, and asked again while that may help.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::decode::Complaint;
use crate::error::{ProviderError, TimeoutPhase};
use crate::provider::Provider;
use crate::refusal::{self, Setback};
use crate::wire::Pieces;

/// Bytes of an answer that are read. 64 embeddings of 4,096 numbers, each written with 20 digits, are
/// six million.
const ANSWER_BYTES: usize = 32 << 20;
/// How often a question is repeated that a server put off.
const REPEATS: usize = 3;
/// The longest pause before a repetition.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How much patience a question is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// How long all of it may take, with its pauses.
    pub(crate) within: Duration,
    /// Whether it is asked again when the server is busy.
    pub(crate) repeats: bool,
}

/// Asks, and gives the JSON that is answered. Dropping it closes the connection.
pub(crate) async fn ask(
    provider: &Provider,
    path: &str,
    body: &Map<String, Value>,
    patience: Patience,
) -> Result<Value, ProviderError> {
    let until = Instant::now() + patience.within;
    timeout_at(until, repeatedly(provider, path, body, patience, until))
        .await
        .unwrap_or_else(|_| Err(provider.silent(TimeoutPhase::Total, patience.within)))
}

async fn repeatedly(
    provider: &Provider,
    path: &str,
    body: &Map<String, Value>,
    patience: Patience,
    until: Instant,
) -> Result<Value, ProviderError> {
    let repeats = if patience.repeats { REPEATS } else { 0 };
    let mut backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(repeats)
        .with_jitter()
        .build();
    loop {
        let setback = match once(provider, path, body).await {
            Ok(answer) => return Ok(answer),
            Err(setback) => setback,
        };
        let own = backoff.next().filter(|_| setback.may_pass);
        let Some(own) = own else {
            return Err(setback.error);
        };
        let pause = setback.retry_after.unwrap_or(own);
        if pause > LONGEST_PAUSE || pause >= until - Instant::now() {
            return Err(setback.error);
        }
        sleep(pause).await;
    }
}

/// One attempt: a place among the answers that are on their way, a token, leave, and the exchange.
async fn once(
    provider: &Provider,
    path: &str,
    body: &Map<String, Value>,
) -> Result<Value, Setback> {
    let traffic = provider.traffic();
    let _place = match traffic.place() {
        Some(place) => Some(place),
        None => traffic.next_place().await,
    };
    while let Err(pause) = traffic.token() {
        sleep(pause).await;
    }
    let leave = traffic.leave().map_err(|it| provider.resting(it))?;
    let answer = exchange(provider, path, body).await;
    match &answer {
        Err(setback) if setback.error.is_of_the_server() => {
            if let Some(rest) = leave.failed() {
                tracing::warn!(
                    provider = provider.name(),
                    seconds = rest.as_secs(),
                    "left in peace after repeated failures, the last of them: {}",
                    setback.error
                );
            }
        }
        // It answers, if not as one might wish.
        _ => leave.works(),
    }
    answer
}

async fn exchange(
    provider: &Provider,
    path: &str,
    body: &Map<String, Value>,
) -> Result<Value, Setback> {
    let config = provider.config();
    let first = config.first_byte_timeout;
    let answered = timeout(first, provider.send_to(path, "application/json", body))
        .await
        .map_err(|_| provider.silent(TimeoutPhase::FirstByte, first))??;
    if !answered.status.is_success() {
        return Err(provider.refused(answered).await);
    }
    let text = whole(provider, answered.pieces).await?;
    let answer: Value = serde_json::from_slice(&text).map_err(|error| {
        if error.is_eof() {
            return ProviderError::Truncated { bytes: text.len() };
        }
        let is_page = text.trim_ascii_start().starts_with(b"<");
        let why = if is_page {
            "a web page instead of an answer".to_owned()
        } else {
            error.to_string()
        };
        provider.unreadable(&why)
    })?;
    if let Some(complaint) = Complaint::in_answer(&answer, None) {
        return Err(refusal::of_complaint(provider, 200, &complaint, None).into());
    }
    Ok(answer)
}

/// All that comes, within its bounds.
async fn whole(provider: &Provider, mut pieces: Pieces) -> Result<Vec<u8>, ProviderError> {
    let idle = provider.config().idle_timeout;
    let mut text = Vec::new();
    loop {
        let piece = timeout(idle, pieces.next())
            .await
            .map_err(|_| provider.silent(TimeoutPhase::Idle, idle))?;
        let Some(piece) = piece else { return Ok(text) };
        let piece = piece.map_err(|lost| {
            if lost.is_garbled {
                return provider.unreadable(&lost.why);
            }
            ProviderError::ConnectionLost {
                provider: provider.name().to_owned(),
                bytes: text.len(),
                why: provider.presentable(&lost.why),
            }
        })?;
        if text.len() + piece.len() > ANSWER_BYTES {
            let why = format!("more than {ANSWER_BYTES} bytes in one answer");
            return Err(provider.unreadable(&why));
        }
        text.extend_from_slice(&piece);
    }
}
