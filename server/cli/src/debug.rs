//! `pleach debug`: parts of the machinery by themselves, for tests from outside and reports of faults.

use clap::Subcommand;

use crate::environment::Environment;

mod mcp;
mod provider;
mod redact;
mod sse;

#[derive(clap::Args)]
#[command(after_help = "\
Each of them runs the very code that an editor's session runs, and no copy of it:

  pleach debug sse        how a stream of server-sent events is read
  pleach debug provider   how a server with models is asked, and what becomes of its answer
  pleach debug redact     what of a text leaves the machine
  pleach debug mcp        what the servers of tools in the settings offer and answer

`pleach debug NAME --help` says what each reads and prints.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Read streams of server-sent events from standard input
    Sse(sse::Arguments),
    /// Ask a server one short question
    Provider(provider::Arguments),
    /// Take secrets out of texts
    Redact(redact::Arguments),
    /// Ask the servers of tools in the settings
    Mcp(mcp::Arguments),
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    match &arguments.part {
        Part::Sse(arguments) => sse::run(arguments),
        Part::Provider(arguments) => provider::run(arguments),
        Part::Redact(arguments) => redact::run(arguments),
        Part::Mcp(arguments) => mcp::run(arguments, environment),
    }
}
