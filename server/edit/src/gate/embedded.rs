//! Languages inside others: script and style in HTML, fenced code in Markdown.

use pleach_grammars::{Injection, Language, Syntax, SyntaxProblem, injections, parse_until};

/// The problems that a change adds inside embedded code.
///
/// Only where the host embeds as many pieces before as after can a piece be compared with itself;
/// a piece is worse when it parsed before and does not parse now.
pub(super) fn added(
    before: &str,
    after: &str,
    now: &Syntax,
    stop: &mut dyn FnMut() -> bool,
) -> Vec<SyntaxProblem> {
    if !matches!(now.language(), Language::Html | Language::Markdown) {
        return Vec::new();
    }
    let new = injections(now, after);
    if new.is_empty() {
        return Vec::new();
    }
    let Some(then) = parse_until(now.language(), before, stop) else {
        return Vec::new();
    };
    let old = injections(&then, before);
    if old.len() != new.len() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (old, new) in old
        .iter()
        .zip(&new)
        .filter(|(old, new)| old.language == new.language)
    {
        if inner(old, before) == inner(new, after) {
            continue;
        }
        let was_fine = old
            .parse(before, stop)
            .is_some_and(|syntax| !syntax.has_problems());
        if let Some(syntax) = new.parse(after, stop).filter(|_| was_fine) {
            problems.extend(syntax.problems(after));
        }
    }
    problems
}

fn inner(injection: &Injection, text: &str) -> String {
    injection
        .ranges
        .iter()
        .filter_map(|range| range.of(text))
        .collect()
}
