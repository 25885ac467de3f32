//! `pleach recover`: bring to an end what was interrupted.

use std::io::{self, Write};

use camino::Utf8PathBuf;
use pleach_workspace::{FileOutcome, Journal, Outcome, Recovered};

use crate::environment::Environment;
use crate::paint::{BAD, GOOD, HEAD, ODD, PLACE, paint};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach recover               after a crash while files of this folder were being written
  pleach recover ~/project     the same for another folder

A landing that was interrupted is finished or taken back, so that either all of its files are new or
all are as they were. `pleach apply --write` does the same before it begins. What somebody else wrote
meanwhile is left as it is.

Exit code: 0 the files are whole, 1 something needs a look, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// The folder whose files may be half-way
    #[arg(value_name = "DIR", default_value = ".")]
    dir: Utf8PathBuf,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    // The folder may be what was lost.
    let folder = match arguments.dir.canonicalize_utf8() {
        Ok(folder) => folder,
        Err(_) => Utf8PathBuf::try_from(std::path::absolute(&arguments.dir)?)?,
    };
    let recovered = Journal::new(&environment.state_dir).recover(Some(&folder))?;
    let mut out = anstream::stdout().lock();
    tell(&mut out, &recovered)?;
    if recovered.is_empty() {
        let nothing = "nothing to recover: no landing was interrupted here";
        writeln!(out, "{}", paint(HEAD, nothing))?;
    }
    Ok(if recovered.iter().all(Recovered::is_whole) {
        crate::DONE
    } else {
        crate::NOT_IN_ORDER
    })
}

/// What became of each landing, and of each of its files.
pub(crate) fn tell(out: &mut impl Write, recovered: &[Recovered]) -> io::Result<()> {
    for landing in recovered {
        let sign = if landing.is_whole() {
            paint(GOOD, "✓")
        } else {
            paint(BAD, "✗")
        };
        writeln!(out, "{sign} {landing}")?;
        for file in &landing.files {
            let name = paint(PLACE, &file.name);
            match &file.outcome {
                simple @ (FileOutcome::Old | FileOutcome::New) => {
                    writeln!(out, "    {name} {simple}")?;
                }
                odd => writeln!(out, "    {name} {}", paint(ODD, odd))?,
            }
        }
    }
    Ok(())
}

/// Whether files are still half-way.
pub(crate) fn is_stuck(recovered: &Recovered) -> bool {
    let stuck = |outcome: &FileOutcome| matches!(outcome, FileOutcome::Stuck { .. });
    !matches!(recovered.outcome, Outcome::Unreadable { .. })
        && recovered.files.iter().any(|file| stuck(&file.outcome))
}
