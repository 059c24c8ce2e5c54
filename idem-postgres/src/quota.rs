//! Limits concurrent quota claims per scope, so that one scope cannot use up the connection pool.
//!
//! New keys of a scope with a quota wait for an advisory lock in the server, and hold a connection while
//! they wait. With this limit most of them wait in the process, before they take a connection.

use std::time::Duration;

use idem_core::store::{ScopeId, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The number of semaphores. Scopes with the same remainder share one.
const SEMAPHORES: usize = 64;

/// The number of claims that each semaphore admits. It is more than one because most claims do not wait in
/// the server: they are replays, or the scope is full.
const CONCURRENCY: usize = 4;

/// The limit on concurrent quota claims of one process.
pub(crate) struct ScopeLimiter([Semaphore; SEMAPHORES]);

/// The error of a claim that waited too long. It is not sent, because its caller may have given up.
#[derive(Debug, thiserror::Error)]
#[error("timed out after {0:?} waiting for other claims of the same scope")]
struct Overdue(Duration);

impl ScopeLimiter {
    /// Waits up to `wait_timeout` until fewer than [`CONCURRENCY`] claims of the scope are in flight.
    pub(crate) async fn acquire(
        &self,
        scope: ScopeId,
        wait_timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, StoreError> {
        let [first, ..] = *scope.as_bytes();
        let permit = self.0[usize::from(first) % SEMAPHORES].acquire();
        let permit = timeout(wait_timeout, permit).await;
        let permit = permit.map_err(|_| StoreError::not_done(Overdue(wait_timeout)))?;
        permit.map_err(StoreError::not_done)
    }
}

impl Default for ScopeLimiter {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(CONCURRENCY)))
    }
}
