//! Escapes, tried from within the sandbox. Each test says what must not happen, and that the same is
//! possible without the sandbox where that is not plain.
#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc
)]

use std::fs::{self, TryLockError};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pleach_exec::{Confined, Ended, Ending, Limits, Reach, Sandbox, SandboxError, run_confined};

const HELPER: &str = env!("CARGO_BIN_EXE_pleach-confine");

/// A workspace with a folder for outputs, and a folder beside it that is out of reach.
struct Place {
    _folder: tempfile::TempDir,
    workspace: PathBuf,
    elsewhere: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (workspace, elsewhere) = (root.join("workspace"), root.join("elsewhere"));
        for folder in [
            &workspace.join("target"),
            &workspace.join("src"),
            &elsewhere,
        ] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(workspace.join("src/lib.rs"), "// source\n").unwrap();
        fs::write(elsewhere.join("id_rsa"), "SECRET").unwrap();
        Self {
            _folder: folder,
            workspace,
            elsewhere,
        }
    }

    fn command(&self, argv: &[&str]) -> Confined {
        let mut reach = Reach::of_workspace(&self.workspace, None, &[]);
        reach.read.push(Path::new(HELPER).parent().unwrap().into());
        Confined {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            folder: self.workspace.clone(),
            variables: vec![
                ("PATH".into(), "/usr/bin:/bin".into()),
                ("OUT".into(), self.elsewhere.to_str().unwrap().into()),
            ],
            limits: Limits {
                wall: Duration::from_mins(2),
                kept: 1 << 10,
                ..Limits::default()
            },
            reach,
            lock: None,
        }
    }

    /// A pipe with a name, which a command can write to.
    fn pipe(&self) -> PathBuf {
        let pipe = self.workspace.join("target/pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        pipe
    }

    /// Runs a script of the shell, which may not do what it wants.
    fn sh(&self, script: &str) -> Ended {
        run(&self.command(&["sh", "-c", script])).unwrap()
    }

    fn attempt(&self, what: &str, argument: &str) -> Ended {
        run(&self.command(&[HELPER, "try", what, argument])).unwrap()
    }

    /// Whether nothing out of the workspace has changed.
    fn is_untouched(&self) -> bool {
        let names: Vec<_> = fs::read_dir(&self.elsewhere)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names == ["id_rsa"]
            && fs::read_to_string(self.elsewhere.join("id_rsa")).unwrap() == "SECRET"
    }
}

