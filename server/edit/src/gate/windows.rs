//! Large texts: the parts around the changes are parsed instead of the whole.
//!
//! A tree takes some fifty times the memory of its text. A part that is cut where a line stands at
//! the margin parses by itself in most languages; where the part after the change has no problem,
//! the change adds none. Where it has one, the part before tells whether the change or the cut is to
//! blame; what is not decided so is left to the whole text.

use pleach_grammars::Language;
use pleach_text::{ByteOffset, ByteRange, ChangeSet, Replacement};

use super::{FileVerdict, whole};

/// Shorter texts are parsed whole.
pub(super) const LARGE: usize = 256 << 10;

/// How much is read around a change, at least, and at most as much again to find a place to cut.
const REACH: usize = 24 << 10;

/// What the parts around the changes tell; `None` when they do not decide.
pub(super) fn check(
    before: &str,
    changes: &ChangeSet,
    after: &str,
    language: Language,
    stop: &mut dyn FnMut() -> bool,
) -> Option<FileVerdict> {
    let windows = windows(before, changes, language)?;
    let several = windows.len() > 1;
    let mut worse = None;
    for window in windows {
        let old = window.before.of(before)?;
        let new = window.after.of(after)?;
        let changes = ChangeSet::new(window.replacements, ByteOffset(old.len())).ok()?;
        let (verdict, was_clean) = whole(old, &changes, new, language, None, stop);
        if verdict.check != super::Check::Checked {
            return None;
        }
        match verdict.new_problems.is_empty() {
            true if was_clean != Some(false) => {}
            // One construct may begin in one part and end in another.
            false if was_clean != Some(false) && !several => {
                worse = worse.or(Some((verdict, window.after.start)));
            }
            _ => return None,
        }
    }
    Some(match worse {
        Some((verdict, start)) => moved(verdict, start, after),
        None => FileVerdict::unchecked(super::Check::Checked),
    })
}

/// A verdict on a part as one on the whole text.
fn moved(mut verdict: FileVerdict, start: ByteOffset, after: &str) -> FileVerdict {
    let ahead = after.get(..start.0).unwrap_or("");
    let lines = memchr::memchr_iter(b'\n', ahead.as_bytes()).count();
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    let shift = |range: ByteRange| {
        ByteRange::new(
            ByteOffset(range.start.0 + start.0),
            ByteOffset(range.end.0 + start.0),
        )
    };
    for problem in &mut verdict.new_problems {
        problem.range = shift(problem.range);
        problem.within_range = shift(problem.within_range);
        problem.line.0 = problem.line.0.saturating_add(lines);
    }
    verdict
}

/// A part of both texts, and the changes in it.
struct Window {
    before: ByteRange,
    after: ByteRange,
    replacements: Vec<Replacement>,
}

/// The parts around the changes, in order; `None` when they come to as much as a large text.
fn windows(before: &str, changes: &ChangeSet, language: Language) -> Option<Vec<Window>> {
    let mut windows: Vec<Window> = Vec::new();
    let (mut taken, mut put, mut total) = (0, 0, 0);
    for replacement in changes.replacements() {
        let ByteRange { start, end } = replacement.delete;
        let (low, high) = (
            outside(
                before,
                margin_above(before, start.0.saturating_sub(REACH)),
                language,
            ),
            margin_below(before, end.0.saturating_add(REACH)),
        );
        let joins = |window: &&mut Window| low <= window.before.end.0;
        if let Some(window) = windows.last_mut().filter(joins) {
            total += high.saturating_sub(window.before.end.0);
            window.before.end = ByteOffset(high.max(window.before.end.0));
        } else {
            total += high - low;
            let start = ByteOffset(low + put - taken);
            windows.push(Window {
                before: ByteRange::new(ByteOffset(low), ByteOffset(high)),
                after: ByteRange::new(start, start),
                replacements: Vec::new(),
            });
        }
        total += replacement.insert.len();
        if total > LARGE {
            return None;
        }
        taken += replacement.delete.len();
        put += replacement.insert.len();
        if let Some(window) = windows.last_mut() {
            window.after.end = ByteOffset(window.before.end.0 + put - taken);
            let from = window.before.start.0;
            window.replacements.push(Replacement {
                delete: ByteRange::new(ByteOffset(start.0 - from), ByteOffset(end.0 - from)),
                insert: replacement.insert.clone(),
            });
        }
    }
    Some(windows)
}

