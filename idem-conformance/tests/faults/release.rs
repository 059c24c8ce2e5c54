//! The store is down when a key is released, or its reply to the release is lost.

use idem_conformance::{Fault, Kind};
use idem_core::Rejection;
use tokio::sync::oneshot;

use crate::bench::{AT_MOST_ONCE, Bench, assert_rejected, done, executed, refused, soon};

#[tokio::test]
async fn fault_store_outage_short_frees_key() {
    for bench in Bench::each() {
        bench.faults.inject_next(2, [Kind::Release], Fault::Down);
        let served = bench.call_with(&AT_MOST_ONCE, |_| async { refused("busy") });
        assert_eq!(executed(served.await), "busy");
        assert_eq!(bench.faults.calls().release, 3);
        bench.assert_free().await;
    }
}

#[tokio::test]
async fn fault_release_reply_lost_leaves_next_owner_untouched() {
    for bench in Bench::each() {
        bench.faults.inject([Kind::Release], Fault::Late);
        bench.faults.inject_next(1, [Kind::Release], Fault::LostReply);
        let first = bench.clone();
        let first = tokio::spawn(async move {
            first.call_with(&AT_MOST_ONCE, |_| async { refused("busy") }).await
        });
        soon(bench.faults.until_held(1)).await;

        let (started, begun) = oneshot::channel();
        let (go_on, gate) = oneshot::channel();
        let second = bench.another();
        let nonce = second.clone();
        let nonce = tokio::spawn(async move {
            let handler = |_| async move {
                started.send(()).unwrap();
                gate.await.unwrap();
                done("second")
            };
            nonce.call_with(&AT_MOST_ONCE, handler).await
        });
        begun.await.unwrap();
        bench.faults.deliver();
        assert_eq!(executed(first.await.unwrap()), "busy");
        assert_rejected!(second.call(&AT_MOST_ONCE, "third").await, Rejection::InProgress);
        go_on.send(()).unwrap();
        assert_eq!(executed(nonce.await.unwrap()), "second");
        second.assert_replays("second").await;
        assert_eq!(bench.runs(), 2);
    }
}
