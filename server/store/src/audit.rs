//! The audit: what was sent where, what was run, what landed. It is only ever added to, and each record
//! has the hash of the one before it, so that a record that is changed, taken out or put elsewhere breaks
//! the chain.
//!
//! A chain does not show that its end was cut off. Where it ended when it was last written is therefore
//! kept beside the database; whoever can change both files can cut both, so `pleach audit verify` prints
//! the end of the chain, to be kept elsewhere.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{OptionalExtension as _, Row, Transaction};
use serde_json::{Value, json};

use crate::answers::StoreError;
use crate::database::{Store, from_millis, to_millis};
use crate::private;

/// What the first record has for the hash of the one before it.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// What the name of the database ends with, where the end of its chain is kept.
pub(crate) const ANCHOR: &str = "-audit";

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// When.
    pub at: SystemTime,
    /// In which process: a name that no other has.
    pub server: String,
    /// What: `asked`, `answered`, `ran`, `landed`, ….
    pub kind: String,
    /// The workspace folder, if it was about one.
    pub folder: String,
    /// The number of the job, in its session.
    pub job: u64,
    /// The rest. No key and no text of a file belongs in it.
    pub body: Value,
}

/// A record of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// What happened.
    pub new: NewRecord,
    /// The hash of the record before it, as hexadecimal BLAKE3.
    pub previous: String,
    /// Its own hash.
    pub hash: String,
}

/// Where a chain ends: `12:ab01…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// The place of the last record.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// Records are not there.
    #[error("record {first} is missing, and all up to {last}")]
    Missing {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// A record is not what it was when it was written.
    #[error("record {seq} is not as it was written")]
    Changed {
        /// Which.
        seq: i64,
    },
    /// A record does not follow the one before it: one of them was replaced or put elsewhere.
    #[error("record {seq} does not follow the record before it")]
    Unlinked {
        /// Which.
        seq: i64,
    },
    /// A record cannot be read.
    #[error("record {seq} cannot be read")]
    Unreadable {
        /// Which.
        seq: i64,
    },
    /// The chain is another than the one whose end was kept.
    #[error("record {seq} is another than the one whose hash was kept")]
    Replaced {
        /// Which.
        seq: i64,
    },
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// How many records there are.
    pub records: u64,
    /// Where the chain ends; `None` when it is empty.
    pub end: Option<ChainEnd>,
    /// What is wrong, in the order of the chain.
    pub faults: Vec<ChainFault>,
}

impl ChainEnd {
    /// Reads `12:ab01…`.
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.trim().split_once(':')?;
        let is_hash = hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit());
        Some(Self {
            seq: seq.parse().ok().filter(|seq| *seq > 0)?,
            hash: hash.to_ascii_lowercase(),
        })
        .filter(|_| is_hash)
    }
}

impl std::fmt::Display for ChainEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl Record {
    /// The hash that a record with this content has.
    fn hash_of(seq: i64, new: &NewRecord, previous: &str) -> String {
        let written = json!([
            seq,
            to_millis(new.at),
            new.server,
            new.kind,
            new.folder,
            new.job,
            new.body,
            previous,
        ]);
        blake3::hash(written.to_string().as_bytes())
            .to_hex()
            .to_string()
    }

    /// As a line of an export: everything that its hash is made of, and the hash.
    pub fn to_json(&self) -> Value {
        json!({
            "seq": self.seq, "at": to_millis(self.new.at), "server": self.new.server,
            "kind": self.new.kind, "folder": self.new.folder, "job": self.new.job,
            "body": self.new.body, "previous": self.previous, "hash": self.hash,
        })
    }
}

