//! Many concurrent duplicates of one key, sent to two processes of a [`Service`].

mod service;

use idem_core::http::Served;
use idem_core::store::IdempotencyStore;
use idem_core::{Outcome, Rejection};

pub use service::{IMMEDIATE, Reply, Service, WAITING, send_duplicates};

/// Of 200 concurrent duplicates exactly one runs. The others get `in-progress`.
///
/// # Panics
/// If another runs, or is told something else.
pub async fn one_of_many_runs(one: impl IdempotencyStore, two: impl IdempotencyStore) {
    const SENDERS: usize = 200;
    let one = Service::on(one);
    let two = one.sibling(two);
    let mut replies = send_duplicates(&[one.clone(), two], &IMMEDIATE, SENDERS);
    let mut next = async || replies.join_next().await.expect("one is left").expect("it ended");
    for _ in 1..SENDERS {
        let refused = next().await;
        assert!(matches!(refused, Err(Rejection::InProgress)), "{refused:?}");
    }
    one.gate.add_permits(1);
    let first = next().await;
    assert!(matches!(first, Ok(Served::Executed(()))), "{first:?}");
    assert_eq!(one.runs(), 1);
    assert!(matches!(one.send(&IMMEDIATE, "k").await, Ok(Served::Replayed(_))));
}

/// A run that frees its key lets exactly one waiting duplicate run.
///
/// # Panics
/// If none does, or several.
pub async fn freed_key_lets_one_waiter_run(one: impl IdempotencyStore, two: impl IdempotencyStore) {
    let one = Service::on(one)
        .with_outcomes(|run| if run == 0 { Outcome::NotExecuted } else { Outcome::Final });
    let two = one.sibling(two);
    let mut replies = send_duplicates(&[one.clone(), two], &WAITING, 50);
    one.gate.add_permits(2);
    let mut executed = 0;
    while let Some(reply) = replies.join_next().await {
        let served = reply.expect("it ended").expect("it is served");
        executed += usize::from(matches!(served, Served::Executed(())));
    }
    assert_eq!((one.runs(), executed), (2, 2));
}
