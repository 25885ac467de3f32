//! Plans: made out of what is known without a model, or by a model that can only read; and their steps
//! turned into jobs.
//!
//! The document itself (what a step says, in which order steps can run, how one is ticked) is the room
//! below: [`pleach_plan`]. Here a plan meets the workspace.

mod check;
mod find;
mod make;
mod planner;
mod step;

use std::sync::Arc;

use pleach_edit::{EditRequest, Proposal, Refusal, propose};
use pleach_plan::{Plan, rules_hash, slug};
use pleach_policy::{ROOT_RULE_FILES, RULE_FILES};
use pleach_workspace::WorkspaceSnapshot;

use crate::roles::Roster;

pub use check::{CheckCommand, Verdict, judge};
pub use make::{Source, make};
pub use planner::ask;
pub use step::request;

/// The folder of plans, in the workspace.
pub const FOLDER: &str = ".pleach/plans";

/// How many plans may have one title.
const MOST_OF_A_NAME: u32 = 1000;

/// Why a plan cannot be made, or a step of one not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFailure {
    /// What is wanted can only be thought out by a model.
    #[error("a plan for “{0}” needs a model, and none is set up")]
    NeedsModel(String),
    /// Nothing is to be done.
    #[error("{0}")]
    NothingToDo(String),
    /// A file cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The place that a step names is not there, or not clear.
    #[error("{0}")]
    NoPlace(String),
    /// The role has nothing to do in a step.
    #[error("the role `{0}` carries out no steps")]
    Role(String),
    /// The step names no file.
    #[error("the step names no file")]
    NoFile,
    /// What the model wrote is no plan.
    #[error("what the model wrote is no plan: {0}")]
    NoPlan(String),
}

impl PlanFailure {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeedsModel(_) => "needs-model",
            Self::NothingToDo(_) => "nothing-to-do",
            Self::Unreadable(_) => "unreadable",
            Self::NoPlace(_) => "no-place",
            Self::Role(_) => "role",
            Self::NoFile => "no-file",
            Self::NoPlan(_) => "no-plan",
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NeedsModel(_) => {
                "set up a model in pleach.toml, or ask for what needs none: `document FILE`, `test FILE`, `todos`"
            }
            Self::NothingToDo(_) => "name another file or another goal",
            Self::Unreadable(_) => "correct the path",
            Self::NoPlace(_) => {
                "write `- at:` with a symbol, a line or a text that the first file of the step has once"
            }
            Self::Role(_) => "use coder, tester, documenter or reviewer",
            Self::NoFile => "write `- files:` with the file that the step changes",
            Self::NoPlan(_) => "ask again, or write the steps yourself",
        }
    }
}

/// About how many tokens a job sends to a model, by a common rule of thumb: four bytes for one.
pub fn tokens(request: &crate::job::JobRequest) -> usize {
    crate::prompt::write(request, &Roster::built_in(), usize::MAX).map_or(0, |prompt| {
        (prompt.system.len() + prompt.user.len()).div_ceil(4)
    })
}

/// The hash of the rules for agents that the workspace has now.
pub fn rules_of(workspace: &WorkspaceSnapshot) -> String {
    let texts = rule_texts(workspace);
    rules_hash(texts.iter().map(|(name, text)| (*name, &**text)))
}

/// The plain files of rules for agents at the root of the workspace: their names and texts.
fn rule_texts(workspace: &WorkspaceSnapshot) -> Vec<(&'static str, Arc<str>)> {
    RULE_FILES
        .into_iter()
        .chain(ROOT_RULE_FILES)
        .filter_map(|name| Some((name, workspace.read_text(name).ok()?)))
        .collect()
}

/// Whether a path of the workspace is that of a plan.
pub fn is_plan(path: &str) -> bool {
    path.strip_suffix(".md")
        .and_then(|stem| stem.rsplit_once('/'))
        .is_some_and(|(folder, _)| folder == FOLDER || folder.ends_with(&format!("/{FOLDER}")))
}

/// A plan as a file that is to be made: its path, which no file has yet, and its text, through the gate.
pub fn as_new_file(
    text: &str,
    workspace: &WorkspaceSnapshot,
) -> Result<(String, Box<Proposal>), Box<Refusal>> {
    let title = Plan::parse(text).title().map(|title| title.value.clone());
    let stem = slug(title.as_deref().unwrap_or_default());
    // Of several folders the first keeps the plans.
    let first = workspace.roots().first().and_then(|root| root.file_name());
    let folder = match first.filter(|_| workspace.roots().len() > 1) {
        Some(root) => format!("{root}/{FOLDER}"),
        None => FOLDER.to_owned(),
    };
    let path = (1..=MOST_OF_A_NAME)
        .map(|number| match number {
            1 => format!("{folder}/{stem}.md"),
            _ => format!("{folder}/{stem}-{number}.md"),
        })
        .find(|path| !workspace.exists(path))
        .unwrap_or_default();
    let reply = format!("{path}\n<<<<<<< SEARCH\n=======\n{text}>>>>>>> REPLACE\n");
    let proposal = propose(&EditRequest::new(&reply, workspace)).map_err(Box::new)?;
    Ok((path, Box::new(proposal)))
}
