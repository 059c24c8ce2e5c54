//! The ways in which commands are sent: by the client, in batches, or to a Cluster.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::cluster::ClusterConnection;
use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::cluster_routing::{
    MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo,
};
use deadpool_redis::redis::{Cmd, RedisResult, Value, cmd, from_redis_value};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::timeout;

use super::batch::BatchSender;
use crate::error::timed_out;

/// A connection that any number of tasks can use concurrently. Clones share it.
#[derive(Clone)]
pub(super) enum Transport {
    Multiplexed(MultiplexedConnection),
    Batched(Arc<BatchSender>),
    /// With the timeout of a command.
    Cluster(ClusterConnection, Duration),
}

impl Transport {
    /// Shares a connection between all tasks of this runtime. A runtime with one thread runs ready tasks in
    /// order, so the client finds all their commands when its turn comes. It needs no batches.
    pub(super) fn shared(connection: MultiplexedConnection) -> Self {
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::CurrentThread => Self::Multiplexed(connection),
            _ => Self::Batched(Arc::new(BatchSender::new(connection))),
        }
    }

    /// Sends a command. An error reply is an error.
    pub(super) async fn send(&mut self, command: Cmd) -> RedisResult<Value> {
        let reply = match self {
            Self::Multiplexed(connection) => connection.send_packed_command(&command).await?,
            Self::Batched(batches) => batches.send(command).await?,
            Self::Cluster(connection, limit) => {
                let sending = connection.req_packed_command(&command);
                timeout(*limit, sending).await.map_err(timed_out)??
            }
        };
        reply.extract_error()
    }

    /// Sends a command to one node of a Cluster. Without a Cluster, there is only one node.
    pub(super) async fn send_to(&mut self, address: &str, command: Cmd) -> RedisResult<Value> {
        let Self::Cluster(connection, limit) = self else { return self.send(command).await };
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let (host, port) = (host.to_owned(), port.parse().unwrap_or_default());
        let node = RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host, port });
        let sending = connection.route_command(command, node);
        timeout(*limit, sending).await.map_err(timed_out)??.extract_error()
    }

    /// Returns the text of `INFO` for each primary, with the node's address in a Cluster.
    pub(super) async fn info(&mut self) -> RedisResult<Vec<(String, String)>> {
        let info = cmd("INFO");
        match self {
            Self::Multiplexed(_) | Self::Batched(_) => {
                let reply = self.send(info).await?;
                Ok(vec![(String::new(), from_redis_value(reply)?)])
            }
            Self::Cluster(connection, limit) => {
                let primaries = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                let sending = connection.route_command(info, primaries);
                let reply = timeout(*limit, sending).await.map_err(timed_out)??;
                let by_node: HashMap<String, String> = from_redis_value(reply)?;
                Ok(by_node.into_iter().collect())
            }
        }
    }
}
