//! The origin of a store's connections: its own pool, or a pool of the application.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::time::timeout;

use super::pool::{Pool, PooledConnection};

/// The size of the pools that renew leases; see [`Connections`](super::Connections).
const RENEWAL_POOL_SIZE: u32 = 2;

/// A pool of connections.
pub(crate) enum ConnectionSource {
    /// A pool that the store made.
    Own(Pool),
    /// A pool that the application passed to the builder.
    Shared(PgPool),
}

impl ConnectionSource {
    /// Opens a connection and puts it into the pool.
    pub(crate) async fn connect(&self) -> sqlx::Result<()> {
        self.get().await?.put_back(Duration::ZERO);
        Ok(())
    }

    /// The [name](server_name) of the server.
    pub(crate) fn server(&self) -> String {
        match self {
            Self::Own(pool) => server_name(pool.options()),
            Self::Shared(pool) => server_name(&pool.connect_options()),
        }
    }

    /// Closes connections of the store's own pool that have been idle for too long.
    pub(super) fn close_idle(&self) {
        if let Self::Own(pool) = self {
            pool.close_idle();
        }
    }

    pub(super) async fn get(&self) -> sqlx::Result<Checkout> {
        Ok(match self {
            Self::Own(pool) => Checkout::Own(pool.get().await?),
            Self::Shared(pool) => Checkout::Shared(pool.acquire().await?),
        })
    }

    /// A small pool for the renewals of one runtime.
    pub(super) fn for_renewals(&self) -> Self {
        Self::Own(match self {
            Self::Own(pool) => pool.resized(RENEWAL_POOL_SIZE),
            Self::Shared(pool) => {
                let options = Arc::unwrap_or_clone(pool.connect_options());
                let timeout = pool.options().get_acquire_timeout();
                Pool::new(options, RENEWAL_POOL_SIZE, timeout)
            }
        })
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
