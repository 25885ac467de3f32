//! A text with its syntax tree and outline, and the questions that all parts of the engine ask of it.

use pleach_grammars::{Language, Symbol, SymbolKind, Syntax, outline, parse};
use pleach_text::{ByteOffset, ByteRange, Dialect, IndentUnit, Line, line_column};
use tree_sitter::{Node, TreeCursor};

use super::refusal::BuiltinRefusal;

/// The languages that the engine knows; those of one family are written alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Rust,
    Python,
    /// TypeScript, TSX and JavaScript.
    Script,
    Go,
}

impl Family {
    pub(super) fn of(language: Language) -> Option<Self> {
        match language {
            Language::Rust => Some(Self::Rust),
            Language::Python => Some(Self::Python),
            Language::JavaScript | Language::TypeScript | Language::Tsx => Some(Self::Script),
            Language::Go => Some(Self::Go),
            _ => None,
        }
    }

    /// Like [`Family::of`], with the refusal for all others.
    pub(super) fn known(language: Option<Language>) -> Result<Self, BuiltinRefusal> {
        language
            .and_then(Self::of)
            .ok_or_else(|| BuiltinRefusal::UnknownLanguage {
                language: language
                    .map_or("of no known language", Language::name)
                    .to_owned(),
            })
    }
}

/// A text with what is known of its syntax.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    pub(super) language: Language,
    pub(super) family: Family,
    pub(super) syntax: Syntax,
    pub(super) symbols: Vec<Symbol>,
}

impl<'a> Source<'a> {
    pub(super) fn read(
        path: &'a str,
        language: Option<Language>,
        text: &'a str,
    ) -> Result<Self, BuiltinRefusal> {
        let family = Family::known(language)?;
        let language = language.unwrap_or(Language::Rust);
        let syntax = parse(language, text);
        let symbols = outline(&syntax, text);
        Ok(Self {
            path,
            text,
            language,
            family,
            syntax,
            symbols,
        })
    }

    pub(super) fn text_of(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    pub(super) fn slice(&self, range: ByteRange) -> &'a str {
        self.text.get(range.as_usize()).unwrap_or_default()
    }

    /// Where the line of a place begins.
    pub(super) fn line_start(&self, at: ByteOffset) -> ByteOffset {
        let before = self.text.get(..at.0).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let bom = if start == 0 && self.text.starts_with('\u{feff}') {
            3
        } else {
            0
        };
        ByteOffset(start.max(bom))
    }

    /// Where the text of the line of a place ends, before its line break.
    pub(super) fn line_end(&self, at: ByteOffset) -> ByteOffset {
        let after = self.text.get(at.0..).unwrap_or_default();
        let line = after.split('\n').next().unwrap_or_default();
        at + line.trim_end_matches('\r').len()
    }

    /// Where the line after the one of a place begins; the end of the text if there is none.
    pub(super) fn next_line(&self, at: ByteOffset) -> ByteOffset {
        let after = self.text.get(at.0..).unwrap_or_default();
        at + after.find('\n').map_or(after.len(), |newline| newline + 1)
    }

