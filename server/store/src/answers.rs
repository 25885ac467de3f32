//! Answers that could not land.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::private;

/// The folder of the answers, in the state folder.
const FOLDER: &str = "answers";

/// How the names of our files end. What ends otherwise is not ours and is left alone.
const ENDING: &str = ".answer.md";

/// How often another name is tried when one is taken.
const MAX_NAMES: u32 = 100;

/// An answer that was paid for and could not land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The number of the job, in its session.
    pub job: u64,
    /// What was asked for: `fix`, `rewrite`, …
    pub action: String,
    /// The user's words, where there were any.
    pub instruction: Option<String>,
    /// What answered, as it is named to people.
    pub engine: String,
    /// The answer as it came, whole or as far as it came.
    pub reply: String,
    /// Why it did not land.
    pub reason: String,
}

/// How many answers are kept, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most files; the oldest go first.
    pub count: usize,
    /// The longest time since an answer came.
    pub age: Duration,
    /// The most bytes of one reply; of a longer one the beginning is kept, and that is said.
    pub reply_bytes: usize,
}

impl Default for Bounds {
    /// 200 answers, 30 days, 4 MiB.
    fn default() -> Self {
        Self {
            count: 200,
            age: Duration::from_hours(30 * 24),
            reply_bytes: 4 * 1024 * 1024,
        }
    }
}

/// Why something was not kept. The session goes on without.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder could not be made or closed to others.
    #[error(
        "the folder for kept answers, {path}, cannot be used: {cause}; make it writable for you"
    )]
    Folder {
        /// The folder.
        path: Utf8PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file could not be written. Nothing of it is left.
    #[error(
        "the answer could not be kept in {path}: {cause}; copy it from the editor while it is there"
    )]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The database could not be read or written. What was to be kept is not.
    #[error(
        "the database {path} cannot be used: {cause}; see that the disk is not full and the file yours"
    )]
    Database {
        /// The file.
        path: Utf8PathBuf,
        /// What the database says.
        cause: String,
    },
    /// The ledger that several people share could not be read or written.
    #[error(
        "the shared ledger at {url} cannot be used: {cause}; see that its server runs and lets you in, or take [ledger] out of pleach.toml"
    )]
    Shared {
        /// Where it is, without a password.
        url: String,
        /// What it says.
        cause: String,
    },
}

impl StoreError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "store_folder",
            Self::Write { .. } => "store_write",
            Self::Database { .. } => "store_database",
            Self::Shared { .. } => "store_shared",
        }
    }
}

/// The folder of kept answers.
#[derive(Debug, Clone)]
pub struct AnswerStore {
    folder: Utf8PathBuf,
    bounds: Bounds,
}

