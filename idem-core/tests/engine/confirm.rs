//! The confirmation of a claim right before an effect.

use idem_core::{Drained, Execution, MemoryStore};
use std::time::Duration;

use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, Gate, LEASE, Service, done, ran};

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

#[tokio::test]
async fn a_run_that_was_given_up_is_not_confirmed() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let (sender, executions) = std::sync::mpsc::channel();
    let running = gate.then("never");
    let handler = async move {
        sender.send(Execution::current()).unwrap();
        running.await
    };
    let first = service.spawn(&AT_MOST_ONCE, "key", handler);
    gate.started().await;
    assert_eq!(service.idempotency.drain(Duration::ZERO).await, Drained::GaveUp(1));
    first.await.unwrap();
    let execution = executions.recv().unwrap();
    assert!(execution.confirm().await.is_err(), "a task of the run may still be active");
}
