//! Wake-ups for waiting duplicates: one listening connection per process, whatever the number of waiters.
//!
//! A notification makes its transaction take a lock that the whole database shares, so only ends that
//! somebody waits for are notified: the first who waits for a record marks it (`listen.sql`). When the
//! connection is made, also after a loss, everybody is woken, since what happened before was missed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use idem_core::store::RecordId;
use idem_core::store::{Changed, Wakeups};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::row;
use crate::store::{Inner, lock_of};

/// Those who wait.
pub(crate) struct Push {
    /// `None`: those who wait poll.
    server: Option<PgConnectOptions>,
    channel: Box<str>,
    waiting: Wakeups,
    listening: AtomicBool,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Push {
    pub(crate) fn new(server: Option<PgConnectOptions>, channel: &str) -> Arc<Self> {
        Arc::new(Self {
            server,
            channel: channel.into(),
            waiting: Wakeups::default(),
            listening: AtomicBool::new(false),
            listener: Mutex::default(),
        })
    }

    /// Ends the listening connection.
    pub(crate) fn close(&self) {
        if let Some(listener) = self.listener().take() {
            listener.abort();
        }
    }

    /// Begins to listen on the first call, and again if the runtime that did is gone.
    fn start(self: &Arc<Self>, server: &PgConnectOptions, runtime: &Handle) {
        let mut listener = self.listener();
        if listener.as_ref().is_none_or(JoinHandle::is_finished) {
            self.listening.store(false, Ordering::SeqCst);
            *listener = Some(runtime.spawn(keep_listening(Arc::clone(self), server.clone())));
        }
    }

    fn listener(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notified(&self, payload: &str) {
        if let Some(id) = record_id(payload) {
            self.waiting.wake(&id);
        }
    }
}

/// What [`changed`](idem_core::store::IdempotencyStore::changed) does. All who wait for one record share one
/// mark, and hold no connection.
pub(crate) fn listen(inner: &Arc<Inner>, id: RecordId) -> Changed {
    let push = &inner.push;
    let (Some(server), Ok(runtime)) = (&push.server, Handle::try_current()) else {
        return Box::pin(std::future::pending());
    };
    push.start(server, &runtime);
    let (changed, is_first) = push.waiting.enter(id);
    // Whoever entered before the process listened is woken when it does.
    if is_first && push.listening.load(Ordering::SeqCst) {
        runtime.spawn(mark(Arc::clone(inner), id));
    }
    changed
}

/// Asks for the end of a record to be notified; one that has ended wakes at once. If this fails, those
/// who wait are left to their polling.
async fn mark(inner: Arc<Inner>, id: RecordId) {
    let call = inner.statements.listen.call();
    let call = call.bind(id.as_bytes().as_slice()).bind(lock_of(id));
    let Ok(Some(row)) = inner.sessions.fetch(call).await else { return };
    if let Ok(false) = row::get::<bool>(&row, "runs") {
        inner.push.waiting.wake(&id);
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

async fn keep_listening(push: Arc<Push>, server: PgConnectOptions) {
    let mut pause = FIRST_PAUSE;
    loop {
        match connect(&server, &push.channel).await {
            Ok(mut listener) => {
                pause = FIRST_PAUSE;
                push.listening.store(true, Ordering::SeqCst);
                push.waiting.wake_all();
                while let Ok(Some(notification)) = listener.try_recv().await {
                    push.notified(notification.payload());
                }
                push.listening.store(false, Ordering::SeqCst);
                tracing::warn!(
                    "nobody listens any more; waiting duplicates poll until that is back"
                );
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "cannot listen; waiting duplicates poll until it works");
            }
        }
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn connect(server: &PgConnectOptions, channel: &str) -> sqlx::Result<PgListener> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(server.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    // A lost connection is told, not made again in silence.
    listener.eager_reconnect(false);
    listener.listen(channel).await?;
    Ok(listener)
}

/// The record that a notification names in hexadecimal digits.
fn record_id(payload: &str) -> Option<RecordId> {
    let digits: &[u8; 64] = payload.as_bytes().try_into().ok()?;
    let mut id = [0; 32];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(RecordId::from_bytes(id))
}
