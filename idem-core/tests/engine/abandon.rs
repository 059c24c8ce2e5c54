//! Claims whose reply is lost: how often the store is asked to abandon them, and how long `drain` waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreError, StoreFuture, Update,
};
use idem_core::{Drained, MemoryStore};
use tokio::time::{Instant, sleep};

use crate::support::{
    AT_MOST_ONCE, Gate, HUGE, LEASE, Response, Service, done, poll_times, ran, refused, replayed,
};

/// A store that loses the next claims before they are applied, and counts abandonments.
#[derive(Clone, Debug, Default)]
struct Lossy {
    store: MemoryStore,
    lost_claims: Arc<AtomicUsize>,
    abandonments: Arc<AtomicUsize>,
}

impl Lossy {
    fn lose_claims(&self, count: usize) {
        self.lost_claims.store(count, Ordering::SeqCst);
    }

    fn abandonments(&self) -> usize {
        self.abandonments.load(Ordering::SeqCst)
    }
}

impl IdempotencyStore for Lossy {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        let lose = |count: usize| count.checked_sub(1);
        match self.lost_claims.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose) {
            Ok(_) => StoreFuture::ready(Err(StoreError::unknown("the connection was closed"))),
            Err(_) => self.store.claim(id, request),
        }
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.store.renew(claim, lease, hold)
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.store.resume_run(claim, lease, hold)
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.store.complete(claim, completion, retention)
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.store.release(claim)
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.abandonments.fetch_add(1, Ordering::SeqCst);
        self.store.abandon(id, nonce)
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_after_a_lost_reply_abandons_nothing() {
    let store = Lossy::default();
    let service = Service::new(store.clone());
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
    store.lose_claims(1);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, replayed("first"));
    assert_eq!(poll_times(service.idempotency.drain(HUGE), 1).await, Some(Drained::Finished));
    sleep(LEASE).await;
    assert_eq!(store.abandonments(), 0);
}

/// The clock moves only if nothing else can happen, so the calls of a whole lease are counted.
#[tokio::test(start_paused = true)]
async fn a_lost_claim_is_abandoned_rarely_while_another_run_is_active() {
    let store = Lossy::default();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
    gate.started().await;
    store.lose_claims(1);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, refused("InProgress"));
    sleep(2 * LEASE).await;
    assert_eq!(
        store.abandonments(),
        4,
        "immediately, after 1 s, after 5 s, at the end of the lease"
    );
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_a_few_seconds_for_lost_claims() {
    let store = Lossy::default();
    let service = Service::new(store.clone());
    store.lose_claims(usize::MAX);
    let seen = service.send(&AT_MOST_ONCE, "key", done("never")).await;
    assert!(
        matches!(&seen, Response::Rejected(text) if text.contains("StoreUnavailable")),
        "{seen:?}"
    );
    let began = Instant::now();
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    assert!(began.elapsed() < LEASE, "{:?}", began.elapsed());
    assert!(store.abandonments() >= 2, "it was asked again before the drain ended");
}
