//! What the project promises of itself: its layers, its dependencies, its tidiness.

mod architecture;
mod dependencies;
mod status;
mod tidy;
