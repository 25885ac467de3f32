//! The grammars room, seen from outside: one program, so that the grammars are linked once.

mod bindings;
mod functions;
mod hostile;
mod names;
mod outline;
mod problems;
mod rename;
