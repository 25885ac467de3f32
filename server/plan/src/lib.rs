//! The plan document: a goal turned into steps, in Markdown that people edit.
//!
//! A plan is a text. [`Plan::parse`] understands any text as far as it is a plan and complains about
//! nothing; [`Plan::problems`] says what is wrong, each at its place. What the server has to write (a
//! tick, a failure, a new end of the plan) are [`ChangeSet`](pleach_text::ChangeSet)s that touch the
//! bytes of just that: prose, order and layout belong to the person who writes the plan.
//!
//! Beside it the [chat] document, which is read and written by the same rules.
//!
//! A step is an item of a list with a status box, under a heading *Steps* if there is one:
//!
//! ```
//! use pleach_plan::{Check, Plan, Status};
//!
//! let text = "\
//! ## Steps
//!
//! 1. [x] Say what a loan is
//!    - role: documenter
//!    - files: `src/loans.rs`
//! 2. [ ] Test `lend`
//!    - role: tester
//!    - files: `src/loans.rs`
//!    - after: 1
//!    - check: `cargo test loans`
//!
//!    Books that are lent already must be refused.
//! ";
//! let plan = Plan::parse(text);
//! let step = &plan.steps()[1];
//! assert_eq!((step.number, step.status, step.title.as_str()), (2, Status::Todo, "Test `lend`"));
//! assert!(matches!(&step.check, Some(Check::Command { argv, .. }) if argv == &["cargo", "test", "loans"]));
//! assert_eq!(plan.next(&[], &[]), [1]);
//!
//! let ticked = plan.mark(1, Status::Done, None).unwrap().apply_to_str(text).unwrap();
//! assert_eq!(ticked, text.replace("2. [ ]", "2. [x]"));
//! ```

pub mod chat;

mod change;
mod check;
mod draft;
mod order;
mod parse;
mod problem;
mod rules;
mod scan;
mod step;

pub use change::NoSuchStep;
pub use check::{Check, Claim};
pub use draft::{Draft, DraftStep, slug};
pub use parse::Plan;
pub use problem::{Known, Problem, Severity};
pub use rules::rules_hash;
pub use step::{Role, Status, Step, StepFile, StepKey, Value};

/// A text longer than this, in bytes, is no plan that anybody reads: nothing of it is a step.
pub const MAX_BYTES: usize = 1 << 20;

/// A plan of more steps than this is read no further.
pub const MAX_STEPS: usize = 1000;
