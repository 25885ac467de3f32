//! The providers against a local server that speaks their formats.

mod bounds;
mod cassette;
mod debug;
mod embeddings;
mod formats;
mod ledger;
mod stream;
