//! Syntax trees: made from text, moved through edits, made anew from what is left of the old.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use pleach_text::{ByteOffset, ChangeSet, Replacement};
use ropey::Rope;
use tree_sitter::{InputEdit, Node, ParseOptions, Parser, Point, Tree};

use crate::Language;

/// The syntax tree of one text in one language. Cloning is cheap: the tree is shared.
#[derive(Debug, Clone)]
pub struct Syntax {
    language: Language,
    tree: Tree,
}

/// Parses a text. The grammar is loaded on first use.
///
/// Never fails: what cannot be parsed becomes error nodes, see [`Syntax::problems`]. Takes as long
/// as it takes; where somebody waits, use [`parse_rope`] or [`Syntax::reparse`], which can be
/// cancelled.
///
/// ```
/// use pleach_grammars::{Language, parse};
///
/// assert_eq!(parse(Language::Rust, "fn main() {}").problems("fn main() {}"), []);
/// ```
#[expect(
    clippy::missing_panics_doc,
    reason = "it never does: see the reason at the `expect`"
)]
pub fn parse(language: Language, text: &str) -> Syntax {
    let tree = parser(language).parse(text, None);
    #[expect(
        clippy::expect_used,
        reason = "only a parser without a language or cancelled has none"
    )]
    let tree = tree.expect("an uncancelled parse gives a tree");
    Syntax { language, tree }
}

/// Parses a rope, reusing what `old` still knows, until done or `cancelled` is set.
///
/// `old` must be of the same language and must have been told of every edit since it was made
/// ([`Syntax::edit`]). `None` means that it was cancelled.
pub fn parse_rope(
    language: Language,
    text: &Rope,
    old: Option<&Syntax>,
    cancelled: &AtomicBool,
) -> Option<Syntax> {
    let old = old
        .filter(|old| old.language == language)
        .map(|old| &old.tree);
    let mut stop = || cancelled.load(Ordering::Relaxed);
    let tree = run(
        &mut parser(language),
        &mut |byte| chunk(text, byte),
        old,
        &mut stop,
    )?;
    Some(Syntax { language, tree })
}

/// Parses a text until done or `stop` says to; `None` means that it was stopped.
///
/// `stop` is asked about every hundred steps of the parser, so it should be cheap.
pub fn parse_until(
    language: Language,
    text: &str,
    stop: &mut dyn FnMut() -> bool,
) -> Option<Syntax> {
    let tree = run(
        &mut parser(language),
        &mut |byte| rest(text, byte),
        None,
        stop,
    )?;
    Some(Syntax { language, tree })
}

fn parser(language: Language) -> Parser {
    let mut parser = Parser::new();
    #[expect(
        clippy::expect_used,
        reason = "a test loads every grammar that is compiled in"
    )]
    parser
        .set_language(language.grammar())
        .expect("the grammar is of a version that is supported");
    parser
}

