//! No key, scope, body or secret is shown anywhere.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use idem_core::http::{Call, Executed, FingerprintInput, RequestParts, Scope};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{
    Idempotency, IdempotencyKey, MemoryStore, Outcome, Policy, ScopeParts, ScopeValue,
};

use super::log::{heard, listen};
use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, Gate, HUGE, Service, polled};

/// Part of everything that is secret, and of nothing else in this process.
const PLANTED: &str = "planted-c0ffee";

static ONCE: Policy = AT_MOST_ONCE.with_max_run(Duration::from_millis(50)).with_wait(HUGE);
static AGAIN: Policy = AT_LEAST_ONCE;

fn service(store: MemoryStore) -> Service {
    Service::of(Idempotency::builder(store).secret(PLANTED).build())
}

fn call(service: &Service, policy: &'static Policy, key: &str, body: &str) -> Call {
    let key = IdempotencyKey::new(format!("{PLANTED}-{key}")).unwrap();
    let scope = Scope::of(PLANTED);
    let call = service.idempotency.call(policy, &["POST", "/secrets"], scope, &key).unwrap();
    let body = format!("{PLANTED}{body}");
    let request = RequestParts {
        method: "POST",
        path: "/secrets",
        query: None,
        content_type: None,
        body: body.as_bytes(),
    };
    call.with_fingerprint(service.idempotency.fingerprint_request(policy, &request))
}

fn answer() -> StoredResponse {
    let headers = Headers::from_iter([("set-cookie", PLANTED.as_bytes())]);
    StoredResponse { status: 200, headers, body: Bytes::from_static(PLANTED.as_bytes()) }
}

fn executed() -> Executed<String> {
    Executed {
        reply: String::new(),
        outcome: Outcome::Final,
        completion: Completion::Response(answer()),
    }
}

/// Leads a service through all that it logs.
async fn live(store: MemoryStore) {
    let service = service(store.clone());
    service.answer(call(&service, &AGAIN, "done", ""), async { executed() }).await;
    service.answer(call(&service, &AGAIN, "done", ""), async { executed() }).await;
    service.answer(call(&service, &AGAIN, "done", "other"), async { executed() }).await;
    service.answer(call(&service, &ONCE, "panics", ""), async { panic!("in a handler") }).await;
    service.answer(call(&service, &ONCE, "hangs", ""), std::future::pending()).await;
    service.answer(call(&service, &ONCE, "hangs", ""), async { executed() }).await;

    let gate = Gate::default();
    let passing = gate.clone().pass();
    let late = async {
        passing.await;
        executed()
    };
    assert_eq!(polled(service.answer(call(&service, &AGAIN, "late", ""), late), 1).await, None);
    store.advance_clock(AGAIN.lease);
    service.answer(call(&service, &AGAIN, "late", ""), async { executed() }).await;
    gate.open();
    let _ = service.idempotency.drain(HUGE).await;
    service.answer(call(&service, &AGAIN, "late", ""), async { executed() }).await;
}

#[tokio::test]
async fn nothing_secret_is_traced() {
    listen();
    live(MemoryStore::new()).await;
    let heard = heard();
    let expected = [
        "the handler panicked",
        "a run is given up",
        "late completion",
        "a guarded call was refused",
        "outcome=\"key-reused\"",
    ];
    for event in expected {
        assert!(heard.contains(event), "{event}");
    }
    let leak = heard.lines().find(|line| line.contains(PLANTED));
    assert_eq!(leak, None);
}

#[tokio::test]
async fn nothing_secret_is_shown_by_debug() {
    let store = MemoryStore::new();
    let builder = Idempotency::builder(store.clone()).secret(PLANTED);
    shows_nothing(&builder);
    shows_nothing(&builder.build());
    let service = service(store.clone());
    let call = call(&service, &ONCE, "key", "");
    shows_nothing(&call);
    let served = service.idempotency.run(call, |_| async { executed() }, executed).await;
    shows_nothing(&served);
    shows_nothing(&executed());
    shows_nothing(&answer());
    shows_nothing(&store);
    shows_nothing(&IdempotencyKey::new(PLANTED));
    shows_nothing(&Scope::of(PLANTED));
    shows_nothing(&FingerprintInput::of(PLANTED));
    let _: Scope = Scope::of(&Spy);
}

fn shows_nothing(shown: &dyn Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!text.contains(PLANTED), "{text}");
    }
}

/// Looks at what its parts are collected in.
struct Spy;

impl ScopeValue for Spy {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(PLANTED);
        shows_nothing(parts);
    }
}
