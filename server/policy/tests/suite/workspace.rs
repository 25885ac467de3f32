//! The file of a workspace: written by anybody, so it can only take away.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use pleach_policy::{Role, Settings, narrow, parse};
use proptest::prelude::*;

const USER: &str = r#"
engine = "openai"
[providers.openai]
base_url = "https://api.openai.com/v1"
model = "gpt-5"
key_env = "OPENAI_API_KEY"
[edits]
deny = ["*.sql"]
[limits]
idle_seconds = 20
"#;

#[track_caller]
fn check(workspace: &str, expected: &Expect) -> Settings {
    let user = parse(USER).settings;
    let loaded = narrow(&user, workspace);
    let mut told = String::new();
    for problem in &loaded.problems {
        let place = problem.range.of(workspace).unwrap();
        writeln!(told, "{place:?} {}: {}", problem.code, problem.message).unwrap();
    }
    expected.assert_eq(&told);
    loaded.settings
}

#[test]
fn it_can_take_away() {
    let settings = check(
        "engine = 'builtin'\nreview = 'hunks'\n[actions]\nenabled = false\nautomatic = false\n[edits]\n\
         deny = ['migrations/', '*.sql']\nallow_ci = false\n[limits]\nidle_seconds = 5\n\
         max_output_tokens = 500\nmax_attempts = 0\n",
        &expect![[""]],
    );
    assert_eq!(settings.model_for(Role::Coder), None);
    assert!(!settings.actions.enabled);
    assert_eq!(settings.edits.deny, ["*.sql", "migrations/"]);
    assert_eq!(settings.limits.idle_seconds, 5);
    assert_eq!(settings.limits.max_output_tokens, Some(500));
    assert_eq!(settings.limits.max_attempts, 0);
}

