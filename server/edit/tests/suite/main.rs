//! The edit engine, seen from outside: one program, so that the grammars are linked once.

mod bounds;
mod cases;
mod formatting;
mod patch;
mod properties;
mod review;
