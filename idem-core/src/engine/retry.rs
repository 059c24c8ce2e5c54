//! Repeated store operations: how often, with which pauses, and how long.

use std::future::Future;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};

use super::deadline::after;
use crate::model::{Claim, Completion, StoreError, StoreErrorKind};
use crate::store::{IdempotencyStore, Update};

/// The time after which an attempt of a repeated operation counts as lost, and the next one starts.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Number of times that a claim is sent, or a transaction opened, before the request is refused.
pub(super) const MAX_SENDS: u32 = 3;

/// Returns the pause after `sends` failures: 20 ms · 2^`sends`, reduced at random by up to half.
pub(super) fn pause(sends: u32) -> Duration {
    Duration::from_millis(20 << sends).mul_f64(rand::random_range(0.5..1.0))
}

/// Returns the pause after `failures` failed calls in the background: 20 ms · 2^`failures`, at most 5 s, reduced
/// at random by up to half.
pub(super) fn backoff(failures: u32) -> Duration {
    pause(failures.min(8)).min(Duration::from_secs(5))
}

/// Repeats `attempt` until it succeeds, `wanted` returns false or the record is corrupt. The pauses grow
/// from 20 ms to 1 s and are jittered.
pub(super) async fn retry_until_stored<A, F>(
    attempt: A,
    wanted: impl Fn() -> bool,
) -> Result<Update, StoreError>
where
    A: FnMut() -> F,
    F: Future<Output = Result<Update, StoreError>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times();
    attempt
        .retry(pauses)
        .sleep(tokio::time::sleep)
        .when(|error| error.kind() != StoreErrorKind::Corrupt && wanted())
        .await
}

/// Writes `completion`, and repeats that until the store replies. The last attempt starts before
/// `max_duration` is over.
pub(super) async fn complete_with_retries(
    store: &dyn IdempotencyStore,
    claim: Claim,
    completion: &Completion,
    retention: Duration,
    max_duration: Duration,
) -> Result<Update, StoreError> {
    let deadline = after(Instant::now(), max_duration);
    let attempt = || store.complete(claim, completion.clone(), retention).bounded(ATTEMPT_TIMEOUT);
    retry_until_stored(attempt, || Instant::now() < deadline).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_reduced_by_at_most_half() {
        for (sends, millis) in [(0, 20), (1, 40), (3, 160)] {
            let longest = Duration::from_millis(millis);
            let pauses = || (0..50).map(|_| pause(sends));
            assert!(pauses().all(|pause| longest / 2 <= pause && pause <= longest), "{sends}");
        }
    }

    #[test]
    fn the_backoff_is_at_most_5_s() {
        assert!(backoff(0) <= Duration::from_millis(20));
        for failures in [8, 9, u32::MAX] {
            let pause = backoff(failures);
            assert!(Duration::from_millis(2560) <= pause, "{failures}: {pause:?}");
            assert!(pause <= Duration::from_secs(5), "{failures}: {pause:?}");
        }
    }
}
