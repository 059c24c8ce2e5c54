//! Runs that end with a panic or an error status.

use serde_json::{Value, json};

use crate::support::{Server, TestEnv};

pub(crate) async fn fault_handler_panics(env: &TestEnv) {
    let server = env.start().await;
    stored(&server, "/payments", 500, &json!({ "panic": true })).await;
    freed(&server, "/release", 500, &json!({ "panic": true, "once": true })).await;
    stored(&server, "/payments", 201, &json!({})).await;
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0), "no run is left to drain");
}

pub(crate) async fn fault_panic_outside_handler(env: &TestEnv) {
    let server = env.start().await;
    // A panic before the claim. The framework handles it, and the key is free even for another request.
    let unreadable = server.pay_with("/payments", "k", &json!({ "unreadable": true }));
    let response = unreadable.try_send().await;
    assert!(response.is_none_or(|response| response.status == 500));
    server.assert_counts("k", 0, 0).await;
    server.pay("/payments", "k").send().await.assert_executed(201);
    // A panic after the claim, in the response body.
    let script = json!({ "chunks": 1, "ends": "panic", "once": true });
    stored(&server, "/payments", 500, &script).await;
    freed(&server, "/release", 500, &script).await;
}

pub(crate) async fn fault_handler_returns_error(env: &TestEnv) {
    let server = env.start().await;
    for status in [200, 400, 402, 409, 422, 500, 502, 504] {
        stored(&server, "/payments", status, &json!({ "status": status })).await;
    }
    for status in [401, 403, 407, 408, 421, 425, 429, 503] {
        freed(&server, "/payments", status, &json!({ "status": status, "once": true })).await;
    }
    for status in [400, 409] {
        stored(&server, "/release", status, &json!({ "status": status })).await;
    }
    for status in [429, 500, 502, 503] {
        freed(&server, "/release", status, &json!({ "status": status, "once": true })).await;
    }
}

/// Asserts that the response of the first run is stored and replayed.
async fn stored(server: &Server, path: &str, status: u16, script: &Value) {
    let key = key();
    let pay = server.pay_with(path, &key, script);
    let first = pay.send().await;
    pay.until_settled().await.assert_replay_of(first.assert_executed(status));
    server.assert_counts(&key, 1, 1).await;
}

/// Asserts that the first run frees the key, and that the response of the second run is stored.
async fn freed(server: &Server, path: &str, status: u16, script: &Value) {
    let key = key();
    let pay = server.pay_with(path, &key, script);
    pay.send().await.assert_executed(status);
    let second = pay.until_settled().await;
    pay.until_settled().await.assert_replay_of(second.assert_executed(201));
    server.assert_counts(&key, 2, 2).await;
}

fn key() -> String {
    format!("{:016x}", rand::random::<u64>())
}
