//! The end of a process: runs finish and store their answers before the runtime goes (RELIABILITY M2).

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Idempotency;
use super::settle::PATIENCE;

/// What [`Idempotency::drain`] left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Drained {
    /// No run is left. Each ended and its end is stored, except those that borrow and whose callers dropped
    /// them: these left what a crash leaves.
    Finished,
    /// The deadline passed with this many runs not settled: handlers that went on were cut off, and their
    /// outcome is recorded as unknown; answers that the store has not taken may be lost. Not counted are
    /// claims that nobody ran, and transactions: these are rolled back where the process ends before them.
    GaveUp(usize),
}

impl Idempotency {
    /// Waits for the runs under way, those included whose clients left, and refuses new ones with 503, except
    /// those that a run under way calls in turn.
    /// After `deadline` it gives up the rest (T9), which takes another two seconds if the store is down.
    ///
    /// Call it after the server has stopped accepting and before the runtime ends: a run that the
    /// runtime drops leaves its key unknown.
    ///
    /// Cancel safe: dropped, it has only stopped new runs.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let engine = &self.0;
        engine.draining.store(true, Ordering::SeqCst);
        engine.runs.close();
        match tokio::time::timeout(deadline, engine.runs.wait()).await {
            Ok(()) => Drained::Finished,
            Err(_) => Drained::GaveUp(engine.keeper.give_up_all(PATIENCE).await),
        }
    }
}
