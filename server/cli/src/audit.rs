//! `pleach audit`: what was sent where, what was run, what landed, and whether the record is whole.

use std::io::Write;

use anyhow::anyhow;
use pleach_store::{ChainEnd, Store};

use crate::environment::Environment;
use crate::paint::{BAD, FAINT, GOOD, paint};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach audit verify                  whether the record is whole and unchanged
  pleach audit verify --end 12:ab01…   and whether it still has the end that you kept elsewhere
  pleach audit export > audit.jsonl    one JSON object a line

Each record has the hash of the one before it, so that a record that was changed, taken out or put
elsewhere breaks the chain. Where the chain ends is kept beside the database too. Somebody who can
write both files could write a whole new record: keep the end that `verify` prints where they cannot.

Exit code: 0 whole, 1 not whole, 2 it cannot be read.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Look at the whole chain
    Verify {
        /// An end of the chain that you kept
        #[arg(long, value_name = "END")]
        end: Option<String>,
    },
    /// Print the records as JSON, one a line
    Export,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let mut store = Store::new(&environment.state_dir);
    let mut out = anstream::stdout().lock();
    let code = match &arguments.what {
        What::Verify { end } => {
            let kept = end.as_deref().map(|text| {
                ChainEnd::parse(text).ok_or_else(|| {
                    anyhow!("`{text}` is no end of a chain: write it as it was printed")
                })
            });
            let report = store.verify_audit(kept.transpose()?.as_ref())?;
            for fault in &report.faults {
                writeln!(out, "{} {fault}", paint(BAD, "✗"))?;
            }
            let records = report.records;
            match (&report.end, report.faults.as_slice()) {
                (None, []) => writeln!(out, "nothing is recorded yet")?,
                (Some(end), []) => {
                    writeln!(
                        out,
                        "{} {records} records, whole and unchanged",
                        paint(GOOD, "✓")
                    )?;
                    writeln!(out, "{} {end}", paint(FAINT, "the end to keep elsewhere:"))?;
                }
                _ => {}
            }
            if report.faults.is_empty() {
                crate::DONE
            } else {
                crate::NOT_IN_ORDER
            }
        }
        What::Export => {
            for record in store.audit_records(None)? {
                writeln!(out, "{}", record.to_json())?;
            }
            crate::DONE
        }
    };
    for notice in store.take_notices() {
        crate::paint::complain(&anyhow!("{notice}"));
    }
    out.flush()?;
    Ok(code)
}
