//! Limits concurrent quota claims per scope, so that one scope cannot use up the connection pool.
//!
//! New keys of a scope with a quota wait for an advisory lock in the server, and hold a connection while
//! they wait. With this limit most of them wait in the process, before they take a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use idem_core::store::{PerRuntime, ScopeId, StoreError};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The number of claims of one scope that each runtime has in flight. It is more than one because most claims
/// do not wait in the server: they are replays, or the scope is full.
const CONCURRENCY: usize = 4;

/// The limits of all scopes. Each runtime has its own, because a permit is returned by the runtime that holds
/// it.
#[derive(Default)]
pub(crate) struct ScopeLimiter(PerRuntime<Scopes>);

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
    ) -> Result<ScopePermit, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::not_done)?;
        let entry = self.0.of(&runtime, Scopes::default).enter(scope);
        let permit = Arc::clone(&entry.semaphore).acquire_owned();
        let permit = timeout(wait_timeout, permit).await;
        let permit = permit.map_err(|_| StoreError::not_done(Overdue(wait_timeout)))?;
        Ok(ScopePermit { _permit: permit.map_err(StoreError::not_done)?, _entry: entry })
    }
}

/// The scopes that have claims in flight or waiting.
#[derive(Default)]
struct Scopes(Mutex<HashMap<ScopeId, (Arc<Semaphore>, usize)>>);

impl Scopes {
    fn enter(self: Arc<Self>, scope: ScopeId) -> ScopeEntry {
        let mut scopes = self.lock();
        let new = || (Arc::new(Semaphore::new(CONCURRENCY)), 0);
        let (semaphore, claims) = scopes.entry(scope).or_insert_with(new);
        *claims += 1;
        let semaphore = Arc::clone(semaphore);
        drop(scopes);
        ScopeEntry { scopes: self, scope, semaphore }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ScopeId, (Arc<Semaphore>, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A claim in [`Scopes`]. The last claim of a scope removes the scope.
struct ScopeEntry {
    scopes: Arc<Scopes>,
    scope: ScopeId,
    semaphore: Arc<Semaphore>,
}

impl Drop for ScopeEntry {
    fn drop(&mut self) {
        let mut scopes = self.scopes.lock();
        if let Some((_, claims)) = scopes.get_mut(&self.scope) {
            *claims -= 1;
            if *claims == 0 {
                scopes.remove(&self.scope);
            }
        }
    }
}

/// The permission to send one claim.
pub(crate) struct ScopePermit {
    _permit: OwnedSemaphorePermit,
    _entry: ScopeEntry,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn scopes_do_not_share_their_limit() {
        let limiter = ScopeLimiter::default();
        let (busy, other) = (
            ScopeId::from_bytes([1; 32]),
            ScopeId::from_bytes({
                let mut id = [1; 32];
                id[31] = 2;
                id
            }),
        );
        let mut permits = Vec::new();
        for _ in 0..CONCURRENCY {
            permits.push(limiter.acquire(busy, Duration::ZERO).await.unwrap());
        }
        assert!(limiter.acquire(busy, Duration::ZERO).await.is_err());
        permits.push(limiter.acquire(other, Duration::ZERO).await.unwrap());
        drop(permits);
        let scopes = limiter.0.of(&Handle::current(), Scopes::default);
        assert!(scopes.lock().is_empty());
    }
}
