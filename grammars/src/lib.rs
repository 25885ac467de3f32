//! # Grammars: which language a text is in, what is broken in it, what is where
//!
//! What the rest of the program knows of programming languages, it knows from this room. It is pure:
//! text in, facts out, no file, no clock, no protocol. Places are bytes ([`pleach_text::ByteRange`]).
//!
//! - **Which language**: [`Language`] by the editor's identifier, the path, the first line.
//! - **The tree**: [`parse`] for a text, [`parse_rope`] for one that is being typed (it reuses the last
//!   tree and can be cancelled), [`Syntax::reparse`] for a text and a change to it.
//! - **What is broken**: [`Syntax::problems`], each with a place, words for people, and enough to know
//!   it again after an edit elsewhere. [`injections`] finds the languages inside: scripts of a page,
//!   fenced code of a document.
//! - **What is where**: [`outline()`] tells functions, types, keys and headings with their documentation,
//!   [`comments()`] the comments, [`code_difference`] whether two texts differ in more than those, [`imports()`] what comes from elsewhere, [`function_shape`] what a function
//!   takes, gives and how it fails.
//! - **What is the same thing**: [`bindings()`] follows the scopes of a language, so that a variable is
//!   never taken for a field of the same name; [`rename`] gives it another name or says why not;
//!   [`references_to`] finds a name in other texts, as it is written.
//!
//! Grammars are compiled in and loaded on first use; nothing runs at start-up. No text makes this room
//! panic, recurse or take long: what a grammar cannot be trusted with is not read, and is said to be so
//! ([`Syntax::unread`]).
//!
//! ```
//! use pleach_grammars::{Language, comment_at, outline, parse, symbol_at};
//!
//! let text = "\
//! /// Adds everything up.
//! fn total(xs: &[u32]) -> u32 {
//!     xs.iter().sum( // ai: as u64
//! }
//! ";
//! let language = Language::detect(None, "src/till.rs", "").unwrap();
//! let syntax = parse(language, text);
//!
//! // What is broken, as a person would say it.
//! let problem = &syntax.problems(text)[0];
//! assert_eq!(format!("{}:{}: {problem}", problem.line.number(), problem.column + 1), "3:18: unclosed `(`");
//!
//! // What is where, although it is broken.
//! let symbols = outline(&syntax, text);
//! assert_eq!(symbol_at(&symbols, 60.into()).unwrap().name, "total");
//! let comment = comment_at(&syntax, text, 80.into()).unwrap();
//! assert_eq!(comment.of(text), Some("// ai: as u64"));
//! ```

mod bindings;
mod code;
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

pub use bindings::{Binding, Reach, RenameRefusal, bindings, declarations, rename};
pub use code::{CodeDifference, code_difference};
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
