//! # Grammars: which language a text is in, how it is built, what is broken
//!
//! placeholder

mod bindings;
mod comments;
mod guard;
mod imports;
mod injections;
mod language;
mod names;
mod outline;
mod problems;
mod shape;
mod syntax;
mod walk;

pub use bindings::{Binding, Reach, RenameRefusal, bindings, rename};
pub use comments::{comment_at, comments};
pub use guard::Unread;
pub use imports::{Import, ImportedName, imports};
pub use injections::{Injection, injections};
pub use language::{CommentSyntax, Language, UnknownLanguage};
pub use names::{NameRole, NameUse, names_used, references_to};
pub use outline::{MAX_SYMBOLS, Symbol, SymbolKind, outline, path_of, symbol_at};
pub use problems::{MAX_PROBLEMS, ProblemKind, SyntaxProblem};
pub use shape::{Failure, FunctionShape, Parameter, ParameterKind, function_shape};
pub use syntax::{Syntax, parse, parse_rope, parse_until};
