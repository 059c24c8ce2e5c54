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
        let sent = send(connection, query, self.pooled);
        let Ok(reply) = timeout(self.timeouts.reply, sent).await else {
            checkout.discard();
            return Err(StoreError::unknown(self.no_reply()));
        };
        match &reply {
            Err(failure) if error::breaks_connection(failure.error()) => checkout.discard(),
            _ => checkout.put_back(self.timeouts.reply),
        }
        reply.map_err(Failure::into_store_error)
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

/// The error of a statement.
enum Failure {
    /// The transaction around the statement was not committed, so nothing was changed.
    BeforeCommit(sqlx::Error),
    /// The statement commits by itself, or the error is the reply to the commit.
    OfCommit(sqlx::Error),
}

impl Failure {
    fn error(&self) -> &sqlx::Error {
        let (Self::BeforeCommit(error) | Self::OfCommit(error)) = self;
        error
    }

    fn into_store_error(self) -> StoreError {
        match self {
            Self::BeforeCommit(error) => StoreError::not_done(error),
            Self::OfCommit(error) => error::from_statement(error),
        }
    }
}

/// Sends a statement that commits by itself, or `in_transaction` of its own. sqlx parses and executes a
/// statement in two steps, and a pooler sends both to the same server process only inside a transaction.
async fn send(
    connection: &mut PgConnection,
    query: Query<'_>,
    in_transaction: bool,
) -> Result<Vec<PgRow>, Failure> {
    if !in_transaction {
        return query.fetch_all(connection).await.map_err(Failure::OfCommit);
    }
    let mut transaction = connection.begin().await.map_err(Failure::BeforeCommit)?;
    match query.fetch_all(&mut *transaction).await {
        Ok(rows) => transaction.commit().await.map(|()| rows).map_err(Failure::OfCommit),
        Err(error) => {
            // Without this, sqlx would send the rollback with the next statement, and the transaction
            // would occupy a server process until then.
            drop(transaction.rollback().await);
            Err(Failure::BeforeCommit(error))
        }
    }
}
