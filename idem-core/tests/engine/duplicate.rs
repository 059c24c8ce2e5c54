//! What a duplicate is told.

use idem_core::http::{Call, Executed, FingerprintInput, Scope, Served};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{IdempotencyKey, MemoryStore, Outcome};

use crate::support::{AGAIN, Gate, LEASE, ONCE, Service, done, polled, ran, refused, replayed};

#[tokio::test]
async fn the_first_runs_and_every_other_is_replayed() {
    for policy in [&ONCE, &AGAIN] {
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
async fn the_whole_answer_is_replayed_byte_for_byte() {
    let service = Service::new(MemoryStore::new());
    let headers: Headers =
        [("link", b"</a>".as_slice()), ("link", b"</b>"), ("etag", b"\xff")].into_iter().collect();
    let answer =
        StoredResponse { status: 201, headers, body: (0..=u8::MAX).collect::<Vec<_>>().into() };
    let first = Executed {
        reply: String::new(),
        outcome: Outcome::Final,
        completion: Completion::Response(answer.clone()),
    };
    assert_eq!(service.send(&ONCE, "key", async { first }).await, ran(""));
    let again = service
        .idempotency
        .run(service.call(&ONCE, "key"), |_| done("again"), || unreachable!())
        .await;
    assert!(matches!(again, Ok(Served::Replayed(replay)) if replay == answer));
}

#[tokio::test]
async fn a_duplicate_of_a_live_run_is_refused_at_once() {
    let service = Service::new(MemoryStore::new());
    let gate = Gate::default();
    let first = service.spawn(&ONCE, "key", gate.then("first"));
    gate.started().await;
    let duplicate = polled(service.send(&ONCE, "key", done("second")), 1).await;
    assert_eq!(duplicate, Some(refused("InProgress")));
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.runs(), 1);
}

fn about(service: &Service, material: &str) -> Call {
    let fingerprint =
        service.idempotency.fingerprint_input(&FingerprintInput::of(material).unwrap());
    service.call(&ONCE, "key").with_fingerprint(fingerprint)
}

#[tokio::test]
async fn another_request_under_the_key_is_refused_in_every_state() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    let gate = Gate::default();
    let call = about(&service, "10 EUR");
    let first = tokio::spawn({
        let (service, handler) = (service.clone(), gate.then("first"));
        async move { service.answer(call, handler).await }
    });
    gate.started().await;

    let other = async || service.answer(about(&service, "99 EUR"), done("other")).await;
    assert_eq!(other().await, refused("KeyReused"), "R10: before it is told that the first runs");
    store.advance_clock(LEASE);
    assert_eq!(
        service.answer(about(&service, "10 EUR"), done("same")).await,
        refused("OutcomeUnknown")
    );
    assert_eq!(other().await, refused("KeyReused"), "while the outcome is unknown");
    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(other().await, refused("KeyReused"), "after it is done");

    assert_eq!(service.answer(about(&service, "10 EUR"), done("same")).await, replayed("first"));
    assert_eq!(service.send(&ONCE, "key", done("no fingerprint")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}

#[tokio::test]
async fn a_key_is_new_again_after_its_ttl() {
    let store = MemoryStore::new();
    let service = Service::new(store.clone());
    assert_eq!(service.send(&ONCE, "key", done("first")).await, ran("first"));
    store.advance_clock(ONCE.ttl / 2);
    assert_eq!(service.send(&ONCE, "key", done("again")).await, replayed("first"));
    store.advance_clock(ONCE.ttl / 2);
    assert_eq!(service.send(&ONCE, "key", done("second")).await, ran("second"));
    assert_eq!(service.attempt(), 1);
}

#[tokio::test]
async fn keys_differ_by_case_and_space() {
    let service = Service::new(MemoryStore::new());
    for key in ["key", "Key", "key ", " key"] {
        let call = service.idempotency.call(
            &ONCE,
            &["op"],
            Scope::global(),
            &IdempotencyKey::new(key).unwrap(),
        );
        assert_eq!(service.answer(call.unwrap(), done("new")).await, ran("new"), "{key:?}");
    }
}
