use std::time::{Duration, SystemTime};

use expect_test::expect;
use pleach_policy::{BudgetSettings, MicroUsd};
use pleach_store::{
    CallOutcome, CallTokens, CostEstimate, Ledger, Measure, NewCall, NewRecord, Reserved,
    Settlement, Store,
};

use crate::Place;

/// 2026-11-20, noon UTC, and so many hours later.
fn at(hours: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_176_000 + hours * 3600)
}

struct Spent<'a> {
    hours: u64,
    model: &'a str,
    role: &'a str,
    cost: Option<u64>,
    outcome: CallOutcome,
    is_clean: Option<bool>,
}

fn state(place: &Place) -> camino::Utf8PathBuf {
    place.home.join(".local/state/pleach")
}

/// Three calls of two models on two days, and one whose process was killed.
fn place() -> Place {
    let place = Place::new(&[]);
    let mut ledger = Ledger::new(&state(&place));
    let new = |hours, model: &str, role: &str| NewCall {
        at: at(hours),
        deadline: at(hours + 1),
        server: "one".into(),
        person: String::new(),
        workspace: "/home/me/<project>".into(),
        job: 1,
        action: "rewrite".into(),
        role: role.into(),
        provider: "claude".into(),
        model: model.into(),
        estimate: Some(CostEstimate {
            least: MicroUsd(1000),
            most: Some(MicroUsd(90_000)),
        }),
    };
    let budget = BudgetSettings::default();
    for spent in [
        Spent {
            hours: 0,
            model: "opus",
            role: "coder",
            cost: Some(120_000),
            outcome: CallOutcome::Answered,
            is_clean: Some(true),
        },
        Spent {
            hours: 1,
            model: "opus",
            role: "coder",
            cost: Some(40_000),
            outcome: CallOutcome::Failed,
            is_clean: None,
        },
        Spent {
            hours: 24,
            model: "qwen",
            role: "reviewer",
            cost: None,
            outcome: CallOutcome::Answered,
            is_clean: Some(false),
        },
    ] {
        let call = new(spent.hours, spent.model, spent.role);
        let Reserved::Granted { id, .. } = ledger.reserve(&call, &budget).unwrap() else {
            panic!("no cap is set");
        };
        let settlement = Settlement {
            tokens: CallTokens {
                input: 20_000,
                output: 1500,
                cached: Some(5000),
                ..CallTokens::default()
            },
            measure: if spent.outcome == CallOutcome::Failed {
                Measure::Estimate
            } else {
                Measure::Provider
            },
            cost: spent.cost.map(MicroUsd),
            outcome: spent.outcome,
            code: (spent.outcome == CallOutcome::Failed).then(|| "connection-lost".to_owned()),
            first_ms: Some(400 + spent.hours),
            total_ms: 3000,
        };
        ledger.settle(id, &settlement).unwrap();
        if let Some(is_clean) = spent.is_clean {
            ledger.judged(id, is_clean).unwrap();
        }
    }
    ledger.reserve(&new(2, "opus", "coder"), &budget).unwrap();
    place
}

