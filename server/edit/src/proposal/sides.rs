//! A file of a proposal, read before and after.

use std::borrow::Cow;

use pleach_grammars::{Language, Symbol, Syntax, outline, parse};

use super::{FileChange, language_of};

/// Larger files are not parsed to tell what a proposal does to them.
const MAX_BYTES: usize = 4 << 20;

/// The two texts of a file. One that does not exist is empty.
pub(crate) struct Sides<'p> {
    pub(crate) before: Side<'p>,
    pub(crate) after: Side<'p>,
}

/// One text of a file.
pub(crate) struct Side<'p> {
    pub(crate) text: Cow<'p, str>,
    pub(crate) language: Option<Language>,
    /// None where there is no grammar, and for large files.
    pub(crate) syntax: Option<Syntax>,
    pub(crate) symbols: Vec<Symbol>,
}

impl<'p> Sides<'p> {
    pub(crate) fn of(change: &'p FileChange) -> Self {
        let before: &str = change.before().map_or("", |text| text);
        let after = change.after().unwrap_or_default();
        let path_after = change.path_after().unwrap_or(change.path());
        let language_before = match before {
            "" => language_of(change.path(), &after),
            before => language_of(change.path(), before),
        };
        let language_after = language_of(path_after, &after).or(language_before);
        let small = before.len().max(after.len()) <= MAX_BYTES;
        let read = |language: Option<Language>, text: &str| {
            language
                .filter(|_| small)
                .map(|language| parse(language, text))
        };
        let syntax_before = read(language_before, before);
        let syntax_after = match (&syntax_before, change.changes()) {
            (Some(syntax), Some(changes)) if language_after == language_before => {
                syntax.reparse(before, changes, &after, &mut || false)
            }
            _ => read(language_after, &after),
        };
        Self {
            before: Side::new(before, language_before, syntax_before),
            after: Side::new(after, language_after, syntax_after),
        }
    }
}

impl<'p> Side<'p> {
    fn new(
        text: impl Into<Cow<'p, str>>,
        language: Option<Language>,
        syntax: Option<Syntax>,
    ) -> Self {
        let text = text.into();
        let symbols = syntax
            .as_ref()
            .map(|syntax| outline(syntax, &text))
            .unwrap_or_default();
        Self {
            text,
            language,
            syntax,
            symbols,
        }
    }
}
