//! Why a job did not end in a proposal or an answer.

use pleach_edit::Refusal;
use pleach_exec::ExecError;
use pleach_model::{MicroUsd, ProviderError};
use pleach_policy::Room;

use crate::builtin::BuiltinRefusal;
use crate::chat::ChatFailure;
use crate::plan::PlanFailure;
use crate::review::ReviewFailure;
use crate::templates::TemplateFailure;
use crate::testing::TestingFailure;

/// What went wrong with a job, for a person: what happened and what to do next.
///
/// The reply that was received until then, if any, travels beside it (see
/// [`JobOutcome::Failed`](crate::JobOutcome::Failed)), so that nothing that was paid for is lost.
#[derive(Debug, thiserror::Error)]
pub enum JobFailure {
    /// The provider could not be asked, or its answer broke off.
    #[error("{0}")]
    Provider(#[from] ProviderError),
    /// The command that prints the key failed.
    #[error("the key for `{provider}` could not be had: {cause}")]
    Key {
        /// The provider's name in the settings.
        provider: String,
        /// What the command's run ended in.
        cause: ExecError,
    },
    /// The settings name an engine that they do not describe.
    #[error("the settings choose the engine `{name}`, but there is no [providers.{name}]")]
    UnknownEngine {
        /// The name that was chosen.
        name: String,
    },
    /// The environment variable that should hold the key is not set.
    #[error(
        "the environment variable {variable} is not set; the provider `{provider}` reads its key from it"
    )]
    KeyNotSet {
        /// The provider's name in the settings.
        provider: String,
        /// The variable's name.
        variable: String,
    },
    /// The provider ended the answer in a way that Pleach does not know, so nobody can tell whether
    /// it is whole.
    #[error("the answer ended for a reason that is not known (`{reason}`), so it may be cut off")]
    UnknownStop {
        /// The provider's word for it.
        reason: String,
    },
    /// The engine answered, but no part of it can be taken safely.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The built-in engine cannot do this.
    #[error("{0}")]
    Builtin(#[from] BuiltinRefusal),
    /// The document holds more than may be sent in one request.
    #[error(
        "`{path}` has {bytes} bytes around the selection, more than max_context_bytes ({limit}) allows to be sent"
    )]
    TooLarge {
        /// The document.
        path: String,
        /// Bytes that would have been sent.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// The caps leave less than the request costs.
    #[error(
        "the request costs about {needed}, and the cap of {} on {} leaves {}",
        room.limit, room.cap.period(), room.left
    )]
    OverBudget {
        /// What is left, and of which cap.
        room: Room,
        /// What the request and a few words of an answer cost.
        needed: MicroUsd,
    },
    /// The answer reached a cap and was stopped there.
    #[error(
        "the answer was stopped at {}: that is what the cap of {} on {} left",
        room.left, room.limit, room.cap.period()
    )]
    BudgetReached {
        /// What was left, and of which cap.
        room: Room,
    },
    /// There is a cap, and nobody knows what the model costs.
    #[error(
        "there is a cap on what may be spent, and the price of `{model}` at `{provider}` is unknown"
    )]
    PriceUnknown {
        /// The provider's name in the settings.
        provider: String,
        /// The model.
        model: String,
    },
    /// So many calls look like a loop.
    #[error("{limit} calls of models {}: that looks like a loop", match seconds {
        Some(_) => "were made within a minute",
        None => "were made by this job",
    })]
    TooManyCalls {
        /// The limit that was reached.
        limit: u32,
        /// Until one more is in order; `None` for the limit of a job.
        seconds: Option<u64>,
    },
    /// Nobody can tell what was spent.
    #[error("what is spent cannot be written down ({cause}), so no model is asked")]
    Ledger {
        /// What the ledger says.
        cause: String,
    },
    /// Nobody is called so, or the file of the role is broken.
    #[error("there is no role `{name}`")]
    UnknownRole {
        /// The role.
        name: String,
    },
    /// A role that is needed has no model.
    #[error("the {role} needs a model, and none is set up for it")]
    NoModel {
        /// The role.
        role: &'static str,
    },
    /// A template of a role or an action failed.
    #[error("the template of `{name}` failed: {why}")]
    Template {
        /// The role or the action.
        name: String,
        /// What the template says.
        why: String,
    },
    /// The model called tools for as long as it may, and did not come to an end.
    #[error("the model called tools again and again and came to no end")]
    TooManyRounds,
    /// The document is one that never leaves the machine.
    #[error("`{path}` is never sent to a model: {why}")]
    Withheld {
        /// The document.
        path: String,
        /// What keeps it back.
        why: &'static str,
    },
    /// An instruction is needed and none was given.
    #[error("{what} needs an instruction, and none was given")]
    NoInstruction {
        /// The action's title.
        what: &'static str,
    },
    /// A plan cannot be made, or a step of one not be carried out.
    #[error("{0}")]
    Plan(#[from] PlanFailure),
    /// A chat does not go on.
    #[error(transparent)]
    Chat(#[from] ChatFailure),
    /// There is no review.
    #[error("{0}")]
    Review(#[from] ReviewFailure),
    /// Nothing was made of a template of files.
    #[error("{0}")]
    Scaffold(#[from] TemplateFailure),
    /// The tests were not run.
    #[error("{0}")]
    Testing(#[from] TestingFailure),
    /// The job's work panicked: a defect of ours.
    #[error("Pleach made a mistake of its own while {doing}")]
    Internal {
        /// The step that broke.
        doing: &'static str,
    },
}

impl JobFailure {
    /// A short, stable code, for logs and for plugins.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Provider(error) => error.code(),
            Self::Key { .. } => "key-command-failed",
            Self::UnknownEngine { .. } => "unknown-engine",
            Self::KeyNotSet { .. } => "key-not-set",
            Self::UnknownStop { .. } => "unknown-stop",
            Self::Refused(refusal) => refusal.code.code(),
            Self::Builtin(refusal) => refusal.code(),
            Self::TooLarge { .. } => "too-large",
            Self::Withheld { .. } => "withheld",
            Self::OverBudget { .. } => "over-budget",
            Self::BudgetReached { .. } => "budget-reached",
            Self::PriceUnknown { .. } => "price-unknown",
            Self::TooManyCalls { .. } => "too-many-calls",
            Self::Ledger { .. } => "ledger",
            Self::NoInstruction { .. } => "no-instruction",
            Self::UnknownRole { .. } => "unknown-role",
            Self::NoModel { .. } => "needs-model",
            Self::Template { .. } => "template",
            Self::TooManyRounds => "too-many-rounds",
            Self::Plan(failure) => failure.code(),
            Self::Chat(failure) => failure.code(),
            Self::Review(failure) => failure.code(),
            Self::Scaffold(failure) => failure.code(),
            Self::Testing(failure) => failure.code(),
            Self::Internal { .. } => "internal",
        }
    }

    /// What the person can do next, in one sentence.
    pub fn next_step(&self) -> String {
        match self {
            Self::Provider(error) => error.next_step(),
            Self::Key { provider, cause } => format!(
                "correct key_command of [providers.{provider}] in pleach.toml: {}",
                cause.next_step()
            ),
            Self::UnknownEngine { name } => format!(
                "add a [providers.{name}] section to pleach.toml, or set engine = \"builtin\""
            ),
            Self::KeyNotSet { variable, .. } => format!(
                "set {variable} where your editor is started, or use key_command in pleach.toml"
            ),
            Self::UnknownStop { .. } => {
                "nothing was changed; look at the kept answer, and land it with pleach.land if it is whole"
                    .into()
            }
            Self::Refused(_) => {
                "nothing was changed; say more exactly what you want, or select the place itself"
                    .into()
            }
            Self::Builtin(refusal) => refusal.next_step(),
            Self::Plan(failure) => failure.next_step().to_owned(),
            Self::Chat(failure) => failure.next_step().to_owned(),
            Self::Review(failure) => failure.next_step().to_owned(),
            Self::Scaffold(failure) => failure.next_step(),
            Self::Testing(failure) => failure.next_step(),
            Self::TooLarge { .. } => {
                "select a smaller part, or raise [limits] max_context_bytes in pleach.toml".into()
            }
            Self::OverBudget { room, .. } => format!(
                "nothing was spent; select a smaller part, or raise [budget] {} in pleach.toml (`pleach usage` shows what was spent)",
                room.cap.key()
            ),
            Self::BudgetReached { room } => format!(
                "nothing was changed, and what had come is kept; raise [budget] {} in pleach.toml, or ask for less",
                room.cap.key()
            ),
            Self::PriceUnknown { provider, model } => format!(
                "give its price as `{provider}/{model}` in the file of [budget] price_file, or set allow_unknown_prices = true"
            ),
            Self::TooManyCalls {
                seconds: Some(seconds),
                ..
            } => format!(
                "look what asks so often; more is in order in {seconds} s, or raise [budget] calls_per_minute in pleach.toml"
            ),
            Self::TooManyCalls { .. } => {
                "ask for a smaller step, or raise [budget] calls_per_job in pleach.toml".into()
            }
            Self::Ledger { .. } => {
                "mend what it names: nothing is spent that cannot be written down".into()
            }
            Self::NoModel { role } => {
                format!("name one as `engine`, or as `{role}` under [models], in pleach.toml")
            }
            Self::UnknownRole { .. } | Self::Template { .. } => {
                "mend its file, which shows what is wrong when you open it".into()
            }
            Self::TooManyRounds => {
                "nothing was changed; ask for a smaller step, or choose a model that is better with tools"
                    .into()
            }
            Self::Withheld { .. } => {
                "nothing of it was sent; edit this file yourself, or take it out of .pleachignore".into()
            }
            Self::NoInstruction { .. } => {
                "give one: write a comment `ai: …` above the place, or pass it to the command"
                    .into()
            }
            Self::Internal { .. } => {
                "nothing was changed; please report it with the log, and try again".into()
            }
        }
    }
}
