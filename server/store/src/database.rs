//! The one database: opened when it is first needed, mended where it can be, done without where not.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::answers::StoreError;
use crate::private;

/// The file, in the state folder.
const FILE: &str = "pleach.db";
/// Written into the file by its first form, so that another program's database is not taken for ours:
/// "plea" as a number.
const APPLICATION: i32 = 1_886_152_033;
/// How long a write waits for another server that writes to the same file.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a step is tried that another server may be doing at the same moment.
const TRIES: usize = 3;

/// The forms of the database, each made of the one before it. What was released is never changed.
const FORMS: &[M<'static>] = &[
    M::up(include_str!("database/form-1.sql")),
    M::up(include_str!("database/form-2.sql")),
    M::up(include_str!("database/form-3.sql")),
    M::up(include_str!("database/form-4.sql")),
];

/// What outlives a session: the history of landings, answers that wait for a decision, the ledger and the
/// audit.
///
/// Calls wait for the disk: they belong on a thread of their own, never in a handler. Nothing is opened
/// before the first call. Every call works, whatever the disk does, but for [`StoreError::Database`]:
/// a file that is damaged or not ours is set aside and a new one begun; where nothing can be written,
/// everything is kept in memory until the server ends. Both are said by [`Store::take_notices`].
#[derive(Debug)]
pub struct Store {
    state_dir: Utf8PathBuf,
    connection: Option<Connection>,
    notices: Vec<Notice>,
}

/// Something about the database that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The file could not be used and has another name now; a new one was begun.
    SetAside {
        /// Where it is now.
        path: Utf8PathBuf,
        /// Why it could not be used.
        cause: String,
    },
    /// Nothing can be written: what is kept is kept until the server ends.
    InMemory {
        /// Where the database would be.
        path: Utf8PathBuf,
        /// Why it cannot be there.
        cause: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAside { path, cause } => write!(
                f,
                "The history and the ledger could not be read ({cause}). They were set aside as {path}, and new ones begun."
            ),
            Self::InMemory { path, cause } => write!(
                f,
                "The history and the ledger cannot be kept in {path} ({cause}). Until the server ends they are kept in memory; make the folder writable to keep them longer."
            ),
        }
    }
}

/// Why a file is not used.
enum Unusable {
    /// It is not a database, or damaged, or another program's.
    Spoilt(String),
    /// It cannot be written, or a later Pleach has written it.
    OutOfReach(String),
}

impl Store {
    /// The store in this state folder. Touches nothing yet.
    pub fn new(state_dir: &Utf8Path) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            connection: None,
            notices: Vec::new(),
        }
    }

    /// What happened to the database since this was last asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The folder that it was made for.
    pub fn state_dir(&self) -> &Utf8Path {
        &self.state_dir
    }

    /// Where the database is, if it can be kept.
    pub fn path(&self) -> Utf8PathBuf {
        self.state_dir.join(FILE)
    }

    /// Does something in one transaction: all of it or nothing. A database that turns out to be damaged
    /// is set aside, and it is done once more in a new one.
    pub(crate) fn within<T>(
        &mut self,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let done = self.try_within(&work);
        match done {
            Err(error) if is_spoilt(&error) => {
                self.connection = None;
                self.set_aside(&error.to_string());
                self.try_within(&work)
            }
            done => done,
        }
        .map_err(|cause| StoreError::Database {
            path: self.path(),
            cause: cause.to_string(),
        })
    }

    fn try_within<T>(
        &mut self,
        work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let connection = self.connection()?;
        // Immediate: a transaction that begins by reading could not wait for its turn to write.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Makes the file smaller where rows went. That it could not be is no loss.
    pub(crate) fn give_room_back(&mut self) {
        let shrunk = self
            .connection()
            .and_then(|connection| connection.execute_batch("PRAGMA incremental_vacuum"));
        if let Err(error) = shrunk {
            tracing::debug!(%error, "the database keeps its size");
        }
    }

    fn connection(&mut self) -> rusqlite::Result<&mut Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open()?,
        };
        Ok(self.connection.insert(connection))
    }

    fn open(&mut self) -> rusqlite::Result<Connection> {
        let path = self.path();
        let cause = match open_file(&path) {
            Ok(connection) => return Ok(connection),
            Err(Unusable::OutOfReach(cause)) => cause,
            Err(Unusable::Spoilt(cause)) => {
                self.set_aside(&cause);
                match open_file(&path) {
                    Ok(connection) => return Ok(connection),
                    Err(Unusable::OutOfReach(cause) | Unusable::Spoilt(cause)) => cause,
                }
            }
        };
        self.notices.push(Notice::InMemory { path, cause });
        let mut connection = Connection::open_in_memory()?;
        prepare(&mut connection)?;
        Ok(connection)
    }

    /// Gives the files of the database other names. If that fails, opening it fails as well.
    fn set_aside(&mut self, cause: &str) {
        let path = self.path();
        let free = (1..1000)
            .map(|number| Utf8PathBuf::from(format!("{path}.damaged-{number}")))
            .find(|aside| !aside.exists());
        let Some(aside) = free else { return };
        if std::fs::rename(&path, &aside).is_err() {
            return;
        }
        // What had not reached the file belongs to it.
        for part in ["-wal", "-shm", crate::audit::ANCHOR] {
            let from = format!("{path}{part}");
            match std::fs::rename(&from, format!("{aside}{part}")) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(%error, %from, "a part of the old database stays");
                }
                _ => {}
            }
        }
        self.notices.push(Notice::SetAside {
            path: aside,
            cause: cause.to_owned(),
        });
    }
}

