//! Rust: parts of `use` trees, and `_x` for `x`.

use std::collections::BTreeSet;

use pleach_grammars::Import;
use pleach_text::{ByteRange, Replacement};
use tree_sitter::Node;

use super::{Done, items};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source, children, range_of, upwards};

/// Takes names out of a `use` tree of which something stays.
pub(super) fn remove_names(
    source: &Source<'_>,
    import: &Import,
    names: &BTreeSet<usize>,
) -> Result<Vec<Replacement>, BuiltinRefusal> {
    let Some(statement) = source.node_at(import.range) else {
        return Err(super::stale(source, import.range, "an import"));
    };
    let removed: Vec<ByteRange> = names
        .iter()
        .filter_map(|at| import.names.get(*at))
        .map(|name| name.range)
        .collect();
    let goes = |node: Node<'_>| {
        // A list goes when every name in it goes.
        let held = import
            .names
            .iter()
            .filter(|name| range_of(node).contains_range(name.range));
        let mut held = held.peekable();
        held.peek().is_some() && held.all(|name| removed.contains(&name.range))
    };
    let mut out = Vec::new();
    let mut nodes = Nodes::below(statement);
    while let Some(node) = nodes.next() {
        if node.kind() != "use_list" {
            continue;
        }
        let parts = children(node);
        let gone: BTreeSet<usize> = (0..parts.len())
            .filter(|at| parts.get(*at).is_some_and(|part| goes(*part)))
            .collect();
        if gone.is_empty() {
            continue;
        }
        let kept: Vec<Node<'_>> = parts.iter().copied().filter(|part| !goes(*part)).collect();
        if let [only] = kept.as_slice()
            && may_stand_alone(source, node, *only, &removed)
        {
            // `a::{b}` is `a::b`.
            out.push(Replacement::new(range_of(node), source.text_of(*only)));
            nodes.skip_inside();
            continue;
        }
        let ranges: Vec<ByteRange> = parts.iter().map(|part| range_of(*part)).collect();
        out.extend(items::without(source, &ranges, &gone));
    }
    // A list that goes as a whole is found again inside itself: the outer removal is enough.
    let outer: Vec<ByteRange> = out.iter().map(|one| one.delete).collect();
    out.retain(|one| {
        !outer
            .iter()
            .any(|other| *other != one.delete && other.contains_range(one.delete))
    });
    Ok(out)
}

fn may_stand_alone(
    source: &Source<'_>,
    list: Node<'_>,
    only: Node<'_>,
    removed: &[ByteRange],
) -> bool {
    let text = source.text_of(only);
    let mut cursor = list.walk();
    let has_comment = list.children(&mut cursor).any(|child| child.is_extra());
    !has_comment
        && !text.starts_with("self")
        && !text.contains('\n')
        && !removed
            .iter()
            .any(|range| range_of(only).contains_range(*range))
}

/// Renames an unused variable to `_x`, as rustc suggests.
pub(super) fn variable(source: &Source<'_>, at: ByteRange) -> Result<Done, BuiltinRefusal> {
    let name = source.slice(at);
    let node = source.node_at(at);
    let in_macro = node.is_some_and(|node| upwards(node).any(|node| node.kind() == "token_tree"));
    if in_macro || name.starts_with("r#") || name.starts_with('_') || name == "self" {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "`{name}` in line {} cannot be renamed safely",
                source.line_number(at.start)
            ),
            "change it by hand",
        ));
    }
    let shorthand = node.is_some_and(|node| node.kind() == "shorthand_field_identifier");
    if shorthand {
        let pattern = node.and_then(|node| node.parent());
        let plain = pattern.is_some_and(|pattern| range_of(pattern) == at);
        // `Foo { ref x }` binds in a way of its own.
        if !plain {
            return Err(BuiltinRefusal::uncertain(
                format!("the pattern of `{name}` binds it by reference or mutably"),
                "change it by hand",
            ));
        }
        return Ok(Done {
            replacements: vec![Replacement::new(ByteRange::empty(at.end), ": _")],
            said: format!("Ignores the unused field `{name}` in its pattern."),
        });
    }
    Ok(Done {
        replacements: vec![Replacement::new(ByteRange::empty(at.start), "_")],
        said: format!("Renames the unused variable `{name}` to `_{name}`."),
    })
}
