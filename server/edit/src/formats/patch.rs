//! `*** Begin Patch` … `*** End Patch`.

use crate::hunk::{Hints, Hunk, Mark, Op, Unit};
use crate::{Format, Refusal, RefusalCode};

/// A patch that is being read.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    /// It started with `*** Begin Patch`, so it has to end with `*** End Patch`.
    began: bool,
    section: Section,
}

#[derive(Debug, Default)]
enum Section {
    #[default]
    None,
    Add {
        path: String,
        text: String,
    },
    Update {
        path: String,
        chunk: Chunk,
        moved: Option<String>,
        found: bool,
    },
}

#[derive(Debug, Default)]
struct Chunk {
    anchors: Vec<String>,
    lines: Vec<(char, String, bool)>,
    at_end: bool,
}

/// What a line did to an open patch.
#[derive(Debug)]
pub(crate) enum Step {
    Open(Vec<Hunk>),
    Done(Vec<Hunk>),
    Broken(Refusal),
}

/// Whether a line starts a patch.
pub(crate) fn starts(line: &str) -> bool {
    let line = line.trim();
    line == "*** Begin Patch"
        || ["*** Update File: ", "*** Add File: ", "*** Delete File: "]
            .iter()
            .any(|start| line.starts_with(start))
}

impl Patch {
    pub(crate) fn line(&mut self, line: &str) -> Step {
        let trimmed = line.trim();
        if let Some(directive) = trimmed.strip_prefix("*** ") {
            if let Some(step) = self.directive(directive.trim()) {
                return step;
            }
            // A directive that nobody knows, unless it is a line of the file marked as such.
            if !line.starts_with([' ', '+', '-']) {
                return Step::Broken(bad(&format!("A patch has the unknown line `{trimmed}`.")));
            }
        }
        match &mut self.section {
            Section::None if trimmed.is_empty() => Step::Open(Vec::new()),
            Section::None => Step::Broken(bad(&format!(
                "A patch has `{}` where a file is to be named.",
                trimmed.chars().take(40).collect::<String>()
            ))),
            Section::Add { text, .. } => {
                // A line without its mark is a blank line or was forgotten to be marked.
                text.push_str(line.strip_prefix('+').unwrap_or(line));
                text.push('\n');
                Step::Open(Vec::new())
            }
            Section::Update {
                path, chunk, found, ..
            } => {
                if let Some(anchor) = trimmed.strip_prefix("@@") {
                    let mut hunks = Vec::new();
                    if !chunk.lines.is_empty() {
                        hunks.extend(std::mem::take(chunk).into_hunk(path));
                        *found = true;
                    }
                    let anchor = anchor.trim().trim_end_matches("@@").trim();
                    if !anchor.is_empty() && !super::diffs::is_numbered_header(line) {
                        chunk.anchors.push(anchor.to_owned());
                    }
                    return Step::Open(hunks);
                }
                let (mark, text, marked) = match line.as_bytes().first() {
                    Some(b'+') => ('+', line.get(1..).unwrap_or(""), true),
                    Some(b'-') => ('-', line.get(1..).unwrap_or(""), true),
                    Some(b' ') => (' ', line.get(1..).unwrap_or(""), true),
                    _ => (' ', line, false),
                };
                chunk.lines.push((mark, text.to_owned(), marked));
                Step::Open(Vec::new())
            }
        }
    }

    fn directive(&mut self, directive: &str) -> Option<Step> {
        if directive == "Begin Patch" {
            self.began = true;
            return Some(Step::Open(Vec::new()));
        }
        if directive == "End of File" {
            if let Section::Update { chunk, .. } = &mut self.section {
                chunk.at_end = true;
            }
            return Some(Step::Open(Vec::new()));
        }
        if let Some(to) = directive.strip_prefix("Move to:") {
            if let Section::Update { moved, .. } = &mut self.section {
                *moved = Some(to.trim().to_owned());
            }
            return Some(Step::Open(Vec::new()));
        }
        let known = ["Update File:", "Add File:", "Delete File:", "End Patch"];
        if !known.iter().any(|name| directive.starts_with(name)) {
            return None;
        }
        let mut hunks = match std::mem::take(&mut self.section).finish() {
            Ok(hunks) => hunks,
            Err(refusal) => return Some(Step::Broken(refusal)),
        };
        let path = directive
            .split_once(':')
            .map_or("", |(_, path)| path.trim())
            .to_owned();
        if directive.starts_with("Update") {
            self.section = Section::Update {
                path,
                chunk: Chunk::default(),
                moved: None,
                found: false,
            };
        } else if directive.starts_with("Add") {
            self.section = Section::Add {
                path,
                text: String::new(),
            };
        } else if directive.starts_with("Delete") {
            hunks.push(Hunk::new(Some(path), Op::Delete, Format::CodexPatch));
        } else {
            return Some(Step::Done(hunks));
        }
        Some(Step::Open(hunks))
    }

    /// Ends the patch where its fence closes or the reply ends.
    pub(crate) fn end(self) -> Result<Vec<Hunk>, Refusal> {
        if self.began {
            return Err(Refusal::whole(
                RefusalCode::Truncated,
                "The patch has no `*** End Patch`: the reply was cut.",
            ));
        }
        self.section.finish()
    }
}

fn bad(message: &str) -> Refusal {
    Refusal::whole(RefusalCode::BadFormat, message)
}

impl Section {
    fn finish(self) -> Result<Vec<Hunk>, Refusal> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Add { path, text } => Ok(vec![Hunk::new(
                Some(path),
                Op::Write {
                    text,
                    may_exist: true,
                },
                Format::CodexPatch,
            )]),
            Self::Update {
                path,
                chunk,
                moved,
                found,
            } => {
                let mut hunks: Vec<Hunk> = chunk.into_hunk(&path).into_iter().collect();
                if hunks.is_empty() && !found && moved.is_none() {
                    return Err(bad(&format!(
                        "The patch updates {path} but has no change for it."
                    )));
                }
                if let Some(to) = moved {
                    hunks.push(Hunk::new(Some(path), Op::Rename { to }, Format::CodexPatch));
                }
                Ok(hunks)
            }
        }
    }
}

impl Chunk {
    fn into_hunk(mut self, path: &str) -> Option<Hunk> {
        while self
            .lines
            .last()
            .is_some_and(|(_, text, marked)| !marked && text.is_empty())
        {
            self.lines.pop();
        }
        if self.lines.is_empty() {
            return None;
        }
        let join = |skipped: char| {
            let mut out = String::new();
            for (_, text, _) in self.lines.iter().filter(|(mark, ..)| *mark != skipped) {
                out.push_str(text);
                out.push('\n');
            }
            out
        };
        let (old, new) = (join('+'), join('-'));
        let op = if old.is_empty() {
            Op::Append { new }
        } else {
            Op::Replace {
                old,
                new,
                unit: Unit::Lines,
                all: false,
            }
        };
        let mut hunk = Hunk::new(Some(path.to_owned()), op, Format::CodexPatch);
        let mark = |mark: char| match mark {
            '-' => Mark::Remove,
            '+' => Mark::Add,
            _ => Mark::Keep,
        };
        hunk.hints = Hints {
            marks: self.lines.iter().map(|line| mark(line.0)).collect(),
            anchors: self.anchors,
            at_end: self.at_end,
            ordered: true,
            ..Hints::default()
        };
        Some(hunk)
    }
}
