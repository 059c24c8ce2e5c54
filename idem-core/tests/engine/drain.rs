//! Shutdown.

use std::pin::pin;
use std::time::Duration;

use idem_core::{Drained, MemoryStore};
use tokio::sync::oneshot;

use crate::support::{
    AGAIN, Gate, HUGE, ONCE, ONCE_WAITING, Remote, Service, done, polled, ran, refused, replayed,
};

#[tokio::test]
async fn it_finishes_at_once_where_nothing_runs() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.send(&ONCE, "key", done("first")).await, ran("first"));
    assert_eq!(polled(service.idempotency.drain(HUGE), 1).await, Some(Drained::Finished));
    for key in ["key", "new key"] {
        assert_eq!(service.send(&ONCE, key, done("late")).await, refused("Draining"));
    }
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn it_waits_for_a_run_whose_client_left() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    assert_eq!(polled(service.send(&ONCE, "key", gate.then("first")), 1).await, None);
    gate.started().await;

    assert_eq!(polled(service.idempotency.drain(HUGE), 1).await, None);
    gate.open();
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    assert_eq!(service.another(store).send(&ONCE, "key", done("again")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

/// What the store has not answered yet may be a won claim, and then a run.
#[tokio::test]
async fn it_waits_for_a_claim_that_is_under_way() {
    let service = Service::new(Remote::at_all_distances().last().unwrap());
    let mut call = pin!(service.send(&ONCE, "key", done("first")));
    assert_eq!(polled(call.as_mut(), 1).await, None);
    assert_eq!(service.runs(), 0, "it is not claimed yet");

    assert_eq!(polled(service.idempotency.drain(HUGE), 1).await, None);
    assert_eq!(call.await, ran("first"));
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
}

#[tokio::test]
async fn at_its_deadline_it_gives_up_what_still_runs() {
    for store in Remote::at_all_distances() {
        let service = Service::new(store.clone());
        let (once, again) = (Gate::default(), Gate::default());
        let (held_by_handler, dropped) = oneshot::channel::<()>();
        let runs = [
            service.spawn(&ONCE, "one", holding(held_by_handler, once.clone())),
            service.spawn(&AGAIN, "two", again.then("second")),
        ];
        once.started().await;
        again.started().await;

        assert_eq!(service.idempotency.drain(Duration::ZERO).await, Drained::GaveUp(2));
        let successor = service.another(store);
        assert_eq!(successor.send(&ONCE, "one", done("retried")).await, refused("OutcomeUnknown"));
        assert_eq!(successor.send(&AGAIN, "two", done("retried")).await, refused("OutcomeUnknown"));
        for run in runs {
            assert_eq!(run.await.unwrap(), refused("OutcomeUnknown"));
        }
        assert!(dropped.await.is_err(), "what the handler held is dropped");
        assert_eq!(service.runs(), 2);
        assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    }
}

async fn holding(held: oneshot::Sender<()>, gate: Gate) -> idem_core::http::Executed<String> {
    gate.pass().await;
    drop(held);
    done("first").await
}

#[tokio::test]
async fn it_sends_waiting_duplicates_away() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let first = service.spawn(&ONCE_WAITING, "key", gate.then("first"));
    gate.started().await;
    let waiting = service.spawn(&ONCE_WAITING, "key", done("second"));
    tokio::task::yield_now().await;

    assert_eq!(polled(service.idempotency.drain(HUGE), 1).await, None);
    assert_eq!(waiting.await.unwrap(), refused("Draining"));
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.runs(), 1);
}
