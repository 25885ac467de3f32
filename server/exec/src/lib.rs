//! Commands: the only room that starts processes.
//!
//! A [`CommandLine`] is a list of words, never a shell's string. It runs with the environment it is
//! given and no other, with a bound on its time and on its output, in a process group of its own
//! that is killed whole when time runs out or nobody waits any more. (Windows has no such groups: there
//! only the process itself is killed.)
//!
//! What a model asks to run goes through [`run_confined`] instead: the same, and the kernel holds it to a
//! few folders, off the network and within its share of memory and processes (Linux; see [`Sandbox`]).
//!
//! What a command prints is in no error and in no log, because it may be a key.
//!
//! ```
//! use std::time::Duration;
//! use pleach_exec::{CommandLine, run};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let command = CommandLine {
//!     argv: vec!["echo".into(), "hello".into()],
//!     directory: None,
//!     variables: vec![("PATH".into(), "/usr/bin:/bin".into())],
//!     timeout: Duration::from_secs(5),
//!     max_output: 1024,
//! };
//! assert_eq!(run(&command).await.unwrap().stdout, b"hello\n");
//! # });
//! ```

mod sandbox;

pub use sandbox::{
    Captured, Confined, Ended, Ending, HELPER, Limits, Reach, Sandbox, SandboxError, helper,
    run_confined,
};

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long a command that prints a key may take: it may ask the person to unlock a store.
const KEY_WITHIN: Duration = Duration::from_mins(1);
/// Bytes that a key may have.
const KEY_BYTES: usize = 16 << 10;
/// Variables that a command which prints a key may see: what it needs to find its store and to ask.
const KEY_VARIABLES: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "GPG_TTY",
    "PASSWORD_STORE_DIR",
    "SSH_AUTH_SOCK",
    // Windows.
    "APPDATA",
    "LOCALAPPDATA",
    "PATHEXT",
    "SYSTEMROOT",
    "TEMP",
    "USERPROFILE",
];

/// Looks up an environment variable. Only the command line reads the environment; it hands this down.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A command and the bounds it runs in.
#[derive(Debug, Clone)]
pub struct CommandLine {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The folder it runs in; without one, that of this process.
    pub directory: Option<std::path::PathBuf>,
    /// Its whole environment.
    pub variables: Vec<(String, String)>,
    /// How long it may run.
    pub timeout: Duration,
    /// Bytes of each of its outputs that are kept; more is an error.
    pub max_output: usize,
}

/// What a command left behind.
#[derive(Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
}

/// Without what was printed.
impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("status", &self.status)
            .field("stdout", &format_args!("{} bytes", self.stdout.len()))
            .field("stderr", &format_args!("{} bytes", self.stderr.len()))
            .finish()
    }
}

