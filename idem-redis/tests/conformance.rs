//! The conformance suite on one Redis server.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod harness;

use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_redis::RedisStore;
use idem_testkit::servers::{RedisServer, Shared};

static SERVER: Shared<RedisServer> = Shared::new(|| RedisServer::start(&[]));

struct Redis(RedisStore);

impl StoreHarness for Redis {
    type Store = RedisStore;

    async fn fresh() -> Self {
        Self(harness::builder().connect(&SERVER.url()).await.unwrap())
    }

    fn store(&self) -> &RedisStore {
        &self.0
    }

    async fn advance(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

idem_conformance::store_suite!(Redis);
idem_conformance::wakeup_suite!(Redis);
idem_conformance::quota_suite!(Redis);
idem_conformance::admin_suite!(Redis, with: wakeups);
