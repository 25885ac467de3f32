//! Commands: the only room that starts processes.
//!
//! A [`CommandLine`] is a list of words, never a shell's string. It runs with the environment it is
//! given and no other, with a bound on its time and on its output, in a process group of its own
//! that is killed whole when time runs out or nobody waits any more.
//!
//! ```
//! use std::time::Duration;
//! use pleach_exec::{CommandLine, run};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let command = CommandLine {
//!     argv: vec!["echo".into(), "hello".into()],
//!     variables: vec![("PATH".into(), "/usr/bin:/bin".into())],
//!     timeout: Duration::from_secs(5),
//!     max_output: 1024,
//! };
//! assert_eq!(run(&command).await.unwrap().stdout, b"hello\n");
//! # });
//! ```

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How long a command that prints a key may take: it may ask the person to unlock a store.
const KEY_WITHIN: Duration = Duration::from_mins(1);
/// Bytes that a key may have.
const KEY_BYTES: usize = 16 << 10;
/// Variables that a command which prints a key may see: what it needs to find its store and to ask.
const KEY_VARIABLES: [&str; 18] = [
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
];

/// Looks up an environment variable. Only the command line reads the environment; it hands this down.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A command and the bounds it runs in.
#[derive(Debug, Clone)]
pub struct CommandLine {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub variables: Vec<(String, String)>,
    /// How long it may run.
    pub timeout: Duration,
    /// Bytes of each of its outputs that are kept; more is an error.
    pub max_output: usize,
}

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
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

/// Runs a command to its end. Dropping the future kills it and whatever it started.
pub async fn run(command: &CommandLine) -> Result<Output, ExecError> {
    let (program, arguments) = command.argv.split_first().ok_or(ExecError::Empty)?;
    let mut process = Command::new(program);
    process
        .args(arguments)
        .env_clear()
        .envs(command.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    process.process_group(0);
    let child = process.spawn().map_err(|cause| ExecError::NotStarted {
        program: program.clone(),
        cause,
    })?;
    let mut group = Group::of(child);
    let ended = tokio::time::timeout(command.timeout, group.finish(command.max_output)).await;
    match ended {
        Err(_) => Err(ExecError::TimedOut {
            program: program.clone(),
            after: command.timeout,
        }),
        Ok(Err(Ending::TooMuch)) => Err(ExecError::TooMuchOutput {
            program: program.clone(),
            limit: command.max_output,
        }),
        Ok(Err(Ending::Io(cause))) => Err(ExecError::Unreadable {
            program: program.clone(),
            cause,
        }),
        Ok(Ok(output)) => Ok(output),
    }
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

enum Ending {
    TooMuch,
    Io(std::io::Error),
}

impl Group {
    fn of(child: Child) -> Self {
        Self {
            child,
            ended: false,
        }
    }

    async fn finish(&mut self, limit: usize) -> Result<Output, Ending> {
        let stdout = read(self.child.stdout.take(), limit);
        let stderr = read(self.child.stderr.take(), limit);
        let (stdout, stderr) = tokio::try_join!(stdout, stderr)?;
        let status = self.child.wait().await.map_err(Ending::Io)?;
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

async fn read(from: Option<impl AsyncRead + Unpin>, limit: usize) -> Result<Vec<u8>, Ending> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // One byte more than allowed tells that there is more.
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        from.take(most)
            .read_to_end(&mut bytes)
            .await
            .map_err(Ending::Io)?;
    }
    if bytes.len() > limit {
        Err(Ending::TooMuch)
    } else {
        Ok(bytes)
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use secrecy::ExposeSecret;

    fn shell(script: &str, max_output: usize) -> CommandLine {
        CommandLine {
            argv: vec!["sh".into(), "-c".into(), script.into()],
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

    #[test]
    fn a_command_sees_only_the_environment_it_is_given() {
        let output = block_on(run(&shell("env | cut -d= -f1 | sort | tr '\\n' ' '", 999))).unwrap();
        let names = String::from_utf8(output.stdout).unwrap();
        assert!(!names.contains("CARGO"), "{names}");
        assert!(names.contains("PATH"), "{names}");
    }

    #[test]
    fn too_much_output_stops_it() {
        let ended = block_on(run(&shell("yes", 1000)));
        assert!(
            matches!(ended, Err(ExecError::TooMuchOutput { limit: 1000, .. })),
            "{ended:?}"
        );
    }

    #[test]
    fn what_it_started_is_killed_with_it() {
        // The child of the shell holds the write end of a pipe; the pipe closes when it is killed.
        let directory = std::env::temp_dir().join(format!("pleach-exec-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let fifo = directory.join("alive");
        let path = fifo.to_str().unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(path)
            .status()
            .unwrap();
        assert!(made.success());
        let script = format!("(exec 3>'{path}'; echo started >&3; sleep 600) & wait");
        block_on(async {
            let command = shell(&script, 999);
            let running = tokio::spawn(async move { run(&command).await.map(|_| ()) });
            let reader = tokio::task::spawn_blocking(move || {
                use std::io::BufRead;
                let mut lines = std::io::BufReader::new(std::fs::File::open(fifo).unwrap()).lines();
                (lines.next(), lines)
            });
            let (first, mut rest) = reader.await.unwrap();
            assert_eq!(first.unwrap().unwrap(), "started");
            running.abort();
            // Ends only when the last writer is gone.
            let end = tokio::task::spawn_blocking(move || rest.next().is_none())
                .await
                .unwrap();
            assert!(end);
        });
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_key_is_the_first_line_and_in_no_message() {
        let nothing: Variables =
            Arc::new(|name| (name == "PATH").then(|| "/usr/bin:/bin".to_owned()));
        let argv = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        let key = block_on(key_from_command(
            &argv("printf 'sk-1\\nuser: me\\n'"),
            &nothing,
        ));
        assert_eq!(key.unwrap().expose_secret(), "sk-1");
        let failed = block_on(key_from_command(&argv("echo sk-2; exit 3"), &nothing)).unwrap_err();
        assert!(
            !format!("{failed} {failed:?}").contains("sk-2"),
            "{failed:?}"
        );
        let empty = block_on(key_from_command(&argv("echo"), &nothing));
        assert!(matches!(empty, Err(ExecError::NoKey { .. })));
    }
}