fn sandbox() -> Sandbox {
    Sandbox::new(vec![HELPER.into()]).expect("these tests need a kernel with Landlock")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn run(command: &Confined) -> Result<Ended, SandboxError> {
    block_on(run_confined(&sandbox(), command))
}

#[test]
fn what_a_build_needs_is_allowed() {
    let place = Place::new();
    let ended = place.sh(
        "cat src/lib.rs && echo object > target/a.o && mkdir target/deps && mv target/a.o target/deps/ \
         && ln -s deps target/link && echo scratch > $TMPDIR/x && cat $TMPDIR/x && echo no > /dev/null \
         && rm -r target/deps",
    );
    assert_eq!(ended.ending, Ending::Exited(0), "{}", ended.stderr.text());
    assert_eq!(ended.stdout.text(), "// source\nscratch\n");
    assert!(!place.workspace.join("target/deps").exists());
    assert_eq!(place.attempt("pair", "").ending, Ending::Exited(0));
}

#[test]
fn its_status_is_told() {
    let place = Place::new();
    assert_eq!(place.sh("exit 7").ending, Ending::Exited(7));
    assert_eq!(place.sh("kill -15 $$").ending, Ending::Killed(15));
    let missing = run(&place.command(&["no-such-program-here"])).unwrap_err();
    assert_eq!(missing.code(), "not-started");
}

#[test]
fn nothing_is_written_out_of_the_workspace() {
    for escape in [
        "echo x > $OUT/new",
        "echo x >> $OUT/id_rsa",
        "echo x > ../elsewhere/new",
        "mkdir $OUT/new",
        "rm $OUT/id_rsa",
        "mv $OUT/id_rsa target/",
        "mv src/lib.rs $OUT/",
        "truncate -s 0 $OUT/id_rsa",
        "ln -s x $OUT/link",
        "mkfifo $OUT/pipe",
        "cp src/lib.rs $OUT/id_rsa",
    ] {
        let place = Place::new();
        let ended = place.sh(escape);
        assert_ne!(ended.ending, Ending::Exited(0), "{escape}");
        assert!(place.is_untouched(), "{escape}");
    }
}

#[test]
fn no_source_is_written() {
    for escape in [
        "echo x >> src/lib.rs",
        "rm src/lib.rs",
        "mv src/lib.rs target/lib.rs",
        "echo x > new.rs",
        "ln src/lib.rs target/lib.rs && echo x >> target/lib.rs",
        "mkdir -p .git/hooks && echo x > .git/hooks/pre-commit",
        "rmdir target",
        "sed -i s/source/x/ src/lib.rs",
    ] {
        let place = Place::new();
        assert_ne!(place.sh(escape).ending, Ending::Exited(0), "{escape}");
        let text = fs::read_to_string(place.workspace.join("src/lib.rs")).unwrap();
        assert_eq!(text, "// source\n", "{escape}");
        assert_eq!(
            fs::read_dir(&place.workspace).unwrap().count(),
            2,
            "{escape}"
        );
    }
}

#[test]
fn a_link_leads_nowhere() {
    for escape in [
        "ln -s $OUT target/link && echo x > target/link/new",
        "ln -s $OUT/id_rsa target/link && echo x > target/link",
        "ln -s $OUT/id_rsa target/link && cat target/link",
        "ln $OUT/id_rsa target/hard && cat target/hard",
        "ln -s / target/root && echo x > target/root/$OUT/new",
    ] {
        let place = Place::new();
        let ended = place.sh(escape);
        assert_ne!(ended.ending, Ending::Exited(0), "{escape}");
        assert!(!ended.stdout.text().contains("SECRET"), "{escape}");
        assert!(place.is_untouched(), "{escape}");
    }
    // An output that is a link itself gives nothing away.
    let place = Place::new();
    std::os::unix::fs::symlink(&place.elsewhere, place.workspace.join("dist")).unwrap();
    assert_ne!(place.sh("echo x > dist/new").ending, Ending::Exited(0));
    assert!(place.is_untouched());
}

#[test]
fn no_key_is_read() {
    let place = Place::new();
    let own = std::process::id();
    // Cargo sets it for this test, as a shell sets a key for an editor.
    assert_eq!(env!("CARGO_PKG_NAME"), "pleach-exec");
    assert!(fs::read_to_string(format!("/proc/{own}/environ")).is_ok());
    let variables = place.sh("env").stdout.text();
    assert!(!variables.contains("CARGO_PKG_NAME"), "{variables}");
    for escape in [
        "cat $OUT/id_rsa".to_owned(),
        format!("cat /proc/{own}/environ"),
        format!("cat /proc/{own}/mem"),
        format!("cat /proc/{own}/cmdline /proc/{own}/maps"),
        format!("ls /proc/{own}/fd/"),
        "cat /proc/$PPID/environ".to_owned(),
        "ls $OUT".to_owned(),
        "ls /root /home /tmp".to_owned(),
    ] {
        let ended = place.sh(&escape);
        assert_ne!(ended.ending, Ending::Exited(0), "{escape}");
        assert_eq!(ended.stdout.total(), 0, "{escape}: {}", ended.stdout.text());
    }
}

#[test]
fn nobody_is_reached() {
    let place = Place::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let path = place.workspace.join("target/socket");
    let _service = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let path = path.to_str().unwrap();
    for (what, argument) in [
        ("tcp", address.as_str()),
        ("udp", ""),
        ("listen", ""),
        ("unix", path),
    ] {
        let ended = place.attempt(what, argument);
        assert_eq!(ended.ending, Ending::Exited(1), "{what}");
        assert!(ended.stdout.text().contains("not permitted"), "{what}");
    }
    // Where the person allows it, the network is there, and services of this machine are not.
    let mut allowed = place.command(&[HELPER, "try", "tcp", &address]);
    allowed.reach.network = true;
    assert_eq!(run(&allowed).unwrap().ending, Ending::Exited(0));
    allowed.argv = [HELPER, "try", "unix", path].map(str::to_owned).to_vec();
    assert_eq!(run(&allowed).unwrap().ending, Ending::Exited(1));
}

#[test]
fn other_processes_are_not_signalled() {
    let place = Place::new();
    let own = std::process::id();
    for escape in [
        format!("kill -9 {own}"),
        format!("kill -9 -{own}"),
        "kill -9 $PPID".to_owned(),
        "kill -9 -$PPID".to_owned(),
        "kill -9 -1".to_owned(),
        format!("prlimit --pid {own} --cpu=1:1"),
    ] {
        let ended = place.sh(&format!("{escape}; echo alive $?"));
        assert_eq!(ended.ending, Ending::Exited(0), "{escape}");
        assert!(ended.stdout.text().starts_with("alive "), "{escape}");
        assert_ne!(ended.stdout.text(), "alive 0\n", "{escape}");
    }
}

#[test]
fn there_is_no_other_namespace() {
    let place = Place::new();
    for escape in [
        "unshare -Ur true",
        "unshare -m true",
        "mount -t tmpfs x target",
    ] {
        assert_ne!(place.sh(escape).ending, Ending::Exited(0), "{escape}");
    }
}

#[test]
fn a_gigabyte_of_output_is_cut_off() {
    let place = Place::new();
    let mut command = place.command(&["sh", "-c", "echo first; yes"]);
    command.limits.output = 1 << 20;
    let ended = run(&command).unwrap();
    assert_eq!(ended.ending, Ending::TooMuchOutput);
    let text = ended.stdout.text();
    assert!(
        text.starts_with("first\ny\n") && text.len() < 2 << 10,
        "{text}"
    );
    // Below the bound it is read to the end, and the middle is left out.
    let ended = place.sh("yes | head -c 1000000; echo last");
    assert_eq!(ended.ending, Ending::Exited(0));
    assert_eq!(
        (ended.stdout.total(), ended.stdout.omitted()),
        (1_000_005, 998_981)
    );
    assert!(ended.stdout.text().ends_with("y\nlast\n"));
}

#[test]
fn memory_has_a_bound() {
    let place = Place::new();
    let mut command = place.command(&[HELPER, "try", "memory"]);
    command.limits.memory = 64 << 20;
    let ended = run(&command).unwrap();
    // Refused by the kernel, or stopped by the supervisor: whoever comes first.
    assert!(
        matches!(ended.ending, Ending::Exited(3) | Ending::OutOfMemory),
        "{ended:?}"
    );
}

#[test]
fn memory_is_counted_over_all_processes() {
    let place = Place::new();
    // Four processes that hold a third of the bound each.
    let script = "for i in 1 2 3 4; do sh -c 'x=$(head -c 22000000 /dev/zero | tr \"\\0\" x); read y' <&3 & done; wait";
    let script = format!("mkfifo $TMPDIR/pipe; exec 3<>$TMPDIR/pipe; {script}");
    let mut command = place.command(&["bash", "-c", &script]);
    command.limits.memory = 64 << 20;
    assert_eq!(run(&command).unwrap().ending, Ending::OutOfMemory);
}

#[test]
fn files_and_time_have_bounds() {
    let place = Place::new();
    let mut command = place.command(&["sh", "-c", "head -c 100000 /dev/zero > target/big"]);
    command.limits.file = 50_000;
    assert_ne!(run(&command).unwrap().ending, Ending::Exited(0));
    assert_eq!(
        fs::metadata(place.workspace.join("target/big"))
            .unwrap()
            .len(),
        50_000
    );

    let mut command = place.command(&["sh", "-c", "while :; do :; done"]);
    command.limits.cpu = Duration::from_secs(1);
    assert!(matches!(run(&command).unwrap().ending, Ending::Killed(_)));
}

#[test]
fn a_fork_bomb_ends() {
    let place = Place::new();
    let mut command = place.command(&[HELPER, "try", "forks"]);
    command.limits.processes = 40;
    assert_eq!(run(&command).unwrap().ending, Ending::TooManyProcesses);
}

/// Runs `script` (it gets `$PIPE`, to be held by whoever must not survive), does `end` once somebody
/// holds it, and waits until nobody does any more.
fn all_end(script: &str, wall: Duration, end: impl AsyncFnOnce(Running)) {
    let place = Place::new();
    let pipe = place.pipe();
    let mut command = place.command(&["bash", "-c", script]);
    command
        .variables
        .push(("PIPE".into(), pipe.to_str().unwrap().into()));
    command.limits.wall = wall;
    block_on(async {
        let running = tokio::spawn(async move { run_confined(&sandbox(), &command).await });
        let reader = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(fs::File::open(pipe).unwrap()).lines();
            (lines.next(), lines)
        });
        let (first, mut rest) = reader.await.unwrap();
        assert_eq!(first.unwrap().unwrap(), "held");
        end(running).await;
        let is_over = tokio::task::spawn_blocking(move || rest.next().is_none());
        assert!(is_over.await.unwrap());
    });
}

