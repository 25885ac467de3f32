//! # Text: where things are, and what changes
//!
//! The lowest room. It knows nothing of files, languages or protocols; it is pure, and it never
//! panics on any input.
//!
//! - **Where**: [`ByteOffset`] and [`ByteRange`] count UTF-8 bytes from the start of a document; the
//!   rest of the program speaks only these. An editor counts lines and columns instead, in the
//!   encoding that was negotiated with it ([`EncodedPosition`], [`PositionEncoding`]): [`byte_of`] and
//!   [`position_of`] translate at the border, and nowhere else.
//! - **What changes**: a [`ChangeSet`] is one coherent change to one text, as a value. It can be
//!   applied, inverted, composed with the next, and moved over somebody else's change to the same
//!   text ([`ChangeSet::rebase_over`]); [`ChangeSet::between`] finds the smallest useful one.
//! - **How a text is written**: [`Dialect`] holds what an edit must keep: line ending, byte order
//!   mark, final line break, indent unit. [`unified_diff`] shows a change to a person.
//!
//! A line ends at LF, CRLF or a lone CR, as the Language Server Protocol says; U+0085, U+2028, form
//! feeds and the like end no line. Texts are [`ropey::Rope`]s where they are edited at typing speed
//! and `&str` elsewhere.
//!
//! ```
//! use pleach_text::{ByteOffset, ChangeSet};
//!
//! let base = "fn total(xs: &[u32]) {\n    todo!()\n}\n";
//!
//! // An agent filled in the body while the user renamed the function.
//! let agent = ChangeSet::between(base, "fn total(xs: &[u32]) {\n    xs.iter().sum()\n}\n");
//! let user = ChangeSet::between(base, "fn sum(xs: &[u32]) {\n    todo!()\n}\n");
//!
//! let now = user.apply_to_str(base)?;
//! let landed = agent.rebase_over(&user)?.apply_to_str(&now)?;
//! assert_eq!(landed, "fn sum(xs: &[u32]) {\n    xs.iter().sum()\n}\n");
//!
//! // What the agent did can be taken back later; what the user typed stays.
//! let undo = agent.rebase_over(&user)?.invert(&now)?;
//! assert_eq!(undo.apply_to_str(&landed)?, now);
//! assert_eq!(agent.len_before(), ByteOffset(base.len()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod dialect;
mod diff;
mod lines;
mod offset;
mod position;
mod unified;

pub use change::{Bias, ChangeSet, ChangeSetError, Conflict, Replacement, WrongLength};
pub use dialect::{Dialect, IndentUnit, LineEnding};
pub use lines::{Lines, is_line_start, lines, whole_lines};
pub use offset::{ByteOffset, ByteRange};
pub use position::{
    EncodedPosition, Line, PositionEncoding, Resolved, byte_of, line_column, position_of, resolve,
};
pub use unified::unified_diff;
