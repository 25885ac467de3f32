//! A server that speaks OpenAI's chat completions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sse_stream::SseByteStream;
use tokio::time::timeout;

use crate::connection::{CONNECT_WITHIN, client, explained};
use crate::decode::{Broken, Decoder, ErrorObject};
use crate::error::{ProviderError, TimeoutPhase};
use crate::{ModelEvent, ModelRequest, Speaker};

/// Bytes that an answer may have on the wire. No honest answer comes near.
const ANSWER_BYTES: usize = 64 << 20;
/// Bytes of an error's body that are read.
const ERROR_BYTES: usize = 16 << 10;
/// Characters of an error's message that are shown.
const ERROR_SHOWN: usize = 300;
/// How often a request is repeated that a server put off.
const REPEATS: usize = 3;
/// The longest pause before a repetition; a server that asks for more is told to the person instead.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long `probe` waits.
const PROBE_WITHIN: Duration = Duration::from_secs(5);

/// How to reach a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderConfig {
    /// Its name in the settings, for messages.
    pub name: String,
    /// Where it is, with or without a trailing `/v1`.
    pub base_url: String,
    /// The model to ask.
    pub model: String,
    /// Headers to send along. None may carry a key.
    pub headers: Vec<(String, String)>,
    /// Sent when set; many models accept none.
    pub temperature: Option<f32>,
    /// Sent as `max_tokens` when set and the request names no bound of its own.
    pub max_output_tokens: Option<u32>,
    /// How long the first piece of an answer may take.
    pub first_byte_timeout: Duration,
    /// How long each further piece may take.
    pub idle_timeout: Duration,
}

impl ProviderConfig {
    /// A configuration with nothing special: 60 s for the first word, 30 s for each further one.
    pub fn new(name: &str, base_url: &str, model: &str) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            model: model.into(),
            headers: Vec::new(),
            temperature: None,
            max_output_tokens: None,
            first_byte_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(30),
        }
    }
}

/// A provider that can be asked. Cheap to clone; opens no connection until it is asked.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    config: ProviderConfig,
    base_url: String,
    headers: HeaderMap,
    key: Option<SecretString>,
}

/// What [`Provider::probe`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// The models that the server offers, in its order.
    pub models: Vec<String>,
    /// Whether the configured one is among them. `None` when the server lists none.
    pub has_model: Option<bool>,
}

