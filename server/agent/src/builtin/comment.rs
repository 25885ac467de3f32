//! Comments that give an instruction: `ai: …` and `… AI!`, in any language's comments.
//!
//! Found by their text alone, so that they can be listed before a tree is there; the tree is asked
//! when one is carried out.

use std::ops::Range;

use pleach_grammars::Language;

/// The longest comment that is read, in lines.
const MOST_LINES: usize = 20;

/// A comment that gives an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AiComment {
    /// Where it is: first line and the line behind its last, counted in the lines that were given.
    pub lines: Range<usize>,
    /// The byte column at which it begins in its first line.
    pub start: usize,
    /// The byte column at which it ends in its last line.
    pub end: usize,
    /// Whether nothing else stands in its lines.
    pub alone: bool,
    /// What it asks for.
    pub instruction: String,
}

/// The instruction that a comment gives, if it gives one. `comment` is the comment's text with its
/// marks, one or several lines.
///
/// ```
/// use pleach_agent::builtin::comment_instruction;
///
/// assert_eq!(comment_instruction("// ai: rename x to y").as_deref(), Some("rename x to y"));
/// assert_eq!(comment_instruction("# add a docstring AI!").as_deref(), Some("add a docstring"));
/// assert_eq!(comment_instruction("// aim: be clear"), None);
/// ```
pub fn comment_instruction(comment: &str) -> Option<String> {
    let body: Vec<&str> = comment
        .lines()
        .map(without_marks)
        .filter(|line| !line.is_empty())
        .collect();
    instruction_in(&body.join(" "))
}

/// Every comment in some lines that gives an instruction.
///
/// A line comment goes on in the lines directly below (`ai: …`) or comes from those above
/// (`… AI!`) when they hold nothing but a comment with the same mark and the same indentation.
/// Without a language every mark that any language uses is looked for.
///
/// ```
/// use pleach_agent::builtin::ai_comments_near;
/// use pleach_grammars::Language;
///
/// let lines = ["fn a() {", "    // ai: document this", "    fn b() {}", "}"];
/// let found = ai_comments_near(&lines, Some(Language::Rust));
/// assert_eq!(found[0].instruction, "document this");
/// assert_eq!((found[0].lines.clone(), found[0].start, found[0].alone), (1..2, 4, true));
/// ```
pub fn ai_comments_near(lines: &[&str], language: Option<Language>) -> Vec<AiComment> {
    let marks = Marks::of(language);
    let mut found: Vec<AiComment> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let comment = marks
            .find(line)
            .and_then(|opening| match opening.close {
                None => line_comment(lines, at, &opening, &marks),
                Some(close) => block_comment(lines, at, &opening, close),
            })
            .filter(|comment| {
                found
                    .last()
                    .is_none_or(|last| last.lines.end <= comment.lines.start)
            });
        at = comment
            .as_ref()
            .map_or(at + 1, |comment| comment.lines.end.max(at + 1));
        found.extend(comment);
    }
    found
}

struct Opening {
    /// The mark, and the mark that closes it; a line comment has none.
    mark: &'static str,
    close: Option<&'static str>,
    column: usize,
}

struct Marks {
    line: Vec<&'static str>,
    block: Vec<(&'static str, &'static str)>,
}

impl Marks {
    fn of(language: Option<Language>) -> Self {
        match language.map(Language::comment_syntax) {
            Some(syntax) if !(syntax.line.is_empty() && syntax.block.is_empty()) => Self {
                line: syntax.line.to_vec(),
                block: syntax.block.to_vec(),
            },
            _ => Self {
                line: vec!["//", "#", "--", ";", "%"],
                block: vec![("/*", "*/"), ("<!--", "-->")],
            },
        }
    }

