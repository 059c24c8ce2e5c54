//! Fencing tokens for claims that are made by a plain command.
//!
//! A fencing token must be higher than every earlier token of its key, whichever process issued it. It
//! must come from the [server's clock](idem_core::rules::semantics#store-clock). A script can read that
//! clock, but costs the server three times as much as a plain `SET NX GET`. Most claims are for new keys,
//! so:
//!
//! * A claim by script that acquires its key also returns the server's clock. For [`MAX_SAMPLE_AGE`] afterwards, plain claims
//!   on the same connection use this sample as their token, although it is slightly old.
//! * After a claim that starts a run, the key exists for at least [`FENCE_RETENTION`], even if it is freed
//!   or its ttl is shorter. A plain claim succeeds only if the key does not exist. Every earlier token is therefore older
//!   than the retention, and lower than a sample that was taken later.
//! * After a slow reply, the server may have run the command late. A plain claim that was confirmed later
//!   than [`MAX_CLAIM_LATENCY`] after its sample, or whose reply was lost, is repeated by the script. The
//!   script issues a new token if the old one could be too low.
//!
//! This module measures durations on one monotonic clock. It never compares two clocks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use idem_core::store::{FencingToken, Timestamp};

/// Maximum age of a clock sample when a plain claim is sent.
pub(crate) const MAX_SAMPLE_AGE: Duration = Duration::from_secs(15);

/// Maximum age of a clock sample when the claim is confirmed. Half of [`FENCE_RETENTION`], to tolerate
/// clock drift.
pub(crate) const MAX_CLAIM_LATENCY: Duration = Duration::from_secs(30);

/// Minimum time for which a fencing token is retained, counted from its claim.
pub(crate) const FENCE_RETENTION: Duration = Duration::from_secs(60);

/// The server's clock as last observed on one connection.
#[derive(Default)]
pub(crate) struct ServerClock(Mutex<Option<ClockSample>>);

/// A reading of the server's clock.
#[derive(Clone, Copy)]
pub(crate) struct ClockSample {
    /// The reading, as a fencing token.
    pub(crate) token: FencingToken,
    /// When the command that read the clock was sent.
    requested_at: Instant,
}

impl ClockSample {
    /// Whether a claim with this token that is confirmed now was made early enough.
    pub(crate) fn is_fresh(&self) -> bool {
        self.requested_at.elapsed() < MAX_CLAIM_LATENCY
    }
}

impl ServerClock {
    /// Returns the last sample if it is recent enough for a new claim.
    pub(crate) fn sample(&self) -> Option<ClockSample> {
        let sample = *self.lock();
        sample.filter(|sample| sample.requested_at.elapsed() < MAX_SAMPLE_AGE)
    }

    /// Keeps a reading that a command returned, which was sent at `requested_at`.
    pub(crate) fn observe(&self, now: Timestamp, requested_at: Instant) {
        *self.lock() = Some(ClockSample { token: FencingToken(now.0), requested_at });
    }

    fn lock(&self) -> MutexGuard<'_, Option<ClockSample>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
