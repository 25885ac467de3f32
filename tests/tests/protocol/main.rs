//! Scripted conversations with the real server over its pipes.

mod actions;
mod handshake;
mod jobs;
mod model;
mod money;
mod plans;
mod restart;
mod review;
mod roles;
mod rules;
mod secrets;
mod session;
mod text;
mod tools;
