//! How many round trips a request costs (DESIGN section 4): two, one, none.

use std::time::Duration;

use idem_conformance::Calls;
use idem_core::http::Scope;
use idem_core::store::Fingerprint;
use idem_core::{Drained, IdempotencyKey, Rejection};

use crate::bench::{AT_LEAST_ONCE, AT_MOST_ONCE, Bench, assert_rejected, done, executed, refused};

const NONE: Calls = Calls { claim: 0, renew: 0, complete: 0, release: 0, abandon: 0 };

#[tokio::test]
async fn first_execution_costs_two_calls_and_a_replay_one() {
    for bench in Bench::each() {
        assert_eq!(executed(bench.call(&AT_MOST_ONCE, "first").await), "first");
        assert_eq!(bench.faults.calls(), Calls { claim: 1, complete: 1, ..NONE });
        bench.assert_replays("first").await;
        assert_eq!(bench.faults.calls(), Calls { claim: 2, complete: 1, ..NONE });
        assert_eq!(bench.faults.answered(), bench.faults.calls());
    }
}

#[tokio::test]
async fn freed_key_costs_two_calls() {
    for bench in Bench::each() {
        let served = bench.call_with(&AT_LEAST_ONCE, |_| async { refused("busy") });
        assert_eq!(executed(served.await), "busy");
        assert_eq!(bench.faults.calls(), Calls { claim: 1, release: 1, ..NONE });
    }
}

#[tokio::test]
async fn duplicate_in_flight_and_mismatch_cost_one_call() {
    for bench in Bench::each() {
        let second = bench.clone();
        let served = bench.call_with(&AT_MOST_ONCE, |_| async move {
            assert_rejected!(second.call(&AT_MOST_ONCE, "second").await, Rejection::InProgress);
            assert_eq!(second.faults.calls(), Calls { claim: 2, ..NONE });
            done("first")
        });
        assert_eq!(executed(served.await), "first");
        let key = IdempotencyKey::new("compared").unwrap();
        let call = |print| {
            let call =
                bench.engine.call(&AT_MOST_ONCE, &["test"], Scope::of("tenant"), &key).unwrap();
            call.with_fingerprint(Fingerprint::from_parts(1, [print; 32]))
        };
        drop(
            bench.engine.run(call(1), |_| async { done("first") }, || done("panic")).await.unwrap(),
        );
        let before = bench.faults.calls();
        let served =
            bench.engine.run(call(2), |_| async { done("second") }, || done("panic")).await;
        assert_rejected!(served, Rejection::KeyReused);
        assert_eq!(bench.faults.calls(), Calls { claim: before.claim + 1, ..before });
    }
}

#[tokio::test]
async fn refused_request_costs_no_call() {
    for bench in Bench::each() {
        let key = IdempotencyKey::new("key").unwrap();
        let call = bench.engine.call(&AT_MOST_ONCE, &["test"], Scope::of(""), &key);
        assert!(matches!(call, Err(Rejection::ScopeEmpty)));
        assert_eq!(bench.engine.drain(Duration::ZERO).await, Drained::Finished);
        assert_rejected!(bench.call(&AT_MOST_ONCE, "late").await, Rejection::Draining);
        assert_eq!((bench.faults.calls(), bench.runs()), (NONE, 0));
    }
}
