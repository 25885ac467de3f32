//! What a text takes from elsewhere, by name.

use pleach_text::ByteRange;
use tree_sitter::Node;

use crate::walk::{Preorder, range_of, text_of};
use crate::{Language, Syntax};

mod ecmascript;
pub(crate) mod go;
mod python;
pub(crate) mod rust;

/// One statement that imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The whole statement: `use a::{b, c};`, `from a import b`, Go's `import ( … )`.
    pub range: ByteRange,
    /// What it brings into the text. Empty for `import './style.css'`.
    pub names: Vec<ImportedName>,
    /// Whether others can import it from here: `pub use`, `export … from`.
    pub is_exported: bool,
}

/// One name that an import brings into the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedName {
    /// Its name where it comes from: `readFile` of `readFile as read`; `default` for a default
    /// import; `*` for everything.
    pub name: String,
    /// Where it comes from, with the name where the language writes them as one:
    /// `std::collections::HashMap`, `os.path`, `./coin`.
    pub path: String,
    /// The name it has in this text: `read` of `readFile as read`, `os` of `import os.path`. `*` where
    /// everything comes in by its own name; empty where nothing does (Go's `_`).
    pub local: String,
    /// The part of the statement that is about this name alone: `readFile as read`.
    pub range: ByteRange,
    /// Where the local name is written; inside `range`.
    pub local_range: ByteRange,
}

/// The imports of a Rust, Python, TypeScript, TSX, JavaScript or Go text, wherever they stand, in
/// order. Empty for other languages. `text` is what was parsed.
///
/// ```
/// use pleach_grammars::{Language, imports, parse};
///
/// let text = "from os import path as p\n";
/// let found = imports(&parse(Language::Python, text), text);
/// assert_eq!((found[0].names[0].name.as_str(), found[0].names[0].local.as_str()), ("path", "p"));
/// ```
pub fn imports(syntax: &Syntax, text: &str) -> Vec<Import> {
    let read: fn(Node<'_>, &str) -> Option<Import> = match syntax.language() {
        Language::Rust => rust::import,
        Language::Python => python::import,
        Language::JavaScript | Language::TypeScript | Language::Tsx => ecmascript::import,
        Language::Go => go::import,
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    let mut walk = Preorder::new(syntax.root());
    loop {
        let import = if walk.node().is_named() {
            read(walk.node(), text)
        } else {
            None
        };
        let descend = import.is_none();
        found.extend(import);
        if !walk.advance(descend) {
            return found;
        }
    }
}

/// A name that is what it is called here.
fn plain(node: Node<'_>, name: &str, path: String) -> ImportedName {
    ImportedName {
        name: name.to_owned(),
        path,
        local: name.to_owned(),
        range: range_of(node),
        local_range: range_of(node),
    }
}

/// A name that is called something else here.
fn renamed(node: Node<'_>, name: &str, path: String, alias: Node<'_>, text: &str) -> ImportedName {
    ImportedName {
        name: name.to_owned(),
        path,
        local: text_of(alias, text).to_owned(),
        range: range_of(node),
        local_range: range_of(alias),
    }
}
