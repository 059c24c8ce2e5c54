//! Duplicates of one scope that wait do not take the places of other scopes.

use idem_core::http::Scope;
use idem_core::{Idempotency, MemoryStore};

use crate::support::{
    AT_MOST_ONCE, AT_MOST_ONCE_WAITING, Gate, Response, Service, done, poll_times, refused,
};

/// More polls than a duplicate takes to begin to wait.
const WAITING: usize = 3;

/// Starts a run that does not end.
async fn start(service: &Service, scope: &str, key: &str) {
    let gate = Gate::default();
    let call = service.call_in(Scope::of(scope), &AT_MOST_ONCE, key);
    let (running, handler) = (service.clone(), gate.then("first"));
    drop(tokio::spawn(async move { running.run(call, handler).await }));
    gate.started().await;
}

/// Sends a duplicate. Returns its future if it waits, and its result otherwise.
async fn duplicate(
    service: &Service,
    scope: &str,
    key: &str,
) -> Result<impl Future<Output = Response> + use<>, Response> {
    let call = service.call_in(Scope::of(scope), &AT_MOST_ONCE_WAITING, key);
    let service = service.clone();
    let mut sent = Box::pin(async move { service.run(call, done("second")).await });
    match poll_times(sent.as_mut(), WAITING).await {
        Some(seen) => Err(seen),
        None => Ok(sent),
    }
}

#[tokio::test]
async fn a_scope_has_its_own_number_of_waiting_duplicates() {
    let idempotency =
        Idempotency::builder(MemoryStore::new()).max_waiters(100, 100).max_waiters_per_scope(2);
    let service = Service::with(idempotency.build());
    for key in ["one", "two", "three"] {
        start(&service, "acme", key).await;
    }
    start(&service, "globex", "one").await;

    let Ok(first) = duplicate(&service, "acme", "one").await else { panic!("it does not wait") };
    let Ok(second) = duplicate(&service, "acme", "two").await else { panic!("it does not wait") };
    assert_eq!(duplicate(&service, "acme", "three").await.err(), Some(refused("InProgress")));
    assert!(duplicate(&service, "globex", "one").await.is_ok(), "another scope has its own places");
    drop(first);
    assert!(duplicate(&service, "acme", "three").await.is_ok(), "a place became free");
    drop(second);
}

#[tokio::test]
async fn one_scope_cannot_take_all_places_by_default() {
    let service = Service::new(MemoryStore::new());
    let mut waiting = Vec::new();
    for key in 0.. {
        let key = key.to_string();
        start(&service, "acme", &key).await;
        let Ok(duplicate) = duplicate(&service, "acme", &key).await else { break };
        waiting.push(duplicate);
    }
    assert!(waiting.len() < 1024, "{}", waiting.len());
    start(&service, "globex", "one").await;
    assert!(duplicate(&service, "globex", "one").await.is_ok());
}
