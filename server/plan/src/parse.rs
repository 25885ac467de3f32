//! From a text to its plan. Any text is understood as far as it is one.

use pleach_text::ByteRange;

use crate::check::{Check, code_span};
use crate::scan::{INSIDE, Line, Unclosed, scan};
use crate::step::{Role, Status, Step, StepFile, StepKey, Value};
use crate::{MAX_BYTES, MAX_STEPS};

/// A plan, as its text says it. All ranges are bytes of that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(crate) len: usize,
    pub(crate) line_ending: &'static str,
    title: Option<Value<String>>,
    goal: Option<Value<String>>,
    rules: Option<Value<String>>,
    steps: Vec<Step>,
    headings: Vec<Heading>,
    /// Items of the steps' list that have no box.
    pub(crate) boxless: Vec<ByteRange>,
    pub(crate) unclosed: Vec<(Unclosed, ByteRange)>,
    pub(crate) too_long: bool,
    /// The first item that is not read any more.
    pub(crate) too_many: Option<ByteRange>,
}

/// A heading and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) level: usize,
    pub(crate) text: String,
    pub(crate) line: ByteRange,
    /// To the next heading of its level or above.
    pub(crate) range: ByteRange,
}

impl Plan {
    /// Understands a text. Never fails: a text that is no plan is a plan without steps.
    pub fn parse(text: &str) -> Self {
        let mut plan = Self {
            len: text.len(),
            line_ending: if text.contains("\r\n") { "\r\n" } else { "\n" },
            title: None,
            goal: None,
            rules: None,
            steps: Vec::new(),
            headings: Vec::new(),
            boxless: Vec::new(),
            unclosed: Vec::new(),
            too_long: text.len() > MAX_BYTES,
            too_many: None,
        };
        if plan.too_long {
            return plan;
        }
        let scanned = scan(text);
        plan.unclosed = scanned.unclosed;
        let (front, body) = scanned
            .lines
            .split_at(scanned.front.min(scanned.lines.len()));
        plan.rules = front.iter().find_map(front_rules);
        plan.headings = headings(body, text.len());
        plan.title = plan
            .headings
            .iter()
            .find(|it| it.level == 1)
            .map(|it| Value {
                value: it.text.clone(),
                range: it.line,
            });
        plan.goal = plan.goal_of(text);
        let section = plan.headings.iter().find(|it| is_steps(&it.text));
        let (section, in_section) = match section {
            Some(heading) => (heading.range, true),
            None => (ByteRange::from(0..text.len()), false),
        };
        let lines: Vec<Line<'_>> = body
            .iter()
            .filter(|line| section.start.0 <= line.start && line.end <= section.end.0)
            .copied()
            .collect();
        plan.read_steps(&lines, in_section);
        plan.number_steps();
        plan
    }

    /// Its first heading of the first level.
    pub fn title(&self) -> Option<&Value<String>> {
        self.title.as_ref()
    }

    /// What stands under the heading *Goal*, or right under the title.
    pub fn goal(&self) -> Option<&Value<String>> {
        self.goal.as_ref()
    }

    /// The hash of the rules that it was made under, from its front matter.
    pub fn rules(&self) -> Option<&Value<String>> {
        self.rules.as_ref()
    }

    /// Its steps, as they stand.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step of a number.
    pub fn numbered(&self, number: u32) -> Option<&Step> {
        self.steps.iter().find(|step| step.number == number)
    }

    /// The place of the step of a number in [`Plan::steps`].
    pub fn index_of(&self, number: u32) -> Option<usize> {
        self.steps.iter().position(|step| step.number == number)
    }

    /// The place of a step that may have been moved or renamed since: the one of that number and title,
    /// else the only one of that title, else the one of that number whose title was reworded.
    pub fn find(&self, key: &StepKey) -> Option<usize> {
        let titled = |step: &Step| step.title == key.title;
        let exact = self
            .steps
            .iter()
            .position(|step| step.number == key.number && titled(step));
        exact.or_else(|| {
            let mut same = self
                .steps
                .iter()
                .enumerate()
                .filter(|(_, step)| titled(step));
            match (same.next(), same.next()) {
                (Some((at, _)), None) => Some(at),
                _ => self.index_of(key.number),
            }
        })
    }

    /// Counts a step as having another status than its box says: one that is about to be written.
    pub fn assume(&mut self, at: usize, status: Status) {
        if let Some(step) = self.steps.get_mut(at) {
            step.status = status;
        }
    }

