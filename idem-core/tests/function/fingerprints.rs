//! The values of `fingerprint = "…"`.

use std::collections::HashSet;

use idem_core::function::Disposition;
use idem_core::{Idempotency, idempotent};
use serde::Serialize;

use crate::support::{OrderError, RunCounter, fresh, refused};

#[derive(Serialize)]
struct Event {
    tags: HashSet<String>,
    price: Option<f64>,
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "id",
    guarantee = "at-least-once",
    fingerprint = "event"
)]
async fn tag(
    idempotency: &Idempotency,
    id: u64,
    event: &Event,
    runs: &RunCounter,
) -> Result<(), OrderError> {
    runs.increment();
    Ok(())
}

fn event(tags: u32, price: Option<f64>) -> Event {
    Event { tags: (0..tags).map(|n| n.to_string()).collect(), price }
}

/// Each `HashSet` has its own random order, as in another process.
#[tokio::test]
async fn a_redelivered_event_with_a_set_is_the_same_event() {
    let (idempotency, _, runs) = fresh();
    for _ in 0..5 {
        tag(&idempotency, 1, &event(50, None), &runs).await.unwrap();
    }
    assert_eq!(runs.runs(), 1);
    let other = tag(&idempotency, 1, &event(51, None), &runs).await;
    assert_eq!(refused(&other), "KeyReused");
}

#[tokio::test]
async fn a_float_that_json_cannot_represent_is_refused() {
    let (idempotency, _, runs) = fresh();
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let result = tag(&idempotency, 1, &event(0, Some(float)), &runs).await;
        assert_eq!(refused(&result), "FingerprintInvalid", "{float}");
        assert_eq!(Disposition::of(&result), Disposition::DeadLetter);
    }
    tag(&idempotency, 1, &event(0, None), &runs).await.unwrap();
    assert_eq!(runs.runs(), 1, "a refused call leaves its key free");
}
