//! The ledger from outside: caps, what is settled once, what a dead server leaves, servers that share it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc
)]

use std::sync::Barrier;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::{BudgetSettings, Cap, MicroUsd, Spent};
use pleach_store::{
    CallFilter, CallId, CallOutcome, CallTokens, CostEstimate, Ledger, Measure, NewCall, Reserved,
    Settlement,
};

struct Place {
    _guard: tempfile::TempDir,
    state: Utf8PathBuf,
}

impl Place {
    fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(guard.path()).unwrap().join("state");
        Self {
            _guard: guard,
            state,
        }
    }

    /// As a server that starts now.
    fn ledger(&self) -> Ledger {
        Ledger::new(&self.state)
    }
}

/// 2026-11-21, half an hour before midnight UTC.
const LATE: u64 = 1_795_303_800;

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(LATE + seconds)
}

/// A call whose request costs `least` and which costs `most` at most.
pub(crate) fn call(seconds: u64, least: u64, most: Option<u64>) -> NewCall {
    NewCall {
        at: at(seconds),
        deadline: at(seconds + 600),
        server: "one".into(),
        person: String::new(),
        workspace: "/project".into(),
        job: 7,
        action: "rewrite".into(),
        role: "coder".into(),
        provider: "claude".into(),
        model: "claude-opus-5-5".into(),
        estimate: Some(CostEstimate {
            least: MicroUsd(least),
            most: most.map(MicroUsd),
        }),
    }
}

pub(crate) fn came_to(cost: Option<u64>) -> Settlement {
    Settlement {
        tokens: CallTokens {
            input: 1000,
            output: 200,
            cached: Some(400),
            cache_write: None,
            reasoning: Some(50),
        },
        measure: Measure::Provider,
        cost: cost.map(MicroUsd),
        outcome: CallOutcome::Answered,
        code: None,
        first_ms: Some(300),
        total_ms: 2000,
    }
}

pub(crate) fn caps(day: Option<u64>, month: Option<u64>, workspace: Option<u64>) -> BudgetSettings {
    BudgetSettings {
        day_usd: day.map(MicroUsd),
        month_usd: month.map(MicroUsd),
        workspace_month_usd: workspace.map(MicroUsd),
        ..BudgetSettings::default()
    }
}

#[track_caller]
pub(crate) fn granted(reserved: Reserved) -> (CallId, Option<u64>, Option<Cap>) {
    match reserved {
        Reserved::Granted {
            id,
            amount,
            bounded_by,
        } => (
            id,
            amount.map(|amount| amount.0),
            bounded_by.map(|room| room.cap),
        ),
        refused @ Reserved::Refused { .. } => panic!("{refused:?}"),
    }
}

#[test]
fn a_call_is_reserved_settled_and_found_whole_by_a_later_start() {
    let place = Place::new();
    let new = call(0, 10, Some(90));
    let reserved = place.ledger().reserve(&new, &BudgetSettings::default());
    let (id, amount, cap) = granted(reserved.unwrap());
    assert_eq!((amount, cap), (Some(90), None));

    let mut ledger = place.ledger();
    assert!(ledger.settle(id, &came_to(Some(42))).unwrap());
    assert!(
        !ledger.settle(id, &came_to(Some(1000))).unwrap(),
        "settled once"
    );
    ledger.judged(id, false).unwrap();
    let calls = place.ledger().calls(&CallFilter::default()).unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].new, new);
    assert_eq!(calls[0].settlement, Some(came_to(Some(42))));
    assert_eq!(calls[0].is_clean, Some(false));
    assert!(!calls[0].is_lost);
}

