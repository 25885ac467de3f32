//! What is broken in a text: the parser's error and missing nodes, in words.

use std::fmt;

use pleach_text::{ByteOffset, ByteRange, Line};
use tree_sitter::Node;

use crate::guard::Unread;
use crate::walk::{Preorder, range_of};
use crate::{Language, Syntax};

mod culprit;

/// No more problems than this are told of one text, so that a hostile one cannot fill the memory.
/// [`Syntax::problem_count`] counts all.
pub const MAX_PROBLEMS: usize = 2_000;

/// How many characters of the source a problem quotes.
const EXCERPT: usize = 40;

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// Something stands where the grammar allows nothing like it.
    Unexpected,
    /// Something that the grammar asks for is not there: the token or the kind of node.
    Missing(String),
    /// A bracket is opened and not closed: the bracket.
    Unclosed(String),
    /// Nothing of the text was read, and why.
    Unread(Unread),
}

/// One place where a text is not what its grammar says.
///
/// Displayed, it reads ``unexpected `foo` ``, ``missing `)` ``, ``unclosed `{` ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxProblem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// All that the parser could make no sense of; empty where something is missing.
    pub range: ByteRange,
    /// The line to look at.
    pub line: Line,
    /// The column to look at, in UTF-8 bytes from 0.
    pub column: usize,
    /// The beginning of the source in question, in one line.
    pub text: String,
    /// The kind of the innermost whole node around it, such as `block`: with the kind of problem and
    /// the text, it tells the same problem again after an edit elsewhere has moved it.
    pub within: &'static str,
    /// What that node covers.
    pub within_range: ByteRange,
}

impl fmt::Display for SyntaxProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ProblemKind::Unexpected if self.text.is_empty() => f.write_str("unexpected end"),
            ProblemKind::Unexpected => write!(f, "unexpected `{}`", self.text),
            ProblemKind::Missing(what) => write!(f, "missing `{what}`"),
            ProblemKind::Unclosed(bracket) => write!(f, "unclosed `{bracket}`"),
            ProblemKind::Unread(why) => f.write_str(why.words()),
        }
    }
}

impl SyntaxProblem {
    /// What stays the same when text before or after the problem changes.
    pub fn identity(&self) -> (&ProblemKind, &'static str, &str) {
        (&self.kind, self.within, &self.text)
    }
}

impl Syntax {
    /// Whether anything is broken. Takes no time when nothing is.
    pub fn has_problems(&self) -> bool {
        let mut has = self.unread().is_some();
        self.each_problem(|_, _| {
            has = true;
            false
        });
        has
    }

    /// How many error and missing nodes there are. Takes no time when there are none.
    pub fn problem_count(&self) -> usize {
        let mut count = usize::from(self.unread().is_some());
        self.each_problem(|_, _| {
            count += 1;
            true
        });
        count
    }

    /// What is broken, in the order of the text, at most [`MAX_PROBLEMS`]. `text` is what was parsed.
    /// Takes no time when nothing is.
    pub fn problems(&self, text: &str) -> Vec<SyntaxProblem> {
        if let Some(why) = self.unread() {
            return vec![unread(why, text)];
        }
        let mut problems = Vec::new();
        let mut lines = LineCounter::new(text);
        self.each_problem(|node, around| {
            problems.push(describe(self.language(), node, around, text, &mut lines));
            problems.len() < MAX_PROBLEMS
        });
        problems
    }

    /// Calls `found` with each error or missing node and the innermost whole named node around it,
    /// until it returns `false`.
    pub(crate) fn each_problem<'a>(&'a self, mut found: impl FnMut(Node<'a>, Node<'a>) -> bool) {
        let root = self.root();
        if !root.has_error() {
            return;
        }
        let mut walk = Preorder::new(root);
        // The whole named nodes from the root to here, each with its depth.
        let mut around: Vec<(usize, Node<'a>)> = Vec::new();
        loop {
            let node = walk.node();
            while around
                .last()
                .is_some_and(|(depth, _)| *depth >= walk.depth())
            {
                around.pop();
            }
            let descend = node.has_error();
            let is_problem =
                node.is_error() || node.is_missing() || (descend && hides_problem(node));
            if is_problem && !found(node, around.last().map_or(root, |(_, node)| *node)) {
                return;
            }
            if descend && node.is_named() && !node.is_error() {
                around.push((walk.depth(), node));
            }
            if !walk.advance(descend) {
                return;
            }
        }
    }
}

fn unread(why: Unread, text: &str) -> SyntaxProblem {
    let whole = ByteRange::from(0..text.len());
    SyntaxProblem {
        kind: ProblemKind::Unread(why),
        range: whole,
        line: Line(0),
        column: 0,
        text: String::new(),
        within: "",
        within_range: whole,
    }
}

fn describe(
    language: Language,
    node: Node<'_>,
    around: Node<'_>,
    text: &str,
    lines: &mut LineCounter<'_>,
) -> SyntaxProblem {
    let (kind, at, quoted) = if node.is_error() {
        let (kind, culprit) = culprit::of(language, node, text);
        let quoted = text.get(culprit..node.end_byte()).unwrap_or("");
        (kind, culprit, quoted)
    } else {
        // A token that is not there, or a node whose hidden part is not there.
        (
            ProblemKind::Missing(readable(node.kind())),
            node.start_byte(),
            "",
        )
    };
    let (line, column) = lines.place(at);
    SyntaxProblem {
        kind,
        range: range_of(node),
        line,
        column,
        text: excerpt(quoted),
        within: language
            .grammar()
            .node_kind_for_id(around.kind_id())
            .unwrap_or(""),
        within_range: range_of(around),
    }
}

/// Whether a node of nothing hides that it is missing: some grammars make it of a hidden token (`x = ;`
/// in C# has an identifier of nothing).
///
/// A node that is there and says that it has an error, while no part of it has one, is no problem: Go's
/// grammar misses the line break at the end of a whole file that ends without one.
fn hides_problem(node: Node<'_>) -> bool {
    !node.is_error() && node.child_count() == 0 && node.byte_range().is_empty()
}

/// Names of nodes are for machines: `property_identifier` is a property identifier.
fn readable(kind: &str) -> String {
    match kind {
        "\n" | "_newline" | "line_break" => "line break".to_owned(),
        _ if kind.starts_with(|c: char| c.is_ascii_alphabetic()) => kind.replace('_', " "),
        _ => kind.to_owned(),
    }
}

/// The beginning of a piece of source, in one line.
fn excerpt(source: &str) -> String {
    let line = source.trim().lines().next().unwrap_or("").trim_end();
    match line.char_indices().nth(EXCERPT) {
        None => line.to_owned(),
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or("").trim_end()),
    }
}

/// Lines and columns of places that mostly come in order, without starting over each time.
///
/// A line ends at LF, CRLF or a lone CR.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    line_start: usize,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            line: 0,
            line_start: 0,
        }
    }

    fn place(&mut self, byte: usize) -> (Line, usize) {
        let byte = byte.min(self.text.len());
        if byte < self.line_start {
            (self.at, self.line, self.line_start) = (0, 0, 0);
        }
        while self.at < byte {
            let here = self.text.get(self.at).copied();
            let next = self.text.get(self.at + 1).copied();
            self.at += 1;
            if here == Some(b'\n') || (here == Some(b'\r') && next != Some(b'\n')) {
                self.line = self.line.saturating_add(1);
                self.line_start = self.at;
            }
        }
        (
            Line(self.line),
            ByteOffset(byte).since(ByteOffset(self.line_start)),
        )
    }
}
