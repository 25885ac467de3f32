//! The one reader of replies: finds what starts an edit and hands the lines on.

use super::fences::Fence;
use super::{Scanned, blocks, diffs, json, patch, paths, tags};
use crate::hunk::{Hunk, Parsed};
use crate::{Format, Refusal, RefusalCode};

/// Plain code that a reply shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// Names that stand near it and may be its path, the likeliest first.
    pub(crate) paths: Vec<String>,
    /// What the fence says it holds.
    pub(crate) info: String,
    pub(crate) text: String,
    /// The fence was closed.
    pub(crate) closed: bool,
    /// It is the whole reply, without a fence around it.
    pub(crate) bare: bool,
}

/// How many lines above a block may hold its path.
const PATH_LINES: usize = 3;

#[derive(Debug, Default)]
enum Mode {
    #[default]
    Text,
    Block(blocks::Block),
    Diff(Box<diffs::Diff>),
    Patch(patch::Patch),
    Tags(tags::Tags),
    Json(json::Balance, String),
}

#[derive(Debug)]
struct Open {
    fence: Fence,
    paths: Vec<String>,
    text: String,
    /// It holds edits, so what else it holds is not code to be written.
    wraps_edits: bool,
}

/// Reads a reply line by line.
#[derive(Debug)]
pub(crate) struct Scanner {
    format: Option<Format>,
    mode: Mode,
    /// A line was read.
    begun: bool,
    fence: Option<Open>,
    /// Names in the last lines outside of blocks, the latest last; `None` for a line without.
    recent: Vec<Option<String>>,
    hunks: Vec<Hunk>,
    code: Vec<Code>,
    repairs: Vec<String>,
    problem: Option<Refusal>,
    /// The reply's last line so far was ended.
    line_ended: bool,
    /// A pair of tags named a path that holds until another one does.
    tag_path: Option<String>,
    /// A line that starts a diff if the next line is `+++ …`, and is text otherwise.
    held: Option<String>,
    /// The last line outside of edits.
    last_line: String,
}

impl Scanner {
    pub(crate) fn new(format: Option<Format>) -> Self {
        Self {
            format,
            mode: Mode::Text,
            begun: false,
            fence: None,
            recent: Vec::new(),
            hunks: Vec::new(),
            code: Vec::new(),
            repairs: Vec::new(),
            problem: None,
            line_ended: true,
            tag_path: None,
            held: None,
            last_line: String::new(),
        }
    }

    /// The hunks that are complete.
    pub(crate) fn hunks(&self) -> &[Hunk] {
        &self.hunks
    }

    /// What is known of the search/replace block that is being read.
    pub(crate) fn open_block(&self) -> Option<(Option<&str>, String, String)> {
        match &self.mode {
            Mode::Block(block) => {
                let (search, replace) = block.preview();
                Some((block.path.as_deref(), search, replace))
            }
            _ => None,
        }
    }

    /// Reads one line with its ending.
    pub(crate) fn line(&mut self, raw: &str) {
        if self.problem.is_some() {
            return;
        }
        // A byte order mark is none of the reply's words.
        let is_first = !std::mem::replace(&mut self.begun, true);
        let unmarked = raw.strip_prefix('\u{feff}').filter(|_| is_first);
        let raw = unmarked.unwrap_or(raw);
        self.line_ended = raw.ends_with('\n');
        let line = raw.strip_suffix('\n').unwrap_or(raw);
        let line = line.strip_suffix('\r').unwrap_or(line);
        match std::mem::take(&mut self.mode) {
            Mode::Text => {
                if !line.trim().is_empty() {
                    line.clone_into(&mut self.last_line);
                }
                self.text_line(line);
                if !matches!(self.mode, Mode::Text) {
                    self.last_line.clear();
                }
            }
            Mode::Block(mut block) => match block.line(line) {
                blocks::Step::Open => self.mode = Mode::Block(block),
                blocks::Step::Done(hunk) => {
                    self.last_line.clear();
                    self.hunks.push(hunk);
                }
                blocks::Step::Broken(refusal) => self.problem = Some(refusal),
            },
            Mode::Tags(mut tags) => match tags.line(line) {
                tags::Step::Open => self.mode = Mode::Tags(tags),
                tags::Step::Done(hunk) => self.hunks.push(hunk),
                tags::Step::Broken(refusal) => self.problem = Some(refusal),
            },
            Mode::Patch(patch) => self.patch_line(patch, line),
            Mode::Diff(diff) => self.diff_line(diff, line),
            Mode::Json(balance, text) => self.json_line(balance, text, line),
        }
    }

