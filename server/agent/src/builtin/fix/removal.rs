//! Removing whole statements and lines, and being sure that a name is not used.

use pleach_grammars::{Import, ImportedName, Language};
use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::items::ends_line;
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Family, Nodes, Source, children, range_of};

/// Removes a statement with its line.
pub(super) fn statement(
    source: &Source<'_>,
    range: ByteRange,
) -> Result<Vec<Replacement>, BuiltinRefusal> {
    let node = source.node_at(range);
    let range = node.map_or(range, |node| with_attributes(source, node, range));
    if let Some(node) = node
        && source.family == Family::Python
        && is_alone_in_block(node)
    {
        return Ok(vec![Replacement::new(range, "pass")]);
    }
    let mut end = range.end;
    let rest = source.text.get(end.0..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    if rest.trim_start_matches([' ', '\t']).starts_with(';') {
        end = end + blanks + 1;
    }
    if source.begins_line(range.start) && ends_line(source, end) {
        return Ok(vec![lines(source, ByteRange::new(range.start, end))]);
    }
    if source.begins_line(range.start) {
        // Another statement follows in the line and takes this one's place.
        let rest = source.slice(ByteRange::new(end, source.line_end(end)));
        let blanks = rest.len() - rest.trim_start().len();
        return Ok(vec![Replacement::new(
            ByteRange::new(range.start, end + blanks),
            "",
        )]);
    }
    // The last of several in a line: the mark between goes too.
    let before = source.slice(ByteRange::new(source.line_start(range.start), range.start));
    let kept = before.trim_end().trim_end_matches(';').trim_end();
    let start = if before.trim_end().ends_with(';') {
        source.line_start(range.start) + kept.len()
    } else {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "line {} holds other code as well",
                source.line_number(range.start)
            ),
            "put the statement on a line of its own first",
        ));
    };
    // Rust and TypeScript keep the mark of the statement before.
    let start = if source.family == Family::Python {
        start
    } else {
        start + 1
    };
    Ok(vec![Replacement::new(ByteRange::new(start, end), "")])
}

/// The whole lines of a range, with a blank line that would be left over.
pub(in crate::builtin) fn lines(source: &Source<'_>, range: ByteRange) -> Replacement {
    let mut start = source.line_start(range.start);
    let mut end = source.next_line(range.end.max(range.start));
    let line_at =
        |at: ByteOffset| source.slice(ByteRange::new(source.line_start(at), source.line_end(at)));
    let before = start
        .0
        .checked_sub(1)
        .map(|before| line_at(ByteOffset(before)).trim());
    let is_blank = before.is_some_and(str::is_empty);
    let opens = before.is_none_or(|line| line.ends_with(['(', '{', '[', ':']) || line.is_empty());
    let after = (end.0 < source.text.len()).then(|| line_at(end).trim());
    match after {
        Some("") if opens => end = source.next_line(end),
        Some(line) if is_blank && line.starts_with([')', '}', ']']) => {
            start = source.line_start(ByteOffset(start.0.saturating_sub(1)));
        }
        _ => {}
    }
    Replacement::new(ByteRange::new(start, end), "")
}

/// Rust's attributes stand before a statement as siblings of their own.
fn with_attributes(source: &Source<'_>, node: Node<'_>, range: ByteRange) -> ByteRange {
    let mut start = range.start;
    let mut before = node.prev_sibling();
    while let Some(sibling) = before.filter(|sibling| sibling.kind() == "attribute_item") {
        start = ByteOffset(sibling.start_byte());
        before = sibling.prev_sibling();
    }
    if source.family == Family::Rust {
        ByteRange::new(start, range.end)
    } else {
        range
    }
}

/// Whether a Python statement is all that its block holds.
fn is_alone_in_block(statement: Node<'_>) -> bool {
    statement
        .parent()
        .is_some_and(|parent| parent.kind() == "block" && children(parent).len() == 1)
}

/// Refuses when the text names an imported thing anywhere but in its import.
pub(super) fn check_unused(
    source: &Source<'_>,
    imports: &[Import],
    imported: &ImportedName,
) -> Result<(), BuiltinRefusal> {
    let local = &imported.local;
    if local.is_empty() || local == "*" {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "`{}` brings in names that cannot be seen here",
                imported.path
            ),
            "remove it by hand if you are sure",
        ));
    }
    let implicit =
        local == "React" && matches!(source.language, Language::Tsx | Language::JavaScript);
    if implicit {
        return Err(BuiltinRefusal::uncertain(
            "`React` may be needed by the JSX of the file without being named",
            "remove it by hand if your build does not need it",
        ));
    }
    let mut used = None;
    let mut nodes = Nodes::below(source.syntax.root());
    while let Some(node) = nodes.next() {
        let range = range_of(node);
        if node.kind().contains("comment") || imports.iter().any(|import| import.range == range) {
            nodes.skip_inside();
            continue;
        }
        if node.child_count() == 0 && mentions(source.text_of(node), local) {
            used = Some(range.start);
            break;
        }
    }
    let named_twice = imports
        .iter()
        .flat_map(|import| &import.names)
        .filter(|name| name.local == *local);
    if source.family != Family::Python && named_twice.count() > 1 {
        used = used.or(Some(imported.range.start));
    }
    match used {
        None => Ok(()),
        Some(at) => Err(BuiltinRefusal::uncertain(
            format!("`{local}` is named in line {}", source.line_number(at)),
            "it seems to be used; remove it by hand if you are sure",
        )),
    }
}

/// Whether a text holds a name as a word of its own.
pub(in crate::builtin) fn mentions(text: &str, name: &str) -> bool {
    if name.is_empty() {
        return false;
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + name.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}
