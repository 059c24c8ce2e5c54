//! The store is down when a key is released, or its reply to the release is lost.

use idem_conformance::{Fault, Kind};
use idem_core::Rejection;
use tokio::sync::oneshot;

use crate::support::{
    AT_MOST_ONCE, TestEnv, assert_rejected, executed, not_executed, soon, success,
};

/// Time is paused: the caller of a run waits only two seconds for a release.
#[tokio::test(start_paused = true)]
async fn fault_store_outage_short_frees_key() {
    for env in TestEnv::each() {
        env.faults.inject_next(2, [Kind::Release], Fault::Down);
        let served = env.call_with(&AT_MOST_ONCE, |_| async { not_executed("busy") });
        assert_eq!(executed(served.await), "busy");
        assert_eq!(env.faults.calls().release, 3);
        env.assert_free().await;
    }
}

#[tokio::test]
async fn fault_release_reply_lost_leaves_next_owner_untouched() {
    for env in TestEnv::each() {
        env.faults.inject([Kind::Release], Fault::Late);
        env.faults.inject_next(1, [Kind::Release], Fault::LostReply);
        let first = env.clone();
        let first = tokio::spawn(async move {
            first.call_with(&AT_MOST_ONCE, |_| async { not_executed("busy") }).await
        });
        soon(env.faults.until_held(1)).await;

        let (started, begun) = oneshot::channel();
        let (go_on, gate) = oneshot::channel();
        let second = env.another();
        let owner = second.clone();
        let owner = tokio::spawn(async move {
            let handler = |_| async move {
                started.send(()).unwrap();
                gate.await.unwrap();
                success("second")
            };
            owner.call_with(&AT_MOST_ONCE, handler).await
        });
        begun.await.unwrap();
        env.faults.deliver();
        assert_eq!(executed(first.await.unwrap()), "busy");
        assert_rejected!(second.call(&AT_MOST_ONCE, "third").await, Rejection::InProgress);
        go_on.send(()).unwrap();
        assert_eq!(executed(owner.await.unwrap()), "second");
        second.assert_replays("second").await;
        assert_eq!(env.runs(), 2);
    }
}
