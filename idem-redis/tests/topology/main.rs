//! The conformance suite in a Cluster and behind Sentinel, and a failover in each.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use idem_conformance::StoreHarness;
use idem_redis::{ConnectError, RedisStore, RedisStoreBuilder};
use idem_testkit::servers::{RedisCluster, RedisSentinel, Shared};
use tokio::time::sleep;

mod failover;
#[path = "../harness/mod.rs"]
mod harness;

/// Time limit for a connection, and for a failover.
const LIMIT: Duration = Duration::from_secs(60);

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// The time in milliseconds after which a silent primary is replaced. A busy one is silent for less.
const PATIENCE: &str = "60000";

/// Starts a Cluster that replaces no primary because the machine is busy.
fn start_cluster() -> RedisCluster {
    let cluster = RedisCluster::start();
    set_patience(&cluster, PATIENCE);
    cluster
}

fn set_patience(cluster: &RedisCluster, millis: &str) {
    for node in &cluster.nodes {
        node.cli(&["config", "set", "cluster-node-timeout", millis]);
    }
}

/// Starts a primary with Sentinels that do not replace it because the machine is busy.
fn start_sentinel() -> RedisSentinel {
    let servers = RedisSentinel::start();
    set_sentinels(&servers, "down-after-milliseconds", PATIENCE);
    servers
}

fn set_sentinels(servers: &RedisSentinel, option: &str, value: &str) {
    for sentinel in &servers.sentinels {
        sentinel.cli(&["sentinel", "set", "mymaster", option, value]);
    }
}

/// Connects to a Cluster. The client opens its connections within a second, which the builder cannot change and a busy
/// machine can exceed.
async fn connect_cluster(builder: &RedisStoreBuilder, cluster: &RedisCluster) -> RedisStore {
    let started = Instant::now();
    loop {
        let connected = builder.clone().connect_cluster(&cluster.urls()).await;
        if let Some(store) = in_time(connected, started) {
            return store;
        }
        sleep(PAUSE).await;
    }
}

/// Connects to the primary of Sentinels, as [`connect_cluster`] does.
async fn connect_sentinel(builder: &RedisStoreBuilder, servers: &RedisSentinel) -> RedisStore {
    let started = Instant::now();
    loop {
        let connected = builder.clone().connect_sentinel(&servers.urls(), "mymaster").await;
        if let Some(store) = in_time(connected, started) {
            return store;
        }
        sleep(PAUSE).await;
    }
}

fn in_time(connected: Result<RedisStore, ConnectError>, started: Instant) -> Option<RedisStore> {
    connected.inspect_err(|error| assert!(started.elapsed() < LIMIT, "still {error:?}")).ok()
}

mod cluster {
    use super::{
        Duration, RedisCluster, RedisStore, Shared, StoreHarness, connect_cluster, harness,
        start_cluster,
    };

    static CLUSTER: Shared<RedisCluster> = Shared::new(start_cluster);

    struct Cluster(RedisStore);

    impl StoreHarness for Cluster {
        type Store = RedisStore;

        async fn fresh() -> Self {
            Self(connect_cluster(&harness::builder(), &CLUSTER).await)
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
    use super::{
        Duration, RedisSentinel, RedisStore, Shared, StoreHarness, connect_sentinel, harness,
        start_sentinel,
    };

    static SENTINEL: Shared<RedisSentinel> = Shared::new(start_sentinel);

    struct Sentinel(RedisStore);

    impl StoreHarness for Sentinel {
        type Store = RedisStore;

        async fn fresh() -> Self {
            Self(connect_sentinel(&harness::builder(), &SENTINEL).await)
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
