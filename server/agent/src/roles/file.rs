//! Reading the files of roles and actions: what they say, and what is wrong where.

use pleach_policy::{FrontMatter, FrontMatterEntry};
use pleach_text::ByteRange;

use super::{Gate, Output, Owner, Role};
use crate::tools::ToolName;

/// Bytes of one file.
pub(super) const MOST_BYTES: usize = 64 << 10;

/// What is wrong at a place of a file of a role or an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// Bytes of the file.
    pub at: ByteRange,
    /// What is wrong, and what to write instead.
    pub message: String,
    /// Whether the file cannot be used; else what is meant is left out.
    pub fatal: bool,
}

/// A file that was read, for the diagnostics in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterFile {
    /// Its whole path.
    pub path: camino::Utf8PathBuf,
    /// Its text.
    pub text: String,
    /// What is wrong with it.
    pub problems: Vec<FileProblem>,
}

/// A file while it is read.
pub(super) struct Reading<'t> {
    text: &'t str,
    matter: FrontMatter<'t>,
    pub(super) problems: Vec<FileProblem>,
}

impl<'t> Reading<'t> {
    /// The head of a file, whose keys are these.
    pub(super) fn of(text: &'t str, keys: &[&str]) -> Self {
        let matter = FrontMatter::of(text);
        let mut reading = Self {
            text,
            problems: Vec::new(),
            matter: FrontMatter::default(),
        };
        for problem in &matter.problems {
            reading.fatal(problem.at, problem.message.clone());
        }
        if matter.body == 0 && matter.problems.is_empty() {
            let message = "the file must begin with `---`, its fields, and `---`";
            reading.fatal(first_line(text), message.to_owned());
        }
        for entry in &matter.entries {
            if !keys.iter().any(|key| entry.key.eq_ignore_ascii_case(key)) {
                let message = format!("`{}` is ignored: the keys are {}", entry.key, told(keys));
                reading.warn(entry.at, message);
            }
        }
        reading.matter = matter;
        reading
    }

    pub(super) fn fatal(&mut self, at: ByteRange, message: String) {
        let fatal = true;
        self.problems.push(FileProblem { at, message, fatal });
    }

    pub(super) fn warn(&mut self, at: ByteRange, message: String) {
        let fatal = false;
        self.problems.push(FileProblem { at, message, fatal });
    }

    /// The one value of a key.
    pub(super) fn value(&self, key: &str) -> Option<(&'t str, ByteRange)> {
        self.matter.get(key)?.values.first().copied()
    }

    /// The values of a key: a list, or parted by commas. `None` where the key is not there.
    pub(super) fn values(&self, key: &str) -> Option<Vec<(&'t str, ByteRange)>> {
        self.matter.get(key).map(parted)
    }

    /// The text below the head, checked as a template that can use these names.
    pub(super) fn template(&mut self, names: &[&str]) -> String {
        let start = self.matter.body;
        let body = self.text.get(start..).unwrap_or_default();
        if self.text.len() > MOST_BYTES {
            let message = format!("the file has more than {} KiB", MOST_BYTES >> 10);
            self.fatal(first_line(self.text), message);
            return String::new();
        }
        if body.trim().is_empty() {
            let message = "nothing is said below the front matter";
            self.fatal(first_line(self.text), message.to_owned());
            return String::new();
        }
        let at_line = |line: Option<usize>| {
            let lines = body
                .split_inclusive('\n')
                .take(line.unwrap_or(1).max(1) - 1);
            let from = start + lines.map(str::len).sum::<usize>();
            let line = self.text.get(from..).unwrap_or_default();
            let line = line.lines().next().unwrap_or_default();
            ByteRange::from(from..from + line.len())
        };
        let problem = match super::templates() {
            Ok(templates) => match templates.template_from_str(body) {
                Ok(template) => {
                    let mut unknown: Vec<String> = template
                        .undeclared_variables(false)
                        .into_iter()
                        .filter(|name| !names.contains(&name.as_str()))
                        .collect();
                    unknown.sort();
                    unknown.first().map(|name| {
                        let line = body.lines().position(|line| line.contains(name.as_str()));
                        let message =
                            format!("there is no `{name}` here: there are {}", told(names));
                        (at_line(line.map(|line| line + 1)), message)
                    })
                }
                Err(error) => Some((
                    at_line(error.line()),
                    format!(
                        "this is no template: {}",
                        error.detail().unwrap_or("it cannot be read")
                    ),
                )),
            },
            Err(_) => None,
        };
        if let Some((at, message)) = problem {
            self.fatal(at, message);
        }
        body.trim().to_owned()
    }

