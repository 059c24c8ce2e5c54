//! The confirmation of a claim right before an effect.

use std::pin::pin;
use std::time::Duration;

use idem_core::{Drained, Execution, MemoryStore};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, DelayedStore, Gate, LEASE, Response, Service, done, poll_times,
    ran,
};

#[tokio::test]
async fn a_confirmation_extends_the_lease_and_returns_the_rest_of_it() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let handler = async move {
        store.advance_clock(LEASE / 2);
        let valid_for = Execution::current().confirm().await.unwrap();
        assert!(valid_for <= LEASE && valid_for > LEASE / 2, "{valid_for:?}");
        store.advance_clock(LEASE * 3 / 4);
        done("first").await
    };
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", handler).await, ran("first"));
}

#[tokio::test]
async fn a_claim_that_another_run_took_over_is_not_confirmed() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let (paused, sender) = (gate.then("first"), service.clone());
    let first = tokio::spawn(async move {
        let handler = async move {
            let ended = paused.await;
            assert!(Execution::current().confirm().await.is_err());
            ended
        };
        sender.send(&AT_LEAST_ONCE, "key", handler).await
    });
    gate.started().await;
    store.advance_clock(LEASE);
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("second")).await, ran("second"));
    gate.open();
    first.await.unwrap();
}

/// Starts a run that does not end, and returns its execution.
async fn start(service: &Service) -> (Execution, tokio::task::JoinHandle<Response>) {
    let gate = Gate::default();
    let (sender, executions) = std::sync::mpsc::channel();
    let running = gate.then("never");
    let handler = async move {
        sender.send(Execution::current()).unwrap();
        running.await
    };
    let run = service.spawn(&AT_MOST_ONCE, "key", handler);
    gate.started().await;
    (executions.recv().unwrap(), run)
}

#[tokio::test]
async fn a_run_that_was_given_up_is_not_confirmed() {
    let service = Service::new(MemoryStore::new());
    let (execution, run) = start(&service).await;
    assert_eq!(service.idempotency.drain(Duration::ZERO).await, Drained::GaveUp(1));
    run.await.unwrap();
    assert!(execution.confirm().await.is_err(), "a task of the run may still be active");
}

/// The store renews the lease, and the run is given up before the reply arrives.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_given_up_during_its_confirmation_is_not_confirmed() {
    let service = Service::new(DelayedStore { store: MemoryStore::new(), before: 0, after: 1 });
    let (execution, _run) = start(&service).await;
    let mut confirming = pin!(execution.confirm());
    assert!(poll_times(confirming.as_mut(), 1).await.is_none());
    assert_eq!(service.idempotency.drain(Duration::ZERO).await, Drained::GaveUp(1));
    assert!(confirming.await.is_err());
}
