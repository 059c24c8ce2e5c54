//! The connections of one store, and how statements are sent on them.

use std::sync::Arc;
use std::time::Duration;

use idem_core::store::StoreError;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, PgTransaction};
use tokio::time::timeout;

use super::source::{ConnectionSource, Purpose};
use crate::error::{self, NoConnection, NoReply};
use crate::sql::Query;

/// The connections of one store.
pub(crate) struct Connections {
    source: ConnectionSource,
    begin: Begin,
    pub(crate) timeouts: Timeouts,
    /// The server's name in messages, such as `Postgres at 127.0.0.1:5432`.
    pub(crate) server: Arc<str>,
}

/// How transactions begin.
pub(crate) struct Begin {
    /// The transaction around each statement, if the store connects through a pooler in transaction mode. The
    /// pooler may send each transaction to another server process.
    pub(crate) statement: Option<Arc<str>>,
    /// The transaction of a handler.
    pub(crate) transaction: &'static str,
}

#[derive(Clone, Copy)]
pub(crate) struct Timeouts {
    /// The maximum time that a call waits before it is sent.
    pub(crate) wait: Duration,
    /// The maximum time for a statement. After that its result is unknown, and its connection is closed.
    pub(crate) reply: Duration,
}

impl Connections {
    pub(crate) fn new(source: ConnectionSource, begin: Begin, timeouts: Timeouts) -> Self {
        let server = source.server().into();
        Self { source, begin, timeouts, server }
    }

    /// Sends a statement that returns at most one row.
    pub(crate) async fn fetch(&self, query: Query<'_>) -> Result<Option<PgRow>, StoreError> {
        Ok(self.fetch_all(query, Purpose::Other).await?.pop())
    }

    /// Sends a statement that returns any number of rows.
    pub(crate) async fn fetch_all(
        &self,
        query: Query<'_>,
        purpose: Purpose,
    ) -> Result<Vec<PgRow>, StoreError> {
        // Nothing has been sent if this fails.
        let checkout = self.source.get(purpose).await.map_err(|error| self.no_connection(error));
        let mut checkout = checkout.map_err(StoreError::not_done)?;
        let connection = checkout.connection();
        let sent = send(connection, query, self.begin.statement.clone());
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

    /// Begins a transaction for a handler.
    pub(crate) async fn begin_transaction(&self) -> sqlx::Result<PgTransaction<'static>> {
        self.transactions()?.begin_with(self.begin.transaction).await
    }

    /// The pool for the transactions of the handlers on the current runtime. Their statements have no timeout.
    pub(crate) fn transactions(&self) -> sqlx::Result<PgPool> {
        self.source.transactions()
    }

    /// Whether handlers hold all connections for transactions. It can change at any time.
    pub(crate) fn transactions_are_exhausted(&self) -> bool {
        self.transactions().is_ok_and(|pool| {
            pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections()
        })
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

/// Sends a statement that commits by itself, or in a transaction that `begin` begins. sqlx parses and executes
/// a statement in two steps. A pooler sends both to one server process only inside a transaction.
async fn send(
    connection: &mut PgConnection,
    query: Query<'_>,
    begin: Option<Arc<str>>,
) -> Result<Vec<PgRow>, Failure> {
    let Some(begin) = begin else {
        return query.fetch_all(connection).await.map_err(Failure::OfCommit);
    };
    // Safe, because the only part that varies is a number.
    let begun = connection.begin_with(AssertSqlSafe(begin)).await;
    let mut transaction = begun.map_err(Failure::BeforeCommit)?;
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
