//! What a handler can know of its run.

use std::time::Duration;

use idem_core::{Drained, Execution, MemoryStore};

use crate::support::{AGAIN, Gate, LEASE, ONCE, Service, done, ran, replayed};

/// What a handler sees at its start and after each of its awaits.
async fn seen() -> Execution {
    let at_first = Execution::current();
    tokio::task::yield_now().await;
    assert_eq!(Execution::current(), at_first);
    at_first
}

#[tokio::test]
async fn it_is_known_throughout_a_run_and_nowhere_else() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(Execution::try_current(), None);
    let handler = async {
        let execution = seen().await;
        assert_eq!(execution.attempt(), 1);
        let spawned = tokio::spawn(async { Execution::try_current() }).await.unwrap();
        assert_eq!(spawned, None, "a task of its own is not the handler");
        done("first").await
    };
    assert_eq!(service.send(&ONCE, "key", handler).await, ran("first"));
    assert_eq!(Execution::try_current(), None);
}

#[tokio::test]
async fn a_nested_run_has_its_own_and_gives_the_outer_one_back() {
    let service = Service::new(MemoryStore::new());
    let nested = service.clone();
    let handler = async move {
        let outer = seen().await;
        let inner = async move {
            let inner = seen().await;
            assert_ne!(inner.downstream_key("charge"), outer.downstream_key("charge"));
            done("inner").await
        };
        assert_eq!(nested.send(&ONCE, "inner", inner).await, ran("inner"));
        assert_eq!(seen().await, outer);
        done("outer").await
    };
    assert_eq!(service.send(&ONCE, "outer", handler).await, ran("outer"));
}

#[tokio::test]
async fn a_takeover_is_another_attempt_with_a_higher_fence_and_the_same_downstream_key() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let (gate, (tell, told)) = (Gate::default(), std::sync::mpsc::channel());
    let handler = |tell: std::sync::mpsc::Sender<_>| async move {
        tell.send(seen().await).unwrap();
        done("answer").await
    };
    let first = {
        let (gate, tell) = (gate.clone(), tell.clone());
        async move {
            tell.send(seen().await).unwrap();
            gate.pass().await;
            done("late").await
        }
    };
    let first = service.spawn(&AGAIN, "key", first);
    gate.started().await;
    store.advance_clock(LEASE);
    assert_eq!(service.send(&AGAIN, "key", handler(tell)).await, ran("answer"));
    gate.open();
    first.await.unwrap();

    let (one, two): (Execution, Execution) = (told.recv().unwrap(), told.recv().unwrap());
    assert_eq!((one.attempt(), two.attempt()), (1, 2));
    assert!(two.fencing_token() > one.fencing_token());
    assert_eq!(one.downstream_key("charge"), two.downstream_key("charge"));
}

#[tokio::test]
async fn a_run_whose_client_left_still_knows_it() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let handler = {
        let gate = gate.clone();
        async move {
            let before = seen().await;
            gate.pass().await;
            assert_eq!(seen().await, before);
            done("first").await
        }
    };
    let client = service.spawn(&ONCE, "key", handler);
    gate.started().await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    gate.open();
    assert_eq!(service.idempotency.drain(Duration::MAX).await, Drained::Finished);
    let retry = service.another(store).send(&ONCE, "key", done("second")).await;
    assert_eq!(retry, replayed("first"), "nothing in it panicked");
}
