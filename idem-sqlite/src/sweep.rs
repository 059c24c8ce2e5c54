//! Deletion of expired records.

use std::error::Error;
use std::sync::Weak;
use std::time::{Duration, Instant};

use idem_core::store::{StoreError, Timestamp};
use sqlx::{Row, query};
use tokio::time::sleep;

use crate::shared::Shared;
use crate::writer::{Kind, MAX_SWEEP_LEN};

/// Deletes all expired records in batches, and returns their number. After each batch it pauses for as long as the batch
/// took.
pub(crate) async fn sweep(shared: &Shared) -> Result<u64, StoreError> {
    let mut swept = 0;
    loop {
        let started = Instant::now();
        let removed = shared.write(|reply| Kind::Sweep { reply }).await?;
        swept += removed;
        if removed < MAX_SWEEP_LEN.cast_unsigned() {
            return Ok(swept);
        }
        sleep(started.elapsed()).await;
    }
}

/// The time since the oldest record expired that has not been deleted. Zero if every expired record is deleted.
pub(crate) async fn lag(shared: &Shared) -> Result<Duration, StoreError> {
    let oldest = "SELECT min(expires_at) FROM idem_records";
    let rows = shared.side.fetch_all(query(oldest)).await?;
    let oldest: Option<i64> = rows.first().and_then(|row| row.try_get(0).ok()).flatten();
    let now = shared.connector.clock.now(Timestamp(0));
    Ok(oldest.map_or(Duration::ZERO, |oldest| now.since(Timestamp(oldest.cast_unsigned()))))
}

/// Sweeps every `period`, plus a random delay of up to a fifth of it, until the store is dropped.
pub(crate) async fn sweep_periodically(shared: Weak<Shared>, period: Option<Duration>) {
    let Some(period) = period else { return };
    loop {
        sleep(period.mul_f64(rand::random_range(1.0..1.2))).await;
        let Some(shared) = shared.upgrade() else { return };
        let path = &*shared.connector.file.name();
        match sweep(&shared).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(path, removed, "deleted expired records"),
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(path, error, "cannot delete expired records");
            }
        }
    }
}
