//! The server's side: starts the supervisor, reads what is printed, keeps time.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::{
    Captured, Confined, Ended, Ending, Limits, OUTCOME_FILE, Orders, Outcome, Sandbox, SandboxError,
};

/// How long the supervisor may take to kill what is left. It needs milliseconds.
const SWEEP_WITHIN: Duration = Duration::from_secs(20);

/// Runs `command` in `sandbox`. Dropping the future kills it and whatever it started, wherever that
/// has gone. That it failed is no error: see [`Ended::ending`].
pub async fn run_confined(sandbox: &Sandbox, command: &Confined) -> Result<Ended, SandboxError> {
    let program = command.argv.first().ok_or(SandboxError::Empty)?.clone();
    let not_started = |why: std::io::Error| SandboxError::NotStarted {
        program: program.clone(),
        why: why.to_string(),
    };
    let private = tempfile::tempdir().map_err(not_started)?;
    let temporary = private.path().join("tmp");
    std::fs::create_dir(&temporary).map_err(not_started)?;
    let orders = orders(command, private.path(), &temporary);
    let orders = serde_json::to_string(&orders).map_err(|error| SandboxError::NotStarted {
        program: program.clone(),
        why: error.to_string(),
    })?;
    let (entrance, words) = sandbox.words.split_first().ok_or(SandboxError::Empty)?;
    let mut process = Command::new(entrance);
    process
        .args(words)
        .arg("supervise")
        .arg(orders)
        .args(&command.argv)
        .current_dir(&command.folder)
        .env_clear()
        .envs(command.variables.iter().map(|(name, value)| (name, value)))
        .env("TMPDIR", &temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    process.process_group(0);
    let mut child = process.spawn().map_err(not_started)?;
    // Dropped with this future: the supervisor sees the pipe close and kills what it supervises. It is
    // never killed itself, because then nobody would.
    let rope = child.stdin.take();
    let limits = command.limits;
    let mut stdout = Captured::new(limits.kept);
    let mut stderr = Captured::new(limits.kept);
    let stopped = {
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let printed = async {
            tokio::try_join!(
                drain(out, &mut stdout, &limits),
                drain(err, &mut stderr, &limits),
            )
        };
        match tokio::time::timeout(limits.wall, printed).await {
            Ok(Ok(_)) => None,
            Ok(Err(TooMuch)) => Some(Ending::TooMuchOutput),
            Err(_) => Some(Ending::OutOfTime),
        }
    };
    if stopped.is_none()
        && tokio::time::timeout(limits.wall, child.wait())
            .await
            .is_err()
    {
        return over(
            Ending::OutOfTime,
            &mut child,
            rope,
            stdout,
            stderr,
            &program,
        )
        .await;
    }
    if let Some(ending) = stopped {
        return over(ending, &mut child, rope, stdout, stderr, &program).await;
    }
    drop(rope);
    let outcome = std::fs::read_to_string(private.path().join(OUTCOME_FILE))
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    match outcome {
        Ok(Outcome::Ended(ending)) => Ok(Ended {
            ending,
            stdout,
            stderr,
        }),
        Ok(Outcome::NotStarted(why)) => Err(SandboxError::NotStarted { program, why }),
        Err(why) => Err(SandboxError::Lost { program, why }),
    }
}

/// Lets the supervisor kill what is left, and waits for that.
async fn over(
    ending: Ending,
    child: &mut Child,
    rope: Option<tokio::process::ChildStdin>,
    stdout: Captured,
    stderr: Captured,
    program: &str,
) -> Result<Ended, SandboxError> {
    drop(rope);
    if tokio::time::timeout(SWEEP_WITHIN, child.wait())
        .await
        .is_err()
    {
        return Err(SandboxError::Lost {
            program: program.to_owned(),
            why: "what it started could not be ended in time".into(),
        });
    }
    Ok(Ended {
        ending,
        stdout,
        stderr,
    })
}

fn orders(command: &Confined, outcome: &std::path::Path, temporary: &std::path::Path) -> Orders {
    let limits = command.limits;
    let mut write = command.reach.write.clone();
    write.push(temporary.to_owned());
    Orders {
        outcome: outcome.to_owned(),
        temporary: temporary.to_owned(),
        read: command.reach.read.clone(),
        write,
        network: command.reach.network,
        cpu_seconds: limits.cpu.as_secs().max(1),
        memory: limits.memory,
        processes: limits.processes,
        file: limits.file,
        spare: vec![std::process::id()],
        lock: command.lock.clone(),
    }
}

struct TooMuch;

/// Reads an output to its end, or to its bound.
async fn drain(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Captured,
    limits: &Limits,
) -> Result<(), TooMuch> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; 64 << 10];
    // An output that cannot be read has ended.
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        into.push(buffer.get(..read).unwrap_or_default());
        if into.total() > limits.output {
            return Err(TooMuch);
        }
    }
    Ok(())
}
