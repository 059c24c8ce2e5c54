//! The response to a duplicate, by the state of the record.

use idem_core::http::{Call, Executed, FingerprintInput, Scope, Served};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{IdempotencyKey, MemoryStore, Outcome};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Gate, LEASE, Service, done, poll_times, ran, refused, replayed,
};

#[tokio::test]
async fn the_first_request_runs_and_all_others_are_replayed() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        let service = Service::new(MemoryStore::new());
        assert_eq!(service.send(policy, "key", done("first")).await, ran("first"));
        for _ in 0..3 {
            assert_eq!(service.send(policy, "key", done("again")).await, replayed("first"));
        }
        assert_eq!(service.runs(), 1);
        assert_eq!(service.send(policy, "another key", done("other")).await, ran("other"));
    }
}

#[tokio::test]
async fn the_whole_response_is_replayed_byte_for_byte() {
    let service = Service::new(MemoryStore::new());
    let headers: Headers =
        [("link", b"</a>".as_slice()), ("link", b"</b>"), ("etag", b"\xff")].into_iter().collect();
    let response = StoredResponse::new(201, headers, (0..=u8::MAX).collect::<Vec<_>>().into());
    let first =
        Executed::new(String::new(), Outcome::Final, Completion::Response(response.clone()));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", async { first }).await, ran(""));
    let again = service
        .idempotency
        .run(service.call(&AT_MOST_ONCE, "key"), |_| done("again"), || unreachable!())
        .await;
    assert!(matches!(again, Ok(Served::Replayed(replay)) if replay == response));
}

#[tokio::test]
async fn a_duplicate_of_a_running_request_is_refused_immediately() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
    gate.started().await;
    let duplicate = poll_times(service.send(&AT_MOST_ONCE, "key", done("second")), 1).await;
    assert_eq!(duplicate, Some(refused("InProgress")));
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.runs(), 1);
}

fn call_about(service: &Service, input: &str) -> Call {
    let fingerprint = service.idempotency.fingerprint_input(&FingerprintInput::of(input).unwrap());
    service.call(&AT_MOST_ONCE, "key").with_fingerprint(fingerprint)
}

#[tokio::test]
async fn a_different_request_with_the_key_is_refused_in_every_state() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let call = call_about(&service, "10 EUR");
    let first = tokio::spawn({
        let (service, handler) = (service.clone(), gate.then("first"));
        async move { service.run(call, handler).await }
    });
    gate.started().await;

    let other = async || service.run(call_about(&service, "99 EUR"), done("other")).await;
    assert_eq!(other().await, refused("KeyReused"), "while the first request runs");
    store.advance_clock(LEASE);
    assert_eq!(
        service.run(call_about(&service, "10 EUR"), done("same")).await,
        refused("OutcomeUnknown { retry_after: None }")
    );
    assert_eq!(other().await, refused("KeyReused"), "while the outcome is unknown");
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(other().await, refused("KeyReused"), "after the first request is completed");

    assert_eq!(service.run(call_about(&service, "10 EUR"), done("same")).await, replayed("first"));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("no fingerprint")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn a_key_is_new_after_its_ttl() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
    store.advance_clock(AT_MOST_ONCE.ttl / 2);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("again")).await, replayed("first"));
    store.advance_clock(AT_MOST_ONCE.ttl / 2);
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, ran("second"));
    assert_eq!(service.attempt(), 1);
}

#[tokio::test]
async fn keys_differ_by_case_and_space() {
    let service = Service::new(MemoryStore::new());
    for key in ["key", "Key", "key ", " key"] {
        let call = service.idempotency.call(
            &AT_MOST_ONCE,
            &["op"],
            Scope::global(),
            &IdempotencyKey::new(key).unwrap(),
        );
        assert_eq!(service.run(call.unwrap(), done("new")).await, ran("new"), "{key:?}");
    }
}
