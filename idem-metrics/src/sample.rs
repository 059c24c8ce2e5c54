//! Gauges: they are read from the handle, by a task or for each scrape.

use std::collections::HashMap;
use std::error::Error;
use std::sync::PoisonError;
use std::time::Duration;

use idem_core::Idempotency;
use idem_core::records::{Filter, RecordsError};
use metrics::gauge;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{Metrics, names};

impl Metrics {
    /// Sets the gauges once: `idem_running`, `idem_waiting`, `idem_unsettled`, `idem_store_healthy` and, if the store sweeps,
    /// `idem_sweep_lag_seconds`.
    ///
    /// Call it before each rendering of `/metrics`, or use [`poll`](Self::poll). It takes at most the store timeout for the
    /// check of the store, whose result is kept for 1 s.
    ///
    /// Cancel safe.
    pub async fn sample(&self, idempotency: &Idempotency) {
        let activity = idempotency.activity();
        gauge!(names::RUNNING).set(activity.running as f64);
        gauge!(names::WAITING).set(activity.waiting as f64);
        gauge!(names::UNSETTLED).set(activity.unsettled as f64);
        let health = idempotency.health().await;
        // Not the status of the health, since a drain is no problem of the store.
        let is_healthy = health.is_store_up() && health.issues.is_empty();
        gauge!(names::STORE_HEALTHY, "store" => health.name).set(f64::from(u8::from(is_healthy)));
        if !health.is_store_up() {
            return;
        }
        let Ok(records) = idempotency.records() else { return };
        match records.stats().await {
            Ok(stats) => {
                if let Some(lag) = stats.sweep_lag {
                    gauge!(names::SWEEP_LAG, "store" => health.name).set(lag.as_secs_f64());
                }
            }
            Err(error) => log(&error, "cannot read the figures of the store"),
        }
    }

    /// Calls [`sample`](Self::sample) every `period`, on a task of the current runtime. The task runs until it is aborted or
    /// the runtime ends, and keeps the store.
    ///
    /// # Panics
    /// Outside of a tokio runtime, or if `period` is zero.
    pub fn poll(&self, idempotency: &Idempotency, period: Duration) -> JoinHandle<()> {
        let (metrics, idempotency) = (self.clone(), idempotency.clone());
        let mut ticks = ticks(period);
        tokio::spawn(async move {
            loop {
                ticks.tick().await;
                metrics.sample(&idempotency).await;
            }
        })
    }

    /// Sets `idem_unknown` once: the number of records whose outcome is unknown, by operation. It finds crashes that no
    /// client retried.
    ///
    /// It scans all records of the store, so call it in one process, and rarely; see [`poll_unknown`](Self::poll_unknown).
    ///
    /// Cancel safe: the gauges are set at the end.
    ///
    /// # Errors
    /// If the store cannot list records, or does not reply.
    pub async fn count_unknown(&self, idempotency: &Idempotency) -> Result<(), RecordsError> {
        let mut unknown = idempotency.records()?.list(Filter::unknown());
        let mut found: HashMap<Box<str>, u64> = HashMap::new();
        while let Some(record) = unknown.try_next().await? {
            *found.entry(self.label(record.extras.operation()).into()).or_default() += 1;
        }
        let mut known = self.0.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        // Also sets the gauges of operations that have no unknown outcome any more.
        for operation in known.iter() {
            found.entry(operation.clone()).or_default();
        }
        for (operation, number) in found {
            gauge!(names::UNKNOWN, "operation" => operation.to_string()).set(number as f64);
            known.insert(operation);
        }
        Ok(())
    }

    /// Calls [`count_unknown`](Self::count_unknown) every `period`, like [`poll`](Self::poll). Choose 10 minutes or more.
    ///
    /// # Panics
    /// As [`poll`](Self::poll).
    pub fn poll_unknown(&self, idempotency: &Idempotency, period: Duration) -> JoinHandle<()> {
        let (metrics, idempotency) = (self.clone(), idempotency.clone());
        let mut ticks = ticks(period);
        tokio::spawn(async move {
            loop {
                ticks.tick().await;
                if let Err(error) = metrics.count_unknown(&idempotency).await {
                    log(&error, "cannot count the records with an unknown outcome");
                }
            }
        })
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn log(error: &RecordsError, message: &str) {
    let error = error as &dyn Error;
    tracing::warn!(error, "{message}");
}
