//! The tests of the plan document.

mod plans;
mod properties;
