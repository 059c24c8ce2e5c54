//! The memory store wakes listeners exactly when a record changes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use idem_core::store::{
    Changed, Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    UnknownReason,
};
use idem_core::{Guarantee, MemoryStore, Policy};
use tokio::time::timeout;

const MINUTE: Duration = Duration::from_secs(60);

fn request() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(MINUTE, Guarantee::AtLeastOnce).with_lease(MINUTE))
}

async fn claimed() -> (MemoryStore, Claim) {
    let store = MemoryStore::new();
    let ClaimOutcome::Acquired(claim) = claim(&store, RecordId::from_bytes(rand::random())).await
    else {
        panic!("new")
    };
    (store, claim)
}

async fn claim(store: &MemoryStore, id: RecordId) -> ClaimOutcome {
    store.claim(id, request()).await.unwrap()
}

fn is_woken(changed: &mut Changed) -> bool {
    let woken = Pin::new(changed).poll(&mut Context::from_waker(Waker::noop()));
    matches!(woken, Poll::Ready(()))
}

/// Duplicates and rejected calls wake no listener.
#[tokio::test]
async fn nothing_wakes_before_a_change() {
    let (store, held) = claimed().await;
    let mut changed = store.changed(held.id);
    let stale = Claim { nonce: ClaimNonce::random(), ..held };
    drop(claim(&store, held.id).await);
    drop(claim(&store, RecordId::from_bytes([0; 32])).await);
    drop(store.renew(stale, MINUTE, MINUTE).await);
    drop(store.complete(stale, unknown(), MINUTE).await);
    drop(store.release(stale).await);
    drop(store.abandon(held.id, stale.nonce).await);
    assert!(!is_woken(&mut changed));
    drop(store.release(held).await);
    assert!(is_woken(&mut changed));
}

#[tokio::test]
async fn takeover_wakes() {
    let (store, held) = claimed().await;
    store.advance_clock(MINUTE);
    let mut changed = store.changed(held.id);
    assert!(!is_woken(&mut changed), "time alone wakes no listener");
    assert!(matches!(claim(&store, held.id).await, ClaimOutcome::Acquired(_)));
    assert!(is_woken(&mut changed));
}

/// Listening begins with the call: a change before the first poll is not missed.
#[tokio::test]
async fn change_before_the_first_poll_wakes() {
    let (store, held) = claimed().await;
    let mut changed = store.changed(held.id);
    drop(store.complete(held, unknown(), MINUTE).await);
    assert!(is_woken(&mut changed));
}

/// Each of several listeners, consecutive or concurrent, is woken once.
#[tokio::test]
async fn every_listener_is_woken_once() {
    let (store, held) = claimed().await;
    let (mut one, mut two) = (store.changed(held.id), store.changed(held.id));
    drop(store.renew(held, MINUTE, MINUTE).await);
    drop(store.complete(held, unknown(), MINUTE).await);
    assert!(is_woken(&mut one) && is_woken(&mut two));
    assert!(!is_woken(&mut store.changed(held.id)));
}

/// Many threads change a key while others begin to listen. Every listener that began before the last
/// change is woken.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_in_a_race() {
    for _ in 0..500 {
        let (store, held) = claimed().await;
        let listener = tokio::spawn({
            let store = store.clone();
            async move {
                let mut changed = store.changed(held.id);
                while !matches!(claim(&store, held.id).await, ClaimOutcome::Acquired(_)) {
                    changed.await;
                    changed = store.changed(held.id);
                }
            }
        });
        for _ in 0..200 {
            drop(store.renew(held, MINUTE, MINUTE).await);
        }
        drop(store.release(held).await);
        timeout(MINUTE, listener).await.expect("a wake-up was lost").unwrap();
    }
}

fn unknown() -> Completion {
    Completion::unknown(UnknownReason::TimedOut)
}
