//! The text room, seen from outside.

mod changes;
mod diffs;
mod positions;
