//! What the index is told of a file.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};

use pleach_grammars::{Language, NameRole, Symbol, SymbolKind, Syntax, names_used, outline, parse};
use pleach_store::{FileStamp, IndexedChunk, IndexedFile, IndexedSymbol, NameUses, words_of};
use pleach_workspace::WalkedFile;
use ropey::Rope;

use super::pieces::pieces;

/// Lines of a piece of a file. Of the sizes that were tried on real histories (commit messages that had to
/// find the files they changed) pieces of this size found more than whole files.
const CHUNK: usize = 60;
/// Symbols of a file that are taken.
const MOST_SYMBOLS: usize = 5_000;
/// Keys and headings of a file of data or prose that are taken.
const MOST_KEYS: usize = 200;
/// Names that a file uses that are taken.
const MOST_NAMES: usize = 2_000;
/// Macros in the braces of macros that are looked into.
const MACROS_DEEP: usize = 3;
/// A longer name is data.
const LONGEST_NAME: usize = 120;

/// Reads a text for the index.
pub(super) fn digest(name: &str, text: &str, stamp: FileStamp) -> IndexedFile {
    let first_line = text.lines().next().unwrap_or_default();
    let language = Language::detect(None, name, first_line);
    let (symbols, uses) = match language {
        // Its keys are data.
        None | Some(Language::Json) => (Vec::new(), Vec::new()),
        Some(language) => names(language, text),
    };
    IndexedFile {
        name: name.to_owned(),
        stamp,
        symbols,
        uses,
        chunks: chunks(text),
        pieces: pieces(language, text),
    }
}

/// A file of which nothing is known but that it was looked at.
pub(super) fn nothing_of(name: &str, stamp: FileStamp) -> IndexedFile {
    IndexedFile {
        name: name.to_owned(),
        stamp,
        symbols: Vec::new(),
        uses: Vec::new(),
        chunks: Vec::new(),
        pieces: Vec::new(),
    }
}

/// What an unsaved text is known by: below zero, where no time of a file is.
pub(super) fn stamp_of_open(text: &Rope, size: u64) -> FileStamp {
    let mut hasher = DefaultHasher::new();
    for piece in text.chunks() {
        hasher.write(piece.as_bytes());
    }
    FileStamp {
        size,
        stamp: !(hasher.finish() >> 1).cast_signed(),
    }
}

/// What a file on disk is known by.
pub(super) fn stamp_of(file: &WalkedFile) -> FileStamp {
    FileStamp {
        size: file.size,
        stamp: file.modified,
    }
}

fn names(language: Language, text: &str) -> (Vec<IndexedSymbol>, Vec<NameUses>) {
    let syntax = parse(language, text);
    let symbols = symbols_of(&syntax, text);
    let lines = Lines::of(text);
    let number = |at: usize| u32::try_from(lines.number(at)).unwrap_or(u32::MAX);
    let most = if language.is_programming() {
        MOST_SYMBOLS
    } else {
        MOST_KEYS
    };
    let indexed = symbols
        .iter()
        .filter(|symbol| !symbol.name.is_empty() && symbol.name.len() <= LONGEST_NAME)
        .take(most)
        .map(|symbol| IndexedSymbol {
            name: symbol.name.clone(),
            kind: symbol.kind.name().to_owned(),
            container: container_of(&symbols, symbol).to_owned(),
            first: number(symbol.range.start.0),
            last: number(symbol.range.end.0.saturating_sub(1)),
        });
    let mut uses: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let own: std::collections::BTreeSet<&str> = symbols
        .iter()
        .filter(|symbol| is_own(symbol.kind))
        .map(|symbol| symbol.name.as_str())
        .collect();
    for used in names_used(&syntax, text) {
        if !says_something(used.name, used.role) || own.contains(used.name) {
            continue;
        }
        let line = u32::try_from(used.line.number()).unwrap_or(u32::MAX);
        let entry = uses.entry(used.name).or_insert((0, line));
        entry.0 = entry.0.saturating_add(1);
    }
    let uses = uses
        .into_iter()
        .take(MOST_NAMES)
        .map(|(name, (times, line))| NameUses {
            name: name.to_owned(),
            times,
            line,
        });
    (indexed.collect(), uses.collect())
}

/// What a symbol belongs to, by its name; empty where to nothing but the file.
pub(crate) fn container_of<'a>(symbols: &'a [Symbol], symbol: &'a Symbol) -> &'a str {
    let parent = symbol.parent.and_then(|at| symbols.get(at));
    let own = symbol.container.as_deref();
    own.or_else(|| parent.map(|parent| parent.name.as_str()))
        .unwrap_or_default()
}

/// What a text defines, in Rust also what stands in the braces of macros: `cfg_rt! { pub fn spawn() {} }`.
pub(crate) fn symbols_of(syntax: &Syntax, text: &str) -> Vec<Symbol> {
    let mut symbols = outline(syntax, text);
    if syntax.language() != Language::Rust {
        return symbols;
    }
    let mut bodies = macro_bodies(syntax, text);
    for _ in 0..MACROS_DEEP {
        if bodies.is_empty() {
            break;
        }
        // Everything else is blank, so that places stay what they are.
        let mut masked: Vec<u8> = text
            .bytes()
            .map(|byte| if byte == b'\n' { b'\n' } else { b' ' })
            .collect();
        for body in &bodies {
            if let (Some(to), Some(from)) = (
                masked.get_mut(body.clone()),
                text.as_bytes().get(body.clone()),
            ) {
                to.copy_from_slice(from);
            }
        }
        let Ok(masked) = String::from_utf8(masked) else {
            break;
        };
        let inner = parse(Language::Rust, &masked);
        let known = symbols.len();
        for mut symbol in outline(&inner, &masked) {
            symbol.parent = symbol.parent.map(|parent| parent + known);
            symbols.push(symbol);
        }
        bodies = macro_bodies(&inner, &masked);
    }
    symbols
}

