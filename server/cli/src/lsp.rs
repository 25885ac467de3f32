//! `pleach lsp`: serve an editor.

use std::fs::File;
use std::io;
use std::sync::Arc;

use camino::Utf8PathBuf;

use crate::environment::{self, Environment};
use crate::{VERSION, log};

#[derive(clap::Args)]
#[command(after_help = "\
Editors start this command; there is nothing to type. `pleach init EDITOR` prints how.
The log goes to standard error, which editors keep as the server's log, and to log/pleach.log in the
state folder. How much it holds is set by --log-level, else by the variable PLEACH_LOG, else by [log] level
in pleach.toml.")]
pub(crate) struct Arguments {
    /// Accepted because some editors pass it; standard input and output are always used
    #[arg(long, hide = true)]
    stdio: bool,
    /// Write the log to this file instead of standard error
    #[arg(long, value_name = "FILE")]
    log_file: Option<Utf8PathBuf>,
    /// How much is logged: error, warn, info, debug or trace [default: as the settings say]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, environment: Environment) -> anyhow::Result<u8> {
    let level = arguments
        .log_level
        .clone()
        .or_else(|| environment::variable(environment::LOG));
    let usual = environment.state_dir.join("log").join("pleach.log");
    let log = log::start(level.as_deref(), arguments.log_file.clone(), usual)?;
    let environment = pleach_lsp::Environment {
        variables: Environment::variables(),
        user_settings: environment.user_settings(),
        state_dir: environment.state_dir,
        version: VERSION.as_str(),
        log: Arc::new(log),
    };
    let (input, output) = pipes()?;
    let code = pleach_lsp::run(input, output, environment);
    Ok(u8::try_from(code).unwrap_or(crate::NOT_IN_ORDER))
}

/// Standard input and output as plain files: the standard library's own are buffered by line, which
/// would cost each message a copy and a second write.
fn pipes() -> io::Result<(File, File)> {
    #[cfg(unix)]
    use std::os::fd::AsFd as Handle;
    #[cfg(windows)]
    use std::os::windows::io::AsHandle as Handle;

    #[cfg(unix)]
    let own = |pipe: &dyn Handle| pipe.as_fd().try_clone_to_owned().map(File::from);
    #[cfg(windows)]
    let own = |pipe: &dyn Handle| pipe.as_handle().try_clone_to_owned().map(File::from);
    Ok((own(&io::stdin())?, own(&io::stdout())?))
}
