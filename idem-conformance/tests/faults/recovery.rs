//! The store fails during a recovery, or a reply of it is lost.

use std::time::Duration;

use idem_conformance::{Fault, Kind};
use idem_core::{Drained, Policy, Recovery, Rejection};

use crate::support::{
    AT_MOST_ONCE, LEASE, TestEnv, assert_rejected, executed, replayed, response, soon,
};

static RECOVERABLE: Policy = AT_MOST_ONCE.with_settle(Duration::ZERO);

/// The environments, each with the record of a run that failed and may have had an effect.
async fn uncertain() -> [TestEnv; 2] {
    uncertain_in(TestEnv::each()).await
}

async fn uncertain_in(envs: [TestEnv; 2]) -> [TestEnv; 2] {
    for env in &envs {
        assert_eq!(executed(env.call_ambiguous(&RECOVERABLE, "failed").await), "failed");
        assert_eq!((env.runs(), env.hooks()), (1, 0));
    }
    envs
}

#[tokio::test]
async fn lost_reply_to_begin_recovery_asks_the_hook_and_starts_no_handler() {
    for env in uncertain().await {
        env.faults.inject_next(1, [Kind::Claim], Fault::LostReply);
        let found = env.call_recoverable(&RECOVERABLE, Recovery::Happened("found"), "again").await;
        assert_eq!(replayed(found), response("found"));
        assert_eq!((env.runs(), env.hooks()), (1, 1));
    }
}

#[tokio::test]
async fn lost_reply_to_resume_run_is_sent_again() {
    for fault in [Fault::LostReply, Fault::Down] {
        for env in uncertain().await {
            env.faults.inject_next(1, [Kind::ResumeRun], fault);
            let again = env.call_recoverable(&RECOVERABLE, Recovery::NotHappened, "second").await;
            assert_eq!(executed(again), "second");
            assert_eq!((env.runs(), env.hooks(), env.faults.calls().resume_run), (2, 1, 2));
            env.assert_replays("second").await;
        }
    }
}

#[tokio::test]
async fn resume_run_without_a_reply_starts_no_handler() {
    for fault in [Fault::NoReply, Fault::Hang, Fault::Down, Fault::LostReply] {
        for env in uncertain_in(TestEnv::each_impatient()).await {
            env.faults.inject([Kind::ResumeRun], fault);
            let refused = env.call_recoverable(&RECOVERABLE, Recovery::NotHappened, "second").await;
            assert_rejected!(refused, Rejection::StoreUnavailable(Some(_)));
            assert_eq!(env.runs(), 1, "{fault:?}");
            env.faults.heal();
            let renewals = env.faults.calls().renew;
            // No renewal keeps the key, so the next request recovers it.
            env.memory.advance_clock(LEASE);
            let found =
                env.call_recoverable(&RECOVERABLE, Recovery::Happened("found"), "third").await;
            assert_eq!(replayed(found), response("found"));
            assert_eq!((env.runs(), env.faults.calls().renew), (1, renewals));
        }
    }
}

/// Another process has recovered the run before the store answers.
#[tokio::test]
async fn stale_resume_run_starts_no_handler() {
    for env in uncertain().await {
        env.faults.inject_next(1, [Kind::ResumeRun], Fault::Late);
        let (first, other) = (env.clone(), env.another());
        let first = tokio::spawn(async move {
            first.call_recoverable(&RECOVERABLE, Recovery::NotHappened, "second").await
        });
        soon(env.faults.until_held(1)).await;
        env.memory.advance_clock(LEASE);
        let found =
            other.call_recoverable(&RECOVERABLE, Recovery::Happened("found"), "third").await;
        assert_eq!(replayed(found), response("found"));
        env.faults.deliver();
        assert_rejected!(first.await.unwrap(), Rejection::StoreUnavailable(None));
        assert_eq!(env.runs(), 1);
        env.assert_replays("found").await;
    }
}

/// The process drains before the store answers, and the store then applies the call.
#[tokio::test(start_paused = true)]
async fn resumed_run_that_was_given_up_starts_no_handler() {
    for env in uncertain().await {
        env.faults.inject_next(1, [Kind::ResumeRun], Fault::Late);
        // Nor does the store get the outcome that the drain writes.
        env.faults.inject([Kind::Complete], Fault::Down);
        let first = env.clone();
        let first = tokio::spawn(async move {
            first.call_recoverable(&RECOVERABLE, Recovery::NotHappened, "second").await
        });
        soon(env.faults.until_held(1)).await;
        let answered = env.faults.calls().complete;
        let given_up = async {
            soon(env.faults.until_answered(Kind::Complete, answered + 1)).await;
            env.faults.deliver();
        };
        let (drained, ()) = tokio::join!(env.engine.drain(Duration::ZERO), given_up);
        assert_eq!(drained, Drained::GaveUp(1));
        assert_rejected!(first.await.unwrap(), Rejection::StoreUnavailable(None));
        assert_eq!(env.runs(), 1);
    }
}

#[tokio::test]
async fn a_found_result_that_is_not_stored_is_not_returned() {
    for env in uncertain().await {
        env.faults.inject([Kind::Complete], Fault::Down);
        let unrecorded =
            env.call_recoverable(&RECOVERABLE, Recovery::Happened("found"), "second").await;
        assert_rejected!(unrecorded, Rejection::Unrecorded(_));
        let answered = env.faults.heal().complete;
        soon(env.faults.until_answered(Kind::Complete, answered + 1)).await;
        env.assert_replays("found").await;
        assert_eq!((env.runs(), env.hooks()), (1, 1));
    }
}

#[tokio::test]
async fn an_inconclusive_recovery_that_is_not_stored_is_begun_again_after_its_lease() {
    for env in uncertain().await {
        env.faults.inject([Kind::Complete], Fault::Hang);
        let unknown = env.call_recoverable(&RECOVERABLE, Recovery::Inconclusive, "second").await;
        assert_rejected!(unknown, Rejection::OutcomeUnknown { retry_after: Some(_) });
        let other = env.another();
        let early = other.call_recoverable(&RECOVERABLE, Recovery::NotHappened, "second").await;
        assert_rejected!(early, Rejection::InProgress);
        env.memory.advance_clock(LEASE);
        let found =
            other.call_recoverable(&RECOVERABLE, Recovery::Happened("found"), "third").await;
        assert_eq!(replayed(found), response("found"));
        assert_eq!((env.runs(), env.hooks()), (1, 2));
    }
}