fn run<'a>(
    parser: &mut Parser,
    read: &mut dyn FnMut(usize) -> &'a [u8],
    old: Option<&Tree>,
    stop: &mut dyn FnMut() -> bool,
) -> Option<Tree> {
    let mut progress = |_: &tree_sitter::ParseState| {
        if stop() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    parser.parse_with_options(
        &mut |byte, _| read(byte),
        old,
        Some(ParseOptions::new().progress_callback(&mut progress)),
    )
}

fn chunk(text: &Rope, byte: usize) -> &[u8] {
    text.get_chunk_at_byte(byte)
        .and_then(|(chunk, start, _, _)| chunk.as_bytes().get(byte.checked_sub(start)?..))
        .unwrap_or(&[])
}

fn rest(text: &str, byte: usize) -> &[u8] {
    text.as_bytes().get(byte..).unwrap_or(&[])
}

impl Syntax {
    /// The tree of some stretches of a text, as if nothing else were there.
    pub(crate) fn of_ranges(
        language: Language,
        text: &str,
        ranges: &[tree_sitter::Range],
        stop: &mut dyn FnMut() -> bool,
    ) -> Option<Self> {
        let mut parser = parser(language);
        parser.set_included_ranges(ranges).ok()?;
        let tree = run(&mut parser, &mut |byte| rest(text, byte), None, stop)?;
        Some(Self { language, tree })
    }

    /// The language that the text was parsed as.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The tree itself.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The node that holds all others.
    pub fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// Tells the tree of an edit, so that its nodes move along. `before` is the text that the edit
    /// applies to.
    ///
    /// The tree then still describes the old text, at new places: parse again to get a true one.
    pub fn edit(&mut self, edit: &Replacement, before: &Rope) {
        let len = before.len_bytes();
        let start = edit.delete.start.0.min(len);
        let end = edit.delete.end.0.clamp(start, len);
        let start_position = point_in_rope(before, start);
        self.tree.edit(&InputEdit {
            start_byte: start,
            old_end_byte: end,
            new_end_byte: start.saturating_add(edit.insert.len()),
            start_position,
            old_end_position: point_in_rope(before, end),
            new_end_position: advance(start_position, &edit.insert),
        });
    }

    /// The tree of the text after a change, made from this one of the text before it.
    ///
    /// Costs about as much as the change is large. `None` when `stop` said to stop.
    pub fn reparse(
        &self,
        before: &str,
        changes: &ChangeSet,
        after: &str,
        stop: &mut dyn FnMut() -> bool,
    ) -> Option<Self> {
        let mut old = self.tree.clone();
        let mut edits = Vec::with_capacity(changes.replacements().len());
        let mut place = Place::default();
        for replacement in changes.replacements() {
            let start_position = place.go_to(before, replacement.delete.start);
            edits.push(InputEdit {
                start_byte: replacement.delete.start.0,
                old_end_byte: replacement.delete.end.0,
                new_end_byte: replacement
                    .delete
                    .start
                    .0
                    .saturating_add(replacement.insert.len()),
                start_position,
                old_end_position: place.go_to(before, replacement.delete.end),
                new_end_position: advance(start_position, &replacement.insert),
            });
        }
        // From the last to the first: so that each finds the places before it as they were.
        for edit in edits.iter().rev() {
            old.edit(edit);
        }
        let tree = run(
            &mut parser(self.language),
            &mut |byte| rest(after, byte),
            Some(&old),
            stop,
        )?;
        Some(Self {
            language: self.language,
            tree,
        })
    }
}

/// A place in a text, counted as tree-sitter does: rows end at line feeds only.
#[derive(Default)]
pub(crate) struct Place {
    at: usize,
    point: Point,
}

impl Place {
    pub(crate) fn go_to(&mut self, text: &str, to: ByteOffset) -> Point {
        if let Some(between) = text.get(self.at..to.0) {
            self.point = advance(self.point, between);
            self.at = to.0;
        }
        self.point
    }
}

/// Where one is after `text` when it begins at `from`.
fn advance(from: Point, text: &str) -> Point {
    match text.rfind('\n') {
        None => Point::new(from.row, from.column.saturating_add(text.len())),
        Some(last) => {
            let rows = text.bytes().filter(|byte| *byte == b'\n').count();
            Point::new(
                from.row.saturating_add(rows),
                text.len().saturating_sub(last + 1),
            )
        }
    }
}

/// The row and column as tree-sitter counts them. `byte` must not be beyond the end.
fn point_in_rope(text: &Rope, byte: usize) -> Point {
    let Ok(line) = text.try_byte_to_line(byte) else {
        return Point::new(0, byte);
    };
    // The rope also ends lines at a lone CR, the parser does not: go back to where its row began.
    // (Its row number then is too high by the number of lone CRs; the parser needs it only to tell
    // this row from another.)
    let mut row_start = line;
    while row_start > 0 {
        let start = text.try_line_to_byte(row_start).unwrap_or(0);
        if start
            .checked_sub(1)
            .and_then(|before| text.get_byte(before))
            == Some(b'\n')
        {
            break;
        }
        row_start -= 1;
    }
    let start = text.try_line_to_byte(row_start).unwrap_or(0);
    Point::new(line, byte.saturating_sub(start))
}
