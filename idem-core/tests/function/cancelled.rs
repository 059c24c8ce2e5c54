//! A call that is dropped during its run: the record is treated as after a crash.

use std::time::Duration;

use idem_core::{Drained, Execution, Idempotency, idempotent};
use tokio::sync::Notify;

use crate::support::{OrderError, RunCounter, begin, fresh, pass, refused};

const LEASE: Duration = Duration::from_secs(30);

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn at_most_once(
    idempotency: &Idempotency,
    id: u64,
    counter: &RunCounter,
    gate: &Notify,
) -> Result<u32, OrderError> {
    counter.increment();
    pass(gate).await;
    Ok(Execution::current().attempt())
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-least-once")]
async fn at_least_once(
    idempotency: &Idempotency,
    id: u64,
    counter: &RunCounter,
    gate: &Notify,
) -> Result<u32, OrderError> {
    counter.increment();
    pass(gate).await;
    Ok(Execution::current().attempt())
}

/// Begins a call and drops it during its run.
async fn cancel(call: impl Future) {
    begin(&mut Box::pin(call)).await;
}

#[tokio::test]
async fn under_at_most_once_the_outcome_is_unknown_when_the_lease_is_over() {
    let (idempotency, store, counter) = fresh();
    let gate = Notify::new();
    cancel(at_most_once(&idempotency, 1, &counter, &gate)).await;
    gate.notify_one();
    assert_eq!(refused(&at_most_once(&idempotency, 1, &counter, &gate).await), "InProgress");
    store.advance_clock(LEASE);
    assert_eq!(refused(&at_most_once(&idempotency, 1, &counter, &gate).await), "OutcomeUnknown");
    assert_eq!(counter.runs(), 1);
}

#[tokio::test]
async fn under_at_least_once_the_next_call_takes_over_when_the_lease_is_over() {
    let (idempotency, store, counter) = fresh();
    let gate = Notify::new();
    cancel(at_least_once(&idempotency, 1, &counter, &gate)).await;
    gate.notify_one();
    assert_eq!(refused(&at_least_once(&idempotency, 1, &counter, &gate).await), "InProgress");
    store.advance_clock(LEASE);
    assert_eq!(
        at_least_once(&idempotency, 1, &counter, &gate).await.unwrap(),
        2,
        "the second attempt"
    );
    assert_eq!(counter.runs(), 2);
}

#[tokio::test]
async fn a_cancelled_run_does_not_delay_shutdown() {
    let (idempotency, _, counter) = fresh();
    let gate = Notify::new();
    cancel(at_most_once(&idempotency, 1, &counter, &gate)).await;
    assert_eq!(idempotency.drain(Duration::ZERO).await, Drained::Finished);
}

#[tokio::test]
async fn a_call_that_was_never_polled_claims_nothing() {
    let (idempotency, _, counter) = fresh();
    let gate = Notify::new();
    drop(at_most_once(&idempotency, 1, &counter, &gate));
    gate.notify_one();
    assert_eq!(at_most_once(&idempotency, 1, &counter, &gate).await.unwrap(), 1);
}