    /// The place of the step that holds a byte of the text.
    pub fn step_at(&self, at: usize) -> Option<usize> {
        self.steps
            .iter()
            .position(|step| step.range.start.0 <= at && at <= step.range.end.0)
    }

    /// The headings with what stands below each, and its level from 1: the outline of the text.
    pub fn headings(&self) -> impl Iterator<Item = (usize, &str, ByteRange, ByteRange)> {
        self.headings
            .iter()
            .map(|it| (it.level, it.text.as_str(), it.line, it.range))
    }

    fn goal_of(&self, text: &str) -> Option<Value<String>> {
        let named = |it: &&Heading| it.text.trim().eq_ignore_ascii_case("goal");
        let heading = self.headings.iter().find(named);
        let heading = heading.or_else(|| self.headings.iter().find(|it| it.level == 1))?;
        let start = heading.line.end.0;
        // The first part below it, without the headings that are below it.
        let next = self.headings.iter().map(|it| it.line.start.0);
        let end = next.filter(|at| *at > start).min().unwrap_or(text.len());
        let part = text.get(start..end)?;
        let blank = part.len() - part.trim_start().len();
        let value = part.trim().to_owned();
        let range = ByteRange::from(start + blank..start + blank + value.len());
        (!value.is_empty()).then_some(Value { value, range })
    }

    fn read_steps(&mut self, lines: &[Line<'_>], in_section: bool) {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let item = (!line.is_literal && line.indent() < 4)
                .then(|| Item::read(line))
                .flatten();
            at += 1;
            let Some(item) = item else { continue };
            let Some(mark) = item.mark else {
                if in_section && item.is_numbered && line.indent() < INSIDE {
                    self.boxless.push(line.range());
                }
                continue;
            };
            if self.steps.len() == MAX_STEPS {
                self.too_many = Some(line.range());
                return;
            }
            let rest = lines.get(at..).unwrap_or_default();
            let inside = |line: &&Line<'_>| line.is_blank() || line.indent() >= INSIDE;
            let is_nested_step = |line: &Line<'_>| {
                !line.is_literal
                    && line.indent() < 4
                    && line.indent() <= item.indent
                    && Item::read(line).is_some_and(|item| item.mark.is_some())
            };
            let mut count = rest
                .iter()
                .take_while(inside)
                .take_while(|line| !is_nested_step(line))
                .count();
            while count > 0 && rest.get(count - 1).is_some_and(Line::is_blank) {
                count -= 1;
            }
            let body = rest.get(..count).unwrap_or_default();
            at += count;
            self.steps.push(read_step(line, &item, mark, body));
        }
    }

    /// Written numbers count where they tell the steps apart.
    fn number_steps(&mut self) {
        let written: Vec<u32> = self.steps.iter().map(|step| step.number).collect();
        let all_alike = written.len() > 1 && written.iter().all(|it| Some(it) == written.first());
        if all_alike || written.contains(&0) {
            for (number, step) in (1..).zip(&mut self.steps) {
                step.number = number;
            }
        }
    }
}

fn is_steps(heading: &str) -> bool {
    let heading = heading.trim().trim_end_matches(':');
    heading.eq_ignore_ascii_case("steps")
}

fn front_rules(line: &Line<'_>) -> Option<Value<String>> {
    let (name, value) = line.text.split_once(':')?;
    let start = line.start + name.len() + 1 + (value.len() - value.trim_start().len());
    let value = value.trim().to_owned();
    (name.trim() == "rules" && !value.is_empty()).then(|| Value {
        range: ByteRange::from(start..start + value.len()),
        value,
    })
}

fn headings(lines: &[Line<'_>], len: usize) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    // Those that a further heading may end, the innermost last.
    let mut open: Vec<usize> = Vec::new();
    for line in lines {
        if line.is_literal || line.indent() > 3 {
            continue;
        }
        let text = line.text.trim();
        let level = text.chars().take_while(|c| *c == '#').count();
        let rest = text.get(level..).unwrap_or_default();
        if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
            continue;
        }
        while let Some(last) = open.last().and_then(|at| found.get_mut(*at)) {
            if last.level < level {
                break;
            }
            last.range.end.0 = line.start;
            open.pop();
        }
        open.push(found.len());
        found.push(Heading {
            level,
            text: rest.trim().trim_end_matches('#').trim().to_owned(),
            line: line.range(),
            range: ByteRange::from(line.start..len),
        });
    }
    found
}

/// An item of a list that may be a step.
struct Item {
    indent: usize,
    is_numbered: bool,
    /// 0 for one with a bullet.
    number: u32,
    /// What stands between the brackets, and where; `None` without brackets.
    mark: Option<(Option<char>, ByteRange)>,
    title: ByteRange,
    /// Columns before the text of the item.
    width: usize,
}