    /// The blanks at the beginning of the line of a place.
    pub(super) fn indent(&self, at: ByteOffset) -> &'a str {
        let start = self.line_start(at);
        let line = self.slice(ByteRange::new(start, self.line_end(start)));
        line.get(..line.len() - line.trim_start().len())
            .unwrap_or_default()
    }

    /// Whether nothing but blanks stands before a place in its line.
    pub(super) fn begins_line(&self, at: ByteOffset) -> bool {
        self.slice(ByteRange::new(self.line_start(at), at))
            .trim()
            .is_empty()
    }

    /// Whether nothing but blanks stands behind a place in its line.
    pub(super) fn ends_line(&self, at: ByteOffset) -> bool {
        self.slice(ByteRange::new(at, self.line_end(at)))
            .trim()
            .is_empty()
    }

    /// One step of indentation, as the file has it.
    pub(super) fn unit(&self) -> String {
        match Dialect::of(self.text).indent {
            Some(IndentUnit::Tabs) => "\t".to_owned(),
            Some(IndentUnit::Spaces(width)) => " ".repeat(usize::from(width)),
            None => match self.family {
                Family::Go => "\t".to_owned(),
                Family::Script => "  ".to_owned(),
                Family::Rust | Family::Python => "    ".to_owned(),
            },
        }
    }

    /// The innermost named node that holds a range.
    pub(super) fn node_at(&self, range: ByteRange) -> Option<Node<'_>> {
        self.syntax
            .root()
            .named_descendant_for_byte_range(range.start.0, range.end.0)
    }

    pub(super) fn line_number(&self, at: ByteOffset) -> usize {
        let (line, _): (Line, usize) = line_column(self.text, at);
        line.number()
    }

    /// The place that a cursor means: in the blanks before a line's text, that text.
    pub(super) fn meant(&self, at: ByteOffset) -> ByteOffset {
        let start = self.line_start(at);
        let text = start + self.indent(at).len();
        if at < text { text } else { at }
    }

    /// The symbols that a selection holds whole, without those inside of them; else the innermost
    /// one of a kind that is wanted around the cursor.
    pub(super) fn targets(
        &self,
        range: ByteRange,
        wanted: impl Fn(&Symbol) -> bool,
    ) -> Vec<&Symbol> {
        if !range.is_empty() {
            let mut held: Vec<&Symbol> = Vec::new();
            for symbol in &self.symbols {
                let inside = held
                    .last()
                    .is_some_and(|last| last.range.contains_range(symbol.range));
                if range.contains_range(symbol.range) && wanted(symbol) && !inside {
                    held.push(symbol);
                }
            }
            if !held.is_empty() {
                return held;
            }
        }
        self.enclosing(self.meant(range.start), wanted)
            .into_iter()
            .collect()
    }

    /// The innermost symbol of a kind that is wanted around a place.
    pub(super) fn enclosing(
        &self,
        at: ByteOffset,
        wanted: impl Fn(&Symbol) -> bool,
    ) -> Option<&Symbol> {
        let holds = |range: ByteRange| range.start <= at && at <= range.end;
        self.symbols
            .iter()
            .filter(|symbol| holds(symbol.range) || symbol.doc.is_some_and(holds))
            .filter(|symbol| wanted(symbol))
            .min_by_key(|symbol| {
                let whole = symbol
                    .doc
                    .map_or(symbol.range, |doc| doc.cover(symbol.range));
                (whole.end == at, whole.len())
            })
    }

    /// The symbol that a symbol is part of.
    pub(super) fn parent(&self, symbol: &Symbol) -> Option<&Symbol> {
        self.symbols.get(symbol.parent?)
    }

    /// The type that a method belongs to, without type arguments.
    pub(super) fn owner(&self, symbol: &Symbol) -> Option<String> {
        if let Some(container) = &symbol.container {
            return Some(container.clone());
        }
        let parent = self.parent(symbol).filter(|parent| parent.kind.is_type())?;
        let name = parent.name.rsplit(" for ").next().unwrap_or(&parent.name);
        let name = name.split('<').next().unwrap_or(name).trim();
        Some(name.rsplit("::").next().unwrap_or(name).to_owned())
    }

    /// The symbols of a name.
    pub(super) fn named(&self, name: &str, wanted: impl Fn(&Symbol) -> bool) -> Vec<&Symbol> {
        self.symbols
            .iter()
            .filter(|symbol| symbol.name == name && wanted(symbol))
            .collect()
    }

    /// A string literal's own text, if it is a plain one of one short line.
    pub(super) fn plain_string(&self, node: Node<'_>) -> Option<&'a str> {
        let text = self.text_of(node);
        let inner = text.trim_matches(['"', '\'', '`']);
        let short = inner.chars().count() <= 60 && inner.len() + 2 == text.len();
        let plain = !inner.contains(['\\', '\n', '{', '%', '$', '"']) && !inner.trim().is_empty();
        (short && plain).then_some(inner)
    }
}

/// Whether a symbol can be called, and so be tested.
pub(super) fn is_function(symbol: &Symbol) -> bool {
    matches!(
        symbol.kind,
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor
    )
}

/// The nodes below a node, parents first, itself included. Depth costs no stack.
pub(super) struct Nodes<'tree> {
    cursor: TreeCursor<'tree>,
    depth: usize,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Fresh,
    Inside,
    Skip,
    Done,
}

impl<'tree> Nodes<'tree> {
    pub(super) fn below(root: Node<'tree>) -> Self {
        Self {
            cursor: root.walk(),
            depth: 0,
            state: State::Fresh,
        }
    }

    /// Leaves out what is inside the node that came last.
    pub(super) fn skip_inside(&mut self) {
        if self.state == State::Inside {
            self.state = State::Skip;
        }
    }

    fn step(&mut self) -> bool {
        if self.state != State::Skip && self.cursor.goto_first_child() {
            self.depth += 1;
            return true;
        }
        loop {
            if self.depth == 0 {
                return false;
            }
            if self.cursor.goto_next_sibling() {
                return true;
            }
            if !self.cursor.goto_parent() {
                return false;
            }
            self.depth -= 1;
        }
    }
}

impl<'tree> Iterator for Nodes<'tree> {
    type Item = Node<'tree>;

    fn next(&mut self) -> Option<Node<'tree>> {
        match self.state {
            State::Done => return None,
            State::Fresh => {}
            State::Inside | State::Skip => {
                if !self.step() {
                    self.state = State::Done;
                    return None;
                }
            }
        }
        self.state = State::Inside;
        Some(self.cursor.node())
    }
}

/// The node itself, then what it is in, from the inside out.
pub(super) fn upwards(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    std::iter::successors(Some(node), Node::parent)
}

/// The nodes that hold a place, from the outside in. Unlike asking each for its parent it costs no more
/// where a text nests deeply.
pub(super) fn around(root: Node<'_>, at: usize) -> Vec<Node<'_>> {
    let mut path = vec![root];
    let mut cursor = root.walk();
    while cursor.goto_first_child_for_byte(at).is_some() && cursor.node().start_byte() <= at {
        path.push(cursor.node());
    }
    path
}

/// The range that a node covers.
pub(super) fn range_of(node: Node<'_>) -> ByteRange {
    ByteRange::from(node.byte_range())
}

/// The named children without comments.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !child.is_extra())
        .collect()
}
