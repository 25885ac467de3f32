//! The usage on a terminal: a table for each way to divide it, with bars.

use std::io::{self, Write};

use pleach_store::{Sums, UsageReport};

use crate::paint::{HEAD, ODD, PLACE, paint, visible};

/// The widest bar, in columns.
const BAR: u64 = 20;
/// The longest name that is shown whole.
const NAME: usize = 28;

pub(super) fn write(out: &mut impl Write, report: &UsageReport) -> io::Result<()> {
    let total = &report.total;
    if total.calls == 0 {
        return writeln!(
            out,
            "no model was asked; the built-in syntax engine costs nothing and is not listed"
        );
    }
    for (title, rows) in [
        ("day", &report.days),
        ("model", &report.models),
        ("role", &report.roles),
        ("workspace", &report.workspaces),
    ] {
        group(out, title, rows)?;
        writeln!(out)?;
    }
    writeln!(out, "{}", paint(HEAD, "in all"))?;
    for line in facts(total) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn group(out: &mut impl Write, title: &str, rows: &[(String, Sums)]) -> io::Result<()> {
    let names: Vec<String> = rows.iter().map(|(name, _)| fitted(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).max(title.len());
    let heading = format!(
        "{title:width$}  {:>12} {:>6} {:>9} {:>5} {:>9} {:>5} {:>7} {:>8}",
        "cost", "calls", "sent", "cache", "received", "ok", "refused", "1st word"
    );
    writeln!(out, "{}", paint(HEAD, heading))?;
    // Where nothing has a price, the bars are of tokens.
    let is_priced = rows.iter().any(|(_, sums)| sums.cost.0 > 0);
    let weight = |sums: &Sums| {
        if is_priced {
            sums.cost.0
        } else {
            sums.input.saturating_add(sums.output)
        }
    };
    let most = rows.iter().map(|(_, sums)| weight(sums)).max();
    for ((_, sums), name) in rows.iter().zip(&names) {
        let gap = " ".repeat(width - name.chars().count());
        let percent = |share: Option<u64>| share.map_or("-".to_owned(), |it| format!("{it} %"));
        let first = sums.first_ms(50).map_or("-".to_owned(), seconds);
        let bar = bar(weight(sums), most.unwrap_or(0));
        let bar = if bar.is_empty() {
            bar
        } else {
            format!("  {bar}")
        };
        writeln!(
            out,
            "{}{gap}  {:>12} {:>6} {:>9} {:>5} {:>9} {:>5} {:>7} {:>8}{bar}",
            paint(PLACE, name),
            sums.cost_words(),
            sums.calls,
            count(sums.input),
            percent(sums.cached_percent()),
            count(sums.output),
            percent(sums.success_percent()),
            percent(sums.refusal_percent()),
            first,
        )?;
    }
    Ok(())
}

/// What there is to know of all calls, one fact a line.
fn facts(sums: &Sums) -> Vec<String> {
    let mut facts = vec![format!(
        "{}, {} calls: {} answered, {} failed, {} cancelled, {} stopped at a cap",
        sums.cost_words(),
        sums.calls,
        sums.answered,
        sums.failed,
        sums.cancelled,
        sums.stopped
    )];
    if let (Some(half), Some(most)) = (sums.total_ms(50), sums.total_ms(95)) {
        facts.push(format!(
            "half of the answers took up to {}, 95 of 100 up to {}",
            seconds(half),
            seconds(most)
        ));
    }
    let notes = sums.notes();
    facts.extend(notes.into_iter().map(|note| paint(ODD, note).to_string()));
    facts
}

/// The end of a long name says more than its beginning.
fn fitted(name: &str) -> String {
    let name = visible(name);
    let length = name.chars().count();
    if length <= NAME {
        return name.into_owned();
    }
    let end: String = name.chars().skip(length - NAME + 1).collect();
    format!("…{end}")
}

fn bar(part: u64, most: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(part) * u128::from(BAR) * 8).checked_div(u128::from(most));
    let eighths = usize::try_from(eighths.unwrap_or(0)).unwrap_or(0);
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / 8))
}

/// `999`, `12.3k`, `4.56M`.
pub(super) fn count(number: u64) -> String {
    let scaled = |unit: u64, digits: u32, name: &str| {
        let scale = 10_u64.pow(digits);
        let parts = number / (unit / scale);
        format!(
            "{}.{:0width$}{name}",
            parts / scale,
            parts % scale,
            width = digits as usize
        )
    };
    match number {
        0..1000 => number.to_string(),
        1000..1_000_000 => scaled(1000, 1, "k"),
        _ => scaled(1_000_000, 2, "M"),
    }
}

/// `850 ms`, `2.4 s`.
pub(super) fn seconds(ms: u64) -> String {
    if ms < 1000 {
        format!("{ms} ms")
    } else {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bars_are_short() {
        assert_eq!(count(999), "999");
        assert_eq!(count(12_345), "12.3k");
        assert_eq!(count(999_999), "999.9k");
        assert_eq!(count(4_560_000), "4.56M");
        assert_eq!(seconds(850), "850 ms");
        assert_eq!(seconds(2449), "2.4 s");
        assert_eq!(bar(1, 1), "█".repeat(20));
        assert_eq!(bar(1, 160), "▏");
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(u64::MAX, u64::MAX), "█".repeat(20));
        let long = fitted("/projects/of/somebody/with-a-long-name");
        assert_eq!(long, "…f/somebody/with-a-long-name");
        assert_eq!(long.chars().count(), NAME);
    }
}
