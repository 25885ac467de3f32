//! OpenTelemetry: a span and two measurements for each call of a model, with the names of its conventions for
//! generative AI. Only when the standard variables say where they are to go; no text of a question or an
//! answer is among them.
//!
//! They are sent as OTLP in JSON over HTTP, which every collector takes (port 4318).

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value, json};

use crate::cassette::to_hex;
use crate::connection::{common, is_this_machine};
use crate::{MicroUsd, WireFormat};

/// Calls that wait to be told. What comes when they are full is not told.
const WAITING: usize = 1024;
/// How long calls are gathered before they are sent together.
const GATHERED: Duration = Duration::from_secs(1);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The bounds of the two histograms, as the conventions advise.
const TOKEN_BOUNDS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const SECOND_BOUNDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];

/// A call of a model, to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldCall {
    /// When it began.
    pub begun: SystemTime,
    /// How long it took.
    pub time: Duration,
    /// The format that the provider speaks.
    pub format: WireFormat,
    /// The provider's name in the settings.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// The role that asked.
    pub role: String,
    /// Tokens sent.
    pub input_tokens: u64,
    /// Tokens received.
    pub output_tokens: u64,
    /// What it cost; `None` when the price is unknown.
    pub cost: Option<MicroUsd>,
    /// The code of its failure.
    pub error: Option<String>,
}

/// Where calls are told. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry {
    calls: SyncSender<Told>,
}

#[derive(Debug)]
enum Told {
    Call(Box<ToldCall>),
    /// Everything before it is sent.
    Flush(SyncSender<()>),
}

/// Where spans and measurements go.
#[derive(Clone)]
struct Place {
    traces: Option<Url>,
    metrics: Option<Url>,
    headers: HeaderMap,
    resource: Value,
}

impl Telemetry {
    /// What OpenTelemetry's standard variables ask for: `OTEL_EXPORTER_OTLP_ENDPOINT` and its kind. `None`
    /// when they ask for nothing; what cannot be done is logged.
    pub fn from_variables(variables: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let place = Place::from_variables(variables)?;
        let (calls, told) = mpsc::sync_channel(WAITING);
        let started = thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || tell_all(&place, &told));
        match started {
            Ok(_) => Some(Self { calls }),
            Err(error) => {
                tracing::warn!(%error, "no telemetry is sent");
                None
            }
        }
    }

    /// Tells a call, soon.
    pub fn call(&self, call: ToldCall) {
        if self.calls.try_send(Told::Call(Box::new(call))).is_err() {
            tracing::debug!("a call is missing in the telemetry");
        }
    }

    /// Waits until everything is sent, but not for longer than this.
    pub fn flush(&self, within: Duration) {
        let (done, is_done) = mpsc::sync_channel(1);
        if self.calls.try_send(Told::Flush(done)).is_ok() {
            let _late = is_done.recv_timeout(within);
        }
    }
}

