//! The status of a key, see docs/semantics.md#status-of-a-key.

use std::sync::Arc;
use std::time::Duration;

use idem_core::http::Scope;
use idem_core::records::Operation;
use idem_core::{IdempotencyKey, KeyStatus, MemoryStore, Rejection, UnknownReason};

use crate::support::{AT_MOST_ONCE, Gate, LEASE, Service, poll_times, ran};

async fn status(service: &Service, wait: Duration) -> KeyStatus {
    let key = IdempotencyKey::new("key").unwrap();
    let operation = Operation::route("POST", "/payments");
    service.idempotency.status(&operation, Scope::global(), &key, wait).await.unwrap()
}

async fn status_now(service: &Service) -> KeyStatus {
    status(service, Duration::ZERO).await
}

#[tokio::test]
async fn every_state_has_its_status() {
    let store = Arc::new(MemoryStore::new());
    let service = Service::new(Arc::clone(&store));
    assert_eq!(status_now(&service).await, KeyStatus::Absent);

    let gate = Gate::default();
    let run = service.spawn(&AT_MOST_ONCE, "key", gate.then("done"));
    gate.started().await;
    assert_eq!(status_now(&service).await, KeyStatus::Running);
    gate.open();
    assert_eq!(run.await.unwrap(), ran("done"));
    let KeyStatus::Completed(response) = status_now(&service).await else {
        panic!("not completed")
    };
    assert_eq!((response.status, &response.body[..]), (200, &b"done"[..]));

    store.advance_clock(AT_MOST_ONCE.ttl);
    assert_eq!(status_now(&service).await, KeyStatus::Absent);
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn a_crashed_run_is_unknown() {
    let store = Arc::new(MemoryStore::new());
    let service = Service::new(Arc::clone(&store));
    let gate = Gate::default();
    let call = service.call(&AT_MOST_ONCE, "key");
    let run = service.idempotency.run_borrowed(call, |_| gate.then("lost"), || unreachable!());
    assert!(poll_times(run, 1).await.is_none());
    assert_eq!(status_now(&service).await, KeyStatus::Running);
    store.advance_clock(LEASE);
    let unknown = KeyStatus::Unknown { reason: UnknownReason::Crashed, retry_after: None };
    assert_eq!(status_now(&service).await, unknown);
}

#[tokio::test]
async fn a_wait_ends_with_the_run() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let run = service.spawn(&AT_MOST_ONCE, "key", gate.then("done"));
    gate.started().await;
    let mut waiting = Box::pin(status(&service, Duration::from_secs(3600)));
    assert_eq!(poll_times(&mut waiting, 1).await, None);
    gate.open();
    assert!(matches!(waiting.await, KeyStatus::Completed(_)));
    assert_eq!(run.await.unwrap(), ran("done"));
}

#[tokio::test]
async fn an_empty_scope_has_no_keys() {
    let service = Service::new(MemoryStore::new());
    let (key, operation) = (IdempotencyKey::new("key").unwrap(), Operation::named("charge"));
    let refused = service.idempotency.status(&operation, Scope::of(""), &key, Duration::ZERO).await;
    assert!(matches!(refused, Err(Rejection::ScopeEmpty)));
}
