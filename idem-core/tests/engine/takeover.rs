//! What follows a run that was not heard of for a lease: at most once holds, at least once goes on.

use idem_core::{Guarantee, MemoryStore, Policy};

use crate::support::{
    AGAIN, AT_LEAST_ONCE, Gate, LEASE, ONCE, Service, done, ran, refused, replayed,
};

static TWICE: Policy = AT_LEAST_ONCE.with_max_attempts(2);

/// A service over a store whose clock a test moves, so that a lease lapses while its owner, who does
/// not know of it, goes on.
fn service() -> (Service, MemoryStore) {
    let store = MemoryStore::new();
    (Service::new(store.clone()), store)
}

#[tokio::test]
async fn at_most_once_holds_a_lapsed_key_and_its_late_owner_resolves_it() {
    let (service, store) = service();
    let gate = Gate::default();
    let first = service.spawn(&ONCE, "key", gate.then("first"));
    gate.started().await;
    store.advance_clock(LEASE);
    for _ in 0..2 {
        assert_eq!(service.send(&ONCE, "key", done("second")).await, refused("OutcomeUnknown"));
    }
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.send(&ONCE, "key", done("third")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn at_least_once_takes_a_lapsed_key_over_and_fences_its_late_owner() {
    let (service, store) = service();
    let gate = Gate::default();
    let first = service.spawn(&AGAIN, "key", gate.then("first"));
    gate.started().await;
    assert_eq!(service.send(&AGAIN, "key", done("early")).await, refused("InProgress"));

    store.advance_clock(LEASE);
    assert_eq!(service.send(&AGAIN, "key", done("second")).await, ran("second"));
    assert_eq!(service.attempt(), 2);
    gate.open();
    assert_eq!(
        first.await.unwrap(),
        replayed("second"),
        "the late client gets the one accepted result"
    );
    assert_eq!(service.send(&AGAIN, "key", done("third")).await, replayed("second"));
    assert_eq!(service.runs(), 2);
}

#[tokio::test]
async fn a_late_owner_learns_nothing_while_its_successor_runs() {
    let (service, store) = service();
    let (slow, successor) = (Gate::default(), Gate::default());
    let first = service.spawn(&AGAIN, "key", slow.then("first"));
    slow.started().await;
    store.advance_clock(LEASE);
    let second = service.spawn(&AGAIN, "key", successor.then("second"));
    successor.started().await;

    slow.open();
    assert_eq!(first.await.unwrap(), refused("OutcomeUnknown"));
    successor.open();
    assert_eq!(second.await.unwrap(), ran("second"));
    assert_eq!(service.send(&AGAIN, "key", done("third")).await, replayed("second"));
}

#[tokio::test]
async fn a_key_is_unknown_after_the_last_attempt() {
    let (service, store) = service();
    let gates = [Gate::default(), Gate::default()];
    let mut runs = Vec::new();
    for gate in &gates {
        runs.push(service.spawn(&TWICE, "key", gate.then("late")));
        gate.started().await;
        store.advance_clock(LEASE);
    }
    assert_eq!(service.send(&TWICE, "key", done("third")).await, refused("OutcomeUnknown"));
    assert_eq!((service.runs(), service.attempt()), (2, 2));

    let [first, last] = gates;
    first.open();
    assert_eq!(runs.remove(0).await.unwrap(), refused("OutcomeUnknown"));
    last.open();
    assert_eq!(runs.remove(0).await.unwrap(), ran("late"), "the last nonce still resolves it");
    assert_eq!(service.send(&TWICE, "key", done("third")).await, replayed("late"));
}

#[tokio::test]
async fn the_careful_guarantee_counts_where_record_and_caller_differ() {
    for (first, second) in [(&ONCE, &AGAIN), (&AGAIN, &ONCE)] {
        assert_ne!(first.guarantee, second.guarantee);
        let (service, store) = service();
        let gate = Gate::default();
        let run = service.spawn(first, "key", gate.then("first"));
        gate.started().await;
        store.advance_clock(LEASE);
        assert_eq!(service.send(second, "key", done("second")).await, refused("OutcomeUnknown"));
        gate.open();
        assert_eq!(run.await.unwrap(), ran("first"));
    }
    assert_eq!(ONCE.guarantee, Guarantee::AtMostOnce);
}
