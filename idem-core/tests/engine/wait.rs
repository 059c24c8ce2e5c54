//! Duplicates that wait for the first run to finish.

use idem_core::{Idempotency, MemoryStore};
use tokio::task::JoinSet;

use crate::support::{
    AGAIN_WAITING, Gate, ONCE, ONCE_WAITING, Seen, Service, done, not_executed, polled, ran,
    refused, replayed,
};

/// More polls than a duplicate takes to take its seat.
const SEATED: usize = 3;

#[tokio::test]
async fn all_waiting_duplicates_get_the_answer_of_the_first() {
    for policy in [&ONCE_WAITING, &AGAIN_WAITING] {
        let service = Service::new(MemoryStore::new());
        let gate = Gate::default();
        let first = service.spawn(policy, "key", gate.then("first"));
        gate.started().await;
        let mut waiting = JoinSet::new();
        for _ in 0..10 {
            let service = service.clone();
            waiting.spawn(async move { service.send(policy, "key", done("second")).await });
        }
        gate.open();
        assert_eq!(first.await.unwrap(), ran("first"));
        for seen in waiting.join_all().await {
            assert_eq!(seen, replayed("first"));
        }
        assert_eq!(service.runs(), 1);
    }
}

/// The clock moves only when nothing else can happen, so it stands still exactly if no poll was needed.
#[tokio::test(start_paused = true)]
async fn a_waiting_duplicate_is_woken_by_the_store() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let first = service.spawn(&ONCE_WAITING, "key", gate.then("first"));
    gate.started().await;
    let waiting = service.spawn(&ONCE_WAITING, "key", done("second"));
    tokio::task::yield_now().await;

    let opened_at = tokio::time::Instant::now();
    gate.open();
    assert_eq!(waiting.await.unwrap(), replayed("first"));
    assert_eq!(tokio::time::Instant::now(), opened_at);
    assert_eq!(first.await.unwrap(), ran("first"));
}

#[tokio::test]
async fn exactly_one_runs_when_the_first_did_nothing() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let refusing = {
        let gate = gate.clone();
        async {
            gate.pass().await;
            not_executed("slow down").await
        }
    };
    let first = service.spawn(&ONCE_WAITING, "key", refusing);
    gate.started().await;
    let mut waiting = JoinSet::new();
    for _ in 0..10 {
        let service = service.clone();
        waiting.spawn(async move { service.send(&ONCE_WAITING, "key", done("second")).await });
    }
    gate.open();
    assert_eq!(first.await.unwrap(), ran("slow down"));
    let seen = waiting.join_all().await;
    assert_eq!(seen.iter().filter(|seen| **seen == ran("second")).count(), 1, "{seen:?}");
    assert_eq!(seen.iter().filter(|seen| **seen == replayed("second")).count(), 9, "{seen:?}");
    assert_eq!(service.runs(), 2);
}

fn with_seats(in_process: usize, per_key: usize) -> Service {
    Service::of(Idempotency::builder(MemoryStore::new()).max_waiters(in_process, per_key).build())
}

/// A request that is answered without waiting, or `None` if it waits.
async fn at_once(service: &Service, key: &str) -> Option<Seen> {
    polled(service.send(&ONCE_WAITING, key, done("extra")), SEATED).await
}

#[tokio::test]
async fn the_seats_of_a_key_are_counted() {
    let service = with_seats(100, 2);
    let (gate, other) = (Gate::default(), Gate::default());
    let _first = service.spawn(&ONCE, "key", gate.then("first"));
    let _other = service.spawn(&ONCE, "other key", other.then("other"));
    gate.started().await;
    other.started().await;

    let waiting = [take_seat(&service, "key").await, take_seat(&service, "key").await];
    assert_eq!(at_once(&service, "key").await, Some(refused("InProgress")));
    assert_eq!(at_once(&service, "other key").await, None, "another key has its own seats");
    drop(waiting);
    assert_eq!(at_once(&service, "key").await, None, "who leaves gives its seat back");
}

#[tokio::test]
async fn the_seats_of_the_process_are_counted() {
    let service = with_seats(2, 100);
    let gates = ["one", "two", "three"].map(|key| {
        let gate = Gate::default();
        drop(service.spawn(&ONCE, key, gate.then("first")));
        gate
    });
    for gate in &gates {
        gate.started().await;
    }

    let waiting = [take_seat(&service, "one").await, take_seat(&service, "two").await];
    assert_eq!(at_once(&service, "three").await, Some(refused("InProgress")));
    drop(waiting);
    assert_eq!(at_once(&service, "three").await, None);
}

/// A duplicate that waits for as long as it is kept.
async fn take_seat(service: &Service, key: &'static str) -> impl Future<Output = Seen> + use<> {
    let service = service.clone();
    let mut waiting =
        Box::pin(async move { service.send(&ONCE_WAITING, key, done("waiting")).await });
    assert_eq!(polled(waiting.as_mut(), SEATED).await, None);
    waiting
}

#[tokio::test]
async fn a_served_duplicate_gives_its_seat_back() {
    let service = with_seats(1, 1);
    for key in ["one", "two", "three"] {
        let gate = Gate::default();
        let first = service.spawn(&ONCE_WAITING, key, gate.then("first"));
        gate.started().await;
        let waiting = take_seat(&service, key).await;
        gate.open();
        assert_eq!(first.await.unwrap(), ran("first"));
        assert_eq!(waiting.await, replayed("first"));
    }
}
