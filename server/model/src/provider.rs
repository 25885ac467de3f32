//! A server with models: how it is reached and what it is asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::answer;
use crate::cassette::{Answered, Cassette, CassetteError, Recorder, to_hex};
use crate::connection::{
    CONNECT_WITHIN, client, explained, is_garbled, is_this_machine, unreached,
};
use crate::error::{ProviderError, TimeoutPhase, Unreached};
use crate::format::{Dialect, Listed, WireFormat};
use crate::refusal::{self, Setback};
use crate::traffic::{Resting, Standing, Traffic};
use crate::wire::{Lost, Pieces};
use crate::{Effort, ModelEvent, ModelRequest, shown};

/// Bytes of an error's body that are read.
const ERROR_BYTES: usize = 16 << 10;
/// Bytes of a list of models that are read. `OpenRouter`'s has about one million.
const MODELS_BYTES: usize = 16 << 20;
/// How long an error's body may take.
const BODY_WITHIN: Duration = Duration::from_secs(5);
/// How long `probe` may take.
const PROBE_WITHIN: Duration = Duration::from_secs(3);

/// How to reach a provider.
#[derive(Clone, PartialEq)]
pub struct ProviderConfig {
    /// Its name in the settings, for messages.
    pub name: String,
    /// What it speaks.
    pub format: WireFormat,
    /// Where it is, with or without the path that its format has in common, such as `/v1`.
    pub base_url: String,
    /// The model to ask.
    pub model: String,
    /// Headers to send along. The key is none of them.
    pub headers: Vec<(String, String)>,
    /// The address of a proxy of its own; the system's otherwise.
    pub proxy: Option<String>,
    /// A file with certificates, in PEM form, that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Sent when set; many models accept none.
    pub temperature: Option<f32>,
    /// The most tokens of an answer, when the request names no bound of its own.
    pub max_output_tokens: Option<u32>,
    /// How long the first piece of an answer may take.
    pub first_byte_timeout: Duration,
    /// How long each further piece may take.
    pub idle_timeout: Duration,
    /// How long the whole answer may take, with all pauses.
    pub total_timeout: Duration,
    /// How much the model should reason, when the request does not say.
    pub effort: Option<Effort>,
    /// How many answers may be on their way at once; further ones wait for their turn.
    pub max_streams: u32,
    /// How many requests may be sent in a minute, if bounded.
    pub requests_per_minute: Option<u32>,
}

impl ProviderConfig {
    /// A configuration with nothing special: chat completions, 60 s for the first word, 30 s for each
    /// further one, half an hour for the whole.
    pub fn new(name: &str, base_url: &str, model: &str) -> Self {
        Self {
            name: name.into(),
            format: WireFormat::default(),
            base_url: base_url.into(),
            model: model.into(),
            headers: Vec::new(),
            proxy: None,
            ca_file: None,
            temperature: None,
            max_output_tokens: None,
            first_byte_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_mins(30),
            effort: None,
            max_streams: 8,
            requests_per_minute: None,
        }
    }
}

/// Without the values of the headers: people put secrets there, whatever they are told.
impl std::fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ProviderConfig")
            .field("name", &self.name)
            .field("format", &self.format)
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("headers", &headers)
            .field("proxy", &self.proxy)
            .field("ca_file", &self.ca_file)
            .field("temperature", &self.temperature)
            .field("max_output_tokens", &self.max_output_tokens)
            .field("first_byte_timeout", &self.first_byte_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("effort", &self.effort)
            .field("max_streams", &self.max_streams)
            .field("requests_per_minute", &self.requests_per_minute)
            .finish()
    }
}

/// A provider that can be asked. Cheap to clone; opens no connection until it is asked.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    config: ProviderConfig,
    /// Without a slash at its end.
    base_url: String,
    /// The key's among them, marked as sensitive.
    headers: HeaderMap,
    /// Kept to strike it out of what the server says.
    key: Option<SecretString>,
    traffic: Arc<Traffic>,
    tape: Option<Tape>,
}

