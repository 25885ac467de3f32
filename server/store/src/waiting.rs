//! Answers that wait for a decision, so that a restart does not lose what was paid for.

use std::time::SystemTime;

use rusqlite::types::Type;
use rusqlite::{Row, Transaction};

use crate::answers::StoreError;
use crate::database::{Store, from_millis, keep_text, to_integer, to_millis};

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
    /// The number of the job, in its session.
    pub job: u64,
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
    /// What else is needed to place it once more (format, target, …), in whatever form the caller reads.
    pub request: String,
    /// The files as they were when it was placed: path and text. From these to the present texts it is
    /// rebased.
    pub files: Vec<(String, String)>,
    /// Where each hunk stands, by its number.
    pub hunks: Vec<(usize, HunkState)>,
}

/// Where a hunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HunkState {
    /// Nobody has decided.
    Pending,
    /// It is to land and has not yet.
    Accepted,
    /// It is not to land.
    Rejected,
    /// It is in the text.
    Landed,
}

impl HunkState {
    const ALL: [Self; 4] = [Self::Pending, Self::Accepted, Self::Rejected, Self::Landed];

    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Landed => "landed",
        }
    }
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Every hunk that was accepted has landed.
    Landed,
    /// It is not wanted.
    Dismissed,
}

impl Decision {
    fn name(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::Dismissed => "dismissed",
        }
    }
}

/// An answer that is kept, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: WaitingId,
    /// What was kept, with the present states of its hunks.
    pub answer: NewWaiting,
    /// How it ended, and when; `None` while it waits.
    pub decision: Option<(Decision, SystemTime)>,
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
                     (at, folder, job, action, instruction, engine, title, reply, request)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                (
                    to_millis(answer.at),
                    &answer.folder,
                    answer.job.cast_signed(),
                    &answer.action,
                    &answer.instruction,
                    &answer.engine,
                    &answer.title,
                    &answer.reply,
                    &answer.request,
                ),
            )?;
            let id = transaction.last_insert_rowid();
            for (number, (path, text)) in answer.files.iter().enumerate() {
                let hash = keep_text(transaction, text)?;
                transaction.execute(
                    "INSERT INTO waiting_file (waiting, number, path, text)
                     VALUES (?1, ?2, ?3, ?4)",
                    (id, to_integer(number), path, hash),
                )?;
            }
            for (number, state) in &answer.hunks {
                insert_hunk(transaction, id, *number, *state)?;
            }
            Ok(WaitingId(id))
        })
    }

    /// Notes where hunks of an answer stand now. Those that are not named stay as they are.
    ///
    /// # Errors
    ///
    /// When it could not be written; also when there is no such answer.
    pub fn set_hunks(
        &mut self,
        id: WaitingId,
        hunks: &[(usize, HunkState)],
    ) -> Result<(), StoreError> {
        self.within(|transaction| {
            for (number, state) in hunks {
                insert_hunk(transaction, id.0, *number, *state)?;
            }
            Ok(())
        })
    }

    /// Notes how an answer ended. It stays to be looked at until it is pruned. Whether it is kept.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub fn decide(
        &mut self,
        id: WaitingId,
        decision: Decision,
        at: SystemTime,
    ) -> Result<bool, StoreError> {
        self.within(|transaction| {
            let changed = transaction.execute(
                "UPDATE waiting SET decision = ?2, decided_at = ?3 WHERE id = ?1",
                (id.0, decision.name(), to_millis(at)),
            )?;
            Ok(changed > 0)
        })
    }

    /// The answers that still wait, oldest first; with `folder` only those in that workspace folder.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn waiting(&mut self, folder: Option<&str>) -> Result<Vec<Waiting>, StoreError> {
        self.answers("decision IS NULL", folder)
    }

    /// The answers that were dismissed and are still kept, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn dismissed(&mut self, folder: Option<&str>) -> Result<Vec<Waiting>, StoreError> {
        self.answers("decision = 'dismissed'", folder)
    }

    fn answers(
        &mut self,
        condition: &'static str,
        folder: Option<&str>,
    ) -> Result<Vec<Waiting>, StoreError> {
        self.within(|transaction| {
            let query = format!(
                "SELECT id, at, folder, job, action, instruction, engine, title, reply, request,
                        decision, decided_at
                 FROM waiting WHERE {condition} AND (?1 IS NULL OR folder = ?1) ORDER BY id"
            );
            let mut query = transaction.prepare(&query)?;
            let answers = query.query_map([folder], answer_of)?;
            answers
                .map(|answer| with_parts(transaction, answer?))
                .collect()
        })
    }
}

fn insert_hunk(
    transaction: &Transaction<'_>,
    id: i64,
    number: usize,
    state: HunkState,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO waiting_hunk (waiting, number, state) VALUES (?1, ?2, ?3)
         ON CONFLICT (waiting, number) DO UPDATE SET state = excluded.state",
        (id, to_integer(number), state.name()),
    )?;
    Ok(())
}

fn answer_of(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let decision: Option<String> = row.get(10)?;
    let decided_at: Option<i64> = row.get(11)?;
    let decision = decision.map(|name| {
        if name == Decision::Landed.name() {
            Decision::Landed
        } else {
            Decision::Dismissed
        }
    });
    Ok(Waiting {
        id: WaitingId(row.get(0)?),
        answer: NewWaiting {
            at: from_millis(row.get(1)?),
            folder: row.get(2)?,
            job: row.get::<_, i64>(3)?.cast_unsigned(),
            action: row.get(4)?,
            instruction: row.get(5)?,
            engine: row.get(6)?,
            title: row.get(7)?,
            reply: row.get(8)?,
            request: row.get(9)?,
            files: Vec::new(),
            hunks: Vec::new(),
        },
        decision: decision.zip(decided_at.map(from_millis)),
    })
}

fn with_parts(transaction: &Transaction<'_>, mut found: Waiting) -> rusqlite::Result<Waiting> {
    let mut files = transaction.prepare(
        "SELECT path, content FROM waiting_file JOIN text ON text.hash = waiting_file.text
         WHERE waiting = ?1 ORDER BY number",
    )?;
    let rows = files.query_map([found.id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.answer.files = rows.collect::<rusqlite::Result<_>>()?;
    let mut hunks = transaction
        .prepare("SELECT number, state FROM waiting_hunk WHERE waiting = ?1 ORDER BY number")?;
    let rows = hunks.query_map([found.id.0], |row| {
        let name: String = row.get(1)?;
        let state = HunkState::ALL
            .into_iter()
            .find(|state| state.name() == name);
        let state = state
            .ok_or_else(|| rusqlite::Error::InvalidColumnType(1, "state".to_owned(), Type::Text))?;
        let number = usize::try_from(row.get::<_, i64>(0)?)
            .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, -1))?;
        Ok((number, state))
    })?;
    found.answer.hunks = rows.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}
