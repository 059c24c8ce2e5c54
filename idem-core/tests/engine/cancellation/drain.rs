//! Cancellation of `drain`.

use std::time::Duration;

use idem_core::Drained;

use super::after_each_poll;
use crate::support::{
    AT_MOST_ONCE, AT_MOST_ONCE_WAITING, Gate, HUGE, Service, done, poll_times, ran, refused,
    replayed,
};

#[tokio::test]
async fn a_drain_cancelled_while_it_waits_only_refuses_new_runs() {
    for polls in 1..4 {
        let service = Service::new(idem_core::MemoryStore::new());
        let gate = Gate::default();
        let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
        gate.started().await;

        assert_eq!(
            poll_times(wake_at_each_poll(service.idempotency.drain(HUGE)), polls).await,
            None
        );
        assert_eq!(service.send(&AT_MOST_ONCE, "other", done("second")).await, refused("Draining"));

        gate.open();
        assert_eq!(first.await.unwrap(), ran("first"));
        assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_cancelled_while_it_gives_up_leaves_no_key_running() {
    after_each_poll(async |store, polls| {
        let service = Service::new(store.clone());
        let gate = Gate::default();
        let first = service.spawn(&AT_MOST_ONCE, "key", gate.then("first"));
        gate.started().await;

        let drained =
            poll_times(wake_at_each_poll(service.idempotency.drain(Duration::ZERO)), polls).await;
        let ended = drained.inspect(|drained| assert_eq!(*drained, Drained::GaveUp(1))).is_some();

        gate.open();
        let first = first.await.unwrap();
        let retry = service
            .another_process(store)
            .send(&AT_MOST_ONCE_WAITING, "key", done("retried"))
            .await;
        match retry {
            retry if retry == replayed("first") => assert_eq!(first, ran("first")),
            retry => {
                let unknown = refused("OutcomeUnknown { retry_after: None }");
                assert_eq!((retry, first), (unknown.clone(), unknown));
            }
        }
        assert_eq!(service.runs(), 1);
        ended
    })
    .await;
}

/// Wakes its task at every poll, so that it is polled again.
async fn wake_at_each_poll<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        future.as_mut().poll(cx)
    })
    .await
}
