//! # Grammars: which language a text is in, how it is built, what is broken
//!
//! placeholder

mod language;
mod outline;
mod problems;
mod syntax;
mod walk;

pub use language::{CommentSyntax, Language, UnknownLanguage};
pub use outline::{MAX_SYMBOLS, Symbol, SymbolKind, outline, path_of, symbol_at};
pub use problems::{MAX_PROBLEMS, ProblemKind, SyntaxProblem};
pub use syntax::{Syntax, parse, parse_rope, parse_until};
