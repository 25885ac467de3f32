//! What the calls in a ledger come to: sums by day, model, role and workspace.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pleach_policy::MicroUsd;

use crate::database::to_millis;
use crate::ledger::{Call, CallOutcome, FROM_CACHE, Measure};

/// What calls came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageReport {
    /// All of them.
    pub total: Sums,
    /// By day, as `2026-11-21` (UTC), the earliest first.
    pub days: Vec<(String, Sums)>,
    /// By model and provider, as `model (provider)`, the dearest first.
    pub models: Vec<(String, Sums)>,
    /// By role, the dearest first.
    pub roles: Vec<(String, Sums)>,
    /// By workspace folder, the dearest first.
    pub workspaces: Vec<(String, Sums)>,
}

/// Sums over calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Calls.
    pub calls: u64,
    /// Of these, with a whole answer.
    pub answered: u64,
    /// Of these, that failed.
    pub failed: u64,
    /// Of these, that were cancelled.
    pub cancelled: u64,
    /// Of these, that a cap stopped.
    pub stopped: u64,
    /// Of these, that still run.
    pub running: u64,
    /// Of these, whose process died.
    pub lost: u64,
    /// Tokens sent.
    pub input: u64,
    /// Tokens received.
    pub output: u64,
    /// Of those sent, read from the provider's cache.
    pub cached: u64,
    /// What calls with a known cost have cost.
    pub cost: MicroUsd,
    /// Calls that have ended and whose cost is unknown.
    pub unknown_cost: u64,
    /// What was set aside for calls that run or are lost.
    pub set_aside: MicroUsd,
    /// Calls whose tokens Pleach has estimated, because the provider did not come to count them.
    pub estimated: u64,
    /// Calls that were answered from the cache of Pleach, and cost nothing.
    pub from_cache: u64,
    /// Edits that the gate has looked at.
    pub judged: u64,
    /// Of these, that it refused.
    pub refused: u64,
    /// Milliseconds to the first word of each call that had one, in order.
    first_ms: Vec<u64>,
    /// Milliseconds of each answered call, in order.
    total_ms: Vec<u64>,
}

impl UsageReport {
    /// Sums calls up.
    pub fn of(calls: &[Call]) -> Self {
        let mut total = Sums::default();
        let [mut days, mut models, mut roles, mut workspaces] =
            [const { BTreeMap::<String, Sums>::new() }; 4];
        for call in calls {
            let model = format!("{} ({})", call.new.model, call.new.provider);
            total.add(call);
            for (sums, key) in [
                (&mut days, day_of(call)),
                (&mut models, model),
                (&mut roles, call.new.role.clone()),
                (&mut workspaces, call.new.workspace.clone()),
            ] {
                sums.entry(key).or_default().add(call);
            }
        }
        total.sort();
        let finished = |sums: BTreeMap<String, Sums>| -> Vec<(String, Sums)> {
            let sums = sums.into_iter().map(|(key, mut sums)| {
                sums.sort();
                (key, sums)
            });
            sums.collect()
        };
        let dearest = |sums: BTreeMap<String, Sums>| {
            let mut sums = finished(sums);
            // Of what has no price, the most used first.
            let weight = |sums: &Sums| (sums.cost, sums.input.saturating_add(sums.output));
            sums.sort_by_key(|(_, sums)| std::cmp::Reverse(weight(sums)));
            sums
        };
        Self {
            total,
            days: finished(days),
            models: dearest(models),
            roles: dearest(roles),
            workspaces: dearest(workspaces),
        }
    }
}

impl Sums {
    fn add(&mut self, call: &Call) {
        self.calls += 1;
        if let Some(is_clean) = call.is_clean {
            self.judged += 1;
            self.refused += u64::from(!is_clean);
        }
        let Some(came_to) = &call.settlement else {
            if call.is_lost {
                self.lost += 1;
            } else {
                self.running += 1;
            }
            self.set_aside = self.set_aside.plus(call.reserved.unwrap_or_default());
            return;
        };
        match came_to.outcome {
            CallOutcome::Answered => self.answered += 1,
            CallOutcome::Failed => self.failed += 1,
            CallOutcome::Cancelled => self.cancelled += 1,
            CallOutcome::Stopped => self.stopped += 1,
        }
        let tokens = &came_to.tokens;
        self.input = self.input.saturating_add(tokens.input);
        self.output = self.output.saturating_add(tokens.output);
        self.cached = self.cached.saturating_add(tokens.cached.unwrap_or(0));
        match came_to.cost {
            Some(cost) => self.cost = self.cost.plus(cost),
            None => self.unknown_cost += 1,
        }
        self.estimated += u64::from(came_to.measure == Measure::Estimate);
        if came_to.code.as_deref() == Some(FROM_CACHE) {
            // It says nothing about the provider.
            self.from_cache += 1;
            return;
        }
        self.first_ms.extend(came_to.first_ms);
        if came_to.outcome == CallOutcome::Answered {
            self.total_ms.push(came_to.total_ms);
        }
    }