    fn closes_fence(&mut self, line: &str) -> bool {
        // In diffs and patches a line that starts with a blank is a context line.
        !line.starts_with(' ')
            && self
                .fence
                .as_mut()
                .is_some_and(|open| open.fence.closed_by(line))
    }

    fn patch_line(&mut self, mut patch: patch::Patch, line: &str) {
        if self.closes_fence(line) {
            self.fence = None;
            match patch.end() {
                Ok(hunks) => self.hunks.extend(hunks),
                Err(refusal) => self.problem = Some(refusal),
            }
            return;
        }
        match patch.line(line) {
            patch::Step::Open(hunks) => {
                self.hunks.extend(hunks);
                self.mode = Mode::Patch(patch);
            }
            patch::Step::Done(hunks) => self.hunks.extend(hunks),
            patch::Step::Broken(refusal) => self.problem = Some(refusal),
        }
    }

    fn diff_line(&mut self, mut diff: Box<diffs::Diff>, line: &str) {
        if self.closes_fence(line) {
            self.fence = None;
            self.hunks.extend(diff.close());
            return;
        }
        match diff.line(line, self.fence.is_some()) {
            diffs::Step::Open(hunks) => {
                self.hunks.extend(hunks);
                self.mode = Mode::Diff(diff);
            }
            diffs::Step::Over(hunks) => {
                self.hunks.extend(hunks);
                self.text_line(line);
            }
            diffs::Step::Broken(refusal) => self.problem = Some(refusal),
        }
    }

    fn json_line(&mut self, mut balance: json::Balance, mut text: String, line: &str) {
        let start = text.len();
        text.push_str(line);
        text.push('\n');
        let rest = text.get(start..).unwrap_or("");
        let Some(end) = balance.line(rest) else {
            self.mode = Mode::Json(balance, text);
            return;
        };
        let (value, behind) = text
            .split_at_checked(start + end)
            .unwrap_or((text.as_str(), ""));
        match json::read(value) {
            Some(Ok(hunks)) => {
                self.hunks.extend(hunks);
                if let Some(open) = &mut self.fence {
                    open.wraps_edits = true;
                }
                // Further calls may stand on the same line.
                let behind = behind.trim_matches(['\n', ' ', ',']).to_owned();
                if behind.starts_with('{') {
                    self.json_line(json::Balance::default(), String::new(), &behind);
                }
            }
            Some(Err(refusal)) => self.problem = Some(refusal),
            None => {
                // JSON that is no tool call is code, or part of the prose.
                match &mut self.fence {
                    Some(open) => open.text.push_str(&text),
                    None => self.remember(line),
                }
            }
        }
    }

    fn text_line(&mut self, line: &str) {
        if let Some(held) = self.held.take() {
            if diffs::is_new_header(line) {
                self.start_diff(&held);
                self.line_again(line);
                return;
            }
            self.plain_line(&held);
        }
        if self.may_start_edit() && diffs::is_old_header(line) {
            self.held = Some(line.to_owned());
            return;
        }
        if let Some(start) = blocks::start(line) {
            let path = start.path.or_else(|| self.block_path());
            self.wrap();
            self.mode = Mode::Block(blocks::Block::new(path));
            return;
        }
        if let Some(path) = tags::path_attribute(line) {
            self.tag_path = Some(path);
        }
        if self.may_start_edit() && self.starts_edit(line) {
            return;
        }
        self.plain_line(line);
    }

