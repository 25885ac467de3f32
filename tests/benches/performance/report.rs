//! What was measured, beside the goals: a table on the screen, and `docs/performance.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// What the figures of one subject are, by their names; each may have been measured several times.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<&'static str, Vec<f64>>);

impl Figures {
    pub(crate) fn add(&mut self, name: &'static str, figure: f64) {
        self.0.entry(name).or_default().push(figure);
    }

    /// The median of what was measured.
    fn get(&self, name: &str) -> Option<f64> {
        let mut all = self.0.get(name)?.clone();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    }
}

/// What a figure is held against.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// At most so many times the floor's.
    Times(f64),
    /// At least so many times the floor's.
    Least(f64),
    /// At most this, whatever a floor would do.
    Most(f64),
    /// Nothing: it is told for its own sake.
    None,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
}

impl Goal {
    fn told(self) -> String {
        match self {
            Self::Times(most) => format!("≤ {most} ×"),
            Self::Least(least) => format!("≥ {least} ×"),
            Self::Most(most) => format!("≤ {most}"),
            Self::None => String::new(),
        }
    }

    fn is_met(self, ours: f64, floor: Option<f64>) -> bool {
        let times = floor.map(|floor| ours / floor);
        match self {
            Self::Times(most) => times.is_some_and(|times| times <= most),
            Self::Least(least) => times.is_some_and(|times| times >= least),
            Self::Most(most) => ours <= most,
            Self::None => true,
        }
    }
}

/// The table as Markdown, with a column for another server if one was measured.
pub(crate) fn table(
    rows: &[Row],
    ours: &Figures,
    floor: &Figures,
    peer: Option<&Figures>,
) -> String {
    let mut text = String::from("| what | unit | Pleach | floor | ratio | goal |");
    text.push_str(if peer.is_some() { " other |\n" } else { "\n" });
    text.push_str("|---|---|---|---|---|---|");
    text.push_str(if peer.is_some() { "---|\n" } else { "\n" });
    for row in rows {
        let Some(figure) = ours.get(row.name) else {
            continue;
        };
        let below = floor.get(row.name);
        let met = if row.goal.is_met(figure, below) {
            ""
        } else {
            " **missed**"
        };
        write!(
            text,
            "| {} | {} | {} | {} | {} | {}{met} |",
            row.what,
            row.unit,
            short(figure),
            below.map_or(String::new(), short),
            below.map_or(String::new(), |below| short(figure / below)),
            row.goal.told(),
        )
        .unwrap();
        if let Some(peer) = peer {
            let told = peer.get(row.name).map_or(String::new(), short);
            write!(text, " {told} |").unwrap();
        }
        text.push('\n');
    }
    text
}

/// Three digits that say something.
fn short(figure: f64) -> String {
    match figure {
        0.0 => "0".to_owned(),
        large if large >= 1000.0 => format!("{large:.0}"),
        middle if middle >= 100.0 => format!("{middle:.0}"),
        middle if middle >= 10.0 => format!("{middle:.1}"),
        small if small >= 0.1 => format!("{small:.2}"),
        tiny => format!("{tiny:.3}"),
    }
}

/// What it was measured on.
pub(crate) fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("an unknown processor", |it| {
        it.trim_start_matches([' ', '\t', ':'])
    });
    let memory = read("/proc/meminfo");
    let kib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = kib.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{model}, {cores} {}, {} GB of memory, {} {}",
        if cores == 1 { "core" } else { "cores" },
        kib.unwrap_or_default().div_ceil(1 << 20),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

pub(crate) fn quantile(times: &mut [Duration], at: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some thousands"
    )]
    let place = ((times.len() - 1) as f64 * at).round() as usize;
    *times.get(place).unwrap()
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
