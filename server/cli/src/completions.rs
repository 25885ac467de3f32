//! `pleach completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach completions bash > ~/.local/share/bash-completion/completions/pleach
  pleach completions zsh  > \"${fpath[1]}/_pleach\"
  pleach completions fish > ~/.config/fish/completions/pleach.fish")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    let mut command = crate::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "pleach", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(crate::DONE)
}
