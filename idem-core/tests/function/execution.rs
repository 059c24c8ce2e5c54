//! The keys that a run hands on.

use std::collections::HashSet;

use idem_core::{Execution, Idempotency, IdempotencyKey, idempotent};

use crate::support::{OrderError, fresh};

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
async fn every_label_call_and_nested_call_has_a_key_of_its_own() {
    let (idempotency, ..) = fresh();
    let mut keys = HashSet::new();
    for id in 0..10 {
        keys.extend(outer(&idempotency, id).await.unwrap());
    }
    assert_eq!(keys.len(), 30);
}

#[tokio::test]
async fn a_key_is_the_same_wherever_the_record_is() {
    let (one, ..) = fresh();
    let (two, ..) = fresh();
    assert_eq!(outer(&one, 1).await.unwrap(), outer(&two, 1).await.unwrap());
}

#[tokio::test]
async fn nobody_is_in_a_run_outside_of_one() {
    let (idempotency, ..) = fresh();
    outer(&idempotency, 1).await.unwrap();
    assert_eq!(Execution::try_current(), None);
}
