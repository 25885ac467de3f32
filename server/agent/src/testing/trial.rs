//! Tests of what has not landed: run in a copy of the workspace with the change in it, so that a tester can
//! mend what fails before a person is shown anything. No file of the workspace is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_edit::Proposal;
use pleach_exec::Sandbox;
use pleach_workspace::{Trial, TrialError, WorkspaceSnapshot};

use super::command::{self, TestCommand};
use super::{TestingFailure, end_of, execute, permitted, read};
use crate::call::aside;
use crate::failure::JobFailure;
use crate::findings::{Finding, FindingReport};
use crate::job::{JobEvent, JobRequest, Phase};
use crate::meter::Account;
use crate::roles::fence_for;
use crate::tools::{Commands, Kit, Wish};

/// Failures that a model is told one by one.
const TOLD: usize = 20;
/// Bytes of the end of what was printed that a model is told.
const PRINTED: usize = 6 << 10;

impl From<TrialError> for TestingFailure {
    fn from(error: TrialError) -> Self {
        Self::NotRun {
            code: "no-copy",
            why: error.to_string(),
        }
    }
}

/// How the tests of proposals are run, and how often they may fail.
pub(crate) struct Trials {
    commands: Commands,
    folder: Utf8PathBuf,
    /// The command that the person has let run in this job, and its folder. The paths that a model names
    /// decide which that is, so that another is asked for again.
    permitted: Option<Asked>,
    /// How often what fails may still go back.
    left: u32,
    /// What a command has shown without any edit of this job.
    without: Option<(Asked, Without)>,
}

/// A command and its folder.
type Asked = (Utf8PathBuf, Vec<String>);

/// How tests end without the edit that is tried.
#[derive(Clone, Default)]
struct Without {
    ended_well: bool,
    /// The file and the message of each failure.
    failures: BTreeSet<(String, String)>,
}

impl Without {
    fn of(found: &FindingReport) -> Self {
        let failures = found.findings.iter();
        Self {
            ended_well: has_ended_well(found),
            failures: failures.map(key).collect(),
        }
    }
}

/// What a failure is known by in another run. Its line is another where lines were added above it.
fn key(finding: &Finding) -> (String, String) {
    (finding.path.clone(), finding.message.clone())
}

fn has_ended_well(found: &FindingReport) -> bool {
    found.reply.is_empty() && found.findings.is_empty()
}

/// What a run of the tests has shown.
pub(crate) enum Tried {
    /// They ended well.
    Well(String),
    /// They failed.
    Failed {
        /// In a line, for a person.
        summary: String,
        /// For the model.
        reasons: String,
        /// For when it lands as it is.
        found: Box<FindingReport>,
        /// Whether it may go back to the model: some are left, and the failures are in what was changed.
        goes_back: bool,
    },
    /// They were not run, and why.
    NotRun(String),
}

impl Tried {
    /// What the model is told, where it may mend what fails.
    pub(crate) fn goes_back(&self) -> Option<&str> {
        match self {
            Self::Failed {
                goes_back: true,
                reasons,
                ..
            } => Some(reasons),
            _ => None,
        }
    }

    /// In a line, for a person.
    pub(crate) fn summary(&self) -> &str {
        match self {
            Self::Well(summary) | Self::Failed { summary, .. } | Self::NotRun(summary) => summary,
        }
    }
}

impl Trials {
    /// What the kit of a job has for it; `None` where proposals are not tried.
    pub(crate) fn of(kit: &Kit) -> Option<Self> {
        let commands = kit.commands.clone()?;
        let left = commands.tests.attempts;
        let folder = kit.trials.clone().filter(|_| left > 0)?;
        Some(Self {
            commands,
            folder,
            permitted: None,
            left,
            without: None,
        })
    }

