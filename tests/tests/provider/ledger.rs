//! Many jobs against a provider that fails in every way: none is lost, none hangs, and the ledger has
//! what the server counted.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use futures_util::StreamExt;
use pleach_agent::{
    Account, Action, Books, Engine, JobLimits, JobOutcome, JobRequest, Kit, PriceTable,
    TargetDocument,
};
use pleach_model::{Provider, ProviderConfig};
use pleach_policy::{BudgetSettings, CacheSettings, PathRules};
use pleach_store::{Call, CallFilter, CallOutcome, Ledger, Measure};
use pleach_tests::fake_model::{FakeModel, Script};
use pleach_text::{ByteOffset, ByteRange};
use pleach_workspace::WorkspaceSnapshot;
use serde_json::json;

/// Jobs at once.
const AT_ONCE: usize = 32;
const PRICES: &str = r#"{"fake/fake": {"input_cost_per_token": 0.000002,
    "output_cost_per_token": 0.00001, "max_output_tokens": 1000}}"#;

/// What the server says to its nth request, and the tokens that it counts for it.
fn answer(number: usize) -> (Script, Option<(u64, u64)>) {
    let message = |text: &str| json!({"error": {"message": text}});
    // Asked again at once: the pauses are the retries' tests.
    let soon = |script: Script| script.header("retry-after-ms", "1");
    match number % 10 {
        1 => (soon(Script::error(503, &message("overloaded"))), None),
        3 => (soon(Script::error(429, &message("slow down"))), None),
        4 => (Script::default().piece("It com").cut(), None),
        5 => (Script::default().piece("It computes, but"), None),
        6 => (Script::error(400, &message("no")), None),
        7 => (Script::default().raw("data: {\"choices\": 7\n\n"), None),
        8 => (
            Script::default().piece("It is long").end("length"),
            Some((7, 3)),
        ),
        _ => (Script::pieces("It computes an area.", 5), Some((7, 3))),
    }
}

fn job(number: u64) -> JobRequest {
    JobRequest {
        action: Action::Explain,
        document: TargetDocument {
            path: format!("src/{number}.rs"),
            language: None,
            text: "fn area() {}\n".into(),
        },
        range: ByteRange::empty(ByteOffset(0)),
        instruction: None,
        reply: None,
        own: None,
        diagnostics: Vec::new(),
        scope: pleach_agent::Scope::default(),
        workspace: WorkspaceSnapshot::new(&[], [], PathRules::default()),
    }
}

/// Runs so many jobs, and checks the books against what the server saw. How long it took.
fn run(jobs: u64) -> Duration {
    let model = FakeModel::start();
    // A request is repeated three times at most, and an answer that broke off is asked for once more.
    let mut counted = Vec::new();
    for number in 0..usize::try_from(jobs).unwrap() * 8 {
        let (script, tokens) = answer(number);
        model.say(script);
        counted.push(tokens);
    }
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let books = Books::open(state);
    let prices = PriceTable::default().with_file(PRICES, "test", "").unwrap();
    let prices = Arc::new(prices);
    let mut config = ProviderConfig::new("fake", &model.base_url(), "fake");
    config.max_streams = 16;
    let provider = Provider::new(config, None).unwrap();
    let budget = BudgetSettings {
        calls_per_minute: 100_000,
        ..BudgetSettings::default()
    };
    let limits = JobLimits {
        attempts_after_refusal: 0,
        context_bytes: 10_000,
        output_tokens: None,
        context_tokens: 0,
    };
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcomes: Vec<(u64, JobOutcome)> = runtime.block_on(async {
        let runs = (1..=jobs).map(|number| {
            let account = Account {
                books: books.clone(),
                budget: budget.clone(),
                cache: CacheSettings {
                    enabled: false,
                    ..CacheSettings::default()
                },
                per_minute: BTreeMap::new(),
                prices: Arc::clone(&prices),
                workspace: "/project".into(),
                job: number,
                purpose: None,
            };
            let engine = Engine::Model(provider.clone().into());
            async move {
                let outcome = pleach_agent::run(
                    job(number),
                    engine,
                    limits,
                    &account,
                    Kit::default(),
                    |_| {},
                )
                .await;
                (number, outcome)
            }
        });
        futures_util::stream::iter(runs)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    });
    books.flush();
    let took = begun.elapsed();

    let requests = model.requests_seen();
    let calls = Ledger::new(state).calls(&CallFilter::default()).unwrap();
    // One call for each job, or two; each settled, and the last of them as the job ended.
    assert_eq!(u64::try_from(outcomes.len()).unwrap(), jobs);
    assert!(calls.iter().all(|call| call.settlement.is_some()));
    let mut by_job: BTreeMap<u64, Vec<&Call>> = BTreeMap::new();
    for call in &calls {
        by_job.entry(call.new.job).or_default().push(call);
    }
    for (number, outcome) in &outcomes {
        let of_job = &by_job[number];
        assert!(of_job.len() <= 2, "{number}");
        let settled = of_job.last().unwrap().settlement.as_ref().unwrap();
        let answered = matches!(outcome, JobOutcome::Answer(_));
        assert_eq!(
            answered,
            settled.outcome == CallOutcome::Answered,
            "{number}"
        );
    }
    // What the server counted, token by token: it gave its answers in the order of its requests.
    let served = counted.iter().take(requests).flatten();
    let (input, output) = served.fold((0, 0), |(input, output), tokens| {
        (input + tokens.0, output + tokens.1)
    });
    let (ours, cost) = counted_by_provider(&calls);
    assert_eq!(ours, (input, output));
    assert_eq!(cost, input * 2 + output * 10);
    assert!(input > 0);
    took
}

/// The tokens that the provider counted, sent and received, and what they cost.
fn counted_by_provider(calls: &[Call]) -> ((u64, u64), u64) {
    let by_provider = calls
        .iter()
        .filter_map(|call| call.settlement.as_ref())
        .filter(|settled| settled.measure == Measure::Provider);
    by_provider.fold(((0, 0), 0), |((input, output), cost), settled| {
        let tokens = &settled.tokens;
        (
            (input + tokens.input, output + tokens.output),
            cost + settled.cost.unwrap().0,
        )
    })
}

/// `PLEACH_JOBS=1000` for a longer run by hand, which says what it measured.
#[test]
fn no_job_is_lost_when_the_provider_fails_and_the_ledger_has_what_it_counted() {
    let jobs = std::env::var("PLEACH_JOBS").map_or(150, |jobs| jobs.parse().unwrap());
    let took = run(jobs);
    println!("{jobs} jobs, {AT_ONCE} at once: {took:?}");
}
