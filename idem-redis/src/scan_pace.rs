//! The rate at which listings examine keys, so that they do not take the server from other callers.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Number of keys that one `SCAN` examines.
pub(crate) const SCAN_COUNT: u64 = 100;

/// Number of keys that all listings of a store examine per second, unless the builder sets another.
pub(crate) const DEFAULT_RATE: u32 = 20_000;

/// Limits the rate of all listings of a store together.
pub(crate) struct ScanPace {
    next: Mutex<Option<Instant>>,
    /// The minimum time between two commands.
    pause: Duration,
}

impl ScanPace {
    /// Examines at most `rate` keys per second.
    pub(crate) fn new(rate: u32) -> Self {
        let pause = Duration::from_secs(SCAN_COUNT) / rate.max(1);
        Self { next: Mutex::default(), pause }
    }

    /// Waits until the next `SCAN` may be sent. Cancel safe.
    pub(crate) async fn turn(&self) {
        let mut next = self.next.lock().await;
        if let Some(next) = *next {
            sleep_until(next).await;
        }
        *next = Some(Instant::now() + self.pause);
    }
}
