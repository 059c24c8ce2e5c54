//! Where connections come from: a pool of deadpool-redis for one server, for Sentinel or for Cluster.

use std::io;
use std::time::Duration;

use deadpool_redis::cluster::{self, ClusterConnection};
use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::{Cmd, RedisError, RedisResult, Value};
use deadpool_redis::{PoolError, sentinel};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::timeout;

use crate::batch::Batches;

/// A pool, and how long its connections wait for an answer.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) pool: Pool,
    pub(crate) command_timeout: Duration,
}

#[derive(Clone)]
pub(crate) enum Pool {
    One(deadpool_redis::Pool),
    Sentinel(sentinel::Pool),
    Cluster(cluster::Pool),
}

impl Source {
    /// A connection to be shared. It is taken out of the pool for good: a checkout per command would cost
    /// another round trip each time.
    pub(crate) async fn open(&self) -> Result<Connection, PoolError> {
        let mut connection = match &self.pool {
            Pool::One(pool) => deadpool_redis::Connection::take(pool.get().await?),
            Pool::Sentinel(pool) => sentinel::Connection::take(pool.get().await?),
            Pool::Cluster(pool) => {
                let connection = cluster::Connection::take(pool.get().await?);
                return Ok(Connection::Cluster(connection, self.command_timeout));
            }
        };
        connection.set_response_timeout(self.command_timeout);
        Ok(Connection::shared(connection))
    }

    /// A connection that nobody else uses; it goes back to the pool. A cluster has none.
    pub(crate) async fn check_out(&self) -> Result<Checkout, PoolError> {
        Ok(match &self.pool {
            Pool::One(pool) => Checkout::One(pool.get().await?),
            Pool::Sentinel(pool) => Checkout::Sentinel(pool.get().await?),
            Pool::Cluster(_) => return Err(PoolError::Closed),
        })
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        matches!(self.pool, Pool::Cluster(_))
    }
}

/// A connection of the pool, for as long as it is held.
pub(crate) enum Checkout {
    One(deadpool_redis::Connection),
    Sentinel(sentinel::Connection),
}

impl Checkout {
    pub(crate) fn connection(&self, response_timeout: Duration) -> Connection {
        let mut connection = match self {
            Self::One(pooled) => MultiplexedConnection::clone(pooled),
            Self::Sentinel(pooled) => MultiplexedConnection::clone(pooled),
        };
        connection.set_response_timeout(response_timeout);
        Connection::One(connection)
    }
}

/// A connection that any number of tasks may use at once. Dropping a command's future is safe: its answer
/// is still read, and thrown away.
#[derive(Clone)]
pub(crate) enum Connection {
    One(MultiplexedConnection),
    Batched(Batches),
    Cluster(ClusterConnection, Duration),
}

impl Connection {
    /// For all tasks of this runtime. One with a single thread runs what is ready in order, so that the
    /// client finds all commands when its turn comes, and needs no batches of ours.
    fn shared(connection: MultiplexedConnection) -> Self {
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::CurrentThread => Self::One(connection),
            _ => Self::Batched(Batches::over(connection)),
        }
    }

    /// Sends a command; an error reply is an error.
    pub(crate) async fn send(&mut self, command: Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::One(connection) => connection.send_packed_command(&command).await?,
            Self::Batched(batches) => batches.send(command).await?,
            Self::Cluster(connection, within) => {
                timeout(*within, connection.req_packed_command(&command)).await.map_err(late)??
            }
        };
        answer.extract_error()
    }
}

/// The client's own error for an answer that did not come in time.
pub(crate) fn late(elapsed: tokio::time::error::Elapsed) -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, elapsed).into()
}
