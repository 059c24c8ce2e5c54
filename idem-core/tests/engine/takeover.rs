//! Requests after a lease has lapsed: refused under at most once, a takeover under at least once.

use idem_core::{Guarantee, MemoryStore, Policy};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Gate, LEASE, Service, done, ran, refused, replayed,
};

static TWO_ATTEMPTS: Policy = AT_LEAST_ONCE.with_max_attempts(2);

/// A service, and its store. The test advances the store's clock, so that a lease lapses while its owner
/// still runs.
fn service() -> (Service, MemoryStore) {
    let store = MemoryStore::new();
    (Service::new(store.clone()), store)
}

#[tokio::test]
async fn at_most_once_keeps_a_lapsed_key_and_its_late_owner_resolves_the_outcome() {
    let (service, store) = service();
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
    gate.started().await;
    store.advance_clock(LEASE);
    for _ in 0..2 {
        assert_eq!(
            service.send(&AT_MOST_ONCE, "key", done("second")).await,
            refused("OutcomeUnknown { retry_after: None }")
        );
    }
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("third")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn at_least_once_takes_over_a_lapsed_key_and_rejects_its_late_owner() {
    let (service, store) = service();
    let gate = Gate::default();
    let first = service.spawn(&AT_LEAST_ONCE, "key", gate.then("first"));
    gate.started().await;
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("early")).await, refused("InProgress"));

    store.advance_clock(LEASE);
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("second")).await, ran("second"));
    assert_eq!(service.attempt(), 2);
    gate.open();
    assert_eq!(
        first.await.unwrap(),
        replayed("second"),
        "the late client gets the one accepted result"
    );
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("third")).await, replayed("second"));
    assert_eq!(service.runs(), 2);
}

#[tokio::test]
async fn the_outcome_is_unknown_to_a_late_owner_while_its_successor_runs() {
    let (service, store) = service();
    let (slow, successor) = (Gate::default(), Gate::default());
    let first = service.spawn(&AT_LEAST_ONCE, "key", slow.then("first"));
    slow.started().await;
    store.advance_clock(LEASE);
    let second = service.spawn(&AT_LEAST_ONCE, "key", successor.then("second"));
    successor.started().await;

    slow.open();
    assert_eq!(first.await.unwrap(), refused("OutcomeUnknown { retry_after: None }"));
    successor.open();
    assert_eq!(second.await.unwrap(), ran("second"));
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("third")).await, replayed("second"));
}

#[tokio::test]
async fn the_outcome_is_unknown_after_the_last_attempt() {
    let (service, store) = service();
    let gates = [Gate::default(), Gate::default()];
    let mut runs = Vec::new();
    for gate in &gates {
        runs.push(service.spawn(&TWO_ATTEMPTS, "key", gate.then("late")));
        gate.started().await;
        store.advance_clock(LEASE);
    }
    assert_eq!(
        service.send(&TWO_ATTEMPTS, "key", done("third")).await,
        refused("OutcomeUnknown { retry_after: None }")
    );
    assert_eq!((service.runs(), service.attempt()), (2, 2));

    let [first, last] = gates;
    first.open();
    assert_eq!(runs.remove(0).await.unwrap(), refused("OutcomeUnknown { retry_after: None }"));
    last.open();
    assert_eq!(
        runs.remove(0).await.unwrap(),
        ran("late"),
        "the last owner still resolves the outcome"
    );
    assert_eq!(service.send(&TWO_ATTEMPTS, "key", done("third")).await, replayed("late"));
}

#[tokio::test]
async fn the_stricter_guarantee_of_record_and_request_applies() {
    for (first, second) in [(&AT_MOST_ONCE, &AT_LEAST_ONCE), (&AT_LEAST_ONCE, &AT_MOST_ONCE)] {
        assert_ne!(first.guarantee, second.guarantee);
        let (service, store) = service();
        let gate = Gate::default();
        let run = service.spawn(first, "key", gate.then("first"));
        gate.started().await;
        store.advance_clock(LEASE);
        assert_eq!(
            service.send(second, "key", done("second")).await,
            refused("OutcomeUnknown { retry_after: None }")
        );
        gate.open();
        assert_eq!(run.await.unwrap(), ran("first"));
    }
    assert_eq!(AT_MOST_ONCE.guarantee, Guarantee::AtMostOnce);
}
