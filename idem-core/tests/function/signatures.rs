//! The attribute keeps the signature of its function.

use std::sync::Arc;

use idem_core::{Idempotency, KeyValue, MemoryStore, ScopeValue, idempotent};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{OrderError, RunCounter, fresh};

struct Context {
    idempotency: Idempotency,
    counter: RunCounter,
    tenant: String,
}

fn context() -> Context {
    let idempotency = Idempotency::new(MemoryStore::new());
    Context { idempotency, counter: RunCounter::default(), tenant: "acme".to_owned() }
}

struct Event<'a> {
    id: &'a str,
    amount: u64,
}

impl Context {
    #[idempotent(
        ttl = "7d",
        scope = "self.tenant",
        operation = "context.on_event",
        key = "event.id",
        guarantee = "at-least-once",
        idempotency = "self.idempotency"
    )]
    async fn on_event(&self, event: &Event<'_>) -> Result<usize, OrderError> {
        Ok(self.counter.increment())
    }

    #[idempotent(
        ttl = "7d",
        scope = "global",
        operation = "context.grow",
        key = "id",
        guarantee = "at-least-once",
        idempotency = "self.idempotency"
    )]
    async fn grow(&mut self, id: u64) -> Result<String, OrderError> {
        self.tenant.push('!');
        Ok(self.tenant.clone())
    }

    #[idempotent(
        ttl = "7d",
        scope = "self.tenant",
        operation = "context.end",
        key = "self.tenant",
        guarantee = "at-least-once",
        fingerprint = "self.tenant",
        idempotency = "self.idempotency"
    )]
    async fn end(self) -> Result<usize, OrderError> {
        Ok(self.counter.increment())
    }
}

#[tokio::test]
async fn a_method_borrows_self() {
    let mut context = context();
    let event = Event { id: "e1", amount: 1 };
    assert_eq!(context.on_event(&event).await.unwrap(), 1);
    assert_eq!(context.on_event(&event).await.unwrap(), 1);
    assert_eq!(context.grow(1).await.unwrap(), "acme!");
    assert_eq!(context.grow(1).await.unwrap(), "acme!");
    assert_eq!(context.tenant, "acme!");
    assert_eq!(context.on_event(&event).await.unwrap(), 2, "another scope");
    assert_eq!(context.end().await.unwrap(), 3);
}

/// A signature with every supported feature.
#[idempotent(
    ttl = "7d",
    scope = "(tenant, *shard)",
    operation = "everything",
    key = "id.clone()",
    guarantee = "at-most-once",
    fingerprint = "amount"
)]
async fn everything<'a, S, K, const N: usize, T>(
    guard: &'a Idempotency,
    (tenant, shard): (&'a S, &u32),
    mut id: K,
    &Event { amount, .. }: &Event<'_>,
    make: impl FnOnce([u8; N]) -> T + Send,
) -> Result<T, OrderError>
where
    S: ScopeValue + ?Sized + Sync,
    K: KeyValue + Clone + Send + Sync,
    T: Serialize + DeserializeOwned + Send,
{
    id = id.clone();
    let _ = (tenant, shard, id, amount);
    Ok(make([7; N]))
}

#[tokio::test]
async fn every_feature_of_a_signature_is_supported() {
    let (idempotency, ..) = fresh();
    let event = Event { id: "e1", amount: 1 };
    for round in 0..2 {
        let make = |bytes: [u8; 3]| vec![bytes[0] + round];
        let made = everything(&idempotency, ("acme", &1), "k", &event, make).await.unwrap();
        assert_eq!(made, [7]);
    }
}

/// An owned handle.
#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn owned(idempotency: Idempotency, id: String) -> Result<String, OrderError> {
    drop(idempotency);
    Ok(id)
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "id",
    guarantee = "at-most-once",
    idempotency = "shared"
)]
async fn behind_a_pointer(shared: Arc<Idempotency>, id: u8) -> Result<u8, OrderError> {
    Ok(id)
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "id",
    guarantee = "at-most-once",
    idempotency = "context.idempotency"
)]
async fn in_a_field(context: &Context, id: u8) -> Result<u8, OrderError> {
    Ok(id)
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "id",
    guarantee = "at-most-once",
    idempotency = "here"
)]
async fn one_of_two(here: &Idempotency, there: &Idempotency, id: u8) -> Result<u8, OrderError> {
    let _ = there;
    Ok(id)
}

#[tokio::test]
async fn the_handle_is_found_by_type_or_by_expression() {
    let (idempotency, ..) = fresh();
    assert_eq!(owned(idempotency.clone(), "k".to_owned()).await.unwrap(), "k");
    assert_eq!(behind_a_pointer(Arc::new(idempotency.clone()), 1).await.unwrap(), 1);
    assert_eq!(in_a_field(&context(), 1).await.unwrap(), 1);
    assert_eq!(one_of_two(&idempotency, &idempotency, 1).await.unwrap(), 1);
}

/// Parameters may have the names that the expansion uses.
#[idempotent(ttl = "7d", scope = "scope", key = "key", guarantee = "at-most-once")]
async fn names(
    policy: &Idempotency,
    scope: u32,
    key: u32,
    call: u32,
    body: u32,
    returned: u32,
) -> Result<u32, OrderError> {
    let _ = policy;
    Ok(scope + key + call + body + returned)
}

/// A body with `?` and `return`, and without a tail expression.
#[idempotent(ttl = "7d", scope = "global", key = "text", guarantee = "at-least-once")]
async fn early(idempotency: &Idempotency, text: &str) -> Result<u32, OrderError> {
    let number = text.parse().map_err(|_| OrderError::Busy)?;
    if number > 9 {
        return Ok(9);
    }
    return Ok(number);
}

#[tokio::test]
async fn bodies_return_as_written() {
    let (idempotency, ..) = fresh();
    assert_eq!(names(&idempotency, 1, 2, 3, 4, 5).await.unwrap(), 15);
    assert_eq!(early(&idempotency, "7").await.unwrap(), 7);
    assert_eq!(early(&idempotency, "70").await.unwrap(), 9);
    assert!(matches!(early(&idempotency, "x").await, Err(OrderError::Busy)));
}

#[tokio::test]
async fn a_call_that_borrows_can_be_spawned() {
    let context = Arc::new(context());
    let call = |id: &'static str| {
        let context = Arc::clone(&context);
        tokio::spawn(async move { context.on_event(&Event { id, amount: 1 }).await })
    };
    let (one, two) = tokio::join!(call("e1"), call("e2"));
    assert_eq!(one.unwrap().unwrap() + two.unwrap().unwrap(), 3);
}

/// A future that is passed by value can occupy its size once in every future that it passes through.
#[test]
fn a_call_contains_its_body_once() {
    #[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
    async fn large(idempotency: &Idempotency, id: u8) -> Result<u8, OrderError> {
        let large = [id; 10_000];
        tokio::task::yield_now().await;
        Ok(large[1])
    }

    let (idempotency, ..) = fresh();
    let size = size_of_val(&large(&idempotency, 1));
    assert!(size < 15_000, "{size} bytes");
}
