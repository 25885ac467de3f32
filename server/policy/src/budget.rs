//! What may be spent: caps in money, and a breaker for loops that do not end.
//!
//! Amounts are whole millionths of a US dollar ([`MicroUsd`]); sums saturate, so that no overflow makes
//! something look cheap.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::BudgetSettings;

/// An amount in millionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroUsd(pub u64);

impl MicroUsd {
    /// The amount of a number of dollars, rounded down: a cap is not raised by rounding. `None` for
    /// what is no amount.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was looked whether it fits"
    )]
    pub fn of_dollars(dollars: f64) -> Option<Self> {
        // What is written as 0.29 is a little less in binary: a thousandth of a micro-unit is not meant.
        let micros = (dollars * 1e6 + 1e-3).floor();
        (0.0..=1e15)
            .contains(&micros)
            .then_some(Self(micros as u64))
    }

    /// The sum, or the largest amount where that is too large.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left when `other` is taken away; nothing where that is more.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Four digits behind the point, rounded up: what costs something does not look free.
impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.div_ceil(100);
        write!(f, "${}.{:04}", parts / 10_000, parts % 10_000)
    }
}

/// As it is written in the settings: dollars.
impl Serialize for MicroUsd {
    #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1e6)
    }
}

/// What is spent or set aside already, in the periods that caps are about. Days and months are those of
/// UTC, as providers bill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Since the day began.
    pub day: MicroUsd,
    /// Since the month began.
    pub month: MicroUsd,
    /// For this workspace, since the month began.
    pub workspace_month: MicroUsd,
}

/// A cap that somebody set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cap {
    /// On one call of a model.
    Request,
    /// On a day.
    Day,
    /// On a month.
    Month,
    /// On a month's calls for one workspace.
    WorkspaceMonth,
}

impl Cap {
    /// The key that sets it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Request => "request_usd",
            Self::Day => "day_usd",
            Self::Month => "month_usd",
            Self::WorkspaceMonth => "workspace_month_usd",
        }
    }

    /// What it is on, in words.
    pub fn period(self) -> &'static str {
        match self {
            Self::Request => "this request",
            Self::Day => "today",
            Self::Month => "this month",
            Self::WorkspaceMonth => "this month in this workspace",
        }
    }
}

/// What the tightest cap leaves for one more call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What may still be spent.
    pub left: MicroUsd,
    /// The cap that leaves no more.
    pub cap: Cap,
    /// What that cap is set to.
    pub limit: MicroUsd,
}

impl BudgetSettings {
    /// What the caps leave for one more call; `None` where there is no cap in money.
    ///
    /// ```
    /// use pleach_policy::{Cap, MicroUsd, Spent, parse};
    ///
    /// let budget = parse("[budget]\nrequest_usd = 0.5\nday_usd = 2").settings.budget;
    /// let spent = Spent { day: MicroUsd(1_800_000), ..Spent::default() };
    /// let room = budget.room(&spent).unwrap();
    /// assert_eq!((room.left, room.cap), (MicroUsd(200_000), Cap::Day));
    /// ```
    pub fn room(&self, spent: &Spent) -> Option<Room> {
        let caps = [
            (Cap::Request, self.request_usd, MicroUsd(0)),
            (Cap::Day, self.day_usd, spent.day),
            (Cap::Month, self.month_usd, spent.month),
            (
                Cap::WorkspaceMonth,
                self.workspace_month_usd,
                spent.workspace_month,
            ),
        ];
        let rooms = caps.into_iter().filter_map(|(cap, limit, spent)| {
            let limit = limit?;
            Some(Room {
                left: limit.minus(spent),
                cap,
                limit,
            })
        });
        rooms.min_by_key(|room| room.left)
    }

    /// Whether any cap in money is set.
    pub fn has_caps(&self) -> bool {
        self.room(&Spent::default()).is_some()
    }
}