    /// Runs the project's tests with a proposal in their workspace.
    pub(crate) async fn run(
        &mut self,
        request: &JobRequest,
        proposal: &Proposal,
        account: &Account,
        report: &(impl Fn(JobEvent) + Send + Sync),
    ) -> Tried {
        let tried = match self.try_out(request, proposal, account, report).await {
            Ok(tried) => tried,
            Err(failure) => Tried::NotRun(failure.to_string()),
        };
        report(JobEvent::Tested {
            passed: matches!(tried, Tried::Well(_)),
            message: tried.summary().to_owned(),
        });
        tried
    }

    async fn try_out(
        &mut self,
        request: &JobRequest,
        proposal: &Proposal,
        account: &Account,
        report: &(impl Fn(JobEvent) + Send + Sync),
    ) -> Result<Tried, JobFailure> {
        let Some(workspace) = with_proposal(&request.workspace, proposal) else {
            return Ok(Tried::NotRun(
                "the tests were not run: files are removed or renamed by this".to_owned(),
            ));
        };
        let changed: Vec<String> = proposal.texts_after().into_keys().collect();
        let path = changed.first().cloned();
        let path = path.unwrap_or_else(|| request.document.path.clone());
        let (look, settings) = (workspace.clone(), self.commands.tests.clone());
        let found = aside("looking for the project's tests", move || {
            command::find(&look, &path, &settings)
        });
        let command = found.await??;
        let asked_for = asked(&command);
        let sandbox = if self.permitted.as_ref() == Some(&asked_for) {
            Sandbox::of_this_program().map_err(super::not_run)?
        } else {
            permitted(&self.commands, &command, Wish::Tests).await?
        };
        self.permitted = Some(asked_for);
        let run = Run {
            sandbox: &sandbox,
            command: &command,
            account,
        };
        tell_run(report, &command, "in a copy");
        let found = self.look(&run, &workspace).await?;
        let not_run = not_below(&workspace, &command.root, &changed);
        if has_ended_well(&found) {
            return Ok(Tried::Well(format!("{}{not_run}", found.summary)));
        }
        let in_changed = |it: &&Finding| changed.contains(&it.path);
        let may_be_ours =
            found.findings.is_empty() || found.findings.iter().any(|it| in_changed(&it));
        let mut ours: Vec<&Finding> = found.findings.iter().filter(in_changed).collect();
        let mut of_whom = "";
        let mut goes_back = false;
        if !may_be_ours {
            of_whom = ", none of them in the files of these tests";
        } else if self.left > 0 {
            let without = self.without(&run, request, report).await;
            ours.retain(|it| !without.failures.contains(&key(it)));
            goes_back = !ours.is_empty() || (found.findings.is_empty() && without.ended_well);
            if !goes_back {
                of_whom = ", and so it is without these tests";
            }
        }
        if goes_back {
            self.left -= 1;
        }
        Ok(Tried::Failed {
            summary: format!("{}{of_whom}{not_run}", found.summary),
            reasons: for_model(&command.argv.join(" "), &ours, &found.reply),
            found: Box::new(not_yet(found)),
            goes_back,
        })
    }

    /// Runs a command in a copy of a workspace, and reads what it shows.
    async fn look(
        &self,
        run: &Run<'_>,
        workspace: &WorkspaceSnapshot,
    ) -> Result<FindingReport, JobFailure> {
        let command = run.command.clone();
        let (look, root, folder) = (workspace.clone(), command.root.clone(), self.folder.clone());
        let copied = aside("copying the workspace", move || {
            look.copy_for_trial(&root, &folder)
        });
        let trial = copied.await?.map_err(TestingFailure::from)?;
        let there = moved(&command, &trial);
        let ended = execute(
            run.sandbox,
            &self.commands,
            run.account,
            &there,
            Some(&trial),
        );
        let (ending, printed) = ended.await?;
        let printed = printed.replace(trial.folder().as_str(), command.root.as_str());
        drop(trial);
        let workspace = workspace.clone();
        aside("reading what the tests printed", move || {
            read(&workspace, &command, ending, &printed)
        })
        .await
    }

