//! # Store: what outlives a session
//!
//! So far: answers that were paid for and could not land. They are kept as Markdown files that a person
//! can open, read and hand to *Land this reply*.
//!
//! Nothing here is needed for the server to run. A folder that cannot be made or a full disk is a typed
//! [`StoreError`] to tell the user, and the session goes on. The clock is the caller's: every function
//! that needs the time is given it.
//!
//! Answers hold pieces of the user's code, so the folder is the user's alone (mode 0700 on Unix, files
//! 0600), and they do not pile up: see [`Bounds`].
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

mod answers;
mod pages;
mod private;

pub use answers::{AnswerStore, Bounds, KeptAnswer, StoreError};
pub use pages::write_page;
