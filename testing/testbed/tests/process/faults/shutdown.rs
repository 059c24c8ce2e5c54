//! A process gets SIGTERM.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::support::{Bed, Problem, Server};

pub(crate) async fn fault_sigterm_during_run(bed: &Bed) {
    let server = bed.start().await;
    let pay = server.pay_with("/payments", "k", &json!({ "delay_ms": 800 }));
    let sent = pay.start();
    // It ends last, when no connection is left to wait for.
    let left = server.pay_with("/payments", "left", &json!({ "delay_ms": 1600 }));
    let connection = left.by_hand().await;
    let unkeyed = unkeyed(&server, &json!({ "delay_ms": 4000 }));
    server.until("k", 1, 1).await;
    server.until("left", 1, 1).await;
    server.until("unkeyed", 1, 1).await;
    connection.set_zero_linger().unwrap();
    drop(connection);
    server.terminate();
    let answer = sent.await.unwrap().expect("it is answered");
    answer.assert_executed(201);
    assert_eq!(unkeyed.await.unwrap(), Some(201), "it has no key, and ends all the same");
    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(bed.finished("left"), 1, "it was cut off");
    if !bed.in_memory() {
        let next = bed.start().await;
        pay.to(&next).send().await.assert_replay_of(&answer);
        left.to(&next).send().await.assert_replay();
        next.assert_counts("left", 1, 1).await;
    }
}

pub(crate) async fn fault_drain_deadline_passes(bed: &Bed) {
    let server = bed.start_with(&["--drain", "200ms"]).await;
    let pay = server.pay_with("/payments", "k", &json!({ "delay_ms": 600_000 }));
    let sent = pay.start();
    server.until("k", 1, 1).await;
    server.terminate();
    sent.await.unwrap().expect("it is answered").assert_problem(Problem::OutcomeUnknown);
    assert_eq!(server.ended().await.code(), Some(3));
    let next = bed.start().await;
    // At once, though its lease has half a minute left.
    pay.to(&next).send().await.assert_problem(Problem::OutcomeUnknown);
    next.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_drain_deadline_passes_without_key(bed: &Bed) {
    let server = bed.start_with(&["--drain", "200ms"]).await;
    let unkeyed = unkeyed(&server, &json!({ "gate": true }));
    server.until("unkeyed", 1, 1).await;
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(3));
    assert_eq!(unkeyed.await.unwrap(), None, "nobody answers");
}

/// Sends a request without a key; the status of its answer, if there is one.
fn unkeyed(server: &Server, sim: &Value) -> JoinHandle<Option<u16>> {
    let body =
        json!({ "amount": 1, "currency": "EUR", "source": "s", "note": "unkeyed", "sim": sim });
    let url = format!("http://{}/notes", server.address);
    let request = server.client.post(url).bearer_auth("alice").json(&body);
    tokio::spawn(async move { Some(request.send().await.ok()?.status().into()) })
}

pub(crate) async fn fault_request_during_drain(bed: &Bed) {
    let (server, other) = (bed.start().await, bed.start().await);
    let running = server.pay_with("/payments", "running", &json!({ "delay_ms": 2500 }));
    let sent = running.start();
    server.until("running", 1, 1).await;
    // On its way already, so that the server still takes the rest of it.
    let pay = server.pay("/payments", "k");
    let (mut uploading, rest) = pay.half_by_hand().await;
    server.terminate();
    // The signal takes a moment; what comes before it counts as usual.
    while let Some(answer) = server.pay("/payments", "probe").send_within(PATIENCE).await {
        if answer.status == 503 {
            break;
        }
    }
    uploading.write_all(&rest).await.unwrap();
    let mut answer = String::new();
    uploading.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("store-unavailable"), "{answer}");
    sent.await.unwrap().expect("it is answered").assert_executed(201);
    assert_eq!(server.ended().await.code(), Some(0));
    pay.to(&other).send().await.assert_executed(201);
    other.assert_counts("k", 1, 1).await;
}

/// Until a server that no longer listens is believed not to.
const PATIENCE: Duration = Duration::from_millis(500);
