//! The conformance suite in a Cluster and behind Sentinel, and a failover in each.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::LazyLock;
use std::time::Duration;

use idem_conformance::StoreHarness;
use idem_redis::RedisStore;
use idem_testkit::servers::{RedisCluster, RedisSentinel};

mod failover;

/// The suites connect many stores at the same time, which takes a busy machine longer than the default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

mod cluster {
    use super::{CONNECT_TIMEOUT, Duration, LazyLock, RedisCluster, RedisStore, StoreHarness};

    static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

    struct Cluster(RedisStore);

    impl StoreHarness for Cluster {
        type Store = RedisStore;

        async fn fresh() -> Self {
            let builder = RedisStore::builder().connect_timeout(CONNECT_TIMEOUT);
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
    use super::{CONNECT_TIMEOUT, Duration, LazyLock, RedisSentinel, RedisStore, StoreHarness};

    static SENTINEL: LazyLock<RedisSentinel> = LazyLock::new(RedisSentinel::start);

    struct Sentinel(RedisStore);

    impl StoreHarness for Sentinel {
        type Store = RedisStore;

        async fn fresh() -> Self {
            let urls = SENTINEL.urls();
            let builder = RedisStore::builder().connect_timeout(CONNECT_TIMEOUT);
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
