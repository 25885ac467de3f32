//! What the tests of the whole product share: a client that plays an editor.
//!
//! Black-box tests start the real binary and speak to it as editors do:
//!
//! ```no_run
//! use pleach_tests::client::{Client, Personality};
//!
//! let mut client = Client::builder()
//!     .editor(Personality::Helix)
//!     .file("src/lib.rs", "pub fn one() -> u8 { 1 }\n")
//!     .start();
//! client.open("src/lib.rs");
//! let place = client.cursor_at("src/lib.rs", "one");
//! let actions = client.actions("src/lib.rs", &place);
//! assert!(!actions.is_empty());
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    clippy::print_stderr
)]

pub mod client;
pub mod fake_model;
pub mod frames;

/// A model's answer with one search/replace block for the file `path`, and a few words around it.
pub fn search_replace(path: &str, search: &str, replace: &str) -> String {
    format!(
        "Here it is.\n\n{path}\n```\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n```\n"
    )
}
