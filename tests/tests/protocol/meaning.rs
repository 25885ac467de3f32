//! Search by meaning: what is sent to be embedded and what is not, what it finds, and what happens without it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use pleach_store::{Call, CallFilter, Ledger, Measure, Store};
use pleach_tests::client::{Builder, Client, Personality};
use pleach_tests::fake_model::{FakeModel, Script, Seen, texts_of};
use serde_json::{Value, json};

const SHIP: &str = "/// Leaves the harbour.\npub fn sail() {}\n";
const TILL: &str = "/// The coins of a shop.\npub fn open_drawer() {}\n";

/// A model of two subjects: the sea and money.
fn subjects(text: &str) -> Vec<f32> {
    let about = |words: &[&str]| {
        let times: usize = words.iter().map(|word| text.matches(word).count()).sum();
        f32::from(u8::try_from(times.min(200)).unwrap())
    };
    vec![
        about(&["sail", "harbour", "vessel", "ship"]),
        about(&["coin", "drawer", "cash", "till"]),
        0.01,
    ]
}

fn settings(model: &FakeModel) -> String {
    format!(
        "cache.enabled = false\n[providers.near]\nbase_url = \"{}\"\nmodel = \"chat-1\"\nkey_env = \"FAKE_KEY\"\n\
         [embeddings]\nprovider = \"near\"\nmodel = \"embed-1\"\n",
        model.base_url()
    )
}

fn shop(settings: &str) -> Builder {
    Client::builder()
        .user_settings(settings)
        .variable("FAKE_KEY", FakeModel::KEY)
        .file("src/ship.rs", SHIP)
        .file("src/till.rs", TILL)
        .file("data.json", "{\"coin\": 1}\n")
        .opened("src/lib.rs", "pub mod ship;\npub mod till;\n")
}

/// What `pleach.status` says of embeddings, once they are in this state and there are so many.
fn embeddings(client: &mut Client, state: &str, embedded: u64) -> Value {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let status = client.execute("pleach.status", Value::Null).unwrap();
        let told = status["components"]["embeddings"].clone();
        if told["state"] == state && told["embedded"] == embedded {
            return told;
        }
        assert!(Instant::now() < until, "{told}");
    }
}

fn found(client: &mut Client, query: &str) -> (Vec<String>, Value) {
    let answer = client
        .execute("pleach.search", json!({"query": query}))
        .unwrap();
    let places = answer["places"].as_array().unwrap().iter();
    let place = |it: &Value| format!("{}:{}", it["path"].as_str().unwrap(), it["line"]);
    (places.map(place).collect(), answer["ranked"].clone())
}

/// The texts of all requests for embeddings that came by now.
fn sent(model: &FakeModel) -> Vec<String> {
    model.requests_by_now().iter().flat_map(texts_of).collect()
}

/// Lets the server go, and reads what it has written down.
fn calls(client: &mut Client) -> Vec<Call> {
    client.close_input();
    client.exit_code();
    let folder = client.state_folder().join("pleach");
    let mut ledger = Ledger::new(Utf8Path::from_path(&folder).unwrap());
    ledger.calls(&CallFilter::default()).unwrap()
}

