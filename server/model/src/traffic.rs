//! What a provider is spared: too many answers at once, too many requests a minute, and requests that
//! only fail.
//!
//! All [`crate::Provider`]s of the same name and address share one [`Traffic`], however often the
//! settings are read, because the server behind them is one.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::ProviderConfig;
use crate::bucket::Bucket;

/// Failures in a row after which a provider is left in peace: more than one request makes with all its
/// repetitions, so that one unlucky request does not stop others.
const FAILURES: u32 = 5;
/// How long it is left in peace at first; twice as long after each probe that fails.
const REST: Duration = Duration::from_secs(30);
/// How long at most.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// The traffic with one provider.
pub(crate) struct Traffic {
    breaker: Mutex<Breaker>,
    streams: Arc<Semaphore>,
    max_streams: u32,
    /// Answers that wait for a place.
    waiting: AtomicU32,
    bucket: Option<Bucket>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaker {
    /// Requests pass. So many have failed in a row.
    Closed { failures: u32 },
    /// No request passes until then.
    Open { until: Instant, failures: u32 },
    /// One request is under way to see whether things are better.
    Probing { failures: u32 },
}

/// How the traffic with a provider stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Answers that are on their way now.
    pub streams: u32,
    /// How many may be at once; further ones wait for their turn.
    pub max_streams: u32,
    /// Answers that wait for their turn.
    pub waiting: u32,
    /// Requests that failed in a row.
    pub failures: u32,
    /// How much longer the provider is left in peace. Zero when the next request, or one that is under
    /// way, shows whether it works again.
    pub rests_for: Option<Duration>,
}

/// Why a request does not pass now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resting {
    pub(crate) failures: u32,
    pub(crate) left: Duration,
}

/// Leave for one attempt. What became of it has to be told, or else nothing is learned from it.
pub(crate) struct Leave {
    traffic: Arc<Traffic>,
    is_probe: bool,
}

