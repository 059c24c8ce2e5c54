//! The shutdown itself is cut off.

use std::time::Duration;

use idem_core::Drained;

use super::at_every_poll;
use crate::support::{
    Gate, HUGE, ONCE, ONCE_WAITING, Service, done, polled, ran, refused, replayed,
};

#[tokio::test]
async fn a_drain_cut_while_it_waits_has_only_stopped_new_runs() {
    for polls in 1..4 {
        let service = Service::new(idem_core::MemoryStore::new());
        let gate = Gate::default();
        let first = service.spawn(&ONCE, "key", gate.then("first"));
        gate.started().await;

        assert_eq!(polled(wakeful(service.idempotency.drain(HUGE)), polls).await, None);
        assert_eq!(service.send(&ONCE, "other", done("second")).await, refused("Draining"));

        gate.open();
        assert_eq!(first.await.unwrap(), ran("first"));
        assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    }
}

#[tokio::test]
async fn a_drain_cut_while_it_gives_up_leaves_no_key_running() {
    at_every_poll(async |store, polls| {
        let service = Service::new(store.clone());
        let gate = Gate::default();
        let first = service.spawn(&ONCE, "key", gate.then("first"));
        gate.started().await;

        let drained = polled(wakeful(service.idempotency.drain(Duration::ZERO)), polls).await;
        let ended = drained.inspect(|drained| assert_eq!(*drained, Drained::GaveUp(1))).is_some();

        gate.open();
        let first = first.await.unwrap();
        let retry = service.another(store).send(&ONCE_WAITING, "key", done("retried")).await;
        match retry {
            retry if retry == replayed("first") => assert_eq!(first, ran("first")),
            retry => {
                let unknown = refused("OutcomeUnknown");
                assert_eq!((retry, first), (unknown.clone(), unknown));
            }
        }
        assert_eq!(service.runs(), 1);
        ended
    })
    .await;
}

/// Wakes its task at every poll, so that the count of polls goes on.
async fn wakeful<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        future.as_mut().poll(cx)
    })
    .await
}
