//! `pleach run`: carry a plan out in a terminal.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use futures_util::future::join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use pleach_agent::plan::{CheckCommand, Verdict, judge, request};
use pleach_agent::{
    Account, Engine, Index, JobEvent, JobLimits, JobOutcome, Kit, McpServers, Roster,
};
use pleach_edit::FileChange;
use pleach_plan::{Plan, Status, StepKey};
use pleach_text::ChangeSet;
use pleach_workspace::{Journal, write_all};

use crate::apply::{bring_to_an_end, show_diff};
use crate::environment::Environment;
use crate::folder::Folder;
use crate::paint::{BAD, FAINT, GOOD, HEAD, ODD, PLACE, count, paint, visible};

/// Steps that run at the same time at most.
const TOGETHER: usize = 4;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach run .pleach/plans/document-src-loans-rs.md           every step that can run
  pleach run --step 2 .pleach/plans/document-src-loans-rs.md  one step

Each step lands as a whole or not at all, is checked, and is ticked in the plan. Run again, it goes on
with the first step that is not done. The commands of checks run when `commands.allow` in your
pleach.toml names them, with --allow-checks, or when you say yes in a terminal.

Exit code: 0 every step is done or skipped, 1 something failed, is blocked or waits for you, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: Utf8PathBuf,
    /// Only the step of this number
    #[arg(long, value_name = "NUMBER")]
    step: Option<u32>,
    /// Run the commands of checks without a question
    #[arg(long)]
    allow_checks: bool,
    /// Show no diff of what has changed
    #[arg(long)]
    no_diff: bool,
    /// The folder that the plan is about
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: Utf8PathBuf,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let folder = Folder::open(&arguments.dir, environment)?;
    let journal = Journal::new(&environment.state_dir);
    if !bring_to_an_end(&journal, &folder.snapshot())? {
        return Ok(crate::NOT_IN_ORDER);
    }
    let path = arguments.plan.as_str();
    let path = folder.snapshot().locate(path).map(|located| located.name);
    let path = path.context("this is no plan to run")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let context = folder.settings.context;
    let index = (folder.settings.uses_models() && context.index && context.tokens > 0)
        .then(|| Index::start(&environment.state_dir, folder.snapshot(), false, |_| {}));
    let mut run = Run {
        path,
        index,
        account: folder.account(environment)?,
        roster: folder.roster(environment),
        servers: folder.servers(),
        trials: environment.state_dir.join("trials"),
        folder,
        journal,
        allow: arguments.allow_checks,
        bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
        before: BTreeMap::new(),
        tried: Vec::new(),
    };
    runtime.block_on(run.carry_out(arguments.step))?;
    run.account.books.flush();
    run.end(!arguments.no_diff)
}

struct Run {
    path: String,
    /// Where things are in the folder, for models.
    index: Option<Index>,
    folder: Folder,
    /// The roles that steps name.
    roster: Arc<Roster>,
    journal: Journal,
    account: Account,
    servers: McpServers,
    /// Where copies of the folder may lie, for tests of what is not written yet.
    trials: Utf8PathBuf,
    allow: bool,
    bars: MultiProgress,
    /// What the files held before this run, `None` for those that were not there.
    before: BTreeMap<String, Option<String>>,
    /// What this run has begun, each at most once.
    tried: Vec<StepKey>,
}

/// A step that has come to its end, for now.
struct End {
    key: StepKey,
    status: Status,
    result: Option<String>,
}

impl Run {
    fn plan(&self) -> anyhow::Result<(Arc<str>, Plan)> {
        let text = self.folder.snapshot().read_text(&self.path)?;
        let plan = Plan::parse(&text);
        Ok((text, plan))
    }