#[test]
fn what_is_set_aside_counts_until_the_real_cost_is_known() {
    let place = Place::new();
    let mut ledger = place.ledger();
    let budget = caps(Some(100), None, None);
    let (first, amount, _) = granted(ledger.reserve(&call(0, 10, Some(80)), &budget).unwrap());
    assert_eq!(amount, Some(80));
    // 20 are left: the second may begin, and is bounded by them.
    let second = ledger.reserve(&call(1, 10, Some(80)), &budget).unwrap();
    let (second, amount, cap) = granted(second);
    assert_eq!((amount, cap), (Some(20), Some(Cap::Day)));
    let third = ledger.reserve(&call(2, 10, Some(80)), &budget).unwrap();
    assert!(
        matches!(third, Reserved::Refused { room, least: MicroUsd(10) }
            if room.left == MicroUsd(0) && room.cap == Cap::Day && room.limit == MicroUsd(100)),
        "{third:?}"
    );
    ledger.settle(first, &came_to(Some(30))).unwrap();
    ledger.settle(second, &came_to(Some(20))).unwrap();
    let (_, amount, cap) = granted(ledger.reserve(&call(3, 10, None), &budget).unwrap());
    assert_eq!((amount, cap), (Some(50), Some(Cap::Day)), "no other bound");
}

#[test]
fn an_unknown_price_is_unknown_and_never_nothing() {
    let place = Place::new();
    let mut ledger = place.ledger();
    let unknown = NewCall {
        estimate: None,
        ..call(0, 0, None)
    };
    let (id, amount, cap) = granted(
        ledger
            .reserve(&unknown, &caps(Some(0), None, None))
            .unwrap(),
    );
    assert_eq!((amount, cap), (None, None));
    ledger.settle(id, &came_to(None)).unwrap();
    let calls = ledger.calls(&CallFilter::default()).unwrap();
    assert_eq!(calls[0].new.estimate, None);
    assert_eq!(calls[0].reserved, None);
    assert_eq!(calls[0].settlement.as_ref().unwrap().cost, None);
}

#[test]
fn days_months_and_workspaces_are_counted_apart() {
    let place = Place::new();
    let mut ledger = place.ledger();
    let mut pay = |seconds, workspace: &str, cost| {
        let new = NewCall {
            workspace: workspace.into(),
            ..call(seconds, 0, None)
        };
        let (id, ..) = granted(ledger.reserve(&new, &BudgetSettings::default()).unwrap());
        ledger.settle(id, &came_to(Some(cost))).unwrap();
    };
    let day = 24 * 3600;
    pay(0, "/project", 1);
    pay(3600, "/project", 20);
    pay(3601, "/other", 300);
    // The next month.
    pay(10 * day, "/project", 4000);
    let mut spent = |seconds| {
        let Spent {
            day,
            month,
            workspace_month,
        } = ledger.spent("/project", at(seconds)).unwrap();
        (day.0, month.0, workspace_month.0)
    };
    // What comes later in the month counts as well: whose clock was ahead has still spent it.
    assert_eq!(spent(0), (4321, 4321, 4021));
    assert_eq!(spent(3602), (4320, 4321, 4021));
    assert_eq!(spent(10 * day), (4000, 4000, 4000));
    assert_eq!(spent(11 * day), (0, 4000, 4000));
}

#[test]
fn a_dead_servers_reservation_is_found_and_goes_on_counting() {
    let place = Place::new();
    let (id, ..) = granted(
        place
            .ledger()
            .reserve(&call(0, 10, Some(80)), &BudgetSettings::default())
            .unwrap(),
    );
    let mut ledger = place.ledger();
    assert_eq!(ledger.find_lost(at(600)).unwrap(), 0, "it may still run");
    assert_eq!(ledger.find_lost(at(601)).unwrap(), 1);
    assert_eq!(ledger.find_lost(at(602)).unwrap(), 0, "found once");
    let calls = ledger.calls(&CallFilter::default()).unwrap();
    assert!(calls[0].is_lost && calls[0].settlement.is_none());
    assert_eq!(ledger.spent("/project", at(602)).unwrap().day, MicroUsd(80));
    // A machine that slept comes back: the truth is better than a bound.
    assert!(ledger.settle(id, &came_to(Some(7))).unwrap());
    assert_eq!(ledger.spent("/project", at(602)).unwrap().day, MicroUsd(7));
    assert!(!ledger.calls(&CallFilter::default()).unwrap()[0].is_lost);
}

