//! Claims whose reply is lost: how often the store is asked to abandon them, and how long `drain` waits.

use std::time::Duration;

use idem_core::Drained;
use tokio::time::{Instant, sleep};

use crate::support::{
    AT_MOST_ONCE, Gate, HUGE, LEASE, LossyStore, Response, Service, done, poll_times, ran, refused,
    replayed,
};

#[tokio::test(start_paused = true)]
async fn a_replay_after_a_lost_reply_abandons_nothing() {
    let store = LossyStore::default();
    let service = Service::new(store.clone());
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
    store.lose_claims(1);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, replayed("first"));
    assert_eq!(poll_times(service.idempotency.drain(HUGE), 1).await, Some(Drained::Finished));
    sleep(LEASE).await;
    assert_eq!(store.abandonments(), 0);
}

/// Loses a claim while another run is active, and counts the abandonments until two leases later. The clock moves only if
/// nothing else can happen, so the calls of a whole lease are counted.
async fn abandonments_beside_a_run(store: LossyStore) -> usize {
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
    gate.started().await;
    store.lose_claims(1);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, refused("InProgress"));
    sleep(2 * LEASE).await;
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    store.abandonments()
}

#[tokio::test(start_paused = true)]
async fn a_lost_claim_is_abandoned_rarely_while_another_run_is_active() {
    let sent = abandonments_beside_a_run(LossyStore::default()).await;
    assert_eq!(sent, 4, "immediately, after 1 s, after 5 s, at the end of the lease");
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_abandoned_once_if_its_record_is_unreadable() {
    let store = LossyStore::default();
    store.damage_records();
    assert_eq!(abandonments_beside_a_run(store).await, 1);
}

/// The pauses double up to 5 s.
#[tokio::test(start_paused = true)]
async fn a_claim_is_abandoned_more_and_more_rarely_if_the_store_fails() {
    let store = LossyStore::default();
    let service = Service::new(store.clone());
    store.lose_claims(usize::MAX);
    store.lose_abandonments(usize::MAX);
    drop(service.send(&AT_MOST_ONCE, "key", done("never")).await);
    sleep(Duration::from_secs(60)).await;
    let sent = store.abandonments();
    assert!((10..=30).contains(&sent), "{sent}");
}

/// A paused server applies a claim only when it resumes. No handler ran, so the key must become free.
#[tokio::test(start_paused = true)]
async fn a_claim_is_abandoned_after_a_silence_longer_than_its_lease() {
    let store = LossyStore::default();
    store.apply_lost_claims();
    let service = Service::new(store.clone());
    store.lose_claims(usize::MAX);
    store.lose_abandonments(usize::MAX);
    drop(service.send(&AT_MOST_ONCE, "key", done("never")).await);
    sleep(LEASE + Duration::from_secs(30)).await;
    store.lose_claims(0);
    store.lose_abandonments(0);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, ran("second"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_silent_is_not_asked_for_ever() {
    let store = LossyStore::default();
    let service = Service::new(store.clone());
    store.lose_claims(usize::MAX);
    store.lose_abandonments(usize::MAX);
    drop(service.send(&AT_MOST_ONCE, "key", done("never")).await);
    sleep(LEASE + Duration::from_secs(70)).await;
    let sent = store.abandonments();
    sleep(LEASE).await;
    assert_eq!(store.abandonments(), sent);
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_a_few_seconds_for_lost_claims() {
    let store = LossyStore::default();
    let service = Service::new(store.clone());
    store.lose_claims(usize::MAX);
    let seen = service.send(&AT_MOST_ONCE, "key", done("never")).await;
    assert!(
        matches!(&seen, Response::Rejected(text) if text.contains("StoreUnavailable")),
        "{seen:?}"
    );
    let began = Instant::now();
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(store.abandonments() >= 2, "it was asked again before the drain ended");
}
