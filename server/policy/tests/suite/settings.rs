//! The user's own file, and what the editor sends.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use pleach_policy::{
    KeySource, Loaded, LogLevel, MicroUsd, Role, Settings, Severity, narrow, overlay, parse,
};
use proptest::prelude::*;
use serde_json::json;

/// Every problem with what it points at.
fn told(text: &str, loaded: &Loaded) -> String {
    let mut out = String::new();
    for problem in &loaded.problems {
        let place = problem.range.of(text).unwrap();
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(
            out,
            "{place:?} {severity} {}: {}",
            problem.code, problem.message
        )
        .unwrap();
    }
    out
}

#[track_caller]
fn check(text: &str, expected: &Expect) -> Settings {
    let loaded = parse(text);
    expected.assert_eq(&told(text, &loaded));
    loaded.settings
}

const EVERYTHING: &str = r#"
engine = "local"

[providers.local]
kind = "openai-compatible"
base_url = "http://127.0.0.1:8080/v1/"
model = "qwen2.5-coder"
temperature = 0.2
max_output_tokens = 4_096

[providers.openai]
base_url = "https://api.openai.com/v1"
model = "gpt-5"
key_env = "OPENAI_API_KEY"
headers = { "X-Title" = "Pleach", "OpenAI-Organization" = "org-1" }

[providers.vault]
base_url = "https://models.example/v1"
model = "m"
key_command = ["pass", "show", "models"]

[actions]
enabled = true
automatic = true

[edits]
deny = ["*.sql", "migrations/"]
allow_ci = true

[limits]
first_byte_seconds = 120
idle_seconds = 45
max_output_tokens = 8000
max_attempts = 1
max_context_bytes = 100_000

[budget]
request_usd = 0.25
day_usd = 5
month_usd = 60.5
workspace_month_usd = 0
allow_unknown_prices = true
calls_per_job = 7
calls_per_minute = 30
price_file = "/home/me/prices.json"

[commands]
allow = ["cargo test", "npm run lint"]
write = ["generated"]
read = ["/opt/tools"]

[ledger]
url = "postgres://pleach@db.example/ledger"
password_env = "LEDGER_PASSWORD"
person = "me"

[log]
level = "debug"
"#;

#[test]
fn every_key_takes_effect() {
    let settings = check(EVERYTHING, &expect![[""]]);
    assert_eq!(settings.model_for(Role::Coder), Some("local"));
    let local = &settings.providers["local"];
    assert_eq!(local.base_url, "http://127.0.0.1:8080/v1");
    assert_eq!(local.key, KeySource::None);
    assert_eq!(local.temperature, Some(0.2));
    assert_eq!(settings.output_tokens(local), Some(4096));
    let openai = &settings.providers["openai"];
    assert_eq!(openai.key, KeySource::Variable("OPENAI_API_KEY".into()));
    assert_eq!(openai.headers["X-Title"], "Pleach");
    assert_eq!(settings.output_tokens(openai), Some(8000));
    let argv = ["pass", "show", "models"].map(String::from).to_vec();
    assert_eq!(settings.providers["vault"].key, KeySource::Command(argv));
    assert!(settings.actions.automatic && settings.edits.allow_ci);
    assert_eq!(settings.edits.deny, ["*.sql", "migrations/"]);
    assert_eq!(settings.limits.first_byte_seconds, 120);
    assert_eq!(settings.limits.idle_seconds, 45);
    assert_eq!(settings.limits.max_attempts, 1);
    assert_eq!(settings.limits.max_context_bytes, 100_000);
    let budget = &settings.budget;
    assert_eq!(budget.request_usd, Some(MicroUsd(250_000)));
    assert_eq!(budget.day_usd, Some(MicroUsd(5_000_000)));
    assert_eq!(budget.month_usd, Some(MicroUsd(60_500_000)));
    assert_eq!(budget.workspace_month_usd, Some(MicroUsd(0)));
    assert!(budget.allow_unknown_prices);
    assert_eq!((budget.calls_per_job, budget.calls_per_minute), (7, 30));
    assert_eq!(budget.price_file.as_deref(), Some("/home/me/prices.json"));
    assert_eq!(settings.commands.allow, ["cargo test", "npm run lint"]);
    assert_eq!(settings.commands.write, ["generated"]);
    assert_eq!(settings.commands.read, ["/opt/tools"]);
    let ledger = &settings.ledger;
    assert_eq!(
        ledger.url.as_deref(),
        Some("postgres://pleach@db.example/ledger")
    );
    assert_eq!(ledger.password_env.as_deref(), Some("LEDGER_PASSWORD"));
    assert_eq!(ledger.person.as_deref(), Some("me"));
    assert_eq!(settings.log.level, LogLevel::Debug);
}

