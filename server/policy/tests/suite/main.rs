//! The policy room, seen from outside.

mod paths;
mod published;
mod rules;
mod settings;
mod workspace;
