//! Answers that wait for a decision, so that a restart does not lose what was paid for.

use std::time::SystemTime;

use rusqlite::{Row, Transaction};

use crate::answers::StoreError;
use crate::database::{Store, from_millis, to_millis};

/// The number of an answer that waits, for as long as it is kept. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitingId(pub i64);

/// An answer with hunks to be decided upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWaiting {
    /// When it came.
    pub at: SystemTime,
    /// The workspace folder that its paths begin at.
    pub folder: String,
    /// What was asked for: `fix`, `rewrite`, …
    pub action: String,
    /// The user's words, where there were any.
    pub instruction: Option<String>,
    /// What answered, as it is named to people.
    pub engine: String,
    /// What it is called to people.
    pub title: String,
    /// The answer as it came.
    pub reply: String,
    /// What is left of it to decide, in whatever form the caller reads.
    pub review: String,
}

impl Store {
    /// Keeps an answer until it is decided upon.
    ///
    /// # Errors
    ///
    /// When it could not be kept, as when the disk is full.
    pub fn keep_waiting(&mut self, answer: &NewWaiting) -> Result<WaitingId, StoreError> {
        self.within(|transaction| {
            transaction.execute(
                "INSERT INTO waiting
                     (at, folder, action, instruction, engine, title, reply, review)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                (
                    to_millis(answer.at),
                    &answer.folder,
                    &answer.action,
                    &answer.instruction,
                    &answer.engine,
                    &answer.title,
                    &answer.reply,
                    &answer.review,
                ),
            )?;
            Ok(WaitingId(transaction.last_insert_rowid()))
        })
    }

    /// Notes what is left of an answer. Whether it is kept: another server may have decided upon it.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub fn set_waiting(&mut self, id: WaitingId, review: &str) -> Result<bool, StoreError> {
        self.within(|transaction| set_left(transaction, id, Some(review)))
    }

    /// Forgets an answer: everything in it is decided. Whether it was kept.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub fn forget_waiting(&mut self, id: WaitingId) -> Result<bool, StoreError> {
        self.within(|transaction| set_left(transaction, id, None))
    }

    /// The answers that wait, oldest first; with `folder` only those in that workspace folder.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn waiting(
        &mut self,
        folder: Option<&str>,
    ) -> Result<Vec<(WaitingId, NewWaiting)>, StoreError> {
        self.within(|transaction| {
            let mut query = transaction.prepare(
                "SELECT id, at, folder, action, instruction, engine, title, reply, review
                 FROM waiting WHERE ?1 IS NULL OR folder = ?1 ORDER BY id",
            )?;
            let answers = query.query_map([folder], answer_of)?;
            answers.collect()
        })
    }
}

/// Notes what is left of an answer, or that nothing is. Whether it was kept.
pub(crate) fn set_left(
    transaction: &Transaction<'_>,
    id: WaitingId,
    left: Option<&str>,
) -> rusqlite::Result<bool> {
    let changed = match left {
        Some(review) => transaction.execute(
            "UPDATE waiting SET review = ?2 WHERE id = ?1",
            (id.0, review),
        )?,
        None => transaction.execute("DELETE FROM waiting WHERE id = ?1", [id.0])?,
    };
    Ok(changed > 0)
}

fn answer_of(row: &Row<'_>) -> rusqlite::Result<(WaitingId, NewWaiting)> {
    let answer = NewWaiting {
        at: from_millis(row.get(1)?),
        folder: row.get(2)?,
        action: row.get(3)?,
        instruction: row.get(4)?,
        engine: row.get(5)?,
        title: row.get(6)?,
        reply: row.get(7)?,
        review: row.get(8)?,
    };
    Ok((WaitingId(row.get(0)?), answer))
}