/// Why a command gave nothing. What it printed is never part of the message: it may be a key.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// There is no command.
    #[error("the command is empty")]
    Empty,
    /// It could not be started.
    #[error("`{program}` could not be started: {cause}")]
    NotStarted {
        /// The program.
        program: String,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// It took too long and was killed.
    #[error("`{program}` did not end within {} s and was stopped", after.as_secs())]
    TimedOut {
        /// The program.
        program: String,
        /// The bound.
        after: Duration,
    },
    /// It printed too much and was killed.
    #[error("`{program}` printed more than {limit} bytes and was stopped")]
    TooMuchOutput {
        /// The program.
        program: String,
        /// The bound.
        limit: usize,
    },
    /// Its output could not be read.
    #[error("the output of `{program}` could not be read: {cause}")]
    Unreadable {
        /// The program.
        program: String,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{program}` ended with {status}")]
    Failed {
        /// The program.
        program: String,
        /// How.
        status: ExitStatus,
    },
    /// It printed nothing that could be a key.
    #[error("`{program}` printed no key: its first line is empty or not text")]
    NoKey {
        /// The program.
        program: String,
    },
}

impl ExecError {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty-command",
            Self::NotStarted { .. } => "not-started",
            Self::TimedOut { .. } => "timed-out",
            Self::TooMuchOutput { .. } => "too-much-output",
            Self::Unreadable { .. } => "unreadable-output",
            Self::Failed { .. } => "command-failed",
            Self::NoKey { .. } => "no-key",
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::Empty => "name a program and its arguments".into(),
            Self::NotStarted { program, .. } => format!(
                "install `{program}`, or give its whole path: it is looked for in the PATH that your editor was started with"
            ),
            Self::TimedOut { program, .. } => {
                format!("run `{program}` in a terminal, to see what it waits for")
            }
            Self::TooMuchOutput { program, .. }
            | Self::Unreadable { program, .. }
            | Self::Failed { program, .. }
            | Self::NoKey { program } => {
                format!("run `{program}` in a terminal, to see what it prints")
            }
        }
    }
}

/// Runs a command to its end. Dropping the future kills it and whatever it started.
pub async fn run(command: &CommandLine) -> Result<Output, ExecError> {
    let (program, mut process) = process_of(&command.argv, command.directory.as_deref())?;
    process
        .envs(command.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut group = Group::start(&mut process, program)?;
    let ended = tokio::time::timeout(command.timeout, group.finish(command.max_output)).await;
    match ended {
        Err(_) => Err(ExecError::TimedOut {
            program: program.clone(),
            after: command.timeout,
        }),
        Ok(Err(Broken::TooMuch)) => Err(ExecError::TooMuchOutput {
            program: program.clone(),
            limit: command.max_output,
        }),
        Ok(Err(Broken::Io(cause))) => Err(ExecError::Unreadable {
            program: program.clone(),
            cause,
        }),
        Ok(Ok(output)) => Ok(output),
    }
}

/// A program that is spoken to over its pipes. Dropped, it is killed, and whatever it started.
pub struct Running(#[expect(dead_code, reason = "it is there to be dropped")] Group);

impl Running {
    /// Starts a program, with its output and its input. It sees `variables` and no other; what it complains
    /// of is thrown away.
    pub fn start(
        argv: &[String],
        directory: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, ChildStdout, ChildStdin), ExecError> {
        let (program, mut process) = process_of(argv, directory)?;
        process
            .envs(variables)
            .stdin(Stdio::piped())
            .stderr(Stdio::null());
        let mut group = Group::start(&mut process, program)?;
        match (group.child.stdout.take(), group.child.stdin.take()) {
            (Some(output), Some(input)) => Ok((Self(group), output, input)),
            _ => Err(ExecError::NotStarted {
                program: program.clone(),
                cause: std::io::ErrorKind::BrokenPipe.into(),
            }),
        }
    }
}

/// A program, and its process in a group of its own, without an environment.
fn process_of<'a>(
    argv: &'a [String],
    directory: Option<&Path>,
) -> Result<(&'a String, Command), ExecError> {
    let (program, arguments) = argv.split_first().ok_or(ExecError::Empty)?;
    let mut process = Command::new(program);
    process
        .args(arguments)
        .env_clear()
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if let Some(directory) = directory {
        process.current_dir(directory);
    }
    #[cfg(unix)]
    process.process_group(0);
    Ok((program, process))
}

/// Runs a command that prints a key as its first line, as password stores do. `variables` looks up
/// the environment that the command may see a few names of.
pub async fn key_from_command(
    argv: &[String],
    variables: &Variables,
) -> Result<SecretString, ExecError> {
    let program = argv.first().cloned().ok_or(ExecError::Empty)?;
    let variables = KEY_VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), variables(name)?)))
        .collect();
    let command = CommandLine {
        argv: argv.to_vec(),
        directory: None,
        variables,
        timeout: KEY_WITHIN,
        max_output: KEY_BYTES,
    };
    let output = run(&command).await?;
    if !output.status.success() {
        return Err(ExecError::Failed {
            program,
            status: output.status,
        });
    }
    let key = std::str::from_utf8(&output.stdout)
        .ok()
        .and_then(|text| text.lines().next());
    match key.map(str::trim) {
        Some(key) if !key.is_empty() => Ok(SecretString::from(key.to_owned())),
        _ => Err(ExecError::NoKey { program }),
    }
}

/// A process and everything it started: dropped before its end, it is killed whole.
struct Group {
    child: Child,
    ended: bool,
}

enum Broken {
    TooMuch,
    Io(std::io::Error),
}

impl Group {
    fn start(process: &mut Command, program: &str) -> Result<Self, ExecError> {
        let child = process.spawn().map_err(|cause| ExecError::NotStarted {
            program: program.to_owned(),
            cause,
        })?;
        Ok(Self {
            child,
            ended: false,
        })
    }

    async fn finish(&mut self, limit: usize) -> Result<Output, Broken> {
        let stdout = read(self.child.stdout.take(), limit);
        let stderr = read(self.child.stderr.take(), limit);
        let (stdout, stderr) = tokio::try_join!(stdout, stderr)?;
        let status = self.child.wait().await.map_err(Broken::Io)?;
        self.ended = true;
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        #[cfg(unix)]
        if let Some(leader) = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            // A failure means that nothing of the group is left.
            let _gone =
                rustix::process::kill_process_group(leader, rustix::process::Signal::KILL).is_err();
        }
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, limit: usize) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // One byte more than allowed tells that there is more.
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        from.take(most)
            .read_to_end(&mut bytes)
            .await
            .map_err(Broken::Io)?;
    }
    if bytes.len() > limit {
        Err(Broken::TooMuch)
    } else {
        Ok(bytes)
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use secrecy::ExposeSecret;

    fn shell(script: &str, max_output: usize) -> CommandLine {
        CommandLine {
            argv: vec!["sh".into(), "-c".into(), script.into()],
            directory: None,
            variables: vec![("PATH".into(), "/usr/bin:/bin".into())],
            timeout: Duration::from_secs(30),
            max_output,
        }
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    }

    /// A pipe with a name in a folder of its own.
    fn fifo() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        (folder, path)
    }

    /// Starts a script whose child holds the write end of a pipe, runs `end` on it once the child is
    /// there, and waits until nobody holds the pipe any more.
    fn children_end_after(
        end: impl AsyncFnOnce(tokio::task::JoinHandle<Result<Output, ExecError>>),
    ) {
        let (_folder, path) = fifo();
        let held = path.to_str().unwrap();
        let script = format!("(exec 3>'{held}'; echo started >&3; sleep 600) & wait");
        block_on(async {
            let command = shell(&script, 999);
            let running = tokio::spawn(async move { run(&command).await });
            let reader = tokio::task::spawn_blocking(move || {
                use std::io::BufRead;
                let mut lines = std::io::BufReader::new(std::fs::File::open(path).unwrap()).lines();
                (lines.next(), lines)
            });
            let (first, mut rest) = reader.await.unwrap();
            assert_eq!(first.unwrap().unwrap(), "started");
            end(running).await;
            // Ends only when the last writer is gone.
            let is_over = tokio::task::spawn_blocking(move || rest.next().is_none());
            assert!(is_over.await.unwrap());
        });
    }

    #[test]
    fn a_command_sees_only_the_environment_it_is_given() {
        let mut command = shell("echo \"${CARGO_PKG_NAME-none} $GIVEN\"", 999);
        command.variables.push(("GIVEN".into(), "given".into()));
        // Cargo sets it for this test.
        assert_eq!(env!("CARGO_PKG_NAME"), "pleach-exec");
        assert_eq!(block_on(run(&command)).unwrap().stdout, b"none given\n");
    }

    #[test]
    fn words_are_not_a_shell_s() {
        let mut command = shell("", 999);
        command.argv = ["echo", "$HOME; `ls` *"].map(str::to_owned).to_vec();
        assert_eq!(block_on(run(&command)).unwrap().stdout, b"$HOME; `ls` *\n");
    }

    #[test]
    fn an_ending_is_the_caller_s_to_judge() {
        let output = block_on(run(&shell("echo out; echo err >&2; exit 3", 999))).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(
            (output.stdout, output.stderr),
            (b"out\n".to_vec(), b"err\n".to_vec())
        );
    }

    #[test]
    fn output_has_a_bound_and_may_reach_it() {
        for script in ["yes", "yes >&2"] {
            let ended = block_on(run(&shell(script, 1000)));
            let Err(ExecError::TooMuchOutput { limit: 1000, .. }) = ended else {
                panic!("{ended:?}")
            };
        }
        let output = block_on(run(&shell("printf 12345", 5))).unwrap();
        assert_eq!(output.stdout, b"12345");
    }

    #[test]
    fn what_it_started_is_killed_with_it() {
        children_end_after(async |running| running.abort());
    }

    #[test]
    fn time_runs_out_for_all_of_it() {
        children_end_after(async |running| {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(30)).await;
            tokio::time::resume();
            let ended = running.await.unwrap().unwrap_err();
            assert_eq!(
                ended.to_string(),
                "`sh` did not end within 30 s and was stopped"
            );
        });
    }

    #[test]
    fn a_command_runs_in_the_folder_that_it_is_given() {
        let command = CommandLine {
            directory: Some("/usr".into()),
            ..shell("pwd", 999)
        };
        assert_eq!(block_on(run(&command)).unwrap().stdout, b"/usr\n");
    }

    #[test]
    fn what_cannot_be_started_is_told() {
        let command = |argv: &[&str]| CommandLine {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            ..shell("", 999)
        };
        let nothing = block_on(run(&command(&[]))).unwrap_err();
        assert_eq!(nothing.code(), "empty-command");
        let missing = block_on(run(&command(&["no-such-program-here"]))).unwrap_err();
        assert_eq!(missing.code(), "not-started");
        assert!(
            missing
                .next_step()
                .starts_with("install `no-such-program-here`")
        );
    }

    #[test]
    fn a_key_is_the_first_line_and_in_no_message() {
        let variables: Variables =
            Arc::new(|name| (name == "PATH").then(|| "/usr/bin:/bin".to_owned()));
        let key = |script: &str| {
            let argv = ["sh", "-c", script].map(str::to_owned);
            block_on(key_from_command(&argv, &variables))
        };
        assert_eq!(
            key("printf 'sk-1\\r\\nuser: me\\n'")
                .unwrap()
                .expose_secret(),
            "sk-1"
        );
        let cases = [
            ("echo sk-2; echo sk-2 >&2; exit 3", "command-failed"),
            ("echo; echo sk-2", "no-key"),
            ("printf 'sk-2\\377'", "no-key"),
            ("yes sk-2", "too-much-output"),
        ];
        for (script, code) in cases {
            let error = key(script).unwrap_err();
            assert_eq!(error.code(), code, "{script}");
            let shown = format!("{error} {error:?} {}", error.next_step());
            assert!(!shown.contains("sk-2"), "{shown}");
        }
        let output = block_on(run(&shell("echo sk-2", 99))).unwrap();
        assert!(!format!("{output:?}").contains("sk-2"));
    }
}
