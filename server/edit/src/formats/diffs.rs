//! Unified diffs, as `diff` and `git` write them and as models write them from memory.
//!
//! Numbers and counts in `@@` lines are evidence, not law: a hunk with more lines than announced is
//! noise, a last hunk with fewer is a reply that was cut.

use crate::hunk::{Hints, Hunk, Mark as Kind, Op, Unit};
use crate::{Format, Refusal, RefusalCode};

/// The part of a diff that is about one file.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a header that was read or not"
)]
pub(crate) struct Diff {
    old_path: Option<String>,
    new_path: Option<String>,
    rename: Option<(String, String)>,
    creates: bool,
    deletes: bool,
    /// A new mode was read.
    mode: bool,
    /// `--- a/x` was read and waits for `+++ b/x`.
    waiting: Option<String>,
    body: Option<Body>,
    done: usize,
    miscounted: bool,
    /// The path of a fence or the line above it, for hunks without a file header.
    fallback: Option<String>,
}

#[derive(Debug, Default)]
struct Body {
    /// Line and number of lines, old and new, as announced.
    counts: Option<[usize; 4]>,
    section: String,
    lines: Vec<Line>,
    old: usize,
    new: usize,
    /// A blank line came after everything that was announced.
    gap: bool,
}

#[derive(Debug)]
struct Line {
    kind: Kind,
    text: String,
    /// It began with its mark.
    marked: bool,
}

/// What a line did to an open diff.
#[derive(Debug)]
pub(crate) enum Step {
    Open(Vec<Hunk>),
    /// The line belongs to what comes after the diff.
    Over(Vec<Hunk>),
    Broken(Refusal),
}

/// Whether a line is the first of a diff.
pub(crate) fn starts(line: &str) -> bool {
    line.starts_with("diff --git ") || line.starts_with("Index: ")
}

/// Whether a line is the first of a diff if the next one is a header for the new file.
pub(crate) fn is_old_header(line: &str) -> bool {
    old_header(line).is_some()
}

/// Whether a line is a header for the new file.
pub(crate) fn is_new_header(line: &str) -> bool {
    new_header(line).is_some()
}

/// Whether a line is a hunk header with numbers.
pub(crate) fn is_numbered_header(line: &str) -> bool {
    counts(line).is_some()
}

fn old_header(line: &str) -> Option<&str> {
    line.strip_prefix("--- ")
        .filter(|path| !path.trim().is_empty() && !path.ends_with(" ---"))
}

fn new_header(line: &str) -> Option<&str> {
    line.strip_prefix("+++ ")
        .filter(|path| !path.trim().is_empty())
}

/// The path of a header without time stamp, quotes and `a/`.
fn header_path(path: &str) -> Option<String> {
    let path = path
        .split('\t')
        .next()
        .unwrap_or(path)
        .trim()
        .trim_matches('"');
    let path = path.split("  ").next().unwrap_or(path).trim();
    (path != "/dev/null" && !path.is_empty()).then(|| path.to_owned())
}

fn counts(line: &str) -> Option<[usize; 4]> {
    let rest = line.trim().strip_prefix("@@")?;
    let numbers = rest.split("@@").next()?.trim();
    let (old, new) = numbers.split_once(char::is_whitespace)?;
    let (old, old_count) = pair(old.strip_prefix('-')?)?;
    let (new, new_count) = pair(new.trim().strip_prefix('+')?)?;
    Some([old, old_count, new, new_count])
}

fn pair(text: &str) -> Option<(usize, usize)> {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    Some((start.trim().parse().ok()?, count.trim().parse().ok()?))
}

impl Diff {
    pub(crate) fn new(fallback: Option<String>) -> Self {
        Self {
            fallback,
            ..Self::default()
        }
    }

