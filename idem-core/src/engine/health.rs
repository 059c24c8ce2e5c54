//! The health of the store, for health checks.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use std::sync::atomic::Ordering;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Idempotency;
use crate::store::HealthIssue;

/// The time for which a result is returned again, so that frequent checks do not load the store.
const CACHED_FOR: Duration = Duration::from_secs(1);

/// The health of the store as a service sees it. Returned by [`Idempotency::health`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// The [name](crate::store::IdempotencyStore::name) of the store.
    pub name: &'static str,
    /// Whether the store replies.
    pub store: StoreHealth,
    /// The problems that the [check of the store](crate::store::IdempotencyStore::check) found.
    pub issues: Vec<HealthIssue>,
    /// Whether [`Idempotency::drain`] was called, so that new requests are refused.
    pub draining: bool,
}

/// Whether a store replies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreHealth {
    /// The store replied to its check.
    #[non_exhaustive]
    Up {
        /// The duration of the check.
        took: Duration,
    },
    /// The check failed, or took longer than the store timeout. The text has the reason, without addresses.
    Down(Box<str>),
}

/// The summary of a [`Health`], as the draft *Health Check Response Format for HTTP APIs* names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthStatus {
    /// The store replies, and its check found nothing.
    Pass,
    /// The store replies, and its check found issues.
    Warn,
    /// The store does not reply, or the process is shutting down. Guarded requests are refused with 503.
    Fail,
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

impl Health {
    /// Whether the store replies.
    pub const fn is_store_up(&self) -> bool {
        matches!(self.store, StoreHealth::Up { .. })
    }

    /// Returns the summary.
    pub const fn status(&self) -> HealthStatus {
        match self.store {
            StoreHealth::Down(_) => HealthStatus::Fail,
            StoreHealth::Up { .. } if self.draining => HealthStatus::Fail,
            StoreHealth::Up { .. } if self.issues.is_empty() => HealthStatus::Pass,
            StoreHealth::Up { .. } => HealthStatus::Warn,
        }
    }
}

/// The last result. The lock is held during a check, so that concurrent calls share one.
#[derive(Default)]
pub(super) struct HealthCache(Mutex<Option<(Instant, Checked)>>);

type Checked = (StoreHealth, Vec<HealthIssue>);

impl Idempotency {
    /// Checks the store, within the [store timeout](crate::IdempotencyBuilder::store_timeout). A result is kept for 1 s, and
    /// concurrent calls share one check.
    ///
    /// Use it for readiness only if every route of the service is guarded. If the store is down, idem refuses guarded
    /// requests with 503 anyway, and other routes still work. Do not use it for liveness: a restart does not repair the
    /// store.
    ///
    /// Cancel safe.
    pub async fn health(&self) -> Health {
        let limit = self.0.config.store_timeout;
        let (store, issues) = timeout(limit, self.checked()).await.unwrap_or_else(|_| {
            let reason = format!("the store did not reply within {limit:?}");
            (StoreHealth::Down(reason.into()), Vec::new())
        });
        let name = self.0.store.name();
        Health { name, store, issues, draining: self.0.draining.load(Ordering::SeqCst) }
    }

    async fn checked(&self) -> Checked {
        let mut cached = self.0.health.0.lock().await;
        if let Some((at, checked)) = &*cached
            && at.elapsed() < CACHED_FOR
        {
            return checked.clone();
        }
        let started = Instant::now();
        let checked = match self.0.store.check().await {
            Ok(issues) => (StoreHealth::Up { took: started.elapsed() }, issues),
            Err(error) => {
                let cause = &error as &dyn Error;
                tracing::warn!(error = cause, "the health check of the store failed");
                (StoreHealth::Down(error.to_string().into()), Vec::new())
            }
        };
        *cached = Some((Instant::now(), checked.clone()));
        checked
    }
}
