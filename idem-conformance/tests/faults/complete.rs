//! The store is down when a run ends, or its reply to the completion is lost.

use std::time::Duration;

use idem_conformance::{Fault, Kind};
use idem_core::{Drained, Policy, Rejection};
use tokio::runtime::{Builder, Runtime};

use crate::bench::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Bench, LEASE, assert_rejected, done, executed, soon,
};

/// A call whose handler ends when nothing that ends a run is taken any more.
async fn run_into_a_dead_store(bench: &Bench, policy: &'static Policy) -> crate::bench::Result {
    let faults = bench.faults.clone();
    bench
        .call_with(policy, |_| async move {
            faults.inject(Kind::ENDS, Fault::Down);
            done("real")
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn fault_store_outage_short_stores_response() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        for bench in Bench::each() {
            let back = async {
                soon(bench.faults.until_answered(Kind::Complete, 2)).await;
                bench.faults.heal();
            };
            let (served, ()) = tokio::join!(run_into_a_dead_store(&bench, policy), back);
            assert_eq!(executed(served), "real");
            bench.assert_replays("real").await;
            assert_eq!(bench.runs(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fault_store_outage_long_stores_response_in_background() {
    for bench in Bench::each() {
        assert_eq!(executed(run_into_a_dead_store(&bench, &AT_MOST_ONCE).await), "real");
        assert_rejected!(bench.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
        assert_rejected!(
            bench.another().call(&AT_LEAST_ONCE, "third").await,
            Rejection::InProgress
        );
        stored_when_back(&bench).await;
        bench.assert_replays("real").await;
        assert_eq!(bench.runs(), 1);
    }
}

/// Shutdown does not overwrite what a run has to say with "unknown", however late the store comes back.
#[tokio::test(start_paused = true)]
async fn fault_store_outage_long_keeps_response_past_drain_deadline() {
    for bench in Bench::each() {
        assert_eq!(executed(run_into_a_dead_store(&bench, &AT_MOST_ONCE).await), "real");
        let drained = bench.engine.drain(Duration::ZERO).await;
        assert_eq!(drained, Drained::GaveUp(1), "its answer is not stored");
        stored_when_back(&bench).await;
        bench.another().assert_replays("real").await;
        assert_eq!(bench.runs(), 1);
    }
}

/// The store that is silent at the end of a run, instead of refusing.
#[tokio::test(start_paused = true)]
async fn fault_store_outage_long_silent_store_returns_response() {
    for bench in Bench::each() {
        bench.faults.inject(Kind::ENDS, Fault::Hang);
        assert_eq!(executed(bench.call(&AT_MOST_ONCE, "real").await), "real");
        assert_rejected!(bench.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
        stored_when_back(&bench).await;
        bench.assert_replays("real").await;
        assert_eq!(bench.runs(), 1);
    }
}

#[test]
fn fault_store_outage_until_exit_leaves_outcome_unknown() {
    for bench in Bench::each() {
        in_a_process(|| async {
            assert_eq!(executed(run_into_a_dead_store(&bench, &AT_MOST_ONCE).await), "real");
        });
        bench.memory.advance_clock(LEASE);
        in_a_process(|| async {
            for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
                assert_rejected!(
                    bench.another().call(policy, "rerun").await,
                    Rejection::OutcomeUnknown
                );
            }
        });
        assert_eq!(bench.runs(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn fault_store_outage_at_least_once_returns_no_unstored_success() {
    for bench in Bench::each() {
        let served = run_into_a_dead_store(&bench, &AT_LEAST_ONCE).await;
        assert_rejected!(served, Rejection::Unrecorded(_));
        assert_rejected!(bench.call(&AT_LEAST_ONCE, "second").await, Rejection::InProgress);
        stored_when_back(&bench).await;
        bench.assert_replays("real").await;
        assert_eq!(bench.runs(), 1);
    }
}

#[test]
fn fault_store_outage_at_least_once_runs_again() {
    for bench in Bench::each() {
        in_a_process(|| async {
            let served = run_into_a_dead_store(&bench, &AT_LEAST_ONCE).await;
            assert_rejected!(served, Rejection::Unrecorded(_));
        });
        bench.memory.advance_clock(LEASE);
        in_a_process(|| async {
            let second = bench.another();
            let served = second.call_with(&AT_LEAST_ONCE, |claim| async move {
                assert_eq!(claim.attempt, 2);
                done("second")
            });
            assert_eq!(executed(served.await), "second");
            second.assert_replays("second").await;
        });
        assert_eq!(bench.runs(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn fault_completion_reply_lost_stores_one_result() {
    for fault in [Fault::LostReply, Fault::NoReply, Fault::Twice] {
        for bench in Bench::each() {
            bench.faults.inject_next(1, [Kind::Complete], fault);
            assert_eq!(executed(bench.call(&AT_LEAST_ONCE, "once").await), "once", "{fault:?}");
            let sent = if fault == Fault::Twice { 1 } else { 2 };
            assert_eq!(bench.faults.calls().complete, sent, "{fault:?}");
            bench.assert_replays("once").await;
            assert_eq!(bench.runs(), 1);
        }
    }
}

/// Heals the store and waits until it took the answer.
async fn stored_when_back(bench: &Bench) {
    let before = bench.faults.heal();
    soon(bench.faults.until_answered(Kind::Complete, before.complete + 1)).await;
}

/// What runs in `work` ends with it, tasks in the background too.
fn in_a_process<F: Future<Output = ()>>(work: impl FnOnce() -> F) {
    let runtime: Runtime =
        Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work());
    runtime.shutdown_background();
}
