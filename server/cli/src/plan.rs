//! `pleach plan`: make a plan and write it to `.pleach/plans/`.

use std::io::{self, Write as _};
use std::time::Duration;

use camino::Utf8PathBuf;
use indicatif::ProgressBar;
use pleach_agent::plan::{self, PlanFailure, Source};
use pleach_agent::{Action, Engine, Index, JobEvent, JobFailure, JobLimits, JobOutcome, Kit};
use pleach_plan::Plan;
use pleach_workspace::{Journal, WorkspaceSnapshot, write_all};

use crate::environment::Environment;
use crate::folder::Folder;
use crate::paint::{BAD, FAINT, GOOD, PLACE, paint, visible};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach plan todos                    the TODO and FIXME comments of this folder
  pleach plan document src/loans.rs    what that file offers and does not document
  pleach plan test src/loans.rs        tests for its functions
  pleach run .pleach/plans/…           carry the plan out

These need no model. Every other goal is thought out by the model of your pleach.toml, which can read
the folder and do nothing else.

Exit code: 0 the plan is written, 1 there is nothing to plan or it needs a model, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// What is wanted, in words
    #[arg(value_name = "GOAL", required = true, num_args = 1..)]
    goal: Vec<String>,
    /// The folder to plan for
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: Utf8PathBuf,
    /// Print the plan and write nothing
    #[arg(long)]
    print: bool,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let folder = Folder::open(&arguments.dir, environment)?;
    let workspace = folder.snapshot();
    let goal = arguments.goal.join(" ");
    let with_model = folder
        .settings
        .model_for(pleach_policy::Role::Planner)
        .is_some();
    let made = match Source::of_goal(&goal, None, &workspace) {
        Some(source) => plan::make(&source, &workspace, with_model)
            .map(|draft| draft.render())
            .map_err(JobFailure::from),
        None if with_model => ask(&goal, &folder, &workspace, environment)?,
        None => Err(PlanFailure::NeedsModel(goal.clone()).into()),
    };
    let mut out = anstream::stderr().lock();
    let text = match made {
        Ok(text) => text,
        Err(failure) => {
            let why = failure.to_string();
            writeln!(out, "{} {}", paint(BAD, "no plan:"), visible(&why))?;
            writeln!(out, "{}", failure.next_step())?;
            return Ok(crate::NOT_IN_ORDER);
        }
    };
    if arguments.print {
        io::stdout().write_all(text.as_bytes())?;
        return Ok(crate::DONE);
    }
    let (path, proposal) = match plan::as_new_file(&text, &workspace) {
        Ok(made) => made,
        Err(refusal) => {
            writeln!(out, "{} {refusal}", paint(BAD, "refused:"))?;
            return Ok(crate::NOT_IN_ORDER);
        }
    };
    write_all(
        &workspace,
        proposal.files(),
        &Journal::new(&environment.state_dir),
    )?;
    for step in Plan::parse(&text).steps() {
        let who = paint(FAINT, format!("({})", step.role()));
        writeln!(out, "{:>3}. {} {who}", step.number, visible(&step.title))?;
    }
    writeln!(out, "{} {}", paint(GOOD, "✓"), paint(PLACE, &path))?;
    let hint = format!("look through it, then: pleach run {path}");
    writeln!(out, "{}", paint(FAINT, hint))?;
    Ok(crate::DONE)
}

/// Has a model think a plan out, and says what it does meanwhile.
fn ask(
    goal: &str,
    folder: &Folder,
    workspace: &WorkspaceSnapshot,
    environment: &Environment,
) -> anyhow::Result<Result<String, JobFailure>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let account = folder.account(environment)?;
    let limits = JobLimits::of(&folder.settings);
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    let shown = bar.clone();
    let report = move |event: JobEvent| match event {
        JobEvent::Phase(phase) => shown.set_message(phase.to_string()),
        JobEvent::Notice(words) => shown.suspend(|| anstream::eprintln!("{}", visible(&words))),
        // In whose place it answers, or from the cache: that stays to be read.
        JobEvent::Engine(label) => shown.suspend(|| anstream::eprintln!("answered by {label}")),
        JobEvent::Usage { tokens, .. } => shown.set_message(format!("{} tokens", tokens.output)),
        _ => {}
    };
    let context = folder.settings.context;
    let index = (context.index && context.tokens > 0)
        .then(|| Index::start(&environment.state_dir, workspace.clone(), false, |_| {}));
    let kit = Kit::of_planner(&folder.settings, folder.roster(environment)).with_index(index);
    let outcome = runtime.block_on(async {
        let variables = Environment::variables();
        let opened = Engine::open(Action::Plan, &folder.settings, &variables, Some(&account));
        match opened.await {
            Ok(Engine::Model(lineup)) => {
                Ok(plan::ask(goal, workspace, &lineup, limits, &account, kit, &report).await)
            }
            Ok(Engine::Builtin) => Err(PlanFailure::NeedsModel(goal.to_owned()).into()),
            Err(failure) => Err(failure),
        }
    });
    bar.finish_and_clear();
    account.books.flush();
    Ok(match outcome {
        Ok(JobOutcome::Proposal { reply, .. } | JobOutcome::Answer(reply)) => Ok(reply),
        Ok(JobOutcome::Findings(report)) => Ok(report.page()),
        Ok(JobOutcome::Failed { failure, .. }) | Err(failure) => Err(failure),
    })
}