impl Item {
    fn read(line: &Line<'_>) -> Option<Self> {
        let text = line.text;
        let trimmed = text.trim_start();
        let lead = text.len() - trimmed.len();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (marker, number) = if digits == 0 {
            trimmed.strip_prefix(['-', '*', '+'])?;
            (1, 0)
        } else {
            let rest = trimmed.get(digits..)?;
            rest.strip_prefix(['.', ')'])?;
            (digits + 1, trimmed.get(..digits)?.parse().ok()?)
        };
        let rest = trimmed.get(marker..)?;
        let body = rest.trim_start_matches([' ', '\t']);
        let gap = rest.len() - body.len();
        if gap == 0 {
            return None;
        }
        let at = line.start + lead + marker + gap;
        let (mark, title_at) = match box_of(body) {
            Some((mark, len)) => {
                let behind = body.get(len..).unwrap_or_default();
                let blank = behind.len() - behind.trim_start().len();
                let inner = ByteRange::from(at + 1..at + len - 1);
                (Some((mark, inner)), at + len + blank)
            }
            None => (None, at),
        };
        let end = line.start + text.trim_end().len();
        Some(Self {
            indent: line.indent(),
            is_numbered: digits > 0,
            number,
            mark,
            title: ByteRange::from(title_at.min(end.max(line.start))..end.max(title_at.min(end))),
            width: line.indent() + marker + gap.min(4),
        })
    }
}

/// The box that a text begins with: what stands in it, and its length.
fn box_of(text: &str) -> Option<(Option<char>, usize)> {
    let inside = text.strip_prefix('[')?;
    let mut chars = inside.chars();
    let (mark, len) = match chars.next()? {
        ']' => (None, 2),
        mark => {
            chars.next().filter(|close| *close == ']')?;
            (Some(mark), 2 + mark.len_utf8())
        }
    };
    // `[x](y)` is a link and `[x]: y` the target of one.
    let behind = text.get(len..)?;
    (behind.is_empty() || behind.starts_with([' ', '\t'])).then_some((mark, len))
}

fn read_step(
    head: &Line<'_>,
    item: &Item,
    (mark, status_range): (Option<char>, ByteRange),
    body: &[Line<'_>],
) -> Step {
    let status = mark.and_then(Status::of_mark);
    let slice = |range: ByteRange| {
        let from = range.start.0.saturating_sub(head.start);
        let to = range.end.0.saturating_sub(head.start);
        head.text.get(from..to).unwrap_or_default()
    };
    let title = slice(item.title).trim();
    let bare = title
        .strip_prefix("**")
        .and_then(|title| title.strip_suffix("**"))
        .filter(|title| !title.contains("**"))
        .unwrap_or(title);
    let end = body
        .last()
        .map_or(head.range().end, |line| line.range().end);
    let mut step = Step {
        number: item.number,
        status: status.unwrap_or(Status::Todo),
        status_range,
        status_is_known: status.is_some(),
        title: bare.to_owned(),
        title_range: item.title,
        head: head.range(),
        range: ByteRange::new(head.range().start, end),
        role: None,
        files: Vec::new(),
        at: None,
        reported: None,
        after: Vec::new(),
        after_range: None,
        check: None,
        estimate: None,
        result: None,
        result_line: None,
        prose: String::new(),
        next_field: (head.end, format!("{}- ", " ".repeat(item.width))),
    };
    let mut prose: Vec<&str> = Vec::new();
    for line in body {
        match Field::read(line).filter(|_| !line.is_literal) {
            Some(field) => {
                let lead = line.text.len() - line.text.trim_start().len();
                let lead = line.text.get(..lead).unwrap_or_default();
                step.next_field = (line.end, format!("{lead}- "));
                step.take(&field, line);
            }
            None => prose.push(line.text),
        }
    }
    step.prose = unindented(&prose);
    step
}

/// Prose without the indentation that makes it a part of the step.
fn unindented(lines: &[&str]) -> String {
    let indents = lines.iter().filter(|line| !line.trim().is_empty());
    let indent = indents
        .map(|line| line.len() - line.trim_start().len())
        .min();
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| {
            line.get(indent.unwrap_or(0)..)
                .unwrap_or_default()
                .trim_end()
        })
        .collect();
    lines.join("\n").trim().to_owned()
}

