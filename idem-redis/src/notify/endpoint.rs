//! The server that the store subscribes at.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::sentinel::SentinelClient;
use deadpool_redis::redis::{Client, ErrorKind, RedisError, RedisResult};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::timed_out;

/// The servers to subscribe to, and the time limit.
pub(crate) struct Endpoint {
    pub(crate) servers: Servers,
    /// The servers in words, for logs. Without passwords.
    pub(crate) server: Arc<str>,
    pub(crate) timeout: Duration,
}

pub(crate) enum Servers {
    /// The first of these that can be reached: the nodes of a Cluster forward messages to each other.
    AnyOf(Vec<Client>),
    /// The primary that the Sentinels name.
    Sentinel(Box<Mutex<SentinelClient>>),
}

impl Endpoint {
    pub(super) async fn subscribe(&self, channel: &str) -> RedisResult<PubSub> {
        match &self.servers {
            Servers::Sentinel(sentinels) => {
                let client = sentinels.lock().await.async_get_client().await?;
                self.subscribe_at(&client, channel).await
            }
            Servers::AnyOf(clients) => {
                let mut last: RedisError =
                    (ErrorKind::InvalidClientConfig, "no address to subscribe at").into();
                for client in clients {
                    match self.subscribe_at(client, channel).await {
                        Ok(subscribed) => return Ok(subscribed),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    async fn subscribe_at(&self, client: &Client, channel: &str) -> RedisResult<PubSub> {
        let subscribing = async {
            let mut subscription = client.get_async_pubsub().await?;
            subscription.subscribe(channel).await?;
            Ok(subscription)
        };
        timeout(self.timeout, subscribing).await.map_err(timed_out)?
    }
}
