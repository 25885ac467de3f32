//! The built-in syntax engine, no AI model: what a syntax tree alone can do honestly.
//!
//! It takes the place of a model and goes the same way. It is given a [`BuiltinTask`] and answers
//! with text: a sentence and search/replace blocks, which the edit engine locates and gates like any
//! other reply. It reads no disk, opens no connection, and asks nobody.
//!
//! For Rust, Python, TypeScript (with TSX and JavaScript) and Go it writes doc comments from real
//! signatures, writes test skeletons in the project's framework and place (which fail until somebody
//! finishes them), removes an unused import or variable that a diagnostic names, renames within scopes,
//! turns an `if` round, derives traits, adds the arms of a match and the members of an interface that the
//! same file proves to be missing, finds what a tree alone proves to be wrong, and carries out comments (`ai: …`, `… AI!`) that ask for one of these. What is not known is
//! marked TODO. Everything else is refused: it needs a model.
//!
//! ```
//! use std::collections::BTreeMap;
//! use pleach_agent::Action;
//! use pleach_agent::builtin::{BuiltinTask, answer};
//! use pleach_grammars::Language;
//! use pleach_text::{ByteOffset, ByteRange};
//!
//! let text = "fn parse_config(path: &str) -> Config {\n    todo!()\n}\n";
//! let files = BTreeMap::new();
//! let task = BuiltinTask {
//!     action: Action::Document,
//!     path: "src/lib.rs",
//!     language: Some(Language::Rust),
//!     text,
//!     range: ByteRange::empty(ByteOffset(3)),
//!     instruction: None,
//!     diagnostics: &[],
//!     files: &files,
//! };
//! let answer = answer(&task)?;
//! assert!(answer.reply.contains("/// Parses the config.\n"));
//! assert!(answer.summary.starts_with("Documents `parse_config`."));
//! # Ok::<(), pleach_agent::builtin::BuiltinRefusal>(())
//! ```

#![allow(
    clippy::similar_names,
    clippy::format_push_string,
    clippy::single_match_else,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "texts are put together piece by piece here, and the file names of these languages are in lower case"
)]

use pleach_edit::Files;
use pleach_grammars::{Language, SymbolKind, Syntax};
use pleach_text::{ByteOffset, ByteRange};

use crate::action::Action;

mod carry;
mod comment;
mod complete;
mod derive;
mod document;
mod fix;
mod intent;
mod invert;
mod message;
mod proven;
mod refusal;
mod rename;
mod reply;
mod skeleton;
mod source;
mod words;

pub use comment::{AiComment, ai_comments_near, comment_instruction};
pub(crate) use proven::proven;
pub use refusal::BuiltinRefusal;

use intent::Intent;
use reply::Draft;
use source::{Family, Source};

/// How the engine is named to people, always.
pub const LABEL: &str = "built-in syntax engine, no AI model";

/// What an editor or a checker reported about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagnosticNote {
    /// Where, in bytes of the document.
    pub range: ByteRange,
    /// What it says.
    pub message: String,
    /// Its code, such as `unused_imports` or `F401`.
    pub code: Option<String>,
    /// Who reports it, such as `rustc` or `Pyright`.
    pub source: Option<String>,
}

/// What the engine is asked to do, and all that it may know.
#[derive(Clone, Copy)]
pub struct BuiltinTask<'a> {
    /// What to do.
    pub action: Action,
    /// The document, as the workspace names it: relative, with `/`.
    pub path: &'a str,
    /// Its language, when one is known.
    pub language: Option<Language>,
    /// Its text.
    pub text: &'a str,
    /// The selection or the cursor, in bytes of the text.
    pub range: ByteRange,
    /// What the person wrote, for [`Action::Rewrite`].
    pub instruction: Option<&'a str>,
    /// What is reported about the place, for [`Action::Fix`].
    pub diagnostics: &'a [DiagnosticNote],
    /// The other files of the workspace.
    pub files: &'a dyn Files,
}

