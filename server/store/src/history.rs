//! The history of landings: what is needed to undo one of them later, while everything that was typed
//! since is kept.

use std::time::{Duration, SystemTime};

use pleach_text::{ByteOffset, ChangeSet, Conflict};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, Transaction};

use crate::answers::StoreError;
use crate::database::{Store, drop_unused_texts, from_millis, keep_text, to_integer, to_millis};
use crate::waiting::{WaitingId, set_left};

/// The number of a landing, for as long as it is kept. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LandingId(pub i64);

/// A landing to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLanding {
    /// When it landed.
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
    /// The landing that it took back, if that was what it did.
    pub undoes: Option<LandingId>,
    /// What it did, file by file.
    pub files: Vec<LandedFile>,
}

/// What a landing did to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LandedFile {
    /// The text changed.
    Edited {
        /// The file, in the folder of the landing.
        path: String,
        /// Its text right after the landing.
        after: String,
        /// From that text to the one before.
        inverse: ChangeSet,
    },
    /// The file is new.
    Created {
        /// The file.
        path: String,
        /// Its text.
        after: String,
    },
    /// The file went.
    Deleted {
        /// The file.
        path: String,
        /// Its text, until it went.
        before: String,
    },
    /// The file got another name, and perhaps another text.
    Renamed {
        /// Its name before.
        from: String,
        /// Its name after.
        to: String,
        /// Its text right after the landing.
        after: String,
        /// From that text to the one before.
        inverse: ChangeSet,
    },
}

impl LandedFile {
    /// The file; for a renamed one its name after.
    pub fn path(&self) -> &str {
        match self {
            Self::Edited { path, .. } | Self::Created { path, .. } | Self::Deleted { path, .. } => {
                path
            }
            Self::Renamed { to, .. } => to,
        }
    }

    /// The text that the landing left; `None` for a deleted file.
    pub fn after(&self) -> Option<&str> {
        match self {
            Self::Edited { after, .. }
            | Self::Created { after, .. }
            | Self::Renamed { after, .. } => Some(after),
            Self::Deleted { .. } => None,
        }
    }

    /// The text before the landing; `None` for a new file.
    pub fn before(&self) -> Option<String> {
        match self {
            Self::Edited { after, inverse, .. } | Self::Renamed { after, inverse, .. } => {
                // The two were recorded together.
                inverse.apply_to_str(after).ok()
            }
            Self::Deleted { before, .. } => Some(before.clone()),
            Self::Created { .. } => None,
        }
    }

    /// What takes this landing out of the text `now` and leaves everything that came after it: the
    /// inverse, moved over what changed since. For a new or a deleted file nothing is to be changed in a
    /// text.
    ///
    /// # Errors
    ///
    /// Where something was changed since that the landing had changed.
    pub fn undone_in(&self, now: &str) -> Result<ChangeSet, Conflict> {
        match self {
            Self::Edited { after, inverse, .. } | Self::Renamed { after, inverse, .. } => {
                inverse.rebase_over(&ChangeSet::between(after, now))
            }
            Self::Created { .. } | Self::Deleted { .. } => {
                Ok(ChangeSet::unchanged(ByteOffset(now.len())))
            }
        }
    }

    fn deed(&self) -> &'static str {
        match self {
            Self::Edited { .. } => "edit",
            Self::Created { .. } => "create",
            Self::Deleted { .. } => "delete",
            Self::Renamed { .. } => "rename",
        }
    }
}

/// A recorded landing, without its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandingEntry {
    /// Its number.
    pub id: LandingId,
    /// When it landed.
    pub at: SystemTime,
    /// The workspace folder that its paths begin at.
    pub folder: String,
    /// The number of the job, in its session.
    pub job: u64,
    /// What was asked for.
    pub action: String,
    /// The user's words, where there were any.
    pub instruction: Option<String>,
    /// What answered.
    pub engine: String,
    /// What it is called to people.
    pub title: String,
    /// The landing that it took back.
    pub undoes: Option<LandingId>,
    /// When it was taken back itself.
    pub undone_at: Option<SystemTime>,
    /// Its files, by their names after; a deleted one by its name before.
    pub paths: Vec<String>,
}

/// How much of the past is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most landings; the oldest go first.
    pub landings: usize,
    /// The longest time since a landing.
    pub age: Duration,
    /// The most bytes of texts of landings, and again of answers that wait; the oldest go first. A text
    /// that several landings have is counted for each.
    pub bytes: usize,
    /// The most answers that wait, however old they are; the oldest go first.
    pub answers: usize,
}

