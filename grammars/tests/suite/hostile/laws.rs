//! What holds for every text, however hard it is on a grammar.

use std::sync::atomic::AtomicBool;

use pleach_grammars::{
    Language, Syntax, Unread, bindings, comment_at, comments, function_shape, imports, injections,
    names_used, outline, parse, parse_rope,
};
use pleach_text::{ByteOffset, ByteRange, ChangeSet};
use ropey::Rope;

/// All that is asked of a text gives an answer, and every place in it is one of the text.
pub(crate) fn hold_for(language: Language, text: &str) {
    let syntax = parse(language, text);
    let inside = |range: ByteRange| {
        assert!(
            range.of(text).is_some(),
            "{language}: {range:?} is no part of the text"
        );
    };

    let problems = syntax.problems(text);
    assert_eq!(problems.is_empty(), !syntax.has_problems(), "{language}");
    assert_eq!(
        problems.is_empty(),
        syntax.problem_count() == 0,
        "{language}"
    );
    assert!(
        problems.is_sorted_by_key(|problem| problem.range.start),
        "{language}"
    );
    for problem in &problems {
        inside(problem.range);
        inside(problem.within_range);
        assert!(!problem.to_string().contains('\n'), "{language}: {problem}");
    }

    let symbols = outline(&syntax, text);
    assert!(
        symbols.is_sorted_by_key(|symbol| symbol.range.start),
        "{language}"
    );
    for (index, symbol) in symbols.iter().enumerate() {
        let parts = [
            Some(symbol.range),
            Some(symbol.name_range),
            symbol.body,
            symbol.doc,
        ];
        parts.into_iter().flatten().for_each(inside);
        assert!(
            symbol.parent.is_none_or(|parent| parent < index),
            "{language}: {symbol:?}"
        );
        if index < 40 {
            function_shape(&syntax, text, symbol);
        }
    }
    comments(&syntax, text).into_iter().for_each(inside);
    imports(&syntax, text);
    for name in names_used(&syntax, text) {
        inside(name.range);
    }
    for inner in injections(&syntax, text) {
        inner.ranges.iter().copied().for_each(inside);
        if let Some(inner) = inner.parse(text, &mut || false) {
            inner.problems(text);
        }
    }
    for part in 0..8 {
        let at = ByteOffset(text.len() * part / 8);
        comment_at(&syntax, text, at);
        if let Some(binding) = bindings(&syntax, text, at) {
            binding.occurrences.iter().copied().for_each(inside);
        }
    }
}

/// A tree that is made from the one before a change is that of the text after it.
pub(crate) fn hold_for_change(language: Language, before: &str, change: &ChangeSet) -> String {
    let after = change
        .apply_to_str(before)
        .expect("it is a change of this text");
    let old = parse(language, before);
    let fresh = parse(language, &after);

    let again = old.reparse(before, change, &after, &mut || false);
    same(
        language,
        &again.expect("nothing stops it"),
        &fresh,
        "reparse",
    );

    let mut moved = old;
    let mut rope = Rope::from_str(before);
    for replacement in change.replacements() {
        moved.edit(replacement, &rope);
    }
    change
        .apply(&mut rope)
        .expect("it is a change of this text");
    let go_on = AtomicBool::new(false);
    let typed = parse_rope(language, &rope, Some(&moved), &go_on).expect("nothing stops it");
    same(language, &typed, &fresh, "parse_rope");
    after
}

/// Where a text is broken, the parser recovers along what it still knows, and may tell others of its
/// problems; that anything is broken it tells the same.
fn same(language: Language, found: &Syntax, fresh: &Syntax, how: &str) {
    let is_slow = |syntax: &Syntax| syntax.unread() == Some(Unread::TooSlow);
    if is_slow(found) || is_slow(fresh) {
        return;
    }
    // What is found first may depend on the pieces in which the text comes.
    let is_unread = |syntax: &Syntax| syntax.unread().is_some();
    assert_eq!(is_unread(found), is_unread(fresh), "{language}: {how}");
    assert_eq!(
        found.has_problems(),
        fresh.has_problems(),
        "{language}: {how}"
    );
    if !fresh.has_problems() {
        assert_eq!(shape(found), shape(fresh), "{language}: {how}");
    }
}

/// Every node of a tree: how deep, of what kind, where.
fn shape(syntax: &Syntax) -> Vec<(u32, u16, std::ops::Range<usize>)> {
    let mut nodes = Vec::new();
    let mut cursor = syntax.tree().walk();
    loop {
        let node = cursor.node();
        nodes.push((cursor.depth(), node.kind_id(), node.byte_range()));
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return nodes;
            }
        }
    }
}
