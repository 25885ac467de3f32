//! What is where in a text: functions, types, keys, headings, with their documentation.
//!
//! One walk over the tree asks the rules of the language (`outline/*.rs`) about every named node.
//! The rules say what a node defines; what all languages share is done here: which wrapper, attribute
//! and documentation belongs to it, what it is part of.

use pleach_text::{ByteOffset, ByteRange};
use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use crate::walk::{range_of, text_of};
use crate::{Language, Syntax};

mod c_family;
mod data;
mod docs;
mod ecmascript;
mod found;
mod go;
mod jvm;
mod markup;
mod python;
mod ruby;
mod rust;
mod scripts;
mod swift;
mod zig;

use docs::DocStyle;
pub(crate) use docs::docstring;
use found::{Found, Site};

/// An outline has no more symbols than this, so that a hostile or generated file cannot fill the
/// memory; what comes later in the file is left out.
pub const MAX_SYMBOLS: usize = 100_000;

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // Those without a comment mean what every language means by them.
pub enum SymbolKind {
    Function,
    /// A function that belongs to a type.
    Method,
    Constructor,
    Class,
    /// A structure, union or record.
    Struct,
    Enum,
    /// One of the values of an enum.
    Variant,
    Interface,
    /// A trait or protocol.
    Trait,
    /// An implementation or extension of a type that is defined elsewhere.
    Impl,
    /// A module, namespace or package.
    Module,
    Constant,
    Variable,
    /// A field or property of a type.
    Field,
    Macro,
    /// A type alias or another type that is none of the above.
    Type,
    /// A test, or a group of them, that the language or a common framework marks as such.
    Test,
    /// A heading of a document.
    Heading,
    /// A key of a data file, or a table of TOML.
    Key,
    /// A style rule.
    Selector,
    /// An element of a page that has an identifier.
    Element,
}

impl SymbolKind {
    /// The kind as a word for people: `function`, `enum variant`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Method => "method",
            Self::Constructor => "constructor",
            Self::Class => "class",
            Self::Struct => "struct",
            Self::Enum => "enum",
            Self::Variant => "enum variant",
            Self::Interface => "interface",
            Self::Trait => "trait",
            Self::Impl => "implementation",
            Self::Module => "module",
            Self::Constant => "constant",
            Self::Variable => "variable",
            Self::Field => "field",
            Self::Macro => "macro",
            Self::Type => "type",
            Self::Test => "test",
            Self::Heading => "heading",
            Self::Key => "key",
            Self::Selector => "style rule",
            Self::Element => "element",
        }
    }

    /// Whether it can be called: it has parameters and a body of statements.
    pub const fn is_callable(self) -> bool {
        matches!(
            self,
            Self::Function | Self::Method | Self::Constructor | Self::Test
        )
    }

    /// Whether functions in it are methods.
    pub const fn is_type(self) -> bool {
        matches!(
            self,
            Self::Class
                | Self::Struct
                | Self::Enum
                | Self::Interface
                | Self::Trait
                | Self::Impl
                | Self::Variant
        )
    }
}

/// Something that a text defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The name as it is written; for an implementation `Trait for Type`, for a style rule its
    /// selectors.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it, with attributes, decorators and `export`, without the documentation above it.
    pub range: ByteRange,
    /// The name.
    pub name_range: ByteRange,
    /// What its signature introduces: a block with its brackets, the statements of a Python function,
    /// the members of a type. None where there is none, or no name for it.
    pub body: Option<ByteRange>,
    /// Its documentation: the comments attached above it, or the docstring in its body.
    pub doc: Option<ByteRange>,
    /// The index of the symbol that it is part of.
    pub parent: Option<usize>,
    /// The type that it belongs to where that is not its parent: the receiver of a Go method, `Till`
    /// of C++'s `Till::count` and Lua's `Till:count`.
    pub container: Option<String>,
    /// The declaration without attributes, decorators and body.
    head: ByteRange,
}

impl Symbol {
    /// The declaration as one would quote it: without attributes, decorators and body.
    ///
    /// Empty when `text` is not the text of the outline.
    pub fn signature<'a>(&self, text: &'a str) -> &'a str {
        let head = text.get(self.head.as_usize()).unwrap_or("");
        head.trim_end().trim_end_matches([':', '=', '{']).trim()
    }
}

/// What a text defines, in the order of the text, so that a parent comes before its children.
/// `text` is what was parsed.
pub fn outline(syntax: &Syntax, text: &str) -> Vec<Symbol> {
    Walk {
        language: syntax.language(),
        text,
        symbols: Vec::new(),
        open: Vec::new(),
    }
    .run(syntax.root())
}

/// The innermost symbol that holds a place, in its range or its documentation.
pub fn symbol_at(symbols: &[Symbol], at: ByteOffset) -> Option<&Symbol> {
    let holds = |range: ByteRange| range.start <= at && at <= range.end;
    symbols
        .iter()
        .filter(|symbol| holds(symbol.range) || symbol.doc.is_some_and(holds))
        // The smallest; of equals the later one, which is the deeper one. A place on the border of
        // two belongs to the one that begins there.
        .min_by_key(|symbol| {
            let whole = symbol
                .doc
                .map_or(symbol.range, |doc| doc.cover(symbol.range));
            (whole.end == at, whole.len(), std::cmp::Reverse(whole.start))
        })
}

/// The names from the outermost symbol to this one: `["Till", "count"]`.
pub fn path_of(symbols: &[Symbol], index: usize) -> Vec<&str> {
    let mut names = Vec::new();
    let mut next = Some(index);
    // A parent comes before its children, so this ends; the check keeps it so for any input.
    while let Some((symbol, index)) = next.and_then(|index| Some((symbols.get(index)?, index))) {
        names.push(symbol.name.as_str());
        names.extend(symbol.container.as_deref());
        next = symbol.parent.filter(|parent| *parent < index);
    }
    names.reverse();
    names
}

