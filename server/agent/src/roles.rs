//! Roles: files that say who an agent is, what it is told, and which tools it may call; and actions of
//! people's own, which say what it is asked for.
//!
//! Both are Markdown with front matter. Those that come with Pleach are files like everybody's. A person
//! overrides them, and adds others, in the folders `roles` and `actions` of the own configuration folder;
//! a workspace does in `.pleach/roles` and `.pleach/actions`, and can narrow what a role may do, never
//! widen it. What a role may call is enforced by the server; what a model is told of it is only for its
//! orientation.

mod file;
mod own;
mod roster;

use minijinja::{Environment, Error, UndefinedBehavior, context};
use pleach_edit::{Proposal, Refusal};

use crate::tools::ToolName;

pub use file::{FileProblem, RosterFile};
pub use own::OwnAction;
pub(crate) use own::Spot;
pub use roster::Roster;

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It comes with Pleach, or the person wrote it.
    Person,
    /// It lies in a folder that was opened, and anybody may have written it.
    Workspace,
}

/// What a role's answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Edits, which pass the gate.
    Edits,
    /// Text to read.
    Answer,
    /// A plan.
    Plan,
    /// Findings, each at a line: what a role that answers does when it is to review.
    Findings,
    /// An answer in a chat, which may have edits in it that land when the person wants it.
    Chat,
}

/// What a role's edits must pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// No file gets worse.
    Syntax,
    /// And nothing but comments and docstrings changes: proved by the syntax trees.
    Comments,
}

impl Gate {
    /// What the gate says of a proposal that makes no file worse.
    pub(crate) fn judge(self, proposal: &Proposal) -> Result<(), Refusal> {
        match self {
            Self::Syntax => Ok(()),
            Self::Comments => proposal.only_comments(),
        }
    }
}

/// Who an agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What it is called: the name of its file.
    pub(crate) name: String,
    /// The tools that it may call.
    pub(crate) tools: Vec<ToolName>,
    /// What its answers are.
    pub(crate) output: Output,
    /// What its edits must pass.
    pub(crate) gate: Gate,
    /// What a model is told, as a template.
    body: String,
}

/// What a role's template can name.
pub(crate) struct About<'a> {
    /// The document.
    pub(crate) path: &'a str,
    /// The name of its language.
    pub(crate) language: &'a str,
    /// Paths and texts.
    pub(crate) rules: &'a [(String, String)],
}

impl Role {
    /// What a model is told of who it is, in which form it answers, and by which rules.
    pub(crate) fn orders(&self, about: &About<'_>) -> Result<String, Error> {
        self.orders_for(about, self.output)
    }

    /// The same, for an answer in another form.
    pub(crate) fn orders_for(&self, about: &About<'_>, output: Output) -> Result<String, Error> {
        let templates = templates()?;
        let names = context! { path => about.path, language => about.language };
        let body = templates.render_str(&self.body, &names)?;
        let form = match output {
            Output::Edits => include_str!("prompts/edits.j2"),
            Output::Answer => include_str!("prompts/answer.j2"),
            Output::Plan => include_str!("prompts/plan.j2"),
            Output::Findings => include_str!("prompts/findings.j2"),
            Output::Chat => include_str!("prompts/chat.j2"),
        };
        let form = templates.render_str(form, &names)?;
        let rules: Vec<_> = about
            .rules
            .iter()
            .map(|(path, text)| context! { path => path, text => text, fence => fence_for(text) })
            .collect();
        let orders = format!("{}\n\n{}", body.trim_end(), form.trim_end());
        templates.render_str(
            include_str!("prompts/rules.j2"),
            context! { orders => orders, rules => rules },
        )
    }
}

/// Templates that fail on a name that is not there.
pub(crate) fn templates() -> Result<Environment<'static>, Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = minijinja::syntax::SyntaxConfig::builder()
        .trim_blocks(true)
        .build()?;
    templates.set_syntax(syntax);
    Ok(templates)
}

/// A fence longer than any run of backticks in `text`, so that the text cannot close it.
pub(crate) fn fence_for(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests;