/// What takes part in every exchange.
#[derive(Clone)]
enum Tape {
    /// Exchanges are kept.
    Record(Arc<Recorder>),
    /// Exchanges are played, and nothing is sent.
    Play(Arc<Cassette>),
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
    /// Checks the configuration. `key` is sent as the format wants it; blanks around it are not part
    /// of it.
    pub fn new(config: ProviderConfig, key: Option<SecretString>) -> Result<Self, ProviderError> {
        let unusable = |why: String| ProviderError::Settings {
            provider: config.name.clone(),
            why,
        };
        let dialect = config.format.dialect();
        let base_url = normalised(dialect, &config.base_url).map_err(unusable)?;
        let mut headers = HeaderMap::new();
        for (name, value) in dialect.headers() {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        for (name, value) in &config.headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| unusable(format!("`{name}` is no name of a header")))?;
            let value = HeaderValue::try_from(value.as_str()).map_err(|_| {
                unusable(format!("the value of the header `{name}` is not allowed"))
            })?;
            headers.insert(name, value);
        }
        let key = key
            .map(|key| SecretString::from(key.expose_secret().trim().to_owned()))
            .filter(|key| !key.expose_secret().is_empty());
        if let Some(key) = &key {
            let (name, value) = dialect.key(key.expose_secret());
            let mut value = HeaderValue::try_from(value).map_err(|_| {
                unusable("its key has more than one line, or characters that no key has".into())
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let traffic = Traffic::with(&config, &base_url);
        Ok(Self(Arc::new(Inner {
            config,
            base_url,
            headers,
            key,
            traffic,
            tape: None,
        })))
    }

    /// The same provider, whose exchanges are appended to the cassette in `file`.
    pub fn recording(&self, file: &Path) -> Result<Self, CassetteError> {
        let recorder = Recorder::new(file, self.0.key.clone())?;
        Ok(self.with_tape(Tape::Record(recorder)))
    }

    /// The same provider, whose questions are answered by a cassette. Nothing is sent.
    #[must_use]
    pub fn playing(&self, cassette: Cassette) -> Self {
        self.with_tape(Tape::Play(Arc::new(cassette)))
    }

    fn with_tape(&self, tape: Tape) -> Self {
        Self(Arc::new(Inner {
            tape: Some(tape),
            ..Inner::clone(&self.0)
        }))
    }

    /// The model and the provider, as people are told what answered: `qwen (local)`.
    pub fn label(&self) -> String {
        format!("{} ({})", self.0.config.model, self.0.config.name)
    }

    /// Where requests go: the configured address, completed.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// Whether it is a server on this machine, which nobody is billed for.
    pub fn is_on_this_machine(&self) -> bool {
        Url::parse(&self.0.base_url).is_ok_and(|url| is_this_machine(&url))
    }

    /// How the traffic with it stands, with all who share it.
    pub fn standing(&self) -> Standing {
        self.0.traffic.standing()
    }

    /// Asks the model. Nothing is sent before the stream is polled; dropping it closes the
    /// connection. The last item is [`ModelEvent::Stopped`] or an error.
    pub fn stream(
        &self,
        request: &ModelRequest,
    ) -> BoxStream<'static, Result<ModelEvent, ProviderError>> {
        answer::stream(self.clone(), self.body(request))
    }

    /// What is sent.
    fn body(&self, request: &ModelRequest) -> Map<String, Value> {
        self.dialect().body(self.config(), request)
    }

    /// A name for what would be asked, the same for identical questions: of format, address, model and
    /// everything that is sent but the key and the headers. For a cache of answers.
    pub fn fingerprint(&self, request: &ModelRequest) -> String {
        let asked = json!([
            format!("{:?}", self.config().format),
            self.url(),
            self.body(request),
        ]);
        to_hex(digest(&SHA256, asked.to_string().as_bytes()).as_ref())
    }

    /// How it is reached and what it is asked.
    pub fn config(&self) -> &ProviderConfig {
        &self.0.config
    }

    /// Asks which models there are, to see whether the address and the key are right. Sends no
    /// prompt, costs nothing, and takes three seconds at most.
    ///
    /// A server that has no such list, but is there, gives an empty one.
    pub async fn probe(&self) -> Result<ProbeReport, ProviderError> {
        timeout(PROBE_WITHIN, self.models())
            .await
            .unwrap_or_else(|_| Err(self.silent(TimeoutPhase::FirstByte, PROBE_WITHIN)))
    }

    async fn models(&self) -> Result<ProbeReport, ProviderError> {
        let base_url = self.base_url();
        let root = self.dialect().root();
        match self.models_at(base_url).await? {
            Listing::Models(report) => Ok(report),
            Listing::None if base_url.ends_with(root) => Ok(ProbeReport {
                models: Vec::new(),
                has_model: None,
            }),
            Listing::None => match self.models_at(&format!("{base_url}{root}")).await {
                // Questions to the configured address would not be answered either.
                Ok(Listing::Models(_)) => Err(ProviderError::NotFound {
                    provider: self.name().to_owned(),
                    model: self.model().to_owned(),
                    base_url: base_url.to_owned(),
                    message: format!("the server answers at {base_url}{root}"),
                }),
                _ => Ok(ProbeReport {
                    models: Vec::new(),
                    has_model: None,
                }),
            },
        }
    }

    async fn models_at(&self, base_url: &str) -> Result<Listing, ProviderError> {
        let url = format!("{base_url}{}", self.dialect().models_path());
        let request = self.request(|client| client.get(url)).await?;
        let response = request.send().await.map_err(|error| self.network(&error))?;
        let answered = answered(response);
        let status = answered.status;
        if matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
        ) {
            return Ok(Listing::None);
        }
        if !status.is_success() {
            return Err(self.refused(answered).await.error);
        }
        let body = self.whole(answered.pieces, MODELS_BYTES).await?;
        let body: Value =
            serde_json::from_slice(&body).map_err(|error| self.unreadable(&error.to_string()))?;
        Ok(Listing::Models(report(
            &self.dialect().models(&body),
            self.model(),
        )))
    }

