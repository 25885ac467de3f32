//! The editors on `PATH`, and whether they are recent enough.

use std::time::Duration;

use camino::Utf8Path;
use futures_util::future::join_all;
use pleach_exec::CommandLine;

use super::Finding;
use crate::environment::{program, variable};

const AREA: &str = "editors";

/// What an editor may see of the environment to tell its version.
const VARIABLES: [&str; 6] = [
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "SystemRoot",
    "XDG_RUNTIME_DIR",
];

struct Editor {
    name: &'static str,
    /// As `pleach init` calls it.
    init: &'static str,
    programs: &'static [&'static str],
    /// The first version that will do.
    since: (u32, u32),
}

const EDITORS: [Editor; 3] = [
    Editor {
        name: "Neovim",
        init: "neovim",
        programs: &["nvim"],
        since: (0, 11),
    },
    Editor {
        name: "Helix",
        init: "helix",
        programs: &["hx", "helix"],
        since: (24, 3),
    },
    Editor {
        name: "VS Code",
        init: "vscode",
        programs: &["code", "codium", "code-insiders"],
        since: (1, 82),
    },
];

pub(super) async fn look() -> Vec<Finding> {
    let found = EDITORS.iter().filter_map(|editor| {
        let path = editor.programs.iter().find_map(|name| program(name))?;
        Some(async move { editor.finding(&path).await })
    });
    let mut findings = join_all(found).await;
    if findings.is_empty() {
        findings.push(Finding::note(
            AREA,
            "neither Neovim, Helix nor VS Code is on PATH",
            "any editor that speaks the Language Server Protocol will do: let it start `pleach lsp`",
        ));
    }
    findings
}

impl Editor {
    async fn finding(&self, path: &Utf8Path) -> Finding {
        let Self {
            name,
            init,
            since: (major, minor),
            ..
        } = self;
        match version(path).await {
            Some((version, numbers)) if numbers >= self.since => {
                let hint = format!("{name} {version}: set it up with `pleach init {init}`");
                Finding::good(AREA, hint)
            }
            Some((version, _)) => Finding::note(
                AREA,
                format!("{name} {version} is too old for Pleach"),
                format!("install {name} {major}.{minor:02} or later"),
            ),
            None => Finding::note(
                AREA,
                format!("{name} at {path} does not tell its version"),
                format!("run `{path} --version` and mend what it reports"),
            ),
        }
    }
}

/// What `--version` prints: the version as it is written, and its first two numbers.
async fn version(path: &Utf8Path) -> Option<(String, (u32, u32))> {
    let variables = VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).into(), variable(name)?)));
    let command = CommandLine {
        argv: vec![path.to_string(), "--version".into()],
        directory: None,
        variables: variables.collect(),
        timeout: Duration::from_secs(5),
        max_output: 64 << 10,
    };
    let output = pleach_exec::run(&command).await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().find_map(|word| {
        let written = word.trim_start_matches('v');
        let mut numbers = written.split(['.', '-', '+']).map(str::parse::<u32>);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some((written.to_owned(), (major, minor)))
    })
}
