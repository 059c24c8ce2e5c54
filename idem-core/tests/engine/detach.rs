//! Runs whose client disconnects or whose runtime shuts down.

use std::rc::Rc;
use std::time::Duration;

use idem_core::MemoryStore;
use tokio::runtime::{self, Runtime};
use tokio::task::LocalSet;

use crate::support::{Gate, LEASE, ONCE, ONCE_WAITING, Service, done, polled, refused, replayed};

#[tokio::test]
async fn a_run_goes_on_without_its_client_and_is_stored() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    assert_eq!(polled(service.send(&ONCE, "key", gate.then("first")), 1).await, None);
    gate.started().await;
    assert_eq!(service.send(&ONCE, "key", done("early")).await, refused("InProgress"));
    gate.open();
    assert_eq!(service.send(&ONCE_WAITING, "key", done("late")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn a_timeout_around_a_request_does_not_cut_its_run() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let request = service.send(&ONCE, "key", gate.then("first"));
    assert!(tokio::time::timeout(Duration::ZERO, request).await.is_err());
    gate.open();
    assert_eq!(service.send(&ONCE_WAITING, "key", done("late")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[test]
fn a_run_on_its_own_thread_goes_on_without_its_client() {
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
            polled(service.answer_local(service.call(&ONCE, "key"), handler), 1).await,
            None
        );
        gate.open();
        assert_eq!(service.send(&ONCE_WAITING, "key", done("late")).await, replayed("first"));
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
fn a_runtime_that_ends_in_mid_run_leaves_the_key_unknown() {
    for runtime in [current_thread(), multi_thread()] {
        let store = MemoryStore::new();
        let service = Service::new(store.clone());
        let gate = Gate::default();
        let attended = {
            let _inside = runtime.enter();
            service.spawn(&ONCE, "key", gate.then("first"))
        };
        runtime.block_on(async {
            gate.started().await;
            assert_eq!(polled(service.send(&ONCE, "left", gate.then("second")), 1).await, None);
        });
        drop(runtime);

        let after = current_thread();
        assert!(after.block_on(attended).unwrap_err().is_cancelled(), "it did not panic");
        store.advance_clock(LEASE);
        for key in ["key", "left"] {
            let retry = after.block_on(service.send(&ONCE, key, done("retried")));
            assert_eq!(retry, refused("OutcomeUnknown"));
        }
        assert_eq!(service.runs(), 2);
    }
}

#[test]
fn a_local_set_that_ends_in_mid_run_does_not_panic() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let runtime = current_thread();
    let local = LocalSet::new();
    let gate = Gate::default();
    local.block_on(&runtime, async {
        let (request, handler) = (service.clone(), gate.then("first"));
        tokio::task::spawn_local(async move {
            request.answer_local(request.call(&ONCE, "key"), handler).await
        });
        gate.started().await;
        let cut = service.answer_local(service.call(&ONCE, "left"), gate.then("second"));
        assert_eq!(polled(cut, 1).await, None);
    });
    drop(local);
    store.advance_clock(LEASE);
    for key in ["key", "left"] {
        assert_eq!(
            runtime.block_on(service.send(&ONCE, key, done("retried"))),
            refused("OutcomeUnknown")
        );
    }
}

#[test]
fn a_request_dropped_outside_of_any_runtime_does_not_panic() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let mut request = Box::pin(service.send(&ONCE, "key", gate.then("first")));
    assert_eq!(current_thread().block_on(polled(request.as_mut(), 1)), None);
    drop(request);
    store.advance_clock(LEASE);
    let retry = current_thread().block_on(service.send(&ONCE, "key", done("retried")));
    assert_eq!(retry, refused("OutcomeUnknown"));
}

#[test]
fn a_local_request_dropped_outside_of_its_local_set_does_not_panic() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let mut request =
        Box::pin(service.answer_local(service.call(&ONCE, "key"), gate.then("first")));
    let runtime = current_thread();
    assert_eq!(LocalSet::new().block_on(&runtime, polled(request.as_mut(), 1)), None);
    let _inside = runtime.enter();
    drop(request);
    store.advance_clock(LEASE);
    assert_eq!(
        runtime.block_on(service.send(&ONCE, "key", done("retried"))),
        refused("OutcomeUnknown")
    );
    assert_eq!(service.runs(), 1);
}