/// `- name: value` in a step.
struct Field<'a> {
    name: Name,
    value: &'a str,
    /// Where the value stands.
    start: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Role,
    Files,
    At,
    Reported,
    After,
    Check,
    Estimate,
    Result,
}

impl Name {
    fn of(word: &str) -> Option<Self> {
        Some(match word.trim().to_lowercase().as_str() {
            "role" => Self::Role,
            "file" | "files" => Self::Files,
            "at" => Self::At,
            "reported" => Self::Reported,
            "after" | "depends on" | "needs" => Self::After,
            "check" => Self::Check,
            "estimate" | "cost" => Self::Estimate,
            "result" => Self::Result,
            _ => return None,
        })
    }
}

impl<'a> Field<'a> {
    fn read(line: &Line<'a>) -> Option<Self> {
        let text = line.text.trim_start();
        let item = text.strip_prefix(['-', '*', '+'])?;
        let item = item.strip_prefix([' ', '\t'])?;
        let (name, value) = item.split_once(':')?;
        let name = Name::of(name.trim_matches(['*', '_', ' ']))?;
        // `**role**:` and `**role:**` are one.
        let value = value.trim_start_matches(['*', '_']).trim_start();
        let start = line.start + line.text.len() - value.len();
        Some(Self {
            name,
            value: value.trim_end(),
            start,
        })
    }

    fn whole(&self) -> Value<String> {
        Value {
            value: self.value.to_owned(),
            range: ByteRange::from(self.start..self.start + self.value.len()),
        }
    }
}

impl Step {
    fn take(&mut self, field: &Field<'_>, line: &Line<'_>) {
        let whole = field.whole();
        match field.name {
            Name::Role => {
                let role = Role::of_name(whole.value.trim_matches('`'));
                self.role = (!whole.value.is_empty()).then_some(Value {
                    value: role,
                    range: whole.range,
                });
            }
            Name::Files => self.files.extend(files(field)),
            Name::At => {
                let span = code_span(&whole.value).filter(|(_, rest)| rest.trim().is_empty());
                let value = span.map_or(whole.value.clone(), |(span, _)| span);
                self.at = (!value.trim().is_empty()).then_some(Value {
                    value,
                    range: whole.range,
                });
            }
            Name::Reported => self.reported = Some(whole).filter(|it| !it.value.is_empty()),
            Name::After => {
                self.after.extend(numbers(field));
                self.after_range = Some(whole.range);
            }
            Name::Check => self.check = Check::read(field.value, field.start),
            Name::Estimate => self.estimate = Some(whole).filter(|it| !it.value.is_empty()),
            Name::Result => {
                self.result = Some(whole);
                self.result_line = Some(line.whole());
            }
        }
    }
}

/// The paths of `files:`: code spans where there are some, else words between commas.
fn files(field: &Field<'_>) -> Vec<StepFile> {
    let mut found = Vec::new();
    let mut rest = field.value;
    if rest.contains('`') {
        while let Some(at) = rest.find('`') {
            let from = rest.get(at..).unwrap_or_default();
            let Some((path, behind)) = code_span(from) else {
                break;
            };
            let start = field.start + field.value.len() - from.len();
            let marks = from.chars().take_while(|c| *c == '`').count();
            found.push(StepFile {
                range: ByteRange::from(start + marks..start + marks + path.len()),
                is_new: behind.trim_start().starts_with("(new)"),
                path,
            });
            rest = behind;
        }
        return found;
    }
    let mut start = field.start;
    for part in field.value.split(',') {
        let blank = part.len() - part.trim_start().len();
        let (path, is_new) = match part.trim().strip_suffix("(new)") {
            Some(path) => (path.trim(), true),
            None => (part.trim(), false),
        };
        if !matches!(path, "" | "-" | "–" | "—") && !path.eq_ignore_ascii_case("none") {
            found.push(StepFile {
                path: path.to_owned(),
                is_new,
                range: ByteRange::from(start + blank..start + blank + path.len()),
            });
        }
        start += part.len() + 1;
    }
    found
}

/// The numbers of `after:`.
fn numbers(field: &Field<'_>) -> Vec<Value<u32>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = field.value.get(at..).filter(|rest| !rest.is_empty()) {
        let skip = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = rest.get(skip..).unwrap_or_default();
        let len = digits.bytes().take_while(u8::is_ascii_digit).count();
        let number = digits.get(..len).and_then(|digits| digits.parse().ok());
        if let Some(value) = number {
            let start = field.start + at + skip;
            found.push(Value {
                value,
                range: ByteRange::from(start..start + len),
            });
        }
        at += skip + len;
    }
    found
}
