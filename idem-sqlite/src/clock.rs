//! The clock of a store.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use idem_core::store::Timestamp;

/// The time of all processes that share a file, in microseconds since 1970. It never goes back.
///
/// Its readings are the maximum of the wall clock, of the latest time in the file, and of the previous reading plus the
/// time that has passed since. If the wall clock is set back, leases and records therefore end as before. If it is set
/// forward, they end early.
#[derive(Debug)]
pub(crate) struct Clock(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    time: u64,
    at: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Reading { time: 0, at: Instant::now() }))
    }

    /// Returns the time, which is later than every earlier reading of this process. `stored` is the latest time in the
    /// file as far as the caller has read it.
    pub(crate) fn now(&self, stored: Timestamp) -> Timestamp {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = last.next(wall_clock(), stored.0, Instant::now());
        *last = reading;
        Timestamp(last.time)
    }
}

impl Reading {
    fn next(&self, wall: u64, stored: u64, at: Instant) -> Self {
        let elapsed = micros(at.saturating_duration_since(self.at).as_micros());
        let passed = self.time.saturating_add(elapsed.max(1));
        Self { time: wall.max(stored).max(passed), at }
    }
}

/// Microseconds since 1970; zero before that.
fn wall_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| micros(since.as_micros()))
}

fn micros(micros: u128) -> u64 {
    u64::try_from(micros).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wall_clock_that_is_set_back_does_not_turn_back_the_time() {
        let start = Instant::now();
        let first = Reading { time: 0, at: start }.next(5_000, 0, start);
        let later = first.next(1_000, 0, start + Duration::from_micros(300));
        assert_eq!((first.time, later.time), (5_000, 5_300));
    }

    #[test]
    fn a_wall_clock_that_is_set_forward_is_followed() {
        let start = Instant::now();
        let first = Reading { time: 0, at: start }.next(5_000, 0, start);
        assert_eq!(first.next(90_000, 0, start).time, 90_000);
    }

    #[test]
    fn the_time_of_another_process_is_followed() {
        let start = Instant::now();
        let first = Reading { time: 0, at: start }.next(5_000, 7_000, start);
        let later = first.next(5_010, 0, start + Duration::from_micros(10));
        assert_eq!((first.time, later.time), (7_000, 7_010));
    }

    #[test]
    fn readings_increase() {
        let clock = Clock::new();
        let readings: Vec<_> = (0..1_000).map(|_| clock.now(Timestamp(0))).collect();
        assert!(readings.is_sorted_by(|a, b| a < b));
    }
}