impl Default for Limits {
    /// 500 landings, 90 days, 64 MiB, 200 answers.
    fn default() -> Self {
        Self {
            landings: 500,
            age: Duration::from_hours(90 * 24),
            bytes: 64 << 20,
            answers: 200,
        }
    }
}

/// The columns of a landing, in the order that [`entry_of`] reads them.
const COLUMNS: &str = "id, at, folder, job, action, instruction, engine, title, undoes, undone_at";

impl Store {
    /// Records a landing, and that it took back the one that it undoes.
    ///
    /// # Errors
    ///
    /// When it could not be kept, as when the disk is full.
    pub fn record(&mut self, landing: &NewLanding) -> Result<LandingId, StoreError> {
        self.within(|transaction| record(transaction, landing))
    }

    /// Records a landing together with what is left of the answer that it came from: both or neither.
    /// Nothing is left with `None`: the answer is forgotten.
    ///
    /// # Errors
    ///
    /// When it could not be kept.
    pub fn record_decided(
        &mut self,
        landing: &NewLanding,
        answer: WaitingId,
        left: Option<&str>,
    ) -> Result<LandingId, StoreError> {
        self.within(|transaction| {
            set_left(transaction, answer, left)?;
            record(transaction, landing)
        })
    }

    /// The landings, newest first, at most `most`; with `folder` only those in that workspace folder.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn list(
        &mut self,
        folder: Option<&str>,
        most: usize,
    ) -> Result<Vec<LandingEntry>, StoreError> {
        self.within(|transaction| {
            let query = format!(
                "SELECT {COLUMNS} FROM landing WHERE ?1 IS NULL OR folder = ?1
                 ORDER BY id DESC LIMIT ?2"
            );
            let mut query = transaction.prepare(&query)?;
            let entries = query.query_map((folder, to_integer(most)), entry_of)?;
            entries
                .map(|entry| with_paths(transaction, entry?))
                .collect()
        })
    }

    /// One landing with all that is needed to undo it; `None` if it is not kept (any more).
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn get(
        &mut self,
        id: LandingId,
    ) -> Result<Option<(LandingEntry, Vec<LandedFile>)>, StoreError> {
        self.within(|transaction| {
            let query = format!("SELECT {COLUMNS} FROM landing WHERE id = ?1");
            let entry = transaction.query_row(&query, [id.0], entry_of).optional()?;
            let Some(entry) = entry else {
                return Ok(None);
            };
            let mut query = transaction.prepare(
                "SELECT deed, path, origin, content, inverse
                 FROM landed_file JOIN text ON text.hash = landed_file.text
                 WHERE landing = ?1 ORDER BY number",
            )?;
            let files = query.query_map([id.0], file_of)?;
            let files: Vec<LandedFile> = files.collect::<rusqlite::Result<_>>()?;
            Ok(Some((with_paths(transaction, entry)?, files)))
        })
    }

    /// Marks a landing as taken back, or with `None` as standing again. Whether it is kept.
    /// [`Store::record`] does so by itself for what a landing undoes.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub fn mark_undone(
        &mut self,
        id: LandingId,
        at: Option<SystemTime>,
    ) -> Result<bool, StoreError> {
        self.within(|transaction| set_undone(transaction, id, at))
    }

    /// Removes what is too old or too much. For the start of a server, after the editor was answered.
    /// How many landings and answers went.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub fn prune(&mut self, limits: &Limits, now: SystemTime) -> Result<usize, StoreError> {
        let oldest = to_millis(
            now.checked_sub(limits.age)
                .unwrap_or(SystemTime::UNIX_EPOCH),
        );
        let removed = self.within(|transaction| {
            let landings = transaction.execute(
                "DELETE FROM landing WHERE at < ?1 OR id IN (
                     SELECT id FROM (
                         SELECT landing.id,
                                row_number() OVER newest AS place,
                                sum((SELECT coalesce(sum(octet_length(content)), 0)
                                     FROM landed_file JOIN text ON text.hash = landed_file.text
                                     WHERE landed_file.landing = landing.id)) OVER newest AS bytes
                         FROM landing
                         WINDOW newest AS (ORDER BY landing.id DESC)
                     ) WHERE place > ?2 OR bytes > ?3
                 )",
                (
                    oldest,
                    to_integer(limits.landings),
                    to_integer(limits.bytes),
                ),
            )?;
            let answers = transaction.execute(
                "DELETE FROM waiting WHERE id IN (
                     SELECT id FROM (
                         SELECT id,
                                row_number() OVER newest AS place,
                                sum(octet_length(reply) + octet_length(review)) OVER newest AS bytes
                         FROM waiting
                         WINDOW newest AS (ORDER BY id DESC)
                     ) WHERE place > ?1 OR bytes > ?2
                 )",
                (to_integer(limits.answers), to_integer(limits.bytes)),
            )?;
            drop_unused_texts(transaction)?;
            Ok(landings + answers)
        })?;
        if removed > 0 {
            self.give_room_back();
        }
        Ok(removed)
    }
}

