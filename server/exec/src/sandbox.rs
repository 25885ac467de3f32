//! Commands that nobody vouches for: confined by the kernel, and killed with everything they started.
//!
//! Three processes share the work, so that nothing here needs unsafe code:
//!
//! 1. The server starts a *supervisor*, which is our own binary ([`helper`]), and holds a pipe to it. It
//!    reads what is printed, and keeps time.
//! 2. The supervisor inherits every orphan of the command (it is a *subreaper*), so what the command
//!    started can always be found and killed: when the command ends, when a limit is passed, and when
//!    the pipe closes, because the server cancelled or died.
//! 3. Below it our binary runs once more, restricts itself (resource limits, Landlock, seccomp) and then
//!    becomes the command.

#[cfg(target_os = "linux")]
mod calls;
mod captured;
#[cfg(target_os = "linux")]
mod enter;
mod reach;
mod run;
#[cfg(target_os = "linux")]
mod supervise;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use captured::Captured;
pub use reach::Reach;
pub use run::run_confined;

/// A command that is confined.
#[derive(Debug, Clone)]
pub struct Confined {
    /// The program and its arguments; no shell reads them.
    pub argv: Vec<String>,
    /// The folder that it runs in.
    pub folder: PathBuf,
    /// Its whole environment. `TMPDIR` is added: a folder of its own, gone when it ends.
    pub variables: Vec<(String, String)>,
    /// What it may use.
    pub limits: Limits,
    /// What it may touch.
    pub reach: Reach,
    /// A file that is locked (as [`std::fs::File::lock`] does it) as long as anything of it is alive: longer than
    /// whoever runs it waits, when that is cancelled. Where somebody else has the lock, nothing is started.
    pub lock: Option<PathBuf>,
}

/// What a confined command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take.
    pub wall: Duration,
    /// Processor time of each of its processes.
    pub cpu: Duration,
    /// Bytes of memory, of each of its processes and of all together.
    pub memory: u64,
    /// Processes at a time.
    pub processes: u32,
    /// Bytes of each file that it writes.
    pub file: u64,
    /// Bytes of each output that are kept: one half from the beginning, one from the end.
    pub kept: usize,
    /// Bytes of each output at which it is stopped.
    pub output: u64,
}

impl Default for Limits {
    /// Enough for a project's tests.
    fn default() -> Self {
        Self {
            wall: Duration::from_mins(5),
            cpu: Duration::from_mins(10),
            memory: 4 << 30,
            processes: 512,
            file: 1 << 30,
            kept: 64 << 10,
            output: 64 << 20,
        }
    }
}

/// How a confined command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// Stopped: its time was over.
    OutOfTime,
    /// Stopped: it used more memory than it may.
    OutOfMemory,
    /// Stopped: it had more processes than it may.
    TooManyProcesses,
    /// Stopped: it printed more than it may.
    TooMuchOutput,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(0) => f.write_str("ended well"),
            Self::Exited(status) => write!(f, "ended with status {status}"),
            Self::Killed(signal) => write!(f, "was ended by signal {signal}"),
            Self::OutOfTime => f.write_str("was stopped: its time was over"),
            Self::OutOfMemory => f.write_str("was stopped: it used too much memory"),
            Self::TooManyProcesses => f.write_str("was stopped: it started too many processes"),
            Self::TooMuchOutput => f.write_str("was stopped: it printed too much"),
        }
    }
}

/// What a confined command left behind.
#[derive(Debug, Clone)]
pub struct Ended {
    /// How it ended.
    pub ending: Ending,
    /// What it wrote.
    pub stdout: Captured,
    /// What it complained of.
    pub stderr: Captured,
}

/// The way into the sandbox: a program that calls [`helper`] with the arguments behind these words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    words: Vec<String>,
}

impl Sandbox {
    /// The sandbox of this machine, entered through this very program, which must call [`helper`] when
    /// its first argument is [`HELPER`].
    pub fn of_this_program() -> Result<Self, SandboxError> {
        // It stays what it is even if the file is replaced while the server runs.
        let words = ["/proc/self/exe", HELPER].map(str::to_owned).to_vec();
        Self::new(words)
    }

    /// The sandbox of this machine, entered through `words` (a program and its first arguments).
    /// An error where the kernel offers none.
    pub fn new(words: Vec<String>) -> Result<Self, SandboxError> {
        #[cfg(target_os = "linux")]
        {
            enter::is_available()?;
            Ok(Self { words })
        }
        #[cfg(not(target_os = "linux"))]
        {
            drop(words);
            Err(SandboxError::Unavailable {
                why: "this system has none that Pleach knows".into(),
            })
        }
    }
}

/// Why a command was not run in the sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// There is no command.
    #[error("the command is empty")]
    Empty,
    /// This machine has no sandbox.
    #[error("there is no sandbox on this machine: {why}")]
    Unavailable {
        /// What is missing.
        why: String,
    },
    /// The program could not be started in it.
    #[error("`{program}` could not be started in the sandbox: {why}")]
    NotStarted {
        /// The program.
        program: String,
        /// The system's reason.
        why: String,
    },
    /// Nobody knows how it ended: the supervisor is gone.
    #[error("how `{program}` ended is not known: {why}")]
    Lost {
        /// The program.
        program: String,
        /// What is known.
        why: String,
    },
}

impl SandboxError {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty-command",
            Self::Unavailable { .. } => "no-sandbox",
            Self::NotStarted { .. } => "not-started",
            Self::Lost { .. } => "command-lost",
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::Empty => "name a program and its arguments".into(),
            Self::Unavailable { .. } => {
                "run the command yourself; confining it needs Linux 5.13 or later with Landlock"
                    .into()
            }
            Self::NotStarted { program, .. } => format!(
                "look whether `{program}` is installed where the sandbox may read, and name its folder in [commands] read of your pleach.toml if it is not"
            ),
            Self::Lost { program, .. } => format!("run `{program}` in a terminal"),
        }
    }
}

/// What the helper is told, as one argument.
#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    /// The folder that the outcome is written to, out of the command's reach.
    outcome: PathBuf,
    /// The command's own temporary folder.
    temporary: PathBuf,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    network: bool,
    cpu_seconds: u64,
    memory: u64,
    processes: u32,
    file: u64,
    /// Processes that the command must not signal, beside its supervisor.
    spare: Vec<u32>,
    /// What the supervisor locks as long as anything runs.
    lock: Option<PathBuf>,
}

/// What the helper tells of the command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ended(Ending),
    NotStarted(String),
}

/// The first argument by which the product's own binary is entered as the helper.
pub const HELPER: &str = "__exec";
/// The name of the file in [`Orders::outcome`].
const OUTCOME_FILE: &str = "outcome.json";

/// The helper's own work: what a program does whose words are a [`Sandbox`]'s, with the arguments that
/// follow them. Returns the program's status.
pub fn helper(arguments: impl Iterator<Item = String>) -> u8 {
    #[cfg(target_os = "linux")]
    {
        supervise::helper(arguments)
    }
    #[cfg(not(target_os = "linux"))]
    {
        drop(arguments.count());
        1
    }
}