/// The engine's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltinAnswer {
    /// The reply: a sentence, then search/replace blocks.
    pub reply: String,
    /// What is done, in one or a few sentences. The reply begins with it.
    pub summary: String,
}

/// What is known when actions are listed. Nothing in it has to be computed.
#[derive(Clone, Copy)]
pub struct Glance<'a> {
    /// The action that might be listed.
    pub action: Action,
    /// The document's language, when one is known.
    pub language: Option<Language>,
    /// Its last tree, when there is one; it may be of a slightly older text.
    pub syntax: Option<&'a Syntax>,
    /// The selection or the cursor.
    pub range: ByteRange,
    /// The messages of the diagnostics in question, for [`Action::Fix`].
    pub messages: &'a [&'a str],
    /// The instruction: of the comment there, or what the person wrote.
    pub instruction: Option<&'a str>,
}

/// Whether an action can work here, as far as can be told in microseconds.
///
/// `true` is no promise: the job may still end in a [`BuiltinRefusal`]. `false` is certain.
pub fn can_do(glance: &Glance<'_>) -> bool {
    if glance.action == Action::Review {
        return can_review(glance.language);
    }
    let Some(language) = glance.language.filter(|language| supports(*language)) else {
        return false;
    };
    match glance.action {
        Action::Fix => glance
            .messages
            .iter()
            .any(|message| can_fix(glance.language, message)),
        Action::Rewrite => glance
            .instruction
            .is_none_or(|instruction| can_follow(glance.language, instruction)),
        Action::Comment => glance
            .instruction
            .is_some_and(|instruction| can_follow(glance.language, instruction)),
        Action::Document => glance
            .syntax
            .is_none_or(|tree| document::has_target(language, tree, glance.range)),
        Action::Tests => glance
            .syntax
            .is_none_or(|tree| skeleton::has_target(language, tree, glance.range)),
        Action::Implement => glance
            .syntax
            .is_some_and(|tree| can_complete(tree, glance.range)),
        Action::RunTests
        | Action::Explain
        | Action::Ask
        | Action::Chat
        | Action::Review
        | Action::Plan
        | Action::Land
        | Action::Cancel
        | Action::Undo => false,
    }
}

/// Whether the engine can look for defects in a language: for what a syntax tree alone proves.
pub fn can_review(language: Option<Language>) -> bool {
    language.is_some_and(proven::knows)
}

/// Whether an `if` that could be turned round begins in the line (from 0) of a place.
pub fn can_invert(syntax: &Syntax, at: ByteOffset, line: usize) -> bool {
    supports(syntax.language()) && invert::has_target(syntax.root(), at.0, line)
}

/// Whether there is a match, an implementation or a class around a place that could lack a part.
pub fn can_complete(syntax: &Syntax, range: ByteRange) -> bool {
    supports(syntax.language()) && complete::has_target(syntax.root(), range)
}

/// Whether the engine knows a language.
pub fn supports(language: Language) -> bool {
    Family::of(language).is_some()
}

/// Whether a diagnostic with this message is one that the engine can fix: an unused import or
/// variable.
pub fn can_fix(language: Option<Language>, message: &str) -> bool {
    language.is_some_and(supports) && message::understand(message).is_some()
}

/// Whether an instruction in words is one that the engine can follow.
pub fn can_follow(language: Option<Language>, instruction: &str) -> bool {
    language.is_some_and(supports) && intent::understand(instruction).is_some()
}

/// The instruction of a comment in one line, by its text alone.
///
/// ```
/// use pleach_agent::builtin::instruction_in_line;
///
/// let line = "    x = 1  # ai: rename x to y";
/// assert_eq!(instruction_in_line(None, line).as_deref(), Some("rename x to y"));
/// ```
pub fn instruction_in_line(language: Option<Language>, line: &str) -> Option<String> {
    ai_comments_near(&[line], language)
        .into_iter()
        .next()
        .map(|comment| comment.instruction)
}

