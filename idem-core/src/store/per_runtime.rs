//! One value per tokio runtime.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

/// One value per tokio runtime, for values such as a connection, which only the runtime that opened it drives.
///
/// Stores are called on several runtimes. The engine renews leases on its own runtime, so that renewals continue while
/// handlers block theirs. actix-web has one runtime per worker.
pub struct PerRuntime<T>(Arc<RwLock<Vec<Entry<T>>>>);

struct Entry<T> {
    runtime: Id,
    value: Arc<T>,
    /// Ends the task in the runtime if the store is dropped before the runtime ends.
    _alive: oneshot::Sender<()>,
}

impl<T> Default for PerRuntime<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> std::fmt::Debug for PerRuntime<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PerRuntime(..)")
    }
}

impl<T: Send + Sync + 'static> PerRuntime<T> {
    /// Returns the value of `runtime`. The first call creates it with `make`, and it is removed when the runtime shuts
    /// down.
    ///
    /// `make` runs under a lock of this object and must not call it.
    pub fn of(&self, runtime: &Handle, make: impl FnOnce() -> T) -> Arc<T> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = find(&known, runtime.id()) {
            return value;
        }
        drop(known);
        self.add(runtime, make)
    }

    /// Returns the values of all runtimes.
    pub fn values(&self) -> Vec<Arc<T>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|entry| Arc::clone(&entry.value)).collect()
    }

    fn add(&self, runtime: &Handle, make: impl FnOnce() -> T) -> Arc<T> {
        let id = runtime.id();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = find(&known, id) {
            return value;
        }
        let (alive, gone) = oneshot::channel::<()>();
        let value = Arc::new(make());
        known.push(Entry { runtime: id, value: Arc::clone(&value), _alive: alive });
        // A runtime that is shutting down drops the task immediately, and the drop takes the lock.
        drop(known);
        let remove = RemoveOnDrop { values: Arc::downgrade(&self.0), runtime: id };
        runtime.spawn(async move {
            let _remove = remove;
            drop(gone.await);
        });
        value
    }
}

fn find<T>(known: &[Entry<T>], runtime: Id) -> Option<Arc<T>> {
    known.iter().find(|entry| entry.runtime == runtime).map(|entry| Arc::clone(&entry.value))
}

/// Removes the entry when its runtime shuts down; runtime ids may be reused.
struct RemoveOnDrop<T> {
    values: Weak<RwLock<Vec<Entry<T>>>>,
    runtime: Id,
}

impl<T> Drop for RemoveOnDrop<T> {
    fn drop(&mut self) {
        if let Some(values) = self.values.upgrade() {
            let mut known = values.write().unwrap_or_else(PoisonError::into_inner);
            known.retain(|entry| entry.runtime != self.runtime);
        }
    }
}