#[test]
fn usage_is_a_table_with_bars() {
    expect![[r#"
        day                 cost  calls      sent cache  received    ok refused 1st word
        2026-11-20   $0.1600 + ?      3     40.0k  25 %      3.0k  50 %     0 %   400 ms  ████████████████████
        2026-11-21       unknown      1     20.0k  25 %      1.5k 100 %   100 %   424 ms

        model                  cost  calls      sent cache  received    ok refused 1st word
        opus (claude)   $0.1600 + ?      3     40.0k  25 %      3.0k  50 %     0 %   400 ms  ████████████████████
        qwen (claude)       unknown      1     20.0k  25 %      1.5k 100 %   100 %   424 ms

        role              cost  calls      sent cache  received    ok refused 1st word
        coder      $0.1600 + ?      3     40.0k  25 %      3.0k  50 %     0 %   400 ms  ████████████████████
        reviewer       unknown      1     20.0k  25 %      1.5k 100 %   100 %   424 ms

        workspace                   cost  calls      sent cache  received    ok refused 1st word
        /home/me/<project>   $0.1600 + ?      4     60.0k  25 %      4.5k  67 %    50 %   401 ms  ████████████████████

        in all
          $0.1600 + ?, 4 calls: 2 answered, 1 failed, 0 cancelled, 0 stopped at a cap
          half of the answers took up to 3.0 s, 95 of 100 up to 3.0 s
          What 1 call cost is unknown, and in no sum: nobody told the price.
          What 1 call cost is unknown, because the process was killed; what was set aside counts.
          The tokens of 1 call are estimated: the end came before the provider had counted.
        --- on standard error ---
        --- code 0 ---
    "#]].assert_eq(&place().run(&["usage"]).all());
}

#[test]
fn usage_is_filtered() {
    let place = place();
    let calls = |arguments: &[&str]| {
        let mut all = vec!["usage", "--json"];
        all.extend(arguments);
        let ran = place.run(&all);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        report["total"]["calls"].as_u64().unwrap()
    };
    assert_eq!(calls(&[]), 4);
    assert_eq!(calls(&["--since", "2026-11-21"]), 1);
    assert_eq!(calls(&["--until", "2026-11-21"]), 3);
    assert_eq!(calls(&["--model", "opus", "--role", "coder"]), 3);
    assert_eq!(calls(&["--workspace", "/home/me/<project>"]), 4);
    assert_eq!(calls(&["--workspace", "/elsewhere"]), 0);
    expect![[r#"
        --- on standard error ---
        error: `yesterday` is no day: write it like 2026-11-01, or 7d for seven days ago
        --- code 2 ---
    "#]]
    .assert_eq(&place.run(&["usage", "--since", "yesterday"]).all());
}

#[test]
fn usage_as_csv_has_one_line_for_each_call() {
    expect![[r#"
        at,workspace,job,action,role,provider,model,state,outcome,code,input_tokens,output_tokens,cached_tokens,cache_write_tokens,reasoning_tokens,counted_by,micro_usd,micro_usd_reserved,verdict,first_word_ms,total_ms
        2026-11-20T12:00:00Z,/home/me/<project>,1,rewrite,coder,claude,opus,settled,answered,,20000,1500,5000,,,provider,120000,90000,clean,400,3000
        2026-11-20T13:00:00Z,/home/me/<project>,1,rewrite,coder,claude,opus,settled,failed,connection-lost,20000,1500,5000,,,estimate,40000,90000,,401,3000
        2026-11-21T12:00:00Z,/home/me/<project>,1,rewrite,reviewer,claude,qwen,settled,answered,,20000,1500,5000,,,provider,,90000,refused,424,3000
        2026-11-20T14:00:00Z,/home/me/<project>,1,rewrite,coder,claude,opus,lost,,,,,,,,,,90000,,,
    "#]].assert_eq(&place().run(&["usage", "--csv"]).out.replace('\r', ""));
}

#[test]
fn usage_as_a_page_needs_nothing_beside_it_and_takes_no_name_for_html() {
    let page = place().run(&["usage", "--html"]).out;
    assert!(page.starts_with("<!doctype html>"), "{page}");
    for outside in ["http:", "https:", "src=", "href=", "<script", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("&#x2f;home&#x2f;me&#x2f;&lt;project&gt;"));
    assert!(!page.contains("<project>"));
    assert!(
        page.contains("<title>2026-11-20: $0.1600 + ?, 43.0k tokens</title>"),
        "{page}"
    );
    assert!(page.contains("What 1 call cost is unknown"));
}

#[test]
fn usage_of_nothing_says_so() {
    let place = Place::new(&[]);
    expect![[r#"
        no model was asked; the built-in syntax engine costs nothing and is not listed
        --- on standard error ---
        --- code 0 ---
    "#]]
    .assert_eq(&place.run(&["usage"]).all());
    let page = place.run(&["usage", "--html"]).out;
    assert!(page.contains("No model was asked."));
}

fn recorded(place: &Place) {
    let mut store = Store::new(&state(place));
    for (job, kind) in [(1, "asked"), (1, "answered"), (2, "landed")] {
        let record = NewRecord {
            at: at(job),
            server: "one".into(),
            kind: kind.into(),
            folder: "/project".into(),
            job,
            body: serde_json::json!({"model": "opus"}),
        };
        store.audit(&[record]).unwrap();
    }
}

#[test]
fn an_audit_is_verified_and_exported() {
    let place = Place::new(&[]);
    expect![[r#"
        nothing is recorded yet
        --- on standard error ---
        --- code 0 ---
    "#]]
    .assert_eq(&place.run(&["audit", "verify"]).all());
    recorded(&place);
    let verified = place.run(&["audit", "verify"]);
    expect![[r#"
        ✓ 3 records, whole and unchanged
        the end to keep elsewhere: 3:1e00364eceac09e1d4f22b0db9542d99989cfb162b81148a1a82a15bfe43ec6a
        --- on standard error ---
        --- code 0 ---
    "#]].assert_eq(&verified.all());
    let end = verified.out.trim().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(place.run(&["audit", "verify", "--end", &end]).code, 0);
    let exported = place.run(&["audit", "export"]).out;
    let lines: Vec<serde_json::Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(format!("3:{}", lines[2]["hash"].as_str().unwrap()), end);
    assert_eq!(lines[2]["previous"], lines[1]["hash"]);
}

#[test]
fn an_audit_that_is_not_whole_says_where() {
    let place = Place::new(&[]);
    recorded(&place);
    let other = "7:0123456789012345678901234567890123456789012345678901234567890123";
    expect![[r#"
        ✗ record 4 is missing, and all up to 7
        --- on standard error ---
        --- code 1 ---
    "#]]
    .assert_eq(&place.run(&["audit", "verify", "--end", other]).all());
    expect![[r#"
        --- on standard error ---
        error: `7` is no end of a chain: write it as it was printed
        --- code 2 ---
    "#]]
    .assert_eq(&place.run(&["audit", "verify", "--end", "7"]).all());
}
