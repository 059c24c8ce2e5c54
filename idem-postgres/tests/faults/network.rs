//! Lost replies, cut connections and a silent server.

use std::time::Duration;

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_postgres::PostgresStore;
use idem_testkit::servers::{PostgresServer, Proxy, Replies, eventually};

use crate::support::{
    HOUR, builder, claim_new, completed, completion, connect, error_kind, new_id, recovering,
    request, store, url,
};

/// A store with one connection that has prepared every statement, so that the next bytes belong to a call.
async fn store_behind(proxy: &Proxy) -> PostgresStore {
    let store = builder().max_connections(1).connect(&url(proxy)).await.unwrap();
    prepare(&store).await;
    store
}

async fn prepare(store: &PostgresStore) {
    let (one, two) = (claim_new(store).await, claim_new(store).await);
    assert_eq!(store.resume_run(one, HOUR, HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.complete(one, completion("known"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.release(two).await.unwrap(), Update::Applied);
}

/// The bytes of a record id, which a call contains unchanged.
fn bytes(id: idem_core::store::RecordId) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// The change is applied and its reply is lost. Repeating the call returns the applied change.
#[tokio::test]
async fn fault_claim_reply_lost_is_unknown_and_safe_to_repeat() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = store_behind(&proxy).await;
    for _ in 0..5 {
        let (id, request) = (new_id(), request());
        proxy.cut_after(bytes(id));
        assert_eq!(error_kind(store.claim(id, request.clone()).await), StoreErrorKind::Unknown);
        let ClaimOutcome::Acquired(claim) = store.claim(id, request.clone()).await.unwrap() else {
            panic!("the claim is not returned again")
        };
        prepare(&store).await;
        proxy.cut_after(bytes(id));
        let lost = store.complete(claim, completion("first"), HOUR).await;
        assert_eq!(error_kind(lost), StoreErrorKind::Unknown);
        let again = store.complete(claim, completion("second"), HOUR).await.unwrap();
        assert_eq!(again, Update::Applied);
        assert_eq!(store.claim(id, request.clone()).await.unwrap(), completed("first"));
    }
}

/// The reply to the claim of a recovery, and that to its end, are lost. The repeated claim is a recovery again, so that
/// the handler does not run before the outcome is known, and the repeated end is applied.
#[tokio::test]
async fn fault_recovery_claim_reply_lost_is_unknown_and_safe_to_repeat() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = store_behind(&proxy).await;
    for _ in 0..3 {
        let (id, request) = (new_id(), recovering());
        assert!(matches!(store.claim(id, recovering()).await.unwrap(), ClaimOutcome::Acquired(_)));
        server.age("public", HOUR * 2);
        prepare(&store).await;
        proxy.cut_after(bytes(id));
        assert_eq!(error_kind(store.claim(id, request.clone()).await), StoreErrorKind::Unknown);
        let ClaimOutcome::Recovering(claim, lost) = store.claim(id, request.clone()).await.unwrap()
        else {
            panic!("the claim is not a recovery")
        };
        assert_eq!((claim.attempt, lost.attempt()), (2, 1));
        prepare(&store).await;
        proxy.cut_after(bytes(id));
        let resumed = store.resume_run(claim, HOUR, HOUR).await;
        assert_eq!(error_kind(resumed), StoreErrorKind::Unknown);
        assert_eq!(store.resume_run(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
        assert_eq!(store.claim(id, request).await.unwrap(), ClaimOutcome::Acquired(claim));
        assert_eq!(store.complete(claim, completion("own"), HOUR).await.unwrap(), Update::Applied);
    }
}

/// A call that never arrives is unknown too, and is applied when it is repeated.
#[tokio::test]
async fn lost_call_is_unknown_and_applied_when_repeated() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = store_behind(&proxy).await;
    let (id, request) = (new_id(), request());
    proxy.cut_before(bytes(id));
    assert_eq!(error_kind(store.claim(id, request.clone()).await), StoreErrorKind::Unknown);
    assert_eq!(store.abandon(id, request.nonce).await.unwrap(), Update::Stale(None));
    let ClaimOutcome::Acquired(claim) = store.claim(id, request.clone()).await.unwrap() else {
        panic!("the key is not free")
    };
    prepare(&store).await;
    proxy.cut_before(bytes(id));
    let lost = store.complete(claim, completion("first"), HOUR).await;
    assert_eq!(error_kind(lost), StoreErrorKind::Unknown);
    let again = store.complete(claim, completion("second"), HOUR).await.unwrap();
    assert_eq!(again, Update::Applied);
    assert_eq!(store.claim(id, request.clone()).await.unwrap(), completed("second"));
}

#[tokio::test]
async fn fault_release_reply_lost_leaves_next_owner_untouched() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let (store, other) = (store_behind(&proxy).await, store(&server).await);
    let claim = claim_new(&store).await;
    proxy.cut_after(bytes(claim.id));
    assert_eq!(error_kind(store.release(claim).await), StoreErrorKind::Unknown);
    let ClaimOutcome::Acquired(next) = other.claim(claim.id, request()).await.unwrap() else {
        panic!("the key is not free")
    };
    assert_eq!(store.release(claim).await.unwrap(), Update::Stale(None));
    assert_eq!(other.complete(next, completion("next"), HOUR).await.unwrap(), Update::Applied);
}

/// A paused server keeps its connections open and does not reply.
#[tokio::test]
async fn fault_store_down_at_claim_silent_server() {
    let server = PostgresServer::start(&[]);
    let builder = builder()
        .max_connections(1)
        .statement_timeout(Duration::from_secs(2))
        .wait_timeout(Duration::from_secs(2));
    let store = connect(&builder, &server.url()).await;
    let (id, request) = (new_id(), request());
    let first = async || store.claim(new_id(), request.clone()).await.ok();
    drop(eventually("reply within the limits", first).await);
    server.pause();
    let first = error_kind(store.claim(id, request.clone()).await);
    let second = error_kind(store.claim(id, request.clone()).await);
    server.resume();
    // Nothing is sent on a connection that does not reply to a ping, or that cannot be opened.
    assert!(matches!(first, StoreErrorKind::Unknown | StoreErrorKind::NotDone));
    assert_eq!(second, StoreErrorKind::NotDone);
    for _ in 0..2 {
        let claim = async || store.claim(id, request.clone()).await.ok();
        let claimed = eventually("reply of the resumed server", claim).await;
        assert!(matches!(claimed, ClaimOutcome::Acquired(_)), "{claimed:?}");
    }
}

/// A connection with a pending reply is closed: the next call would read the wrong reply.
#[tokio::test]
async fn fault_dropped_call_on_shared_connection_replaces_silent_connection() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    // Each of the three lost replies takes a second longer than this.
    let builder = builder().max_connections(1).statement_timeout(Duration::from_secs(1));
    let builder = builder.wait_timeout(Duration::from_secs(2));
    let store = connect(&builder, &url(&proxy)).await;
    // The statement is prepared first.
    let claim = async || store.claim(new_id(), request()).await.ok();
    drop(eventually("reply within the limits", claim).await);
    for _ in 0..3 {
        proxy.replies(Replies::Swallow);
        assert_ne!(error_kind(store.claim(new_id(), request()).await), StoreErrorKind::Corrupt);
        proxy.replies(Replies::Pass);
        let claim = async || store.claim(new_id(), request()).await.ok();
        drop(eventually("new connection", claim).await);
    }
}
