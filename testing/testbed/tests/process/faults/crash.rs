//! A process is killed.

use serde_json::json;

use crate::support::{Bed, Problem};

/// Longer than any test: whoever is in there is killed in there.
const FOR_EVER: u64 = 600_000;

pub(crate) async fn fault_crash_before_claim(bed: &Bed) {
    let first = bed.start().await;
    let pay = first.pay("/hold", "k");
    let half_sent = pay.half_by_hand().await;
    first.kill().await;
    drop(half_sent);
    let second = bed.start().await;
    pay.to(&second).send().await.assert_executed(201);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_crash_in_handler_before_effect(bed: &Bed) {
    let sim = json!({ "once": true, "effect": "none", "delay_ms": FOR_EVER });
    killed_in_its_handler(bed, &sim, 0).await;
}

pub(crate) async fn fault_crash_after_effect_before_completion(bed: &Bed) {
    let sim = json!({ "once": true, "delay_ms": FOR_EVER });
    killed_in_its_handler(bed, &sim, 1).await;
}

async fn killed_in_its_handler(bed: &Bed, sim: &serde_json::Value, effects: u64) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/hold", "k", sim);
    let sent = pay.start();
    first.until("k", 1, effects).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "nobody answers");
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    pay.to(&second).send().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("k", 1, effects).await;
}

pub(crate) async fn fault_crash_then_takeover(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "delay_ms": FOR_EVER }));
    let sent = pay.start();
    first.until("k", 1, 1).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "nobody answers");
    let rerun = pay.to(&second).until_settled().await;
    rerun.assert_executed(201);
    second.assert_counts("k", 2, 2).await;
    pay.to(&second).send().await.assert_replay_of(&rerun);
    let runs = bed.runs("k");
    assert_eq!(runs.iter().map(|run| run.attempt).collect::<Vec<_>>(), [1, 2]);
    // So a provider that takes keys charges once.
    assert_eq!(runs[0].downstream_key, runs[1].downstream_key);
    assert!(runs[0].token < runs[1].token, "{runs:?}");
}

pub(crate) async fn fault_crash_beyond_max_attempts(bed: &Bed) {
    let sim = json!({ "delay_ms": FOR_EVER });
    for attempt in 1..=3 {
        let server = bed.start().await;
        let pay = server.pay_with("/takeover", "k", &sim);
        let sent = tokio::spawn(async move { pay.until_settled_or_gone().await });
        server.until("k", attempt, attempt).await;
        server.kill().await;
        sent.await.unwrap();
    }
    let last = bed.start().await;
    let pay = last.pay_with("/takeover", "k", &sim);
    pay.until_settled().await.assert_problem(Problem::OutcomeUnknown);
    last.assert_counts("k", 3, 3).await;
    assert_eq!(bed.runs("k").iter().map(|run| run.attempt).collect::<Vec<_>>(), [1, 2, 3]);
}
