//! Pools for each runtime. A connection is driven by the runtime that opened it, so a runtime that is blocked or
//! has ended must not delay the calls of another one.

use std::time::Duration;

use idem_core::store::PerRuntime;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgPool};
use tokio::runtime::Handle;

use super::pool::{Pool, PoolSettings, PooledConnection};

/// A [`Pool`] for each runtime.
pub(crate) struct StatementPools {
    pub(super) settings: PoolSettings,
    pools: PerRuntime<Pool>,
}

impl StatementPools {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        Self { settings, pools: PerRuntime::default() }
    }

    /// Checks out a connection of the current runtime.
    pub(super) async fn get(&self) -> sqlx::Result<PooledConnection> {
        self.pools.of(&current_runtime()?, || Pool::new(self.settings.clone())).get().await
    }

    /// Closes connections that have been idle for too long.
    pub(super) fn close_idle(&self) {
        self.pools.values().iter().for_each(|pool| pool.close_idle());
    }
}

/// A pool for the transactions of handlers, for each runtime.
pub(crate) struct TransactionPools {
    settings: PoolSettings,
    pools: PerRuntime<PgPool>,
}

impl TransactionPools {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        Self { settings, pools: PerRuntime::default() }
    }

    /// The pool of the current runtime.
    pub(super) fn get(&self) -> sqlx::Result<PgPool> {
        let pool = self.pools.of(&current_runtime()?, || transaction_pool(self.settings.clone()));
        Ok((*pool).clone())
    }
}

fn current_runtime() -> sqlx::Result<Handle> {
    Handle::try_current().map_err(|error| sqlx::Error::Configuration(error.into()))
}

fn transaction_pool(settings: PoolSettings) -> PgPool {
    PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.wait_timeout)
        .test_before_acquire(false)
        // Connections that were used within the last second are not pinged, which saves a round trip.
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(*settings.options)
}
