//! What a server's refusal means: from status, headers and complaint to a [`ProviderError`].

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, LOCATION};
use reqwest::{StatusCode, Url};

use crate::decode::Complaint;
use crate::error::ProviderError;
use crate::provider::Provider;

/// A failure, and whether the same request may succeed a little later.
#[derive(Debug)]
pub(crate) struct Setback {
    pub(crate) error: ProviderError,
    pub(crate) may_pass: bool,
    /// The pause that the server asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl From<ProviderError> for Setback {
    fn from(error: ProviderError) -> Self {
        let (may_pass, retry_after) = match &error {
            // Nothing is on the bill twice: an answer that has begun is never asked for again.
            ProviderError::ConnectionLost { .. } | ProviderError::Truncated { .. } => (true, None),
            ProviderError::RateLimited { retry_after, .. }
            | ProviderError::Overloaded { retry_after, .. } => (true, *retry_after),
            _ => (false, None),
        };
        Self {
            error,
            may_pass,
            retry_after,
        }
    }
}

/// What a response with an error status means.
pub(crate) fn of_response(
    provider: &Provider,
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
) -> Setback {
    let mut complaint = Complaint::in_body(body);
    if status.is_redirection() {
        // Where it leads is worth telling; the rest of that address may hold anything.
        let to = headers.get(LOCATION).and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| Url::parse(provider.base_url()).ok()?.join(to).ok());
        complaint.message = match to {
            Some(to) => format!(
                "it redirects to {}{}",
                to.origin().ascii_serialization(),
                to.path()
            ),
            None => "it redirects elsewhere".to_owned(),
        };
    }
    let retry_after = retry_after(headers, SystemTime::now());
    let mut setback = Setback::from(of_complaint(
        provider,
        status.as_u16(),
        &complaint,
        retry_after,
    ));
    if let Some(value) = headers.get("x-should-retry") {
        setback.may_pass = (setback.may_pass || value == "true") && value != "false";
    }
    setback
}

/// What a complaint means that came with `status`, or inside an answer (then 200).
pub(crate) fn of_complaint(
    provider: &Provider,
    status: u16,
    complaint: &Complaint,
    retry_after: Option<Duration>,
) -> ProviderError {
    let name = provider.name().to_owned();
    let model = provider.model().to_owned();
    let message = provider.presentable(&complaint.message);
    let retry_after = retry_after.or(complaint.retry_after);
    let text = complaint.message.to_lowercase();
    let is = |kinds: &[&str]| kinds.iter().any(|kind| complaint.kind.contains(kind));
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let status = match complaint.status {
        Some(own) if status == 200 => own,
        _ => status,
    };
    // Gemini's compatible service answers 400 to a wrong key.
    let key = is(&["invalid_api_key", "authentication_error", "api_key_invalid"])
        || says(&["api key not valid"]);
    if matches!(status, 401 | 403) || key {
        return ProviderError::Unauthorized {
            provider: name,
            status,
            has_key: provider.has_key(),
            message,
        };
    }
    // Gemini's free quota has the words of an empty account, and passes.
    let says_when = retry_after.is_some() && !is(&["perday"]);
    // By its code, not by its words: messages about rates advertise the billing page.
    let credit = is(&["insufficient_quota", "billing", "insufficient_balance"])
        || (!says_when && says(&["exceeded your current quota", "credit balance is too low"]));
    if status == 402 || credit {
        return ProviderError::NoCredit {
            provider: name,
            message,
        };
    }
    // In order: Azure, OpenAI.
    if is(&["content_filter", "content_policy", "responsibleai"]) || says(&["safety reasons"]) {
        return ProviderError::Filtered {
            provider: name,
            message,
        };
    }
    if status == 413 || is_too_long(complaint) {
        return ProviderError::ContextOverflow { model, message };
    }
    if status == 200
        && (is(&["rate_limit", "resource_exhausted"]) || says(&["rate limit", "too many requests"]))
    {
        return ProviderError::RateLimited {
            provider: name,
            message,
            retry_after,
        };
    }
    // Ollama's model that does not fit: it will not fit later either.
    let is_hopeless = says(&["requires more system memory"]);
    let busy =
        is(&["overloaded", "server_error", "api_error", "unavailable"]) || says(&["overloaded"]);
    match status {
        404 | 200 if status == 404 || is(&["not_found"]) => ProviderError::NotFound {
            provider: name,
            model,
            base_url: provider.base_url().to_owned(),
            message,
        },
        429 => ProviderError::RateLimited {
            provider: name,
            message,
            retry_after,
        },
        // 529 is Anthropic's word for too busy.
        408 | 409 | 500..=599 if !is_hopeless => ProviderError::Overloaded {
            provider: name,
            status,
            message,
            retry_after,
        },
        200 if busy => ProviderError::Overloaded {
            provider: name,
            // As it is documented for these kinds when they come before the answer.
            status: if is(&["server_error", "api_error"]) {
                500
            } else {
                status
            },
            message,
            retry_after,
        },
        _ => ProviderError::Http {
            provider: name,
            status: if status == 200 && is(&["invalid"]) {
                400
            } else {
                status
            },
            message,
        },
    }
}