/// A node on the way from the root to the present one, and what stands before it among its siblings.
pub(crate) struct Level<'tree> {
    node: Node<'tree>,
    field: Option<&'tree str>,
    /// Comments, attributes and decorators since the last sibling that is none.
    leading: Vec<Node<'tree>>,
}

struct Walk<'a> {
    language: Language,
    text: &'a str,
    symbols: Vec<Symbol>,
    /// The symbols that the present node is within, each with how deep its node is.
    open: Vec<(usize, usize)>,
}

impl Walk<'_> {
    fn run(mut self, root: Node<'_>) -> Vec<Symbol> {
        let mut cursor = root.walk();
        let mut path = vec![Level {
            node: root,
            field: None,
            leading: Vec::new(),
        }];
        loop {
            self.visit(&path);
            if self.symbols.len() >= MAX_SYMBOLS {
                break;
            }
            if cursor.goto_first_child() {
                path.push(Level {
                    node: cursor.node(),
                    field: cursor.field_name(),
                    leading: Vec::new(),
                });
                continue;
            }
            loop {
                if cursor.goto_next_sibling() {
                    if let Some(level) = path.last_mut() {
                        level.step(cursor.node(), cursor.field_name(), self.language);
                    }
                    break;
                }
                if !cursor.goto_parent() {
                    return self.symbols;
                }
                path.pop();
            }
        }
        self.symbols
    }

    fn visit(&mut self, path: &[Level<'_>]) {
        let depth = path.len();
        while self.open.last().is_some_and(|(_, opened)| *opened >= depth) {
            self.open.pop();
        }
        let parent = self.open.last().map(|(index, _)| *index);
        let within = parent
            .and_then(|parent| self.symbols.get(parent))
            .map(|symbol| symbol.kind);
        let Some(site) = Site::new(path, self.text, within) else {
            return;
        };
        if let Some(found) = describe(self.language, &site)
            && let Some(symbol) = self.symbol(path, found, parent, within)
        {
            self.open.push((self.symbols.len(), depth));
            self.symbols.push(symbol);
        }
    }

    fn symbol(
        &self,
        path: &[Level<'_>],
        found: Found<'_>,
        parent: Option<usize>,
        within: Option<SymbolKind>,
    ) -> Option<Symbol> {
        let outermost = path.get(path.len().checked_sub(1 + found.wrappers)?)?;
        let kind = match (found.kind, within) {
            (SymbolKind::Function, Some(within)) if within.is_type() => SymbolKind::Method,
            (kind, _) => kind,
        };
        let mut range = range_of(outermost.node);
        let lead = docs::leading(self.language, &outermost.leading, range, self.text);
        let body = found.body.map(range_of).filter(|body| !body.is_empty());
        let head_start = found
            .head
            .map_or(range.start, |head| ByteOffset(head.start_byte()));
        range.start = lead.attributes.unwrap_or(range.start);
        range.end = docs::end_of(self.language, range, self.text);
        let body_start = body.map_or(range.end, |body| body.start.min(range.end));
        let doc = match DocStyle::of(self.language) {
            DocStyle::Docstring => found.body.and_then(docstring),
            _ => lead.doc,
        };
        Some(Symbol {
            name: found.name.into_owned(),
            kind,
            range,
            name_range: range_of(found.name_node),
            body: body.map(|body| ByteRange::new(body.start, body.end.min(range.end))),
            doc,
            parent,
            container: found.container,
            head: ByteRange::new(head_start.min(body_start), body_start),
        })
    }
}

impl<'tree> Level<'tree> {
    fn step(&mut self, next: Node<'tree>, field: Option<&'tree str>, language: Language) {
        if docs::leads(language, self.node) {
            self.leading.push(self.node);
        } else {
            self.leading.clear();
        }
        self.node = next;
        self.field = field;
    }
}

/// Asks the rules of a language what a node defines.
fn describe<'a, 'tree>(language: Language, site: &Site<'a, 'tree>) -> Option<Found<'tree>>
where
    'a: 'tree,
{
    match language {
        Language::Rust => rust::describe(site),
        Language::Python => python::describe(site),
        Language::JavaScript | Language::TypeScript | Language::Tsx => ecmascript::describe(site),
        Language::Go => go::describe(site),
        Language::Java => jvm::java(site),
        Language::Kotlin => jvm::kotlin(site),
        Language::Scala => jvm::scala(site),
        Language::C | Language::Cpp => c_family::c_and_cpp(site),
        Language::CSharp => c_family::csharp(site),
        Language::Ruby => ruby::describe(site),
        Language::Php => scripts::php(site),
        Language::Lua => scripts::lua(site),
        Language::Bash => scripts::bash(site),
        Language::Swift => swift::describe(site),
        Language::Zig => zig::describe(site),
        Language::Json => data::json(site),
        Language::Yaml => data::yaml(site),
        Language::Toml => data::toml(site),
        Language::Html => markup::html(site),
        Language::Css => markup::css(site),
        Language::Markdown => markup::markdown(site),
    }
}

/// Whether a comment's text, quoted from the source, reads as one of those that begin with a marker.
fn has_marker(comment: Node<'_>, text: &str, markers: &[&str]) -> bool {
    let comment = text_of(comment, text);
    markers.iter().any(|marker| comment.starts_with(marker))
        // A rule of slashes or stars, or an empty block, is an ornament.
        && !comment.starts_with("////")
        && !comment.starts_with("/***")
        && comment != "/**/"
}