    /// Reads the next line. `fenced` tells whether the diff stands in a code fence.
    pub(crate) fn line(&mut self, line: &str, fenced: bool) -> Step {
        if let Some(old) = self.waiting.take() {
            if let Some(new) = new_header(line) {
                let hunks = self.next_file();
                self.old_path = header_path(&old);
                self.new_path = header_path(new);
                self.creates |= self.old_path.is_none();
                self.deletes |= self.new_path.is_none();
                return Step::Open(hunks);
            }
            // It was a removed line that begins with `-- `.
            if self.body.is_none() {
                return Step::Over(self.finish_file());
            }
            self.push(Kind::Remove, &format!("-- {old}"), true);
        }
        if line.trim_start().starts_with("@@") {
            let hunks = self.finish_body();
            let section = line.trim().get(2..).and_then(|rest| rest.split_once("@@"));
            self.body = Some(Body {
                counts: counts(line),
                section: section.map_or("", |(_, section)| section.trim()).to_owned(),
                ..Body::default()
            });
            return Step::Open(hunks);
        }
        if line.starts_with("diff --git ") || line.starts_with("Index: ") {
            let hunks = self.finish_file();
            self.git_header(line);
            return Step::Open(hunks);
        }
        if let Some(path) = old_header(line)
            && self.body.as_ref().is_none_or(|body| !body.expects_both())
        {
            self.waiting = Some(path.to_owned());
            return Step::Open(Vec::new());
        }
        if self.body.is_some() {
            return self.body_line(line, fenced);
        }
        self.header_line(line)
    }

    /// A line between a file header and the first hunk.
    fn header_line(&mut self, line: &str) -> Step {
        if line.trim().is_empty() || self.git_header(line) {
            return Step::Open(Vec::new());
        }
        let has_file = self.old_path.is_some() || self.new_path.is_some();
        if has_file && self.done == 0 && line.starts_with([' ', '+', '-']) {
            self.body = Some(Body::default());
            return self.body_line(line, true);
        }
        if has_file && self.done == 0 && !self.is_complete_without_hunks() {
            return Step::Broken(Refusal::whole(
                RefusalCode::BadFormat,
                format!(
                    "A diff has `{}` where a line of `@@` is due.",
                    excerpt(line)
                ),
            ));
        }
        Step::Over(self.finish_file())
    }

    fn is_complete_without_hunks(&self) -> bool {
        self.rename.is_some() || self.creates || self.deletes || self.mode
    }

    fn git_header(&mut self, line: &str) -> bool {
        if let Some(paths) = line.strip_prefix("diff --git ") {
            if let Some((old, new)) = paths.rsplit_once(" b/") {
                self.old_path = header_path(old);
                self.new_path = header_path(new);
            }
        } else if let Some(from) = line.strip_prefix("rename from ") {
            self.rename = Some((from.trim().to_owned(), String::new()));
        } else if let Some(to) = line.strip_prefix("rename to ") {
            if let Some((_, target)) = &mut self.rename {
                to.trim().clone_into(target);
            }
        } else if line.starts_with("new file mode") {
            self.creates = true;
        } else if line.starts_with("deleted file mode") {
            self.deletes = true;
        } else if line.starts_with("new mode") {
            self.mode = true;
        } else {
            return GIT_NOISE.iter().any(|noise| line.starts_with(noise));
        }
        true
    }

    fn body_line(&mut self, line: &str, fenced: bool) -> Step {
        let full = self.body.as_ref().is_some_and(Body::is_full);
        let gap = self.body.as_ref().is_some_and(|body| body.gap);
        if full && gap && !line.is_empty() {
            return Step::Over(self.finish_file());
        }
        if line.starts_with('\\') && line.to_ascii_lowercase().contains("newline") {
            return Step::Open(Vec::new());
        }
        let rest = line.get(1..).unwrap_or("");
        match line.as_bytes().first() {
            Some(b' ') => self.push(Kind::Keep, rest, true),
            Some(b'-') => self.push(Kind::Remove, rest, true),
            Some(b'+') => self.push(Kind::Add, rest, true),
            None if full => {
                if let Some(body) = &mut self.body {
                    body.gap = true;
                }
            }
            None => self.push(Kind::Keep, "", false),
            Some(_) if full && !fenced => return Step::Over(self.finish_file()),
            Some(_) => self.push(Kind::Keep, line, false),
        }
        Step::Open(Vec::new())
    }

