//! Batches of messages.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::function::{Disposition, batch};
use idem_core::{Idempotency, idempotent};

use crate::support::{OrderError, RunCounter, fresh};

const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// Declines odd ids, returns `Busy` for multiples of ten, and panics for 7.
#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", lease = "20s")]
async fn process(
    idempotency: &Idempotency,
    id: u64,
    counter: &RunCounter,
) -> Result<(), OrderError> {
    counter.increment();
    tokio::task::yield_now().await;
    match id {
        7 => panic!("injected"),
        id if id % 10 == 0 => Err(OrderError::Busy),
        id if id % 2 == 1 => Err(OrderError::Declined("odd".to_owned())),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn each_message_has_its_own_disposition_in_order() {
    let (idempotency, _, counter) = fresh();
    let messages = [2, 10, 3, 2, 7, 4];
    let dispositions = batch(messages, THREE, |id| process(&idempotency, id, &counter)).await;
    let done = Disposition::Acknowledge;
    let later = Disposition::Redeliver { after: Duration::from_secs(1) };
    assert_eq!(dispositions[..3], [done, later, done]);
    assert_eq!(
        dispositions[4..],
        [Disposition::DeadLetter, done],
        "a panic affects only its message"
    );
    // The duplicate of 2 did not run, whether the first one was done or still running.
    let running = Disposition::Redeliver { after: Duration::from_secs(20) };
    assert!([done, running].contains(&dispositions[3]));
    assert_eq!(counter.runs(), 5);
}

#[tokio::test]
async fn exactly_the_given_number_of_calls_runs_concurrently() {
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let dispositions = batch(0..20, THREE, async |_| {
        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        running.fetch_sub(1, Ordering::SeqCst);
        Ok::<_, OrderError>(())
    })
    .await;
    assert_eq!(dispositions, [Disposition::Acknowledge; 20]);
    assert_eq!(most.into_inner(), 3);
}

#[tokio::test]
async fn an_empty_batch_returns_nothing() {
    let (idempotency, _, counter) = fresh();
    assert_eq!(batch([], THREE, |id| process(&idempotency, id, &counter)).await, []);
}

struct Message {
    id: u64,
}

#[tokio::test]
async fn a_batch_over_borrowed_messages_can_be_spawned() {
    let (idempotency, _, counter) = fresh();
    let messages = [2, 4, 4].map(|id| Message { id });
    let consumer = tokio::spawn(async move {
        let dispositions = batch(&messages, NonZeroUsize::MIN, |message| {
            process(&idempotency, message.id, &counter)
        });
        (dispositions.await, counter.runs())
    });
    assert_eq!(consumer.await.unwrap(), (vec![Disposition::Acknowledge; 3], 2));
}
