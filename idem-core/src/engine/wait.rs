//! Duplicates that wait until the first request is done
//! ([waiting duplicates](crate::rules::semantics#waiting-duplicates)).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::counts::KeyedCounts;
use super::deadline::after;
use crate::model::{RecordId, ScopeId};
use crate::store::{Changed, IdempotencyStore};

/// The pause before the first poll of a waiting duplicate. It doubles with every poll.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The maximum numbers of waiting duplicates.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitLimits {
    pub(super) total: usize,
    /// One scope must not take the places of all others.
    pub(super) per_scope: usize,
    pub(super) per_key: usize,
}

/// Limits the number of waiting duplicates, because each holds a client connection and memory.
pub(super) struct WaitLimiter {
    counts: Arc<Mutex<Counts>>,
    limits: WaitLimits,
}

/// The number of waiting duplicates.
#[derive(Default)]
struct Counts {
    per_scope: KeyedCounts<ScopeId>,
    per_key: KeyedCounts<RecordId>,
    total: usize,
}

impl WaitLimiter {
    pub(super) fn new(limits: WaitLimits) -> Self {
        Self { counts: Arc::default(), limits }
    }

    /// The number of waiting duplicates.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.counts).total
    }

    /// Returns a permit to wait for up to `wait`, or `None` at a limit. Dropping it frees the place.
    ///
    /// `since` is the time before the first claim.
    pub(super) fn enter(
        &self,
        id: RecordId,
        scope: ScopeId,
        since: Instant,
        wait: Duration,
    ) -> Option<Waiter> {
        let mut counts = lock(&self.counts);
        let (of_scope, of_key) = (counts.per_scope.of(&scope), counts.per_key.of(&id));
        let WaitLimits { total, per_scope, per_key } = self.limits;
        if counts.total >= total || of_scope >= per_scope || of_key >= per_key {
            return None;
        }
        counts.total += 1;
        counts.per_scope.increment(scope);
        counts.per_key.increment(id);
        drop(counts);
        Some(Waiter {
            id,
            scope,
            counts: Arc::clone(&self.counts),
            since,
            until: after(Instant::now(), wait),
            pause: FIRST_PAUSE,
            changed: None,
        })
    }
}

/// One waiting duplicate. It holds no store connection while it waits. Drop it to stop waiting.
pub(super) struct Waiter {
    id: RecordId,
    scope: ScopeId,
    counts: Arc<Mutex<Counts>>,
    since: Instant,
    until: Instant,
    pause: Duration,
    changed: Option<Changed>,
}

impl Waiter {
    /// The time before the first claim.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    /// Waits until the record may have changed, so that the caller claims again. Returns `false` if the time
    /// is up. Wake-ups of the store can be lost, so a jittered poll ends the wait too.
    pub(super) async fn next(&mut self, store: &dyn IdempotencyStore) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        // Subscribes before the caller's next claim, so that no change between the two is missed. The first
        // call only subscribes: the record may have changed since the caller's first claim.
        let subscribed = self.changed.replace(store.changed(self.id));
        if let Some(changed) = subscribed {
            let poll_at = now + self.pause.mul_f64(rand::random_range(0.5..1.0));
            self.pause = (self.pause * 2).min(MAX_PAUSE);
            drop(timeout_at(poll_at.min(self.until).into(), changed).await);
        }
        true
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.total -= 1;
        counts.per_scope.decrement(self.scope);
        counts.per_key.decrement(self.id);
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