    fn push(&mut self, kind: Kind, text: &str, marked: bool) {
        let Some(body) = &mut self.body else { return };
        self.miscounted |= body.counts.is_some() && body.is_full();
        body.old += usize::from(kind != Kind::Add);
        body.new += usize::from(kind != Kind::Remove);
        body.lines.push(Line {
            kind,
            text: text.to_owned(),
            marked,
        });
    }

    fn path(&self) -> Option<String> {
        let renamed = self.rename.as_ref().map(|(from, _)| from.clone());
        renamed
            .or_else(|| self.old_path.clone().filter(|_| !self.creates))
            .or_else(|| self.new_path.clone())
            .or_else(|| self.old_path.clone())
            .or_else(|| self.fallback.clone())
    }

    fn finish_body(&mut self) -> Vec<Hunk> {
        let Some(body) = self.body.take() else {
            return Vec::new();
        };
        self.miscounted |= body.counts.is_some() && !body.is_full();
        self.done += 1;
        let mut path = self.path();
        if self.deletes {
            return vec![Hunk::new(path, Op::Delete, Format::UnifiedDiff)];
        }
        if self.creates {
            let mut text = String::new();
            for line in body.lines.iter().filter(|line| line.kind == Kind::Add) {
                text.push_str(&line.text);
                text.push('\n');
            }
            path = path.map(|path| path.strip_prefix("b/").map(str::to_owned).unwrap_or(path));
            let op = Op::Write {
                text,
                may_exist: false,
            };
            return vec![Hunk::new(path, op, Format::UnifiedDiff)];
        }
        body.into_hunk(path).into_iter().collect()
    }

    fn next_file(&mut self) -> Vec<Hunk> {
        let header_only = self.body.is_none() && self.done == 0;
        if header_only {
            return Vec::new();
        }
        self.finish_file()
    }

    /// Ends the part about this file.
    fn finish_file(&mut self) -> Vec<Hunk> {
        let mut hunks = self.finish_body();
        let path = self.path();
        if let Some((_, to)) = self.rename.take().filter(|(_, to)| !to.is_empty()) {
            hunks.push(Hunk::new(path, Op::Rename { to }, Format::UnifiedDiff));
        } else if self.done == 0 && self.deletes {
            hunks.push(Hunk::new(path, Op::Delete, Format::UnifiedDiff));
        } else if self.done == 0 && self.creates {
            let op = Op::Write {
                text: String::new(),
                may_exist: false,
            };
            hunks.push(Hunk::new(path, op, Format::UnifiedDiff));
        }
        let (miscounted, fallback) = (self.miscounted, self.fallback.take());
        *self = Self {
            miscounted,
            fallback,
            ..Self::default()
        };
        hunks
    }

    /// Ends the diff where its fence closes.
    pub(crate) fn close(mut self) -> Vec<Hunk> {
        if let Some(old) = self.waiting.take() {
            self.push(Kind::Remove, &format!("-- {old}"), true);
        }
        self.finish_file()
    }

    /// Ends the diff where the reply ends. `complete_line` tells whether its last line was ended.
    pub(crate) fn end(mut self, complete_line: bool) -> Result<Vec<Hunk>, Refusal> {
        if let Some(body) = &mut self.body {
            if body.counts.is_none() {
                while body.lines.last().is_some_and(|line| !line.marked) {
                    body.lines.pop();
                }
            }
            if body.lines.is_empty() {
                return Err(Refusal::whole(
                    RefusalCode::Truncated,
                    "The diff ends after a line of `@@`: the reply was cut.",
                ));
            }
            if body.is_cut(complete_line, self.miscounted) {
                return Err(Refusal::whole(
                    RefusalCode::Truncated,
                    "The last hunk of the diff has fewer lines than its `@@` line says: the reply was cut.",
                ));
            }
        } else if self.waiting.is_some() {
            return Err(Refusal::whole(
                RefusalCode::Truncated,
                "The diff ends after a `---` line: the reply was cut.",
            ));
        } else if self.done == 0 && !self.is_complete_without_hunks() && self.old_path.is_some() {
            return Err(Refusal::whole(
                RefusalCode::Truncated,
                "The diff has a file header and no hunk.",
            ));
        }
        let mut hunks = self.close();
        if let Some(last) = hunks.last_mut() {
            last.hints.unended = !complete_line;
        }
        Ok(hunks)
    }
}

