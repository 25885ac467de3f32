//! Never worse: what a change does to the syntax of a file.
//!
//! Problems are compared by place: one that was there before, moved along with the text around it,
//! is none of the edit's doing; one that is new must be paid for by one that went away in the same
//! region. Text without a new problem costs one parse, and only a small one when the tree of the
//! text before is at hand.

mod embedded;
mod windows;

use std::fmt;

use pleach_grammars::{Language, Syntax, SyntaxProblem, parse_until};
use pleach_text::{ByteRange, ChangeSet};
use serde::Serialize;

use crate::data;

/// What the gate says of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileVerdict {
    /// Whether and how the file was checked.
    pub check: Check,
    /// The problems that the change adds. Empty for a file that gets no worse.
    pub new_problems: Vec<SyntaxProblem>,
    /// A real parser accepted the file before and does not accept it now: its words.
    pub data_problem: Option<String>,
}

/// Whether a file could be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// By the grammar of its language.
    Checked,
    /// There is no grammar for it. That is not the same as valid.
    NotChecked,
    /// It is too large or too tangled to be parsed in bounded time.
    TooCostly,
}

impl FileVerdict {
    fn unchecked(check: Check) -> Self {
        Self {
            check,
            new_problems: Vec::new(),
            data_problem: None,
        }
    }

    /// Whether the file would get worse.
    pub fn is_worse(&self) -> bool {
        !self.new_problems.is_empty() || self.data_problem.is_some()
    }
}

impl fmt::Display for FileVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(problem) = self.new_problems.first() {
            write!(f, "line {}: {problem}", problem.line.number())?;
            return match self.new_problems.len() {
                1 => Ok(()),
                count => write!(f, " (and {} more)", count - 1),
            };
        }
        if let Some(problem) = &self.data_problem {
            return f.write_str(problem);
        }
        f.write_str(match self.check {
            Check::Checked => "syntax checked: no worse",
            Check::NotChecked => "syntax not checked: no grammar for this file",
            Check::TooCostly => "syntax not checked: the file is too large",
        })
    }
}

/// How many times the parser may ask whether to go on (about every hundred steps it takes). A
/// megabyte of ordinary code asks a few ten thousand times.
const PATIENCE: usize = 150_000;

/// Compares the syntax of two versions of a text.
pub fn gate(before: &str, after: &str, language: Option<Language>) -> FileVerdict {
    check(
        before,
        &ChangeSet::between(before, after),
        after,
        language,
        None,
    )
}

pub(crate) fn check(
    before: &str,
    changes: &ChangeSet,
    after: &str,
    language: Option<Language>,
    known: Option<&Syntax>,
) -> FileVerdict {
    let Some(language) = language else {
        return FileVerdict::unchecked(Check::NotChecked);
    };
    let mut patience = PATIENCE;
    let mut stop = || {
        patience = patience.saturating_sub(1);
        patience == 0
    };
    let known = known.filter(|known| known.language() == language);
    let data_problem = data::regression(language, before, after);
    let large = known.is_none() && before.len().max(after.len()) > windows::LARGE;
    if large && data_problem.is_none() && data::accepts(language, after) {
        return FileVerdict::unchecked(Check::Checked);
    }
    let part = large
        .then(|| windows::check(before, changes, after, language, &mut stop))
        .flatten();
    let mut verdict =
        part.unwrap_or_else(|| whole(before, changes, after, language, known, &mut stop).0);
    if verdict.check == Check::Checked {
        verdict.data_problem = data_problem;
    }
    verdict
}

