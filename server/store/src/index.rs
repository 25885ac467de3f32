//! The index of a workspace: what its files define, which names they use, and their words. A database of
//! its own, because all of it can be made again: what is damaged or of another form is removed.

mod find;
mod pieces;
mod words;

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Statement, Transaction,
    TransactionBehavior,
};

pub use self::find::{Definition, FoundPlace, Link, UsingFile};
pub use self::pieces::PiecePlace;
pub use self::words::words_of;
use crate::answers::StoreError;
use crate::database::{is_spoilt, refused};
use crate::private;

/// The folder of all indexes, in the state folder.
const FOLDER: &str = "index";
/// The form of the tables. A file of another one is begun anew.
const FORM: i32 = 2;
/// How long a write waits for another server that writes to the same file.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an index is kept that nobody has opened.
const KEPT: Duration = Duration::from_hours(24 * 60);

/// How a file was when it was read: its size, and a number that another state of it has not, such as the
/// time of its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Bytes.
    pub size: u64,
    /// The number.
    pub stamp: i64,
}

/// What the index is told of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// What it is called in the workspace.
    pub name: String,
    /// How it was when it was read.
    pub stamp: FileStamp,
    /// What it defines.
    pub symbols: Vec<IndexedSymbol>,
    /// The names that it uses and does not define.
    pub uses: Vec<NameUses>,
    /// Its words, in pieces.
    pub chunks: Vec<IndexedChunk>,
    /// What of it can be found by its meaning.
    pub pieces: Vec<IndexedPiece>,
}

/// Something that a file defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedSymbol {
    /// Its name.
    pub name: String,
    /// What it is, as people call it: `function`.
    pub kind: String,
    /// What it belongs to; empty where to nothing but the file.
    pub container: String,
    /// Its first line, from 1.
    pub first: u32,
    /// Its last line.
    pub last: u32,
}

/// How often a file uses a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameUses {
    /// The name.
    pub name: String,
    /// How often.
    pub times: u32,
    /// The line of the first time, from 1.
    pub line: u32,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedChunk {
    /// Its first line, from 1.
    pub first: u32,
    /// Its last line.
    pub last: u32,
    /// Its words, as [`words_of`] gives them.
    pub words: String,
}

/// A piece of a file that can be embedded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedPiece {
    /// Its first line, from 1.
    pub first: u32,
    /// Its last line.
    pub last: u32,
    /// The bytes of its text.
    pub bytes: u32,
    /// What its text is known by.
    pub print: TextPrint,
}

/// What a text is known by: texts of one print are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextPrint(pub(crate) [u8; 16]);

impl TextPrint {
    /// The print of a text.
    pub fn of(text: &str) -> Self {
        let mut print = [0; 16];
        blake3::Hasher::new()
            .update(text.as_bytes())
            .finalize_xof()
            .fill(&mut print);
        Self(print)
    }
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexSize {
    /// Files.
    pub files: u64,
    /// Symbols.
    pub symbols: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// The index of one workspace. Calls wait for the disk.
#[derive(Debug)]
pub struct Index {
    path: Utf8PathBuf,
    connection: Connection,
}

impl Index {
    /// Where the index of a workspace is: `folders` tells it from others.
    pub fn path_in(state_dir: &Utf8Path, folders: &[Utf8PathBuf]) -> Utf8PathBuf {
        let mut hasher = blake3::Hasher::new();
        for folder in folders {
            hasher.update(folder.as_str().as_bytes());
            hasher.update(b"\n");
        }
        let hash = hasher.finalize().to_hex();
        let short = hash.get(..24).unwrap_or_default();
        state_dir.join(FOLDER).join(format!("{short}.db"))
    }

    /// Opens an index to write it. One that is damaged or of another form is begun anew; one that is only
    /// out of reach for now stays. Those that nobody has opened for two months are removed.
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
            clear(folder, path, now);
        }
        // By us, so that it is closed to others from the first moment. That it is there already is well.
        let _there_already = private::create_file(path).is_err();
        let opened = match connect(path) {
            Err(error) if is_spoilt(&error) => {
                tracing::info!(%error, "the index is begun anew");
                remove(path);
                let _there_already = private::create_file(path).is_err();
                connect(path)
            }
            opened => opened,
        };
        let connection = opened.map_err(|cause| failed(path, &cause))?;
        // Writing reaches the side file first, and reading reaches none.
        let opened_at = File::options().append(true).open(path);
        if let Err(error) = opened_at.and_then(|file| file.set_modified(now)) {
            tracing::debug!(%error, "that the index was opened is not kept");
        }
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    /// Opens an index to read it while another thread writes it. `None` when there is none yet.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(path: &Utf8Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<Option<Connection>> {
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

    /// Every file and how it was when it was read.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn stamps(&mut self) -> Result<BTreeMap<String, FileStamp>, StoreError> {
        self.within(|transaction| {
            let mut all = transaction.prepare("SELECT name, size, stamp FROM file")?;
            let rows = all.query_map([], |row| {
                let size: i64 = row.get(1)?;
                let stamp = FileStamp {
                    size: size.unsigned_abs(),
                    stamp: row.get(2)?,
                };
                Ok((row.get(0)?, stamp))
            })?;
            rows.collect()
        })
    }

