//! The health check finds unsafe settings and lost writes.

use idem_core::store::{IdempotencyStore, StoreErrorKind, Update};
use idem_redis::{ConnectError, HealthIssue};
use idem_testkit::servers::{Proxy, RedisServer, eventually};

use crate::support::{HOUR, builder, completion, store, url, won};

#[tokio::test]
async fn fault_redis_evicts_keys_at_startup() {
    let server = RedisServer::start(&["--maxmemory", "100mb"]);
    for policy in ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"] {
        server.cli(&["config", "set", "maxmemory-policy", policy]);
        match builder().connect(&server.url()).await {
            Err(ConnectError::Unhealthy { issue: HealthIssue::EvictionPolicy(found), .. }) => {
                assert_eq!(found, policy);
            }
            other => panic!("{other:?}"),
        }
        let store = builder().allow_eviction().connect(&server.url()).await.unwrap();
        assert!(
            store.check().await.unwrap().contains(&HealthIssue::EvictionPolicy(policy.to_owned()))
        );
    }
}

#[tokio::test]
async fn fault_redis_evicts_keys_after_policy_change() {
    let server = RedisServer::start(&["--maxmemory", "3mb"]);
    let store = store(&server).await;
    assert_eq!(store.check().await.unwrap(), [HealthIssue::NoAppendOnlyFile]);
    server.cli(&["config", "set", "maxmemory-policy", "allkeys-lru"]);
    for n in 0..40 {
        server.cli(&["set", &format!("other:{n}"), &"x".repeat(100_000)]);
    }
    let issues = store.check().await.unwrap();
    assert!(issues.contains(&HealthIssue::EvictionPolicy("allkeys-lru".to_owned())), "{issues:?}");
    assert!(
        issues.iter().any(|issue| matches!(issue, HealthIssue::KeysEvicted(1..))),
        "{issues:?}"
    );
}

#[tokio::test]
async fn replica_is_refused() {
    let primary = RedisServer::start(&[]);
    let port = primary.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    let refused = builder().connect(&replica.url()).await;
    assert!(
        matches!(refused, Err(ConnectError::Unhealthy { issue: HealthIssue::Replica, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn error_of_unreachable_server_names_its_address_and_keeps_its_source() {
    let mut server = RedisServer::start(&[]);
    server.kill();
    let error = builder().connect(&server.url()).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Unreachable { .. }));
    assert!(error.to_string().contains(&format!("127.0.0.1:{}", server.port())), "{error}");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "Connection refused (os error 111)");
    let ConnectError::Unreachable { source, .. } = &error else { unreachable!() };
    assert_eq!(source.error().kind(), StoreErrorKind::NotDone);
}

#[tokio::test]
async fn fault_redis_restarts_without_persistence() {
    let mut server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.restart();
    let issues = eventually("successful health check", async || store.check().await.ok()).await;
    assert!(issues.contains(&HealthIssue::WritesLost), "{issues:?}");
    let late = store.complete(claim, completion("late"), HOUR).await.unwrap();
    assert_eq!(late, Update::Stale(None), "a lost record is not created again");
}

#[tokio::test]
async fn fault_record_changed_externally_flushed_server() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    store.check().await.unwrap();
    server.cli(&["flushall"]);
    assert!(store.check().await.unwrap().contains(&HealthIssue::WritesLost));
    assert_eq!(store.complete(claim, completion("late"), HOUR).await.unwrap(), Update::Stale(None));
}

/// Another store starts after the loss, and checks more often than the first one did.
#[tokio::test]
async fn fault_record_changed_externally_flushed_server_with_another_store() {
    let server = RedisServer::start(&[]);
    let early = store(&server).await;
    // The first check that the store starts on its own ends before the second one of these.
    for _ in 0..2 {
        assert_eq!(early.check().await.unwrap(), [HealthIssue::NoAppendOnlyFile]);
    }
    server.cli(&["flushall"]);
    let late = store(&server).await;
    for _ in 0..10 {
        assert_eq!(late.check().await.unwrap(), [HealthIssue::NoAppendOnlyFile]);
    }
    assert!(early.check().await.unwrap().contains(&HealthIssue::WritesLost));
}

/// The counters of stores that are gone do not stay for ever.
#[tokio::test]
async fn heartbeats_expire() {
    let server = RedisServer::start(&[]);
    store(&server).await.check().await.unwrap();
    let keys = server.cli(&["keys", "idem:default:*"]);
    assert_eq!(keys.lines().count(), 1, "{keys}");
    let left: i64 = server.cli(&["pttl", &keys]).parse().unwrap();
    assert!(left > 0, "{left}");
}

/// The replica is cut off, misses the last writes, and is promoted after the primary was killed.
#[tokio::test]
async fn fault_redis_failover_loses_writes_and_is_detected() {
    let mut primary = RedisServer::start(&[]);
    let port = primary.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    replica.until(&["info", "replication"], |info| info.contains("master_link_status:up"));
    let proxy = Proxy::before(primary.port()).await;
    let store = builder().connect(&url(&proxy)).await.unwrap();
    primary.cli(&["wait", "1", "5000"]);
    replica.cli(&["replicaof", "no", "one"]);
    let claim = won(&store).await;
    store.check().await.unwrap();
    primary.kill();
    proxy.redirect_to(replica.port());
    let issues = eventually("successful health check", async || store.check().await.ok()).await;
    assert!(issues.contains(&HealthIssue::WritesLost), "{issues:?}");
    assert_eq!(store.complete(claim, completion("late"), HOUR).await.unwrap(), Update::Stale(None));
}
