//! Runs whose client disconnects or whose runtime shuts down.

use std::rc::Rc;
use std::time::Duration;

use idem_core::MemoryStore;
use tokio::runtime::{self, Runtime};
use tokio::task::LocalSet;

use crate::support::{
    AT_MOST_ONCE, AT_MOST_ONCE_WAITING, Gate, LEASE, Service, done, poll_times, refused, replayed,
};

#[tokio::test]
async fn a_run_continues_without_its_client_and_is_stored() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    assert_eq!(poll_times(service.send(&AT_MOST_ONCE, "key", gate.then("first")), 1).await, None);
    gate.started().await;
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("early")).await, refused("InProgress"));
    gate.open();
    assert_eq!(service.send(&AT_MOST_ONCE_WAITING, "key", done("late")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn a_timeout_around_a_request_does_not_cancel_its_run() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let request = service.send(&AT_MOST_ONCE, "key", gate.then("first"));
    assert!(tokio::time::timeout(Duration::ZERO, request).await.is_err());
    gate.open();
    assert_eq!(service.send(&AT_MOST_ONCE_WAITING, "key", done("late")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[test]
fn a_local_run_continues_without_its_client() {
    let local = LocalSet::new();
    local.block_on(&current_thread(), async {
        let service = Service::new(MemoryStore::new());
        let gate = Gate::default();
        let (handler, not_send) = (gate.then("first"), Rc::new(()));
        let handler = async move {
            let _not_send = not_send;
            handler.await
        };
        assert_eq!(
            poll_times(service.run_local(service.call(&AT_MOST_ONCE, "key"), handler), 1).await,
            None
        );
        gate.open();
        assert_eq!(
            service.send(&AT_MOST_ONCE_WAITING, "key", done("late")).await,
            replayed("first")
        );
        assert_eq!(service.runs(), 1);
    });
}

fn current_thread() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn a_runtime_that_ends_during_a_run_leaves_the_outcome_unknown() {
    for runtime in [current_thread(), multi_thread()] {
        let store = MemoryStore::new();
        let service = Service::new(store.clone());
        let gate = Gate::default();
        let spawned = {
            let _inside = runtime.enter();
            service.spawn(&AT_MOST_ONCE, "key", gate.then("first"))
        };
        runtime.block_on(async {
            gate.started().await;
            assert_eq!(
                poll_times(service.send(&AT_MOST_ONCE, "detached", gate.then("second")), 1).await,
                None
            );
        });
        drop(runtime);

        let after = current_thread();
        assert!(after.block_on(spawned).unwrap_err().is_cancelled(), "the task did not panic");
        store.advance_clock(LEASE);
        for key in ["key", "detached"] {
            let retry = after.block_on(service.send(&AT_MOST_ONCE, key, done("retried")));
            assert_eq!(retry, refused("OutcomeUnknown { retry_after: None }"));
        }
        assert_eq!(service.runs(), 2);
    }
}

#[test]
fn a_local_set_that_ends_during_a_run_does_not_panic() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let runtime = current_thread();
    let local = LocalSet::new();
    let gate = Gate::default();
    local.block_on(&runtime, async {
        let (request, handler) = (service.clone(), gate.then("first"));
        tokio::task::spawn_local(async move {
            request.run_local(request.call(&AT_MOST_ONCE, "key"), handler).await
        });
        gate.started().await;
        let detached =
            service.run_local(service.call(&AT_MOST_ONCE, "detached"), gate.then("second"));
        assert_eq!(poll_times(detached, 1).await, None);
    });
    drop(local);
    store.advance_clock(LEASE);
    for key in ["key", "detached"] {
        assert_eq!(
            runtime.block_on(service.send(&AT_MOST_ONCE, key, done("retried"))),
            refused("OutcomeUnknown { retry_after: None }")
        );
    }
}

#[test]
fn a_request_dropped_outside_of_any_runtime_does_not_panic() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let mut request = Box::pin(service.send(&AT_MOST_ONCE, "key", gate.then("first")));
    assert_eq!(current_thread().block_on(poll_times(request.as_mut(), 1)), None);
    drop(request);
    store.advance_clock(LEASE);
    let retry = current_thread().block_on(service.send(&AT_MOST_ONCE, "key", done("retried")));
    assert_eq!(retry, refused("OutcomeUnknown { retry_after: None }"));
}

#[test]
fn a_local_request_dropped_outside_of_its_local_set_does_not_panic() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let mut request =
        Box::pin(service.run_local(service.call(&AT_MOST_ONCE, "key"), gate.then("first")));
    let runtime = current_thread();
    assert_eq!(LocalSet::new().block_on(&runtime, poll_times(request.as_mut(), 1)), None);
    let _inside = runtime.enter();
    drop(request);
    store.advance_clock(LEASE);
    assert_eq!(
        runtime.block_on(service.send(&AT_MOST_ONCE, "key", done("retried"))),
        refused("OutcomeUnknown { retry_after: None }")
    );
    assert_eq!(service.runs(), 1);
}