    /// How some files were when they were read, as far as they are known.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn stamps_of(
        &mut self,
        names: &[String],
    ) -> Result<BTreeMap<String, FileStamp>, StoreError> {
        self.within(|transaction| {
            let mut one = transaction.prepare("SELECT size, stamp FROM file WHERE name = ?1")?;
            let mut stamps = BTreeMap::new();
            for name in names {
                let known = one.query_row([name], |row| {
                    let size: i64 = row.get(0)?;
                    Ok(FileStamp {
                        size: size.unsigned_abs(),
                        stamp: row.get(1)?,
                    })
                });
                if let Some(stamp) = known.optional()? {
                    stamps.insert(name.clone(), stamp);
                }
            }
            Ok(stamps)
        })
    }

    /// Takes files up, in place of what was known of them. All or none.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn put(&mut self, files: &[IndexedFile]) -> Result<(), StoreError> {
        self.at_once(TransactionBehavior::Immediate, |transaction| {
            let mut writer = Writer::new(transaction)?;
            for file in files {
                writer.forget(&file.name)?;
                writer.insert(file)?;
            }
            Ok(())
        })
    }

    /// Forgets files. All or none.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn remove(&mut self, names: &[String]) -> Result<(), StoreError> {
        self.at_once(TransactionBehavior::Immediate, |transaction| {
            let mut writer = Writer::new(transaction)?;
            for name in names {
                writer.forget(name)?;
            }
            Ok(())
        })
    }

    /// Forgets the names that nothing has any more.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn prune(&mut self) -> Result<(), StoreError> {
        self.at_once(TransactionBehavior::Immediate, |transaction| {
            transaction.execute(
                "DELETE FROM name WHERE id NOT IN (SELECT name FROM symbol)
                 AND id NOT IN (SELECT name FROM name_use)",
                [],
            )?;
            Ok(())
        })
    }

    /// How much it holds.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn size(&mut self) -> Result<IndexSize, StoreError> {
        let side = format!("{}-wal", self.path);
        let bytes = |path: &str| std::fs::metadata(path).map_or(0, |it| it.len());
        let bytes = bytes(self.path.as_str()) + bytes(&side);
        self.within(|transaction| {
            let count = |table: &str| -> rusqlite::Result<u64> {
                let sql = format!("SELECT count(*) FROM {table}");
                let count: i64 = transaction.query_row(&sql, [], |row| row.get(0))?;
                Ok(count.unsigned_abs())
            };
            Ok(IndexSize {
                files: count("file")?,
                symbols: count("symbol")?,
                bytes,
            })
        })
    }

    /// Whether an error says that the file is damaged: then it is to be opened anew.
    pub fn is_spoilt(&self) -> bool {
        let checked = self
            .connection
            .query_row("SELECT count(*) FROM file", [], |row| row.get::<_, i64>(0));
        let words = self.connection.query_row(
            "SELECT count(*) FROM (SELECT 1 FROM chunk_words WHERE chunk_words MATCH '\"a\"' LIMIT 1)",
            [],
            |row| row.get::<_, i64>(0),
        );
        checked.and(words).is_err_and(|error| is_spoilt(&error))
    }

    /// Removes the files of the index, so that [`Index::open`] begins anew.
    pub fn discard(self) {
        let path = self.path.clone();
        drop(self);
        remove(&path);
    }

    /// Reads at one moment.
    fn within<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.at_once(TransactionBehavior::Deferred, work)
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

