//! `pleach usage`: what models were asked, and what it has cost.

mod page;
mod table;

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use camino::Utf8PathBuf;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use pleach_store::{Call, CallFilter, Ledger, Sums, UsageReport};
use serde_json::{Value, json};

use crate::environment::Environment;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach usage                             everything, as a table
  pleach usage --since 7d                  the last seven days
  pleach usage --since 2026-11-01 --until 2026-12-01 --role coder
  pleach usage --html > usage.html         one page with charts, to open in a browser
  pleach usage --csv > usage.csv           one line for each call

Days are those of UTC, --until is not within. Amounts are US dollars. What is not known is said to be
unknown: a price that no table has, and what a call has cost whose process was killed.

Exit code: 0 done, 2 the ledger cannot be read.")]
pub(crate) struct Arguments {
    /// Calls since this day (2026-11-01) or of the last so many days (7d)
    #[arg(long, value_name = "DAY")]
    since: Option<String>,
    /// Calls before this day (2026-12-01) or up to so many days ago (7d)
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// Calls of this model
    #[arg(long)]
    model: Option<String>,
    /// Calls of this role: coder, tester, documenter, reviewer or planner
    #[arg(long)]
    role: Option<String>,
    /// Calls for this workspace folder
    #[arg(long, value_name = "DIR")]
    workspace: Option<Utf8PathBuf>,
    /// Print the sums as JSON; amounts are millionths of a dollar
    #[arg(long, group = "form")]
    json: bool,
    /// Print the calls as CSV; amounts are millionths of a dollar
    #[arg(long, group = "form")]
    csv: bool,
    /// Print a page with charts, which needs nothing beside it
    #[arg(long, group = "form")]
    html: bool,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    let now = SystemTime::now();
    let filter = arguments.filter(now)?;
    let mut ledger = ledger(environment)?;
    // What a process that was killed left open is shown as what it is.
    ledger.find_lost(now)?;
    let calls = ledger.calls(&filter)?;
    let mut out = anstream::stdout().lock();
    for notice in ledger.take_notices() {
        crate::paint::complain(&anyhow!("{notice}"));
    }
    let report = UsageReport::of(&calls);
    if arguments.json {
        writeln!(out, "{:#}", to_json(&report))?;
    } else if arguments.csv {
        write_csv(&mut out, &calls)?;
    } else if arguments.html {
        page::write(&mut out, &report, now)?;
    } else {
        table::write(&mut out, &report)?;
    }
    out.flush()?;
    Ok(crate::DONE)
}

/// The ledger that the user's settings name.
fn ledger(environment: &Environment) -> anyhow::Result<Ledger> {
    let settings = match environment.user_settings() {
        Some(path) if path.exists() => {
            std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?
        }
        _ => String::new(),
    };
    let settings = pleach_policy::parse(&settings).settings;
    let shared = pleach_agent::shared_ledger(&settings.ledger, &Environment::variables());
    Ok(match shared {
        Some((place, _)) => Ledger::shared(place),
        None => Ledger::new(&environment.state_dir),
    })
}

impl Arguments {
    fn filter(&self, now: SystemTime) -> anyhow::Result<CallFilter> {
        let day = |text: &Option<String>| text.as_deref().map(|text| day(text, now)).transpose();
        let workspace = self.workspace.as_ref().map(|folder| {
            // As the server names it; what is not there any more may still be in the ledger.
            let named = folder.canonicalize_utf8();
            named.unwrap_or_else(|_| folder.clone()).into_string()
        });
        Ok(CallFilter {
            since: day(&self.since)?,
            until: day(&self.until)?,
            model: self.model.clone(),
            role: self.role.clone(),
            workspace,
        })
    }
}

/// Reads `2026-11-01`, or `7d`: so many days before now.
fn day(text: &str, now: SystemTime) -> anyhow::Result<SystemTime> {
    let wrong =
        || anyhow!("`{text}` is no day: write it like 2026-11-01, or 7d for seven days ago");
    if let Some(days) = text.strip_suffix('d') {
        let days: u32 = days.parse().map_err(|_| wrong())?;
        let ago = Duration::from_hours(u64::from(days) * 24);
        return now.checked_sub(ago).ok_or_else(wrong);
    }
    let day: Date = text.parse().map_err(|_| wrong())?;
    let begin = day.to_zoned(TimeZone::UTC).with_context(wrong_day)?;
    Ok(begin.timestamp().into())
}

fn wrong_day() -> &'static str {
    "no calendar has this day"
}

