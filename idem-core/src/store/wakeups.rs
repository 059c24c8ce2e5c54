//! The wake-ups of the duplicates that wait in one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::Changed;
use crate::model::RecordId;

/// Implements [`changed`](super::IdempotencyStore::changed) for stores that receive all changes on one subscription per
/// process. All waiters for one record share one entry, and entries without waiters are removed.
#[derive(Debug, Default)]
pub struct Wakeups(Mutex<HashMap<RecordId, Weak<Notify>>>);

impl Wakeups {
    /// Starts to listen for `id`, and returns whether this is the only listener. Listening starts with this call, not with
    /// the first poll of the future.
    ///
    /// Cancel safe: drop the future to stop listening.
    pub fn enter(&self, id: RecordId) -> (Changed, bool) {
        let (notify, is_first) = self.entry(id);
        (Box::pin(notify.notified_owned()), is_first)
    }

    fn entry(&self, id: RecordId) -> (Arc<Notify>, bool) {
        let mut waiting = self.lock();
        if let Some(notify) = waiting.get(&id).and_then(Weak::upgrade) {
            return (notify, false);
        }
        if waiting.len().is_power_of_two() {
            waiting.retain(|_, notify| notify.strong_count() > 0);
        }
        let notify = Arc::new(Notify::new());
        waiting.insert(id, Arc::downgrade(&notify));
        (notify, true)
    }

    /// Whether a waiter listens. A store whose changes are found by polling need not poll without one.
    pub fn has_waiters(&self) -> bool {
        self.lock().values().any(|notify| notify.strong_count() > 0)
    }

    /// Wakes all waiters for `id`.
    pub fn wake(&self, id: &RecordId) {
        let notify = self.lock().remove(id);
        if let Some(notify) = notify.and_then(|notify| notify.upgrade()) {
            notify.notify_waiters();
        }
    }

    /// Wakes all waiters. Call it after the subscription was interrupted, because changes may have been missed.
    pub fn wake_all(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        waiting.values().filter_map(Weak::upgrade).for_each(|notify| notify.notify_waiters());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RecordId, Weak<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
