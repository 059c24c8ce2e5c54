//! The connections of one store, and how statements are sent on them.

use std::sync::Arc;
use std::time::Duration;

use idem_core::store::PerRuntime;
use idem_core::store::StoreError;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::source::ConnectionSource;
use crate::error::{self, NoConnection, NoReply};
use crate::sql::Query;

/// The connections of one store.
pub(crate) struct Connections {
    /// For all statements except renewals.
    source: ConnectionSource,
    /// For the transactions of handlers. The statements of a handler have no timeout.
    pub(crate) transactions: PgPool,
    /// A small pool for each runtime that renews leases. The engine renews on a runtime of its own, which
    /// must drive these connections, so that renewals continue while handlers block their runtime.
    renewals: PerRuntime<ConnectionSource>,
    /// Whether a pooler in transaction mode is in between. It may send each transaction to another server
    /// process.
    pooled: bool,
    pub(crate) timeouts: Timeouts,
    /// The server's name in messages, such as `Postgres at 127.0.0.1:5432`.
    pub(crate) server: Arc<str>,
}

#[derive(Clone, Copy)]
pub(crate) struct Timeouts {
    /// The maximum time that a call waits before it is sent.
    pub(crate) wait: Duration,
    /// The maximum time for a statement. After that its result is unknown, and its connection is closed.
    pub(crate) reply: Duration,
}

impl Connections {
    pub(crate) fn new(
        source: ConnectionSource,
        transactions: PgPool,
        pooled: bool,
        timeouts: Timeouts,
    ) -> Self {
        let server = source.server().into();
        let renewals = PerRuntime::default();
        Self { source, transactions, renewals, pooled, timeouts, server }
    }

    /// Sends a statement that returns at most one row.
    pub(crate) async fn fetch(&self, query: Query<'_>) -> Result<Option<PgRow>, StoreError> {
        Ok(self.fetch_all(query).await?.pop())
    }

    /// Sends a statement that returns any number of rows.
    pub(crate) async fn fetch_all(&self, query: Query<'_>) -> Result<Vec<PgRow>, StoreError> {
        self.fetch_from(&self.source, query).await
    }

    /// [`fetch`](Self::fetch) on a connection that the calling runtime drives, for renewals.
    pub(crate) async fn fetch_on_this_runtime(
        &self,
        query: Query<'_>,
    ) -> Result<Option<PgRow>, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::not_done)?;
        let source = self.renewals.of(&runtime, || self.source.for_renewals());
        Ok(self.fetch_from(&source, query).await?.pop())
    }

    async fn fetch_from(
        &self,
        source: &ConnectionSource,
        query: Query<'_>,
    ) -> Result<Vec<PgRow>, StoreError> {
        // Nothing has been sent if this fails.
        let checkout = source.get().await.map_err(|error| self.no_connection(error));
        let mut checkout = checkout.map_err(StoreError::not_done)?;
        let connection = checkout.connection();
        let reply = match self.pooled {
            false => timeout(self.timeouts.reply, query.fetch_all(connection)).await,
            true => timeout(self.timeouts.reply, fetch_in_transaction(connection, query)).await,
        };
        match &reply {
            Ok(Err(error)) if error::breaks_connection(error) => checkout.discard(),
            Ok(_) => checkout.put_back(self.timeouts.reply),
            Err(_) => checkout.discard(),
        }
        let reply = reply.map_err(|_| StoreError::unknown(self.no_reply()))?;
        reply.map_err(error::from_statement)
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn close_idle(&self) {
        self.source.close_idle();
    }

    pub(crate) fn no_connection(&self, source: sqlx::Error) -> NoConnection {
        NoConnection { server: Arc::clone(&self.server), source }
    }

    pub(crate) fn no_reply(&self) -> NoReply {
        NoReply { server: Arc::clone(&self.server), timeout: self.timeouts.reply }
    }
}

/// Sends a statement in a transaction of its own. sqlx parses and executes a statement in two steps, and a
/// pooler sends both to the same server process only inside a transaction.
async fn fetch_in_transaction(
    connection: &mut PgConnection,
    query: Query<'_>,
) -> sqlx::Result<Vec<PgRow>> {
    let mut transaction = connection.begin().await?;
    match query.fetch_all(&mut *transaction).await {
        Ok(rows) => transaction.commit().await.map(|()| rows),
        Err(error) => {
            // Without this, sqlx would send the rollback with the next statement, and the transaction
            // would occupy a server process until then.
            drop(transaction.rollback().await);
            Err(error)
        }
    }
}
