//! Search/replace blocks in the style of conflict markers.

use super::paths;
use crate::hunk::{Hints, Hunk, Op, Unit};
use crate::{Format, Refusal, RefusalCode};

/// A block that is being read.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) path: Option<String>,
    lines: Vec<String>,
}

/// What a line did to an open block.
#[derive(Debug)]
pub(crate) enum Step {
    Open,
    Done(Hunk),
    Broken(Refusal),
}

/// A line that starts a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The path that it may carry.
    pub(crate) path: Option<String>,
}

/// The start of a block that a line is.
pub(crate) fn start(line: &str) -> Option<Start> {
    let line = line.trim();
    let angles = line.bytes().take_while(|&byte| byte == b'<').count();
    let dashes = line.bytes().take_while(|&byte| byte == b'-').count();
    let count = angles.max(dashes);
    if count < 4 {
        return None;
    }
    let word = line
        .get(count..)?
        .trim()
        .trim_end_matches(['>', '<'])
        .trim();
    let (word, rest) = word.split_once(char::is_whitespace).unwrap_or((word, ""));
    let known = match word {
        "SEARCH" | "ORIGINAL" => true,
        "HEAD" => angles >= 5,
        _ => false,
    };
    let path = rest.trim().trim_matches(['`', '"']);
    known.then(|| Start {
        path: paths::looks_like_path(path).then(|| path.to_owned()),
    })
}

fn is_divider(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 5 && line.bytes().all(|byte| byte == b'=')
}

fn is_end(line: &str) -> bool {
    let line = line.trim();
    let angles = line.bytes().take_while(|&byte| byte == b'>').count();
    let pluses = line.bytes().take_while(|&byte| byte == b'+').count();
    let count = angles.max(pluses);
    let word = line
        .get(count..)
        .unwrap_or("")
        .trim()
        .trim_end_matches(['<', '>']);
    match word {
        "REPLACE" | "UPDATED" | "MODIFIED" => count >= 4,
        "" => angles == 7,
        _ => false,
    }
}

impl Block {
    pub(crate) fn new(path: Option<String>) -> Self {
        Self {
            path,
            lines: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, line: &str) -> Step {
        if is_end(line) {
            let path = self.path.clone();
            return match split(&std::mem::take(&mut self.lines)) {
                Ok(parts) => Step::Done(parts.into_hunk(path)),
                Err(refusal) => Step::Broken(refusal),
            };
        }
        if start(line).is_some() {
            return Step::Broken(bad(
                "A SEARCH/REPLACE block starts inside another one that has no REPLACE line.",
            ));
        }
        self.lines.push(line.to_owned());
        Step::Open
    }

    /// Lines read so far, for a preview: what is searched, what replaces it.
    pub(crate) fn preview(&self) -> (String, String) {
        let divider = self.lines.iter().position(|line| is_divider(line));
        let (search, replace) = self.lines.split_at(divider.unwrap_or(self.lines.len()));
        (join(search), join(replace.get(1..).unwrap_or(&[])))
    }
}

struct Parts {
    search: Vec<String>,
    replace: Vec<String>,
    line: Option<usize>,
}

fn bad(message: &str) -> Refusal {
    Refusal::whole(RefusalCode::BadFormat, message)
}

fn split(lines: &[String]) -> Result<Parts, Refusal> {
    let mut dividers: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| is_divider(line))
        .map(|(at, _)| at)
        .collect();
    if dividers.len() > 1 {
        let exact = |&at: &usize| lines.get(at).is_some_and(|line| line.trim_end().len() == 7);
        dividers.retain(exact);
    }
    let [divider] = dividers.as_slice() else {
        return Err(bad(if dividers.is_empty() {
            "A SEARCH/REPLACE block has no line of `=======` between its two parts."
        } else {
            "A SEARCH/REPLACE block has several lines of `=======`: it is not certain which divides it."
        }));
    };
    let (search, replace) = lines.split_at(*divider);
    let replace = replace.get(1..).unwrap_or(&[]);
    let (line, search) = hints(search);
    let unescape = |lines: &[String]| lines.iter().map(|line| unescape_marker(line)).collect();
    Ok(Parts {
        search: unescape(search),
        replace: unescape(replace),
        line,
    })
}

/// `\<<<<<<<` stands for a marker that is meant as text.
fn unescape_marker(line: &str) -> String {
    match line.strip_prefix('\\') {
        Some(rest) if is_divider(rest) || is_end(rest) || start(rest).is_some() => rest.to_owned(),
        _ => line.to_owned(),
    }
}

