//! Renewals fail, briefly or beyond the lease, and another run may take over. Leases are renewed on a separate
//! thread with its own clock, so these tests use short leases and real time. Each test runs its cases concurrently
//! instead of shortening the leases further.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use idem_conformance::{Fault, Kind};
use idem_core::store::{ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, Update};
use idem_core::{Guarantee, Policy, Rejection};
use tokio::sync::oneshot;

use crate::support::{
    AT_LEAST_ONCE, LEASE, TestEnv, assert_rejected, executed, replayed, response, soon, success,
};

/// Long enough for a second renewal, after a lost one, that a busy machine sends up to five seconds late.
const LONG: Duration = Duration::from_secs(16);
static LONG_AT_MOST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtMostOnce).with_lease(LONG);
static LONG_AT_LEAST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtLeastOnce).with_lease(LONG);

/// Long enough for the start of a run, or for a takeover, on a busy machine.
const SHORT: Duration = Duration::from_secs(2);
static SHORT_AT_MOST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtMostOnce).with_lease(SHORT);
static SHORT_AT_LEAST_ONCE: Policy = Policy::new(LEASE, Guarantee::AtLeastOnce).with_lease(SHORT);

/// Runs a case for each of the faults in each environment, all concurrently.
async fn for_each<F: Future<Output = ()>>(faults: &[Fault], case: impl Fn(Fault, TestEnv) -> F) {
    let cases = faults.iter().flat_map(|&fault| TestEnv::each().map(|env| (fault, env)));
    join_all(cases.map(|(fault, env)| case(fault, env))).await;
}

/// Renewals are sent every third of the lease or up to a fifth sooner, so five of them take longer than
/// one lease.
const BEYOND_ONE_LEASE: u32 = 5;

#[tokio::test]
async fn fault_renewal_fails_briefly() {
    let envs = [Fault::Down, Fault::Hang, Fault::LostReply].map(|fault| (fault, TestEnv::each()));
    let mut runs = tokio::task::JoinSet::new();
    for (fault, envs) in envs {
        for (env, policy) in envs.into_iter().zip([&LONG_AT_MOST_ONCE, &LONG_AT_LEAST_ONCE]) {
            runs.spawn(run_with_a_lost_renewal(env, policy, fault));
        }
    }
    runs.join_all().await;
}

async fn run_with_a_lost_renewal(env: TestEnv, policy: &'static Policy, fault: Fault) {
    env.faults.inject_next(1, [Kind::Renew], fault);
    let inside = env.clone();
    let served = env.call_with(policy, move |_| async move {
        // A renewal that hangs has no answer.
        let answers = if fault == Fault::Hang { 1 } else { 2 };
        soon(inside.faults.until_answered(Kind::Renew, answers)).await;
        // The second renewal is sent after half of the lease. Without it the lease would now be over.
        inside.memory.advance_clock(LONG / 2);
        assert_rejected!(inside.another().call(policy, "second").await, Rejection::InProgress);
        success("first")
    });
    assert_eq!(executed(served.await), "first");
    env.assert_replays("first").await;
    assert_eq!(env.runs(), 1);
}

#[tokio::test]
async fn fault_renewal_fails_beyond_lease_at_least_once_run_is_cancelled() {
    for_each(&[Fault::Down, Fault::Hang], |fault, env| async move {
        env.faults.inject([Kind::Renew], fault);
        let running = Arc::new(());
        let (first, inside) = (Arc::downgrade(&running), env.clone());
        let served = env.call_with(&SHORT_AT_LEAST_ONCE, |_| async move {
            pending::<()>().await;
            drop((running, inside));
            success("must not end")
        });
        assert_rejected!(soon(served).await, Rejection::OutcomeUnknown { retry_after: None });
        assert_eq!(first.strong_count(), 0, "the handler was not dropped");
        env.memory.advance_clock(SHORT);
        let second = env.another();
        let served = second.call_with(&AT_LEAST_ONCE, |claim| async move {
            assert_eq!(claim.attempt, 2);
            success("second")
        });
        assert_eq!(executed(served.await), "second");
        env.assert_replays("second").await;
        assert_eq!(env.runs(), 2);
    })
    .await;
}

