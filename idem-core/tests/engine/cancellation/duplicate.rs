//! Cancellation of a duplicate. It does not affect the run of the first request.

use idem_core::{Drained, Idempotency, Policy};

use super::after_each_poll;
use crate::support::{
    AT_LEAST_ONCE, AT_LEAST_ONCE_WAITING, AT_MOST_ONCE, AT_MOST_ONCE_WAITING, DelayedStore, Gate,
    HUGE, Service, done, poll_times, ran, refused, replayed,
};

/// More polls than a duplicate needs until it waits and has claimed a second time.
const POLLS_UNTIL_WAITING: usize = 24;

#[tokio::test(start_paused = true)]
async fn a_cancelled_duplicate_does_not_affect_the_run() {
    for policy in [&AT_MOST_ONCE, &AT_LEAST_ONCE] {
        after_each_poll(async |store, polls| {
            let service = Service::new(store);
            let gate = Gate::default();
            let first = service.spawn(policy, "key", gate.then("first"));
            gate.started().await;

            let duplicate = poll_times(service.send(policy, "key", done("second")), polls).await;
            let ended = duplicate
                .inspect(|response| assert_eq!(*response, refused("InProgress")))
                .is_some();

            gate.open();
            assert_eq!(first.await.unwrap(), ran("first"));
            assert_eq!(service.send(policy, "key", done("third")).await, replayed("first"));
            assert_eq!(service.runs(), 1);
            ended
        })
        .await;
    }
}

/// Time is paused, so that a waiting duplicate polls the store as soon as all tasks are idle.
#[tokio::test(start_paused = true)]
async fn a_cancelled_waiting_duplicate_does_not_count() {
    for policy in [&AT_MOST_ONCE_WAITING, &AT_LEAST_ONCE_WAITING] {
        for store in DelayedStore::with_all_delays() {
            for polls in 0..POLLS_UNTIL_WAITING {
                cancel_waiting(store.without_records(), policy, polls).await;
            }
        }
    }
}

async fn cancel_waiting(store: DelayedStore, policy: &'static Policy, polls: usize) {
    let service = Service::with(Idempotency::builder(store.clone()).max_waiters(1, 1).build());
    let gate = Gate::default();
    let first = service.spawn(policy, "key", gate.then("first"));
    gate.started().await;

    let cancelled = poll_times(service.send(policy, "key", done("second")), polls).await;
    assert_eq!(cancelled, None, "a duplicate waits while the first request runs");
    let next = poll_times(service.send(policy, "key", done("third")), POLLS_UNTIL_WAITING).await;
    assert_eq!(next, None, "the next duplicate waits and is not refused");

    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    assert_eq!(
        service.another_process(store).send(policy, "key", done("fourth")).await,
        replayed("first")
    );
    assert_eq!(service.runs(), 1);
}