    /// A line that starts no edit: code, a fence, or prose.
    fn plain_line(&mut self, line: &str) {
        if let Some(open) = &mut self.fence {
            if !open.fence.closed_by(line) {
                open.text.push_str(line);
                open.text.push('\n');
                return;
            }
            if let Some(open) = self.fence.take() {
                self.close(open, true);
            }
            return;
        }
        match Fence::opened_by(line) {
            Some(fence) => {
                let mut paths: Vec<String> = paths::in_info(&fence.info).into_iter().collect();
                paths.extend(self.recent.iter().rev().flatten().cloned());
                self.fence = Some(Open {
                    fence,
                    paths,
                    text: String::new(),
                    wraps_edits: false,
                });
            }
            None => self.remember(line),
        }
    }

    /// Whether the next line may start a diff, a patch, tags or a tool call: outside of fences, in
    /// fences that hold edits already, and in fences before any code.
    fn may_start_edit(&self) -> bool {
        self.fence
            .as_ref()
            .is_none_or(|open| open.wraps_edits || open.text.trim().is_empty())
    }

    fn starts_edit(&mut self, line: &str) -> bool {
        let fenced_diff = self
            .fence
            .as_ref()
            .is_some_and(|open| open.fence.holds_diff());
        if patch::starts(line) {
            self.wrap();
            self.patch_line(patch::Patch::default(), line);
        } else if diffs::starts(line)
            || diffs::is_numbered_header(line)
            || (fenced_diff && line.trim_start().starts_with("@@"))
        {
            self.start_diff(line);
        } else if tags::starts(line) {
            self.wrap();
            let path = self.tag_path.clone().or_else(|| self.block_path());
            self.mode = Mode::Tags(tags::Tags::new(path));
            self.line_again(line);
        } else {
            let body = line.trim_start();
            let body = body
                .strip_prefix("<tool_call>")
                .unwrap_or(body)
                .trim_start();
            let json = body.starts_with('{') || body.starts_with("[{") || body == "[";
            if !json
                || self
                    .fence
                    .as_ref()
                    .is_some_and(|open| !open.fence.may_hold_json())
            {
                return false;
            }
            self.json_line(json::Balance::default(), String::new(), body);
        }
        true
    }

    fn start_diff(&mut self, line: &str) {
        let fallback = self.block_path();
        self.wrap();
        self.diff_line(Box::new(diffs::Diff::new(fallback)), line);
    }

    fn line_again(&mut self, line: &str) {
        let ended = self.line_ended;
        self.line(line);
        self.line_ended = ended;
    }

    /// The open fence holds edits.
    fn wrap(&mut self) {
        if let Some(open) = &mut self.fence {
            open.wraps_edits = true;
        }
    }

    /// The path of a block that starts here: named inside the fence, on the fence, above it, or
    /// that of the block before.
    fn block_path(&self) -> Option<String> {
        if let Some(open) = &self.fence {
            let named = open.text.lines().rev().find(|line| !line.trim().is_empty());
            if let Some(path) = named.and_then(paths::in_line) {
                return Some(path);
            }
            if let Some(path) = open.paths.first() {
                return Some(path.clone());
            }
        }
        let above = self.recent.iter().rev().flatten().next().cloned();
        above
            .or_else(|| self.code_path())
            .or_else(|| self.hunks.last()?.path.clone())
    }

    /// A fence right above that holds nothing but a path.
    fn code_path(&self) -> Option<String> {
        let code = self.code.last()?;
        let mut lines = code.text.lines().filter(|line| !line.trim().is_empty());
        let only = lines.next()?;
        lines
            .next()
            .is_none()
            .then(|| paths::in_line(only))
            .flatten()
    }

    fn remember(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.recent.len() == PATH_LINES {
            self.recent.remove(0);
        }
        self.recent.push(paths::in_line(line));
    }

    fn close(&mut self, open: Open, closed: bool) {
        if !open.wraps_edits {
            let Open {
                fence, paths, text, ..
            } = open;
            let text = fence.contents(text);
            self.code.push(Code {
                paths,
                info: fence.info,
                text,
                closed,
                bare: false,
            });
        }
        self.recent.clear();
    }