#[test]
fn texts_are_embedded_once_and_found_by_what_they_mean() {
    let model = FakeModel::start();
    model.embeds(subjects);
    let mut client = shop(&settings(&model)).start();
    let Seen::Request {
        line,
        headers,
        body,
    } = model.next()
    else {
        panic!("no request")
    };
    assert_eq!(line, "POST /v1/embeddings");
    assert!(headers.contains(&("authorization".into(), format!("Bearer {}", FakeModel::KEY))));
    assert_eq!(body["model"], "embed-1");
    assert_eq!(
        texts_of(&body),
        ["pub mod ship;\npub mod till;\n", SHIP, TILL]
    );
    let told = embeddings(&mut client, "whole", 3);
    assert_eq!(told["tokens"], 30);
    assert_eq!(told["engine"], "embed-1 (near)");
    // No text has the word, and data is not embedded.
    let (places, ranked) = found(&mut client, "a vessel");
    assert_eq!(ranked, "words and meaning");
    assert_eq!(places[0], "src/ship.rs:2", "{places:?}");
    let (places, _) = found(&mut client, "cash");
    assert_eq!(places[0], "src/till.rs:2", "{places:?}");
    // A search that was made before is not paid for again.
    sent(&model);
    found(&mut client, "cash");
    assert_eq!(sent(&model), Vec::<String>::new());

    // Another session sends what has changed and no more.
    let mut client = client.restart();
    client.open("src/lib.rs");
    let (_, ranked) = found(&mut client, "cash");
    assert_eq!(ranked, "words and meaning");
    embeddings(&mut client, "whole", 3);
    sent(&model);
    client.set_text(
        "src/lib.rs",
        "pub mod ship;\npub mod till;\npub mod coin;\n",
    );
    client.save("src/lib.rs");
    found(&mut client, "cash");
    assert_eq!(
        texts_of(&model.request()),
        ["pub mod ship;\npub mod till;\npub mod coin;\n"]
    );
    // The old text is kept for a while, in case it comes back.
    embeddings(&mut client, "whole", 4);
    // Made anew, the index finds them still.
    client.execute("pleach.index", Value::Null).unwrap();
    let (places, ranked) = found(&mut client, "cash");
    assert_eq!(
        (places[0].as_str(), ranked),
        ("src/till.rs:2", json!("words and meaning"))
    );
    let all = calls(&mut client);
    assert!(
        all.iter()
            .all(|call| call.new.action == "embed" && call.new.role == "index")
    );
    assert!(all.iter().all(|call| {
        call.settlement
            .as_ref()
            .is_some_and(|it| it.measure == Measure::Provider)
    }));
}

#[test]
fn nothing_is_sent_unless_the_persons_own_settings_name_a_provider() {
    let model = FakeModel::start();
    model.embeds(subjects);
    let base = settings(&model);
    let (without, wanted) = base.split_once("[embeddings]").unwrap();
    // A workspace can stop it, and not begin it.
    for (own, workspace) in [
        (without.to_owned(), format!("[embeddings]{wanted}")),
        (base.clone(), "engine = \"builtin\"\n".to_owned()),
        (
            base.clone(),
            "[embeddings]\ntokens_per_day = 0\n".to_owned(),
        ),
        (format!("{base}[context]\nindex = false\n"), String::new()),
    ] {
        let mut client = shop(&own).file("pleach.toml", &workspace).start();
        if !own.contains("index = false") {
            let (places, ranked) = found(&mut client, "drawer");
            assert_eq!((places.len(), ranked), (1, json!("words")));
        }
        let status = client.execute("pleach.status", Value::Null).unwrap();
        assert_eq!(status["components"]["embeddings"]["state"], "off");
        client.end();
        assert!(model.saw_nothing_more(), "{workspace}");
    }
}

