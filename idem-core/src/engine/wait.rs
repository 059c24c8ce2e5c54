//! Duplicates that wait until the first request is done
//! ([waiting duplicates](crate::rules::semantics#waiting-duplicates)).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::deadline::after;
use crate::model::RecordId;
use crate::store::{Changed, IdempotencyStore};

/// The pause before the first poll of a waiting duplicate. It doubles with every poll.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Limits the number of waiting duplicates, per key and in total, because they use connections and memory.
pub(super) struct WaitLimiter {
    counts: Arc<Mutex<Counts>>,
    max_total: usize,
    max_per_key: usize,
}

/// The number of waiting duplicates.
#[derive(Default)]
struct Counts {
    per_key: HashMap<RecordId, usize>,
    total: usize,
}

impl WaitLimiter {
    pub(super) fn new(max_total: usize, max_per_key: usize) -> Self {
        Self { counts: Arc::default(), max_total, max_per_key }
    }

    /// Returns a permit to wait for up to `wait`, or `None` at a limit. Dropping it frees the place.
    pub(super) fn enter(&self, id: RecordId, wait: Duration) -> Option<Waiter> {
        let mut counts = lock(&self.counts);
        let of_key = counts.per_key.get(&id).copied().unwrap_or(0);
        if counts.total >= self.max_total || of_key >= self.max_per_key {
            return None;
        }
        counts.total += 1;
        counts.per_key.insert(id, of_key + 1);
        drop(counts);
        Some(Waiter {
            id,
            counts: Arc::clone(&self.counts),
            until: after(Instant::now(), wait),
            pause: FIRST_PAUSE,
            changed: None,
        })
    }
}

/// One waiting duplicate. It holds no store connection while it waits. Drop it to stop waiting.
pub(super) struct Waiter {
    id: RecordId,
    counts: Arc<Mutex<Counts>>,
    until: Instant,
    pause: Duration,
    changed: Option<Changed>,
}

impl Waiter {
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
        if let Some(of_key) = counts.per_key.get_mut(&self.id) {
            *of_key -= 1;
            if *of_key == 0 {
                counts.per_key.remove(&self.id);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
