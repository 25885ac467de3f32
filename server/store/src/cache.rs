//! Answers that are kept for a while, so that the same question is not paid for twice.

use std::time::{Duration, SystemTime};

use rusqlite::{OptionalExtension as _, Transaction};

use crate::answers::StoreError;
use crate::database::{Store, to_integer, to_millis};

/// How long and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheBounds {
    /// How long an answer is kept.
    pub age: Duration,
    /// How many bytes all answers may have together.
    pub bytes: u64,
}

/// What the cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheSize {
    /// Answers.
    pub answers: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    /// The answer to a question that was asked before. `question` is a name for everything that was
    /// asked.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn cached(
        &mut self,
        question: &str,
        now: SystemTime,
        bounds: CacheBounds,
    ) -> Result<Option<String>, StoreError> {
        let oldest = oldest(now, bounds);
        self.within(|transaction| {
            transaction
                .query_row(
                    "UPDATE cached_answer SET used_at = ?3 WHERE question = ?1 AND at >= ?2
                     RETURNING answer",
                    (question, oldest, to_millis(now)),
                    |row| row.get(0),
                )
                .optional()
        })
    }

    /// Keeps an answer. What is too old goes, and of the rest what was used longest ago, until the
    /// bounds are kept; an answer that is larger than all of it is not kept.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn cache(
        &mut self,
        question: &str,
        answer: &str,
        now: SystemTime,
        bounds: CacheBounds,
    ) -> Result<(), StoreError> {
        let oldest = oldest(now, bounds);
        let most = i64::try_from(bounds.bytes).unwrap_or(i64::MAX);
        let size = to_integer(answer.len());
        if size > most {
            return Ok(());
        }
        self.within(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO cached_answer (question, at, used_at, bytes, answer)
                 VALUES (?1, ?2, ?2, ?3, ?4)",
                (question, to_millis(now), size, answer),
            )?;
            transaction.execute("DELETE FROM cached_answer WHERE at < ?1", [oldest])?;
            make_room(transaction, most)
        })
    }

    /// Forgets an answer.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn forget_cached(&mut self, question: &str) -> Result<(), StoreError> {
        self.within(|transaction| {
            transaction.execute("DELETE FROM cached_answer WHERE question = ?1", [question])?;
            Ok(())
        })
    }

    /// What the cache holds.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn cache_size(&mut self) -> Result<CacheSize, StoreError> {
        self.within(|transaction| {
            transaction.query_row(
                "SELECT count(*), coalesce(sum(bytes), 0) FROM cached_answer",
                [],
                |row| {
                    let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                    Ok(CacheSize {
                        answers: number(0)?,
                        bytes: number(1)?,
                    })
                },
            )
        })
    }
}

fn oldest(now: SystemTime, bounds: CacheBounds) -> i64 {
    to_millis(
        now.checked_sub(bounds.age)
            .unwrap_or(SystemTime::UNIX_EPOCH),
    )
}

fn make_room(transaction: &Transaction<'_>, most: i64) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM cached_answer WHERE question IN (
             SELECT question FROM (
                 SELECT question, sum(bytes) OVER (ORDER BY used_at DESC, question) AS with_newer
                 FROM cached_answer)
             WHERE with_newer > ?1)",
        [most],
    )?;
    Ok(())
}
