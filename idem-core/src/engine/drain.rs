//! Shutdown: active runs finish and store their results before the runtime ends
//! ([shutdown](crate::rules::guarantees#shutdown)).

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Idempotency;
use super::settle::CALLER_TIMEOUT;

/// The time that a drain waits for lost claims to be abandoned, once all runs have ended. A key that is not freed
/// in that time is held until its lease has lapsed.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(3);

/// The result of [`Idempotency::drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Drained {
    /// Every run ended, and its result is stored. The exceptions are runs of plain functions whose callers
    /// dropped them: they had the effect of a crash.
    Finished,
    /// The deadline passed while this many runs were not settled. Handlers that still ran were cancelled, and
    /// their outcome was recorded as unknown. Results that the store has not accepted yet may be lost.
    ///
    /// Two things are not counted: claims whose handler never ran, and open transactions, which are rolled
    /// back if the process ends first.
    GaveUp(usize),
}

impl Idempotency {
    /// Refuses new requests with 503 and waits for the active runs, including those whose clients
    /// disconnected. Calls that an active run makes in turn are still accepted. After `deadline` the remaining
    /// runs are given up, which takes up to 2 s more if the store is down.
    ///
    /// If all runs ended before that, lost claims that are being abandoned get up to 3 s of the remaining time.
    ///
    /// Call it as soon as the server stops accepting connections, and before the runtime ends: a run that is
    /// dropped by the runtime leaves its outcome unknown.
    ///
    /// Follows [shutdown](crate::rules::guarantees#shutdown).
    ///
    /// Cancel safe: if it is dropped, new requests are still refused, and the runs continue.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let engine = &self.0;
        engine.draining.store(true, Ordering::SeqCst);
        engine.runs.close();
        engine.abandonments.close();
        let started = Instant::now();
        if timeout(deadline, engine.runs.wait()).await.is_err() {
            return Drained::GaveUp(engine.leases.give_up_all(CALLER_TIMEOUT).await);
        }
        let rest = deadline.saturating_sub(started.elapsed()).min(ABANDON_TIMEOUT);
        // No handler of these claims ran, so the drain is complete without them.
        drop(timeout(rest, engine.abandonments.wait()).await);
        Drained::Finished
    }
}
