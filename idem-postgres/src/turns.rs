//! New keys of a scope with a quota take turns in the server. Most wait for theirs here, before they take a
//! connection, so that one scope cannot hold them all.

use std::time::Duration;

use idem_core::store::{ScopeId, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

const TURNS: usize = 64;

/// How many claims of a scope are under way at once: most need no turn in the server, being refused or replayed.
const TOGETHER: usize = 4;

/// The turns of all scopes, some of which share one.
pub(crate) struct Turns([Semaphore; TURNS]);

impl Turns {
    /// Waits until few other claims of this process are under way in the scope. Not for longer than
    /// `patience`: its caller may have given up by then, and what it would claim would be nobody's.
    pub(crate) async fn of(
        &self,
        scope: ScopeId,
        patience: Duration,
    ) -> Result<SemaphorePermit<'_>, StoreError> {
        let [first, ..] = *scope.as_bytes();
        let turn = timeout(patience, self.0[usize::from(first) % TURNS].acquire()).await;
        turn.map_err(StoreError::not_done)?.map_err(StoreError::not_done)
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(TOGETHER)))
    }
}
