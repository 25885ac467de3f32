//! Whether a step is done: claims are proved, commands are run, and the rest is for a person.

use std::path::PathBuf;
use std::time::Duration;

use pleach_exec::{CommandLine, Ending, ExecError, Limits, Sandbox, Variables, run_confined};
use pleach_grammars::{Language, outline, parse};
use pleach_plan::{Check, Claim, Step};
use pleach_policy::CommandSettings;
use pleach_workspace::WorkspaceSnapshot;

use super::find;
use crate::confine::{confined, seen};

/// How long a command of a check may take.
const WITHIN: Duration = Duration::from_mins(10);
/// Bytes of each of its outputs that are read.
const OUTPUT: usize = 4 << 20;
/// Characters of its output that are repeated when it fails.
const SHOWN: usize = 200;
/// What is known of a check without running anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds: proved, with the proof in a few words.
    Holds(String),
    /// It does not hold: proved.
    Fails(String),
    /// Somebody has to judge it.
    Person(String),
    /// A command has to tell.
    Command(CheckCommand),
}

/// What the workspace says of a step's check now. Reads files.
pub fn judge(step: &Step, workspace: &WorkspaceSnapshot) -> Verdict {
    match &step.check {
        None => Verdict::Person("it has no check: mark it as done when you are content".into()),
        Some(Check::Command { argv, text, .. }) => Verdict::Command(CheckCommand {
            argv: argv.clone(),
            text: text.clone(),
            directory: workspace
                .roots()
                .first()
                .map(|root| root.as_std_path().to_owned()),
        }),
        Some(Check::NeedsShell { text, what, .. }) => Verdict::Fails(format!(
            "its check `{text}` needs a shell for {what}, and commands run without one"
        )),
        Some(check @ Check::Statement { text, .. }) => match check.claim() {
            Some(claim) => prove(&claim, step, workspace),
            None => Verdict::Person(format!("mark it as done when this holds: {text}")),
        },
    }
}

fn prove(claim: &Claim, step: &Step, workspace: &WorkspaceSnapshot) -> Verdict {
    let Some(file) = step.files.first() else {
        return Verdict::Person(format!("it names no file to look in: {claim}"));
    };
    let text = workspace.read_text(&file.path);
    let holds = match (claim, &text) {
        (Claim::Gone { text: gone }, Ok(text)) => !text.contains(gone.as_str()),
        (Claim::Gone { .. }, Err(_)) => !workspace.exists(&file.path),
        (Claim::Documented { .. }, Err(_)) => false,
        (Claim::Documented { name }, Ok(text)) => {
            let first_line = text.lines().next().unwrap_or_default();
            let Some(language) = Language::detect(None, &file.path, first_line) else {
                return Verdict::Person(format!("no syntax tree can prove it: {claim}"));
            };
            let symbols = outline(&parse(language, text), text);
            let named = find::named(&symbols, name);
            !named.is_empty() && named.iter().all(|symbol| symbol.doc.is_some())
        }
    };
    if holds {
        Verdict::Holds(claim.to_string())
    } else {
        Verdict::Fails(format!("this does not hold: {claim}"))
    }
}

/// A command that tells whether a step is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// As it is written in the plan.
    pub text: String,
    directory: Option<PathBuf>,
}

impl CheckCommand {
    /// Runs it in the workspace's first folder: confined to the folders of builds and off the network
    /// where this machine can do that. `Err` says in a line why the check does not hold. Dropping the
    /// future kills it and whatever it started.
    pub async fn run(
        &self,
        variables: &Variables,
        settings: &CommandSettings,
    ) -> Result<(), String> {
        let sandbox = Sandbox::of_this_program().ok();
        let (ending, said) = if let (Some(sandbox), Some(folder)) = (sandbox, &self.directory) {
            let limits = Limits {
                wall: WITHIN,
                ..Limits::default()
            };
            let confined = confined(self.argv.clone(), folder, variables, settings, limits);
            let ended = run_confined(&sandbox, &confined)
                .await
                .map_err(|error| format!("`{}`: {error}; {}", self.text, error.next_step()))?;
            if ended.ending == Ending::Exited(0) {
                return Ok(());
            }
            let said = [ended.stderr.text(), ended.stdout.text()];
            (format!("{} (in the sandbox)", ended.ending), said)
        } else {
            let command = CommandLine {
                argv: self.argv.clone(),
                directory: self.directory.clone(),
                variables: seen(variables),
                timeout: WITHIN,
                max_output: OUTPUT,
            };
            let output = pleach_exec::run(&command)
                .await
                .map_err(|error: ExecError| format!("`{}`: {error}", self.text))?;
            if output.status.success() {
                return Ok(());
            }
            let said = [output.stderr, output.stdout];
            let said = said.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            (format!("ended with {}", output.status), said)
        };
        let said = said.iter().find_map(|text| last_line(text));
        let said = said.map_or_else(String::new, |line| format!(": {line}"));
        Err(format!("`{}` {ending}{said}", self.text))
    }
}

/// The last line that says something, without what a terminal would obey.
fn last_line(text: &str) -> Option<String> {
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    let plain = line.chars().filter(|c| !c.is_control());
    Some(pleach_policy::redact(&plain.take(SHOWN).collect::<String>()).into_owned())
}
