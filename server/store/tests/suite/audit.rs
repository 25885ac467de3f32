//! The audit from outside: one chain whoever writes, and what was done to it is found.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_store::{ChainEnd, ChainFault, NewRecord, Store};
use rusqlite::Connection;
use serde_json::json;

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

    /// With this many records.
    fn with(records: u64) -> Self {
        let place = Self::new();
        let mut store = place.store();
        for number in 1..=records {
            store.audit(&[record(number)]).unwrap();
        }
        place
    }

    fn store(&self) -> Store {
        Store::new(&self.state)
    }

    /// What somebody does who is not stopped by the rules of the database.
    fn tamper(&self, statements: &str) {
        let connection = Connection::open(self.state.join("pleach.db")).unwrap();
        connection
            .execute_batch(
                "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_shortened;",
            )
            .unwrap();
        connection.execute_batch(statements).unwrap();
    }

    #[track_caller]
    fn faults(&self) -> Vec<ChainFault> {
        self.store().verify_audit(None).unwrap().faults
    }
}

fn record(number: u64) -> NewRecord {
    NewRecord {
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_303_800 + number),
        server: "one".into(),
        kind: "asked".into(),
        folder: "/project".into(),
        job: number,
        body: json!({"host": "api.example", "model": "m", "bytes": 1200, "files": ["ä.rs"]}),
    }
}

#[test]
fn what_is_recorded_is_found_whole_and_in_order() {
    let place = Place::with(3);
    let mut store = place.store();
    let records = store.audit_records(None).unwrap();
    let seqs: Vec<i64> = records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(records[1].new, record(2));
    assert_eq!(records[1].previous, records[0].hash);
    assert_eq!(
        store.audit_records(Some(record(3).at)).unwrap(),
        records[2..]
    );
    let report = store.verify_audit(None).unwrap();
    assert_eq!((report.records, report.faults.as_slice()), (3, &[][..]));
    let end = report.end.unwrap();
    assert_eq!((end.seq, &end.hash), (3, &records[2].hash));
    assert_eq!(ChainEnd::parse(&end.to_string()), Some(end));
    assert_eq!(ChainEnd::parse("3:short"), None);
}

#[test]
fn the_database_itself_refuses_to_change_a_record() {
    let place = Place::with(2);
    let connection = Connection::open(place.state.join("pleach.db")).unwrap();
    for statement in [
        "UPDATE audit SET job = 9",
        "DELETE FROM audit WHERE seq = 2",
    ] {
        let error = connection.execute(statement, []).unwrap_err();
        assert!(error.to_string().contains("only ever added to"), "{error}");
    }
    assert_eq!(place.faults(), []);
}

#[test]
fn a_changed_record_is_found_in_every_column() {
    for change in [
        "at = at + 1",
        "server = 'two'",
        "kind = 'ran'",
        "folder = '/elsewhere'",
        "job = 3",
        "body = '{}'",
        // The same to who reads it as JSON.
        "body = replace(body, ':', ': ')",
        "hash = replace(hash, substr(hash, 1, 1), 'x')",
    ] {
        let place = Place::with(3);
        place.tamper(&format!("UPDATE audit SET {change} WHERE seq = 2"));
        let faults = place.faults();
        assert_eq!(
            faults.first(),
            Some(&ChainFault::Changed { seq: 2 }),
            "{change}"
        );
    }
    let place = Place::with(3);
    place.tamper("UPDATE audit SET body = 'no JSON' WHERE seq = 2");
    assert_eq!(place.faults()[0], ChainFault::Unreadable { seq: 2 });
}

#[test]
fn records_that_are_taken_out_or_exchanged_are_found() {
    let place = Place::with(5);
    place.tamper("DELETE FROM audit WHERE seq IN (2, 3)");
    assert_eq!(place.faults(), [ChainFault::Missing { first: 2, last: 3 }]);

    let place = Place::with(4);
    place.tamper("DELETE FROM audit WHERE seq = 1");
    assert_eq!(place.faults(), [ChainFault::Missing { first: 1, last: 1 }]);

    let place = Place::with(4);
    place.tamper(
        "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3;
         UPDATE audit SET seq = 3 WHERE seq = 99;",
    );
    assert_eq!(
        place.faults()[..2],
        [
            ChainFault::Changed { seq: 2 },
            ChainFault::Changed { seq: 3 }
        ]
    );
    // Those behind are moved up, so that no number is missing.
    let place = Place::with(4);
    place.tamper("DELETE FROM audit WHERE seq = 2; UPDATE audit SET seq = seq - 1 WHERE seq > 2;");
    assert_eq!(place.faults()[0], ChainFault::Changed { seq: 2 });
}

#[test]
fn an_end_that_was_cut_off_is_found() {
    let place = Place::with(5);
    place.tamper("DELETE FROM audit WHERE seq > 3");
    assert_eq!(place.faults(), [ChainFault::Missing { first: 4, last: 5 }]);
    place.tamper_all();
    assert_eq!(place.faults(), [ChainFault::Missing { first: 1, last: 5 }]);
}

impl Place {
    fn tamper_all(&self) {
        let connection = Connection::open(self.state.join("pleach.db")).unwrap();
        connection.execute("DELETE FROM audit", []).unwrap();
    }
}

#[test]
fn an_end_that_was_kept_elsewhere_shows_a_chain_that_was_written_anew() {
    let place = Place::with(3);
    let kept = place.store().verify_audit(None).unwrap().end.unwrap();
    // A whole new chain, and the file beside it with it.
    let forged = Place::new();
    let mut store = forged.store();
    for number in 1..=3 {
        let other = NewRecord {
            kind: "nothing".into(),
            ..record(number)
        };
        store.audit(&[other]).unwrap();
    }
    assert_eq!(forged.faults(), []);
    let report = store.verify_audit(Some(&kept)).unwrap();
    assert_eq!(report.faults, [ChainFault::Replaced { seq: 3 }]);
    // More records behind the kept end are as they should be.
    let mut store = place.store();
    store.audit(&[record(4), record(5)]).unwrap();
    let report = store.verify_audit(Some(&kept)).unwrap();
    assert_eq!((report.records, report.faults), (5, vec![]));
}

#[test]
fn servers_that_write_at_once_keep_one_chain() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut store = place.store();
                for number in 0..10 {
                    store.audit(&[record(number), record(number)]).unwrap();
                }
            });
        }
    });
    let report = place.store().verify_audit(None).unwrap();
    assert_eq!((report.records, report.faults), (120, vec![]));
}
