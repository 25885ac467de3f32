//! Agents: what is asked, of which engine, and what became of it.
//!
//! A [`JobRequest`] is one thing a person asked for: an [`Action`], a place in a document, perhaps an
//! instruction, and an immutable view of the workspace. [`run`] carries it out with an [`Engine`]
//! (a model behind a provider, or the built-in syntax engine), tells what happens through
//! [`JobEvent`]s, and ends with a [`JobOutcome`]: a gated proposal, an answer to read, or a
//! [`JobFailure`] that says what the person can do next.
//!
//! This room knows no protocol of an editor, writes no file and opens no connection of its own.
//! Dropping the future that [`run`] returns cancels the job: the provider's connection closes with it.
//!
//! ```
//! use pleach_agent::Action;
//!
//! assert_eq!(Action::Document.command(), "pleach.document");
//! assert_eq!(Action::from_command("pleach.document"), Some(Action::Document));
//! ```

pub mod action;
mod books;
pub mod builtin;
mod call;
pub mod chat;
mod confine;
mod context;
mod conversation;
mod engine;
mod failure;
mod findings;
mod index;
mod job;
mod lineup;
mod local;
mod mcp;
mod meaning;
mod meter;
mod pipeline;
pub mod plan;
mod preview;
mod probe;
mod prompt;
mod resume;
mod review;
mod roles;
mod rules;
mod shield;
mod templates;
mod testing;
mod tools;

pub use action::Action;
pub use books::{Books, BooksState};
pub use context::{Manifest, Piece, Shape, sent_page};
pub use engine::{Engine, open_provider, standing};
pub use failure::JobFailure;
pub use findings::{Finder, Finding, FindingReport, FindingSeverity, QuotableText, is_quote};
pub use index::{Index, IndexPhase, IndexState, SearchAnswer, SearchHit, SearchedSymbol};
pub use job::{
    Diagnostic, JobEvent, JobLimits, JobOutcome, JobRequest, Phase, TargetDocument, TokenCount, run,
};
pub use lineup::Lineup;
pub use local::{LocalServer, local_servers};
pub use mcp::{McpServers, McpStanding};
pub use meaning::{Meaning, MeaningPhase, MeaningState};
pub use meter::{Account, Expected, cost_of_sending, shared_ledger};
pub use pipeline::{Crew, Hand, Stage, run_pipeline};
pub use pleach_exec::Variables;
pub use pleach_model::{MicroUsd, PriceTable, Telemetry};
pub use preview::preview;
pub use probe::{Probed, probe};
pub use review::{ReviewFailure, Scope};
pub use roles::{FileProblem, OwnAction, Roster, RosterFile};
pub use rules::{rules_for, rules_page};
pub use templates::{
    Scaffold, Template, TemplateFailure, TemplateOwner, TemplateVariable, Templates,
};
pub use testing::TestingFailure;
pub use tools::{Answer, Asker, Kit, ToolName, Wish};
