//! Edit blocks in an answer: what can be landed of it.

use std::collections::BTreeMap;

use pleach_text::ByteRange;

/// An edit in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditBlock {
    /// Its lines, in bytes of the text, with the line before it that names the file, if one does.
    pub range: ByteRange,
    /// As it can be landed: with the name of its file, where a block before it says it.
    pub reply: String,
    /// The file that it names, or that a block before it does; patches name theirs inside.
    pub path: Option<String>,
}

struct Line<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

/// The edit blocks of a text, in their order: search/replace blocks and patches, in a code block or without
/// one.
pub fn edit_blocks(text: &str) -> Vec<EditBlock> {
    let mut start = 0;
    let lines: Vec<Line<'_>> = text
        .split_inclusive('\n')
        .map(|whole| {
            let line = Line {
                text: whole.trim_end(),
                start,
                end: start + whole.len(),
            };
            start += whole.len();
            line
        })
        .collect();
    let mut blocks = Vec::new();
    let mut last_path: Option<String> = None;
    let mut fences = Fences::default();
    let mut behind = 0;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let end = if let Some(end) = fences.end(&lines, at) {
            let inside = lines.get(at + 1..end).unwrap_or_default();
            if !is_edit(line.text, inside) {
                at = end + 1;
                continue;
            }
            end
        } else if is_search(line.text) {
            let ends = |line: &Line<'_>| line.text.trim_start().starts_with(">>>>>>> ");
            match lines.iter().skip(at).position(ends) {
                Some(more) => at + more,
                None => break,
            }
        } else {
            at += 1;
            continue;
        };
        let inside = lines.get(at..=end).unwrap_or_default();
        let before = name_before(&lines, at);
        let named_inside = inside.windows(2).find_map(|pair| match pair {
            [name, next] if is_search(next.text) => path_in(name.text),
            _ => None,
        });
        let path = before
            .as_ref()
            .map(|(_, path)| path.clone())
            .or(named_inside);
        let first = before.map_or(line.start, |(start, _)| start);
        let range = ByteRange::from(first..inside.last().map_or(first, |line| line.end));
        let own = text.get(range.as_usize()).unwrap_or_default();
        // Prose between two blocks that may name another file: whoever lands it must say which.
        let between = lines.get(behind..at).unwrap_or_default();
        if path.is_none() && between.iter().any(|line| may_name(line.text)) {
            last_path = None;
        }
        let reply = match (&path, &last_path) {
            (None, Some(last)) => format!("{last}\n{own}"),
            _ => own.to_owned(),
        };
        last_path = path.or(last_path);
        blocks.push(EditBlock {
            range,
            reply,
            path: last_path.clone(),
        });
        at = end + 1;
        behind = at;
    }
    blocks
}

/// Finds the ends of code blocks, from the first block on.
#[derive(Default)]
struct Fences {
    /// For each mark the shortest fence that nothing behind it ends: nothing ends a longer one further on.
    without_end: BTreeMap<char, usize>,
}

impl Fences {
    /// The line that ends the code block that begins in a line.
    fn end(&mut self, lines: &[Line<'_>], at: usize) -> Option<usize> {
        let bare = lines.get(at)?.text.trim_start();
        let mark = bare.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let run = bare.chars().take_while(|c| *c == mark).count();
        let has_none = |shortest: &usize| run >= *shortest;
        if run < 3 || self.without_end.get(&mark).is_some_and(has_none) {
            return None;
        }
        let ends = |line: &Line<'_>| {
            let bare = line.text.trim();
            bare.len() >= run && bare.chars().all(|c| c == mark)
        };
        let more = lines.iter().skip(at + 1).position(ends);
        if more.is_none() {
            self.without_end.insert(mark, run);
        }
        Some(at + 1 + more?)
    }
}

