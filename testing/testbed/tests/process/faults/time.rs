//! Long runs, wrong clocks, and the end of the `ttl`.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::{Problem, Response, Server, TestEnv};

pub(crate) async fn fault_handler_outlives_lease(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start_second().await);
    let (other, script) = (second.as_ref().unwrap_or(&first), json!({ "delay_ms": 2500 }));
    join(
        assert_in_progress_until_end(&first, other, "/hold", &script),
        assert_in_progress_until_end(&first, other, "/takeover", &script),
    )
    .await;
}

pub(crate) async fn fault_handler_blocks_thread(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start_second().await);
    let (other, script) = (second.as_ref().unwrap_or(&first), json!({ "block_ms": 1600 }));
    // Sequentially, because there may be only two threads.
    assert_in_progress_until_end(&first, other, "/hold", &script).await;
    assert_in_progress_until_end(&first, other, "/takeover", &script).await;
}

/// Asserts that duplicates get `in-progress` until the run ends.
async fn assert_in_progress_until_end(first: &Server, other: &Server, path: &str, script: &Value) {
    let pay = first.pay_with(path, path, script);
    let sent = pay.start_run(other, 1).await;
    while !sent.is_finished() {
        let duplicate = pay.to(other).send().await;
        assert!(duplicate.is(Problem::InProgress) || duplicate.is_replay(), "{duplicate:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    pay.until_settled().await.assert_replay_of(sent.await.unwrap().unwrap().assert_executed(201));
    other.assert_counts(path, 1, 1).await;
}

pub(crate) async fn fault_max_run_exceeded(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start_second().await);
    let pay = first.pay_with("/max-run", "k", &json!({ "gate": true }));
    pay.send().await.assert_problem(Problem::OutcomeUnknown);
    let retry = pay.to(second.as_ref().unwrap_or(&first));
    retry.until_settled().await.assert_problem(Problem::OutcomeUnknown);
    first.open_gate("k").await;
    pay.send().await.assert_problem(Problem::OutcomeUnknown);
    first.assert_counts("k", 1, 1).await;
    assert_eq!(env.finished("k"), 0, "the run continued");
    first.terminate();
    assert_eq!(first.ended().await.code(), Some(0), "no run is left to drain");
}

pub(crate) async fn fault_client_clock_wrong(env: &TestEnv) {
    let right = env.start().await;
    for (n, offset) in ["-1d", "-1h", "+1h", "+1d"].into_iter().enumerate() {
        let wrong = [("LD_PRELOAD", FAKETIME), ("FAKETIME", offset), ("DONT_FAKE_MONOTONIC", "1")];
        let wrong = env.start_on(&env.url(), &[], &wrong).await;
        let key = format!("k{n}");
        // The gate keeps the run in progress until the duplicate is refused, however slow the machine is.
        let script = json!({ "delay_ms": 1500, "gate": true });
        let pay = wrong.pay_with("/hold", &key, &script);
        let sent = pay.start_run(&right, 1).await;
        pay.to(&right).send().await.assert_problem(Problem::InProgress);
        wrong.open_gate(&key).await;
        let first = sent.await.unwrap().expect("a response");
        pay.to(&right).until_settled().await.assert_replay_of(first.assert_executed(201));
        let other = format!("other{n}");
        let first = right.pay("/payments", &other).send().await;
        right.pay("/payments", &other).to(&wrong).until_settled().await.assert_replay_of(&first);
        right.assert_counts(&key, 1, 1).await;
        let hour =
            |response: &Response| response.headers["date"].to_str().unwrap()[..19].to_owned();
        let (wrong_time, right_time) =
            (wrong.pay("/payments", &other), right.pay("/payments", &other));
        let (wrong_time, right_time) = (wrong_time.send().await, right_time.send().await);
        assert_ne!(
            hour(&wrong_time),
            hour(&right_time),
            "the clock is not wrong (install faketime with `apt-get install faketime`)"
        );
    }
}

/// The path on Debian. The loader also searches its own directories.
pub(super) const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// Longer than the ttl and the lease of `/short` together.
const BEYOND_TTL: Duration = Duration::from_millis(3500);

pub(crate) async fn fault_ttl_expires(env: &TestEnv) {
    let server = env.start().await;
    let pay = server.pay_with("/short", "k", &json!({ "gate": true }));
    let sent = pay.start_run(&server, 1).await;
    // The run continues beyond its ttl.
    let started = Instant::now();
    while started.elapsed() < BEYOND_TTL {
        pay.send().await.assert_problem(Problem::InProgress);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.open_gate("k").await;
    let first = sent.await.unwrap().expect("a response");
    pay.until_settled().await.assert_replay_of(first.assert_executed(201));
    // The response is kept for the ttl. Then the key is new.
    let other = server.pay("/short", "k").note("other");
    other.send().await.assert_problem(Problem::KeyReused);
    let later = other.until(|response| !response.is(Problem::KeyReused)).await;
    later.assert_executed(201);
    server.assert_counts("k", 1, 1).await;
    server.assert_counts("other", 1, 1).await;
}
