//! Shutdown by `drain`.

use std::pin::pin;
use std::time::Duration;

use idem_core::{Drained, MemoryStore};
use tokio::sync::oneshot;

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, AT_MOST_ONCE_WAITING, DelayedStore, Gate, HUGE, Service, done,
    poll_times, ran, refused, replayed,
};

#[tokio::test]
async fn drain_finishes_immediately_if_nothing_runs() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
    assert_eq!(poll_times(service.idempotency.drain(HUGE), 1).await, Some(Drained::Finished));
    for key in ["key", "new key"] {
        assert_eq!(service.send(&AT_MOST_ONCE, key, done("late")).await, refused("Draining"));
    }
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn drain_waits_for_a_run_whose_client_disconnected() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    assert_eq!(poll_times(service.send(&AT_MOST_ONCE, "key", gate.then("first")), 1).await, None);
    gate.started().await;

    assert_eq!(poll_times(service.idempotency.drain(HUGE), 1).await, None);
    gate.open();
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    assert_eq!(
        service.another_process(store).send(&AT_MOST_ONCE, "key", done("again")).await,
        replayed("first")
    );
    assert_eq!(service.runs(), 1);
}

/// A claim whose reply is pending may have been granted, and a run may follow.
#[tokio::test(start_paused = true)]
async fn drain_waits_for_a_pending_claim() {
    let service = Service::new(DelayedStore::with_all_delays().last().unwrap());
    let mut call = pin!(service.send(&AT_MOST_ONCE, "key", done("first")));
    assert_eq!(poll_times(call.as_mut(), 1).await, None);
    assert_eq!(service.runs(), 0, "the key is not claimed yet");

    assert_eq!(poll_times(service.idempotency.drain(HUGE), 1).await, None);
    assert_eq!(call.await, ran("first"));
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
}

#[tokio::test(start_paused = true)]
async fn drain_gives_up_runs_at_its_deadline() {
    for store in DelayedStore::with_all_delays() {
        let service = Service::new(store.clone());
        let (first, second) = (Gate::default(), Gate::default());
        let (held_by_handler, dropped) = oneshot::channel::<()>();
        let runs = [
            service.spawn(&AT_MOST_ONCE, "one", pass_and_drop(held_by_handler, first.clone())),
            service.spawn(&AT_LEAST_ONCE, "two", second.then("second")),
        ];
        first.started().await;
        second.started().await;

        assert_eq!(service.idempotency.drain(Duration::ZERO).await, Drained::GaveUp(2));
        let successor = service.another_process(store);
        assert_eq!(
            successor.send(&AT_MOST_ONCE, "one", done("retried")).await,
            refused("OutcomeUnknown { retry_after: None }")
        );
        assert_eq!(
            successor.send(&AT_LEAST_ONCE, "two", done("retried")).await,
            refused("OutcomeUnknown { retry_after: None }")
        );
        for run in runs {
            assert_eq!(run.await.unwrap(), refused("OutcomeUnknown { retry_after: None }"));
        }
        assert!(dropped.await.is_err(), "the handler's values are dropped");
        assert_eq!(service.runs(), 2);
        assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    }
}

async fn pass_and_drop(held: oneshot::Sender<()>, gate: Gate) -> idem_core::http::Executed<String> {
    gate.pass().await;
    drop(held);
    done("first").await
}

#[tokio::test]
async fn drain_refuses_waiting_duplicates() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE_WAITING, "key", gate.then("first"));
    gate.started().await;
    let waiting = service.spawn(&AT_MOST_ONCE_WAITING, "key", done("second"));
    tokio::task::yield_now().await;

    assert_eq!(poll_times(service.idempotency.drain(HUGE), 1).await, None);
    assert_eq!(waiting.await.unwrap(), refused("Draining"));
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.runs(), 1);
}