fn is_edit(fence: &str, inside: &[Line<'_>]) -> bool {
    let kind = fence.trim().trim_start_matches(['`', '~']).trim();
    let has = |mark: &str| inside.iter().any(|line| line.text.starts_with(mark));
    inside.iter().any(|line| is_search(line.text))
        || has("*** Begin Patch")
        || (has("--- ") && has("+++ "))
        || (matches!(kind, "diff" | "patch") && has("@@"))
}

fn is_search(line: &str) -> bool {
    let bare = line.trim_start();
    let run = bare.len() - bare.trim_start_matches('<').len();
    (5..=9).contains(&run) && bare.get(run..).is_some_and(|it| it.trim() == "SEARCH")
}

/// The line above a block that names its file: where it begins, and the name.
fn name_before(lines: &[Line<'_>], at: usize) -> Option<(usize, String)> {
    let line = (1..=2)
        .filter_map(|back| lines.get(at.checked_sub(back)?))
        .find(|line| !line.text.trim().is_empty())?;
    Some((line.start, path_in(line.text)?))
}

/// Whether a line of prose has something in it that could be the name of a file.
fn may_name(line: &str) -> bool {
    let is_name = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
        bare.contains('/') || bare.contains('.') || word.contains('`')
    };
    line.split_whitespace().any(is_name)
}

/// The path that a line consists of.
fn path_in(line: &str) -> Option<String> {
    let bare = line.trim().trim_start_matches(['#', ' ']);
    let bare = bare.trim_matches(['*', '`', ':', ' ']);
    let is_path = !bare.is_empty()
        && !bare.contains(char::is_whitespace)
        && !bare.starts_with(['<', '>', '=', '~'])
        && (bare.contains('/') || bare.contains('.'));
    is_path.then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const BLOCK: &str = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n";

    #[test]
    fn blocks_have_the_name_of_their_file() {
        let text = format!(
            "Two changes.\n\nsrc/a.rs\n```\n{BLOCK}```\n\nAnd:\n\n```\n{BLOCK}```\n\n**`src/b.rs`**\n{BLOCK}\n```rust\nfn a() {{}}\n```\n"
        );
        let blocks = edit_blocks(&text);
        let paths: Vec<_> = blocks
            .iter()
            .map(|it| it.path.as_deref().unwrap())
            .collect();
        assert_eq!(paths, ["src/a.rs", "src/a.rs", "src/b.rs"]);
        assert!(blocks[0].reply.starts_with("src/a.rs\n```"));
        assert!(blocks[1].reply.starts_with("src/a.rs\n```\n<<<<<<<"));
        assert!(blocks[2].reply.starts_with("**`src/b.rs`**\n<<<<<<<"));
        assert!(!blocks[1].range.is_empty() && blocks[1].range.end.0 < text.len());
    }

    #[test]
    fn a_block_below_prose_that_may_name_another_file_has_no_name_of_its_own() {
        let text = format!("src/a.rs\n```\n{BLOCK}```\n\nAnd in `src/b.rs`:\n\n```\n{BLOCK}```\n");
        let blocks = edit_blocks(&text);
        assert_eq!(blocks[1].path, None);
        assert!(blocks[1].reply.starts_with("```\n<<<<<<<"));
    }

    #[test]
    fn openings_without_an_end_are_looked_for_once() {
        let lines: Vec<Line<'_>> = ["````a", "```b", "~~~", "```", "~~~~"]
            .iter()
            .map(|text| Line {
                text,
                start: 0,
                end: 0,
            })
            .collect();
        let mut fences = Fences::default();
        let ends: Vec<_> = (0..lines.len()).map(|at| fences.end(&lines, at)).collect();
        assert_eq!(ends, [None, Some(3), Some(4), None, None]);
        assert_eq!(fences.without_end, [('`', 3), ('~', 4)].into());
    }

    #[test]
    fn patches_are_blocks_and_code_is_none() {
        let text = "```diff\n--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-a\n+b\n```\n";
        assert_eq!(edit_blocks(text).len(), 1);
        assert_eq!(
            edit_blocks("```\nx = 1\n```\n<<<<<<< SEARCH\nnever ends\n"),
            []
        );
    }
}