    /// What a command shows without the edit: what fails then as well is nothing that the edit could mend. Looked
    /// at once. Nothing, where it cannot be run.
    async fn without(
        &mut self,
        run: &Run<'_>,
        request: &JobRequest,
        report: &(impl Fn(JobEvent) + Send + Sync),
    ) -> Without {
        let asked_for = asked(run.command);
        if let Some((known, without)) = &self.without
            && *known == asked_for
        {
            return without.clone();
        }
        tell_run(report, run.command, "in a copy, without the edit");
        let found = self.look(run, &request.workspace).await;
        let without = found.as_ref().map(Without::of).unwrap_or_default();
        self.without = Some((asked_for, without.clone()));
        without
    }
}

/// A run of tests.
struct Run<'a> {
    sandbox: &'a Sandbox,
    command: &'a TestCommand,
    account: &'a Account,
}

/// What a person is asked for.
fn asked(command: &TestCommand) -> Asked {
    (command.folder.clone(), command.argv.clone())
}

fn tell_run(report: &impl Fn(JobEvent), command: &TestCommand, how: &str) {
    let line = command.argv.join(" ");
    let phase = Phase::UsingTools(format!("running {line} {how}"));
    report(JobEvent::Phase(phase));
}

/// What of a change was not in the copy that the tests ran in, in words: of several folders one is copied.
fn not_below(workspace: &WorkspaceSnapshot, root: &Utf8Path, changed: &[String]) -> String {
    let is_elsewhere = |path: &&String| {
        let located = workspace.locate(path);
        located.is_ok_and(|located| !located.path.starts_with(root))
    };
    let names: Vec<&str> = changed
        .iter()
        .filter(is_elsewhere)
        .map(String::as_str)
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!("; not tried, in another folder: {}", names.join(", "))
}

/// The workspace with a proposal in it; `None` where the proposal takes files away.
pub(crate) fn with_proposal(
    workspace: &WorkspaceSnapshot,
    proposal: &Proposal,
) -> Option<WorkspaceSnapshot> {
    let texts = proposal.texts_after().into_iter();
    let texts: Option<Vec<_>> = texts
        .map(|(path, text)| Some((path, text?.into())))
        .collect();
    Some(workspace.with_texts(texts?))
}

/// What was found in texts that have not landed: known by the lines alone.
pub(crate) fn not_yet(found: FindingReport) -> FindingReport {
    let findings = found.findings.into_iter();
    FindingReport {
        findings: findings.map(|it| Finding { range: None, ..it }).collect(),
        looked_at: BTreeMap::new(),
        texts: BTreeMap::new(),
        ..found
    }
}

/// The command in the copy.
fn moved(command: &TestCommand, trial: &Trial) -> TestCommand {
    let below = command.folder.strip_prefix(&command.root);
    TestCommand {
        argv: command.argv.clone(),
        folder: trial.folder().join(below.unwrap_or(Utf8Path::new(""))),
        root: trial.folder().to_owned(),
    }
}

/// What a model is told of tests that failed, and of what they printed.
fn for_model(line: &str, failed: &[&Finding], printed: &str) -> String {
    let mut told = format!(
        "The project's tests (`{line}`) were run in a copy of the workspace with your edit in it, and did not pass.\n"
    );
    for finding in failed.iter().take(TOLD) {
        // Writing to a string does not fail.
        let _ = writeln!(
            told,
            "- {}:{}: {}",
            finding.path, finding.line, finding.message
        );
        for more in finding.why.lines().take(8) {
            let _ = writeln!(told, "  {more}");
        }
    }
    let end = end_of(printed, PRINTED).trim();
    let fence = fence_for(end);
    let _ = writeln!(
        told,
        "The end of what was printed:\n{fence}\n{end}\n{fence}"
    );
    told.push_str(
        "Nothing of your edit is in the files yet: answer with the whole of it again, mended, in the same form. \
         Mend what is wrong in the tests. A test that is right and shows a defect of the code stays as it is: \
         no test is made weaker so that it passes.",
    );
    told
}
