//! The number of store calls per request.

use std::time::Duration;

use idem_conformance::Calls;
use idem_core::http::Scope;
use idem_core::store::Fingerprint;
use idem_core::{Drained, IdempotencyKey, Rejection};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, TestEnv, assert_rejected, executed, not_executed, success,
};

const NONE: Calls =
    Calls { claim: 0, renew: 0, resume_run: 0, complete: 0, release: 0, abandon: 0, check: 0 };

#[tokio::test]
async fn first_execution_costs_two_calls_and_a_replay_one() {
    for env in TestEnv::each() {
        assert_eq!(executed(env.call(&AT_MOST_ONCE, "first").await), "first");
        assert_eq!(env.faults.calls(), Calls { claim: 1, complete: 1, ..NONE });
        env.assert_replays("first").await;
        assert_eq!(env.faults.calls(), Calls { claim: 2, complete: 1, ..NONE });
        assert_eq!(env.faults.answered(), env.faults.calls());
    }
}

#[tokio::test]
async fn freed_key_costs_two_calls() {
    for env in TestEnv::each() {
        let served = env.call_with(&AT_LEAST_ONCE, |_| async { not_executed("busy") });
        assert_eq!(executed(served.await), "busy");
        assert_eq!(env.faults.calls(), Calls { claim: 1, release: 1, ..NONE });
    }
}

#[tokio::test]
async fn duplicate_in_flight_and_mismatch_cost_one_call() {
    for env in TestEnv::each() {
        let second = env.clone();
        let served = env.call_with(&AT_MOST_ONCE, |_| async move {
            assert_rejected!(second.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
            assert_eq!(second.faults.calls(), Calls { claim: 2, ..NONE });
            success("first")
        });
        assert_eq!(executed(served.await), "first");
        let key = IdempotencyKey::new("compared").unwrap();
        let call = |print| {
            let call =
                env.engine.call(&AT_MOST_ONCE, &["test"], Scope::of("tenant"), &key).unwrap();
            call.with_fingerprint(Fingerprint::from_parts(1, [print; 32]))
        };
        drop(
            env.engine
                .run(call(1), |_| async { success("first") }, || success("panic"))
                .await
                .unwrap(),
        );
        let before = env.faults.calls();
        let served =
            env.engine.run(call(2), |_| async { success("second") }, || success("panic")).await;
        let served = served.map_err(Rejection::from);
        assert_rejected!(served, Rejection::KeyReused);
        assert_eq!(env.faults.calls(), Calls { claim: before.claim + 1, ..before });
    }
}

#[tokio::test]
async fn rejected_request_costs_no_call() {
    for env in TestEnv::each() {
        let key = IdempotencyKey::new("key").unwrap();
        let call = env.engine.call(&AT_MOST_ONCE, &["test"], Scope::of(""), &key);
        assert!(matches!(call, Err(Rejection::ScopeEmpty)));
        assert_eq!(env.engine.drain(Duration::ZERO).await, Drained::Finished);
        assert_rejected!(env.call(&AT_MOST_ONCE, "late").await, Rejection::Draining);
        assert_eq!((env.faults.calls(), env.runs()), (NONE, 0));
    }
}