    /// A request with this provider's headers and key.
    pub(crate) async fn request(
        &self,
        make: impl FnOnce(&Client) -> RequestBuilder,
    ) -> Result<RequestBuilder, ProviderError> {
        let unusable = |why| ProviderError::Settings {
            provider: self.name().to_owned(),
            why,
        };
        let url = Url::parse(&self.0.base_url).map_err(|error| unusable(error.to_string()))?;
        let client = client(&url, self.config()).await.map_err(unusable)?;
        Ok(make(&client).headers(self.0.headers.clone()))
    }

    /// Asks for an answer and waits for its head.
    pub(crate) async fn send(&self, body: &Map<String, Value>) -> Result<Answered, Setback> {
        let path = self.dialect().path(self.model());
        self.send_to(&path, "text/event-stream", body).await
    }

    /// Asks something at a path behind the address and waits for the head of the answer.
    pub(crate) async fn send_to(
        &self,
        path: &str,
        accept: &'static str,
        body: &Map<String, Value>,
    ) -> Result<Answered, Setback> {
        if let Some(Tape::Play(cassette)) = &self.0.tape {
            let why = "the cassette has no more answers; record it anew";
            return cassette.next().ok_or_else(|| {
                Setback::from(ProviderError::Settings {
                    provider: self.name().to_owned(),
                    why: why.into(),
                })
            });
        }
        let url = format!("{}{path}", self.base_url());
        let request = self.request(|client| client.post(url)).await?;
        let request = request.header(ACCEPT, accept).json(body);
        let response = request
            .send()
            .await
            .map_err(|error| self.unanswered(&error))?;
        let answered = answered(response);
        Ok(match &self.0.tape {
            Some(Tape::Record(recorder)) => recorder.tap(path, body, answered),
            _ => answered,
        })
    }

