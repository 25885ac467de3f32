//! The policy room, seen from outside.

mod adding;
mod engines;
mod paths;
mod published;
mod rules;
mod settings;
mod workspace;
