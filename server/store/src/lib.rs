//! # Store: what outlives a session
//!
//! - [`AnswerStore`]: answers that were paid for and could not land, as Markdown files that a person can
//!   open, read and hand to *Land this reply*. They stay files; nothing else indexes them.
//! - [`Store`]: the one database (`SQLite`, in the state folder). The history of landings, with what is
//!   needed to undo one of them later while everything typed since is kept
//!   ([`LandedFile::undone_in`]), and answers whose hunks wait for a decision.
//! - [`Ledger`]: what each call of a model may cost and did, in the same database, or in one that a team
//!   shares.
//! - [`Store::audit`]: what was sent where and what was run, hash-chained.
//! - [`Store::cached`]: answers that are kept for a while, so that the same question is not paid for twice.
//! - [`Index`]: what the files of a workspace define, use and say, for search and for what a model is shown.
//!   It can be made again, so it is a file of its own.
//! - [`Store::dismiss`]: findings that a person does not want to see again.
//! - [`is_told`], [`tell`]: what a person was told once, and is not told again.
//! - [`write_page`]: pages that are written to be looked at.
//!
//! Nothing here is needed for the server to run. A folder that cannot be made or a full disk is a typed
//! [`StoreError`] to tell the user, and the session goes on. The clock is the caller's: every function
//! that needs the time is given it.
//!
//! What is kept holds pieces of the user's code, so the folder is the user's alone (mode 0700 on Unix,
//! files 0600), and it does not pile up: see [`Bounds`] and [`Limits`].
//!
//! ```
//! use std::time::SystemTime;
//! use pleach_store::{AnswerStore, KeptAnswer};
//!
//! # let folder = tempfile::tempdir()?;
//! # let state = camino::Utf8Path::from_path(folder.path()).ok_or("not UTF-8")?;
//! let store = AnswerStore::open(state)?;
//! let answer = KeptAnswer {
//!     job: 7,
//!     action: "rewrite".to_owned(),
//!     instruction: Some("use an iterator".to_owned()),
//!     engine: "local · qwen".to_owned(),
//!     reply: "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n".to_owned(),
//!     reason: "the place was not found".to_owned(),
//! };
//! let path = store.keep(&answer, SystemTime::now())?;
//! let text = std::fs::read_to_string(&path)?;
//! assert!(text.starts_with("# Pleach kept this answer\n"));
//! assert!(text.ends_with(&answer.reply));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```
//! use std::time::SystemTime;
//! use pleach_store::{LandedFile, NewLanding, Store};
//! use pleach_text::ChangeSet;
//!
//! # let folder = tempfile::tempdir()?;
//! # let state = camino::Utf8Path::from_path(folder.path()).ok_or("not UTF-8")?;
//! let (before, after) = ("one\ntwo\n", "one\nTWO\n");
//! let file = LandedFile::Edited {
//!     path: "a.txt".to_owned(),
//!     after: after.to_owned(),
//!     inverse: ChangeSet::between(before, after).invert(before)?,
//! };
//! let mut store = Store::new(state);
//! let id = store.record(&NewLanding {
//!     at: SystemTime::now(),
//!     folder: "/project".to_owned(),
//!     job: 7,
//!     action: "rewrite".to_owned(),
//!     instruction: None,
//!     engine: "local · qwen".to_owned(),
//!     title: "Rewrite line 2".to_owned(),
//!     undoes: None,
//!     files: vec![file],
//! })?;
//!
//! // Another day, another server, and a line more.
//! let (_, files) = Store::new(state).get(id)?.ok_or("it is kept")?;
//! let now = "zero\none\nTWO\n";
//! let undo = files.first().ok_or("one file")?.undone_in(now)?;
//! assert_eq!(undo.apply_to_str(now)?, "zero\none\ntwo\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
mod audit;
mod cache;
mod database;
mod dismissed;
mod history;
mod index;
mod ledger;
mod pages;
mod private;
mod told;
mod usage;
mod vectors;
mod waiting;

pub use answers::{AnswerStore, Bounds, KeptAnswer, StoreError};
pub use audit::{ChainEnd, ChainFault, ChainReport, NewRecord, Record};
pub use cache::{CacheBounds, CacheSize};
pub use database::{Notice, Store};
pub use dismissed::Dismissal;
pub use history::{LandedFile, LandingEntry, LandingId, Limits, NewLanding};
pub use index::{
    Definition, FileStamp, FoundPlace, Index, IndexSize, IndexedChunk, IndexedFile, IndexedPiece,
    IndexedSymbol, Link, NameUses, PiecePlace, TextPrint, UsingFile, words_of,
};
pub use ledger::{
    CURRENCY, Call, CallFilter, CallId, CallOutcome, CallTokens, CostEstimate, FROM_CACHE, Ledger,
    Measure, NewCall, Reserved, Settlement, SharedLedger,
};
pub use pages::write_page;
pub use told::{is_told, tell};
pub use usage::{Sums, UsageReport};
pub use vectors::{VectorCount, Vectors};
pub use waiting::{NewWaiting, WaitingId};
