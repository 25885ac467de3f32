//! The project's own tests: run in the sandbox when the person allows it, and what has failed turned into
//! findings at its lines.

mod command;
mod failures;
mod trial;

use std::collections::BTreeMap;
use std::path::PathBuf;

use camino::Utf8Path;
use pleach_exec::{Ending, Limits, Reach, Sandbox, SandboxError, run_confined};
use pleach_policy::redact;
use pleach_text::{ByteOffset, ByteRange};
use pleach_workspace::{Trial, WorkspaceSnapshot, uri_from_path};
use serde_json::json;

use self::command::TestCommand;
use self::failures::Failure;
pub(crate) use self::trial::{Trials, Tried, not_yet, with_proposal};
use crate::call::aside;
use crate::confine::confined;
use crate::failure::JobFailure;
use crate::findings::{Finder, Finding, FindingReport, FindingSeverity, lines_of};
use crate::job::{JobEvent, JobOutcome, JobRequest, Phase};
use crate::meter::Account;
use crate::tools::{Commands, ToolError, Wish};

/// Bytes of each output that are kept.
const OUTPUT: usize = 1 << 20;
/// Bytes of what was printed that go on the page.
const PRINTED: usize = 32 << 10;
/// The rule of a finding that is no test's.
const BUILD_FAILED: &str = "build-failed";
/// What makes output the same everywhere.
const VARIABLES: [(&str, &str); 5] = [
    ("NO_COLOR", "1"),
    ("CARGO_TERM_COLOR", "never"),
    ("CARGO_NET_OFFLINE", "true"),
    (
        "PYTEST_ADDOPTS",
        "--tb=short --color=no -p no:cacheprovider",
    ),
    ("npm_config_update_notifier", "false"),
];

/// Why the tests were not run.
#[derive(Debug, thiserror::Error)]
pub enum TestingFailure {
    /// Nobody knows how.
    #[error("it is not known how this project's tests are run")]
    NoCommand,
    /// The person said no, there is no sandbox, or it could not be started.
    #[error("the tests were not run: {why}")]
    NotRun {
        /// A short, stable code.
        code: &'static str,
        /// Why.
        why: String,
    },
}

impl From<ToolError> for TestingFailure {
    fn from(error: ToolError) -> Self {
        Self::NotRun {
            code: error.code(),
            why: error.to_string(),
        }
    }
}

impl TestingFailure {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCommand => "no-test-command",
            Self::NotRun { code, .. } => code,
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::NoCommand => {
                "set [tests] command in your own pleach.toml; else a Cargo.toml, package.json, pyproject.toml or go.mod is looked for".into()
            }
            Self::NotRun { .. } => {
                "allow the command when you are asked, or with [commands] allow in your own pleach.toml, or run it in a terminal".into()
            }
        }
    }
}

/// Runs the tests of the project that the request's document is in.
pub(crate) async fn run(
    request: &JobRequest,
    commands: Option<Commands>,
    account: &Account,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> JobOutcome {
    match run_all(request, commands, account, report).await {
        Ok(found) => JobOutcome::Findings(Box::new(found)),
        Err(failure) => JobOutcome::Failed {
            failure,
            reply: None,
        },
    }
}

async fn run_all(
    request: &JobRequest,
    commands: Option<Commands>,
    account: &Account,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> Result<FindingReport, JobFailure> {
    let commands = commands.ok_or(TestingFailure::NoCommand)?;
    let (workspace, path) = (request.workspace.clone(), request.document.path.clone());
    let settings = commands.tests.clone();
    let looked = aside("looking for the project's tests", move || {
        command::find(&workspace, &path, &settings)
    });
    let command = looked.await??;
    let sandbox = permitted(&commands, &command, Wish::Command).await?;
    report(JobEvent::Phase(Phase::UsingTools(format!(
        "running {}",
        command.argv.join(" ")
    ))));
    let (ending, printed) = execute(&sandbox, &commands, account, &command, None).await?;
    let workspace = request.workspace.clone();
    aside("reading what the tests printed", move || {
        read(&workspace, &command, ending, &printed)
    })
    .await
}

fn not_run(error: SandboxError) -> TestingFailure {
    TestingFailure::from(ToolError::from(error))
}

/// The sandbox, if there is one, and the person lets the command run in it.
async fn permitted(
    commands: &Commands,
    command: &TestCommand,
    wish: impl FnOnce(Vec<String>) -> Wish,
) -> Result<Sandbox, TestingFailure> {
    // Before anybody is asked: there is nothing to allow where it cannot be confined.
    let sandbox = Sandbox::of_this_program().map_err(not_run)?;
    commands.permit_as(&command.argv, wish).await?;
    Ok(sandbox)
}

/// Runs a command of tests: in the workspace, or in a `copy` of it. How it ended, and what it printed.
async fn execute(
    sandbox: &Sandbox,
    commands: &Commands,
    account: &Account,
    command: &TestCommand,
    copy: Option<&Trial>,
) -> Result<(Ending, String), TestingFailure> {
    let limits = Limits {
        kept: OUTPUT,
        ..commands.limits
    };
    let root = command.root.as_std_path();
    let mut confined = confined(
        command.argv.clone(),
        root,
        &commands.variables,
        &commands.settings,
        limits,
    );
    confined.folder = command.folder.as_std_path().to_owned();
    if command.folder != command.root {
        let outputs = Reach::of_workspace(&confined.folder, None, &commands.settings.write);
        confined.reach.write.extend(outputs.write);
    }
    if let Some(trial) = copy {
        let installed = trial.installed().iter().map(PathBuf::from);
        confined.reach.read.extend(installed);
        // The copy is nobody's: what a build writes beside the sources, such as a lock file, may stand there.
        confined.reach.write.push(trial.folder().into());
        confined.lock = Some(trial.running().into());
    }
    let named = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned()));
    confined.variables.extend(named);
    let line = redact(&command.argv.join(" ")).into_owned();
    let record = |body| {
        let folder = account.workspace.as_str();
        account.books.record("tests", folder, account.job, body);
    };
    // Before it runs: of what is cancelled no end is known.
    record(json!({"command": line, "folder": command.folder.as_str(), "copy": copy.is_some()}));
    let ended = run_confined(sandbox, &confined).await;
    let how = match &ended {
        Ok(ended) => ended.ending.to_string(),
        Err(error) => error.to_string(),
    };
    record(json!({"command": line, "ended": how}));
    let ended = ended.map_err(not_run)?;
    let printed = format!("{}\n{}", ended.stdout.text(), ended.stderr.text());
    Ok((ended.ending, printed))
}