/// The start of embedded code that a place lies in, else the place itself.
fn outside(text: &str, at: usize, language: Language) -> usize {
    let front = text.get(..at).unwrap_or("");
    match language {
        Language::Markdown => {
            let (mut start, mut open) = (0, None);
            for line in front.split_inclusive('\n') {
                if line.starts_with("```") || line.starts_with("~~~") {
                    open = open.is_none().then_some(start);
                }
                start += line.len();
            }
            open.unwrap_or(at)
        }
        Language::Html => ["script", "style"]
            .into_iter()
            .filter_map(|tag| {
                let open = front.rfind(&format!("<{tag}"))?;
                let closed = front.rfind(&format!("</{tag}")).unwrap_or(0);
                (closed < open).then_some(open)
            })
            .min()
            .unwrap_or(at),
        _ => at,
    }
}

/// Whether a line stands at the margin and begins something.
fn begins(line: &str) -> bool {
    line.starts_with(|first: char| !first.is_whitespace() && !"})]>*/|\\\"'`".contains(first))
}

/// The last line at the margin at or before a place; where there is none near, the start of the line.
fn margin_above(text: &str, at: usize) -> usize {
    let floor = at.saturating_sub(REACH);
    let bytes = text.as_bytes();
    let mut fallback = None;
    let mut end = at.min(bytes.len());
    while let Some(front) = bytes.get(..end) {
        let Some(newline) = memchr::memrchr(b'\n', front) else {
            return 0;
        };
        let start = newline + 1;
        fallback = fallback.or(Some(start));
        if start < floor {
            break;
        }
        if text.get(start..).is_some_and(begins) {
            return start;
        }
        end = newline;
    }
    fallback.unwrap_or(0)
}

/// The first line at the margin at or behind a place; where there is none near, the end of the line.
fn margin_below(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let ceiling = at.saturating_add(REACH);
    let mut fallback = None;
    let mut from = at;
    while let Some(back) = bytes.get(from..) {
        let Some(newline) = memchr::memchr(b'\n', back) else {
            return bytes.len();
        };
        let start = from + newline + 1;
        fallback = fallback.or(Some(start));
        if start > ceiling {
            break;
        }
        if text.get(start..).is_some_and(begins) {
            return start;
        }
        from = start;
    }
    fallback.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::gate;
    use super::*;

    fn program() -> String {
        (0..9_000).fold(String::new(), |text, at| {
            text + &format!("function f{at}(a) {{\n  return a + {at};\n}}\n\n")
        })
    }

    fn decided(before: &str, after: &str, language: Language) -> Option<FileVerdict> {
        let changes = ChangeSet::between(before, after);
        let verdict = check(before, &changes, after, language, &mut || false);
        // What the parts tell is what the whole text tells.
        if let Some(verdict) = &verdict {
            let (all, _) =
                super::super::whole(before, &changes, after, language, None, &mut || false);
            assert_eq!(verdict.is_worse(), all.is_worse());
        }
        verdict
    }

    #[test]
    fn a_change_in_a_large_text_is_checked_by_the_text_around_it() {
        let before = program();
        let js = Language::JavaScript;
        let fine = before.replace("return a + 5000;", "if (a) { return 1; }");
        assert!(!decided(&before, &fine, js).unwrap().is_worse());
        let broken = before.replace("return a + 5000;", "if (a) { return 1;");
        let verdict = decided(&before, &broken, js).unwrap();
        let line = verdict.new_problems.first().unwrap().line.number();
        // At the latest where the part ends.
        assert!((20_002..22_400).contains(&line), "{line}");
        assert_eq!(
            gate(&before, &broken, Some(js)).to_string(),
            verdict.to_string()
        );
    }

    #[test]
    fn what_begins_far_above_where_it_ends_is_left_to_the_whole() {
        let before = program();
        let js = Language::JavaScript;
        let after = before
            .replace("function f100(", "if (ready) {\nfunction f100(")
            .replace("function f8000(", "}\nfunction f8000(");
        assert_eq!(decided(&before, &after, js), None);
        assert!(!gate(&before, &after, Some(js)).is_worse());
    }

    #[test]
    fn a_text_that_was_broken_there_is_left_to_the_whole() {
        let before = program().replace("return a + 5001;", "return a +;");
        let after = before.replace("return a + 5000;", "return a;");
        assert_eq!(decided(&before, &after, Language::JavaScript), None);
        assert!(!gate(&before, &after, Some(Language::JavaScript)).is_worse());
    }

    #[test]
    fn code_in_markdown_is_not_cut_in_two() {
        let block =
            |at: usize| format!("# Part {at}\n\n```js\nlet a = f({at});\n\nlet b = 1;\n```\n\n");
        let before: String = (0..6_000).map(block).collect();
        let broken = before.replace("let a = f(3000);", "let a = f(3000;");
        let verdict = decided(&before, &broken, Language::Markdown).unwrap();
        assert!(verdict.is_worse());
    }
}