    async fn carry_out(&mut self, only: Option<u32>) -> anyhow::Result<()> {
        loop {
            let (_, plan) = self.plan()?;
            let tried: Vec<usize> = self.tried.iter().filter_map(|key| plan.find(key)).collect();
            let next = match only {
                None => plan.next(&[], &tried),
                Some(number) => {
                    let at = plan.index_of(number);
                    let at = at.with_context(|| format!("the plan has no step {number}"))?;
                    if !plan.may_begin(at) {
                        bail!("step {number} comes after a step that is not done");
                    }
                    let is_new = !tried.contains(&at);
                    is_new.then_some(at).into_iter().collect()
                }
            };
            if next.is_empty() {
                return Ok(());
            }
            let next: Vec<usize> = next.into_iter().take(TOGETHER).collect();
            let keys = next.iter().filter_map(|at| plan.steps().get(*at));
            self.tried.extend(keys.map(pleach_plan::Step::key));
            let work = next.iter().map(|at| self.ask(&plan, *at));
            for (at, asked) in next.iter().zip(join_all(work).await) {
                if let Some(step) = plan.steps().get(*at) {
                    let (status, result) = self.settle(step.key(), asked).await;
                    let key = step.key();
                    self.mark(&End {
                        key,
                        status,
                        result,
                    })?;
                }
            }
        }
    }

    /// What the engine makes of a step; `None` when its work is done and only the check is left.
    async fn ask(&self, plan: &Plan, at: usize) -> Option<Result<JobOutcome, String>> {
        let step = plan.steps().get(at)?;
        let snapshot = self.folder.snapshot();
        let is_there = matches!(judge(step, &snapshot), Verdict::Holds(_));
        if step.status == Status::Waiting || is_there {
            return None;
        }
        let with_model = self
            .folder
            .settings
            .model_for(pleach_policy::Role::Coder)
            .is_some();
        let request = match request(plan, step, &snapshot, with_model) {
            Ok(request) => request,
            Err(failure) => return Some(Err(format!("{failure}; {}", failure.next_step()))),
        };
        let settings = &self.folder.settings;
        let variables = Environment::variables();
        let account = Some(&self.account);
        let engine = match Engine::open(request.action, settings, &variables, account).await {
            Ok(engine) => engine,
            Err(failure) => return Some(Err(format!("{failure}; {}", failure.next_step()))),
        };
        let limits = JobLimits::of(settings);
        let bar = self.bars.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(format!("step {}: {}", step.number, visible(&step.title)));
        bar.enable_steady_tick(Duration::from_millis(100));
        let shown = bar.clone();
        let report = move |event: JobEvent| match event {
            JobEvent::Phase(phase) => shown.set_message(phase.to_string()),
            JobEvent::Notice(words) | JobEvent::Said(words) => {
                shown.suspend(|| anstream::eprintln!("{}", visible(&words)));
            }
            // In whose place it answers, or from the cache: that stays to be read.
            JobEvent::Engine(label) => {
                let step = shown.prefix();
                shown.suspend(|| anstream::eprintln!("{step}: answered by {label}"));
            }
            JobEvent::Usage { tokens, .. } => {
                shown.set_message(format!("{} tokens", tokens.output));
            }
            _ => {}
        };
        let roster = Arc::clone(&self.roster);
        let kit = Kit::unasked(request.action, settings, &variables, roster)
            .with_servers(self.servers.clone())
            .with_index(self.index.clone())
            .with_trials(self.trials.clone());
        let outcome = pleach_agent::run(request, engine, limits, &self.account, kit, report).await;
        bar.finish_and_clear();
        Some(Ok(outcome))
    }

    /// Lands what came of a step, and checks it.
    async fn settle(
        &mut self,
        key: StepKey,
        asked: Option<Result<JobOutcome, String>>,
    ) -> (Status, Option<String>) {
        let failed = |why: String| (Status::Failed, Some(why));
        match asked {
            None => {}
            Some(Err(why)) => return failed(why),
            Some(Ok(JobOutcome::Failed { failure, .. })) => {
                return failed(format!("{failure}; {}", failure.next_step()));
            }
            Some(Ok(JobOutcome::Answer(markdown))) => {
                self.say(&markdown);
            }
            Some(Ok(JobOutcome::Findings(report))) => self.say(&report.page()),
            Some(Ok(JobOutcome::Proposal { proposal, .. })) => {
                let snapshot = self.folder.snapshot();
                for change in proposal.files() {
                    for path in [Some(change.path()), change.path_after()]
                        .into_iter()
                        .flatten()
                    {
                        let before = snapshot.read_text(path).ok().map(|text| text.to_string());
                        self.before.entry(path.to_owned()).or_insert(before);
                    }
                }
                if let Err(error) = write_all(&snapshot, proposal.files(), &self.journal) {
                    return failed(error.to_string());
                }
            }
        }
        let Ok((_, plan)) = self.plan() else {
            return failed("the plan is gone".to_owned());
        };
        let Some(step) = plan.find(&key).and_then(|at| plan.steps().get(at)) else {
            return failed("the plan does not have this step any more".to_owned());
        };
        match judge(step, &self.folder.snapshot()) {
            Verdict::Holds(_) => (Status::Done, None),
            Verdict::Fails(why) => failed(why),
            Verdict::Person(what) => (Status::Waiting, Some(what)),
            Verdict::Command(command) if self.may_run(&command) => {
                let settings = &self.folder.settings.commands;
                match command.run(&Environment::variables(), settings).await {
                    Ok(()) => (Status::Done, None),
                    Err(why) => failed(why),
                }
            }
            Verdict::Command(command) => {
                let why = format!(
                    "its check `{}` was not run: allow it with commands.allow in your pleach.toml or --allow-checks",
                    command.text
                );
                (Status::Waiting, Some(why))
            }
        }
    }