impl Place {
    fn from_variables(variables: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let variable = |name: &str| variables(name).filter(|value| !value.trim().is_empty());
        if variable("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            return None;
        }
        let whole = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
        let of = |signal: &str, path: &str| {
            let exporter = variable(&format!("OTEL_{signal}_EXPORTER"));
            if exporter.is_some_and(|exporter| exporter == "none") {
                return None;
            }
            let own = variable(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"));
            let url = own.or_else(|| {
                let whole = whole.as_ref()?;
                Some(format!("{}/v1/{path}", whole.trim_end_matches('/')))
            })?;
            match Url::parse(&url) {
                Ok(url) => Some(url),
                Err(error) => {
                    tracing::warn!(%error, signal, "the address of OTEL_EXPORTER_OTLP_ENDPOINT cannot be used");
                    None
                }
            }
        };
        let (traces, metrics) = (of("TRACES", "traces"), of("METRICS", "metrics"));
        if traces.is_none() && metrics.is_none() {
            return None;
        }
        if variable("OTEL_EXPORTER_OTLP_PROTOCOL").is_some_and(|it| it == "grpc") {
            tracing::warn!(
                "telemetry is sent over HTTP, not by gRPC: name a collector's port for HTTP (4318)"
            );
        }
        let mut headers = HeaderMap::new();
        let given = variable("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
        for (name, value) in pairs(&given) {
            let header = HeaderName::try_from(name)
                .ok()
                .zip(HeaderValue::try_from(value).ok());
            if let Some((name, mut value)) = header {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        let mut resource = BTreeMap::from([
            ("service.name".to_owned(), "pleach".to_owned()),
            (
                "service.version".to_owned(),
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
        ]);
        let given = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        resource.extend(pairs(&given));
        if let Some(name) = variable("OTEL_SERVICE_NAME") {
            resource.insert("service.name".to_owned(), name);
        }
        let resource = resource.into_iter();
        let attributes =
            resource.map(|(key, value)| attribute(&key, &json!({"stringValue": value})));
        Some(Self {
            traces,
            metrics,
            headers,
            resource: json!({"attributes": attributes.collect::<Vec<_>>()}),
        })
    }
}

/// `a=1,b=2`
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// Sends what is told until nobody is left who could tell.
fn tell_all(place: &Place, told: &Receiver<Told>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let mut places = place.traces.iter().chain(&place.metrics);
    let is_near = places.all(is_this_machine);
    let builder = common().timeout(PATIENCE);
    let builder = if is_near { builder.no_proxy() } else { builder };
    let client = builder.build();
    let (Ok(runtime), Ok(client)) = (runtime, client) else {
        tracing::warn!("no telemetry is sent: its client could not be made");
        return;
    };
    let random = SystemRandom::new();
    while let Ok(first) = told.recv() {
        let (calls, waiting) = gather(first, told);
        runtime.block_on(send(place, &client, &random, &calls));
        for done in waiting {
            let _nobody_waits = done.send(());
        }
    }
}

/// What is sent at once, and who waits until it is.
fn gather(first: Told, told: &Receiver<Told>) -> (Vec<ToldCall>, Vec<SyncSender<()>>) {
    let (mut calls, mut waiting) = (Vec::new(), Vec::new());
    let mut next = Some(first);
    while let Some(told_now) = next {
        match told_now {
            Told::Call(call) => calls.push(*call),
            Told::Flush(done) => waiting.push(done),
        }
        let pause = if waiting.is_empty() {
            GATHERED
        } else {
            Duration::ZERO
        };
        next = if calls.len() < WAITING {
            told.recv_timeout(pause).ok()
        } else {
            None
        };
    }
    (calls, waiting)
}

async fn send(place: &Place, client: &Client, random: &SystemRandom, calls: &[ToldCall]) {
    if calls.is_empty() {
        return;
    }
    let scope = json!({"name": "pleach"});
    if let Some(url) = &place.traces {
        let spans: Vec<Value> = calls.iter().map(|call| span(call, random)).collect();
        let body = json!({"resourceSpans": [{
            "resource": place.resource, "scopeSpans": [{"scope": scope, "spans": spans}],
        }]});
        post(client, url, &place.headers, &body).await;
    }
    if let Some(url) = &place.metrics {
        let body = json!({"resourceMetrics": [{
            "resource": place.resource,
            "scopeMetrics": [{"scope": scope, "metrics": metrics(calls)}],
        }]});
        post(client, url, &place.headers, &body).await;
    }
}

async fn post(client: &Client, url: &Url, headers: &HeaderMap, body: &Value) {
    let request = client.post(url.clone()).headers(headers.clone()).json(body);
    match request.send().await {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => tracing::debug!(status = %response.status(), "telemetry was refused"),
        Err(error) => tracing::debug!(error = %error.without_url(), "telemetry was not sent"),
    }
}

/// The name that the conventions have for a kind of provider.
fn provider_name(call: &ToldCall) -> &str {
    match call.format {
        WireFormat::Responses => "openai",
        WireFormat::Anthropic => "anthropic",
        WireFormat::Gemini => "gcp.gemini",
        WireFormat::Ollama => "ollama",
        // Whose it is, the settings know.
        WireFormat::Chat => &call.provider,
    }
}

/// What a span and a measurement say of a call.
fn told_of(call: &ToldCall) -> Vec<Value> {
    let text = |key: &str, value: &str| attribute(key, &json!({"stringValue": value}));
    let mut all = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", provider_name(call)),
        text("gen_ai.request.model", &call.model),
    ];
    all.extend(call.error.iter().map(|error| text("error.type", error)));
    all
}

fn attribute(key: &str, value: &Value) -> Value {
    json!({"key": key, "value": value})
}

fn span(call: &ToldCall, random: &SystemRandom) -> Value {
    let number = |key: &str, number: u64| attribute(key, &json!({"intValue": number.to_string()}));
    let mut attributes = told_of(call);
    attributes.push(number("gen_ai.usage.input_tokens", call.input_tokens));
    attributes.push(number("gen_ai.usage.output_tokens", call.output_tokens));
    attributes.push(attribute("pleach.role", &json!({"stringValue": call.role})));
    if let Some(cost) = call.cost {
        attributes.push(number("pleach.cost_micro_usd", cost.0));
    }
    let mut id = [0; 24];
    // Without randomness ids are the same, which a collector can live with.
    let _random = random.fill(&mut id);
    let (trace, own) = id.split_at(16);
    let mut span = Map::new();
    span.insert("traceId".into(), json!(to_hex(trace)));
    span.insert("spanId".into(), json!(to_hex(own)));
    span.insert("name".into(), json!(format!("chat {}", call.model)));
    // A client's.
    span.insert("kind".into(), json!(3));
    span.insert("startTimeUnixNano".into(), json!(nanos(call.begun)));
    span.insert(
        "endTimeUnixNano".into(),
        json!(nanos(call.begun + call.time)),
    );
    span.insert("attributes".into(), json!(attributes));
    if let Some(error) = &call.error {
        span.insert("status".into(), json!({"code": 2, "message": error}));
    }
    Value::Object(span)
}

fn metrics(calls: &[ToldCall]) -> Value {
    let mut tokens = Vec::new();
    let mut times = Vec::new();
    for call in calls {
        #[expect(clippy::cast_precision_loss, reason = "no request has 2^52 tokens")]
        for (kind, count) in [("input", call.input_tokens), ("output", call.output_tokens)] {
            let mut attributes = told_of(call);
            attributes.push(attribute(
                "gen_ai.token.type",
                &json!({"stringValue": kind}),
            ));
            tokens.push(point(call, count as f64, &TOKEN_BOUNDS, &attributes));
        }
        times.push(point(
            call,
            call.time.as_secs_f64(),
            &SECOND_BOUNDS,
            &told_of(call),
        ));
    }
    // Each point stands for what came since the one before it.
    let histogram = |points| json!({"aggregationTemporality": 1, "dataPoints": points});
    json!([
        {"name": "gen_ai.client.token.usage", "unit": "{token}", "histogram": histogram(tokens)},
        {"name": "gen_ai.client.operation.duration", "unit": "s", "histogram": histogram(times)},
    ])
}

/// One value of a histogram.
fn point(call: &ToldCall, value: f64, bounds: &[f64], attributes: &[Value]) -> Value {
    let place = bounds.iter().take_while(|bound| value > **bound).count();
    let counts: Vec<String> = (0..=bounds.len())
        .map(|bucket| u8::from(bucket == place).to_string())
        .collect();
    json!({
        "startTimeUnixNano": nanos(call.begun), "timeUnixNano": nanos(call.begun + call.time),
        "count": "1", "sum": value, "explicitBounds": bounds, "bucketCounts": counts,
        "attributes": attributes,
    })
}

/// As OTLP writes large numbers in JSON.
fn nanos(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn place(variables: &[(&str, &str)]) -> Option<Place> {
        Place::from_variables(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_goes_anywhere_unless_a_variable_says_so() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");
        assert!(place(&[]).is_none());
        assert!(place(&[("OTEL_SERVICE_NAME", "x")]).is_none());
        assert!(place(&[endpoint, ("OTEL_SDK_DISABLED", "true")]).is_none());
        let both = place(&[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "a=b, c=d=e")]).unwrap();
        assert_eq!(
            both.traces.unwrap().as_str(),
            "http://127.0.0.1:4318/v1/traces"
        );
        assert_eq!(
            both.metrics.unwrap().as_str(),
            "http://127.0.0.1:4318/v1/metrics"
        );
        assert_eq!(both.headers["c"], "d=e");
        let own = place(&[
            endpoint,
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://host/t"),
        ]);
        let own = own.unwrap();
        assert_eq!(own.traces.unwrap().as_str(), "https://host/t");
        assert!(own.metrics.is_none());
    }

    fn call() -> ToldCall {
        ToldCall {
            begun: UNIX_EPOCH,
            time: Duration::from_millis(300),
            format: WireFormat::Anthropic,
            provider: "mine".into(),
            model: "m".into(),
            role: "coder".into(),
            input_tokens: 64,
            output_tokens: 65,
            cost: None,
            error: Some("overloaded".into()),
        }
    }

    #[test]
    fn what_is_too_much_for_once_is_sent_the_next_time() {
        let (teller, told) = mpsc::sync_channel(WAITING + 2);
        for _ in 0..=WAITING {
            teller.send(Told::Call(Box::new(call()))).unwrap();
        }
        let (done, _is_done) = mpsc::sync_channel(1);
        teller.send(Told::Flush(done)).unwrap();
        let gathered = || {
            let (calls, waiting) = gather(told.recv().unwrap(), &told);
            (calls.len(), waiting.len())
        };
        assert_eq!(gathered(), (WAITING, 0));
        assert_eq!(gathered(), (1, 1));
    }

    #[test]
    fn a_value_is_counted_where_it_belongs() {
        let metrics = metrics(&[call()]);
        let points = &metrics[0]["histogram"]["dataPoints"];
        let place = |counts: &Value| {
            let counts = counts.as_array().unwrap();
            counts.iter().position(|count| count == "1").unwrap()
        };
        assert_eq!(place(&points[0]["bucketCounts"]), 3, "up to 64");
        assert_eq!(place(&points[1]["bucketCounts"]), 4);
        let time = &metrics[1]["histogram"]["dataPoints"][0];
        assert_eq!(
            (place(&time["bucketCounts"]), &time["endTimeUnixNano"]),
            (5, &Value::Null)
        );
        assert!(time["attributes"].to_string().contains("overloaded"));
    }
}
