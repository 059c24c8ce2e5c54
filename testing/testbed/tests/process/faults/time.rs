//! Long runs, wrong clocks, and the end of the `ttl`.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::{Bed, Problem, Response, Server};

pub(crate) async fn fault_handler_outlives_lease(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start_second().await);
    let (other, sim) = (second.as_ref().unwrap_or(&first), json!({ "delay_ms": 2500 }));
    join(lasts(&first, other, "/hold", &sim), lasts(&first, other, "/takeover", &sim)).await;
}

pub(crate) async fn fault_handler_blocks_thread(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start_second().await);
    let (other, sim) = (second.as_ref().unwrap_or(&first), json!({ "block_ms": 1600 }));
    // One after the other, because there may be two threads only.
    lasts(&first, other, "/hold", &sim).await;
    lasts(&first, other, "/takeover", &sim).await;
}

/// Duplicates never get a word but that it goes on.
async fn lasts(first: &Server, other: &Server, path: &str, sim: &Value) {
    let pay = first.pay_with(path, path, sim);
    let sent = pay.start();
    other.until(path, 1, 1).await;
    while !sent.is_finished() {
        let duplicate = pay.to(other).send().await;
        assert!(duplicate.is(Problem::InProgress) || duplicate.is_replay(), "{duplicate:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    pay.send().await.assert_replay_of(sent.await.unwrap().unwrap().assert_executed(201));
    other.assert_counts(path, 1, 1).await;
}

pub(crate) async fn fault_max_run_exceeded(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start_second().await);
    let pay = first.pay_with("/max-run", "k", &json!({ "gate": true }));
    pay.send().await.assert_problem(Problem::OutcomeUnknown);
    let retry = pay.to(second.as_ref().unwrap_or(&first));
    retry.until_settled().await.assert_problem(Problem::OutcomeUnknown);
    first.open_gate("k").await;
    pay.send().await.assert_problem(Problem::OutcomeUnknown);
    first.assert_counts("k", 1, 1).await;
    assert_eq!(bed.finished("k"), 0, "it went on");
    first.terminate();
    assert_eq!(first.ended().await.code(), Some(0), "nothing is left to drain");
}

pub(crate) async fn fault_client_clock_wrong(bed: &Bed) {
    let right = bed.start().await;
    for (n, offset) in ["-1d", "-1h", "+1h", "+1d"].into_iter().enumerate() {
        let wrong = [("LD_PRELOAD", FAKETIME), ("FAKETIME", offset), ("DONT_FAKE_MONOTONIC", "1")];
        let wrong = bed.start_on(&bed.url(), &[], &wrong).await;
        let key = format!("k{n}");
        let pay = wrong.pay_with("/hold", &key, &json!({ "delay_ms": 1500 }));
        let sent = pay.start();
        right.until(&key, 1, 1).await;
        pay.to(&right).send().await.assert_problem(Problem::InProgress);
        let first = sent.await.unwrap().expect("it is answered");
        pay.to(&right).send().await.assert_replay_of(first.assert_executed(201));
        let other = format!("other{n}");
        let first = right.pay("/payments", &other).send().await;
        right.pay("/payments", &other).to(&wrong).send().await.assert_replay_of(&first);
        right.assert_counts(&key, 1, 1).await;
        let hour = |answer: &Response| answer.headers["date"].to_str().unwrap()[..19].to_owned();
        let (told, true_time) = (wrong.pay("/payments", &other), right.pay("/payments", &other));
        let (told, true_time) = (told.send().await, true_time.send().await);
        assert_ne!(hour(&told), hour(&true_time), "`apt-get install faketime` installs it");
    }
}

/// Where Debian puts it; the loader looks for it in its own folders too.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// Longer than the ttl of `/short` and its lease together.
const OVER: Duration = Duration::from_millis(3500);

pub(crate) async fn fault_ttl_expires(bed: &Bed) {
    let server = bed.start().await;
    let pay = server.pay_with("/short", "k", &json!({ "gate": true }));
    let sent = pay.start();
    server.until("k", 1, 1).await;
    // It runs on, however long that takes.
    let started = Instant::now();
    while started.elapsed() < OVER {
        pay.send().await.assert_problem(Problem::InProgress);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.open_gate("k").await;
    let first = sent.await.unwrap().expect("it is answered");
    pay.send().await.assert_replay_of(first.assert_executed(201));
    // Its answer is kept for the ttl, and then the key is as good as new.
    let other = server.pay("/short", "k").note("other");
    other.send().await.assert_problem(Problem::KeyReused);
    let later = other.until(|answer| !answer.is(Problem::KeyReused)).await;
    later.assert_executed(201);
    server.assert_counts("k", 1, 1).await;
    server.assert_counts("other", 1, 1).await;
}
