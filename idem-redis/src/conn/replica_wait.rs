//! Waiting for replicas: a write counts as done once enough replicas have acknowledged it.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{Value, cmd};
use idem_core::store::StoreError;

use super::connection::Connection;
use super::connections::Connections;
use super::pool::{ConnectionSource, PooledConnection};
use crate::error::{TooFewReplicas, UnexpectedReply};

/// The number of replicas that must acknowledge a claim or a completion, and the time limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplicaWait {
    pub(crate) replicas: u32,
    pub(crate) timeout: Duration,
}

impl ReplicaWait {
    /// Checks out a dedicated connection, because `WAIT` blocks all other commands on its connection.
    pub(crate) async fn check_out(
        &self,
        source: &ConnectionSource,
    ) -> Result<PooledConnection, StoreError> {
        source.check_out(self.timeout).await.map_err(StoreError::not_done)
    }

    /// Waits until enough replicas have the last write of the connection. If this fails, a failover can
    /// lose the write, and the caller must repeat the operation.
    pub(crate) async fn confirm(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut wait = cmd("WAIT");
        wait.arg(self.replicas).arg(self.timeout.as_millis() as u64);
        match connection.send(wait).await {
            Ok(Value::Int(count)) if count >= i64::from(self.replicas) => Ok(()),
            Ok(Value::Int(count)) => Err(StoreError::unknown(TooFewReplicas {
                acknowledged: count.cast_unsigned(),
                required: self.replicas,
                timeout: self.timeout,
            })),
            Ok(_) => Err(StoreError::unknown(UnexpectedReply("WAIT"))),
            Err(error) => Err(StoreError::unknown(error)),
        }
    }
}

/// A connection for a change: a dedicated one if the change waits for replicas, and the shared one otherwise.
pub(crate) enum WriteConnection {
    Shared(Arc<Connection>),
    /// Boxed, because few stores wait: the calls of all others stay small.
    Dedicated(Box<PooledConnection>, ReplicaWait),
}

impl WriteConnection {
    pub(crate) async fn open(
        connections: &Arc<Connections>,
        replica_wait: Option<ReplicaWait>,
    ) -> Result<Self, StoreError> {
        match replica_wait {
            None => Ok(Self::Shared(connections.get().await?)),
            Some(wait) => {
                let pooled = Box::pin(wait.check_out(&connections.source)).await?;
                Ok(Self::Dedicated(Box::new(pooled), wait))
            }
        }
    }

    pub(crate) fn get(&self) -> &Connection {
        match self {
            Self::Shared(connection) => connection,
            Self::Dedicated(pooled, _) => &pooled.connection,
        }
    }

    /// Waits until enough replicas have the change, if the store waits for them.
    pub(crate) async fn confirm(&self) -> Result<(), StoreError> {
        match self {
            Self::Shared(_) => Ok(()),
            Self::Dedicated(pooled, wait) => Box::pin(wait.confirm(&pooled.connection)).await,
        }
    }
}
