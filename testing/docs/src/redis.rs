//! The guide's chapter on Redis.

use std::time::Duration;

use idem_axum::RedisStore;

async fn sentinel() -> Result<RedisStore, idem_axum::redis::ConnectError> {
    RedisStore::builder()
        .namespace("payments")
        .command_timeout(Duration::from_millis(500))
        .connect_sentinel(&["redis://10.0.0.1:26379", "redis://10.0.0.2:26379"], "mymaster")
        .await
}