    /// The first comment that opens in a line, outside of what look like strings.
    fn find(&self, line: &str) -> Option<Opening> {
        let mut quote: Option<char> = None;
        let mut escaped = false;
        for (column, letter) in line.char_indices() {
            if escaped {
                escaped = false;
                continue;
            }
            match quote {
                Some(open) => {
                    if letter == '\\' {
                        escaped = true;
                    } else if letter == open {
                        quote = None;
                    }
                }
                None if matches!(letter, '"' | '`') => quote = Some(letter),
                // An apostrophe opens a string only if it is closed again: `'a` is a lifetime.
                None if letter == '\'' => {
                    let rest = line.get(column + 1..).unwrap_or_default();
                    let word_before = line
                        .get(..column)
                        .and_then(|before| before.chars().next_back())
                        .is_some_and(char::is_alphanumeric);
                    if rest.contains('\'') && !word_before {
                        quote = Some('\'');
                    }
                }
                None => {
                    let rest = line.get(column..).unwrap_or_default();
                    let block = self.block.iter().find(|(mark, _)| rest.starts_with(mark));
                    if let Some((mark, close)) = block {
                        return Some(Opening {
                            mark,
                            close: Some(close),
                            column,
                        });
                    }
                    if let Some(mark) = self.line.iter().find(|mark| rest.starts_with(*mark)) {
                        return Some(Opening {
                            mark,
                            close: None,
                            column,
                        });
                    }
                }
            }
        }
        None
    }

    /// A line that is one comment with this very mark and nothing else.
    fn continues<'a>(&self, line: &'a str, mark: &str, indent: usize) -> Option<&'a str> {
        let opening = self.find(line)?;
        let before = line.get(..opening.column)?;
        let rest = line.get(opening.column..)?.strip_prefix(mark)?;
        let same = opening.mark == mark && opening.column == indent && before.trim().is_empty();
        // `///` is another kind of comment than `//`, and an empty comment is a break.
        let doc = rest.starts_with(['/', '!', '#', '-']);
        (same && !doc && !rest.trim().is_empty()).then_some(rest.trim())
    }
}

fn line_comment(lines: &[&str], at: usize, opening: &Opening, marks: &Marks) -> Option<AiComment> {
    let line = *lines.get(at)?;
    let own = line.get(opening.column..)?;
    instruction_in(without_marks(own))?;
    let alone = line.get(..opening.column)?.trim().is_empty();
    let body = without_marks(own);
    let ends = strip_call_at_end(body).is_some();
    let mut parts = vec![body];
    let mut span = at..at + 1;
    if alone {
        let continues = |line: &usize| {
            let text = lines.get(*line)?;
            let part = marks.continues(text, opening.mark, opening.column)?;
            // Another instruction is no part of this one.
            instruction_in(part).is_none().then_some(part)
        };
        if ends {
            let above = (0..at)
                .rev()
                .take(MOST_LINES)
                .map_while(|line| continues(&line));
            let above: Vec<&str> = above.collect();
            span.start -= above.len();
            parts.splice(0..0, above.into_iter().rev());
        } else {
            let below = (at + 1..lines.len())
                .take(MOST_LINES)
                .map_while(|line| continues(&line));
            parts.extend(below);
            span.end = at + parts.len();
        }
    }
    let instruction = instruction_in(&parts.join(" "))?;
    let last = lines.get(span.end - 1)?;
    Some(AiComment {
        start: opening.column,
        end: last.trim_end().len(),
        lines: span,
        alone,
        instruction,
    })
}

fn block_comment(lines: &[&str], at: usize, opening: &Opening, close: &str) -> Option<AiComment> {
    let line = *lines.get(at)?;
    let inner = opening.column + opening.mark.len();
    let mut text = String::new();
    for (offset, part) in lines.get(at..)?.iter().take(MOST_LINES).enumerate() {
        let from = if offset == 0 { inner } else { 0 };
        let rest = part.get(from..)?;
        let Some(end) = rest.find(close) else {
            text.push_str(rest);
            text.push('\n');
            continue;
        };
        text.push_str(rest.get(..end)?);
        let end = from + end + close.len();
        let alone = line.get(..opening.column)?.trim().is_empty()
            && part.get(end..).is_some_and(|after| after.trim().is_empty());
        let body: Vec<&str> = text
            .lines()
            .map(|line| line.trim().trim_start_matches('*').trim())
            .collect();
        let instruction = instruction_in(body.join(" ").trim())?;
        let lines = at..at + offset + 1;
        return Some(AiComment {
            lines,
            start: opening.column,
            end,
            alone,
            instruction,
        });
    }
    None
}