fn open_file(path: &Utf8Path) -> Result<Connection, Unusable> {
    let out_of_reach = |error: io::Error| Unusable::OutOfReach(error.to_string());
    if let Some(folder) = path.parent() {
        private::create_folder(folder).map_err(out_of_reach)?;
    }
    // By us, so that it is closed to others from the first moment; its side files take after it.
    match private::create_file(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(out_of_reach(error)),
        _ => {}
    }
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        // Before anything is set: what is another program's stays as it is, byte for byte.
        check_owner(&connection)?;
        // Takes effect in a new file only, and there before its first table.
        connection.pragma_update(None, "auto_vacuum", "incremental")?;
        // Readers do not wait for a writer. A file system without shared memory keeps the usual way.
        let switched = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        match switched {
            // Another server is about to do the same, and its word is good for all.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            switched => switched?,
        }
        // What was said to be kept is kept, even if the power fails.
        connection.pragma_update(None, "synchronous", "full")?;
        prepare(&mut connection)?;
        Ok(connection)
    };
    let mut tries = 0;
    loop {
        tries += 1;
        match open() {
            Ok(connection) => return Ok(connection),
            Err(error) if is_spoilt(&error) => return Err(Unusable::Spoilt(error.to_string())),
            // Another server may have made the tables a moment ago.
            Err(_) if tries < TRIES => {}
            Err(error) => return Err(Unusable::OutOfReach(error.to_string())),
        }
    }
}

/// Sees that the database is ours, or new.
fn check_owner(connection: &Connection) -> rusqlite::Result<()> {
    // At one moment: another server may be making the tables.
    let moment = connection.unchecked_transaction()?;
    let number = |name: &str| -> rusqlite::Result<i32> {
        moment.pragma_query_value(None, name, |row| row.get(0))
    };
    let (application, form) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    moment.finish()?;
    let is_new = tables == 0 && application == 0 && form == 0;
    if is_new || application == APPLICATION {
        Ok(())
    } else {
        Err(refused(ErrorCode::NotADatabase, "it is another program's"))
    }
}

/// Brings the database to the present form.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let migrated = Migrations::from_slice(FORMS).to_latest(connection);
    migrated.map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err,
        rusqlite_migration::Error::MigrationDefinition(_) => refused(
            ErrorCode::ReadOnly,
            "a later version of Pleach has written it; use that one to read it",
        ),
        other => refused(ErrorCode::Unknown, &other.to_string()),
    })?;
    // A disk that cannot be written is met now, not at the first landing.
    let probe = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    probe.pragma_update(None, "application_id", APPLICATION)?;
    probe.commit()
}

pub(crate) fn refused(code: ErrorCode, cause: &str) -> rusqlite::Error {
    let error = rusqlite::ffi::Error {
        code,
        extended_code: 0,
    };
    rusqlite::Error::SqliteFailure(error, Some(cause.to_owned()))
}

pub(crate) fn is_spoilt(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

/// Times are kept as milliseconds since 1970, which every program reads.
pub(crate) fn to_millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn from_millis(millis: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// Numbers of bytes and of files fit, whatever the machine.
pub(crate) fn to_integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Keeps a text once, however many landings have it, and gives the hash that it is known by.
pub(crate) fn keep_text(transaction: &Transaction<'_>, text: &str) -> rusqlite::Result<String> {
    let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    transaction.execute(
        "INSERT OR IGNORE INTO text (hash, content) VALUES (?1, ?2)",
        (&hash, text),
    )?;
    Ok(hash)
}

/// Removes texts that nothing needs any more.
pub(crate) fn drop_unused_texts(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM text WHERE hash NOT IN (SELECT text FROM landed_file)",
        [],
    )?;
    Ok(())
}
