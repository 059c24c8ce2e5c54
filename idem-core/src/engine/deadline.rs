//! Deadlines that cannot overflow.

use std::time::{Duration, Instant};

/// Returns `from + by`, or a time 30 years after `from` if the sum overflows [`Instant`].
pub(super) fn after(from: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(by).unwrap_or(from + FAR)
}
