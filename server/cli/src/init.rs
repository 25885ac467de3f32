//! `pleach init`: what to put into an editor's configuration.
//!
//! The snippet alone goes to standard output, so that it can be appended to a file; where it belongs
//! and what to do next goes to standard error.

use std::io::{self, Write as _};

use crate::environment::{Environment, program};
use crate::paint::{FAINT, HEAD, PLACE, paint};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach init neovim
  pleach init helix >> ~/.config/helix/languages.toml")]
pub(crate) struct Arguments {
    /// The editor
    editor: Editor,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Editor {
    Neovim,
    #[value(name = "vscode")]
    VsCode,
    Helix,
}

/// What an editor needs.
struct Snippet {
    /// Where it belongs.
    place: &'static str,
    text: &'static str,
    /// What to do then.
    next: &'static str,
}

const NEOVIM: Snippet = Snippet {
    place: "~/.config/nvim/init.lua (Neovim 0.11 or later)",
    text: r#"vim.lsp.config("pleach", {
  cmd = { "pleach", "lsp" },
  root_markers = { "pleach.toml", ".git" },
})
vim.lsp.enable("pleach")
"#,
    next: "Open a file and press gra: Pleach's actions are in the list. The plugin in\n\
           editors/neovim adds an input box for instructions, progress and :Pleach commands.",
};

const VSCODE: Snippet = Snippet {
    place: "settings.json (Preferences: Open User Settings (JSON)), after installing the extension",
    text: r#"{
  "pleach.path": "pleach"
}
"#,
    next: "The extension: cd editors/vscode && npm ci && npm run package\n  \
           code --install-extension pleach.vsix\n\
           Open a file and press Ctrl+. for its actions.",
};

const HELIX: Snippet = Snippet {
    place: "~/.config/helix/languages.toml",
    text: include_str!("../../../editors/helix/languages.toml"),
    next: "Open a file and press Space a: Pleach's actions are in the list. With words of your own:\n  \
           :lsp-workspace-command pleach.rewrite \"rename total to sum\"",
};

pub(crate) fn run(arguments: &Arguments, _environment: &Environment) -> anyhow::Result<u8> {
    let snippet = match arguments.editor {
        Editor::Neovim => &NEOVIM,
        Editor::VsCode => &VSCODE,
        Editor::Helix => &HELIX,
    };
    let mut notes = anstream::stderr().lock();
    writeln!(
        notes,
        "{} {}",
        paint(HEAD, "Put this into"),
        paint(PLACE, snippet.place)
    )?;
    writeln!(notes)?;
    let text = snippet
        .text
        .replace("\"pleach\", \"lsp\"", &format!("{:?}, \"lsp\"", server()));
    let text = text.replace("command = \"pleach\"", &format!("command = {:?}", server()));
    let text = text.replace(
        "\"pleach.path\": \"pleach\"",
        &format!("\"pleach.path\": {:?}", server()),
    );
    io::stdout().write_all(text.as_bytes())?;
    writeln!(notes)?;
    writeln!(notes, "{}", paint(FAINT, snippet.next))?;
    Ok(crate::DONE)
}

/// How an editor finds this program: by its name where `PATH` leads to it, else by its path.
fn server() -> String {
    let own = std::env::current_exe()
        .ok()
        .and_then(|path| path.canonicalize().ok());
    let found = program("pleach").and_then(|path| path.as_std_path().canonicalize().ok());
    match own {
        Some(own) if found.as_ref() != Some(&own) => own.to_string_lossy().into_owned(),
        _ => "pleach".into(),
    }
}