/// Carries out a task, or says why not.
pub fn answer(task: &BuiltinTask<'_>) -> Result<BuiltinAnswer, BuiltinRefusal> {
    let needs_model = || Err(BuiltinRefusal::needs_model(task.action.title()));
    match task.action {
        Action::Fix => fix::fix(&read(task)?, task.diagnostics),
        Action::Document => document::document(&read(task)?, task.range, task.files),
        Action::Tests => skeleton::skeleton(&read(task)?, task.range, task.files),
        Action::Rewrite => {
            let source = read(task)?;
            let instruction = task.instruction.unwrap_or_default();
            let intent = understood(instruction)?;
            follow(&source, &intent, task.range, task.files)
        }
        Action::Comment => carry::carry_out(task),
        Action::Implement => complete::complete(&read(task)?, task.range),
        Action::RunTests
        | Action::Explain
        | Action::Ask
        | Action::Chat
        | Action::Review
        | Action::Plan
        | Action::Land
        | Action::Cancel
        | Action::Undo => return needs_model(),
    }
    .map(Outcome::into_answer)
}

/// What a part of the engine did.
struct Outcome {
    summary: String,
    drafts: Vec<Draft>,
}

impl Outcome {
    fn into_answer(self) -> BuiltinAnswer {
        BuiltinAnswer {
            reply: reply::write(&self.summary, &self.drafts),
            summary: self.summary,
        }
    }
}

fn read<'a>(task: &BuiltinTask<'a>) -> Result<Source<'a>, BuiltinRefusal> {
    Source::read(task.path, task.language, task.text)
}

fn understood(instruction: &str) -> Result<Intent, BuiltinRefusal> {
    intent::understand(instruction).ok_or_else(|| {
        let shown: String = instruction.chars().take(60).collect();
        BuiltinRefusal::needs_model(format!("“{}”", shown.trim()))
    })
}

/// Does what a person asked for in words.
fn follow(
    source: &Source<'_>,
    intent: &Intent,
    range: ByteRange,
    files: &dyn Files,
) -> Result<Outcome, BuiltinRefusal> {
    match intent {
        Intent::Document { name } => {
            document::document(source, place_of(source, name.as_deref(), range)?, files)
        }
        Intent::Tests { name } => {
            skeleton::skeleton(source, place_of(source, name.as_deref(), range)?, files)
        }
        Intent::Rename { from, to } => rename::rename(source, from.as_deref(), to, range, files),
        Intent::Invert => invert::invert(source, range),
        Intent::Derive { names } => derive::derive(source, names, range),
        Intent::Complete => complete::complete(source, range),
        Intent::RemoveUnusedImport { name } => {
            fix::remove_unused_import(source, name.as_deref(), range)
        }
    }
}

/// Where the symbol of a name is; without a name the place itself.
fn place_of(
    source: &Source<'_>,
    name: Option<&str>,
    range: ByteRange,
) -> Result<ByteRange, BuiltinRefusal> {
    let Some(name) = name else { return Ok(range) };
    match source
        .named(name, |symbol| symbol.kind != SymbolKind::Impl)
        .as_slice()
    {
        [] => Err(BuiltinRefusal::not_here(
            format!("nothing in `{}` is called `{name}`", source.path),
            "name a function or type of this file, or put the cursor on it",
        )),
        [only] => Ok(ByteRange::empty(only.name_range.start)),
        several => {
            let lines: Vec<String> = several
                .iter()
                .map(|symbol| source.line_number(symbol.name_range.start).to_string())
                .collect();
            Err(BuiltinRefusal::uncertain(
                format!(
                    "`{name}` names several things here, in lines {}",
                    lines.join(", ")
                ),
                "put the cursor on the one that is meant",
            ))
        }
    }
}

/// The start of a range, for messages about a place.
fn line_of(source: &Source<'_>, at: ByteOffset) -> String {
    format!("line {}", source.line_number(at))
}
