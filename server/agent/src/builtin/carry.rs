//! Carrying out a comment that gives an instruction, and removing it in the same change.

use pleach_grammars::{Symbol, SymbolKind, bindings};
use pleach_text::{ByteOffset, ByteRange, ChangeSet, Replacement, lines};

use super::comment::{AiComment, ai_comments_near};
use super::fix::lines_removed;
use super::intent::Intent;
use super::reply::Draft;
use super::source::{Nodes, Source, range_of};
use super::{BuiltinRefusal, BuiltinTask, Outcome, follow, understood};

/// Carries out the comment at the task's place.
pub(super) fn carry_out(task: &BuiltinTask<'_>) -> Result<Outcome, BuiltinRefusal> {
    let source = Source::read(task.path, task.language, task.text)?;
    let (comment, span) = comment_at(&source, task.range)?;
    let intent = understood(&comment.instruction)?;
    let removal = removal(&source, &comment, span);
    let gone = removal.delete.start;
    let first = ChangeSet::new(vec![removal], task.text.len().into());
    let rest = first
        .as_ref()
        .ok()
        .and_then(|first| first.apply_to_str(task.text).ok());
    let (Ok(first), Some(rest)) = (first, rest) else {
        return Err(BuiltinRefusal::uncertain(
            "the comment cannot be removed",
            "remove it by hand and use the action itself",
        ));
    };
    // What is asked for is done to the text without the comment.
    let cleared = Source::read(task.path, task.language, &rest)?;
    let place = place(&cleared, &intent, &comment, gone)?;
    let outcome = follow(&cleared, &intent, place, task.files)?;
    let mut drafts = Vec::new();
    let mut removed = false;
    for draft in outcome.drafts {
        if draft.path() == task.path {
            drafts.push(draft.after(task.text, &first)?);
            removed = true;
        } else {
            drafts.push(draft);
        }
    }
    if !removed {
        drafts.insert(0, Draft::changed(task.path, task.text, first));
    }
    let summary = format!("{} Removes the comment that asked for it.", outcome.summary);
    Ok(Outcome { summary, drafts })
}

/// The comment with an instruction in the lines of a place, and where it is.
fn comment_at(
    source: &Source<'_>,
    range: ByteRange,
) -> Result<(AiComment, ByteRange), BuiltinRefusal> {
    let placed: Vec<(ByteRange, &str)> = lines(source.text).with_ranges().collect();
    let shown: Vec<&str> = placed
        .iter()
        .map(|(_, line)| line.trim_end_matches(['\n', '\r']))
        .collect();
    let span = |comment: &AiComment| {
        let first = placed.get(comment.lines.start)?.0.start;
        let last = placed.get(comment.lines.end.checked_sub(1)?)?.0.start;
        Some(ByteRange::new(first + comment.start, last + comment.end))
    };
    let meant = ByteRange::new(source.line_start(range.start), source.line_end(range.end));
    let mut found: Vec<(AiComment, ByteRange)> = ai_comments_near(&shown, Some(source.language))
        .into_iter()
        .filter_map(|comment| span(&comment).map(|span| (comment, span)))
        .filter(|(_, span)| span.start <= meant.end && meant.start <= span.end)
        .filter(|(_, span)| is_comment(source, *span))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(BuiltinRefusal::not_here(
            format!(
                "{} of `{}` has no comment with an instruction",
                super::line_of(source, range.start),
                source.path
            ),
            "write one, such as “ai: document this”, and put the cursor on it",
        )),
        (Some(_), false) => Err(BuiltinRefusal::uncertain(
            "the selection holds several comments with instructions",
            "put the cursor on one of them",
        )),
    }
}

fn is_comment(source: &Source<'_>, span: ByteRange) -> bool {
    let node = source
        .syntax
        .root()
        .descendant_for_byte_range(span.start.0, span.start.0 + 1);
    node.is_some_and(|node| {
        super::source::upwards(node)
            .take(3)
            .any(|node| node.kind().contains("comment"))
    })
}

