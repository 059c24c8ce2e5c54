//! Lost replies, cut connections, silence.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_redis::RedisStore;
use idem_testkit::servers::{Proxy, RedisServer, Replies};

use crate::support::{HOUR, answered, completed, failure, key, request, store, url, won};

/// A store whose server knows the scripts, so that the first reply is that of a call.
async fn behind(proxy: &Proxy) -> RedisStore {
    let builder = RedisStore::builder().command_timeout(Duration::from_millis(300));
    let store = builder.connect(&url(proxy)).await.unwrap();
    let (one, two) = (won(&store).await, won(&store).await);
    assert_eq!(store.complete(one, answered("known"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.release(two).await.unwrap(), Update::Applied);
    proxy.cut();
    while store.claim(key(), request()).await.is_err() {}
    store
}

/// By script and by plain command alike: the change was made, its answer is lost, and sending it again
/// finds it made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_claim_reply_lost_is_unknown_and_safe_to_repeat() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    for hears_the_time in [false, true] {
        let (id, request) = (key(), request());
        if hears_the_time {
            won(&store).await;
        }
        proxy.replies(Replies::Swallow);
        assert_eq!(failure(store.claim(id, request).await), StoreErrorKind::Unknown);
        proxy.replies(Replies::Pass);
        let ClaimOutcome::Acquired(claim) = store.claim(id, request).await.unwrap() else {
            panic!("mine")
        };

        proxy.replies(Replies::Swallow);
        let lost = store.complete(claim, answered("first"), HOUR).await;
        assert_eq!(failure(lost), StoreErrorKind::Unknown);
        proxy.replies(Replies::Pass);
        let again = store.complete(claim, answered("second"), HOUR).await.unwrap();
        assert_eq!(again, Update::Applied);
        assert_eq!(store.claim(id, request).await.unwrap(), completed("first"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_release_reply_lost_leaves_next_owner_untouched() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let (store, other) = (behind(&proxy).await, store(&server).await);
    let claim = won(&store).await;
    proxy.replies(Replies::Swallow);
    assert_eq!(failure(store.release(claim).await), StoreErrorKind::Unknown);
    let ClaimOutcome::Acquired(next) = other.claim(claim.id, request()).await.unwrap() else {
        panic!("freed")
    };
    proxy.replies(Replies::Pass);
    assert_eq!(store.release(claim).await.unwrap(), Update::Stale(None));
    assert_eq!(other.complete(next, answered("next"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connection_is_replaced() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    for _ in 0..20 {
        // The proxy runs beside the store, so a cut may be noticed a call later.
        let (key, request) = (key(), request());
        let mut claimed = store.claim(key, request).await;
        if let Err(error) = &claimed {
            assert_eq!(error.kind(), StoreErrorKind::Unknown);
            claimed = store.claim(key, request).await;
        }
        let Ok(ClaimOutcome::Acquired(claim)) = claimed else { panic!("{claimed:?}") };
        proxy.cut();
        let mut concluded = store.complete(claim, answered("kept"), HOUR).await;
        if let Err(error) = &concluded {
            assert_eq!(error.kind(), StoreErrorKind::Unknown);
            concluded = store.complete(claim, answered("kept"), HOUR).await;
        }
        assert_eq!(concluded.unwrap(), Update::Applied);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_outage_short_is_not_done_then_recovers() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.kill();
    // The first call may meet the connection that just broke.
    drop(store.claim(key(), request()).await);
    for _ in 0..3 {
        assert_eq!(failure(store.claim(key(), request()).await), StoreErrorKind::NotDone);
        let refused = store.complete(claim, answered("kept"), HOUR).await;
        assert_eq!(failure(refused), StoreErrorKind::NotDone);
    }
    server.restart();
    assert_eq!(store.complete(claim, answered("kept"), HOUR).await.unwrap(), Update::Applied);
}

/// A paused server holds connections open and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_down_at_claim_silent_server() {
    let server = RedisServer::start(&[]);
    let builder = RedisStore::builder()
        .command_timeout(Duration::from_millis(200))
        .connect_timeout(Duration::from_millis(200));
    let store = builder.connect(&server.url()).await.unwrap();
    let (id, request) = (key(), request());
    server.pause();
    assert_eq!(failure(store.claim(id, request).await), StoreErrorKind::Unknown);
    assert_eq!(failure(store.claim(id, request).await), StoreErrorKind::NotDone, "cannot connect");
    server.resume();
    assert!(matches!(store.claim(id, request).await.unwrap(), ClaimOutcome::Acquired(_)));
}

/// The claim is refused as long as no replica has it, and nothing is free meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_failover_loses_writes_unless_claim_waits_for_replicas() {
    let primary = RedisServer::start(&[]);
    let port = primary.port().to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    replica.until(&["info", "replication"], |info| info.contains("master_link_status:up"));
    let builder =
        RedisStore::builder().wait_for_replicas(NonZeroU32::MIN, Duration::from_millis(300));
    let durable = builder.connect(&primary.url()).await.unwrap();
    let claim = won(&durable).await;
    assert_eq!(durable.complete(claim, answered("kept"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(durable.claim(claim.id, request()).await.unwrap(), completed("kept"));
    let running = won(&durable).await;

    replica.cli(&["replicaof", "no", "one"]);
    let (id, own) = (key(), request());
    assert_eq!(failure(durable.claim(id, own).await), StoreErrorKind::Unknown);
    let other = store(&primary).await;
    assert!(matches!(other.claim(id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    assert_eq!(durable.abandon(id, own.nonce).await.unwrap(), Update::Applied);
    let unconfirmed = durable.complete(running, answered("kept"), HOUR).await;
    assert_eq!(failure(unconfirmed), StoreErrorKind::Unknown);

    replica.cli(&["replicaof", "127.0.0.1", &port]);
    replica.until(&["info", "replication"], |info| info.contains("master_link_status:up"));
    let confirmed = durable.complete(running, answered("again"), HOUR).await.unwrap();
    assert_eq!(confirmed, Update::Applied, "held before, and the replica has it now");
}