    fn sort(&mut self) {
        self.first_ms.sort_unstable();
        self.total_ms.sort_unstable();
    }

    /// What these calls have cost, in words: what is not known is said.
    pub fn cost_words(&self) -> String {
        match (self.unknown_cost + self.lost, self.cost) {
            (0, cost) => cost.to_string(),
            (_, MicroUsd(0)) => "unknown".to_owned(),
            (_, cost) => format!("{cost} + ?"),
        }
    }

    /// What a person has to know beside the sums, each a whole sentence.
    pub fn notes(&self) -> Vec<String> {
        let calls = |count: u64| match count {
            1 => "1 call".to_owned(),
            count => format!("{count} calls"),
        };
        let mut notes = Vec::new();
        if self.running > 0 {
            notes.push(format!(
                "Of {}, the end is still to come; {} is set aside.",
                calls(self.running),
                self.set_aside
            ));
        }
        if self.unknown_cost > 0 {
            notes.push(format!(
                "What {} cost is unknown, and in no sum: nobody told the price.",
                calls(self.unknown_cost)
            ));
        }
        if self.lost > 0 {
            notes.push(format!(
                "What {} cost is unknown, because the process was killed; what was set aside counts.",
                calls(self.lost)
            ));
        }
        if self.estimated > 0 {
            notes.push(format!(
                "The tokens of {} are estimated: the end came before the provider had counted.",
                calls(self.estimated)
            ));
        }
        if self.from_cache > 0 {
            notes.push(format!(
                "{} answered from the cache of Pleach, and cost nothing.",
                match self.from_cache {
                    1 => "1 call was".to_owned(),
                    count => format!("{count} calls were"),
                }
            ));
        }
        notes
    }

    /// Answered calls, in percent of those that ended by themselves. `None` when there are none.
    pub fn success_percent(&self) -> Option<u64> {
        percent(self.answered, self.answered + self.failed + self.stopped)
    }

    /// Edits that the gate refused, in percent of those that it looked at.
    pub fn refusal_percent(&self) -> Option<u64> {
        percent(self.refused, self.judged)
    }

    /// Tokens from the provider's cache, in percent of those sent.
    pub fn cached_percent(&self) -> Option<u64> {
        percent(self.cached, self.input)
    }

    /// Milliseconds to the first word that so many percent of the calls stayed within.
    pub fn first_ms(&self, percent: u64) -> Option<u64> {
        within(&self.first_ms, percent)
    }

    /// Milliseconds to the end that so many percent of the answered calls stayed within.
    pub fn total_ms(&self, percent: u64) -> Option<u64> {
        within(&self.total_ms, percent)
    }
}

/// Rounded to the nearest.
fn percent(part: u64, whole: u64) -> Option<u64> {
    let scaled = u128::from(part) * 200 + u128::from(whole);
    let percent = scaled.checked_div(u128::from(whole) * 2)?;
    u64::try_from(percent).ok()
}

/// The nearest-rank percentile of sorted values.
fn within(sorted: &[u64], percent: u64) -> Option<u64> {
    let count = u64::try_from(sorted.len()).ok()?;
    let rank = (count * percent).div_ceil(100).max(1);
    sorted.get(usize::try_from(rank - 1).ok()?).copied()
}

fn day_of(call: &Call) -> String {
    Timestamp::from_millisecond(to_millis(call.new.at))
        .map(|at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted: Vec<u64> = (1..=10).collect();
        assert_eq!(within(&sorted, 50), Some(5));
        assert_eq!(within(&sorted, 95), Some(10));
        assert_eq!(within(&[7], 50), Some(7));
        assert_eq!(within(&[], 50), None);
        assert_eq!(percent(1, 3), Some(33));
        assert_eq!(percent(2, 3), Some(67));
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(u64::MAX, u64::MAX), Some(100));
    }
}