#[test]
fn secrets_have_placeholders_and_what_is_never_sent_is_not_embedded() {
    let model = FakeModel::start();
    model.embeds(subjects);
    let lines = "// ship\n".repeat(30);
    let mut client = shop(&settings(&model))
        .file(
            "src/login.py",
            &format!("{lines}password = 'hunter2!x9Q'\n{lines}"),
        )
        .file(".env", "COIN=1\n")
        .file("keys/server.pem", "coin\n")
        .file(".pleachignore", "private/\n")
        .file("private/plan.rs", "pub fn coin() {}\n")
        .file(".gitignore", "build/\n")
        .file("build/out.rs", "pub fn coin() {}\n")
        .start();
    let texts = texts_of(&model.request());
    embeddings(&mut client, "whole", 5);
    let all = texts.concat();
    assert!(all.contains("password = 'PLEACH_SECRET_1'"), "{texts:?}");
    assert!(!all.contains("hunter2"), "{texts:?}");
    assert!(
        !all.contains("COIN") && !all.contains("fn coin"),
        "{texts:?}"
    );
    assert_eq!(texts.len(), 5);
    // A question is looked through as well.
    found(&mut client, "who knows password = 'hunter3!x9Q'");
    let asked = loop {
        let body = model.request();
        if texts_of(&body).len() == 1 {
            break texts_of(&body).remove(0);
        }
    };
    assert!(
        asked.contains("PLEACH_SECRET_1") && !asked.contains("hunter3"),
        "{asked}"
    );
    // What was sent is on record: names of files, no text.
    client.close_input();
    client.exit_code();
    let folder = client.state_folder().join("pleach");
    let mut store = Store::new(Utf8Path::from_path(&folder).unwrap());
    let records = store.audit_records(None).unwrap();
    let record = records.iter().find(|it| it.new.kind == "embedded").unwrap();
    assert!(
        record.new.body["files"]
            .to_string()
            .contains("src/login.py")
    );
    assert!(!record.new.body.to_string().contains("password"));
}

#[test]
fn a_provider_that_fails_leaves_words_and_is_told_once() {
    let model = FakeModel::start();
    let refused = || Script::error(401, &json!({"error": {"message": "no"}}));
    model.embedding(refused());
    let mut client = shop(&settings(&model)).start();
    let warned = client.notification_where("window/showMessage", |it| {
        it["message"]
            .as_str()
            .is_some_and(|it| it.contains("words alone"))
    });
    assert!(
        warned["message"]
            .as_str()
            .unwrap()
            .contains("refused the key"),
        "{warned}"
    );
    for _ in 0..2 {
        let (places, ranked) = found(&mut client, "drawer");
        assert_eq!(
            (places[0].as_str(), ranked),
            ("src/till.rs:2", json!("words"))
        );
    }
    let warnings = client.said("window/showMessage").len();
    assert_eq!(warnings, 1);
    assert_eq!(embeddings(&mut client, "failing", 0)["tokens"], 0);
    assert_eq!(model.requests_seen(), 1, "it is left alone for a while");
    // By hand it is tried again at once.
    model.embeds(subjects);
    client.execute("pleach.index", Value::Null).unwrap();
    embeddings(&mut client, "whole", 3);
    assert_eq!(found(&mut client, "cash").1, "words and meaning");
}

#[test]
fn a_text_that_is_too_long_for_the_model_is_cut_and_others_are_not_lost() {
    let model = FakeModel::start();
    model.embeds(subjects);
    let too_long = || {
        Script::error(
            400,
            &json!({"error": {"message": "exceeds the context length"}}),
        )
    };
    // All three, and then the first of them alone.
    for _ in 0..2 {
        model.embedding(too_long());
    }
    let mut client = shop(&settings(&model)).start();
    embeddings(&mut client, "whole", 3);
    let bodies = model.requests_by_now();
    let sizes: Vec<usize> = bodies.iter().map(|body| texts_of(body).len()).collect();
    // It is short already, so it is left to be found by its words.
    assert_eq!(sizes, [3, 1, 2]);
    assert_eq!(found(&mut client, "cash").0[0], "src/till.rs:2");
}

