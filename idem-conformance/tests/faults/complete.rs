//! The store is down when a run ends, or its reply to the completion is lost.

use std::future::pending;
use std::time::Duration;

use idem_conformance::{Fault, Kind};
use idem_core::{Drained, Policy, Rejection};
use tokio::sync::oneshot;

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, LEASE, TestEnv, assert_rejected, executed, in_a_process, soon,
    success,
};

/// Makes a call whose store rejects completions and releases when the handler ends.
async fn run_until_store_is_down(env: &TestEnv, policy: &'static Policy) -> crate::support::Result {
    let faults = env.faults.clone();
    env.call_with(policy, |_| async move {
        faults.inject(Kind::ENDS, Fault::Down);
        success("real")
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn fault_store_outage_short_stores_response() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        for env in TestEnv::each() {
            let recovery = async {
                soon(env.faults.until_answered(Kind::Complete, 2)).await;
                env.faults.heal();
            };
            let (served, ()) = tokio::join!(run_until_store_is_down(&env, policy), recovery);
            assert_eq!(executed(served), "real");
            env.assert_replays("real").await;
            assert_eq!(env.runs(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fault_store_outage_long_stores_response_in_background() {
    for env in TestEnv::each() {
        assert_eq!(executed(run_until_store_is_down(&env, &AT_MOST_ONCE).await), "real");
        assert_rejected!(env.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
        assert_rejected!(env.another().call(&AT_LEAST_ONCE, "third").await, Rejection::InProgress);
        stored_after_recovery(&env).await;
        env.assert_replays("real").await;
        assert_eq!(env.runs(), 1);
    }
}

/// A store that stays down is not asked for ever.
#[tokio::test(start_paused = true)]
async fn completion_is_retried_until_max_run_is_over() {
    static SHORT_RUN: Policy = AT_MOST_ONCE.with_lease(MAX_RUN).with_max_run(MAX_RUN);
    const MAX_RUN: Duration = Duration::from_millis(500);
    for env in TestEnv::each() {
        // On a busy machine the run itself may be given up.
        drop(run_until_store_is_down(&env, &SHORT_RUN).await);
        // The engine measures a run by the clock of the machine, and the test controls only the timers. A run that was
        // given up is recorded for up to its lease.
        std::thread::sleep(3 * MAX_RUN);
        tokio::time::sleep(LEASE).await;
        let sent = env.faults.calls().complete;
        tokio::time::sleep(LEASE).await;
        assert_eq!(env.faults.calls().complete, sent);
    }
}

/// Shutdown does not overwrite the response of a run with "unknown", no matter when the store recovers.
#[tokio::test(start_paused = true)]
async fn fault_store_outage_long_keeps_response_past_drain_deadline() {
    for env in TestEnv::each() {
        assert_eq!(executed(run_until_store_is_down(&env, &AT_MOST_ONCE).await), "real");
        let drained = env.engine.drain(Duration::ZERO).await;
        assert_eq!(drained, Drained::GaveUp(1), "its response is not stored");
        stored_after_recovery(&env).await;
        env.another().assert_replays("real").await;
        assert_eq!(env.runs(), 1);
    }
}

/// A handler that has ended is not active, although its end is not stored.
#[tokio::test(start_paused = true)]
async fn fault_store_outage_long_counts_run_as_unsettled() {
    for env in TestEnv::each() {
        assert_eq!(executed(run_until_store_is_down(&env, &AT_MOST_ONCE).await), "real");
        let activity = env.engine.activity();
        assert_eq!((activity.running, activity.unsettled), (0, 1));
        stored_after_recovery(&env).await;
    }
}

/// Shutdown records that the outcome of a run is unknown, and repeats that until the store replies.
#[tokio::test(start_paused = true)]
async fn fault_store_outage_short_at_drain_deadline_stores_unknown() {
    for env in TestEnv::each() {
        let (sender, started) = oneshot::channel();
        let run = env.call_with(&AT_MOST_ONCE, |_| async move {
            sender.send(()).unwrap();
            pending().await
        });
        let draining = async {
            started.await.unwrap();
            env.faults.inject([Kind::Complete], Fault::Down);
            env.engine.drain(Duration::ZERO).await
        };
        let recovery = async {
            soon(env.faults.until_answered(Kind::Complete, 2)).await;
            env.faults.heal();
        };
        let (served, drained, ()) = tokio::join!(run, draining, recovery);
        assert_rejected!(served, Rejection::OutcomeUnknown { retry_after: None });
        assert_eq!(drained, Drained::GaveUp(1));
        let second = env.another().call(&AT_MOST_ONCE, "second").await;
        assert_rejected!(second, Rejection::OutcomeUnknown { retry_after: None });
    }
}

/// The store does not reply at the end of a run.
#[tokio::test(start_paused = true)]
async fn fault_store_outage_long_silent_store_returns_response() {
    for env in TestEnv::each_impatient() {
        env.faults.inject(Kind::ENDS, Fault::Hang);
        assert_eq!(executed(env.call(&AT_MOST_ONCE, "real").await), "real");
        assert_rejected!(env.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
        stored_after_recovery(&env).await;
        env.assert_replays("real").await;
        assert_eq!(env.runs(), 1);
    }
}

#[test]
fn fault_store_outage_until_exit_leaves_outcome_unknown() {
    for env in TestEnv::each() {
        in_a_process(|| async {
            assert_eq!(executed(run_until_store_is_down(&env, &AT_MOST_ONCE).await), "real");
        });
        env.memory.advance_clock(LEASE);
        in_a_process(|| async {
            for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
                assert_rejected!(
                    env.another().call(policy, "rerun").await,
                    Rejection::OutcomeUnknown { retry_after: None }
                );
            }
        });
        assert_eq!(env.runs(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn fault_store_outage_at_least_once_returns_no_unstored_success() {
    for env in TestEnv::each() {
        let served = run_until_store_is_down(&env, &AT_LEAST_ONCE).await;
        assert_rejected!(served, Rejection::Unrecorded(_));
        assert_rejected!(env.call(&AT_LEAST_ONCE, "second").await, Rejection::InProgress);
        stored_after_recovery(&env).await;
        env.assert_replays("real").await;
        assert_eq!(env.runs(), 1);
    }
}

#[test]
fn fault_store_outage_at_least_once_runs_again() {
    for env in TestEnv::each() {
        in_a_process(|| async {
            let served = run_until_store_is_down(&env, &AT_LEAST_ONCE).await;
            assert_rejected!(served, Rejection::Unrecorded(_));
        });
        env.memory.advance_clock(LEASE);
        in_a_process(|| async {
            let second = env.another();
            let served = second.call_with(&AT_LEAST_ONCE, |claim| async move {
                assert_eq!(claim.attempt, 2);
                success("second")
            });
            assert_eq!(executed(served.await), "second");
            second.assert_replays("second").await;
        });
        assert_eq!(env.runs(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn fault_completion_reply_lost_stores_one_result() {
    for fault in [Fault::LostReply, Fault::NoReply, Fault::Twice] {
        for env in TestEnv::each_impatient() {
            env.faults.inject_next(1, [Kind::Complete], fault);
            assert_eq!(executed(env.call(&AT_LEAST_ONCE, "once").await), "once", "{fault:?}");
            let sent = if fault == Fault::Twice { 1 } else { 2 };
            assert_eq!(env.faults.calls().complete, sent, "{fault:?}");
            env.assert_replays("once").await;
            assert_eq!(env.runs(), 1);
        }
    }
}

/// Heals the store and waits until it has stored the response.
async fn stored_after_recovery(env: &TestEnv) {
    let before = env.faults.heal();
    soon(env.faults.until_answered(Kind::Complete, before.complete + 1)).await;
}
