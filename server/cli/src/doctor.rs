//! `pleach doctor`: what works, what does not, and what to do about each.

use std::io::{self, Write};

use camino::Utf8Path;
use pleach_policy::redact;
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::folder::Folder;
use crate::paint::{BAD, FAINT, GOOD, HEAD, ODD, count, paint, visible};

mod editors;
mod engine;
mod settings;
mod state;

#[derive(clap::Args)]
#[command(after_help = "\
Looks at the settings (yours, and those of the folder it is run in), at each provider (by asking for
its list of models: nothing of yours is sent, and it costs nothing), at the folder for kept answers,
and at the editors on PATH. No key is ever shown.

Exit code: 0 nothing is wrong, 1 something is.")]
pub(crate) struct Arguments {
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    /// Make one tiny call of each model as well: it sends a few words, none of yours, and may cost a
    /// fraction of a cent, which `pleach usage` shows
    #[arg(long)]
    probe: bool,
}

/// One thing that was looked at.
struct Finding {
    area: &'static str,
    status: Status,
    message: String,
    /// What to do about it.
    fix: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    /// It works.
    Good,
    /// Not wrong, but worth knowing.
    Note,
    /// It does not work.
    Bad,
}

impl Finding {
    fn good(area: &'static str, message: impl Into<String>) -> Self {
        Self {
            area,
            status: Status::Good,
            message: message.into(),
            fix: None,
        }
    }

    fn note(area: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        let (message, fix) = (message.into(), Some(fix.into()));
        Self {
            area,
            status: Status::Note,
            message,
            fix,
        }
    }

    fn bad(area: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            status: Status::Bad,
            ..Self::note(area, message, fix)
        }
    }
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut findings = runtime.block_on(look(environment, arguments.probe));
    for finding in &mut findings {
        // A server may repeat in its complaint what it was sent.
        finding.message = redact(&finding.message).into_owned();
    }
    let mut out = anstream::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", as_json(&findings))?;
    } else {
        tell(&mut out, &findings)?;
    }
    let wrong = findings.iter().any(|finding| finding.status == Status::Bad);
    Ok(if wrong {
        crate::NOT_IN_ORDER
    } else {
        crate::DONE
    })
}

async fn look(environment: &Environment, probe: bool) -> Vec<Finding> {
    let mut findings = vec![program()];
    let settings = settings::look(environment, &mut findings);
    let account = if probe {
        let folder = Folder::open(Utf8Path::new("."), environment);
        match folder.and_then(|folder| folder.account(environment)) {
            Ok(account) => Some(account),
            Err(error) => {
                let fix = "no model was asked: mend what the message names";
                findings.push(Finding::bad("engine", format!("{error:#}"), fix));
                None
            }
        }
    } else {
        None
    };
    // The editors and every provider at the same time: what does not answer costs its patience once.
    let (engines, editors) =
        tokio::join!(engine::look(&settings, account.as_ref()), editors::look());
    findings.extend(engines);
    if let Some(account) = account {
        account.books.flush();
    }
    state::look(environment, &mut findings);
    findings.extend(editors);
    findings
}

fn program() -> Finding {
    let program = std::env::current_exe();
    let place = program.map_or_else(|_| String::new(), |path| format!(", {}", path.display()));
    Finding::good("pleach", format!("version {}{place}", *crate::VERSION))
}

fn tell(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    let mut area = "";
    for finding in findings {
        if finding.area != area {
            area = finding.area;
            writeln!(out, "{}", paint(HEAD, area))?;
        }
        let mark = match finding.status {
            Status::Good => paint(GOOD, "✓"),
            Status::Note => paint(ODD, "·"),
            Status::Bad => paint(BAD, "✗"),
        };
        writeln!(out, "  {mark} {}", visible(&finding.message))?;
        for line in finding.fix.iter().flat_map(|fix| fix.lines()) {
            writeln!(out, "    {}", paint(FAINT, visible(line)))?;
        }
    }
    let bad = findings
        .iter()
        .filter(|finding| finding.status == Status::Bad)
        .count();
    let word = match bad {
        0 => paint(GOOD, "nothing is wrong".to_owned()),
        bad => paint(BAD, format!("{} found", count(bad, "problem"))),
    };
    writeln!(out, "\n{word}")
}

fn as_json(findings: &[Finding]) -> Value {
    let finding = |finding: &Finding| {
        let status = match finding.status {
            Status::Good => "ok",
            Status::Note => "note",
            Status::Bad => "problem",
        };
        json!({
            "area": finding.area, "status": status,
            "message": finding.message, "fix": finding.fix,
        })
    };
    let ok = findings.iter().all(|finding| finding.status != Status::Bad);
    json!({"ok": ok, "findings": findings.iter().map(finding).collect::<Vec<_>>()})
}
