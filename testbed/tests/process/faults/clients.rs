//! A client goes away (rows 19, 20 and 22).

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Bed, Server};

pub(crate) async fn fault_19_clients_leave(bed: &Bed) {
    let server = bed.start().await;
    let sim = json!({ "delay_ms": 300 });
    let pay = |key: &str| server.pay_with("/payments", key, &sim);

    let closed = pay("fin").by_hand(true).await;
    server.until("fin", 1, 1).await;
    drop(closed);
    assert_outlives(&server, "fin").await;

    let reset = pay("rst").by_hand(true).await;
    server.until("rst", 1, 1).await;
    reset.set_zero_linger().unwrap();
    drop(reset);
    assert_outlives(&server, "rst").await;

    let mut half = pay("half").by_hand(true).await;
    server.until("half", 1, 1).await;
    half.shutdown().await.unwrap();
    assert_outlives(&server, "half").await;

    let newer = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let stream = pay("h2").over(newer).start();
    server.until("h2", 1, 1).await;
    stream.abort();
    assert_outlives(&server, "h2").await;
}

/// The run ended, and a retry gets its answer.
async fn assert_outlives(server: &Server, key: &str) {
    let retry = server.pay_with("/payments", key, &json!({ "delay_ms": 300 }));
    retry.until_settled().await.assert_replay();
    server.assert_counts(key, 1, 1).await;
}

pub(crate) async fn fault_20_an_outer_timeout(bed: &Bed) {
    let server = bed.start().await;
    let pay = server.pay_with("/timeout", "k", &json!({ "delay_ms": 1200 }));
    assert_eq!(pay.send().await.status, 504);
    pay.until_settled().await.assert_replay();
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_22_clients_leave_while_they_upload(bed: &Bed) {
    let server = bed.start().await;
    let pay = server.pay("/payments", "k");
    let mut half = pay.by_hand(false).await;
    half.shutdown().await.unwrap();
    // The server has seen the end: it answers, or closes.
    let mut rest = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(10), half.read_to_end(&mut rest)).await);
    server.assert_counts("k", 0, 0).await;
    pay.send().await.assert_executed(201);
}
