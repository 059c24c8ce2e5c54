//! The store is down at the claim, or the claim is applied late or twice, or its reply is lost.

use idem_conformance::{Calls, Fault, Kind};
use idem_core::Rejection;
use idem_core::store::StoreErrorKind;

use crate::bench::{AT_LEAST_ONCE, AT_MOST_ONCE, Bench, assert_rejected, done, executed, soon};

#[tokio::test]
async fn fault_store_down_at_claim_starts_nothing() {
    for bench in Bench::each() {
        for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
            bench.faults.inject(Kind::ALL, Fault::Down);
            match bench.call(policy, "must not run").await {
                Err(Rejection::StoreUnavailable(Some(error))) => {
                    assert_eq!(error.kind(), StoreErrorKind::NotDone);
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(bench.runs(), 0);
        }
        let Calls { claim, .. } = bench.faults.heal();
        assert_eq!(
            bench.faults.calls(),
            Calls { claim, ..Calls::default() },
            "nothing else was tried"
        );
        bench.assert_free().await;
    }
}

#[tokio::test]
async fn fault_store_down_at_claim_recovers_before_deadline() {
    for bench in Bench::each() {
        bench.faults.inject_next(2, [Kind::Claim], Fault::Down);
        assert_eq!(executed(bench.call(&AT_MOST_ONCE, "first").await), "first");
        assert_eq!((bench.faults.calls().claim, bench.runs()), (3, 1));
    }
}

#[tokio::test]
async fn fault_store_down_at_claim_silent_store() {
    for bench in Bench::each() {
        bench.faults.inject(Kind::ALL, Fault::Hang);
        let served = bench.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(None));
        assert_eq!(bench.runs(), 0);
        bench.faults.heal();
        bench.assert_free().await;
    }
}

#[tokio::test]
async fn fault_claim_reply_lost_and_retry_owns_key() {
    for bench in Bench::each() {
        bench.faults.inject_next(1, [Kind::Claim], Fault::LostReply);
        let served = bench.call_with(&AT_MOST_ONCE, |claim| async move {
            assert_eq!(claim.attempt, 1);
            done("once")
        });
        assert_eq!(executed(served.await), "once");
        assert_eq!(bench.faults.calls(), Calls { claim: 2, complete: 1, ..Calls::default() });
        bench.assert_replays("once").await;
    }
}

#[tokio::test]
async fn fault_claim_reply_lost_until_deadline_is_abandoned() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Claim], Fault::LostReply);
        match bench.call(&AT_MOST_ONCE, "must not run").await {
            Err(Rejection::StoreUnavailable(Some(error))) => {
                assert_eq!(error.kind(), StoreErrorKind::Unknown);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(bench.runs(), 0);
        abandoned(&bench, 1).await;
        bench.faults.heal();
        bench.assert_free().await;
    }
}

/// The first answer is lost, and then the store is down: it may still hold the claim.
#[tokio::test]
async fn fault_claim_reply_lost_then_store_down_is_abandoned_after_recovery() {
    for bench in Bench::each() {
        bench.faults.inject(Kind::ALL, Fault::Down);
        bench.faults.inject_next(1, [Kind::Claim], Fault::LostReply);
        let served = bench.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(Some(_)));
        abandoned(&bench, 2).await;
        let before = bench.faults.heal().abandon;
        abandoned(&bench, before + 1).await;
        bench.assert_free().await;
        assert_eq!(bench.runs(), 1);
    }
}

#[tokio::test]
async fn fault_claim_reply_lost_without_error_is_abandoned() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Claim], Fault::NoReply);
        let served = bench.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(None));
        assert_eq!(bench.runs(), 0);
        abandoned(&bench, 1).await;
        bench.faults.heal();
        bench.assert_free().await;
    }
}

#[tokio::test]
async fn fault_claim_applied_late_after_deadline_is_abandoned() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Claim], Fault::Late);
        let served = bench.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(None));
        land_and_abandon(&bench).await;
    }
}

#[tokio::test]
async fn fault_claim_applied_late_after_caller_left_is_abandoned() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Claim], Fault::Late);
        tokio::select! {
            served = bench.call(&AT_MOST_ONCE, "must not run") => panic!("{served:?}"),
            () = bench.faults.until_held(1) => {}
        }
        land_and_abandon(&bench).await;
    }
}

#[tokio::test]
async fn fault_claim_applied_twice_has_one_owner() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Claim], Fault::Twice);
        let second = bench.clone();
        let served = bench.call_with(&AT_MOST_ONCE, |claim| async move {
            assert_eq!(claim.attempt, 1);
            assert_rejected!(second.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
            done("once")
        });
        assert_eq!(executed(served.await), "once");
        bench.assert_replays("once").await;
        assert_eq!(bench.runs(), 1);
    }
}

/// Lets the held claim land, and asserts that it leaves nothing behind.
async fn land_and_abandon(bench: &Bench) {
    assert_eq!(bench.runs(), 0);
    let before = bench.faults.heal();
    bench.faults.deliver();
    soon(bench.faults.until_answered(Kind::Claim, before.claim + 1)).await;
    until_gone(bench).await;
    bench.assert_free().await;
}

/// The store confirms that it holds no claim: an abandonment may come before the claim lands.
async fn until_gone(bench: &Bench) {
    let mut asked = 0;
    while !bench.memory.is_empty() {
        asked += 1;
        abandoned(bench, asked).await;
    }
}

/// The lost claim is abandoned in the background.
async fn abandoned(bench: &Bench, calls: u32) {
    soon(bench.faults.until_answered(Kind::Abandon, calls)).await;
}
