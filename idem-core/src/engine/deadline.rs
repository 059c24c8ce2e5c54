//! Deadlines that cannot overflow.

use std::time::{Duration, Instant};

/// Returns `from + by`, or a time 30 years after `from` if the sum overflows [`Instant`].
pub(super) fn after(from: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(by).unwrap_or(from + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_overflows_is_years_away() {
        let (now, year) = (Instant::now(), Duration::from_secs(365 * 24 * 60 * 60));
        assert_eq!(after(now, year), now + year);
        assert_eq!(after(now, Duration::MAX), now + 30 * year);
    }
}