fn to_json(report: &UsageReport) -> Value {
    let group = |name: &str, rows: &[(String, Sums)]| -> Vec<Value> {
        rows.iter()
            .map(|(key, sums)| {
                let mut row = sums_json(sums);
                if let Some(fields) = row.as_object_mut() {
                    fields.insert(name.to_owned(), json!(key));
                }
                row
            })
            .collect()
    };
    json!({
        "currency": pleach_store::CURRENCY,
        "total": sums_json(&report.total),
        "days": group("day", &report.days),
        "models": group("model", &report.models),
        "roles": group("role", &report.roles),
        "workspaces": group("workspace", &report.workspaces),
    })
}

fn sums_json(sums: &Sums) -> Value {
    json!({
        "calls": sums.calls, "answered": sums.answered, "failed": sums.failed,
        "cancelled": sums.cancelled, "stopped": sums.stopped, "running": sums.running,
        "lost": sums.lost, "input_tokens": sums.input, "output_tokens": sums.output,
        "cached_tokens": sums.cached, "micro_usd": sums.cost.0,
        "calls_of_unknown_cost": sums.unknown_cost, "micro_usd_set_aside": sums.set_aside.0,
        "calls_estimated": sums.estimated, "edits_judged": sums.judged,
        "edits_refused": sums.refused, "success_percent": sums.success_percent(),
        "refusal_percent": sums.refusal_percent(), "cached_percent": sums.cached_percent(),
        "first_word_ms": {"p50": sums.first_ms(50), "p95": sums.first_ms(95)},
        "answer_ms": {"p50": sums.total_ms(50), "p95": sums.total_ms(95)},
    })
}

const COLUMNS: &str = "at,workspace,job,action,role,provider,model,state,outcome,code,input_tokens,\
     output_tokens,cached_tokens,cache_write_tokens,reasoning_tokens,counted_by,micro_usd,\
     micro_usd_reserved,verdict,first_word_ms,total_ms";

/// One line for each call, as RFC 4180 has it. What is unknown is empty.
fn write_csv(out: &mut impl Write, calls: &[Call]) -> io::Result<()> {
    writeln!(out, "{COLUMNS}\r")?;
    for call in calls {
        let settled = call.settlement.as_ref();
        let tokens = settled.map(|settled| &settled.tokens);
        let number = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        let state = match (settled, call.is_lost) {
            (Some(_), _) => "settled",
            (None, true) => "lost",
            (None, false) => "running",
        };
        let verdict = call
            .is_clean
            .map(|clean| if clean { "clean" } else { "refused" });
        let at = Timestamp::try_from(call.new.at).map(|at| at.to_string());
        let fields = [
            at.unwrap_or_default(),
            call.new.workspace.clone(),
            call.new.job.to_string(),
            call.new.action.clone(),
            call.new.role.clone(),
            call.new.provider.clone(),
            call.new.model.clone(),
            state.to_owned(),
            settled
                .map(|it| it.outcome.name())
                .unwrap_or_default()
                .to_owned(),
            settled.and_then(|it| it.code.clone()).unwrap_or_default(),
            number(tokens.map(|tokens| tokens.input)),
            number(tokens.map(|tokens| tokens.output)),
            number(tokens.and_then(|tokens| tokens.cached)),
            number(tokens.and_then(|tokens| tokens.cache_write)),
            number(tokens.and_then(|tokens| tokens.reasoning)),
            settled
                .map(|it| it.measure.name())
                .unwrap_or_default()
                .to_owned(),
            number(settled.and_then(|it| it.cost).map(|cost| cost.0)),
            number(call.reserved.map(|reserved| reserved.0)),
            verdict.unwrap_or_default().to_owned(),
            number(settled.and_then(|it| it.first_ms)),
            number(settled.map(|it| it.total_ms)),
        ];
        let line: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        writeln!(out, "{}\r", line.join(","))?;
    }
    Ok(())
}

/// A cell of CSV. What a spreadsheet would take for a formula is shown as a text.
fn quoted(cell: &str) -> String {
    let cell = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_are_dates_or_days_ago() {
        let at = |text: &str| SystemTime::from(text.parse::<Timestamp>().unwrap());
        let now = at("2026-11-21T13:00:00Z");
        assert_eq!(day("2026-11-01", now).unwrap(), at("2026-11-01T00:00:00Z"));
        assert_eq!(day("7d", now).unwrap(), at("2026-11-14T13:00:00Z"));
        for wrong in ["", "d", "yesterday", "2026-02-30", "-3d", "99999999999d"] {
            let error = day(wrong, now).unwrap_err().to_string();
            assert!(error.contains("2026-11-01"), "{error}");
        }
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        assert_eq!(quoted("a b"), "a b");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+2"), "'=1+2");
    }
}
