//! Wake-ups for waiting duplicates, by `LISTEN` and `NOTIFY`.
//!
//! All waiting duplicates of a process share one listening connection. A notification makes its commit wait
//! for a lock of the whole database, so the server notifies only the ends of records that are marked. The
//! first duplicate that waits for a record marks it (`listen.sql`). After each connect every waiting
//! duplicate is woken, because earlier notifications were missed.

mod subscription;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use idem_core::store::RecordId;
use idem_core::store::{Changed, Wakeups};
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::conn::server_name;
use crate::shared::Shared;
use crate::sql::{lock_key, row};
use subscription::Subscription;

const MIN_RECONNECT_DELAY: Duration = Duration::from_millis(50);
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);

/// The waiting duplicates of one process, and the task that wakes them.
pub(crate) struct Listener {
    /// The server to listen to. `None` leaves waiting duplicates to polling.
    server: Option<PgConnectOptions>,
    channel: Box<str>,
    wakeups: Wakeups,
    listening: AtomicBool,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Listener {
    pub(crate) fn new(server: Option<PgConnectOptions>, channel: &str) -> Arc<Self> {
        Arc::new(Self {
            server,
            channel: channel.into(),
            wakeups: Wakeups::default(),
            listening: AtomicBool::new(false),
            task: Mutex::default(),
        })
    }

    /// Resolves when the record may have changed; see
    /// [`changed`](idem_core::store::IdempotencyStore::changed). Waiting holds no connection.
    pub(crate) fn changed(self: &Arc<Self>, shared: &Arc<Shared>, id: RecordId) -> Changed {
        let (Some(server), Ok(runtime)) = (&self.server, Handle::try_current()) else {
            return Box::pin(std::future::pending());
        };
        self.start(server, &runtime);
        let (changed, is_first) = self.wakeups.enter(id);
        // Callers that enter before the connection listens are woken when it does.
        if is_first && self.listening.load(Ordering::SeqCst) {
            runtime.spawn(Arc::clone(self).mark(Arc::clone(shared), id));
        }
        changed
    }

    /// Closes the listening connection.
    pub(crate) fn close(&self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
    }

    /// Starts the listening task if it is not running. It stops when its runtime shuts down.
    fn start(self: &Arc<Self>, server: &PgConnectOptions, runtime: &Handle) {
        let mut task = self.task();
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.listening.store(false, Ordering::SeqCst);
            *task = Some(runtime.spawn(Arc::clone(self).listen(server.clone())));
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a record, so that its end is notified. If it has ended already, its waiting duplicates are
    /// woken immediately. If marking fails, they fall back to polling.
    async fn mark(self: Arc<Self>, shared: Arc<Shared>, id: RecordId) {
        let query = shared.statements.listen.query();
        let query = query.bind(id.as_bytes().as_slice()).bind(lock_key(id));
        let Ok(Some(row)) = shared.connections.fetch(query).await else { return };
        if let Ok(false) = row::get::<bool>(&row, "is_running") {
            self.wakeups.wake(&id);
        }
    }

    /// Listens, and connects again after each loss.
    async fn listen(self: Arc<Self>, server: PgConnectOptions) {
        let name = server_name(&server);
        let mut delay = MIN_RECONNECT_DELAY;
        loop {
            match Subscription::connect(&server, &self.channel).await {
                Ok(subscription) => {
                    delay = MIN_RECONNECT_DELAY;
                    self.forward(subscription).await;
                    tracing::warn!(
                        server = name,
                        "LISTEN connection lost; waiting duplicates fall back to polling"
                    );
                }
                Err(error) => {
                    tracing::warn!(
                        server = name,
                        error = &error as &dyn std::error::Error,
                        "cannot LISTEN; waiting duplicates fall back to polling"
                    );
                }
            }
            sleep(delay.mul_f64(rand::random_range(0.5..1.0))).await;
            delay = (delay * 2).min(MAX_RECONNECT_DELAY);
        }
    }

    /// Wakes waiting duplicates until the connection is lost.
    async fn forward(&self, mut subscription: Subscription) {
        self.listening.store(true, Ordering::SeqCst);
        self.wakeups.wake_all();
        while let Some(id) = subscription.next().await {
            self.wakeups.wake(&id);
        }
        self.listening.store(false, Ordering::SeqCst);
    }
}