impl AnswerStore {
    /// The answers below this state folder, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub fn open(state_dir: &Utf8Path) -> Result<Self, StoreError> {
        Self::open_with(state_dir, Bounds::default())
    }

    /// Like [`AnswerStore::open`], with other bounds.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub fn open_with(state_dir: &Utf8Path, bounds: Bounds) -> Result<Self, StoreError> {
        let folder = state_dir.join(FOLDER);
        private::create_folder(&folder).map_err(|cause| StoreError::Folder {
            path: folder.clone(),
            cause,
        })?;
        Ok(Self { folder, bounds })
    }

    /// The folder that holds them.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Writes an answer, makes room for it, and tells where it is.
    ///
    /// `now` names the file and decides what is too old.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, the disk being full for one. That nothing could be cleared away is
    /// no error.
    pub fn keep(&self, answer: &KeptAnswer, now: SystemTime) -> Result<Utf8PathBuf, StoreError> {
        // The user may have cleared the state folder while the server ran.
        private::create_folder(&self.folder).map_err(|cause| StoreError::Folder {
            path: self.folder.clone(),
            cause,
        })?;
        let stamp = Stamp::of(now);
        self.clear(now);
        let text = render(answer, &stamp, self.bounds.reply_bytes);
        let stem = format!(
            "{}-{:04}-{}",
            stamp.for_name(),
            answer.job,
            plain(&answer.action)
        );
        let mut tries = 0;
        loop {
            let path = match tries {
                0 => self.folder.join(format!("{stem}{ENDING}")),
                _ => self.folder.join(format!("{stem}-{tries}{ENDING}")),
            };
            match private::create_file(&path).and_then(|mut file| {
                let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
                if written.is_err() {
                    // Half an answer would pass for a whole one.
                    let _ = std::fs::remove_file(&path);
                }
                written
            }) {
                Ok(()) => return Ok(path),
                // Two servers may keep an answer in one millisecond.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && tries < MAX_NAMES => {
                    tries += 1;
                }
                Err(cause) => return Err(StoreError::Write { path, cause }),
            }
        }
    }

    /// The kept answers, the newest last. What cannot be read counts as none.
    pub fn list(&self) -> Vec<Utf8PathBuf> {
        let Ok(entries) = self.folder.read_dir_utf8() else {
            return Vec::new();
        };
        let mut paths: Vec<Utf8PathBuf> = entries
            .filter_map(Result::ok)
            .filter(|entry| {
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                is_file && Stamp::of_name(entry.file_name()).is_some()
            })
            .map(camino::Utf8DirEntry::into_path)
            .collect();
        // The name begins with the time.
        paths.sort();
        paths
    }

    /// Takes away what is too old, and the oldest so that one more has its place.
    fn clear(&self, now: SystemTime) {
        let oldest = now
            .checked_sub(self.bounds.age)
            .map(|oldest| Stamp::of(oldest).for_name());
        let kept = self.list();
        let too_many = (kept.len() + 1).saturating_sub(self.bounds.count);
        for (index, path) in kept.iter().enumerate() {
            let name = path.file_name().and_then(Stamp::of_name);
            let too_old = match (name, &oldest) {
                (Some(name), Some(oldest)) => name < oldest.as_str(),
                _ => false,
            };
            if index < too_many || too_old {
                // Another server may have been faster.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// A moment as it stands in names and headers, in universal time.
struct Stamp(Timestamp);

/// `2026-11-21T06-41-09.123Z`: sorts by time, and every file system takes it.
const STAMP_LEN: usize = 24;

impl Stamp {
    /// A time that no calendar holds counts as the start of 1970.
    fn of(time: SystemTime) -> Self {
        Self(Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    fn for_name(&self) -> String {
        self.0
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%dT%H-%M-%S.%3fZ")
            .to_string()
    }

    fn for_people(&self) -> String {
        self.0
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d %H:%M:%S UTC")
            .to_string()
    }

    /// The stamp that one of our files begins with.
    fn of_name(name: &str) -> Option<&str> {
        let stamp = name.strip_suffix(ENDING)?.get(..STAMP_LEN)?;
        let fits = stamp
            .chars()
            .zip("dddd-dd-ddTdd-dd-dd.dddZ".chars())
            .all(|(char, form)| {
                if form == 'd' {
                    char.is_ascii_digit()
                } else {
                    char == form
                }
            });
        fits.then_some(stamp)
    }
}

fn render(answer: &KeptAnswer, stamp: &Stamp, most: usize) -> String {
    let mut text = String::from("# Pleach kept this answer\n\n");
    let mut line = |name: &str, value: &str| {
        let value = value.trim();
        if !value.is_empty() {
            // The header is one line each; what follows is indented, so that it stays in its item.
            let _ = writeln!(text, "- {name}: {}", value.replace(['\r', '\n'], "\n  "));
        }
    };
    line("when", &stamp.for_people());
    line("job", &answer.job.to_string());
    line("action", &answer.action);
    line(
        "instruction",
        answer.instruction.as_deref().unwrap_or_default(),
    );
    line("answered by", &answer.engine);
    line("did not land because", &answer.reason);
    let mut end = answer.reply.len().min(most);
    while !answer.reply.is_char_boundary(end) {
        end -= 1;
    }
    if end < answer.reply.len() {
        line(
            "cut",
            &format!(
                "only the first {end} of {} bytes were kept",
                answer.reply.len()
            ),
        );
    }
    text.push_str(
        "\nSelect what follows the line and run *Land this reply*, or take from it what you need.\n\n---\n\n",
    );
    text.push_str(answer.reply.get(..end).unwrap_or_default());
    text
}

/// A word for a file's name.
fn plain(action: &str) -> String {
    let word: String = action
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() {
                char.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(32)
        .collect();
    let word = word.trim_matches('-');
    if word.is_empty() {
        "answer".to_owned()
    } else {
        word.to_owned()
    }
}
