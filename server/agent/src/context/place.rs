//! What a place leads to: the names that are used there, and what else was said about it.

use std::collections::BTreeMap;

use pleach_grammars::{
    Import, Language, NameRole, Symbol, Syntax, imports, names_used, parse, symbol_at,
};
use pleach_text::ByteRange;

use crate::index::{is_own, says_something, symbols_of};
use crate::job::JobRequest;

/// A name at the place is worth so many elsewhere in the document.
const HERE: f64 = 10.0;
/// A name that the person or a diagnostic wrote is worth so many that are merely used: as in the
/// repository map of aider.
const SAID: f64 = 10.0;
/// Shorter words of an instruction are not taken for names.
const SHORTEST_SAID: usize = 3;

/// The document and the place in it.
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    pub(super) language: Option<Language>,
    pub(super) symbols: Vec<Symbol>,
    imports: Vec<Import>,
    /// What the request is about: the selection, with the symbol around it.
    pub(super) focus: ByteRange,
    /// The symbol around it, by its index.
    pub(super) around: Option<usize>,
    /// The names that lead elsewhere.
    pub(super) wanted: BTreeMap<String, Wanted>,
}

/// A name that leads elsewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// Uses in the focus.
    pub(super) here: u32,
    /// Uses elsewhere in the document.
    pub(super) elsewhere: u32,
    /// The person wrote it, or a diagnostic did.
    pub(super) is_said: bool,
    /// Where an import says that it comes from, in parts: `crate`, `coin`, `Coin`.
    pub(super) from: Vec<String>,
    /// The document defines it itself.
    pub(super) is_own: bool,
}

impl Wanted {
    /// How much it counts beside others.
    pub(super) fn weight(&self) -> f64 {
        let used = HERE * f64::from(self.here).sqrt() + f64::from(self.elsewhere).sqrt();
        if self.is_said {
            SAID * used.max(HERE)
        } else {
            used
        }
    }

    /// Why it is wanted, in words.
    pub(super) fn reason(&self, name: &str) -> String {
        match self {
            Self { is_said: true, .. } => format!("`{name}` is named in the request"),
            Self {
                here: 1.., from, ..
            } if !from.is_empty() => {
                format!("`{name}` is imported and used at the place")
            }
            Self { here: 1.., .. } => format!("`{name}` is used at the place"),
            Self { from, .. } if !from.is_empty() => format!("`{name}` is imported"),
            _ => format!("`{name}` is used in the document"),
        }
    }
}

impl<'a> Place<'a> {
    pub(super) fn of(request: &'a JobRequest) -> Self {
        let document = &request.document;
        let text: &str = &document.text;
        let mut place = Self {
            path: &document.path,
            text,
            language: document.language,
            symbols: Vec::new(),
            imports: Vec::new(),
            focus: request.range,
            around: None,
            wanted: BTreeMap::new(),
        };
        if let Some(language) = document.language {
            let syntax = parse(language, text);
            place.symbols = symbols_of(&syntax, text);
            place.imports = imports(&syntax, text);
            place.look_around(request.range);
            place.read_names(&syntax);
        }
        place.read_said(request);
        place
    }

    /// The symbol around the place, if its name says what it is.
    pub(super) fn symbol(&self) -> Option<&Symbol> {
        self.around.and_then(|at| self.symbols.get(at))
    }

    fn look_around(&mut self, range: ByteRange) {
        let found = symbol_at(&self.symbols, range.start);
        let mut at = found.and_then(|found| self.symbols.iter().position(|it| it == found));
        // A field or a variable is part of what is asked about.
        while let Some(symbol) = at.and_then(|at| self.symbols.get(at)) {
            let is_whole = symbol.kind.is_callable() || symbol.kind.is_type();
            if is_whole && symbol.range.end >= range.end {
                break;
            }
            at = symbol.parent;
        }
        self.around = at;
        if let Some(symbol) = self.symbol() {
            self.focus = self.focus.cover(symbol.range);
        } else if self.focus.is_empty() {
            self.focus = ByteRange::from(0..self.text.len());
        }
    }

    fn read_names(&mut self, syntax: &Syntax) {
        for used in names_used(syntax, self.text) {
            if !says_something(used.name, used.role) || used.role == NameRole::Import {
                continue;
            }
            let wanted = self.wanted.entry(used.name.to_owned()).or_default();
            if self.focus.contains_range(used.range) {
                wanted.here = wanted.here.saturating_add(1);
            } else {
                wanted.elsewhere = wanted.elsewhere.saturating_add(1);
            }
        }
        for imported in self.imports.iter().flat_map(|import| &import.names) {
            let from: Vec<String> = parts(&imported.path).map(str::to_owned).collect();
            // Under the name that it is used by, and the one that it is defined by.
            if let Some(used) = self.wanted.get_mut(&imported.local) {
                used.from.clone_from(&from);
                if imported.name != imported.local {
                    let used = used.clone();
                    self.wanted.insert(imported.name.clone(), used);
                }
            }
        }
        for symbol in &self.symbols {
            if is_own(symbol.kind)
                && let Some(wanted) = self.wanted.get_mut(&symbol.name)
            {
                // What is imported comes from elsewhere.
                wanted.is_own = wanted.from.is_empty();
            }
        }
    }

    /// Names in what the person wrote and in what is reported.
    fn read_said(&mut self, request: &JobRequest) {
        let instruction = request.instruction.as_deref().unwrap_or_default();
        let messages = request.diagnostics.iter().map(|it| it.message.as_str());
        for (text, is_prose) in
            std::iter::once((instruction, true)).chain(messages.map(|it| (it, false)))
        {
            for name in names_said(text, is_prose) {
                let wanted = self.wanted.entry(name.to_owned()).or_default();
                wanted.is_said = true;
            }
        }
        let own = |name: &str| self.symbols.iter().any(|symbol| symbol.name == name);
        let said: Vec<String> = self
            .wanted
            .iter()
            .filter(|(name, wanted)| wanted.is_said && own(name))
            .map(|(name, _)| name.clone())
            .collect();
        for name in said {
            if let Some(wanted) = self.wanted.get_mut(&name) {
                wanted.is_own = true;
            }
        }
    }
}

/// The parts of a path of an import: of a module or of a file.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '/', ':', '\\'])
        .filter(|part| !part.is_empty() && !matches!(*part, "crate" | "self" | "super"))
}

/// Words of a text that may be names: those in quotes or backticks, and those that no prose has. In a
/// message of a checker every quoted word is one.
fn names_said(text: &str, is_prose: bool) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, piece) in text.split(['`', '\'', '"']).enumerate() {
        let is_quoted = at % 2 == 1;
        for word in piece.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let letters: Vec<char> = word.chars().collect();
            let has_hump = letters
                .windows(2)
                .any(|pair| matches!(pair, [a, b] if a.is_lowercase() && b.is_uppercase()));
            let is_name = is_quoted
                || word.contains('_')
                || has_hump
                || is_prose
                    && letters.first().is_some_and(|it| it.is_uppercase())
                    && letters.len() > SHORTEST_SAID;
            if is_name && word.len() >= SHORTEST_SAID && !names.contains(&word) {
                names.push(word);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::names_said;

    #[test]
    fn names_are_told_from_prose() {
        assert_eq!(
            names_said(
                "make `open` call read_file and parseLine, as Till does",
                true
            ),
            ["open", "read_file", "parseLine", "Till"]
        );
        assert_eq!(
            names_said("cannot find value `coin` in this scope", false),
            ["coin"]
        );
        assert_eq!(names_said("use it, or do not", true), Vec::<&str>::new());
    }
}