    /// Whether it can be used.
    pub(super) fn is_sound(&self) -> bool {
        !self.problems.iter().any(|problem| problem.fatal)
    }
}

/// Reads the file of the role called `name`. `known` is who is called so without it.
pub(super) fn role(
    name: &str,
    text: &str,
    owner: Owner,
    known: Option<&Role>,
) -> (Option<Role>, Vec<FileProblem>) {
    let mut reading = Reading::of(text, &["description", "tools", "output", "gate"]);
    let known_tools = known.map_or_else(newcomers_tools, |known| known.tools.clone());
    let mut tools = known_tools.clone();
    if let Some(wanted) = reading.values("tools") {
        tools.clear();
        for (word, at) in wanted {
            match ToolName::of_name(word) {
                Some(tool) if owner == Owner::Person || known_tools.contains(&tool) => {
                    tools.push(tool);
                }
                Some(_) => reading.warn(
                    at,
                    format!(
                        "a workspace cannot give `{word}` to this role; a file `roles/{name}.md` in your own configuration folder can"
                    ),
                ),
                None => {
                    let all = ToolName::ALL.map(ToolName::name);
                    let message = format!("there is no tool `{word}`: there are {}", told(&all));
                    reading.warn(at, message);
                }
            }
        }
    }
    let mut output = known.map_or(Output::Edits, |known| known.output);
    if let Some((word, at)) = reading.value("output") {
        let wanted = match word {
            "edits" => Some(Output::Edits),
            "answer" => Some(Output::Answer),
            "plan" => Some(Output::Plan),
            _ => None,
        };
        match wanted {
            Some(wanted) if wanted == output => {}
            // Those of Pleach's own are found by it when they are made.
            Some(wanted) if known.is_none() && (wanted == Output::Plan) == (name == PLANNER) => {
                output = wanted;
            }
            Some(_) => reading.warn(at, "the output of this role cannot be another".to_owned()),
            None => reading.fatal(at, format!("`{word}` is none of `edits` and `answer`")),
        }
    }
    let mut gate = known.map_or(Gate::Syntax, |known| known.gate);
    if let Some((word, at)) = reading.value("gate") {
        match word {
            "comments" => gate = Gate::Comments,
            "syntax" if owner == Owner::Person || gate == Gate::Syntax => gate = Gate::Syntax,
            "syntax" => reading.warn(at, "a workspace cannot open the gate of a role".to_owned()),
            _ => reading.fatal(at, format!("`{word}` is none of `syntax` and `comments`")),
        }
    }
    if output != Output::Edits {
        tools.retain(|tool| *tool != ToolName::ProposeEdit);
    }
    if output == Output::Plan {
        tools.retain(|tool| tool.only_reads());
    }
    let body = reading.template(&["path", "language"]);
    let role = reading.is_sound().then(|| Role {
        name: name.to_owned(),
        tools,
        output,
        gate,
        body,
    });
    (role, reading.problems)
}

/// The role that plans, and can do nothing else.
const PLANNER: &str = "planner";

/// What a role that nobody knows may do, unless the person says more: it reads and proposes.
fn newcomers_tools() -> Vec<ToolName> {
    let tools = ToolName::ALL.into_iter();
    tools.filter(|tool| !tool.acts()).collect()
}

/// The values of an entry, each parted at its commas.
fn parted<'t>(entry: &FrontMatterEntry<'t>) -> Vec<(&'t str, ByteRange)> {
    let mut parts = Vec::new();
    for (value, at) in &entry.values {
        let mut from = at.start.0;
        for part in value.split(',') {
            let start = from + (part.len() - part.trim_start().len());
            from += part.len() + 1;
            let part = part.trim();
            if !part.is_empty() {
                parts.push((part, ByteRange::from(start..start + part.len())));
            }
        }
    }
    parts
}

fn first_line(text: &str) -> ByteRange {
    ByteRange::from(0..text.lines().next().unwrap_or_default().len())
}

/// `` `a`, `b` ``
fn told(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
