//! Keys, scopes, bodies and secrets never appear in logs or in `Debug` output.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use idem_core::http::{Call, Executed, FingerprintInput, RequestParts, Scope};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{
    Idempotency, IdempotencyKey, MemoryStore, Outcome, Policy, ScopeParts, ScopeValue,
};

use super::log::{logged, start_log};
use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, Gate, HUGE, Service, poll_times};

/// A part of every secret value, and of no other value in this process.
const SECRET: &str = "secret-c0ffee";

/// Long enough for the first poll of a handler on a busy machine.
static SHORT_RUN: Policy = AT_MOST_ONCE.with_max_run(Duration::from_secs(1)).with_wait(HUGE);

fn service(store: MemoryStore) -> Service {
    Service::with(Idempotency::builder(store).secret(SECRET).build())
}

fn call(service: &Service, policy: &'static Policy, key: &str, body: &str) -> Call {
    let key = IdempotencyKey::new(format!("{SECRET}-{key}")).unwrap();
    let scope = Scope::of(SECRET);
    let call = service.idempotency.call(policy, &["POST", "/secrets"], scope, &key).unwrap();
    let body = format!("{SECRET}{body}");
    let request = RequestParts {
        method: "POST",
        path: "/secrets",
        query: None,
        content_type: None,
        body: body.as_bytes(),
    };
    call.with_fingerprint(service.idempotency.fingerprint_request(policy, &request))
}

fn response() -> StoredResponse {
    let headers = Headers::from_iter([("set-cookie", SECRET.as_bytes())]);
    StoredResponse::new(200, headers, Bytes::from_static(SECRET.as_bytes()))
}

fn executed() -> Executed<String> {
    Executed::new(String::new(), Outcome::Final, Completion::Response(response()))
}

/// Makes a service log all its events.
async fn log_all_events(store: MemoryStore) {
    let service = service(store.clone());
    service.run(call(&service, &AT_LEAST_ONCE, "done", ""), async { executed() }).await;
    service.run(call(&service, &AT_LEAST_ONCE, "done", ""), async { executed() }).await;
    service.run(call(&service, &AT_LEAST_ONCE, "done", "other"), async { executed() }).await;
    service.run(call(&service, &SHORT_RUN, "panics", ""), async { panic!("in a handler") }).await;
    service.run(call(&service, &SHORT_RUN, "hangs", ""), std::future::pending()).await;
    service.run(call(&service, &SHORT_RUN, "hangs", ""), async { executed() }).await;

    let gate = Gate::default();
    let pass = gate.clone().pass();
    let late = async {
        pass.await;
        executed()
    };
    assert_eq!(
        poll_times(service.run(call(&service, &AT_LEAST_ONCE, "late", ""), late), 1).await,
        None
    );
    store.advance_clock(AT_LEAST_ONCE.lease);
    service.run(call(&service, &AT_LEAST_ONCE, "late", ""), async { executed() }).await;
    gate.open();
    let _ = service.idempotency.drain(HUGE).await;
    service.run(call(&service, &AT_LEAST_ONCE, "late", ""), async { executed() }).await;
}

#[tokio::test]
async fn no_secret_is_logged() {
    start_log();
    log_all_events(MemoryStore::new()).await;
    let logged = logged();
    let expected = [
        "the handler panicked",
        "a run is given up",
        "late completion",
        "a guarded call was refused",
        "outcome=\"key-reused\"",
    ];
    for event in expected {
        assert!(logged.contains(event), "{event}");
    }
    let leak = logged.lines().find(|line| line.contains(SECRET));
    assert_eq!(leak, None);
}

#[tokio::test]
async fn no_secret_is_in_debug_output() {
    let store = MemoryStore::new();
    let builder = Idempotency::builder(store.clone()).secret(SECRET);
    assert_no_secret(&builder);
    assert_no_secret(&builder.build());
    let service = service(store.clone());
    let call = call(&service, &SHORT_RUN, "key", "");
    assert_no_secret(&call);
    let served = service.idempotency.run(call, |_| async { executed() }, executed).await;
    assert_no_secret(&served);
    assert_no_secret(&executed());
    assert_no_secret(&response());
    assert_no_secret(&store);
    assert_no_secret(&IdempotencyKey::new(SECRET));
    assert_no_secret(&Scope::of(SECRET));
    assert_no_secret(&FingerprintInput::of(SECRET));
    let _: Scope = Scope::of(&CheckedScope);
}

fn assert_no_secret(value: &dyn Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

/// A scope value that checks the `Debug` output of its parts.
struct CheckedScope;

impl ScopeValue for CheckedScope {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(SECRET);
        assert_no_secret(parts);
    }
}
