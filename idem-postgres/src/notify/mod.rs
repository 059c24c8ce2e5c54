//! Wake-ups for waiting duplicates: one listening connection per process, for any number of waiters.
//!
//! A notification makes its commit wait for a lock of the whole database, so the server notifies only the
//! ends of marked records. The first waiter for a record marks it (`listen.sql`). After each connect, also
//! after a loss, all waiters are woken, because earlier notifications were missed.

mod subscription;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use idem_core::store::{Changed, RecordId};
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::shared::Shared;
use crate::sql::{lock_key, row};
use subscription::Subscription;

/// Wakes waiting duplicates. Dropping it closes the listening connection.
pub(crate) struct Notifier {
    /// `None` if no connection listens: waiting duplicates poll.
    subscription: Option<Arc<Subscription>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Notifier {
    pub(crate) fn new(server: Option<PgConnectOptions>, channel: &str) -> Self {
        let subscription = server.map(|server| Arc::new(Subscription::new(server, channel)));
        Self { subscription, task: Mutex::default() }
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

/// Marks a record so that the end of its run is notified. If the run has already ended, this wakes the
/// waiters immediately. If it fails, the waiters fall back to polling.
async fn mark(subscription: Arc<Subscription>, shared: Arc<Shared>, id: RecordId) {
    let query = shared.statements.listen.query();
    let query = query.bind(id.as_bytes().as_slice()).bind(lock_key(id));
    let Ok(Some(row)) = shared.connections.fetch(query).await else { return };
    if let Ok(false) = row::get::<bool>(&row, "is_running") {
        subscription.waiters.wake(&id);
    }
}
