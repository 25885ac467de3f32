//! The store, seen from outside.

mod answers;
mod database;
