//! A process is killed.

use std::time::Duration;

use serde_json::json;

use crate::support::{Problem, TestEnv};

/// Longer than any test, in milliseconds. The process is killed during this time.
const FOREVER_MS: u64 = 600_000;

pub(crate) async fn fault_crash_before_claim(env: &TestEnv) {
    let first = env.start().await;
    let pay = first.pay("/hold", "k");
    let half_sent = pay.raw_half().await;
    first.kill().await;
    drop(half_sent);
    let second = env.start().await;
    pay.to(&second).send().await.assert_executed(201);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_crash_in_handler_before_effect(env: &TestEnv) {
    let script = json!({ "once": true, "effect": "none", "delay_ms": FOREVER_MS });
    killed_in_its_handler(env, &script, 0).await;
}

pub(crate) async fn fault_crash_after_effect_before_completion(env: &TestEnv) {
    let script = json!({ "once": true, "delay_ms": FOREVER_MS });
    killed_in_its_handler(env, &script, 1).await;
}

async fn killed_in_its_handler(env: &TestEnv, script: &serde_json::Value, effects: u64) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/hold", "k", script);
    let sent = pay.start_run(&first, effects).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    pay.to(&second).until_settled().await.assert_unknown_for_good();
    pay.to(&second).send().await.assert_unknown_for_good();
    second.assert_counts("k", 1, effects).await;
}

/// Longer than the ttl and the lease of `/short` together.
const BEYOND_TTL: Duration = Duration::from_secs(4);

pub(crate) async fn fault_unknown_outcome_outlives_ttl(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/short", "k", &json!({ "once": true, "delay_ms": FOREVER_MS }));
    let sent = pay.start_run(&first, 1).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    // The fault is that the ttl passes after the crash.
    tokio::time::sleep(BEYOND_TTL).await;
    pay.to(&second).send().await.assert_unknown_for_good();
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_crash_then_takeover(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "delay_ms": FOREVER_MS }));
    let sent = pay.start_run(&first, 1).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    let rerun = pay.to(&second).until_settled().await;
    rerun.assert_executed(201);
    second.assert_counts("k", 2, 2).await;
    pay.to(&second).until_settled().await.assert_replay_of(&rerun);
    let runs = env.runs("k");
    assert_eq!(runs.iter().map(|run| run.attempt).collect::<Vec<_>>(), [1, 2]);
    // A provider that honours keys therefore charges once.
    let keys = env.downstream_keys("k");
    assert!(keys[0].is_some());
    assert_eq!(keys[0], keys[1]);
    assert!(runs[0].token < runs[1].token, "{runs:?}");
}

pub(crate) async fn fault_crash_beyond_max_attempts(env: &TestEnv) {
    let script = json!({ "delay_ms": FOREVER_MS });
    for attempt in 1..=3 {
        let server = env.start().await;
        let pay = server.pay_with("/takeover", "k", &script);
        let sent = tokio::spawn(async move { pay.until_settled_or_gone().await });
        server.until("k", attempt, attempt).await;
        server.kill().await;
        sent.await.unwrap();
    }
    let last = env.start().await;
    let pay = last.pay_with("/takeover", "k", &script);
    pay.until_settled().await.assert_problem(Problem::OutcomeUnknown);
    last.assert_counts("k", 3, 3).await;
    assert_eq!(env.runs("k").iter().map(|run| run.attempt).collect::<Vec<_>>(), [1, 2, 3]);
}
