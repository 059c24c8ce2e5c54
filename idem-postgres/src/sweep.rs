//! Deletion of expired records.

use std::sync::Weak;
use std::time::{Duration, Instant};

use idem_core::store::StoreError;
use tokio::time::sleep;

use crate::shared::Shared;
use crate::sql::row;

/// The maximum number of records that one statement deletes or moves. It takes a few milliseconds, so that it holds its locks
/// and a processor of the server briefly.
const MAX_BATCH_LEN: i64 = 200;

/// Deletes all expired records in batches, and returns their number. After each batch it pauses for as long
/// as the batch took.
///
/// Each batch continues where the one before ended. A record that was locked is deleted by the next call, which starts from
/// the beginning.
pub(crate) async fn sweep(shared: &Shared) -> Result<u64, StoreError> {
    let (mut removed, mut reached) = (0, 0_i64);
    loop {
        let started = Instant::now();
        let query = shared.statements.sweep.query().bind(MAX_BATCH_LEN).bind(reached);
        let Some(row) = shared.connections.fetch(query).await? else { return Ok(removed) };
        removed += row::get::<i64>(&row, "removed")?.cast_unsigned();
        if row::get::<i64>(&row, "found")? < MAX_BATCH_LEN {
            return Ok(removed);
        }
        reached = row::get(&row, "reached")?;
        sleep(started.elapsed()).await;
    }
}

/// The time since the oldest record expired that has not been deleted. Zero if every expired record is deleted.
pub(crate) async fn lag(shared: &Shared) -> Result<Duration, StoreError> {
    let row = shared.connections.fetch(shared.statements.sweep_lag.query()).await?;
    let lag = row.map(|row| row::get::<Option<i64>>(&row, "lag")).transpose()?.flatten();
    Ok(Duration::from_micros(lag.map_or(0, i64::cast_unsigned)))
}

/// Sweeps every `period`, plus a random delay of up to a fifth of it, until the store is dropped. If several
/// processes sweep concurrently, one of them deletes records.
pub(crate) async fn sweep_periodically(shared: Weak<Shared>, period: Option<Duration>) {
    let Some(period) = period else { return };
    loop {
        sleep(period.mul_f64(rand::random_range(1.0..1.2))).await;
        let Some(shared) = shared.upgrade() else { return };
        let swept = async { Ok::<_, StoreError>((lag(&shared).await?, sweep(&shared).await?)) };
        match swept.await {
            Ok((_, 0)) => {}
            Ok((lag, removed)) => {
                let lag_seconds = lag.as_secs_f64();
                tracing::debug!(
                    server = &*shared.connections.server,
                    removed,
                    lag_seconds,
                    "deleted expired records"
                );
            }
            Err(error) => tracing::warn!(
                server = &*shared.connections.server,
                error = &error as &dyn std::error::Error,
                "cannot delete expired records"
            ),
        }
    }
}
