//! Shutdown: active runs finish and store their results before the runtime ends
//! ([shutdown](crate::rules::guarantees#shutdown)).

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Idempotency;
use super::settle::CALLER_TIMEOUT;

/// The result of [`Idempotency::drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Drained {
    /// Every run ended, and its result is stored. The exception are runs of plain functions whose callers
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
        match tokio::time::timeout(deadline, engine.runs.wait()).await {
            Ok(()) => Drained::Finished,
            Err(_) => Drained::GaveUp(engine.leases.give_up_all(CALLER_TIMEOUT).await),
        }
    }
}
