//! # Workspace: the files, as the editor sees them
//!
//! The only room that touches the files of a workspace.
//!
//! - [`WorkspaceSnapshot`] is an immutable view of all files at one moment: the editor's open
//!   documents first, the disk behind them. Cloning it costs a few reference counts, so every job
//!   gets its own. It is what an edit is located in ([`pleach_edit::Files`]).
//! - Every path goes through one door. [`WorkspaceSnapshot::locate`] decides by the letters of a
//!   path which root it belongs to and whether the rules allow it;
//!   [`WorkspaceSnapshot::resolve`] also follows the links on disk, for files that do not exist yet
//!   as well. What leads out of the workspace is refused, with a reason that a person can act on.
//! - [`write_all`] is the one place that changes files on disk: files that no editor has open, and those
//!   of `pleach apply --write`. All files or none, even if the process is killed; a [`Journal`] in the
//!   state folder tells the next start what to bring to an end.
//! - [`WorkspaceSnapshot::copy_for_trial`] makes a copy of a folder with texts that have not landed in it, so
//!   that tests can run in it.
//! - [`path_from_uri`] and [`uri_from_path`] translate between an editor's URIs and paths. The URI
//!   that an editor uses stays the identity of a document: it is never rebuilt from the path.
//!
//! A path inside the workspace is called by a *name*: relative to its root, with `/` between its
//! parts. When several folders are open, names begin with the folder: `server/src/main.rs`.
//!
//! ```
//! use pleach_policy::PathRules;
//! use pleach_workspace::{OpenDocument, WorkspaceSnapshot};
//!
//! let open = OpenDocument {
//!     uri: "file:///project/src/lib.rs".into(),
//!     path: Some("/project/src/lib.rs".into()),
//!     text: "pub fn not_saved_yet() {}\n".into(),
//!     language: None,
//!     version: 7,
//! };
//! let snapshot = WorkspaceSnapshot::new(&["/project".into()], [open], PathRules::default());
//!
//! assert_eq!(snapshot.name_of("file:///project/src/lib.rs")?, "src/lib.rs");
//! assert!(snapshot.locate("../elsewhere/secret.txt").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod confine;
mod error;
mod landing;
mod listing;
mod read;
mod roots;
mod snapshot;
mod trial;
mod uri;
mod walk;
mod write;

pub use error::{PathError, ReadError, WriteError};
pub use landing::{
    FileOutcome, Journal, Landed, Note, Operation, Outcome, Recovered, RecoveredFile, Watch,
};
pub use read::MAX_FILE_BYTES;
pub use roots::Located;
pub use snapshot::{FileText, OpenDocument, WorkspaceSnapshot};
pub use trial::{Trial, TrialError, forget_old_trials};
pub use uri::{path_from_uri, uri_from_path};
pub use walk::{WalkedFile, give_way};
pub use write::write_all;
