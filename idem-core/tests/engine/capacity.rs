//! Limits on the number of live keys, see docs/semantics.md#key-quotas.

use std::num::NonZeroU32;

use idem_core::http::Scope;
use idem_core::{Idempotency, IdempotencyKey, MemoryStore, Rejection, ScopeParts, ScopeValue};

use crate::support::{AT_MOST_ONCE, Response, Service, done, not_executed, ran, refused, replayed};

struct Tenant(&'static str, Option<NonZeroU32>);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.0);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        self.1
    }
}

async fn send(service: &Service, scope: Scope, key: &str) -> Response {
    let call =
        service.idempotency.call(&AT_MOST_ONCE, &["op"], scope, &IdempotencyKey::new(key).unwrap());
    service.run(call.unwrap(), done("done")).await
}

#[tokio::test]
async fn a_scope_at_its_quota_is_refused_new_keys_only() {
    let quota = NonZeroU32::new(2).unwrap();
    let idempotency = Idempotency::builder(MemoryStore::new()).keys_per_scope(quota).build();
    let service = Service::with(idempotency);
    let small = || Scope::of(&Tenant("small", None));
    for key in ["one", "two"] {
        assert_eq!(send(&service, small(), key).await, ran("done"));
    }
    assert_eq!(send(&service, small(), "three").await, refused("TooManyKeys(Scope)"));
    assert_eq!(
        send(&service, small(), "one").await,
        replayed("done"),
        "a live key does not count again"
    );

    assert_eq!(send(&service, Scope::of("neighbour"), "three").await, ran("done"));
    let large = || Scope::of(&Tenant("large", NonZeroU32::new(3)));
    for key in ["one", "two", "three", "four"] {
        let expected = if key == "four" { refused("TooManyKeys(Scope)") } else { ran("done") };
        assert_eq!(
            send(&service, large(), key).await,
            expected,
            "the quota of the scope replaces the one of the service"
        );
        assert_eq!(
            send(&service, Scope::global(), key).await,
            ran("done"),
            "the global scope has no quota"
        );
    }
    assert_eq!(Rejection::TooManyKeys(idem_core::store::Capacity::Scope).status(), 429);
}

#[tokio::test]
async fn a_store_at_capacity_refuses_new_keys_only() {
    let service = Service::new(MemoryStore::with_capacity(1, usize::MAX));
    assert_eq!(service.send(&AT_MOST_ONCE, "one", not_executed("freed")).await, ran("freed"));
    assert_eq!(service.send(&AT_MOST_ONCE, "two", done("stored")).await, ran("stored"));
    assert_eq!(
        service.send(&AT_MOST_ONCE, "three", done("late")).await,
        refused("TooManyKeys(Store)")
    );
    assert_eq!(service.send(&AT_MOST_ONCE, "two", done("again")).await, replayed("stored"));
    assert_eq!(Rejection::TooManyKeys(idem_core::store::Capacity::Store).status(), 503);
}
