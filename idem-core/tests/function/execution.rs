//! Downstream keys and nested calls.

use std::collections::HashSet;
use std::time::Duration;

use idem_core::function::Disposition;
use idem_core::{Drained, Execution, Idempotency, IdempotencyKey, MemoryStore, idempotent};
use tokio::sync::Notify;

use crate::support::{OrderError, begin, fresh, pass, refused};
use crate::watchdog::watched;

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-least-once")]
async fn outer(idempotency: &Idempotency, id: u64) -> Result<[String; 3], OrderError> {
    let execution = Execution::current();
    let charge = execution.downstream_key("charge");
    let nested = inner(idempotency, &execution.downstream_key("inner")).await?;
    assert_eq!(Execution::current(), execution, "the nested run is over");
    Ok([charge.as_str().to_owned(), execution.downstream_key("mail").as_str().to_owned(), nested])
}

#[idempotent(ttl = "7d", scope = "global", key = "key", guarantee = "at-least-once")]
async fn inner(idempotency: &Idempotency, key: &IdempotencyKey) -> Result<String, OrderError> {
    Ok(Execution::current().downstream_key("charge").as_str().to_owned())
}

#[tokio::test]
async fn every_label_call_and_nested_call_has_its_own_key() {
    let (idempotency, ..) = fresh();
    let mut keys = HashSet::new();
    for id in 0..10 {
        keys.extend(outer(&idempotency, id).await.unwrap());
    }
    assert_eq!(keys.len(), 30);
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn gated(
    idempotency: &Idempotency,
    id: u64,
    gate: &Notify,
) -> Result<[String; 3], OrderError> {
    pass(gate).await;
    outer(idempotency, id).await
}

#[tokio::test]
async fn shutdown_lets_a_run_make_its_nested_calls() {
    let (idempotency, ..) = fresh();
    let gate = Notify::new();
    let mut run = Box::pin(gated(&idempotency, 1, &gate));
    begin(&mut run).await;
    let mut drained = Box::pin(idempotency.drain(Duration::from_secs(3600)));
    begin(&mut drained).await;
    assert_eq!(refused(&outer(&idempotency, 2).await), "Draining");
    gate.notify_one();
    watched("the end of the run", run).await.unwrap();
    assert_eq!(watched("the end of the drain", drained).await, Drained::Finished);
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-least-once")]
async fn send_report(idempotency: &Idempotency, id: u64) -> Result<(), OrderError> {
    report(idempotency, &Execution::current().downstream_key("report")).await?;
    Err(OrderError::Busy)
}

#[idempotent(ttl = "7d", scope = "global", key = "key", guarantee = "at-least-once")]
async fn report(idempotency: &Idempotency, key: &IdempotencyKey) -> Result<String, OrderError> {
    Ok("too large to be retained".to_owned())
}

#[tokio::test]
async fn a_nested_result_that_was_not_retained_does_not_acknowledge_the_outer_message() {
    let idempotency = Idempotency::builder(MemoryStore::new()).max_response(10).build();
    let first = send_report(&idempotency, 1).await;
    assert!(matches!(first, Err(OrderError::Busy)));
    for _ in 0..2 {
        let redelivered = send_report(&idempotency, 1).await;
        assert_eq!(refused(&redelivered), "ResultUnavailable");
        assert_eq!(Disposition::of(&redelivered), Disposition::DeadLetter);
    }
}

#[tokio::test]
async fn a_downstream_key_does_not_depend_on_the_store() {
    let (one, ..) = fresh();
    let (two, ..) = fresh();
    assert_eq!(outer(&one, 1).await.unwrap(), outer(&two, 1).await.unwrap());
}

#[tokio::test]
async fn there_is_no_current_execution_outside_of_a_run() {
    let (idempotency, ..) = fresh();
    outer(&idempotency, 1).await.unwrap();
    assert_eq!(Execution::try_current(), None);
}