#[test]
fn the_caps_hold_for_embeddings_too() {
    let model = FakeModel::start();
    model.embeds(subjects);
    let few = format!("{}tokens_per_day = 20\n", settings(&model));
    let mut client = shop(&few).start();
    let told = embeddings(&mut client, "day-over", 0);
    assert_eq!(told["left"], 3);
    assert!(
        told["told"].as_str().unwrap().contains("tokens_per_day"),
        "{told}"
    );
    assert!(model.saw_nothing_more());
    client.end();

    // A cap in money: the price of one on this machine may be unknown, a known one counts.
    let own = tempfile::NamedTempFile::new().unwrap();
    let table =
        "{\"near/embed-1\": {\"input_cost_per_token\": 0.01, \"output_cost_per_token\": 0}}";
    fs::write(own.path(), table).unwrap();
    let priced = |day: &str| {
        let path = own.path().display();
        format!(
            "{}[budget]\nprice_file = '{path}'\nday_usd = {day}\n",
            settings(&model)
        )
    };
    let mut client = shop(&priced("0.05")).start();
    let told = embeddings(&mut client, "failing", 0);
    assert!(
        told["told"]
            .as_str()
            .unwrap()
            .contains("the cap of $0.0500"),
        "{told}"
    );
    assert!(model.saw_nothing_more());
    client.end();
    let mut client = shop(&priced("5")).start();
    let told = embeddings(&mut client, "whole", 3);
    assert_eq!(
        (&told["tokens"], &told["microUsd"]),
        (&json!(30), &json!(300_000))
    );
}

#[test]
fn a_pack_has_what_the_instruction_means() {
    let model = FakeModel::start();
    model.embeds(subjects);
    let wanted = format!("engine = \"near\"\n{}", settings(&model));
    let mut client = shop(&wanted).start();
    embeddings(&mut client, "whole", 3);
    model.say(Script::text("It is a module.\n"));
    let asked = json!({"path": "src/lib.rs", "line": 1, "instruction": "count the cash"});
    let job = client.start_job("pleach.explain", asked);
    client.job_end(job);
    let told = client.execute("pleach.whatWasSent", Value::Null).unwrap();
    let pieces = told["pieces"].as_array().unwrap();
    let piece = pieces
        .iter()
        .find(|it| it["path"] == "src/till.rs")
        .unwrap();
    assert_eq!(
        piece["why"],
        "has words of the request, or means what it says"
    );
    // A preview sends nothing, the question neither.
    sent(&model);
    let preview = json!({"command": "pleach.explain", "path": "src/lib.rs", "line": 1, "instruction": "leave the harbour"});
    client.execute("pleach.previewPrompt", preview).unwrap();
    client.wait_until("the page is shown", |client| {
        let shown = client.said("window/showDocument").into_iter();
        let mut uris = shown.filter_map(|it| it["uri"].as_str());
        uris.any(|uri| uri.contains("prompt"))
    });
    assert!(model.saw_nothing_more());
}

#[test]
fn much_to_embed_is_shown_with_its_cost_and_can_be_stopped() {
    let model = FakeModel::start();
    model.embeds(subjects);
    // A whole batch, once the gate is open.
    let entry = json!({"embedding": [0.0, 1.0, 0.01]});
    let (held, go_on) = Script::default().gate();
    model.embedding(held.raw(&json!({"data": vec![entry; 32]}).to_string()));
    let mut builder = shop(&settings(&model)).editor(Personality::Neovim);
    for number in 0..100 {
        let text = format!("/// Coin {number}.\npub fn coin{number}() {{}}\n");
        builder = builder.file(&format!("src/coins/c{number}.rs"), &text);
    }
    let mut client = builder.start();
    let is_ours = |params: &Value| params["token"] == "pleach/embeddings";
    let begin = client.notification_where("$/progress", is_ours);
    assert_eq!(begin["value"]["title"], "Pleach: embedding");
    let told = begin["value"]["message"].as_str().unwrap();
    assert!(
        told.starts_with("embedding: 0 of 103 pieces") && told.contains("cost unknown"),
        "{told}"
    );
    assert_eq!(texts_of(&model.request()).len(), 32);
    client.notify(
        "window/workDoneProgress/cancel",
        json!({"token": "pleach/embeddings"}),
    );
    client.sync();
    drop(go_on);
    let end = client.notification_where("$/progress", |params| {
        is_ours(params) && params["value"]["kind"] == "end"
    });
    let told = end["value"]["message"].as_str().unwrap();
    assert!(
        told.starts_with("stopped, 71 pieces are not embedded"),
        "{told}"
    );
}
