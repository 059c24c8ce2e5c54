//! Runs of a handler with `recover` whose outcome is unknown.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::network::behind_a_proxy;
use crate::support::{Problem, Request, Response, Server, TestEnv};

/// Longer than any test, in milliseconds. The process is killed during this time.
const FOREVER_MS: u64 = 600_000;

/// The lease, settle and recheck times of `/recover` are equal.
const SECOND: Duration = Duration::from_secs(1);

/// Sends the request until the hook has found the outcome, or the handler has run again. Until then, every response tells
/// the client to retry.
async fn until_known(pay: &Request) -> Response {
    loop {
        let response = pay.until(|response| !response.is(Problem::InProgress)).await;
        if response.status == 201 {
            return response;
        }
        response.assert_unknown_yet();
    }
}

/// Asserts that the response shows the effect that the hook found, and not the response of a handler.
#[track_caller]
fn assert_found(response: &Response, note: &str) {
    response.assert_replay();
    let found: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!((&found["note"], &found["amount"]), (&json!(note), &json!(100)));
    assert_eq!(found["id"], found["seq"].as_u64().unwrap().to_string());
    assert!(!response.headers.contains_key("location"), "{response:?}");
}

/// Starts a run of key `k` in a process that is killed once the run has had its effect or, with `effects` 0, has begun.
async fn killed(env: &TestEnv, script: &Value, effects: u64) -> Request {
    let first = env.start().await;
    let pay = first.pay_with("/recover", "k", script);
    let sent = pay.start_run(&first, effects).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    pay
}

pub(crate) async fn fault_crash_with_recover_hook_after_effect(env: &TestEnv) {
    let second = env.start().await;
    let pay = killed(env, &json!({ "delay_ms": FOREVER_MS }), 1).await.to(&second);
    let found = pay.until_settled().await;
    assert_found(&found, "k");
    pay.until_settled().await.assert_replay_of(&found);
    second.assert_counts("k", 1, 1).await;
    assert_eq!(second.counts("k").await.hooks, 1);
}

pub(crate) async fn fault_crash_with_recover_hook_before_effect(env: &TestEnv) {
    let second = env.start().await;
    let script = json!({ "once": true, "effect": "none", "delay_ms": FOREVER_MS });
    let started = Instant::now();
    let pay = killed(env, &script, 0).await.to(&second);
    let rerun = until_known(&pay).await;
    assert!(started.elapsed() >= 2 * SECOND, "it ran again before the lease and the settle time");
    pay.until_settled().await.assert_replay_of(rerun.assert_executed(201));
    second.assert_counts("k", 2, 1).await;
    let runs = env.runs("k");
    assert!(runs[0].token < runs[1].token && runs[1].attempt > 1, "{runs:?}");
}

pub(crate) async fn fault_crash_with_recover_hook_in_hook(env: &TestEnv) {
    let second = env.start().await;
    let script = json!({ "delay_ms": FOREVER_MS, "hook": "slow" });
    let pay = killed(env, &script, 1).await.to(&second);
    let asking = tokio::spawn(async move { pay.until_settled_or_gone().await });
    second.until_hooks("k", 1).await;
    second.kill().await;
    asking.await.unwrap();
    let third = env.start().await;
    let pay = third.pay_with("/recover", "k", &script);
    let found = until_known(&pay).await;
    assert_found(&found, "k");
    third.assert_counts("k", 1, 1).await;
    assert_eq!(third.counts("k").await.hooks, 2);
}

