//! The pool that connections are taken from: one server, Sentinel or Cluster.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::{PoolError, cluster, sentinel};

use super::connection::Connection;
use super::transport::Transport;
use crate::error::NoConnection;

/// A pool, and the settings of its connections.
pub(crate) struct ConnectionSource {
    pub(crate) pool: Pool,
    pub(crate) command_timeout: Duration,
    /// The server in words, for errors and logs, such as "Redis at 127.0.0.1:6379". Without passwords.
    pub(crate) server: Arc<str>,
}

pub(crate) enum Pool {
    Single(deadpool_redis::Pool),
    Sentinel(sentinel::Pool),
    Cluster(cluster::Pool),
}

impl ConnectionSource {
    /// Takes a connection out of the pool permanently, to share it. A checkout for each command would cost
    /// another round trip.
    pub(super) async fn open(&self) -> Result<Connection, NoConnection> {
        let transport = self.transport().await.map_err(|error| self.no_connection(error))?;
        Ok(Connection::new(transport, &self.server))
    }

    async fn transport(&self) -> Result<Transport, PoolError> {
        let mut connection = match &self.pool {
            Pool::Single(pool) => deadpool_redis::Connection::take(pool.get().await?),
            Pool::Sentinel(pool) => sentinel::Connection::take(pool.get().await?),
            Pool::Cluster(pool) => {
                let connection = cluster::Connection::take(pool.get().await?);
                return Ok(Transport::Cluster(connection, self.command_timeout));
            }
        };
        connection.set_response_timeout(self.command_timeout);
        Ok(Transport::shared(connection))
    }

    /// Checks out a connection for one caller; it returns to the pool afterwards. A Cluster has none.
    /// `extra_timeout` is added to the timeout of its commands.
    pub(super) async fn check_out(
        &self,
        extra_timeout: Duration,
    ) -> Result<PooledConnection, NoConnection> {
        let checkout = self.checkout().await.map_err(|error| self.no_connection(error))?;
        let transport = checkout.transport(self.command_timeout + extra_timeout);
        let connection = Connection::new(transport, &self.server);
        Ok(PooledConnection { connection, _checkout: checkout })
    }

    async fn checkout(&self) -> Result<Checkout, PoolError> {
        Ok(match &self.pool {
            Pool::Single(pool) => Checkout::Single(pool.get().await?),
            Pool::Sentinel(pool) => Checkout::Sentinel(pool.get().await?),
            Pool::Cluster(_) => return Err(PoolError::Closed),
        })
    }

    fn no_connection(&self, source: PoolError) -> NoConnection {
        NoConnection { server: Arc::clone(&self.server), source }
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        matches!(self.pool, Pool::Cluster(_))
    }
}

/// A connection that no other caller uses. Dropping it returns it to the pool.
pub(crate) struct PooledConnection {
    pub(crate) connection: Connection,
    _checkout: Checkout,
}

enum Checkout {
    Single(deadpool_redis::Connection),
    Sentinel(sentinel::Connection),
}

impl Checkout {
    fn transport(&self, response_timeout: Duration) -> Transport {
        let mut connection = match self {
            Self::Single(pooled) => MultiplexedConnection::clone(pooled),
            Self::Sentinel(pooled) => MultiplexedConnection::clone(pooled),
        };
        connection.set_response_timeout(response_timeout);
        Transport::Multiplexed(connection)
    }
}
