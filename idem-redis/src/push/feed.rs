//! Where the subscription is made.

use std::time::Duration;

use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::sentinel::SentinelClient;
use deadpool_redis::redis::{Client, ErrorKind, RedisError, RedisResult};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::source::late;

pub(crate) enum Feed {
    /// Nowhere: those who wait poll.
    Nowhere,
    /// On the first of these that can be reached: the nodes of a cluster pass messages on.
    AnyOf(Vec<Client>, Duration),
    /// On the primary that the Sentinels name.
    Sentinel(Box<Mutex<SentinelClient>>, Duration),
}

impl Feed {
    pub(super) async fn subscribe(&self, channel: &str) -> RedisResult<PubSub> {
        match self {
            Self::Nowhere => Err((ErrorKind::InvalidClientConfig, "nowhere to subscribe").into()),
            Self::Sentinel(sentinels, within) => {
                let client = sentinels.lock().await.async_get_client().await?;
                subscribe_at(&client, channel, *within).await
            }
            Self::AnyOf(clients, within) => {
                let mut last: RedisError =
                    (ErrorKind::InvalidClientConfig, "no address to subscribe at").into();
                for client in clients {
                    match subscribe_at(client, channel, *within).await {
                        Ok(subscription) => return Ok(subscription),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }
}

async fn subscribe_at(client: &Client, channel: &str, within: Duration) -> RedisResult<PubSub> {
    let subscribing = async {
        let mut subscription = client.get_async_pubsub().await?;
        subscription.subscribe(channel).await?;
        Ok(subscription)
    };
    timeout(within, subscribing).await.map_err(late)?
}
