//! The pauses between attempts: exponential backoff with full jitter.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::policy::{Random, RetryPolicy};

/// The pauses of one operation.
pub(crate) struct Pauses {
    ceilings: <ExponentialBuilder as BackoffBuilder>::Backoff,
    cap: Duration,
    random: Random,
}

impl Pauses {
    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        let ceilings = ExponentialBuilder::new()
            .with_min_delay(policy.base)
            .with_max_delay(policy.cap)
            .without_max_times();
        Self { ceilings: ceilings.build(), cap: policy.cap, random: policy.random.clone() }
    }

    /// Returns the next pause, which is at least `retry_after`. The jitter is added to it, so that clients
    /// with the same `Retry-After` do not all retry at the same time.
    pub(crate) fn next(&mut self, retry_after: Option<Duration>) -> Duration {
        let ceiling = self.ceilings.next().unwrap_or(self.cap).min(self.cap);
        let jitter = ceiling.as_secs_f64() * (self.random)().clamp(0.0, 1.0);
        let jitter = Duration::try_from_secs_f64(jitter).unwrap_or(ceiling);
        retry_after.unwrap_or_default().saturating_add(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(random: f64) -> Pauses {
        let policy = RetryPolicy::new().backoff(Duration::from_secs(1), Duration::from_secs(5));
        Pauses::new(&policy.random(move || random))
    }

    #[test]
    fn ceilings_double_up_to_the_cap() {
        let mut pauses = pauses(1.0);
        let seconds: Vec<_> = (0..6).map(|_| pauses.next(None).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 5, 5, 5]);
    }

    #[test]
    fn jitter_is_full() {
        let mut least = pauses(0.0);
        assert_eq!([least.next(None), least.next(None)], [Duration::ZERO; 2]);
        let mut middle = pauses(0.5);
        assert_eq!(middle.next(None), Duration::from_millis(500));
        assert_eq!(middle.next(None), Duration::from_secs(1));
    }

    #[test]
    fn jitter_is_added_to_retry_after() {
        let mut pauses = pauses(0.5);
        assert_eq!(pauses.next(Some(Duration::from_secs(9))), Duration::from_millis(9_500));
        assert_eq!(pauses.next(Some(Duration::MAX)), Duration::MAX);
    }

    #[test]
    fn random_numbers_out_of_range_are_clamped() {
        assert_eq!(pauses(-1.0).next(None), Duration::ZERO);
        assert_eq!(pauses(7.0).next(None), Duration::from_secs(1));
        assert_eq!(pauses(f64::NAN).next(None), Duration::from_secs(1));
    }

    #[test]
    fn a_base_above_the_cap_is_limited_to_the_cap() {
        let policy = RetryPolicy::new().backoff(Duration::from_secs(9), Duration::from_secs(5));
        assert_eq!(Pauses::new(&policy.random(|| 1.0)).next(None), Duration::from_secs(5));
    }
}
