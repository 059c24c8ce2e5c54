//! The rate at which listings examine keys, so that they do not take the server from other callers.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Number of keys that one `SCAN` examines.
pub(crate) const SCAN_COUNT: u64 = 100;

/// Minimum time between two of them: at most 20,000 keys per second.
const SCAN_PAUSE: Duration = Duration::from_millis(5);

/// Limits the rate of all listings of a store together.
#[derive(Default)]
pub(crate) struct ScanPace(Mutex<Option<Instant>>);

impl ScanPace {
    /// Waits until the next `SCAN` may be sent. Cancel safe.
    pub(crate) async fn turn(&self) {
        let mut next = self.0.lock().await;
        if let Some(next) = *next {
            sleep_until(next).await;
        }
        *next = Some(Instant::now() + SCAN_PAUSE);
    }
}
