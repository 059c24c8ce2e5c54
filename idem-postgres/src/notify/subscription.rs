//! The connection that listens.

use idem_core::store::RecordId;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

/// A connection that receives notifications of one channel.
pub(super) struct Subscription(PgListener);

impl Subscription {
    pub(super) async fn connect(server: &PgConnectOptions, channel: &str) -> sqlx::Result<Self> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(server.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        // A lost connection must be reported, because notifications may have been missed.
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(Self(listener))
    }

    /// The next record that was notified, or `None` when the connection is lost. Other notifications are
    /// skipped.
    pub(super) async fn next(&mut self) -> Option<RecordId> {
        while let Ok(Some(notification)) = self.0.try_recv().await {
            if let Some(id) = record_id(notification.payload()) {
                return Some(id);
            }
        }
        None
    }
}

/// The record of a payload: 64 hexadecimal digits.
fn record_id(payload: &str) -> Option<RecordId> {
    let digits: &[u8; 64] = payload.as_bytes().try_into().ok()?;
    let mut id = [0; 32];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(RecordId::from_bytes(id))
}
