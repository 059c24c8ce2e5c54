//! A process is paused for longer than its lease.

use std::time::Duration;

use serde_json::json;

use crate::support::{Problem, TestEnv};

/// Three leases of `/hold` and `/takeover`.
const THREE_LEASES: Duration = Duration::from_secs(3);

pub(crate) async fn fault_pause_without_duplicate(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/hold", "k", &json!({ "gate": true }));
    let sent = pay.start_run(&first, 1).await;
    env.pause(&first);
    // The fault is that time passes while no request observes the key.
    tokio::time::sleep(THREE_LEASES).await;
    first.resume();
    first.open_gate("k").await;
    let response = sent.await.unwrap().expect("the resumed process responds");
    response.assert_executed(201);
    pay.to(&second).until_settled().await.assert_replay_of(&response);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_pause_with_duplicate(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/hold", "k", &json!({ "gate": true }));
    let sent = pay.start_run(&first, 1).await;
    env.pause(&first);
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    first.resume();
    first.open_gate("k").await;
    let response = sent.await.unwrap().expect("the resumed process responds");
    response.assert_executed(201);
    pay.to(&second).until_settled().await.assert_replay_of(&response);
    second.assert_counts("k", 1, 1).await;
}

/// The file until which a handler blocks its thread. The handler ends in the poll in which it was paused, so it detects the
/// lost lease only at its end.
const RESUMED: &str = "resumed";

pub(crate) async fn fault_takeover_completes_first_and_its_response_is_returned(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let script = json!({ "once": true, "block_until": env.path(RESUMED) });
    let pay = first.pay_with("/takeover", "k", &script);
    let sent = pay.start_run(&second, 1).await;
    env.pause(&first);
    let winner = pay.to(&second).until_settled().await;
    winner.assert_executed(201);
    first.resume();
    env.file(RESUMED, "");
    let late = sent.await.unwrap().expect("the resumed process responds");
    assert_eq!(
        (late.status, &late.body),
        (201, &winner.body),
        "the stored result, not that of the run"
    );
    pay.to(&second).until_settled().await.assert_replay_of(&winner);
    second.assert_counts("k", 2, 2).await;
}

pub(crate) async fn fault_takeover_completes_first_and_stale_run_is_cancelled(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "gate": true }));
    let sent = pay.start_run(&second, 1).await;
    env.pause(&first);
    let winner = pay.to(&second).until_settled().await;
    winner.assert_executed(201);
    first.resume();
    // Its gate stays closed, so only the lost lease ends the run.
    sent.await.unwrap().expect("the resumed process responds").assert_replay_of(&winner);
    second.assert_counts("k", 2, 2).await;
    assert_eq!(env.finished("k"), 1, "the cancelled run continued");
}

pub(crate) async fn fault_takeover_still_running(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let script = json!({ "block_until": env.path(RESUMED), "gate": true });
    let pay = first.pay_with("/takeover", "k", &script);
    first.open_gate("k").await;
    let sent = pay.start_run(&second, 1).await;
    env.pause(&first);
    let overtaking = pay.to(&second);
    let overtaking = tokio::spawn(async move { overtaking.until_settled().await });
    second.until("k", 2, 2).await;
    first.resume();
    env.file(RESUMED, "");
    sent.await
        .unwrap()
        .expect("the resumed process responds")
        .assert_problem(Problem::OutcomeUnknown);
    second.open_gate("k").await;
    let winner = overtaking.await.unwrap();
    pay.until_settled().await.assert_replay_of(winner.assert_executed(201));
    second.assert_counts("k", 2, 2).await;
}
