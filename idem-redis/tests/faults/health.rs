//! The store looks at its server, and says what is wrong with it.

use idem_core::store::{IdempotencyStore, Update};
use idem_redis::{ConnectError, HealthIssue, RedisStore};
use idem_testkit::servers::{Proxy, RedisServer};

use crate::support::{HOUR, answered, store, url, won};

#[tokio::test]
async fn fault_redis_evicts_keys_at_startup() {
    let server = RedisServer::start(&["--maxmemory", "100mb"]);
    for policy in ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"] {
        server.cli(&["config", "set", "maxmemory-policy", policy]);
        match RedisStore::connect(&server.url()).await {
            Err(ConnectError::Unfit(HealthIssue::Evicts(found))) => assert_eq!(found, policy),
            other => panic!("{other:?}"),
        }
        let store = RedisStore::builder().allow_eviction().connect(&server.url()).await.unwrap();
        assert!(store.check().await.unwrap().contains(&HealthIssue::Evicts(policy.to_owned())));
    }
}

#[tokio::test]
async fn fault_redis_evicts_keys_after_policy_change() {
    let server = RedisServer::start(&["--maxmemory", "3mb"]);
    let store = store(&server).await;
    assert_eq!(store.check().await.unwrap(), [HealthIssue::NotAppendOnly]);
    server.cli(&["config", "set", "maxmemory-policy", "allkeys-lru"]);
    for n in 0..40 {
        server.cli(&["set", &format!("other:{n}"), &"x".repeat(100_000)]);
    }
    let alarms = store.check().await.unwrap();
    assert!(alarms.contains(&HealthIssue::Evicts("allkeys-lru".to_owned())), "{alarms:?}");
    assert!(alarms.iter().any(|alarm| matches!(alarm, HealthIssue::Evicted(1..))), "{alarms:?}");
}

#[tokio::test]
async fn replica_is_refused() {
    let primary = RedisServer::start(&[]);
    let port = primary.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    let refused = RedisStore::connect(&replica.url()).await;
    assert!(matches!(refused, Err(ConnectError::Unfit(HealthIssue::Replica))), "{refused:?}");
}

#[tokio::test]
async fn unreachable_server_is_an_error_that_keeps_its_source() {
    let mut server = RedisServer::start(&[]);
    server.kill();
    let error = RedisStore::connect(&server.url()).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Unreachable(_)));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("did not do it"));
}

#[tokio::test]
async fn fault_redis_restarts_without_persistence() {
    let mut server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.restart();
    let alarms = loop {
        if let Ok(alarms) = store.check().await {
            break alarms;
        }
    };
    assert!(alarms.contains(&HealthIssue::Forgot), "{alarms:?}");
    let late = store.complete(claim, answered("late"), HOUR).await.unwrap();
    assert_eq!(late, Update::Stale(None), "what vanished is not brought back");
}

#[tokio::test]
async fn fault_record_changed_externally_flushed_server() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    store.check().await.unwrap();
    server.cli(&["flushall"]);
    assert!(store.check().await.unwrap().contains(&HealthIssue::Forgot));
    assert_eq!(store.complete(claim, answered("late"), HOUR).await.unwrap(), Update::Stale(None));
}

/// The replica never saw the last writes: it was cut off, the primary died, and it was promoted.
#[tokio::test]
async fn fault_redis_failover_loses_writes_and_is_detected() {
    let mut primary = RedisServer::start(&[]);
    let port = primary.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    replica.until(&["info", "replication"], |info| info.contains("master_link_status:up"));
    let proxy = Proxy::before(primary.port()).await;
    let store = RedisStore::connect(&url(&proxy)).await.unwrap();
    primary.cli(&["wait", "1", "5000"]);
    replica.cli(&["replicaof", "no", "one"]);
    let claim = won(&store).await;
    store.check().await.unwrap();
    primary.kill();
    proxy.lead_to(replica.port());
    let alarms = loop {
        if let Ok(alarms) = store.check().await {
            break alarms;
        }
    };
    assert!(alarms.contains(&HealthIssue::Forgot), "{alarms:?}");
    assert_eq!(store.complete(claim, answered("late"), HOUR).await.unwrap(), Update::Stale(None));
}
