//! The policy room, seen from outside.

mod paths;
mod published;
mod settings;
mod workspace;