    /// Ends the reply.
    pub(crate) fn finish(mut self, reply: &str) -> Result<Scanned, Refusal> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if let Some(held) = self.held.take() {
            self.plain_line(&held);
        }
        let cut = |what: &str| Refusal::whole(RefusalCode::Truncated, what);
        match std::mem::take(&mut self.mode) {
            Mode::Text => {}
            Mode::Block(_) => {
                return Err(cut(
                    "The last SEARCH/REPLACE block has no REPLACE line: the reply was cut.",
                ));
            }
            Mode::Tags(_) => {
                return Err(cut(
                    "The last pair of tags is not closed: the reply was cut.",
                ));
            }
            Mode::Patch(patch) => self.hunks.extend(patch.end()?),
            Mode::Diff(diff) => {
                let unclosed = self.fence.is_some();
                let hunks = diff.end(self.line_ended)?;
                if unclosed && !hunks.is_empty() {
                    return Err(cut(
                        "The code fence around the diff is not closed: the reply was cut.",
                    ));
                }
                self.hunks.extend(hunks);
                if self.hunks.is_empty() {
                    let message = "The diff changes no text. Modes of files are not changed.";
                    return Err(Refusal::whole(RefusalCode::NoEdit, message));
                }
            }
            Mode::Json(_, text) => {
                if json::smells_like_call(&text) {
                    return Err(cut(
                        "The tool call is not complete JSON: the reply was cut.",
                    ));
                }
                if let Some(open) = &mut self.fence {
                    open.text.push_str(&text);
                }
            }
        }
        if let Some(open) = self.fence.take() {
            if !self.hunks.is_empty() {
                return Err(cut("A code fence is not closed: the reply was cut."));
            }
            self.close(open, false);
        }
        if self.is_cut_at_next_edit() {
            return Err(cut("The reply ends where another edit begins: it was cut."));
        }
        if self.hunks.is_empty() && self.code.is_empty() && self.format_is_code() {
            self.code.extend(bare_code(reply));
        }
        Ok(Scanned {
            parsed: Parsed {
                hunks: self.hunks,
                repairs: self.repairs,
            },
            code: self.code,
        })
    }

    /// Whether the last line is the beginning of one that starts another edit: of a path that the
    /// reply has named before, or of a marker.
    fn is_cut_at_next_edit(&self) -> bool {
        let last = self.last_line.trim();
        if self.hunks.is_empty() || last.is_empty() {
            return false;
        }
        let is_path = self
            .hunks
            .iter()
            .filter_map(|hunk| hunk.path.as_deref())
            .any(|path| {
                path == last || (!self.line_ended && last.len() > 2 && path.starts_with(last))
            });
        let markers = ["<<<<", "------- ", "*** "];
        // An element that begins like the ones before is no prose.
        let tag = !self.line_ended
            && last.starts_with('<')
            && !last.starts_with("</")
            && !last.contains('>')
            && self
                .hunks
                .iter()
                .any(|hunk| hunk.format == Format::SearchReplace);
        is_path
            || tag
            || (!self.line_ended
                && markers
                    .iter()
                    .any(|marker| last.starts_with(marker) && last != "*** End Patch"))
    }

    fn format_is_code(&self) -> bool {
        matches!(
            self.format,
            None | Some(Format::WholeFile | Format::LazySnippet)
        )
    }
}

/// A reply that is nothing but code, perhaps with its path in the first line.
fn bare_code(reply: &str) -> Option<Code> {
    if reply.trim().is_empty() {
        return None;
    }
    let reply = reply.strip_prefix('\u{feff}').unwrap_or(reply);
    let text = reply.replace("\r\n", "\n");
    let (first, rest) = text.trim_start_matches('\n').split_once('\n')?;
    let path = paths::in_line(first).filter(|path| paths::looks_like_path(path));
    let alone = path
        .as_ref()
        .is_some_and(|path| first.trim().len() <= path.len() + 6);
    let (paths, text) = if alone {
        (path.into_iter().collect(), rest.to_owned())
    } else {
        (Vec::new(), text)
    };
    Some(Code {
        paths,
        info: String::new(),
        text,
        closed: true,
        bare: true,
    })
}