impl Provider {
    /// Checks the configuration. `key` is sent as a bearer token.
    pub fn new(config: ProviderConfig, key: Option<SecretString>) -> Result<Self, ProviderError> {
        let unusable = |why: String| ProviderError::Settings {
            provider: config.name.clone(),
            why,
        };
        let base_url = normalised(&config.base_url).map_err(unusable)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| unusable(format!("`{name}` is no name of a header")))?;
            let value = HeaderValue::try_from(value.as_str()).map_err(|_| {
                unusable(format!("the value of the header `{name}` is not allowed"))
            })?;
            headers.insert(name, value);
        }
        Ok(Self(Arc::new(Inner {
            config,
            base_url,
            headers,
            key,
        })))
    }

    /// The model and the provider, as people are told what answered: `qwen (local)`.
    pub fn label(&self) -> String {
        format!("{} ({})", self.0.config.model, self.0.config.name)
    }

    /// Where requests go: the configured address, completed.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// Asks the model. Nothing is sent before the stream is polled; dropping it closes the
    /// connection. The last item is [`ModelEvent::Stopped`] or an error.
    pub fn stream(
        &self,
        request: &ModelRequest,
    ) -> BoxStream<'static, Result<ModelEvent, ProviderError>> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(REPEATS)
            .with_jitter()
            .build();
        let body = self.body(request);
        let answer = Answer {
            provider: self.clone(),
            body,
            backoff,
            ready: VecDeque::new(),
            state: State::Ask,
        };
        stream::unfold(answer, |mut answer| async move {
            let item = answer.next().await?;
            if item.is_err() {
                answer.state = State::Over;
            }
            Some((item, answer))
        })
        .boxed()
    }

    /// Asks which models there are, to see whether the address and the key are right. Sends no
    /// prompt and costs nothing.
    pub async fn probe(&self) -> Result<ProbeReport, ProviderError> {
        let request = self.request(|client| client.get(format!("{}/models", self.0.base_url)))?;
        let response = timeout(PROBE_WITHIN, request.send())
            .await
            .map_err(|_| self.silent(TimeoutPhase::FirstByte, PROBE_WITHIN))?
            .map_err(|error| self.network(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let body = timeout(PROBE_WITHIN, self.whole(response, ANSWER_BYTES))
            .await
            .map_err(|_| self.silent(TimeoutPhase::Idle, PROBE_WITHIN))??;
        let body: Value =
            serde_json::from_slice(&body).map_err(|error| self.unreadable(&error.to_string()))?;
        let models: Vec<String> = body
            .get("data")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|model| model.get("id")?.as_str().map(str::to_owned))
            .collect();
        let has_model =
            (!models.is_empty()).then(|| models.iter().any(|it| *it == self.0.config.model));
        Ok(ProbeReport { models, has_model })
    }

    fn body(&self, request: &ModelRequest) -> Value {
        let mut messages = vec![json!({"role": "system", "content": request.system})];
        messages.extend(request.messages.iter().map(|message| {
            let role = match message.speaker {
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            };
            json!({"role": role, "content": message.text})
        }));
        let mut body = json!({
            "model": self.0.config.model,
            "messages": messages,
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        if let Some(fields) = body.as_object_mut() {
            if let Some(bound) = request
                .max_output_tokens
                .or(self.0.config.max_output_tokens)
            {
                fields.insert("max_tokens".into(), json!(bound));
            }
            if let Some(temperature) = request.temperature.or(self.0.config.temperature) {
                fields.insert("temperature".into(), json!(temperature));
            }
        }
        body
    }

    /// A request with this provider's headers and key.
    fn request(
        &self,
        make: impl FnOnce(&Client) -> RequestBuilder,
    ) -> Result<RequestBuilder, ProviderError> {
        let client = client().map_err(|why| ProviderError::Settings {
            provider: self.0.config.name.clone(),
            why,
        })?;
        let request = make(&client).headers(self.0.headers.clone());
        Ok(match &self.0.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        })
    }

    /// Reads a body to its end, at most `limit` bytes of it.
    async fn whole(&self, response: Response, limit: usize) -> Result<Vec<u8>, ProviderError> {
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| self.network(&error))?;
            let room = limit.saturating_sub(body.len());
            body.extend(piece.iter().take(room));
            if room < piece.len() {
                break;
            }
        }
        Ok(body)
    }

    fn network(&self, error: &reqwest::Error) -> ProviderError {
        if error.is_timeout() {
            return self.silent(TimeoutPhase::Connect, CONNECT_WITHIN);
        }
        ProviderError::Unreachable {
            provider: self.0.config.name.clone(),
            base_url: self.0.base_url.clone(),
            why: self.presentable(&explained(error)),
        }
    }

    fn silent(&self, phase: TimeoutPhase, after: Duration) -> ProviderError {
        ProviderError::Timeout {
            provider: self.0.config.name.clone(),
            phase,
            seconds: after.as_secs(),
        }
    }

    fn unreadable(&self, why: &str) -> ProviderError {
        ProviderError::BadReply {
            provider: self.0.config.name.clone(),
            why: self.presentable(why),
        }
    }

    /// What a response with an error status means.
    async fn refused(&self, response: Response) -> ProviderError {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = timeout(PROBE_WITHIN, self.whole(response, ERROR_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        let error = serde_json::from_str::<ErrorBody>(&body).map_or_else(
            |_| ErrorObject {
                message: body.trim().to_owned(),
                kind: None,
                code: None,
            },
            |body| body.error,
        );
        self.reported(status, &error, retry_after)
    }

    /// What an error object means, sent with `status` or inside a stream (then 200).
    fn reported(
        &self,
        status: u16,
        error: &ErrorObject,
        retry_after: Option<Duration>,
    ) -> ProviderError {
        let provider = self.0.config.name.clone();
        let model = self.0.config.model.clone();
        let message = self.presentable(&error.message);
        let code = error
            .code
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kind = error.kind.as_deref().unwrap_or_default();
        let says = |words: &[&str]| {
            let all = format!("{code} {kind} {}", error.message).to_lowercase();
            words.iter().any(|word| all.contains(word))
        };
        match status {
            401 | 403 => ProviderError::Unauthorized { provider, status },
            _ if says(&["insufficient_quota", "billing", "payment"]) || status == 402 => {
                ProviderError::NoCredit { provider, message }
            }
            // llama.cpp says exceed_context_size_error, OpenAI context_length_exceeded.
            _ if says(&[
                "context_length",
                "exceed_context",
                "maximum context",
                "context size",
            ]) =>
            {
                ProviderError::ContextOverflow { model, message }
            }
            404 => ProviderError::NotFound {
                provider,
                model,
                base_url: self.0.base_url.clone(),
                message,
            },
            429 => ProviderError::RateLimited {
                provider,
                message,
                retry_after,
            },
            408 | 409 | 500..=599 => ProviderError::Overloaded {
                provider,
                status,
                message,
                retry_after,
            },
            200 if says(&["overloaded", "rate_limit", "server_error", "unavailable"]) => {
                ProviderError::Overloaded {
                    provider,
                    status,
                    message,
                    retry_after,
                }
            }
            _ => ProviderError::Http {
                provider,
                status,
                message,
            },
        }
    }

    /// A text of the server's, shortened and without the key, in case it repeats it.
    fn presentable(&self, text: &str) -> String {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(key) = &self.0.key
            && !key.expose_secret().is_empty()
        {
            text = text.replace(key.expose_secret(), "[key]");
        }
        if text.is_empty() {
            return "no reason given".into();
        }
        match text.char_indices().nth(ERROR_SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({} at {})", self.label(), self.0.base_url)
    }
}

/// The body of an error response.
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

/// The address of the API: whole, without a trailing slash, with `/v1` where no path is given.
fn normalised(base_url: &str) -> Result<String, String> {
    let trimmed = base_url.trim().trim_end_matches('/');
    let trimmed = trimmed.strip_suffix("/chat/completions").unwrap_or(trimmed);
    let url = Url::parse(trimmed).map_err(|error| format!("base_url `{base_url}`: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "base_url `{base_url}` begins with neither http:// nor https://"
        ));
    }
    Ok(if url.path() == "/" {
        format!("{trimmed}/v1")
    } else {
        trimmed.to_owned()
    })
}

/// The pause that a server asks for: `retry-after-ms`, else `retry-after` in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or(number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// An answer on its way.
struct Answer {
    provider: Provider,
    body: Value,
    backoff: ExponentialBackoff,
    ready: VecDeque<ModelEvent>,
    state: State,
}

type Events = SseByteStream<BoxStream<'static, Result<Bytes, WireError>>>;

enum State {
    /// The request is to be sent.
    Ask,
    /// The request is to be sent after a pause.
    Pause(Duration),
    /// Events come in.
    Read {
        events: Box<Events>,
        decoder: Decoder,
        heard: bool,
    },
    /// Nothing more comes.
    Over,
}

#[derive(Debug, thiserror::Error)]
enum WireError {
    #[error("{0}")]
    Network(String),
    #[error("more than {ANSWER_BYTES} bytes")]
    TooLarge,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ModelEvent, ProviderError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            match &mut self.state {
                State::Over => return None,
                State::Pause(pause) => {
                    tokio::time::sleep(*pause).await;
                    self.state = State::Ask;
                }
                State::Ask => match self.ask().await {
                    Ok(state) => self.state = state,
                    Err(error) => {
                        // Not a word has come yet, so asking again costs nothing twice.
                        let Some(pause) = self.pause_for(&error) else {
                            return Some(Err(error));
                        };
                        self.state = State::Pause(pause);
                        self.ready.push_back(ModelEvent::Waiting {
                            reason: error.to_string(),
                            seconds: pause.as_secs().max(1),
                        });
                    }
                },
                State::Read { .. } => {
                    if let Err(error) = self.read().await {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    /// How long to wait before asking again, if that may help.
    fn pause_for(&mut self, error: &ProviderError) -> Option<Duration> {
        if !error.is_passing() {
            return None;
        }
        let own = self.backoff.next()?;
        let pause = error.retry_after().unwrap_or(own);
        (pause <= LONGEST_PAUSE).then_some(pause)
    }

    async fn ask(&mut self) -> Result<State, ProviderError> {
        let provider = &self.provider;
        let config = &provider.0.config;
        let url = format!("{}/chat/completions", provider.0.base_url);
        let request = provider
            .request(|client| client.post(url))?
            .header(ACCEPT, "text/event-stream")
            .json(&self.body);
        let response = timeout(config.first_byte_timeout, request.send())
            .await
            .map_err(|_| provider.silent(TimeoutPhase::FirstByte, config.first_byte_timeout))?
            .map_err(|error| provider.network(&error))?;
        if !response.status().is_success() {
            return Err(provider.refused(response).await);
        }
        let is_json = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/json"));
        let mut decoder = Decoder::default();
        if is_json {
            // A server that does not stream: its whole answer comes as one piece.
            let whole = timeout(
                config.first_byte_timeout,
                provider.whole(response, ANSWER_BYTES),
            )
            .await
            .map_err(|_| provider.silent(TimeoutPhase::FirstByte, config.first_byte_timeout))??;
            let whole = String::from_utf8_lossy(&whole);
            let events = decoder
                .read(&whole)
                .map_err(|broken| self.broken(broken, 0))?;
            self.ready.extend(events);
            let bytes = decoder.bytes;
            self.ready.push_back(
                decoder
                    .finish()
                    .map_err(|broken| self.broken(broken, bytes))?,
            );
            return Ok(State::Over);
        }
        let mut received = 0_usize;
        let bytes = response.bytes_stream().map(move |piece| {
            let piece = piece.map_err(|error| WireError::Network(explained(&error)))?;
            received += piece.len();
            if received > ANSWER_BYTES {
                Err(WireError::TooLarge)
            } else {
                Ok(piece)
            }
        });
        let events = Box::new(SseByteStream::new(bytes.boxed()));
        Ok(State::Read {
            events,
            decoder,
            heard: false,
        })
    }

    /// Reads one event.
    async fn read(&mut self) -> Result<(), ProviderError> {
        let config = &self.provider.0.config;
        let (limits, next, bytes) = {
            let State::Read {
                events,
                decoder,
                heard,
            } = &mut self.state
            else {
                return Ok(());
            };
            let limits = if *heard {
                (TimeoutPhase::Idle, config.idle_timeout)
            } else {
                (TimeoutPhase::FirstByte, config.first_byte_timeout)
            };
            (
                limits,
                timeout(limits.1, events.next()).await,
                decoder.bytes,
            )
        };
        let event = match next {
            Err(_) => return Err(self.provider.silent(limits.0, limits.1)),
            Ok(None) => return self.end(),
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(sse_stream::Error::Body(error)))) => {
                // A connection that is cut in the middle is a reply that broke off.
                return Err(if bytes > 0 {
                    ProviderError::Truncated { bytes }
                } else {
                    ProviderError::Unreachable {
                        provider: config.name.clone(),
                        base_url: self.provider.0.base_url.clone(),
                        why: self.provider.presentable(&error.to_string()),
                    }
                });
            }
            Ok(Some(Err(error))) => return Err(self.provider.unreadable(&error.to_string())),
        };
        let State::Read { decoder, heard, .. } = &mut self.state else {
            return Ok(());
        };
        *heard = true;
        let read = decoder.read(event.data.as_deref().unwrap_or_default());
        let (done, bytes) = (decoder.is_done(), decoder.bytes);
        self.ready
            .extend(read.map_err(|broken| self.broken(broken, bytes))?);
        if done { self.end() } else { Ok(()) }
    }

    /// The stream has ended: how does the answer?
    fn end(&mut self) -> Result<(), ProviderError> {
        let State::Read { decoder, .. } = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(());
        };
        let bytes = decoder.bytes;
        let last = decoder
            .finish()
            .map_err(|broken| self.broken(broken, bytes))?;
        self.ready.push_back(last);
        Ok(())
    }

    fn broken(&self, broken: Broken, bytes: usize) -> ProviderError {
        match broken {
            Broken::Reported(error) => self.provider.reported(200, &error, None),
            Broken::Unreadable(why) => self.provider.unreadable(&why),
            Broken::Truncated => ProviderError::Truncated { bytes },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_completed_and_checked() {
        let ok = |url: &str| normalised(url).unwrap();
        assert_eq!(ok("http://127.0.0.1:8080"), "http://127.0.0.1:8080/v1");
        assert_eq!(ok("http://127.0.0.1:8080/v1/"), "http://127.0.0.1:8080/v1");
        assert_eq!(
            ok("https://host/api/v3/chat/completions"),
            "https://host/api/v3"
        );
        assert!(normalised("127.0.0.1:8080").is_err());
        assert!(normalised("ftp://host").is_err());
    }

    #[test]
    fn a_key_is_in_no_text() {
        let key = SecretString::from("sk-very-secret".to_owned());
        let config = ProviderConfig::new("p", "http://127.0.0.1:1", "m");
        let provider = Provider::new(config, Some(key)).unwrap();
        assert!(!format!("{provider:?}").contains("secret"));
        let error = ErrorObject {
            message: "Incorrect API key provided: sk-very-secret.".into(),
            kind: None,
            code: None,
        };
        let shown = provider.reported(400, &error, None).to_string();
        assert!(
            shown.contains("[key]") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn pauses_are_read_from_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("2"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(2)));
        headers.insert("retry-after-ms", HeaderValue::from_static("1500"));
        assert_eq!(retry_after(&headers), Some(Duration::from_millis(1500)));
        headers.insert("retry-after-ms", HeaderValue::from_static("-3"));
        assert_eq!(retry_after(&headers), None);
    }
}
