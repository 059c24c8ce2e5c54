//! A client disconnects, or a timeout around the handler fires.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Problem, Request, Server, TestEnv};

pub(crate) async fn fault_client_disconnects_during_run(env: &TestEnv) {
    let server = env.start().await;
    let pay = |key: &str| server.pay_with("/payments", key, &json!({ "gate": true }));

    let closed = pay("fin").raw().await;
    server.until("fin", 1, 1).await;
    drop(closed);
    assert_outlives(&server, "fin", &pay("fin")).await;

    let reset = pay("rst").raw().await;
    server.until("rst", 1, 1).await;
    reset.set_zero_linger().unwrap();
    drop(reset);
    assert_outlives(&server, "rst", &pay("rst")).await;

    let mut half = pay("half").raw().await;
    server.until("half", 1, 1).await;
    half.shutdown().await.unwrap();
    assert_outlives(&server, "half", &pay("half")).await;

    let newer = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let stream = pay("h2").over(newer).start_run(&server, 1).await;
    stream.abort();
    assert_outlives(&server, "h2", &pay("h2")).await;
}

/// Asserts that the run continues to its end, and that a retry gets its response.
async fn assert_outlives(server: &Server, key: &str, retry: &Request) {
    retry.send().await.assert_problem(Problem::InProgress);
    server.open_gate(key).await;
    retry.until_settled().await.assert_replay();
    server.assert_counts(key, 1, 1).await;
}

pub(crate) async fn fault_outer_timeout_during_run(env: &TestEnv) {
    let server = env.start().await;
    // On a busy machine the timeout can end a request before its run has begun. Its claim is then given up, so this shows
    // nothing, and another key is tried.
    for attempt in 0..60 {
        let key = format!("k{attempt}");
        let pay = server.pay_with("/timeout", &key, &json!({ "gate": true }));
        assert_eq!(pay.send().await.status, 504);
        if server.counts(&key).await.attempts == 0 {
            continue;
        }
        pay.send().await.assert_problem(Problem::InProgress);
        server.open_gate(&key).await;
        pay.until_settled().await.assert_replay();
        return server.assert_counts(&key, 1, 1).await;
    }
    panic!("the machine is too busy: no run began within the timeout");
}

pub(crate) async fn fault_client_disconnects_during_upload(env: &TestEnv) {
    let server = env.start().await;
    let pay = server.pay("/payments", "k");
    let (mut half, _) = pay.raw_half().await;
    half.shutdown().await.unwrap();
    // The server has seen the end of the upload once it responds or closes the connection.
    let mut rest = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(10), half.read_to_end(&mut rest)).await);
    server.assert_counts("k", 0, 0).await;
    pay.send().await.assert_executed(201);
}
