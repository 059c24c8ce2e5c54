//! Responses that are streams: they are passed through as they are produced, and not retained.

use std::time::Duration;

use idem_core::Drained;
use serde_json::json;

use crate::app::MAX_RESPONSE;
use crate::http::{Closing, Open, Problem, Request, Server};
use crate::watchdog::watched;

/// Returns the response before its body. A stream that is collected has none.
async fn open(order: &Request) -> Open {
    watched("the head of the response", order.open()).await
}

/// The client gets the first part although the body never ends. The record does not wait for the end.
pub async fn a_stream_reaches_its_client_as_it_is_produced(server: &Server) {
    for (n, media_type) in [
        "text/event-stream; charset=utf-8",
        "application/x-ndjson",
        "application/json-seq",
        "multipart/x-mixed-replace; boundary=frame",
    ]
    .into_iter()
    .enumerate()
    {
        let script =
            json!({ "chunks": 1, "ends": "never", "headers": [["content-type", media_type]] });
        passes_through(server, &format!("n{n}"), script).await;
    }
    let marked = json!({ "chunks": 1, "ends": "never", "pass_through": true });
    passes_through(server, "marked", marked).await;
}

/// The limit is known before the body, so nothing is collected.
pub async fn a_response_with_a_length_over_the_limit_is_not_collected(server: &Server) {
    let length = (MAX_RESPONSE + 1).to_string();
    let script = json!({ "chunks": 1, "ends": "never", "headers": [["content-length", length]] });
    passes_through(server, "n", script).await;
}

async fn passes_through(server: &Server, note: &str, script: serde_json::Value) {
    let order = server.order("/payments", note).key(note).order_with(note, &script);
    let mut streaming = open(&order).await;
    assert_eq!(streaming.status, 201, "{script}");
    assert!(streaming.chunk().await.starts_with(b"{"));
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    server.assert_runs(note, 1);
}

/// A drain ends while the stream continues.
pub async fn a_drain_does_not_wait_for_a_stream(server: &Server) {
    let script = json!({ "chunks": 1, "ends": "never", "pass_through": true });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let mut streaming = open(&order).await;
    assert_eq!(streaming.status, 201);
    streaming.chunk().await;
    assert_eq!(server.idempotency.drain(Duration::MAX).await, Drained::Finished);
    assert_eq!(server.idempotency.activity(), idem_core::Activity::default());
    server.service.until_produced(1).await;
}

/// The producer belongs to the client. It is dropped when the client leaves.
pub async fn a_stream_ends_with_its_client(server: &Server) {
    let script = json!({ "chunks": 1, "ends": "never", "pass_through": true });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let mut raw = order.send_raw().await;
    let status_line = watched("the head of the response", raw.status_line()).await;
    assert!(status_line.starts_with("HTTP/1.1 201"));
    server.service.until_produced(1).await;
    raw.close(Closing::Rst).await;
    server.service.until_produced(0).await;
    order.send().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    server.assert_runs("n", 1);
}

/// If the client leaves before the head, the effect takes place, and nothing is produced.
pub async fn a_stream_without_a_client_is_not_produced(server: &Server) {
    let script = json!({ "gate": true, "chunks": 1, "ends": "never", "pass_through": true });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let raw = order.send_raw().await;
    let gate = server.service.gate("n");
    gate.reached().await;
    raw.close(Closing::Rst).await;
    server.service.until_present(0).await;
    gate.open();
    order.send_until_settled().await.assert_problem(&Problem::RESULT_UNAVAILABLE);
    server.service.until_produced(0).await;
    server.assert_runs("n", 1);
}

/// A failure with the media type of a stream is a response like any other.
pub async fn a_failed_stream_is_collected(server: &Server) {
    let headers = json!([["content-type", "text/event-stream"]]);
    let script = json!({ "status": 500, "chunks": 2, "headers": headers });
    let order = server.order("/payments", "n").key("k").order_with("n", &script);
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(500));
    let script = json!({ "status": 503, "chunks": 2, "headers": headers, "once": true });
    let order = server.order("/payments", "freed").key("freed").order_with("freed", &script);
    order.send().await.assert_executed(503);
    order.send().await.assert_executed(201);
}
