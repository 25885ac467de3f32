//! The usage as one page with charts: no script, nothing that is fetched.

use std::io::Write;
use std::time::SystemTime;

use jiff::Timestamp;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use pleach_store::{Sums, UsageReport};

use super::table::{count, seconds};

/// Units of a chart's height.
const HEIGHT: u64 = 96;
/// Units that a name and its two bars take, from one to the next.
const STEP: u64 = 40;
/// The most names of a chart; the table has them all.
const SHOWN: usize = 60;

pub(super) fn write(
    out: &mut impl Write,
    report: &UsageReport,
    now: SystemTime,
) -> anyhow::Result<()> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // Names come from settings and folders.
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    let total = &report.total;
    let made = Timestamp::try_from(now)?.strftime("%Y-%m-%d %H:%M UTC");
    let groups = [
        ("day", &report.days),
        ("model", &report.models),
        ("role", &report.roles),
        ("workspace", &report.workspaces),
    ];
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|(name, rows)| group(name, rows))
        .collect();
    let page = templates.render_str(
        include_str!("page.html.j2"),
        context! {
            made => made.to_string(),
            total => context! { calls => total.calls },
            facts => facts(total),
            notes => total.notes(),
            groups => groups,
        },
    )?;
    writeln!(out, "{page}")?;
    Ok(())
}

fn facts(sums: &Sums) -> Vec<Value> {
    let fact = |value: String, name: &str| context! { value => value, name => name };
    let percent = |share: Option<u64>| share.map_or("-".to_owned(), |it| format!("{it} %"));
    vec![
        fact(sums.cost_words(), "cost"),
        fact(sums.calls.to_string(), "calls"),
        fact(count(sums.input), "tokens sent"),
        fact(percent(sums.cached_percent()), "of these from cache"),
        fact(count(sums.output), "tokens received"),
        fact(percent(sums.success_percent()), "answered"),
        fact(percent(sums.refusal_percent()), "edits refused by the gate"),
        fact(
            sums.total_ms(50).map_or("-".to_owned(), seconds),
            "half of the answers within",
        ),
    ]
}

fn group(name: &str, rows: &[(String, Sums)]) -> Value {
    let tokens = |sums: &Sums| sums.input.saturating_add(sums.output);
    let most_cost = rows
        .iter()
        .map(|(_, sums)| sums.cost)
        .max()
        .unwrap_or_default();
    let most_tokens = rows.iter().map(|(_, sums)| tokens(sums)).max().unwrap_or(0);
    let height = |part: u64, most: u64| {
        let height = u128::from(part) * u128::from(HEIGHT);
        height
            .checked_div(u128::from(most))
            .unwrap_or(0)
            .to_string()
    };
    // Of days the last, of everything else the first: they are the dearest.
    let from = if name == "day" {
        rows.len().saturating_sub(SHOWN)
    } else {
        0
    };
    let charted = rows.iter().skip(from).take(SHOWN);
    let bars: Vec<Value> = (0_u64..)
        .zip(charted)
        .map(|(number, (key, sums))| {
            let is_day = name == "day";
            context! {
                x => number * STEP,
                width => STEP * 2 / 5,
                cost => height(sums.cost.0, most_cost.0).parse::<u64>().unwrap_or(0),
                tokens => height(tokens(sums), most_tokens).parse::<u64>().unwrap_or(0),
                // Month and day.
                label => is_day.then(|| key.get(5..).unwrap_or_default().to_owned()),
                title => format!("{key}: {}, {} tokens", sums.cost_words(), count(tokens(sums))),
            }
        })
        .collect();
    let table: Vec<Value> = rows.iter().map(|(key, sums)| row(key, sums)).collect();
    let width = u64::try_from(bars.len()).unwrap_or(0).max(12) * STEP;
    context! {
        name => name, rows => table, width => width, bars => bars,
        most_cost => most_cost.to_string(), most_tokens => count(most_tokens),
    }
}

fn row(name: &str, sums: &Sums) -> Value {
    let percent = |share: Option<u64>| share.map_or("-".to_owned(), |it| format!("{it} %"));
    let time = |ms: Option<u64>| ms.map_or("-".to_owned(), seconds);
    context! {
        name => name,
        cost => sums.cost_words(),
        calls => sums.calls,
        input => count(sums.input),
        cached => percent(sums.cached_percent()),
        output => count(sums.output),
        success => percent(sums.success_percent()),
        refused => percent(sums.refusal_percent()),
        first => time(sums.first_ms(50)),
        answer => time(sums.total_ms(50)),
    }
}
