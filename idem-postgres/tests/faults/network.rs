//! Lost replies, cut connections, silence.

use std::time::Duration;

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_postgres::PostgresStore;
use idem_testkit::servers::{PostgresServer, Proxy, Replies};

use crate::support::{HOUR, answered, builder, completed, failure, key, request, store, url, won};

/// A store whose one connection has every statement prepared, so that the next bytes are those of a call.
async fn behind(proxy: &Proxy) -> PostgresStore {
    let store = builder().max_connections(1).connect(&url(proxy)).await.unwrap();
    prepare(&store).await;
    store
}

async fn prepare(store: &PostgresStore) {
    let (one, two) = (won(store).await, won(store).await);
    assert_eq!(store.complete(one, answered("known"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.release(two).await.unwrap(), Update::Applied);
}

/// The bytes that stand in a bound call as they are.
fn bytes(id: idem_core::store::RecordId) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// The change was made, its answer is lost, and sending it again finds it made.
#[tokio::test]
async fn fault_claim_reply_lost_is_unknown_and_safe_to_repeat() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    for _ in 0..5 {
        let (id, request) = (key(), request());
        proxy.cut_after(bytes(id));
        assert_eq!(failure(store.claim(id, request).await), StoreErrorKind::Unknown);
        let ClaimOutcome::Acquired(claim) = store.claim(id, request).await.unwrap() else {
            panic!("mine")
        };
        prepare(&store).await;
        proxy.cut_after(bytes(id));
        let lost = store.complete(claim, answered("first"), HOUR).await;
        assert_eq!(failure(lost), StoreErrorKind::Unknown);
        let again = store.complete(claim, answered("second"), HOUR).await.unwrap();
        assert_eq!(again, Update::Applied);
        assert_eq!(store.claim(id, request).await.unwrap(), completed("first"));
    }
}

/// What never arrived is unknown all the same, and is done when it is sent again.
#[tokio::test]
async fn lost_call_is_unknown_and_is_made_when_it_is_repeated() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    let (id, request) = (key(), request());
    proxy.cut_before(bytes(id));
    assert_eq!(failure(store.claim(id, request).await), StoreErrorKind::Unknown);
    assert_eq!(store.abandon(id, request.nonce).await.unwrap(), Update::Stale(None));
    let ClaimOutcome::Acquired(claim) = store.claim(id, request).await.unwrap() else {
        panic!("new")
    };
    prepare(&store).await;
    proxy.cut_before(bytes(id));
    let lost = store.complete(claim, answered("first"), HOUR).await;
    assert_eq!(failure(lost), StoreErrorKind::Unknown);
    let again = store.complete(claim, answered("second"), HOUR).await.unwrap();
    assert_eq!(again, Update::Applied);
    assert_eq!(store.claim(id, request).await.unwrap(), completed("second"));
}

#[tokio::test]
async fn fault_release_reply_lost_leaves_next_owner_untouched() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let (store, other) = (behind(&proxy).await, store(&server).await);
    let claim = won(&store).await;
    proxy.cut_after(bytes(claim.id));
    assert_eq!(failure(store.release(claim).await), StoreErrorKind::Unknown);
    let ClaimOutcome::Acquired(next) = other.claim(claim.id, request()).await.unwrap() else {
        panic!("freed")
    };
    assert_eq!(store.release(claim).await.unwrap(), Update::Stale(None));
    assert_eq!(other.complete(next, answered("next"), HOUR).await.unwrap(), Update::Applied);
}

/// A paused server holds connections open and says nothing.
#[tokio::test]
async fn fault_store_down_at_claim_silent_server() {
    let server = PostgresServer::start(&[]);
    let builder = builder()
        .max_connections(1)
        .statement_timeout(Duration::from_millis(100))
        .wait_timeout(Duration::from_millis(500));
    let store = builder.connect(&server.url()).await.unwrap();
    let (id, request) = (key(), request());
    won(&store).await;
    server.pause();
    let first = failure(store.claim(id, request).await);
    let second = failure(store.claim(id, request).await);
    server.resume();
    // Nothing is sent on a connection that did not answer when it was looked at, or was not made.
    assert!(matches!(first, StoreErrorKind::Unknown | StoreErrorKind::NotDone));
    assert_eq!(second, StoreErrorKind::NotDone);
    while store.claim(id, request).await.is_err() {}
    assert!(matches!(store.claim(id, request).await.unwrap(), ClaimOutcome::Acquired(_)));
}

/// A connection that owes an answer is closed: given back, it would owe it to the next call.
#[tokio::test]
async fn fault_dropped_call_on_shared_connection_replaces_silent_connection() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let builder = builder().max_connections(1).statement_timeout(Duration::from_millis(100));
    let store = builder.connect(&url(&proxy)).await.unwrap();
    prepare(&store).await;
    for _ in 0..3 {
        proxy.replies(Replies::Swallow);
        assert_ne!(failure(store.claim(key(), request()).await), StoreErrorKind::Corrupt);
        proxy.replies(Replies::Pass);
        let claimed_again = async { while store.claim(key(), request()).await.is_err() {} };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, claimed_again).await.expect("a new connection");
    }
}
