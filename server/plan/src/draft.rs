//! A new plan, from what somebody or something thought out.

use std::fmt::Write as _;

use crate::check::quoted;
use crate::step::Role;

/// A plan that is not written yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// What it is called.
    pub title: String,
    /// What is wanted.
    pub goal: String,
    /// What there is to know, a paragraph or a list each.
    pub context: Vec<String>,
    /// The hash of the rules in force.
    pub rules: Option<String>,
    /// The steps, numbered from 1 as they stand.
    pub steps: Vec<DraftStep>,
}

/// A step of a plan that is not written yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DraftStep {
    /// What is to be done, in one line.
    pub title: String,
    /// Who does it.
    pub role: Role,
    /// Paths, relative to the workspace.
    pub files: Vec<String>,
    /// The symbol or text of the first file that it is about.
    pub at: Option<String>,
    /// The message that is to be mended.
    pub reported: Option<String>,
    /// The numbers of the steps before it.
    pub after: Vec<u32>,
    /// How to know that it is done, as it is written: a command in backticks, or a statement.
    pub check: String,
    /// What it will cost.
    pub estimate: Option<String>,
    /// What else there is to say.
    pub prose: String,
}

impl Draft {
    /// The plan as a text.
    pub fn render(&self) -> String {
        let mut out = String::new();
        if let Some(rules) = &self.rules {
            out = format!("---\nrules: {}\n---\n\n", line(rules));
        }
        let _infallible = write!(
            out,
            "# {}\n\n## Goal\n\n{}\n",
            line(&self.title),
            self.goal.trim()
        );
        if !self.context.is_empty() {
            out.push_str("\n## Context\n");
            for part in &self.context {
                let _infallible = write!(out, "\n{}\n", part.trim_end());
            }
        }
        out.push_str("\n## Steps\n");
        for (number, step) in (1..).zip(&self.steps) {
            out.push('\n');
            step.render(number, &mut out);
        }
        out
    }
}

impl DraftStep {
    fn render(&self, number: u32, out: &mut String) {
        let indent = " ".repeat(number.to_string().len() + 2);
        let mut lines = vec![format!("{number}. [ ] {}", line(&self.title))];
        let mut field = |name: &str, value: String| {
            if !value.is_empty() {
                lines.push(format!("{indent}- {name}: {value}"));
            }
        };
        field("role", self.role.name().to_owned());
        let files: Vec<String> = self.files.iter().map(|file| quoted(&line(file))).collect();
        field("files", files.join(", "));
        field(
            "at",
            self.at
                .as_deref()
                .map(|at| quoted(&line(at)))
                .unwrap_or_default(),
        );
        field(
            "reported",
            self.reported.as_deref().map(line).unwrap_or_default(),
        );
        let after: Vec<String> = self.after.iter().map(u32::to_string).collect();
        field("after", after.join(", "));
        field("check", line(&self.check));
        field(
            "estimate",
            self.estimate.as_deref().map(line).unwrap_or_default(),
        );
        if !self.prose.trim().is_empty() {
            lines.push(String::new());
            lines.extend(self.prose.trim().lines().map(|line| {
                if line.trim().is_empty() {
                    String::new()
                } else {
                    format!("{indent}{line}")
                }
            }));
        }
        for line in lines {
            out.push_str(&line);
            out.push('\n');
        }
    }
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file name made of a title: lower-case words with `-` between them, at most 60 characters.
///
/// ```
/// assert_eq!(pleach_plan::slug("Document `src/loans.rs`!"), "document-src-loans-rs");
/// assert_eq!(pleach_plan::slug("…"), "plan");
/// ```
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.to_lowercase().chars() {
        if slug.chars().count() >= 60 {
            break;
        }
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "plan" } else { slug }.to_owned()
}