/// What is in the braces of macros that stand where items do.
fn macro_bodies(syntax: &Syntax, text: &str) -> Vec<std::ops::Range<usize>> {
    let mut bodies = Vec::new();
    let mut folders = vec![syntax.root()];
    while let Some(folder) = folders.pop() {
        let mut cursor = folder.walk();
        for node in folder.named_children(&mut cursor) {
            match node.kind() {
                "mod_item" => folders.extend(node.child_by_field_name("body")),
                "expression_statement" => folders.push(node),
                "macro_invocation" => {
                    let count = u32::try_from(node.named_child_count()).unwrap_or(u32::MAX);
                    let last = count.checked_sub(1).and_then(|last| node.named_child(last));
                    let range = last.map_or(0..0, |last| last.byte_range());
                    let inner = range.start + 1..range.end.saturating_sub(1).max(range.start + 1);
                    if text.get(range).is_some_and(|body| body.starts_with('{')) {
                        bodies.push(inner);
                    }
                }
                _ => {}
            }
        }
    }
    bodies
}

/// Whether who defines a name as this kind means it whenever it is used in the same file.
pub(crate) fn is_own(kind: SymbolKind) -> bool {
    is_named_alone(kind)
        && !matches!(
            kind,
            SymbolKind::Variant | SymbolKind::Field | SymbolKind::Variable
        )
}

/// Whether a symbol of this kind is what its name stands for elsewhere.
fn is_named_alone(kind: SymbolKind) -> bool {
    !matches!(
        kind,
        SymbolKind::Impl
            | SymbolKind::Heading
            | SymbolKind::Key
            | SymbolKind::Selector
            | SymbolKind::Element
    )
}

/// Whether the use of a name may lead to another file. Of what is merely mentioned only names that begin
/// with a capital letter: types and constants in most languages. The others are mostly local variables.
pub(crate) fn says_something(name: &str, role: NameRole) -> bool {
    let is_sound = name.len() > 1 && name.len() <= LONGEST_NAME;
    is_sound
        && match role {
            NameRole::Definition(_) => false,
            NameRole::Call | NameRole::Type | NameRole::Import => true,
            NameRole::Member | NameRole::Other => name.starts_with(char::is_uppercase),
        }
}

fn chunks(text: &str) -> Vec<IndexedChunk> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut first = 1;
    let mut chunks = Vec::new();
    for piece in lines.chunks(CHUNK) {
        let count = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        let words = words_of(&piece.concat());
        if !words.is_empty() {
            chunks.push(IndexedChunk {
                first,
                last: first + count - 1,
                words,
            });
        }
        first += count;
    }
    chunks
}

/// Where the lines of a text begin.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(
            std::iter::once(0)
                .chain(breaks.map(|(at, _)| at + 1))
                .collect(),
        )
    }

    /// The line of a byte, from 1.
    pub(crate) fn number(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: FileStamp = FileStamp { size: 0, stamp: 0 };

    #[test]
    fn what_a_file_defines_and_uses() {
        let text = "use crate::coin::Coin;\n\npub struct Till;\n\nimpl Till {\n    pub fn count(&self, coins: &[Coin]) -> u32 {\n        let total = sum(coins);\n        self.check(total)\n    }\n    fn check(&self, total: u32) -> u32 { total }\n}\n";
        let file = digest("src/till.rs", text, STAMP);
        let symbols: Vec<_> = file
            .symbols
            .iter()
            .map(|it| {
                (
                    it.kind.as_str(),
                    it.container.as_str(),
                    it.name.as_str(),
                    it.first,
                    it.last,
                )
            })
            .collect();
        assert_eq!(
            symbols,
            [
                ("struct", "", "Till", 3, 3),
                ("implementation", "", "Till", 5, 11),
                ("method", "Till", "count", 6, 9),
                ("method", "Till", "check", 10, 10),
            ]
        );
        let uses: Vec<_> = file
            .uses
            .iter()
            .map(|it| (it.name.as_str(), it.times, it.line))
            .collect();
        assert_eq!(uses, [("Coin", 2, 1), ("coin", 1, 1), ("sum", 1, 7)]);
    }

    #[test]
    fn what_stands_in_the_braces_of_macros_is_defined() {
        let text = "fn a() {}\ncfg_rt! {\n    /// B.\n    pub fn b() {}\n    cfg_more! {\n        struct C;\n    }\n}\nmod m { pin! { struct D { e: u8 } } }\n";
        let file = digest("a.rs", text, STAMP);
        let symbols: Vec<_> = file
            .symbols
            .iter()
            .map(|it| (it.name.as_str(), it.first))
            .collect();
        assert_eq!(
            symbols,
            [("a", 1), ("m", 9), ("b", 4), ("D", 9), ("e", 9), ("C", 6)]
        );
    }

    #[test]
    fn a_long_file_is_taken_in_pieces_and_data_by_its_words() {
        let file = digest("data.json", &"{\"coin\": 1}\n".repeat(130), STAMP);
        let chunks: Vec<_> = file.chunks.iter().map(|it| (it.first, it.last)).collect();
        assert_eq!(chunks, [(1, 60), (61, 120), (121, 130)]);
        assert!(file.symbols.is_empty());
    }

    #[test]
    fn no_text_is_too_strange() {
        for text in ["", "\u{feff}\r\r\n", "fn (((", "\u{1F600}\n\n"] {
            let file = digest("a.rs", text, STAMP);
            assert!(file.symbols.is_empty());
        }
    }
}