/// The store does not reply to the end. The cancelled call returns within the caller's timeout.
#[tokio::test]
async fn fault_renewal_fails_beyond_lease_at_least_once_silent_store_leaves_outcome_unknown() {
    for_each(&[Fault::Hang], |fault, env| async move {
        env.faults.inject([Kind::Renew, Kind::Complete], fault);
        let served = env.call_with(&SHORT_AT_LEAST_ONCE, |_| pending());
        assert_rejected!(soon(served).await, Rejection::OutcomeUnknown { retry_after: None });
    })
    .await;
}

/// No other run can start, so this run continues. Duplicates get `outcome-unknown` until it completes.
#[tokio::test]
async fn fault_renewal_fails_beyond_lease_at_most_once_run_continues() {
    for_each(&[Fault::Down], |fault, env| async move {
        env.faults.inject([Kind::Renew], fault);
        let inside = env.clone();
        let served = env.call_with(&SHORT_AT_MOST_ONCE, |_| async move {
            soon(inside.faults.until_answered(Kind::Renew, BEYOND_ONE_LEASE)).await;
            for policy in [&SHORT_AT_MOST_ONCE, &SHORT_AT_LEAST_ONCE] {
                assert_rejected!(
                    inside.another().call(policy, "second").await,
                    Rejection::OutcomeUnknown { retry_after: None }
                );
            }
            success("late")
        });
        assert_eq!(executed(served.await), "late");
        env.assert_replays("late").await;
        assert_eq!(env.runs(), 1);
    })
    .await;
}

/// The second run completed in the meantime, so its response is returned to every client.
#[tokio::test]
async fn fault_takeover_completes_first_and_its_response_is_returned() {
    for env in TestEnv::each() {
        let inside = env.clone();
        let served = env.call_with(&AT_LEAST_ONCE, |_| async move {
            inside.memory.advance_clock(LEASE);
            assert_eq!(executed(inside.another().call(&AT_LEAST_ONCE, "second").await), "second");
            success("first")
        });
        assert_eq!(replayed(served.await), response("second"));
        env.assert_replays("second").await;
        assert_eq!(env.runs(), 2);
    }
}

/// The first run gets no reply from the store for a whole lease. It is cancelled after the second run completed.
#[tokio::test]
async fn fault_takeover_completes_first_and_stale_run_is_cancelled() {
    for_each(&[Fault::Down, Fault::Hang], |fault, env| async move {
        env.faults.inject([Kind::Renew], fault);
        let inside = env.clone();
        let served = env.call_with(&SHORT_AT_LEAST_ONCE, |_| async move {
            inside.memory.advance_clock(SHORT);
            let second = inside.another();
            assert_eq!(executed(second.call(&AT_LEAST_ONCE, "second").await), "second");
            pending().await
        });
        assert_eq!(replayed(soon(served).await), response("second"), "{fault:?}");
        env.assert_replays("second").await;
        assert_eq!(env.runs(), 2);
    })
    .await;
}

/// The second run is still running when the first ends: the outcome is unknown until the second completes.
#[tokio::test]
async fn fault_takeover_still_running() {
    for env in TestEnv::each() {
        let memory = env.memory.clone();
        let (taken_over, second) = oneshot::channel();
        let served = env.call_with(&AT_LEAST_ONCE, |claim| async move {
            memory.advance_clock(LEASE);
            taken_over
                .send(memory.claim(claim.id, ClaimRequest::new(&AT_LEAST_ONCE)).await)
                .unwrap();
            success("first")
        });
        assert_rejected!(served.await, Rejection::OutcomeUnknown { retry_after: None });
        let ClaimOutcome::Acquired(second) = second.await.unwrap().unwrap() else {
            panic!("a takeover")
        };
        assert_eq!(second.attempt, 2);
        let accepted =
            env.memory.complete(second, Completion::Response(response("second")), LEASE).await;
        assert_eq!(accepted.unwrap(), Update::Applied);
        env.assert_replays("second").await;
    }
}
