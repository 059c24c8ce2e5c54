//! Lost replies, broken connections and servers that do not reply.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::store::{ClaimOutcome, FoundState, IdempotencyStore, StoreErrorKind, Update};
use idem_redis::RedisStore;
use idem_testkit::servers::{Proxy, RedisServer, eventually};

use crate::support::{
    HOUR, builder, completed, completion, error_kind, found, key, key_name, request, store, url,
    won,
};

/// The limit after which a silent server counts as silent. On a busy machine, a healthy one can be silent for longer.
const SILENCE: Duration = Duration::from_secs(2);

/// A store behind a proxy, whose server has all scripts: every call sends one command. Its connection has no sample of
/// the server's clock.
pub(crate) async fn behind(proxy: &Proxy) -> RedisStore {
    let other = builder().connect(&url(proxy)).await.unwrap();
    let (one, two) = (won(&other).await, won(&other).await);
    assert_eq!(other.complete(one, completion("known"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(other.release(two).await.unwrap(), Update::Applied);
    builder().connect(&url(proxy)).await.unwrap()
}

/// For claims by script and by plain command: the claim was made, its reply is lost, and a repeated call
/// returns the same claim.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_claim_reply_lost_is_unknown_and_safe_to_repeat() {
    let server = RedisServer::start(&[]);
    tokio::join!(lose_replies(&server, false), lose_replies(&server, true));
}

async fn lose_replies(server: &RedisServer, has_clock_sample: bool) {
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    let (id, request) = (key(), request());
    if has_clock_sample {
        won(&store).await;
    }
    proxy.cut_after(key_name(id));
    assert_eq!(error_kind(store.claim(id, request.clone()).await), StoreErrorKind::Unknown);
    let ClaimOutcome::Acquired(claim) = store.claim(id, request.clone()).await.unwrap() else {
        panic!("the same claim")
    };

    proxy.cut_after(key_name(id));
    let lost = store.complete(claim, completion("first"), HOUR).await;
    assert_eq!(error_kind(lost), StoreErrorKind::Unknown);
    // The reply to a health check, which also ends the connection, can be earlier than the completion.
    let direct = self::store(server).await;
    eventually("first completion", async || {
        let state = found(&direct, id).await.state;
        matches!(state, FoundState::Completed { .. }).then_some(())
    })
    .await;
    let again = store.complete(claim, completion("second"), HOUR).await.unwrap();
    assert_eq!(again, Update::Applied);
    assert_eq!(store.claim(id, request).await.unwrap(), completed("first"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_release_reply_lost_leaves_next_owner_untouched() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let (store, other) = (behind(&proxy).await, store(&server).await);
    let claim = won(&store).await;
    proxy.cut_after(key_name(claim.id));
    assert_eq!(error_kind(store.release(claim).await), StoreErrorKind::Unknown);
    // The reply to a health check, which also ends the connection, can be earlier than the release.
    let freed = async || {
        let claimed = other.claim(claim.id, request()).await.unwrap();
        if let ClaimOutcome::Acquired(next) = claimed { Some(next) } else { None }
    };
    let next = eventually("freed key", freed).await;
    assert_eq!(store.release(claim).await.unwrap(), Update::Stale(None));
    assert_eq!(other.complete(next, completion("next"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connection_is_replaced() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    for _ in 0..20 {
        // The proxy runs concurrently, so the store may notice the cut one call later.
        let (key, request) = (key(), request());
        let mut claimed = store.claim(key, request.clone()).await;
        if let Err(error) = &claimed {
            assert_eq!(error.kind(), StoreErrorKind::Unknown);
            claimed = store.claim(key, request).await;
        }
        let Ok(ClaimOutcome::Acquired(claim)) = claimed else { panic!("{claimed:?}") };
        proxy.cut();
        let mut update = store.complete(claim, completion("kept"), HOUR).await;
        if let Err(error) = &update {
            assert_eq!(error.kind(), StoreErrorKind::Unknown);
            update = store.complete(claim, completion("kept"), HOUR).await;
        }
        assert_eq!(update.unwrap(), Update::Applied);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_outage_short_is_not_done_then_recovers() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.kill();
    // The first call may use the connection that just broke.
    drop(store.claim(key(), request()).await);
    for _ in 0..3 {
        assert_eq!(error_kind(store.claim(key(), request()).await), StoreErrorKind::NotDone);
        let rejected = store.complete(claim, completion("kept"), HOUR).await;
        assert_eq!(error_kind(rejected), StoreErrorKind::NotDone);
    }
    server.restart();
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
}

/// A paused server keeps connections open and does not reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_down_at_claim_silent_server() {
    let server = RedisServer::start(&[]);
    let builder = builder().command_timeout(SILENCE).connect_timeout(SILENCE);
    let store = eventually("connection within the limits", async || {
        builder.clone().connect(&server.url()).await.ok()
    })
    .await;
    // The check that the store starts on its own ends before the second one of these. If it had no reply, it would replace
    // the connection.
    for _ in 0..2 {
        eventually("successful health check", async || store.check().await.ok()).await;
    }
    let (id, request) = (key(), request());
    server.pause();
    assert_eq!(error_kind(store.claim(id, request.clone()).await), StoreErrorKind::Unknown);
    assert_eq!(
        error_kind(store.claim(id, request.clone()).await),
        StoreErrorKind::NotDone,
        "cannot connect"
    );
    server.resume();
    let claim = async || store.claim(id, request.clone()).await.ok();
    let claimed = eventually("reply of the resumed server", claim).await;
    assert!(matches!(claimed, ClaimOutcome::Acquired(_)), "{claimed:?}");
}

/// The claim is refused as long as no replica has it. Its key is not free in the meantime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_failover_loses_writes_unless_claim_waits_for_replicas() {
    let primary = RedisServer::start(&[]);
    let port = primary.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    replica.until(&["info", "replication"], |info| info.contains("master_link_status:up"));
    let waiting = async |within| {
        let builder = builder().wait_for_replicas(NonZeroU32::MIN, within);
        builder.connect(&primary.url()).await.unwrap()
    };
    let durable = waiting(Duration::from_secs(60)).await;
    // Only the calls whose wait must fail use this store.
    let impatient = waiting(Duration::from_millis(300)).await;
    let claim = won(&durable).await;
    assert_eq!(durable.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(durable.claim(claim.id, request()).await.unwrap(), completed("kept"));
    let running = won(&durable).await;

    replica.cli(&["replicaof", "no", "one"]);
    let (id, unconfirmed) = (key(), request());
    assert_eq!(error_kind(impatient.claim(id, unconfirmed.clone()).await), StoreErrorKind::Unknown);
    let other = store(&primary).await;
    assert!(matches!(other.claim(id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    assert_eq!(durable.abandon(id, unconfirmed.nonce).await.unwrap(), Update::Applied);
    let lost = impatient.complete(running, completion("kept"), HOUR).await;
    assert_eq!(error_kind(lost), StoreErrorKind::Unknown);

    replica.cli(&["replicaof", "127.0.0.1", &port]);
    replica.until(&["info", "replication"], |info| info.contains("master_link_status:up"));
    let confirmed = durable.complete(running, completion("again"), HOUR).await.unwrap();
    assert_eq!(confirmed, Update::Applied, "it was applied before, and now the replica has it");
}