/// `:start_line:12`, `:end_line:14` and the dashes below them.
fn hints(search: &[String]) -> (Option<usize>, &[String]) {
    let mut line = None;
    let mut at = 0;
    while let Some(text) = search.get(at).map(|text| text.trim()) {
        let number = |prefix: &str| text.strip_prefix(prefix).map(str::trim);
        if let Some(value) = number(":start_line:").or_else(|| number("start_line:")) {
            line = Some(value.parse().ok());
        } else if number(":end_line:")
            .or_else(|| number("end_line:"))
            .is_none()
        {
            break;
        }
        at += 1;
    }
    if at > 0 && search.get(at).is_some_and(|text| is_dashes(text)) {
        at += 1;
    }
    (line.flatten(), search.get(at..).unwrap_or(&[]))
}

fn is_dashes(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 3 && text.bytes().all(|byte| byte == b'-')
}

impl Parts {
    fn into_hunk(self, path: Option<String>) -> Hunk {
        let Self {
            mut search,
            mut replace,
            mut line,
        } = self;
        if let Some(first) = strip_numbers(&mut search) {
            line = line.or(Some(first));
            strip_numbers(&mut replace);
        }
        let mut hunk = Hunk::new(
            path,
            Op::Replace {
                old: join(&search),
                new: join(&replace),
                unit: Unit::Lines,
                all: false,
            },
            Format::SearchReplace,
        );
        hunk.hints = Hints {
            line,
            ..Hints::default()
        };
        hunk
    }
}

fn join(lines: &[String]) -> String {
    let mut out = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Takes `12 | ` off every line, when every line has it and the numbers rise by one. Gives the
/// first number.
pub(crate) fn strip_numbers(lines: &mut [String]) -> Option<usize> {
    let mut first = None;
    let mut expected = None;
    for line in lines.iter() {
        let (number, _) = numbered(line)?;
        if expected.is_some_and(|expected| expected != number) {
            return None;
        }
        expected = number.checked_add(1);
        first = first.or(Some(number));
    }
    for line in lines.iter_mut() {
        if let Some((_, rest)) = numbered(line) {
            *line = rest.to_owned();
        }
    }
    first
}

/// A line number, a bar and the line.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.split_once('|')?;
    let number = number.trim();
    if number.is_empty() || number.len() > 9 {
        return None;
    }
    let number = number.parse().ok()?;
    Some((number, rest.strip_prefix(' ').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    fn read(text: &str) -> Result<(String, String, Option<usize>), RefusalCode> {
        let mut block = Block::default();
        for line in text.lines() {
            match block.line(line) {
                Step::Open => {}
                Step::Done(Hunk {
                    op: Op::Replace { old, new, .. },
                    hints,
                    ..
                }) => {
                    return Ok((old, new, hints.line));
                }
                Step::Done(hunk) => panic!("{hunk:?}"),
                Step::Broken(refusal) => return Err(refusal.code),
            }
        }
        Err(RefusalCode::Truncated)
    }

    #[test]
    fn markers_of_every_length_and_style_start_a_block() {
        for line in [
            "<<<<<<< SEARCH",
            "------- SEARCH",
            "-------- SEARCH",
            "<<<<<<< SEARCH>",
            " <<<<<< SEARCH ",
        ] {
            assert!(start(line).is_some(), "{line}");
        }
        assert_eq!(
            start("<<<<<<< SEARCH a/b.rs"),
            Some(Start {
                path: Some("a/b.rs".to_owned())
            })
        );
        assert!(start("--- SEARCH").is_none() && start("SEARCH").is_none());
    }

    #[test]
    fn reads_both_parts_and_the_line_number() {
        let block = ":start_line:7\n-------\nold\n=======\nnew\nnewer\n>>>>>>> REPLACE";
        assert_eq!(
            read(block),
            Ok(("old\n".into(), "new\nnewer\n".into(), Some(7)))
        );
    }

    #[test]
    fn an_underlined_heading_is_not_the_divider() {
        let block = "Title\n=====\n=======\nOther\n=====\n+++++++ REPLACE";
        assert_eq!(
            read(block),
            Ok(("Title\n=====\n".into(), "Other\n=====\n".into(), None))
        );
    }

    #[test]
    fn numbered_lines_lose_their_numbers() {
        let block = "3 | a\n4 |   b\n=======\n3 | c\n>>>>>>> REPLACE";
        assert_eq!(read(block), Ok(("a\n  b\n".into(), "c\n".into(), Some(3))));
    }

    #[test]
    fn half_a_block_is_refused() {
        assert_eq!(read("a\n+++++++ REPLACE"), Err(RefusalCode::BadFormat));
        assert_eq!(
            read("a\n=======\nb\n<<<<<<< SEARCH"),
            Err(RefusalCode::BadFormat)
        );
        assert_eq!(read("a\n=======\nb"), Err(RefusalCode::Truncated));
    }
}
