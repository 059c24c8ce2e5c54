//! The record is deleted while the engine uses it.

use std::time::Duration;

use idem_core::http::Served;
use idem_core::store::{IdempotencyStore, Update};
use idem_core::{Guarantee, Policy, Rejection};
use tokio::sync::oneshot;

use crate::bench::{AT_MOST_ONCE, Bench, LEASE, assert_rejected, done, soon};

/// Waits as long as it takes.
static WAITING: Policy = Policy::new(LEASE, Guarantee::AtMostOnce)
    .with_lease(LEASE)
    .with_wait(Duration::from_secs(3600));

/// A duplicate that finds the record gone claims again, atomically: of all that waited one runs.
#[tokio::test]
async fn fault_record_vanishes_under_waiting_duplicates() {
    for bench in Bench::each() {
        let (begun, begins) = oneshot::channel();
        let (go_on, gate) = oneshot::channel::<()>();
        let nonce = bench.clone();
        let nonce = tokio::spawn(async move {
            let handler = |claim| async move {
                begun.send(claim).unwrap();
                gate.await.unwrap();
                done("vanished")
            };
            nonce.call_with(&AT_MOST_ONCE, handler).await
        });
        let claim = begins.await.unwrap();
        let duplicates: Vec<_> = (0..8)
            .map(|_| {
                let duplicate = bench.clone();
                tokio::spawn(async move { duplicate.call(&WAITING, "rerun").await })
            })
            .collect();
        soon(bench.faults.until_called(idem_conformance::Kind::Claim, 1 + 8)).await;
        assert_eq!(bench.memory.release(claim).await.unwrap(), Update::Applied);

        let mut executions = 0;
        for duplicate in duplicates {
            match duplicate.await.unwrap().unwrap() {
                Served::Executed(reply) => {
                    assert_eq!(reply, "rerun");
                    executions += 1;
                }
                Served::Replayed(answer) => assert_eq!(answer, crate::bench::answer("rerun")),
            }
        }
        assert_eq!(executions, 1);
        go_on.send(()).unwrap();
        let first = nonce.await.unwrap();
        assert_eq!(
            crate::bench::replayed(first),
            crate::bench::answer("rerun"),
            "one result for all"
        );
        assert_eq!(bench.runs(), 2);
    }
}

/// The late end of a run whose record is gone is refused, and the record is not brought back.
#[tokio::test]
async fn fault_record_vanishes_before_completion() {
    for bench in Bench::each() {
        let memory = bench.memory.clone();
        let served = bench.call_with(&AT_MOST_ONCE, |claim| async move {
            assert_eq!(memory.release(claim).await.unwrap(), Update::Applied);
            done("vanished")
        });
        assert_rejected!(served.await, Rejection::OutcomeUnknown);
        assert!(bench.memory.is_empty());
        bench.assert_free().await;
    }
}
