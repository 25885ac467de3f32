//! # The edit engine: from what a model wrote to a change that is safe to take
//!
//! [`propose`] takes a reply as a model wrote it and the files as they are, and answers with a
//! [`Proposal`] or a typed [`Refusal`]. It is pure: text in, values out, no file is touched.
//!
//! * **Every format, without being told**: search/replace blocks, unified diffs, `*** Begin Patch`
//!   patches, string-replace and line-edit tool calls, whole files, snippets with
//!   `... existing code ...`; alone or between prose and fences; while streaming ([`ReplyStream`]).
//! * **Never guess**: a place is found on the strictest rung of a ladder ([`Rung`]) and must be the
//!   only one; two equal places are a refusal with both, a cut reply is a refusal, a placeholder is
//!   merged with every line accounted for or refused.
//! * **Never worse**: the result may have no syntax error that the file does not have now ([`gate`]);
//!   line endings, byte order mark, final newline and indentation stay the file's own, and lines that
//!   the edit does not change keep their bytes.
//! * **All or nothing**: one refused hunk refuses the reply, and the refusal says what the closest
//!   lines of the file are ([`Refusal::for_model`]).
//! * **Hunk by hunk, while the person types**: a [`Review`] cuts a proposal into hunks that keep their
//!   places, and makes of those that are taken a proposal for the present text, gated again. What was
//!   changed elsewhere merges; what was only formatted is recognised; what both changed is a
//!   [`Conflict`] for the person to settle. Taking back what landed is a review of its
//!   [inverse](Proposal::inverse).
//!
//! ```
//! use std::collections::BTreeMap;
//! use pleach_edit::{EditRequest, propose};
//!
//! let files = BTreeMap::from([("src/lib.rs".to_owned(), "fn one() -> u32 {\r\n    1\r\n}\r\n".to_owned())]);
//! let reply = "Here you are:\n\nsrc/lib.rs\n```rust\n<<<<<<< SEARCH\n    1\n=======\n    2\n>>>>>>> REPLACE\n```\n";
//! let proposal = propose(&EditRequest::new(reply, &files))?;
//! assert_eq!(proposal.after("src/lib.rs").as_deref(), Some("fn one() -> u32 {\r\n    2\r\n}\r\n"));
//! # Ok::<(), pleach_edit::Refusal>(())
//! ```

mod data;
mod diff;
mod elision;
mod evidence;
mod fold;
mod formats;
mod gate;
mod hunk;
mod impact;
mod indent;
mod interpret;
mod jsonl;
mod lazy;
mod lines;
mod locate;
mod place;
mod proposal;
mod propose;
mod refusal;
mod request;
mod rung;
mod snippet;
mod stream;
mod target;

pub use gate::{Check, FileVerdict, gate};
pub use impact::{ChangeKind, Impact, SymbolChange};
pub use jsonl::answer_line;
pub use proposal::{
    Arrival, Conflict, FileChange, HunkId, HunkKind, HunkState, HunkView, PlacedHunk, Proposal,
    Resolution, Resolved, Review, StoredProposal, StoredReview, Verdict,
};
pub use propose::propose;
pub use refusal::{Closest, HunkRefusal, Place, Refusal, RefusalCode};
pub use request::{EditRequest, Files, Format, Target};
pub use rung::Rung;
pub use stream::{ReplyStream, StreamedHunk};
