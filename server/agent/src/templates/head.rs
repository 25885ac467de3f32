//! `template.toml`: what a template is, and what it asks for.

use std::ops::Range;

use pleach_policy::is_invisible;
use pleach_text::ByteRange;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::LONGEST_VALUE;
use super::holes::Holes;
use crate::roles::FileProblem;

/// Variables of one template.
const MOST_VARIABLES: usize = 32;
/// Characters of a description, a question or a choice.
const LONGEST: usize = 200;
/// Bytes that a pattern may take when it is compiled.
const PATTERN_BYTES: usize = 256 << 10;

/// Something that a template asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateVariable {
    /// What it is called in the files.
    pub name: String,
    /// What a person is asked.
    #[serde(default)]
    pub ask: String,
    /// What it is when nothing is given. May use variables that were asked for before it.
    pub default: Option<String>,
    /// What it may be, if not anything.
    #[serde(default)]
    pub choices: Vec<String>,
    /// A regular expression that all of it must match.
    pub pattern: Option<String>,
}

impl TemplateVariable {
    /// Its name and what it is for, for people: `` `name` (the name of the crate) ``.
    pub(super) fn asked(&self) -> String {
        match (self.ask.as_str(), self.choices.as_slice()) {
            ("", []) => format!("`{}`", self.name),
            (ask, []) => format!("`{}` ({ask})", self.name),
            ("", choices) => format!("`{}` ({})", self.name, choices.join(", ")),
            (ask, choices) => format!("`{}` ({ask}: {})", self.name, choices.join(", ")),
        }
    }

    /// Whether it may be this.
    pub(super) fn check(&self, value: &str) -> Result<(), String> {
        if value.chars().count() > LONGEST_VALUE {
            return Err(format!("it is longer than {LONGEST_VALUE} characters"));
        }
        if value
            .chars()
            .any(|char| char.is_control() || is_invisible(char))
        {
            return Err("it has characters that cannot be seen".to_owned());
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            return Err(format!("it is one of {}", self.choices.join(", ")));
        }
        match &self.pattern {
            Some(pattern) => match compiled(pattern) {
                Ok(regex) if regex.is_match(value) => Ok(()),
                Ok(_) => Err(format!("it has to match `{pattern}`")),
                Err(why) => Err(why),
            },
            None => Ok(()),
        }
    }
}

/// The whole of a value, in linear time whatever the pattern.
fn compiled(pattern: &str) -> Result<Regex, String> {
    let build = |pattern: &str| {
        let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
        built.map_err(|_| format!("`{pattern}` is no regular expression"))
    };
    // By itself first: what closes a group that it did not open would let a part of a value do.
    build(pattern)?;
    build(&format!("^(?:{pattern})$"))
}

/// What stands in a `template.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) description: String,
    #[serde(default, rename = "variable")]
    pub(super) variables: Vec<TemplateVariable>,
}

/// What is wrong in a `template.toml`.
pub(crate) fn check(text: &str) -> Vec<FileProblem> {
    read(text).1
}

/// Reads a `template.toml`, and what is wrong in it: then there is no template.
pub(super) fn read(text: &str) -> (Option<Head>, Vec<FileProblem>) {
    let head: Head = match toml::from_str(text) {
        Ok(head) => head,
        Err(error) => {
            let at = error.span().unwrap_or_else(|| first_line(text));
            let message = error.message().to_owned();
            return (None, vec![problem(at, message)]);
        }
    };
    match wrong(&head) {
        Err((what, message)) => {
            let at = what.and_then(|what| text.find(&what).map(|at| at..at + what.len()));
            let at = at.unwrap_or_else(|| first_line(text));
            (None, vec![problem(at, message)])
        }
        Ok(()) => (Some(head), Vec::new()),
    }
}

/// What is wrong with the whole, at the first line.
pub(super) fn fatal(text: &str, message: &str) -> FileProblem {
    problem(first_line(text), message.to_owned())
}

fn problem(at: Range<usize>, message: String) -> FileProblem {
    FileProblem {
        at: ByteRange::from(at),
        message,
        fatal: true,
    }
}

fn first_line(text: &str) -> Range<usize> {
    0..text.lines().next().unwrap_or_default().len()
}

/// A text of the file that is wrong, and why.
type Wrong = (Option<String>, String);

fn wrong(head: &Head) -> Result<(), Wrong> {
    let is_shown = |text: &str| {
        text.chars().count() <= LONGEST
            && !text
                .chars()
                .any(|char| char.is_control() || is_invisible(char))
    };
    if head.variables.len() > MOST_VARIABLES {
        let message = format!("a template asks for {MOST_VARIABLES} variables at most");
        return Err((None, message));
    }
    let told = head.variables.iter().flat_map(|it| {
        let default = it.default.iter();
        it.choices.iter().chain(default).chain([&it.ask])
    });
    for text in told.chain([&head.description]) {
        if !is_shown(text) {
            let message = format!("it is to be one line of at most {LONGEST} visible characters");
            return Err((Some(text.clone()), message));
        }
    }
    let holes = Holes::new().map_err(|error| (None, error.to_string()))?;
    let mut known: Vec<&str> = Vec::new();
    for variable in &head.variables {
        let name = variable.name.as_str();
        let at = Some(name.to_owned());
        let is_word = name.starts_with(|char: char| char.is_ascii_lowercase())
            && name
                .chars()
                .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_');
        if !is_word {
            let message = format!("`{name}` is no name: use small letters, digits and `_`");
            return Err((at, message));
        }
        if known.contains(&name) {
            return Err((at, format!("`{name}` is asked for twice")));
        }
        if let Some(pattern) = &variable.pattern {
            compiled(pattern).map_err(|why| (Some(pattern.clone()), why))?;
        }
        if let Some(default) = &variable.default {
            let checked = holes.check(default, &known);
            checked.map_err(|why| (Some(default.clone()), why))?;
            let is_fixed = !default.contains("{{") && !default.contains("{%");
            if is_fixed {
                let fits = variable.check(default);
                fits.map_err(|why| {
                    (
                        Some(default.clone()),
                        format!("the default does not fit: {why}"),
                    )
                })?;
            }
        }
        known.push(name);
    }
    Ok(())
}
