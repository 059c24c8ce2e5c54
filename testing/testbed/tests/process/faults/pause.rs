//! A process is paused for longer than its lease.

use std::time::Duration;

use serde_json::json;

use crate::support::{Bed, Problem};

/// Three leases of `/hold` and `/takeover`.
const THREE_LEASES: Duration = Duration::from_secs(3);

pub(crate) async fn fault_pause_without_duplicate(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/hold", "k", &json!({ "delay_ms": 300 }));
    let sent = pay.start();
    first.until("k", 1, 1).await;
    first.pause();
    // The fault itself: nobody may look, so time is all there is.
    tokio::time::sleep(THREE_LEASES).await;
    first.resume();
    let answer = sent.await.unwrap().expect("it goes on");
    answer.assert_executed(201);
    pay.to(&second).send().await.assert_replay_of(&answer);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_pause_with_duplicate(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/hold", "k", &json!({ "delay_ms": 300 }));
    let sent = pay.start();
    first.until("k", 1, 1).await;
    first.pause();
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    first.resume();
    let answer = sent.await.unwrap().expect("it goes on");
    answer.assert_executed(201);
    pay.to(&second).send().await.assert_replay_of(&answer);
    second.assert_counts("k", 1, 1).await;
}

/// It blocks its thread, so that it ends in the poll in which it is paused, and hears of its loss at its end.
const BLOCKS: u64 = 1500;

pub(crate) async fn fault_takeover_completes_first_and_its_response_is_returned(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "block_ms": BLOCKS }));
    let sent = pay.start();
    second.until("k", 1, 1).await;
    first.pause();
    let winner = pay.to(&second).until_settled().await;
    winner.assert_executed(201);
    first.resume();
    let late = sent.await.unwrap().expect("it goes on");
    assert_eq!((late.status, &late.body), (201, &winner.body), "the stored result, not its own");
    pay.to(&second).send().await.assert_replay_of(&winner);
    second.assert_counts("k", 2, 2).await;
}

pub(crate) async fn fault_takeover_completes_first_and_stale_run_is_cancelled(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "gate": true }));
    let sent = pay.start();
    second.until("k", 1, 1).await;
    first.pause();
    let winner = pay.to(&second).until_settled().await;
    winner.assert_executed(201);
    first.resume();
    // Nobody opens its gate: it hears of its loss.
    sent.await.unwrap().expect("it goes on").assert_replay_of(&winner);
    second.assert_counts("k", 2, 2).await;
    assert_eq!(bed.finished("k"), 1, "the one that was cut off went on");
}

pub(crate) async fn fault_takeover_still_running(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/takeover", "k", &json!({ "block_ms": BLOCKS, "gate": true }));
    first.open_gate("k").await;
    let sent = pay.start();
    second.until("k", 1, 1).await;
    first.pause();
    let overtaking = pay.to(&second);
    let overtaking = tokio::spawn(async move { overtaking.until_settled().await });
    second.until("k", 2, 2).await;
    first.resume();
    sent.await.unwrap().expect("it goes on").assert_problem(Problem::OutcomeUnknown);
    second.open_gate("k").await;
    let winner = overtaking.await.unwrap();
    pay.send().await.assert_replay_of(winner.assert_executed(201));
    second.assert_counts("k", 2, 2).await;
}
