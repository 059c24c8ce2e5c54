//! A limit for waits that would otherwise hang.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// The limit for most events. A busy machine needs less.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Waits for an event, and panics if it does not happen within `limit` of real time. A thread measures the time,
/// because the clock of a test can be paused, and then runs ahead whenever the test waits.
pub(crate) async fn within<T>(limit: Duration, event: &str, wait: impl Future<Output = T>) -> T {
    let (running, reached) = oneshot::channel::<()>();
    let (_happened, happens) = mpsc::channel::<()>();
    thread::spawn(move || {
        let _until_the_end = running;
        happens.recv_timeout(limit)
    });
    tokio::select! {
        biased;
        output = wait => output,
        _ = reached => panic!("{event} did not happen within {limit:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "the event did not happen within 1ms")]
    async fn a_wait_that_hangs_is_a_failure_with_a_name() {
        within(Duration::from_millis(1), "the event", pending::<()>()).await;
    }

    /// The paused clock runs ahead, and the limit does not.
    #[tokio::test(start_paused = true)]
    async fn a_limit_is_real_time() {
        let later = tokio::time::sleep(2 * LIMIT);
        within(LIMIT, "the end of the sleep", later).await;
        assert_eq!(within(Duration::ZERO, "the event", ready(1)).await, 1);
    }
}
