//! Renewals fail, briefly or beyond the lease, and another run may take over. Leases are renewed on a separate
//! thread with its own clock, so these tests use short leases and real time.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use idem_conformance::{Fault, Kind};
use idem_core::store::{ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, Update};
use idem_core::{Guarantee, Policy, Rejection};
use tokio::sync::oneshot;

use crate::bench::{
    AT_LEAST_ONCE, Bench, LEASE, answer, assert_rejected, done, executed, replayed, soon,
};

const LONG: Duration = Duration::from_millis(1500);
static LONG_AT_MOST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtMostOnce).with_lease(LONG);
static LONG_AT_LEAST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtLeastOnce).with_lease(LONG);

const SHORT: Duration = Duration::from_millis(200);
static SHORT_AT_MOST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtMostOnce).with_lease(SHORT);
static SHORT_AT_LEAST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtLeastOnce).with_lease(SHORT);

/// Renewals are sent every third of the lease or up to a fifth sooner, so five of them take longer than
/// one lease.
const BEYOND_ONE_LEASE: u32 = 5;

#[tokio::test]
async fn fault_renewal_fails_briefly() {
    let benches = [Fault::Down, Fault::Hang, Fault::LostReply].map(|fault| (fault, Bench::each()));
    let mut runs = tokio::task::JoinSet::new();
    for (fault, benches) in benches {
        for (bench, policy) in benches.into_iter().zip([&LONG_AT_MOST_ONCE, &LONG_AT_LEAST_ONCE]) {
            runs.spawn(run_with_a_lost_renewal(bench, policy, fault));
        }
    }
    runs.join_all().await;
}

async fn run_with_a_lost_renewal(bench: Bench, policy: &'static Policy, fault: Fault) {
    bench.faults.inject_next(1, [Kind::Renew], fault);
    let inside = bench.clone();
    let served = bench.call_with(policy, move |_| async move {
        soon(inside.faults.until_called(Kind::Renew, BEYOND_ONE_LEASE)).await;
        assert_rejected!(inside.another().call(policy, "second").await, Rejection::InProgress);
        done("first")
    });
    assert_eq!(executed(served.await), "first");
    bench.assert_replays("first").await;
    assert_eq!(bench.runs(), 1);
}

#[tokio::test]
async fn fault_renewal_fails_beyond_lease_at_least_once_run_is_cancelled() {
    for fault in [Fault::Down, Fault::Hang] {
        for bench in Bench::each() {
            bench.faults.inject([Kind::Renew], fault);
            let running = Arc::new(());
            let (first, inside) = (Arc::downgrade(&running), bench.clone());
            let served = bench.call_with(&SHORT_AT_LEAST_ONCE, |_| async move {
                pending::<()>().await;
                drop((running, inside));
                done("must not end")
            });
            assert_rejected!(soon(served).await, Rejection::OutcomeUnknown);
            assert_eq!(first.strong_count(), 0, "the handler was dropped");
            bench.memory.advance_clock(SHORT);
            let second = bench.another();
            let served = second.call_with(&AT_LEAST_ONCE, |claim| async move {
                assert_eq!(claim.attempt, 2);
                done("second")
            });
            assert_eq!(executed(served.await), "second");
            bench.assert_replays("second").await;
            assert_eq!(bench.runs(), 2);
        }
    }
}

/// The store is silent to the end: who was cut off is kept no longer than callers have patience.
#[tokio::test]
async fn fault_renewal_fails_beyond_lease_at_least_once_silent_store_leaves_outcome_unknown() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Renew, Kind::Complete], Fault::Hang);
        let served = bench.call_with(&SHORT_AT_LEAST_ONCE, |_| pending());
        assert_rejected!(soon(served).await, Rejection::OutcomeUnknown);
    }
}

/// No other run can start, so this run continues. Duplicates get `outcome-unknown` until it completes.
#[tokio::test]
async fn fault_renewal_fails_beyond_lease_at_most_once_run_continues() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Renew], Fault::Down);
        let inside = bench.clone();
        let served = bench.call_with(&SHORT_AT_MOST_ONCE, |_| async move {
            soon(inside.faults.until_answered(Kind::Renew, BEYOND_ONE_LEASE)).await;
            for policy in [&SHORT_AT_MOST_ONCE, &SHORT_AT_LEAST_ONCE] {
                assert_rejected!(
                    inside.another().call(policy, "second").await,
                    Rejection::OutcomeUnknown
                );
            }
            done("late")
        });
        assert_eq!(executed(served.await), "late");
        bench.assert_replays("late").await;
        assert_eq!(bench.runs(), 1);
    }
}

/// The second run completed in the meantime, so its response is returned to every client.
#[tokio::test]
async fn fault_takeover_completes_first_and_its_response_is_returned() {
    for bench in Bench::each() {
        let inside = bench.clone();
        let served = bench.call_with(&AT_LEAST_ONCE, |_| async move {
            inside.memory.advance_clock(LEASE);
            assert_eq!(executed(inside.another().call(&AT_LEAST_ONCE, "second").await), "second");
            done("first")
        });
        assert_eq!(replayed(served.await), answer("second"));
        bench.assert_replays("second").await;
        assert_eq!(bench.runs(), 2);
    }
}

/// The first run gets no reply from the store for a whole lease. It is cancelled after the second run completed.
#[tokio::test]
async fn fault_takeover_completes_first_and_stale_run_is_cancelled() {
    for fault in [Fault::Down, Fault::Hang] {
        for bench in Bench::each() {
            bench.faults.inject([Kind::Renew], fault);
            let inside = bench.clone();
            let served = bench.call_with(&SHORT_AT_LEAST_ONCE, |_| async move {
                inside.memory.advance_clock(SHORT);
                let second = inside.another();
                assert_eq!(executed(second.call(&AT_LEAST_ONCE, "second").await), "second");
                pending().await
            });
            assert_eq!(replayed(soon(served).await), answer("second"), "{fault:?}");
            bench.assert_replays("second").await;
            assert_eq!(bench.runs(), 2);
        }
    }
}

/// The second run is still running when the first ends: the outcome is unknown until the second completes.
#[tokio::test]
async fn fault_takeover_still_running() {
    for bench in Bench::each() {
        let memory = bench.memory.clone();
        let (taken_over, second) = oneshot::channel();
        let served = bench.call_with(&AT_LEAST_ONCE, |claim| async move {
            memory.advance_clock(LEASE);
            taken_over
                .send(memory.claim(claim.id, ClaimRequest::new(&AT_LEAST_ONCE)).await)
                .unwrap();
            done("first")
        });
        assert_rejected!(served.await, Rejection::OutcomeUnknown);
        let ClaimOutcome::Acquired(second) = second.await.unwrap().unwrap() else {
            panic!("a takeover")
        };
        assert_eq!(second.attempt, 2);
        let accepted =
            bench.memory.complete(second, Completion::Response(answer("second")), LEASE).await;
        assert_eq!(accepted.unwrap(), Update::Applied);
        bench.assert_replays("second").await;
    }
}
