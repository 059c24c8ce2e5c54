//! The number of runs and waiting duplicates of a process.

use super::Idempotency;

/// The number of runs and waiting duplicates of a process, at one moment. Returned by [`Idempotency::activity`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// Runs whose handler or `recover` hook is active, including those whose clients have disconnected.
    pub running: usize,
    /// Duplicates that wait for the first request.
    pub waiting: usize,
    /// Runs that have ended, and whose end the store has not accepted yet. Transactions are not counted.
    pub unsettled: usize,
}

impl Idempotency {
    /// Counts the runs and the waiting duplicates of this handle. It takes time in proportion to the number of runs.
    pub fn activity(&self) -> Activity {
        let engine = &self.0;
        let (running, unsettled) = engine.leases.count();
        Activity {
            running: running + engine.transactions.len(),
            waiting: engine.waiters.waiting(),
            unsettled,
        }
    }
}
