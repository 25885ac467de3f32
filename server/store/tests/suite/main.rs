//! The store, seen from outside.

mod answers;
mod audit;
mod cache;
mod database;
mod index;
mod ledger;
#[cfg(feature = "postgres-tests")]
mod shared;
mod vectors;
