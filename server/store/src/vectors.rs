//! Embeddings of the pieces of a workspace's texts: each kept once for a model, so that no text is paid for
//! twice, and found again by their direction.
//!
//! Of each number of an embedding a signed byte is kept, which is a quarter of the room and ranks the same but for
//! near ties. All of them are compared: for 30,000 vectors of 1,536 numbers that took 63 ms on a busy core, beside
//! the reading of 46 MB.

use std::collections::BTreeSet;
use std::fs::File;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior,
};

use crate::answers::StoreError;
use crate::database::{is_spoilt, refused, to_millis};
use crate::index::{Index, TextPrint};
use crate::private;

/// The form of the tables. A file of another one is begun anew.
const FORM: i32 = 1;
/// How long a write waits for another server that writes to the same file.
const PATIENCE: Duration = Duration::from_secs(10);
/// Days that a vector is kept after its text has gone from the index: who changes to another branch and back
/// does not pay again.
const KEPT_DAYS: i64 = 7;
/// Beside its numbers a vector takes about so many bytes on disk.
const OVERHEAD: u64 = 64;

/// How much there is of one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VectorCount {
    /// Texts that were embedded.
    pub vectors: u64,
    /// Bytes that they take on disk, about.
    pub bytes: u64,
}

/// The embeddings of one workspace. Calls wait for the disk.
#[derive(Debug)]
pub struct Vectors {
    path: Utf8PathBuf,
    connection: Connection,
}

impl Vectors {
    /// Where the embeddings of a workspace are: beside its index.
    pub fn path_in(state_dir: &Utf8Path, folders: &[Utf8PathBuf]) -> Utf8PathBuf {
        Index::path_in(state_dir, folders).with_extension("vectors.db")
    }