/// The instruction in a comment's text, which has no marks any more.
fn instruction_in(body: &str) -> Option<String> {
    let body = body.trim();
    let instruction = strip_ascii_case(body, "ai:")
        .or_else(|| strip_ascii_case(body, "ai!").filter(|rest| rest.starts_with([' ', ':'])))
        .or_else(|| strip_call_at_end(body))?;
    let instruction = strip_call_at_end(instruction).unwrap_or(instruction);
    let instruction = instruction.trim_start_matches(':').trim();
    (!instruction.is_empty()).then(|| instruction.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `… AI!` without its end.
fn strip_call_at_end(body: &str) -> Option<&str> {
    let cut = body.trim_end().len().checked_sub(3)?;
    let (before, end) = body.trim_end().split_at_checked(cut)?;
    let apart = before.is_empty() || before.ends_with(|c: char| !c.is_alphanumeric() && c != '_');
    (end.eq_ignore_ascii_case("ai!") && apart).then(|| {
        before
            .trim_end()
            .trim_end_matches([',', '-', '–', '—', ';'])
            .trim_end()
    })
}

fn strip_ascii_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A line of a comment without the marks that any language uses.
fn without_marks(line: &str) -> &str {
    let mut line = line.trim();
    for close in ["*/", "-->", "--}}", "-}", "*)"] {
        line = line.strip_suffix(close).unwrap_or(line).trim_end();
    }
    for open in ["<!--", "{{!--", "{-", "(*", "/*"] {
        if let Some(rest) = line.strip_prefix(open) {
            return rest.trim_start_matches(['*', '!']).trim();
        }
    }
    for open in ["//", "#", "--", ";", "%", "*"] {
        if let Some(rest) = line.strip_prefix(open) {
            let mark = open.chars().next().unwrap_or('#');
            return rest.trim_start_matches([mark, '!']).trim();
        }
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn instructions_stand_at_the_start_or_call_at_the_end() {
        let text = |s: &str| Some(s.to_owned());
        assert_eq!(comment_instruction("// ai: do it"), text("do it"));
        assert_eq!(comment_instruction("// AI: do it"), text("do it"));
        assert_eq!(comment_instruction("/// do it, AI!"), text("do it"));
        assert_eq!(comment_instruction("# AI! do it"), text("do it"));
        assert_eq!(comment_instruction("/* ai: do it */"), text("do it"));
        assert_eq!(comment_instruction("<!-- ai: do it -->"), text("do it"));
        assert_eq!(comment_instruction("-- do it ai!"), text("do it"));
        assert_eq!(
            comment_instruction("/**\n * ai: do\n * it\n */"),
            text("do it")
        );
        assert_eq!(comment_instruction("; do it AI!"), text("do it"));
    }

    #[test]
    fn other_comments_give_none() {
        for comment in [
            "// ai:",
            "// AI!",
            "// the ai: it thinks",
            "// said: yes",
            "// Hawaii!",
            "# maintain",
            "// see the AI",
            "// what is this AI?",
            "//",
            "",
        ] {
            assert_eq!(comment_instruction(comment), None, "{comment}");
        }
    }

    fn only(text: &str, language: Language) -> AiComment {
        let lines: Vec<&str> = text.lines().collect();
        let mut found = ai_comments_near(&lines, Some(language));
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0)
    }

    #[test]
    fn a_comment_behind_code_is_found_with_its_place() {
        let comment = only(
            "let x = \"// ai: no\"; // ai: rename x to y",
            Language::Rust,
        );
        assert_eq!((comment.start, comment.alone), (21, false));
        assert_eq!(comment.instruction, "rename x to y");
        let comment = only(
            "fn f<'a>(x: &'a str) {} // ai: document this",
            Language::Rust,
        );
        assert_eq!(comment.instruction, "document this");
    }

    #[test]
    fn neighbouring_lines_belong_to_the_instruction() {
        let below = only("x\n# ai: rename a\n# to b\ny", Language::Python);
        assert_eq!(
            (below.lines, below.instruction.as_str()),
            (1..3, "rename a to b")
        );
        let above = only("x\n# rename a\n# to b AI!\n# other", Language::Python);
        assert_eq!(
            (above.lines, above.instruction.as_str()),
            (1..3, "rename a to b")
        );
    }

    #[test]
    fn doc_comments_and_other_indentations_do_not_belong_to_it() {
        let one = only("// ai: document this\n/// Old.\nfn f() {}", Language::Rust);
        assert_eq!(one.lines, 0..1);
        let one = only("# ai: document this\n  # deeper", Language::Python);
        assert_eq!(one.lines, 0..1);
    }

    #[test]
    fn block_comments_may_have_many_lines() {
        let block = only(
            "a();\n/*\n * ai: rename a\n * to b\n */\nb();",
            Language::TypeScript,
        );
        assert_eq!((block.lines, block.start, block.end), (1..5, 0, 3));
        assert_eq!(block.instruction, "rename a to b");
    }
}