fn record(transaction: &Transaction<'_>, landing: &NewLanding) -> rusqlite::Result<LandingId> {
    transaction.execute(
        "INSERT INTO landing (at, folder, job, action, instruction, engine, title, undoes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            to_millis(landing.at),
            &landing.folder,
            landing.job.cast_signed(),
            &landing.action,
            &landing.instruction,
            &landing.engine,
            &landing.title,
            landing.undoes.map(|id| id.0),
        ),
    )?;
    let id = transaction.last_insert_rowid();
    for (number, file) in landing.files.iter().enumerate() {
        insert_file(transaction, id, number, file)?;
    }
    if let Some(undone) = landing.undoes {
        set_undone(transaction, undone, Some(landing.at))?;
    }
    Ok(LandingId(id))
}

fn insert_file(
    transaction: &Transaction<'_>,
    landing: i64,
    number: usize,
    file: &LandedFile,
) -> rusqlite::Result<()> {
    let (text, origin, inverse) = match file {
        LandedFile::Edited { after, inverse, .. } => (after, None, Some(inverse)),
        LandedFile::Created { after, .. } => (after, None, None),
        LandedFile::Deleted { before, .. } => (before, None, None),
        LandedFile::Renamed {
            from,
            after,
            inverse,
            ..
        } => (after, Some(from), Some(inverse)),
    };
    let inverse = inverse.map(serde_json::to_string).transpose();
    let inverse = inverse.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let hash = keep_text(transaction, text)?;
    transaction.execute(
        "INSERT INTO landed_file (landing, number, deed, path, origin, text, inverse)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            landing,
            to_integer(number),
            file.deed(),
            file.path(),
            origin,
            hash,
            inverse,
        ),
    )?;
    Ok(())
}

fn set_undone(
    transaction: &Transaction<'_>,
    id: LandingId,
    at: Option<SystemTime>,
) -> rusqlite::Result<bool> {
    let changed = transaction.execute(
        "UPDATE landing SET undone_at = ?2 WHERE id = ?1",
        (id.0, at.map(to_millis)),
    )?;
    Ok(changed > 0)
}

fn entry_of(row: &Row<'_>) -> rusqlite::Result<LandingEntry> {
    Ok(LandingEntry {
        id: LandingId(row.get(0)?),
        at: from_millis(row.get(1)?),
        folder: row.get(2)?,
        job: row.get::<_, i64>(3)?.cast_unsigned(),
        action: row.get(4)?,
        instruction: row.get(5)?,
        engine: row.get(6)?,
        title: row.get(7)?,
        undoes: row.get::<_, Option<i64>>(8)?.map(LandingId),
        undone_at: row.get::<_, Option<i64>>(9)?.map(from_millis),
        paths: Vec::new(),
    })
}

fn with_paths(
    transaction: &Transaction<'_>,
    mut entry: LandingEntry,
) -> rusqlite::Result<LandingEntry> {
    let mut query =
        transaction.prepare("SELECT path FROM landed_file WHERE landing = ?1 ORDER BY number")?;
    let paths = query.query_map([entry.id.0], |row| row.get(0))?;
    entry.paths = paths.collect::<rusqlite::Result<_>>()?;
    Ok(entry)
}

fn file_of(row: &Row<'_>) -> rusqlite::Result<LandedFile> {
    /// The column of the inverse.
    const INVERSE: usize = 4;
    let deed: String = row.get(0)?;
    let path: String = row.get(1)?;
    let text: String = row.get(3)?;
    let inverse = || -> rusqlite::Result<ChangeSet> {
        let stored: String = row.get(INVERSE)?;
        let inverse: ChangeSet = serde_json::from_str(&stored).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(INVERSE, Type::Text, error.into())
        })?;
        // What does not fit its text would be a guess.
        inverse.apply_to_str(&text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(INVERSE, Type::Text, error.into())
        })?;
        Ok(inverse)
    };
    Ok(match deed.as_str() {
        "create" => LandedFile::Created { path, after: text },
        "delete" => LandedFile::Deleted { path, before: text },
        "rename" => LandedFile::Renamed {
            from: row.get(2)?,
            to: path,
            inverse: inverse()?,
            after: text,
        },
        _ => LandedFile::Edited {
            path,
            inverse: inverse()?,
            after: text,
        },
    })
}