    /// Opens them to write. What is damaged or of another form is begun anew.
    ///
    /// # Errors
    ///
    /// When nothing can be written there.
    pub fn open(path: &Utf8Path, now: SystemTime) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            private::create_folder(folder).map_err(|cause| StoreError::Folder {
                path: folder.to_owned(),
                cause,
            })?;
        }
        // By us, so that it is closed to others from the first moment. That it is there already is well.
        let _there_already = private::create_file(path).is_err();
        let opened = match connect(path) {
            Err(error) if is_spoilt(&error) => {
                tracing::warn!(%error, "the embeddings are damaged, and begun anew");
                for part in ["", "-wal", "-shm"] {
                    let _was_none = std::fs::remove_file(format!("{path}{part}")).is_err();
                }
                let _there_already = private::create_file(path).is_err();
                connect(path)
            }
            opened => opened,
        };
        let connection = opened.map_err(|cause| failed(path, &cause))?;
        // As of an index, by this it is known for how long nobody has used it.
        let opened_at = File::options().append(true).open(path);
        if let Err(error) = opened_at.and_then(|file| file.set_modified(now)) {
            tracing::debug!(%error, "that the embeddings were opened is not kept");
        }
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    /// Opens them to read while others write. `None` when there are none yet.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn read(path: &Utf8Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let open = || -> rusqlite::Result<Option<Connection>> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            connection.pragma_update(None, "query_only", "on")?;
            Ok(Some(connection).filter(|it| form_of(it).is_ok_and(|form| form == FORM)))
        };
        let connection = open().map_err(|cause| failed(path, &cause))?;
        Ok(connection.map(|connection| Self {
            path: path.to_owned(),
            connection,
        }))
    }

    /// The texts that a model has embedded, or cannot.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn known(&mut self, model: &str) -> Result<BTreeSet<TextPrint>, StoreError> {
        self.at_once(TransactionBehavior::Deferred, |transaction| {
            let mut all = transaction.prepare(
                "SELECT print FROM vector JOIN model ON model.id = vector.model WHERE model.name = ?1",
            )?;
            let rows = all.query_map([model], |row| row.get(0).map(TextPrint))?;
            rows.collect()
        })
    }

    /// Keeps embeddings, and adds to the tokens that were sent today. An empty one says that the model cannot
    /// embed the text. Where the model's vectors have another length than before it is another model under the
    /// same name, and what was kept of it goes. All or nothing.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn put(
        &mut self,
        model: &str,
        embedded: &[(TextPrint, Vec<f32>)],
        tokens: u64,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let day = day_of(now);
        self.at_once(TransactionBehavior::Immediate, |transaction| {
            let lengths = embedded.iter().map(|(_, vector)| vector.len());
            let length = lengths.max().unwrap_or_default();
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            let known = "SELECT id, length FROM model WHERE name = ?1";
            let known = transaction.query_row(known, [model], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            });
            let id = match known.optional()? {
                Some((id, before)) => {
                    if length != 0 && before != 0 && before != length {
                        transaction.execute("DELETE FROM vector WHERE model = ?1", [id])?;
                    }
                    if length != 0 {
                        let now = "UPDATE model SET length = ?2 WHERE id = ?1";
                        transaction.execute(now, (id, length))?;
                    }
                    id
                }
                None => transaction.query_row(
                    "INSERT INTO model (name, length) VALUES (?1, ?2) RETURNING id",
                    (model, length),
                    |row| row.get(0),
                )?,
            };
            let mut insert = transaction.prepare(
                "INSERT OR REPLACE INTO vector (model, print, numbers, seen) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for (print, vector) in embedded {
                insert.execute((id, print.0, bytes_of(&shortened(vector)), day))?;
            }
            transaction.execute(
                "INSERT INTO sent (day, tokens) VALUES (?1, ?2)
                 ON CONFLICT (day) DO UPDATE SET tokens = tokens + excluded.tokens",
                (day, i64::try_from(tokens).unwrap_or(i64::MAX)),
            )?;
            Ok(())
        })
    }

    /// Forgets what belongs to no text of the index; `is_present` knows those that it has. What has gone from
    /// it a week ago goes; when all take more than `most` bytes, what has gone at all, and then
    /// what other models have made.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn keep_only(
        &mut self,
        model: &str,
        is_present: impl Fn(&TextPrint) -> bool,
        most: u64,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let day = day_of(now);
        self.at_once(TransactionBehavior::Immediate, |transaction| {
            let mut stale = transaction.prepare("SELECT id, print FROM vector WHERE seen <> ?1")?;
            let rows = stale.query_map([day], |row| {
                Ok((row.get::<_, i64>(0)?, TextPrint(row.get(1)?)))
            })?;
            let mut seen = Vec::new();
            for row in rows {
                let (id, print) = row?;
                if is_present(&print) {
                    seen.push(id);
                }
            }
            let mut see = transaction.prepare("UPDATE vector SET seen = ?2 WHERE id = ?1")?;
            for id in seen {
                see.execute((id, day))?;
            }
            transaction.execute("DELETE FROM vector WHERE seen < ?1", [day - KEPT_DAYS])?;
            transaction.execute("DELETE FROM sent WHERE day < ?1", [day - KEPT_DAYS])?;
            if size_of(transaction, None)?.bytes > most {
                let mut all = transaction.prepare("SELECT id, print FROM vector")?;
                let rows = all.query_map([], |row| {
                    Ok((row.get::<_, i64>(0)?, TextPrint(row.get(1)?)))
                })?;
                let mut gone = Vec::new();
                for row in rows {
                    let (id, print) = row?;
                    if !is_present(&print) {
                        gone.push(id);
                    }
                }
                let mut forget = transaction.prepare("DELETE FROM vector WHERE id = ?1")?;
                for id in gone {
                    forget.execute([id])?;
                }
            }
            if size_of(transaction, None)?.bytes > most {
                transaction.execute(
                    "DELETE FROM vector WHERE model NOT IN (SELECT id FROM model WHERE name = ?1)",
                    [model],
                )?;
            }
            Ok(())
        })
    }

    /// How much there is of a model.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn count(&mut self, model: &str) -> Result<VectorCount, StoreError> {
        self.at_once(TransactionBehavior::Deferred, |transaction| {
            size_of(transaction, Some(model))
        })
    }

    /// Tokens that were sent on the day of `now` (UTC).
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn sent_on(&mut self, now: SystemTime) -> Result<u64, StoreError> {
        self.at_once(TransactionBehavior::Deferred, |transaction| {
            let sent = "SELECT tokens FROM sent WHERE day = ?1";
            let sent = transaction.query_row(sent, [day_of(now)], |row| row.get::<_, i64>(0));
            Ok(sent.optional()?.unwrap_or_default().unsigned_abs())
        })
    }

    /// The texts whose embeddings have the direction that is nearest to that of a question, the nearest
    /// first, each with the cosine of the angle between them. Those at a right angle and beyond are not
    /// among them.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn nearest(
        &mut self,
        model: &str,
        question: &[f32],
        most: usize,
    ) -> Result<Vec<(TextPrint, f64)>, StoreError> {
        let question = shortened(question);
        let own = dot(&question, &question);
        self.at_once(TransactionBehavior::Deferred, |transaction| {
            let mut all = transaction.prepare(
                "SELECT print, numbers FROM vector JOIN model ON model.id = vector.model
                 WHERE model.name = ?1",
            )?;
            let mut rows = all.query([model])?;
            let mut near: Vec<(TextPrint, f64)> = Vec::new();
            let mut vector: Vec<i8> = Vec::new();
            while let Some(row) = rows.next()? {
                let bytes = row.get_ref(1)?.as_blob()?;
                if bytes.len() != question.len() {
                    continue;
                }
                vector.clear();
                vector.extend(bytes.iter().map(|byte| byte.cast_signed()));
                let together = dot(&question, &vector);
                if together > 0 {
                    let length = f64::from(own).sqrt() * f64::from(dot(&vector, &vector)).sqrt();
                    near.push((TextPrint(row.get(0)?), f64::from(together) / length));
                }
            }
            near.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            near.truncate(most);
            Ok(near)
        })
    }

    fn at_once<T>(
        &mut self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let transaction = self.connection.transaction_with_behavior(behavior);
        let transaction = transaction.map_err(|cause| failed(path, &cause))?;
        let result = work(&transaction).and_then(|value| transaction.commit().map(|()| value));
        result.map_err(|cause| failed(path, &cause))
    }
}

