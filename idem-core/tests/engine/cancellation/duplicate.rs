//! A duplicate is cut off; the run that it came after is not concerned.

use idem_core::{Drained, Idempotency, Policy};

use super::at_every_poll;
use crate::support::{
    AGAIN, AGAIN_WAITING, Gate, HUGE, ONCE, ONCE_WAITING, Remote, Service, done, polled, ran,
    refused, replayed,
};

/// More polls than a waiting duplicate takes to take its seat and look a second time.
const SEATED: usize = 24;

#[tokio::test]
async fn a_duplicate_cut_anywhere_leaves_the_run_alone() {
    for policy in [&ONCE, &AGAIN] {
        at_every_poll(async |store, polls| {
            let service = Service::new(store);
            let gate = Gate::default();
            let first = service.spawn(policy, "key", gate.then("first"));
            gate.started().await;

            let duplicate = polled(service.send(policy, "key", done("second")), polls).await;
            let ended =
                duplicate.inspect(|seen| assert_eq!(*seen, refused("InProgress"))).is_some();

            gate.open();
            assert_eq!(first.await.unwrap(), ran("first"));
            assert_eq!(service.send(policy, "key", done("third")).await, replayed("first"));
            assert_eq!(service.runs(), 1);
            ended
        })
        .await;
    }
}

/// Time is paused, so that the poll underneath a waiting duplicate is due as soon as all else is idle.
#[tokio::test(start_paused = true)]
async fn a_waiting_duplicate_cut_anywhere_gives_up_its_seat() {
    for policy in [&ONCE_WAITING, &AGAIN_WAITING] {
        for store in Remote::at_all_distances() {
            for polls in 0..SEATED {
                cut_waiting(store.emptied(), policy, polls).await;
            }
        }
    }
}

async fn cut_waiting(store: Remote, policy: &'static Policy, polls: usize) {
    let service = Service::of(Idempotency::builder(store.clone()).max_waiters(1, 1).build());
    let gate = Gate::default();
    let first = service.spawn(policy, "key", gate.then("first"));
    gate.started().await;

    let cut = polled(service.send(policy, "key", done("second")), polls).await;
    assert_eq!(cut, None, "it waits for as long as the first runs");
    let next = polled(service.send(policy, "key", done("third")), SEATED).await;
    assert_eq!(next, None, "the only seat is free again");

    gate.open();
    assert_eq!(first.await.unwrap(), ran("first"));
    assert_eq!(service.idempotency.drain(HUGE).await, Drained::Finished);
    assert_eq!(service.another(store).send(policy, "key", done("fourth")).await, replayed("first"));
    assert_eq!(service.runs(), 1);
}
