//! `pleach debug mcp`: the servers of tools in the settings, as a job meets them.

use std::io::{self, Write as _};

use anyhow::Context as _;
use camino::Utf8PathBuf;
use serde_json::{Map, Value, json};

use crate::environment::Environment;
use crate::folder::Folder;

#[derive(clap::Args)]
#[command(after_help = "\
Prints one line of JSON with the tools that a model would be offered, by the names that it calls them by, and what is
wrong with servers that offer nothing:

  {\"tools\": [\"files__search_files\", …], \"problems\": [\"…\"]}

With a TOOL it is called, without a question, and a second line is printed:

  {\"answer\": \"…\"}   or   {\"error\": \"tool-failed\", \"message\": \"…\"}

Exit code: 0 nothing is wrong, 1 something is, 2 the settings or the arguments cannot be used.")]
pub(super) struct Arguments {
    /// The tool to call, as a model would: `SERVER__TOOL`
    #[arg(value_name = "TOOL")]
    tool: Option<String>,
    /// What it is called with, a JSON object
    #[arg(value_name = "ARGUMENTS", default_value = "{}")]
    with: String,
    /// The folder that servers run in, with its settings
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: Utf8PathBuf,
}

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let called: Map<String, Value> =
        serde_json::from_str(&arguments.with).context("ARGUMENTS must be a JSON object")?;
    let servers = Folder::open(&arguments.dir, environment)?.servers();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut out = io::stdout().lock();
        let (tools, problems) = servers.offered().await;
        writeln!(out, "{}", json!({"tools": tools, "problems": problems}))?;
        let mut is_well = problems.is_empty();
        if let Some(tool) = &arguments.tool {
            let told = match servers.try_tool(tool, called).await {
                Ok(answer) => json!({"answer": answer}),
                Err((code, message)) => {
                    is_well = false;
                    json!({"error": code, "message": message})
                }
            };
            writeln!(out, "{told}")?;
        }
        Ok(if is_well {
            crate::DONE
        } else {
            crate::NOT_IN_ORDER
        })
    })
}
