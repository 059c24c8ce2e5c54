//! Rows 16 and 17, and 11 to 13 after them: renewals fail. The keeper has a thread and a clock of its
//! own, so leases here are short and real.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use idem_conformance::{Fault, Kind};
use idem_core::{
    ClaimRequest, Claimed, Conclusion, Fenced, Guarantee, IdempotencyStore, Policy, Rejection,
};
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
async fn fault_16_renewals_that_fail_for_less_than_the_lease_do_no_harm() {
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
async fn fault_17_at_least_once_a_lease_that_cannot_be_renewed_cuts_the_run_off() {
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
async fn fault_17_at_least_once_a_store_that_tells_nothing_leaves_the_outcome_unknown() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Renew, Kind::Complete], Fault::Hang);
        let served = bench.call_with(&SHORT_AT_LEAST_ONCE, |_| pending());
        assert_rejected!(soon(served).await, Rejection::OutcomeUnknown);
    }
}

/// Nobody else will run it, so it goes on; who asks meanwhile hears that the outcome is unknown, until
/// it is known (fault 11).
#[tokio::test]
async fn fault_17_at_most_once_the_run_goes_on_without_its_lease() {
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

/// Row 12: the second run finished meanwhile, and its answer is everybody's.
#[tokio::test]
async fn fault_12_late_answer_gives_way_to_the_one_that_was_accepted() {
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

/// Rows 12 and 17: the first hears nothing from the store for a lease, and is cut off when the second has
/// finished.
#[tokio::test]
async fn fault_12_run_that_is_cut_off_gives_way_to_the_answer_that_was_accepted() {
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

/// Row 13: the second run is still under way, so nobody knows yet, and the second completes.
#[tokio::test]
async fn fault_13_late_answer_is_refused_while_the_second_run_is_under_way() {
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
        let Claimed::Acquired(second) = second.await.unwrap().unwrap() else {
            panic!("a takeover")
        };
        assert_eq!(second.attempt, 2);
        let accepted =
            bench.memory.complete(second, Conclusion::Answer(answer("second")), LEASE).await;
        assert_eq!(accepted.unwrap(), Fenced::Held);
        bench.assert_replays("second").await;
    }
}
