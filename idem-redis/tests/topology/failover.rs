//! A primary is killed, its replica takes over, and the store connects to it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, Headers, IdempotencyStore, RecordId, State,
    StoreError, StoredResponse, Update,
};
use idem_core::{Guarantee, Policy};
use idem_redis::RedisStore;
use idem_testkit::servers::{RedisCluster, RedisServer};
use tokio::time::sleep;

use crate::{
    LIMIT, PATIENCE, PAUSE, connect_cluster, connect_sentinel, harness, set_patience,
    set_sentinels, start_cluster, start_sentinel,
};

const HOUR: Duration = Duration::from_secs(3600);

fn request() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(HOUR, Guarantee::AtMostOnce).with_lease(HOUR))
}

fn done() -> Completion {
    let body = Bytes::from_static(b"done");
    Completion::Response(StoredResponse::new(201, Headers::default(), body))
}

/// Claims a new key, and another one if a busy server replies too late.
async fn won(store: &RedisStore) -> Claim {
    let claim = async || store.claim(RecordId::from_bytes(rand::random()), request()).await;
    match retry(claim).await {
        ClaimOutcome::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// Waits until the replica has every write that the primary has made. `WAIT` waits only for those of its own connection.
fn replicate(primary: &RedisServer, replica: &RedisServer) {
    let made = offset(&primary.cli(&["info", "replication"]), "master_repl_offset:");
    let replicated = |info: &str| offset(info, "slave_repl_offset:") >= made;
    replica.until(&["info", "replication"], replicated);
}

/// An offset of `info replication`, or zero if it is not there.
fn offset(info: &str, name: &str) -> u64 {
    let value = info.lines().find_map(|line| line.strip_prefix(name));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

/// The replica of the first node of a Cluster.
fn replica_of_first(cluster: &RedisCluster) -> &RedisServer {
    let primary = format!("master_port:{}", cluster.nodes[0].port());
    let is_replica = |node: &&RedisServer| {
        node.cli(&["info", "replication"]).lines().any(|line| line.trim() == primary)
    };
    cluster.nodes[3..].iter().find(is_replica).unwrap()
}

/// Repeats a call until it succeeds.
async fn retry<T>(call: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let started = Instant::now();
    loop {
        match call().await {
            Ok(reply) => return reply,
            Err(error) => assert!(started.elapsed() < LIMIT, "still {error:?}"),
        }
        sleep(PAUSE).await;
    }
}

/// Claims of the old primary are completed on the new one. Their keys are not free, and new keys are.
async fn check_failover(store: &RedisStore, claims: Vec<Claim>) {
    for claim in &claims {
        let update = retry(async || store.complete(*claim, done(), HOUR).await).await;
        assert_eq!(update, Update::Applied);
    }
    for claim in claims {
        match retry(async || store.claim(claim.id, request()).await).await {
            ClaimOutcome::Exists(existing) => {
                assert!(matches!(existing.state, State::Completed(_)));
            }
            other => panic!("{other:?}"),
        }
    }
    retry(async || {
        let id = RecordId::from_bytes(rand::random());
        store
            .claim(id, request())
            .await
            .map(|claimed| assert!(matches!(claimed, ClaimOutcome::Acquired(_))))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_promotes_the_replica() {
    let mut servers = start_sentinel();
    let store = connect_sentinel(&RedisStore::builder(), &servers).await;
    let mut claims = Vec::new();
    for _ in 0..20 {
        claims.push(won(&store).await);
    }
    replicate(&servers.primary, &servers.replica);
    set_sentinels(&servers, "down-after-milliseconds", "500");
    servers.primary.kill();
    check_failover(&store, claims).await;
    assert!(servers.replica.cli(&["info", "replication"]).contains("role:master"));
}

/// The old primary is demoted and still reachable. It refuses writes with READONLY.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_leaves_demoted_primary() {
    let servers = start_sentinel();
    let store = connect_sentinel(&RedisStore::builder(), &servers).await;
    let claim = won(&store).await;
    replicate(&servers.primary, &servers.replica);
    // Otherwise this failover ends for ever if the replica is busy, and does not begin if it was.
    set_sentinels(&servers, "failover-timeout", PATIENCE);
    let failover = ["sentinel", "failover", "mymaster"];
    servers.sentinels[0].until(&failover, |reply| reply == "OK" || reply.starts_with("INPROG"));
    servers.primary.until(&["info", "replication"], |info| info.contains("role:slave"));
    check_failover(&store, vec![claim]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_promotes_a_replica() {
    let mut servers = start_cluster();
    let store = connect_cluster(&RedisStore::builder(), &servers).await;
    let mut claims = Vec::new();
    for _ in 0..30 {
        claims.push(won(&store).await);
    }
    replicate(&servers.nodes[0], replica_of_first(&servers));
    set_patience(&servers, "3000");
    servers.nodes[0].kill();
    check_failover(&store, claims).await;
}

/// A slot moves to another node. The source first redirects single commands (ASK). After the move every node
/// redirects (MOVED).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_refuses_or_redirects_moved_key() {
    let servers = start_cluster();
    let store = connect_cluster(&harness::builder(), &servers).await;
    let claim = won(&store).await;
    let primaries = &servers.nodes[..3];
    let keys = |node: &RedisServer| node.cli(&["keys", "idem:*:????????????????????????????????*"]);
    let source = primaries.iter().position(|node| !keys(node).trim().is_empty()).unwrap();
    let (source, target) = (&primaries[source], &primaries[(source + 1) % 3]);
    let key = keys(source).trim().to_owned();
    let slot = source.cli(&["cluster", "keyslot", &key]).trim().to_owned();
    let id = |node: &RedisServer| node.cli(&["cluster", "myid"]).trim().to_owned();
    let (source_id, target_id) = (id(source), id(target));

    target.cli(&["cluster", "setslot", &slot, "importing", &source_id]);
    source.cli(&["cluster", "setslot", &slot, "migrating", &target_id]);
    let port = target.port().to_string();
    source.cli(&["migrate", "127.0.0.1", &port, &key, "0", PATIENCE]);
    assert!(source.cli(&["get", &key]).contains("ASK"), "the source redirects a single command");
    assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
    assert!(matches!(found(&store, claim).await, State::Running));
    assert_eq!(store.complete(claim, done(), HOUR).await.unwrap(), Update::Applied);

    for node in primaries {
        node.cli(&["cluster", "setslot", &slot, "node", &target_id]);
    }
    assert!(source.cli(&["get", &key]).contains("MOVED"), "the slot has moved");
    assert!(matches!(found(&store, claim).await, State::Completed(_)));
}

/// The state that a duplicate of the request finds.
async fn found(store: &RedisStore, claim: Claim) -> State {
    match store.claim(claim.id, request()).await.unwrap() {
        ClaimOutcome::Exists(existing) => existing.state,
        other => panic!("{other:?}"),
    }
}