type Running = tokio::task::JoinHandle<Result<Ended, SandboxError>>;

/// Ways to leave the group, the session and the parent.
const HIDERS: [&str; 4] = [
    "(exec 3>$PIPE; echo held >&3; exec sleep 600) & wait",
    "setsid sh -c 'exec 3>$PIPE; echo held >&3; exec sleep 600' & wait",
    "(setsid sh -c '(exec 3>$PIPE; echo held >&3; trap \"\" TERM HUP INT; sleep 600) &' &) ; sleep 600",
    "(setsid sh -c '(exec 3>$PIPE; echo held >&3; while :; do sh -c \"sleep 600\" & sleep 600; done) &' &); sleep 600",
];

#[test]
fn cancelling_ends_all_that_it_started() {
    for script in HIDERS {
        all_end(script, Duration::from_mins(5), async |running| {
            running.abort();
        });
    }
}

/// The folder that it runs in is not free before it is dead, whenever nobody waits for it any more.
#[test]
fn a_lock_is_held_until_all_that_it_started_is_dead() {
    let place = Place::new();
    let (pipe, lock) = (place.pipe(), place.elsewhere.join("lock"));
    let own = fs::File::create(&lock).unwrap();
    let script = "setsid sh -c 'exec 3>$PIPE; echo $$ >&3; exec sleep 600' & wait";
    let mut command = place.command(&["bash", "-c", script]);
    let variable = ("PIPE".into(), pipe.to_str().unwrap().into());
    command.variables.push(variable);
    command.lock = Some(lock);
    let started = command.clone();
    let pid = block_on(async {
        let running = tokio::spawn(async move { run_confined(&sandbox(), &started).await });
        let reader = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(fs::File::open(pipe).unwrap()).lines();
            lines.next()
        });
        let pid = reader.await.unwrap().unwrap().unwrap();
        assert!(matches!(own.try_lock(), Err(TryLockError::WouldBlock)));
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        pid
    });
    own.lock().unwrap();
    assert!(!Path::new("/proc").join(&pid).exists(), "{pid}");
    // Nothing begins where something runs.
    let refused = run(&command).unwrap_err();
    assert_eq!(refused.code(), "not-started");
}

#[test]
fn its_time_is_the_time_of_all_that_it_started() {
    for script in HIDERS {
        all_end(script, Duration::from_secs(2), async |running| {
            let ended = running.await.unwrap().unwrap();
            assert_eq!(ended.ending, Ending::OutOfTime);
        });
    }
}

#[test]
fn nothing_goes_on_behind_its_end() {
    // It ends by itself, once its daemon has left the group, the session and the output.
    let script = "mkfifo $PIPE.go; (setsid sh -c '(exec 3>$PIPE >/dev/null 2>&1; echo held >&3; \
                  echo go > $PIPE.go; exec sleep 600) &' &); read x < $PIPE.go; exit 0";
    all_end(script, Duration::from_mins(5), async |running| {
        let ended = running.await.unwrap().unwrap();
        assert_eq!(ended.ending, Ending::Exited(0));
    });
}
