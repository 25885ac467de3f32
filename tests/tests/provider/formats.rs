//! Every format of a provider against a server that speaks it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use futures_util::StreamExt;
use pleach_model::{
    Message, ModelEvent, ModelRequest, Provider, ProviderConfig, ProviderError, Reply, StopReason,
    Tool, ToolResult, WireFormat,
};
use pleach_tests::fake_model::{FakeModel, Flavour, Script, Seen};
use serde_json::{Value, json};

fn format(flavour: Flavour) -> WireFormat {
    match flavour {
        Flavour::Chat => WireFormat::Chat,
        Flavour::Responses => WireFormat::Responses,
        Flavour::Anthropic => WireFormat::Anthropic,
        Flavour::Gemini => WireFormat::Gemini,
        Flavour::Ollama => WireFormat::Ollama,
    }
}

fn provider(flavour: Flavour, model: &FakeModel) -> Provider {
    let mut config = ProviderConfig::new("fake", &model.root(), "fake");
    config.format = format(flavour);
    Provider::new(config, Some("sk-test".to_owned().into())).unwrap()
}

fn question() -> ModelRequest {
    ModelRequest {
        system: "Be brief.".into(),
        messages: vec![Message::user("Hello?")],
        max_output_tokens: Some(50),
        ..ModelRequest::default()
    }
}

/// Asks and gathers the answer, and how it ended. A wait ends the test's patience.
fn ask(
    provider: &Provider,
    request: &ModelRequest,
) -> (Reply, Result<StopReason, ProviderError>, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut reply = Reply::default();
        let mut events = provider.stream(request);
        loop {
            match events.next().await.unwrap() {
                Ok(ModelEvent::Waiting { .. }) => {
                    return (reply, Ok(StopReason::Other("waits".into())), true);
                }
                Ok(event) => {
                    reply.take(&event);
                    if let ModelEvent::Stopped(reason) = event {
                        return (reply, Ok(reason), false);
                    }
                }
                Err(error) => return (reply, Err(error), false),
            }
        }
    })
}

fn failure(provider: &Provider) -> ProviderError {
    ask(provider, &question()).1.unwrap_err()
}

#[test]
fn an_answer_in_every_format_and_what_it_was_asked_with() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        let mut script = flavour.begin();
        for piece in ["größer", " — ", "日本"] {
            script = flavour.piece(script, piece);
        }
        model.say(flavour.end(script));
        let (reply, end, _) = ask(&provider(flavour, &model), &question());
        assert_eq!(end.unwrap(), StopReason::EndTurn, "{flavour:?}");
        assert_eq!(reply.text, "größer — 日本", "{flavour:?}");
        let usage = reply.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (7, 3),
            "{flavour:?}"
        );
        let Seen::Request {
            line,
            headers,
            body,
        } = model.next()
        else {
            panic!("no request");
        };
        assert_eq!(line, flavour.line());
        let (name, value) = flavour.key();
        let sent: Vec<&str> = headers
            .iter()
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(sent, [value], "{flavour:?}");
        assert!(!body.to_string().contains("sk-test"), "{flavour:?}");
        assert!(
            body.to_string().contains("Be brief."),
            "{flavour:?}: {body}"
        );
        model.next();
    }
}

#[test]
fn a_conversation_with_a_tool_in_every_format() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        let arguments = json!({"path": "größer.rs"});
        let script = flavour.call(
            flavour.piece(flavour.begin(), "Reading."),
            "read",
            &arguments,
        );
        // What chat completions and Anthropic call the reason, the others leave to the reader.
        let script = match flavour {
            Flavour::Chat => script.end("tool_calls"),
            Flavour::Anthropic => script
                .raw("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n")
                .raw("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
            other => other.end(script),
        };
        model.say(script);
        model.say(flavour.text("Done."));
        let provider = provider(flavour, &model);
        let mut request = question();
        request.tools = vec![Tool {
            name: "read".into(),
            description: "Reads a file.".into(),
            schema: json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        }];
        let (reply, end, _) = ask(&provider, &request);
        assert_eq!(end.unwrap(), StopReason::ToolUse, "{flavour:?}");
        let calls = reply.calls().unwrap();
        assert_eq!(calls[0].arguments, arguments, "{flavour:?}");
        request
            .messages
            .push(reply.into_message(format(flavour)).unwrap());
        request.messages.push(Message::results(vec![ToolResult {
            call: calls[0].id.clone(),
            name: "read".into(),
            text: "fn a() {}".into(),
            is_error: false,
        }]));
        assert_eq!(ask(&provider, &request).0.text, "Done.", "{flavour:?}");
        let first = model.request();
        assert!(first.to_string().contains("Reads a file."), "{flavour:?}");
        let body = model.request();
        assert_eq!(told(flavour, &body), (true, true), "{flavour:?}: {body}");
    }
}

/// Whether a request tells the call, and what came of it, where its format wants them.
fn told(flavour: Flavour, body: &Value) -> (bool, bool) {
    let (call, result) = match flavour {
        Flavour::Chat | Flavour::Ollama => (
            body["messages"][2]["tool_calls"][0]["function"]["name"].clone(),
            body["messages"][3]["content"].clone(),
        ),
        Flavour::Responses => (
            body["input"][1]["name"].clone(),
            body["input"][2]["output"].clone(),
        ),
        Flavour::Anthropic => (
            // The text comes back first, as it came.
            body["messages"][1]["content"]
                .as_array()
                .and_then(|blocks| blocks.iter().find(|block| block["type"] == "tool_use"))
                .map_or(Value::Null, |block| block["name"].clone()),
            body["messages"][2]["content"][0]["content"].clone(),
        ),
        Flavour::Gemini => (
            body["contents"][1]["parts"][1]["functionCall"]["name"].clone(),
            body["contents"][2]["parts"][0]["functionResponse"]["response"]["output"].clone(),
        ),
    };
    (call == "read", result == "fn a() {}")
}

