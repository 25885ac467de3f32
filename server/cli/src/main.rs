//! The command line: `pleach lsp` for editors, and what a person runs by hand.
//!
//! One file per command. Only this room reads the environment; the others are handed what they need.

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use crate::environment::Environment;

mod apply;
mod audit;
mod check;
mod completions;
mod debug;
mod demo;
mod doctor;
mod environment;
mod folder;
mod init;
mod log;
mod lsp;
mod model;
mod new;
mod paint;
mod plan;
mod recover;
mod run;
mod search;
mod usage;

/// The program went well.
const DONE: u8 = 0;
/// What was looked at is not in order, or was refused.
const NOT_IN_ORDER: u8 = 1;
/// The command could not be carried out: wrong arguments, files that cannot be read.
const CANNOT: u8 = 2;

/// The version, and the commit that a release was built of (`build.rs`).
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let commit = Some(env!("PLEACH_COMMIT")).filter(|commit| !commit.is_empty());
    let commit = commit
        .map(|commit| format!(" ({commit})"))
        .unwrap_or_default();
    format!("{}{commit}", env!("CARGO_PKG_VERSION"))
});

const EXAMPLES: &str = "\
Examples:
  pleach demo                      see it work, without a key and without a network
  pleach init neovim               what to put into your editor's configuration
  pleach model                     which model answers, and how to have another
  pleach doctor                    what is set up, what is not, and how to mend it
  pleach check src/*.rs            syntax errors, as file:line:column
  pleach new                       what new files can be made from
  pleach plan todos                a plan from the TODO and FIXME comments of this folder
  pleach apply --write answer.md   land a chat's answer on the files of this folder

An editor runs `pleach lsp`. Settings live in pleach.toml; `pleach doctor` says where.";

/// Weaves agents' edits into a living program: a language server for every editor.
#[derive(Parser)]
#[command(name = "pleach", version = VERSION.as_str(), after_help = EXAMPLES, max_term_width = 90)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve an editor over standard input and output
    Lsp(lsp::Arguments),
    /// Show Pleach at work: a real server, a small project, an edit landed and one refused
    Demo(demo::Arguments),
    /// Report syntax errors in files
    Check(check::Arguments),
    /// Say what works, what does not, and what to do about it
    Doctor(doctor::Arguments),
    /// Print what to put into an editor's configuration
    Init(init::Arguments),
    /// Choose the model that answers
    Model(model::Arguments),
    /// Land a reply (a file, or `-` for standard input) on the files of a folder, safely
    Apply(apply::Arguments),
    /// Make a plan: from a goal, or from what the code says is left to do
    Plan(plan::Arguments),
    /// Carry a plan out, step by step
    Run(run::Arguments),
    /// Make new files, or a project, from a template
    New(new::Arguments),
    /// Find places of a folder by words
    Search(search::Arguments),
    /// Bring to an end what was interrupted while files of a folder were being written
    Recover(recover::Arguments),
    /// Say what models were asked, and what it has cost
    Usage(usage::Arguments),
    /// Say what was sent where, what was run and what landed, and whether that record is whole
    Audit(audit::Arguments),
    /// Run one part of the machinery by itself, for tests and reports of faults
    Debug(debug::Arguments),
    /// Print completions for a shell
    Completions(completions::Arguments),
}

fn main() -> ExitCode {
    // Our own part of the sandbox that commands of an agent run in; nothing for a person.
    if std::env::args().nth(1).as_deref() == Some(pleach_exec::HELPER) {
        return ExitCode::from(pleach_exec::helper(std::env::args().skip(2)));
    }
    let arguments = Arguments::parse();
    let environment = Environment::of_process();
    let done = match arguments.command {
        Command::Lsp(arguments) => lsp::run(&arguments, environment),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments, &environment),
        Command::Init(arguments) => init::run(&arguments, &environment),
        Command::Model(arguments) => model::run(&arguments, &environment),
        Command::Apply(arguments) => apply::run(&arguments, &environment),
        Command::Plan(arguments) => plan::run(&arguments, &environment),
        Command::Run(arguments) => run::run(&arguments, &environment),
        Command::New(arguments) => new::run(&arguments, &environment),
        Command::Search(arguments) => search::run(&arguments, &environment),
        Command::Recover(arguments) => recover::run(&arguments, &environment),
        Command::Usage(arguments) => usage::run(&arguments, &environment),
        Command::Audit(arguments) => audit::run(&arguments, &environment),
        Command::Debug(arguments) => debug::run(&arguments, &environment),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        // `pleach check … | head`: who reads has read enough.
        Err(error) if paint::is_closed_pipe(&error) => ExitCode::from(DONE),
        Err(error) => {
            paint::complain(&error);
            ExitCode::from(CANNOT)
        }
    }
}
