//! How often something may be done: a bucket of tokens that fills with time.

use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// How often something may be done within a minute.
///
/// ```
/// use std::num::NonZeroU32;
/// use pleach_model::Bucket;
///
/// let bucket = Bucket::new(NonZeroU32::MIN);
/// assert!(bucket.token().is_ok());
/// assert!(bucket.token().unwrap_err().as_secs() > 50);
/// ```
#[derive(Debug)]
pub struct Bucket(Limiter);

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Moment>>;

impl Bucket {
    /// So many times in a minute; all of them may come at once.
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self(RateLimiter::direct_with_clock(
            Quota::per_minute(per_minute),
            TokioClock,
        ))
    }

    /// Takes a token.
    ///
    /// # Errors
    ///
    /// How long to wait for the next one, when there is none.
    pub fn token(&self) -> Result<(), Duration> {
        let now = TokioClock.now();
        self.0.check().map_err(|later| later.wait_time_from(now))
    }
}

/// The clock of everything else here, so that one test can move all of it.
#[derive(Debug, Clone, Copy)]
struct TokioClock;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Instant);

impl Clock for TokioClock {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(Instant::now())
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        let before = self.0.checked_sub(duration.into());
        Self(before.unwrap_or(self.0))
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, later: Nanos) -> Self {
        Self(self.0 + Duration::from(later))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tokens_come_back_with_time() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let half_a_minute = Duration::from_secs(30);
            let bucket = Bucket::new(NonZeroU32::new(2).unwrap());
            assert_eq!((bucket.token(), bucket.token()), (Ok(()), Ok(())));
            assert_eq!(bucket.token(), Err(half_a_minute));
            tokio::time::advance(half_a_minute).await;
            assert_eq!(bucket.token(), Ok(()));
            assert_eq!(bucket.token(), Err(half_a_minute));
        });
    }
}