fn removal(source: &Source<'_>, comment: &AiComment, span: ByteRange) -> Replacement {
    if comment.alone {
        return lines_removed(source, span);
    }
    let before = source.slice(ByteRange::new(source.line_start(span.start), span.start));
    let behind = source.slice(ByteRange::new(span.end, source.line_end(span.end)));
    // At the end of a line the blanks before the comment go too.
    let start = if behind.trim().is_empty() {
        source.line_start(span.start) + before.trim_end().len()
    } else {
        span.start
    };
    Replacement::new(ByteRange::new(start, span.end), "")
}

/// What the comment was about: the symbol below it, or the one on its line, or the one around it.
fn place(
    source: &Source<'_>,
    intent: &Intent,
    comment: &AiComment,
    gone: ByteOffset,
) -> Result<ByteRange, BuiltinRefusal> {
    let target = if comment.alone {
        following(source, gone)
    } else {
        on_line(source, gone)
    };
    let around = || {
        source.enclosing(gone, |symbol| {
            symbol.kind.is_callable() || symbol.kind.is_type()
        })
    };
    let nothing = || {
        BuiltinRefusal::not_here(
            "nothing stands below the comment or around it",
            "put the comment above what it is about",
        )
    };
    let line = line_of(source, comment, gone);
    match intent {
        Intent::RemoveUnusedImport { .. } | Intent::Invert | Intent::Complete => Ok(line),
        Intent::Rename { from: Some(_), .. } => Ok(target
            .or_else(around)
            .map_or(ByteRange::empty(gone), |symbol| symbol.range)),
        Intent::Rename { from: None, .. } => {
            let symbol = target.map(|symbol| symbol.name_range);
            let name = symbol.or_else(|| declared_in(source, line));
            name.map(|name| ByteRange::empty(name.start))
                .ok_or_else(nothing)
        }
        Intent::Document { .. } | Intent::Tests { .. } | Intent::Derive { .. } => {
            let symbol = target.or_else(around).ok_or_else(nothing)?;
            Ok(ByteRange::empty(symbol.name_range.start))
        }
    }
}

/// The first line with code at the place where the comment was.
fn line_of(source: &Source<'_>, comment: &AiComment, gone: ByteOffset) -> ByteRange {
    let start = if comment.alone {
        let rest = source.text.get(gone.0..).unwrap_or_default();
        gone + (rest.len() - rest.trim_start().len())
    } else {
        source.line_start(gone)
    };
    let text = source.line_start(start) + source.indent(start).len();
    ByteRange::new(text, source.line_end(start))
}

/// The symbol that comes next, with nothing but blanks and comments before it.
fn following<'s>(source: &'s Source<'_>, at: ByteOffset) -> Option<&'s Symbol> {
    let symbol = source
        .symbols
        .iter()
        .filter(|symbol| symbol.range.start >= at && symbol.kind != SymbolKind::Impl)
        .min_by_key(|symbol| (symbol.range.start, std::cmp::Reverse(symbol.range.end)))?;
    let between = source.slice(ByteRange::new(at, symbol.range.start));
    let only_comments = between.lines().map(str::trim).all(|line| {
        line.is_empty()
            || ["//", "#", "/*", "*"]
                .iter()
                .any(|mark| line.starts_with(mark))
    });
    only_comments.then_some(symbol)
}

/// The symbol whose name stands on a line.
fn on_line<'s>(source: &'s Source<'_>, at: ByteOffset) -> Option<&'s Symbol> {
    let line = ByteRange::new(source.line_start(at), source.line_end(at));
    source
        .symbols
        .iter()
        .find(|symbol| line.contains_range(symbol.name_range))
}

/// The only variable that a line declares.
fn declared_in(source: &Source<'_>, line: ByteRange) -> Option<ByteRange> {
    let node = source.node_at(line)?;
    let mut declared = Nodes::below(node)
        .filter(|node| node.kind().ends_with("identifier") && line.contains_range(range_of(*node)))
        .map(range_of)
        .filter(|at| {
            bindings(&source.syntax, source.text, at.start)
                .is_some_and(|binding| binding.definition == Some(*at))
        });
    declared.next().filter(|_| declared.next().is_none())
}
