//! Removes what expired.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use idem_core::store::StoreError;
use tokio::time::sleep;

use crate::row;
use crate::store::Inner;

/// How many records a statement removes at most, so that it holds locks for moments only.
const BATCH: i64 = 1_000;

impl Inner {
    /// Removes what expired, batch by batch, with a pause as long as each took. Returns how many.
    pub(crate) async fn sweep(&self) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let started = Instant::now();
            let row = self.sessions.fetch(self.statements.sweep.call().bind(BATCH)).await?;
            let batch = row.map_or(Ok(0), |row| row::get::<i64>(&row, "removed"))?;
            removed += batch.cast_unsigned();
            if batch < BATCH {
                return Ok(removed);
            }
            sleep(started.elapsed()).await;
        }
    }

    /// How long ago the oldest record expired that is still there.
    pub(crate) async fn lag(&self) -> Result<Duration, StoreError> {
        let row = self.sessions.fetch(self.statements.lag.call()).await?;
        let lag = row.map(|row| row::get::<Option<i64>>(&row, "lag")).transpose()?.flatten();
        Ok(Duration::from_micros(lag.map_or(0, i64::cast_unsigned)))
    }
}

/// Sweeps every `period`, a little later at random, for as long as the store lives. Of several processes
/// one at a time does it; the others find nothing to do.
pub(crate) fn start(inner: &Arc<Inner>, period: Duration) {
    tokio::spawn(keep_sweeping(Arc::downgrade(inner), period));
}

async fn keep_sweeping(inner: Weak<Inner>, period: Duration) {
    loop {
        sleep(period.mul_f64(rand::random_range(1.0..1.2))).await;
        let Some(store) = inner.upgrade() else { return };
        let swept = async { Ok::<_, StoreError>((store.lag().await?, store.sweep().await?)) };
        match swept.await {
            Ok((_, 0)) => {}
            Ok((lag, removed)) => {
                tracing::debug!(removed, lag_seconds = lag.as_secs_f64(), "swept expired records");
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot sweep");
            }
        }
    }
}