/// Whether a complaint is about the length of the request.
fn is_too_long(complaint: &Complaint) -> bool {
    let text = complaint.message.to_lowercase();
    // In order: OpenAI, llama.cpp, Anthropic.
    let kinds = ["context_length", "exceed_context", "request_too_large"];
    // In order: vLLM, Mistral, llama.cpp, Gemini, Groq, Anthropic, OpenAI for a request that is longer
    // than what may be sent in a minute; of embeddings llama.cpp and Mistral.
    let words = [
        "maximum context",
        "context length",
        "context size",
        "exceeds the maximum number of tokens",
        "reduce the length of the messages",
        "prompt is too long",
        "exceed context limit",
        "request too large for",
        "too large to process",
        "too many tokens in batch",
    ];
    kinds.iter().any(|kind| complaint.kind.contains(kind))
        || words.iter().any(|word| text.contains(word))
}

/// The pause that a server asks for: `retry-after-ms`, else `retry-after`, which is a number of
/// seconds or a date (RFC 9110, section 10.2.3). A date is taken by the server's own clock, if it
/// tells it.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let date = |name: &str| {
        rfc2822::parse(text(name)?)
            .ok()
            .map(|date| date.timestamp())
    };
    if let Some(ms) = number("retry-after-ms") {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    if let Some(seconds) = number("retry-after") {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = date("retry-after")?;
    let now = date(DATE.as_str()).or_else(|| Timestamp::try_from(now).ok())?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ProviderConfig;
    use reqwest::header::{HeaderName, HeaderValue};

    fn provider(key: Option<&str>) -> Provider {
        let config = ProviderConfig::new("p", "http://127.0.0.1:1", "m");
        Provider::new(config, key.map(|key| key.to_owned().into())).unwrap()
    }

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        };
        all.iter().map(pair).collect()
    }

    fn refused(status: u16, body: &str) -> Setback {
        let status = StatusCode::from_u16(status).unwrap();
        of_response(&provider(None), status, &HeaderMap::new(), body)
    }

    /// The status, the body, and what they mean.
    const REFUSALS: &[(u16, &str, &str)] = &[
        // OpenAI
        (
            401,
            r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            "unauthorized",
        ),
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            "no-credit",
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached. Visit the billing page to add a payment method.","type":"requests","code":"rate_limit_exceeded"}}"#,
            "rate-limited",
        ),
        (
            400,
            r#"{"error":{"message":"Your input exceeds the context window","code":"context_length_exceeded"}}"#,
            "context-overflow",
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported value: 'temperature'","code":"unsupported_value"}}"#,
            "http",
        ),
        // llama.cpp
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}"#,
            "context-overflow",
        ),
        (
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
            "overloaded",
        ),
        // vLLM
        (
            400,
            r#"{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","code":400}"#,
            "context-overflow",
        ),
        // Ollama
        (
            404,
            r#"{"error":{"message":"model 'm' not found","type":"not_found_error"}}"#,
            "model-not-found",
        ),
        // Gemini's compatible service
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#,
            "unauthorized",
        ),
        (
            429,
            r#"{"error":{"message":"Request too large for gpt-x on tokens per min (TPM): Limit 10000, Requested 12000.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            "context-overflow",
        ),
        (
            400,
            r#"{"error":{"message":"Invalid prompt: your prompt was flagged for safety reasons.","type":"invalid_request_error","code":"invalid_prompt"}}"#,
            "filtered",
        ),
        // Azure
        (
            400,
            r#"{"error":{"message":"The response was filtered due to the prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            "filtered",
        ),
        // Anthropic
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}"#,
            "unauthorized",
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            "no-credit",
        ),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission"}}"#,
            "unauthorized",
        ),
        (
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#,
            "model-not-found",
        ),
        (
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            "context-overflow",
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 209000 tokens > 200000 maximum"}}"#,
            "context-overflow",
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"}}"#,
            "context-overflow",
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit"}}"#,
            "rate-limited",
        ),
        (
            500,
            r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#,
            "overloaded",
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "overloaded",
        ),
        // Gemini
        (
            400,
            r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#,
            "unauthorized",
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},{"@type":"x.RetryInfo","retryDelay":"34s"}]}}]"#,
            "rate-limited",
        ),
        (
            429,
            r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},{"@type":"x.RetryInfo","retryDelay":"34s"}]}}"#,
            "no-credit",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
            "context-overflow",
        ),
        (
            503,
            r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#,
            "overloaded",
        ),
        // Ollama
        (404, r#"{"error":"model 'm' not found"}"#, "model-not-found"),
        (400, r#"{"error":"\"m\" does not support tools"}"#, "http"),
        (
            500,
            r#"{"error":"model requires more system memory (8.0 GiB) than is available (4.0 GiB)"}"#,
            "http",
        ),
        // DeepSeek, a proxy, a page behind a login
        (
            402,
            r#"{"error":{"message":"Insufficient Balance"}}"#,
            "no-credit",
        ),
        (
            502,
            "<html><title>502 Bad Gateway</title></html>",
            "overloaded",
        ),
        (529, "", "overloaded"),
        (302, "", "http"),
    ];

    #[test]
    fn refusals_of_many_servers() {
        for (status, body, code) in REFUSALS.iter().copied() {
            assert_eq!(refused(status, body).error.code(), code, "{status} {body}");
        }
    }

    #[test]
    fn an_answer_with_an_error_inside_names_its_own_status() {
        let inside = |code| {
            let complaint = Complaint {
                status: code,
                ..Complaint::default()
            };
            of_complaint(&provider(None), 200, &complaint, None).code()
        };
        assert_eq!(inside(Some(429)), "rate-limited");
        assert_eq!(inside(Some(502)), "overloaded");
        assert_eq!(inside(None), "http");
        let of_kind = |kind: &str| {
            let complaint = Complaint {
                kind: kind.into(),
                ..Complaint::default()
            };
            of_complaint(&provider(None), 200, &complaint, None).code()
        };
        for (kind, code) in [
            ("overloaded_error", "overloaded"),
            ("api_error", "overloaded"),
            ("rate_limit_error", "rate-limited"),
            ("authentication_error", "unauthorized"),
            ("not_found_error", "model-not-found"),
            ("context_length_exceeded", "context-overflow"),
            ("invalid_request_error", "http"),
        ] {
            assert_eq!(of_kind(kind), code, "{kind}");
        }
    }

    #[test]
    fn what_may_pass() {
        assert!(refused(429, "").may_pass);
        assert!(refused(500, "").may_pass);
        assert!(!refused(401, "").may_pass);
        assert!(!refused(400, "").may_pass);
        let no = headers(&[("x-should-retry", "false")]);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        assert!(!of_response(&provider(None), status, &no, "").may_pass);
        let yes = headers(&[("x-should-retry", "true")]);
        assert!(of_response(&provider(None), StatusCode::BAD_REQUEST, &yes, "").may_pass);
    }

    #[test]
    fn a_missing_key_is_told_from_a_wrong_one() {
        let status = StatusCode::UNAUTHORIZED;
        let told = |key| {
            let refused = of_response(&provider(key), status, &HeaderMap::new(), "no");
            format!("{} / {}", refused.error, refused.error.next_step())
        };
        assert_eq!(
            told(None),
            "`p` wants a key, and none is set (HTTP 401): no / set key_env or key_command of \
             [providers.p] in pleach.toml"
        );
        assert_eq!(
            told(Some("sk-1")),
            "`p` refused the key (HTTP 401): no / check the key that key_env or key_command of \
             [providers.p] gives; `pleach doctor` tells what is set"
        );
    }

    #[test]
    fn a_redirect_is_told_and_not_what_it_carries() {
        let to = headers(&[("location", "https://other.example/v2/chat?token=abc")]);
        let refused = of_response(&provider(None), StatusCode::FOUND, &to, "");
        assert_eq!(
            refused.error.to_string(),
            "`p` answered HTTP 302: it redirects to https://other.example/v2/chat"
        );
    }

    #[test]
    fn a_key_is_in_no_text() {
        let provider = provider(Some("sk-very-secret\n"));
        assert!(!format!("{provider:?}").contains("secret"));
        let complaint = Complaint {
            message: "Incorrect API key: sk-very-secret.".into(),
            ..Complaint::default()
        };
        let error = of_complaint(&provider, 400, &complaint, None);
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("[key]") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn pauses_are_read_from_headers() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let pause = |all: &[(&'static str, &str)]| retry_after(&headers(all), now);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pause(&[("retry-after", "2")]), seconds(2));
        let both = [("retry-after", "2"), ("retry-after-ms", "1500")];
        assert_eq!(pause(&both), Some(Duration::from_millis(1500)));
        assert_eq!(pause(&[("retry-after-ms", "-3")]), None);
        assert_eq!(pause(&[("retry-after", "soon")]), None);
        assert_eq!(pause(&[("retry-after", "1e300")]), None);
        let at = ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(pause(&[at]), seconds(30));
        assert_eq!(
            pause(&[at, ("date", "Sun, 06 Nov 1994 08:50:00 GMT")]),
            seconds(7)
        );
        assert_eq!(
            pause(&[at, ("date", "Sun, 06 Nov 1994 09:50:00 GMT")]),
            seconds(0)
        );
    }
}
