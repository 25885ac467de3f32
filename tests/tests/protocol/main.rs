//! Scripted conversations with the real server over its pipes.

mod actions;
mod closed_files;
mod context;
mod findings;
mod handshake;
mod helix;
mod hostile;
mod jobs;
mod malformed;
mod mcp;
mod meeting;
mod model;
mod money;
mod planner;
mod plans;
mod resilience;
mod restart;
mod review;
mod roles;
mod rules;
mod search;
mod secrets;
mod session;
mod testing;
mod text;
mod tools;