/// The gate of the paused process stays closed, so only the lost lease ends its run.
pub(crate) async fn fault_pause_with_recover_hook_after_effect(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/recover", "k", &json!({ "gate": true }));
    let sent = pay.start_run(&second, 1).await;
    env.pause(&first);
    let found = until_known(&pay.to(&second)).await;
    assert_found(&found, "k");
    first.resume();
    sent.await.unwrap().expect("the resumed process responds").assert_replay_of(&found);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_pause_with_recover_hook_before_effect(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let script = json!({ "once": true, "gate": true, "effect": "after" });
    let pay = first.pay_with("/recover", "k", &script);
    let sent = pay.start_run(&second, 0).await;
    env.pause(&first);
    let rerun = until_known(&pay.to(&second)).await;
    rerun.assert_executed(201);
    second.assert_counts("k", 2, 1).await;
    first.resume();
    sent.await.unwrap().expect("the resumed process responds").assert_replay_of(&rerun);
    // The run was cancelled, so it has no effect even now.
    first.open_gate("k").await;
    pay.until_settled().await.assert_replay_of(&rerun);
    second.assert_counts("k", 2, 1).await;
    assert_eq!(env.finished("k"), 1, "the cancelled run continued");
}

/// The thread of the resumed process is blocked, so it detects the lost lease only at its end.
pub(crate) async fn fault_pause_with_recover_hook_and_late_completion(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let script = json!({ "block_until": env.path("resumed") });
    let pay = first.pay_with("/recover", "k", &script);
    let sent = pay.start_run(&second, 1).await;
    env.pause(&first);
    let found = until_known(&pay.to(&second)).await;
    assert_found(&found, "k");
    first.resume();
    env.file("resumed", "");
    let late = sent.await.unwrap().expect("the resumed process responds");
    late.assert_replay_of(&found);
    assert!(!late.headers.contains_key("location"), "the stored result, not that of the run");
    pay.to(&second).until_settled().await.assert_replay_of(&found);
    second.assert_counts("k", 1, 1).await;
}

/// Sends a request whose handler reports that the provider did not respond.
async fn ambiguous(env: &TestEnv, script: &Value) -> (Server, Request) {
    let server = env.start().await;
    let mut script = script.clone();
    script["status"] = json!(504);
    let pay = server.pay_with("/recover", "k", &script);
    pay.send().await.assert_executed(504);
    (server, pay)
}

pub(crate) async fn fault_ambiguous_response_with_effect(env: &TestEnv) {
    let (server, pay) = ambiguous(env, &json!({})).await;
    let found = pay.until_settled().await;
    assert_found(&found, "k");
    pay.until_settled().await.assert_replay_of(&found);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_ambiguous_response_without_effect(env: &TestEnv) {
    let started = Instant::now();
    let (server, pay) = ambiguous(env, &json!({ "once": true, "effect": "none" })).await;
    let rerun = until_known(&pay).await;
    assert!(started.elapsed() >= SECOND, "it ran again before the settle time");
    pay.until_settled().await.assert_replay_of(rerun.assert_executed(201));
    server.assert_counts("k", 2, 1).await;
}

pub(crate) async fn fault_ambiguous_response_then_late_effect(env: &TestEnv) {
    let (server, pay) = ambiguous(env, &json!({ "effect": "none", "late_ms": 200 })).await;
    let found = until_known(&pay).await;
    assert_found(&found, "k");
    pay.until_settled().await.assert_replay_of(&found);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_provider_down_in_recover_hook(env: &TestEnv) {
    let (server, pay) = ambiguous(env, &json!({ "hook": "unknown" })).await;
    let started = Instant::now();
    while server.counts("k").await.hooks < 2 {
        pay.until_settled().await.assert_unknown_yet();
    }
    assert!(started.elapsed() >= SECOND, "the hook was entered again before the recheck time");
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_provider_contradicts_request(env: &TestEnv) {
    let (server, pay) = ambiguous(env, &json!({ "hook": "disputed" })).await;
    pay.until_settled().await.assert_unknown_for_good();
    pay.until_settled().await.assert_unknown_for_good();
    server.assert_counts("k", 1, 1).await;
    assert_eq!(server.counts("k").await.hooks, 1);
}

/// The place where effects are counted, which is the provider of this test, stays reachable.
pub(crate) async fn fault_store_unreachable_with_recover_hook(env: &TestEnv) {
    let (proxy, first) = behind_a_proxy(env).await;
    let second = env.start().await;
    let script = json!({ "once": true, "gate": true, "effect": "after" });
    let pay = first.pay_with("/recover", "k", &script);
    let sent = pay.start_run(&first, 0).await;
    // No server listens on port 1.
    proxy.redirect_to(1);
    // The run is cancelled: its gate is closed.
    sent.await.unwrap().expect("a response").assert_problem(Problem::OutcomeUnknown);
    let rerun = until_known(&pay.to(&second)).await;
    rerun.assert_executed(201);
    first.open_gate("k").await;
    proxy.redirect_to(env.port());
    pay.until(|response| !response.is(Problem::StoreUnavailable)).await.assert_replay_of(&rerun);
    second.assert_counts("k", 2, 1).await;
    assert_eq!(env.finished("k"), 1, "the cancelled run continued");
}

pub(crate) async fn fault_recover_hook_outlives_drain(env: &TestEnv) {
    let server = env.start_with(&["--drain", "200ms"]).await;
    let script = json!({ "status": 504, "hook": "slow" });
    let pay = server.pay_with("/recover", "k", &script);
    pay.send().await.assert_executed(504);
    let asking = pay.start();
    server.until_hooks("k", 1).await;
    server.terminate();
    asking.await.unwrap().expect("a response").assert_unknown_yet();
    assert_eq!(server.ended().await.code(), Some(3));
    let next = env.start().await;
    let found = until_known(&pay.to(&next)).await;
    assert_found(&found, "k");
    next.assert_counts("k", 1, 1).await;
    assert_eq!(next.counts("k").await.hooks, 2);
}

/// The number of concurrent duplicates.
const DUPLICATES: usize = 64;

pub(crate) async fn fault_unknown_outcome_with_duplicates(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start_second().await);
    let pay = first.pay_with("/recover", "k", &json!({ "status": 504 }));
    pay.send().await.assert_executed(504);
    let other = pay.to(second.as_ref().unwrap_or(&first));
    let sent = (0..DUPLICATES).map(|n| if n % 2 == 0 { &pay } else { &other }.start());
    for response in sent.collect::<Vec<_>>() {
        let response = response.await.unwrap().expect("a response");
        if !response.is(Problem::InProgress) {
            assert_found(&response, "k");
        }
    }
    assert_found(&pay.until_settled().await, "k");
    first.assert_counts("k", 1, 1).await;
    assert_eq!(first.counts("k").await.hooks, 1);
}
