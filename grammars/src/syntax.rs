//! Syntax trees: made from text, moved through edits, made anew from what is left of the old.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use pleach_text::{ByteOffset, ChangeSet, Replacement};
use ropey::Rope;
use tree_sitter::{InputEdit, Node, ParseOptions, Parser, Point, Tree};

use crate::Language;
use crate::guard::{Guard, Meter, Unread};

/// The syntax tree of one text in one language. Cloning is cheap: the tree is shared.
#[derive(Debug, Clone)]
pub struct Syntax {
    language: Language,
    tree: Tree,
    unread: Option<Unread>,
}

/// Parses a text. The grammar is loaded on first use.
///
/// Never fails: what cannot be parsed becomes error nodes, see [`Syntax::problems`]; a text that no
/// grammar can be trusted with is not read at all, see [`Syntax::unread`]. Takes about 0.1 s a
/// megabyte, several times that where much is broken; where somebody waits, use [`parse_rope`] or
/// [`parse_until`], which can be stopped.
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
    #[expect(
        clippy::expect_used,
        reason = "only a parser that is stopped gives nothing"
    )]
    parse_until(language, text, &mut || false).expect("nothing stops it")
}

/// Parses a rope, reusing what `old` still knows, until done or `cancelled` is set.
///
/// `old` must be of the same language and must have been told of every edit since it was made
/// ([`Syntax::edit`]). `None` means that it was cancelled.
///
/// Where the text is broken, the result may tell other problems than one from scratch would: the
/// parser recovers along what it still knows. Whether anything is broken at all is the same.
pub fn parse_rope(
    language: Language,
    text: &Rope,
    old: Option<&Syntax>,
    cancelled: &AtomicBool,
) -> Option<Syntax> {
    let mut guard = Guard::new(language);
    for chunk in text.chunks() {
        guard.feed(chunk.as_bytes());
    }
    let unread = guard.found();
    let mut stop = || cancelled.load(Ordering::Relaxed);
    let mut from = |old: Option<&Syntax>| {
        let mut read = |byte| chunk(text, byte);
        let source = Source {
            len: text.len_bytes(),
            read: &mut read,
            unread,
        };
        let old = old.map(|old| &old.tree);
        run(parser(language), language, source, old, &mut stop)
    };
    let old = old.filter(|old| old.language == language && old.unread.is_none());
    let syntax = from(old)?;
    // What is left of an old tree may tangle what is plain to who begins anew.
    if old.is_some() && syntax.unread == Some(Unread::TooSlow) {
        return from(None);
    }
    Some(syntax)
}

/// Parses a text until done or `stop` says to; `None` means that it was stopped.
///
/// `stop` is asked about every hundred steps of the parser, so it should be cheap.
pub fn parse_until(
    language: Language,
    text: &str,
    stop: &mut dyn FnMut() -> bool,
) -> Option<Syntax> {
    let mut read = |byte| rest(text, byte);
    let source = Source {
        len: text.len(),
        read: &mut read,
        unread: Guard::of(language, text),
    };
    run(parser(language), language, source, None, stop)
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

/// A text as the parser reads it: from any byte on, as much as is at hand.
struct Source<'r, 'text> {
    len: usize,
    read: &'r mut dyn FnMut(usize) -> &'text [u8],
    /// What the guard found.
    unread: Option<Unread>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "its parts are lent to the parser, and nobody needs it afterwards"
)]
fn run(
    mut parser: Parser,
    language: Language,
    source: Source<'_, '_>,
    old: Option<&Tree>,
    stop: &mut dyn FnMut() -> bool,
) -> Option<Syntax> {
    if source.unread.is_some() {
        return Some(Syntax::of_nothing(language, source.unread));
    }
    let meter = RefCell::new(Meter::new(source.len));
    let is_stopped = Cell::new(false);
    let mut progress = |_: &tree_sitter::ParseState| {
        is_stopped.set(stop());
        if is_stopped.get() || !meter.borrow_mut().step() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let tree = parser.parse_with_options(
        &mut |byte, _| meter.borrow_mut().serve((source.read)(byte)),
        old,
        Some(ParseOptions::new().progress_callback(&mut progress)),
    );
    match tree {
        _ if meter.borrow().is_spent() => Some(Syntax::of_nothing(language, Some(Unread::TooSlow))),
        Some(tree) => Some(Syntax {
            language,
            tree,
            unread: None,
        }),
        None if is_stopped.get() => None,
        // Nothing but stopping makes the parser give up; if it does, the text was not read.
        None => Some(Syntax::of_nothing(language, Some(Unread::TooSlow))),
    }
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
    /// The tree of a text of which nothing was read.
    fn of_nothing(language: Language, unread: Option<Unread>) -> Self {
        #[expect(clippy::expect_used, reason = "an empty text is read in a few steps")]
        let tree = parser(language).parse("", None).expect("nothing stops it");
        Self {
            language,
            tree,
            unread,
        }
    }

    /// The tree of some stretches of a text, as if nothing else were there.
    pub(crate) fn of_ranges(
        language: Language,
        text: &str,
        ranges: &[tree_sitter::Range],
        stop: &mut dyn FnMut() -> bool,
    ) -> Option<Self> {
        let mut parser = parser(language);
        parser.set_included_ranges(ranges).ok()?;
        let mut guard = Guard::new(language);
        let mut len = 0;
        for range in ranges {
            let piece = text.get(range.start_byte..range.end_byte).unwrap_or("");
            guard.feed(piece.as_bytes());
            len += piece.len();
        }
        let mut read = |byte| rest(text, byte);
        let source = Source {
            len,
            read: &mut read,
            unread: guard.found(),
        };
        run(parser, language, source, None, stop)
    }

    /// Why nothing of the text was read: it is no text, or one that no grammar can be trusted with.
    /// None for every real text. Where there is a reason, it is also the one problem of the text.
    pub fn unread(&self) -> Option<Unread> {
        self.unread
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
    /// Costs about as much as the change is large, as long as the text after it is whole; a broken one
    /// is read from scratch, so that its problems are what [`parse`] would tell. `None` when `stop`
    /// said to stop.
    pub fn reparse(
        &self,
        before: &str,
        changes: &ChangeSet,
        after: &str,
        stop: &mut dyn FnMut() -> bool,
    ) -> Option<Self> {
        let unread = Guard::of(self.language, after);
        if unread.is_some() || self.unread.is_some() {
            return parse_until(self.language, after, stop);
        }
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
        let mut read = |byte| rest(after, byte);
        let source = Source {
            len: after.len(),
            read: &mut read,
            unread,
        };
        let syntax = run(
            parser(self.language),
            self.language,
            source,
            Some(&old),
            stop,
        )?;
        if syntax.has_problems() {
            return parse_until(self.language, after, stop);
        }
        Some(syntax)
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
