//! Duplicates that wait for the first run, see docs/semantics.md#waiting-duplicates.

use std::time::Duration;

use idem_core::{Idempotency, MemoryStore, Policy};
use tokio::task::JoinSet;

use crate::support::{
    AT_LEAST_ONCE_WAITING, AT_MOST_ONCE, AT_MOST_ONCE_WAITING, Events, Gate, Response, Service,
    done, not_executed, poll_times, ran, refused, replayed,
};

/// More polls than a duplicate needs until it waits.
const POLLS_UNTIL_WAITING: usize = 3;

#[tokio::test]
async fn all_waiting_duplicates_get_the_response_of_the_first() {
    for policy in [&AT_MOST_ONCE_WAITING, &AT_LEAST_ONCE_WAITING] {
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
        for response in waiting.join_all().await {
            assert_eq!(response, replayed("first"));
        }
        assert_eq!(service.runs(), 1);
    }
}

/// The paused clock advances only if all tasks are idle. It has not advanced if no polling was needed.
#[tokio::test(start_paused = true)]
async fn a_waiting_duplicate_is_woken_by_the_store() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE_WAITING, "key", gate.then("first"));
    gate.started().await;
    let waiting = service.spawn(&AT_MOST_ONCE_WAITING, "key", done("second"));
    tokio::task::yield_now().await;

    let opened_at = tokio::time::Instant::now();
    gate.open();
    assert_eq!(waiting.await.unwrap(), replayed("first"));
    assert_eq!(tokio::time::Instant::now(), opened_at);
    assert_eq!(first.await.unwrap(), ran("first"));
}

/// Pauses of 25 ms, 50 ms and so on, each reduced by up to half: five polls take longer than the wait.
#[tokio::test]
async fn a_waiting_duplicate_polls_more_and_more_rarely() {
    static POLICY: Policy = AT_MOST_ONCE.with_wait(Duration::from_millis(200));
    let events = Events::default();
    let builder = Idempotency::builder(MemoryStore::new()).observer(events.clone());
    let service = Service::with(builder.build());
    let gate = Gate::default();
    let first = service.spawn(&POLICY, "key", gate.then("first"));
    gate.started().await;
    assert_eq!(service.send(&POLICY, "key", done("second")).await, refused("InProgress"));
    let claims = events.with("store memory claim").len();
    assert!(claims <= 10, "{claims}");
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
}

#[tokio::test]
async fn exactly_one_waiting_duplicate_runs_if_the_first_was_not_executed() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let refusing = {
        let gate = gate.clone();
        async {
            gate.pass().await;
            not_executed("slow down").await
        }
    };
    let first = service.spawn(&AT_MOST_ONCE_WAITING, "key", refusing);
    gate.started().await;
    let mut waiting = JoinSet::new();
    for _ in 0..10 {
        let service = service.clone();
        waiting
            .spawn(async move { service.send(&AT_MOST_ONCE_WAITING, "key", done("second")).await });
    }
    gate.open();
    assert_eq!(first.await.unwrap(), ran("slow down"));
    let responses = waiting.join_all().await;
    assert_eq!(
        responses.iter().filter(|response| **response == ran("second")).count(),
        1,
        "{responses:?}"
    );
    assert_eq!(
        responses.iter().filter(|response| **response == replayed("second")).count(),
        9,
        "{responses:?}"
    );
    assert_eq!(service.runs(), 2);
}

fn with_max_waiters(in_process: usize, per_key: usize) -> Service {
    Service::with(Idempotency::builder(MemoryStore::new()).max_waiters(in_process, per_key).build())
}

/// The response to a request, or `None` if the request waits.
async fn immediate(service: &Service, key: &str) -> Option<Response> {
    poll_times(service.send(&AT_MOST_ONCE_WAITING, key, done("extra")), POLLS_UNTIL_WAITING).await
}

#[tokio::test]
async fn the_waiting_duplicates_of_a_key_are_limited() {
    let service = with_max_waiters(100, 2);
    let (gate, other) = (Gate::default(), Gate::default());
    let _first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
    let _other = service.spawn(&AT_MOST_ONCE, "other key", other.then("other"));
    gate.started().await;
    other.started().await;

    let waiting = [start_waiting(&service, "key").await, start_waiting(&service, "key").await];
    assert_eq!(immediate(&service, "key").await, Some(refused("InProgress")));
    assert_eq!(immediate(&service, "other key").await, None, "another key has its own limit");
    drop(waiting);
    assert_eq!(immediate(&service, "key").await, None, "a duplicate that leaves does not count");
}

#[tokio::test]
async fn the_waiting_duplicates_of_the_process_are_limited() {
    let service = with_max_waiters(2, 100);
    let gates = ["one", "two", "three"].map(|key| {
        let gate = Gate::default();
        drop(service.spawn(&AT_MOST_ONCE, key, gate.then("first")));
        gate
    });
    for gate in &gates {
        gate.started().await;
    }

    let waiting = [start_waiting(&service, "one").await, start_waiting(&service, "two").await];
    assert_eq!(immediate(&service, "three").await, Some(refused("InProgress")));
    drop(waiting);
    assert_eq!(immediate(&service, "three").await, None);
}

/// A duplicate that waits until it is dropped or gets a response.
async fn start_waiting(
    service: &Service,
    key: &'static str,
) -> impl Future<Output = Response> + use<> {
    let service = service.clone();
    let mut waiting =
        Box::pin(async move { service.send(&AT_MOST_ONCE_WAITING, key, done("waiting")).await });
    assert_eq!(poll_times(waiting.as_mut(), POLLS_UNTIL_WAITING).await, None);
    waiting
}

#[tokio::test]
async fn a_duplicate_that_got_its_response_does_not_count() {
    let service = with_max_waiters(1, 1);
    for key in ["one", "two", "three"] {
        let gate = Gate::default();
        let first = service.spawn(&AT_MOST_ONCE_WAITING, key, gate.then("first"));
        gate.started().await;
        let waiting = start_waiting(&service, key).await;
        gate.open();
        assert_eq!(first.await.unwrap(), ran("first"));
        assert_eq!(waiting.await, replayed("first"));
    }
}
