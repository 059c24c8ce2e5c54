//! The connection that listens, and the waiters that it wakes.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use idem_core::store::{RecordId, Wakeups};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::sleep;

use crate::conn::server_name;

const MIN_RECONNECT_DELAY: Duration = Duration::from_millis(50);
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);

/// The subscription of one process to one channel.
pub(super) struct Subscription {
    options: PgConnectOptions,
    channel: Box<str>,
    pub(super) waiters: Wakeups,
    active: AtomicBool,
}

impl Subscription {
    pub(super) fn new(options: PgConnectOptions, channel: &str) -> Self {
        let active = AtomicBool::new(false);
        Self { options, channel: channel.into(), waiters: Wakeups::default(), active }
    }

    /// Whether the connection is listening.
    pub(super) fn is_active(&self) -> bool {
        self.active.load(Ordering::SeqCst)
    }

    pub(super) fn deactivate(&self) {
        self.active.store(false, Ordering::SeqCst);
    }

    /// Listens, and connects again after each loss.
    pub(super) async fn run(self: Arc<Self>) {
        let server = &*server_name(&self.options);
        let mut delay = MIN_RECONNECT_DELAY;
        loop {
            match self.connect().await {
                Ok(listener) => {
                    delay = MIN_RECONNECT_DELAY;
                    self.wake_waiters(listener).await;
                    tracing::warn!(
                        server,
                        "LISTEN connection lost; waiting duplicates fall back to polling"
                    );
                }
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(
                        server,
                        error,
                        "cannot LISTEN; waiting duplicates fall back to polling"
                    );
                }
            }
            sleep(delay.mul_f64(rand::random_range(0.5..1.0))).await;
            delay = (delay * 2).min(MAX_RECONNECT_DELAY);
        }
    }

    async fn connect(&self) -> sqlx::Result<PgListener> {
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        // A loss must be noticed, because notifications are missed until the next connect.
        listener.eager_reconnect(false);
        listener.listen(&self.channel).await?;
        Ok(listener)
    }

    /// Wakes waiters until the connection is lost.
    async fn wake_waiters(&self, mut listener: PgListener) {
        self.active.store(true, Ordering::SeqCst);
        self.waiters.wake_all();
        while let Ok(Some(notification)) = listener.try_recv().await {
            if let Some(id) = record_id(notification.payload()) {
                self.waiters.wake(&id);
            }
        }
        self.deactivate();
    }
}

/// The record of a payload, which is 64 hexadecimal digits.
fn record_id(payload: &str) -> Option<RecordId> {
    let digits: &[u8; 64] = payload.as_bytes().try_into().ok()?;
    let mut id = [0; 32];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(RecordId::from_bytes(id))
}