    fn may_run(&self, command: &CheckCommand) -> bool {
        if self.allow || self.folder.settings.commands.allows(&command.argv) {
            return true;
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return false;
        }
        self.bars.suspend(|| {
            let mut out = anstream::stderr().lock();
            let question = format!("may `{}` run here? [y/N] ", visible(&command.text));
            let mut answer = String::new();
            let asked = write!(out, "{question}").and_then(|()| out.flush());
            asked.is_ok()
                && io::stdin().lock().read_line(&mut answer).is_ok()
                && matches!(answer.trim(), "y" | "Y" | "yes")
        })
    }

    /// Writes a step's box, and says what became of it.
    fn mark(&self, end: &End) -> anyhow::Result<()> {
        let (before, plan) = self.plan()?;
        let at = plan.find(&end.key);
        let changes: Option<ChangeSet> =
            at.and_then(|at| plan.mark(at, end.status, end.result.as_deref()).ok());
        if let Some(changes) = changes.filter(|changes| !changes.is_empty()) {
            let change = FileChange::Edit {
                path: self.path.clone(),
                before,
                changes,
            };
            write_all(&self.folder.snapshot(), [&change], &self.journal)?;
        }
        let (style, word) = match end.status {
            Status::Done => (GOOD, "✓"),
            Status::Failed => (BAD, "failed:"),
            _ => (ODD, "waits:"),
        };
        let mut line = format!("{} {}", paint(style, word), visible(&end.key.to_string()));
        if let Some(result) = &end.result {
            line = format!("{line}\n    {}", paint(FAINT, visible(result)));
        }
        self.say(&line);
        Ok(())
    }

    fn say(&self, text: &str) {
        self.bars.suspend(|| {
            // Nowhere is left to say that this failed.
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        });
    }

    /// Shows what has changed, and says how the plan stands.
    fn end(&self, with_diff: bool) -> anyhow::Result<u8> {
        let snapshot = self.folder.snapshot();
        let changes: Vec<FileChange> = self
            .before
            .iter()
            .filter_map(|(path, before)| {
                let after = snapshot.read_text(path).ok();
                change(path, before.as_deref(), after.as_deref())
            })
            .collect();
        if with_diff {
            show_diff(&changes)?;
        }
        let (_, plan) = self.plan()?;
        let steps = plan.steps();
        let settled = steps.iter().filter(|step| step.status.is_settled()).count();
        let mut out = anstream::stderr().lock();
        let files = count(changes.len(), "file");
        let stands = format!(
            "{settled} of {} settled, {files} changed",
            count(steps.len(), "step")
        );
        writeln!(out, "{} {}", paint(HEAD, stands), paint(PLACE, &self.path))?;
        Ok(if settled == steps.len() {
            crate::DONE
        } else {
            crate::NOT_IN_ORDER
        })
    }
}

/// What has become of a file.
fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Option<FileChange> {
    let path = path.to_owned();
    Some(match (before, after) {
        (Some(before), Some(after)) if before != after => FileChange::Edit {
            path,
            before: before.into(),
            changes: ChangeSet::between(before, after),
        },
        (None, Some(after)) => FileChange::Create {
            path,
            text: after.to_owned(),
        },
        (Some(before), None) => FileChange::Delete {
            path,
            before: before.into(),
        },
        _ => return None,
    })
}
