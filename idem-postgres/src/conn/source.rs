//! The origin of a store's connections: its own pools, or a pool of the application.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres};
use tokio::time::timeout;

use super::pool::PoolSettings;
use super::pool::PooledConnection;
use super::runtimes::{StatementPools, TransactionPools};

/// The maximum number of connections of each runtime beside a pool of the application.
const RESERVE: u32 = 2;

/// The time limit for the first connection, unless calls may wait longer for theirs.
const FIRST_CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The use of a connection.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// A statement that does not wait for handlers: renewals, and the lookup of a record while handlers hold
    /// all connections.
    Reserve,
    /// Any other statement of the store.
    Other,
}

/// The origin of connections.
pub(crate) enum ConnectionSource {
    /// Pools that the store made.
    Own { statements: StatementPools, transactions: Box<TransactionPools> },
    /// A pool that the application passed to the builder. The runtimes that opened its connections drive
    /// them, and handlers can hold all of them. The store keeps a few connections of its own.
    Shared { pool: PgPool, reserve: StatementPools },
}

impl ConnectionSource {
    pub(crate) fn own(statements: PoolSettings, transactions: PoolSettings) -> Self {
        let statements = StatementPools::new(statements);
        Self::Own { statements, transactions: Box::new(TransactionPools::new(transactions)) }
    }

    pub(crate) fn shared(pool: PgPool) -> Self {
        let reserve = StatementPools::new(PoolSettings {
            options: Box::new(Arc::unwrap_or_clone(pool.connect_options())),
            max_connections: RESERVE,
            wait_timeout: pool.options().get_acquire_timeout(),
        });
        Self::Shared { pool, reserve }
    }

    /// Opens a connection and puts it into the pool.
    ///
    /// The first connection is opened beside the pool. A pool tries again until its timeout and then reports only that,
    /// although the server refuses connections.
    pub(crate) async fn connect(&self) -> sqlx::Result<()> {
        let PoolSettings { options, wait_timeout, .. } = self.settings();
        let limit = FIRST_CONNECTION_TIMEOUT.max(*wait_timeout);
        let opening = timeout(limit, options.connect());
        opening.await.map_err(|_| sqlx::Error::PoolTimedOut)??.close().await?;
        self.get(Purpose::Other).await?.put_back(Duration::ZERO);
        Ok(())
    }

    /// The [name](server_name) of the server.
    pub(crate) fn server(&self) -> String {
        server_name(self.options())
    }

    /// The options of the store's own connections for statements.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.settings().options
    }

    fn settings(&self) -> &PoolSettings {
        let (Self::Own { statements: pools, .. } | Self::Shared { reserve: pools, .. }) = self;
        &pools.settings
    }

    /// Closes connections of the store's own that have been idle for too long.
    pub(super) fn close_idle(&self) {
        let (Self::Own { statements: pools, .. } | Self::Shared { reserve: pools, .. }) = self;
        pools.close_idle();
    }

    pub(super) async fn get(&self, purpose: Purpose) -> sqlx::Result<Checkout> {
        Ok(match (self, purpose) {
            (Self::Own { statements, .. }, _) => Checkout::Own(statements.get().await?),
            (Self::Shared { reserve, .. }, Purpose::Reserve) => Checkout::Own(reserve.get().await?),
            (Self::Shared { pool, .. }, Purpose::Other) => Checkout::Shared(pool.acquire().await?),
        })
    }

    /// The pool for the transactions of the handlers on the current runtime.
    pub(super) fn transactions(&self) -> sqlx::Result<PgPool> {
        match self {
            Self::Own { transactions, .. } => transactions.get(),
            Self::Shared { pool, .. } => Ok(pool.clone()),
        }
    }
}

/// The name of a server in messages, such as `Postgres at 127.0.0.1:5432`. It has no user name and no
/// password.
pub(crate) fn server_name(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => format!("Postgres at {}", socket.display()),
        None => format!("Postgres at {}:{}", options.get_host(), options.get_port()),
    }
}

/// A connection that is checked out.
pub(super) enum Checkout {
    Own(PooledConnection),
    Shared(PoolConnection<Postgres>),
}

impl Checkout {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(connection) => connection.start(),
            Self::Shared(connection) => connection,
        }
    }

    /// Returns the connection to its pool after the reply was read.
    pub(super) fn put_back(self, ping_timeout: Duration) {
        match self {
            Self::Own(connection) => connection.put_back(),
            // The pool of sqlx pings the connection first. Without a timeout, a connection to a silent
            // server would occupy a slot of the pool forever.
            Self::Shared(mut connection) => {
                tokio::spawn(
                    async move { timeout(ping_timeout, connection.return_to_pool()).await },
                );
            }
        }
    }

    /// Discards a broken connection, or one with a reply still pending: the next caller would read the
    /// wrong reply.
    pub(super) fn discard(self) {
        match self {
            Self::Own(connection) => connection.discard(),
            Self::Shared(connection) => drop(connection.detach()),
        }
    }
}
