//! The store is down at the claim, or the claim is applied late or twice, or its reply is lost.

use idem_conformance::{Calls, Fault, Kind};
use idem_core::Rejection;
use idem_core::store::StoreErrorKind;
use tokio::time::sleep;

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, LEASE, TestEnv, assert_rejected, executed, in_a_process, soon,
    success,
};

#[tokio::test]
async fn fault_store_down_at_claim_starts_nothing() {
    for env in TestEnv::each() {
        for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
            env.faults.inject(Kind::ALL, Fault::Down);
            match env.call(policy, "must not run").await {
                Err(Rejection::StoreUnavailable(Some(error))) => {
                    assert_eq!(error.kind(), StoreErrorKind::NotDone);
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(env.runs(), 0);
        }
        let Calls { claim, .. } = env.faults.heal();
        assert_eq!(
            env.faults.calls(),
            Calls { claim, ..Calls::default() },
            "no other call was made"
        );
        env.assert_free().await;
    }
}

#[tokio::test]
async fn fault_store_down_at_claim_recovers_before_deadline() {
    for env in TestEnv::each() {
        env.faults.inject_next(2, [Kind::Claim], Fault::Down);
        assert_eq!(executed(env.call(&AT_MOST_ONCE, "first").await), "first");
        assert_eq!((env.faults.calls().claim, env.runs()), (3, 1));
    }
}

#[tokio::test]
async fn fault_store_down_at_claim_silent_store() {
    for env in TestEnv::each_impatient() {
        env.faults.inject(Kind::ALL, Fault::Hang);
        let served = env.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(None));
        assert_eq!(env.runs(), 0);
        env.faults.heal();
        env.assert_free().await;
    }
}

#[tokio::test]
async fn fault_claim_reply_lost_and_retry_owns_key() {
    for env in TestEnv::each() {
        env.faults.inject_next(1, [Kind::Claim], Fault::LostReply);
        let served = env.call_with(&AT_MOST_ONCE, |claim| async move {
            assert_eq!(claim.attempt, 1);
            success("once")
        });
        assert_eq!(executed(served.await), "once");
        assert_eq!(env.faults.calls(), Calls { claim: 2, complete: 1, ..Calls::default() });
        env.assert_replays("once").await;
    }
}

#[tokio::test]
async fn fault_claim_reply_lost_until_deadline_is_abandoned() {
    for env in TestEnv::each() {
        env.faults.inject([Kind::Claim], Fault::LostReply);
        match env.call(&AT_MOST_ONCE, "must not run").await {
            Err(Rejection::StoreUnavailable(Some(error))) => {
                assert_eq!(error.kind(), StoreErrorKind::Unknown);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(env.runs(), 0);
        abandoned(&env, 1).await;
        env.faults.heal();
        env.assert_free().await;
    }
}

/// The first reply is lost, and then the store is down. The store may still hold the claim.
#[tokio::test]
async fn fault_claim_reply_lost_then_store_down_is_abandoned_after_recovery() {
    for env in TestEnv::each() {
        env.faults.inject(Kind::ALL, Fault::Down);
        env.faults.inject_next(1, [Kind::Claim], Fault::LostReply);
        let served = env.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(Some(_)));
        abandoned(&env, 2).await;
        let before = env.faults.heal().abandon;
        abandoned(&env, before + 1).await;
        env.assert_free().await;
        assert_eq!(env.runs(), 1);
    }
}

#[tokio::test]
async fn fault_claim_reply_lost_without_error_is_abandoned() {
    for env in TestEnv::each_impatient() {
        env.faults.inject([Kind::Claim], Fault::NoReply);
        let served = env.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(None));
        assert_eq!(env.runs(), 0);
        abandoned(&env, 1).await;
        env.faults.heal();
        env.assert_free().await;
    }
}

#[tokio::test]
async fn fault_claim_applied_late_after_deadline_is_abandoned() {
    for env in TestEnv::each_impatient() {
        env.faults.inject([Kind::Claim], Fault::Late);
        let served = env.call(&AT_MOST_ONCE, "must not run").await;
        assert_rejected!(served, Rejection::StoreUnavailable(None));
        deliver_and_abandon(&env).await;
    }
}

#[tokio::test]
async fn fault_claim_applied_late_after_caller_left_is_abandoned() {
    for env in TestEnv::each() {
        leave_with_a_late_claim(&env).await;
        deliver_and_abandon(&env).await;
    }
}

/// Nothing is left once a claim that arrived is gone. The clock moves only if nothing else can happen, so the calls of a
/// whole lease are counted.
#[test]
fn fault_abandonment_reply_lost_is_sent_once_more() {
    for env in TestEnv::each() {
        in_a_process(|| async {
            leave_with_a_late_claim(&env).await;
            abandoned(&env, 1).await;
            env.faults.inject_next(1, [Kind::Abandon], Fault::LostReply);
            env.faults.deliver();
            sleep(2 * LEASE).await;
            let abandon = env.faults.calls().abandon;
            assert_eq!(abandon, 3, "before the claim arrived, and twice after that");
            env.another().assert_free().await;
        });
    }
}

/// A claim that arrives after another run has ended holds nothing.
#[test]
fn fault_claim_applied_late_after_another_run_is_not_abandoned_again() {
    for env in TestEnv::each() {
        in_a_process(|| async {
            leave_with_a_late_claim(&env).await;
            abandoned(&env, 1).await;
            assert_eq!(executed(env.another().call(&AT_MOST_ONCE, "another").await), "another");
            env.faults.deliver();
            sleep(LEASE / 2).await;
            assert_eq!(env.faults.calls().abandon, 1);
            env.another().assert_replays("another").await;
        });
    }
}

#[tokio::test]
async fn fault_claim_applied_twice_has_one_owner() {
    for env in TestEnv::each() {
        env.faults.inject([Kind::Claim], Fault::Twice);
        let second = env.clone();
        let served = env.call_with(&AT_MOST_ONCE, |claim| async move {
            assert_eq!(claim.attempt, 1);
            assert_rejected!(second.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
            success("once")
        });
        assert_eq!(executed(served.await), "once");
        env.assert_replays("once").await;
        assert_eq!(env.runs(), 1);
    }
}

/// Makes a call that ends while its claim is held.
async fn leave_with_a_late_claim(env: &TestEnv) {
    env.faults.inject([Kind::Claim], Fault::Late);
    tokio::select! {
        served = env.call(&AT_MOST_ONCE, "must not run") => panic!("{served:?}"),
        () = env.faults.until_held(1) => {}
    }
}

/// Delivers the held claim, and asserts that it leaves no record.
async fn deliver_and_abandon(env: &TestEnv) {
    assert_eq!(env.runs(), 0);
    let before = env.faults.heal();
    env.faults.deliver();
    soon(env.faults.until_answered(Kind::Claim, before.claim + 1)).await;
    until_gone(env).await;
    env.assert_free().await;
}

/// Waits until the store holds no claim. The claim can arrive after its first abandonment.
async fn until_gone(env: &TestEnv) {
    let mut abandonments = 0;
    while !env.memory.is_empty() {
        abandonments += 1;
        abandoned(env, abandonments).await;
    }
}

/// Waits until the lost claim was abandoned in the background.
async fn abandoned(env: &TestEnv, calls: u32) {
    soon(env.faults.until_answered(Kind::Abandon, calls)).await;
}
