//! One value for each runtime that asks.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

/// One value for each runtime that asks for it, such as a connection: it is driven by the runtime that
/// made it. The engine renews leases on a runtime of its own, so that they go on while handlers block
/// theirs, and actix has one for each worker.
pub struct PerRuntime<T>(Arc<RwLock<Vec<Entry<T>>>>);

struct Entry<T> {
    runtime: Id,
    value: Arc<T>,
    /// Ends the task in the runtime if the store goes first.
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
    /// The value of `runtime`, made by `make` the first time and forgotten when the runtime ends.
    pub fn of(&self, runtime: &Handle, make: impl FnOnce() -> T) -> Arc<T> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = find(&known, runtime.id()) {
            return value;
        }
        drop(known);
        self.add(runtime, make)
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
        // A runtime that is ending drops the task at once, which asks for the lock.
        drop(known);
        let farewell = Farewell { values: Arc::downgrade(&self.0), runtime: id };
        runtime.spawn(async move {
            let _farewell = farewell;
            drop(gone.await);
        });
        value
    }
}

fn find<T>(known: &[Entry<T>], runtime: Id) -> Option<Arc<T>> {
    known.iter().find(|entry| entry.runtime == runtime).map(|entry| Arc::clone(&entry.value))
}

/// Forgets a runtime's value when the runtime ends, since another may get its id.
struct Farewell<T> {
    values: Weak<RwLock<Vec<Entry<T>>>>,
    runtime: Id,
}

impl<T> Drop for Farewell<T> {
    fn drop(&mut self) {
        if let Some(values) = self.values.upgrade() {
            let mut known = values.write().unwrap_or_else(PoisonError::into_inner);
            known.retain(|entry| entry.runtime != self.runtime);
        }
    }
}