impl Traffic {
    /// The traffic with the provider of these settings.
    pub(crate) fn with(config: &ProviderConfig, base_url: &str) -> Arc<Self> {
        type Key = (String, String, u32, Option<u32>);
        static ALL: Mutex<BTreeMap<Key, Arc<Traffic>>> = Mutex::new(BTreeMap::new());
        let key = (
            config.name.clone(),
            base_url.to_owned(),
            config.max_streams,
            config.requests_per_minute,
        );
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key).or_insert_with(|| {
            let per_minute = config.requests_per_minute.and_then(NonZeroU32::new);
            Arc::new(Self::new(config.max_streams, per_minute))
        }))
    }

    fn new(max_streams: u32, per_minute: Option<NonZeroU32>) -> Self {
        let max_streams = max_streams.max(1);
        let permits = usize::try_from(max_streams).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            breaker: Mutex::new(Breaker::Closed { failures: 0 }),
            streams: Arc::new(Semaphore::new(permits)),
            max_streams,
            waiting: AtomicU32::new(0),
            bucket: per_minute.map(Bucket::new),
        }
    }

    /// A place among the answers that are on their way, if there is one at once.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// A place among the answers that are on their way, in the order of asking.
    pub(crate) async fn next_place(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = Waiting::new(&self.waiting);
        Arc::clone(&self.streams).acquire_owned().await.ok()
    }

    /// Takes a token for one request, or says how long to wait for it.
    pub(crate) fn token(&self) -> Result<(), Duration> {
        self.bucket.as_ref().map_or(Ok(()), Bucket::token)
    }

    /// Asks for leave for one attempt.
    pub(crate) fn leave(self: &Arc<Self>) -> Result<Leave, Resting> {
        let mut breaker = self.breaker();
        let is_probe = match *breaker {
            Breaker::Closed { .. } => false,
            Breaker::Open { until, failures } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(Resting { failures, left });
                }
                *breaker = Breaker::Probing { failures };
                true
            }
            Breaker::Probing { failures } => {
                let left = Duration::ZERO;
                return Err(Resting { failures, left });
            }
        };
        Ok(Leave {
            traffic: Arc::clone(self),
            is_probe,
        })
    }

    pub(crate) fn standing(&self) -> Standing {
        let (failures, rests_for) = match *self.breaker() {
            Breaker::Closed { failures } => (failures, None),
            Breaker::Open { until, failures } => {
                let left = until.saturating_duration_since(Instant::now());
                (failures, Some(left))
            }
            Breaker::Probing { failures } => (failures, Some(Duration::ZERO)),
        };
        let free = u32::try_from(self.streams.available_permits()).unwrap_or(self.max_streams);
        Standing {
            streams: self.max_streams.saturating_sub(free),
            max_streams: self.max_streams,
            waiting: self.waiting.load(Ordering::Relaxed),
            failures,
            rests_for,
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Leave {
    /// The server works.
    pub(crate) fn works(mut self) {
        self.is_probe = false;
        *self.traffic.breaker() = Breaker::Closed { failures: 0 };
    }

    /// The server, or the way to it, failed. Says for how long it is left in peace if this failure was
    /// the one too many.
    pub(crate) fn failed(mut self) -> Option<Duration> {
        let was_probe = std::mem::take(&mut self.is_probe);
        let mut breaker = self.traffic.breaker();
        let failures = match *breaker {
            Breaker::Closed { failures } => failures.saturating_add(1),
            Breaker::Probing { failures } if was_probe => failures.saturating_add(1),
            // Others have found out before.
            Breaker::Probing { .. } | Breaker::Open { .. } => return None,
        };
        if failures < FAILURES {
            *breaker = Breaker::Closed { failures };
            return None;
        }
        let doublings = (failures - FAILURES).min(8);
        let rest = REST.saturating_mul(1 << doublings).min(LONGEST_REST);
        let until = Instant::now() + rest;
        *breaker = Breaker::Open { until, failures };
        Some(rest)
    }
}

/// A probe that was given up has told nothing: the next request is one again.
impl Drop for Leave {
    fn drop(&mut self) {
        if !self.is_probe {
            return;
        }
        let mut breaker = self.traffic.breaker();
        if let Breaker::Probing { failures } = *breaker {
            let until = Instant::now();
            *breaker = Breaker::Open { until, failures };
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with_paused_clock<T>(work: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(work)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(traffic: &Arc<Traffic>) -> Option<Duration> {
        traffic.leave().ok().unwrap().failed()
    }

    #[test]
    fn a_provider_that_only_fails_is_left_in_peace_until_a_probe_succeeds() {
        with_paused_clock(async {
            let traffic = Arc::new(Traffic::new(8, None));
            for _ in 0..4 {
                assert_eq!(fail(&traffic), None);
            }
            assert_eq!(fail(&traffic), Some(seconds(30)), "told once");
            tokio::time::advance(seconds(29)).await;
            let resting = traffic.leave().err().unwrap();
            assert_eq!((resting.failures, resting.left), (5, seconds(1)));
            tokio::time::advance(seconds(1)).await;
            let probe = traffic.leave().ok().unwrap();
            // Only one at a time.
            assert_eq!(traffic.leave().err().unwrap().left, Duration::ZERO);
            assert_eq!(probe.failed(), Some(seconds(60)), "longer each time");
            tokio::time::advance(seconds(60)).await;
            // A probe that is given up is no answer.
            drop(traffic.leave().ok().unwrap());
            let probe = traffic.leave().ok().unwrap();
            probe.works();
            assert_eq!(traffic.standing().failures, 0);
            assert_eq!(fail(&traffic), None);
        });
    }

    #[test]
    fn success_in_between_starts_the_count_anew_and_late_failures_change_nothing() {
        with_paused_clock(async {
            let traffic = Arc::new(Traffic::new(8, None));
            let late = traffic.leave().ok().unwrap();
            let other = traffic.leave().ok().unwrap();
            for _ in 0..4 {
                fail(&traffic);
            }
            traffic.leave().ok().unwrap().works();
            for _ in 0..4 {
                fail(&traffic);
            }
            assert!(fail(&traffic).is_some());
            assert_eq!(late.failed(), None);
            assert_eq!(traffic.standing().rests_for, Some(seconds(30)));
            // An answer that was on its way shows that the server works.
            other.works();
            assert_eq!(traffic.standing().rests_for, None);
        });
    }

    #[test]
    fn a_rest_does_not_grow_without_end() {
        with_paused_clock(async {
            let traffic = Arc::new(Traffic::new(8, None));
            for _ in 0..20 {
                if let Some(rest) = fail(&traffic) {
                    assert!(rest <= LONGEST_REST);
                    tokio::time::advance(rest).await;
                }
            }
            assert_eq!(fail(&traffic), Some(LONGEST_REST));
        });
    }

    #[test]
    fn places_are_given_in_the_order_of_asking() {
        with_paused_clock(async {
            let traffic = Arc::new(Traffic::new(1, None));
            let first = traffic.place().unwrap();
            assert!(traffic.place().is_none());
            assert_eq!(traffic.standing().streams, 1);
            let (second, third) = (traffic.next_place(), traffic.next_place());
            tokio::pin!(second, third);
            assert!(futures_util::poll!(&mut second).is_pending());
            assert!(futures_util::poll!(&mut third).is_pending());
            assert_eq!(traffic.standing().waiting, 2);
            drop(first);
            assert!(traffic.place().is_none(), "nobody pushes in");
            assert!(futures_util::poll!(&mut third).is_pending());
            assert!(futures_util::poll!(&mut second).is_ready());
            assert_eq!(traffic.standing().streams, 1);
        });
    }
}
