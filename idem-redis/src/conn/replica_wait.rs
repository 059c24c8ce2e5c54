//! Waiting for replicas: a write counts as done once enough replicas have acknowledged it.

use std::time::Duration;

use deadpool_redis::redis::{Value, cmd};
use idem_core::store::StoreError;

use super::connection::Connection;
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
