//! The conformance suite in a Cluster and behind Sentinel, and a failover in each.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_redis::RedisStore;
use idem_testkit::servers::{RedisCluster, RedisSentinel, Shared};

mod failover;
#[path = "../harness/mod.rs"]
mod harness;

mod cluster {
    use super::{Duration, RedisCluster, RedisStore, Shared, StoreHarness, harness};

    static CLUSTER: Shared<RedisCluster> = Shared::new(RedisCluster::start);

    struct Cluster(RedisStore);

    impl StoreHarness for Cluster {
        type Store = RedisStore;

        async fn fresh() -> Self {
            let builder = harness::builder();
            Self(builder.connect_cluster(&CLUSTER.urls()).await.unwrap())
        }

        fn store(&self) -> &RedisStore {
            &self.0
        }

        async fn advance(&self, time: Duration) {
            tokio::time::sleep(time).await;
        }
    }

    idem_conformance::store_suite!(Cluster);
    idem_conformance::wakeup_suite!(Cluster);
    idem_conformance::quota_suite!(Cluster);
    idem_conformance::admin_suite!(Cluster, with: wakeups);
}

mod sentinel {
    use super::{Duration, RedisSentinel, RedisStore, Shared, StoreHarness, harness};

    static SENTINEL: Shared<RedisSentinel> = Shared::new(RedisSentinel::start);

    struct Sentinel(RedisStore);

    impl StoreHarness for Sentinel {
        type Store = RedisStore;

        async fn fresh() -> Self {
            let urls = SENTINEL.urls();
            let builder = harness::builder();
            Self(builder.connect_sentinel(&urls, "mymaster").await.unwrap())
        }

        fn store(&self) -> &RedisStore {
            &self.0
        }

        async fn advance(&self, time: Duration) {
            tokio::time::sleep(time).await;
        }
    }

    idem_conformance::store_suite!(Sentinel);
    idem_conformance::wakeup_suite!(Sentinel);
    idem_conformance::quota_suite!(Sentinel);
    idem_conformance::admin_suite!(Sentinel, with: wakeups);
}