/// Notices a loop that calls models without end: so many calls within a minute.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use pleach_policy::Breaker;
///
/// let (mut breaker, now) = (Breaker::default(), SystemTime::UNIX_EPOCH);
/// assert!(breaker.admit(1, now).is_ok());
/// assert_eq!(breaker.admit(1, now), Err(Duration::from_secs(60)));
/// assert!(breaker.admit(1, now + Duration::from_secs(60)).is_ok());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    /// When calls of the last minute began, oldest first.
    calls: VecDeque<SystemTime>,
}

impl Breaker {
    /// Counts a call that is to begin now, or tells how long until one more is in order.
    pub fn admit(&mut self, per_minute: u32, now: SystemTime) -> Result<(), Duration> {
        const MINUTE: Duration = Duration::from_mins(1);
        // A clock that was set back makes times lie ahead: they count as now.
        let age = |began: SystemTime| now.duration_since(began).unwrap_or_default();
        while self
            .calls
            .front()
            .is_some_and(|began| age(*began) >= MINUTE)
        {
            self.calls.pop_front();
        }
        let most = usize::try_from(per_minute).unwrap_or(usize::MAX);
        if let (true, Some(oldest)) = (self.calls.len() >= most, self.calls.front()) {
            return Err(MINUTE.saturating_sub(age(*oldest)));
        }
        self.calls.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn micros(dollars: f64) -> MicroUsd {
        MicroUsd::of_dollars(dollars).unwrap()
    }

    #[test]
    fn dollars_become_whole_micro_units() {
        for (dollars, amount) in [
            (0.29, 290_000),
            (1.0, 1_000_000),
            (0.000_001, 1),
            (0.000_000_9, 0),
            (0.1 + 0.2, 300_000),
            (1e6, 1_000_000_000_000),
        ] {
            assert_eq!(micros(dollars), MicroUsd(amount));
        }
        for none in [-1.0, f64::NAN, f64::INFINITY, 1e10] {
            assert_eq!(MicroUsd::of_dollars(none), None);
        }
        assert_eq!(MicroUsd(1).to_string(), "$0.0001");
        assert_eq!(MicroUsd(12_345_600).to_string(), "$12.3456");
    }

    #[test]
    fn the_tightest_cap_counts_and_what_is_overdrawn_leaves_nothing() {
        let budget = BudgetSettings {
            request_usd: Some(micros(1.0)),
            day_usd: Some(micros(5.0)),
            workspace_month_usd: Some(micros(2.0)),
            ..BudgetSettings::default()
        };
        let room = |spent: &Spent| {
            let room = budget.room(spent).unwrap();
            (room.left.0, room.cap)
        };
        let spent = |day, workspace_month| Spent {
            day: MicroUsd(day),
            month: MicroUsd(u64::MAX),
            workspace_month: MicroUsd(workspace_month),
        };
        // No cap on the month: what was spent in it does not matter.
        assert_eq!(room(&spent(0, 0)), (1_000_000, Cap::Request));
        assert_eq!(room(&spent(4_500_000, 0)), (500_000, Cap::Day));
        assert_eq!(room(&spent(0, 1_999_999)), (1, Cap::WorkspaceMonth));
        assert_eq!(room(&spent(u64::MAX, 0)), (0, Cap::Day));
        assert_eq!(BudgetSettings::default().room(&spent(1, 1)), None);
    }

    #[test]
    fn a_loop_is_noticed_and_forgotten_a_minute_later() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut breaker = Breaker::default();
        for second in 0..3 {
            assert_eq!(breaker.admit(3, at(second)), Ok(()));
        }
        assert_eq!(breaker.admit(3, at(10)), Err(Duration::from_secs(50)));
        assert_eq!(breaker.admit(3, at(60)), Ok(()));
        assert_eq!(breaker.admit(3, at(60)), Err(Duration::from_secs(1)));
        // A clock that goes back stops nobody for longer than a minute.
        assert_eq!(breaker.admit(3, at(0)), Err(Duration::from_mins(1)));
    }
}