    /// Reads a body to its end, at most `limit` bytes of it.
    async fn whole(&self, mut pieces: Pieces, limit: usize) -> Result<Vec<u8>, ProviderError> {
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|lost| self.unreachable(Unreached::Other, &lost.why))?;
            let room = limit.saturating_sub(body.len());
            body.extend(piece.iter().take(room));
            if room < piece.len() {
                break;
            }
        }
        Ok(body)
    }

    /// What a response with an error status means.
    pub(crate) async fn refused(&self, answered: Answered) -> Setback {
        let (status, headers) = (answered.status, answered.headers);
        // The status says enough when the body does not come.
        let body = timeout(BODY_WITHIN, self.whole(answered.pieces, ERROR_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        refusal::of_response(self, status, &headers, &String::from_utf8_lossy(&body))
    }

    pub(crate) fn network(&self, error: &reqwest::Error) -> ProviderError {
        if error.is_timeout() {
            return self.silent(TimeoutPhase::Connect, CONNECT_WITHIN);
        }
        self.unreachable(unreached(error), &explained(error))
    }

    /// Why a request has no response at all.
    fn unanswered(&self, error: &reqwest::Error) -> Setback {
        if is_garbled(error) && !error.is_connect() {
            return self
                .unreadable(&format!("what came is no HTTP: {}", explained(error)))
                .into();
        }
        if error.is_request() && !error.is_connect() && !error.is_timeout() {
            // A connection that is closed instead of answered: mostly a server that restarts, or one
            // that had put an unused connection away. It may pass.
            return ProviderError::ConnectionLost {
                provider: self.name().to_owned(),
                bytes: 0,
                why: self.presentable(&explained(error)),
            }
            .into();
        }
        self.network(error).into()
    }

    pub(crate) fn unreachable(&self, cause: Unreached, why: &str) -> ProviderError {
        ProviderError::Unreachable {
            provider: self.name().to_owned(),
            base_url: self.0.base_url.clone(),
            cause,
            why: self.presentable(why),
        }
    }

    pub(crate) fn silent(&self, phase: TimeoutPhase, after: Duration) -> ProviderError {
        ProviderError::Timeout {
            provider: self.name().to_owned(),
            phase,
            seconds: after.as_secs(),
        }
    }

    pub(crate) fn resting(&self, resting: Resting) -> ProviderError {
        ProviderError::Resting {
            provider: self.name().to_owned(),
            failures: resting.failures,
            seconds: resting.left.as_secs().max(1),
        }
    }

    pub(crate) fn unreadable(&self, why: &str) -> ProviderError {
        ProviderError::BadReply {
            provider: self.name().to_owned(),
            why: self.presentable(why),
        }
    }

    /// A text of the server's in one line, shortened, and without what looks like a key, in case it
    /// repeats it.
    pub(crate) fn presentable(&self, text: &str) -> String {
        shown::presentable(text, self.0.key.as_ref().map(ExposeSecret::expose_secret))
    }

    /// Where answers are asked for.
    pub(crate) fn url(&self) -> String {
        let path = self.dialect().path(self.model());
        format!("{}{path}", self.0.base_url)
    }

    pub(crate) fn dialect(&self) -> &'static dyn Dialect {
        self.0.config.format.dialect()
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.config.name
    }

    pub(crate) fn model(&self) -> &str {
        &self.0.config.model
    }

    pub(crate) fn traffic(&self) -> &Arc<Traffic> {
        &self.0.traffic
    }

    pub(crate) fn has_key(&self) -> bool {
        self.0.key.is_some()
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({} at {})", self.label(), self.0.base_url)
    }
}

fn answered(response: Response) -> Answered {
    Answered {
        status: response.status(),
        headers: response.headers().clone(),
        pieces: response
            .bytes_stream()
            .map(|piece| {
                piece.map_err(|error| Lost {
                    why: explained(&error),
                    is_garbled: is_garbled(&error),
                })
            })
            .boxed(),
    }
}

enum Listing {
    Models(ProbeReport),
    /// The server has no list of models at this address.
    None,
}

fn report(models: &[Listed], model: &str) -> ProbeReport {
    let has_model = (!models.is_empty()).then(|| models.iter().any(|listed| listed.is(model)));
    ProbeReport {
        models: models.iter().map(|listed| listed.name.clone()).collect(),
        has_model,
    }
}