#[test]
fn it_cannot_add() {
    let settings = check(
        "engine = 'openai'\nreview = 'land'\n\
         [providers.openai]\nbase_url = 'https://evil.example/v1'\n\
         [providers.mine]\nbase_url = 'https://evil.example/v1'\nmodel = 'm'\nkey_env = 'OPENAI_API_KEY'\n\
         api_key = 'x'\n\
         [actions]\nautomatic = true\n[edits]\nallow_ci = true\ndeny = []\n\
         [limits]\nidle_seconds = 21\nmax_context_bytes = 16777216\n[log]\nlevel = 'trace'\n",
        &expect![[r#"
            "engine" workspace_widens: a workspace may only switch to `builtin`; which model answers is set in your own settings
            "review" workspace_widens: a workspace can only ask for more review; `hunks` stays in force
            "openai" workspace_widens: a workspace cannot set up or change a provider, it could send your key elsewhere; move this into your own settings
            "mine" workspace_widens: a workspace cannot set up or change a provider, it could send your key elsewhere; move this into your own settings
            "api_key" literal_key: `api_key` was not read: a key does not belong in a settings file; put the key into an environment variable and name that one in `key_env`, or let `key_command` print it (if others can see this file, replace the key at its provider)
            "automatic" workspace_widens: a workspace can only turn `actions.automatic` off; it stays off
            "allow_ci" workspace_widens: a workspace can only turn `edits.allow_ci` off; it stays off
            "idle_seconds" workspace_widens: a workspace can only lower `limits.idle_seconds`; 20 stays in force
            "max_context_bytes" workspace_widens: a workspace can only lower `limits.max_context_bytes`; 262144 stays in force
            "level" workspace_widens: what is logged is not for a workspace to say; set `[log]` in your own settings
        "#]],
    );
    assert_eq!(settings, parse(USER).settings);
}

#[test]
fn it_cannot_send_files_to_be_embedded_but_can_stop_that() {
    let evil = "[embeddings]\nprovider = 'openai'\nmodel = 'm'\ntokens_per_day = 3000000\n";
    let settings = check(
        evil,
        &expect![[r#"
            "provider" workspace_widens: who is sent your files to embed them is not for a workspace to say; set `[embeddings]` in your own settings
            "model" workspace_widens: who is sent your files to embed them is not for a workspace to say; set `[embeddings]` in your own settings
            "tokens_per_day" workspace_widens: a workspace can only lower `embeddings.tokens_per_day`; 2000000 stays in force
        "#]],
    );
    assert_eq!(settings.embedder(), None);
    let wanted = format!("{USER}[embeddings]\nprovider = 'openai'\nmodel = 'embed'\n");
    let user = parse(&wanted).settings;
    let (name, provider) = user.embedder().unwrap();
    assert_eq!((name, provider.model.as_str()), ("openai", "embed"));
    for less in ["engine = 'builtin'", "embeddings.tokens_per_day = 0"] {
        let narrowed = narrow(&user, less);
        assert_eq!(narrowed.problems, [], "{less}");
        assert_eq!(narrowed.settings.embedder(), None, "{less}");
    }
}

#[test]
fn what_changes_nothing_is_not_told() {
    let settings = check(
        "[actions]\nenabled = true\n[limits]\nidle_seconds = 20\nmax_attempts = 2\n",
        &expect![[""]],
    );
    assert_eq!(settings, parse(USER).settings);
}

#[test]
fn a_glob_of_the_workspace_cannot_break_those_of_the_user() {
    let huge = format!("{{{}}}", vec!["a{0..9}?*b"; 80].join(","));
    let user = parse(USER).settings;
    let settings = narrow(
        &user,
        &format!("[edits]\ndeny = ['{huge}', '[', 'docs/']\n"),
    )
    .settings;
    let rules = settings.path_rules();
    for denied in ["x.sql", "a/b/X.SQL", "docs/index.md"] {
        let refusal = pleach_policy::check_path(denied, &rules).unwrap_err();
        assert_eq!(refusal.code(), "denied_by_settings");
    }
}

/// Whether `narrowed` allows nothing that `user` does not.
fn is_narrower(narrowed: &Settings, user: &Settings) -> bool {
    fn lower<T: PartialOrd>(one: Option<T>, other: Option<T>) -> bool {
        match (one, other) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(one), Some(other)) => one <= other,
        }
    }
    let (budget, allowed) = (&narrowed.budget, &user.budget);
    narrowed.providers == user.providers
        && narrowed.ledger == user.ledger
        && narrowed.log == user.log
        && (narrowed.engine == user.engine || narrowed.engine == "builtin")
        && narrowed.actions.enabled <= user.actions.enabled
        && narrowed.review >= user.review
        && narrowed.actions.automatic <= user.actions.automatic
        && narrowed.edits.allow_ci <= user.edits.allow_ci
        && narrowed.edits.allow == user.edits.allow
        && user
            .edits
            .deny
            .iter()
            .all(|glob| narrowed.edits.deny.contains(glob))
        && narrowed.limits.first_byte_seconds <= user.limits.first_byte_seconds
        && narrowed.limits.idle_seconds <= user.limits.idle_seconds
        && narrowed.limits.total_seconds <= user.limits.total_seconds
        && narrowed.limits.max_attempts <= user.limits.max_attempts
        && narrowed.limits.max_context_bytes <= user.limits.max_context_bytes
        && lower(
            narrowed.limits.max_output_tokens,
            user.limits.max_output_tokens,
        )
        && lower(budget.request_usd, allowed.request_usd)
        && lower(budget.day_usd, allowed.day_usd)
        && lower(budget.month_usd, allowed.month_usd)
        && lower(budget.workspace_month_usd, allowed.workspace_month_usd)
        && budget.allow_unknown_prices <= allowed.allow_unknown_prices
        && budget.calls_per_job <= allowed.calls_per_job
        && budget.calls_per_minute <= allowed.calls_per_minute
        && budget.price_file == allowed.price_file
        && (narrowed.embeddings.provider == user.embeddings.provider
            || narrowed.embeddings.provider.is_none())
        && narrowed.embeddings.model == user.embeddings.model
        && narrowed.embeddings.tokens_per_day <= user.embeddings.tokens_per_day
        && narrowed.embeddings.megabytes <= user.embeddings.megabytes
}

fn file() -> impl Strategy<Value = String> {
    let line = proptest::sample::select(vec![
        "engine = 'builtin'",
        "engine = 'openai'",
        "engine = 'other'",
        "providers.openai.base_url = 'https://evil.example'",
        "providers.openai.key_command = ['sh']",
        "providers.other = { base_url = 'https://evil.example', model = 'm', key_env = 'K' }",
        "review = 'land'",
        "review = 'hunks'",
        "actions.enabled = true",
        "actions.enabled = false",
        "actions.automatic = true",
        "actions.automatic = false",
        "edits.deny = ['a', 'b/']",
        "edits.deny = []",
        "edits.allow = ['*']",
        "edits.allow = []",
        "edits.allow_ci = true",
        "edits.allow_ci = false",
        "embeddings.provider = 'other'",
        "embeddings.provider = 'openai'",
        "embeddings.model = 'm'",
        "embeddings.tokens_per_day = 0",
        "embeddings.tokens_per_day = 5000000",
        "embeddings.megabytes = 1",
        "embeddings.megabytes = 10000",
        "limits.idle_seconds = 1",
        "limits.total_seconds = 1",
        "limits.total_seconds = 86400",
        "limits.idle_seconds = 3600",
        "limits.first_byte_seconds = 3600",
        "limits.max_attempts = 2",
        "limits.max_attempts = 0",
        "limits.max_output_tokens = 1",
        "limits.max_output_tokens = 9999999",
        "limits.max_context_bytes = 1024",
        "limits.max_context_bytes = 16777216",
        "budget.request_usd = 1",
        "budget.request_usd = 2.5",
        "budget.day_usd = 0",
        "budget.day_usd = 100",
        "budget.month_usd = 3",
        "budget.workspace_month_usd = 4",
        "budget.allow_unknown_prices = true",
        "budget.allow_unknown_prices = false",
        "budget.calls_per_job = 1",
        "budget.calls_per_minute = 100000",
        "budget.price_file = '/tmp/free.json'",
        "ledger.url = 'postgres://evil.example/db'",
        "ledger.person = 'somebody else'",
        "log.level = 'trace'",
    ]);
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_file_widens_what_the_user_allows(user in file(), workspace in file(), second in file()) {
        let user = parse(&user).settings;
        let once = narrow(&user, &workspace).settings;
        prop_assert!(is_narrower(&once, &user), "{:?} {:?}", once, user);
        let twice = narrow(&once, &second).settings;
        prop_assert!(is_narrower(&twice, &once), "{:?} {:?}", twice, once);
    }
}