/// How much there is, of one model or of all.
fn size_of(transaction: &Transaction<'_>, model: Option<&str>) -> rusqlite::Result<VectorCount> {
    let (vectors, numbers): (i64, i64) = transaction.query_row(
        "SELECT count(*), coalesce(sum(length(numbers)), 0) FROM vector
         JOIN model ON model.id = vector.model WHERE ?1 IS NULL OR model.name = ?1",
        [model],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let vectors = vectors.unsigned_abs();
    Ok(VectorCount {
        vectors,
        bytes: numbers.unsigned_abs() + vectors * OVERHEAD,
    })
}

/// The same direction in signed bytes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the largest number becomes 127 or -127"
)]
fn shortened(vector: &[f32]) -> Vec<i8> {
    let largest = vector.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    if largest == 0.0 {
        return vec![0; vector.len()];
    }
    let byte = |number: &f32| (number / largest * 127.0).round() as i8;
    vector.iter().map(byte).collect()
}

fn bytes_of(vector: &[i8]) -> Vec<u8> {
    vector.iter().map(|number| number.cast_unsigned()).collect()
}

/// Exact: no embedding is so long that its sum could overflow.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    let products = a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b));
    products.sum()
}

fn day_of(now: SystemTime) -> i64 {
    const MILLIS: i64 = 24 * 60 * 60 * 1000;
    to_millis(now) / MILLIS
}

fn connect(path: &Utf8Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Damage is met now rather than in the middle, as far as it can be seen in a moment.
    let form = form_of(&connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "normal")?;
    if !matches!(form, 0 | FORM) {
        return Err(refused(ErrorCode::NotADatabase, "it is of another form"));
    }
    if form != FORM {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another server may have made the tables a moment ago.
        if form_of(&transaction)? != FORM {
            transaction.execute_batch(include_str!("vectors/form.sql"))?;
            transaction.pragma_update(None, "user_version", FORM)?;
        }
        transaction.commit()?;
    }
    Ok(connection)
}

fn form_of(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn failed(path: &Utf8Path, cause: &rusqlite::Error) -> StoreError {
    StoreError::Database {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_shortened_vector_keeps_its_direction() {
        assert_eq!(shortened(&[0.5, -0.25, 0.0]), [127, -64, 0]);
        assert_eq!(shortened(&[1e-9, 0.0]), [127, 0]);
        assert_eq!(shortened(&[0.0, 0.0]), [0, 0]);
        assert_eq!(dot(&[127, -64], &[127, -64]), 127 * 127 + 64 * 64);
    }
}
