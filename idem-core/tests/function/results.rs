//! The effect of an `Ok` on later calls.

use std::collections::HashMap;

use idem_core::{Idempotency, MemoryStore, idempotent};
use serde::{Deserialize, Serialize};

use crate::support::{ORDER, Order, OrderError, Placed, Receipt, RunCounter, fresh, refused};

#[idempotent(
    ttl = "7d",
    scope = "order.tenant",
    key = "order.id",
    guarantee = "at-most-once",
    fingerprint = "order"
)]
async fn place(idempotency: &Idempotency, order: &Order, counter: &RunCounter) -> Placed {
    Ok(Receipt { order: order.id, run: counter.increment() })
}

#[tokio::test]
async fn a_later_call_gets_the_value_of_the_first() {
    let (idempotency, _, counter) = fresh();
    let first = place(&idempotency, &ORDER, &counter).await.unwrap();
    for _ in 0..3 {
        assert_eq!(place(&idempotency, &ORDER, &counter).await.unwrap(), first);
    }
    assert_eq!(counter.runs(), 1);
}

#[tokio::test]
async fn another_key_scope_or_namespace_is_another_call() {
    let (idempotency, store, counter) = fresh();
    place(&idempotency, &ORDER, &counter).await.unwrap();
    let others = [Order { id: 1002, ..ORDER }, Order { tenant: "globex", ..ORDER }];
    for other in &others {
        place(&idempotency, other, &counter).await.unwrap();
    }
    let elsewhere = Idempotency::builder(store).namespace("other").build();
    place(&elsewhere, &ORDER, &counter).await.unwrap();
    assert_eq!(counter.runs(), 4);
}

#[tokio::test]
async fn the_same_key_with_another_fingerprint_is_refused() {
    let (idempotency, _, counter) = fresh();
    place(&idempotency, &ORDER, &counter).await.unwrap();
    let different = place(&idempotency, &Order { amount: 43, ..ORDER }, &counter).await;
    assert_eq!(refused(&different), "KeyReused");
    assert_eq!(counter.runs(), 1);
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "order",
    guarantee = "at-most-once",
    operation = "orders.ship"
)]
async fn ship(
    idempotency: &Idempotency,
    order: u64,
    counter: &RunCounter,
) -> Result<(), OrderError> {
    counter.increment();
    Ok(())
}

mod elsewhere {
    use super::{Idempotency, OrderError, RunCounter, idempotent};

    #[idempotent(ttl = "7d", scope = "global", key = "order", guarantee = "at-most-once")]
    pub(super) async fn place(
        idempotency: &Idempotency,
        order: u64,
        counter: &RunCounter,
    ) -> Result<(), OrderError> {
        counter.increment();
        Ok(())
    }

    #[idempotent(
        ttl = "7d",
        scope = "global",
        key = "order",
        guarantee = "at-most-once",
        operation = "orders.ship"
    )]
    pub(super) async fn dispatch(
        idempotency: &Idempotency,
        order: u64,
        counter: &RunCounter,
    ) -> Result<(), OrderError> {
        counter.increment();
        Ok(())
    }
}

#[tokio::test]
async fn keys_are_separate_by_operation_not_by_module_path() {
    let (idempotency, _, counter) = fresh();
    ship(&idempotency, 1, &counter).await.unwrap();
    elsewhere::place(&idempotency, 1, &counter).await.unwrap();
    assert_eq!(counter.runs(), 2, "another name");
    elsewhere::dispatch(&idempotency, 1, &counter).await.unwrap();
    assert_eq!(counter.runs(), 2, "another name in the source, and the same operation");
}

#[idempotent(ttl = "7d", scope = "global", key = "size", guarantee = "at-least-once")]
async fn bytes(
    idempotency: &Idempotency,
    size: usize,
    counter: &RunCounter,
) -> Result<String, OrderError> {
    counter.increment();
    Ok("x".repeat(size))
}

#[tokio::test]
async fn a_value_that_is_too_large_is_returned_once_and_never_computed_again() {
    let counter = RunCounter::default();
    let idempotency = Idempotency::builder(MemoryStore::new()).max_response(10).build();
    assert_eq!(bytes(&idempotency, 8, &counter).await.unwrap().len(), 8, "10 with its quotes");
    assert_eq!(bytes(&idempotency, 8, &counter).await.unwrap().len(), 8);
    assert_eq!(bytes(&idempotency, 9, &counter).await.unwrap().len(), 9);
    assert_eq!(refused(&bytes(&idempotency, 9, &counter).await), "ResultUnavailable");
    assert_eq!(counter.runs(), 2);
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn no_json(idempotency: &Idempotency, id: u64) -> Result<HashMap<(u8, u8), u8>, OrderError> {
    Ok(HashMap::from([((0, 0), 0)]))
}

#[tokio::test]
async fn a_value_that_cannot_be_serialized_is_recorded_without_a_response() {
    let (idempotency, ..) = fresh();
    assert_eq!(no_json(&idempotency, 1).await.unwrap().len(), 1);
    assert_eq!(refused(&no_json(&idempotency, 1).await), "ResultUnavailable");
}

#[derive(Debug, Serialize, Deserialize)]
struct OneWay {
    #[serde(rename(serialize = "written", deserialize = "read"))]
    id: u64,
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn one_way(idempotency: &Idempotency, id: u64) -> Result<OneWay, OrderError> {
    Ok(OneWay { id })
}

#[tokio::test]
async fn a_value_that_cannot_be_read_back_is_not_stored() {
    let (idempotency, ..) = fresh();
    assert_eq!(one_way(&idempotency, 1).await.unwrap().id, 1);
    assert_eq!(refused(&one_way(&idempotency, 1).await), "ResultUnavailable");
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", wait = "1h")]
async fn slow(
    idempotency: &Idempotency,
    id: u64,
    counter: &RunCounter,
) -> Result<usize, OrderError> {
    tokio::task::yield_now().await;
    Ok(counter.increment())
}

#[tokio::test]
async fn a_duplicate_waits_for_the_first_call_if_configured() {
    let (idempotency, _, counter) = fresh();
    let call = || slow(&idempotency, 1, &counter);
    let (one, two, three) = tokio::join!(call(), call(), call());
    assert_eq!([one.unwrap(), two.unwrap(), three.unwrap()], [1, 1, 1]);
}
