//! Wake-ups for waiting duplicates: one subscription per process, for any number of waiters.
//!
//! The first waiter for a record marks it (`listen.lua`). The scripts publish the end of a run only for
//! marked records. After each subscription, also after a lost one, all waiters are woken, because earlier
//! messages were missed.

mod endpoint;
mod subscription;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_redis::redis::Value;
use idem_core::store::{Changed, RecordId};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::shared::Shared;
pub(crate) use endpoint::{Endpoint, Servers};
use subscription::Subscription;

/// Wakes waiting duplicates. Dropping it ends the subscription.
pub(crate) struct Notifier {
    /// `None` if there is no server to subscribe at: waiting duplicates poll.
    subscription: Option<Arc<Subscription>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Notifier {
    pub(crate) fn new(endpoint: Option<Endpoint>, channel: String) -> Self {
        let subscription = endpoint.map(|endpoint| Subscription::new(endpoint, channel));
        Self { subscription: subscription.map(Arc::new), task: Mutex::default() }
    }

    /// Waits for the record to change; see
    /// [`IdempotencyStore::changed`](idem_core::store::IdempotencyStore::changed). All waiters for one record
    /// share one mark, and hold no connection.
    pub(crate) fn changed(&self, shared: &Arc<Shared>, id: RecordId) -> Changed {
        let Ok(runtime) = Handle::try_current() else { return Box::pin(pending()) };
        let Some(subscription) = &self.subscription else { return Box::pin(pending()) };
        self.subscribe(subscription, &runtime);
        let (changed, is_first) = subscription.waiters.enter(id);
        // A waiter that enters before the subscription is active is woken when it becomes active.
        if is_first && subscription.is_active() {
            runtime.spawn(mark(Arc::clone(subscription), Arc::clone(shared), id));
        }
        changed
    }

    /// Starts the subscription on the first call, and again if the runtime of its task has ended.
    fn subscribe(&self, subscription: &Arc<Subscription>, runtime: &Handle) {
        let mut task = self.task();
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            subscription.deactivate();
            *task = Some(runtime.spawn(Arc::clone(subscription).run()));
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
    }
}

/// Marks a record so that the end of its run is published. If the run has already ended, this wakes the
/// waiters immediately. If it fails, the waiters fall back to polling.
async fn mark(subscription: Arc<Subscription>, shared: Arc<Shared>, id: RecordId) {
    let Ok(connection) = shared.connections.get().await else { return };
    let key = shared.keys.record(id);
    if let Ok(Value::Int(0)) = shared.scripts.listen.run(&connection, &key, 0, |_| ()).await {
        subscription.waiters.wake(&id);
    }
}
