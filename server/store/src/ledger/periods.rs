//! Where the day and the month of a moment begin, in UTC.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::database::to_millis;

/// Milliseconds since 1970.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Periods {
    pub(super) day: i64,
    pub(super) month: i64,
}

impl Periods {
    /// A moment that no calendar has counts for itself: its periods begin in 1970, so that everything is
    /// within them.
    pub(super) fn at(now: SystemTime) -> Self {
        let of = || {
            let now = Timestamp::from_millisecond(to_millis(now)).ok()?;
            let day = now.to_zoned(TimeZone::UTC).start_of_day().ok()?;
            let month = day.first_of_month().ok()?;
            Some(Self {
                day: day.timestamp().as_millisecond(),
                month: month.timestamp().as_millisecond(),
            })
        };
        of().unwrap_or(Self { day: 0, month: 0 })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_day_and_a_month_begin_at_midnight_utc() {
        let millis = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let at = |text: &str| Periods::at(SystemTime::from(text.parse::<Timestamp>().unwrap()));
        assert_eq!(
            at("2026-11-21T23:59:59.999Z"),
            Periods {
                day: millis("2026-11-21T00:00:00Z"),
                month: millis("2026-11-01T00:00:00Z"),
            }
        );
        assert_eq!(
            at("2028-03-01T00:00:00Z"),
            Periods {
                day: millis("2028-03-01T00:00:00Z"),
                month: millis("2028-03-01T00:00:00Z"),
            }
        );
    }
}
