//! A process gets SIGTERM.

use idem_testkit::http::Raw;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::support::{Problem, Server, TestEnv};

pub(crate) async fn fault_sigterm_during_run(env: &TestEnv) {
    let server = env.start().await;
    let pay = server.pay_with("/payments", "k", &json!({ "delay_ms": 800 }));
    let sent = pay.start();
    // This run ends last, after all connections are closed.
    let left = server.pay_with("/payments", "left", &json!({ "delay_ms": 1600 }));
    let connection = left.raw().await;
    let unkeyed = unkeyed(&server, &json!({ "delay_ms": 4000 }));
    server.until("k", 1, 1).await;
    server.until("left", 1, 1).await;
    server.until("unkeyed", 1, 1).await;
    connection.set_zero_linger().unwrap();
    drop(connection);
    server.terminate();
    let response = sent.await.unwrap().expect("a response");
    response.assert_executed(201);
    assert_eq!(unkeyed.await.unwrap(), Some(201), "a request without a key also ends");
    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(env.finished("left"), 1, "the run was cancelled");
    if !env.in_memory() {
        let next = env.start().await;
        pay.to(&next).until_settled().await.assert_replay_of(&response);
        left.to(&next).until_settled().await.assert_replay();
        next.assert_counts("left", 1, 1).await;
    }
}

pub(crate) async fn fault_drain_deadline_passes(env: &TestEnv) {
    let server = env.start_with(&["--drain", "200ms"]).await;
    let pay = server.pay_with("/payments", "k", &json!({ "delay_ms": 600_000 }));
    let sent = pay.start_run(&server, 1).await;
    server.terminate();
    sent.await.unwrap().expect("a response").assert_problem(Problem::OutcomeUnknown);
    assert_eq!(server.ended().await.code(), Some(3));
    let next = env.start().await;
    // Immediately, although 30 s of the lease are left.
    pay.to(&next).send().await.assert_problem(Problem::OutcomeUnknown);
    next.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_drain_deadline_passes_without_key(env: &TestEnv) {
    let server = env.start_with(&["--drain", "200ms"]).await;
    let unkeyed = unkeyed(&server, &json!({ "gate": true }));
    server.until("unkeyed", 1, 1).await;
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(3));
    assert_eq!(unkeyed.await.unwrap(), None, "the killed process sent no response");
}

/// Sends a request without a key. Returns the status of the response, if there is one.
fn unkeyed(server: &Server, script: &Value) -> JoinHandle<Option<u16>> {
    let body =
        json!({ "amount": 1, "currency": "EUR", "source": "s", "note": "unkeyed", "sim": script });
    let url = format!("http://{}/notes", server.address);
    let request = server.client.post(url).bearer_auth("alice").json(&body);
    tokio::spawn(async move { Some(request.send().await.ok()?.status().into()) })
}

pub(crate) async fn fault_request_during_drain(env: &TestEnv) {
    let (server, other) = (env.start().await, env.start().await);
    let script = json!({ "until": env.path("refused") });
    let running = server.pay_with("/payments", "running", &script);
    let sent = running.start_run(&server, 1).await;
    // The request has started, so the server still accepts the rest of it.
    let pay = server.pay("/payments", "k");
    let (mut uploading, rest) = pay.raw_half().await;
    let (probe, mut open) = (server.pay("/payments", "probe"), Raw::connect(server.address).await);
    probe.send().await.assert_executed(201);
    open.send(&probe.bytes()).await;
    assert_eq!(open.response().await, Some(201), "the server has accepted the connection");
    server.terminate();
    // The signal takes a moment. Requests before it are handled as usual.
    open.send_until_stopping(&probe.bytes()).await;
    uploading.write_all(&rest).await.unwrap();
    let mut response = Vec::new();
    // Not up to the end, because actix-web closes the connection only after the run.
    while !String::from_utf8_lossy(&response).contains("store-unavailable")
        && uploading.read_buf(&mut response).await.unwrap() > 0
    {}
    let text = String::from_utf8_lossy(&response);
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("store-unavailable"), "{text}");
    env.file("refused", "");
    sent.await.unwrap().expect("a response").assert_executed(201);
    assert_eq!(server.ended().await.code(), Some(0));
    pay.to(&other).send().await.assert_executed(201);
    other.assert_counts("k", 1, 1).await;
}
