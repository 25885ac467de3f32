//! `<search>` … `<replace>`, `<old_text>` … `<new_text>` and their kin.

use crate::hunk::{Hints, Hunk, Op, Unit};
use crate::{Format, Refusal, RefusalCode};

const OLD: [&str; 5] = ["search", "old_text", "old_str", "old_string", "old"];
const NEW: [&str; 5] = ["replace", "new_text", "new_str", "new_string", "new"];

/// A pair of tags that is being read.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    path: Option<String>,
    line: Option<usize>,
    old: Option<String>,
    open: Option<(&'static str, bool, String)>,
}

/// What a line did to an open pair.
#[derive(Debug)]
pub(crate) enum Step {
    Open,
    Done(Hunk),
    Broken(Refusal),
}

fn opening<'a>(line: &'a str, names: &[&'static str]) -> Option<(&'static str, &'a str, &'a str)> {
    let line = line.trim_start();
    for name in names {
        let Some(rest) = line
            .strip_prefix('<')
            .and_then(|rest| rest.strip_prefix(name))
        else {
            continue;
        };
        if let Some((attributes, rest)) = rest.split_once('>')
            && (attributes.is_empty() || attributes.starts_with(char::is_whitespace))
        {
            return Some((name, attributes, rest));
        }
    }
    None
}

/// Whether a line starts a pair of tags. A tag with text behind it on its line has to be closed
/// on the same line or be one of the unmistakable ones: `<old>` is prose too often.
pub(crate) fn starts(line: &str) -> bool {
    opening(line, &OLD).is_some_and(|(name, _, rest)| {
        let rest = rest.trim();
        name != "old" && (rest.is_empty() || name != "search" || rest.ends_with("</search>"))
    })
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = attributes.split_once(name)?;
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    let value = value.split([' ', '\t']).next()?;
    Some(value.trim_matches(['"', '\'']))
}

/// The path in a tag such as `<edit path="a.rs">` or `<file name="a.rs">`.
pub(crate) fn path_attribute(line: &str) -> Option<String> {
    let line = line.trim();
    if !line.starts_with('<') || line.starts_with("</") || !line.ends_with('>') {
        return None;
    }
    let inner = line.get(1..line.len() - 1)?;
    let path = ["path", "file", "name", "filename"]
        .iter()
        .find_map(|name| attribute(inner.split_once(char::is_whitespace)?.1, name))?;
    super::paths::looks_like_path(path).then(|| path.to_owned())
}

impl Tags {
    pub(crate) fn new(path: Option<String>) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    pub(crate) fn line(&mut self, line: &str) -> Step {
        let mut rest = line;
        if self.open.is_none() {
            let names = if self.old.is_none() { &OLD } else { &NEW };
            match opening(line, names) {
                Some((name, attributes, behind)) => {
                    self.line = self
                        .line
                        .or_else(|| attribute(attributes, "line")?.parse().ok());
                    self.open = Some((name, false, String::new()));
                    if behind.is_empty() {
                        return Step::Open;
                    }
                    rest = behind;
                }
                None if line.trim().is_empty() => return Step::Open,
                None => {
                    return Step::Broken(Refusal::whole(
                        RefusalCode::BadFormat,
                        "A tag with the text to be replaced is not followed by one with the new text.",
                    ));
                }
            }
        }
        let Some((name, started, text)) = &mut self.open else {
            return Step::Open;
        };
        let close = format!("</{name}>");
        let Some((last, _)) = rest.split_once(close.as_str()) else {
            if *started {
                text.push('\n');
            }
            text.push_str(rest);
            *started = true;
            return Step::Open;
        };
        if *started {
            text.push('\n');
        }
        if !last.trim().is_empty() || !*started {
            text.push_str(last);
        }
        let text = std::mem::take(text);
        self.open = None;
        if self.old.is_none() {
            self.old = Some(text);
            return Step::Open;
        }
        let op = Op::Replace {
            old: self.old.take().unwrap_or_default(),
            new: text,
            unit: Unit::Characters,
            all: false,
        };
        let mut hunk = Hunk::new(self.path.clone(), op, Format::SearchReplace);
        hunk.hints = Hints {
            line: self.line.take(),
            ..Hints::default()
        };
        Step::Done(hunk)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn reads_a_pair_over_several_lines_or_one() {
        for reply in [
            "<old_text line=3>\na\nb\n</old_text>\n<new_text>\nc\n</new_text>",
            "<old_text line=3>a\nb\n</old_text>\n\n<new_text>c\n</new_text>",
        ] {
            let mut tags = Tags::default();
            let done = reply.lines().find_map(|line| match tags.line(line) {
                Step::Done(hunk) => Some(hunk),
                Step::Open => None,
                Step::Broken(refusal) => panic!("{refusal}"),
            });
            let Some(Hunk {
                op: Op::Replace { old, new, .. },
                hints,
                ..
            }) = done
            else {
                panic!("{reply}")
            };
            assert_eq!(
                (old.trim_end(), new.trim_end(), hints.line),
                ("a\nb", "c", Some(3))
            );
        }
        assert!(!starts("<search for=x>the button"));
        assert_eq!(
            path_attribute("<edit path=\"src/a.rs\">").as_deref(),
            Some("src/a.rs")
        );
    }
}