#[test]
fn an_answer_that_breaks_off_is_no_answer_in_any_format() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        let half = || flavour.piece(flavour.begin(), "half");
        for (script, code) in [
            (half().cut(), "connection-lost"),
            // The connection ends in good order, but the answer does not.
            (half(), "truncated-reply"),
            (
                half().raw("data: {\"type\": \"content_block"),
                "truncated-reply",
            ),
        ] {
            model.say(script);
            let (reply, end, _) = ask(&provider(flavour, &model), &question());
            assert_eq!(reply.text, "half", "{flavour:?}");
            let error = end.unwrap_err();
            assert_eq!(
                (error.code(), error.class()),
                (code, "truncated"),
                "{flavour:?}"
            );
        }
    }
}

#[test]
fn a_server_that_is_too_busy_says_so_in_every_format() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        // Before the first word it is asked again.
        model.say(flavour.overloaded(Script::default()));
        let (_, _, waits) = ask(&provider(flavour, &model), &question());
        assert!(waits, "{flavour:?}");
        // After it, the answer has failed, and what came is kept.
        model.say(flavour.overloaded(flavour.piece(flavour.begin(), "half")));
        let (reply, end, _) = ask(&provider(flavour, &model), &question());
        assert_eq!(reply.text, "half", "{flavour:?}");
        assert_eq!(end.unwrap_err().code(), "overloaded", "{flavour:?}");
    }
}

#[test]
fn refusals_are_told_apart_in_every_format() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        for (status, message, class) in [
            (401, "who are you, sk-test?", "auth"),
            (404, "no such model", "not_found"),
            (413, "too much", "too_large"),
            (400, "prompt is too long", "too_large"),
            (422, "no such parameter", "invalid"),
            (302, "", "redirect"),
        ] {
            model.say(Script::error(
                status,
                &json!({"error": {"message": message}}),
            ));
            let error = failure(&provider(flavour, &model));
            assert_eq!(error.class(), class, "{flavour:?} {status}");
            assert!(!error.to_string().contains("sk-test"), "{error}");
        }
        for status in [429, 500, 503, 529] {
            model.say(Script::error(
                status,
                &json!({"error": {"message": "later"}}),
            ));
            let (_, _, waits) = ask(&provider(flavour, &model), &question());
            assert!(waits, "{flavour:?} {status}");
        }
        // A success between the failures, so that the server is not left in peace.
        model.say(flavour.text("Hi."));
        assert_eq!(ask(&provider(flavour, &model), &question()).0.text, "Hi.");
    }
}

#[test]
fn the_list_of_models_in_every_format() {
    let model = FakeModel::start();
    for flavour in Flavour::ALL {
        let (list, path) = match flavour {
            Flavour::Gemini => (
                json!({"models": [{"name": "models/fake"}, {"name": "models/other"}]}),
                "GET /v1beta/models?pageSize=1000",
            ),
            Flavour::Ollama => (
                json!({"models": [{"name": "fake:latest"}, {"name": "other"}]}),
                "GET /api/tags",
            ),
            _ => (
                json!({"data": [{"id": "fake"}, {"id": "other"}]}),
                "GET /v1/models",
            ),
        };
        model.list(Script::error(200, &list));
        let provider = provider(flavour, &model);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let report = runtime.block_on(provider.probe()).unwrap();
        assert_eq!(
            (report.models.len(), report.has_model),
            (2, Some(true)),
            "{flavour:?}"
        );
        assert_eq!(model.next().line(), path);
        model.next();
    }
}

#[test]
fn a_model_that_does_not_know_a_measure_of_thinking_is_asked_in_older_words() {
    let model = FakeModel::start();
    let effort = Some(pleach_model::Effort::Low);
    for (flavour, complaint) in [
        (
            Flavour::Anthropic,
            "thinking.type: adaptive is not supported by this model",
        ),
        (
            Flavour::Gemini,
            "Thinking level is not supported for this model.",
        ),
        (Flavour::Ollama, "\"fake\" does not support thinking"),
        (
            Flavour::Responses,
            "Encrypted content is not supported with this model.",
        ),
    ] {
        model.say(Script::error(
            400,
            &json!({"error": {"message": complaint}}),
        ));
        model.say(flavour.text("Hi."));
        let request = ModelRequest {
            effort,
            ..question()
        };
        assert_eq!(
            ask(&provider(flavour, &model), &request).0.text,
            "Hi.",
            "{flavour:?}"
        );
        assert_ne!(model.request(), model.request(), "{flavour:?}");
    }
}

#[test]
fn a_response_that_is_called_complete_at_its_bound_is_cut_off() {
    let model = FakeModel::start();
    let flavour = Flavour::Responses;
    let counted = |tokens: u64| {
        let end = json!({"type": "response.completed", "response": {"status": "completed",
            "usage": {"input_tokens": 7, "output_tokens": tokens}}});
        flavour.piece(flavour.begin(), "half").event(&end)
    };
    for (tokens, reason) in [(49, StopReason::EndTurn), (50, StopReason::MaxTokens)] {
        model.say(counted(tokens));
        let (_, end, _) = ask(&provider(flavour, &model), &question());
        assert_eq!(end.unwrap(), reason, "{tokens}");
    }
}