impl Store {
    /// Adds records to the audit, in their order.
    ///
    /// # Errors
    ///
    /// When they could not be written.
    pub fn audit(&mut self, records: &[NewRecord]) -> Result<(), StoreError> {
        let end = self.within(|transaction| {
            let mut end = last(transaction)?.unwrap_or(ChainEnd {
                seq: 0,
                hash: BEGINNING.to_owned(),
            });
            for new in records {
                let seq = end.seq + 1;
                let hash = Record::hash_of(seq, new, &end.hash);
                transaction.execute(
                    "INSERT INTO audit (seq, at, server, kind, folder, job, body, previous, hash)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    (
                        seq,
                        to_millis(new.at),
                        &new.server,
                        &new.kind,
                        &new.folder,
                        new.job.cast_signed(),
                        new.body.to_string(),
                        &end.hash,
                        &hash,
                    ),
                )?;
                end = ChainEnd { seq, hash };
            }
            // A database in memory has no file, and nothing beside it.
            Ok(transaction
                .path()
                .is_some_and(|path| !path.is_empty())
                .then_some(end))
        })?;
        if let Some(end) = end
            && let Err(error) = self.keep_end(&end)
        {
            tracing::warn!(%error, "where the audit ends could not be kept beside it");
        }
        Ok(())
    }

    /// The records, oldest first; those since `since` only, if it is given.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn audit_records(&mut self, since: Option<SystemTime>) -> Result<Vec<Record>, StoreError> {
        let since = since.map_or(i64::MIN, to_millis);
        self.within(|transaction| {
            let mut query = transaction.prepare(
                "SELECT seq, at, server, kind, folder, job, body, previous, hash FROM audit
                 WHERE at >= ?1 ORDER BY seq",
            )?;
            let records = query.query_map([since], |row| Ok(record_of(row)?.1))?;
            records.collect()
        })
    }

    /// Looks at the whole chain, and whether it still has the end that was kept beside it, and `kept`,
    /// an end that was kept elsewhere.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn verify_audit(&mut self, kept: Option<&ChainEnd>) -> Result<ChainReport, StoreError> {
        // Read first: a record that is added meanwhile is no fault.
        let anchor = self.kept_end();
        let anchors: Vec<ChainEnd> = anchor.into_iter().chain(kept.cloned()).collect();
        self.within(|transaction| {
            let mut report = ChainReport::default();
            let mut query = transaction.prepare(
                "SELECT seq, at, server, kind, folder, job, body, previous, hash FROM audit
                 ORDER BY seq",
            )?;
            let mut rows = query.query([])?;
            let mut before = ChainEnd {
                seq: 0,
                hash: BEGINNING.to_owned(),
            };
            while let Some(row) = rows.next()? {
                let seq: i64 = row.get(0)?;
                report.records += 1;
                if seq > before.seq + 1 {
                    report.faults.push(ChainFault::Missing {
                        first: before.seq + 1,
                        last: seq - 1,
                    });
                }
                let Ok((body, record)) = record_of(row) else {
                    report.faults.push(ChainFault::Unreadable { seq });
                    before.seq = seq;
                    continue;
                };
                let is_next = seq == before.seq + 1;
                // The text itself counts, not what it means.
                let read = record.new.body.to_string();
                let is_as_written = read == body
                    && Record::hash_of(seq, &record.new, &record.previous) == record.hash;
                if !is_as_written {
                    report.faults.push(ChainFault::Changed { seq });
                } else if is_next && record.previous != before.hash {
                    report.faults.push(ChainFault::Unlinked { seq });
                }
                let replaced = |end: &&ChainEnd| end.seq == seq && end.hash != record.hash;
                if anchors.iter().find(replaced).is_some() {
                    report.faults.push(ChainFault::Replaced { seq });
                }
                before = ChainEnd {
                    seq,
                    hash: record.hash,
                };
            }
            let furthest = anchors.iter().map(|end| end.seq).max().unwrap_or(0);
            if furthest > before.seq {
                report.faults.push(ChainFault::Missing {
                    first: before.seq + 1,
                    last: furthest,
                });
            }
            report.end = (report.records > 0).then_some(before);
            Ok(report)
        })
    }

    fn anchor(&self) -> Utf8PathBuf {
        format!("{}{ANCHOR}", self.path()).into()
    }

    /// Where the chain ended when it was last written; `None` where nobody knows.
    fn kept_end(&self) -> Option<ChainEnd> {
        ChainEnd::parse(&fs::read_to_string(self.anchor()).ok()?)
    }

    fn keep_end(&self, end: &ChainEnd) -> io::Result<()> {
        // Another server may have written more since.
        if self.kept_end().is_some_and(|kept| kept.seq >= end.seq) {
            return Ok(());
        }
        let path = self.anchor();
        let new = Utf8PathBuf::from(format!("{path}-{}", std::process::id()));
        write_new(&new, &format!("{end}\n"))?;
        fs::rename(&new, &path)
    }
}

fn write_new(path: &Utf8Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private::create_file(path)?.write_all(text.as_bytes())
}

fn last(transaction: &Transaction<'_>) -> rusqlite::Result<Option<ChainEnd>> {
    transaction
        .query_row(
            "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1",
            [],
            |row| {
                Ok(ChainEnd {
                    seq: row.get(0)?,
                    hash: row.get(1)?,
                })
            },
        )
        .optional()
}

/// A record, and its body as it is written.
fn record_of(row: &Row<'_>) -> rusqlite::Result<(String, Record)> {
    /// The column of the body.
    const BODY: usize = 6;
    let written: String = row.get(BODY)?;
    let body = serde_json::from_str(&written).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(BODY, rusqlite::types::Type::Text, error.into())
    })?;
    let record = Record {
        seq: row.get(0)?,
        new: NewRecord {
            at: from_millis(row.get(1)?),
            server: row.get(2)?,
            kind: row.get(3)?,
            folder: row.get(4)?,
            job: row.get::<_, i64>(5)?.cast_unsigned(),
            body,
        },
        previous: row.get(7)?,
        hash: row.get(8)?,
    };
    Ok((written, record))
}