/// What a run of the tests has shown.
fn read(
    workspace: &WorkspaceSnapshot,
    command: &TestCommand,
    ending: Ending,
    printed: &str,
) -> FindingReport {
    let line = command.argv.join(" ");
    let is_well = ending == Ending::Exited(0);
    let failed = if is_well {
        Vec::new()
    } else {
        failures::read(printed)
    };
    let (mut findings, mut texts, mut elsewhere) = (Vec::new(), BTreeMap::new(), 0);
    for failure in failed {
        match place(workspace, command, &failure) {
            Some((finding, text)) => {
                texts.insert(finding.path.clone(), text);
                findings.push(finding);
            }
            None => elsewhere += 1,
        }
    }
    let mut summary = match findings.len() {
        _ if is_well => format!("`{line}` ended well"),
        0 => format!("`{line}` {ending}, and no failure in a file of the workspace was recognised"),
        1 => format!("`{line}`: 1 failure"),
        count => format!("`{line}`: {count} failures"),
    };
    if elsewhere > 0 {
        summary = format!("{summary}; {elsewhere} more outside the workspace's files");
    }
    FindingReport {
        finder: Finder::Tests,
        findings,
        looked_at: BTreeMap::new(),
        texts,
        dropped: 0,
        not_understood: 0,
        left_out: Vec::new(),
        summary,
        reply: if is_well {
            String::new()
        } else {
            redact(end_of(printed, PRINTED)).into_owned()
        },
    }
}

/// The end of what was printed, at most so many bytes: there stands what counts.
fn end_of(printed: &str, most: usize) -> &str {
    let mut from = printed.len().saturating_sub(most);
    while !printed.is_char_boundary(from) {
        from += 1;
    }
    printed.get(from..).unwrap_or_default()
}

/// A failure at its line, with the text that it is in.
fn place(
    workspace: &WorkspaceSnapshot,
    command: &TestCommand,
    failure: &Failure,
) -> Option<(Finding, std::sync::Arc<str>)> {
    let mut candidates = vec![
        command.folder.join(&failure.path),
        command.root.join(&failure.path),
    ];
    // Go names a file without its folder.
    if !failure.path.contains('/') {
        let names = workspace.names().iter();
        let same: Vec<&String> = names
            .filter(|name| Utf8Path::new(name).file_name() == Some(failure.path.as_str()))
            .collect();
        if let [only] = same.as_slice() {
            candidates.extend(workspace.locate(only).ok().map(|it| it.path));
        }
    }
    // Not all of them need be on the disk yet.
    let (name, text) = candidates.into_iter().find_map(|path| {
        let name = workspace.name_to_read(&uri_from_path(&path)).ok()?;
        let text = workspace.read_text(&name).ok()?;
        Some((name, text))
    })?;
    let (range, quote) = line_at(&text, failure.line)?;
    let first = failure.message.lines().next().unwrap_or_default();
    let message = match (failure.test.as_str(), first) {
        ("", first) => first.to_owned(),
        (name, "") => format!("`{name}` failed"),
        (name, first) => format!("`{name}` failed: {first}"),
    };
    let rest: Vec<&str> = failure.message.lines().skip(1).collect();
    let finding = Finding {
        path: name,
        line: failure.line,
        quote,
        range: Some(range),
        severity: FindingSeverity::Error,
        rule: if failure.test.is_empty() {
            BUILD_FAILED.into()
        } else {
            "test-failed".into()
        },
        message: redact(&shown(&message)).into_owned(),
        why: redact(&shown(&rest.join("\n"))).into_owned(),
        fix: String::new(),
    };
    Some((finding, text))
}

/// The line of this number, without its indentation and the blanks at its end.
fn line_at(text: &str, number: usize) -> Option<(ByteRange, String)> {
    let before = text.split_inclusive('\n').take(number.checked_sub(1)?);
    let start: usize = before.map(str::len).sum();
    let line = lines_of(text, ByteRange::empty(ByteOffset(start)));
    let bare = line.trim();
    let indent = line.len() - line.trim_start().len();
    let from = start + indent;
    let range = ByteRange::new(ByteOffset(from), ByteOffset(from + bare.len()));
    (!bare.is_empty()).then(|| (range, line.to_owned()))
}

/// Without what a terminal would obey.
fn shown(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control() || *c == '\n');
    plain.take(1_000).collect()
}
