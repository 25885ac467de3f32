//! Why a command is not carried out.

use pleach_workspace::PathError;

/// Why a command was not carried out. The command's caller gets it as an error, and the person as a
/// message, because some editors only log the error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandFailure {
    #[error("Pleach has no command `{0}`")]
    Unknown(String),
    #[error("the arguments of {command} could not be read: {cause}")]
    Arguments { command: String, cause: String },
    #[error("`{0}` is not open in the editor")]
    NotOpen(String),
    #[error("it is not clear which document is meant")]
    NoDocument,
    #[error("{0} needs an instruction")]
    NoInstruction(&'static str),
    #[error("there is no reply to land")]
    NoReply,
    #[error("there is no running job to cancel")]
    NothingRuns,
    #[error("the job is landing its edit already")]
    Landing,
    #[error("no hunk waits for review there")]
    NothingWaits,
    #[error("it is not said which side of the conflict is wanted")]
    NoChoice,
    #[error("it is not clear which plan is meant")]
    NoPlan,
    #[error("the plan has no such step")]
    NoStep,
    #[error("it is not said what the plan is for")]
    NoGoal,
    #[error("no finding is there")]
    NoFinding,
    #[error("it is not clear which chat is meant")]
    NoChat,
    #[error("a question of this chat is being answered")]
    ChatRuns,
    #[error("no answer of this chat has an edit to land")]
    NoBlock,
    #[error("the plan, or this step of it, runs already")]
    PlanRuns,
    #[error("{0} needs a model, and none is set up")]
    NeedsModel(&'static str),
    #[error("{0} makes no change that a tester and a reviewer could go on with")]
    NoPipeline(&'static str),
    #[error("what was brought from elsewhere cannot be asked for again")]
    CannotRetry,
    #[error("there is no action `{0}`")]
    NoAction(String),
    #[error("`{0}` sends nothing that could be shown")]
    NoPreview(String),
    #[error("no model was asked yet")]
    NothingSent,
    #[error("it is not said which template is meant")]
    NoTemplate,
    #[error("it is not said what to search for")]
    NoQuery,
    #[error("there is no index to search: no folder is open, or it is turned off")]
    NoIndex,
    #[error("there is no edit of Pleach's to undo here")]
    NothingToUndo,
    #[error("Pleach may be out of step with the text of this document: {0}")]
    Suspect(String),
    #[error("the place was named in version {0} of the document, which is too long ago")]
    Outdated(i32),
    #[error("Pleach's actions are turned off (`[actions] enabled = false`)")]
    TurnedOff,
    #[error("{0}")]
    Denied(PathError),
}

impl CommandFailure {
    /// A short, stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown-command",
            Self::Arguments { .. } => "bad-arguments",
            Self::NotOpen(_) => "not-open",
            Self::NoDocument => "no-document",
            Self::NoInstruction(_) => "no-instruction",
            Self::NoReply => "no-reply",
            Self::NothingRuns => "nothing-runs",
            Self::Landing => "landing",
            Self::NothingWaits => "nothing-waits",
            Self::NoChoice => "no-choice",
            Self::NoPlan => "no-plan",
            Self::NoStep => "no-step",
            Self::NoGoal => "no-goal",
            Self::NoFinding => "no-finding",
            Self::NoChat => "no-chat",
            Self::ChatRuns => "chat-runs",
            Self::NoBlock => "no-block",
            Self::PlanRuns => "plan-runs",
            Self::NeedsModel(_) => "needs-model",
            Self::NoPipeline(_) => "no-pipeline",
            Self::CannotRetry => "cannot-retry",
            Self::NoAction(_) => "no-action",
            Self::NoPreview(_) => "no-preview",
            Self::NothingSent => "nothing-sent",
            Self::NoTemplate => "no-template",
            Self::NoQuery => "no-query",
            Self::NoIndex => "no-index",
            Self::NothingToUndo => "nothing-to-undo",
            Self::Suspect(_) => "out-of-step",
            Self::Outdated(_) => "outdated-place",
            Self::TurnedOff => "turned-off",
            Self::Denied(_) => "denied-path",
        }
    }

    /// What to do next.
    pub(crate) fn next_step(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "see the list of commands in docs/protocol.md",
            Self::Arguments { .. } => {
                "give one JSON object such as {\"instruction\": \"…\"}, or a bare string"
            }
            Self::NotOpen(_) => "open it first",
            Self::NoDocument => "open a document and put the cursor where the edit belongs",
            Self::NoInstruction(_) => {
                "write it as the command's argument, or as a comment `ai: …` above the place"
            }
            Self::NoReply => "select the reply, or give it as {\"reply\": \"…\"}",
            Self::NothingWaits => "see `pleach.reviews` for what waits and where",
            Self::NoChoice => "give {\"choice\": \"mine\"}, `theirs`, `both` or `ask`",
            Self::NoPlan => "give {\"path\": \".pleach/plans/….md\"}, or open the plan",
            Self::NoStep => "give {\"step\": 1}, or put the cursor on a step",
            Self::NoGoal => {
                "give {\"goal\": \"…\"}; without a model `todos`, `document FILE` and `test FILE` are understood"
            }
            Self::NoFinding => "see `pleach.findings` for what was found and where",
            Self::NoChat => "give {\"path\": \".pleach/chats/….md\"}, or open the chat",
            Self::ChatRuns => "wait for the answer, or stop it with pleach.cancel",
            Self::NoBlock => "ask for the change as a search/replace block",
            Self::PlanRuns => "wait for its end, or stop it with pleach.cancel",
            Self::NeedsModel(_) => "add one with `pleach model`, or edit the steps yourself",
            Self::NoAction(_) => {
                "write it in .pleach/actions/NAME.md, or see there what is wrong with it"
            }
            Self::NoPreview(_) => {
                "give {\"command\": \"pleach.document\"}, or the name of an action of your own as {\"action\": \"…\"}"
            }
            Self::NothingSent => "see what would be sent with pleach.previewPrompt",
            Self::NoTemplate => "give {\"template\": \"…\"}; pleach.templates lists them",
            Self::NoQuery => "give the words, or {\"query\": \"…\"}",
            Self::NoIndex => "open a folder, and leave `[context] index` on in pleach.toml",
            Self::NoPipeline(_) => {
                "give `pipeline` to pleach.rewrite, pleach.fix, pleach.implement, pleach.comment or an action that edits"
            }
            Self::CannotRetry => "paste another answer, or accept or reject this one",
            // What can be done about a path stands with it.
            Self::NothingRuns | Self::NothingToUndo | Self::Denied(_) => "nothing was changed",
            Self::Landing => "undo it with pleach.undo when it has landed",
            Self::Suspect(_) => {
                "save the document, or close it and open it again, then repeat the command"
            }
            Self::Outdated(_) => "ask for the actions again",
            Self::TurnedOff => "set it to true in pleach.toml",
        }
    }
}