#[test]
fn the_password_of_a_ledger_stands_in_no_file() {
    for url in [
        "postgres://me:hunter2@host/db",
        "postgres://host/db?password=hunter2",
        "mysql://host/db",
        "host=db",
    ] {
        let loaded = parse(&format!("[ledger]\nurl = '{url}'"));
        assert_eq!(loaded.settings.ledger.url, None);
        assert_eq!(loaded.problems[0].code, "bad_ledger", "{url}");
        assert!(!loaded.problems[0].message.contains("hunter2"));
    }
    let loaded = parse("[ledger]\npassword_env = 'hunter 2'");
    assert_eq!(loaded.settings.ledger.password_env, None);
    let here = narrow(
        &Settings::default(),
        "[ledger]\nurl = 'postgres://evil.example/db'",
    );
    assert_eq!(here.settings.ledger.url, None);
    assert_eq!(here.problems[0].code, "workspace_widens");
}

#[test]
fn amounts_that_are_none_leave_the_cap_as_it_was() {
    let settings = check(
        "[budget]\nday_usd = -1\nmonth_usd = 1_000_001\nrequest_usd = '1'\nday = 1\n",
        &expect![[r#"
            "-1" error out_of_range: `budget.day_usd` must be US dollars, from 0 to 1000000; no cap is set
            "1_000_001" error out_of_range: `budget.month_usd` must be US dollars, from 0 to 1000000; no cap is set
            "request_usd" error wrong_type: `budget.request_usd` must be a number of US dollars, and this is a text; it is ignored
            "day" warning unknown_key: `budget.day` is no setting and is ignored; did you mean `day_usd`?
        "#]],
    );
    assert!(!settings.budget.has_caps());
}

#[test]
fn an_empty_file_is_the_defaults() {
    let settings = check("", &expect![[""]]);
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.model_for(Role::Coder), None);
    assert_eq!(settings.engine, "builtin");
}

#[test]
fn misspelt_keys_are_told_and_the_rest_counts() {
    let settings = check(
        "[action]\nenabled = false\n[limits]\nidle-secs = 3\nmax_attempts = 1\nlevel = 'info'\nzzz = 1\n",
        &expect![[r#"
            "action" warning unknown_key: `action` is no setting and is ignored; did you mean `actions`?
            "idle-secs" warning unknown_key: `limits.idle-secs` is no setting and is ignored; did you mean `idle_seconds`?
            "level" warning unknown_key: `limits.level` is no setting and is ignored; did you mean `log.level`?
            "zzz" warning unknown_key: `limits.zzz` is no setting and is ignored; the keys here are `first_byte_seconds`, `idle_seconds`, `total_seconds`, `max_output_tokens`, `max_attempts`, `max_context_bytes`
        "#]],
    );
    assert_eq!(settings.limits.max_attempts, 1);
    assert!(settings.actions.enabled);
}

#[test]
fn wrong_values_are_told_and_the_rest_counts() {
    let settings = check(
        "engine = 3\n[actions]\nenabled = 'no'\nautomatic = true\n[limits]\nidle_seconds = 0\n\
         first_byte_seconds = 1.5\nmax_attempts = 3\nmax_output_tokens = 99999999999999999999\n\
         max_context_bytes = -1\n[log]\nlevel = 'debg'\n[edits]\ndeny = ['*.sql', 3, 'a[', '!b', '/']\n",
        &expect![[r#"
            "engine" error wrong_type: `engine` must be a text, and this is a number; it is ignored
            "enabled" error wrong_type: `actions.enabled` must be true or false, and this is a text; it is ignored
            "0" error out_of_range: `limits.idle_seconds` must be a whole number from 1 to 3600; 30 stays in force
            "1.5" error out_of_range: `limits.first_byte_seconds` must be a whole number from 1 to 3600; 60 stays in force
            "3" error out_of_range: `limits.max_attempts` must be a whole number from 0 to 2; 2 stays in force
            "99999999999999999999" error out_of_range: `limits.max_output_tokens` must be a whole number from 1 to 10000000; no limit is set
            "-1" error out_of_range: `limits.max_context_bytes` must be a whole number from 1024 to 16777216; 262144 stays in force
            "'debg'" error unknown_value: `log.level` must be `error`, `warn`, `info`, `debug`, `trace`; it is ignored; did you mean `debug`?
            "3" error wrong_type: `edits.deny` must be a list of texts, and this is a number; it is ignored
            "'a['" error bad_glob: this glob denies nothing: unclosed character class; missing ']'; the others in the list count
            "'!b'" error bad_glob: this glob denies nothing: such a list knows no `!`; the others in the list count
            "'/'" error bad_glob: this glob denies nothing: it names no file; the others in the list count
        "#]],
    );
    assert!(settings.actions.automatic);
    assert_eq!(settings.edits.deny, ["*.sql"]);
    assert_eq!(settings.limits, Settings::default().limits);
}

#[test]
fn a_broken_file_counts_as_far_as_it_can_be_read() {
    let settings = check(
        "engine = \n[limits]\nidle_seconds = 5\nidle_seconds = 6\n= 7\n[actions\n",
        &expect![[r#"
            "" error toml_syntax: this cannot be read as TOML: string values must be quoted, expected literal string; what else could be read counts
            "idle_seconds" error toml_syntax: this cannot be read as TOML: duplicate key; what else could be read counts
            "" error toml_syntax: this cannot be read as TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`; what else could be read counts
            "" error toml_syntax: this cannot be read as TOML: unclosed table, expected `]`; what else could be read counts
        "#]],
    );
    assert_eq!(settings.limits.idle_seconds, 5);
    assert_eq!(settings.engine, "builtin");
}

#[test]
fn a_key_is_neither_kept_nor_repeated() {
    let text = "[providers.a]\nbase_url = 'https://a.example/v1'\nmodel = 'm'\napi_key = 'sk-SECRET'\n\
                [providers.b]\nbase_url = 'https://b.example/v1?key=SECRET'\nmodel = 'm'\n\
                key_env = 'SECRETa1b2c3d4e5f6g7h8'\n\
                [providers.c]\nbase_url = 'https://u:SECRET@c.example/v1'\nmodel = 'sk-SECRET'\n\
                [providers.d]\nbase_url = 'https://d.example/v1'\nmodel = 'm'\n\
                key_command = ['echo', 'sk-SECRET']\n\
                headers = { Authorization = 'Bearer SECRET', 'x-api-key' = 'SECRET', Plain = 'ghp_SECRET' }\n\
                [providers.sk-SECRET]\nmodel = 'm'\n\
                [log]\nlevel = 'sk-SECRET'\n[edits]\ndeny = ['sk-*', 'x']\nsk-SECRET = 1\n";
    let settings = check(
        text,
        &expect![[r#"
            "api_key" error literal_key: `api_key` was not read: a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "b" error missing_key: `providers.b` cannot be used: it lacks a usable `base_url`
            "'https://b.example/v1?key=SECRET'" error bad_address: `providers.b.base_url` must end before `?` and `#`; a key belongs into `key_env`; it is ignored
            "key_env" error literal_key: `providers.b.key_env` takes the name of an environment variable, not the key itself, so this was not read; name the variable (if others can see this file, replace the key)
            "c" error missing_key: `providers.c` cannot be used: it lacks a usable `base_url` and `model`
            "'https://u:SECRET@c.example/v1'" error bad_address: `providers.c.base_url` must not contain a user's name or password; use `key_env`; it is ignored
            "model" error literal_key: `model` was not read: a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "key_command" error literal_key: `key_command` was not read: a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "Authorization" error auth_header: `Authorization` was not read: a header with a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "'x-api-key'" error auth_header: `x-api-key` was not read: a header with a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "Plain" error auth_header: `Plain` was not read: a header with a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "sk-SECRET" error bad_name: what stands here cannot be a provider's name; use up to 64 letters, digits, `-`, `_`, `.`
            "level" error literal_key: `level` was not read: a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "sk-SECRET" error literal_key: what stands here was not read: a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
        "#]],
    );
    assert!(!format!("{settings:?}").contains("SECRET"));
    assert_eq!(settings.edits.deny, ["sk-*", "x"], "a glob is no key");
    let messages: String = parse(text)
        .problems
        .into_iter()
        .map(|problem| problem.message)
        .collect();
    assert!(!messages.contains("SECRET"));
}

#[test]
fn providers_that_cannot_work_are_told() {
    let settings = check(
        "engine = 'opnai'\n\
         [providers.openai]\nbase_url = 'https://api.openai.com/v1'\nmodel = 'gpt-5'\nkey_env = 'K'\n\
         [providers.builtin]\nmodel = 'm'\n\
         [providers.'a b']\nmodel = 'm'\n\
         [providers.nowhere]\nbase_url = 'localhost:8080'\nmodel = ''\n\
         [providers.file]\nbase_url = 'file:///etc'\nmodel = 'm'\nkind = 'open-ai'\ntemperature = 3\n\
         [providers.two]\nbase_url = 'http://models.example/v1'\nmodel = 'm'\nkey_env = 'K'\n\
         key_command = ['x']\nheaders = { Host = 'x', 'a b' = 'c', n = 1, ok = 'fine' }\n\
         [providers.odd]\nbase_url = 'https://odd.example'\nmodel = 'm'\nkey_env = 'not a name'\n\
         key_command = []\nbase = 1\n",
        &expect![[r#"
            "'opnai'" warning unknown_engine: `opnai` is no provider here, so nothing can answer until it is one; did you mean `openai`?
            "builtin" error bad_name: `builtin` is the built-in syntax engine; give this provider another name
            "'a b'" error bad_name: `a b` cannot be a provider's name; use up to 64 letters, digits, `-`, `_`, `.`
            "nowhere" error missing_key: `providers.nowhere` cannot be used: it lacks a usable `base_url` and `model`
            "'localhost:8080'" error bad_address: `providers.nowhere.base_url` must begin with `https://` or `http://`; it is ignored
            "''" error bad_value: `providers.nowhere.model` must name a model; it is ignored
            "file" error missing_key: `providers.file` cannot be used: it lacks a usable `base_url`
            "'file:///etc'" error bad_address: `providers.file.base_url` must begin with `https://` or `http://`; it is ignored
            "'open-ai'" error unknown_value: `providers.file.kind` must be `openai-compatible`, `openai`, `anthropic`, `gemini`, `ollama`; it is ignored; did you mean `openai`?
            "3" error out_of_range: `providers.file.temperature` must be a number from 0 to 2; it is ignored
            "two" warning plain_http: `providers.two` sends its key over plain HTTP, where others can read it; use `https`
            "key_command" error two_keys: `providers.two` names two sources for its key, so this one is ignored; keep one
            "Host" error bad_header: `providers.two.headers.Host` is set by Pleach itself; it is ignored
            "'a b'" error bad_header: `providers.two.headers.a b` is no name of an HTTP header; it is ignored
            "n" error bad_header: `providers.two.headers.n` must be a text; it is ignored
            "'not a name'" error bad_value: `providers.odd.key_env` must be the name of an environment variable, such as `OPENAI_API_KEY`; it is ignored
            "[]" error bad_value: `providers.odd.key_command` must be a program and its arguments, such as `["pass", "show", "openai"]`; it is ignored
            "base" warning unknown_key: `providers.odd.base` is no setting and is ignored; did you mean `base_url`?
        "#]],
    );
    let names: Vec<&String> = settings.providers.keys().collect();
    assert_eq!(names, ["odd", "openai", "two"]);
    assert_eq!(
        settings.providers["two"].key,
        KeySource::Variable("K".into())
    );
    assert_eq!(settings.providers["two"].headers.len(), 1);
    // What was asked for and is not there answers nothing; nothing else steps in.
    assert_eq!(settings.model_for(Role::Coder), Some("opnai"));
}

#[test]
fn what_the_editor_sends_goes_over_the_file() {
    let user = parse(EVERYTHING).settings;
    let loaded = overlay(
        &user,
        &json!({
            "engine": "openai",
            "providers": {"openai": {"model": "gpt-6"}, "new": {"base_url": "https://n.example", "model": "n"}},
            "actions": {"automatic": false},
            "edits": {"deny": ["*.lock"]},
            "limits": {"idle_seconds": 10, "max_output_tokens": null},
            "colour": true,
        }),
    );
    expect![[r#"
        "" warning unknown_key: `colour` is no setting and is ignored; the keys here are `engine`, `local_models`, `providers`, `models`, `fallbacks`, `mcp`, `review`, `actions`, `edits`, `commands`, `tests`, `limits`, `budget`, `ledger`, `cache`, `context`, `embeddings`, `log`
    "#]].assert_eq(&told("", &loaded));
    let settings = loaded.settings;
    assert_eq!(settings.model_for(Role::Coder), Some("openai"));
    let openai = &settings.providers["openai"];
    assert_eq!(
        (openai.model.as_str(), &openai.key),
        ("gpt-6", &user.providers["openai"].key)
    );
    assert!(settings.providers.contains_key("new"));
    assert_eq!(settings.edits.deny, ["*.sql", "migrations/", "*.lock"]);
    assert_eq!(settings.limits.idle_seconds, 10);
    assert_eq!(settings.limits.max_output_tokens, Some(8000));
    assert_eq!(overlay(&user, &json!(null)).settings, user);
    assert_eq!(overlay(&user, &json!([1])).problems[0].code, "wrong_type");
}

/// As VS Code does in a folder that is not trusted.
#[test]
fn an_editor_can_have_nothing_sent() {
    let user = parse(
        "engine = 'a'\nfallbacks = ['a']\nmodels.reviewer = 'a'\nembeddings.provider = 'a'\n\
         [providers.a]\nbase_url = 'https://a.example'\nmodel = 'm'\n",
    );
    assert!(user.problems.is_empty(), "{:?}", user.problems);
    assert!(user.settings.embedder().is_some());
    let roles = ["planner", "coder", "tester", "documenter", "reviewer"];
    let roles: BTreeMap<&str, &str> = roles.map(|role| (role, "builtin")).into();
    let loaded = overlay(
        &user.settings,
        &json!({"engine": "builtin", "models": roles, "embeddings": {"tokens_per_day": 0}}),
    );
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let asked = loaded.settings.engines_in_use();
    assert_eq!(asked.into_keys().collect::<Vec<_>>(), ["builtin"]);
    assert!(loaded.settings.embedder().is_none());
}

#[test]
fn a_key_stays_with_its_host() {
    let user = parse(EVERYTHING).settings;
    let elsewhere = json!({"providers": {"openai": {"base_url": "https://evil.example/v1"}}});
    let loaded = overlay(&user, &elsewhere);
    assert_eq!(loaded.problems[0].code, "key_stays");
    let openai = &loaded.settings.providers["openai"];
    assert_eq!(openai.base_url, "https://evil.example/v1");
    assert_eq!(openai.key, KeySource::None);
    assert!(openai.headers.is_empty());

    let same_host = json!({"providers": {"openai": {"base_url": "https://api.openai.com/v2"}}});
    let loaded = overlay(&user, &same_host);
    assert!(loaded.problems.is_empty());
    assert_eq!(
        loaded.settings.providers["openai"].key,
        user.providers["openai"].key
    );

    let with_key = json!({"providers": {"openai": {
        "base_url": "https://mine.example/v1", "key_env": "MINE", "headers": {"X-Own": "1"}}}});
    let loaded = overlay(&user, &with_key);
    assert!(loaded.problems.is_empty());
    let openai = &loaded.settings.providers["openai"];
    assert_eq!(openai.key, KeySource::Variable("MINE".into()));
    assert_eq!(openai.headers.keys().collect::<Vec<_>>(), ["X-Own"]);
}

#[test]
fn a_key_stays_when_others_would_see_it_on_the_way() {
    let user = parse("[providers.p]\nkind = 'anthropic'\nmodel = 'm'").settings;
    assert_ne!(user.providers["p"].key, KeySource::None);
    for (name, value) in [
        ("proxy", "http://evil.example:3128"),
        ("ca_file", "/tmp/ca.pem"),
    ] {
        let mut changed = json!({});
        changed["providers"]["p"][name] = json!(value);
        let loaded = overlay(&user, &changed);
        assert_eq!(loaded.problems[0].code, "key_stays");
        assert!(loaded.problems[0].message.contains("another way"), "{name}");
        assert_eq!(
            loaded.settings.providers["p"].key,
            KeySource::None,
            "{name}"
        );
    }
}

#[test]
fn a_proxy_and_a_ca_file_are_checked() {
    let loaded = parse(
        "[providers.p]\nkind = 'ollama'\nmodel = 'm'\nproxy = 'http://me:pass@proxy'\nca_file = 'ca.pem'",
    );
    let messages: Vec<&str> = loaded
        .problems
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    assert!(messages[0].contains("HTTPS_PROXY"), "{messages:?}");
    assert!(!messages[0].contains("pass@"), "{messages:?}");
    assert!(messages[1].contains("must be a whole path"), "{messages:?}");
}

#[test]
fn a_file_that_is_no_settings_file_is_not_read() {
    let loaded = parse(&"x".repeat(2 * 1024 * 1024));
    assert_eq!(loaded.problems.len(), 1);
    assert_eq!(loaded.problems[0].code, "too_large");
}

#[test]
fn a_list_without_end_is_cut() {
    let globs: Vec<String> = (0..1500).map(|number| format!("'{number}'")).collect();
    let loaded = parse(&format!("[edits]\ndeny = [{}]\n", globs.join(",")));
    assert_eq!(loaded.settings.edits.deny.len(), 1000);
    assert_eq!(loaded.problems[0].code, "too_many_globs");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_that_is_written_makes_it_fail(
        pieces in proptest::collection::vec(piece(), 0..30),
        at in any::<prop::sample::Index>(),
    ) {
        let mut text = pieces.concat();
        let cut = at.index(text.len() + 1);
        if text.is_char_boundary(cut) {
            text.insert(cut, '\'');
        }
        let user = parse(EVERYTHING).settings;
        for loaded in [parse(&text), narrow(&user, &text)] {
            for problem in &loaded.problems {
                prop_assert!(problem.range.of(&text).is_some(), "{:?}", problem);
                prop_assert!(!problem.message.is_empty());
            }
            prop_assert!(loaded.problems.is_sorted_by_key(|problem| problem.range));
        }
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "[",
            "]",
            "[[",
            "=",
            " = ",
            "\n",
            "\n",
            "\n",
            ".",
            ",",
            "{",
            "}",
            "\"",
            "'''",
            "#",
            "é",
            "\u{0}",
            "\r",
            "engine",
            "providers",
            "actions",
            "enabled",
            "edits",
            "deny",
            "limits",
            "idle_seconds",
            "log",
            "level",
            "true",
            "1979-05-27",
            "0x1F",
            "1e400",
            "-7",
            "nan",
            "'*.sql'",
            "[limits]\n",
            "[providers.x]\n",
            "base_url",
            "model",
            "key_env",
            "key_command",
            "headers",
            "['a', 'b']",
        ])
        .prop_map(String::from),
        "\\PC{0,6}",
    ]
}

/// The address and the key of a provider with these settings.
fn reached(settings: &str) -> (String, KeySource) {
    let loaded = parse(&format!("[providers.p]\nmodel = 'm'\n{settings}"));
    assert_eq!(loaded.problems, [], "{settings}");
    let provider = &loaded.settings.providers["p"];
    (provider.base_url.clone(), provider.key.clone())
}

#[test]
fn a_kind_brings_its_address_and_there_its_key() {
    let variable = |name: &str| KeySource::Variable(name.to_owned());
    assert_eq!(
        reached("kind = 'anthropic'"),
        (
            "https://api.anthropic.com".to_owned(),
            variable("ANTHROPIC_API_KEY")
        )
    );
    assert_eq!(
        reached("kind = 'ollama'"),
        ("http://127.0.0.1:11434".to_owned(), KeySource::None)
    );
    assert_eq!(
        reached("kind = 'openai'\nkey_env = 'MINE'").1,
        variable("MINE")
    );
    // The customary key goes to its own host only.
    assert_eq!(
        reached("kind = 'gemini'\nbase_url = 'https://gemini.example'").1,
        KeySource::None
    );
    assert_eq!(
        reached("kind = 'openai'\nbase_url = 'https://api.openai.com'").1,
        variable("OPENAI_API_KEY")
    );
    let loaded = parse("[providers.p]\nmodel = 'm'\nkind = 'openai-compatible'");
    assert_eq!(loaded.problems[0].code, "missing_key");
}

#[test]
fn what_commands_may_do_stays_within_bounds() {
    let settings = check(
        "[commands]\nallow = ['make', ' ']\nwrite = ['/', '../x', 'out']\nread = ['tools', '/tools']\n",
        &expect![[r#"
            "' '" error bad_value: this is ignored: it names no program; the others in the list count
            "'/'" error bad_value: this is ignored: it must be relative to the workspace, without `..`; the others in the list count
            "'../x'" error bad_value: this is ignored: it must be relative to the workspace, without `..`; the others in the list count
            "'tools'" error bad_value: this is ignored: it must be a whole path, from the root on; the others in the list count
        "#]],
    );
    assert_eq!(settings.commands.allow, ["make"]);
    assert_eq!(settings.commands.write, ["out"]);
    assert_eq!(settings.commands.read, ["/tools"]);
    let narrowed = narrow(&settings, "[commands]\nwrite = ['src']\nread = ['/']\n");
    assert_eq!(narrowed.settings, settings);
    assert_eq!(narrowed.problems.len(), 2);
}

#[test]
fn tools_are_for_models_that_know_them() {
    let text = |kind: &str, more: &str| {
        format!(
            "[providers.p]\nkind = '{kind}'\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'm'\n{more}"
        )
    };
    let has = |kind, more| check(&text(kind, more), &expect![[""]]).providers["p"].has_tools();
    assert!(!has("openai-compatible", "") && !has("ollama", ""));
    assert!(has("openai-compatible", "tools = true"));
    assert!(has("anthropic", "") && !has("anthropic", "tools = false"));
    let unclear = parse(&text("anthropic", "tools = 'yes'"));
    assert!(unclear.settings.providers["p"].has_tools());
    assert_eq!(unclear.problems.len(), 1);
}

#[test]
fn commands_are_allowed_by_their_first_words_and_never_by_a_workspace() {
    let user = parse("[commands]\nallow = [\"cargo test\", \"make\"]\n");
    assert_eq!(user.problems, []);
    let argv = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let commands = &user.settings.commands;
    assert!(commands.allows(&argv("cargo test --all")));
    assert!(!commands.allows(&argv("cargo publish")) && !commands.allows(&argv("cargo")));
    let narrowed = narrow(
        &user.settings,
        "[commands]\nallow = [\"cargo test\", \"sh\"]\n",
    );
    assert_eq!(narrowed.settings.commands.allow, ["cargo test"]);
    assert_eq!(narrowed.problems.len(), 1);
    assert_eq!(narrowed.problems[0].code, "workspace_widens");
}

#[test]
fn what_embeds_is_one_of_the_providers_and_off_until_it_is_named() {
    let base = "[providers.far]\nkind = 'anthropic'\nmodel = 'c'\n[providers.near]\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'e'\n";
    assert_eq!(parse(base).settings.embedder(), None);
    let settings = check(
        &format!("[embeddings]\nprovider = 'near'\nmegabytes = 7\n{base}"),
        &expect![[""]],
    );
    let (name, provider) = settings.embedder().unwrap();
    assert_eq!((name, provider.model.as_str()), ("near", "e"));
    assert_eq!(settings.embeddings.megabytes, 7);
    check(
        &format!(
            "[embeddings]\nprovider = 'far'\nmodel = ''\nmegabyte = 7\ntokens_per_day = -1\n{base}"
        ),
        &expect![[r#"
            "'far'" warning unknown_engine: `far` has no embeddings: Anthropic offers none; name another provider
            "''" error bad_value: `embeddings.model` must name one; it is ignored
            "megabyte" warning unknown_key: `embeddings.megabyte` is no setting and is ignored; did you mean `megabytes`?
            "-1" error out_of_range: `embeddings.tokens_per_day` must be a whole number from 0 to 10000000000; 2000000 stays in force
        "#]],
    );
    check(
        &format!("[embeddings]\nprovider = 'nea'\n{base}"),
        &expect![[r#"
            "'nea'" warning unknown_engine: `nea` is no provider here, so nothing is embedded until it is one; did you mean `near`?
        "#]],
    );
}

#[test]
fn servers_of_tools_are_the_persons_own() {
    let settings = check(
        "[mcp.files]\ncommand = ['node', 'server.js']\nallow = ['read']\n\n[mcp.web]\nurl = 'https://tools.example/mcp/'\nkey_env = 'WEB_TOKEN'\n",
        &expect![[""]],
    );
    assert_eq!(settings.mcp["files"].command, ["node", "server.js"]);
    let web = &settings.mcp["web"];
    assert_eq!(web.url.as_deref(), Some("https://tools.example/mcp"));
    check(
        "[mcp.a]\n[mcp.b]\ncommand = ['x']\nurl = 'https://x'\n[mcp.c]\nurl = 'http://x.example'\nkey_env = 'K'\n[mcp.a_b]\ncommand = ['x']\n[mcp.d]\ncommand = ['x']\npass_env = ['A=b']\ncomand = ['y']\n",
        &expect![[r#"
            "a" error bad_server: `mcp.a` cannot be used: it needs a `command` or a `url`
            "b" error bad_server: `mcp.b` cannot be used: it has both `command` and `url`; keep one
            "c" error bad_server: `mcp.c` cannot be used: it would send its key over plain HTTP, where others can read it; use `https`
            "a_b" error bad_name: `a_b` cannot be a server's name; use up to 24 letters, digits and `-`
            "['A=b']" error bad_value: `mcp.d.pass_env` takes names of environment variables, not what is in them; it is ignored
            "comand" warning unknown_key: `mcp.d.comand` is no setting and is ignored; did you mean `command`?
        "#]],
    );
    let narrowed = narrow(
        &settings,
        "[mcp.evil]\ncommand = ['sh']\n[mcp.files]\nallow = ['write']\n",
    );
    assert_eq!(narrowed.settings.mcp, settings.mcp);
    assert_eq!(narrowed.problems.len(), 2);
}
