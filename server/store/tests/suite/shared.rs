//! A ledger in `PostgreSQL`, as a team shares it. `tests/run` starts a server and names it in
//! `PLEACH_TEST_POSTGRES` (with its password in `PLEACH_TEST_POSTGRES_PASSWORD`); without one these fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Barrier;

use pleach_policy::{BudgetSettings, Cap, MicroUsd};
use pleach_store::{CallFilter, Ledger, NewCall, Reserved, SharedLedger};

use crate::ledger::{at, call, came_to, caps, granted};

/// The server that the tests may use; each test has a workspace of its own in it.
fn place() -> SharedLedger {
    let variable = |name: &str| std::env::var(name);
    SharedLedger {
        url: variable("PLEACH_TEST_POSTGRES").expect("tests/run starts a server and names it"),
        password: variable("PLEACH_TEST_POSTGRES_PASSWORD").ok(),
    }
}

fn of(workspace: &str, seconds: u64, least: u64, most: Option<u64>) -> NewCall {
    NewCall {
        workspace: workspace.into(),
        person: "me".into(),
        ..call(seconds, least, most)
    }
}

fn only(workspace: &str) -> CallFilter {
    CallFilter {
        workspace: Some(workspace.into()),
        ..CallFilter::default()
    }
}

#[test]
fn a_shared_ledger_gives_back_what_it_was_given() {
    let mut ledger = Ledger::shared(place());
    let new = of("round-trip", 0, 10, Some(90));
    let (id, amount, cap) = granted(ledger.reserve(&new, &BudgetSettings::default()).unwrap());
    assert_eq!((amount, cap), (Some(90), None));
    assert!(ledger.settle(id, &came_to(Some(42))).unwrap());
    assert!(!ledger.settle(id, &came_to(Some(43))).unwrap());
    ledger.judged(id, false).unwrap();
    let unknown = NewCall {
        estimate: None,
        ..of("round-trip", 1, 0, None)
    };
    granted(
        ledger
            .reserve(&unknown, &BudgetSettings::default())
            .unwrap(),
    );

    let calls = Ledger::shared(place()).calls(&only("round-trip")).unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].new, new);
    assert_eq!(calls[0].settlement, Some(came_to(Some(42))));
    assert_eq!(calls[0].is_clean, Some(false));
    assert_eq!((&calls[1].new, calls[1].reserved), (&unknown, None));
    let filter = CallFilter {
        since: Some(at(1)),
        ..only("round-trip")
    };
    assert_eq!(ledger.calls(&filter).unwrap(), calls[1..]);
    let spent = ledger.spent("round-trip", at(5)).unwrap();
    assert_eq!(spent.workspace_month, MicroUsd(42));
    assert!(ledger.find_lost(at(10_000)).unwrap() >= 1);
    assert!(ledger.calls(&only("round-trip")).unwrap()[1].is_lost);
}

#[test]
fn a_team_keeps_the_cap_together() {
    const SERVERS: u64 = 6;
    const CALLS: u64 = 10;
    let budget = caps(None, None, Some(450));
    let begin = Barrier::new(usize::try_from(SERVERS).unwrap());
    let (made, refused) = std::thread::scope(|scope| {
        let servers: Vec<_> = (0..SERVERS)
            .map(|_| {
                scope.spawn(|| {
                    // Each makes the tables, if no other has.
                    let mut ledger = Ledger::shared(place());
                    begin.wait();
                    let (mut made, mut refused) = (0, 0);
                    for seconds in 0..CALLS {
                        let new = of("together", seconds, 10, Some(10));
                        match ledger.reserve(&new, &budget).unwrap() {
                            Reserved::Granted { id, .. } => {
                                assert!(ledger.settle(id, &came_to(Some(10))).unwrap());
                                made += 1;
                            }
                            Reserved::Refused { room, .. } => {
                                assert_eq!(room.cap, Cap::WorkspaceMonth);
                                refused += 1;
                            }
                        }
                    }
                    (made, refused)
                })
            })
            .collect();
        servers.into_iter().fold((0, 0), |sum: (u64, u64), server| {
            let (made, refused) = server.join().unwrap();
            (sum.0 + made, sum.1 + refused)
        })
    });
    assert_eq!((made, refused), (45, 15));
    let calls = Ledger::shared(place()).calls(&only("together")).unwrap();
    assert_eq!(calls.len(), 45);
}

#[test]
fn a_server_that_is_not_there_or_refuses_says_so_without_the_password() {
    let wrong = SharedLedger {
        password: Some("not-the-password".into()),
        ..place()
    };
    let error = Ledger::shared(wrong)
        .calls(&CallFilter::default())
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("password authentication failed"), "{shown}");
    assert!(!shown.contains("not-the-password"), "{shown}");
    let nobody = SharedLedger {
        url: "postgres://me@127.0.0.1:1/none".into(),
        password: None,
    };
    let error = Ledger::shared(nobody)
        .calls(&CallFilter::default())
        .unwrap_err();
    assert_eq!(error.code(), "store_shared");
}