#[test]
fn filters_choose() {
    let place = Place::new();
    let mut ledger = place.ledger();
    for (seconds, model, role, workspace) in [
        (0, "a", "coder", "/one"),
        (10, "b", "coder", "/two"),
        (20, "b", "reviewer", "/one"),
    ] {
        let new = NewCall {
            model: model.into(),
            role: role.into(),
            workspace: workspace.into(),
            ..call(seconds, 0, None)
        };
        ledger.reserve(&new, &BudgetSettings::default()).unwrap();
    }
    let mut found = |filter: CallFilter| -> Vec<i64> {
        let calls = ledger.calls(&filter).unwrap();
        calls.iter().map(|call| call.id.0).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    let filter = CallFilter::default;
    assert_eq!(found(filter()), [1, 2, 3]);
    assert_eq!(
        found(CallFilter {
            since: Some(at(10)),
            ..filter()
        }),
        [2, 3]
    );
    assert_eq!(
        found(CallFilter {
            until: Some(at(10)),
            ..filter()
        }),
        [1]
    );
    assert_eq!(
        found(CallFilter {
            model: text("b"),
            role: text("coder"),
            ..filter()
        }),
        [2]
    );
    assert_eq!(
        found(CallFilter {
            workspace: text("/one"),
            ..filter()
        }),
        [1, 3]
    );
    assert_eq!(
        found(CallFilter {
            model: text("' OR 1 = 1 --"),
            ..filter()
        }),
        [] as [i64; 0]
    );
}

/// Eight servers at once, each with its own connection: no row is lost or counted twice, and together
/// they do not go beyond the cap.
#[test]
fn servers_that_share_a_ledger_keep_the_cap_and_the_count() {
    const SERVERS: u64 = 8;
    const CALLS: u64 = 25;
    let place = Place::new();
    // Room for 150 of the 200 calls, at 10 each.
    let budget = caps(Some(1500), None, None);
    let begin = Barrier::new(usize::try_from(SERVERS).unwrap());
    let done: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let servers: Vec<_> = (0..SERVERS)
            .map(|number| {
                let (place, budget, begin) = (&place, &budget, &begin);
                scope.spawn(move || {
                    let mut ledger = place.ledger();
                    begin.wait();
                    let (mut made, mut refused) = (0, 0);
                    for seconds in 0..CALLS {
                        let new = NewCall {
                            server: number.to_string(),
                            ..call(seconds, 10, Some(10))
                        };
                        match ledger.reserve(&new, budget).unwrap() {
                            Reserved::Granted { id, .. } => {
                                assert!(ledger.settle(id, &came_to(Some(10))).unwrap());
                                made += 1;
                            }
                            Reserved::Refused { .. } => refused += 1,
                        }
                    }
                    assert_eq!(ledger.take_notices(), []);
                    (made, refused)
                })
            })
            .collect();
        servers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let made: u64 = done.iter().map(|(made, _)| made).sum();
    let refused: u64 = done.iter().map(|(_, refused)| refused).sum();
    assert_eq!((made, refused), (150, 50));
    let mut ledger = place.ledger();
    let calls = ledger.calls(&CallFilter::default()).unwrap();
    assert_eq!(calls.len(), 150);
    for (number, (made, _)) in done.iter().enumerate() {
        let own = calls
            .iter()
            .filter(|call| call.new.server == number.to_string());
        assert_eq!(u64::try_from(own.count()).unwrap(), *made);
    }
    assert_eq!(
        ledger.spent("/project", at(60)).unwrap().day,
        MicroUsd(1500)
    );
}