const GIT_NOISE: [&str; 8] = [
    "index ",
    "old mode",
    "similarity index",
    "dissimilarity index",
    "copy from",
    "copy to",
    "Binary files",
    "===",
];

/// How many lines of context `diff -u` and `git diff` write when nobody says otherwise.
const USUAL_CONTEXT: usize = 3;

impl Body {
    /// Everything that was announced has been read; always false without numbers.
    fn is_full(&self) -> bool {
        self.counts
            .is_some_and(|[_, old, _, new]| self.old >= old && self.new >= new)
    }

    /// A removed and an added line are still to come.
    fn expects_both(&self) -> bool {
        self.counts
            .is_some_and(|[_, old, _, new]| self.old < old && self.new < new)
    }

    /// Whether the reply ended in the middle of this hunk.
    fn is_cut(&self, complete_line: bool, miscounted: bool) -> bool {
        let Some([_, old, _, new]) = self.counts else {
            return false;
        };
        if self.is_full() {
            return false;
        }
        let overfull = self.old > old || self.new > new;
        if miscounted || overfull {
            return false;
        }
        // Fewer lines than announced on both sides, and no sign that the numbers are wrong. Whole
        // hunks end in as much context as they begin with, or in what is usual; cut ones hardly ever do.
        let is_keep = |line: &&Line| line.kind == Kind::Keep;
        let head = self.lines.iter().take_while(is_keep).count();
        let tail = self.lines.iter().rev().take_while(is_keep).count();
        let changes = self.lines.iter().any(|line| line.kind != Kind::Keep);
        !(complete_line && changes && tail > 0 && tail >= head && tail <= head.max(USUAL_CONTEXT))
    }

    fn into_hunk(mut self, path: Option<String>) -> Option<Hunk> {
        if self.counts.is_none() || self.is_full() {
            while self
                .lines
                .last()
                .is_some_and(|line| !line.marked && line.text.is_empty())
            {
                self.lines.pop();
            }
        }
        if self.lines.is_empty() {
            return None;
        }
        let join = |skipped: Kind| {
            let mut out = String::new();
            for line in self.lines.iter().filter(|line| line.kind != skipped) {
                out.push_str(&line.text);
                out.push('\n');
            }
            out
        };
        let (old, new) = (join(Kind::Add), join(Kind::Remove));
        let op = match (old.is_empty(), self.counts) {
            // A hunk without context: `-12,0` says "after line 12", and that is all there is.
            (true, Some([line, 0, _, _])) => Op::Lines {
                first: line + 1,
                last: line,
                new,
                guard: None,
            },
            (true, _) => Op::Append { new },
            _ => Op::Replace {
                old,
                new,
                unit: Unit::Lines,
                all: false,
            },
        };
        let mut hunk = Hunk::new(path, op, Format::UnifiedDiff);
        hunk.hints = Hints {
            line: self.counts.map(|[line, ..]| line).filter(|&line| line > 0),
            anchors: Some(self.section)
                .filter(|section| !section.is_empty())
                .into_iter()
                .collect(),
            ordered: true,
            marks: self.lines.iter().map(|line| line.kind).collect(),
            ..Hints::default()
        };
        Some(hunk)
    }
}

fn excerpt(line: &str) -> String {
    line.chars().take(40).collect()
}
