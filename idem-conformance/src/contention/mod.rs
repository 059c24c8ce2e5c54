//! Many concurrent duplicates of one key, sent to two instances of a [`Service`].

mod service;

use idem_core::http::Served;
use idem_core::store::IdempotencyStore;
use idem_core::{Outcome, Rejection};

use crate::watchdog::{LIMIT, within};

pub use service::{IMMEDIATE, Reply, Service, WAITING, send_duplicates};

/// Checks that exactly one of 200 concurrent duplicates runs, and that all others get `in-progress`.
///
/// `one` and `two` are two connections to the same records.
///
/// # Panics
/// If more than one duplicate runs, or if one gets another response.
pub async fn one_of_many_runs(one: impl IdempotencyStore, two: impl IdempotencyStore) {
    const SENDERS: usize = 200;
    let one = Service::on(one);
    let two = one.sibling(two);
    let mut replies = send_duplicates(&[one.clone(), two], &IMMEDIATE, SENDERS);
    let mut next = async || {
        let reply = within(LIMIT, "the next reply of the service", replies.join_next()).await;
        reply.expect("one is left").expect("it ended")
    };
    for _ in 1..SENDERS {
        let refused = next().await;
        assert!(matches!(refused, Err(Rejection::InProgress)), "{refused:?}");
    }
    one.gate.add_permits(1);
    let first = next().await;
    assert!(matches!(first, Ok(Served::Executed(()))), "{first:?}");
    assert_eq!(one.runs(), 1);
    // A slow store may accept the response only after the caller of the run has got it.
    assert!(matches!(one.send(&WAITING, "k").await, Ok(Served::Replayed(_))));
}

/// Checks that exactly one of 50 waiting duplicates runs after the first run frees the key.
///
/// `one` and `two` are two connections to the same records.
///
/// # Panics
/// If no waiting duplicate runs, or more than one.
pub async fn freed_key_lets_one_waiter_run(one: impl IdempotencyStore, two: impl IdempotencyStore) {
    let one = Service::on(one)
        .with_outcomes(|run| if run == 0 { Outcome::NotExecuted } else { Outcome::Final });
    let two = one.sibling(two);
    let mut replies = send_duplicates(&[one.clone(), two], &WAITING, 50);
    one.gate.add_permits(2);
    let mut executed = 0;
    let next = "the next reply of the service";
    while let Some(reply) = within(LIMIT, next, replies.join_next()).await {
        let served = reply.expect("it ended").expect("it is served");
        executed += usize::from(matches!(served, Served::Executed(())));
    }
    assert_eq!((one.runs(), executed), (2, 2));
}
