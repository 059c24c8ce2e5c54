//! The parts that identify a record: namespace, operation, scope and key. See
//! docs/semantics.md#scope-and-operation.

use idem_core::http::Scope;
use idem_core::{Idempotency, IdempotencyBuilder, IdempotencyKey, MemoryStore, Policy, Rejection};

use crate::support::{AT_MOST_ONCE, Response, Service, done, ran, replayed};

static NAMED: Policy = AT_MOST_ONCE.with_operation("payments.create");

async fn send(
    service: &Service,
    policy: &'static Policy,
    operation: &[&str],
    scope: &str,
    key: &str,
) -> Response {
    let key = IdempotencyKey::new(key).unwrap();
    let call = service.idempotency.call(policy, operation, Scope::of(scope), &key).unwrap();
    service.run(call, done("done")).await
}

#[tokio::test]
async fn requests_that_differ_in_any_part_all_run() {
    let service = Service::new(MemoryStore::new());
    let requests: [(&[&str], &str, &str); 10] = [
        (&["POST", "/payments"], "a", "b:c"),
        (&["POST", "/payments"], "a:b", "c"),
        (&["POST", "/payments"], "a", "c"),
        (&["POST", "/refunds"], "a", "b:c"),
        (&["PUT", "/payments"], "a", "b:c"),
        (&["POST /payments"], "a", "b:c"),
        (&["POS", "T/payments"], "a", "b:c"),
        (&["POST:", "/payments"], "a", "b:c"),
        (&["POST", ":/payments"], "a", "b:c"),
        (&["POST", "/payments"], "A", "b:c"),
    ];
    for (operation, scope, key) in requests {
        assert_eq!(
            send(&service, &AT_MOST_ONCE, operation, scope, key).await,
            ran("done"),
            "{operation:?} {scope} {key}"
        );
    }
    for (operation, scope, key) in requests {
        assert_eq!(send(&service, &AT_MOST_ONCE, operation, scope, key).await, replayed("done"));
    }
    assert_eq!(service.runs(), requests.len());
}

#[tokio::test]
async fn a_named_operation_is_independent_of_its_route() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(send(&service, &NAMED, &["POST", "/payments"], "a", "key").await, ran("done"));
    assert_eq!(
        send(&service, &NAMED, &["POST", "/v2/payments"], "a", "key").await,
        replayed("done")
    );
    assert_eq!(
        send(&service, &AT_MOST_ONCE, &["payments.create"], "a", "key").await,
        replayed("done")
    );
}

#[tokio::test]
async fn no_tenant_has_the_global_scope() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("done")).await, ran("done"));
    for tenant in ["global", "value", "*"] {
        assert_eq!(
            send(&service, &AT_MOST_ONCE, &["POST", "/payments"], tenant, "key").await,
            ran("done")
        );
    }
}

#[test]
fn an_empty_scope_is_refused() {
    let idempotency = Idempotency::new(MemoryStore::new());
    let key = IdempotencyKey::new("key").unwrap();
    for empty in ["", " ", "\t "] {
        let call = idempotency.call(&AT_MOST_ONCE, &["op"], Scope::of(empty), &key);
        assert!(matches!(call, Err(Rejection::ScopeEmpty)), "{empty:?}");
    }
}

#[tokio::test]
async fn services_share_keys_only_with_one_namespace_and_secret() {
    type Build = fn(IdempotencyBuilder) -> IdempotencyBuilder;
    let builds: [Build; 4] = [
        |builder| builder,
        |builder| builder.namespace("payments"),
        |builder| builder.secret("one"),
        |builder| builder.secret("two"),
    ];
    let store = MemoryStore::new();
    let service = |build: Build| Service::with(build(Idempotency::builder(store.clone())).build());
    for build in builds {
        assert_eq!(service(build).send(&AT_MOST_ONCE, "key", done("done")).await, ran("done"));
    }
    for build in builds {
        assert_eq!(service(build).send(&AT_MOST_ONCE, "key", done("done")).await, replayed("done"));
    }
}
