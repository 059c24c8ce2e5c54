//! The `Execution` that a handler can read.

use std::time::Duration;

use idem_core::{Drained, Execution, MemoryStore};

use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, Gate, LEASE, Service, done, ran, replayed};

/// The current execution, equal before and after an await.
async fn current() -> Execution {
    let before = Execution::current();
    tokio::task::yield_now().await;
    assert_eq!(Execution::current(), before);
    before
}

#[tokio::test]
async fn an_execution_exists_during_a_run_only() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(Execution::try_current(), None);
    let handler = async {
        let execution = current().await;
        assert_eq!(execution.attempt(), 1);
        let spawned = tokio::spawn(async { Execution::try_current() }).await.unwrap();
        assert_eq!(spawned, None, "a spawned task is not the handler");
        done("first").await
    };
    assert_eq!(service.send(&AT_MOST_ONCE, "key", handler).await, ran("first"));
    assert_eq!(Execution::try_current(), None);
}

#[tokio::test]
async fn a_nested_run_has_its_own_execution_and_restores_the_outer_one() {
    let service = Service::new(MemoryStore::new());
    let nested = service.clone();
    let handler = async move {
        let outer = current().await;
        let outer_key = outer.downstream_key("charge");
        let inner = async move {
            let inner = current().await;
            assert_ne!(inner.downstream_key("charge"), outer_key);
            done("inner").await
        };
        assert_eq!(nested.send(&AT_MOST_ONCE, "inner", inner).await, ran("inner"));
        assert_eq!(current().await, outer);
        done("outer").await
    };
    assert_eq!(service.send(&AT_MOST_ONCE, "outer", handler).await, ran("outer"));
}

#[tokio::test]
async fn a_takeover_has_a_higher_attempt_and_fencing_token_and_the_same_downstream_key() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let (gate, (sender, executions)) = (Gate::default(), std::sync::mpsc::channel());
    let handler = |sender: std::sync::mpsc::Sender<_>| async move {
        sender.send(current().await).unwrap();
        done("second").await
    };
    let first = {
        let (gate, sender) = (gate.clone(), sender.clone());
        async move {
            sender.send(current().await).unwrap();
            gate.pass().await;
            done("late").await
        }
    };
    let first = service.spawn(&AT_LEAST_ONCE, "key", first);
    gate.started().await;
    store.advance_clock(LEASE);
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", handler(sender)).await, ran("second"));
    gate.open();
    first.await.unwrap();

    let (one, two): (Execution, Execution) =
        (executions.recv().unwrap(), executions.recv().unwrap());
    assert_eq!((one.attempt(), two.attempt()), (1, 2));
    assert!(two.fencing_token() > one.fencing_token());
    assert_eq!(one.downstream_key("charge"), two.downstream_key("charge"));
}

#[tokio::test]
async fn a_run_whose_client_disconnected_keeps_its_execution() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let handler = {
        let gate = gate.clone();
        async move {
            let before = current().await;
            gate.pass().await;
            assert_eq!(current().await, before);
            done("first").await
        }
    };
    let client = service.spawn(&AT_MOST_ONCE, "key", handler);
    gate.started().await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    gate.open();
    assert_eq!(service.idempotency.drain(Duration::MAX).await, Drained::Finished);
    let retry = service.another_process(store).send(&AT_MOST_ONCE, "key", done("second")).await;
    assert_eq!(retry, replayed("first"), "the handler did not panic");
}

#[tokio::test]
async fn a_run_for_a_unit_test_has_keys_and_a_claim() {
    let charge = || async { current().await.downstream_key("charge") };
    let key = Execution::for_test("order-1001").scope(charge()).await;
    assert_eq!(Execution::try_current(), None);
    assert_eq!(Execution::for_test("order-1001").scope(charge()).await, key);
    assert_ne!(Execution::for_test("order-1002").scope(charge()).await, key);
    let execution = Execution::for_test("order-1001");
    assert_eq!(execution.attempt(), 1);
    assert!(execution.confirm().await.is_ok());
}

#[tokio::test]
async fn executions_of_different_runs_differ() {
    let [one, two] = ["order-1001", "order-1002"].map(Execution::for_test);
    assert_eq!(one, one.clone());
    assert_ne!(one, two);
}

#[tokio::test]
async fn a_spawned_task_can_be_a_part_of_a_run() {
    let service = Service::new(MemoryStore::new());
    let handler = async {
        let execution = current().await;
        let spawned = tokio::spawn(execution.clone().scope(current())).await.unwrap();
        assert_eq!(spawned, execution);
        done("first").await
    };
    assert_eq!(service.send(&AT_MOST_ONCE, "key", handler).await, ran("first"));
}