fn failed(path: &Utf8Path, cause: &rusqlite::Error) -> StoreError {
    StoreError::Database {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

fn connect(path: &Utf8Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Damage is met now rather than in the middle, as far as it can be seen in a moment.
    let form = form_of(&connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // Made again from the files when the power fails in the wrong moment.
    connection.pragma_update(None, "synchronous", "normal")?;
    // Kibibytes of pages that are kept in memory.
    connection.pragma_update(None, "cache_size", -8_192)?;
    if !matches!(form, 0 | FORM) {
        return Err(refused(ErrorCode::NotADatabase, "it is of another form"));
    }
    if form != FORM {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another server may have made the tables a moment ago.
        if form_of(&transaction)? != FORM {
            let count = "SELECT count(*) FROM sqlite_schema";
            if transaction.query_row(count, [], |row| row.get::<_, i64>(0))? > 0 {
                return Err(refused(ErrorCode::NotADatabase, "its form is not told"));
            }
            transaction.execute_batch(include_str!("index/form.sql"))?;
            transaction.pragma_update(None, "user_version", FORM)?;
        }
        transaction.commit()?;
    }
    Ok(connection)
}

fn form_of(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Removes the files of a database.
fn remove(path: &Utf8Path) {
    for part in ["", "-wal", "-shm"] {
        let _was_none = std::fs::remove_file(format!("{path}{part}")).is_err();
    }
}

/// Removes the indexes that nobody has opened for long.
fn clear(folder: &Utf8Path, but: &Utf8Path, now: SystemTime) {
    let Ok(entries) = folder.read_dir_utf8() else {
        return;
    };
    for entry in entries.flatten() {
        let used = entry.metadata().and_then(|it| it.modified());
        let is_old =
            used.is_ok_and(|used| now.duration_since(used).is_ok_and(|passed| passed > KEPT));
        if is_old && entry.path() != but && entry.path().extension() == Some("db") {
            remove(entry.path());
        }
    }
}

/// The statements of a transaction that writes, made ready once for many files.
struct Writer<'t> {
    known: Statement<'t>,
    forget: Vec<Statement<'t>>,
    file: Statement<'t>,
    name: Statement<'t>,
    new_name: Statement<'t>,
    symbol: Statement<'t>,
    symbol_words: Statement<'t>,
    used: Statement<'t>,
    chunk: Statement<'t>,
    chunk_words: Statement<'t>,
    piece: Statement<'t>,
}

impl<'t> Writer<'t> {
    fn new(transaction: &'t Transaction<'_>) -> rusqlite::Result<Self> {
        let forget = [
            "DELETE FROM symbol_words WHERE rowid IN (SELECT id FROM symbol WHERE file = ?1)",
            "DELETE FROM chunk_words WHERE rowid IN (SELECT id FROM chunk WHERE file = ?1)",
            "DELETE FROM symbol WHERE file = ?1",
            "DELETE FROM chunk WHERE file = ?1",
            "DELETE FROM piece WHERE file = ?1",
            "DELETE FROM name_use WHERE file = ?1",
            "DELETE FROM file WHERE id = ?1",
        ];
        Ok(Self {
            known: transaction.prepare("SELECT id FROM file WHERE name = ?1")?,
            forget: forget
                .into_iter()
                .map(|sql| transaction.prepare(sql))
                .collect::<rusqlite::Result<_>>()?,
            file: transaction
                .prepare("INSERT INTO file (name, size, stamp) VALUES (?1, ?2, ?3) RETURNING id")?,
            name: transaction.prepare("SELECT id FROM name WHERE name = ?1")?,
            new_name: transaction.prepare("INSERT INTO name (name) VALUES (?1) RETURNING id")?,
            symbol: transaction.prepare(
                "INSERT INTO symbol (file, name, kind, container, first, last)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
            )?,
            symbol_words: transaction
                .prepare("INSERT INTO symbol_words (rowid, name, around) VALUES (?1, ?2, ?3)")?,
            used: transaction.prepare(
                "INSERT OR IGNORE INTO name_use (name, file, times, line) VALUES (?1, ?2, ?3, ?4)",
            )?,
            chunk: transaction.prepare(
                "INSERT INTO chunk (file, first, last) VALUES (?1, ?2, ?3) RETURNING id",
            )?,
            chunk_words: transaction
                .prepare("INSERT INTO chunk_words (rowid, path, said) VALUES (?1, ?2, ?3)")?,
            piece: transaction.prepare(
                "INSERT INTO piece (file, first, last, bytes, print) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
        })
    }

    /// Everything that is known of a file goes.
    fn forget(&mut self, name: &str) -> rusqlite::Result<()> {
        let known: Option<i64> = self.known.query_row([name], |row| row.get(0)).optional()?;
        let Some(file) = known else { return Ok(()) };
        for statement in &mut self.forget {
            statement.execute([file])?;
        }
        Ok(())
    }

    fn insert(&mut self, file: &IndexedFile) -> rusqlite::Result<()> {
        let size = i64::try_from(file.stamp.size).unwrap_or(i64::MAX);
        let row = (&file.name, size, file.stamp.stamp);
        let id: i64 = self.file.query_row(row, |row| row.get(0))?;
        let path_words = words_of(&file.name);
        for it in &file.symbols {
            let name = self.number_of(&it.name)?;
            let row = (id, name, &it.kind, &it.container, it.first, it.last);
            let number: i64 = self.symbol.query_row(row, |row| row.get(0))?;
            let around = format!("{} {} {path_words}", it.kind, words_of(&it.container));
            let row = (number, words_of(&it.name), around);
            self.symbol_words.execute(row)?;
        }
        for it in &file.uses {
            let name = self.number_of(&it.name)?;
            self.used.execute((name, id, it.times, it.line))?;
        }
        for it in &file.chunks {
            let row = (id, it.first, it.last);
            let number: i64 = self.chunk.query_row(row, |row| row.get(0))?;
            self.chunk_words.execute((number, &path_words, &it.words))?;
        }
        for it in &file.pieces {
            let row = (id, it.first, it.last, it.bytes, it.print.0);
            self.piece.execute(row)?;
        }
        Ok(())
    }

    /// The number that stands for a name.
    fn number_of(&mut self, name: &str) -> rusqlite::Result<i64> {
        let known = self.name.query_row([name], |row| row.get(0)).optional()?;
        match known {
            Some(number) => Ok(number),
            None => self.new_name.query_row([name], |row| row.get(0)),
        }
    }
}
