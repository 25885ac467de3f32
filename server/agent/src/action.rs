//! What a person can ask for: one word per thing, and what the editor calls it.

use pleach_policy::Role;
use serde::{Deserialize, Serialize};

/// One thing that a person can ask for at a place in a document.
///
/// ```
/// use pleach_agent::Action;
///
/// assert_eq!(Action::Tests.command(), "pleach.test");
/// assert_eq!(Action::Tests.title(), "Write tests");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Mend what a diagnostic reports.
    Fix,
    /// Change the code as an instruction says.
    Rewrite,
    /// Write a documentation comment.
    Document,
    /// Write tests.
    Tests,
    /// Run the project's tests. Changes nothing.
    RunTests,
    /// Write what is left open: a TODO, an empty body.
    Implement,
    /// Explain the code. Changes nothing.
    Explain,
    /// Look for defects. Changes nothing.
    Review,
    /// Answer what an action of a person's own asks. Changes nothing. No command of its own.
    Ask,
    /// Carry out the instruction in a comment, and remove the comment.
    Comment,
    /// Answer the question of a chat. Changes nothing but the chat.
    Chat,
    /// Make a plan, or carry one out.
    Plan,
    /// Take an answer that was pasted from elsewhere.
    Land,
    /// Stop a running job.
    Cancel,
    /// Take back the last edit that landed.
    Undo,
}

impl Action {
    /// Those that have a command, in the order in which they are offered.
    pub const ALL: [Self; 14] = [
        Self::Fix,
        Self::Rewrite,
        Self::Document,
        Self::Tests,
        Self::RunTests,
        Self::Implement,
        Self::Explain,
        Self::Review,
        Self::Comment,
        Self::Chat,
        Self::Plan,
        Self::Land,
        Self::Cancel,
        Self::Undo,
    ];

    /// The command's name as editors send it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Fix => "pleach.fix",
            Self::Rewrite => "pleach.rewrite",
            Self::Document => "pleach.document",
            Self::Tests => "pleach.test",
            Self::RunTests => "pleach.test.run",
            Self::Implement => "pleach.implement",
            Self::Explain => "pleach.explain",
            Self::Review => "pleach.review",
            Self::Ask => "pleach.action",
            Self::Comment => "pleach.comment",
            Self::Chat => "pleach.chat.continue",
            Self::Plan => "pleach.plan",
            Self::Land => "pleach.land",
            Self::Cancel => "pleach.cancel",
            Self::Undo => "pleach.undo",
        }
    }

    /// The action that a command's name stands for.
    pub fn from_command(command: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|action| action.command() == command)
    }

    /// What the action is called in menus and in progress.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fix => "Fix",
            Self::Rewrite => "Rewrite",
            Self::Document => "Document",
            Self::Tests => "Write tests",
            Self::RunTests => "Run the project's tests",
            Self::Implement => "Implement",
            Self::Explain => "Explain",
            Self::Review => "Review",
            Self::Ask => "Ask",
            Self::Comment => "Carry out this comment",
            Self::Chat => "Answer",
            Self::Plan => "Plan",
            Self::Land => "Land this reply",
            Self::Cancel => "Cancel",
            Self::Undo => "Undo Pleach's last edit",
        }
    }

    /// The role that carries it out, and that a model is chosen for.
    pub fn plays(self) -> Role {
        match self {
            Self::Document => Role::Documenter,
            Self::Tests | Self::RunTests => Role::Tester,
            Self::Explain | Self::Review | Self::Ask => Role::Reviewer,
            Self::Plan => Role::Planner,
            Self::Fix
            | Self::Rewrite
            | Self::Implement
            | Self::Comment
            | Self::Chat
            | Self::Land
            | Self::Cancel
            | Self::Undo => Role::Coder,
        }
    }

    /// That role, as the ledger names it.
    pub fn role(self) -> &'static str {
        self.plays().name()
    }

    /// As it is written in records.
    pub fn name(self) -> &'static str {
        self.command().trim_start_matches("pleach.")
    }

    /// Whether a model is asked about a place of a document.
    pub fn asks_about_a_place(self) -> bool {
        !matches!(
            self,
            Self::RunTests | Self::Plan | Self::Land | Self::Cancel | Self::Undo
        )
    }

    /// Whether a coder changes code for it.
    pub fn is_coders(self) -> bool {
        matches!(
            self,
            Self::Fix | Self::Rewrite | Self::Implement | Self::Comment
        )
    }

    /// Whether its outcome is a change of the text, rather than an answer to read.
    pub fn edits(self) -> bool {
        !matches!(
            self,
            Self::Explain | Self::Review | Self::Ask | Self::Chat | Self::RunTests | Self::Cancel
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_leads_back_to_its_action() {
        for action in Action::ALL {
            assert_eq!(Action::from_command(action.command()), Some(action));
        }
        assert_eq!(Action::from_command("pleach.nothing"), None);
    }
}