/// The address of the API: whole, without a trailing slash, with the format's own path where none is
/// given.
fn normalised(dialect: &dyn Dialect, base_url: &str) -> Result<String, String> {
    let trimmed = base_url.trim().trim_end_matches('/');
    let mut endings = dialect.endings().iter();
    let trimmed = endings
        .find_map(|ending| trimmed.strip_suffix(ending))
        .unwrap_or(trimmed)
        .trim_end_matches('/');
    // The address itself is not repeated: it may hold what should not be read by others.
    let url = Url::parse(trimmed).map_err(|error| {
        format!("base_url is no address ({error}); write it like `https://host/v1`")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("base_url must begin with `https://` or `http://`".into());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(
            "base_url must have no user, password or `?`; a key belongs into key_env".into(),
        );
    }
    Ok(if url.path() == "/" {
        format!("{trimmed}{}", dialect.root())
    } else {
        trimmed.to_owned()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use reqwest::header::AUTHORIZATION;

    #[test]
    fn addresses_are_completed_and_checked() {
        let chat = WireFormat::Chat.dialect();
        let ok = |url: &str| normalised(chat, url).unwrap();
        assert_eq!(ok("http://127.0.0.1:8080"), "http://127.0.0.1:8080/v1");
        assert_eq!(
            ok(" http://127.0.0.1:8080/v1/ "),
            "http://127.0.0.1:8080/v1"
        );
        assert_eq!(ok("http://[::1]:11434/"), "http://[::1]:11434/v1");
        assert_eq!(
            ok("https://host/api/v3/chat/completions"),
            "https://host/api/v3"
        );
        assert_eq!(
            ok("https://host/v1beta/openai/"),
            "https://host/v1beta/openai"
        );
        let of = |format: WireFormat, url| normalised(format.dialect(), url).unwrap();
        let host = "https://host";
        assert_eq!(of(WireFormat::Anthropic, host), "https://host/v1");
        assert_eq!(
            of(WireFormat::Anthropic, "https://host/v1/messages"),
            "https://host/v1"
        );
        assert_eq!(of(WireFormat::Gemini, host), "https://host/v1beta");
        assert_eq!(
            of(WireFormat::Ollama, "http://[::1]:11434/v1/"),
            "http://[::1]:11434/api"
        );
        for bad in [
            "127.0.0.1:8080",
            "ftp://host",
            "",
            "https://me:pass@host/v1",
            "https://host/v1?key=x",
        ] {
            let why = normalised(chat, bad).unwrap_err();
            assert!(!why.contains("pass@") && !why.contains("key=x"), "{why}");
        }
    }

    #[test]
    fn a_key_and_headers_are_checked_and_in_no_text() {
        let mut config = ProviderConfig::new("p", "http://127.0.0.1:1", "m");
        config.headers = vec![("x-title".into(), "header-secret".into())];
        assert!(!format!("{config:?}").contains("header-secret"));
        let key = |text: &str| Some(SecretString::from(text.to_owned()));
        let provider = Provider::new(config.clone(), key(" sk-1\n")).unwrap();
        assert_eq!(provider.0.headers[AUTHORIZATION], "Bearer sk-1");
        assert!(provider.0.headers[AUTHORIZATION].is_sensitive());
        assert!(!Provider::new(config.clone(), key(" \n")).unwrap().has_key());
        let error = Provider::new(config.clone(), key("sk-1\nsk-2")).unwrap_err();
        assert_eq!(error.code(), "provider-settings");
        assert!(!format!("{error} {error:?}").contains("sk-"), "{error}");
        config.headers = vec![("not a name".into(), "x".into())];
        assert!(Provider::new(config, None).is_err());
    }

    #[test]
    fn a_fingerprint_tells_questions_apart_and_not_their_keys() {
        let of = |model: &str, key: &str, text: &str| {
            let config = ProviderConfig::new("p", "http://127.0.0.1:1", model);
            let provider = Provider::new(config, Some(key.to_owned().into())).unwrap();
            provider.fingerprint(&ModelRequest {
                messages: vec![crate::Message::user(text)],
                ..ModelRequest::default()
            })
        };
        let one = of("m", "sk-1", "x");
        assert_eq!(one.len(), 64);
        assert_eq!(one, of("m", "sk-2", "x"));
        assert_ne!(one, of("m", "sk-1", "y"));
        assert_ne!(one, of("n", "sk-1", "x"));
    }

    #[test]
    fn the_configured_model_is_found_under_the_names_of_its_server() {
        let has = |body: Value, model: &str| {
            report(&WireFormat::Chat.dialect().models(&body), model).has_model
        };
        let data = |id: &str| json!({"data": [{"id": id}, {"id": "other"}]});
        assert_eq!(has(data("qwen"), "qwen"), Some(true));
        assert_eq!(has(data("qwen:latest"), "qwen"), Some(true));
        assert_eq!(has(data("models/gemini"), "gemini"), Some(true));
        assert_eq!(has(data("qwen:7b"), "qwen"), Some(false));
        assert_eq!(has(json!({"data": []}), "qwen"), None);
        assert_eq!(has(json!([]), "qwen"), None);
        let llama = json!({"data": [{"id": "/models/q.gguf", "owned_by": "llamacpp"}]});
        assert_eq!(has(llama, "qwen"), Some(true));
    }
}