/// Compares the trees of two texts. Tells as well whether the text before had no problem, if that had
/// to be found out.
fn whole(
    before: &str,
    changes: &ChangeSet,
    after: &str,
    language: Language,
    known: Option<&Syntax>,
    mut stop: &mut dyn FnMut() -> bool,
) -> (FileVerdict, Option<bool>) {
    let too_costly = || (FileVerdict::unchecked(Check::TooCostly), None);
    // A text with a tree was parsed.
    if known.is_none() && is_dense(language, before) || is_dense(language, after) {
        return too_costly();
    }
    let after_syntax = match known {
        Some(known) => known.reparse(before, changes, after, &mut stop),
        None => parse_until(language, after, &mut stop),
    };
    let Some(after_syntax) = after_syntax else {
        return too_costly();
    };
    let mut verdict = FileVerdict::unchecked(Check::Checked);
    verdict.new_problems = embedded::added(before, after, &after_syntax, &mut stop);
    if !after_syntax.has_problems() {
        return (verdict, None);
    }
    let now = after_syntax.problems(after);
    let count = after_syntax.problem_count();
    // Two trees at once would take twice the memory.
    drop(after_syntax);
    let before_syntax = match known {
        Some(known) => Some(known.clone()),
        None => parse_until(language, before, &mut stop),
    };
    let Some(before_syntax) = before_syntax else {
        return too_costly();
    };
    let old = before_syntax.problems(before);
    let was_clean = !before_syntax.has_problems();
    let hopeless = before_syntax.problem_count() >= count && is_hopeless(&old, before.len());
    if !hopeless {
        verdict.new_problems.extend(added(&old, &now, changes));
    }
    (verdict, Some(was_clean))
}

/// Whether a text is longer than what is parsed whatever it holds and has a word or a sign for every two
/// bytes, as brackets in brackets and quotes in quotes have: its tree takes hundreds of times its memory.
/// Code has one for every three to four bytes, tables of numbers and minified code about one for two.
pub(crate) fn is_dense(language: Language, text: &str) -> bool {
    let limit = match language {
        // Their trees are the deepest.
        Language::Yaml | Language::Toml | Language::Markdown => 64 << 10,
        _ => windows::LARGE,
    };
    if text.len() <= limit {
        return false;
    }
    let mut tokens = 0;
    let (mut in_word, mut last) = (false, b' ');
    for byte in text.bytes() {
        // One underscore is part of a name; a row of them may be markup.
        let joins = byte == b'_' && last != b'_';
        let word = byte.is_ascii_alphanumeric() || joins || !byte.is_ascii();
        last = byte;
        tokens += usize::from(if word {
            !in_word
        } else {
            !byte.is_ascii_whitespace()
        });
        in_word = word;
    }
    tokens * 100 >= text.len() * 47
}

/// How much longer a problem may get without being another one.
const GROWTH: usize = 8;
/// How far apart, in bytes, a problem that goes and one that comes may be to be the same one moved.
const NEAR: usize = 240;

/// The problems of the text after a change that the change added.
fn added(
    before: &[SyntaxProblem],
    after: &[SyntaxProblem],
    changes: &ChangeSet,
) -> Vec<SyntaxProblem> {
    let mut gone: Vec<Option<(ByteRange, &SyntaxProblem)>> = before
        .iter()
        .map(|problem| Some((changes.map_range(problem.range), problem)))
        .collect();
    let mut new: Vec<&SyntaxProblem> = Vec::new();
    for problem in after {
        let same = |slot: &Option<(ByteRange, &SyntaxProblem)>| {
            slot.is_some_and(|(range, old)| {
                old.kind == problem.kind
                    && range.start == problem.range.start
                    && problem.range.len() <= range.len() + GROWTH
            })
        };
        match gone.iter_mut().find(|slot| same(slot)) {
            Some(slot) => *slot = None,
            None => new.push(problem),
        }
    }
    new.retain(|problem| {
        let pays = |slot: &Option<(ByteRange, &SyntaxProblem)>| {
            slot.is_some_and(|(range, old)| {
                let around = changes.map_range(old.within_range);
                let near = problem.range.start.0.abs_diff(range.start.0) <= NEAR
                    || (old.within == problem.within && around.start == problem.within_range.start);
                near && problem.range.len() <= range.len().max(GROWTH) + GROWTH
            })
        };
        match gone.iter_mut().find(|slot| pays(slot)) {
            Some(slot) => {
                *slot = None;
                false
            }
            None => true,
        }
    });
    new.into_iter().cloned().collect()
}

/// Whether the parser makes nothing of a text: half of it or more is in error nodes, as when a file
/// has another file's extension. Problems then have no place; only their number counts.
fn is_hopeless(problems: &[SyntaxProblem], len: usize) -> bool {
    problems
        .iter()
        .map(|problem| problem.range.len())
        .sum::<usize>()
        * 2
        >= len
}
