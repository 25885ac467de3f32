//! The texts that pieces are cut from.

use std::collections::BTreeMap;
use std::sync::Arc;

use pleach_grammars::{Language, Symbol, Syntax, parse};
use pleach_workspace::WorkspaceSnapshot;

use crate::index::{Lines, symbols_of};
use crate::shield::Shield;

/// Larger files are not looked into for pieces.
const LARGEST: usize = 256 << 10;
/// Files that are looked into.
const MOST: usize = 120;

/// A file of which pieces may be sent.
pub(super) struct Source {
    pub(super) text: Arc<str>,
    pub(super) language: Option<Language>,
    pub(super) syntax: Option<Syntax>,
    pub(super) symbols: Vec<Symbol>,
    pub(super) lines: Lines,
}

/// Files that are read once, each through the same door: what is never sent is not there.
pub(super) struct Sources<'a> {
    workspace: &'a WorkspaceSnapshot,
    shield: Shield<'a>,
    known: BTreeMap<String, Option<Arc<Source>>>,
    /// Files that were wanted and are never sent.
    pub(super) kept_back: Vec<String>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(workspace: &'a WorkspaceSnapshot) -> Self {
        Self {
            workspace,
            shield: Shield::of(workspace),
            known: BTreeMap::new(),
            kept_back: Vec::new(),
        }
    }

    /// The file called `name`, if it may be sent and is small enough.
    pub(super) fn get(&mut self, name: &str) -> Option<Arc<Source>> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        if self.known.len() >= MOST {
            return None;
        }
        let read = self.read(name).map(Arc::new);
        self.known.insert(name.to_owned(), read.clone());
        read
    }

    fn read(&mut self, name: &str) -> Option<Source> {
        if self.shield.kept_back(name).is_some() {
            self.kept_back.push(name.to_owned());
            return None;
        }
        let text = self.workspace.read_text(name).ok()?;
        if text.len() > LARGEST {
            return None;
        }
        let first_line = text.lines().next().unwrap_or_default();
        let language = Language::detect(None, name, first_line);
        let syntax = language.map(|language| parse(language, &text));
        let symbols = syntax.as_ref().map(|syntax| symbols_of(syntax, &text));
        Some(Source {
            lines: Lines::of(&text),
            text,
            language,
            syntax,
            symbols: symbols.unwrap_or_default(),
        })
    }
}
