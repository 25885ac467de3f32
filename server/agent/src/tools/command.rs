//! Running a command: allowed by the person, confined by the sandbox.

use std::path::PathBuf;
use std::sync::Arc;

use pleach_exec::{Limits, Sandbox, Variables, run_confined};
use pleach_policy::{CommandSettings, TestSettings};
use tokio::sync::oneshot;

use super::arguments::RunCommand;
use super::{Ground, ToolError};
use crate::confine::confined;

/// Words of one command.
const MOST_WORDS: usize = 256;
/// Bytes of one command.
const MOST_BYTES: usize = 16 << 10;
/// What the person answers when a command is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// This once.
    Once,
    /// Whenever it is asked for, until the server ends.
    Always,
    /// No.
    Never,
}

/// What a model wants to do that a person has to allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Run this command in the sandbox.
    Command(Vec<String>),
    /// Run this command of the project's tests in the sandbox, in a copy of the workspace with an edit in it.
    Tests(Vec<String>),
    /// Use a tool of a server.
    Tool {
        /// As models call it: the server, `__`, and the server's name for it.
        name: String,
        /// The arguments, as JSON.
        about: String,
    },
}

/// Asks the person for leave. An answer that never comes means no.
pub type Asker = Arc<dyn Fn(Wish) -> oneshot::Receiver<Answer> + Send + Sync>;

/// How commands are run in a job.
#[derive(Clone)]
pub(crate) struct Commands {
    /// Which need not be asked for, and what they write and read besides.
    pub(crate) settings: CommandSettings,
    /// How the project's tests are run.
    pub(crate) tests: TestSettings,
    /// How the person is asked.
    pub(crate) ask: Asker,
    /// The environment, of which a command sees a few names.
    pub(crate) variables: Variables,
    /// What a command may use.
    pub(crate) limits: Limits,
}

impl Commands {
    /// Asks the person whether a command may run, unless they have said so already.
    pub(crate) async fn permit(&self, argv: &[String]) -> Result<(), ToolError> {
        self.permit_as(argv, Wish::Command).await
    }

    /// Asks the person, as this `wish`, whether a command may run, unless they have said so already.
    pub(crate) async fn permit_as(
        &self,
        argv: &[String],
        wish: impl FnOnce(Vec<String>) -> Wish,
    ) -> Result<(), ToolError> {
        if self.settings.allows(argv) {
            return Ok(());
        }
        self.may(wish(argv.to_vec())).await
    }

    /// Runs a command in the workspace's first folder and tells how it ended and what it printed.
    pub(super) async fn run(
        &self,
        ground: &Ground,
        command: RunCommand,
    ) -> Result<String, ToolError> {
        let argv = command.argv;
        let bytes: usize = argv.iter().map(String::len).sum();
        let is_odd = argv.iter().any(|word| word.contains('\0'));
        if argv.is_empty() || argv.len() > MOST_WORDS || bytes > MOST_BYTES || is_odd {
            return Err(ToolError::BadArguments {
                why: "`argv` must have 1 to 256 words, and no NUL in them".into(),
            });
        }
        let folder = ground.workspace().roots().first().cloned();
        let folder = folder.ok_or(ToolError::NoCommands)?;
        // Before anybody is asked: there is nothing to allow where it cannot be confined.
        let sandbox = Sandbox::of_this_program()?;
        self.permit(&argv).await?;
        let folder = PathBuf::from(folder.as_str());
        let confined = confined(argv, &folder, &self.variables, &self.settings, self.limits);
        let ended = run_confined(&sandbox, &confined).await?;
        let mut told = format!("It {}.\n", ended.ending);
        for (name, printed) in [("output", &ended.stdout), ("errors", &ended.stderr)] {
            if printed.total() > 0 {
                let text = printed.text();
                told.extend([name, ":\n", text.trim_end(), "\n"]);
            }
        }
        // What a file of the workspace says may have been printed.
        Ok(ground.hide(None, &told))
    }

    /// Asks the person for leave.
    pub(super) async fn may(&self, wish: Wish) -> Result<(), ToolError> {
        let what = match &wish {
            Wish::Command(argv) | Wish::Tests(argv) => super::shortened(&argv.join(" ")),
            Wish::Tool { name, .. } => name.clone(),
        };
        let why = match (self.ask)(wish).await {
            Ok(Answer::Once | Answer::Always) => return Ok(()),
            Ok(Answer::Never) => "the person said no",
            Err(_) => "nobody could be asked",
        };
        Err(ToolError::Denied { what, why })
    }
}
