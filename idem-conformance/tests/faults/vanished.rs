//! The record is deleted while the engine uses it.

use std::time::Duration;

use idem_conformance::Kind;
use idem_core::http::Served;
use idem_core::store::{IdempotencyStore, Update};
use idem_core::{Guarantee, Policy, Rejection};
use tokio::sync::oneshot;

use crate::support::{
    AT_MOST_ONCE, LEASE, TestEnv, assert_rejected, replayed, response, soon, success,
};

/// Duplicates wait for an hour.
static WAITING: Policy = Policy::new(LEASE, Guarantee::AtMostOnce)
    .with_lease(LEASE)
    .with_wait(Duration::from_secs(3600));

/// A duplicate that no longer finds the record claims again. Exactly one of all waiting duplicates runs.
#[tokio::test]
async fn fault_record_vanishes_under_waiting_duplicates() {
    for env in TestEnv::each() {
        let (begun, begins) = oneshot::channel();
        let (go_on, gate) = oneshot::channel::<()>();
        let owner = env.clone();
        let owner = tokio::spawn(async move {
            let handler = |claim| async move {
                begun.send(claim).unwrap();
                gate.await.unwrap();
                success("vanished")
            };
            owner.call_with(&AT_MOST_ONCE, handler).await
        });
        let claim = begins.await.unwrap();
        let duplicates: Vec<_> = (0..8)
            .map(|_| {
                let duplicate = env.clone();
                tokio::spawn(async move { duplicate.call(&WAITING, "rerun").await })
            })
            .collect();
        soon(env.faults.until_called(Kind::Claim, 1 + 8)).await;
        assert_eq!(env.memory.release(claim).await.unwrap(), Update::Applied);

        let mut executions = 0;
        for duplicate in duplicates {
            match duplicate.await.unwrap().unwrap() {
                Served::Executed(reply) => {
                    assert_eq!(reply, "rerun");
                    executions += 1;
                }
                Served::Replayed(stored) => assert_eq!(stored, response("rerun")),
            }
        }
        assert_eq!(executions, 1);
        go_on.send(()).unwrap();
        let first = owner.await.unwrap();
        assert_eq!(replayed(first), response("rerun"), "all clients get the same result");
        assert_eq!(env.runs(), 2);
    }
}

/// The completion of a run whose record was deleted is rejected. The record is not recreated.
#[tokio::test]
async fn fault_record_vanishes_before_completion() {
    for env in TestEnv::each() {
        let memory = env.memory.clone();
        let served = env.call_with(&AT_MOST_ONCE, |claim| async move {
            assert_eq!(memory.release(claim).await.unwrap(), Update::Applied);
            success("vanished")
        });
        assert_rejected!(served.await, Rejection::OutcomeUnknown { retry_after: None });
        assert!(env.memory.is_empty());
        env.assert_free().await;
    }
}
